"""Which of several models is asked: the first of them that neither failed nor was refused a moment ago."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from superscalar.errors import ModelError, ModelSetupError
from superscalar.models.account import limit_of
from superscalar.models.base import ChatModel
from superscalar.tools.limiting import OwnLimit

RESTS: Final = 60.0
"""For how many seconds a model that failed comes after the others of its list, in this process."""


class _Respite(NamedTuple):
    """Why a model is not asked first: until when, and when it may be asked at all."""

    until: float
    opens: float


_Resting: TypeAlias = dict[OwnLimit, _Respite]

_resting: WeakKeyDictionary[object, _Resting] = WeakKeyDictionary()  # by the clock that the times are of


class Standby:
    """What this process knows of models, on one clock of the limits: which rest, so that others are asked first."""

    def __init__(self, clock: object) -> None:
        self._resting = _resting.setdefault(clock, {})

    def failed(self, model: ChatModel, error: ModelError, now: float) -> None:
        """It is down, as far as is known; or the request was one that it does not take, and others may be."""
        if error.retryable or isinstance(error, ModelSetupError):
            self._note(model, _Respite(now + RESTS, now), now)

    def refused(self, model: ChatModel, seconds: float, now: float) -> None:
        """Its provider lets nothing through for so long."""
        self._note(model, _Respite(now + seconds, now + seconds), now)

    def _note(self, model: ChatModel, respite: _Respite, now: float) -> None:
        for over in [one for one, known in list(self._resting.items()) if known.until <= now]:
            self._resting.pop(over, None)
        self._resting[limit_of(model)] = respite

    def answers(self, model: ChatModel) -> None:
        """It is there again."""
        if self._resting:
            self._resting.pop(limit_of(model), None)

    def opens(self, model: ChatModel) -> float:
        """Until when its provider refuses calls, as far as is known; a time that has passed where it does not."""
        known = self._resting.get(limit_of(model))
        return 0.0 if known is None else known.opens

    def entrants(self, models: Sequence[ChatModel]) -> Entrants:
        """Those that may be asked in one call."""
        return Entrants(Entrant(model, self._resting.get(limit_of(model))) for model in models)


class Entrant:
    """A model that may be asked in one call: how often it was, when it may be again, and why it is not asked any more.

    `spared`: of its attempts, those that do not count. `refusal`: what its provider said, if it was refused last.
    """

    def __init__(self, model: ChatModel, rest: _Respite | None) -> None:
        self.model = model
        self.rest = rest
        self.opens = 0.0 if rest is None else rest.opens
        self.again = 0.0
        self.asked = self.spared = 0
        self.refusal: str | None = None
        self.given_up: ModelError | None = None

    def place(self, now: float) -> tuple[float, bool]:
        """Where it stands: by when it may be asked, and behind those that are not known to be down."""
        return max(self.opens, self.again, now), self.rest is not None and self.rest.until > now


class Entrants:
    """The models of one call. `next` is the one to ask; a call is over when all of them are given up."""

    def __init__(self, entrants: Iterable[Entrant]) -> None:
        self._all = tuple(entrants)

    def __len__(self) -> int:
        return len(self._all)

    def has_besides(self, one: Entrant, now: float) -> bool:
        """Whether another one may be asked now."""
        others = (other for other in self._all if other is not one and other.given_up is None)
        return any(other.place(now)[0] <= now for other in others)

    @property
    def is_over(self) -> bool:
        """Whether none is left to ask."""
        return all(one.given_up is not None for one in self._all)

    @property
    def error(self) -> ModelError:
        """What became of the call: the error of its model, or what each of them said."""
        errors = [one.given_up for one in self._all if one.given_up is not None]
        if len(errors) == 1:
            return errors[0]
        told = "\n".join(f"  {error}" for error in errors)
        waits = [error.retry_after for error in errors if error.retry_after is not None]
        if all(isinstance(error, ModelSetupError) for error in errors):
            return ModelSetupError(f"none of {len(errors)} models can be used:\n{told}")
        return ModelError(
            f"none of {len(errors)} models answered:\n{told}",
            retryable=any(error.retryable for error in errors),
            retry_after=min(waits, default=None),
            status=errors[0].status,
            said=next((error.said for error in errors if error.said), ""),
        )

    def next(self, now: float) -> Entrant:
        """The one to ask: the first that may be, else the one that may be soonest."""
        return min((one for one in self._all if one.given_up is None), key=lambda one: one.place(now))
