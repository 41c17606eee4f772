"""A server made with python3-websockets and gzip that takes sound in chunks, and answers each with what it has heard so far."""

import asyncio
import gzip
import hashlib
import json
import os
import struct
import sys

import websockets

from report import report

FULL, SOUND, ANSWER, ERROR, JSON_GZIP = 1, 2, 9, 15, 0x1100


def packet(kind, value, between=b""):
    body = gzip.compress(json.dumps(value).encode())
    return struct.pack(">HH", 0x1100 | kind << 4, JSON_GZIP) + between + struct.pack(">I", len(body)) + body


def content(message):
    """The kind of a message, its flags, and what was compressed."""
    head, form, size = struct.unpack_from(">HHI", message)
    if head >> 8 != 0x11 or form != JSON_GZIP or size != len(message) - 8:
        raise ValueError(f"not a message of this protocol: {message[:8].hex()}")
    return head >> 4 & 0xf, head & 0xf, gzip.decompress(message[8:])


async def serve(socket):
    report("open", authorization=socket.request_headers["Authorization"] == f"Bearer; {os.environ['SPEECH_KEY']}")
    heard, number = hashlib.sha256(), 1
    try:
        async for message in socket:
            kind, flags, body = content(message)
            if kind == FULL:
                asked = json.loads(body)
                report("start", audio=asked["audio"])
                if asked["audio"]["rate"] != 16000:
                    await socket.send(packet(ERROR, {"message": "the rate is not supported"}, struct.pack(">I", 45000001)))
                    continue
            elif kind == SOUND:
                heard.update(body)
                number = -number - 1 if flags == 2 else number + 1
                report("sound", size=len(body), last=flags == 2)
            await socket.send(packet(ANSWER, {"code": 1000, "sequence": number, "text": f"{abs(number)} words"}))
            if number < 0:
                report("heard", digest=heard.hexdigest())
    except websockets.ConnectionClosed:
        pass
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port)) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
