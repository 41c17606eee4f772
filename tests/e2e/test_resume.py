"""Durable variables and `after: journaled`: a feed that resumes, and one that is acknowledged, over kill -9."""

import itertools
import json
import os
import random
import re
import signal
import sqlite3
import threading
import time
import unittest

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, run_to_end, write_config
from support.raw_server import TEXT, RawServer
from support.waiting import until
from test_durability import QUIET, Durable, rows, trade

ROUNDS = int(os.environ.get("DUPLEXD_KILLS", "20"))
PROTOCOL = {"json": "compact", "replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}


class Resume(Durable):
    def kill_at_random(self, server, whole, seed):
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            before = server.accepted
            with Daemon(whole, read_stdout=False) as daemon:
                until(lambda: server.accepted > before)
                time.sleep(chance.uniform(0, 0.3))
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()

    # The page's configuration. The server goes on after the number that it is told: no gap, and nothing twice.
    def test_resumes(self):
        seed = random.randrange(1 << 32)
        starts, end = [], []

        def pour(connection, _):
            since = int(re.search(rb"[?]since=(\d+) ", connection.read_request())[1])
            starts.append(since)
            connection.accept()
            for first in itertools.count(since + 1, 20):
                if end:
                    return connection.hold(60)
                connection.send(b"".join(trade(n) for n in range(first, first + 20)))
                time.sleep(0.001)

        server = self.enterContext(RawServer(pour))
        text = (ROOT / "docs" / "durability.md").read_text()
        whole = {"version": 1} | yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[1])
        feed = whole["sessions"]["feed"]
        feed["on"] = feed.pop(True)  # YAML 1.1
        feed |= {"url": feed["url"].replace("ws://127.0.0.1:8765/", server.url), "tls": listener(server.url)["tls"],
                 "reconnect": {"initial": "50ms", "maximum": "200ms"}}
        whole["journal"]["path"], whole["outputs"]["store"]["path"] = str(self.journal), str(self.database)
        self.kill_at_random(server, whole, seed)
        end.append(True)
        daemon = self.enterContext(Daemon(whole))
        until(lambda: server.accepted > ROUNDS and self.count("store") == 0)
        self.end(daemon)
        with self.subTest(seed=seed, starts=starts):
            last = int(rows(self.journal, "SELECT value FROM variables WHERE name = 'last'")[0][0])
            self.assertGreater(last, ROUNDS)
            self.assertEqual(self.stored(), list(range(1, last + 1)))

    # What was acknowledged is in the database, whenever the process dies.
    def test_acknowledges(self):
        seed = random.randrange(1 << 32)
        acknowledged, given, disorder, end = [0], [0], [], []
        one_at_a_time = threading.Lock()  # what a dead client has acknowledged counts before the next one is served

        def pour(connection, _):
            with one_at_a_time:
                connection.accept()
                given[0] = acknowledged[0]
                while True:
                    if given[0] - acknowledged[0] < 5000 and not end:
                        connection.send(b"".join(trade(n) for n in range(given[0] + 1, given[0] + 101)))
                        given[0] += 100
                    while connection.readable(0.001):
                        opcode, payload = connection.read_message()
                        if opcode != TEXT:
                            return
                        number = json.loads(payload)["ack"]
                        if number != acknowledged[0] + 1:
                            disorder.append((number, acknowledged[0]))
                        acknowledged[0] = number

        server = self.enterContext(RawServer(pour))
        session = listener(server.url, outputs=["store"], protocol=PROTOCOL, login=None, simulate=None, liveness=QUIET,
                           on=[{"reply": "trade", "after": "journaled", "do": [{"json": {"ack": "${reply:n}"}}]}])
        whole = config(session, outputs=self.outputs("store"), journal={"path": str(self.journal)})
        self.kill_at_random(server, whole, seed)
        at_kill = acknowledged[0]
        daemon = self.enterContext(Daemon(whole))
        until(lambda: acknowledged[0] > at_kill)
        end.append(True)  # what was journaled need not be in the database before everything was taken
        until(lambda: acknowledged[0] == given[0] and self.count("store") == 0)
        self.end(daemon)
        with self.subTest(seed=seed):
            self.assertGreater(acknowledged[0], ROUNDS)
            self.assertEqual(disorder, [])
            self.assertEqual(set(range(1, acknowledged[0] + 1)) - set(self.stored()), set())

    # The page's configuration. A gap is told where the server went on with a higher number, and nowhere else.
    def test_sequence(self):
        numbers = []

        def pour(connection, _):
            connection.accept()
            connection.send(b"".join(trade(n) for n in numbers))
            connection.hold(60)

        server = self.enterContext(RawServer(pour))
        text = (ROOT / "docs" / "durability.md").read_text()
        whole = {"version": 1} | yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[2])
        whole["sessions"]["feed"] |= {"url": server.url, "tls": listener(server.url)["tls"]}
        whole["journal"]["path"], whole["outputs"]["store"]["path"] = str(self.journal), str(self.database)
        told = []
        for first in (1, 11, 31, 36):  # the second and the last follow, 21 to 30 are missing, 36 to 40 come again
            numbers[:] = range(first, first + 10)
            before = len(self.stored())
            with Daemon(whole, read_stdout=False) as daemon:
                until(lambda: len(self.stored()) == before + 10)
                self.kill(daemon)
            told.append([json.loads(each) for each, in self.events()])
        gap = {"reply": "trade", "field": "n", "key": ["EURUSD"], "expected": 21, "found": 31, "over_connections": True}
        self.assertEqual([len(each) for each in told], [0, 0, 1, 1])
        self.assertEqual({key: told[-1][0][key] for key in gap}, gap)
        stored = rows(self.journal, "SELECT value FROM variables WHERE name = 'sequence:[\"trade\",\"n\",[\"symbol\"],[\"EURUSD\"]]'")
        self.assertEqual(stored, [("46",)])

    def events(self):
        try:
            return rows(self.database, "SELECT event FROM _events")
        except sqlite3.OperationalError:  # not yet
            return []

    def test_check(self):
        def refused(session, **more):
            done = run_to_end("check", "-c", write_config(config(session, **more), self.place))
            self.assertEqual(done.returncode, 78)
            return done.stderr

        with_variable = listener("ws://h/", variables={"last": {"durable": True, "initial": 0}}, script=[{"set": {"last": 1}}])
        self.assertIn("a durable variable needs a journal (add journal: {path: FILE})", refused(with_variable))
        with_handler = listener("ws://h/", outputs=["stdout"], protocol=PROTOCOL, login=None, simulate=None,
                                on=[{"reply": "trade", "after": "journaled", "do": []}])
        self.assertIn("no durable output of the session gets the reply 'trade'", refused(with_handler))
        durable = {"outputs": self.outputs("store"), "journal": {"path": "j", "full": "drop_oldest"}}
        self.assertIn("handlers that wait for the journal ('after') and a journal that drops events do not go together",
                      refused(with_handler | {"outputs": ["store"]}, **durable))


del Durable

if __name__ == "__main__":
    unittest.main()
