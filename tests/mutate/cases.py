"""Test cases: each run alone, under limits, with one mutant on or with none."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from build import JOBS, Build, say

MEMORY = 4 << 30
FILE_SIZE = 256 << 20


@dataclass
class Case:
    """One Catch2 case as ctest runs it."""

    name: str
    command: list[str]
    folder: str
    environment: list[str]
    seconds: float = 0.0
    passed: bool = False
    reached: frozenset[int] = frozenset()


def run(case: Case, limit: float, **environment: str) -> str:
    """How the case ended: passed, failed, crashed or hung."""
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        process = subprocess.Popen(
            ["prlimit", f"--as={MEMORY}", "--core=0", f"--fsize={FILE_SIZE}", *case.command],
            cwd=case.folder,
            env={**os.environ, **dict(e.split("=", 1) for e in case.environment), "TMPDIR": scratch, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(limit)
            ending = "passed" if code == 0 else "crashed" if code < 0 else "failed"
        except subprocess.TimeoutExpired:
            ending = "hung"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        return ending


def cases_of(build: Build) -> list[Case]:
    command = ["ctest", "--test-dir", str(build.binaries), "--show-only=json-v1"]
    shown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    cases = []
    for test in shown["tests"]:
        command = test.get("command", [])
        if not command or Path(command[0]).parent != build.binaries or Path(command[0]).name not in build.programs:
            continue
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        folder = properties.get("WORKING_DIRECTORY", str(build.binaries))
        cases.append(Case(test["name"], command, folder, properties.get("ENVIRONMENT", [])))
    return cases


def measured_cases(build: Build) -> list[Case]:
    """Every case run once with all mutants off. One that fails so is of no use, and is said."""
    store = build.work / "reached.pickle"
    state = (build.digest, build.patterns, build.programs, sorted(build.rejected))
    if store.exists():
        known, cases = pickle.loads(store.read_bytes())
        if known == state:
            return cases
    cases = cases_of(build)
    say(f"running {len(cases)} test cases to see what they reach")
    size = build.mutants[-1].number + 1

    def measure(case: Case) -> None:
        with tempfile.NamedTemporaryFile(prefix="mutate-") as reached:
            for _ in range(2):  # A second chance on a busy machine.
                reached.truncate(0)
                reached.truncate(size)
                begin = time.monotonic()
                ending = run(case, 300, MUTANTS_REACHED=reached.name)
                case.seconds = time.monotonic() - begin
                case.passed = ending == "passed"
                if case.passed:
                    break
            bytes_ = Path(reached.name).read_bytes()
            case.reached = frozenset(m.start() for m in re.finditer(b"\1", bytes_))

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(measure, cases))
    for case in cases:
        if not case.passed:
            say(f"left out, it fails without any mutant: {case.name}")
    cases = sorted((c for c in cases if c.passed), key=lambda c: c.seconds)
    store.write_bytes(pickle.dumps((state, cases)))
    return cases
