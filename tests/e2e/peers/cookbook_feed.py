"""A market-data feed made with python3-websockets: trades every 50 ms once a client has subscribed.

On each connection it leaves out number 10 of EURUSD, and falls silent after number 20 until it is asked again.
"""

import asyncio
import json
import sys

import websockets

from report import report


async def trade(socket, silent):
    numbers = {"EURUSD": 0, "GBPUSD": 0}
    while True:
        await asyncio.sleep(0.05)
        if silent.is_set():
            continue
        for symbol in numbers:
            numbers[symbol] += 2 if (symbol, numbers[symbol]) == ("EURUSD", 9) else 1
            await socket.send(json.dumps({"op": "trade", "symbol": symbol, "seq": numbers[symbol], "price": 1.25}))
        if numbers["GBPUSD"] == 20:
            silent.set()


async def serve(socket):
    report("open")
    silent = asyncio.Event()
    trading = None
    try:
        async for message in socket:
            asked = json.loads(message)
            report("subscribe", symbols=asked["symbols"])
            await socket.send(json.dumps({"op": "subscribed"}))
            silent.clear()
            trading = trading or asyncio.create_task(trade(socket, silent))
    except websockets.ConnectionClosed:
        pass
    if trading:
        trading.cancel()
    report("close", code=socket.close_code, reason=socket.close_reason)


async def main(port, address="127.0.0.1"):
    async with websockets.serve(serve, address, int(port)) as server:
        report("ready", port=server.sockets[0].getsockname()[1])
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
