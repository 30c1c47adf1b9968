"""Limits between agents, clocks, threads and runs: what is shared, what is not, and that nobody starves."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

import pytest

from superscalar import Limit, LLMCompiler, RateLimited, tool
from superscalar.schedule.limits import EVERYTHING, Grants, Limits, Ticket
from superscalar.testing import VirtualLoop, run
from support.running import Gauge


def asking(gauge: Gauge, seconds: float = 1.0, limit: Any = "api") -> Any:
    @tool(effect="read", limit=limit)
    async def ask(number: int) -> int:
        with gauge:
            await asyncio.sleep(seconds)
        return number

    return ask


# --------------------------------------------------------------------------------------------------------- two agents


def agent_of(gauge: Gauge, limit: Limit, **options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[asking(gauge)], limits={"api": limit}, **options)


async def both(first: LLMCompiler, second: LLMCompiler, calls: int = 12) -> float:
    plan = f"xs = [ask(i) for i in range({calls})]"
    await asyncio.gather(first.execute(plan), second.execute(plan))
    return asyncio.get_running_loop().time()


def test_agents_that_declare_a_limit_alike_share_it() -> None:
    gauge = Gauge()

    async def main() -> float:
        return await both(agent_of(gauge, Limit(concurrency=4)), agent_of(gauge, Limit(concurrency=4)))

    assert run(main()) == 6.0
    assert gauge.most == 4


def test_a_rate_is_shared_too() -> None:
    gauge = Gauge()

    async def main() -> float:
        return await both(agent_of(gauge, Limit(rate=2)), agent_of(gauge, Limit(rate=2)))

    assert run(main()) == pytest.approx(13.65, abs=1e-3)  # 24 starts at 0.55 s, and the last one's second


def test_other_terms_are_another_limit() -> None:
    gauge = Gauge()

    async def main() -> float:
        return await both(agent_of(gauge, Limit(concurrency=4)), agent_of(gauge, Limit(concurrency=3)))

    assert run(main()) == 4.0
    assert gauge.most == 7


def test_the_global_cap_is_each_agents_own() -> None:
    gauge = Gauge()

    async def main() -> float:
        first, second = (LLMCompiler(tools=[asking(gauge, limit=())], max_concurrency=3) for _ in range(2))
        return await both(first, second)

    assert run(main()) == 4.0
    assert gauge.most == 6


def test_a_refusal_that_one_agent_met_pauses_the_other() -> None:
    times: list[float] = []

    @tool(effect="read", limit="api", retry=1)
    async def refused() -> None:
        raise RateLimited(retry_after=10)

    @tool(effect="read", limit="api")
    async def ask() -> None:
        times.append(asyncio.get_running_loop().time())

    async def main() -> None:
        first, second = (LLMCompiler(tools=[t], limits={"api": Limit(concurrency=9)}) for t in (refused, ask))
        await first.execute("refused()")
        await second.execute("ask()")

    run(main())
    assert 10.0 <= times[0] <= 11.0


def test_a_tool_without_a_limit_has_one_that_agents_share_by_its_function() -> None:
    async def ask(number: int) -> int:
        now = asyncio.get_running_loop().time()
        times.append(now)
        if now < 1:
            raise RateLimited(retry_after=5)
        return number

    times: list[float] = []

    def other() -> Callable[..., Any]:
        async def ask(number: int) -> int:
            others.append(asyncio.get_running_loop().time())
            return number

        return ask

    others: list[float] = []

    async def main() -> Any:
        first, second, third = (LLMCompiler(tools=[f]) for f in (ask, ask, other()))
        running = asyncio.create_task(first.execute("a = ask(1)"))
        await asyncio.sleep(1)
        await asyncio.gather(second.execute("a = ask(2)"), third.execute("a = ask(3)"))
        await running
        return second.limits.statistics()["ask()"]

    seen = run(main())
    assert (len(times), others) == (3, [1.0])  # of the same name, but another function
    assert min(times[1:]) >= 5.0
    assert (seen.granted, seen.refused) == (3, 1)


def test_a_limit_is_forgotten_with_the_last_agent_that_uses_it() -> None:
    async def main() -> None:
        first, second = agent_of(Gauge(), Limit(concurrency=4)), agent_of(Gauge(), Limit(concurrency=4))
        await both(first, second, 1)
        gate = weakref.ref(first.limits.on(asyncio.get_running_loop())._gates["api"])
        del first
        gc.collect()
        assert gate() is not None
        del second
        gc.collect()
        assert gate() is None

    run(main())


# ------------------------------------------------------------------------------------------------------------- clocks


def test_an_agent_on_two_virtual_clocks_never_sees_the_times_of_the_first() -> None:
    gauge = Gauge()
    agent = agent_of(gauge, Limit(rate=1, concurrency=2))

    async def main() -> float:
        await agent.execute("xs = [ask(i) for i in range(5)]")
        return asyncio.get_running_loop().time()

    async def late() -> float:
        await asyncio.sleep(1_000_000)
        return await main()

    assert run(late()) == pytest.approx(1_000_005.4, abs=1e-3)
    assert run(main()) == pytest.approx(5.4, abs=1e-3)


def test_a_clock_that_is_gone_is_forgotten() -> None:
    agent = agent_of(Gauge(), Limit(rate=1))
    loop = VirtualLoop()
    try:
        loop.run_until_complete(agent.execute("xs = [ask(i) for i in range(3)]"))
    finally:
        loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None


def test_a_closed_loop_leaves_nothing_that_keeps_others_waiting() -> None:
    agent = agent_of(Gauge(), Limit(concurrency=1))

    async def cut() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.execute("xs = [ask(i) for i in range(9)]"), 0.05)

    for _ in range(3):
        asyncio.run(cut())
    seen = agent.limits.statistics()["api"]
    assert (seen.running, seen.waiting) == (0, 0)


# ----------------------------------------------------------------------------------------------------------- fairness


def test_a_run_of_five_calls_is_not_held_up_by_one_of_a_thousand() -> None:
    """Whichever limits they share: its own, another tool's, or only the global one."""
    names: dict[str, tuple[str, ...]] = {"one": ("a",), "two": ("b",), "both": ("a", "b"), "free": ()}

    def make(name: str) -> Any:
        @tool(effect="read", name=name, limit=names[name])
        async def call(number: int) -> None:
            await asyncio.sleep(1)

        return call

    async def main(small: str) -> float:
        limits = {"a": Limit(concurrency=3), "b": Limit(concurrency=3)}
        agent = LLMCompiler(tools=map(make, names), limits=limits, max_concurrency=4, max_tasks=2_000)
        sizes = {"one": 400, "two": 300, "both": 100, "free": 200}
        plan = "\n".join(f"{name}s = [{name}(i) for i in range({size})]" for name, size in sizes.items())
        large = asyncio.create_task(agent.execute(plan))
        await asyncio.sleep(0.5)
        await agent.execute(f"xs = [{small}(i) for i in range(5)]")
        at = asyncio.get_running_loop().time()
        assert not large.done()
        large.cancel()
        with pytest.raises(asyncio.CancelledError):
            await large
        return at

    for small in names:
        assert run(main(small)) <= 20.0, small


class Call(Ticket):
    def __init__(self, run: str, names: tuple[str, ...], loop: asyncio.AbstractEventLoop, began: Any) -> None:
        super().__init__(run, names, loop)
        self._began = began

    def granted(self) -> None:
        self._began(self)


def test_a_call_that_needs_two_busy_limits_starts_though_they_are_never_free_together() -> None:
    """Each of them always has somebody who takes its slot at once; the two of them change hands at other times."""
    loop = VirtualLoop()
    begun: list[tuple[float, str]] = []

    async def main() -> None:
        grants = Limits({"a": Limit(concurrency=1), "b": Limit(concurrency=1)}).on(loop)

        def began(call: Call) -> None:
            begun.append((loop.time(), call.run))
            loop.call_later(1.0, ended, call)

        def ended(call: Call) -> None:
            grants.give_back(call)
            if call.run != "both":
                ask(call.run, call.names)  # another one follows at once
            grants.dispatch(loop)

        def ask(run: str, names: tuple[str, ...]) -> None:
            call = Call(run, names, loop, began)
            if grants.ask(call, (0,)):
                call.granted()

        for number in range(3):
            ask(f"a{number}", ("a",))
        await asyncio.sleep(0.5)
        for number in range(3):
            ask(f"b{number}", ("b",))
        await asyncio.sleep(0.1)
        ask("both", ("a", "b"))
        await asyncio.sleep(30)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    (at,) = [at for at, run in begun if run == "both"]
    assert at <= 10.0
    assert len(begun) >= 50  # the others went on


@pytest.mark.parametrize(("own", "others"), [(1.0, 0.7), (0.7, 1.0), (0.3, 1.0), (1.0, 0.3)])
def test_a_call_is_not_starved_between_its_agents_cap_and_another_agents_calls(own: float, others: float) -> None:
    """The cap is always taken again by its own agent, and the named limit by another one."""
    loop = VirtualLoop()
    begun: list[tuple[float, str]] = []

    async def main() -> None:
        terms = {"a": Limit(concurrency=1)}
        mine, theirs = Limits(terms, 1).on(loop), Limits(terms, 9).on(loop)

        def began(call: Call) -> None:
            begun.append((loop.time(), call.run))
            loop.call_later(others if call.run == "theirs" else own, ended, call)

        def ended(call: Call) -> None:
            grants = theirs if call.run == "theirs" else mine
            grants.give_back(call)
            if call.run != "both":
                ask(grants, call.run, call.names)
            grants.dispatch(loop)

        def ask(grants: Grants, run: str, names: tuple[str, ...]) -> None:
            call = Call(run, names, loop, began)
            if grants.ask(call, (0,)):
                call.granted()

        for _ in range(2):
            ask(mine, "mine", ())
            ask(theirs, "theirs", ("a",))
            await asyncio.sleep(0.05)
        ask(mine, "both", ("a",))
        await asyncio.sleep(30)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert next(at for at, run in begun if run == "both") <= 10.0
    assert len(begun) >= 50


def test_within_a_run_the_lowest_order_goes_first_whatever_its_tool() -> None:
    loop = VirtualLoop()
    try:
        begun: list[tuple[Any, ...]] = []
        grants = Limits({"a": Limit(concurrency=9)}, 1).on(loop)
        running: list[Call] = [Call("run", (), loop, None)]
        assert grants.ask(running[0], (-9.0, 0))
        orders = [(-0.0, 5), (-3.5, 1), (-3.5, 0), (0.0, 4), (-7.25, 2), (-7.25, 2, 1)]
        for number, order in enumerate(orders):
            names = ("a",) if number % 2 else ()

            def began(call: Call, order: Any = order) -> None:
                begun.append(order)
                running.append(call)

            call = Call("run", names, loop, began)
            assert not grants.ask(call, order)
        for _ in orders:
            grants.give_back(running[-1])
            grants.dispatch(loop)
        assert begun == [(-7.25, 2), (-7.25, 2, 1), (-3.5, 0), (-3.5, 1), (0.0, 4), (-0.0, 5)]
    finally:
        loop.close()


# ------------------------------------------------------------------------------------------------------------ threads


def test_threads_with_agents_of_their_own_share_a_limit_and_lose_nothing() -> None:
    lock = Lock()
    gauge = Gauge()

    def make() -> LLMCompiler:
        @tool(effect="read", limit="api")
        async def ask(number: int) -> int:
            with lock:
                gauge.__enter__()
                refused = gauge.entered in (100, 400, 700)
            await asyncio.sleep(0)
            with lock:
                gauge.__exit__()
            if refused:
                raise RateLimited(retry_after=0.001)
            return number

        return LLMCompiler(tools=[ask], limits={"api": Limit(concurrency=3)})

    done: dict[int, Any] = {}
    agents = [make() for _ in range(4)]

    def work(number: int) -> None:
        plan = "xs = [ask(i) for i in range(100)]\nys = [ask(x) for x in xs]\njoin(ys)"
        done[number] = asyncio.run(asyncio.wait_for(agents[number].execute(plan), 60))

    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert [done[number].joined for number in range(4)] == [list(range(100))] * 4
    assert gauge.most <= 3
    seen = agents[0].limits.statistics()["api"]
    assert (seen.running, seen.waiting) == (0, 0)
    assert seen.granted == gauge.entered == 800 + seen.refused


def test_grants_say_when_somebody_may_start() -> None:
    loop = VirtualLoop()
    try:
        grants: Grants = Limits({}, 1).on(loop)
        call = Call("run", (), loop, lambda _: None)
        assert grants.ask(call, (0,))
        assert not grants.changed
        waits = Call("run", (), loop, lambda _: None)
        assert not grants.ask(waits, (1,))
        assert waits.blocked_by == (EVERYTHING,)
        grants.dispatch(loop)
        assert not grants.changed
        grants.give_back(call)
        assert grants.changed
    finally:
        loop.close()
