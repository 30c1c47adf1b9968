"""What a run's events have made true of it: one state that live runs, resumed ones and all readers share.

A live run records an event, applies it here, and acts on what follows. A resumed run, and whoever reads a recorded
one, applies the same events to a fresh ledger and has the state that the live run was in after them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any

from superscalar import events
from superscalar.kept import KeptEvents
from superscalar.labels import NOTHING, Label
from superscalar.plan.ir import Supplied, Task
from superscalar.plan.ir.instances import is_of
from superscalar.schedule.cells import RUNNING, Cell
from superscalar.schedule.commands import Command
from superscalar.schedule.lineage import Labels, labels_by
from superscalar.schedule.permission import Permission
from superscalar.schedule.sharing import SharedCalls
from superscalar.schedule.spending import Spending
from superscalar.schedule.state import Schedule
from superscalar.tools.trust import Declared
from superscalar.values import TaskId


@dataclass(eq=False, slots=True)
class Known:
    """What was asked of a call, and the answer to that, if any."""

    asked: events.Decided
    answer: events.Approved | None = None
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

    @property
    def cut_off(self) -> bool:
        """Whether nothing is recorded of how its last attempt ended."""
        return type(self.last) is events.Started

    @property
    def unknown(self) -> bool:
        """Whether its last attempt was cut off, and nobody said that it did not happen."""
        return self.cut_off and not self.cleared


@dataclass(slots=True, kw_only=True)
class Round:
    """One round of planning: what its planner was shown, and how far its plan has come.

    `begins` and `ends`: how many tasks were planned before it, and by its end. `restricted`: a tool whose results are
    not trusted had run by then. `asked`: whether the plan may be begun, and `approved`, what a person said to that.
    `estimate`: what it would take, as it stands in that question. `moved`: the order of its tasks, if that is not the
    one in which they were planned.
    """

    schedule: Schedule = field(repr=False, compare=False)
    number: int
    begins: int
    ends: float = inf
    label: Label = NOTHING
    saw_untrusted: bool = False
    restricted: bool = False
    moved: tuple[TaskId, ...] = ()
    asked: bool = False
    estimate: str = ""
    approved: events.PlanApproved | None = None
    sealed: bool = False

    @property
    def tasks(self) -> list[Task]:
        """The tasks of its plan, in program order; none that was retired."""
        tasks = self.schedule.planned_between(self.begins, self.ends)
        places = {id: number for number, id in enumerate(self.moved)}
        return sorted(tasks, key=lambda task: places[task.id]) if places else list(tasks)


class Ledger:
    """The graph of a run's tasks, its rounds, what was asked and answered, and the calls that are under way.

    `apply` is the one method that changes it. `handlers` are what it does, by the type of an event: those of the graph
    are bound directly, since a run has many of them. `labels`: those of the run's values. `permission` is that of a run
    that may still call something; whoever only reads has none, and says what its tools cost: `prices`, by their names.
    """

    def __init__(
        self,
        schedule: Schedule,
        labels: Labels,
        permission: Permission | None = None,
        prices: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
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
        self.called: dict[TaskId, int] = {}  # each call that was made, and where the row of its first attempt begins
        self._begun = KeptEvents()  # first attempts
        self._tried: dict[TaskId, UnderWay] = {}  # of those, the calls of which it was not the only one
        self._implicit = Round(schedule=schedule, number=0, begins=0)  # that of a plan that was there already
        tools = () if permission is None else permission.tools
        self.spending = Spending({**prices, **{tool.name: tool.cost for tool in tools if tool.cost}})
        self._untrusted = frozenset(tool.name for tool in tools if tool.trust == "untrusted")
        counts = permission is not None and permission.admission.counts_writes
        self._writes = frozenset(tool.name for tool in tools if counts and tool.effect == "write")
        self._watched = self._untrusted | self._writes | self.spending.prices.keys()
        self.ran_untrusted = False  # a tool was called whose results are not trusted
        self._graph = dict(schedule.handlers)
        self._start = self._graph[events.Started]
        self.handlers: dict[type, Callable[[Any], None]] = {
            **self._graph,
            events.Planned: self._on_input,
            events.RoundStarted: self._on_round,
            events.Retired: self._on_retired,
            events.Ordered: self._on_ordered,
            events.Sealed: self._on_sealed,
            events.Started: self._on_started,
            events.Retrying: self._on_retrying,
            events.Judged: self._on_judged,
            events.Charged: self._on_charged,
            events.ModelUsed: self.spending.model_used,
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
        if permission is not None and permission.admission.limited:
            self._admit()

    @classmethod
    def of(
        cls,
        happened: Iterable[events.Event],
        declared: Mapping[str, Declared],
        question: str = "",
        prices: Mapping[str, float] = MappingProxyType({}),
    ) -> Ledger:
        """Read a run off its events.

        `declared`: what its tools said of their results, by alias. `question`: what the user asked.

        Raises:
            IllegalEvent: the events contradict each other.
        """
        schedule = Schedule()
        ledger = cls(schedule, labels_by(schedule, declared, question), prices=prices)
        for event in happened:
            ledger.apply(event)
        return ledger

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def round(self) -> Round:
        """The round that is being planned, or was last; a plan that was there already is one too."""
        return self.rounds[-1] if self.rounds else self._implicit

    @property
    def tasks(self) -> Iterator[Task]:
        """The tasks of the plans of all rounds, in program order; none that was retired."""
        return (task for one in self.rounds or [self._implicit] for task in one.tasks)

    def round_of(self, cell: Cell) -> Round:
        """The round whose plan a task, or an item of it, belongs to."""
        later = bisect_right(self.rounds, cell.order[0], key=lambda each: each.begins)
        return self.rounds[later - 1] if self.rounds else self._implicit

    @property
    def under_way(self) -> dict[TaskId, UnderWay]:
        """The calls that have begun and not ended, in the order in which they began."""
        running = (id for id in self.called if self.schedule.cell(id).status is RUNNING)
        return {id: self.call(id) for id in running}

    def call(self, id: TaskId) -> UnderWay:
        """A call that has begun and not ended."""
        return self._tried.get(id) or self._tried_once(id)

    def first_attempt(self, id: TaskId) -> events.Started | None:
        """How a call began, whether it has ended or not; None if it was never made."""
        at = self.called.get(id)
        return None if at is None else self._begun.beginning_at(at)

    def _tried_once(self, id: TaskId) -> UnderWay:
        first = self.first_attempt(id)
        assert first is not None
        return UnderWay(first, first.arguments)

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

    def let_go(self) -> None:
        """Forget the tasks and calls of a run that is over: nobody asks for them any more."""
        self.schedule.let_go()
        self.labels.let_go()
        self.shared.let_go()
        self.called.clear()
        self._begun = KeptEvents()

    def _admit(self) -> None:
        """From now on it depends on what was planned before whether a task is admitted."""
        self.handlers[events.Planned] = self._on_planned

    def _on_round(self, event: events.RoundStarted) -> None:
        shown = self.labels.of_round(event)
        restricted = self.ran_untrusted if event.restricted is None else event.restricted
        self.shared.begin_round()
        self._graph[events.RoundStarted](event)
        begins = self.schedule.planned
        if self.rounds:
            self.rounds[-1].ends = begins
        begun = Round(
            schedule=self.schedule,
            number=event.round,
            begins=begins,
            ends=inf,
            label=shown,
            saw_untrusted=event.saw_untrusted,
            restricted=restricted,
        )
        self.rounds.append(begun)
        self.labels.begin_round(shown)
        if self.permission is not None:
            self.permission.begin_round(event.round, shown, restricted=restricted)
            self._admit()

    def _on_input(self, event: events.Planned) -> None:
        """A task was planned, and so far all of them are what the plan was given."""
        if not self._note_input(event.task):
            self.handlers[events.Planned] = self._graph[events.Planned]
        self._graph[events.Planned](event)

    def _note_input(self, task: Task) -> bool:
        if type(task.work) is not Supplied:
            return False
        if task.work.label.readers is not None:
            self.labels.confidential = True
            if self.permission is not None:
                self.permission.given(task.work.label)
        return True

    def _on_planned(self, event: events.Planned) -> None:
        self._note_input(event.task)
        self._graph[events.Planned](event)
        if self.permission is not None:
            self.permission.planned(event.task)

    def _on_retired(self, event: events.Retired) -> None:
        self.retired.update(event.ids)
        self._graph[events.Retired](event)
        for id in [id for id in self.known if is_of(id, event.ids)]:
            del self.known[id]
        if self.permission is not None:
            self.permission.retired(event.ids)

    def _on_ordered(self, event: events.Ordered) -> None:
        self.round.moved = event.ids

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
        id = event.id
        if id in self.called:
            self._started_again(event)
        else:
            begun = self._begun
            self.called[id] = len(begun.values)
            begun.append(event)

    def _started_again(self, event: events.Started) -> None:
        under = self._tried.setdefault(event.id, self._tried_once(event.id))
        under.spared += under.cut_off
        under.in_doubt = under.in_doubt or (under.unknown and self.schedule.cell(event.id).is_write)
        under.last, under.cleared = event, False

    def _on_watched(self, event: events.Started) -> None:
        """A tool has run that more depends on than its result: that it did, or how often."""
        self.spending.started(event.tool)
        if event.tool in self._untrusted:
            self.ran_untrusted = True
            self._watched = self._writes | self.spending.prices.keys()
        if self.permission is not None and event.tool in self._writes:
            self.permission.admission.note_permitted(event.id)

    def _on_retrying(self, event: events.Retrying) -> None:
        under = self._tried.setdefault(event.id, self._tried_once(event.id))
        under.last, under.in_doubt = event, event.failure.in_doubt

    def _on_judged(self, event: events.Judged) -> None:
        if event.verdict == "again":
            self._tried.setdefault(event.id, self._tried_once(event.id)).cleared = True

    def _on_charged(self, event: events.Charged) -> None:
        first = self.first_attempt(event.id)
        self.spending.charged(event, None if first is None else first.tool)

    def _on_cancelled(self, event: events.Cancelled) -> None:
        self.called.pop(event.id, None)
        self._tried.pop(event.id, None)
        self._graph[events.Cancelled](event)

    # ------------------------------------------------------------------------------------ questions, and the run itself

    def _on_decided(self, event: events.Decided) -> None:
        if event.decision == "ask":
            self.known[event.id] = Known(event)

    def _on_approved(self, event: events.Approved) -> None:
        known = self.known.get(event.id)
        if known is not None:
            known.note(event)

    def _on_plan_asked(self, event: events.PlanAsked) -> None:
        self.round.asked = True
        self.round.estimate = event.estimate

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
