"""The command that writes saved plans as functions that type checkers know: `stubs`."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
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
        from superscalar.saved.stubs import HEAD, MODULE

        if file.suffix != ".pyi" or not file.stem.isidentifier():
            raise CommandError(f"{file}: a stub is called as a module is, such as briefs.pyi")
        place = PlaceInModule.of("--agent", agent or "")
        imported = _module_of(place.where)
        if imported and imported == _module_of(str(file.with_suffix(".py"))):
            raise CommandError(f"{file} would hide from type checkers what {place.where} has: name another file")
        if not _begins_with(file, HEAD):
            raise CommandError(f"{file} is there, and `superscalar stubs` has not written it: name another file")
        saved = saved_plans_of(plans, tools, mcp, trust, agent)
        found = saved.list()
        approved = [one for one in found if one.state == "approved"]
        module = file.with_suffix(".py")
        texts = {file: saved.stub()}
        if place.name is not None and imported and not module.exists():
            texts[module] = MODULE.format(module=imported, agent=place.name)
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
        if place.name is not None and not imported:
            no_module = f"{module} is not written: {place.where} cannot be imported from here by a name"
            typer.echo(safe_line(no_module), err=True)


def _module_of(where: str) -> str:
    """What Python imports a module as that an option names, from the current directory; empty if by no name."""
    parts: Sequence[str] = where.split(".")
    if where.endswith(".py"):
        try:
            parts = Path(where).absolute().relative_to(Path.cwd()).with_suffix("").parts
        except ValueError:
            return ""
    return ".".join(parts) if all(part.isidentifier() and not keyword.iskeyword(part) for part in parts) else ""


def _begins_with(file: Path, head: str) -> bool:
    """Whether a file says so first, or is not there."""
    try:
        return file.read_bytes().startswith(head.rstrip().encode())
    except OSError:
        return not file.exists()
