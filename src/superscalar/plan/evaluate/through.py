"""How labels go through functions and methods: each rule says what comes out of what is looked at.

A rule returns None where nothing is known of the structure: then what comes out has the label of all that is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import TypeGuard

from superscalar.labels import NOTHING, PLAN, Label, joined, widened
from superscalar.plan.evaluate.listed import Reading
from superscalar.plan.evaluate.parts import (
    Entries,
    Labelled,
    Parts,
    also,
    either,
    from_pairs,
    got,
    keyed,
    listed,
    merged,
    numbered,
    sliced,
    some,
    whole,
    with_rest,
    zipped,
)
from superscalar.plan.ir import Apply, Expr, Lambda, Literal, Method, Sequence


def length(reading: Reading, call: Apply) -> Labelled | None:
    """How many there are."""
    found = _only(reading, call)
    return None if found is None else widened(PLAN | found.shape)


def items(reading: Reading, call: Apply) -> Labelled | None:
    """Each item, where it stands."""
    found = _only(reading, call)
    return None if found is None else also(found, PLAN)


def backwards(reading: Reading, call: Apply) -> Labelled | None:
    """Each item, from the last to the first."""
    found = _only(reading, call)
    return None if found is None else also(sliced(found, slice(None, None, -1)), PLAN)


def in_order(reading: Reading, call: Apply) -> Labelled | None:
    """Any item in any place: which one, all that is compared decides."""
    found = _only(reading, call)
    return None if found is None else some(_compared(reading, call, found), found.any)


def best(reading: Reading, call: Apply) -> Labelled | None:
    """One of the items: which one, all that is compared decides."""
    found = _only(reading, call)
    return None if found is None else also(found.any, _compared(reading, call, found))


def first(reading: Reading, call: Apply) -> Labelled | None:
    """The first item, or what it is given for when there is none."""
    found = _list(reading, call)
    if found is None:
        return None
    each = found.in_order
    begin = found.any if each is None else each[0] if each else NOTHING
    return also(reduce(either, map(reading.of, call.arguments[1:]), begin), PLAN | found.shape)


def rest(reading: Reading, call: Apply) -> Labelled | None:
    """So many items, a list of the others, and so many again."""
    found = _list(reading, call)
    match call.arguments:
        case (_, Literal(int(before)), Literal(int(behind))) if found is not None:
            return with_rest(found, before, behind)
    return None


def rows(reading: Reading, call: Apply) -> Labelled | None:
    """One item of each list at a time."""
    return also(zipped([listed(reading.of(one)) for one in call.arguments]), _of_keywords(reading, call))


def with_numbers(reading: Reading, call: Apply) -> Labelled | None:
    """Each item behind its number."""
    match call.arguments:
        case (only, *start):
            begin = widened(joined(map(reading.whole, start)) | _of_keywords(reading, call))
            return numbered(listed(reading.of(only)), begin)
    return None


def entries(reading: Reading, call: Apply) -> Labelled | None:
    """A mapping of a mapping or of pairs, and of keywords."""
    more = Entries(PLAN, {name: reading.of(value) for name, value in call.keywords})
    match call.arguments:
        case (Sequence(items=pairs),) if (written := _constant_pairs(pairs)) is not None:
            return merged(reading.written(written), more)
    begin: Entries | None = Entries(PLAN, {})
    if call.arguments:
        given, *_ = map(reading.of, call.arguments)
        is_list = isinstance(given, Parts) and given.count is not None
        begin = from_pairs(listed(given)) if is_list else keyed(given)
    return None if begin is None else merged(begin, more)


def under_each(reading: Reading, call: Apply) -> Labelled | None:
    """A mapping with one value under each key."""
    match call.arguments:
        case (keys, *value):
            return Entries(PLAN | widened(reading.whole(keys)), {}, each=reading.of(value[0]) if value else PLAN)
    return None


def _list(reading: Reading, call: Apply) -> Parts | None:
    """The items of the first argument, if anything is known of them."""
    found = reading.of(call.arguments[0]) if call.arguments else None
    if not isinstance(found, Parts) or (found.count is None and not isinstance(found, Entries)):
        return None
    return listed(found)


def _only(reading: Reading, call: Apply) -> Parts | None:
    """The same, where nothing else may come out."""
    alone = len(call.arguments) == 1 and all(name != "default" for name, _ in call.keywords)
    return _list(reading, call) if alone else None


def _compared(reading: Reading, call: Apply, found: Parts) -> Label:
    """The label of which item comes where."""
    compared = whole(found.any)
    key = dict(call.keywords).get("key")
    if isinstance(key, Lambda) and len(key.parameters) == 1:
        compared = reading.naming({key.parameters[0]: found.any}).whole(key.body)
    return (
        PLAN | found.shape | compared | joined(reading.whole(given) for name, given in call.keywords if name != "key")
    )


def _of_keywords(reading: Reading, call: Apply) -> Label:
    return joined(reading.whole(value) for _, value in call.keywords)


def _constant_pairs(pairs: Iterable[Expr]) -> list[tuple[Expr, Expr]] | None:
    """The keys and values of pairs that are written out, if all the keys stand in the plan."""
    found: list[tuple[Expr, Expr]] = []
    for pair in pairs:
        match pair:
            case Sequence(kind="list" | "tuple", items=(Literal() as key, value)):
                found.append((key, value))
            case _:
                return None
    return found


# ---------------------------------------------------------------------------------------------- methods of mappings


def under_key(reading: Reading, found: Labelled, call: Method) -> Labelled | None:
    """What `get` finds, or what it is given for when there is nothing."""
    match call.arguments, call.keywords:
        case (Literal(constant), *otherwise), ():
            return got(found, constant, reading.of(otherwise[0]) if otherwise else PLAN)
        case (key, *otherwise), () if isinstance(found, Entries):
            default = reading.of(otherwise[0]) if otherwise else PLAN
            return also(either(found.any, default), found.shape | reading.whole(key))
    return None


def keys(_: Reading, found: Labelled, call: Method) -> Labelled | None:
    """The keys of a mapping."""
    return found.keys if _alone(found, call) else None


def values(_: Reading, found: Labelled, call: Method) -> Labelled | None:
    """The values of a mapping."""
    return found.values if _alone(found, call) else None


def pairs(_: Reading, found: Labelled, call: Method) -> Labelled | None:
    """The keys and values of a mapping."""
    return found.pairs if _alone(found, call) else None


def same(_: Reading, found: Labelled, call: Method) -> Labelled | None:
    """The mapping itself."""
    return found if _alone(found, call) else None


def _alone(found: Labelled, call: Method) -> TypeGuard[Entries]:
    return isinstance(found, Entries) and not call.arguments and not call.keywords
