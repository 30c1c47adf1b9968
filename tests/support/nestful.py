"""Gold plans of NESTFUL as plans in JSON, and their tools' specifications as signatures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from superscalar.plan.evaluate.table import TAKEN
from superscalar.plan.ir.naming import field_aliases, identifier
from superscalar.plan.ir.signatures import Output, Parameter, Signature, Signatures

_REFERENCE = re.compile(r"\$(var\d+)((?:\.[^.$\[\]]+|\[\d+\])*)\$")
_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("str", (str,)),
    "enum": ("str", (str,)),
    "number": ("float", (int, float)),
    "float": ("float", (int, float)),
    "integer": ("int", (int,)),
    "boolean": ("bool", (bool,)),
    "array": ("list", (list,)),
    "object": ("dict", (dict,)),
}


def signatures(specification: Iterable[Mapping[str, Any]]) -> Signatures:
    """What a checker can know of the tools: parameters with types and allowed values, and the fields of results."""
    return Signatures([_signature(tool) for tool in specification])


def _signature(tool: Mapping[str, Any]) -> Signature:
    given = {
        name: parameter
        for key in ("path_parameters", "query_parameters", "parameters")
        for name, parameter in (tool.get(key) or {}).items()
    }
    parameters = [_parameter(name, parameter) for name, parameter in given.items()]
    parameters.sort(key=lambda parameter: not parameter.required)
    output = _record(tool["name"], tool["output_parameters"])
    return Signature(tool["name"], identifier(tool["name"], TAKEN), tuple(parameters), output, tool["description"])


def _parameter(name: str, given: Mapping[str, Any]) -> Parameter:
    """Where a specification does not say that it is required, it is not."""
    type_name, types = _TYPES.get(str(given["type"]).lower(), ("Any", (object,)))
    allowed = given.get("enum") or given.get("allowed_values") or given.get("possible_values")
    required = given.get("required") is True
    reject = _rejecting(type_name, types, allowed if isinstance(allowed, list) else None)
    default = "" if required else repr(given.get("default"))
    return Parameter(name, identifier(name), type_name, required, default, reject=reject)


def _rejecting(name: str, types: tuple[type, ...], allowed: list[Any] | None) -> Callable[[Any], str | None]:
    def reject(constant: Any) -> str | None:
        if not isinstance(constant, types) or (
            isinstance(constant, bool) and bool not in types and object not in types
        ):
            return f"it is no {name}"
        if allowed is not None and constant not in allowed:
            return f"it is none of {allowed}"
        return None

    return reject


def _record(name: str, properties: Mapping[str, Any]) -> Output:
    fields = {field: _output(field, given) for field, given in properties.items()}
    return Output(name, fields, aliases=field_aliases(fields))


def _output(name: str, given: Any) -> Output:
    if not isinstance(given, Mapping):
        return Output()
    if isinstance(given.get("properties"), Mapping):
        return _record(name, given["properties"])
    items = given.get("items")
    if isinstance(items, Mapping):
        return Output("list", items=_output(name, items))
    return Output(_TYPES.get(str(given.get("type")).lower(), ("Any", ()))[0])


def plan_text(gold: Iterable[Mapping[str, Any]]) -> str:
    """A gold plan in our JSON: the step called `var_result` is the join."""
    steps: list[dict[str, Any]] = []
    join = None
    for call in gold:
        arguments = {name: _value(value) for name, value in call["arguments"].items()}
        if call["name"] == "var_result":
            join = arguments
        else:
            label = {"id": call["label"].strip("$")} if "label" in call else {}
            steps.append({**label, "tool": call["name"], "arguments": arguments})
    return json.dumps({"steps": steps, "join": join})


def _value(value: Any) -> Any:
    match value:
        case str():
            return _text(value)
        case list():
            return [_value(item) for item in value]
        case dict():
            return {key: _value(item) for key, item in value.items()}
    return value


def _text(text: str) -> Any:
    parts: list[Any] = []
    position = 0
    for found in _REFERENCE.finditer(text):
        parts += [text[position : found.start()], _reference(found)]
        position = found.end()
    parts.append(text[position:])
    if len(parts) == 1:
        return text
    return parts[1] if parts[::2] == ["", ""] else {"$text": [part for part in parts if part]}


def _reference(found: re.Match[str]) -> dict[str, Any]:
    steps = re.findall(r"\.([^.\[]+)|\[(\d+)\]", found[2])
    path = [field or int(index) for field, index in steps]
    return {"$ref": found[1], **({"path": path} if path else {})}
