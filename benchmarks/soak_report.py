"""What a soak is measured by: samples of what a process has and holds, how memory grew, and what came of it all.

On Linux: what a process has open is read from /proc.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import statistics
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MOST_GROWTH = {"rss_kb": 0.01, "blocks": 0.005, "objects": 0.005}
MEMORY = {"rss_kb": "resident set, KB", "blocks": "allocated blocks", "objects": "objects"}
COUNTS = ("tasks", "timers", "threads", "sockets", "files")

_LIBRARY = ctypes.CDLL(None)
_ENOUGH = 6
_LONG_ENOUGH = 110.0


@dataclass(frozen=True)
class Sample:
    """What there is at one moment: memory, and what could be left behind. `at`: seconds from the beginning.

    `blocks`, `objects`, `tasks` (of all event loops) and `timers` are counted only when no run goes on.
    """

    at: float
    runs: int
    rss_kb: int
    threads: int
    sockets: int
    files: int
    blocks: int = 0
    objects: int = 0
    tasks: int = 0
    timers: int = 0


def glance(at: float, runs: int) -> Sample:
    """What can be counted quickly."""
    rss = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024
    sockets = files = 0
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 -- plain names
        with suppress(FileNotFoundError):  # the one of the listing itself, or closed meanwhile
            is_socket = os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")  # noqa: PTH115
            sockets += is_socket
            files += not is_socket
    return Sample(at, runs, rss, threading.active_count(), sockets, files)


def inspection(at: float, runs: int) -> Sample:
    """All of it; what the C library keeps of freed memory is handed back first."""
    gc.collect()
    if hasattr(_LIBRARY, "malloc_trim"):
        _LIBRARY.malloc_trim(0)
    objects = gc.get_objects()
    tasks = sum(isinstance(one, asyncio.Task) and not one.done() for one in objects)
    timers = sum(isinstance(one, asyncio.TimerHandle) and not one.cancelled() for one in objects)
    count = len(objects)
    del objects
    seen = glance(at, runs)
    more = {"blocks": sys.getallocatedblocks(), "objects": count, "tasks": tasks, "timers": timers}
    return Sample(**(asdict(seen) | more))


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the least-squares line."""
    return statistics.linear_regression(xs, ys).slope


def growth(samples: Sequence[Sample]) -> dict[str, dict[str, float]] | None:
    """How memory grew over the second half: per minute, per 1,000 runs, and as a share; None from too few samples.

    In the first minutes it grows until everything has been used once, and the allocators have all they need.
    """
    if not samples:
        return None
    half = [sample for sample in samples if sample.at >= (samples[0].at + samples[-1].at) / 2]
    if len(half) < _ENOUGH or half[-1].at - half[0].at < _LONG_ENOUGH:
        return None
    minutes = [sample.at / 60 for sample in half]
    thousands = [sample.runs / 1_000 for sample in half]
    found = {}
    for name in MEMORY:
        values = [float(getattr(sample, name)) for sample in half]
        per_minute = slope(minutes, values)
        found[name] = {
            "mean": statistics.fmean(values),
            "per_minute": per_minute,
            "per_1000_runs": slope(thousands, values),
            "share": per_minute * (minutes[-1] - minutes[0]) / statistics.fmean(values),
        }
    return found


@dataclass(frozen=True)
class Report:
    """What came of it. `beginning` and `end`: when no run went on."""

    seconds: float
    tally: dict[str, int]
    faults: dict[str, int]
    peak: dict[str, int]
    beginning: Sample
    end: Sample
    rests: tuple[Sample, ...]
    growth: dict[str, dict[str, float]] | None
    wrong: tuple[str, ...]

    def missed(self) -> list[str]:
        """The goals that were not reached."""
        lines = [f"{self.tally['wrong']:,} things were wrong"] if self.tally.get("wrong") else []
        for name in COUNTS:
            before, after = getattr(self.beginning, name), getattr(self.end, name)
            if after > before:
                lines.append(f"{name}: {before} at the beginning, {after} at the end")
        for name, most in MOST_GROWTH.items():
            if self.growth is not None and self.growth[name]["share"] > most:
                lines.append(f"{MEMORY[name]} grew by {self.growth[name]['share']:.2%} over the second half")
        return lines


def table(report: Report) -> str:
    """The report for people."""
    tally = report.tally
    done = f"{tally.get('runs', 0):,} runs and {tally.get('calls', 0):,} calls in {report.seconds:.0f} s"
    lines = [f"{done}, {tally.get('wrong', 0)} things wrong"]
    lines += [f"  {line}" for line in report.wrong]
    lines += ["", "what happened"] + [f"  {name:32} {count:>9,}" for name, count in tally.items()]
    lines += ["", "what the provider did"] + [f"  {name:32} {count:>9,}" for name, count in report.faults.items()]
    lines += ["", f"{'what there was':18} {'beginning':>12} {'end':>12} {'most seen':>12}"]
    for name in (*COUNTS, *MEMORY):
        most = f"{report.peak[name]:,}" if name in report.peak else "-"
        lines.append(f"  {name:16} {getattr(report.beginning, name):>12,} {getattr(report.end, name):>12,} {most:>12}")
    if report.growth is None:
        lines += ["", f"memory: {len(report.rests)} rests are too few, or too close, to say how it grows"]
    else:
        lines += ["", f"{'second half':20} {'mean':>12} {'per minute':>12} {'per 1,000 runs':>15} {'growth':>8}"]
        for name, label in MEMORY.items():
            row = report.growth[name]
            numbers = f"{row['mean']:>12,.0f} {row['per_minute']:>12,.1f} {row['per_1000_runs']:>15,.1f}"
            lines.append(f"  {label:18} {numbers} {row['share']:>8.2%}")
    return "\n".join([*lines, "", "goals missed: " + ("; ".join(report.missed()) or "none")])
