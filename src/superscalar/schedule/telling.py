"""What tools tell of the calls that they are making (progress, costs, what models used), as events of the run."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from superscalar import events
from superscalar.schedule.attempt import Attempt, Shell, clock_of
from superscalar.tools.context import ToolContext
from superscalar.values import Usage


class Telling:
    """Hears tools out, in whatever thread they run. Made in the thread of the run's event loop.

    `happened` takes the events; `given` is what the run's caller gives to all tools.
    """

    def __init__(self, shell: Shell, given: Any, happened: Callable[[events.Event], None]) -> None:
        self._shell = shell
        self._loop = shell.loop
        self._now = clock_of(shell.loop)
        self._given = given
        self._happened = happened
        self._thread = get_ident()

    def context_for(self, attempt: Attempt) -> ToolContext[Any]:
        """What a tool may ask of the run; in a batch its progress is that of all its calls."""

        def progress(message: str, fraction: float | None) -> None:
            self._loop.call_soon_threadsafe(self._progressed, attempt, message, fraction)

        def charge(cost: float, tokens: int) -> None:
            if get_ident() == self._thread:  # at once, so that it is known before the call has ended
                self._charged(attempt, cost, tokens)
            else:
                self._loop.call_soon_threadsafe(self._charged, attempt, cost, tokens)

        def used(usage: Usage) -> None:
            if get_ident() == self._thread:
                self._used(attempt, usage)
            else:
                self._loop.call_soon_threadsafe(self._used, attempt, usage)

        run = self._shell.run_id
        return ToolContext(self._given, run, attempt.cell.id, attempt.number, progress, charge, used)

    def _charged(self, attempt: Attempt, cost: float, tokens: int) -> None:
        self._happened(events.Charged(self._now(), attempt.cell.id, cost, tokens))

    def _used(self, attempt: Attempt, usage: Usage) -> None:
        self._happened(events.ModelUsed(self._now(), attempt.tool.name, usage))

    def _progressed(self, attempt: Attempt, message: str, fraction: float | None) -> None:
        for told in (attempt,) if attempt.batch is None else tuple(attempt.batch.items):
            if not told.over:
                self._happened(events.Progressed(self._now(), told.cell.id, message, fraction))
