"""`jsonschema-rs`, which checks values by schemas. Imported with the first tool that is made from one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from superscalar.errors import UsageError
from superscalar.short import ELLIPSIS

_COMPILED: Final = 1 << 18  # bytes of one pattern, compiled


class Checker(NamedTuple):
    """`is_valid(value)`, and `error(value)`: what is wrong with a value that is not, and where in it.

    The first asks each schema once; the second may ask one as often as there are ways to it.
    """

    is_valid: Callable[[Any], bool]
    error: Callable[[Any], tuple[str, list[str | int]]]


def compiled(document: dict[str, Any], wrong: str) -> Checker:
    """What checks values by a schema that is whole in itself. Patterns are matched in time that grows with the text.

    Raises:
        UsageError: it is none, or the package is not installed.
    """
    try:
        import jsonschema_rs
    except ImportError as error:
        raise UsageError(
            f"{wrong}: values are checked by it with the package jsonschema-rs, which is not there ({error}); "
            "run pip install 'superscalar[schema]'"
        ) from error
    try:
        made = jsonschema_rs.validator_for(
            document,
            validate_formats=True,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=_COMPILED, dfa_size_limit=_COMPILED * 4),
        )
    except jsonschema_rs.ValidationError as error:
        raise UsageError(f"{wrong}: {_why(error)}") from None
    except Exception as error:  # noqa: BLE001 -- a ReferencingError, a ValueError: it cannot be read
        raise UsageError(f"{wrong} cannot be used: {error!s:.300}") from None

    def error_of(value: Any) -> tuple[str, list[str | int]]:
        try:
            made.validate(value)
        except jsonschema_rs.ValidationError as error:
            return _told(error), list(error.instance_path)
        return "it does not fit its schema", []

    return Checker(made.is_valid, error_of)


def _why(error: Any) -> str:
    """What is wrong with a schema, and where in it."""
    path = [str(step) for step in error.instance_path]
    place = "/".join(path[2:] if path[:1] in (["$defs"], ["definitions"]) else path)
    if path and path[-1] in ("pattern", "patternProperties") and isinstance(error.instance, str):
        return (
            f"the pattern {error.instance!r:.200} at {place} cannot be used: it looks ahead or back, refers to a "
            "group, or is too large; write another, or leave it out"
        )
    return f"{error.message:.300}, at {place}" if place else f"{error.message:.300}"


_ALTERNATIVES: Final = 3


def _told(error: Any) -> str:
    """What is wrong with a value; of alternatives, what is wrong by each of the first ones."""
    context = getattr(error.kind, "context", None) if error.kind.name in ("anyOf", "oneOf") else None
    if not context or not all(context):
        return _short(error.message)
    depth = len(error.instance_path)
    said = dict.fromkeys(_short(text) for text in _of_each(context, depth))
    return " or ".join(list(said)[:_ALTERNATIVES])


def _of_each(context: Any, depth: int) -> Iterator[str]:
    for errors in context:
        first = errors[0]
        below = "".join(f"[{step!r}]" for step in list(first.instance_path)[depth:])
        yield f"{first.message}, at {below}" if below else first.message


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:90]}{ELLIPSIS}{text[-90:]}"  # why stands at its end
