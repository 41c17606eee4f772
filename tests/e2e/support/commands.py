"""What the tests of commands that a broker delivers have in common: a session that asks, and a server that answers."""

import json
import os
import threading

from . import mosquitto, nats
from .config import config, listener
from .raw_server import TEXT, RawServer, frame
from .trades import QUIET, Trades

PROTOCOL = {"json": "compact", "commands": {"ask": {"json": {"op": "ask", "n": None}}},
            "replies": [{"as": "answer", "when": {"json": "/op", "is": "answer"}}]}
CONFIRMED = {"confirm": "answer", "correlate": {"n": "n"}}


def command(number, **more):
    return json.dumps({"command": "ask", "with": {"n": number}} | more)


def pair_of(certificate):
    """The fields of an output that shows it."""
    return {"cert_file": certificate.certificate, "key_file": certificate.key}


class Commands(Trades):
    def setUp(self):
        super().setUp()
        self.questions = []
        self.padding = {}  # more fields of each answer
        self.gate = threading.Event()
        self.gate.set()
        os.environ["BROKER_PASSWORD"] = mosquitto.PASSWORD
        os.environ["NATS_PASSWORD"] = nats.PASSWORD

    def serve(self, connection, _):
        connection.accept()
        while True:
            question = json.loads(connection.read_message()[1])
            self.questions.append(question["n"])
            connection.send(frame(TEXT, json.dumps({"op": "answer", "n": question["n"]} | self.padding).encode()))

    def answering(self):
        """Its connections wait for the gate, before they are accepted."""
        def serve(connection, number):
            self.gate.wait(60)
            self.serve(connection, number)

        return self.enterContext(RawServer(serve))

    def answering_now(self):
        return self.enterContext(RawServer(self.serve))

    def refusing(self):
        """Its connections end at once while the gate is closed."""
        def serve(connection, number):
            if self.gate.is_set():
                self.serve(connection, number)

        return self.enterContext(RawServer(serve))

    def whole(self, feed, output, **more):
        rules = more.pop("rules", CONFIRMED)
        session = listener(feed.url, outputs=["stdout"], protocol=PROTOCOL, login=None, simulate=None, liveness=QUIET,
                           commands={"ask": rules}, **more.pop("session", {}))
        return config(session, outputs={"bus": output}, **more)

    def ends(self, daemon):
        return {event["id"]: event["state"] for event in daemon.events.all() if event["event"] == "command"}
