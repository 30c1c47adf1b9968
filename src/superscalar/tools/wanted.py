"""What may be written at a tool: values that no term can have are refused where they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from superscalar.given import FLAG, SECONDS, TEXT, Wanted, are_texts, at_least, whole
from superscalar.tools.terms import Retry


def _are_names(value: object) -> bool:
    if isinstance(value, str):
        return value != ""
    return isinstance(value, Iterator) or (
        isinstance(value, Iterable) and not isinstance(value, bytes | Mapping) and are_texts(value)
    )


_NAMES: Final = Wanted("write a name, or a list of names", _are_names)
_READERS: Final = Wanted(
    "write names, such as {'ann@home.example'}, or a function of arguments to them",
    lambda value: callable(value) or _are_names(value),
).or_none
_ATTEMPTS: Final = whole(1, "attempts in all")

_WANTED: Final[Mapping[str, Wanted]] = {
    "name": Wanted('write a name, such as name="price"', lambda value: isinstance(value, str) and value != "").or_none,
    "resource": Wanted(
        'write a name, or a function of arguments to one, such as lambda path: f"file:{path}"',
        lambda value: (isinstance(value, str) and value != "") or callable(value),
    ).or_none,
    "dedupe": FLAG.or_none,
    "limit": _NAMES,
    "timeout": SECONDS.or_none,
    "retry": Wanted(
        "write how many attempts there are in all, such as retry=3, or Retry(...)",
        lambda value: isinstance(value, Retry) or _ATTEMPTS.fits(value),
    ),
    "idempotent": FLAG,
    "cost": at_least(0.0, "what one attempt costs"),
    "batch": TEXT.or_none,
    "over": TEXT.or_none,
    "max_batch": whole(1, "calls of one request"),
    "secret": _NAMES,
    "trusted_fields": Wanted(
        "write paths, such as ['[].id'], or a pattern for each, such as {'[].id': r'f\\d+'}",
        lambda value: (
            isinstance(value, Iterator)
            or (isinstance(value, Mapping) and are_texts(value))
            or value == ""
            or _are_names(value)
        ),
    ),
    "sink": _NAMES,
    "content": _NAMES,
    "readers": _READERS,
    "reads": _READERS,
}


def check_terms(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Check the terms that are written at a tool. What is left out has its default, whatever that is.

    Raises:
        UsageError: one has a value that it cannot have; the message says what to write.
    """
    for name, value in given.items():
        if name in _WANTED and value is not defaults.get(name):
            _WANTED[name].check(name, value, "@tool")
