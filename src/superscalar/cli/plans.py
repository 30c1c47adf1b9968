"""`superscalar plans`: the folder of saved plans: what there is, how each stands, and a person's approval."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting
from superscalar.cli.sources import folder_of, read_source

if TYPE_CHECKING:
    from superscalar.compiler.plans import SavedPlans
    from superscalar.plan.ir import Input
    from superscalar.saved.examining import SavedPlan

group = typer.Typer(
    name="plans",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Saved plans: list, show, check, approve and run them.",
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a saved plan.", show_default=False)]
_Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Which. [default: all]", show_default=False),
]


@group.command("list")
def list_plans(
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the saved plans of a folder, and how each stands with the tools.

    *approved*; *not approved*: nobody has, or its text is another one since; *changed*: its tools declare something
    else than when it was reviewed; *broken*: it is no plan for these tools; *refused*: its file cannot be trusted.

    Example:

    `superscalar plans list --plans plans --tools money.py`
    """
    with reporting(as_json):
        from superscalar.cli.report import print_json
        from superscalar.cli.terminal import console, safe_line

        found = saved_plans_of(plans, tools, mcp, trust, agent)
        listed = found.list()
        if as_json:
            print_json({"plans": str(found.path), "saved": [plan_summary(one) for one in listed]})
            return
        widest = max((len(one.name) for one in listed), default=0)
        out = console(sys.stdout)
        for one in listed:
            said = one.description.split("\n")[0]
            out.print(safe_line(f"{one.name:<{widest}}  {one.state:<12}  {said}").rstrip())
        if not listed:
            out.print(safe_line(f"{found.path} has no saved plans yet"))


@group.command("show")
def show_plan(
    name: _Name,
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    as_json: options.JsonOption = False,
) -> None:
    """Print a saved plan as it stands in its file, with what nobody would see written as escapes.

    How it stands, and the digest that `approve` wants, are printed on standard error.

    Example:

    `superscalar plans show brief --plans plans --tools money.py`
    """
    with reporting(as_json):
        from superscalar.cli.report import print_json, print_text

        saved = saved_plans_of(plans, tools, mcp, trust, agent).get(name)
        if as_json:
            print_json(plan_summary(saved) | {"text": str(saved.text)})
            return
        if not saved.refused:
            print_text(_to_read(saved))
        _tell(saved)


@group.command("save")
def save_file(
    name: _Name,
    plan_file: options.PlanFileArgument,
    description: Annotated[
        str, typer.Option("--description", metavar="TEXT", help="What the plan is for.", show_default=False)
    ] = "",
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--over",
            metavar="SHA256",
            help="Replace the plan of that name which has this digest.",
            show_default=False,
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Save a plan of your own, for a person to approve; its inputs stand above it.

    Example:

    `superscalar plans save brief brief.txt --plans plans --tools money.py --description "The daily brief."`
    """
    with reporting(as_json, plan_file):
        from superscalar.cli.report import print_json
        from superscalar.saved.header import is_saved_plan, read_text

        where, source = read_source(plan_file)
        if is_saved_plan(source):  # of another folder, where others approved it
            copied = read_text(source, where)
            source, description = copied.body, description or copied.description
        found = saved_plans_of(plans, tools, mcp, trust, agent)
        saved = found.save(name, found.compile(source), description=description, over=over)
        if as_json:
            print_json(plan_summary(saved))
        else:
            _tell(saved)


@group.command("check")
def check_plans(
    names: _Names = None,
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    as_json: options.JsonOption = False,
) -> None:
    """Check saved plans against the tools that there are now, and print what is to be mended; nothing is called.

    The exit code is 1 if one does not fit, and 3 if all do and one waits for approval.

    Example:

    `superscalar plans check --plans plans --tools money.py`
    """
    with reporting(as_json):
        from superscalar.cli.codes import FAILED, WAITING
        from superscalar.cli.report import print_diagnostic, print_json, print_text

        found = saved_plans_of(plans, tools, mcp, trust, agent)
        checked = [*map(found.get, names)] if names else found.list()
        states = {one.state for one in checked}
        if as_json:
            print_json({"plans": str(found.path), "saved": [plan_summary(one) for one in checked]})
        for one in () if as_json else checked:
            print_text(f"{one.path}: {one.state}")
            for diagnostic in one.diagnostics:
                print_diagnostic(diagnostic)
            for line in one.why_not()[len(one.diagnostics) :]:
                print_text(f"  {line}")
        if states - {"approved", "not approved"}:
            raise typer.Exit(FAILED)
        if "not approved" in states:
            raise typer.Exit(WAITING)


@group.command("approve")
def approve_saved(
    name: _Name,
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest",
            metavar="SHA256",
            help="Approve the text that has this digest, which `show` prints, without asking.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who approves it. [default: you]", show_default=False)
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Approve a saved plan as it stands there, with its tools as they are: you are shown it, and asked.

    Where nobody can be asked, `--digest` says which text you have looked at. A text that is changed afterwards is not
    approved any more.

    Examples:

    `superscalar plans approve brief --plans plans --tools money.py`

    `superscalar plans approve brief --agent shop.py:agent --by ann --digest 6d766859...`
    """
    with reporting(as_json):
        from superscalar.cli.approval import is_at_terminal, whose_keyboard
        from superscalar.cli.failures import CommandError
        from superscalar.cli.report import print_json

        found = saved_plans_of(plans, tools, mcp, trust, agent)
        saved = found.get(name)
        if saved.refused or saved.read is None:
            _ = saved.draft  # says why not
        if digest is None:
            if as_json or not is_at_terminal():
                raise CommandError(
                    f"this is no terminal where you could be asked: look at it with `superscalar plans show {name}`, "
                    f"and say which text you approve: --digest {saved.digest}"
                )
            if not _is_wanted(saved):
                raise CommandError(f"{saved.path} is left as it was", kind="NotApproved")
        approved = found.approve(name, digest=digest or saved.digest, by=by or whose_keyboard())
        if as_json:
            print_json(plan_summary(approved))
        else:
            _tell(approved)


def _is_wanted(saved: SavedPlan) -> bool:
    """Show a plan and ask whoever is at the terminal; no input any more is a no."""
    typer.echo(f"{_to_read(saved)}\n", err=True)
    for line in saved.changes:
        typer.echo(f"  {_safe(line)}", err=True)
    while True:
        typer.echo(f"approve {saved.name}? [y]es, [n]o ", err=True, nl=False)
        match sys.stdin.readline().strip().lower():
            case "y" | "yes":
                return True
            case "n" | "no" | "":
                return False


def plan_summary(saved: SavedPlan) -> dict[str, Any]:
    """A saved plan as a document, without its text."""
    given = saved.approval
    return {
        "name": saved.name,
        "file": str(saved.path),
        "state": saved.state,
        "description": saved.description,
        "inputs": [_input_document(one) for one in saved.read.inputs] if saved.read is not None else [],
        "tools": {fact.name: fact.digest for fact in saved.text.tools},
        "language": saved.text.language,
        "digest": saved.digest,
        "approved": None if given is None else {"by": given.by, "at": given.at},
        "why_not": saved.why_not(),
    }


def _input_document(given: Input) -> dict[str, Any]:
    """An input as a document; one that has to be given has no `default`."""
    from superscalar.values import plain

    default = {} if given.required else {"default": plain(given.default)}
    return {"name": given.name, "type": given.type, "description": given.description, "secret": given.secret, **default}


def _to_read(saved: SavedPlan) -> str:
    """The text of a plan for a person who decides on it."""
    from superscalar.unseen import revealed

    return "\n".join(map(revealed, str(saved.text).rstrip("\n").split("\n")))


def _tell(saved: SavedPlan) -> None:
    """Say on standard error how a plan stands."""
    given = saved.approval
    state = saved.state if given is None else f"approved by {given.by}, {given.at}"
    lines = [f"{saved.path}: {state}", *(f"  {line}" for line in saved.why_not())]
    for line in [*lines, f"digest: {saved.digest}"] if saved.digest else lines:
        typer.echo(_safe(line), err=True)


def _safe(line: str) -> str:
    from superscalar.cli.terminal import safe_line

    return safe_line(line)


def saved_plans_of(
    plans: Path | None,
    tools: list[str] | None,
    mcp: list[Path] | None,
    trust: list[str] | None,
    agent: str | None,
) -> SavedPlans:
    """The saved plans that a command is about, beside the tools that it names.

    Raises:
        CommandError, UsageError: it names no tools, or no folder; the message says what to write.
    """
    from superscalar.cli.compiling import CommandSource, opened_compiler
    from superscalar.cli.failures import CommandError
    from superscalar.cli.streams import stdout_kept_clean

    with stdout_kept_clean():
        place = CommandSource(tools or (), agent, mcp=mcp or (), trust=trust or ())
        compiler = opened_compiler(place, {"plans": folder_of(plans)}).with_tools()
    if compiler.options.plans is None:
        raise CommandError("say where the saved plans are: --plans DIR, or an agent that has plans=DIR")
    return compiler.plans
