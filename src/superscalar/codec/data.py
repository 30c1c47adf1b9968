"""Events, nodes and values as JSON data, and all three back from it."""

from __future__ import annotations

import base64
import collections
import datetime as dt
import json
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal, DecimalException
from enum import Enum
from functools import lru_cache
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final, TypeAlias, get_args
from uuid import UUID

from superscalar import events
from superscalar.attachments import Attachment
from superscalar.errors import SuperscalarError, UsageError
from superscalar.events import Event
from superscalar.everyday import as_data
from superscalar.labels import Label, Source
from superscalar.plan import ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.short import cut
from superscalar.values import (
    WITHHELD,
    Failure,
    Handle,
    Holder,
    Observation,
    OrderedSet,
    Record,
    Skipped,
    Usage,
    Withheld,
    record_fields,
)

VERSION: Final = 1
"""The format that is written. Every older one can be read."""

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class Unwritable(SuperscalarError):
    """A value has no form as data: an opaque handle, or something nested too deeply.

    `path` says where it stands, from the event's field on (`value["rows"][3].cursor`); `type` is its class, `reason`
    what is the matter with it.
    """

    def __init__(self, path: str, type: str, reason: str) -> None:
        self.path = path
        self.type = type
        self.reason = reason
        super().__init__(f"`{path}` cannot be written: a {type} {reason}")


class Unreadable(SuperscalarError):
    """This is no event of a format that this release knows. The message says what is wrong with it."""


def to_json(event: Event) -> dict[str, JSON]:
    """An event as JSON data. Fields that have their default are left out.

    Of a secret (pydantic's `SecretStr` and the like) only is written that it was one. What a call was made with, the
    joiner's answer and a tool's progress are for people: an opaque handle in there is written as its repr.

    Numbers, text, bytes and dates of a class derived from Python's own (an `IntEnum`) come back as the plain one,
    records as `superscalar.values.Record`, named tuples as named tuples of the same name and fields.

    Raises:
        Unwritable: a value in it is an opaque handle; says which.
    """
    kind = type(event)
    made: dict[str, JSON] = {"v": VERSION, "event": kind.__name__}
    for name, default in FIELDS[kind].items():
        content = getattr(event, name)
        if default is MISSING or content != default:
            try:
                made[name] = _field_to_json(kind, name, content)
            except Formless as handle:
                if (kind, name) in _FOR_PEOPLE:
                    made[name] = _shown_to_json(content)
                    continue
                raise Unwritable(name + "".join(reversed(handle.steps)), _name(handle.kind), handle.reason) from None
    return made


def data_of(value: Any) -> JSON:
    """A value as JSON data, as it stands in events.

    Raises:
        Unwritable: it is an opaque handle, or holds one.
    """
    try:
        return value_to_json(value, 0)
    except Formless as handle:
        path = "value" + "".join(reversed(handle.steps))
        raise Unwritable(path, _name(handle.kind), handle.reason) from None


def loads(text: str) -> Event:
    """The event that `dumps` wrote.

    Raises:
        Unreadable: it is none, or it was written by a newer release.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not an event: {_short(text)} ({error})") from error
    if not isinstance(data, dict):
        raise Unreadable(f"not an event: {_short(data)}")
    return from_json(data)


def from_json(data: Mapping[str, Any]) -> Event:
    """The event that `to_json` was given.

    Raises:
        Unreadable: it is not one, or it was written by a newer release.
    """
    version = data.get("v")
    if not isinstance(version, int) or version < 1:
        raise Unreadable(f"not an event: no format version in {_short(data)}")
    if version > VERSION:
        raise Unreadable(
            f"this event has format {version} and this release of superscalar reads up to {VERSION}: "
            "read it with the release that wrote it, or a newer one"
        )
    kind = _EVENTS.get(str(data.get("event")))
    if kind is None:
        raise Unreadable(f"format {version} has no event `{data.get('event')}`")
    known = FIELDS[kind]
    given = {name: content for name, content in data.items() if name not in ("v", "event")}
    if unknown := given.keys() - known.keys():
        raise Unreadable(f"`{kind.__name__}` has no field {', '.join(sorted(unknown))}")
    if missing := [name for name, default in known.items() if default is MISSING and name not in given]:
        raise Unreadable(f"`{kind.__name__}` lacks {', '.join(missing)}")
    made: Event = kind(**{name: _field_from_json(kind, name, content) for name, content in given.items()})
    return made


# --------------------------------------------------------------------------------------------------------- nodes

_NODES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        *get_args(ir.Expr),
        *get_args(ir.Work),
        *(ir.Access, ir.Hole, ir.Clause, ir.Guard, ir.Input, ir.Need, ir.Span, ir.Task),
        *(Diagnostic, Failure, Holder, Label, Observation, Skipped, Source, Usage),
    )
}
_FOR_PEOPLE: Final = frozenset(
    {
        (events.Started, "arguments"),
        (events.Decided, "arguments"),
        (events.Joined, "answer"),
        (events.Progressed, "message"),
        (events.Progressed, "fraction"),
    }
)
"""What nothing is computed from again: what has no form as data there is written as its repr."""
_EVENTS: Final[Mapping[str, Any]] = {kind.__name__: kind for kind in get_args(Event)}
HOLDS_A_VALUE: Final = frozenset(
    {
        (ir.Literal, "value"),
        (ir.Supplied, "value"),
        (ir.Input, "default"),
        (Holder, "keys"),
        (Observation, "value"),
        (events.Started, "arguments"),
        (events.Decided, "arguments"),
        (events.Succeeded, "value"),
        (events.Joined, "answer"),
    }
)


def _defaults(kind: type) -> dict[str, Any]:
    """The fields of a class in order, each with its default or `MISSING`."""
    if kind is Label:
        return {"sources": MISSING, "readers": None}
    if is_dataclass(kind):
        return {field.name: field.default for field in fields(kind)}
    named: Any = kind
    return {name: named._field_defaults.get(name, MISSING) for name in named._fields}


FIELDS: Final[Mapping[type, Mapping[str, Any]]] = {
    kind: _defaults(kind) for kind in (*_NODES.values(), *_EVENTS.values())
}
"""The fields of every event and node in order, each with its default or `MISSING`."""


def _field_to_json(kind: type, name: str, content: Any) -> JSON:
    if (kind, name) in HOLDS_A_VALUE:
        return value_to_json(dict(content) if name == "arguments" else content, 0)
    if kind is Label and content is not None:
        content = tuple(sorted(content))  # a label keeps them in no order
    return node_to_json(content)


def _field_from_json(kind: type, name: str, data: Any) -> Any:
    return _value_from_json(data) if (kind, name) in HOLDS_A_VALUE else _node_from_json(data)


def node_to_json(node: Any) -> JSON:
    """A node: a part of a plan, an outcome, or a tuple of such; whatever else is a value.

    Raises:
        Formless: something in it is an opaque handle.
    """
    kind = type(node)
    if kind in FIELDS:
        made: list[JSON] = []
        told = 0
        for name, default in FIELDS[kind].items():
            content = getattr(node, name)
            try:
                made.append(_field_to_json(kind, name, content))
            except Formless as handle:
                handle.steps.append(_field(name))
                raise
            if default is MISSING or content != default:
                told = len(made)
        return {kind.__name__: made[:told]}
    if kind is tuple:
        return _each_to_json(enumerate(node), _item, node_to_json)
    return value_to_json(node, 0)


def _node_from_json(data: Any) -> Any:
    match data:
        case list():
            return tuple([_node_from_json(part) for part in data])
        case dict() if "_" not in data:
            (name, content), *others = data.items() or [("", None)]
            kind = _NODES.get(name)
            if kind is None or others or not isinstance(content, list):
                raise Unreadable(f"no part of a plan or outcome: {_short(data)}")
            known = list(FIELDS[kind])
            needed = sum(default is MISSING for default in FIELDS[kind].values())
            if not needed <= len(content) <= len(known):
                raise Unreadable(f"`{name}` has {len(known)} fields, at least {needed} of them given: {_short(data)}")
            return kind(*[_field_from_json(kind, field, part) for field, part in zip(known, content, strict=False)])
        case _:
            return _value_from_json(data)


# -------------------------------------------------------------------------------------------------------- values

DEEPEST: Final = 200
"""Levels of collections and records in one another that are written."""

_WIDEST_INT: Final = 4_096  # bits: beyond, Python itself refuses to write the digits


def value_to_json(value: Any, depth: int) -> JSON:
    """A value that stands so deep in what is written.

    Raises:
        Formless: it is an opaque handle, or holds one.
    """
    if depth > DEEPEST:
        raise Formless(type(value), f"is nested more than {DEEPEST} levels deep, or holds itself")
    try:
        match value:
            case None | bool():
                return value
            case Enum():
                return value_to_json(value._value_, depth + 1)
            case int():
                return int.__int__(value) if value.bit_length() <= _WIDEST_INT else _tagged("int", hex(value))
            case float():
                finite = value - value == 0
                return float.__float__(value) if finite else _tagged("float", float.__repr__(value))
            case str():
                return str.__str__(value)
            case bytes():
                return _tagged("bytes", base64.b64encode(value).decode("ascii"))
            case dt.datetime() | dt.time() | dt.date() | dt.timedelta():
                return _time_to_json(value)
            case dt.timezone():
                return _tagged("timezone", [value.utcoffset(None).total_seconds(), value.tzname(None)])
            case zoneinfo.ZoneInfo() if value.key:
                return _tagged("zone", value.key)
            case Observation() | Failure() | Skipped():
                return _tagged("outcome", node_to_json(value))
            case Decimal():
                return _tagged("decimal", Decimal.__str__(value))
            case UUID():
                return _tagged("uuid", UUID.__str__(value))
            case PurePath():
                kind = next(kind for kind in _PATHS if isinstance(value, kind))
                return _tagged("path", kind.__str__(value)) | {"type": kind.__name__}
            case Attachment():
                return _attachment_to_json(value)
            case Handle():
                return _tagged("handle", value.text)
            case ir.Unbound():
                return _tagged("unbound", None)
            case Withheld():
                return _tagged("secret", repr(value))
            case _ if hasattr(type(value), "get_secret_value"):  # pydantic's SecretStr, SecretBytes and Secret
                return _tagged("secret", repr(WITHHELD))
            case _:
                return _collection_to_json(value, depth + 1)
    except (Formless, RecursionError):
        raise
    except Exception as error:  # its methods are a tool's own code, if its class is
        raise Formless(type(value), f"raises {type(error).__name__} when it is read") from error


def _collection_to_json(value: Any, depth: int) -> JSON:
    kind = type(value)

    def write(part: Any) -> JSON:
        return value_to_json(part, depth)

    if kind is dict:
        items = _each_to_json(value.items(), _item, write)
        if all(type(key) is str for key in value) and "_" not in value:
            return dict(zip(value, items, strict=True))
        keys = _each_to_json(((key, key) for key in value), _key, write)
        return _tagged("dict", [list(pair) for pair in zip(keys, items, strict=True)])
    if kind in _COLLECTIONS:
        items = _each_to_json(enumerate(value), _item, write)
        return items if kind is list else _tagged(_COLLECTIONS[kind], items)
    if (parts := record_fields(value)) is not None:
        content = dict(zip(parts, _each_to_json(parts.items(), _field, write), strict=True))
        made = _tagged("namedtuple" if isinstance(value, tuple) else "record", content)
        return made | {"type": value.__record_type__ if isinstance(value, Record) else _name(kind)}
    base = next((base for base in (dict, list, set, frozenset) if issubclass(kind, base)), None)
    if base is not None:  # it comes back as what its class derives from
        return _collection_to_json(_as_base(value, base), depth)
    other = as_data(value, _itself)
    if type(other) is not kind:
        return value_to_json(other, depth)
    raise Formless(kind, "is an opaque handle of this process")


def _itself(value: Any) -> Any:
    return value


def _as_base(value: Any, base: Any) -> Any:
    """What is in a collection of another class, without the methods of that class."""
    return dict(dict.items(value)) if base is dict else base(base.__iter__(value))


_PATHS: Final = (PosixPath, WindowsPath, PurePosixPath, PureWindowsPath)  # the more special ones first
_PURE_PATHS: Final[Mapping[str, type[PurePath]]] = {
    "PosixPath": PurePosixPath,
    "WindowsPath": PureWindowsPath,
    "PurePosixPath": PurePosixPath,
    "PureWindowsPath": PureWindowsPath,
}


def _path(text: str, name: str) -> PurePath:
    """A path of the class that it was of; the pure one of the same kind, where this system has no such files."""
    if name in ("PosixPath", "WindowsPath") and name == type(Path()).__name__:
        return Path(text)
    return _PURE_PATHS[name](text)


def _shown_to_json(value: Any) -> JSON:
    """For people: what has no form as data is told by its repr, the rest is written as it is."""
    if isinstance(value, dict) and all(type(key) is str for key in value) and "_" not in value:
        return {key: _shown_to_json(item) for key, item in value.items()}
    try:
        return value_to_json(value, 0)
    except Formless:
        try:
            return _short(value)
        except Exception:  # noqa: BLE001 -- its repr is the tool's own code
            return f"<{_name(type(value))}>"


class Formless(Exception):
    """Something that cannot be written, and the steps that lead to it, the last one first."""

    def __init__(self, kind: type, reason: str) -> None:
        self.kind = kind
        self.reason = reason
        self.steps: list[str] = []


def _each_to_json(
    parts: Iterable[tuple[Any, Any]], step: Callable[[Any], str], write: Callable[[Any], JSON]
) -> list[JSON]:
    """The parts written; what cannot be is told by which step, from the whole to the part, it was reached."""
    made: list[JSON] = []
    for place, part in parts:
        try:
            made.append(write(part))
        except Formless as handle:
            handle.steps.append(step(place))
            raise
    return made


def _item(place: Any) -> str:
    return f"[{_short(place)}]"


def _field(name: str) -> str:
    return f".{name}"


def _key(key: Any) -> str:
    return f" (the key {_short(key)})"


_COLLECTIONS: Final[Mapping[type, str]] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    OrderedSet: "orderedset",
}


def _time_to_json(value: dt.date | dt.time | dt.timedelta) -> JSON:
    match value:
        case dt.timedelta():
            return _tagged("timedelta", [value.days, value.seconds, value.microseconds])
        case dt.datetime() | dt.time():
            made = _tagged("datetime" if isinstance(value, dt.datetime) else "time", value.isoformat())
            if isinstance(value.tzinfo, zoneinfo.ZoneInfo) and value.tzinfo.key:
                made |= {"v": value.replace(tzinfo=None).isoformat(), "zone": value.tzinfo.key}
            return made | ({"fold": 1} if value.fold else {})
        case _:
            return _tagged("date", value.isoformat())


def _attachment_to_json(value: Attachment) -> JSON:
    more = {"uri": value.uri, "name": value.name}
    made = _tagged("attachment", value.base64) | {"type": value.media_type}
    return made | {name: text for name, text in more.items() if text}


def _attachment(content: str, data: Mapping[str, Any]) -> Attachment:
    held = base64.b64decode(content, validate=True)
    try:
        return Attachment(data["type"], held, uri=data.get("uri", ""), name=data.get("name", ""))
    except UsageError as error:
        raise ValueError(str(error)) from None


def _value_from_json(data: Any) -> Any:
    match data:
        case None | bool() | int() | float() | str():
            return data
        case list():
            return [_value_from_json(item) for item in data]
        case dict() if "_" not in data:
            return {key: _value_from_json(item) for key, item in data.items()}
        case {"_": str(tag), "v": content} if tag in _READERS:
            try:
                return _READERS[tag](content, data)
            except (ValueError, TypeError, AttributeError, LookupError, DecimalException) as error:
                raise Unreadable(f"no {tag}: {_short(data)} ({error})") from error
        case _:
            raise Unreadable(f"no value: {_short(data)}")


def _time_of(kind: Any, data: Mapping[str, Any]) -> Any:
    made = kind.fromisoformat(data["v"]).replace(fold=data.get("fold", 0))
    return made.replace(tzinfo=zoneinfo.ZoneInfo(data["zone"])) if "zone" in data else made


def _zone(seconds: float, name: str) -> dt.timezone:
    plain = dt.timezone(dt.timedelta(seconds=seconds))
    return plain if plain.tzname(None) == name else dt.timezone(plain.utcoffset(None), name)


def _named_tuple(content: Mapping[str, Any], type_name: str) -> Any:
    module, _, name = type_name.rpartition(".")
    return _named_tuple_class(name, tuple(content), module)._make(_each(content.values()))


@lru_cache(maxsize=1_000)
def _named_tuple_class(name: str, names: tuple[str, ...], module: str) -> Any:
    return collections.namedtuple(name, names, rename=True, module=module)


def _each(items: Iterable[Any]) -> list[Any]:
    return [_value_from_json(item) for item in items]


_READERS: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Any]]] = {
    "int": lambda content, _: int(content, 16),
    "float": lambda content, _: float(content),
    "bytes": lambda content, _: base64.b64decode(content, validate=True),
    "date": lambda content, _: dt.date.fromisoformat(content),
    "datetime": lambda _, data: _time_of(dt.datetime, data),
    "time": lambda _, data: _time_of(dt.time, data),
    "timedelta": lambda content, _: dt.timedelta(*content),
    "timezone": lambda content, _: _zone(*content),
    "zone": lambda content, _: zoneinfo.ZoneInfo(content),
    "outcome": lambda content, _: _node_from_json(content),
    "dict": lambda content, _: {_value_from_json(key): _value_from_json(item) for key, item in content},
    "tuple": lambda content, _: tuple(_each(content)),
    "set": lambda content, _: set(_each(content)),
    "frozenset": lambda content, _: frozenset(_each(content)),
    "orderedset": lambda content, _: OrderedSet(_each(content)),
    "decimal": lambda content, _: Decimal(content),
    "uuid": lambda content, _: UUID(content),
    "path": lambda content, data: _path(content, data["type"]),
    "secret": lambda _, __: WITHHELD,
    "unbound": lambda _, __: ir.UNBOUND,
    "handle": lambda content, _: Handle(str(content)),
    "attachment": _attachment,
    "record": lambda content, data: Record(
        str(data["type"]), {name: _value_from_json(v) for name, v in content.items()}
    ),
    "namedtuple": lambda content, data: _named_tuple(content, data["type"]),
}


def _tagged(tag: str, content: JSON) -> dict[str, JSON]:
    return {"_": tag, "v": content}


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _short(data: object) -> str:
    shown = hex(data) if isinstance(data, int) and data.bit_length() > _WIDEST_INT else repr(data)
    return cut(shown, 200)
