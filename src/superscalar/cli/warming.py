"""The command that has the embedded model read beforehand what is the same for every question: `warm`."""

from __future__ import annotations

from typing import Any, Final

import typer

from superscalar.cli import options
from superscalar.cli.codes import INTERRUPTED
from superscalar.cli.reporting import reporting

_STOPPED: Final = "Stopped. What was kept until then stays; the same command does what is left."


def warm_agent(
    command: typer.Context,
    tools: options.ToolsOption = None,
    mcp: options.McpOption = None,
    trust: options.TrustOption = None,
    agent: options.Agent = None,
    model: options.ModelOption = "local",
    base_url: options.BaseUrlOption = None,
    extractor: options.ExtractorOption = None,
    instructions: options.InstructionsOption = None,
    planner_instructions: options.PlannerInstructionsOption = None,
    joiner_instructions: options.JoinerInstructionsOption = None,
    examples: options.ExamplesOption = None,
    max_prompt_tokens: options.MaxPromptTokensOption = None,
    max_replans: options.MaxReplansOption = None,
    policy: options.PolicyOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Have the embedded model read beforehand what is the same for every question, so that answers begin sooner.

    What it has read of its rules, your tools and your instructions is kept on the disk, for all processes: say here
    what you say to `run`. A model that is not here yet is fetched. No tool is called.

    Examples:

    `superscalar warm --tools money.py`

    `superscalar warm --agent agent.py:agent --json`
    """
    with reporting(as_json):
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.examples import read_examples
        from superscalar.cli.failures import CommandError
        from superscalar.cli.report import print_json
        from superscalar.cli.screens import screen_for
        from superscalar.cli.servers import contact
        from superscalar.cli.session import StoppedRun
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.cli.warmed import TITLE, warmed_document, warmed_lines, warmed_under
        from superscalar.observe.view import RunView

        with stdout_kept_clean():
            chosen: dict[str, Any] = {
                "model": model,
                "base_url": base_url,
                "extractor": extractor,
                "instructions": instructions,
                "planner_instructions": planner_instructions,
                "joiner_instructions": joiner_instructions,
                "examples": read_examples(examples),
                "max_prompt_tokens": max_prompt_tokens,
                "max_replans": max_replans,
                "policy": policy,
            }
            view = RunView()
            screen = screen_for(view, TITLE, hidden=as_json or quiet)
            place = CommandSource(tools or (), agent, typed=options.as_typed(command), mcp=mcp or (), trust=trust or ())
            compiler = opened_compiler(place, chosen, contact=contact(screen, quiet=quiet)).compiler
            made = warmed_under(compiler, view, screen)
        if isinstance(made, StoppedRun):
            raise CommandError(_STOPPED, kind="Interrupted", code=INTERRUPTED)
        if as_json:
            print_json(warmed_document(made))
        elif not quiet:
            typer.echo("\n".join(warmed_lines(made)))
