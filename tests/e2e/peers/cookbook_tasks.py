"""A trading desk made with python3-websockets: it answers what it is asked, later and out of order, and notes what it is told.

The question `silence` is never answered. Of two questions for price and stock the second is answered first.
"""

import asyncio
import hashlib
import http
import json
import sys

import websockets

from report import report

VALUES = {"price": 12, "stock": 7}
DELAYS = {"price": 0.2, "stock": 0.05}
PAGES = {"/http/venue": {"name": "XETR"}, "/http/limits": {"orders": 5}}


async def page(path, headers):
    if path in PAGES:
        report("http", path=path)
        await asyncio.sleep(0.3)
        return http.HTTPStatus.OK, [("Content-Type", "application/json")], json.dumps(PAGES[path]).encode()
    report("upgrade", path=path)
    return None


async def answer(socket, asked):
    report(**{"what": asked["op"], **{key: value for key, value in asked.items() if key not in ("op", "what")},
              "asked": asked.get("what")})
    if asked["op"] == "ask" and asked["what"] in VALUES:
        await asyncio.sleep(DELAYS[asked["what"]])
        await socket.send(json.dumps({"op": "value", "id": asked["id"], "value": VALUES[asked["what"]]}))
    elif asked["op"] == "order":
        right = hashlib.sha256(b"XETR60").hexdigest()
        await socket.send(json.dumps({"op": "alarm", "number": 1}))
        await socket.send(json.dumps({"op": "placed" if asked["signature"] == right else "refused", "id": asked["id"]}))


async def serve(socket):
    report("open")
    tasks = set()
    try:
        async for message in socket:
            task = asyncio.create_task(answer(socket, json.loads(message)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    except websockets.ConnectionClosed:
        pass
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port), process_request=page) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
