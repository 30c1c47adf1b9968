"""What is taken back of a round (L29, L30): nothing of it starts, is waited for, feeds anything or is a result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from superscalar import RunResult, tool
from superscalar.errors import IllegalEvent
from superscalar.events import (
    Cancelled,
    Event,
    Planned,
    Retired,
    RoundStarted,
    Shared,
    Started,
    Succeeded,
    Unneeded,
)
from superscalar.executors.runners import Runners
from superscalar.journal.runs import Tally
from superscalar.observe.view import RunView
from superscalar.plan.ir import Access, Call, Join, Literal, Ref, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program, ProgramStep, Retirement
from superscalar.policy import Policy
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.commands import Issue, Repeat
from superscalar.schedule.limits import Limits
from superscalar.schedule.restore import Rest
from superscalar.schedule.state import Schedule
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.values import Observation, Outcome
from support.bare_state import SEALED, add, expanded, failed, happen, ok, plan, skipped
from support.promises import PROFILE, agent, worlds
from support.random_plans import Settings, World, plans


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    made = Schedule()
    yield made
    made.check()


def retired(*ids: str) -> Retired:
    return Retired(0.0, ids, "a draft")


def started(id: str) -> Started:
    return Started(0.0, id, "search", {})


# --------------------------------------------------------------------------------------------------------- the state


def test_what_has_not_started_never_does(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)", "c = put(b)")
    assert happen(schedule, retired("a", "b", "c")) == []
    assert schedule.unsettled == 0
    assert happen(schedule, SEALED) == []
    assert (dict(schedule.outcomes()), schedule.dead(), len(schedule), list(schedule.plan())) == ({}, (), 0, [])


def test_a_read_that_is_under_way_settles_once_and_is_dead(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)")
    happen(schedule, started("a"), retired("a", "b"))
    assert schedule.unsettled == 0
    assert happen(schedule, Cancelled(0.0, "a")) == []
    assert schedule.outcomes() == {}


def test_a_read_that_could_not_be_cancelled_is_dead_all_the_same(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search(a)")
    happen(schedule, started("a"), retired("a", "b"))
    assert happen(schedule, ok("a")) == []
    assert (dict(schedule.outcomes()), schedule.unsettled) == ({}, 0)


def test_a_read_that_ran_is_dead(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('b')")
    happen(schedule, ok("a"), retired("a"))
    assert schedule.outcomes() == {}
    happen(schedule, ok("b"))
    assert schedule.outcomes() == {"b": Observation(1)}


def test_the_items_of_a_map_go_with_it(schedule: Schedule) -> None:
    plan(schedule, "xs = search('a')", "ys = [search(x) for x in xs]", "z = search('z')")
    happen(schedule, ok("xs", [1, 2]), expanded("ys", 2), started("ys[0]"))
    happen(schedule, retired("ys"))
    assert (schedule.unsettled, happen(schedule, Cancelled(0.0, "ys[0]"))) == (1, [])
    assert schedule.outcomes() == {"xs": Observation([1, 2])}


def test_an_access_does_not_wait_for_what_was_retired(schedule: Schedule) -> None:
    plan(schedule, "a = get()", "b = put(a)")
    happen(schedule, retired("a", "b"))
    fresh = Task("c", Call("put", (), "write", Access("test", "store")))
    assert add(schedule, fresh) == []
    assert happen(schedule, SEALED) == [Issue("c")]


def test_a_write_that_was_skipped_stands_in_nobodys_way_once_it_is_retired(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = put(a)")
    happen(schedule, failed("a"), skipped("b", "a"), retired("b"))
    read = Task("c", Call("get", (), "read", Access("test", "store")))
    assert add(schedule, read) == [Issue("c")]


def test_a_call_goes_on_that_a_task_of_the_plan_shares(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('a')")
    happen(schedule, started("a"), Shared(0.0, "b", "a"), retired("a"))
    assert happen(schedule, ok("a")) == [Repeat("b", "a")]
    happen(schedule, ok("b"))
    assert schedule.outcomes() == {"b": Observation(1)}


def test_it_goes_on_no_longer_than_it_is_shared(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('a')")
    happen(schedule, started("a"), Shared(0.0, "b", "a"), retired("a"), retired("b"))
    assert (schedule.unsettled, schedule.is_unneeded(schedule.cell("a"))) == (0, True)
    happen(schedule, Cancelled(0.0, "a"))


def test_a_retired_twin_leaves_the_call_to_the_other(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "b = search('a')")
    happen(schedule, started("a"), Shared(0.0, "b", "a"), retired("b"))
    assert happen(schedule, ok("a")) == []
    assert schedule.outcomes() == {"a": Observation(1)}


def test_nothing_is_retired_behind_the_seal(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')")
    happen(schedule, SEALED)
    with pytest.raises(IllegalEvent, match="`a` was retired after the seal"):
        schedule.apply(retired("a"))


def test_nothing_of_an_earlier_round_is_retired(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')")
    happen(schedule, SEALED, RoundStarted(0.0, 1))
    with pytest.raises(IllegalEvent, match="`a` is of an earlier round"):
        schedule.apply(retired("a"))


def test_a_write_that_has_begun_is_not_retired(schedule: Schedule) -> None:
    happen(schedule, SEALED)
    add(schedule, Task("a", Call("put", (), "write", Access("test", "store"))))
    happen(schedule, started("a"))
    schedule.sealed = False
    with pytest.raises(IllegalEvent, match="`a` writes"):
        schedule.apply(retired("a"))


def test_what_depends_on_what_was_retired_must_be_retired_too() -> None:
    schedule = Schedule()
    plan(schedule, "a = search('a')", "b = search(a)")
    happen(schedule, retired("a"))
    with pytest.raises(IllegalEvent, match="`b` depends on what was retired"):
        schedule.check()


def test_a_join_is_retired_like_everything_else(schedule: Schedule) -> None:
    plan(schedule, "a = search('a')", "join(a)")
    happen(schedule, ok("a"), retired("join()"))
    add(schedule, Task("join().2", Join(((None, "a"),)), needs_of(Join(((None, "a"),)))))
    assert happen(schedule, SEALED) == []
    assert schedule.unsettled == 1


def test_dead_code_is_found_among_what_is_left(schedule: Schedule) -> None:
    add(schedule, *(Task(id, Call("search", (("query", Literal(id)),), "pure")) for id in "abc"))
    join = Join(((None, "b"),))
    happen(schedule, retired("a"))
    add(schedule, Task("join()", join, needs_of(join)))
    happen(schedule, SEALED)
    assert schedule.dead() == ("c",)
    happen(schedule, Unneeded(0.0, ("c",)))


# ---------------------------------------------------------------------------------------------------- folds of events


FACTS: list[Event] = [
    RoundStarted(0.0, 0),
    Planned(0.0, Task("a", Call("search"))),
    Planned(0.0, Task("b", Call("search"))),
    started("a"),
    Succeeded(1.0, "a", 1),
    started("b"),
    retired("a", "b"),
    Planned(1.0, Task("a.2", Call("search"))),
    Succeeded(2.0, "a.2", 2),
    Cancelled(3.0, "b"),
]


def test_views_show_nothing_of_what_was_retired() -> None:
    view = RunView()
    for fact in FACTS:
        view.apply(fact)
    assert [row.id for row in view.rows()] == ["a.2"]
    assert (view.counts.done, view.counts.running, view.counts.skipped, view.retired) == (1, 0, 0, 2)


def test_a_summary_counts_nothing_of_what_was_retired() -> None:
    tally = Tally()
    for fact in FACTS:
        tally.apply(fact)
    assert (tally.document()["tasks"], tally.document()["done"], tally.document()["calls"]) == (1, 1, {})


# --------------------------------------------------------------------------------------------------------- whole runs


class Drafts:
    """Rounds whose text may be taken back, on a unit of its own."""

    def __init__(self, tools: list[Any], chosen: Settings, policy: Policy | None = None) -> None:
        self.events: list[Event] = []
        self.tools = Toolset(tools)
        self.program = Program(self.tools.signatures)
        limits = Limits({**self.tools.limits, **chosen.limits}, chosen.cap)
        for each in self.tools:
            limits.require(each)
        self.surroundings = Surroundings(
            run="run",
            tools=self.tools,
            limits=limits,
            runners=Runners(),
            record=self.events.append,
            bounds=Bounds(grace=0.5),
            random=Random(chosen.times),
        )
        if policy is not None:
            self.surroundings.policy = policy
        self.unit = TaskFetchingUnit(self.surroundings)
        self.unit.begin_round(0, "")

    def take(self, steps: list[ProgramStep]) -> None:
        for step in steps:
            assert not isinstance(step, Diagnostic), step
            if isinstance(step, Retirement):
                self.unit.retire(step.ids, step.why)
            else:
                self.unit.add(step)

    async def write(self, lines: tuple[str, ...], pause: float) -> None:
        reader = PythonReader(self.program)
        for line in lines:
            self.take(reader.feed(line + "\n"))
            await asyncio.sleep(pause)

    async def end(self) -> Mapping[str, Outcome]:
        self.unit.seal()
        await self.unit.settle()
        await self.unit.cancel()
        self.unit.schedule.check()
        return self.unit.outcomes()


def executed(lines: tuple[str, ...], world: World) -> RunResult:
    """A plan alone."""

    async def main() -> RunResult:
        async with agent(world).stream_plan("\n".join(lines), run_id="run") as running:
            return await running.result()

    return run(main())


def draft_of(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The same plan with other names, and a name for every call, so that it uses none of the ids of the other."""
    renamed = [re.sub(r"\bx(\d)", r"d\1", line) for line in lines[:-1]]
    return tuple(line if " = " in line.split("(")[0] else f"e{n} = {line}" for n, line in enumerate(renamed))


@PROFILE
@given(plans(most=6), plans(most=6, joins="all"), worlds, st.sampled_from([0.0, 0.25, 1.0]), st.booleans())
def test_a_draft_that_is_taken_back_changes_nothing(
    draft: tuple[str, ...], plan: tuple[str, ...], chosen: Settings, pause: float, twice: bool
) -> None:
    """What runs after it is what would have run without it; no write of it is made, and none of it is a result."""
    chosen = replace(chosen, attempts=40)
    alone = run(agent(World(chosen)).stream_plan("\n".join(plan)).result())
    world = World(chosen)

    async def main() -> tuple[Drafts, Mapping[str, Outcome]]:
        drafts = Drafts(world.tools, chosen)
        await drafts.write(draft_of(draft), pause)
        if twice:
            drafts.take(list(drafts.program.retract("it was a thought")))
            await drafts.write(draft_of(draft), pause)
        drafts.take(list(drafts.program.retract("it was a draft")))
        drafts.unit.schedule.check()
        await drafts.write(plan, 0.0)
        return drafts, await drafts.end()

    drafts, outcomes = run(main())
    gone = {id for e in drafts.events if isinstance(e, Retired) for id in e.ids}
    planned = [e.task.id for e in drafts.events if isinstance(e, Planned)]
    assert len(planned) == len(set(planned))
    assert {id: o for id, o in outcomes.items() if not id.startswith("join")} == {
        id: o for id, o in alone.outcomes.items() if not id.startswith("join")
    }
    assert outcomes["join()"] == alone.outcomes["join()"]
    written = [e.id for e in drafts.events if isinstance(e, Started) and e.tool == "post"]
    assert not [id for id in written if id.split("[")[0].split(".")[0] in gone]
    assert (world.all.now, world.named.now) == (0, 0)
    over = [e.id for e in drafts.events if isinstance(e, Succeeded | Cancelled)]
    assert len(over) == len(set(over))
    event(f"{bool({e.id for e in drafts.events if isinstance(e, Cancelled)} & gone)=}")

    async def again() -> Mapping[str, Outcome]:
        cut = next(i for i, e in enumerate(drafts.events) if isinstance(e, Retired)) if gone else len(drafts.events) - 1
        return Rest(drafts.surroundings, tuple(drafts.events[: cut + 1])).unit.outcomes()

    assert run(again()) == ({} if gone else outcomes)


def test_a_call_under_way_is_cancelled_at_once_and_its_slot_is_free() -> None:
    seen: list[str] = []

    @tool(effect="read", limit="named")
    async def slow(name: str) -> str:
        try:
            await asyncio.sleep(100)
        finally:
            seen.append(f"{name} ended at {asyncio.get_running_loop().time():g}")
        return name

    @tool(effect="read", limit="named")
    async def quick(name: str) -> str:
        return f"{name} at {asyncio.get_running_loop().time():g}"

    async def main() -> Mapping[str, Outcome]:
        drafts = Drafts([slow, quick], Settings(named=1))
        await drafts.write(("a = slow('a')", "b = slow('b')"), 1.0)
        drafts.take(list(drafts.program.retract("it was a draft")))
        await drafts.write(("c = quick('c')", "join(c)"), 0.0)
        return await drafts.end()

    assert run(main()) == {"c": Observation("c at 2"), "join()": Observation("c at 2")}
    assert seen == ["a ended at 2"]


def test_an_identical_call_is_made_anew_where_the_first_is_retired() -> None:
    made: list[float] = []

    @tool(effect="pure")
    async def slow() -> int:
        made.append(asyncio.get_running_loop().time())
        await asyncio.sleep(10)
        return len(made)

    async def main() -> Mapping[str, Outcome]:
        drafts = Drafts([slow], Settings())
        await drafts.write(("a = slow()",), 1.0)
        drafts.take(list(drafts.program.retract("it was a draft")))
        await drafts.write(("a = slow()", "join(a)"), 0.0)
        return await drafts.end()

    assert run(main()) == {"a.2": Observation(2), "join()": Observation(2)}
    assert made == [0.0, 1.0]


def test_the_bounds_of_the_policy_do_not_count_a_draft() -> None:
    @tool(effect="write", cost=2.0)
    async def pay(amount: int) -> int:
        return amount

    async def main() -> Mapping[str, Outcome]:
        drafts = Drafts([pay], Settings(), Policy("enforce", max_writes=1, max_cost=3.0))
        await drafts.write(("a = pay(1)", "b = pay(2)"), 0.0)
        drafts.take(list(drafts.program.retract("it was a draft")))
        await drafts.write(("c = pay(3)", "join(c)"), 0.0)
        return await drafts.end()

    assert run(main()) == {"c": Observation(3), "join()": Observation(3)}


# ---------------------------------------------------------------------------------------------------- the program


def test_a_text_that_is_taken_back_was_never_said() -> None:
    program = Program(Toolset([]).signatures)
    reader = PythonReader(program)
    tasks = [step.id for step in reader.feed("x = 1\ny = = 2\nz = x\njoin(x)\n") if isinstance(step, Task)]
    steps = list(program.retract("prose"))
    assert steps == [Retirement(tuple(tasks), "prose")]
    assert (program.problems, program.in_order(), program.joined, program.broken) == ((), (), False, False)
    again = PythonReader(program).feed("y = 3\nx = y\njoin(x)\n")
    assert [(step.id, step.work) for step in again if isinstance(step, Task)][-1] == (
        "join().2",
        Join(((None, "x.2"),)),
    )


def test_only_this_round_is_taken_back() -> None:
    program = Program(Toolset([]).signatures)
    PythonReader(program).feed("x = 1\njoin(x)\n")
    program.next_round()
    PythonReader(program).feed("x = 2\n")
    assert list(program.retract("prose")) == [Retirement(("x.2",), "prose")]
    steps = PythonReader(program).feed("y = x\n")
    assert [step.work.value for step in steps if isinstance(step, Task)] == [Ref("x")]  # type: ignore[union-attr]


def test_nothing_is_retired_where_nothing_was_said() -> None:
    assert list(Program(Toolset([]).signatures).retract("prose")) == []
