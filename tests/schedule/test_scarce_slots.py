"""Where slots are scarce, a limit that can use few of them loses nothing for want of one. In virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from superscalar import Limit, LLMCompiler, Tool, tool
from superscalar.events import Event, Started
from superscalar.schedule.gate import NANO
from superscalar.schedule.limits import EVERYTHING, Limits, Ticket
from superscalar.testing import VirtualLoop, run
from support.depth import campaign
from support.running import ends, executed


def lasting(name: str, seconds: float, **terms: Any) -> Tool[..., Any]:
    """A tool that takes so many seconds."""

    async def work(x: int) -> int:
        await asyncio.sleep(seconds)
        return x

    work.__name__ = name
    return tool(effect="read", timeout=None, **terms)(work)


def pipeline(lasts: float, then: float, calls: int, **limits: Limit) -> list[Event]:
    """The events of a plan of two stages, under limits called `first` and `second`, with ten slots."""
    tools = [lasting("fetch", lasts, limit="first"), lasting("digest", then, limit="second")]
    plan = f"a = [fetch(i) for i in range({calls})]\nd = [digest(x) for x in a]\njoin(len(d))\n"
    return list(executed(plan, tools, limits=limits, max_concurrency=10).events)


def seconds(events: Iterable[Event]) -> float:
    return max(ends(events).values())


def begins(events: Iterable[Event], name: str) -> float:
    return min(event.at for event in events if isinstance(event, Started) and event.tool == name)


TEN, FORTY_FIVE_A_SECOND = Limit(concurrency=10), Limit(rate=45)


def test_the_second_stage_does_not_wait_for_the_whole_first() -> None:
    """All the work over ten slots takes five seconds, and the pace of the second 4.9."""
    events = pipeline(0.2, 0.05, 200, first=TEN, second=FORTY_FIVE_A_SECOND)
    assert begins(events, "digest") == pytest.approx(0.2)
    assert seconds(events) <= 5.0 * 1.08


def test_a_slot_is_kept_for_a_call_that_its_pace_lets_start_in_a_moment() -> None:
    """Else each slot that it could have would go to a longer call: those of the first stage end all at once."""
    events = pipeline(0.2, 0.01, 200, first=TEN, second=FORTY_FIVE_A_SECOND)
    assert seconds(events) <= (0.2 + 199 / 45 * 1.1 + 0.01) * 1.05


def test_with_one_slot_the_second_stage_does_not_wait_for_the_whole_first_either() -> None:
    """The first takes the slot for five seconds, and its pace lets the second start ten times in 5.1."""
    tools = [lasting("fetch", 0.5), lasting("digest", 0.01, limit="slow")]
    plan = "d = [digest(fetch(i)) for i in range(10)]\njoin(len(d))\n"
    events = executed(plan, tools, limits={"slow": Limit(rate=2)}, max_concurrency=1).events
    assert begins(events, "digest") == pytest.approx(0.5)
    assert seconds(events) <= 8.0


def test_what_ends_in_time_goes_before_a_call_that_is_yet_to_come() -> None:
    """A call of the second may start each 1.1 s and takes one of two slots; the first has both meanwhile."""
    tools = [lasting("fetch", 0.1), lasting("digest", 0.1, limit="slow")]
    plan = "d = [digest(i) for i in range(5)]\na = [fetch(i) for i in range(60)]\njoin(len(a), len(d))\n"
    events = executed(plan, tools, limits={"slow": Limit(rate=1)}, max_concurrency=2).events
    at_once = Counter(round(event.at, 3) for event in events if isinstance(event, Started) and event.tool == "fetch")
    assert seconds(events) == pytest.approx(4.5)
    assert at_once[1.2] == 2


def test_what_would_have_the_slot_for_less_than_twice_as_long_is_not_held_up() -> None:
    """Half a second would be idle before each call of the slow provider, and the other calls take 0.9 s."""
    tools = [lasting("slow", 0.0, limit="slow"), lasting("work", 0.9)]
    plan = "s = [slow(i) for i in range(9)]\na = [work(i) for i in range(8)]\njoin(len(s), len(a))\n"
    events = executed(plan, tools, limits={"slow": Limit(rate=1.9)}, max_concurrency=2).events
    assert max(e.at for e in events if isinstance(e, Started) and e.tool == "work") == pytest.approx(2.7, abs=0.1)


def test_a_path_that_goes_on_for_long_goes_before_limits_that_have_time() -> None:
    """Two narrow tools could have all four slots for four seconds, and the path takes six."""
    tools = [
        lasting("step", 1.0),
        lasting("one", 0.1, limit="one"),
        lasting("other", 0.1, limit="other"),
    ]
    limits = {"one": Limit(concurrency=2), "other": Limit(concurrency=2)}
    work = ["x = [one(i) for i in range(80)]", "y = [other(i) for i in range(80)]"]
    path = ["s0 = one(0)", *(f"s{n} = step(s{n - 1})" for n in range(1, 7)), "join(s6, len(x), len(y))"]
    events = executed("\n".join([*work, *path]), tools, limits=limits, max_concurrency=4).events
    assert seconds(events) <= 6.5


# ----------------------------------------------------------------------------------------------------------- queues


class Call(Ticket):
    """Notes itself when it starts."""

    def __init__(self, bench: Bench, run: str, names: tuple[str, ...]) -> None:
        super().__init__(run, names, bench.loop)
        self.bench = bench

    def granted(self) -> None:
        self.bench.started.append(self)


class Bench:
    """An agent that may make so many calls at once, on a clock that stands still until it is moved on."""

    def __init__(self, most: int, **limits: Limit) -> None:
        self.loop = VirtualLoop()
        self.started: list[Call] = []
        self.grants = Limits(limits, most).on(self.loop)

    def ask(self, *names: str, run: str = "run", order: tuple[float, ...] = (0.0,)) -> Call:
        call = Call(self, run, names)
        if self.grants.ask(call, order):
            self.started.append(call)
        self.look()
        return call

    def end(self, call: Call) -> None:
        self.started.remove(call)
        self.grants.give_back(call)
        self.look()

    def look(self) -> None:
        self.grants.clock.changed = True
        self.grants.dispatch(self.loop)

    def names(self) -> list[str]:
        return ["+".join(call.names) for call in self.started]


@pytest.fixture
def bench() -> Iterable[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(most: int, **limits: Limit) -> Bench:
        made.append(Bench(most, **limits))
        return made[-1]

    yield make
    for one in made:
        one.loop.close()


def test_the_narrowest_of_a_run_goes_first_and_runs_have_their_turns(bench: Callable[..., Bench]) -> None:
    now = bench(4, narrow=Limit(concurrency=1), wide=Limit(concurrency=3))
    held = [now.ask("any", run="before") for _ in range(4)]
    for name in ("one", "two"):
        now.ask("any", run=name, order=(-3.0,))
        now.ask("wide", run=name, order=(-2.0,))
        now.ask("narrow", run=name, order=(-1.0,))
    for call in held:
        now.end(call)
    assert [(call.run, *call.names) for call in now.started] == [
        ("one", "narrow"),
        ("two", "wide"),
        ("one", "wide"),
        ("two", "any"),
    ]


def test_a_queue_that_turns_out_to_be_wider_moves_back_in_its_crowd(bench: Callable[..., Bench]) -> None:
    """What its calls take is known when they end: so long that at its rate it could use all of the slots."""
    now = bench(5, paced=Limit(rate=40, burst=5), three=Limit(concurrency=3))
    paced = [now.ask("paced") for _ in range(4)]
    now.ask("any")
    now.loop.advance(0.5)
    now.ask("three", order=(-1.0,))
    for _ in range(2):
        now.ask("paced", order=(-1.1,))
    now.end(paced[0])
    assert now.names() == ["paced", "paced", "paced", "any", "three"]


def test_a_queue_of_which_nothing_is_known_goes_first_and_so_it_is_found_out(bench: Callable[..., Bench]) -> None:
    now = bench(2, paced=Limit(rate=40, burst=5), one=Limit(concurrency=1))
    held = [now.ask("any"), now.ask("any")]
    now.ask("one", order=(-1.1,))
    now.ask("paced", order=(-1.0,))
    now.ask("any", order=(-1.2,))
    now.loop.advance(0.5)
    for call in held:
        now.end(call)
    assert sorted(now.names()) == ["one", "paced"]


def test_never_more_than_a_quarter_of_the_slots_is_kept_for_what_may_start_soon(bench: Callable[..., Bench]) -> None:
    """Six tools may start a call in 0.3 s each, and calls of another wait that take 0.8 s."""
    limits = {name: Limit(rate=1) for name in "abcdef"}
    now = bench(8, **limits)
    for name in limits:
        now.end(now.ask(name))
    held = [now.ask("any") for _ in range(8)]
    now.loop.advance(0.8)
    for name in limits:
        now.ask(name)
    for _ in range(8):
        now.ask("any", order=(-0.1,))
    for call in held[:5]:
        now.end(call)
    cap = now.grants.gate(EVERYTHING)
    assert (cap.kept, cap.running, cap.free) == (2, 6, 0)
    now.loop.advance(0.3)
    now.look()
    assert Counter(now.names()) == {"any": 6, "a": 1, "b": 1}


def test_nothing_is_kept_for_what_may_start_after_a_pause(bench: Callable[..., Bench]) -> None:
    """It is longer than the time between two calls, and a sixth of what the others take."""
    now = bench(4, paced=Limit(rate=10))
    now.end(now.ask("paced"))
    held = [now.ask("any") for _ in range(4)]
    now.loop.advance(60.0)
    now.grants.gate("paced").close(now.grants.clock.now() + 10 * NANO)
    now.ask("paced")
    for _ in range(4):
        now.ask("any", order=(-0.1,))
    for call in held:
        now.end(call)
    assert now.grants.gate(EVERYTHING).kept == 0
    assert now.names() == ["any"] * 4


@pytest.mark.parametrize("seed", campaign(15, 2_000))
def test_whatever_is_kept_comes_back_and_everybody_starts(seed: int, bench: Callable[..., Bench]) -> None:
    random = Random(seed)
    limits = {"a": Limit(concurrency=1), "b": Limit(concurrency=2, rate=5), "c": Limit(rate=20), "d": Limit(rate=3)}
    now = bench(random.choice([1, 2, 3, 5, 9]), **limits)
    sets = [("a",), ("b",), ("c",), ("d",), ("a", "c"), ("b", "d"), ("e",), ("f",)]
    waiting: list[Call] = []
    started = 0
    for _ in range(80):
        waiting.append(now.ask(*random.choice(sets), run=random.choice("xyz"), order=(random.uniform(-9, 0),)))
        if random.random() < 0.1:
            gone = random.choice(waiting)
            if gone.waiting:
                now.grants.withdraw(gone)
                started += 1
        while now.started and random.random() < 0.4:
            now.end(random.choice(now.started))
            started += 1
        now.loop.advance(random.expovariate(20))
        now.look()
    for _ in range(400):
        now.loop.advance(0.1)
        now.look()
        for call in list(now.started):
            now.end(call)
            started += 1
    assert started == len(waiting)
    assert [(g.running, g.kept, g.free - g.capacity) for g in map(now.grants.gate, [*limits, EVERYTHING])] == [
        (0, 0, 0)
    ] * 5


# --------------------------------------------------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 32),
        ({"limits": {}}, 32),
        ({"limits": {"api": Limit(rate=5)}}, 256),
        ({"limits": {"api": Limit(rate=5)}, "max_concurrency": 32}, 32),
        ({"max_concurrency": 500}, 500),
    ],
)
def test_without_a_cap_of_its_own_an_agent_that_declares_limits_is_bounded_by_those(
    options: dict[str, Any], most: int
) -> None:
    told = LLMCompiler(tools=[lasting("look", 1.0)], **options).limits.statistics()
    assert told["max_concurrency"].declared_concurrency == most


def test_a_run_inside_a_call_takes_part_without_anything_being_kept_for_it() -> None:
    """Its caller holds slots: it takes what is lent and what is free."""
    limits = {"first": Limit(concurrency=3), "second": Limit(rate=20)}
    stages = [lasting("fetch", 0.3, limit="first"), lasting("digest", 0.01, limit="second")]
    agents: list[LLMCompiler] = []

    @tool(effect="read", timeout=None)
    async def sub(x: int) -> Any:
        return (await agents[0].execute("d = [digest(x) for x in range(6)]\njoin(len(d))\n")).joined

    async def main() -> Any:
        agents.append(LLMCompiler(tools=[sub, lasting("other", 0.3), *stages], limits=limits, max_concurrency=4))
        plan = "a = [sub(i) for i in range(2)]\nb = [other(i) for i in range(30)]\nc = [fetch(i) for i in range(9)]\n"
        return (await agents[0].execute(f"{plan}d = [digest(x) for x in c]\njoin(a, len(b), len(d))")).joined

    assert run(main()) == [[6, 6], 30, 9]
