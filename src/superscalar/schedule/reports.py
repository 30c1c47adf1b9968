"""What tools say while they run: how far they are, for the eyes alone, and what they have cost, which counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from threading import Lock, get_ident
from typing import Any, Final

from superscalar import events
from superscalar.schedule.attempt import Attempt
from superscalar.schedule.course import Course
from superscalar.short import cut, short
from superscalar.tools.execution import check_charge, check_usage
from superscalar.values import Usage

TICK: Final = 0.1
"""Seconds between two events of progress of one call."""

LONGEST: Final = 500
"""Characters of a message of progress."""

_NAME: Final = 200


class Reports:
    """Makes events of what the tools of a run say through their `ToolContext`.

    Of progress the newest is told, once in each tick: a tool may say it as often, and at such a length, as it likes.
    `open`: something was said that nobody was told yet.
    """

    def __init__(self, course: Course) -> None:
        self._loop = course.loop
        self._now = course.now
        self._happened = course.happened
        self._thread = get_ident()
        self._lock = Lock()
        self.open: dict[Attempt, tuple[str, float | None]] = {}
        self._models: dict[Attempt, str] = {}  # which model a call asked last
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = -inf

    def charged(self, attempt: Attempt, cost: float, tokens: int) -> None:
        """Tell what a call has cost.

        Raises:
            ValueError: something below zero, or no number.
        """
        check_charge(cost, tokens)
        self._at_once(events.Charged, attempt.cell.id, cost, tokens)

    def asked(self, attempt: Attempt, model: str) -> None:
        """Tell that a call asks a model of that name."""
        self._models[attempt] = name = _text(model, _NAME)
        self._at_once(events.ModelAsked, attempt.tool.name, attempt.number, name)

    def used(self, attempt: Attempt, usage: Usage) -> None:
        """Tell what a model has used that a call asked.

        Raises:
            ValueError: it is no `Usage`, or something of it is below zero, or no number.
        """
        check_usage(usage)
        self._at_once(events.ModelUsed, attempt.tool.name, usage, self._models.get(attempt, ""))

    def forget(self, attempt: Attempt) -> None:
        """The attempt is over: what it said last is of no interest, and no timer waits for it."""
        self._models.pop(attempt, None)
        with self._lock:
            self.open.pop(attempt, None)
        if not self.open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _at_once(self, kind: Callable[..., events.Event], *said: Any) -> None:
        if get_ident() == self._thread:  # so that it is known before the call has ended
            self._happened(kind(self._now(), *said))
        else:
            self._loop.call_soon_threadsafe(lambda: self._happened(kind(self._now(), *said)))

    def progressed(self, attempt: Attempt, message: Any, fraction: float | None) -> None:
        """Take note of the newest; from any thread."""
        text = _text(message, LONGEST)
        if not (isinstance(fraction, int | float) and 0.0 <= fraction <= 1.0):
            fraction = None
        told = (attempt,) if attempt.batch is None else tuple(attempt.batch.items)
        with self._lock:
            first = not self.open
            for one in told:
                if not one.over:
                    self.open[one] = text, fraction
        if first:
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        now = self._now()
        if not self.open:
            return
        if now < self._told_at + TICK:
            if self._timer is None:
                self._timer = self._loop.call_at(self._told_at + TICK, self._tell)
            return
        self._timer = None
        self._told_at = now
        with self._lock:
            said, self.open = self.open, {}
        for attempt, (message, fraction) in said.items():
            if not attempt.over:
                self._happened(events.Progressed(now, attempt.cell.id, message, fraction))


def _text(said: Any, most: int) -> str:
    """What somebody says, who may be in another process, as a text of bounded length."""
    return cut(said, most) if type(said) is str else short(said, most)
