"""The terms on which a tool may be called: how many at once, how often, and when again. Facts; nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from superscalar.errors import RateLimited
from superscalar.given import Wanted, at_least, check_fields, number, whole


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider allows: at most `concurrency` calls at once, at most `rate` calls in `per` seconds.

    None is no bound. `burst` calls may come at once after a pause; the rest are spaced evenly (the generic cell rate
    algorithm, ITU-T I.371), so with the default of 1 no window of `per` seconds ever sees more than `rate` starts.
    While the provider refuses calls the limit is narrower, and nothing comes in a burst.
    """

    concurrency: int | None = field(default=None, metadata=whole(1, "calls at once").or_none.here)
    rate: float | None = field(default=None, metadata=number("calls in `per` seconds").or_none.here)
    per: float = field(default=1.0, metadata=number("seconds, such as per=60.0 for a minute").here)
    burst: int = field(default=1, metadata=whole(1, "calls").here)

    def __post_init__(self) -> None:
        check_fields(self, "Limit")


def _are_errors(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, type) and issubclass(one, BaseException) for one in value)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, at most `attempts` times in all, after an error that is one of `on`.

    Waits a random time between 0 and `initial * 2 ** (attempt - 1)` seconds, `maximum` at most ("full jitter": AWS
    Architecture Blog, Exponential Backoff And Jitter), and never less than the provider asked for. A write that is not
    idempotent is tried again only after a refusal and `NotDone`, which say that nothing happened. With `RateLimited`
    in `on` any refusal is meant: status 429 too, and 503 with a time to come back. A refused attempt counts only if
    nothing else gets through either, and every tenth time.
    """

    attempts: int = field(default=3, metadata=whole(1, "attempts in all; 1 is no retry").here)
    on: tuple[type[BaseException], ...] = field(
        default=(ConnectionError, TimeoutError, RateLimited),
        metadata=Wanted("write classes of errors, such as on=(ConnectionError, TimeoutError)", _are_errors).here,
    )
    initial: float = field(default=0.5, metadata=at_least(0.0, "seconds").here)
    maximum: float = field(default=30.0, metadata=at_least(0.0, "seconds").here)

    def __post_init__(self) -> None:
        check_fields(self, "Retry")

    def delay(self, attempt: int, random: Random) -> float:
        """Seconds to wait after the `attempt`-th attempt (from 1) failed."""
        return random.uniform(0.0, min(self.maximum, self.initial * 2.0 ** min(attempt - 1, 60)))


UNLESS_REFUSED = Retry(attempts=5, on=(RateLimited,), initial=1.0)
"""What a tool gets that declares nothing: only a refusal is tried again, and a write only if it did nothing."""
