"""The statements of a program in their places: what is right is published, and what needs a repair is held back.

What is published is never changed; a broken statement holds back only what needs it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from superscalar.plan import ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.forms import is_assert
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.pipeline import bare
from superscalar.plan.read.ground import Ground
from superscalar.plan.read.held import Held
from superscalar.plan.read.lowered import Lowered, StatementContext, lower_statement, version_id, version_parts
from superscalar.plan.read.lowering.body import names_in
from superscalar.plan.read.slots import Slot, path_of, with_headers
from superscalar.values import TaskId


class Publishing:
    """Lowers the statements of a round one after the other. `now`: what the program has come to with them.

    `held`: those that are held back. `joined`: one of them was its `join`. `earlier`: the tasks that an earlier process
    published in this round. `retired`: the ids of tasks that are part of it no more, which stay used. `taken`: those
    that a new task must not have, more than these while a text is lowered anew.
    """

    def __init__(self, signatures: Signatures, now: Ground) -> None:
        self.signatures = signatures
        self.now = now
        self.held = Held(signatures)
        self.joined = False
        self.earlier: dict[TaskId, ir.Task] = {}
        self.retired: set[TaskId] = set()
        self.taken = self.retired
        self._avoid = self.taken
        self._there: set[TaskId] = set()  # what there is, while a text is lowered anew

    def begin(self, ground: Ground, taken: Collection[TaskId] = ()) -> None:
        """Begin the round again from that ground. `taken`: the ids that its tasks have had so far."""
        self.taken = {*taken, *self.retired} if taken else self.retired
        self.now = ground.copy()
        self._there = {task.id for _, task in self.now.tasks} if taken else set()
        self.held = Held(self.signatures)
        self.joined = False

    def retire(self, ids: Iterable[TaskId]) -> None:
        """These are no part of the round any more, and those that are, are published by this process."""
        self.retired.update(ids)
        self.taken = self.retired
        self.earlier = {}

    def give_up(self) -> None:
        """The round is over: what was never repaired in it stands for nothing."""
        for slot in self.held.take():
            self.now.names.mend(slot.place)
            for name in slot.targets:
                self.now.names.lose(name, slot.place, path_of(slot.arm))
        self.earlier = {}
        self.joined = False
        self.now.next_round()

    def lower(self, slot: Slot) -> Lowered:
        """What a statement comes to in its place."""
        return lower_statement(slot, self.around)

    @property
    def around(self) -> StatementContext:
        """What the next statement is lowered in."""
        return StatementContext(self.signatures, self.now, self._avoid, bool(self.held))

    def enter(self, slot: Slot) -> Iterator[ir.Task | Diagnostic]:
        """Give a statement its place, and lower it."""
        self.now.count += 1
        slot.place = (self.now.count,)
        former = slot.former if slot.former is not None and slot.former.made else None
        if former is not None:
            slot.versions, slot.nameless = former.versions.copy(), former.nameless
        tried = bool(self.earlier) and former is None  # it may be what an earlier process published
        self._avoid = self.retired if tried else self.taken
        again = tried or former is not None
        counted = {name: self.now.versions.get(name, 0) for name in slot.targets} if again else {}
        self._reserve(slot)
        if slot.unread is not None:
            slot.problems = (with_headers(slot.unread, slot),)
            self._hold(slot)
            if slot.breaks:
                self.now.names.break_all(slot.place)
            yield from slot.problems
            return
        lowered = self.lower(slot)
        if again and (tasks := self._as_before(lowered)) is not None:
            self._count_nameless(slot.nameless)
            self._publish(lowered, tasks)
            return
        self._avoid = self.taken
        if again and not self._is_held_back(lowered):
            if tried:
                self._count_nameless(slot.nameless, back=1)
            self.now.versions.update(counted)
            slot.versions, slot.nameless = {}, ""  # it is not what was published under these ids
            self._reserve(slot)
            lowered = self.lower(slot)
        yield from self.take(lowered)

    def _reserve(self, slot: Slot) -> None:
        """Note what a statement assigns, and give each name its next version."""
        versions = self.now.versions
        passing = names_in(slot.tree.target) if isinstance(slot.tree, ast.For) else ()  # not worth being joined
        for name in slot.targets:
            if name not in passing:
                self.now.top_level[name] = None
            if slot.arm is not None:
                slot.arm.branch.targets[name] = None
            if name not in slot.versions:
                number = versions.get(name, 0) + 1
                while version_id(name, number) in self._avoid:
                    number += 1
                slot.versions[name] = number
            versions[name] = max(versions.get(name, 0), slot.versions[name])

    def _count_nameless(self, id: TaskId, back: int = 0) -> None:
        """The last of its kind has this id, or one that is so many further `back`."""
        base, number = version_parts(id)
        if base:
            now = self.now.nameless
            now[base] = number - back if back else max(now.get(base, 0), number)

    def _as_before(self, lowered: Lowered) -> tuple[ir.Task, ...] | None:
        """The tasks that are published for a statement, if it comes to the same ones still."""
        former = lowered.slot.former
        if former is not None and former.made:
            published = former.made
        elif self.earlier:
            published = tuple(self.earlier[task.id] for task in lowered.tasks if task.id in self.earlier)
        else:
            return None
        if not published or self._is_held_back(lowered):
            return None
        if [_plain(bare(task)) for task in published] != [_plain(task) for task in lowered.tasks]:
            return None
        made, undo = self.now.passes.tried(lowered.tasks)
        if all(_plain(one) == _plain(other) for one, other in zip(made, published, strict=True)):
            return published
        undo()
        return None

    def _is_held_back(self, lowered: Lowered) -> bool:
        lowering = lowered.lowering
        return bool(lowering.problems) or lowering.waits or self.held.holds_back(lowered.tasks)

    def _hold(self, slot: Slot) -> None:
        """Publish nothing of the slot: the names that it assigns wait for it, and so does what it may write.

        What was published for it before is neither kept nor given up until it can be lowered again.
        """
        self.now.open_assert = self.now.open_assert or isinstance(slot.tree, ast.Assert)
        self.held.add(slot)
        for name in slot.targets:
            self.now.names.bind(name, slot.place, None, path_of(slot.arm))
        if slot.former is not None and slot.former.made and self._stands(slot.former.made):
            self._note_tasks(slot, slot.former.made)
            self._count_nameless(slot.former.nameless)
            slot.made, slot.versions, slot.nameless = slot.former.made, slot.former.versions, slot.former.nameless

    def take(self, lowered: Lowered) -> Iterator[ir.Task | Diagnostic]:
        """Publish a statement, or hold it back."""
        slot, lowering = lowered.slot, lowered.lowering
        slot.problems = tuple([with_headers(problem, slot) for problem in lowering.problems])
        if self._is_held_back(lowered):
            slot.targets = tuple(dict.fromkeys((*slot.targets, *lowering.meant)))
            self._hold(slot)
            yield from slot.problems
            return
        yield from lowering.warnings
        notes = (*slot.notes, *lowering.understood)
        main = lowering.main or (lowered.tasks[-1].id if lowered.tasks else "")
        tasks: list[ir.Task] = []
        for task in lowered.tasks:
            made = self.now.passes(task)
            if made.id == main and (slot.thought or notes):
                made = replace(made, thought=slot.thought, notes=(*notes, *made.notes))
            tasks.append(made)
        self._publish(lowered, tuple(tasks))
        yield from tasks

    def _publish(self, lowered: Lowered, tasks: tuple[ir.Task, ...]) -> None:
        """From here on a statement is these tasks."""
        slot, now = lowered.slot, self.now
        slot.published, slot.made = True, tasks
        now.outputs.update(lowered.lowering.outputs.own)
        now.writes.update(lowered.lowering.writes.own)
        now.generators.update(lowered.generators)
        now.sharing.take(lowered.lowering.sharing)
        if isinstance(slot.tree, ast.Assert):
            now.asserts += [ir.Guard(task.id, expected=True) for task in tasks if is_assert(task.work)]
        match slot.tree:
            case ast.Expr(value=ast.Call(func=ast.Name(id=tool)) as call) if tool in self.signatures:
                now.names.note_nameless(tool, slot.place, call, path_of(slot.arm))
        for name, meaning in lowered.bound.items():
            now.names.bind(name, slot.place, meaning, path_of(slot.arm))
        self._note_tasks(slot, tasks)
        self.joined = self.joined or slot.is_join
        slot.let_go()

    def _note_tasks(self, slot: Slot, tasks: tuple[ir.Task, ...]) -> None:
        for number, task in enumerate(tasks):
            self.now.tasks.append(((*slot.place, number), task))
        if self.taken:
            self._there.update(task.id for task in tasks)

    def _stands(self, tasks: tuple[ir.Task, ...]) -> bool:
        """Whether all that published tasks depend on is part of the text still."""
        needed = {
            id
            for task in tasks
            for id in (*(need.task for need in task.needs), *(g.condition for g in task.guards), *task.after)
        }
        return needed - {task.id for task in tasks} <= self._there


def _plain(task: ir.Task) -> ir.Task:
    """A task without what a person said or a reader noted about it."""
    return replace(task, thought="", notes=()) if task.thought or task.notes else task
