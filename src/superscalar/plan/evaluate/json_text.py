"""JSON text as the data that it says: `parse_json`, and constants of a plan where a tool wants data (rule L3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from superscalar.plan import ir
from superscalar.plan.evaluate.bounds import MAX_BITS, MAX_ITEMS, BoundError, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import datum, described, is_handle

_ROOM: Final = 20  # bytes that a character of JSON may come to: an empty list is two
_DIGITS: Final = MAX_BITS * 3 // 10  # of a whole number: about as many as fit


def parse_json(budget: WorkLeft, text: Any) -> Any:
    """The data that a JSON text says; what is a list or a mapping already is itself.

    Raises:
        EvaluationError: it is no JSON text, or an object in it has a key twice.
        BoundError: it says more than rule L25 allows.
    """
    text = datum(text)
    if isinstance(text, list | tuple | Mapping) and not is_handle(text):
        return text
    if not isinstance(text, str):
        raise EvaluationError(f"`parse_json` takes text, not {described(text)}")
    budget.text(len(text))
    budget.make(_ROOM * len(text))
    budget.spend(len(text) // 16)
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_int=_whole, object_pairs_hook=_mapping)
    except RecursionError as error:
        raise BoundError("the JSON text is nested too deeply") from error
    except Twice as error:
        raise EvaluationError(f"`parse_json`: {error}", "JSONDecodeError") from error
    except ValueError as error:
        raise EvaluationError(f"`parse_json`: {described(text)} is no JSON: {error}", "JSONDecodeError") from error
    _bounded(value, budget)
    return value


class Twice(ValueError):
    """An object of a JSON text has a key twice: readers differ in which of the two they take."""

    def __init__(self, key: str) -> None:
        super().__init__(f"an object has the key {key!r:.80} twice")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object as a mapping, for `object_pairs_hook`.

    Raises:
        Twice: it has a key twice.
    """
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise Twice(key)
        made[key] = value
    return made


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise BoundError(f"the JSON text has a number of {len(digits):,} digits")
    return int(digits)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_ITEMS:
        raise BoundError(f"the JSON text has a mapping of {len(pairs):,} keys; the bound is {MAX_ITEMS:,}")
    return once(pairs)


def _bounded(value: Any, budget: WorkLeft) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is list:
            budget.items(len(item))
            waiting += [part for part in item if type(part) in (list, dict)]
        elif type(item) is dict:
            waiting += [part for part in item.values() if type(part) in (list, dict)]
    budget.whole(value)  # it is no deeper than data may be


def looks_like_json(text: object) -> bool:
    """Whether a value is text that may be JSON for a list or a mapping."""
    return isinstance(text, str) and text.strip()[:1] in ("[", "{") and text.strip()[-1:] in ("]", "}")


def constant_in(text: str) -> Any:
    """The list or mapping that a constant text says in JSON.

    Raises:
        EvaluationError: it says none.
    """
    return parse_json(WorkLeft(), text)


def as_constant(value: Any) -> ir.Expr:
    """Data out of JSON as the constant expression that it is in a plan."""
    match value:
        case list():
            return ir.Sequence("list", tuple(map(as_constant, value)))
        case dict():
            return ir.Dict(tuple((ir.Literal(key), as_constant(item)) for key, item in value.items()))
        case _:
            return ir.Literal(value)
