"""The label of an expression, derived from the labels of what it refers to.

Where the structure of a value is known, it keeps labels part by part (see `plan.parts`): what is taken out of it has
the label of that part, and of how it was found. What is computed has the join of all that is looked at, or might have
been: a value that a condition chose has the label of the condition, and of both sides.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import lru_cache, reduce
from typing import Any, Final, TypeAlias

from superscalar.labels import NOTHING, PLAN, Label, joined
from superscalar.plan.changing import is_keyed
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
    Lambda,
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
from superscalar.plan.needs import children, constant_index, references
from superscalar.plan.parts import (
    Entries,
    Labelled,
    Parts,
    also,
    concatenated,
    cut,
    either,
    from_pairs,
    got,
    keyed,
    listed,
    merged,
    numbered,
    run,
    some,
    whole,
    with_rest,
    zipped,
)
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

_BY_OUTCOME: Final = frozenset({"ok", "default", "first", "except"})
_ADDING: Final = frozenset({"+", "+=", ".append", ".extend"})


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
                return run(PLAN, [self.of(item) for item in items])
            case Dict(items=pairs):
                return self._written(pairs)
            case Index(base, index):
                return self._index(self.of(base), index)
            case Unpacked(base, position, _):
                found = self.of(base)
                return listed(found)[position]
            case Field(base, name, key):
                found = self.of(base)
                return found[name if key is None else key] if isinstance(found, Parts) else found
            case Slice():
                return self._slice(expr)
            case Comprehension(kind="set", element=element, clauses=clauses):
                inner, shape = self._inside(clauses)
                return PLAN | shape | inner.whole(element)
            case Comprehension(element=element, clauses=clauses, key=key):
                inner, shape = self._inside(clauses)
                if key is None:
                    return some(PLAN | shape, inner.of(element))
                return Entries(PLAN | shape | inner.whole(key), {}, each=inner.of(element))
            case Choice() | Logic():  # one of what is there already
                return PLAN | joined(self.whole(child) for child in children(expr))
            case Apply(function) if function in _BY_OUTCOME:
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

    def _written(self, pairs: Iterable[tuple[Expr, Expr]]) -> Entries:
        """What a display of a mapping has; a key that is computed may be any of the others."""
        items = [(key, self.of(key), self.of(value)) for key, value in pairs]
        shape = PLAN | joined(whole(key) for _, key, _ in items)
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
        return whole(found) | self.whole(index)

    def _slice(self, expr: Slice) -> Labelled:
        found = self.of(expr.base)
        there = [end for end in (expr.start, expr.stop, expr.step) if end is not None]
        label = PLAN | joined(map(self.whole, there))
        if not isinstance(found, Parts) or found.count is None:
            return label | whole(found)
        ends = [None if end is None else constant_index(end) for end in (expr.start, expr.stop, expr.step)]
        known = all(constant_index(end) is not None for end in there) and ends[2] != 0
        return also(cut(found, slice(*ends) if known else None), label)

    def _inside(self, clauses: Iterable[Clause]) -> tuple[_Reading, Label]:
        """What reads the element of a comprehension, and the label of how many there are, and in which order."""
        inner, shape = self, NOTHING
        for clause in clauses:
            found = listed(inner.of(clause.iterable))
            inner = inner._with(dict(_bound(clause.target, found.any)))
            shape = joined([shape, found.shape, *(inner.whole(condition) for condition in clause.conditions)])
        return inner, shape

    def _with(self, names: Mapping[str, Labelled]) -> _Reading:
        return _Reading(self._lookup, self._constant, {**self._names, **names}, self._depth)

    # ------------------------------------------------------------------------- what looks at the structure of values
    # Each of these returns None where nothing is known of it.

    def _applied(self, expr: Apply) -> Labelled | None:
        """The labels of what one of the functions that take lists or mappings makes of them."""
        given, keywords = expr.arguments, dict(expr.keywords)
        match expr.function, given:
            case "zip", _:
                lists = [listed(self.of(one)) for one in given]
                return also(zipped(lists), joined(map(self.whole, keywords.values())))
            case "enumerate", (only, *start):
                begin = joined(map(self.whole, [*start, *keywords.values()]))
                return numbered(listed(self.of(only)), begin)
            case "dict", _:
                return self._mapping([self.of(one) for one in given], keywords)
            case "dict.fromkeys", (keys, *value):
                return Entries(PLAN | self.whole(keys), {}, each=self.of(value[0]) if value else PLAN)
        if not given or not isinstance(found := self.of(given[0]), Parts):
            return None
        if found.count is None and not isinstance(found, Entries):
            return None
        match expr.function, given:
            case "*", (_, Literal(int(before)), Literal(int(behind))):
                return with_rest(listed(found), before, behind)
            case "next", (_, *otherwise):
                return _first(listed(found), [self.of(one) for one in otherwise])
            case _, (_,) if "default" not in keywords:
                return self._of_list(expr.function, listed(found), keywords)
        return None

    def _of_list(self, function: str, found: Parts, keywords: Mapping[str, Expr]) -> Labelled | None:
        """The labels of what one of the functions that take one list makes of it."""
        shape = PLAN | found.shape
        match function:
            case "len":
                return shape
            case "list" | "tuple":
                return also(found, PLAN)
            case "reversed":
                return also(cut(found, slice(None, None, -1)), PLAN)
            case "max" | "min" | "sorted":
                pass
            case _:
                return None
        compared = whole(found.any)
        key = keywords.get("key")
        if isinstance(key, Lambda) and len(key.parameters) == 1:
            compared = self._with({key.parameters[0]: found.any}).whole(key.body)
        shape = shape | compared | joined(self.whole(value) for name, value in keywords.items() if name != "key")
        return some(shape, found.any) if function == "sorted" else also(found.any, shape)

    def _mapping(self, given: list[Labelled], keywords: Mapping[str, Expr]) -> Labelled | None:
        """What `dict(...)` makes of a mapping or of pairs, and of keywords."""
        begin: Entries | None = Entries(PLAN, {})
        if given:
            lists = isinstance(given[0], Parts) and given[0].count is not None
            begin = from_pairs(listed(given[0])) if lists else keyed(given[0])
        more = Entries(PLAN, {name: self.of(value) for name, value in keywords.items()})
        return None if begin is None else merged(begin, more)

    def _called(self, expr: Method) -> Labelled | None:
        """The labels of what a method of a mapping finds."""
        found = self.of(expr.base)
        match expr.name, expr.arguments, expr.keywords:
            case "get", (Literal(constant), *otherwise), ():
                return got(found, constant, self.of(otherwise[0]) if otherwise else PLAN)
        if not isinstance(found, Entries):
            return None
        match expr.name, expr.arguments, expr.keywords:
            case "get", (key, *otherwise), ():
                default = self.of(otherwise[0]) if otherwise else PLAN
                return also(either(found.any, default), found.shape | self.whole(key))
            case "keys", (), ():
                return found.keys
            case "values", (), ():
                return found.values
            case "items", (), ():
                return found.pairs
            case "copy", (), ():
                return found
        return None

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
                return merged(before, self._written([known]))
            return _grown(expr.operator, before, steps)
        if not isinstance(before, Parts) or before.count is None or expr.operator not in _ADDING:
            return None
        if expr.operator == ".append":
            return concatenated([before, steps])
        each = steps.in_order
        more = concatenated(map(listed, each)) if each is not None else listed(steps.any)
        return concatenated([before, also(more, steps.shape)])


def _first(found: Parts, otherwise: list[Labelled]) -> Labelled:
    """What `next` takes: the first item, or what it is given for when there is none."""
    items = found.in_order
    first = found.any if items is None else items[0] if items else NOTHING
    return also(reduce(either, otherwise, first), PLAN | found.shape)


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
    shape = PLAN | before.shape | steps.shape | whole(step[0])
    match operator:
        case "[]=" | ".setdefault":
            put = step[1]
        case "setdefault.append":
            put = some(shape, step[1])
        case "setdefault.extend":
            put = also(listed(step[1]), shape)
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


def narrowed(label: Label, value: Any) -> Label:
    """The label of a value whose type leaves no room for text, if it has such a type; else as it is."""
    kind = type(value)
    if label.trusted or kind is str:
        return label
    if kind is int:
        return narrowed_to(label, "int") if -_WIDEST <= value < _WIDEST else label
    name = _NARROW.get(kind) or ("enum" if issubclass(kind, enum.Enum) else None)
    return label if name is None else narrowed_to(label, name)


@lru_cache(maxsize=4_096)
def widened(label: Label) -> Label:
    """The label of what is computed from a value: constants and numbers, put together, can spell any text."""
    return Label([source._replace(type="") for source in label.sources], label.readers)


@lru_cache(maxsize=4_096)
def narrowed_to(label: Label, name: str) -> Label:
    """The label with what is not trusted in it narrowed to that type, unless it was narrowed before."""
    sources = [s if s.trusted or s.type else s._replace(type=name) for s in label.sources]
    return Label(sources, label.readers)


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
        return narrowed_to(label, "enum") if known else narrowed(label, value)
    fields = value if type(value) is dict else record_fields(value)
    if not fields or getattr(value, "__pydantic_extra__", None) or not fields.keys() <= shape.keys():
        return narrowed(label, value)
    which = PLAN if fields.keys() == shape.keys() else narrowed_to(label, "bool")  # an optional one may be left out
    return Parts(which, {name: shaped(label, item, shape[name]) for name, item in fields.items()}, None)


Vouched: TypeAlias = "Mapping[str, Vouched]"
"""The parts of a result that its tool vouches for: by field, by "[]" for each item of a list; empty is that value."""

LONGEST_TOKEN: Final = 320
"""Characters of a text that a tool may vouch for: an address of mail has no more (RFC 3696, section 3)."""


def vouched(label: Label, value: Any, parts: Vouched, own: Label) -> Labelled:
    """The labels of a result of which a tool vouches for some parts: those have its `own` label, all others `label`.

    Also its own: how many items a list has that it vouches for parts of, and in which order they come.
    """
    if not parts:
        return own if is_token(value) else narrowed(label, value)
    if (each := parts.get("[]")) is not None:
        if type(value) not in (list, tuple):
            return narrowed(label, value)
        return Parts(own, {i: vouched(label, item, each, own) for i, item in enumerate(value)}, len(value))
    fields = value if type(value) is dict else record_fields(value)
    if not fields:
        return narrowed(label, value)
    labels = {
        name: vouched(label, item, parts[name], own) if name in parts else narrowed(label, item)
        for name, item in fields.items()
    }
    return Parts(own, labels, None)


def is_token(value: Any) -> bool:
    """Whether a value is a number, a date, a constant, or a text that is one word: no room for sentences."""
    kind = type(value)
    if kind is str:
        return len(value) <= LONGEST_TOKEN and not any(unicodedata.category(c)[0] in "CZ" for c in value)
    if kind is int:
        return bool(-_WIDEST <= value < _WIDEST)
    return value is None or kind in _NARROW or issubclass(kind, enum.Enum)


def said_by(question: str, constant: Any) -> bool:
    """Whether a constant of a plan stands in the user's question as a whole: not within a word, number or address."""
    if not question or constant is None or isinstance(constant, bool | bytes):
        return False
    said = str(constant)
    return (
        said.strip() != "" and re.search(rf"(?<![\w@./+-]){re.escape(said)}(?![\w@]|[./:+-]\w)", question) is not None
    )
