"""The listed methods of lists, tuples and sets (rule L3), each refused before it exceeds a bound (rule L25)."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from superscalar.plan.evaluate.bounds import EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import datum, described, items_of, slice_of
from superscalar.plan.evaluate.functions import ordered_set
from superscalar.plan.evaluate.listed import Listed
from superscalar.plan.evaluate.operators import binary, equal, related
from superscalar.values import OrderedSet


def _is(one: Any, other: Any, budget: WorkLeft) -> bool:
    budget.spend(1)
    return one is other or equal(one, other, budget)


def _count(budget: WorkLeft, values: list[Any] | tuple[Any, ...], wanted: Any) -> int:
    return sum(_is(item, wanted, budget) for item in items_of(values))


def _index(budget: WorkLeft, values: list[Any] | tuple[Any, ...], wanted: Any, start: Any = 0, stop: Any = None) -> int:
    ends = [datum(start), datum(stop), None]
    items = items_of(values)
    positions = slice_of(range(len(items)), ends, budget)
    for position in positions:
        if _is(items[position], wanted, budget):
            return int(position)
    raise EvaluationError(f"{described(wanted)} is not in {described(values)}", "ValueError")


def _copy(budget: WorkLeft, values: list[Any]) -> list[Any]:
    items = items_of(values)
    budget.items(len(items))
    return items


LIST: dict[str, Listed] = {
    "count": Listed(_count, 1, 1),
    "index": Listed(_index, 1, 3),
    "copy": Listed(_copy, 0, 0, holds="items"),
}
TUPLE: dict[str, Listed] = {name: LIST[name] for name in ("count", "index")}


def _combiner(symbol: str) -> Callable[..., OrderedSet]:
    def run(budget: WorkLeft, values: Set[Any], *several: Any) -> OrderedSet:
        made = ordered_set(items_of(values), budget)
        for other in several:
            made = binary(symbol, made, ordered_set(items_of(other), budget), budget)
        return made

    return run


def _issubset(budget: WorkLeft, values: Set[Any], other: Any) -> bool:
    return related("<=", values, ordered_set(items_of(other), budget), budget)


def _set_copy(budget: WorkLeft, values: Set[Any]) -> OrderedSet:
    return ordered_set(items_of(values), budget)


SET: dict[str, Listed] = {
    "union": Listed(_combiner("|"), 0, None, gives="set", holds="items"),
    "intersection": Listed(_combiner("&"), 0, None, gives="set", holds="items"),
    "difference": Listed(_combiner("-"), 0, None, gives="set", holds="items"),
    "issubset": Listed(_issubset, 1, 1),
    "copy": Listed(_set_copy, 0, 0, holds="items"),
}
