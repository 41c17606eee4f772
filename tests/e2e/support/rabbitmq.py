"""A RabbitMQ with its STOMP plugin, over WebSocket and plainly, and as much of a STOMP client as a test needs."""

import os
import signal
import socket
import subprocess

from .nats import is_open
from .ports import free_port
from .services import Service
from .waiting import until

PASSWORD = "s3cret of @the-exchange"


class RabbitMQ(Service):
    """Use as a context manager. The user `duplexd` has a password. What is in durable queues survives `kill`."""

    def __init__(self):
        super().__init__("rabbitmq-server")
        self.websocket, self.epmd, self.distribution = free_port(), free_port(), free_port()
        (self.path / "rabbit.conf").write_text(
            f"listeners.tcp = none\nstomp.listeners.tcp.1 = 127.0.0.1:{self.port}\nweb_stomp.tcp.ip = 127.0.0.1\n"
            f"web_stomp.tcp.port = {self.websocket}\ndefault_user = duplexd\ndefault_pass = {PASSWORD}\n")
        (self.path / "plugins").write_text("[rabbitmq_web_stomp].\n")
        self.environment = os.environ | {
            "HOME": str(self.path), "RABBITMQ_NODENAME": "duplexd@localhost", "RABBITMQ_MNESIA_BASE": str(self.path / "data"),
            "RABBITMQ_LOGS": "-", "RABBITMQ_CONFIG_FILE": str(self.path / "rabbit.conf"), "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.path / "plugins"), "RABBITMQ_CONF_ENV_FILE": str(self.path / "none"),
            "ERL_EPMD_PORT": str(self.epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_RELAXED_COMMAND_CHECK": "1"}

    def start(self):
        # Debian's own wrapper changes the user; this one is behind it.
        self.program = "/usr/lib/rabbitmq/bin/rabbitmq-server"
        super().start()

    def command(self):
        return []

    def options(self):
        return {"env": self.environment, "start_new_session": True}

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError((self.path / "log").read_text()[-3000:])
        return is_open(self.port) and is_open(self.websocket)

    def epmd_command(self, *arguments):
        done = subprocess.run(["epmd", "-port", str(self.epmd), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        return done.stdout

    def kill(self):
        """When this returns the virtual machine, which is no child of ours, has ended, too: a new one gets its name and its ports."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: "name duplexd " not in self.epmd_command("-names")
              and not any(map(is_open, (self.port, self.websocket, self.distribution))))

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.epmd_command("-kill")
        self.place.cleanup()


class Stomp:
    """A plain client: sends with receipts, and reads what comes."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.send("CONNECT", {"accept-version": "1.2", "host": "/", "login": "duplexd", "passcode": PASSWORD})
        self.expect("CONNECTED")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, verb, headers, body=""):
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        self.socket.sendall(f"{verb}\n{lines}\n{body}\0".encode())

    def next(self):
        """The next frame: its verb, headers and body."""
        line = b"\n"
        while line == b"\n":
            line = self.file.readline()
        headers = {}
        while (each := self.file.readline().decode().rstrip("\n")):
            name, _, value = each.partition(":")
            headers[name] = value
        body = self.file.read(int(headers["content-length"])) if "content-length" in headers else b""
        while (byte := self.file.read(1)) not in (b"\0", b""):
            body += byte
        return line.decode().strip(), headers, body.decode()

    def expect(self, verb):
        found = self.next()
        if found[0] != verb:
            raise AssertionError(f"expected {verb}, found {found}")
        return found

    def publish(self, queue, bodies, **headers):
        """When this returns the broker has them all."""
        for body in bodies:
            self.send("SEND", {"destination": f"/queue/{queue}", "persistent": "true", "receipt": "sent"} | headers, body)
            self.expect("RECEIPT")
