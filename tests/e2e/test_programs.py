"""Programs that get events and answer with commands: what docs/outputs.md and docs/commands.md promise."""

import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import unittest

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, Exit, run_to_end, write_config
from support.raw_server import TEXT, RawServer, close_frame, frame
from support.waiting import until

PROTOCOL = {"json": "compact", "commands": {"ask": {"json": {"op": "ask", "n": None}}},
            "replies": [{"as": "answer", "when": {"json": "/op", "is": "answer"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}

# Counts up by asking; what it has asked is kept over its death, which comes once at 100. What was asked last is asked again.
COUNTER = """
import json, os, sys
state = sys.argv[1]
asked = int(open(state).read()) if os.path.exists(state) else -1
died = asked >= 0
def ask(n):
    with open(state + "~", "w") as out:
        out.write(str(n))
    os.rename(state + "~", state)
    print(json.dumps({"command": "ask", "with": {"n": n}, "id": f"{os.getpid()}-{n}"}), flush=True)
ask(max(asked, 0))
for line in sys.stdin:
    event = json.loads(line)
    if event["event"] != "reply":
        continue
    n = event["data"]["n"]
    if n == 100 and not died:
        print("that was enough", file=sys.stderr, flush=True)
        os._exit(3)
    if n < 300:
        ask(n + 1)
"""


def runs(pid):
    """Whether it is there, and not only waits for its parent, which may be anybody."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def answer(number):
    return frame(TEXT, json.dumps({"op": "answer", "n": number}).encode())


def session(server, **more):
    own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET, "timeouts": {"close": "100ms"}}
    return listener(server.url, **(own | more))


def shell(command, *arguments):
    return ["/bin/sh", "-c", command, "sh", *map(str, arguments)]


class Programs(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-programs-")))
        self.questions = []

    def answering(self):
        def serve(connection, _):
            connection.accept()
            while True:
                question = json.loads(connection.read_message()[1])
                self.questions.append(question["n"])
                connection.send(answer(question["n"]))

        return self.enterContext(RawServer(serve))

    def pouring(self, count, hold=True):
        def serve(connection, _):
            connection.accept()
            for first in range(0, count, 100):
                connection.send(b"".join(answer(n) for n in range(first, min(first + 100, count))))
            if hold:
                connection.end()
            else:
                connection.send(close_frame())
                connection.read_close()

        return self.enterContext(RawServer(serve))

    def start(self, server, output, *more_routes, **top):
        routes = [{"to": "program"} | output.pop("route", {}), *more_routes]
        whole = config(session(server, outputs=routes), outputs={"program": {"type": "exec"} | output}, **top)
        return self.enterContext(Daemon(whole))

    def program_of(self, file="pid"):
        path = self.place / file
        return int(until(lambda: path.exists() and path.read_text().endswith("\n") and path.read_text()))


class Partner(Programs):
    # The page's own example: its program and its configuration, with another address.
    def test_example(self):
        page = (ROOT / "docs" / "commands.md").read_text().partition("## A program that drives a session")[2]
        settings, *_ = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S))
        [program] = re.findall(r"```python\n(.*?)```", page, re.S)
        (self.place / "partner.py").write_text(program)
        server = self.answering()
        settings["sessions"]["feed"] |= {"url": server.url, "tls": session(server)["tls"]}
        settings["outputs"]["partner"]["program"][-1] = str(self.place / "partner.py")
        path = write_config(settings, self.place)
        checked = run_to_end("check", "-c", path)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        daemon = self.enterContext(Daemon(settings))
        until(lambda: len(self.questions) == 11)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual(self.questions, list(range(11)))

    # The example of outputs.md, with a program that can be looked at.
    def test_template(self):
        page = (ROOT / "docs" / "outputs.md").read_text()
        [block] = (each for each in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.S))
                   if "ticker" in each["outputs"])
        prices = [frame(TEXT, json.dumps({"op": "trade", "symbol": "EURUSD", "price": n + 0.5}).encode()) for n in range(3)]

        def serve(connection, _):
            connection.accept()
            connection.send(b"".join(prices))
            connection.end()

        server = self.enterContext(RawServer(serve))
        block["sessions"]["feed"] |= {"url": server.url, "tls": session(server)["tls"]}
        self.assertEqual(block["outputs"]["ticker"]["program"][0], "/usr/bin/logger")
        block["outputs"]["ticker"]["program"] = shell('cat > "$1"', self.place / "got")
        daemon = self.enterContext(Daemon(block))
        until(lambda: (self.place / "got").exists() and (self.place / "got").read_text().count("\n") == 3)
        self.assertEqual((self.place / "got").read_text(), "EURUSD 0.5\nEURUSD 1.5\nEURUSD 2.5\n")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    # 300 round trips over a death: no question is left out.
    def test_round_trips(self):
        server = self.answering()
        program = [sys.executable, "-c", COUNTER, str(self.place / "state")]
        daemon = self.start(server, {"program": program, "answers": "commands"}, "stdout")
        daemon.wait_log("output program failed: the program ended: exit code 3; events wait, next attempt in")
        daemon.wait_log("output program: that was enough")
        until(lambda: self.questions[-1:] == [300])
        self.assertEqual(self.questions, [*range(101), *range(100, 301)])
        daemon.wait_log("output program works again", timeout=30)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())

    def test_complaints_name_the_output(self):
        server = self.answering()
        program = shell("echo nonsense; echo '{\"command\": \"ask\", \"with\": {\"n\": 1}, \"id\": \"a\"}'; cat > \"$1\"", self.place / "got")
        daemon = self.start(server, {"program": program, "answers": "commands"})
        daemon.wait_log("line 1 of the answers of output program is not valid: it is not JSON")
        until(lambda: self.questions == [1])
        # The end of the command is an event that the program gets, like all others.
        def got():
            path = self.place / "got"
            return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        until(lambda: any(event.get("id") == "a" for event in got()))
        [end] = [event for event in got() if event["event"] == "command"]
        self.assertEqual((end["command"], end["state"]), ("ask", "written"))


class Written(Programs):
    # Far more than a pipe holds: the program reads late, and gets everything, in order.
    def test_back_pressure(self):
        server = self.pouring(20_000)
        got = self.place / "got"
        daemon = self.start(server, {"program": shell('sleep 1; cat > "$1"', got), "format": "ndjson", "queue": "64KiB"})
        until(lambda: got.exists() and got.read_text().count("\n") == 20_000)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual([json.loads(line)["n"] for line in got.read_text().splitlines()], list(range(20_000)))

    # At the end the program reads on until its input is closed.
    def test_the_end_is_read(self):
        server = self.pouring(2000)
        got = self.place / "got"
        output = {"program": shell('sleep 1; cat > "$1"; echo whole >> "$1"', got), "format": "template",
                  "template": "${session} ${n}\n", "route": {"replies": ["answer"]}}
        daemon = self.start(server, output, "stdout")
        daemon.wait_reply(2000, timeout=30)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual(got.read_text().splitlines(), [f"callcentre {n}" for n in range(2000)] + ["whole"])

    # Killed while it reads: what it had read is lost, nothing is written twice, and the rest goes to the next one.
    def test_killed(self):
        server = self.pouring(30_000)
        output = {"program": shell('echo $$ >> "$1/pid"; exec cat >> "$1/got"', self.place), "format": "ndjson"}
        daemon = self.start(server, output)
        killed = self.program_of()
        until(lambda: (self.place / "got").stat().st_size)
        os.kill(killed, signal.SIGKILL)
        daemon.wait_log("output program failed: the program ended: killed by signal 9; events wait")
        def numbers():
            return [int(n) for n in re.findall(r'\{"op":"answer","n":(\d+)\}\n', (self.place / "got").read_text())]
        until(lambda: numbers()[-1:] == [29_999])
        found = numbers()
        self.assertEqual(found, sorted(set(found)))
        self.assertFalse(runs(killed))

    # A program that reads nothing holds up nobody if its output drops, and is gone when the daemon is.
    def test_reads_nothing(self):
        server = self.pouring(30_000)
        output = {"program": shell('echo $$ > "$1/pid"; exec sleep 1000', self.place), "queue": "64KiB", "overflow": "drop_oldest"}
        daemon = self.start(server, output, "stdout", shutdown={"limit": "2s"})
        daemon.wait_reply(30_000, timeout=60)
        daemon.wait_log(r"output program is too slow: \d+ event\(s\) were dropped so far")
        program = self.program_of()
        daemon.signal()
        self.assertEqual(daemon.wait(), Exit.INTERRUPTED)
        daemon.wait_log("output program failed: .*events are lost")
        until(lambda: not runs(program))

    # Neither the end of its input nor SIGTERM ends this one; what it has started ends with it.
    def test_must_be_killed(self):
        server = self.pouring(10)
        command = 'trap "" TERM; echo $$ > "$1/pid"; sleep 1000 & echo $! > "$1/child"; cat > "$1/got"; while :; do sleep 0.1; done'
        daemon = self.start(server, {"program": shell(command, self.place), "format": "ndjson"}, shutdown={"limit": "3s"})
        until(lambda: (self.place / "got").exists() and (self.place / "got").read_text().count("\n") == 10)
        program, child = self.program_of(), self.program_of("child")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        until(lambda: not runs(program) and not runs(child), 10)

    # The daemon itself is killed: the program's input ends.
    def test_daemon_killed(self):
        server = self.pouring(10)
        daemon = self.start(server, {"program": shell('echo $$ > "$1/pid"; cat > /dev/null; echo whole > "$1/end"', self.place)})
        program = self.program_of()
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        until(lambda: not runs(program))
        self.assertEqual((self.place / "end").read_text(), "whole\n")


class Surroundings(Programs):
    # Nothing of the daemon's but its few variables and the three pipes; what it says is masked.
    def test_environment_and_secrets(self):
        server = self.pouring(1)
        command = 'env > "$1/env"; ls -l /proc/self/fd > "$1/fds"; echo "the key is $API_KEY" >&2; echo "and on stdout $API_KEY"; echo > "$1/pid"; cat'
        os.environ["DUPLEXD_TEST_KEY"] = "hunter2-hunter2"
        self.addCleanup(os.environ.pop, "DUPLEXD_TEST_KEY")
        daemon = self.start(server, {"program": shell(command, self.place), "env": {"API_KEY": "${env:DUPLEXD_TEST_KEY}"}})
        daemon.wait_log(r"output program: the key is \*\*\*$")
        daemon.wait_log(r"output program: and on stdout \*\*\*$")
        names = {line.split("=")[0] for line in (self.place / "env").read_text().splitlines()}
        self.assertIn("API_KEY", names)
        self.assertNotIn("DUPLEXD_TEST_KEY", names)
        self.assertFalse(any("hunter2" in line for line in daemon.log.all()))
        descriptors = re.findall(r" (\d+) -> ", (self.place / "fds").read_text())
        self.assertEqual({int(n) for n in descriptors} - {3}, {0, 1, 2})  # 3 is the directory that ls reads

    # However much it says: the log is bounded, and the daemon goes on.
    def test_floods_the_log(self):
        server = self.pouring(1000)
        command = 'yes "something is wrong" >&2 & head -c 3000000 /dev/zero | tr "\\0" x >&2; cat > /dev/null'
        daemon = self.start(server, {"program": shell(command)}, "stdout")
        daemon.wait_reply(1000, timeout=60)
        daemon.wait_log(r"output program: \(\d+ lines were left out\)", timeout=30)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertLess(len(daemon.log.all()), 2000)

    # No descriptor is left over by many restarts, and no zombie.
    def test_restarts_leave_nothing(self):
        server = self.pouring(1)
        daemon = self.start(server, {"program": shell("exit 5")}, "stdout")
        daemon.wait_reply()
        daemon.wait_log("the program ended: exit code 5", count=2)
        before = daemon.descriptors()
        daemon.wait_log("the program ended: exit code 5", count=5, timeout=60)
        until(lambda: daemon.descriptors() <= before)
        children = pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children")
        until(lambda: children.read_text() == "")

    def test_check(self):
        program = ["duplexd-no-such-program"]
        path = write_config(config(listener("wss://localhost:1/"), outputs={"p": {"type": "exec", "program": program}}), self.place)
        checked = run_to_end("check", "-c", path)
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn("outputs.p: program: there is no program duplexd-no-such-program", checked.stderr)


if __name__ == "__main__":
    unittest.main()
