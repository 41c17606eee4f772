#!/usr/bin/python3
"""Runs the end-to-end tests: run.py [MODULE…], with DUPLEXD naming the binary (default: build/release/duplexd).

Each module runs in a process of its own, three at a time: they mostly wait. Modules with failures are shown last, where a log
that is cut still has them. Ends with 'N passed, N failed, N skipped'.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
AT_ONCE = 3


def run_module(name):
    """In the child: runs one module; its last line of output is its counts."""
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    # An error in setUpClass counts as failed without counting as run.
    passed = max(0, result.testsRun - failed - len(result.skipped))
    print(passed, failed, len(result.skipped))
    return 1 if failed else 0


def run_child(name):
    start = time.monotonic()
    done = subprocess.run([sys.executable, __file__, "--module", name], cwd=HERE, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    *output, counts = done.stdout.splitlines() or [""]
    try:
        counts = [int(number) for number in counts.split()]
        passed, failed, skipped = counts
    except ValueError:  # It died: what it printed last is not a count.
        passed, failed, skipped = 0, 1, 0
        output.append(f"{name} ended with exit code {done.returncode}: {counts}")
    return name, output, time.monotonic() - start, (passed, failed, skipped)


def show(name, output, seconds):
    print(f"{name} ({seconds:.0f} s)")
    print("\n".join("  " + line for line in output if line and not line.startswith(("-----", "OK", "Ran "))), flush=True)


def main(names):
    from support.daemon import BINARY  # pylint: disable=import-outside-toplevel
    if not os.access(BINARY, os.X_OK):
        print(f"there is no {BINARY}; scripts/build makes it\n0 passed, 1 failed, 0 skipped")
        return 1
    names = names or sorted(path.stem for path in HERE.glob("test_*.py"))
    totals, with_failures = [0, 0, 0], []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, output, seconds, counts in pool.map(run_child, names):
            if counts[1]:
                with_failures.append((name, output, seconds))
            else:
                show(name, output, seconds)
            totals = [total + count for total, count in zip(totals, counts)]
    for failure in with_failures:
        show(*failure)
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    if sys.argv[1:2] == ["--module"]:
        sys.exit(run_module(sys.argv[2]))
    sys.exit(main(sys.argv[1:]))
