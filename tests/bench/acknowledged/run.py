#!/usr/bin/python3
"""How many messages a second are acknowledged when they are journaled (on: {after: journaled}). See scripts/bench.

`feed` sends packets of 100 bytes with a sequence number over one WebSocket and counts the acknowledgements, each of which has the
number; at most WINDOW are on their way. `mqtt` is the cookbook's recipe against mosquitto, quality of service 1: the broker has all
messages before duplexd comes. Both store in SQLite. What was acknowledged and what is stored is compared at the end.
"""
import argparse
import base64
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support.ports import free_port  # noqa: E402  pylint: disable=wrong-import-position

WINDOW = 200_000
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
STORE = {"type": "sqlite", "durable": True}


class Feed:
    """One connection: frames that were made before are written, acknowledgements are read as they come."""

    ANSWER = 2 + 4 + 8  # a masked frame with a sequence number

    def __init__(self, count):
        self.frames = [b"\x82\x64" + struct.pack(">Q", number) + bytes(92) for number in range(count)]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.answers = bytearray()
        self.come = threading.Condition()

    def run(self):
        """Seconds from the first message to the last acknowledgement."""
        stream, _ = self.listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(4096)
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                       + accept + b"\r\n\r\n")
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()
        begin = time.monotonic()
        for first in range(0, len(self.frames), 1000):
            self.wait(first - WINDOW)
            stream.sendall(b"".join(self.frames[first:first + 1000]))
        self.wait(len(self.frames))
        return time.monotonic() - begin

    def read(self, stream):
        while found := stream.recv(1 << 20):
            with self.come:
                self.answers += found
                self.come.notify()

    def wait(self, count):
        with self.come:
            if not self.come.wait_for(lambda: len(self.answers) >= count * self.ANSWER, 120):
                sys.exit(f"{len(self.answers) // self.ANSWER} of {len(self.frames)} were acknowledged, then none any more")

    def check(self):
        """Each message was acknowledged once, in their order."""
        for number in range(len(self.frames)):
            frame = self.answers[number * self.ANSWER:(number + 1) * self.ANSWER]
            given = bytes(byte ^ mask for byte, mask in zip(frame[6:], itertools.cycle(frame[2:6])))
            if struct.unpack(">Q", given)[0] != number:
                sys.exit(f"acknowledgement {number} is for another message")


@contextlib.contextmanager
def duplexd(program, place, settings):
    path = place / "duplexd.json"
    settings |= {"journal": {"path": str(place / "journal.db")}, "log": {"level": "error"}}
    path.write_text(json.dumps(settings))
    process = subprocess.Popen([program, "run", "-c", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        if process.wait(60):
            sys.exit("duplexd did not end cleanly")


def stored(place, table):
    with contextlib.closing(sqlite3.connect(place / "feed.db")) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def store(place):
    return STORE | {"path": str(place / "feed.db")}


def feed(program, place, count):
    server = Feed(count)
    session = {"url": server.url, "outputs": ["store"], "liveness": QUIET,
               "protocol": {"byte_order": "big", "commands": {"ack": "sequence:Q"},
                            "replies": [{"as": "tick", "layout": "sequence:Q data:bytes"}]},
               "on": [{"reply": "tick", "after": "journaled", "do": [{"send": "ack", "with": {"sequence": "${reply:sequence}"}}]}]}
    with duplexd(program, place, {"sessions": {"feed": session}, "outputs": {"store": store(place)}}):
        seconds = server.run()
    server.check()
    if (found := stored(place, "tick")) != count:
        sys.exit(f"{found} of {count} messages are stored")
    return count / seconds


def listens(port):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true):
    while not true():
        time.sleep(0.01)


def mqtt(program, place, count):
    plain, websockets = free_port(), free_port()
    (place / "mosquitto.conf").write_text(
        f"listener {plain} 127.0.0.1\nlistener {websockets} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n"
        f"max_queued_messages 0\nmax_inflight_messages {min(WINDOW, 65535)}\nsys_interval 0\n")
    broker = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    server = subprocess.Popen([broker, "-c", place / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(plain) and listens(websockets))
        whole = yaml.safe_load((ROOT / "config/examples/cookbook/mqtt.yaml").read_text())
        session = whole["sessions"]["sensors"]
        session |= {"url": f"ws://127.0.0.1:{websockets}/mqtt", "outputs": ["store"]}
        session["on"] = session.pop(True)  # YAML 1.1
        del session["script"]
        session["login"]["with"] |= {"clean": False, "password": "x"}
        session["on"][0]["after"] = "journaled"
        whole |= {"outputs": {"store": store(place)}}

        def publish(numbers):
            lines = "".join(json.dumps({"n": number}) + "\n" for number in numbers)
            subprocess.run(["mosquitto_pub", "-p", str(plain), "-q", "1", "-t", "tick/1", "-l"], input=lines, text=True, check=True)

        def has(wanted):
            with contextlib.suppress(sqlite3.OperationalError):
                return stored(place, "publish") >= wanted
            return False

        with duplexd(program, place, whole):  # the broker learns of the session
            until(lambda: publish([0]) or has(1))
        before = stored(place, "publish")
        publish(range(1, count + 1))
        begin = time.monotonic()
        with duplexd(program, place, whole):
            until(lambda: has(before + count))
            seconds = time.monotonic() - begin
        return count / seconds
    finally:
        server.kill()
        server.wait()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench acknowledged", description=__doc__)
    parser.add_argument("--build", default="build/release", help="where the program is")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=500_000, help="of the feed; mqtt has a tenth of it")
    options = parser.parse_args()
    for name, measure, count in (("feed", feed, options.messages), ("mqtt", mqtt, options.messages // 10)):
        found = []
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(prefix="duplexd-bench-") as place:
                found.append(measure(ROOT / options.build / "duplexd", pathlib.Path(place), count))
        print(f"{name}: {statistics.median(found):,.0f} messages/s, median of {', '.join(f'{each:,.0f}' for each in found)}")


main()
