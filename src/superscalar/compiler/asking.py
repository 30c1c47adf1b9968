"""Asking the models of one run: a refusal is waited out, and what a reply used is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from random import Random

from superscalar import events
from superscalar.errors import SAID, ModelError, as_said
from superscalar.models.base import ChatModel, Chunk, Request, estimated
from superscalar.models.cleaning import replies
from superscalar.values import Usage

_ATTEMPTS = 3


class Asking:
    """How the models of one run are asked. `record` takes what happened, and counts it."""

    def __init__(self, record: Callable[[events.Event], object], random: Random, now: Callable[[], float]) -> None:
        self._record = record
        self._random = random
        self._now = now

    async def ask(
        self, role: str, model: ChatModel, request: Request, within: float | None
    ) -> AsyncGenerator[Chunk, None]:
        """A model's reply. A refusal is waited out and tried again, as long as nothing of the reply has come.

        `within`: the seconds that the caller gives it in all; a refusal for longer is raised at once. What a reply
        used that nobody counted is estimated.
        """
        until = None if within is None else self._now() + within
        for attempt in range(1, _ATTEMPTS + 1):
            begun = counted = False
            written = 0
            said = ""
            self._record(events.ModelAsked(self._now(), role, attempt, model.name))
            try:
                async with aclosing(replies(model, request)) as chunks:
                    async for chunk in chunks:
                        begun = begun or bool(chunk.text or chunk.thought)
                        said = (chunk.text if chunk.withdrawn else said + chunk.text)[:SAID]
                        written += len(chunk.text) + (0 if chunk.withdrawn else len(chunk.thought))
                        if chunk.withdrawn:
                            self._record(events.Withdrawn(self._now(), role))
                        if chunk.thought:
                            self._record(events.Thought(self._now(), role, chunk.thought))
                        if chunk.preparing is not None:
                            what, fraction = chunk.preparing.what, chunk.preparing.fraction
                            self._record(events.ModelPreparing(self._now(), role, what, fraction))
                        if chunk.usage is not None:
                            counted = True
                            self._record(events.ModelUsed(self._now(), role, chunk.usage))
                        yield chunk
                return
            except ModelError as error:
                error.said = as_said(said)
                if begun or not error.retryable or attempt == _ATTEMPTS:
                    raise
                backoff = self._random.uniform(0.0, 2.0**attempt)
                if error.retry_after is not None and until is not None and self._now() + error.retry_after >= until:
                    raise  # there is no use in waiting, and the provider says why
                await asyncio.sleep(max(error.retry_after or 0.0, backoff))
            finally:
                if not counted:
                    usage = estimated(request, written, getattr(model, "prices", None)) if begun else Usage()
                    self._record(events.ModelUsed(self._now(), role, usage))


def earlier(deadline: float | None, timeout: float | None, now: float) -> float | None:
    """When a model call must be done: at the run's deadline or after its own timeout."""
    times = [t for t in (deadline, None if timeout is None else now + timeout) if t is not None]
    return min(times, default=None)
