"""The state of one run's graph: events in, commands out. No `await`, no clock, no randomness.

Per task instance it holds the count of what is still missing; an event lowers counts; at zero the task is issued. All
of it is O(tasks + edges), whatever the order in which things complete (the counts are those of Kahn's algorithm,
CACM 5(11), 1962, kept while the graph still grows).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from superscalar import events
from superscalar.errors import IllegalEvent
from superscalar.plan.ir import Access, Call, Display, First, Map, Need, Task
from superscalar.plan.passes.dead import writes
from superscalar.schedule.cells import (
    DOOMED,
    DORMANT,
    EXPANDED,
    GATHERING,
    GUARD_FALSE,
    GUARD_TRUE,
    NO_VALUE,
    OUTCOME,
    PENDING,
    READY,
    RUNNING,
    SETTLED,
    SHARED,
    Cell,
    Element,
    Scope,
    attach,
    cell_of,
    target_of,
    top_of,
)
from superscalar.schedule.commands import Command, Issue, Repeat, Revive
from superscalar.schedule.counting import Counting
from superscalar.schedule.items import elements_of, is_ahead_of_ok
from superscalar.schedule.left import LeftBehind
from superscalar.schedule.liveness import Liveness
from superscalar.schedule.order import NOT_BOUND, NameOf, forget_name
from superscalar.schedule.races import Race
from superscalar.schedule.requests import Requests
from superscalar.values import UNNEEDED, Failure, Observation, Skipped, TaskId


class Schedule:
    """Counts what every task still misses, and judges what is needed.

    The one mutating method is `apply`, or `note`, which leaves what is to be done now in `todo`. Applying the events
    that this leads to is the caller's work. Applying recorded events again rebuilds the same state.

    `unsettled` counts the tasks that have not settled and are needed; a run is over when it is zero. `planned` counts
    the tasks of the plan, of which the items of maps are none. `made_of`: as for `Ordering`.
    """

    def __init__(self, made_of: NameOf = lambda _call: ()) -> None:
        self.sealed = False
        self.planned = 0
        self.requests = Requests()
        self.unsettled = 0
        self._began = 0  # tasks of the plan before this round
        self._retired = 0  # instances that are no part of the plan any more
        self._held: list[Cell] = []
        self._writing: list[Cell] = []
        self._looked_at = 0  # instances that `writing` has looked at
        self._cells: dict[TaskId, Cell] = {}
        self._root = Scope({})
        self._counting = Counting(self._cells, made_of)
        self._liveness = Liveness(self._cells, self._root, self._counting)
        self._unneeded = self._liveness.unneeded  # this and the next two: looked at for every task
        self._uses = self._counting.uses
        self._lower = self._counting.lower
        self.todo = self._counting.todo
        self.handlers: dict[type, Callable[[Any], None]] = {
            events.Planned: self._on_planned,
            events.Sealed: self._on_sealed,
            events.RoundStarted: self._on_round,
            events.Started: self._on_started,
            events.Expanded: self._on_expanded,
            events.Resolved: self._on_resolved,
            events.Shared: self._on_shared,
            events.Succeeded: self._on_succeeded,
            events.Failed: self._on_failed,
            events.Skipped: self._on_skipped,
            events.Wanted: self._on_wanted,
            events.Won: self._on_won,
            events.Retired: self._on_retired,
            **dict.fromkeys(self._liveness.handlers, self._on_judged),
        }

    # ------------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        return len(self._cells) - self._retired

    def cell(self, id: TaskId) -> Cell:
        """The instance of that id.

        Raises:
            IllegalEvent: there is none.
        """
        return cell_of(self._cells, id)

    def outcomes(self) -> LeftBehind:
        """What every task left behind so far, in program order; of what nothing needs, that it was skipped.

        Of what was retired there is nothing.
        """
        cells: Iterable[Cell] = self._cells.values()
        if len(self._cells) != len(self._root.cells):  # without items of maps they are in program order already
            cells = sorted(cells, key=_place)
        unneeded = self._unneeded
        found = [c for c in cells if (c.status is SETTLED or c in unneeded) and not c.retired]
        lacking = {c.id: c.outcome or UNNEEDED for c in found if c.value is NO_VALUE}
        values = {c.id: c.value for c in found}
        return LeftBehind(values | dict.fromkeys(lacking) if lacking else values, lacking)

    def plan(self) -> Iterator[Task]:
        """The tasks of the plan, the last one first."""
        cells = reversed(self._root.cells.values())
        return (cell.task for cell in cells if cell.task is not None and not cell.retired)

    def planned_between(self, first: int, end: float) -> Iterator[Task]:
        """The tasks of the plan from one place to another, none that was retired, in the order of planning."""
        cells = (cell for cell in self._root.cells.values() if first <= cell.order[0] < end)
        return (cell.task for cell in cells if cell.task is not None and not cell.retired)

    def get(self, id: TaskId) -> Cell | None:
        """The instance of that id, or None."""
        return self._cells.get(id)

    def in_program_order(self) -> list[Cell]:
        """Every instance, in the order of the program; none that was retired."""
        return sorted((c for c in self._cells.values() if not c.retired), key=_place)

    def open_cells(self) -> list[Cell]:
        """The instances that have not settled and are needed, in program order."""
        waited_for = (c for c in self._cells.values() if c.status is not SETTLED and not self.is_unneeded(c))
        return sorted(waited_for, key=_place)

    def writing(self) -> Iterator[Cell]:
        """The instances that write, and the maps in whose bodies something does."""
        fresh = islice(self._cells.values(), self._looked_at, None)
        self._writing += [cell for cell in fresh if cell.task is not None and writes(cell.task)]
        self._looked_at = len(self._cells)
        return (cell for cell in self._writing if not cell.retired)

    def writes_before(self, cell: Cell) -> int:
        """How many writes happened before an access that is ready, of those that it may meet (rule L21)."""
        return 0 if cell.access is None else self._counting.hazards.writes_before(cell.access, cell.order)

    def race(self, cell: Cell) -> Race:
        """What a `first` knows of its items."""
        return self._counting.races.of(cell)

    def is_unneeded(self, cell: Cell) -> bool:
        """Whether an instance has not settled and nothing needs it."""
        return cell in self._unneeded

    def losers(self, id: TaskId, stays: Callable[[Cell], bool] = lambda _: False) -> list[Cell]:
        """What has not settled and only this `first` needed, in program order; what nothing needed before included.

        What `stays` goes on, with all that it needs.
        """
        return sorted(self._liveness.losers(self.cell(id), stays), key=_place)

    def dead(self) -> tuple[TaskId, ...]:
        """What nothing needs of the tasks that were planned, now that the round is complete. It is asked once a round.

        Tasks that have not settled, and tasks of bodies, which have none.
        """
        return self._liveness.judge_round()

    # ------------------------------------------------------------------------------------------------ changing

    def apply(self, event: events.Event) -> list[Command]:
        """Take note of what happened and return what is to be done because of it.

        Events that say nothing about the graph are accepted and change nothing.

        Raises:
            IllegalEvent: the event contradicts an earlier one: a bug here, never in the plan.
        """
        before = len(self.todo)
        self.note(event)
        return self.commands_since(before)

    def commands_since(self, before: int) -> list[Command]:
        """Take off `todo` what was added since it had that length."""
        fresh = [self.todo.pop() for _ in range(len(self.todo) - before)]
        return [Issue(one.id) if isinstance(one, Cell) else one for one in reversed(fresh)]

    def note(self, event: events.Event) -> None:
        """What `apply` does, but what is to be done is left in `todo`: a cell there is to be issued."""
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _on_round(self, _event: events.RoundStarted) -> None:
        self.sealed = False
        self._began = self.planned
        self._counting.hazards.begin_round(self.planned)

    def _on_sealed(self, _event: events.Sealed) -> None:
        self.sealed = True
        held, self._held = self._held, []
        for cell in held:
            self._counting.lower(cell)
        self._counting.races.release()

    def _on_planned(self, event: events.Planned) -> None:
        order = self.planned
        self.planned = order + 1
        if self._unneeded:
            self.todo.extend(self._liveness.revived_by(event.task))
        self._add(event.task, event.task.id, self._root, (order,), ())

    def _on_started(self, event: events.Started) -> None:
        cell = self._cells.get(event.id) or self.cell(event.id)
        if cell.status is not READY and cell.status is not RUNNING:
            raise IllegalEvent(f"`{cell.id}` started while {cell.status}")
        cell.status = RUNNING
        if event.batch:
            self.requests.begin(event.batch, cell)

    def _on_succeeded(self, event: events.Succeeded) -> None:
        cell = self._cells.get(event.id) or self.cell(event.id)
        if cell.status is not RUNNING and cell.status is not READY and cell.status is not GATHERING:
            raise IllegalEvent(f"`{cell.id}` succeeded while {cell.status}")
        if not self._unneeded or not self._liveness.settled(cell):
            self.unsettled -= 1
        self._counting.succeed(cell, event.value)
        if self._uses.kept:  # there is a `first`
            self._counting.races.settled(cell, sealed=self.sealed)

    def _on_resolved(self, event: events.Resolved) -> None:
        cell = self.cell(event.id)
        if cell.access is None or cell.access.known or (cell.status is not PENDING and cell.status is not READY):
            raise IllegalEvent(f"what `{cell.id}` touches became known while it was {cell.status}")
        cell.access = Access(cell.access.provider, event.resource)
        if cell.status is READY and (cause := self._counting.hazards.cause(cell.access, cell.order)) is not None:
            self._counting.stop(cell, cause)
        self._counting.order.named(cell)

    def _on_shared(self, event: events.Shared) -> None:
        cell, other = self.cell(event.id), self.cell(event.of)
        if cell.status is not READY:
            raise IllegalEvent(f"`{cell.id}` shares the call of `{other.id}` while {cell.status}")
        cell.status = RUNNING
        cell.parts = (Element(other),)  # it needs that one
        self._counting.uses.note(cell)
        if self.is_unneeded(other):
            self.todo.append(Revive((other.id,)))
        if other.status is SETTLED:
            self.todo.append(Repeat(cell.id, other.id))
        else:
            attach(other, cell, SHARED)

    def _on_failed(self, event: events.Failed) -> None:
        cell = self.cell(event.id)
        if cell.status is SETTLED:
            raise IllegalEvent(f"`{cell.id}` failed after it settled")
        self.requests.fail(cell, alone=event.alone)
        if cell.status is READY and event.failure.kind in NOT_BOUND:
            forget_name(cell)
        self._settle(cell, event.failure)

    def _on_skipped(self, event: events.Skipped) -> None:
        cell = self.cell(event.id)
        if cell.status not in (DOOMED, READY, GATHERING):  # the last two: seen only when it was evaluated
            raise IllegalEvent(f"`{cell.id}` was skipped while {cell.status}")
        if cell.doom is not None or (cell.status is READY and event.because != cell.blocked):
            forget_name(cell)
        self._settle(cell, event.outcome)

    def _on_expanded(self, event: events.Expanded) -> None:
        cell = self.cell(event.id)
        work = cell.task.work if cell.task else None
        if not isinstance(work, Map) or cell.status is not READY:
            raise IllegalEvent(f"`{cell.id}` was expanded while {cell.status}")
        sources = elements_of(cell)
        if len(sources) != event.count:
            raise IllegalEvent(f"`{cell.id}` was expanded to {event.count} items but has {len(sources)}")
        cell.status = EXPANDED
        cell.missing = 1  # so that an item that settles at once does not gather too early
        if is_ahead_of_ok(cell, work):
            for source in sources:
                self._counting.decide(source.keep[0])
        elements = []
        earlier: list[Cell] = []
        for index, source in enumerate(sources):
            element, earlier = self._instantiate(cell, work, index, source, earlier)
            elements.append(element)
        cell.parts = elements
        counting = self._counting
        counting.order.leave(cell)
        counting.uses.note(cell)
        if not work.flatten and work.kind in ("list", "tuple"):
            cell.elements = elements
            counting.shape_known(cell)
        counting.lower(cell)

    def await_whole(self, cell: Cell, *needs: Need) -> None:
        """Have what was issued be issued again when that is there: what `ok` keeps as a whole, of a map; or all that a
        plan is given that is called.
        """
        cell.status = PENDING
        cell.missing = 1
        for need in needs:
            self._counting.require(cell, need)
        self._counting.lower(cell)

    def _on_judged(self, event: events.Event) -> None:
        """What is needed changes, and with it how much is waited for."""
        before = len(self._unneeded)
        self._liveness.handlers[type(event)](event)
        self.unsettled += before - len(self._unneeded)

    def _on_wanted(self, event: events.Wanted) -> None:
        self._counting.races.begin(self.cell(event.id), event.count)

    def _on_won(self, event: events.Won) -> None:
        self._counting.races.check(self.cell(event.id), event.items)

    def _on_retired(self, event: events.Retired) -> None:
        ids = frozenset(event.ids)
        fresh = [cell for cell in self._cells.values() if not cell.retired and top_of(cell).id in ids]
        for cell in fresh:
            self._check_retirable(cell)
        if unknown := ids - {cell.id for cell in fresh}:
            raise IllegalEvent(f"there is no task `{min(unknown)}` to retire")
        for cell in fresh:
            cell.retired = True
            if cell.is_write and cell.access is not None and cell.outcome is not None:
                self._counting.hazards.retired(cell.access, cell.order)
        self._retired += len(fresh)
        before = len(self._unneeded)
        self._liveness.let_go_of_retired(fresh)
        self.unsettled += before - len(self._unneeded)

    def _check_retirable(self, cell: Cell) -> None:
        if self.sealed:
            raise IllegalEvent(f"`{cell.id}` was retired after the seal of its round")
        if top_of(cell).order[0] < self._began:
            raise IllegalEvent(f"`{cell.id}` is of an earlier round, and was retired")
        outcome = cell.outcome
        written = isinstance(outcome, Observation) or (isinstance(outcome, Failure) and outcome.in_doubt)
        if cell.is_write and (written or cell.status is RUNNING):
            raise IllegalEvent(f"`{cell.id}` writes and was retired after it had begun")

    def let_go(self) -> None:
        """Forget every instance, and what each of them refers to."""
        for cell in self._cells.values() if len(self._cells) != len(self._root.cells) else ():
            cell.parts, cell.elements = (), None
            if cell.scope is not self._root:  # an item of a map, whose scope has it
                cell.scope.cells.clear()
                cell.scope.source = None
        self._cells.clear()
        self._root.cells.clear()
        self._counting.waiters.clear()
        self._uses.let_go()
        self._unneeded.clear()

    # ---------------------------------------------------------------------------------------------------- maps

    def _instantiate(
        self, owner: Cell, work: Map, index: int, source: Element, earlier: list[Cell]
    ) -> tuple[Element, list[Cell]]:
        """Add the tasks of one item; returns its element and its chained cells."""
        prefix = len(owner.task.id) + 2 if owner.task else 0
        place = f"{owner.id}[{index}]"
        scope = Scope({work.item: source.cell}, owner.scope, owner, source)
        chained: list[Cell] = []
        for position, task in enumerate(work.body):
            order = (*owner.order, index, position)
            after = earlier if task.id in work.chained else ()
            cell = self._add(task, place + task.id[prefix:], scope, order, source.keep, tuple(after))
            if task.id in work.chained:
                chained.append(cell)
            if cell.status is not DORMANT:
                self._counting.watch(cell, owner, OUTCOME)
        keep = tuple(scope.cells[task] for task in work.keep)
        key = scope.cells[work.key] if work.key is not None else None
        result = scope.find(work.result)
        if result is None:
            raise IllegalEvent(f"`{owner.id}` has no result `{work.result}`")
        if result is source.cell:  # the item itself is the element: nothing in the body stands for it
            self._counting.watch(result, owner, OUTCOME)
        for condition in source.keep:
            self._counting.watch(condition, owner, OUTCOME)
        return Element(result, source.keep + keep, key, scope), chained

    # ------------------------------------------------------------------------------------------------- counting

    def _add(
        self,
        task: Task,
        id: TaskId,
        scope: Scope,
        order: tuple[int, ...],
        keep: tuple[Cell, ...],
        after: tuple[Cell, ...] = (),
    ) -> Cell:
        cells = self._cells
        if id in cells:
            raise IllegalEvent(f"task `{id}` was planned twice")
        cell = cells[id] = Cell(id, task, scope, order)
        scope.cells[task.id] = cell
        self.unsettled += 1
        counting = self._counting
        cell.missing = 1  # released at the end, so that nothing is issued half wired
        for condition in keep:
            cell.undecided += 1
            counting.watch(condition, cell, GUARD_TRUE)
        for guard in task.guards:
            cell.undecided += 1
            counting.watch(target_of(cell, guard.condition), cell, GUARD_TRUE if guard.expected else GUARD_FALSE)
        for need in task.needs:
            counting.require(cell, need)
        for earlier in task.after:
            counting.order.follow(target_of(cell, earlier), cell)
        for earlier_cell in after:
            counting.order.follow(earlier_cell, cell)
        work = task.work
        kind = type(work)
        if type(work) is Call:
            cell.access = work.access
            if work.access is not None:
                counting.order.add(cell)
            if not self.sealed and work.effect == "write":
                cell.missing += 1
                self._held.append(cell)
        elif kind is Map:
            counting.order.add(cell)
        elif isinstance(work, Display) and work.kind in ("list", "tuple"):
            cell.elements = [Element(target_of(cell, item)) for item in work.items]
        if self._liveness.dead and task.id in self._liveness.dead:
            self._liveness.set_aside([cell])
            self.unsettled -= 1
        if kind is First:
            counting.uses.keep()
        if self._uses.kept:
            self._uses.note(cell)
        if cell.missing > 1:
            cell.missing -= 1
        else:
            self._lower(cell)
        if cell.access is not None and not cell.access.known and cell.status is PENDING:
            counting.order.await_name(cell)
        return cell

    def _settle(self, cell: Cell, outcome: Failure | Skipped) -> None:
        if not self._unneeded or not self._liveness.settled(cell):
            self.unsettled -= 1
        self._counting.settle(cell, outcome)
        if self._uses.kept:  # there is a `first`
            self._counting.races.settled(cell, sealed=self.sealed)

    # ---------------------------------------------------------------------------------------------- invariants

    def _depends_on(self, cell: Cell) -> Iterator[Cell]:
        if cell.task is not None:
            ids = (*(need.task for need in cell.task.needs), *(g.condition for g in cell.task.guards), *cell.task.after)
            yield from (found for id in ids if (found := cell.scope.find(id)) is not None)

    def check(self) -> None:
        """Recount everything that is kept as a count. For tests: O(tasks + edges).

        Raises:
            IllegalEvent: a count is wrong.
        """
        open_cells = [cell for cell in self._cells.values() if cell.status is not SETTLED]
        if len(open_cells) - len(self._unneeded) != self.unsettled:
            raise IllegalEvent(f"{len(open_cells)} tasks are open but {self.unsettled} are counted")
        for cell in self._unneeded:
            if cell.status not in (DORMANT, RUNNING):
                raise IllegalEvent(f"nothing needs `{cell.id}`, which is {cell.status}")
        for cell in self._cells.values():
            if (cell.status is SETTLED) is not (cell.outcome is not None):
                raise IllegalEvent(f"`{cell.id}` is {cell.status} with outcome {cell.outcome}")
            if cell.status in (READY, RUNNING, GATHERING) and cell.missing:
                raise IllegalEvent(f"`{cell.id}` is {cell.status} and misses {cell.missing}")
            if cell.status is SETTLED and (
                cell.value_watchers is not None or cell.sole_watcher or cell.watchers or cell.shape_watchers
            ):
                raise IllegalEvent(f"`{cell.id}` settled without telling everybody")
            if cell.status is DORMANT and cell not in self._unneeded:
                raise IllegalEvent(f"`{cell.id}` is dormant, but counts")
            if not cell.retired and any(target.retired for target in self._depends_on(cell)):
                raise IllegalEvent(f"`{cell.id}` depends on what was retired")
            if cell.status in (PENDING, EXPANDED) and cell.missing < 1:
                raise IllegalEvent(f"`{cell.id}` is {cell.status} and misses {cell.missing}")


def _place(cell: Cell) -> tuple[int, ...]:
    return cell.order
