"""Limits whose names come and go, of which there may be as many as there are cities: few of them are remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final
from weakref import WeakValueDictionary

from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import Queue
from superscalar.tools.limiting import OwnLimit

_MANY: Final = 256


class ComingAndGoing:
    """Their gates and queues: those that are in use, and the gates that were made last, or refused last.

    What was never refused is as good made anew, and one that was is forgotten only for many others that were.
    """

    def __init__(self) -> None:
        self.queues: WeakValueDictionary[tuple[str, ...], Queue] = WeakValueDictionary()
        self._gates: WeakValueDictionary[OwnLimit, Gate] = WeakValueDictionary()
        self._made: dict[OwnLimit, Gate] = {}
        self._refused: dict[OwnLimit, Gate] = {}

    def find(self, name: OwnLimit) -> Gate | None:
        """The gate of that name, if it is known."""
        return self._gates.get(name)

    def add(self, name: OwnLimit, gate: Gate) -> Gate:
        """Take a gate that was made."""
        self._gates[name] = gate
        _remember(self._made, name, gate)
        return gate

    def refused(self, names: Iterable[str]) -> None:
        """A call was that took part in these."""
        for name in names:
            if isinstance(name, OwnLimit) and (gate := self._gates.get(name)) is not None:
                _remember(self._refused, name, gate)

    def gates(self) -> dict[str, Gate]:
        """Those that are known."""
        return dict(self._gates.items())


def _remember(gates: dict[OwnLimit, Gate], name: OwnLimit, gate: Gate) -> None:
    gates.pop(name, None)
    gates[name] = gate
    if len(gates) > _MANY:
        del gates[next(iter(gates))]


def told_apart(names: Iterable[str]) -> Iterator[str]:
    """What each is called, one like no other: two tools may have given the same name, or one model has two keys."""
    told: set[str] = set()
    for name in names:
        text = base = str(name)
        if text in told:
            text = next(other for number in count(2) if (other := f"{base} ({number})") not in told)
        told.add(text)
        yield text
