"""How long a simulated provider takes: distributions of seconds, drawn from a seeded `Random`."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from random import Random
from typing import TypeAlias

from superscalar.errors import UsageError

Latency: TypeAlias = Callable[[Random], float]
"""Draws the seconds of one request. Any function of a `Random` will do."""


def constant(seconds: float) -> Latency:
    """Take the same time always."""
    _check("constant", seconds)
    return lambda _random: seconds


def uniform(least: float, most: float) -> Latency:
    """Draw anything between the two, equally often."""
    _check("uniform", least, most)
    return lambda random: random.uniform(least, most)


def lognormal(median: float, sigma: float = 0.6, most: float = 300.0) -> Latency:
    """Stay mostly near the median, now and then far above it, as web services are. Never more than `most`.

    With `sigma` 0.6 one request in a hundred takes four times the median; with 1.0, ten times.
    """
    _check("lognormal", median, sigma, most)
    return lambda random: min(most, median * exp(random.gauss(0.0, sigma)))


def heavy_tail(least: float, alpha: float = 1.5, most: float = 300.0) -> Latency:
    """Draw from a Pareto distribution: no request takes less than `least`, and a few take far longer, up to `most`.

    With `alpha` 1.5 one request in a hundred takes twenty times the least; the smaller alpha, the heavier the tail.
    """
    _check("heavy_tail", least, alpha, most)
    return lambda random: min(most, least * random.paretovariate(alpha))


def _check(name: str, *numbers: float) -> None:
    if any(not 0.0 <= number < float("inf") for number in numbers):
        raise UsageError(f"{name}({', '.join(f'{n:g}' for n in numbers)}): seconds, not below 0 and finite")
