"""Calls that wait for their limits as coroutines do: those of models, and those that are made again before a run."""

from __future__ import annotations

import asyncio

from superscalar.schedule.closures import Closed
from superscalar.schedule.gate import NANO
from superscalar.schedule.limits import Grants, Order
from superscalar.schedule.waiting import Ticket

_FIRST: Order = (0.0,)


class Comer(Ticket):
    """One of them. `caller`: the call inside which it is made; `longest`: as of any ticket."""

    __slots__ = ("_caller", "_come", "_limits", "_longest")

    def __init__(
        self,
        run: str,
        names: tuple[str, ...],
        loop: asyncio.AbstractEventLoop,
        limits: Grants,
        *,
        caller: Ticket | None = None,
        longest: float,
    ) -> None:
        super().__init__(run, names, loop)
        self._limits = limits
        self._caller = caller
        self._longest = longest
        self._come: asyncio.Future[None] | None = None

    @property
    def caller(self) -> Ticket | None:
        """The call inside which it is made."""
        return self._caller

    @property
    def longest(self) -> float:
        """For how many seconds it waits while nothing gets through."""
        return self._longest

    @property
    def told(self) -> tuple[str, ...]:
        """The names of its limits."""
        return tuple(map(str, self.names))

    @property
    def pause(self) -> float:
        """Seconds until its limits let anything start."""
        opens = max(self._limits.gate(name).opens for name in self.names)
        return max(opens - self._limits.clock.now(), 0) / NANO

    def comes_now(self) -> bool:
        """Take everything, if that is free; else it is in line for it, and `comes` waits for that.

        Raises:
            Closed, Entangled: as for `Grants.ask`.
        """
        if self._limits.ask(self, _FIRST):
            return True
        self._come = self.loop.create_future()
        self._limits.dispatch(self.loop)
        return self._come.done()

    async def comes(self) -> None:
        """Wait until everything was taken for it.

        Raises:
            Closed: its provider lets nothing through for longer than it waits.
        """
        if self._come is None:
            return
        try:
            await self._come
        except (asyncio.CancelledError, Closed):
            self.leave()  # where it had come
            raise

    def leave(self) -> None:
        """What was taken for it is free, or its place in line."""
        if self.waiting:
            self._limits.withdraw(self)
        self._limits.give_back(self)
        self._limits.dispatch(self.loop)

    def granted(self) -> None:
        """Go on; or give everything back, if it was cancelled between the grant on another thread and this turn."""
        assert self._come is not None
        if self._come.done():
            self.leave()
        else:
            self._come.set_result(None)

    def closed(self, why: str) -> None:
        """Wait no more."""
        assert self._come is not None
        if not self._come.done():
            self._come.set_exception(Closed(why))
