"""The command that has the embedded model read beforehand what is the same for every question: `warm`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import typer

from superscalar.cli import options
from superscalar.cli.codes import INTERRUPTED
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from superscalar.cli.screens import Screen
    from superscalar.cli.session import StoppedRun
    from superscalar.compiler import LLMCompiler, Warmed
    from superscalar.events import Event
    from superscalar.models.base import Preparation
    from superscalar.observe.view import RunView


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


TITLE: Final = "Reading beforehand what is the same for every question"
_STOPPED: Final = "Stopped. What was kept until then stays; the same command does what is left."


def warmed_under(compiler: LLMCompiler, view: RunView, screen: Screen) -> tuple[Warmed, ...] | StoppedRun:
    """What the models of an agent have read, or that the user has stopped it; meanwhile it is shown how far they are.

    Raises:
        SuperscalarError: as for `LLMCompiler.warm`.
    """
    from superscalar.cli.session import follow

    made: tuple[Warmed, ...] | StoppedRun
    made = cast("Any", follow(lambda: _WarmingStream(compiler), view, screen))
    return made


class _WarmingStream:
    """How far the models of an agent are, as the events of a run would tell it; it results in what they have read."""

    def __init__(self, compiler: LLMCompiler) -> None:
        self._compiler = compiler
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self._work: asyncio.Task[tuple[Warmed, ...]] | None = None

    async def __aenter__(self) -> _WarmingStream:
        self._work = asyncio.create_task(self._compiler.warm(self._told), name="warm the models")
        self._work.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def __aiter__(self) -> AsyncIterator[Event]:
        told = 0
        while True:
            self._news.clear()
            for event in self._events[told:]:
                told += 1
                yield event
            if self._work is None or self._work.done():
                return
            await self._news.wait()

    async def result(self) -> tuple[Warmed, ...]:
        """What was read, by role."""
        assert self._work is not None, "it is not open"
        return await self._work

    def suspend(self) -> None:
        """Nothing is recorded, so nothing can go on elsewhere."""

    def _told(self, role: str, preparation: Preparation) -> None:
        from superscalar.events import ModelPreparing

        now = asyncio.get_running_loop().time()
        self._events.append(ModelPreparing(now, role, preparation.what, preparation.fraction))
        self._news.set()


def warmed_lines(made: Sequence[Warmed]) -> list[str]:
    """What was read and what it takes, for people."""
    from superscalar.cli.terminal import safe_line
    from superscalar.models.states import MOST_BYTES
    from superscalar.observe.wording import duration

    lines = []
    for one in made:
        state = one.state
        if state is None:
            said = f"nothing to do: {one.why}" if one.why else "nothing is kept"
        else:
            took = "there already" if state.was_there else f"read in {duration(one.seconds)}"
            said = f"{state.bytes / 1e6:.1f} MB, {took}{f'; {one.why}' if one.why else ''}"
            said += "" if state.file.is_file() else "; it has made room for the others again"
        lines.append(safe_line(f"{one.role:<10} {one.model}: {said}"))
    for folder in dict.fromkeys(one.state.file.parent for one in made if one.state is not None):
        taken = sum(one.state.bytes for one in made if one.state is not None and one.state.file.parent == folder)
        most = f"{MOST_BYTES / 1e6:.0f} MB at the most, with those of other agents"
        lines.append(safe_line(f"kept in {folder}: {taken / 1e6:.1f} MB ({most})"))
    return lines


def warmed_document(made: Sequence[Warmed]) -> Mapping[str, Any]:
    """The same for `--json`."""
    return {
        "warmed": [
            {
                "role": one.role,
                "model": one.model,
                "file": None if one.state is None else str(one.state.file),
                "kept": one.state is not None and one.state.file.is_file(),
                "bytes": 0 if one.state is None else one.state.bytes,
                "was_there": one.state is not None and one.state.was_there,
                "seconds": one.seconds,
                "why": one.why or None,
            }
            for one in made
        ]
    }
