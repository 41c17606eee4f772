"""The recipe for a message broker (STOMP over WebSocket) against a real RabbitMQ, which one class shares, for it starts slowly."""

import json
import os
import pathlib
import sqlite3
import tempfile
import unittest

from support import cookbook
from support.daemon import Daemon
from support.rabbitmq import PASSWORD, RabbitMQ, Stomp
from support.waiting import until


class Broker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(RabbitMQ())

    def config(self, **changes):
        os.environ["STOMP_PASSWORD"] = PASSWORD
        text = cookbook.config("broker", f"localhost:{self.broker.websocket}")
        place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-broker-")))
        self.database = place / "orders.db"
        text = text.replace("orders.db", str(self.database)).replace("journal.db", str(place / "journal.db"))
        for old, new in changes.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    def stored(self):
        """Bodies and headers of the messages in the database, in their order."""
        if not self.database.exists():
            return []
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as open_database:
            try:
                rows = open_database.execute("SELECT headers, body FROM message ORDER BY rowid").fetchall()
            except sqlite3.OperationalError:
                return []
        return [(json.loads(headers), body) for headers, body in rows]

    def wait_stored(self, count):
        return until(lambda: (rows := self.stored()) and len(rows) >= count and rows)

    # Messages with awkward headers; a killed broker keeps what is durable, and repeats nothing that was acknowledged.
    def test_broker(self):
        daemon = self.enterContext(Daemon(self.config()))
        bodies = [json.dumps({"id": number, "text": "ä" * number}) for number in range(50)] + ["", "two\nlines: no header"]
        with Stomp(self.broker) as client:
            client.publish("orders", bodies, note="a\\cb\\nc\\\\d")
        rows = self.wait_stored(len(bodies))
        self.assertEqual([body for _, body in rows], bodies)
        self.assertEqual({headers["note"] for headers, _ in rows}, {"a:b\nc\\d"})
        self.assertEqual({headers["destination"] for headers, _ in rows}, {"/queue/orders"})
        self.broker.kill()
        daemon.wait_log("next attempt in")
        self.broker.start()
        with Stomp(self.broker) as client:
            client.publish("orders", ["again"])
        until(lambda: self.stored()[-1][1] == "again")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual([line for line in daemon.log.all() if "no layout fits" in line], [])
        with Stomp(self.broker) as client:  # what is left in the queue would come first
            client.publish("orders", ["the end"])
            client.send("SUBSCRIBE", {"id": "rest", "destination": "/queue/orders", "ack": "auto"})
            self.assertEqual(client.expect("MESSAGE")[2], "the end")

    # Heart-beats go both ways: the broker would close a connection without them, and the session one without the broker's.
    def test_heart_beats(self):
        text = self.config(**{"10000,10000": "500,500", "every: 10s": "every: 400ms", "within: 25s": "within: 5s",
                              "replies: [message]": "replies: [message]}, {to: stdout, replies: [beat]"})
        with Daemon(text) as daemon:
            daemon.events.wait(lambda event: event.get("reply") == "beat", 8)
            self.assertEqual([line for line in daemon.log.all() if "next attempt" in line], [])

    def test_wrong_password(self):
        text = self.config()
        os.environ["STOMP_PASSWORD"] = "mistaken"
        with Daemon(text) as daemon:
            daemon.wait_log("login.*(Bad CONNECT|Access refused)")
            self.assertFalse([line for line in daemon.log.all() if "mistaken" in line])


if __name__ == "__main__":
    unittest.main()
