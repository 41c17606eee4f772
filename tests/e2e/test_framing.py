"""Packets that end in a delimiter, between duplexd and programs that nobody here wrote, and between duplexd and itself."""

import asyncio
import json
import queue
import ssl
import tempfile
import threading
import unittest

import websockets

from support.config import config
from support.daemon import Daemon, write_config
from support.waiting import until
from test_simulate import Simulator

END = "\x1e"
HANDSHAKE = {"protocol": "json", "version": 1}
# SignalR's JSON hub protocol, as far as a client that listens needs it.
HUB = {
    "protocol": {
        "framing": {"delimiter": END, "mode": "stream"},
        "json": "compact",
        "commands": {"invoke": {"json": {"type": 1, "target": None, "arguments": None}}},
        "replies": [{"as": "ping", "when": {"json": "/type", "is": 6}},
                    {"as": "invoked", "when": {"json": "/type", "is": 1}},
                    {"as": "ready", "frame": "text"}],
    },
    "login": {"json": HANDSHAKE, "expect": "ready"},
    "liveness": {"ping_interval": "0s", "idle_timeout": "0s"},
}


class Server:
    """A server made with python3-websockets, which does with each link what `serve` does."""

    def __init__(self, serve):
        self._serve = serve
        self._started = queue.Queue()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        async with websockets.serve(self._serve, "127.0.0.1", 0) as server:
            self._started.put(server.sockets[0].getsockname()[1])
            await self._ended.wait()

    def __enter__(self):
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._started.get(timeout=30)}/"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()


class Framing(unittest.TestCase):
    # The server cuts its stream wherever it likes.
    def test_signalr(self):
        said = queue.Queue()
        calls = [{"type": 1, "target": "say", "arguments": ["ä", n]} for n in range(3)]

        async def serve(socket):
            said.put(await socket.recv())
            await socket.send("{}" + END + '{"type":6}' + END)
            all_calls = "".join(json.dumps(call) + END for call in calls)
            for at in range(0, len(all_calls), 7):
                await socket.send(all_calls[at:at + 7])
            said.put(await socket.recv())
            await socket.send('{"type":6}' + END)
            await socket.wait_closed()

        script = [{"expect": "invoked"},
                  {"send": "invoke", "with": {"target": "say", "arguments": ["it's ä"]}}]
        with Server(serve) as server, Daemon(config({"hub": HUB | {"url": server.url, "script": script}})) as daemon:
            self.assertEqual(said.get(timeout=30), json.dumps(HANDSHAKE, separators=(",", ":")) + END)
            self.assertEqual(said.get(timeout=30), '{"type":1,"target":"say","arguments":["it\'s ä"]}' + END)
            until(lambda: len(daemon.replies()) == 6)
            self.assertEqual(daemon.replies(), [{}, {"type": 6}, *calls, {"type": 6}])

    # Lines of a server that ends them in a carriage return and a line feed; several in a message, and one in binary.
    def test_lines(self):
        said = queue.Queue()

        async def serve(socket):
            await socket.send("first\r\nsecond\n\r\nthird")
            await socket.send(b"\x01\x02\n")
            said.put(await socket.recv())
            await socket.wait_closed()

        lines = {
            "protocol": {"framing": "lines",
                         "commands": {"say": {"frame": "text", "layout": "words:str"}},
                         "replies": [{"as": "line", "frame": "text", "layout": "words:str"}, {"as": "bytes"}]},
            "liveness": HUB["liveness"],
            "script": [{"expect": "bytes"}, {"send": "say", "with": {"words": "hello"}}],
        }
        with Server(serve) as server, Daemon(config({"lines": lines | {"url": server.url}})) as daemon:
            self.assertEqual(said.get(timeout=30), "hello\n")
            until(lambda: len(daemon.replies()) == 4)
            self.assertEqual(daemon.replies(),
                             [{"words": "first"}, {"words": "second"}, {"words": "third"}, {"bytes": "0102"}])

    # The same configuration on both sides; then a client that nobody here wrote.
    def test_simulate(self):
        script = [{"send": "invoke", "with": {"target": "say", "arguments": []}}, {"expect": "ping"}]
        simulated = {"answers": [{"to": "invoke", "send": "ping", "with": {"type": 6}}]}
        hub = HUB | {"url": "wss://hub.example/", "script": script, "simulate": simulated}
        with tempfile.TemporaryDirectory() as directory, \
                Simulator(write_config(config({"hub": hub}), directory)) as simulator:
            mine = hub | {"url": simulator.url, "tls": {"ca_file": simulator.ca}}
            with Daemon(config({"hub": mine}), "--once") as daemon:
                self.assertEqual(daemon.wait(), 0, daemon.log.all() + simulator.log.all())
                self.assertEqual(daemon.replies()[-1], {"type": 6})

            async def log_in(handshake):
                async with websockets.connect(simulator.url, ssl=ssl.create_default_context(cafile=simulator.ca)) as socket:
                    await socket.send(handshake)
                    await socket.recv()  # the login's reply
                    await socket.send('{"type":1,"target":"x",')
                    await socket.send('"arguments":[]}' + END)
                    return await asyncio.wait_for(socket.recv(), 30)

            self.assertEqual(asyncio.run(log_in(json.dumps(HANDSHAKE) + END)), '{"type":6}' + END)
            with self.assertRaises(websockets.ConnectionClosed) as refused:
                asyncio.run(log_in(json.dumps({"protocol": "other"}) + END))
            self.assertEqual(refused.exception.code, 1008)


if __name__ == "__main__":
    unittest.main()
