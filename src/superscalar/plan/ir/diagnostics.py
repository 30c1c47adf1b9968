"""What is wrong with a plan, said so that a model can mend it: code, place, the line, a caret, help."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from superscalar.plan.ir import Span
from superscalar.short import ELLIPSIS


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Codes: E0xx the text cannot be read, E1xx names, E2xx constructs outside the language, E3xx tools and arguments,
    E4xx bounds, W5xx warnings. A warning never stops a plan. `inside`: the headers of the blocks in which it stands, as
    they are written, the outermost first.
    """

    code: str
    message: str
    span: Span
    line_text: str = ""
    label: str = ""
    help: str = ""
    file: str = "plan"
    inside: tuple[str, ...] = field(default=(), repr=False)

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Tell an `error`, which keeps the plan from being sealed, from a `warning`, which does not."""
        return "warning" if self.code.startswith("W") else "error"

    def __str__(self) -> str:
        span = self.span
        head = f"{self.file}:{span.line}:{span.column + 1}: {self.code} {self.message}"
        if not self.line_text:
            return head + (f"\n    help: {self.help}" if self.help else "")
        before, marked, after = _window(self.line_text, span)
        number = str(span.line).rjust(3)
        caret = " " * len(number) + " | " + " " * _cells(before) + "^" * max(1, _cells(marked))
        lines = [head, f"{number} | {before}{marked}{after}", caret + (f" {self.label}" if self.label else "")]
        if self.help:
            lines.append(f"    help: {self.help}")
        return "\n".join(lines)


_WIDEST = 120


def _window(line: str, span: Span) -> tuple[str, str, str]:
    """The part of a line to show: before what is marked, that, and after it; long lines are cut around the mark."""
    column = min(span.column, len(line))
    end = min(max(span.end_column, column), len(line)) if span.end_line == span.line else len(line)
    start = max(0, column - _WIDEST // 2) if len(line) > _WIDEST else 0
    stop = start + _WIDEST
    before = (ELLIPSIS if start else "") + _printable(line[start:column])
    after = _printable(line[min(end, stop) : stop]) + (ELLIPSIS if stop < len(line) else "")
    return before, _printable(line[column : min(end, stop)]), after


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text.replace("\t", " "))


def _cells(text: str) -> int:
    """How many cells wide a text is on a screen."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(sign: str) -> int:
    return 0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
