"""Planning: one round of the planner's replies, read into the program while they are written, until a plan is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, TypeAlias

from superscalar import events, planner
from superscalar.compiler.asking import Asking, earlier
from superscalar.compiler.budget import Budget, Spent
from superscalar.errors import ModelError, PlanError
from superscalar.models.base import ChatModel, Message, Request
from superscalar.models.ending import is_whole, why_cut
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.fronts.detect import Syntax, reader_of
from superscalar.plan.grammars import Grammar
from superscalar.plan.ir import Span, Task
from superscalar.plan.lines import complete_lines
from superscalar.plan.printer import print_plan
from superscalar.plan.program import Program, Step

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


class Planning:
    """One round of planning of one run. `deadline`: the run's, on the clock of `now`.

    `take` gets what a reply completed, at once. `settled` waits for what it began. `spent`: the budget, if any, that
    does not allow to ask the planner again.
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
        begun = len(program.in_order())
        most = self._terms.max_repairs
        cut = ""
        for attempt in range(most + 1):
            if attempt:
                self._record(events.Repairing(self._now(), attempt, cut))
            corrects = (repairing or attempt > 0) and (program.broken or continuing)
            text, ending = await self._reply(program, conversation, corrects=corrects)
            cut = ending.why
            said = [Message("assistant", text)]
            if self._is_late() or (program.complete and not cut):
                conversation += said
                return "late" if self._is_late() else "whole"
            problems = program.problems or (() if cut else (_unfinished(text),))
            planned = program.in_order()[begun:]
            found = [(problem.code, problem.message, problem.line_text) for problem in problems]
            found += [("cut", cut, str(len(planned)))] if cut else []
            continuing = continuing or bool(cut and planned)
            if self._spent() is not None:
                return "spent"
            if attempt == most or found == before:
                if ending.error is not None:
                    await self._settled()  # as below
                    raise ending.error
                times = f" after {attempt} repair{'s' * (attempt != 1)}" if attempt else ""
                again = ": the planner repeated them" if found == before else ""
                why = f"\nits reply was cut: {cut}" if cut else ""
                shown = problems or (_cut_off(text),)
                raise PlanError(shown, summary=f"the planner's plan still has errors{times}{again}{why}")
            before = found
            if cut and (planned or not problems):
                said = rest_of(text, planned, program.problems, self._terms.syntax)
            else:
                said.append(Message("user", planner.repair_message(problems, self._terms.syntax)))
            conversation += said
        raise AssertionError("the last attempt returns or raises")

    async def _reply(self, program: Program, conversation: list[Message], *, corrects: bool) -> tuple[str, _Ending]:
        """Stream one reply of the planner into the program; returns its text and how it ended."""
        terms = self._terms
        if terms.model is None:
            raise ModelError("this agent has no model")
        reader = reader_of(terms.syntax, program)
        if corrects:
            program.begin_repair()
        written: list[str] = []
        finished = False
        finish: str | None = None
        torn: ModelError | None = None
        most = self._budget.tokens_left(terms.max_tokens)
        request = Request(tuple(conversation), max_tokens=most, grammar=terms.grammar)
        try:
            async with (
                asyncio.timeout_at(earlier(self._deadline, terms.timeout, self._now())) as clock,
                aclosing(self._asking.ask("planner", terms.model, request, terms.timeout)) as chunks,
            ):
                async for chunk in chunks:
                    if chunk.preparing is not None:
                        clock.reschedule(earlier(self._deadline, terms.timeout, self._now()))
                    if reader.ended and chunk.text.strip():
                        finished = True  # the plan is whole: what a talkative model adds is not waited for
                        break
                    if chunk.text:
                        written.append(chunk.text)
                        self._record(events.PlanWritten(self._now(), chunk.text))
                        self._take(reader.feed(chunk.text))
                    finish = chunk.finish or finish
        except TimeoutError:
            if not self._is_late():
                await self._settled()  # as below
                raise ModelError(
                    f"the planner wrote no complete plan within {terms.timeout:g} s", retryable=True
                ) from None
            self._late = True
        except ModelError as error:
            if not (error.retryable and written):
                await self._settled()  # what it had planned runs to its end; its writes fail, unsealed
                raise
            torn = error  # in the middle of the reply: what was read of it stays
        finished = finished or (torn is None and is_whole(finish))
        finished = finished or reader.ended  # rule L18: a complete join line seals, whatever comes behind it
        self._take(reader.finish("stop" if finished else "cut"))
        if corrects:
            self._take(program.end_repair())
        if finished or self._late:
            return "".join(written), _Ending()
        return "".join(written), _Ending(why_cut(finish) if torn is None else str(torn), torn)

    def _is_late(self) -> bool:
        """Whether the run's deadline has passed."""
        return self._late or (self._deadline is not None and self._now() >= self._deadline)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a reply ended: `why` it was cut, empty if it was not, and the `error` if that is what cut it."""

    why: str = ""
    error: ModelError | None = None


def rest_of(text: str, planned: Sequence[Task], problems: Sequence[Diagnostic], syntax: Syntax) -> list[Message]:
    """The turns that ask for the rest of a plan that was cut; none where nothing of it is there.

    `text`: the reply as far as it came, empty if it is not there any more; what can be gone on from is shown.
    """
    shown = complete_lines(text) if text and syntax == "python" and not problems else print_plan(planned)
    if not shown:
        return []
    return [Message("assistant", shown), Message("user", planner.resume_message(problems, syntax))]


def _cut_off(text: str) -> Diagnostic:
    return _at_the_end(text, "the plan was cut off here")


def _unfinished(text: str) -> Diagnostic:
    return _at_the_end(text, "the plan waits for lines that were never repaired")


def _at_the_end(text: str, why: str) -> Diagnostic:
    lines = text.rstrip("\n").split("\n")
    where = Span(len(lines), 0, len(lines), max(len(lines[-1]), 1))
    return Diagnostic("E003", why, where, lines[-1], help="write the rest of the plan, up to join(...)")
