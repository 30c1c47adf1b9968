"""What a gateway remembers of its clients beside the journal: whose a run is, and what each has been told.

A label only grows. It goes back where a person says so when a gateway is started, and nowhere else.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, TypeAlias

from superscalar.errors import JournalError
from superscalar.labels import NOTHING, Label, Source
from superscalar.private import made_private

RunFate: TypeAlias = Literal["open", "waiting", "over"]
"""A gateway that starts again goes on with what is `open`; what is `waiting` has nothing left to do until a person
answers."""

_APPLICATION: Final = 0x53757067  # "Supg"
_FORMAT: Final = 1
_TABLES: Final = (
    "CREATE TABLE runs (id TEXT PRIMARY KEY, principal TEXT NOT NULL, began REAL NOT NULL, fate TEXT NOT NULL)",
    "CREATE TABLE told (principal TEXT PRIMARY KEY, label TEXT NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_FORMAT}",
)
_SOON: Final = 3_600.0  # seconds within which a run begins that was noted
_PATIENCE: Final = 5.0  # seconds that another gateway may keep the file locked
_KINDS: Final = ("user", "plan", "tool", "model")


class ClientMemory:
    """A file of SQLite, for its owner alone; several gateways may have it open.

    Raises:
        JournalError: it is no such file, of a newer release, or cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        with self._errors():
            made_private(path)
            self._connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
        try:
            with self._errors():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
            with self._errors(), self._writing() as connection:
                ((application,),) = connection.execute("PRAGMA application_id")
                ((version,),) = connection.execute("PRAGMA user_version")
                ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
                if not tables:
                    for statement in _TABLES:
                        connection.execute(statement)
                elif application != _APPLICATION:
                    raise JournalError(str(path), "it is another program's file")
                elif version != _FORMAT:
                    raise JournalError(str(path), f"its format is {version}, and this release writes {_FORMAT}")
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def beside(cls, journal: Path) -> ClientMemory:
        """That of the gateways whose runs are in this journal."""
        real = journal.resolve()
        return cls(real.with_name(f"{real.name}-clients"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def begin(self, run: str, principal: str) -> None:
        """Note whose a run is that is about to begin."""
        with self._errors(), self._writing() as connection:
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, 'open')", (run, principal, time.time()))

    def note(self, run: str, fate: RunFate) -> None:
        """Note how a run stands."""
        with self._errors(), self._writing() as connection:
            connection.execute("UPDATE runs SET fate = ? WHERE id = ?", (fate, run))

    def is_waiting(self, run: str) -> bool:
        """Whether nothing was left to do of a run but what a person is to decide."""
        return bool(self._rows("SELECT 1 FROM runs WHERE id = ? AND fate = 'waiting'", run))

    def is_old(self, run: str) -> bool:
        """Whether a run was to begin so long ago that nobody is about to."""
        return bool(self._rows("SELECT 1 FROM runs WHERE id = ? AND began < ?", run, time.time() - _SOON))

    def owner(self, run: str) -> str | None:
        """The principal whose run it is; None if it is nobody's here."""
        rows = self._rows("SELECT principal FROM runs WHERE id = ?", run)
        return str(rows[0][0]) if rows else None

    def open_runs(self) -> list[tuple[str, str]]:
        """The runs that were not over when they were last heard of, oldest first, each with its principal."""
        return [(str(id), str(owner)) for id, owner in self._rows(_OPEN)]

    def label(self, principal: str) -> Label:
        """The label of all that a principal was told.

        Raises:
            JournalError: nobody can say.
        """
        rows = self._rows("SELECT label FROM told WHERE principal = ?", principal)
        return self._label(rows[0][0]) if rows else NOTHING

    def tell(self, principal: str, label: Label) -> None:
        """Add to that what is about to be told. Only then may it be."""
        with self._errors(), self._writing() as connection:
            rows = connection.execute("SELECT label FROM told WHERE principal = ?", (principal,)).fetchall()
            known = self._label(rows[0][0]) if rows else NOTHING
            both = known | label
            if both is not known or not rows:
                connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (principal, _text(both)))

    def forget(self, principal: str) -> None:
        """Forget what a principal was told: a person says so."""
        with self._errors(), self._writing() as connection:
            connection.execute("DELETE FROM told WHERE principal = ?", (principal,))

    # --------------------------------------------------------------------------------------------------------------

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._errors(), self._lock, closing(self._connection.execute(query, values)) as found:
            return found.fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(str(self.path), f"what clients were told cannot be kept: {error}") from error

    def _label(self, text: Any) -> Label:
        try:
            data = json.loads(text)
            sources = [_source(*one) for one in data["sources"]]
            readers = data["readers"]
            if readers is not None and not (isinstance(readers, list) and all(isinstance(r, str) for r in readers)):
                raise ValueError(readers)
        except (ValueError, TypeError, KeyError) as error:
            raise JournalError(str(self.path), f"what a client was told is damaged: {error!r}") from error
        return Label(sources, readers)


_OPEN: Final = "SELECT id, principal FROM runs WHERE fate = 'open' ORDER BY began, id"


def _source(kind: Any, name: Any, trusted: Any, narrowed: Any) -> Source:
    if (
        kind not in _KINDS
        or not isinstance(name, str)
        or not isinstance(trusted, bool)
        or not isinstance(narrowed, str)
    ):
        raise ValueError((kind, name, trusted, narrowed))
    return Source(kind, name, trusted, narrowed)


def _text(label: Label) -> str:
    readers = None if label.readers is None else sorted(label.readers)
    return json.dumps({"sources": [list(source) for source in sorted(label.sources)], "readers": readers})
