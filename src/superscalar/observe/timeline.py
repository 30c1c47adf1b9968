"""The events of a run that several processes worked on, on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from superscalar.events import Event, Resumed


def on_one_clock(events: Sequence[Event], now: float | None = None) -> list[Event]:
    """Events as if no time had passed between the death of a process and the start of the next.

    Event loops count seconds from some moment of their own, so what a `Resumed` stands between has nothing to do with
    each other: what came before it is moved up to it. The last event is moved to `now`, or stays where it is.
    """
    made: list[Event] = []
    then = now
    start = len(events)
    while start:
        end = start
        start = next((i for i in range(end - 1, -1, -1) if isinstance(events[i], Resumed)), 0)
        later = 0.0 if then is None else then - events[end - 1].at
        made += [replace(event, at=event.at + later) if later else event for event in reversed(events[start:end])]
        then = made[-1].at
        if start == 0:
            break
    made.reverse()
    return made
