"""What a task leaves behind (`Outcome`), what a model call costs (`Usage`), and how values are copied and shown."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType, MemberDescriptorType
from typing import Any, Final, Literal, NoReturn, Self, TypeAlias

from superscalar.errors import TaskFailed
from superscalar.everyday import as_data, holds_none_else, twin
from superscalar.everyday import record_fields as record_fields
from superscalar.facts import fact
from superscalar.short import LONGEST, LOOKS, Bare, bounded, cut
from superscalar.traces import Raised, TracedLine

TaskId: TypeAlias = str

FailureKind: TypeAlias = Literal[
    "error",  # the tool raised
    "timeout",  # the tool's timeout passed
    "arguments",  # the arguments did not validate: the tool was not called
    "denied",  # a policy said no: the tool was not called
    "cancelled",  # the run, or the tool itself, cancelled the call
    "deadline",  # the run's deadline passed
    "budget",  # the run's budget was spent: the tool was not called
    "evaluation",  # an expression of the plan could not be evaluated
    "bounds",  # a bound of the language or of the run was reached
    "items",  # some items of a map or display failed; `items` says which
]


@fact
class Observation:
    """A task succeeded with this value."""

    value: Any

    def unwrap(self) -> Any:
        """Return the value; of a task that has none, `unwrap` raises `TaskFailed`."""
        return self.value


@bounded
@dataclass(frozen=True, slots=True)
class Holder:
    """What the `items` of an outcome are in, where some of them have no value.

    `keys`: those of a dict, one for each item. `adrift`: the indices of the items of unknown position, since nobody
    knows whether a filter would have left them out; such an item of a dict has no key, and None stands in its place.
    """

    kind: Literal["list", "tuple", "set", "dict"] = "list"
    keys: tuple[Any, ...] = ()
    adrift: tuple[int, ...] = ()


LIST: Final = Holder()


class Traced:
    """Room for what was raised, beside the fields of a `Failure`: no part of what is compared, shown or written."""

    __slots__ = ("_raised",)

    _raised: Raised

    @property
    def raised(self) -> Raised | None:
        """Return what was raised, with the means to make texts of it that hold no secret."""
        return getattr(self, "_raised", None)

    def raised_by(self, raised: Raised | None) -> Self:
        """Return this very failure, which knows from now on what was raised."""
        if raised is not None:
            object.__setattr__(self, "_raised", raised)
        return self

    @property
    def exception(self) -> BaseException | None:
        """Return what the tool raised, as it was, with its traceback and causes; the frames hold no variables.

        A run keeps the first 20. None for any other, where nothing was raised, and in a run that was read or resumed.
        It is the tool's own: unlike `message` and `traceback`, its text may hold a secret.
        """
        raised = self.raised
        return None if raised is None else raised.error

    @property
    def traceback(self) -> str:
        """Return the traceback of `exception` as Python prints it, without secrets; empty where there is none."""
        raised = self.raised
        return "" if raised is None else raised.text

    @property
    def place(self) -> TracedLine | None:
        """Find where it was raised: the innermost line of `exception`'s traceback in a file that is not a library's."""
        raised = self.raised
        return None if raised is None else raised.place


@bounded
@dataclass(frozen=True, slots=True)
class Failure(Traced):
    """A task failed.

    `error` is the class name of what was raised, if anything was. `in_doubt`: a write that may have happened all the
    same. `abandoned`: the call did not end when told to and may still be running. `items` holds the outcome of every
    item where only some items of a map or display failed, and `holder` says what they are in. A message of more than
    2,000 characters is cut, and says how many it had.
    """

    kind: FailureKind
    message: str
    error: str = ""
    in_doubt: bool = False
    abandoned: bool = False
    items: tuple[Outcome, ...] | None = None
    holder: Holder = LIST

    def __post_init__(self) -> None:
        if len(self.message) > LONGEST or len(self.error) > LONGEST:
            object.__setattr__(self, "message", cut(self.message, LONGEST))
            object.__setattr__(self, "error", cut(self.error, LONGEST))

    def __str__(self) -> str:
        head = f"{self.error}: {self.message}" if self.error and self.error not in self.message else self.message
        doubt = " (it may have happened all the same)" if self.in_doubt else ""
        return f"{head}{doubt}"

    def unwrap(self) -> NoReturn:
        """Raise what stands for the value that is not there.

        Raises:
            TaskFailed: always, from `exception`.
        """
        raise TaskFailed(str(self), self) from self.exception


@bounded
@dataclass(frozen=True, slots=True)
class Skipped:
    """A task was not run: an input failed (`because` names it), its guard said no (`by_guard`: no failure), or nothing
    needed it (`because` is empty: no failure either).

    `items` holds the outcome of every item of a map or display of which some were not assigned on the path taken, and
    nothing failed; `holder` says what they are in. As a whole it has no value, but its items may be looked at.
    """

    because: TaskId
    by_guard: bool = False
    items: tuple[Outcome, ...] | None = None
    holder: Holder = LIST

    @property
    def unneeded(self) -> bool:
        """Tell whether nothing needed the task."""
        return not self.because

    def __str__(self) -> str:
        if self.unneeded:
            return "not needed: nothing uses it"
        if self.items is not None:
            absent = sum(not isinstance(item, Observation) for item in self.items)
            return f"not complete: {absent} of {len(self.items)} items not needed"
        return "not needed: its condition was false" if self.by_guard else f"not run: `{self.because}` failed"

    def unwrap(self) -> NoReturn:
        """Raise what stands for the value that is not there.

        Raises:
            TaskFailed: always.
        """
        raise TaskFailed(str(self), self)


UNNEEDED: Final = Skipped("")
"""What a task has instead of an outcome where nothing needed it."""

Outcome: TypeAlias = Observation | Failure | Skipped

LOOKS[Observation] = lambda outcome: outcome.value
LOOKS[Failure] = lambda outcome: Bare(f"<failed: {outcome}>")
LOOKS[Skipped] = lambda outcome: Bare(f"<{outcome}>")


def is_silent(outcome: Outcome) -> bool:
    """Whether something has no value because of a condition alone, which is no failure."""
    return type(outcome) is Skipped and outcome.by_guard


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and requests spent. `cached_tokens` is the part of `input_tokens` that the provider had kept.

    `kept_tokens`: the part of `input_tokens` that it kept for later, and may charge more for. `reasoning_tokens`: the
    part of `output_tokens` that the model thought, and did not say. Both are 0 where the provider does not tell.
    `cost`: in the currency of the model's `Prices`, or of what tools charge; 0 where nobody gave prices. `estimated`:
    some of it is a guess, since a provider did not count or a reply was not read to its end.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    cost: float = 0.0
    estimated: bool = False
    reasoning_tokens: int = field(default=0, repr=False)
    kept_tokens: int = field(default=0, repr=False)

    @property
    def tokens(self) -> int:
        """Add the tokens read and those written."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.requests + other.requests,
            self.cost + other.cost,
            self.estimated or other.estimated,
            self.reasoning_tokens + other.reasoning_tokens,
            self.kept_tokens + other.kept_tokens,
        )


class Withheld:
    """What stands in events in the place of a secret. It is no text: a tool that is given it refuses it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "**********"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Withheld)

    def __hash__(self) -> int:
        return hash(Withheld)


WITHHELD: Final = Withheld()


class Handle:
    """What stands for an opaque handle where it is shown or recorded: the name of its class, and its repr by then.

    It is no data, and no tool is given it.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, value: Any) -> Handle:
        """What stands for a value."""
        kind = type(value)
        try:
            text = " ".join(repr(value).split())
        except Exception as error:  # noqa: BLE001 -- its class is a tool's own code
            text = f"showing it raised {type(error).__name__}"
        return cls(f"{kind.__qualname__}: {cut(text, _LONGEST)}")

    def __repr__(self) -> str:
        return f"<opaque {self.text}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and self.text == other.text

    def __hash__(self) -> int:
        return hash((Handle, self.text))


_LONGEST: Final = 1_000  # characters of the repr of a handle

IMMUTABLE = frozenset({type(None), bool, int, float, str, bytes, Decimal, dt.date, dt.datetime, dt.time, dt.timedelta})


def copied(value: Any) -> Any:
    """A copy deep enough that changing one never shows in the other, of what is data, as data.

    Opaque handles are passed as they are, and records keep their class with everything in it, since tools take them.
    """
    return value if type(value) in IMMUTABLE else copied_by(value, as_data)


Others: TypeAlias = Callable[[Any, Callable[[Any], Any]], Any]


def copied_by(value: Any, others: Others, record: Others | None = None) -> Any:
    """A copy whose parts are copied; `others` copies what is none of Python's collections and no record.

    A record is copied as it stands, with all that its class made of it: nothing of that class is called. `record`, if
    given, copies those instead.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if kind is list:
        return [copied_by(v, others, record) for v in value]
    if kind is dict:
        return {copied_by(k, others, record): copied_by(v, others, record) for k, v in value.items()}
    if kind is tuple:
        return tuple([copied_by(v, others, record) for v in value])
    if kind is set:
        return {copied_by(v, others, record) for v in value}
    if kind is OrderedSet:
        return OrderedSet(copied_by(v, others, record) for v in value)
    if issubclass(kind, tuple) and hasattr(kind, "_make"):
        return kind._make(copied_by(v, others, record) for v in value)
    if kind is Record:
        fields = value.__record_fields__.items()
        return Record(value.__record_type__, {name: copied_by(item, others, record) for name, item in fields})
    if hasattr(kind, "__pydantic_fields__") or dataclasses.is_dataclass(kind):
        of_field = twin if others is as_data else others  # its class has it as it is: nothing of it becomes data
        return (record or as_it_stands)(value, lambda part: copied_by(part, of_field, record))
    return others(value, lambda part: copied_by(part, others, record))


def twin_of(value: Any) -> Any:
    """A copy of the same class, as deep as that of `copied`: fit for whoever wants that class."""
    return value if type(value) in IMMUTABLE else copied_by(value, twin)


def as_it_stands(value: Any, copy: Callable[[Any], Any]) -> Any:
    """A copy of a record, of the same class and in the same state; what it has computed from that is not kept."""
    kind: Any = type(value)
    try:
        fresh: Any = object.__new__(kind)
    except TypeError:  # it derives from one of Python's own classes
        return twin(value, copy)
    own = getattr(value, "__dict__", None)
    if own:
        computed = _computed(kind)
        fresh.__dict__.update({name: copy(part) for name, part in own.items() if name not in computed})
    for slot in _slots(kind):
        try:
            part = slot.__get__(value)
        except AttributeError:  # it is not set yet
            continue
        slot.__set__(fresh, copy(part))
    return fresh


@lru_cache(maxsize=1_024)
def _computed(kind: type) -> frozenset[str]:
    """The names of what a class computes once, and then keeps among the attributes."""
    return frozenset(n for base in kind.__mro__ for n, held in vars(base).items() if isinstance(held, cached_property))


@lru_cache(maxsize=1_024)
def _slots(kind: type) -> tuple[Any, ...]:
    """The slots of a class and of those that it derives from."""
    classes = [base for base in kind.__mro__ if "__slots__" in vars(base) and base is not Traced]
    return tuple(held for base in classes for held in vars(base).values() if type(held) is MemberDescriptorType)


def own_state(value: Any) -> dict[str, Any]:
    """What a record holds beside its fields: private attributes of a model, and what `__post_init__` made."""
    kind: Any = type(value)
    is_model = hasattr(kind, "__pydantic_fields__")
    if not (is_model or dataclasses.is_dataclass(kind)):
        return {}
    fields: Any = kind.__pydantic_fields__ if is_model else kind.__dataclass_fields__
    held = getattr(value, "__dict__", None) or {}
    computed = _computed(kind)
    own = {name: part for name, part in held.items() if name not in fields and name not in computed}
    for slot in _slots(kind):
        if slot.__name__ not in fields and not slot.__name__.startswith("__pydantic_"):
            with suppress(AttributeError):
                own[slot.__name__] = slot.__get__(value)
    return {**own, **(getattr(value, "__pydantic_private__", None) or {})}


def field_as_data(value: Any) -> Any:
    """A value that stands in a record, as a plan sees it: a copy as data, unless it is data already."""
    return value if type(value) in IMMUTABLE or holds_none_else(value, IMMUTABLE) else copied(value)


class OrderedSet(Set[Any]):
    """A set that iterates in insertion order, so that a plan's result does not depend on hashing."""

    __slots__ = ("_items",)

    def __init__(self, items: Any = ()) -> None:
        self._items: dict[Any, None] = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Any:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self._items)) + "}" if self._items else "set()"


class Record:
    """What a dataclass or pydantic model comes back as when a run is read: its fields, and the name of its class.

    The class itself is not looked for: data never names code to be run. Fields are read as attributes, none can be set.
    """

    __slots__ = ("__record_fields__", "__record_type__")

    __record_fields__: Mapping[str, Any]
    __record_type__: str

    def __init__(self, type_name: str, fields: Mapping[str, Any]) -> None:
        object.__setattr__(self, "__record_type__", type_name)
        object.__setattr__(self, "__record_fields__", MappingProxyType(dict(fields)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.__record_fields__:
            raise AttributeError(f"this {self.__record_type__} has no field `{name}`", name=name, obj=self)
        return self.__record_fields__[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a record that was read back cannot be changed: `{name}`", name=name, obj=self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        same_type = self.__record_type__ == other.__record_type__
        return same_type and self.__record_fields__ == other.__record_fields__

    def __hash__(self) -> int:
        return hash((self.__record_type__, tuple(self.__record_fields__.items())))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={item!r}" for name, item in self.__record_fields__.items())
        return f"{self.__record_type__.rpartition('.')[2]}({shown})"


def holds_record(value: Any) -> bool:
    """Whether a `Record` stands anywhere in a value."""
    kind = type(value)
    if kind is dict:
        return any(map(holds_record, value.values()))
    if kind in _COLLECTIONS or issubclass(kind, tuple):
        return any(map(holds_record, value))
    return kind is Record


def fields_of_records(value: Any) -> Any:
    """A value in which each `Record` is the mapping of its fields: what its class can be made from again."""
    kind = type(value)
    if kind is Record:
        return {name: fields_of_records(item) for name, item in value.__record_fields__.items()}
    if not holds_record(value):
        return value
    if kind is dict:
        return {key: fields_of_records(item) for key, item in value.items()}
    if issubclass(kind, tuple):
        made = map(fields_of_records, value)
        return kind._make(made) if hasattr(kind, "_make") else tuple(made)
    return [fields_of_records(item) for item in value]  # mappings have no place in a set


_COLLECTIONS: Final = frozenset({list, set, frozenset, OrderedSet})


def plain(value: Any) -> Any:
    """`value` as plain JSON data, for people and programs to read; what JSON lacks becomes text, lists and objects.

    It does not come back: tuples and sets become lists, dates ISO 8601 text, a `Decimal` its text, bytes base64,
    handles their repr, and an outcome that is no success an object with one key, `error` or `skipped`. It never raises:
    what raises when it is looked at, having methods of its own, becomes a text that says so.
    """
    try:
        match _outer(value):
            case list() as items:
                return [plain(item) for item in items]
            case dict() as fields:
                return {name: plain(item) for name, item in fields.items()}
            case simple:
                return simple
    except Exception as error:  # noqa: BLE001 -- a tool's own code, and a run must not end because its result is shown
        return _not_shown(value, error)


def outer(value: Any) -> Any:
    """The same with all that is inside left as it is: what is shown of a value may be the beginning only."""
    try:
        return _outer(value)
    except Exception as error:  # noqa: BLE001 -- as above
        return _not_shown(value, error)


def _not_shown(value: Any, error: Exception) -> str:
    return f"<{type(value).__name__}: showing it raised {type(error).__name__}>"


def _outer(value: Any) -> Any:
    match value:
        case None | True | False:  # themselves: an object may say that it is a bool
            return value
        case int() | str() | float() if isinstance(value, enum.Enum):
            return _outer(value.value)
        case int():
            return int.__pos__(value)
        case str():
            return str.__str__(value)
        case float():
            number = float.__pos__(value)
            return number if math.isfinite(number) else repr(number)
        case Observation():
            return _outer(value.value)
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            if value.holder.kind != "dict":
                return list(items)
            keys, adrift = value.holder.keys, value.holder.adrift
            known = ((keys[i], item) for i, item in enumerate(items) if i not in adrift)
            return {key if type(key) is str else _key(key): item for key, item in known}
        case Failure():
            return {"error": str(value)}
        case Skipped():
            return {"skipped": str(value)}
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Decimal():
            return Decimal.__str__(value)
        case Mapping():
            return {key if type(key) is str else _key(key): item for key, item in value.items()}
        case _ if (fields := record_fields(value)) is not None:
            return dict(fields)
        case list() | tuple() | Set() | set() | frozenset():
            return value if type(value) is list else list(value)
        case enum.Enum():
            return _outer(value.value)
        case _:
            return repr(value)


def _key(key: Any) -> str:
    made = plain(key)
    return made if isinstance(made, str) else json.dumps(made)
