"""The label of an expression, derived from the labels of what it refers to.

Displays keep labels per element: what is taken out of one has the label of that element, and of how it was found. What
is computed has the join of all that is looked at, or might have been: a value that a condition chose has the label of
the condition, and of both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Final, TypeAlias

from superscalar.labels import NOTHING, PLAN, Label, gathered, joined, widened
from superscalar.plan.ir import (
    Apply,
    Choice,
    Clause,
    Comprehension,
    Dict,
    Expr,
    Field,
    Index,
    Lambda,
    Literal,
    Logic,
    Missing,
    Ref,
    Sequence,
    Slice,
    Target,
    Unpacked,
    Var,
)
from superscalar.plan.needs import children, constant_index, references
from superscalar.values import TaskId


class Parts:
    """The labels of a value item by item: `items` by position or key, `shape` of which items there are at all.

    `count`: how many there are where they have positions; None where they have keys. `each`: those of every item that
    is not in `items`; without it nothing is known of those by themselves. `whole`: that of all of it, where it is known
    already.
    """

    __slots__ = ("_any", "_whole", "count", "each", "items", "shape")

    def __init__(
        self,
        shape: Label,
        items: Mapping[Hashable, Labelled],
        count: int | None,
        each: Labelled | None = None,
        whole: Label | None = None,
    ) -> None:
        self.shape = shape
        self.items = items
        self.count = count
        self.each = each
        self._whole = whole
        self._any: Labelled | None = None

    def __getitem__(self, key: Hashable) -> Labelled:
        """The labels of one item; of one that is not known by itself, those of the whole."""
        if self.count is not None and type(key) is int and key < 0:
            key += self.count
        found = self.items.get(key, self.each)
        return self.whole if found is None else found if self.shape is _PLAN_ONLY else also(found, self.shape)

    @property
    def whole(self) -> Label:
        """The label of the value with all that is in it."""
        if self._whole is None:
            each = NOTHING if self.each is None else widened(whole(self.each))
            self._whole = gathered([self.shape, each, *(whole(item) for item in self.items.values())])
        return self._whole

    @property
    def any(self) -> Labelled:
        """The labels of an item, whichever it is."""
        if self._any is None:
            items = list(self.items.values()) if self.each is None else [*self.items.values(), self.each]
            self._any = reduce(_either, items) if items else NOTHING
        return self._any


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
    return Parts(labels.shape | label, labels.items, labels.count, labels.each, labels.whole | label)


def listed(labels: Labelled) -> Parts:
    """The labels of a value that is gone through as a list: how many items there are, and those of each."""
    if isinstance(labels, Parts) and labels.count is not None:
        return labels
    label = whole(labels)
    return Parts(label, {}, 0, widened(label))  # of a mapping the items are the keys, of a text its letters


def _either(one: Labelled, other: Labelled) -> Labelled:
    """The labels of a value that is one or the other, which somebody else knows."""
    if one is other:
        return one
    if isinstance(one, Parts) and isinstance(other, Parts):
        shape = one.shape | other.shape
        if one.count is None and other.count is None and one.items.keys() == other.items.keys():
            return Parts(shape, {key: _either(item, other.items[key]) for key, item in one.items.items()}, None)
        if one.count is not None and other.count is not None:
            return Parts(shape, {}, 0, _either(one.any, other.any))
    return whole(one) | whole(other)


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
    return _Reading(lookup, constant, {}).of(expr)


_DEEPEST: Final = 50
"""Expressions inside each other that are looked into one by one; of what is deeper, everything counts."""

_OF_ONE_LIST: Final = frozenset({"len", "list", "max", "min", "reversed", "sorted"})


class _Reading:
    """Derives the labels of an expression from those of its parts; `names` are those of its own variables."""

    def __init__(
        self,
        lookup: Callable[[TaskId], Labelled],
        constant: Callable[[Literal], Label],
        names: Mapping[str, Labelled],
        depth: int = 0,
    ) -> None:
        self._lookup = lookup
        self._constant = constant
        self._names = names
        self._depth = depth

    def of(self, expr: Expr) -> Labelled:
        if self._depth > _DEEPEST:
            return self._everything(expr)
        self._depth += 1
        try:
            return self._of(expr)
        finally:
            self._depth -= 1

    def whole(self, expr: Expr) -> Label:
        return whole(self.of(expr))

    def _of(self, expr: Expr) -> Labelled:
        match expr:
            case Ref(task):
                return self._lookup(task)
            case Literal():
                return self._constant(expr)
            case Var(name):
                return self._names.get(name, NOTHING)  # a `key=` of what is no list: all that it compares counts
            case Sequence(kind="list" | "tuple", items=items):
                return Parts(PLAN, {i: self.of(item) for i, item in enumerate(items)}, len(items))
            case Dict(items=pairs) if all(isinstance(key, Literal) for key, _ in pairs):
                by_key = {key.value: value for key, value in pairs if isinstance(key, Literal)}
                return Parts(PLAN, {key: self.of(value) for key, value in by_key.items()}, None)
            case Index(base, index):
                return self._index(self.of(base), index)
            case Unpacked(base, position, _):
                found = self.of(base)
                return listed(found)[position]
            case Field(base, name, key):
                found = self.of(base)
                return found[name if key is None else key] if isinstance(found, Parts) else found
            case Slice(base, start, stop, step):
                ends = joined(self.whole(end) for end in (start, stop, step) if end is not None)
                found = listed(self.of(base))
                return Parts(found.shape | ends, {}, 0, found.any)
            case Comprehension(kind="list", element=element, clauses=clauses):
                inner, shape = self._inside(clauses)
                return Parts(PLAN | shape, {}, 0, inner.of(element))
            case Comprehension(element=element, clauses=clauses, key=key):
                inner, shape = self._inside(clauses)
                return PLAN | shape | inner.whole(element) | (NOTHING if key is None else inner.whole(key))
            case Choice() | Logic():  # one of what is there already
                return PLAN | joined(self.whole(child) for child in children(expr))
            case Apply("ok" | "default" | "first" | "except") | Missing():
                return self._everything(expr)  # it tells whether there is a value, on which all of its tasks decide
            case Apply(function, (only,), keywords) if function in _OF_ONE_LIST:
                found = self.of(only)
                if isinstance(found, Parts) and found.count is not None and "default" not in dict(keywords):
                    return self._of_list(function, found, dict(keywords))
        return PLAN | widened(joined(self.whole(child) for child in children(expr)))

    def _index(self, found: Labelled, index: Expr) -> Labelled:
        position = constant_index(index)
        if isinstance(found, Parts):
            if found.count is not None:
                if position is not None:
                    return found[position]
                return also(found.any, found.shape | self.whole(index))
            if isinstance(index, Literal):
                return found[index.value]
        return widened(whole(found) | self.whole(index))  # it may be a letter of a text

    def _of_list(self, function: str, found: Parts, keywords: Mapping[str, Expr]) -> Labelled:
        """The labels of what one of the functions that take a list makes of it."""
        shape = PLAN | found.shape
        if function == "len":
            return widened(shape)
        if function in ("list", "reversed"):
            return Parts(shape, {}, 0, found.any)
        compared = whole(found.any)
        key = keywords.get("key")
        if isinstance(key, Lambda) and len(key.parameters) == 1:
            compared = self._with({key.parameters[0]: found.any}).whole(key.body)
        shape = shape | compared | joined(self.whole(value) for name, value in keywords.items() if name != "key")
        return Parts(shape, {}, 0, found.any) if function == "sorted" else also(found.any, shape)

    def _inside(self, clauses: Iterable[Clause]) -> tuple[_Reading, Label]:
        """What reads the element of a comprehension, and the label of how many there are, and in which order."""
        inner, shape = self, NOTHING
        for clause in clauses:
            found = listed(inner.of(clause.iterable))
            inner = inner._with(dict(_bound(clause.target, found.any)))
            filters = widened(joined(inner.whole(condition) for condition in clause.conditions))  # yes and no can spell
            shape = shape | found.shape | filters
        return inner, shape

    def _with(self, names: Mapping[str, Labelled]) -> _Reading:
        return _Reading(self._lookup, self._constant, {**self._names, **names}, self._depth)

    def _everything(self, expr: Expr) -> Label:
        all = (*map(self._lookup, references(expr)), *self._names.values())
        return PLAN | widened(joined(map(whole, all)))


def _bound(target: Target, labels: Labelled) -> Iterator[tuple[str, Labelled]]:
    """The variables of a target, and the labels of what each stands for."""
    if isinstance(target, str):
        yield target, labels
        return
    found = listed(labels)
    for i, part in enumerate(target):
        yield from _bound(part, found[i])


def said_by(question: str, constant: Any) -> bool:
    """Whether a constant of a plan stands in the user's question as a whole: not within a word, number or address."""
    if not question or constant is None or isinstance(constant, bool | bytes):
        return False
    said = str(constant)
    return (
        said.strip() != "" and re.search(rf"(?<![\w@./+-]){re.escape(said)}(?![\w@]|[./:+-]\w)", question) is not None
    )
