"""A map over `ok(xs)` goes through each item as soon as that has succeeded, and comes to what it would come to if it
waited for all of them (rules L13, L15).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Label, LLMCompiler, NotDone, RunResult, Skipped, Source, Tool, tool
from superscalar import events as ev
from superscalar.codec import from_json, to_json
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Plan
from superscalar.results import show_joined, show_results
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.lineage import labels_by
from superscalar.tools import Toolset
from superscalar.values import Outcome
from support.depth import examples
from support.promises import shape
from support.random_plans import plans
from support.running import executed, starts
from support.waiting_ok import goes_ahead, waiting


@tool(effect="read")
async def fetch(i: int) -> int:
    """Takes that many seconds; fails for odd ones."""
    await asyncio.sleep(i)
    if i % 2:
        raise ValueError(f"no {i}")
    return i


@tool(effect="read")
async def digest(x: Any) -> Any:
    """Takes ten seconds."""
    await asyncio.sleep(10)
    return x


@tool(effect="read")
async def broken() -> list[int]:
    """Always fails."""
    raise ValueError("no")


def begun(lines: str, **options: Any) -> dict[str, float]:
    """When each `digest` began."""
    result = executed(lines, [fetch, digest], **options)
    called = {event.id for event in result.events if isinstance(event, ev.Started) and event.tool == "digest"}
    return {id: at for id, at in starts(result.events).items() if id in called}


def came_to(lines: str, **options: Any) -> tuple[Any, Any]:
    """The answer, and that of the plan that waits."""
    plan = LLMCompiler(tools=[fetch, digest]).compile(lines)
    assert goes_ahead(plan)
    return tuple(executed(one, [fetch, digest], **options).answer for one in (plan, waiting(plan)))


XS = "xs = [fetch(i) for i in [4, 1, 2, 6]]\n"
AT_ONCE = {"ys[0]": 4.0, "ys[2]": 2.0, "ys[3]": 6.0}

FORMS = {
    "a comprehension": "ys = [digest(x) for x in ok(xs)]\n",
    "ok twice": "ys = [digest(x) for x in ok(ok(xs))]\n",
    "a name for it": "good = ok(xs)\nys = [digest(x) for x in good]\n",
    "a name for a name for it": "good = ok(xs)\nbest = ok(good)\nys = [digest(x) for x in best]\n",
    "a filter": "ys = [digest(x) for x in ok(xs) if x > 1]\n",
    "a set": "ys = {digest(x) for x in ok(xs)}\n",
    "a dict": "ys = {x: digest(x) for x in ok(xs)}\n",
    "a condition that holds": "if len(xs[:1]) < 2:\n    ys = [digest(x) for x in ok(xs)]\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_item_is_gone_through_as_soon_as_it_has_succeeded(form: str) -> None:
    if form == "a condition that holds":
        xs = "xs = [fetch(i) for i in [4, 1, 2, 6]]\n"
        lines = xs + "if 1 < 2:\n    ys = [digest(x) for x in ok(xs)]\n"
    else:
        lines = XS + FORMS[form]
    assert begun(lines) == AT_ONCE
    one, other = came_to(lines + "join(ys)\n")
    assert one == other


def test_one_that_is_written_in_the_call_is_too() -> None:
    assert begun("ys = [digest(x) for x in ok([fetch(i) for i in [4, 1, 2, 6]])]\n") == AT_ONCE


def test_a_display_a_loop_and_what_a_loop_collects_are_gone_through_so() -> None:
    assert begun("ys = [digest(x) for x in ok([fetch(4), fetch(1), fetch(2), fetch(6)])]\n") == AT_ONCE
    loop = XS + "ys = []\nfor x in ok(xs):\n    y = digest(x)\n    ys.append(y + 1)\n"
    assert sorted(begun(loop).values()) == [2.0, 4.0, 6.0]
    assert came_to(loop + "join(ys, y)\n") == ([[5, 3, 7], 6], [[5, 3, 7], 6])
    collected = "xs = []\nfor i in [4, 1, 2, 6]:\n    xs.append(fetch(i))\nys = [digest(x) for x in ok(xs)]\n"
    assert begun(collected) == AT_ONCE


def test_what_is_made_of_what_is_made_goes_on_from_item_to_item() -> None:
    lines = XS + "ys = [digest(x) for x in ok(xs)]\nzs = [digest(y) for y in ys]\nws = [digest(z) for z in ok(zs)]\n"
    times = {round(at) for id, at in begun(lines).items() if id.startswith("ws")}
    assert times == {22, 24, 26}


def test_within_a_map_each_list_is_gone_through_so() -> None:
    body = "    xs = [fetch(i + n) for i in [2, 1]]\n    zs.append([digest(x) for x in ok(xs)])\n"
    lines = f"zs = []\nfor n in [0, 4]:\n{body}"
    assert sorted(begun(lines).values()) == [2.0, 6.0]
    assert came_to(lines + "join(zs)\n") == ([[2], [6]], [[2], [6]])
    nested = "zs = [digest([i, x]) for i in [1, 2] for x in ok([fetch(n + i) for n in [1, 2, 3]])]\njoin(zs)\n"
    assert came_to(nested) == ([[1, 2], [1, 4], [2, 4]],) * 2


@pytest.mark.parametrize(
    "lines",
    [
        "ys = [digest(x) for i, x in enumerate(ok(xs))]\n",
        "ys = [digest(x) for x, i in zip(ok(xs), [1, 2, 3])]\n",
        "ys = [digest(x) for x in (ok(xs) if 1 < 2 else xs)]\n",
        "ys = [digest(x) for x in ok(xs)[1:]]\n",
        "ys = [digest(x) for x in sorted(ok(xs))]\n",
        "ys = [digest([x, len(ok(xs))]) for x in ok(xs)]\n",
    ],
)
def test_where_the_others_decide_on_an_item_all_of_them_are_waited_for(lines: str) -> None:
    assert set(begun(XS + lines).values()) == {6.0}


def test_an_item_whose_filter_has_no_value_is_none_that_succeeded() -> None:
    lines = (
        "xs = [fetch(i) for i in [2, 0, 4] if 1 / (i - 2) < 0.7]\nys = [digest(x) for x in ok(xs)]\njoin(ys, ok(xs))\n"
    )
    assert came_to(lines) == ([[0, 4], [0, 4]],) * 2


@pytest.mark.parametrize("what", ["{i: fetch(i) for i in [2, 1, 4]}", "{fetch(i) for i in [2, 1, 4]}"])
def test_what_has_no_items_before_it_is_whole_is_gone_through_then(what: str) -> None:
    lines = f"xs = {what}\nys = [digest(x) for x in ok(xs)]\n"
    assert begun(lines) == {"ys[0]": 4.0, "ys[1]": 4.0}
    assert came_to(lines + "join(ys)\n") == ([2, 4], [2, 4])


def test_a_list_that_failed_as_a_whole_is_no_reason_to_begin() -> None:
    result = executed(
        "ns = broken()\nxs = [fetch(i) for i in ns]\nys = [digest(x) for x in ok(xs)]\njoin(default(ys, 0))\n",
        [fetch, digest, broken],
    )
    assert result.outcomes["ys"] == Skipped("ns")


# -------------------------------------------------------------------------------------------------------------- bounds

MANY = "xs = [fetch(1), fetch(2), fetch(3), fetch(4)]\nys = [digest(x) for x in ok(xs)]\njoin(ys)\n"


def test_what_would_be_too_wide_if_all_succeeded_waits_until_it_is_known() -> None:
    assert begun(MANY, max_fan_out=2) == {"ys[1]": 4.0, "ys[3]": 4.0}
    assert came_to(MANY, max_fan_out=2) == ([2, 4], [2, 4])
    failed = executed(MANY.replace("fetch(3)", "fetch(6)") + "", [fetch, digest], max_fan_out=2, joiner=None)
    assert failed.outcomes["ys"] == Failure("bounds", "3 items are more than max_fan_out=2")


def test_what_would_be_too_many_tasks_waits_too_and_so_does_what_is_made_of_it() -> None:
    assert begun(MANY, max_tasks=10) == {"ys[1]": 4.0, "ys[3]": 4.0}
    more = MANY.replace("join(ys)", "zs = [digest(y) for y in ys]\njoin(zs)")
    assert executed(more, [fetch, digest], max_fan_out=4).answer == [2, 4]


# ------------------------------------------------------------------------------------------------------ a random world


@dataclass(slots=True)
class Alike:
    """Tools whose results depend on what they are given alone, and whose times on a seed; and what was called."""

    results: int
    times: int
    failing: float
    called: Counter[str] = field(default_factory=Counter)

    @property
    def tools(self) -> list[Tool[..., Any]]:
        @tool(effect="read", resource="other", trust="trusted")
        async def work(site: int, value: Any) -> int:
            return await self._spent("work", site, value)

        @tool(effect="read", resource="other")
        async def named(site: int, value: Any) -> int:
            return await self._spent("named", site, value)

        @tool(effect="read", resource="other", trust="trusted", readers=("legal", "board"))
        async def rated(site: int, value: Any) -> int:
            return await self._spent("rated", site, value)

        @tool(effect="read", resource="other", readers=("legal",))
        async def both(site: int, value: Any) -> int:
            return await self._spent("both", site, value)

        @tool(effect="read", resource="store")
        async def look(site: int, value: Any) -> int:
            return await self._spent("look", site, value)

        @tool(effect="write", resource="store", content=["value", "site"])
        async def post(site: int, value: Any) -> int:
            return await self._spent("post", site, value)

        return [work, named, rated, both, look, post]

    async def _spent(self, name: str, site: int, value: Any) -> int:
        call = f"{name} {site} {value!r}"
        self.called[call] += 1
        await asyncio.sleep(Random(f"{self.times} {call}").choice([0.0, 0.25, 0.5, 1.0, 3.0]))
        fate = Random(f"{self.results} {call}")
        if fate.random() < self.failing:
            raise fate.choice([ValueError, NotDone])("made up")
        return fate.randrange(4)

    def ran(self, plan: Plan, **options: Any) -> RunResult:
        return executed(plan, self.tools, policy="off", max_concurrency=4, joiner=None, **options)


def plainly(outcome: Outcome) -> Any:
    """An outcome without what may differ: which of several causes is named."""
    match outcome:
        case Failure(kind="items", message=message):
            return (message.partition(";")[0], shape(outcome))
        case _:
            return shape(outcome)


Labelled: TypeAlias = tuple[frozenset[str] | None, set[Source]]


def labelled(result: RunResult, tools: list[Tool[..., Any]]) -> dict[str, Labelled]:
    """Who may read what the tasks of the plan that were needed left behind, and what that came from."""
    declared = Toolset(tools).declared
    ledger = Ledger.of(result.events, declared)
    labels = labels_by(ledger.schedule, declared, "")
    cells = [ledger.schedule.cell(task.id) for task in ledger.schedule.plan()]
    found = {cell.id: whole(labels.of(cell)) for cell in cells if cell.outcome is not None}
    return {
        id: (label.readers, {one for one in label.sources if not is_said_by(one, label)}) for id, label in found.items()
    }


def covers(made: Labelled, wanted: Labelled) -> bool:
    """Whether a label is the wanted one. It may say of a tool that it is any text of it where only numbers came of it:
    a call that was not made, as its item failed, came to nothing that says so.
    """
    (readers, sources), (readers_then, sources_then) = made, wanted
    typeless = [{source._replace(type="") for source in found} for found in (sources, sources_then)]
    narrower = sources - sources_then
    return readers == readers_then and typeless[0] == typeless[1] and not any(source.type for source in narrower)


def is_said_by(source: Source, label: Label) -> bool:
    """Whether a label says no more with a source that was narrowed, as it has any text of it."""
    return bool(source.type) and source._replace(type="") in label.sources


@settings(max_examples=examples(20, 3_000), suppress_health_check=[HealthCheck.filter_too_much])
@given(
    plans(joins="any"),
    st.integers(0, 1_000),
    st.integers(0, 1_000),
    st.sampled_from([0.0, 0.2, 0.5]),
)
def test_it_comes_to_what_it_comes_to_when_all_are_waited_for(
    lines: tuple[str, ...], results: int, times: int, failing: float
) -> None:
    assume(any(" in ok(" in line for line in lines))
    world, patient = Alike(results, times, failing), Alike(results, times + 1, failing)
    plan = LLMCompiler(tools=world.tools).compile("\n".join(lines))
    assume(goes_ahead(plan))
    one, other = world.ran(plan), patient.ran(waiting(plan))
    tops = [task.id for task in plan.tasks if "join" not in task.id]
    assert [(id, plainly(one.outcomes[id])) for id in tops] == [(id, plainly(other.outcomes[id])) for id in tops]
    assert world.called == patient.called
    made, wanted = labelled(one, world.tools), labelled(other, patient.tools)
    assert made.keys() == wanted.keys()
    assert [id for id in made if not covers(made[id], wanted[id])] == []
    event(f"{len(tops)} tasks")


@settings(max_examples=examples(6, 600), suppress_health_check=[HealthCheck.filter_too_much])
@given(plans(joins="any"), st.integers(0, 1_000), st.sampled_from([0.0, 0.3]))
def test_every_prefix_of_a_journal_is_the_state_that_it_was(lines: tuple[str, ...], seed: int, failing: float) -> None:
    assume(any(" in ok(" in line for line in lines))
    world = Alike(seed, seed, failing)
    plan = LLMCompiler(tools=world.tools).compile("\n".join(lines))
    assume(goes_ahead(plan))
    events = [from_json(to_json(event)) for event in world.ran(plan).events]
    ledger = Ledger.of((), Toolset(world.tools).declared)
    for number, one in enumerate(events):
        ledger.apply(one)
        if number % 5 == 0:
            ledger.schedule.check()
    ledger.schedule.check()


# --------------------------------------------------------------------------------------------------- what is told of it


@tool(effect="write", content=["x"])
async def store(x: int) -> None:
    """Does not take six."""
    if x == 6:
        raise NotDone("no six")


@pytest.mark.parametrize(
    "lines",
    [
        "ys = {f'<{x}>': store(x) for x in ok(xs)}\njoin(ys)\n",
        "ys = [store(x) for x in ok(xs)]\njoin(ys)\n",
        "for x in ok(xs):\n    store(x)\njoin(1)\n",
        "zs = {f'<{i}>': fetch(i) for i in [6, 1, 2]}\nfor x in ok(zs):\n    store(len(x))\njoin(1)\n",
    ],
)
def test_whoever_answers_is_told_the_same_of_it(lines: str) -> None:
    plan = LLMCompiler(tools=[fetch, store]).compile("xs = [fetch(i) for i in [1, 4, 3, 6]]\n" + lines)
    told = [
        (show_joined(one.tasks, outcomes), show_results(one.tasks, outcomes))
        for one in (plan, waiting(plan))
        if (outcomes := executed(one, [fetch, store]).outcomes)
    ]
    assert told[0] == told[1]
    assert "no six" in told[0][0] or "done" in told[0][0]
