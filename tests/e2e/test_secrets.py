"""No secret in the log or in a capture, whatever servers say back, and to whom."""

import base64
import json
import os
import pathlib
import tempfile
import threading
import time
import unittest
import urllib.parse

from support.config import config, listener
from support.daemon import BINARY, Daemon
from support.raw_server import TEXT, RawServer, close_frame, frame

SESSIONS = 200 if "asan" in BINARY else 1000  # more than any list of the latest would hold


def token(number):
    return f'tök"en/{number:04}+~{number * 7919 % 10000:04}'


def spellings(secret):
    """How a server may write it, and the part of that which holds nothing else."""
    raw = secret.encode()
    for whole in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1].replace("/", "\\/"),
                  urllib.parse.quote(secret), urllib.parse.quote(secret, safe="").lower(), raw.hex(), raw.hex().upper()):
        yield whole, whole
    behind_a_name, alone = base64.b64encode(b"user:" + raw).decode(), base64.urlsafe_b64encode(raw).decode()
    yield behind_a_name, behind_a_name[8:-4]
    yield alone, alone[:-4]


class Echoes(unittest.TestCase):
    # A server tells each client what it knows of it, and of the one before: in messages and in the close reason.
    def test_echoed_secrets_are_in_no_log_and_no_capture(self):
        lock, seen = threading.Lock(), []

        def echo(connection, _):
            connection.accept()
            own = json.loads(connection.read_message()[1])["token"]
            with lock:
                other = seen[-1] if seen else own
                seen.append(own)
            for secret in (own, other):
                for spelled, _ in spellings(secret):
                    connection.send(frame(TEXT, f"<{spelled}>".encode()))
            connection.send(close_frame(4001, other.encode()))
            connection.hold()

        for number in range(SESSIONS):
            os.environ[f"TOKEN_{number}"] = token(number)
            self.addCleanup(os.environ.pop, f"TOKEN_{number}")
        with tempfile.TemporaryDirectory(prefix="duplexd-secrets-") as directory, RawServer(echo, tls=False) as server:
            capture = pathlib.Path(directory) / "capture.jsonl"
            sessions = {
                f"s{number}": listener(server.url, tls=None, login={"json": {"token": f"${{env:TOKEN_{number}}}"}},
                                       reconnect={"initial": "1h", "maximum": "1h"})
                for number in range(SESSIONS)
            }
            with Daemon(config(sessions), "--record", str(capture)) as daemon:
                everybody = {token(number) for number in range(SESSIONS)}
                deadline = time.monotonic() + 120
                while set(seen) != everybody and time.monotonic() < deadline:  # one may have to try again
                    time.sleep(0.1)
                daemon.wait_log("4001", count=SESSIONS, timeout=60)
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)
                log = "\n".join(daemon.log.all())
            recorded = capture.read_text()
        self.assertEqual(server.errors, [])
        self.assertEqual(set(seen), everybody)
        self.assertGreater(recorded.count("<***"), SESSIONS * 10)
        for place, text in (("log", log), ("capture", recorded)):
            found = [part for number in range(SESSIONS) for _, part in spellings(token(number)) if part in text]
            self.assertEqual(found, [], place)


if __name__ == "__main__":
    unittest.main()
