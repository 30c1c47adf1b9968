"""The label of an expression, derived from the labels of what it refers to.

Displays keep labels per element: what is taken out of one has the label of that element, and of how it was found. What
is computed has the join of all that is looked at, or might have been: a value that a condition chose has the label of
the condition, and of both sides.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from superscalar.labels import PLAN, Label, joined
from superscalar.plan.ir import Dict, Expr, Field, Index, Literal, Ref, Sequence, Unpacked
from superscalar.plan.needs import constant_index, references
from superscalar.values import TaskId, record_fields

_NARROW: Final[Mapping[type, str]] = {
    bool: "bool",
    float: "float",
    dt.date: "date",
    dt.datetime: "date",
    dt.time: "date",
    dt.timedelta: "date",
}
_WIDEST: Final = 1 << 63  # a larger whole number could spell a text


class Parts:
    """The labels of a value item by item: `items` by position or key, `shape` of which items there are at all.

    `count`: how many there are where they have positions; None where they have keys.
    """

    __slots__ = ("_whole", "count", "items", "shape")

    def __init__(self, shape: Label, items: Mapping[Hashable, Labelled], count: int | None) -> None:
        self.shape = shape
        self.items = items
        self.count = count
        self._whole: Label | None = None

    def __getitem__(self, key: Hashable) -> Labelled:
        """The labels of one item; of one that is not known by itself, those of the whole."""
        if self.count is not None and type(key) is int and key < 0:
            key += self.count
        found = self.items.get(key)
        return self.whole if found is None else found if self.shape is _PLAN_ONLY else also(found, self.shape)

    @property
    def whole(self) -> Label:
        """The label of the value with all that is in it."""
        if self._whole is None:
            self._whole = self.shape | joined(whole(item) for item in self.items.values())
        return self._whole


Labelled: TypeAlias = Label | Parts
"""The labels of a value: one for all of it, or one for each part."""

_PLAN_ONLY: Final = PLAN


def whole(labels: Labelled) -> Label:
    """The one label of a value."""
    return labels if type(labels) is Label else labels.whole  # type: ignore[union-attr]  # it is one or the other


def also(labels: Labelled, label: Label) -> Labelled:
    """The labels of a value, each joined with another one."""
    if isinstance(labels, Label):
        return labels | label
    if label.sources <= labels.shape.sources and label.readers is None:
        return labels
    return Parts(labels.shape | label, labels.items, labels.count)


def labels_of(
    expr: Expr, lookup: Callable[[TaskId], Labelled], constant: Callable[[Literal], Label] = lambda _: PLAN
) -> Labelled:
    """The labels of the value of `expr`, where `lookup(task)` are those of what a task left behind.

    `constant`: the label of a constant that stands in the plan.
    """
    kind = type(expr)
    if kind is Ref:
        return lookup(expr.task)  # type: ignore[union-attr]  # narrowed by its class, which is quicker than isinstance
    if kind is Literal:
        return constant(expr)  # type: ignore[arg-type]
    match expr:
        case Sequence(kind="list" | "tuple", items=items):
            return Parts(PLAN, {i: labels_of(item, lookup, constant) for i, item in enumerate(items)}, len(items))
        case Dict(items=pairs) if all(isinstance(key, Literal) for key, _ in pairs):
            by_key = {key.value: value for key, value in pairs if isinstance(key, Literal)}
            return Parts(PLAN, {key: labels_of(value, lookup, constant) for key, value in by_key.items()}, None)
        case Index(base, index):
            found = labels_of(base, lookup, constant)
            position = constant_index(index)
            if isinstance(found, Parts) and position is not None and found.count is not None:
                return found[position]
            if isinstance(found, Parts) and isinstance(index, Literal) and found.count is None:
                return found[index.value]
            return whole(found) | whole(labels_of(index, lookup, constant))
        case Unpacked(base, position, _):
            found = labels_of(base, lookup, constant)
            return found[position] if isinstance(found, Parts) and found.count is not None else whole(found)
        case Field(base, name, key):
            found = labels_of(base, lookup, constant)
            return found[name if key is None else key] if isinstance(found, Parts) else found
    return PLAN | joined(whole(lookup(task)) for task in references(expr))


def narrowed(label: Label, value: Any) -> Label:
    """The label of a value whose type leaves no room for text, if it has such a type; else as it is."""
    kind = type(value)
    if label.trusted or kind is str:
        return label
    if kind is int:
        return _narrowed(label, "int") if -_WIDEST <= value < _WIDEST else label
    name = _NARROW.get(kind) or ("enum" if isinstance(value, enum.Enum) else None)
    return label if name is None else _narrowed(label, name)


Shape: TypeAlias = "tuple[Any, ...] | Mapping[str, Shape] | None"
"""What is sure of a result that was validated: one of these constants, a record of these fields, or nothing."""


def shaped(label: Label, value: Any, shape: Shape) -> Labelled:
    """The labels of a value that was validated: a constant out of a fixed set carries no text, and no more does a field
    that is one, or a number. What the value really is counts, not what was declared.
    """
    if label.trusted or shape is None:
        return narrowed(label, value)
    if isinstance(shape, tuple):
        plain = value.value if isinstance(value, enum.Enum) else value
        known = any(type(one) is type(plain) and one == plain for one in shape)
        return _narrowed(label, "enum") if known else narrowed(label, value)
    fields = value if type(value) is dict else record_fields(value)
    if not fields or getattr(value, "__pydantic_extra__", None) or not fields.keys() <= shape.keys():
        return narrowed(label, value)
    which = PLAN if fields.keys() == shape.keys() else _narrowed(label, "bool")  # an optional one may be left out
    return Parts(which, {name: shaped(label, item, shape[name]) for name, item in fields.items()}, None)


def said_by(question: str, constant: Any) -> bool:
    """Whether a constant of a plan stands in the user's question."""
    if not question or constant is None or isinstance(constant, bool | bytes):
        return False
    said = str(constant)
    return said != "" and said in question


@lru_cache(maxsize=4_096)
def _narrowed(label: Label, name: str) -> Label:
    """What is not trusted in it, narrowed to that type, unless it was narrowed before."""
    sources = [s if s.trusted or s.type else s._replace(type=name) for s in label.sources]
    return Label(sources, label.readers)
