"""A client made with python3-websockets; what it does is in README.md."""

import asyncio
import json
import ssl
import sys

import websockets


def report(**line):
    print(json.dumps(line), flush=True)


async def main(url, ca, script, replies):
    async with websockets.connect(url, ssl=ssl.create_default_context(cafile=ca)) as socket:
        for message in json.loads(script):
            await socket.send(message["text"] if "text" in message else bytes.fromhex(message["hex"]))
        for _ in range(int(replies)):
            message = await asyncio.wait_for(socket.recv(), 10)
            text = isinstance(message, str)
            report(what="message", kind="text" if text else "binary", hex=(message.encode() if text else message).hex())
        await socket.close(1000)
        report(what="close", code=socket.close_code)


asyncio.run(main(*sys.argv[1:]))
