"""What a class says of itself beside its fields: where a mark in an annotation is for nobody to find."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Container, Iterator
from typing import Any, Final

_OTHERS: Final = frozenset({"builtins", "typing", "typing_extensions", "abc", "enum", "pydantic"})


def aside(kind: Any, fields: Container[str]) -> Iterator[tuple[str, Any]]:
    """The annotations of a class that are those of no field, each with its name.

    They are those of its attributes (of pydantic's extra fields and private ones too), of what its `__init__` takes,
    and of properties.
    """
    own = [base for base in kind.__mro__ if base.__module__.partition(".")[0] not in _OTHERS]
    if any(inspect.get_annotations(base) for base in own):
        yield from ((name, hint) for name, hint in _hints(kind, own).items() if name not in fields)
    for base in own:
        for name, value in base.__dict__.items():
            inner = getattr(value, "wrapped", value)  # by a decorator of pydantic
            if name == "__init__" and not dataclasses.is_dataclass(kind):
                yield from ((name, hint) for hint in _hints(value, [value]).values())
            elif isinstance(inner, property) or hasattr(inner, "attrname"):
                function = getattr(inner, "fget", None) or getattr(inner, "func", None)
                yield from ((name, hint) for hint in _hints(function, [function]).values())


def _hints(of: Any, parts: list[Any]) -> dict[str, Any]:
    """Annotations as far as they can be evaluated; else as they are written."""
    try:
        return typing.get_type_hints(of, include_extras=True)
    except Exception:  # noqa: BLE001 -- a forward reference to what is not there: the text is looked at
        return {name: hint for part in parts for name, hint in (getattr(part, "__annotations__", None) or {}).items()}
