"""Which tools a planner is shown: all of them, or where there is no room for all, those that a question is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

from superscalar.plan.ir.signatures import Signature
from superscalar.short import CHARACTERS_PER_TOKEN
from superscalar.tools.toolset import Toolset

_NAMES: Final = 4  # a part of so many of the room is for names alone
_SENTENCE: Final = re.compile(r"[.!?;\n]+\s|\b(?:then|also)\b")
_MOST_SENTENCES: Final = 12


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


def tools_for(
    tools: Toolset, question: str, before: Iterable[str], max_tokens: int | None, called: Iterable[str] = ()
) -> ToolChoice:
    """The tools for a question, in about so many tokens of a prompt; None is no bound. `before`: the turns before it.

    All, if they fit. Otherwise what is pinned, whatever that takes, and then the best for the words of the question, as
    far as these fit it, in turn with those that are `called` (by alias) in examples. A part of the room is for the
    names of the next best, and of some others of each server.
    """
    signatures = list(tools.signatures)
    if max_tokens is None:
        return ToolChoice(tuple(signatures), (), len(signatures))
    space = _Space(tools, max_tokens * CHARACTERS_PER_TOKEN)
    everything = range(len(signatures))
    if sum(map(space.take, everything)) <= space.room:
        return ToolChoice(tuple(signatures), (), len(signatures))
    space = _Space(tools, max_tokens * CHARACTERS_PER_TOKEN)
    pinned = [at for at in everything if signatures[at].name in tools.pinned]
    left = space.room - space.room // _NAMES - sum(map(space.take, pinned))
    places = {signature.alias: at for at, signature in enumerate(signatures)}
    wanted = [places[alias] for alias in dict.fromkeys(called) if alias in places]
    ranked = [at for at in _ranked(tools, question, before, wanted) if at not in pinned]
    chosen: list[int] = []
    for at in ranked:
        if space.of(at) <= left:
            chosen.append(at)
            left -= space.take(at)
    left = space.room // _NAMES
    named: list[int] = []
    for at in dict.fromkeys([*ranked, *_spread(everything, space.servers)]):
        length = len(signatures[at].alias) + 2
        if at not in chosen and at not in pinned and length <= left:
            named.append(at)
            left -= length
    return ToolChoice(
        tuple(signatures[at] for at in (*pinned, *sorted(chosen))),
        tuple(signatures[at] for at in sorted(named)),
        len(signatures),
    )


class _Space:
    """How many characters of a prompt tools take, each with what its server says where it is the first of that."""

    def __init__(self, tools: Toolset, room: int) -> None:
        self.room = room
        self._sizes = tools.sizes
        self.servers = [signature.server for signature in tools.signatures]
        self._says = tools.says
        self._begun = {""}

    def of(self, at: int) -> int:
        """What a tool would take."""
        server = self.servers[at]
        return self._sizes[at] + (0 if server in self._begun else len(server) + len(self._says.get(server, "")) + 16)

    def take(self, at: int) -> int:
        """What it takes now that it is shown."""
        taken = self.of(at)
        self._begun.add(self.servers[at])
        return taken


def _ranked(tools: Toolset, question: str, before: Iterable[str], wanted: Sequence[int]) -> list[int]:
    """The places of tools that fit, the best first: for the question, in turn with the best for each sentence of it,
    and with those that are wanted anyway.

    A question that asks for several things has few words for each of them. What was said before counts less.
    """
    best = [[at for at, _ in tools.index.scored_after(question, " ".join(before))], wanted]
    sentences = [one for one in _SENTENCE.split(question) if len(one.split()) > 2]
    if len(sentences) > 1:
        best += [[at for at, _ in tools.index.scored(one)] for one in sentences[:_MOST_SENTENCES]]
    return [at for at in dict.fromkeys(chain.from_iterable(zip_longest(*best))) if at is not None]


def _spread(places: Iterable[int], servers: Sequence[str]) -> list[int]:
    """Places in turn of each server, so that there are some of all."""
    of_each: dict[str, list[int]] = {}
    for at in places:
        of_each.setdefault(servers[at], []).append(at)
    return [at for at in chain.from_iterable(zip_longest(*of_each.values())) if at is not None]
