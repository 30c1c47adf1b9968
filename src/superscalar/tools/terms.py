"""The terms on which a tool may be called: how many at once, how often, and when again. Facts; nothing here decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from superscalar.errors import RateLimited, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider allows: at most `concurrency` calls at once, and `rate` calls in `per` seconds, evenly spaced.

    None is no bound. `burst` calls may come at once after a pause (the generic cell rate algorithm, ITU-T I.371): no
    window of `per` seconds ever sees more than `rate + burst - 1` starts, rounded up, so with the default of 1 never
    more than `rate`. While the provider refuses calls the limit is narrower, and nothing comes in a burst.
    """

    concurrency: int | None = None
    rate: float | None = None
    per: float = 1.0
    burst: int = 1

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError(f"Limit(concurrency={self.concurrency}): at least 1; leave it out for no bound")
        if self.rate is not None and not (self.rate > 0 and math.isfinite(self.rate)):
            raise UsageError(f"Limit(rate={self.rate}): a positive number of calls; leave it out for no bound")
        if not (self.per > 0 and math.isfinite(self.per)):
            raise UsageError(f"Limit(per={self.per}): a positive number of seconds, such as per=60.0 for a minute")
        if self.burst < 1:
            raise UsageError(f"Limit(burst={self.burst}): at least 1")


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, at most `attempts` times in all, after an error that is one of `on`.

    Waits a random time between 0 and `initial * 2 ** (attempt - 1)` seconds, `maximum` at most ("full jitter": AWS
    Architecture Blog, Exponential Backoff And Jitter), and never less than the provider asked for. A write that is not
    idempotent is tried again only after a refusal and `NotDone`, which say that nothing happened. With `RateLimited`
    in `on` any refusal is meant: status 429 too, and 503 with a time to come back. A refused attempt counts only if
    nothing else gets through either, and every tenth time.
    """

    attempts: int = 3
    on: tuple[type[BaseException], ...] = (ConnectionError, TimeoutError, RateLimited)
    initial: float = 0.5
    maximum: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise UsageError(f"Retry(attempts={self.attempts}): at least 1, which is no retry")
        if self.initial < 0 or self.maximum < 0:
            raise UsageError("Retry(initial=..., maximum=...): seconds, not below 0")

    def delay(self, attempt: int, random: Random) -> float:
        """Seconds to wait after the `attempt`-th attempt (from 1) failed."""
        return random.uniform(0.0, min(self.maximum, self.initial * 2.0 ** min(attempt - 1, 60)))


UNLESS_REFUSED = Retry(attempts=5, on=(RateLimited,), initial=1.0)
"""What a tool gets that declares nothing: only a refusal is tried again, and a write only if it did nothing."""
