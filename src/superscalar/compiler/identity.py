"""Which function somebody gave an agent, told so that another process can say whether its own is the same."""

from __future__ import annotations

import datetime as dt
import dis
import enum
import functools
import hashlib
import inspect
import re
import sys
import types
import typing
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple
from uuid import UUID

from superscalar.everyday import BARE
from superscalar.tools.fields import field_info
from superscalar.values import record_fields

UNKNOWN: Final = ""
"""The mark of what cannot be told: it is the same as nothing, not even as itself."""

_VERSION: Final = "version "


class Identity(NamedTuple):
    """The qualified name of a function, or that of an object's class, and what tells it from others of that name.

    `mark`: its `version`, where it has such an attribute, else a digest of its code and of the data that it holds.
    """

    module: str
    name: str
    mark: str

    def is_(self, other: Identity) -> bool:
        """Whether both are the same. Code that is the same is so in whichever module it stands; a version is not."""
        if UNKNOWN in (self.mark, other.mark) or (self.name, self.mark) != (other.name, other.mark):
            return False
        return self.module == other.module or not self.mark.startswith(_VERSION)

    @property
    def qualified(self) -> str:
        """Its name with that of its module."""
        return f"{self.module}.{self.name}" if self.module else self.name

    @property
    def told(self) -> str:
        """What tells it from others of its name, for people."""
        if self.mark.startswith(_VERSION):
            return self.mark
        cache, _, digest = self.mark.rpartition(":")
        return f"code {digest[:8]} in {cache}" if self.mark else "code that cannot be looked at"


def identity_of(given: object) -> Identity:
    """What is told of a function, a method, a partial, or an object that is called.

    Somebody's own object may do anything when it is looked at: what raises is unknown.
    """
    try:
        version = getattr(given, "version", None)
        module, name = _named(given)
    except Exception:  # noqa: BLE001 -- a property of somebody's own
        return Identity(*_named(type(given)), UNKNOWN)
    return Identity(module, name, f"{_VERSION}{version}" if type(version) in (str, int) else mark_of(given))


def mark_of(value: object) -> str:
    """A digest of code and data, the same in every process of one version of Python; UNKNOWN where there is none."""
    try:
        return f"{sys.implementation.cache_tag}:{_Digests().of(value, called=True)}"
    except Exception:  # noqa: BLE001 -- as above; a RecursionError, too
        return UNKNOWN


_PLAIN: Final = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range)
_TOLD: Final = (dt.date, dt.time, dt.datetime, dt.timedelta, dt.timezone, Decimal, UUID)


class _Digests:
    """Digests of values by what they hold: of data and code all of it, of other objects their class.

    Equal values have equal digests, whether they are one object or two. What holds itself is told once.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[str, object]] = {}  # with the object: no other has its id meanwhile
        self._under_way: list[int] = []

    def of(self, value: object, *, called: bool = False) -> str:
        """The digest of a value; of one that is `called`, also of what its class does then, and of what it holds."""
        if type(value) in _PLAIN or type(value) in _TOLD:
            return _digest((type(value).__name__, repr(value)))
        version = getattr(value, "version", None) if isinstance(value, types.FunctionType) else None
        if type(version) in (str, int):
            return _digest((*_named(value), str(version)))
        if (id(value), called) in self._known:
            return self._known[id(value), called][0]
        if id(value) in self._under_way:
            return _digest(("within", str(self._under_way.index(id(value)))))
        self._under_way.append(id(value))
        if isinstance(value, _CACHED):
            parts = iter((self.of(_uncached(value), called=called),))
        else:
            parts = self._called(value) if called else self._parts(value)
        made = _digest((".".join(_named(type(value))), *parts))
        self._under_way.pop()
        self._known[id(value), called] = made, value
        return made

    def _parts(self, value: Any) -> Iterator[str]:
        match value:
            case enum.Enum():
                yield from (value.name, self.of(value._value_))
            case list() | tuple() if type(value) in (list, tuple):
                yield from map(self.of, value)
            case set() | frozenset():
                yield from sorted(map(self.of, value))
            case Mapping():
                yield from sorted(f"{self.of(key)} {self.of(item)}" for key, item in value.items())
            case re.Pattern():
                yield from (repr(value.pattern), str(value.flags))
            case PurePath():
                yield str(value)
            case types.CodeType():
                yield from self._code(value)
            case types.FunctionType():
                yield from self._function(value)
            case types.MethodType() | functools.partial():
                yield from self._called(value)
            case type() | types.BuiltinFunctionType() | types.ModuleType():
                yield ".".join(_named(value))
                bound = getattr(value, "__self__", None) if isinstance(value, types.BuiltinFunctionType) else None
                if not isinstance(bound, types.ModuleType):
                    yield self.of(bound)
            case _ if (info := field_info(value)) is not None:
                yield from map(self.of, info.metadata)
            case _ if (origin := typing.get_origin(value)) is not None:
                yield from map(self.of, (origin, *typing.get_args(value)))
            case _ if type(value).__module__ == "typing":
                yield repr(value)
            case _ if (fields := record_fields(value)) is not None:
                yield from (f"{name} {self.of(part)}" for name, part in fields.items())
            case list() | tuple() | deque():
                yield from map(self.of, value)
            case types.SimpleNamespace():
                yield from (f"{name} {self.of(part)}" for name, part in sorted(vars(value).items()))
            case _ if (base := next((base for base in BARE if isinstance(value, base)), None)) is not None:
                yield self.of(BARE[base](value))

    def _called(self, value: Any) -> Iterator[str]:
        match value:
            case functools.partial():
                yield from (self.of(value.func, called=True), self.of(value.args), self.of(value.keywords))
            case types.MethodType():
                yield self.of(value.__func__)
                yield from self._state(value.__self__)
            case types.FunctionType() | types.BuiltinFunctionType():
                yield from self._parts(value)
            case type():
                yield from self._class(value)
            case _ if isinstance(call := inspect.getattr_static(type(value), "__call__", None), types.FunctionType):
                yield self.of(call)
                yield from self._state(value)
            case _:
                yield from self._parts(value)

    def _state(self, value: Any) -> Iterator[str]:
        """The data that an object holds, and what its class says."""
        kind = value if isinstance(value, type) else type(value)
        yield self.of(kind, called=True)
        if kind is not value:
            held = record_fields(value) or {**_in_slots(value), **getattr(value, "__dict__", {})}
            yield from (f"{name} {self.of(part)}" for name, part in sorted(held.items()))

    def _class(self, kind: type) -> Iterator[str]:
        """What a class has of functions and data, and what those have from which it derives in its module."""
        yield ".".join(_named(kind))
        for base in kind.__mro__:
            if base.__module__ != kind.__module__ or base.__module__ == "builtins":
                yield ".".join(_named(base))
                continue
            for name, part in sorted(vars(base).items()):
                for inner in _behind(part):
                    if isinstance(inner, types.FunctionType) or not name.startswith("__"):
                        yield f"{name} {self._used(inner, kind.__module__)}"

    def _used(self, part: Any, module: str) -> str:
        """The digest of what code of a module uses; of functions and classes of another one it is their name."""
        inner = _uncached(part)
        if isinstance(inner, types.FunctionType | type):
            return ".".join(_named(inner)) if inner.__module__ != module else self.of(inner, called=True)
        return self.of(part)

    def _function(self, function: types.FunctionType) -> Iterator[str]:
        """Its code, what it closes over, and what it uses of its module: data, and functions that stand there too."""
        yield from self._code(function.__code__)
        yield from (self.of(function.__defaults__), self.of(function.__kwdefaults__))
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                yield f"{name} {self.of(cell.cell_contents)}"
            except ValueError:  # not assigned yet
                yield name
        for name in sorted(set(_globals_of(function.__code__)) & function.__globals__.keys()):
            yield f"{name} {self._used(function.__globals__[name], function.__module__)}"
        for name, part in sorted(vars(function).items()):
            if not name.startswith("__"):
                yield f"{name} {self.of(part)}"

    def _code(self, code: types.CodeType) -> Iterator[str]:
        """What the code does, wherever it stands."""
        yield from (code.co_code.hex(), code.co_exceptiontable.hex(), str(code.co_flags))
        yield repr((code.co_names, code.co_freevars, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount))
        yield from map(self.of, code.co_consts)


_CACHED: Final = type(functools.cache(len))


def _uncached(part: Any) -> Any:
    """The function whose results `functools.cache` keeps; of anything else, itself."""
    return part.__wrapped__ if isinstance(part, _CACHED) else part


def _behind(part: Any) -> Iterator[Any]:
    """The functions of what a class wraps some in; of anything else, itself."""
    match part:
        case staticmethod() | classmethod():
            yield part.__func__
        case property():
            yield from (function for function in (part.fget, part.fset) if function is not None)
        case functools.cached_property():
            yield part.func
        case types.MemberDescriptorType() | types.GetSetDescriptorType():
            return
        case _:
            yield part


def _in_slots(value: Any) -> dict[str, Any]:
    """What stands in the slots of an object."""
    return {
        name: member.__get__(value)
        for kind in type(value).__mro__
        for name, member in vars(kind).items()
        if isinstance(member, types.MemberDescriptorType) and hasattr(value, name)
    }


def _digest(parts: Iterable[str]) -> str:
    made = hashlib.sha256()
    for part in parts:
        text = part.encode("utf-8", "backslashreplace")
        made.update(len(text).to_bytes(8, "big") + text)  # no two lists of parts are one text
    return made.hexdigest()[:32]


def _globals_of(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_of(constant)


def _named(given: Any) -> tuple[str, str]:
    """The module and the qualified name of what is called; an object has that of its class."""
    if isinstance(given, functools.partial):
        return _named(given.func)
    given = _uncached(given)
    if isinstance(given, types.ModuleType):
        return "", given.__name__
    if not isinstance(given, type | types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        given = type(given)
    return _module(given.__module__ or ""), given.__qualname__


def _module(name: str) -> str:
    """What a module is called when it is imported: a script is `__main__`, a file of tools may have another name."""
    if name != "__main__":
        return name.removeprefix("tools_file_")
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return spec.name.removesuffix(".__main__") if spec is not None else Path(file).stem if file else name
