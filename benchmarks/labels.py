"""What labels cost: tasks through the unit with labels off, and on, interleaved in one run.

off: the policy is off. idle: it is enforced, but nothing is declared that a rule could look at, so no label is ever
asked for. read: one tool of the set returns what is confidential, so the label of what every call is given is derived,
and must be known before it may start; nothing is trusted. sink: every call has a sink besides, so that there is a
decision on each, which is an event, as if every task were a write.

In microseconds of this process's CPU per task: medians of several repetitions from the same point of the garbage
collector's cycle, and of those the mean over points of the whole cycle. From one point alone, whoever allocates a
little more may pay for a full collection that the others only just escape. Goal: on costs at most 1.20 x off.
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
from superscalar.executors.runners import Runners
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
    unit = TaskFetchingUnit(
        Surroundings(
            run="labels",
            tools=tools,
            limits=limits,
            runners=Runners(),
            record=events.append,
            bounds=bounds,
            policy=policy,
        )
    )
    begin = process_time()
    outcomes = await unit.run(tasks)
    seconds = process_time() - begin
    decided = sum(isinstance(event, Decided) for event in events)
    if len(outcomes) != len(tasks) or decided != (len(tasks) if setting == "sink" else 0):
        raise AssertionError(f"{setting}: {len(outcomes)} outcomes and {decided} decisions of {len(tasks)} tasks")
    return seconds


_POINTS = range(11)
"""How many collections of the middle generation are over at the start; behind the tenth a full one is due."""


def _begin_at(point: int) -> None:
    """Bring the collector to a point of its cycle, with nothing left to collect."""
    gc.collect()
    for _ in range(point):
        gc.collect(1)


async def cost(shape: str, count: int, repetitions: int) -> dict[str, float | int | str]:
    """Microseconds per task with labels off, and what each setting takes beside that."""
    found: dict[str, dict[int, list[float]]] = {setting: {point: [] for point in _POINTS} for setting in _SETTINGS}
    settings = list(_SETTINGS)
    for turn, (_, point) in enumerate((repetition, point) for repetition in range(repetitions) for point in _POINTS):
        first = turn % len(settings)
        for setting in settings[first:] + settings[:first]:
            tasks = _SHAPES[shape](count)
            _begin_at(point)
            found[setting][point].append(await _seconds(tasks, setting) / count * 1e6)
    micros = {
        setting: statistics.mean(statistics.median(times) for times in at_points.values())
        for setting, at_points in found.items()
    }
    off = micros.pop("off")
    return {"shape": shape, "tasks": count, "off_us": off, **{setting: time / off for setting, time in micros.items()}}


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
    parser.add_argument("--repetitions", type=int, default=2, help="at each point of the collector's cycle")
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
