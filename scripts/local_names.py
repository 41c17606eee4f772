"""Which sources can be included by one file: those whose local names do not collide."""
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def local_names(text):
    """What an unnamed namespace defines at its first level, and main: {name: text}, with a text for aliases only."""
    names = {"main": None} if re.search(r"^int main\(", text, re.M) else {}
    if opened := sorted(set(re.findall(r"^using namespace (?!std::|duplexd::test;)(.*);$", text, re.M))):
        names["using namespace"] = " ".join(opened)  # with others, one of its names may have two meanings
    for block in re.findall(r"^namespace \{\n(.*?)^\}  // namespace$", text, re.S | re.M):
        for line in block.splitlines():
            if alias := re.match(r"(?:using |using namespace |namespace )(?:(\w+) = .*|[\w:]*?(\w+));", line):
                names[alias.group(1) or alias.group(2)] = alias.group()
            elif found := re.match(r"(?:struct|class|enum class|enum|concept) (\w+)|[a-z][^(={;]*?\b(\w+) *[({=;\[]", line):
                names[found.group(1) or found.group(2)] = None
    return names


def collide(some, others):
    return any(name in others and (text is None or others[name] != text) for name, text in some.items())


@cache
def shared_names(file):
    """What the tests' headers give a source, functions and aliases: in its batch no other source has local ones of these names."""
    text = file.read_text()
    names = set()
    if file.suffix == ".hpp":
        names.update(re.findall(r"^(?:inline )?[a-z][\w:<>&, ]*[ &](\w+)\(", text, re.M))
        names.update(re.findall(r"^using (\w+) =", text, re.M))
    for header in re.findall(r'^#include "(tests/.*\.hpp)"$', text, re.M):
        names |= shared_names(ROOT / header)
    return frozenset(names)


def batches(files, most):
    """The files in lists of at most this many, in their order; those of one list can be included by one file."""
    found = []  # [(files, their local names, the names that they share)]
    for file in files:
        names = local_names(file.read_text())
        shared = shared_names(file)
        for members, taken, seen in found:
            if len(members) < most and not (collide(names, taken) or names.keys() & seen or taken.keys() & shared):
                members.append(file)
                taken.update(names)
                seen.update(shared)
                break
        else:
            found.append(([file], names, set(shared)))
    return [members for members, *_ in found]
