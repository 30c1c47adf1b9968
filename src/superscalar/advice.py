"""What somebody is told to type: commands that work as they stand there, in the folder in which they are printed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

JOURNAL: Final = Path("runs.db")
"""The journal of a command that names none, nor the environment."""
VARIABLE: Final = "SUPERSCALAR_JOURNAL"


def typed(*words: str) -> str:
    """Words as a shell takes them apart again."""
    if os.name != "nt":
        return shlex.join(words)
    from subprocess import list2cmdline  # slow to import, and needed nowhere else

    return list2cmdline(words)


def command(name: str, run: str, *words: str, journal: Path | None, then: Iterable[str] = ()) -> str:
    """`superscalar resume 3f9c --journal nightly.db`: a command about a run, with `words` and the options `then`."""
    where = naming(journal)
    if not run.startswith("-"):
        return typed("superscalar", name, run, *words, *where, *then)
    options = [word for word in words if word.startswith("-")]
    others = [word for word in words if not word.startswith("-")]
    return typed("superscalar", name, *options, *where, *then, "--", run, *others)


def naming(journal: Path | None) -> list[str]:
    """The option that names a journal, where a command would otherwise look at another one."""
    if journal is None or (journal == JOURNAL and VARIABLE not in os.environ):
        return []
    return ["--journal", str(journal)]
