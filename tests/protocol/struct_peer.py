#!/usr/bin/python3
"""Prints calls of Python's own struct and what came of them, one JSON object a line: the peer that struct_parity_test
compares with. Arguments: a seed and a count of random formats, or "edges" for every code at the ends of its range."""
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


def calcsize(fmt):
    attempt({"op": "calcsize", "fmt": fmt}, lambda: {"size": struct.calcsize(fmt)})


def pack(fmt, values):
    row = {"op": "pack", "fmt": fmt, "values": [mark(v) for v in values]}
    attempt(row, lambda: {"hex": struct.pack(fmt, *values).hex()})


def unpack(fmt, data):
    row = {"op": "unpack", "fmt": fmt, "hex": data.hex()}
    attempt(row, lambda: {"values": [mark(v) for v in struct.unpack(fmt, data)]})


def edge_values(code):
    if code in "csp":
        return [b"", b"a", b"ab", bytes(range(254)), bytes(255), bytes(256), bytes(257), "a", 1, None]
    if code == "?":
        return [True, False, 0, 1, 2**200, -1, 0.0, 0.5, b"", b"a", "", "a", None]
    if code in "efd":
        edges = [0.0, 2.0**-24, 2.0**-25, 2.0**-14, 65504.0, 65519.99, 65520.0, 3.4028234663852886e38,
                 3.4028235677973362e38, 3.4028235677973366e38, 1e39, 1.7976931348623157e308, float("inf"), float("nan")]
        return edges + [-x for x in edges if x == x] + [
            True, False, 1, -1, 2**53 + 1, 2**64, 10**37, 10**38 - 1, 10**38, 10**39, -(10**38), 10**308, 10**309,
            -(10**309), "a", b"a", None]
    edges = []
    for bits in (8, 16, 32, 64):
        for power in (2 ** (bits - 1), 2**bits):
            edges += [power - 2, power - 1, power, power + 1, -power - 1, -power, -power + 1]
    return edges + [0, 1, -1, True, False, 2**126, 2**127, 2**200, -(2**200), 10**38, 1.0, "a", b"a", None]


def edges():
    """Each code in each order, behind nothing and behind bytes that it must be aligned after, with values at the ends
    of every range."""
    for order in ["", "@", "=", "<", ">", "!"]:
        for code in "xcbB?hHiIlLqQnNefdspP":
            for lead in ["", "b", "3x", "h", "i", "b0"]:
                fmt = order + lead + code
                for text in (fmt, fmt + "b", fmt + "0i", order + "2" + code + "h"):
                    calcsize(text)
                first = [5] if lead in "b h i" and lead else []
                for value in edge_values(code) if lead in ("", "b") and code != "x" else []:
                    pack(fmt, first + [value])
                try:
                    size = struct.calcsize(fmt)
                except struct.error:
                    continue
                for data in (bytes(range(1, size + 1)), bytes(size), b"\xff" * size, b"\x80" * size, bytes(size + 1)):
                    unpack(fmt, data)
                unpack(fmt, bytes(max(size - 1, 0)))
        for count in ("0", "1", "2", "7", "255", "256", "257", "300"):
            for code in "spc":
                fmt = order + count + code
                size = struct.calcsize(fmt)
                unpack(fmt, b"\xff" * size)
                unpack(fmt, (b"\x05" + bytes(range(1, 256)) * 2)[:size])
                unpack(fmt + "b", b"\x03" * (size + 1))
                if code != "c":
                    for value in edge_values(code):
                        pack(fmt, [value])
                        pack(fmt + "b", [value, 1])


def broken_formats():
    largest = 2**63 - 1
    for order in ["", "<"]:
        for body in ["Z", "3", "b3", "u", "1 b", " b", "b b", "b\tb", "b\nb", "b\vb", "b\fb", "b\rb", "b\x0eb", "b\x08b",
                     "b\x1fb", "<b", "b<", "b@", "-1b", "1.5b", "/b", ":b", "0", "00b", "03b", "b\u00e9", "01s",
                     f"{largest}b", f"{largest + 1}b", f"{largest}x", f"{largest}s", f"{largest}p", f"{largest // 10}8b",
                     f"{largest // 2}h", f"{largest // 2 + 1}h", f"{largest // 8}q", f"{largest // 8 + 1}q",
                     f"b{largest}x", f"b{largest - 1}x", f"b{largest // 8}q", f"b{largest // 8 - 1}q",
                     f"{largest - 7}xq", f"{largest - 6}xq", f"{largest - 8}xq", f"{largest}xb", f"{largest - 1}xb",
                     f"{largest}xh", f"{largest - 1}xh", f"{largest - 2}xh", f"{largest - 3}xh", f"{largest}x0h",
                     f"{largest - 1}x0h", f"{largest}x0q", f"{largest - 7}x0q", f"{largest - 6}x0q", "9" * 30 + "b"]:
            calcsize(order + body)


def random_calls(seed, count):
    r = random.Random(seed)
    for _ in range(count):
        fmt = random_format(r)
        calcsize(fmt)
        try:
            values = [random_value(r, c) for c in codes_of(fmt)]
        except KeyError:
            values = []
        if r.random() < 0.03:
            values.append(1)
        pack(fmt, values)
        try:
            size = struct.calcsize(fmt)
        except Exception:
            continue
        if size > 10_000:
            continue
        if r.random() < 0.05:
            size = max(size + r.choice([-1, 1]), 0)
        unpack(fmt, bytes(r.getrandbits(8) for _ in range(size)))


def main():
    if sys.argv[1] == "edges":
        edges()
        broken_formats()
    else:
        random_calls(int(sys.argv[1]), int(sys.argv[2]))


main()
