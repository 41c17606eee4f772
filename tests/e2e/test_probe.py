"""`duplexd probe`: against real servers, and against what goes wrong in each phase."""

import json
import subprocess
import tempfile
import threading
import time
import unittest

from support import peers
from support.certificates import certificates
from support.config import LOGIN, config, session
from support.daemon import BINARY as duplexd
from support.daemon import Exit, run_to_end, write_config
from support.lines import Lines
from support.ports import free_port
from support.raw_server import BINARY, RawServer, close_frame, frame

PHASES = ["dns", "tcp", "tls", "websocket", "login", "reply"]


def probe(settings, *options):
    """Runs the probe; returns (exit code, report)."""
    with tempfile.TemporaryDirectory() as directory:
        done = run_to_end("probe", "-c", write_config(config(settings), directory), "--json", *options)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def table(settings, *options):
    with tempfile.TemporaryDirectory() as directory:
        return run_to_end("probe", "-c", write_config(config(settings), directory), *options)


class Good(unittest.TestCase):
    # Each phase against a real server: its time, and what it found.
    def test_real_servers(self):
        for library in peers.LIBRARIES:
            with self.subTest(library), peers.Server(library) as server:
                code, report = probe(session(server.url))
                self.assertEqual((code, report["ok"], report["failed"]), (0, True, None), report)
                phases = {row["phase"]: row for row in report["phases"]}
                self.assertEqual([row["phase"] for row in report["phases"]], PHASES)
                self.assertTrue(all(row["ok"] and row["ms"] >= 0 for row in report["phases"]), report)
                self.assertEqual(phases["dns"]["host"], "localhost")
                self.assertEqual(phases["tcp"]["remote"], f"127.0.0.1:{server.port}")
                self.assertTrue(phases["tls"]["version"].startswith("TLSv1."))
                self.assertIn("localhost", phases["tls"]["names"])
                self.assertIn(phases["tls"]["days_left"], (1, 2))
                self.assertTrue(phases["tls"]["verified"])
                self.assertEqual(phases["websocket"]["http_status"], 101)
                self.assertEqual(phases["reply"]["reply"], "reply")
                self.assertGreater(phases["reply"]["ms"], 400, "the script sleeps for half a second before it sends")
                closed = server.wait("close")
                self.assertEqual(closed["code"], 1000, "the link was closed in order")

    # Outside of its hours a session does not connect: that is said at once.
    def test_outside_of_hours(self):
        day = "Tue" if time.gmtime().tm_wday in (0, 6) else "Mon"
        start = time.monotonic()
        code, report = probe(session("wss://localhost:1/", active={"windows": [f"{day} 00:00-00:01"]}))
        self.assertEqual((code, report["ok"], report["failed"]), (20, False, "prepare"), report)
        self.assertRegex(report["phases"][-1]["cause"], r"outside of active hours: connecting in \d+ min")
        self.assertLess(time.monotonic() - start, 8)

    # The same for people.
    def test_table(self):
        with peers.Server("ws") as server:
            done = table(session(server.url))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], f"callcentre: {server.url}")
        self.assertEqual([line.split()[0] for line in lines[1:]], [*PHASES, "all"])
        self.assertRegex(lines[3], r"^tls +ok +\d+\.\d ms  TLSv1\.\d \S+, .*CN ?= ?localhost for localhost, .*, [12] days left$")

    # A login that the server answers is judged by the session's own rules; its answer is the first message.
    def test_login_answered(self):
        def serve(connection, _):
            connection.accept()
            self.assertEqual(connection.read_message()[1], LOGIN)
            connection.send(frame(BINARY, b"\1\0\0\0"))
            connection.read_close()
            connection.send(close_frame(1000))

        login = {"json": {"role": "admin", "user_id": "test1234"}, "expect": "reply", "where": {"code": 1}}
        with RawServer(serve) as server:
            code, report = probe(session(server.url, login=login))
        self.assertEqual((code, server.errors), (0, []))
        self.assertEqual([row["phase"] for row in report["phases"]], PHASES)


class Failing(unittest.TestCase):
    def assert_fails(self, settings, code, phase, *options):
        found, report = probe(settings, *options)
        self.assertEqual((found, report["ok"], report["failed"]), (code, False, phase), report)
        last = report["phases"][-1]
        self.assertEqual((last["phase"], last["ok"]), (phase, False))
        return last

    # A reference that can be read when the file is, but not any more at the dial, needs a race; one that never can
    # be is a mistake of the file.
    def test_secret_absent(self):
        done = table(session("wss://localhost:1/", headers={"X-Token": "${env:DUPLEXD_NOT_SET_ANYWHERE}"}))
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("DUPLEXD_NOT_SET_ANYWHERE", done.stderr)

    # Outside of its hours a session waits, which would be a strange thing to wait for.
    def test_no_such_name(self):
        last = self.assert_fails(session("wss://no-such-host.invalid/"), 21, "dns")
        self.assertIn("no-such-host.invalid", last["cause"])

    def test_refused_port(self):
        port = free_port()
        last = self.assert_fails(session(f"wss://127.0.0.1:{port}/"), 22, "tcp")
        self.assertIn("refused", last["cause"].lower())

    def test_wrong_ca(self):
        with peers.Server("ws") as server:
            last = self.assert_fails(session(server.url, tls={"ca_file": "/etc/ssl/certs/ca-certificates.crt"}), 24, "tls")
        self.assertEqual(last["class"], "tls")

    def test_expired_certificate(self):
        with RawServer(lambda connection, _: connection.accept(), pair=certificates().expired) as server:
            last = self.assert_fails(session(server.url), 24, "tls")
        self.assertIn("expired", last["cause"])

    def test_http_401(self):
        with RawServer(lambda connection, _: connection.refuse(b"401 Unauthorized", b"who are you?")) as server:
            last = self.assert_fails(session(server.url), 25, "websocket")
        self.assertEqual(last["http_status"], 401)

    # A server that need not answer a login rejects it with a close.
    def test_login_rejected_by_close(self):
        def serve(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(close_frame(1008, b"login rejected"))
            connection.read_close()

        with RawServer(serve) as server:
            last = self.assert_fails(session(server.url), 26, "login")
        self.assertEqual(last["close_code"], 1008)
        self.assertIn("login rejected", last["cause"])

    def test_login_rejected_by_answer(self):
        def serve(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(frame(BINARY, b"\2\0\0\0"))
            connection.hold(5)

        login = {"json": {"role": "admin"}, "expect": "reply", "where": {"code": 1}}
        with RawServer(serve) as server:
            last = self.assert_fails(session(server.url, login=login, timeouts={"close": "1s"}), 26, "login")
        self.assertEqual(last["class"], "login_rejected")

    def test_no_reply(self):
        def serve(connection, _):
            connection.accept()
            connection.read_close()
            connection.send(close_frame(1000))

        with RawServer(serve) as server:
            last = self.assert_fails(session(server.url, script=None), 27, "reply", "--timeout", "0.5")
        self.assertEqual(last["cause"], "the server said nothing within 0.5 s")

    # A server that takes the connection and says nothing: the limit holds for the dial, too.
    def test_silent_server(self):
        with RawServer(lambda connection, _: connection.hold(10), handshake=False) as server:
            self.assert_fails(session(server.url), 24, "tls", "--timeout", "0.5")

    # The limit is one for all of it: a server that does not answer the close frame is not waited for beyond it.
    def test_silent_close(self):
        def serve(connection, _):
            connection.accept()
            connection.hold(60)

        with RawServer(serve) as server:
            settings = session(server.url, script=None, timeouts={"close": "50s"})
            start = time.monotonic()
            self.assert_fails(settings, 27, "reply", "--timeout", "1")
            self.assertLess(time.monotonic() - start, 30)

    # A row is there while the next phase goes on.
    def test_rows_as_they_come(self):
        going_on = threading.Event()

        def serve(connection, _):
            connection.accept()
            connection.read_message()
            going_on.wait(60)
            connection.send(frame(BINARY, b"\1\0\0\0"))
            connection.read_close()
            connection.send(close_frame(1000))

        with tempfile.TemporaryDirectory() as directory, RawServer(serve) as server:
            path = write_config(config(session(server.url, script=None)), directory)
            process = subprocess.Popen([duplexd, "probe", path], stdout=subprocess.PIPE, text=True)
            lines = Lines(process.stdout)
            lines.wait(lambda line: line.startswith("websocket"))
            self.assertNotIn("reply", "".join(lines.all()))
            going_on.set()
            self.assertEqual(process.wait(30), 0)
            self.assertEqual([line.split()[0] for line in lines.join()[1:]], [*PHASES, "all"])

    # The exit code is that of the first one that fails.
    def test_all(self):
        with tempfile.TemporaryDirectory() as directory, peers.Server("ws") as server:
            nowhere = session("wss://localhost:1/")
            path = write_config(config({"a": session(server.url), "b": nowhere, "c": session("wss://no-such-host.invalid/")}),
                                directory)
            done = run_to_end("probe", path, "--all", "--json")
            found = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([(each["session"], each["failed"]) for each in found], [("a", None), ("b", "tcp"), ("c", "dns")])
            self.assertEqual(done.returncode, 22)
            done = run_to_end("probe", path, "--all")
            self.assertEqual([line.split()[0] for line in done.stdout.splitlines()].count("all"), 3)
            self.assertEqual(run_to_end("probe", path, "a", "--all").returncode, Exit.USAGE)

    def test_which_session(self):
        one = session("wss://localhost:1/")
        with tempfile.TemporaryDirectory() as directory:
            path = write_config(config({"a": one, "b": one}), directory)
            self.assertEqual(run_to_end("probe", "-c", path).stderr, "choose a session; available: a, b\n")
            done = run_to_end("probe", "-c", path, "c")
            self.assertEqual((done.returncode, done.stderr), (Exit.USAGE, "no such session; available: a, b\n"))
            self.assertEqual(run_to_end("probe", "-c", path, "b").returncode, 22)


if __name__ == "__main__":
    unittest.main()
