"""Events at an MQTT broker: what docs/outputs.md promises, against a mosquitto that dies, hangs and refuses."""

import json
import os
import re
import signal
import subprocess
import time
import unittest

from support.certificates import certificates
from support.daemon import Daemon, Exit
from support.mosquitto import PASSWORD, Mosquitto
from support.raw_server import RawServer
from support.trades import MOST_KIB, PROTOCOL, SHORT_END, Trades, trade
from support.waiting import until


class Broker(Trades):
    def setUp(self):
        super().setUp()
        os.environ["BROKER_PASSWORD"] = PASSWORD

    def start(self, **how):
        self.broker = self.enterContext(Mosquitto(**how))
        self.broker.subscribe()

    def output(self, **fields):
        return {"type": "mqtt", "url": self.broker.url, "topic": "feeds/${session}/${reply}", "user": "duplexd",
                "password": "${env:BROKER_PASSWORD}", "format": "ndjson"} | fields

    def numbers(self):
        return [json.loads(line.split(" ", 4)[4])["n"] for line in self.broker.lines()]


class Messages(Broker):
    # The page's own configuration, with another address.
    def test_example(self):
        self.start()
        block = self.example("MQTT", self.feed([trade(n) for n in range(10)]))
        block["outputs"]["broker"] |= {"url": self.broker.url, "password": "${env:BROKER_PASSWORD}"}
        daemon = self.enterContext(Daemon(block))
        until(lambda: len(self.broker.lines()) == 10)
        topics, _, levels, _, payloads = zip(*(line.split(" ", 4) for line in self.broker.lines()))
        self.assertEqual((set(topics), set(levels)), ({"feeds/feed/trade"}, {"1"}))
        self.assertEqual([json.loads(each)["data"]["n"] for each in payloads], list(range(10)))
        self.end(daemon)

    def test_topic_and_retain(self):
        self.start()
        year = time.strftime("%Y", time.gmtime())
        daemon = self.run_daemon(self.feed([trade(1), trade(2)]), topic="a/%Y/${reply}/$x", retain=True)
        until(lambda: len(self.broker.lines()) == 2)
        kept = subprocess.run(["mosquitto_sub", "-p", str(self.broker.reader_port), "-t", f"a/{year}/trade/$x", "-C", "1", "-F", "%r %p"],
                              capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertEqual(kept, '1 {"op":"trade","n":2}\n')
        self.end(daemon)

    def test_quality_of_service_0(self):
        self.start()
        count = 3000
        daemon = self.run_daemon(self.feed([trade(n) for n in range(count)]), qos=0)
        until(lambda: len(self.broker.lines()) == count)
        self.assertEqual(self.numbers(), list(range(count)))
        self.assertEqual({line.split(" ")[2] for line in self.broker.lines()}, {"0"})
        self.end(daemon)

    # What the broker says that it does not take is told apart; all else is delivered, in order.
    def test_refused(self):
        self.start(options="max_packet_size 3000\n")
        messages = [trade(n, **({"text": "x" * 4000} if n % 50 == 7 else {})) for n in range(300)]
        dead = self.place / "dead.jsonl"
        daemon = self.run_daemon(self.feed(messages), dead_letters=str(dead))
        until(lambda: len(self.broker.lines()) == 294)
        self.assertEqual(self.numbers(), [n for n in range(300) if n % 50 != 7])
        lines = [json.loads(line) for line in dead.read_text().splitlines()]
        self.assertEqual([line["data"]["n"] for line in lines], [7, 57, 107, 157, 207, 257])
        self.assertEqual(lines[0]["refused"], "it is larger than the broker takes")
        daemon.wait_log("output store: .*; [0-9]+ event.s. went to the dead letters, [0-9]+ so far")
        self.end(daemon)

    def test_tls(self):
        self.start(secure=True)
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]), ca_file=certificates().ca)
        until(lambda: self.numbers() == list(range(10)))
        self.end(daemon)

    def test_untrusted_certificate(self):
        self.start(secure=True)
        daemon = self.run_daemon(self.feed([trade(1)]), top=SHORT_END)
        daemon.wait_log("output store failed: MQTT: .*certificate verify failed.*next attempt in")
        self.end(daemon, Exit.INTERRUPTED)

    # The broker asks who the client is: what it refuses waits, and nothing of it is lost.
    def test_client_certificate(self):
        self.start(secure=True, options="require_certificate true\n")
        made = certificates()
        good = {"cert_file": made.valid.certificate, "key_file": made.valid.key}
        stranger = {"cert_file": made.self_signed.certificate, "key_file": made.self_signed.key}
        for refused in ({}, stranger):
            daemon = self.run_daemon(self.feed([trade(1)]), top=SHORT_END, ca_file=made.ca, **refused)
            daemon.wait_log("output store failed: MQTT: .*; events wait, next attempt in")
            self.end(daemon, Exit.INTERRUPTED)
        self.assertEqual(self.broker.lines(), [])
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]), ca_file=made.ca, **good)
        until(lambda: self.numbers() == list(range(10)))
        self.end(daemon)


class Faults(Broker):
    def test_bad_password(self):
        self.start()
        os.environ["BROKER_PASSWORD"] = "another-s3cret"
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]))
        daemon.wait_log(r"output store failed: MQTT: the broker says: Not authorized \(135\); events wait, next attempt in")
        self.broker.set_password("another-s3cret")
        self.broker.signal(signal.SIGHUP)
        until(lambda: self.numbers() == list(range(10)))
        daemon.wait_log("output store works again")
        self.assertNotIn("another-s3cret", "\n".join(daemon.log.all()))
        self.end(daemon)

    # Quality of service 1 tells that a topic may not be written to: nothing is lost, and it goes on when it may.
    def test_no_right_to_the_topic(self):
        rights = self.place / "rights"
        rights.write_text("user duplexd\ntopic write other/#\n")
        self.place.chmod(0o755)
        self.start(options=f"acl_file {rights}\n")
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]))
        daemon.wait_log(r"output store failed: MQTT: the broker says: Not authorized \(135\)")
        rights.write_text("user duplexd\ntopic write feeds/#\n")
        self.broker.signal(signal.SIGHUP)
        until(lambda: self.numbers() == list(range(10)))
        self.end(daemon)

    # Nothing is lost; what was not acknowledged as the connection broke may come twice.
    def test_restarted_broker(self):
        self.start(keeps=True)
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
            self.broker.end()
            daemon.wait_log("output store failed: MQTT: .*; events wait, next attempt in", count)
            self.broker.start()
        until(lambda: len(set(self.numbers())) == 3000, 180)
        self.assertEqual(sorted(set(self.numbers())), sent)
        daemon.wait_log("output store works again")
        self.end(daemon)

    # A broker that hangs holds the feed back; memory is bounded, and everything comes when it goes on.
    def test_stopped_broker(self):
        self.start()
        count = 20_000
        daemon = self.run_daemon(self.feed([trade(n, text="x" * 1000) for n in range(count)]), queue="64KiB", timeout="1s")
        until(lambda: len(self.broker.lines()) > 100)
        self.broker.signal(signal.SIGSTOP)
        daemon.wait_log("output store failed: MQTT: no answer within 1000 ms; events wait", timeout=30)
        self.assertLess(daemon.resident_kib(), MOST_KIB)
        self.broker.signal(signal.SIGCONT)
        until(lambda: len(set(self.numbers())) == count)
        self.end(daemon)

    # While nothing is sent the broker is pinged, and an end that comes then costs nothing.
    def test_idle(self):
        self.start()
        go = []

        def pour(connection, _):
            connection.accept()
            connection.send(trade(0))
            until(lambda: go)
            connection.send(trade(1))
            connection.end()

        daemon = self.run_daemon(self.enterContext(RawServer(pour)), keepalive="5s", client_id="feeds")
        until(lambda: self.broker.has_logged("Received PINGREQ from feeds"))
        self.broker.kill()
        self.broker.start()
        until(lambda: self.broker.has_logged("Sending SUBACK to reader", 2))
        go.append(True)
        until(lambda: 1 in self.numbers())
        self.assertNotIn("output store failed", "\n".join(daemon.log.all()))
        self.end(daemon)

    # The server hears of an event when the broker has it: nothing while that is away, all in order when it returns.
    def test_acknowledged_after_the_broker(self):
        self.start(keeps=True)
        self.broker.end()
        acknowledged = []

        def pour(connection, _):
            connection.accept()
            connection.send(b"".join(trade(n) for n in range(10)))
            while True:
                acknowledged.append(json.loads(connection.read_message()[1])["n"])

        whole = self.whole(self.enterContext(RawServer(pour)), self.output(durable=True), journal={"path": str(self.place / "journal.db")})
        [session] = whole["sessions"].values()
        session["protocol"] = PROTOCOL | {"json": "compact", "commands": {"ack": {"json": {"op": "ack", "n": None}}}}
        session["on"] = [{"reply": "trade", "after": "store", "do": [{"send": "ack", "with": {"n": "${reply:n}"}}]}]
        daemon = self.enterContext(Daemon(whole))
        daemon.wait_log("output store failed: MQTT: .*; events wait, next attempt in", 2)
        self.assertEqual(acknowledged, [])
        self.broker.start()
        until(lambda: acknowledged == list(range(10)))
        until(lambda: set(self.numbers()) == set(range(10)))
        self.end(daemon)

    # At least once: every event of the journal arrives, and its id tells what came twice: the daemon is killed, the broker ends and returns.
    def test_durable(self):
        self.start(keeps=True)
        numbers = iter(range(10 ** 9))

        def pour(connection, _):
            connection.accept()
            while True:
                connection.send(b"".join(trade(next(numbers)) for _ in range(10)))
                time.sleep(0.02)

        feed = self.enterContext(RawServer(pour))
        journal = {"path": str(self.place / "journal.db")}
        for turn in range(4):
            before = len(self.broker.lines())
            with Daemon(self.whole(feed, self.output(durable=True, timeout="2s"), journal=journal), read_stdout=False) as daemon:
                until(lambda before=before: len(self.broker.lines()) > before)
                if turn % 2:
                    self.broker.end()
                    self.broker.start()
                    before = len(self.broker.lines())
                    until(lambda before=before: len(self.broker.lines()) > before)
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()
        last = self.ask(journal, "SELECT last FROM state") or "0"
        with Daemon(self.whole(self.feed([]), self.output(durable=True), journal=journal)) as daemon:
            until(lambda: self.ask(journal, "SELECT coalesce(sum(count), 0) FROM batches") == "0")
            self.end(daemon)
        read = until(lambda: (ids := self.ids()) and max(ids) >= int(last) and ids)
        until(lambda: set(self.ids()) == set(range(1, max(read) + 1)), 180)

    def ids(self):
        return [int(re.search(r" event_id:[0-9a-f-]+:([0-9]+) ", line)[1]) for line in self.broker.lines()]

    def ask(self, journal, sql):
        asked = subprocess.run(["sqlite3", "-readonly", journal["path"], sql], capture_output=True, text=True, check=False)
        return asked.stdout.strip()


if __name__ == "__main__":
    unittest.main()
