"""The painter, watched through a small terminal."""

from __future__ import annotations

import io
import re
from random import Random

import pytest
from rich.console import Console
from rich.text import Text

from superscalar.cli.painter import Painter


class Terminal(io.StringIO):
    """Knows just the codes that the painter may use, and scrolls."""

    def __init__(self, columns: int = 40, rows: int = 10) -> None:
        super().__init__()
        self.columns, self.rows = columns, rows
        self.lines = [""]  # the scrollback and the screen
        self.row = self.column = 0
        self.cursor_shown = True
        self.written = 0  # characters that are no control

    def write(self, text: str) -> int:
        for piece in re.findall(r"\x1b\[\??\d*(?:;\d+)*[A-Za-z]|\n|\r|[^\x1b\n\r]+", text):
            self._take(piece)
        return len(text)

    def _take(self, piece: str) -> None:
        if piece == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        elif piece == "\r":
            self.column = 0
        elif piece.startswith("\x1b"):
            self._obey(piece)
        else:
            self.written += len(piece)
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + piece + line[self.column + len(piece) :]
            self.column += len(piece)
            assert self.column < self.columns, "the last column was written to"

    def _obey(self, code: str) -> None:
        match code[-1], code[2:-1]:
            case "A", count:
                top = max(0, len(self.lines) - self.rows)
                assert self.row - int(count) >= top, "the cursor left the screen"
                self.row -= int(count)
            case "K", "":
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "J", "":
                self.lines[self.row] = self.lines[self.row][: self.column]
                self.lines[self.row + 1 :] = []
            case ("h" | "l") as switch, "?25":
                self.cursor_shown = switch == "h"
            case "h" | "l", "?2026":
                pass
            case "m", _:
                pass
            case _:
                raise AssertionError(f"unexpected code {code!r}")

    @property
    def shown(self) -> list[str]:
        assert self.lines[-1] == ""
        return [line.rstrip() for line in self.lines[:-1]]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def painter(terminal: Terminal) -> Painter:
    console = Console(file=terminal, width=40, height=10, force_terminal=True, legacy_windows=False, markup=False)
    return Painter(console)


def texts(*lines: str) -> list[Text]:
    return [Text(line, style="red") for line in lines]


def test_a_picture_takes_the_place_of_the_one_before(painter: Painter, terminal: Terminal) -> None:
    painter.paint(texts("one", "two"))
    painter.paint(texts("1", "two", "three"))
    assert terminal.shown == ["1", "two", "three"]
    painter.paint(texts("1"))
    assert terminal.shown == ["1"]


def test_only_lines_that_changed_are_written_again(painter: Painter, terminal: Terminal) -> None:
    painter.paint(texts("one", "two", "three"))
    before = terminal.written
    painter.paint(texts("one", "2", "three"))
    assert terminal.written - before == 1


def test_what_is_printed_meanwhile_stays_above(painter: Painter, terminal: Terminal) -> None:
    painter.paint(texts("one", "two"))
    painter.paint(texts("one", "2"), above=["a tool says this"])
    assert terminal.shown == ["a tool says this", "one", "2"]


def test_nothing_of_the_picture_is_left_at_the_end(painter: Painter, terminal: Terminal) -> None:
    painter.paint(texts("one", "two"), above=["before"])
    assert not terminal.cursor_shown
    painter.clear(["last words"])
    assert terminal.shown == ["before", "last words"]
    assert terminal.cursor_shown


def test_a_line_never_reaches_the_last_column(painter: Painter, terminal: Terminal) -> None:
    painter.paint(texts("x" * 100))
    assert terminal.shown == ["x" * 39]


def test_markup_in_a_line_is_text(painter: Painter, terminal: Terminal) -> None:
    painter.paint([Text("[bold]x[/bold] :smile:")])
    assert terminal.shown == ["[bold]x[/bold] :smile:"]


def test_lines_that_a_narrower_terminal_wrapped_are_taken_back_too(
    painter: Painter, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter.paint(texts("x" * 39, "y" * 20, ""))
    monkeypatch.setattr(Painter, "size", property(lambda _: (20, 10)))
    codes: list[str] = []
    monkeypatch.setattr(terminal, "write", codes.append)
    painter.paint(texts("new"))
    assert "\r\x1b[4A\x1b[J" in "".join(codes)


@pytest.mark.parametrize("seed", range(20))
def test_any_sequence_of_pictures_leaves_exactly_the_last_one(painter: Painter, terminal: Terminal, seed: int) -> None:
    random = Random(seed)
    printed: list[str] = []
    for _ in range(30):
        picture = ["".join(random.choices("ab ", k=random.randint(0, 39))) for _ in range(random.randint(1, 9))]
        above = [f"printed {len(printed)}"] if random.random() < 0.2 else []
        printed += above
        painter.paint(texts(*picture), above)
        assert terminal.shown == [*printed, *(line.rstrip() for line in picture)]
    painter.clear()
    assert terminal.shown == printed
