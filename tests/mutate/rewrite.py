"""Mutations as edits of a source's bytes, and the source with all of them in it, each behind its switch."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

# What becomes of the piece of text between start and end. The order is that of nesting, outermost first, where several
# edits have the same piece.
FORMS = ("drop", "false", "negated", "true", "other")


@dataclass(frozen=True)
class Edit:
    """One mutation: bytes start to end become `text` (empty: they go)."""

    start: int
    end: int
    form: str
    text: str

    def order(self) -> tuple[int, int, int]:
        return (self.start, -self.end, FORMS.index(self.form))


@dataclass
class Mutant:
    """An edit of a file, and how people and later runs know it: by its text, not by its line."""

    file: str
    edit: Edit
    line: int
    shown: str  # the source line, with {{before => after}} where it changes
    nth: int  # of the same file and text
    key: str = field(init=False)
    number: int = 0  # of this build: what the switch compares

    def __post_init__(self) -> None:
        self.key = hashlib.sha256(f"{self.file}\n{self.shown}\n{self.nth}".encode()).hexdigest()[:8]


def on_one_line(text: bytes) -> str:
    """Comments off, white space folded."""
    text = re.sub(rb'("(?:\\.|[^"\\\n])*")|//[^\n]*', lambda m: m[1] or b"", text)
    return " ".join(text.decode().split())


def mutants_of(file: str, source: bytes, edits: list[Edit]) -> list[Mutant]:
    seen: dict[str, int] = {}
    mutants = []
    for edit in sorted(edits, key=Edit.order):
        first = source.rfind(b"\n", 0, edit.start) + 1
        last = source.find(b"\n", edit.end)
        last = len(source) if last < 0 else last
        before, after = on_one_line(source[first : edit.start]), on_one_line(source[edit.end : last])
        piece = on_one_line(source[edit.start : edit.end])
        text = " ".join(edit.text.split())
        before += " " if before and source[edit.start - 1 : edit.start].isspace() else ""
        after = " " + after if after and source[edit.end : edit.end + 1].isspace() else after
        shown = f"{before}{{{{{piece} => {text}}}}}{after}"
        nth = seen[shown] = seen.get(shown, 0) + 1
        mutants.append(Mutant(file, edit, source.count(b"\n", 0, edit.start) + 1, shown, nth))
    return mutants


def switched(edit: Edit, number: int, inner: bytes) -> bytes:
    """`inner` is the original, with other mutants in it; the mutated text needs none: one is on at a time."""
    on = b"mutant_on(%d)" % number
    match edit.form:
        case "drop":
            return b"{ if (!%s) %s }" % (on, inner)
        case "false":
            return b"(!%s && (%s))" % (on, inner)
        case "true":
            return b"(%s || (%s))" % (on, inner)
        case "negated":
            return b"(%s != static_cast<bool>(%s))" % (on, inner)
        case _:
            return b"(%s ? (%s) : (%s))" % (on, edit.text.encode(), inner)


def rewrite(source: bytes, mutants: list[Mutant]) -> bytes:
    """The source with all the mutants, which must lie beside or inside each other."""
    pending = sorted(mutants, key=lambda m: m.edit.order())
    position = 0

    def until(end: int) -> bytes:
        nonlocal position
        out = b""
        while pending and pending[0].edit.end <= end:
            mutant = pending.pop(0)
            out += source[position : mutant.edit.start]
            position = mutant.edit.start
            out += switched(mutant.edit, mutant.number, until(mutant.edit.end))
        out += source[position:end]
        position = end
        return out

    return until(len(source))


def without_overlaps(edits: set[Edit]) -> list[Edit]:
    """Those that nest; what a macro has torn apart is left out."""
    kept: list[Edit] = []
    around: list[Edit] = []
    for edit in sorted(edits, key=Edit.order):
        while around and around[-1].end <= edit.start:
            around.pop()
        if around and edit.end > around[-1].end:
            continue
        around.append(edit)
        kept.append(edit)
    return kept
