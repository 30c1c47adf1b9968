"""The label of an expression, derived from the labels of what it refers to.

Where the structure of a value is known, it keeps labels part by part (see `plan.parts`): what is taken out of it has
the label of that part, and of how it was found. What is computed has the join of all that is looked at, or might have
been: a value that a condition chose has the label of the condition, and of both sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, Final

from superscalar.labels import NOTHING, PLAN, Label, joined, widened
from superscalar.plan.evaluate.methods import MAPPING
from superscalar.plan.evaluate.parts import (
    Entries,
    Labelled,
    Parts,
    also,
    concatenated,
    either,
    from_pairs,
    keyed,
    listed,
    merged,
    row,
    sliced,
    some,
    whole,
)
from superscalar.plan.evaluate.table import APPLIED
from superscalar.plan.ir import (
    Apply,
    Binary,
    Choice,
    Clause,
    Compare,
    Comprehension,
    Dict,
    Expr,
    Field,
    Fold,
    Index,
    Literal,
    Logic,
    Method,
    Missing,
    Ref,
    Sequence,
    Slice,
    Target,
    Unpacked,
    Var,
)
from superscalar.plan.ir.changes import MIXED, is_keyed
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.plan.ir.naming import is_identifier
from superscalar.plan.ir.needs import children, constant_index, references
from superscalar.values import TaskId


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
    return _LabelReading(lookup, constant, {}).of(expr)


_DEEPEST: Final = 50
"""Expressions inside each other that are looked into one by one; of what is deeper, everything counts."""

_ADDING: Final = frozenset({"+", "+=", ".append", ".extend"})


class _LabelReading:
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
                return row(PLAN, [self.of(item) for item in items])
            case Dict(items=pairs):
                return self.written(pairs)
            case Index(base, index):
                return self._index(self.of(base), index)
            case Unpacked(base, position, _):
                found = self.of(base)
                return listed(found)[position]
            case Field(base, name, key):
                found = self.of(base)
                return _field(found, name, key) if isinstance(found, Parts) else found
            case Slice():
                return self._slice(expr)
            case Comprehension(kind="set", element=element, clauses=clauses):
                inner, shape = self._inside(clauses)
                return PLAN | shape | inner.whole(element)
            case Comprehension(element=element, clauses=clauses, key=key):
                inner, shape = self._inside(clauses)
                if key is None:
                    return some(PLAN | shape, inner.of(element))
                return Entries(PLAN | shape | widened(inner.whole(key)), {}, each=inner.of(element))
            case Choice() | Logic():  # one of what is there already
                return PLAN | joined(self.whole(child) for child in children(expr))
            case Apply(function) if function in BY_OUTCOME:
                return self._everything(expr)  # it tells whether there is a value, on which all of its tasks decide
            case Missing():
                return self._everything(expr)
            case Apply():
                made = self._applied(expr)
            case Method():
                made = self._called(expr)
            case Binary("+", left, right):
                made = self._added([left, right])
            case Binary("|", left, right):
                made = _merged(self.of(left), self.of(right))
            case Compare(first, (("in" | "not in", operand),)):
                found = self.of(operand)  # of a mapping it looks at the keys
                return PLAN | widened(self.whole(first) | (found.shape if isinstance(found, Entries) else whole(found)))
            case Fold():
                made = self._folded(expr)
            case _:
                made = None
        return self._computed(expr) if made is None else made

    def _computed(self, expr: Expr) -> Label:
        """The label of what is made of values as wholes."""
        return PLAN | widened(joined(self.whole(child) for child in children(expr)))

    def _everything(self, expr: Expr) -> Label:
        all = (*map(self._lookup, references(expr)), *self._names.values())
        return PLAN | widened(joined(map(whole, all)))

    # ------------------------------------------------------------------------------------------- parts of a value

    def written(self, pairs: Iterable[tuple[Expr, Expr]]) -> Entries:
        """What a display of a mapping has; a key that is computed may be any of the others."""
        items = [(key, self.of(key), self.of(value)) for key, value in pairs]
        shape = PLAN | widened(joined(whole(key) for _, key, _ in items))
        constants: dict[Hashable, Labelled] = {key.value: value for key, _, value in items if isinstance(key, Literal)}
        if all(isinstance(key, Literal) for key, _, _ in items):
            return Entries(shape, constants)
        return Entries(shape, {}, each=reduce(either, [value for _, _, value in items]))

    def _index(self, found: Labelled, index: Expr) -> Labelled:
        position = constant_index(index)
        if isinstance(found, Parts):
            if found.count is not None and position is not None:
                return found[position]
            if found.count is None and isinstance(index, Literal):
                return found[index.value]
            if found.count is not None or isinstance(found, Entries):
                return also(found.any, found.shape | self.whole(index))
        return widened(whole(found) | self.whole(index))  # it may be a letter of a text

    def _slice(self, expr: Slice) -> Labelled:
        found = self.of(expr.base)
        there = [end for end in (expr.start, expr.stop, expr.step) if end is not None]
        label = PLAN | joined(map(self.whole, there))
        if not isinstance(found, Parts) or found.count is None:
            return widened(label | whole(found))
        ends = [None if end is None else constant_index(end) for end in (expr.start, expr.stop, expr.step)]
        known = all(constant_index(end) is not None for end in there) and ends[2] != 0
        return also(sliced(found, slice(*ends) if known else None), label)

    def _inside(self, clauses: Iterable[Clause]) -> tuple[_LabelReading, Label]:
        """What reads the element of a comprehension, and the label of how many there are, and in which order."""
        inner, shape = self, NOTHING
        for clause in clauses:
            found = listed(inner.of(clause.iterable))
            inner = inner.naming(dict(_bound(clause.target, found.any)))
            filters = widened(joined(inner.whole(condition) for condition in clause.conditions))  # yes and no can spell
            shape = shape | found.shape | filters
        return inner, shape

    def naming(self, names: Mapping[str, Labelled]) -> _LabelReading:
        return _LabelReading(self._lookup, self._constant, {**self._names, **names}, self._depth)

    # ------------------------------------------------------------------------- what looks at the structure of values
    # Each of these returns None where nothing is known of it.

    def _applied(self, expr: Apply) -> Labelled | None:
        row = APPLIED.get(expr.function)
        return None if row is None or row.labels is None else row.labels(self, expr)

    def _called(self, expr: Method) -> Labelled | None:
        row = MAPPING.get(expr.name)
        return None if row is None else row.labels(self, self.of(expr.base), expr)

    def _added(self, several: Iterable[Expr]) -> Labelled | None:
        """The labels of lists that are added. If one of them is a list, all of them are, or there is no value."""
        found = [self.of(one) for one in several]
        if not any(isinstance(one, Parts) and one.count is not None for one in found):
            return None
        return concatenated(map(listed, found))

    def _folded(self, expr: Fold) -> Labelled | None:
        """The labels of a list or mapping that is changed step by step."""
        before, steps = self.of(expr.initial), listed(self.of(expr.items))
        if isinstance(before, Entries):
            if expr.operator in (".update", "|"):
                return _updated(before, steps)
            known = _constant_step(expr.items) if expr.operator == "[]=" else None
            if known is not None:
                return merged(before, self.written([known]))
            return _grown(expr.operator, before, steps)
        if not isinstance(before, Parts) or before.count is None or expr.operator not in _ADDING:
            return None
        if expr.operator == ".append":
            return concatenated([before, steps])
        each = steps.in_order
        if each is None:  # nobody knows how often
            more = listed(steps.any)
            return concatenated([before, some(more.shape | steps.shape, more.any)])
        return concatenated([before, *map(listed, each), row(steps.shape, [])])


def _field(found: Parts, name: str, key: str | None) -> Labelled:
    """The labels of a field. Where its key is not known, `name` may be what plans call one that is no identifier."""
    if key is not None:
        return found[key]
    if name in found.items or all(isinstance(one, str) and is_identifier(one) for one in found.items):
        return found[name]
    return found.whole


def _merged(one: Labelled, other: Labelled) -> Labelled | None:
    """The labels of mappings of which one is laid over the other."""
    if not isinstance(one, Entries) and not isinstance(other, Entries):
        return None
    below, above = keyed(one), keyed(other)
    return None if below is None or above is None else merged(below, above)


def _updated(before: Entries, steps: Parts) -> Labelled | None:
    """The labels of a mapping that other mappings, or lists of pairs, are laid over."""
    made = before
    for step in [steps.any] if steps.in_order is None else steps.in_order:
        lists = isinstance(step, Parts) and step.count is not None
        above = from_pairs(listed(step)) if lists else keyed(step)
        if above is None:
            return None
        made = merged(made, above)
    if steps.in_order is None:  # perhaps there is no step at all
        made = Entries(made.shape, {}, each=either(made.any, before.any))
    return also(made, steps.shape)


def _grown(operator: str, before: Entries, steps: Parts) -> Labelled | None:
    """The labels of a mapping in which something is put under computed keys, one after the other.

    For every key it has the labels of all keys and values: which of them is under which key, all keys decide.
    """
    if not is_keyed(operator):
        return None
    step = listed(steps.any)
    key = step.whole if operator == MIXED else whole(step[0])  # the first of several changes is the name of one
    shape = PLAN | before.shape | steps.shape | widened(key)
    match operator:
        case "[]=" | ".setdefault":
            put = step[1]
        case "setdefault.append":
            put = some(shape, step[1])
        case "setdefault.extend":
            more = listed(step[1])
            put = some(shape | more.shape, more.any)  # nobody knows how often
        case _:
            put = widened(whole(before.any) | step.whole)
    return Entries(shape, {}, each=either(before.any, put))


def _constant_step(items: Expr) -> tuple[Expr, Expr] | None:
    """The key and the value of what is put under one key that stands in the plan."""
    match items:
        case Sequence(items=(Sequence(items=(Literal() as key, value)),)):
            return key, value
    return None


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
