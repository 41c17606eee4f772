"""Events in PostgreSQL: what docs/outputs.md promises, against a real server that dies, hangs and refuses."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from support.config import config, listener
from support.daemon import BINARY, ROOT, Daemon, Exit, write_config
from support.postgres import PASSWORD, Postgres
from support.raw_server import RawServer
from support.trades import MOST_KIB, Trades, trade
from support.waiting import until


class Database(Trades):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Postgres())
        os.environ["DATABASE_PASSWORD"] = PASSWORD

    def output(self, **fields):
        return {"type": "postgres", "url": self.server.url} | fields

    def has_trades(self):
        return self.server.ask("SELECT to_regclass('trade') IS NOT NULL") == ["t"]

    def numbers(self):
        return [int(n) for n in self.server.ask("SELECT n FROM trade ORDER BY ctid")] if self.has_trades() else []


class Rows(Database):
    # The page's own configuration, with another address.
    def test_example(self):
        question = re.search(r"psql feeds -c '(.*)'\n", (ROOT / "docs" / "outputs.md").read_text())[1]
        block = self.example("PostgreSQL", self.feed([trade(n, symbol="EURUSD", price=n + 0.5) for n in range(10)]))
        block["outputs"]["store"]["url"] = self.server.url
        daemon = self.enterContext(Daemon(block))
        until(lambda: len(self.numbers()) == 10)
        self.assertEqual(self.server.ask(question), ["EURUSD|10|5.0000000000000000"])
        self.end(daemon)

    def test_values(self):
        messages = [trade(1, price=1, ok=True, at={"x": [1]}, name="a", e=1, E=2, xmin=3, **{"k" * 70: 4}),
                    trade(2 ** 64 - 1, price="NaN", ok=None, at=[2], name=5, _time="6"),
                    trade(3, price="n/a", ok=1), trade(4, price="nan"), trade(5, price="-inf")]
        daemon = self.run_daemon(self.feed(messages), indexes={"trade": ["price"]})
        until(lambda: len(self.numbers()) == 5)
        asked = "SELECT n, price, ok, at->>'x', name, e, \"E\", xmin_, _time_, _more FROM trade ORDER BY ctid"
        self.assertEqual(self.server.ask(asked), ["1|1|t|[1]|a|1|2|3||", f"{2 ** 64 - 1}|NaN|||5||||6|",
                                                  '3|||||||||{"ok": 1, "price": "n/a"}', "4|NaN||||||||", "5|-Infinity||||||||"])
        [long] = self.server.ask("SELECT attname FROM pg_attribute WHERE attrelid = 'trade'::regclass AND attname LIKE 'kk%'")
        self.assertEqual(len(long), 63)
        self.assertEqual(self.server.ask("SELECT indexname FROM pg_indexes WHERE tablename = 'trade'"), ["trade.price"])
        self.assertEqual(self.server.ask("SELECT _session, _time > now() - interval '1 hour' FROM trade LIMIT 1"), ["callcentre|t"])
        self.end(daemon)

    # Of a batch only what the server refuses goes to the dead letters: by a constraint, or because text has no U+0000 there.
    def test_refused(self):
        self.server.ask("CREATE TABLE trade (id bigserial, n integer CHECK (n % 7 <> 3)); ALTER TABLE trade OWNER TO duplexd")
        messages = [trade(n, **({"name": "a\0b"} if n == 100 else {})) for n in range(300)]
        bad = [n for n in range(300) if n % 7 == 3 or n == 100]
        dead = self.place / "dead.jsonl"
        daemon = self.run_daemon(self.feed(messages), dead_letters=str(dead))
        until(lambda: len(self.numbers()) == 300 - len(bad))
        self.assertEqual(self.numbers(), [n for n in range(300) if n not in bad])
        self.assertEqual(self.server.ask("SELECT count(DISTINCT id) FROM trade"), [str(300 - len(bad))])
        lines = [json.loads(line) for line in dead.read_text().splitlines()]
        self.assertEqual([line["data"]["n"] for line in lines], bad)
        self.assertEqual((lines[0]["session"], lines[0]["reply"]), ("callcentre", "trade"))
        self.assertIn("violates check constraint", lines[0]["refused"])
        daemon.wait_log("output store: .*; [0-9]+ event.s. went to the dead letters, [0-9]+ so far")
        self.end(daemon)


class Faults(Database):
    # Nothing is lost; what was committed as the connection broke may come twice.
    def test_killed_server(self):
        numbers = iter(range(10 ** 9))
        sent = []

        def pour(connection, _):
            connection.accept()
            while len(sent) < 3000:
                sent.append(next(numbers))
                connection.send(trade(sent[-1]))
                time.sleep(0.001)
            connection.end()

        daemon = self.run_daemon(self.enterContext(RawServer(pour)), queue="64KiB")
        for count in (1, 2):
            until(lambda count=count: len(self.numbers()) > count * 300)
            self.server.kill()
            daemon.wait_log("output store failed: PostgreSQL: .*; events wait, next attempt in", count)
            self.server.start()
        until(lambda: len(set(self.numbers())) == 3000)
        self.assertEqual(sorted(set(self.numbers())), sent)
        daemon.wait_log("output store works again")
        self.end(daemon)

    def test_bad_password(self):
        os.environ["DATABASE_PASSWORD"] = "another-s3cret"
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]))
        daemon.wait_log('output store failed: PostgreSQL: .*password authentication failed for user "duplexd".*next attempt in')
        self.server.ask("ALTER ROLE duplexd PASSWORD 'another-s3cret'")
        until(lambda: self.numbers() == list(range(10)))
        daemon.wait_log("output store works again")
        self.assertNotIn("another-s3cret", "\n".join(daemon.log.all()))
        self.end(daemon)

    # A server that hangs holds the feed back; memory is bounded, the limit of a call is kept, and everything comes when it goes on.
    def test_stopped_server(self):
        count = 20_000
        daemon = self.run_daemon(self.feed([trade(n, text="x" * 1000) for n in range(count)]), queue="64KiB", timeout="1s")
        until(lambda: len(self.numbers()) > 100)
        self.server.signal_all(signal.SIGSTOP)
        daemon.wait_log("output store failed: PostgreSQL: no answer within 1000 ms; events wait", timeout=30)
        self.assertLess(daemon.resident_kib(), MOST_KIB)
        self.server.signal_all(signal.SIGCONT)
        until(lambda: self.server.ask("SELECT count(DISTINCT n) FROM trade") == [str(count)], 180)  # in 300 transactions
        self.end(daemon)

    def test_the_end_is_limited(self):
        daemon = self.run_daemon(self.feed([trade(n, text="x" * 1000) for n in range(20_000)]), queue="64KiB",
                                 top={"shutdown": {"limit": "500ms"}})
        until(lambda: len(self.numbers()) > 100)
        self.server.signal_all(signal.SIGSTOP)
        start = time.monotonic()
        self.end(daemon, Exit.INTERRUPTED)
        self.assertLess(time.monotonic() - start, 10)

    # Exactly once: every event of the journal is there, and none twice, whoever was killed.
    def test_durable(self):
        numbers = iter(range(10 ** 9))

        def pour(connection, _):
            connection.accept()
            while True:
                connection.send(b"".join(trade(next(numbers)) for _ in range(50)))
                time.sleep(0.002)

        feed = self.enterContext(RawServer(pour))
        journal = {"path": str(self.place / "journal.db")}
        for turn in range(6):
            before = len(self.numbers())
            with Daemon(self.whole(feed, self.output(durable=True, timeout="2s"), journal=journal), read_stdout=False) as daemon:
                until(lambda before=before: len(self.numbers()) > before)
                if turn % 2:
                    self.server.kill()
                    self.server.start()
                    before = len(self.numbers())
                    until(lambda before=before: len(self.numbers()) > before)
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()
        with Daemon(self.whole(self.feed([]), self.output(durable=True), journal=journal)) as daemon:
            until(lambda: self.settled(journal))
            found = self.server.ask("SELECT number FROM _places")
            self.end(daemon)
        ids = self.server.ask("SELECT split_part(_event_id, ':', 2)::bigint FROM trade ORDER BY 1")
        self.assertEqual(list(map(int, ids)), list(range(1, int(found[0]) + 1)))

    def settled(self, journal):
        """Whether the journal has nothing that the database has not."""
        asked = subprocess.run(["sqlite3", "-readonly", journal["path"], "SELECT coalesce(sum(count), 0) FROM batches"],
                               capture_output=True, text=True, check=False)
        return asked.stdout.strip() == "0"


class Module(unittest.TestCase):
    # A program without its modules says what is missing.
    def test_missing(self):
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-module-")))
        program = shutil.copy(BINARY, place)
        session = listener("ws://127.0.0.1:1/", outputs=["store"])
        whole = config(session, outputs={"store": {"type": "postgres", "url": "postgresql:///feeds"}})
        done = subprocess.run([program, "check", "-c", write_config(whole, place)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertRegex(done.stderr, "outputs.store: there is no duplexd-postgres.so in .*: install the package duplexd-postgres")

    # The program itself needs none of their libraries.
    def test_not_linked(self):
        needed = subprocess.run(["readelf", "--dynamic", BINARY], capture_output=True, text=True, check=True).stdout
        self.assertNotRegex(needed, "NEEDED.*lib(pq|nats|mosquitto)")


if __name__ == "__main__":
    unittest.main()
