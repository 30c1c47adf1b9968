"""The statements of a program in their places, and what can be said of one before it is lowered."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from superscalar.plan.evaluate.table import MUTATING
from superscalar.plan.ir import Guard, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.loosely import statement_again
from superscalar.plan.read.lowering.scope import ScopePath, ScopePlace
from superscalar.plan.read.source import SourceText
from superscalar.values import TaskId

_NAME = r"[^\W\d]\w*"
_ASSIGNS = re.compile(rf"\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)")
_ASSIGNS_MORE = re.compile(rf":=|;|\n{_NAME}(?:\s*,\s*{_NAME})*\s*=(?!=)")
_JOINS = re.compile(r"join\s*\(")
_WORD = re.compile(_NAME)
_NOT_PLAIN = re.compile(rf":=|\.(?:{'|'.join(sorted(MUTATING))})\s*\(")


@dataclass(slots=True, eq=False)
class Branch:
    """An `if` of the program. `header`: the statement with its condition. `targets`: what its arms assign. `outer`: the
    arm in which it stands itself.
    """

    number: int
    outer: Arm | None
    header: Slot | None = None
    targets: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of an `if`."""

    branch: Branch
    expected: bool

    @property
    def path(self) -> ScopePath:
        """The arms from the outermost to this one, for names."""
        return (*path_of(self.branch.outer), (self.branch.number, self.expected))

    @property
    def guards(self) -> tuple[Guard, ...] | None:
        """What must hold for its tasks to run; None while a condition waits for a repair."""
        outer = guards_of(self.branch.outer)
        header = self.branch.header
        if outer is None or header is None or not header.published:
            return None
        return (*outer, Guard(header.nameless, self.expected))


def path_of(arm: Arm | None) -> ScopePath:
    """The path of an arm; outside of any it is empty."""
    return () if arm is None else arm.path


def guards_of(arm: Arm | None) -> tuple[Guard, ...] | None:
    """The guards of an arm; outside of any there are none."""
    return () if arm is None else arm.guards


_NO_THOUGHTS: Final[Mapping[int, str]] = MappingProxyType({})


def with_headers(problem: Diagnostic, slot: Slot) -> Diagnostic:
    """A problem of a statement with the headers of the blocks in which it stands."""
    inside = (*_headers(slot.arm), *_headers_in(slot.source, problem))
    return replace(problem, inside=inside) if inside and not problem.inside else problem


def _headers(arm: Arm | None) -> tuple[str, ...]:
    if arm is None or arm.branch.header is None:
        return ()
    header = arm.branch.header.source.text.strip().partition("\n")[0]
    outer = _headers(arm.branch.outer)
    if header.startswith("elif"):  # it stands in the `else` of the one before
        outer = outer[:-1]
    return (*outer, header if arm.expected else f"else:  # of `{header}`")


def _headers_in(source: SourceText, problem: Diagnostic) -> tuple[str, ...]:
    """The lines of a statement's own text that a line of it stands further in than."""
    lines = source.text.split("\n")
    number = problem.span.line - source.line
    if not 0 < number < len(lines):
        return ()
    found: list[str] = []
    margin = _margin(lines[number])
    for line in reversed(lines[:number]):
        if line.strip() and line.rstrip().endswith(":") and _margin(line) < margin:
            found.insert(0, line.strip())
            margin = _margin(line)
    return tuple(found)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


@dataclass(slots=True, eq=False)
class Slot:
    """One statement of the program. `problems` is what is wrong with it, empty while it only waits for a repair.

    `tree` is None where the text could not be read, which `unread` says, and at the end of the `if` that it `ends`.
    `versions`: which version of each target it assigns. `breaks`: it may assign any name. `arm`: that of an `if` in
    which it stands. `opens`: the `if` whose condition it is, with its `blocks` (then, otherwise) and its `end`.
    `thoughts`: the comments inside it, by line. `made`: the tasks that are published for it; `former`: the statement
    whose tasks it keeps, if it comes to the same ones. `number`: of its line, in a listing with numbers.
    """

    place: ScopePlace
    source: SourceText
    tree: ast.stmt | None
    targets: tuple[str, ...]
    versions: dict[str, int] = field(default_factory=dict)
    thought: str = ""
    problems: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    nameless: TaskId = ""
    published: bool = False
    arm: Arm | None = None
    opens: Branch | None = None
    ends: Branch | None = None
    thoughts: Mapping[int, str] = field(default_factory=lambda: _NO_THOUGHTS)
    unread: Diagnostic | None = None
    breaks: bool = False
    blocks: tuple[list[Slot], ...] = ()
    end: Slot | None = None
    made: tuple[Task, ...] = ()
    former: Slot | None = None
    number: int = 0

    def again(self) -> Slot:
        """The same statement, to be said once more; what is published for it may be kept."""
        return Slot(
            (),
            self.source,
            self.tree,
            self.targets,
            thought=self.thought,
            notes=self.notes,
            thoughts=self.thoughts,
            unread=self.unread,
            breaks=self.breaks,
            blocks=tuple([] for _ in self.blocks),
            former=self.former or self,
            number=self.number,
        )

    def let_go(self) -> None:
        """Drop the syntax tree, which would take most of the memory of a plan; only a repair wants it back."""
        tree = self.tree
        if tree is not None and not self.blocks and type(self.source) is SourceText:
            alone = tree.col_offset == 0 and tree.lineno == 1 and ";" not in self.source.text
            self.tree = None if alone else tree

    def restore(self, tools: Container[str]) -> None:
        """Read the text again whose tree was dropped."""
        if self.tree is None and self.published and self.ends is None:
            self.tree = statement_again(self.source.text, tools)
        for block in self.blocks:
            for slot in block:
                slot.restore(tools)

    @property
    def is_join(self) -> bool:
        """Whether it is the `join(...)` of its round."""
        return is_join(self.tree) if self.tree is not None else bool(_JOINS.match(self.source.text))

    @property
    def words(self) -> frozenset[str]:
        """Every name in its text, those of tools among them."""
        return _words_in(self.source.text)


@lru_cache(maxsize=4)  # the statements of one line, of which there may be thousands, share its text
def _words_in(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=4)
def _is_plain(text: str) -> bool:
    """Whether nothing in the text but `=` can give a name a new meaning."""
    return _NOT_PLAIN.search(text) is None


def is_join(tree: ast.stmt | None) -> bool:
    """Whether a statement is `join(...)`."""
    match tree:
        case ast.Expr(value=ast.Call(func=ast.Name(id="join"))):
            return True
    return False


def names_given(tree: ast.stmt, text: str) -> tuple[str, ...]:
    """The names that a statement gives a new meaning, those in blocks included; also where it does so by changing a
    value, which the language has not (`x[0] = 1`, `x.append(1)`): its correction will assign that name.
    """
    match tree:
        case ast.Assign(targets=[ast.Name(id=name)]) if _is_plain(text):
            return (name,)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return ()
        case ast.Expr() if _is_plain(text):
            return ()
    passing = {
        id(name) for inner in ast.walk(tree) if isinstance(inner, ast.comprehension) for name in ast.walk(inner.target)
    }
    found = sorted(each for node in ast.walk(tree) if id(node) not in passing for each in _assigned(node))
    return tuple(dict.fromkeys(name for _, _, name in found))


def _assigned(node: ast.AST) -> Iterator[tuple[int, int, str]]:
    """The name that a node assigns, if it does, and where: line and column."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield node.lineno, node.col_offset, name
        case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
            base: ast.expr = node
            while isinstance(base, ast.Subscript | ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name):
                yield base.lineno, base.col_offset, base.id
        case ast.Call(func=ast.Attribute(value=changed, attr=method)) if method in MUTATING:
            while isinstance(changed, ast.Subscript):
                changed = changed.value
            if isinstance(changed, ast.Name):
                yield changed.lineno, changed.col_offset, changed.id


def targets_of_text(text: str) -> tuple[str, ...] | None:
    """The names that unreadable text assigns, as far as that can be seen; None if it may be any."""
    if _ASSIGNS_MORE.search(text):
        return None
    match = _ASSIGNS.match(text)
    if match is None:
        return () if _JOINS.match(text) else None
    return tuple(dict.fromkeys(_WORD.findall(match.group(1))))


@dataclass(slots=True)
class OpenBranch:
    """An `if` that is open, and the block and the arm of it to which the next statement belongs.

    `ignored`: nothing comes of what stands in it: it is too deep, or behind the join.
    """

    header: Slot
    block: list[Slot]
    arm: Arm | None
    ignored: bool = False
