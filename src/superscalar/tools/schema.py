"""A tool's parameters as JSON Schema (2020-12), by pydantic. Imported when a schema is first asked for."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from superscalar.plan.ir.signatures import Parameter
from superscalar.tools.validation import adapter_of


class _Terse(GenerateJsonSchema):
    """No titles, which repeat names; and where a type has no form in JSON, anything is allowed: it is validated."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def handle_invalid_for_json_schema(self, _schema: Any, _why: str) -> JsonSchemaValue:
        return {}


def schema_of(
    tool: str, alias: str, parameters: tuple[inspect.Parameter, ...], described: Iterable[Parameter]
) -> dict[str, Any]:
    """The object that a call's arguments are, by the function's own names; descriptions and defaults are in it.

    Raises:
        UsageError: an annotation is nothing that can be validated.
    """
    schema = adapter_of(tool, alias, parameters).json_schema(schema_generator=_Terse)
    schema.pop("title", None)
    for parameter, known in zip(parameters, described, strict=True):
        about = schema["properties"][parameter.name]
        if known.description:
            about["description"] = known.description
        if parameter.default is not parameter.empty:
            try:
                about["default"] = to_jsonable_python(parameter.default)
            except PydanticSerializationError:  # the tool's own object: the model can only leave it out
                continue
    return schema
