"""What tells the line-based syntaxes apart: how a line begins, how a result is referred to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REFERENCE = "\u01c0"
"""Stands in text that Python's parser gets where a reference outside text begins: with its number it is a name."""
HOLE = "\ufdd3"
"""The same in quoted text, for what may be a reference."""
OPENED, CLOSED = "\ufdd4", "\ufdd5"
"""The braces of a reference in formatted text, where Python's would be those of an expression."""
ESCAPED = "\ufdd1\ufdd2"
"""Two signs for two: a backslash and the sign of a reference, which together are just that sign."""
NEWLINE = "\ufdd0"
"""A line end in quotes that in Python cannot hold one."""
STAND_INS = re.compile("[\u01c0\ufdd0-\ufdd5]")
TOOL: Final = r"[*`]*[^\W\d][\w.:/-]*[*`]*\s*"
"""The name of a tool at the beginning of a call, with the marks that models put around it."""


@dataclass(frozen=True, slots=True)
class PaperDialect:
    """`1. search("x")` and `$1`, or `#E1 = search[x]` and `#E1`.

    `header` is what stands before the name of the tool, with group `number`; groups `bullet`, `style` (the sign behind
    the number, which should be this dialect's `style`) and `thought` where it may have them. `openings`: the brackets
    that begin the arguments. `step`: how a step begins. `thought`: a line that is one, with group `text`. `variable`:
    what the result of a step is called in the program, before its number. `reference`: one outside text, with the
    number as group 1 or 2. `letter` stands between the sign of a reference and its number. `quotes`: text should be in
    quotes.
    """

    header: re.Pattern[str]
    openings: str
    step: str
    thought: re.Pattern[str]
    variable: str
    reference: str
    sign: str
    letter: str = ""
    style: str = ""
    quotes: bool = True

    def variable_of(self, number: int) -> str:
        """The name in the program of the result of a step."""
        return f"{self.variable}{number}"

    def spelled(self, number: int, *, braced: bool = False) -> str:
        """A reference as the plan writes it."""
        return f"{self.sign}{self.letter}{{{number}}}" if braced else f"{self.sign}{self.letter}{number}"
