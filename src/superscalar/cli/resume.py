"""The command that goes on with a recorded run: `resume`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superscalar.advice import command as advised
from superscalar.cli import options, supplying
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.cli.compiling import CommandSource, OpenedCompiler
    from superscalar.cli.servers import Contact
    from superscalar.compiler import LLMCompiler
    from superscalar.journal import Journal
    from superscalar.schedule.doubts import Doubt, Verdict


class InDoubtAnswer(StrEnum):
    """What became of the writes that may have happened."""

    done = "done"
    again = "again"
    unknown = "unknown"


def resume_run(
    command: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or how it begins.", show_default=False)],
    journal: options.ReadJournalOption = options.JOURNAL,
    tools: Annotated[
        list[str] | None,
        typer.Option(
            "--tools",
            "-t",
            metavar="MODULE_OR_FILE[:NAME]",
            help="Where the tools are, if not where they were. May be repeated.",
            show_default=False,
        ),
    ] = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    context: options.Context = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help="Which model goes on, if another.", show_default=False),
    ] = None,
    in_doubt: Annotated[
        InDoubtAnswer | None,
        typer.Option(
            "--in-doubt",
            help="Of every write that may have happened: it did (done), it did not and is called again (again), or "
            "nobody knows (unknown). Without it you are asked.",
            show_default=False,
        ),
    ] = None,
    input: supplying.InputOption = None,
    replan: options.ReplanAgain = None,
    replanner_sees: options.ReplannerSeesAgain = None,
    deadline: options.DeadlineOption = None,
    policy: options.PolicyAgain = None,
    approve_plan: options.ApprovePlanOption = False,
    rules_changed: Annotated[
        bool,
        typer.Option(
            "--rules-changed",
            help="Go on though rules that the run was begun under say something else now. One that is missing is never "
            "done without.",
        ),
    ] = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.Verbose = 0,
    traceback: options.Traceback = False,
) -> None:
    """Go on with a run whose process died, to its end; tools, model and options are those it was begun with.

    What had succeeded is not done again. A write that was under way, and is not declared idempotent, may have happened
    or not: you are asked, or say it with `--in-doubt`; otherwise nothing is changed and the exit code is 1.

    The rules and bounds that the run was begun under must still be there. One that says something else by now is shown,
    and refused without `--rules-changed`; one that is missing always is. A run of an agent in Python is gone on with by
    that agent: `--agent`.

    Examples:

    `superscalar resume 3f9c`

    `superscalar resume 3f9c --agent shop.py:agent --context shop.py:customer`

    `superscalar resume 3f9c --journal nightly.db --in-doubt unknown --json`

    `superscalar resume 3f9c --input token=@env:CRM_TOKEN` (a secret input, which no journal has)
    """
    again = _said_again(
        ("--tools", tools),
        ("--mcp", mcp),
        ("--trust", trust),
        ("--agent", agent),
        ("--context", context),
        ("--model", model),
        ("--input", input),
        ("--replan", replan),
        ("--replanner-sees", replanner_sees),
        ("--policy", policy),
        ("--approve-plan", approve_plan),
        ("--rules-changed", rules_changed),
    )
    with reporting(as_json, journal=journal, again=again) as told:
        from superscalar.cli.approval import asking
        from superscalar.cli.compiling import CommandSource
        from superscalar.cli.journals import journal_of, open_journal
        from superscalar.cli.report import conclude, traced
        from superscalar.cli.screens import screen_for
        from superscalar.cli.servers import contact
        from superscalar.cli.session import followed
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.compiler.guards import changes_told
        from superscalar.events import Planned
        from superscalar.observe.view import RunView
        from superscalar.plan.ir import inputs_of

        with stdout_kept_clean():
            journal = told.journal = journal_of(command, journal, agent)
            opened = open_journal(journal)
            id = opened.named(run)
            about = opened.about(id)
            answers = about.get("kind") == "answer"
            view = RunView()
            title = str(about.get("question") or f"run {id}")
            screen = screen_for(view, title, hidden=as_json or quiet, verbosity=verbose)
            given = {
                "policy": policy,
                "approve_plan": approve_plan or None,
                "approve": asking(screen, view),
                "replan": replan,
                "replanner_sees": replanner_sees,
            }
            place = CommandSource(tools or (), agent, context, mcp=mcp or (), trust=trust or ())
            using = _using(opened, about, place, model, given, contact(screen, quiet=quiet))
            compiler = using.compiler
            planned = [one.event.task for one in opened.read(id) if isinstance(one.event, Planned)] if input else []
            inputs = supplying.typed_inputs(input, inputs_of(planned))
            verdicts = _verdicts(compiler, id, journal, in_doubt, again, rules_changed=rules_changed)
            stream = lambda **given: compiler.stream_resume(  # noqa: E731
                id,
                resolve=lambda doubt: verdicts[doubt.task_id],
                inputs=inputs,
                rules_changed=rules_changed,
                **given,
            )
            with traced(view, wanted=traceback):
                result = followed(lambda: using.streamed(stream, deadline), view, screen, journal, again)
        rules = list(changes_told(result.events))
        also = {"rules": rules} if rules else {}
        conclude(result, view, journal, also, answers=answers, as_json=as_json, quiet=quiet)


def _said_again(*options: tuple[str, Any]) -> list[str]:
    """Options as they are typed; those that were not given are left out."""
    words: list[str] = []
    for name, value in options:
        if value is True:
            words.append(name)
        for said in value if isinstance(value, list) else [] if value in (None, True, False) else [value]:
            words += [name, str(said)]
    return words


def _using(
    journal: Journal,
    about: Mapping[str, Any],
    source: CommandSource,
    model: str | None,
    given: Mapping[str, Any],
    contact: Contact,
) -> OpenedCompiler:
    """What goes on with a run: as the command had it that began it; what `source`, `model` and `given` say instead."""
    from superscalar.cli.compiling import CommandSource, OpenedCompiler, open_compiler, tools_of, under
    from superscalar.cli.failures import CommandError
    from superscalar.cli.loading import load_agent

    remembered = dict(about.get("cli") or {})
    folder = Path(remembered.pop("folder", "."))
    begun = CommandSource(remembered.pop("tools", ()), remembered.pop("agent", None), remembered.pop("context", None))
    servers = {"mcp": list(map(Path, remembered.pop("mcp", ()))), "trust": remembered.pop("trust", ())}
    begun = replace(begun, **servers).found_from(folder)
    if source.agent is None and not source.names_tools:
        if begun.agent is None and not begun.names_tools:
            raise CommandError(
                "the run was not begun by a command that names its tools: say where they are, with --tools, "
                "or whose agent it is, with --agent"
            )
        source = replace(source, tools=begun.tools, agent=begun.agent, mcp=begun.mcp, trust=source.trust or begun.trust)
    source = replace(source, context=source.context or begun.context).checked()
    options = {**remembered, **{name: value for name, value in given.items() if value is not None}}
    if model is not None:
        options["model"] = model
    if source.agent is not None:
        compiler = under(load_agent(source.agent), source.agent, **{**options, "journal": journal})
        return OpenedCompiler(compiler, journal.path, source.context)
    if about.get("kind") == "answer":
        if "cli" not in about:
            options["joiner"] = about.get("joiner") is not None
        if not options.get("model"):
            raise CommandError("the run was not begun by a command that names its model: name one, with --model")
    compiler = open_compiler(tools_of(source, contact), journal=journal, **options)
    return OpenedCompiler(compiler, journal.path, source.context)


def _verdicts(
    compiler: LLMCompiler,
    id: str,
    journal: Path,
    given: InDoubtAnswer | None,
    again: Sequence[str],
    *,
    rules_changed: bool,
) -> dict[str, Verdict]:
    """What became of every write that may have happened. `again`: the options of this command, to be said again.

    Raises:
        CommandError: nobody is there to say, or wants to.
    """
    from superscalar.cli.codes import FAILED
    from superscalar.cli.failures import CommandError
    from superscalar.compiler.sync import run_to_end

    doubts = run_to_end(lambda: compiler.doubts(id, rules_changed=rules_changed))
    if given is not None:
        return {doubt.task_id: _verdict(given) for doubt in doubts}
    if doubts and not sys.stdin.isatty():
        command = [advised("resume", id, "--in-doubt", word, journal=journal, then=again) for word in InDoubtAnswer]
        widest = max(map(len, command))
        said = "it happened", "it did not: call it again", "nobody knows: the task fails in doubt"
        typed = "\n".join(f"  {line:<{widest}}  {what}" for line, what in zip(command, said, strict=True))
        lines = "\n".join(f"  {doubt}" for doubt in doubts)
        raise CommandError(
            f"run {id} was in the middle of {'a write' if len(doubts) == 1 else f'{len(doubts)} writes'} when its "
            f"process died, which may have happened or not:\n{lines}\n"
            f"look at what was written, then say so:\n{typed}",
            kind="InDoubt",
            code=FAILED,
        )
    return {doubt.task_id: _ask(doubt) for doubt in doubts}


def _verdict(answer: InDoubtAnswer) -> Verdict:
    from superscalar.schedule.doubts import CallAgain, Done, StillUnknown

    match answer:
        case InDoubtAnswer.done:
            return Done()
        case InDoubtAnswer.again:
            return CallAgain()
        case InDoubtAnswer.unknown:
            return StillUnknown()


def _ask(doubt: Doubt) -> Verdict:
    """Ask at the terminal.

    Raises:
        CommandError: the user quits.
    """
    import json

    from superscalar.cli.codes import FAILED
    from superscalar.cli.failures import CommandError
    from superscalar.cli.terminal import safe_line
    from superscalar.schedule.doubts import CallAgain, Done, StillUnknown

    typer.echo(f"{safe_line(str(doubt))}\n  was under way when the process died, and may have happened.", err=True)
    while True:
        typer.echo("  [d]one, [n]ot done: call it again, [u]nknown, [q]uit? ", err=True, nl=False)
        match sys.stdin.readline().strip().lower():  # a word or its letter: `no idea` is not `not done`
            case "d" | "done":
                typer.echo("  what it returned, as JSON (nothing for null): ", err=True, nl=False)
                try:
                    return Done(json.loads(sys.stdin.readline().strip() or "null"))
                except ValueError as error:
                    typer.echo(f'  that is no JSON ({error}); text is written "so"', err=True)
            case "n" | "not done":
                return CallAgain()
            case "u" | "unknown":
                return StillUnknown()
            case "q" | "quit" | "":
                message = "nothing has changed; resume the run when you know what became of its writes"
                raise CommandError(message, kind="InDoubt", code=FAILED)
