"""What is printed when a command is over: the answer, what failed, where the time went; or the error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from superscalar.advice import command
from superscalar.cli.documents import limit_text, resource_text, signature_text, trust_terms
from superscalar.cli.failures import INTERRUPTED, SUSPENDED, WAITING, CommandError
from superscalar.cli.terminal import console, counted, duration, json_text, safe, safe_line
from superscalar.cli.wording import tokens_text
from superscalar.compiler.result import RunResult
from superscalar.observe.timing import Timing
from superscalar.observe.view import RunView
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.planner import argument_lines, form_lines, schema_lines
from superscalar.tools import Toolset
from superscalar.values import Usage, plain

_MOST = 10  # failures said one by one


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
    prefix = () if error.code in (INTERRUPTED, SUSPENDED, WAITING) else (("error: ", "bold red"),)
    out.print(Text.assemble(*prefix, safe(str(error))))


def print_summary(view: RunView, timing: Timing, usage: Usage, rounds: int, cost: float) -> None:
    """Say on standard error what failed, how many calls were made and how long it took."""
    from rich.text import Text

    out = console(sys.stderr)
    for line in failures(view):
        out.print(Text(line, style="red"))
    out.print(Text(summary(timing, usage, rounds, cost), style="dim"))


def print_recorded(journal: Path | None, run: str) -> None:
    """Say on standard error where a run is recorded."""
    from rich.text import Text

    if journal is not None:
        console(sys.stderr).print(Text(safe_line(f"recorded: {command('show', run, journal=journal)}"), style="dim"))


def summary(timing: Timing, usage: Usage, rounds: int, cost: float = 0.0) -> str:
    """`14 calls in 3.10 s (15.0 s one after another), 6.41 s in all, 1,020 tokens`."""
    parts = []
    if timing.calls:
        alone = f" ({duration(timing.one_after_another)} one after another)" if timing.calls > 1 else ""
        parts.append(f"{counted(timing.calls, 'call')} in {duration(timing.tools)}{alone}")
    parts.append(f"{duration(timing.total)} in all")
    if usage.input_tokens or usage.output_tokens:
        parts.append(tokens_text(usage))
    if cost:
        parts.append(f"cost {cost:.4g}")
    if rounds > 1:
        parts.append(counted(rounds, "round"))
    return ", ".join(parts)


def failures(view: RunView) -> Iterator[str]:
    """A line for each task that failed of itself; a map is told by its items, and what hands it on not at all."""
    rows = [row for row in view.rows() if row.state == "failed" and row.failure]
    told = [row.failure for row in rows if row.kind != "compute"]
    failed = [
        row
        for row in rows
        if row.failure and (row.failure.kind != "items" or (row.kind == "compute" and row.failure not in told))
    ]
    for row in failed[:_MOST]:
        yield safe_line(f"failed: {row.id}  {row.failure}")
    if len(failed) > _MOST:
        yield f"failed: {len(failed) - _MOST:,} more"
