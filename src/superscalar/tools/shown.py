"""Which tools a planner is shown: all of them, or where there is no room for all, those that a question is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from superscalar.plan.ir.signatures import Signature
from superscalar.tools.toolset import Toolset

CHARACTERS: Final = 4
"""To a token, where nobody counts them."""

_NAMES: Final = 4  # a part of so many of the room is for names alone
_LEAST: Final = 0.2  # of how well the best one fits: what fits less shares only common words with the question
_BEFORE: Final = 0.3  # what a word of an earlier turn counts


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """The tools that there is room for, as a planner is shown them: `shown` whole, `named` by their names alone.

    Those that are pinned come first, all else in the order of the set. `of`: how many there are.
    """

    shown: tuple[Signature, ...]
    named: tuple[Signature, ...]
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether all are shown."""
        return len(self.shown) == self.of


def tools_for(tools: Toolset, question: str, before: Iterable[str], max_tokens: int | None) -> ToolChoice:
    """The tools for a question, in about so many tokens of a prompt; None is no bound. `before`: the turns before it.

    All, if they fit. Otherwise what is pinned, whatever that takes, and then the best for the words of the question, as
    far as these fit it. A part of the room is for the names of the next best, and of others.
    """
    signatures = list(tools.signatures)
    if max_tokens is None:
        return ToolChoice(tuple(signatures), (), len(signatures))
    room = max_tokens * CHARACTERS
    sizes = tools.sizes
    if sum(sizes) <= room:
        return ToolChoice(tuple(signatures), (), len(signatures))
    pinned = [at for at, signature in enumerate(signatures) if signature.name in tools.pinned]
    ranked = _ranked(tools, question, before)
    best = ranked[0][1] if ranked else 0.0
    chosen, left = list(pinned), room - room // _NAMES - sum(sizes[at] for at in pinned)
    for at, score in ranked:
        if at not in pinned and score >= _LEAST * best and sizes[at] <= left:
            chosen.append(at)
            left -= sizes[at]
    left = max(left, 0) + room // _NAMES
    named: list[int] = []
    for at in dict.fromkeys([*(at for at, _ in ranked), *range(len(signatures))]):
        length = len(signatures[at].alias) + 2
        if at not in chosen and length <= left:
            named.append(at)
            left -= length
    others = sorted(set(chosen) - set(pinned))
    return ToolChoice(
        tuple(signatures[at] for at in (*pinned, *others)),
        tuple(signatures[at] for at in sorted(named)),
        len(signatures),
    )


def _ranked(tools: Toolset, question: str, before: Iterable[str]) -> list[tuple[int, float]]:
    """The tools by how well they fit, by their places; what was said before counts less."""
    scores = dict(tools.index.scored(question))
    for at, score in tools.index.scored(" ".join(before)):
        scores[at] = scores.get(at, 0.0) + _BEFORE * score
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))
