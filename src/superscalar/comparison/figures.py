"""What the rows of a comparison come to: medians with their ranges, and paired differences with an interval."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

from superscalar.comparison.rows import ComparisonRow
from superscalar.errors import UsageError
from superscalar.short import bounded

T = TypeVar("T")

RIGHT: Final = ("exact", "f1", "judged")
"""The figures that say how right answers are, from 0 to 1. A run that failed counts in them as wrong."""

SPENT: Final = (
    "seconds",
    "model_seconds",
    "tool_seconds",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "calls",
    "rounds",
    "cost",
)
"""The figures that say what answers took. A run that failed has none: it may have been over sooner for that."""

_RESAMPLES: Final = 2_000
_MOST_DRAWN: Final = 1_000  # questions: draws of more take minutes, and come to a normal distribution
_NORMAL: Final = 1.959964  # standard errors to either side for 95 %
_SEED: Final = 20231207  # of the paper: arXiv 2312.04511


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing: the median, the range, how many, and their sum."""

    median: float
    least: float
    most: float
    count: int
    total: float

    @classmethod
    def of(cls, measured: Iterable[float | None]) -> Spread | None:
        """That of what is known of them; None if that is nothing."""
        known = [value for value in measured if value is not None]
        if not known:
            return None
        return cls(statistics.median(known), min(known), max(known), len(known), sum(known))


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure over so many `pairs`, and where it lies with a confidence of 95 %; None with fewer than two pairs."""

    value: float
    low: float | None
    high: float | None
    pairs: int


@bounded
@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two ways on the same questions: what `a` has more than `b`, in the mean over the questions.

    `differences`: by figure, those that are known of both. What says how right answers are takes each question that
    both were asked; what says what answers took, those that both answered. `speedup`: how many times as long as `a` the
    way `b` took, over these; None where `a` took no time at all. Intervals are percentiles of a bootstrap over the
    questions (Efron 1979), with a fixed seed; of more than 1,000 questions they are what those come to, 1.96 standard
    errors to either side. Of a question that was asked several times the mean counts.
    """

    a: str
    b: str
    differences: Mapping[str, Interval]
    speedup: Interval | None


@bounded
@dataclass(frozen=True, slots=True, kw_only=True)
class WaySummary:
    """What came of one way.

    `right`: the mean of each figure that is known. `spent`: the spread of what answers took.
    """

    way: str
    asked: int
    answered: int
    right: Mapping[str, float]
    spent: Mapping[str, Spread]


def summary_of(way: str, rows: Sequence[ComparisonRow]) -> WaySummary:
    """What the rows of a way come to."""
    right = {name: [v for row in rows if (v := getattr(row, name)) is not None] for name in RIGHT}
    answered = [row for row in rows if not row.error]
    spent = {name: Spread.of(getattr(row, name) for row in answered) for name in SPENT}
    return WaySummary(
        way=way,
        asked=len(rows),
        answered=len(answered),
        right={name: statistics.fmean(values) for name, values in right.items() if values},
        spent={name: spread for name, spread in spent.items() if spread is not None},
    )


def paired(rows: Iterable[ComparisonRow], a: str, b: str) -> Paired:
    """Compare two ways of these rows.

    Raises:
        UsageError: there is no row of one of them.
    """
    by_way: dict[str, dict[str, list[ComparisonRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_way[row.way][row.id].append(row)
    for way in (a, b):
        if way not in by_way:
            raise UsageError(f"nothing was asked in the way {way!r}; there are {', '.join(by_way) or 'none'}")

    def pairs(name: str) -> list[tuple[float, float]]:
        both = (id for id in by_way[a] if id in by_way[b])
        measured = ((_mean(by_way[a][id], name), _mean(by_way[b][id], name)) for id in both)
        return [(one, other) for one, other in measured if one is not None and other is not None]

    def difference(name: str) -> Interval | None:
        return _interval([one - other for one, other in pairs(name)], statistics.fmean, _from_mean)

    seconds = pairs("seconds")
    found = {name: difference(name) for name in (*RIGHT, *SPENT)}
    return Paired(
        a=a,
        b=b,
        differences={name: interval for name, interval in found.items() if interval is not None},
        speedup=_interval(seconds, _ratio, _from_ratio) if all(one for one, _ in seconds) else None,
    )


def _mean(rows: Sequence[ComparisonRow], name: str) -> float | None:
    known = [value for row in rows if (name in RIGHT or not row.error) and (value := getattr(row, name)) is not None]
    return statistics.fmean(known) if known else None


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(other for _, other in pairs) / sum(one for one, _ in pairs)


def _from_mean(measured: Sequence[float], mean: float) -> list[float]:
    return [value - mean for value in measured]


def _from_ratio(pairs: Sequence[tuple[float, float]], ratio: float) -> list[float]:
    """By how much each pair moves the ratio, to the first order (the delta method)."""
    mean = statistics.fmean(one for one, _ in pairs)
    return [(other - ratio * one) / mean for one, other in pairs]


def _interval(
    measured: Sequence[T],
    figure: Callable[[Sequence[T]], float],
    moved: Callable[[Sequence[T], float], Sequence[float]],
) -> Interval | None:
    """A figure of what was measured, a value for each question, with its interval; None without any.

    `moved`: by how much each of them moves the figure, times how many they are.
    """
    if not measured:
        return None
    value = figure(measured)
    if len(measured) == 1:
        return Interval(value, None, None, 1)
    if len(set(measured)) == 1:  # whatever is drawn
        return Interval(value, value, value, len(measured))
    if len(measured) > _MOST_DRAWN:
        error = _NORMAL * statistics.fmean(one * one for one in moved(measured, value)) ** 0.5 / len(measured) ** 0.5
        return Interval(value, value - error, value + error, len(measured))
    random = Random(_SEED)
    drawn = (figure(random.choices(measured, k=len(measured))) for _ in range(_RESAMPLES))
    fortieths = statistics.quantiles(drawn, n=40)
    return Interval(value, fortieths[0], fortieths[-1], len(measured))
