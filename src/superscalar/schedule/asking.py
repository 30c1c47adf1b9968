"""The part of a unit that has people asked: of single calls, which wait meanwhile, and of plans before they begin."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from superscalar import events
from superscalar.errors import ApprovalPending, IllegalEvent
from superscalar.plan.ir import Call
from superscalar.policy import Question
from superscalar.schedule.attempt import Attempt, Bounds, never_started, text_of
from superscalar.schedule.cells import READY, Cell
from superscalar.schedule.effective import Arguments, as_recorded, digest_of, shown
from superscalar.schedule.ledger import Known, Ledger
from superscalar.schedule.limits import Limits
from superscalar.schedule.permission import Permission
from superscalar.schedule.questions import pending
from superscalar.schedule.stopping import Stopping
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.values import Failure, FailureKind

NOBODY = "nobody was there to ask (give the agent approve=, or a journal)"


@dataclass(frozen=True, slots=True)
class Approver:
    """Who is asked. `ask`: the callback to await, None where nobody is there; `name`: what its answers are signed with.

    `later`: an answer may come after the process has ended, since the run is recorded.
    """

    ask: Callable[[Question], Coroutine[Any, Any, Any]] | None = None
    name: str = ""
    later: bool = False


@dataclass(eq=False, slots=True)
class _Open:
    """A question without an answer, and the asyncio task of the callback that was asked."""

    question: Question
    runner: asyncio.Task[None] | None = None


class Asking(Stopping):
    """A call of which a person is asked stays ready, and holds nothing; its place among the accesses is kept.

    An answer is recorded and stands, in a process that resumes the run too. A call that is withdrawn meanwhile (by a
    stop, or since nothing needs it any more) takes its question with it.
    """

    permission: Permission

    def __init__(self, ledger: Ledger, bounds: Bounds, limits: Limits, approver: Approver, run: str) -> None:
        super().__init__(ledger, bounds, limits)
        self.run_id = run
        self._approver = approver
        self._asked: dict[Cell, _Open] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._on_hold = False
        self._bug: BaseException | None = None

    @abstractmethod
    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """An asyncio task that sees the variables of whoever started the run."""

    # -------------------------------------------------------------------------------------------- the plan as a whole

    def hold(self) -> None:
        """Take in tasks from now on without beginning anything, until `release`."""
        self._on_hold = True

    def release(self) -> None:
        """The plan was approved: what is ready may begin, with the next thing that happens."""
        self._on_hold = False

    async def suspend(self) -> None:
        """End what runs though nothing needs it: this process ends, and the run does not."""
        while self._live:
            for attempt in list(self._live):
                self._drop(attempt)
            if self._live:
                self._wakeup = self.loop.create_future()
                await self._wakeup
        self._set_alarm(inf)

    # ------------------------------------------------------------------------------------------------- single calls

    def _permitted(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Arguments) -> bool:
        """Whether the policy, or a person, lets a call happen now; what was decided is an event."""
        known = self.ledger.known.get(cell.id)
        if known is not None and known.answer is not None and not known.answer.approved:
            by = f" by {known.answer.by}" if known.answer.by else ""
            self._happened(events.Failed(self._now(), cell.id, Failure("denied", f"it was not approved{by}")))
            return False
        if known is not None and self._is_approved(known, cell, tool, arguments):
            decided = self.permission.approved(cell, tool, self._now())
        else:
            decided = self._decided(known, cell, tool, work, arguments)
        if decided is None:
            return True
        if decided.decision == "ask":
            decided = replace(decided, arguments=shown(tool, arguments), digest=self._digest(cell, tool, arguments))
        self._happened(decided)
        if decided.decision == "ask":
            self.ledger.known[cell.id].bound = arguments
            self._ask_about(cell, self.permission.question(self.run_id, cell, tool, work, decided))
        elif decided.decision == "deny":
            self._happened(events.Failed(self._now(), cell.id, Failure("denied", decided.reason)))
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
        decided = self.permission.decided(cell, tool, work, arguments, now)
        if known is None or (decided is not None and decided.decision in ("ask", "deny")):
            return decided
        return replace(known.asked, at=now)

    def _digest(self, cell: Cell, tool: Tool[..., Any], arguments: Arguments) -> str:
        return digest_of(self.run_id, cell.id, tool.name, shown(tool, arguments))

    def _is_approved(self, known: Known, cell: Cell, tool: Tool[..., Any], arguments: Arguments) -> bool:
        """Whether what is about to be called is what a person approved of."""
        return known.answer is not None and known.answer.digest == self._digest(cell, tool, arguments)

    def _is_another(self, attempt: Attempt) -> bool:
        """Whether a person was asked about a call, and has not approved of what would be called now."""
        known = self.ledger.known.get(attempt.cell.id)
        try:
            return known is not None and not self._is_approved(known, attempt.cell, attempt.tool, attempt.arguments)
        except (ArgumentError, RecursionError):  # it could be shown when it was asked about
            return True

    def _bound(self, known: Known, tool: Tool[..., Any], given: Arguments) -> Arguments:
        """What a call is made with that a person was asked about: what the question has, in another process too.

        Raises:
            ArgumentError: something of it is in no journal, and does not fit any more.
        """
        if known.bound is None:
            fixed = tool.named(given).keys() | tool.anew  # other defaults are what the tool declares now
            recorded = {name: value for name, value in (known.asked.arguments or {}).items() if name in fixed}
            known.bound = as_recorded(tool, given, recorded)
        return known.bound

    def _ask_about(self, cell: Cell, question: Question) -> None:
        """Ask a person, if there is one; else the run waits for an answer, or the call is denied."""
        if self._approver.ask is None and not self._approver.later:
            self._happened(events.Failed(self._now(), cell.id, Failure("denied", f"{NOBODY}: {question.why}")))
            return
        opened = self._asked[cell] = _Open(question)
        if self._approver.ask is not None:
            opened.runner = self.begin(self._answer(cell, opened, self._approver.ask), f"ask {cell.id}")

    async def _answer(self, cell: Cell, opened: _Open, ask: Callable[[Question], Coroutine[Any, Any, Any]]) -> None:
        """One asyncio task per question. The only place where the exception of a callback is caught."""
        answer: object = None
        try:
            answer = await ask(opened.question)
            wrong = "" if isinstance(answer, bool) else f"approve= returned {answer!r:.100}; return True or False"
        except BaseException as error:  # noqa: BLE001 -- a callback may raise anything; the call is denied then
            wrong = f"approve= raised {type(error).__name__}: {text_of(error)}"
        try:
            if self._asked.get(cell) is opened:  # else it was withdrawn meanwhile
                del self._asked[cell]
                if wrong:
                    self._happened(events.Failed(self._now(), cell.id, Failure("denied", wrong)))
                else:
                    self._note_answer(cell, answer is True)
                self._pump()
        except BaseException as bug:  # noqa: BLE001 -- as for attempts: `settle` raises it
            self._bug = self._bug or bug
            self._wake()

    def _note_answer(self, cell: Cell, approved: bool) -> None:
        asked = self.ledger.known[cell.id].asked
        self._happened(events.Approved(self._now(), cell.id, approved, self._approver.name, asked.digest))
        self.schedule.todo.append(cell)

    # ------------------------------------------------------------------------------------------------------- ends

    @property
    def _somebody_thinks(self) -> bool:
        """Whether an answer may come in this process."""
        return bool(self._asked) and self._approver.ask is not None and self.schedule.sealed

    def stop(self, kind: FailureKind) -> None:
        """As without questions; a call that a person was asked about has not started, and nobody needs to answer."""
        if self._suspending:
            return
        if self._stopped is None:
            for cell in list(self._asked):
                self._withdraw(cell)
                self._happened(events.Failed(self._now(), cell.id, never_started(kind)))
        self._on_hold = False
        super().stop(kind)

    def leave(self) -> None:
        """As without questions; they are asked again by whoever goes on."""
        for cell in list(self._asked):
            self._withdraw(cell)
        self._on_hold = True
        super().leave()

    async def cancel(self, kind: FailureKind = "cancelled") -> None:
        """As without questions; callbacks have the grace period to end, too."""
        await super().cancel(kind)
        for _ in range(2):  # a function in a thread cannot be stopped: it is not waited for after a second time
            if not self._leaving:
                return
            with suppress(asyncio.CancelledError):  # a second cancel is not heard
                await asyncio.wait(set(self._leaving), timeout=self._bounds.grace)
            for runner in self._leaving:
                runner.cancel()

    def _withdraw(self, cell: Cell) -> None:
        opened = self._asked.pop(cell)
        if opened.runner is not None:
            opened.runner.cancel()
            self._leaving.add(opened.runner)
            opened.runner.add_done_callback(self._leaving.discard)

    def _withdraw_unneeded(self) -> None:
        """Nothing needs some calls any more: nobody needs to answer for them."""
        for cell in [cell for cell in self._asked if cell.status is not READY]:
            self._withdraw(cell)

    def _fail_unsealed(self) -> bool:
        if super()._fail_unsealed():
            return True
        if self.schedule.sealed or not self._asked:
            return False
        cell = next(iter(self._asked))
        self._withdraw(cell)
        message = "the plan was never completed, so nobody is asked"
        self._happened(events.Failed(self._now(), cell.id, Failure("cancelled", message)))
        self._pump()
        return True

    def _let_go(self) -> None:
        """Only answers are missing that this process does not wait for: end what runs though nothing needs it."""
        lonely = self._asked and self._approver.ask is None
        if lonely and all(self.schedule.is_unneeded(attempt.cell) for attempt in self._live):
            for attempt in list(self._live):
                self._drop(attempt)

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _stuck(self) -> IllegalEvent:
        waiting = ", ".join(f"{cell.id} ({cell.status}, misses {cell.missing})" for cell in self.schedule.open_cells())
        return IllegalEvent(f"nothing runs and nothing can start, but these tasks have not settled: {waiting}")

    def _suspended(self) -> ApprovalPending:
        """What ends this process: nothing runs, and what is asked is recorded."""
        self._set_alarm(inf)
        return pending(self.run_id, [opened.question for opened in self._asked.values()])
