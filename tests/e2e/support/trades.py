"""What the tests of outputs to a server that nobody here wrote have in common: a feed of trades and a daemon that stores them."""

import json
import pathlib
import re
import tempfile
import unittest

import yaml

from .config import config, listener
from .daemon import BINARY, ROOT, Daemon, run_to_end, write_config
from .raw_server import TEXT, RawServer, frame

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
SHORT_END = {"shutdown": {"limit": "1s"}}  # for events that nobody takes
# The sanitizer keeps freed memory for a while, on purpose.
MOST_KIB = 1_500_000 if "asan" in BINARY else 60_000


def trade(number, **more):
    return frame(TEXT, json.dumps({"op": "trade", "n": number} | more).encode())


class Trades(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-trades-")))

    def feed(self, messages):
        """Sends them on each connection."""
        def pour(connection, _):
            connection.accept()
            for first in range(0, len(messages), 100):
                connection.send(b"".join(messages[first:first + 100]))
            connection.end()

        return self.enterContext(RawServer(pour))

    def output(self, **fields):
        """The settings of the output under test; None: without that field."""
        raise NotImplementedError

    def whole(self, feed, output, **more):
        session = listener(feed.url, outputs=["store"], protocol=PROTOCOL, login=None, simulate=None, liveness=QUIET)
        return config(session, outputs={"store": {key: value for key, value in output.items() if value is not None}}, **more)

    def run_daemon(self, feed, *, top=None, **fields):
        return self.enterContext(Daemon(self.whole(feed, self.output(**fields), **(top or {}))))

    def end(self, daemon, code=0):
        daemon.signal()
        self.assertEqual(daemon.wait(), code)

    def example(self, heading, feed, page="outputs.md"):
        """The page's own configuration below a heading, which passes `check`, with another feed."""
        text = (ROOT / "docs" / page).read_text().split(f"\n## {heading}\n")[1]
        block = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
        checked = run_to_end("check", "--secrets-absent", "-c", write_config(block, self.place))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        for session in block["sessions"].values():
            session |= {"url": feed.url, "tls": listener(feed.url)["tls"]}
        return block
