#!/usr/bin/python3
"""Runs the benchmark of the hot path: every contestant in every row, interleaved in rounds. See scripts/bench."""
import argparse
import datetime
import platform
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import measure
from contestants import all_contestants
from rows import COUNTED, ROWS
from tables import LIMIT, SUBJECT, Results, plot

PAGE = Path(__file__).resolve().parents[3] / "docs/performance.md"
BEGIN, END = "<!-- figures: written by scripts/bench -->", "<!-- end of figures -->"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--build", default="build/release", help="where the programs are")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--peers", default="", help="contestants beside the limit and duplexd; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=25, help="after so long what is there is told; at least one "
                        "round is run")
    parser.add_argument("--sessions", type=int, default=2000, help="in the row idle; 5000 and more are looked "
                        "at closely")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, one round: does it work at all?")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/performance.{md,svg}")
    return parser.parse_args()


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    load = Path("/proc/loadavg").read_text().split()[0]
    return (f"{model.group(1) if model else platform.machine()}, {cores} cores, Linux {platform.release()}, "
            f"load {load} at the start")


class Bench:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.rows = [ROWS[name] for name in options.rows.split(",")]
        wanted = [name for name in options.peers.split(",") if name]
        self.contestants = [c for c in all_contestants(options.build)
                            if not wanted or c.name in wanted or c.name in (LIMIT, SUBJECT, "silent")]
        self.results = Results(self.rows, self.contestants)
        self.certificate, self.key = measure.make_certificate(directory)
        self.failures = []
        self.rounds = 0
        self.begun = time.monotonic()
        self.left_out = set()
        most = measure.raise_limits()
        self.sessions = min(options.sessions, most - 200)

    def server(self):
        return measure.Server(Path(self.options.build) / "bench_server", self.certificate, self.key, 600)

    def pairs(self):
        return [(row, c) for row in self.rows for c in self.contestants if (row.name, c.name) not in self.left_out]

    def leave_out(self, row, contestant, reason):
        self.left_out.add((row.name, contestant.name))
        self.results.explain(row, contestant, reason)

    def prepare(self):
        """Leaves out who can't take part, and checks the lines of those who write lines."""
        for row, contestant in self.pairs():
            program = contestant.command[0]
            if shutil.which(program) is None:
                self.leave_out(row, contestant, f"{Path(program).name} is not there")
            elif contestant.why_not(row):
                self.left_out.add((row.name, contestant.name))
                if contestant.name != "silent":
                    self.results.explain(row, contestant, contestant.why_not(row))
        for row, contestant in self.pairs():
            if row.name == "line" or (contestant.writes_lines and row.name in COUNTED):
                count = min(contestant.count(row, True), 20_000)
                self.attempt(row, contestant, lambda server: measure.check_lines(
                    contestant, row, server, count, self.certificate, self.directory))

    def attempt(self, row, contestant, what):
        """A server for one run. A failure is told and leaves the contestant out of the row from then on."""
        try:
            if row.name == "idle":
                return what(self.server)
            with self.server() as server:
                return what(server)
        except measure.Failed as failed:
            print(f"FAILED {row.name} {contestant.name}: {failed}", file=sys.stderr)
            self.failures.append(f"{row.name} {contestant.name}")
            self.leave_out(row, contestant, f"failed: {failed}")
            return None

    def run_pair(self, row, contestant):
        if row.name == "idle":
            report = self.attempt(row, contestant, lambda server_of: measure.idle_sessions(
                contestant, row, server_of, self.sessions, self.certificate, self.directory))
            for kind, value in (report or {}).items():
                if value is not None:
                    self.results.add(row, contestant, kind, value)
            return
        count = contestant.count(row, self.options.quick)
        report = self.attempt(row, contestant, lambda server: measure.run(
            contestant, row, server, count, self.certificate, self.directory))
        if report:
            scale = 1000.0 if row.name == "echo" else row.scale
            self.results.add(row, contestant, "cost", report["cpu_ns"] / count / scale)
            self.results.add(row, contestant, "wall", report["wall_ns"] / count / scale)
            for kind in ("p50", "p99"):
                if f"{kind}_ns" in report:
                    self.results.add(row, contestant, kind, report[f"{kind}_ns"] / 1000.0)

    def run(self):
        self.prepare()
        rounds = 1 if self.options.quick else self.options.rounds
        end = self.begun + 60 * self.options.minutes
        for number in range(rounds):
            start = time.monotonic()
            for row, contestant in self.pairs():
                if row.name == "idle" and number > 0:
                    continue  # memory does not vary
                if number > 0 and time.monotonic() > end:
                    return
                if (row.name, contestant.name) not in self.left_out:
                    self.run_pair(row, contestant)
            self.rounds = number + 1
            print(f"round {number + 1} of {rounds}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    def text(self, note):
        out = [note, "", "Cost of one message: the client's CPU time, user and system, in the unit of the line. "
               "Medians.", "", self.results.costs(), "", "The same as multiples of the limit:", "",
               self.results.ratios_to(LIMIT), "", "The same as multiples of duplexd:", "",
               self.results.ratios_to(SUBJECT), "", "Wall time of one message, server and client together:", "",
               self.results.walls()]
        empty = self.results.empty_cells()
        if empty:
            out += ["", "Empty cells:", *empty]
        return "\n".join(out)


def write_page(text, drawing):
    page = PAGE.read_text()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    PAGE.with_suffix(".svg").write_text(drawing)


def main():
    options = parse_arguments()
    unknown = [name for name in options.rows.split(",") if name not in ROWS]
    if unknown:
        sys.exit(f"scripts/bench: no such row: {', '.join(unknown)} ({', '.join(ROWS)})")
    with tempfile.TemporaryDirectory(prefix="duplexd-bench-") as directory:
        where = machine()
        bench = Bench(options, directory)
        bench.run()
    note = f"{datetime.date.today()}, {where}, {bench.rounds} round{'s' if bench.rounds > 1 else ''}."
    text = bench.text(note)
    print(text)
    if options.write:
        write_page(text, plot(bench.results, note))
    if bench.failures:
        sys.exit(f"scripts/bench: failed: {', '.join(bench.failures)}")


main()
