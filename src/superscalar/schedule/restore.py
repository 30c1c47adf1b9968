"""Going on where the process before died: recorded events in, a unit in the same state and the same work left out.

Events are recorded before they are applied and acted on, and of what was recorded always a prefix survives. So the
state after the surviving events is a state that the run was in, and what was to be done then is known: the commands
that they led to and that no later one answers, the attempts that were under way, and the one step of the unit that
records two facts in a row of which only the first survived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from superscalar import events
from superscalar.errors import IllegalEvent
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable
from superscalar.plan.ir import Call, Compute, Literal, Task
from superscalar.schedule import gather
from superscalar.schedule.attempt import Attempt
from superscalar.schedule.cells import DOOMED, GATHERING, PENDING, READY, RUNNING, Cell
from superscalar.schedule.commands import Command, Issue, Name, Refuse, Release, Repeat, Revive, Skip
from superscalar.schedule.doubts import CUT_OFF, CallAgain, Done, Doubt, StillUnknown, Verdict
from superscalar.schedule.effective import bound_again, given_to, shown_arguments
from superscalar.schedule.ends import never_started, too_many
from superscalar.schedule.ledger import Ledger, UnderWay
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.values import Failure, TaskId, copied

_REFUSED = Compute(Literal(None))  # what is planned of a task that is refused: the failure follows


class Rest:
    """What is left of a run: `unit` begins in the state that its recorded events leave behind.

    Making it records nothing and calls nothing; `hear` is told of each event when the ledger has it. `doubts` are the
    writes that must be answered for; `go_on` takes the answers and does what is left to be done. From then on the unit
    is one as any other.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        recorded: Sequence[events.Event],
        hear: Callable[[events.Event, Ledger], None] = lambda *_: None,
    ) -> None:
        self.unit = unit = TaskFetchingUnit(surroundings)
        self._run = surroundings
        self._ledger = unit.ledger
        self._schedule = unit.schedule
        self._now = unit.now
        self._happened = unit.happened
        self._pending: list[Command] = []
        self._dead: tuple[TaskId, ...] = ()
        self._last: events.Event | None = None
        for event in recorded:
            self._fold(event)
            hear(event, self._ledger)
        self._schedule.todo.extend(self._unanswered())

    def _fold(self, event: events.Event) -> None:
        if isinstance(event, events.Resumed):
            return
        self._last, self._dead = event, ()
        if isinstance(event, events.RoundStarted):
            self._pending = [command for command in self._pending if not isinstance(command, Release)]
        elif isinstance(event, events.Revived):
            revive = Revive(event.ids)
            if revive not in self._pending:
                raise IllegalEvent(f"{revive} was carried out, but nobody had said so")
            self._pending.remove(revive)
        first = isinstance(event, events.Started) and event.id not in self._ledger.called
        self._pending += self._ledger.apply(event)
        self.unit.holding.note(event)
        match event:
            case events.Sealed():
                self._dead = self._schedule.dead()
            case events.Started(id=id):
                self.unit.calls.batches.continue_after(event.batch)
                if first:
                    self._note_bound(self._schedule.cell(id), event.arguments)
            case events.Shared(id=id, of=of):
                self._note_bound(self._schedule.cell(id), {}, of=self._schedule.cell(of))

    def _note_bound(self, cell: Cell, recorded: Mapping[str, Any], of: Cell | None = None) -> None:
        """What is kept of a call when it is bound: it may be shared (rule L21), and say who may read its result."""
        work = cell.task.work if cell.task is not None else None
        tool = self._run.tools.get(work.tool) if isinstance(work, Call) else None
        if tool is None or not isinstance(work, Call):  # a call that is over needs its tool no more
            return
        kept = work.tool in self.unit.permission.named_by_arguments
        if not (tool.shares or kept):
            return
        try:
            given, _ = given_to(cell, work, _counted_before)
        except (EvaluationError, Unavailable):  # it is made of what was withheld: it cannot be made again
            return
        if tool.anew - tool.named(given).keys() - recorded.keys():
            return  # it is gone what was made for this call
        try:
            arguments = bound_again(tool, given, recorded)
        except ArgumentError:  # the tool is another one now: such a call is not made again
            return
        if kept:
            self.unit.permission.note_bound(cell, arguments)
        if tool.shares:
            self._ledger.shared.recorded(of or cell, work.tool, arguments, self.unit.permission.whether.apart(cell))

    def _unanswered(self) -> Iterator[Command]:
        """The commands that are still to be carried out, in order."""
        latest: dict[object, Command] = {}
        for command in self._pending:
            purpose = Skip if isinstance(command, Refuse) else type(command)  # a task has one of each at a time
            key = command if isinstance(command, Revive) else (purpose, command.id)
            latest.pop(key, None)
            latest[key] = command
        return (command for command in latest.values() if self._is_unanswered(command))

    def _is_unanswered(self, command: Command) -> bool:
        if isinstance(command, Release | Revive):  # done twice, the first does nothing; the second were taken off
            return True
        cell = self._schedule.cell(command.id)
        match command:
            case Issue():
                return cell.status in (READY, GATHERING)
            case Name():
                return cell.status is PENDING and cell.access is not None and not cell.access.known
            case Skip() | Refuse():
                return cell.status is DOOMED
            case Repeat(_, of):
                return cell.status is RUNNING and any(part.cell.id == of for part in cell.parts)

    def _under_way(self) -> Iterator[tuple[Cell, UnderWay]]:
        """The calls that were under way, in the order of their last events."""
        found = [(self._schedule.cell(id), under) for id, under in self._ledger.under_way.items()]
        found.sort(key=lambda pair: pair[1].last.at)  # stable: those of one moment in the order in which they began
        return ((cell, under) for cell, under in found if cell.status is RUNNING)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The writes that may have happened: they are not called again before somebody said that they did not."""
        return tuple(self._doubt(cell, under) for cell, under in self._under_way() if self._is_doubtful(cell, under))

    def _is_doubtful(self, cell: Cell, under: UnderWay) -> bool:
        return under.unknown and cell.is_write and not self._tool_of(cell)[0].idempotent

    def _doubt(self, cell: Cell, under: UnderWay) -> Doubt:
        assert isinstance(under.last, events.Started)
        started = under.last
        key = f"{self._run.run}:{cell.id}"
        return Doubt(self._run.run, cell.id, started.tool, started.arguments, started.attempt, key)

    def go_on(self, verdicts: Mapping[TaskId, Verdict], rules: tuple[str, ...] = ()) -> None:
        """Do what is left to be done; `verdicts` has one for each of `doubts`, `rules` is told with `Resumed`.

        What was being called is called again, unless nothing needs it. What waited before a retry goes on waiting. A
        run whose deadline had passed is stopped again.
        """
        self._happened(events.Resumed(self._now(), rules, time.time()))
        self._finish_step()
        for cell, under in list(self._under_way()):
            self._settle_or_call_again(cell, under, verdicts)
        if self._ledger.late:
            self.unit.stop("deadline")
        self.unit.pump()

    def _finish_step(self) -> None:
        """The second of two facts that are recorded in a row, where only the first one survived."""
        match self._last:
            case events.Sealed() if self._dead:
                self._happened(events.Unneeded(self._now(), self._dead))
            case events.Won(id=id):
                cell = self._schedule.cell(id)
                answers = gather.answers(self._schedule.race(cell), cell)
                self._schedule.todo.remove(Issue(id))
                self._happened(self.unit.holding.end_of(cell, answers, self._now()))
            case events.Planned(task=task) if (why := self._why_refused(task)) is not None:
                self._happened(events.Failed(self._now(), task.id, why))

    def _why_refused(self, task: Task) -> Failure | None:
        if task.work != _REFUSED:
            return None
        if self._ledger.late:
            return never_started("deadline")
        have = len(self._schedule) - 1
        return too_many(have, 1, self._run.bounds) if have >= self._run.bounds.max_tasks else None

    def _settle_or_call_again(self, cell: Cell, under: UnderWay, verdicts: Mapping[TaskId, Verdict]) -> None:
        """Settle what was under way, or have the attempt made that comes next."""
        if self._schedule.is_unneeded(cell):
            self._happened(events.Cancelled(self._now(), cell.id))
            return
        if self._is_doubtful(cell, under):
            attempt = under.last.attempt
            match verdicts[cell.id]:
                case Done(value):
                    self._happened(events.Judged(self._now(), cell.id, attempt, "done"))
                    self._happened(self.unit.holding.end_of(cell, value, self._now(), copied))
                    return
                case StillUnknown():
                    self._happened(events.Judged(self._now(), cell.id, attempt, "unknown"))
                    self._happened(events.Failed(self._now(), cell.id, CUT_OFF))
                    return
                case CallAgain():
                    self._happened(events.Judged(self._now(), cell.id, attempt, "again"))
                    under = self._ledger.call(cell.id)  # it is cleared now
        self._call_again(cell, under)

    def _call_again(self, cell: Cell, under: UnderWay) -> None:
        tool, work = self._tool_of(cell)
        known = self._ledger.known.get(cell.id)
        in_doubt = under.in_doubt or (under.unknown and cell.is_write)
        try:
            given, _ = given_to(cell, work, _counted_before)
            if known is None:
                arguments = bound_again(tool, given, under.arguments)
            else:
                arguments = self.unit.approval.bind(known, tool, given)
            told = shown_arguments(tool, arguments)
            named = None if tool.limit_names is None else tool.limit_names.of(arguments, self._run.context)
        except (ArgumentError, EvaluationError, Unavailable) as error:  # the tool is another one now, or a value absent
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", str(error), in_doubt=in_doubt)))
            return
        calls, last = self.unit.calls, under.last
        attempt = Attempt(calls, cell, tool, arguments, told, last.attempt + 1, in_doubt)
        if named is not None:
            attempt.take_part(named)
        attempt.spared = under.spared + under.cut_off
        if isinstance(last, events.Retrying):
            calls.add_later(attempt, last.at + last.delay)
        else:
            calls.add(attempt)

    def left(self) -> Iterator[Task]:
        """The tasks that are needed and have not settled, in program order."""
        return (cell.task for cell in self._schedule.open_cells() if cell.task is not None)

    def _tool_of(self, cell: Cell) -> tuple[Tool[..., Any], Call]:
        work = cell.task.work if cell.task is not None else None
        tool = self._run.tools.get(work.tool) if isinstance(work, Call) else None
        if tool is None or not isinstance(work, Call):
            raise IllegalEvent(f"`{cell.id}` was called, but calls no tool that there is")
        return tool, work


def _counted_before(_: Any) -> None:
    """What a call had been made with is counted already."""
