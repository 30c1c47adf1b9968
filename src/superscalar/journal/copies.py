"""Copies of a journal: what one lacks, and whether its original is still there.

Two marks stand in the file. One says where the journal is, so that a copy of it is known to be one. The other says that
the log beside the file (`-wal`) has what happened last: it is in the file as long as that is true, and the log itself
takes it back, so that it goes when the log is written into the file, by whomever. A file with that mark and no log is a
copy that was made without it.
"""

from __future__ import annotations

import json
import platform
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from superscalar.errors import JournalError
from superscalar.journal.database import Database, log_of

TURN: Final = 4_000_000
"""Bytes of the log from which on it is written into the file."""

_TABLE: Final = "CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_KEEP: Final = "INSERT OR REPLACE INTO marks VALUES (?, ?)"
_Marks: TypeAlias = dict[str, Any]


def lacks_its_log(database: Database) -> bool:
    """Whether this is a copy that was made without its log, so that what happened last is missing.

    Raises:
        JournalError: the file cannot be read.
    """
    if not database.rows("SELECT 1 FROM sqlite_master WHERE name = 'marks'"):
        return False  # nothing was written to it since there are marks
    marks: _Marks = dict(database.rows("SELECT name, value FROM marks"))
    if "lacking" in marks:
        return True
    if marks.get("log") != "beside":
        return False
    if database.had_log:  # a process died between the two marks: let nobody close the file with the first
        with suppress(JournalError), database.alone() as connection:
            connection.execute(_KEEP, ("log", "in the file"))
    return not database.had_log


class Standing:
    """What is looked at when a run is begun in a file, or gone on with."""

    def __init__(self, path: Path, *, lacking: bool) -> None:
        self._path = path
        self.lacking = lacking
        found = path.stat()
        self._here = {"path": str(path), "host": platform.node(), "inode": [found.st_dev, found.st_ino]}

    def begin(self, connection: sqlite3.Connection) -> None:
        """A run is begun: a copy may be a journal of its own. What it lacks, it lacks from now on."""
        marks = self._marks(connection)
        if self.lacking:
            connection.execute(_KEEP, ("lacking", "log"))
        if "file" not in marks:
            connection.execute(_KEEP, ("file", json.dumps(self._here)))

    def go_on(self, connection: sqlite3.Connection, run: str) -> str:
        """A run is gone on with, which must not be done in two files. What a person is to be told of that, if anything.

        Raises:
            JournalError: this is a copy, and its original is there; or it lacks what happened last.
        """
        marks = self._marks(connection)
        if self.lacking or "lacking" in marks:
            raise JournalError(
                str(self._path),
                f"this is a copy that was made without its log ({log_of(self._path).name}), so what happened last is "
                f"missing, and run {run} may have written what is not recorded here. It cannot be gone on with from "
                "this copy; make one with `sqlite3 ORIGINAL '.backup COPY'`, or go on with the original",
            )
        said = self._elsewhere(marks["file"], run) if marks.get("file", self._here) != self._here else ""
        connection.execute(_KEEP, ("file", json.dumps(self._here)))
        return said

    def _elsewhere(self, was: _Marks, run: str) -> str:
        original = Path(was["path"])
        here = was["host"] == self._here["host"]
        if here and (was["inode"] == self._here["inode"] or original == self._path):
            return ""  # it was moved, or put back
        with suppress(OSError):
            if here and original.is_file() and not original.samefile(self._path):
                raise JournalError(
                    str(self._path),
                    f"this is a copy of {original}, which is still there. Go on with run {run} there: done in both, "
                    "its writes would be made twice. If this copy is to take its place, move the other away first",
                )
        where = "" if here else f" on {was['host']}"
        return (
            f"{self._path} is a copy of {original}{where}, or was moved from there, which cannot be seen from here. "
            f"If run {run} is gone on with there as well, its writes are made twice"
        )

    def _marks(self, connection: sqlite3.Connection) -> _Marks:
        connection.execute(_TABLE)
        marks: _Marks = dict(connection.execute("SELECT name, value FROM marks").fetchall())
        if "file" in marks:
            marks["file"] = json.loads(marks["file"])
        return marks


class LogFile:
    """The log beside a file. Whoever writes that has it `turned` from time to time: the file has what is in it then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._path = log_of(database.path)
        self._due = 0  # bytes

    def turn(self) -> None:
        """After a transaction: if it is time to, write the log into the file, with a mark that there is a new one."""
        with suppress(JournalError, OSError):  # there is no room, or it is gone: the next transaction says so
            if self._path.stat().st_size < self._due:
                return
            with self._database.alone() as connection:
                connection.execute(_TABLE)
                connection.execute(_KEEP, ("log", "beside"))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute(_KEEP, ("log", "in the file"))
            self._due = self._path.stat().st_size + TURN  # whoever reads may have kept it from being emptied
