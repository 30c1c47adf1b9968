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
_TYPES: Mapping[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def to_json_schema(signatures: Signatures) -> JsonSchema:
    """The schema of a whole plan, or of one that corrects some of its steps."""
    forms = forms_by_type(signatures)
    path = {"type": "array", "items": {"type": ["string", "integer"]}}
    reference = {"anyOf": [_object({"$ref": _NAME}), _object({"$ref": _NAME, "path": path})]}
    return _plan([_step(signature, forms) for signature in signatures], reference, forms)


def to_binding_schema(signatures: Signatures) -> JsonSchema:
    """The same in the form that OpenAI binds a model to: nothing is left out, and null stands for what would be.

    Empty if there is no such form: where a null would be read as the value, or keys of a dict are not known.
    """
    forms = forms_by_type(signatures)
    path = {"anyOf": [{"type": "array", "items": {"type": ["string", "integer"]}}, _SIMPLE["None"]]}
    if not all(_may_be_null(parameter) for signature in signatures for parameter in signature.parameters):
        return {}
    schema = _plan(
        [_bound(signature, forms) for signature in signatures], _object({"$ref": _NAME, "path": path}), forms
    )
    return schema if is_strict(schema) else {}


def is_strict(schema: Any) -> bool:
    """Tell whether OpenAI takes a schema as binding: each object has a fixed set of fields, and none may be missing."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", ()))
    ):
        return False
    return all(map(is_strict, schema.values()))


def _plan(steps: list[JsonSchema], reference: JsonSchema, forms: Mapping[str, Form]) -> JsonSchema:
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
            "reference": reference,
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
            "tool": _one_of([signature.alias]),
            "arguments": _object(arguments, [p.alias for p in signature.parameters if p.required]),
        }
    )


def _bound(signature: Signature, forms: Mapping[str, Form]) -> JsonSchema:
    """A step with all of its arguments. What tells it from other steps comes first."""
    arguments = {p.alias: _value(p, forms) if p.required else _or_null(_value(p, forms)) for p in signature.parameters}
    return _object({"tool": _one_of([signature.alias]), "id": _NAME, "arguments": _object(arguments)})


def _may_be_null(parameter: Parameter) -> bool:
    """Whether a null does for an argument what leaving it out does."""
    return parameter.required or parameter.default == "None" or parameter.reject(None) is not None


def _or_null(value: JsonSchema) -> JsonSchema:
    options = value.get("anyOf", [value])
    return {"anyOf": options if _SIMPLE["None"] in options else [*options, _SIMPLE["None"]]}


def _one_of(values: list[Any]) -> JsonSchema:
    """Constants, with their types, which some servers want to be told."""
    types = list(dict.fromkeys(_TYPES[type(value)] for value in values))
    return {"type": types[0] if len(types) == 1 else types, "enum": values}


def _object(properties: Mapping[str, JsonSchema], required: list[str] | None = None) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _value(parameter: Parameter, forms: Mapping[str, Form]) -> JsonSchema:
    if parameter.choices:
        return _one_of(list(parameter.choices))
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
            known = [ast.literal_eval(constant) for constant in constants]
            if all(type(value) in _TYPES for value in known):  # JSON has no bytes
                return [_one_of(known)]
    raise ValueError
