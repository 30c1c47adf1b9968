"""`superscalar patterns`: the plans of thoughts that superscalar has, listed and printed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

group = typer.Typer(
    name="patterns",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Plans that are made of thoughts: list and print them.",
)


@group.command("list")
def list_patterns(as_json: options.JsonOption = False) -> None:
    """List the patterns: plans of voting, best of n, trees and graphs of thoughts.

    Example:

    `superscalar patterns list`
    """
    with reporting(as_json):
        from superscalar import patterns
        from superscalar.cli.report import print_json
        from superscalar.cli.terminal import console, safe_line

        said = {name: patterns.describe(name) for name in patterns.names()}
        if as_json:
            print_json({"patterns": [{"name": name, "description": text} for name, text in said.items()]})
            return
        widest = max(map(len, said))
        out = console(sys.stdout)
        for name, text in said.items():
            out.print(safe_line(f"{name:<{widest}}  {text}"))


@group.command("show")
def show_pattern(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a pattern.", show_default=False)],
    as_json: options.JsonOption = False,
) -> None:
    """Print a pattern as the text of a plan, with its inputs: to run, to change, or to save as a plan of your own.

    Its tools are those of `superscalar.thoughts`: the agent has `tools=[thoughts()]`.

    Examples:

    `superscalar patterns show best_of_n > plan.txt`

    `superscalar patterns show voting | superscalar exec - --agent thinking.py --input question="How many?"`
    """
    with reporting(as_json):
        from superscalar import patterns
        from superscalar.cli.report import print_json, print_text

        text = patterns.get(name)
        if as_json:
            print_json({"name": name, "description": patterns.describe(name), "text": text})
        else:
            print_text(text.rstrip("\n"))
