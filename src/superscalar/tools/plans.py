"""A plan as a tool: what it takes and gives, and what it may do, which follow from what it holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from superscalar.errors import UsageError
from superscalar.given import NAME, TEXT
from superscalar.plan import ir
from superscalar.plan.evaluate.json_text import as_constant
from superscalar.plan.ir.needs import references
from superscalar.plan.ir.signatures import Output
from superscalar.plan.ir.within import DEEPEST, INSIDE, MOST_TASKS, Within, is_entry, moved_under
from superscalar.plan.passes.pipeline import bare
from superscalar.short import short
from superscalar.tools.described import Described
from superscalar.tools.function import inspected
from superscalar.tools.plan_inputs import type_of
from superscalar.tools.terms import Effect, Terms
from superscalar.values import TaskId

_STRENGTH: Final[Mapping[Effect, int]] = {"pure": 0, "read": 1, "write": 2}
_RESULT: Final = "join()"


class SetOfTools(Protocol):
    """The tools that a plan was compiled with, by alias."""

    limits: dict[str, Any]
    rules: dict[str, tuple[Callable[[Any], Any], ...]]

    @property
    def opened(self) -> list[Any]:
        """The sets that have to be open while its tools are called."""
        ...

    def get(self, alias: str) -> Any:
        """The tool that plans call so, or None."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CalledPlan:
    """The plan that a tool stands for. `within`: what it is, by the aliases of the `tools` that it was compiled with.

    `called`: the tools that its tasks name, by these aliases. `plan`: as it was given.
    """

    plan: ir.Plan
    tools: SetOfTools
    within: Within
    called: Mapping[str, Any] = field(repr=False)

    def within_by(self, aliases: Mapping[str, str]) -> Within:
        """The same with tools by other aliases."""
        return replace(self.within, tasks=tuple(moved_under(task, "", aliases) for task in self.within.tasks))


def described_plan(
    plan: object, name: str, description: str, tools: object, policy: Any
) -> tuple[CalledPlan, Described, Terms, Callable[..., Any]]:
    """What a tool is made of that stands for a plan.

    Raises:
        UsageError: it is no plan, or nobody knows the tools that it calls, or it is too large to stand in another one.
    """
    NAME.check("name", name, "Tool.from_plan")
    TEXT.check("description", description, "Tool.from_plan")
    if not isinstance(plan, ir.Plan):
        raise UsageError(f"Tool.from_plan({short(plan)}): write Tool.from_plan(agent.compile(source), name={name!r})")
    known = _set_of(name, plan, tools)
    called = dict(_called(name, plan.tasks, known))
    within = _within(name, plan)
    sinks = _sinks(plan, called)
    terms = Terms(
        effect=within.effect,
        dedupe=False,
        secret=[one.name for one in plan.inputs if one.secret],
        sink=sinks,
        content=[one.name for one in plan.inputs if one.name not in sinks],
        policy=policy,
    )
    function = _function(name, plan.inputs, description)
    given = (task for task in plan.tasks if isinstance(task.work, ir.Supplied))
    output = _KnownOutputs((*given, *within.tasks), called).of(within.result, 4)
    described = replace(inspected(function, name), output=output, results=None, module="")
    return CalledPlan(plan, known, within, called), described, terms, function


def _set_of(name: str, plan: ir.Plan, tools: object) -> SetOfTools:
    """The tools that a plan was compiled with, or those that are said to be."""
    given: Any = plan.compiled_with if tools is None else tools
    given = getattr(given, "tools", given)  # of an agent
    if not hasattr(given, "by_alias"):
        raise UsageError(
            f"Tool.from_plan(name={name!r}): nobody knows the tools of this plan; say what it was compiled with, an "
            f"agent or a Toolset: Tool.from_plan(plan, name={name!r}, tools=agent)"
        )
    found: SetOfTools = given
    return found


def _called(name: str, tasks: tuple[ir.Task, ...], tools: SetOfTools) -> Iterator[tuple[str, Any]]:
    """The tools that tasks name, by alias."""
    for task in ir.walk(tasks):
        if isinstance(task.work, ir.Call):
            found = tools.get(task.work.tool)
            if found is None:
                raise UsageError(f"Tool.from_plan(name={name!r}): the plan calls {task.work.tool}, which is not there")
            if found.plan is not None and not task.work.enters:
                raise UsageError(f"Tool.from_plan(name={name!r}): compile the plan anew: {found.name} is a plan by now")
            if found.effect != task.work.effect and not task.work.enters:
                was = f'{found.name} is effect="{found.effect}" and was effect="{task.work.effect}"'
                raise UsageError(f"Tool.from_plan(name={name!r}): compile the plan anew: {was}")
            yield task.work.tool, found


def _within(name: str, plan: ir.Plan) -> Within:
    own = [bare(task) for task in plan.tasks if not isinstance(task.work, ir.Supplied | ir.Join)]
    joins = [task.work for task in plan.tasks if isinstance(task.work, ir.Join)]
    if len(joins) != 1:
        raise UsageError(f"Tool.from_plan(name={name!r}): a plan of one round has one join, and this has {len(joins)}")
    result = _RESULT
    match joins[0].items:
        case ((None, only),):
            result = only
        case ((None, _), *_) | () as items:
            own.append(ir.Task(_RESULT, ir.Display("list", tuple(task for _, task in items))))
        case items:
            keys = tuple(ir.Literal(said) for said, _ in items)
            own.append(ir.Task(_RESULT, ir.Display("dict", tuple(task for _, task in items), keys)))
    tasks = tuple(moved_under(task, "") for task in own)
    effects = [
        task.work.effect for task in ir.walk(tasks) if isinstance(task.work, ir.Call) and not is_entry(task.work)
    ]
    inside = (task.id.count(INSIDE) for task in ir.walk(tasks) if is_entry(task.work))
    made = Within(
        tasks,
        result,
        tuple(one.name for one in plan.inputs),
        {one.name: _constant(one.default) for one in plan.inputs if not one.required},
        max(effects, key=lambda effect: _STRENGTH[effect], default="pure"),
        1 + max(inside, default=0),
    )
    if made.depth > DEEPEST:
        raise UsageError(f"Tool.from_plan(name={name!r}): {made.depth} plans call one another, {DEEPEST} may")
    if made.size > MOST_TASKS:
        raise UsageError(
            f"Tool.from_plan(name={name!r}): with the plans that it calls it has {made.size:,} tasks, and one that is "
            f"called has at most {MOST_TASKS:,}; make it several, or loops of what it writes out"
        )
    return made


def _constant(value: Any) -> ir.Expr:
    """A default as an expression; what JSON does not have stands for itself."""
    match value:
        case tuple():
            return ir.Sequence("tuple", tuple(map(_constant, value)))
        case set():
            return ir.Sequence("set", tuple(map(_constant, value)))
    return as_constant(value)


def _function(name: str, inputs: Iterable[ir.Input], description: str) -> Callable[..., Any]:
    """What has the parameters of a plan, for who looks at a tool's function; nobody calls it in a run."""

    def call(*_: Any, **__: Any) -> Any:
        raise UsageError(f"{name} is a plan: a plan calls it, or write await agent.execute(plan, inputs={{...}})")

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(
            one.name,
            kind,
            default=inspect.Parameter.empty if one.required else one.default,
            annotation=type_of(one.type) if isinstance(one.type, str) else one.type,
        )
        for one in sorted(inputs, key=lambda one: not one.required)
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = name
    said = [f"{one.name}: {one.description}" for one in inputs if one.description]
    call.__doc__ = "\n\n".join(
        [description, "\n".join(["Args:", *(f"    {line}" for line in said)])] if said else [description]
    )
    return call


# ------------------------------------------------------------------------------------------------- what follows from it


def _sinks(plan: ir.Plan, called: Mapping[str, Any]) -> list[str]:
    """The inputs that something is made of, without a call between, which chooses where something goes."""
    made_of = {task.id: _made_of(task) for task in ir.walk(plan.tasks)}
    for task in ir.walk(plan.tasks):
        if isinstance(task.work, ir.Map):
            made_of[task.work.item] = {task.work.source}
    inputs = [one.name for one in plan.inputs]
    pending: set[TaskId] = set()
    for task in ir.walk(plan.tasks):
        if isinstance(task.work, ir.Call) and not task.work.enters:
            tool = called[task.work.tool]
            chosen = {tool.aliases[one.parameter] for one in tool.destinations}
            pending.update(ref for name, value in task.work.arguments if name in chosen for ref in references(value))
    seen: set[TaskId] = set()
    while pending:
        seen.add(found := pending.pop())
        pending |= made_of.get(found, set()) - seen
    return [name for name in inputs if name in seen]


def _made_of(task: ir.Task) -> set[TaskId]:
    """What goes into the value of a task that calls nothing."""
    if isinstance(task.work, ir.Call):
        return set()
    needed = {need.task for need in task.needs}
    match task.work:
        case ir.Map(body=body, result=result):
            return {*needed, result, *(inner.id for inner in body)}
        case ir.Each(tasks=tasks):
            return {*needed, *tasks}
    return needed


@dataclass(frozen=True, slots=True)
class _KnownOutputs:
    """What is known of the values of a plan's tasks: what its tools return, and the forms of what it makes."""

    tasks: tuple[ir.Task, ...]
    called: Mapping[str, Any]

    def of(self, id: TaskId, depth: int) -> Output:
        """What is known of a task's value."""
        task = next((one for one in ir.walk(self.tasks) if one.id == id), None)
        if not depth or task is None:
            return Output()
        match task.work:
            case ir.Call(tool):
                found: Output = self.called[tool].signature.output
                return found
            case ir.PlanCall(entry):
                return self.of(entry, depth)
            case ir.Compute(ir.Ref(other)):
                return self.of(other, depth)
            case ir.Compute(ir.Text()):
                return Output("str", annotated=True)
            case ir.Supplied(input):
                return Output(str(input.type), annotated=True)
            case ir.Map(result=result, kind="list", flatten=False):
                each = self.of(result, depth - 1)
                return Output(f"list[{each.type}]" if each.type != "Any" else "list", items=each)
            case ir.Join(items=((None, only),)):
                return self.of(only, depth)
            case ir.Display("list", items) if items:
                return Output("list")
            case ir.Display("dict", items, keys) if all(isinstance(key, ir.Literal) for key in keys):
                names = [key.value for key in keys if isinstance(key, ir.Literal)]
                if all(isinstance(name, str) for name in names):
                    known = {str(name): self.of(item, depth - 1) for name, item in zip(names, items, strict=True)}
                    return Output("dict", known, closed=True)
        return Output()
