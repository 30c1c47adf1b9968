"""Planning: one round of the planner's replies, read into the program while they are written, until a plan is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Final, Literal, TypeAlias

from superscalar import events, planner
from superscalar.compiler.budget import Spent
from superscalar.compiler.past import rest_of
from superscalar.compiler.wiring import Wiring
from superscalar.errors import ModelError, PlanError
from superscalar.models.base import ChatModel, Message, Request
from superscalar.models.cleaning import thinks_aloud
from superscalar.models.ending import is_whole, why_cut
from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.detect import Syntax, reader_of
from superscalar.plan.read.fronts.reader import MAX_PROSE
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.short import CHARACTERS_PER_TOKEN

PROSE_SECONDS: Final = 10.0
"""How long prose is read behind a complete `join` (rule L18)."""

Ended: TypeAlias = Literal["whole", "late", "spent"]
"""How a round of planning ended: its plan may be sealed, the run's deadline passed, or nobody may mend it any more."""


class _PlannerReply:
    """One reply of the planner, read into the program while it comes.

    `aloud`: its thoughts may come as text, so nothing says that its plan is whole before it ends. `joined`: a `join` is
    complete, `joined_at` since when; `behind`: how many characters came behind it. `finish`: the provider's word for
    its end, `torn`: the error that ended it instead. `by`: the model that was asked last, and `carry`, what that
    wants back with it. `cut`, behind the `end`: why its plan is not whole, if it is not. `goes_on`: the reply before it
    was cut, so that the two may be one thought.
    """

    def __init__(self, program: Program, syntax: Syntax, *, corrects: bool, goes_on: bool, aloud: bool) -> None:
        self.finish: str | None = None
        self.torn: ModelError | None = None
        self.carry: object | None = None
        self.by = ""
        self.joined_at = 0.0
        self.behind = 0
        self._program = program
        self._syntax = syntax
        self._corrects = corrects
        self._goes_on = goes_on
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
    def cut(self) -> str:
        """Why it is not whole."""
        if self._reader.whole:
            return ""
        return why_cut(self.finish) if self.torn is None else str(self.torn)

    @property
    def gone_on_from(self) -> str:
        """Its text, where that is the plan as far as it came; empty where programs before that stand in it."""
        return "" if self._reader.tail else self.text

    def is_read(self, more: str) -> bool:
        """Whether the plan is whole already, so that more text is not waited for."""
        return self._reader.ended and bool(more.strip())

    def read(self, text: str, now: float) -> Iterable[ProgramStep]:
        """Take the next piece."""
        self._text.append(text)
        steps = self._reader.feed(text)
        self.behind += len(text)
        if self._reader.joins != self._joins:
            self._joins, self.joined_at, self.behind = self._reader.joins, now, 0
        return steps

    def ends_at(self, timeout: float | None) -> float | None:
        """Until when to read on behind the `join`; None is no bound."""
        if self._reader.tail == "prose" and not self._aloud:
            timeout = PROSE_SECONDS if timeout is None else min(timeout, PROSE_SECONDS)
        return None if timeout is None else self.joined_at + timeout

    def withdrawn(self) -> Iterable[ProgramStep]:
        """All of it was a thought: take it back, and with it what it went on from."""
        self._text.clear()
        self._aloud = False
        self._joins = 0
        steps = () if self._corrects and not self._goes_on else tuple(self._program.retract("it was a thought"))
        self._corrects = self._corrects and not self._goes_on
        self._goes_on = False
        if self._corrects:
            self._program.begin_repair()
        self._reader = reader_of(self._syntax, self._program)
        return steps

    def end(self) -> Iterable[ProgramStep]:
        """It has ended."""
        whole = self.torn is None and is_whole(self.finish)
        if self._aloud and not whole:
            self._goes_on = False  # what came before was read as no thought
            yield from self.withdrawn()  # it was cut before the tag that would have closed its thought
        yield from self._reader.finish("stop" if whole else "cut")
        if self._corrects:
            yield from self._program.end_repair()


class Planning:
    """One round of planning of one run. `take` gets what a reply completed, at once. `running`: that begins.

    `listing`: what the planner is told of tools.
    """

    def __init__(
        self,
        wiring: Wiring,
        listing: planner.ToolListing,
        take: Callable[[Iterable[ProgramStep]], None],
        *,
        running: bool,
    ) -> None:
        self._equipment = wiring.equipment
        self._wiring = wiring
        self._listing = listing
        self._record = wiring.log.record
        self._now = wiring.now
        self._take = take
        self._running = running
        self._late = False

    async def round(
        self,
        program: Program,
        conversation: list[Message],
        *,
        repairing: bool = False,
        continuing: bool = False,
        cut: str = "",
    ) -> Ended:
        """Stream plans into the program and send their errors back, until one is whole.

        Appends what was said to `conversation`. `repairing`: what the planner writes first are corrections already;
        `continuing`: of a plan that an earlier process began; `cut`: why the last reply that it had is not whole.

        Raises:
            PlanError: errors remained after the last repair, or the planner repeated them.
            ModelError: the planner failed. What it had planned settles first.
        """
        before: dict[str, list[tuple[str, str, str]]] = {}  # by the model that wrote it
        begun = len(program.in_order())
        most = self._equipment.options.max_repairs
        for attempt in range(most + 1):
            if attempt:
                self._record(events.Repairing(self._now(), attempt, cut))
            corrects = (repairing or attempt > 0) and (program.broken or continuing)
            reply = await self._reply(program, conversation, corrects=corrects, goes_on=cut != "")
            text, cut = reply.text, reply.cut
            said = [Message("assistant", text).carrying(reply.carry)]
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
            repeated = found == before.get(reply.by, []) and (
                bool(cut) or all(_says(text, problem) for problem in problems)
            )
            if attempt == most or repeated:
                if reply.torn is not None:
                    await self._wiring.unit.settle()  # as below
                    raise reply.torn
                times = f" after {attempt} repair{'s' * (attempt != 1)}" if attempt else ""
                again = ": the planner repeated them" if repeated else ""
                why = f"\nits reply was cut: {cut}" if cut else ""
                summary = f"the planner's plan still has errors{times}{again}{why}"
                raise PlanError(problems or (_cut_off(text),), summary=summary, reply=text)
            before[reply.by] = found
            if cut and (planned or not problems):
                syntax = self._equipment.syntax
                said = rest_of(reply.gone_on_from, planned, program.problems, syntax, self._listing)
                for turn in said[:1]:
                    turn.carrying(reply.carry)
            else:
                asked = planner.repair_message(problems, self._equipment.syntax)
                said.append(Message("user", self._listing.meant(problems, asked)))
            conversation += said
        raise AssertionError("the last attempt returns or raises")

    async def _reply(
        self, program: Program, conversation: list[Message], *, corrects: bool, goes_on: bool
    ) -> _PlannerReply:
        """Stream one reply of the planner into the program."""
        equipment, unit = self._equipment, self._wiring.unit
        timeout = equipment.options.planner_timeout
        if not equipment.planners:
            raise ModelError("this agent has no model")
        aloud = any(map(thinks_aloud, equipment.planners))
        reply = _PlannerReply(program, equipment.syntax, corrects=corrects, goes_on=goes_on, aloud=aloud)
        if aloud:
            unit.hold()
        most = self._wiring.tokens_left(equipment.options.max_plan_tokens)
        turns = tuple(conversation)

        def request_of(model: ChatModel) -> Request:
            reply.by = model.name
            return Request(turns, max_tokens=most, grammar=equipment.grammar_of(self._listing, model))

        try:
            with self._wiring.patience(timeout, self._wiring.deadline) as time:
                async with aclosing(
                    self._wiring.asking.ask("planner", equipment.planners, request_of, time, spent=self._spent)
                ) as chunks:
                    async for chunk in chunks:
                        if chunk.withdrawn:
                            self._take(reply.withdrawn())
                            if aloud:
                                self._release()
                        if chunk.text:
                            if reply.is_read(chunk.text):
                                break
                            self._record(events.PlanWritten(self._now(), chunk.text))
                            self._take(reply.read(chunk.text, self._now()))
                            if reply.joined:
                                time.end_at(reply.ends_at(timeout))
                            if reply.joined and reply.behind > CHARACTERS_PER_TOKEN * equipment.options.max_plan_tokens:
                                break
                        reply.finish = chunk.finish or reply.finish
                        reply.carry = chunk.carry or reply.carry
        except TimeoutError:
            if self._is_late() or (timeout is None and not reply.joined):
                self._late = True
            elif not reply.joined:
                await self._wiring.unit.settle()  # as below
                late = f"the planner wrote no complete plan within {timeout:g} s (planner_timeout)"
                raise ModelError(late, retryable=True, said=reply.text) from None
        except ModelError as error:
            if not (reply.joined or (error.retryable and (reply.text or self._spent() is not None))):
                await self._wiring.unit.settle()  # what it had planned runs to its end; its writes fail, unsealed
                raise
            reply.torn = error  # in the middle of the reply: what was read of it stays
        self._take(reply.end())
        if aloud:
            self._release()
        return reply

    def _spent(self) -> Spent | None:
        """The budget that allows no further reply; a plan that is not run has none."""
        return self._wiring.spent() if self._running else None

    def _release(self) -> None:
        if not (self._equipment.options.approve_plan or self._equipment.way.whole):
            self._wiring.unit.release()

    def _is_late(self) -> bool:
        """Whether the run's deadline has passed."""
        return self._late or (self._wiring.deadline is not None and self._now() >= self._wiring.deadline)


def _says(text: str, problem: Diagnostic) -> bool:
    """Whether a reply has a line that is wrong word for word."""
    return " ".join(problem.line_text.split()) in " ".join(text.split())


def _cut_off(text: str) -> Diagnostic:
    return _at_the_end(text, "the plan was cut off here")


def _unfinished(text: str) -> Diagnostic:
    return _at_the_end(text, "the plan waits for lines that were never repaired")


def _at_the_end(text: str, why: str) -> Diagnostic:
    lines = text.rstrip("\n").split("\n")
    where = Span(len(lines), 0, len(lines), max(len(lines[-1]), 1))
    return Diagnostic("E003", why, where, lines[-1], help="write the rest of the plan, up to join(...)")
