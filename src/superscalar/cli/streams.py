"""Whose words go where: standard output carries the result and nothing else, whatever a tool or a library prints."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

_DESCRIPTORS = 256


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Send to standard error what is written to standard output meanwhile, by Python code or by a native library."""
    with redirect_stdout(sys.stderr):
        if not _is_descriptor(sys.__stdout__, 1) or not _is_descriptor(sys.__stderr__, 2):
            yield
            return
        with _replaced(1, by=2):
            yield


class Captured:
    """What is written to standard error while a picture is on the screen, to be shown above it.

    `lines` fills up from a thread that does nothing but read, so a writer never waits for the picture's painter.
    `terminal` is where the picture goes.
    """

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal
        self.lines: deque[str] = deque(maxlen=10_000)


@contextmanager
def captured_stderr() -> Iterator[Captured]:
    """Capture standard error (and what already goes there instead of standard output) in a pipe."""
    if not _is_descriptor(sys.stderr, 2):
        yield Captured(sys.stderr)
        return
    sys.stderr.flush()
    keep = os.dup(2)
    reading, writing = os.pipe()
    with os.fdopen(keep, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as terminal:
        captured = Captured(terminal)
        reader = threading.Thread(target=_read, args=(reading, captured.lines), daemon=True, name="captured stderr")
        one = _same_file(1, 2)
        with _replaced(2, by=writing):
            os.close(writing)
            if one:
                os.dup2(2, 1)
            reader.start()
            try:
                yield captured
            finally:
                _flush()
                if one:
                    os.dup2(keep, 1)
        # A child process of a tool may still hold the pipe's other end, so its end is not waited for for ever.
        reader.join(timeout=0.2)


@contextmanager
def _replaced(descriptor: int, *, by: int) -> Iterator[None]:
    keep = os.dup(descriptor)
    _flush()
    os.dup2(by, descriptor)
    try:
        yield
    finally:
        _flush()
        os.dup2(keep, descriptor)
        os.close(keep)


def silence_lost() -> None:
    """Throw away what is written to a terminal that is gone, under whatever descriptor: also those kept for later."""
    try:
        import termios
    except ImportError:  # Windows has no such terminals
        return
    for descriptor in range(_DESCRIPTORS):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()


def _read(descriptor: int, lines: deque[str]) -> None:
    with os.fdopen(descriptor, "r", encoding="utf-8", errors="replace") as pipe:
        lines.extend(line.rstrip("\n") for line in pipe)


def _is_descriptor(stream: TextIO | None, descriptor: int) -> bool:
    """Whether a stream is the process's own, and not one that a test or a notebook put in its place."""
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError):  # no descriptor, or closed
        return False


def _same_file(one: int, other: int) -> bool:
    return os.path.samestat(os.fstat(one), os.fstat(other))
