"""How near to its bound a plan gets whose stages share scarce slots, in virtual time.

Where `max_concurrency` is what is scarce, somebody has to choose which of the calls that are ready takes a slot. Each
row is a plan of several stages under limits of their own, and its bound: the longest of what the slowest stage takes at
its own limit with one call of each other stage before and after it, and of all calls one after the other over the
slots. No order of calls is faster. The times of calls are those of a seed.

Goals: no row beyond its `most`; the first one, with no `max_concurrency` given, within 1.2 x its bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from superscalar import Limit, LLMCompiler, RateLimited, Tool, tool
from superscalar.testing import run

Seconds = Callable[[Random], float]


def about(seconds: float) -> Seconds:
    """Within a tenth of so many."""
    return lambda random: random.uniform(0.9 * seconds, 1.1 * seconds)


def exactly(seconds: float) -> Seconds:
    """So many each time: calls that begin together end together."""
    return lambda _: seconds


def with_tail(seconds: float) -> Seconds:
    """So many, and one call in twenty ten times as many."""
    return lambda random: seconds * (10 if random.random() < 0.05 else 1)


@dataclass(frozen=True)
class Stage:
    """One tool: how long its calls take, under which limit, and whether that is declared or found out by refusals."""

    seconds: Seconds
    limit: Limit = field(default_factory=Limit)
    declared: bool = True


@dataclass(frozen=True)
class Row:
    """A plan over tools `a`, `b`, `c`, which calls each of them `calls` times in each of `runs`.

    `cap`: the slots, None for the default. `most`: the goal, times the bound. `chain`: an item goes through all stages.
    """

    name: str
    plan: str
    stages: Sequence[Stage]
    calls: Sequence[int]
    cap: int | None
    runs: int = 1
    most: float = 1.2
    chain: bool = True


def chain(calls: int, stages: int) -> str:
    """Each stage a map over the one before it."""
    lines = [f"x0 = [a(i) for i in range({calls})]"]
    lines += [f"x{n} = [{'abcdef'[n]}(x) for x in x{n - 1}]" for n in range(1, stages)]
    return "\n".join([*lines, f"join(len(x{stages - 1}))\n"])


_FETCH, _DIGEST = Limit(concurrency=10), Limit(rate=45)
_TREE = """
groups = [a(i) for i in range(20)]
found = [[b(g * 10 + k) for k in range(10)] for g in groups]
last = [[c(x) for x in row] for row in found]
join(len(last))
"""
_BESIDE = """
wide = [a(i) for i in range(400)]
narrow = [b(i) for i in range(100)]
join(len(wide), len(narrow))
"""
_URGENT = """
first = a(0)
again = a(first)
x0 = [b(i) for i in range(200)]
x1 = [c(x) for x in x0]
second = a(again)
third = a(second)
join(third, len(x1))
"""

ROWS = (
    Row(
        "500 + 500, no cap given",
        chain(500, 2),
        [Stage(about(0.2), Limit(concurrency=50)), Stage(about(0.05), Limit(rate=80))],
        [500, 500],
        None,
    ),
    Row("ten slots", chain(200, 2), [Stage(about(0.2), _FETCH), Stage(about(0.05), _DIGEST)], [200, 200], 10),
    Row("in lockstep", chain(200, 2), [Stage(exactly(0.2), _FETCH), Stage(exactly(0.05), _DIGEST)], [200, 200], 10),
    Row("short second", chain(200, 2), [Stage(exactly(0.2), _FETCH), Stage(exactly(0.01), _DIGEST)], [200, 200], 10),
    Row(
        "long first",
        chain(500, 2),
        [Stage(exactly(2.0), Limit(concurrency=100)), Stage(about(0.01), _DIGEST)],
        [500, 500],
        100,
    ),
    Row(
        "three stages",
        chain(200, 3),
        [Stage(about(0.2), _FETCH), Stage(about(0.05), _DIGEST), Stage(about(0.08), Limit(concurrency=4))],
        [200, 200, 200],
        12,
    ),
    Row(
        "rate first",
        chain(200, 2),
        [Stage(about(0.2), Limit(rate=40)), Stage(about(0.15), Limit(concurrency=6))],
        [200, 200],
        10,
    ),
    Row(
        "rate between",
        chain(200, 3),
        [Stage(about(0.1), Limit(concurrency=6)), Stage(about(0.02), Limit(rate=30)), Stage(about(0.1))],
        [200, 200, 200],
        8,
    ),
    Row(
        "rate last, both narrow",
        chain(200, 2),
        [Stage(about(0.2), Limit(concurrency=8)), Stage(about(0.1), Limit(rate=30))],
        [200, 200],
        10,
    ),
    Row(
        "maps over maps",
        _TREE,
        [Stage(about(0.3)), Stage(about(0.1), Limit(concurrency=12)), Stage(about(0.05), Limit(rate=50))],
        [20, 200, 200],
        12,
    ),
    Row(
        "five runs",
        chain(50, 2),
        [Stage(about(0.2), _FETCH), Stage(about(0.05), _DIGEST)],
        [50, 50],
        10,
        runs=5,
    ),
    Row(
        "slow tail",
        chain(200, 2),
        [Stage(with_tail(0.1), _FETCH), Stage(about(0.05), _DIGEST)],
        [200, 200],
        10,
        most=1.3,
    ),
    Row(
        "learned",
        chain(300, 2),
        [Stage(about(0.2), _FETCH), Stage(about(0.05), _DIGEST, declared=False)],
        [300, 300],
        10,
        most=1.8,
    ),
    Row("no limits", chain(200, 2), [Stage(about(0.2)), Stage(about(0.05))], [200, 200], 10),
    Row("three slots", chain(100, 2), [Stage(about(0.2)), Stage(about(0.02), Limit(rate=12))], [100, 100], 3, most=1.3),
    Row("beside", _BESIDE, [Stage(about(0.2)), Stage(about(0.05), Limit(rate=10))], [400, 100], 10, chain=False),
    Row(
        "urgent path",
        _URGENT,
        [
            Stage(exactly(2.0)),
            Stage(about(0.2), Limit(concurrency=8)),
            Stage(about(0.2), Limit(concurrency=8)),
        ],
        [4, 200, 200],
        10,
        chain=False,
    ),
)


@dataclass(frozen=True)
class Measured:
    """One row: seconds, its bound, and what they are compared with."""

    name: str
    seconds: float
    bound: float
    most: float
    refused: int

    @property
    def ratio(self) -> float:
        """Times the bound."""
        return self.seconds / self.bound


class Work:
    """The tools of a row, and what their calls took."""

    def __init__(self, row: Row, seed: int) -> None:
        self.row = row
        self.random = Random(seed)
        self.took: list[list[float]] = [[] for _ in row.stages]
        self.refused = 0
        self._starts: list[list[float]] = [[] for _ in row.stages]

    def tool(self, at: int) -> Tool[..., Any]:
        """The tool of a stage."""
        stage, name = self.row.stages[at], "abcdef"[at]

        async def work(x: int) -> int:
            if not stage.declared:
                self._refuse(at)
            seconds = stage.seconds(self.random)
            self.took[at].append(seconds)
            await asyncio.sleep(seconds)
            return x

        return tool(name=name, effect="read", limit=name if stage.declared else ())(work)

    def _refuse(self, at: int) -> None:
        rate = self.row.stages[at].limit.rate
        assert rate is not None
        now = asyncio.get_running_loop().time()
        starts = self._starts[at] = [start for start in self._starts[at] if start > now - 1.0]
        if len(starts) >= rate:
            self.refused += 1
            raise RateLimited(retry_after=starts[0] + 1.0 - now)
        starts.append(now)

    def bound(self, slots: int) -> float:
        """Seconds that all calls take at least."""
        row = self.row
        fastest = [min(took) for took in self.took]
        beside = sum(fastest) if row.chain else 0.0
        bounds = [sum(map(sum, self.took)) / slots]
        for stage, took, least in zip(row.stages, self.took, fastest, strict=True):
            alone = max(took)
            if stage.limit.concurrency is not None:
                alone = max(alone, sum(took) / stage.limit.concurrency)
            if stage.limit.rate is not None:
                alone = max(alone, (len(took) - 1) / stage.limit.rate + least)
            bounds.append(alone + max(beside - least, 0.0))
        return max(bounds)


async def _measure(work: Work) -> Measured:
    row = work.row
    names = "abcdef"[: len(row.stages)]
    limits = {name: stage.limit for name, stage in zip(names, row.stages, strict=True) if stage.declared}
    tools = [work.tool(at) for at in range(len(names))]
    agent = LLMCompiler(tools=tools, limits=limits, random=Random(0), max_concurrency=row.cap)
    clock = asyncio.get_running_loop().time
    begin = clock()
    await asyncio.gather(*(agent.execute(row.plan) for _ in range(row.runs)))
    seconds = clock() - begin
    for took, calls in zip(work.took, row.calls, strict=True):
        if len(took) != calls * row.runs:
            raise AssertionError(f"{row.name}: {len(took)} calls were made instead of {calls * row.runs}")
    slots = agent.limits.statistics()["max_concurrency"].declared_concurrency
    assert slots is not None
    return Measured(row.name, seconds, work.bound(slots), row.most, work.refused)


def measure(rows: Sequence[Row], seed: int) -> list[Measured]:
    """Run every row."""
    return [run(_measure(Work(row, seed))) for row in rows]


def missed(found: Sequence[Measured]) -> list[str]:
    """The goals that were not reached."""
    return [f"{one.name}: {one.ratio:.2f} x its bound, at most {one.most:g}" for one in found if one.ratio > one.most]


def table(found: Sequence[Measured]) -> str:
    """What was measured, for people."""
    lines = [f"{'plan':26} {'seconds':>8} {'bound':>8} {'ratio':>6} {'most':>5}"]
    for one in found:
        figures = f"{one.seconds:8.2f} {one.bound:8.2f} {one.ratio:6.2f} {one.most:5.2f}"
        lines += [f"{one.name:26} {figures}"]
    return "\n".join(lines)


def main() -> int:
    """Print the table; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = measure(ROWS, options.seed)
    goals = missed(found)
    if options.json:
        rows = [
            {"plan": one.name, "seconds": one.seconds, "bound": one.bound, "ratio": one.ratio, "most": one.most}
            for one in found
        ]
        print(json.dumps({"seed": options.seed, "rows": rows, "missed": goals}, indent=2))
    else:
        print(table(found))
        print("\ngoals missed: " + ("; ".join(goals) or "none"))
    return 1 if goals and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
