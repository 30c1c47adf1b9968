"""Where a value came from: the tasks that it was made from, back to constants and calls, and what decided on it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from superscalar.errors import UsageError
from superscalar.events import Event
from superscalar.labels import USER, Label
from superscalar.plan.evaluate.parts import told_parts as told_parts
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Call, Compute, Map, Ref, Select, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.print.expression import name_of
from superscalar.plan.print.program import print_expr
from superscalar.schedule.cells import Cell
from superscalar.schedule.items import goes_through
from superscalar.schedule.ledger import Ledger
from superscalar.short import bounded, cut
from superscalar.tools.trust import Declared
from superscalar.values import Outcome, TaskId

_WIDEST = 200  # characters of a text
_DEEPEST = 60  # steps back from the value that was asked for


@bounded
@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How one value was made.

    `text`: as a plan would write it; `tool`: the one that was called, if it is a call. `outcome`: what it came to, None
    if it did not settle. `label`: the join of all that follows. `inputs`: what it was made from. `because`: what
    decided that it was made, or which of several it is. `told`: it stands in this provenance before, with its inputs;
    or it is deeper down than is told. `parts`: where its parts stand (`[0].id`, `[]` for each item) and their labels,
    if they have others than the whole.
    """

    id: TaskId
    text: str
    outcome: Outcome | None
    label: Label
    tool: str = ""
    inputs: tuple[Made, ...] = ()
    because: tuple[Made, ...] = ()
    told: bool = False
    parts: tuple[tuple[str, Label], ...] = ()

    def __iter__(self) -> Iterator[Made]:
        """This and everything behind it, each once."""
        pending = [self]
        while pending:
            made = pending.pop()
            if not made.told:
                yield made
            pending += [*reversed(made.because), *reversed(made.inputs)]


class Provenance:
    """The provenance of a run's values, read off its events.

    `declared`: what its tools said of their results, by alias. `question`: what the user asked.
    """

    def __init__(self, happened: Iterable[Event], declared: Mapping[str, Declared], question: str = "") -> None:
        self._ledger = Ledger.of(happened, declared, question)
        self._schedule, self._labels = self._ledger.schedule, self._ledger.labels

    def of(self, name: str) -> Made:
        """How the value of a task was made, by its id, or by a name of the plan (its last version).

        Raises:
            UsageError: there is no such task; the message names those that come near.
        """
        return self._made(self._named(name), set(), 0)

    def answer(self) -> Label:
        """The label of the answer: a joiner's is made from all that it was shown, else it is that of `join(...)`."""
        if not self._ledger.joins:
            return self._labels.joined()
        return USER | self._ledger.round.label | self._labels.shown(task.id for task in self._schedule.plan())

    def label(self, id: TaskId) -> Label:
        """The label of what a task left behind, by its id."""
        return whole(self._labels.of(self._schedule.cell(id)))

    def _named(self, name: str) -> Cell:
        found = self._schedule.get(name)
        if found is not None and name_of(name) is None:
            return found
        versions = [task for task in self._schedule.plan() if name_of(task.id) == name]  # the last one first
        if versions:
            return self._schedule.cell(versions[0].id)
        if found is not None:
            return found
        ids = [cell.id for cell in self._schedule.in_program_order()]
        close = difflib.get_close_matches(name, ids, n=3) or ids[:10]
        raise UsageError(f"this run has no `{name}`; it has {', '.join(close) or 'no tasks'}")

    # ------------------------------------------------------------------------------------------------------ the walk

    def _made(self, cell: Cell, told: set[Cell], depth: int) -> Made:
        labels = self._labels.of(cell)
        label, parts = whole(labels), told_parts(labels)
        text = _text(cell)
        work = None if cell.task is None else cell.task.work
        tool = told_name(work.tool) if isinstance(work, Call) else ""
        if cell in told or depth > _DEEPEST:
            return Made(id=cell.id, text=text, outcome=cell.outcome, label=label, tool=tool, told=True, parts=parts)
        told.add(cell)
        deciding = list(dict.fromkeys(self._deciding(cell)))
        inputs = [one for one in dict.fromkeys(self._labels.inputs(cell)) if one not in deciding]
        return Made(
            id=cell.id,
            text=text,
            outcome=cell.outcome,
            label=label,
            tool=tool,
            inputs=tuple(self._made(one, told, depth + 1) for one in inputs),
            because=tuple(self._made(one, told, depth + 1) for one in deciding),
            parts=parts,
        )

    def _deciding(self, cell: Cell) -> Iterator[Cell]:
        """What decided that a task was run at all, or which version a name stands for."""
        task = cell.task
        if task is None:
            return
        conditions = [guard.condition for guard in task.guards]
        if isinstance(task.work, Select):
            conditions.append(task.work.condition)
        for condition in conditions:
            if (found := cell.scope.find(condition)) is not None:
                yield found
        scope = cell.scope
        if scope.owner is not None and scope.source is not None:
            yield from scope.source.keep
            work = None if scope.owner.task is None else scope.owner.task.work
            if isinstance(work, Map):
                yield goes_through(scope.owner, work)


def _text(cell: Cell) -> str:
    """What a task does, as a plan writes it."""
    if cell.task is None:
        place = f"{cell.parts[0].cell.id}["
        return f"item {cell.id[len(place) : -1]} of {place[:-1]}" if cell.id.startswith(place) else cell.id
    text = print_expr(Ref(cell.task.id), {cell.task.id: cell.task}) if _is_plain(cell.task) else _kind(cell.task)
    return cut(text, _WIDEST)


def _is_plain(task: Task) -> bool:
    return isinstance(task.work, Call | Compute)


def _kind(task: Task) -> str:
    kinds = {
        "Select": "one of several versions",
        "Map": "for each item",
        "Each": "gathered in a loop",
        "Join": "join",
        "PlanCall": "what a plan joins",
        "Supplied": "an input",
    }
    kind = type(task.work).__name__
    return kinds.get(kind, kind.lower())
