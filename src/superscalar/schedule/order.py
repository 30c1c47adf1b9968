"""Ordering edges: which accesses must be over before one may start (rule L17). Changed by `state` alone."""

from __future__ import annotations

from collections.abc import Callable

from superscalar.schedule.cells import DORMANT, SETTLED, Cell


class Ordering:
    """Has accesses wait for what they follow. `lower` tells a cell that it misses one thing less."""

    def __init__(self, lower: Callable[[Cell], None]) -> None:
        self._lower = lower

    def follow(self, target: Cell, cell: Cell) -> None:
        """Let `cell` start only when `target`, and all that it follows itself, have ended."""
        cell.missing += 1
        cell.after_missing += 1
        if is_over(target):
            self._ended(cell)
        elif target.after_watchers is None:
            target.after_watchers = [cell]
        else:
            target.after_watchers.append(cell)

    def tell_followers(self, cell: Cell) -> None:
        """An access is over: what follows it may start, as far as that misses nothing else."""
        over = [cell]
        for target in over:  # grows while we go through it: no recursion, however many were skipped in a row
            following, target.after_watchers = target.after_watchers, None
            over.extend(follower for follower in following or () if self._ended(follower))

    def _ended(self, cell: Cell) -> bool:
        """`cell` learns that an access before it is over.

        Returns whether `cell`, which may have been skipped long ago, is over with it too.
        """
        cell.after_missing -= 1
        self._lower(cell)
        return is_over(cell)


def is_over(cell: Cell) -> bool:
    """Whether a cell, and all that it follows, has ended, or will not begin as long as nothing needs it."""
    return (cell.status is SETTLED or cell.status is DORMANT) and cell.after_missing == 0
