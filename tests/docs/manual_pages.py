#!/usr/bin/env python3
"""The manual pages name every subcommand, option, exit code and field, and mandoc finds no mistake: manual_pages.py PROGRAM.

They are made from the help texts and from the reference page. Here they are compared with other sources: the shell's completion,
daemon/app/exit_code.hpp and the JSON Schema.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
program = sys.argv[1]
mistakes = []


def output(*arguments):
    return subprocess.run([str(each) for each in arguments], check=True, capture_output=True, encoding="utf-8").stdout


def page(name):
    roff = output(sys.executable, root / "systemd/package/manual.py", program, "2026-01-01", name)
    with tempfile.NamedTemporaryFile("w", suffix=f".{name[-1]}", encoding="utf-8") as file:
        file.write(roff)
        file.flush()
        found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", file.name], capture_output=True, encoding="utf-8")
        mistakes.extend(f"{name}: {line}" for line in (found.stdout + found.stderr).splitlines())
        return re.sub(r".\x08", "", output("mandoc", "-T", "utf8", "-O", "width=1000", file.name))


def must_have(name, text, words):
    """Each of `words` is the beginning of an entry, or a command of the synopsis."""
    if len(words) < 8:
        mistakes.append(f"{name}: what it must have is not found, only {sorted(words)}")
    mistakes.extend(f"{name}: '{word}' is missing" for word in sorted(words)
                    if not re.search(rf"^ +(\S+, )?{re.escape(word)}( |,|$)", text, re.M))


commands = page("duplexd.1")
completion = output(program, "completion", "bash")
must_have("duplexd.1", commands, set(re.findall(r"^    (\w+)\) words=", completion, re.M)))
must_have("duplexd.1", commands, set(re.findall(r"(?<=[ '])-[-\w]+", " ".join(re.findall(r"words='(-[^']*)'", completion)))))
codes = set(re.findall(r"^  exit_\w+ = (\d+)", (root / "daemon/app/exit_code.hpp").read_text(), re.M))
status = commands[commands.index("EXIT STATUS"):]
must_have("duplexd.1", status.replace("20–27", "20 "), {code for code in codes if not code.startswith("2") or code == "20"})
mistakes += [f"duplexd.1: the exit code {code} is missing" for code in codes if not re.search(rf"\b{code}\b", status)]


def properties(schema, whole, done):
    """The names of all fields, but for those of protocols: layouts.md describes them."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        to = schema.get("$ref", "").rpartition("/")[2] if isinstance(schema.get("$ref"), str) else ""
        if to and to != "protocol" and to not in done:
            done.add(to)
            yield from properties(whole["$defs"][to], whole, done)
        for key, each in schema.items():
            if key != "$defs":
                yield from properties(each, whole, done)
    elif isinstance(schema, list):
        for each in schema:
            yield from properties(each, whole, done)


schema = json.loads(output(program, "schema"))
must_have("duplexd.yaml.5", page("duplexd.yaml.5"), set(properties(schema, schema, set())))
if mistakes:
    sys.exit("\n".join(mistakes))
