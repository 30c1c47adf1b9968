"""What a run's events have made true of it: one state that live runs, resumed ones and all readers share.

A live run records an event, applies it here, and acts on what follows. A resumed run, and whoever reads a recorded
one, applies the same events to a fresh ledger and has the state that the live run was in after them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from superscalar import events
from superscalar.labels import NOTHING, Label
from superscalar.plan.instances import is_of
from superscalar.plan.ir import Task
from superscalar.schedule.cells import Cell
from superscalar.schedule.commands import Command
from superscalar.schedule.effective import Arguments
from superscalar.schedule.labels import Labels, labels_by
from superscalar.schedule.permission import Permission
from superscalar.schedule.sharing import SharedCalls
from superscalar.schedule.state import Schedule
from superscalar.tools.trust import Declared
from superscalar.values import TaskId


@dataclass(eq=False, slots=True)
class Known:
    """What was asked of a call, and the answer to that, if any. `bound`: what it is made with, in this process."""

    asked: events.Decided
    answer: events.Approved | None = None
    bound: Arguments | None = field(default=None, repr=False)
    heard: bool = False  # somebody answered, if only what was asked before

    def note(self, answer: events.Approved) -> None:
        """Take an answer, if it is one to what was asked; who said no without knowing what is not asked again."""
        self.heard = True
        if not answer.approved or (answer.digest and answer.digest == self.asked.digest):
            self.answer = answer


@dataclass(slots=True)
class UnderWay:
    """A call under way: its last event, what was recorded of its arguments, and how many attempts were cut off.

    `in_doubt`: an attempt of it may have happened. `cleared`: somebody said that the one that was cut off did not.
    """

    last: events.Started | events.Retrying
    arguments: Mapping[str, Any] = field(repr=False)
    spared: int = 0
    in_doubt: bool = False
    cleared: bool = False


@dataclass(slots=True)
class Round:
    """One round of planning: what its planner was shown, and what it has planned so far.

    `begins`: how many tasks were planned before it. `restricted`: a tool whose results are not trusted had run by then.
    `asked`: whether the plan may be begun, and `approved`, what a person said to that.
    """

    number: int
    begins: int
    label: Label = NOTHING
    saw_untrusted: bool = False
    restricted: bool = False
    tasks: list[Task] = field(default_factory=list)
    asked: bool = False
    approved: events.PlanApproved | None = None
    sealed: bool = False


class Ledger:
    """The graph of a run's tasks, its rounds, what was asked and answered, and the calls that are under way.

    `apply` is the one method that changes it. `handlers` are what it does, by the type of an event: those of the graph
    are bound directly, since a run has many of them. `labels`: those of the run's values. `permission` is that of a run
    that may still call something; whoever only reads has none.
    """

    def __init__(self, schedule: Schedule, labels: Labels, permission: Permission | None = None) -> None:
        self.schedule = schedule
        self.labels = labels
        self.permission = permission
        self.shared = SharedCalls()
        self.known: dict[TaskId, Known] = {}
        self.rounds: list[Round] = []
        self.retired: set[TaskId] = set()  # tasks that are no part of the plan any more
        self.late = False
        self.spent: set[str] = set()  # the budgets of which it was told that they are
        self.joins = False
        self.ended: events.RunEnded | None = None
        self.under_way: dict[TaskId, UnderWay] = {}
        self._starts: list[int] = []  # of rounds, in tasks planned
        tools = () if permission is None else permission.tools
        self._untrusted = frozenset(tool.name for tool in tools if tool.trust == "untrusted")
        counts = permission is not None and permission.admission.counts_writes
        self._writes = frozenset(tool.name for tool in tools if counts and tool.effect == "write")
        self._watched = self._untrusted | self._writes
        self.ran_untrusted = False  # a tool was called whose results are not trusted
        self._admits = permission is not None and permission.admission.limited
        self._graph = dict(schedule.handlers)
        self._start, self._succeed, self._fail = (
            self._graph[kind] for kind in (events.Started, events.Succeeded, events.Failed)
        )
        self.handlers: dict[type, Callable[[Any], None]] = {
            **self._graph,
            events.RoundStarted: self._on_round,
            events.Planned: self._on_planned,
            events.Retired: self._on_retired,
            events.Ordered: self._on_ordered,
            events.Sealed: self._on_sealed,
            events.Started: self._on_started,
            events.Retrying: self._on_retrying,
            events.Judged: self._on_judged,
            events.Succeeded: self._on_succeeded,
            events.Failed: self._on_failed,
            events.Cancelled: self._on_cancelled,
            events.Decided: self._on_decided,
            events.Approved: self._on_approved,
            events.PlanAsked: self._on_plan_asked,
            events.PlanApproved: self._on_plan_approved,
            events.DeadlinePassed: self._on_deadline,
            events.BudgetSpent: self._on_budget_spent,
            events.JoinStarted: self._on_join_started,
            events.RunEnded: self._on_ended,
        }

    @classmethod
    def of(cls, happened: Iterable[events.Event], declared: Mapping[str, Declared], question: str = "") -> Ledger:
        """Read a run off its events.

        `declared`: what its tools said of their results, by alias. `question`: what the user asked.

        Raises:
            IllegalEvent: the events contradict each other.
        """
        schedule = Schedule()
        ledger = cls(schedule, labels_by(schedule, declared, question))
        for event in happened:
            ledger.apply(event)
        return ledger

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def round(self) -> Round:
        """The round that is being planned, or was last; a plan that was there already is one too."""
        if not self.rounds:
            self._begin(Round(0, 0))
        return self.rounds[-1]

    @property
    def tasks(self) -> Iterator[Task]:
        """The tasks of the plans of all rounds, in program order; none that was retired."""
        return (task for one in self.rounds for task in one.tasks)

    def round_of(self, cell: Cell) -> Round:
        """The round whose plan a task, or an item of it, belongs to."""
        return self.rounds[bisect_right(self._starts, cell.order[0]) - 1]

    def open_questions(self) -> Iterator[events.Decided]:
        """What was asked of calls and not answered since, in the order in which it was asked."""
        return (known.asked for known in self.known.values() if not known.heard)

    # ------------------------------------------------------------------------------------------------------ changing

    def apply(self, event: events.Event) -> list[Command]:
        """Take in what happened and return what is to be done because of it.

        Raises:
            IllegalEvent: the event contradicts an earlier one: a bug here, never in the plan.
        """
        before = len(self.schedule.todo)
        self.note(event)
        return self.schedule.commands_since(before)

    def note(self, event: events.Event) -> None:
        """What `apply` does, but what is to be done is left in the schedule's `todo`."""
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _begin(self, begun: Round) -> None:
        self.rounds.append(begun)
        self._starts.append(begun.begins)

    def _on_round(self, event: events.RoundStarted) -> None:
        shown = self.labels.of_round(event)
        restricted = self.ran_untrusted if event.restricted is None else event.restricted
        self.shared.begin_round()
        self._graph[events.RoundStarted](event)
        self._begin(Round(event.round, self.schedule.planned, shown, event.saw_untrusted, restricted))
        self.labels.begin_round(shown)
        if self.permission is not None:
            self.permission.begin_round(event.round, shown, restricted=restricted)
            self._admits = True

    def _on_planned(self, event: events.Planned) -> None:
        self.round.tasks.append(event.task)
        self._graph[events.Planned](event)
        if self._admits and self.permission is not None:
            self.permission.planned(event.task)

    def _on_retired(self, event: events.Retired) -> None:
        last = self.round
        last.tasks = [task for task in last.tasks if task.id not in event.ids]
        self.retired.update(event.ids)
        self._graph[events.Retired](event)
        for id in [id for id in self.known if is_of(id, event.ids)]:
            del self.known[id]
        if self.permission is not None:
            self.permission.retired(event.ids)

    def _on_ordered(self, event: events.Ordered) -> None:
        places = {id: number for number, id in enumerate(event.ids)}
        self.round.tasks.sort(key=lambda task: places[task.id])

    def _on_sealed(self, event: events.Sealed) -> None:
        self.round.sealed = True
        if self.permission is not None:
            self.permission.admission.sealed()
        self._graph[events.Sealed](event)

    # -------------------------------------------------------------------------------------------------------- calls

    def _on_started(self, event: events.Started) -> None:
        self._start(event)
        if event.tool in self._watched:
            self._on_watched(event)
        under = self.under_way.get(event.id)
        if under is None:
            self.under_way[event.id] = UnderWay(event, event.arguments)
            return
        cut_off = type(under.last) is events.Started
        doubtful = cut_off and not under.cleared and self.schedule.cell(event.id).is_write
        under.spared += cut_off
        under.in_doubt = under.in_doubt or doubtful
        under.last, under.cleared = event, False

    def _on_watched(self, event: events.Started) -> None:
        """A tool has run that more depends on than its result."""
        self.ran_untrusted = self.ran_untrusted or event.tool in self._untrusted
        if self.permission is not None and event.tool in self._writes:
            self.permission.admission.note_permitted(event.id)

    def _on_retrying(self, event: events.Retrying) -> None:
        under = self.under_way[event.id]
        under.last, under.in_doubt = event, event.failure.in_doubt

    def _on_judged(self, event: events.Judged) -> None:
        if event.verdict == "again":
            self.under_way[event.id].cleared = True

    def _on_succeeded(self, event: events.Succeeded) -> None:
        self.under_way.pop(event.id, None)
        self._succeed(event)

    def _on_failed(self, event: events.Failed) -> None:
        self.under_way.pop(event.id, None)
        self._fail(event)

    def _on_cancelled(self, event: events.Cancelled) -> None:
        self.under_way.pop(event.id, None)
        self._graph[events.Cancelled](event)

    # ------------------------------------------------------------------------------------ questions, and the run itself

    def _on_decided(self, event: events.Decided) -> None:
        if event.decision == "ask":
            self.known[event.id] = Known(event)

    def _on_approved(self, event: events.Approved) -> None:
        known = self.known.get(event.id)
        if known is not None:
            known.note(event)

    def _on_plan_asked(self, _event: events.PlanAsked) -> None:
        self.round.asked = True

    def _on_plan_approved(self, event: events.PlanApproved) -> None:
        self.round.approved = event

    def _on_deadline(self, _event: events.DeadlinePassed) -> None:
        self.late = True

    def _on_budget_spent(self, event: events.BudgetSpent) -> None:
        self.spent.add(event.budget)

    def _on_join_started(self, _event: events.JoinStarted) -> None:
        self.joins = True

    def _on_ended(self, event: events.RunEnded) -> None:
        self.ended = event
