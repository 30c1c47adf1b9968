"""What a call costs as a user pays it: in a fresh process that compiles a plan from text and executes it five times.

The garbage collector is on and nobody collects by hand, so that it walks what a run keeps; beside it the same with the
collector off. In seconds of that process's CPU per call, over all five executions, and over a bare asyncio loop that
did the same five times in the same process. With another checkout to measure against, processes of both take turns,
so that a busy machine changes both alike, and the ratio is that of the medians.

Run as a script, this file is one such process: it imports whichever `superscalar` comes first on its path.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

EXECUTIONS = 5
GOAL_ON, GOAL_OFF = 0.6, 0.85
"""Of the other checkout's cost per call, at the largest size: with the collector on, and off."""

_LAYER = 100
_ROOT = Path(__file__).resolve().parent.parent


# --------------------------------------------------------------------------------------------------- in the process


def program(shape: str, count: int) -> str:
    """The text of a plan of `count` calls; names are short, since a plan has at most 256 KB."""
    names = [f"t{i:x}" for i in range(count)]
    match shape:
        case "wide":
            works = [f"free({i})" for i in range(count)]
        case "chain":
            works = ["free(0)", *(f"free({name})" for name in names[:-1])]
        case _:
            works = [f"low({i}, {i})" for i in range(min(count, _LAYER))]
            for i in range(_LAYER, count):
                above, place = i // _LAYER - 1, i % _LAYER
                first, second = (names[above * _LAYER + (place + step) % _LAYER] for step in (0, 1))
                works.append(f"low({first}, {second})")
    return "\n".join(f"{name} = {work}" for name, work in zip(names, works, strict=True))


def _executed(shape: str, count: int) -> Iterator[float]:
    """CPU seconds of each execution; what the one before has left is held until the next is there.

    A text without one has a `join()` of everything at its end, which is no call.
    """
    from superscalar import Limit, LLMCompiler, tool

    @tool(effect="read", limit="provider")
    async def free(x: int) -> int:
        """Return the argument."""
        return x

    @tool(effect="read", limit="provider")
    async def low(x: int, y: int) -> int:
        """Return the smaller argument."""
        return min(x, y)

    agent = LLMCompiler(tools=[free, low], limits={"provider": Limit(concurrency=16)}, max_tasks=1_000_000)
    plan = agent.compile(program(shape, count))
    for _ in range(EXECUTIONS):
        begin = process_time()
        outcomes = asyncio.run(agent.execute(plan))
        yield process_time() - begin
        if len(outcomes) != count + 1 or outcomes.failures:
            raise AssertionError(f"{count} calls, but {outcomes!r}"[:500])


async def _bare_wide(count: int) -> None:
    async def free(x: int) -> int:
        return x

    await asyncio.gather(*[asyncio.create_task(free(i)) for i in range(count)])


async def _bare_chain(count: int) -> None:
    async def free(x: int) -> int:
        return x

    value = 0
    for _ in range(count):
        value = await asyncio.create_task(free(value))


async def _bare_layered(count: int) -> None:
    async def low(x: int, y: int) -> int:
        return min(x, y)

    values = list(range(_LAYER))
    for start in range(0, count, _LAYER):
        size = min(_LAYER, count - start)
        values = await asyncio.gather(
            *[asyncio.create_task(low(values[i], values[(i + 1) % _LAYER])) for i in range(size)]
        )


SHAPES: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {
    "wide": _bare_wide,
    "chain": _bare_chain,
    "layered": _bare_layered,
}


def _bare(shape: str, count: int) -> Iterator[float]:
    for _ in range(EXECUTIONS):
        begin = process_time()
        asyncio.run(SHAPES[shape](count))
        yield process_time() - begin


def work(shape: str, count: int, collector: str) -> dict[str, Any]:
    """What this process measured, in seconds of CPU; the bare loop goes first, when there is nothing else to walk."""
    if collector == "off":
        gc.disable()
    asyncio.run(SHAPES[shape](_LAYER))
    bare = list(_bare(shape, count))
    ours = list(_executed(shape, count))
    return {"bare": bare, "ours": ours, "of": str(Path(sys.modules["superscalar"].__file__ or "").parent)}


# ---------------------------------------------------------------------------------------------------- the comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Microseconds of CPU per call: ours, the bare loop's beside it, and the other checkout's in turn with ours."""

    shape: str
    calls: int
    collector: str
    ours_us: float
    bare_us: float
    other_us: float | None

    @property
    def over_bare(self) -> float:
        """How many bare loops a call costs."""
        return self.ours_us / self.bare_us

    @property
    def over_other(self) -> float | None:
        """What it costs of what it costs in the other checkout."""
        return None if self.other_us is None else self.ours_us / self.other_us


def paid(sizes: Sequence[int], rounds: int, against: Path | None) -> Iterator[Paid]:
    """Measure every shape and size, with the collector on and off."""
    sources = [_ROOT / "src", *([] if against is None else [_source_of(against)])]
    for count in sizes:
        for shape in SHAPES:
            for collector in ("on", "off"):
                taken: dict[Path, list[float]] = {source: [] for source in sources}
                bare: list[float] = []
                for turn in range(rounds):
                    for source in sources if turn % 2 == 0 else reversed(sources):
                        found = _measured(source, shape, count, collector)
                        taken[source].append(sum(found["ours"]))
                        bare.append(sum(found["bare"]))
                ours, *others = (median(sample) / (EXECUTIONS * count) * 1e6 for sample in taken.values())
                yield Paid(
                    shape=shape,
                    calls=count,
                    collector=collector,
                    ours_us=ours,
                    bare_us=median(bare) / (EXECUTIONS * count) * 1e6,
                    other_us=others[0] if others else None,
                )


def _source_of(checkout: Path) -> Path:
    source = checkout.resolve() / "src"
    if not (source / "superscalar").is_dir():
        raise SystemExit(f"{checkout} is no checkout: it has no src/superscalar")
    return source


def _measured(source: Path, shape: str, count: int, collector: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, shape, str(count), collector],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    if Path(found["of"]).parent != source:
        raise AssertionError(f"measured {found['of']} in the place of {source}")
    return found


def missed(rows: Sequence[Paid]) -> list[str]:
    """The goals, which are of the largest size and against another checkout, that were missed."""
    largest = max(row.calls for row in rows)
    goals = {"on": GOAL_ON, "off": GOAL_OFF}
    return [
        f"{row.shape} {row.calls:,}, collector {row.collector}: {row.over_other:.2f} of the other checkout's"
        for row in rows
        if row.calls == largest and row.over_other is not None and row.over_other > goals[row.collector]
    ]


def table(rows: Sequence[Paid]) -> str:
    """The rows in a few columns."""
    head = f"{'shape':8}{'calls':>7}{'collector':>11}{'x bare':>9}{'ours us':>9}{'bare us':>9}"
    other = any(row.other_us is not None for row in rows)
    lines = [head + (f"{'other us':>10}{'of other':>10}" if other else "")]
    for row in rows:
        line = f"{row.shape:8}{row.calls:>7,}{row.collector:>11}{row.over_bare:>8.2f}x{row.ours_us:>9.1f}"
        line += f"{row.bare_us:>9.1f}"
        if row.other_us is not None:
            line += f"{row.other_us:>10.1f}{row.over_other:>10.2f}"
        lines.append(line)
    return "\n".join(lines)


def documents(rows: Sequence[Paid]) -> list[dict[str, Any]]:
    """The rows as data."""
    return [asdict(row) | {"over_bare": row.over_bare, "over_other": row.over_other} for row in rows]


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
