"""Commands on stdin: what docs/commands.md promises, seen by a server that nobody here wrote and by the events."""

import json
import subprocess
import tempfile
import time
import unittest

from support import peers
from support.config import TO_FREE, config, listener, session
from support.daemon import BINARY, write_config
from support.lines import Lines
from support.raw_server import TEXT, RawServer, close_frame, frame

PROTOCOL = {"json": "compact", "commands": {"ask": {"json": {"op": "ask", "id": None}}},
            "replies": [{"as": "answer", "when": {"json": "/op", "is": "answer"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def asking(server, **rules):
    own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET, "commands": {"ask": rules}}
    return listener(server.url, **own)


class Commands(unittest.TestCase):
    def start(self, settings, *options):
        place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-commands-"))
        process = subprocess.Popen([BINARY, "run", "-c", write_config(settings, place), "--commands", "-", *options],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.log = Lines(process.stderr)
        self.events = Lines(process.stdout, json.loads)
        return process

    def ends(self):
        return {event["id"]: event["state"] for event in self.events.all() if event["event"] == "command"}

    def finish(self, process):
        process.stdin.close()
        code = process.wait(30)
        self.log.join()
        self.events.join()
        return code

    # Against a real server, in order, and the daemon ends with its input.
    def test_written(self):
        with peers.Server("websockets") as server:
            process = self.start(config(session(server.url, script=None, linger="0s")))
            for number in range(20):
                process.stdin.write(json.dumps({"command": "to_free", "id": number}) + "\n")
            process.stdin.flush()
            server.wait("message", 20, timeout=60)  # it stops reading when the close frame comes while it answers
            self.assertEqual(self.finish(process), 0, self.log.all())
            server.wait("close")
            sent = [data for kind, data, _ in server.messages() if kind == "binary"]
        self.assertEqual(sent, [TO_FREE] * 20)
        self.assertEqual(self.ends(), {str(number): "written" for number in range(20)})
        self.assertTrue(any("stopping (the commands have ended)" in line for line in self.log.all()))

    # Far more than may be unfinished: the writer waits, nothing is refused.
    def test_back_pressure(self):
        def answer(connection, _):
            connection.accept()
            while True:
                _, payload = connection.read_message()
                question = json.loads(payload)
                connection.send(frame(TEXT, json.dumps({"op": "answer", "id": question["id"]}).encode()))

        with RawServer(answer) as server:
            process = self.start(config(asking(server, confirm="answer", correlate={"id": "id"})))
            for number in range(3000):
                process.stdin.write(json.dumps({"command": "ask", "with": {"id": number}, "id": f"c{number}"}) + "\n")
            self.assertEqual(self.finish(process), 0, self.log.all()[-5:])
        self.assertEqual(self.ends(), {f"c{number}": "confirmed" for number in range(3000)})
        for event in self.events.all():
            if event["event"] == "command":
                self.assertEqual(event["id"], f"c{event['data']['id']}")

    # Before there is a server: queued, or refused, as declared. A connection that ends: nobody knows.
    def test_without_a_connection(self):
        with RawServer(lambda connection, _: connection.accept() or connection.hold()) as taken:
            port = taken.port
        questions = []

        def drop(connection, _):
            connection.accept()
            questions.append(json.loads(connection.read_message()[1])["id"])
            if len(questions) == 1:
                connection.send(close_frame(1001))
                return
            connection.hold()

        class Address:
            url = f"wss://localhost:{port}/"

        rules = {"offline": "queue", "ttl": "60s", "confirm": "answer", "timeout": "60s"}
        process = self.start(config(asking(Address, **rules)))
        self.log.wait(lambda line: "next attempt" in line)
        process.stdin.write('{"command": "ask", "with": {"id": 1}, "id": "a"}\nnonsense\n{"command": "ask", "id": "b"}\n')
        process.stdin.flush()
        self.log.wait(lambda line: "line 2 of the commands is not valid: it is not JSON" in line)
        with RawServer(drop, port=port):
            self.events.wait(lambda event: event.get("id") == "a")
            process.stdin.write('{"command": "ask", "with": {"id": 2}, "id": "c"}\n')
            process.stdin.flush()
            end = time.monotonic() + 20
            while questions != [1, 2] and time.monotonic() < end:
                time.sleep(0.05)
        self.assertEqual(questions, [1, 2])
        self.events.wait(lambda event: event.get("id") == "c")
        self.assertEqual(self.finish(process), 0)
        self.assertEqual(self.ends(), {"a": "unknown", "b": "refused", "c": "unknown"})

    # Any program may be at the other end; here one that talks to the daemon in both directions.
    def test_a_program_drives_the_session(self):
        def answer(connection, _):
            connection.accept()
            while True:
                question = json.loads(connection.read_message()[1])
                connection.send(frame(TEXT, json.dumps({"op": "answer", "id": question["id"] + 1}).encode()))

        with RawServer(answer) as server:
            process = self.start(config(asking(server)))
            number = 0
            for _ in range(50):
                process.stdin.write(json.dumps({"command": "ask", "with": {"id": number}}) + "\n")
                process.stdin.flush()
                reply = self.events.wait(lambda event, n=number: event["event"] == "reply" and event["data"]["id"] == n + 1)
                number = (reply or {"data": {"id": number + 1}})["data"]["id"]
            self.assertEqual(number, 50)
            self.assertEqual(self.finish(process), 0)


if __name__ == "__main__":
    unittest.main()
