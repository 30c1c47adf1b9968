"""The listed methods of text and of mappings (rule L3), each refused before it exceeds a bound (rule L25)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from superscalar.plan import dates
from superscalar.plan.bounds import (
    CHARACTERS_PER_STEP,
    MAX_ITEMS,
    MAX_TEXT,
    MAX_WIDTH,
    BoundError,
    Budget,
    EvaluationError,
)
from superscalar.plan.elements import cut, datum, described, field_names, field_of, hashable, items_of
from superscalar.plan.listed import Listed
from superscalar.plan.operators import search
from superscalar.values import record_fields


def method_of(value: Any, name: str) -> tuple[Listed, Any]:
    """The method `name` of `value` and the value to call it with (rule L4: what is called is a method)."""
    value = datum(value)
    kind: dates.Kind | None = None
    if isinstance(value, str):
        if name in TEXT:
            return TEXT[name], value
        if name == "format":
            raise EvaluationError('text has no `format` here: write an f-string, like f"{value}"', "AttributeError")
    elif isinstance(value, Mapping) and name in MAPPING:
        return MAPPING[name], value
    elif (found := dates.method_of(value, name)) is not None:
        return found, value
    elif name == "get" and record_fields(value) is not None and name not in field_names(value):
        return _OF_A_RECORD, value
    if isinstance(value, str):
        has = f"; text has: {', '.join(TEXT)}"
    elif isinstance(value, Mapping):
        has = f"; a mapping has: {', '.join(MAPPING)}"
    elif (kind := dates.kind_of(value)) is not None:
        has = f"; a {kind.name} has: {', '.join(kind.methods)}"
    else:
        has = ""
    if name in field_names(value) or (kind is not None and name in kind.parts):
        has = f"; it is a field: write `.{name}` without parentheses"
    raise EvaluationError(f"{described(value)} has no method `{cut(name)}`{has}", "AttributeError")


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

    def run(budget: Budget, text: str, sep: Any = None, maxsplit: Any = -1) -> list[str]:
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


def _splitlines(budget: Budget, text: str, keepends: Any = False) -> list[str]:
    budget.text(len(text))
    budget.items(sum(text.count(end) for end in _LINE_ENDS) - text.count("\r\n"), _PART)
    return text.splitlines(bool(_whole("splitlines", keepends)))


def _stripper(method: str) -> Callable[..., str]:
    strip: Callable[..., str] = getattr(str, method)

    def run(budget: Budget, text: str, characters: Any = None) -> str:
        wanted = None if characters is None else _text(method, characters)
        if wanted is not None and len(wanted) > MAX_WIDTH:
            raise BoundError(f"`{method}` of {len(wanted):,} different characters; the bound is {MAX_WIDTH:,}")
        budget.text(len(text))
        budget.spend(len(text) * len(wanted or "") // 256)
        return strip(text, wanted)

    return run


def _caser(method: str) -> Callable[..., str]:
    change: Callable[[str], str] = getattr(str, method)

    def run(budget: Budget, text: str) -> str:
        budget.text(len(text) if text.isascii() else 3 * len(text))  # one character becomes up to three
        return change(text)

    return run


def _replace(budget: Budget, text: str, old: Any, new: Any, count: Any = -1) -> str:
    before, after, limit = _text("replace", old), _text("replace", new), _whole("replace", count)
    search(text, before, budget)
    found = text.count(before)
    changed = found if limit < 0 else min(found, limit)
    budget.text(len(text) + changed * (len(after) - len(before)))
    return text.replace(before, after, changed)


def _affix(method: str) -> Callable[..., bool]:
    test: Callable[..., bool] = getattr(str, method)

    def run(budget: Budget, text: str, affix: Any, start: Any = None, end: Any = None) -> bool:
        several = affix if isinstance(affix, tuple) else (affix,)
        wanted = tuple(_text(method, one) for one in several)
        budget.spend(sum(1 + len(one) // CHARACTERS_PER_STEP for one in wanted))
        return test(text, wanted, _position(method, start), _position(method, end))

    return run


def _seeker(method: str) -> Callable[..., int]:
    seek: Callable[..., int] = getattr(str, method)

    def run(budget: Budget, text: str, wanted: Any, start: Any = None, end: Any = None) -> int:
        pattern = _text(method, wanted)
        search(text, pattern, budget)
        return seek(text, pattern, _position(method, start), _position(method, end))

    return run


def _join(budget: Budget, separator: str, values: Any) -> str:
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


TEXT: dict[str, Listed] = {
    "split": Listed(_splitter("split"), 0, 2, frozenset({"sep", "maxsplit"})),
    "rsplit": Listed(_splitter("rsplit"), 0, 2, frozenset({"sep", "maxsplit"})),
    "splitlines": Listed(_splitlines, 0, 1, frozenset({"keepends"})),
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
}

# ------------------------------------------------------------------------------------------------------- mappings


def _get(budget: Budget, mapping: Mapping[Any, Any], key: Any, default: Any = None) -> Any:
    key = hashable(key, budget)
    return mapping.get(key, default)


def _keys(budget: Budget, mapping: Mapping[Any, Any]) -> list[Any]:
    budget.items(len(mapping))
    return list(mapping.keys())


def _values(budget: Budget, mapping: Mapping[Any, Any]) -> list[Any]:
    budget.items(len(mapping))
    return list(mapping.values())


def _items(budget: Budget, mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    budget.items(len(mapping), 80)
    return list(mapping.items())


def _get_field(budget: Budget, record: Any, name: Any, default: Any = None) -> Any:
    key = datum(name)
    return field_of(record, key, budget) if isinstance(key, str) and key in field_names(record) else default


_OF_A_RECORD = Listed(_get_field, 1, 2)

MAPPING: dict[str, Listed] = {
    "get": Listed(_get, 1, 2),
    "keys": Listed(_keys, 0, 0),
    "values": Listed(_values, 0, 0),
    "items": Listed(_items, 0, 0),
}
