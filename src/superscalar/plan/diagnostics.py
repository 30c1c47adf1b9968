"""What is wrong with a plan, said so that a model can mend it: code, place, the line, a caret, help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from superscalar.plan.ir import Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Codes: E0xx the text cannot be read, E1xx names, E2xx constructs outside the language, E3xx tools and arguments,
    E4xx bounds, W5xx warnings. A warning never stops a plan.
    """

    code: str
    message: str
    span: Span
    line_text: str = ""
    label: str = ""
    help: str = ""
    file: str = "plan"

    @property
    def severity(self) -> Literal["error", "warning"]:
        """`error` keeps the plan from being sealed, `warning` does not."""
        return "warning" if self.code.startswith("W") else "error"

    def __str__(self) -> str:
        span = self.span
        head = f"{self.file}:{span.line}:{span.column + 1}: {self.code} {self.message}"
        if not self.line_text:
            return head + (f"\n    help: {self.help}" if self.help else "")
        text, column, width = _window(self.line_text, span)
        number = str(span.line).rjust(3)
        caret = " " * len(number) + " | " + " " * column + "^" * width + (f" {self.label}" if self.label else "")
        lines = [head, f"{number} | {text}", caret]
        if self.help:
            lines.append(f"    help: {self.help}")
        return "\n".join(lines)


_WIDEST = 120


def _window(line: str, span: Span) -> tuple[str, int, int]:
    """The part of a line to show, the caret's column in it, and its width; long lines are cut around the caret."""
    line = line.replace("\t", " ")
    end = span.end_column if span.end_line == span.line else len(line)
    start = max(0, min(span.column, len(line)) - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = line[start : start + _WIDEST]
    column = min(max(span.column - start, 0), len(shown))
    width = max(1, min(end - start, len(shown)) - column)
    if start:
        shown, column = "..." + shown, column + 3
    if start + _WIDEST < len(line):
        shown += "..."
    return shown, column, width
