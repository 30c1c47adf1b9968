"""Random values of the plan language (rule L24), and a way to compare them, types included."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import zoneinfo
from typing import Any, NamedTuple

from hypothesis import strategies as st

from superscalar import Attachment
from superscalar.values import Failure, Observation, OrderedSet, Record, Skipped


class Point(NamedTuple):
    """A record that is also a tuple."""

    x: Any
    y: Any


_ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30)), zoneinfo.ZoneInfo("UTC")])

SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(4_090, 20_000).map(lambda bits: -(1 << bits))
    | st.floats()
    | st.text(st.characters(), max_size=5)  # lone surrogates too
    | st.sampled_from(["_", "v", "$1", "{}"])
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes(timezones=_ZONES)
    | st.times()
    | st.timedeltas()
)
_KEYS = SCALARS | st.tuples(SCALARS, SCALARS)


def _collections(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(["price", "type", "_", "v"]), items, max_size=3)
    return (
        st.lists(items, max_size=4)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(_KEYS, items, max_size=3)
        | named
        | st.sets(_KEYS, max_size=3)
        | st.frozensets(_KEYS, max_size=3)
        | st.lists(_KEYS, max_size=4).map(OrderedSet)
        | st.builds(Record, st.sampled_from(["shop.Quote", "Quote"]), named)
        | st.builds(Point, items, items)
        | st.builds(Observation, items)
        | st.builds(Skipped, st.text(max_size=3), st.booleans())
        | st.builds(Failure, st.just("items"), st.text(max_size=3), items=st.tuples(st.builds(Observation, items)))
    )


FILES: st.SearchStrategy[Attachment] = st.builds(
    Attachment,
    st.sampled_from(["image/png", "text/plain"]),
    st.binary(max_size=5),
    uri=st.text(max_size=3),
    name=st.text(max_size=3),
)

VALUES: st.SearchStrategy[Any] = st.recursive(SCALARS | FILES, _collections, max_leaves=12)


def anatomy(value: Any) -> Any:
    """A value with the types of all its parts written out: equal for two values that nothing tells apart."""
    kind = type(value).__name__
    match value:
        case dict() | collections.abc.Mapping():
            return kind, [(anatomy(key), anatomy(item)) for key, item in value.items()]
        case set() | frozenset():
            return kind, sorted((anatomy(item) for item in value), key=repr)
        case OrderedSet() | list() | tuple():
            return kind, getattr(value, "_fields", None), [anatomy(item) for item in value]
        case Record():
            return kind, value.__record_type__, anatomy(value.__record_fields__)
        case Observation():
            return kind, anatomy(value.value)
        case Failure():
            return kind, value.kind, value.message, anatomy(value.items)
        case Skipped(items=tuple(items)):
            return kind, value.because, value.by_guard, anatomy(items), anatomy(value.holder.keys), value.holder.adrift
        case Attachment():
            return kind, value.media_type, value.content, value.uri, value.name
        case int():
            return kind, hex(value)  # Python refuses to write the decimal digits of a very wide one
        case _:
            return kind, repr(value)


def parts_of(event: Any) -> Any:
    """The anatomy of each of an event's fields."""
    return type(event).__name__, {f.name: anatomy(getattr(event, f.name)) for f in dataclasses.fields(event)}
