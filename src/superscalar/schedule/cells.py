"""Task instances: where each one stands, what its references mean, and what its items are. Changed by `state` alone."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from superscalar.errors import IllegalEvent
from superscalar.plan.evaluate.elements import truth
from superscalar.plan.ir import Access, Call, Task
from superscalar.schedule.commands import Skip
from superscalar.values import Observation, Outcome, Skipped, TaskId

# A cell's status: where a task instance stands.
PENDING = "pending"  # something that it needs is missing
DOOMED = "doomed"  # that it is skipped or refused was ordered
READY = "ready"  # nothing is missing: it is issued
RUNNING = "running"  # its tool is called, or a call that it shares
EXPANDED = "expanded"  # a map whose items are open, or a `first` that has too few answers
GATHERING = "gathering"  # they have settled, or enough of them
SETTLED = "settled"  # it has its outcome
DORMANT = "dormant"  # nothing needs it, and nothing of it runs

MOVES: Final[Mapping[tuple[str, str], str]] = {
    (PENDING, READY): "the last of what it missed came: an input, a guard, an ordering edge, the seal of its round",
    (
        PENDING,
        DOOMED,
    ): "it cannot have all it needs: an input failed or was skipped, a guard is false; or as of a map that is Revived",
    (
        PENDING,
        SETTLED,
    ): "it is an item that has no task of its own; or a task that was refused when it was planned or stopped",
    (PENDING, DORMANT): "nothing needs it: Unneeded, Retired",
    (READY, RUNNING): "Started, Shared",
    (READY, EXPANDED): "Expanded, Wanted",
    (
        READY,
        PENDING,
    ): "it is a map over what `ok` keeps, and has to know all of that first; or rules are to be asked of "
    "a plan that is called, and it has to know all that it is given",
    (READY, SETTLED): "it calls nothing, or its call is not made: Succeeded, Failed, Skipped",
    (
        READY,
        DOOMED,
    ): "a write before it failed: seen when the last of what it missed came, or the name of what it touches, Resolved",
    (READY, DORMANT): "nothing needs it: Unneeded, Retired",
    (RUNNING, SETTLED): "Succeeded, Failed",
    (RUNNING, DORMANT): "Cancelled, since nothing needs it; or it only shared a call, and nothing needs it",
    (RUNNING, PENDING): "Cancelled, and Revived before that: it is called once more",
    (EXPANDED, GATHERING): "its last item settled, or enough of them",
    (EXPANDED, DOOMED): "Revived, when a write after the map had changed what its items read: it is refused",
    (EXPANDED, DORMANT): "nothing needs it: Unneeded, Retired",
    (GATHERING, SETTLED): "what it holds was gathered: Succeeded, Failed, Skipped",
    (GATHERING, DORMANT): "nothing needs it: Unneeded, Retired",
    (DOOMED, SETTLED): "Skipped, Failed",
    (DOOMED, DORMANT): "nothing needs it: Unneeded, Retired",
    (DORMANT, PENDING): "Revived: a later round needs it",
    (DORMANT, EXPANDED): "Revived: a later round needs it, and its items were there",
}
"""Every move of an instance from one status to another, and what brings it about: an event, or what follows from one.

Retrying moves nothing: a call that waits to be tried again is running.
"""

# What a watcher waits for in the watched cell. A value is the common case and has a list of its own.
# KEPT: it is the condition that an item has succeeded (`success_of`).
# SHARED: it gets the outcome of that call (rule L21). NAME: what it touches has a name made of that value (rule L17).
# OVER: its end, for the ordering edges of a map around it. From ITEM on: the item of a `first`, by position.
KEPT, NAME, SHARED, OUTCOME, GUARD_TRUE, GUARD_FALSE, OVER, ITEM = range(-3, 5)


class Scope:
    """Which cell a reference means: inside a map's body the item's own tasks come before those outside.

    `owner`: the map whose item this is the scope of. `source`: what that goes through, at this item.
    """

    __slots__ = ("cells", "outer", "owner", "source")

    def __init__(
        self,
        cells: dict[TaskId, Cell],
        outer: Scope | None = None,
        owner: Cell | None = None,
        source: Element | None = None,
    ) -> None:
        self.cells = cells
        self.outer = outer
        self.owner = owner
        self.source = source

    def find(self, task: TaskId) -> Cell | None:
        """The cell that `Ref(task)` means here, or None."""
        scope: Scope | None = self
        while scope is not None:
            if (cell := scope.cells.get(task)) is not None:
                return cell
            scope = scope.outer
        return None


NO_VALUE: Final[Any] = object()
"""Stands for the value of a cell that has none."""
OPEN: Final = Observation(True)
"""What comes of entering a plan that is called, where no rule names it: whatever it is given, it is entered."""
PERMITTED: Final = "permitted"
"""The same where the rules were asked, or a person: then what it is given has decided on that."""


@final
class Cell:
    """One task instance. Read by the shell, changed by `Schedule` alone.

    `value`: what it came to, or `NO_VALUE`: most who look at a cell want that alone, and so no `Observation` is made.

    `order` sorts instances in program order. `elements`: the items of a list-like map or display once their number is
    known, for those who look at single items. `parts`: the items of a map, or of the list of a `first`, for gathering;
    of a call that shares another one, that one; of an item that has no task of its own, the list that it is in.
    """

    __slots__ = (
        "_outcome",
        "access",
        "after_missing",
        "after_watchers",
        "ahead",
        "blocked",
        "doom",
        "elements",
        "id",
        "missing",
        "order",
        "parts",
        "refused",
        "retired",
        "scope",
        "shape_watchers",
        "silent",
        "sole_watcher",
        "status",
        "task",
        "undecided",
        "value",
        "value_watchers",
        "watchers",
    )

    def __init__(self, id: TaskId, task: Task | None, scope: Scope, order: tuple[int, ...]) -> None:
        self.id = id
        self.task = task
        self.scope = scope
        self.order = order
        self.missing = 0
        self.undecided = 0  # guards that have not settled yet: a skip by cause waits for them
        self.after_missing = 0  # what it follows and is not over, even if this cell settles early
        self.ahead = False  # none of that may touch what this touches: it need not wait
        self.status = PENDING
        self._outcome: Outcome | None = None
        self.value: Any = NO_VALUE
        self.elements: list[Element] | None = None
        self.parts: Sequence[Element] = ()
        self.value_watchers: Cell | int | None = None  # one; of several the last, by its place in `Waiters`
        self.sole_watcher: Cell | None = None  # it waits for the outcome: nearly always the one of all `watchers`
        self.watchers: list[tuple[Cell, int]] | None = None
        self.shape_watchers: list[tuple[Cell, int | None]] | None = None
        self.after_watchers: list[Cell] | None = None
        self.doom: Skip | None = None
        self.refused = False  # a guard of its own said no
        self.blocked: TaskId | None = None  # the write that it may not follow, if it has all its arguments
        self.silent = False  # an input that it cannot do without has no value, and no failure either
        self.retired = False  # it is no part of the plan any more (rules L29, L30)
        self.access: Access | None = None  # what the call touches, where that can be written

    @property
    def outcome(self) -> Outcome | None:
        """What became of it; None while it is open."""
        if self._outcome is None and self.value is not NO_VALUE:
            self._outcome = Observation(self.value)
        return self._outcome

    @outcome.setter
    def outcome(self, outcome: Outcome | None) -> None:
        self._outcome = outcome
        self.value = outcome.value if type(outcome) is Observation else NO_VALUE

    @property
    def is_write(self) -> bool:
        """Whether it calls a tool that writes."""
        return self.task is not None and isinstance(self.task.work, Call) and self.task.work.effect == "write"

    @property
    def is_shared(self) -> bool:
        """Whether another task that is open shares its call: then the work goes on, whoever needs this one."""
        return any(what == SHARED and cell.status is not SETTLED for cell, what in self.watchers or ())

    def __repr__(self) -> str:
        return f"<{self.id} {self.status} missing={self.missing} {self.outcome!r}>"


def success_of(element: Element, ok: TaskId) -> Cell:
    """The condition that an item has a value and counts: what `ok` asks, the task of that id (rule L15).

    It has no task of its own: the item decides it; see `Counting.decide`.
    """
    condition = Cell(ok, None, element.cell.scope, ())
    condition.parts = (element,)
    if (found := whether_kept(condition)) is not None:
        condition.outcome = found
        condition.status = SETTLED
    return condition


def whether_kept(condition: Cell) -> Observation | None:
    """What a condition of `success_of` comes to; None while its item is open."""
    fate = condition.parts[0].fate()
    if fate.outcome is None:
        return None
    return Observation(fate.counts and not fate.adrift and isinstance(fate.outcome, Observation))


def attach(target: Cell, cell: Cell, what: int) -> None:
    """Have `cell` watch a target that is open; who counts what it misses is another matter."""
    if what == OUTCOME and target.watchers is None and target.sole_watcher is None:
        target.sole_watcher = cell
    else:
        watchers_of(target).append((cell, what))


def watchers_of(target: Cell) -> list[tuple[Cell, int]]:
    """Who watches a cell, and for what: a list that may be changed."""
    if target.watchers is None:
        sole, target.sole_watcher = target.sole_watcher, None
        target.watchers = [] if sole is None else [(sole, OUTCOME)]
    return target.watchers


def cell_of(cells: Mapping[TaskId, Cell], id: TaskId) -> Cell:
    """The instance of that id.

    Raises:
        IllegalEvent: there is none.
    """
    try:
        return cells[id]
    except KeyError:
        raise IllegalEvent(f"there is no task `{id}`") from None


def target_of(cell: Cell, task: TaskId) -> Cell:
    """The cell that a task refers to.

    Raises:
        IllegalEvent: there is none.
    """
    found = cell.scope.find(task)
    if found is None:
        raise IllegalEvent(f"`{cell.id}` refers to `{task}`, which was not planned before it")
    return found


def top_of(cell: Cell) -> Cell:
    """The task of the plan that an instance belongs to."""
    while cell.scope.owner is not None:
        cell = cell.scope.owner
    return cell


class Waiters:
    """Cells that wait for something several wait for. One list has all of them, whatever they wait for: one of its own
    for each target would be one more object that the collector walks.
    """

    __slots__ = ("_before", "_cells")

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self._before = array("q")  # by place: that of who came before for the same, or -1

    def join(self, cell: Cell, before: Cell | int) -> int:
        """The place of a cell behind those that came `before`: one, or several up to that place."""
        if not isinstance(before, int):
            before = self.join(before, -1)
        self._cells.append(cell)
        self._before.append(before)
        return len(self._cells) - 1

    def up_to(self, place: int) -> list[Cell]:
        """Those that wait for the same up to the one at a place, which came last, in the order in which they came."""
        found = []
        while place >= 0:
            found.append(self._cells[place])
            place = self._before[place]
        found.reverse()
        return found

    def clear(self) -> None:
        """Nobody waits any more."""
        self._cells.clear()
        del self._before[:]


@dataclass(slots=True)
class Element:
    """One item of a map or display: its cell, and the filters that must be true for it to count.

    `scope`: where the tasks of a map's body are found for this item.
    """

    cell: Cell
    keep: tuple[Cell, ...] = ()
    key: Cell | None = None
    scope: Scope | None = None

    def outcome(self) -> Outcome | None:
        """What became of the item; None while that is open. One that a filter left out is skipped by guard."""
        return self.fate().outcome

    def fate(self) -> ItemFate:
        """Whether the item counts, and where it stands, once it has settled."""
        return fate_of([(condition, True) for condition in self.keep], self.cell.outcome)


class ItemFate(NamedTuple):
    """What became of an item of a map, a loop or a display.

    `counts`: no filter, and no `if` of the loop around the step, left it out. `adrift`: nobody knows whether it counts.
    """

    outcome: Outcome | None
    counts: bool = True
    adrift: bool = False


def fate_of(conditions: Sequence[tuple[Cell, bool]], outcome: Outcome | None) -> ItemFate:
    """The fate of what has that outcome and counts if these conditions, of which each waits for those before it, come
    out as expected (rule L33).
    """
    for condition, expected in conditions:
        match condition.outcome:
            case None:
                return ItemFate(None)
            case Observation(value):
                if truth(value) is not expected:
                    return ItemFate(Skipped(condition.id, by_guard=True), counts=False)
            case Skipped() as skipped:
                return ItemFate(Skipped(skipped.because, skipped.by_guard), adrift=True)
            case _:
                return ItemFate(Skipped(condition.id), adrift=True)
    return ItemFate(outcome)
