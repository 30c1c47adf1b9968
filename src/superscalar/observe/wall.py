"""The times of day of events, whose own times are those of the event loop's clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from superscalar.events import Event, Resumed, RunStarted


def dated(happened: Iterable[Event]) -> Iterator[tuple[datetime | None, Event]]:
    """The events of a run, each with its time of day (UTC); None in journals of older releases, which have none.

    It goes on at the pace of the event loop's clock from the beginning of the run, or of the process that resumed it.
    """
    clock = Clock()
    for event in happened:
        clock.note(event)
        yield clock.when(event.at), event


class Clock:
    """Times of day of the event loop's clock, by what the events of a run say that it was at their time."""

    __slots__ = ("_ahead",)

    def __init__(self) -> None:
        self._ahead: float | None = None

    def note(self, event: Event) -> None:
        """Take note of an event, in order."""
        if isinstance(event, RunStarted | Resumed):
            self._ahead = None if event.wall is None else event.wall - event.at

    def when(self, at: float) -> datetime | None:
        """The time of day of a moment; None if no event said."""
        return None if self._ahead is None else datetime.fromtimestamp(at + self._ahead, UTC)
