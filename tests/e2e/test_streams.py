"""Files, programs and stdin that are sent in chunks, and events that steps make, with servers that nobody here wrote."""

import contextlib
import http.server
import json
import pathlib
import queue
import re
import subprocess
import tempfile
import threading
import unittest

import websockets
import yaml

from support.config import config
from support.daemon import BINARY, ROOT, Daemon, write_config
from support.waiting import until
from test_framing import Server

QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
PROTOCOL = {"commands": {"audio": "data:bytes", "end": {"json": {"op": "end"}}, "speech": {"json": {"audio": None}}},
            "replies": [{"as": "text", "frame": "text"}]}


def example(page, title):
    """The first block of YAML below a title of a page."""
    below = (ROOT / "docs" / page).read_text().split(f"## {title}\n")[1]
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", below, re.DOTALL)[1])


class Streams(unittest.TestCase):
    def session(self, url, stream, **more):
        return {"url": url, "protocol": PROTOCOL, "liveness": QUIET, "script": [{"stream": stream}]} | more

    def carry(self, stream, run, **more):
        """What the server got of a stream: `run` starts duplexd and returns what ends it."""
        got = queue.Queue()

        async def serve(socket):
            with contextlib.suppress(websockets.ConnectionClosed):
                async for message in socket:
                    got.put(message)

        with Server(serve) as server:
            with run(config({"s": self.session(server.url, stream, **more)})):
                all_of_it = []
                while not (all_of_it and isinstance(all_of_it[-1], str) and "end" in all_of_it[-1]):
                    all_of_it.append(got.get(timeout=30))
                return all_of_it

    def test_file(self):
        sound = bytes(range(256)) * 1000
        with tempfile.NamedTemporaryFile() as file:
            file.write(sound)
            file.flush()
            got = self.carry({"file": file.name, "chunk": 32000, "every": "5ms", "send": "audio", "last": "end"}, Daemon)
        self.assertEqual([len(each) for each in got[:-1]], [32000] * 8)
        self.assertEqual(b"".join(got[:-1]), sound)

    def test_program(self):
        got = self.carry({"exec": ["seq", "1", "5000"], "chunk": "4KiB", "send": "audio", "last": "end"}, Daemon)
        self.assertEqual(b"".join(got[:-1]).split(), [str(n).encode() for n in range(1, 5001)])

    def test_stdin(self):
        class Piped:
            def __init__(self, configuration):
                self.directory = tempfile.TemporaryDirectory()
                path = write_config(configuration, self.directory.name)
                self.process = subprocess.Popen([BINARY, "run", "-c", path], stdin=subprocess.PIPE,
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            def __enter__(self):
                self.process.stdin.write(b"hello")
                self.process.stdin.close()

            def __exit__(self, *_):
                self.process.terminate()
                self.process.wait(timeout=30)
                self.directory.cleanup()

        got = self.carry({"stdin": True, "chunk": 3, "send": "audio", "last": "end"}, Piped)
        self.assertEqual(got[:-1], [b"hel", b"lo"])

    def test_base64_in_json(self):
        got = self.carry({"exec": ["printf", "hello"], "send": "speech", "as": "audio", "last": "end"}, Daemon)
        self.assertEqual(json.loads(got[0]), {"audio": "aGVsbG8="})

    def test_failures(self):
        for stream, why in (({"file": "/there/is/none"}, "stream /there/is/none: there is no such file"),
                            ({"exec": ["sh", "-c", "echo no microphone >&2; exit 3"]}, "exit code 3: no microphone")):
            async def serve(socket):
                await socket.wait_closed()

            with self.subTest(why), Server(serve) as server:
                session = self.session(server.url, stream | {"send": "audio"})
                with Daemon(config({"s": session})) as daemon:
                    daemon.wait_log(re.escape(why))

    # The program is held up by the server: what is on the way is bounded.
    def test_server_that_does_not_read(self):
        reached = threading.Event()

        async def serve(socket):
            socket.transport.pause_reading()
            reached.set()
            await socket.wait_closed()

        with tempfile.TemporaryDirectory() as directory:
            count = pathlib.Path(directory) / "count"
            program = f"i=0; while head -c 100000 /dev/zero; do i=$((i+1)); echo $i > {count}; done"
            stream = {"exec": ["sh", "-c", program], "chunk": 100000, "send": "audio"}
            with Server(serve) as server, Daemon(config({"s": self.session(server.url, stream)})):
                self.assertTrue(reached.wait(30))

                def stands():
                    before = count.exists() and count.read_text()
                    threading.Event().wait(1)
                    return before and count.read_text() == before

                until(stands, seconds=60)
                self.assertLess(int(count.read_text()) * 100000, 64 << 20)


class Events(unittest.TestCase):
    # The block of docs/scripts.md, as it stands there.
    def test_backfill(self):
        missed = {"symbol": "BTCUSD", "trades": [{"p": 7, "q": 1}, {"p": 8, "q": 2}]}

        class Api(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(missed).encode())

            def log_message(self, *_):
                pass

        async def serve(socket):
            await socket.recv()
            await socket.send(json.dumps({"type": "trade", "symbol": "BTCUSD", "price": 9, "size": 3}))
            await socket.wait_closed()

        api = http.server.HTTPServer(("127.0.0.1", 0), Api)
        threading.Thread(target=api.serve_forever, daemon=True).start()
        self.addCleanup(api.server_close)
        self.addCleanup(api.shutdown)
        steps = example("scripts.md", "Events from steps")
        steps["script"][0]["http"]["url"] = f"http://127.0.0.1:{api.server_port}/trades?symbol=BTCUSD"
        protocol = {"replies": [{"as": "trade", "frame": "text",
                                 "json": {"type": "trade", "symbol": None, "price": None, "size": None}}]}
        with Server(serve) as server:
            session = {"url": server.url, "protocol": protocol, "liveness": QUIET} | steps
            with Daemon(config({"s": session})) as daemon:
                daemon.events.wait(lambda event: event.get("data", {}).get("price") == 9)
                trades = [event for event in daemon.events.all() if event.get("reply") == "trade"]
        self.assertEqual([(each["data"]["symbol"], each["data"]["price"], each["data"]["size"]) for each in trades],
                         [("BTCUSD", 7, 1), ("BTCUSD", 8, 2), ("BTCUSD", 9, 3)])


if __name__ == "__main__":
    unittest.main()
