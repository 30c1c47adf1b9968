"""A journal that is looked at, also where nothing may be written: on a read-only mount, or in a folder of others."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from superscalar.journal.database import Database, bytes_taken, log_of

_NOT_WRITTEN: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it can make no shared memory beside the file: that may be read all the same."""


class Readable(Database):
    """A connection to read with. Where SQLite cannot open the file where it stands, it is read as it is, or copied."""

    def _connection_to(self) -> sqlite3.Connection:
        try:
            return super()._connection_to()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _NOT_WRITTEN or not bytes_taken(self.path):
                raise
            log = log_of(self.path)
            if not bytes_taken(log):  # all there is stands in the file: nobody writes it
                return self._connected(f"{self.path.absolute().as_uri()}?immutable=1")
            with tempfile.TemporaryDirectory(prefix="superscalar-", ignore_cleanup_errors=True) as folder:
                copy = Path(folder) / self.path.name
                shutil.copyfile(self.path, copy)
                shutil.copyfile(log, copy.with_name(log.name))
                return self._connected(str(copy))  # which keeps what it has open
