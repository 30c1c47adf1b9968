"""When a value of ours is the one that Python gives: of the same types, but for sets, whose order means nothing."""

from __future__ import annotations

from collections.abc import Set
from typing import Any


def canonical(value: Any) -> Any:
    """`value` with its types, but sets without their order, and without saying which of 1 and True is in them."""
    if isinstance(value, Set):
        return "set", frozenset(map(_member, value))
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(canonical, value))
    if isinstance(value, dict):
        return "dict", tuple((canonical(key), canonical(item)) for key, item in value.items())
    return type(value).__name__, repr(value)


def _member(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_member, value))
    return value if value == value else "not a number"
