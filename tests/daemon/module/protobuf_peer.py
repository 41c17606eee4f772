#!/usr/bin/python3
"""Python's protobuf beside the module: `make SEED COUNT` prints random messages as {"hex", "json"}, one a line; `read` takes
such lines from stdin and prints those whose bytes are not the message that the JSON is. Both know every_kind.proto."""
import json
import pathlib
import random
import struct
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

HERE = pathlib.Path(__file__).resolve().parent / "protobuf"


def compiled(name):
    output = subprocess.run(["protoc", f"-I{HERE}", "--include_imports", "-o/dev/stdout", name], check=True, capture_output=True).stdout
    pool = descriptor_pool.Default()
    for each in descriptor_pb2.FileDescriptorSet.FromString(output).file:
        pool.Add(each)
    return pool


def message_class(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


POOL = compiled("every_kind.proto")
KINDS = message_class(POOL, "every.Kinds")

EDGES = {"int32": [0, 1, -1, 2**31 - 1, -2**31], "int64": [0, 1, -1, 2**53 + 1, 2**63 - 1, -2**63],
         "uint32": [0, 1, 2**32 - 1], "uint64": [0, 1, 2**53 + 1, 2**64 - 1]}
TEXTS = ["", "x", "ünï", "a\"b\\c\n", "\x00", "𝄞", "1", "null"]


def some_text(rng):
    return rng.choice(TEXTS) + "".join(chr(rng.choice([65, 0xe9, 0x4e2d, 0x1f600])) for _ in range(rng.randrange(3)))


def some_double(rng):
    if rng.randrange(4):
        return rng.choice([0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"), 1e16, 123456789.0])
    return struct.unpack("<d", struct.pack("<Q", rng.getrandbits(62)))[0]


def some_value(rng, depth=0):
    kind = rng.randrange(6 if depth < 3 else 4)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind == 2:
        return rng.choice([0, 1.5, -3, 1e20])
    if kind == 3:
        return some_text(rng)
    if kind == 4:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {some_text(rng): some_value(rng, depth + 1) for _ in range(rng.randrange(3))}


def single(rng, field, depth):
    name = field.message_type.full_name if field.message_type else ""
    kinds = type(field)
    if field.type in (kinds.TYPE_INT32, kinds.TYPE_SINT32, kinds.TYPE_SFIXED32):
        return rng.choice(EDGES["int32"] + [rng.randint(-1000, 1000)])
    if field.type in (kinds.TYPE_INT64, kinds.TYPE_SINT64, kinds.TYPE_SFIXED64):
        return rng.choice(EDGES["int64"] + [rng.randint(-2**40, 2**40)])
    if field.type in (kinds.TYPE_UINT32, kinds.TYPE_FIXED32):
        return rng.choice(EDGES["uint32"])
    if field.type in (kinds.TYPE_UINT64, kinds.TYPE_FIXED64):
        return rng.choice(EDGES["uint64"])
    if field.type == kinds.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == kinds.TYPE_DOUBLE:
        return some_double(rng)
    if field.type == kinds.TYPE_FLOAT:
        return rng.choice([0.0, 0.5, 0.1, -3.25, 16777216.0, 3.4e38, 1.17549435e-38, float("inf"), float("nan")])
    if field.type == kinds.TYPE_STRING:
        return some_text(rng)
    if field.type == kinds.TYPE_BYTES:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(6)))
    if field.type == kinds.TYPE_ENUM:
        return rng.choice([0, 1, 2, -5, 77])
    made = message_class(POOL, name)()
    if name == "google.protobuf.Timestamp":
        made.seconds = rng.choice([-62135596800, -1, 0, 1655375264, 253402300799])
        made.nanos = rng.choice([0, 1, 500000000, 123000000, 999999999])
    elif name == "google.protobuf.Duration":
        made.seconds = rng.choice([0, 3, -3, 315576000000 - 1])
        made.nanos = rng.choice([0, 1, 250000000, 999999000]) * (-1 if made.seconds < 0 else 1)
    elif name == "google.protobuf.FieldMask":
        made.paths.extend(rng.sample(["price", "book.best_bid", "a_b_c"], rng.randrange(3)))
    elif name == "google.protobuf.Struct":
        json_format.ParseDict({some_text(rng): some_value(rng) for _ in range(rng.randrange(3))}, made)
    elif name == "google.protobuf.Value":
        json_format.ParseDict(some_value(rng), made)
    elif name == "google.protobuf.ListValue":
        json_format.ParseDict([some_value(rng) for _ in range(rng.randrange(3))], made)
    elif name == "google.protobuf.Any":
        if rng.random() < 0.5:
            made.Pack(fill(rng, KINDS(), depth + 1))
        else:
            made.Pack(message_class(POOL, "google.protobuf.Timestamp")(seconds=rng.randrange(10**9)))
    elif name.startswith("google.protobuf."):
        made.value = single(rng, field.message_type.fields_by_name["value"], depth)
    else:
        fill(rng, made, depth + 1)
    return made


def put(target, field, value):
    if field.message_type:
        getattr(target, field.name).CopyFrom(value)
    else:
        setattr(target, field.name, value)


def fill(rng, made, depth=0):
    for field in made.DESCRIPTOR.fields:
        if rng.random() > (0.3 if depth == 0 else 0.1) or (depth > 2 and field.message_type):
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, value = (field.message_type.fields_by_name[each] for each in ("key", "value"))
            for _ in range(rng.randrange(3)):
                place, held = getattr(made, field.name), single(rng, value, depth)
                if value.message_type:
                    place[single(rng, key, depth)].CopyFrom(held)
                else:
                    place[single(rng, key, depth)] = held
        elif field.label == field.LABEL_REPEATED:
            getattr(made, field.name).extend(single(rng, field, depth) for _ in range(rng.randrange(4)))
        else:
            put(made, field, single(rng, field, depth))
    return made


def main():
    if sys.argv[1] == "make":
        rng = random.Random(int(sys.argv[2]))
        for _ in range(int(sys.argv[3])):
            made = fill(rng, KINDS())
            try:
                shown = json_format.MessageToDict(made)
            except (json_format.SerializeToJsonError, ValueError):
                continue  # a Value that is not set
            print(json.dumps({"hex": made.SerializeToString().hex(), "json": shown}))
        return
    for line in sys.stdin:
        given = json.loads(line)
        read = json_format.MessageToDict(KINDS.FromString(bytes.fromhex(given["hex"])))
        if json.dumps(read, sort_keys=True) != json.dumps(given["json"], sort_keys=True):
            print(json.dumps({"read": read, "json": given["json"]}))


if __name__ == "__main__":
    main()
