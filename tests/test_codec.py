"""Events as JSON: everything comes back, the format stays what it was, and handles are refused by name."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from superscalar import events
from superscalar.codec import VERSION, Unreadable, Unwritable, dumps, from_json, loads, to_json
from superscalar.events import Event, Succeeded
from superscalar.short import cut
from superscalar.values import (
    WITHHELD,
    Failure,
    Observation,
    Record,
    copied,
    plain,
    record_fields,
)
from support.random_events import ONE_OF_EACH, random_events
from support.random_values import VALUES, anatomy, parts_of

GOLDEN = Path(__file__).parent / "golden" / "events-v1.jsonl"

# ------------------------------------------------------------------------------------------------- everything returns


def _sent(event: Event) -> Event:
    return from_json(json.loads(json.dumps(to_json(event))))


def _written(value: Any) -> Any:
    """What a value comes back as."""
    event = _sent(Succeeded(0.0, "x", value))
    assert isinstance(event, Succeeded)
    return event.value


@settings(deadline=None)
@given(VALUES)
def test_a_value_comes_back_with_its_types(value: Any) -> None:
    """Through JSON text; 1, 1.0 and True, lists and tuples, and keys that are no text are told apart."""
    assert anatomy(_written(value)) == anatomy(value)


@settings(deadline=None)
@given(random_events())
def test_an_event_comes_back_whole(event: Event) -> None:
    """Of every kind, with random tasks, expressions and values in it."""
    returned = _sent(event)
    assert type(returned) is type(event)
    for field in dataclasses.fields(event):
        found, expected = getattr(returned, field.name), getattr(event, field.name)
        assert anatomy(found) == anatomy(expected), field.name


@settings(deadline=None)
@given(random_events())
def test_the_quick_way_to_text_says_the_same(event: Event) -> None:
    """`dumps` goes straight to text; read again, it is what `to_json` gives."""
    assert anatomy(json.loads(dumps(event))) == anatomy(json.loads(json.dumps(to_json(event))))
    assert parts_of(loads(dumps(event))) == parts_of(_sent(event))


@given(st.integers(190, 210), st.sampled_from([lambda v: [v], lambda v: {"a": v}, lambda v: [v] * 20, lambda v: (v,)]))
def test_both_ways_bear_the_same_depth(depth: int, wrap: Callable[[Any], Any]) -> None:
    """Whatever is too deep for one is too deep for the other, and is refused for that reason."""
    value: Any = 1
    for _ in range(depth):
        value = wrap(value) if wrap(1) != [1] * 20 else [value, *range(20)]
    event = Succeeded(0.0, "x", value)
    assert _said(dumps, event) == _said(lambda event: json.dumps(to_json(event), separators=(",", ":")), event)


def _said(write: Callable[[Event], str], event: Event) -> str:
    """The text, or why there is none."""
    try:
        return write(event)
    except Unwritable as refused:
        return str(refused)


_SCALARS = (
    st.decimals()
    | st.uuids()
    | st.builds(Path, st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5))
    | st.builds(PureWindowsPath, st.sampled_from(["C:/a", "b"]))
)


_KEYS = _SCALARS.filter(lambda value: not (isinstance(value, Decimal) and value.is_snan()))  # those cannot be hashed


@given(_SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(_KEYS, _SCALARS, max_size=2))
def test_numbers_ids_and_paths_of_the_standard_library_come_back(value: Any) -> None:
    """Decimals with their digits, also those that are no number; paths as paths of this system or of another."""
    assert repr(_written(value)) == repr(value)


def test_a_path_of_another_system_comes_back_pure() -> None:
    """There are no files behind it here."""
    other = "WindowsPath" if os.name == "posix" else "PosixPath"
    value = from_json(_GOOD | {"value": {"_": "path", "v": "a", "type": other}})
    assert value == Succeeded(0.5, "x", PureWindowsPath("a") if os.name == "posix" else PurePosixPath("a"))


class Account(BaseModel):
    user: str
    password: SecretStr
    key: SecretBytes


def test_secrets_are_not_written() -> None:
    """Of a secret type only is told that something was withheld; what comes back is no text that a tool could use."""
    event = Succeeded(0.0, "x", Account(user="ann", password=SecretStr("hunter2"), key=SecretBytes(b"hunter3")))
    assert "hunter" not in dumps(event)
    value = _written(event.value)
    assert (value.user, value.password, value.key) == ("ann", WITHHELD, WITHHELD)
    assert anatomy(_written(value)) == anatomy(value)


# ------------------------------------------------------------------------------------------------------------- records


class Point(NamedTuple):
    x: int
    y: int


@dataclass(frozen=True)
class Quote:
    ticker: str
    at: Point


class News(BaseModel):
    title: str
    quotes: list[Quote]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def test_records_come_back_as_their_fields() -> None:
    """The class is not looked for; its name and every field are there, read-only, also when written once more."""
    value = _written(News(title="up", quotes=[Quote("IBM", Point(1, 2))]))
    quote = Record("test_codec.Quote", {"ticker": "IBM", "at": Point(1, 2)})
    assert value == Record("test_codec.News", {"title": "up", "quotes": [quote]})
    assert (value.title, value.quotes[0].at.y) == ("up", 2)
    assert record_fields(value) == {"title": "up", "quotes": [quote]}
    assert plain(value) == {"title": "up", "quotes": [{"ticker": "IBM", "at": {"x": 1, "y": 2}}]}
    assert repr(quote) == f"Quote(ticker='IBM', at={Point(1, 2)!r})"
    assert _written(value) == value
    with pytest.raises(AttributeError, match="no field `body`"):
        _ = value.body
    with pytest.raises(AttributeError, match="cannot be changed: `title`"):
        value.title = "down"


def test_a_copied_record_shares_nothing_that_can_change() -> None:
    """Tools get copies of records that were read back, as of any value."""
    value = Record("News", {"quotes": [1]})
    copy = copied(value)
    copy.quotes.append(2)
    assert value == Record("News", {"quotes": [1]})
    assert hash(Record("Q", {"a": 1})) == hash(Record("Q", {"a": 1})) != hash(Record("Q", {"a": 2}))


def test_named_tuples_still_unpack() -> None:
    """They are no longer of the class that they were, but of one that behaves the same."""
    value = _written(Point(1, 2))
    x, y = value
    assert (x, y, value.x, value[1], record_fields(value)) == (1, 2, 1, 2, {"x": 1, "y": 2})
    assert to_json(Succeeded(0.0, "x", value)) == to_json(Succeeded(0.0, "x", Point(1, 2)))


def test_numbers_and_text_of_derived_classes_come_back_plain() -> None:
    """An `IntEnum` is a number."""
    assert anatomy(_written([Level.HIGH])) == anatomy([3])


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("value", "path", "kind"),
    [
        (threading.Event(), "value", "threading.Event"),
        ({"rows": [0, {"cursor": len}]}, "value['rows'][1]['cursor']", "builtin_function_or_method"),
        (Quote("IBM", Point(object(), 2)), "value.at.x", "object"),  # type: ignore[arg-type]
        ({(1, 2): {3: 1j}}, "value[(1, 2)][3]", "complex"),
        ({1j: 1}, "value (the key 1j)", "complex"),
        ({1 << 20_000: len}, f"value[{cut(hex(1 << 20_000), 200)}]", "builtin_function_or_method"),
        ([Failure("items", "one failed", items=(Observation(object()),))], "value[0].items[0].value", "object"),
    ],
)
def test_a_handle_is_refused_with_the_place_where_it_stands(value: Any, path: str, kind: str) -> None:
    """So that whoever wrote the tool can find it."""
    with pytest.raises(Unwritable) as caught:
        to_json(Succeeded(0.0, "x", value))
    assert (caught.value.path, caught.value.type) == (path, kind)
    assert str(caught.value) == f"`{path}` cannot be written: a {kind} is an opaque handle of this process"


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("not ready")


def test_what_is_for_people_holds_the_repr_of_a_handle() -> None:
    """What a call was made with and the joiner's answer are never computed from again, so they refuse nothing."""
    started = _sent(events.Started(0.0, "x", "send", {"to": [len], "at": {"x": Unshowable(), "y": 2}}))
    shown = {"to": "[<built-in function len>]", "at": {"x": "<test_codec.Unshowable>", "y": 2}}
    assert started == events.Started(0.0, "x", "send", shown)
    assert _sent(events.Joined(0.0, len)) == events.Joined(0.0, "<built-in function len>")


def test_a_value_that_holds_itself_is_refused() -> None:
    """With a path, not with a crash."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Unwritable, match="a list is nested more than 200 levels deep, or holds itself"):
        to_json(Succeeded(0.0, "x", value))


_GOOD = {"v": 1, "event": "Succeeded", "at": 0.5, "id": "x", "value": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v": VERSION + 1}, "has format 2 and this release of superscalar reads up to 1"),
        ({"v": None}, "no format version"),
        ({"event": "Exploded"}, "format 1 has no event `Exploded`"),
        ({"colour": "red"}, "`Succeeded` has no field colour"),
        ({"event": "Started"}, "`Started` has no field value"),
        ({"event": "RunEnded", "id": ...}, "`RunEnded` has no field value"),
        ({"value": ...}, "`Succeeded` lacks value"),
        ({"value": {"_": "call", "v": "os.system"}}, "no value"),
        ({"value": {"_": "date", "v": "yesterday"}}, "no date"),
        ({"value": {"_": "set", "v": [[]]}}, "no set"),
        ({"value": {"_": "namedtuple", "type": "m.P(), 1", "v": {"x": 1}}}, "no namedtuple"),
        ({"value": {"_": "datetime", "v": "2024-01-01T00:00:00", "zone": "Nowhere/At_all"}}, "no datetime"),
        ({"event": "Failed", "value": ..., "failure": {"Popen": ["ls"]}}, "no part of a plan or outcome"),
        ({"event": "Failed", "value": ..., "failure": {"Failure": ["error"]}}, "`Failure` has 7 fields, at least 2"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(change: dict[str, Any], message: str) -> None:
    """A newer version first of all, then anything that does not fit. An ellipsis stands for a field that is missing."""
    changed = {name: content for name, content in (_GOOD | change).items() if content is not ...}
    with pytest.raises(Unreadable) as caught:
        from_json(changed)
    assert message in str(caught.value)


def test_data_names_no_class_that_could_be_called() -> None:
    """A record of a class that exists is still only its fields."""
    value = from_json(_GOOD | {"value": {"_": "record", "type": "subprocess.Popen", "v": {"args": ["ls"]}}})
    assert value == Succeeded(0.5, "x", Record("subprocess.Popen", {"args": ["ls"]}))


# --------------------------------------------------------------------------------------------------------- the format


def test_the_format_is_what_it_was() -> None:
    """One event of every kind against a file that never changes while the version stays the same."""
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))
    assert [json.dumps(to_json(event)) for event in ONE_OF_EACH] == GOLDEN.read_text().splitlines()


def test_what_was_written_before_is_still_read() -> None:
    """The same file, read."""
    read = [from_json(json.loads(line)) for line in GOLDEN.read_text().splitlines()]
    assert [repr(event) for event in read] == [repr(event) for event in ONE_OF_EACH]
