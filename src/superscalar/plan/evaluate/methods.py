"""Which value has which methods (rule L3), and those of text and mappings, each refused before it exceeds a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from superscalar.plan.evaluate import kinds, through
from superscalar.plan.evaluate.bounds import (
    CHARACTERS_PER_STEP,
    MAX_ITEMS,
    MAX_TEXT,
    MAX_WIDTH,
    BoundError,
    EvaluationError,
    WorkLeft,
)
from superscalar.plan.evaluate.elements import datum, described, field_names, field_of, hashable, items_of
from superscalar.plan.evaluate.listed import Listed, OfMapping
from superscalar.plan.evaluate.members import LIST, SET, TUPLE
from superscalar.plan.evaluate.operators import search
from superscalar.short import brief
from superscalar.values import record_fields


def method_of(value: Any, name: str) -> tuple[Listed, Any]:
    """The method `name` of `value` and the value to call it with (rule L4: what is called is a method)."""
    value = datum(value)
    what, known = _methods_of(value)
    if name in known:
        return known[name], value
    if (found := kinds.method_of_kind(value, name)) is not None:
        return found, value
    if name == "get" and record_fields(value) is not None and name not in field_names(value):
        return _OF_A_RECORD, value
    if isinstance(value, str) and name == "format":
        raise EvaluationError(
            'only a format that stands in the plan can be filled in: write f"{value}"', "AttributeError"
        )
    has = f"; {what} has: {', '.join(known)}" if known else ""
    kind = kinds.kind_of(value)
    if kind is not None:
        has = f"; a {kind.name} has: {', '.join(kind.methods)}"
    if name in field_names(value) or (kind is not None and name in kind.parts):
        has = f"; it is a field: write `.{name}` without parentheses"
    raise EvaluationError(f"{described(value)} has no method `{brief(name)}`{has}", "AttributeError")


def _methods_of(value: Any) -> tuple[str, Mapping[str, Listed]]:
    """What a value is called, and the methods that it has."""
    if isinstance(value, str):
        return "text", TEXT
    if isinstance(value, Mapping):
        return "a mapping", MAPPING
    if isinstance(value, list):
        return "a list", LIST
    if isinstance(value, Set):
        return "a set", SET
    return ("a tuple", TUPLE) if isinstance(value, tuple) else ("", {})


# ---------------------------------------------------------------------------------------------------------- text


def _text(method: str, argument: Any) -> str:
    argument = datum(argument)
    if not isinstance(argument, str):
        raise EvaluationError(f"`{method}` takes text, not {described(argument)}")
    return argument


def _whole(method: str, argument: Any) -> int:
    argument = datum(argument)
    if not isinstance(argument, int):
        raise EvaluationError(f"`{method}` takes a whole number there, not {described(argument)}")
    return max(-MAX_TEXT, min(argument, MAX_TEXT + 1))  # beyond any text, so the same as what it was


def _position(method: str, argument: Any) -> int | None:
    return None if argument is None else _whole(method, argument)


_PART = 64  # bytes that a piece of a text takes besides its characters, about


def _splitter(method: str) -> Callable[..., list[str]]:
    split = str.split if method == "split" else str.rsplit

    def run(budget: WorkLeft, text: str, sep: Any = None, maxsplit: Any = -1) -> list[str]:
        separator = None if sep is None else _text(method, sep)
        limit = _whole(method, maxsplit)
        if separator == "":
            raise EvaluationError(f"`{method}` takes a separator that is not empty", "ValueError")
        budget.text(len(text))
        if separator is not None:
            search(text, separator, budget)
            if method == "rsplit":
                budget.spend(len(text) * len(separator) // 256)
        parts = split(text, separator, MAX_ITEMS if limit < 0 else min(limit, MAX_ITEMS))
        budget.items(len(parts), _PART)
        return parts

    return run


_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def _splitlines(budget: WorkLeft, text: str, keepends: Any = False) -> list[str]:
    budget.text(len(text))
    budget.items(sum(text.count(end) for end in _LINE_ENDS) - text.count("\r\n"), _PART)
    return text.splitlines(bool(_whole("splitlines", keepends)))


def _stripper(method: str) -> Callable[..., str]:
    strip: Callable[..., str] = getattr(str, method)

    def run(budget: WorkLeft, text: str, characters: Any = None) -> str:
        wanted = None if characters is None else _text(method, characters)
        if wanted is not None and len(wanted) > MAX_WIDTH:
            raise BoundError(f"`{method}` of {len(wanted):,} different characters; the bound is {MAX_WIDTH:,}")
        budget.text(len(text))
        budget.spend(len(text) * len(wanted or "") // 256)
        return strip(text, wanted)

    return run


def _caser(method: str) -> Callable[..., str]:
    change: Callable[[str], str] = getattr(str, method)

    def run(budget: WorkLeft, text: str) -> str:
        budget.text(len(text) if text.isascii() else 3 * len(text))  # one character becomes up to three
        return change(text)

    return run


def _replace(budget: WorkLeft, text: str, old: Any, new: Any, count: Any = -1) -> str:
    before, after, limit = _text("replace", old), _text("replace", new), _whole("replace", count)
    search(text, before, budget)
    found = text.count(before)
    changed = found if limit < 0 else min(found, limit)
    budget.text(len(text) + changed * (len(after) - len(before)))
    return text.replace(before, after, changed)


def _affix(method: str) -> Callable[..., bool]:
    test: Callable[..., bool] = getattr(str, method)

    def run(budget: WorkLeft, text: str, affix: Any, start: Any = None, end: Any = None) -> bool:
        several = affix if isinstance(affix, tuple) else (affix,)
        wanted = tuple(_text(method, one) for one in several)
        budget.spend(sum(1 + len(one) // CHARACTERS_PER_STEP for one in wanted))
        return test(text, wanted, _position(method, start), _position(method, end))

    return run


def _seeker(method: str) -> Callable[..., int]:
    seek: Callable[..., int] = str.find if method == "index" else getattr(str, method)

    def run(budget: WorkLeft, text: str, wanted: Any, start: Any = None, end: Any = None) -> int:
        pattern = _text(method, wanted)
        search(text, pattern, budget)
        found = seek(text, pattern, _position(method, start), _position(method, end))
        if found < 0 and method == "index":
            raise EvaluationError(f"{described(wanted)} is not in {described(text)}", "ValueError")
        return found

    return run


def _join(budget: WorkLeft, separator: str, values: Any) -> str:
    items = items_of(values)
    budget.items(len(items))
    texts = []
    for position, item in enumerate(items):
        if not isinstance(item, str):
            raise EvaluationError(
                f"`join` takes text, but item {position} is {described(item)}: write str(...) around it"
            )
        texts.append(datum(item))
    budget.text(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def _partition(budget: WorkLeft, text: str, sep: Any) -> tuple[str, str, str]:
    separator = _text("partition", sep)
    if not separator:
        raise EvaluationError("`partition` takes a separator that is not empty", "ValueError")
    search(text, separator, budget)
    budget.text(len(text))
    return text.partition(separator)


def _remover(method: str) -> Callable[..., str]:
    remove: Callable[[str, str], str] = getattr(str, method)

    def run(budget: WorkLeft, text: str, affix: Any) -> str:
        budget.text(len(text))
        return remove(text, _text(method, affix))

    return run


def _isdigit(budget: WorkLeft, text: str) -> bool:
    budget.spend(len(text) // CHARACTERS_PER_STEP)
    return text.isdigit()


def _setter(method: str) -> Callable[..., str]:
    """The methods that set a text into a width."""
    set_in: Callable[..., str] = getattr(str, method)

    def run(budget: WorkLeft, text: str, width: Any, fill: Any = " ") -> str:
        wide, filling = _whole(method, width), _text(method, fill)
        if len(filling) != 1:
            raise EvaluationError(f"`{method}` fills with one character, not with {described(fill)}")
        if wide > MAX_WIDTH and wide > len(text):
            raise BoundError(f"`{method}` to a width of {wide:,}; the bound is {MAX_WIDTH:,}")
        budget.text(max(wide, len(text)))
        return set_in(text, wide) if method == "zfill" else set_in(text, wide, filling)

    return run


TEXT: dict[str, Listed] = {
    "split": Listed(_splitter("split"), 0, 2, frozenset({"sep", "maxsplit"}), gives="list"),
    "rsplit": Listed(_splitter("rsplit"), 0, 2, frozenset({"sep", "maxsplit"}), gives="list"),
    "splitlines": Listed(_splitlines, 0, 1, frozenset({"keepends"}), gives="list"),
    "strip": Listed(_stripper("strip"), 0, 1),
    "lstrip": Listed(_stripper("lstrip"), 0, 1),
    "rstrip": Listed(_stripper("rstrip"), 0, 1),
    "lower": Listed(_caser("lower"), 0, 0),
    "upper": Listed(_caser("upper"), 0, 0),
    "title": Listed(_caser("title"), 0, 0),
    "replace": Listed(_replace, 2, 3, frozenset({"count"})),
    "startswith": Listed(_affix("startswith"), 1, 3),
    "endswith": Listed(_affix("endswith"), 1, 3),
    "join": Listed(_join, 1, 1),
    "find": Listed(_seeker("find"), 1, 3),
    "count": Listed(_seeker("count"), 1, 3),
    "index": Listed(_seeker("index"), 1, 3),
    "partition": Listed(_partition, 1, 1),
    "removeprefix": Listed(_remover("removeprefix"), 1, 1),
    "removesuffix": Listed(_remover("removesuffix"), 1, 1),
    "isdigit": Listed(_isdigit, 0, 0),
    "capitalize": Listed(_caser("capitalize"), 0, 0),
    "casefold": Listed(_caser("casefold"), 0, 0),
    "zfill": Listed(_setter("zfill"), 1, 1),
    "ljust": Listed(_setter("ljust"), 1, 2),
    "rjust": Listed(_setter("rjust"), 1, 2),
    "center": Listed(_setter("center"), 1, 2),
}

# ------------------------------------------------------------------------------------------------------- mappings


def _get(budget: WorkLeft, mapping: Mapping[Any, Any], key: Any, default: Any = None) -> Any:
    key = hashable(key, budget)
    return mapping.get(key, default)


def _keys(budget: WorkLeft, mapping: Mapping[Any, Any]) -> list[Any]:
    budget.items(len(mapping))
    return list(mapping.keys())


def _values(budget: WorkLeft, mapping: Mapping[Any, Any]) -> list[Any]:
    budget.items(len(mapping))
    return list(mapping.values())


def _items(budget: WorkLeft, mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    budget.items(len(mapping), 80)
    return list(mapping.items())


def _copy(budget: WorkLeft, mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    budget.items(len(mapping), 100)
    return dict(mapping)


def _get_field(budget: WorkLeft, record: Any, name: Any, default: Any = None) -> Any:
    key = datum(name)
    return field_of(record, key, budget) if isinstance(key, str) and key in field_names(record) else default


_OF_A_RECORD = Listed(_get_field, 1, 2)

MAPPING: dict[str, OfMapping] = {
    "get": OfMapping(_get, 1, 2, holds="found", labels=through.under_key),
    "keys": OfMapping(_keys, 0, 0, holds="views", labels=through.keys),
    "values": OfMapping(_values, 0, 0, holds="views", labels=through.values),
    "items": OfMapping(_items, 0, 0, holds="views", labels=through.pairs),
    "copy": OfMapping(_copy, 0, 0, holds="items", labels=through.same),
}
