"""Asking the models of one run: a call waits for its limits, a refusal is waited out, and what it used is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from itertools import count
from random import Random
from typing import Final

from superscalar import events
from superscalar.errors import SAID, ModelError, as_said
from superscalar.models.account import limit_of, retry_of
from superscalar.models.base import ChatModel, Chunk, Request, estimated
from superscalar.models.cleaning import replies
from superscalar.models.patience import Within
from superscalar.schedule.closures import Closed
from superscalar.schedule.comers import Comer
from superscalar.schedule.ends import counted_attempts, exception_text
from superscalar.schedule.inside import granted_here
from superscalar.schedule.limits import NOT_REFUSED, Limits, Outlook
from superscalar.schedule.loans import Entangled
from superscalar.schedule.refusal import Refusal, refusal_of_model
from superscalar.schedule.waiting import Ticket
from superscalar.short import LONGEST, cut
from superscalar.tools.terms import Retry
from superscalar.transient import TOO_MANY
from superscalar.values import Usage

_FAILED: Final = Retry(attempts=3, initial=2.0)
"""When a model is asked again that failed, and was not refused."""

_REFUSED: Final = Retry(attempts=10, initial=1.0)
"""When one that was: over the minute that its provider may count in, and not say so."""


class Allowance:
    """The time that a reply has: `timeout` seconds from when its model is asked, and never beyond `until`."""

    def __init__(self, clock: Within, timeout: float | None, until: float | None, now: Callable[[], float]) -> None:
        self._clock = clock
        self._timeout = timeout
        self._until = until
        self._now = now

    def begin(self) -> None:
        """All of it is there again."""
        self._clock.reschedule(earlier(self._until, self._timeout, self._now()))

    def pause(self) -> None:
        """It does not pass: the model is not being asked."""
        self._clock.reschedule(self._until)


class Asking:
    """How the models of one run are asked. `record` takes what happened, and counts it.

    A call holds what it takes of its limits until the reply has ended. It takes no slot of the agent's cap.
    """

    def __init__(
        self,
        run: str,
        limits: Limits,
        record: Callable[[events.Event], object],
        random: Random,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._run = run
        self._record = record
        self._random = random
        self._loop = loop
        self._now = loop.time
        self._under_way: set[Comer] = set()
        self._limits, self._caller = granted_here(limits.of_models, loop, self)

    def still_taken(self) -> Iterable[Ticket]:
        """The calls for which something was taken that has not come back."""
        return [comer for comer in list(self._under_way) if comer.holds]

    def __del__(self) -> None:
        """The run ended with its event loop, in the middle: whoever is left may have what it held."""
        if getattr(self, "_under_way", None):
            self._limits.clock.loops.leave(self)

    async def ask(
        self, role: str, model: ChatModel, request: Request, time: Allowance, *, late: float | None = None
    ) -> AsyncGenerator[Chunk, None]:
        """A model's reply. A refusal is waited out and tried again, as long as nothing of the reply has come.

        `time` begins when the model is asked. A refusal until `late` is raised at once. What a reply used that nobody
        counted is estimated.

        Raises:
            ModelError: it failed, was refused for longer than it waits, or another call of its limit was.
        """
        spared, waited = 0, False
        for attempt in count(1):
            comer = await self._come(role, model, time, late, waited=waited)
            begun = counted = False
            written = 0
            said = ""
            try:
                self._record(events.ModelAsked(self._now(), role, attempt, model.name))
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
                            self._record(events.ModelUsed(self._now(), role, chunk.usage, model.name))
                        yield chunk
                return
            except ModelError as error:
                error.said = as_said(said)
                failed, refusal = error, refusal_of_model(error)
                verdict = NOT_REFUSED if refusal is None else self._learn(comer, refusal, error)
            finally:
                self._left(comer)
                if not counted:
                    usage = estimated(request, written, getattr(model, "prices", None)) if begun else Usage()
                    self._record(events.ModelUsed(self._now(), role, usage, model.name))
            spared += verdict.refusal is not None and verdict.barren < 2
            rule = retry_of(model) or (_FAILED if refusal is None else _REFUSED)
            tries = counted_attempts(attempt, spared)
            if begun or verdict.beyond or tries >= rule.attempts or not (failed.retryable or refusal):
                raise failed
            wait = max(rule.delay(tries, self._random), verdict.delay)
            if refusal is not None:
                if late is not None and self._now() + (refusal.retry_after or 0.0) >= late:
                    raise failed  # there is no use in waiting, and the provider says why
                waited = True
                why = cut(exception_text(failed), LONGEST)
                self._record(events.ModelWaiting(self._now(), role, model.name, comer.told, why))
                time.pause()
            await asyncio.sleep(wait)

    async def _come(self, role: str, model: ChatModel, time: Allowance, late: float | None, *, waited: bool) -> Comer:
        """Wait until a call may be made. `waited`: it has been said that it waits.

        Raises:
            ModelError: that would take longer than it waits, or for ever.
        """
        longest = (retry_of(model) or _REFUSED).longest
        comer = Comer(self._run, (limit_of(model),), self._loop, self._limits, caller=self._caller, longest=longest)
        self._under_way.add(comer)
        try:
            if not comer.comes_now():
                if not waited:
                    self._record(events.ModelWaiting(self._now(), role, model.name, comer.blocked_by))
                waited = True
                if late is not None and self._now() + comer.pause >= late:
                    raise Closed(f"{comer.told[0]} lets nothing through for {comer.pause:.0f} s")
                time.pause()
                await comer.comes()
        except (Closed, Entangled) as why:
            self._left(comer)
            said, pause = f"{model.name} is not asked: {why}", comer.pause
            raise ModelError(said, retryable=True, retry_after=pause, status=TOO_MANY) from why
        except BaseException:
            self._left(comer)
            raise
        if waited:
            time.begin()
        return comer

    def _left(self, comer: Comer) -> None:
        """It has asked, or does not ask any more."""
        self._under_way.discard(comer)
        comer.leave()

    def _learn(self, comer: Comer, refusal: Refusal, failed: ModelError) -> Outlook:
        """What the limits of a call make of its refusal: they pause and narrow before anybody else is let in."""
        self._limits.give_back(comer)
        verdict = self._limits.refused(comer, refusal, self._random, self._now(), exception_text(failed))
        for throttled in verdict.throttled:
            self._record(throttled)
        return verdict


def earlier(deadline: float | None, timeout: float | None, now: float) -> float | None:
    """When a model call must be done: at the run's deadline or after its own timeout."""
    times = [t for t in (deadline, None if timeout is None else now + timeout) if t is not None]
    return min(times, default=None)
