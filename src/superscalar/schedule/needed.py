"""What of a run is needed still: a `first` that has its answers (rule L16), and dead code (rule L22)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from superscalar import events
from superscalar.errors import IllegalEvent
from superscalar.plan.ir import Access, First, Map, Task, walk
from superscalar.plan.passes.dead import by_id, joins_everything, needed, roots, writes
from superscalar.schedule import liveness
from superscalar.schedule.cells import (
    DOOMED,
    DORMANT,
    EXPANDED,
    GATHERING,
    PENDING,
    READY,
    RUNNING,
    SETTLED,
    SHARED,
    Cell,
    Race,
    Scope,
    attach,
)
from superscalar.schedule.commands import Command, Refuse, Release, Revive
from superscalar.schedule.items import items
from superscalar.schedule.order import NameOf, Ordering, are_apart
from superscalar.values import UNNEEDED, Failure, Observation, Outcome, Skipped, TaskId

# What a watcher waits for in the watched cell. A value is the common case and has a list of its own.
# OVER: its end, for the ordering edges of a map around it. From ITEM on: the item of a `first`, by position.
OUTCOME, GUARD_TRUE, GUARD_FALSE, OVER, ITEM = range(5)


class Needed(ABC):
    """The part of a `Schedule` that lets go of what nothing needs, and takes it back when a later round refers to it.

    What nothing needs is in `_unneeded` until it settles: dormant, or running with nobody waiting for it. `unsettled`
    counts what has not settled and is needed. A dormant cell goes on counting what it misses, so that it can go on
    where it stood. What comes after it in the order of accesses does not wait for it.
    """

    def __init__(self, made_of: NameOf) -> None:
        self.sealed = False
        self.unsettled = 0
        self._root = Scope({})
        self._cells: dict[TaskId, Cell] = {}
        self.todo: deque[Cell | Command] = deque()
        self._order = Ordering(self._cells, self._lower, self.todo, made_of)
        self._rounds: list[list[Task]] = []
        self._judged = 0  # tasks of the plan that a seal has looked at
        self._began = 0  # tasks of the plan before this round
        self.retired = 0  # instances that are no part of the plan any more
        self._writing: list[Cell] = []
        self._looked_at = 0  # instances that `writing` has looked at
        self._unneeded: dict[Cell, str] = {}  # each with the status that it had
        self._dead: set[TaskId] = set()  # tasks of bodies that nothing needs, whatever the item
        self._users: liveness.Users | None = None  # from the first `first` on
        self._races: dict[Cell, Race] = {}
        self._decided: list[Cell] = []  # every `first` that has settled and not let go yet
        self._needing: dict[type, Callable[[Any], None]] = {
            events.Wanted: self._on_wanted,
            events.Won: self._on_won,
            events.Unneeded: self._on_unneeded,
            events.Cancelled: self._on_cancelled,
            events.Revived: self._on_revived,
            events.Retired: self._on_retired,
        }

    @abstractmethod
    def cell(self, id: TaskId) -> Cell:
        """The instance of that id."""

    @abstractmethod
    def _lower(self, cell: Cell) -> None: ...

    @abstractmethod
    def _watch(self, target: Cell, cell: Cell, what: int) -> None: ...

    @abstractmethod
    def _order_skip(self, cell: Cell) -> None: ...

    @abstractmethod
    def _forget_write(self, access: Access, order: tuple[int, ...]) -> None: ...

    def outcomes(self) -> dict[TaskId, Outcome]:
        """What every task left behind so far, in program order; of what nothing needs, that it was skipped.

        Of what was retired there is nothing.
        """
        cells: Iterable[Cell] = self._cells.values()
        if len(self._cells) != len(self._root.cells):  # without items of maps they are in program order already
            cells = sorted(cells, key=_place)
        return {
            c.id: c.outcome or UNNEEDED
            for c in cells
            if (c.outcome is not None or c in self._unneeded) and not c.retired
        }

    def writing(self) -> Iterator[Cell]:
        """The instances that write, and the maps in whose bodies something does."""
        fresh = islice(self._cells.values(), self._looked_at, None)
        self._writing += [cell for cell in fresh if cell.task is not None and writes(cell.task)]
        self._looked_at = len(self._cells)
        return (cell for cell in self._writing if not cell.retired)

    def is_unneeded(self, cell: Cell) -> bool:
        """Whether an instance has not settled and nothing needs it."""
        return cell in self._unneeded

    # ------------------------------------------------------------------------------------------- first (rule L16)

    def race(self, cell: Cell) -> Race:
        """What a `first` knows of its items."""
        return self._races[cell]

    def losers(self, id: TaskId, stays: Callable[[Cell], bool] = lambda _: False) -> list[Cell]:
        """What has not settled and only this `first` needed, in program order; what nothing needed before included.

        What `stays` goes on, with all that it needs.
        """
        return sorted(liveness.only_for(self.cell(id), self._users or {}, self._unneeded, stays), key=_place)

    def _note_users(self, *cells: Cell) -> None:
        """Remember what these cells need, of which there may be more than when this was asked before."""
        if self._users is None:
            self._users = {}
            cells = tuple(self._cells.values())
        for cell in cells:
            for used in liveness.inputs(cell):
                self._users.setdefault(used, []).append(cell)

    def _on_wanted(self, event: events.Wanted) -> None:
        cell = self.cell(event.id)
        if cell.task is None or not isinstance(cell.task.work, First) or cell.status is not READY:
            raise IllegalEvent(f"`{cell.id}` was told how many it wants while {cell.status}")
        cell.status = EXPANDED
        cell.missing = 1
        cell.parts = items(cell)
        self._note_users(cell)
        race = self._races[cell] = Race(event.count, set(range(len(cell.parts))))
        race.over = race.wanted > len(cell.parts)
        for position, element in enumerate(cell.parts):
            outcome = element.outcome()
            if outcome is not None:
                race.note(position, outcome)
                continue
            for target in (element.cell, *element.keep):
                if target.outcome is None:
                    attach(target, cell, ITEM + position)
        if race.over:
            self._lower(cell)

    def _item_settled(self, cell: Cell, position: int) -> None:
        race = self._races.get(cell)
        outcome = cell.parts[position].outcome()
        if race is not None and not race.over and position in race.open and outcome is not None:
            race.note(position, outcome)
            if race.over:
                self._lower(cell)

    def _release(self) -> None:
        """Every `first` that has settled lets go of what only it needed. An incomplete plan may need that yet."""
        if self.sealed:
            decided, self._decided = self._decided, []
            self.todo += [Release(cell.id) for cell in decided]

    def _on_won(self, event: events.Won) -> None:
        cell = self.cell(event.id)
        race = self._races.get(cell)
        if race is None or race.winners != event.items:
            raise IllegalEvent(f"`{cell.id}` was won by the items {event.items}, which is not what happened")

    # ------------------------------------------------------------------------------------- what is needed (rule L22)

    def dead(self) -> tuple[TaskId, ...]:
        """What nothing needs of the tasks that were planned, now that the round is complete. O(tasks + edges).

        Tasks that have not settled, and tasks of bodies, which have none.
        """
        tops = self._root.cells.values()
        fresh = [c.task for c in islice(tops, self._judged, None) if c.task is not None and not c.retired]
        self._judged = len(tops)
        self._rounds.append(fresh)
        if joins_everything(fresh):
            return ()
        program = [task for round in self._rounds for task in round]
        live = needed([root for round in self._rounds for root in roots(round)], by_id(program))
        open_cells = [c for c in self._cells.values() if c.outcome is None and c not in self._unneeded]
        open_cells = [c for c in open_cells if not (c.is_shared and _shared_by(c) & live)]
        found = [c.id for c in open_cells if c.task and c.task.id not in live and c.status not in (DOOMED, GATHERING)]
        bodies = (task.work.body for task in program if isinstance(task.work, Map) and task.id in live)
        return (*found, *(task.id for body in bodies for task in walk(body) if task.id not in live))

    def _on_unneeded(self, event: events.Unneeded) -> None:
        found = []
        for id in event.ids:
            cell = self._cells.get(id)
            if cell is None:
                self._dead.add(id)
            elif cell.task is not None and writes(cell.task):
                raise IllegalEvent(f"`{id}` writes, and is needed for that alone")
            elif cell.status is not SETTLED and cell not in self._unneeded:
                found.append(cell)
        self._set_aside(found)

    def _revive_for(self, task: Task) -> None:
        """A task is planned that may refer to what nothing needed so far."""
        revived = liveness.revived_by(task, self._root, self._unneeded)
        if revived:
            self.todo.append(Revive(tuple(cell.id for cell in sorted(revived, key=_place))))

    def _set_aside(self, cells: list[Cell]) -> None:
        """Wait for these no longer. All are counted out before anybody is told."""
        for cell in cells:
            self._unneeded[cell] = cell.status
            self.unsettled -= 1
        for cell in cells:
            if cell.status is RUNNING and not cell.parts:  # what comes after a map around it waits for its end
                self._leave_map(cell)
                owner = cell.scope.owner
                while owner is not None:
                    owner.after_missing += 1
                    attach(cell, owner, OVER)
                    owner = owner.scope.owner
        for cell in cells:
            if cell.status is RUNNING and cell.parts:  # it shares a call, and makes none
                (shared,) = cell.parts
                if shared.cell.watchers is not None:
                    shared.cell.watchers.remove((cell, SHARED))
                cell.parts = ()
                self._rest(cell)
            elif cell.status is not RUNNING:
                self._rest(cell)

    def _rest(self, cell: Cell) -> None:
        cell.status = DORMANT
        self._leave_map(cell)
        self._order.leave(cell)
        if cell.after_watchers is not None and cell.after_missing == 0:
            self._order.tell_followers(cell)

    def _leave_map(self, cell: Cell) -> None:
        """The map whose body it stands in does not wait for it."""
        owner, watchers = cell.scope.owner, cell.watchers
        if owner is not None and watchers is not None and (owner, OUTCOME) in watchers:
            watchers.remove((owner, OUTCOME))
            self._lower(owner)

    def _ended_inside(self, owner: Cell) -> None:
        """A call that a map did not wait for has ended: what follows the map may start."""
        self._order.ended_before([owner])

    def _on_cancelled(self, event: events.Cancelled) -> None:
        cell = self.cell(event.id)
        if cell.status is not RUNNING:
            raise IllegalEvent(f"`{cell.id}` was cancelled while {cell.status}")
        if cell in self._unneeded:
            self._unneeded[cell] = PENDING
            watchers = cell.watchers or []
            cell.watchers = [watch for watch in watchers if watch[1] != OVER]
            for owner, what in watchers:
                if what == OVER:
                    self._ended_inside(owner)
            self._rest(cell)
        else:  # revived while it was being cancelled: once more
            cell.status = PENDING
            cell.missing = 1
            self._lower(cell)

    def _on_revived(self, event: events.Revived) -> None:
        self._dead.difference_update(event.ids)
        cells = [cell for id in event.ids if (cell := self._cells.get(id)) is not None and cell in self._unneeded]
        before = {cell: self._unneeded.pop(cell) for cell in cells}
        self.unsettled += len(cells)
        for cell in cells:
            owner = cell.scope.owner
            if owner is not None and owner.status in (EXPANDED, DORMANT):
                self._watch(cell, owner, OUTCOME)
        followers = self._followers() if any(cell.status is DORMANT for cell in cells) else {}
        for cell, status in before.items():
            if cell.status is DORMANT:
                self._wake(cell, EXPANDED if status is EXPANDED else PENDING, followers)

    def _wake(self, cell: Cell, status: str, followers: dict[TaskId, list[Cell]]) -> None:
        """Take part again at its place: before the writes that come after it, if none of them has been made."""
        cell.status = status
        cell.missing += 1
        self._order.enter(cell)
        top = _top(cell)
        later = dict.fromkeys([*followers.get(top.id, ()), *([top] if top is not cell else ())])
        todo = deque(later)
        while todo:
            write = todo.popleft()
            passed = write.task is None or not writes(write.task) or isinstance(write.outcome, Skipped)
            if passed or write.status is PENDING or are_apart(cell, write):
                if not passed and write.status is PENDING:
                    self._order.follow(cell, write)
                fresh = [one for one in followers.get(write.id, ()) if one not in later] if write is not top else []
                later |= dict.fromkeys(fresh)
                todo += fresh
            elif _may_have_written(write):
                cell.status = DOOMED
                message = f"nothing needed it until `{write.id}` had changed what it reads: call it again"
                self.todo.append(Refuse(cell.id, Failure("cancelled", message)))
                return
        self._lower(cell)
        self._order_skip(cell)

    # ------------------------------------------------------------------------------- what is taken back (L29, L30)

    def _on_retired(self, event: events.Retired) -> None:
        ids = frozenset(event.ids)
        fresh = [cell for cell in self._cells.values() if not cell.retired and _top(cell).id in ids]
        for cell in fresh:
            self._check_retirable(cell)
        if unknown := ids - {cell.id for cell in fresh}:
            raise IllegalEvent(f"there is no task `{min(unknown)}` to retire")
        for cell in fresh:
            cell.retired = True
            if cell.is_write and cell.access is not None and cell.outcome is not None:
                self._forget_write(cell.access, cell.order)
        self.retired += len(fresh)
        self._decided = [cell for cell in self._decided if not cell.retired]
        self._let_go_of_retired(fresh)

    def _check_retirable(self, cell: Cell) -> None:
        if self.sealed:
            raise IllegalEvent(f"`{cell.id}` was retired after the seal of its round")
        if _top(cell).order[0] < self._began:
            raise IllegalEvent(f"`{cell.id}` is of an earlier round, and was retired")
        outcome = cell.outcome
        written = isinstance(outcome, Observation) or (isinstance(outcome, Failure) and outcome.in_doubt)
        if cell.is_write and (written or cell.status is RUNNING):
            raise IllegalEvent(f"`{cell.id}` writes and was retired after it had begun")

    def _let_go_of_retired(self, fresh: Iterable[Cell]) -> None:
        """Wait for them no longer; a call that a task of the plan shares goes on, and is over with that one's end."""
        while fresh:
            parts = [part.cell for cell in fresh for part in cell.parts if cell.status is RUNNING]
            open_cells = [cell for cell in fresh if cell.outcome is None and cell not in self._unneeded]
            self._set_aside([cell for cell in open_cells if not _has_live_twin(cell)])
            fresh = [cell for cell in parts if cell.retired]  # what shared their calls may have been the last to

    def _followers(self) -> dict[TaskId, list[Cell]]:
        """The tasks of the plan that come right after each one in the order of accesses."""
        found: dict[TaskId, list[Cell]] = {}
        for cell in self._root.cells.values():
            for earlier in cell.task.after if cell.task is not None else ():
                found.setdefault(earlier, []).append(cell)
        return found


def _top(cell: Cell) -> Cell:
    """The task of the plan that an instance belongs to."""
    while cell.scope.owner is not None:
        cell = cell.scope.owner
    return cell


def _has_live_twin(cell: Cell) -> bool:
    """Whether a task of the plan that is open gets the outcome of this one's call (rule L21)."""
    return any(what == SHARED and not user.retired and user.outcome is None for user, what in cell.watchers or ())


def _place(cell: Cell) -> tuple[int, ...]:
    return cell.order


def _shared_by(cell: Cell) -> set[TaskId]:
    """The tasks that are open and get the outcome of this one's call (rule L21)."""
    sharing = (user for user, what in cell.watchers or () if what == SHARED and user.outcome is None)
    return {user.task.id for user in sharing if user.task is not None}


def _may_have_written(cell: Cell) -> bool:
    """Whether a write that has what it waits for may have happened. One that failed without doubt has not."""
    outcome = cell.outcome
    return not isinstance(outcome, Failure) or outcome.items is not None or outcome.in_doubt or outcome.abandoned
