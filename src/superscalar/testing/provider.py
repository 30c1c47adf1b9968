"""A simulated service behind tools: it takes its time, refuses, fails, hangs, and knows what really happened."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from random import Random
from typing import Any, Literal, TypeAlias

from superscalar.errors import RateLimited, UsageError
from superscalar.testing.latency import Latency, constant
from superscalar.tools.tool import Tool, tool

End: TypeAlias = Literal["open", "answered", "refused", "failed", "reset", "cancelled"]
"""How a request ended: `failed` with an error of the service or of the function, `refused` with a `RateLimited`."""

Fate: TypeAlias = Literal["well", "error", "refusal", "reset", "hang", "deaf"]


_FATES: tuple[Fate, ...] = ("error", "refusal", "reset", "hang", "deaf")


class ServiceError(Exception):
    """A simulated service answered with an error, and did nothing."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often things go wrong, as probabilities per request; together at most 1.

    `error`: the service answers with an error and does nothing. `refusal`: it says "too many" though there are not.
    `reset`: the connection breaks. `hang`: no answer ever. `deaf`: the answer comes only after `deaf_seconds`, and
    until then every cancellation is ignored. `lands`: how often a request that was reset, hangs, is deaf or was
    cancelled half-way took effect all the same. `answered` ones always have; after an error or a refusal none has.
    """

    error: float = 0.0
    refusal: float = 0.0
    reset: float = 0.0
    hang: float = 0.0
    deaf: float = 0.0
    lands: float = 0.5
    deaf_seconds: float = 3_600.0

    def __post_init__(self) -> None:
        odds = [getattr(self, fate) for fate in _FATES]
        if any(not 0.0 <= p <= 1.0 for p in (*odds, self.lands)) or sum(odds) > 1.0 + 1e-9:
            raise UsageError(f"{self}: probabilities, none below 0 or above 1; all but lands= are 1 together at most")
        if not 0.0 <= self.deaf_seconds < inf:
            raise UsageError(f"Faults(deaf_seconds={self.deaf_seconds}): seconds, not below 0 and finite")

    def draw(self, random: Random) -> Fate:
        """Draw what becomes of one request."""
        left = random.random()
        for fate in _FATES:
            left -= getattr(self, fate)
            if left < 0.0:
                return fate
        return "well"


@dataclass(frozen=True, slots=True)
class Slowdown:
    """From `start` to `end` (seconds of the loop's clock) the service has `capacity` times what it has else.

    Its rate and concurrency are multiplied by that, its latency is divided by it. 0.5: half as good.
    """

    start: float
    end: float
    capacity: float = 0.5

    def __post_init__(self) -> None:
        if not (self.start < self.end and self.capacity > 0.0):
            raise UsageError(f"{self}: it ends after it starts, and its capacity is above 0")


@dataclass(slots=True, eq=False)
class ServiceRequest:
    """One request as the service saw it. `end` is None, and `ended` "open", until it is over.

    `effects`: how often the function of the tool was carried out: once, or not at all. That is the truth, whatever the
    caller was told.
    """

    tool: str
    arguments: Mapping[str, Any]
    start: float
    end: float | None = None
    ended: End = "open"
    effects: int = 0


@dataclass(slots=True, eq=False)
class Provider:
    """A service with limits and faults. `wrap` puts tools behind it; `requests` holds what it was asked, in order.

        quotes = Provider("quotes", random, latency=lognormal(0.3), rate=10, faults=Faults(reset=0.02))
        agent = LLMCompiler(tools=[quotes.wrap(price)])

    More than `rate` requests in any `per` seconds (a sliding window), or more than `concurrency` at once, are refused
    with `RateLimited`, which says when to come back if `retry_after` is true. What is refused uses up nothing.
    `at_once` and `most_at_once` count the requests that are open, refused ones included.

    A request is up to `jitter` seconds on its way there, and its answer up to as many on its way back: what starts
    evenly does not arrive so. One that is cancelled on its way there never came.

    It runs on any event loop; on that of `superscalar.testing.run` or `simulate` it takes no time, and one seed of
    `random` replays exactly.
    """

    name: str
    random: Random
    latency: Latency = field(default_factory=lambda: constant(0.1))
    rate: float | None = None
    per: float = 1.0
    concurrency: int | None = None
    retry_after: bool = True
    faults: Faults = field(default_factory=Faults)
    slowdowns: tuple[Slowdown, ...] = ()
    jitter: float = 0.0
    requests: list[ServiceRequest] = field(default_factory=list, init=False, repr=False)
    at_once: int = field(default=0, init=False)
    most_at_once: int = field(default=0, init=False)
    _admitted: deque[float] = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.rate is not None and not self.rate > 0) or not self.per > 0:
            raise UsageError(f"Provider(rate={self.rate}, per={self.per}): requests and seconds above 0")
        if self.concurrency is not None and self.concurrency < 1:
            raise UsageError(f"Provider(concurrency={self.concurrency}): at least 1; leave it out for no bound")
        if not callable(self.latency):
            raise UsageError(f"Provider(latency={self.latency}): write a function of a Random, such as constant(0.2)")
        if not 0.0 <= self.jitter < inf:
            raise UsageError(f"Provider(jitter={self.jitter}): seconds, not below 0 and finite")

    def wrap(self, given: Tool[..., Any] | Callable[..., Any]) -> Tool[..., Any]:
        """Return the tool, called through this provider: same name, parameters and terms. May be put above `@tool`.

        Its function is carried out at the moment of the effect; one that is not async runs on the event loop then, not
        in a thread.
        """
        given = given if isinstance(given, Tool) else tool(given)
        given.validate  # noqa: B018 -- made now, so that the copies of many simulations share it
        name, function, hidden = given.name, given.function, given.context_parameter

        @functools.wraps(function)
        async def asked(**arguments: Any) -> Any:
            shown = {key: value for key, value in arguments.items() if key != hidden}
            await self._travel()
            return await self._serve(ServiceRequest(name, shown, _now()), functools.partial(function, **arguments))

        wrapped = copy.copy(given)
        wrapped.function = asked
        wrapped.is_async = True
        if given.batched is not None:
            wrapped.batched = replace(given.batched, tool=self.wrap(given.batched.tool))
        return wrapped

    def requests_of(self, name: str, **arguments: Any) -> list[ServiceRequest]:
        """Return the requests of that tool that had these arguments (and any others)."""
        wanted = arguments.items()
        return [r for r in self.requests if r.tool == name and all(r.arguments.get(k) == v for k, v in wanted)]

    def effects(self, name: str, **arguments: Any) -> int:
        """Count how often that really happened."""
        return sum(request.effects for request in self.requests_of(name, **arguments))

    # ---------------------------------------------------------------------------------------------------- at work

    async def _travel(self) -> None:
        if self.jitter:
            await asyncio.sleep(self.random.uniform(0.0, self.jitter))

    async def _serve(self, request: ServiceRequest, function: Callable[[], Any]) -> Any:
        self.requests.append(request)
        try:
            try:
                result = await self._attend(request, function)
            except Exception:
                await self._travel()
                raise
            await self._travel()
            request.ended = "answered"
        except BaseException as error:
            request.ended = _how(error)
            raise
        finally:
            request.end = _now()
        return result

    async def _attend(self, request: ServiceRequest, function: Callable[[], Any]) -> Any:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(request, function)
        finally:
            self.at_once -= 1

    async def _answer(self, request: ServiceRequest, function: Callable[[], Any]) -> Any:
        fate = self.faults.draw(self.random)
        takes = self.latency(self.random) / self._capacity()
        before = takes * self.random.random()  # until the effect; the rest is the way back
        lands = self.random.random() < self.faults.lands
        self._admit(refuse=fate == "refusal")
        try:
            await asyncio.sleep(before)
            if fate == "error":
                raise ServiceError(f"{self.name} is out of order")
        except asyncio.CancelledError:
            if lands and fate != "error":  # it was on its way
                await self._do(request, function)
            raise
        match fate:
            case "well":
                result = await self._do(request, function)
                await asyncio.sleep(takes - before)
                return result
            case "hang":
                if lands:
                    await self._do(request, function)
                await asyncio.get_running_loop().create_future()
        result = await self._do(request, function) if lands else None
        if fate == "deaf":
            await _deaf(self.faults.deaf_seconds)
            if lands:
                return result
        raise ConnectionResetError(f"the connection to {self.name} was reset")

    async def _do(self, request: ServiceRequest, function: Callable[[], Any]) -> Any:
        result = function()
        if inspect.isawaitable(result):
            result = await result
        request.effects += 1
        return result

    def _admit(self, *, refuse: bool) -> None:
        """Let a request in, or refuse it."""
        now, capacity = _now(), self._capacity()
        admitted = self._admitted
        while admitted and admitted[0] <= now - self.per + 1e-9:
            admitted.popleft()
        wait = 0.0 if not refuse else self.random.uniform(0.0, self.per)
        if self.rate is not None and len(admitted) >= (most := max(1, int(self.rate * capacity))):
            refuse, wait = True, admitted[len(admitted) - most] + self.per - now
        if self.concurrency is not None and self.at_once > max(1, int(self.concurrency * capacity)):
            refuse, wait = True, self.random.uniform(0.0, self.per)
        if refuse:
            raise RateLimited(f"{self.name} has too many requests", retry_after=wait if self.retry_after else None)
        admitted.append(now)

    def _capacity(self) -> float:
        now = _now()
        factor = 1.0
        for phase in self.slowdowns:
            if phase.start <= now < phase.end:
                factor *= phase.capacity
        return factor


def _now() -> float:
    return asyncio.get_running_loop().time()


def _how(error: BaseException) -> End:
    match error:
        case RateLimited():
            return "refused"
        case asyncio.CancelledError():
            return "cancelled"
        case ConnectionError():
            return "reset"
        case _:
            return "failed"


async def _deaf(seconds: float) -> None:
    """Ignore every cancellation for so long."""
    over = _now() + seconds
    while (left := over - _now()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue
