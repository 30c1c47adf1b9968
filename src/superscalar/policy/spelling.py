"""A value as text that leaves nothing out, whatever its class says of itself: what a person decides on."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any, Final

from superscalar.values import OrderedSet, record_fields


def spelled(value: Any) -> str:
    """A value as Python writes it, records with all that they hold: a class may leave fields out of its own repr.

    What is none of Python's collections and no record is its repr, which may raise.
    """
    kind = type(value)
    if kind in (list, tuple):
        items = ", ".join(map(spelled, value))
        return f"[{items}]" if kind is list else f"({items}{',' * (len(value) == 1)})"
    if kind in (set, frozenset, OrderedSet):
        items = ", ".join(map(spelled, value) if kind is OrderedSet else sorted(map(spelled, value)))
        braces = f"{{{items}}}" if value else ""
        return f"frozenset({braces})" if kind is frozenset else braces or "set()"
    if kind is dict:
        return f"{{{', '.join(f'{spelled(key)}: {spelled(item)}' for key, item in value.items())}}}"
    if kind in _MAPPINGS:
        return f"{kind.__name__}({spelled(dict(value))})"
    if kind is collections.deque:
        return f"deque({spelled(list(value))})"
    parts = record_fields(value)
    if parts is None:
        return repr(value)
    private: Mapping[str, Any] = getattr(value, "__pydantic_private__", None) or {}
    named = getattr(value, "__record_type__", kind.__qualname__)
    return f"{named.rpartition('.')[2]}({', '.join(f'{n}={spelled(v)}' for n, v in {**parts, **private}.items())})"


_MAPPINGS: Final = (collections.OrderedDict, collections.defaultdict, collections.Counter)
