"""Cut the text of a numbered plan into calls and the words between them, each character once (L27, L29)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from superscalar.plan.ir import Span
from superscalar.plan.read.fronts.papers.dialect import CLOSED, ESCAPED, HOLE, NEWLINE, OPENED, REFERENCE, PaperDialect
from superscalar.plan.read.translated import Written

END = "<END_OF_PLAN>"

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_BETWEEN = re.compile(r"[\s,;.|&]*(?:(?:and|then)\s+)?")
_PREFIX = re.compile(r"(?<!\w)(?:[fF][rR]?|[rR][fFbB]?|[bB][rR]?|[uU])$")
_LONGEST_NAME = 120
_NAME = re.compile(r"[^\W\d][\w.:/-]*")
_LINES = re.compile(r"(\r\n|\r|\n)")
_BULLET = re.compile(r"\s*(?:[-*+•]\s+)?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One argument: as it was `written`, as Python's parser gets it, and where it begins."""

    written: str
    layout: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class CallText:
    """The text of one call. `number` is None where it has none.

    `missing`: the closing brackets that nobody wrote. `quote`: where a string begins that is never closed. `rest`: what
    stands behind it on its line. `notes`: what is unusual about how it begins (rule L27).
    """

    number: int | None
    tool: str
    tool_span: Span
    written: Written
    segments: tuple[Segment, ...]
    missing: str = ""
    quote: Span | None = None
    rest: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A line that is no call. `number`, if it begins like one."""

    text: str
    written: Written
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ThoughtLine:
    """What a line says about the next step."""

    text: str


@dataclass(frozen=True, slots=True)
class Fence:
    """A line with three backticks."""


@dataclass(frozen=True, slots=True)
class PlanEnd:
    """`<END_OF_PLAN>`."""


PlanPiece: TypeAlias = CallText | Words | ThoughtLine | Fence | PlanEnd


class _Head(NamedTuple):
    """The beginning of a call: where its tool is named and where its arguments are opened."""

    number: int | None
    tool: str
    begin: int
    opening: int
    thought: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _OpenCall:
    """A call whose end has not come yet."""

    number: int | None
    tool: str
    tool_span: Span
    notes: tuple[str, ...]
    line: int
    column: int
    lines: list[str]
    brackets: list[str]
    counts: Counter[str]
    segment_line: int
    segment_column: int
    written: list[str] = field(default_factory=list)
    layout: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    quote: str = ""
    quoted: tuple[int, int] = (0, 0)
    formatted: bool = False
    plain: bool = False
    missing: str = ""

    def end_segment(self, line: int, column: int) -> None:
        text, layout = "".join(self.written), "".join(self.layout)
        self.segments.append(Segment(text, layout, self.segment_line, self.segment_column))
        self.written.clear()
        self.layout.clear()
        self.segment_line, self.segment_column = line, column


class Cutter:
    """`feed` text as it comes; the pieces that it completed come back.

    A call ends at its closing bracket. Where that is missing, the next line that begins like a step ends it; inside
    quotes only one that calls a tool which `is_tool` knows. `line`: how many were taken. `carriage_returns`: whether
    there were any.
    """

    def __init__(self, dialect: PaperDialect, is_tool: Callable[[str], bool]) -> None:
        self.line = 0
        self.carriage_returns = False
        self._dialect = dialect
        self._is_tool = is_tool
        self._signs = re.compile(rf"{dialect.reference}|[\"'()\[\]{{}},\\]")
        sign = re.escape(dialect.sign)
        hole = rf"(?P<hole>{sign}){dialect.letter}(?:(?=\d)|\{{(?P<braced>\d{{1,9}})\}})"
        self._in_text = re.compile(rf"\\(.)?|{hole}|(?P<quote>[\"'])", re.DOTALL)
        self._pieces: list[str] = []
        self._return = ""
        self._open: _OpenCall | None = None

    def feed(self, text: str) -> Iterator[PlanPiece]:
        """Take the next piece of the plan."""
        text = self._return + text
        self._return = "\r" if text.endswith("\r") else ""  # a line feed may follow, which belongs to it
        *whole, rest = _LINES.split(text.removesuffix("\r"))
        for line, end in zip(whole[::2], whole[1::2], strict=True):
            self.carriage_returns = self.carriage_returns or end != "\n"
            self._pieces.append(line)
            full = "".join(self._pieces)
            self._pieces.clear()
            yield from self._take(full)
        if rest:
            self._pieces.append(rest)

    def finish(self) -> Iterator[PlanPiece]:
        """The text has ended as it should."""
        if self._pieces:
            full = "".join(self._pieces)
            self._pieces.clear()
            yield from self._take(full)
        if self._open is not None:
            yield self._broken_off(self._open)

    def _take(self, line: str) -> Iterator[PlanPiece]:
        if self._open is not None and not self._goes_on(self._open, line):
            yield self._broken_off(self._open)
        self.line += 1
        if self._open is None:
            yield from self._rest(line, -1)
            return
        self._open.lines.append(line)
        end = self._scan(self._open, line, 0)
        if end >= 0:
            yield from self._rest(line, end)

    def _goes_on(self, open: _OpenCall, line: str) -> bool:
        """Whether a line is part of the call that is open."""
        if len(open.quote) == 3:
            return True
        head = self._head(line, 0)
        if head is not None and (head.number is not None or head.tool == "join"):
            return bool(open.quote) and not self._is_tool(head.tool)
        other = self._dialect.thought.match(line) or line.lstrip().startswith(("```", END))
        return bool(open.quote) or not other

    def _rest(self, line: str, position: int) -> Iterator[PlanPiece]:
        """What stands on a line from `position` on, behind a call; on the whole line for -1."""
        ends = iter([found.start() for found in re.finditer(END, line)])
        end = next(ends, len(line))
        if position < 0:
            head = self._head(line, 0)
            if head is None:
                yield from self._words(line)
                return
            yield from self._begin(line, 0, head)
            position = self._scanned(line)
        while position >= 0 and self._open is not None:
            while end < position:
                end = next(ends, len(line))
            call, self._open = self._open, None
            between = _BETWEEN.match(line, position)
            behind = between.end() if between else position
            head = self._head(line, behind)
            yield self._whole(call, position, line[position:end].strip() if head is None else "")
            if head is not None:
                yield from self._begin(line, behind, head)
                position = self._scanned(line)
            elif end < len(line):
                yield PlanEnd()

    def _head(self, line: str, position: int) -> _Head | None:
        """The beginning of a call that stands here."""
        header = self._dialect.header.match(line, position)
        if header is None:
            return None if position else self._unnumbered(line)
        begin = header.end()
        opening = self._opening(line, begin)
        tool = line[begin:opening].strip(" \t*`")
        if opening < 0 or not (self._is_tool(tool) or _NAME.fullmatch(tool)):
            return None
        thought = header.groupdict().get("thought") or ""
        notes = tuple(self._unusual(header, line[opening - 1].isspace()))
        return _Head(int(header["number"]), tool, begin, opening, thought, notes)

    def _unusual(self, header: re.Match[str], space: bool) -> Iterator[str]:
        """What is unusual about the beginning of a call, though its meaning is clear."""
        if header.start():
            yield "several calls on a line"
        elif header.group()[:1].isspace():
            yield "indented"
        if header.groupdict().get("bullet"):
            yield "a bullet"
        if (style := header.groupdict().get("style")) is not None and style != self._dialect.style:
            yield f"`{header['number']}{style}` for `{header['number']}{self._dialect.style}`"
        if space:
            yield f"a space before `{self._dialect.openings[0]}`"

    def _unnumbered(self, line: str) -> _Head | None:
        """A line that is nothing but the call of a known tool."""
        bullet = _BULLET.match(line)
        begin = bullet.end() if bullet else 0
        opening = self._opening(line, begin)
        tool = line[begin:opening].strip(" \t*`")
        whole = line.rstrip().removesuffix(END).rstrip().endswith((")", "]"))
        return (
            _Head(None, tool, begin, opening, notes=("no number",))
            if opening >= 0 and whole and self._is_tool(tool)
            else None
        )

    def _opening(self, line: str, begin: int) -> int:
        stop = min(len(line), begin + _LONGEST_NAME)
        places = [place for sign in self._dialect.openings if (place := line.find(sign, begin, stop)) >= 0]
        return min(places, default=-1)

    def _begin(self, line: str, column: int, head: _Head) -> Iterator[PlanPiece]:
        if head.thought:
            yield ThoughtLine(head.thought.strip())
        sign = line[head.opening]
        span = Span(self.line, head.begin, self.line, head.opening)
        here = head.notes, self.line, column
        begun = Counter(sign), self.line, head.opening + 1
        self._open = _OpenCall(head.number, head.tool, span, *here, [line], [sign], *begun)

    def _scanned(self, line: str) -> int:
        return -1 if self._open is None else self._scan(self._open, line, self._open.segment_column)

    def _words(self, line: str) -> Iterator[PlanPiece]:
        text = line.strip()
        if text.startswith("```"):
            yield Fence()
            return
        before, end, _ = line.partition(END)
        if (thought := self._dialect.thought.match(before)) is not None:
            yield ThoughtLine(thought["text"].strip())
        elif text:
            header = self._dialect.header.match(before)
            number = int(header["number"]) if header else None
            yield Words(before.strip(), Written(line, self.line, Span(self.line, 0, self.line, len(before))), number)
        if end:
            yield PlanEnd()

    # ------------------------------------------------------------------------------------------------- one call

    def _whole(self, open: _OpenCall, end: int, rest: str) -> CallText:
        return self._call(open, Span(open.line, open.column, self.line, end), None, rest)

    def _broken_off(self, open: _OpenCall) -> CallText:
        """The call that is open, whose end nobody wrote."""
        self._open = None
        last = open.line + len(open.lines) - 1
        quote = None
        if open.quote:
            line, column = open.quoted
            quote = Span(line, column, line, column + len(open.quote))
        open.missing += "".join(_CLOSING[sign] for sign in reversed(open.brackets))
        open.layout.append("".join(_CLOSING[sign] for sign in reversed(open.brackets[1:])))
        open.end_segment(0, 0)
        return self._call(open, Span(open.line, open.column, last, len(open.lines[-1].rstrip())), quote, "")

    def _call(self, open: _OpenCall, span: Span, quote: Span | None, rest: str) -> CallText:
        text = open.lines[0] if len(open.lines) == 1 else "\n".join(open.lines)
        written = Written(text, open.line, span)
        segments = tuple(open.segments)
        said = open.missing, quote, rest, open.notes
        return CallText(open.number, open.tool, open.tool_span, written, segments, *said)

    def _scan(self, open: _OpenCall, line: str, position: int) -> int:
        """Move over a line of a call: to behind its end, or -1 if it goes on in the next line."""
        while True:
            if open.quote:
                position = self._scan_text(open, line, position)
                if position < 0:
                    return -1
                continue
            found = self._signs.search(line, position)
            if found is None:
                open.written.append(line[position:] + "\n")
                open.layout.append(line[position:] + "\n")
                return -1
            before = line[position : found.start()]
            open.written.append(before)
            open.layout.append(before)
            sign, begin, position = found.group(), found.start(), found.end()
            if sign in "\"'":
                position = self._begin_text(open, line, begin, sign)
            elif sign in _OPENING:
                if self._close(open, sign) == 0:
                    open.end_segment(0, 0)
                    return position
            elif sign == "," and len(open.brackets) == 1:
                open.end_segment(self.line, position)
            elif sign in _CLOSING:
                open.brackets.append(sign)
                open.counts[sign] += 1
                open.written.append(sign)
                open.layout.append(sign)
            else:
                open.written.append(sign)
                number = found.group(1) or found.group(2)
                name = f"{REFERENCE}{self._dialect.letter}{number}" if number else sign
                open.layout.append(name.ljust(len(sign)))

    def _close(self, open: _OpenCall, sign: str) -> int:
        """Take a closing bracket; how many are open behind it. One that closes nothing counts as text."""
        opening = _OPENING[sign]
        if open.counts[opening]:
            while True:
                last = open.brackets.pop()
                open.counts[last] -= 1
                if last == opening:
                    break
                open.missing += _CLOSING[last]
                open.layout.append(_CLOSING[last])
        if open.brackets:
            open.written.append(sign)
            open.layout.append(sign)
        return len(open.brackets)

    def _begin_text(self, open: _OpenCall, line: str, begin: int, sign: str) -> int:
        """A quote: the beginning of text, unless it stands in a word (`What's`)."""
        quote = sign * 3 if line.startswith(sign * 3, begin) else sign
        prefix = _PREFIX.search(line[max(0, begin - 3) : begin])
        if begin and (line[begin - 1].isalnum() or line[begin - 1] == "_") and prefix is None:
            quote = sign
        else:
            prefixes = prefix.group().lower() if prefix else ""
            open.quote, open.quoted = quote, (self.line, begin)
            open.formatted, open.plain = "f" in prefixes, "b" in prefixes
        open.written.append(quote)
        open.layout.append(quote)
        return begin + len(quote)

    def _scan_text(self, open: _OpenCall, line: str, position: int) -> int:
        """Move over quoted text: to behind its end, or -1 if it goes on in the next line."""
        while True:
            found = self._in_text.search(line, position)
            stop = found.start() if found else len(line)
            open.written.append(line[position:stop])
            open.layout.append(line[position:stop])
            if found is None:
                open.written.append("\n")
                open.layout.append("\n" if len(open.quote) == 3 else NEWLINE)
                return -1
            text, position = found.group(), found.end()
            if text == "\\":  # at the end of the line: the next goes on with the text
                open.written.append("\\\n")
                open.layout.append("\\\n")
                return -1
            shown = text
            if found["quote"] and line.startswith(open.quote, stop):
                shown = text = open.quote
                position = stop + len(text)
                open.quote = ""
            elif found["hole"] and not open.plain:
                shown = self._hole(open, found["braced"])
            elif text == f"\\{self._dialect.sign}" and not open.plain:
                shown = ESCAPED
            open.written.append(text)
            open.layout.append(shown)
            if not open.quote:
                return position

    def _hole(self, open: _OpenCall, braced: str | None) -> str:
        """What stands for the beginning of a reference in text, or for all of it where its number is in braces."""
        begin = (REFERENCE if open.formatted else HOLE) + self._dialect.letter
        if braced is None:
            return begin
        return begin + (f"{OPENED}{braced}{CLOSED}" if open.formatted else f"{{{braced}}}")
