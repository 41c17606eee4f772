"""An MQTT 5 broker that may break every rule: packets by hand, over a connection of a RawServer."""

import socket
import struct
import threading
import time

from .raw_server import RawServer

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


def packet(kind, body=b"", flags=0):
    """MQTT 5, section 2.1."""
    size, digits = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        digits += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind << 4 | flags]) + digits + body


def text(value):
    return struct.pack("!H", len(value)) + value


def publish(topic, payload, number):
    """Quality of service 1, without properties."""
    return packet(PUBLISH, text(topic) + struct.pack("!H", number) + b"\0" + payload, flags=2)


def read_size(data):
    """A variable byte integer (section 1.5.5), from what gives one byte at a time."""
    size, shift = 0, 0
    while True:
        digit = next(data)
        size |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return size


def read_packet(connection):
    """Type, flags and body."""
    bytes_of = iter(lambda: connection.read(1)[0], None)
    first = next(bytes_of)
    return first >> 4, first & 15, connection.read(read_size(bytes_of))


def split(body):
    """A text with its length in front, and what is behind it."""
    end = 2 + struct.unpack("!H", body[:2])[0]
    return body[2:end], body[end:]


def without_properties(body):
    rest = iter(body)
    size = read_size(rest)
    return bytes(rest)[size:]


class Broker:
    """Delivers the messages of a client whose identifier ends with `-commands`: those of `kept` with the answer to its CONNECT,
    in one piece, then, when it has subscribed, the others; at most 64 that are not acknowledged. Each is delivered once, by
    a packet identifier that is its number, from 1. Takes `pause` seconds for each message that is published here, and
    acknowledges them while `acknowledges` is set.
    """

    def __init__(self, topic, *messages, kept=(), pause=0, **how):
        self._pause = pause
        self.acknowledges = threading.Event()
        self.acknowledged = set()  # numbers of messages
        self.published = []  # payloads, as they came
        self._messages = [publish(topic, payload, 1 + place) for place, payload in enumerate([*kept, *messages])]
        self._kept = len(kept)
        self._server = RawServer(self._serve, **how)
        self.url = f"mqtt{'s' if self._server.url.startswith('wss') else ''}://localhost:{self._server.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.__exit__()

    def _serve(self, connection, _):
        if self._pause:  # Few bytes are on their way.
            connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        kind, _, body = read_packet(connection)
        assert kind == CONNECT, kind
        client, _ = split(without_properties(body[10:]))  # behind protocol, version, flags and keep alive
        delivered = self._kept if client.endswith(b"-commands") else 0
        connection.send(packet(CONNACK, bytes([delivered > 0, 0, 0])) + b"".join(self._messages[:delivered]))
        subscribed, owed = False, []
        while kind != DISCONNECT:
            most = len(self.acknowledged) + 64 if subscribed else 0
            connection.send(b"".join(self._messages[delivered:most]))
            delivered = max(delivered, min(most, len(self._messages)))
            if self.acknowledges.is_set():
                connection.send(b"".join(packet(PUBACK, number) for number in owed))
                owed.clear()
            if not connection.readable(0.02):
                continue
            kind, flags, body = read_packet(connection)
            if kind == SUBSCRIBE:
                connection.send(packet(SUBACK, body[:2] + b"\0\1"))
                subscribed = True
            elif kind == PUBACK:
                self.acknowledged.update(struct.unpack("!H", body[:2]))
            elif kind == PUBLISH and flags & 6:
                _, rest = split(body)
                owed.append(rest[:2])
                self.published.append(without_properties(rest[2:]))
                time.sleep(self._pause)
            elif kind == PINGREQ:
                connection.send(packet(PINGRESP))
