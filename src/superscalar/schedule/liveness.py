"""Who needs whom among the cells: what only a finished `first` needed (L16), what a new task revives (L22)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TypeAlias

from superscalar.plan.ir import Join, Task, walk
from superscalar.plan.passes.dead import writes
from superscalar.schedule.cells import DOOMED, GATHERING, Cell, Scope
from superscalar.values import TaskId

Users: TypeAlias = dict[Cell, list[Cell]]
"""Whose input a cell is."""


def inputs(cell: Cell) -> Iterator[Cell]:
    """The cells that a cell needs, or may need; not those that it only comes after.

    A map needs its items, and until there are any what their tasks will refer to.
    """
    task, scope = cell.task, cell.scope
    if task is None:
        return
    for inner in walk((task,)):
        for id in _references(inner):
            if (target := scope.find(id)) is not None:
                yield target
    if scope.source is not None:
        yield from scope.source.keep
    for element in cell.parts:
        yield element.cell
        yield from element.keep
        if element.key is not None:
            yield element.key


def only_for(
    first: Cell, users: Users, unneeded: Container[Cell], stays: Callable[[Cell], bool] = lambda _: False
) -> list[Cell]:
    """What is open that only a `first` needed, which has settled, and does not stay for something else.

    `unneeded`: what nothing needs anyway.

    O(cells found, and edges to them): a cell is found once the last of its users is.
    """
    waiting: dict[Cell, set[Cell]] = {}
    found: dict[Cell, None] = {first: None}
    for user in (pending := [first]):  # grows while we go through it
        for cell in inputs(user):
            if cell in found or cell.outcome is not None or cell.status in (DOOMED, GATHERING):
                continue
            if cell not in waiting:
                waiting[cell] = {
                    u for u in users.get(cell, ()) if u.outcome is None and u not in found and u not in unneeded
                }
            waiting[cell].discard(user)
            if not waiting[cell] and not _is_root(cell) and not stays(cell):
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


def _is_root(cell: Cell) -> bool:
    return cell.task is not None and (isinstance(cell.task.work, Join) or writes(cell.task))
