"""Events in files and databases: what docs/outputs.md promises, against SQLite, logrotate and a full disk."""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, Exit, run_to_end, write_config
from support.raw_server import BINARY, TEXT, RawServer, close_frame, frame
from support.waiting import until

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def trade(number, **more):
    return frame(TEXT, json.dumps({"op": "trade", "n": number, "symbol": "EURUSD" if number % 2 else "GBPUSD",
                                   "price": number + 0.5} | more).encode())


def session(server, **fields):
    own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET}
    return listener(server.url, **(own | fields))


def rows(path, sql):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
        return database.execute(sql).fetchall()


def whole_lines(path):
    """The lines of a file that is being written: its last one may be half written."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


class Outputs(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-outputs-")))

    def serve(self, messages, hold=True):
        def pour(connection, _):
            connection.accept()
            for each in messages:
                connection.send(each)
            if hold:
                connection.end()
            else:
                connection.send(close_frame())
                connection.read_close()

        return self.enterContext(RawServer(pour))

    def run_daemon(self, server, outputs, routes, **more):
        whole = config(session(server, outputs=routes), outputs=outputs, **more)
        return self.enterContext(Daemon(whole))


class Pages(Outputs):
    # The page's own configurations, with another address.
    def test_examples(self):
        text = (ROOT / "docs" / "outputs.md").read_text()
        first, second, *_ = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S))
        question = re.search(r"```sh\nsqlite3 feed.db '(.*)'\n", text)[1]
        server = self.serve([trade(n) for n in range(10)])
        database, table, events = self.place / "feed.db", self.place / "prices.csv", self.place / "events"

        def stored():
            asked = "SELECT name FROM sqlite_schema WHERE name = 'trade'"
            return database.exists() and rows(database, asked) and rows(database, "SELECT count(*) FROM trade") == [(10,)]

        def written():
            files = list(events.iterdir()) if events.is_dir() else []  # each output is as fast as it is
            return len(whole_lines(table)) == 5 and [len(whole_lines(each)) for each in files] == [10]

        for block, done in ((first, stored), (second, written)):
            block["sessions"]["feed"] |= {"url": server.url, "tls": session(server)["tls"]}
            path = write_config(block, self.place)
            checked = run_to_end("check", "-c", path)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))
            process = subprocess.Popen([os.environ["DUPLEXD"], "run", "-c", path], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                until(done)
            finally:
                process.terminate()
                self.assertEqual((process.communicate(timeout=20)[0], process.returncode), (b"", 0))
        self.assertEqual(sorted(rows(database, question)), [("EURUSD", 5, 5.5), ("GBPUSD", 5, 4.5)])
        self.assertEqual([line.split(",")[1:] for line in whole_lines(table)], [["EURUSD", f"{n}.5"] for n in (1, 3, 5, 7, 9)])
        [day] = events.glob("feed-????-??-??.jsonl")
        self.assertEqual([json.loads(line)["data"]["n"] for line in whole_lines(day)], list(range(10)))


class Database(Outputs):
    # Others read while it is written; after SIGKILL it is consistent and goes on.
    def test_killed(self):
        path = self.place / "feed.db"
        server = self.serve([b"".join(trade(n) for n in range(i, i + 100)) for i in range(0, 20000, 100)])
        outputs = {"store": {"type": "sqlite", "path": str(path)}}
        daemon = self.run_daemon(server, outputs, ["store"])
        until(lambda: path.exists() and rows(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'trade'")[0][0])
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        self.assertEqual(rows(path, "PRAGMA integrity_check"), [("ok",)])
        numbers = [n for n, in rows(path, "SELECT n FROM trade ORDER BY rowid")]
        self.assertEqual(numbers, list(range(len(numbers))))
        again = self.run_daemon(server, outputs, ["store"])
        until(lambda: rows(path, "SELECT count(*) FROM trade")[0][0] == len(numbers) + 20000)
        again.signal()
        self.assertEqual(again.wait(), 0)

    # Another program writes for a while: nothing is lost, it is told, and other sessions are not held up.
    def test_locked(self):
        path = self.place / "feed.db"
        server = self.serve([trade(n) for n in range(100)])
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            sessions = {"slow": session(server, outputs=["store"]), "fast": session(server, outputs=["stdout"])}
            outputs = {"store": {"type": "sqlite", "path": str(path)}}
            daemon = self.enterContext(Daemon(config(sessions, outputs=outputs)))
            daemon.wait_reply(100, session="fast")
            daemon.wait_log(r"output store failed: .*feed\.db: database is locked; events wait, next attempt in", timeout=20)
            other.execute("ROLLBACK")
        # That is told of the first batch; how many it held depends on when the sessions began.
        daemon.wait_log("output store works again", timeout=20)
        until(lambda: rows(path, "SELECT count(*) FROM trade") == [(100,)])
        self.assertEqual(rows(path, "SELECT n FROM trade ORDER BY rowid"), [(n,) for n in range(100)])

    # A writer that waits in a call does not keep the daemon beyond its limit.
    def test_the_end_is_limited(self):
        path = self.place / "feed.db"
        server = self.serve([trade(1)], hold=False)
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, {"store": {"type": "sqlite", "path": str(path)}}, ["store"],
                                     shutdown={"limit": "500ms"})
            daemon.wait_log("the server closed the link")
            start = time.monotonic()
            daemon.signal()
            self.assertEqual(daemon.wait(), Exit.INTERRUPTED)
            self.assertLess(time.monotonic() - start, 4)
            daemon.wait_log("output store failed: .*; events are lost")

    # Events that are still in the queue at the end are told, with an exit code.
    def test_events_lost(self):
        (self.place / "in-the-way").mkdir()
        server = self.serve([trade(1)], hold=False)
        daemon = self.run_daemon(server, {"store": {"type": "sqlite", "path": str(self.place / "in-the-way")}}, ["store"],
                                 shutdown={"limit": "1s"})
        daemon.wait_log("output store failed: .*in-the-way: unable to open database file")
        daemon.signal()
        self.assertEqual(daemon.wait(), Exit.INTERRUPTED)
        daemon.wait_log("output store failed: .*; events are lost")


class Files(Outputs):
    def test_rotation(self):
        server = self.serve([b"".join(trade(n) for n in range(i, i + 100)) for i in range(0, 5000, 100)])
        daemon = self.run_daemon(server, {"f": {"type": "file", "path": str(self.place / "t.jsonl"), "format": "ndjson",
                                                "rotate": {"size": "50KB"}, "compress": "gzip"}}, ["f"])
        def numbers():
            packed = sorted(self.place.glob("t~*.jsonl.gz"))
            texts = [subprocess.run(["gzip", "-dc", each], capture_output=True, check=True).stdout for each in packed]
            return [json.loads(line)["n"] for line in b"".join(texts).splitlines() + whole_lines(self.place / "t.jsonl")]
        until(lambda: numbers() == list(range(5000)))
        self.assertGreater(len(list(self.place.glob("t~*.jsonl.gz"))), 3)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    # Each line is in one file, once.
    def test_logrotate(self):
        for how in ("create", "copytruncate"):
            with self.subTest(how=how):
                place = self.place / how
                place.mkdir(mode=0o755)
                wait = [0]

                def pour(connection, _):
                    connection.accept()
                    for number in range(300):
                        connection.send(trade(number))
                        time.sleep(wait[0])
                    connection.end()

                wait[0] = 0.005
                server = self.enterContext(RawServer(pour))
                daemon = self.run_daemon(server, {"f": {"type": "file", "path": str(place / "t.jsonl"), "format": "ndjson"}},
                                         ["f"])
                rules = place / "rules"
                rules.write_text(f"{place}/t.jsonl {{\n  {how}\n  rotate 9\n  postrotate\n    kill -USR1 {daemon.pid}\n"
                                 "  endscript\n}\n")
                rules.chmod(0o644)
                until(lambda: (place / "t.jsonl").exists())
                for _ in range(3):
                    time.sleep(0.3)
                    subprocess.run(["logrotate", "-f", "-s", place / "state", rules], check=True)
                def lines():
                    files = [place / f"t.jsonl.{n}" for n in (3, 2, 1)] + [place / "t.jsonl"]
                    return [json.loads(line)["n"] for each in files for line in whole_lines(each)]
                if how == "create":
                    until(lambda: lines() == list(range(300)))
                else:  # what is written between the copy and the truncation is lost: logrotate(8) says so
                    until(lambda: lines()[-1:] == [299])
                    self.assertEqual(lines(), sorted(set(lines())))
                self.assertEqual(len(list(place.glob("t.jsonl.*"))), 3)
                deleted = [os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{daemon.pid}/fd")]
                self.assertEqual([name for name in deleted if re.search(r"t\.jsonl\.\d", name)], [])
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_full_disk(self):
        small = self.place / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * 40_000)
        server = self.serve([trade(n, text="x" * 90) for n in range(400)])
        daemon = self.run_daemon(server, {"f": {"type": "file", "path": str(small / "t.jsonl"), "format": "ndjson"}}, ["f"])
        daemon.wait_log("output f failed: cannot write .*: No space left on device; events wait, next attempt in")
        until(lambda: (small / "t.jsonl").read_text().endswith("\n"))  # not so for a moment, while it is tried again
        self.assertGreater(len([json.loads(line) for line in whole_lines(small / "t.jsonl")]), 50)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=1m", small], check=True)
        daemon.wait_log("output f works again")
        def numbers():
            return [json.loads(line)["n"] for line in whole_lines(small / "t.jsonl")]
        until(lambda: len(numbers()) == 400)
        self.assertEqual(numbers(), list(range(400)))

    # A binary message as its bytes, a text reply as a row: two routes of one session.
    def test_forms(self):
        server = self.serve([trade(1), frame(BINARY, b"\0\1\2"), trade(2)])
        outputs = {"bytes": {"type": "file", "path": str(self.place / "b"), "format": "raw"},
                   "rows": {"type": "file", "path": str(self.place / "r"), "format": "csv", "columns": ["n", "symbol"]}}
        routes = ["bytes", {"to": "rows", "where": {"n": {"$min": 2}}, "replies": ["trade"]}]
        self.run_daemon(server, outputs, routes)
        until(lambda: whole_lines(self.place / "r"))
        self.assertEqual((self.place / "r").read_text(), "2,GBPUSD\n")
        size = sum(len(json.dumps({"op": "trade", "n": n, "symbol": s, "price": n + 0.5})) for n, s in ((1, "EURUSD"), (2, "GBPUSD")))
        until(lambda: (self.place / "b").stat().st_size >= size + 3)
        sent = (self.place / "b").read_bytes()
        self.assertEqual((len(sent), sent.count(b"\0\1\2")), (size + 3, 1))
        self.assertTrue(sent.startswith(b'{"op": "trade", "n": 1'))

    # Numbers that neither 64 bits nor a double hold: what stands beside them is everywhere, they are as they came.
    def test_large_numbers(self):
        heard = []

        def serve(connection, _):
            connection.accept()
            for symbol, n in (("A", "1"), ("B", "99999999999999999999"), ("C", "-1e309"), ("D", "4")):
                connection.send(frame(TEXT, f'{{"op":"trade","symbol":"{symbol}","n":{n}}}'.encode()))
            while len(heard) < 4:
                heard.append(json.loads(connection.read_message()[1]))
            connection.end()

        server = self.enterContext(RawServer(serve))
        outputs = {name: {"type": "file", "path": str(self.place / name)} | how for name, how in {
            "lines": {"format": "ndjson"}, "table": {"format": "csv", "columns": ["symbol", "n"]},
            "text": {"format": "template", "template": "${symbol}=${n};"}, "packed": {"format": "msgpack"},
            "some": {"format": "ndjson"}}.items()}
        outputs["store"] = {"type": "sqlite", "path": str(self.place / "store.db")}
        routes = [*outputs.keys() - {"some"}, {"to": "some", "replies": ["trade"], "where": {"n": {"$min": 5}}}]
        acknowledge = {"reply": "trade", "where": {"op": "trade"}, "do": [{"json": {"ack": "${reply:symbol}", "n": "${reply:n}"}}]}
        whole = config(session(server, outputs=routes, on=[acknowledge]), outputs=outputs)
        with Daemon(whole) as daemon:
            until(lambda: len(heard) == 4)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
        digits = "99999999999999999999"
        self.assertEqual(heard, [{"ack": "A", "n": 1}, {"ack": "B", "n": digits}, {"ack": "C", "n": "-1e309"}, {"ack": "D", "n": 4}])
        b = f'{{"op":"trade","symbol":"B","n":{digits}}}'
        self.assertEqual(whole_lines(self.place / "lines")[1], b)
        self.assertEqual((self.place / "some").read_text(), b + "\n")
        self.assertEqual(whole_lines(self.place / "table"), ["A,1", f"B,{digits}", "C,-1e309", "D,4"])
        self.assertEqual((self.place / "text").read_text(), f"A=1;B={digits};C=-1e309;D=4;")
        self.assertIn(b"\xb4" + digits.encode(), (self.place / "packed").read_bytes())
        self.assertEqual(rows(self.place / "store.db", "SELECT symbol, n FROM trade ORDER BY rowid"),
                         [("A", 1), ("B", digits), ("C", "-1e309"), ("D", 4)])


if __name__ == "__main__":
    unittest.main()
