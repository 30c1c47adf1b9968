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
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple
from uuid import UUID

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
        self._known: dict[int, tuple[str, object]] = {}  # with the object: its id is used by no other meanwhile
        self._under_way: list[int] = []

    def of(self, value: object, *, called: bool = False) -> str:
        """The digest of a value; of one that is `called`, also of what its class does then, and of what it holds."""
        if type(value) in _PLAIN or type(value) in _TOLD:
            return _digest((type(value).__name__, repr(value)))
        version = getattr(value, "version", None) if isinstance(value, types.FunctionType) else None
        if type(version) in (str, int):
            return _digest((*_named(value), str(version)))
        if id(value) in self._known:
            return self._known[id(value)][0]
        if id(value) in self._under_way:
            return _digest(("within", str(self._under_way.index(id(value)))))
        self._under_way.append(id(value))
        parts = self._called(value) if called else self._parts(value)
        made = _digest((".".join(_named(type(value))), *parts))
        self._under_way.pop()
        self._known[id(value)] = made, value
        return made

    def _parts(self, value: Any) -> Iterator[str]:
        match value:
            case enum.Enum():
                yield value.name
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

    def _called(self, value: Any) -> Iterator[str]:
        match value:
            case functools.partial():
                yield from (self.of(value.func, called=True), self.of(value.args), self.of(value.keywords))
            case types.MethodType():
                yield self.of(value.__func__)
                yield from self._state(value.__self__)
            case types.FunctionType() | types.BuiltinFunctionType() | type():
                yield from self._parts(value)
            case _ if isinstance(call := inspect.getattr_static(type(value), "__call__", None), types.FunctionType):
                yield self.of(call)
                yield from self._state(value)
            case _:
                yield from self._parts(value)

    def _state(self, value: Any) -> Iterator[str]:
        """The data that an object holds."""
        yield ".".join(_named(value if isinstance(value, type) else type(value)))
        if not isinstance(value, type):
            held = record_fields(value) or getattr(value, "__dict__", {})
            yield from (f"{name} {self.of(part)}" for name, part in sorted(held.items()))

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
            used = function.__globals__[name]
            elsewhere = isinstance(used, types.FunctionType) and used.__module__ != function.__module__
            yield f"{name} {'.'.join(_named(used)) if elsewhere else self.of(used)}"

    def _code(self, code: types.CodeType) -> Iterator[str]:
        """What the code does, wherever it stands."""
        yield from (code.co_code.hex(), code.co_exceptiontable.hex(), str(code.co_flags))
        yield repr((code.co_names, code.co_freevars, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount))
        yield from map(self.of, code.co_consts)


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
