"""`duplexd run --record`, what `decode` makes of the capture, and `simulate --replay` against the next run."""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import tempfile
import unittest

from support import peers
from support.config import LOGIN, SET_SERVICE, TO_FREE, config, session
from support.daemon import BINARY, Daemon, Exit, run_to_end, write_config
from support.lines import Lines

URL = "wss://localhost:2443/"


def entries(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def without_time(events):
    return [{key: part for key, part in event.items() if key != "time"} for event in events]


class Replay:
    """`duplexd simulate --replay` on a free port."""

    def __init__(self, settings, capture, *options):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-replay-")
        path = write_config(settings, self._dir.name)
        self.process = subprocess.Popen([BINARY, "simulate", "-c", path, "--state", self._dir.name, "--port", "0",
                                         "--replay", str(capture), *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        self.out = Lines(self.process.stdout)
        ready = self.out.wait(lambda line: line.startswith("ready "))
        self.url, self.ca = re.fullmatch(r"ready (wss://localhost:\d+/\S*) ca=(\S+)", ready).groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.join()
            self.out.join()
            self._dir.cleanup()

    def wait(self, timeout=20):
        code = self.process.wait(timeout)
        return code, self.out.join()[1:]


class Record(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="duplexd-capture-")
        self.addCleanup(temporary.cleanup)
        self.capture = pathlib.Path(temporary.name) / "capture.jsonl"

    def record(self, library="ws", **overrides):
        """Records the reference session against a real server; returns the events on stdout."""
        with peers.Server(library) as server, Daemon(config(session(server.url, **overrides)), "--once", "--record",
                                                     str(self.capture)) as daemon:
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            return daemon.events.all()

    def replay(self, settings, *options):
        """Runs duplexd with these settings against the capture: (exit code, report, events)."""
        with Replay(config(session(URL)), self.capture, *options) as server:
            settings = settings | {"url": server.url, "tls": {"ca_file": server.ca}}
            with Daemon(config(settings), "--once") as daemon:
                daemon.wait()
                code, report = server.wait()
                return code, report, daemon.events.all()


class Capture(Record):
    # Every message that a real server and the daemon exchanged, in both directions, and nobody else can read it.
    def test_both_directions(self):
        self.record()
        self.assertEqual(stat.S_IMODE(self.capture.stat().st_mode), 0o600)
        lines = entries(self.capture)
        self.assertEqual(lines[0]["event"], "opened")
        self.assertEqual([(line["event"], line.get("direction"), line.get("reason")) for line in lines
                          if line["event"] in ("close", "ended")],
                         [("close", "out", "user quit"), ("close", "in", "user quit"), ("ended", None, None)])
        sent = [line for line in lines if line["event"] == "message" and line["direction"] == "out"]
        self.assertEqual([line["frame"] for line in sent], ["text", "binary", "binary"])
        self.assertEqual([line.get("hex") for line in sent[1:]], [SET_SERVICE.hex(), TO_FREE.hex()])
        came = [line["hex"] for line in lines if line["event"] == "message" and line["direction"] == "in"]
        self.assertEqual(came[:3], ["07000000" + b"queued".hex(), "00000000", "010203"])
        self.assertEqual(len(came), 53)

    # ${env:AGENT_ID} is in the login: its value is not in the file.
    def test_secrets_are_left_out(self):
        self.record()
        self.assertNotIn(os.environ["AGENT_ID"], self.capture.read_text())
        login = next(line for line in entries(self.capture) if line.get("direction") == "out")
        self.assertEqual(json.loads(login["text"]), {"role": "admin", "user_id": "***"})
        self.assertEqual((login["redacted"], login["size"]), (True, len(LOGIN)))

    # The next run is added to it.
    def test_a_capture_grows(self):
        self.record()
        self.record("websockets")
        self.assertEqual([line["event"] for line in entries(self.capture)].count("opened"), 2)

    # What cannot be written is said before anything is started.
    def test_no_such_directory(self):
        with Daemon(config(session(URL)), "--record", "/nowhere/at/all") as daemon:
            self.assertEqual(daemon.wait(), Exit.USAGE)
            self.assertEqual(daemon.log.all(), ["cannot record to /nowhere/at/all: No such file or directory"])

    # decode reads the file: commands and replies, and what is neither as it is.
    def test_decode(self):
        self.record()
        with tempfile.TemporaryDirectory() as directory:
            path = write_config(config({"callcentre": session(URL), "other": session(URL)}), directory)
            with open(self.capture, encoding="utf-8") as stdin:
                done = subprocess.run([BINARY, "decode", "-c", path, "--jsonl"], stdin=stdin, capture_output=True,
                                      text=True, timeout=30, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, Exit.DATA, "one reply is too short")
        self.assertEqual(len(rows), len(entries(self.capture)))
        self.assertEqual([(row["command"], row["data"]) for row in rows if "command" in row],
                         [("set_service", {"opcode": 2, "services": ["first", "test"]}),
                          ("to_free", {"opcode": 0, "state": 0})])
        self.assertEqual([row["data"]["code"] for row in rows if "reply" in row and "data" in row],
                         [7, 0, *range(100, 150)])
        self.assertEqual(rows[0], entries(self.capture)[0])
        self.assertTrue(rows[1]["redacted"])


class Replays(Record):
    # The whole circle: a real server is recorded, its capture is played, and the same events come out.
    def test_the_same_configuration(self):
        before = self.record()
        code, report, after = self.replay(session(URL))
        self.assertEqual((code, report), (0, ["replay: 3 messages as recorded, 0 differences"]))
        # Two answers; then this server ticks by the clock: how many ticks fit in before the close is not the same twice.
        both = min(len(after), len(before))
        self.assertGreaterEqual(both, 2)
        self.assertEqual(without_time(after)[:both], without_time(before)[:both])

    # Without delays, too.
    def test_as_fast_as_possible(self):
        before = self.record("websockets")
        code, report, after = self.replay(session(URL), "--speed", "max")
        self.assertEqual((code, report), (0, ["replay: 3 messages as recorded, 0 differences"]))
        self.assertEqual(without_time(after), without_time(before))

    # A changed command is noticed, with its place and both values.
    def test_a_changed_command(self):
        self.record()
        changed = session(URL)
        changed["script"][1]["with"] = {"services": ["second"]}
        code, report, _ = self.replay(changed)
        self.assertEqual(code, Exit.DIFFERS, report)
        self.assertEqual(report, ['message 2: expected set_service {"opcode":2,"services":["first","test"]}; '
                                  'found set_service {"opcode":2,"services":["second"]}',
                                  "replay: 2 messages as recorded, 1 differences"])

    # A command that is not sent any more, and another close code.
    def test_a_missing_command(self):
        self.record()
        changed = session(URL, close={"code": 4000, "reason": "bye"})
        changed["script"] = changed["script"][:2]
        code, report, _ = self.replay(changed)
        self.assertEqual(code, Exit.DIFFERS, report)
        self.assertEqual(report, ['message 3: expected to_free {"opcode":0,"state":0}; found close 4000 bye',
                                  "the end: expected close 1000 user quit; found close 4000 bye",
                                  "replay: 2 messages as recorded, 2 differences"])

    # A redacted login stands for any: another agent's is the same to the replay.
    def test_another_secret(self):
        self.record()
        code, report, _ = self.replay(session(URL, login={"json": {"role": "admin", "user_id": "somebody"}}))
        self.assertEqual((code, report[-1]), (0, "replay: 3 messages as recorded, 0 differences"))

    # What cannot be replayed is said at once.
    def test_bad_captures(self):
        self.capture.write_text("{}\n")
        with tempfile.TemporaryDirectory() as directory:
            path = write_config(config(session(URL)), directory)
            command = ["simulate", "-c", path, "--port", "0", "--replay"]
            done = run_to_end(*command, str(self.capture))
            self.assertEqual((done.returncode, done.stderr), (Exit.DATA, f'{self.capture}: line 1: "v" must be 1: the version '
                                                                 "of captures that this program reads\n"))
            done = run_to_end(*command, "/nowhere")
            self.assertEqual((done.returncode, done.stderr), (Exit.DATA, "/nowhere: the file cannot be read\n"))
            done = run_to_end(*command, str(self.capture), "--speed", "0")
            self.assertEqual(done.returncode, Exit.USAGE)
            self.assertIn("--speed must be a number above 0, or max", done.stderr)


if __name__ == "__main__":
    unittest.main()
