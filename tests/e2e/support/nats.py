"""A nats-server of the test's own, and the little that a test asks of it."""

import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from .certificates import certificates
from .ports import free_port
from .waiting import until

PASSWORD = "s3cret of @the-server"


class Nats:
    """Use as a context manager. The user `duplexd` has a password, the user `reader` has another one and may do everything.

    `verify`: clients must show a certificate, too.
    """

    def __init__(self, secure=False, users="", max_payload=1_048_576, websocket=False, verify=False):
        self.program = shutil.which("nats-server", path="/usr/sbin:/usr/bin")
        if not self.program:
            raise unittest.SkipTest("there is no nats-server: scripts/install e2e")
        self.place = tempfile.TemporaryDirectory(prefix="duplexd-nats-", dir="/tmp")
        self.path = pathlib.Path(self.place.name)
        self.secure = secure
        self.port = free_port()
        self.websocket, self.monitor = (free_port(), free_port()) if websocket else (None, None)
        self.process = None
        pair = certificates().valid
        asks = f', ca_file: "{certificates().ca}", verify: true' if verify else ""
        self.tls = f'tls {{ cert_file: "{pair.certificate}", key_file: "{pair.key}"{asks} }}\n' if secure else ""
        self.max_payload = max_payload
        self.configure(users or f'{{user: duplexd, password: "{PASSWORD}"}}')

    def configure(self, users):
        websocket = ""
        if self.websocket:
            websocket = f'websocket {{ listen: "127.0.0.1:{self.websocket}", no_tls: true }}\nhttp: "127.0.0.1:{self.monitor}"\n'
        (self.path / "conf").write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: {self.max_payload}\njetstream {{ store_dir: "{self.path}/js" }}\n{self.tls}'
            f"{websocket}authorization {{ users: [{users}, {{user: reader, password: reader}}] }}\n")

    @property
    def url(self):
        return f"{'tls' if self.secure else 'nats'}://localhost:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self.place.cleanup()

    def start(self):
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen([self.program, "-c", str(self.path / "conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: b"Server is ready" in (self.path / "log").read_bytes() and is_open(self.port))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self):
        """Reads its configuration again; when it has, all clients that were there meanwhile are disconnected."""
        def times():
            return (self.path / "log").read_bytes().count(b"Reloaded server configuration")
        before = times()
        self.signal(signal.SIGHUP)
        until(lambda: times() > before)

    def signal(self, number):
        self.process.send_signal(number)

    def reader(self, **who):
        return Reader(self.port, self.secure, who or {"user": "reader", "pass": "reader"})

    def wait_subscribed(self, subject):
        """Until a client of the WebSocket has this subscription."""
        def is_there():
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/connz?subs=1", timeout=10) as answer:
                return any(subject in each.get("subscriptions_list", []) for each in json.load(answer)["connections"])
        until(is_there)

    def add_stream(self, name="feeds", **more):
        with self.reader() as reader:
            reader.ask(f"$JS.API.STREAM.CREATE.{name}", {"name": name, "subjects": [f"{name}.>"], "storage": "file"} | more)

    def add_consumer(self, stream="orders", name="duplexd", **more):
        """Durable, with explicit acknowledgement; without a `deliver_subject` it is a pull consumer."""
        with self.reader() as reader:
            reader.ask(f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": {
                "durable_name": name, "deliver_policy": "all", "ack_policy": "explicit", "ack_wait": 2_000_000_000} | more})

    def delete_consumer(self, stream="orders", name="duplexd"):
        with self.reader() as reader:
            reader.ask(f"$JS.API.CONSUMER.DELETE.{stream}.{name}", {})

    def consumer(self, stream="orders", name="duplexd"):
        """How many messages it has not delivered, and how many of those delivered are not acknowledged."""
        with self.reader() as reader:
            info = reader.ask(f"$JS.API.CONSUMER.INFO.{stream}.{name}", {})
            return info["num_pending"], info["num_ack_pending"]

    def stored(self):
        """The messages of the stream: subject and payload."""
        with self.reader() as reader:
            state = reader.ask("$JS.API.STREAM.INFO.feeds", {})["state"]
            return state["messages"], state["last_seq"]

    def read_all(self):
        """Of the stream, in its order: subject, headers, payload."""
        with self.reader() as reader:
            count = reader.ask("$JS.API.STREAM.INFO.feeds", {})["state"]["messages"]
            reader.send("SUB all 2\r\n")
            reader.ask("$JS.API.CONSUMER.CREATE.feeds", {"stream_name": "feeds", "config": {
                "deliver_subject": "all", "deliver_policy": "all", "ack_policy": "none"}})
            return [reader.next(2) for _ in range(count)]


class Reader:
    """A client of the protocol's text, enough for a test."""

    def __init__(self, port, secure, who):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        if secure:
            while not self.socket.recv(1 << 16).endswith(b"\r\n"):
                pass
            context = ssl.create_default_context(cafile=certificates().ca)
            context.load_cert_chain(certificates().valid.certificate, certificates().valid.key)
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.waiting = []
        if not secure:
            self.file.readline()
        options = {"verbose": False, "headers": True, "no_responders": True} | who
        self.inbox = f"inbox.{self.socket.getsockname()[1]}"
        self.send(f"CONNECT {json.dumps(options)}\r\nSUB {self.inbox} 1\r\nPING\r\n")
        while self.file.readline() != b"PONG\r\n":
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode())

    def subscribe(self, subject):
        self.send(f"SUB {subject} 2\r\nPING\r\n")
        while self.file.readline() != b"PONG\r\n":
            pass

    def ask(self, subject, what):
        text = json.dumps(what)
        self.send(f"PUB {subject} {self.inbox} {len(text)}\r\n{text}\r\n")
        answer = json.loads(self.next(1)[2])
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer

    def store(self, subject, text, name=""):
        """In the stream that has the subject; returns its number there, and whether it was there already."""
        head = f"NATS/1.0\r\nNats-Msg-Id: {name}\r\n\r\n" if name else "NATS/1.0\r\n\r\n"
        self.send(f"HPUB {subject} {self.inbox} {len(head)} {len(head) + len(text)}\r\n{head}{text}\r\n")
        answer = json.loads(self.next(1)[2])
        return answer["seq"], answer.get("duplicate", False)

    def next(self, sid):
        """Of that subscription the next message: subject, headers, payload."""
        for index, (of, message) in enumerate(self.waiting):
            if of == sid:
                del self.waiting[index]
                return message
        while True:
            words = self.file.readline().decode().split()
            if not words or words[0] not in ("MSG", "HMSG"):
                if words[:1] == ["PING"]:
                    self.send("PONG\r\n")
                elif not words or words[0] == "-ERR":
                    raise AssertionError(f"the server says {words}")
                continue
            body = self.file.read(int(words[-1]) + 2)[:-2]
            head = int(words[-2]) if words[0] == "HMSG" else 0
            message = (words[1], body[:head].decode(), body[head:].decode())
            if int(words[2]) == sid:
                return message
            self.waiting.append((int(words[2]), message))


def is_open(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
