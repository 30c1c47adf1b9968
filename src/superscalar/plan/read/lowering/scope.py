"""What the names of a plan stand for at each place of the program (rule L2), broken statements included (rule L30)."""

from __future__ import annotations

import ast
from bisect import bisect_left, insort
from itertools import islice
from typing import TypeAlias

from superscalar.plan.ir import Expr

ScopePlace: TypeAlias = tuple[int, ...]
"""Where a statement stands in the program; repairs are put between others."""


ScopePath: TypeAlias = tuple[tuple[int, bool], ...]
"""The arms of `if`s in which a statement stands, the outermost first: which `if`, and which side of it."""


class Names:
    """Versions of every name, by place. A version is an expression, or None where a broken statement assigns it.

    What is assigned in an arm of an `if` is seen in that arm only (rule L11).
    """

    def __init__(self) -> None:
        self._paths: dict[tuple[str, ScopePlace], ScopePath] = {}
        self._places: dict[str, list[ScopePlace]] = {}
        self._meaning: dict[tuple[str, ScopePlace], Expr | None] = {}
        self._lost: set[tuple[str, ScopePlace]] = set()
        self._broken: list[ScopePlace] = []
        self._nameless: dict[str, tuple[ScopePlace, ScopePath, ast.Call] | None] = {}

    def copy(self) -> Names:
        """The same names, of which what is assigned from now on is seen in one of the two only."""
        made = Names()
        made._paths, made._meaning = self._paths.copy(), self._meaning.copy()
        made._places = {name: places.copy() for name, places in self._places.items()}
        made._lost, made._broken = self._lost.copy(), self._broken.copy()
        made._nameless = self._nameless.copy()
        return made

    def bind(self, name: str, place: ScopePlace, meaning: Expr | None, path: ScopePath = ()) -> None:
        """From `place` on, `name` stands for `meaning`; None if nobody knows before a repair."""
        if path:
            self._paths[name, place] = path
        if (name, place) not in self._meaning:
            insort(self._places.setdefault(name, []), place)
        self._meaning[name, place] = meaning

    def forget(self, name: str, place: ScopePlace) -> None:
        """Nothing at `place` assigns `name` after all."""
        if (name, place) in self._meaning:
            del self._meaning[name, place]
            self._paths.pop((name, place), None)
            places = self._places[name]
            del places[bisect_left(places, place)]

    def lose(self, name: str, place: ScopePlace, path: ScopePath = ()) -> None:
        """What assigned `name` at `place` was given up: from there on it means nothing, and nothing older either."""
        self.bind(name, place, None, path)
        self._lost.add((name, place))

    def break_all(self, place: ScopePlace) -> None:
        """At `place` stands something unreadable, which may assign any name."""
        if not self._is_broken(place):
            insort(self._broken, place)

    def mend(self, place: ScopePlace) -> None:
        """What stood at `place` was unreadable and no longer is."""
        if self._is_broken(place):
            del self._broken[bisect_left(self._broken, place)]

    def _is_broken(self, place: ScopePlace) -> bool:
        index = bisect_left(self._broken, place)
        return index < len(self._broken) and self._broken[index] == place

    def find(self, name: str, place: ScopePlace, path: ScopePath = ()) -> Expr | None:
        """What `name` stands for just before `place` in that arm; None if that waits for a repair.

        Raises:
            KeyError: nothing before `place` assigns it, nor could.
        """
        places = self._places.get(name, ())
        index = bisect_left(places, place)
        while index and self._paths and not self._reaches(name, places[index - 1], path):
            index -= 1
        last_break = bisect_left(self._broken, place)
        if index == 0:
            if last_break:
                return None
            raise KeyError(name)
        where = places[index - 1]
        if last_break and self._broken[last_break - 1] > where:
            return None
        if (name, where) in self._lost:
            raise KeyError(name)
        return self._meaning[name, where]

    def note_nameless(self, tool: str, place: ScopePlace, call: ast.Call, path: ScopePath = ()) -> None:
        """At `place` a tool is called, and what it returns gets no name."""
        self._nameless[tool] = None if tool in self._nameless else (place, path, call)

    def only_nameless(self, tool: str, place: ScopePlace, path: ScopePath = ()) -> ast.Call | None:
        """The one call of a tool whose result has no name, if it stands before `place` and is made in that arm."""
        noted = self._nameless.get(tool)
        if noted is None or noted[0] >= place or noted[1] != path[: len(noted[1])]:
            return None
        return noted[2]

    def _reaches(self, name: str, place: ScopePlace, path: ScopePath) -> bool:
        """Whether what is assigned at `place` is seen in the arm `path`."""
        assigned = self._paths.get((name, place), ())
        return assigned == path[: len(assigned)]

    def latest_before(self, place: ScopePlace, most: int) -> list[str]:
        """The names that were first assigned last before `place`, oldest first: what a misspelt name may stand for."""
        known = (name for name in reversed(self._places) if self._places[name] and self._places[name][0] < place)
        return list(islice(known, most))[::-1]
