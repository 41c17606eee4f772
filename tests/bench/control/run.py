#!/usr/bin/python3
"""What operating a daemon costs its sessions. See scripts/bench.

`requests`: a server asks and the session's handler answers, a thousand times a second, without and with 1,000 requests a second at
the control interface (GET /api/v1/sessions/feed, two connections). `tap`: a server sends as fast as it is read, with nobody
following, with `duplexd tap`, and with one that is stopped (SIGSTOP). `memory`: the daemon's memory before and after browsers loaded the dashboard and
followed all events for a while. The cases of one kind take turns; figures are medians of the rounds.
"""
import argparse
import contextlib
import http.client
import json
import pathlib
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support.raw_server import BINARY, RawServer, frame  # noqa: E402  pylint: disable=wrong-import-position

QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
QUESTIONS = 2000  # a round of `requests`
MESSAGES = 2_000_000  # a round of `tap`
PROTOCOL = {"byte_order": "big", "commands": {"answer": {"layout": "_kind:B=1 number:Q"}},
            "replies": [{"as": "question", "when": {"opcode": {"at": 0, "type": "B", "is": 1}}, "layout": "_kind:B number:Q"},
                        {"as": "tick", "when": {"opcode": {"at": 0, "type": "B", "is": 2}}, "layout": "_kind:B number:Q data:bytes"}]}
ANSWER = 2 + 4 + 9  # a masked frame


class Local(http.client.HTTPConnection):
    """HTTP over a Unix-domain socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Daemon:
    """duplexd with one session, which answers questions, and its control socket."""

    def __init__(self, program, server, place):
        self.control = place / "control.sock"
        session = {"url": server.url, "liveness": QUIET, "protocol": PROTOCOL,
                   "on": [{"reply": "question", "do": [{"send": "answer", "with": {"number": "${reply:number}"}}]}]}
        config = place / "duplexd.json"
        config.write_text(json.dumps({"sessions": {"feed": session}, "outputs": {"stdout": {"type": "stdout"}},
                                      "control": {"socket": str(self.control)}, "log": {"level": "error"}}))
        self.program = program
        self.process = subprocess.Popen([program, "run", "-c", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def memory(self):
        """Megabytes that are in memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def read_answers(stream, count):
    found = bytearray()
    while len(found) < count * ANSWER:
        piece = stream.recv(1 << 20)
        if not piece:
            sys.exit("the session has gone")
        found += piece
    return found


def ask(stream):
    """How long each answer takes, in milliseconds."""
    times = []
    for number in range(QUESTIONS):
        begin = time.monotonic()
        stream.sendall(frame(BINARY, b"\x01" + struct.pack(">Q", number)))
        read_answers(stream, 1)
        times.append((time.monotonic() - begin) * 1000)
        time.sleep(0.001)
    return times


def flood(stream):
    """Messages a second until the question behind the last one is answered."""
    many = b"".join(frame(BINARY, b"\x02" + struct.pack(">Q", number) + bytes(91)) for number in range(10_000))
    begin = time.monotonic()
    for _ in range(MESSAGES // 10_000):
        stream.sendall(many)
    stream.sendall(frame(BINARY, b"\x01" + bytes(8)))
    read_answers(stream, 1)
    return MESSAGES / (time.monotonic() - begin)


@contextlib.contextmanager
def requests(path, rate):
    """Somebody who asks the control interface so often."""
    asker = subprocess.Popen([sys.executable, __file__, "--ask", str(path), str(rate)], stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.2)
        yield
    finally:
        asker.send_signal(signal.SIGTERM)
        print(f"  {asker.communicate()[0].strip()}", file=sys.stderr)


@contextlib.contextmanager
def tap(daemon, stopped):
    follower = subprocess.Popen([daemon.program, "tap", "--socket", daemon.control], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        if stopped:
            follower.send_signal(signal.SIGSTOP)
        yield
    finally:
        follower.send_signal(signal.SIGCONT)
        follower.kill()
        follower.wait()


def run_asker(path, rate):
    """Says at its end how many requests it made."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    connections = [Local(path), Local(path)]
    begin = time.monotonic()
    count = 0
    while not ended:
        connection = connections[count % len(connections)]
        connection.request("GET", "/api/v1/sessions/feed")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"status {answer.status}")
        count += 1
        time.sleep(max(0.0, begin + count / rate - time.monotonic()))
    print(f"{count / (time.monotonic() - begin):.0f} requests/s")


def percentile(times, part):
    return sorted(times)[int(len(times) * part)]


def measure_requests(stream, daemon, rounds):
    seen = {0: [], 1000: []}
    for _ in range(rounds):
        for rate, found in seen.items():
            with requests(daemon.control, rate) if rate else contextlib.nullcontext():
                found.append(ask(stream))
    for rate, found in seen.items():
        median, tail = (statistics.median(percentile(times, part) for times in found) for part in (0.5, 0.99))
        print(f"requests: {rate} requests/s: an answer takes {median:.2f} ms, p99 {tail:.2f} ms")


def measure_tap(stream, daemon, rounds):
    seen = {"nobody": [], "tap": [], "a stopped tap": []}
    for _ in range(rounds):
        for who, found in seen.items():
            with contextlib.nullcontext() if who == "nobody" else tap(daemon, who != "tap"):
                found.append(flood(stream))
    for who, found in seen.items():
        print(f"tap: {who}: {statistics.median(found):,.0f} messages/s")


def measure_memory(stream, daemon):
    before = daemon.memory()
    for _ in range(5):
        with tap(daemon, False):
            for path in ("/", "/api/v1/sessions", "/api/v1/sessions/feed"):
                connection = Local(daemon.control)
                connection.request("GET", path)
                connection.getresponse().read()
                connection.close()
            flood(stream)
    print(f"memory: {before:.1f} MB before, {daemon.memory():.1f} MB after five times the dashboard and its events")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench control", description=__doc__)
    parser.add_argument("--build", default="build/release", help="where the program is")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        return run_asker(options.ask[0], int(options.ask[1]))

    def serve(connection, _):
        connection.accept()
        stream = connection.stream
        stream.settimeout(60)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        measure_requests(stream, daemon, options.rounds)
        flood(stream)  # what it allocates for the first time
        measure_tap(stream, daemon, options.rounds)
        measure_memory(stream, daemon)
        done.append(True)

    done = []
    with tempfile.TemporaryDirectory(prefix="duplexd-bench-") as place, RawServer(serve, tls=False) as server:
        with Daemon(ROOT / options.build / "duplexd", server, pathlib.Path(place)) as daemon:
            while not done and not server.errors and daemon.process.poll() is None:
                time.sleep(0.1)
        if server.errors:
            raise server.errors[0]
    return None


main()
