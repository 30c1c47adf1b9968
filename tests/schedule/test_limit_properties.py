"""What must hold of limits, however calls come, end, are refused and are withdrawn."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import Limit
from superscalar.schedule.limits import EVERYTHING, Grants, Limits, Ticket
from superscalar.schedule.refusal import Refusal
from superscalar.testing import VirtualLoop
from support.depth import examples

NAMES = ("a", "b")


@dataclass(frozen=True)
class Circumstances:
    """What is declared, and how calls behave: drawn by `seed`."""

    seed: int
    calls: int
    cap: int
    terms: tuple[Limit, Limit]
    refusing: float
    withdrawing: float
    agents: int


_LIMITS = st.builds(
    Limit,
    concurrency=st.none() | st.integers(1, 4),
    rate=st.none() | st.sampled_from([2.0, 10.0, 33.0]),
    per=st.sampled_from([1.0, 3.0]),
    burst=st.integers(1, 4),
)
_WORLDS = st.builds(
    Circumstances,
    seed=st.integers(0, 10_000),
    calls=st.integers(1, 60),
    cap=st.integers(1, 5),
    terms=st.tuples(_LIMITS, _LIMITS),
    refusing=st.sampled_from([0.0, 0.1, 0.5]),
    withdrawing=st.sampled_from([0.0, 0.2]),
    agents=st.integers(1, 2),
)


class Call(Ticket):
    def __init__(self, ledger: Ledger, agent: int, run: str, names: tuple[str, ...]) -> None:
        super().__init__(run, names, ledger.loop)
        self.ledger = ledger
        self.agent = agent
        self.attempts = 0

    def granted(self) -> None:
        self.ledger.began(self)


class Ledger:
    """Calls of several runs and agents, and what became of each."""

    def __init__(self, world: Circumstances, loop: VirtualLoop) -> None:
        self.world = world
        self.loop = loop
        self.random = Random(world.seed)
        declared = dict(zip(NAMES, world.terms, strict=True))
        self.agents = [Limits(declared, world.cap) for _ in range(world.agents)]
        self.grants: list[Grants] = [limits.on(loop) for limits in self.agents]
        self.running: Counter[str] = Counter()
        self.starts: dict[str, list[float]] = {name: [] for name in (*NAMES, "own()")}
        self.refusals: Counter[str] = Counter()
        self.left: set[Call] = set()

    def ask(self, call: Call) -> None:
        order = (self.random.choice([-0.0, -1.5, 0.0, 2.0]), self.random.randrange(5))
        grants = self.grants[call.agent]
        if grants.ask(call, order):
            call.granted()
        elif self.random.random() < self.world.withdrawing:
            self.loop.call_later(self.random.choice([0.0, 0.4]), self.withdraw, call)
        grants.dispatch(self.loop)

    def withdraw(self, call: Call) -> None:
        if call.waiting:
            self.grants[call.agent].withdraw(call)
            self.left.discard(call)
            self.grants[call.agent].dispatch(self.loop)

    def began(self, call: Call) -> None:
        call.attempts += 1
        for name in (*call.names, f"cap {call.agent}"):
            self.running[name] += 1
        for name in call.names:
            self.starts[name].append(self.loop.time())
        self.check()
        self.loop.call_later(self.random.choice([0.0, 0.05, 0.2, 1.0]), self.ended, call)

    def check(self) -> None:
        """Never more at once than was declared."""
        for name, limit in zip(NAMES, self.world.terms, strict=True):
            assert limit.concurrency is None or self.running[name] <= limit.concurrency
        for agent in range(self.world.agents):
            assert self.running[f"cap {agent}"] <= self.world.cap

    def ended(self, call: Call) -> None:
        grants = self.grants[call.agent]
        for name in (*call.names, f"cap {call.agent}"):
            self.running[name] -= 1
        grants.give_back(call)
        if call.attempts < 5 and self.random.random() < self.world.refusing:
            after = self.random.choice([None, 0.1, 0.7, 2.0])
            verdict = grants.refused(call, Refusal(after, nothing_done=True), self.random, self.loop.time())
            self.refusals.update(call.names)
            assert after is None or verdict.delay >= after - 1e-6
            self.loop.call_later(verdict.delay, self.ask, call)
        else:
            self.left.discard(call)
        grants.dispatch(self.loop)

    async def main(self) -> None:
        for _ in range(self.world.calls):
            names = self.random.choice([("a",), ("b",), ("a", "b"), ("own()",)])
            call = Call(self, self.random.randrange(self.world.agents), self.random.choice("xyz"), names)
            self.left.add(call)
            self.ask(call)
            if self.random.random() < 0.3:
                await asyncio.sleep(self.random.choice([0.05, 0.5, 3.0]))
        for _ in range(400):
            if not self.left:
                return
            await asyncio.sleep(10)


def held(world: Circumstances) -> Ledger:
    loop = VirtualLoop()
    try:
        ledger = Ledger(world, loop)
        loop.run_until_complete(ledger.main())
        return ledger
    finally:
        loop.close()


@settings(max_examples=examples(60, 1_500), deadline=None)
@example(Circumstances(2441, 37, 1, (Limit(concurrency=1), Limit()), refusing=0.0, withdrawing=0.2, agents=2))
@given(_WORLDS)
def test_every_call_starts_in_the_end_and_the_numbers_add_up(world: Circumstances) -> None:
    """Under any mix of refusals and withdrawals; that no limit is ever exceeded is checked at every start."""
    ledger = held(world)
    assert not ledger.left, f"{len(ledger.left)} calls never ended"
    shared = [grants.statistics() for grants in ledger.grants]
    for name in NAMES:
        seen = shared[0][name]
        assert (seen.running, seen.waiting) == (0, 0)
        assert (seen.granted, seen.refused) == (len(ledger.starts[name]), ledger.refusals[name])
        assert all(statistics[name] == seen for statistics in shared)
        assert seen.concurrency is None or seen.concurrency >= 1
        assert seen.declared_concurrency is None or (seen.concurrency or 0) <= seen.declared_concurrency
        assert seen.declared_rate is None or 0 < (seen.rate or 0) <= seen.declared_rate + 1e-9
    assert all(statistics[EVERYTHING].running == 0 for statistics in shared)
    assert sum(statistics[EVERYTHING].granted for statistics in shared) >= len(ledger.starts["own()"])


@settings(max_examples=examples(50, 1_000), deadline=None)
@given(_WORLDS)
def test_no_window_sees_more_than_the_rate_and_the_burst(world: Circumstances) -> None:
    """Refused or not: what is narrowed is below it."""
    ledger = held(world)
    for name, limit in zip(NAMES, world.terms, strict=True):
        if limit.rate is None:
            continue
        times = ledger.starts[name]
        for number, at in enumerate(times):
            window = sum(1 for other in times[number:] if other < at + limit.per - 1e-6)
            assert window <= max(limit.rate, 1) + limit.burst - 1


@settings(max_examples=examples(25, 500), deadline=None)
@given(_WORLDS)
def test_the_same_calls_start_at_the_same_times(world: Circumstances) -> None:
    """Nothing depends on addresses, hashes or the time of day."""
    assert held(world).starts == held(world).starts
