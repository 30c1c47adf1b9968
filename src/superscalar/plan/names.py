"""What the names of a plan stand for at each place of the program (rule L2), broken statements included (rule L30)."""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import islice
from typing import TypeAlias

from superscalar.plan.ir import Expr

Place: TypeAlias = tuple[int, ...]
"""Where a statement stands in the program; repairs are put between others."""


class Names:
    """Versions of every name, by place. A version is an expression, or None where a broken statement assigns it."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[Place, int]]] = {}
        self._meaning: dict[tuple[str, Place], Expr | None] = {}
        self._broken: list[Place] = []
        self._next = 0

    def bind(self, name: str, place: Place, meaning: Expr | None) -> None:
        """From `place` on, `name` stands for `meaning`; None if nobody knows before a repair."""
        if (name, place) not in self._meaning:
            self._next += 1
            insort(self._versions.setdefault(name, []), (place, self._next))
        self._meaning[name, place] = meaning

    def break_all(self, place: Place) -> None:
        """At `place` stands something unreadable, which may assign any name."""
        insort(self._broken, place)

    def mend(self, place: Place) -> None:
        """What stood at `place` was unreadable and no longer is."""
        if place in self._broken:
            self._broken.remove(place)

    def is_defined(self, name: str, place: Place) -> bool:
        """Whether anything before `place` assigns `name`, broken or not."""
        found = self._versions.get(name)
        return bool(found and found[0][0] < place)

    def find(self, name: str, place: Place) -> Expr | None:
        """What `name` stands for just before `place`; None if that waits for a repair.

        Raises:
            KeyError: nothing before `place` assigns it, nor could.
        """
        found = self._versions.get(name, ())
        index = bisect_left(found, (place, 0))
        last_break = bisect_left(self._broken, place)
        if index == 0:
            if last_break:
                return None
            raise KeyError(name)
        where = found[index - 1][0]
        if last_break and self._broken[last_break - 1] > where:
            return None
        return self._meaning[name, where]

    def defined_before(self, place: Place, most: int) -> list[str]:
        """The names that anything before `place` assigns, in the order in which they first appear; the last ones only,
        so that a plan with many errors takes no time that grows with their square.
        """
        latest = islice(reversed(self._versions.items()), 2 * most)
        return [name for name, versions in latest if versions[0][0] < place][:most][::-1]
