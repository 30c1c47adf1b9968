"""When the time of calls has passed: that of each, and that of all where the run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from superscalar.schedule.attempt import Attempt, Bounds
from superscalar.schedule.course import Course
from superscalar.tools.tool import Tool


class Deadlines:
    """Calls `passed` with each attempt whose time has passed, unless that was while nobody could look.

    One timer for all `live` attempts, at the earliest deadline: a timer for each would cost more than a free call.
    """

    def __init__(
        self, course: Course, live: Iterable[Attempt], bounds: Bounds, passed: Callable[[Attempt], None]
    ) -> None:
        self._loop = course.loop
        self._now = course.now
        self._live = live
        self._bounds = bounds
        self._passed = passed
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._waited_again: set[Attempt] = set()
        self._timeouts: dict[Tool[..., Any], float | None] = {}

    def begin(self, attempt: Attempt, now: float) -> None:
        """The call is made now: from here on its time passes."""
        attempt.started = now
        tool = attempt.tool
        try:
            timeout = self._timeouts[tool]
        except KeyError:
            timeout = self._timeout_of(tool)
        if timeout is not None:
            deadline = now + timeout
            if attempt.batch is not None:
                deadline = attempt.batch.deadline = min(attempt.batch.deadline, deadline)
            attempt.deadline = deadline
            if deadline < self._alarm_at:
                self._set_alarm(deadline)

    def _timeout_of(self, tool: Tool[..., Any]) -> float | None:
        timeout = self._timeouts[tool] = tool.timeout_in(self._bounds.timeout)
        return timeout

    def give_grace(self, attempt: Attempt) -> None:
        """It was told to end: its time passes once more, when its grace period is over."""
        attempt.deadline = self._now() + self._bounds.grace
        self._set_alarm(min(self._alarm_at, attempt.deadline))

    def clear(self) -> None:
        """Nothing is waited for any more: no timer outlives the run."""
        self._set_alarm(inf)

    def _set_alarm(self, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = when
        self._alarm = self._loop.call_at(when, self._look) if when < inf else None

    def _look(self) -> None:
        now = self._now()
        for attempt in [attempt for attempt in self._live if attempt.deadline <= now]:
            if attempt.deadline < now and attempt not in self._waited_again:
                self._wait_again(attempt, now)
            else:
                if attempt.stopped is None:
                    self._waited_again.discard(attempt)
                self._passed(attempt)
        self._set_alarm(min((attempt.deadline for attempt in self._live), default=inf))

    def _wait_again(self, attempt: Attempt, now: float) -> None:
        """Its time has passed while nobody looked: the process was stopped, the machine slept, or a tool kept the loop.

        So much is given again, once and never more than the whole; what has arrived meanwhile is taken in first.
        """
        self._waited_again.add(attempt)
        whole = self._bounds.grace if attempt.stopped is not None else attempt.deadline - attempt.started
        attempt.deadline = now + min(now - attempt.deadline, whole)


class Escalation:
    """Does `first` when the grace period of a run that ends is over, and `last` half a grace period later.

    If we are late ourselves, that much later: see `Deadlines`.
    """

    def __init__(self, course: Course, grace: float, first: Callable[[], None], last: Callable[[], None]) -> None:
        self._course = course
        self._grace = grace
        self._first, self._last = first, last
        self._began = course.now()
        self._timer = course.loop.call_at(self._began + grace, self._look)

    def cancel(self) -> None:
        """Everything has ended."""
        self._timer.cancel()

    def _look(self) -> None:
        late = self._course.now() - (self._began + self._grace)
        if late > 0:
            again = min(late, self._grace)
            self._timer = self._course.loop.call_later(
                again, lambda: self._go_on(self._course.now() + self._grace * 0.5)
            )
        else:
            self._go_on(self._began + self._grace * 1.5)

    def _go_on(self, until: float) -> None:
        self._timer = self._course.loop.call_at(until, self._last)
        self._first()
