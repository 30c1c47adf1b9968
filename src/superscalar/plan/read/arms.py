"""`join(...)` in the arms of the `if` that ends a program: what each arm joins is one name, joined behind it (rule L5).

`if c: join(a)`, `else: join(b)` is `if c: answer = a`, `else: answer = b` and `join(answer)`. Whether every way through
the `if` ends so, and nothing follows, shows at the end of the text: until then the lines keep their places.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.instead import forms
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.plan.read.slots import Slot
from superscalar.plan.read.source import SourceText
from superscalar.plan.read.spelling import joined_value
from superscalar.plan.read.translated import Written, settle, statement
from superscalar.plan.read.translated import made as made_at

INSTEAD: Final = "assign in the block what it finds, and write join(...) as the last line, at its beginning"
NOTE: Final = "`join(...)` in the arms of the last `if` for `answer = ...` there and `join(answer)` behind it"


@dataclass(slots=True)
class Ways:
    """The ways through an `if` that is being read. `open`: the one that is has not joined yet."""

    open: bool = True
    joined: int = 0
    all: bool = True

    def otherwise(self) -> None:
        """Another arm begins."""
        self.all = self.all and not self.open
        self.open = True

    def join(self) -> None:
        """The arm that is open joins."""
        self.open, self.joined = False, self.joined + 1


@dataclass(frozen=True, slots=True)
class _Kept:
    """A `join(...)` in an arm, in the place that is kept for it."""

    slot: Slot
    tree: ast.stmt
    source: SourceText
    problem: Diagnostic
    value: ast.expr
    written: Written
    thought: str


class JoiningArms:
    """The `join(...)`s in arms of one program. `refused`: they are not what ends it."""

    def __init__(self, program: Program) -> None:
        self.refused = False
        self._program = program
        self._kept: list[_Kept] = []
        self._name = ""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def take(self, call: ast.Call, source: SourceText, thought: str, names: set[str]) -> bool:
        """Keep the place of a `join(...)`; False if it cannot be one in an arm. `names`: those that are assigned."""
        value = None if self.refused else joined_value(call)
        if value is None:
            return False
        help = forms.of_join_inside(call, sorted(names)) or INSTEAD
        span = source.span(call)
        settle(value, source)
        written = Written(source.text, source.line, source.span(None), source.column)
        self._name = self._name or self._fresh(names)
        made, where = statement(self._name, value, written)
        problem = written.problem("E206", "`join(...)` stands inside a block", help, span)
        slot = self._program.keep_place(where, problem, made)
        tree = ast.copy_location(ast.Expr(call), call)
        self._kept.append(
            _Kept(slot=slot, tree=tree, source=source, problem=problem, value=value, written=written, thought=thought)
        )
        return True

    def _fresh(self, names: set[str]) -> str:
        """A name that the text does not assign; in a reply it may be what the text had before."""
        taken = self._program.defines if not self._program.repairing else (lambda _: False)
        spelled = ("answer", *(f"answer{number}" for number in range(2, len(names) + 1_000)))
        return next(name for name in spelled if name not in names and not taken(name))

    def refuse(self) -> Iterator[ProgramStep]:
        """Something follows, or one of the ways does not join."""
        kept, self._kept, self.refused = self._kept, [], True
        for each in kept:
            self._program.cannot_fill(each.slot, each.source, each.problem, each.tree)
        if not self._program.repairing:
            yield from (problem for each in kept for problem in each.slot.problems)

    def end(self, names: set[str]) -> Iterator[ProgramStep]:
        """The text has ended as it should: say what stands in the places, and join it."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        name = self._fresh(names) if self._name in names else self._name
        for each in kept:
            made, where = statement(name, each.value, each.written)
            self._program.fill(each.slot, made, where, thought=each.thought)
        yield from self._program.filled()
        call = ast.Call(ast.Name("join", ast.Load()), [ast.Name(name, ast.Load())], [])
        made_at(call, kept[-1].written.span)
        made, where = statement("", call, kept[-1].written)
        yield from self._program.statement(made, where, notes=(NOTE,))
