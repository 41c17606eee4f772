"""The rows of the benchmark: what is done, how often, and in which unit it is told."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str          # the server's name of it, the first part of the URL's path, unless `path` says another
    title: str
    counts: tuple      # messages for a fast, a middling and a slow contestant: each run should last about as long
    path: str = ""
    work: str = ""     # what the clients are told to do; the row's name if empty
    unit: str = "ns"
    scale: float = 1.0  # nanoseconds in one unit
    resumable: bool = True   # which of the server's ports
    same_core: bool = False  # latency: across cores a virtual machine measures how long it takes to wake one up

    @property
    def server_path(self):
        return self.path or self.name

    @property
    def client_work(self):
        return self.work or self.name


ROWS = {row.name: row for row in (
    Row("receive", "receive 16 B, many per TLS record", (2_000_000, 500_000, 100_000), work="receive"),
    Row("record", "receive 16 B, one TLS record each", (200_000, 150_000, 60_000), work="receive"),
    Row("live", "receive 16 B, one send each (live traffic)", (100_000, 100_000, 60_000), work="receive"),
    Row("big", "receive 64 KiB", (4_000, 3_000, 2_000), work="receive"),
    Row("text", "receive JSON text, 415 B", (600_000, 200_000, 60_000), work="receive"),
    Row("deflate", "the same, permessage-deflate", (150_000, 100_000, 40_000)),
    Row("line", "receive 16 B, decode, write a JSON line", (600_000, 150_000, 30_000), path="receive", work="line"),
    Row("send", "send `=ib`, as fast as possible", (1_000_000, 100_000, 30_000)),
    Row("echo", "command to its reply and the next command, one core", (5_000, 5_000, 5_000), same_core=True),
    Row("handshake", "connect + TLS + upgrade + close, full", (200, 200, 100), unit="ms", scale=1e6,
        resumable=False),
    Row("resumed", "the same, TLS session resumed", (200, 200, 100), path="handshake", unit="ms", scale=1e6),
    Row("idle", "memory of an idle wss session", (2_000, 2_000, 2_000), unit="KB", scale=1.0),
)}

# Rows in which a client counts the messages it was sent and adds up their numbers.
COUNTED = ("receive", "record", "live", "big", "text", "deflate", "line")
