"""The file of SQLite that a journal is: opened, checked, written in short transactions; what goes wrong is said."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from superscalar.errors import JournalError
from superscalar.journal.lease import forget
from superscalar.private import made_private, tighten

FORMAT: Final = 1
"""The layout of the tables (`PRAGMA user_version`). The events in them say their own (`superscalar.codec`)."""

PATIENCE = 5.0
"""Seconds that another process may keep the file locked before a run gives up."""

LOG_SIZE: Final = 1 << 24
"""Bytes that the log beside the file (`-wal`) is cut down to, when what was in it is in the file."""

_MOMENT: Final = 0.02  # seconds: what SQLite waits for a lock at a time, so that nobody who forks waits for longer
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


Connect: TypeAlias = Callable[[str], sqlite3.Connection]
"""Makes a connection to what stands somewhere: at a path, or a URI."""


def where_it_stands(path: Path, connected: Connect) -> sqlite3.Connection:
    """A connection to the file itself."""
    return connected(str(path))


class Locked(JournalError):
    """Another process has the file locked."""


class Database:
    """One connection per process, used by one thread at a time, and closed when nobody has this object any more.

    A forked child gets a connection of its own: one that was inherited may be neither used nor closed. No process is
    forked while a connection is in use, since what SQLite had locked then would be locked in the child for ever.
    `reach`: makes the connection to the file.
    """

    def __init__(self, path: Path, reach: Callable[[Path, Connect], sqlite3.Connection] = where_it_stands) -> None:
        self.path = path
        self._reach = reach
        self.guard = threading.RLock()
        self._process = os.getpid()
        self._durable: bool | None = None  # what the connection was told last
        self.had_log = is_there(log_of(path))  # before this connection made one
        self._connection = self._open()
        with _OPENING:
            _ALL.add(self)

    @contextmanager
    def writing(self, *, durable: bool = False, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction; with `durable`, it and all before it have reached the disk when the block is left.

        Raises:
            Locked: another process kept the file locked for `patience` seconds (`PATIENCE`, if that is None).
            JournalError: it cannot be written; nothing of the block was.
        """
        with self._used() as connection:
            if durable is not self._durable:
                connection.execute(f"PRAGMA synchronous = {2 if durable else 1}")
                connection.execute(f"PRAGMA busy_timeout = {int(_MOMENT * 1000)}")
                connection.execute(f"PRAGMA journal_size_limit = {LOG_SIZE}")
                self._durable = durable
            self._begin(connection, PATIENCE if patience is None else patience)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The connection outside of a transaction. What is done there is durable with the next that is."""
        with self._used() as connection:
            connection.execute("PRAGMA synchronous = 1")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._durable = None
            yield connection

    def _begin(self, connection: sqlite3.Connection, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not isinstance(_said(self.path, error), Locked) or time.monotonic() > until:
                    raise
            self.guard.release()  # whoever forks has waited for long enough
            time.sleep(0.001)
            self.guard.acquire()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds.

        Raises:
            JournalError: the file cannot be read.
        """
        with self._used() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self.guard:
            if self._process != os.getpid():
                _INHERITED.append(self._connection)
                self._durable = None
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
        self._look_for_what_is_left()
        self._make_private()
        connection = self._reach(self.path, self._connected)
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

    def _prepare(self, connection: sqlite3.Connection) -> None:
        is_journal = self._is_journal(connection)
        if not is_journal or connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # as `.recover` makes it
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise JournalError(
                    str(self.path), "a journal must be on a local disk: this file system cannot share memory"
                )
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_journal(connection):  # else another process was first
                forget(self.path)
                for statement in _TABLES:
                    connection.execute(statement)
            connection.execute("COMMIT")

    def _look_for_what_is_left(self) -> None:
        """A new journal shares no file with one that was moved away, and may be open still. SQLite would use them.

        Raises:
            JournalError: the log of the other one is there, which would be lost.
        """
        left = [self.path.with_name(f"{self.path.name}-{kind}") for kind in ("wal", "shm")]
        there = [file for file in left if is_there(file)]
        if not there or bytes_taken(self.path):
            return
        if bytes_taken(left[0]):
            raise JournalError(
                str(self.path),
                f"there is no journal, but {left[0].name} is left of one that was moved without it: it holds what "
                "happened last. Move it to where that journal is, under its name, or delete it",
            )
        for file in there:
            file.unlink(missing_ok=True)

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


def log_of(path: Path) -> Path:
    """The log beside the file at this path."""
    return path.with_name(f"{path.name}-wal")


def is_there(path: Path) -> bool:
    """Whether there is such a file; there is none of a name that is too long."""
    try:
        return path.exists()
    except OSError:
        return False


def bytes_taken(path: Path) -> int:
    """Bytes in a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _close(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        connection.close()


def _text(data: bytes) -> str:
    """Text that was damaged is found to be so by whoever reads what it says."""
    return data.decode("utf-8", "replace")


_INHERITED: Final[list[sqlite3.Connection]] = []
_ALL: Final[weakref.WeakSet[Database]] = weakref.WeakSet()
_OPENING = threading.RLock()
_HELD: Final[list[Database]] = []


def _hold() -> None:
    """Before a fork: wait until no connection is in use."""
    _OPENING.acquire()
    _HELD.extend(_ALL)
    for database in _HELD:
        database.guard.acquire()


def _let_go() -> None:
    for database in _HELD:
        database.guard.release()
    _HELD.clear()
    _OPENING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)


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
