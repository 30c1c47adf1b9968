"""LangGraph's functional API: an entrypoint whose tasks start when they are called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task

from benchmarks.peers.driver import AsyncPeer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed, free_async

_call = task(free_async)


async def _all(inputs: Inputs) -> list[int]:
    """Start what has its inputs, wait where it has not: what its users write, and what its engine allows."""
    values: list[int] = []
    if all(not needed for needed in inputs):
        values += await asyncio.gather(*[_call(i) for i in range(len(inputs))])
        return values
    if all(len(needed) == 1 for needed in inputs[1:]):
        values.append(await _call(0))
        for _ in inputs[1:]:
            values.append(await _call(values[-1]))
        return values
    while len(values) < len(inputs):
        ready = len(values)
        layer = []
        for i in range(ready, len(inputs)):
            if any(j >= ready for j in inputs[i]):
                break
            layer.append(_call(*(values[j] for j in inputs[i])) if inputs[i] else _call(i))
        values += await asyncio.gather(*layer)
    return values


class LangGraphTasks(AsyncPeer):
    """No checkpointer except where one is asked for; tasks are coroutines."""

    packages = ("langgraph", "langgraph-checkpoint-sqlite")
    configuration = "functional API: @task and @entrypoint, async; layers gathered"

    def build(self, inputs: Inputs) -> Ready:
        """An entrypoint that makes the calls."""

        async def main(_: int) -> list[int]:
            return await _all(inputs)

        graph = entrypoint()(main)
        return lambda: self.wait(graph.ainvoke(0, {"recursion_limit": len(inputs) + 10}))

    def build_journaled(self, inputs: Inputs, path: Path) -> Ready:
        """With its SQLite checkpointer; durability stays at its default, which writes while the run goes on."""

        async def main(_: int) -> list[int]:
            return await _all(inputs)

        async def run() -> list[int]:
            async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
                graph = entrypoint(checkpointer=saver)(main)
                terms = {"recursion_limit": len(inputs) + 10, "configurable": {"thread_id": uuid4().hex}}
                found: list[int] = await graph.ainvoke(0, terms)
                return found

        return lambda: self.wait(run())

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Its cap is `max_concurrency`. A call waits for its own inputs only, by an asyncio task of its own."""
        if timed.limits:
            raise Unsupported("no limit of one tool")

        async def pause(i: int) -> int:
            starts[i] = perf_counter()
            await asyncio.sleep(timed.seconds[i])
            ends[i] = perf_counter()
            return i

        sleep = task(pause)

        async def main(_: int) -> None:
            running: list[Any] = []

            async def one(i: int) -> None:
                for j in timed.inputs[i]:
                    await running[j]
                await sleep(i)

            running.extend(asyncio.ensure_future(one(i)) for i in range(len(timed.inputs)))
            await asyncio.gather(*running)

        graph = entrypoint()(main)
        return lambda: self.wait(graph.ainvoke(0, {"max_concurrency": timed.cap}))


if __name__ == "__main__":
    serve(LangGraphTasks)
