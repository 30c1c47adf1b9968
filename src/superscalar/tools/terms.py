"""The terms on which a tool may be called: how many at once, how often, and when again. Facts; nothing here decides."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from inspect import iscoroutinefunction
from random import Random
from typing import Any, Final, Literal, TypeAlias, TypedDict

from superscalar.errors import RateLimited, UsageError
from superscalar.given import (
    EXECUTOR,
    FLAG,
    NAME,
    NAMES,
    SECONDS,
    TEXT,
    Expected,
    above_zero,
    are_texts,
    at_least,
    check_fields,
    check_names,
    one_of,
    whole_number,
)
from superscalar.short import short
from superscalar.tools.pairing import MAX_BATCH
from superscalar.tools.trust import Readers, Trust, TrustedFields
from superscalar.transient import is_transient

_LOG: Final = logging.getLogger("superscalar.tools")

Effect: TypeAlias = Literal["pure", "read", "write"]
Resource: TypeAlias = str | Callable[..., str]
NamedLimit: TypeAlias = str | Callable[..., str]


class Inherited:
    """The one value that means "what the agent says" for a tool's timeout."""

    def __repr__(self) -> str:
        return "inherited"


INHERITED: Final = Inherited()


_RATES: Final = 1e9  # calls in a second, and seconds between two: beyond that nobody means one, or counts it


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider allows: at most `concurrency` calls at once, and `rate` calls in `per` seconds, evenly spaced.

    None is no bound. `burst` calls may come at once after a pause (the generic cell rate algorithm, ITU-T I.371): no
    window of `per` seconds ever sees more than `rate + burst - 1` starts, rounded up, so with the default of 1 never
    more than `rate`. A window's worth of calls is spread over a tenth of a second more than `per`, and less as they get
    through, since none arrive as evenly as they start. While the provider refuses calls the limit is narrower, and
    nothing comes in a burst.
    """

    concurrency: int | None = field(default=None, metadata=whole_number(1, "calls at once").or_none.here)
    rate: float | None = field(default=None, metadata=above_zero("calls in `per` seconds").or_none.here)
    per: float = field(default=1.0, metadata=above_zero("seconds, such as per=60.0 for a minute").here)
    burst: int = field(default=1, metadata=whole_number(1, "calls").here)

    def __post_init__(self) -> None:
        check_fields(self, "Limit")
        if self.rate is not None and not 1 / _RATES <= self.rate / self.per <= _RATES:
            raise UsageError(
                f"Limit(rate={self.rate:g}, per={self.per:g}): write a rate between one call in {_RATES:g} seconds and "
                f"{_RATES:g} calls in one"
            )


def _are_names_or_functions(value: object) -> bool:
    return isinstance(value, list | tuple) and all(callable(one) or NAME.fits(one) for one in value)


Caught: TypeAlias = type[BaseException] | Callable[[Exception], bool]
"""Which errors are meant: those of a class, or those of which a function says so."""


def _are_errors(value: object) -> bool:
    if isinstance(value, tuple):
        return all(issubclass(one, BaseException) if isinstance(one, type) else _is_test(one) for one in value)
    return _is_test(value)


def _is_test(value: object) -> bool:
    """Whether it is a function that may answer; one that has to be awaited cannot."""
    return callable(value) and not isinstance(value, type) and not iscoroutinefunction(value)


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, at most `attempts` times in all, after an error that is one of `on`; `attempts=1` is no retry.

    `on`: classes of errors, and functions of an error that say yes or no (`on=is_transient`,
    `on=(is_transient, RateLimited)`); one that raises, or says neither True nor False, says no. A tool that declares no
    `retry` is tried again after a refusal, five attempts, and, unless it is a write that is not idempotent, after an
    error that is transient (`is_transient`), three attempts.

    Waits a random time between 0 and `initial * 2 ** (attempt - 1)` seconds, `maximum` at most ("full jitter": AWS
    Architecture Blog, Exponential Backoff And Jitter), and never less than the provider asked for. A write that is not
    idempotent is tried again only after a refusal and `NotDone`, which say that nothing happened. With `RateLimited`
    in `on` any refusal is meant: status 429 too, and 503 with a time to come back. A refused attempt counts only if
    nothing else gets through either, and every tenth time. What is refused for more than `longest` seconds, at once or
    in several refusals between which nothing gets through, is not waited for: it fails with the provider's words.
    """

    attempts: int = field(default=3, metadata=whole_number(1, "attempts in all; 1 is no retry").here)
    on: tuple[Caught, ...] | Callable[[Exception], bool] = field(
        default=(ConnectionError, TimeoutError, RateLimited),
        metadata=Expected(
            "write classes of errors, such as on=(ConnectionError, TimeoutError), or a function of an error to a bool, "
            "such as on=is_transient",
            _are_errors,
        ).here,
    )
    initial: float = field(default=0.5, metadata=at_least(0.0, "seconds").here)
    maximum: float = field(default=30.0, metadata=at_least(0.0, "seconds").here)
    longest: float = field(default=300.0, metadata=at_least(0.0, "seconds that a provider may ask to wait").here)

    def __post_init__(self) -> None:
        check_fields(self, "Retry")
        if not isinstance(self.on, tuple):
            object.__setattr__(self, "on", (self.on,))

    @property
    def classes(self) -> tuple[type[BaseException], ...]:
        """Return the classes in `on`."""
        return tuple(one for one in _each(self.on) if isinstance(one, type))

    def wants(self, error: BaseException) -> bool:
        """Say whether an error is one of `on`. Never raises."""
        if isinstance(error, self.classes):
            return True
        tests = (one for one in _each(self.on) if not isinstance(one, type))
        return isinstance(error, Exception) and any(_says_yes(test, error) for test in tests)

    def delay(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait after the `attempt`-th attempt (from 1) failed."""
        return random.uniform(0.0, min(self.maximum, self.initial * 2.0 ** min(attempt - 1, 60)))


def _each(on: tuple[Caught, ...] | Callable[[Exception], bool]) -> tuple[Caught, ...]:
    return on if isinstance(on, tuple) else (on,)


def _says_yes(test: Callable[[Exception], bool], error: Exception) -> bool:
    """What a function says of an error. It is the program's own, so whatever it does is told, and is no yes."""
    try:
        said: object = test(error)
    except Exception as worse:  # noqa: BLE001 -- as above
        _complain(short(test), f"raised {type(worse).__name__}")
        return False
    if not isinstance(said, bool):
        _complain(short(test), f"gave {short(said)}, which is neither True nor False")
        return False
    return said


@lru_cache(maxsize=256)
def _complain(test: str, what: str) -> None:
    """Say it once, of a function as it is shown: it need not be hashable."""
    _LOG.warning("Retry(on=%s) %s: nothing is tried again for that", test, what)


UNLESS_REFUSED = Retry(attempts=5, on=(RateLimited,), initial=1.0)
"""What a tool gets that declares nothing: a refusal is tried again, and a write only if it did nothing."""

IF_TRANSIENT = Retry(attempts=3, on=(is_transient,))
"""What it gets beside that: what passes by itself is tried again, and a write only if it is idempotent."""


_RESOURCE: Final = Expected(
    'write a name, or a function of arguments to one, such as lambda path: f"file:{path}"',
    lambda value: NAME.fits(value) or callable(value),
)
_TIMEOUT: Final = Expected(
    SECONDS.or_none.write, lambda value: isinstance(value, Inherited) or SECONDS.or_none.fits(value)
)
_ATTEMPTS: Final = whole_number(1, "attempts in all")
_RETRY: Final = Expected(
    "write how many attempts there are in all, such as retry=3, or Retry(...)",
    lambda value: isinstance(value, Retry) or _ATTEMPTS.fits(value),
)
_FIELDS: Final = Expected(
    "write paths, such as ['[].id'], or a pattern for each, such as {'[].id': r'f\\d+'}",
    lambda value: value == "" or NAMES.fits(value) or (isinstance(value, Mapping) and are_texts(value)),
)
_READERS: Final = Expected(
    "write names, such as {'ann@home.example'}, or a function of arguments to them",
    lambda value: callable(value) or NAMES.fits(value),
)
_LIMIT: Final = Expected(
    'write a name, or a list of names; or, for a name, a function of arguments: lambda city: f"weather:{city}"',
    lambda value: callable(value) or NAMES.fits(value) or _are_names_or_functions(value),
)
_EFFECT: Final = Expected('write effect="pure", effect="read" or effect="write"', one_of("pure", "read", "write").fits)
_TRUST: Final = Expected('write trust="trusted" or trust="untrusted"', one_of("trusted", "untrusted").fits)

MOST_CALLS: Final = whole_number(1, "calls of one request")
"""What may be given for `max_batch`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a tool is called, as it declares them; what is None is not declared."""

    effect: Effect | None = field(default=None, metadata=_EFFECT.or_none.here)
    """`pure` (its result depends on its arguments only), `read`, or `write`: it changes something."""
    resource: Resource | None = field(default=None, metadata=_RESOURCE.or_none.here)
    """What its accesses are ordered against: a name, or a function of some of the arguments."""
    dedupe: bool | None = field(default=None, metadata=FLAG.or_none.here)
    """Whether identical calls are one call; None: those of a pure tool are."""
    limit: NamedLimit | Iterable[NamedLimit] = field(default=(), metadata=_LIMIT.here)
    """The named limit, or limits, that a call takes part in; a function of its arguments gives the name of one."""
    timeout: float | Inherited | None = field(default=INHERITED, metadata=_TIMEOUT.here)
    """Seconds that an attempt may take; None for no bound, INHERITED for the agent's."""
    retry: Retry | int = field(default=UNLESS_REFUSED, metadata=_RETRY.here)
    """When to try again, or how many attempts there are in all; 1 is never. Undeclared: after a refusal, five attempts,
    and after what is transient (a broken connection, a timeout, status 503), three, but for writes that are not
    idempotent.
    """
    idempotent: bool = field(default=False, metadata=FLAG.here)
    """Doing it twice is doing it once, so that `retry` may cover unknown errors of a write."""
    cost: float = field(default=0.0, metadata=at_least(0.0, "what one attempt costs").here)
    """What an attempt costs, in any currency; it counts in the run's `max_cost`."""
    provider: str = field(default="", metadata=TEXT.here)
    """Where it comes from: what its accesses are ordered against if it names no resource. Empty: its module."""
    batch: str | None = field(default=None, metadata=TEXT.or_none.here)
    """The name of its batched form."""
    over: str | None = field(default=None, metadata=TEXT.or_none.here)
    """The parameter that is a list in the batched form, where that is not clear."""
    max_batch: int = field(default=MAX_BATCH, metadata=MOST_CALLS.here)
    """How many calls are one request at the most."""
    secret: str | Iterable[str] = field(default=(), metadata=NAMES.here)
    """The parameters whose values are never shown nor recorded."""
    trust: Trust | None = field(default=None, metadata=_TRUST.or_none.here)
    """Whether what it returns is other people's text; None: it is, but for a pure tool."""
    trusted_fields: TrustedFields = field(default=(), metadata=_FIELDS.here)
    """What of that the service itself makes or has checked: paths, or a pattern for each."""
    sink: str | Iterable[str] = field(default=(), metadata=NAMES.here)
    """The parameters, or parts of them, that choose where something goes."""
    content: str | Iterable[str] = field(default=(), metadata=NAMES.here)
    """Those that do not, though their names or types look so."""
    readers: Readers | None = field(default=None, metadata=_READERS.or_none.here)
    """Who may read what it returns: names, or a function of the arguments to them."""
    reads: Readers | None = field(default=None, metadata=_READERS.or_none.here)
    """Who gets to read what it is given, likewise."""
    policy: Any = None
    """A rule for its calls, or what is said of each of them."""
    executor: Any = field(default=None, metadata=EXECUTOR.or_none.here)
    """Where its calls run, a `superscalar.executors.Executor`; None: where those of the agent do."""

    def __post_init__(self) -> None:
        check_fields(self, "@tool")
        keep = object.__setattr__
        keep(self, "retry", Retry(attempts=self.retry) if isinstance(self.retry, int) else self.retry)
        for name in ("limit", "secret", "sink", "content"):
            given = getattr(self, name)
            one = isinstance(given, str) or callable(given)
            keep(self, name, (given,) if one else tuple(dict.fromkeys(given)))

    @property
    def retries(self) -> tuple[Retry, ...]:
        """Return the rules by which a call is tried again, each for errors of its own."""
        assert isinstance(self.retry, Retry)
        return (self.retry, IF_TRANSIENT) if self.retry is UNLESS_REFUSED else (self.retry,)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Terms:
        """Terms as they are written at a tool.

        Raises:
            UsageError: there is no such term, or one makes no sense.
        """
        check_names(given, [field.name for field in fields(cls)], "@tool")
        return cls(**given)

    def check(self, tool: str, effect: Effect) -> None:
        """See that they make sense together, for a tool of that effect.

        Raises:
            UsageError: they do not.
        """
        if self.batch is not None:
            self.check_batch(tool, effect)
        elif self.over is not None:
            raise UsageError(f'@tool(over={self.over!r}) on {tool} says nothing without batch="..."')
        if effect == "write" and self.dedupe:
            raise UsageError(f"@tool(dedupe=True) on {tool}: two equal writes are two writes; leave out dedupe=")

    @staticmethod
    def check_batch(tool: str, effect: Effect) -> None:
        """See that a tool of that effect may have a batched form.

        Raises:
            UsageError: it may not.
        """
        if effect == "write":
            raise UsageError(f"tool {tool} is a write; writes are never batched: each is made by itself")


class TermsDict(TypedDict, total=False):
    """The fields of `Terms`, for type checkers: what may be written at a tool."""

    effect: Effect | None
    resource: Resource | None
    dedupe: bool | None
    limit: NamedLimit | Iterable[NamedLimit]
    timeout: float | Inherited | None
    retry: Retry | int
    idempotent: bool
    cost: float
    provider: str
    batch: str | None
    over: str | None
    max_batch: int
    secret: str | Iterable[str]
    trust: Trust | None
    trusted_fields: TrustedFields
    sink: str | Iterable[str]
    content: str | Iterable[str]
    readers: Readers | None
    reads: Readers | None
    policy: Any
    executor: Any
