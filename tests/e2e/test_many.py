"""Many sessions in one process, and one process over many links."""

import threading
import time
import unittest

from support import peers
from support.certificates import certificates
from support.config import LOGIN, SET_SERVICE, TO_FREE, config, listener, reply, session
from support.daemon import BINARY as DUPLEXD
from support.daemon import ROOT, Daemon, Exit
from support.raw_server import BINARY, RawServer, close_frame, frame


def steady(connection, _):
    """Takes the login, then says something all the time."""
    connection.accept()
    connection.read_message()
    count = 0
    while True:
        connection.send(frame(BINARY, reply(count)))
        count += 1
        time.sleep(0.02)


class Neighbours(unittest.TestCase):
    # Sessions that fail in every phase, beside one that works: that one keeps its link and misses nothing.
    def test_one_that_fails_does_not_touch_the_others(self):
        with RawServer(steady) as good, RawServer(lambda c, _: None, pair=certificates().expired) as expired, \
                RawServer(lambda c, _: c.refuse(b"503 No", b"no")) as refusing, \
                RawServer(lambda c, _: (c.accept(), c.read_message(), c.send(b"\x83\x00"))) as broken, \
                RawServer(lambda c, _: c.hold(), handshake=False) as mute:
            sessions = {
                "refused": listener("wss://127.0.0.1:1/"),
                "expired": listener(expired.url),
                "good": listener(good.url, timeouts={"close": "300ms"}),  # its server never closes
                "unnamed": listener("wss://no-such-host.invalid/"),
                "refusing": listener(refusing.url),
                "broken": listener(broken.url),
                "mute": listener(mute.url, timeouts={"tls": "300ms"}),
                "ended": listener(refusing.url, reconnect={"fatal": ["http"]}),
            }
            with Daemon(config(sessions)) as daemon:
                for name in ("refused", "expired", "unnamed", "refusing", "broken", "mute"):
                    daemon.wait_log(f"{name}: .*next attempt", count=3, timeout=20)
                daemon.wait_log("ended: .*giving up")
                daemon.wait_log("ended: session ended")
                daemon.wait_reply(count=100, session="good")
                codes = [e["data"]["code"] for e in daemon.events.all() if e["event"] == "reply" and e["session"] == "good"]
                self.assertEqual(codes, list(range(len(codes))))
                self.assertEqual(good.accepted, 1)
                daemon.signal()
                self.assertEqual(daemon.wait(), Exit.FATAL_FAULT, daemon.log.all()[-12:])

    # With --once the process ends when all sessions have; its exit code is the first fatal one in the order of the file.
    def test_exit_code_is_the_first_in_file_order(self):
        def slow_refusal(connection, _):
            time.sleep(0.5)
            connection.refuse(b"403 Forbidden", b"no")
        with peers.Server("ws") as good, RawServer(slow_refusal) as forbidding, \
                RawServer(lambda c, _: c.refuse(b"500 Oops", b"no")) as failing:
            fatal = {"fatal": ["login_rejected", "http"]}
            first, second = listener(forbidding.url, reconnect=fatal), listener(failing.url, reconnect=fatal)
            for sessions, code in (({"good": session(good.url), "a": first, "b": second}, Exit.LOGIN_REJECTED),
                                   ({"b": second, "a": first}, Exit.FATAL_FAULT)):
                with Daemon(config(sessions), "--once") as daemon:
                    self.assertEqual(daemon.wait(), code)
                    self.assertEqual(sum(line.endswith(": session ended") for line in daemon.log.all()), len(sessions))

    # A hundred sessions at once on the one loop, each with the whole script.
    def test_a_hundred_sessions(self):
        with peers.Server("ws") as server:
            sessions = {f"agent{i:03}": session(server.url) for i in range(100)}
            with Daemon(config(sessions), "--once") as daemon:
                self.assertEqual(daemon.wait(60), 0)
                by_session = {}
                for event in daemon.events.all():
                    by_session[event["session"]] = by_session.get(event["session"], 0) + 1
                self.assertEqual(by_session, {name: 53 for name in sessions})


class Storms(unittest.TestCase):
    # No more sessions connect at once than the file says, and all get through.
    def test_connects_come_in_portions(self):
        lock, underway, seen = threading.Lock(), set(), []

        def slow(connection, number):
            with lock:
                underway.add(number)
                seen.append(len(underway))
            time.sleep(0.1)
            with lock:
                underway.discard(number)  # before the answer: the next may begin as soon as it is there
            connection.accept()
            connection.hold()

        with RawServer(slow) as server:
            sessions = {f"agent{i:02}": listener(server.url) for i in range(30)}
            with Daemon(config(sessions, connect={"at_once": 3})) as daemon:
                daemon.wait_log("connected", count=30, timeout=30)
                self.assertEqual(max(seen), 3)
                self.assertEqual(server.accepted, 30)
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)

    # A host that takes connections and then says nothing holds the others up for a second each round, not longer.
    def test_mute_server_does_not_block_the_others(self):
        with RawServer(lambda c, _: c.hold(), handshake=False) as mute, \
                RawServer(lambda c, _: (c.accept(), c.hold())) as good:
            sessions = {f"mute{i:02}": listener(mute.url) for i in range(20)} | {"good": listener(good.url)}
            with Daemon(config(sessions, connect={"at_once": 2})) as daemon:
                daemon.wait_log("good: connected", timeout=6)  # in the order of the file it would be after 10 s
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)

    # Too few descriptors: it says so, those that fit connect, the others say what is missing.
    @unittest.skipIf(DUPLEXD == str(ROOT / "build" / "asan" / "duplexd"), "UBSan's vptr check needs descriptors")
    def test_short_of_descriptors(self):
        limited = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
        with RawServer(lambda c, _: (c.accept(), c.hold())) as server:
            sessions = {f"agent{i:02}": listener(server.url) for i in range(40)}
            with Daemon(config(sessions), prefix=limited) as daemon:
                daemon.wait_log("40 sessions, but no more than 40 file descriptors")
                daemon.wait_log("connected", count=10)
                daemon.wait_log("no file descriptor left|Too many open files", count=5)
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)


class Restarts(unittest.TestCase):
    # The server is killed under the running daemon and started again: the daemon logs in and sends again, each time.
    def test_killed_server(self):
        for library in peers.LIBRARIES:
            with self.subTest(library), peers.Server(library) as first:
                with Daemon(config(session(first.url))) as daemon:
                    first.wait("message", count=3)
                    first.kill()
                    daemon.wait_log("lost: .*next attempt")
                    daemon.wait_log("connect: .*next attempt")
                    for _ in range(2):
                        with peers.Server(library, port=first.port) as again:
                            again.wait("message", count=3)
                            self.assertEqual([data for _, data, _ in again.messages()], [LOGIN, SET_SERVICE, TO_FREE])
                    daemon.signal()
                    self.assertEqual(daemon.wait(), 0)


class Leaks(unittest.TestCase):
    ROUNDS = 400
    WARM_UP = 100

    # Hundreds of reconnects, each link ending in another way: memory and descriptors stay flat.
    def test_reconnects_leave_nothing_behind(self):
        def misbehave(connection, number):
            kind = number % 6
            if kind == 0:
                connection.refuse(b"503 No", b"no" * 500)
                return
            connection.accept()
            connection.read_message()
            connection.send(frame(BINARY, reply(number, b"x" * 1000)) * 5)
            if kind == 1:
                connection.send(close_frame(1012, b"restart"))
                connection.hold(1)
            elif kind == 2:
                connection.abort()
            elif kind == 3:
                connection.send(frame(BINARY, bytes(100))[:50])
            elif kind == 4:
                connection.send(b"\x83\x00")
                connection.hold(1)

        settings = {"reconnect": {"initial": "1ms", "maximum": "2ms"}}
        with RawServer(misbehave) as server, Daemon(config(listener(server.url, **settings))) as daemon:
            daemon.wait_log("next attempt", count=self.WARM_UP, timeout=60)
            before = daemon.resident_kib(), daemon.descriptors()
            daemon.wait_log("next attempt", count=self.ROUNDS, timeout=120)
            after = daemon.resident_kib(), daemon.descriptors()
            self.assertEqual(server.errors, [])
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
        print(f"resident {before[0]} -> {after[0]} KiB, descriptors {before[1]} -> {after[1]}, "
              f"over {self.ROUNDS - self.WARM_UP} reconnects", flush=True)
        self.assertLessEqual(abs(after[1] - before[1]), 2, "one link more or less may be open")
        if "asan" not in DUPLEXD:  # The sanitizer keeps freed memory for a while, on purpose.
            self.assertLess(after[0] - before[0], 512)


if __name__ == "__main__":
    unittest.main()
