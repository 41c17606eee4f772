"""Every configuration of the cookbook against a server made with the library that people use for it.

Each is carried through the same life: login, commands and replies; the server is killed and comes back, and the session
logs in again; SIGTERM, and the server sees an orderly close.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
import unittest.mock

from support import cookbook, peers
from support.certificates import certificates
from support.config import LOGIN, SET_SERVICE, TO_FREE, config, session
from support.cookbook import Server
from support.daemon import Daemon
from support.nats import PASSWORD, Nats
from support.proxy import Proxy


def make_keys(place, public):
    key = place / "signing_key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", place / public], check=True, capture_output=True)


@contextlib.contextmanager
def signing_keys():
    """Where the daemon finds its credentials, and the server its public key."""
    with tempfile.TemporaryDirectory(prefix="duplexd-keys-") as place:
        make_keys(pathlib.Path(place), "public_key")
        with unittest.mock.patch.dict(os.environ, CREDENTIALS_DIRECTORY=place):
            yield pathlib.Path(place)


class Cookbook(unittest.TestCase):
    def carry_through(self, name, server, busy, secure=False):
        """`busy(server, daemon)` waits until the session has logged in and done its work."""
        first = self.enterContext(Server(server))
        front = self.enterContext(Proxy(f"http://127.0.0.1:{first.port}")) if secure else first
        daemon = self.enterContext(Daemon(cookbook.config(name, front.address, certificates().ca if secure else None)))
        busy(first, daemon)
        first.kill()
        daemon.wait_log("next attempt in")
        second = self.enterContext(Server(server, first.port))
        busy(second, daemon)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        opened = sum(line["what"] == "open" for line in second.seen.all())
        self.assertEqual(second.wait("close", count=opened)["code"], 1000, second.seen.all())
        self.assertEqual([line for line in daemon.log.all() if "no layout fits" in line], [])

    # The feed loses a number and falls silent: both are told, and the session subscribes again.
    def market_data(self, server, daemon):
        server.wait("subscribe", symbols=["EURUSD", "GBPUSD"])
        daemon.wait_log(r"gap in trade\.seq.*EURUSD.*expected 10, found 11")
        server.wait("subscribe", count=2)
        daemon.wait_log(r"no reply trade for 2\.0 s", timeout=15)
        server.wait("subscribe", count=3)

    def test_market_data(self):
        self.carry_through("market-data", "feed", self.market_data)

    def test_gaps_are_events(self):
        with Server("feed") as server, Daemon(cookbook.config("market-data", server.address)) as daemon:
            gap = daemon.events.wait(lambda event: event["event"] == "gap")
            wanted = {"reply": "trade", "field": "seq", "key": ["EURUSD"], "expected": 10, "found": 11}
            self.assertEqual({key: gap.get(key) for key in wanted}, wanted)

    # Boot, status, heartbeats as often as the answer to the boot said; the server's calls are answered.
    def charge_point(self, server, daemon):
        server.wait("boot", params={"chargePointVendor": "Example", "chargePointModel": "One"})
        server.wait("status", params={"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        server.wait("refused", action="ClearCache", code="NotImplemented")
        server.wait("answered", action="Reset", answer={"status": "Accepted"})
        server.wait("boot", count=2)
        server.wait("heartbeat", count=2)
        daemon.wait_log("asked for a reset")

    def test_charge_point(self):
        self.carry_through("charge-point", "ocpp", self.charge_point)

    # Commands and replies that python3-protobuf read and wrote.
    def protobuf(self, server, daemon):
        server.wait("subscribe", symbols=["EURUSD", "GBPUSD"])
        server.wait("order", id="first", side=1, price=1.1, quantity=100000)
        daemon.events.wait(lambda event: event.get("reply") == "accepted")
        daemon.events.wait(lambda event: event.get("reply") == "tick", count=5)
        event = daemon.events.wait(lambda event: event.get("reply") == "tick" and event["data"]["tick"]["side"] == "SELL")
        self.assertEqual(event["data"], {"sequence": 2**53 + 1, "tick": {
            "symbol": "EURUSD", "price": 1.25, "side": "SELL", "time": "2022-06-16T10:27:44Z", "venues": {"lse": 0.5}}})

    def test_protobuf(self):
        self.carry_through("protobuf", "protobuf", self.protobuf)

    # Packets cut into pieces of one to three bytes arrive whole, in order; what is published and acknowledged arrives too.
    def mqtt(self, server, daemon):
        server.wait("login", id="duplexd")
        server.wait("subscribe", topics=["tick/1"])
        server.wait("publish", topic="status/duplexd", text='{"state": "ready"}')
        server.wait("ack", count=5)
        ticks = [event["data"] for event in daemon.events.all() if event.get("reply") == "publish"]
        self.assertGreaterEqual(len(ticks), 5)
        self.assertEqual({tick["topic"] for tick in ticks}, {"tick/1"})

    def test_mqtt(self):
        self.carry_through("mqtt", "mqtt", self.mqtt)

    def test_mqtt_heartbeat(self):
        with Server("mqtt") as server:
            text = cookbook.config("mqtt", server.address).replace("every: 30s", "every: 200ms")
            with Daemon(text) as daemon:
                server.wait("ping", count=3)
                daemon.events.wait(lambda event: event.get("reply") == "pong", count=3)
                self.assertFalse([line for line in daemon.log.all() if "next attempt" in line])

    # The server pings, the session answers; an acknowledged event; an event that a handler answers.
    def chat(self, server, daemon):
        server.wait("open")
        server.wait("join", room="lobby")
        server.wait("say", message={"text": "hello", "members": 1})
        server.wait("say", count=2)
        server.wait("pong", count=4)
        self.assertFalse([line for line in server.seen.all() if line["what"] == "gone"])
        daemon.events.wait(lambda event: event.get("reply") == "joined")

    def test_chat(self):
        self.carry_through("chat", "chat", self.chat)

    def test_chat_behind_nginx(self):
        self.carry_through("chat", "chat", self.chat, secure=True)

    # Each link has a token of its own, and is renewed before that expires.
    def token(self, server, daemon):
        server.wait("token", known=True)
        server.wait("open", count=3)
        tokens = [line["token"] for line in server.seen.all() if line["what"] == "open"]
        self.assertEqual(len(set(tokens)), len(tokens))
        daemon.wait_log("reconnecting")
        for line in daemon.log.all():
            self.assertNotIn(tokens[0].removeprefix("Bearer "), line)
        server.wait("close", code=1000)
        daemon.wait_reply(len(daemon.replies()) + 1)  # The newest link is up.

    def test_token(self):
        self.carry_through("token", "token", self.token)

    # The HTTP request for the token and the WebSocket pass the same proxy and the same check of its certificate.
    def test_token_behind_nginx(self):
        self.carry_through("token", "token", self.token, secure=True)

    # The proof is right for a challenge that is another each time.
    def challenge(self, server, daemon):
        server.wait("login", welcome=True)
        server.wait("measure", count=3, value=21.5)
        daemon.events.wait(lambda event: event.get("reply") == "stored", count=3)

    def test_challenge(self):
        self.carry_through("challenge", "challenge", self.challenge)

    def test_challenge_behind_nginx(self):
        self.carry_through("challenge", "challenge", self.challenge, secure=True)

    # A wrong key is refused: after the third time the session ends, with the exit code that the rule says.
    def test_wrong_key(self):
        with Server("challenge") as server:
            text = cookbook.config("challenge", server.address).replace("'meter-1' |", "'meter-2' |")
            with Daemon(text) as daemon:
                self.assertEqual(daemon.wait(), 64, daemon.log.all())
            self.assertEqual(sum(line["what"] == "login" for line in server.seen.all()), 3)


    # PyJWT finds each token good; none is used twice.
    def signed_login(self, server, daemon):
        server.wait("token", wrong="", kid="desk-1", seconds=60)
        server.wait("place", count=3, amount=5)
        daemon.events.wait(lambda event: event.get("reply") == "placed", count=3)

    def test_signed_login(self):
        with signing_keys():
            self.carry_through("signed-login", "jwt", self.signed_login)

    # A key of somebody else: after the third refusal the session ends, and the log has no token.
    def test_unknown_key(self):
        with signing_keys() as place, Server("jwt") as server:
            make_keys(place, "unused")
            with Daemon(cookbook.config("signed-login", server.address)) as daemon:
                self.assertEqual(daemon.wait(), 64, daemon.log.all())
                self.assertEqual([line for line in daemon.log.all() if "eyJ" in line], [])
            self.assertEqual([line["wrong"] for line in server.seen.all() if line["what"] == "token"],
                             ["Signature verification failed"] * 3)

    # The session of the README, with its commands and replies in bytes.
    def agent(self, server, daemon, count):
        server.wait("message", hex=LOGIN.hex())
        server.wait("message", hex=SET_SERVICE.hex())
        server.wait("message", hex=TO_FREE.hex())
        daemon.events.wait(lambda event: event.get("data", {}).get("code") == 149, count)  # the last of its replies

    def test_agent_behind_nginx(self):
        for library in peers.LIBRARIES:
            with self.subTest(library):
                first = self.enterContext(peers.Server(library))
                front = self.enterContext(Proxy(f"https://127.0.0.1:{first.port}"))
                daemon = self.enterContext(Daemon(config(session(f"wss://{front.address}/"))))
                self.agent(first, daemon, 1)
                first.kill()
                daemon.wait_log("next attempt in")
                second = self.enterContext(peers.Server(library, first.port))
                self.agent(second, daemon, 2)
                daemon.signal()
                self.assertEqual(daemon.wait(), 0, daemon.log.all())
                closed = second.wait("close")
                self.assertEqual((closed["code"], closed["reason"]), (1000, "user quit"))


class LineProtocol(unittest.TestCase):
    """A real nats-server, whose other clients publish."""

    def publish(self, server, orders):
        with server.reader() as reader:
            for order in orders:
                text = json.dumps(order)
                reader.send(f"PUB orders.new {len(text)}\r\n{text}\r\n")
            reader.subscribe("flushed")

    def messages(self, daemon, count):
        daemon.events.wait(lambda event: event.get("reply") == "message", count)
        self.assertEqual({event.get("reply") for event in daemon.events.all()} - {"message"}, set())
        return [event["data"] for event in daemon.events.all()]

    def test_line_protocol(self):
        os.environ["NATS_PASSWORD"] = PASSWORD
        server = self.enterContext(Nats(websocket=True))
        daemon = self.enterContext(Daemon(cookbook.config("line-protocol", f"localhost:{server.websocket}")))
        server.wait_subscribed("orders.*")
        orders = [{"id": number, "text": "ä" * number} for number in range(300)]
        self.publish(server, orders)
        self.assertEqual(self.messages(daemon, 300), [{"subject": "orders.new", "data": each} for each in orders])
        server.kill()
        daemon.wait_log("next attempt in")
        server.start()
        server.wait_subscribed("orders.*")
        self.publish(server, [{"id": "again"}])
        self.assertEqual(self.messages(daemon, 301)[-1], {"subject": "orders.new", "data": {"id": "again"}})
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual([line for line in daemon.log.all() if "no layout fits" in line], [])

    def test_wrong_password(self):
        os.environ["NATS_PASSWORD"] = "wrong"
        with Nats(websocket=True) as server:
            with Daemon(cookbook.config("line-protocol", f"localhost:{server.websocket}")) as daemon:
                daemon.wait_log("Authorization Violation")
                self.assertFalse([line for line in daemon.log.all() if "wrong" in line])


class Tasks(unittest.TestCase):
    """docs/cookbook.md, "From asyncio": what each row promises, seen by the server."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("tasks"))
        cls.daemon = cls.enterClassContext(Daemon(cookbook.config("tasks", cls.server.address)))
        cls.server.wait("note", text="finished", timeout=20)
        time.sleep(0.5)  # what must not come any more has had the time to come
        cls.seen = cls.server.seen.all()
        cls.notes = [line["text"] for line in cls.seen if line["what"] == "note"]
        cls.words = [text for text in cls.notes if not text.startswith("tick ")]

    def place(self, **fields):
        return next(i for i, line in enumerate(self.seen) if all(line.get(key) == value for key, value in fields.items()))

    # Both pages are asked for before either has been answered, and before the connection.
    def test_downloads_at_once(self):
        self.assertEqual({line["path"] for line in self.seen[1:3]}, {"/http/venue", "/http/limits"})
        self.assertEqual(self.seen[3], {"what": "upgrade", "path": "/desk?venue=XETR"})

    # Both questions are there before the first answer; the results come in the branches' order, not in that of the answers.
    def test_gather(self):
        ticks = self.seen[self.place(asked="price"):self.place(asked="stock")]
        self.assertEqual([line for line in ticks if line["what"] == "note"], [], "nothing was waited for between the two")
        self.assertIn("order", [line["what"] for line in self.seen])
        self.assertNotIn("the order was refused", self.notes, "the price, not the stock, went into the order")

    def test_spawn_and_cancel(self):
        self.assertGreater(len(self.notes) - len(self.words), 5)
        after = self.notes[self.notes.index("finished"):]
        self.assertEqual([text for text in after if text.startswith("tick ")], [], "the task was cancelled")

    def test_order_of_all_others(self):
        alarm = [text for text in self.words if text.startswith("alarm")]
        self.assertEqual(alarm, ["alarm 1 seen"])
        self.assertEqual([text for text in self.words if text not in alarm],
                         ["silence took too long", "quick is done", "after the first, slow: false", "slow is done",
                          "after all", next(text for text in self.words if text.startswith("no such thing")),
                          "branch 1 won", "finished"])

    def test_close(self):
        with Server("tasks") as server, Daemon(cookbook.config("tasks", server.address)) as daemon:
            server.wait("ask")
            daemon.signal()
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            self.assertEqual(server.wait("close")["code"], 1000)

    def test_restart(self):
        with Server("tasks") as server, Daemon(cookbook.config("tasks", server.address)):
            server.wait("ask")
            server.kill()
            with Server("tasks", server.port) as again:
                again.wait("note", text="finished", timeout=20)


if __name__ == "__main__":
    unittest.main()
