"""Statements that are not published: the broken ones, and those that wait for a repair further up (rule L30)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence

from superscalar.plan.ir import Call, Task, walk
from superscalar.plan.ir.signatures import Signature, Signatures
from superscalar.plan.read.slots import Slot


class Held:
    """The held statements, in program order, and what else they hold back.

    What follows a held statement must not read what that may write, nor write what it may read, or the repair would
    come too late (rule L17). A statement that nobody understands may do anything.
    """

    def __init__(self, signatures: Signatures) -> None:
        self._accesses = {one.alias: frozenset(_accesses(one, signatures)) for one in signatures.everything()}
        found = frozenset().union(*self._accesses.values())
        self._writable = {provider for provider, effect in found if effect == "write"}
        self._slots: list[Slot] = []
        self._read: set[str] = set()
        self._written: set[str] = set()

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, slot: Slot) -> None:
        """Hold a statement."""
        insort(self._slots, slot, key=_place)
        if slot.problems and (slot.tree is None or any(problem.code == "E301" for problem in slot.problems)):
            self._written |= self._writable
            self._read |= self._writable
            return
        for word in slot.words & self._accesses.keys():
            for provider, effect in self._accesses[word]:
                (self._written if effect == "write" else self._read).add(provider)

    def take(self) -> list[Slot]:
        """All of them, in program order; none is held any more."""
        slots, self._slots = self._slots, []
        self._read.clear()
        self._written.clear()
        return slots

    def holds_back(self, tasks: Sequence[Task]) -> bool:
        """Whether one of the tasks reads or writes what a held statement may write, or writes what one may read."""
        if not self._written and not self._read:
            return False
        for task in walk(tuple(tasks)):
            for provider, effect in self._accesses[task.work.tool] if isinstance(task.work, Call) else ():
                if provider in self._written or (effect == "write" and provider in self._read):
                    return True
        return False


def _accesses(signature: Signature, signatures: Signatures) -> Iterator[tuple[str, str]]:
    """What calls of a tool may touch, of which provider, and how; of a plan what it calls does."""
    if signature.within is None:
        if signature.effect != "pure":
            yield signature.provider, signature.effect
        return
    for task in walk(signature.within.tasks):
        inner = signatures.called(task.work.tool) if isinstance(task.work, Call) and not task.work.enters else None
        if inner is not None:
            yield from _accesses(inner, signatures)


def _place(slot: Slot) -> tuple[int, ...]:
    return slot.place
