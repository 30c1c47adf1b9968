"""What a model is shown of a value: JSON in so many characters. It looks at no more of the value than that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from superscalar.short import cut, more
from superscalar.values import outer


def excerpt(value: Any, room: int) -> str:
    """A value as JSON in at most about `room` characters; what is left out is said with its shape.

    Numbers have 12 significant digits at the most: nobody wants to read 0.30000000000000004.
    """
    return _whole(value, room) or _beginning(value, max(room, 40))


def _whole(value: Any, room: int) -> str:
    """All of it; empty if there is no room for that."""
    text = ""
    for piece in _pieces(value, room):
        text += piece
        if len(text) > room:
            return ""
    return text


def _pieces(value: Any, room: int) -> Iterator[str]:
    match outer(value):
        case list() as items:
            yield "["
            for index, item in enumerate(items):
                yield ", " if index else ""
                yield from _pieces(item, room)
            yield "]"
        case dict() as fields:
            yield "{"
            for index, (name, item) in enumerate(fields.items()):
                yield f"{', ' if index else ''}{_json(name)}: "
                yield from _pieces(item, room)
            yield "}"
        case str() as text if len(text) > room:
            yield text  # too long, whatever its escapes are
        case simple:
            yield _json(simple)


def _json(simple: Any) -> str:
    return json.dumps(float(f"{simple:.12g}") if isinstance(simple, float) else simple, ensure_ascii=False)


def _beginning(value: Any, room: int) -> str:
    match outer(value):
        case list() as items:
            return f"[{', '.join(_some((('', item) for item in items), len(items), room, 'items'))}]"
        case dict() as fields:
            named = ((f"{_json(name)}: ", item) for name, item in fields.items())
            return f"{{{', '.join(_some(named, len(fields), room, 'keys'))}}}"
        case str() as text:
            return _json(cut(text, room))
        case simple:
            return _json(simple)


def _some(items: Iterable[tuple[str, Any]], count: int, room: int, what: str) -> Iterator[str]:
    """As many items as there is room for, each behind its name, then how many there are."""
    share = max(20, room // min(max(count, 1), 8))
    used = 0
    for index, (name, item) in enumerate(items):
        text = name + (_whole(item, share) or _beginning(item, share - 10))
        if used + len(text) > room and index:
            yield more(count - index, count, what)
            return
        used += len(text) + 2
        yield text
