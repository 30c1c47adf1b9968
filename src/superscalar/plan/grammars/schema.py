"""Plans as JSON (rule L28) in JSON Schema, for endpoints that write nothing but structured output.

Names are defined before use by the checker, as everywhere; the schema says which tools there are, which arguments each
has, and of which type a value is that is no reference.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, TypeAlias

from superscalar.plan.ir.signatures import Form, Parameter, Signature, Signatures, forms_by_type

JsonSchema: TypeAlias = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"}
_SIMPLE: Mapping[str, JsonSchema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "list": {"type": "array", "items": {"$ref": "#/$defs/value"}},
    "dict": {"type": "object", "additionalProperties": {"$ref": "#/$defs/value"}},
}


def to_json_schema(signatures: Signatures) -> JsonSchema:
    """The schema of a whole plan, or of one that corrects some of its steps."""
    forms = forms_by_type(signatures)
    steps = [_step(signature, forms) for signature in signatures]
    records = {
        _record(type): _object(
            {key.name: _value(key, forms) for key in form.keys}, [key.name for key in form.keys if key.required]
        )
        for type, form in forms.items()
    }
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
            **records,
        },
    }


def _record(type: str) -> str:
    return f"record {type}"


def _step(signature: Signature, forms: Mapping[str, Form]) -> JsonSchema:
    arguments = {p.alias: _value(p, forms) for p in signature.parameters}
    return _object(
        {
            "id": _NAME,
            "tool": {"type": "string", "enum": [signature.alias]},
            "arguments": _object(arguments, [p.alias for p in signature.parameters if p.required]),
        }
    )


def _object(properties: Mapping[str, JsonSchema], required: list[str] | None = None) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _value(parameter: Parameter, forms: Mapping[str, Form]) -> JsonSchema:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    try:
        own = _of(ast.parse(parameter.type, mode="eval").body, forms)
    except (SyntaxError, ValueError):  # a type of which nothing is known here
        return {"$ref": "#/$defs/value"}
    return _or_reference(own)


def _or_reference(own: list[JsonSchema]) -> JsonSchema:
    """Those, or a reference to a result; text may have results in it."""
    text = [{"$ref": "#/$defs/text"}] if _SIMPLE["str"] in own else []
    return {"anyOf": [*own, {"$ref": "#/$defs/reference"}, *text]}


def _of(node: ast.expr, forms: Mapping[str, Form]) -> list[JsonSchema]:
    """What JSON a type has, as alternatives.

    Raises:
        ValueError: nothing is known of the type.
    """
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_of(left, forms), *_of(right, forms)]
        case ast.Constant(value=None):
            return [_SIMPLE["None"]]
        case ast.Name(id=name) if name in _SIMPLE:
            return [_SIMPLE[name]]
        case ast.Name(id=name) if name in forms:
            return [{"$ref": f"#/$defs/{_record(name)}"}]
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return [{"type": "array", "items": _or_reference(_of(item, forms))}]
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), item])):
            return [{"type": "object", "additionalProperties": _or_reference(_of(item, forms))}]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            constants = values.elts if isinstance(values, ast.Tuple) else [values]
            return [{"enum": [ast.literal_eval(constant) for constant in constants]}]
    raise ValueError
