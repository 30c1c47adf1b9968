"""Many clients of one gateway at once, over HTTP: what they are told, and what is left of them in its process.

    python -m benchmarks.gateway.clients --check

Each has a token and a session of its own; half speak 2026-07-28 and half the revision before. Of five clients three
read, one leaves a call to be approved, one has a person that approves. Every word that a client sends has its name in
it, so that an answer for another is seen; every tenth time it asks for a run of another. Linux only (`/proc`).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from benchmarks.gateway.environments import ROOT

_SETTLED: Final = 0.25
"""The part of the time after which memory is to stay where it is."""
_GROWTH: Final = 1.15
_MARK: Final = re.compile(r"\bc(\d+)x\d+\b")
_RUN: Final = re.compile(r"\brun ([0-9a-f]{16})\b")


class Sample(NamedTuple):
    """A process at a time: seconds, resident memory in MB, open files, and sockets of them."""

    at: float
    memory: float
    files: int
    sockets: int


@dataclass
class Told:
    """What clients were told, all together."""

    counted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    runs: dict[int, str] = field(default_factory=dict)
    """The latest run of each."""
    seconds: list[float] = field(default_factory=list)


class LoadClient:
    """One client, which plans until the time is over."""

    def __init__(self, number: int, url: str, token: str, told: Told) -> None:
        self.number, self._url, self._token, self._told = number, url, token, told
        self._asked = 0
        self._waiting = ""

    @property
    def kind(self) -> str:
        """What it does besides reading."""
        return {0: "waits", 1: "approves"}.get(self.number % 5, "reads")

    async def work(self, until: float, go: asyncio.Event) -> None:
        """Connect, then plan once everybody has connected."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with AsyncExitStack() as opened:
            http = await opened.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
            transport = streamable_http_client(self._url, http_client=http)
            mode = "auto" if self.number % 2 else "legacy"
            person: Any = self._person if self.kind == "approves" else None
            client = await opened.enter_async_context(Client(transport, mode=mode, elicitation_callback=person))
            self._told.counted[f"connected, {client.protocol_version}"] += 1
            await go.wait()
            end = time.monotonic() + until
            while time.monotonic() < end:
                try:
                    await self._once(client)
                except Exception as error:  # noqa: BLE001 -- it is what is counted
                    self._told.counted["errors"] += 1
                    self._told.wrong.append(f"c{self.number}: {type(error).__name__}: {error}"[:300])
                    await asyncio.sleep(0.5)

    async def _person(self, _ctx: Any, params: Any) -> ElicitResult:
        self._look(params.message)
        self._told.counted["questions answered"] += 1
        return ElicitResult(action="accept", content={"approve": True})

    async def _once(self, client: Client) -> None:
        self._asked += 1
        mark = f"c{self.number}x{self._asked}"
        if self._asked % 10 == 0 and (other := self._other()):
            await self._trespass(client, other)
        if self.kind == "approves" and self._asked % 5 == 0:
            text = await self._run(client, f'a = send(to="{mark}@example.org", text="{mark}")\njoin(a)')
            self._need(f"sent to {mark}@example.org" in text, "approved and not sent", text)
        elif self.kind == "waits" and self._asked % 20 == 1:
            plan = f'xs = [look_up(word=f"{mark}") for n in range(3)]\na = send(to="{mark}", text=xs[0])\njoin(a, xs)'
            text = await self._run(client, plan)
            self._need("waits for a person" in text, "not asked", text)
            found = _RUN.search(text)
            self._waiting = found[1] if found else ""
        elif self.kind == "waits" and self._asked % 20 == 11 and self._waiting:
            text = await self._run(client, resume=self._waiting)
            self._need("waits for a person" in text, "done though nobody approved", text)
        else:
            plan = f'xs = [look_up(word=f"{mark}") for n in range(5)]\njoin(xs)'
            text = await self._run(client, plan)
            self._need(text.count(f"about {mark}") == 5, "not what it asked for", text)
            if found := _RUN.search(text):
                self._told.runs[self.number] = found[1]

    async def _run(self, client: Client, plan: str | None = None, **more: str) -> str:
        begun = time.perf_counter()
        given = more if plan is None else {"plan": plan}
        reply: Any = await client.call_tool("run_plan", given)
        self._told.seconds.append(time.perf_counter() - begun)
        text = "\n".join(getattr(one, "text", "") for one in reply.content)
        self._told.counted["runs"] += 1
        self._look(text)
        return text

    async def _trespass(self, client: Client, run: str) -> None:
        for given in ({"resume": run}, {"plan": f'x = result("{run}", "xs")\njoin(x)'}):
            reply: Any = await client.call_tool("run_plan", given)
            text = "\n".join(getattr(one, "text", "") for one in reply.content)
            self._look(text)
            self._need(bool(reply.is_error), "was let at the run of another", text)
            self._told.counted["runs of others refused"] += 1

    def _other(self) -> str:
        others = [run for number, run in self._told.runs.items() if number != self.number]
        return others[self._asked % len(others)] if others else ""

    def _look(self, text: str) -> None:
        """Nothing of another client is told."""
        if others := {int(one) for one in _MARK.findall(text)} - {self.number}:
            self._need(False, f"was told of {sorted(others)[:3]}", text)

    def _need(self, held: bool, what: str, text: str) -> None:
        if not held:
            self._told.counted["wrong"] += 1
            self._told.wrong.append(f"c{self.number} {what}: {text[:300]}")


def sampled(process: int, begun: float) -> Sample:
    """The process as it is now."""
    status = Path(f"/proc/{process}/status").read_text()
    memory = int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
    links = []
    for one in Path(f"/proc/{process}/fd").iterdir():
        try:
            links.append(str(one.readlink()))
        except OSError:  # closed in between
            continue
    return Sample(time.monotonic() - begun, memory, len(links), sum(one.startswith("socket:") for one in links))


async def load(folder: Path, count: int, seconds: float) -> tuple[Told, list[Sample], int]:
    """Have the clients work; what they were told, samples of the gateway, and how many runs its journal has."""
    tokens = {f"c{number}": secrets.token_urlsafe(32) for number in range(count)}
    arguments = ["--tools", str(ROOT / "benchmarks" / "gateway" / "client_tools.py"), "--policy", "ask"]
    arguments += ["--journal", str(folder / "load.db"), "--http", "0", "--max-runs", str(2 * count)]
    for number, (name, token) in enumerate(tokens.items()):
        file = folder / f"{name}.token"
        file.touch(0o600)
        file.write_text(token)
        arguments += ["--token", f"{name}={file}"]
        if number % 5 == 1:
            arguments += ["--client-approves", name]
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "superscalar", "mcp", *arguments, cwd=folder, stderr=subprocess.PIPE
    )
    assert gateway.stderr is not None
    told, samples, go = Told(), list[Sample](), asyncio.Event()
    try:
        url = (await asyncio.wait_for(gateway.stderr.readline(), 120)).decode().strip()
        clients = [LoadClient(n, url, token, told) for n, token in enumerate(tokens.values())]
        at_work = [asyncio.create_task(client.work(seconds, go)) for client in clients]
        for _ in range(1_200):
            if sum(n for what, n in told.counted.items() if what.startswith("connected")) == count:
                break
            if any(one.done() for one in at_work):
                break
            await asyncio.sleep(0.1)
        go.set()
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            samples.append(sampled(gateway.pid, begun))
            await asyncio.sleep(seconds / 30)
        for ended in await asyncio.gather(*at_work, return_exceptions=True):
            if isinstance(ended, BaseException):
                told.wrong.append(f"{type(ended).__name__}: {ended}"[:300])
        samples.append(sampled(gateway.pid, begun))  # when everybody has gone
    finally:
        if gateway.returncode is None:
            gateway.terminate()
        await asyncio.wait_for(gateway.wait(), 60)
    with sqlite3.connect(f"file:{folder / 'load.db'}?mode=ro", uri=True) as journal:
        (runs,) = journal.execute("select count(*) from runs").fetchone()
    return told, samples, int(runs)


def report(told: Told, samples: list[Sample], runs: int, seconds: float) -> list[str]:
    """Print what was seen, and return the goals that were missed."""
    settled = next(one for one in samples if one.at >= seconds * _SETTLED)
    last, gone = samples[-2], samples[-1]
    took = sorted(told.seconds)
    print(", ".join(f"{what}: {n:,}" for what, n in sorted(told.counted.items())))
    if took:
        print(f"a reply after {took[len(took) // 2]:.2f} s, 95 % within {took[len(took) * 95 // 100]:.2f} s")
    print(f"the journal has {runs:,} runs")
    for name, one in (("first", samples[0]), ("settled", settled), ("last", last), ("clients gone", gone)):
        print(f"{name:<13} {one.at:5.1f} s  {one.memory:6.1f} MB  {one.files:4d} files  {one.sockets:4d} sockets")
    for line in told.wrong[:20]:
        print(line)
    return [
        what
        for what, held in (
            ("somebody was told what is not right", not told.wrong and not told.counted["wrong"]),
            (f"memory grew by more than {_GROWTH - 1:.0%}", last.memory <= settled.memory * _GROWTH),
            ("sockets or files grew", last.files <= settled.files + 20 and gone.sockets <= 5),
            ("runs of others were asked for", told.counted["runs of others refused"] > 0),
            ("questions were answered", told.counted["questions answered"] > 0),
        )
        if not held
    ]


def main() -> int:
    """Print what was seen; with `--check` fail where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        told, samples, runs = asyncio.run(load(Path(made).resolve(), given.clients, given.seconds))
    missed = report(told, samples, runs, given.seconds)
    print("\n".join(f"MISSED: {one}" for one in missed) or "all goals met")
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
