"""What a planner is shown of a result of which it may see some parts only: those, and of the others a summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from superscalar import results
from superscalar.excerpt import excerpt
from superscalar.labels import Label
from superscalar.plan.evaluate.parts import Entries, Labelled, Parts, whole
from superscalar.short import more
from superscalar.values import Observation, record_fields

MaySee = Callable[[Label], bool]
"""Whether what has that label may be seen."""


def in_part(value: Any, labels: Labelled, may_see: MaySee, room: int) -> str | None:
    """A value on one line of about `room` characters, without those of its parts that may not be seen.

    How many items there are, and which keys, is told where that may be seen. None: nothing of it may be.
    """
    if may_see(whole(labels)):
        return excerpt(value, room)
    if not isinstance(labels, Parts) or not may_see(labels.shape):
        return None
    if labels.count is not None:
        return _items(value, labels, may_see, room) if isinstance(value, list | tuple) else None
    fields = value if isinstance(value, Mapping) else record_fields(value)
    return None if not fields else _fields(fields, labels, may_see, room)


def _items(value: list[Any] | tuple[Any, ...], labels: Parts, may_see: MaySee, room: int) -> str | None:
    share = max(40, room // max(len(value), 1))
    seen = False
    parts: list[str] = []
    for i, item in enumerate(value):
        part = in_part(item, labels[i], may_see, share)
        seen = seen or part is not None
        parts.append(_withheld(item) if part is None else part)
        if sum(map(len, parts)) > room:
            break
    return f"[{_joined(parts, len(value), 'items')}]" if seen else None


def _fields(fields: Mapping[Any, Any], labels: Parts, may_see: MaySee, room: int) -> str | None:
    """The keys of a mapping that came as a whole are anybody's, but for those whose values may be seen."""
    share = max(40, room // len(fields))
    seen = isinstance(labels, Entries)  # its keys at least
    parts: list[str] = []
    hidden = 0
    for key, item in fields.items():
        part = in_part(item, labels[key], may_see, share)
        seen = seen or part is not None
        if part is None and not isinstance(labels, Entries):
            hidden += 1
            continue
        parts.append(f"{json.dumps(str(key), ensure_ascii=False)}: {_withheld(item) if part is None else part}")
        if sum(map(len, parts)) > room:
            break
    if not seen:
        return None
    others = [f"{hidden:,} more withheld"] if hidden else []
    return f"{{{_joined(parts, len(fields) - hidden, 'keys', others)}}}"


def _joined(parts: list[str], count: int, what: str, others: Iterable[str] = ()) -> str:
    left = [more(count - len(parts), count, what)] if count > len(parts) else []
    return ", ".join([*parts, *left, *others])


def _withheld(item: Any) -> str:
    return results.summary(Observation(item))
