"""Superscalar through its public door, with all that a run has: limits, events, retries, validation, timeouts.

The plan is made of tasks, as the peers' graphs are. `--text` reads it from the text that a planner would write instead
(256 KB at most), so that its building is parsing and checking too.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peers.driver import AsyncPeer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed
from benchmarks.peers.shapes import free as sum_up
from superscalar import Limit, LLMCompiler, Retry, RunResult, __version__, tool
from superscalar.plan import Plan, planned
from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.ir import Call, Literal, Ref, Task
from superscalar.values import Observation


@tool(effect="read", limit="provider", timeout=60.0, retry=Retry(attempts=3))
async def free(x: int, y: int = 0) -> int:
    """Add, plus one."""
    return sum_up(x, y)


class Superscalar(AsyncPeer):
    """`LLMCompiler.execute` on a plan that is there already; no model is asked."""

    configuration = "limits 16 and 32, timeout, retries, validated arguments, all events kept"

    def __init__(self, *, text: bool = False) -> None:
        super().__init__()
        self._text = text
        self._held: RunResult | None = None

    def versions(self) -> dict[str, str]:
        """The version of the source tree."""
        return {"superscalar": __version__}

    def build(self, inputs: Inputs) -> Ready:
        """A plan of calls."""
        return self._ready(inputs)

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """The same with a journal."""
        return self._ready(inputs, journal=str(path))

    def _ready(self, inputs: Inputs, **settings: Any) -> Ready:
        agent = _agent(**settings)
        if self._text:
            source = "\n".join(_statement(i, needed) for i, needed in enumerate(inputs))
            if len(source) > MAX_SOURCE:
                raise Unsupported(f"a plan has at most {MAX_SOURCE // 1024} KB of text")
            plan = agent.compile(source)
        else:
            plan = planned([_task(i, needed) for i, needed in enumerate(inputs)], agent.tools.signatures)
        return lambda: self.wait(self._values(agent, plan, len(inputs)))

    async def _values(self, agent: LLMCompiler, plan: Plan, count: int) -> list[object]:
        async with agent.stream_plan(plan) as running:
            self._held = await running.result()  # its events and outcomes are memory that a finished run costs
        outcomes = (self._held.outcomes[f"t{i}"] for i in range(count))
        return [o.value if isinstance(o, Observation) else o for o in outcomes]

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """A tool per kind of call, each with its own limit; durations are not known beforehand."""

        async def pause(i: int, seconds: float, x: int = 0, y: int = 0) -> int:
            starts[i] = perf_counter()
            await asyncio.sleep(seconds)
            ends[i] = perf_counter()
            return x + y

        limits = {name: Limit(concurrency=count) for name, count in timed.limits}
        tools = [
            tool(effect="read", name=name, limit=name if name in limits else ())(pause) for name in set(timed.tools)
        ]
        agent = LLMCompiler(tools=tools, limits=limits, max_concurrency=timed.cap)
        tasks = [
            Task(f"t{i}", Call(name, (("i", Literal(i)), ("seconds", Literal(seconds)), *_references(needed))))
            for i, (needed, name, seconds) in enumerate(zip(timed.inputs, timed.tools, timed.seconds, strict=True))
        ]
        plan = planned(tasks, agent.tools.signatures)
        return lambda: self.wait(agent.execute(plan))


def _agent(**settings: Any) -> LLMCompiler:
    limits = {"provider": Limit(concurrency=16)}
    return LLMCompiler(tools=[free], limits=limits, max_concurrency=32, max_tasks=1_000_000, **settings)


def _references(needed: tuple[int, ...]) -> tuple[tuple[str, Ref], ...]:
    return tuple((name, Ref(f"t{j}")) for name, j in zip("xy", needed, strict=False))


def _task(i: int, needed: tuple[int, ...]) -> Task:
    return Task(f"t{i}", Call("free", _references(needed) or (("x", Literal(i)),)))


def _statement(i: int, needed: tuple[int, ...]) -> str:
    return f"t{i} = free({', '.join(f't{j}' for j in needed) or i})"


if __name__ == "__main__":
    serve(lambda: Superscalar(text="--text" in sys.argv[1:]))
