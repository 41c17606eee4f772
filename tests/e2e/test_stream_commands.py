"""Commands of a JetStream stream: what docs/commands.md promises, with a nats-server and a daemon that die and return."""

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
import unittest

from support.commands import CONFIRMED, Commands, command
from support.config import SESSION
from support.daemon import ROOT, Daemon
from support.nats import PASSWORD, Nats
from support.raw_server import RawServer
from support.trades import MOST_KIB
from support.waiting import until

KILLS = int(os.environ.get("DUPLEXD_KILLS", "10"))
RECEIVED_AGAIN = "commands for output bus are received again"
NOT_RECEIVED = "commands for output bus cannot be received: NATS: "


class Stream(Commands):
    def start(self, *, stream=True, consumer=True, **how):
        self.server = self.enterContext(Nats(**how))
        if stream:
            self.server.add_stream("orders")
            if consumer:
                self.server.add_consumer()

    def output(self, **fields):
        commands = {"stream": "orders", "consumer": "duplexd", "answers": "ends"} | fields.pop("commands", {})
        return {"type": "nats", "url": self.server.url, "subject": "feeds.${reply}", "user": "duplexd",
                "password": "${env:NATS_PASSWORD}", "commands": commands} | fields

    def durable(self, feed, session=None, **fields):
        return self.whole(feed, self.output(**fields), rules=CONFIRMED | {"durable": True, "ttl": "1h"},
                          journal={"path": str(self.place / "journal.db")}, session=session or {})

    def states(self, where):
        """How many commands of the journal these are."""
        asked = subprocess.run(["sqlite3", "-readonly", str(self.place / "journal.db"), f"SELECT count(*) FROM commands WHERE {where}"],
                               capture_output=True, text=True, check=False)
        return asked.stdout.strip()

    def store(self, *texts):
        with self.server.reader() as reader:
            for text in texts:
                reader.store("orders.shop", text)

    def is_done(self):
        return self.server.consumer() == (0, 0)


class Delivery(Stream):
    # The page's own configuration and messages, with another address. Commands of a time without a daemon wait for it.
    def test_example(self):
        self.start(stream=False)
        page = (ROOT / "docs" / "commands.md").read_text().split("\n## Commands from a stream\n")[1]
        stream, consumer, message = (line.split(" ", 1) for line in re.search(r"```text\n(.*?)```", page, re.S)[1].splitlines())
        block = self.example("Commands from a stream", self.answering(), page="commands.md")
        block["outputs"]["bus"] |= {"url": self.server.url, "password": "${env:NATS_PASSWORD}"}
        block["journal"] = {"path": str(self.place / "journal.db")}
        with self.server.reader() as reader:
            for subject, text in (stream, consumer):
                reader.ask(subject, json.loads(text))
            reader.store(*message)
            reader.subscribe("shop.ends")
            daemon = self.enterContext(Daemon(block))
            self.assertEqual(json.loads(reader.next(2)[2]),
                             {"session": "shop", "id": "a7", "command": "ask", "state": "written", "ended": True})
        until(self.is_done)
        self.assertEqual(self.questions, [1])
        self.end(daemon)

    # A command without an id has that of its message: the publisher's own, or the stream's.
    def test_ids(self):
        self.start(stream=False)
        self.server.add_stream("orders", duplicate_window=100_000_000)
        self.server.add_consumer()
        with self.server.reader() as reader:
            reader.subscribe("ends")
            daemon = self.run_daemon(self.answering())
            for text, name in ((command(1, id="a"), "x"), (command(2), "y"), (command(3), ""), (command(4), "z" * 201),
                               ("nonsense", ""), (command(5, session="nobody"), "w")):
                reader.store("orders.shop", text, name)
            ends = {}
            while len(ends) < 6:
                end = json.loads(reader.next(2)[2])
                ends[end["id"]] = end["state"], end.get("why", "")
            until(self.is_done)
            # JetStream itself knows an id for a short time only.
            until(lambda: not reader.store("orders.shop", command(6), "y")[1])
            again = json.loads(reader.next(2)[2])
        self.assertEqual((again["id"], again["why"]), ("y", "a command with this id came before; it is not sent again"))
        names = list(ends)
        self.assertEqual({each for each in names if not re.fullmatch("[345]:[0-9]{19}", each)}, {"a", "y", "w"})
        self.assertEqual(ends["w"], ("refused", "there is no session 'nobody'"))
        [nonsense] = [name for name in names if name.startswith("5:")]
        self.assertIn("it is not JSON", ends[nonsense][1])
        self.assertEqual(self.questions, [1, 2, 3, 4])
        until(self.is_done)
        self.end(daemon)

    # JetStream hears of a message only when its command is accepted: here the session has not tried to connect yet. What was given to a
    # daemon that is killed before is given to the next, and is one command.
    def test_killed_before_acceptance(self):
        self.start()
        self.gate.clear()
        whole = self.durable(self.answering())
        with Daemon(whole) as daemon:
            self.store(*(command(n) for n in range(5)))
            until(lambda: self.server.consumer()[1] > 0)
            daemon.signal(signal.SIGKILL)
            daemon.wait()
        self.assertEqual(sum(self.server.consumer()), 5)
        with Daemon(whole) as daemon:
            self.gate.set()
            until(self.is_done)
            until(lambda: len(self.ends(daemon)) == 5)
            self.assertEqual(set(self.ends(daemon).values()), {"confirmed"})
            self.end(daemon)
        self.assertEqual(sorted(self.questions), list(range(5)))

    # The daemon is killed at any moment: every command has an end, and none was sent twice.
    def test_killed_at_random_moments(self):
        self.start()
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        whole = self.durable(self.answering())
        for session in whole["sessions"].values():
            session["outputs"] = []  # half a line would be no event
        count = 0
        for _ in range(KILLS):
            with Daemon(whole) as daemon, self.server.reader() as reader:
                end = time.monotonic() + chance.uniform(0, 0.6)
                while time.monotonic() < end:
                    reader.store("orders.shop", command(count))
                    count += 1
                    time.sleep(0.001)
                daemon.signal(signal.SIGKILL)
                daemon.wait()
        with Daemon(whole) as daemon:
            until(self.is_done)
            until(lambda: self.states("state IN ('accepted', 'sending')") == "0")
            self.end(daemon)
        with self.subTest(seed=seed):
            self.assertGreater(count, 0)
            self.assertEqual(self.states("1"), str(count))
            self.assertEqual(len(self.questions), len(set(self.questions)))
            self.assertEqual(self.states("state NOT IN ('confirmed', 'unknown')"), "0")
            self.assertGreaterEqual(len(self.questions), int(self.states("state = 'confirmed'")))

    # A daemon that is told to end leaves in the stream what it has not received: nothing is refused.
    def test_ended_and_started(self):
        self.start()
        feed = self.answering()
        count = 0
        ends = {}
        for _ in range(5):
            with Daemon(self.whole(feed, self.output())) as daemon, self.server.reader() as reader:
                for n in range(count, count + 300):
                    reader.store("orders.shop", command(n))
                count += 300
                until(lambda: self.ends(daemon))
                daemon.signal()
                for _ in range(500):  # a slow daemon takes long to end, and has to work off whatever is stored meanwhile
                    if daemon.process.poll() is None:
                        reader.store("orders.shop", command(count))
                        count += 1
                self.assertEqual(daemon.wait(), 0)
                ends |= self.ends(daemon)
        with Daemon(self.whole(feed, self.output())) as daemon:
            until(self.is_done)
            until(lambda: len(ends | self.ends(daemon)) == count)
            ends |= self.ends(daemon)
            self.end(daemon)
        self.assertLessEqual(set(ends.values()), {"confirmed", "unknown"})
        self.assertEqual(len(self.questions), len(set(self.questions)))

    # A user needs these rights and no others.
    def test_rights(self):
        publish = ["$JS.API.CONSUMER.INFO.orders.duplexd", "$JS.API.CONSUMER.MSG.NEXT.orders.duplexd", "$JS.API.STREAM.INFO.orders",
                   "$JS.ACK.orders.duplexd.>", "ends"]
        self.start(users=f'{{user: duplexd, password: "{PASSWORD}", permissions: {{publish: {json.dumps(publish)}, subscribe: ["_INBOX.>"]}}}}')
        self.store(*(command(n) for n in range(100)))
        daemon = self.run_daemon(self.answering())
        until(self.is_done)
        until(lambda: len(self.questions) == 100)
        self.assertEqual(self.questions, list(range(100)))
        self.assertNotIn(NOT_RECEIVED, "\n".join(daemon.log.all()))
        self.end(daemon)

    # What has not come to its end is bounded; all else waits in the stream, whatever its size.
    def test_bounds(self):
        self.start(max_payload=16 << 20)
        silent = self.enterContext(RawServer(lambda connection, _: connection.accept() or connection.hold(60)))
        self.store(*(command(n, id=f"c{n}") for n in range(1000)))
        daemon = self.enterContext(Daemon(self.whole(silent, self.output(), rules=CONFIRMED | {"timeout": "60s"})))
        until(lambda: self.server.consumer()[0] < 1000 - 255)
        time_to_take_more = time.monotonic() + 2
        until(lambda: time.monotonic() > time_to_take_more)
        pending, unacknowledged = self.server.consumer()
        self.assertGreaterEqual(pending, 1000 - 256 - 64)
        self.assertLessEqual(unacknowledged, 1)
        self.assertLess(daemon.resident_kib(), MOST_KIB)
        daemon.signal(signal.SIGKILL)

    def test_large(self):
        self.start(max_payload=16 << 20)
        padded = [command(n) + " " * size for n, size in enumerate([900_000] * 12 + [1 << 20, 9 << 20, 10] + [900_000] * 3)]
        with self.server.reader() as reader:
            reader.subscribe("ends")
            self.store(*padded)
            daemon = self.run_daemon(self.answering())
            ends = [json.loads(reader.next(2)[2]) for _ in padded]
        refused = [end["why"] for end in ends if end["state"] == "refused"]
        self.assertEqual(refused, ["it has more than 1048576 bytes"] * 2)
        self.assertEqual(self.questions, [n for n in range(18) if n not in (12, 13)])
        until(self.is_done)
        self.end(daemon)


class ForNow(Stream):
    """What cannot be accepted for now stays in the stream."""

    REFUSED = f"commands for output bus cannot be received: session {SESSION}: "

    def is_kept(self, count):
        return sum(self.server.consumer()) == count

    def finish(self, daemon, count):
        until(self.is_done)
        until(lambda: len(self.ends(daemon)) >= count)
        self.assertEqual(set(self.ends(daemon).values()), {"confirmed"})
        daemon.wait_log(RECEIVED_AGAIN)
        self.end(daemon)

    # Its session has no connection, and its queue is full; that of a daemon that is killed is full again.
    def test_queue_is_full(self):
        self.start()
        self.gate.clear()
        whole = self.durable(self.refusing(), session={"outbox": {"max": 3}})
        with Daemon(whole) as daemon:
            self.store(*(command(n) for n in range(10)))
            daemon.wait_log(self.REFUSED + "too many commands are waiting; next attempt in", 2)
            until(lambda: self.is_kept(7))
            daemon.signal(signal.SIGKILL)
            daemon.wait()
        with Daemon(whole) as daemon:
            daemon.wait_log(self.REFUSED + "too many commands are waiting; next attempt in", 2)
            self.assertEqual(self.ends(daemon), {})
            self.assertTrue(self.is_kept(7))
            self.gate.set()
            self.finish(daemon, 10)
        self.assertEqual(sorted(self.questions), list(range(10)))

    def test_journal_is_locked(self):
        self.start()
        daemon = self.enterContext(Daemon(self.durable(self.answering())))
        self.store(command(0))
        until(lambda: self.questions == [0])
        until(self.is_done)
        with contextlib.closing(sqlite3.connect(self.place / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.store(*(command(n) for n in range(1, 6)))
            daemon.wait_log(self.REFUSED + "the journal cannot be written: .*: database is locked; next attempt in", timeout=60)
            self.assertTrue(self.is_kept(5))
            other.execute("ROLLBACK")
        self.finish(daemon, 6)
        self.assertEqual(sorted(self.questions), list(range(6)))

    # What is told to end gives back what it holds at once, not after the consumer's `ack_wait`.
    def test_ended(self):
        self.start(consumer=False)
        self.server.add_consumer(ack_wait=60_000_000_000)
        self.gate.clear()
        whole = self.durable(self.refusing(), session={"outbox": {"max": 1}})
        with Daemon(whole) as daemon:
            self.store(command(0), command(1))
            daemon.wait_log(self.REFUSED + "too many commands are waiting")
            until(lambda: self.is_kept(1))
            self.end(daemon)
        self.gate.set()
        with Daemon(whole) as daemon:
            until(self.is_done, 30)
            until(lambda: sorted(self.questions) == [0, 1])
            self.end(daemon)


    # A session that is taken out of the configuration keeps its commands in the journal, and holds up nobody else's.
    def test_session_is_removed(self):
        self.start()
        self.gate.clear()
        whole = self.durable(self.refusing())
        away = whole["sessions"][SESSION]
        both = whole | {"sessions": {SESSION: away, "other": away | {"url": self.answering_now().url}}}
        with Daemon(both) as daemon:
            self.store(*(command(n, session=SESSION) for n in range(300)))
            until(lambda: self.states("state = 'accepted'") == "256")
            daemon.rewrite(whole | {"sessions": {"other": both["sessions"]["other"]}})
            daemon.signal(signal.SIGHUP)
            daemon.wait_log("configuration reloaded")
            self.store(command(1000, session="other"))
            until(lambda: self.questions == [1000])
            until(self.is_done)
            daemon.rewrite(both)
            self.gate.set()
            daemon.signal(signal.SIGHUP)
            until(lambda: len(self.questions) >= 257)
            until(lambda: self.states("state = 'confirmed'") == "257")
            self.end(daemon)
        self.assertEqual(len(self.questions), len(set(self.questions)))


class Faults(Stream):
    def works(self, daemon, count):
        daemon.wait_log(RECEIVED_AGAIN, count, timeout=60)
        self.store(command(count))
        until(lambda: self.questions[-1:] == [count])

    # duplexd creates nothing; the log says what is missing, until it is there.
    def test_missing(self):
        self.start(stream=False)
        daemon = self.run_daemon(self.answering())
        daemon.wait_log(NOT_RECEIVED + "there is no stream 'orders': create it; next attempt in")
        self.server.add_stream("orders")
        daemon.wait_log(NOT_RECEIVED + "the stream 'orders' has no consumer 'duplexd': create it, as a pull consumer", timeout=60)
        self.server.add_consumer(deliver_subject="push")
        daemon.wait_log(NOT_RECEIVED + "the consumer 'duplexd' is a push consumer: create a pull consumer", timeout=60)
        self.server.delete_consumer()
        self.server.add_consumer()
        self.works(daemon, 1)
        self.server.delete_consumer()
        # A request that comes to the server after that is answered by nobody.
        daemon.wait_log(NOT_RECEIVED + "JetStream (says: 409 Consumer Deleted|does not answer)", timeout=60)
        self.server.add_consumer(deliver_policy="new")
        self.works(daemon, 2)
        self.assertEqual(self.questions, [1, 2])
        self.end(daemon)

    def test_answers_that_would_come_back(self):
        self.start()
        daemon = self.run_daemon(self.answering(), commands={"answers": "orders.ends"})
        daemon.wait_log(NOT_RECEIVED + "the stream 'orders' takes the answers: they would come back as commands")
        self.server.delete_consumer()
        self.server.add_consumer(filter_subject="orders.shop")
        self.works(daemon, 1)
        self.end(daemon)

    # The server dies between a message and its acceptance: the acknowledgement is sent to the next one.
    def test_killed_server_before_acceptance(self):
        self.start()
        self.gate.clear()
        daemon = self.enterContext(Daemon(self.durable(self.answering())))
        self.store(command(1))
        until(lambda: self.server.consumer() == (0, 1))
        self.server.kill()
        self.server.start()
        self.gate.set()
        until(lambda: self.questions == [1])
        until(self.is_done)
        self.store(command(2))
        until(lambda: self.questions == [1, 2])
        until(self.is_done)
        until(lambda: len(self.ends(daemon)) == 2)
        self.end(daemon)

    # Commands come all the time while the server is killed: what it has stored is sent, and once.
    def test_killed_server(self):
        self.start()
        daemon = self.enterContext(Daemon(self.durable(self.answering(), timeout="2s")))
        count = 0
        for turn in (1, 2):
            self.store(*(command(n) for n in range(count, count + 200)))
            count += 200
            until(lambda: len(self.questions) > count - 200)
            self.server.kill()
            daemon.wait_log(NOT_RECEIVED + ".*; next attempt in", turn)
            self.server.start()
        until(self.is_done)
        until(lambda: len(self.ends(daemon)) == count)
        self.assertEqual(sorted(self.questions), list(range(count)))
        daemon.wait_log(RECEIVED_AGAIN)
        self.end(daemon)

    def test_stopped_server(self):
        self.start()
        daemon = self.run_daemon(self.answering(), timeout="1s")
        self.store(command(0))
        until(lambda: self.questions == [0])
        self.server.signal(signal.SIGSTOP)
        daemon.wait_log(NOT_RECEIVED + ".*; next attempt in", timeout=60)
        self.server.signal(signal.SIGCONT)
        self.works(daemon, 1)
        self.end(daemon)


if __name__ == "__main__":
    unittest.main()
