#!/usr/bin/env python3
"""docs/cookbook.md shows every configuration of the cookbook to the letter, and its last table quotes only from them.

With --write the page's blocks are rewritten from the files.
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
page = root / "docs/cookbook.md"
examples = root / "config/examples"
block = re.compile(r"(\]\(\.\./config/examples/([\w/.-]+\.yaml)\):\n```yaml\n)(.*?)(```)", re.S)


def text_of(name):
    return (examples / name).read_text()


if sys.argv[1:] == ["--write"]:
    page.write_text(block.sub(lambda found: found[1] + text_of(found[2]) + found[4], page.read_text()))

text = page.read_text()
shown = {found[2]: found[3] for found in block.finditer(text)}
mistakes = [f"{name} differs from what the page shows (--write mends it)" for name, part in shown.items()
            if part != text_of(name)]
mistakes += [f"{path.name} is not on the page" for path in sorted((examples / "cookbook").glob("*.yaml"))
             if f"cookbook/{path.name}" not in shown]

rows = re.findall(r"^\|.*\|(.*)\|$", text[text.index("## From asyncio"):].rpartition("|---|---|---|")[2], re.M)
everything = "\n".join(shown.values())
quotes = [quote for row in rows for quote in re.findall(r"`([^`]*)`", row)]
mistakes += [f"no configuration on the page has `{quote}`" for quote in quotes if quote not in everything]
if len(rows) < 15 or len(quotes) < 15:
    mistakes.append("the table is not found")
if mistakes:
    sys.exit("docs/cookbook.md: " + "\ndocs/cookbook.md: ".join(mistakes))
