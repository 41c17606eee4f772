"""Events at a NATS server: what docs/outputs.md promises, against a nats-server that dies, hangs and refuses."""

import json
import os
import re
import signal
import subprocess
import time
import unittest
import urllib.request

from support.certificates import certificates
from support.daemon import Daemon, Exit
from support.nats import PASSWORD, Nats
from support.ports import free_port
from support.nats_keys import write_accounts
from support.raw_server import RawServer
from support.trades import MOST_KIB, SHORT_END, Trades, trade
from support.waiting import until


class Server(Trades):
    def setUp(self):
        super().setUp()
        os.environ["NATS_PASSWORD"] = PASSWORD

    def start(self, *, stream=True, **how):
        self.server = self.enterContext(Nats(**how))
        if stream:
            self.server.add_stream()

    def output(self, **fields):
        return {"type": "nats", "url": self.server.url, "subject": "feeds.${session}.${reply}", "user": "duplexd",
                "password": "${env:NATS_PASSWORD}", "format": "ndjson", "jetstream": True} | fields

    def count(self):
        return self.server.stored()[0]

    def numbers(self):
        return [json.loads(text)["n"] for _, _, text in self.server.read_all()]


class Messages(Server):
    # The page's own configuration, with another address.
    def test_example(self):
        self.start()
        block = self.example("NATS", self.feed([trade(n) for n in range(10)]))
        block["outputs"]["bus"] |= {"url": self.server.url, "password": "${env:NATS_PASSWORD}"}
        block["journal"] = {"path": str(self.place / "journal.db")}
        daemon = self.enterContext(Daemon(block))
        until(lambda: self.count() == 10)
        read = self.server.read_all()
        self.assertEqual({subject for subject, _, _ in read}, {"feeds.feed.trade"})
        self.assertEqual([json.loads(payload)["data"]["n"] for _, _, payload in read], list(range(10)))
        for _, headers, payload in read:
            self.assertIn(f"Nats-Msg-Id: {json.loads(payload)['event_id']}\r\n", headers)
        self.end(daemon)

    # Without JetStream those who listen get them, and nobody else.
    def test_core(self):
        self.start(stream=False)
        count = 5000
        with self.server.reader() as reader:
            reader.subscribe("a.*.trade")
            daemon = self.run_daemon(self.feed([trade(n) for n in range(count)]), jetstream=None, subject="a.${session}.${reply}")
            read = [reader.next(2) for _ in range(count)]
        self.assertEqual([json.loads(text)["n"] for _, _, text in read], list(range(count)))
        self.assertEqual(read[0][:2], ("a.callcentre.trade", ""))
        self.end(daemon)

    def test_refused(self):
        self.start(max_payload=3000)
        messages = [trade(n, **({"text": "x" * 4000} if n % 50 == 7 else {})) for n in range(300)]
        dead = self.place / "dead.jsonl"
        daemon = self.run_daemon(self.feed(messages), dead_letters=str(dead))
        until(lambda: self.count() == 294)
        self.assertEqual(self.numbers(), [n for n in range(300) if n % 50 != 7])
        lines = [json.loads(line) for line in dead.read_text().splitlines()]
        self.assertEqual([line["data"]["n"] for line in lines], [7, 57, 107, 157, 207, 257])
        self.assertEqual(lines[0]["refused"], "it is larger than the server takes")
        self.end(daemon)

    def test_token(self):
        self.start(stream=False)
        self.server.kill()
        (self.server.path / "conf").write_text(f'listen: "127.0.0.1:{self.server.port}"\nauthorization {{ token: "{PASSWORD}" }}\n')
        self.server.start()
        self.check_delivery({"auth_token": PASSWORD}, user=None, password=None, token="${env:NATS_PASSWORD}")

    # The server's monitoring tells who has sent how many.
    def test_credentials_file(self):
        self.start(stream=False)
        self.server.kill()
        credentials = self.place / "feeds.creds"
        port = free_port()
        (self.server.path / "conf").write_text(
            f'listen: "127.0.0.1:{self.server.port}"\nhttp: "127.0.0.1:{port}"\n{write_accounts(credentials)}')
        self.server.start()

        def received():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/connz") as page:
                return [each["in_msgs"] for each in json.load(page)["connections"]]

        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]), user=None, password=None, jetstream=None,
                                 creds_file=str(credentials))
        until(lambda: received() == [10])
        self.end(daemon)

    def test_tls(self):
        self.start(secure=True, stream=False)
        self.check_delivery({}, ca_file=certificates().ca)

    # The server asks who the client is: what it refuses waits.
    def test_client_certificate(self):
        self.start(secure=True, verify=True, stream=False)
        made = certificates()
        stranger = {"cert_file": made.self_signed.certificate, "key_file": made.self_signed.key}
        for refused in ({}, stranger):
            daemon = self.run_daemon(self.feed([trade(1)]), jetstream=None, top=SHORT_END, ca_file=made.ca, **refused)
            daemon.wait_log("output store failed: NATS: .*; events wait, next attempt in")
            self.end(daemon, Exit.INTERRUPTED)
        self.check_delivery({}, ca_file=made.ca, cert_file=made.valid.certificate, key_file=made.valid.key)

    def check_delivery(self, who, **fields):
        with self.server.reader(**who) as reader:
            reader.subscribe("feeds.>")
            daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]), jetstream=None, **fields)
            self.assertEqual([json.loads(reader.next(2)[2])["n"] for _ in range(10)], list(range(10)))
        self.end(daemon)

    def test_untrusted_certificate(self):
        self.start(secure=True, stream=False)
        daemon = self.run_daemon(self.feed([trade(1)]), jetstream=None, top=SHORT_END)
        daemon.wait_log("output store failed: NATS: SSL Error .*unable to get local issuer certificate.*next attempt in")
        self.end(daemon, Exit.INTERRUPTED)


class Faults(Server):
    def test_bad_password(self):
        self.start()
        os.environ["NATS_PASSWORD"] = "another-s3cret"
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]))
        daemon.wait_log("output store failed: NATS: .*Authorization Violation.*; events wait, next attempt in")
        self.server.configure('{user: duplexd, password: "another-s3cret"}')
        self.server.reload()
        until(lambda: self.count() == 10)
        self.assertEqual(self.numbers(), list(range(10)))
        daemon.wait_log("output store works again")
        self.assertNotIn("another-s3cret", "\n".join(daemon.log.all()))
        self.end(daemon)

    def test_no_right_to_the_subject(self):
        self.start(stream=False, users=f'{{user: duplexd, password: "{PASSWORD}", permissions: {{publish: ["other.>"]}}}}')
        for jetstream in (True, None):
            daemon = self.run_daemon(self.feed([trade(1)]), jetstream=jetstream, timeout="2s", top=SHORT_END)
            daemon.wait_log('output store failed: NATS: .*[Pp]ermissions [Vv]iolation for [Pp]ublish.*; events wait, next attempt in')
            self.end(daemon, Exit.INTERRUPTED)

    # The log says what to do; nothing is lost until it is done.
    def test_missing_stream(self):
        self.start(stream=False)
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]))
        daemon.wait_log(r"output store failed: NATS: no stream has the subject feeds\.\${session}\.\${reply}, or JetStream is off: "
                        "create a stream with it; events wait")
        self.server.add_stream()
        until(lambda: self.count() == 10)
        self.assertEqual(self.numbers(), list(range(10)))
        self.end(daemon)

    # What JetStream does not take is told, and waits.
    def test_full_stream(self):
        self.start(stream=False)
        self.server.add_stream(max_msgs=5, discard="new")
        daemon = self.run_daemon(self.feed([trade(n) for n in range(10)]), top=SHORT_END)
        daemon.wait_log(r"output store failed: NATS: JetStream says: maximum messages exceeded \(10077\); events wait")
        self.assertEqual(self.numbers(), list(range(5)))
        self.end(daemon, Exit.INTERRUPTED)

    # Nothing is lost; what was not acknowledged as the connection broke may come twice, because without a journal it has no id.
    def test_killed_server(self):
        self.start()
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
            until(lambda count=count: self.count() > count * 300)
            self.server.kill()
            daemon.wait_log("output store failed: NATS: .*; events wait, next attempt in", count)
            self.server.start()
        until(lambda: self.count() >= 3000 and len(set(self.numbers())) == 3000)
        self.assertEqual(sorted(set(self.numbers())), sent)
        daemon.wait_log("output store works again")
        self.end(daemon)

    # A server that hangs holds the feed back; memory is bounded, and everything comes when it goes on.
    def test_stopped_server(self):
        self.start()
        count = 20_000
        daemon = self.run_daemon(self.feed([trade(n, text="x" * 1000) for n in range(count)]), queue="64KiB", timeout="1s")
        until(lambda: self.count() > 100)
        self.server.signal(signal.SIGSTOP)
        daemon.wait_log("output store failed: NATS: .*; events wait", timeout=30)
        self.assertLess(daemon.resident_kib(), MOST_KIB)
        self.server.signal(signal.SIGCONT)
        until(lambda: self.count() >= count and len(set(self.numbers())) == count)
        self.end(daemon)

    # Once: every event of the journal is in the stream, and none twice, whoever was killed: JetStream knows the ids.
    def test_durable(self):
        self.start()
        numbers = iter(range(10 ** 9))

        def pour(connection, _):
            connection.accept()
            while True:
                connection.send(b"".join(trade(next(numbers)) for _ in range(20)))
                time.sleep(0.005)

        feed = self.enterContext(RawServer(pour))
        journal = {"path": str(self.place / "journal.db")}
        for turn in range(4):
            before = self.count()
            with Daemon(self.whole(feed, self.output(durable=True, timeout="2s"), journal=journal), read_stdout=False) as daemon:
                until(lambda before=before: self.count() > before)
                if turn % 2:
                    self.server.kill()
                    self.server.start()
                    before = self.count()
                    until(lambda before=before: self.count() > before)
                daemon.signal(signal.SIGKILL)
                daemon.process.wait()
        with Daemon(self.whole(self.feed([]), self.output(durable=True), journal=journal)) as daemon:
            until(lambda: self.waiting(journal) == "0")
            self.end(daemon)
        ids = [int(re.search(r"Nats-Msg-Id: [0-9a-f-]+:([0-9]+)\r\n", headers)[1]) for _, headers, _ in self.server.read_all()]
        self.assertEqual(ids, list(range(1, len(ids) + 1)))

    def waiting(self, journal):
        asked = subprocess.run(["sqlite3", "-readonly", journal["path"], "SELECT coalesce(sum(count), 0) FROM batches"],
                               capture_output=True, text=True, check=False)
        return asked.stdout.strip()


if __name__ == "__main__":
    unittest.main()
