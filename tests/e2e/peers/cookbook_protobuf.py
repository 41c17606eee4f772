"""A feed of Protocol Buffers made with python3-websockets and python3-protobuf: after `subscribe` ticks every 50 ms, and each
order is accepted. Its file is the cookbook's feed.proto. With `broken` a message is cut off now and then."""

import asyncio
import pathlib
import subprocess
import sys

import websockets
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from report import report

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "config" / "examples" / "cookbook"


def classes():
    compiled = subprocess.run(["protoc", f"-I{PROTOS}", "--include_imports", "-o/dev/stdout", "feed.proto"], check=True,
                              capture_output=True).stdout
    pool = descriptor_pool.Default()
    for each in descriptor_pb2.FileDescriptorSet.FromString(compiled).file:
        pool.Add(each)
    made = message_factory.MessageFactory(pool)
    return [made.GetPrototype(pool.FindMessageTypeByName(name)) for name in ("feed.Request", "feed.Feed")]


Request, Feed = classes()


async def tick(socket):
    number = 0
    while True:
        number += 1
        made = Feed(sequence=2**53 + number)
        made.tick.symbol = "EURUSD"
        made.tick.price = 1.25
        made.tick.side = 1 + number % 2
        made.tick.time.seconds = 1655375264
        made.tick.venues["lse"] = 0.5
        await socket.send(made.SerializeToString())
        if number == 3 and "broken" in sys.argv:  # within a text; and what a later version might send
            await socket.send(made.SerializeToString()[:14])
            await socket.send(Feed(sequence=5).SerializeToString() + b"\xf8\x3e\x01")
        await asyncio.sleep(0.05)


async def serve(socket):
    report("open")
    ticking = None
    try:
        async for message in socket:
            asked = Request.FromString(message)
            if asked.WhichOneof("kind") == "subscribe":
                report("subscribe", symbols=list(asked.subscribe.symbols))
                await socket.send(Feed(subscribed={"symbols": asked.subscribe.symbols}).SerializeToString())
                ticking = ticking or asyncio.create_task(tick(socket))
            else:
                report("order", id=asked.order.id, side=asked.order.side, price=asked.order.price,
                       quantity=asked.order.quantity)
                await socket.send(Feed(accepted={"id": asked.order.id}).SerializeToString())
    except websockets.ConnectionClosed:
        pass
    if ticking:
        ticking.cancel()
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port, *_):
    async with websockets.serve(serve, "127.0.0.1", int(port)) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
