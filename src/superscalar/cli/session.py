"""Follows one run to its end, or to the moment at which the user stops it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from superscalar.cli.failures import INTERRUPTED, CommandError
from superscalar.cli.screens import Screen
from superscalar.cli.terminal import counted, safe_line
from superscalar.compiler.sync import run_to_end
from superscalar.events import Event
from superscalar.observe.rows import Row
from superscalar.observe.view import RunView


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


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user pressed Ctrl-C; the view knows what had been done."""

    view: RunView

    def __str__(self) -> str:
        return "\n".join(_account(self.view))


def follow(open_stream: Callable[[], Stream], view: RunView, screen: Screen) -> Any | Interrupted:
    """Run to the end and return the `RunResult`.

    The first Ctrl-C cancels the run, waits for it to settle and returns `Interrupted`; the second one kills the
    process.

    Raises:
        SuperscalarError: whatever the run raised.
    """
    return run_to_end(lambda: _follow(open_stream, view, screen))


def followed(open_stream: Callable[[], Stream], view: RunView, screen: Screen) -> Any:
    """The `RunResult` of a run that is followed to its end.

    Raises:
        CommandError: the user stopped it; the message says what had been done.
        SuperscalarError: whatever the run raised.
    """
    result = follow(open_stream, view, screen)
    if isinstance(result, Interrupted):
        raise CommandError(str(result), kind="Interrupted", code=INTERRUPTED)
    return result


async def _follow(open_stream: Callable[[], Stream], view: RunView, screen: Screen) -> Any | Interrupted:
    with _stoppable(screen):
        try:
            async with screen.watching():
                stream, watcher = open_stream(), _Watcher(view, screen)
                try:
                    async with stream:
                        await watcher.watch(stream)
                        return await stream.result()
                except asyncio.CancelledError:
                    await watcher.watch(stream)  # how the calls that were cancelled settled
                    raise
        except asyncio.CancelledError:
            return Interrupted(view)


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


@contextmanager
def _stoppable(screen: Screen) -> Iterator[None]:
    """Let SIGINT cancel the current asyncio task, and the one after it kill the process."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if stopped:
            screen.release()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        stopped = True
        task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread: asyncio's own handling
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _account(view: RunView) -> Iterator[str]:
    """What a stopped run had done, for somebody who has to decide what to do next."""
    calls = [row for row in view.rows() if row.kind == "call" and row.attempts]
    done = [row for row in calls if row.state == "done"]
    cancelled = [row for row in calls if _was_cancelled(row)]
    failed = [row for row in calls if row.state == "failed" and row not in cancelled]
    doubtful = [row for row in calls if _in_doubt(row)]
    yield (
        f"Stopped. {counted(len(done), 'call')} had succeeded, {len(failed):,} had failed, "
        f"{len(cancelled):,} {'was' if len(cancelled) == 1 else 'were'} cancelled."
    )
    for row in (row for row in done if row.effect == "write"):
        yield f"  done      {_named(row)}"
    for row in doubtful:
        yield f"  in doubt  {_named(row)} may have happened; check before you run it again"
    if not any(row.effect == "write" for row in calls):
        yield "Nothing was written."


def _was_cancelled(row: Row) -> bool:
    if row.state == "failed":
        return row.failure is not None and row.failure.kind == "cancelled"
    return row.state in ("running", "retrying", "ready", "asked", "waiting")


def _in_doubt(row: Row) -> bool:
    unsettled = row.effect == "write" and row.state == "running"
    return unsettled or (row.failure is not None and row.failure.in_doubt)


def _named(row: Row) -> str:
    return safe_line(f"{row.id}: {row.tool}({row.arguments})")
