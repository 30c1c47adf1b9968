"""The file of SQLite that a journal is: opened, checked, written in short transactions; what goes wrong is said."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from superscalar.errors import JournalError
from superscalar.forks import in_child
from superscalar.private import made_private, tighten

FORMAT: Final = 1
"""The layout of the tables (`PRAGMA user_version`). The events in them say their own (`superscalar.codec`)."""

PATIENCE: Final = 5.0
"""Seconds that another process may keep the file locked before a run gives up."""

_NOT_WRITTEN: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says of a journal on a file system that is not written: it may be read all the same."""

_APPLICATION: Final = 0x53757073  # "Sups": so that no other program's database is taken for a journal
_TABLES: Final = (
    """CREATE TABLE runs (
           number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, began REAL NOT NULL, about TEXT NOT NULL,
           host TEXT NOT NULL, pid INTEGER NOT NULL, since REAL NOT NULL, ended REAL, summary TEXT)""",
    """CREATE TABLE events (
           run INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, event TEXT NOT NULL,
           PRIMARY KEY (run, seq)) WITHOUT ROWID""",
    "CREATE TABLE durations (tool TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)


class Locked(JournalError):
    """Another process has the file locked."""


class Database:
    """One connection per process, used by one thread at a time, and closed when nobody has this object any more.

    A forked child gets a connection of its own: one that was inherited may be neither used nor closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        _DATABASES.add(self)
        self._process = os.getpid()
        self._terms = ("", "")  # that the connection was last told: how long to wait, and for what
        self._connection = self._open()

    def renew_lock(self) -> None:
        """Nobody uses it in this process."""
        self._guard = threading.RLock()

    @contextmanager
    def writing(self, *, durable: bool = False, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
        """One transaction; with `durable`, it and all before it have reached the disk when the block is left.

        Raises:
            Locked: another process kept the file locked for `patience` seconds.
            JournalError: it cannot be written; nothing of the block was.
        """
        with self._used() as connection:
            terms = f"PRAGMA busy_timeout = {int(patience * 1000)}", f"PRAGMA synchronous = {2 if durable else 1}"
            for statement in terms if terms != self._terms else ():
                connection.execute(statement)
            self._terms = terms
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds.

        Raises:
            JournalError: the file cannot be read.
        """
        with self._used() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self._guard:
            if self._process != os.getpid():
                _INHERITED.append(self._connection)
                self._terms = ("", "")
                self._process, self._connection = os.getpid(), self._open()
            try:
                yield self._connection
            except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter in the text of the former
                raise _said(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        """A connection to a file that is a journal, made if there is none.

        Raises:
            JournalError: it is another program's, damaged, or of a newer release; or it cannot be opened.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._opened()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                said = _said(self.path, error)
                if not isinstance(said, Locked) or time.monotonic() > until:
                    raise said from error
                time.sleep(0.01)  # who turns a fresh file into a journal locks it in a way that is not waited for

    def _opened(self) -> sqlite3.Connection:
        self._make_private()
        try:
            connection = self._connected(str(self.path))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _NOT_WRITTEN or not self._is_at_rest():
                raise
            connection = self._connected(f"{self.path.absolute().as_uri()}?immutable=1")
        weakref.finalize(self, _close, connection, os.getpid())
        return connection

    def _connected(self, where: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            where, timeout=PATIENCE, isolation_level=None, check_same_thread=False, uri=where.startswith("file:")
        )
        connection.text_factory = _text
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_private(self) -> None:
        """A journal holds arguments, results and answers. What SQLite makes beside it gets the mode of the file."""
        with suppress(OSError):  # SQLite says better why it cannot be opened
            made_private(self.path)
            for end in ("-wal", "-shm", "-journal"):
                tighten(self.path.with_name(self.path.name + end))

    def _is_at_rest(self) -> bool:
        """Whether all there is stands in the file itself, as where it was closed and then put where nobody writes."""
        log = self.path.with_name(f"{self.path.name}-wal")
        try:
            return self.path.is_file() and self.path.stat().st_size > 0 and not (log.exists() and log.stat().st_size)
        except OSError:  # such as a name that is too long
            return False

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._is_journal(connection):
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise JournalError(
                    str(self.path), "a journal must be on a local disk: this file system cannot share memory"
                )
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_journal(connection):  # else another process was first
                for statement in _TABLES:
                    connection.execute(statement)
            connection.execute("COMMIT")

    def _is_journal(self, connection: sqlite3.Connection) -> bool:
        """Whether this is one that can be read; False for an empty file.

        Raises:
            JournalError: it holds something else.
        """
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        format = connection.execute("PRAGMA user_version").fetchone()[0]
        if application == _APPLICATION:
            if format > FORMAT:
                raise JournalError(
                    str(self.path),
                    f"this journal has format {format} and this release of superscalar knows up to {FORMAT}; "
                    "use the release that wrote it, or a newer one",
                )
            return True
        if application or format or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise JournalError(
                str(self.path), "this is the database of another program; give the journal a file of its own"
            )
        return False


def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        connection.close()


def _text(data: bytes) -> str:
    """Text that was damaged is found to be so by whoever reads what it says."""
    return data.decode("utf-8", "replace")


_INHERITED: Final[list[sqlite3.Connection]] = []
_DATABASES: Final[weakref.WeakSet[Database]] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child: a thread that is not there may have been using any of them."""
    for database in list(_DATABASES):
        database.renew_lock()


in_child(_renew_locks)


def damaged(path: Path, why: object) -> JournalError:
    """What to say of a journal that does not hold what a journal holds."""
    return JournalError(
        str(path),
        f"the journal is damaged ({why}); `sqlite3 {path} .recover` saves what can be read, and without the file a new "
        "one is begun",
    )


def _said(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> JournalError:
    """The same in words for whoever has to mend it."""
    undecodable = isinstance(error, UnicodeDecodeError)
    match sqlite3.SQLITE_CORRUPT if undecodable else getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Locked(
                str(path),
                f"another process has kept the journal locked for {PATIENCE:g} s; end it (a shell of sqlite3 with an "
                "open transaction, a backup), or give each its own journal",
            )
        case sqlite3.SQLITE_FULL:
            return JournalError(str(path), "the disk is full; make room and resume the run")
        case sqlite3.SQLITE_NOTADB:
            return JournalError(
                str(path), "this file is no journal (no database of SQLite at all); name another one, or move it away"
            )
        case sqlite3.SQLITE_CORRUPT:
            return damaged(path, error)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return JournalError(
                str(path), f"the journal cannot be opened for writing ({error}); look at its path and permissions"
            )
        case _:
            return JournalError(str(path), f"the journal cannot be used: {error}")
