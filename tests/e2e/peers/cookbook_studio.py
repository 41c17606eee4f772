"""A server made with python3-websockets that speaks as obs-websocket 5 does, and lets in whose digest hashlib finds right."""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import sys

import websockets

from report import report


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def log_in(socket):
    salt, challenge = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    await socket.send(json.dumps({"op": 0, "d": {"obsWebSocketVersion": "5.1.0", "rpcVersion": 1,
                                                 "authentication": {"challenge": challenge, "salt": salt}}}))
    identify = json.loads(await socket.recv())
    proof = digest(digest(os.environ["OBS_PASSWORD"] + salt) + challenge)
    right = identify["op"] == 1 and identify["d"]["authentication"] == proof
    report("identify", right=right, subscriptions=identify["d"]["eventSubscriptions"])
    if right:
        await socket.send(json.dumps({"op": 2, "d": {"negotiatedRpcVersion": 1}}))
    else:
        await socket.close(4009, "Authentication failed.")
    return right


async def event(socket, kind, **data):
    await socket.send(json.dumps({"op": 5, "d": {"eventType": kind, "eventIntent": 4, "eventData": data}}))


async def serve(socket):
    report("open", subprotocol=socket.subprotocol)
    try:
        if await log_in(socket):
            async for message in socket:
                asked = json.loads(message)["d"]
                report("request", kind=asked["requestType"], data=asked.get("requestData"))
                if asked["requestType"] == "SetCurrentProgramScene":
                    await event(socket, "CurrentProgramSceneChanged", **asked["requestData"])  # in front of the answer
                known = asked["requestType"] in ("GetVersion", "SetCurrentProgramScene")
                answer = {"requestType": asked["requestType"], "requestId": asked["requestId"],
                          "requestStatus": {"result": known, "code": 100 if known else 204}}
                if asked["requestType"] == "GetVersion":
                    answer["responseData"] = {"obsVersion": "30.0.0", "rpcVersion": 1}
                await socket.send(json.dumps({"op": 7, "d": answer}))
    except websockets.ConnectionClosed:
        pass
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port), subprotocols=["obswebsocket.json"]) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
