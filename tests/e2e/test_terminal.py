"""`run --trace`, and events for people: on a terminal, and where they are asked for."""

import json
import os
import pty
import re
import subprocess
import tempfile
import unittest

from support.config import LOGIN, config, session
from support.daemon import BINARY, Daemon, Exit, run_to_end, write_config
from support.raw_server import BINARY as BYTES
from support.raw_server import RawServer, close_frame, frame

PRETTY = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} callcentre reply  code=2 rest=\"\"\r?$", re.M)


def serve(connection, _):
    """A reply to the login, then the client's end."""
    connection.accept()
    assert connection.read_message()[1] == LOGIN
    connection.send(frame(BYTES, b"\2\0\0\0"))
    connection.read_close()
    connection.send(close_frame(1000))


def once(url):
    """Logs in and ends after the first reply."""
    return config(session(url, script=[{"expect": "reply"}], simulate=None))


class Terminal(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(RawServer(serve))
        place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-terminal-"))
        self.path = write_config(once(self.server.url), place)

    def on_terminal(self, *arguments):
        """What it writes to stdout, which is a terminal."""
        terminal, child_side = pty.openpty()
        with subprocess.Popen([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=child_side, stderr=subprocess.DEVNULL) as process:
            os.close(child_side)
            seen = b""
            try:
                while piece := os.read(terminal, 65536):
                    seen += piece
            except OSError:  # the last one who had it open has ended
                pass
            os.close(terminal)
            self.assertEqual(process.wait(30), 0)
        return seen.decode()

    def test_pretty(self):
        done = run_to_end("run", self.path, "--once", "--pretty")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, PRETTY)
        self.assertEqual(json.loads(run_to_end("run", self.path, "--once").stdout)["data"]["code"], 2)
        self.assertRegex(self.on_terminal("run", self.path, "--once"), PRETTY)
        self.assertEqual(json.loads(self.on_terminal("run", self.path, "--once", "--json"))["data"]["code"], 2)
        self.assertEqual(run_to_end("run", self.path, "--json", "--pretty").returncode, Exit.USAGE)

    # The secret is not there, whatever the level of the log is.
    def test_trace(self):
        settings = once(self.server.url) | {"log": {"level": "error"}}
        with Daemon(settings, "--once", "--trace") as daemon:
            daemon.wait()
            log = [re.sub(r"^\S+ \S+ info +", "", line) for line in daemon.log.all()]
        self.assertIn("callcentre: * opened", log)
        self.assertIn('callcentre: > text {"role": "admin", "user_id": "***"}', log)
        self.assertIn("callcentre: < binary 02000000", log)
        self.assertTrue(any(line.startswith("callcentre: > close 1000 ") for line in log), log)
        self.assertNotIn("test1234", "".join(log))
        settings["log"]["format"] = "json"
        with Daemon(settings, "--once", "--trace") as daemon:
            daemon.wait()
            events = [json.loads(line) for line in daemon.log.all()]
        self.assertIn(("trace", "callcentre", "< binary 02000000"),
                      [(each["event"], each["session"], each["message"]) for each in events])


if __name__ == "__main__":
    unittest.main()
