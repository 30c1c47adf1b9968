"""One run's part of a journal: events are appended one by one and reach the file in groups."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from superscalar import codec
from superscalar.errors import JournalError
from superscalar.events import Event
from superscalar.journal.database import PATIENCE, Database, Locked
from superscalar.journal.lease import Leases
from superscalar.journal.runs import Tally

EVERY: Final = 0.01
"""Seconds after an event at which it reaches the file at the latest, if nobody has that locked."""

_CONCLUDE: Final = "UPDATE runs SET ended = ?, summary = ? WHERE number = ?"
"""One that waits has a summary too: listing it decodes nothing."""
KEEP_DURATION: Final = "INSERT OR REPLACE INTO durations (tool, seconds) VALUES (?, ?)"
_APPEND: Final = "INSERT INTO events (run, seq, at, event) VALUES (?, ?, ?, ?)"


class Commits:
    """The events of all runs of one event loop that have not reached the file: one transaction for all of them.

    Used by the thread of that loop only. What is appended in one turn of the loop is written together or not at all.
    """

    def __init__(self, database: Database, loop: asyncio.AbstractEventLoop | None) -> None:
        self.logs: dict[RunLog, None] = {}
        self._database = database
        self._loop = loop
        self._rows: list[tuple[int, int, float, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None  # when the file was first found locked

    def add(self, row: tuple[int, int, float, str]) -> None:
        """Take in an event; it is written a few milliseconds later, or by `write`."""
        self._rows.append(row)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(EVERY, self._write_soon)

    def write(
        self,
        *,
        durable: bool = False,
        patience: float = PATIENCE,
        then: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """Write what there is in one transaction, in which `then` is called with the connection.

        Raises:
            JournalError: it cannot be written; it is kept.
        """
        rows = self._rows
        if rows or then is not None or durable:
            with self._database.writing(durable=durable, patience=patience) as connection:
                connection.executemany(_APPEND, rows)
                if then is not None:
                    then(connection)
            rows.clear()
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_back(self, row: tuple[int, int, float, str]) -> None:
        """Forget the last event: it is to count as one that did not happen."""
        assert self._rows[-1] is row
        self._rows.pop()

    def leave(self, log: RunLog, number: int) -> None:
        """A run is over: what could not be written of it never will be. The timer goes with the last one."""
        self.logs.pop(log, None)
        self._rows = [row for row in self._rows if row[0] != number]
        if not self.logs and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write_soon(self) -> None:
        """Write, without keeping the event loop waiting for another process: if one has the file, look again later."""
        self._timer = None
        now = time.monotonic()
        try:
            self.write(patience=0.0)
        except Locked as error:
            self._since = self._since or now
            if now - self._since < PATIENCE and self._loop is not None:
                self._timer = self._loop.call_later(min(0.25, max(EVERY, now - self._since)), self._write_soon)
            else:
                self._lose(error)
        except JournalError as error:
            self._lose(error)

    def _lose(self, error: JournalError) -> None:
        for log in list(self.logs):
            log.lose(error)


class RunLog:
    """Appends the events of one run, of which this process has the lease until `close`.

    `recorded`: what had happened before it was reopened; `about`: what it was begun with; `journal`: the file, as it
    was named. `on_loss` is called once, from the event loop, when the file could not be written: the run is to stop.
    Nothing is written from then on.

    Not for several threads: it belongs to the event loop in which it was begun. Without one, events reach the file with
    `flush` and `close` only.
    """

    def __init__(
        self,
        run: str,
        number: int,
        database: Database,
        leases: Leases,
        commits: Commits,
        about: Mapping[str, Any],
        recorded: tuple[Event, ...] = (),
        *,
        journal: Path,
    ) -> None:
        self.run = run
        self.journal = journal
        self.about = about
        self.recorded = recorded
        self.on_loss: Callable[[JournalError], None] | None = None
        self.lost: JournalError | None = None
        self._number = number
        self._next = len(recorded)
        self._database = database
        self._leases = leases
        self._commits = commits
        self._process = os.getpid()
        self._tally = Tally()
        for event in recorded:
            self._tally.apply(event)
        self._closed = False
        commits.logs[self] = None

    def append(self, event: Event, *, durable: bool = False) -> None:
        """Append an event. With `durable`, it and all before it are on the disk when this returns.

        Raises:
            Unwritable: a value in it is an opaque handle: nothing was appended.
            JournalError: the file cannot be written: it was not appended, and nothing will be.
        """
        if self.lost is not None or self._closed:
            raise self.lost or self._over()
        row = (self._number, self._next, time.time(), codec.dumps(event))
        self._commits.add(row)
        if durable:
            try:
                self.flush(durable=True)
            except JournalError as error:
                self._commits.take_back(row)
                self.lose(error)
                raise
        self._next += 1
        self._tally.apply(event)

    def flush(self, *, durable: bool = False) -> None:
        """Write what was appended now; it survives the death of the process, and with `durable` that of the machine.

        Raises:
            JournalError: the file cannot be written.
        """
        if self._process != os.getpid():
            raise JournalError(
                str(self._database.path),
                f"process {os.getpid()} was forked while run {self.run} was going on in process {self._process}, "
                "which alone records it",
            )
        self._commits.write(durable=durable)

    def close(self, durations: Mapping[str, float] | None = None) -> None:
        """Write the rest, with what the run came to, and give back the lease. Once is enough.

        `durations`: seconds that a call of each tool takes, to be known to the agents to come.

        Raises:
            JournalError: the file cannot be written, now or before. The lease is given back all the same.
        """
        if self._closed:
            return
        try:
            if self.lost is not None:
                raise self.lost
            if self._process == os.getpid():
                ended = time.time() if self._tally.ended else None
                summary = json.dumps(self._tally.document())

                def conclude(connection: sqlite3.Connection) -> None:
                    connection.execute(_CONCLUDE, (ended, summary, self._number))
                    connection.executemany(KEEP_DURATION, list((durations or {}).items()))

                self._commits.write(durable=True, then=conclude)
        except JournalError as error:
            self.lose(error)
            raise
        finally:
            self._closed = True
            self._commits.leave(self, self._number)
            if self._process == os.getpid():
                self._leases.give_back(self._number)

    def lose(self, error: JournalError) -> None:
        """The file cannot be written: say so, once."""
        if self.lost is None:
            self.lost = error
            if self.on_loss is not None:
                self.on_loss(error)

    def _over(self) -> JournalError:
        return JournalError(str(self._database.path), f"run {self.run} was closed, and is appended to no more")
