"""The command that writes saved plans as functions that type checkers know: `stubs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting


def write_stubs(
    file: Annotated[
        Path,
        typer.Argument(metavar="[FILE.pyi]", help="The stub; the module beside it has its name."),
    ] = Path("saved_plans.pyi"),
    plans: options.PlansOption = None,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write a stub with an async function for each approved plan, so that type checkers know their inputs.

    With `--agent MODULE:NAME`, the module that has these functions is written beside it, if it is not there: in Python,
    `from briefs import daily_brief`.

    Example:

    `superscalar stubs briefs.pyi --agent shop:agent`
    """
    with reporting(as_json):
        from superscalar.cli.failures import CommandError
        from superscalar.cli.modules import PlaceInModule
        from superscalar.cli.plans import saved_plans_of
        from superscalar.cli.report import print_json
        from superscalar.cli.terminal import safe_line
        from superscalar.saved.stubs import MODULE

        if file.suffix != ".pyi" or not file.stem.isidentifier():
            raise CommandError(f"{file}: a stub is called as a module is, such as briefs.pyi")
        saved = saved_plans_of(plans, tools, mcp, trust, agent)
        found = saved.list()
        approved = [one for one in found if one.state == "approved"]
        module = file.with_suffix(".py")
        place = PlaceInModule.of("--agent", agent or "")
        texts = {file: saved.stub()}
        if agent is not None and place.name is not None and not module.exists():
            named = place.where.removesuffix(".py").replace("/", ".")
            texts[module] = MODULE.format(module=named, agent=place.name)
        for path, text in texts.items():
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error
        left_out = [one for one in found if one.state != "approved"]
        if as_json:
            document = {"files": [*map(str, texts)], "functions": [one.name for one in approved]}
            print_json(document | {"left_out": {one.name: one.why_not() for one in left_out}})
            return
        for one in left_out:
            typer.echo(safe_line(f"left out: {one.name} ({one.state}): {'; '.join(one.why_not())}"), err=True)
        typer.echo(safe_line(f"written: {', '.join(map(str, texts))}"), err=True)
