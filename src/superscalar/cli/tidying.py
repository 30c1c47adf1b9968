"""The commands that keep a journal small: `prune` and `rotate`."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.journal import Tidied

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def _age(text: str) -> float:
    """Seconds, of `30d`, `12h`, `90m`, `45s` or `2w`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no age; write it like 30d, 12h or 90m")
    return float(found[1]) * _SECONDS[found[2]]


def prune_runs(
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than", metavar="AGE", parser=_age, help="How long ago they ended: 30d, 12h.", show_default=False
        ),
    ],
    journal: options.ReadJournalOption = options.JOURNAL,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Delete those too that never ended, and could be resumed.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Delete runs that ended long ago, with all that is recorded of them.

    Runs that were interrupted, or wait for an answer, are kept, unless you say `--unfinished`. One that a process is at
    work on is never deleted: then the exit code is 1.

    Examples:

    `superscalar prune --older-than 30d`

    `superscalar prune --older-than 2w --unfinished --journal nightly.db`
    """
    with reporting(as_json):
        from superscalar.cli.journals import open_journal

        opened = open_journal(journal)
        tidied = opened.prune(older_than, of={"ended", "unfinished"} if unfinished else {"ended"})
        _say(tidied, "deleted", journal, None, as_json=as_json)


def rotate_journal(
    journal: options.ReadJournalOption = options.JOURNAL,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", metavar="FILE", help="Where to. [default: beside it, named by day and time]", show_default=False
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Move the runs of a journal that have ended to a file of their own; those that have not stay.

    Nothing has to be stopped for it: agents go on with the same journal. Never move a journal while it is in use with
    other means: they refuse to go on without it.

    Examples:

    `superscalar rotate`

    `superscalar rotate --journal nightly.db --into archive/november.db`
    """
    with reporting(as_json):
        from superscalar.cli.journals import open_journal

        opened = open_journal(journal)
        now = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        chosen = into or journal.with_name(f"{journal.stem}-{now}{journal.suffix}")
        _say(opened.rotate(chosen), "moved", journal, chosen, as_json=as_json)


def _say(tidied: Tidied, done: str, journal: Path, into: Path | None, *, as_json: bool) -> None:
    from superscalar.cli.report import print_json
    from superscalar.cli.terminal import safe_line
    from superscalar.observe.wording import counted

    if as_json:
        document = {"journal": str(journal), done: list(tidied.gone)}
        document |= {} if into is None else {"into": str(into)}
        print_json(document | {"unfinished": list(tidied.unfinished), "busy": list(tidied.busy)})
    else:
        where = "" if into is None or not tidied.gone else f" to {into}"
        typer.echo(safe_line(f"{counted(len(tidied.gone), 'run')} {done}{where}"))
        if tidied.unfinished:
            typer.echo(f"{counted(len(tidied.unfinished), 'run')} kept that did not end", err=True)
        if tidied.busy:
            named = ", ".join(tidied.busy[:5])
            typer.echo(safe_line(f"not {done}, since a process is at work on it: {named}"), err=True)
    if tidied.busy and into is None:
        raise typer.Exit(1)
