"""The questions of the Berkeley Function Calling Leaderboard (BFCL), as tools of ours, and its rules for answers.

A question comes with JSON schemas of functions and, for each call that should be made, with the values that are
accepted for each argument; "" among them means that the argument may be left out. Calls may come in any order.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

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


@dataclass(frozen=True)
class Question:
    """One question. `accepted`: for each call that should be made, its name and the accepted values by argument."""

    id: str
    text: str
    functions: tuple[Schema, ...]
    accepted: tuple[tuple[str, Mapping[str, Sequence[Any]]], ...]


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
    calls = tuple((name, arguments) for call in accepted for name, arguments in call.items())
    return Question(question["id"], text, tuple(question["function"]), calls)


# ------------------------------------------------------------------------------------------------------------ tools


def tools_of(question: Question, made: list[Call], *, typed: bool = True) -> list[Tool[..., Any]]:
    """The question's functions as tools that note in `made` how they are called.

    Without `typed` any value is taken for any argument as it is, and every call is a write: each happens, in the order
    of the plan, whether anything needs it or not.
    """
    return [_tool(function, made, typed=typed) for function in question.functions]


def _tool(function: Schema, made: list[Call], *, typed: bool) -> Tool[..., Any]:
    schema = function["parameters"]
    required = schema.get("required", ())
    properties = sorted(schema["properties"].items(), key=lambda item: item[0] not in required)
    own = {identifier(name): name for name, _ in properties}

    def call(**arguments: Any) -> None:
        made.append(Call(function["name"], {own[alias]: value for alias, value in arguments.items() if value != _LEFT}))

    parameters = [
        inspect.Parameter(
            identifier(name),
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if name in required else property.get("default") if typed else _LEFT,
            annotation=Annotated[_type(property), _described(property)] if typed else Any,
        )
        for name, property in properties
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what `inspect` looks for
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


def matches(question: Question, made: Sequence[Call]) -> bool:
    """Whether the calls are the accepted ones: each of those once, in any order, and nothing else."""
    if len(made) != len(question.accepted):
        return False
    schemas = {function["name"]: function["parameters"] for function in question.functions}
    left = list(made)
    for name, accepted in question.accepted:
        fitting = (call for call in left if call.name == name and _fits(call.arguments, accepted, schemas[name]))
        found = next(fitting, None)
        if found is None:
            return False
        left.remove(found)
    return True


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
        {"type": "function", "function": {**function, "parameters": _json_schema(function["parameters"])}}
        for function in question.functions
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
