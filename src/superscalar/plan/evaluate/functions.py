"""The listed functions (rule L3), each refused before it exceeds a bound (rule L25).

What Python gives lazily is a list here: `range`, `enumerate`, `zip`, `reversed`. `ok`, `default` and `first` look at
outcomes and not at values: they are in `itemwise`. `table` has all of them.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from typing import Any, Final

from superscalar.plan.evaluate import decimals, through
from superscalar.plan.evaluate.amounts import compared, holds_amount
from superscalar.plan.evaluate.bounds import FLAT, MAX_NUMERAL, MAX_WIDTH, BoundError, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import (
    NUMBERS,
    datum,
    described,
    hashable,
    holds_handle,
    is_handle,
    items_counted,
    items_of,
    size_of,
    text_of,
    truth,
)
from superscalar.plan.evaluate.listed import Function
from superscalar.plan.evaluate.moments import why_apart
from superscalar.plan.evaluate.operators import binary, folded, number
from superscalar.plan.ir.forms import ASSERT, REST
from superscalar.short import cut
from superscalar.values import OrderedSet


class KeyFunction:
    """A lambda, ready to be called. Nothing else that can be called ever is, least of all an opaque handle."""

    __slots__ = ("of",)

    def __init__(self, of: Callable[[Any], Any]) -> None:
        self.of = of


# -------------------------------------------------------------------------------------------------------- numbers


def _int(budget: WorkLeft, value: Any = 0, base: Any = None) -> int:
    value, base = datum(value), datum(base)
    if base is not None and not isinstance(base, int):
        raise EvaluationError(f"the `base=` of `int` is a whole number, not {described(base)}")
    if isinstance(value, str | bytes):
        value = _numeral(value)
    elif type(value) is Decimal and base is None:
        return int(decimals.alone("int", int, value, budget))
    elif type(value) not in NUMBERS:
        raise EvaluationError(f"`int` makes no number of {described(value)}")
    try:
        result = int(value) if base is None else int(value, base)
    except ValueError as error:
        raise EvaluationError(f"{described(value)} is no whole number", "ValueError") from error
    except OverflowError as error:
        raise EvaluationError("an infinite number has no whole part", "OverflowError") from error
    return int(number(result, budget))


def _float(budget: WorkLeft, value: Any = 0.0) -> float:
    value = datum(value)
    if isinstance(value, str | bytes):
        value = _numeral(value)
    elif type(value) is Decimal:
        return float(decimals.alone("float", float, value, budget))
    elif type(value) not in NUMBERS:
        raise EvaluationError(f"`float` makes no number of {described(value)}")
    try:
        return float(value)
    except ValueError as error:
        raise EvaluationError(f"{described(value)} is no number", "ValueError") from error
    except OverflowError as error:
        raise EvaluationError("the number is too large for a float", "OverflowError") from error


def _numeral(text: str | bytes) -> str | bytes:
    stripped = text.strip()
    if len(stripped) > MAX_NUMERAL:
        raise BoundError(f"a number of {len(stripped):,} characters; the bound is {MAX_NUMERAL:,}")
    return stripped


def _abs(budget: WorkLeft, value: Any) -> Any:
    value = datum(value)
    if type(value) is Decimal:
        return decimals.alone("abs", abs, value, budget)
    if type(value) not in NUMBERS and not isinstance(value, dt.timedelta):
        raise EvaluationError(f"`abs` takes a number, not {described(value)}")
    return abs(value)


def _pow(budget: WorkLeft, base: Any, exponent: Any, mod: Any = None) -> Any:
    if mod is None:
        return binary("**", base, exponent, budget)
    parts = [datum(part) for part in (base, exponent, mod)]
    for part in parts:
        if not isinstance(part, int):
            raise EvaluationError(f"`pow` with three arguments takes whole numbers, not {described(part)}")
        number(part, budget)
    budget.spend(parts[1].bit_length() * (1 + parts[2].bit_length() // 64))
    try:
        return pow(*parts)
    except ValueError as error:
        raise EvaluationError(f"`pow`: {error}", "ValueError") from error


def _divmod(budget: WorkLeft, left: Any, right: Any) -> tuple[Any, Any]:
    if isinstance(left, str | bytes) or isinstance(right, str | bytes):
        raise EvaluationError(f"`divmod` takes numbers, not {described(left)} and {described(right)}")
    return binary("//", left, right, budget), binary("%", left, right, budget)


def _round(budget: WorkLeft, value: Any, ndigits: Any = None) -> Any:
    value, ndigits = datum(value), datum(ndigits)
    if type(value) not in NUMBERS and type(value) is not Decimal:
        raise EvaluationError(f"`round` takes a number, not {described(value)}")
    if ndigits is not None and not isinstance(ndigits, int):
        raise EvaluationError(f"`round` takes a whole number of digits, not {described(ndigits)}")
    if ndigits is not None and abs(ndigits) > MAX_WIDTH:
        raise BoundError(f"`round` to so many digits; the bound is {MAX_WIDTH:,}")
    if type(value) is Decimal:
        return decimals.alone("round", lambda amount: round(amount, ndigits), value, budget)
    try:
        return number(round(value, ndigits), budget)
    except (OverflowError, ValueError) as error:
        raise EvaluationError(
            f"{described(value)} cannot be rounded: {error}",
            type(error).__name__,
        ) from error


def _sum(budget: WorkLeft, values: Any, start: Any = 0) -> Any:
    if isinstance(start, str | bytes):
        raise EvaluationError('`sum` adds numbers; for text write "".join(...)')
    items = items_of(values)
    budget.spend(len(items))
    if all(type(item) in NUMBERS for item in items) and type(start) in NUMBERS:
        for item in items:
            if type(item) is int and item.bit_length() > 64:
                budget.spend(item.bit_length() // 128)
        try:
            return number(sum(items, start), budget)
        except OverflowError as error:
            raise EvaluationError("the sum is too large for a float", "OverflowError") from error
    return folded("+", start, items, budget)


# --------------------------------------------------------------------------------------------------- order, truth


def _extreme(name: str) -> Callable[..., Any]:
    best: Callable[..., Any] = min if name == "min" else max

    def extreme(budget: WorkLeft, *arguments: Any, key: Any = None, **fallback: Any) -> Any:
        _check_key(name, key)
        if len(arguments) > 1 and fallback:
            raise EvaluationError(f"`{name}` takes `default=` with one list only")
        items = list(arguments) if len(arguments) > 1 else items_of(arguments[0])
        if not items:
            if fallback:
                return fallback["default"]
            raise EvaluationError(f"`{name}` of nothing: there are no items; say `default=`", "ValueError")
        return _ordered(name, items, key, budget, lambda keyed: best(keyed, key=operator.itemgetter(0))[1])

    return extreme


def _sorted(budget: WorkLeft, values: Any, *, key: Any = None, reverse: Any = False) -> list[Any]:
    _check_key("sorted", key)
    if not isinstance(reverse, int):
        raise EvaluationError(f"the `reverse=` of `sorted` is True or False, not {described(reverse)}")
    backwards = truth(reverse)

    def run(keyed: list[tuple[Any, Any]]) -> list[Any]:
        return [item for _, item in sorted(keyed, key=operator.itemgetter(0), reverse=backwards)]

    ordered: list[Any] = _ordered("sorted", items_of(values), key, budget, run)
    return ordered


def _check_key(name: str, key: Any) -> None:
    if key is not None and not isinstance(key, KeyFunction):
        raise EvaluationError(f"the `key=` of `{name}` is a lambda, like key=lambda x: x.price; not {described(key)}")


def _ordered(
    name: str, items: list[Any], key: Any, budget: WorkLeft, run: Callable[[list[tuple[Any, Any]]], Any]
) -> Any:
    """Compare items by their keys, with the work of the comparisons counted before."""
    keys = items if key is None else [key.of(item) for item in items]
    budget.items(len(keys), _PAIR)
    budget.spend(len(keys) * len(keys).bit_length() // 8)
    if not all(type(k) in FLAT for k in keys):
        keys = [datum(k) for k in keys]
        for k in keys:
            if is_handle(k):
                raise EvaluationError(f"`{name}` cannot order {described(k)}: say `key=`")
        before = budget.left
        budget.whole(keys)
        budget.spend((before - budget.left) * (len(keys).bit_length() // 4))
        if any(map(holds_handle, keys)):
            raise EvaluationError(f"`{name}` cannot order what holds opaque objects: say `key=`")
    try:
        if holds_amount(keys):
            return compared(lambda: run(list(zip(keys, items, strict=True))), name, keys)
        return run(list(zip(keys, items, strict=True)))
    except TypeError as error:
        kinds = sorted({type(k).__name__ for k in keys})
        why = next(filter(None, (why_apart(keys[0], k) for k in keys)), ": say `key=`")
        raise EvaluationError(f"`{name}` cannot order these by size ({', '.join(kinds[:5])}){why}") from error


def _any(budget: WorkLeft, values: Any) -> bool:
    return any(truth(item) for item in _looked_through(values, budget))


def _all(budget: WorkLeft, values: Any) -> bool:
    return all(truth(item) for item in _looked_through(values, budget))


def _next(budget: WorkLeft, values: Any, *fallback: Any) -> Any:
    items = _looked_through(values, budget)
    if items:
        return items[0]
    if fallback:
        return fallback[0]
    raise EvaluationError(
        "`next` of nothing: there are no items; write what there is then, next(..., None)", "StopIteration"
    )


def _assert(budget: WorkLeft, text: Any) -> Any:
    raise EvaluationError(cut(text_of(text, budget), 1_000), "AssertionError")


def _bool(_budget: WorkLeft, value: Any = False) -> bool:
    return truth(value)


# ---------------------------------------------------------------------------------------------------- collections


_NUMBER, _PAIR, _ENTRY = 40, 72, 100  # bytes that a number, a tuple of two, an entry of a set or dict take, about


def _walked(values: Any, budget: WorkLeft) -> list[Any]:
    items = items_of(values)
    budget.items(len(items))
    return items


def _looked_through(values: Any, budget: WorkLeft) -> list[Any]:
    items = items_of(values)
    budget.spend(len(items) // 2)
    return items


def _len(_budget: WorkLeft, value: Any) -> int:
    if isinstance(value, str | bytes | list | tuple | Mapping | Set | range):
        return size_of(value)
    raise EvaluationError(f"{described(value)} has no length")


def _reversed(budget: WorkLeft, values: Any) -> list[Any]:
    if isinstance(values, Set):
        raise EvaluationError(f"`reversed` takes a list, not {described(values)}: sort it first")
    return _walked(values, budget)[::-1]


def _range(budget: WorkLeft, *arguments: Any) -> list[int]:
    bounds = [datum(argument) for argument in arguments]
    for bound in bounds:
        if not isinstance(bound, int):
            raise EvaluationError(f"`range` takes whole numbers, not {described(bound)}")
    if len(bounds) == 3 and bounds[2] == 0:
        raise EvaluationError("`range` with steps of zero", "ValueError")
    numbers = range(*bounds)
    budget.items(size_of(numbers), _NUMBER)
    return list(numbers)


def _enumerate(budget: WorkLeft, values: Any, start: Any = 0) -> list[tuple[int, Any]]:
    start = datum(start)
    if not isinstance(start, int):
        raise EvaluationError(f"`enumerate` starts at a whole number, not {described(start)}")
    items = _walked(values, budget)
    budget.items(len(items), _PAIR + _NUMBER)
    return list(enumerate(items, number(start, budget)))


def _zip(budget: WorkLeft, *several: Any, strict: Any = False) -> list[tuple[Any, ...]]:
    lists = [_walked(values, budget) for values in several]
    lengths = {len(items) for items in lists}
    if truth(strict) and len(lengths) > 1:
        sizes = ", ".join(items_counted(len(items)) for items in lists[:10])
        raise EvaluationError(f"`zip` with `strict` of lists that differ in length: {sizes}", "ValueError")
    budget.items(min(lengths, default=0), _PAIR + 8 * len(lists))
    return list(zip(*lists, strict=False))


def _list(budget: WorkLeft, values: Any = ()) -> list[Any]:
    return _walked(values, budget)


def _with_rest(budget: WorkLeft, values: Any, before: int, behind: int) -> tuple[Any, ...]:
    """What `a, *rest, b = values` assigns: so many items, a list of the others, and so many again."""
    items = _walked(values, budget)
    if len(items) < before + behind:
        message = f"at least {before + behind} names are assigned, but there are {items_counted(len(items))}"
        raise EvaluationError(message, "ValueError")
    end = len(items) - behind
    return (*items[:before], items[before:end], *items[end:])


def _tuple(budget: WorkLeft, values: Any = ()) -> tuple[Any, ...]:
    return tuple(_walked(values, budget))


def _set(budget: WorkLeft, values: Any = ()) -> OrderedSet:
    return ordered_set(_walked(values, budget), budget)


def ordered_set(items: list[Any], budget: WorkLeft) -> OrderedSet:
    """A set of `items`, iterated in that order (rule L24)."""
    budget.items(len(items), _ENTRY)
    return OrderedSet([hashable(item, budget) for item in items])


def _dict(budget: WorkLeft, source: Any = (), /, **more: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    if isinstance(source, Mapping):
        budget.items(len(source), _ENTRY)
        made.update(source)
    else:
        pairs = _walked(source, budget)
        budget.items(len(pairs), _ENTRY)
        for position, pair in enumerate(pairs):
            items = items_of(pair)
            if len(items) != 2:
                message = f"`dict` takes pairs; item {position} is {described(pair)}"
                raise EvaluationError(message, "ValueError")
            made[hashable(items[0], budget)] = items[1]
    made.update(more)
    budget.items(len(made))
    return made


def _fromkeys(budget: WorkLeft, keys: Any, value: Any = None) -> dict[Any, Any]:
    items = _walked(keys, budget)
    budget.items(len(items), _ENTRY)
    return {hashable(key, budget): value for key in items}


_ENCODINGS = frozenset({"utf-8", "utf8", "ascii", "latin-1"})


def _str(budget: WorkLeft, value: Any = "", encoding: Any = None) -> str:
    if encoding is None:
        text = text_of(value, budget)
    elif isinstance(value, bytes) and isinstance(encoding, str) and encoding.lower() in _ENCODINGS:
        budget.text(len(value))
        try:
            return value.decode(encoding)
        except UnicodeDecodeError as error:
            raise EvaluationError(f"the bytes are no {encoding} text", "UnicodeDecodeError") from error
    else:
        raise EvaluationError('`str` takes bytes and "utf-8", "ascii" or "latin-1", or one value')
    budget.text(len(text))
    return text


def _takes(*keywords: str) -> frozenset[str]:
    return frozenset(keywords)


# In the order of the grammars, whose alternatives are these. For what a row says, see `listed.Function`.
FUNCTIONS: Final[dict[str, Function]] = {
    "len": Function(_len, 1, 1, gives="int", labels=through.length, grammar="one", told=1, form="len(xs)"),
    "sum": Function(
        _sum, 1, 2, _takes("start"), holds="sum", grammar="one", told=2, whole=True, form="sum(xs)"
    ),
    "abs": Function(_abs, 1, 1, gives="number", grammar="one", told=7, form="abs(x)"),
    "any": Function(
        _any, 1, 1, gives="bool", grammar="one", told=8, whole=True, stops=True, form="any([x > 1 for x in xs])"
    ),
    "all": Function(
        _all, 1, 1, gives="bool", grammar="one", told=9, whole=True, stops=True, form="all([x > 1 for x in xs])"
    ),
    "list": Function(
        _list, 0, 1, gives="list[item]", holds="items", labels=through.items, grammar="one", told=16, whole=True,
        form="list(xs)",
    ),
    "set": Function(_set, 0, 1, gives="set", holds="items", grammar="one", told=18, whole=True, form="set(xs)"),
    "dict": Function(
        _dict, 0, 1, None, gives="dict", holds="entries", labels=through.entries, grammar="one", told=17, whole=True,
        form="dict(pairs)",
    ),
    "tuple": Function(
        _tuple, 0, 1, gives="tuple", holds="items", labels=through.items, grammar="one", whole=True, form="tuple(xs)"
    ),
    "str": Function(_str, 0, 2, _takes("encoding"), gives="str", grammar="one", told=15, total=True, form="str(x)"),
    "int": Function(_int, 0, 2, _takes("base"), gives="int", grammar="one", told=13, form="int(x)"),
    "float": Function(_float, 0, 1, gives="float", grammar="one", told=14, form="float(x)"),
    "bool": Function(_bool, 0, 1, gives="bool", grammar="one", total=True, form="bool(x)"),
    "reversed": Function(
        _reversed, 1, 1, gives="list[item]", holds="views", labels=through.backwards, grammar="one", form="reversed(xs)"
    ),
    "min": Function(
        _extreme("min"), 1, None, _takes("key", "default"), holds="one", labels=through.best, grammar="extreme", told=3,
        whole=True, form="min(xs)",
    ),
    "max": Function(
        _extreme("max"), 1, None, _takes("key", "default"), holds="one", labels=through.best, grammar="extreme", told=4,
        whole=True, form="max(xs)",
    ),
    "sorted": Function(
        _sorted, 1, 1, _takes("key", "reverse"), gives="list[item]", holds="items", labels=through.in_order,
        grammar="sorted", told=5, whole=True, form="sorted(xs, key=lambda x: x[0], reverse=True)",
    ),
    "round": Function(_round, 1, 2, _takes("ndigits"), gives="number", grammar="digits", told=6, form="round(x, 2)"),
    "enumerate": Function(
        _enumerate, 1, 2, _takes("start"), gives="list", holds="views", labels=through.with_numbers, grammar="start",
        told=11, form="enumerate(xs, start=1)",
    ),
    "range": Function(
        _range, 1, 3, gives="list", holds="numbers", grammar="one to three", told=10, form="range(start, stop, step)"
    ),
    "zip": Function(
        _zip, 0, None, _takes("strict"), gives="list", holds="views", labels=through.rows, grammar="two or more",
        told=12, form="zip(xs, ys)",
    ),
    "divmod": Function(_divmod, 2, 2, form="divmod(x, y)"),
    "pow": Function(_pow, 2, 3, _takes("mod"), form="pow(x, y)"),
    "next": Function(
        _next, 1, 2, holds="first", labels=through.first, stops=True, form="next((x for x in xs if x > 1), None)",
        about="the first item of a generator or of `iter(xs)`",
    ),
    "dict.fromkeys": Function(
        _fromkeys, 1, 2, gives="dict", holds="repeated", labels=through.under_each, form="dict.fromkeys(keys, value)"
    ),
}  # fmt: skip

UNCALLED: Final[dict[str, Function]] = {
    REST: Function(_with_rest, 3, 3, holds="items", labels=through.rest, form="a, *rest, b = xs"),
    ASSERT: Function(_assert, 1, 1, form="assert x, text"),
}
"""Those that other forms of the language apply: no text of a plan calls them."""
