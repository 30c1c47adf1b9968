"""Files for their owner alone. Where a system has no modes of files (Windows), nothing is done: folders there are."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_HAS_MODES: Final = os.name == "posix"
_OTHERS: Final = 0o077


def made_private(path: Path) -> None:
    """See to it that only its owner may read a file, which is made if it is not there.

    One that is there and that others may read is taken from them, if it is ours: an older release made it so. It is not
    opened: the locks that this process has on it would end with that.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600))
    except FileExistsError:
        tighten(path)


def tighten(path: Path) -> None:
    """Take a file from all others, if it is there and ours."""
    if not _HAS_MODES:
        return
    with suppress(OSError):  # it is gone, or on a file system without modes
        found = path.stat()
        if found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def why_not_trusted(path: Path, *, folder: Path) -> str | None:
    """Why what is read at a path in a folder of ours may be what somebody else put there; None if it is not.

    That is the folder, or a file, that is a link, belongs to somebody else, or may be written by others.
    """
    if not _HAS_MODES:
        return None
    for place in (folder, path):
        try:
            found = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISLNK(found.st_mode):
            return f"{place} is a link"
        if found.st_uid not in (os.geteuid(), 0):
            return f"{place} belongs to another user"
        if found.st_mode & 0o022:
            return f"others may write {place} (chmod go-w {place})"
    return None
