"""What is left in memory of a run that is over: its result, and nothing that waits for the collector."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from collections import Counter
from collections.abc import Iterator

import pytest

from superscalar import LLMCompiler, tool
from superscalar.compiler.result import Outcomes
from superscalar.schedule.cells import Cell, Scope, Waiters
from superscalar.schedule.left import LeftBehind
from superscalar.testing import ScriptedModel, run
from superscalar.values import Failure, Observation, Skipped

CALLS = 40


@tool(effect="pure")
async def double(x: int) -> int:
    """Return twice the argument."""
    if x == 7:
        raise ValueError("not seven")
    return 2 * x


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive() -> Counter[type]:
    return Counter(type(one) for one in gc.get_objects())


def executed(text: str) -> Outcomes:
    return asyncio.run(LLMCompiler(tools=[double]).execute(text))


@pytest.mark.usefixtures("uncollected")
def test_no_task_of_a_run_that_is_over_waits_for_the_collector() -> None:
    before = alive()[Cell]
    more = "ys = [double(x) for x in [1, 1, 2]]\nz = first(1, [double(ys[0]), double(ys[1])])"
    executed("\n".join(f"a{i} = double({i})" for i in range(CALLS)) + f"\n{more}")
    assert alive()[Cell] == before


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("joiner", [None, ScriptedModel("done")])
def test_nor_does_one_of_a_run_whose_answer_has_a_label_though_nothing_needed_a_part_of_it(
    joiner: ScriptedModel | None,
) -> None:
    text = "a = double(1)\nxs = [double(x) for x in [1, a]]\nys = [double(x) for x in xs if x > 2]\njoin(a)\n"
    before = alive()[Cell]
    result = asyncio.run(LLMCompiler(ScriptedModel(text), joiner=joiner, tools=[double]).run("What?"))
    assert alive()[Cell] == before
    assert result.outcomes["a"] == Observation(2)


@pytest.mark.usefixtures("uncollected")
def test_numbers_that_tasks_came_to_are_nothing_that_the_collector_walks() -> None:
    before = alive()[Observation]
    outcomes = executed("\n".join(f"a{i} = double({i})" for i in range(10, 10 + CALLS)))
    assert alive()[Observation] - before < CALLS // 4
    assert outcomes["a10"] == Observation(20)


def test_outcomes_are_told_as_ever() -> None:
    async def main() -> Outcomes:
        return await LLMCompiler(tools=[double]).execute("a = double(1)\nb = double(7)\nc = double(b)\nd = a + 1")

    outcomes = run(main())
    failed = Failure("error", "not seven", "ValueError")
    told = {"a": Observation(2), "b": failed, "c": Skipped("b"), "d": Observation(3), "join()": outcomes["join()"]}
    assert dict(outcomes) == told
    assert ("b" in outcomes, "e" in outcomes, len(outcomes)) == (True, False, 5)
    assert outcomes.failures == {"b": failed}


def test_what_tasks_left_behind_is_a_mapping_like_any_other() -> None:
    left = LeftBehind({"a": 1, "b": Failure("error", "a value that looks like a failure")}, {})
    told = {"a": Observation(1), "b": Observation(Failure("error", "a value that looks like a failure"))}
    assert left == told
    assert told == left
    assert repr(left) == repr(told)
    with pytest.raises(KeyError, match="c"):
        left["c"]


def test_copies_of_what_tasks_left_behind_are_equal_to_it() -> None:
    async def main() -> Outcomes:
        return await LLMCompiler(tools=[double]).execute("a = double(1)\nb = double(7)\nc = double(b)")

    outcomes = run(main())
    told = {id: outcomes[id] for id in ("a", "b", "c")}
    for twin in (copy.deepcopy(outcomes), pickle.loads(pickle.dumps(outcomes))):
        assert {id: twin[id] for id in told} == told


def test_calls_that_need_the_same_result_start_in_the_order_of_the_plan() -> None:
    made: list[int] = []

    @tool(effect="read", dedupe=False)
    async def note(value: int, number: int) -> None:
        """Note when it is called."""
        made.append(number)

    async def main() -> None:
        text = "\n".join(["a = double(1)", *(f"b{number} = note(a, {number})" for number in range(5))])
        await LLMCompiler(tools=[double, note]).execute(text)

    run(main())
    assert made == [0, 1, 2, 3, 4]


def test_whoever_waits_after_all_were_forgotten_is_told_from_those_before() -> None:
    a, b, c, d = (Cell(id, None, Scope({}), ()) for id in "abcd")
    waiters = Waiters()
    assert waiters.up_to(waiters.join(c, waiters.join(b, a))) == [a, b, c]
    waiters.clear()
    assert [waiters.up_to(waiters.join(last, first)) for first, last in ((a, b), (c, d))] == [[a, b], [c, d]]
