"""Mutation testing: does some unit test fail when the code is wrong?

All mutants are compiled into one build (build/mutate), each behind a switch (mutant.hpp). Each test case is run once
alone, with all of them off, to see which ones it reaches. Then each drawn mutant is switched on in the cases that reach
it, the fastest first, until one fails, crashes or hangs: the mutant is seen. A mutant that no case sees has survived."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import places
from rewrite import Edit, Mutant, mutants_of, rewrite

HERE = Path(__file__).resolve().parent
SOURCES = ("protocol/", "config/", "daemon/")
# What only the finished program reaches, and what a wrong pid could make dangerous (daemon/process).
EXCLUDED = ("daemon/app/", "daemon/commands/", "daemon/main.cpp", "daemon/process/", "daemon/telemetry/spdlog_")
# Percent seen, by the longest path that fits.
GOALS = {
    "protocol": 85,
    "config": 85,
    "daemon/session": 85,
    "daemon/script": 85,
    "daemon/net": 90,
    "daemon/link": 90,
}
MEMORY = 4 << 30
BLOCK = 4096  # mutants are numbered from a multiple of it in each file, so that an edit does not change other files
JOBS = os.cpu_count() or 1


def say(text: str) -> None:
    print(f"mutate: {text}", file=sys.stderr, flush=True)


def folder_of(file: str) -> str:
    """The row of the table that a file counts in."""
    fitting = [goal for goal in GOALS if file.startswith(goal + "/")]
    if fitting:
        return max(fitting, key=len)
    return "/".join(file.split("/")[:-1][:2])


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


# ---- the tree and its mutants


@dataclass
class Build:
    """The copy of the tree with all mutants, and what is built from it."""

    root: Path
    files: list[str] = field(default_factory=list)
    mutants: list[Mutant] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)  # keys of mutants that do not compile
    below: tuple[str, ...] = ()  # only what is there is mutated in this build
    programs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work = self.root / "build/mutate"
        self.tree = self.work / "tree"
        self.binaries = self.tree / "build/dev"  # as deep as that of a build without mutants, for ccache's sake
        self.sources: dict[str, bytes] = {}
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout
        self.files = sorted(f for f in listed.split("\0") if f and (self.root / f).is_file())
        contents = []
        for file in self.files:
            content = (self.root / file).read_bytes()
            if not file.startswith("tests/mutate/"):
                contents.append(file.encode() + b"\0" + content)
            if file.startswith(SOURCES) and file.endswith((".cpp", ".hpp")):
                self.sources[file] = content
        self.digest = digest(*contents)

    def prepare(self) -> None:
        """Copies the tree, sources that may be mutated only where there are none yet, and configures it."""
        wanted = {*self.files, "tests/mutate/mutant.hpp"}
        for path in list(self.tree.rglob("*")):
            if path.is_file() and self.binaries not in path.parents and str(path.relative_to(self.tree)) not in wanted:
                path.unlink()
        for file in self.files:
            if file not in self.sources or not (self.tree / file).exists():
                self.write(file, (self.root / file).read_bytes())
        switch = self.tree / "tests/mutate/mutant.hpp"
        switch.parent.mkdir(parents=True, exist_ok=True)
        if not switch.exists() or switch.read_bytes() != (HERE / switch.name).read_bytes():
            shutil.copyfile(HERE / switch.name, switch)
        launcher = f"{HERE / 'compile'};{self.root / 'scripts/compile'}"
        if shutil.which("ccache"):
            launcher += ";ccache"
        log = self.work / "configure.log"
        with log.open("w") as out:
            done = subprocess.run(
                ["cmake", "--preset", "dev", f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"],
                cwd=self.tree,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        if done.returncode != 0:
            sys.exit(f"mutate: cmake failed: see {log}")

    def write(self, file: str, content: bytes) -> None:
        path = self.tree / file
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod((self.root / file).stat().st_mode)

    def find(self, below: tuple[str, ...]) -> None:
        """Every mutant of the files `below`; what was found in an unchanged file is kept from the last time."""
        self.below = below
        kept = self.work / "places"
        kept.mkdir(parents=True, exist_ok=True)
        finder = b"".join((HERE / name).read_bytes() for name in ("places.py", "rewrite.py"))
        files = [f for f in self.sources if f.startswith(below) and not f.startswith(EXCLUDED)]
        stores = {f: kept / digest(f.encode(), self.sources[f], finder) for f in files}
        missing = [f for f in files if not stores[f].exists()]
        if missing:
            say(f"looking for mutants in {len(missing)} files")
            units = self.units(missing)
            with ProcessPoolExecutor(JOBS) as pool:
                jobs = [pool.submit(places.find, main, args, [self.root / f for f in of]) for main, args, of in units]
                for job in jobs:
                    for path, edits in job.result().items():
                        store = stores[str(path.relative_to(self.root))]
                        store.write_text(json.dumps([[e.start, e.end, e.form, e.text] for e in edits]))
        for block, file in enumerate(self.sources, 1):
            if file in stores and stores[file].exists():
                edits = [Edit(*e) for e in json.loads(stores[file].read_text())]
                of_file = mutants_of(file, self.sources[file], edits)[:BLOCK]
                for number, mutant in enumerate(of_file, block * BLOCK):
                    mutant.number = number
                self.mutants += of_file

    def units(self, wanted: list[str]) -> list[tuple[Path, list[str], list[str]]]:
        """For each translation unit the files that are looked at there. A header goes with its namesake, else with
        the first unit that includes it."""
        database = json.loads((self.binaries / "compile_commands.json").read_text())
        commands = {}
        for entry in database:
            file = os.path.relpath(entry["file"], self.tree)
            if file in self.sources:
                arguments = [f"-I{self.root}" if a == f"-I{self.tree}" else a for a in shlex.split(entry["command"])]
                commands[file] = [a for i, a in enumerate(arguments)
                                  if a.startswith(("-I", "-D", "-std")) or "-isystem" in arguments[i - 1 : i + 1]]
        includes = {f: [i for i in re.findall(r'^#include "([^"]+)"', s.decode(), re.M) if i in self.sources]
                    for f, s in self.sources.items()}

        def closure(file: str, known: set[str]) -> set[str]:
            for each in includes[file]:
                if each not in known:
                    known.add(each)
                    closure(each, known)
            return known

        held = {unit: closure(unit, set()) for unit in sorted(commands)}
        chosen: dict[str, list[str]] = defaultdict(list)
        for file in wanted:
            units = [file, file.replace(".hpp", ".cpp"), *sorted(held, key=lambda u: (u.split("/")[:-1] != file.split("/")[:-1], len(held[u])))]
            unit = next((u for u in units if u == file and u in commands or file in held.get(u, ())), None)
            if unit:
                chosen[unit].append(file)
        return [(self.root / unit, commands[unit], files) for unit, files in chosen.items()]

    # ---- compiling
    def build(self, programs: str) -> None:
        """Compiles the test programs; mutants that do not compile are taken out until the rest does."""
        store = self.work / "rejected.json"
        if store.exists():
            self.rejected = set(json.loads(store.read_text()))
        by_file: dict[str, list[Mutant]] = {file: [] for file in self.sources}
        for mutant in self.mutants:
            by_file[mutant.file].append(mutant)
        by_number = {m.number: m for m in self.mutants}
        self.programs = [p for p in self.test_programs() if re.search(programs, p)]
        for attempt in range(1, 40):
            for file, mutants in by_file.items():
                self.write(file, self.mutated(file, [m for m in mutants if m.key not in self.rejected]))
            say(f"compiling {', '.join(self.programs)} with {len(self.mutants)} mutants")
            log = self.work / "compile.log"
            with log.open("w") as out:
                code = subprocess.run(
                    ["ninja", "-C", str(self.binaries), "-k", "0", f"-j{JOBS}", *self.programs],
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "LC_ALL": "C"},
                ).returncode
            if code == 0:
                return
            wrong = {by_number[n].key for n in self.blamed(log.read_text(errors="replace"), attempt > 4)}
            wrong -= self.rejected
            if not wrong:
                sys.exit(f"mutate: it does not compile, and not because of a mutant: see {log}")
            self.rejected |= wrong
            say(f"{len(wrong)} mutants do not compile and are left out")
            store.write_text(json.dumps(sorted(self.rejected)))
        sys.exit("mutate: it does not compile after many attempts")

    def mutated(self, file: str, mutants: list[Mutant]) -> bytes:
        if not mutants:
            return self.sources[file]
        quiet = b"#pragma GCC system_header\n" if file.endswith(".hpp") else b""
        return b'#include "tests/mutate/mutant.hpp"\n' + quiet + rewrite(self.sources[file], mutants)

    def test_programs(self) -> list[str]:
        """The Catch2 programs: before they are built ctest knows them as NAME_NOT_BUILT-…; CMake keeps a file each."""
        names = {re.sub(r"_include(-[0-9a-f]+)?\.cmake$|-[0-9a-f]+_include\.cmake$", "", p.name)
                 for p in self.binaries.rglob("*_include*.cmake")}
        listed = subprocess.run(["ninja", "-C", str(self.binaries), "-t", "targets", "all"],
                                capture_output=True, text=True, check=True).stdout
        known = {line.split(":")[0] for line in listed.splitlines()}
        return sorted(names & known)

    def blamed(self, log: str, generously: bool) -> set[int]:
        """The mutants that the compiler's errors point at: the last one before the column, or all of the line."""
        blamed: set[int] = set()
        lines: dict[str, list[str]] = {}
        for path, line, column in re.findall(rf"^(?:In file included from )?({re.escape(str(self.tree))}/[^:]+|\.\./tree/[^:]+):(\d+):(\d+):  ? ?(?:error|required)", log, re.M):
            file = str((self.binaries / path).resolve())
            text = lines.setdefault(file, Path(file).read_text().splitlines())
            at = int(line) - 1
            numbers = [(m.start(), int(m[1])) for m in re.finditer(r"mutant_on\((\d+)\)", text[at])]
            before = [number for start, number in numbers if start < int(column)]
            if numbers and (generously or not before):
                blamed |= {number for _, number in numbers}
            elif before:
                blamed.add(before[-1])
            else:
                near = [int(n) for each in text[max(0, at - 30) : at] for n in re.findall(r"mutant_on\((\d+)\)", each)]
                blamed |= set(near[-1:])
        return blamed


# ---- test cases


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
            ["prlimit", f"--as={MEMORY}", "--core=0", f"--fsize={1 << 28}", *case.command],
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
    state = (build.digest, build.below, build.programs, sorted(build.rejected))
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


# ---- results


@dataclass
class Verdict:
    mutant: Mutant
    ending: str  # seen, survived, unreached, rejected, equivalent
    by: str = ""  # the case that saw it, and how


class Results:
    """What earlier runs found out: a mutant once seen stays seen while its file is the same, a survivor survives
    while nothing at all has changed."""

    def __init__(self, build: Build) -> None:
        self.store = build.work / "results.json"
        self.known: dict[str, list[str]] = json.loads(self.store.read_text()) if self.store.exists() else {}
        self.build = build
        self.lock = threading.Lock()
        self.saved = time.monotonic()

    def get(self, mutant: Mutant) -> Verdict | None:
        ending, valid, by = self.known.get(mutant.key, ["", "", ""])
        return Verdict(mutant, ending, by) if valid == self.valid(mutant, ending) else None

    def valid(self, mutant: Mutant, ending: str) -> str:
        if ending == "seen":
            return digest(self.build.sources[mutant.file])
        return self.build.digest + " ".join(self.build.programs)

    def put(self, verdict: Verdict) -> None:
        with self.lock:
            valid = self.valid(verdict.mutant, verdict.ending)
            self.known[verdict.mutant.key] = [verdict.ending, valid, verdict.by]
            if time.monotonic() - self.saved > 10:
                self.save()

    def save(self) -> None:
        partial = self.store.with_suffix(".new")
        partial.write_text(json.dumps(self.known))
        partial.replace(self.store)
        self.saved = time.monotonic()


def equivalents(path: Path) -> dict[tuple[str, str], str]:
    """Mutants known to change nothing: FILE: TEXT as the list of survivors shows it, below a comment with the reason."""
    known: dict[tuple[str, str], str] = {}
    reason = ""
    after_entry = False
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        if line.startswith("#"):
            reason = f"{'' if after_entry else reason} {line[1:].strip()}".strip()
            after_entry = False
        elif line.strip():
            entry = re.fullmatch(r"([^\s:]+):(?:\d+:)? (.*\{\{.* => .*\}\}.*)", line)
            if entry is None or not reason:
                sys.exit(f"mutate: {path}:{number}: FILE: TEXT with {{{{before => after}}}} below a comment that says why")
            known[entry[1], entry[2]] = reason
            after_entry = True
        else:
            reason = ""
    return known


def judge(mutant: Mutant, cases: list[Case], results: Results) -> Verdict:
    earlier = results.get(mutant)
    if earlier:
        return earlier
    verdict = Verdict(mutant, "unreached")
    for case in cases:
        if mutant.number not in case.reached:
            continue
        verdict.ending = "survived"
        ending = run(case, 5 + 10 * case.seconds, MUTANT=str(mutant.number))
        if ending != "passed":
            verdict.ending, verdict.by = "seen", f"{ending}: {case.name}"
            break
    results.put(verdict)
    return verdict


def print_table(verdicts: list[Verdict]) -> bool:
    """The table; whether all goals are met."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        for row in (folder_of(verdict.mutant.file), "all"):
            rows[row][verdict.ending] += 1
    met = True
    print(f"{'folder':<20}{'mutants':>8}{'not compiled':>14}{'equivalent':>12}{'reached':>9}{'seen':>6}{'percent':>9}{'goal':>6}")
    for name in sorted(rows, key=lambda n: (n == "all", n)):
        row = rows[name]
        reached = row["seen"] + row["survived"]
        judged = reached + row["unreached"]
        percent = 100 * row["seen"] / judged if judged else 100.0
        goal = GOALS.get(name)
        missed = goal is not None and percent < goal
        met = met and not missed
        print(
            f"{name:<20}{row.total():>8}{row['rejected']:>14}{row['equivalent']:>12}{reached:>9}{row['seen']:>6}"
            f"{percent:>8.1f}%{f'{goal}%' if goal else '':>6}{'  missed' if missed else ''}"
        )
    return met


def chosen(options: argparse.Namespace, mutants: list[Mutant]) -> list[Mutant]:
    some = [m for m in mutants if not options.only or m.key in options.only]
    if options.all or options.only or len(some) <= options.sample:
        return some
    return sorted(random.Random(options.seed).sample(some, options.sample), key=lambda m: m.number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", action="append", metavar="FOLDER", help="mutants below FOLDER only")
    parser.add_argument("--file", action="append", metavar="FILE", help="mutants of FILE only")
    parser.add_argument("--only", action="append", metavar="ID", help="this mutant only")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="draw N mutants (default 300)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the draw (default 1)")
    parser.add_argument("--all", action="store_true", help="all of them, not a sample")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop: nothing is compiled")
    parser.add_argument("--programs", default="", metavar="REGEX", help="build and run these test programs only")
    parser.add_argument("--tree", type=Path, default=HERE.parents[1], metavar="DIR", help="the tree to test (this one)")
    options = parser.parse_args()

    build = Build(options.tree.resolve())
    build.prepare()
    below = tuple(f.rstrip("/") + "/" for f in options.folder or ()) + tuple(options.file or ())
    build.find(below or SOURCES)
    drawn = chosen(options, build.mutants)
    if options.list:
        for mutant in drawn:
            print(f"{mutant.key} {mutant.file}:{mutant.line}: {mutant.shown}")
        return 0
    if not drawn:
        sys.exit("mutate: no such mutants")
    build.build(options.programs)
    cases = measured_cases(build)
    results = Results(build)
    known = equivalents(build.root / "tests/mutate/equivalent.txt")
    for file, text in known.keys() - {(m.file, m.shown) for m in build.mutants}:
        say(f"equivalent.txt speaks of what is not there any more: {file}: {text}")

    done = 0

    def one(mutant: Mutant) -> Verdict:
        nonlocal done
        if mutant.key in build.rejected:
            verdict = Verdict(mutant, "rejected")
        elif (mutant.file, mutant.shown) in known:
            verdict = Verdict(mutant, "equivalent")
        else:
            verdict = judge(mutant, cases, results)
        done += 1
        if done % 50 == 0:
            say(f"{done} of {len(drawn)}")
        return verdict

    with ThreadPoolExecutor(JOBS) as pool:
        try:
            verdicts = list(pool.map(one, drawn))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            results.save()
    for verdict in verdicts:
        mutant = verdict.mutant
        if verdict.ending in ("survived", "unreached"):
            print(f"{verdict.ending:<9} {mutant.key} {mutant.file}:{mutant.line}: {mutant.shown}")
        elif options.only:
            print(f"{verdict.ending:<9} {mutant.key} {mutant.file}:{mutant.line}: {mutant.shown}\n  {verdict.by}")
    print()
    return 0 if print_table(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
