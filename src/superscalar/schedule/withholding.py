"""Plans as they may be shown and recorded: without what they say for secret parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeAlias

from superscalar.plan.ir import UNBOUND, Call, Compute, Expr, Index, Literal, Map, PlanCall, Supplied, Task, Text, walk
from superscalar.plan.ir.needs import references
from superscalar.tools.toolset import Toolset
from superscalar.values import WITHHELD, TaskId, Withheld

SecretNames: TypeAlias = Mapping[str, frozenset[str]]
"""What plans call the secret parameters of tools, by the alias of each tool that has any."""

_WITHHELD: Final = Literal(WITHHELD)  # type: ignore[arg-type]  # it stands where a constant of the plan stood


def secrets_of_tools(tools: Toolset) -> dict[str, frozenset[str]]:
    """Those of a set of tools."""
    return {s.alias: secrets for s in tools.signatures.everything() if (secrets := _secret_aliases(tools, s.alias))}


def _secret_aliases(tools: Toolset, alias: str) -> frozenset[str]:
    tool = tools.get(alias)
    if tool is None or not tool.secrets:
        return frozenset()
    return frozenset(p.alias for p in tool.signature.parameters if p.name in tool.secrets)


def withheld(task: Task, secrets: SecretNames) -> Task:
    """A task without what the plan itself says for a secret parameter; a reference to another task's value stays."""
    match task.work:
        case Call() as call:
            shown = withheld_call(call, secrets)
            return task if shown is call else replace(task, work=shown)
        case Map(body=body):
            return replace(task, work=replace(task.work, body=tuple(withheld(inner, secrets) for inner in body)))
        case _:
            return task


def withheld_call(call: Call, secrets: SecretNames) -> Call:
    """A call in the same way."""
    names = secrets.get(call.tool)
    if not names:
        return call
    shown = tuple((n, _WITHHELD if n in names and _says(value) else value) for n, value in call.arguments)
    return replace(call, arguments=shown)


def is_withheld(value: Expr) -> bool:
    """Whether what a plan says there was withheld."""
    return isinstance(value, Literal) and isinstance(value.value, Withheld)


def withheld_plan(tasks: Iterable[Task], secrets: SecretNames) -> tuple[Task, ...]:
    """A plan in the same way, for people: nor are constants told that have a name first, and go to such a parameter."""
    plan = tuple(withheld(task, secrets) for task in tasks)
    named = feeding_secrets(plan, secrets) if secrets else frozenset()
    return tuple(_without_constants(task, named) for task in plan)


def feeding_secrets(plan: Sequence[Task], secrets: SecretNames) -> frozenset[TaskId]:
    """The tasks of which a value goes to a secret parameter, through others that only compute too."""
    found: set[TaskId] = set()
    before = -1
    while len(found) > before:  # an item of a loop is known behind what it is an item of
        before = len(found)
        for task in reversed([*walk(tuple(plan))]):
            found.update(_feeding(task, secrets, found))
    return frozenset(found)


def said_for_secrets(plan: Sequence[Task], secrets: SecretNames, named: Collection[TaskId]) -> list[Any]:
    """The constants of a plan that go to secret parameters, at once or as a value of the tasks `named`."""
    said: list[Any] = []
    for task in walk(tuple(plan)):
        match task.work:
            case Call() as call:
                names = secrets.get(call.tool, frozenset())
                whole = call.effect == "pure" and task.id in named
                said += [
                    constant
                    for name, value in call.arguments
                    if whole or name in names
                    for constant in _constants(value)
                ]
            case Compute(value) if task.id in named:
                said += _constants(value)
            case Supplied(input, value) if task.id in named:
                said += [one for one in (value, input.default) if one is not UNBOUND]
            case _:
                pass
    return said


def _constants(expression: Any) -> Iterator[Any]:
    match expression:
        case Literal(value):
            yield value
        case Index(base, Literal()):
            yield from _constants(base)
        case Text(parts):
            yield from (part for part in parts if isinstance(part, str))
            yield from _constants(tuple(part for part in parts if not isinstance(part, str)))
        case tuple():
            for part in expression:
                yield from _constants(part)
        case _ if is_dataclass(expression):
            for field in fields(expression):
                yield from _constants(getattr(expression, field.name))
        case _:
            return


def _feeding(task: Task, secrets: SecretNames, found: Collection[TaskId]) -> Iterator[TaskId]:
    """What a task takes from where that goes to a secret parameter, as far as is known by now."""
    match task.work:
        case Call() as call:
            names = secrets.get(call.tool, frozenset())
            whole = call.effect == "pure" and task.id in found
            for name, value in call.arguments:
                if whole or name in names:
                    yield from behind(task, call, value)
        case Compute(value) if task.id in found:
            yield from references(value)
        case PlanCall(_, result) if task.id in found:
            yield result
        case Map() as work:
            if work.item in found:
                yield work.source
            if task.id in found and work.result is not None:
                yield work.result


def behind(task: Task, call: Call, value: Expr) -> Iterator[TaskId]:
    """The tasks that an argument is made of; where it was withheld, what its call waits for and gives to no other."""
    if not is_withheld(value):
        yield from references(value)
    else:
        told = {id for _, other in call.arguments for id in references(other)}
        yield from (need.task for need in task.needs if need.task not in told)


def _without_constants(task: Task, named: frozenset[TaskId]) -> Task:
    match task.work:
        case Compute(value) if task.id in named and _says(value):
            return replace(task, work=replace(task.work, value=_WITHHELD))
        case Supplied(input=input) as given if task.id in named and not input.required:
            return replace(task, work=replace(given, input=replace(input, default=WITHHELD)))
        case Call(effect="pure") as call if task.id in named:
            shown = tuple((name, _WITHHELD if _says(value) else value) for name, value in call.arguments)
            return replace(task, work=replace(call, arguments=shown))
        case Map() as work:
            body = tuple(_without_constants(inner, named) for inner in work.body)
            return replace(task, work=replace(work, body=body))
        case _:
            return task


def _says(expression: Any) -> bool:
    """Whether an expression has text, bytes or a number in it; the index or key of a subscript is none."""
    match expression:
        case Literal(value):
            return value is not None and not isinstance(value, bool)
        case Text(parts) if any(isinstance(part, str) for part in parts):
            return True
        case Index(base, Literal()):
            return _says(base)
        case tuple():
            return any(map(_says, expression))
        case _ if is_dataclass(expression):
            return any(_says(getattr(expression, field.name)) for field in fields(expression))
        case _:
            return False
