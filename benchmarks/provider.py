"""How near to a provider's own limits 5,000 calls of 20 runs get, in virtual time.

The provider takes 50 calls in any second and 10 at once; a call takes 100 to 200 ms, with up to 30 ms on the way there
and up to 30 ms on the way back. What is too much gets status 429: with the end of the window in Retry-After, or without
any where it is too many at once. The bound is the time in which that provider can answer the calls at the very best.

  declared  the limits are declared as they are
  unknown   nothing is declared: they are learned from the refusals
  halved    declared, and after half of the bound the provider allows half of it; beside an oracle: a fixed pace
            that knows when and how much

Runs are of equal size and begin together, so the time of the last one over that of the first says how fair it was.
Goals: declared within 1.1 x the bound, below 1 % refused; halved within 1.4 x; no call lost.

`--real` asks servers on 127.0.0.1 instead, in real time (`benchmarks/real_provider.py` says what and how).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks import real_provider
from benchmarks.real_servers import SERVERS, HttpError
from superscalar import Limit, LLMCompiler, tool
from superscalar.events import Started
from superscalar.testing import run

RATE, AT_ONCE = 50, 10
FASTEST, SLOWEST, JITTER = 0.1, 0.2, 0.03
MEAN = (FASTEST + SLOWEST) / 2
DECLARED = Limit(concurrency=AT_ONCE, rate=RATE)


class Provider:
    """A server with a sliding window of a second. `halves`: when it begins to allow half."""

    def __init__(self, random: Random, halves: float = float("inf")) -> None:
        self._random = random
        self._halves = halves
        self._window: deque[float] = deque()
        self._busy = 0
        self.answered = 0
        self.refused = 0

    async def ask(self) -> None:
        """Answer a request in its time.

        Raises:
            HttpError: it is refused; nothing was done, and nothing counts.
        """
        loop = asyncio.get_running_loop()
        takes = self._random.uniform(FASTEST, SLOWEST)
        there, back = (self._random.uniform(0.0, JITTER) for _ in range(2))
        await asyncio.sleep(there)
        now = loop.time()
        share = 0.5 if now >= self._halves else 1.0
        while self._window and self._window[0] <= now - 1.0:
            self._window.popleft()
        if len(self._window) >= RATE * share:
            self.refused += 1
            opens = self._window[len(self._window) - int(RATE * share)] + 1.0
            await asyncio.sleep(back)
            raise HttpError(429, {"Retry-After": f"{opens - now:.3f}"})
        if self._busy >= AT_ONCE * share:
            self.refused += 1
            await asyncio.sleep(back)
            raise HttpError(429, {"Retry-After": "0"})
        self._window.append(now)
        self._busy += 1
        try:
            await asyncio.sleep(takes - there - back)
        finally:
            self._busy -= 1
        self.answered += 1
        await asyncio.sleep(back)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `ratio`: makespan over the bound; `refused`: share of requests; `spread`: slowest run over
    fastest; `most`: attempts of the call that needed most."""

    case: str
    seed: int
    seconds: float
    ratio: float
    refused: float
    lost: int
    spread: float
    most: int


def bound(calls: int, halves: float = float("inf")) -> float:
    """Seconds that the provider needs at the very best."""
    pace = min(RATE, AT_ONCE / MEAN)
    before = min(calls, pace * halves)
    return before / pace + (calls - before) / (pace / 2)


async def _measure(case: str, seed: int, sizes: list[int], limits: dict[str, Limit], halves: float) -> Row:
    random = Random(seed)
    provider = Provider(random, halves)
    loop = asyncio.get_running_loop()

    @tool(effect="read", limit=tuple(limits))
    async def ask(number: int) -> int:
        """Ask the provider."""
        await provider.ask()
        return number

    agent = LLMCompiler(tools=[ask], limits=limits, random=Random(seed))
    ended: list[float] = []
    lost = most = 0

    async def one(size: int) -> None:
        nonlocal lost, most
        plan = f"xs = [ask(i) for i in range({size})]\njoin(xs)"
        async with agent.stream_plan(plan) as running:
            result = await running.result()
        ended.append(loop.time())
        lost += size if result.answer is None else size - len(result.answer)
        most = max([most, *(call.attempt for call in result.events if isinstance(call, Started))])

    await asyncio.gather(*map(one, sizes))
    seconds = max(ended)
    asked = provider.answered + provider.refused
    ratio = seconds / bound(sum(sizes), halves)
    return Row(case, seed, seconds, ratio, provider.refused / asked, lost, max(ended) / min(ended), most)


async def _oracle(seed: int, calls: int, halves: float) -> Row:
    """Calls just below the provider's own pace, which changes when the provider does and learns nothing."""
    provider = Provider(Random(seed), halves)
    loop = asyncio.get_running_loop()
    most = 0

    async def one(number: int) -> None:
        nonlocal most
        for attempt in range(1, 1_000):
            most = max(most, attempt)
            try:
                await provider.ask()
            except HttpError:
                await asyncio.sleep(1.0)
            else:
                return
        raise AssertionError(f"call {number} was refused {attempt} times")

    drained = False
    tasks: list[asyncio.Task[None]] = []
    for number in range(calls):
        share = 0.5 if loop.time() >= halves else 1.0
        if share < 1.0 and not drained:  # the last second still holds what was allowed before
            await asyncio.sleep(0.5 + JITTER)
            drained = True
        tasks.append(asyncio.create_task(one(number)))
        await asyncio.sleep((1.0 + JITTER) / (RATE * share))
    await asyncio.gather(*tasks)
    seconds = loop.time()
    refused = provider.refused / (provider.answered + provider.refused)
    return Row("oracle", seed, seconds, seconds / bound(calls, halves), refused, 0, 1.0, most)


def measure(case: str, seed: int, calls: int = 5_000, runs: int = 20) -> Row:
    """One case with one seed."""
    sizes = [calls // runs] * runs
    api = {"api": DECLARED}
    match case:
        case "declared":
            return run(_measure(case, seed, sizes, api, float("inf")))
        case "unknown":
            return run(_measure(case, seed, sizes, {}, float("inf")))
        case "halved":
            return run(_measure(case, seed, sizes, api, bound(calls) / 2))
        case "oracle":
            return run(_oracle(seed, calls, bound(calls) / 2))
    raise ValueError(case)


CASES = ("declared", "unknown", "halved", "oracle")
_GOALS = {"declared": (1.1, 0.01), "halved": (1.4, 1.0)}


def missed(rows: Iterable[Row]) -> list[str]:
    """The goals that these rows miss."""
    found = []
    for row in rows:
        ratio, refused = _GOALS.get(row.case, (float("inf"), 1.0))
        name = f"{row.case}, seed {row.seed}:"
        if row.ratio > ratio:
            found.append(f"{name} {row.ratio:.2f} x the bound")
        if row.refused > refused:
            found.append(f"{name} {row.refused:.1%} refused")
        if row.lost:
            found.append(f"{name} {row.lost} lost")
    return found


def main() -> int:
    """Print the table; with --check, fail if a goal is missed."""
    options = _options()
    failed = _over_the_wire(options) if options.real else _in_virtual_time(options)
    if not options.json:
        print("goals missed: " + ("; ".join(failed) or "none"))
    return 1 if failed and options.check else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--real", action="store_true", help="over the wire, in real time: two minutes")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), help="with --real")
    return parser.parse_args()


def _over_the_wire(options: argparse.Namespace) -> list[str]:
    measured = real_provider.measure_all(options.servers, options.seed)
    failed = real_provider.missed(measured)
    if options.json:
        rows = [asdict(row) for group in measured for row in group]
        print(json.dumps({"rows": rows, "missed": failed}, indent=2))
    else:
        print(f"median (worst) of {len(options.seed)} seeds")
        print(real_provider.table(measured))
    return failed


def _in_virtual_time(options: argparse.Namespace) -> list[str]:
    rows = [measure(case, seed, options.calls, options.runs) for case in options.cases for seed in options.seed]
    failed = missed(rows)
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "missed": failed}, indent=2))
        return failed
    print(f"{options.calls:,} calls of {options.runs} runs; median (worst) of {len(options.seed)} seeds")
    print(f"{'':9} {'x the bound':>15} {'refused':>17} {'lost':>5} {'last run / first':>18} {'most attempts':>14}")
    for case in options.cases:
        mine = [row for row in rows if row.case == case]
        ratio, refused, spread = ([getattr(r, name) for r in mine] for name in ("ratio", "refused", "spread"))
        print(
            f"{case:9} {statistics.median(ratio):>7.3f} ({max(ratio):.3f}) "
            f"{statistics.median(refused):>8.2%} ({max(refused):.2%}) {max(r.lost for r in mine):>5} "
            f"{statistics.median(spread):>9.3f} ({max(spread):.3f}) {max(r.most for r in mine):>14}"
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
