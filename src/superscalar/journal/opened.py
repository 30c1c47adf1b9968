"""A file that this process has open: the thread that writes it, the leases beside it, and whether it is still there."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import Final, TypeAlias

from superscalar.errors import JournalError
from superscalar.journal.database import Database
from superscalar.journal.lease import Leases, beside
from superscalar.journal.writer import Writer

_Inode: TypeAlias = tuple[int, int]


class Opened:
    """One journal as this process has it open; however many objects use it, they share this one."""

    def __init__(self, path: Path, inode: _Inode) -> None:
        self.path = path
        self.process = os.getpid()
        self.leases = Leases.of(path)
        self.place = _Place(path, {path: inode, beside(path): _inode_of(self.leases.descriptor)})
        self.writer = Writer(Database(path), self.place.look)

    @staticmethod
    def of(path: Path) -> Opened:
        """The journal at this path, which must be there; the file of its leases is made if it is not."""
        with _OPENING:
            inode = _inode_of(path)
            known = _OPEN.get(inode)
            if known is None or known.path != path:  # one that was moved is another's business
                known = _OPEN[inode] = Opened(path, inode)
            return known


class _Place:
    """Where the files of a journal are, known by more than their names."""

    def __init__(self, journal: Path, files: dict[Path, _Inode]) -> None:
        self._journal = journal
        self._files = files

    def look(self) -> None:
        """Make sure that they are still there.

        Raises:
            JournalError: one was moved, deleted, or replaced.
        """
        for path, inode in self._files.items():
            try:
                found: _Inode | None = _inode_of(path)
            except FileNotFoundError:
                found = None
            if found != inode:
                what = "is not there any more" if found is None else "is another file by now"
                raise JournalError(
                    str(self._journal),
                    f"{path.name} {what}: it was moved or deleted while it was in use, and nothing goes on unrecorded; "
                    "put it back, or begin anew with a new Journal",
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
