"""Find the complete parts of a JSON plan in a stream of text, whatever the chunks it comes in (rule L29)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNS = re.compile(r'["\\{}\[\],:\n]')
_IN_TEXT = re.compile(r'["\\\n]')
_CLOSES = {"}": "{", "]": "["}
_MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class JsonElement:
    """A part of the plan and where it begins: an item of the list (`key` is None), or the value of another `key`.

    `problem`: why nothing behind it can be read. `last`: the plan ends with it; its text may then be empty.
    """

    text: str
    line: int
    column: int
    key: str | None = None
    problem: str = ""
    last: bool = False


class Elements:
    """`feed` text as it comes; the elements that it completed come back. Each character is looked at once.

    The plan begins at the first line that begins with a bracket; its `items` are those of the list at that key.
    `begun`, `closed`: whether it has, and has ended. `line` and `column`: how far the text was read.
    """

    def __init__(self, items: str) -> None:
        self.begun = False
        self.closed = False
        self.line = 1
        self.column = 0
        self._items = items
        self._line: list[str] = []
        self._open: list[str] = []
        self._quoted = False
        self._escaped = False
        self._text: list[str] = []
        self._place = (1, 0)
        self._key: str | None = None
        self._blank = True
        self._last = (1, "")

    @property
    def last(self) -> tuple[int, str]:
        """The last line on which something stands: its number and what was read of it."""
        line = "".join(self._line)
        return (self.line, line) if line.strip() or not self._last[1] else self._last

    def feed(self, text: str) -> Iterator[JsonElement]:
        """Take the next piece of the plan."""
        position = 0
        if not self.begun:
            position = self._prose(text)
        while position < len(text) and not self.closed:
            if self._escaped:
                self._escaped = False
                self._move(text[position], keep=True)
                position += 1
                continue
            found = (_IN_TEXT if self._quoted else _SIGNS).search(text, position)
            stop = found.start() if found else len(text)
            self._move(text[position:stop], keep=True)
            position = stop
            if found is not None:
                position += 1
                yield from self._sign(found.group())

    def _prose(self, text: str) -> int:
        """Move over what stands before the plan: to its first bracket, or to the end of the text."""
        position = 0
        while position < len(text):
            if self._blank and text[position] in "{[":
                self.begun = True
                return position
            end = text.find("\n", position)
            line = text[position:] if end < 0 else text[position:end]
            words = line.lstrip()
            if self._blank and words[:1] in ("{", "["):
                self._move(line[: len(line) - len(words)], keep=False)
                position += len(line) - len(words)
                continue
            self._blank = self._blank and not words
            self._move(line, keep=False)
            if end < 0:
                return len(text)
            self._move("\n", keep=False)
            self._blank = True
            position = end + 1
        return position

    def _move(self, text: str, *, keep: bool) -> None:
        """Go over text; `keep`: as a part of an element, unless that has not begun."""
        if keep and text:
            if not self._text:
                blank = len(text) - len(text.lstrip())
                if blank < len(text):
                    self._place = self.line, self.column + blank
                    self._text.append(text[blank:])
            else:
                self._text.append(text)
        if text == "\n":
            self._last = self.last
            self.line, self.column = self.line + 1, 0
            self._line.clear()
        elif text:
            self.column += len(text)
            self._line.append(text)

    def _sign(self, sign: str) -> Iterator[JsonElement]:
        if sign == "\n" or self._quoted:
            self._quoted = self._quoted and sign != '"'
            self._escaped = sign == "\\"
            self._move(sign, keep=True)
            return
        depth = len(self._open)
        outer = depth == 1 or (depth == 2 and self._key == self._items and self._open[1] == "[")
        if sign == '"':
            self._quoted = True
        elif sign in "{[":
            begins = not depth or (depth == 1 and sign == "[" and self._key == self._items and not self._text)
            self._open.append(sign)
            if begins:
                self._move(sign, keep=False)
                if not depth and sign == "[":
                    yield self._broken('the plan is a list: it is an object with "steps" and "join"')
                return
            if len(self._open) > _MAX_DEPTH:
                yield self._broken("this is nested too deeply")
                return
        elif sign in "}]":
            if not depth or self._open[-1] != _CLOSES[sign]:
                yield self._broken(f"`{sign}` closes nothing that is open here")
                return
            if outer:
                yield from self._ended()
                self._open.pop()
                if depth == 1:
                    self.closed = True
                    self._move(sign, keep=False)
                    yield JsonElement("", self.line, self.column - 1, "", last=True)
                else:
                    self._move(sign, keep=False)
                return
            self._open.pop()
        elif sign == "," and outer:
            yield from self._ended(comma=True)
            self._move(sign, keep=False)
            return
        elif sign == ":" and depth == 1 and self._key is None:
            self._key = "".join(self._text).strip()[1:-1]
            self._text.clear()
            self._move(sign, keep=False)
            return
        self._move(sign, keep=True)

    def _ended(self, *, comma: bool = False) -> Iterator[JsonElement]:
        """An item of the list, or a value of the object, has ended."""
        text = "".join(self._text).rstrip()
        self._text.clear()
        if len(self._open) == 2:
            if text or comma:
                yield JsonElement(text, *(self._place if text else (self.line, self.column)))
            return
        key, self._key = self._key, None
        if key is not None or text or comma:
            place = self._place if text else (self.line, self.column)
            yield JsonElement(text, *place, key if key is not None else "")

    def _broken(self, why: str) -> JsonElement:
        self.closed = True
        return JsonElement("".join(self._line), self.line, 0, problem=why)
