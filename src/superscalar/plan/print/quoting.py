"""Quotes around text inside the holes of an f-string, where Python 3.11 allows no backslash and no quote twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

QUOTES: Final = ("'", '"', "'''", '"""')


class Unquotable(Exception):
    """A text cannot be written under the quotes around it; another choice of those may do."""


def quoted(value: str | bytes, forbidden: Iterable[str]) -> str:
    """A literal without a backslash and without any of the `forbidden` quotes.

    Raises:
        Unquotable: there is none, not even as one literal beside another (`'"' "'"`).
    """
    text = repr(value)
    if "\\" not in text and not any(mark in text for mark in forbidden):
        return text
    prefix, content = ("b", value.decode("latin-1")) if isinstance(value, bytes) else ("", value)
    if isinstance(value, bytes) and not value.isascii():
        raise Unquotable
    if not content.isprintable() or "\\" in content:
        raise Unquotable
    whole = _in_any(content, prefix, forbidden)
    if whole is not None:
        return whole
    parts = [_in_any(part, prefix, forbidden) for part in re.findall(r"'+|[^']+", content)]
    if None in parts or not parts:
        raise Unquotable
    return " ".join([part for part in parts if part is not None])


def _in_any(content: str, prefix: str, forbidden: Iterable[str]) -> str | None:
    for quote in QUOTES:
        shown = f"{prefix}{quote}{content}{quote}"
        ends_where_it_should = (content + quote).find(quote) == len(content)
        if ends_where_it_should and not any(mark in shown for mark in forbidden):
            return shown
    return None


def escaped(constant: str, quote: str, *, backslashes: bool) -> str:
    """A constant part of an f-string between `quote`s.

    Raises:
        Unquotable: it needs a backslash and `backslashes` is false, as it is inside a hole.
    """
    shown = repr(constant + "'\"")[1:-4].replace("\\'", "'")  # with both quotes in it, repr escapes just this one
    shown = shown.replace(quote[0], "\\" + quote[0])
    if "\\" in shown and not backslashes:
        raise Unquotable
    return shown


def braces_doubled(constant: str) -> str:
    """A constant part of an f-string, its braces written as the f-string wants them."""
    return constant.replace("{", "{{").replace("}", "}}")
