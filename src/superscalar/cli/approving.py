"""The command that answers what a recorded run asks: `approve`."""

from __future__ import annotations

from typing import Annotated

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting


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
    journal: options.ReadJournal = options.JOURNAL,
    agent: options.JournalOf = None,
    as_json: options.Json = False,
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
        from superscalar.cli.asking import put, whose_keyboard
        from superscalar.cli.failures import CommandError
        from superscalar.cli.journals import journal_of, open_journal
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
