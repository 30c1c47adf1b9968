"""The command that asks the same questions in several ways: `compare`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superscalar.cli import options
from superscalar.cli.codes import FAILED, INTERRUPTED, USAGE
from superscalar.cli.reporting import reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from superscalar.comparison import Asked, Comparison, ComparisonRow, Judge
    from superscalar.compiler import LLMCompiler
    from superscalar.events import Event
    from superscalar.observe.observed import ObservedRun

_AGAINST = "react,rewoo,native,sequential"


def compare_ways(
    command: typer.Context,
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS.jsonl",
            help='Lines of {"question": TEXT, "answer": TEXT}; "answers" is a list of what counts as right, "id" and '
            '"files" may be there too, and only the question has to.',
            show_default=False,
        ),
    ],
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
    deadline: options.DeadlineOption = None,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="WAYS",
            help="What to compare with: react, native-react, rewoo, native, sequential; several with commas between.",
        ),
    ] = _AGAINST,
    repeat: Annotated[int, typer.Option("--repeat", min=1, metavar="N", help="How often each question is asked.")] = 1,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Only the first so many questions.", show_default=False),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge",
            metavar="MODULE_OR_FILE:NAME",
            help="A function of the question, the answer and the tuple of expected answers, async or plain: how right "
            "the answer is, True, False, or from 0 to 1.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Keep each answer in this file as it comes. The same command goes on from there, whatever stopped it: "
            "nothing is asked twice.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too.", show_default=False)
    ] = None,
    allow_writes: Annotated[
        bool,
        typer.Option(
            "--allow-writes",
            help="Also with tools that write: each way writes anew, for each question. Without this they are refused, "
            "unless their executor says that it writes nothing (dry_run = True).",
        ),
    ] = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Ask questions of your own by plans and in other ways, and compare answers, time, tokens, calls and cost.

    The ways take turns, question by question, with the same model and tools. Answers are compared with the expected
    ones as SQuAD and HotpotQA do (exact match, F1), or by a judge. Ctrl-C stops it and prints what is there by then.

    Examples:

    `superscalar compare questions.jsonl --tools money.py --out answers.jsonl`

    `superscalar compare questions.jsonl --agent shop.py:agent --against react,native --repeat 3 --html report.html`
    """
    with reporting(as_json):
        from superscalar.cli.compiling import CommandSource, opened_compiler
        from superscalar.cli.failures import CommandError
        from superscalar.cli.report import print_json, print_text
        from superscalar.cli.streams import stdout_kept_clean
        from superscalar.comparison import Comparison, contenders
        from superscalar.observe.wording import counted

        with stdout_kept_clean():
            asked = _questions(questions)[:limit]
            if html is not None:
                _check_page(html, {"the questions": questions, "--out": out})
            judging = _judge(judge)
            chosen: dict[str, Any] = {
                "model": model,
                "base_url": base_url,
                "extractor": extractor,
                "instructions": instructions,
                "planner_instructions": planner_instructions,
                "joiner_instructions": joiner_instructions,
            }
            place = CommandSource(tools or (), agent, context, None, options.as_typed(command), mcp or (), trust or ())
            opened = opened_compiler(place, chosen).compiler
            opened = opened if quiet else opened.with_options(observers=[*opened.options.observers, _Preparing()])
            agents = contenders(opened, [way.strip() for way in against.split(",") if way.strip()])
            rows: list[ComparisonRow] = []
            of = len(asked) * len(agents) * repeat

            def came(row: ComparisonRow, number: int, _: int) -> None:
                rows.append(row)
                if not quiet:
                    _say(_line(row, number, of))

            with suppress(KeyboardInterrupt):  # what is there by then is told below
                _compared(
                    agents,
                    asked,
                    context,
                    repeat=repeat,
                    judge=judging,
                    out=out,
                    progress=came,
                    deadline=deadline,
                    writes="allow" if allow_writes else "refuse",
                )
        found = Comparison(tuple(rows))
        stopped = len(rows) < of
        if as_json:
            print_json({**found.document(), "complete": not stopped})
        elif rows:
            print_text(found.table())
        if html is not None and rows and (unwritten := _unwritten(html, found, questions.name)):
            _say(f"error: {unwritten}")  # behind what was found, which is not to be lost for that
            raise typer.Exit(USAGE)
        if stopped:
            kept = f"; the same command goes on from {out}" if out is not None else ""
            message = (
                f"Stopped. {counted(len(rows), 'answer')} of {of} {'is' if len(rows) == 1 else 'are'} there{kept}."
            )
            if as_json:
                raise typer.Exit(INTERRUPTED)
            raise CommandError(message, kind="Interrupted", code=INTERRUPTED)
        if all(row.error for row in rows):
            raise typer.Exit(FAILED)


def _compared(agents: Mapping[str, LLMCompiler], asked: list[Asked], spec: str | None, **told: Any) -> Comparison:
    from superscalar.cli.loading import open_context
    from superscalar.comparison import compare
    from superscalar.compiler.sync import run_to_end

    async def main() -> Comparison:
        async with open_context(spec) as context:
            return await compare(agents, asked, context=context, **told)

    return run_to_end(main)


def _questions(file: Path) -> list[Asked]:
    from superscalar.cli.failures import CommandError
    from superscalar.comparison import read_questions

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return list(read_questions(text, name=str(file), folder=file.parent))


def _judge(spec: str | None) -> Judge | None:
    from superscalar.cli.failures import CommandError
    from superscalar.cli.modules import PlaceInModule

    if spec is None:
        return None
    place = PlaceInModule.of("--judge", spec)
    if place.name is None:
        raise CommandError(f"--judge {spec}: name a function in it, as in --judge {spec}:judge")
    wanted = "a function of the question, the answer and the expected answers"
    found: Callable[..., Any] = place.picked(place.module(), place.name, callable, wanted)
    return found


def _line(row: ComparisonRow, number: int, of: int) -> str:
    verdict = "failed" if row.error else "" if row.exact is None else "right" if row.exact else "other"
    why = f"  {row.error.partition(chr(10))[0]}" if row.error else ""
    return f"{number:>4} of {of}  {row.way:<12} {row.id:<12} {row.seconds:>7.1f} s  {verdict}{why}"


def _say(text: str) -> None:
    from superscalar.cli.terminal import safe_line
    from superscalar.short import cut

    typer.echo(cut(safe_line(text), 200).rstrip(), err=True)


def _check_page(path: Path, others: Mapping[str, Path | None]) -> None:
    """Make sure, before anything is asked, that a page can be written there, and in the place of nothing else."""
    from superscalar.cli.failures import CommandError

    if path.is_dir() or not path.parent.is_dir():
        why = "is a directory" if path.is_dir() else f"there is no directory {path.parent}"
        raise CommandError(f"--html {path}: {why}")
    for name, other in others.items():
        if other is not None and path.resolve() == other.resolve():
            raise CommandError(f"--html {path}: that is the file of {name}; name another one")


def _unwritten(path: Path, found: Comparison, name: str) -> str:
    """Write the page, and say what kept it from being written, if anything did."""
    try:
        path.write_text(found.page(f"Answers to {name}"), encoding="utf-8")
    except OSError as error:
        return f"--html {path}: {error.strerror or error}"
    return ""


class _Preparing:
    """Says what a model does before it writes, such as being fetched: once for each such thing."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    async def __call__(self, event: Event, run: ObservedRun) -> None:  # noqa: ARG002 -- as every observer has it
        from superscalar.events import ModelPreparing

        if isinstance(event, ModelPreparing) and event.what not in self._said:
            self._said.add(event.what)
            _say(f"{event.role}: {event.what}")
