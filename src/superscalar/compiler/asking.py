"""Asking the models of one run: a call waits for its limits, a refusal is waited out while no other model answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from itertools import count
from random import Random
from typing import Final

from superscalar import events
from superscalar.errors import SAID, ModelError, as_said
from superscalar.models.account import limit_of, retry_of
from superscalar.models.base import ChatModel, Chunk, Request, estimated
from superscalar.models.carrying import marked, without_others
from superscalar.models.cleaning import replies
from superscalar.models.files import as_taken, may_be_for_files, why_none, withheld_from
from superscalar.models.patience import Measure, Patience, Silent
from superscalar.models.standby import Entrant, Entrants, Standby
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

_LOOK: Final = 1.0
"""Seconds between two looks, of a call that waits for its turn, at whether another model should be asked."""


class _PassedOver(ModelError):
    """A model is not asked now, since another one may be."""


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
        self._standby = Standby(self._limits.clock)

    def still_taken(self) -> Iterable[Ticket]:
        """The calls for which something was taken that has not come back."""
        return [comer for comer in list(self._under_way) if comer.holds]

    def __del__(self) -> None:
        """The run ended with its event loop, in the middle: whoever is left may have what it held."""
        if getattr(self, "_under_way", None):
            self._limits.clock.loops.leave(self)

    async def ask(
        self,
        role: str,
        models: Sequence[ChatModel],
        request_of: Callable[[ChatModel], Request],
        time: Patience,
        *,
        late: float | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """The reply of the first of `models` that gives one. `request_of`: what each of them is asked.

        One that fails or is refused before anything of its reply has come is asked again later, and another one at
        once. `time` begins whenever one is asked. A refusal until `late` is waited for by nobody. What a reply used
        that nobody counted is estimated; one that goes on and on ends as if it had been cut by its length.

        A joiner that is refused with files is asked without: a stranger's file, which its provider cannot read, must
        not keep everything else from being answered. A planner has those of the question alone, and they are its
        user's own.

        Raises:
            ModelError: none of them answered; or one did, and then failed or fell silent in the middle.
            TimeoutError: the time is over.
        """
        entrants = self._standby.entrants(models)
        blinded: list[ChatModel] = []
        for attempt in count(1):
            one = entrants.next(self._now())
            model = one.model
            request = without_others(request_of(model), model)
            withheld = withheld_from(model, request)
            if model in blinded:
                withheld = withheld_from(model, request, why_none)
                request = as_taken(model, request, why_none)
            measure = Measure(request)
            begun = wrote = counted = False
            finish: str | None = None
            try:
                comer = await self._come(role, one, entrants, time, late)
            except ModelError as error:
                if not isinstance(error, _PassedOver):
                    one.given_up = error
                self._tell_of(role, one, error, entrants)
                continue
            said = ""
            try:
                self._record(events.ModelAsked(self._now(), role, attempt, model.name, withheld))
                async with aclosing(replies(model, request)) as chunks:
                    while (chunk := await time.wait(anext(chunks, None))) is not None:
                        time.hear(chunk)
                        measure.take(chunk)
                        if (chunk.text or chunk.thought) and not begun:
                            begun = True
                            self._standby.answers(model)
                        wrote = bool(chunk.text.strip()) or (wrote and not chunk.withdrawn)
                        said = (chunk.text if chunk.withdrawn else said + chunk.text)[:SAID]
                        finish = chunk.finish or finish
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
                        yield marked(chunk, model)
                        if measure.overruns:
                            yield Chunk(finish="length")
                            break
                return
            except ModelError as error:
                if isinstance(error, Silent) and finish is not None:
                    return  # all was said, and only the end of the stream did not come
                error.said = as_said(said)
                failed, refusal = error, refusal_of_model(error)
                verdict = NOT_REFUSED if refusal is None else self._learn(comer, refusal, error)
            finally:
                self._left(comer)
                if not counted:
                    prices = getattr(model, "prices", None)
                    usage = estimated(request, measure.characters, prices) if begun else Usage()
                    self._record(events.ModelUsed(self._now(), role, usage, model.name))
            time.pause()
            if role == "joiner" and not begun and may_be_for_files(model, request, failed):
                blinded.append(model)
                continue
            self._put_off(one, failed, refusal, verdict, begun=begun, late=late)
            if wrote:
                raise failed
            self._tell_of(role, one, failed, entrants)

    def _put_off(
        self,
        one: Entrant,
        failed: ModelError,
        refusal: Refusal | None,
        verdict: Outlook,
        *,
        begun: bool,
        late: float | None,
    ) -> None:
        """Note when a model may be asked again that failed or was refused, or that it is not in this call."""
        now = self._now()
        one.asked += 1
        one.spared += verdict.refusal is not None and verdict.barren < 2
        rule = retry_of(one.model) or (_FAILED if refusal is None else _REFUSED)
        tries = counted_attempts(one.asked, one.spared)
        wait = max(rule.delay(tries, self._random), verdict.delay)
        one.again = now + wait
        one.refusal = None if refusal is None else cut(exception_text(failed), LONGEST)
        useless = isinstance(failed, Silent) or not (failed.retryable or refusal)
        if refusal is None:
            self._standby.failed(one.model, failed, now)
        else:
            after = refusal.retry_after or 0.0
            self._standby.refused(one.model, max(after, verdict.delay), now)
            useless = useless or (late is not None and now + after >= late)  # and the provider says why
        if begun or useless or verdict.beyond or tries >= rule.attempts:
            one.given_up = failed

    def _tell_of(self, role: str, one: Entrant, failed: ModelError, entrants: Entrants) -> None:
        """Say that another one is asked, since this one failed.

        Raises:
            ModelError: none is left.
        """
        if entrants.is_over:
            raise entrants.error
        if len(entrants) > 1:
            why = cut(exception_text(failed), LONGEST)
            self._record(events.ModelFailed(self._now(), role, one.model.name, why))

    async def _come(self, role: str, one: Entrant, entrants: Entrants, time: Patience, late: float | None) -> Comer:
        """Wait until a call may be made.

        Raises:
            ModelError: that would take longer than it waits, or for ever; or another one may be asked now.
        """
        model = one.model
        longest = (retry_of(model) or _REFUSED).longest
        told = one.refusal is not None
        if one.again > self._now():
            if one.refusal is not None:
                limits = (str(limit_of(model)),)
                self._record(events.ModelWaiting(self._now(), role, model.name, limits, one.refusal))
            await time.wait(asyncio.sleep(one.again - self._now()))
        comer = Comer(self._run, (limit_of(model),), self._loop, self._limits, caller=self._caller, longest=longest)
        self._under_way.add(comer)
        try:
            if not comer.comes_now():
                if not told:
                    self._record(events.ModelWaiting(self._now(), role, model.name, comer.blocked_by))
                if late is not None and self._now() + comer.pause >= late:
                    raise Closed(f"{comer.told[0]} lets nothing through for {comer.pause:.0f} s")
                await self._in_line(comer, one, entrants, time)
        except (Closed, Entangled) as why:
            self._left(comer)
            said, pause = f"{model.name} is not asked: {why}", comer.pause
            self._standby.refused(model, pause, self._now())
            raise ModelError(said, retryable=True, retry_after=pause, status=TOO_MANY) from why
        except BaseException:
            self._left(comer)
            raise
        time.begin(model.name)
        return comer

    async def _in_line(self, comer: Comer, one: Entrant, entrants: Entrants, time: Patience) -> None:
        """Wait for its turn, but not behind a refusal of another call where another model may be asked now.

        Raises:
            Closed: its provider lets nothing through for longer than it waits.
            _PassedOver: there is such a model.
        """
        if len(entrants) == 1:
            await time.wait(comer.comes())
            return
        coming = asyncio.ensure_future(comer.comes())
        try:
            while not coming.done():
                await time.wait(asyncio.wait((coming,), timeout=_LOOK))
                until = self._standby.opens(one.model)
                if not coming.done() and until > self._now() and entrants.has_besides(one, self._now()):
                    one.opens = until
                    raise _PassedOver(f"{one.model.name} refuses other calls now", retryable=True)
            coming.result()
        finally:
            coming.cancel()

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
