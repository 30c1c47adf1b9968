"""The command line: arguments in, the compiler called, text out."""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic
from typing import Final, NoReturn

_GRACE: Final = 0.3  # seconds


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
        if _is_kept_by_an_sdk():
            _leave_at_once(end.code if isinstance(end.code, int) else 0)
        raise


def _is_kept_by_an_sdk() -> bool:
    """Whether a thread reads what nobody waits for any more, and would keep the process until it is given up there.

    Amazon's SDK reads in threads of anyio, which are no daemons: with a server that says nothing, for five minutes. A
    thread that has nothing to do ends with its event loop.
    """
    readers = [one for one in threading.enumerate() if one.name == "AnyIO worker thread" and not one.daemon]
    until = monotonic() + _GRACE
    for one in readers:
        one.join(max(0.0, until - monotonic()))
    return any(one.is_alive() for one in readers)


def _leave_at_once(code: int) -> NoReturn:
    """End the process without waiting for what a stopped run, or an SDK, left behind.

    The run has settled and was reported; but a model that was reading may take seconds to let go, and a thread of a
    tool that does not end takes for ever. Whoever pressed Ctrl-C, or sent a signal, has waited enough.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
