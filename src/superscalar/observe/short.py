"""Values in a few characters, for views and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from superscalar.values import Failure, Observation, Skipped, record_fields

_DEEPEST = 6
_LARGEST_INTEGER = 512  # bits; the interpreter refuses to print some, and nobody reads them


def short(value: Any, width: int = 80) -> str:
    """A value on one line of at most `width` characters, cut with an ellipsis; looks at no more of it than is shown.

    Safe to call on anything that a tool returned: it never raises, whatever the value's `repr` does. Text is quoted
    and escaped, but a `repr` written by somebody else may hold control characters: escape before printing it.
    """
    try:
        return _cut(_pieces(value, width, 0), width)
    except Exception as error:  # noqa: BLE001 -- somebody's __repr__ must not end a view; the text says that it failed
        return f"<{type(value).__name__}: showing it raised {type(error).__name__}>"


def short_arguments(arguments: Mapping[str, Any], width: int = 80) -> str:
    """A call's arguments in the same manner: a single one bare, several with their names."""
    if len(arguments) == 1:
        return short(next(iter(arguments.values())), width)
    return _cut(_listed("", ([f"{name}={short(value, width)}"] for name, value in arguments.items()), ""), width)


def _named(name: str, value: Any, width: int, depth: int) -> Iterator[str]:
    yield f"{name}="
    yield from _pieces(value, width, depth)


def _cut(pieces: Iterable[str], width: int) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > width:
            return text[: width - 1] + "…"
    return text


def _pieces(value: Any, width: int, depth: int) -> Iterator[str]:
    inner = depth + 1
    match value:
        case None | bool() | float():
            yield repr(value)
        case int():
            large = value.bit_length() > _LARGEST_INTEGER
            yield f"<an integer of {value.bit_length():,} bits>" if large else repr(value)
        case str() | bytes():
            yield repr(value[: width + 1])
        case Observation():
            yield from _pieces(value.value, width, depth)
        case Failure():
            yield f"<failed: {value}>"
        case Skipped():
            yield f"<{value}>"
        case _ if depth >= _DEEPEST:
            yield "…"
        case Mapping():
            yield from _listed("{", (_pair(k, v, width, inner) for k, v in value.items()), "}")
        case _ if (fields := record_fields(value)) is not None:
            named = (_named(name, item, width, inner) for name, item in fields.items())
            yield from _listed(f"{type(value).__name__}(", named, ")")
        case list():
            yield from _listed("[", (_pieces(item, width, inner) for item in value), "]")
        case tuple():
            yield from _listed("(", (_pieces(item, width, inner) for item in value), ",)" if len(value) == 1 else ")")
        case Set():
            items = (_pieces(item, width, inner) for item in value)
            yield from _listed("{", items, "}") if value else ("set()",)
        case _:
            yield " ".join(repr(value).split())  # an opaque handle


def _pair(key: Any, value: Any, width: int, depth: int) -> Iterator[str]:
    yield from _pieces(key, width, depth)
    yield ": "
    yield from _pieces(value, width, depth)


def _listed(opening: str, items: Iterable[Iterable[str]], closing: str) -> Iterator[str]:
    yield opening
    for number, item in enumerate(items):
        if number:
            yield ", "
        yield from item
    yield closing
