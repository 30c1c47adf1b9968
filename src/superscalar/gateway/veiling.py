"""What a client is shown that shall read no text of strangers: of such its kind and its size, and where it is.

A number, a truth value, a date, one of a few constants carry no text, and stand as they are. Somebody chose them all
the same, so that whoever has read them is as trusted as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superscalar.labels import Label
from superscalar.plan.evaluate.narrow import narrowed
from superscalar.plan.evaluate.parts import Entries, Labelled, Parts, whole
from superscalar.values import Failure, Skipped, plain, record_fields


def veiled(value: Any, labels: Labelled, told: list[Label]) -> Any:
    """A value as plain data, without any text that somebody chose who is not trusted.

    Which keys a mapping has may be such a text too, and how a call failed. `told` gets the labels of what is there.
    """
    label = whole(labels)
    if label.told and not isinstance(value, Failure | Skipped):
        told.append(label)
        return plain(value)
    match value:
        case Failure():
            if label.told:
                told.append(label)
            return {"error": str(value) if label.told else value.kind}
        case Skipped():
            return {"skipped": True}
        case list() | tuple():
            return [veiled(item, _of(labels, i, label, item), told) for i, item in enumerate(value)]
    fields = value if isinstance(value, Mapping) else record_fields(value)
    if fields is not None:
        return _fields(fields, labels, told)
    if not label.narrow and value is not None:
        return without_text(value)
    told.append(label)
    return plain(value)


def without_text(value: Any) -> dict[str, Any]:
    """What is said of a value that is not shown."""
    match value:
        case str():
            return {"withheld": "text", "characters": len(value)}
        case bytes():
            return {"withheld": "bytes", "size": len(value)}
        case list() | tuple() | set() | frozenset():
            return {"withheld": "list", "items": len(value)}
        case Mapping():
            return {"withheld": "object", "keys": len(value)}
    return {"withheld": "value"}


def _fields(fields: Mapping[Any, Any], labels: Labelled, told: list[Label]) -> Any:
    """Keys that are known to be the plan's own, or a declared record's, stand there; others are counted."""
    if isinstance(labels, Entries) and labels.shape.told:
        return {_key(name): veiled(item, labels[name], told) for name, item in fields.items()}
    shown = {}
    if isinstance(labels, Parts) and labels.shape.narrow:
        vouched = any(source.kind == "tool" and source.trusted for source in labels.shape.sources)
        for name, item in fields.items():
            its = labels[name]
            # a tool that vouches for some fields may hand on others that nobody declared
            if name in labels.items and (whole(its).told or not vouched):
                shown[_key(name)] = veiled(item, its, told)
    left = len(fields) - len(shown)
    return shown if not left else {**shown, **without_text(dict.fromkeys(range(left)))}


def _of(labels: Labelled, place: Any, label: Label, item: Any) -> Labelled:
    """The labels of a part; of one that came as a whole, what its own type says of that."""
    if isinstance(labels, Parts):
        return labels[place]
    return narrowed(label, item)


def _key(name: Any) -> str:
    return name if type(name) is str else str(plain(name))
