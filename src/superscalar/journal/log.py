"""One run's part of a journal: events are appended one by one and reach the file in groups."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from superscalar import codec
from superscalar.errors import JournalError
from superscalar.events import Event
from superscalar.journal.opened import Opened
from superscalar.journal.runs import Tally

EVERY: Final = 0.01
"""Seconds after an event at which it is handed to the thread that writes, if nobody waits for it to be written."""

_CONCLUDE: Final = "UPDATE runs SET ended = ?, summary = ? WHERE number = ?"
"""One that waits has a summary too: listing it decodes nothing."""
KEEP_DURATION: Final = "INSERT OR REPLACE INTO durations (tool, seconds) VALUES (?, ?)"
_TOUCH: Final = (
    "UPDATE runs SET since = since WHERE number = ?"  # what changes nothing is not synchronised with the disk
)
_APPEND: Final = "INSERT INTO events (run, seq, at, event) VALUES (?, ?, ?, ?)"


@dataclass(slots=True, eq=False)
class Claim:
    """That this process is at work on a run, as the file says it: nothing is written of a run that another has taken.

    `since`: when it was begun or reopened here, in Unix seconds. `lost`: why nothing of it is written any more.
    """

    journal: Path
    run: str
    number: int
    since: float
    lost: JournalError | None = None

    def look(self, connection: sqlite3.Connection) -> JournalError | None:
        """Why nothing may be written, if so; within a transaction, so that it stays true until that is over."""
        if self.lost is None:
            found = connection.execute("SELECT host, pid, since FROM runs WHERE number = ?", (self.number,)).fetchone()
            if found is None:
                self.lost = JournalError(
                    str(self.journal), f"run {self.run} was deleted from the journal while it was going on"
                )
            elif found[1:] != (os.getpid(), self.since):
                self.lost = JournalError(
                    str(self.journal),
                    f"another process took over run {self.run} (process {found[1]} on {found[0]}); it goes on there, "
                    "and here nothing more of it is recorded or begun",
                )
        return self.lost


_EventRow: TypeAlias = tuple[int, int, float, str]
"""An event that has not reached the file: the number of its run, its own, the time of day, and its text."""


@dataclass(frozen=True, slots=True)
class _RunEnd:
    """What a run came to, to be written with the rest of it."""

    claim: Claim
    ended: float | None
    summary: str
    durations: tuple[tuple[str, float], ...]


class _Transaction:
    """What is written of the runs of one event loop in one transaction. The writing thread calls its methods."""

    def __init__(
        self,
        claims: dict[Claim, None],
        rows: list[_EventRow],
        ends: list[_RunEnd],
        waiting: list[_Waiter],
        *,
        durable: bool,
    ) -> None:
        self.claims = claims
        self.rows = rows
        self.ends = ends
        self.waiting = waiting
        self.durable = durable or bool(waiting)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what there is of each run that is still ours."""
        ours = {claim for claim in self.claims if claim.look(connection) is None}
        if len(ours) < len(self.claims):
            numbers = {claim.number for claim in ours}
            self.rows = [row for row in self.rows if row[0] in numbers]
        connection.executemany(_APPEND, self.rows)
        for claim in ours if self.durable and not (self.rows or self.ends) else ():
            connection.execute(_TOUCH, (claim.number,))
        for end in self.ends:
            if end.claim in ours:
                connection.execute(_CONCLUDE, (end.ended, end.summary, end.claim.number))
                connection.executemany(KEEP_DURATION, end.durations)

    def is_lost(self, error: JournalError) -> None:
        """Nothing of it was written: nothing that follows may be."""
        for claim in self.claims:
            claim.lost = claim.lost or error


class _Waiter(NamedTuple):
    """Whoever waits until what there was of a run is on the disk."""

    claim: Claim
    future: asyncio.Future[None]


class Commits:
    """The events of all runs of one event loop that have not been handed to the thread that writes them.

    Used by the thread of that loop only. What is appended in one turn of the loop is written together or not at all.
    Without a loop nothing is written before somebody asks for it.
    """

    def __init__(self, opened: Opened, loop: asyncio.AbstractEventLoop | None) -> None:
        self.logs: dict[RunLog, None] = {}
        self.opened = opened
        self._loop = loop
        self._claims: dict[Claim, None] = {}  # of all that follows
        self._rows: list[_EventRow] = []
        self._ends: list[_RunEnd] = []
        self._waiting: list[_Waiter] = []
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Handle | None = None

    def add(self, claim: Claim, row: _EventRow) -> None:
        """Take in an event; it is handed over a few milliseconds later, or before, if somebody waits for it."""
        self._claims[claim] = None
        self._rows.append(row)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(EVERY, self._hand_over)

    def soon(self) -> None:
        """Hand over what there is when this turn of the event loop is over."""
        if self._turn is None and self._loop is not None:
            self._turn = self._loop.call_soon(self._hand_over)

    def durable(self, claim: Claim, end: _RunEnd | None = None) -> asyncio.Future[None]:
        """Done when what there is of a run is on the disk; what others add in this turn goes with it."""
        assert self._loop is not None
        waiting = _Waiter(claim, self._loop.create_future())
        self._claims[claim] = None
        self._waiting.append(waiting)
        if end is not None:
            self._ends.append(end)
        self.soon()
        return waiting.future

    def write(self, claim: Claim, *, durable: bool, end: _RunEnd | None = None) -> None:
        """Write what there is, and wait for it."""
        self._claims[claim] = None
        if end is not None:
            self._ends.append(end)
        entry = self._taken(durable=durable)
        try:
            self.opened.writer.submit(entry.write, entry.durable, entry.is_lost).result()
        except JournalError:
            self._is_over(entry)
        except BaseException as bug:
            self._is_over(entry, bug)
            raise
        else:
            self._is_over(entry)

    def leave(self, log: RunLog) -> None:
        """A run is over: what could not be written of it never will be. The timer goes with the last one."""
        self.logs.pop(log, None)
        if self._claims.pop(log.claim, 0) is None:
            self._rows = [row for row in self._rows if row[0] != log.claim.number]
        if not (self.logs or self._waiting):
            self._stop_timers()

    def _hand_over(self) -> None:
        assert self._loop is not None
        entry = self._taken()
        if entry.claims:
            given: Any = entry.write, entry.durable, entry.is_lost
            done: asyncio.Future[None] = self._loop.run_in_executor(self.opened.writer, *given)
            done.add_done_callback(lambda done: self._is_over(entry, None if done.cancelled() else done.exception()))

    def _taken(self, *, durable: bool = False) -> _Transaction:
        self._stop_timers()
        entry = _Transaction(self._claims, self._rows, self._ends, self._waiting, durable=durable)
        self._claims, self._rows, self._ends, self._waiting = {}, [], [], []
        return entry

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._turn):
            if timer is not None:
                timer.cancel()
        self._timer = self._turn = None

    def _is_over(self, entry: _Transaction, bug: BaseException | None = None) -> None:
        """Tell those whom it concerns that what they appended was written, or was not."""
        for claim, future in entry.waiting:
            if future.done():
                continue
            if (error := claim.lost or bug) is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                future.exception()  # nobody may ask any more
        lost = {claim: claim.lost for claim in entry.claims if claim.lost is not None}
        for log in list(self.logs) if lost else ():
            if (error := lost.get(log.claim)) is not None:
                log.lose(error)


class RunLog:
    """Appends the events of one run, of which this process has the lease until `close` or `aclose`.

    `recorded`: what had happened before it was reopened; `about`: what it was begun with; `journal`: the file, as it
    was named. `on_loss` is called once, from the event loop, when the file could not be written: the run is to stop.
    Nothing is written from then on.

    Not for several threads: it belongs to the event loop in which it was begun. Without one, events reach the file with
    `flush` and `close` only.
    """

    def __init__(
        self,
        claim: Claim,
        commits: Commits,
        about: Mapping[str, Any],
        recorded: tuple[Event, ...] = (),
    ) -> None:
        self.run = claim.run
        self.claim = claim
        self.journal = claim.journal
        self.about = about
        self.recorded = recorded
        self.on_loss: Callable[[JournalError], None] | None = None
        self.lost: JournalError | None = None
        self._next = len(recorded)
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
        self._commits.add(self.claim, (self.claim.number, self._next, time.time(), codec.dumps(event)))
        self._next += 1
        self._tally.apply(event)
        if durable:
            self.flush(durable=True)

    def soon(self) -> None:
        """Have what was appended written as soon as this turn of the event loop is over."""
        self._commits.soon()

    def durable(self) -> asyncio.Future[None]:
        """Return what is done once all that was appended is on the disk; it holds a `JournalError` if that cannot be.

        What is appended in the same turn of the event loop, to this log or others, is written with it.
        """
        return self._commits.durable(self.claim)

    def flush(self, *, durable: bool = False) -> None:
        """Write what was appended, and wait for it: it survives the death of the process, and with `durable` that of
        the machine.

        Raises:
            JournalError: the file cannot be written.
        """
        self._check_process()
        if self.lost is not None:
            raise self.lost
        self._commits.write(self.claim, durable=durable)
        if self.lost is not None:
            raise self.lost

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise JournalError(
                str(self._commits.opened.path),
                f"process {os.getpid()} was forked while run {self.run} was going on in process {self._process}, "
                "which alone records it",
            )

    def close(self, durations: Mapping[str, float] | None = None) -> None:
        """Write the rest, with what the run came to, and give back the lease. Once is enough.

        `durations`: seconds that a call of each tool takes, to be known to the agents to come.

        Raises:
            JournalError: the file cannot be written, now or before. The lease is given back all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self.lost is None and self._process == os.getpid():
                self._commits.write(self.claim, durable=True, end=self._end(durations))
        finally:
            self._leave()
        if self.lost is not None:
            raise self.lost

    async def aclose(self, durations: Mapping[str, float] | None = None) -> None:
        """Close as `close` does, leaving the event loop to others. A cancellation is heard when it is over.

        Raises:
            JournalError: as for `close`.
        """
        if self._closed:
            return
        self._closed = True
        cancelled = None
        try:
            if self.lost is None and self._process == os.getpid():
                written = self._commits.durable(self.claim, self._end(durations))
                while not written.done():
                    try:
                        await asyncio.wait([written])
                    except asyncio.CancelledError as error:
                        cancelled = error
                written.exception()  # the log knows
        finally:
            self._leave()
        if self.lost is not None:
            raise self.lost
        if cancelled is not None:
            raise cancelled

    def _end(self, durations: Mapping[str, float] | None) -> _RunEnd:
        ended = time.time() if self._tally.ended else None
        summary = json.dumps(self._tally.document())
        return _RunEnd(self.claim, ended, summary, tuple((durations or {}).items()))

    def _leave(self) -> None:
        self._commits.leave(self)
        if self._process == os.getpid():
            self._commits.opened.leases.give_back(self.claim.number)

    def lose(self, error: JournalError) -> None:
        """Say, once, that the file cannot be written."""
        self.claim.lost = self.claim.lost or error
        if self.lost is None:
            self.lost = error
            if self.on_loss is not None:
                self.on_loss(error)

    def _over(self) -> JournalError:
        return JournalError(str(self._commits.opened.path), f"run {self.run} was closed, and is appended to no more")
