"""A server made with python3-websockets that lets in who proves to know the key."""

import asyncio
import hmac
import json
import os
import secrets
import sys

import websockets

from report import report


async def log_in(socket):
    hello = json.loads(await socket.recv())
    nonce = secrets.token_hex(16)
    await socket.send(json.dumps({"op": "challenge", "nonce": nonce}))
    answer = json.loads(await socket.recv())
    proof = hmac.new(os.environ["DEVICE_KEY"].encode(), (nonce + hello["device"]).encode(), "sha256").hexdigest()
    welcome = hmac.compare_digest(answer["proof"], proof)
    report("login", welcome=welcome)
    await socket.send(json.dumps({"op": "welcome" if welcome else "denied"}))
    return welcome


async def serve(socket):
    report("open")
    try:
        if await log_in(socket):
            async for message in socket:
                measured = json.loads(message)
                report("measure", id=measured["id"], value=measured["value"])
                await socket.send(json.dumps({"op": "stored", "id": measured["id"]}))
        else:
            await socket.wait_closed()
    except websockets.ConnectionClosed:
        pass
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port)) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
