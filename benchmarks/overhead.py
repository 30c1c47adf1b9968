"""What the Task Fetching Unit costs, beside a bare asyncio loop in the same run.

1. Cost per task, wide, chain and layered (layers of 100 calls, each of which takes two results of the layer before):
   free async tools through the whole unit (limits, validation, timeouts and events on), over the cost of awaiting the
   same coroutines as plain asyncio tasks. In seconds of this process's CPU: a busy machine changes both alike.
2. Latency while streaming: from the last character of a statement to the first instruction of its tool, over one bare
   turn of the event loop: from creating an asyncio task to its first instruction.
3. Memory per finished task besides its value: what the plan's own tasks take, what the unit and its schedule hold when
   all is done, and what the log of events holds beside them; and the most that there was at any time.
4. Observers that look at nothing: a wide plan through an agent, with none, with a plain function (in its thread), and
   with an async one. In seconds of CPU, of all threads.
5. What a user pays (`benchmarks/paid.py`): fresh processes that compile a plan from text and execute it five times,
   with the collector on and off. The parts before collect by hand before each repetition, which hides the collector.

`--paid` measures the fifth part alone, and `--against CHECKOUT` that beside another checkout, taking turns with it.

Ratios of medians over several repetitions, interleaved. Goals: 2.5 x at most at every size, the ratio at the largest
size at most 1.3 x that at the smallest; 5 x at most for the latency at the 99th percentile; 2,048 bytes for the plan,
the unit and the log together.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it may be run as a script, too

from benchmarks import paid
from superscalar import LLMCompiler, ObservedRun, tool
from superscalar.events import Event
from superscalar.executors.runners import Runners
from superscalar.observe.observed import Observer
from superscalar.plan.ir import Call, Literal, Plan, Ref, Task
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.tools import Limit, Toolset


@tool(effect="read", limit="provider")
async def free(x: int) -> int:
    """Return the argument."""
    return x


@tool(effect="read", limit="provider")
async def either(x: int, y: int) -> int:
    """Return the smaller argument."""
    return min(x, y)


_LAYER = 100
_COST = 2.5
_BYTES = 2_048
_SIZES = (1_000, 10_000, 100_000)
_PAID = (1_000, 10_000)
_TOOLS = Toolset([free, either], limits={"provider": Limit(concurrency=16)})


def wide(count: int) -> list[Task]:
    """`count` calls that do not depend on each other."""
    return [_task(f"t{i}", Call("free", (("x", Literal(i)),))) for i in range(count)]


def chain(count: int) -> list[Task]:
    """`count` calls, each of which takes the result of the one before."""
    first = _task("t0", Call("free", (("x", Literal(0)),)))
    return [first, *(_task(f"t{i}", Call("free", (("x", Ref(f"t{i - 1}")),))) for i in range(1, count))]


def layered(count: int) -> list[Task]:
    """`count` calls in layers of 100, each of which takes the results of two calls of the layer before."""
    tasks = []
    for i in range(count):
        above, place = divmod(i, _LAYER)
        inputs: list[Literal | Ref] = [Literal(i), Literal(i)]
        if above:
            inputs = [Ref(f"t{(above - 1) * _LAYER + (place + step) % _LAYER}") for step in (0, 1)]
        tasks.append(_task(f"t{i}", Call("either", (("x", inputs[0]), ("y", inputs[1])))))
    return tasks


def _task(id: str, work: Call) -> Task:
    return Task(id, work, needs_of(work))


def new_unit(events: list[Event]) -> TaskFetchingUnit:
    """A unit with everything on that a run has."""
    limits = Limits(_TOOLS.limits, max_concurrency=32)
    bounds = Bounds(max_tasks=1_000_000)
    return TaskFetchingUnit(
        Surroundings(
            run="benchmark", tools=_TOOLS, limits=limits, runners=Runners(), record=events.append, bounds=bounds
        )
    )


async def through_unit(tasks: list[Task]) -> float:
    """CPU seconds to run tasks through the unit."""
    events: list[Event] = []
    unit = new_unit(events)
    begin = process_time()
    outcomes = await unit.run(tasks)
    seconds = process_time() - begin
    if len(outcomes) != len(tasks):
        raise AssertionError(f"{len(tasks)} tasks, but {len(outcomes)} outcomes")
    return seconds


async def _coroutine(x: int) -> int:
    return x


async def bare_wide(count: int) -> float:
    """CPU seconds for the same coroutines as plain asyncio tasks, all at once."""
    begin = process_time()
    await asyncio.gather(*[asyncio.create_task(_coroutine(i)) for i in range(count)])
    return process_time() - begin


async def bare_chain(count: int) -> float:
    """CPU seconds for the same coroutines as plain asyncio tasks, one after the other."""
    begin = process_time()
    value = 0
    for _ in range(count):
        value = await asyncio.create_task(_coroutine(value))
    return process_time() - begin


async def _either(x: int, y: int) -> int:
    return min(x, y)


async def bare_layered(count: int) -> float:
    """CPU seconds for the same coroutines as plain asyncio tasks, a layer at a time."""
    begin = process_time()
    values = list(range(_LAYER))
    for start in range(0, count, _LAYER):
        size = min(_LAYER, count - start)
        values = await asyncio.gather(
            *[asyncio.create_task(_either(values[i], values[(i + 1) % _LAYER])) for i in range(size)]
        )
    return process_time() - begin


Shape = tuple[Callable[[int], list[Task]], Callable[[int], Awaitable[float]]]
_SHAPES: dict[str, Shape] = {
    "wide": (wide, bare_wide),
    "chain": (chain, bare_chain),
    "layered": (layered, bare_layered),
}


async def cost(shape: str, count: int, repetitions: int) -> dict[str, float | int | str]:
    """Microseconds per task, ours and bare, and their ratio."""
    make, bare = _SHAPES[shape]
    ours, theirs = [], []
    for _ in range(repetitions):
        tasks = make(count)
        gc.collect()
        theirs.append(await bare(count))
        gc.collect()
        ours.append(await through_unit(tasks))
    per_task = statistics.median(ours) / count * 1e6
    floor = statistics.median(theirs) / count * 1e6
    return {"shape": shape, "tasks": count, "ours_us": per_task, "bare_us": floor, "ratio": per_task / floor}


async def memory(shape: str, count: int, *, log: bool) -> dict[str, float | int | str]:
    """Bytes per finished task: of the plan, of the unit (with the log of its events, or without), and the peak."""
    make, _ = _SHAPES[shape]
    await through_unit(make(10))  # what is made once is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        empty, _ = tracemalloc.get_traced_memory()
        tasks = make(count)
        gc.collect()
        planned, _ = tracemalloc.get_traced_memory()
        events: list[Event] = []
        unit = new_unit(events if log else _Nowhere())
        await unit.run(tasks)
        gc.collect()
        finished, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return {
        "shape": shape,
        "tasks": count,
        "log": "kept" if log else "none",
        "plan": (planned - empty) / count,
        "unit": (finished - planned) / count,
        "sum": (finished - empty) / count,
        "peak": (peak - empty) / count,
    }


class _Nowhere(list[Event]):
    """Keeps nothing."""

    def append(self, event: Event) -> None:
        pass


async def latencies(count: int) -> dict[str, float]:
    """Microseconds from the end of a statement to its tool, and for one bare turn; percentiles and their ratios."""
    reached: list[float] = []

    @tool(effect="read")
    async def probe(ticker: str, limit: int = 5) -> str:
        """Note the time."""
        reached.append(perf_counter())
        return ticker * limit

    async def turn() -> None:
        reached.append(perf_counter())

    toolset = Toolset([probe])
    program = Program(toolset.signatures)
    reader = PythonReader(program)
    limits = Limits({}, max_concurrency=32)
    events: list[Event] = []
    bounds = Bounds(max_tasks=1_000_000)
    unit = TaskFetchingUnit(
        Surroundings(
            run="benchmark", tools=toolset, limits=limits, runners=Runners(), record=events.append, bounds=bounds
        )
    )
    ours, bare = [], []
    for number in range(count):
        statement = f'price_{number} = probe("IBM", limit={number})'
        for piece in (statement[:9], statement[9:20], statement[20:]):
            reader.feed(piece)
            await asyncio.sleep(0)
        await asyncio.sleep(0.0005)  # the pause of a model between two tokens
        begin = perf_counter()
        for step in reader.feed("\n"):
            if isinstance(step, Task):
                unit.add(step)
        await _until(reached)
        ours.append(reached.pop() - begin)
        await asyncio.sleep(0.0005)
        begin = perf_counter()
        task = asyncio.create_task(turn())
        await _until(reached)
        bare.append(reached.pop() - begin)
        await task
    unit.seal()
    await unit.settle()
    result: dict[str, float] = {}
    for name, percentile in (("p50", 50), ("p99", 99)):
        mine, floor = (statistics.quantiles(sample, n=100)[percentile - 1] * 1e6 for sample in (ours, bare))
        result |= {f"ours_{name}_us": mine, f"bare_{name}_us": floor, f"ratio_{name}": mine / floor}
    return result


async def _until(reached: list[float]) -> None:
    """Give up the loop until the time was noted; an event to wait for would be noted a turn later."""
    while not reached:  # noqa: ASYNC110
        await asyncio.sleep(0)


def look_away(event: Event, run: ObservedRun) -> None:
    """Observe nothing."""


async def look_away_async(event: Event, run: ObservedRun) -> None:
    """Observe nothing either."""


def observed(count: int, repetitions: int) -> dict[str, float]:
    """CPU microseconds per call of a wide plan, by who observes it."""
    plan = Plan(tuple(wide(count)))
    observers: dict[str, list[Observer]] = {"none": [], "plain": [look_away], "async": [look_away_async]}
    seconds: dict[str, list[float]] = {name: [] for name in observers}
    for _ in range(repetitions):
        for name, given in observers.items():
            agent = LLMCompiler(tools=_TOOLS, observers=given)
            begin = process_time()
            asyncio.run(agent.execute(plan))
            seconds[name].append(process_time() - begin)
    return {name: statistics.median(sample) / count * 1e6 for name, sample in seconds.items()}


def as_paid(sizes: Sequence[int], repetitions: int, against: Path | None, *, as_json: bool, check: bool) -> int:
    """Print what a user pays; with `check`, fail if it is more than the goals say of another checkout."""
    paid_for = list(paid.paid(sizes, repetitions, against))
    missed = paid.missed(paid_for)
    if as_json:
        print(json.dumps({"paid": paid.documents(paid_for), "missed": missed}, indent=2))
    else:
        print(paid.table(paid_for))
        print("goals missed: " + ("; ".join(missed) or "none" if against else "none to compare with"))
    return 1 if missed and check else 0


def main() -> int:
    """Print the table; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", help="of calls; 1,000, 10,000 and 100,000 if not said")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--statements", type=int, default=2_000)
    parser.add_argument("--memory", type=int, default=100_000, metavar="TASKS", help="0: do not measure memory")
    parser.add_argument("--paid", action="store_true", help="only what a user pays; 1,000 and 10,000 calls")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="the same, beside another checkout")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()
    if options.paid or options.against is not None:
        sizes = options.sizes or _PAID
        return as_paid(sizes, options.repetitions, options.against, as_json=options.json, check=options.check)
    options.sizes = options.sizes or _SIZES

    rows = [asyncio.run(cost(s, n, options.repetitions)) for s in _SHAPES for n in options.sizes]
    latency = asyncio.run(latencies(options.statements))
    shapes = _SHAPES if options.memory else ()
    bytes_held = [asyncio.run(memory(s, options.memory, log=log)) for s in shapes for log in (False, True)]
    observing = observed(min(2_000, *options.sizes), options.repetitions)
    paid_for = list(paid.paid(_PAID, options.repetitions, None))
    growth = {
        shape: max(float(r["ratio"]) for r in rows if r["shape"] == shape and r["tasks"] == max(options.sizes))
        / max(float(r["ratio"]) for r in rows if r["shape"] == shape and r["tasks"] == min(options.sizes))
        for shape in _SHAPES
    }
    missed = [f"{r['shape']} {r['tasks']:,}: {r['ratio']:.2f} x" for r in rows if float(r["ratio"]) > _COST]
    missed += [f"{shape} grows {g:.2f} x" for shape, g in growth.items() if g > 1.3]
    missed += [f"memory, {r['shape']}: {r['sum']:,.0f} bytes" for r in bytes_held if float(r["sum"]) > _BYTES]
    missed += [f"latency {latency['ratio_p99']:.2f} x"] if latency["ratio_p99"] > 5.0 else []
    if options.json:
        print(
            json.dumps(
                {
                    "cost": rows,
                    "growth": growth,
                    "latency": latency,
                    "memory": bytes_held,
                    "observers": observing,
                    "paid": paid.documents(paid_for),
                    "missed": missed,
                },
                indent=2,
            )
        )
    else:
        print(f"{'shape':7} {'tasks':>8} {'ratio':>7} {'ours us':>9} {'bare us':>9}")
        for r in rows:
            print(f"{r['shape']:7} {r['tasks']:>8,} {r['ratio']:>6.2f}x {r['ours_us']:>9.1f} {r['bare_us']:>9.1f}")
        for shape, g in growth.items():
            print(f"{shape}: the ratio at {max(options.sizes):,} is {g:.2f} x the ratio at {min(options.sizes):,}")
        for name in ("p50", "p99"):
            print(
                f"statement to tool, {name}: {latency[f'ratio_{name}']:.2f} x one bare turn "
                f"({latency[f'ours_{name}_us']:.0f} us over {latency[f'bare_{name}_us']:.0f} us)"
            )
        for r in bytes_held:
            print(
                f"{r['shape']:7} {r['tasks']:>8,} tasks, log {r['log']}: {r['sum']:,.0f} bytes per finished task "
                f"(plan {r['plan']:,.0f}, the rest {r['unit']:,.0f}; at most {r['peak']:,.0f} at any time)"
            )
        told = ", ".join(f"{name} {us:.1f} us" for name, us in observing.items())
        print(f"a call through an agent, by its observer: {told}")
        print(paid.table(paid_for))
        print("goals missed: " + ("; ".join(missed) or "none"))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
