"""Servers and clients written with real WebSocket libraries, each in a process of its own (see peers/)."""

import json
import pathlib
import signal
import subprocess

from .certificates import certificates
from .lines import Lines
from .ports import free_port

PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"
COMMANDS = {
    "ws": {"server": ["node", PEERS / "ws_server.mjs"], "client": ["node", PEERS / "ws_client.mjs"]},
    "websockets": {
        "server": ["/usr/bin/python3", PEERS / "websockets_server.py"],
        "client": ["/usr/bin/python3", PEERS / "websockets_client.py"],
    },
}
LIBRARIES = tuple(COMMANDS)


class Reporter:
    """A server that reports everything it sees as JSON lines, the first of them `ready`."""

    def __init__(self, command):
        self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.seen = Lines(self.process.stdout, json.loads)
        self.port = self.wait("ready")["port"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.seen.join()

    def kill(self):
        """Ends it as the out-of-memory killer would."""
        self.process.kill()
        self.process.wait()

    def wait(self, what, count=1, timeout=10, **fields):
        """The `count`-th report of that kind with those fields."""
        return self.seen.wait(
            lambda line: line["what"] == what and all(line.get(key) == value for key, value in fields.items()),
            count, timeout, f"the server to report {what} {fields}")


class Server(Reporter):
    """A server over TLS; what it does is described in peers/README.md."""

    def __init__(self, library, port=None):
        pair = certificates().valid
        super().__init__([*COMMANDS[library]["server"], port or free_port(), pair.certificate, pair.key])
        self.url = f"wss://localhost:{self.port}/"

    def messages(self):
        """Every message so far as (kind, bytes, time in seconds)."""
        return [(line["kind"], bytes.fromhex(line["hex"]), line["time"])
                for line in self.seen.all() if line["what"] == "message"]


def run_client(library, url, ca, messages, replies):
    """Connects, sends `messages` (text or bytes), waits for so many replies, closes; returns what came, in order.

    The result is a list of (kind, bytes) and ends with ("close", code).
    """
    script = [{"text": m} if isinstance(m, str) else {"hex": m.hex()} for m in messages]
    command = [*map(str, COMMANDS[library]["client"]), url, ca, json.dumps(script), str(replies)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise AssertionError(f"the {library} client failed: {done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [("close", line["code"]) if line["what"] == "close" else (line["kind"], bytes.fromhex(line["hex"]))
            for line in lines]
