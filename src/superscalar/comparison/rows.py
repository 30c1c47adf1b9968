"""One question asked in one way once: what came of it, as the file has it that a comparison goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from superscalar.errors import UsageError
from superscalar.private import made_private
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
    of rows is left as it is.

    Raises:
        UsageError: the file is none of ours, or cannot be read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.found: Mapping[tuple[str, str, int], ComparisonRow] = {}
        if path is None:
            return
        try:
            there = path.read_bytes() if path.exists() else b""
            if not (there.startswith(_FIRST) or _FIRST.startswith(there)):
                raise UsageError(f"{path} is no file of answers that a comparison goes on from; name another one")
            whole = there[: there.rfind(b"\n") + 1]
            rows = {row.key: row for row in _read(path, whole[len(_FIRST) :])}
            made_private(path)
            with path.open("rb+") as file:
                file.write(whole or _FIRST)
                file.truncate()
        except OSError as error:
            raise UsageError(f"{path} cannot be used: {error.strerror or error}") from error
        self.found = rows

    def keep(self, row: ComparisonRow) -> None:
        """Append a row."""
        if self._path is not None:
            line = json.dumps(row_document(row), ensure_ascii=False)
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:  # halves as JSON has them
                file.write(line + "\n")


def _read(path: Path, lines: bytes) -> Iterable[ComparisonRow]:
    for number, line in enumerate(lines.splitlines(), 2):
        try:
            found = _row_of(json.loads(line))
        except (ValueError, RecursionError):
            found = None
        if found is None:
            raise UsageError(f"{path}, line {number} is no answer of a comparison of this version; name another file")
        yield found
