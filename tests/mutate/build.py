"""The copy of the tree with all mutants in it, compiled once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import places
from rewrite import Edit, Mutant, mutants_of, rewrite

HERE = Path(__file__).resolve().parent
SOURCES = ("protocol/", "config/", "daemon/")
# What only the finished program reaches, and what could kill the wrong process.
EXCLUDED = ("daemon/app/", "daemon/cli/", "daemon/cli/main.cpp", "daemon/process/", "daemon/log/spdlog_")
BLOCK = 4096  # mutants are numbered from a multiple of it in each file, so that an edit does not change other files
COMPLAINT = re.compile(r"^([^\s:]+\.[ch]pp):(\d+):(\d+): +(?:error|required)", re.M)
JOBS = os.cpu_count() or 1


def say(text: str) -> None:
    print(f"mutate: {text}", file=sys.stderr, flush=True)


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@dataclass
class Build:
    """The copy of the tree with all mutants, and what is built from it."""

    root: Path
    files: list[str] = field(default_factory=list)
    mutants: list[Mutant] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)  # keys of mutants that do not compile
    patterns: tuple[str, ...] = ()  # what is mutated in this build
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
                ["cmake", "--preset", "dev", "-DCMAKE_CXX_FLAGS_DEBUG=-g0", f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"],
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

    def find(self, patterns: list[str]) -> None:
        """Every mutant of the files that fit a pattern; what an unchanged file has is kept from the last time."""
        self.patterns = tuple(patterns)
        kept = self.work / "places"
        kept.mkdir(parents=True, exist_ok=True)
        finder = b"".join((HERE / name).read_bytes() for name in ("places.py", "rewrite.py"))
        files = [
            file
            for file in self.sources
            if any(fnmatchcase(file, p) for p in patterns) and not file.startswith(EXCLUDED)
        ]
        stores = {f: kept / digest(f.encode(), self.sources[f], finder) for f in files}
        units = self.units([f for f in files if not stores[f].exists()])
        if units:
            say(f"looking for mutants in {sum(len(of) for _, _, of in units)} files")
            with ProcessPoolExecutor(JOBS) as pool:
                jobs = [pool.submit(places.find, main, args, [self.root / f for f in of]) for main, args, of in units]
                for job in as_completed(jobs):
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
        """The translation units to parse, with their arguments and the files that are looked at in each. A header goes
        with its namesake, else with the smallest unit of its folder that includes it, else of any folder."""
        arguments = {}
        for entry in json.loads((self.binaries / "compile_commands.json").read_text()):
            file = os.path.relpath(entry["file"], self.tree)
            words = shlex.split(entry["command"])
            arguments[file] = [
                f"-I{self.root}" if word == f"-I{self.tree}" else word
                for before, word in zip(words, words[1:])
                if word.startswith(("-I", "-D", "-std")) or "-isystem" in (before, word)
            ]
        included = {
            file: set(re.findall(r'^#include "([^"]+)"', text.decode(), re.M)) & self.sources.keys()
            for file, text in self.sources.items()
        }

        def with_all_included(file: str, known: set[str]) -> set[str]:
            if file not in known:
                known.add(file)
                for each in included[file]:
                    with_all_included(each, known)
            return known

        holds = {unit: with_all_included(unit, set()) for unit in arguments if unit in self.sources}
        chosen: dict[str, list[str]] = defaultdict(list)
        for file in wanted:
            path = Path(file)

            def distance(unit: str, path: Path = path) -> tuple[bool, bool, int]:
                other = Path(unit)
                return other.with_suffix("") != path.with_suffix(""), other.parent != path.parent, len(holds[unit])

            units = sorted((unit for unit, held in holds.items() if file in held), key=distance)
            if units:
                chosen[units[0]].append(file)
        return [(self.root / unit, arguments[unit], files) for unit, files in chosen.items()]

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
        """The Catch2 programs. CMake keeps a file for each, from which ctest learns its cases."""
        names = {path.name.partition("_include")[0] for path in self.binaries.rglob("*_include-*.cmake")}
        command = ["ninja", "-C", str(self.binaries), "-t", "targets", "all"]
        known = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sorted(names & {line.partition(":")[0] for line in known.splitlines()})

    def blamed(self, log: str, generously: bool) -> set[int]:
        """The mutants that the compiler's errors point at: the last one before the column, or all of the line."""
        blamed: set[int] = set()
        lines: dict[Path, list[str]] = {}
        for path, line, column in COMPLAINT.findall(log):
            file = (self.binaries / path).resolve()
            if self.tree not in file.parents or self.binaries in file.parents:
                continue
            text = lines.setdefault(file, file.read_text().splitlines())
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
