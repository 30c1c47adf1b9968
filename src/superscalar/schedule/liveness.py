"""What of a run is needed still: a `first` that has its answers (L16), dead code (L22), what is taken back (L29, L30).

Changed by `state` alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from superscalar import events
from superscalar.errors import IllegalEvent
from superscalar.plan.ir import Join, Map, Task, walk
from superscalar.plan.passes.dead import by_id, needed, needs_everything, roots, writes
from superscalar.schedule.cells import (
    DOOMED,
    DORMANT,
    EXPANDED,
    GATHERING,
    OUTCOME,
    OVER,
    PENDING,
    RUNNING,
    SETTLED,
    SHARED,
    Cell,
    Scope,
    attach,
    cell_of,
    top_of,
    watchers_of,
)
from superscalar.schedule.commands import Refuse, Revive
from superscalar.schedule.counting import Counting
from superscalar.schedule.order import are_apart
from superscalar.schedule.uses import inputs, tasks_used
from superscalar.values import Failure, Skipped, TaskId


class Liveness:
    """Judges what is needed, lets go of what nothing needs, and takes it back when a later round refers to it.

    What nothing needs is in `unneeded` until it settles, each with the status that it had: dormant, or running with
    nobody waiting for it. A dormant cell goes on counting what it misses, so that it can go on where it stood. What
    comes after it in the order of accesses does not wait for it.
    """

    def __init__(self, cells: Mapping[TaskId, Cell], plan: Scope, counting: Counting) -> None:
        self._cells = cells
        self._plan = plan
        self._counting = counting
        self._rounds: list[list[Task]] = []
        self._judged = 0  # tasks of the plan that a seal has looked at
        self.unneeded: dict[Cell, str] = {}
        self.dead: set[TaskId] = set()  # tasks of bodies that nothing needs, whatever the item
        self.handlers: dict[type, Callable[[Any], None]] = {
            events.Unneeded: self._on_unneeded,
            events.Cancelled: self._on_cancelled,
            events.Revived: self._on_revived,
        }

    # ------------------------------------------------------------------------------------------------------- judging

    def losers(self, first: Cell, stays: Callable[[Cell], bool]) -> list[Cell]:
        """What is open that only a `first` needed, which has settled; what nothing needed before included.

        What `stays` goes on, with all that it needs. O(cells found, and edges to them): a cell is found once the last
        of its users is.
        """
        waiting: dict[Cell, set[Cell]] = {}
        found: dict[Cell, None] = {first: None}
        for user in (pending := [first]):  # grows while we go through it
            for cell in inputs(user):
                if cell in found or cell.outcome is not None or cell.status in (DOOMED, GATHERING):
                    continue
                if cell not in waiting:
                    users = self._counting.uses.users_of(cell)
                    waiting[cell] = {
                        u for u in users if u.outcome is None and u not in found and u not in self.unneeded
                    }
                waiting[cell].discard(user)
                if not waiting[cell] and not _is_root(cell) and not stays(cell):
                    found[cell] = None
                    pending.append(cell)
        del found[first]
        return list(found)

    def judge_round(self) -> tuple[TaskId, ...]:
        """What nothing needs of the tasks that were planned, now that the round is complete. O(tasks + edges).

        Tasks that have not settled, and tasks of bodies, which have none.
        """
        tops = self._plan.cells.values()
        fresh = [c.task for c in islice(tops, self._judged, None) if c.task is not None and not c.retired]
        self._judged = len(tops)
        self._rounds.append(fresh)
        if needs_everything(fresh):
            return ()
        program = [task for round in self._rounds for task in round]
        live = needed([root for round in self._rounds for root in roots(round)], by_id(program))
        open_cells = [c for c in self._cells.values() if c.outcome is None and c not in self.unneeded]
        open_cells = [c for c in open_cells if not (c.is_shared and _shared_by(c) & live)]
        found = [c.id for c in open_cells if c.task and c.task.id not in live and c.status not in (DOOMED, GATHERING)]
        bodies = (task.work.body for task in program if isinstance(task.work, Map) and task.id in live)
        return (*found, *(task.id for body in bodies for task in walk(body) if task.id not in live))

    def revived_by(self, task: Task) -> list[Revive]:
        """What is to be taken back of what nothing needed, as this task refers to it."""
        found: dict[Cell, None] = {}
        pending = [cell for inner in walk((task,)) for id in tasks_used(inner) if (cell := self._plan.cells.get(id))]
        for cell in pending:  # grows while we go through it
            if cell in self.unneeded and cell not in found:
                found[cell] = None
                pending += inputs(cell)
        return [Revive(tuple(cell.id for cell in sorted(found, key=lambda cell: cell.order)))] if found else []

    def settled(self, cell: Cell) -> bool:
        """A cell has its outcome: whether anything needs it is no question any more. True if nothing did."""
        return self.unneeded.pop(cell, None) is not None

    # ----------------------------------------------------------------------------------------------------- letting go

    def _on_unneeded(self, event: events.Unneeded) -> None:
        found = []
        for id in event.ids:
            cell = self._cells.get(id)
            if cell is None:
                self.dead.add(id)
            elif cell.task is not None and writes(cell.task):
                raise IllegalEvent(f"`{id}` writes, and is needed for that alone")
            elif cell.status is not SETTLED and cell not in self.unneeded:
                found.append(cell)
        self.set_aside(found)

    def set_aside(self, cells: list[Cell]) -> None:
        """Wait for these no longer. All are counted out before anybody is told."""
        self.unneeded |= {cell: cell.status for cell in cells}
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

    def let_go_of_retired(self, fresh: Iterable[Cell]) -> None:
        """Wait for them no longer; a call that a task of the plan shares goes on, and is over with that one's end."""
        while fresh:
            parts = [part.cell for cell in fresh for part in cell.parts if cell.status is RUNNING]
            open_cells = [cell for cell in fresh if cell.outcome is None and cell not in self.unneeded]
            self.set_aside([cell for cell in open_cells if not _has_live_twin(cell)])
            fresh = [cell for cell in parts if cell.retired]  # what shared their calls may have been the last to

    def _rest(self, cell: Cell) -> None:
        cell.status = DORMANT
        self._leave_map(cell)
        order = self._counting.order
        order.leave(cell)
        if cell.after_watchers is not None and cell.after_missing == 0:
            order.tell_followers(cell)

    def _leave_map(self, cell: Cell) -> None:
        """The map whose body it stands in does not wait for it."""
        owner = cell.scope.owner
        if owner is not None and (owner, OUTCOME) in (watchers := watchers_of(cell)):
            watchers.remove((owner, OUTCOME))
            self._counting.lower(owner)

    def _on_cancelled(self, event: events.Cancelled) -> None:
        cell = cell_of(self._cells, event.id)
        if cell.status is not RUNNING:
            raise IllegalEvent(f"`{cell.id}` was cancelled while {cell.status}")
        if cell in self.unneeded:
            self.unneeded[cell] = PENDING
            watchers = watchers_of(cell)
            cell.watchers = [watch for watch in watchers if watch[1] != OVER]
            for owner, what in watchers:
                if what == OVER:
                    self._counting.order.ended_before([owner])
            self._rest(cell)
        else:  # revived while it was being cancelled: once more
            cell.status = PENDING
            cell.missing = 1
            self._counting.lower(cell)

    # ---------------------------------------------------------------------------------------------------- taking back

    def _on_revived(self, event: events.Revived) -> None:
        self.dead.difference_update(event.ids)
        cells = [cell for id in event.ids if (cell := self._cells.get(id)) is not None and cell in self.unneeded]
        before = {cell: self.unneeded.pop(cell) for cell in cells}
        for cell in cells:
            owner = cell.scope.owner
            if owner is not None and owner.status in (EXPANDED, DORMANT):
                self._counting.watch(cell, owner, OUTCOME)
        followers = self._followers() if any(cell.status is DORMANT for cell in cells) else {}
        for cell, status in before.items():
            if cell.status is DORMANT:
                self._wake(cell, EXPANDED if status is EXPANDED else PENDING, followers)

    def _wake(self, cell: Cell, status: str, followers: dict[TaskId, list[Cell]]) -> None:
        """Take part again at its place: before the writes that come after it, if none of them has been made."""
        cell.status = status
        cell.missing += 1
        self._counting.order.enter(cell)
        top = top_of(cell)
        later = dict.fromkeys([*followers.get(top.id, ()), *([top] if top is not cell else ())])
        todo = deque(later)
        while todo:
            write = todo.popleft()
            passed = write.task is None or not writes(write.task) or isinstance(write.outcome, Skipped)
            if passed or write.status is PENDING or are_apart(cell, write):
                if not passed and write.status is PENDING:
                    self._counting.order.follow(cell, write)
                fresh = [one for one in followers.get(write.id, ()) if one not in later] if write is not top else []
                later |= dict.fromkeys(fresh)
                todo += fresh
            elif _may_have_written(write):
                cell.status = DOOMED
                message = f"nothing needed it until `{write.id}` had changed what it reads: call it again"
                self._counting.todo.append(Refuse(cell.id, Failure("cancelled", message)))
                return
        self._counting.lower(cell)
        self._counting.order_skip(cell)

    def _followers(self) -> dict[TaskId, list[Cell]]:
        """The tasks of the plan that come right after each one in the order of accesses."""
        found: dict[TaskId, list[Cell]] = {}
        for cell in self._plan.cells.values():
            for earlier in cell.task.after if cell.task is not None else ():
                found.setdefault(earlier, []).append(cell)
        return found


def _is_root(cell: Cell) -> bool:
    return cell.task is not None and (isinstance(cell.task.work, Join) or writes(cell.task))


def _has_live_twin(cell: Cell) -> bool:
    """Whether a task of the plan that is open gets the outcome of this one's call (rule L21)."""
    return any(what == SHARED and not user.retired and user.outcome is None for user, what in cell.watchers or ())


def _shared_by(cell: Cell) -> set[TaskId]:
    """The tasks that are open and get the outcome of this one's call (rule L21)."""
    sharing = (user for user, what in cell.watchers or () if what == SHARED and user.outcome is None)
    return {user.task.id for user in sharing if user.task is not None}


def _may_have_written(cell: Cell) -> bool:
    """Whether a write that has what it waits for may have happened. One that failed without doubt has not."""
    outcome = cell.outcome
    return not isinstance(outcome, Failure) or outcome.items is not None or outcome.in_doubt or outcome.abandoned
