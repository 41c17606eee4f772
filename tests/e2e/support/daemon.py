"""duplexd as a child process, with its events and its log."""

import enum
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import yaml

from .lines import Lines

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("DUPLEXD", str(ROOT / "build" / "release" / "duplexd"))

# The tests may run under nohup(1), which children would inherit.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Exit(enum.IntEnum):
    """The exit codes of README.md, but for those of probe."""

    SUCCESS = 0
    CASE_FAILED = 1
    USAGE = 64
    DATA = 65
    NO_DAEMON = 66
    FATAL_FAULT = 69
    INTERNAL = 70
    REFUSED = 73
    OUTPUT_CLOSED = 74
    INTERRUPTED = 75
    DIFFERS = 76
    LOGIN_REJECTED = 77
    CONFIG = 78


def write_config(config, directory, name="session.yaml"):
    """Writes a configuration (a text, or a value that becomes YAML) and returns its path."""
    text = config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)
    path = pathlib.Path(directory) / name
    path.write_text(text)
    return str(path)


def run_to_end(*arguments, timeout=30, **options):
    """Runs `duplexd ARGUMENTS…` to its end."""
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False, **options)


class Daemon:
    """`duplexd run` under the test's eyes, after `prefix`. Use as a context manager: it never outlives the test."""

    def __init__(self, config, *options, read_stdout=True, prefix=()):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-e2e-")
        is_there = isinstance(config, pathlib.Path)
        self.path = str(config) if is_there else write_config(config, self._dir.name)
        self.process = subprocess.Popen([*prefix, BINARY, "run", "-c", self.path, *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        self.events = Lines(self.process.stdout, json.loads) if read_stdout else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.join()
        if self.events:
            self.events.join()
        else:
            self.process.stdout.close()
        self._dir.cleanup()

    def rewrite(self, config):
        """Puts another configuration into the file, as a whole."""
        os.replace(write_config(config, self._dir.name, "next.yaml"), self.path)

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=20):
        """The exit code; everything that was written has been read by then."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("duplexd did not end; its log:\n  " + "\n  ".join(self.log.all())) from None
        self.log.join()
        if self.events:
            self.events.join()
        return code

    def wait_log(self, pattern, count=1, timeout=10):
        """The `count`-th log line that the regular expression (any case) finds."""
        expression = re.compile(pattern, re.IGNORECASE)
        return self.log.wait(expression.search, count, timeout, f"the log line /{pattern}/")

    def wait_reply(self, count=1, timeout=10, session=None):
        """The `count`-th event that is a reply (of that session)."""
        return self.events.wait(
            lambda event: event["event"] == "reply" and session in (None, event["session"]), count, timeout, "a reply")

    def replies(self):
        """The data of every reply so far, in order."""
        return [event["data"] for event in self.events.all() if event["event"] == "reply"]

    def resident_kib(self):
        """Resident memory in KiB."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))

    def descriptors(self):
        """How many file descriptors are open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))
