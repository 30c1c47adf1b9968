"""Examples of plans from files: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from superscalar.cli.failures import CommandError

_LINE = '{"question": "What is IBM at?", "plan": "join(price(\'IBM\'))"}'


def read_examples(files: Iterable[Path] | None) -> list[list[str]] | None:
    """Questions with their plans, in the order of the lines; None where no file is named.

    Raises:
        CommandError: a file cannot be read, or a line is none; the message says which.
    """
    return None if files is None else [pair for file in files for pair in _in_file(file)]


def _in_file(file: Path) -> list[list[str]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise CommandError(f"--examples {file}: {getattr(error, 'strerror', None) or error}") from None
    found: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        match said:
            case {"question": str(question), "plan": str(plan)}:
                found.append([question, plan])
            case _:
                raise CommandError(f"--examples {file}:{number}: write a JSON object a line, such as {_LINE}")
    return found
