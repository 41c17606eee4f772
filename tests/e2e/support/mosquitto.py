"""A mosquitto of the test's own, and what it has delivered."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from .certificates import certificates
from .ports import free_port
from .waiting import until

PASSWORD = "s3cret of @the-broker"


class Mosquitto:
    """Use as a context manager. The user `duplexd` has a password; at a port of its own everybody may read without one.

    `keeps`: what it has taken survives it; that is slow.
    """

    def __init__(self, secure=False, keeps=False, options=""):
        self.program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
        if not self.program:
            raise unittest.SkipTest("there is no mosquitto: scripts/install e2e")
        self.place = tempfile.TemporaryDirectory(prefix="duplexd-mosquitto-", dir="/tmp")
        self.path = pathlib.Path(self.place.name)
        self.secure = secure
        self.port, self.reader_port = free_port(), free_port()
        self.process = self.reader = None
        self.set_password(PASSWORD)
        pair = certificates().valid
        tls = f"cafile {certificates().ca}\ncertfile {pair.certificate}\nkeyfile {pair.key}\n" if secure else ""
        store = f"persistence true\npersistence_location {self.path}/\nautosave_interval 1\nautosave_on_changes true\n" if keeps else ""
        user = "user root\n" if os.geteuid() == 0 else ""
        (self.path / "conf").write_text(
            f"{user}log_type all\nper_listener_settings true\nmax_queued_messages 0\n{store}"
            f"listener {self.port} 127.0.0.1\npassword_file {self.path}/passwords\nallow_anonymous false\n{tls}{options}"
            f"\nlistener {self.reader_port} 127.0.0.1\nallow_anonymous true\n")

    def set_password(self, password):
        subprocess.run(["mosquitto_passwd", "-c", "-b", str(self.path / "passwords"), "duplexd", password], check=True,
                       capture_output=True)

    @property
    def url(self):
        return f"mqtts://localhost:{self.port}" if self.secure else f"mqtt://127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for process in (self.reader, self.process):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self.place.cleanup()

    def start(self):
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, "-c", str(self.path / "conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: all(is_open(port) for port in (self.port, self.reader_port)))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """In order: what it has acknowledged is on the disk. One that is killed may not have come to that."""
        self.process.terminate()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def subscribe(self, topic="#", *more):
        """From now on; the broker keeps what the reader misses while the broker lives."""
        self.out = self.path / "read"
        with open(self.out, "wb") as out:
            self.reader = subprocess.Popen(
                ["mosquitto_sub", "-p", str(self.reader_port), "-q", "1", "-t", topic, "-i", "reader", "-c", "-V", "5", "-x", "3600",
                 "-F", "%t %r %q %P %p", *more],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        until(lambda: self.has_logged("Sending SUBACK to reader"))

    def has_logged(self, text, count=1):
        return (self.path / "log").read_text().count(text) >= count

    def lines(self):
        """What was read: topic, whether it was kept, quality of service, properties and payload, apart by blanks."""
        return [line for line in self.out.read_bytes().decode().split("\n")[:-1] if line]


def is_open(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
