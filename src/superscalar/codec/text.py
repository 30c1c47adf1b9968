"""Events as text, without a tree in between, for what most of them are made of: tasks and plain values.

Everything else goes through `superscalar.codec.data`. One function per class is written when its first object is: a
loop over its fields takes three times as long, and every call of a tool makes several events.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

from superscalar.codec.data import (
    DEEPEST,
    FIELDS,
    HOLDS_A_VALUE,
    VERSION,
    Formless,
    node_to_json,
    to_json,
    value_to_json,
)
from superscalar.events import Event
from superscalar.labels import Label

_encoded: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_WIDE: Final = 1 << 63
_SMALL: Final = 16  # items: beyond, a check and then the encoder written in C take less time than we do
_TEXT_ONLY: Final = frozenset({str})
_CONSTANTS: Final = {None: "null", True: "true", False: "false"}
_EVENT_WRITERS: Final[dict[type, Callable[[Any], str]]] = {}
_NODE_WRITERS: Final[dict[type, Callable[[Any], str]]] = {Label: lambda label: _encoded(node_to_json(label))}


def dumps(event: Event) -> str:
    """An event as the text of a JSON object on one line: what `to_json` gives, in a third of the time.

    Raises:
        Unwritable: a value in it is an opaque handle; says which.
    """
    try:
        return (_EVENT_WRITERS.get(type(event)) or _event_writer(type(event)))(event)
    except Formless:  # there it is told where it stands, or shown in another way
        return _encoded(to_json(event))


def _node_to_text(node: Any) -> str:
    kind = type(node)
    if kind is str:
        return quoted(node)
    if kind is tuple:
        return f"[{','.join([_node_to_text(part) for part in node])}]" if node else "[]"
    writer = _NODE_WRITERS.get(kind)
    if writer is not None:
        return writer(node)
    return _node_writer(kind)(node) if kind in FIELDS else _value_to_text(node)


def _value_to_text(value: Any, depth: int = 0) -> str:
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is int and -_WIDE < value < _WIDE:
        return int.__repr__(value)
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if kind is float and value - value == 0:
        return float.__repr__(value)
    if depth < DEEPEST:
        if kind is list and len(value) <= _SMALL:
            return f"[{','.join([_value_to_text(item, depth + 1) for item in value])}]"
        if kind is dict and len(value) <= _SMALL and "_" not in value and _TEXT_ONLY.issuperset(map(type, value)):
            return f"{{{','.join([f'{quoted(k)}:{_value_to_text(item, depth + 1)}' for k, item in value.items()])}}}"
    return _encoded(value if _is_plain(value, depth) else value_to_json(value, depth))


def _is_plain(value: Any, depth: int) -> bool:
    """Whether JSON says a value as it is, with its exact type."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_WIDE < value < _WIDE)
    if kind is float:
        return bool(value - value == 0)
    if depth >= DEEPEST:
        return False
    if kind is list:
        return all([_is_plain(item, depth + 1) for item in value])  # noqa: C419 -- a generator takes twice as long
    if kind is dict and "_" not in value:
        return all([type(key) is str and _is_plain(item, depth + 1) for key, item in value.items()])  # noqa: C419
    return False


def _event_writer(kind: type) -> Callable[[Any], str]:
    """The text of an event of one class: its fields by name, without those that have their default."""
    lines = [f't = \'{{"v":{VERSION},"event":"{kind.__name__}"\'']
    for name, default in FIELDS[kind].items():
        key = f"',\"{name}\":'"
        if default is MISSING:
            lines.append(f"t += {key} + {_writing(kind, name)}")
        else:
            lines += [
                f"if o.{name} is not d_{name} and o.{name} != d_{name}:",
                f"    t += {key} + {_writing(kind, name)}",
            ]
    return _written(kind, [*lines, "return t + '}'"], _EVENT_WRITERS)


def _node_writer(kind: type) -> Callable[[Any], str]:
    """The text of a node of one class: its fields in order, without those at the end that have their default."""
    names = list(FIELDS[kind])
    lines: list[str] = []
    for count in range(len(names), -1, -1):
        body = " + ',' + ".join(_writing(kind, name) for name in names[:count]) or "''"
        made = f"return '{{\"{kind.__name__}\":[' + {body} + ']}}'"
        last = names[count - 1] if count else ""
        if not last or FIELDS[kind][last] is MISSING:
            lines.append(made)
            break
        lines += [f"if o.{last} is not d_{last} and o.{last} != d_{last}:", f"    {made}"]
    return _written(kind, lines, _NODE_WRITERS)


def _writing(kind: type, name: str) -> str:
    if (kind, name) in HOLDS_A_VALUE:
        return f"value(o.{name})"
    return f"(quoted(o.{name}) if type(o.{name}) is str else node(o.{name}))"


def _written(kind: type, lines: list[str], known: dict[type, Callable[[Any], str]]) -> Callable[[Any], str]:
    names = {f"d_{name}": default for name, default in FIELDS[kind].items()}
    names |= {"quoted": quoted, "value": _value_to_text, "node": _node_to_text}
    body = "\n    ".join(lines)
    exec(f"def write(o):\n    {body}", names)  # noqa: S102 -- our own classes and field names
    known[kind] = names["write"]
    return known[kind]
