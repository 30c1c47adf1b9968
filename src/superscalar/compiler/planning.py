"""Planning: one round of the planner's replies, read into the program while they are written, until a plan is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from superscalar import events, planner
from superscalar.compiler.asking import Asking, earlier
from superscalar.compiler.budget import Budget, Spent
from superscalar.errors import ModelError, PlanError
from superscalar.models.base import ChatModel, Message, Request
from superscalar.models.cleaning import thinks_aloud
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.fronts.detect import Syntax, reader_of
from superscalar.plan.grammars import Grammar
from superscalar.plan.ir import Span
from superscalar.plan.program import Program, Step
from superscalar.plan.python import MAX_PROSE

PROSE_SECONDS: Final = 10.0
"""How long prose is read behind a complete `join` (rule L18)."""

_CHARACTERS: Final = 4  # to a token, where nobody counted

Ended: TypeAlias = Literal["whole", "late", "spent"]
"""How a round of planning ended: its plan may be sealed, the run's deadline passed, or nobody may mend it any more."""


@dataclass(frozen=True, slots=True)
class PlanningTerms:
    """How the planner of an agent is asked. `timeout`: seconds for one reply."""

    model: ChatModel | None
    syntax: Syntax
    grammar: Grammar | None
    timeout: float | None
    max_tokens: int
    max_repairs: int


class _Reply:
    """One reply of the planner, read into the program while it comes.

    `aloud`: its thoughts may come as text, so nothing says that its plan is whole before it ends. `joined`: a `join` is
    complete, `joined_at` since when; `behind`: how many characters came behind it. `cut`, behind the `end`: it broke
    off. `finished`: the provider says that it has ended as it should.
    """

    def __init__(self, program: Program, syntax: Syntax, *, corrects: bool, aloud: bool) -> None:
        self.finished = False
        self.joined_at = 0.0
        self.behind = 0
        self._program = program
        self._syntax = syntax
        self._corrects = corrects
        self._aloud = aloud
        self._text: list[str] = []
        self._joins = 0
        if corrects:
            program.begin_repair()
        self._reader = reader_of(syntax, program, prose=None if aloud else MAX_PROSE)

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(self._text)

    @property
    def joined(self) -> bool:
        """Whether a `join` is complete, and what may follow it is waited for."""
        return self._reader.tail != ""

    @property
    def cut(self) -> bool:
        """Whether it broke off before its plan was whole."""
        return not self._reader.whole

    def is_read(self, more: str) -> bool:
        """Whether the plan is whole already, so that more text is not waited for."""
        return self._reader.ended and bool(more.strip())

    def read(self, text: str, now: float) -> Iterable[Step]:
        """Take the next piece."""
        self._text.append(text)
        if self._corrects and self._syntax != "python":
            return ()  # it is read at its end: a correction cannot be taken back
        steps = self._reader.feed(text)
        self.behind += len(text)
        if self._reader.joins != self._joins:
            self._joins, self.joined_at, self.behind = self._reader.joins, now, 0
        return steps

    def seconds(self, timeout: float | None) -> float | None:
        """How long to read on behind the `join`."""
        if self._reader.tail == "prose" and not self._aloud:
            return PROSE_SECONDS if timeout is None else min(timeout, PROSE_SECONDS)
        return timeout

    def withdrawn(self) -> Iterable[Step]:
        """All of it was a thought: take it back."""
        self._text.clear()
        self._aloud = False
        self._joins = 0
        self._reader = reader_of(self._syntax, self._program)
        return () if self._corrects else self._program.retract("it was a thought")

    def end(self) -> Iterable[Step]:
        """It has ended."""
        if self._corrects and self._syntax != "python":
            yield from self._reader.feed(self.text)
        yield from self._reader.finish("stop" if self.finished else "cut")
        if self._corrects:
            yield from self._program.end_repair()


class Planning:
    """One round of planning of one run. `deadline`: the run's, on the clock of `now`.

    `take` gets what a reply completed, at once. `settled` waits for what it began. `spent`: the budget, if any, that
    does not allow to ask the planner again. Between `hold` and `release` nothing that was taken begins.
    """

    def __init__(
        self,
        terms: PlanningTerms,
        asking: Asking,
        budget: Budget,
        record: Callable[[events.Event], None],
        now: Callable[[], float],
        take: Callable[[Iterable[Step]], None],
        settled: Callable[[], Awaitable[object]],
        spent: Callable[[], Spent | None],
        hold: Callable[[], None],
        release: Callable[[], None],
        *,
        deadline: float | None,
    ) -> None:
        self._terms = terms
        self._asking = asking
        self._budget = budget
        self._record = record
        self._now = now
        self._take = take
        self._settled = settled
        self._spent = spent
        self._hold = hold
        self._release = release
        self._deadline = deadline
        self._late = False

    async def round(
        self, program: Program, conversation: list[Message], *, repairing: bool = False, continuing: bool = False
    ) -> Ended:
        """Stream plans into the program and send their errors back, until one is whole.

        Appends what was said to `conversation`. `repairing`: what the planner writes first are corrections already;
        `continuing`: of a plan that an earlier process began.

        Raises:
            PlanError: errors remained after the last repair, or the planner repeated them.
            ModelError: the planner failed. What it had planned settles first.
        """
        before: list[tuple[str, str, str]] = []
        most = self._terms.max_repairs
        for attempt in range(most + 1):
            if attempt:
                self._record(events.Repairing(self._now(), attempt))
            corrects = (repairing or attempt > 0) and (program.broken or continuing)
            reply = await self._reply(program, conversation, corrects=corrects)
            conversation.append(Message("assistant", reply.text))
            if self._is_late():
                return "late"
            if program.complete and not reply.cut:
                return "whole"
            problems = program.problems or (_unfinished(reply.text, reply.cut),)
            found = [(problem.code, problem.message, problem.line_text) for problem in problems]
            if self._spent() is not None:
                return "spent"
            if attempt == most or found == before:
                times = f" after {attempt} repair{'s' * (attempt != 1)}" if attempt else ""
                again = ": the planner repeated them" if found == before else ""
                summary = f"the planner's plan still has errors{times}{again}"
                raise PlanError(problems, summary=summary, reply=reply.text)
            before = found
            conversation.append(Message("user", planner.repair_message(problems, self._terms.syntax)))
        raise AssertionError("the last attempt returns or raises")

    async def _reply(self, program: Program, conversation: list[Message], *, corrects: bool) -> _Reply:
        """Stream one reply of the planner into the program."""
        terms = self._terms
        if terms.model is None:
            raise ModelError("this agent has no model")
        aloud = thinks_aloud(terms.model)
        reply = _Reply(program, terms.syntax, corrects=corrects, aloud=aloud)
        if aloud:
            self._hold()
        most = self._budget.tokens_left(terms.max_tokens)
        request = Request(tuple(conversation), max_tokens=most, grammar=terms.grammar)
        try:
            async with (
                asyncio.timeout_at(earlier(self._deadline, terms.timeout, self._now())) as clock,
                aclosing(self._asking.ask("planner", terms.model, request)) as chunks,
            ):
                async for chunk in chunks:
                    if chunk.preparing is not None:
                        clock.reschedule(earlier(self._deadline, terms.timeout, self._now()))
                    if chunk.withdrawn:
                        self._take(reply.withdrawn())
                        if aloud:
                            self._release()
                        clock.reschedule(earlier(self._deadline, terms.timeout, self._now()))
                    if chunk.text:
                        if reply.is_read(chunk.text):
                            break
                        self._record(events.PlanWritten(self._now(), chunk.text))
                        self._take(reply.read(chunk.text, self._now()))
                        if reply.joined:
                            clock.reschedule(earlier(self._deadline, reply.seconds(terms.timeout), reply.joined_at))
                        if reply.joined and reply.behind > _CHARACTERS * terms.max_tokens:
                            break
                    reply.finished = reply.finished or chunk.finish == "stop"
        except TimeoutError:
            if self._is_late():
                self._late = True
            elif not reply.joined:
                await self._settled()  # as below
                raise ModelError(
                    f"the planner wrote no complete plan within {terms.timeout:g} s", retryable=True
                ) from None
        except ModelError:
            if not reply.joined:
                await self._settled()  # what it had planned runs to its end; its writes fail, unsealed
                raise
        self._take(reply.end())
        if aloud:
            self._release()
        return reply

    def _is_late(self) -> bool:
        """Whether the run's deadline has passed."""
        return self._late or (self._deadline is not None and self._now() >= self._deadline)


def _unfinished(text: str, cut: bool) -> Diagnostic:
    lines = text.rstrip("\n").split("\n")
    where = Span(len(lines), 0, len(lines), max(len(lines[-1]), 1))
    why = "the plan was cut off here" if cut else "the plan waits for lines that were never repaired"
    return Diagnostic("E003", why, where, lines[-1], help="write the rest of the plan, up to join(...)")
