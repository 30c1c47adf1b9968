"""The commands that run a plan without any model: `exec`, and `plans run` for one that was saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superscalar.cli import options, supplying
from superscalar.cli.reporting import file_name, reporting
from superscalar.cli.sources import folder_of, is_kept, print_warnings, read_source, syntax_of

if TYPE_CHECKING:
    from superscalar.choices import Mode
    from superscalar.compiler import LLMCompiler, RunStream
    from superscalar.plan.ir import Plan

_Unapproved = Annotated[
    bool, typer.Option("--unapproved", help="Run a saved plan though nobody has approved it as it stands there.")
]


def execute(
    command: typer.Context,
    plan_file: options.PlanFileArgument,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    plans: options.PlansOption = None,
    context: options.Context = None,
    syntax: options.PlanSyntaxOption = options.AUTO,
    input: supplying.InputOption = None,
    unapproved: _Unapproved = False,
    extractor: options.ExtractorOption = None,
    max_concurrency: options.MaxConcurrencyOption = None,
    max_cost: options.MaxCostOption = None,
    max_bytes: options.MaxBytesOption = None,
    deadline: options.DeadlineOption = None,
    journal: options.JournalOption = None,
    policy: options.PolicyOption = None,
    approve_plan: options.ApprovePlanOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.Verbose = 0,
    traceback: options.Traceback = False,
) -> None:
    """Run a plan without any model and print the value of its join(...) as JSON.

    What failed stands in its place as `{"error": "..."}`, and the exit code is 1. With `--json` the document holds the
    value, the outcome of every task and the timing. The file of a saved plan runs if it was approved.

    Examples:

    `superscalar exec plan.txt --tools money.py`

    `superscalar exec - --tools money.py --deadline 10 < plan.txt | jq .`

    `superscalar exec brief.txt --tools money.py --input tickers='["IBM", "AAPL"]' --input notes=@notes.txt`
    """
    _run_plan(
        command,
        lambda: _at(plan_file, syntax, plans, unapproved=unapproved),
        plan_file,
        tools=tools,
        mcp=mcp,
        trust=trust,
        agent=agent,
        context=context,
        input=input,
        extractor=extractor,
        max_concurrency=max_concurrency,
        max_cost=max_cost,
        max_bytes=max_bytes,
        deadline=deadline,
        journal=journal,
        policy=policy,
        approve_plan=approve_plan,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        traceback=traceback,
    )


def run_saved(
    command: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a saved plan.", show_default=False)],
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    context: options.Context = None,
    input: supplying.InputOption = None,
    unapproved: _Unapproved = False,
    extractor: options.ExtractorOption = None,
    max_concurrency: options.MaxConcurrencyOption = None,
    max_cost: options.MaxCostOption = None,
    max_bytes: options.MaxBytesOption = None,
    deadline: options.DeadlineOption = None,
    journal: options.JournalOption = None,
    policy: options.PolicyOption = None,
    approve_plan: options.ApprovePlanOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.Verbose = 0,
    traceback: options.Traceback = False,
) -> None:
    """Run a saved plan that was approved, without any model, and print the value of its join(...) as JSON.

    Everything else is as for `superscalar exec`.

    Example:

    `superscalar plans run brief --agent shop.py:agent --input tickers='["IBM"]'`
    """
    _run_plan(
        command,
        lambda: _saved(name, plans, unapproved=unapproved),
        name,
        tools=tools,
        mcp=mcp,
        trust=trust,
        agent=agent,
        context=context,
        input=input,
        extractor=extractor,
        max_concurrency=max_concurrency,
        max_cost=max_cost,
        max_bytes=max_bytes,
        deadline=deadline,
        journal=journal,
        policy=policy,
        approve_plan=approve_plan,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
        traceback=traceback,
    )


@dataclass(frozen=True, slots=True)
class _CommandPlan:
    """The plan of a command. `folder`: that of saved plans, where it is one. `was_detected`: nobody said the syntax."""

    name: str
    compiled: Callable[[LLMCompiler], Plan]
    syntax: str = "python"
    was_detected: bool = False
    folder: str | None = None


def _at(file: str, syntax: str, plans: Path | None, *, unapproved: bool) -> _CommandPlan:
    """The plan that a file is, or standard input.

    Raises:
        CommandError: it cannot be read; or it is a saved plan that is not where such are.
    """
    from superscalar.cli.failures import CommandError
    from superscalar.saved.folder import SUFFIX
    from superscalar.saved.header import is_saved_plan

    path = Path(file)
    kept = file != "-" and is_kept(path)  # which is read as such are, once: it may be a pipe
    name, source = (file_name(file), "") if kept else read_source(file)
    is_saved = is_saved_plan(source)
    if kept or (is_saved and file != "-" and path.suffix == SUFFIX):
        if plans is not None and plans.absolute() != path.parent.absolute():
            raise CommandError(f"{name} is a plan of its own folder, and calls the plans of that: leave out --plans")
        return _saved(path.stem, path.parent, unapproved=unapproved)
    if (is_saved or (file != "-" and is_kept(path.resolve()))) and not unapproved:
        raise CommandError(
            f"{name} is the text of a saved plan, and such are approved where they are saved: name the file there, or "
            "add --unapproved"
        )
    if unapproved and not is_saved:
        raise CommandError(f"--unapproved is said of a saved plan, and {name} is none")
    read_as = syntax_of(source, syntax)
    return _CommandPlan(
        name,
        lambda compiler: compiler.compile(source, syntax=read_as),
        read_as,
        was_detected=syntax == options.AUTO,
        folder=folder_of(plans),
    )


def _saved(name: str, folder: Path | None, *, unapproved: bool) -> _CommandPlan:
    """A plan of a folder, or of that of the agent."""
    from superscalar.cli.failures import CommandError

    def compiled(compiler: LLMCompiler) -> Plan:
        if compiler.options.plans is None:
            raise CommandError("say where the saved plans are: --plans DIR, or an agent that has plans=DIR")
        found = compiler.plans.get(name)
        return found.draft if unapproved else found.plan

    return _CommandPlan(name, compiled, folder=folder_of(folder))


def _run_plan(
    command: typer.Context,
    found: Callable[[], _CommandPlan],
    file: str,
    *,
    tools: list[str] | None,
    mcp: list[Path] | None,
    trust: list[str] | None,
    agent: str | None,
    context: str | None,
    input: list[str] | None,
    extractor: str | None,
    max_concurrency: int | None,
    max_cost: float | None,
    max_bytes: int | None,
    deadline: float | None,
    journal: Path | None,
    policy: Mode | None,
    approve_plan: bool,
    as_json: bool,
    quiet: bool,
    verbose: int,
    traceback: bool,
) -> None:
    """Run the plan that is `found`, and end the command with what it came to."""
    with reporting(as_json, file, journal) as told:
        from superscalar.cli.approval import asking
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.report import conclude, traced
        from superscalar.cli.screens import screen_for
        from superscalar.cli.servers import contact
        from superscalar.cli.session import followed
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.compiler.given_inputs import told_of_inputs
        from superscalar.observe.view import RunView

        plan = found()
        with stdout_kept_clean():
            chosen: dict[str, Any] = {
                "extractor": extractor,
                "max_concurrency": max_concurrency,
                "max_cost": max_cost,
                "max_bytes": max_bytes,
                "policy": policy,
                "approve_plan": approve_plan or None,
                "plans": plan.folder,
            }
            view = RunView()
            screen = screen_for(view, plan.name, hidden=as_json or quiet, verbosity=verbose)
            typed = options.as_typed(command)
            place = CommandSource(tools or (), agent, context, journal, typed, mcp or (), trust or ())
            with_tools = opened_compiler(
                place,
                chosen,
                lambda path: asking(screen, view, plans=approve_plan, journal=path),
                contact(screen, quiet=quiet),
            )
            compiler, told.journal = with_tools.compiler, with_tools.journal
            if plan.was_detected and not (as_json or quiet):
                typer.echo(f"{plan.name}: read as {plan.syntax}", err=True)

            def compiled() -> tuple[Plan, Mapping[str, Any]]:
                with told_of_inputs(word.partition("=")[0] for word in input or ()):
                    made = plan.compiled(compiler)
                if not (as_json or quiet):
                    print_warnings(made)
                return made, supplying.given_inputs(input, made.inputs, stdin_is_plan=file == "-")

            made = None if compiler.is_live else compiled()  # else nobody knows the tools yet

            def stream(**given: Any) -> RunStream:
                ready, inputs = made or compiled()
                given |= {"inputs": inputs} if inputs else {}
                return compiler.stream_plan(ready, **given)

            with traced(view, wanted=traceback):
                result = followed(lambda: with_tools.streamed(stream, deadline), view, screen, told.journal)
        conclude(result, view, told.journal, {"syntax": plan.syntax}, answers=False, as_json=as_json, quiet=quiet)
