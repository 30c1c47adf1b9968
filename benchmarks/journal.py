"""What a journal costs, beside the same runs without one.

1. Microseconds per task, wide and chain: free async tools through a whole run (an agent that executes a plan), with and
   without `journal=`; three events per task. Goal: at most 60 us more.
2. A write, whose start is on the disk before its tool is called: microseconds per write, beside one bare append to a
   file with fsync, in the same directory; one after the other, and sixteen side by side (their resources differ).
   Where there is `strace`: how often anything was synchronised with the disk, per write.

Medians over several repetitions, interleaved. The goal is looked at in processor time (of the program and of the
system in its name), which other programs on the machine do not change; the time that passed is printed beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.overhead import chain, free, wide
from superscalar import LLMCompiler, tool
from superscalar.plan.ir import Plan, Task
from superscalar.tools import Limit

GOAL = 60.0
_SHAPES = {"wide": wide, "chain": chain}


@tool(effect="write")
async def put(x: int) -> int:
    """Change nothing."""
    return x


@tool(effect="write", resource=lambda x: f"row:{x}")
async def put_row(x: int) -> int:
    """Change nothing, beside others that do."""
    return x


def new_agent(journal: Path | None) -> LLMCompiler:
    """An agent with everything on that a run has."""
    limits = {"provider": Limit(concurrency=16)}
    return LLMCompiler(
        tools=[free, put, put_row], limits=limits, max_concurrency=16, max_tasks=1_000_000, journal=journal
    )


async def seconds(agent: LLMCompiler, tasks: list[Task]) -> tuple[float, float]:
    """Seconds to execute tasks, from the call to the result: those that passed, and those of the processor."""
    gc.collect()
    begin, worked = perf_counter(), process_time()
    outcomes = await agent.execute(Plan(tuple(tasks)))
    taken = perf_counter() - begin, process_time() - worked
    if len(outcomes) != len(tasks) or outcomes.failures:
        raise AssertionError(f"{len(tasks)} tasks, {len(outcomes)} outcomes, {len(outcomes.failures)} failures")
    return taken


async def cost(shape: str, count: int, repetitions: int, folder: Path) -> dict[str, Any]:
    """Microseconds per task with a journal and without, what is between them, and the ratio."""
    bare, kept = new_agent(None), new_agent(folder / f"{shape}.db")
    without, with_journal = [], []
    for _ in range(repetitions):
        tasks = _SHAPES[shape](count)
        without.append(await seconds(bare, tasks))
        with_journal.append(await seconds(kept, tasks))
    made: dict[str, Any] = {"shape": shape, "tasks": count}
    for which, name in enumerate(("elapsed", "processor")):
        pairs = [(a[which], b[which]) for a, b in zip(without, with_journal, strict=True)]
        base, recorded, more = (
            statistics.median(times) / count * 1e6
            for times in ([a for a, _ in pairs], [b for _, b in pairs], [b - a for a, b in pairs])
        )
        made[name] = {"without_us": base, "with_us": recorded, "more_us": more, "ratio": recorded / base}
    return made


def _writes(name: str, count: int) -> list[Task]:
    return list(new_agent(None).compile("".join(f"t{i} = {name}({i})\n" for i in range(count))).tasks)


async def writes(name: str, count: int, repetitions: int, folder: Path) -> dict[str, float]:
    """Microseconds per write with a journal and without, and of one bare append with fsync."""
    bare, kept = new_agent(None), new_agent(folder / f"{name}.db")
    tasks = _writes(name, count)
    without, with_journal, synced = [], [], []
    for _ in range(repetitions):
        without.append((await seconds(bare, tasks))[0])
        with_journal.append((await seconds(kept, tasks))[0])
        synced.append(_synced(count, folder / "appended"))
    base, recorded, floor = (statistics.median(t) / count * 1e6 for t in (without, with_journal, synced))
    return {"without_us": base, "with_us": recorded, "fsync_us": floor, "ratio": (recorded - base) / floor}


def syncs(name: str, count: int) -> float | None:
    """How often anything was synchronised with the disk per write, in a process of its own; None without `strace`."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        counted = Path(folder) / "counted"
        traced = [strace, "-f", "-e", "trace=fsync,fdatasync", "-o", str(counted)]
        command = [sys.executable, "-m", "benchmarks.journal", "--only", name, "--writes", str(count)]
        subprocess.run([*traced, *command], check=True)
        return sum("sync(" in line for line in counted.read_text().splitlines()) / count


def _synced(count: int, path: Path) -> float:
    """Seconds for `count` appends of 4 KB, each followed by fsync."""
    block = b"x" * 4096
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    begin = perf_counter()
    for _ in range(count):
        os.write(descriptor, block)
        os.fsync(descriptor)
    taken = perf_counter() - begin
    os.close(descriptor)
    return taken


def main() -> int:
    """Print the table; with --check, fail if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--writes", type=int, default=500)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the journals are written (a temporary folder)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if the goal is missed")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        with tempfile.TemporaryDirectory() as name:
            asyncio.run(seconds(new_agent(Path(name) / "only.db"), _writes(options.only, options.writes)))
        return 0

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = [asyncio.run(cost(shape, options.tasks, options.repetitions, folder)) for shape in _SHAPES]
        write = {
            said: {
                **asyncio.run(writes(name, options.writes, options.repetitions, folder)),
                "syncs": syncs(name, options.writes),
            }
            for said, name in (("one after the other", "put"), ("side by side", "put_row"))
        }
    missed = [f"{r['shape']}: {r['processor']['more_us']:.1f} us" for r in rows if r["processor"]["more_us"] > GOAL]
    if options.json:
        print(json.dumps({"cost": rows, "write": write, "missed": missed}, indent=2))
    else:
        print(f"{'shape':6} {'tasks':>8} {'time':>10} {'more us':>8} {'ratio':>7} {'with us':>9} {'without us':>11}")
        for row in rows:
            for name in ("processor", "elapsed"):
                r = row[name]
                print(
                    f"{row['shape']:6} {row['tasks']:>8,} {name:>10} {r['more_us']:>8.1f} {r['ratio']:>6.2f}x "
                    f"{r['with_us']:>9.1f} {r['without_us']:>11.1f}"
                )
        for said, w in write.items():
            synced = "" if w["syncs"] is None else f", {w['syncs']:.2f} syncs"
            took = f"{w['with_us']:.0f} us with a journal{synced}, {w['without_us']:.0f} us without"
            floor = f"{w['ratio']:.2f} x an append with fsync ({w['fsync_us']:.0f} us)"
            print(f"a write, {said}: {took}; between them is {floor}")
        print("goals missed: " + ("; ".join(missed) or "none"))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
