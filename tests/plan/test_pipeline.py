"""The list of passes: what goes through it, and what of it can be undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from superscalar.plan import compile_plan
from superscalar.plan.ir import Task
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.base import ChangingPass
from superscalar.plan.passes.order import OrderAccesses
from superscalar.plan.passes.pipeline import PASSES, Pipeline, bare
from support.reading import signature

TOOLS = Signatures([signature("get", "key", effect="read"), signature("put", "key", "value", effect="write")])
PLAN = compile_plan('a = get("x")\nput("x", a)\nbs = [put(k, a) for k in [1, 2]]\nb = get("x")\njoin(bs, b)\n', TOOLS)


class CountTasks(ChangingPass):
    """Notes on each task how many came before it."""

    name = "count"
    purpose = "to be undone"

    def __init__(self, signatures: Signatures) -> None:
        super().__init__(signatures)
        self._seen = 0

    def __call__(self, task: Task) -> Task:
        self._seen += 1
        return replace(task, notes=(*task.notes, f"number {self._seen}"))

    @staticmethod
    def undo(task: Task) -> Task:
        return replace(task, notes=task.notes[:-1])


def test_every_pass_is_listed_once_and_has_a_name_of_its_own() -> None:
    assert [each.name for each in PASSES] == list(dict.fromkeys(each.name for each in PASSES))
    assert len(set(PASSES)) == len(PASSES)


@pytest.mark.parametrize("kind", [*(each for each in PASSES if issubclass(each, ChangingPass)), CountTasks])
def test_a_pass_undoes_all_that_it_has_added_and_nothing_else(kind: type[ChangingPass]) -> None:
    lowered = [bare(task) for task in PLAN.tasks]
    changed = [*map(kind(TOOLS), lowered)]
    assert changed != lowered
    assert [kind.undo(task) for task in changed] == lowered


@pytest.mark.parametrize("kind", [OrderAccesses, CountTasks])
def test_what_was_tried_and_taken_back_was_never_seen(kind: type[ChangingPass]) -> None:
    lowered = [bare(task) for task in PLAN.tasks]
    tried, never = kind(TOOLS), kind(TOOLS)
    made, take_back = tried.tried(lowered)
    assert [*made] == [*map(kind(TOOLS), lowered)]
    take_back()
    assert [*map(tried, lowered)] == [*map(never, lowered)]


def test_the_pipeline_makes_of_bare_tasks_what_was_published() -> None:
    pipeline = Pipeline(TOOLS)
    assert tuple(pipeline(bare(task)) for task in PLAN.tasks) == PLAN.tasks
