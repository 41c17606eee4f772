#!/usr/bin/python3
"""What codec_bench does, in Python's struct and json: nanoseconds of CPU for each message."""
import json
import struct
import time
import timeit

LEVEL = struct.Struct(">IIH2x")
CODE = struct.Struct("=i")
TICK = struct.Struct(">16I")
HEADER = struct.Struct(">IHHII")

code = CODE.pack(-123456)
tick = TICK.pack(884737, 39295, 2, 40307, 22261032, 5617, 0, 42000, 42090, 39010, 41410, 1655375264, 0, 0, 0, 1655378328)
tick += LEVEL.pack(5617, 39295, 30) * 10
body = json.dumps({"cmd": "WATCHED_CHANGE", "data": {"num": 22097, "text_small": "2.2\u4e07", "text_large": "2.2\u4e07\u4eba\u770b\u8fc7"}},
                  separators=(",", ":"), ensure_ascii=False).encode()
bilibili = HEADER.pack(16 + len(body), 16, 0, 5, 0) + body


def unpack_code():
    return json.dumps({"code": CODE.unpack(code)[0]})


def levels(at):
    return [{"quantity": q, "price": p / 100, "orders": o} for q, p, o in LEVEL.iter_unpack(tick[at:at + 60])]


def unpack_tick():
    (token, last, quantity, average, volume, buy, sell, o, h, low, c, traded, oi, oi_high, oi_low, stamp) = TICK.unpack_from(tick)
    return json.dumps({"token": token, "last_price": last / 100, "last_quantity": quantity, "average_price": average / 100,
                       "volume": volume, "buy_quantity": buy, "sell_quantity": sell,
                       "ohlc": {"open": o / 100, "high": h / 100, "low": low / 100, "close": c / 100},
                       "last_trade_time": traded, "oi": oi, "oi_day_high": oi_high, "oi_day_low": oi_low,
                       "exchange_timestamp": stamp, "buy": levels(64), "sell": levels(124)})


def unpack_bilibili():
    total, header, ver, op, seq = HEADER.unpack_from(bilibili)
    return json.dumps({"ver": ver, "op": op, "seq": seq, "data": json.loads(bilibili[header:total])}, ensure_ascii=False)


def pick_code():
    return CODE.unpack(code)[0]


def pick_tick():
    token, last = struct.unpack_from(">II", tick)
    return token, last / 100


def pick_bilibili():
    total, header, _ver, op, _seq = HEADER.unpack_from(bilibili)
    json.loads(bilibili[header:total])  # a packet that is not whole gives nothing
    return op


CODE_VALUES, TICK_VALUES, BILIBILI_VALUES = json.loads(unpack_code()), json.loads(unpack_tick()), json.loads(unpack_bilibili())


def cents(price):
    return round(price * 100)


def pack_code():
    return CODE.pack(CODE_VALUES["code"])


def pack_tick():
    v, ohlc = TICK_VALUES, TICK_VALUES["ohlc"]
    out = TICK.pack(v["token"], cents(v["last_price"]), v["last_quantity"], cents(v["average_price"]), v["volume"], v["buy_quantity"],
                    v["sell_quantity"], cents(ohlc["open"]), cents(ohlc["high"]), cents(ohlc["low"]), cents(ohlc["close"]),
                    v["last_trade_time"], v["oi"], v["oi_day_high"], v["oi_day_low"], v["exchange_timestamp"])
    return out + b"".join(LEVEL.pack(level["quantity"], cents(level["price"]), level["orders"]) for level in v["buy"] + v["sell"])


def pack_bilibili():
    v = BILIBILI_VALUES
    data = json.dumps(v["data"], separators=(",", ":"), ensure_ascii=False).encode()
    return HEADER.pack(16 + len(data), 16, v["ver"], v["op"], v["seq"]) + data


assert (pack_code(), pack_tick(), pack_bilibili()) == (code, tick, bilibili)

for action in (unpack_code, pick_code, pack_code, unpack_tick, pick_tick, pack_tick, unpack_bilibili, pick_bilibili, pack_bilibili):
    count, took = timeit.Timer(action, timer=time.process_time).autorange()
    best = min([took] + timeit.Timer(action, timer=time.process_time).repeat(4, count))
    print(f"{action.__name__:16} {best / count * 1e9:10.0f} ns")
