"""duplexd as a process: signals, its standard streams, its exit codes."""

import fcntl
import json
import re
import resource
import signal
import subprocess
import tempfile
import time
import unittest

from support.config import config, listener, reply, session
from support.daemon import BINARY as DUPLEXD
from support.daemon import ROOT, Daemon, Exit, run_to_end, write_config
from support.lines import Lines
from support.raw_server import BINARY, CLOSE, TEXT, RawServer, close_frame, frame


class Server(RawServer):
    """Takes the login, says 42, and notes the client's close frame; answers that one only if told to."""

    def __init__(self, answer_close=True, every=None):
        self.closes = []
        self._answer_close = answer_close
        self._every = every
        super().__init__(self.serve)

    def serve(self, connection, _):
        connection.accept()
        connection.read_message()
        connection.send(frame(BINARY, reply(42)))
        while self._every and not connection.readable(self._every):
            connection.send(frame(BINARY, reply(43)))
        self.closes.append(connection.read_close())
        if self._answer_close:
            connection.send(close_frame(self.closes[-1][0]))
        else:
            connection.hold()


class Signals(unittest.TestCase):
    def stops_cleanly(self, number):
        with Server() as server, Daemon(config(listener(server.url))) as daemon:
            daemon.wait_reply()
            daemon.signal(number)
            self.assertEqual(daemon.wait(5), 0, daemon.log.all())
            log = daemon.log.all()
        self.assertEqual(len(server.closes), 1)
        self.assertIn(server.closes[0][0], (1000, 1001))
        last = [line for line in log if "callcentre: " in line][-2:]
        self.assertRegex(last[0], "callcentre: closed")
        self.assertRegex(last[1], "callcentre: session ended")

    # SIGTERM (systemd, containers) and SIGINT (Ctrl-C): the server sees a close frame, and the exit code is 0.
    def test_sigterm(self):
        self.stops_cleanly(signal.SIGTERM)

    def test_sigint(self):
        self.stops_cleanly(signal.SIGINT)

    # A server that never answers the close frame holds the end up no longer than shutdown.limit.
    def test_the_drain_is_limited(self):
        with Server(answer_close=False) as server:
            settings = config(listener(server.url, timeouts={"close": "30s"}), shutdown={"limit": "1s"})
            with Daemon(settings) as daemon:
                daemon.wait_reply()
                start = time.monotonic()
                daemon.signal()
                self.assertEqual(daemon.wait(10), Exit.INTERRUPTED)
                self.assertLess(time.monotonic() - start, 3)
                self.assertEqual(len(server.closes), 1)

    # A server that talks on and on and never reads our close frame is given timeouts.close and no more: that is the time
    # for its close frame and for the end of TCP together.
    def test_a_talkative_server_cannot_keep_the_link(self):
        def talk(connection, _):
            connection.accept()
            connection.read_message()
            while True:
                connection.send(frame(BINARY, reply(43)))
                time.sleep(0.02)

        with RawServer(talk) as server, Daemon(config(listener(server.url, timeouts={"close": "2s"}))) as daemon:
            daemon.wait_reply()
            start = time.monotonic()
            daemon.signal()
            self.assertEqual(daemon.wait(10), 0)
            self.assertLess(time.monotonic() - start, 3.5)

    # Who does not want to wait for that sends a second signal.
    def test_a_second_signal_ends_at_once(self):
        with Server(answer_close=False) as server:
            settings = config(listener(server.url, timeouts={"close": "30s"}), shutdown={"limit": "30s"})
            with Daemon(settings) as daemon:
                daemon.wait_reply()
                daemon.signal()
                daemon.wait_log("stopping")
                time.sleep(0.3)
                start = time.monotonic()
                daemon.signal()
                self.assertEqual(daemon.wait(5), Exit.INTERRUPTED)
                self.assertLess(time.monotonic() - start, 2)

    # timeout(1) signals the program and then its group, in which the program is: that is one request.
    def test_an_echo_is_no_second_signal(self):
        with Server(answer_close=False) as server:
            settings = config(listener(server.url, timeouts={"close": "1s"}))
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(number), Daemon(settings) as daemon:
                    daemon.wait_reply()
                    for _ in range(3):
                        daemon.signal(number)
                        time.sleep(0.01)
                    self.assertEqual(daemon.wait(5), 0, daemon.log.all())

    # A signal between two attempts, in the pause of the backoff, ends at once too.
    def test_sigterm_during_backoff(self):
        settings = listener("wss://127.0.0.1:1/", reconnect={"initial": "60s", "maximum": "60s"})
        with Daemon(config(settings)) as daemon:
            daemon.wait_log("connect: ")
            start = time.monotonic()
            daemon.signal()
            self.assertEqual(daemon.wait(5), 0)
            self.assertLess(time.monotonic() - start, 2)

    # A signal while TLS hangs.
    def test_sigterm_during_dial(self):
        with RawServer(lambda c, _: c.hold(), handshake=False) as server, \
                Daemon(config(listener(server.url))) as daemon:
            daemon.wait_log("attempting")
            time.sleep(0.3)
            start = time.monotonic()
            daemon.signal()
            self.assertEqual(daemon.wait(5), 0)
            self.assertLess(time.monotonic() - start, 2)


class Goodbye(unittest.TestCase):
    # The steps of `close` are carried out, answer and all, before the close frame.
    def test_sigterm(self):
        heard = []

        def serve(connection, _):
            connection.accept()
            while True:
                opcode, payload = connection.read_message()
                heard.append("close" if opcode == CLOSE else payload.decode())
                if opcode == CLOSE:
                    connection.send(close_frame())
                    return
                connection.send(frame(TEXT, b'{"op": "bye"}'))

        protocol = {"json": "compact", "commands": {"bye": {"json": {"op": "bye"}}, "last": {"json": {"op": "last"}}},
                    "replies": [{"as": "bye", "when": {"json": "/op", "is": "bye"}}]}
        steps = [{"call": "bye", "reply": "bye"}, {"send": "last"}]
        with RawServer(serve) as server, \
                Daemon(config(listener(server.url, protocol=protocol, login=None, simulate=None,
                                       close={"steps": steps}))) as daemon:
            daemon.wait_log("connected")
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            self.assertEqual(heard, ['{"op":"bye"}', '{"op":"last"}', "close"])


class Streams(unittest.TestCase):
    # `duplexd run | head -1`: when nobody reads on, the daemon ends by itself and says so.
    def test_closed_stdout(self):
        with Server(every=0.02) as server, Daemon(config(listener(server.url)), read_stdout=False) as daemon:
            self.assertIn('"code":42', daemon.process.stdout.readline())
            daemon.process.stdout.close()
            self.assertEqual(daemon.wait(10), Exit.OUTPUT_CLOSED, daemon.log.all())

    # A reader that takes nothing for a while gets everything later, in order.
    def test_slow_reader(self):
        count = 20_000

        def flood(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(b"".join(frame(BINARY, reply(i)) for i in range(count)))
            connection.hold()

        with RawServer(flood) as server, Daemon(config(listener(server.url)), read_stdout=False) as daemon:
            time.sleep(1)
            for i in range(count):
                self.assertIn(f'"code":{i},', daemon.process.stdout.readline())

    # A reader that takes nothing any more: one limit for all of the end, whether the session can close (few events) or
    # is held up itself (more than are kept), and the exit code says that events are lost.
    def test_events_that_nobody_took(self):
        for count in (5_000, 60_000):
            def flood(connection, _, count=count):
                connection.accept()
                connection.read_message()
                connection.send(b"".join(frame(BINARY, reply(i)) for i in range(count)))
                connection.send(close_frame(connection.read_close()[0]))

            with self.subTest(count), RawServer(flood) as server, \
                    Daemon(config(listener(server.url), shutdown={"limit": "2s"}), read_stdout=False) as daemon:
                self.assertIn('"code":0,', daemon.process.stdout.readline())
                time.sleep(0.5)
                start = time.monotonic()
                daemon.signal()
                self.assertEqual(daemon.wait(20), Exit.INTERRUPTED, daemon.log.all())
                self.assertLess(time.monotonic() - start, 3.5)
                self.assertIn("events are lost", str(daemon.log.all()))

    # A log that nobody reads holds nothing up, also not the end; who reads it later gets whole lines in order.
    def test_unread_log(self):
        line = re.compile(r"\d{4}-\S+ \S+ (info|warning) +(duplexd \S+ started|callcentre: (attempting|connect|tls|lost))")
        with RawServer(lambda c, _: c.abort(), handshake=False) as server, tempfile.TemporaryDirectory() as place:
            settings = listener(server.url, reconnect={"initial": "10ms", "maximum": "10ms"})
            path = write_config(config(settings, shutdown={"limit": "1s"}), place)
            process = subprocess.Popen([DUPLEXD, "run", "-c", path], stdin=subprocess.DEVNULL, text=True,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)

                def wait_accepted(count):
                    end = time.monotonic() + 20
                    while server.accepted < count and time.monotonic() < end:
                        time.sleep(0.01)
                    self.assertGreaterEqual(server.accepted, count)

                wait_accepted(100)  # two lines each: far more than the pipe takes
                for _ in range(100):
                    self.assertRegex(process.stderr.readline(), line)
                wait_accepted(server.accepted + 100)
                start = time.monotonic()
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), 0)
                self.assertLess(time.monotonic() - start, 3)
            finally:
                process.kill()
                process.wait()
                process.stderr.close()

    # stdout is a file that may not grow for a while, as on a full disk: each line is there in the end, whole and once. If it
    # never may, the exit code says that events are lost.
    def test_full_disk(self):
        count = 1_000

        def flood(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(b"".join(frame(BINARY, reply(i)) for i in range(count)))
            connection.send(close_frame(connection.read_close()[0]))

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))

        for grows in (True, False):
            with self.subTest(grows=grows), RawServer(flood) as server, tempfile.TemporaryDirectory() as place, \
                    open(f"{place}/events", "w+", encoding="utf-8") as events:
                path = write_config(config(listener(server.url), shutdown={"limit": "1s"}), place)
                process = subprocess.Popen([DUPLEXD, "run", "-c", path], stdin=subprocess.DEVNULL, text=True,
                                           stdout=events, stderr=subprocess.PIPE, preexec_fn=limited)
                log = Lines(process.stderr)
                try:
                    log.wait(lambda line: "File too large; events wait, next attempt in" in line)
                    if grows:
                        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                    process.send_signal(signal.SIGTERM)
                    self.assertEqual(process.wait(10), 0 if grows else Exit.INTERRUPTED)
                finally:
                    process.kill()
                    process.wait()
                    log.join()
                events.seek(0)
                text = events.read()
                if grows:
                    self.assertEqual([json.loads(line)["data"]["code"] for line in text.splitlines()], list(range(count)))
                else:
                    self.assertEqual(len(text), 10_000)

    # stdout carries events and nothing else, even when everything goes wrong.
    def test_no_log_on_stdout(self):
        with Daemon(config(listener("wss://127.0.0.1:1/"))) as daemon:
            daemon.wait_log("connect: ", count=2)
            daemon.signal()
            daemon.wait()
            self.assertEqual(daemon.events.all(), [])


class ExitCodes(unittest.TestCase):
    # What a restart does not mend, the exit codes that are meant for rules among it.
    def test_unit_does_not_restart(self):
        unit = (ROOT / "systemd" / "duplexd.service.in").read_text()
        codes = re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)[1]
        mended = (Exit.INTERNAL, Exit.OUTPUT_CLOSED, Exit.INTERRUPTED)
        self.assertEqual([int(code) for code in codes.split()], [code for code in range(64, 79) if code not in mended])

    # The page, the code and these tests agree.
    def test_documented(self):
        text = (ROOT / "daemon" / "app" / "exit_code.hpp").read_text()
        codes = {name.upper(): int(code) for name, code in re.findall(r"exit_(\w+) = (\d+)", text)}
        self.assertEqual({name: code for name, code in codes.items() if not name.startswith("PROBE")},
                         {each.name: each.value for each in Exit})
        rows = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.M)
        self.assertEqual(sorted(map(int, rows)), sorted(Exit))

    def ends_with(self, code, handler, once=False, **overrides):
        with RawServer(handler) as server:
            with Daemon(config(listener(server.url, **overrides)), *(["--once"] if once else [])) as daemon:
                self.assertEqual(daemon.wait(10), code, daemon.log.all())
                return daemon.log.all()

    # A refused login that the configuration calls fatal; a restart could not mend it.
    def test_login_rejected_by_http(self):
        for status in (b"401 Unauthorized", b"403 Forbidden"):
            with self.subTest(status):
                self.ends_with(Exit.LOGIN_REJECTED, lambda c, _: c.refuse(status, b"no"), reconnect={"fatal": ["login_rejected"]})

    # The same said by a reply: the login expects code 0 and gets 13.
    def test_login_rejected_by_reply(self):
        def reject(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(frame(BINARY, reply(13)))
            connection.hold()
        login = session("wss://x/")["login"] | {"expect": "reply", "where": {"code": 0}}
        self.ends_with(Exit.LOGIN_REJECTED, reject, login=login, reconnect={"fatal": ["login_rejected"]})

    # Another fault that the configuration calls fatal.
    def test_fatal_fault(self):
        log = self.ends_with(Exit.FATAL_FAULT, lambda c, _: c.refuse(b"500 Oops", b"no"), reconnect={"fatal": ["http"]})
        self.assertTrue(any(re.search("http: .*500.*giving up", line) for line in log), log)

    # With --once nothing is tried twice.
    def test_once_gives_up_after_a_fault(self):
        with RawServer(lambda c, _: c.abort()) as server:
            with Daemon(config(session(server.url)), "--once") as daemon:
                self.assertEqual(daemon.wait(10), Exit.FATAL_FAULT)
            self.assertEqual(server.accepted, 1)

    # An expected reply that does not come.
    def test_expectation_fails(self):
        def mute(connection, _):
            connection.accept()
            connection.hold()
        script = [{"send": "to_free"}, {"expect": "reply", "timeout": "300ms"}]
        with RawServer(mute) as server, Daemon(config(session(server.url, script=script, timeouts={"close": "300ms"})), "--once") as daemon:
            self.assertEqual(daemon.wait(10), Exit.FATAL_FAULT)
            self.assertTrue(any("script: " in line for line in daemon.log.all()))

    # A command line that makes no sense.
    def test_usage(self):
        for arguments in ([], ["frobnicate"], ["run"], ["run", "-c", "x", "--twice"]):
            with self.subTest(arguments):
                done = run_to_end(*arguments)
                self.assertEqual(done.returncode, Exit.USAGE, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertNotEqual(done.stderr, "")

    def test_version_and_help(self):
        self.assertRegex(run_to_end("version").stdout, r"^duplexd \d+\.\d+\.\d+")
        done = run_to_end("--help")
        self.assertEqual(done.returncode, 0)
        for subcommand in ("run", "check", "encode", "decode", "simulate", "schema", "version"):
            self.assertIn(subcommand, done.stdout)


class Floods(unittest.TestCase):
    # Whatever a server sends, it cannot fill the log; the events are all there.
    def test_nonsense_does_not_fill_the_log(self):
        def serve(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(frame(BINARY, b"\x01") * 2000)
            connection.send(close_frame(1000))
            connection.hold(1)

        with RawServer(serve) as server, Daemon(config(listener(server.url))) as daemon:
            daemon.events.wait(lambda event: event["event"] == "raw", 2000, 10, "a raw event")
            daemon.wait_log("1995 more warnings of this kind .undecodable. were not logged")
            lines = [line for line in daemon.log.all() if "no layout fits" in line]
        self.assertEqual(len(lines), 5)


class Secrets(unittest.TestCase):
    # What a reference stands for never appears in the log, whatever fails and even if the server says it back; and it is
    # read at each dial.
    def test_references_are_read_at_each_dial_and_never_shown(self):
        seen = []

        def serve(connection, number):
            connection.accept()
            opcode, data = connection.read_message()
            assert opcode == TEXT
            seen.append(data)
            with open(secret.name, "w", encoding="ascii") as file:
                file.write(f"topsecret{number}\n")
            connection.send(close_frame(1008, b"no, " + data) if number < 3 else frame(BINARY, reply(42)))
            connection.hold(1)


        with tempfile.NamedTemporaryFile("w", prefix="duplexd-secret-") as secret, RawServer(serve) as server:
            secret.write("topsecret0\n")
            secret.flush()
            login = {"json": {"token": f"${{file:{secret.name}}}"}}
            settings = listener(server.url, login=login, headers={"X-Token": f"${{file:{secret.name}}}"})
            with Daemon(config(settings, log={"level": "debug"})) as daemon:
                daemon.wait_reply()
                everything = str(daemon.log.all()) + str(daemon.events.all())
        self.assertEqual(server.errors, [])
        self.assertEqual([data.decode() for data in seen[:3]], [f'{{"token": "topsecret{i}"}}' for i in range(3)])
        self.assertNotIn("topsecret", everything)
        self.assertIn('no, {"token": "***"}', everything)

    # A value that does not fit its field is the user's mistake, and a secret all the same.
    def test_a_secret_that_cannot_be_packed(self):
        def serve(connection, _):
            connection.accept()
            connection.read_message()
            connection.hold(5)

        protocol = {"byte_order": "little", "commands": {"pin": "op:B=2 pin:H"}, "replies": [{"as": "r", "layout": "x:B"}]}
        with tempfile.NamedTemporaryFile("w", prefix="duplexd-secret-") as secret, RawServer(serve) as server:
            secret.write("hunter2")
            secret.flush()
            script = [{"send": "pin", "with": {"pin": f"${{file:{secret.name}}}"}}]
            with Daemon(config(session(server.url, script=script, protocol=protocol, simulate=None)), "--once") as daemon:
                self.assertEqual(daemon.wait(), Exit.FATAL_FAULT, daemon.log.all())
        self.assertNotIn("hunter2", str(daemon.log.all()))
        self.assertIn("command pin not sent", str(daemon.log.all()))

    # A secret that is gone is a fault like others: the session waits for it to come back, the daemon goes on.
    def test_environment_is_checked_before_start(self):
        login = {"json": {"token": "${env:DUPLEXD_TEST_ABSENT}"}}
        with Daemon(config(listener("wss://127.0.0.1:1/", login=login))) as daemon:
            self.assertEqual(daemon.wait(), Exit.CONFIG)
            self.assertTrue(any("DUPLEXD_TEST_ABSENT" in line for line in daemon.log.all()))


if __name__ == "__main__":
    unittest.main()
