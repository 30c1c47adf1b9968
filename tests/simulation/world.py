"""The world of a simulation: tools over three providers with faults, and what really happened there."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from superscalar import Limit, NotDone, RateLimited, Retry, Tool, ToolContext, tool
from superscalar.events import Event
from superscalar.policy import Ask, LabelledCall, Policy, Question
from superscalar.schedule.unit import TaskFetchingUnit
from superscalar.testing import Faults, Provider, Slowdown, constant, heavy_tail, lognormal, uniform

RATE = 4.0
COST = 0.5
PRICED = frozenset({"twin", "named", "asked", "both", "post", "put"})
GRACE = 0.5
NAMED, RATED, BOTH = ("named", "several", "asked"), ("rated",), ("both",)

_RETRY = Retry(attempts=3, initial=0.5)
_LONG = Retry(attempts=4, on=(ConnectionError, TimeoutError, RateLimited, NotDone), initial=2.0)


class Odd(BaseException):
    """What no tool should raise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of one simulation, drawn from its seed."""

    cap: int
    named: int
    faulty: float
    deaf: float
    coarse: bool
    bounded: bool
    max_cost: float | None = None
    thorough: bool = False

    @staticmethod
    def drawn(random: Random) -> Settings:
        """Half of the worlds are well-behaved in each way; many things happen at the same instant in half of them."""
        faulty = random.choice([0.0, 0.05, 0.2, 0.4])
        deaf = random.choice([0.0, 0.0, 0.8]) if faulty else 0.0
        return Settings(
            cap=random.choice([1, 2, 3, 5]),
            named=random.choice([1, 2]),
            faulty=faulty,
            deaf=deaf,
            coarse=random.random() < 0.5,
            bounded=random.random() < 0.3,
            max_cost=random.choice([1.0, 2.0, 4.0]) if random.random() < 0.15 else None,
        )

    @property
    def limits(self) -> dict[str, Limit]:
        """The agent's limits."""
        return {"named": Limit(concurrency=self.named), "rated": Limit(rate=RATE)}


@dataclass(slots=True)
class Services:
    """Three providers under one seed. `effects`: how often each attempt (by run, task and number) really happened.

    `history`: what the units recorded, with the runs, in one order.
    """

    random: Random
    settings: Settings
    effects: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    providers: dict[str, Provider] = field(default_factory=dict)
    units: list[TaskFetchingUnit] = field(default_factory=list)
    history: list[tuple[str, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        random, chosen = self.random, self.settings
        share = chosen.faulty / 4.0
        faults = Faults(
            share,
            share,
            share,
            share - chosen.deaf * share,
            chosen.deaf * share,
            random.random(),
            random.choice([1.0, 4.0, 6.0, 3_600.0]),
        )
        for name in ("named", "rated", "store"):
            slow = (Slowdown(1.0, 4.0, 0.5),) if random.random() < 0.2 else ()
            latency = (
                random.choice([constant(0.25), lambda r: r.choice([0.0, 0.25, 0.5, 1.0])])
                if chosen.coarse
                else random.choice([uniform(0.0, 1.0), lognormal(0.3, 1.0), heavy_tail(0.1, 1.1)])
            )
            self.providers[name] = Provider(
                name,
                random,
                latency,
                rate=6.0 if chosen.bounded else None,
                concurrency=3 if chosen.bounded else None,
                retry_after=random.random() < 0.5,
                faults=faults,
                slowdowns=slow,
            )

    @property
    def tools(self) -> list[Tool[..., Any]]:
        """Every tool, behind its provider."""
        return [self.providers[name].wrap(given) for name, tools in TOOLS.items() for given in tools]

    def happened(self, run: ToolContext[Services]) -> int:
        """Called by a tool as it takes effect; a few raise instead, and then it did not."""
        if self.settings.faulty and self.random.random() < 0.03:
            raise self.random.choice([ValueError, NotDone, asyncio.CancelledError, Odd])("made up")
        self.effects[run.run_id, run.task_id, run.attempt] += 1
        return self.random.randrange(4)


class Person:
    """Who is asked about some of the calls, thinks for a while, and does not always say yes; the same every time."""

    def __init__(self, seed: object, share: float) -> None:
        self._seed = seed
        self._share = share

    @property
    def terms(self) -> dict[str, Any]:
        """The options of an agent that asks."""
        return {"policy": Policy(rules=[self.asks]), "approve": self.answers} if self._share else {}

    def asks(self, call: LabelledCall) -> Ask | None:
        """Which calls those are depends on the seed and the task alone."""
        return Ask("sure?") if Random(f"asks {self._seed} {call.id}").random() < self._share else None

    async def answers(self, question: Question) -> bool:
        """So does the answer."""
        random = Random(f"answers {self._seed} {question.task_id}")
        await asyncio.sleep(random.choice([0.0, 0.25, 1.0, 4.0]))
        return random.random() < 0.8


@tool(effect="read", resource="other", retry=_RETRY, timeout=3)
def work(site: int, value: Any, run: ToolContext[Services]) -> int:
    """A read that meets nothing."""
    return run.context.happened(run)


@tool(effect="pure", timeout=3, retry=2, cost=COST)
def twin(value: Any, run: ToolContext[Services]) -> int:
    """Identical calls are one."""
    return run.context.happened(run)


@tool(effect="read", resource="other", retry=_RETRY, timeout=5, limit="named", cost=COST)
def named(site: int, value: Any, run: ToolContext[Services]) -> int:
    """Few at once."""
    return run.context.happened(run)


@tool(effect="read", resource="other", timeout=5, limit="named")
def several(site: int, value: Any, run: ToolContext[Services]) -> list[int]:
    """A list that is known only at run time."""
    return list(range(run.context.happened(run)))


@tool(effect="read", resource="other", retry=_RETRY, timeout=5, limit="named", cost=COST)
def asked(site: int, value: Any, run: ToolContext[Services]) -> int:
    """One of a batch, or alone."""
    return run.context.happened(run)


@asked.batch(over="value", max_batch=3)
def asked_many(site: int, values: list[Any], run: ToolContext[Services]) -> list[Any]:
    """Some items may fail alone."""
    return [ValueError("made up") if run.context.random.random() < 0.1 else run.context.happened(run) for _ in values]


@tool(effect="read", resource="other", retry=_RETRY, timeout=5, limit="rated")
def rated(site: int, value: Any, run: ToolContext[Services]) -> int:
    """Not too often."""
    return run.context.happened(run)


@tool(effect="read", resource="other", retry=_LONG, timeout=5, limit=["named", "rated"], cost=COST)
def both(site: int, value: Any, run: ToolContext[Services]) -> int:
    """Few at once and not too often."""
    return run.context.happened(run)


@tool(effect="read", resource=lambda key: f"store:{key}", retry=_RETRY, timeout=5)
def look(site: int, value: Any, run: ToolContext[Services], key: int = 0) -> int:
    """Reads what `post` and `put` write."""
    return run.context.happened(run)


@tool(effect="write", resource=lambda key: f"store:{key}", retry=_LONG, timeout=4, cost=COST)
def post(site: int, value: Any, run: ToolContext[Services], key: int = 0) -> int:
    """A write that must not be made twice."""
    return run.context.happened(run)


@tool(effect="write", resource="store:0", retry=_RETRY, timeout=4, idempotent=True, cost=COST)
def put(site: int, value: Any, run: ToolContext[Services]) -> int:
    """A write that may be made twice."""
    return run.context.happened(run)


@tool(effect="write", retry=_RETRY, timeout=20)
def audit(site: int, value: Any, run: ToolContext[Services]) -> int:
    """A write that may touch anything, and has much time."""
    return run.context.happened(run)


TOOLS: dict[str, list[Tool[..., Any]]] = {
    "named": [named, several, asked, both],
    "rated": [rated],
    "store": [work, twin, look, post, put, audit],
}
WRITES = frozenset({"post", "put", "audit"})
IDEMPOTENT = frozenset({"put"})
