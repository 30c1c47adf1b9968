"""How the plan language sees a value (rule L24): its kind, items, truth, fields and text."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from superscalar.plan.evaluate.amounts import (
    MAX_DIGITS,
    formatted_amount,
    refuse_long,
    repr_of_amount,
    text_of_amount,
    told_amount,
)
from superscalar.plan.evaluate.bounds import (
    CHARACTERS_PER_STEP,
    MAX_ITEMS,
    MAX_TEXT,
    MAX_WIDTH,
    BoundError,
    EvaluationError,
    WorkLeft,
)
from superscalar.plan.evaluate.moments import DATES, ZONES, parts_of, strftime
from superscalar.plan.ir.naming import field_aliases
from superscalar.short import brief
from superscalar.values import OrderedSet, Record, copied, field_as_data, record_fields

NUMBERS = frozenset({bool, int, float})
_MOST_FIELDS = 1_000  # of a mapping in which aliases are looked for
MAX_HANDLE = 200  # characters of a handle's repr
_SMALL = 1 << 63
_PLAIN = frozenset(
    {type(None), bool, int, float, str, bytes, list, dict, tuple, OrderedSet, Decimal, dt.date, dt.datetime, dt.time}
)

_LEAVES = frozenset({type(None), bool, int, float, str, bytes})
_PLAIN_FIELDS = _LEAVES | {Decimal, dt.date, dt.datetime, dt.time, dt.timedelta}


def datum(value: Any) -> Any:
    """`value`, without the class of its own that a number or a text of a tool may have (an enum's member, say).

    What operators do is then Python's doing, never that of a class that we do not know.
    """
    kind = type(value)  # what `isinstance` asks could be told anything
    if kind in _PLAIN:
        return value
    if issubclass(kind, enum.Enum):
        return datum(value._value_)
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__pos__(value)
    if issubclass(kind, float):
        return float.__pos__(value)
    if issubclass(kind, bytes):
        return bytes.__getitem__(value, slice(None))
    if issubclass(kind, Decimal):
        return Decimal(value)
    return copied(value) if issubclass(kind, DATES) and kind is not dt.timedelta else value


def refuse_beyond_bounds(value: Any, budget: WorkLeft) -> None:
    """Refuse an integer over 4,096 bits, or a `Decimal` as long, which a tool may have made: what follows could take
    for ever.
    """
    if type(value) is int:
        if not -_SMALL < value < _SMALL:
            budget.bits(value.bit_length())
    elif type(value) is Decimal:
        refuse_long(value)


def is_handle(value: Any) -> bool:
    """Whether `value` is no data: it can be passed on and shown, and nothing else (rule L24)."""
    if type(value) in _PLAIN or isinstance(
        value, int | float | Decimal | str | bytes | list | tuple | Set | Mapping | range
    ):
        return False
    return not isinstance(value, DATES) and type(value) not in ZONES and record_fields(value) is None


def holds_handle(value: Any) -> bool:
    """Whether a handle stands in a collection. What is in a record is its class's affair, which compares it."""
    if isinstance(value, list | tuple | Set):
        return not _LEAVES.issuperset(map(type, value)) and any(
            type(item) not in _LEAVES and (is_handle(item) or holds_handle(item)) for item in value
        )
    if isinstance(value, Mapping):
        return holds_handle(list(value.values()))
    return False


def items_of(value: Any) -> list[Any]:
    """What going through `value` yields: the items of a list, tuple, set or range, keys of a mapping, characters.

    A set that a tool made has no order of its own, so it gets one that does not depend on hashing.

    Raises:
        EvaluationError: one cannot go through it.
        BoundError: it has more than 100,000 items (rule L25).
    """
    kind = type(value)
    try:
        if kind is not list and kind is not tuple and kind is not dict and kind is not OrderedSet:
            value = datum(value)
            if not isinstance(value, list | tuple | Mapping | Set | str | bytes | range):
                hint = _fields_hint(value)
                raise EvaluationError(f"cannot go through {described(value)}{hint}")
            if isinstance(value, set | frozenset):
                return _in_order(value)
        if size_of(value) > MAX_ITEMS:
            raise BoundError(f"{described(value)} is too long to go through; the bound is {MAX_ITEMS:,} items")
        return list(value)
    except EvaluationError:
        raise
    except Exception as error:  # the methods of a collection are a tool's own code, if its class is
        raise EvaluationError(f"cannot go through it: {error_text(error)}", type(error).__name__) from error


def size_of(value: Any) -> int:
    """`len(value)` of a collection, even of a range that is too long for Python to say so."""
    if isinstance(value, range):
        return abs(value[-1] - value[0]) // abs(value.step) + 1 if value else 0
    return len(value)


def _in_order(values: set[Any] | frozenset[Any]) -> list[Any]:
    if len(values) > MAX_ITEMS:
        raise BoundError(f"a set of {len(values):,} items is too large to go through; the bound is {MAX_ITEMS:,} items")
    kinds = {type(value) for value in values}
    if float in kinds and kinds <= NUMBERS:
        return sorted(values, key=lambda value: (value != value, value))  # one that is no number is the last
    if (
        kinds <= NUMBERS
        or (kinds == {Decimal} and all(map(Decimal.is_finite, values)))
        or (len(kinds) == 1 and kinds <= {str, bytes})
    ):
        return sorted(values)
    budget = WorkLeft()
    return sorted(values, key=lambda value: (type(value).__name__, shown(value, budget)))


def item_of(value: Any, index: Any, budget: WorkLeft) -> Any:
    """`value[index]`."""
    kind = type(value)
    if kind is list or kind is tuple:
        if type(index) is int and -len(value) <= index < len(value):
            return value[index]
    elif kind is dict and type(index) is str and index in value:
        return value[index]
    value, index = datum(value), datum(index)
    if isinstance(index, str) and not isinstance(value, Mapping) and record_fields(value) is not None:
        return field_of(value, index, budget)
    if isinstance(value, list | tuple | str | bytes | range):
        if not isinstance(index, int):
            raise EvaluationError(f"{described(value)} is indexed by a number, not by {described(index)}")
        if not -size_of(value) <= index < size_of(value):
            raise out_of_range(index, size_of(value))
        return value[index]
    if isinstance(value, Mapping):
        if hashable(index, budget) not in value:
            raise missing("key", index, value, "KeyError")
        return value[index]
    hint = f": its fields have names, like `.{brief(field_names(value)[0])}`" if field_names(value) else ""
    raise EvaluationError(f"{described(value)} has no items to index{hint}")


def out_of_range(index: int, count: int) -> EvaluationError:
    """The error for a position that does not exist, which says how many there are."""
    where = f"index {index}" if index.bit_length() < 64 else "the index"
    return EvaluationError(f"{where} is out of range: it has {items_counted(count)}", "IndexError")


def slice_of(value: Any, ends: list[Any], budget: WorkLeft) -> Any:
    """`value[start:stop:step]`, where `ends` are the three, None where one is not given."""
    value = datum(value)
    if not isinstance(value, list | tuple | str | bytes | range):
        raise EvaluationError(f"{described(value)} cannot be sliced")
    ends = [datum(end) for end in ends]
    for end in ends:
        if end is not None and not isinstance(end, int):
            raise EvaluationError(f"a slice goes from one whole number to another; this is {described(end)}")
    if ends[2] == 0:
        raise EvaluationError("a slice cannot have steps of zero", "ValueError")
    part = slice(*ends)
    count = size_of(range(*part.indices(size_of(value))))
    if isinstance(value, str | bytes):
        budget.text(count)
        return value[part]
    budget.items(count)
    return tuple(value)[part] if isinstance(value, tuple) else list(value[part])


def exactly(items: list[Any], count: int) -> list[Any]:
    """`items`, if there are `count` of them: the rule of `a, b = items`."""
    if len(items) != count:
        raise EvaluationError(f"{count} names are assigned, but there are {items_counted(len(items))}", "ValueError")
    return items


def truth(value: Any) -> bool:
    """Whether a condition that has this value holds. A record that is no tuple, a date and a handle always do.

    So does a collection of a class of its own that cannot say how much there is in it: this never raises.
    """
    kind = type(value)
    if kind is bool:
        return bool(value)
    if value is None:
        return False
    try:
        if isinstance(value, int | float | Decimal):
            return bool(datum(value))
        if isinstance(value, str | bytes | list | tuple | Mapping | Set | range):
            return size_of(value) > 0
    except Exception:  # noqa: BLE001 (its class or length is a tool's own code, and a guard must be decided)
        return True
    return value != dt.timedelta(0) if kind is dt.timedelta else True


def field_of(value: Any, name: str, budget: WorkLeft) -> Any:
    """The field `name` of a record or the value under that key of a mapping, never any other attribute (rule L4).

    A key that is no identifier is found under its alias (rule L7).
    """
    if not name.startswith("_"):
        if type(value) is dict and name in value:
            return value[name]
        fields = value if isinstance(value, dict | Mapping) else record_fields(value)
        if fields is not None and name in fields:
            return _of_record(value, fields[name], budget)
        if fields is not None:
            few = fields if len(fields) <= _MOST_FIELDS else ()
            key = field_aliases(key for key in few if isinstance(key, str)).get(name)
            if key is not None:
                return _of_record(value, fields[key], budget)
            raise missing("field", name, fields, "AttributeError")
        if isinstance(value, DATES):
            if name not in parts_of(value):
                raise missing("field", name, parts_of(value), "AttributeError")
            return getattr(value, name)
    raise EvaluationError(f"{described(value)} has no field `{brief(name)}`", "AttributeError")


def _of_record(owner: Any, field: Any, budget: WorkLeft) -> Any:
    """A field as data. What a record of a tool's class holds is of the classes that this wants; what others hold is."""
    if type(field) in _PLAIN_FIELDS or isinstance(owner, Mapping | Record | tuple):
        return field
    budget.whole(field)
    return field_as_data(field)


def field_names(value: Any) -> list[str]:
    """The names that `field_of` would find in `value`."""
    there = value if isinstance(value, Mapping) else record_fields(value)
    return [name for name in there or () if isinstance(name, str) and not name.startswith("_")]


def missing(what: str, name: Any, there: Iterable[Any], error: str) -> EvaluationError:
    """The error for a field or key that is not among those `there`, which it names."""
    names = [brief(key) if isinstance(key, str) else described(key) for key in there]
    asked = f"`{brief(name)}`" if isinstance(name, str) else described(name)
    if not names:
        return EvaluationError(f"no {what} {asked}; it is empty", error)
    close = get_close_matches(name, names[:1_000], 1) if isinstance(name, str) and len(name) < 100 else []
    more = f", … ({len(names)} in all)" if len(names) > 20 else ""
    hint = f" (did you mean `{close[0]}`?)" if close else ""
    return EvaluationError(f"no {what} {asked}; it has: {', '.join(names[:20])}{more}{hint}", error)


def hashable(value: Any, budget: WorkLeft) -> Any:
    """`value`, if it may be in a set or a key of a mapping, with the work of hashing it counted."""
    kind = type(value)
    if kind is str or kind is int or kind in NUMBERS or value is None:
        return value
    if isinstance(value, tuple):
        budget.whole(value)
        for item in value:
            hashable(item, budget)
    elif isinstance(value, Decimal):
        refuse_beyond_bounds(value, budget)
        if value.is_snan():
            raise EvaluationError("a signalling NaN cannot be in a set or be a key")
    elif is_handle(value) or (isinstance(value, list | Mapping | Set) and not isinstance(value, frozenset)):
        raise EvaluationError(f"{described(value)} cannot be in a set or be a key; text, numbers and tuples can")
    return value


def described(value: Any) -> str:
    """A few words that say what `value` is, for messages: `text "abc"`, `a list of 3 items`. It never raises."""
    try:
        return _described(value)
    except Exception:  # noqa: BLE001 (its methods are a tool's own code, and a message must not fail)
        return f"an opaque {brief(type(value).__name__)}"


def _described(value: Any) -> str:
    match value:
        case None | bool():
            return repr(value)
        case int():
            return f"the number {datum(value)}" if value.bit_length() < 200 else "a large number"
        case float():
            return f"the number {datum(value)!r}"
        case Decimal():
            return brief(told_amount(value), 60)
        case str():
            return f'the text "{brief(value)}"'
        case bytes():
            return f"{len(value):,} bytes"
        case _ if (fields := record_fields(value)) is not None:
            return f"a {type(value).__name__} record with the fields {_listed(fields)}" if fields else "an empty record"
        case list():
            return f"a list of {items_counted(len(value))}"
        case tuple():
            return f"a tuple of {items_counted(len(value))}"
        case Set():
            return f"a set of {items_counted(len(value))}"
        case Mapping():
            return f"a mapping with the keys {_listed(value)}" if value else "an empty mapping"
        case range():
            return "a range"
        case dt.datetime() | dt.time() if value.tzinfo is not None:
            return f"a {type(value).__name__} with a time zone"
        case dt.datetime() | dt.date() | dt.time() | dt.timedelta():
            return f"a {type(value).__name__}"
        case _ if type(value) in ZONES:
            return "a time zone"
        case _:
            return f"an opaque {brief(type(value).__name__)}{_way_out(type(value))}"


def _way_out(kind: type) -> str:
    """How the tool that returns handles of a class could return data instead: of arrays and tables there is a way."""
    if callable(getattr(kind, "to_dict", None)) and hasattr(kind, "columns"):
        return ' (its tool can return `.to_dict("records")`)'
    return " (its tool can return `.tolist()`)" if callable(getattr(kind, "tolist", None)) else ""


def items_counted(count: int) -> str:
    """`1 item`, `3 items`."""
    return "1 item" if count == 1 else f"{count:,} items"


def _listed(there: Iterable[Any]) -> str:
    names = [brief(key) if isinstance(key, str) else described(key) for key, _ in zip(there, range(6), strict=False)]
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _fields_hint(value: Any) -> str:
    return ": name the field that holds the list" if record_fields(value) is not None else ""


# ------------------------------------------------------------------------------------------------ values as text

_NUMERAL = re.compile(r"\d+")
_CHUNK = 65_536


def text_of(value: Any, budget: WorkLeft) -> str:
    """`str(value)`: data as Python writes it, a handle by its bounded repr."""
    kind = type(value)
    if kind is float or value is None:
        return str(value)
    value = datum(value)
    if isinstance(value, str):
        return value
    if type(value) is Decimal:
        return text_of_amount(value)
    refuse_beyond_bounds(value, budget)
    return str(value) if isinstance(value, DATES) or type(value) in ZONES else shown(value, budget)


def shown(value: Any, budget: WorkLeft) -> str:
    """`repr(value)`: data as Python writes it, sets in their order, records with their fields, a handle bounded.

    Raises:
        BoundError: the text would be over 10 MB (rule L25).
    """
    budget.whole(value)
    parts: list[str] = []
    _show(value, parts, budget)
    return "".join(parts)


def _show(value: Any, parts: list[str], budget: WorkLeft) -> None:
    value = datum(value)
    if value is None or isinstance(value, int | float):
        refuse_beyond_bounds(value, budget)
        _put(repr(value), parts, budget)
    elif type(value) is Decimal:
        _put(repr_of_amount(value), parts, budget)
    elif isinstance(value, str | bytes):
        _put(_quoted(value), parts, budget)
    elif isinstance(value, list):
        _show_all("[", value, "]", parts, budget)
    elif (fields := record_fields(value)) is not None:
        _put(f"{type(value).__qualname__}(", parts, budget)
        for position, (name, item) in enumerate(fields.items()):
            _put(f"{', ' if position else ''}{name}=", parts, budget)
            _show(item, parts, budget)
        _put(")", parts, budget)
    elif isinstance(value, tuple):
        _show_all("(", value, ",)" if len(value) == 1 else ")", parts, budget)
    elif isinstance(value, Mapping):
        _put("{", parts, budget)
        for position, (key, item) in enumerate(value.items()):
            _put(", " if position else "", parts, budget)
            _show(key, parts, budget)
            _put(": ", parts, budget)
            _show(item, parts, budget)
        _put("}", parts, budget)
    elif isinstance(value, Set):
        if value:
            _show_all("{", items_of(value), "}", parts, budget)
        else:
            _put("set()", parts, budget)
    else:
        plain = isinstance(value, (*DATES, range)) or type(value) in ZONES
        _put(repr(value) if plain else handle_text(value), parts, budget)


def _show_all(start: str, items: Iterable[Any], end: str, parts: list[str], budget: WorkLeft) -> None:
    _put(start, parts, budget)
    for position, item in enumerate(items):
        if position:
            _put(", ", parts, budget)
        _show(item, parts, budget)
    _put(end, parts, budget)


def _put(text: str, parts: list[str], budget: WorkLeft) -> None:
    parts.append(text)
    budget.spend(1 + len(text) // CHARACTERS_PER_STEP)


def _quoted(value: str | bytes) -> str:
    """The repr of a text, whose escapes can make it ten times as long: a long one is measured piece by piece first."""
    if len(value) > _CHUNK:
        length = sum(len(repr(value[at : at + _CHUNK])) - 2 for at in range(0, len(value), _CHUNK))
        if length > MAX_TEXT:
            raise BoundError(f"the text would have {length:,} characters; the bound is {MAX_TEXT:,}")
    return repr(value)


def error_text(error: BaseException) -> str:
    """The text of an exception that a tool's own object raised, whose text may be broken too."""
    try:
        return brief(str(error), MAX_HANDLE)
    except Exception as worse:  # noqa: BLE001 (as above: the class is known in any case)
        return f"{type(error).__name__}, whose text raised {type(worse).__name__}"


def handle_text(value: Any) -> str:
    """A bounded repr of an opaque handle; where its own repr raises, its class says what it is."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 (a handle is anybody's object, and showing it must not fail a plan)
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    if len(text) > MAX_HANDLE:  # a plan computes with it: what a resumed run gets is what it got before
        text = f"{text[:MAX_HANDLE]}..."
    return text.replace("\n", "\\n")


def formatted(value: Any, spec: str, budget: WorkLeft) -> str:
    """`format(value, spec)`, as in an f-string."""
    if not spec:
        return text_of(value, budget)
    if len(spec) > MAX_WIDTH:
        raise BoundError(f"a format of {len(spec):,} characters; the bound is {MAX_WIDTH:,}")
    value = datum(value)
    if isinstance(value, dt.date | dt.time):
        return strftime(value, spec)
    if not isinstance(value, str | int | float | Decimal):
        hint = ": use the format on the numbers in it" if isinstance(value, list | tuple | Mapping) else ""
        raise EvaluationError(f"the format `{brief(spec)}` does not apply to {described(value)}{hint}")
    if any(len(digits) > 4 or int(digits) > MAX_WIDTH for digits in _NUMERAL.findall(spec)):
        raise BoundError(f"the format `{brief(spec)}` is wider than the bound, {MAX_WIDTH:,}")
    refuse_beyond_bounds(value, budget)
    budget.text(len(value) if isinstance(value, str) else MAX_WIDTH + MAX_DIGITS)
    try:
        return formatted_amount(value, spec) if type(value) is Decimal else format(value, spec)
    except ValueError as error:
        raise EvaluationError(
            f"the format `{brief(spec)}` does not apply to {described(value)}", "ValueError"
        ) from error
