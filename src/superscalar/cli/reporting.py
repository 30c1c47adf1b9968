"""What ends a command early, as a message and an exit code: around the body of every command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from superscalar.cli.failures import CommandError


@dataclass(slots=True)
class KnownByCommand:
    """What a command knows by now that its end is told with. `journal`: where its run is recorded."""

    journal: Path | None


@contextmanager
def reporting(
    as_json: bool, file: str = "plan", journal: Path | None = None, again: Sequence[str] = ()
) -> Iterator[KnownByCommand]:
    """Turn what the user can mend into a message and an exit code; `file` is what a plan's diagnostics are in.

    `journal`: where the run is recorded, if that is known yet; `again`: the options that it is gone on with.
    """
    from superscalar.cli.failures import CommandError, command_error
    from superscalar.errors import SuperscalarError

    told = KnownByCommand(journal)
    try:
        yield told
    except CommandError as error:
        _report(error, as_json)
    except SuperscalarError as error:
        _report(command_error(error, file=file_name(file), journal=told.journal, again=again), as_json)


def _report(error: CommandError, as_json: bool) -> NoReturn:
    from superscalar.cli.failures import error_document
    from superscalar.cli.report import print_error, print_json

    if as_json:
        print_json(error_document(error))
    else:
        print_error(error)
    raise typer.Exit(error.code) from error


def file_name(file: str) -> str:
    """What messages call a file."""
    return "<stdin>" if file == "-" else file
