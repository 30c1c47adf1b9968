"""What became of the writes so far, and which later accesses that concerns (rules L19, L21). Changed by `state` alone.

An access is asked about when its ordering edges are open: every earlier access that it may meet has ended then, so what
is noted here of those before it in program order is complete, whatever came in first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from typing import TypeAlias

from superscalar.plan.ir import Access, Call, Task, walk
from superscalar.values import Failure, Observation, Outcome, TaskId

_ProgramOrder: TypeAlias = tuple[int, ...]
_EndedTask: TypeAlias = tuple[_ProgramOrder, TaskId]
"""Where a write stands, and what is to be named as the cause."""


@dataclass(slots=True)
class _ProviderWrites:
    """By resource (None: all of the provider): the writes that happened, and the first one in doubt."""

    done: dict[str | None, list[_ProgramOrder]] = field(default_factory=dict)
    doubtful: dict[str | None, _EndedTask] = field(default_factory=dict)


class Hazards:
    """Notes how each write ended, and says what stands in the way of an access."""

    def __init__(self) -> None:
        self._providers: dict[str, _ProviderWrites] = {}
        self._failed: dict[tuple[str, str, int], list[_EndedTask]] = {}  # in program order
        self._rounds: list[int] = []

    def begin_round(self, first: int) -> None:
        """What is planned from number `first` on was planned in the knowledge of how the writes before it ended.

        One that certainly did not happen concerns it no longer; one in doubt does.
        """
        self._rounds.append(first)

    def ended(self, id: TaskId, access: Access, order: _ProgramOrder, outcome: Outcome) -> None:
        """Note how a write ended."""
        provider = self._providers.setdefault(access.provider, _ProviderWrites())
        if isinstance(outcome, Observation):
            provider.done.setdefault(access.resource, []).append(order)
        elif isinstance(outcome, Failure) and outcome.in_doubt:
            known = provider.doubtful.get(access.resource)
            if known is None or order < known[0]:
                provider.doubtful[access.resource] = order, id
        elif access.resource is not None and (isinstance(outcome, Failure) or not outcome.by_guard):
            cause = id if isinstance(outcome, Failure) else outcome.because
            ended = self._failed.setdefault((access.provider, access.resource, self._round(order)), [])
            insort(ended, (order, cause))

    def retired(self, access: Access, order: _ProgramOrder) -> None:
        """A write that was skipped is no part of the plan any more, and in nothing's way."""
        if access.resource is not None:
            key = access.provider, access.resource, self._round(order)
            self._failed[key] = [ended for ended in self._failed.get(key, ()) if ended[0] != order]

    def cause(self, access: Access, order: _ProgramOrder) -> TaskId | None:
        """The write because of which an access must not be made; None if nothing is in its way.

        One in doubt is in the way of everything that it may meet. One that failed or was skipped by cause is in the
        way of what declares the same resource, in its own round.
        """
        found: list[_EndedTask] = []
        provider = self._providers.get(access.provider)
        if provider is not None and provider.doubtful:
            found += [cause for resource, cause in provider.doubtful.items() if _meet(resource, access.resource)]
        if self._failed and access.resource is not None:
            found += self._failed.get((access.provider, access.resource, self._round(order)), [])[:1]
        first = min((cause for cause in found if cause[0] < order), default=None)
        return first[1] if first is not None else None

    def writes_before(self, access: Access, order: _ProgramOrder) -> int:
        """How many writes that an access may meet happened before it."""
        provider = self._providers.get(access.provider)
        if provider is None:
            return 0
        writes = provider.done.items()
        return sum(bisect_left(orders, order) for resource, orders in writes if _meet(resource, access.resource))

    def _round(self, order: _ProgramOrder) -> int:
        return bisect_right(self._rounds, order[0])


def may_change(task: Task, access: Access) -> bool:
    """Whether a task, or one in the body of a map, may write what an access may meet, as far as its plan says."""
    for inner in walk((task,)):
        work = inner.work
        if isinstance(work, Call) and work.effect == "write" and work.access is not None and work.access.meets(access):
            return True
    return False


def _meet(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other
