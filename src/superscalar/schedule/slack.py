"""How far below a declared rate calls are paced, since none arrive as evenly as they start."""

from __future__ import annotations

from superscalar.tools.terms import Limit

_AT_FIRST = 0.1
_SHARE = 0.15
_LEAST = 0.5
_MOST = 0.2
_WIDER = 1.25
_TIGHTER = 0.75
_CALLS = 64
_WINDOWS = 8


class Slack:
    """The seconds by which a window's worth of calls is spread over more than the window.

    A provider that counts strictly refuses a call whose way was shorter than that of the call a window before it, where
    both started as the rate says. How much ways differ is a matter of seconds, so a long window hardly notices: it is a
    tenth of a second at first, and of a short window 15 %, and less as calls get through. A refusal that says nothing
    else of the provider says that ways differ more: then it is a quarter as much again, a fifth of the window at most,
    and twice, three times, ... as many calls have to get through before less is tried again.
    """

    __slots__ = ("_least", "_most", "_needs", "_refusals", "seconds", "window")

    def __init__(self, limit: Limit) -> None:
        self.window = limit.per
        self.seconds = 0.0 if limit.rate is None else min(_AT_FIRST, _SHARE * limit.per)
        self._least = self.seconds * _LEAST
        self._most = _MOST * limit.per
        self._needs = int(max(_CALLS, _WINDOWS * (limit.rate or 0.0)))
        self._refusals = 0

    @property
    def stretch(self) -> float:
        """By what the time between two calls is multiplied."""
        return 1.0 + self.seconds / self.window

    @property
    def needs(self) -> int:
        """How many calls have to get through, none refused, before there is less of it."""
        return self._needs * (1 + self._refusals)

    def tighten(self) -> None:
        """So many got through."""
        self.seconds = max(self.seconds * _TIGHTER, self._least)

    def widen(self) -> None:
        """Take it that a call came a little too early, unless that has been said too often to be believed."""
        if self.seconds < self._most:
            self._refusals += 1
            self.seconds = min(self.seconds * _WIDER, self._most)
