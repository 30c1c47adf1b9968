"""Follows one run to its end, or to the moment at which the user stops it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from superscalar.advice import command as advised
from superscalar.cli.codes import INTERRUPTED, SUSPENDED
from superscalar.cli.failures import CommandError
from superscalar.cli.screens import Screen
from superscalar.cli.streams import silence_lost
from superscalar.cli.terminal import safe_line
from superscalar.compiler.sync import run_to_end
from superscalar.errors import SuperscalarError
from superscalar.events import Event
from superscalar.observe.rows import Row
from superscalar.observe.view import RunView
from superscalar.observe.wording import calls_text, counted


class Stream(Protocol):
    """What the command line uses of a `RunStream`, so that it can be followed without a compiler."""

    async def __aenter__(self) -> Any:
        """Start the run."""
        ...

    async def __aexit__(self, *error: Any) -> Any:
        """Cancel what still runs and let it settle; the events of that can be read afterwards."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events from the first on, then those to come."""
        ...

    async def result(self) -> Any:
        """What the run came to; raises what it raised."""
        ...

    def suspend(self) -> None:
        """Begin to leave a recorded run to another process."""
        ...


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """The user pressed Ctrl-C; the view knows what had been done."""

    view: RunView

    def __str__(self) -> str:
        return "\n".join(_account(self.view))


@dataclass(frozen=True, slots=True)
class Suspended:
    """The process was told to end (SIGTERM, or SIGHUP), and the run is recorded in `journal`.

    `again`: the options that it is gone on with.
    """

    view: RunView
    journal: Path
    again: Sequence[str] = ()

    def __str__(self) -> str:
        return "\n".join(_left(self.view, self.journal, self.again))


def follow(
    open_stream: Callable[[], Stream],
    view: RunView,
    screen: Screen,
    journal: Path | None = None,
    again: Sequence[str] = (),
) -> Any | StoppedRun | Suspended:
    """Run to the end and return the `RunResult`.

    The first Ctrl-C cancels the run, waits for it to settle and returns `StoppedRun`; the second one kills the
    process. SIGTERM and SIGHUP leave a run that is recorded in `journal` to whoever resumes it, and return `Suspended`;
    without a journal they are Ctrl-C.

    Raises:
        SuperscalarError: whatever the run raised.
    """
    return run_to_end(lambda: _follow(open_stream, view, screen, journal, again))


def followed(
    open_stream: Callable[[], Stream],
    view: RunView,
    screen: Screen,
    journal: Path | None = None,
    again: Sequence[str] = (),
) -> Any:
    """The `RunResult` of a run that is followed to its end.

    Raises:
        CommandError: the user stopped it, or it was suspended; the message says what had been done.
        SuperscalarError: whatever the run raised.
    """
    result = follow(open_stream, view, screen, journal, again)
    if isinstance(result, StoppedRun):
        calls = calls_of(result.view)
        raise CommandError(str(result), kind="Interrupted", code=INTERRUPTED, run=view.run, calls=calls)
    if isinstance(result, Suspended):
        raise CommandError(str(result), kind="Suspended", code=SUSPENDED, run=view.run)
    return result


async def _follow(
    open_stream: Callable[[], Stream], view: RunView, screen: Screen, journal: Path | None, again: Sequence[str]
) -> Any | StoppedRun | Suspended:
    stream, watcher = open_stream(), _Watcher(view, screen)
    with _Signals(screen, None if journal is None else stream) as signals:
        try:
            async with screen.watching():
                try:
                    async with stream:
                        await watcher.watch(stream)
                        return await stream.result()
                except asyncio.CancelledError:
                    with suppress(SuperscalarError):  # it was stopped, which is what is told
                        await watcher.watch(stream)  # how the calls that were cancelled settled
                    raise
        except asyncio.CancelledError:
            if journal is not None and signals.suspended:
                return Suspended(view, journal, again)
            return StoppedRun(view)


class _Watcher:
    """Takes in each event of a stream once, however often it is watched."""

    def __init__(self, view: RunView, screen: Screen) -> None:
        self._view = view
        self._screen = screen
        self._seen = 0

    async def watch(self, stream: Stream) -> None:
        number = 0
        async for event in stream:
            number += 1
            if number > self._seen:
                self._seen = number
                self._view.apply(event)
                self._screen.saw(event)


class _Signals:
    """What signals do to the current asyncio task while the context is open.

    SIGINT cancels it, and one after that kills the process. SIGTERM and SIGHUP `suspend` what is recorded first; more
    of them change nothing, as who sends one often sends the other. A signal that is ignored (`nohup`) stays so.
    """

    def __init__(self, screen: Screen, recorded: Stream | None) -> None:
        self._screen = screen
        self._recorded = recorded
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._handled: list[int] = []
        self._stopped = False
        self.suspended = False

    def __enter__(self) -> _Signals:
        ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        wanted = [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]
        # Where no loop handles signals (Windows), or not this one (another thread than the main one, which asyncio
        # tells with the one error and other loops with the other), a signal does what it did before: a run it ends
        # unsuspended is interrupted in its journal, and can be resumed all the same.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            for number in (signal.SIGINT, *wanted):
                self._loop.add_signal_handler(number, self._stop if number == signal.SIGINT else self._end)
                self._handled.append(number)
        return self

    def __exit__(self, *error: object) -> None:
        for number in self._handled:
            self._loop.remove_signal_handler(number)

    def _stop(self) -> None:
        if self._stopped:
            self._screen.release()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        self._cancel()

    def _end(self) -> None:
        silence_lost()
        if self._stopped:
            return
        if self._recorded is not None:
            self.suspended = True
            self._recorded.suspend()
        self._cancel()

    def _cancel(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()


def _left(view: RunView, journal: Path, again: Sequence[str]) -> Iterator[str]:
    """What somebody has to know of a run that was suspended."""
    calls = _begun_calls(view)
    done = [row for row in calls if row.state == "done"]
    yield f"Suspended. {counted(len(done), 'call')} had succeeded; nothing that was done is done again."
    for row in calls:
        if row.effect == "write" and row.state == "running":
            yield f"  in doubt  {_named(row)} was under way and may have happened"
    if view.run:
        yield f"  {advised('resume', view.run, journal=journal, then=again)}    goes on with it"


def calls_of(view: RunView) -> dict[str, int]:
    """The calls that a stopped run had begun, by what became of them, as its journal counts them."""
    became = Counter("cancelled" if _was_cancelled(row) else row.state for row in _begun_calls(view))
    return {state: became[state] for state in ("done", "failed", "cancelled")}


def _account(view: RunView) -> Iterator[str]:
    """What a stopped run had done, for somebody who has to decide what to do next."""
    calls = _begun_calls(view)
    doubtful = [row for row in calls if _in_doubt(row)]
    yield f"Stopped. {calls_text(calls_of(view))}."
    for row in (row for row in calls if row.state == "done" and row.effect == "write"):
        yield f"  done      {_named(row)}"
    for row in doubtful:
        yield f"  in doubt  {_named(row)} may have happened; check before you run it again"
    if not any(row.effect == "write" for row in calls):
        yield "Nothing was written."


def _begun_calls(view: RunView) -> list[Row]:
    return [row for row in view.rows() if row.kind == "call" and row.attempts]


def _was_cancelled(row: Row) -> bool:
    if row.state == "failed":
        return row.failure is not None and row.failure.kind == "cancelled"
    return row.state != "done"


def _in_doubt(row: Row) -> bool:
    unsettled = row.effect == "write" and row.state == "running"
    return unsettled or (row.failure is not None and row.failure.in_doubt)


def _named(row: Row) -> str:
    return safe_line(f"{row.id}: {row.tool}({row.arguments})")
