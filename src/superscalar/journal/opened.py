"""A file that this process has open: the thread that writes it, the leases beside it, and whether it is still there."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import Final, TypeAlias

from superscalar.errors import JournalError
from superscalar.forks import in_child
from superscalar.journal.database import Database, log_of
from superscalar.journal.lease import Leases, beside
from superscalar.journal.writer import Writer

_Inode: TypeAlias = tuple[int, int]


class Opened:
    """One journal as this process has it open; however many objects use it, they share this one."""

    def __init__(self, path: Path, inode: _Inode) -> None:
        self.path = path
        self.process = os.getpid()
        self.leases = Leases.of(path)
        database = Database(path)
        log = log_of(path)  # it is there as long as anybody has the journal open
        known = {path: inode, beside(path): _inode_of(self.leases.descriptor), log: _inode_of(log)}
        self.place = JournalPlace(path, known)
        self.writer = Writer(database, self.place.look)

    @staticmethod
    def of(path: Path) -> Opened:
        """The journal at this path, which must be there; the file of its leases is made if it is not.

        Raises:
            JournalError: it cannot be opened.
        """
        with _OPENING:
            try:
                inode = _inode_of(path)
                known = _OPEN.get(inode)
                if known is None or known.path != path or known.place.what_is_gone() is not None:
                    known = _OPEN[inode] = Opened(path, inode)
            except OSError as error:
                raise JournalError(str(path), f"the journal cannot be opened: {error}") from error
            return known


class JournalPlace:
    """Where the files of a journal are, known by more than their names."""

    def __init__(self, journal: Path, files: dict[Path, _Inode]) -> None:
        self._journal = journal
        self._files = files

    def what_is_gone(self) -> str | None:
        """Which of them was moved, deleted or replaced, in words; None if all are where they were."""
        for path, inode in self._files.items():
            try:
                if _inode_of(path) != inode:
                    return f"{path.name} is another file by now"
            except FileNotFoundError:
                return f"{path.name} is not there any more"
            except OSError as error:
                return f"{path.name} cannot be looked at any more ({error.strerror})"
        return None

    def look(self) -> None:
        """Make sure that they are where they were.

        Raises:
            JournalError: one is not.
        """
        if (gone := self.what_is_gone()) is not None:
            raise JournalError(
                str(self._journal),
                f"{gone}: it was moved, deleted or replaced while this process had the journal open, and nothing goes "
                'on unrecorded. Put it back, or have new runs recorded in a new file: Journal(path, when_moved="new")',
            )


def _inode_of(file: Path | int) -> _Inode:
    found = os.stat(file)  # noqa: PTH116 -- of a descriptor too
    return found.st_dev, found.st_ino


_OPEN: Final[weakref.WeakValueDictionary[_Inode, Opened]] = weakref.WeakValueDictionary()
_OPENING = threading.Lock()
_INHERITED: Final[list[Opened]] = []


def _forget() -> None:
    """In a forked child: it has no thread and holds no lease, and must close neither file of its parent's."""
    global _OPENING
    _OPENING = threading.Lock()
    _INHERITED.extend(_OPEN.values())
    _OPEN.clear()


in_child(_forget)
