"""What a caller may give for an option, and what to write instead of what is none: said where it is given."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Any, Final

from superscalar.errors import UsageError
from superscalar.short import short

_MOST: Final = (1 << 63) - 1
_NANO: Final = 1_000_000_000

WANTED: Final = "wanted"
"""Under which name the metadata of a dataclass's field has what may be given for it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What may be given: `fits` tells of a value whether it may, `write` says what to write where it may not."""

    write: str
    fits: Callable[[Any], bool]

    @property
    def here(self) -> Mapping[str, Expected]:
        """The metadata of a field that wants this."""
        return {WANTED: self}

    @property
    def or_none(self) -> Expected:
        """The same, or None."""
        return Expected(f"{self.write}; or None", lambda value: value is None or self.fits(value))

    def check(self, name: str, value: object, of: str = "") -> None:
        """Refuse a value that does not fit. `of`: whose option it is, such as `Limit`.

        Raises:
            UsageError: it does not; the message says what to write.
        """
        try:
            fits = self.fits(value)
        except Exception:  # noqa: BLE001 -- a value of any class may refuse to be compared, and is none that fits then
            fits = False
        if not fits:
            given = f"{name}={short(value)}"
            raise UsageError(f"{of}({given}): {self.write}" if of else f"{given}: {self.write}")


def check_fields(given: Any, of: str = "") -> None:
    """Check the fields of a dataclass that say what they want.

    Raises:
        UsageError: one of them has another value.
    """
    for field in fields(given):
        if (wanted := field.metadata.get(WANTED)) is not None:
            wanted.check(field.name, getattr(given, field.name), of)


def check_names(names: Iterable[str], known: Collection[str], of: str) -> None:
    """Refuse an option that there is not.

    Raises:
        UsageError: one of `names` is not among those that are `known`.
    """
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}=?" if close else f"there are {', '.join(sorted(known))}"
            raise UsageError(f"{of} has no option {name}=; {hint}")


def one_of(*words: str) -> Expected:
    """One of these words."""
    listed = ", ".join(map(repr, words))
    return Expected(f"write one of {listed}", lambda value: isinstance(value, str) and value in words)


def whole_number(least: int, of_what: str) -> Expected:
    """A whole number, `least` or more, that a journal can hold; True and False are none."""
    return Expected(
        f"write a whole number from {least} on ({of_what})",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST,
    )


def above_zero(of_what: str) -> Expected:
    """A finite number above 0; True and False are none."""
    return Expected(f"write a number above 0 ({of_what})", lambda value: _is_number(value) and 0 < value < inf)


def at_least(least: float, of_what: str) -> Expected:
    """A finite number that is not below `least`; True and False are none."""
    return Expected(
        f"write a number from {least:g} on ({of_what})", lambda value: _is_number(value) and least <= value < inf
    )


def _is_number(value: object) -> bool:
    """Whether it is one, and finite, also as many of it in nanoseconds, which is what clocks count; a whole one of too
    many digits for a float (`OverflowError`) is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(float(value) * _NANO * _NANO)


def is_sendable(value: object) -> bool:
    """Whether it is a text, not empty, and without half of a character, which no file takes (`UnicodeEncodeError`)."""
    return isinstance(value, str) and value.encode() != b""


def function(of_what: str, *parameters: str) -> Expected:
    """Something that can be called with so many arguments."""
    return Expected(
        f"write a function of {of_what}, such as lambda {', '.join(parameters)}: ...",
        lambda value: callable(value) and _takes(value, len(parameters)),
    )


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some builtins nobody knows
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def are_texts(values: Iterable[object]) -> bool:
    """Whether each of several values is a text."""
    return all(isinstance(value, str) for value in values)


def an(kind: type | tuple[type, ...], write: str) -> Expected:
    """An instance of a class."""
    return Expected(f"write {write}", lambda value: isinstance(value, kind))


def is_a(module: str, name: str) -> Callable[[object], bool]:
    """Whether a value is an instance of a class of ours, which is imported to compare with only."""

    def fits(value: object) -> bool:
        return isinstance(value, getattr(importlib.import_module(module), name))

    return fits


def _are_tools(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | type)


def _are_limits(value: object) -> bool:
    is_limit = is_a("superscalar.tools.terms", "Limit")
    return isinstance(value, Mapping) and are_texts(value) and all(map(is_limit, value.values()))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _are_names(value: object) -> bool:
    if isinstance(value, str | bytes | Mapping):
        return _is_name(value)
    return isinstance(value, Iterator) or (isinstance(value, Iterable) and are_texts(value))


FLAG: Final = an(bool, "True or False")
TEXT: Final = an(str, "a text")
NAME: Final = Expected('write a name, such as "price"', _is_name)
NAMES: Final = Expected("write a name, or a list of names", _are_names)
TEXTS: Final = Expected(
    'write texts by name, such as says={"files": "Paths are absolute."}',
    lambda value: isinstance(value, Mapping) and are_texts(value) and are_texts(value.values()),
)
SECONDS: Final = above_zero("seconds")
EXECUTOR: Final = Expected(
    "write an object with a method runner(tool), such as superscalar.executors.LOCAL",
    lambda value: callable(getattr(value, "runner", None)) and not isinstance(value, type),
)
TOOLS: Final = Expected("write a list, such as tools=[price], or a Toolset", _are_tools)
LIMITS: Final = Expected('write limits={"quotes": Limit(concurrency=5)}', _are_limits)
SCHEMAS: Final = Expected(
    'write types by name, such as schemas={"Invoice": Invoice}',
    lambda value: isinstance(value, Mapping) and are_texts(value),
)
