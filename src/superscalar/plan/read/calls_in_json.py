"""Tool calls in JSON, as models write them that were trained on native ones: one, a list, one a line, or in tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from superscalar.plan.evaluate.json_text import once
from superscalar.plan.ir.signatures import Signatures

_TAG: Final = re.compile(r"\s*</?tool_call>\s*")
FORMS: Final = (
    ("name", "arguments"), ("name", "parameters"), ("name", "args"), ("name", "input"),
    ("tool", "arguments"), ("tool", "args"), ("tool", "parameters"), ("function", "arguments"),
)  # fmt: skip
_WRAPPERS: Final = ("tool_calls", "calls", "function_call")


def plan_in_json(text: str, signatures: Signatures) -> str | None:
    """A text that is calls in JSON, or a plan in JSON steps, as such a plan; None if it is anything else."""
    values = _values(text)
    match values:
        case None | []:
            return None
        case [{"steps": list()}]:
            return text
    calls = [_call(value, signatures) for value in _each(values)]
    if not calls or None in calls:
        return None
    return _steps([call for call in calls if call is not None], signatures)


def _values(text: str) -> list[Any] | None:
    """The JSON values that a text consists of; None if it is more than that."""
    decoder = json.JSONDecoder(object_pairs_hook=once)
    values: list[Any] = []
    position = 0
    while True:
        while (tag := _TAG.match(text, position)) or text[position : position + 1] in tuple(" \t\r\n,;"):
            position = tag.end() if tag else position + 1
        if position == len(text):
            return values
        if text[position] not in "{[":
            return None
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        values.append(value)


def _steps(calls: list[tuple[str, dict[str, Any]]], signatures: Signatures) -> str:
    """The calls as a plan in JSON steps, each with the name of its tool."""
    aliases = signatures.aliases()
    used: dict[str, int] = {}
    steps = []
    for tool, arguments in calls:
        name = aliases.get(tool, tool)
        name = name if name.isidentifier() else "call"
        number = used[name] = used.get(name, 0) + 1
        step = {
            "id": name if number == 1 else f"{name}_{number}",
            "tool": tool,
            "arguments": {key: {"$value": value} if _has_form(value) else value for key, value in arguments.items()},
        }
        steps.append(json.dumps(step, ensure_ascii=False))
    return '{"steps": [\n' + ",\n".join(steps) + "\n]}"


def _each(values: list[Any]) -> Iterator[Any]:
    for value in values:
        match value:
            case list():
                yield from _each(value)
            case dict() if len(value) == 1 and (inner := next(iter(value))) in _WRAPPERS:
                yield from _each([value[inner]])
            case _:
                yield value


def _call(value: Any, signatures: Signatures) -> tuple[str, dict[str, Any]] | None:
    """The tool that a value calls, and its arguments; None if it is no call."""
    if not isinstance(value, dict):
        return None
    if isinstance(inner := value.get("function"), dict):
        return _call(inner, signatures)
    name = next((value[key] for key in ("name", "tool", "function") if isinstance(value.get(key), str)), None)
    if name is None:
        return None
    form = next((form for form in FORMS if form[0] in value and form[1] in value), None)
    if form is None:
        known = name in signatures.aliases() and not value.keys() - {"name", "tool", "function", "id", "type"}
        return (name, {}) if known else None
    arguments = value[form[1]]
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}", object_pairs_hook=once)
        except (ValueError, RecursionError):
            return None
    arguments = {} if arguments is None else arguments
    return (name, arguments) if isinstance(arguments, dict) else None


def _has_form(value: Any) -> bool:
    """Whether JSON steps would take data for a reference."""
    match value:
        case dict():
            return any(key.startswith("$") for key in value) or any(map(_has_form, value.values()))
        case list():
            return any(map(_has_form, value))
    return False
