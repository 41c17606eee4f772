"""QoS 1 of a real MQTT broker: a message is acknowledged when it is journaled, whenever the daemon dies."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

import yaml

from support.daemon import ROOT, Daemon
from support.ports import free_port
from support.waiting import until

ROUNDS = int(os.environ.get("DUPLEXD_KILLS", "20"))
MESSAGES = 20_000
BROKER = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


def listens(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mqtt(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-mqtt-")))
        self.database = self.place / "feed.db"
        self.mqtt, self.websockets = free_port(), free_port()
        (self.place / "mosquitto.conf").write_text(
            f"listener {self.mqtt} 127.0.0.1\nlistener {self.websockets} 127.0.0.1\nprotocol websockets\n"
            "allow_anonymous true\nmax_queued_messages 0\n")
        self.broker = subprocess.Popen([BROKER, "-c", self.place / "mosquitto.conf"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        until(lambda: listens(self.mqtt) and listens(self.websockets))

    def stop(self):
        self.broker.kill()
        self.broker.wait()

    def stored(self, which=""):
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as database:
                return [json.loads(payload)["n"] for payload, in database.execute(f"SELECT payload FROM publish {which}")]
        except sqlite3.OperationalError:  # not yet
            return []

    # The recipe of docs/cookbook.md with a durable output, and a session that the broker keeps.
    def whole(self):
        whole = yaml.safe_load((ROOT / "config/examples/cookbook/mqtt.yaml").read_text())
        session = whole["sessions"]["sensors"]
        session |= {"url": f"ws://127.0.0.1:{self.websockets}/mqtt", "outputs": ["store"],
                    "reconnect": {"initial": "50ms", "maximum": "200ms"}}
        session["on"] = session.pop(True)  # YAML 1.1
        del session["script"]
        session["login"]["with"] |= {"clean": False, "password": "x"}
        session["on"][0]["after"] = "journaled"
        return whole | {"journal": {"path": str(self.place / "journal.db")},
                        "outputs": {"store": {"type": "sqlite", "path": str(self.database), "durable": True}}}

    @unittest.skipUnless(BROKER, "needs mosquitto")
    def test_nothing_acknowledged_is_lost(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        whole = self.whole()
        with Daemon(whole, read_stdout=False):  # the broker learns of the session
            until(lambda: self.publish([0]) and self.stored())
        publisher = self.publish(range(1, MESSAGES), wait=False)
        for _ in range(ROUNDS):
            with Daemon(whole, read_stdout=False) as daemon:
                time.sleep(chance.uniform(0.02, 0.4))
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()
        with Daemon(whole, read_stdout=False), self.subTest(seed=seed):
            self.assertEqual(publisher.wait(60), 0)
            until(lambda: set(self.stored()) == set(range(MESSAGES)))
            fresh = sorted(n for n in self.stored("WHERE NOT dup") if n > 0)
            self.assertEqual(fresh, sorted(set(fresh)))  # only what the broker calls a repetition is one

    def publish(self, numbers, wait=True):
        lines = self.place / "lines"
        lines.write_text("".join(json.dumps({"n": n}) + "\n" for n in numbers))
        with lines.open() as source:
            made = subprocess.Popen(["mosquitto_pub", "-p", str(self.mqtt), "-q", "1", "-t", "tick/1", "-l"], stdin=source)
        if wait:
            self.assertEqual(made.wait(60), 0)
        return made


if __name__ == "__main__":
    unittest.main()
