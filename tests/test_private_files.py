"""Journals and the cache of the embedded model are their owner's alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from superscalar import LLMCompiler, tool
from superscalar.errors import ModelSetupError
from superscalar.journal import Journal
from superscalar.models import cache
from superscalar.models.weights import Mirror, Weights
from superscalar.private import made_private, tighten

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no modes of files")

GOOD = b"GGUF" + b"good" * 10
WEIGHTS = Weights("m.gguf", len(GOOD), hashlib.sha256(GOOD).hexdigest(), "p", "1", 1, len(GOOD), "r")
SOURCES = [Mirror("s", lambda weights, offset, *more: (part for part in [GOOD[offset:]]))]


@pytest.fixture(autouse=True)
def _as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.VARIABLE, raising=False)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


def test_every_file_of_a_journal_is_its_owners_alone_while_it_is_used_and_after(tmp_path: Path) -> None:
    seen: dict[str, int] = {}

    @tool(effect="read")
    async def mail() -> str:
        """A mail."""
        seen.update(modes(tmp_path))
        return "x"

    before = os.umask(0o000)
    try:
        asyncio.run(LLMCompiler(tools=[mail], journal=tmp_path / "runs.db").execute("m = mail()\njoin(m)\n"))
    finally:
        os.umask(before)
    assert seen == dict.fromkeys(("runs.db", "runs.db-wal", "runs.db-shm", "runs.db-leases"), 0o600)
    assert set(modes(tmp_path).values()) == {0o600}


def test_a_journal_that_others_might_read_is_taken_from_them(tmp_path: Path) -> None:
    Journal(tmp_path / "runs.db").begin("r", {}).close()
    for file in tmp_path.iterdir():
        file.chmod(0o666)
    assert [summary.id for summary in Journal(tmp_path / "runs.db").runs()] == ["r"]
    assert set(modes(tmp_path).values()) == {0o600}


def test_a_journal_behind_a_link_is_taken_from_others_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "runs.db").symlink_to(tmp_path / "real" / "runs.db")
    Journal(tmp_path / "runs.db").begin("r", {}).close()
    assert set(modes(tmp_path / "real").values()) == {0o600}


@pytest.mark.parametrize(
    ("mode", "after"), [(0o644, 0o600), (0o664, 0o600), (0o640, 0o600), (0o444, 0o400), (0o600, 0o600)]
)
def test_a_file_keeps_what_its_owner_may_do(tmp_path: Path, mode: int, after: int) -> None:
    file = tmp_path / "f"
    file.touch()
    file.chmod(mode)
    made_private(file)
    assert modes(tmp_path) == {"f": after}


def test_what_is_not_there_cannot_be_tightened(tmp_path: Path) -> None:
    tighten(tmp_path / "none")
    assert modes(tmp_path) == {}


def found(folder: Path) -> bytes:
    return cache.find(WEIGHTS, sources=SOURCES, directory=folder).read_bytes()


def test_the_cache_of_a_model_is_its_owners_alone(tmp_path: Path) -> None:
    assert found(tmp_path / "own") == GOOD
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700
    assert set(modes(tmp_path / "own").values()) == {0o600}


@pytest.mark.parametrize("content", [b"GGUFevil", b"", b"GGUF" + b"evil" * 11])
def test_a_stamp_that_names_another_size_is_not_believed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    stat = (tmp_path / "m.gguf").stat()
    stamp = {"sha256": WEIGHTS.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    (tmp_path / "m.json").write_text(json.dumps(stamp))
    assert cache.cached(WEIGHTS, directory=tmp_path) is None
    assert found(tmp_path) == GOOD


@pytest.mark.parametrize("name", ["m.gguf", "m.json", "m.partial", "m.lock", "m.json.partial"])
def test_no_file_of_the_cache_may_be_a_link(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "cache"
    found(folder)
    (folder / name).unlink(missing_ok=True)
    (tmp_path / "elsewhere").write_bytes(GOOD)
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert cache.cached(WEIGHTS, directory=folder) is None
    with pytest.raises(ModelSetupError, match=f"{name} is a link"):
        found(folder)
    assert (tmp_path / "elsewhere").read_bytes() == GOOD


def test_the_folder_of_the_cache_may_be_no_link(tmp_path: Path) -> None:
    found(tmp_path / "real")
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    with pytest.raises(ModelSetupError, match="cache is a link"):
        found(tmp_path / "cache")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o702])
def test_a_folder_that_others_may_write_is_no_cache(tmp_path: Path, mode: int) -> None:
    found(tmp_path / "cache")
    (tmp_path / "cache").chmod(mode)
    assert cache.cached(WEIGHTS, directory=tmp_path / "cache") is None
    with pytest.raises(ModelSetupError, match="others may write"):
        found(tmp_path / "cache")


def test_a_model_that_others_may_write_is_not_loaded(tmp_path: Path) -> None:
    found(tmp_path)
    (tmp_path / "m.gguf").chmod(0o666)
    with pytest.raises(ModelSetupError, match="others may write"):
        found(tmp_path)


def test_a_system_without_modes_of_files_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superscalar.private._HAS_MODES", False)
    (tmp_path / "m.gguf").write_bytes(GOOD)
    (tmp_path / "m.gguf").chmod(0o666)
    assert found(tmp_path) == GOOD
    Journal(tmp_path / "runs.db").begin("r", {}).close()
