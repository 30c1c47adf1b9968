"""A folder of somebody's own, in which commands are run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def standing_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], **environment: str
) -> Iterator[Path]:
    """Be in a folder with these files, and nothing of ours in the environment but what is given.

    What is imported from there is forgotten at the end: the next folder has modules of the same names.
    """
    monkeypatch.chdir(folder)
    for name in ("SUPERSCALAR_JOURNAL", "SUPERSCALAR_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"NO_COLOR": "1", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text in files.items():
        (folder / name).write_text(text)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
