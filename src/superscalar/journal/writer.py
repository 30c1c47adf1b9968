"""The thread in which a journal is written: what is handed in while the disk is busy is one transaction."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from superscalar.errors import JournalError
from superscalar.forks import in_child
from superscalar.journal.copies import LogFile
from superscalar.journal.database import Database, Locked

T = TypeVar("T")
Entry: TypeAlias = Callable[[sqlite3.Connection], T]
"""Writes something in a transaction that it shares with others. What it raises undoes what it wrote, and no more."""


class Writer(Executor):
    """Writes one file, in the order in which it is asked to, in a thread of its own that is started when it is needed.

        written = await loop.run_in_executor(writer, entry, True)

    With a second argument that is true, the entry and all before it have reached the disk when the future is done; a
    third one is called in the thread with the error if what was written is lost, before anything else is written. The
    file is closed when nobody has this object any more, and what was handed in is written before the interpreter ends.
    `look`: raises if the file is not where it was any more; asked before each transaction, and behind durable ones.
    """

    prompt: ClassVar = True
    """Its jobs wait for no event loop: a loop of virtual time may stand still until they are done."""

    def __init__(self, database: Database, look: Callable[[], None]) -> None:
        self.path = database.path
        self._file = _File(database, look)
        self._jobs: _Jobs = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(  # type: ignore[override]  # what is submitted is given a connection
        self, entry: Entry[T], durable: bool = False, lost: Callable[[JournalError], None] | None = None, /
    ) -> Future[T]:
        """Have something written, after all that was submitted before.

        The future raises `JournalError` if the file could not be written, and else whatever `entry` raised.
        """
        job = _WriteJob(entry, durable, lost)
        with self._starting:
            if self._thread is None:
                self._thread = _started(self, self._jobs)
        self._jobs.put((self._file, job))
        return job.future

    def leave_whole(self) -> None:
        """The file was moved: put all that is in its log into it, since that may not have been moved with it."""
        with suppress(JournalError):
            self._file.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def shrink(self) -> None:
        """Give what is free in the file back to the disk. Whoever writes meanwhile waits.

        Raises:
            JournalError: it is in use, or the disk has no room for what that takes.
        """
        self._file.database.rows("VACUUM")
        self._file.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


class _WriteJob:
    """Something that is to be written, what came of it, and whoever waits for that."""

    def __init__(self, entry: Entry[Any], durable: bool, lost: Callable[[JournalError], None] | None) -> None:
        self.durable = durable
        self.future: Future[Any] = Future()
        self.future.set_running_or_notify_cancel()  # it is written, whoever gives up waiting for it
        self._entry: Entry[Any] | None = entry
        self._lost = lost
        self._value: Any = None
        self._error: BaseException | None = None

    def write(self, connection: sqlite3.Connection) -> None:
        """Raises what is wrong with the file; what is wrong with this entry alone is kept for who waits for it."""
        assert self._entry is not None  # it is not settled
        self._value = self._error = None
        connection.execute("SAVEPOINT entry")
        try:
            self._value = self._entry(connection)
        except sqlite3.Error:
            raise
        except BaseException as error:  # noqa: BLE001 -- it belongs to whoever submitted this, not to this thread
            self._error = error
            connection.execute("ROLLBACK TO entry")
        connection.execute("RELEASE entry")

    def fail(self, error: BaseException) -> None:
        """It was not written, after all."""
        self._error = error
        if self._lost is not None and isinstance(error, JournalError):
            self._lost(error)

    def settle(self) -> None:
        """Tell who waits. What was needed to write it is let go before: they may be the last who have the journal."""
        self._entry = self._lost = None
        if self._error is None:
            self.future.set_result(self._value)
        else:
            self.future.set_exception(self._error)


_Jobs: TypeAlias = "SimpleQueue[tuple[_File, _WriteJob] | None]"


class _File:
    """What the thread writes to. It has it only while it writes, so that the file can be closed in between."""

    def __init__(self, database: Database, look: Callable[[], None]) -> None:
        self.database = database
        self._look = look
        self._log = LogFile(database)

    def commit(self, jobs: list[_WriteJob]) -> None:
        """Write these in one transaction; if that fails, each by itself, so that no more is lost than has to be."""
        durable = any(job.durable for job in jobs)
        try:
            self._look()
            with self.database.writing(durable=durable) as connection:
                for job in jobs:
                    job.write(connection)
        except JournalError as error:
            if len(jobs) > 1 and not isinstance(error, Locked):
                for job in jobs:
                    self.commit([job])
                return
            for job in jobs:
                job.fail(error)
            return
        self._log.turn()
        try:
            if durable:
                self._look()
        except JournalError as error:
            for job in jobs:
                job.fail(error)


def _serve(queue: _Jobs) -> None:
    last = False
    while not last and (following := queue.get()) is not None:
        file, jobs = following[0], [following[1]]
        while not (last or queue.empty()):  # what came in meanwhile
            following = queue.get()
            if following is None:
                last = True
            else:
                jobs.append(following[1])
        try:
            file.commit(jobs)
        except BaseException as bug:  # noqa: BLE001 -- whoever waits must hear of it
            for job in jobs:
                job.fail(bug)
        del file, following  # they must not live as long as an idle thread, nor be closed by it
        for job in jobs:
            job.settle()


# What has to end when the interpreter does: a daemon thread is not waited for otherwise.
_RUNNING: Final[dict[threading.Thread, _Jobs]] = {}


def _started(writer: Writer, queue: _Jobs) -> threading.Thread:
    """Raises `JournalError`."""
    if not _RUNNING:
        atexit.unregister(_end_all)
        atexit.register(_end_all)  # behind what closes connections, and so called before it

    def serve() -> None:
        try:
            _serve(queue)
        finally:
            _RUNNING.pop(thread, None)

    thread = threading.Thread(target=serve, name="superscalar-journal", daemon=True)
    _RUNNING[thread] = queue
    try:
        thread.start()
    except RuntimeError as error:  # no more threads can be started
        _RUNNING.pop(thread, None)
        raise JournalError(
            str(writer.path), f"the thread that writes the journal cannot be started: {error}"
        ) from error
    weakref.finalize(writer, queue.put, None).atexit = False
    return thread


def _end_all() -> None:
    for thread, queue in list(_RUNNING.items()):
        queue.put(None)
        thread.join()


in_child(_RUNNING.clear)  # they run in the parent only
