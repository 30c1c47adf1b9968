"""One simulation per seed: a random plan in a random world, stopped or not. As a program, as many as one likes.

python -m simulation.campaign --count 100000 --jobs 2      # PYTHONPATH=src:tests:.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from zlib import crc32

import pytest

from simulation import checks
from simulation.programs import Writer
from simulation.world import GRACE, Person, Services, Settings
from superscalar import LLMCompiler, RunResult
from superscalar.compiler import RunStream, wiring
from superscalar.errors import ModelError
from superscalar.events import Event
from superscalar.models.base import Chunk, Request
from superscalar.plan import Plan
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import ScriptedModel, VirtualLoop, simulate

SEEDS_PER_PLAN = 24  # compiling takes as long as running it three times


class _Watched(TaskFetchingUnit):
    """A unit whose world remembers it, and what it recorded."""

    def __init__(self, surroundings: Surroundings) -> None:
        world, record, run = surroundings.context, surroundings.record, surroundings.run
        assert isinstance(world, Services)

        def noted(event: Event) -> None:
            if world.settings.thorough:
                self.schedule.check()
            world.history.append((run, event))
            record(event)

        super().__init__(replace(surroundings, record=noted))
        world.units.append(self)


@contextmanager
def watched() -> Iterator[None]:
    """Every run has a watched unit, whose tasks are there still when it is over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskFetchingUnit, "let_go", lambda _: None)
        patch.setattr(wiring, "TaskFetchingUnit", _Watched)
        yield


@lru_cache(maxsize=64)
def plan_of(number: int) -> tuple[str, Plan]:
    """The plan of that number, and what it compiles to."""
    world = Services(Random(0), Settings.drawn(Random(0)))
    text = Writer(Random(number)).plan()
    return text, LLMCompiler(tools=world.tools, limits=world.settings.limits).compile(text)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run is stopped: by its deadline, by being cancelled (once or again a while later), or not at all."""

    deadline: float | None = None
    cancel: float | None = None
    again: float | None = None

    @staticmethod
    def drawn(random: Random, *, coarse: bool) -> Ending:
        moment = random.choice([0.25, 0.5, 1.0, 3.0, 4.0, 5.0]) if coarse else random.uniform(0.001, 6.0)
        match random.choice(["", "", "", "deadline", "cancel", "cancel twice"]):
            case "deadline":
                return Ending(deadline=moment)
            case "cancel":
                return Ending(cancel=moment if random.random() < 0.9 else 0.0)
            case "cancel twice":
                return Ending(cancel=moment, again=random.choice([0.0, GRACE, random.uniform(0.0, 2.0 * GRACE)]))
        return Ending()


class _Planner:
    """Writes one reply after the other, with a pause before each line; the last may stall, die or stop half-way."""

    name = "planner"
    constrains = False

    def __init__(self, replies: list[str], pause: float, ends: str) -> None:
        self._replies = replies
        self._pause = pause
        self._ends = ends

    async def stream(self, _request: Request) -> AsyncIterator[Chunk]:
        reply = self._replies.pop(0) if self._replies else "join()\n"
        last = self._ends if not self._replies else ""
        lines = reply.splitlines(keepends=True)
        for line in lines[:-1] if last else lines:
            if self._pause:
                await asyncio.sleep(self._pause)
            yield Chunk(line)
        if last == "dies":
            raise ModelError("dead")
        if last == "stalls":
            await asyncio.sleep(1_000.0)
        yield Chunk(finish="stop")


def _in_rounds(text: str, random: Random) -> list[str]:
    """The plan as one reply, or as two rounds, of which the second refers to what the first may have dropped."""
    lines = text.splitlines(keepends=True)
    cuts = [n for n, line in enumerate(lines) if n and not line.startswith((" ", "else", "for"))]
    if not cuts or random.random() < 0.5:
        return [text]
    cut = random.choice(cuts)
    return ["".join([*lines[:cut], random.choice(["join()\n", "join(x0)\n"])]), "".join(lines[cut:])]


async def _run(stream: RunStream, ending: Ending) -> RunResult | BaseException:
    """A run to its end; what it raises is returned."""

    async def whole() -> RunResult:
        async with stream:
            return await stream.result()

    runner = asyncio.create_task(whole(), name="runner")
    if ending.cancel is not None:
        await asyncio.wait({runner}, timeout=ending.cancel)
        runner.cancel()
        if ending.again is not None:
            await asyncio.wait({runner}, timeout=ending.again)
            runner.cancel()
    await asyncio.wait({runner})
    if runner.cancelled():
        return asyncio.CancelledError()
    return runner.exception() or runner.result()


async def _simulation(random: Random, text: str, plan: Plan, *, thorough: bool) -> checks.Simulated:
    chosen = replace(Settings.drawn(random), thorough=thorough)
    world = Services(random, chosen)
    tools = world.tools
    streamed, runs = random.random() < 0.25, random.choice([1, 1, 1, 1, 2])

    replies = _in_rounds(text, random) if runs == 1 else [text] * runs
    ends = random.choice(["", "", "", "dies", "stalls", "stops"])
    small = random.random() < 0.1
    ours = LLMCompiler(
        _Planner(list(replies), random.choice([0.0, 0.1, 0.25, 2.0]), ends) if streamed else None,
        tools=tools,
        joiner=ScriptedModel(*["REPLAN: more"] * (len(replies) - 1), "Done.") if streamed and runs == 1 else None,
        limits=chosen.limits,
        max_concurrency=chosen.cap,
        grace=GRACE,
        max_repairs=1,
        replan="any",
        planner_timeout=30.0,
        max_cost=chosen.max_cost,
        max_tasks=12 if small else 10_000,
        max_fan_out=2 if small else 1_000,
        random=random,
        **Person(text, 0.3 if crc32(text.encode()) % 4 == 0 else 0.0).terms,
    )
    slots = checks.slots_of(ours)
    endings = [Ending.drawn(random, coarse=chosen.coarse) for _ in range(runs)]
    streams = [
        ours.stream("why?", context=world, deadline=ending.deadline, run_id=f"run {number}")
        if streamed
        else ours.stream_plan(plan, context=world, deadline=ending.deadline, run_id=f"run {number}")
        for number, ending in enumerate(endings)
    ]
    results = await asyncio.gather(*(_run(s, ending) for s, ending in zip(streams, endings, strict=True)))
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    return checks.Simulated(
        world,
        [
            checks.Ran(unit, list(stream.events), result, ending.deadline, ending.cancel, ending.again is not None)
            for unit, stream, result, ending in zip(world.units, streams, results, endings, strict=True)
        ],
        sorted(task.get_name() for task in left),
        checks.timers_of(loop),
        slots,
        checks.slots_of(ours),
    )


def simulated(seed: int) -> checks.Simulated:
    """The simulation of that seed, checked; what breaks a promise raises, with the plan and the seed."""
    text, plan = plan_of(seed // SEEDS_PER_PLAN)

    async def main(random: Random) -> checks.Simulated:
        return await _simulation(random, text, plan, thorough=seed % 8 == 0)

    try:
        found = simulate(main, seed=seed, most_turns=100_000)
        checks.check(found)
        if seed % 8 == 1:
            again = simulate(main, seed=seed, most_turns=100_000)
            assert [run.events for run in again.runs] == [run.events for run in found.runs], "it did not replay"
    except BaseException as error:
        error.add_note(f"The plan of seed {seed}:\n{text}\nTo replay it: simulated({seed})")
        raise
    return found


def simulate_many(first: int, count: int) -> tuple[int, list[tuple[int, str]]]:
    """Simulate these seeds; returns how many tasks ran in all, and what was found wrong."""
    wrong: list[tuple[int, str]] = []
    tasks = 0
    with watched():
        for seed in range(first, first + count):
            try:
                found = simulated(seed)
            except Exception as error:  # noqa: BLE001 -- it is collected
                notes = "\n".join(getattr(error, "__notes__", ()))
                wrong.append((seed, f"{type(error).__name__}: {error}\n{notes}"))
            else:
                tasks += sum(len(run.unit.schedule) for run in found.runs)
    return tasks, wrong


def main() -> int:
    """Simulate, print progress, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=20_000, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--most", type=int, default=20, help="stop after so many findings")
    asked = parser.parse_args()
    began, done, tasks = time.perf_counter(), 0, 0
    wrong: list[tuple[int, str]] = []
    step = SEEDS_PER_PLAN * 50
    with ProcessPoolExecutor(asked.jobs) as pool:
        starts = range(asked.first, asked.first + asked.count, step)
        counts = [min(step, asked.first + asked.count - start) for start in starts]
        for count, (more, found) in zip(counts, pool.map(simulate_many, starts, counts), strict=True):
            done, tasks = done + count, tasks + more
            wrong += found
            for seed, what in found[:3]:
                print(f"\nseed {seed}: {what}", flush=True)
            rate = done / (time.perf_counter() - began)
            print(f"{done:,} simulations, {tasks:,} tasks, {rate:,.0f}/s, {len(wrong)} wrong", flush=True)
            if len(wrong) >= asked.most:
                pool.shutdown(cancel_futures=True)
                break
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
