"""Who needs whom among the cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from superscalar.plan.ir import Task, walk
from superscalar.schedule.cells import Cell, Element
from superscalar.values import TaskId


class Uses:
    """Remembers whose input each cell is. Only what a `first` lets go of has to know: it is `kept` from there on."""

    def __init__(self, cells: Mapping[TaskId, Cell]) -> None:
        self._cells = cells
        self._users: dict[Cell, list[Cell]] = {}
        self.kept = False

    def keep(self) -> None:
        """From now on, and for all that is there already."""
        if not self.kept:
            self.kept = True
            for cell in self._cells.values():
                self.note(cell)

    def note(self, cell: Cell) -> None:
        """Remember what a cell needs, which may be more than when this was asked before."""
        if self.kept:
            for used in inputs(cell):
                self._users.setdefault(used, []).append(cell)

    def let_go(self) -> None:
        """Forget all of them: the run is over."""
        self._users.clear()

    def users_of(self, cell: Cell) -> Iterable[Cell]:
        """The cells that need this one; one may be there more than once."""
        return self._users.get(cell, ())


def inputs(cell: Cell) -> Iterator[Cell]:
    """The cells that a cell needs, or may need; not those that it only comes after.

    A map needs its items, and until there are any what their tasks will refer to.
    """
    task, scope = cell.task, cell.scope
    if task is None:
        return
    for inner in walk((task,)):
        for id in tasks_used(inner):
            if (target := scope.find(id)) is not None:
                yield target
    if scope.source is not None:
        yield from _decided_by(scope.source)
    for element in cell.parts:
        yield element.cell
        yield from _decided_by(element)
        if element.key is not None:
            yield element.key


def _decided_by(element: Element) -> Iterator[Cell]:
    """What decides whether an item counts; that it has succeeded is decided by the item itself."""
    return (one if one.task is not None else one.parts[0].cell for one in element.keep)


def tasks_used(task: Task) -> Iterator[TaskId]:
    """The tasks that a task needs, or whose outcomes decide whether it runs."""
    for need in task.needs:
        yield need.task
    for guard in task.guards:
        yield guard.condition
