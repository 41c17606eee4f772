"""Layouts that are .proto files, without a server: what the subcommands say of them, a module that is missing, a changed file."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support.cookbook import FOLDER, Server, config
from support.daemon import BINARY, Daemon, Exit, run_to_end, write_config

CONFIG = str(FOLDER / "protobuf.yaml")
LAYOUT = f"{{protobuf: {FOLDER}/feed.proto, message: Feed}}"


def protoc(message, text):
    """The bytes of a message of feed.proto that protoc makes of its text form."""
    return subprocess.run(["protoc", f"-I{FOLDER}", f"--encode=feed.{message}", "feed.proto"], input=text.encode(), check=True,
                          capture_output=True).stdout


class Subcommands(unittest.TestCase):
    # protoc writes what we read, and reads what we write.
    def test_encode_and_decode(self):
        done = run_to_end("encode", "-c", CONFIG, "order", "--json", '{"order": {"id": "7", "side": "SELL", "price": 2.5}}')
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(bytes.fromhex(done.stdout), protoc("Request", 'order {id: "7" side: SELL price: 2.5}'))
        made = protoc("Feed", 'sequence: 9 tick {symbol: "A" price: 1.5 venues {key: "x" value: 2}}')
        for source in (["-c", CONFIG], ["--layout", LAYOUT]):
            done = run_to_end("decode", *source, "--hex", made.hex())
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            shown = json.loads(done.stdout)
            shown = shown.get("data", shown)
            self.assertEqual(shown["tick"], {"symbol": "A", "price": 1.5, "venues": {"x": 2.0}})

    def test_cases(self):
        made = protoc("Feed", 'tick {symbol: "A" side: BUY}')
        with tempfile.TemporaryDirectory(prefix="duplexd-proto-") as place:
            for name in ("feed.proto", "protobuf.yaml"):
                shutil.copy(FOLDER / name, place)
            cases = [{"name": "a tick", "receive": made.hex(), "events": [{"reply": "tick", "data": {"tick": {"symbol": "A", "side": "BUY"}}}]}]
            path = write_config({"config": "protobuf.yaml", "cases": cases}, place, "feed.test.yaml")
            done = run_to_end("test", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # A mistake of the .proto file is told with its own line and column.
    def test_check(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-proto-") as place:
            shutil.copy(CONFIG, place)
            text = (FOLDER / "feed.proto").read_text()
            (pathlib.Path(place) / "feed.proto").write_text(text.replace("  string id = 1;\n  string symbol", "  strin id = 1;\n  string symbol"))
            done = run_to_end("check", f"{place}/protobuf.yaml")
            self.assertEqual(done.returncode, Exit.CONFIG, done.stderr)
            line = 1 + text[:text.index("  string id = 1;\n  string symbol")].count("\n")
            self.assertRegex(done.stderr, rf'protobuf\.yaml:11:\d+: sessions\.feed\.protocol.*feed\.proto:{line}:3: "strin" is not defined')

    # The program alone: everything else works, and a .proto file says what to install.
    def test_a_missing_module(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-proto-") as place:
            alone = shutil.copy(BINARY, place)
            done = subprocess.run([alone, "check", CONFIG], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, Exit.CONFIG)
            self.assertRegex(done.stderr, r"protobuf\.yaml:\d+:\d+: .*there is no duplexd-protobuf\.so in .*: install the package "
                             r"duplexd-protobuf of version")
            done = subprocess.run([alone, "check", FOLDER / "market-data.yaml"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    # The program and the image do not need libprotobuf.
    def test_the_program_does_not_link_it(self):
        linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("protobuf", linked)


class Session(unittest.TestCase):
    # What is cut off is an event with the place; fields that the file does not have are left out. The session goes on.
    def test_broken_messages(self):
        with Server("protobuf", 0, "broken") as server, Daemon(config("protobuf", server.address)) as daemon:
            broken = daemon.events.wait(lambda event: event["event"] == "raw")
            self.assertEqual(broken["error"], {"field": "tick", "offset": 10, "message": "expected 43 bytes, found 3"})
            other = daemon.events.wait(lambda event: event["event"] == "reply" and event["reply"] == "other")
            self.assertEqual(other["data"], {"sequence": 5})
            daemon.events.wait(lambda event: event.get("reply") == "tick", count=6)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            self.assertEqual(sum(line["what"] == "open" for line in server.seen.all()), 1)

    # A session whose .proto file has changed connects again, with the new one.
    def test_a_changed_file(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-proto-") as place, Server("protobuf") as server:
            proto = pathlib.Path(shutil.copy(FOLDER / "feed.proto", place))
            text = config("protobuf", server.address).replace(str(FOLDER), place)
            with Daemon(text) as daemon:
                daemon.events.wait(lambda event: event.get("reply") == "tick" and "symbol" in event["data"]["tick"])
                proto.write_text(proto.read_text().replace("string symbol = 1;\n  double price = 2;\n  Side",
                                                           "string instrument = 1;\n  double price = 2;\n  Side"))
                daemon.signal(1)
                daemon.events.wait(lambda event: event.get("reply") == "tick" and "instrument" in event["data"]["tick"])
                daemon.signal()
                self.assertEqual(daemon.wait(), 0, daemon.log.all())


if __name__ == "__main__":
    unittest.main()
