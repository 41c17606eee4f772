"""Servers from the distribution that the recipes of the cookbook are tried with, each the test's own and behind a WebSocket."""

import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from .nats import is_open
from .ports import free_port
from .waiting import until


class Service:
    """A program of the distribution at a port of its own. Use as a context manager; `kill` and `start` again at will."""

    def __init__(self, program, port=None):
        self.program = shutil.which(program, path="/usr/sbin:/usr/bin")
        if not self.program:
            raise unittest.SkipTest(f"there is no {program}: scripts/install e2e")
        self.place = tempfile.TemporaryDirectory(prefix="duplexd-service-", dir="/tmp")
        self.path = pathlib.Path(self.place.name)
        self.port = port or free_port()
        self.process = None

    def command(self):
        """Its name and arguments."""
        raise NotImplementedError

    def options(self):
        """More of subprocess.Popen's."""
        return {}

    def is_ready(self):
        """Whether it takes connections."""
        return is_open(self.port)

    def start(self):
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.path, **self.options())
        until(self.is_ready)

    def kill(self):
        """Ends it as the out-of-memory killer would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self.place.cleanup()


class Websockify(Service):
    """A WebSocket in front of a TCP port: its messages are what a read of the socket gave, wherever that cuts."""

    def __init__(self, target):
        super().__init__("websockify")
        self.target = target

    def command(self):
        return [f"127.0.0.1:{self.port}", f"127.0.0.1:{self.target}"]


class Redis(Service):
    """A redis-server with a password."""

    PASSWORD = "s3cret of @the-store"

    def __init__(self):
        super().__init__("redis-server")

    def command(self):
        return ["--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", self.PASSWORD, "--save", "", "--appendonly", "no"]

    def ask(self, *words):
        """What redis-cli prints of the answer."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), "-a", self.PASSWORD, "--no-auth-warning", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()


class Screen(Service):
    """A TigerVNC server without a password, and an X client that draws on it."""

    def __init__(self, width=64, height=48):
        super().__init__("Xtigervnc")
        self.size = f"{width}x{height}"
        self.display = 1000 + self.port

    def command(self):
        return [f":{self.display}", "-rfbport", str(self.port), "-localhost", "-SecurityTypes", "None", "-geometry", self.size,
                "-depth", "24", "-nolisten", "tcp", "-ac"]

    @property
    def socket(self):
        return f"/tmp/.X11-unix/X{self.display}"

    def is_ready(self):
        return pathlib.Path(self.socket).exists() and is_open(self.port)

    def kill(self):
        super().kill()
        for left in (self.socket, f"/tmp/.X{self.display}-lock"):
            pathlib.Path(left).unlink(missing_ok=True)


class Drawing:
    """A connection to an X server, with as much of the X protocol as a bell and a rectangle take."""

    def __init__(self, screen):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(screen.socket)
        self.socket.sendall(b"l\0" + (11).to_bytes(2, "little") + bytes(8))
        head = self.read(8)
        if head[0] != 1:
            raise AssertionError("the X server refuses the connection")
        setup = self.read(4 * int.from_bytes(head[6:8], "little"))
        vendor, formats = int.from_bytes(setup[16:18], "little"), setup[21]
        self.base = int.from_bytes(setup[4:8], "little")
        at = 32 + (vendor + 3) // 4 * 4 + 8 * formats
        self.root = setup[at:at + 4]
        self.context = (self.base + 1).to_bytes(4, "little")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, size):
        found = b""
        while len(found) < size:
            piece = self.socket.recv(size - len(found))
            if not piece:
                raise AssertionError("the X server has closed the connection")
            found += piece
        return found

    def fill(self, colour, x, y, width, height):
        """A rectangle on the root window; when this returns the server has drawn it."""
        def numbers(*of):
            return b"".join(each.to_bytes(2, "little") for each in of)
        self.socket.sendall(b"\x37\0" + numbers(5) + self.context + self.root + (4).to_bytes(4, "little") + colour.to_bytes(4, "little")
                            + b"\x46\0" + numbers(5) + self.root + self.context + numbers(x, y, width, height)
                            + b"\x3c\0" + numbers(2) + self.context)
        self.settle()

    def ring(self):
        self.socket.sendall(b"\x68\0" + (1).to_bytes(2, "little"))
        self.settle()

    def settle(self):
        """Until the server has done all of this: it answers in the order of the requests (GetInputFocus)."""
        self.socket.sendall(b"\x2b\0" + (1).to_bytes(2, "little"))
        self.read(32)
