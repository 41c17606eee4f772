"""SQLite and file outputs: the types of columns, and faults of the target, as docs/outputs.md states them."""

import contextlib
import json
import os
import pathlib
import re
import resource
import sqlite3
import struct
import subprocess
import tempfile
import threading
import unittest

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, run_to_end, write_config
from support.raw_server import BINARY, RawServer, frame
from support.waiting import until

QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
LAYOUT = "> id:Q count:I price:d fee:H/100 symbol:str"
COLUMNS = [("_time", "TEXT"), ("_session", "TEXT"), ("id", "ANY"), ("count", "INTEGER"), ("price", "REAL"), ("fee", "REAL"),
           ("symbol", "TEXT")]


def tick(number, price=1.5, symbol="007", identity=None):
    return frame(BINARY, struct.pack(">QIdH", number if identity is None else identity, number, price, 100 * number % 65536)
                 + symbol.encode())


def ask(path, *questions):
    """What sqlite3(1) prints, a line each."""
    done = subprocess.run(["sqlite3", "-readonly", "-cmd", ".timeout 10000", path, *questions], capture_output=True, text=True,
                          check=False)
    return done.stdout.splitlines()


class Target(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-sqlite-")))
        self.database = self.place / "feed.db"

    def serve(self, messages):
        """Sends them on each connection."""
        def pour(connection, _):
            connection.accept()
            for each in messages:
                connection.send(each)
            connection.end()

        return self.enterContext(RawServer(pour))

    def whole(self, server, output=None, layout=LAYOUT, **more):
        session = listener(server.url, outputs=["store"], login=None, simulate=None, liveness=QUIET,
                           protocol={"replies": [{"as": "tick", "layout": layout}]})
        return config(session, outputs={"store": {"type": "sqlite", "path": str(self.database)} | (output or {})}, **more)

    def run_daemon(self, server, output=None, **more):
        return self.enterContext(Daemon(self.whole(server, output, **more)))

    def end(self, daemon):
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def counts(self, path=None):
        return [int(each) for each in ask(path or self.database, "SELECT count FROM tick ORDER BY rowid")]


class Types(Target):
    def columns(self):
        return [tuple(each.split("|")) for each in ask(self.database, "SELECT name, type FROM pragma_table_info('tick')")]

    # The page's own configuration and question, with another address.
    def test_page(self):
        text = (ROOT / "docs" / "outputs.md").read_text()
        block = yaml.safe_load(re.search(r"```yaml\n((?:(?!```).)*ticks\.db.*?)```", text, re.S)[1])
        asked = re.search(r"```sh\nsqlite3 ticks\.db '(.*?)' '(.*?)'\n", text).groups()
        server = self.serve([tick(1), tick(2, float("nan"), identity=2**64 - 1)])
        block["sessions"]["feed"] |= {"url": server.url, "tls": listener(server.url)["tls"]}
        block["outputs"]["store"]["path"] = str(self.database)
        path = write_config(block, self.place)
        checked = run_to_end("check", "-c", path)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        daemon = self.enterContext(Daemon(pathlib.Path(path).read_text()))
        until(lambda: self.counts() == [1, 2])
        schema, *found = ask(self.database, *asked)
        self.assertEqual(found, ["integer|real|1.5", 'text|null|{"price":"nan"}'])
        for name, kind in COLUMNS:
            self.assertRegex(schema, rf'"?{name}"? {kind}[,)]')
        self.assertTrue(schema.endswith(") STRICT;"))
        self.end(daemon)

    # Each value as the event has it.
    def test_values(self):
        server = self.serve([tick(2**32 - 1, 2**53, identity=2**63 - 1), tick(2, float("-inf"), identity=2**63), tick(3, 0.1)])
        daemon = self.run_daemon(server)
        until(lambda: len(self.counts()) == 3)
        self.assertEqual(self.columns(), [*COLUMNS, ("_more", "TEXT")])
        self.assertEqual(ask(self.database, "SELECT id, count, price, fee, symbol, _more FROM tick"), [
            "9223372036854775807|4294967295|9.00719925474099e+15|654.36|007|",
            '9223372036854775808|2||2.0|007|{"price":"-inf"}',
            "3|3|0.1|3.0|007|"])
        self.assertEqual(ask(self.database, "SELECT typeof(id), typeof(price), typeof(fee), typeof(symbol) FROM tick"),
                         ["integer|real|real|text", "text|null|real|text", "integer|real|real|text"])
        self.end(daemon)

    # What an earlier version made, and a layout that has changed: no column is retyped, no event is lost.
    def test_changes(self):
        with contextlib.closing(sqlite3.connect(self.database)) as earlier:
            earlier.execute("CREATE TABLE tick (_time ANY, _session ANY, id ANY, count ANY) STRICT")
            earlier.execute("INSERT INTO tick VALUES ('then', 's', '18446744073709551615', 7)")
            earlier.commit()
        daemon = self.run_daemon(self.serve([tick(1, float("nan"))]))
        until(lambda: self.counts() == [7, 1])
        self.end(daemon)
        text = frame(BINARY, b"many")
        daemon = self.run_daemon(self.serve([text]), layout="fee:str")
        until(lambda: ask(self.database, "SELECT count(*) FROM tick") == ["3"])
        self.end(daemon)
        self.assertEqual(dict(self.columns()), {"_time": "ANY", "_session": "ANY", "id": "ANY", "count": "ANY", "price": "REAL",
                                                "fee": "REAL", "symbol": "TEXT", "_more": "TEXT"})
        self.assertEqual(ask(self.database, "SELECT id, count, price, fee, _more FROM tick"),
                         ["18446744073709551615|7|||", '1|1||1.0|{"price":"nan"}', '||||{"fee":"many"}'])


class Faults(Target):
    """The first events arrive; then the target fails, and the next ones come; then it is as before."""

    FIRST, ALL = 100, 300

    def setUp(self):
        super().setUp()
        self.target = self.place / "target"
        self.target.mkdir()
        self.go_on = threading.Event()
        self.addCleanup(self.go_on.set)

    def serve_in_two(self):
        def pour(connection, number):
            connection.accept()
            if number == 1:
                for each in range(self.FIRST):
                    connection.send(tick(each))
                self.go_on.wait(60)
                for each in range(self.FIRST, self.ALL):
                    connection.send(tick(each))
            connection.end()

        return self.enterContext(RawServer(pour))

    def mount(self, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.target], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.target], check=True)

    def start(self, kind, durable):
        """The daemon, and a function that reads the numbers of a target's events."""
        self.path = self.target / ("feed.db" if kind == "sqlite" else "feed.jsonl")
        output = {"type": kind, "path": str(self.path)} | ({"durable": True} if durable else {})
        more = {"journal": {"path": str(self.place / "journal.db")}} if durable else {}
        return self.run_daemon(self.serve_in_two(), output, **more)

    def numbers(self, path=None):
        path = path or self.path
        if not path.is_file():
            return []
        if path.suffix == ".db":
            return self.counts(path)
        return [json.loads(line)["data"]["count"] for line in path.read_text().split("\n")[:-1]]

    def check(self, kind, begin, mend, words, left=0, durable=None):
        """`left`: the first event that is at the target afterwards."""
        for each in (False, True) if durable is None else (durable,):
            with self.subTest(kind=kind, durable=each):
                self.go_on.clear()
                daemon = self.start(kind, each)
                until(lambda: self.numbers() == list(range(self.FIRST)))
                begin(daemon)
                self.go_on.set()
                if words:
                    daemon.wait_log(f"output store failed: .*{words}.*; events wait, next attempt in", timeout=30)
                mend(daemon)
                if words:
                    daemon.wait_log("output store works again", timeout=60)
                until(lambda: self.numbers() == list(range(left, self.ALL)))
                self.end(daemon)
                self.assertEqual(self.numbers(), list(range(left, self.ALL)))
                if kind == "sqlite":
                    self.assertEqual(ask(self.path, "PRAGMA integrity_check"), ["ok"])
                for path in [*self.target.iterdir(), *self.place.glob("journal.db*")]:
                    path.unlink()

    def fill(self, _):
        with contextlib.suppress(OSError), open(self.target / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_full_disk(self):
        self.mount("2m")
        for kind, words in (("sqlite", "feed.db: database or disk is full"), ("file", "cannot write .*: No space left on device")):
            self.check(kind, self.fill, lambda _: (self.target / "ballast").unlink(), words)

    # What the process may write, of all files: an I/O error.
    def test_file_size_limit(self):
        unlimited = resource.RLIM_INFINITY

        def limit(daemon):
            size = max(each.stat().st_size for each in self.target.iterdir())
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, unlimited))

        def lift(daemon):
            resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))

        self.check("sqlite", limit, lift, "feed.db: (disk I/O error|database or disk is full)", durable=False)
        self.check("file", limit, lift, "cannot write .*: File too large", durable=False)

    # Something else has the name; the events go on in a new one.
    def test_directory_in_its_place(self):
        aside = self.place / "aside"

        def replace(_):
            self.path.rename(aside)
            self.path.mkdir()

        for kind, words in (("sqlite", "feed.db: unable to open database file"), ("file", "cannot open .*: Is a directory")):
            self.check(kind, replace, lambda _: self.path.rmdir(), words, left=self.FIRST)

    # What came before is in the file that was moved.
    def test_renamed(self):
        for kind in ("sqlite", "file"):
            aside = self.place / ("aside" + (".db" if kind == "sqlite" else ".jsonl"))
            for durable in (False, True):
                self.check(kind, lambda _, to=aside: self.path.rename(to), lambda _: None, "", left=self.FIRST, durable=durable)
                self.assertEqual(self.numbers(aside), list(range(self.FIRST)))

    def test_deleted(self):
        for kind in ("sqlite", "file"):
            self.check(kind, lambda _: self.path.unlink(), lambda _: None, "", left=self.FIRST)

    # Another program has it for longer than SQLite waits.
    def test_locked(self):
        held = []

        def lock(_):
            other = sqlite3.connect(self.path, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            held.append(other)

        def release(daemon):
            daemon.wait_log("output store failed: .*database is locked", count=2, timeout=30)
            other = held.pop()
            other.execute("COMMIT")
            other.close()

        self.check("sqlite", lock, release, "feed.db: database is locked")

    # A read-only file system at the start: the daemon runs, and the events wait.
    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_read_only(self):
        self.mount("2m")
        self.go_on.set()
        for kind, words in (("sqlite", "feed.db: (unable to open database file|attempt to write a readonly database)"),
                            ("file", "cannot open .*: Read-only file system")):
            for durable in (False, True):
                with self.subTest(kind=kind, durable=durable):
                    subprocess.run(["mount", "-o", "remount,ro", self.target], check=True)
                    daemon = self.start(kind, durable)
                    daemon.wait_log(f"output store failed: .*{words}.*; events wait, next attempt in", timeout=30)
                    subprocess.run(["mount", "-o", "remount,rw", self.target], check=True)
                    until(lambda: self.numbers() == list(range(self.ALL)))
                    self.end(daemon)
                    for path in [*self.target.iterdir(), *self.place.glob("journal.db*")]:
                        path.unlink()

    # A damaged database stays as it is, until somebody moves it away.
    def test_damaged(self):
        self.go_on.set()
        database = self.target / "feed.db"
        for how, words in (("no database", "file is not a database"), ("damaged pages", "database disk image is malformed")):
            for durable in (False, True):
                with self.subTest(how=how, durable=durable):
                    with contextlib.closing(sqlite3.connect(database)) as earlier:
                        earlier.execute("PRAGMA auto_vacuum=INCREMENTAL")
                        earlier.execute("CREATE TABLE tick (_time ANY, _session ANY) STRICT")
                        earlier.executemany("INSERT INTO tick VALUES (?, 's')", [("x" * 100,)] * 1000)
                        earlier.commit()
                    whole = database.read_bytes()
                    damaged = b"no" * 5000 if how == "no database" else whole[:8192] + b"\xff" * (len(whole) - 8192)
                    database.write_bytes(damaged)
                    daemon = self.start("sqlite", durable)
                    daemon.wait_log(f"output store failed: .*{words}.*; events wait, next attempt in", timeout=30)
                    self.assertEqual(database.read_bytes()[8192:], damaged[8192:])
                    for each in self.target.glob("feed.db*"):
                        each.rename(self.place / f"moved-{each.name}")
                    daemon.wait_log("output store works again", timeout=60)
                    until(lambda: self.numbers() == list(range(self.ALL)))
                    self.end(daemon)
                    for path in [*self.target.iterdir(), *self.place.glob("journal.db*")]:
                        path.unlink()

    # The queue is bounded: the server is held back, and nothing is lost.
    def test_block(self):
        sent, count = [0], 1500

        def pour(connection, _):
            connection.accept()
            connection.stream.settimeout(120)
            for number in range(count):
                connection.send(tick(number, symbol="x" * 20_000))
                sent[0] = number
            connection.end()

        server = self.enterContext(RawServer(pour))
        self.path = self.target / "feed.db"
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN EXCLUSIVE")
            daemon = self.run_daemon(server, {"path": str(self.path), "queue": "1MiB"})
            daemon.wait_log("output store failed: .*database is locked", count=2, timeout=60)
            self.assertLess(sent[0], count - 1)  # 30 MB do not fit into the queue, what is read ahead, and sockets
            other.execute("COMMIT")
        until(lambda: len(self.counts(self.path)) == count)
        self.assertEqual(self.counts(self.path), list(range(count)))
        self.end(daemon)


if __name__ == "__main__":
    unittest.main()
