"""How a reply ended: one notion of "whole" for everybody who reads what a model writes.

The provider's word decides. What is no word for a whole reply is one for a cut: nothing is done, answered or believed
because of a word that we do not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from superscalar.errors import UsageError
from superscalar.short import cut

WHOLE: Final = frozenset(
    "stop tool_calls tool_call function_call eos eos_token end_turn stop_sequence complete completed".split()
)
"""The words with which a provider says that a reply is whole, compared without case."""

_NONE: Final = frozenset({"", "null"})
_LIMIT: Final = frozenset({"length", "max_tokens"})
_OURS: Final = frozenset({"length", "filter"})  # what every adapter says of a cut that is no riddle
_LONGEST: Final = 60  # characters of a word that is shown


def is_whole(finish: str | None) -> bool:
    """Whether a reply that ended with this (`Chunk.finish`) is whole; one that ended with None was cut."""
    return finish is not None and finish.strip().casefold() in WHOLE


def was_too_long(finish: str | None) -> bool:
    """Whether a reply was cut because of its length."""
    return finish is not None and finish.strip().casefold() in _LIMIT


def why_cut(finish: str | None) -> str:
    """Why a reply that ended so is not taken for whole, for the user."""
    if finish is None:
        return "it ended without a word that says that it is whole"
    word = json.dumps(cut(" ".join(finish.split()), _LONGEST), ensure_ascii=False)
    if finish in _OURS:
        return f"it ended with the word {word}: " + (
            "its length is bounded" if finish == "length" else "it was filtered"
        )
    return (
        f"it ended with the word {word}, which as far as we know does not say that it is whole; "
        f"if it does, write ends={{{word}}} where the model is made, as in OpenAIModel(..., ends={{{word}}})"
    )


class Ends:
    """What the words of one provider mean: `table` by its word, and `more` words that say that a reply is whole.

    Raises:
        UsageError: `more` is a text, or holds what is no word.
    """

    def __init__(self, table: Mapping[str, str], more: Iterable[str] = ()) -> None:
        words = () if isinstance(more, str) else tuple(more)
        if isinstance(more, str) or not all(isinstance(word, str) and word.strip() for word in words):
            raise UsageError(f'ends={more!r}: write a set of words, such as ends={{"EOS"}}')
        self._meaning = {word.casefold(): meaning for word, meaning in table.items()}
        self._meaning |= dict.fromkeys((word.strip().casefold() for word in words), "stop")

    def read(self, word: object) -> str | None:
        """What a provider's word means: "stop", a word for a cut, or None where there is none at all."""
        if word is None or (isinstance(word, str) and word.strip().casefold() in _NONE):
            return None
        said = word.strip() if isinstance(word, str) else str(word)
        means = self._meaning.get(said.casefold(), said)
        return "stop" if is_whole(means) else means


class ReplyEnd:
    """What a stream says of its end, folded as it comes.

    A word for a cut is never taken back. One for a whole reply holds until more of the reply comes; from a server that
    writes it on every piece it means something only on a piece that has nothing else. Where no word came, `[DONE]` says
    that nothing is missing.
    """

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._done = False
        self._whole = False
        self._loose = False  # the word has come before the end
        self._fresh = False  # the piece that is being read has text
        self._cut: str | None = None

    def wrote(self) -> None:
        """More of the reply has come."""
        self._loose = self._loose or self._whole
        self._whole, self._fresh = False, True

    def said(self, word: object) -> None:
        """The piece has a word for the end, or left the field empty."""
        means = self._ends.read(word)
        fresh, self._fresh = self._fresh, False
        if means == "stop":
            self._whole = not (self._loose and fresh)
        elif means is not None and self._cut is None:
            self._cut = means

    def done(self) -> None:
        """The body said that it is over."""
        self._done = True

    @property
    def finish(self) -> str | None:
        """How the reply ended, as `Chunk.finish` has it."""
        return self._cut or ("stop" if self._whole or self._done else None)
