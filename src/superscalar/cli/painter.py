"""Draws a picture of lines over and over in one place of a terminal, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # synchronized output; terminals that do not know it ignore it
_REST_OF_LINE, _REST_OF_SCREEN = "\x1b[K", "\x1b[J"


class Painter:
    """Keeps the cursor below its picture and rewrites only the lines that changed, in one write: nothing flickers.

    The picture must have fewer lines than the terminal. Between `paint` calls nobody else may write to it.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._terminal = console.file
        self._painted: list[str] = []
        self._widths: list[int] = []  # in columns, of the painted lines
        self._columns = 0

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal as it is now."""
        try:
            columns, lines = os.get_terminal_size(self._terminal.fileno())
        except (OSError, ValueError):  # not a terminal: a test's
            columns, lines = self.console.size
        return (columns or 80), (lines or 24)

    def paint(self, lines: Sequence[Text], above: Sequence[str] = ()) -> None:
        """Replace the picture; `above` scrolls by first and stays. Both must be safe to print."""
        columns = self.size[0]
        for text in lines:
            text.truncate(max(columns - 1, 1))
        fresh = [self._styled(text) for text in lines]
        out = [_BEGIN, _HIDE if not self._painted else ""]
        if above or columns != self._columns:
            out += [self._up(columns), _REST_OF_SCREEN, *(f"{line}\n" for line in above)]
            out += [f"{line}\n" for line in fresh]
        else:
            out.append(self._up(columns))
            for number, line in enumerate(fresh):
                same = number < len(self._painted) and self._painted[number] == line
                out.append("\n" if same else f"{line}{_REST_OF_LINE}\n")
            out.append(_REST_OF_SCREEN if len(fresh) < len(self._painted) else "")
        out.append(_END)
        self._painted, self._columns = fresh, columns
        self._widths = [line.cell_len for line in lines]
        self._write("".join(out))

    def clear(self, above: Sequence[str] = ()) -> None:
        """Take the picture away and give the cursor back, at the place where the picture began."""
        gone = f"{self._up(self.size[0])}{_REST_OF_SCREEN}" if self._painted else ""
        self._write("".join([gone, *(f"{line}\n" for line in above), _SHOW]))
        self._painted, self._widths = [], []

    def _up(self, columns: int) -> str:
        """To the picture's first line. A terminal that became narrower has wrapped what was painted before."""
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _styled(self, line: Text) -> str:
        with self.console.capture() as captured:
            self.console.print(line, end="", soft_wrap=True, no_wrap=True)
        return captured.get()

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()
