"""Which errors are a provider's "too many", and when to come back; read off the error, whatever library raised it.

What is looked at is what HTTP libraries have in common, so none of them is imported: a status and headers on the error
or on its `response`. That covers httpx, requests, aiohttp, urllib, the SDKs of OpenAI and Anthropic, and what wraps
them with `raise ... from`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from typing import Any

from superscalar import events
from superscalar.errors import ModelError, NotDone, RateLimited
from superscalar.transient import TOO_MANY, attribute_of, causes, status_of

_UNAVAILABLE = 503
_OVERLOADED = 529  # of Anthropic, and of those behind Cloudflare
_EPOCH = 100_000_000.0
"""From here on a number of seconds is a moment (in 1973) and no wait (of three years)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider turned a call away. `retry_after`: seconds that it asked to wait, above 0, None if it did not say.

    `nothing_done`: the call certainly had no effect, so that it may be made again even if it is a write.
    """

    retry_after: float | None
    nothing_done: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a `refusal` means for its call, if its end was one.

    `delay`: seconds until its limits let anything start again. `barren`: how many times on end nothing had got through
    since the refusal before; with 0 it is the limit that is being learned, and not the call that is bad. `throttled`:
    the limits that it narrowed. `beyond`: nothing gets through for longer than the call waits.
    """

    refusal: Refusal | None = None
    delay: float = 0.0
    barren: int = 0
    throttled: tuple[events.Throttled, ...] = ()
    beyond: bool = False


NOT_REFUSED = Outlook()


def refusal_of(error: BaseException, wall: Callable[[], float] = time.time) -> Refusal | None:
    """What an error, or one that it was raised from, says about being refused; None if it is no refusal.

    A refusal is `RateLimited`, the status 429 (RFC 6585, which does nothing), or 503 with a time to come back (RFC
    9110, 15.6.4, after which a write is still in doubt). `wall` is the time of day in seconds since 1970, for headers
    that name a moment in a response without a `Date`.
    """
    for cause in causes(error):
        if isinstance(cause, RateLimited):
            return Refusal(_sensible(_number(cause.retry_after)), nothing_done=True)
        if isinstance(cause, NotDone):
            return None
        if isinstance(cause, ModelError) and (refusal := refusal_of_model(cause)) is not None:
            return refusal
        status = status_of(cause)
        if status in (TOO_MANY, _UNAVAILABLE):
            wait = _wait(cause, wall)
            if status == TOO_MANY or wait is not None:
                return Refusal(wait, nothing_done=status == TOO_MANY)
    return None


def refusal_of_model(error: ModelError) -> Refusal | None:
    """The same of a model's error: its provider has no room now, or says when to come back. None if it just failed.

    What is not `retryable` is a refusal only where it says when to come back, too: else waiting is of no use.
    """
    wait = _sensible(_number(error.retry_after))
    no_room = error.status in (TOO_MANY, _UNAVAILABLE, _OVERLOADED)
    if (no_room or wait is not None) if error.retryable else (no_room and wait is not None):
        return Refusal(wait, nothing_done=error.status == TOO_MANY)
    return None


def _wait(error: Exception, wall: Callable[[], float]) -> float | None:
    response = attribute_of(error, "response")
    if isinstance(response, Mapping):
        response = response.get("ResponseMetadata")
        found = response.get("HTTPHeaders") if isinstance(response, Mapping) else None
    else:
        found = attribute_of(response, "headers")
    for headers in (found, attribute_of(error, "resp"), attribute_of(error, "headers")):
        if headers is not None and (wait := wait_of(_plain(headers), wall)) is not None:
            return wait
    return _sensible(_number(attribute_of(error, "retry_after")))


def _plain(headers: Any) -> dict[str, str]:
    """Headers by their names in lower case. The classes for them differ, but all of them give pairs."""
    try:
        return {str(name).lower(): str(value) for name, value in headers.items()}
    except Exception:  # noqa: BLE001 -- it only looked like headers
        return {}


def wait_of(headers: Mapping[str, str], wall: Callable[[], float] = time.time) -> float | None:
    """Seconds until a provider wants to be asked again, from its headers (names in lower case); None if none says so.

    In this order: `retry-after-ms`, `Retry-After` (seconds or a date, RFC 9110, 10.2.3), `RateLimit` and
    `RateLimit-Reset` (draft-ietf-httpapi-ratelimit-headers), `x-ratelimit-reset` and its relatives. Where several of
    these count different things, those count that have nothing left, and else the one that ends first.
    """
    now = _now(headers, wall)
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None and (wait := _sensible(milliseconds / 1000)) is not None:
        return wait
    if (wait := _seconds(headers.get("retry-after", ""), now)) is not None:
        return wait
    if field := re.search(r"(?:^|[;,\s])(?:t|reset)=(\d+)", headers.get("ratelimit", "")):
        return _sensible(float(field[1]))
    empty: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if "ratelimit" in name and "reset" in name and (wait := _seconds(value, now)) is not None:
            left = headers.get(name.replace("reset", "remaining"), "")
            (empty if _number(left) == 0 else others).append(wait)
    return max(empty) if empty else min(others, default=None)


def _now(headers: Mapping[str, str], wall: Callable[[], float]) -> float:
    """The provider's time of day, so that a wrong clock on either side does not matter."""
    said = _moment(headers.get("date", ""))
    return said if said is not None else wall()


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.ASCII)


def _seconds(text: str, now: float) -> float | None:
    """Seconds from now until what a header says: seconds, `1m30s`, a date, or seconds or milliseconds since 1970."""
    text = text.strip()
    if (number := _number(text)) is not None:
        if number >= _EPOCH * 1000:
            number /= 1000
        return _sensible(number - now if number >= _EPOCH else number)
    if _DURATION.fullmatch(text):
        return _sensible(sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text)))
    moment = _moment(text)
    return None if moment is None else _sensible(moment - now)


def _moment(text: str) -> float | None:
    """A date in the form of HTTP, or in that of RFC 3339."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _sensible(seconds: float | None) -> float | None:
    """A wait that has not passed yet; three years are as good as any that is longer, and one without end is none."""
    return min(seconds, _EPOCH) if seconds is not None and 0.0 < seconds < inf else None
