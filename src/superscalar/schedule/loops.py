"""The event loops on which runs go on that read one clock: what is taken on one that was closed is taken no more."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from superscalar.schedule.waiting import Ticket


class User(Protocol):
    """A run that asks, as the limits see it."""

    def still_taken(self) -> Iterable[Ticket]:
        """The calls for which something was taken that has not come back."""


class Loops:
    """Who runs on which loop. `several`: runs have begun on more than one, as far as is known."""

    def __init__(self) -> None:
        self._users: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakSet[User]] = (
            weakref.WeakKeyDictionary()
        )
        self._left: deque[Ticket] = deque()  # by runs that are gone: added to without the lock
        self.several = False

    def note(self, loop: asyncio.AbstractEventLoop, user: User) -> None:
        """A run begins on a loop; the lock of the clock is held."""
        users = self._users.get(loop)
        if users is None:
            users = self._users[loop] = weakref.WeakSet()
        users.add(user)
        self.several = len(self._users) > 1

    def leave(self, user: User) -> None:
        """A run is gone that had not ended: from a finalizer, which may come in the middle of anything."""
        self._left.extend(user.still_taken())

    def only(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is no other one."""
        return all(other is loop for other in self._open())

    def has_closed(self) -> bool:
        """Whether there may be something to take back."""
        return bool(self._left) or any(loop.is_closed() for loop in self._open())

    def _open(self) -> list[asyncio.AbstractEventLoop]:
        """All of them; other threads may add theirs meanwhile."""
        return [loop for ref in self._users.keyrefs() if (loop := ref()) is not None]

    def closed(self) -> Iterator[Ticket]:
        """The calls whose event loop was closed, or whose run is gone, once; the lock is held."""
        while self._left:
            yield self._left.popleft()
        for loop in [loop for loop in self._users if loop.is_closed()]:
            for user in self._users.pop(loop):
                yield from list(user.still_taken())
