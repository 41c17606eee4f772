#!/usr/bin/python3
"""Guards the hot path without a clock: instructions per message, counted by callgrind, against instructions.json.

    tests/bench/link/instructions.py BENCH_INSTRUCTIONS            compares; exit code 1 if a case got 10 % dearer
    tests/bench/link/instructions.py BENCH_INSTRUCTIONS --update   writes what it counts into instructions.json

The counts hold for the release build with Debian 12's compiler. Ends with 'N passed, N failed'.
A test of the release build (ctest).
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

KEPT = Path(__file__).with_name("instructions.json")
MARGIN = 0.10
COUNTS = (200, 1200)  # two runs, so that start-up falls out of the difference


def instructions(program, case, count):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, case, str(count)],
        capture_output=True, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"instructions.py: callgrind failed:\n{done.stderr[-2000:]}")
    return int(found.group(1))


def per_message(program, case):
    few, many = COUNTS
    return round((instructions(program, case, many) - instructions(program, case, few)) / (many - few))


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and sys.argv[2] != "--update"):
        sys.exit(__doc__)
    if shutil.which("valgrind") is None:
        sys.exit("instructions.py: valgrind is not installed: scripts/install test")
    program, update = sys.argv[1], len(sys.argv) == 3
    counted = {case: per_message(program, case) for case in ("reply", "tick", "command")}
    if update:
        KEPT.write_text(json.dumps(counted, indent=2) + "\n")
        print(f"{KEPT}: {counted}")
        return
    kept = json.loads(KEPT.read_text())
    failed = 0
    for case, now in counted.items():
        before = kept[case]
        change = 100 * (now - before) / before
        dearer = now > before * (1 + MARGIN)
        failed += dearer
        print(f"{'FAILED' if dearer else 'ok'} {case}: {now} instructions per message, {before} kept ({change:+.1f} %)")
        if change < -100 * MARGIN:
            print(f"   cheaper by more than {MARGIN:.0%}: keep it so: tests/bench/link/instructions.py PROGRAM --update")
    if failed:
        print(f"If it has to be so, run: tests/bench/link/instructions.py {program} --update, and say why in the commit.")
    print(f"{len(counted) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
