"""A folder of saved plans as files: what is read there is code, so nobody else may have put it there.

A folder, or a file, is refused that is a link, or belongs to somebody else, or that others may write; so is a file that
has another name elsewhere, is no file, or is too large. Names never reach a file system unless they are plain words.
Files are opened in the folder that was looked at, not by a path that may mean another one by then.
"""

from __future__ import annotations

import errno
import keyword
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from superscalar.errors import UsageError

SUFFIX: Final = ".plan"
"""What the name of a saved plan's file ends with."""
MAX_SIZE: Final = 1_000_000
"""Bytes of a file, at most."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BEGUN: Final = re.compile(r"\.[a-z][a-z0-9_]*\.(?:plan|lock)\.[0-9a-f]{16}")
_HAS_PLACES: Final = os.open in os.supports_dir_fd  # Windows has no descriptors of folders
_WAITS: Final = 5.0  # seconds for others who write
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
_READ: Final = os.O_RDONLY | _CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_MAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


def check_plan_name(name: object) -> str:
    """The name of a saved plan: a plain word, which is a file's, a tool's and a function's name, too.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(name, str) or not _is_name(name):
        raise UsageError(
            f"{str(name)[:80]!r} is no name of a saved plan: write lower-case letters, digits and _, a letter first, "
            'such as "daily_brief"'
        )
    return name


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not keyword.iskeyword(text)


class PlanFolder:
    """The files of a folder, by the names of plans."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        """Where a plan is, for messages."""
        return self.path / f"{name}{SUFFIX}"

    def names(self) -> list[str]:
        """The names of all files that are called as saved plans are, in order; none where there is no folder.

        Raises:
            UsageError: the folder cannot be trusted, or read.
        """
        with self._opened() as place:
            if place is None:
                return []
            try:
                found = os.listdir(place if _HAS_PLACES else self.path)  # noqa: PTH208 -- of a descriptor
            except OSError as error:
                raise _failed(self.path, "read", error) from error
        return sorted(name for one in found if (name := one.removesuffix(SUFFIX)) != one and _is_name(name))

    def read(self, name: str) -> str | None:
        """The text of a plan; None where there is none.

        Raises:
            UsageError: it cannot be read, or trusted; the message says why not.
        """
        return self.read_file(f"{check_plan_name(name)}{SUFFIX}")

    def read_file(self, file: str) -> str | None:
        """The text of a file of the folder, of ours by name.

        Raises:
            UsageError: as for `read`.
        """
        with self._opened() as place:
            return None if place is None else self._text_of(place, file)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one who writes there, in all processes; the folder is made if it is not there.

        Raises:
            UsageError: it cannot be made, or trusted; or somebody else has been writing there for too long.
        """
        try:
            self.path.mkdir(mode=0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise _failed(self.path, "made", error) from error
        with self._opened() as place:
            if place is None:
                raise UsageError(f"{self.path} was there, and is gone")
            with _alone(self.path, place):
                if _HAS_PLACES:
                    _remove_left(place)  # by who was killed: nobody else is writing now
                yield

    def write_file(self, file: str, text: str) -> None:
        """Put a file of ours in the place of the one that is there: all of it or nothing, on the disk when it returns.

        Raises:
            UsageError: it cannot be written.
        """
        made = f".{file}.{secrets.token_hex(8)}"
        data = text.encode()
        if len(data) > MAX_SIZE:
            raise UsageError(f"{self.path / file}: it would have {len(data):,} bytes, more than {MAX_SIZE:,}")
        with self._opened() as place:
            if place is None:
                raise UsageError(f"there is no folder {self.path}")
            at = place if _HAS_PLACES else None
            try:
                with os.fdopen(os.open(self._in(made), _MAKE, 0o644, dir_fd=at), "wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(self._in(made), self._in(file), src_dir_fd=at, dst_dir_fd=at)
                if _HAS_PLACES:
                    os.fsync(place)
            except OSError as error:
                with suppress(OSError):
                    os.unlink(self._in(made), dir_fd=at)
                raise _failed(self.path / file, "written", error) from error

    def _in(self, file: str) -> str | Path:
        return file if _HAS_PLACES else self.path / file

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        """A descriptor of the folder, None where there is none; where there are no such descriptors, -1."""
        if not _HAS_PLACES:
            try:
                found = self.path.lstat()
            except FileNotFoundError:
                yield None
                return
            if not stat.S_ISDIR(found.st_mode):
                raise UsageError(f"{self.path} is not a folder, or is a link to one: name the folder itself")
            yield -1
            return
        try:
            place = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | _CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise UsageError(f"{self.path} is not a folder, or is a link to one: name the folder itself") from error
            raise _failed(self.path, "read", error) from error
        try:
            _check_owned(self.path, os.fstat(place))
            yield place
        finally:
            os.close(place)

    def _text_of(self, place: int, file: str) -> str | None:
        path = self.path / file
        try:
            if not _HAS_PLACES and path.is_symlink():
                raise UsageError(f"{path} is a link, and what it leads to may be anything: put the file itself there")
            opened = os.open(self._in(file), _READ, dir_fd=place if _HAS_PLACES else None)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise UsageError(
                    f"{path} is a link, and what it leads to may be anything: put the file itself there"
                ) from error
            raise _failed(path, "read", error) from error
        try:
            before = os.fstat(opened)
            _check_file(path, before)
            data = os.read(opened, MAX_SIZE + 1)
            after = os.fstat(opened)
        except OSError as error:
            raise _failed(path, "read", error) from error
        finally:
            os.close(opened)
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or len(data) != after.st_size:
            raise UsageError(f"{path} was changed while it was read: read it again")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _remove_left(place: int) -> None:
    """Remove what writers began that did not live to put it in place."""
    for name in os.listdir(place):
        if _BEGUN.fullmatch(name):
            with suppress(OSError):
                os.unlink(name, dir_fd=place)


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no file")
    if found.st_nlink > 1:
        raise UsageError(
            f"{path} has another name elsewhere (a hard link), by which it may be changed: copy it instead"
        )
    if found.st_size > MAX_SIZE:
        raise UsageError(f"{path} has {found.st_size:,} bytes, more than {MAX_SIZE:,}: that is no plan")
    _check_owned(path, found)


def _check_owned(path: Path, found: os.stat_result) -> None:
    """See that nobody but its owner may change it, and that this is whoever runs the process, or root."""
    if not _HAS_PLACES:
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise UsageError(f"{path} belongs to another user")
    if found.st_mode & 0o022:
        raise UsageError(f"{path}: others may write it, and it is code: chmod go-w {path}")


def _failed(path: Path, what: str, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be {what}: {error.strerror or error}")


if sys.platform == "win32":

    @contextmanager
    def _alone(path: Path, place: int) -> Iterator[None]:  # noqa: ARG001
        yield  # a folder cannot be locked there; files are still put in place whole

else:
    import fcntl

    @contextmanager
    def _alone(path: Path, place: int) -> Iterator[None]:
        """Hold the lock on the folder; closing the descriptor gives it back, as the end of the process does."""
        until = time.monotonic() + _WAITS
        while True:
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise UsageError(f"{path}: somebody else has been writing there for {_WAITS:g} seconds") from None
                time.sleep(0.01)
            except OSError as error:
                raise _failed(path, "locked", error) from error
        yield
