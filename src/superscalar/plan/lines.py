"""Cut a stream of text into statements, whatever the chunks it comes in (rule L29).

Works line by line, so a chunk boundary cannot matter; each character is looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_INTERESTING = re.compile(r"[\"'#\\()\[\]{}]")
_NEW_STATEMENT = re.compile(
    r"(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s+(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=\s|if\s|for\s|join\s*\()"
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of one statement without its line end; `line` (from 1) is where it begins, `column` where its text does.

    `problem` says why it cannot be one, where that shows already here. `comment` is what its comments say.
    """

    text: str
    line: int
    column: int = 0
    problem: str = ""
    comment: str = ""


class Lines:
    """`feed` text as it comes; what it completed comes back.

    A statement completes at its line end outside brackets and strings. Inside brackets a line that begins like a new
    statement ends a bad one (rule L30), so one missing bracket does not swallow the rest of the plan.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.line = 0
        self._reset()

    def _reset(self) -> None:
        self._open: list[str] = []
        self._quote = ""
        self._text: list[str] = []
        self._first = 0
        self._problem = ""
        self._comments: list[str] = []

    @property
    def pending(self) -> str:
        """The unfinished line, if nothing before it is unfinished: what may turn out to be a statement."""
        return "" if self._text else "".join(self._pieces)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is unfinished."""
        return not self._text and not "".join(self._pieces).strip()

    def feed(self, text: str) -> list[Statement]:
        """Take the next piece of the source."""
        if "\n" not in text:
            self._pieces.append(text)
            return []
        done: list[Statement] = []
        *whole, rest = text.split("\n")
        for line in whole:
            self._pieces.append(line)
            full = "".join(self._pieces)
            self._pieces.clear()
            self._take(full.rstrip("\r"), done)
        if rest:
            self._pieces.append(rest)
        return done

    def end_line(self, text: str) -> int:
        """The line end has come behind `text`, which is known to be a whole statement: its line number, without another
        look at it; 0 if something else is unfinished."""
        if self._text or "".join(self._pieces) != text:
            return 0
        self._pieces.clear()
        self.line += 1
        return self.line

    def finish(self) -> list[Statement]:
        """The source has ended as it should: what is unfinished is a statement too."""
        done: list[Statement] = []
        if self._pieces:
            self._take("".join(self._pieces).rstrip("\r"), done)
            self._pieces.clear()
        if self._text:
            self._problem = self._problem or self._unclosed()
            self._flush(done)
        return done

    def _unclosed(self) -> str:
        return "a string is never closed" if self._quote else f"`{self._open[-1]}` is never closed"

    def _take(self, line: str, done: list[Statement]) -> None:
        self.line += 1
        if self._text and self._open and not self._quote and _NEW_STATEMENT.match(line):
            self._problem = self._problem or self._unclosed()
            self._flush(done)
        if not self._text:
            self._first = self.line
        self._text.append(line)
        if not self._scan(line):
            self._flush(done)

    def _flush(self, done: list[Statement]) -> None:
        text = "\n".join(self._text)
        body = text.lstrip(" \t") if len(self._text) == 1 else text
        done.append(Statement(body, self._first, len(text) - len(body), self._problem, "\n".join(self._comments)))
        self._reset()

    def _scan(self, line: str) -> bool:
        """Move over one line; True if the statement goes on in the next."""
        position, end = 0, len(line)
        while position < end:
            if self._quote:
                position = self._scan_string(line, position)
                continue
            match = _INTERESTING.search(line, position)
            if match is None:
                break
            position, sign = match.end(), match.group()
            if sign == "#":
                self._comments.append(line[position:].strip())
                break
            if sign == "\\":
                if position == end:
                    return True
            elif sign in "\"'":
                triple = line.startswith(sign * 2, position)
                self._quote = sign * 3 if triple else sign
                position += 2 if triple else 0
            elif sign in "([{":
                self._open.append(sign)
            elif self._open and self._open[-1] == _CLOSES[sign]:
                self._open.pop()
            else:
                self._problem = self._problem or f"`{sign}` closes nothing"
                self._open.clear()
        if len(self._quote) == 1:  # such a string cannot go on in the next line
            self._problem = self._problem or "a string is never closed"
            self._quote = ""
            self._open.clear()
        return bool(self._open or self._quote)

    def _scan_string(self, line: str, position: int) -> int:
        quote = self._quote
        while True:
            closing = line.find(quote, position)
            escape = line.find("\\", position)
            if escape != -1 and (closing == -1 or escape < closing):
                position = escape + 2
                if position > len(line) and len(quote) == 1:  # a backslash at the line's end: the string goes on
                    self._problem = self._problem or "a string is broken over two lines; write \\n in it"
                continue
            if closing == -1:
                return len(line)
            self._quote = ""
            return closing + len(quote)
