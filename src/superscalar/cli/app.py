"""The commands: `run`, `plan`, `check`, `exec`, `tools`; those about recorded runs stand in files of their own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from superscalar.cli import (
    comparing,
    journals,
    options,
    providers,
    resume,
    servers,
    starting,
    stubs,
    supplying,
    tidying,
    warming,
)
from superscalar.cli.codes import EXIT_CODES
from superscalar.cli.executing import execute, run_saved
from superscalar.cli.gateway import serve_gateway
from superscalar.cli.patterns import group as patterns
from superscalar.cli.plans import group as saved_plans
from superscalar.cli.reporting import reporting
from superscalar.cli.sources import folder_of, print_warnings, read_source, syntax_of

if TYPE_CHECKING:  # what is slow to import is imported by the command that needs it: --help must not wait
    from superscalar.plan.ir import Plan
    from superscalar.tools.toolset import Toolset

_ClickUsageError: type[Exception] = typer.BadParameter.__base__ or typer.BadParameter


class Commands(TyperGroup):
    """Reports wrong usage as JSON too where JSON was asked for."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command."""
        given = list(sys.argv[1:] if args is None else args)
        if "--json" not in given or not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        try:
            code = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except _ClickUsageError as error:
            from superscalar.cli.codes import USAGE
            from superscalar.cli.failures import CommandError, error_document
            from superscalar.cli.report import print_json

            message = getattr(error, "format_message", error.__str__)()
            print_json(error_document(CommandError(message)))
            code = USAGE
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    cls=Commands,
    name="superscalar",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class GraphFormat(StrEnum):
    """How a plan is drawn."""

    mermaid = "mermaid"
    dot = "dot"


def _version(wanted: bool) -> None:
    if wanted:
        from superscalar.version import __version__

        typer.echo(f"superscalar {__version__}")
        raise typer.Exit


@app.callback(
    help="An LLM compiler: the plan a model writes runs as a parallel program while it is still being written.\n\n"
    f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}."
)
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What is said of all commands together."""


@app.command()
def run(
    command: typer.Context,
    question: options.QuestionArgument,
    file: options.FileOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    context: options.Context = None,
    model: options.ModelOption = "local",
    base_url: options.BaseUrlOption = None,
    extractor: options.ExtractorOption = None,
    instructions: options.InstructionsOption = None,
    planner_instructions: options.PlannerInstructionsOption = None,
    joiner_instructions: options.JoinerInstructionsOption = None,
    examples: options.ExamplesOption = None,
    first_token_timeout: options.FirstTokenTimeoutOption = None,
    stall_timeout: options.StallTimeoutOption = None,
    max_prompt_tokens: options.MaxPromptTokensOption = None,
    max_concurrency: options.MaxConcurrencyOption = None,
    max_replans: options.MaxReplansOption = None,
    fallback: options.FallbackOption = None,
    replan: options.ReplanOption = None,
    replanner_sees: options.ReplannerSeesOption = None,
    max_tokens: options.MaxTokensOption = None,
    max_cost: options.MaxCostOption = None,
    max_bytes: options.MaxBytesOption = None,
    deadline: options.DeadlineOption = None,
    journal: options.JournalOption = None,
    policy: options.PolicyOption = None,
    approve_plan: options.ApprovePlanOption = False,
    plans: options.PlansOption = None,
    save: options.SaveOption = None,
    save_input: options.SaveInputOption = None,
    no_joiner: Annotated[
        bool, typer.Option("--no-joiner", help="Answer with the value of join(...) and ask no model to word it.")
    ] = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.Verbose = 0,
    traceback: options.Traceback = False,
) -> None:
    """Answer a question: a model plans it, the calls run in parallel, a model words the answer.

    The answer is printed on standard output, progress and a summary on standard error. Ctrl-C stops the run and says
    what had been done; a second Ctrl-C ends the process at once.

    Examples:

    `superscalar run "How much is 100 USD in yen?" --tools money.py`

    `superscalar run "Which of these moved most?" -t money.py -t news:TOOLS --model openai:gpt-5-mini --deadline 30`

    `superscalar run - --tools money.py --json < question.txt`
    """
    with reporting(as_json, journal=journal) as told:
        from superscalar.cli.approval import asking
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.examples import read_examples
        from superscalar.cli.report import conclude, traced
        from superscalar.cli.saving import SaveAs, concluded
        from superscalar.cli.screens import screen_for
        from superscalar.cli.servers import contact
        from superscalar.cli.session import followed
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.observe.view import RunView

        asked = _asked(question)
        with stdout_kept_clean():
            chosen: dict[str, Any] = {
                "model": model,
                "base_url": base_url,
                "joiner": not no_joiner,
                "extractor": extractor,
                "instructions": instructions,
                "planner_instructions": planner_instructions,
                "joiner_instructions": joiner_instructions,
                "examples": read_examples(examples),
                "first_token_timeout": first_token_timeout,
                "stall_timeout": stall_timeout,
                "max_prompt_tokens": max_prompt_tokens,
                "max_concurrency": max_concurrency,
                "max_replans": max_replans,
                "fallback": fallback,
                "replan": replan,
                "replanner_sees": replanner_sees,
                "max_tokens": max_tokens,
                "max_cost": max_cost,
                "max_bytes": max_bytes,
                "policy": policy,
                "approve_plan": approve_plan or None,
                "plans": folder_of(plans),
            }
            view = RunView()
            screen = screen_for(view, asked, hidden=as_json or quiet, verbosity=verbose)
            typed = options.as_typed(command)
            place = CommandSource(tools or (), agent, context, journal, typed, mcp or (), trust or ())
            with_tools = opened_compiler(
                place,
                chosen,
                lambda path: asking(screen, view, plans=approve_plan, journal=path),
                contact(screen, quiet=quiet),
            )
            compiler, told.journal = with_tools.compiler, with_tools.journal
            saved = SaveAs.of(save, save_input, compiler)
            stream = lambda **given: compiler.stream(asked, files=file or (), **given)  # noqa: E731
            with traced(view, wanted=traceback):
                result = followed(lambda: with_tools.streamed(stream, deadline), view, screen, told.journal)
        end = partial(conclude, result, view, told.journal, answers=True, as_json=as_json, quiet=quiet)
        concluded(compiler, result, saved, end, as_json=as_json)


@app.command()
def plan(
    command: typer.Context,
    question: options.QuestionArgument,
    file: options.FileOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    model: options.ModelOption = "local",
    plans: options.PlansOption = None,
    base_url: options.BaseUrlOption = None,
    instructions: options.InstructionsOption = None,
    planner_instructions: options.PlannerInstructionsOption = None,
    examples: options.ExamplesOption = None,
    first_token_timeout: options.FirstTokenTimeoutOption = None,
    stall_timeout: options.StallTimeoutOption = None,
    max_prompt_tokens: options.MaxPromptTokensOption = None,
    graph: Annotated[
        GraphFormat | None, typer.Option("--graph", help="Print the plan as a picture instead.", show_default=False)
    ] = None,
    explain: options.ExplainOption = False,
    estimate: options.EstimateOption = False,
    journal: options.MeasuredOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
    verbose: options.Verbose = 0,
) -> None:
    """Write the plan for a question and print it; no tool is called. What it would take is printed on standard error.

    Examples:

    `superscalar plan "How much is 100 USD in yen?" --tools money.py > plan.txt`

    `superscalar plan "Which of these moved most?" --tools money.py --graph dot | dot -Tsvg > plan.svg`
    """
    with reporting(as_json):
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.estimates import estimate_document, estimate_text, measured_in
        from superscalar.cli.examples import read_examples
        from superscalar.cli.report import print_json, print_text
        from superscalar.cli.screens import screen_for
        from superscalar.cli.session import followed
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.observe.documents import plan_document
        from superscalar.observe.view import RunView
        from superscalar.plan.print.program import print_plan

        asked = _asked(question)
        with stdout_kept_clean():
            chosen: dict[str, Any] = {
                "model": model,
                "base_url": base_url,
                "instructions": instructions,
                "planner_instructions": planner_instructions,
                "examples": read_examples(examples),
                "first_token_timeout": first_token_timeout,
                "stall_timeout": stall_timeout,
                "max_prompt_tokens": max_prompt_tokens,
                "plans": folder_of(plans),
            }
            typed = options.as_typed(command)
            kept = measured_in(journal, wanted=estimate, typed="journal" in typed)
            place = CommandSource(tools or (), agent, None, kept, typed, mcp or (), trust or ())
            compiler = opened_compiler(place, chosen).compiler
            view = RunView()
            stream = lambda: compiler.stream_planning(asked, files=file or ())  # noqa: E731
            written = followed(stream, view, screen_for(view, asked, hidden=as_json or quiet, verbosity=verbose)).plan
            toolset = compiler.tools
            taken = compiler.estimate(written, question=asked) if estimate else None
        text = print_plan(written.tasks)
        if as_json:
            document = plan_document(written, text) | ({"graph": _drawn(written, graph)} if graph else {})
            document |= {} if taken is None else {"estimate": estimate_document(taken)}
            left_out = {"left_out": list(view.left_out)} if view.left_out else {}
            print_json(document | (_explained(written, toolset) | left_out if explain else {}))
            return
        print_warnings(written)
        explained = explain and _explanation(written, toolset) + _left_out(view.left_out)
        print_text(_drawn(written, graph) if graph else explained or text)
        if taken is not None:
            typer.echo(estimate_text(taken), err=True)


@app.command()
def check(
    command: typer.Context,
    plan_file: options.PlanFileArgument,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    plans: options.PlansOption = None,
    syntax: options.PlanSyntaxOption = options.AUTO,
    explain: options.ExplainOption = False,
    estimate: options.EstimateOption = False,
    journal: options.MeasuredOption = None,
    input: supplying.InputOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Check a plan against its tools; nothing is called and no model is asked.

    Findings are printed as `file:line:column: CODE message`. The exit code is 1 if one of them is an error; if none is,
    `--explain` shows what the plan is compiled to, and `--estimate` what it would take.

    Examples:

    `superscalar check plan.txt --tools money.py`

    `superscalar plan "..." -t money.py | superscalar check - -t money.py`
    """
    with reporting(as_json):
        from dataclasses import replace

        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.estimates import estimate_document, estimate_text, measured_in
        from superscalar.cli.report import print_diagnostic, print_json, print_text
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.observe.documents import diagnostic_document
        from superscalar.observe.wording import counted

        name, source = read_source(plan_file)
        with stdout_kept_clean():
            typed = options.as_typed(command)
            kept = measured_in(journal, wanted=estimate, typed="journal" in typed)
            place = CommandSource(tools or (), agent, None, kept, typed, mcp or (), trust or ())
            compiler = opened_compiler(place, {"plans": folder_of(plans)}).with_tools()
            toolset = compiler.tools
            read_as = syntax_of(source, syntax)
            found = compiler.check(source, syntax=read_as)

        given: Mapping[str, Any] | None = None
        if input and not any(diagnostic.severity == "error" for diagnostic in found):
            inputs = compiler.compile(source, syntax=read_as).inputs
            given = supplying.given_inputs(input, inputs, stdin_is_plan=plan_file == "-")

        diagnostics = [replace(diagnostic, file=name) for diagnostic in found]
        errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
        if as_json:
            documents = [diagnostic_document(diagnostic) for diagnostic in diagnostics]
            counts = {"errors": errors, "warnings": len(documents) - errors}
            document = {"syntax": read_as, **counts, "diagnostics": documents}
            if explain and not errors:
                document |= _explained(compiler.compile(source, syntax=read_as), toolset)
            if estimate and not errors:
                document["estimate"] = estimate_document(
                    compiler.estimate(compiler.compile(source, syntax=read_as), inputs=given)
                )
            print_json(document)
        else:
            for number, diagnostic in enumerate(diagnostics):
                if number:
                    typer.echo()
                print_diagnostic(diagnostic)
            if explain and not errors:
                compiled = compiler.compile(source, syntax=read_as)
                print_text(("\n" if diagnostics else "") + _explanation(compiled, toolset))
            if estimate and not errors:
                compiled = compiler.compile(source, syntax=read_as)
                print_text(
                    ("\n" if diagnostics or explain else "") + estimate_text(compiler.estimate(compiled, inputs=given))
                )
            said = "" if syntax != options.AUTO else f"read as {read_as}, "
            counts_text = f"{counted(errors, 'error')}, {counted(len(diagnostics) - errors, 'warning')}"
            typer.echo(f"{name}: {said}{counts_text}", err=True)
        if errors:
            raise typer.Exit(1)


app.command("exec")(execute)


@app.command("tools")
def list_tools(
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    plans: options.PlansOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the tools that a module or file offers, as plans see them.

    Example:

    `superscalar tools --tools money.py`
    """
    with reporting(as_json):
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.report import print_json, print_tools
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.observe.documents import tools_document

        with stdout_kept_clean():
            place = CommandSource(tools or (), agent, mcp=mcp or (), trust=trust or ())
            toolset = opened_compiler(place, {"plans": folder_of(plans)}).with_tools().tools
        if as_json:
            print_json(tools_document(toolset))
        else:
            print_tools(toolset)


app.command("compare")(comparing.compare_ways)
app.command("models")(providers.list_models)
app.command("warm")(warming.warm_agent)
app.command("init")(starting.begin_program)
app.command("runs")(journals.list_runs)
app.command("show")(journals.show_run)
app.command("resume")(resume.resume_run)
app.command("approve")(journals.approve_run)
app.command("prune")(tidying.prune_runs)
app.command("rotate")(tidying.rotate_journal)
app.command("stubs")(stubs.write_stubs)
saved_plans.command("run")(run_saved)
app.add_typer(saved_plans)
app.add_typer(patterns)
servers.group.callback()(serve_gateway)
app.add_typer(servers.group)

# ------------------------------------------------------------------------------------------------------ shared steps


def _asked(question: str) -> str:
    from superscalar.cli.failures import CommandError

    asked = (read_source("-")[1] if question == "-" else question).strip()
    if not asked:
        raise CommandError("the question is empty; write it in quotes after `superscalar run`")
    return asked


def _explanation(plan: Plan, toolset: Toolset) -> str:
    from superscalar.plan.passes.pipeline import explain
    from superscalar.plan.print.listing import explanation

    return explanation(explain(plan, toolset.signatures))


def _left_out(writes: Sequence[str]) -> str:
    """Which right writes a repair left out, where it did."""
    from superscalar.cli.terminal import safe_line

    title = "left out: the planner wrote the whole plan anew, without these writes, which were right"
    return "\n\n" + "\n".join([title, *(f"  {safe_line(write)}" for write in writes)]) if writes else ""


def _explained(plan: Plan, toolset: Toolset) -> dict[str, Any]:
    from superscalar.observe.documents import stage_document
    from superscalar.plan.passes.pipeline import explain

    return {"passes": [stage_document(stage) for stage in explain(plan, toolset.signatures)]}


def _drawn(plan: Plan, graph: GraphFormat) -> str:
    from superscalar.plan.print.graph import to_dot, to_mermaid

    return to_mermaid(plan) if graph is GraphFormat.mermaid else to_dot(plan)
