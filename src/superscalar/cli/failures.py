"""What ends a command early, said for the person at the keyboard."""

from __future__ import annotations

from dataclasses import replace

from superscalar.errors import IllegalEvent, ModelSetupError, PlanError, SuperscalarError, UsageError
from superscalar.plan.diagnostics import Diagnostic

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class CommandError(Exception):
    """A command cannot go on. `kind` is what `--json` calls it, `code` the exit code."""

    def __init__(
        self, message: str, *, kind: str = "UsageError", code: int = USAGE, diagnostics: tuple[Diagnostic, ...] = ()
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.diagnostics = diagnostics


def command_error(error: SuperscalarError, *, file: str = "plan") -> CommandError:
    """The same for an exception of the library; the diagnostics of a plan are said to be in `file`.

    A wrong name, key or option is the command line's fault (exit code 2): nothing has run.
    """
    if isinstance(error, IllegalEvent):
        raise error  # a bug of ours: the traceback belongs in the report
    found = getattr(error, "diagnostics", ()) if isinstance(error, PlanError) else ()
    diagnostics = tuple(replace(d, file=file) for d in found if isinstance(d, Diagnostic))
    message = str(error).split("\n\n", 1)[0] if diagnostics else str(error)
    code = USAGE if isinstance(error, UsageError | ModelSetupError) else FAILED
    return CommandError(message, kind=type(error).__name__, code=code, diagnostics=diagnostics)
