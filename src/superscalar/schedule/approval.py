"""Asking people whether single calls may be made: who is asked of what, and what their answers allow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from superscalar import events
from superscalar.errors import ApprovalPending
from superscalar.plan.ir import Call
from superscalar.policy import Question
from superscalar.schedule.attempt import Attempt
from superscalar.schedule.cells import READY, Cell
from superscalar.schedule.course import Course
from superscalar.schedule.effective import Arguments, as_recorded, digest_of, shown_arguments
from superscalar.schedule.ends import exception_text
from superscalar.schedule.ledger import Known, Ledger
from superscalar.schedule.permission import Permission
from superscalar.schedule.questions import pending
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.values import Failure


@dataclass(frozen=True, slots=True)
class Approver:
    """Who is asked. `ask`: the callback to await, None where nobody is there; `name`: what its answers are signed with.

    `later`: an answer may come after the process has ended, since the run is recorded.
    """

    ask: Callable[[Question], Coroutine[Any, Any, Any]] | None = None
    name: str = ""
    later: bool = False


class Approval:
    """Asks people about the calls of a run, and lets those be made that they approve of.

    A call of which a person is asked stays ready, and holds nothing; its place among the accesses is kept. An answer is
    recorded and stands, in a process that resumes the run too. A call that is withdrawn meanwhile (by a stop, or since
    nothing needs it any more) takes its question with it. `asked`: the questions without an answer, by their calls.
    """

    def __init__(self, run: str, ledger: Ledger, permission: Permission, approver: Approver, course: Course) -> None:
        self._run = run
        self._ledger = ledger
        self._permission = permission
        self._approver = approver
        self._course = course
        self._now = course.now
        self._happened = course.happened
        self.asked: dict[Cell, Question] = {}
        self._thinking: dict[Cell, asyncio.Task[None]] = {}
        self._made_with: dict[Known, Arguments] = {}  # in this process: what was asked is in the ledger
        self._leaving: set[asyncio.Task[None]] = set()

    def permits(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Arguments) -> bool:
        """Whether the policy, or a person, lets a call happen now; what was decided is an event."""
        known = self._ledger.known.get(cell.id)
        if known is not None and known.answer is not None and not known.answer.approved:
            by = f" by {known.answer.by}" if known.answer.by else ""
            self._deny(cell, f"it was not approved{by}")
            return False
        if known is not None and self._is_approved(known, cell, tool, arguments):
            decided = self._permission.approved(cell, tool, self._now())
        else:
            decided = self._decided(known, cell, tool, work, arguments)
        if decided is None:
            return True
        if decided.decision == "ask":
            decided = replace(
                decided, arguments=shown_arguments(tool, arguments), digest=self._digest(cell, tool, arguments)
            )
        self._happened(decided)
        if decided.decision == "ask":
            self._made_with[self._ledger.known[cell.id]] = arguments
            self._ask_about(cell, self._permission.question(self._run, cell, tool, work, decided))
        elif decided.decision == "deny":
            self._deny(cell, decided.reason)
        return decided.decision in ("allow", "warn")

    def _decided(
        self, known: Known | None, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Arguments
    ) -> events.Decided | None:
        """What is decided on a call. One that a person was asked about is asked about again, if no rule denies it now.

        Rules are not asked again about the same call, whatever they are by now.
        """
        now = self._now()
        if known is not None and known.asked.digest == self._digest(cell, tool, arguments):
            return replace(known.asked, at=now)
        decided = self._permission.decided(cell, tool, work, arguments, now)
        if known is None or (decided is not None and decided.decision in ("ask", "deny")):
            return decided
        return replace(known.asked, at=now)

    def _digest(self, cell: Cell, tool: Tool[..., Any], arguments: Arguments) -> str:
        return digest_of(self._run, cell.id, tool.name, shown_arguments(tool, arguments))

    def _is_approved(self, known: Known, cell: Cell, tool: Tool[..., Any], arguments: Arguments) -> bool:
        """Whether what is about to be called is what a person approved of."""
        return known.answer is not None and known.answer.digest == self._digest(cell, tool, arguments)

    def is_another(self, attempt: Attempt) -> bool:
        """Whether a person was asked about a call, and has not approved of what would be called now."""
        known = self._ledger.known.get(attempt.cell.id)
        try:
            return known is not None and not self._is_approved(known, attempt.cell, attempt.tool, attempt.arguments)
        except (ArgumentError, RecursionError):  # it could be shown when it was asked about
            return True

    def bind(self, known: Known, tool: Tool[..., Any], given: Arguments) -> Arguments:
        """What a call is made with that a person was asked about: what the question has, in another process too.

        Raises:
            ArgumentError: something of it is in no journal, and does not fit any more.
        """
        if known not in self._made_with:
            fixed = tool.named(given).keys() | tool.anew  # other defaults are what the tool declares now
            recorded = {name: value for name, value in (known.asked.arguments or {}).items() if name in fixed}
            self._made_with[known] = as_recorded(tool, given, recorded)
        return self._made_with[known]

    def _ask_about(self, cell: Cell, question: Question) -> None:
        """Ask a person, if there is one; else the run waits for an answer, or the call is denied."""
        if self._approver.ask is None and not self._approver.later:
            why = "nobody was there to ask (give the agent approve=, or a journal)"
            self._deny(cell, f"{why}: {question.why}")
            return
        self.asked[cell] = question
        if self._approver.ask is not None:
            answer = self._answer(cell, question, self._approver.ask)
            self._thinking[cell] = self._course.begin(answer, f"ask {cell.id}")

    async def _answer(
        self, cell: Cell, question: Question, ask: Callable[[Question], Coroutine[Any, Any, Any]]
    ) -> None:
        """One asyncio task per question. The only place where the exception of a callback is caught."""
        answer: object = None
        try:
            answer = await ask(question)
            wrong = "" if isinstance(answer, bool) else f"approve= returned {answer!r:.100}; return True or False"
        except BaseException as error:  # noqa: BLE001 -- a callback may raise anything; the call is denied then
            wrong = f"approve= raised {type(error).__name__}: {exception_text(error)}"
        try:
            if self.asked.get(cell) is question:  # else it was withdrawn meanwhile
                del self.asked[cell], self._thinking[cell]
                if wrong:
                    self._deny(cell, wrong)
                else:
                    digest = self._ledger.known[cell.id].asked.digest
                    by = self._approver.name
                    self._happened(events.Approved(self._now(), cell.id, answer is True, by, digest))
                    self._ledger.schedule.todo.append(cell)
                self._course.pump()
        except BaseException as bug:  # noqa: BLE001 -- `settle` raises it
            self._course.fail(bug)

    def _deny(self, cell: Cell, why: str) -> None:
        self._happened(events.Failed(self._now(), cell.id, Failure("denied", why)))

    @property
    def goes_on_later(self) -> bool:
        """Whether answers are missing that this process does not wait for."""
        return bool(self.asked) and self._approver.ask is None

    @property
    def somebody_thinks(self) -> bool:
        """Whether an answer may come in this process."""
        return bool(self.asked) and self._approver.ask is not None and self._ledger.schedule.sealed

    def pending(self) -> ApprovalPending:
        """What ends this process: nothing runs, and what is asked is recorded."""
        return pending(self._run, self.asked.values())

    def withdraw(self, cell: Cell) -> None:
        """Nobody needs to answer for this call any more."""
        del self.asked[cell]
        runner = self._thinking.pop(cell, None)
        if runner is not None:
            runner.cancel()
            self._leaving.add(runner)
            runner.add_done_callback(self._leaving.discard)

    def withdraw_unneeded(self) -> None:
        """Nothing needs some calls any more: nobody needs to answer for them."""
        for cell in [cell for cell in self.asked if cell.status is not READY]:
            self.withdraw(cell)

    def withdraw_all(self, why: Failure | None = None) -> None:
        """Nobody needs to answer any more; the calls fail for that, unless somebody else asks again."""
        for cell in list(self.asked):
            self.withdraw(cell)
            if why is not None:
                self._happened(events.Failed(self._now(), cell.id, why))

    async def ended(self, grace: float) -> None:
        """Wait until the callbacks that were withdrawn have ended, for so many seconds at the most."""
        for _ in range(2):  # a function in a thread cannot be stopped: it is not waited for after a second time
            if not self._leaving:
                return
            with suppress(asyncio.CancelledError):  # a second cancel is not heard
                await asyncio.wait(set(self._leaving), timeout=grace)
            for runner in self._leaving:
                runner.cancel()
