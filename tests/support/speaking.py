"""Models that speak, pause and die as they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeAlias

from superscalar.models.base import Chunk, Request

Step: TypeAlias = str | float | BaseException | Chunk
"""A text, a pause in seconds, an error, or any other piece of a reply."""


class Speaker:
    """A model whose replies are steps: one text, or a list of them; the last one is given again and again.

    A reply ends as a whole one does, unless its last step is a `Chunk` that says how, or an error. `asked`: the
    requests, and `at` when each came; `closed`: how many replies are over.
    """

    def __init__(self, *replies: Step | Sequence[Step], name: str = "speaker", **has: Any) -> None:
        self.name = name
        self.constrains = False
        self.asked: list[Request] = []
        self.at: list[float] = []
        self.closed = 0
        self._replies = replies
        vars(self).update(has)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Give the next reply."""
        reply = self._replies[min(len(self.asked), len(self._replies) - 1)]
        steps = list(reply) if isinstance(reply, Sequence) and not isinstance(reply, str) else [reply]
        self.asked.append(request)
        self.at.append(asyncio.get_running_loop().time())
        ends = False
        try:
            for step in steps:
                match step:
                    case str():
                        yield Chunk(step)
                    case BaseException():
                        raise step
                    case Chunk():
                        ends = step.finish is not None
                        yield step
                    case _:
                        await asyncio.sleep(step)
            if not ends:
                yield Chunk(finish="stop")
        finally:
            self.closed += 1


def slowly(text: str, seconds: float) -> list[Step]:
    """A text of which a word comes every so many seconds."""
    words = text.replace(" ", " \0").replace("\n", "\n\0").split("\0")
    return [step for word in words for step in (seconds, word)]
