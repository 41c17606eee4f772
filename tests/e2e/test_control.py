"""The control interface of a running duplexd: asked by curl, by Python's http.client and by duplexd's own subcommands."""

import http.client
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from support.config import config, listener
from support.daemon import BINARY, Daemon, Exit, run_to_end
from support.lines import Lines
from support.raw_server import TEXT, RawServer, frame
from support.waiting import until

PROTOCOL = {"json": "compact", "commands": {"ask": {"json": {"op": "ask", "id": None}}},
            "replies": [{"as": "answer", "when": {"json": "/op", "is": "answer"}}]}
RULES = {"confirm": "answer", "correlate": {"id": "id"}, "timeout": "60s"}


def answer(connection, _):
    """Answers each question but number 0."""
    connection.accept()
    while True:
        number = json.loads(connection.read_message()[1])["id"]
        if number:
            connection.send(frame(TEXT, json.dumps({"op": "answer", "id": number}).encode()))


class UnixConnection(http.client.HTTPConnection):
    """http.client over a Unix-domain socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


class Control(unittest.TestCase):
    def start(self, server, **control):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-control-"))
        self.path = str(pathlib.Path(self.place) / "control.sock")
        session = listener(server.url, protocol=PROTOCOL, login=None, simulate=None, commands={"ask": RULES})
        settings = config({"feed": session}, control={"socket": self.path} | control)
        self.daemon = self.enterContext(Daemon(settings))
        self.daemon.wait_log("control listens on")
        return self.daemon

    def ask(self, method, path, body=None, headers=None):
        connection = UnixConnection(self.path)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers or {})
            got = connection.getresponse()
            return got.status, json.loads(got.read())
        finally:
            connection.close()

    def cli(self, *arguments, **options):
        return run_to_end(arguments[0], "--socket", self.path, *arguments[1:], **options)

    def wait_phase(self, phase):
        end = time.monotonic() + 20
        while (seen := self.ask("GET", "/api/v1/sessions/feed")[1])["phase"] != phase:
            self.assertLess(time.monotonic(), end, seen)
            time.sleep(0.05)
        return seen

    def test_state(self):
        with RawServer(answer) as server:
            self.start(server)
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
            seen = self.wait_phase("up")
            self.assertEqual([seen["session"], seen["required"], seen["counts"]["connections"]], ["feed", True, 1])
            self.assertEqual(seen["replies"], {"answer": 0})
            self.assertGreater(seen["round_trip_ms"], 0)
            self.assertRegex(seen["certificate_expires"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$")
            done = subprocess.run(["curl", "-sS", "--unix-socket", self.path, "http://localhost/api/v1/sessions"],
                                  capture_output=True, text=True, timeout=20, check=True)
            self.assertEqual([each["session"] for each in json.loads(done.stdout)["sessions"]], ["feed"])
            self.assertEqual(self.ask("GET", "/api/v1/sessions/none"), (404, {"error": "there is no session 'none'"}))
            self.assertEqual(self.ask("DELETE", "/api/v1/sessions/feed")[0], 405)
            self.assertEqual(self.ask("GET", "/api/v1/sessions?limit=0")[0], 400)
            self.assertEqual(self.ask("GET", "/api/v1/sessions?color=red")[0], 400)
            # Pages of others are kept out, the dashboard is not; SSH may have forwarded another port to the socket.
            for host, origin, status in (("localhost:8080", "http://localhost:8080", 200), ("localhost", "http://localhost", 200),
                                         ("localhost:8080", "http://localhost:8081", 403), ("localhost", "null", 403)):
                headers = {"Host": host, "Origin": origin}
                self.assertEqual(self.ask("GET", "/api/v1/sessions", headers=headers)[0], status, headers)
            self.assertEqual(self.ask("GET", "/api/v1/sessions", headers={"Host": "evil.test.com"})[0], 421)
            shown = self.cli("status")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertRegex(shown.stdout, r"^feed +up +[0-9.]+ s\n$")
            self.assertEqual(json.loads(self.cli("status", "--json").stdout)["phase"], "up")
            self.assertEqual(json.loads(self.cli("status", "feed").stdout)["replies"], {"answer": 0})
            self.assertEqual(self.cli("status", "none").returncode, Exit.REFUSED)

    def test_commands(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            self.wait_phase("up")
            where = "/api/v1/sessions/feed/commands"
            status, known = self.ask("GET", where)
            self.assertEqual((status, known["session"], known["commands"][0]["command"]), (200, "feed", "ask"))
            self.assertEqual([field["name"] for field in known["commands"][0]["fields"]], ["op", "id"])
            status, fate = self.ask("POST", where, {"command": "ask", "with": {"id": 7}, "id": "a"})
            self.assertEqual((status, fate["state"], fate["reply"], fate["data"]["id"]), (200, "confirmed", "answer", 7))
            # The same id again: what became of the first, and nothing is sent.
            self.assertEqual(self.ask("POST", where, {"command": "ask", "with": {"id": 7}, "id": "a"}), (200, fate))
            self.assertEqual(self.ask("GET", where + "/a"), (200, fate))
            self.assertEqual(self.ask("GET", where + "/b")[0], 404)
            status, fate = self.ask("POST", where + "?wait=written", {"command": "ask", "with": {"id": 0}, "id": "open"})
            self.assertEqual((status, fate["state"], fate["ended"]), (202, "written", False))
            status, fate = self.ask("POST", where + "?timeout=0", {"command": "ask", "with": {"id": 0}})
            self.assertEqual((status, fate["ended"]), (202, False))
            status, fate = self.ask("POST", where, {"command": "nonsense"})
            self.assertEqual((status, fate["state"], fate["why"]), (409, "refused", "the protocol has no such command"))
            for body in ([], {"with": {}}, {"command": "ask", "color": 1}, {"command": "ask", "session": "other"}):
                self.assertEqual(self.ask("POST", where, body)[0], 400, body)
            done = self.cli("send", "feed", "ask", "id=9", "--id", "c")
            self.assertEqual((done.returncode, json.loads(done.stdout)["state"]), (0, "confirmed"), done.stderr)
            self.assertEqual(self.cli("send", "feed", "ask", "color").returncode, Exit.USAGE)
            self.assertEqual(self.cli("send", "feed", "nonsense").returncode, Exit.REFUSED)
            self.assertEqual(self.cli("send", "none", "ask").returncode, Exit.REFUSED)
            self.assertEqual(self.ask("GET", "/api/v1/sessions/feed")[1]["unconfirmed"], 2)
            daemon.wait_log(r"sendCommand feed ask \(id a\) by uid \d+, pid \d+")
            ends = [event for event in daemon.events.all() if event["event"] == "command" and event["id"] == "a"]
            self.assertEqual(len(ends), 1)

    def test_pause_and_drain(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            self.wait_phase("up")
            self.assertEqual(self.cli("pause", "feed").returncode, 0)
            self.wait_phase("paused")
            status, fate = self.ask("POST", "/api/v1/sessions/feed/commands", {"command": "ask", "with": {"id": 1}})
            self.assertEqual((status, fate["why"]), (409, "there is no link"))
            self.assertEqual(self.ask("POST", "/api/v1/sessions/feed/resume")[0], 200)
            self.assertEqual(self.wait_phase("up")["counts"]["connections"], 2)
            self.assertEqual(self.cli("reconnect", "feed").returncode, 0)
            daemon.wait_log("feed: connected", 3)
            self.wait_phase("up")
            self.assertEqual(self.ask("POST", "/api/v1/sessions/feed/drain")[0], 200)
            self.wait_phase("paused")
            self.assertEqual(self.cli("resume", "feed").returncode, 0)
            seen = self.wait_phase("up")
            self.assertEqual((seen["counts"]["connections"], seen["counts"]["faults"]), (4, 0))
            self.assertEqual(self.cli("pause", "none").returncode, Exit.REFUSED)
            for what in ("pauseSession", "resumeSession", "reconnectSession", "drainSession"):
                daemon.wait_log(what + r" feed by uid \d+, pid \d+")
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            self.assertFalse(pathlib.Path(self.path).exists())

    # Both ways at once: the ends of the commands are events, as the replies are.
    def test_attach(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            self.wait_phase("up")
            attached = subprocess.Popen([BINARY, "attach", "--socket", self.path, "--wait", "0", "feed"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(attached.wait)
            self.addCleanup(attached.kill)
            lines = Lines(attached.stdout, json.loads)
            attached.stdin.write('ask id=7\n\n{"command": "ask", "with": {"id": 8}, "id": "b"}\nask {"id": 9}\n')
            attached.stdin.flush()
            lines.wait(lambda event: event["event"] == "command" and event["state"] == "confirmed", 3)
            attached.stdin.write("nonsense\nask =\n" + "x" * (1 << 20) + "x\nask id=10")
            attached.stdin.close()
            daemon.wait_log(r"sendCommand feed ask \(id \S+\) by", 4)
            self.assertEqual(attached.wait(30), Exit.REFUSED)
            self.assertEqual(attached.stderr.read(),
                             "duplexd: line 5 is not sent: the protocol has no such command\n"
                             "duplexd: line 6 is not sent: expected key=value: =\n"
                             "duplexd: line 7 is not sent: it has more than 1048576 bytes\n")
            attached.stderr.close()
            self.assertLessEqual({"7", "8", "9"}, {str(event["data"]["id"]) for event in lines.join() if "data" in event})
            self.assertEqual(self.cli("attach", "none").returncode, Exit.REFUSED)
            self.assertEqual(self.cli("attach", "--wait", "0", "feed").returncode, 0)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            self.assertEqual(self.cli("attach", "feed").returncode, Exit.NO_DAEMON)

    def test_events(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            self.wait_phase("up")
            tap = subprocess.Popen([BINARY, "tap", "--socket", self.path, "--reply", "answer", "-n", "2"],
                                   stdout=subprocess.PIPE, text=True)
            self.addCleanup(tap.wait)
            self.addCleanup(tap.kill)
            lines = Lines(tap.stdout, json.loads)
            number = 0
            end = time.monotonic() + 60
            while tap.poll() is None and time.monotonic() < end:  # until the tap is there, and has two
                number += 1
                self.ask("POST", "/api/v1/sessions/feed/commands", {"command": "ask", "with": {"id": number}})
                time.sleep(0.02)
            seen = lines.join()
            self.assertEqual(len(seen), 2)
            self.assertEqual(tap.wait(10), 0)
            until(lambda: all(event in daemon.events.all() for event in seen))
            connection = UnixConnection(self.path)
            connection.request("GET", "/api/v1/events?session=feed", headers={"Accept": "text/event-stream"})
            stream = connection.getresponse()
            self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
            self.ask("POST", "/api/v1/sessions/feed/commands", {"command": "ask", "with": {"id": 1000}})
            line = stream.readline().decode()
            self.assertTrue(line.startswith("data: {"), line)
            until(lambda: json.loads(line[6:]) in daemon.events.all())
            self.assertEqual(stream.readline(), b"\n")
            connection.close()
            self.assertEqual(self.ask("GET", "/api/v1/events?session=none")[0], 404)

    # Each follower counts by itself, and only what it asked for.
    def test_a_sample_of_events(self):
        with RawServer(answer) as server:
            self.start(server)
            self.wait_phase("up")

            def ask(number):
                self.ask("POST", "/api/v1/sessions/feed/commands", {"command": "ask", "with": {"id": number}})

            connections = [UnixConnection(self.path) for _ in range(2)]
            streams = []
            for connection, sample in zip(connections, (3, 4)):
                connection.request("GET", f"/api/v1/events?reply=answer&sample={sample}")
                streams.append(connection.getresponse())
            for number in range(1, 13):
                ask(number)
            for stream, sample in zip(streams, (3, 4)):
                seen = [json.loads(stream.readline())["data"]["id"] for _ in range(12 // sample)]
                self.assertEqual(seen, list(range(sample, 13, sample)))
            for connection in connections:
                connection.close()
            tap = subprocess.Popen([BINARY, "tap", "--socket", self.path, "--reply", "answer", "--sample", "5", "-n", "2"],
                                   stdout=subprocess.PIPE, text=True)
            self.addCleanup(tap.wait)
            self.addCleanup(tap.kill)
            lines = Lines(tap.stdout, json.loads)
            number = 100
            end = time.monotonic() + 60
            while tap.poll() is None and time.monotonic() < end:
                number += 1
                ask(number)
            first, second = (event["data"]["id"] for event in lines.join())
            self.assertEqual(second - first, 5)
            for wrong in ("0", "1000001", "-1", "x", ""):
                self.assertEqual(self.ask("GET", f"/api/v1/events?sample={wrong}"),
                                 (400, {"error": "'sample' is a number from 1 to 1000000"}), wrong)
            for wrong in ("0", "1000001", "x"):
                self.assertEqual(self.cli("tap", "--sample", wrong).returncode, Exit.USAGE, wrong)

    # A follower that stops reading holds nobody up; what it missed is counted in its place.
    def test_a_slow_follower(self):
        many = 30_000
        go = threading.Event()

        def flood(connection, _):
            connection.accept()
            go.wait(20)
            piece = b"".join(frame(TEXT, json.dumps({"op": "answer", "id": i, "pad": "x" * 100}).encode()) for i in range(100))
            for _ in range(many // 100):
                connection.send(piece)
            connection.hold()

        with RawServer(flood) as server:
            daemon = self.start(server)
            self.wait_phase("up")
            connection = UnixConnection(self.path)
            connection.request("GET", "/api/v1/events?reply=answer")
            stream = connection.getresponse()
            go.set()
            daemon.wait_reply(many, timeout=60)
            kept = dropped = 0
            while kept + dropped < many:
                event = json.loads(stream.readline())
                if event["event"] == "dropped":
                    dropped += event["count"]
                else:
                    kept += 1
            connection.close()
            self.assertEqual(kept + dropped, many)
            self.assertGreater(dropped, 0)

    def test_log_level(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            self.assertEqual(self.cli("log-level", "debug").returncode, 0)
            self.wait_phase("up")
            self.cli("reconnect", "feed")
            daemon.wait_log("script finished")
            self.assertEqual(self.ask("PUT", "/api/v1/log", {"level": "loud"})[0], 400)
            self.assertEqual(self.ask("PUT", "/api/v1/log", {"level": "error"}), (200, {"level": "error", "sessions": {}}))
            daemon.wait_log(r"setLogLevel error by uid")

    # One session is looked at, and the others are as quiet as before.
    def test_log_level_of_a_session(self):
        with RawServer(answer) as server:
            self.start(server)
            self.wait_phase("up")
            self.assertEqual(self.cli("log-level", "error").returncode, 0)
            both = {"level": "error", "sessions": {"feed": "debug"}}
            self.assertEqual(json.loads(self.cli("log-level", "debug", "--session", "feed").stdout), both)
            self.assertEqual(json.loads(self.cli("log-level").stdout), both)
            self.assertEqual(self.ask("GET", "/api/v1/log"), (200, both))
            self.cli("reconnect", "feed")
            self.daemon.wait_log("feed: script finished")
            self.assertFalse([line for line in self.daemon.log.all() if "reconnectSession" in line])  # of the whole daemon
            self.assertEqual(self.ask("PUT", "/api/v1/log", {"level": "info", "session": "none"}),
                             (404, {"error": "there is no session 'none'"}))
            self.assertEqual(self.ask("PUT", "/api/v1/log", {"level": None})[0], 400)
            self.assertEqual(self.cli("log-level", "default").returncode, Exit.REFUSED)
            self.assertEqual(self.cli("log-level", "--session", "feed").returncode, Exit.USAGE)
            self.assertEqual(self.ask("PUT", "/api/v1/log", {"level": None, "session": "feed"}),
                             (200, {"level": "error", "sessions": {}}))
            self.assertEqual(json.loads(self.cli("log-level", "info").stdout), {"level": "info", "sessions": {}})
            self.cli("log-level", "default", "--session", "feed")
            self.daemon.wait_log(r"setLogLevel feed default by uid")

    def test_no_daemon(self):
        with tempfile.TemporaryDirectory() as place:
            path = str(pathlib.Path(place) / "control.sock")
            for arguments in (["status"], ["health"], ["tap"], ["pause", "s"], ["send", "s", "c"], ["log-level", "info"]):
                done = run_to_end(arguments[0], "--socket", path, *arguments[1:])
                self.assertEqual(done.returncode, Exit.NO_DAEMON, arguments)
                self.assertIn("there is no such socket: is duplexd running", done.stderr)
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)
            done = run_to_end("status", env=os.environ | {"DUPLEXD_SOCKET": path})
            self.assertEqual(done.returncode, Exit.NO_DAEMON)
            self.assertIn("nobody listens on it", done.stderr)

    def test_health(self):
        with RawServer(answer) as server:
            daemon = self.start(server)
            done = self.cli("health")
            self.assertEqual((done.returncode, done.stdout), (0, "the event loop answers\n"))
            daemon.signal(19)  # SIGSTOP
            self.assertEqual(self.cli("health").returncode, Exit.NO_DAEMON)
            daemon.signal(18)

    # Over TCP nobody gets anything without the token, which may change while the daemon runs.
    def test_token(self):
        with RawServer(answer) as server, tempfile.TemporaryDirectory() as place:
            token = pathlib.Path(place) / "token"
            token.write_text("first-secret\n")
            daemon = self.start(server, listen="127.0.0.1:0", token=f"${{file:{token}}}")
            port = int(daemon.wait_log(r"control listens on 127\.0\.0\.1:").rpartition(":")[2])

            def status(*headers):
                done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *headers,
                                       f"http://127.0.0.1:{port}/api/v1/sessions"],
                                      capture_output=True, text=True, timeout=20, check=True)
                return int(done.stdout)

            self.assertEqual(status(), 401)
            for wrong in ("", "first", "first-secret2", "First-secret"):
                self.assertEqual(status("-H", f"Authorization: Bearer {wrong}"), 401, wrong)
            self.assertEqual(status("-H", "Authorization: Bearer first-secret"), 200)
            token.write_text("second-secret\n")
            self.assertEqual(status("-H", "Authorization: Bearer first-secret"), 401)
            self.assertEqual(status("-H", "Authorization: Bearer second-secret"), 200)
            token.unlink()
            self.assertEqual(status("-H", "Authorization: Bearer second-secret"), 503)
            self.assertFalse(any("secret" in line for line in daemon.log.all()))


class Description(unittest.TestCase):
    # The document is what the daemon serves, and every operation in it is one.
    def test_openapi(self):
        document = json.loads(run_to_end("schema", "--openapi").stdout)
        self.assertEqual(document["openapi"], "3.0.3")
        operations = {entry["operationId"] for path in document["paths"].values() for entry in path.values()}
        self.assertEqual(len(operations), 15)
        for path, methods in document["paths"].items():
            for operation in methods.values():
                declared = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
                self.assertEqual(declared, set(re.findall(r"{(\w+)}", path)), path)


if __name__ == "__main__":
    unittest.main()
