"""A ledger that is read off any prefix of a run's events is the one that the run had at that moment."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import events as ev
from superscalar.plan.evaluate.parts import told_parts, whole
from superscalar.plan.ir import Task
from superscalar.schedule.cells import Cell
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.unit import TaskFetchingUnit
from superscalar.testing import run
from support.depth import examples
from support.fates import Chosen, Fates, chosen, driven, programs, surroundings
from support.moves import watched


def told_labels(ledger: Ledger, cell: Cell) -> tuple[Any, ...]:
    """The label of what a task left behind, and those of its parts."""
    labels = ledger.labels.of(cell)
    return whole(labels), told_parts(labels)


def seen(ledger: Ledger) -> dict[str, Any]:
    """All that a ledger knows, as data that can be compared."""
    cells = ledger.schedule.in_program_order()
    return {
        "outcomes": ledger.schedule.outcomes(),
        "cells": [(cell.id, cell.status, cell.missing) for cell in cells],
        "labels": {cell.id: told_labels(ledger, cell) for cell in cells if cell.outcome is not None},
        "rounds": ledger.rounds,
        "asked": {id: (known.asked, known.answer) for id, known in ledger.known.items()},
        "under way": ledger.under_way,
        "retired": ledger.retired,
        "of the run": (ledger.late, ledger.spent, ledger.joins, ledger.ended),
    }


@settings(max_examples=examples(10, 250), deadline=None)
@given(programs(), chosen, st.none() | st.floats(0.1, 8.0))
def test_the_ledger_of_every_prefix_is_the_live_one_at_that_moment(
    rounds: list[list[Task]], numbers: Chosen, stop_at: float | None
) -> None:
    async def main() -> None:
        world = Fates(numbers, [])
        given = surroundings(world)
        read = Ledger.of([], given.tools.declared)

        def record(event: ev.Event) -> None:
            """Compare before it is applied: by now, all that was recorded before it has been."""
            assert seen(read) == seen(unit.ledger)
            world.log.append(event)
            read.note(event)

        given.record = record
        unit = TaskFetchingUnit(given)
        await driven(unit, world, rounds, stop_at)
        assert seen(read) == seen(unit.ledger)

    with watched():  # where tasks move, too: see `MOVES`
        run(main())
