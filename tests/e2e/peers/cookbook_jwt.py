"""A server made with python3-websockets that lets in who has a token that PyJWT finds good, each token once."""

import asyncio
import http
import json
import os
import pathlib
import sys

import jwt
import websockets

from report import report

PUBLIC_KEY = (pathlib.Path(os.environ["CREDENTIALS_DIRECTORY"]) / "public_key").read_text()
used = set()


async def judge(_, headers):
    """A refusal, or nothing."""
    token = headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, PUBLIC_KEY, ["ES256"], audience="orders", issuer="desk-1",
                            options={"require": ["exp", "iat", "jti"]})
        wrong = "used" if claims["jti"] in used else ""
        used.add(claims["jti"])
        report("token", kid=jwt.get_unverified_header(token).get("kid"), seconds=claims["exp"] - claims["iat"], wrong=wrong)
    except jwt.InvalidTokenError as error:
        wrong = str(error)
        report("token", wrong=wrong)
    return (http.HTTPStatus.UNAUTHORIZED, [], b"") if wrong else None


async def serve(socket):
    report("open")
    try:
        async for message in socket:
            order = json.loads(message)
            report("place", id=order["id"], amount=order["amount"])
            await socket.send(json.dumps({"op": "placed", "id": order["id"]}))
    except websockets.ConnectionClosed:
        pass
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", int(port), process_request=judge) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
