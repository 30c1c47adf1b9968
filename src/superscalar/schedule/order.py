"""Ordering edges: which accesses must be over before one may start (rule L17). Changed by `state` alone.

The plan's edges are those of what is known when it is read. A call whose resource is a function of its arguments
touches all of its provider until these are in; from then on it waits only for what may touch the same (`Lane`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from superscalar.plan.ir import Access, Call, Expr, Map, Task, walk
from superscalar.plan.ir.needs import references
from superscalar.schedule.cells import DORMANT, EXPANDED, GATHERING, NAME, PENDING, SETTLED, Cell, attach
from superscalar.schedule.commands import Command, Name
from superscalar.schedule.lanes import Lane, Touch
from superscalar.values import TaskId

NameOf: TypeAlias = Callable[[Call], Iterable[Expr]]
"""The arguments that the name of what a call touches is made of."""


class Ordering:
    """Has accesses wait for what they follow. `lower` tells a cell that it misses one thing less.

    A cell that follows anything misses one thing, its turn, until all of that is over, or until nothing that is open
    before it may touch what it touches (it is `ahead` then). `after_missing` goes on counting, as what follows this
    cell relies on it: to be over is to be over with all that came before. A map needs no turn to be expanded; the
    accesses inside wait for its turn instead. `made_of`: the arguments of a call that the name of its resource is made
    of, where somebody is there who can tell that name.
    """

    def __init__(
        self,
        cells: Mapping[TaskId, Cell],
        lower: Callable[[Cell], None],
        todo: deque[Cell | Command],
        made_of: NameOf,
    ) -> None:
        self._cells = cells
        self._lower = lower
        self._todo = todo
        self._made_of = made_of
        self._unnamed: dict[Cell, int] = {}  # how many of the tasks are open that its name is made of
        self.lanes: dict[str, Lane] = {}  # by provider; of those alone in which names are computed
        self._inside: dict[Cell, list[Cell]] = {}  # accesses that wait for the turn of the map that they are in

    # --------------------------------------------------------------------------------------------------- the plan's

    def follow(self, target: Cell, cell: Cell) -> None:
        """Let `cell` start only when `target`, and all that it follows itself, have ended."""
        was_ahead = cell.ahead
        self._wait(cell)
        if is_over(target):
            self.ended_before([cell])
        elif target.after_watchers is None:
            target.after_watchers = [cell]
        else:
            target.after_watchers.append(cell)
        if was_ahead:
            self._look(cell)

    def add(self, cell: Cell) -> None:
        """An access is new, or a map: all that it follows was said, but for the turn of the map that it is in."""
        owner = cell.scope.owner
        if owner is not None and owner.after_missing:
            self._wait(cell)
            self._inside.setdefault(owner, []).append(cell)
        self.enter(cell)

    def _wait(self, cell: Cell) -> None:
        if _needs_turn(cell) and (cell.ahead or not cell.after_missing):
            cell.missing += 1
            cell.ahead = False
        cell.after_missing += 1

    def tell_followers(self, cell: Cell) -> None:
        """An access is over: what follows it may start, as far as that misses nothing else."""
        following, cell.after_watchers = cell.after_watchers, None
        self.ended_before(following or [])

    def ended_before(self, cells: list[Cell]) -> None:
        """One thing is over of those that each of these waits for."""
        told = list(cells)
        for cell in told:  # grows while we go through it: no recursion, however many were skipped in a row
            cell.after_missing -= 1
            if cell.after_missing:
                continue
            if _needs_turn(cell) and not cell.ahead:
                self._lower(cell)
            cell.ahead = False
            told += self._inside.pop(cell, ())
            if cell.after_watchers is not None and is_over(cell):
                told += cell.after_watchers
                cell.after_watchers = None

    # ------------------------------------------------------------------------------------------------ computed names

    def enter(self, cell: Cell) -> None:
        """An access takes its place among those that are open, or a map takes those of what is inside."""
        task = cell.task
        if task is None:
            return
        for access, writing in _accesses_of(task) if type(task.work) is Map else _access_of(cell):
            lane = self.lanes.get(access.provider)
            if lane is None:
                if access.known:
                    continue
                lane = self._open(access.provider, cell)
            lane.enter(cell.order, Touch(access.resource, writing))
        self._look(cell)

    def _open(self, provider: str, newest: Cell) -> Lane:
        """From now on names are computed there."""
        lane = self.lanes[provider] = Lane()
        for cell in self._cells.values():
            if cell is newest or cell.task is None or cell.status in (SETTLED, DORMANT, EXPANDED, GATHERING):
                continue
            touched = _accesses_of(cell.task) if type(cell.task.work) is Map else _access_of(cell)
            for access, writing in touched:
                if access.provider == provider:
                    lane.enter(cell.order, Touch(access.resource, writing))
        return lane

    def leave(self, cell: Cell) -> None:
        """It touches nothing any more; or those inside of a map have taken their own places."""
        for lane in self.lanes.values():
            for waiting in lane.leave(cell.order):
                self._look(waiting)

    def await_name(self, cell: Cell) -> None:
        """Have it told what a call touches that waits, as soon as that can be told."""
        call = cell.task.work if cell.task is not None else None
        if not isinstance(call, Call):
            return
        used = dict.fromkeys(cell.scope.find(id) for one in self._made_of(call) for id in references(one))
        open_cells = [found for found in used if found is not None and found.outcome is None]
        for found in open_cells:
            attach(found, cell, NAME)
        self._unnamed[cell] = len(open_cells) + 1
        self.name_input(cell)

    def name_input(self, cell: Cell) -> None:
        """A task has settled that the name of what `cell` touches is made of."""
        self._unnamed[cell] -= 1
        if not self._unnamed[cell]:
            del self._unnamed[cell]
            if cell.status is PENDING:
                self._todo.append(Name(cell.id))

    def named(self, cell: Cell) -> None:
        """What an access touches is known."""
        access = cell.access
        lane = None if access is None else self.lanes.get(access.provider)
        if lane is None or access is None:
            return
        waiting = lane.leave(cell.order)
        lane.enter(cell.order, Touch(access.resource, cell.is_write))
        for other in waiting:
            self._look(other)
        self._look(cell)

    def _look(self, cell: Cell) -> None:
        """Let a call go ahead if nothing that is open before it may touch the same; else it looks again later."""
        access = cell.access
        if access is None or access.resource is None or cell.status is not PENDING:
            return
        if not cell.after_missing or cell.ahead:
            return
        lane = self.lanes.get(access.provider)
        if lane is not None and not lane.waits(cell, Touch(access.resource, cell.is_write)):
            cell.ahead = True
            self._lower(cell)


def forget_name(cell: Cell) -> None:
    """Its arguments never were what a call needs: whether its name was told before that depends on what was faster."""
    if cell.task is not None and isinstance(cell.task.work, Call):
        cell.access = cell.task.work.access


NOT_BOUND: Final = frozenset({"arguments", "evaluation", "bounds"})
"""How a call fails whose arguments are none."""


def _needs_turn(cell: Cell) -> bool:
    return cell.task is None or type(cell.task.work) is not Map


def _access_of(cell: Cell) -> Iterator[tuple[Access, bool]]:
    if cell.access is not None:
        yield cell.access, cell.is_write


def _accesses_of(task: Task) -> Iterable[tuple[Access, bool]]:
    """What the body of a map touches, and whether that is written, each once."""
    calls = (inner.work for inner in walk((task,)) if type(inner.work) is Call)
    return dict.fromkeys((call.access, call.effect == "write") for call in calls if call.access is not None)


def are_apart(one: Cell, other: Cell) -> bool:
    """Whether it is known that two calls do not touch the same."""
    return one.access is not None and other.access is not None and not one.access.meets(other.access)


def is_over(cell: Cell) -> bool:
    """Whether a cell, and all that it follows, has ended, or will not begin as long as nothing needs it."""
    return (cell.status is SETTLED or cell.status is DORMANT) and cell.after_missing == 0
