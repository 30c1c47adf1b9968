"""The text of a plan that a command is given: read, and what is told of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from superscalar.cli import options
from superscalar.cli.reporting import file_name

if TYPE_CHECKING:
    from superscalar.plan.ir import Plan


def read_source(file: str) -> tuple[str, str]:
    """A file's name for messages, and its text."""
    from superscalar.cli.failures import CommandError

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror or error}") from error
    try:
        return file_name(file), data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file_name(file)} is not UTF-8 text (byte {error.start})") from error


def is_kept(file: Path) -> bool:
    """Whether a file is where approved plans are, and called as they are: it counts for one, whatever its text says."""
    from superscalar.saved.approvals import LOCK
    from superscalar.saved.folder import SUFFIX

    return file.suffix == SUFFIX and os.path.lexists(file.parent / LOCK)


def folder_of(plans: Path | None) -> str | None:
    """The folder of saved plans that was named, for whoever goes on with the run from another one."""
    return None if plans is None else str(plans.absolute())


def syntax_of(source: str, given: str) -> str:
    """What a plan is written in."""
    from superscalar.plan import detect

    return detect(source) if given == options.AUTO else given


def print_warnings(plan: Plan) -> None:
    """Print on standard error what is odd about a plan."""
    from superscalar.cli.report import print_diagnostic
    from superscalar.plan.ir.diagnostics import Diagnostic

    for warning in plan.warnings:
        if isinstance(warning, Diagnostic):
            print_diagnostic(warning, error=True)
