"""What is printed when a command is over: the answer, what failed, where the time went; or the error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from superscalar.advice import command
from superscalar.cli.codes import INTERRUPTED, SUSPENDED, WAITING
from superscalar.cli.failures import CommandError
from superscalar.cli.terminal import console, json_text, safe, safe_line
from superscalar.compiler.result import RunResult, has_failed, result_document
from superscalar.observe.timing import Timing
from superscalar.observe.view import RunView
from superscalar.observe.wording import (
    failed_rows,
    failure_lines,
    failures,
    limit_text,
    resource_text,
    signature_text,
    summary_text,
    trust_terms,
)
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.tools import Toolset
from superscalar.tools.stubs import argument_lines, form_lines, schema_lines
from superscalar.values import Failure, Usage, plain


def print_json(document: Any) -> None:
    """Print the one document of a command."""
    sys.stdout.write(json_text(document) + "\n")


def print_answer(answer: Any) -> None:
    """Print an answer: text as it is (escaped on a terminal), anything else as JSON."""
    if isinstance(answer, str):
        text = safe(answer) if sys.stdout.isatty() else answer
        sys.stdout.write(text.rstrip("\n") + "\n")
    else:
        print_json(plain(answer))


def print_answer_of(result: RunResult) -> None:
    """Print the answer of a run; what was cut is none, and is told on standard error."""
    if result.complete:
        print_answer(result.answer)
        return
    from rich.text import Text

    out = console(sys.stderr)
    if result.partial:
        out.print(Text(safe(result.partial), style="dim"))
    out.print(Text.assemble(("error: ", "bold red"), safe(f"the answer was cut: {result.cut}")))


def conclude(
    result: RunResult,
    view: RunView,
    journal: Path | None,
    document: Mapping[str, Any],
    *,
    answers: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print what a run came to, and end the command with a code of 1 if it has failed.

    `document` is what the JSON document says besides.
    """
    if as_json:
        print_json({**document, **result_document(result, answers=answers)})
    else:
        if not quiet:
            print_summary(view, result.timing, result.usage, result.rounds, result.cost)
            print_recorded(journal, result.run_id)
        if answers:
            if not quiet:
                typer.echo(err=True)  # the answer stands apart
            print_answer_of(result)
        else:
            print_json(plain(result.answer))
    if has_failed(result):
        raise typer.Exit(1)


def print_text(text: str) -> None:
    """Print a command's result that came from a model or a file."""
    sys.stdout.write((safe(text) if sys.stdout.isatty() else text).rstrip("\n") + "\n")


def print_diagnostic(diagnostic: Diagnostic, *, error: bool = False) -> None:
    """Print one finding with its line and caret, on standard output unless it is part of an `error`."""
    from rich.text import Text

    head, *rest = safe(str(diagnostic)).split("\n")
    out = console(sys.stderr if error else sys.stdout)
    out.print(Text(head, style="bold red" if diagnostic.severity == "error" else "yellow"))
    for line in rest:
        out.print(Text(line))


def print_tools(toolset: Toolset) -> None:
    """List tools with what is known about calling them, and the limits that they share."""
    from rich.text import Text

    out = console(sys.stdout)
    for signature in toolset.signatures:
        tool = toolset.get(signature.alias)
        out.print(Text(safe_line(signature_text(signature)), style="bold"))
        effect = signature.effect if signature.effect_declared else f"{signature.effect} (not declared)"
        terms = [effect, *(f"limit {name}" for name in (tool.limits if tool is not None else ()))]
        if tool is not None and tool.limit_names is not None:
            terms += [f"limit {text}" for text in tool.limit_names.told]
        if signature.resource is not None:
            terms.append(f"resource {resource_text(signature)}")
        if tool is not None and tool.batched is not None:
            terms.append(f"up to {tool.batched.max_batch:,} in one request")
        if tool is not None:
            terms += trust_terms(tool)
        out.print(Text(f"    {safe_line(', '.join(terms))}", style="cyan"))
        about = [*argument_lines(signature), *form_lines(signature), *schema_lines(signature)]
        for line in safe("\n".join([signature.description, *about])).splitlines():
            out.print(Text(f"    {line}".rstrip()))
    if toolset.limits:
        out.print(Text("limits", style="bold"))
    for name, limit in toolset.limits.items():
        out.print(Text(f"    {safe_line(name)}: {limit_text(limit)}"))


def print_error(error: CommandError) -> None:
    """Say on standard error why there is no answer."""
    from rich.text import Text

    for diagnostic in error.diagnostics:
        print_diagnostic(diagnostic, error=True)
    out = console(sys.stderr)
    for id, outcome in error.outcomes.items():
        if isinstance(outcome, Failure) and outcome.kind != "items":
            for line in failure_lines(id, outcome):
                out.print(Text(safe_line(line), style="red"))
    prefix = () if error.code in (INTERRUPTED, SUSPENDED, WAITING) else (("error: ", "bold red"),)
    out.print(Text.assemble(*prefix, safe(str(error))))


def print_summary(view: RunView, timing: Timing, usage: Usage, rounds: int, cost: float) -> None:
    """Say on standard error what failed, how many calls were made and how long it took."""
    from rich.text import Text

    out = console(sys.stderr)
    for line in failures(view):
        out.print(Text(safe_line(line), style="red"))
    if view.fell_back:
        why = view.fell_back.partition("\n")[0]
        out.print(Text(safe_line(f"went on in turns of tool calls: {why}"), style="yellow"))
    out.print(Text(summary_text(timing, usage, rounds, cost), style="dim"))


@contextmanager
def traced(view: RunView, *, wanted: bool) -> Iterator[None]:
    """Print on standard error, once a run is over, where each of its failures came from, as Python does."""
    try:
        yield
    finally:
        if wanted:
            _print_tracebacks(view)


def _print_tracebacks(view: RunView) -> None:
    from rich.text import Text

    out = console(sys.stderr)
    for row in failed_rows(view):
        if row.failure is not None and (text := row.failure.traceback):
            out.print(Text(safe_line(f"{row.id}:"), style="bold red"))
            out.print(Text(safe(text.rstrip("\n"))))


def print_recorded(journal: Path | None, run: str) -> None:
    """Say on standard error where a run is recorded."""
    from rich.text import Text

    if journal is not None:
        console(sys.stderr).print(Text(safe_line(f"recorded: {command('show', run, journal=journal)}"), style="dim"))
