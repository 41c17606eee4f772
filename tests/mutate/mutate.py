"""Mutation testing: does some unit test fail when the code is wrong?

All mutants are compiled into one build (build/mutate), each behind a switch (mutant.hpp). Each test case is run once
alone, with all of them off, to see which ones it reaches. Then each drawn mutant is switched on in the cases that
reach it, the fastest first, until one fails, crashes or hangs: the mutant is seen. One that no case sees has survived.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import re
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from build import HERE, JOBS, SOURCES, Build, digest, say
from cases import Case, measured_cases, run
from rewrite import Mutant

# Percent seen, by the longest path that fits.
GOALS = {
    "protocol": 85,
    "config": 85,
    "daemon/session": 85,
    "daemon/session/script": 85,
    "daemon/net": 90,
    "daemon/link": 90,
}


def folder_of(file: str) -> str:
    """The row of the table that a file counts in."""
    fitting = [goal for goal in GOALS if file.startswith(goal + "/")]
    if fitting:
        return max(fitting, key=len)
    return "/".join(file.split("/")[:-1][:2])


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
    """Mutants known to change nothing: FILE: TEXT as the list of survivors has it, below a comment with the reason."""
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
                sys.exit(f"mutate: {path}:{number}: not FILE: TEXT with {{{{… => …}}}}, below a comment saying why")
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
    print("folder               mutants  not compiled  equivalent  reached  seen  percent  goal")
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
    # A digest's order, so that the draw stays what it was where the sources did, and a bigger one holds a smaller one.
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in sorted(some, key=lambda m: digest(str(options.seed).encode(), m.key.encode())):
        folder = folder_of(mutant.file)
        groups[folder if folder in GOALS else ""].append(mutant)
    rounds = zip_longest(*groups.values())
    in_turn = [mutant for each in rounds for mutant in each if mutant is not None]
    return sorted(in_turn[: options.sample], key=lambda m: m.number)


def main() -> int:
    plain = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser("scripts/mutate", description=__doc__, formatter_class=plain)
    parser.add_argument("--folder", action="append", metavar="FOLDER", help="mutants of what is below FOLDER only")
    parser.add_argument("--file", action="append", metavar="FILE", help="mutants of FILE only; may be a pattern")
    parser.add_argument("--only", action="append", metavar="ID", help="this mutant only")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="draw N mutants, as many of each folder with a goal, and of all others together (default 300)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the draw (default 1)")
    parser.add_argument("--all", action="store_true", help="all of them, not a sample")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop: nothing is compiled")
    parser.add_argument("--programs", default="", metavar="REGEX", help="build and run these test programs only")
    parser.add_argument("--tree", type=Path, default=HERE.parents[1], metavar="DIR", help="the tree to test (this one)")
    options = parser.parse_args()

    build = Build(options.tree.resolve())
    build.work.mkdir(parents=True, exist_ok=True)
    lock = (build.work / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"mutate: another run is at work in {build.work}")
    build.prepare()
    folders = [f"{folder.rstrip('/')}/*" for folder in options.folder or ()]
    build.find([*folders, *(options.file or ())] or [f"{folder}*" for folder in SOURCES])
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
    looked_at = {m.file for m in build.mutants}
    for file, text in known.keys() - {(m.file, m.shown) for m in build.mutants}:
        if file in looked_at or file not in build.sources:
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
