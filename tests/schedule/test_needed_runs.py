"""Dead code (L22) and `first` (L16) in whole runs: what is called, what is cancelled, and what everybody is shown."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Limit, LLMCompiler, Observation, Retry, RunResult, Skipped, Tool, tool
from superscalar.events import Cancelled, Failed, Revived, Started, Succeeded, Unneeded, Won
from superscalar.models.base import ChatModel
from superscalar.observe.documents import outcome_document
from superscalar.observe.view import RunView
from superscalar.plan.ir import Plan
from superscalar.plan.passes.dead import dead
from superscalar.results import show_results
from superscalar.testing import ScriptedModel, run
from superscalar.values import UNNEEDED, TaskId
from support.depth import examples
from support.promises import GRACE, PROFILE, agent, check, shape, worlds
from support.random_plans import Settings, World, plans
from support.running import Paced, answering, executed, starts


@tool(effect="pure")
async def wait(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    if isinstance(value, str) and value.startswith("bad"):
        raise ValueError(value)
    return value


@tool(effect="pure", limit="one")
async def slot(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


@tool(effect="write", resource="store")
async def put(value: Any = None) -> None:
    await asyncio.sleep(1)


@tool(effect="read", resource="store")
async def get(seconds: float = 1) -> str:
    await asyncio.sleep(seconds)
    return "what is there"


ALL: list[Tool[..., Any]] = [wait, slot, put, get]
LIMITS = {"one": Limit(concurrency=1)}


def done(*lines: str, **options: Any) -> RunResult:
    return executed("\n".join(lines), ALL, limits=LIMITS, **options)


def answered(model: ChatModel, joiner: ChatModel | None = None) -> RunResult:
    return run(LLMCompiler(model, ALL, joiner=joiner, limits=LIMITS).run("why?", run_id="run"))


def called(result: RunResult) -> list[TaskId]:
    return [e.id for e in result.events if isinstance(e, Started)]


def of(result: RunResult, kind: type) -> list[Any]:
    return [e for e in result.events if isinstance(e, kind)]


def rows(result: RunResult) -> dict[TaskId, str]:
    view = RunView()
    for e in result.events:
        view.apply(e)
    return {row.id: row.state for row in view.rows()}


# ---------------------------------------------------------------------------------------------------------- dead code


def test_a_plan_that_is_there_as_a_whole_never_starts_its_dead_code() -> None:
    result = done("a = wait(1, 'a')", "b = wait(5, a)", "wait(9)", "c = wait(2, a)", "join(c)")
    assert called(result) == ["a", "c"]
    assert (result.answer, result.events[-1].at) == ("a", 3.0)
    assert result.outcomes["b"] == result.outcomes["wait()"] == UNNEEDED
    assert list(result.outcomes) == ["a", "b", "wait()", "c", "join()"]
    assert not result.outcomes.failures
    assert result.outcomes.complete
    assert str(UNNEEDED) == "not needed: nothing uses it"
    assert outcome_document(UNNEEDED) == {"state": "skipped", "needed": False}
    assert rows(result)["b"] == "skipped"
    assert show_results(result.plan.tasks, result.outcomes).splitlines() == [
        'a: "a"',
        "b: not looked up, since nothing needed it",
        'c: "a"',
    ]


def test_reads_start_while_nobody_knows_what_is_joined_and_are_not_waited_for() -> None:
    """What runs at the seal is left alone until the run ends; what waits for a limit is not started."""
    planner = Paced("a = wait(9)\nb = slot(1)\nc = slot(1)\n", 0.5, "d = wait(2, 'd')\njoin(d)\n")
    result = answered(planner)
    assert (result.answer, result.events[-1].at) == ("d", 2.5)
    assert called(result) == ["a", "b", "d"]
    assert result.outcomes["c"] == result.outcomes["a"] == UNNEEDED
    assert result.outcomes["b"] == Observation(None)
    assert [e.id for e in of(result, Cancelled)] == ["a"]
    assert not of(result, Failed)
    assert rows(result) == {"a": "skipped", "b": "done", "c": "skipped", "d": "done", "join()": "done"}


def test_a_dead_call_that_fails_is_not_the_joiners_business() -> None:
    planner = Paced("a = wait(1, 'bad')\n", 0.5, "d = wait(2, 'd')\njoin(d)\n")
    result = answered(planner)
    assert result.outcomes.complete
    assert isinstance(result.outcomes["a"], Failure)


def test_a_later_round_revives_what_the_first_left_out() -> None:
    planner = ScriptedModel("a = wait(1, 'a')\nb = wait(2, a)\nput(1)\njoin(1)\n", "c = wait(3, b)\njoin(c)\n")
    result = answered(planner, ScriptedModel("REPLAN: b is missing", "done"))
    assert result.answer == "done"
    assert result.outcomes["c"] == Observation("a")
    (unneeded,), (revived,) = of(result, Unneeded), of(result, Revived)
    assert set(revived.ids) <= set(unneeded.ids)
    assert called(result).count("a") == called(result).count("b") == 1
    assert rows(result)["b"] == "done"


def test_a_read_whose_place_is_gone_says_so() -> None:
    planner = ScriptedModel("s = wait(1)\nb = get(s)\nput(s)\njoin(1)\n", "c = wait(1, b)\njoin(c)\n")
    result = answered(planner, ScriptedModel("REPLAN: b is missing", "done"))
    found = result.outcomes["b"]
    assert isinstance(found, Failure)
    assert found.message == "nothing needed it until `put()` had changed what it reads: call it again"
    assert result.outcomes["c"] == Skipped("b")


def test_a_sync_call_that_nothing_needs_holds_the_end_up_for_the_grace_period_at_most() -> None:
    release: list[int] = []

    @tool(effect="read")
    def block() -> None:
        while not release:
            time.sleep(0.001)  # a thread: it cannot be cancelled

    async def main() -> RunResult:
        planner = Paced("a = block()\n", 0.5, "d = wait(2, 'd')\njoin(d)\n")
        try:
            return await LLMCompiler(planner, [wait, block], joiner=None, grace=GRACE).run("why?")
        finally:
            release.append(1)

    result = run(main(), wait_for_threads=False)
    assert result.answer == "d"
    assert result.events[-1].at <= 2.5 + GRACE * 1.5
    assert result.outcomes["a"] == UNNEEDED


# -------------------------------------------------------------------------------------------------------------- first


def test_the_first_to_succeed_win_and_the_others_are_cancelled() -> None:
    result = done("best = first(2, [wait(3, 'a'), wait(1, 'bad'), wait(9, 'c'), wait(2, 'd')])", "join(best)")
    assert (result.answer, result.events[-1].at) == (["a", "d"], 3.0)
    assert [e.items for e in of(result, Won)] == [(0, 3)]
    assert [e.id for e in of(result, Cancelled)] == ["best.items[2]"]
    assert result.outcomes["best.items[2]"] == result.outcomes["best.items"] == UNNEEDED
    assert set(result.outcomes.failures) == {"best.items[1]"}
    assert rows(result)["best.items[2]"] == "skipped"
    assert result.outcomes.complete


def test_losers_that_wait_for_a_limit_are_never_called() -> None:
    result = done("best = first(1, [slot(1, i) for i in range(5)])", "join(best[0])")
    assert (result.answer, called(result)) == (0, ["best.items[0]"])
    assert result.events[-1].at == 1.0


def test_losers_between_two_attempts_are_not_tried_again() -> None:
    tries = []

    @tool(effect="read", retry=Retry(attempts=5, initial=3.0))
    async def again() -> None:
        tries.append(1)
        raise ValueError("down")

    result = executed("best = first(1, [wait(1, 'a'), again()])\njoin(best)", [wait, again])
    assert (result.answer, len(tries)) == (["a"], 1)
    assert result.events[-1].at == 1.0


def test_what_comes_after_the_losers_in_the_order_of_accesses_waits_until_they_have_ended() -> None:
    @tool(effect="read", resource="store")
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(9)
        await asyncio.sleep(0.25)

    plan = "best = [first(1, [wait(1, x), stubborn()]) for x in ['a']]\nput(best)\njoin(best)"
    result = executed(plan, [wait, put, stubborn])
    assert result.answer == [["a"]]
    assert starts(result.events)["put()"] == 1.25


def test_too_few_fail_it_as_soon_as_that_is_clear() -> None:
    result = done("best = first(2, [wait(1, 'bad'), wait(2, 'bad too'), wait(9)])", "join(best)")
    assert isinstance(result.answer, Failure)
    failed = "`first` wants 2, but fewer of 3 items succeed; the first: ValueError: bad"
    assert str(result.answer) == failed
    assert result.events[-1].at == 2.0
    assert [e.id for e in of(result, Cancelled)] == ["best.items[2]"]


def test_a_list_without_outcomes_of_its_own_gives_its_first_items() -> None:
    result = done(
        "n = wait(1, 2)", "xs = wait(0, ['a', 'b', 'c'])", "a = first(n, xs)", "b = first(1, 'text')", "join(a, b)"
    )
    assert result.answer == [["a", "b"], ["t"]]


def test_what_is_no_number_of_items_fails_it() -> None:
    result = done(
        "n = wait(0, 'two')", "a = first(n, [wait(1)])", "b = first(0, [wait(1)])", "c = first(1, 7)", "join(a, b, c)"
    )
    messages = [str(found) for found in result.answer]
    assert messages == [
        'TypeError: `first` takes how many are wanted, at least 1, and a list; not the text "two"',
        "TypeError: `first` takes how many are wanted, at least 1, and a list; not the number 0",
        "TypeError: cannot go through the number 7",
    ]


def test_a_run_that_is_cancelled_in_a_race_ends() -> None:
    result = done("best = first(1, [wait(9, 'a'), wait(8, 'b')])", "join(best)", deadline=2.0)
    assert isinstance(result.answer, Failure | Skipped)
    assert result.events[-1].at == 2.0


# --------------------------------------------------------------------------------------------------------- properties


def lives(result: RunResult) -> dict[TaskId, Any]:
    """The outcomes of what is live, without what may differ from run to run."""
    gone = dead(result.plan.tasks)
    inside = tuple(f"{id}[" for id in gone)
    found = {id: o for id, o in result.outcomes.items() if id not in gone and not id.startswith(inside)}
    return {id: shape(outcome) for id, outcome in found.items()}


def ran(plan: tuple[str, ...], world: World) -> RunResult:
    async def main() -> RunResult:
        async with agent(world).stream_plan("\n".join(plan), run_id="run") as running:
            return await running.result()

    return run(main())


@PROFILE
@given(plans(joins="some"), worlds)
def test_leaving_dead_code_out_changes_nothing_that_is_live(plan: tuple[str, ...], chosen: Settings) -> None:
    """Against the same plan that joins everything. A read that never ends may make later accesses doubtful."""
    chosen = replace(chosen, attempts=50)
    with_all = ran((*plan[:-1], "join()"), World(chosen))
    assume(not any(failure.abandoned for failure in with_all.outcomes.failures.values()))
    without = ran(plan, World(chosen))
    whole = {id: shape(outcome) for id, outcome in with_all.outcomes.items()}
    expected = {id: found for id, found in lives(without).items() if not id.startswith("join")}
    assert expected == {id: whole[id] for id in expected}
    gone = dead(without.plan.tasks)
    assert not any(e.id in gone for e in without.events if isinstance(e, Started))
    event(f"dead: {len(gone) > 0}")


@PROFILE
@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 4),
    st.sampled_from(["display", "map", "filtered"]),
    st.integers(1, 8),
)
def test_a_first_gives_the_earliest_successes_in_input_order(
    items: list[tuple[int, bool]], wanted: int, form: str, cap: int
) -> None:
    """Whatever the order in which they come in, and however many may run at once."""

    @tool(effect="read")
    async def fetch(i: int) -> int:
        seconds, good = items[i]
        await asyncio.sleep(seconds)
        if not good:
            raise ValueError("down")
        return i

    shown = {
        "display": f"[{', '.join(f'fetch({i})' for i in range(len(items)))}]",
        "map": f"[fetch(i) for i in range({len(items)})]",
        "filtered": f"[fetch(i) for i in range({len(items)}) if i != 0]",
    }[form]
    result = executed(f"best = first({wanted}, {shown})\njoin(best)", [fetch], max_concurrency=cap)
    counted = [i for i in range(len(items)) if form != "filtered" or i]
    good = [i for i in counted if items[i][1]]
    if len(good) < wanted:
        assert isinstance(result.answer, Failure)
        return
    answer = result.answer
    assert answer == sorted(answer)
    assert set(answer) <= set(good)
    assert len(answer) == wanted
    ended = {e.id: e.at for e in of(result, Succeeded)}
    last = ended["best"]
    assert all(ended[f"best.items[{i}]"] <= last for i in answer)
    if cap >= len(items):
        ranked = sorted(items[i][0] for i in good)
        assert sorted(items[i][0] for i in answer) == ranked[:wanted]
    assert result.events[-1].at == last
    assert not any(isinstance(e, Started) and e.at > last for e in result.events)


RACES = st.lists(  # the sites are those of `random_plans`: ten times the line, and the place in it
    st.sampled_from(
        [
            "a{n} = first({k}, [work({n}1, {n}), rated({n}2, 2), look({n}3, 1)])",
            "a{n} = first({k}, [named({n}1, {n}) for i in range(4)])",
            "a{n} = [first({k}, [work({n}1, i), both({n}2, 1)]) for i in range(3)]",
            "a{n} = first({k}, [work({n}1, 1) if i else look({n}2, 2) for i in range(3)])",
            "post({n}1, 1)",
            "a{n} = look({n}1, 1)",
            "a{n} = first({k}, [work({n}1, 1), work({n}1, 1), work({n}1, 1)])",
        ]
    ),
    min_size=1,
    max_size=6,
)


@PROFILE
@given(RACES, st.integers(1, 3), worlds, st.lists(st.sampled_from([0.0, 0.25, 2.0]), max_size=3), st.data())
def test_every_plan_with_races_ends_and_keeps_its_promises(
    lines: list[str], wanted: int, chosen: Settings, pauses: list[float], data: st.DataObject
) -> None:
    world = World(chosen)
    plan = [line.format(n=number, k=wanted) for number, line in enumerate(lines, 1)]
    names = [line.split(" = ")[0] for line in plan if line.startswith("a")]
    joined = data.draw(st.lists(st.sampled_from(names), max_size=2)) if names else []
    steps: list[Any] = []
    for line in [*plan, f"join({', '.join(joined)})"]:
        steps += [data.draw(st.sampled_from(pauses)) if pauses else 0.0, f"{line}\n"]
    result = answering(agent(world, Paced(*steps)))
    check(world, list(result.events))
    event(f"won: {len(of(result, Won)) > 0}, cancelled: {len(of(result, Cancelled)) > 0}")


def test_programs_of_two_rounds_end_whatever_the_second_refers_to() -> None:
    """What was left out is revived, with its limits and order, while other things run."""

    @settings(PROFILE, max_examples=examples(25, 600))
    @given(plans(joins="some"), worlds, st.randoms(use_true_random=False))
    def check_one(plan: tuple[str, ...], chosen: Settings, random: Random) -> None:
        world = World(chosen)
        compiled: Plan = agent(world).compile("\n".join(plan))
        names = sorted({t.id for t in compiled.tasks if t.id.isidentifier()})
        assume(names)
        picked = random.sample(names, min(2, len(names)))
        second = "\n".join([*(f"z{i} = [{name}]" for i, name in enumerate(picked)), f"join({', '.join(picked)})"])
        planner = ScriptedModel("\n".join(plan) + "\n", second + "\n")
        result = run(
            LLMCompiler(
                planner,
                world.tools,
                joiner=ScriptedModel("REPLAN: more", "done"),
                limits=chosen.limits,
                max_concurrency=chosen.cap,
                grace=GRACE,
                random=Random(chosen.times),
            ).run("why?", run_id="run")
        )
        assert result.answer == "done"
        check(world, list(result.events))
        for name in picked:
            assert result.outcomes[name] != UNNEEDED

    check_one()


def test_a_loser_whose_call_somebody_shares_is_made_for_them() -> None:
    """Rule L21: the work goes on as long as any of those that share it is needed."""
    result = done(
        "best = first(1, [wait(1, 'a'), wait(3, 'b')])", "other = wait(3, 'b')", "join(best, other)", max_concurrency=3
    )
    assert (result.answer, result.events[-1].at) == ([["a"], "b"], 3.0)
    assert len(called(result)) == 2


def test_a_call_that_is_the_same_as_one_that_was_left_out_revives_it() -> None:
    """It had been bound, and was waiting for its limit when nothing needed it."""

    @tool(effect="pure", limit="one")
    async def busy(seconds: float, value: Any = None) -> Any:
        await asyncio.sleep(seconds)
        return value

    planner = Paced("a = busy(2, 'a')\nb = busy(1, 'b')\n", 0.5, "c = wait(1.5, 1)\nd = busy(c, 'b')\njoin(a, d)\n")
    result = run(LLMCompiler(planner, [busy, wait], joiner=None, limits=LIMITS).run("why?", run_id="run"))
    assert result.answer == ["a", "b"]
    assert result.outcomes["b"] in (UNNEEDED, Observation("b"))


def test_losers_that_share_one_call_are_let_go_together() -> None:
    result = done("best = first(1, [wait(1, 'a'), wait(9, 'b'), wait(9, 'b')])", "join(best)")
    assert (result.answer, result.events[-1].at) == (["a"], 1.0)
    assert [e.id for e in of(result, Cancelled)] == ["best.items[1]"]
