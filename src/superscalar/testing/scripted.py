"""A model whose replies are written down: for tests of ours and of users."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from superscalar.errors import ModelError
from superscalar.models.base import Chunk, FinishReason, Request
from superscalar.values import Usage

ScriptedReply: TypeAlias = str | BaseException | Callable[[Request], str]
Chunking: TypeAlias = int | Callable[[str], Iterable[str]] | None


class ScriptedModel:
    """Gives its replies in order and remembers what it was asked (`requests`).

        agent = LLMCompiler(ScriptedModel("x = search('a')\\njoin(x)", "The answer."), tools=[search])

    A reply is text, a function of the request, or an exception to raise. `chunk`: characters per chunk, a function that
    cuts the text, or None for one chunk. `delay`: seconds before each chunk. `finish`: how replies end; None cuts them.
    `takes`: the media types of files that it reads, such as "image/*".
    """

    constrains = False

    def __init__(
        self,
        *replies: ScriptedReply,
        chunk: Chunking = None,
        delay: float = 0.0,
        finish: FinishReason | None = "stop",
        name: str = "scripted",
        takes: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.takes = takes
        self.requests: list[Request] = []
        self._replies: Sequence[ScriptedReply] = replies
        self._chunk = chunk
        self._delay = delay
        self._finish = finish

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Yield the next reply, in chunks.

        Raises:
            ModelError: every reply has been given.
        """
        number = len(self.requests)
        self.requests.append(request)
        if number >= len(self._replies):
            raise ModelError(f"the script has {len(self._replies)} replies, and this is request {number + 1}")
        reply = self._replies[number]
        if isinstance(reply, BaseException):
            raise reply
        text = reply if isinstance(reply, str) else reply(request)
        for piece in self._pieces(text):
            if self._delay:
                await asyncio.sleep(self._delay)
            yield Chunk(piece)
        read = sum(len(message.text.split()) for message in request.messages)
        yield Chunk(finish=self._finish, usage=Usage(read, 0, len(text.split()), 1))

    def _pieces(self, text: str) -> Iterator[str]:
        match self._chunk:
            case None:
                yield text
            case int(size):
                yield from (text[i : i + size] for i in range(0, len(text), size))
            case cut:
                yield from cut(text)
