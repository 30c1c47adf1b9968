"""Calls that run an agent: they lend their slots to it, so that no limit is exceeded and nobody waits for ever."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import Limit, LLMCompiler, Outcomes, ToolContext, tool
from superscalar.schedule.inside import Inside
from superscalar.schedule.limits import EVERYTHING, Grants, Limits, Ticket
from superscalar.schedule.loans import HOLDER
from superscalar.testing import VirtualLoop, run
from superscalar.values import Failure, Observation
from support.depth import examples
from support.running import Gauge

Ask = Callable[..., Any]


def working(gauge: Gauge, *, limit: str | tuple[str, ...] = (), name: str = "look", seconds: float = 1.0) -> Any:
    @tool(effect="read", limit=limit, name=name)
    async def look(x: int) -> int:
        with gauge:
            await asyncio.sleep(seconds)
        return x

    return look


def running(inner: Ask, *, limit: str | tuple[str, ...] = (), name: str = "sub") -> Any:
    """A tool that runs an agent."""

    @tool(effect="read", limit=limit, name=name, timeout=None)
    async def sub(x: int) -> Any:
        return await inner(x)

    return sub


def one_look(agent: LLMCompiler, plan: str = "join(a=look({x}))") -> Ask:
    async def inner(x: int) -> Any:
        outcomes = await agent.execute(plan.format(x=x))
        return outcomes.joined

    return inner


async def took(work: Any) -> tuple[Any, float]:
    began = asyncio.get_running_loop().time()
    found = await work
    return found, asyncio.get_running_loop().time() - began


def values(outcomes: Outcomes) -> list[Any]:
    return [outcome.value for id, outcome in outcomes.items() if "[" in id and isinstance(outcome, Observation)]


# ------------------------------------------------------------------------------------------------------ nobody waits


def test_forty_items_over_a_sub_agent_that_is_the_agent_itself() -> None:
    """The calls of the outer run have every slot of the default cap."""
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        agents: list[LLMCompiler] = []
        sub = running(lambda x: one_look(agents[0])(x))
        agents.append(LLMCompiler(tools=[sub, working(gauge)]))
        return await took(agents[0].execute("xs = [sub(i) for i in range(40)]\njoin(xs=xs)"))

    outcomes, seconds = run(main())
    assert outcomes.joined == {"xs": [{"a": i} for i in range(40)]}
    assert (gauge.most, seconds) == (32, 2.0)


def test_two_agents_that_share_a_limit() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        terms = {"api": Limit(concurrency=5)}
        inner = LLMCompiler(tools=[working(gauge, limit="api")], limits=terms)
        outer = LLMCompiler(tools=[running(one_look(inner), limit="api")], limits=terms)
        return await took(outer.execute("xs = [sub(i) for i in range(40)]\njoin(xs=xs)"))

    outcomes, seconds = run(main())
    assert outcomes.joined == {"xs": [{"a": i} for i in range(40)]}
    assert (gauge.most, seconds) == (5, 8.0)


def test_grandchildren_go_on_the_slot_of_the_outermost() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        terms = {"api": Limit(concurrency=1)}
        agents: list[LLMCompiler] = [LLMCompiler(tools=[working(gauge, limit="api")], limits=terms)]
        plan = "join(a=look({x}))"
        for _ in range(3):
            middle = running(one_look(agents[-1], plan), limit="api")
            agents.append(LLMCompiler(tools=[middle], limits=terms, max_concurrency=1))
            plan = "join(a=sub({x}))"
        return await took(agents[-1].execute("xs = [sub(i) for i in range(4)]\njoin(xs=xs)"))

    outcomes, seconds = run(main())
    assert outcomes.joined == {"xs": [{"a": {"a": {"a": i}}} for i in range(4)]}
    assert (gauge.most, seconds) == (1, 4.0)


def test_a_call_without_the_limit_passes_on_what_is_lent_to_it() -> None:
    gauge = Gauge()

    async def main() -> Outcomes:
        terms = {"api": Limit(concurrency=1)}
        inner = LLMCompiler(tools=[working(gauge, limit="api")], limits=terms)
        middle = LLMCompiler(tools=[running(one_look(inner))])
        outer = LLMCompiler(tools=[running(one_look(middle, "join(a=sub({x}))"), limit="api")], limits=terms)
        return await outer.execute("xs = [sub(i) for i in range(3)]\njoin(xs=xs)")

    assert run(main()).joined == {"xs": [{"a": {"a": i}} for i in range(3)]}
    assert gauge.most == 1


def test_one_inner_call_goes_on_a_lent_slot_and_others_ask_as_any_call() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        terms = {"api": Limit(concurrency=2)}
        inner = LLMCompiler(tools=[working(gauge, limit="api")], limits=terms)
        plan = "join(a=[look(i) for i in range(6)])"
        outer = LLMCompiler(tools=[running(one_look(inner, plan), limit="api")], limits=terms)
        return await took(outer.execute("join(sub(1))"))

    _, seconds = run(main())
    assert (gauge.most, seconds) == (2, 3.0)  # the lent one, and the other


def test_two_runs_that_one_call_gathers_share_what_it_lends() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        terms = {"api": Limit(concurrency=1)}
        look = one_look(LLMCompiler(tools=[working(gauge, limit="api")], limits=terms))

        async def both(x: int) -> Any:
            return await asyncio.gather(look(x), look(x + 1))

        outer = LLMCompiler(tools=[running(both, limit="api")], limits=terms)
        return await took(outer.execute("xs = [sub(i) for i in range(2)]\njoin(xs=xs)"))

    outcomes, seconds = run(main())
    assert outcomes.joined == {"xs": [[{"a": 0}, {"a": 1}], [{"a": 1}, {"a": 2}]]}
    assert (gauge.most, seconds) == (1, 4.0)


def test_every_inner_call_counts_in_a_rate() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, float]:
        terms = {"api": Limit(rate=1)}
        inner = LLMCompiler(tools=[working(gauge, limit="api", seconds=0.0)], limits=terms)
        outer = LLMCompiler(tools=[running(one_look(inner), limit="api")], limits=terms)
        return await took(outer.execute("xs = [sub(i) for i in range(3)]\njoin(xs=xs)"))

    _, seconds = run(main())
    assert seconds == pytest.approx(5.5, abs=1e-3)  # six starts


def test_a_batched_call_lends_what_it_holds() -> None:
    gauge = Gauge()

    async def main() -> Outcomes:
        terms = {"api": Limit(concurrency=1)}
        look = one_look(LLMCompiler(tools=[working(gauge, limit="api")], limits=terms))

        @tool(effect="read", limit="api")
        async def sub(x: int) -> Any:
            return await look(x)

        @sub.batch
        async def many(xs: list[int]) -> list[Any]:
            return [await look(x) for x in xs]

        outer = LLMCompiler(tools=[sub], limits=terms)
        return await outer.execute("xs = [sub(i) for i in range(3)]\njoin(xs=xs)")

    assert run(main()).joined == {"xs": [{"a": i} for i in range(3)]}
    assert gauge.most == 1


def test_tools_in_threads_that_run_an_agent() -> None:
    """With real threads and event loops of their own: all of these are inside before any asks."""
    inside = Barrier(4)

    @tool(effect="read", limit="api")
    async def look(x: int) -> int:
        return x

    terms = {"api": Limit(concurrency=4)}
    agents = [LLMCompiler(tools=[look], limits=terms)]

    @tool(effect="read", limit="api", timeout=None)
    def sub(x: int) -> int:
        inside.wait(timeout=20)

        async def inner() -> int:
            found: int = (await agents[0].execute(f"t = look({x})\njoin(t)")).joined
            return found

        return asyncio.run(asyncio.wait_for(inner(), 20))

    outer = LLMCompiler(tools=[sub], limits=terms)
    outcomes = asyncio.run(outer.execute("xs = [sub(i) for i in range(8)]\njoin(xs=xs)"))
    assert outcomes.joined == {"xs": list(range(8))}


# ----------------------------------------------------------------------------------------------------- what comes back


def test_what_was_lent_is_back_when_a_nested_run_is_cancelled() -> None:
    gauge = Gauge()

    async def main() -> tuple[Outcomes, Any]:
        terms = {"api": Limit(concurrency=1)}
        slow = LLMCompiler(tools=[working(gauge, limit="api", seconds=60.0)], limits=terms)
        fast = LLMCompiler(tools=[working(gauge, limit="api")], limits=terms)

        async def given_up(x: int) -> Any:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(one_look(slow)(x), 0.5)
            return await one_look(fast)(x)

        outer = LLMCompiler(tools=[running(given_up, limit="api")], limits=terms)
        return await outer.execute("join(sub(1))"), outer.limits.statistics()["api"]

    outcomes, seen = run(main())
    assert outcomes.joined == {"a": 1}
    assert (gauge.most, seen.running, seen.waiting) == (1, 0, 0)


def test_a_slot_stays_with_the_inner_call_that_outlives_the_outer_one() -> None:
    """It was never two slots: it is free when the inner call ends, and not before."""
    gauge = Gauge()

    async def main() -> tuple[list[int], float]:
        terms = {"api": Limit(concurrency=1)}
        inner = LLMCompiler(tools=[working(gauge, limit="api", seconds=5.0)], limits=terms)
        left: list[asyncio.Task[Any]] = []

        async def leaving(x: int) -> None:
            left.append(asyncio.create_task(one_look(inner)(x)))
            await asyncio.sleep(1)

        outer = LLMCompiler(tools=[running(leaving, limit="api"), working(gauge, limit="api")], limits=terms)
        await outer.execute("sub(1)")
        seen = [outer.limits.statistics()["api"].running]
        await outer.execute("join(look(1))")  # waits for the slot
        at = asyncio.get_running_loop().time()
        await asyncio.gather(*left)
        seen.append(outer.limits.statistics()["api"].running)
        return seen, at

    assert run(main()) == ([1, 0], 6.0)
    assert gauge.most == 1


def test_a_slot_that_is_lent_on_goes_back_to_the_outermost() -> None:
    gauge = Gauge()

    async def main() -> list[int]:
        terms = {"api": Limit(concurrency=1)}
        inner = LLMCompiler(tools=[working(gauge, limit="api", seconds=5.0)], limits=terms)
        left: list[asyncio.Task[Any]] = []
        seen = []

        async def leaving(x: int) -> None:
            left.append(asyncio.create_task(one_look(inner)(x)))
            await asyncio.sleep(1)

        middle = LLMCompiler(tools=[running(leaving, limit="api")], limits=terms)

        async def waiting(x: int) -> None:
            await middle.execute(f"sub({x})")
            await asyncio.gather(*left)
            seen.append(outer.limits.statistics()["api"].running)
            await one_look(inner)(x)

        outer = LLMCompiler(tools=[running(waiting, limit="api")], limits=terms)
        await outer.execute("sub(1)")
        return [*seen, outer.limits.statistics()["api"].running]

    assert run(main()) == [1, 0]
    assert gauge.most == 1


def test_code_that_a_call_leaves_behind_keeps_nothing_of_it() -> None:
    """A connection that a tool opens lives as long as the process, with the context in which it was opened."""
    kept: list[Any] = []

    class Big:
        pass

    @tool(effect="read")
    async def opens(x: int) -> int:
        kept.append(HOLDER.get())
        return x

    async def main() -> weakref.ReferenceType[Big]:
        big = Big()
        await LLMCompiler(tools=[opens]).execute("opens(1)", context=big)
        return weakref.ref(big)

    gone = run(main())
    gc.collect()
    assert gone() is None
    assert kept[0] is not None
    assert kept[0]() is None


def test_an_inner_call_that_outlives_the_outer_one_is_not_kept_when_it_has_ended() -> None:
    class Big:
        pass

    async def main() -> object:
        terms = {"api": Limit(concurrency=1)}
        inner = LLMCompiler(tools=[working(Gauge(), limit="api", seconds=5.0)], limits=terms)
        gone: list[weakref.ReferenceType[Big]] = []
        left: list[asyncio.Task[Any]] = []

        async def leaving(x: int) -> None:
            big = Big()
            gone.append(weakref.ref(big))
            left.append(asyncio.create_task(inner.execute(f"join(look({x}))", context=big)))
            await asyncio.sleep(1)

        outer = LLMCompiler(tools=[running(leaving, limit="api")], limits=terms)
        await outer.execute("sub(1)")
        assert (await left.pop()).joined == 1
        gc.collect()
        return gone[0]()

    assert run(main()) is None


# -------------------------------------------------------------------------------------------------- who waits for ever


def crossed(gauge: Gauge, **more: Any) -> LLMCompiler:
    """Two tools that each hold one limit, and run a call that takes the other."""
    terms = {"a": Limit(concurrency=1), "b": Limit(concurrency=1)}
    inner = LLMCompiler(tools=[working(gauge, limit=(n,), name=f"in_{n}") for n in "ab"], limits=terms)

    def inside(name: str) -> Ask:
        async def one(x: int) -> Any:
            await asyncio.sleep(0.5 * (name == "a") + 0.5)
            return (await inner.execute(f"t = in_{name}({x})\njoin(t)"))["t"]

        return one

    tools = [running(inside("b"), limit="a", name="has_a"), running(inside("a"), limit="b", name="has_b")]
    return LLMCompiler(tools=tools, limits=terms, **more)


def test_a_call_that_would_wait_for_ever_fails_at_once_with_a_message() -> None:
    gauge = Gauge()
    agent_of = crossed

    async def main() -> tuple[list[Any], float]:
        outcomes, seconds = await took(agent_of(gauge).execute("p = has_a(1)\nq = has_b(2)\njoin(p, q)"))
        return [outcomes[id].value for id in "pq"], seconds

    (first, second), seconds = run(main())
    failed = [found for found in (first, second) if isinstance(found, Failure)]
    assert [found.kind for found in failed] == ["bounds"]
    assert "wait for ever" in failed[0].message
    assert not failed[0].in_doubt
    assert sorted(map(type, (first, second)), key=str) == sorted((Failure, Observation), key=str)
    assert seconds == 2.0  # the one that fails ends at once, and the other then has what it waited for


def test_a_call_waits_while_somebody_holds_a_slot_who_waits_for_nobody() -> None:
    """The other slot of b is held by a call that ends by itself."""
    gauge = Gauge()

    async def main() -> Outcomes:
        terms = {"a": Limit(concurrency=1), "b": Limit(concurrency=2)}
        inner = LLMCompiler(tools=[working(gauge, limit=(n,), name=f"in_{n}") for n in "ab"], limits=terms)
        tools = [
            running(one_look(inner, "join(in_b({x}))"), limit="a", name="has_a"),
            running(one_look(inner, "join(in_a({x}))"), limit="b", name="has_b"),
            working(gauge, limit="b", name="only", seconds=3.0),
        ]
        outer = LLMCompiler(tools=tools, limits=terms)
        return await outer.execute("o = only(0)\np = has_a(1)\nq = has_b(2)\njoin(p, q)")

    outcomes = run(main())
    assert [outcomes[id] for id in "pq"] == [Observation(1), Observation(2)]


class Noted(Ticket):
    """A call with a name, which may be inside another one."""

    def __init__(self, loop: Any, begun: list[str], name: str, limits: str, inside: Ticket | None = None) -> None:
        super().__init__(f"run {name}", tuple(limits), loop)
        self._begun = begun
        self._name = name
        self._inside = inside

    @property
    def caller(self) -> Ticket | None:
        return self._inside

    def granted(self) -> None:
        self._begun.append(self._name)


@pytest.mark.parametrize("asks", ["before it is kept", "after it is kept"])
def test_nothing_is_kept_for_others_that_a_nested_call_lacks(asks: str) -> None:
    """A call that waits for a and b would keep a; b has a call inside which another one needs a."""
    loop = VirtualLoop()
    begun: list[str] = []
    grants = Limits({"a": Limit(concurrency=1), "b": Limit(concurrency=1)}, 9).on(loop)
    calls: dict[str, Ticket] = {}

    def ask(name: str, limits: str, inside: Ticket | None = None) -> None:
        asked = grants if inside is None else Inside(grants, inside)
        calls[name] = Noted(loop, begun, name, limits, inside)
        if asked.ask(calls[name], (0,)):
            calls[name].granted()
        grants.dispatch(loop)

    def end(name: str) -> None:
        grants.give_back(calls[name])
        grants.dispatch(loop)

    for name, limits in [("a0", "a"), ("b0", "b"), ("a1", "a"), ("has b", "b"), ("both", "ab")]:
        ask(name, limits)
    end("b0")
    end("a0")
    if asks == "before it is kept":
        ask("inner", "a", calls["has b"])
    end("a1")
    if asks == "after it is kept":
        ask("inner", "a", calls["has b"])
    for name in ("inner", "has b"):
        end(name)
    loop.close()
    assert begun == ["a0", "b0", "has b", "a1", "inner", "both"]


def test_a_run_outside_any_call_asks_as_before() -> None:
    async def main() -> list[type]:
        loop = asyncio.get_running_loop()
        grants = Limits({}).on(loop)
        ticket = Noted(loop, [], "run", "")
        granted = grants.ask(ticket, (0,))
        return [type(grants), *([type(ticket.caller)] if granted else [])]

    assert run(main()) == [Grants, type(None)]


# ---------------------------------------------------------------------------------------------------------- at random


@dataclass(frozen=True)
class Inner:
    """A call: the limits that it takes part in, how long it works before and after, and the calls inside it."""

    limits: str
    seconds: float
    inside: tuple[Inner, ...] = ()


_limits = st.sampled_from(["", "a", "b", "ab", "c"])
_trees = st.recursive(
    st.builds(Inner, _limits, st.sampled_from([0.0, 0.5, 1.0])),
    lambda inner: st.builds(Inner, _limits, st.sampled_from([0.0, 0.5]), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=10,
)


@settings(max_examples=examples(25, 600))
@given(st.lists(_trees, min_size=1, max_size=4), st.integers(1, 2), st.integers(1, 3))
def test_no_limit_is_exceeded_and_every_call_ends(trees: list[Inner], cap: int, wide: int) -> None:
    """Whatever is inside what: each call succeeds, or fails since it would wait for ever."""
    terms = {"a": Limit(concurrency=1), "b": Limit(concurrency=wide), "c": Limit(concurrency=2)}
    width = {"a": 1, "b": wide, "c": 2, EVERYTHING: cap}
    at_work = Counter[str]()

    async def work(limits: str, seconds: float) -> None:
        for name in (*limits, EVERYTHING):
            at_work[name] += 1
            assert at_work[name] <= width[name]
        await asyncio.sleep(seconds)
        at_work.subtract((*limits, EVERYTHING))

    def making(limits: str) -> Any:
        @tool(effect="read", limit=tuple(limits), name=f"on_{limits}", timeout=None)
        async def on(run: ToolContext[Any], at: int) -> int:
            tree: Inner = run.context[at]
            await work(limits, tree.seconds)
            if tree.inside:
                outcomes = await agents[0].execute(plan_of(tree.inside), context=tree.inside)
                assert {o.kind for o in outcomes.values() if isinstance(o, Failure)} <= {"bounds"}
                await work(limits, tree.seconds)
            return at

        return on

    def plan_of(calls: Sequence[Inner]) -> str:
        return "\n".join(f"t{at} = on_{call.limits}({at})" for at, call in enumerate(calls))

    agents = [LLMCompiler(tools=map(making, ["", "a", "b", "ab", "c"]), limits=terms, max_concurrency=cap)]

    async def main() -> tuple[Outcomes, Any, Any]:
        loop = asyncio.get_running_loop()
        outcomes = await agents[0].execute(plan_of(trees), context=trees)
        clock = agents[0].limits.on(loop).clock
        return outcomes, agents[0].limits.statistics(), (clock.loans.lent, clock.loans._lenders, clock.keepers.inside)

    outcomes, seen, left = run(main())
    bad = {outcome.kind for outcome in outcomes.values() if isinstance(outcome, Failure)}
    assert bad <= {"bounds"}
    assert {name: (gate.running, gate.waiting) for name, gate in seen.items()} == dict.fromkeys(seen, (0, 0))
    assert left == ({}, {}, {})
