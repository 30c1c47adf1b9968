"""How good the order is in which ready calls start where slots are scarce, on graphs that nobody here made.

AsyncHow (Lin et al., "Graph-enhanced Large Language Models in Asynchronous Plan Reasoning", ICML 2024): 799 everyday
tasks, each a graph of steps with durations, and the shortest time in which it can be done. Every step is a tool of its
own and every graph a plan, run through the Task Fetching Unit in virtual time.

1. With slots for all: the time must be the shortest there is, on every graph.
2. With two slots and with five: the time over its lower bound, the longer of the critical path and of all work spread
   evenly over the slots. The longest remaining path first, with durations that are known beforehand, measured by a run
   of the same graph before, or not known at all (that first run), beside two orders that look at no durations: who was
   ready first, and program order.

Goals: the shortest time on every graph; with known and with measured durations a lower mean than either other order.
The file is not in the repository: asynchow_dev.json in ../shared/data, or where SUPERSCALAR_SHARED_DATA says.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from superscalar import Observation, Tool, tool
from superscalar.events import Event
from superscalar.executors.runners import Runners
from superscalar.plan import Plan, compile_plan
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.cells import Cell
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations, LongestPath, Priority, PriorityKey
from superscalar.schedule.state import Schedule
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from support.shared_data import FOLDER, shared

FILE = "asynchow_dev.json"
CAPS = (2, 5)
SAME = 1e-9
"""Two times that differ by less, as a share, differ by the rounding of floats only."""

_SHORTEST = 1_000.0
_SLOTS_FOR_ALL = 1_000


class ProgramOrder:
    """Whoever stands first in the plan goes first."""

    def __init__(self, _durations: Durations, _tools: Toolset) -> None:
        pass

    def key(self, cell: Cell) -> PriorityKey:
        """Its place in the plan."""
        return cell.order

    def ended(self, tool: str, seconds: float) -> None:
        """What it took makes no difference."""

    def renewed(self, _schedule: Schedule) -> bool:
        """Places never change."""
        return False


class FirstCome:
    """Whoever was ready first goes first: what `LongestPath` is measured against."""

    def __init__(self, durations: Durations, _tools: Toolset) -> None:
        self._durations = durations
        self._places: dict[Cell, int] = {}

    def key(self, cell: Cell) -> PriorityKey:
        """The number of its arrival."""
        return (self._places.setdefault(cell, len(self._places)),)

    def ended(self, tool: str, seconds: float) -> None:
        """Learn from it, for others."""
        self._durations.note(tool, seconds)

    def renewed(self, _schedule: Schedule) -> bool:
        """Nothing that is planned later changes who came first."""
        return False


Order = Callable[[Durations, Toolset], Priority]

BASES = ("first come", "program order")
ORDERS = ("known", "measured", "unknown", *BASES)
"""By longest remaining path, with durations that are known, measured and unknown; and what they are compared with."""


# ------------------------------------------------------------------------------------------------------------ graphs


@dataclass(frozen=True)
class Graph:
    """One task of AsyncHow: steps with seconds, pairs of a step and one that comes after it, and the shortest time."""

    id: int
    title: str
    seconds: Mapping[str, float]
    edges: tuple[tuple[str, str], ...]
    shortest: float

    def bound(self, slots: int) -> float:
        """Seconds that it takes at least with so many slots."""
        return max(self.shortest, sum(self.seconds.values()) / slots)


def graphs() -> list[Graph] | None:
    """All graphs of the file; None where it is absent. Their seconds are scaled so that the shortest time is 1,000:
    some take years, and a virtual clock moves on a day at a time at the most. Ratios stay as they are."""
    found = shared(FILE)
    return None if found is None else [read_graph(one) for one in found]


def read_graph(one: Mapping[str, Any]) -> Graph:
    """A graph in the form of the file."""
    scale = _SHORTEST / one["optimal"]
    seconds = {step: taken * scale for step, taken in one["durations"].items()}
    edges = tuple((before, after) for before, after in one["edges"])
    return Graph(one["id"], one["title"], seconds, edges, _SHORTEST)


def plan_text(graph: Graph) -> str:
    """The graph as a plan: each step as soon as those before it stand there, the lower number first."""
    before: dict[str, list[str]] = {step: [] for step in graph.seconds}
    after: dict[str, list[str]] = {step: [] for step in graph.seconds}
    for earlier, later in graph.edges:
        before[later].append(earlier)
        after[earlier].append(later)
    missing = {step: len(earlier) for step, earlier in before.items()}
    ready = [int(step) for step, count in missing.items() if not count]
    heapq.heapify(ready)
    lines = []
    while ready:
        step = str(heapq.heappop(ready))
        lines.append(f"s{step} = step_{step}([{', '.join(f's{earlier}' for earlier in before[step])}])")
        for later in after[step]:
            missing[later] -= 1
            if not missing[later]:
                heapq.heappush(ready, int(later))
    if len(lines) != len(graph.seconds):
        raise ValueError(f"graph {graph.id} goes round in a circle")
    return "\n".join([*lines, ""])


# --------------------------------------------------------------------------------------------------------------- runs


class Steps:
    """The steps of one graph after the other, as tools: `step_1` and so on. `seconds` says what each takes."""

    def __init__(self, names: Sequence[str]) -> None:
        self.seconds: Mapping[str, float] = {}
        self._done: set[str] = set()
        self.tools = Toolset([self._tool(name) for name in names])

    def _tool(self, name: str) -> Tool[..., Any]:
        async def step(after: list[str]) -> str:
            if not self._done.issuperset(after):
                raise AssertionError(f"step {name} begins before {after} are all done")
            await asyncio.sleep(self.seconds[name])
            self._done.add(name)
            return name

        return tool(name=f"step_{name}", effect="read")(step)

    def known(self) -> Durations:
        """What each tool takes, without a call."""
        return Durations(known={f"step_{name}": seconds for name, seconds in self.seconds.items()})

    async def time(self, plan: Plan, slots: int, order: Order, durations: Durations) -> float:
        """Seconds of the loop's clock that a plan takes."""
        events: list[Event] = []
        unit = TaskFetchingUnit(
            Surroundings(
                run="benchmark",
                tools=self.tools,
                limits=Limits({}, max_concurrency=slots),
                runners=Runners(),
                record=events.append,
                bounds=Bounds(timeout=None),
                durations=durations,
                priority=order,
            )
        )
        self._done.clear()
        clock = asyncio.get_running_loop().time
        begin = clock()
        outcomes = await unit.run(plan.tasks)
        seconds = clock() - begin
        if failed := {id: outcome for id, outcome in outcomes.items() if not isinstance(outcome, Observation)}:
            raise AssertionError(f"not every step was done: {failed}")
        return seconds


@dataclass(frozen=True)
class Measured:
    """One graph: seconds with slots for all, and by slots and order."""

    graph: Graph
    free: float
    capped: Mapping[int, Mapping[str, float]]

    @property
    def is_shortest(self) -> bool:
        """Whether it took the shortest time there is, with slots for all."""
        return abs(self.free - self.graph.shortest) <= SAME * self.graph.shortest

    def ratio(self, slots: int, order: str) -> float:
        """The time over its lower bound."""
        return self.capped[slots][order] / self.graph.bound(slots)


def measure(given: Sequence[Graph]) -> list[Measured]:
    """Run every graph in every order."""
    steps = Steps(sorted({step for graph in given for step in graph.seconds}, key=int))
    return [run(_measure(steps, graph)) for graph in given]


async def _measure(steps: Steps, graph: Graph) -> Measured:
    steps.seconds = graph.seconds
    plan = compile_plan(plan_text(graph), steps.tools.signatures, "python")
    free = await steps.time(plan, _SLOTS_FOR_ALL, LongestPath, Durations())
    capped: dict[int, dict[str, float]] = {}
    for slots in CAPS:
        learning = Durations()
        capped[slots] = {
            "unknown": await steps.time(plan, slots, LongestPath, learning),
            "measured": await steps.time(plan, slots, LongestPath, learning),
            "known": await steps.time(plan, slots, LongestPath, steps.known()),
            "first come": await steps.time(plan, slots, FirstCome, Durations()),
            "program order": await steps.time(plan, slots, ProgramOrder, Durations()),
        }
    return Measured(graph, free, capped)


# ------------------------------------------------------------------------------------------------------------ summary


def summary(rows: Sequence[Measured]) -> dict[str, Any]:
    """What is printed: per cap and order the ratios to the bound, and each comparison with the other orders."""
    return {
        "graphs": len(rows),
        "shortest": sum(row.is_shortest for row in rows),
        "farthest_from_shortest": max(abs(row.free / row.graph.shortest - 1) for row in rows),
        "caps": {
            str(slots): {
                "scarce": sum(_differ([row.capped[slots][order] for order in ORDERS]) for row in rows),
                "orders": {order: _ratios([row.ratio(slots, order) for row in rows]) for order in ORDERS},
                "beside": {
                    base: {order: _beside(rows, slots, order, base) for order in ORDERS if order not in BASES}
                    for base in BASES
                },
            }
            for slots in CAPS
        },
    }


def _differ(times: Sequence[float]) -> bool:
    return max(times) > min(times) * (1 + SAME)


def _ratios(ratios: Sequence[float]) -> dict[str, float | int]:
    at_bound = sum(ratio <= 1 + SAME for ratio in ratios)
    return {"mean": statistics.fmean(ratios), "worst": max(ratios), "at_bound": at_bound}


def _beside(rows: Sequence[Measured], slots: int, order: str, base: str) -> dict[str, Any]:
    """How often and by how much an order is better than another; the shares are of the other's time."""
    gains = {row.graph.id: 1 - row.capped[slots][order] / row.capped[slots][base] for row in rows}
    worst = min(gains, key=gains.__getitem__)
    best = max(gains, key=gains.__getitem__)
    return {
        "better": sum(gain > SAME for gain in gains.values()),
        "equal": sum(abs(gain) <= SAME for gain in gains.values()),
        "worse": sum(gain < -SAME for gain in gains.values()),
        "mean_gain": statistics.fmean(gains.values()),
        "best_gain": gains[best],
        "best_graph": best,
        "worst_loss": max(-gains[worst], 0.0),
        "worst_graph": worst if gains[worst] < -SAME else None,
    }


def missed(found: Mapping[str, Any]) -> list[str]:
    """The goals that were not reached."""
    lines = []
    if found["shortest"] < found["graphs"]:
        lines.append(f"{found['graphs'] - found['shortest']} graphs take longer than need be with slots for all")
    for slots, cap in found["caps"].items():
        for base in BASES:
            for order in ("known", "measured"):
                ours, theirs = cap["orders"][order]["mean"], cap["orders"][base]["mean"]
                if ours >= theirs:
                    lines.append(f"{slots} slots: {order} durations {ours:.4f}, {base} {theirs:.4f} on the mean")
    return lines


def table(found: Mapping[str, Any]) -> str:
    """The summary for people."""
    off = f"farthest off: {found['farthest_from_shortest']:.1e}"
    lines = [f"{found['graphs']} graphs; with slots for all, {found['shortest']} take the shortest time ({off})"]
    for slots, cap in found["caps"].items():
        lines += ["", f"{slots} slots, time over lower bound; the order matters on {cap['scarce']} graphs"]
        lines.append(f"  {'order':34} {'mean':>7} {'worst':>7} {'at bound':>9}")
        for order, row in cap["orders"].items():
            name = order if order in BASES else f"longest path, durations {order}"
            lines.append(f"  {name:34} {row['mean']:>7.4f} {row['worst']:>7.4f} {row['at_bound']:>9}")
        for base, orders in cap["beside"].items():
            lines.append(f"  beside {base}: better, equal, worse; mean gain; best; worst loss (graph)")
            for order, row in orders.items():
                loss = "none" if row["worst_graph"] is None else f"{row['worst_loss']:.1%} ({row['worst_graph']})"
                lines.append(
                    f"    {order:10} {row['better']:>4} {row['equal']:>4} {row['worse']:>4}; {row['mean_gain']:>7.2%}; "
                    f"{row['best_gain']:.1%} ({row['best_graph']}); {loss}"
                )
    return "\n".join(lines)


def main() -> int:
    """Print the table; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()

    given = graphs()
    if given is None:
        raise SystemExit(
            f"There is no {FILE} in {FOLDER}. It is not part of the repository: put it there, or set "
            "SUPERSCALAR_SHARED_DATA to the folder that has it."
        )
    found = summary(measure(given))
    goals = missed(found)
    if options.json:
        print(json.dumps({**found, "missed": goals}, indent=2))
    else:
        print(table(found))
        print("\ngoals missed: " + ("; ".join(goals) or "none"))
    return 1 if goals and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
