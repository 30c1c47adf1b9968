"""A plan inside another one: its tasks, put where it is called under the id of that call.

Nothing else knows that there are calls of plans. What a plan does that is called is what it does where its text stands
in the place of the call: the same order, the same limits, the same rules, one program.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final, Literal

from superscalar.plan import ir
from superscalar.plan.ir.needs import needs_of
from superscalar.values import TaskId

INSIDE: Final = "/"
"""Stands in ids between that of a call and that of a task of the plan that it calls: `brief/price[2]`."""
ENTRY: Final = f"{INSIDE}()"
"""What the id of the task that enters a call has behind that of the call."""
DEEPEST: Final = 10
"""Calls of plans in one another."""
MOST_TASKS: Final = 1_000
"""Tasks of a plan that is called, with those of all that it calls."""
MOST_IN_ALL: Final = 10_000
"""Tasks of a plan together with those of the plans that it calls, whatever a run may have."""


@dataclass(frozen=True, slots=True)
class Within:
    """A plan that can be called: what its tasks are before any pass, under their own ids, without its inputs.

    `inputs`: the names of these, which the tasks refer to. `defaults`: what stands for those that a call may leave out.
    `result`: the task that a call comes to. `effect`: what its calls may do, all together. `depth`: how many plans are
    in one another here, it included.
    """

    tasks: tuple[ir.Task, ...]
    result: TaskId
    inputs: tuple[str, ...] = ()
    defaults: Mapping[str, ir.Expr] | None = None
    effect: Literal["pure", "read", "write"] = "pure"
    depth: int = 1

    @property
    def size(self) -> int:
        """How many tasks a call of it is."""
        return sum(1 for _ in ir.walk(self.tasks)) + len(self.inputs) + 2


def placed(
    plan: Within,
    tool: str,
    id: TaskId,
    arguments: tuple[tuple[str, ir.Expr], ...],
    guards: tuple[ir.Guard, ...] = (),
    span: ir.Span = ir.NOWHERE,
) -> Iterator[ir.Task]:
    """The tasks that a call of a plan stands for: what it is given, where it is entered, its own, what it comes to.

    Its own calls are made where it may be entered, and only there.
    """
    at = f"{id}{INSIDE}"
    entry = f"{id}{ENTRY}"
    given = {**(plan.defaults or {}), **dict(arguments)}

    def task(id: TaskId, work: ir.Work) -> ir.Task:
        return ir.Task(id, work, needs_of(work), guards, span=span)

    for name in plan.inputs:
        if name in given:
            yield task(f"{at}{name}", ir.Compute(given[name], (tool, name)))
    said = tuple((name, ir.Ref(f"{at}{name}")) for name, _ in arguments if name in plan.inputs)
    yield task(entry, ir.Call(tool, said, "pure", enters=True))
    allowed = ir.Guard(entry, expected=True)
    for own in plan.tasks:
        moved = moved_under(own, at)
        before = (*guards, allowed) if isinstance(moved.work, ir.Call | ir.Map) else guards
        yield replace(moved, guards=(*before, *moved.guards), span=span)
    yield task(id, ir.PlanCall(entry, f"{at}{plan.result}", plan.effect))


def moved_under(task: ir.Task, at: str, tools: Mapping[str, str] | None = None) -> ir.Task:
    """The same task where every id begins so. `tools`: what the tools that it calls are called there."""
    work = _under(task.work, at, tools or {})
    guards = tuple(ir.Guard(f"{at}{guard.condition}", guard.expected) for guard in task.guards)
    after = tuple(f"{at}{id}" for id in task.after)
    return replace(task, id=f"{at}{task.id}", work=work, needs=needs_of(work), guards=guards, after=after)


def _under(work: ir.Work, at: str, tools: Mapping[str, str]) -> ir.Work:
    def moved(id: TaskId) -> TaskId:
        return f"{at}{id}"

    def perhaps(id: TaskId | None) -> TaskId | None:
        return None if id is None else f"{at}{id}"

    match work:
        case ir.Call(tool, arguments):
            return replace(work, tool=tools.get(tool, tool), arguments=_referring(arguments, at))
        case ir.Compute(value, given_for):
            if given_for is not None:
                given_for = tools.get(given_for[0], given_for[0]), given_for[1]
            return ir.Compute(_referring(value, at), given_for)
        case ir.Map():
            return replace(
                work,
                source=moved(work.source),
                item=moved(work.item),
                body=tuple(moved_under(inner, at, tools) for inner in work.body),
                result=moved(work.result),
                key=perhaps(work.key),
                keep=tuple(map(moved, work.keep)),
                chained=tuple(map(moved, work.chained)),
                ok_of=perhaps(work.ok_of),
            )
        case ir.Display(items=items, keys=keys):
            return replace(work, items=tuple(map(moved, items)), keys=_referring(keys, at))
        case ir.First(count, source):
            return ir.First(_referring(count, at), moved(source))
        case ir.Select(condition, then, otherwise):
            return ir.Select(moved(condition), perhaps(then), perhaps(otherwise))
        case ir.Each():
            return replace(
                work,
                loop=moved(work.loop),
                tasks=tuple(map(moved, work.tasks)),
                spliced=tuple(map(moved, work.spliced)),
                otherwise=perhaps(work.otherwise),
            )
        case ir.Join(items=items):
            return replace(work, items=tuple((name, moved(item)) for name, item in items))
        case ir.PlanCall(entry, result):
            return replace(work, entry=moved(entry), result=moved(result))
        case ir.Supplied():
            return work


def _referring(part: Any, at: str) -> Any:
    """An expression, or a tuple with some in it, whose references begin so."""
    if type(part) is ir.Ref:
        return ir.Ref(f"{at}{part.task}")
    if type(part) is tuple:
        return tuple(_referring(inner, at) for inner in part)
    if type(part) is ir.Literal or not is_dataclass(part):
        return part
    changed = {slot.name: _referring(getattr(part, slot.name), at) for slot in fields(part)}
    return replace(part, **changed)  # type: ignore[type-var]  # the fields of a class are no class


def call_around(id: TaskId) -> TaskId | None:
    """The call of a plan, the nearest one, inside of which a task or an instance of one stands; None if in none."""
    return id.rpartition(INSIDE)[0] or None


def is_inside(id: TaskId) -> bool:
    """Whether a task, or an instance of one, stands in a plan that another one calls."""
    return INSIDE in id


def is_entry(work: ir.Work | None) -> bool:
    """Whether it is where a plan is entered that another one calls."""
    return isinstance(work, ir.Call) and work.enters


def without_insides(tasks: tuple[ir.Task, ...]) -> tuple[ir.Task, ...]:
    """A plan as it is written: of those that it calls only where they are entered, and what they are given there."""
    said = {task.id for task in ir.walk(tasks) if is_entry(task.work)}
    if not said:
        return tasks
    for task in ir.walk(tasks):
        match task.work:
            case ir.Call(arguments=arguments, enters=True):
                said.update(value.task for _, value in arguments if isinstance(value, ir.Ref))
    return tuple(_written(tasks, said))


def _written(tasks: Iterable[ir.Task], said: Container[TaskId]) -> Iterator[ir.Task]:
    for task in tasks:
        if task.id.count(INSIDE) > (task.id in said):
            continue
        if isinstance(task.work, ir.Map):
            task = replace(task, work=replace(task.work, body=tuple(_written(task.work.body, said))))
        yield task
