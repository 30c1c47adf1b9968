"""What it costs to refuse a hostile plan, in time and memory.

Every plan of `tests/corpus/hostile.py` is compiled, and run if it compiles. The goals: each is refused within 50 ms and
50 MB. The few that are long and differ from a right plan only in being wrong cannot be refused before they are read:
what they may take is what reading a right plan of their length takes, measured in the same run.

Measured is CPU time of this process, the median of several times, and the growth of the largest resident set of a
process that was forked for this plan alone (Linux; elsewhere what Python allocated). Printed is each as a share of its
bound.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from corpus.hostile import Hostile, hostile
from superscalar import Failure, LLMCompiler, PlanError, tool

MOST_SECONDS = 0.050
MOST_BYTES = 50_000_000
SHORT = 20_000
"""Characters. Of what is longer, reading it may be what takes the time."""


@tool(effect="pure")
async def echo(x: Any) -> Any:
    """What it was given."""
    return x


_AGENT = LLMCompiler(tools=[echo])


def refuse(plan: Hostile) -> None:
    """Compile a plan, and run it if that succeeds; it must fail at one of them."""
    try:
        compiled = _AGENT.compile(plan.plan)
    except PlanError:
        return
    outcome = asyncio.run(_AGENT.execute(compiled))["x"]
    if not isinstance(outcome, Failure):
        raise AssertionError(f"{plan.name} is not refused: {outcome!r}"[:1_000])


def seconds(action: Callable[[], object], times: int) -> float:
    """The median of what something takes."""
    spent = []
    for _ in range(times):
        gc.collect()
        begin = process_time()
        action()
        spent.append(process_time() - begin)
    return statistics.median(spent)


def memory(plan: Hostile) -> int:
    """Bytes by which a process grows that refuses a plan."""
    if not sys.platform.startswith("linux"):
        tracemalloc.start(1)
        refuse(plan)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        before = _resident()
        refuse(plan)
        os.write(writing, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        grown = pipe.read()
    os.waitpid(child, 0)
    if not grown:
        raise AssertionError(f"{plan.name}: the process died")
    return max(int(grown), 0)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def right_plan(length: int) -> str:
    """A plan of about so many characters with nothing wrong in it."""
    lines = [f"a{number} = echo({number})\n" for number in range(length // 16)]
    return "".join(lines)[:length].rpartition("\n")[0] + "\n"


def main() -> int:
    """Print what comes nearest to its bound; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--show", type=int, default=8, help="how many of the slowest and largest are listed")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()

    plans = list(hostile())
    for plan in plans[:5]:  # what is imported at first use is no cost of a plan
        refuse(plan)
    text = right_plan(250_000)
    per_character = seconds(lambda: _AGENT.compile(text), options.repetitions) / len(text)
    rows: list[dict[str, Any]] = []
    for plan in plans:
        long = len(plan.plan) > SHORT
        bound = max(MOST_SECONDS, per_character * min(len(plan.plan), 256 * 1024)) if long else MOST_SECONDS
        spent = seconds(partial(refuse, plan), options.repetitions)
        grown = memory(plan)
        rows.append(
            {
                "name": plan.name[:90],
                "long": long,
                "ms": spent * 1e3,
                "time": spent / bound,
                "within_50_ms": spent <= MOST_SECONDS,
                "mb": grown / 1e6,
                "memory": grown / MOST_BYTES,
            }
        )
    missed = [f"{r['name']}: {r['ms']:.0f} ms" for r in rows if r["time"] > 1]
    missed += [f"{r['name']}: {r['mb']:.0f} MB" for r in rows if r["memory"] > 1]
    if options.json:
        print(
            json.dumps({"right_plan_us_per_character": per_character * 1e6, "rows": rows, "missed": missed}, indent=2)
        )
    else:
        slow = sum(not r["within_50_ms"] for r in rows)
        print(
            f"{len(rows)} hostile plans, {len(rows) - slow} of them refused within 50 ms; {slow} long ones take longer"
        )
        print(f"a right plan takes {per_character * 2.5e8:.0f} ms for 250 KB of text, which is the bound for long ones")
        for measure, unit in (("time", "ms"), ("memory", "mb")):
            print(f"nearest to the bound of {measure}:")
            for r in sorted(rows, key=lambda r: r[measure], reverse=True)[: options.show]:
                print(f"  {r[measure]:6.1%} {r[unit]:8.1f} {unit.upper() if unit == 'mb' else unit}  {r['name']}")
        print("goals missed: " + ("; ".join(missed) or "none"))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
