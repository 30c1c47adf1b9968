"""What the statements of a repair stand for (rule L30): each is matched with what it corrects."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from superscalar.plan.slots import Slot, is_join
from superscalar.plan.vocabulary import FUNCTIONS, METHODS

_WITHOUT_EFFECT = FUNCTIONS | {"print"}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_MAY_CALL = re.compile(r"\w\(")


@dataclass(frozen=True, slots=True)
class Match:
    """Where a correction goes.

    `in place of` a held statement; `before` one that it replaces together with others, or that needs it; `after` one
    that was right and was changed all the same; it `repeats` one that stays; or it is new, and comes `last`.
    """

    how: Literal["in place of", "before", "after", "repeats", "last"]
    slot: Slot | None = None


class Repair:
    """One reply with corrections. Asked about each of its statements in turn, and at the end about what it left out.

    A model that is asked for corrected lines may write just those, or the whole plan again, or other lines in the stead
    of a block that it may not use. What is right already is not done twice because it was said twice.
    """

    def __init__(self, held: Sequence[Slot], published: Sequence[Slot]) -> None:
        self._broken = [slot for slot in held if slot.problems]
        self._waiting = [slot for slot in held if not slot.problems]
        self._published = published
        self._right = Counter(_shape(slot.tree) for slot in (*published, *self._waiting))
        self._given: dict[Slot, set[str]] = {}
        self._added = False
        self.cut = False

    def match(self, tree: ast.stmt | None, targets: tuple[str, ...], *, joins: bool) -> Match:
        """What the next statement of the reply stands for."""
        shape = _shape(tree)
        if shape and self._right[shape] > 0:
            self._right[shape] -= 1
            return Match("repeats")
        found = self._corrected(tree, targets, joins=joins)
        if found is not None:
            return found
        self._added = True
        later = self._broken or [slot for slot in (*self._waiting, *self._published) if slot.is_join]
        return Match("before", later[0]) if later and not joins else Match("last")

    def _corrected(self, tree: ast.stmt | None, targets: tuple[str, ...], *, joins: bool) -> Match | None:
        for slots in (self._broken, self._waiting):
            for slot in slots:
                if slot.targets == targets and slot.is_join == joins and (targets or joins):
                    slots.remove(slot)
                    return Match("in place of", slot)
        calls = _called(tree)
        if targets:
            shared = (slot for slot in self._broken if not set(targets).isdisjoint(slot.targets))
            alike = (slot for slot in self._broken if not slot.targets and calls & slot.words)
            part = next(shared, None) or next(alike, None)
            if part is not None:
                self._given.setdefault(part, set()).update(targets)
                return Match("before", part)
        elif not joins:
            nameless = [slot for slot in self._broken if not slot.targets and not slot.is_join]
            alike = (slot for slot in nameless if calls & slot.words)
            other = (slot for slot in nameless if not _is_nothing(slot) and not isinstance(slot.tree, _BLOCKS))
            same = next(alike, None) or next(other, None)
            if same is not None:
                self._broken.remove(same)
                return Match("in place of", same)
        if targets or joins:
            changed = (s for s in reversed(self._published) if s.targets == targets and s.is_join == joins)
            before = next(changed, None)
            return Match("after", before) if before is not None else None
        return None

    def left_out(self) -> list[Slot]:
        """The broken statements that are given up, now that the reply has ended.

        Those that other lines of it replace, and those that never did anything, such as an import. A broken call stays
        broken: that it is missing may be an oversight.
        """
        if self.cut:
            return []
        return [
            slot
            for slot in self._broken
            if slot in self._given or _is_nothing(slot) or (self._added and isinstance(slot.tree, _BLOCKS))
        ]

    def given(self, slot: Slot) -> set[str]:
        """Which names of a statement that was left out others assign in its stead."""
        return self._given.get(slot, set())


def _shape(tree: ast.stmt | None) -> str:
    """Equal for statements that differ in nothing but how they are set; empty where there is no telling."""
    try:
        return ast.dump(tree) if tree is not None else ""
    except RecursionError:
        return ""


def _called(tree: ast.stmt | None) -> set[str]:
    """What a statement calls and is no listed function or method: tools, as far as they exist."""
    names: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Call(func=ast.Name(id=name)):
                names.add(name)
            case ast.Call(func=ast.Attribute(attr=name)) if name not in METHODS:
                names.add(name)
    return names - FUNCTIONS


def _is_nothing(slot: Slot) -> bool:
    """Whether leaving a statement out takes no call and no name away."""
    if isinstance(slot.tree, _DEFINITIONS):
        return True
    if slot.tree is None:
        oversize = any(problem.code == "E403" for problem in slot.problems)
        return not (slot.targets or slot.is_join or oversize or _MAY_CALL.search(slot.source.text))
    return not slot.targets and not is_join(slot.tree) and _called(slot.tree) <= _WITHOUT_EFFECT
