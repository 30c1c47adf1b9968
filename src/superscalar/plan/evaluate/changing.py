"""What comes of statements that change a collection in place (rule L14): see `ir.changes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from superscalar.plan.evaluate.bounds import MAX_ITEMS, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import datum, described, hashable, item_of, items_of
from superscalar.plan.evaluate.operators import binary
from superscalar.plan.ir.changes import BEGUN, CHANGES, MIXED, NESTED, kinds_of
from superscalar.values import OrderedSet


def changed(operator: str, before: Any, items: Any, budget: WorkLeft) -> Any:
    """What becomes of a collection that each of `items` changes, one after the other; it stays as it was itself."""
    steps = items_of(items)
    if operator in (MIXED, BEGUN) or operator in NESTED:
        return _ChangedEntries(before, budget).changed(operator, steps)
    if isinstance(before, list) and "list" in kinds_of(operator):
        return _list_changed(operator, before, steps, budget)
    if isinstance(before, Mapping) and "dict" in kinds_of(operator):
        return _mapping_changed(operator, before, steps, budget)
    if isinstance(before, OrderedSet | set | frozenset) and "set" in kinds_of(operator):
        return _set_changed(operator, before, steps, budget)
    raise EvaluationError(f"{described(before)} cannot be changed by `{CHANGES[operator].format('x', 'a', 'b', 'c')}`")


def _within(count: int, budget: WorkLeft) -> None:
    if count > MAX_ITEMS:
        budget.items(count)


def _list_changed(operator: str, before: list[Any], steps: list[Any], budget: WorkLeft) -> list[Any]:
    made = items_of(before)
    budget.items(len(made))
    for step in steps:
        if operator.startswith("[]"):
            index, value = items_of(step)
            _place(operator, made, index, value, budget)
            continue
        more = [step] if operator == ".append" else items_of(step)
        budget.spend(1 + len(more))
        budget.make(8 * len(more))
        made += more
        _within(len(made), budget)
    return made


def _place(operator: str, made: list[Any], index: Any, value: Any, budget: WorkLeft) -> None:
    budget.spend(1)
    held, position = item_of(made, index, budget), datum(index)
    made[position] = value if operator == "[]=" else _combined(operator, held, value, budget)


def _combined(operator: str, held: Any, value: Any, budget: WorkLeft) -> Any:
    """`held += value` and the like, of what stands in a collection."""
    sign = operator.removeprefix("[]").removesuffix("=")
    if sign == "+" and isinstance(held, list):
        return _list_changed(".extend", held, [value], budget)
    return binary(sign, held, value, budget)


def _set_changed(operator: str, before: Any, steps: list[Any], budget: WorkLeft) -> OrderedSet:
    made = dict.fromkeys(items_of(before))
    budget.items(len(made), 100)
    for step in steps:
        more = [step] if operator == ".add" else items_of(step)
        budget.spend(1 + len(more))
        budget.make(100 * len(more))
        made |= dict.fromkeys(hashable(item, budget) for item in more)
        _within(len(made), budget)
    return OrderedSet(made)


def _mapping_changed(operator: str, before: Mapping[Any, Any], steps: list[Any], budget: WorkLeft) -> dict[Any, Any]:
    made = dict(before)
    budget.items(len(made), 100)
    own: set[Any] = set()  # the keys whose lists and sets were made here
    for step in steps:
        budget.spend(1)
        if operator == ".update":
            _update(made, step, budget)
        else:
            key, *parts = items_of(step)
            _put(operator, made, hashable(key, budget), parts, own, budget)
        _within(len(made), budget)
    return made


def _update(made: dict[Any, Any], step: Any, budget: WorkLeft) -> None:
    if isinstance(step, Mapping):
        budget.items(len(step), 100)
        made.update(step)
        return
    for position, pair in enumerate(items_of(step)):
        items = items_of(pair)
        budget.make(100)
        if len(items) != 2:
            raise EvaluationError(f"`update` takes pairs; item {position} is {described(pair)}", "ValueError")
        made[hashable(items[0], budget)] = items[1]


def _put(operator: str, made: dict[Any, Any], key: Any, parts: list[Any], own: set[Any], budget: WorkLeft) -> None:
    budget.make(100)
    match operator, parts:
        case "[]=", [value]:
            made[key] = value
        case ".setdefault", [value]:
            made.setdefault(key, value)
        case (("setdefault.append" | "setdefault.extend"), [value]):
            _grow(operator.removeprefix("setdefault"), made, key, value, own, budget)
        case "setdefault.add", [value]:
            made[key] = _set_changed(".add", made.get(key, OrderedSet()), [value], budget)
        case _, [value] if operator.startswith("[]"):
            held = item_of(made, key, budget)
            if operator == "[]+=" and isinstance(held, list):
                _grow(".extend", made, key, value, own, budget)
            else:
                made[key] = _combined(operator, held, value, budget)
        case _, [start, value]:
            made[key] = binary(operator.removeprefix("get"), made.get(key, start), value, budget)


def _grow(operator: str, made: dict[Any, Any], key: Any, value: Any, own: set[Any], budget: WorkLeft) -> None:
    """Add to the list under a key, which is copied only the first time."""
    if key not in own:
        held = made.get(key, [])
        if not isinstance(held, list):
            raise EvaluationError(f"{described(held)} stands there, which is no list", "AttributeError")
        made[key] = items_of(held)
        budget.items(len(held))
        own.add(key)
    more = [value] if operator == ".append" else items_of(value)
    budget.spend(1 + len(more))
    budget.make(8 * len(more))
    made[key] += more
    _within(len(made[key]), budget)


class _ChangedEntries:
    """A collection that is changed in several ways, or in what stands in it: what is changed is copied once.

    `_own`: the places of collections in it that were copied, and in each of these likewise.
    """

    def __init__(self, before: Any, budget: WorkLeft) -> None:
        self._budget = budget
        self._made = _copied(before, budget)
        self._own: _OwnCopies = {}

    def changed(self, operator: str, steps: list[Any]) -> Any:
        """What becomes of it."""
        for step in steps:
            self._change(operator, items_of(step))
            _within(len(self._made), self._budget)
        return self._made

    def _change(self, operator: str, parts: list[Any]) -> None:
        self._budget.spend(1)
        made, own = self._made, self._own
        match operator, parts:
            case "changes", [str(name), *rest]:
                self._change(name, rest)
            case "begun", [key, begin, *more]:
                if hashable(key, self._budget) not in made:
                    self._put(made, key, begin, own)
                    return
                for name, *rest in map(items_of, more):
                    self._change(name, [key, *rest])
            case ".setdefault", [key, value]:
                if hashable(key, self._budget) not in made:
                    self._put(made, key, value, own)
            case (("setdefault.append" | "setdefault.extend" | "setdefault.add"), [key, value]):
                if hashable(key, self._budget) not in made:
                    self._put(made, key, OrderedSet() if operator.endswith("add") else [], own)
                self._inside(made, key, operator.removeprefix("setdefault"), [value], own)
            case _, [key, *rest] if operator.startswith("[]"):
                self._at(made, key, operator[2:], rest, own)
            case _, [key, start, value] if operator.startswith("get"):
                known = made.get(hashable(key, self._budget), start)
                self._put(made, key, binary(operator[3:], known, value, self._budget), own)
            case _, [value]:
                self._made = changed(operator, made, [value], self._budget)
                own.clear()

    def _at(self, made: Any, key: Any, sign: str, parts: list[Any], own: _OwnCopies) -> None:
        """Change what stands in a place: `= v`, `+= v`, `[m] = v`, `.append(v)`."""
        match parts:
            case [value] if sign == "=":
                self._put(made, key, value, own)
            case [value] if sign.endswith("=") and not sign.startswith("["):
                held = item_of(made, key, self._budget)
                if isinstance(held, list | Mapping | OrderedSet | set):
                    message = (
                        f"`{sign}` of {described(held)}, which others may see: put a new value there, or `.extend`"
                    )
                    raise EvaluationError(message, "TypeError")
                self._put(made, key, binary(sign[:-1], held, value, self._budget), own)
            case _:
                self._inside(made, key, sign, parts, own)

    def _inside(self, made: Any, key: Any, sign: str, parts: list[Any], own: _OwnCopies) -> None:
        held = item_of(made, key, self._budget)
        place = _place_of(made, key, self._budget)
        if sign == ".add":
            if not isinstance(held, OrderedSet | set | frozenset):
                raise EvaluationError(f"{described(held)} stands there, which is no set", "AttributeError")
            made[place] = _set_changed(sign, held, parts, self._budget)
            return
        if place not in own:
            made[place] = held = _copied(held, self._budget)
            own[place] = {}
        if sign.startswith("["):
            inner, *rest = parts
            self._at(held, inner, sign[2:], rest, own[place])
            return
        if not isinstance(held, list):
            raise EvaluationError(f"{described(held)} stands there, which is no list", "AttributeError")
        more = parts if sign == ".append" else items_of(parts[0])
        self._budget.spend(1 + len(more))
        self._budget.make(8 * len(more))
        held += more
        _within(len(held), self._budget)

    def _put(self, made: Any, key: Any, value: Any, own: _OwnCopies) -> None:
        self._budget.make(100)
        if isinstance(made, list):
            item_of(made, key, self._budget)
        place = _place_of(made, key, self._budget)
        own.pop(place, None)
        made[place] = value
        _within(len(made), self._budget)


_OwnCopies: TypeAlias = "dict[Any, _OwnCopies]"


def _copied(value: Any, budget: WorkLeft) -> Any:
    """A collection, to be changed."""
    if isinstance(value, list):
        budget.items(len(value))
        return items_of(value)
    if isinstance(value, Mapping):
        budget.items(len(value), 100)
        return dict(value)
    if isinstance(value, OrderedSet):
        return value
    raise EvaluationError(f"{described(value)} cannot be changed in place", "TypeError")


def _place_of(made: Any, key: Any, budget: WorkLeft) -> Any:
    """Where something stands: the place in a list counted from its beginning, or the key."""
    return range(len(made))[datum(key)] if isinstance(made, list) else hashable(key, budget)
