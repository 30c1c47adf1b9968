"""A journal that is looked at, also where nothing may be written: on a read-only mount, or in a folder of others."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from superscalar.journal.database import Connect, bytes_taken, log_of, where_it_stands

_NOT_WRITTEN: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it can make no shared memory beside the file: that may be read all the same."""


def readable(path: Path, connected: Connect) -> sqlite3.Connection:
    """A connection to read with. Where SQLite cannot open the file where it stands, it is read as it is, or copied."""
    try:
        return where_it_stands(path, connected)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NOT_WRITTEN or not bytes_taken(path):
            raise
        log = log_of(path)
        if not bytes_taken(log):  # all there is stands in the file: nobody writes it
            return connected(f"{path.absolute().as_uri()}?immutable=1")
        with tempfile.TemporaryDirectory(prefix="superscalar-", ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / path.name
            shutil.copyfile(path, copy)
            shutil.copyfile(log, copy.with_name(log.name))
            return connected(str(copy))  # which keeps what it has open
