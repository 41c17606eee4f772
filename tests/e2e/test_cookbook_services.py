"""The recipes for a studio (obs-websocket 5) and for speech: nested digests, and gzip'd sound in a stream of chunks."""

import hashlib
import os
import pathlib
import tempfile
import unittest

from support import cookbook
from support.cookbook import Server
from support.daemon import Daemon


class Recipe(unittest.TestCase):
    def ends_cleanly(self, server, daemon):
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        self.assertEqual(server.wait("close")["code"], 1000)
        self.assertEqual([line for line in daemon.log.all() if "no layout fits" in line], [])


class Studio(Recipe):
    def work(self, server, daemon, events):
        server.wait("open", subprotocol="obswebsocket.json")
        server.wait("identify", right=True, subscriptions=33)
        server.wait("request", kind="GetVersion")
        server.wait("request", kind="SetCurrentProgramScene", data={"sceneName": "Live"})
        event = daemon.events.wait(lambda event: event.get("reply") == "event", events)
        self.assertEqual(event["data"]["d"]["eventData"], {"sceneName": "Live"})

    def test_studio(self):
        first = self.enterContext(Server("studio"))
        daemon = self.enterContext(Daemon(cookbook.config("studio", first.address)))
        self.work(first, daemon, 1)
        first.kill()
        daemon.wait_log("next attempt in")
        second = self.enterContext(Server("studio", first.port))
        self.work(second, daemon, 2)
        self.ends_cleanly(second, daemon)

    # The server closes with 4009: that ends the session at once, and the password is in no log.
    def test_wrong_password(self):
        with Server("studio") as server:
            text = cookbook.config("studio", server.address).replace("env:OBS_PASSWORD +", "'mistaken' +")
            with Daemon(text) as daemon:
                self.assertEqual(daemon.wait(), 64, daemon.log.all())
            self.assertEqual([line["right"] for line in server.seen.all() if line["what"] == "identify"], [False])


class Speech(Recipe):
    def setUp(self):
        place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-sound-"))
        self.sound = os.urandom(10_000)
        path = pathlib.Path(place) / "speech.pcm"
        path.write_bytes(self.sound)
        os.environ["SOUND"] = str(path)

    def heard(self, server):
        server.wait("open", authorization=True)
        server.wait("start", audio={"format": "raw", "rate": 16000, "bits": 16, "channel": 1})
        self.assertEqual(server.wait("heard")["digest"], hashlib.sha256(self.sound).hexdigest())
        chunks = [(line["size"], line["last"]) for line in server.seen.all() if line["what"] == "sound"]
        self.assertEqual(chunks, [(3200, False)] * 3 + [(400, True)])

    def test_speech(self):
        first = self.enterContext(Server("speech"))
        daemon = self.enterContext(Daemon(cookbook.config("speech", first.address)))
        self.heard(first)
        answers = daemon.events.wait(lambda event: event.get("reply") == "answer", 5)
        self.assertEqual(answers["data"]["data"], {"code": 1000, "sequence": -5, "text": "5 words"})
        first.kill()
        daemon.wait_log("next attempt in")
        second = self.enterContext(Server("speech", first.port))
        self.heard(second)
        daemon.events.wait(lambda event: event.get("reply") == "answer", 10)
        self.ends_cleanly(second, daemon)

    def test_refused(self):
        with Server("speech") as server:
            text = cookbook.config("speech", server.address).replace("rate: 16000", "rate: 8000")
            with Daemon(text) as daemon:
                daemon.wait_log("the server refused: the rate is not supported")


if __name__ == "__main__":
    unittest.main()
