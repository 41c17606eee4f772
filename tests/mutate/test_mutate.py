"""Tests of the mutants' finder and rewriter."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from rewrite import Edit, mutants_of, rewrite, without_overlaps

try:
    import places
    from clang.cindex import LibclangError
except ImportError:
    places = None


def edit(source: str, piece: str, form: str, text: str) -> Edit:
    start = source.index(piece)
    return Edit(start, start + len(piece), form, text)


def rewritten(source: str, *edits: Edit) -> str:
    mutants = mutants_of("a.cpp", source.encode(), list(edits))
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    return rewrite(source.encode(), mutants).decode()


class Rewriting(unittest.TestCase):
    def test_each_form(self) -> None:
        self.assertEqual(rewritten("f();", edit("f();", "f();", "drop", "")), "{ if (!mutant_on(1)) f(); }")
        self.assertEqual(rewritten("(a)", edit("(a)", "a", "false", "false")), "((!mutant_on(1) && (a)))")
        self.assertEqual(rewritten("(a)", edit("(a)", "a", "true", "true")), "((mutant_on(1) || (a)))")
        self.assertEqual(
            rewritten("(a)", edit("(a)", "a", "negated", "!(a)")), "((mutant_on(1) != static_cast<bool>(a)))"
        )
        self.assertEqual(rewritten("x = a < b;", edit("x = a < b;", "a < b", "other", "a <= b")),
                         "x = (mutant_on(1) ? (a <= b) : (a < b));")  # fmt: skip

    def test_the_original_inside_keeps_its_own_mutants_and_the_mutated_text_has_none(self) -> None:
        source = "x = a < 1;"
        self.assertEqual(
            rewritten(source, edit(source, "a < 1", "other", "a <= 1"), edit(source, "1", "other", "0")),
            "x = (mutant_on(1) ? (a <= 1) : (a < (mutant_on(2) ? (0) : (1))));",
        )

    def test_pieces_that_cross_each_other_are_left_out(self) -> None:
        crossing = {Edit(0, 5, "other", "x"), Edit(3, 8, "other", "y"), Edit(1, 2, "other", "z")}
        self.assertEqual([e.text for e in without_overlaps(crossing)], ["x", "z"])

    def test_a_mutant_is_known_by_its_text_wherever_it_stands(self) -> None:
        source, later = "if (a) return;  // why\n", "\n\nif (a) return;\n"
        first = mutants_of("a.cpp", source.encode(), [edit(source, "a", "false", "false")])[0]
        second = mutants_of("a.cpp", later.encode(), [edit(later, "a", "false", "false")])[0]
        self.assertEqual(first.shown, "if ({{a => false}}) return;")
        self.assertEqual((first.key, first.line, second.line), (second.key, 1, 3))


SOURCE = """
namespace std { template <class T> struct vector { void reserve(int); }; }
bool next(int&);
template <int n> struct wide {};
enum class color { red = 1 };
static_assert(2 < 3);
constexpr int limit = 4;
int seen(int);
bool f(int a, bool b) {
  int sizes[5] = {};
  const int constant = 6;
  wide<7> w;
  switch (a) { case 8: break; }
  if (a < 9 && b) return true;
  seen(a + limit);
  auto later = [&] { return b ? 10 : sizes[a - 1]; };
  while (b) seen(later());
  std::vector<int> room;
  int none = -1;
  int cleared = 0;
  for (int i = 0; next(i);) room.reserve(11);
  return a == constant;
}
constexpr int for_tables(int a) { return a + 12; }
"""
EXPECTED = """
if ({{a < 9 && b => false}}) return true;
if ({{a < 9 => true}} && b) return true;
if ({{a < 9 => a <= 9}} && b) return true;
if (a < {{9 => 8}} && b) return true;
if (a < 9 && {{b => true}}) return true;
if (a < 9 && b) return {{true => false}};
{{seen(a + limit); => }}
seen({{a + limit => a - limit}});
auto later = [&] { return {{b => !(b)}} ? 10 : sizes[a - 1]; };
auto later = [&] { return b ? {{10 => 11}} : sizes[a - 1]; };
auto later = [&] { return b ? 10 : sizes[{{a - 1 => a + 1}}]; };
auto later = [&] { return b ? 10 : sizes[a - {{1 => 2}}]; };
while ({{b => false}}) seen(later());
while (b) {{seen(later()); => }}
for (int i = {{0 => 1}}; next(i);) room.reserve(11);
return {{a == constant => a != constant}};
"""


@unittest.skipIf(places is None, "python3-clang is not there")
class Finding(unittest.TestCase):
    def test_what_runs_is_mutated_and_what_only_the_compiler_sees_is_not(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "a.cpp")
            file.write_text(SOURCE)
            try:
                edits = places.find(file, ["-std=c++20"], [file])[file]
            except LibclangError as missing:
                self.skipTest(str(missing))
            shown = [m.shown for m in mutants_of("a.cpp", SOURCE.encode(), edits)]
            self.assertEqual(shown, EXPECTED.split("\n")[1:-1])


if __name__ == "__main__":
    unittest.main()
