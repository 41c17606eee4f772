"""Events in the system's log: rsyslog over a Unix-domain socket, UDP, TCP and TLS, and journald's protocol."""

import array
import json
import os
import pathlib
import re
import socket
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
from support.raw_server import TEXT, RawServer, frame
from support.waiting import until

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def trade(number, **more):
    return frame(TEXT, json.dumps({"op": "trade", "n": number} | more).encode())


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Rsyslog:
    """A real rsyslogd that writes each message that it understood as JSON, without privileges and services."""

    def __init__(self, place, inputs):
        self.got = place / "got"
        conf = place / "rsyslog.conf"
        conf.write_text(f"""global(workDirectory="{place}" maxMessageSize="64k")
{inputs}
template(name="all" type="string" string="%jsonmesg%\\n")
*.* action(type="omfile" file="{self.got}" template="all")
""")
        self.process = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-f", conf, "-i", place / "pid"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def messages(self):
        if not self.got.exists():
            return []
        lines = self.got.read_text().split("\n")[:-1]
        return [each for each in map(json.loads, lines) if each.get("app-name", each.get("programname")) != "rsyslogd"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Logs(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-logs-")))

    def pouring(self, messages):
        def serve(connection, _):
            connection.accept()
            for first in range(0, len(messages), 100):
                connection.send(b"".join(messages[first:first + 100]))
            connection.end()

        return self.enterContext(RawServer(serve))

    def start(self, messages, output, **more):
        own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET, "outputs": ["o"]}
        server = self.pouring(messages)
        return self.enterContext(Daemon(config(listener(server.url, **own), outputs={"o": output}, **more)))

    # The configurations of the page, with other addresses; `reached` says when the ten events are there.
    def run_page(self, word, change, reached):
        text = (ROOT / "docs" / "outputs.md").read_text()
        [block] = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if word in block]
        block = yaml.safe_load(block)
        server = self.pouring([trade(n) for n in range(10)])
        [output] = block["outputs"].values()
        output |= change
        block["sessions"]["feed"] |= {"url": server.url, "tls": {"ca_file": certificates().ca}}
        checked = run_to_end("check", "-c", write_config(block, self.place))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.enterContext(Daemon(block))
        until(reached)


class Syslog(Logs):
    def unix(self):
        path = self.place / "log"
        return path, (f'module(load="imuxsock" SysSock.Use="off")\n'
                      f'input(type="imuxsock" Socket="{path}" UseSpecialParser="off" ParseHostname="on" RateLimit.Interval="0")')

    def judge(self, messages, count):
        self.assertEqual([json.loads(each["msg"])["n"] for each in messages], list(range(count)))
        one = messages[0]
        self.assertEqual((one["app-name"], one["msgid"], one["syslogfacility"], one["syslogseverity"]),
                         ("feeds", "trade", "19", "5"))
        self.assertEqual(one["structured-data"], '[feed@32473 session="callcentre" event="reply" reply="trade"]')
        self.assertRegex(one["timereported"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
        self.assertEqual(one["hostname"], socket.gethostname())

    OURS = {"type": "syslog", "format": "ndjson", "facility": "local3", "severity": "notice", "app_name": "feeds",
            "structured_data": "feed@32473"}

    def check_transport(self, inputs, settings, ready, count=1000):
        with Rsyslog(self.place, inputs) as server:
            until(ready)
            daemon = self.start([trade(n) for n in range(count)], self.OURS | settings)
            until(lambda: len(server.messages()) >= count)
            self.judge(server.messages(), count)
            self.assertEqual({each["procid"] for each in server.messages()}, {str(daemon.pid)})

    def test_page(self):
        path, inputs = self.unix()
        with Rsyslog(self.place, inputs) as server:
            until(path.exists)
            self.run_page("type: syslog, ", {"socket": str(path)}, lambda: len(server.messages()) == 10)

    def test_unix(self):
        path, inputs = self.unix()
        self.check_transport(inputs, {"socket": str(path)}, path.exists)

    def test_udp(self):
        port = free_port(socket.SOCK_DGRAM)
        bound = re.compile(rf":{port:04X} .* 07 ")
        self.check_transport(f'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="1m")',
                             {"transport": "udp", "address": f"127.0.0.1:{port}"},
                             lambda: bound.search(pathlib.Path("/proc/net/udp").read_text()), count=100)

    def test_tcp(self):
        port = free_port()

        self.check_transport(f'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{port}")',
                             {"transport": "tcp", "address": f"127.0.0.1:{port}"}, lambda: listens(port))

    # Over TLS with each of rsyslog's libraries, and the client's certificate asked for. A service that refuses it, whatever it
    # says or does not say, gets nothing, and everything later.
    def test_tls(self):
        made = certificates()
        good = {"ca_file": made.ca, "cert_file": made.valid.certificate, "key_file": made.valid.key}
        stranger = {"cert_file": made.self_signed.certificate, "key_file": made.self_signed.key}
        for driver in ("gtls", "ossl"):
            place = self.place / driver
            place.mkdir()
            port = free_port()
            inputs = (f'global(DefaultNetstreamDriver="{driver}" DefaultNetstreamDriverCAFile="{made.ca}"\n'
                      f'  DefaultNetstreamDriverCertFile="{made.valid.certificate}"\n'
                      f'  DefaultNetstreamDriverKeyFile="{made.valid.key}")\n'
                      f'module(load="imtcp" StreamDriver.Name="{driver}" StreamDriver.Mode="1" '
                      f'StreamDriver.AuthMode="x509/certvalid")\n'
                      f'input(type="imtcp" address="127.0.0.1" port="{port}")')
            settings = self.OURS | {"transport": "tcp", "tls": True, "address": f"localhost:{port}"}

            with self.subTest(driver), Rsyslog(place, inputs) as server:
                until(lambda port=port: listens(port))
                for files, why in (({}, "not trusted here.*ca_file"), ({"ca_file": made.ca}, ".*"),
                                   ({"ca_file": made.ca} | stranger, ".*"), ({"ca_file": "/nowhere"}, "/nowhere")):
                    daemon = self.start([trade(0)], settings | files)
                    daemon.wait_log(f"output o failed: TLS: .*{why}.*; events wait, next attempt in", count=2)
                    daemon.process.kill()
                self.assertEqual(server.messages(), [])
                self.start([trade(n) for n in range(1000)], settings | good)
                until(lambda server=server: len(server.messages()) >= 1000)
                self.judge(server.messages(), 1000)
                self.run_page("transport: tcp\n", {"address": f"localhost:{port}"} | good,
                              lambda server=server: len(server.messages()) == 1010)

    # A message of several lines stays one: its length is told.
    def test_lines_in_a_message(self):
        port = free_port()
        with Rsyslog(self.place, f'global(parser.escapeControlCharactersOnReceive="off")\nmodule(load="imtcp")\n'
                                 f'input(type="imtcp" address="127.0.0.1" port="{port}")') as server:
            self.start([trade(n) for n in range(3)],
                       {"type": "syslog", "transport": "tcp", "address": f"127.0.0.1:{port}", "format": "template",
                        "template": "number ${n}\nof three\n"})
            until(lambda: len(server.messages()) == 3)
            self.assertEqual([each["msg"] for each in server.messages()], [f"number {n}\nof three" for n in range(3)])

    # rsyslog is restarted, its socket is another one then: told, and nothing is lost that it had not taken.
    def test_restarted(self):
        path, inputs = self.unix()
        daemon = self.start([trade(n) for n in range(100)], self.OURS | {"socket": str(path)})
        daemon.wait_log(f"output o failed: {path}: No such file or directory; events wait, next attempt in")
        with Rsyslog(self.place, inputs) as server:
            until(lambda: len(server.messages()) == 100)
            daemon.wait_log("output o works again")
            self.judge(server.messages(), 100)


class Journal:
    """What listens like journald: takes entries as systemd's documentation says it, from datagrams and passed files."""

    def __init__(self, path):
        self.entries = []
        self.files = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
            for _, kind, passed in ancillary:
                assert kind == socket.SCM_RIGHTS
                [file] = array.array("i", passed)
                with os.fdopen(file, "rb") as content:
                    content.seek(0)
                    data = content.read()
                self.files += 1
            if data == b"end":
                return
            self.entries.append(self.parse(data))

    @staticmethod
    def parse(data):
        fields = {}
        while data:
            line, _, rest = data.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                (size,) = struct.unpack("<Q", rest[:8])
                value, rest = rest[8:8 + size], rest[8 + size:]
                assert rest[:1] == b"\n"
                rest = rest[1:]
            fields[name.decode()] = value.decode()
            data = rest
        return fields

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


class Journald(Logs):
    def test_page(self):
        path = self.place / "socket"
        with Journal(path) as journal:
            self.run_page("type: journald", {"socket": str(path)}, lambda: len(journal.entries) == 10)
            fields = journal.entries[0]
            self.assertEqual((fields["SESSION"], fields["EVENT"], fields["REPLY"]), ("feed", "reply", "trade"))
            self.assertEqual((fields["SYSLOG_IDENTIFIER"], fields["PRIORITY"]), ("feed", "5"))
            self.assertEqual(json.loads(fields["MESSAGE"])["data"]["n"], 0)

    # Entries of any size, with lines, in their order.
    def test_sizes(self):
        path = self.place / "socket"
        sizes = [1, 1000, 1_000_000, 10, 500_000, 5]
        with Journal(path) as journal:
            daemon = self.start([trade(n, pad="é" * size) for n, size in enumerate(sizes)],
                                {"type": "journald", "socket": str(path), "format": "template", "template": "${n}\n${pad}\n"})
            until(lambda: len(journal.entries) == len(sizes))
            self.assertEqual([each["MESSAGE"] for each in journal.entries],
                             [f"{n}\n{'é' * size}" for n, size in enumerate(sizes)])
            self.assertGreaterEqual(journal.files, 2)
            daemon.signal()
            self.assertEqual(daemon.wait(), Exit.SUCCESS)


if __name__ == "__main__":
    unittest.main()
