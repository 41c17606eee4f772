"""Runs one contestant in one row against the load server and checks what came out."""
import json
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from rows import COUNTED

CLIENT_CORE, SERVER_CORE = 0, 1
A_RUN = 60  # seconds, at most
A_CROWD = 5_000  # so many idle sessions are worth a closer look
PING_CYCLE = 20  # seconds from one ping of a session of duplexd to the next


class Failed(Exception):
    """A run that gave no figure, or a wrong count."""


def make_certificate(directory):
    """A self-signed certificate for localhost: (certificate, key)."""
    certificate, key = Path(directory) / "certificate.pem", Path(directory) / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Server:
    """bench_server, pinned to its core. One for each row, so that nothing that a row leaves behind meets the next."""

    def __init__(self, program, certificate, key, limit):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), program, certificate, key, str(limit)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""
        words = self.read_line(10).split()
        if len(words) != 3 or words[0] != "ready":
            raise Failed("bench_server did not start")
        self.ports = {True: int(words[1]), False: int(words[2])}

    def read_line(self, limit):
        """The next line, or an empty one if none comes within `limit` seconds."""
        end = time.monotonic() + limit
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                return ""
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Client:
    """One run of a contestant. It is not waited for before the server has read its CPU clock."""

    def __init__(self, contestant, row, server, count, ca_file, directory, stdout=subprocess.DEVNULL):
        words = contestant.arguments(row, server.ports[row.resumable], count, ca_file, directory)
        core = SERVER_CORE if row.same_core else CLIENT_CORE
        self.contestant = contestant
        self.errors = tempfile.TemporaryFile(dir=directory)
        self.process = subprocess.Popen(["taskset", "-c", str(core), "sh", "-c", words], stdin=subprocess.DEVNULL,
                                        stdout=stdout, stderr=self.errors)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def finish(self, expected=None):
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failed("it does not end") from None
        expected = self.contestant.expected_exit if expected is None else expected
        if code != expected:
            raise Failed(f"exit code {code}: {self.said()[-300:].strip()}")

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.process.send_signal(number)
            try:
                self.process.wait(10)
                return
            except subprocess.TimeoutExpired:
                pass

    def cpu_seconds(self):
        """User and system, all threads, so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident bytes, in KB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


def check_counts(row, client, report, count):
    if report["count"] < count:
        raise Failed(f"{report['count']} messages instead of {count}")
    if row.name == "send" and report["sum"] != sum(number & 0xFFFF for number in range(count)):
        raise Failed(f"the server added up {report['sum']}")
    if row.name in COUNTED and not client.contestant.is_daemon:
        own = json.loads(client.said().strip().splitlines()[-1])
        if (own["count"], own["sum"]) != (report["count"], report["sum"]):
            raise Failed(f"it counted {own}, the server sent {report}")


def run(contestant, row, server, count, ca_file, directory, stdout=subprocess.DEVNULL):
    """What the server measured, a dict. Raises Failed."""
    client = Client(contestant, row, server, count, ca_file, directory, stdout)
    try:
        line = server.read_line(A_RUN)
        if not line:
            raise Failed(f"no end within {A_RUN} s: {client.said()[-300:].strip()}")
        report = json.loads(line)
        if report["cpu_ns"] <= 0:
            raise Failed("its CPU clock could not be read")
        if contestant.is_daemon and row.client_work in ("handshake", "resumed"):
            client.stop()
        else:
            client.finish()
        check_counts(row, client, report, count)
        return report
    finally:
        if client.process.returncode is None:
            client.stop()


def check_lines(contestant, row, server, count, ca_file, directory):
    """One run whose lines go to a file: every message must be one line, and the numbers must add up."""
    with tempfile.TemporaryFile(dir=directory) as lines:
        report = run(contestant, row, server, count, ca_file, directory, stdout=lines)
        lines.seek(0)
        found = total = 0
        for text in lines:
            event = json.loads(text)
            if event["event"] != "reply":
                raise Failed(f"an unexpected line: {text[:200]!r}")
            found += 1
            total += event["data"]["id"] if row.name not in ("text", "deflate") else 0
    if found != count or (row.name not in ("text", "deflate") and total != report["sum"]):
        raise Failed(f"{found} lines with the sum {total}, the server sent {count} with {report['sum']}")


def idle_sessions(contestant, row, server_of, count, ca_file, directory):
    """KB for each further idle session (one process with `count` sessions beside one with a single one), seconds until
    all stand, and of a crowd its CPU while it does nothing, in percent, and how long the daemon takes to close it."""
    memory, report = [], {}
    for sessions in (1, count):
        with server_of() as server:
            begin = time.monotonic()
            client = Client(contestant, row, server, sessions, ca_file, directory)
            try:
                if not server.read_line(A_RUN + sessions * 0.03):
                    raise Failed(f"{sessions} sessions did not come to stand: {client.said()[-300:].strip()}")
                report["connect"] = time.monotonic() - begin
                time.sleep(1.5)  # what was needed for connecting only is given back by then
                memory.append(client.memory())
                if sessions >= A_CROWD:
                    report["rest"] = idle_cpu(client)
                    report["close"] = time_to_close(client) if contestant.is_daemon else None
            finally:
                if client.process.returncode is None:
                    client.stop()
    return report | {"cost": (memory[1] - memory[0]) / (count - 1)}


def idle_cpu(client):
    """Percent of one core."""
    before = client.cpu_seconds()
    time.sleep(PING_CYCLE)
    return 100 * (client.cpu_seconds() - before) / PING_CYCLE


def time_to_close(client):
    """Seconds from SIGTERM to the end of a daemon that closes every session in order."""
    begin = time.monotonic()
    client.process.send_signal(signal.SIGTERM)
    client.finish(expected=0)
    return time.monotonic() - begin


def raise_limits():
    """As many descriptors as the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
