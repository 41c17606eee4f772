#!/usr/bin/python3
"""Messages of Protocol Buffers: duplexd's module beside Python's protobuf and npm's protobufjs. See scripts/bench.

Each contestant packs the values of two messages to bytes and unpacks the bytes to JSON text. They take turns in rounds; the
figures are medians of nanoseconds of processor time, and what each made of the bytes is compared first.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs/performance.md"
BEGIN, END = "<!-- protobuf: written by scripts/bench protobuf -->", "<!-- end of protobuf -->"
SUBJECT = "duplexd"


def messages():
    """A small message and a large one."""
    def levels(price, step):
        return [{"price": round(price + step * number, 2), "quantity": 100 + 17 * number, "orders": 3 + number} for number in range(5)]

    trade = {"symbol": "NSE:RELIANCE", "price": 2987.65, "quantity": 75, "side": "BUY", "sequence": 18_446_744_073}
    quotes = [{"symbol": f"NSE:SYMBOL{number}", "last": 100.25 + number, "volume": 22_261_032 + number,
               "bids": levels(100.2 + number, -0.05), "asks": levels(100.3 + number, 0.05)} for number in range(20)]
    return {"Trade": trade, "Snapshot": {"time": 1_655_378_328_123, "quotes": quotes}}


def numbers(value):
    """The values with 64-bit integers as numbers: a contestant may write them as texts."""
    if isinstance(value, dict):
        return {key: int(part) if key in ("quantity", "sequence", "volume", "time") else numbers(part) for key, part in value.items()}
    return [numbers(part) for part in value] if isinstance(value, list) else value


def table(seen):
    lines = ["| message | way | " + " | ".join(seen) + " | " + " | ".join(f"{name} : {SUBJECT}" for name in seen if name != SUBJECT) + " |",
             "|---|---|" + "---:|" * (2 * len(seen) - 1)]
    for message in messages():
        size = seen[SUBJECT][0][message]["bytes"]
        for way in ("unpack", "pack"):
            median = {name: statistics.median(report[message][way] for report in reports) for name, reports in seen.items()}
            lines.append(f"| {message} ({size} bytes) | {way} | " + " | ".join(f"{value:,.0f} ns" for value in median.values()) + " | "
                         + " | ".join(f"{value / median[SUBJECT]:.1f}" for name, value in median.items() if name != SUBJECT) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench protobuf", description=__doc__)
    parser.add_argument("--build", default="build/release", help="where the programs are")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the figures into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["protoc", f"--proto_path={HERE}", f"--python_out={place}", "market.proto"], check=True)
        contestants = {SUBJECT: [Path(options.build) / "protobuf_bench", HERE],
                       "Python protobuf": ["/usr/bin/python3", HERE / "protobuf_bench.py", place],
                       "protobufjs": ["node", HERE / "protobuf_bench.mjs", HERE]}
        seen = {name: [] for name in contestants}
        for _ in range(options.rounds):
            for name, command in contestants.items():
                done = subprocess.run(command, input=json.dumps(messages()), stdout=subprocess.PIPE, text=True, check=True)
                seen[name].append(json.loads(done.stdout))
    for name, reports in seen.items():
        for message, values in messages().items():
            if numbers(reports[0][message]["values"]) != values:
                sys.exit(f"{name} makes something else of {message}: {reports[0][message]['values']}")
    print(found := table(seen))
    if options.write:
        text = PAGE.read_text()
        PAGE.write_text(text[:text.index(BEGIN)] + f"{BEGIN}\n{found}\n" + text[text.index(END):])


main()
