"""`benchmarks/paid.py`: its plans are what they say, its goals those of the largest size. Nothing is measured here."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.paid import EXECUTIONS, SHAPES, Paid, missed, paid, program, table, work

from superscalar.plan import Plan, compile_plan
from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.tools import Toolset, tool


@tool(effect="read")
async def free(x: int) -> int:
    """Return the argument."""
    return x


@tool(effect="read")
async def low(x: int, y: int) -> int:
    """Return the smaller argument."""
    return min(x, y)


def needs(shape: str, count: int) -> list[tuple[int, ...]]:
    """What each call needs, by its place."""
    plan: Plan = compile_plan(program(shape, count), Toolset([free, low]).signatures)
    places = {task.id: place for place, task in enumerate(plan.tasks)}
    return [tuple(sorted({places[need.task] for need in task.needs})) for task in plan.tasks[:count]]


def test_the_plans_have_the_shapes_of_their_names() -> None:
    assert needs("wide", 3) == [(), (), ()]
    assert needs("chain", 4) == [(), (0,), (1,), (2,)]
    layered = needs("layered", 250)
    assert layered[:100] == [()] * 100
    assert (layered[100], layered[199], layered[249]) == ((0, 1), (0, 99), (149, 150))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_of_the_largest_size_may_be_written_down(shape: str) -> None:
    assert len(program(shape, 10_000).encode()) < MAX_SOURCE


def test_one_process_measures_all_executions_of_both() -> None:
    found = work("layered", 120, "on")
    assert (len(found["ours"]), len(found["bare"])) == (EXECUTIONS, EXECUTIONS)


def of(calls: int, collector: str, other: float | None) -> Paid:
    return Paid(shape="wide", calls=calls, collector=collector, ours_us=3.0, bare_us=1.5, other_us=other)


def test_only_the_largest_size_has_goals_and_each_collector_its_own() -> None:
    rows = [of(10, "on", 1.0), of(100, "on", 4.0), of(100, "off", 4.0), of(100, "on", 6.0)]
    assert missed(rows) == ["wide 100, collector on: 0.75 of the other checkout's"]
    assert missed([of(100, "on", None)]) == []


def test_the_table_has_what_was_measured() -> None:
    assert [line.split() for line in table([of(100, "off", 4.0)]).splitlines()[1:]] == [
        ["wide", "100", "off", "2.00x", "3.0", "1.5", "4.0", "0.75"]
    ]


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no checkout"):
        list(paid([10], 1, tmp_path))
