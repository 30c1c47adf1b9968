"""What every task instance misses still, and who is to be told what became of it. Changed by `state` alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from superscalar.plan.evaluate.elements import truth
from superscalar.plan.ir import Access, Call, Each, Literal, Need, PlanCall, Ref, Task
from superscalar.schedule.cells import (
    DOOMED,
    EXPANDED,
    GATHERING,
    GUARD_TRUE,
    ITEM,
    KEPT,
    NAME,
    NO_VALUE,
    OUTCOME,
    OVER,
    PENDING,
    READY,
    SETTLED,
    Cell,
    Element,
    Waiters,
    attach,
    target_of,
    whether_kept,
)
from superscalar.schedule.commands import Command, Repeat, Skip
from superscalar.schedule.hazards import Hazards
from superscalar.schedule.order import NameOf, Ordering
from superscalar.schedule.races import Races
from superscalar.schedule.uses import Uses
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId, is_silent


class Counting:
    """Lowers the count of what an instance misses whenever some of it comes, and puts it into `todo` at zero.

    A skip that is due goes there too. `waiters` wait for the same value as others. `order` has accesses wait for each
    other, `hazards` stand in their way, and `races` count the answers of each `first`. `made_of`: as for `Ordering`.
    """

    def __init__(self, cells: Mapping[TaskId, Cell], made_of: NameOf) -> None:
        self.todo: deque[Cell | Command] = deque()
        self.waiters = Waiters()
        self.hazards = Hazards()
        self.order = Ordering(cells, self.lower, self.todo, made_of)
        self.uses = Uses(cells)
        self.races = Races(self.uses, self.lower, self.todo)
        self._deciding: dict[Cell, Observation] = {}

    def require(self, cell: Cell, need: Need) -> None:
        """Have a cell wait for one of its inputs, as far as it needs that."""
        target = cell.scope.cells.get(need.task) or target_of(cell, need.task)
        mode = need.mode
        if mode == "value":
            if target.status is not SETTLED:
                cell.missing += 1
                watching = target.value_watchers
                target.value_watchers = cell if watching is None else self.waiters.join(cell, watching)
            elif target.value is NO_VALUE:
                self._lacks(cell, target, target.outcome)
        elif mode == "outcome":
            if target.sole_watcher is None and target.watchers is None and target.status is not SETTLED:
                cell.missing += 1
                target.sole_watcher = cell  # `watch`, written out: a `join()` needs every task of a plan
            else:
                self.watch(target, cell, OUTCOME)
        elif mode == "named":
            return
        elif target.status is SETTLED or target.elements is not None:
            cell.missing += 1
            self._shape_arrived(target, cell, need.item if mode == "item" else None)
        else:
            cell.missing += 1
            if target.shape_watchers is None:
                target.shape_watchers = []
            target.shape_watchers.append((cell, need.item if mode == "item" else None))

    def watch(self, target: Cell, cell: Cell, what: int) -> None:
        """Have a cell miss what it waits for in a target."""
        cell.missing += 1
        if target.status is SETTLED:
            self._noticed(target, cell, what)
        else:
            attach(target, cell, what)

    def _noticed(self, target: Cell, cell: Cell, what: int) -> None:
        """`cell` learns that `target` settled, and how."""
        if what >= OVER:
            self.races.item_settled(cell, what - ITEM) if what >= ITEM else self.order.ended_before([cell])
            return
        if what < OUTCOME:
            if what == KEPT:
                self._decide(cell)
            elif what == NAME:
                self.order.name_input(cell)
            elif cell.status is not SETTLED:
                self.todo.append(Repeat(cell.id, target.id))
            return
        if what != OUTCOME and (outcome := target.outcome) is not None:
            cell.undecided -= 1
            if isinstance(outcome, Observation):
                if truth(outcome.value) is not (what == GUARD_TRUE):
                    self._refuse(cell, target.id)
                self.order_skip(cell)
            elif isinstance(outcome, Skipped) and outcome.by_guard:  # what was not assigned is no yes
                self._refuse(cell, outcome.because)
                self.order_skip(cell)
            else:
                self._doom(cell, target, outcome)
        self.lower(cell)

    def decide(self, condition: Cell) -> None:
        """Have a condition of `success_of` settle as soon as that is known of its item."""
        if condition.outcome is None:
            self._decide(condition)

    def _decide(self, condition: Cell) -> None:
        found = whether_kept(condition)
        if found is None:  # it is for the first that is open to say what comes next
            (element,) = condition.parts
            attach(next(one for one in (*element.keep, element.cell) if one.outcome is None), condition, KEPT)
            return
        self._deciding[condition] = found
        if len(self._deciding) == 1:  # no recursion, however many maps go through what others keep
            while self._deciding:
                decided = next(iter(self._deciding))
                self.succeed(decided, self._deciding[decided].value)
                del self._deciding[decided]

    def shape_known(self, target: Cell) -> None:
        """How many items a target has is known, or that it never will be."""
        waiting, target.shape_watchers = target.shape_watchers, None
        for cell, item in waiting or ():
            self._shape_arrived(target, cell, item)

    def _shape_arrived(self, target: Cell, cell: Cell, item: int | None) -> None:
        """`cell` (one missing) learns how many items `target` has, or that it never will."""
        elements, outcome = target.elements, target.outcome
        if item is not None and elements is not None and outcome is None:
            if any(element.keep for element in elements):  # positions are counted after the filters
                self.watch(target, cell, OUTCOME)
            elif item < len(elements):
                self.watch(elements[item].cell, cell, OUTCOME)
        elif item is None and (isinstance(outcome, Skipped | Failure) and outcome.items is None):
            self._doom(cell, target, outcome)
        elif item is None and elements is not None and cell.task is not None and isinstance(cell.task.work, Each):
            self._collect(cell, cell.task.work, target)
        elif item is None and elements is not None and cell.task is not None and type(cell.task.work) is PlanCall:
            cell.elements = elements  # what is called hands on what it joins, item by item
            self.shape_known(cell)
        self.lower(cell)

    def _collect(self, cell: Cell, work: Each, loop: Cell) -> None:
        """`cell` learns which instances of the loop's tasks it is to gather."""
        elements = [
            Element(found, element.keep)
            for element in loop.parts
            for task in work.tasks
            if element.scope is not None and (found := element.scope.find(task)) is not None
        ]
        cell.parts = elements
        self.uses.note(cell)
        for element in elements:
            self.watch(element.cell, cell, OUTCOME)
            for condition in element.keep:
                self.watch(condition, cell, OUTCOME)
        guarded = any(element.cell.task is not None and element.cell.task.guards for element in elements)
        if not (work.last or work.spliced or guarded or work.otherwise):  # else nobody knows yet which of them count
            cell.elements = elements
            self.shape_known(cell)

    def lower(self, cell: Cell) -> None:
        """A cell misses one thing less."""
        cell.missing -= 1
        if cell.missing == 0:
            if cell.status is PENDING and cell.doom is not None:
                self.order_skip(cell)
            elif cell.status is PENDING:
                cell.status = READY
                if cell.access is None or cell.silent or not self._stop_for_hazards(cell, cell.access):
                    self.todo.append(cell)
            elif cell.status is EXPANDED:
                cell.status = GATHERING
                self.todo.append(cell)

    def _stop_for_hazards(self, cell: Cell, access: Access) -> bool:
        """Skip an access that a write before it, failed or in doubt, stands in the way of (rule L19)."""
        cause = self.hazards.cause(access, cell.order) if access.known else None
        if cause is None:
            return False
        if cell.task is not None and not _has_plain_arguments(cell.task):
            cell.blocked = cause  # unless its arguments are silently absent: whoever evaluates them finds out
            return False
        self.stop(cell, cause)
        return True

    def stop(self, cell: Cell, cause: TaskId) -> None:
        """Order the skip of what may not follow a write."""
        cell.status = DOOMED
        self.todo.append(Skip(cell.id, cause))

    def _lacks(self, cell: Cell, target: Cell, outcome: Outcome | None) -> None:
        """An input of `cell` has no value. Where nothing failed, or there are items that may be looked at, whoever
        evaluates finds out what that means.
        """
        if outcome is None or isinstance(outcome, Observation) or outcome.items is not None:
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
        self.order_skip(cell)

    def order_skip(self, cell: Cell) -> None:
        """Order the skip that is due. Its kind must not depend on what comes in first, so a guard's no is final,
        a cause waits for the guards only, and what was handed down from the guard of an input waits for all inputs.
        """
        doom = cell.doom
        if doom is None or cell.status is not PENDING:
            return
        if cell.refused or cell.missing == 0 or (cell.undecided == 0 and not doom.by_guard):
            cell.status = DOOMED
            self.todo.append(doom)

    def succeed(self, cell: Cell, value: Any) -> None:
        """A cell has its value: tell all who wait for that."""
        cell.value = value
        cell.status = SETTLED
        waiting = cell.value_watchers
        if cell.access is not None or self.order.lanes:
            self._end_access(cell)
        if waiting is not None:
            cell.value_watchers = None
            if type(waiting) is Cell:
                self.lower(waiting)
            else:
                for watcher in self.waiters.up_to(waiting):
                    self.lower(watcher)
        if (sole := cell.sole_watcher) is not None and sole.missing > 1:  # the same without a call: it is for all tasks
            cell.sole_watcher = None
            sole.missing -= 1
        if cell.sole_watcher or cell.watchers or cell.shape_watchers or cell.after_watchers:
            self._tell_others(cell)

    def settle(self, cell: Cell, outcome: Failure | Skipped) -> None:
        """A cell has an outcome that is no value: tell all who wait for one."""
        cell.outcome = outcome
        cell.status = SETTLED
        waiting = cell.value_watchers
        self._end_access(cell)
        if waiting is not None:
            cell.value_watchers = None
            for watcher in [waiting] if type(waiting) is Cell else self.waiters.up_to(waiting):
                self._lacks(watcher, cell, outcome)
                self.lower(watcher)
        self._tell_others(cell)

    def _end_access(self, cell: Cell) -> None:
        outcome = cell.outcome
        if cell.access is not None and outcome is not None and cell.is_write:
            self.hazards.ended(cell.id, cell.access, cell.order, outcome)
        if self.order.lanes:
            self.order.leave(cell)

    def _tell_others(self, cell: Cell) -> None:
        if (sole := cell.sole_watcher) is not None:
            cell.sole_watcher = None
            self.lower(sole)
        others = cell.watchers
        if others is not None:
            cell.watchers = None
            for watcher, what in others:
                self._noticed(cell, watcher, what)
        if cell.shape_watchers is not None:
            self.shape_known(cell)
        if cell.after_watchers is not None and cell.after_missing == 0:
            self.order.tell_followers(cell)


def _has_plain_arguments(task: Task) -> bool:
    """Whether nothing is left to find out about a call's arguments once what they name has settled."""
    return isinstance(task.work, Call) and all(type(value) in (Literal, Ref) for _, value in task.work.arguments)
