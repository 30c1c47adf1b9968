"""`benchmarks/pipelines.py`: its goals hold, nobody beats a bound, and it says the same each time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.pipelines import ROWS, Row, Stage, chain, exactly, measure, missed, table

from superscalar import Limit
from support.depth import share


@pytest.mark.parametrize("row", share(ROWS, 5), ids=lambda row: row.name)
def test_every_plan_is_as_near_to_its_bound_as_it_is_to_be(row: Row) -> None:
    found = measure([row], seed=1)
    assert missed(found) == []
    assert found[0].ratio >= 1.0


def test_the_bound_is_the_slowest_stage_with_one_call_of_the_others_or_all_of_the_work_over_the_slots() -> None:
    stages = [Stage(exactly(1.0), Limit(concurrency=2)), Stage(exactly(0.5), Limit(rate=4))]
    row = Row("two", chain(8, 2), stages, [8, 8], 100)
    narrow = replace(row, cap=2)
    assert [found.bound for found in measure([row, narrow], seed=1)] == [8 / 2 + 0.5, 12 / 2]


def test_a_goal_that_is_missed_is_named() -> None:
    row = Row("one", chain(3, 1), [Stage(exactly(1.0))], [3], 1, most=0.9)
    found = measure([row], seed=1)
    assert missed(found) == ["one: 1.00 x its bound, at most 0.9"]
    assert "one" in table(found)
