"""What docs/commands.md promises of durable commands: kill -9 at random moments, restarts, a journal that fails."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import yaml

from support import peers
from support.config import config, listener
from support.daemon import BINARY, ROOT, run_to_end, write_config
from support.lines import Lines
from support.waiting import until

PROTOCOL = {"json": "compact", "commands": {"buy": {"json": {"op": "buy", "n": None}}},
            "replies": [{"as": "bought", "when": {"json": "/op", "is": "bought"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
NOWHERE = "wss://localhost:1/"
ROUNDS = int(os.environ.get("DUPLEXD_KILLS", "15"))


def whole_line(line):
    """An event; None: the process died while it wrote the line."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


class Run:
    """One life of the daemon: commands go in, ends come out."""

    def __init__(self, path):
        self.process = subprocess.Popen([BINARY, "run", "-c", path, "--commands", "-"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        self.events = Lines(self.process.stdout, whole_line)

    def give(self, number):
        command = {"command": "buy", "with": {"n": number}, "id": f"c{number}"}
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()

    def ends(self):
        """(id, state, whether it was told before) of each end."""
        return [(event["id"], event["state"], event.get("repeated", False))
                for event in self.events.all() if event and event["event"] == "command"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.end()

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(60)
        self.log.join()
        self.events.join()
        return code


class DurableCommands(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-durable-")))
        self.journal = self.place / "journal.db"

    def settings(self, url, **rules):
        rules = {"durable": True, "ttl": "1h"} | rules
        session = listener(url, protocol=PROTOCOL, login=None, simulate=None, liveness=QUIET, linger="0s",
                           commands={"buy": rules}, outbox={"max": 10_000})
        return config({"feed": session}, journal={"path": str(self.journal)}, control={"socket": str(self.socket())})

    def socket(self):
        return self.place / "control.sock"

    def run_daemon(self, url, **rules):
        run = Run(write_config(self.settings(url, **rules), self.place))
        self.addCleanup(run.process.wait)
        self.addCleanup(run.process.kill)
        return run

    def kept(self):
        """State by id, as the journal has it."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=10)) as database:
                return dict(database.execute("SELECT id, state FROM commands").fetchall())
        except sqlite3.OperationalError:  # not yet
            return {}

    def bought(self, server):
        return [json.loads(data)["n"] for kind, data, _ in server.messages() if kind == "text"]

    def api(self, method, path):
        done = subprocess.run(["curl", "-s", "--unix-socket", str(self.socket()), "-X", method,
                               f"http://localhost/api/v1/sessions/feed/commands{path}"],
                              capture_output=True, text=True, timeout=20, check=True)
        return json.loads(done.stdout)

    # A submitter that repeats what it knows no end of; each command arrives at most once, none is forgotten.
    def test_killed_at_random_moments(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        accepted, told, given = set(), {}, 0
        with peers.Server("websockets") as server:
            for kill in range(ROUNDS + 1):
                run = self.run_daemon(server.url)
                for number in range(given):
                    if f"c{number}" not in told:
                        run.give(number)
                more = chance.randrange(1, 40) if kill < ROUNDS else 0
                for number in range(given, given + more):
                    run.give(number)
                given += more
                if kill < ROUNDS:
                    time.sleep(chance.uniform(0, 0.4))
                    run.kill()
                    accepted |= self.kept().keys()
                else:
                    self.assertEqual(run.end(), 0, run.log.all()[-5:])
                for name, state, is_repeated in run.ends():
                    with self.subTest(seed=seed, id=name):
                        # Told once; told again only as what it was.
                        self.assertTrue(name not in told or (is_repeated and told[name] == state),
                                        f"life {kill}: {state}, repeated: {is_repeated}, told before: {told.get(name)}")
                    told.setdefault(name, state)
            until(lambda: len(self.bought(server)) >= sum(state == "written" for state in told.values()))
            arrived = self.bought(server)
        with self.subTest(seed=seed):
            self.assertEqual(len(arrived), len(set(arrived)))  # at most once
            kept = self.kept()
            self.assertEqual(accepted - kept.keys(), set())  # none is forgotten
            self.assertEqual(told, kept)  # each has one end, and all have been told
            self.assertEqual(set(told), {f"c{number}" for number in range(given)})
            self.assertEqual(set(kept.values()) - {"written", "unknown"}, set())
            missing = {f"c{number}" for number in set(range(given)) - set(arrived)}
            self.assertEqual({kept[name] for name in missing} - {"unknown"}, set())

    # Without a server they wait, over restarts, in order; what became of them can be asked for.
    def test_wait_over_restarts(self):
        run = self.run_daemon(NOWHERE)
        for number in range(5):
            run.give(number)
        until(lambda: len(self.kept()) == 5)
        run.process.send_signal(signal.SIGTERM)
        self.assertEqual(run.end(), 0)
        self.assertEqual(run.ends(), [])
        run = self.run_daemon(NOWHERE)
        until(lambda: self.socket().exists())
        self.assertEqual(self.api("GET", "/c3")["state"], "queued")
        self.assertEqual(self.api("DELETE", "/c3")["command"], "buy")
        until(lambda: self.api("GET", "/c3")["state"] == "refused")
        run.kill()
        with peers.Server("websockets") as server:
            run = self.run_daemon(server.url)
            # Given before its end is known, it would be told once, as the one that it is.
            until(lambda: {each[:2] for each in run.ends()} >= {(f"c{n}", "written") for n in (0, 1, 2, 4)})
            run.give(2)  # once more
            until(lambda: ("c2", "written", True) in run.ends())
            self.assertEqual(self.api("GET", "/c3")["why"], "cancelled")
            self.assertEqual(self.api("GET", "/c1"), {"session": "feed", "id": "c1", "command": "buy",
                                                      "state": "written", "ended": True})
            self.assertEqual(run.end(), 0)
            self.assertEqual(self.bought(server), [0, 1, 2, 4])
        self.assertEqual(self.journal.stat().st_mode & 0o7777, 0o600)

    # Nobody confirms it: what was being sent when the process died is unknown, and is not sent again.
    def test_sending(self):
        for rules, state, count in (({}, "unknown", 1), ({"idempotent": True}, "sending", 2)):
            with self.subTest(rules=rules), peers.Server("websockets") as server:
                number = count
                rules |= {"confirm": "bought", "timeout": "1h"}
                run = self.run_daemon(server.url, **rules)
                run.give(number)
                until(lambda: number in self.bought(server))
                run.kill()
                run = self.run_daemon(server.url, **rules)
                until(lambda: self.bought(server).count(number) == count and self.kept()[f"c{number}"] == state)
                ends = ["c1"] if count == 1 else []
                until(lambda: [name for name, _, _ in run.ends()] == ends)  # told after it is on the disk
                run.kill()
                self.assertEqual([name for name, _, _ in run.ends()], ends)

    # A connection that ends each time: four times, then no more.
    def test_quarantine(self):
        rules = {"idempotent": True, "confirm": "bought", "timeout": "1h"}
        with peers.Server("websockets") as server:
            for attempt in range(1, 5):
                run = self.run_daemon(server.url, **rules)
                if attempt == 1:
                    run.give(7)
                until(lambda: len(self.bought(server)) == attempt)
                run.kill()
            run = self.run_daemon(server.url, **rules)
            until(lambda: ("c7", "refused", False) in run.ends())
            run.log.wait(lambda line: "command buy refused: quarantined" in line)
            self.assertEqual(run.end(), 0)
            self.assertEqual(self.bought(server), [7] * 4)

    # It cannot be on the disk: it is not accepted, and may be given again.
    def test_journal_that_cannot_be_written(self):
        run = self.run_daemon(NOWHERE)
        run.give(1)
        until(lambda: self.kept() == {"c1": "accepted"})
        with contextlib.closing(sqlite3.connect(self.journal, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            run.give(2)
            until(lambda: ("c2", "refused", False) in run.ends())
            why = next(event["why"] for event in run.events.all() if event["event"] == "command")
            self.assertEqual(why, f"the journal cannot be written: {self.journal}: database is locked")
            other.execute("ROLLBACK")
        run.give(2)
        until(lambda: self.kept() == {"c1": "accepted", "c2": "accepted"})
        run.kill()

    # It waits for its ttl by the wall's clock, also while no daemon runs.
    def test_expired(self):
        run = self.run_daemon(NOWHERE, ttl="1s")
        run.give(1)
        until(lambda: self.kept() == {"c1": "accepted"})
        run.kill()
        with contextlib.closing(sqlite3.connect(self.journal, isolation_level=None)) as other:
            other.execute("UPDATE commands SET accepted = accepted - 1000")
        with peers.Server("websockets") as server:
            run = self.run_daemon(server.url, ttl="1s")
            self.assertEqual(run.end(), 0)
            self.assertEqual((run.ends(), self.bought(server)), ([("c1", "expired", False)], []))

    def outbox(self, *arguments):
        """Exit code, lines of stdout as values, stderr."""
        done = run_to_end("outbox", arguments[0], "-c", str(self.place / "session.yaml"), *arguments[1:])
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    # Beside a daemon over its control socket, without one in the file, under its lock.
    def test_outbox(self):
        run = self.run_daemon(NOWHERE)
        for number in range(4):
            run.give(number)
        until(lambda: len(self.kept()) == 4 and self.socket().exists())
        code, waiting, _ = self.outbox("ls")
        self.assertEqual((code, [(line["id"], line["state"], line["with"]) for line in waiting]),
                         (0, [(f"c{number}", "accepted", {"n": number}) for number in range(4)]))
        code, _, complaint = self.outbox("cancel", "c1", "--socket", str(self.place / "none.sock"))
        self.assertEqual(code, 73)
        self.assertIn(f"another process ({run.process.pid}) uses the journal", complaint)
        code, [told], _ = self.outbox("cancel", "c1", "--socket", str(self.socket()))
        self.assertEqual((code, told["state"], told["why"]), (0, "refused", "cancelled"))
        until(lambda: ("c1", "refused", False) in run.ends())
        run.kill()
        code, [told], _ = self.outbox("cancel", "c2", "--socket", str(self.socket()))
        self.assertEqual((code, told["state"], told["why"]), (0, "refused", "cancelled"))
        for name in ("c2", "c9"):
            code, _, complaint = self.outbox("cancel", name, "--socket", str(self.socket()))
            self.assertEqual((code, complaint), (73, "duplexd: no command with this id waits\n"))
        self.assertEqual([line["id"] for line in self.outbox("ls")[1]], ["c0", "c3"])
        self.assertEqual([line["state"] for line in self.outbox("ls", "--all")[1]],
                         ["accepted", "refused", "refused", "accepted"])
        with peers.Server("websockets") as server:
            run = self.run_daemon(server.url)
            self.assertEqual(run.end(), 0)
            self.assertEqual(self.bought(server), [0, 3])

    # The page's own configuration, with another address and another place.
    def test_example(self):
        page = (ROOT / "docs" / "commands.md").read_text().partition("## Durable commands")[2]
        settings = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
        with peers.Server("websockets") as server:
            settings["sessions"]["shop"] |= {"url": server.url, "tls": listener(server.url)["tls"]}
            settings["journal"] = {"path": str(self.journal)}
            run = Run(write_config(settings, self.place))
            run.give(5)
            until(lambda: self.bought(server) == [5])
            self.assertEqual(run.end(), 0)
            self.assertEqual(run.ends(), [("c5", "written", False)])

    def test_check(self):
        settings = self.settings(NOWHERE)
        del settings["journal"]
        checked = run_to_end("check", "-c", write_config(settings, self.place))
        self.assertEqual(checked.returncode, 78)
        self.assertIn("a durable command needs a journal (add journal: {path: FILE})", checked.stderr)
        checked = run_to_end("check", "-c", write_config(self.settings(NOWHERE, offline="drop"), self.place))
        self.assertEqual(checked.returncode, 78)
        self.assertIn("a durable command waits for a connection (set offline: queue, or leave it out)", checked.stderr)


if __name__ == "__main__":
    unittest.main()
