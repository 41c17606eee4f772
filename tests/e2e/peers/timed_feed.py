"""A feed of trades, made with python3-websockets; what it does is in README.md."""

import asyncio
import itertools
import json
import sys
import time

import websockets

connections = itertools.count()


def report(**line):
    print(json.dumps(line), flush=True)


async def serve(socket):
    age = 60_000 if next(connections) == 0 else 0
    report(what="open", age=age)
    try:
        for number in itertools.count():
            at = "soon" if number == 0 else int(time.time() * 1000) - age
            await socket.send(json.dumps({"op": "trade", "time": at}))
            await asyncio.sleep(0.05)
    except websockets.ConnectionClosed:
        report(what="close", code=socket.close_code)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port)) as server:
        report(what="ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
