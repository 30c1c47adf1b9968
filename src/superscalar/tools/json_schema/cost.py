"""What it takes to check a value by a schema, before that is done: references multiply, and so do levels of a value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from superscalar.tools.json_schema.nodes import (
    ANY_ITEM,
    ANY_KEY,
    ROOT,
    Defs,
    Subschema,
    below,
    in_place,
    mapped,
    referred,
)

MOST_VISITS: Final = 100_000
_MOST_WHERE_IT_GROWS: Final = 2_000_000
_MOST_IN_ALL: Final = 50_000_000  # schemas asked: some seconds
_NARROW: Final = 10
_LITTLE: Final = 1_000
_LONGEST_CHAIN: Final = 300


class TooCostly(Exception):
    """A schema that it could take for ever to check a value by. The message says why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`visits`: how many schemas are asked at the most of a value, each part of it taken once; `width`: of one part.

    `growth`: for a schema that holds itself, how many times as many are asked of the parts of a value as of itself.
    """

    visits: int
    width: int
    growth: int

    def too_much(self, value: Any) -> str:
        """Why a value cannot be checked soon, where that is so."""
        if self.growth > 1:
            deepest = max(2, int(math.log(_MOST_WHERE_IT_GROWS / self.visits) / math.log(self.growth)))
            if _depth(value) > deepest:
                return f"it is nested more than {deepest} deep, and its schema lets no more be checked"
        if self.width > _NARROW and self.width * _size(value) > _MOST_IN_ALL:
            return f"it is too large for a schema that asks {self.width:,} things of each part"
        return ""

    def is_little(self, value: Any) -> bool:
        """Whether all that is asked of a value may be asked again, as often as there are ways to it."""
        return self.visits * float(self.growth) ** min(_depth(value), 100) <= _LITTLE


def _depth(value: Any) -> int:
    if isinstance(value, dict | list) and value:
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value))
    return 0


def _size(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + sum(map(_size, value.values() if isinstance(value, dict) else value))
    return 1


def cost_of(defs: Defs) -> Cost:
    """What checking takes.

    Raises:
        TooCostly: it may take for ever, or a schema refers to itself and says nothing.
    """
    counting = _CostCounting(defs)
    visits = max(counting.visits(node, 0) for name, node in defs.items() if name == ROOT or name in counting.endless)
    if visits > MOST_VISITS:
        raise TooCostly(f"with what it refers to it comes to more than {MOST_VISITS:,} schemas")
    roots = [[node] for name, node in defs.items() if name == ROOT or name in counting.endless]
    return Cost(visits, max(map(counting.width, roots)), counting.growth())


class _CostCounting:
    """`endless`: the names from which a way leads to something that holds itself."""

    def __init__(self, defs: Defs) -> None:
        self._defs = defs
        named = {name: set(_named_in(node)) for name, node in defs.items()}
        self.endless = _leading_to_circles(named)
        self._visits: dict[int, int] = {}
        self._steps: dict[int, Counter[str]] = {}
        self._is_endless: dict[int, bool] = {}

    def visits(self, node: Subschema, chain: int) -> int:
        """How many schemas are asked of a value, without those below that hold themselves."""
        if chain > _LONGEST_CHAIN:
            raise TooCostly("it refers to itself and says nothing of any value, or by way of too many others")
        if id(node) not in self._visits:
            others = [*in_place(node, self._defs), *(one for _, one in below(node) if not self._holds(one))]
            self._visits[id(node)] = 1 + sum(self.visits(one, chain + 1) for one in others)
        return self._visits[id(node)]

    def width(self, nodes: list[Subschema]) -> int:
        """How many schemas are asked at the most of one part of a value of which these are asked."""
        asked, waiting = list[Subschema](), list(nodes)
        while waiting:
            asked.append(waiting.pop())
            waiting += in_place(asked[-1], self._defs)
        parts: dict[str, list[Subschema]] = {}
        for step, one in (found for node in asked for found in below(node)):
            if not self._holds(one):
                parts.setdefault(step, []).append(one)
        of_every = [self.width(parts.pop(step)) for step in (ANY_KEY, ANY_ITEM) if step in parts]
        of_one = max(map(self.width, parts.values()), default=0)
        return max(len(asked), of_one + max(of_every, default=0))

    def growth(self) -> int:
        """How many schemas that hold themselves are asked of one part of a value for each that is asked of it."""
        if not self.endless:
            return 1
        most = 1
        for name in self.endless:
            waiting = [self._defs[name]]
            while waiting:
                node = waiting.pop()
                steps = self._steps_of(node)
                keys = [count for step, count in steps.items() if step.startswith(".")]
                items = [count for step, count in steps.items() if step.startswith("[") and step != ANY_ITEM]
                most = max(most, max(keys, default=0) + steps[ANY_KEY], max(items, default=0) + steps[ANY_ITEM])
                if isinstance(node, dict):
                    mapped(node, waiting.append)
        return most

    def _steps_of(self, node: Subschema) -> Counter[str]:
        """The parts of a value that are asked on by schemas which hold themselves, and by how many."""
        if id(node) not in self._steps:
            made = Counter(step for step, one in below(node) if self._holds(one))
            for one in in_place(node, self._defs):
                made.update(self._steps_of(one))
            self._steps[id(node)] = made
        return self._steps[id(node)]

    def _holds(self, node: Subschema) -> bool:
        if id(node) not in self._is_endless:
            self._is_endless[id(node)] = not self.endless.isdisjoint(_named_in(node))
        return self._is_endless[id(node)]


def _named_in(node: Subschema) -> Iterator[str]:
    """The names of what a schema refers to, wherever in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if (name := referred(one)) is not None:
            yield name
        if isinstance(one, dict):
            mapped(one, waiting.append)


def _leading_to_circles(named: dict[str, set[str]]) -> frozenset[str]:
    """All but the names that are left out one after the other, each once it leads to none any more."""
    left = {name: set(others) for name, others in named.items()}
    users: dict[str, list[str]] = {name: [] for name in named}
    for name, others in named.items():
        for other in others:
            users[other].append(name)
    ended = [name for name, others in left.items() if not others]
    while ended:
        name = ended.pop()
        del left[name]
        for user in users[name]:
            if user in left:
                left[user].discard(name)
                if not left[user]:
                    ended.append(user)
    return frozenset(left)
