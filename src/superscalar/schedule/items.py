"""What maps and `first` go through and what they come to, read off the cells."""

from __future__ import annotations

from superscalar.errors import IllegalEvent
from superscalar.plan.elements import items_of
from superscalar.plan.ir import Display, Each, First, Map
from superscalar.schedule.cells import SETTLED, Cell, Element
from superscalar.values import Failure, Observation, Outcome, Skipped


def items(cell: Cell) -> list[Element]:
    """What a map or a `first` goes through, one element per item.

    Raises:
        EvaluationError: its source holds nothing to go through.
    """
    work = cell.task.work if cell.task else None
    if not isinstance(work, Map | First):
        raise IllegalEvent(f"`{cell.id}` goes through nothing")
    source = cell.scope.find(work.source)
    if source is None:
        raise IllegalEvent(f"`{cell.id}` goes through `{work.source}`, which does not exist")
    if source.elements is not None:  # settled or not: its items must not have other numbers once it is complete
        return source.elements
    match source.outcome:
        case Observation(value):
            return [_constant(source, i, Observation(item)) for i, item in enumerate(items_of(value))]
        case Failure(items=tuple(outcomes)):
            counted = [o for o in outcomes if not (isinstance(o, Skipped) and o.by_guard)]
            return [_constant(source, i, outcome) for i, outcome in enumerate(counted)]
        case _:
            raise IllegalEvent(f"`{cell.id}` was expanded before `{source.id}` had a value")


def gathered(cell: Cell) -> list[tuple[Outcome | None, Outcome]]:
    """The key (dicts only) and the outcome of every item of a map or display that counts, in input order."""
    work = cell.task.work if cell.task else None
    rows: list[tuple[Outcome | None, Outcome]] = []
    if isinstance(work, Display):
        found = [cell.scope.find(item) for item in work.items]
        return [(None, c.outcome) for c in found if c is not None and c.outcome is not None]
    spliced = work.spliced if isinstance(work, Each) else ()
    flatten = isinstance(work, Map) and work.flatten
    for element in cell.parts:
        outcome = element.outcome()
        if outcome is None:
            raise IllegalEvent(f"`{cell.id}` was gathered before `{element.cell.id}` settled")
        if isinstance(outcome, Skipped) and outcome.by_guard:
            continue
        if flatten or (spliced and element.cell.task is not None and element.cell.task.id in spliced):
            rows.extend((None, part) for part in _spliced(outcome))
        else:
            rows.append((element.key.outcome if element.key else None, outcome))
    return rows


def partial(cell: Cell) -> Failure:
    """A holder whose items are not all in, seen by somebody who looks at one that is."""
    outcomes = tuple(element.outcome() or Skipped(element.cell.id) for element in cell.elements or ())
    return Failure("items", f"`{cell.id}` is not complete yet", items=outcomes)


def _constant(source: Cell, index: int, outcome: Outcome) -> Element:
    # An item that failed is named as a cause; of those in a value only the whole has an id that one can look up.
    cell = Cell(f"{source.id}[{index}]" if isinstance(outcome, Observation) else source.id, None, source.scope, ())
    cell.status = SETTLED
    cell.outcome = outcome
    cell.parts = (Element(source),)
    return Element(cell)


def _spliced(outcome: Outcome) -> tuple[Outcome, ...]:
    """The items of an inner map, for the outer one that flattens it."""
    match outcome:
        case Observation(value):
            return tuple(Observation(item) for item in value)
        case Failure(items=tuple(items)):
            return items
        case _:
            return (outcome,)
