"""Limits: who may start when, in virtual time, and over two event loops at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from itertools import pairwise
from threading import Lock, Thread
from time import monotonic
from typing import Any, TypeVar

import pytest

from superscalar import Limit, LLMCompiler, RateLimited, Retry, UsageError, tool
from superscalar.events import Started, Waiting
from superscalar.schedule.limits import EVERYTHING, Gate, Limits, Ticket
from superscalar.testing import VirtualLoop, run
from support.running import Gauge, calls, executed, starts

T = TypeVar("T")


class Bench:
    """Limits with a clock of their own, and who started when."""

    def __init__(self, max_concurrency: int = 32, **limits: Limit) -> None:
        self.loop = VirtualLoop()
        self.limits = Limits(limits, max_concurrency).on(self.loop)
        self.started: list[tuple[str, float]] = []
        self.running: list[Ticket] = []

    def close(self) -> None:
        self.loop.close()

    def ask(self, name: str, *limits: str, run: str = "run", order: int = 0) -> Ticket | None:
        """The ticket of a call that has to wait; None if it started."""
        ticket = Noted(self, name, run, limits)
        if not self.limits.ask(ticket, (order,)):
            return ticket
        ticket.granted()
        return None

    def end(self, *limits: str) -> None:
        ticket = next(ticket for ticket in self.running if ticket.names == limits)
        self.running.remove(ticket)
        self.limits.give_back(ticket)
        self.limits.dispatch(self.loop)

    def pause(self, limit: str, seconds: float) -> None:
        """Nothing starts under a limit for so long."""
        self.limits.gate(limit).close(int((self.loop.time() + seconds) * 1e9))

    def until(self, seconds: float) -> None:
        """Let the time go by until then."""
        self.limits.dispatch(self.loop)
        self.loop.run_until_complete(asyncio.sleep(seconds - self.loop.time()))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.started]

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.started]


class Noted(Ticket):
    """A call that notes when it started."""

    def __init__(self, bench: Bench, name: str, run: str, limits: tuple[str, ...]) -> None:
        super().__init__(run, limits, bench.loop)
        self.bench = bench
        self.name = name

    def granted(self) -> None:
        self.bench.running.append(self)
        self.bench.started.append((self.name, self.loop.time()))


@pytest.fixture
def benches() -> Iterator[type[Bench]]:
    """`Bench`, closed at the end."""
    made: list[Bench] = []

    class Closed(Bench):
        def __init__(self, max_concurrency: int = 32, **limits: Limit) -> None:
            super().__init__(max_concurrency, **limits)
            made.append(self)

    yield Closed
    for bench in made:
        bench.close()


def busiest(times: Iterable[float], window: float) -> int:
    """The most starts that any window of that length, closed at its begin and open at its end, sees."""
    times = sorted(times)
    return max(sum(1 for other in times if at <= other < at + window) for at in times)


# -------------------------------------------------------------------------------------------------------------- rates


@pytest.mark.parametrize(("rate", "per"), [(1, 1.0), (3, 1.0), (7, 60.0), (0.5, 1.0), (100, 1.0)])
def test_no_window_ever_sees_more_than_the_rate(benches: type[Bench], rate: float, per: float) -> None:
    bench = benches(1_000, api=Limit(rate=rate, per=per))
    for i in range(40):
        bench.ask(str(i), "api", order=i)
    bench.until(45 * per / rate)
    assert len(bench.started) == 40
    assert busiest(bench.times, per) <= max(rate, 1)


def test_calls_are_spaced_evenly_and_no_later_than_need_be(benches: type[Bench]) -> None:
    bench = benches(api=Limit(rate=4))
    for i in range(5):
        bench.ask(str(i), "api", order=i)
    bench.until(10)
    assert bench.times == pytest.approx([0.0, 0.275, 0.55, 0.825, 1.1], abs=1e-4)  # ways differ


def test_a_burst_may_come_at_once_and_the_rest_is_spaced(benches: type[Bench]) -> None:
    bench = benches(api=Limit(rate=2, burst=3))
    for i in range(6):
        bench.ask(str(i), "api", order=i)
    bench.until(10)
    assert bench.times == pytest.approx([0.0, 0.0, 0.0, 0.65, 1.2, 1.75], abs=1e-4)


def test_a_pause_earns_a_burst_back_and_no_more(benches: type[Bench]) -> None:
    bench = benches(api=Limit(rate=2, burst=2))
    bench.ask("a", "api")
    bench.ask("b", "api")
    bench.until(100)
    for i in range(4):
        bench.ask(str(i), "api", order=i)
    bench.until(110)
    assert bench.times == pytest.approx([0.0, 0.0, 100.0, 100.0, 100.65, 101.2], abs=1e-4)


def test_a_burst_of_one_earns_nothing_by_waiting(benches: type[Bench]) -> None:
    bench = benches(api=Limit(rate=1))
    bench.until(1_000)
    for i in range(3):
        bench.ask(str(i), "api", order=i)
    bench.until(1_010)
    assert bench.times == pytest.approx([1_000.0, 1_001.1, 1_002.2], abs=1e-4)


def test_rounding_never_drifts_over_many_calls(benches: type[Bench]) -> None:
    bench = benches(10_000, api=Limit(rate=3))
    for i in range(3_001):
        bench.ask(str(i), "api", order=i)
    bench.until(1_101)
    assert len(bench.started) == 3_001
    assert bench.times[-1] == pytest.approx(1_100.0, abs=0.01)
    assert busiest(bench.times[-20:], 1.0) <= 3


@pytest.mark.parametrize("rate", [3, 7, 11, 333, 0.7])
def test_the_time_between_two_calls_is_rounded_up(rate: float) -> None:
    gate = Gate("api", Limit(rate=rate, per=60.0))
    gate.take(0)
    assert gate.opens * rate >= 60 * 10**9


# ------------------------------------------------------------------------------------------------------- all or nothing


def test_nothing_is_taken_while_something_is_missing(benches: type[Bench]) -> None:
    bench = benches(3, one=Limit(concurrency=1), rated=Limit(rate=1))
    bench.ask("holder", "one")
    assert bench.ask("waits", "one", "rated") is not None
    assert bench.ask("rated", "rated") is None  # the token was not taken by the one that waits
    assert bench.ask("free") is None  # nor the global slot: this is the third
    assert bench.names == ["holder", "rated", "free"]


def test_everything_is_given_back_together(benches: type[Bench]) -> None:
    bench = benches(1, one=Limit(concurrency=1))
    bench.ask("a", "one")
    bench.ask("b", "one", order=1)
    bench.ask("c", order=2)
    bench.end("one")
    assert bench.names == ["a", "b"]
    bench.end("one")
    assert bench.names == ["a", "b", "c"]


def test_a_call_takes_part_in_all_limits_that_it_names(benches: type[Bench]) -> None:
    bench = benches(32, slow=Limit(rate=1), slower=Limit(rate=0.5))
    for i in range(3):
        bench.ask(str(i), "slow", "slower", order=i)
    bench.until(10)
    assert bench.times == pytest.approx([0.0, 2.2, 4.4], abs=1e-4)


def test_who_waits_for_its_own_limit_is_not_in_the_way_of_others(benches: type[Bench]) -> None:
    bench = benches(2, rated=Limit(rate=0.001))
    for i in range(10):
        bench.ask(f"rated {i}", "rated", order=i)
    for i in range(10):
        if bench.ask(f"free {i}", order=100 + i) is not None:
            break
    assert bench.names == ["rated 0", "free 0"]
    bench.end()
    assert bench.names == ["rated 0", "free 0", "free 1"]


def test_who_waits_for_a_named_slot_is_not_in_the_way_of_who_waits_for_a_global_one(benches: type[Bench]) -> None:
    bench = benches(2, one=Limit(concurrency=1))
    bench.ask("holder", "one")
    bench.ask("other")
    bench.ask("waits for one", "one", order=1)
    bench.ask("waits for any", order=2)
    bench.end()
    assert bench.names == ["holder", "other", "waits for any"]


def test_what_is_missing_is_named(benches: type[Bench]) -> None:
    bench = benches(2, rated=Limit(rate=1), one=Limit(concurrency=1))
    bench.ask("a", "rated", "one")
    assert waits_for(bench.ask("b", "one")) == ("one",)
    assert waits_for(bench.ask("c", "rated")) == ("rated",)
    bench.ask("d")
    assert waits_for(bench.ask("e")) == (EVERYTHING,)


def waits_for(ticket: Ticket | None) -> tuple[str, ...]:
    assert ticket is not None
    return ticket.blocked_by


# ------------------------------------------------------------------------------------------------------------ fairness


def test_within_a_run_the_program_decides_who_is_first(benches: type[Bench]) -> None:
    bench = benches(1)
    bench.ask("first")
    for order in (3, 1, 2):
        bench.ask(str(order), order=order)
    for _ in range(3):
        bench.end()
    assert bench.names == ["first", "1", "2", "3"]


def test_runs_take_turns_however_much_each_of_them_wants(benches: type[Bench]) -> None:
    bench = benches(1)
    bench.ask("first", run="greedy")
    for i in range(50):
        bench.ask(f"greedy {i}", run="greedy", order=i)
    bench.ask("modest 0", run="modest")
    bench.ask("modest 1", run="modest", order=1)
    for _ in range(4):
        bench.end()
    assert bench.names == ["first", "greedy 0", "modest 0", "greedy 1", "modest 1"]


def test_queues_take_turns_for_the_global_slot(benches: type[Bench]) -> None:
    bench = benches(1, a=Limit(concurrency=5), b=Limit(concurrency=5))
    bench.ask("first")
    for i in range(3):
        bench.ask(f"a{i}", "a", order=i)
        bench.ask(f"b{i}", "b", order=i)
    for limit in ("", "a", "b", "a"):
        bench.end(*filter(None, [limit]))
    assert bench.names == ["first", "a0", "b0", "a1", "b1"]


def test_who_comes_later_does_not_overtake_who_could_start_now(benches: type[Bench]) -> None:
    bench = benches(1, named=Limit(concurrency=5))
    bench.ask("first")
    bench.ask("waits", "named")
    bench.limits.give_back(bench.running[0])
    assert bench.ask("late", order=0) is not None  # before `dispatch` handed the slot on
    bench.limits.dispatch(bench.loop)
    assert bench.names == ["first", "waits"]


def test_a_chain_without_limits_does_not_starve_another_run() -> None:
    @tool(effect="pure")
    async def hop(value: int) -> int:
        await asyncio.sleep(1)
        return value

    @tool(effect="pure", limit="api")
    async def named() -> int:
        return 1

    async def main() -> float:
        agent = LLMCompiler(tools=[hop, named], limits={"api": Limit(concurrency=9)}, max_concurrency=1)
        chain = "x = hop(0)\n" + "x = hop(x)\n" * 99
        long = asyncio.create_task(agent.execute(chain))
        await asyncio.sleep(0.5)
        await agent.execute("a = named()\njoin(a)")
        at = asyncio.get_running_loop().time()
        await long
        return at

    assert run(main()) == pytest.approx(1.0)


def test_a_place_that_was_given_up_is_passed_over(benches: type[Bench]) -> None:
    bench = benches(1)
    bench.ask("first")
    ticket = bench.ask("gone", order=1)
    bench.ask("next", order=2)
    assert ticket is not None
    bench.limits.withdraw(ticket)
    bench.end()
    assert bench.names == ["first", "next"]
    bench.end()
    assert bench.ask("new") is None


# -------------------------------------------------------------------------------------------------------------- pauses


def test_a_pause_holds_starts_back_until_it_is_over(benches: type[Bench]) -> None:
    bench = benches(32, api=Limit(concurrency=5))
    bench.ask("a", "api")
    bench.pause("api", 7.5)
    bench.ask("b", "api")
    bench.ask("free")
    bench.until(20)
    assert bench.names == ["a", "free", "b"]
    assert bench.times == pytest.approx([0.0, 0.0, 7.5], abs=1e-4)


def test_a_shorter_pause_never_ends_a_longer_one(benches: type[Bench]) -> None:
    bench = benches(32, api=Limit(concurrency=5))
    bench.pause("api", 7.5)
    bench.pause("api", 1.0)
    bench.ask("a", "api")
    bench.until(20)
    assert bench.times == pytest.approx([7.5], abs=1e-4)


def test_after_a_pause_the_rate_holds(benches: type[Bench]) -> None:
    bench = benches(32, api=Limit(rate=1))
    bench.pause("api", 5)
    for i in range(3):
        bench.ask(str(i), "api", order=i)
    bench.until(20)
    assert bench.times == pytest.approx([5.0, 6.1, 7.2], abs=1e-4)


def test_a_refusal_pauses_the_limit_for_every_tool_that_takes_part_in_it_and_nobody_else() -> None:
    @tool(limit="api", retry=1)
    async def refused() -> None:
        await asyncio.sleep(1)
        raise RateLimited(retry_after=10)

    @tool(limit="api")
    async def sibling(after: Any) -> None:
        pass

    @tool
    async def free(after: Any) -> None:
        pass

    @tool
    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)

    plan = "a = refused()\nw = wait(2)\nb = sibling(w)\nc = free(w)\njoin(a, b, c)"
    result = executed(plan, [refused, sibling, free, wait], limits={"api": Limit(concurrency=9)})
    began = starts(result.events)
    assert 11.0 <= began["b"] <= 12.0  # a tenth later at the most, so that not all come back at once
    assert began["c"] == 2.0


# -------------------------------------------------------------------------------------------------------------- the cap


@pytest.mark.parametrize("cap", [1, 7, 100])
def test_the_cap_is_kept_and_used_under_many_tasks(cap: int) -> None:
    gauge = Gauge()

    async def busy(number: int) -> int:
        with gauge:
            await asyncio.sleep(1 + number % 3)
        return number

    executed("xs = [busy(i) for i in range(300)]\nys = [busy(x) for x in xs]", [busy], max_concurrency=cap)
    assert (gauge.most, gauge.entered) == (cap, 600)


def test_a_named_concurrency_is_kept_beside_the_cap() -> None:
    named, whole = Gauge(), Gauge()

    @tool(limit="db")
    async def query(number: int) -> None:
        with named, whole:
            await asyncio.sleep(1)

    async def other(number: int) -> None:
        with whole:
            await asyncio.sleep(1)

    plan = "xs = [query(i) for i in range(50)]\nys = [other(i) for i in range(50)]"
    executed(plan, [query, other], limits={"db": Limit(concurrency=3)}, max_concurrency=8)
    assert (named.most, whole.most) == (3, 8)


def test_no_slot_is_held_while_sleeping_before_a_retry() -> None:
    failed = False

    @tool(retry=Retry(initial=100.0, on=(ConnectionError,)))
    async def flaky() -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise ConnectionError

    async def other() -> float:
        return asyncio.get_running_loop().time()

    result = executed("a = flaky()\nb = other()\njoin(a, b)", [flaky, other], max_concurrency=1)
    assert result.answer == [None, 0.0]


def test_whoever_waits_is_an_event_that_names_the_limits() -> None:
    @tool(limit="api")
    async def call(number: int) -> None:
        await asyncio.sleep(1)

    result = executed(
        "a = call(1)\nb = call(2)", [call], limits={"api": Limit(concurrency=1, rate=100)}, max_concurrency=2
    )
    assert [e for e in result.events if isinstance(e, Waiting)] == [Waiting(0.0, "b", ("api",))]


def test_a_limit_that_nobody_defined_is_the_callers_mistake() -> None:
    @tool(limit="nowhere")
    async def call() -> None: ...

    with pytest.raises(UsageError, match=r'limits=\{"nowhere": Limit\(concurrency=5\)\}'):
        LLMCompiler(tools=[call], limits={"api": Limit(rate=1)})


@pytest.mark.parametrize(
    "terms",
    [{"concurrency": 0}, {"rate": 0}, {"rate": float("inf")}, {"rate": 1, "per": 0}, {"burst": 0}, {"rate": -1}],
)
def test_terms_that_make_no_sense_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Limit(**terms)


def test_there_is_always_a_cap() -> None:
    with pytest.raises(UsageError, match="concurrency is always bounded"):
        Limits({}, 0)


# ----------------------------------------------------------------------------------------------------- two event loops


class SharedGauge(Gauge):
    """A gauge for several threads."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()

    def __enter__(self) -> Gauge:
        with self._lock:
            return super().__enter__()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            super().__exit__()


def in_threads(*mains: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
    """Run each on a real event loop of its own in a thread of its own."""
    results: dict[int, T] = {}

    def work(number: int, main: Callable[[], Coroutine[Any, Any, T]]) -> None:
        results[number] = asyncio.run(asyncio.wait_for(main(), 20))

    threads = [Thread(target=work, args=pair, daemon=True) for pair in enumerate(mains)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return [results[number] for number in range(len(mains))]


def test_two_event_loops_in_two_threads_share_a_cap() -> None:
    gauge = SharedGauge()

    async def busy(number: int) -> int:
        with gauge:
            for _ in range(5):
                await asyncio.sleep(0)
        return number

    agent = LLMCompiler(tools=[busy], max_concurrency=3)
    plan = "xs = [busy(i) for i in range(200)]\nys = [busy(x) for x in xs]\njoin(ys)"
    first, second = in_threads(lambda: agent.execute(plan), lambda: agent.execute(plan))
    assert first.joined == second.joined == list(range(200))
    assert gauge.entered == 800
    assert gauge.most <= 3


def test_two_event_loops_in_two_threads_share_a_rate() -> None:
    times: list[float] = []

    @tool(limit="api")
    async def stamp(number: int) -> int:
        times.append(asyncio.get_running_loop().time())
        return number

    agent = LLMCompiler(tools=[stamp], limits={"api": Limit(rate=200)})
    plan = "xs = [stamp(i) for i in range(20)]\njoin(xs)"
    begin = monotonic()
    in_threads(lambda: agent.execute(plan), lambda: agent.execute(plan))
    assert len(times) == 40
    # Granted at 5 ms steps, the first one after the beginning: a thread may run late, but never early.
    assert all(at - begin >= i * 0.005 for i, at in enumerate(sorted(times)))


def test_an_event_loop_that_ends_takes_no_slot_with_it() -> None:
    async def forever() -> None:
        await asyncio.sleep(1_000)

    async def quick() -> int:
        return 1

    agent = LLMCompiler(tools=[forever, quick], max_concurrency=2)

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.execute("xs = [forever() for i in range(50)]"), 0.05)

    in_threads(cancelled, cancelled)
    (outcomes,) = in_threads(lambda: agent.execute("a = quick()\nb = quick()\njoin(a, b)"))
    assert outcomes.joined == [1, 1]


def test_runs_of_one_agent_on_one_event_loop_share_its_cap() -> None:
    gauge = Gauge()

    async def busy(number: int) -> int:
        with gauge:
            await asyncio.sleep(1)
        return number

    async def main() -> float:
        agent = LLMCompiler(tools=[busy], max_concurrency=4)
        plans = (agent.execute("xs = [busy(i) for i in range(8)]") for _ in range(5))
        await asyncio.gather(*plans)
        return asyncio.get_running_loop().time()

    assert run(main()) == 10.0
    assert gauge.most == 4


def test_a_run_of_many_calls_and_one_of_few_end_in_the_order_of_their_size() -> None:
    async def busy(number: int) -> int:
        await asyncio.sleep(1)
        return number

    async def main() -> tuple[float, float]:
        agent = LLMCompiler(tools=[busy], max_concurrency=2)
        ended: dict[str, float] = {}

        async def one(name: str, count: int) -> None:
            await agent.execute(f"xs = [busy(i) for i in range({count})]")
            ended[name] = asyncio.get_running_loop().time()

        await asyncio.gather(one("large", 100), one("small", 5))
        return ended["small"], ended["large"]

    small, large = run(main())
    assert small <= 7.0
    assert large == 53.0


def test_each_attempt_takes_a_token() -> None:
    @tool(limit="api", retry=Retry(attempts=3, initial=0.0, on=(ConnectionError,)))
    async def flaky() -> None:
        raise ConnectionError("no")

    result = executed("a = flaky()", [flaky], limits={"api": Limit(rate=1)})
    assert len(calls(result.events)) == 3
    times = [event.at for event in result.events if isinstance(event, Started)]
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([1.1, 1.1], abs=1e-3)
