"""A gateway beside code modes, over the same servers: round trips, bytes, seconds, and what is left when it goes wrong.

    python -m benchmarks.gateway --check

The servers are npm's of files, and one of ours that takes a second per call. Peers are installed in `build/gateway`,
the servers and npm's client in `build/mcp` by `make mcp`. Contenders take turns; seconds are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.gateway import contenders
from benchmarks.gateway.contenders import MODULES, Contender, Ran
from benchmarks.gateway.environments import ROOT
from benchmarks.gateway.jobs import Job, jobs, prepare

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.npm_servers import FOLDER, missing  # noqa: E402

ALL: Final = {
    "one by one": contenders.one_by_one,
    "gateway, Python client": contenders.gateway_python,
    "gateway, npm client": contenders.gateway_npm,
    "FastMCP CodeMode, session per call": contenders.fastmcp_each,
    "FastMCP CodeMode, connected": contenders.fastmcp_connected,
    "pydantic-ai-harness CodeMode": contenders.harness,
}
OURS: Final = ("gateway, Python client", "gateway, npm client")
ONCE: Final = "FastMCP CodeMode, session per call"
"""It begins two processes for a call: it is asked once."""


def configure(folder: Path) -> None:
    """Write the configuration, and accept what the servers say of their tools."""
    program = FOLDER / "server-filesystem" / "dist" / "index.js"
    slow = str(ROOT / "benchmarks" / "gateway" / "slow_server.py")
    servers = {
        "files": {"command": "node", "args": [str(program), str(folder)], "trust_annotations": True},
        "slow": {"command": sys.executable, "args": [slow], "trust_annotations": True},
    }
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    accept = [sys.executable, "-m", "superscalar", "mcp", "accept", str(folder / "mcp.json")]
    subprocess.run(accept, check=True, capture_output=True)


async def measured(folder: Path, chosen: Mapping[str, Any], repeat: int) -> dict[str, Any]:
    """What each contender took for each job, and what was left of those that go wrong."""
    found: dict[str, Any] = {}
    known = jobs(folder)
    async with AsyncExitStack() as opened:
        there: dict[str, Contender] = {}
        for name, opening in chosen.items():
            there[name] = await opened.enter_async_context(opening(folder))
            found[name] = {"times": {}, "faults": {}}
            print(f"{name}: {there[name].protocol}", file=sys.stderr, flush=True)
        for turn in range(repeat):
            names = list(there)
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                if turn and name == ONCE:
                    continue
                for job in (known["reads"], known["two"]):
                    for gathered in (False, True) if has_gather(name) else (False,):
                        ran = await there[name].run(job, gathered)
                        need_right(name, job, ran)
                        found[name]["times"].setdefault(f"{job.name}{' gathered' * gathered}", []).append(ran)
        for name, contender in there.items():
            found[name]["learned"] = contender.learned
            if name == "one by one":
                continue
            for job in (known["typo"], known["half"], known["injected"]):
                for gathered in (False, True) if job.gathered and has_gather(name) else (False,):
                    found[name]["faults"][f"{job.name}{' gathered' * gathered}"] = await fault(contender, job, gathered)
    return found


async def fault(contender: Contender, job: Job, gathered: bool) -> dict[str, Any]:
    """What is left of a job that goes wrong, in a folder where nothing was written by another."""
    if job.written is not None:
        job.written.unlink(missing_ok=True)
    ran = await contender.run(job, gathered)
    wrote = job.written is not None and job.written.exists()
    return {"wrote": wrote, "kept": bool(job.right) and all(one in ran.said for one in job.right), "said": ran.said}


def has_gather(name: str) -> bool:
    """Whether it matters there how a model writes it."""
    return name not in (*OURS, "one by one")


def need_right(name: str, job: Job, ran: Ran) -> None:
    """Make sure that nobody is measured doing nothing."""
    if name != "one by one" and not all(one in ran.said for one in job.right):
        raise AssertionError(f"{name}, {job.name}: {ran.said[:2_000]}")


def table(found: Mapping[str, Any]) -> str:
    """What was measured, for people."""
    lines = [
        "| | round trips | bytes of replies | tools and instructions | 20 reads | gathered | two of 1 s | gathered |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        reads = one["times"]["reads"][0]
        seconds = [
            f"{statistics.median(ran.seconds for ran in one['times'][key]):.2f} s" if key in one["times"] else "-"
            for key in ("reads", "reads gathered", "two", "two gathered")
        ]
        counted = [str(reads.trips), f"{reads.came:,}", f"{one['learned']:,}"]
        lines.append(f"| {' | '.join([name, *counted, *seconds])} |")
    lines += [
        "",
        "| | a typo behind a write | one of two fails | gathered | an injected path |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        if faults := one["faults"]:
            half, gathered = faults["half"], faults.get("half gathered")
            cells = [
                "written" if faults["typo"]["wrote"] else "nothing written",
                "the other is told" if half["kept"] else "both are lost",
                "-" if gathered is None else "the other is told" if gathered["kept"] else "both are lost",
                "written" if faults["injected"]["wrote"] else "not written",
            ]
            lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines)


def missed(found: Mapping[str, Any]) -> list[str]:
    """The goals that a gateway missed."""
    wrong = []
    for name in OURS:
        if name not in found:
            continue
        one = found[name]
        times = {key: statistics.median(ran.seconds for ran in runs) for key, runs in one["times"].items()}
        faults = one["faults"]
        reads = one["times"]["reads"][0]
        for goal, held in (
            ("20 reads in two round trips", reads.trips == 2),
            ("under 10,000 bytes of replies", reads.came < 10_000),
            ("two calls of 1 s in less than 1.9 s", times["two"] < 1.9),
            ("nothing written before a typo", not faults["typo"]["wrote"]),
            ("what did not fail is told", faults["half"]["kept"]),
            ("no path that a file chose", not faults["injected"]["wrote"]),
        ):
            if not held:
                wrong.append(f"{name}: {goal}")
    return wrong


def main() -> int:
    """Print the tables; with `--check` fail where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--repeat", type=int, default=5, help="how often each job is timed (5)")
    parser.add_argument("--only", action="append", help="words of the contenders that are asked; may be repeated")
    parser.add_argument("--told", action="store_true", help="print what each said where it went wrong")
    given = parser.parse_args()
    if why := missing():
        print(f"left out: {why}")
        return 0
    if not (MODULES / "@modelcontextprotocol" / "client").exists():
        print("left out: the client of npm is not installed: `make mcp` does that")
        return 0
    chosen = {name: one for name, one in ALL.items() if not given.only or any(word in name for word in given.only)}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        prepare(folder)
        configure(folder)
        found = asyncio.run(measured(folder, chosen, given.repeat))
    print(table(found))
    if given.told:
        for name, one in found.items():
            for fault, left in one["faults"].items():
                print(f"\n--- {name}, {fault}\n{left['said'][:1_500]}")
    wrong = missed(found)
    print("\n".join(["", *(f"MISSED: {one}" for one in wrong)]) if wrong else "\nall goals met")
    return 1 if wrong and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
