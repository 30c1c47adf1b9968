"""Who watches a run: a live picture on a terminal, a line per event elsewhere, or nobody."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from superscalar import events as ev
from superscalar.cli.streams import Captured, captured_stderr
from superscalar.cli.terminal import console, safe, safe_line
from superscalar.observe.account import Account
from superscalar.observe.digest import Digest
from superscalar.observe.view import RunView
from superscalar.observe.wording import duration
from superscalar.short import cut

if TYPE_CHECKING:
    from superscalar.cli.frame import LiveFrame
    from superscalar.cli.painter import Painter

_PERIOD = 0.1  # seconds between two pictures
_SECOND = 1.0
_REMAINING = 20  # rows that stay when the picture goes
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WIDEST = 200  # characters of a plain line


class Screen(Protocol):
    """Watches a run through its view."""

    def watching(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Watch while the context is open."""
        ...

    def saw(self, event: ev.Event) -> None:
        """This event was applied to the view just now."""
        ...

    def asking(self) -> contextlib.AbstractContextManager[TextIO]:
        """Leave the terminal to a question while the context is open; what is written goes there."""
        ...

    def release(self) -> None:
        """Give the terminal back at once: the process is about to be killed."""
        ...


class NoScreen:
    """Nobody watches."""

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Do nothing."""
        yield

    def saw(self, event: ev.Event) -> None:
        """Do nothing."""

    @contextmanager
    def asking(self) -> Iterator[TextIO]:
        """Nothing is in the way."""
        yield sys.stderr

    def release(self) -> None:
        """There is nothing to give back."""


class PlainLines:
    """Lines on standard error, for logs and pipes: one for each thing that happens, or what `account` has of it."""

    def __init__(self, view: RunView, account: Account | Digest) -> None:
        self._view = view
        self._console = console(sys.stderr)
        self._account = account
        self._held: list[str] | None = None  # while something is asked

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Say once a second how far the run is, if that is told."""
        telling = asyncio.create_task(self._tell(), name="tell how far it is")
        try:
            yield
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    def saw(self, event: ev.Event) -> None:
        """Print what this event means to a person, if anything."""
        for word, text in self._account.of(event):
            self._print(event.at, word, text)

    @contextmanager
    def asking(self) -> Iterator[TextIO]:
        """Hold back what happens meanwhile."""
        self._held = []
        try:
            yield sys.stderr
        finally:
            held, self._held = self._held, None
            for line in held:
                self._console.out(line, highlight=False)

    def release(self) -> None:
        """There is nothing to give back."""

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_SECOND)
            if said := self._account.so_far():
                self._print(asyncio.get_running_loop().time(), "progress", said)

    def _print(self, at: float, word: str, text: str) -> None:
        line = cut(f"{duration(self._view.elapsed(at)):>8}  {word:<9} {safe_line(text)}", _WIDEST)
        if self._held is None:
            self._console.out(line, highlight=False)
        else:
            self._held.append(line)


class Picture:
    """The live picture on the terminal that is standard error; what else is printed meanwhile appears above it."""

    def __init__(self, view: RunView, title: str) -> None:
        self._view = view
        self._title = title
        self._painter: Painter | None = None
        self._captured: Captured | None = None
        self._asking = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Draw ten times a second, and take the picture away at the end."""
        from superscalar.cli.frame import LiveFrame
        from superscalar.cli.painter import Painter

        try:
            with captured_stderr() as captured:
                self._captured = captured
                painter = self._painter = Painter(console(captured.terminal))
                frame = LiveFrame(painter.console, self._title)
                self._paint(frame, painter, captured)
                drawing = asyncio.create_task(self._draw(frame, painter, captured), name="draw the picture")
                try:
                    yield
                finally:
                    drawing.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await drawing
                    painter.clear(_taken(captured))
                    self._painter = self._captured = None
            sys.stderr.writelines(f"{line}\n" for line in _taken(captured))  # what came last through the pipe
        finally:
            self._leave_rows()

    def saw(self, event: ev.Event) -> None:
        """The next picture will show it; what has changed of the rules of the run stands above that."""
        if isinstance(event, ev.Resumed):
            sys.stderr.writelines(f"rules: {safe_line(line)}\n" for line in event.rules)

    @contextmanager
    def asking(self) -> Iterator[TextIO]:
        """Take the picture away meanwhile."""
        if self._painter is None or self._captured is None:
            yield sys.stderr
            return
        self._painter.clear(_taken(self._captured))
        self._asking = True
        try:
            yield self._captured.terminal
        finally:
            self._asking = False

    def release(self) -> None:
        """Take the picture away now."""
        if self._painter is not None:
            self._painter.clear()

    async def _draw(self, frame: LiveFrame, painter: Painter, captured: Captured) -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            if not self._asking:
                with contextlib.suppress(OSError):  # the terminal is gone, and a signal says so at once
                    self._paint(frame, painter, captured)

    def _paint(self, frame: LiveFrame, painter: Painter, captured: Captured) -> None:
        columns, lines = painter.size
        now = asyncio.get_running_loop().time()
        painter.paint(frame.lines(self._view, columns, lines - 1, now), _taken(captured))

    def _leave_rows(self) -> None:
        """Leave the last state of the calls on the screen."""
        from superscalar.cli.frame import LiveFrame

        out = console(sys.stderr)
        for line in LiveFrame(out, self._title).rows(self._view, _REMAINING, out.width):
            out.print(line, soft_wrap=True)


def screen_for(view: RunView, title: str, *, hidden: bool = False, verbosity: int = 0) -> Screen:
    """The picture where somebody looks at a terminal, lines elsewhere, nothing if it is `hidden`.

    Lines tell of every call if there is any `verbosity`.
    """
    if hidden:
        return NoScreen()
    # The answer goes to standard output: where that is no terminal, this is a pipeline, and it gets lines.
    # Nor is a file one, whatever FORCE_COLOR says of it.
    drawable = sys.__stdout__ is not None and sys.__stdout__.isatty() and sys.stderr.isatty()
    if drawable and not console(sys.stderr).is_dumb_terminal:
        return Picture(view, title)
    return PlainLines(view, Account(view) if verbosity else Digest(view))


def _taken(captured: Captured) -> list[str]:
    lines = []
    while captured.lines:
        lines.append(safe(_COLOURS.sub("", captured.lines.popleft())))
    return lines
