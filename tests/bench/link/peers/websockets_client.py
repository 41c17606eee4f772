#!/usr/bin/python3
"""A peer of the benchmark: python3-websockets on asyncio or uvloop.

Usage: websockets_client.py [--uvloop] ROW URL CA_FILE COUNT    (see ../limit.cpp for the rows)
"""
import asyncio
import json
import ssl
import struct
import sys
from datetime import datetime, timezone

import websockets


def report(count, total):
    print(json.dumps({"count": count, "sum": total}), file=sys.stderr)


async def receive(link):
    unpack = struct.Struct("=i").unpack_from
    count = total = 0
    await link.send(json.dumps({"role": "bench"}))
    async for message in link:
        count += 1
        total += len(message) if isinstance(message, str) else unpack(message)[0]
    report(count, total)


async def line(link):
    unpack = struct.Struct("=i").unpack_from
    count = total = 0
    write = sys.stdout.write
    await link.send(json.dumps({"role": "bench"}))
    async for message in link:
        number = unpack(message)[0]
        time = datetime.now(timezone.utc).isoformat(timespec="microseconds")
        event = {"v": 1, "time": time, "session": "bench", "event": "reply", "reply": "tick",
                 "data": {"id": number, "body": json.loads(message[4:])}}
        write(json.dumps(event) + "\n")
        count += 1
        total += number
    sys.stdout.flush()
    report(count, total)


async def send(link, count):
    pack = struct.Struct("=ib").pack
    for number in range(count):
        await link.send(pack(number & 0xFFFF, 1))
    async for _ in link:  # the server's count, then its close frame
        pass


async def echo(link):
    ping = struct.pack("=i12x", 1)
    try:
        while True:
            await link.send(ping)
            await link.recv()
    except websockets.ConnectionClosedOK:
        pass


async def run(row, url, ca_file, count):
    context = ssl.create_default_context(cafile=ca_file)
    options = {"ssl": context, "compression": "deflate" if row == "deflate" else None, "max_size": None}
    if row in ("handshake", "resumed"):
        for _ in range(count + 1):
            async with websockets.connect(url, **options) as link:
                await link.wait_closed()
        return
    if row == "idle":
        links = []
        for _ in range(count):
            links.append(await websockets.connect(url, **options))
        await asyncio.Event().wait()
    async with websockets.connect(url, **options) as link:
        if row in ("receive", "deflate"):
            await receive(link)
        elif row == "line":
            await line(link)
        elif row == "send":
            await send(link, count)
        elif row == "echo":
            await echo(link)


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--uvloop":
        import uvloop
        uvloop.install()
        arguments = arguments[1:]
    row, url, ca_file, count = arguments
    asyncio.run(run(row, url, ca_file, int(count)))


main()
