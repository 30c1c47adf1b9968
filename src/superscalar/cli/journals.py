"""The commands that look into a journal and answer what is asked there: `runs`, `show` and `approve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.journal import Journal


def list_runs(
    command: typer.Context,
    journal: options.ReadJournalOption = options.JOURNAL,
    agent: options.JournalOf = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many, at the most.")] = 20,
    as_json: options.JsonOption = False,
) -> None:
    """List the newest runs of a journal, the newest first, and how each stands; and how many more there are.

    *running*: a process is at work on it; *waiting*: it asks a person something (`superscalar approve`); *interrupted*:
    it was killed, or answered, and can be resumed; *not begun*: it was killed before its plan was recorded, so nothing
    of it ran and there is nothing to resume; *answered*; *failed*; *stopped*: it was cancelled; *in doubt*: it
    ended, and a write of it may or may not have happened.

    Examples:

    `superscalar runs`

    `superscalar runs --journal nightly.db --limit 1000 --json | jq '.runs[] | select(.state == "interrupted") | .id'`
    """
    with reporting(as_json):
        from superscalar.cli.listed import print_runs, runs_document
        from superscalar.cli.terminal import json_text

        opened = open_journal(journal_of(command, journal, agent))
        if as_json:
            sys.stdout.write(json_text(runs_document(opened, limit)) + "\n")
        else:
            print_runs(opened, limit)


def show_run(
    command: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or how it begins.", show_default=False)],
    journal: options.ReadJournalOption = options.JOURNAL,
    agent: options.JournalOf = None,
    events: Annotated[bool, typer.Option("--events", help="Print every event, one on a line.")] = False,
    provenance: Annotated[
        str | None,
        typer.Option(
            "--provenance", metavar="NAME", help="Print where the value of a task came from.", show_default=False
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show a run of a journal: its question, its plan, what became of every task, what is in doubt, its answer.

    With *--provenance*: what a value was made from, back to the calls and constants that it came from, what decided on
    it, and what of that is not trusted. NAME is the id of a task (*pages[0]*), or a name of the plan.

    Examples:

    `superscalar show 3f9c`

    `superscalar show 3f9c --events | grep prices`

    `superscalar show 3f9c --provenance brief`
    """
    with reporting(as_json):
        from superscalar.cli.origins import print_made, provenance_of
        from superscalar.cli.recorded import print_events, print_run, run_document
        from superscalar.cli.report import print_json
        from superscalar.observe.documents import made_document

        opened = open_journal(journal_of(command, journal, agent))
        id = opened.named(run)
        if provenance is not None:
            made = provenance_of(opened, id).of(provenance)
            if as_json:
                print_json(made_document(made))
            else:
                print_made(made)
        elif as_json:
            print_json(run_document(opened, id, opened.read(id) if events else ()))
        elif events:
            print_events(opened.read(id))
        else:
            print_run(opened, id)


def journal_of(command: typer.Context, path: Path, agent: str | None) -> Path:
    """Where a command looks for runs: at `path` if it was typed, or there is no `agent`; else in that of the agent.

    Raises:
        CommandError: the agent keeps none, or cannot be loaded.
    """
    if agent is None or "journal" in options.as_typed(command):
        return path
    from superscalar.cli.failures import CommandError
    from superscalar.cli.loading import load_agent
    from superscalar.cli.streams import stdout_kept_clean

    with stdout_kept_clean():
        journal = load_agent(agent).journal
    if journal is not None:
        return journal.path
    if path == options.JOURNAL:
        raise CommandError(f"--agent {agent}: it keeps no journal; name one, with --journal FILE")
    return path


def open_journal(path: Path) -> Journal:
    """The journal at a path, which must be there: reading makes none.

    Raises:
        CommandError: it is not.
        JournalError: it is no journal, or cannot be read.
    """
    from superscalar.cli.failures import CommandError
    from superscalar.journal import Journal
    from superscalar.journal.database import is_there

    if not is_there(path):
        raise CommandError(
            f"there is no journal {path}; name one with --journal or SUPERSCALAR_JOURNAL, or make one: "
            f"superscalar run --journal {path} ..."
        )
    opened = Journal(path)
    if opened.lacks_its_log:
        from superscalar.cli.terminal import safe_line

        said = f"{path} is a copy that was made without its log: what happened last is missing in it"
        typer.echo(safe_line(said), err=True)
    return opened


def approve_run(
    command: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or how it begins.", show_default=False)],
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TASK]...",
            help="The calls to answer for: an id, with what the question was listed with (x@3f9c21d0).",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Answer for the plan as a whole.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Answer every question of the run.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Say no instead of yes.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who says so. [default: you]", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="List questions with all of every value, however long.")] = False,
    journal: options.ReadJournalOption = options.JOURNAL,
    agent: options.JournalOf = None,
    as_json: options.JsonOption = False,
) -> None:
    """Say whether calls of a run that waits may be made, or its plan be begun; without any, list what it asks.

    The answer is recorded, and acted on when the run is resumed: what it had done is not done again. Look at the
    arguments, and at where they came from, before you say yes. What is long is cut there, but for what chooses where
    something goes; `--full` cuts nothing. With what stands behind the @ in the list the answer is to that question
    alone; a bare id, --plan and --all answer what is open by now.

    Examples:

    `superscalar approve 3f9c --full`

    `superscalar approve 3f9c mail@80fa11c2 && superscalar resume 3f9c`

    `superscalar approve 3f9c --all --deny --by ann`
    """
    with reporting(as_json):
        from superscalar.cli.approval import put, whose_keyboard
        from superscalar.cli.failures import CommandError
        from superscalar.cli.listed import answering, going_on
        from superscalar.cli.report import print_json, print_text
        from superscalar.observe.documents import question_document

        opened = open_journal(journal_of(command, journal, agent))
        id = opened.named(run)
        chosen = [*(tasks or ()), *([""] if plan else ())]
        if every and chosen:
            raise CommandError("--all answers every question: leave out the others, or --all")
        if deny and not (every or chosen):
            raise CommandError("--deny of what? Name calls, or write --plan or --all")
        questions = opened.questions(id)
        if not (every or chosen):
            if as_json:
                print_json({"run_id": id, "questions": [question_document(question) for question in questions]})
            elif questions:
                print_text("\n".join(put(question, full=full) for question in questions))
                typer.echo(f"answer: {answering(opened, id, questions)}", err=True)
            else:
                print_text(f"run {id} asks nothing")
            return
        if every:
            chosen = [question.task_id for question in questions]
            if not chosen:
                raise CommandError(f"run {id} asks nothing")
        opened.approve(id, *chosen, approved=not deny, by=whose_keyboard() if by is None else by)
        chosen = [task.partition("@")[0] for task in chosen]
        left = [question.task_id for question in opened.questions(id)]
        if as_json:
            print_json({"run_id": id, "answered": chosen, "approved": not deny, "open": left})
            return
        said = "denied" if deny else "approved"
        print_text(f"{said}: {', '.join(task or 'the plan' for task in chosen)}")
        if left:
            typer.echo(f"still open: {', '.join(task or 'the plan' for task in left)}", err=True)
        typer.echo(f"go on with it: {going_on(opened, id)}", err=True)
