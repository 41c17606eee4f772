"""A server made with python3-websockets; what it does is in README.md."""

import asyncio
import json
import ssl
import struct
import sys
import time

import websockets


def report(**line):
    print(json.dumps(line), flush=True)


async def answer(socket, message):
    if struct.unpack("=i", message[:4])[0] == 2:
        await socket.send(struct.pack("=i", 7) + b"queued")
        return
    await socket.send(struct.pack("=i", 0))
    await socket.send(bytes([1, 2, 3]))
    for i in range(50):
        await socket.send(struct.pack("=i", 100 + i))


async def serve(socket):
    report(what="open", extensions=", ".join(extension.name for extension in socket.extensions))
    try:
        async for message in socket:
            text = isinstance(message, str)
            report(what="message", kind="text" if text else "binary",
                   hex=(message.encode() if text else message).hex(), time=time.monotonic())
            if not text:
                await answer(socket, message)
    except websockets.ConnectionClosed:
        pass
    report(what="close", code=socket.close_code, reason=socket.close_reason)


async def main(port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with websockets.serve(serve, "127.0.0.1", int(port), ssl=context) as server:
        report(what="ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
