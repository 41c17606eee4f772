"""Everything that can go wrong outside: each is one log line with phase, cause and next attempt, and then life goes on."""

import os
import signal
import socket
import ssl
import subprocess
import time
import unittest

from support import peers
from support.certificates import certificates
from support.config import LOGIN, config, listener, reply
from support.daemon import Daemon
from support.ports import free_port
from support.raw_server import BINARY, TEXT, RawServer, accept_of, close_frame, frame

AGAIN = r".*next attempt (in [0-9.]+ m?s|at once)"
SHORT = {"resolve": "500ms", "connect": "500ms", "tls": "500ms", "handshake": "500ms", "close": "500ms"}


def welcome(connection):
    """What a healthy server does: takes the login, sends a reply, stays."""
    connection.accept()
    opcode, data = connection.read_message()
    assert (opcode, data) == (TEXT, LOGIN), data
    connection.send(frame(BINARY, reply(42)))
    connection.hold()


def once(misbehave):
    """A handler whose first connection goes wrong; the next ones are healthy."""
    return lambda connection, number: misbehave(connection) if number == 1 else welcome(connection)


def after_login(misbehave):
    def handler(connection):
        connection.accept()
        connection.read_message()
        misbehave(connection)
    return once(handler)


class GoesOn(unittest.TestCase):
    """Each case: the first connection goes wrong, the log says how, the second one is served."""

    def goes_on(self, handler, line, url=None, **overrides):
        with RawServer(handler) as server:
            settings = {"timeouts": SHORT, **overrides}
            with Daemon(config(listener(url or server.url, **settings))) as daemon:
                daemon.wait_log("callcentre: " + line + AGAIN)
                self.assertEqual(daemon.wait_reply()["data"]["code"], 42)
                self.assertIsNone(daemon.process.poll())
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)
            self.assertEqual(server.errors, [])
            return daemon.log.all()

    # An HTTP error instead of 101 shows its status and the first bytes of the body.
    def test_http_503(self):
        self.goes_on(once(lambda c: c.refuse(b"503 Service Unavailable", b"closed for lunch")),
                     "http: .*503.*closed for lunch")

    # 403 counts as a refused login, and still is not a reason to give up unless configured.
    def test_http_403(self):
        self.goes_on(once(lambda c: c.refuse(b"403 Forbidden", b"no such agent")),
                     "login_rejected: .*403.*no such agent")

    # A long body must neither fill the log nor hold anything up; its beginning is shown, unless its length is beyond reason.
    def test_http_error_with_long_body(self):
        for length, shown in ((5_000_000, ".*xxx"), (99_999_999_999, "")):
            def flood(connection, length=length):
                connection.read_request()
                connection.send(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n" % length)
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    connection.send(b"x" * 65536)
            with self.subTest(length):
                log = self.goes_on(once(flood), "http: .*500" + shown)
                self.assertLess(max(map(len, log)), 1000)

    # The alerts of TLS 1.3 and 1.2 differ, and only the former has a word for it.
    def test_client_certificate_required(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            def demand(context, version=version):
                context.minimum_version = context.maximum_version = version
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(certificates().ca)
            with self.subTest(version), RawServer(welcome, prepare=demand) as server, \
                    Daemon(config(listener(server.url, timeouts=SHORT))) as daemon:
                daemon.wait_log("callcentre: tls: TLS: the peer refused TLS with the alert '.*' .the server asked for a client "
                                "certificate: give one as cert_file" + AGAIN)

    # The server of openssl(1): what it says after our refusal must not pass for its own complaint.
    def test_renegotiation_is_refused(self):
        port = free_port()
        pair = certificates().valid
        command = ["openssl", "s_server", "-accept", str(port), "-cert", pair.certificate, "-key", pair.key, "-tls1_2"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              bufsize=0) as server:
            try:
                with Daemon(config(listener(f"wss://localhost:{port}/"))) as daemon:
                    seen = b""
                    while b"\r\n\r\n" not in seen.partition(b"GET / HTTP/1.1")[2]:
                        seen += server.stdout.read(1)
                    key = seen.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
                    server.stdin.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                       b"Sec-WebSocket-Accept: " + accept_of(key) + b"\r\n\r\n")
                    daemon.wait_log("callcentre: connected")
                    server.stdin.write(b"r\n")
                    daemon.wait_log("callcentre: lost: TLS: the server wanted to renegotiate, which is refused here, and then "
                                    "gave up .*" + AGAIN)
            finally:
                server.kill()

    # TCP and TLS are fine, but the upgrade is never answered.
    def test_handshake_never_answers(self):
        self.goes_on(once(lambda c: c.hold(5)), "http: .*(time|answer)")

    # The upgrade's answer is not HTTP at all.
    def test_handshake_answers_nonsense(self):
        self.goes_on(once(lambda c: (c.read_request(), c.send(b"220 mail.example ESMTP\r\n\r\n"))), "http: ")

    # The server hangs up in the middle of the upgrade's answer.
    def test_handshake_breaks_off(self):
        self.goes_on(once(lambda c: (c.read_request(), c.send(b"HTTP/1.1 101 Swi"))), "(http|lost): ")

    # 101, but with a key that belongs to somebody else.
    def test_handshake_with_wrong_accept_key(self):
        def wrong(connection):
            connection.read_request()
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
            connection.hold(2)
        self.goes_on(once(wrong), "(http|protocol_error): ")

    # A message over limits.message.
    def test_oversize_message(self):
        self.goes_on(after_login(lambda c: (c.send(frame(BINARY, bytes(5000))), c.hold(2))),
                     r"protocol_error: .*(limit|large|big|size|4096)", limits={"message": 4096})

    # The limit also holds for a message in many fragments, and for a length that is only announced.
    def test_oversize_in_fragments(self):
        def fragments(connection):
            connection.send(frame(BINARY, bytes(2000), fin=False))
            connection.send(frame(0, bytes(2000), fin=False))
            connection.send(frame(0, bytes(2000)))
            connection.hold(2)
        self.goes_on(after_login(fragments), "protocol_error: ", limits={"message": 4096})

    def test_oversize_announced(self):
        header = bytes([0x82, 127]) + (1 << 62).to_bytes(8, "big")
        self.goes_on(after_login(lambda c: (c.send(header), c.hold(2))), "protocol_error: ", limits={"message": 4096})

    # A text message whose bytes are not UTF-8.
    def test_invalid_utf8(self):
        self.goes_on(after_login(lambda c: (c.send(frame(TEXT, b"\xc3\x28")), c.hold(2))), "protocol_error: .*utf-?8")

    # An opcode that RFC 6455 keeps for later.
    def test_reserved_opcode(self):
        self.goes_on(after_login(lambda c: (c.send(frame(0x3, b"x")), c.hold(2))), "protocol_error: .*opcode")

    # A reserved bit without an extension that gives it a meaning.
    def test_reserved_bit(self):
        self.goes_on(after_login(lambda c: (c.send(bytes([0x82 | 0x40, 0])), c.hold(2))), "protocol_error: ")

    # A server's frames are never masked.
    def test_masked_frame(self):
        self.goes_on(after_login(lambda c: (c.send(bytes([0x82, 0x80, 1, 2, 3, 4])), c.hold(2))), "protocol_error: ")

    # A frame that breaks off in the middle.
    def test_truncated_frame(self):
        self.goes_on(after_login(lambda c: c.send(frame(BINARY, bytes(100))[:50])), "lost: ")

    # A connection reset.
    def test_reset(self):
        self.goes_on(after_login(lambda c: c.abort()), "lost: ")

    # The server says goodbye in order, with a code.
    def test_server_closes(self):
        self.goes_on(after_login(lambda c: (c.send(close_frame(1012, b"restart")), c.hold(2))), "closed: .*1012.*restart")

    # The server's kernel is there, but nobody answers: no ping is answered, nothing comes.
    def test_silence(self):
        self.goes_on(after_login(lambda c: c.hold(5)), "liveness: ",
                     liveness={"ping_interval": "200ms", "idle_timeout": "1s"})


class Unreachable(unittest.TestCase):
    # Nobody listens on the port; then somebody does.
    def test_refused(self):
        port = free_port()
        with Daemon(config(listener(f"wss://localhost:{port}/"))) as daemon:
            daemon.wait_log("connect: .*refused" + AGAIN, count=3)
            with RawServer(lambda c, _: welcome(c), port=port):
                daemon.wait_reply()

    # A name that does not exist (RFC 6761 keeps .invalid free for that).
    def test_dns_failure(self):
        settings = listener("wss://no-such-host.invalid/", timeouts=SHORT)
        with Daemon(config(settings)) as daemon:
            daemon.wait_log("resolve: .*no-such-host.invalid" + AGAIN, count=2)
            self.assertIsNone(daemon.process.poll())

    # The machine is there but never completes TCP: its accept queue is full and the kernel drops the SYN.
    def test_connect_never_completes(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            address = full.getsockname()
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            time.sleep(0.2)
            with Daemon(config(listener(f"wss://127.0.0.1:{address[1]}/", timeouts=SHORT))) as daemon:
                daemon.wait_log("connect: .*no answer.*500ms" + AGAIN, count=2)
            for filler in fillers:
                filler.close()

    # TCP is accepted, and then TLS never answers.
    def test_tls_never_answers(self):
        with RawServer(lambda c, _: c.hold(), handshake=False) as server:
            with Daemon(config(listener(server.url, timeouts=SHORT))) as daemon:
                daemon.wait_log("tls: .*did not answer" + AGAIN, count=2)

    # The port speaks something that is not TLS.
    def test_no_tls(self):
        with RawServer(lambda c, _: (c.send(b"SSH-2.0-OpenSSH_9.2\r\n"), c.hold(1)), handshake=False) as server:
            with Daemon(config(listener(server.url, timeouts=SHORT))) as daemon:
                daemon.wait_log("tls: " + AGAIN, count=2)


class BadCertificates(unittest.TestCase):
    """Never does a byte of the session reach a server that could not prove who it is."""

    def refuses(self, pair, cause, ca=None, url=None):
        reached = []
        with RawServer(lambda c, _: reached.append(c.read_request()), pair=pair) as server:
            settings = listener(url.format(server.port) if url else server.url, tls={"ca_file": ca or certificates().ca})
            with Daemon(config(settings)) as daemon:
                daemon.wait_log("tls: .*" + cause + AGAIN, count=2)
                self.assertIsNone(daemon.process.poll())
        self.assertEqual(reached, [])

    def test_expired(self):
        self.refuses(certificates().expired, "expired")

    def test_self_signed(self):
        self.refuses(certificates().self_signed, "self.signed")

    def test_wrong_host(self):
        self.refuses(certificates().wrong_host, "(localhost|host ?name)")

    # Signed properly, but by a CA that we were not given: the system's store does not know it either.
    def test_unknown_ca(self):
        self.refuses(certificates().valid, "certificate", ca=certificates().self_signed.certificate)

    # An address in the URL is checked against the certificate's addresses.
    def test_address_not_in_certificate(self):
        self.refuses(certificates().expired, "(expired|127.0.0.1)", url="wss://127.0.0.1:{}/")

    def test_address_in_certificate(self):
        with RawServer(lambda c, _: welcome(c)) as server:
            with Daemon(config(listener(f"wss://127.0.0.1:{server.port}/"))) as daemon:
                daemon.wait_reply()

    # TLS 1.1 and older are not spoken.
    def test_old_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(certificates().valid.certificate, certificates().valid.key)
        with RawServer(lambda c, _: None) as server:
            server._context = context  # pylint: disable=protected-access
            with Daemon(config(listener(server.url))) as daemon:
                daemon.wait_log("tls: .*(version|protocol)" + AGAIN, count=2)


class Vanished(unittest.TestCase):
    # A server stopped in its tracks: TCP goes on acknowledging, so only the missing pongs tell. When it is replaced, life goes on.
    def test_stopped_process(self):
        for library in peers.LIBRARIES:
            with self.subTest(library), peers.Server(library) as server:
                settings = listener(server.url, timeouts=SHORT,
                                    liveness={"ping_interval": "200ms", "idle_timeout": "1s"})
                with Daemon(config(settings)) as daemon:
                    server.wait("message")
                    os.kill(server.process.pid, signal.SIGSTOP)
                    daemon.wait_log("liveness: " + AGAIN)
                    os.kill(server.process.pid, signal.SIGCONT)
                    server.wait("message", count=2)


if __name__ == "__main__":
    unittest.main()
