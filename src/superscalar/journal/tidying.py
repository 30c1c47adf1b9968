"""Runs that are over leave a journal: deleted when they are old, or moved to a file of their own. The others stay.

A few at a time, each time in one transaction: a process that is at work on the same journal waits for milliseconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from superscalar.errors import JournalError
from superscalar.journal.database import Database
from superscalar.journal.opened import Opened

_AT_A_TIME: Final = 100
_OVER: Final = "SELECT number, id, ended FROM runs WHERE ended < ? ORDER BY number"
_LEFT: Final = "SELECT number, id, ended FROM runs WHERE ended IS NULL AND max(began, since) < ? ORDER BY number"
_STILL: Final = "SELECT 1 FROM runs WHERE number = ? AND id = ? AND ended IS ?"
_RUN: Final = "id, began, about, host, pid, since, ended, summary"


Which: TypeAlias = Literal["ended", "unfinished"]
ENDED: Final[tuple[Which, ...]] = ("ended",)
_Runs: TypeAlias = "list[tuple[int, str, float | None]]"


@dataclass(frozen=True, slots=True)
class Tidied:
    """What left a journal, by the ids of the runs, and what stayed though it is as old.

    `unfinished`: nobody is at work on them, and they can be resumed or answered. `busy`: a process is at work on them.
    """

    gone: tuple[str, ...]
    unfinished: tuple[str, ...]
    busy: tuple[str, ...]


def tidied(
    opened: Opened,
    database: Database,
    before: float,
    *,
    of: Collection[Which],
    first: Callable[[_Runs], None] = lambda _: None,
) -> Tidied:
    """Delete runs that were over before a moment (Unix seconds), or that nobody took up since, with all their events.

    `first` is called with some of them before these go.

    Raises:
        JournalError: the file cannot be written; what was deleted by then is.
    """
    leases = opened.leases
    ended: Any = database.rows(_OVER, before) if "ended" in of else []
    left: Any = database.rows(_LEFT, before)
    gone: list[str] = []
    busy: list[str] = []
    candidates = iter([*ended, *(left if "unfinished" in of else ())])
    while some := list(islice(candidates, _AT_A_TIME)):
        free = [run for run in some if leases.take(run[0])]  # so that nobody takes one up meanwhile
        busy += [run[1] for run in some if run not in free]
        try:
            still = [run for run in free if database.rows(_STILL, *run)]  # it may have been until now
            first(still)
            opened.writer.submit(_deleting(still), True).result()
            gone += [id for _, id, _ in still]
        finally:
            for number, *_ in free:
                leases.give_back(number)
    kept = [] if "unfinished" in of else left
    held = {number for number, *_ in kept if leases.is_held(number)}
    busy += [id for number, id, _ in kept if number in held]
    if gone:
        _shrink(opened, database)
    return Tidied(tuple(gone), tuple(id for number, id, _ in kept if number not in held), tuple(busy))


def _deleting(runs: _Runs) -> Callable[[sqlite3.Connection], None]:
    def delete(connection: sqlite3.Connection) -> None:
        for number, _, _ in runs:
            connection.execute("DELETE FROM events WHERE run = ?", (number,))
            connection.execute("DELETE FROM runs WHERE number = ?", (number,))

    return delete


def _shrink(opened: Opened, database: Database) -> None:
    """Give room back to the disk, unless somebody would have to wait for that; else it is used again."""
    if not any(
        opened.leases.is_held(number) for (number,) in database.rows("SELECT number FROM runs WHERE ended IS NULL")
    ):
        with suppress(JournalError):
            opened.writer.shrink()


def copying(database: Database, into: Opened) -> Callable[[_Runs], None]:
    """Copies runs to another journal, whose disk has them when it returns."""

    def copy(runs: _Runs) -> None:
        found = [(number, *_row(database, number)) for number, _, _ in runs]

        def write(connection: sqlite3.Connection) -> None:
            for number, *row in found:
                marks = ", ".join("?" * len(row))
                made = connection.execute(f"INSERT INTO runs ({_RUN}) VALUES ({marks})", row).lastrowid  # noqa: S608 -- our own names
                connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", _events(database, number, made))

        into.writer.submit(write, True).result()

    return copy


def _row(database: Database, number: int) -> tuple[Any, ...]:
    return database.rows(f"SELECT {_RUN} FROM runs WHERE number = ?", number)[0]  # noqa: S608 -- our own names


def _events(database: Database, number: int, made: int | None) -> Iterator[tuple[Any, ...]]:
    rows = database.rows("SELECT seq, at, event FROM events WHERE run = ? ORDER BY seq", number)
    return ((made, *row) for row in rows)
