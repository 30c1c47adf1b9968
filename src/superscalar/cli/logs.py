"""The log of a command, on standard error: what `-v` and `-vv` show."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress

from superscalar.cli.terminal import safe
from superscalar.observe.log import NAME


def log_to_stderr(level: int) -> Callable[[], None]:
    """Show the records of this library from a level on, and give what ends that.

    They go to whatever is standard error by then: while a picture is on the screen, that is shown above it.
    """
    logger, handler = logging.getLogger(NAME), _ToStderr()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False  # a file with tools may have set up a log of its own

    def end() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]

    return end


class _ToStderr(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = safe(self.format(record))
        except Exception:  # noqa: BLE001 -- whatever is wrong with a record is said, and the run goes on
            self.handleError(record)
            return
        with suppress(OSError, ValueError):  # standard error is gone, or closed; the run goes on
            sys.stderr.write(f"{line}\n")
