"""How near to the limits of real servers runs get, over the wire: `python benchmarks/provider.py --real`.

The servers (`benchmarks/real_servers.py`) are processes of their own on 127.0.0.1, and every request is up to 40 ms on
its way there and its answer up to 40 ms on its way back.

  fixed     so many calls in each second of its clock        declared: rate
  sliding   so many in any second                            declared: rate
  bucket    a token bucket                                   declared: rate and burst
  at once   so many at the same time, else status 503        declared: concurrency
  random    one call in a hundred gets 429, whatever we do   declared: rate

30 calls at 10 a second, or 3 at once; 500 at 60 a second, or 12 at once; of one run, or shared by ten that begin
together. The bound is what the declared limit and the server's rule allow together, and the time of the last call.
Seeds are measured side by side, each with a server of its own, and begin a fifth of a second apart.
Goals, but for the last server: the median within 1.15 x the bound, and after the first ten calls below 1 % refused
(one of 30); no call lost. All of it takes two minutes, and it gives up after three.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from benchmarks.real_servers import FASTEST, JITTER, SLOWEST, HttpError, RunningServer, get
from superscalar import Limit, LLMCompiler, tool

CALLS = (30, 500)
RUNS = (1, 10)
LONGEST = 180.0
"""Seconds after which it gives up."""

_CALL = (FASTEST + SLOWEST) / 2 + JITTER  # what one takes, both ways included
_FIRST = 10
_APART = 0.2


@dataclass(frozen=True, slots=True)
class RealRow:
    """One measurement. `ratio`: seconds over the bound. `at_first`: refused of the first ten requests; `refused`: of
    the others."""

    server: str
    calls: int
    runs: int
    seed: int
    seconds: float
    ratio: float
    refused: int
    at_first: int
    lost: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a server allows and what is declared of it."""

    server: str
    calls: int

    @property
    def rate(self) -> float:
        """In a second."""
        return 10.0 if self.calls < 100 else 60.0

    @property
    def size(self) -> int:
        """Of the bucket, or how many at once."""
        return 3 if self.calls < 100 else 12

    @property
    def declared(self) -> Limit:
        """What the agent is told."""
        match self.server:
            case "at once":
                return Limit(concurrency=self.size)
            case "bucket":
                return Limit(rate=self.rate, burst=self.size)
        return Limit(rate=self.rate)

    @property
    def bound(self) -> float:
        """Seconds that it takes at the very best."""
        match self.server:
            case "at once":
                return self.calls / self.size * _CALL
            case "bucket":
                return (self.calls - self.size) / self.rate + _CALL
        return (self.calls - 1) / self.rate + _CALL


async def _measure(terms: Terms, runs: int, seed: int, port: int, late: float) -> RealRow:
    random = Random(seed)
    name = f"{terms.server} {seed}"  # agents with a limit of the same name share it
    asked = refused = at_first = lost = 0

    @tool(effect="read", limit=name)
    async def ask(number: int) -> int:
        """Ask the server."""
        nonlocal asked, refused, at_first
        asked += 1
        first = asked <= _FIRST
        try:
            await get(port, random)
        except HttpError:
            refused += not first
            at_first += first
            raise
        return number

    agent = LLMCompiler(tools=[ask], limits={name: terms.declared}, random=Random(seed))

    size = terms.calls // runs
    plan = agent.compile(f"xs = [ask(i) for i in range({size})]\njoin(xs)")

    async def one() -> None:
        nonlocal lost
        outcomes = await agent.execute(plan)
        lost += size - (len(outcomes.joined) if isinstance(outcomes.joined, list) else 0)

    await asyncio.sleep(late)
    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(runs)))
    seconds = time.perf_counter() - begun
    return RealRow(terms.server, terms.calls, runs, seed, seconds, seconds / terms.bound, refused, at_first, lost)


@tool(effect="read")
async def itself(number: int) -> int:
    """The number."""
    return number


async def _warm_up() -> None:
    """Load what is loaded once."""
    await LLMCompiler(tools=[itself]).execute("xs = [itself(i) for i in range(30)]\njoin(xs)")


async def _side_by_side(terms: Terms, runs: int, ports: dict[int, int], longest: float) -> list[RealRow]:
    await _warm_up()
    await asyncio.gather(*(get(port, Random(seed), "/ready") for seed, port in ports.items()))
    try:
        async with asyncio.timeout(longest):
            measuring = [
                _measure(terms, runs, seed, port, late=number * _APART)
                for number, (seed, port) in enumerate(ports.items())
            ]
            return list(await asyncio.gather(*measuring))
    except TimeoutError:
        return []


def measure(server: str, calls: int, runs: int, seeds: Sequence[int], longest: float = LONGEST) -> list[RealRow]:
    """Measure a server with all seeds side by side; no row if that takes longer."""
    terms = Terms(server, calls)
    with ExitStack() as stack:
        made = {seed: RunningServer(server, terms.rate, terms.size, seed) for seed in seeds}
        ports = {seed: stack.enter_context(one).port for seed, one in made.items()}
        return asyncio.run(_side_by_side(terms, runs, ports, longest))


def measure_all(servers: Sequence[str], seeds: Sequence[int]) -> list[list[RealRow]]:
    """Measure all; for each number of calls and of runs, and each server, one list of rows."""
    ends = time.monotonic() + LONGEST
    return [
        measure(server, calls, runs, seeds, max(ends - time.monotonic(), 0.1))
        for calls in CALLS
        for runs in RUNS
        for server in servers
    ]


def missed(measured: Sequence[Sequence[RealRow]]) -> list[str]:
    """The goals that these rows miss; a group of them is empty that was not over in time."""
    found = []
    for rows in filter(None, measured):
        server, calls, runs = rows[0].server, rows[0].calls, rows[0].runs
        name = f"{server}, {calls} calls of {runs}:"
        if (lost := sum(row.lost for row in rows)) > 0:
            found.append(f"{name} {lost} lost")
        if server == "random":
            continue
        if (ratio := statistics.median(row.ratio for row in rows)) > 1.15:
            found.append(f"{name} {ratio:.2f} x the bound")
        if (refused := statistics.median(row.refused for row in rows)) > max(1.0, calls / 100):
            found.append(f"{name} {refused} refused")
    if absent := sum(not rows for rows in measured):
        found.append(f"{absent} took too long")
    return found


def table(measured: Sequence[Sequence[RealRow]]) -> str:
    """The rows, as they are printed."""
    lines = [f"{'':9} {'calls':>5} {'runs':>5} {'x the bound':>15} {'refused':>9} {'of the first ten':>17} {'lost':>5}"]
    for rows in filter(None, measured):
        ratio = [row.ratio for row in rows]
        refused = statistics.mean(row.refused for row in rows)
        row = rows[0]
        lines.append(
            f"{row.server:9} {row.calls:>5} {row.runs:>5} {statistics.median(ratio):>7.3f} ({max(ratio):.3f}) "
            f"{refused / row.calls:>9.2%} {statistics.mean(row.at_first for row in rows):>17.1f} "
            f"{max(row.lost for row in rows):>5}"
        )
    return "\n".join(lines)
