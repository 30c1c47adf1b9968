"""Find dead code: the tasks that nothing joined and no write needs, which are not started once the plan is complete.

Rule L22. What is live are the joins, the writes, and everything that a live task needs: its values, its conditions, the
list that it goes through. An ordering edge makes nothing live. A round without a `join`, or whose `join()` names
nothing, joins everything, and so has no dead code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from superscalar.plan.ir import Call, Each, Join, Map, Task, walk
from superscalar.plan.ir.within import is_inside
from superscalar.plan.passes.base import Note, Pass
from superscalar.values import TaskId


class LeaveOutDeadCode(Pass):
    """Notes what is dead once the plan is complete; changes nothing: the run does that at the seal."""

    name = "dead"
    purpose = "what nothing joined and no write needs is not started once the plan is complete"

    def __call__(self, task: Task) -> Task:
        """The same task."""
        return task

    def sealed(self, tasks: Sequence[Task]) -> None:
        """Note each dead call, of a dead map only the map."""
        if self.notes is not None:
            text = "nothing needs it: it is not started once the plan is complete"
            known = by_id(tasks)
            self.notes += [Note(task, text) for task in dead(tasks) if _calls(known[task])]


def dead(tasks: Iterable[Task]) -> tuple[TaskId, ...]:
    """The dead tasks of a program in program order, its rounds one after the other; of a dead map only the map.

    A dead task in the body of a live map has the id that it has in the body, as in `xs[].tool`. O(tasks + edges).
    """
    program = tuple(tasks)
    live = needed([root for round in _rounds(program) for root in roots(round)], by_id(program))
    return tuple(_dead(program, live))


def roots(round: Sequence[Task]) -> tuple[Task, ...]:
    """What is live in a round for its own sake: its joins and its writes; if it joins everything, that is all there is,
    bodies included, but for what stands inside of plans that it calls: these say themselves what they join.
    """
    if joins_everything(round):
        return tuple(task for task in walk(tuple(round)) if not is_inside(task.id) or writes(task))
    return tuple(task for task in round if isinstance(task.work, Join) or writes(task))


def joins_everything(round: Iterable[Task]) -> bool:
    """Whether a round has no `join`, or one that names nothing (rule L6)."""
    joins = [task.work for task in round if isinstance(task.work, Join)]
    return not joins or any(join.whole_plan for join in joins)


def needs_everything(round: Iterable[Task]) -> bool:
    """Whether nothing of a round is dead."""
    tasks = tuple(round)
    return joins_everything(tasks) and not any(is_inside(task.id) for task in walk(tasks))


def needed(roots: Iterable[Task], known: Mapping[TaskId, Task]) -> set[TaskId]:
    """The ids of these tasks and of all that they need, tasks of bodies (as they stand there) included.

    In the body of a live map its results, keys, filters and writes are live, and whatever a live task looks at.
    """
    live: set[TaskId] = set()
    pending = list(roots)
    while pending:
        task = pending.pop()
        if task.id in live:
            continue
        live.add(task.id)
        pending += [known[id] for id in _needs(task) if id not in live and id in known]
    return live


def by_id(tasks: Iterable[Task]) -> dict[TaskId, Task]:
    """All tasks by id, those in bodies included."""
    return {task.id: task for task in walk(tuple(tasks))}


def writes(task: Task) -> bool:
    """Whether a task writes, or one in its body does."""
    return any(isinstance(inner.work, Call) and inner.work.effect == "write" for inner in walk((task,)))


def _calls(task: Task) -> bool:
    return any(isinstance(inner.work, Call) for inner in walk((task,)))


def _needs(task: Task) -> Iterator[TaskId]:
    for need in task.needs:
        yield need.task
    for guard in task.guards:
        yield guard.condition
    work = task.work
    if isinstance(work, Each):
        yield from work.tasks
    elif isinstance(work, Map):
        yield work.result
        yield from work.keep
        if work.key is not None:
            yield work.key
        for inner in work.body:
            if writes(inner):
                yield inner.id


def _rounds(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """The rounds of a program: each ends with its join."""
    start = 0
    for number, task in enumerate(tasks, 1):
        if isinstance(task.work, Join):
            yield tasks[start:number]
            start = number
    yield tasks[start:]


def _dead(tasks: Iterable[Task], live: set[TaskId]) -> Iterator[TaskId]:
    for task in tasks:
        if task.id not in live:
            yield task.id
        elif isinstance(task.work, Map):
            yield from _dead(task.work.body, live)
