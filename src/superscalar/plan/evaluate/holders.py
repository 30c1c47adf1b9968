"""What holds items of which some have no value (rule L33): for schedule and evaluation alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from superscalar.plan.evaluate.bounds import EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import error_text, hashable
from superscalar.values import Failure, Holder, Observation, OrderedSet, Outcome, Skipped, is_silent

NO_VALUE: Final = object()
"""What is asked for the value of an entry that has none gives this."""


class HeldRow(NamedTuple):
    """One item of a holder that is being made: a value, or whatever stands for none; in a dict with its key.

    `adrift`: whether nobody knows if it counts, since its filter has no value.
    """

    entry: Any
    key: Any = None
    adrift: bool = False


def whole_holder(kind: str, rows: Sequence[HeldRow]) -> Any:
    """The list, tuple, set or dict of items that all have a value, and of keys likewise.

    Raises:
        EvaluationError: a member of a set, or a key, is not hashable.
    """
    budget = WorkLeft()
    if kind == "list":
        return [row.entry for row in rows]
    if kind == "tuple":
        return tuple([row.entry for row in rows])
    try:
        if kind == "dict":
            return {hashable(row.key, budget): row.entry for row in rows}
        return OrderedSet([hashable(row.entry, budget) for row in rows])
    except EvaluationError:
        raise
    except Exception as error:  # noqa: BLE001 -- a value's own `__hash__` is a tool's code, and raises anything
        hint = "; the members of a set and the keys of a dict cannot be lists or dicts"
        raise EvaluationError(
            error_text(error) + (hint if isinstance(error, TypeError) else ""), type(error).__name__
        ) from None


def placed_rows(kind: str, rows: Sequence[HeldRow], value_of: Callable[[Any], Any]) -> list[HeldRow]:
    """The rows of a holder of which some have no value: equal members of a set are one, the last value of a key counts.

    What has no value may equal a member of a set that it is in, so nobody knows whether it counts.

    Raises:
        EvaluationError: a member of a set, or a key, is not hashable.
    """
    if kind == "dict":
        adrift = [row for row in rows if row.adrift]
        by_key = whole_holder("dict", [HeldRow(row, row.key) for row in rows if not row.adrift])
        return [*by_key.values(), *adrift]
    if kind != "set":
        return list(rows)
    members: dict[Any, HeldRow] = {}
    for position, row in enumerate(rows):
        value = value_of(row.entry)
        if value is NO_VALUE:
            members[NO_VALUE, position] = row._replace(adrift=True)
        else:
            whole_holder("set", [HeldRow(value)])
            members.setdefault((None, value), row)
    return list(members.values())


def held(kind: Any, rows: Sequence[HeldRow]) -> Outcome:
    """What items and keys come to that are outcomes: a value, or what holds the outcome of each (rule L15).

    Nothing fails where some were not assigned on the path taken. A key without a value leaves nothing to look at.

    Raises:
        EvaluationError: a member of a set, or a key, is not hashable.
    """
    found = [one for row in rows for one in (row.key, row.entry) if one is not None]
    absent = [one for one in found if not isinstance(one, Observation)]
    if not absent:
        values = [HeldRow(_value(row.entry), None if row.key is None else row.key.value) for row in rows]
        return Observation(whole_holder(kind, values))
    open = all(row.key is None or isinstance(row.key, Observation) for row in rows)
    items: tuple[Outcome, ...] | None = None
    holder = Holder(kind)
    if open:
        keyed = [row if row.key is None else row._replace(key=row.key.value) for row in rows]
        inside = placed_rows(kind, keyed, _value)
        items = tuple(row.entry for row in inside)
        adrift = tuple(i for i, row in enumerate(inside) if row.adrift)
        holder = Holder(kind, tuple(row.key for row in inside) if kind == "dict" else (), adrift)
    failed = [one for one in absent if not is_silent(one)]
    if failed:
        message = f"{len(failed)} of {len(rows)} items failed; the first: {failed[0]}"
        return Failure("items", message, items=items, holder=holder)
    return Skipped(absent[0].because, by_guard=True, items=items, holder=holder)


def _value(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else NO_VALUE
