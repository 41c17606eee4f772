"""What a server sends in one go: everything before the end of a link counts, and nobody's memory is filled."""

import signal
import time
import unittest

from support.config import config, listener
from support.daemon import BINARY, Daemon, Exit
from support.raw_server import CLOSE, PING, PONG, TEXT, RawServer, close_frame, frame

PROTOCOL = {"json": "compact", "commands": {"ask": {"json": {"op": "ask", "id": None}}},
            "replies": [{"as": name, "when": {"json": "/op", "is": name}} for name in ("yes", "no", "tick")]}
# MiB. The sanitizer keeps freed memory for a while, on purpose.
MOST = 1500 if "asan" in BINARY else 200
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def say(op, **values):
    rest = "".join(f', "{name}": {value}' for name, value in values.items())
    return frame(TEXT, f'{{"op": "{op}"{rest}}}'.encode())


def session(server, **fields):
    own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET}
    return config(listener(server.url, **(own | fields)))


class TogetherWithTheEnd(unittest.TestCase):
    """Reply and end in one TLS record, many times: it is not a race."""

    def test_refused_login(self):
        def refuse(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(say("no") + close_frame(1008))
            connection.hold()

        login = {"json": {"op": "in"}, "expect": "yes", "reject": "no"}
        with RawServer(refuse) as server:
            for _ in range(10):
                with Daemon(session(server, login=login, reconnect={"fatal": ["login_rejected"]})) as daemon:
                    daemon.wait_log("login_rejected: the server answered the login with no")
                    self.assertEqual(daemon.wait(), Exit.LOGIN_REJECTED)
            self.assertEqual(server.accepted, 10)

    def test_handlers_answer(self):
        answers = []

        def ask(connection, _):
            connection.accept()
            connection.send(b"".join(say("tick", id=i) for i in range(300)) + close_frame(1000))
            opcode, _ = connection.read_frame()
            while opcode != CLOSE:
                answers.append(opcode)
                opcode, _ = connection.read_frame()
            connection.hold()

        on = [{"reply": "tick", "do": [{"send": "ask", "with": {"id": "${reply:id}"}}]}]
        with RawServer(ask) as server, Daemon(session(server, on=on, reconnect={"fatal": ["closed"]})) as daemon:
            daemon.wait()
        self.assertEqual(answers, [TEXT] * 300)


class Memory(unittest.TestCase):
    def flood(self, message, seconds=4, read_stdout=True, **fields):
        """Floods a daemon with one message for a while; what it takes then, in MiB, and the daemon's log."""
        def pour(connection, _):
            connection.accept()
            connection.stream.settimeout(seconds)
            try:
                for _ in range(2_000_000_000 // len(message)):
                    connection.send(message)
            except OSError:
                pass

        with RawServer(pour) as server:
            with Daemon(session(server, **fields), read_stdout=read_stdout) as daemon:
                daemon.wait_log("connected")
                time.sleep(seconds)
                used = daemon.resident_kib() // 1024
                daemon.signal(signal.SIGKILL)
            return used, daemon.log.all()

    # Each MiB of wire would otherwise wait for a handler that sleeps.
    def test_slow_handler(self):
        on = [{"reply": "tick", "do": [{"sleep": "1h"}]}]
        used, _ = self.flood(say("tick", text='"' + "x" * 1_000_000 + '"'), on=on, outputs=[])
        self.assertLess(used, MOST)

    def test_replies_that_nobody_takes(self):
        used, log = self.flood(say("tick", text='"' + "x" * 1_000_000 + '"'), outputs=[],
                               script=[{"sleep": "1h"}, {"expect": "tick"}])
        self.assertLess(used, MOST)
        self.assertTrue(any("replies that no step took were discarded so far (limits.inbox)" in line for line in log))

    def test_tasks(self):
        on = [{"reply": "tick", "do": [{"spawn": "t", "do": [{"sleep": "1h"}]}]}]
        used, log = self.flood(say("tick", id=1) * 1000, on=on, outputs=[], limits={"tasks": 2000})
        self.assertLess(used, MOST)
        self.assertTrue(any("spawn waits: 2000 tasks are running (limits.tasks)" in line for line in log))


class SlowReader(unittest.TestCase):
    # Pings are answered though stdout takes nothing: the server does not give the client up.
    def test_pings_are_answered(self):
        answered = []

        def serve(connection, _):
            connection.accept()
            connection.send(say("tick", text='"' + "x" * 100_000 + '"') * 20)
            for i in range(3):
                connection.send(frame(PING, b"%d" % i))
                opcode, payload = connection.read_frame()
                answered.append((opcode, payload))
            connection.hold()

        with RawServer(serve) as server, Daemon(session(server), read_stdout=False) as daemon:
            daemon.wait_log("connected")
            deadline = time.monotonic() + 10
            while len(answered) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            daemon.signal(signal.SIGKILL)
        self.assertEqual(answered, [(PONG, b"0"), (PONG, b"1"), (PONG, b"2")])


class Stuck(unittest.TestCase):
    # It talks, so that silence is not a sign of death; but it never reads.
    def test_a_server_that_never_reads(self):
        def talk(connection, _):
            connection.accept()
            try:
                while True:
                    connection.send(say("yes"))
                    time.sleep(0.1)
            except OSError:
                pass

        script = [{"repeat": "forever", "do": [{"json": {"text": "x" * 60_000}}]}]
        with RawServer(talk) as server:
            liveness = {"ping_interval": "500ms", "idle_timeout": "2s"}
            with Daemon(session(server, script=script, liveness=liveness)) as daemon:
                daemon.wait_log("liveness: the server took nothing of what was sent for 2 s", timeout=20)
                daemon.signal(signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
