"""What labels cost: tasks through the unit with labels off, and on, interleaved in one run.

off: the policy is off. idle: it is enforced, but nothing is declared that a rule could look at, so no label is ever
asked for. read: one tool of the set returns what is confidential, so the label of what every call is given is derived,
and must be known before it may start; nothing is trusted. sink: every call has a sink besides, so that there is a
decision on each, which is an event, as if every task were a write.

In microseconds of this process's CPU per task, medians of several repetitions. Goal: on costs at most 1.20 x off.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
from time import process_time
from typing import Any

from benchmarks.overhead import chain, layered, wide
from superscalar import tool
from superscalar.events import Decided, Event
from superscalar.executors.local import invoke
from superscalar.plan.ir import Task
from superscalar.policy import Policy
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.tools import Limit, Tool, Toolset

GOAL = 1.20
_SHAPES = {"wide": wide, "chain": chain, "layered": layered}


def _tools(*, confidential: bool, sinks: bool) -> Toolset:
    """The tools of the shapes, declared so that rules look at none of their calls, at each, or decide on each."""
    trust: dict[str, Any] = {"effect": "read", "limit": "provider", "trust": "trusted" if sinks else "untrusted"}

    @tool(**trust, sink="x" if sinks else ())
    async def free(x: int) -> int:
        """Return the argument."""
        return x

    @tool(**trust, sink="x" if sinks else ())
    async def either(x: int, y: int) -> int:
        """Return the smaller argument."""
        return min(x, y)

    @tool(effect="read", readers=("finance",))
    async def books() -> str:
        """What nobody asks for."""
        return ""

    tools: list[Tool[..., Any]] = [free, either, *([books] if confidential else [])]
    return Toolset(tools, limits={"provider": Limit(concurrency=16)})


_SETTINGS: dict[str, tuple[Policy, Toolset]] = {
    "off": (Policy("off"), _tools(confidential=True, sinks=True)),
    "idle": (Policy("enforce"), _tools(confidential=False, sinks=False)),
    "read": (Policy("enforce"), _tools(confidential=True, sinks=False)),
    "sink": (Policy("enforce"), _tools(confidential=True, sinks=True)),
}


async def _seconds(tasks: list[Task], setting: str) -> float:
    policy, tools = _SETTINGS[setting]
    events: list[Event] = []
    limits = Limits(tools.limits, max_concurrency=32)
    bounds = Bounds(max_tasks=1_000_000)
    unit = TaskFetchingUnit(Surroundings("labels", tools, limits, invoke, events.append, bounds, policy=policy))
    begin = process_time()
    outcomes = await unit.run(tasks)
    seconds = process_time() - begin
    decided = sum(isinstance(event, Decided) for event in events)
    if len(outcomes) != len(tasks) or decided != (len(tasks) if setting == "sink" else 0):
        raise AssertionError(f"{setting}: {len(outcomes)} outcomes and {decided} decisions of {len(tasks)} tasks")
    return seconds


async def cost(shape: str, count: int, repetitions: int) -> dict[str, float | int | str]:
    """Microseconds per task with labels off, and what each setting takes beside that."""
    found: dict[str, list[float]] = {setting: [] for setting in _SETTINGS}
    for repetition in range(repetitions):
        order = list(_SETTINGS)[repetition % len(_SETTINGS) :] + list(_SETTINGS)[: repetition % len(_SETTINGS)]
        for setting in order:
            tasks = _SHAPES[shape](count)
            gc.collect()
            found[setting].append(await _seconds(tasks, setting) / count * 1e6)
    off = statistics.median(found["off"])
    ratios = {
        setting: statistics.median(one / base for one, base in zip(times, found["off"], strict=True))
        for setting, times in found.items()
        if setting != "off"
    }
    return {"shape": shape, "tasks": count, "off_us": off, **ratios}


def printed(rows: list[dict[str, float | int | str]]) -> list[str]:
    """The rows as a table, and the goals missed."""
    print(f"{'labels':7} {'tasks':>8} {'off us':>9} {'idle':>7} {'read':>7} {'sink':>7}")
    for row in rows:
        ratios = "".join(f" {row[setting]:>6.2f}x" for setting in ("idle", "read", "sink"))
        print(f"{row['shape']:7} {row['tasks']:>8,} {row['off_us']:>9.1f}{ratios}")
    return missed(rows)


def missed(rows: list[dict[str, float | int | str]]) -> list[str]:
    """What costs more than the goal."""
    return [
        f"labels, {row['shape']} {row['tasks']:,}, {setting}: {row[setting]:.2f} x"
        for row in rows
        for setting in ("idle", "read", "sink")
        if float(row[setting]) > GOAL
    ]


def main() -> int:
    """Print the table; with --check, fail if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the goal is missed")
    options = parser.parse_args()
    rows = [asyncio.run(cost(shape, count, options.repetitions)) for shape in _SHAPES for count in options.sizes]
    if options.json:
        print(json.dumps({"labels": rows, "missed": missed(rows)}, indent=2))
        found = missed(rows)
    else:
        found = printed(rows)
        print("goals missed: " + ("; ".join(found) or "none"))
    return 1 if found and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
