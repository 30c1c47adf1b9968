"""`result("RUN", "NAME")` in a plan: a value of an earlier run of the same client, with the label that it had there.

It is no call: before anything runs, what was asked for takes its place as an input of the plan does. So a value comes
with its own label, which no tool's result could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from superscalar.errors import PlanError, UsageError
from superscalar.labels import Label
from superscalar.plan import Diagnostic, Plan
from superscalar.plan.ir import Call, Input, Literal, Supplied, Task, walk
from superscalar.tools.tool import Tool, tool
from superscalar.values import copied

NAME: Final = "result"

KeptValue: TypeAlias = tuple[Any, Label]
"""A value of an earlier run, and its label."""


def borrowing_tool() -> Tool[..., Any]:
    """What makes plans that say `result("RUN", "NAME")` readable. It is never called."""

    @tool(name=NAME, effect="pure")
    async def kept_result(run: str, name: str) -> Any:
        """A value of an earlier run, by the run's id and a name of its plan; write both as they stand."""
        raise UsageError(f"{NAME}({run!r}, {name!r}) was not put in place")

    return kept_result


def wanted_of(plan: Plan) -> dict[str, tuple[str, str] | str]:
    """What a plan asks for of earlier runs, by the id of each task: the run and the name, or why that is no such."""
    found: dict[str, tuple[str, str] | str] = {}
    top = {id(task) for task in plan.tasks}
    for task in _borrowing(plan):
        try:
            if id(task) not in top or task.guards:
                raise UsageError(f"{NAME}(...) stands in a loop or a condition; write x = {NAME}(...) above that")
            run, name = _constants(task)
            found[task.id] = run, name
        except UsageError as error:
            found[task.id] = str(error)
    return found


def with_results(plan: Plan, values: Mapping[str, KeptValue | str]) -> Plan:
    """A plan whose inputs have their values, with those of earlier runs in their places.

    `values`: by the id of each task that asks for one; a text says why there is none.

    Raises:
        PlanError: one is asked for that is not there.
    """
    problems: list[Diagnostic] = []
    supplied: dict[str, Task] = {}
    for task in _borrowing(plan):
        found = values[task.id]
        if isinstance(found, str):
            problems.append(Diagnostic("E304", found, task.span, line_text=_line(plan, task)))
            continue
        value, label = found
        work = Supplied(Input("Any", name=task.id), copied(value), label)
        supplied[task.id] = replace(task, work=work, needs=(), after=())
    if problems:
        raise PlanError(problems)
    if not supplied:
        return plan
    inputs = [task for task in plan.tasks if isinstance(task.work, Supplied)]
    others = [task for task in plan.tasks if not isinstance(task.work, Supplied) and task.id not in supplied]
    return replace(plan, tasks=(*inputs, *supplied.values(), *others))


def _borrowing(plan: Plan) -> Iterator[Task]:
    return (task for task in walk(plan.tasks) if isinstance(task.work, Call) and task.work.tool == NAME)


def _constants(task: Task) -> Iterator[str]:
    assert isinstance(task.work, Call)
    given = dict(task.work.arguments)
    for name in ("run", "name"):
        value = given.get(name)
        if not (isinstance(value, Literal) and isinstance(value.value, str)):
            raise UsageError(f'{NAME}("RUN", "NAME") wants both as constants, as they stood in the reply')
        yield value.value


def _line(plan: Plan, task: Task) -> str:
    lines = plan.source.splitlines()
    return lines[task.span.line - 1] if 0 < task.span.line <= len(lines) else ""
