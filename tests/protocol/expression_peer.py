#!/usr/bin/python3
"""Prints random integer expressions and what Python makes of them, one JSON object a line: the peer that
expression_test compares with. "value" is null where a step leaves 64 bits or has no value; "refused" marks what Python
does not parse. Arguments: seed, count."""
import ast
import json
import operator
import random
import sys

NAMES = {"a": 7, "b": -3}
NUMBERS = ["0", "1", "2", "3", "7", "10", "62", "63", "64", "255", "0x7f", "0b101", "0o17", "2147483648",
           "4611686018427387904", "9223372036854775807", "a", "b"]
BINARY = ["or", "and", "==", "!=", "<=", ">=", "<", ">", "<<", ">>", "|", "^", "&", "+", "-", "*", "//", "%"]
LOW, HIGH = -(2**63), 2**63 - 1


class NoValue(Exception):
    pass


class Chained(Exception):
    pass


def shift(left, right, limit, apply):
    if not 0 <= right <= limit:
        raise NoValue
    return apply(left, right)


def divide(left, right, apply):
    if right == 0 or (left == LOW and right == -1):
        raise NoValue
    return apply(left, right)


OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.FloorDiv: lambda x, y: divide(x, y, operator.floordiv), ast.Mod: lambda x, y: divide(x, y, operator.mod),
    ast.LShift: lambda x, y: shift(x, y, 62, operator.lshift), ast.RShift: lambda x, y: shift(x, y, 63, operator.rshift),
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_,
}


def value_of(tree):
    """Every operand is evaluated, and every step must fit 64 bits."""
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return NAMES[tree.id]
    if isinstance(tree, ast.UnaryOp):
        result = OPERATORS[type(tree.op)](value_of(tree.operand))
    elif isinstance(tree, ast.BinOp):
        result = OPERATORS[type(tree.op)](value_of(tree.left), value_of(tree.right))
    elif isinstance(tree, ast.Compare):
        if len(tree.ops) > 1:
            raise Chained
        result = OPERATORS[type(tree.ops[0])](value_of(tree.left), value_of(tree.comparators[0]))
    else:
        values = [value_of(each) != 0 for each in tree.values]
        result = all(values) if isinstance(tree.op, ast.And) else any(values)
    if not LOW <= result <= HIGH:
        raise NoValue
    return int(result)


def random_text(r, depth):
    out = ""
    for i in range(r.choice([1, 2, 2, 3, 4])):
        if i > 0:
            out += f" {r.choice(BINARY)} "
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            out += r.choice(["-", "-", "~", "not "])
        if depth > 0 and r.random() < 0.4:
            out += f"({random_text(r, depth - 1)})"
        else:
            out += r.choice(NUMBERS)
    return out


def main():
    r = random.Random(int(sys.argv[1]))
    count = int(sys.argv[2])
    while count > 0:
        text = random_text(r, 3)
        row = {"text": text}
        try:
            row["value"] = value_of(ast.parse(text, mode="eval").body)
        except SyntaxError:
            row["refused"] = True
        except Chained:  # Python compares in pairs then, and this language does not
            continue
        except NoValue:
            row["value"] = None
        print(json.dumps(row))
        count -= 1


main()
