"""duplexd journal: what an operator sees of a journal and does to it."""

import contextlib
import json
import sqlite3
import unittest

from support.daemon import Daemon, Exit, run_to_end, write_config
from support.waiting import until
from test_durability import Durable, rows, trade


class Journal(Durable):
    def fill(self, numbers=range(1, 51), **more):
        """A journal with trades that wait for output store, whose database is locked; the configuration's file."""
        server = self.serve([trade(n, **more) for n in numbers])
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            daemon = self.run_daemon(server, "store")
            until(lambda: self.count() == len(numbers))
            yield daemon
            self.kill(daemon)
            other.execute("ROLLBACK")

    filled = contextlib.contextmanager(fill)

    def ask(self, *arguments, code=0, by="--journal"):
        done = run_to_end("journal", *arguments, by, str(self.journal))
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr if code else done.stdout

    def test_beside_a_daemon_and_without(self):
        with self.filled() as daemon:
            self.look()
            refused = run_to_end("journal", "prune", "--taken", "--journal", str(self.journal))
            self.assertEqual((refused.returncode, refused.stderr),
                             (73, f"another process ({daemon.pid}) uses the journal {self.journal}\n"))
        self.look()

    def look(self):
        uuid = rows(self.journal, "SELECT value FROM state WHERE key = 'journal'")[0][0]
        found = json.loads(self.ask("ls", "--json"))
        self.assertGreater(found.pop("bytes"), 4096)
        self.assertEqual(found, {"path": str(self.journal), "journal": uuid, "given": 50, "first": 1, "last": 50, "events": 50,
                                 "outputs": [{"output": "store", "place": 0, "kept": 50, "waiting": 50}]})
        self.assertRegex(self.ask("ls"), r"(?m)^store +0 +50 +50$")
        self.assertRegex(self.ask("show", "17"), r'^17 store \S+Z \S+ trade \{"op":"trade","n":17,"symbol":"EURUSD"\}\n$')
        numbers = [line.split()[0] for line in self.ask("show", "--output", "store", "--from", "40", "--limit", "3").splitlines()]
        self.assertEqual(numbers, ["40", "41", "42"])
        self.assertEqual(self.ask("show", "51", code=66), "the journal has no event 51\n")
        lines = [json.loads(line) for line in self.ask("export", "--output", "store", "--from", "10", "--to", "12").splitlines()]
        self.assertEqual([(line["event_id"], line["reply"], line["record"]["n"]) for line in lines],
                         [(f"{uuid}:{n}", "trade", n) for n in (10, 11, 12)])
        self.assertEqual(len(self.ask("export").splitlines()), 50)
        self.assertEqual(self.ask("export", "--output", "none", code=64), "the journal has nothing of an output none\n")
        self.assertEqual(self.ask("check"), f"{self.journal}: ok, {rows(self.journal, 'SELECT count(*) FROM batches')[0][0]} "
                         f"batch{'es' if rows(self.journal, 'SELECT count(*) FROM batches')[0][0] > 1 else ''}\n")

    # The configuration says where it is, and which outputs are orphans.
    def test_orphans(self):
        with self.filled():
            pass
        with_store = write_config(self.whole(self.serve([]), "store"), self.place)
        refused = run_to_end("journal", "prune", with_store, "--output", "store")
        self.assertEqual(refused.returncode, 73)
        self.assertIn("50 event(s) wait for output store, which is durable in ", refused.stderr)
        without = write_config(self.whole(self.serve([]), "lines"), self.place)
        self.assertRegex(run_to_end("journal", "ls", without).stdout, r"(?m)^store .* orphan: no durable output has this name$")
        self.assertEqual(run_to_end("journal", "prune", "-c", without, "--taken").stdout, "0 event(s) deleted\n")
        self.assertEqual(run_to_end("journal", "prune", "-c", without, "--output", "store").stdout, "50 event(s) deleted\n")
        self.assertEqual(json.loads(run_to_end("journal", "ls", "--json", without).stdout)["outputs"], [])

    # Texts that are no JSON, and bytes that are no text.
    def test_export_of_other_forms(self):
        output = {"type": "file", "path": str(self.place / "gone" / "f"), "durable": True}
        whole = self.whole(self.serve([trade(1)]), "lines")
        session, = whole["sessions"].values()
        (self.place / "gone").write_text("in the way")
        whole["outputs"] = {"text": output, "bytes": output | {"path": output["path"] + "2"}}
        session["outputs"] = [{"to": "text", "format": "template", "template": "n is ${n}"}, {"to": "bytes", "format": "msgpack"}]
        daemon = self.enterContext(Daemon(whole))
        until(lambda: self.count("text") == 1 and self.count("bytes") == 1)
        self.kill(daemon)
        byte_line, text_line = map(json.loads, self.ask("export").splitlines())
        self.assertEqual((text_line["output"], text_line["text"]), ("text", "n is 1"))
        self.assertEqual(byte_line["output"], "bytes")
        self.assertGreater(len(byte_line["base64"]), 20)

    # A file that was lost gets again what the journal keeps.
    def test_replay(self):
        daemon = self.run_daemon(self.serve([trade(n) for n in range(5)]), "lines", "store", journal={"keep": "1h"})
        until(lambda: len(self.lines()) == 5 and len(self.stored()) == 5)
        whole = write_config(self.whole(self.serve([]), "lines", "store", journal={"keep": "1h"}), self.place)
        ask = ("journal", "replay", "-c", whole, "--to")
        refused = run_to_end(*ask, "lines")
        self.assertEqual((refused.returncode, refused.stderr), (73, f"another process ({daemon.pid}) uses the journal {self.journal}\n"))
        self.end(daemon)
        self.file.unlink()
        for output, why in (("store", "keeps its place in its own database"), ("none", "has no durable output none")):
            refused = run_to_end(*ask, output)
            self.assertEqual(refused.returncode, Exit.USAGE)
            self.assertIn(why, refused.stderr)
        other = self.whole(self.serve([]), "lines", "store", journal={"keep": "1h"})
        other["outputs"]["lines"] = {"type": "postgres", "url": "postgresql://localhost/none", "durable": True}
        refused = run_to_end("journal", "replay", "-c", write_config(other, self.place, "other.yaml"), "--to", "lines")
        self.assertEqual(refused.returncode, Exit.USAGE)
        self.assertIn("keeps its place in its own database", refused.stderr)
        for number, why in (("-1", "--from: "), ("18446744073709551615", "the newest event of this journal has the number 10"),
                            ("11", "the newest event of this journal has the number 10")):
            refused = run_to_end(*ask, "lines", f"--from={number}")
            self.assertEqual(refused.returncode, Exit.USAGE)
            self.assertIn(why, refused.stderr)
        done = run_to_end(*ask, "lines", "--from", "4")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "3 event(s) will be sent again to output lines when the daemon runs\n", ""))
        daemon = self.enterContext(Daemon(self.whole(self.serve([]), "lines", "store", journal={"keep": "1h"})))
        until(lambda: len(self.lines()) == 3)
        self.end(daemon)
        self.assertEqual([line["data"]["n"] for line in self.lines()], [2, 3, 4])
        self.assertEqual(self.stored(), list(range(5)))

    def test_damage(self):
        with self.filled():
            pass
        with contextlib.closing(sqlite3.connect(self.journal)) as journal:
            journal.execute("UPDATE batches SET checksum = checksum + 1 WHERE first = 1")
            journal.commit()
        self.assertIn("batch 1 of output store: its checksum is another one", self.ask("check", code=65))
        self.assertIn("output store: ", self.ask("export", code=65))
        self.journal.write_bytes(b"this is no database" * 1000)
        for name in ("ls", "check", "export"):
            self.assertIn("file is not a database", self.ask(name, code=65))
        self.journal.unlink()
        self.assertEqual(self.ask("ls", code=66), f"the journal {self.journal} cannot be read: there is no such file\n")
        self.assertFalse(self.journal.exists())

    def test_where(self):
        done = run_to_end("journal", "ls")
        self.assertEqual(done.returncode, Exit.USAGE)
        self.assertIn("a configuration file, or --journal FILE", done.stderr)
        whole = self.whole(self.serve([]), "store")
        del whole["journal"]
        done = run_to_end("journal", "ls", write_config(whole, self.place))
        self.assertEqual(done.returncode, Exit.USAGE)
        self.assertIn("add --journal FILE", done.stderr)


del Durable  # its cases run in test_durability

if __name__ == "__main__":
    unittest.main()
