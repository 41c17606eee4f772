"""What docs/durability.md promises: kill -9 at random moments, full disks, dead targets, damaged journals."""

import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import string
import struct
import subprocess
import tempfile
import time
import unittest

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, run_to_end, write_config
from support.raw_server import TEXT, RawServer, frame
from support.waiting import until

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
ROUNDS = int(os.environ.get("DUPLEXD_KILLS", "50"))


def trade(number, **more):
    return frame(TEXT, json.dumps({"op": "trade", "n": number, "symbol": "EURUSD"} | more).encode())


def rows(path, sql):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(sql).fetchall()


def noise(size):
    """Text that the journal cannot compress by much."""
    return "".join(random.choices(string.ascii_letters + string.digits + string.punctuation, k=size))


def journaled(path, output):
    """The numbers of an output's events in a journal, as docs/durability.md describes its file."""
    found = []
    for records, in rows(path, f"SELECT records FROM batches WHERE output = '{output}' ORDER BY first"):
        if records.startswith(bytes(8)):
            records = subprocess.run(["zstd", "-dcq"], input=records[8:], stdout=subprocess.PIPE, check=True).stdout
        at = 0
        while at < len(records):
            number, text, *names = struct.unpack_from("=QIHHHBB", records, at)[:5]
            found.append(number)
            at += 20 + text + sum(names)
    return found


class Durable(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-durable-")))
        self.journal, self.database, self.file = (self.place / name for name in ("journal.db", "feed.db", "feed.jsonl"))

    def serve(self, messages, hold=True):
        """Sends them on each connection."""
        def pour(connection, _):
            connection.accept()
            for each in messages:
                connection.send(each)
            if hold:
                connection.end()

        return self.enterContext(RawServer(pour))

    def outputs(self, *names):
        both = {"store": {"type": "sqlite", "path": str(self.database), "durable": True},
                "lines": {"type": "file", "path": str(self.file), "durable": True}}
        return {name: both[name] for name in names}

    def whole(self, server, *names, journal=None, **more):
        session = listener(server.url, outputs=list(names), protocol=PROTOCOL, login=None, simulate=None, liveness=QUIET)
        journal = {"path": str(self.journal)} | (journal or {})
        return config(session, outputs=self.outputs(*names), journal=journal, **more)

    def run_daemon(self, server, *names, **more):
        return self.enterContext(Daemon(self.whole(server, *names, **more)))

    def kill(self, daemon):
        daemon.signal(signal.SIGKILL)
        daemon.wait()

    def end(self, daemon, code=0):
        daemon.signal()
        self.assertEqual(daemon.wait(), code)

    def stored(self):
        """The numbers of the trades in the database, in the order in which they came."""
        try:
            return [n for n, in rows(self.database, "SELECT n FROM trade ORDER BY rowid")]
        except sqlite3.OperationalError:  # not yet
            return []

    def count_stored(self):
        """Without reading them: none is ever deleted."""
        try:
            return rows(self.database, "SELECT max(rowid) FROM trade")[0][0] or 0
        except sqlite3.OperationalError:  # not yet
            return 0

    def lines(self):
        return [json.loads(line) for line in self.file.read_text().split("\n")[:-1]] if self.file.exists() else []

    def count(self, output="store"):
        """How many events of an output the journal has."""
        try:
            return rows(self.journal, f"SELECT coalesce(sum(count), 0) FROM batches WHERE output = '{output}'")[0][0]
        except sqlite3.OperationalError:  # not yet
            return 0


class Page(Durable):
    # The page's own configuration, with another address and other places.
    def test_example(self):
        text = (ROOT / "docs" / "durability.md").read_text()
        block = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
        server = self.serve([trade(n) for n in range(10)])
        block["sessions"]["feed"] |= {"url": server.url, "tls": listener(server.url)["tls"]}
        path = write_config(block, self.place)
        checked = run_to_end("check", "-c", path)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        daemon = self.enterContext(Daemon((pathlib.Path(path)).read_text().replace("feed.db", str(self.database))))
        until(lambda: self.stored() == list(range(10)))
        self.end(daemon)

    def test_ids(self):
        server = self.serve([trade(n) for n in range(3)])
        daemon = self.run_daemon(server, "lines", "store")
        until(lambda: len(self.lines()) == 3 and len(self.stored()) == 3)
        self.end(daemon)
        uuid = rows(self.journal, "SELECT value FROM state WHERE key = 'journal'")[0][0]
        self.assertEqual([line["event_id"] for line in self.lines()], [f"{uuid}:{n}" for n in (1, 3, 5)])
        self.assertEqual(rows(self.database, "SELECT _event_id FROM trade"), [(f"{uuid}:{n}",) for n in (2, 4, 6)])
        self.assertEqual(self.journal.stat().st_mode & 0o7777, 0o600)
        self.assertEqual((self.count("lines"), self.count("store")), (0, 0))

    # systemd gives the directory.
    def test_state_directory(self):
        server = self.serve([trade(1)])
        whole = self.whole(server, "store")
        del whole["journal"]
        daemon = self.enterContext(Daemon(whole, prefix=("env", f"STATE_DIRECTORY={self.place / 'state'}:/x")))
        until(lambda: self.stored() == [1])
        self.end(daemon)
        self.assertTrue((self.place / "state" / "journal.db").exists())
        refused = run_to_end("run", "-c", write_config(whole, self.place))
        self.assertEqual(refused.returncode, 70)
        self.assertIn("the journal has no path: add journal: {path: FILE}", refused.stderr)


class Killed(Durable):
    # What was journaled when the process died is in the database once and in the file at least once, in order.
    def test_at_random_moments(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        numbers = itertools.count()

        def pour(connection, _):
            connection.accept()
            while True:
                connection.send(b"".join(trade(next(numbers)) for _ in range(chance.choice((1, 10, 200)))))
                time.sleep(0.001)

        server = self.enterContext(RawServer(pour))
        must = {"store": set(), "lines": set()}
        for _ in range(ROUNDS):
            before = server.accepted
            with Daemon(self.whole(server, "lines", "store"), read_stdout=False) as daemon:
                until(lambda: server.accepted > before)
                time.sleep(chance.uniform(0, 0.3))
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()
                self.assertEqual(daemon.process.returncode, -signal.SIGKILL, daemon.log.all())
            copy = self.place / "copy"
            copy.mkdir()
            for each in self.place.glob("journal.db*"):
                shutil.copy(each, copy)
            for output, found in must.items():
                if (copy / "journal.db").stat().st_size:
                    found.update(journaled(copy / "journal.db", output))
            shutil.rmtree(copy)
        quiet = self.serve([])
        daemon = self.run_daemon(quiet, "lines", "store")
        until(lambda: self.count("store") == 0 and self.count("lines") == 0)
        self.end(daemon)
        last = rows(self.journal, "SELECT value FROM state WHERE key = 'last'")[0][0]
        stored = [int(each.rpartition(":")[2]) for each, in rows(self.database, "SELECT _event_id FROM trade ORDER BY rowid")]
        lines = [(int(line["event_id"].rpartition(":")[2]), line["data"]["n"]) for line in self.lines()]
        with self.subTest(seed=seed, last=last):
            self.assertGreater(last, 2 * ROUNDS)
            self.assertEqual(stored, list(range(2, last + 1, 2)))  # no gap, no duplicate, in order
            self.assertEqual(sorted(set(number for number, _ in lines)), list(range(1, last + 1, 2)))
            self.assertEqual(set(), must["store"] - set(stored))
            self.assertEqual(set(), must["lines"] - set(number for number, _ in lines))
            self.assertEqual(self.stored(), sorted(set(self.stored())))
            for (one, first), (other, second) in itertools.pairwise(lines):  # a duplicate is the same event again
                self.assertTrue(other > one and second > first or (other, second) in lines)
        self.assertEqual(rows(self.database, "PRAGMA integrity_check"), [("ok",)])

    # A target that is dead while the process is killed gets everything when both are back.
    def test_dead_target(self):
        server = self.serve([trade(n) for n in range(500)])
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store")
            until(lambda: self.count() == 500)
            self.kill(daemon)
            daemon = self.run_daemon(self.serve([]), "store")
            daemon.wait_log("output store failed: .*database is locked", timeout=20)
            self.end(daemon)  # at once, and nothing is lost by it
            other.execute("ROLLBACK")
        daemon = self.run_daemon(self.serve([]), "store")
        until(lambda: self.count() == 0)
        self.end(daemon)
        self.assertEqual(self.stored(), list(range(500)))

    # Half a line that the kill left is written again as a whole.
    def test_torn_line(self):
        server = self.serve([trade(n) for n in range(3)])
        daemon = self.run_daemon(server, "lines")
        until(lambda: len(self.lines()) == 3)
        self.kill(daemon)
        with open(self.file, "a", encoding="utf-8") as file:
            file.write('{"v":1,"ti')
        daemon = self.run_daemon(server, "lines")
        until(lambda: len(self.lines()) >= 6)
        self.end(daemon)
        self.assertEqual([line["data"]["n"] for line in self.lines()][-3:], [0, 1, 2])


class Bounds(Durable):
    # The server is held back by TCP, and goes on when the target does.
    def test_full(self):
        sent = [0]

        def pour(connection, _):
            connection.accept()
            connection.stream.settimeout(120)
            for number in range(3000):
                connection.send(trade(number, text=noise(20_000)))
                sent[0] = number
            connection.end()

        server = self.enterContext(RawServer(pour))
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store", journal={"size": "4MiB"})
            daemon.wait_log(r"the journal is full \(4194304 bytes\): its sessions are held back", timeout=30)
            self.assertLessEqual(self.journal.stat().st_size, 4 << 20)
            daemon.wait_log("output store failed: .*database is locked", count=3, timeout=30)
            self.assertLess(sent[0], 2999)  # 60 MB do not fit into 4 MiB, a buffer of 16 MiB and sockets
            other.execute("ROLLBACK")
        until(lambda: self.count_stored() == 3000, 120)
        self.assertEqual(self.stored(), list(range(3000)))
        daemon.wait_log("the journal takes events again")
        self.end(daemon)

    def test_full_drops(self):
        server = self.serve([trade(n, text=noise(20_000)) for n in range(1000)])
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store", journal={"size": "4MiB", "full": "drop_oldest"})
            daemon.wait_log(r"output store is too slow: \d+ event\(s\) were dropped so far", timeout=30)
            until(lambda: (journaled(self.journal, "store") or [0])[-1] == 1000)
            other.execute("ROLLBACK")
        until(lambda: self.stored()[-1:] == [999])
        self.end(daemon)
        found = self.stored()
        self.assertEqual(found, list(range(1000 - len(found), 1000)))
        self.assertLess(len(found), 400)  # of text that is compressed to 3.2 MB for each 4 MB

    # The file is as large as what waits, not as all that ever went through it.
    def test_file_is_reused(self):
        def pour(connection, _):
            connection.accept()
            for first in range(0, 20_000, 1000):
                connection.send(b"".join(trade(n, text=noise(2000)) for n in range(first, first + 1000)))
                until(lambda end=first + 1000: self.count_stored() == end)
            connection.end()

        server = self.enterContext(RawServer(pour))
        daemon = self.run_daemon(server, "store")
        until(lambda: self.count_stored() == 20_000, 120)
        until(lambda: self.count() == 0)
        self.assertLess(self.journal.stat().st_size, 20 << 20)  # of more than 40 MB
        self.end(daemon)

    # Its events stay until their room is needed, and hold nothing up.
    def test_output_taken_out(self):
        server = self.serve([trade(n) for n in range(50)])
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store")
            until(lambda: self.count() == 50)
            self.kill(daemon)
            other.execute("ROLLBACK")
        large = self.serve([trade(n, text=noise(20_000)) for n in range(500)])
        daemon = self.run_daemon(large, "lines", journal={"size": "2MiB"})
        daemon.wait_log("the journal has 50 event.s. for output store, which is not durable any more")
        until(lambda: len(self.lines()) == 500)
        self.end(daemon)

    def test_two_daemons(self):
        server = self.serve([])
        daemon = self.run_daemon(server, "store")
        until(self.journal.exists)
        daemon.wait_log("connected")
        refused = run_to_end("run", "-c", write_config(self.whole(server, "store"), self.place))
        self.assertEqual(refused.returncode, 70)
        self.assertEqual(refused.stderr.splitlines()[-1], f"another process ({daemon.pid}) uses the journal {self.journal}")
        self.end(daemon)


class Faults(Durable):
    def mount(self, size):
        small = self.place / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        return small

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_full_disk(self):
        small = self.mount("600k")
        self.journal = small / "journal.db"
        (small / "ballast").write_bytes(b"x" * 300_000)
        server = self.serve([trade(n, text=noise(900)) for n in range(2000)])
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store")
            daemon.wait_log("the journal failed: .*database or disk is full.*; events wait, next attempt in", timeout=30)
            subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
            daemon.wait_log("the journal takes events again", timeout=30)
            until(lambda: self.count() == 2000)
            other.execute("ROLLBACK")
        until(lambda: self.count_stored() == 2000)
        self.assertEqual(self.stored(), list(range(2000)))
        self.end(daemon)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_read_only(self):
        small = self.mount("1m")
        self.journal = small / "journal.db"
        server = self.serve([])
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        refused = run_to_end("run", "-c", write_config(self.whole(server, "store"), self.place))
        self.assertEqual((refused.returncode, refused.stderr.splitlines()[-1]),
                         (70, f"cannot open {self.journal}.lock: Read-only file system"))

    def test_damaged(self):
        server = self.serve([trade(n) for n in range(5)])
        self.journal.write_bytes(b"this is not a database" * 1000)
        daemon = self.run_daemon(server, "store")
        line = daemon.wait_log(r"the journal cannot be used \(.*\): it was moved to .*, and a new one was begun")
        until(lambda: self.stored() == list(range(5)))
        self.end(daemon)
        moved = re.search(r"moved to (\S+),", line)[1]
        self.assertRegex(moved, re.escape(str(self.journal)) + r"\.corrupt-\d{8}T\d{6}\.\d{6}Z$")
        self.assertTrue(pathlib.Path(moved).read_bytes().startswith(b"this is not a database"))


if __name__ == "__main__":
    unittest.main()
