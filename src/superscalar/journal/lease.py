"""At most one process, and in it one run, is at work on a recorded run: locks that end with the process.

A lease is a lock on one byte of a file beside the journal, so the kernel takes it back when the process dies, however
that happens, and a killed run can be resumed at once. Locks of POSIX belong to the process: a second one of the same
process is granted too, and closing *any* descriptor of the file gives all of them back. Hence one descriptor per file
and process (`superscalar.journal.opened`), and a set of what is held beside it. A forked child inherits no lock.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Final

from superscalar.errors import JournalError
from superscalar.forks import in_child
from superscalar.private import tighten

_SAYS: Final = """\
Which runs of the journal {journal} are being worked on: the locks on this file say so, and not its text. It belongs
beside the journal. While a process has that open, do not delete, move or replace it.
"""

_BUSY_FOR: Final = 0.1  # seconds: somebody who only looks whether a lease is held has it for microseconds

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    _share = _lock

    def _unlock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)

    def _share(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, place)

    def _unlock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)


class Leases:
    """The leases on the runs of one journal, by run number; `of` gives the one object that a process has for a file.

    The file is closed when nobody has this object any more, and whoever holds a lease has it.
    """

    def __init__(self, path: Path, how: int = os.O_RDWR | os.O_CREAT) -> None:
        self.descriptor = os.open(path, how | getattr(os, "O_CLOEXEC", 0), 0o600)
        self.may_take = how != os.O_RDONLY
        if self.may_take and not os.fstat(self.descriptor).st_size:
            os.write(self.descriptor, _SAYS.format(journal=path.name.removesuffix("-leases")).encode())
        self._held: set[int] = set()
        self._guard = threading.Lock()
        weakref.finalize(self, _close, self.descriptor, os.getpid())

    @staticmethod
    def of(journal: Path) -> Leases:
        """The leases of the journal at this path; the file beside it is made if it is not there.

        Raises:
            JournalError: it cannot be opened.
        """
        try:
            return Leases._opened(beside(journal))
        except OSError as error:
            raise not_opened(journal, error) from error

    @staticmethod
    def _opened(path: Path) -> Leases:
        with _OPENING:
            try:
                found = path.stat()
            except FileNotFoundError:
                path.touch(0o600)
                found = path.stat()
            tighten(path)
            known = _OPEN.get((found.st_dev, found.st_ino))
            if known is not None and not known.may_take:
                _READ.append(known)  # closing it would give back what is taken from now on
                known = None
            if known is None:
                known = _OPEN[found.st_dev, found.st_ino] = Leases(path)
            return known

    @staticmethod
    def looking(journal: Path) -> Leases | None:
        """The leases of a journal that may not be written, to be looked at; None if nobody ever took one.

        Raises:
            OSError: they may not be read either.
        """
        path = beside(journal)
        with _OPENING:
            try:
                found = path.stat()
            except FileNotFoundError:
                return None
            known = _OPEN.get((found.st_dev, found.st_ino))
            if known is None:
                known = _OPEN[found.st_dev, found.st_ino] = Leases(path, os.O_RDONLY)
            return known

    def take(self, run: int) -> bool:
        """Take the lease on a run; False if it is held, by another process or this one."""
        until = time.monotonic() + _BUSY_FOR
        while not self._taken(run):
            if run in self._held or time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _taken(self, run: int) -> bool:
        with self._guard:
            if run in self._held:
                return False
            try:
                _lock(self.descriptor, run)
            except OSError:
                return False
            self._held.add(run)
            return True

    def give_back(self, run: int) -> None:
        """End a lease that was taken."""
        with self._guard:
            if run in self._held:
                self._held.discard(run)
                _unlock(self.descriptor, run)

    def is_held(self, run: int) -> bool:
        """Whether any process, this one included, is at work on a run."""
        with self._guard:
            if run in self._held:
                return True
            try:
                (_lock if self.may_take else _share)(self.descriptor, run)
            except OSError:
                return True
            _unlock(self.descriptor, run)
            return False

    def is_held_here(self, run: int) -> bool:
        """Whether this process is."""
        with self._guard:
            return run in self._held


def forget(journal: Path) -> None:
    """Remove what a journal that is gone left behind: the runs of a new one have the same numbers.

    Raises:
        JournalError: it cannot be removed.
    """
    try:
        beside(journal).unlink(missing_ok=True)
    except OSError as error:
        raise not_opened(journal, error) from error


def not_opened(journal: Path, error: OSError) -> JournalError:
    """The leases of a journal cannot be used."""
    why = f"the file of its leases cannot be opened ({error}); look at its path and permissions"
    return JournalError(str(journal), why)


def _close(descriptor: int, process: int) -> None:
    """A forked child keeps what it inherited: closing that would give back the leases that it took itself."""
    if process == os.getpid():
        os.close(descriptor)


def beside(journal: Path) -> Path:
    """The file of the leases of the journal at this path."""
    return journal.with_name(f"{journal.name}-leases")


_OPEN: Final[weakref.WeakValueDictionary[tuple[int, int], Leases]] = weakref.WeakValueDictionary()
_READ: Final[list[Leases]] = []
_OPENING = threading.Lock()


def _forget() -> None:
    """In a forked child: it holds no lease, and the lock around them may have been taken when it was made."""
    global _OPENING
    _OPENING = threading.Lock()
    _OPEN.clear()


in_child(_forget)
