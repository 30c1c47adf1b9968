"""A bare asyncio loop: what is left when nothing is scheduled, limited, checked or recorded. The floor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from benchmarks.peers.driver import AsyncPeer, Ready, serve
from benchmarks.peers.shapes import Inputs, Timed, free_async


class Bare(AsyncPeer):
    """One asyncio task per call; a call awaits the asyncio tasks of its inputs."""

    configuration = "create_task per call; a call awaits its inputs; a Semaphore is the cap"

    def build(self, inputs: Inputs) -> Ready:
        """Nothing to build."""
        if all(not needed for needed in inputs):
            return lambda: self.wait(_wide(len(inputs)))
        if all(len(needed) == 1 for needed in inputs[1:]):
            return lambda: self.wait(_chain(len(inputs)))
        return lambda: self.wait(_graph(inputs))

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Every semaphore a call needs, the tool's own first; first come, first served."""

        async def main() -> None:
            cap = asyncio.Semaphore(timed.cap)
            own = {tool: asyncio.Semaphore(count) for tool, count in timed.limits}
            unlimited = asyncio.Semaphore(len(timed.inputs))
            running: list[asyncio.Task[None]] = []

            async def one(i: int) -> None:
                for j in timed.inputs[i]:
                    await running[j]
                async with own.get(timed.tools[i], unlimited), cap:
                    starts[i] = perf_counter()
                    await asyncio.sleep(timed.seconds[i])
                    ends[i] = perf_counter()

            running.extend(asyncio.create_task(one(i)) for i in range(len(timed.inputs)))
            await asyncio.gather(*running)

        return lambda: self.wait(main())


async def _wide(size: int) -> list[int]:
    return await asyncio.gather(*[asyncio.create_task(free_async(i)) for i in range(size)])


async def _chain(size: int) -> list[int]:
    values: list[int] = []
    value = 0
    for _ in range(size):
        value = await asyncio.create_task(free_async(value))
        values.append(value)
    return values


async def _graph(inputs: Inputs) -> list[int]:
    running: list[asyncio.Task[int]] = []

    async def one(i: int) -> int:
        needed = inputs[i]
        return await free_async(*[await running[j] for j in needed]) if needed else await free_async(i)

    running.extend(asyncio.create_task(one(i)) for i in range(len(inputs)))
    return await asyncio.gather(*running)


if __name__ == "__main__":
    serve(Bare)
