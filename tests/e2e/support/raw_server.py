"""A server that may break every rule: TLS and sockets by hand, because real libraries refuse to misbehave."""

import base64
import contextlib
import hashlib
import select
import socket
import ssl
import struct
import threading

from .certificates import certificates
from .ports import free_port

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def frame(opcode, payload=b"", fin=True):
    """One unmasked frame, as a server sends it (RFC 6455, section 5.2)."""
    first = (0x80 if fin else 0) | opcode
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 1 << 16:
        return bytes([first, 126]) + struct.pack("!H", len(payload)) + payload
    return bytes([first, 127]) + struct.pack("!Q", len(payload)) + payload


def close_frame(code=1000, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


def accept_of(key):
    """What a server makes of the client's key (RFC 6455, section 1.3)."""
    return base64.b64encode(hashlib.sha1(key + GUID.encode()).digest())


class Connection:
    """One accepted connection, of one thread: an SSL object that two threads use forgets why a call did not succeed.

    Reads block for 10 s at most.
    """

    def __init__(self, stream):
        self.stream = stream
        self.stream.settimeout(10)
        self.request = b""

    def send(self, data):
        self.stream.sendall(data)

    def readable(self, seconds):
        """Whether bytes come within that time."""
        pending = isinstance(self.stream, ssl.SSLSocket) and self.stream.pending()
        return bool(pending or select.select([self.stream], [], [], seconds)[0])

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.stream.recv(count - len(data))
            if not piece:
                raise ConnectionError("the client hung up")
            data += piece
        return data

    def read_request(self):
        while b"\r\n\r\n" not in self.request:
            piece = self.stream.recv(4096)
            if not piece:
                raise ConnectionError("the client hung up during its request")
            self.request += piece
        return self.request

    def accept(self, extra=b""):
        """Completes the WebSocket handshake, with more lines of headers."""
        headers = dict(line.split(b": ", 1) for line in self.read_request().split(b"\r\n")[1:] if b": " in line)
        key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
        self.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept_of(key) + b"\r\n" + extra + b"\r\n")

    def refuse(self, status, body, extra=b""):
        """Answers the upgrade with something other than 101."""
        self.read_request()
        self.send(b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain\r\n" + extra +
                  b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    def read_frame(self):
        """The next frame as (opcode, payload), unmasked."""
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read(8))
        mask = self.read(4) if second & 0x80 else bytes(4)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.read(length)))
        return first & 0x0F, payload

    def read_message(self):
        """The next frame that is not a ping or pong."""
        while True:
            opcode, payload = self.read_frame()
            if opcode not in (PING, PONG):
                return opcode, payload

    def read_close(self):
        """Reads on until the client's close frame; returns (code, reason)."""
        while True:
            opcode, payload = self.read_message()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def end(self, seconds=60):
        """Waits for the client's close frame, so long between two messages, and answers it."""
        self.stream.settimeout(seconds)
        code, _ = self.read_close()
        self.send(close_frame(code))

    def hold(self, seconds=30):
        """Says nothing, reads nothing, until the client hangs up or the time is over."""
        end = select.poll()
        end.register(self.stream, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        end.poll(seconds * 1000)

    def abort(self):
        """Ends the connection with a reset instead of a FIN."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.stream)


class RawServer:
    """Listens on a free port of 127.0.0.1 and hands the n-th connection to `handler(connection, n)`, n from 1.

    What goes wrong in a handler is kept in `errors`, unless it is the client hanging up. `prepare` may change the TLS
    context before the first connection comes.
    """

    def __init__(self, handler, pair=None, tls=True, address="127.0.0.1", port=None, handshake=True, prepare=None):
        self.errors = []
        self.accepted = 0
        self._handler = handler
        self._context = None
        if tls and handshake:
            pair = pair or certificates().valid
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(pair.certificate, pair.key)
            if prepare:
                prepare(self._context)
        self._socket = socket.create_server((address, port or free_port()), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://localhost:{self.port}/"
        self._open = set()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self._closing:
            try:
                stream, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(stream, self.accepted), daemon=True).start()

    def _serve(self, stream, number):
        self._open.add(stream)
        try:
            if self._context:
                self._open.discard(stream)
                stream = self._context.wrap_socket(stream, server_side=True)
                self._open.add(stream)
            self._handler(Connection(stream), number)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        except Exception as error:  # pylint: disable=broad-except
            if not self._closing:
                self.errors.append(error)
        finally:
            self._open.discard(stream)
            with contextlib.suppress(OSError):
                stream.close()
