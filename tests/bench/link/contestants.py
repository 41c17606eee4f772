"""Who takes part: the limit, duplexd with a configuration for each row, and the peers."""
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from rows import COUNTED

HERE = Path(__file__).resolve().parent
FAST, MIDDLING, SLOW = range(3)
ECHOES_BEFORE_MEASURING = 200  # rows.cpp


@dataclass
class Contestant:
    name: str
    title: str
    speed: int
    command: list
    speeds: dict = field(default_factory=dict)  # where it is not as fast as elsewhere
    resumes: bool = False                       # without it a reconnect is always a full handshake

    def count(self, row, quick):
        count = row.counts[self.speeds.get(row.name, self.speed)]
        return max(count // 10, 50) if quick and row.name not in ("echo", "idle") else count

    def why_not(self, row):
        if row.name == "resumed" and not self.resumes:
            return "does not resume TLS sessions"
        return None

    def arguments(self, row, port, count, ca_file, _directory):
        """The shell's words that start it; $$ is its own process id by then."""
        url = f"wss://localhost:{port}/{row.server_path}/{count}/$$"
        return f"exec {' '.join(self.command)} {row.client_work} {url} {ca_file} {count}"

    expected_exit = 0
    is_daemon = False
    writes_lines = False


class Duplexd(Contestant):
    """The real binary. A server that closes is fatal here, so that a run ends when the row does."""
    expected_exit = 5
    is_daemon = True
    writes_lines = True

    def arguments(self, row, port, count, ca_file, directory):
        config = Path(directory) / f"{row.name}.json"
        config.write_text(json.dumps(self.configuration(row, port, count, str(ca_file))))
        return f"BENCH_PROCESS=$$ exec {' '.join(self.command)} run -c {config}"

    def configuration(self, row, port, count, ca_file):
        session = {
            "url": f"wss://localhost:{port}/{row.server_path}/{count}/${{env:BENCH_PROCESS}}",
            "tls": {"ca_file": ca_file},
            "protocol": self.protocol(row),
            "reconnect": {"fatal": ["closed"]},
        }
        document = {"version": 1, "log": {"level": "warning"}}
        if row.name == "deflate":
            session["permessage_deflate"] = {"enabled": True}
        if row.name in COUNTED:
            session["login"] = {"json": {"role": "bench"}}
        elif row.name == "send":
            session["script"] = self.send_script(count)
        elif row.name == "echo":
            session["script"] = [{"send": "ping"}, {"expect": "pong", "timeout": "30s"}] * (
                count + ECHOES_BEFORE_MEASURING)
        elif row.name in ("handshake", "resumed"):
            document["log"]["level"] = "error"
            session["reconnect"] = {"initial": "1ms", "maximum": "1ms"}
        elif row.name == "idle":
            names = (f"session-{number}" for number in range(count))
            protocols = {"bench": session["protocol"]}
            session["protocol"] = "bench"
            return document | {"protocols": protocols, "defaults": session, "sessions": {name: {} for name in names}}
        return document | {"sessions": {"bench": session}}

    @staticmethod
    def send_script(count):
        return [{"send": "to_free", "with": {"opcode": number & 0xFFFF, "state": 1}} for number in range(count)]

    @staticmethod
    def protocol(row):
        if row.name in ("text", "deflate"):
            replies = [{"as": "trade", "frame": "text"}]
        elif row.name == "line":
            replies = [{"as": "tick", "layout": "id:i body:json"}]
        elif row.name == "echo":
            replies = [{"as": "pong", "layout": "id:i 12x"}]
        else:
            replies = [{"as": "tick", "layout": "id:i", "trailing": "drop"}]
        commands = {"to_free": "opcode:i state:b", "ping": "id:i=1 12x"}
        return {"byte_order": "native", "commands": commands, "replies": replies}


class SilentDuplexd(Duplexd):
    """The same without an output, which is nearer to what the peers do in the rows of receiving."""
    writes_lines = False

    def why_not(self, row):
        return None if row.name in COUNTED and row.name != "line" else "differs in nothing"

    def configuration(self, row, port, count, ca_file):
        document = super().configuration(row, port, count, ca_file)
        document["sessions"]["bench"]["outputs"] = []
        return document


def all_contestants(build):
    """In the order of the table's columns. A program that was not built is left out by the caller."""
    program = lambda name: [str(Path(build) / name)]  # noqa: E731
    python = ["/usr/bin/python3", str(HERE / "peers/websockets_client.py")]
    node = os.environ.get("NODE", "node")
    return [
        Contestant("limit", "limit: raw OpenSSL", FAST, program("bench_limit"), resumes=True),
        Duplexd("duplexd", "duplexd", FAST, program("duplexd"), speeds={"send": MIDDLING}, resumes=True),
        SilentDuplexd("silent", "duplexd, no output", FAST, program("duplexd")),
        Contestant("beast", "textbook Beast", MIDDLING, program("bench_beast"), speeds={"send": SLOW}),
        Contestant("websocketpp", "websocketpp", FAST, program("bench_websocketpp"),
                   speeds={"send": SLOW, "line": MIDDLING}),
        Contestant("libwebsockets", "libwebsockets", FAST, program("bench_libwebsockets"),
                   speeds={"send": MIDDLING, "line": MIDDLING}),
        Contestant("gorilla", "Go gorilla, tuned", FAST, program("bench_gorilla"),
                   speeds={"send": MIDDLING, "line": MIDDLING}, resumes=True),
        Contestant("ws", "node ws", MIDDLING, [node, str(HERE / "peers/ws_client.mjs")]),
        Contestant("websockets", "Python websockets", SLOW, python),
        Contestant("uvloop", "the same on uvloop", SLOW, python + ["--uvloop"]),
    ]
