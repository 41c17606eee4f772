"""A configuration that changes while duplexd runs: what is taken, what is refused, and that nothing is lost."""

import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from support.config import config, listener
from support.daemon import BINARY as DUPLEXD
from support.daemon import Daemon, Exit, run_to_end
from support.raw_server import BINARY, CLOSE, TEXT, RawServer, close_frame, frame
from support.waiting import until


class Counter:
    """Sends the numbers from 1 on, over all connections, each as the message that `make` makes of it; none after its close
    frame.
    """

    def __init__(self, batch=1, pause=0.01, make=lambda number: struct.pack("<I", number)):
        self.sent = 0
        self.begun = 0  # when the newest connection came
        self.connections = 0
        self.heard = []
        self._batch = batch
        self._pause = pause
        self._make = make

    def __call__(self, connection, _):
        connection.accept()
        self.begun = self.sent
        self.connections += 1
        while True:
            while connection.readable(0):
                kind, message = connection.read_message()
                if kind == CLOSE:
                    connection.send(close_frame())
                    return
                self.heard.append(message)
            numbers = range(self.sent + 1, self.sent + self._batch + 1)
            self.sent += self._batch
            connection.send(b"".join(frame(BINARY, self._make(number)) for number in numbers))
            time.sleep(self._pause)


# Where everything that was sent is counted: what is on its way may be read to its end.
PATIENT = {"close": "1m"}


def ticks(server, name="tick", **more):
    protocol = {"byte_order": "little", "replies": [{"as": name, "layout": "n:I"}]}
    return listener(server.url, protocol=protocol, login=None, simulate=None, **more)


class Reload(unittest.TestCase):
    def setUp(self):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-reload-"))
        self.socket = str(pathlib.Path(self.place) / "control.sock")

    def settings(self, sessions, **more):
        return config(sessions, **({"control": {"socket": self.socket}, "shutdown": {"limit": "1m"}} | more))

    def start(self, sessions, **more):
        daemon = self.enterContext(Daemon(self.settings(sessions, **more)))
        until(lambda: pathlib.Path(self.socket).exists())
        return daemon

    def reload(self, *options):
        return run_to_end("reload", "--socket", self.socket, *options)

    def post(self, path):
        """Status and answer, without a process for each."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.connect(self.socket)
            connection.request("POST", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def newest(self, daemon, session):
        return max(event["data"]["n"] for event in daemon.events.all()
                   if event["event"] == "reply" and event["session"] == session)

    def names(self, daemon, session):
        return {event["reply"] for event in daemon.events.all()
                if event["event"] == "reply" and event["session"] == session}

    # One session changes its layout, one is new, one goes, one notices nothing.
    def test_sessions(self):
        with RawServer(Counter()) as kept, RawServer(Counter()) as changed, RawServer(Counter()) as gone, \
                RawServer(Counter()) as new:
            daemon = self.start({"kept": ticks(kept), "changed": ticks(changed), "gone": ticks(gone)})
            for name in ("kept", "changed", "gone"):
                daemon.wait_reply(session=name)
            daemon.rewrite("# a comment\n" + json.dumps(self.settings(
                {"new": ticks(new), "changed": ticks(changed, "tock"), "kept": ticks(kept)})))
            plan = self.reload("--dry-run")
            self.assertEqual(plan.returncode, 0, plan.stderr)
            self.assertEqual(json.loads(plan.stdout), {"applied": False, "added": ["new"], "removed": ["gone"],
                                                       "reconnect": ["changed"], "in_place": [], "unchanged": 1,
                                                       "live": []})
            self.assertEqual(changed.accepted, 1)
            daemon.signal(signal.SIGHUP)
            daemon.wait_log(r"1 session\(s\) added, 1 removed, 1 reconnect, 0 change in place, 1 unchanged")
            daemon.wait_log("gone: session ended")
            daemon.wait_reply(session="new")
            until(lambda: "tock" in self.names(daemon, "changed"))
            self.assertEqual([kept.accepted, changed.accepted, gone.accepted, new.accepted], [1, 2, 1, 1])
            status = run_to_end("status", "--socket", self.socket)
            self.assertEqual([line.split()[0] for line in status.stdout.splitlines()], ["new", "changed", "kept"])
            # Once more: nothing to do.
            self.assertEqual(json.loads(self.reload().stdout)["unchanged"], 3)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)

    # Each signal is heard: the file may have changed since the last one was.
    def test_signals_in_a_row(self):
        with RawServer(Counter()) as server:
            daemon = self.start({"s0": ticks(server)})
            daemon.wait_reply()
            for n in range(1, 6):
                daemon.rewrite(self.settings({f"s{n}": ticks(server)}))
                daemon.signal(signal.SIGHUP)
            daemon.wait_reply(session="s5")
            self.assertNotIn("another reload is on its way", "\n".join(daemon.log.all()))
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)

    # A file with mistakes, and what a running duplexd cannot change, change nothing at all.
    def test_refused(self):
        with RawServer(Counter()) as server:
            daemon = self.start({"feed": ticks(server)})
            daemon.wait_reply()
            daemon.rewrite(json.dumps(self.settings({"feed": ticks(server, color="red"), "other": ticks(server)})))
            done = self.reload()
            self.assertEqual(done.returncode, Exit.REFUSED)
            self.assertRegex(done.stderr, r"session\.yaml:1:\d+: sessions\.feed\.color: unknown field 'color'")
            daemon.wait_log("configuration not reloaded, nothing has changed: .*unknown field 'color'")
            daemon.rewrite(self.settings({"feed": ticks(server, "tock")}, connect={"at_once": 3},
                                         outputs={"file": {"type": "file", "path": "x.log"}}))
            done = self.reload("--dry-run")
            self.assertEqual(done.returncode, Exit.REFUSED)
            self.assertRegex(done.stderr, r"what has changed needs a restart: connect\.at_once, outputs")
            daemon.signal(signal.SIGHUP)
            daemon.wait_log("nothing has changed: what has changed needs a restart")
            daemon.wait_reply(count=len(daemon.replies()) + 5)
            self.assertEqual(server.accepted, 1)
            self.assertEqual(self.names(daemon, "feed"), {"tick"})

    def test_level(self):
        with RawServer(Counter()) as server:
            daemon = self.start({"feed": ticks(server)}, log={"level": "warning"})
            daemon.rewrite(self.settings({"feed": ticks(server)}, log={"level": "info"}))
            self.assertEqual(json.loads(self.reload().stdout)["live"], ["log.level"])
            daemon.wait_log("configuration reloaded")

    # What was set while duplexd runs stays, unless the file has changed there, or the session has gone.
    def test_levels_of_sessions(self):
        with RawServer(Counter()) as server:
            sessions = {name: ticks(server) for name in ("a", "b", "c")}
            daemon = self.start(sessions, log={"sessions": {"a": "debug", "b": "debug"}})
            for name in sessions:
                self.assertEqual(run_to_end("log-level", "--socket", self.socket, "error", "--session", name).returncode, 0)
            del sessions["c"]
            daemon.rewrite(self.settings(sessions, log={"sessions": {"a": "debug", "b": "info"}}))
            self.assertEqual(json.loads(self.reload().stdout)["live"], ["log.sessions.b"])
            shown = run_to_end("log-level", "--socket", self.socket)
            self.assertEqual(json.loads(shown.stdout), {"level": "info", "sessions": {"a": "error", "b": "info"}})
            daemon.rewrite(self.settings(sessions, log={"sessions": {"d": "info"}}))
            self.assertRegex(self.reload().stderr, r"log\.sessions\.d: there is no session 'd'")

    # A session that ended by a fatal fault begins again when its settings have changed.
    def test_ended(self):
        def refuse(connection, _):
            connection.refuse(b"403 Forbidden", b"no")
        with RawServer(Counter()) as server, RawServer(refuse) as closed:
            fatal = {"fatal": ["login_rejected"]}
            daemon = self.start({"feed": ticks(server), "other": ticks(closed, reconnect=fatal)})
            daemon.wait_log("other: session ended")
            daemon.rewrite(self.settings({"feed": ticks(server), "other": ticks(server, reconnect=fatal)}))
            self.assertEqual(json.loads(self.reload().stdout)["reconnect"], ["other"])
            daemon.wait_reply(session="other")
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)

    # Settings that come while a session is ending by a fatal fault are those that it goes on with.
    def test_ending(self):
        def refuse(connection, _):
            connection.accept()
            connection.read_message()
            connection.send(frame(TEXT, b'{"op": "no"}'))
            connection.hold()  # without an answer to the close frame

        def logged_in(server, key):
            protocol = {"replies": [{"as": name, "when": {"json": "/op", "is": name}} for name in ("yes", "no")]}
            return listener(server.url, protocol=protocol, login={"json": {"key": key}, "expect": "yes"}, simulate=None,
                            reconnect={"fatal": ["login_rejected"]}, timeouts={"close": "3s"})

        with RawServer(refuse) as server, RawServer(Counter()) as other:
            daemon = self.start({"feed": logged_in(server, "old"), "other": ticks(other)})
            daemon.wait_reply(session="feed")
            daemon.rewrite(self.settings({"feed": logged_in(server, "new"), "other": ticks(other)}))
            self.assertEqual(json.loads(self.reload().stdout)["reconnect"], ["feed"])
            until(lambda: server.accepted == 2)
            daemon.wait_log("feed: session ended", timeout=20)  # by the second rejection
            self.assertEqual(server.accepted, 2)

    # A command becomes durable: until the session has its new settings, the rules are the old ones, all of them.
    def test_command_that_becomes_durable(self):
        heard = []

        def listen(connection, _):
            connection.accept()
            while (message := connection.read_message())[0] != CLOSE:
                heard.append(message[1])
            connection.send(close_frame())

        def asking(durable):
            protocol = {"byte_order": "little", "commands": {"ask": "n:H"}}
            rules = {"offline": "queue", "ttl": "5m"} | ({"durable": True} if durable else {})
            return listener(server.url, protocol=protocol, login=None, simulate=None, commands={"ask": rules})

        with RawServer(listen) as server, RawServer(Counter()) as other:
            # A journal that nothing uses would be refused, and a new one needs a restart.
            kept = ticks(other, outputs=["kept"])
            more = {"journal": {"path": str(pathlib.Path(self.place) / "journal.db")},
                    "outputs": {"kept": {"type": "file", "path": str(pathlib.Path(self.place) / "kept"), "durable": True}}}
            daemon = self.start({"feed": asking(False), "other": kept}, **more)
            until(lambda: server.accepted == 1)
            run_to_end("pause", "--socket", self.socket, "feed")
            daemon.rewrite(self.settings({"feed": asking(True), "other": kept}, **more))
            self.assertEqual(self.reload().returncode, 0)
            send = ("send", "--socket", self.socket, "feed", "ask", "n=7", "--id", "a7", "--wait", "none")
            self.assertEqual([run_to_end(*send).returncode for _ in range(3)], [0, 0, 0])
            run_to_end("resume", "--socket", self.socket, "feed")
            until(lambda: heard)
            run_to_end(*send)
            self.assertEqual(run_to_end("send", "--socket", self.socket, "feed", "ask", "n=8", "--id", "a8").returncode, 0)
            until(lambda: len(heard) > 1)
            self.assertEqual(heard, [struct.pack("<H", 7), struct.pack("<H", 8)])

    # Every message that the server sent arrives, however often the session reconnects and its neighbour changes.
    def test_under_load(self):
        counter = Counter(batch=50, pause=0.002)
        with RawServer(counter) as server, RawServer(Counter()) as other:
            feed = {"timeouts": PATIENT}
            daemon = self.start({"feed": ticks(server, linger="0s", **feed), "other": ticks(other)})
            daemon.wait_reply(session="feed")
            for number in range(1, 41):
                daemon.rewrite(self.settings({"feed": ticks(server, linger=f"{number // 2}s", **feed),
                                              "other": ticks(other, linger=f"{number}s")}))
                done = self.reload()
                self.assertEqual(done.returncode, 0, done.stderr)
                expected = ["feed", "other"] if number % 2 == 0 else ["other"]
                self.assertEqual(json.loads(done.stdout)["reconnect"], expected)
                # An attempt that is given up is not a connection: the next reload waits for it.
                until(lambda: counter.connections == 1 + number // 2 and self.newest(daemon, "feed") > counter.begun)
            self.assertEqual(server.accepted, 21)
            daemon.signal()
            self.assertEqual(daemon.wait(90), 0)
            numbers = [event["data"]["n"] for event in daemon.events.all()
                       if event["event"] == "reply" and event["session"] == "feed"]
            self.assertEqual(numbers, list(range(1, counter.sent + 1)))

    # Handlers, filters, limits and liveness change between two messages: every message is handled once, in order, and
    # is in the output that the filter of the moment chose; nothing reconnects.
    def test_in_place(self):
        counter = Counter(batch=4, pause=0.005)
        elsewhere = str(pathlib.Path(self.place) / "elsewhere.ndjson")

        def settings(number):
            protocol = {"byte_order": "little", "replies": [{"as": "tick", "layout": "n:I"}],
                        "commands": {"ack": "n:I of:I"}}
            acknowledge = {"send": "ack", "with": {"n": "${reply:n}", "of": number}}
            # Replies wait for every second one when its successor comes.
            steps = [{"sleep": "2ms"}, acknowledge] if number % 2 else [acknowledge]
            session = listener(
                server.url, protocol=protocol, login=None, simulate=None, on=[{"reply": "tick", "do": steps}],
                limits={"inbox": f"{number + 1}MiB"}, liveness={"ping_interval": f"{number + 1}s"},
                outputs=["stdout" if number % 2 == 0 else "elsewhere"], timeouts=PATIENT)
            return self.settings({"feed": session}, outputs={"elsewhere": {"type": "file", "path": elsewhere}})

        rounds = 200
        with RawServer(counter) as server:
            daemon = self.enterContext(Daemon(settings(0)))
            until(lambda: pathlib.Path(self.socket).exists())
            daemon.wait_reply()
            for number in range(1, rounds + 1):
                daemon.rewrite(settings(number))
                code, plan = self.post("/api/v1/reload")
                self.assertEqual(code, 200, plan)
                self.assertEqual((plan["reconnect"], plan["in_place"]), ([], ["feed"]))
                self.assertIn("sessions.feed.on", plan["live"])
            until(lambda: counter.heard[-1][4:] == struct.pack("<I", rounds))
            self.assertEqual(server.accepted, 1)
            daemon.signal()
            self.assertEqual(daemon.wait(90), 0)
        everything = range(1, counter.sent + 1)
        written = [json.loads(line)["data"]["n"] for line in pathlib.Path(elsewhere).read_text().splitlines()
                   if json.loads(line)["event"] == "reply"]
        shown = [event["data"]["n"] for event in daemon.events.all() if event["event"] == "reply"]
        self.assertEqual((shown, written), (sorted(shown), sorted(written)))
        self.assertEqual(sorted(shown + written), list(everything))
        acknowledged = [struct.unpack("<II", message) for message in counter.heard]
        # What came last may have been answered behind the close frame.
        self.assertEqual([n for n, _ in acknowledged], list(range(1, len(acknowledged) + 1)))
        generations = [of for _, of in acknowledged]
        self.assertEqual(generations, sorted(generations))

    # Layouts of replies, and the handler that needs their new field, change under load: all packets of a message are
    # unpacked and handled by one configuration, each comes once, and nothing reconnects.
    def test_replies(self):
        packets, rounds = 20, 100

        def message(number):
            return b"".join(b"\x0a" + struct.pack("<IHI", number, place, number ^ 0xffff) for place in range(packets))

        def settings(number):
            protocol = {"byte_order": "little", "framing": {"length": "B", "counts": "after", "strip": True},
                        "replies": [{"as": "tick", "layout": f"n:I i:H f{number}:I"}],
                        "commands": {"ack": "n:I field:I of:I"}}
            acknowledge = {"send": "ack", "with": {"n": "${reply:n}", "field": f"${{reply:f{number}}}", "of": number}}
            return self.settings({"feed": listener(
                server.url, protocol=protocol, login=None, simulate=None, timeouts=PATIENT,
                on=[{"reply": "tick", "where": {"i": 0}, "do": [acknowledge]}])})

        def of(acknowledgement):
            return struct.unpack("<xIII", acknowledgement)  # behind its length

        counter = Counter(batch=2, pause=0.004, make=message)
        with RawServer(counter) as server:
            daemon = self.enterContext(Daemon(settings(0)))
            until(lambda: pathlib.Path(self.socket).exists() and counter.heard)
            for number in range(1, rounds + 1):
                daemon.rewrite(settings(number))
                code, plan = self.post("/api/v1/reload")
                self.assertEqual(code, 200, plan)
                self.assertEqual((plan["reconnect"], plan["live"]),
                                 ([], ["sessions.feed.on", "sessions.feed.protocol.replies"]))
                until(lambda: of(counter.heard[-1])[2] == number)
            status = json.loads(run_to_end("status", "--socket", self.socket, "feed").stdout)
            self.assertEqual((status["counts"]["connections"], status["counts"]["undecodable"]), (1, 0))
            self.assertGreater(status["replies"]["tick"], packets * rounds)
            daemon.signal()
            self.assertEqual(daemon.wait(90), 0)
            self.assertEqual(server.accepted, 1)
        events = daemon.events.all()
        self.assertEqual({event["event"] for event in events}, {"reply"})
        seen = [event["data"] for event in events]
        self.assertEqual([(data["n"], data["i"]) for data in seen],
                         [(number, place) for number in range(1, counter.sent + 1) for place in range(packets)])
        generations = []  # of each message
        for data in seen:
            (field,) = data.keys() - {"n", "i"}
            self.assertEqual(data[field], data["n"] ^ 0xffff)
            if data["i"] == 0:
                generations.append(int(field[1:]))
            self.assertEqual(int(field[1:]), generations[-1])
        self.assertEqual(generations, sorted(generations))
        self.assertEqual(set(generations), set(range(rounds + 1)))
        # What came last may have been answered behind the close frame.
        answers = [of(each) for each in counter.heard]
        self.assertEqual(answers, [(number, number ^ 0xffff, generations[number - 1])
                                   for number in range(1, len(answers) + 1)])

    # The example of docs/operating.md: a field becomes two others, whose columns are added. A reply that goes reconnects.
    def test_columns(self):
        database = pathlib.Path(self.place) / "ticks.db"

        def settings(*layouts):
            replies = [{"as": name, "when": {"size": size}, "layout": layout}
                       for name, size, layout in zip(("tick", "other"), (8, 1), layouts)]
            session = listener(server.url, login=None, simulate=None, outputs=["store"],
                               protocol={"byte_order": "little", "replies": replies})
            return self.settings({"feed": session}, outputs={"store": {"type": "sqlite", "path": str(database)}})

        def rows(question):
            with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as known:
                return known.execute(question).fetchall()

        price = 7 + (9 << 16)
        counter = Counter(make=lambda number: struct.pack("<II", number, price))
        with RawServer(counter) as server:
            daemon = self.enterContext(Daemon(settings("n:I price:I")))
            until(lambda: database.exists() and rows("SELECT name FROM sqlite_master WHERE name = 'tick'")
                  and rows("SELECT n FROM tick"))
            for layouts in (("n:I bid:H ask:H",), ("n:I bid:H ask:H", "b:B")):
                daemon.rewrite(settings(*layouts))
                for options in (["--dry-run"], []):
                    plan = json.loads(self.reload(*options).stdout)
                    self.assertEqual((plan["in_place"], plan["live"]), (["feed"], ["sessions.feed.protocol.replies"]))
            until(lambda: "ask" in [name for name, _ in rows("SELECT name, type FROM pragma_table_info('tick')")])
            self.assertEqual(rows("SELECT name, type FROM pragma_table_info('tick')"),
                             [("_time", "TEXT"), ("_session", "TEXT"), ("n", "INTEGER"), ("price", "INTEGER"),
                              ("bid", "ANY"), ("ask", "ANY")])
            self.assertEqual(server.accepted, 1)
            daemon.rewrite(settings("n:I bid:H ask:H"))
            plan = json.loads(self.reload().stdout)
            self.assertEqual((plan["live"], plan["reconnect"]), ([], ["feed"]))
            # An attempt that is given up is not a connection.
            until(lambda: counter.connections == 2 and rows("SELECT max(n) FROM tick")[0][0] > counter.begun)
            self.assertEqual(server.accepted, 2)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
        self.assertEqual([n for (n,) in rows("SELECT n FROM tick ORDER BY n")], list(range(1, counter.sent + 1)))
        self.assertEqual(set(rows("SELECT price, bid, ask FROM tick")), {(price, None, None), (None, 7, 9)})

    # A command that waits for its session leaves as it was packed.
    def test_queued_commands(self):
        heard = []

        def listen(connection, _):
            connection.accept()
            while (message := connection.read_message())[0] != CLOSE:
                heard.append(message[1])
            connection.send(close_frame())

        def asking(server, layout):
            protocol = {"byte_order": "little", "commands": {"ask": layout}}
            return listener(server.url, protocol=protocol, login=None, simulate=None,
                            commands={"ask": {"offline": "queue", "ttl": "5m"}})
        with RawServer(listen) as server:
            daemon = self.start({"feed": asking(server, "op:B=1 n:H")})
            until(lambda: server.accepted == 1)
            run_to_end("pause", "--socket", self.socket, "feed")
            send = ("send", "--socket", self.socket, "feed", "ask", "n=7", "--wait", "none")
            self.assertEqual(run_to_end(*send).returncode, 0)
            daemon.rewrite(self.settings({"feed": asking(server, "op:B=2 n:I")}))
            self.assertEqual(self.reload().returncode, 0)
            run_to_end("resume", "--socket", self.socket, "feed")
            until(lambda: len(heard) == 1)
            self.assertEqual(run_to_end(*send).returncode, 0)
            until(lambda: len(heard) == 2)
            self.assertEqual(heard, [struct.pack("<BH", 1, 7), struct.pack("<BI", 2, 7)])

    # Whoever writes the file, and however: in its place, over it, or through links as Kubernetes mounts a ConfigMap.
    def test_watch(self):
        with RawServer(Counter()) as server:
            with Daemon(self.settings({"feed": ticks(server)}), "--watch") as daemon:
                daemon.wait_reply(session="feed")
                daemon.rewrite(self.settings({"feed": ticks(server), "second": ticks(server)}))
                daemon.wait_reply(session="second")
                daemon.rewrite("sessions: {feed: {color: red}}")
                daemon.wait_log("not reloaded, nothing has changed: .*unknown field 'color'")
                pathlib.Path(daemon.path).write_text(json.dumps(
                    self.settings({"feed": ticks(server), "third": ticks(server)})))
                daemon.wait_reply(session="third")
                pathlib.Path(daemon.path).with_name("other.yaml").write_text("not: ours")
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)
                self.assertEqual(len([line for line in daemon.log.all() if "configuration" in line]), 3)

    def test_watch_of_links(self):
        mount = pathlib.Path(self.place) / "mount"
        mount.mkdir()

        def put(name, sessions):
            (mount / name).mkdir()
            (mount / name / "session.json").write_text(json.dumps(self.settings(sessions)))
            (mount / "..next").symlink_to(name)
            (mount / "..next").rename(mount / "..data")
        with RawServer(Counter()) as server:
            put("..1", {"feed": ticks(server)})
            (mount / "session.json").symlink_to("..data/session.json")
            with subprocess.Popen([DUPLEXD, "run", "--watch", str(mount / "session.json")], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                self.addCleanup(process.kill)
                seen = {json.loads(process.stdout.readline())["session"]}
                for number, name in enumerate(("second", "third"), 2):
                    put(f"..{number}", {"feed": ticks(server), name: ticks(server)})
                    shutil.rmtree(mount / f"..{number - 1}")
                    while name not in seen:
                        seen.add(json.loads(process.stdout.readline())["session"])
                process.terminate()
                process.communicate()
                self.assertEqual(process.returncode, 0)

    # Of a folder each file counts, one that comes and one that goes.
    def test_watch_of_a_folder(self):
        place = pathlib.Path(self.place) / "conf.d"
        place.mkdir()
        with RawServer(Counter()) as server:
            (place / "a.json").write_text(json.dumps(self.settings({"feed": ticks(server)})))
            more = place / "b.json"
            with Daemon(place, "--watch") as daemon:
                daemon.wait_reply(session="feed")
                more.write_text(json.dumps({"sessions": {"second": ticks(server)}}))
                daemon.wait_reply(session="second")
                (place / "notes.txt").write_text("not ours")
                more.unlink()
                daemon.wait_log("configuration reloaded: 0 .* 1 removed")
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)
                self.assertEqual(len([line for line in daemon.log.all() if "configuration reloaded" in line]), 2)

    def test_watch_needs_a_file(self):
        for options in (["--watch", "-"], ["--watch", "--once", "x.yaml"]):
            self.assertEqual(run_to_end("run", *options).returncode, Exit.USAGE)
        done = run_to_end("run", "--watch", "/nowhere/x.yaml")
        self.assertEqual(done.returncode, Exit.INTERNAL)
        self.assertIn("--watch: /nowhere/x.yaml: cannot be watched: /nowhere: No such file or directory", done.stderr)

    # The session that comes back takes the durable commands over when the one before has let go of them: a command that
    # is confirmed behind the close frame has one end, and is sent once.
    def test_durable_commands_of_a_session_that_comes_back(self):
        asked, closing, second, may_close = [], threading.Event(), threading.Event(), threading.Event()

        def serve(connection, number):
            connection.accept()
            if number > 1:
                second.set()
            while (message := connection.read_message())[0] != CLOSE:
                asked.append(message[1])
            closing.set()
            may_close.wait(10)
            connection.send(frame(BINARY, struct.pack("<BI", 2, 7)) + close_frame())

        with RawServer(serve) as server, RawServer(Counter()) as other:
            protocol = {"byte_order": "little", "commands": {"ask": "op:B=1 n:I"},
                        "replies": [{"as": "done", "layout": "op:B=2 n:I"}]}
            feed = listener(server.url, protocol=protocol, login=None, simulate=None,
                            commands={"ask": {"durable": True, "ttl": "1h", "confirm": "done",
                                              "correlate": {"n": "n"}, "timeout": "1h"}})
            journal = {"path": str(pathlib.Path(self.place) / "journal.db")}
            with_feed = {"feed": feed, "other": ticks(other)}
            daemon = self.start(with_feed, journal=journal)
            until(lambda: server.accepted == 1)
            send = ("send", "--socket", self.socket, "feed", "ask", "n=7", "--wait", "written")
            self.assertEqual(run_to_end(*send).returncode, 0)
            until(lambda: len(asked) == 1)
            # A journal without durable commands would be refused: another session has one that it never uses.
            idle = {"idle": feed | {"url": "wss://localhost:1/", "required": False}}
            daemon.rewrite(self.settings({"other": ticks(other)} | idle, journal=journal))
            self.assertEqual(self.post("/api/v1/reload")[0], 200)
            self.assertTrue(closing.wait(10))
            daemon.rewrite(self.settings(with_feed, journal=journal))
            answers = []
            again = threading.Thread(target=lambda: answers.append(self.post("/api/v1/reload")))
            again.start()
            self.assertFalse(second.wait(0.5))
            may_close.set()
            again.join()
            self.assertEqual(answers[0][0], 200)
            self.assertEqual(answers[0][1]["added"], ["feed"])
            self.assertTrue(second.wait(10))
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            ends = [event["state"] for event in daemon.events.all() if event["event"] == "command"]
            self.assertEqual((ends, len(asked)), (["confirmed"], 1))

    # What a closed terminal sends ends it; under nohup it goes on.
    def test_terminal(self):
        with RawServer(Counter()) as server:
            with Daemon(config(ticks(server))) as daemon:
                path = daemon.path
                script = ("import os, pty, signal, sys\n"
                          "pid, fd = pty.fork()\n"
                          "if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])\n"
                          "data = b''\n"
                          "while b'connected' not in data: data += os.read(fd, 4096)\n"
                          "os.close(fd)\n"
                          "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
                done = subprocess.run([sys.executable, "-c", script, DUPLEXD, "run", path], capture_output=True,
                                      text=True, timeout=30, check=True)
                self.assertIn(int(done.stdout), (Exit.SUCCESS, Exit.OUTPUT_CLOSED))
            with Daemon(config(ticks(server)), prefix=["nohup"]) as daemon:
                daemon.wait_reply()
                daemon.signal(signal.SIGHUP)
                daemon.wait_reply(count=len(daemon.replies()) + 5)
                self.assertFalse([line for line in daemon.log.all() if "reload" in line])


if __name__ == "__main__":
    unittest.main()
