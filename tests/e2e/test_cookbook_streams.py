"""The recipes for TCP protocols behind a WebSocket: streams without lengths, against redis-server, PostgreSQL and TigerVNC through
websockify."""

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import threading
import unittest

from support import cookbook
from support.config import config
from support.daemon import Daemon
from support.postgres import PASSWORD, Postgres
from support.services import Drawing, Redis, Screen, Websockify
from support.waiting import until


def verifier(password, iterations):
    """What PostgreSQL keeps of a password."""
    salt = b"a salt of the test"
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(key, b"Client Key", "sha256")).digest()
    parts = [base64.b64encode(each).decode() for each in (salt, stored, hmac.digest(key, b"Server Key", "sha256"))]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


class Streams(unittest.TestCase):
    def ends_cleanly(self, daemon):
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual([line for line in daemon.log.all() if "no layout fits" in line or "framing" in line], [])
        self.assertEqual([event for event in daemon.events.all() if event["event"] == "raw"], [])


class Store(Streams):
    def publish(self, redis, orders):
        for order in orders:
            self.assertEqual(redis.ask("PUBLISH", "orders", json.dumps(order)), "1")

    def messages(self, daemon, count):
        daemon.events.wait(lambda event: event.get("reply") == "message", count)
        return [event["data"] for event in daemon.events.all() if event["event"] == "reply"]

    # Login, set and get, what others publish; a large message comes in many pieces, many small ones in one.
    def test_redis(self):
        os.environ["REDIS_PASSWORD"] = Redis.PASSWORD
        redis = self.enterContext(Redis())
        front = self.enterContext(Websockify(redis.port))
        daemon = self.enterContext(Daemon(cookbook.config("redis", f"localhost:{front.port}")))
        self.wait_subscribed(redis)
        orders = [{"id": number, "text": "ä" * number} for number in range(20)] + [{"id": 20, "text": "x" * 300_000}]
        self.publish(redis, orders[:20])
        redis.ask("EVAL", "return redis.call('PUBLISH', 'orders', '{\"id\": 20, \"text\": \"' .. string.rep('x', 300000) .. '\"}')", "0")
        self.assertEqual(self.messages(daemon, 21), [{"channel": "orders", "data": each} for each in orders])
        self.wait_counted(redis, "21")
        self.assertRegex(redis.ask("GET", "duplexd:seen"), r"^\d{4}-")
        redis.kill()
        daemon.wait_log("next attempt in")
        redis.start()
        self.wait_subscribed(redis)
        self.publish(redis, [{"id": "again"}])
        self.assertEqual(self.messages(daemon, 22)[-1], {"channel": "orders", "data": {"id": "again"}})
        self.ends_cleanly(daemon)

    def wait_subscribed(self, redis):
        until(lambda: redis.ask("PUBSUB", "NUMSUB", "orders").split() == ["orders", "1"])

    def wait_counted(self, redis, count):
        until(lambda: redis.ask("HGET", "duplexd:counts", "orders") == count)

    def test_wrong_password(self):
        os.environ["REDIS_PASSWORD"] = "mistaken"
        with Redis() as redis, Websockify(redis.port) as front:
            with Daemon(cookbook.config("redis", f"localhost:{front.port}")) as daemon:
                daemon.wait_log("WRONGPASS")
                self.assertFalse([line for line in daemon.log.all() if "mistaken" in line])


class Database(Streams):
    def start(self, database, password):
        os.environ["DATABASE_PASSWORD"] = password
        front = self.enterContext(Websockify(database.port))
        return self.enterContext(Daemon(cookbook.config("database", f"localhost:{front.port}")))

    def wait_listening(self, database):
        until(lambda: database.ask("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN orders' AND state = 'idle'") == ["1"])

    # The login with SCRAM, what others NOTIFY, and again after the server was killed.
    def test_notifications(self):
        database = self.enterContext(Postgres())
        daemon = self.start(database, PASSWORD)
        self.wait_listening(database)
        for number in range(20):
            database.ask(f"NOTIFY orders, '{number} {'ä' * 50 * number}'")
        daemon.events.wait(lambda event: event.get("reply") == "notification", 20)
        database.kill()
        daemon.wait_log("next attempt in")
        database.start()
        self.wait_listening(database)
        database.ask("NOTIFY orders, 'again'")
        daemon.events.wait(lambda event: event.get("reply") == "notification", 21)
        got = [event["data"] for event in daemon.events.all() if event["event"] == "reply"]
        self.assertEqual([each["data"] for each in got], [f"{number} {'ä' * 50 * number}" for number in range(20)] + ["again"])
        self.assertEqual({each["channel"] for each in got}, {"orders"})
        self.ends_cleanly(daemon)

    # The server chooses how many iterations there are: more than usual, or more than the limit.
    def test_iterations(self):
        database = self.enterContext(Postgres())
        database.ask(f"ALTER ROLE duplexd PASSWORD '{verifier(PASSWORD, 100_000)}'")
        self.start(database, PASSWORD)
        self.wait_listening(database)
        database.ask(f"ALTER ROLE duplexd PASSWORD '{verifier(PASSWORD, 2_000_001)}'")
        refused = self.start(database, PASSWORD)
        refused.wait_log("'iterations' is not a number from 1 to 2000000")

    def test_wrong_password(self):
        database = self.enterContext(Postgres())
        daemon = self.start(database, "mistaken")
        daemon.wait_log("password authentication failed")
        self.assertFalse([line for line in daemon.log.all() if "mistaken" in line])


class Rfb(Streams):
    def changes(self, daemon):
        return [event["data"] for event in daemon.events.all() if event.get("reply") == "changed"]

    # The handshake, whose bytes mean something else each time; the first picture, rectangles that are drawn, a bell.
    def test_screen(self):
        screen = self.enterContext(Screen())
        front = self.enterContext(Websockify(screen.port))
        daemon = self.enterContext(Daemon(cookbook.config("screen", f"localhost:{front.port}")))
        first = daemon.events.wait(lambda event: event.get("reply") == "changed")["data"]
        self.assertEqual(first["count"], 1)
        self.draw(screen, daemon)
        screen.kill()
        daemon.wait_log("next attempt in")
        known = len(self.changes(daemon))
        screen.start()
        daemon.events.wait(lambda event: event.get("reply") == "changed", known + 1)
        self.draw(screen, daemon)
        self.ends_cleanly(daemon)

    def draw(self, screen, daemon):
        bells = sum(event.get("reply") == "bell" for event in daemon.events.all())
        with Drawing(screen) as drawing:
            for number in range(5):
                known = len(self.changes(daemon))
                drawing.fill(0x0000ff << (4 * number), 3 * number, 2 * number, 10, 10)
                daemon.events.wait(lambda event: event.get("reply") == "changed", known + 1)
            drawing.ring()
            daemon.events.wait(lambda event: event.get("reply") == "bell", bells + 1)


class Shell(Streams):
    """The output of a program, cut anywhere, as a terminal in a browser gets it."""

    def test_characters_that_are_cut(self):
        shell = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        shell.settimeout(60)
        whole = "a\u00e4\u20ac\U0001f600 \u20ac"
        octal = "".join(f"\\{byte:03o}" for byte in whole.encode())
        script = f"for byte in $(printf '%s' '{octal}' | sed 's/.\\{{4\\}}/& /g'); do printf \"$byte\"; sleep 0.05; done; printf '\\342'"

        def serve():
            connection, _ = shell.accept()
            with connection:
                subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=connection.fileno(), check=True)

        serving = threading.Thread(target=serve)
        serving.start()
        self.addCleanup(serving.join)
        front = self.enterContext(Websockify(shell.getsockname()[1]))
        protocol = {"replies": [{"as": "output", "layout": [{"data": {"type": "str", "invalid": "carry"}}]}]}
        daemon = self.enterContext(Daemon(config({"url": f"ws://127.0.0.1:{front.port}/", "subprotocols": ["binary"], "protocol": protocol})))

        def texts():
            return [event["data"]["data"] for event in daemon.events.all() if event.get("reply") == "output"]

        until(lambda: "".join(texts()) == whole)
        daemon.wait_log("next attempt in")
        self.assertGreater(len(texts()), 2)  # it was cut
        self.assertEqual("".join(texts()), whole)  # what was cut for good is no character
        self.ends_cleanly(daemon)


if __name__ == "__main__":
    unittest.main()
