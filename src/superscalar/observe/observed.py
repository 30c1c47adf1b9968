"""What an observer is told of a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from superscalar import events
from superscalar.events import Event
from superscalar.observe.wall import Clock
from superscalar.values import TaskId


class ObservedRun:
    """What an observer is told of a run beside its events.

    `id` and `question` are those of the run; `when` gives times of day. `calls`: how each task was called last, by its
    id: the tool, the arguments and when. `dropped`: events that this observer was not told, since too many waited.
    """

    __slots__ = ("_clock", "calls", "dropped", "id", "question")

    def __init__(self) -> None:
        self.id = ""
        self.question = ""
        self.calls: dict[TaskId, events.Started] = {}
        self.dropped = 0
        self._clock = Clock()

    def when(self, event: Event) -> datetime | None:
        """Tell the time of day (UTC) at which an event happened; None where the run was begun by an older release."""
        return self._clock.when(event.at)

    def note(self, event: Event) -> None:
        """Take note of what an event says of the run."""
        self._clock.note(event)
        match event:
            case events.RunStarted(_, id, question):
                self.id, self.question = id, question
            case events.Started(id=task):
                self.calls[task] = event
            case _:
                pass

    def __repr__(self) -> str:
        return f"<run {self.id}>"


Observer: TypeAlias = Callable[[Event, ObservedRun], Awaitable[None] | None]
"""Told each event of each run; async, or plain and then called in a thread."""
