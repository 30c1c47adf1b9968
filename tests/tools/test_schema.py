"""A tool's parameters as JSON Schema: what endpoints with native tool calls, and grammars, are given."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from superscalar import ToolContext, tool


class Handle:
    """Something of this process that JSON has no form for."""


@dataclass
class Place:
    city: str
    floor: int = 0


@tool
def book(
    guest: Annotated[str, "full name"],
    day: dt.date,
    place: Place,
    handle: Handle,
    run: ToolContext[None],
    nights: Annotated[int, Field(ge=1, description="at least one")] = 1,
    room: Literal["single", "double"] | None = None,
    key: Handle = Handle(),  # noqa: B008
) -> str:
    """Book a room."""
    return f"{guest} {day} {place} {handle} {run} {nights} {room} {key}"


def test_a_schema_says_what_the_signature_says() -> None:
    """Types, descriptions, defaults and what is required; no context, and anything where JSON has no form."""
    assert book.schema == {
        "type": "object",
        "properties": {
            "guest": {"type": "string", "description": "full name"},
            "day": {"type": "string", "format": "date"},
            "place": {"$ref": "#/$defs/Place"},
            "handle": {},
            "nights": {"type": "integer", "minimum": 1, "description": "at least one", "default": 1},
            "room": {
                "anyOf": [{"enum": ["single", "double"], "type": "string"}, {"type": "null"}],
                "default": None,
            },
            "key": {},
        },
        "required": ["guest", "day", "place", "handle"],
        "additionalProperties": False,
        "$defs": {
            "Place": {
                "type": "object",
                "title": "Place",
                "properties": {"city": {"type": "string"}, "floor": {"type": "integer", "default": 0}},
                "required": ["city"],
                "additionalProperties": False,
            }
        },
    }


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    @tool
    def now() -> float:
        return 0.0

    assert now.schema == {"type": "object", "properties": {}, "additionalProperties": False}
