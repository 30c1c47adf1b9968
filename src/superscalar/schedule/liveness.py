"""Who needs whom among the cells: what only a finished `first` needed (L16), what a new task revives (L22)."""

from __future__ import annotations

from collections.abc import Container, Iterator

from superscalar.plan.ir import Join, Map, Task, walk
from superscalar.plan.passes.dead import writes
from superscalar.schedule.cells import DOOMED, GATHERING, Cell, Element, Scope
from superscalar.values import TaskId


def inputs(cell: Cell) -> Iterator[Cell]:
    """The cells that a cell needs, or may need; not those that it only comes after."""
    task, scope = cell.task, cell.scope
    if task is None:
        return
    for need in task.needs:
        target = scope.find(need.task)
        if target is not None:
            yield target
            if need.mode == "item" and target.elements is not None and need.item < len(target.elements):
                yield target.elements[need.item].cell
    for guard in task.guards:
        condition = scope.find(guard.condition)
        if condition is not None:
            yield condition
    if scope.source is not None:
        yield from scope.source.keep
    for element in cell.parts:
        yield from _cells(element)


def only_for(first: Cell, unneeded: Container[Cell]) -> list[Cell]:
    """What is open that only a `first` needed, which has settled. `unneeded`: what nothing needs anyway.

    O(cells found, and edges to them): a cell is found once none is left of those that wait for it.
    """
    waiting: dict[Cell, set[Cell]] = {}
    found: dict[Cell, None] = {first: None}
    for user in (pending := [first]):  # grows while we go through it
        for cell in inputs(user):
            if cell in found or cell.outcome is not None or cell.status in (DOOMED, GATHERING):
                continue
            if cell not in waiting:
                waiting[cell] = {other for other in _users(cell) if other not in found and other not in unneeded}
            waiting[cell].discard(user)
            if not waiting[cell] and not _is_root(cell):
                found[cell] = None
                pending.append(cell)
    del found[first]
    return list(found)


def revived_by(task: Task, root: Scope, unneeded: Container[Cell]) -> list[Cell]:
    """The cells that nothing needed until this task was planned, which refers to them."""
    pending = [
        cell
        for inner in walk((task,))
        for id in _references(inner)
        if (cell := root.cells.get(id)) is not None and cell in unneeded
    ]
    found: dict[Cell, None] = dict.fromkeys(pending)
    for user in pending:  # grows while we go through it
        for cell in inputs(user):
            if cell in unneeded and cell not in found:
                found[cell] = None
                pending.append(cell)
    return list(found)


def _references(task: Task) -> Iterator[TaskId]:
    for need in task.needs:
        yield need.task
    for guard in task.guards:
        yield guard.condition


def _users(cell: Cell) -> Iterator[Cell]:
    """The open cells that wait for a cell because they need it. A map waits for all of its body, but needs its ends."""
    owner = cell.scope.owner
    for user in cell.value_watchers or ():
        if user.outcome is None:
            yield user
    for user, _ in cell.shape_watchers or ():
        if user.outcome is None:
            yield user
    for user, _ in cell.watchers or ():
        if user.outcome is None and (user is not owner or _is_end(cell, owner)):
            yield user


def _is_end(cell: Cell, owner: Cell) -> bool:
    work = owner.task.work if owner.task else None
    ends = (work.result, work.key, *work.keep) if isinstance(work, Map) else ()
    return cell.task is not None and cell.task.id in ends


def _cells(element: Element) -> Iterator[Cell]:
    yield element.cell
    yield from element.keep
    if element.key is not None:
        yield element.key


def _is_root(cell: Cell) -> bool:
    return cell.task is not None and (isinstance(cell.task.work, Join) or writes(cell.task))
