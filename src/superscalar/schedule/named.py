"""Limits that functions name, of which there may be as many as there are cities: how they are told and forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import count
from typing import Final

from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import Queue
from superscalar.tools.limiting import OwnLimit

MANY: Final = 256
"""So many are kept that nobody uses."""


def forget_unused(
    queues: dict[tuple[str, ...], Queue], gates: dict[str, Gate], waiting: Collection[Queue], now: int
) -> int:
    """Forget those that nobody uses, but for some that were refused last. Returns how many queues are enough again.

    What is forgotten in use is found again as long as it is: by its tickets, or by the clock.
    """
    named = [names for names in queues if any(isinstance(name, OwnLimit) for name in names)]
    for names in named:
        if queues[names] not in waiting:
            del queues[names]
    idle = [name for name, gate in gates.items() if isinstance(name, OwnLimit) and not gate.running]
    refused = [name for name in idle if gates[name].narrowed or gates[name].opens > now]
    for name in set(idle).difference(refused[-MANY:]):
        del gates[name]
    return max(MANY, 2 * len(queues))


def told_apart(names: Iterable[str]) -> Iterator[str]:
    """What each is called, one like no other: two tools may have given the same name, or one model has two keys."""
    told: set[str] = set()
    for name in names:
        text = base = str(name)
        if text in told:
            text = next(other for number in count(2) if (other := f"{base} ({number})") not in told)
        told.add(text)
        yield text
