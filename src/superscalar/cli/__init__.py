"""The command line: arguments in, the compiler called, text out."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> None:
    """The `superscalar` command.

    It exits with 0 (answered), 1 (it failed), 2 (usage), 3 (it waits), 130 (Ctrl-C) or 143 (suspended by a signal).
    """
    from superscalar.cli.app import app  # the rest of the package is loaded by the command that needs it
    from superscalar.cli.terminal import tolerate_narrow_encodings

    tolerate_narrow_encodings()
    try:
        app(prog_name="superscalar")
    except SystemExit as end:
        if end.code in (130, 143):
            _leave_at_once(end.code)
        raise


def _leave_at_once(code: int) -> NoReturn:
    """End the process without waiting for what a stopped run left behind.

    The run has settled and was reported; but a model that was reading may take seconds to let go, and a thread of a
    tool that does not end takes for ever. Whoever pressed Ctrl-C, or sent a signal, has waited enough.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
