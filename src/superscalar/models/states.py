"""What the embedded model has read of prompts that begin alike, kept in files: reading that back takes milliseconds."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from superscalar.private import tighten, why_not_trusted

MOST_FILES: Final = 6
MOST_BYTES: Final = 200 << 20
"""What a folder of states may have, in all: those of two agents, with as many tools as the model has room for."""

_NAME: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})\.state")
_PARTIAL: Final = "partial-"
_STALE: Final = 60.0  # seconds after which nobody is still writing a file
_LOG: Final = logging.getLogger("superscalar.models")


class PromptStates:
    """A folder of states, for its owner alone. `made_by`: the engine and the model, whose states serve no other.

    The engine trusts such a file: it ends the process over a short one, and answers nonsense from one with other bits.
    So the name of a file has the hash of what is in it, which is compared each time before it is used, and a file has
    its name once it is whole. Whatever is amiss with one, the prompt is read instead.
    """

    def __init__(self, folder: Path, made_by: str) -> None:
        self.folder = folder
        self._made_by = made_by

    def key(self, beginning: Sequence[Mapping[str, object]]) -> str:
        """What the states are called of prompts that begin with these messages."""
        said = json.dumps([self._made_by, list(beginning)], sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def find(self, key: str) -> str | None:
        """The name of a file that can be used; None if there is none. What is damaged is deleted."""
        try:
            for path in sorted(self.folder.glob(f"{key}-*.state")):
                named = _NAME.fullmatch(path.name)
                if named is None or why_not_trusted(path, folder=self.folder) is not None:
                    continue
                if _sha256(path) == named[2]:
                    with suppress(OSError):  # it may be read all the same
                        os.utime(path)  # used last
                    return path.name
                _LOG.debug("%s is damaged, and deleted", path)
                path.unlink(missing_ok=True)
        except OSError as error:
            _LOG.debug("no saved state can be read: %s", error)
        return None

    def keep(self, key: str, save: Callable[[str], None]) -> tuple[str, int]:
        """Have the engine save a state, to a file in the folder whose name it is told, and return what it is called
        then, and its size. The oldest ones make room.

        Raises:
            OSError: the folder cannot be used, or what was saved, or that is too large.
        """
        self.make_folder()
        partial = self.folder / f"{_PARTIAL}{os.getpid()}-{secrets.token_hex(8)}"
        try:
            save(partial.name)
            tighten(partial)
            if (size := partial.stat().st_size) > MOST_BYTES:
                raise OSError(f"it takes {size:,} bytes, and all that is kept has {MOST_BYTES:,}")
            name = f"{key}-{_sha256(partial)}.state"
            partial.replace(self.folder / name)
        finally:
            partial.unlink(missing_ok=True)
        self._make_room()
        return name, size

    def make_folder(self) -> None:
        """Make the folder, if it is not there.

        Raises:
            OSError: it cannot be used.
        """
        # The one above is trusted or not as this one is, and `parents` would make it as the umask says.
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if (why := why_not_trusted(self.folder, folder=self.folder.parent)) is not None:
            raise PermissionError(why)
        if os.name == "posix" and self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{self.folder} cannot be written")

    def _make_room(self) -> None:
        """Delete what was not used for longest, other states of what has a newer one, and what nobody finished."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            try:
                about = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(about.st_mode) and _NAME.fullmatch(path.name):
                found.append((about.st_mtime, about.st_size, path))
            elif (
                stat.S_ISREG(about.st_mode) and path.name.startswith(_PARTIAL) and time.time() - about.st_mtime > _STALE
            ):
                path.unlink(missing_ok=True)
        kept: set[str] = set()
        room = MOST_BYTES
        for _, size, path in sorted(found, reverse=True):
            key, room = path.name[:32], room - size
            if room < 0 or key in kept or len(kept) == MOST_FILES:
                path.unlink(missing_ok=True)
            else:
                kept.add(key)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
