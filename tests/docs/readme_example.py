#!/usr/bin/env python3
"""The configuration that README.md explains is the one in config/examples, to the letter."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
block = re.search(r"```yaml\n(.*?)```", (root / "README.md").read_text(), re.S)
example = (root / "config/examples/reference.yaml").read_text()
if block is None or block.group(1) != example:
    sys.exit("README.md: the yaml block differs from config/examples/reference.yaml")
