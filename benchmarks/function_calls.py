"""The questions of the Berkeley Function Calling Leaderboard (BFCL), as tools of ours, and its rules for answers.

A question comes with JSON schemas of functions and, for each call that should be made, with the values that are
accepted for each argument; "" among them means that the argument may be left out. Calls may come in any order.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from superscalar import Tool, tool
from superscalar.plan.ir.naming import identifier

PACKAGE = "bfcl-eval"
CATEGORIES = ("parallel", "parallel_multiple")

Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """A call: the function's own name, and arguments by their own names."""

    name: str
    arguments: Mapping[str, Any]


Gold: TypeAlias = Callable[["Call"], bool]
"""Whether a call is a certain one of those that should be made."""


def nothing(_call: Call) -> None:
    """What a function answers of which nobody says more."""


def ones_of(schema: str, _source: Any) -> Any:
    """What stands in for a value of a type that is taken out of a text."""
    value: Any = {"str": "one", "bool": True, "date": dt.date(2000, 1, 1), "datetime": dt.datetime(2000, 1, 1)}
    return [ones_of(schema[5:-1], _source)] if schema.startswith("list[") else value.get(schema, 1)


@dataclass(frozen=True)
class Question:
    """One question.

    `gold`: for each call that should be made, whether a call is that one. `functions` as BFCL describes them, and as
    `returns` the annotation of what each returns, where more is known than `Any`. `answer`: what a call returns when a
    plan is looked at; `extract`: what is taken out of a result then, by type. `plan`: one that makes these calls;
    `called`: of BFCL, the functions that should be called.
    """

    id: str
    text: str
    functions: tuple[Schema, ...]
    gold: tuple[Gold, ...]
    source: str = "bfcl"
    answer: Callable[[Call], Any] = nothing
    extract: Callable[[str, Any], Any] = ones_of
    plan: str = "join()"
    called: tuple[str, ...] = ()


class Score(NamedTuple):
    """How far calls are those that should be made: shares of the latter and of the former, and whether both are all."""

    recall: float
    precision: float
    exact: bool


# -------------------------------------------------------------------------------------------------------- questions


def fetched(directory: Path) -> Path:
    """The file with the questions: downloaded once, without what the package depends on.

    Raises:
        SystemExit: it cannot be had.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (found := sorted(directory.glob("bfcl_eval-*.whl"))):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory), PACKAGE]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(
                f"The questions come from the package {PACKAGE}, which could not be downloaded. Where there is a "
                f"network, run\n  {' '.join(command[1:])}\nand copy the file to {directory}."
            )
        found = sorted(directory.glob("bfcl_eval-*.whl"))
    return found[-1]


def questions(file: Path, category: str) -> list[Question]:
    """The questions of a category with an even index: the others are nobody's to tune on."""
    with zipfile.ZipFile(file) as archive:
        pattern = re.compile(rf"[^/]+/data/(BFCL_v\d+_{category}\.json)")
        path, name = next((m[0], m[1]) for m in map(pattern.fullmatch, archive.namelist()) if m)
        asked = [json.loads(line) for line in archive.read(path).decode().splitlines()]
        answers = archive.read(f"{Path(path).parent}/possible_answer/{name}").decode().splitlines()
    accepted = {answer["id"]: answer["ground_truth"] for answer in map(json.loads, answers)}
    return [read_question(q, accepted[q["id"]]) for q in asked if int(q["id"].rpartition("_")[2]) % 2 == 0]


def read_question(question: Mapping[str, Any], accepted: Sequence[Mapping[str, Any]]) -> Question:
    """A question in the form of the files."""
    text = "\n".join(message["content"] for message in question["question"][0] if message["role"] == "user")
    calls = [(name, arguments) for call in accepted for name, arguments in call.items()]
    schemas = {function["name"]: function["parameters"] for function in question["function"]}
    gold = tuple(_accepting(name, arguments, schemas[name]) for name, arguments in calls)
    return Question(
        question["id"],
        text,
        tuple(question["function"]),
        gold,
        plan=_written(calls),
        called=tuple(name for name, _ in calls),
    )


def _accepting(name: str, accepted: Mapping[str, Sequence[Any]], schema: Schema) -> Gold:
    return lambda call: call.name == name and _fits(call.arguments, accepted, schema)


def _written(calls: Sequence[tuple[str, Mapping[str, Sequence[Any]]]]) -> str:
    """A plan of calls with the first accepted value of each argument that may not be left out."""
    lines = [
        plan_line(place, name, {key: _first(each[0]) for key, each in given.items() if "" not in each})
        for place, (name, given) in enumerate(calls)
    ]
    return plan_of(lines)


def _first(accepted: Any) -> Any:
    """One of the values that are accepted: in an object there are several of each key."""
    if isinstance(accepted, Mapping):
        return {key: _first(values[0]) for key, values in accepted.items() if "" not in values}
    return [_first(item) for item in accepted] if isinstance(accepted, list) else accepted


def plan_line(place: int, name: str, arguments: Mapping[str, Any]) -> str:
    """A line of a plan that calls a function: a value that has `source` is written as that says."""
    written = (f"{identifier(key)}={getattr(value, 'source', repr(value))}" for key, value in arguments.items())
    return f"r{place} = {identifier(name)}({', '.join(written)})"


def plan_of(lines: Sequence[str]) -> str:
    """A plan of such lines."""
    return "\n".join([*lines, f"join({', '.join(line.partition(' ')[0] for line in lines)})"]) + "\n"


# ------------------------------------------------------------------------------------------------------------ tools


def tools_of(question: Question, made: list[Call], *, typed: bool = True) -> list[Tool[..., Any]]:
    """The question's functions as tools that note in `made` how they are called.

    Without `typed` any value is taken for any argument as it is, and every call is a write: each happens, in the order
    of the plan, whether anything needs it or not.
    """
    return [_tool(function, made, question.answer, typed=typed) for function in question.functions]


def _tool(function: Schema, made: list[Call], answer: Callable[[Call], Any], *, typed: bool) -> Tool[..., Any]:
    schema = function["parameters"]
    required = schema.get("required", ())
    properties = sorted(schema["properties"].items(), key=lambda item: item[0] not in required)
    own = {identifier(name): name for name, _ in properties}

    def call(**arguments: Any) -> Any:
        made.append(Call(function["name"], {own[alias]: value for alias, value in arguments.items() if value != _LEFT}))
        return answer(made[-1])

    parameters = [
        inspect.Parameter(
            identifier(name),
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if name in required else property.get("default") if typed else _LEFT,
            annotation=Annotated[_type(property), _described(property)] if typed else Any,
        )
        for name, property in properties
    ]
    returns = function.get("returns", inspect.Signature.empty) if typed else inspect.Signature.empty
    call.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]  # what `inspect` looks for
    call.__doc__ = function["description"]
    return tool(name=function["name"], effect="read" if typed else "write")(call)


_LEFT = "\0"
"""Stands for an argument that was left out."""
_TYPES = {"string": str, "integer": int, "float": float, "number": float, "boolean": bool, "dict": dict, "object": dict}


def _type(schema: Schema) -> Any:
    if values := schema.get("enum"):
        return Literal[tuple(values)]
    if schema.get("type") in ("array", "tuple"):
        items = schema.get("items")
        return list[_type(items)] if items else list  # type: ignore[misc]  # a type that is made as the program runs
    return _TYPES.get(schema.get("type", "any"), Any)


def _described(schema: Schema) -> str:
    inner = schema.get("properties") or (schema.get("items") or {}).get("properties") or {}
    keys = ", ".join(f"{name}: {part.get('type', 'any')}" for name, part in inner.items())
    return " ".join(filter(None, (str(schema.get("description", "")), f"Keys: {keys}." if keys else "")))


# ------------------------------------------------------------------------------------------------------------ rules


def score(question: Question, made: Sequence[Call]) -> Score:
    """How far the calls are those that should be made: each of these once, in any order."""
    left = list(made)
    for fits in question.gold:
        if (found := next((call for call in left if fits(call)), None)) is not None:
            left.remove(found)
    right, wanted = len(made) - len(left), len(question.gold)
    recall = right / wanted if wanted else 1.0
    precision = right / len(made) if made else float(not wanted)
    return Score(recall, precision, right == wanted == len(made))


def matches(question: Question, made: Sequence[Call]) -> bool:
    """Whether the calls are those that should be made, and nothing else."""
    return score(question, made).exact


def _fits(arguments: Mapping[str, Any], accepted: Mapping[str, Sequence[Any]], schema: Schema) -> bool:
    for name, values in accepted.items():
        if name not in arguments:
            if name in schema.get("required", ()) or "" not in values:
                return False
        elif not _is_accepted(arguments[name], values, schema["properties"].get(name, {})):
            return False
    return set(arguments) <= set(accepted)


def _is_accepted(value: Any, accepted: Sequence[Any], schema: Schema) -> bool:
    """Whether a value is of the right type and one of those accepted; a whole number is a number."""
    value = list(value) if isinstance(value, tuple) else value
    expected: Any = {"array": list, "tuple": list}.get(schema.get("type", "any")) or _TYPES.get(schema["type"], object)
    rightly_typed = type(value) is expected or expected is object or (expected is float and type(value) is int)
    if not rightly_typed and type(value) not in {type(other) for other in accepted if other != ""}:
        return False
    if isinstance(value, Mapping):
        return any(_is_accepted_object(value, other) for other in accepted if isinstance(other, Mapping))
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return any(
            len(other) == len(value) and all(map(_is_accepted_object, value, other))
            for other in accepted
            if isinstance(other, list) and all(isinstance(item, Mapping) for item in other)
        )
    return any(_plain(value) == _plain(other) for other in accepted)


def _is_accepted_object(value: Any, accepted: Mapping[str, Sequence[Any]]) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= set(accepted):
        return False
    return all(
        any(_plain(value[key]) == _plain(other) for other in others) if key in value else "" in others
        for key, others in accepted.items()
    )


def _plain(value: Any) -> Any:
    """Text without what does not count in it: case, spaces, which quotes, and the signs , . / - _ * ^"""
    if isinstance(value, str):
        return re.sub(r"[ ,./_*^-]", "", value).lower().replace("'", '"')
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


# -------------------------------------------------------------------------------------------------- native tool calls


def native_tools(question: Question) -> list[dict[str, Any]]:
    """The functions as a chat API takes them."""
    return [
        {"type": "function", "function": {**told, "parameters": _json_schema(told["parameters"])}}
        for told in ({key: part for key, part in one.items() if key != "returns"} for one in question.functions)
    ]


def _json_schema(schema: Schema) -> dict[str, Any]:
    names = {"dict": "object", "float": "number", "tuple": "array"}
    made = {key: value for key, value in schema.items() if key in ("description", "enum", "required", "default")}
    if schema.get("type", "any") != "any":
        made["type"] = names.get(schema["type"], schema["type"])
    if "properties" in schema:
        made["properties"] = {name: _json_schema(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        made["items"] = _json_schema(schema["items"])
    return made


def calls_in(reply: str) -> list[Call]:
    """The calls in a model's reply, whatever is around them: every JSON object with `name` and `arguments`."""
    decoder = json.JSONDecoder()
    calls: list[Call] = []
    place = reply.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(reply, place)
        except ValueError:
            end = place + 1
        else:
            calls += _calls(value)
        place = reply.find("{", end)
    return calls


def _calls(value: Any) -> list[Call]:
    match value:
        case {"name": str(name), "arguments": Mapping() as arguments}:
            return [Call(name, arguments)]
        case {"function": {"name": _, "arguments": _} as inner}:
            return _calls(inner)
    return []
