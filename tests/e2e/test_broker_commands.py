"""Commands that a broker delivers: what docs/commands.md promises, with a mosquitto and a nats-server that die and return."""

import json
import signal
import subprocess
import time
import unittest

from support.certificates import certificates
from support.commands import CONFIRMED, Commands, command, pair_of
from support.config import SESSION
from support.daemon import Daemon
from support.mosquitto import Mosquitto
from support.mqtt_broker import Broker
from support.nats import Nats
from support.raw_server import RawServer
from support.trades import MOST_KIB
from support.waiting import until


class Mqtt(Commands):
    def start(self, **how):
        self.broker = self.enterContext(Mosquitto(**how))
        self.broker.subscribe("ends/#")

    def output(self, **fields):
        commands = {"topic": "orders", "answers": "ends"} | fields.pop("commands", {})
        return {"type": "mqtt", "url": self.broker.url, "topic": "feeds/${reply}", "user": "duplexd", "commands": commands,
                "password": "${env:BROKER_PASSWORD}"} | fields

    def ready(self, count=1, name="bus-commands"):
        until(lambda: self.broker.has_logged(f"Sending SUBACK to {name}", count))

    def publish(self, *texts, more=()):
        subprocess.run(["mosquitto_pub", "-p", str(self.broker.reader_port), "-V", "5", "-q", "1", "-t", "orders", "-l", *more],
                       input="\n".join(texts) + "\n", text=True, check=True, timeout=60)

    def answers(self):
        return [json.loads(line.split(" ", 4)[4]) for line in self.broker.lines()]

    # The broker asks who the client is.
    def test_example(self):
        self.start(secure=True, options="require_certificate true\n")
        feed = self.answering()
        block = self.example("Commands from a broker", feed, page="commands.md")
        block["outputs"]["bus"] |= {"url": self.broker.url, "password": "${env:BROKER_PASSWORD}",
                                    "ca_file": certificates().ca} | pair_of(certificates().valid)
        block["journal"] = {"path": str(self.place / "journal.db")}
        daemon = self.enterContext(Daemon(block))
        self.ready(name="shop-commands")
        asked = subprocess.run(["mosquitto_rr", "-p", str(self.broker.reader_port), "-V", "5", "-t", "shop/orders", "-e", "ends/me",
                                "-m", command(1, id="a7")], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(json.loads(asked.stdout), {"session": "shop", "id": "a7", "command": "ask", "state": "written", "ended": True})
        until(lambda: self.questions == [1])  # that it was written is told when it has left
        self.end(daemon)

    # What is not a command is refused, and told; what is asked twice with one id is done once.
    def test_ends(self):
        self.start()
        daemon = self.run_daemon(self.answering(), client_id="bus")
        self.ready()
        self.publish("nonsense", command(1, id="a"), command(1, session="nobody", id="b"), "[1]", command(2, id="c"),
                     json.dumps({"command": "buy", "id": "d"}), command(9, id="e" * 201))
        until(lambda: len(self.answers()) == 7)
        found = {(each["id"], each["state"], each.get("why", "")) for each in self.answers()}
        self.assertIn(("b", "refused", "there is no session 'nobody'"), found)
        self.assertIn(("d", "refused", "the protocol has no such command"), found)
        self.assertEqual({each[:2] for each in found}, {("", "refused"), ("a", "confirmed"), ("b", "refused"), ("c", "confirmed"),
                                                       ("d", "refused")})
        confirmed = next(each for each in self.answers() if each["id"] == "c")
        self.assertEqual((confirmed["reply"], confirmed["data"]), ("answer", {"op": "answer", "n": 2}))
        daemon.wait_log("message 1 for output bus is not a valid command: it is not JSON: byte")
        daemon.wait_log("message 3 for output bus is not a valid command: there is no session 'nobody'")
        self.publish(command(1, id="a"))
        until(lambda: len(self.answers()) == 8)
        self.assertEqual(self.answers()[-1]["why"], "a command with this id came before; it is not sent again")
        self.assertEqual(self.questions, [1, 2])
        self.assertEqual(self.ends(daemon), {"a": "confirmed", "c": "confirmed", "d": "refused"})
        self.end(daemon)

    # The broker hears of a message only when its command is accepted: here the session has not tried to connect yet.
    # The daemon that is killed before gets it again.
    def test_acknowledged_when_accepted(self):
        self.start()
        self.gate.clear()
        feed = self.answering()
        whole = self.whole(feed, self.output(client_id="bus"), rules=CONFIRMED | {"durable": True},
                           journal={"path": str(self.place / "journal.db")})
        with Daemon(whole) as daemon:
            self.ready()
            self.publish(command(1, id="a"))
            until(lambda: self.broker.has_logged("Sending PUBLISH to bus-commands"))
            daemon.signal(signal.SIGKILL)
            daemon.wait()
        self.assertFalse(self.broker.has_logged("Received PUBACK from bus-commands"))
        with Daemon(whole) as daemon:
            until(lambda: self.broker.has_logged("Sending PUBLISH to bus-commands", 2))
            self.gate.set()
            until(lambda: self.broker.has_logged("Received PUBACK from bus-commands"))
            until(lambda: [each["state"] for each in self.answers()] == ["confirmed"])
            self.end(daemon)
        self.assertEqual(self.questions, [1])

    # A daemon that is told to end leaves to the broker what it has not accepted: nothing is refused, and nothing is lost.
    def test_ended_and_started(self):
        self.start()
        whole = self.whole(self.answering(), self.output(client_id="bus"), rules=CONFIRMED | {"durable": True, "ttl": "1h"},
                           journal={"path": str(self.place / "journal.db")})
        count, ends = 0, {}
        asks = ["mosquitto_pub", "-p", str(self.broker.reader_port), "-V", "5", "-q", "1", "-t", "orders", "-l"]
        with subprocess.Popen(asks, stdin=subprocess.PIPE, text=True) as publisher:
            def ask(amount):
                nonlocal count
                publisher.stdin.writelines(command(n, id=f"c{n}") + "\n" for n in range(count, count + amount))
                publisher.stdin.flush()
                count += amount

            for run in range(5):
                with Daemon(whole) as daemon:
                    self.ready(run + 1)
                    ask(100)
                    until(lambda: self.ends(daemon))
                    daemon.signal()
                    for _ in range(90):  # fewer than may wait in the session, in all
                        if daemon.process.poll() is None:
                            ask(1)
                            time.sleep(0.001)
                    self.assertEqual(daemon.wait(), 0)
                    ends |= self.ends(daemon)
            publisher.stdin.close()
            self.assertEqual(publisher.wait(60), 0)
            with Daemon(whole) as daemon:
                until(lambda: len(ends | self.ends(daemon)) == count, 60)
                ends |= self.ends(daemon)
                self.end(daemon)
        self.assertLessEqual(set(ends.values()), {"confirmed", "unknown"})
        self.assertNotIn("refused", {each["state"] for each in self.answers()})
        self.assertEqual(len(self.questions), len(set(self.questions)))

    # There is no room: the broker keeps what was not accepted, and what it delivers again although it was is not taken twice.
    def test_queue_is_full(self):
        self.start()
        self.gate.clear()
        whole = self.whole(self.refusing(), self.output(client_id="bus"), rules=CONFIRMED | {"durable": True, "ttl": "1h"},
                           journal={"path": str(self.place / "journal.db")}, session={"outbox": {"max": 3}})
        daemon = self.enterContext(Daemon(whole))
        self.ready()
        self.publish(*(command(n) for n in range(10)))
        daemon.wait_log(f"commands for output bus cannot be received: session {SESSION}: too many commands are waiting", 2)
        self.assertEqual(self.ends(daemon), {})
        self.gate.set()
        until(lambda: len(self.answers()) == 10)
        daemon.wait_log("commands for output bus are received again")
        self.assertEqual({each["state"] for each in self.answers()}, {"confirmed"})
        self.assertEqual(sorted(self.questions), list(range(10)))
        self.end(daemon)

    # What was accepted is told over another connection: the first would acknowledge what it has received since.
    def test_told_while_ending(self):
        self.start()
        heard = []

        def serve(connection, _):
            connection.accept()
            heard.append(connection.read_message())
            connection.hold(60)

        daemon = self.run_daemon(self.enterContext(RawServer(serve)), client_id="bus")
        self.ready()
        self.publish(command(1, id="a"))
        until(lambda: heard)
        self.end(daemon)
        until(lambda: [(each["id"], each["state"]) for each in self.answers()] == [("a", "unknown")])
        self.assertTrue(self.broker.has_logged("Sending CONNACK to bus-answers"))

    # Commands come over a connection of their own, with the same certificate.
    def test_client_certificate(self):
        self.start(secure=True, options="require_certificate true\n")
        for shown in ({}, pair_of(certificates().self_signed)):
            daemon = self.run_daemon(self.answering(), client_id="bus", ca_file=certificates().ca, **shown)
            daemon.wait_log("commands for output bus cannot be received: MQTT: .*; next attempt in")
            self.end(daemon)
        self.assertFalse(self.broker.has_logged("Sending CONNACK to bus-commands"))
        daemon = self.run_daemon(self.answering(), client_id="bus", ca_file=certificates().ca, **pair_of(certificates().valid))
        self.ready()
        self.publish(command(1, id="a"))
        until(lambda: [(each["id"], each["state"]) for each in self.answers()] == [("a", "confirmed")])
        self.assertTrue(self.broker.has_logged("Sending CONNACK to bus-commands"))
        self.end(daemon)

    # Far more than may be unfinished, while the broker ends and returns: nothing is lost, and ids make it once.
    def test_flood_and_restart(self):
        self.start(keeps=True)
        daemon = self.run_daemon(self.answering(), client_id="bus", timeout="5s")
        self.ready()
        count = 1000
        self.publish(*(command(n, id=f"c{n}") for n in range(count)))
        self.broker.end()
        daemon.wait_log("commands for output bus cannot be received: MQTT: .*; next attempt in", timeout=30)
        self.broker.start()
        daemon.wait_log("commands for output bus are received again", timeout=30)
        until(lambda: self.ends(daemon) == {f"c{n}": "confirmed" for n in range(count)}, 30)
        self.assertEqual(sorted(self.questions), list(range(count)))
        self.end(daemon)

    # With TLS several messages are in one record.
    def test_tls(self):
        self.start(secure=True)
        daemon = self.run_daemon(self.answering(), client_id="bus", ca_file=certificates().ca)
        self.ready()
        self.publish(*(command(n) for n in range(200)))
        until(lambda: len(self.answers()) == 200)
        self.assertEqual(self.questions, list(range(200)))
        self.end(daemon)


class MqttBroker(Commands):
    """A broker that does what mosquitto does at bad moments only, or never."""

    def whole(self, feed, output, **more):
        return super().whole(feed, output, **{"rules": CONFIRMED | {"timeout": "5m"}} | more)  # a large answer takes its time

    def output(self, **fields):
        return {"type": "mqtt", "url": self.broker.url, "topic": "feeds/${reply}", "client_id": "bus", "timeout": "200ms",
                "commands": {"topic": "orders", "answers": "ends"}} | fields

    def told(self):
        """States by id: each end may come twice."""
        return {each["id"]: each["state"] for each in map(json.loads, list(self.broker.published))}

    # What the broker has kept comes in one piece with its answer to CONNECT, in one record of TLS.
    def test_with_the_answer(self):
        for tls in (False, True):
            with self.subTest(tls=tls), Broker(
                    b"orders", *(command(n, id=f"c{n}").encode() for n in range(40, 100)), tls=tls,
                    kept=[command(n, id=f"c{n}").encode() for n in range(40)]) as self.broker:
                self.broker.acknowledges.set()
                self.questions.clear()
                daemon = self.run_daemon(self.answering(), **({"ca_file": certificates().ca} if tls else {}))
                until(lambda: len(self.broker.acknowledged) == 100)
                until(lambda: self.told() == {f"c{n}": "confirmed" for n in range(100)})
                self.assertEqual(self.questions, list(range(100)))
                self.end(daemon)

    # A broker that acknowledges no answer gets no more of them beyond 4 MiB, or 1,000, gives no more commands than may wait beside
    # these, and has all answers in the end.
    def test_answers_are_not_acknowledged(self):
        for size, count in ((60_000, 400), (1, 2_000)):
            with self.subTest(size=size), \
                    Broker(b"orders", *(command(n, id=f"c{n}").encode() for n in range(count)), tls=False) as self.broker:
                self.padding = {"padding": "x" * size}
                self.questions.clear()
                daemon = self.run_daemon(self.answering())
                daemon.wait_log("cannot be received: MQTT: the broker does not acknowledge an answer", timeout=60)

                def bound_reached():
                    answers = set(self.broker.published)
                    return len(answers) == 1000 or sum(map(len, answers)) >= 4 << 20

                until(bound_reached, 120)
                time.sleep(2)
                answers = set(self.broker.published)
                self.assertLessEqual(len(answers), 1000)
                self.assertLess(sum(map(len, answers)), (4 << 20) + 2 * size + 1000)
                self.assertLess(len(self.broker.acknowledged), 2 * len(answers) + 256)
                self.broker.acknowledges.set()
                until(lambda: self.told() == {f"c{n}": "confirmed" for n in range(count)}, 120)
                self.assertEqual(self.questions, list(range(count)))
                self.end(daemon)

    # All answers take far longer than `timeout`, and are published once: there is no end while some are acknowledged.
    def test_slow_broker(self):
        count = 60
        self.padding = {"padding": "x" * 60_000}
        with Broker(b"orders", *(command(n, id=f"c{n}").encode() for n in range(count)), tls=False, pause=0.1) as self.broker:
            self.broker.acknowledges.set()
            daemon = self.run_daemon(self.answering())
            until(lambda: self.told() == {f"c{n}": "confirmed" for n in range(count)})
            self.assertEqual(len(self.broker.published), count)
            self.end(daemon)


class NatsServer(Commands):
    def start(self, **how):
        self.server = self.enterContext(Nats(**how))

    def output(self, **fields):
        commands = {"subject": "orders.*"} | fields.pop("commands", {})
        return {"type": "nats", "url": self.server.url, "subject": "feeds.${reply}", "user": "duplexd",
                "password": "${env:NATS_PASSWORD}", "commands": commands} | fields

    def ready(self, reader):
        """Who asks before there is somebody to answer is told so."""
        def heard():
            try:
                return reader.ask("orders.ready", {"command": "ask", "session": "nobody"})["state"] == "refused"
            except json.JSONDecodeError:  # no responders
                return False

        until(heard)

    # Request and reply, and who does not ask.
    def test_ends(self):
        self.start()
        daemon = self.run_daemon(self.answering(), commands={"answers": "ends"})
        with self.server.reader() as reader:
            self.ready(reader)
            confirmed = reader.ask("orders.shop", json.loads(command(1, id="a")))
            self.assertEqual((confirmed["id"], confirmed["state"], confirmed["data"]), ("a", "confirmed", {"op": "answer", "n": 1}))
            again = reader.ask("orders.shop", json.loads(command(1, id="a")))
            self.assertEqual(again["why"], "a command with this id came before; it is not sent again")
            self.assertIn("it is not JSON: byte", self.refusal(reader, "nonsense"))
            self.assertEqual(self.refusal(reader, command(1, session="nobody")), "there is no session 'nobody'")
            reader.subscribe("ends")
            reader.send(f"PUB orders.shop {len(command(2))}\r\n{command(2)}\r\n")
            self.assertEqual(json.loads(reader.next(2)[2])["state"], "confirmed")
        self.assertEqual(self.questions, [1, 2])
        daemon.wait_log("message [0-9]+ for output bus is not a valid command: it is not JSON: byte")
        self.end(daemon)

    def refusal(self, reader, text):
        reader.send(f"PUB orders.shop {reader.inbox} {len(text)}\r\n{text}\r\n")
        answer = json.loads(reader.next(1)[2])
        self.assertEqual(answer["state"], "refused")
        return answer["why"]

    def test_too_long(self):
        self.start(max_payload=4 << 20)
        daemon = self.run_daemon(self.answering())
        with self.server.reader() as reader:
            self.ready(reader)
            self.assertEqual(self.refusal(reader, command(1, id="x" * (1 << 20))), "it has more than 1048576 bytes")
        self.end(daemon)

    # Commands come over a connection of their own, with the same certificate.
    def test_client_certificate(self):
        self.start(secure=True, verify=True)
        for shown in ({}, pair_of(certificates().self_signed)):
            daemon = self.run_daemon(self.answering(), ca_file=certificates().ca, **shown)
            daemon.wait_log("commands for output bus cannot be received: NATS: .*; next attempt in")
            self.end(daemon)
        daemon = self.run_daemon(self.answering(), ca_file=certificates().ca, **pair_of(certificates().valid))
        with self.server.reader() as reader:
            self.ready(reader)
            self.assertEqual(reader.ask("orders.shop", json.loads(command(1)))["state"], "confirmed")
        self.end(daemon)

    def test_killed_server(self):
        self.start()
        daemon = self.run_daemon(self.answering())
        with self.server.reader() as reader:
            self.ready(reader)
        self.server.kill()
        daemon.wait_log("commands for output bus cannot be received: NATS: .*; next attempt in")
        self.server.start()
        with self.server.reader() as reader:
            self.ready(reader)
            answer = reader.ask("orders.shop", json.loads(command(1)))
            while answer["session"] == "nobody":  # what the dead server may not have delivered is published again
                answer = json.loads(reader.next(1)[2])
            self.assertEqual(answer["state"], "confirmed", answer)
        daemon.wait_log("commands for output bus are received again")
        self.end(daemon)

    # NATS holds nobody back: what comes too fast is lost, and that is told. Memory is bounded.
    def test_flood(self):
        self.start()
        silent = self.enterContext(RawServer(lambda connection, _: connection.accept() or connection.hold(60)))
        whole = self.whole(silent, self.output(), rules=CONFIRMED | {"timeout": "1s"})
        daemon = self.enterContext(Daemon(whole))
        with self.server.reader() as reader:
            self.ready(reader)
            one = f"PUB orders.shop {len(command(1))}\r\n{command(1)}\r\n"
            for _ in range(40):
                reader.send(one * 1000)
            daemon.wait_log("commands for output bus came too fast: [0-9]+ are lost so far", timeout=30)
        self.assertLess(daemon.resident_kib(), MOST_KIB)
        daemon.signal(signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
