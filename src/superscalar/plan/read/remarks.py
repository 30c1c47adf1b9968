"""A line among statements that is a remark: `Sure thing`, `Done.` (rule L27).

It may be left out only where nobody can have meant it to do something: it is a plain word or two, and neither is a name
of the plan, a word of the language, nor nearly one of a tool's name, or of what a tool that writes says it does. Who
says more may describe a statement, and is asked to write it.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import Final

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir.signatures import Signatures

_WORD: Final = r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_]))*"
_REMARK: Final = re.compile(rf"(?:[-*•][ \t]+)?(?:{_WORD}[,;]?[ \t]+)?{_WORD}[ \t]*[.!?:…]*[ \t]*")
_WORDS: Final = re.compile(_WORD)
_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")
_LONGEST: Final = 60  # characters
_LONGEST_DESCRIPTION: Final = 2_000
_MOST: Final = 20  # remarks in a program
_NEAR: Final = 0.7  # of two words, by difflib
_SHORT: Final = 3  # letters of a word, up to which it is compared as it stands

_OF_THE_LANGUAGE: Final = frozenset(
    {
        *map(str.lower, keyword.kwlist),
        *FUNCTIONS,
        "join",
        "finish",
        "print",
        "match",
        "case",
        "then",
        "end",
        "call",
        "run",
    }
)
"""Words that a statement begins with, here or in what models write elsewhere."""
_POINTING: Final = frozenset({"a", "an", "it", "that", "the", "these", "this", "those", "to", "of", "on", "so"})
"""What stands in every description, and says nothing."""
_WITHIN: Final = frozenset({"and", "or", "not", "is", "in", "as", "for", "from", "with", "all", "any", "first", "next"})
"""Those that stand in sentences too, behind another word."""


class Remarks:
    """Says of lines that have no meaning whether they can be left out, as long as they are few.

    `left_out` counts them.
    """

    def __init__(self, tools: Signatures) -> None:
        self._tools = tools
        self._parts: frozenset[str] | None = None
        self.left_out = 0

    def take(self, text: str, is_name: Callable[[str], bool]) -> bool:
        """Whether a line is left out. `is_name`: whether the plan assigns a name."""
        if self.left_out == _MOST or len(text) > _LONGEST or _REMARK.fullmatch(text) is None:
            return False
        words = _WORDS.findall(text)
        if any(word[1:] != word[1:].lower() for word in words if word != word.upper()):
            return False  # an identifier
        if any(is_name(word) or is_name(word.lower()) for word in words):
            return False
        first, *others = (word.lower() for word in words)
        if first in _OF_THE_LANGUAGE or not _OF_THE_LANGUAGE.isdisjoint({*others} - _WITHIN):
            return False
        if self._parts is None:
            self._parts = frozenset(_words_of(self._tools))
        if any(_is_near(word, part) for word in {first, *others} - _POINTING for part in self._parts):
            return False
        self.left_out += 1
        return True


def _words_of(tools: Signatures) -> Iterator[str]:
    """The words of what tools are called, and of what those that write are said to do."""
    for tool in tools:
        for name in (tool.alias, tool.name):
            yield from (part.lower() for part in _PARTS.findall(name))
        if tool.effect == "write":
            yield from (word.lower() for word in _WORDS.findall(tool.description[:_LONGEST_DESCRIPTION]))


def _is_near(word: str, part: str) -> bool:
    """Whether one word may be the other, or a form of it."""
    if word == part:
        return True
    if min(len(word), len(part)) <= _SHORT:
        return False
    stem = max(_SHORT, min(len(word), len(part)) - 1)
    if word[:stem] == part[:stem]:
        return True
    return abs(len(word) - len(part)) <= _SHORT and SequenceMatcher(None, word, part).ratio() >= _NEAR
