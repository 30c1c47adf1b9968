"""Plans as JSON (rule L28) in JSON Schema, for endpoints that write nothing but structured output.

Names are defined before use by the checker, as everywhere; the schema says which tools there are, which arguments each
has, and of which type a value is that is no reference.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, TypeAlias

from superscalar.plan.signatures import Parameter, Signature, Signatures

Schema: TypeAlias = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"}
_SIMPLE: Mapping[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "list": {"type": "array", "items": {"$ref": "#/$defs/value"}},
    "dict": {"type": "object", "additionalProperties": {"$ref": "#/$defs/value"}},
}


def to_json_schema(signatures: Signatures) -> Schema:
    """The schema of a whole plan, or of one that corrects some of its steps."""
    steps = [_step(signature) for signature in signatures]
    value = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
    array = {"type": "array", "items": {"$ref": "#/$defs/value"}}
    return {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "items": {"anyOf": steps}} if steps else {"type": "array", "maxItems": 0},
            "join": {"$ref": "#/$defs/value"},
        },
        "required": ["steps", "join"],
        "additionalProperties": False,
        "$defs": {
            "reference": {
                "anyOf": [
                    _object({"$ref": _NAME}),
                    _object({"$ref": _NAME, "path": {"type": "array", "items": {"type": ["string", "integer"]}}}),
                ]
            },
            "text": _object(
                {"$text": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/reference"}]}}}
            ),
            "value": {"anyOf": [*value, array, {"$ref": "#/$defs/reference"}, {"$ref": "#/$defs/text"}]},
        },
    }


def _step(signature: Signature) -> Schema:
    arguments = {p.alias: _value(p) for p in signature.parameters}
    return _object(
        {
            "id": _NAME,
            "tool": {"type": "string", "enum": [signature.alias]},
            "arguments": _object(arguments, [p.alias for p in signature.parameters if p.required]),
        }
    )


def _object(properties: Mapping[str, Schema], required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _value(parameter: Parameter) -> Schema:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    try:
        own = _of(ast.parse(parameter.type, mode="eval").body)
    except (SyntaxError, ValueError):  # a type of which nothing is known here
        return {"$ref": "#/$defs/value"}
    return _or_reference(own)


def _or_reference(own: list[Schema]) -> Schema:
    """Those, or a reference to a result; text may have results in it."""
    text = [{"$ref": "#/$defs/text"}] if _SIMPLE["str"] in own else []
    return {"anyOf": [*own, {"$ref": "#/$defs/reference"}, *text]}


def _of(node: ast.expr) -> list[Schema]:
    """What JSON a type has, as alternatives.

    Raises:
        ValueError: nothing is known of the type.
    """
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_of(left), *_of(right)]
        case ast.Constant(value=None):
            return [_SIMPLE["None"]]
        case ast.Name(id=name) if name in _SIMPLE:
            return [_SIMPLE[name]]
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return [{"type": "array", "items": _or_reference(_of(item))}]
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), item])):
            return [{"type": "object", "additionalProperties": _or_reference(_of(item))}]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            constants = values.elts if isinstance(values, ast.Tuple) else [values]
            return [{"enum": [ast.literal_eval(constant) for constant in constants]}]
    raise ValueError
