"""Events over TCP and UDP, and on stderr: peers that are slow, die and return."""

import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

import yaml

from support.certificates import certificates
from support.config import config, listener
from support.daemon import ROOT, Daemon, Exit, run_to_end, write_config
from support.ports import free_port
from support.raw_server import TEXT, RawServer, close_frame, frame
from support.waiting import until

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def trade(number, **more):
    return frame(TEXT, json.dumps({"op": "trade", "n": number} | more).encode())


class Peer:
    """A TCP server of one thread that keeps whole lines. `serve(stream, count)` reads the count-th connection its own way.
    With a context `tls` it is Python's own TLS server."""

    def __init__(self, serve=None, port=None, tls=None):
        self.tls = tls
        self.lines = []
        self.connections = 0
        self.serve = serve or self.take
        self.listener = socket.create_server(("127.0.0.1", port or free_port()))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def run(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            with stream:
                self.connections += 1
                try:
                    if self.tls:
                        stream = self.tls.wrap_socket(stream, server_side=True)
                    self.serve(stream, self.connections)
                except ssl.SSLError:
                    pass  # who was refused is told so
                finally:
                    stream.close()

    def take(self, stream, _, most=None):
        """Reads to the end, or until there are so many lines."""
        for line in stream.makefile("rb"):
            if line.endswith(b"\n"):
                self.lines.append(line)
            if most is not None and len(self.lines) >= most:
                return

    def numbers(self):
        return [json.loads(line)["n"] for line in list(self.lines)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Sockets(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-sockets-")))

    def pouring(self, messages, ends=False):
        def serve(connection, _):
            connection.accept()
            for first in range(0, len(messages), 100):
                connection.send(b"".join(messages[first:first + 100]))
            if ends:
                connection.send(close_frame())
                connection.read_close()
            else:
                connection.end()

        return self.enterContext(RawServer(serve))

    def configuration(self, messages, outputs, ends=False, **more):
        server = self.pouring(messages, ends)
        own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET, "outputs": list(outputs)}
        return config(listener(server.url, **own), outputs=outputs, **more)

    def start(self, messages, output, **more):
        return self.enterContext(Daemon(self.configuration(messages, {"o": output}, **more)))


class Pages(Sockets):
    # The page's own configuration, with other addresses.
    def test_example(self):
        text = (ROOT / "docs" / "outputs.md").read_text()
        [block] = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "type: tcp" in block]
        block = yaml.safe_load(block)
        server = self.pouring([trade(n) for n in range(10)])
        peer = self.enterContext(Peer())
        block["outputs"]["pipeline"]["address"] = peer.address
        block["sessions"]["feed"] |= {"url": server.url, "tls": {"ca_file": certificates().ca}}
        checked = run_to_end("check", "-c", write_config(block, self.place))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.enterContext(Daemon(block))
        until(lambda: peer.numbers() == list(range(10)))


class Tcp(Sockets):
    def test_order(self):
        peer = self.enterContext(Peer())
        daemon = self.start([trade(n) for n in range(20000)],
                            {"type": "tcp", "address": peer.address, "format": "ndjson"})
        until(lambda: len(peer.lines) == 20000)
        self.assertEqual(peer.numbers(), list(range(20000)))
        self.assertEqual(peer.connections, 1)
        daemon.signal()
        self.assertEqual(daemon.wait(), Exit.SUCCESS)

    # Each connection is reset in the middle of the stream: what was not acknowledged comes again, whole, and nothing is left
    # out. The daemon stands still meanwhile, so that the peer reads all that its system has acknowledged: that is the
    # peer's to lose.
    def test_resets(self):
        started = []

        def serve(stream, count):
            if count > 3:
                return peer.take(stream, count)
            daemon = until(lambda: started)[0]
            whole = b""
            while len(whole) < 300_000:
                whole += stream.recv(65536)
            daemon.signal(signal.SIGSTOP)
            stream.settimeout(0.3)
            try:
                while rest := stream.recv(1 << 20):
                    whole += rest
            except TimeoutError:
                pass
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
            peer.lines += whole[:whole.rindex(b"\n") + 1].splitlines(keepends=True)
            return daemon.signal(signal.SIGCONT)

        peer = self.enterContext(Peer(serve))
        peer.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # else it may take all before the first reset
        started.append(self.start([trade(n, pad="x" * 200) for n in range(20000)],
                                  {"type": "tcp", "address": peer.address, "format": "ndjson"}))
        until(lambda: peer.lines and json.loads(peer.lines[-1])["n"] == 19999)
        numbers = peer.numbers()
        self.assertEqual(sorted(set(numbers)), list(range(20000)))
        self.assertLessEqual(sum(later <= earlier for earlier, later in zip(numbers, numbers[1:])), 3)
        started[0].wait_log(r"output o failed: .*; events wait, next attempt in")
        started[0].wait_log("output o works again")

    def test_server_that_comes_later(self):
        with Peer() as gone:
            port = gone.port
        daemon = self.start([trade(n) for n in range(100)], {"type": "tcp", "address": f"localhost:{port}", "format": "ndjson"})
        daemon.wait_log(rf"output o failed: connection refused by .*:{port}.*next attempt in", count=2)
        peer = self.enterContext(Peer(port=port))
        until(lambda: peer.numbers() == list(range(100)))
        daemon.wait_log("output o works again")

    # It stops in the middle and does not read for longer than the limit: the connection is given up, and the next one gets the rest.
    def test_peer_that_hangs(self):
        hangs = threading.Event()
        self.addCleanup(hangs.set)

        def serve(stream, count):
            if count == 1:
                hangs.wait(60)
            else:
                peer.take(stream, count)

        peer = self.enterContext(Peer(serve))
        daemon = self.start([trade(n, pad="x" * 1000) for n in range(20000)],
                            {"type": "tcp", "address": peer.address, "format": "ndjson", "timeout": "300ms", "queue": "64KiB"})
        daemon.wait_log("output o failed: .* did not take what was sent within 300ms; events wait")
        hangs.set()
        until(lambda: peer.lines and json.loads(peer.lines[-1])["n"] == 19999)
        numbers = peer.numbers()  # what was sent again is there twice
        self.assertEqual(sorted(set(numbers)), list(range(numbers[0], 20000)))

    # OpenSSL's own server; a certificate that is not trusted is told.
    def test_tls(self):
        taken = self.place / "taken"
        port = free_port()
        pair = certificates().valid
        with taken.open("wb") as out:
            server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pair.certificate,
                                       "-key", pair.key, "-quiet"],
                                      stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        settings = {"type": "tcp", "address": f"localhost:{port}", "tls": True, "format": "ndjson"}
        with Daemon(self.configuration([trade(1)], {"o": settings})) as distrusting:
            distrusting.wait_log("output o failed: TLS: .*certificate")
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = certificates().ca
        self.addCleanup(lambda: os.environ.pop("SSL_CERT_FILE") if before is None else os.environ.update(SSL_CERT_FILE=before))
        self.start([trade(n) for n in range(1000)], settings)
        until(lambda: [json.loads(line)["n"] for line in taken.read_bytes().split(b"\n")[:-1]] == list(range(1000)))

    # A server that asks for the client's certificate: nothing counts as written that it refused to read.
    def test_certificates(self):
        made = certificates()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(made.valid.certificate, made.valid.key)
        tls.load_verify_locations(made.ca)
        tls.verify_mode = ssl.CERT_REQUIRED
        own = {"cert_file": made.valid.certificate, "key_file": made.valid.key}
        stranger = {"cert_file": made.self_signed.certificate, "key_file": made.self_signed.key}
        for name, version in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
            tls.minimum_version = tls.maximum_version = version
            for files, why in (({}, "TLS: .*not trusted here.*give the authority's certificate as ca_file"),
                               ({"ca_file": made.ca}, r"TLS: .*give one as cert_file\)"),
                               ({"ca_file": made.ca} | stranger, "TLS: the peer refused TLS with the alert .*"),
                               ({"ca_file": "/nowhere"}, "TLS: .*/nowhere.*"),
                               ({"ca_file": made.ca} | own | {"key_file": "/nowhere"}, "TLS: .*/nowhere.*")):
                with self.subTest(version=name, files=files), Peer(tls=tls) as peer:
                    settings = {"type": "tcp", "address": f"localhost:{peer.port}", "tls": True, "format": "ndjson"}
                    daemon = self.start([trade(n) for n in range(10)], settings | files)
                    daemon.wait_log(f"output o failed: {why}; events wait, next attempt in", count=2)
                    self.assertEqual(peer.lines, [])
                    daemon.process.kill()
            with self.subTest(version=name), Peer(tls=tls) as peer:
                settings = {"type": "tcp", "address": f"localhost:{peer.port}", "tls": True, "format": "ndjson"}
                daemon = self.start([trade(n) for n in range(10)], settings | {"ca_file": made.ca} | own)
                until(lambda peer=peer: peer.numbers() == list(range(10)))
                self.assertFalse(any("output o failed" in line for line in daemon.log.all()))

    # Those that were refused come when the server has changed its mind.
    def test_nothing_is_lost_by_a_refusal(self):
        made = certificates()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(made.valid.certificate, made.valid.key)
        tls.load_verify_locations(made.ca)
        tls.verify_mode = ssl.CERT_REQUIRED
        peer = self.enterContext(Peer(tls=tls))
        daemon = self.start([trade(n) for n in range(1000)],
                            {"type": "tcp", "address": f"localhost:{peer.port}", "tls": True, "format": "ndjson",
                             "ca_file": made.ca})
        daemon.wait_log("output o failed: TLS: .*give one as cert_file", count=2)
        tls.verify_mode = ssl.CERT_NONE
        until(lambda: len(peer.lines) >= 1000)
        self.assertEqual(peer.numbers(), list(range(1000)))
        daemon.wait_log("output o works again")

    def test_end_without_a_server(self):
        with Peer() as gone:
            address = gone.address
        daemon = self.start([trade(n) for n in range(10)], {"type": "tcp", "address": address},
                            shutdown={"limit": "500ms"})
        daemon.wait_log("output o failed: connection refused")
        daemon.signal()
        self.assertEqual(daemon.wait(), Exit.INTERRUPTED)
        daemon.wait_log("output o failed: connection refused.*; events are lost")


class Udp(Sockets):
    def reader(self):
        reader = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        reader.bind(("127.0.0.1", 0))
        reader.settimeout(20)
        return reader

    # One event, one datagram; what does not fit into one is counted, and what follows comes.
    def test_datagrams(self):
        reader = self.reader()
        port = reader.getsockname()[1]
        messages = [trade(0), trade(1, pad="x" * 65507), trade(2), trade(3, pad="é" * 10)]
        daemon = self.start(messages, {"type": "udp", "address": f"localhost:{port}", "format": "ndjson"})
        got = [json.loads(reader.recv(1 << 16)) for _ in range(3)]
        self.assertEqual([each["n"] for each in got], [0, 2, 3])
        self.assertEqual(got[2]["pad"], "é" * 10)
        daemon.wait_log(rf"output o: localhost:{port}: 65\d\d\d bytes are too large for a datagram; 1 event\(s\) are lost, 1 so far")

    def test_nobody_there(self):
        reader = self.reader()
        port = reader.getsockname()[1]
        reader.close()
        daemon = self.start([trade(n) for n in range(1000)], {"type": "udp", "address": f"127.0.0.1:{port}"})
        daemon.wait_log(rf"output o: 127.0.0.1:{port}: nobody listens there, its system says; \d+ event\(s\) are lost")
        daemon.signal()
        self.assertEqual(daemon.wait(), Exit.SUCCESS)

    def test_name_that_does_not_exist(self):
        daemon = self.start([trade(1)], {"type": "udp", "address": "nobody.invalid:9"})
        daemon.wait_log(r"output o failed: nobody.invalid:9: .*; events wait, next attempt in", count=2)


class Stderr(Sockets):
    # Events stand among the lines of the log, and stdout may have others.
    def test_beside_stdout(self):
        outputs = {"e": {"type": "stderr", "format": "ndjson"}}
        configuration = self.configuration([trade(n) for n in range(1000)], outputs)
        [session] = configuration["sessions"].values()
        session["outputs"] = ["e", "stdout"]
        daemon = self.enterContext(Daemon(configuration))
        daemon.wait_reply(1000)
        until(lambda: sum(line.startswith("{") for line in daemon.log.all()) == 1000)
        self.assertEqual([json.loads(line)["n"] for line in daemon.log.all() if line.startswith("{")], list(range(1000)))
        self.assertTrue(any("connected" in line for line in daemon.log.all()))

    def test_reader_gone(self):
        path = write_config(self.configuration([trade(n) for n in range(10)], {"e": {"type": "stderr"}}), self.place)
        read, write = os.pipe()
        process = subprocess.Popen([os.environ["DUPLEXD"], "run", "-c", path], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=write)
        os.close(write)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with os.fdopen(read, "rb") as end:
            self.assertTrue(any(line.startswith(b"{") for line in end))
        self.assertEqual(process.wait(20), Exit.OUTPUT_CLOSED)


if __name__ == "__main__":
    unittest.main()
