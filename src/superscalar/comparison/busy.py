"""For how long models and tools were at work in a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from superscalar import events as ev


@dataclass(frozen=True, slots=True)
class Busy:
    """The seconds of a run in which some model was at work, and some tool. They may be the same ones.

    A tool that asks a model, such as `extract`, is no tool here. Neither is at work while it waits: for its limits, for
    a person, before a retry.
    """

    models: float = 0.0
    tools: float = 0.0

    @classmethod
    def of(cls, events: Iterable[ev.Event]) -> Busy:
        """Those of a run, or of the part of it that has happened; what is open ends at the last event."""
        happened = list(events)
        ask = {event.role for event in happened if isinstance(event, ev.ModelAsked)}
        models, tools = _OpenStretches(), _OpenStretches()
        for event in happened:
            match event:
                case ev.ModelAsked(at, role):
                    models.begin(role, at)
                case ev.ModelUsed(at, role):
                    models.end(role, at)
                case ev.Started(at, id, tool) if tool not in ask:
                    tools.begin(id, at)
                case ev.Retrying(at, id) | ev.Cancelled(at, id) | ev.Succeeded(at, id) | ev.Failed(at, id):
                    tools.end(id, at)
                case ev.Skipped(at, id):
                    tools.end(id, at)
                case ev.Resumed(at):
                    models.stop(at)
                    tools.stop(at)
        last = happened[-1].at if happened else 0.0
        return cls(models.stop(last), tools.stop(last))


class _OpenStretches:
    """Runs while anything is open."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._since = 0.0
        self._seconds = 0.0

    def begin(self, name: str, at: float) -> None:
        if not self._open:
            self._since = at
        self._open[name] += 1

    def end(self, name: str, at: float) -> None:
        if name in self._open:
            self._open[name] -= 1
            self._open += Counter()  # without what is at nothing
            if not self._open:
                self._seconds += at - self._since

    def stop(self, at: float) -> float:
        """Close what is open, and say for how long it ran."""
        for name in list(self._open.elements()):
            self.end(name, at)
        return self._seconds
