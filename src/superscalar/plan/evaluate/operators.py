"""The operators of the language (rule L3) on data (rule L24), each refused before it exceeds a bound (rule L25)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from itertools import chain
from typing import Any

from superscalar.attachments import Attachment
from superscalar.plan.evaluate import decimals
from superscalar.plan.evaluate.amounts import compared, holds_amount
from superscalar.plan.evaluate.bounds import CHARACTERS_PER_STEP, FLAT, MAX_BITS, EvaluationError, WorkLeft
from superscalar.plan.evaluate.elements import (
    NUMBERS,
    datum,
    described,
    hashable,
    holds_handle,
    is_handle,
    items_of,
    refuse_beyond_bounds,
    truth,
)
from superscalar.plan.evaluate.moments import DATES, why_apart
from superscalar.values import OrderedSet


def binary(symbol: str, left: Any, right: Any, budget: WorkLeft) -> Any:
    """`left symbol right`."""
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        left, right = datum(left), datum(right)
        if type(left) not in NUMBERS or type(right) not in NUMBERS:
            return _combined(symbol, left, right, budget)
    return _arithmetic(symbol, left, right, budget)


def folded(symbol: str, value: Any, items: Sequence[Any], budget: WorkLeft) -> Any:
    """`value`, and every one of the items in order added to it; texts and lists are put together at once."""
    value = datum(value)
    kind = type(value)
    if symbol == "+" and kind in _JOINED:
        parts = [value, *map(datum, items)]
        if all(type(part) is kind for part in parts):
            budget.spend(len(parts))
            (budget.text if kind is str or kind is bytes else budget.items)(sum(map(len, parts)))
            return _JOINED[kind](parts)
    for item in items:
        budget.spend(1)
        value = binary(symbol, value, item, budget)
    return value


_JOINED: dict[type, Callable[[list[Any]], Any]] = {
    str: "".join,
    bytes: b"".join,
    list: lambda parts: list(chain.from_iterable(parts)),
    tuple: lambda parts: tuple(chain.from_iterable(parts)),
}


# ------------------------------------------------------------------------------------------------------- numbers


def _arithmetic(symbol: str, left: Any, right: Any, budget: WorkLeft) -> Any:
    refuse_beyond_bounds(left, budget)
    refuse_beyond_bounds(right, budget)
    guard = _COSTLY.get(symbol)
    if guard is not None:
        guard(left, right, budget)
    try:
        result = ARITHMETIC[symbol](left, right)
    except ZeroDivisionError as error:
        raise EvaluationError(f"{described(left)} cannot be divided by zero", "ZeroDivisionError") from error
    except OverflowError as error:
        raise EvaluationError(f"the result of `{symbol}` is too large for a float", "OverflowError") from error
    except ValueError as error:
        raise EvaluationError(f"`{symbol}`: {error}", "ValueError") from error
    except TypeError as error:
        raise _unsupported(symbol, left, right) from error
    return number(result, budget)


def number(value: Any, budget: WorkLeft) -> Any:
    """`value`, an int or float that was computed, if it is within the bounds."""
    if type(value) is complex:
        raise EvaluationError("a negative number to a broken power is not a real number", "ValueError")
    refuse_beyond_bounds(value, budget)
    return value


def _check_power(left: Any, right: Any, budget: WorkLeft) -> None:
    if type(left) is not float and type(right) is not float and right > 0:
        bits = (abs(left).bit_length() - 1) * right + 1
        if bits > MAX_BITS:
            budget.bits(bits)


def _check_shift(left: Any, right: Any, budget: WorkLeft) -> None:
    if type(left) is not float and type(right) is not float and left and right > 0:
        bits = left.bit_length() + right
        if bits > MAX_BITS:
            budget.bits(bits)


_COSTLY: dict[str, Callable[[Any, Any, WorkLeft], None]] = {
    "**": _check_power,
    "<<": _check_shift,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}

# ------------------------------------------------------------------------------------------------- everything else


def _combined(symbol: str, left: Any, right: Any, budget: WorkLeft) -> Any:
    if symbol == "+":
        for kind in (str, bytes):
            if type(left) is kind and type(right) is kind:
                budget.text(len(left) + len(right))
                return left + right
        for sequence in (list, tuple):
            if isinstance(left, sequence) and isinstance(right, sequence):
                budget.items(len(left) + len(right))
                return sequence([*left, *right])
    elif symbol == "*":
        if isinstance(left, int):
            left, right = right, left
        if isinstance(right, int) and isinstance(left, str | bytes):
            budget.text(len(left) * max(right, 0))
            return left * right
        if isinstance(right, int) and isinstance(left, list | tuple):
            budget.items(len(left) * max(right, 0))
            return list(left) * right if isinstance(left, list) else tuple(left) * right
    elif symbol == "%" and isinstance(left, str | bytes):
        raise EvaluationError('text has no `%`-formatting here: write an f-string, like f"{value:.2f}"')
    elif symbol in _SETS and isinstance(left, Set) and isinstance(right, Set):
        return _SETS[symbol](OrderedSet(items_of(left)), OrderedSet(items_of(right)), budget)
    elif symbol == "|" and isinstance(left, Mapping) and isinstance(right, Mapping):
        budget.items(len(left), _ENTRY)
        budget.items(len(right), _ENTRY)
        merged = {**left, **right}
        budget.items(len(merged))
        return merged
    if isinstance(left, DATES) or isinstance(right, DATES):
        return _on_dates(symbol, left, right)
    if type(left) is Decimal or type(right) is Decimal:
        try:
            return decimals.combined(symbol, ARITHMETIC[symbol], left, right, budget)
        except TypeError as error:
            raise _unsupported(symbol, left, right) from error
    raise _unsupported(symbol, left, right)


def _on_dates(symbol: str, left: Any, right: Any) -> Any:
    if not all(isinstance(side, (*DATES, int, float)) for side in (left, right)):
        raise _unsupported(symbol, left, right)
    try:
        return ARITHMETIC[symbol](left, right)
    except TypeError as error:
        raise _unsupported(symbol, left, right) from error
    except (ArithmeticError, ValueError) as error:
        raise EvaluationError(
            f"`{symbol}` of {described(left)} and {described(right)}: {error}", type(error).__name__
        ) from error


_ENTRY = 100  # bytes that an entry of a set or dict takes, about


def _union(left: OrderedSet, right: OrderedSet, budget: WorkLeft) -> OrderedSet:
    budget.spend(len(left) + len(right))
    budget.make((len(left) + len(right)) * _ENTRY)
    both = OrderedSet([*left, *right])
    budget.items(len(both))
    return both


def _intersection(left: OrderedSet, right: OrderedSet, budget: WorkLeft) -> OrderedSet:
    budget.items(len(left), _ENTRY)
    return OrderedSet([item for item in left if item in right])


def _difference(left: OrderedSet, right: OrderedSet, budget: WorkLeft) -> OrderedSet:
    budget.items(len(left), _ENTRY)
    return OrderedSet([item for item in left if item not in right])


def _either(left: OrderedSet, right: OrderedSet, budget: WorkLeft) -> OrderedSet:
    return _union(_difference(left, right, budget), _difference(right, left, budget), budget)


_SETS: dict[str, Callable[[OrderedSet, OrderedSet, WorkLeft], OrderedSet]] = {
    "|": _union,
    "&": _intersection,
    "-": _difference,
    "^": _either,
}


def _unsupported(symbol: str, left: Any, right: Any) -> EvaluationError:
    hint = why_apart(left, right)
    if hint:
        pass
    elif symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
        hint = ": write an f-string, or str(...) around what is no text"
    elif isinstance(left, str) or isinstance(right, str):
        hint = ": is the text a number? write int(...) or float(...) around it"
    return EvaluationError(f"`{symbol}` does not work on {described(left)} and {described(right)}{hint}")


def unary(symbol: str, value: Any, budget: WorkLeft) -> Any:
    """`-value`, `+value`, `~value` or `not value`."""
    if symbol == "not":
        return not truth(value)
    value = datum(value)
    if type(value) in NUMBERS and not (symbol == "~" and type(value) is float):
        if symbol == "-":
            return number(-value, budget)
        return number(+value if symbol == "+" else ~int(value), budget)
    if type(value) is Decimal and symbol != "~":
        return decimals.alone(symbol, operator.neg if symbol == "-" else operator.pos, value, budget)
    if isinstance(value, DATES) and symbol != "~":
        try:
            return -value if symbol == "-" else +value  # type: ignore[operator]  # a timedelta has both, others none
        except TypeError as error:
            raise EvaluationError(f"`{symbol}` does not work on {described(value)}") from error
    raise EvaluationError(f"`{symbol}` does not work on {described(value)}")


# --------------------------------------------------------------------------------------------------- comparisons


def related(symbol: str, left: Any, right: Any, budget: WorkLeft) -> bool:
    """`left symbol right`, one link of a chain."""
    if type(left) in NUMBERS and type(right) in NUMBERS and symbol in RELATIONS:
        return bool(RELATIONS[symbol](left, right))
    if symbol in ("==", "!="):
        return equal(left, right, budget) is (symbol == "==")
    if symbol in ("is", "is not"):
        return is_same(left, right, budget) is (symbol == "is")
    if symbol in ("in", "not in"):
        return contains(right, left, budget) is (symbol == "in")
    left, right = datum(left), datum(right)
    if isinstance(left, Set) and isinstance(right, Set):
        return _subset(symbol, left, right, budget)
    if is_handle(left) or is_handle(right):
        raise _unsupported(symbol, left, right)
    _count_comparison(left, right, budget)
    if holds_handle(left) or holds_handle(right):
        raise _unsupported(symbol, left, right)
    try:
        return _related(symbol, left, right)
    except TypeError as error:
        raise _unsupported(symbol, left, right) from error


def equal(left: Any, right: Any, budget: WorkLeft) -> bool:
    """`left == right`. A handle equals itself only, but for an attachment, which is another object in a resumed run."""
    if type(left) in FLAT and type(right) in FLAT:
        return bool(left == right)
    left, right = datum(left), datum(right)
    if type(left) is Attachment and type(right) is Attachment:
        budget.spend(min(left.size, right.size) // CHARACTERS_PER_STEP)
        return left == right
    if is_handle(left) or is_handle(right):
        return left is right
    _count_comparison(left, right, budget)
    if holds_handle(left) or holds_handle(right):
        return _equal_parts(left, right, budget)
    return _related("==", left, right)


def _related(symbol: str, left: Any, right: Any) -> bool:
    relation = RELATIONS[symbol]
    if holds_amount(left) or holds_amount(right):
        return compared(lambda: bool(relation(left, right)), symbol, left, right)
    return bool(relation(left, right))


def _equal_parts(left: Any, right: Any, budget: WorkLeft) -> bool:
    """The same for collections with handles in them, whose own `__eq__` could say anything."""
    for kind in (list, tuple):
        if isinstance(left, kind) and isinstance(right, kind):
            pairs = zip(left, right, strict=False)
            return len(left) == len(right) and all(a is b or equal(a, b, budget) for a, b in pairs)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        shared = len(left) == len(right) and all(key in right for key in left)
        return shared and all(left[key] is right[key] or equal(left[key], right[key], budget) for key in left)
    return left is right


def is_same(left: Any, right: Any, budget: WorkLeft) -> bool:
    """`left is right`. For text, numbers and files: same type and equal; which of them are one object is no meaning."""
    if left is right:
        return True
    kind = type(left)
    return kind is type(right) and kind in (int, float, str, bytes, Decimal, Attachment) and equal(left, right, budget)


def contains(container: Any, item: Any, budget: WorkLeft) -> bool:
    """`item in container`."""
    container, item = datum(container), datum(item)
    if isinstance(container, str | bytes):
        if type(item) is not type(container) and not (isinstance(container, bytes) and isinstance(item, int)):
            raise EvaluationError(f"`in` does not work on {described(item)} and {described(container)}")
        if isinstance(item, str | bytes):
            search(container, item, budget)
        return _contained(container, item)
    if isinstance(container, Mapping):
        return hashable(item, budget) in container
    if isinstance(container, Set):
        if isinstance(item, Set):
            item = frozenset(item)  # as Python does: a set may be looked for in a set of frozen ones
        return hashable(item, budget) in container
    if isinstance(container, range):
        whole = int(item) if isinstance(item, float) and item.is_integer() else item
        return isinstance(whole, int) and whole in container
    if isinstance(container, list | tuple):
        if type(item) in FLAT:
            budget.spend(len(container))
        else:
            budget.whole(container)
            budget.whole(item)
        if is_handle(item) or holds_handle(container):
            return any(part is item or equal(part, item, budget) for part in container)
        if holds_amount(item) or holds_amount(container):
            return compared(lambda: item in container, "in", item, container)
        return item in container
    raise EvaluationError(f"`in` does not work on {described(container)}: it holds no items")


def _contained(container: Any, item: Any) -> bool:
    try:
        return item in container
    except ValueError as error:  # a number that is no byte
        raise EvaluationError(f"{described(item)} cannot be in bytes: {error}", "ValueError") from error


def search(text: str | bytes, pattern: str | bytes, budget: WorkLeft) -> None:
    """Count the work of looking for `pattern` in `text`: at worst the product of their lengths, up to 100 (CPython)."""
    budget.spend(len(text) // CHARACTERS_PER_STEP + len(text) * min(len(pattern), 100) // 256)


def _count_comparison(left: Any, right: Any, budget: WorkLeft) -> None:
    if isinstance(left, str | bytes) or isinstance(right, str | bytes):
        if type(left) is type(right):
            budget.spend(min(len(left), len(right)) // CHARACTERS_PER_STEP)
    elif type(left) not in FLAT and type(right) not in FLAT:
        budget.whole(left)
        budget.whole(right)


RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _subset(symbol: str, left: Set[Any], right: Set[Any], budget: WorkLeft) -> bool:
    budget.spend(len(left) + len(right))
    small, large = (left, right) if symbol in ("<", "<=") else (right, left)
    held = len(small) <= len(large) and all(item in large for item in small)
    return held and (len(small) < len(large) or symbol in ("<=", ">="))
