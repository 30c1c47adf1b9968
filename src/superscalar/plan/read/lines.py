"""Cut a stream of text into statements, whatever the chunks it comes in (rule L29).

Works line by line, so a chunk boundary cannot matter; each character is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_F_STRING = re.compile(r"[fF][rR]?$|[rR][fF]$")
_INTERESTING = re.compile(r"[\"'#\\()\[\]{}]")
_NEW_STATEMENT = re.compile(
    r"(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s+(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=\s|if\s|for\s|join\s*\(|```|~~~)"
)
_OF_A_BLOCK = re.compile(
    r"(?:if|elif|else|for|while|with|try|except|finally|def|class|async|match|case)\b(?!\s*=[^=])|@|```|~~~"
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_PARTS = "give parts of it names"
_MAX_CODE = 64 * 1024
"""Characters of one statement, what stands in quotes not counted: the syntax tree takes hundreds of bytes for each."""
_MAX_OPEN = 200
"""Brackets within brackets; Python's own parser reads no more."""

_CODE = r"(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)|"
_CODE += r"(?:if|for|elif|else|return)\b|[^\W\d]\w*\s*\()"
_ASSIGNS = r"(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*=(?!=))"
_NUMBERS = "line numbers"
_NUMBERED = re.compile(rf"\s*(?P<number>\d{{1,4}})(?:[.):]|\s*\|)[ \t](?=\s*{_CODE})")
_NUMBER = re.compile(r"\s*(?P<number>\d{1,4})(?:[.):]|\s*\|)(?:[ \t]|$)")
_PROMPT = re.compile(r"\s*>>>(?:[ \t]|$)")
_CONTINUED = re.compile(r"\s*\.\.\.(?:[ \t]|$)")
_BULLET = re.compile(rf"\s*[-*+•][ \t]+(?={_ASSIGNS}|join\s*\()")
_BEFORE_CALL = re.compile(r"(?P<indent>\s*)[-*+•][ \t]+(?=[^\W\d][\w.]*\s*\()")  # as a sign it would change nothing


class Margin:
    """What stands before the statements of a listing: prompts of an interpreter, line numbers, bullets (rule L27).

    It is clear only where the line could be nothing else: a number before a statement, and from then on each line that
    has the number after the last one; `...` behind a line with a prompt.
    """

    def __init__(self) -> None:
        self._prompted = False
        self._number: int | None = None

    @property
    def number(self) -> int:
        """The last number that stood there; 0 if none did."""
        return self._number or 0

    def without(self, line: str, *, begins: bool) -> tuple[str, str] | None:
        """The line without it, and what that was; None where nothing was. `begins`: no statement is open before it."""
        start = line[:12].lstrip()
        if not start or (start[0].isalpha() or start[0] == "_") or start[0] in "#\"'([{)]}":
            return None
        if found := _PROMPT.match(line):
            self._prompted = True
            return line[found.end() :], "prompts of an interpreter"
        if self._prompted and (found := _CONTINUED.match(line)):
            return line[found.end() :], "prompts of an interpreter"
        if (found := _NUMBER.match(line)) and int(found["number"]) - 1 == self._number:
            self._number = int(found["number"])
            return line[found.end() :], _NUMBERS
        if begins and (found := _NUMBERED.match(line)):
            self._number = int(found["number"])
            return line[found.end() :], _NUMBERS
        if begins and (found := _BULLET.match(line)):
            return line[found.end() :], "bullets"
        if begins and (found := _BEFORE_CALL.match(line)):  # in a block it may be a sign all the same
            return found["indent"] + line[found.end() :], "bullets"
        return None


class Sign(NamedTuple):
    """A sign in the source and where it stands: its line (from 1) and column (from 0)."""

    sign: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the text of a statement can be none, and at which sign that shows."""

    why: str
    mark: Sign
    help: str = ""
    code: str = "E001"


class Statement(NamedTuple):
    """The text of one statement without its line end; `line` (from 1) is where it begins, `column` where its text does.

    `problem` says why it cannot be one, where that shows already here. `comment` is what its comments say. `notes`:
    what was taken from the margin of its lines, and `number` that of its first one, if they have numbers.
    """

    text: str
    line: int
    column: int = 0
    problem: Problem | None = None
    comment: str = ""
    notes: tuple[str, ...] = ()
    number: int = 0


class Lines:
    """`feed` text as it comes; what it completed comes back.

    A statement completes at its line end outside brackets and strings. Inside brackets a line that begins like a new
    statement ends a bad one (rule L30), so one missing bracket does not swallow the rest of the plan. Lines end at
    `\\n`. `line`: how many were taken so far.
    """

    def __init__(self, line: int = 0) -> None:
        self._pieces: list[str] = []
        self.line = line
        self._margin = Margin()
        self._left: tuple[list[str], int, str] = ([], 0, "")
        self._reset()

    def _reset(self) -> None:
        self._open: list[tuple[str, int, int]] = []  # as a `Sign`, which takes longer to make
        self._quote: Sign | None = None
        self._holes = False  # whether what stands in these quotes is an f-string
        self._continued = False
        self._text: list[str] = []
        self._first = 0
        self._problem: Problem | None = None
        self._comments: list[str] = []
        self._harmless = 0
        self._notes: dict[str, None] = {}
        self._numbered = 0

    @property
    def pending(self) -> str:
        """The unfinished line, if nothing before it is unfinished: what may turn out to be a statement."""
        return "" if self._text else "".join(self._pieces)

    def feed(self, text: str) -> Iterator[Statement]:
        """Take the next piece of the source; it is looked at line by line, as far as one asks for statements."""
        if "\n" not in text:
            if text:
                self._pieces.append(text)
            return
        done: list[Statement] = []
        *whole, rest = text.split("\n")
        for number, line in enumerate(whole, 1):
            self._pieces.append(line)
            full = "".join(self._pieces)
            self._pieces.clear()
            self._take(full, done)
            if done:
                self._left = whole, number, rest
                yield from done
                done.clear()
        if rest:
            self._pieces.append(rest)

    def left(self) -> str:
        """What the last `feed` did not look at, because nobody asked for more statements."""
        whole, number, rest = self._left
        return "\n".join([*whole[number:], rest])

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
            self._take("".join(self._pieces), done)
            self._pieces.clear()
        if self._text:
            self._problem = self._problem or self._unclosed()
            self._flush(done)
        return done

    def _unclosed(self) -> Problem:
        if self._quote is None and not self._open:
            last = Sign("\\", self.line, max(len(self._text[-1]) - 1, 0))
            return Problem("after `\\` the line goes on, but nothing follows", last, "leave the `\\` out")
        mark = self._quote or Sign(*self._open[-1])
        what = "a string" if self._quote else f"`{mark.sign}`"
        help = f"close it with `{mark.sign if self._quote else _CLOSING[mark.sign]}`"
        if self.line > mark.line:
            help += f"; what follows up to line {self.line} was read as a part of it: write those lines again"
        return Problem(f"{what} is never closed", mark, help)

    def _take(self, line: str, done: list[Statement]) -> None:
        if self._text and self._open and not self._quote and _NEW_STATEMENT.match(line):
            self._problem = self._problem or self._unclosed()
            self._flush(done)
        self.line += 1
        if not self._text:
            self._first = self.line
        if (bare := self._margin.without(line, begins=not self._text)) is not None:
            line, note = bare
            self._notes[note] = None
            if not self._text and note == _NUMBERS:
                self._numbered = self._margin.number
            if self._quote is not None:
                where = Sign(line[:1], self.line, 0)
                self._problem = self._problem or Problem(f"{note} in a string", where, "write the text without them")
        self._text.append(line)
        if not self._scan(line):
            self._flush(done)

    def _flush(self, done: list[Statement]) -> None:
        text = "\n".join(self._text)
        body = text.lstrip(" \t")
        if len(body) - self._harmless > _MAX_CODE and self._problem is None:
            why = f"a statement has at most {_MAX_CODE // 1024} KB beside what stands in quotes"
            self._problem = Problem(why, Sign(body[0], self._first, len(text) - len(body)), _PARTS, "E403")
        comment, notes = "\n".join(self._comments), tuple(self._notes)
        done.append(Statement(body, self._first, len(text) - len(body), self._problem, comment, notes, self._numbered))
        self._reset()

    def _scan(self, line: str) -> bool:
        """Move over one line; True if the statement goes on in the next."""
        self._continued = False
        position: int | None = 0
        while position is not None:
            if self._quote is not None:
                begin = position
                position = self._scan_string(line, position, self._quote.sign)
                self._harmless += 0 if self._holes else position - begin
            position = self._scan_code(line, position) if self._quote is None else None
        if self._quote is not None and len(self._quote.sign) == 1 and not self._continued:
            self._problem = self._problem or self._unclosed()  # such a string cannot go on in the next line
            self._quote = None
            self._open.clear()
        return bool(self._open or self._quote or self._continued)

    def _scan_code(self, line: str, position: int) -> int | None:
        """Move over what is no text: to behind the next quote, or None at the end of the line."""
        opened = self._open
        for match in _INTERESTING.finditer(line, position):
            sign = match.group()
            if sign in "([{":
                opened.append((sign, self.line, match.start()))
                if len(opened) > _MAX_OPEN:
                    mark = Sign(*opened[-1])
                    self._problem = self._problem or Problem("this is nested too deeply", mark, _PARTS, "E402")
                    opened.clear()
                    return None
            elif sign in ")]}":
                if opened and opened[-1][0] == _CLOSES[sign]:
                    opened.pop()
                else:
                    self._problem = self._problem or _stray(Sign(sign, self.line, match.start()), opened)
                    opened.clear()
            elif sign == "#":
                self._comments.append(line[match.end() :].strip())
                self._harmless += len(line) - match.start()
                return None
            elif sign == "\\":
                self._continued = match.end() == len(line)
            else:
                triple = line.startswith(sign * 2, match.end())
                self._quote = Sign(sign * 3 if triple else sign, self.line, match.start())
                self._holes = _F_STRING.search(line, max(match.start() - 2, 0), match.start()) is not None
                return match.end() + (2 if triple else 0)
        return None

    def _scan_string(self, line: str, position: int, quote: str) -> int:
        """Move over text in quotes: to behind its end, or to the end of the line."""
        while True:
            closing = line.find(quote, position)
            escape = line.find("\\", position)
            if escape != -1 and (closing == -1 or escape < closing):
                position = escape + 2
                self._continued = position > len(line)  # a backslash at the line's end: the string goes on
                continue
            if closing == -1:
                return len(line)
            self._quote = None
            return closing + len(quote)


def complete_lines(text: str) -> str:
    """The beginning of a plan that was cut, up to its last statement that is complete and stands in no block.

    A block that was begun is not part of it: whoever goes on in the middle of one writes lines without their condition.
    """
    end = column = 0
    begun = False
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    for statement in Lines().feed(text):
        if not statement.text or statement.text.startswith("#"):
            continue
        column = column if begun else statement.column
        begun = True
        if statement.column <= column and not _OF_A_BLOCK.match(statement.text):
            end = statement.line + statement.text.count("\n")
    return "".join(f"{line}\n" for line in lines[:end])


_CLOSING = {opening: closing for closing, opening in _CLOSES.items()}


def _stray(mark: Sign, before: list[tuple[str, int, int]]) -> Problem:
    if not before:
        return Problem(f"`{mark.sign}` closes nothing", mark, "leave it out, or open it where it belongs")
    opened = before[-1][0]
    return Problem(f"`{mark.sign}` does not close `{opened}`", mark, f"close it with `{_CLOSING[opened]}`")
