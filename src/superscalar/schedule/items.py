"""What maps and `first` go through and what they come to, read off the cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from superscalar.errors import IllegalEvent
from superscalar.plan.evaluate.elements import items_of, truth
from superscalar.plan.evaluate.holders import HeldRow
from superscalar.plan.evaluate.itemwise import item_outcomes
from superscalar.plan.ir import Display, Each, First, Map, Select
from superscalar.schedule.cells import SETTLED, Cell, Element, ItemFate, fate_of, success_of
from superscalar.values import Failure, Observation, Outcome, Skipped

_NOT_KEPT: Final = Observation(False)


def elements_of(cell: Cell) -> list[Element]:
    """What a map or a `first` goes through, one element per item.

    Raises:
        EvaluationError: its source holds nothing to go through.
    """
    work = cell.task.work if cell.task else None
    if not isinstance(work, Map | First):
        raise IllegalEvent(f"`{cell.id}` goes through nothing")
    source = goes_through(cell, work)
    if source.elements is not None:  # settled or not: its items must not have other numbers once it is complete
        ok = cell.scope.find(work.source)
        if ok is None or ok is source:
            return source.elements
        return [Element(one.cell, (success_of(one, ok.id), *one.keep)) for one in source.elements]
    found = source.outcome
    match found:
        case Observation(value):
            return [_constant(source, i, Observation(item)) for i, item in enumerate(items_of(value))]
        case Failure(items=tuple()) | Skipped(items=tuple()):
            adrift = () if found.holder.kind == "dict" else found.holder.adrift
            outcomes = item_outcomes(source.id, found)
            return [_constant(source, i, outcome, i in adrift) for i, outcome in enumerate(outcomes)]
        case _:
            raise IllegalEvent(f"`{cell.id}` was expanded before `{source.id}` had a value")


def goes_through(cell: Cell, work: Map | First) -> Cell:
    """The list whose items are those of a map or a `first`: before what `ok` keeps of a list, the list itself, if its
    items come in one by one.
    """
    if isinstance(work, Map) and work.ok_of is not None:
        whole = cell.scope.find(work.ok_of)
        if whole is not None and whole.elements is not None:
            return whole
    source = cell.scope.find(work.source)
    if source is None:
        raise IllegalEvent(f"`{cell.id}` goes through `{work.source}`, which does not exist")
    return source


def is_ahead_of_ok(cell: Cell, work: Map | First) -> bool:
    """Whether a map goes through the items of a list while nobody knows yet, or knew, all that `ok` keeps of it."""
    return goes_through(cell, work) is not cell.scope.find(work.source)


def is_left_out_by_ok(element: Element) -> bool:
    """Whether an item, or one that it was made of, has failed where `ok` keeps those that have not."""
    return any(one.task is None and one.outcome == _NOT_KEPT for one in element.keep)


def deciding(element: Element) -> Iterator[Cell]:
    """What decided whether an item counts: of one that `ok` left out, nothing that would have come behind that."""
    at: Element | None = element
    while at is not None:
        conditions, at = at.keep, None
        for one in conditions:
            yield one
            if one.task is None and one.outcome == _NOT_KEPT:
                (at,) = one.parts
                break


def may_be_left_out_by_ok(element: Element) -> bool:
    """Whether nobody knows that yet."""
    return any(one.task is None and one.outcome is None for one in element.keep)


def gathered_rows(cell: Cell) -> list[HeldRow]:
    """The outcome of every item of a map, loop or display that counts, in input order.

    With that of its key in a map; the keys of a display are not evaluated here.
    """
    work = cell.task.work if cell.task else None
    rows: list[HeldRow] = []
    if isinstance(work, Display):
        found = [cell.scope.find(item) for item in work.items]
        return [HeldRow(one.outcome) for one in found if one is not None]
    spliced = work.spliced if isinstance(work, Each) else ()
    flatten = isinstance(work, Map) and work.flatten
    for element in cell.parts:
        fate = _fate(element) if isinstance(work, Each) else element.fate()
        if fate.outcome is None:
            raise IllegalEvent(f"`{cell.id}` was gathered before `{element.cell.id}` settled")
        if not fate.counts:
            continue
        if fate.adrift:
            rows.append(HeldRow(fate.outcome, None, adrift=True))
        elif flatten or (spliced and element.cell.task is not None and element.cell.task.id in spliced):
            rows.extend(spread(fate.outcome))
        else:
            rows.append(HeldRow(fate.outcome, element.key.outcome if element.key else None))
    return rows


def last(cell: Cell, loop: Cell | None) -> tuple[Cell, Outcome] | None:
    """The last value that a name was assigned in a loop, and the task that did; None if it never was (rule L14)."""
    for element in reversed(cell.parts):
        fate = element.fate()
        if fate.adrift and fate.outcome is not None:
            return element.cell, fate.outcome
        of_its_body = element.cell.scope.owner is loop
        found = _assigned(element.cell) if of_its_body else element.cell.outcome
        if fate.counts and found is not None:
            return element.cell, found
    return None


def _assigned(cell: Cell) -> Outcome | None:
    """What a name stands for behind a task of a loop's body; None if it was not assigned on the path taken."""
    work, outcome = cell.task.work if cell.task else None, cell.outcome
    if not _fate(Element(cell)).counts:
        return None
    match work:
        case Select(condition, then, otherwise):
            decided = cell.scope.cells.get(condition)
            if decided is None or not isinstance(decided.outcome, Observation):
                return outcome
            version = then if truth(decided.outcome.value) else otherwise
        case Each(loop, last=True, otherwise=version):
            inner = cell.scope.cells.get(loop)
            whole = inner is None or isinstance(inner.outcome, Observation) or _has_items(inner.outcome)
            if not whole or last(cell, inner) is not None:
                return outcome
        case _:
            return outcome
    if version is None:
        return None
    chosen = cell.scope.cells.get(version)
    return outcome if chosen is None else _assigned(chosen) and outcome


def _has_items(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Failure | Skipped) and outcome.items is not None


def _fate(element: Element) -> ItemFate:
    """The fate of a step of a loop: the `if`s of the loop around it decide too."""
    found, task = element.fate(), element.cell.task
    if not found.counts or found.adrift or task is None or not task.guards:
        return found
    conditions = [(element.cell.scope.find(guard.condition), guard.expected) for guard in task.guards]
    return fate_of([(cell, expected) for cell, expected in conditions if cell is not None], found.outcome)


def partial(cell: Cell) -> Failure:
    """A holder whose items are not all in, seen by somebody who looks at one that is."""
    outcomes = tuple(element.outcome() or Skipped(element.cell.id) for element in cell.elements or ())
    return Failure("items", f"`{cell.id}` is not complete yet", items=outcomes)


def _constant(source: Cell, index: int, outcome: Outcome, adrift: bool = False) -> Element:
    # An item that failed is named as a cause; of those in a value only the whole has an id that one can look up.
    cell = Cell(f"{source.id}[{index}]" if isinstance(outcome, Observation) else source.id, None, source.scope, ())
    cell.status = SETTLED
    cell.outcome = outcome
    cell.parts = (Element(source),)
    return Element(cell, (cell,) if adrift else ())  # a filter without a value


def spread(outcome: Outcome) -> list[HeldRow]:
    """The items of an inner map, for the outer one that flattens it. Of one that failed, nobody knows how many."""
    match outcome:
        case Observation(value):
            return [HeldRow(Observation(item)) for item in items_of(value)]
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            return [HeldRow(item, None, i in outcome.holder.adrift) for i, item in enumerate(items)]
        case _:
            return [HeldRow(outcome, None, adrift=True)]
