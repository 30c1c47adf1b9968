"""What the statements of a repair stand for (rule L30): each is matched with what it corrects."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from superscalar.plan.names import Place
from superscalar.plan.slots import Arm, Branch, Slot, is_join
from superscalar.plan.source import parsed
from superscalar.plan.vocabulary import FUNCTIONS, METHODS

_WITHOUT_EFFECT = FUNCTIONS | {"print"}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_MAY_CALL = re.compile(r"\w\(")
_Key: TypeAlias = tuple[tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class Said:
    """A statement that was right: what a repair needs to know of it. Its tree is let go."""

    place: Place
    targets: tuple[str, ...]
    is_join: bool
    text: str
    arm: Arm | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Where a correction goes.

    `in place of` a held statement; `before` one that it replaces together with others, or that needs it; `after` one
    that was right and was changed all the same; it `repeats` one that stays; or it is new, and comes `last`.
    """

    how: Literal["in place of", "before", "after", "repeats", "last"]
    slot: Slot | Said | None = None


class Repair:
    """One reply with corrections. Asked about each of its statements in turn, and at the end about what it left out.

    A model that is asked for corrected lines may write just those, or the whole plan again, or other lines in the stead
    of a block that it may not use. What is right already is not done twice because it was said twice.
    """

    def __init__(self, held: Sequence[Slot], said: Sequence[Said], branches: Sequence[Branch]) -> None:
        self._branches = [branch for branch in branches if branch.header is not None and not branch.given_up]
        self._rewritten: set[Branch] = set()
        held = [slot for slot in held if slot.ends is None]
        waiting = [slot for slot in held if not slot.problems]
        self._broken = [slot for slot in held if slot.problems]
        self._corrected: set[Slot] = set()
        self._waiting: dict[str, list[Slot]] = defaultdict(list)
        for slot in waiting:
            self._waiting[_shape(slot)].append(slot)
        self._right = Counter([*map(_shape, waiting), *(_shape_of_text(statement.text) for statement in said)])
        self._same: dict[_Key, list[Slot]] = defaultdict(list)
        self._sharing: dict[str, list[Slot]] = defaultdict(list)
        self._alike: dict[str, list[Slot]] = defaultdict(list)
        for slot in reversed((*self._broken, *waiting)):  # the last of each list is asked for first
            if slot.targets or slot.is_join:
                self._same[slot.targets, slot.is_join].append(slot)
        plain = [slot for slot in self._broken if slot.opens is None]
        for slot in reversed(plain):
            for name in slot.targets:
                self._sharing[name].append(slot)
            for word in slot.words if not slot.targets and not slot.is_join else ():
                self._alike[word].append(slot)
        self._nameless = [slot for slot in reversed(plain) if _stands_for_a_call(slot)]
        self._first = self._broken[::-1]
        self._said = {(statement.targets, statement.is_join): statement for statement in said}
        self._join = next((slot for slot in waiting if slot.is_join), None) or self._said.get(((), True))
        self._given: dict[Slot, set[str]] = {}
        self._added = False
        self.cut = False

    def match_if(self, slot: Slot, outer: Arm | None) -> Branch | None:
        """Which `if` of the program the next one of the reply is; its condition may correct a broken one."""
        shape = _shape(slot)
        same = next((b for b in self._branches if b.outer == outer and b.header and _shape(b.header) == shape), None)
        broken = next((b for b in self._branches if b.header and b.header.problems), None)
        found = same or broken
        if found is not None and found.header is not None:
            self._branches.remove(found)
            self._corrected.add(found.header)
            if found.empty is not None:
                self._corrected.add(found.empty)
        return found

    def rewrote(self, arm: Arm) -> None:
        """A statement of that arm was written again outside of it."""
        self._rewritten.add(arm.branch)

    def match(self, slot: Slot) -> Match:
        """What the next statement of the reply stands for."""
        shape = _shape(slot)
        if shape and self._right[shape] > 0:
            self._right[shape] -= 1
            waiting = self._waiting.get(shape)
            moved = waiting.pop(0) if waiting else None
            if moved is not None and slot.arm is not None and moved.arm != slot.arm:
                self._corrected.add(moved)
                return Match("in place of", moved)
            return Match("repeats")
        return self._correction(slot) or self._addition(slot)

    def _correction(self, new: Slot) -> Match | None:
        same = self._next(self._same.get((new.targets, new.is_join)))
        called = _called(new.tree)
        if same is None and not new.targets and not new.is_join:
            alike = (self._next(self._alike.get(name)) for name in called)
            same = next((slot for slot in alike if slot is not None), None) or self._next(self._nameless)
        if same is not None:
            self._corrected.add(same)
            return Match("in place of", same)
        parts = [self._next(self._sharing.get(name)) for name in new.targets]
        parts += [self._next(self._alike.get(name)) for name in called] if new.targets else []
        part = next((slot for slot in parts if slot is not None), None)
        if part is not None:
            self._given.setdefault(part, set()).update(new.targets)
            return Match("before", part)
        changed = self._said.get((new.targets, new.is_join)) if new.targets or new.is_join else None
        return Match("after", changed) if changed is not None else None

    def _addition(self, new: Slot) -> Match:
        self._added = True
        later = None if new.is_join else self._next(self._first) or self._join
        return Match("before", later) if later is not None else Match("last")

    def _next(self, slots: list[Slot] | None) -> Slot | None:
        """The first in program order that was not corrected yet."""
        while slots and slots[-1] in self._corrected:
            slots.pop()
        return slots[-1] if slots else None

    def left_out(self) -> list[Slot]:
        """The broken statements that are given up, now that the reply has ended.

        Those that other lines of it replace, and those that never did anything, such as an import. A broken call stays
        broken: that it is missing may be an oversight.
        """
        if self.cut:
            return []
        return [slot for slot in self._broken if slot not in self._corrected and self._is_left_out(slot)]

    def _is_left_out(self, slot: Slot) -> bool:
        if slot.opens is not None:
            return slot in self._given or slot.opens in self._rewritten
        if any(problem.code == "E004" for problem in slot.problems):
            return self._added  # there was no plan at all, and now there is one
        return slot in self._given or _is_nothing(slot) or (self._added and isinstance(slot.tree, _BLOCKS))

    def given(self, slot: Slot) -> set[str]:
        """Which names of a statement that was left out others assign in its stead."""
        return self._given.get(slot, set())


def _shape(slot: Slot) -> str:
    """Equal for statements that differ in nothing but how they are set; empty where there is no telling."""
    try:
        return ast.dump(slot.tree) if slot.tree is not None else ""
    except RecursionError:
        return ""


def _shape_of_text(text: str) -> str:
    """The same for a statement whose text was read before."""
    return ast.dump(parsed(text).body[0])


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


def _stands_for_a_call(slot: Slot) -> bool:
    """Whether any bare call may be the correction of a broken statement."""
    nameless = not slot.targets and not slot.is_join
    return nameless and not _is_nothing(slot) and not isinstance(slot.tree, _BLOCKS)
