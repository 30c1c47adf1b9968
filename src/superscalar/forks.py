"""What a fork must not cut in two: things that are made when first needed, by whatever thread that is.

A forked child has one thread, and copies of all locks as they were. What another thread was making then is never
finished there, and the lock around it never opened: so a fork waits for what is being made, and locks are new in the
child.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Any, TypeVar, overload

T = TypeVar("T")

_PATIENCE = 10.0


class _Making:
    """One lock for all that is made when first needed, the same thread as often as it likes."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waited_for = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Wait until nothing is being made; but not for ever, as what is made may itself wait for who forks."""
        self._waited_for = self._lock.acquire(timeout=_PATIENCE)

    def after_fork(self) -> None:
        """In the parent: others may go on."""
        if self._waited_for:
            self._lock.release()

    def renew(self) -> None:
        """In the child: nobody has it."""
        self._lock = threading.RLock()


MAKING = _Making()
"""Held around what must not be half made in a forked child: imports inside of functions, validators."""


class made_once(cached_property[T]):  # noqa: N801 -- it is used as the decorator that it is derived from
    """`functools.cached_property`, made under `MAKING`, and under no lock of its own that a fork would copy."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> made_once[T]: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> made_once[T] | T:
        """Make it, or return what was made."""
        if instance is None:
            return self
        kept, name = vars(instance), self.attrname
        assert name is not None  # told by the class
        with MAKING:
            if name not in kept:
                kept[name] = self.func(instance)
            made: T = kept[name]
            return made


def in_child(renew: Callable[[], None]) -> None:
    """Have this called in every forked child, before anything else is."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=MAKING.before_fork, after_in_parent=MAKING.after_fork, after_in_child=MAKING.renew)
