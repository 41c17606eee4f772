#!/usr/bin/env python3
"""docs/faults.md has a row and a section for each code of daemon/link/fault_code.hpp, and no other."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
page = (root / "docs/faults.md").read_text()
code_list = (root / "daemon/link/fault_code.hpp").read_text()
codes = dict(re.findall(r'fault_class::(\w+), "(F\d\d)"', code_list))
sections = {name: (code, text.strip()) for code, name, text in re.findall(r"^### (F\d\d) (\w+)\n(.*?)(?=^#|\Z)", page, re.M | re.S)}
rows = dict(re.findall(r"^\| `(\w+)` \| \[(F\d\d)\]\(#f\d\d-\1\) \|", page, re.M))

mistakes = []
if len(codes) < 11:
    mistakes.append(f"the list of codes is not found, only {codes}")
if len(set(codes.values())) != len(codes):
    mistakes.append("two classes have one code")
if rows != codes:
    mistakes.append(f"the table has {rows}, the program {codes}")
if {name: code for name, (code, _) in sections.items()} != codes:
    mistakes.append(f"the sections are {sorted(sections)}, the classes {sorted(codes)}")
mistakes += [f"{code} {name} says too little" for name, (code, text) in sections.items() if len(text) < 80]
if mistakes:
    sys.exit("docs/faults.md: " + "\ndocs/faults.md: ".join(mistakes))
