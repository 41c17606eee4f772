#!/usr/bin/python3
"""What protobuf_bench.cpp does, with Python's protobuf: usage: protobuf_bench.py FOLDER_OF_MARKET_PB2, values on stdin."""
import json
import sys
import time
import timeit

from google.protobuf import json_format

sys.path.insert(0, sys.argv[1])
import market_pb2  # noqa: E402  pylint: disable=import-error,wrong-import-position


def cost(call):
    """Nanoseconds of processor time: the best of some rounds."""
    timer = timeit.Timer(call, timer=time.process_time)
    count, _ = timer.autorange()
    return min(timer.repeat(4, count)) / count * 1e9


def measure(message, values):
    made = getattr(market_pb2, message)

    def pack():
        return json_format.ParseDict(values, made()).SerializeToString()

    def unpack():
        return json.dumps(json_format.MessageToDict(made.FromString(packet)), separators=(",", ":"))

    packet = pack()
    return {"bytes": len(packet), "values": json.loads(unpack()), "pack": cost(pack), "unpack": cost(unpack)}


print(json.dumps({message: measure(message, values) for message, values in json.load(sys.stdin).items()}))
