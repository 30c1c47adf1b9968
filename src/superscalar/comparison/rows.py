"""One question asked in one way once: what came of it, as the file has it that a comparison goes on from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from superscalar.errors import UsageError
from superscalar.plan.evaluate.json_text import once
from superscalar.private import made_private, tighten
from superscalar.short import bounded


@bounded
@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """What came of asking one question in one way, for the `repeat`-th time (from 1).

    `answer`: its text; None where the run failed, and `error` says why. `exact` and `f1` are None where no answer is
    `expected`, and `judged` without a judge; of a run that failed they are False and 0. `seconds`: from asking to the
    end; for `model_seconds` of them some model was at work, and for `tool_seconds` some tool, which may be at the same
    time. `cached_tokens` is the part of `input_tokens` that a model had read before. `calls`: those that were begun.
    `cost` is None where nobody knows the model's prices. `setup` stands for what the way was told.
    """

    id: str
    way: str
    repeat: int
    question: str
    answer: str | None
    expected: tuple[str, ...]
    exact: bool | None
    f1: float | None
    judged: float | None
    seconds: float
    model_seconds: float
    tool_seconds: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    calls: int
    rounds: int
    cost: float | None
    error: str
    setup: str

    @property
    def key(self) -> tuple[str, str, int]:
        """Tell it apart from the others."""
        return self.id, self.way, self.repeat


_NAMES: Final = frozenset(field.name for field in fields(ComparisonRow))


def row_document(row: ComparisonRow) -> dict[str, Any]:
    """A row as JSON data."""
    return asdict(row)


_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "tuple[str, ...]": (list,),
    "bool | None": (bool, type(None)),
    "float": (float, int),
    "float | None": (float, int, type(None)),
    "int": (int,),
}
"""What JSON has for a field, by how that is declared."""


def _row_of(said: Any) -> ComparisonRow | None:
    """The row that JSON data says; None if that is none."""
    if not isinstance(said, dict) or said.keys() != _NAMES:
        return None
    fitting = all(type(said[field.name]) in _KINDS[str(field.type)] for field in fields(ComparisonRow))
    if not fitting or not all(isinstance(one, str) for one in said["expected"]):
        return None
    return ComparisonRow(**{**said, "expected": tuple(said["expected"])})


_FIRST: Final = b'{"comparison": 1}\n'
"""The first line of a file of rows, so that no other file is taken for one."""


class KeptRows:
    """The rows of a file, each a line, and more of them as they come. Without a path nothing is kept.

    A line that a process was killed in the middle of is taken off: that question is asked again. A file that is not one
    of rows is left as it is. While it is open it is this comparison's alone, as far as the system has locks of files:
    two that go on from one file would ask everything twice.

    Raises:
        UsageError: the file is none of ours, another comparison has it open, or it cannot be read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.found: Mapping[tuple[str, str, int], ComparisonRow] = {}
        if path is None:
            return
        try:
            if not path.exists():
                made_private(path)
            self._file = path.open("rb+")
            _lock(path, self._file.fileno())
            self.found = self._whole(path, self._file)
            tighten(path)
        except OSError as error:
            self.close()
            raise _unusable(path, error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others have the file."""
        if self._file is not None:
            with suppress(OSError):  # of what could not be written, which `keep` has told
                self._file.close()  # and with it the lock
            self._file = None

    def keep(self, row: ComparisonRow) -> None:
        """Append a row.

        Raises:
            UsageError: it cannot be written.
        """
        if self._path is None:
            return
        if self._file is None:
            raise UsageError(f"{self._path} is closed")
        line = json.dumps(row_document(row), ensure_ascii=False) + "\n"
        try:
            self._file.write(line.encode("utf-8", "backslashreplace"))  # halves as JSON has them
            self._file.flush()
        except OSError as error:
            raise _unusable(self._path, error) from error

    @staticmethod
    def _whole(path: Path, file: BinaryIO) -> dict[tuple[str, str, int], ComparisonRow]:
        """The rows of a file, which ends behind the last whole one from then on."""
        there = file.read()
        if not (there.startswith(_FIRST) or _FIRST.startswith(there)):
            raise UsageError(f"{path} is no file of answers that a comparison goes on from; name another one")
        whole = there[: there.rfind(b"\n") + 1]
        rows = {row.key: row for row in _read(path, whole[len(_FIRST) :])}
        file.seek(len(whole))
        file.truncate()
        if not whole:
            file.write(_FIRST)
            file.flush()
        return rows


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be used: {error.strerror or error}")


if sys.platform == "win32":

    def _lock(path: Path, descriptor: int) -> None:
        """Nothing keeps two comparisons apart there."""

else:
    import fcntl

    def _lock(path: Path, descriptor: int) -> None:
        """Have a file alone until its descriptor is closed.

        Raises:
            UsageError: another comparison has it.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{path}: another comparison is writing its answers there; wait for its end, or name another file"
            ) from None


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _read(path: Path, lines: bytes) -> Iterable[ComparisonRow]:
    for number, line in enumerate(lines.splitlines(), 2):
        try:
            found = _row_of(json.loads(line, object_pairs_hook=once, parse_constant=_no_number))
        except (ValueError, RecursionError):
            found = None
        if found is None:
            raise UsageError(f"{path}, line {number} is no answer of a comparison of this version; name another file")
        yield found
