"""The state of one run's graph: events in, commands out. No `await`, no clock, no randomness.

Per task instance it holds the count of what is still missing; an event lowers counts; at zero the task is issued. All
of it is O(tasks + edges), whatever the order in which things complete (the counts are those of Kahn's algorithm,
CACM 5(11), 1962, kept while the graph still grows).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from superscalar import events
from superscalar.errors import IllegalEvent
from superscalar.plan.evaluate.elements import truth
from superscalar.plan.ir import Access, Call, Display, Each, First, Literal, Map, Need, Ref, Task
from superscalar.schedule.cells import (
    DOOMED,
    DORMANT,
    EXPANDED,
    GATHERING,
    NAME,
    PENDING,
    READY,
    RUNNING,
    SETTLED,
    SHARED,
    Cell,
    Element,
    Scope,
)
from superscalar.schedule.commands import Command, Issue, Repeat, Revive, Skip
from superscalar.schedule.hazards import Hazards
from superscalar.schedule.items import items
from superscalar.schedule.needed import GUARD_FALSE, GUARD_TRUE, ITEM, OUTCOME, OVER, Needed
from superscalar.schedule.order import NOT_BOUND, NameOf, forget_name
from superscalar.schedule.requests import Requests
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId, is_silent


class Schedule(Needed):
    """Counts what every task still misses.

    The one mutating method is `apply`, or `note`, which leaves what is to be done now in `todo`. Applying the events
    that this leads to is the caller's work. Applying recorded events again rebuilds the same state.

    `unsettled` counts the tasks that have not settled and are needed; a run is over when it is zero. `planned` counts
    the tasks of the plan, of which the items of maps are none. `made_of`: as for `Ordering`.
    """

    def __init__(self, made_of: NameOf = lambda _call: ()) -> None:
        super().__init__(made_of)
        self._held: list[Cell] = []
        self._hazards = Hazards()
        self.planned = 0
        self.requests = Requests()
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
            **self._needing,
        }

    # ------------------------------------------------------------------------------------------------- reading

    def __len__(self) -> int:
        return len(self._cells) - self.retired

    def cell(self, id: TaskId) -> Cell:
        """The instance of that id.

        Raises:
            IllegalEvent: there is none.
        """
        try:
            return self._cells[id]
        except KeyError:
            raise IllegalEvent(f"there is no task `{id}`") from None

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
        return sorted((c for c in self._cells.values() if not c.retired), key=lambda cell: cell.order)

    def open_cells(self) -> list[Cell]:
        """The instances that have not settled and are needed, in program order."""
        waited_for = (c for c in self._cells.values() if c.status is not SETTLED and c not in self._unneeded)
        return sorted(waited_for, key=lambda cell: cell.order)

    def writes_before(self, cell: Cell) -> int:
        """How many writes happened before an access that is ready, of those that it may meet (rule L21)."""
        return 0 if cell.access is None else self._hazards.writes_before(cell.access, cell.order)

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
        self._hazards.begin_round(self.planned)

    def _on_sealed(self, _event: events.Sealed) -> None:
        self.sealed = True
        held, self._held = self._held, []
        for cell in held:
            self._lower(cell)
        self._release()

    def _on_planned(self, event: events.Planned) -> None:
        order = self.planned
        self.planned = order + 1
        if self._unneeded:
            self._revive_for(event.task)
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
        self._settle(cell, Observation(event.value))

    def _on_resolved(self, event: events.Resolved) -> None:
        cell = self.cell(event.id)
        if cell.access is None or cell.access.known or (cell.status is not PENDING and cell.status is not READY):
            raise IllegalEvent(f"what `{cell.id}` touches became known while it was {cell.status}")
        cell.access = Access(cell.access.provider, event.resource)
        if cell.status is READY and (cause := self._hazards.cause(cell.access, cell.order)) is not None:
            self._stop(cell, cause)
        self._order.named(cell)

    def _on_shared(self, event: events.Shared) -> None:
        cell, other = self.cell(event.id), self.cell(event.of)
        if cell.status is not READY:
            raise IllegalEvent(f"`{cell.id}` shares the call of `{other.id}` while {cell.status}")
        cell.status = RUNNING
        cell.parts = (Element(other),)  # it needs that one
        if self._users is not None:
            self._note_users(cell)
        if self.is_unneeded(other):
            self.todo.append(Revive((other.id,)))
        if other.status is SETTLED:
            self.todo.append(Repeat(cell.id, other.id))
        elif other.watchers is None:
            other.watchers = [(cell, SHARED)]
        else:
            other.watchers.append((cell, SHARED))

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
        sources = items(cell)
        if len(sources) != event.count:
            raise IllegalEvent(f"`{cell.id}` was expanded to {event.count} items but has {len(sources)}")
        cell.status = EXPANDED
        cell.missing = 1  # so that an item that settles at once does not gather too early
        elements = []
        earlier: list[Cell] = []
        for index, source in enumerate(sources):
            element, earlier = self._instantiate(cell, work, index, source, earlier)
            elements.append(element)
        cell.parts = elements
        self._order.leave(cell)
        if self._users is not None:
            self._note_users(cell)
        if not work.flatten and work.kind in ("list", "tuple"):
            cell.elements = elements
            self._shape_known(cell)
        self._lower(cell)

    def _forget_write(self, access: Access, order: tuple[int, ...]) -> None:
        self._hazards.retired(access, order)

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
                self._watch(cell, owner, OUTCOME)
        keep = tuple(scope.cells[task] for task in work.keep)
        key = scope.cells[work.key] if work.key is not None else None
        result = scope.find(work.result)
        if result is None:
            raise IllegalEvent(f"`{owner.id}` has no result `{work.result}`")
        if result is source.cell:  # the item itself is the element: nothing in the body stands for it
            self._watch(result, owner, OUTCOME)
        for condition in source.keep:
            self._watch(condition, owner, OUTCOME)
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
        cell.missing = 1  # released at the end, so that nothing is issued half wired
        for condition in keep:
            cell.undecided += 1
            self._watch(condition, cell, GUARD_TRUE)
        for guard in task.guards:
            cell.undecided += 1
            self._watch(self._found(cell, guard.condition), cell, GUARD_TRUE if guard.expected else GUARD_FALSE)
        for need in task.needs:
            self._require(cell, need)
        for earlier in task.after:
            self._order.follow(self._found(cell, earlier), cell)
        for earlier_cell in after:
            self._order.follow(earlier_cell, cell)
        work = task.work
        kind = type(work)
        if isinstance(work, Call):
            cell.access = work.access
            if work.access is not None:
                self._order.add(cell)
            if not self.sealed and work.effect == "write":
                cell.missing += 1
                self._held.append(cell)
        elif kind is Map:
            self._order.add(cell)
        elif isinstance(work, Display) and work.kind in ("list", "tuple"):
            cell.elements = [Element(self._found(cell, item)) for item in work.items]
        if self._dead and task.id in self._dead:
            self._set_aside([cell])
        if self._users is not None or kind is First:
            self._note_users(cell)
        self._lower(cell)
        if cell.access is not None and not cell.access.known and cell.status is PENDING:
            self._order.await_name(cell)
        return cell

    def _found(self, cell: Cell, task: TaskId) -> Cell:
        found = cell.scope.find(task)
        if found is None:
            raise IllegalEvent(f"`{cell.id}` refers to `{task}`, which was not planned before it")
        return found

    def _require(self, cell: Cell, need: Need) -> None:
        target = cell.scope.cells.get(need.task) or self._found(cell, need.task)
        mode = need.mode
        if mode == "value":
            outcome = target.outcome
            if outcome is None:
                cell.missing += 1
                watching = target.value_watchers
                if watching is None:
                    target.value_watchers = cell
                elif isinstance(watching, Cell):
                    target.value_watchers = [watching, cell]
                else:
                    watching.append(cell)
            elif type(outcome) is not Observation:
                self._lacks(cell, target, outcome)
        elif mode == "outcome":
            self._watch(target, cell, OUTCOME)
        elif target.outcome is not None or target.elements is not None:
            cell.missing += 1
            self._shape_arrived(target, cell, need.item if mode == "item" else None)
        else:
            cell.missing += 1
            if target.shape_watchers is None:
                target.shape_watchers = []
            target.shape_watchers.append((cell, need.item if mode == "item" else None))

    def _watch(self, target: Cell, cell: Cell, what: int) -> None:
        cell.missing += 1
        if target.outcome is not None:
            self._noticed(target, cell, what)
        elif target.watchers is None:
            target.watchers = [(cell, what)]
        else:
            target.watchers.append((cell, what))

    def _noticed(self, target: Cell, cell: Cell, what: int) -> None:
        """`cell` learns that `target` settled, and how."""
        if what >= OVER:
            self._item_settled(cell, what - ITEM) if what >= ITEM else self._ended_inside(cell)
            return
        outcome = target.outcome
        if what == SHARED:
            if cell.status is not SETTLED:
                self.todo.append(Repeat(cell.id, target.id))
            return
        if what == NAME:
            self._order.name_input(cell)
            return
        if what != OUTCOME and outcome is not None:
            cell.undecided -= 1
            if isinstance(outcome, Observation):
                if truth(outcome.value) is not (what == GUARD_TRUE):
                    self._refuse(cell, target.id)
                self._order_skip(cell)
            elif isinstance(outcome, Skipped) and outcome.by_guard:  # what was not assigned is no yes
                self._refuse(cell, outcome.because)
                self._order_skip(cell)
            else:
                self._doom(cell, target, outcome)
        self._lower(cell)

    def _shape_known(self, target: Cell) -> None:
        waiting, target.shape_watchers = target.shape_watchers, None
        for cell, item in waiting or ():
            self._shape_arrived(target, cell, item)

    def _shape_arrived(self, target: Cell, cell: Cell, item: int | None) -> None:
        """`cell` (one missing) learns how many items `target` has, or that it never will."""
        elements, outcome = target.elements, target.outcome
        if item is not None and elements is not None and outcome is None:
            if any(element.keep for element in elements):  # positions are counted after the filters
                self._watch(target, cell, OUTCOME)
            elif item < len(elements):
                self._watch(elements[item].cell, cell, OUTCOME)
        elif item is None and (isinstance(outcome, Skipped | Failure) and outcome.items is None):
            self._doom(cell, target, outcome)
        elif item is None and elements is not None and cell.task is not None and isinstance(cell.task.work, Each):
            self._collect(cell, cell.task.work, target)
        self._lower(cell)

    def _collect(self, cell: Cell, work: Each, loop: Cell) -> None:
        """`cell` learns which instances of the loop's tasks it is to gather."""
        elements = [
            Element(found, element.keep)
            for element in loop.parts
            for task in work.tasks
            if element.scope is not None and (found := element.scope.find(task)) is not None
        ]
        cell.parts = elements
        if self._users is not None:
            self._note_users(cell)
        for element in elements:
            self._watch(element.cell, cell, OUTCOME)
            for condition in element.keep:
                self._watch(condition, cell, OUTCOME)
        guarded = any(element.cell.task is not None and element.cell.task.guards for element in elements)
        if not (work.last or work.spliced or guarded or work.otherwise):  # else nobody knows yet which of them count
            cell.elements = elements
            self._shape_known(cell)

    def _lower(self, cell: Cell) -> None:
        cell.missing -= 1
        if cell.missing == 0:
            if cell.status is PENDING and cell.doom is not None:
                self._order_skip(cell)
            elif cell.status is PENDING:
                cell.status = READY
                if cell.access is None or cell.silent or not self._stop_for_hazards(cell, cell.access):
                    self.todo.append(cell)
            elif cell.status is EXPANDED:
                cell.status = GATHERING
                self.todo.append(cell)

    def _stop_for_hazards(self, cell: Cell, access: Access) -> bool:
        """Skip an access that a write before it, failed or in doubt, stands in the way of (rule L19)."""
        cause = self._hazards.cause(access, cell.order) if access.known else None
        if cause is None:
            return False
        if cell.task is not None and not _has_plain_arguments(cell.task):
            cell.blocked = cause  # unless its arguments are silently absent: whoever evaluates them finds out
            return False
        self._stop(cell, cause)
        return True

    def _stop(self, cell: Cell, cause: TaskId) -> None:
        cell.status = DOOMED
        self.todo.append(Skip(cell.id, cause))

    def _lacks(self, cell: Cell, target: Cell, outcome: Outcome) -> None:
        """An input of `cell` has no value. Where nothing failed, or there are items that may be looked at, whoever
        evaluates finds out what that means.
        """
        if isinstance(outcome, Observation) or outcome.items is not None:
            return
        if is_silent(outcome):
            cell.silent = True
        else:
            self._doom(cell, target, outcome)

    def _doom(self, cell: Cell, target: Cell, outcome: Outcome | None) -> None:
        """`cell` cannot run because of what became of `target`; the root cause is the one that is named."""
        if isinstance(outcome, Skipped):
            self._condemn(cell, Skip(cell.id, outcome.because, outcome.by_guard))
        else:
            self._condemn(cell, Skip(cell.id, target.id))

    def _refuse(self, cell: Cell, because: TaskId) -> None:
        """A guard's no is no failure: it goes first."""
        cell.doom = Skip(cell.id, because, by_guard=True)
        cell.refused = True

    def _condemn(self, cell: Cell, doom: Skip) -> None:
        if cell.doom is None or (cell.doom.by_guard and not doom.by_guard and not cell.refused):
            cell.doom = doom
        self._order_skip(cell)

    def _order_skip(self, cell: Cell) -> None:
        """Order the skip that is due. Its kind must not depend on what comes in first, so a guard's no is final,
        a cause waits for the guards only, and what was handed down from the guard of an input waits for all inputs.
        """
        doom = cell.doom
        if doom is None or cell.status is not PENDING:
            return
        if cell.refused or cell.missing == 0 or (cell.undecided == 0 and not doom.by_guard):
            cell.status = DOOMED
            self.todo.append(doom)

    def _settle(self, cell: Cell, outcome: Outcome) -> None:
        cell.outcome = outcome
        cell.status = SETTLED
        if not self._unneeded or self._unneeded.pop(cell, None) is None:
            self.unsettled -= 1
        if cell.access is not None and cell.is_write:
            self._hazards.ended(cell.id, cell.access, cell.order, outcome)
        if self._order.lanes:
            self._order.leave(cell)
        waiting = cell.value_watchers
        if waiting is not None:
            cell.value_watchers = None
            if type(outcome) is not Observation:
                for watcher in [waiting] if isinstance(waiting, Cell) else waiting:
                    self._lacks(watcher, cell, outcome)
                    self._lower(watcher)
            elif isinstance(waiting, Cell):
                self._lower(waiting)
            else:
                for watcher in waiting:
                    self._lower(watcher)
        others = cell.watchers
        if others is not None:
            cell.watchers = None
            for watcher, what in others:
                self._noticed(cell, watcher, what)
        if cell.shape_watchers is not None:
            self._shape_known(cell)
        if cell.after_watchers is not None and cell.after_missing == 0:
            self._order.tell_followers(cell)
        if self._races and self._races.pop(cell, None) is not None:
            self._decided.append(cell)
            self._release()

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
            if cell.status is SETTLED and (cell.value_watchers or cell.watchers or cell.shape_watchers):
                raise IllegalEvent(f"`{cell.id}` settled without telling everybody")
            if cell.status is DORMANT and cell not in self._unneeded:
                raise IllegalEvent(f"`{cell.id}` is dormant, but counts")
            if not cell.retired and any(target.retired for target in self._depends_on(cell)):
                raise IllegalEvent(f"`{cell.id}` depends on what was retired")
            if cell.status in (PENDING, EXPANDED) and cell.missing < 1:
                raise IllegalEvent(f"`{cell.id}` is {cell.status} and misses {cell.missing}")


def _has_plain_arguments(task: Task) -> bool:
    """Whether nothing is left to find out about a call's arguments once what they name has settled."""
    return isinstance(task.work, Call) and all(type(value) in (Literal, Ref) for _, value in task.work.arguments)
