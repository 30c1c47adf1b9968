"""The inputs of a plan that is compiled and run: where they are declared, and what each is given, with its label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from superscalar import codec, events
from superscalar.errors import PlanError, UsageError
from superscalar.labels import PLAN, Label, LabelledInput, Source
from superscalar.plan import AnySyntax, Diagnostic, Plan, check, compile_plan
from superscalar.plan.ir import UNBOUND, Supplied, Task, inputs_of, secret_inputs
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.header import PlanHeader, headed
from superscalar.short import short
from superscalar.tools.plan_inputs import checked_input, declared, fitting
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId, copied

_UNDEFINED: Final = "E102"
_NAMED: Final = re.compile(r"`(\w+)`")
_MEANT: Final = re.compile(
    r"^[ \t]*#[ \t]*(?:secret[ \t]+)?inputs?\b[ \t:]*(?P<name>\w+)", re.IGNORECASE | re.MULTILINE
)
"""A comment that somebody may have written for a declaration, wherever it stands."""
_LATER_KEY: Final = "a plan has no `inputs`"
_JSON_FORM: Final = '{"inputs": {"limit": {"type": "int", "default": 5}}, "steps": [...]}'

AnyT = TypeVar("AnyT")
Inputs: TypeAlias = Mapping[str, Any]
"""By name: what a plan is to be given (types, or an `Input` each), or what it is given (values)."""


def compiled_plan(
    source: str, signatures: Signatures, syntax: AnySyntax = "auto", inputs: Inputs | None = None
) -> Plan:
    """A plan with the inputs that are declared, or without a declaration those of its header.

    Raises:
        PlanError: it, or its header, has errors.
        UsageError: `inputs` are no declaration.
    """
    header = _header(source, inputs)
    if header.problems:
        count = len(header.problems)
        raise PlanError(header.problems, summary=f"the inputs of the plan have {count} error{'s' * (count > 1)}")
    try:
        plan = compile_plan(header.text, signatures, syntax, header.inputs)
    except PlanError as error:
        _raise_with([_told_of_declaration(found, source) for found in error.diagnostics], error)
    return replace(plan, source=source)


def compiled_with(source: str, tools: Toolset, syntax: AnySyntax = "auto", inputs: Inputs | None = None) -> Plan:
    """The same with the tools that it calls, so that `Tool.from_plan` knows them."""
    return replace(compiled_plan(source, tools.signatures, syntax, inputs), compiled_with=tools)


def _raise_with(problems: list[object], error: PlanError) -> NoReturn:
    """Raise an error of a plan again, where its problems are told with other helps, with these."""
    if problems == list(error.diagnostics):
        raise error
    summary = f"the plan has {len(problems)} error{'s' * (len(problems) > 1)}"
    raise PlanError(problems, summary=summary, reply=error.said) from None


def _told_of_declaration(found: AnyT, source: str) -> AnyT:
    """What is wrong with a plan, and how inputs are declared where the text has what looks like it and is none."""
    if not isinstance(found, Diagnostic):
        return found
    if found.message == _LATER_KEY:
        return replace(found, help=f"inputs come first: {_JSON_FORM}")
    name = _NAMED.search(found.message) if found.code == _UNDEFINED else None
    if name is None or not any(said["name"] == name[1] for said in _MEANT.finditer(source)):
        return found
    return replace(found, help=f"an input is declared above the plan, in this form: # input {name[1]}: str")


@contextmanager
def told_of_inputs(given: Iterable[str]) -> Iterator[None]:
    """Say how a plan declares what it is given, where it uses a name that was given and is not declared.

    Raises:
        PlanError: the plan has errors.
    """
    try:
        yield
    except PlanError as error:
        names = {name for name in given if isinstance(name, str)}
        _raise_with([_told_of_input(found, names) for found in error.diagnostics], error)


def _told_of_input(found: object, given: Set[str]) -> object:
    name = _NAMED.search(found.message) if isinstance(found, Diagnostic) and found.code == _UNDEFINED else None
    if not isinstance(found, Diagnostic) or name is None or name[1] not in given:
        return found
    return replace(found, help=f"declare what the plan is given in its first lines: # input {name[1]}: str")


def checked_plan(
    source: str, signatures: Signatures, syntax: AnySyntax = "auto", inputs: Inputs | None = None
) -> tuple[Diagnostic, ...]:
    """What is wrong with a plan and its header.

    Raises:
        UsageError: `inputs` are no declaration.
    """
    header = _header(source, inputs)
    found = check(header.text, signatures, syntax, header.inputs)
    return (*header.problems, *(_told_of_declaration(one, source) for one in found))


def _header(source: str, inputs: Inputs | None) -> PlanHeader:
    """The header of a plan; what it declares makes way for what is declared beside it."""
    header = headed(source)
    if inputs is None:
        return header.checked(checked_input)
    return header.instead(declared(inputs))


def supplied(plan: Plan, given: Inputs | None) -> Plan:
    """A plan that may run: each of its inputs has a value, and a label.

    What was given before stays, if nothing is given now.

    Raises:
        UsageError: one is missing, unknown, or of another type; the message says all that is.
    """
    values = {task.id: task.work for task in plan.tasks if isinstance(task.work, Supplied)}
    if not values and not given:
        return plan
    if given is None and all(work.value is not UNBOUND for work in values.values()):
        return plan
    if not isinstance(given, Mapping | None):
        raise UsageError(f"inputs={short(given)}: write values by name, such as inputs={{'tickers': ['IBM']}}")
    told = dict(given or {})
    plain = {name: one.value if isinstance(one, LabelledInput) else one for name, one in told.items()}
    found = fitting(plan.inputs, plain)
    for name, value in found.items():
        try:
            codec.data_of(value)
        except codec.Unwritable as error:
            raise UsageError(f"inputs of the plan: `{name}` is no data: {error}") from None
    tasks = tuple(
        replace(task, work=replace(task.work, value=copied(found[task.id]), label=_label(task.id, told)))
        if isinstance(task.work, Supplied)
        else task
        for task in plan.tasks
    )
    return replace(plan, tasks=tasks)


def _label(name: str, given: Mapping[str, Any]) -> Label:
    if name not in given:
        return PLAN
    one = given[name]
    if not isinstance(one, LabelledInput):
        return Label([Source("user", name)])
    if one.label is not None:
        return one.label
    return Label([Source("user", name, trusted=one.trusted)], one.readers)


def secrets_given(tasks: Sequence[Task]) -> list[Any]:
    """The values of the secret inputs of a plan that may run."""
    works = (task.work for task in tasks)
    return [work.value for work in works if isinstance(work, Supplied) and work.input.secret]


def without_secret_inputs(plan: Plan) -> Plan:
    """A plan as the result of a run has it: what is secret has to be given again."""
    secret = secret_inputs(plan.tasks)
    return replace(plan, tasks=tuple(_unbound(task) if task.id in secret else task for task in plan.tasks))


def _unbound(task: Task) -> Task:
    return replace(task, work=Supplied(task.work.input)) if isinstance(task.work, Supplied) else task


def given_again(recorded: Iterable[events.Event], given: Inputs | None) -> dict[TaskId, Any]:
    """What is given of a recorded run's inputs once more: those that are secret, since no journal has them.

    Raises:
        UsageError: another one is given, which the run has, or one of another type.
    """
    if not given:
        return {}
    tasks = [event.task for event in recorded if isinstance(event, events.Planned)]
    secret = [input for input in inputs_of(tasks) if input.secret and input.name in given]
    known = {input.name for input in secret}
    if others := [name for name in given if name not in known]:
        raise UsageError(f"inputs= of a run that goes on are the secret ones alone, and {short(others[0])} is none")
    return fitting(secret, given)


def with_inputs(recorded: Sequence[events.Event], given: Mapping[TaskId, Any]) -> Sequence[events.Event]:
    """What is recorded of a run, with the values that were given again."""
    if not given:
        return recorded
    return [_with_input(event, given) for event in recorded]


def _with_input(event: events.Event, given: Mapping[TaskId, Any]) -> events.Event:
    match event:
        case events.Planned(task=Task(id=id, work=Supplied() as work)) if id in given:
            return replace(event, task=replace(event.task, work=replace(work, value=copied(given[id]))))
        case _:
            return event
