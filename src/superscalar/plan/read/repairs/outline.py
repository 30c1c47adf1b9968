"""The lines of a text as a tree of statements with their blocks, those of loops included: what a repair looks at.

A program lowers a `for` as a whole; a line inside it can be repaired alone all the same. So a loop is opened to its
lines, and closed to a statement again if one of them has changed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.lines import Lines, Statement
from superscalar.plan.read.loosely import statement_again
from superscalar.plan.read.slots import Slot, is_join, names_given, targets_of_text
from superscalar.plan.read.source import SourceText, parsed
from superscalar.plan.read.unreadable import unreadable

OutlineKind: TypeAlias = Literal["line", "if", "elif", "for"]

WORD = re.compile(r"[^\W\d]\w*")
_HEADER = re.compile(r"(if|elif|for)\b.*:\s*(?:#.*)?$", re.DOTALL)
_JOINS = re.compile(r"^[^=\n]*(?<![.\w])join\s*\([^\n]*$")
_ELSE = re.compile(r"else\s*:\s*(?:#.*)?$")
_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_INDENT = "    "


@dataclass(slots=True, eq=False)
class Outlined:
    """A statement of a text: a line, or the header of an `if` or `for` with its blocks.

    `broken`: something is wrong with it, its blocks aside. `text`: its own, without them. `block`: the list in which it
    stands; `around`: the statement in whose block. A header `alone` has no lines of its own. `tests`: the condition of
    an `if`, and what a `for` goes through.
    """

    kind: OutlineKind
    text: str
    tree: ast.stmt | None
    targets: tuple[str, ...]
    broken: bool = False
    slot: Slot | None = None
    blocks: tuple[list[Outlined], ...] = ()
    around: Outlined | None = None
    block: list[Outlined] = field(default_factory=list)
    alone: bool = False
    line: int = 0
    changed: bool = False

    @property
    def is_join(self) -> bool:
        """Whether it is a `join(...)`, right or broken."""
        if self.tree is not None:
            return is_join(self.tree)
        return not self.targets and _JOINS.search(self.text) is not None

    def within(self) -> Iterator[Outlined]:
        """It and all that stands in it, in the order of the text."""
        yield self
        for block in self.blocks:
            for node in block:
                yield from node.within()

    @property
    def parents(self) -> Iterator[Outlined]:
        """What it stands in, the innermost first."""
        node = self.around
        while node is not None:
            yield node
            node = node.around


def outline(text: Sequence[Slot], around: Outlined | None = None) -> list[Outlined]:
    """The nodes of statements, loops opened."""
    block: list[Outlined] = []
    for slot in text:
        node = _node(slot)
        node.around, node.block = around, block
        block.append(node)
    return block


def _node(slot: Slot) -> Outlined:
    broken = bool(slot.unread or slot.problems)
    text = own_text(slot)
    if slot.blocks:
        kind: OutlineKind = "elif" if text.startswith("elif") else "if"
        node = Outlined(kind, text, slot.tree, (), broken, slot)
        node.blocks = tuple(outline(block, node) for block in slot.blocks)
        node.alone = all(is_gap(inner) for block in node.blocks for inner in block)
        return node
    if isinstance(slot.tree, ast.For) or (slot.tree is None and _HEADER.match(slot.source.text.split("\n")[0])):
        return _opened(slot) or Outlined("line", text, slot.tree, slot.targets, broken, slot)
    return Outlined("line", text, slot.tree, slot.targets, broken, slot)


def is_gap(node: Outlined) -> bool:
    """Whether it says that nothing stands in a block."""
    return node.slot is not None and not node.text and node.slot.unread is not None


def note_change(node: Outlined) -> None:
    """Something in it is another than it was."""
    node.changed = True
    for around in node.parents:
        around.changed = True


# ------------------------------------------------------------------------------------------------------------- loops


def _opened(slot: Slot) -> Outlined | None:
    """A loop, or what was to be one, with its lines; None if they cannot be told from each other."""
    reading = Lines()
    statements = [*reading.feed(slot.source.text), *reading.finish()]
    statements = [one for one in statements if one.text and not one.text.startswith("#")]
    if not statements or statements[0].problem is not None:
        return None
    first = statements[0]
    nodes = list(_read(statements))
    match = _HEADER.match(first.text)
    if len(nodes) != 1 or match is None:
        return None
    node = nodes[0]
    node.slot, node.targets = slot, slot.targets
    for problem in slot.problems or ([] if slot.unread is None else [slot.unread]):
        line = problem.span.line - slot.source.line + 1
        inside = [one for one in node.within() if one is not node and _holds(one, line)]
        unread = [one for one in node.within() if one.tree is None]
        if slot.unread is not None and problem.span == slot.unread.span:
            for one in unread:
                one.broken = True
            node.broken = node.broken or node.alone or not unread
        elif inside:
            inside[-1].broken = True  # the innermost
            for one in node.within():  # that a name stands for nothing is said once
                one.broken = one.broken or (one.kind == "line" and _name_at(problem) in WORD.findall(one.text))
        else:
            node.broken = True
    return node


def _name_at(problem: Diagnostic) -> str | None:
    """The name that a problem is about, if it is about one that stands for nothing."""
    span = problem.span
    text = problem.line_text[span.column : span.end_column] if span.end_line == span.line else ""
    return text if problem.code in ("E102", "E301") and WORD.fullmatch(text) else None


def may_be_of(problem: Diagnostic, text: str) -> bool:
    """Whether what a name stands for may be said in a text that nobody could read."""
    return problem.code == "E102" and _name_at(problem) in (None, *WORD.findall(text))


def as_far_as_read(slot: Slot) -> tuple[str, str]:
    """The text of a loop without the lines that cannot be read, each line in its place, and those; or nothing."""
    node = _opened(slot)
    unread = [one for one in node.within() if one.tree is None] if node is not None else []
    lines = slot.source.text.split("\n")
    for one in unread:
        if one.blocks or one is node:
            return "", ""
        for number in range(one.line - 1, one.line + one.text.count("\n")):
            indent = len(lines[number]) - len(lines[number].lstrip())
            lines[number] = lines[number][:indent] + "pass"
    return ("\n".join(lines), "\n".join(one.text for one in unread)) if unread else ("", "")


def _holds(node: Outlined, line: int) -> bool:
    """Whether a line is one of a node's own."""
    return node.line <= line <= node.line + node.text.count("\n")


def _read(statements: Sequence[Statement]) -> Iterator[Outlined]:
    """The nodes of statements that stand equally far in, or further in those before them."""
    index = 0
    last: Outlined | None = None
    while index < len(statements):
        first = statements[index]
        end = index + 1
        while end < len(statements) and statements[end].column > first.column:
            end += 1
        inner = statements[index + 1 : end]
        index = end
        if _ELSE.match(first.text) and last is not None and last.kind in ("if", "elif") and inner:
            _fill(last.blocks[1], inner, last)
            continue
        match = _HEADER.match(first.text)
        if match is None:
            while (
                index < len(statements) and statements[index].column == first.column and _continues(statements[index])
            ):
                end = index + 1
                while end < len(statements) and statements[end].column > first.column:
                    end += 1
                inner = [*inner, *statements[index:end]]
                index = end
            last = _line(first, inner)
            yield last
            continue
        kind: OutlineKind = match[1]  # type: ignore[assignment]
        node = Outlined(kind, first.text, _header_tree(first.text), (), line=first.line, alone=not inner)
        node.blocks = ([],) if kind == "for" else ([], [])
        _fill(node.blocks[0], inner, node)
        if kind == "elif" and last is not None and last.kind in ("if", "elif"):
            node.around, node.block = last, last.blocks[1]
            last.blocks[1].append(node)
        else:
            yield node
        last = node


def _continues(statement: Statement) -> bool:
    return _CONTINUES.match(statement.text) is not None


def _fill(block: list[Outlined], statements: Sequence[Statement], around: Outlined) -> None:
    for node in _read(statements):
        node.around, node.block = around, block
        block.append(node)


def _line(first: Statement, inner: Sequence[Statement]) -> Outlined:
    """A statement without blocks that are looked into; what belongs to it is a part of its text."""
    lines = [first.text, *(" " * max(one.column - first.column, 0) + one.text for one in inner)]
    text = "\n".join(lines)
    tree = _tree(text)
    targets = names_given(tree, text) if tree is not None else targets_of_text(text) or ()
    return Outlined("line", text, tree, targets, line=first.line)


def _tree(text: str) -> ast.stmt | None:
    try:
        body = parsed(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return body[0] if len(body) == 1 else None


def _header_tree(text: str) -> ast.stmt | None:
    return _tree(text.removeprefix("el") + "\n pass")


def rendered(nodes: Sequence[Outlined], margin: str = "") -> Iterator[str]:
    """The lines of nodes, as far in as their blocks are."""
    for node in nodes:
        first, *others = node.text.split("\n")
        compound = node.kind == "line" and isinstance(
            node.tree, ast.Try | ast.While | ast.With | ast.FunctionDef | ast.For
        )
        yield margin + first
        yield from ((margin if compound or node.tree is None else "") + line for line in others)
        for number, block in enumerate(node.blocks):
            if number and not block:
                continue
            if not block and not node.alone:
                yield f"{margin}{_INDENT}pass"
            if number and not (len(block) == 1 and block[0].kind == "elif"):
                yield f"{margin}else:"
            elif number:
                yield from rendered(block, margin)
                continue
            yield from rendered(block, margin + _INDENT)


def statements(nodes: Sequence[Outlined], tools: Container[str]) -> list[Slot]:
    """The statements that nodes are, loops closed again."""
    return [_statement(node, tools) for node in nodes]


def _statement(node: Outlined, tools: Container[str]) -> Slot:
    slot = node.slot
    if node.kind in ("if", "elif") and slot is not None and slot.blocks:
        then, otherwise = node.blocks
        made = slot.again()
        made.blocks = (statements(then, tools), statements(otherwise, tools))
        return made
    if slot is not None and not any(one.changed for one in node.within()):
        return slot
    text = "\n".join(rendered([node]))
    old = slot.source if slot is not None else SourceText(text)
    source = SourceText(text, old.line, old.column)
    made = Slot((), source, None, ())
    try:
        made.tree = statement_again(text, tools)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        made.unread = unreadable(source, error)
        made.targets, made.breaks = targets_of_text(text) or (), targets_of_text(text) is None
    else:
        made.targets = names_given(made.tree, text)
    if slot is not None:
        made.thought, made.notes, made.former = slot.thought, slot.notes, slot
    return made


def header_of(node: Outlined) -> Slot | None:
    """The statement that the header of an `if` is, which was written as a part of one or alone."""
    slot = node.slot
    if slot is None or slot.blocks or not isinstance(node.tree, ast.If):
        return slot
    made = Slot((), SourceText(node.text, slot.source.line, slot.source.column), None, (), blocks=([], []))
    made.tree = ast.copy_location(ast.If(node.tree.test, [], []), node.tree.test)
    return made


def own_text(slot: Slot) -> str:
    """The text of a statement alone, where others stand on its line."""
    text = slot.source.text
    if slot.tree is None:
        return text
    if slot.blocks:
        inline = not text.rstrip().endswith(":") and "\n" not in text
        return f"if {ast.unparse(slot.tree.test)}:" if inline and isinstance(slot.tree, ast.If) else text
    shared = ";" in text or slot.tree.col_offset > 0 or slot.tree.lineno > 1
    return slot.source.of(slot.tree) if shared else text
