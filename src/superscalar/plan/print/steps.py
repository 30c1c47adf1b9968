"""Plans of calls as steps, for the syntaxes that compute nothing: JSON, and those of the papers.

A call is a step. What has a name and is no call (a list of results, a part of one) stands where it is used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from superscalar.plan import ir
from superscalar.plan.ir import Expr, Task
from superscalar.plan.ir.within import is_inside, without_insides
from superscalar.plan.print.expression import name_of
from superscalar.plan.print.header import header_in_json, header_lines
from superscalar.values import TaskId


class BeyondSteps(ValueError):
    """A plan does more than call tools with what is known and with what they found."""


class _CallStep(NamedTuple):
    """`call`: its arguments refer to calls alone."""

    name: str
    call: ir.Call
    thought: str


class _JoinStep(NamedTuple):
    """What is joined, by name or not."""

    items: tuple[tuple[str | None, Expr], ...]


def json_steps(tasks: Sequence[Task]) -> str:
    """A plan in the syntax of the `json` front end, on one line.

    Raises:
        BeyondSteps: it cannot be written so.
    """
    steps, joined = _flat(tasks)
    written: list[dict[str, Any]] = []
    for name, call, thought in steps:
        said = {"thought": thought} if thought else {}
        arguments = {parameter: _in_json(value) for parameter, value in call.arguments}
        written.append({**said, "id": name, "tool": call.tool, "arguments": arguments})
    header = header_in_json(tasks)
    if any(not _is_json(said.get("default")) for said in header.values()):
        raise BeyondSteps("the default of an input")
    plan: dict[str, Any] = {"inputs": header} if header else {}
    plan["steps"] = written
    match None if joined is None else joined.items:
        case ((str(), _), *_) as named:
            plan["join"] = {str(name): _in_json(value) for name, value in named}
        case ((None, value),):
            plan["join"] = _in_json(value)
            if plan["join"] in (None, [], {}):
                raise BeyondSteps("a join of nothing, which means everything in JSON")
        case None:
            plan["join"] = []  # everything; without it, it is no plan where there are no steps
        case items:
            plan["join"] = [_in_json(value) for _, value in items]
    return json.dumps(plan, ensure_ascii=False)


def numbered_steps(tasks: Sequence[Task]) -> str:
    """A plan in the syntax of the LLMCompiler paper.

    Raises:
        BeyondSteps: it cannot be written so.
    """
    return _numbered(tasks, _Paper("Thought: {}", "{}. {}({})", "$", "step"))


def rewoo_steps(tasks: Sequence[Task]) -> str:
    """A plan in the syntax of the ReWOO paper.

    Raises:
        BeyondSteps: it cannot be written so.
    """
    return _numbered(tasks, _Paper("Plan: {}", "#E{} = {}[{}]", "#E", "E"))


# ----------------------------------------------------------------------------------------------------- what is a step


def _flat(tasks: Sequence[Task]) -> tuple[list[_CallStep], _JoinStep | None]:
    """The calls of a plan, each under a name of its own, and what it joins; None is everything."""
    steps: list[_CallStep] = []
    known: dict[TaskId, Expr] = {}
    joined: _JoinStep | None = None
    taken = {name for task in tasks if (name := name_of(task.id)) is not None}
    entries: dict[TaskId, ir.Call] = {}
    for task in without_insides(tuple(tasks)):
        if task.guards or joined is not None:
            raise BeyondSteps(f"`{task.id}`")
        work = task.work
        if isinstance(work, ir.PlanCall):
            work = replace(entries[work.entry], effect=work.effect)
        match work:
            case ir.Call(enters=True) if is_inside(task.id):
                entries[task.id] = work
            case ir.Call(arguments=arguments) as call:
                own = name_of(task.id)
                stem = own or call.tool
                name = stem if own == task.id and stem.isascii() else _free(stem if stem.isascii() else "step", taken)
                inner = tuple((parameter, _plain(value, known)) for parameter, value in arguments)
                steps.append(_CallStep(name, ir.Call(call.tool, inner, call.effect), task.thought))
                known[task.id] = ir.Ref(name)
            case ir.Supplied():
                known[task.id] = ir.Ref(task.id)
            case ir.Compute(value):
                known[task.id] = _plain(value, known)
            case ir.Display("list", items):
                known[task.id] = ir.Sequence("list", tuple(known[item] for item in items))
            case ir.Display("dict", items, keys):
                pairs = zip(keys, items, strict=True)
                known[task.id] = _plain(ir.Dict(tuple((key, ir.Ref(item)) for key, item in pairs)), known)
            case ir.Join(items, whole_plan):
                joined = _JoinStep(() if whole_plan else tuple((name, known[item]) for name, item in items))
                joined = None if whole_plan else joined
                own_tasks = sum(not is_inside(id) for id in known)
                if whole_plan and len(steps) + len(ir.inputs_of(tasks)) != own_tasks:
                    raise BeyondSteps("join()")
                known[task.id] = ir.Literal(None)
            case _:
                raise BeyondSteps(f"`{task.id}`")
    return steps, joined


def _free(stem: str, taken: set[str]) -> str:
    number = 2 if stem in taken else 1
    while (name := stem if number == 1 else f"{stem}_{number}") in taken:
        number += 1
    taken.add(name)
    return name


def _plain(expr: Expr, known: Mapping[TaskId, Expr]) -> Expr:
    """An expression in which nothing is referred to but calls, and nothing computed."""
    match expr:
        case ir.Ref(task) if task in known:
            return known[task]
        case ir.Literal(None | bool() | int() | str()):
            return expr
        case ir.Literal(float(value)) if math.isfinite(value):
            return expr
        case ir.Unary("-", ir.Literal(int() | float() as value)) if not isinstance(value, bool):
            return ir.Literal(-value)
        case ir.Field(base, name, key):
            if isinstance(inner := _plain(base, known), ir.Ref | ir.Field | ir.Index):
                return ir.Field(inner, name, key)
        case ir.Index(base, ir.Literal(int() | str()) | ir.Unary("-", ir.Literal(int())) as index):
            if isinstance(inner := _plain(base, known), ir.Ref | ir.Field | ir.Index):
                return ir.Index(inner, _plain(index, known))
        case ir.Sequence("list", items):
            return ir.Sequence("list", tuple(_plain(item, known) for item in items))
        case ir.Dict(items) if all(isinstance(key, ir.Literal) and isinstance(key.value, str) for key, _ in items):
            return ir.Dict(tuple((key, _plain(value, known)) for key, value in items))
        case ir.Text(parts) if all(isinstance(part, str) or part == ir.Hole(part.value) for part in parts):
            return ir.Text(tuple(part if isinstance(part, str) else _hole(part, known) for part in parts))
    raise BeyondSteps(type(expr).__name__)


def _hole(hole: ir.Hole, known: Mapping[TaskId, Expr]) -> ir.Hole:
    value = _plain(hole.value, known)
    if not isinstance(value, ir.Ref | ir.Field | ir.Index):
        raise BeyondSteps("f-string")
    return ir.Hole(value)


def _path(expr: Expr) -> tuple[str, list[str | int]]:
    """The call that a reference is of, and the way to the part that it means."""
    match expr:
        case ir.Ref(name):
            return name, []
        case ir.Field(base, name, key):
            call, path = _path(base)
            return call, [*path, key or name]
        case ir.Index(base, ir.Literal(int() | str() as index)):
            call, path = _path(base)
            return call, [*path, index]
    raise BeyondSteps(type(expr).__name__)


# --------------------------------------------------------------------------------------------------------- as JSON


def _is_json(value: Any) -> bool:
    """Whether a value is the same when it is read back."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except TypeError:
        return False


def _in_json(expr: Expr) -> Any:
    match expr:
        case ir.Literal(value):
            return value
        case ir.Sequence(_, items):
            return [_in_json(item) for item in items]
        case ir.Dict(items):
            made = {key.value: _in_json(value) for key, value in items if isinstance(key, ir.Literal)}
            if any(str(key).startswith("$") for key in made):
                raise BeyondSteps("a key that begins with $")
            return made
        case ir.Text(parts):
            return {"$text": [part if isinstance(part, str) else _in_json(part.value) for part in parts]}
    call, path = _path(expr)
    return {"$ref": call, "path": path} if path else {"$ref": call}


# --------------------------------------------------------------------------------------------- as the papers write it


class _Paper(NamedTuple):
    """How a thought, a step and a reference are written; `variable`: what the program calls the result of a step."""

    thought: str
    step: str
    sign: str
    variable: str


def _numbered(tasks: Sequence[Task], paper: _Paper) -> str:
    steps, joined = _flat(tasks)
    numbers = {name: number for number, (name, _, _) in enumerate(steps, 1)}
    value = _PaperValues(paper, numbers, {input.name for input in ir.inputs_of(tasks)}).value
    lines = header_lines(tasks)
    for name, call, thought in steps:
        lines += [paper.thought.format(" ".join(thought.split()))] * bool(thought)
        arguments = ", ".join(f"{parameter}={value(given)}" for parameter, given in call.arguments)
        lines.append(paper.step.format(numbers[name], call.tool, arguments))
    items = () if joined is None else joined.items
    shown = ", ".join(f"{name}={value(item)}" if name else value(item) for name, item in items)
    lines.append(paper.step.format(len(steps) + 1, "join", shown))
    return "\n".join(lines)


class _PaperValues:
    """Writes values, with the steps that they refer to by their `numbers`, and inputs by their names."""

    def __init__(self, paper: _Paper, numbers: Mapping[str, int], inputs: Collection[str]) -> None:
        self._inputs = inputs
        self._sign = paper.sign
        self._numbers = numbers
        self._looks_like_reference: Callable[[str], object] = re.compile(rf"{re.escape(paper.sign)}[\d{{]").search

    def value(self, expr: Expr) -> str:
        """The text of one."""
        match expr:
            case ir.Literal(str(text)):
                return repr(self._constant(text))
            case ir.Literal(value):
                return repr(value)
            case ir.Sequence(_, items):
                return f"[{', '.join(map(self.value, items))}]"
            case ir.Dict(items):
                return "{" + ", ".join(f"{self.value(key)}: {self.value(value)}" for key, value in items) + "}"
            case ir.Text((ir.Hole(),)):
                raise BeyondSteps("text that is nothing but a result")
            case ir.Text(parts):
                return repr("".join(self._in_text(parts)))
        return self._reference(expr, "{}")

    def _in_text(self, parts: Sequence[str | ir.Hole]) -> Iterator[str]:
        for before, part, after in zip(("", *parts), parts, (*parts[1:], ""), strict=False):
            if isinstance(part, str):
                yield self._constant(part)
                continue
            if isinstance(before, str) and before.endswith(("\\", self._sign[0])):
                raise BeyondSteps("a reference behind its own sign")
            if isinstance(after, str) and _GOES_ON.match(after):
                raise BeyondSteps("text that looks like a part of the reference before it")
            if _path(part.value)[0] in self._inputs:
                raise BeyondSteps("an input in a text")
            yield self._reference(part.value, "{{{}}}")

    def _constant(self, text: str) -> str:
        if self._looks_like_reference(text):
            raise BeyondSteps("text that looks like a reference")
        return text

    def _reference(self, expr: Expr, number: str) -> str:
        call, path = _path(expr)
        steps = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        if not all(isinstance(part, int) or _FIELD.fullmatch(part) for part in path):
            raise BeyondSteps("the name of a field")
        of = call if call in self._inputs else f"{self._sign}{number.format(self._numbers[call])}"
        return f"{of}{''.join(steps)}"


_FIELD: Final = re.compile(r"[^\W\d_]\w*")
_GOES_ON: Final = re.compile(r"[\w.\[]")
