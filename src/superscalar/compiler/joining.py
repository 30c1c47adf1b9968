"""Joining: the joiner is asked until it decides, and a round that did nothing new is the last."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from superscalar import events, joiner
from superscalar.compiler.past import tried_in
from superscalar.compiler.wiring import Wiring
from superscalar.errors import JoinError, ModelError
from superscalar.models.base import ChatModel, Message, Request
from superscalar.models.blocks import inert
from superscalar.models.ending import is_whole, was_too_long, why_cut
from superscalar.short import LONGEST
from superscalar.short import cut as cut_short

_ATTEMPTS = 3
_LATE = "the run's deadline passed before it was written"


class Joining:
    """Asks the joiner of one run."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._record = wiring.log.record
        self._now = wiring.now
        self._answer_type = wiring.equipment.answer_type
        self._carry: object | None = None  # what the model wants back with its last reply

    async def decision(self, models: Sequence[ChatModel], conversation: list[Message], *, last: bool) -> Any:
        """The joiner's decision: a `Replan`, the answer (validated, with an output type), or what was cut of it.

        `last`: it may not ask for another round. A reply that was cut is asked for once more, as a whole, unless the
        run's time is over.

        Raises:
            JoinError: it gave none after being asked again.
        """
        complaint = said_text = ""
        cut: joiner.Cut | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            if self._is_over():
                return self._cut_off("") if cut is None else cut
            if attempt > 1 and (spent := self._wiring.spent()) is not None:
                if cut is not None:
                    return cut
                message = f"{spent}, and the joiner gave no usable answer; the last time: {complaint}"
                raise JoinError(message, reply=said_text)
            try:
                decision = await self._decide(models, conversation, attempt)
            except (JoinError, ModelError) as error:
                if cut is None:
                    raise
                return replace(cut, why=f"{cut.why}; and asked again: {error}")
            why = ""
            match decision:
                case joiner.Cut(text):
                    if cut is not None:
                        return max(cut, decision, key=lambda found: len(found.text))
                    cut = decision
                    complaint, said_text = joiner.again_message(cut), text
                    if not text.strip():
                        continue  # there is nothing to go on from
                case joiner.Replan(reason) if not last:
                    self._record(events.Replanned(self._now(), cut_short(reason, LONGEST)))
                    return joiner.Replan(cut_short(reason, LONGEST))
                case joiner.Replan(reason):
                    complaint = "Nothing more can be looked up. Answer now with what there is, and say what is missing."
                    said_text = f"{joiner.REPLAN} {reason}"
                    why = "it asks for another round, and there is none"
                case joiner.Finish(""):
                    complaint, said_text = "The answer was empty. Answer the question.", ""
                    why = "it is empty"
                case joiner.Finish(text):
                    if self._answer_type is None:
                        self._record(events.Joined(self._now(), text))
                        return text
                    try:
                        value = self._answer_type.read(text)
                    except ValueError as error:
                        complaint, said_text = _not_of_schema(error), text
                        why = cut_short(str(error), LONGEST)
                    else:
                        self._record(events.Joined(self._now(), value))
                        return value
            if why:
                self._record(events.AnswerRejected(self._now(), attempt, why))
            said = Message("assistant", said_text).carrying(self._carry)
            conversation += [said, Message("user", complaint)]
        if cut is not None:
            return cut
        message = f"the joiner gave no usable answer in {_ATTEMPTS} tries; the last time: {complaint}"
        raise JoinError(message, reply=said_text)

    async def _decide(self, models: Sequence[ChatModel], conversation: list[Message], attempt: int) -> joiner.NextStep:
        reader = joiner.AnswerReader()
        written: list[str] = []
        finish: str | None = None
        self._carry = None
        options, until = self._wiring.equipment.options, self._wiring.answer_by
        request = Request(tuple(conversation), max_tokens=options.max_answer_tokens)
        timeout = options.joiner_timeout
        try:
            with self._wiring.patience(timeout, until) as time:
                async with aclosing(
                    self._wiring.asking.ask("joiner", models, lambda _: request, time, late=until)
                ) as chunks:
                    async for chunk in chunks:
                        if chunk.withdrawn:
                            reader = joiner.AnswerReader()
                            written.clear()
                        written.append(chunk.text)
                        finish = chunk.finish or finish
                        self._carry = chunk.carry or self._carry
                        if fresh := reader.feed(chunk.text):
                            self._record(events.AnswerWritten(self._now(), fresh, attempt))
        except TimeoutError:
            if self._is_over() or timeout is None:
                said = reader.finish()
                return self._cut_off(said.answer if isinstance(said, joiner.Finish) else "")
            late = f"the joiner gave no answer within {timeout:g} s (joiner_timeout)"
            raise JoinError(late, said="".join(written)) from None
        except ModelError as error:
            if error.retryable and (any(written) or self._would_be_late(error)):
                return self._cut_off("".join(written), str(error))  # a connection that broke
            raise
        if is_whole(finish):
            return reader.finish()
        return self._cut_off("".join(written), why_cut(finish), too_long=was_too_long(finish))

    def _cut_off(self, text: str, why: str = _LATE, *, too_long: bool = False) -> joiner.Cut:
        self._record(events.AnswerCut(self._now(), why))
        return joiner.Cut(text, why, too_long)

    def _is_over(self) -> bool:
        """Whether the run's time is over, and what its answer had behind that."""
        until = self._wiring.answer_by
        return until is not None and self._now() >= until

    def _would_be_late(self, refused: ModelError) -> bool:
        """Whether a model that refused wants to be asked again only when the run's time is over."""
        until = self._wiring.answer_by
        return until is not None and self._now() + (refused.retry_after or 0.0) >= until


class Progress:
    """Whether the rounds of a run do anything new. `failed`: the calls that failed in earlier rounds."""

    def __init__(self, failed: set[tuple[str, str, str]]) -> None:
        self.failed = failed

    def made(self, happened: Sequence[events.Event], rounds: int) -> bool:
        """Whether this round did anything but repeat calls that had failed in the same way before."""
        begin = max((i for i, e in enumerate(happened) if isinstance(e, events.RoundStarted)), default=0)
        tried, fresh = tried_in(happened[begin:])
        progressed = fresh or not tried <= self.failed or rounds == 0
        self.failed |= tried
        return progressed


def _not_of_schema(error: ValueError) -> str:
    """What the joiner is told of an answer; what is wrong with it may quote it, and with it what is not trusted."""
    return f"That does not follow the schema:\n<error>\n{inert(str(error), 'error')}\n</error>\n\nWrite it again."
