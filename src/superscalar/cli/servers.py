"""`--mcp` and `superscalar mcp`: the servers of a configuration, what is told of them, and whom they may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeAlias

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.cli.screens import Screen
    from superscalar.mcp import Elicitation
    from superscalar.tools.accepted import Changes
    from superscalar.tools.toolset import ServerTools

TerminalElicit: TypeAlias = "Callable[[Elicitation], Awaitable[dict[str, Any] | None]]"

group = typer.Typer(name="mcp", invoke_without_command=True, rich_markup_mode="markdown")


@group.command("accept")
def accept_servers(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The configuration, with `mcpServers`.", show_default=False)
    ],
    as_json: options.JsonOption = False,
    verbose: options.Verbose = 0,  # noqa: ARG001 -- its callback logs
) -> None:
    """Accept what the servers of a configuration say of their tools: under `--policy enforce` nothing else is called.

    Digests of it go into `mcp.lock` beside the file; keep that with it. What is new, or has changed, is printed.

    Example:

    `superscalar mcp accept mcp.json`
    """
    with reporting(as_json):
        from superscalar.cli.report import print_json, print_text
        from superscalar.compiler.sync import run_to_end
        from superscalar.mcp.lock import lock_beside

        tools = load_servers([file], (), Contact(untold))[0]
        changes = run_to_end(tools.accept)
        lock = lock_beside(file)
        if as_json:
            print_json({"lock": str(lock), **_document(changes)})
            return
        lines = list(changes.told()) or ["nothing has changed since it was accepted"]
        print_text("\n".join([*lines, *_descriptions(tools, changes)]))
        typer.echo(f"{lock}: {len(tools)} tools accepted", err=True)


def say_line(line: str) -> None:
    """Print what somebody should know of servers, on standard error."""
    from superscalar.cli.terminal import safe_line

    typer.echo(safe_line(line), err=True)


def untold(_: str) -> None:
    """Leave it unsaid."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How servers reach the person: what is told of them, and who is asked what they want to know, if anybody is."""

    tell: Callable[[str], object] = say_line
    elicit: TerminalElicit | None = None


def contact(screen: Screen, *, quiet: bool) -> Contact:
    """How servers reach whoever is in front of a screen, and may want to read the result only."""
    return Contact(untold if quiet else say_line, eliciting(screen))


def load_servers(files: Iterable[Path], trust: Iterable[str], contact: Contact) -> list[ServerTools]:
    """The tools of the servers of some configurations.

    Raises:
        UsageError: one cannot be read, or there is no server that is to be trusted.
    """
    from superscalar.mcp.config import server_names
    from superscalar.tools import Toolset

    known = {file: server_names(file) for file in files}
    everybody = frozenset().union(*known.values())
    made = []
    for file, names in known.items():
        believed = tuple(name for name in trust if name in names or name not in everybody)
        made.append(Toolset.from_mcp(file, trust=believed, elicit=contact.elicit, tell=contact.tell))
    return made


def _document(changes: Changes) -> dict[str, list[str]]:
    return {
        how: [f"{server}/{tool}" for server, tool in offers]
        for how, offers in (("new", changes.new), ("changed", changes.changed), ("gone", changes.gone))
    }


def _descriptions(tools: ServerTools, changes: Changes) -> list[str]:
    """What is accepted of what is new or has changed, as planners are shown it."""
    from superscalar.tools.servers import INSTRUCTIONS
    from superscalar.tools.stubs import tool_stub

    looked_at = {*changes.new, *changes.changed}
    shown = [
        tool_stub(signature)
        for signature, tool in zip(tools.signatures, tools, strict=True)
        if (tool.described.server, tools.offered_as(tool.name)) in looked_at
    ]
    said = [
        f"{server} says of itself: {text}"
        for server, text in tools.instructions.items()
        if (server, INSTRUCTIONS) in looked_at
    ]
    return [line for told in (said, shown) if told for line in ("", *told)]


def eliciting(screen: Screen) -> TerminalElicit | None:
    """What puts the questions of servers to the person at the terminal; None where nobody looks and can type there."""
    from superscalar.cli.approval import at_keyboard, is_at_terminal

    if not is_at_terminal():
        return None

    async def asked(elicitation: Elicitation) -> dict[str, Any] | None:
        async with at_keyboard(screen):
            with screen.asking() as out:
                return await _answers(elicitation, out)

    return asked


async def _answers(elicitation: Elicitation, out: TextIO) -> dict[str, Any] | None:
    """Ask for each field; an empty line leaves one out, or declines where it is needed, as does the end of input."""
    from superscalar.cli.approval import typed_line
    from superscalar.cli.terminal import safe

    def say(text: str) -> None:
        out.write(safe(text))
        out.flush()

    say(f"\n{elicitation}\n  [a]nswer, or [d]ecline? (never give it a secret) ")
    if (await typed_line()).strip().lower() not in ("a", "answer"):
        say("  declined\n")
        return None
    found: dict[str, Any] = {}
    for field in elicitation.fields:
        while True:
            say(f"  {field.name}: ")
            line = await typed_line()
            if not line.strip():
                if not field.required:
                    break
                say("  declined\n")
                return None
            try:
                found[field.name] = field.read(line)
                break
            except ValueError as error:
                say(f"  {error}\n")
    return found
