"""What a run looks like now: the one fold of events behind every screen and page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, get_args

from superscalar import events as ev
from superscalar.observe.rows import Counts, Items, More, Row, RowKind, State, row_kind
from superscalar.plan.ir import Call, Compute, First, Map, Supplied, Task
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.instances import templates
from superscalar.plan.print.program import print_expr
from superscalar.secrets import Scrubber
from superscalar.short import cut, short, short_arguments
from superscalar.values import Failure, TaskId, Usage

_LONGEST = 500  # characters kept of a value, of arguments and of a message
_STATES: tuple[State, ...] = get_args(State)
_BUSY = frozenset[State]({"running", "retrying", "ready", "asked"})


@dataclass(slots=True)
class _Instance:
    """One task instance; what a `Row` says, before it is asked for."""

    id: TaskId
    task: Task
    kind: RowKind
    group: _Group
    state: State = "waiting"
    limits: tuple[str, ...] = ()
    tool: str = ""
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    arguments: str | None = None
    message: str = ""
    fraction: float | None = None
    value: str = ""
    failure: Failure | None = None
    because: TaskId = ""
    by_guard: bool = False
    same_as: TaskId = ""
    batch: int = 0
    retired: bool = False


@dataclass(slots=True)
class _Group:
    """A task of the plan and, of a map, the instances inside it."""

    own: _Instance | None = None
    result: TaskId = ""
    count: int | None = None
    items: Counter[str] = field(default_factory=Counter)  # settled items
    calls: int = 0
    retired: bool = False
    by_state: dict[State, dict[TaskId, _Instance]] = field(default_factory=dict)  # its calls, and what failed

    def shown(self) -> Iterator[_Instance]:
        for entries in self.by_state.values():
            yield from entries.values()

    @property
    def size(self) -> int:
        return sum(map(len, self.by_state.values()))


class RunView:
    """A run as a person wants to see it, folded from its events by `apply`; everything else only reads.

    `now` arguments are on the clock of the events (`at`), in seconds. Nothing is escaped: values, messages and ids
    come from tools and models, so whoever shows them makes them safe for the place where they are shown.
    """

    def __init__(self) -> None:
        self.run = ""
        self.question = ""
        self.round = 0
        self.sealed = False
        self.plan_asked = False  # a person is to say whether the plan of this round may begin
        self.joining = False
        self.ended = False
        self.deadline_passed = False
        self.error = ""
        self.answer: Any = None
        self.began: float | None = None
        self.last = 0.0
        self.repairs = 0  # in this round
        self.retired = 0  # tasks that are no part of the plan any more
        self.left_out: tuple[str, ...] = ()  # the right writes that a repair does not make, as they were written
        self.cut = ""  # why what is there of the answer is not the answer
        self.preparing: tuple[str, float] | None = None  # what a model does before it writes, and how far it is
        self.queued: tuple[str, ...] = ()  # the limits that the call of a model waits for
        self._throttled: dict[str, float] = {}  # until when a limit pauses whose provider refused a call
        self.replans: tuple[str, ...] = ()
        self.fell_back = ""  # why its plan was given up for turns, if it was
        self._plan: list[str] = []
        self._reply = 0  # where in the plan's text the planner's last reply begins
        self._answer: list[str] = []
        self._thought: list[str] = []
        self._diagnostics: list[Diagnostic] = []
        self._usage: dict[str, Usage] = {}
        self._asked: dict[str, str] = {}  # the model that was asked last, by role
        self._withheld: dict[str, None] = {}
        self._failed: dict[str, set[str]] = {}  # those that did not answer while others were there
        self._entries: dict[TaskId, _Instance] = {}
        self._groups: dict[TaskId, _Group] = {}
        self._bodies: dict[TaskId, tuple[Task, _Group]] = {}
        self._counts: Counter[State] = Counter()
        self._batches: Counter[int] = Counter()  # how many calls each of them has
        self._hide = Scrubber()  # the secret inputs of the plan

    # ------------------------------------------------------------------------------------------------- writing

    def apply(self, event: ev.Event) -> None:
        """Take in the next event of the run."""
        if self.began is None:
            self.began = event.at
        self.last = event.at
        match event:
            case ev.RunStarted(_, run, question):
                self.run, self.question = run, question
            case ev.Resumed():
                self._cut_off()
            case ev.RoundStarted(_, number):
                self.round = number
                self.sealed = self.joining = False
                self.repairs = 0
                self._diagnostics.clear()
                self._break_line()
            case ev.ModelPreparing(_, _, what, fraction):
                self.preparing = (what, fraction)
            case ev.PlanWritten(_, text):
                self.preparing = None
                self._plan.append(text)
                self._thought.clear()
            case ev.Thought(_, _, text):
                self.preparing = None
                self._thought.append(text)
            case ev.Withdrawn(_, role):
                self._withdraw(role)
            case ev.Diagnosed(_, diagnostic):
                self._diagnostics.append(diagnostic)
            case ev.Repairing(_, attempt):
                self.repairs = attempt
                self._diagnostics.clear()
                self._break_line()
            case ev.Planned(_, task):
                self._add(task)
            case ev.Sealed():
                self.sealed = True
            case ev.Unneeded(_, ids):
                self._move(ids, ("waiting", "ready", "asked"), "skipped")
            case ev.Revived(_, ids):
                self._move(ids, ("skipped",), "waiting")
            case ev.Retired(_, ids, _, dropped):
                self._diagnostics.clear()
                self.left_out += dropped
                self._take_back(ids)
            case ev.Throttled(at, limit, delay):
                self._throttled[limit] = at + delay
            case ev.DeadlinePassed():
                self.deadline_passed = True
            case ev.JoinStarted():
                self.joining = True
                self.queued = ()
                self._answer.clear()
                self._thought.clear()
            case ev.AnswerWritten(_, text):
                self.preparing = None
                if self.cut:  # the answer is written again
                    self.cut = ""
                    self._answer.clear()
                self._answer.append(text)
                self._thought.clear()
            case ev.AnswerRejected():
                self._answer.clear()
            case ev.AnswerCut(_, why):
                self.cut, self.queued = why, ()
            case ev.Joined(_, answer):
                self.joining, self.answer = False, answer
            case ev.Replanned(_, reason):
                self.joining = False
                self.replans = (*self.replans, reason)
                self._answer.clear()
            case ev.FellBack(_, _, why):
                self.fell_back = why
            case ev.ModelUsed(_, role, usage):
                self._usage[role] = self._usage.get(role, Usage()) + usage
            case ev.Ordered():
                pass  # rows stand where they are
            case ev.ModelWaiting(_, _, _, limits):
                self.queued = limits
            case ev.ModelAsked(_, role, _, model, withheld):
                self.queued = ()  # what comes of it is told
                self._asked[role] = model
                self._withheld |= dict.fromkeys(withheld)
            case ev.ModelFailed(_, role, model):
                self._failed.setdefault(role, set()).add(model)
            case ev.ToolsShown():
                pass  # likewise
            case ev.BudgetSpent() | ev.Charged():
                pass  # a call that is refused says so itself
            case ev.PlanAsked():
                self.plan_asked = True
            case ev.PlanApproved():
                self.plan_asked = False
            case ev.RunEnded(_, error):
                self.ended, self.error = True, error
            case _:
                self._apply_to_task(event)

    def _apply_to_task(self, event: ev.TaskEvent) -> None:
        entry = self._entry(event.id)
        match event:
            case ev.Expanded(at, _, count):
                entry.started = at
                if entry.group.own is entry:
                    entry.group.count = count
                self._set(entry, "running")
            case ev.Wanted(at):
                entry.started = at
                self._set(entry, "running")
            case ev.Shared(_, _, of):
                entry.same_as = of
            case ev.Waiting(_, _, limits):
                entry.limits = limits
                self._set(entry, "ready")
            case ev.Started(at, _, tool, arguments, attempt, batch):
                entry.tool = tool
                entry.started = at if entry.started is None else entry.started
                entry.attempts, entry.batch = attempt, batch
                self._batches[batch] += 1
                entry.arguments = self._hide.without(short_arguments(arguments, _LONGEST))
                entry.message, entry.fraction = "", None
                self._set(entry, "running")
            case ev.Progressed(_, _, message, fraction):
                entry.message, entry.fraction = cut(message, _LONGEST), fraction
            case ev.Retrying(_, _, _, failure):
                entry.failure = failure
                entry.message, entry.fraction = "", None
                self._set(entry, "retrying")
            case ev.Decided(decision="ask", reason=reason):
                entry.message = cut(reason, _LONGEST)
                self._set(entry, "asked")
            case ev.Approved(_, _, approved, by):
                entry.message = ("approved" if approved else "not approved") + (f" by {by}" if by else "")
                self._set(entry, "waiting")
            case ev.Won() | ev.Judged() | ev.Decided():
                return
            case ev.Cancelled(at):
                entry.ended, entry.failure = at, None
                self._set(entry, "skipped")
            case ev.Succeeded(at, _, value):
                entry.failure, entry.value = None, self._hide.without(short(value, _LONGEST))
                self._settle(entry, at, "done")
            case ev.Failed(at, _, failure):
                entry.failure = failure
                stopped = failure.kind in ("cancelled", "deadline", "budget") and entry.started is None
                never = stopped and entry.kind in ("call", "map")  # what else fails so took over the failure of a call
                self._settle(entry, at, "skipped" if never else "failed")
            case ev.Skipped(at, _, because, by_guard):
                entry.because, entry.by_guard = because, by_guard
                self._settle(entry, at, "skipped")

    def _cut_off(self) -> None:
        """The process ended: what was being called, or written by a model, is begun again."""
        self.joining = False
        self.preparing = None
        self.queued = ()
        self._answer.clear()
        self._break_line()
        for entry in self._entries.values():
            if entry.kind == "call" and entry.state == "running":
                self._set(entry, "ready")

    def _move(self, ids: tuple[TaskId, ...], before: tuple[State, ...], state: State) -> None:
        """Nothing needs these tasks, or something does again; what runs runs on."""
        for id in ids:
            entry = self._entries.get(id)
            if entry is not None and entry.state in before:
                entry.ended = None
                self._set(entry, state)

    def _take_back(self, ids: tuple[TaskId, ...]) -> None:
        """These tasks are no part of the plan any more: they are not shown, and what becomes of them is not counted."""
        self.retired += len(ids)
        gone = [group for id in ids if (group := self._groups.pop(id, None)) is not None]
        for group in gone:
            group.retired = True
        for entry in self._entries.values() if gone else ():
            if entry.group.retired and not entry.retired and entry.kind == "call":
                self._counts[entry.state] -= 1
            entry.retired = entry.group.retired

    def _add(self, task: Task) -> None:
        group = self._groups.setdefault(task.id, _Group())
        entry = self._entries.get(task.id)
        if entry is None:
            entry = self._entries[task.id] = _Instance(task.id, task, row_kind(task.work), group)
            group.own = entry
            if entry.kind == "call":
                self._counts["waiting"] += 1
        if isinstance(task.work, Supplied) and task.work.input.secret:
            self._hide.learn(task.work.value)
        if isinstance(task.work, Map):
            work = task.work  # an item of a loop is done when its last line is
            group.result = work.body[-1].id if work.result == work.item and work.body else work.result
            self._learn(task.work, group)

    def _learn(self, work: Map, group: _Group) -> None:
        for inner in work.body:
            self._bodies[inner.id] = inner, group
            if isinstance(inner.work, Map):
                self._learn(inner.work, group)

    def _entry(self, instance: TaskId) -> _Instance:
        """The entry of an instance; one in a map, where it is written `prices[]`, is made when first heard of."""
        entry = self._entries.get(instance)
        if entry is None:
            known = next((self._bodies[t] for t in templates(instance) if t in self._bodies), None)
            if known is None:  # not planned, so a log that begins in the middle: shown all the same, as a call
                self._add(Task(instance, Call("")))
                return self._entries[instance]
            task, group = known
            entry = self._entries[instance] = _Instance(
                instance, task, row_kind(task.work), group, retired=group.retired
            )
            self._file(entry)
            if entry.kind == "call" and not entry.retired:
                self._counts["waiting"] += 1
        return entry

    def _set(self, entry: _Instance, state: State) -> None:
        group = entry.group
        if entry.kind == "call" and not entry.retired:
            self._counts[entry.state] -= 1
            self._counts[state] += 1
        if group.own is not entry:
            group.by_state.get(entry.state, {}).pop(entry.id, None)
        entry.state = state
        self._file(entry)

    def _file(self, entry: _Instance) -> None:
        group = entry.group
        if group.own is not entry and (entry.kind == "call" or entry.state == "failed"):
            group.by_state.setdefault(entry.state, {})[entry.id] = entry

    def _settle(self, entry: _Instance, at: float, state: State) -> None:
        entry.ended = at
        if entry.group.own is not entry and entry.task.id == entry.group.result:
            lost = state == "skipped" and not entry.by_guard and entry.failure is None  # something inside it failed
            stopped = state == "failed" and entry.failure is not None and entry.failure.kind == "cancelled"
            became = "cancelled" if stopped else "failed" if lost else state
            entry.group.items[became] += entry.failure is None or state == "failed"
        self._set(entry, state)

    def _withdraw(self, role: str) -> None:
        """What a model has written of its reply was a thought."""
        if role == "planner":
            self._plan = [self.plan_text[: self._reply]]
            self._diagnostics.clear()
        elif role == "joiner":
            self._answer.clear()

    def _break_line(self) -> None:
        if self._plan and not self._plan[-1].endswith("\n"):
            self._plan.append("\n")
        self._reply = len(self.plan_text)
        self._thought.clear()

    # ------------------------------------------------------------------------------------------------- reading

    @property
    def plan_text(self) -> str:
        """What the planner has written so far, repairs and later rounds included."""
        return _whole(self._plan)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of the plan, in program order."""
        return tuple(group.own.task for group in self._groups.values() if group.own is not None)

    @property
    def answer_text(self) -> str:
        """What the joiner has written so far of the answer."""
        return _whole(self._answer)

    @property
    def thought_text(self) -> str:
        """What the model that is at work has thought since it wrote its last word."""
        return _whole(self._thought)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the plan as it stands: those that went back to the planner are gone."""
        return tuple(self._diagnostics)

    @property
    def usage(self) -> Mapping[str, Usage]:
        """What the models cost, by role (`planner`, `joiner`)."""
        return MappingProxyType(self._usage)

    @property
    def stood_in(self) -> Mapping[str, str]:
        """The model that was asked last in the place of one that had failed, by role."""
        return {role: model for role, model in self._asked.items() if model not in self._failed.get(role, {model})}

    @property
    def withheld(self) -> tuple[str, ...]:
        """What was said to models of files that they do not take, each once."""
        return tuple(self._withheld)

    @property
    def counts(self) -> Counts:
        """The tool calls by state."""
        return Counts(**{state: self._counts[state] for state in _STATES})

    @property
    def pausing(self) -> tuple[str, ...]:
        """The limits under which nothing starts for now, since their provider refused a call."""
        return tuple(limit for limit, until in self._throttled.items() if until > self.last)

    def elapsed(self, now: float | None = None) -> float:
        """Seconds since the run began, until `now` or until it ended."""
        end = self.last if now is None or self.ended else max(now, self.last)
        return end - self.began if self.began is not None else 0.0

    @property
    def size(self) -> int:
        """How many rows there are."""
        return sum(1 + group.size for group in self._groups.values())

    def row(self, task: TaskId, now: float | None = None) -> Row:
        """The row of one task instance that an event has named.

        Raises:
            KeyError: none has.
        """
        return self._row(self._entries[task], now)

    def rows(self, now: float | None = None) -> Iterator[Row]:
        """Every row in program order, those in a map after the map; of these only calls and what failed."""
        for group in self._groups.values():
            yield from self._rows(group, now)

    def shown(self, limit: int, now: float | None = None) -> tuple[Row | More, ...]:
        """At most `limit` rows (at least 1), in program order: everything, if there is room for it.

        If not, bookkeeping gives way first (see `Row.quiet`). Then each other task of the plan gets a row (a map's says
        how far it is), what is asked of a person and what runs comes next, then what failed, then what was done last. A
        plan with more tasks than room keeps what runs, what failed and what comes next, and ends with a `More`.
        """
        if self.size <= limit:
            return tuple(self.rows(now))
        groups = [group for group in self._groups.values() if group.own is None or not _is_quiet(group.own)]
        if len(groups) > limit:
            return self._crowded(groups, max(limit, 1), now)
        room = limit - len(groups)
        chosen: dict[TaskId, _Instance] = {}
        urgent: tuple[tuple[State, ...], ...] = (
            ("asked",),
            ("running", "retrying"),
            ("failed",),
            ("done",),
            ("ready",),
        )
        for states in urgent:
            for group in groups:
                for state in states:
                    latest = reversed(group.by_state.get(state, {}).values())
                    chosen.update((e.id, e) for e in islice(latest, room - len(chosen)))
        rows: list[Row | More] = []
        for group in groups:
            if group.own is not None:
                rows.append(self._row(group.own, now))
            rows += [self._row(e, now) for e in _natural(e for e in chosen.values() if e.group is group)]
        return tuple(rows)

    def _crowded(self, groups: list[_Group], limit: int, now: float | None) -> tuple[Row | More, ...]:
        ranked = sorted(range(len(groups)), key=lambda n: self._rank(groups[n], n, len(groups)))
        kept = sorted(ranked[: limit - 1])
        rows: list[Row | More] = [self._row(own, now) for n in kept if (own := groups[n].own) is not None]
        hidden = Counter(own.state for n in ranked[limit - 1 :] if (own := groups[n].own) is not None)
        return (*rows, More(tuple(hidden.items())))

    @staticmethod
    def _rank(group: _Group, number: int, total: int) -> tuple[int, int]:
        own = group.own
        if own is None or own.state in _BUSY:
            return 0, number
        if own.state == "failed":
            return 1, number
        if own.state == "waiting":
            return 2, number
        return (4 if own.state == "skipped" else 3), total - number

    def _rows(self, group: _Group, now: float | None) -> Iterator[Row]:
        if group.own is not None:
            yield self._row(group.own, now)
        for entry in _natural(group.shown()):
            yield self._row(entry, now)

    def _row(self, entry: _Instance, now: float | None) -> Row:
        work, group = entry.task.work, entry.group
        missing = self._missing(entry) if entry.state == "waiting" else ()
        end = entry.ended if entry.ended is not None else self.last if now is None or self.ended else now
        effect = work.effect if isinstance(work, Call) else "read"
        return Row(
            id=entry.id,
            kind=entry.kind,
            state=entry.state,
            tool=entry.tool or (told_name(work.tool) if isinstance(work, Call) else ""),
            arguments=entry.arguments if entry.arguments is not None else cut(_expression(entry.task), _LONGEST),
            effect=effect,
            within=group.own.id if group.own is not None and group.own is not entry else None,
            waits_for=entry.limits if entry.state == "ready" else missing,
            for_seal=entry.state == "waiting" and effect == "write" and not missing and not self.sealed,
            started=entry.started,
            seconds=None if entry.started is None else max(0.0, end - entry.started),
            attempts=entry.attempts,
            together=self._batches[entry.batch] if entry.batch else 1,
            message=entry.message,
            fraction=entry.fraction,
            value=entry.value,
            failure=entry.failure,
            because=entry.because,
            by_guard=entry.by_guard,
            same_as=entry.same_as,
            items=self._items(group) if entry is group.own and entry.kind == "map" else None,
        )

    def _items(self, group: _Group) -> Items:
        busy = sum(len(group.by_state.get(state, {})) for state in ("running", "retrying"))
        settled = group.items
        return Items(group.count, settled["done"], settled["failed"], settled["skipped"], busy, settled["cancelled"])

    def _missing(self, entry: _Instance) -> tuple[TaskId, ...]:
        """What a task of the plan still waits for; what one inside a map waits for is in the same map, and not said."""
        task = entry.task
        if entry.same_as:
            return (entry.same_as,)
        if entry.group.own is not entry:
            return ()
        needed = [need.task for need in task.needs if not self._settled_item(need.task, need.mode, need.item)]
        needed += [guard.condition for guard in task.guards if not self._settled(guard.condition)]
        needed += [before for before in task.after if not self._settled(before)]
        return tuple(dict.fromkeys(needed))

    def _settled(self, task: TaskId) -> bool:
        entry = self._entries.get(task)
        return entry is not None and entry.ended is not None

    def _settled_item(self, task: TaskId, mode: str, item: int) -> bool:
        if mode == "named" or self._settled(task):
            return True
        if mode == "item":
            return self._settled(f"{task}[{item}]")
        return mode == "shape" and task in self._groups and self._groups[task].count is not None


def _whole(pieces: list[str]) -> str:
    """What pieces come to, of which there is one from then on: it is asked for again and again while they grow."""
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""


def _is_quiet(entry: _Instance) -> bool:
    return entry.kind not in ("call", "map") and entry.state != "failed"


def _expression(task: Task) -> str:
    """What a task was written as, without its name and tool."""
    match task.work:
        case Call(_, ((_, value),)) | Compute(value):
            return print_expr(value)
        case Call(_, arguments):
            return ", ".join(f"{name}={print_expr(value)}" for name, value in arguments)
        case Supplied(input):
            return f"an input, {input.type}"
        case Map(source):
            return f"for each item of {source}"
        case First(count, source):
            return f"{print_expr(count)}, {source}"
        case _:
            return ""


def _natural(entries: Iterator[_Instance]) -> list[_Instance]:
    return sorted(entries, key=lambda e: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", e.id)])
