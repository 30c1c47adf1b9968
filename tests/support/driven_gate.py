"""A gate whose clock is moved by hand."""

from __future__ import annotations

from random import Random

from superscalar import Limit
from superscalar.schedule.gate import NANO, Gate


class Driven:
    """A gate whose clock is moved by hand, in seconds."""

    def __init__(self, limit: Limit = Limit()) -> None:  # noqa: B008 -- frozen
        self.gate = Gate("api", limit)
        self.now = 0
        self.random = Random(1)

    def start(self, count: int = 1, *, every: float = 0.0) -> list[int]:
        """Start calls, each as soon as it may; returns when they did."""
        started = []
        for number in range(count):
            self.now = max(self.now + (int(every * NANO) if number else 0), self.gate.opens)
            self.gate.recover(self.now)
            self.gate.take(self.now)
            started.append(self.now)
        return started

    def end(self, count: int = 1) -> None:
        self.gate.free += count

    def refuse(self, since: int, after: float | None = None) -> bool:
        self.gate.free += 1
        return self.gate.refuse(since, self.now, after, self.random)

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * NANO)
        self.gate.recover(self.now)

    @property
    def rate(self) -> float | None:
        return self.gate.statistics(self.now, 0).rate

    @property
    def concurrency(self) -> int | None:
        return self.gate.statistics(self.now, 0).concurrency
