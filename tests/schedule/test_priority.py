"""Where slots are scarce, the call with the longest path before it goes first. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from benchmarks.order import FirstCome
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import Limit, LLMCompiler, Tool, tool
from superscalar.events import Event, Planned, Sealed, Started
from superscalar.executors.runners import Runners
from superscalar.plan import compile_plan
from superscalar.plan.ir import Task
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations, LongestPath, Priority
from superscalar.schedule.state import Schedule
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from support.depth import examples
from support.running import ends, starts

Make = Callable[[Durations, Toolset], Priority]


def lasting(name: str, seconds: float, **terms: Any) -> Tool[..., Any]:
    """A tool that takes so many seconds."""

    async def work(*, x: Any = None) -> Any:
        await asyncio.sleep(seconds)
        return x

    work.__name__ = name
    return tool(effect="read", timeout=None, **terms)(work)


SECONDS = {"one": 1.0, "two": 2.0, "five": 5.0, "nine": 9.0}
TOOLS = Toolset([lasting(name, seconds) for name, seconds in SECONDS.items()])


def times(
    source: str | Iterable[Task],
    *,
    cap: int,
    known: dict[str, float] | None = None,
    priority: Make = LongestPath,
    tools: Toolset = TOOLS,
    pause: float | None = None,
) -> list[Event]:
    """The events of a run under a global cap; with a `pause`, one task is planned every so many seconds."""
    tasks = compile_plan(source, tools.signatures).tasks if isinstance(source, str) else tuple(source)
    happened: list[Event] = []

    async def streamed() -> Any:
        for task in tasks:
            yield task
            await asyncio.sleep(pause or 0.0)

    async def main() -> None:
        limits = Limits(tools.limits, max_concurrency=cap)
        durations = Durations(SECONDS if known is None else known)
        unit = TaskFetchingUnit(
            Surroundings(
                run="run",
                tools=tools,
                limits=limits,
                runners=Runners(),
                record=happened.append,
                bounds=Bounds(timeout=None),
                durations=durations,
                priority=priority,
            )
        )
        await unit.run(tasks if pause is None else streamed())
        unit.schedule.check()

    run(main())
    return happened


def order(events: Iterable[Event]) -> list[str]:
    return [event.id for event in events if isinstance(event, Started)]


def makespan(events: Iterable[Event]) -> float:
    return max(ends(events).values())


# -------------------------------------------------------------------------------------------------------- durations


def test_the_expected_duration_is_a_weighted_mean_in_which_the_latest_call_counts_a_quarter() -> None:
    durations = Durations({"quote": 4.0})
    durations.note("quote", 8.0)
    durations.note("news", 1.0)
    assert durations.known() == {"quote": 5.0, "news": 1.0}


def test_a_tool_that_was_never_called_is_expected_to_take_what_the_others_take() -> None:
    assert Durations().of("quote") == 1.0
    durations = Durations({"news": 2.0, "search": 4.0})
    assert (durations.of("quote"), durations.of("news")) == (3.0, 2.0)


def test_what_was_measured_can_be_kept_and_given_to_another_agent() -> None:
    durations = Durations({"quote": 4.0})
    kept = durations.known()
    durations.note("quote", 8.0)
    assert Durations(kept).of("quote") == 4.0


# ------------------------------------------------------------------------------------------------- remaining paths


def remaining(source: str) -> dict[str, float]:
    """The remaining path of each planned call, and of each that its body holds, in seconds."""
    schedule = Schedule()
    for task in compile_plan(source, TOOLS.signatures).tasks:
        schedule.apply(Planned(0.0, task))
    schedule.apply(Sealed(0.0))
    path = LongestPath(Durations(SECONDS), TOOLS)
    assert path.renewed(schedule)
    return path._remaining


def test_a_path_is_the_longest_way_to_the_end_and_evaluation_takes_no_time() -> None:
    found = remaining("a = one()\nb = two(x=a)\nc = a + b\nd = five(x=c)\ne = nine(x=a)\njoin(d, e)")
    assert {id: found[id] for id in "abcde"} == {"a": 10.0, "b": 7.0, "c": 5.0, "d": 5.0, "e": 9.0}


def test_a_condition_is_before_what_it_guards_and_before_what_chooses_by_it() -> None:
    source = "a = one()\nif a:\n    b = nine()\nelse:\n    b = two()\nc = five(x=b)\njoin(c)"
    found = remaining(source)
    assert (found["a"], found["b"]) == (15.0, 14.0)


def test_an_access_is_before_the_access_that_it_is_ordered_before() -> None:
    put = lasting("put", 3.0, resource="store")
    get = lasting("get", 1.0, resource="store")
    write = tool(effect="write", resource="store", timeout=None)(put.function)
    tools = Toolset([write, get])
    schedule = Schedule()
    for task in compile_plan('a = get()\nput(x="a")\nput(x="b")\njoin(a)', tools.signatures).tasks:
        schedule.apply(Planned(0.0, task))
    path = LongestPath(Durations({"put": 3.0, "get": 1.0}), tools)
    schedule.apply(Sealed(0.0))
    assert path.renewed(schedule)
    assert [path._remaining[id] for id in ("a", "put()", "put().2")] == [7.0, 6.0, 3.0]


def test_an_item_has_the_path_of_its_task_in_the_body_and_then_that_of_what_needs_the_map() -> None:
    found = remaining("xs = [two(x=one(x=i)) for i in range(3)]\ny = five(x=xs)\njoin(y)")
    bodies = {id: seconds for id, seconds in found.items() if "[]" in id}
    assert sorted(bodies.values())[-2:] == [7.0, 8.0]
    assert found["xs"] == 8.0


def test_an_item_that_flows_into_a_second_map_goes_on_there() -> None:
    found = remaining("xs = [one(x=i) for i in range(3)]\nys = [nine(x=x) for x in xs]\njoin(ys)")
    assert (found["xs"], found["ys"]) == (10.0, 9.0)
    assert max(seconds for id, seconds in found.items() if id.startswith("xs[]")) == 10.0


def test_what_is_collected_or_added_up_in_a_loop_comes_after_the_tasks_of_the_loop() -> None:
    source = "total = 0\nfor i in range(3):\n    a = two(x=i)\n    total += a\nb = five(x=total)\njoin(b)"
    found = remaining(source)
    assert max(seconds for id, seconds in found.items() if id.startswith("for[]")) == 7.0


def test_a_first_comes_after_the_items_of_its_list() -> None:
    found = remaining("xs = [one(x=i) for i in range(3)]\ny = first(1, xs)\nz = nine(x=y)\njoin(z)")
    assert found["xs"] == 10.0


# ------------------------------------------------------------------------------------------------------------ order

FAN = "a = one()\nb = one(x=a)\nc = one(x=a)\nd = nine(x=a)\njoin(b, c, d)"


def test_of_what_becomes_ready_in_the_same_turn_the_longest_path_starts_first() -> None:
    assert order(times(FAN, cap=2)) == ["a", "d", "b", "c"]
    assert order(times(FAN, cap=2, priority=FirstCome)) == ["a", "b", "c", "d"]


def test_first_come_is_slower_by_what_the_long_call_waited() -> None:
    assert makespan(times(FAN, cap=2)) == 10.0
    assert makespan(times(FAN, cap=2, priority=FirstCome)) == 11.0


def test_what_becomes_ready_later_overtakes_what_waits_with_a_shorter_path() -> None:
    source = "a = two()\n" + "\n".join(f"b{i} = one()" for i in range(6)) + "\nc = nine(x=a)\njoin()"
    happened = times(source, cap=2)
    assert starts(happened)["c"] == 2.0
    assert makespan(happened) == 11.0
    assert starts(times(source, cap=2, priority=FirstCome))["c"] == 4.0


def test_equal_paths_start_in_program_order() -> None:
    source = "\n".join(f"a{i} = one()" for i in range(7)) + "\njoin()"
    assert order(times(source, cap=2)) == [f"a{i}" for i in range(7)]


def test_a_call_that_waits_is_overtaken_once_the_plan_says_what_needs_the_other() -> None:
    source = "a = five()\nb = one()\nc = one()\nd = nine(x=c)\njoin()"
    happened = times(source, cap=1, pause=0.5)
    assert order(happened) == ["a", "c", "d", "b"]


def test_a_plan_that_is_complete_is_measured_once_more_however_little_was_added() -> None:
    lines = [f"a{i} = one()" for i in range(20)]
    source = "\n".join(["h = five()", *lines, "z = nine(x=a19)", "join()"])
    happened = times(source, cap=1, pause=0.01)
    assert order(happened)[:3] == ["h", "a19", "z"]


def test_an_agent_learns_from_one_run_for_the_next() -> None:
    source = "a = one()\nb = one(x=a)\nc = one(x=a)\nd = nine(x=a)\njoin(b, c, d)"

    async def main() -> list[list[str]]:
        agent = LLMCompiler(tools=TOOLS, max_concurrency=2, joiner=None)
        found = []
        for _ in range(2):
            async with agent.stream_plan(source) as running:
                found.append(order((await running.result()).events))
        return found

    assert run(main()) == [["a", "b", "c", "d"], ["a", "d", "b", "c"]]


def test_what_is_learned_in_a_run_changes_its_own_order() -> None:
    lines = [f"{name}{i} = {name}()" for i in range(8) for name in ("one", "nine")]
    happened = times("\n".join([*lines, "join()"]), cap=2, known={})
    later = [id.rstrip("0123456789") for id in order(happened)[8:]]
    assert later == sorted(later, key=["nine", "one"].index)


def test_calls_of_a_run_that_share_a_named_limit_are_ordered_too() -> None:
    tools = Toolset(
        [lasting("one", 1.0, limit="slot"), lasting("nine", 9.0, limit="slot")], limits={"slot": Limit(concurrency=1)}
    )
    source = "a = one()\nb = one()\nc = nine()\njoin()"
    assert order(times(source, cap=8, tools=tools)) == ["c", "a", "b"]


def test_a_batch_goes_out_at_the_place_of_its_most_urgent_call() -> None:
    @tool(effect="read", timeout=None)
    async def quote(x: int) -> int:
        raise AssertionError("made in a batch")

    @quote.batch
    async def quotes(xs: list[int]) -> list[int]:
        await asyncio.sleep(2)
        return xs

    tools = Toolset([quote, *TOOLS])
    source = "a = one()\nb = one()\nc = quote(x=1)\nd = quote(x=2)\ne = nine(x=d)\njoin()"
    assert order(times(source, cap=1, tools=tools, known={**SECONDS, "quote": 2.0})) == ["d", "c", "e", "a", "b"]


# ------------------------------------------------------------------------------------------------------- what it costs


class Counting(LongestPath):
    """Counts the tasks that it looks at."""

    looked_at = 0

    def _measure(self, tasks: Iterable[Task]) -> None:
        def counted() -> Iterator[Task]:
            for task in tasks:
                type(self).looked_at += 1
                yield task

        super()._measure(counted())


@pytest.fixture(autouse=True)
def nothing_looked_at() -> None:
    Counting.looked_at = 0


def test_a_run_in_which_nobody_waits_is_not_measured() -> None:
    chain = "\n".join(["a0 = one()", *(f"a{i} = two(x=a{i - 1})" for i in range(1, 30)), "join(a29)"])
    times(chain, cap=1, priority=Counting)
    times(FAN, cap=3, priority=Counting)
    assert Counting.looked_at == 0


def test_a_plan_that_grows_while_calls_wait_is_measured_in_time_that_grows_with_its_length() -> None:
    looked_at = []
    for count in (500, 2_000):
        Counting.looked_at = 0
        source = "\n".join([*(f"a{i} = {('one', 'two')[i % 2]}()" for i in range(count)), "join()"])
        times(source, cap=1, priority=Counting, pause=0.001, known={})
        looked_at.append(Counting.looked_at / count)
    assert looked_at[1] <= looked_at[0] * 1.25 <= 20


# --------------------------------------------------------------------------------------------------------- properties

dags = st.integers(0, 1_000_000).map(Random)


def plan_of(random: Random) -> tuple[str, dict[str, tuple[float, list[str]]]]:
    """A random plan of up to 25 calls; and by id how long each takes and what it needs."""
    lines, known = [], {}
    for number in range(random.randint(1, 25)):
        earlier = [f"a{i}" for i in range(number)]
        inputs = sorted(random.sample(earlier, min(number, random.choice([0, 0, 1, 1, 2, 3]))))
        name = random.choice(list(SECONDS))
        lines.append(f"a{number} = {name}(x=[{', '.join(inputs)}])")
        known[f"a{number}"] = SECONDS[name], inputs
    return "\n".join([*lines, "join()"]), known


@settings(max_examples=examples(60, 2_000))
@given(dags, st.integers(1, 4))
def test_no_slot_is_idle_while_a_call_is_ready_and_none_is_given_to_a_shorter_path(random: Random, cap: int) -> None:
    source, known = plan_of(random)
    happened = times(source, cap=cap)
    begun, ended = starts(happened), ends(happened)
    assert begun.keys() == known.keys()
    path: dict[str, float] = {}
    for id in reversed(known):
        path[id] = known[id][0] + max((path[user] for user in known if id in known[user][1]), default=0.0)
    ready = {id: max((ended[i] for i in inputs), default=0.0) for id, (_, inputs) in known.items()}
    for id, start in begun.items():
        assert ended[id] == start + known[id][0]
        running = [other for other in known if begun[other] <= start < ended[other]]
        assert len(running) <= cap
        waited_behind = [other for other in known if ready[id] < begun[other] < start and ready[id] < start]
        for other in waited_behind:  # each of these was given a slot that `id` could have had
            assert path[other] >= path[id]
        for moment in sorted({ready[id], *(e for e in ended.values() if ready[id] <= e < start)}):
            if moment < start:
                assert sum(begun[other] <= moment < ended[other] for other in known) == cap
    work = sum(seconds for seconds, _ in known.values())
    critical = max(path.values())
    assert makespan(happened) <= critical + (work - critical) / cap + 1e-9  # Graham's bound for any list schedule


@settings(max_examples=examples(30, 600))
@given(dags, st.integers(1, 3), st.sampled_from([0.0, 0.3, 2.0]))
def test_a_plan_that_is_being_written_leaves_no_slot_idle_either(random: Random, cap: int, pause: float) -> None:
    source, known = plan_of(random)
    happened = times(source, cap=cap, known={}, pause=pause)
    begun, ended = starts(happened), ends(happened)
    planned = {event.task.id: event.at for event in happened if isinstance(event, Planned)}
    assert begun.keys() == known.keys()
    for id, (_, inputs) in known.items():
        ready = max(planned[id], *(ended[i] for i in inputs), 0.0)
        moments = sorted({ready, *(e for e in (*ended.values(), *begun.values()) if ready <= e < begun[id]), begun[id]})
        for moment, _after in pairwise(moments):
            assert sum(begun[other] <= moment < ended[other] for other in known) == cap
