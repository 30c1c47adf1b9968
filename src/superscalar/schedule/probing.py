"""How fast a limit that was narrowed is widened: warily up to where it was refused, and eagerly beyond that."""

from __future__ import annotations

_NEAR = 1.25
_PAST = 1.25
_AGAIN = 0.97
_WARIER = 4.0
_WARIEST = 16.0


class Probe:
    """Where a width or a rate was refused last, and how warily one comes near to that again. `unit`: the least step.

    Each refusal at about the same place makes it slower, since what that costs (a pause) teaches nothing new; one on
    the way down says that it was still too much, and nothing of how often to try. Well past the place nothing is known,
    and what gets through says how fast to go on.
    """

    __slots__ = ("_before", "_place", "_unit", "_wary", "_wary_before")

    def __init__(self, unit: float = 0.0) -> None:
        self._place = self._before = 0.0
        self._unit = unit
        self._wary = self._wary_before = 1.0

    def begin(self) -> None:
        """Refusals that say something new begin."""
        self._before, self._wary_before = self._place, self._wary

    def refused(self, place: float) -> None:
        """They say that this is where it was refused; 0: that had nothing to do with how far it was widened."""
        near = 0.0 < self._before / _NEAR <= place <= self._before * _NEAR + self._unit
        again = near and place >= self._before * _AGAIN
        self._wary = min(self._wary_before * _WARIER, _WARIEST) if again else self._wary_before if near else 1.0
        self._place = place

    def step(self, reached: float, step: float, eager: float) -> float:
        """By how much to widen what is `reached`: a part of `step`, or past the place `eager`, if that is more.

        One step does not lead past the place and far beyond: what it is worth, calls have to tell.
        """
        past = self._place * _PAST
        if reached < past:
            return min(step / self._wary, past - reached + self._unit)
        return max(step, eager)
