"""How much memory something takes at most."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.depth import searching

_PROCESS = Path("/proc/self")


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """Fails if ever so many bytes more are held than at the beginning.

    In a search Python counts every allocation, which takes three times as long. Else, and where the system tells it,
    what counts is the memory that the process was given: what it had and was free is not seen to be taken again.
    """
    if searching() or not _peak_is_forgotten():
        tracemalloc.start(1)
        try:
            yield
            _, held = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    else:
        before = _kilobytes("VmRSS")
        yield
        held = 1024 * (_kilobytes("VmHWM") - before)
    assert held < most


def _peak_is_forgotten() -> bool:
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:  # not on every system
        return False
    return True


def _kilobytes(what: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{what}:"))
    return int(line.split()[1])
