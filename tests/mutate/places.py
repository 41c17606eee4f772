"""Where a C++ source can be mutated, found with libclang. What the compiler alone sees (constants, template arguments,
case labels, static assertions) is left out, and so are expressions with co_await, whose conditions g++ 12 miscompiles
(docs/traps.md)."""

from __future__ import annotations

import re
from pathlib import Path

from clang.cindex import Cursor, CursorKind, Index, TranslationUnit, TypeKind
from rewrite import Edit, without_overlaps

K = CursorKind
OPPOSITE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+"}
# A literal beside one of these moves the bound to the side that the operator's own mutation does not.
BESIDE = {"<": -1, "<=": 1, ">": 1, ">=": -1}
NUMBERS = range(TypeKind.BOOL.value, TypeKind.LONGDOUBLE.value + 1)
FUNCTIONS = {K.FUNCTION_DECL, K.FUNCTION_TEMPLATE, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.CONVERSION_FUNCTION}
SCOPES = {
    K.NAMESPACE,
    K.LINKAGE_SPEC,
    K.CLASS_DECL,
    K.STRUCT_DECL,
    K.CLASS_TEMPLATE,
    K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
    K.UNION_DECL,
    K.UNEXPOSED_DECL,
}
COMPILE_TIME = {
    K.STATIC_ASSERT,
    K.ENUM_DECL,
    K.TYPE_ALIAS_DECL,
    K.TYPE_ALIAS_TEMPLATE_DECL,
    K.TYPEDEF_DECL,
    K.CONCEPT_DECL,
    K.REQUIRES_EXPR,
    K.CXX_UNARY_EXPR,
    K.PARM_DECL,
    K.TEMPLATE_NON_TYPE_PARAMETER,
    K.DECL_REF_EXPR,
    K.TYPE_REF,
    K.TEMPLATE_REF,
}
JUMP = re.compile(rb"(?:return|co_return|throw|continue|break)\b[^;{}]*;\s*\}?\s*$")
INTEGER = re.compile(rb"(0[xX][0-9a-fA-F']+|0[bB][01']+|[0-9][0-9']*)([a-zA-Z_]*)")


def is_idle(source: bytes, edit: Edit) -> bool:
    """Whether the text alone tells that nothing changes: room reserved, a variable cleared before it is written,
    another negative number for "none"."""
    text = source[edit.start : edit.end]
    before = source[max(0, edit.start - 200) : edit.start]
    after = source[edit.end : edit.end + 80].lstrip()[:1]
    if re.search(rb"[.>]reserve\(", text if edit.form == "drop" else before.rpartition(b";")[2]):
        return True
    if edit.form != "other" or INTEGER.fullmatch(text) is None:
        return False
    if text == b"0" and after == b";" and before.endswith(b" = "):
        return re.search(rb"\bfor \([^;]*$", before) is None and re.search(rb"[\w>] \w+ = $", before) is not None
    return text == b"1" and re.search(rb"[=(,{?:|&<>] ?-$|return -$", before) is not None


class Finder:
    """The edits of one file, out of a translation unit that includes it."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self.source = file.read_bytes()
        self.edits: set[Edit] = set()
        self.in_return = False

    # ---- text
    def span(self, node: Cursor) -> tuple[int, int]:
        extent = node.extent
        return extent.start.offset, extent.end.offset

    def text(self, node: Cursor) -> bytes:
        start, end = self.span(node)
        return self.source[start:end]

    def after(self, offset: int) -> bytes:
        return self.source[offset : offset + 80].lstrip()[:1]

    def before(self, offset: int) -> bytes:
        return self.source[max(0, offset - 80) : offset].rstrip()[-1:]

    def add(self, start: int, end: int, form: str, text: str) -> None:
        if start < end:
            self.edits.add(Edit(start, end, form, text))

    # ---- declarations
    def declarations(self, node: Cursor) -> None:
        for child in node.get_children():
            file = child.location.file
            if file is None or file.name != self.file:
                continue
            if child.kind in SCOPES:
                self.declarations(child)
            elif child.kind in FUNCTIONS:
                self.function(child)
            elif child.kind in (K.VAR_DECL, K.FIELD_DECL):
                self.variable(child, everywhere=child.kind == K.VAR_DECL)

    def function(self, node: Cursor) -> None:
        head = self.source[self.span(node)[0] : node.location.offset]
        if b"consteval" in head or (b"constexpr" in head and self.file.endswith(".cpp")):
            return  # in a .cpp it is there for the tables that the compiler makes
        for child in node.get_children():
            if child.kind == K.COMPOUND_STMT:
                self.statement(child)
            elif node.kind == K.CONSTRUCTOR and child.kind.is_expression():
                self.full_expression(child)

    def variable(self, node: Cursor, everywhere: bool = False) -> None:
        """A variable or member with its initializer; `everywhere`: it lives outside functions."""
        start, end = self.span(node)
        name = node.location.offset
        fixed = everywhere or b"constexpr" in self.source[start:name] or b"static" in self.source[start:name]
        for child in node.get_children():
            if not child.kind.is_expression():
                continue
            first, _ = self.span(child)
            if first <= name or self.before(first) in (b"[", b":") or end < first:
                continue  # template arguments of the type, sizes of arrays, widths of bit fields
            constant = fixed or (node.type.is_const_qualified() and self.is_constant(child))
            self.full_expression(child, constant)

    def is_constant(self, node: Cursor) -> bool:
        for part in node.walk_preorder():
            if part.kind in (K.CALL_EXPR, K.MEMBER_REF_EXPR, K.CXX_THIS_EXPR, K.LAMBDA_EXPR):
                return False
            if part.kind == K.DECL_REF_EXPR:
                of = part.referenced
                if of is None or of.kind == K.PARM_DECL:
                    return False
                if of.kind == K.VAR_DECL and not of.type.is_const_qualified():
                    return False
        return True

    # ---- statements
    def statement(self, node: Cursor) -> None:
        kind = node.kind
        if kind in FUNCTIONS:
            self.function(node)
        elif kind in SCOPES:
            self.declarations(node)
        elif kind == K.VAR_DECL:
            self.variable(node)
        elif kind in COMPILE_TIME and not kind.is_expression():
            return
        elif kind.is_expression():
            self.dropped(node)
            self.full_expression(node)
        elif kind in (K.IF_STMT, K.WHILE_STMT):
            self.condition(node)
        elif kind == K.RETURN_STMT or self.text(node).startswith(b"co_return"):
            for child in node.get_children():
                self.in_return = True
                self.full_expression(child)
                self.in_return = False
        else:
            children = list(node.get_children())
            if kind == K.CASE_STMT:
                children = children[1:]
            for child in children:
                if child.kind.is_expression() and kind in (K.FOR_STMT, K.SWITCH_STMT, K.DO_STMT, K.CXX_FOR_RANGE_STMT):
                    if child == children[-1]:
                        self.dropped(child)  # a body without braces
                    self.full_expression(child)
                else:
                    self.statement(child)

    def condition(self, node: Cursor) -> None:
        children = list(node.get_children())
        is_if = node.kind == K.IF_STMT
        if is_if and re.match(rb"if\s+(constexpr|consteval)\b", self.text(node)):
            for child in children:
                if not child.kind.is_expression() or self.after(self.span(child)[1]) == b";":
                    self.statement(child)
            return
        for child, following in zip(children, [*children[1:], None]):
            start, end = self.span(child)
            if (
                following is None
                or not child.kind.is_expression()
                or self.after(end) != b")"
                or self.source[end : self.span(following)[0]].strip() != b")"
            ):
                self.statement(child)
                continue
            text = self.source[start:end]
            if b"co_await" not in text and text not in (b"true", b"false"):
                if not is_if or JUMP.search(self.body(following)):
                    self.add(start, end, "false", "false")
                else:
                    self.add(start, end, "negated", f"!({text.decode()})")
            self.full_expression(child)

    def body(self, node: Cursor) -> bytes:
        start, end = self.span(node)
        return self.source[start : self.source.find(b";", end - 1) + 1 if self.after(end) == b";" else end]

    def dropped(self, node: Cursor) -> None:
        start, end = self.span(node)
        if self.after(end) != b";" or self.before(start) not in (b";", b"{", b"}", b")", b":") and not re.search(
            rb"(else|do|/)\s*$|//[^\n]*\n\s*$", self.source[max(0, start - 200) : start]
        ):
            return
        while node.kind == K.UNEXPOSED_EXPR:
            children = list(node.get_children())
            if len(children) != 1 or self.span(children[0]) != (start, end):
                break
            node = children[0]
        if (
            node.kind in (K.CALL_EXPR, K.COMPOUND_ASSIGNMENT_OPERATOR)
            or (node.kind == K.BINARY_OPERATOR and node.binary_operator.name == "Assign")
            or (node.kind == K.UNARY_OPERATOR and re.match(rb"\+\+|--|.*(\+\+|--)$", self.text(node)))
            or self.source.startswith(b"co_await", start)
        ):
            self.add(start, self.source.find(b";", end) + 1, "drop", "")

    # ---- expressions
    def full_expression(self, node: Cursor, constant: bool = False) -> None:
        awaits = re.search(rb"\bco_(await|yield)\b", self.text(node)) is not None
        self.expression(node, constant or awaits)

    def expression(self, node: Cursor, constant: bool) -> None:
        kind = node.kind
        if kind in COMPILE_TIME:
            return
        if kind == K.LAMBDA_EXPR:
            outer, self.in_return = self.in_return, False
            for child in node.get_children():
                if child.kind == K.COMPOUND_STMT:
                    self.statement(child)
                elif child.kind.is_expression():
                    self.expression(child, constant)
            self.in_return = outer
            return
        children = list(node.get_children())
        beside = ""
        if not constant:
            match kind:
                case K.BINARY_OPERATOR | K.CALL_EXPR | K.UNEXPOSED_EXPR:
                    beside = self.operator(node, children)
                case K.CONDITIONAL_OPERATOR:
                    start, end = self.span(children[0])
                    text = self.source[start:end]
                    if self.after(end) == b"?":
                        self.add(start, end, "negated", f"!({text.decode()})")
                case K.CXX_BOOL_LITERAL_EXPR:
                    text = self.text(node)
                    if self.in_return and text in (b"true", b"false"):
                        self.add(*self.span(node), "other", "false" if text == b"true" else "true")
                case K.INTEGER_LITERAL:
                    self.integer(node, 1)
        of_type = False
        for child in children:
            if child.kind in (K.TEMPLATE_REF, K.TYPE_REF, K.NAMESPACE_REF):
                of_type = True
            elif of_type and child.kind == K.INTEGER_LITERAL and self.before(self.span(child)[0]) in (b"<", b","):
                continue
            elif kind == K.MEMBER_REF_EXPR and self.span(child)[0] >= node.location.offset:
                continue  # template arguments of a member
            elif beside in BESIDE and self.literal(child) is not None:
                if not constant:
                    self.integer(self.literal(child), BESIDE[beside] * (1 if child is children[-1] else -1))
            elif child.kind.is_expression():
                self.expression(child, constant)
            else:
                self.statement(child)

    def literal(self, node: Cursor) -> Cursor | None:
        """The integer literal that this is, but for conversions."""
        while node.kind == K.UNEXPOSED_EXPR:
            children = list(node.get_children())
            if len(children) != 1:
                return None
            node = children[0]
        return node if node.kind == K.INTEGER_LITERAL else None

    def integer(self, node: Cursor, step: int) -> None:
        start, _ = self.span(node)
        token = INTEGER.match(self.source, start)
        if token is None or re.match(rb"[\w.']", self.source[token.end() : token.end() + 1]):
            return
        digits = token[1].replace(b"'", b"").decode()
        value = int(digits, 8) if re.fullmatch("0[0-7]+", digits) else int(digits, 0)
        value += step
        if value < 0:
            value = 1
        shown = f"0x{value:X}" if digits[:2].lower() == "0x" else str(value)
        self.add(start, token.end(), "other", shown + token[2].decode())

    def operator(self, node: Cursor, children: list[Cursor]) -> str:
        """Mutates `left OP right`; returns OP."""
        if len(children) < 2:
            return ""
        left, right = children[0], children[-1]
        (start, middle), (after, end) = self.span(left), self.span(right)
        sign = self.source[middle:after].strip().decode(errors="replace")
        if middle > after or self.span(node) != (start, end):
            return ""
        text_left, text_right = self.source[start:middle].decode(), self.source[after:end].decode()
        if sign in OPPOSITE:
            whole = Edit(start, end, "negated", f"!({self.source[start:end].decode()})")
            if sign not in ("==", "!=") or whole not in self.edits:  # else it is the same
                self.add(start, end, "other", f"{text_left} {OPPOSITE[sign]} {text_right}")
        elif sign in ("&&", "||"):
            constant = "true" if sign == "&&" else "false"
            self.add(start, middle, constant, constant)
            self.add(after, end, constant, constant)
        elif sign in ARITHMETIC and self.can_subtract(node, left, right):
            self.add(start, end, "other", f"{text_left} {ARITHMETIC[sign]} {text_right}")
        return sign

    def can_subtract(self, node: Cursor, left: Cursor, right: Cursor) -> bool:
        types = [each.type.get_canonical() for each in (node, left, right)]
        if all(each.kind.value in NUMBERS for each in types):
            return True
        if types[0].kind == TypeKind.POINTER:
            return types[2].kind.value in NUMBERS
        return "chrono" in types[0].spelling


def find(main: Path, arguments: list[str], files: list[Path]) -> dict[Path, list[Edit]]:
    """The edits of `files`, all of which the translation unit `main` holds."""
    unit: TranslationUnit = Index.create().parse(str(main), args=arguments)
    errors = [d for d in unit.diagnostics if d.severity >= 3]
    if errors:
        raise RuntimeError(f"{main}: libclang does not understand it: {errors[0]}")
    found = {}
    for file in files:
        finder = Finder(file)
        finder.declarations(unit.cursor)
        found[file] = without_overlaps({e for e in finder.edits if not is_idle(finder.source, e)})
    return found
