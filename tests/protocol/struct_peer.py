#!/usr/bin/python3
"""Prints random calls of Python's own struct and what came of them, one JSON object a line: the peer that
struct_parity_test compares with. Arguments: seed, count."""
import json
import random
import struct
import sys


def mark(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, bytes):
        return {"$hex": value.hex()}
    if isinstance(value, str):
        return {"$str": value}
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return {"$int": str(value)}
    if isinstance(value, float) and (value != value or str(value) in ("inf", "-inf", "-0.0")):
        return {"$float": str(value)}
    return value


def random_format(r):
    out = r.choice(["", "@", "=", "<", ">", "!"])
    for _ in range(r.randrange(7)):
        if r.random() < 0.05:
            out += " "
        if r.random() < 0.3:
            out += str(r.choice([0, 1, 2, 3, 5, 17]))
        out += r.choice("xcbB?hHiIlLqQnNefdspP")
    if r.random() < 0.03:
        out += r.choice(["Z", "3", "u", "99999999999999999999b", "9223372036854775807b"])
    return out


def random_value(r, code):
    if r.random() < 0.04:
        return r.choice([1.5, "text", b"ab", True, 2**200, None, -1])
    if code in "csp":
        return bytes(r.randrange(256) for _ in range(1 if code == "c" else r.randrange(8)))
    if code == "?":
        return r.choice([True, False, 0, 7, b"", b"x", 0.0, "y"])
    if code in "efd":
        return r.choice([r.gauss(0, 1), r.uniform(-1e5, 1e5), 10.0 ** r.randrange(-60, 60), float("nan"), float("-inf"),
                         r.randrange(-(2**70), 2**70), 65519.99, 65520.0, 2.0**-25, 3.4028235677973366e38, -0.0])
    bits = {"b": 8, "h": 16, "i": 32, "l": 64, "q": 64, "n": 64, "p": 64}[code.lower()]
    return r.choice([0, 1, -1, r.getrandbits(bits), r.getrandbits(bits - 1), -r.getrandbits(bits - 1),
                     2 ** (bits - 1), -(2 ** (bits - 1)), 2**bits - 1, 2**bits, r.randrange(-300, 300)])


def codes_of(fmt):
    count = ""
    for c in fmt.lstrip("@=<>!"):
        if c.isdigit():
            count += c
        elif not c.isspace():
            n = int(count) if count else 1
            count = ""
            if c in "sp":
                yield c
            elif c != "x":
                yield from c * min(n, 50)


def attempt(row, action):
    try:
        row.update(action())
    except Exception as error:  # whatever struct raises, it refuses
        row["error"] = str(error)
    print(json.dumps(row))


def main():
    r = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        fmt = random_format(r)
        attempt({"op": "calcsize", "fmt": fmt}, lambda: {"size": struct.calcsize(fmt)})
        try:
            values = [random_value(r, c) for c in codes_of(fmt)]
        except KeyError:
            values = []
        if r.random() < 0.03:
            values.append(1)
        row = {"op": "pack", "fmt": fmt, "values": [mark(v) for v in values]}
        attempt(row, lambda: {"hex": struct.pack(fmt, *values).hex()})
        try:
            size = struct.calcsize(fmt)
        except Exception:
            continue
        if size > 10_000:
            continue
        data = bytes(r.getrandbits(8) for _ in range(size if r.random() > 0.05 else size + r.choice([-1, 1]) if size else 1))
        row = {"op": "unpack", "fmt": fmt, "hex": data.hex()}
        attempt(row, lambda: {"values": [mark(v) for v in struct.unpack(fmt, data)]})


main()
