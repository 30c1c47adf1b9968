"""Exceptions that leave a run, without what is secret in them: in their texts, notes and causes, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from superscalar.secrets import MARK, Scrubber

_DEEPEST: Final = 20  # of causes, of members of groups, and of collections in arguments
_MOST: Final = 100  # exceptions that belong to one


def cleaned(error: BaseException, scrub: Scrubber) -> BaseException:
    """An exception as the caller is to get it: itself where what it says could be mended, else one that stands for it.

    Its class may make its text of anything, and a name of a class, or the message of a group, cannot be changed.
    """
    return _Cleaning(scrub).of(error, _DEEPEST)


class _Cleaning:
    """Takes what is secret out of an exception and all that belongs to it, each of them once."""

    def __init__(self, scrub: Scrubber) -> None:
        self._scrub = scrub
        self._known: dict[
            int, tuple[BaseException, BaseException]
        ] = {}  # with the object, so that its id stays its own

    def of(self, error: BaseException, depth: int) -> BaseException:
        if id(error) in self._known:
            return self._known[id(error)][1]
        if depth <= 0 or len(self._known) >= _MOST:
            return RuntimeError("(there were more exceptions behind this one)")
        self._known[id(error)] = error, error
        before = _said(error)
        made = self._group(error, depth) if isinstance(error, BaseExceptionGroup) else self._mended(error, depth)
        after = _said(made)
        if self._scrub.finds(after) or (before == after and self._scrub(after) != after):
            made = RuntimeError(self._scrub(after))
        self._known[id(error)] = error, made
        self._link(error, made, depth)
        return made

    def _link(self, error: BaseException, made: BaseException, depth: int) -> None:
        """Give what stands for an exception its place, its notes and its causes."""
        made.__traceback__ = error.__traceback__
        cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
        made.__context__ = None if context is None else self.of(context, depth - 1)
        made.__cause__ = None if cause is None else self.of(cause, depth - 1)
        made.__suppress_context__ = suppressed
        if notes := getattr(error, "__notes__", None):
            made.__notes__ = [self._scrub(note) if isinstance(note, str) else note for note in notes]

    def _group(self, error: BaseExceptionGroup[Any], depth: int) -> BaseException:
        members = [self.of(member, depth - 1) for member in error.exceptions]
        message = self._scrub(error.message)
        if message == error.message and all(a is b for a, b in zip(members, error.exceptions, strict=True)):
            return self._mended(error, depth)
        return BaseExceptionGroup(message, members)

    def _mended(self, error: BaseException, depth: int) -> BaseException:
        """The exception itself, with what is secret taken out of its arguments, and of the texts that it holds.

        What else it holds is left alone: outcomes are values, and what it says is looked at afterwards.
        """
        error.args = tuple(
            self._scrub(part) if isinstance(part, str) else self._without(part, depth) for part in error.args
        )
        for name, value in _held(error):
            told = self._without(value, depth) if isinstance(value, str | bytes | BaseException) else value
            if told is not value:
                with suppress(Exception):  # it is read-only, or a property of somebody's own
                    setattr(error, name, told)
        return error

    def _without(self, value: Any, depth: int) -> Any:
        """A value without what is secret; itself if there is nothing."""
        match value:
            case BaseException():
                return self.of(value, depth - 1)
            case str():
                return self._scrub.without(value) if self._scrub.finds(value) else value
            case list() | tuple() | dict() if type(value) in (list, tuple, dict) and depth > 0:
                parts = [*value.items()] if isinstance(value, dict) else value
                told = [self._without(part, depth - 1) for part in parts]
                same = isinstance(value, dict | list | tuple) and all(a is b for a, b in zip(told, parts, strict=True))
                return value if same else type(value)(told)
            case bytes() | bytearray():
                return MARK.encode() if self._scrub.finds(value.decode("utf-8", "replace")) else value
            case None | int() | float():
                return value
            case _:
                return MARK if self._scrub.finds(_shown(value)) else value


def _held(error: BaseException) -> Iterator[tuple[str, Any]]:
    """What an exception holds: its attributes, and those of the interpreter's classes, such as `OSError.filename`."""
    yield from [*getattr(error, "__dict__", {}).items()]
    for base in type(error).__mro__:
        for name, member in vars(base).items():
            if not name.startswith("__") and name != "args" and type(member).__name__ in _DESCRIPTORS:
                with suppress(Exception):
                    yield name, getattr(error, name)


_DESCRIPTORS: Final = ("member_descriptor", "getset_descriptor")


def _said(error: BaseException) -> str:
    """What is printed of an exception but its notes; its class may be broken."""
    try:
        return f"{type(error).__qualname__}: {error}"
    except Exception:  # noqa: BLE001 -- an exception of a model may be broken too
        return type(error).__name__


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 -- as above
        return ""
