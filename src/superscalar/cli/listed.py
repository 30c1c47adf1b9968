"""The runs of a journal in a few words each: what is listed at once, however many there are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from superscalar.advice import command, naming, typed
from superscalar.cli.terminal import console, safe_line
from superscalar.journal import Journal, RunState, RunSummary
from superscalar.observe.wording import calls_text, counted
from superscalar.policy import Question
from superscalar.short import cut

COLOURS: Final[dict[RunState, str]] = {
    "running": "cyan",
    "waiting": "bold magenta",
    "not begun": "dim",
    "interrupted": "yellow",
    "answered": "green",
    "failed": "red",
    "stopped": "dim",
    "in doubt": "bold yellow",
}
WIDTH: Final = 160
"""Characters of a line where nobody looks at a terminal."""


def runs_document(journal: Journal, limit: int) -> dict[str, Any]:
    """The newest runs in a few words, and how many there are beside them. The rules of each are shown with it alone."""
    found = journal.runs(limit)
    documents = [summary_document(run) for run in found]
    for document in documents:
        document["about"].pop("guards", None)
    return {"journal": str(journal.path), "runs": documents, "more": max(len(journal) - len(found), 0)}


def summary_document(run: RunSummary) -> dict[str, Any]:
    """One run in a few words."""
    return {
        "id": run.id,
        "question": run.question,
        "state": run.state,
        "began": moment(run.began).isoformat(),
        "ended": None if run.ended is None else moment(run.ended).isoformat(),
        "tasks": run.tasks,
        "done": run.done,
        "failed": run.failed,
        "calls": dict(run.calls),
        "in_doubt": list(run.in_doubt),
        "asked": list(run.asked),
        "error": run.error,
        "about": dict(run.about),
    }


def print_runs(journal: Journal, limit: int) -> None:
    """A line for each of the newest runs, and how many more there are."""
    from rich.text import Text

    out = console(sys.stdout)
    width = out.width if out.is_terminal else WIDTH
    found = journal.runs(limit)
    if not found:
        out.print(Text(f"{safe_line(str(journal.path))} has no runs yet"))
        return
    longest = max(len(safe_line(run.id)) for run in found)
    for run in found:
        text = Text.assemble(
            (f"{safe_line(run.id):<{longest}}", "bold"),
            f"  {moment(run.began):%Y-%m-%d %H:%M:%S}  ",
            (f"{run.state:<11}", COLOURS[run.state]),
            f"  {_counts(run):<26}  ",
        )
        room = max(width - len(text.plain), 8)
        title = safe_line(run.question or f"plan: {', '.join(map(str, run.about.get('calls', ())))}")
        text.append(cut(title, room))
        out.print(text)
    if (more := len(journal) - len(found)) > 0:
        whole = typed("superscalar", "runs", "--limit", str(len(found) + more), *naming(journal.path))
        line = f"{counted(more, 'older run')}: {whole}"
        console(sys.stderr).print(Text(safe_line(line), style="dim"))
    if asking := [run.id for run in found if run.state == "waiting"]:
        line = f"see what one that waits asks: {command('approve', asking[0], journal=journal.path)}"
        console(sys.stderr).print(Text(safe_line(line), style="dim"))
    if cut_off := [run.id for run in found if run.state == "interrupted"]:
        line = f"go on with one that was interrupted: {going_on(journal, cut_off[0])}"
        console(sys.stderr).print(Text(safe_line(line), style="dim"))


def _counts(run: RunSummary) -> str:
    said = {} if run.state == "running" else {"running": "cut off"}
    parts = [f"{run.done:,} of {counted(run.tasks, 'task')}"] + ([f"{run.failed:,} failed"] if run.failed else [])
    if run.calls or not run.tasks:
        parts = [calls_text({said.get(became, became): number for became, number in run.calls.items()})]
    parts += [f"{len(run.asked):,} asked"] if run.asked else []
    parts += [f"{len(run.in_doubt):,} in doubt"] if run.in_doubt and run.state != "running" else []
    return ", ".join(parts)


def going_on(journal: Journal, id: str) -> str:
    """What to type to go on with a run: only a command that began it knows its tools."""
    began = "cli" in journal.about(id)
    if began:
        return command("resume", id, journal=journal.path)
    named = command("resume", id, "--agent", "FILE.py:NAME", journal=journal.path)
    return f"agent.resume({id!r}), with the agent that began it, or {named}"


def answering(journal: Journal, id: str, questions: Sequence[Question]) -> str:
    """What to type to say yes to what a run asks, or to the first of it."""
    named = [question.answered_by or "--plan" for question in questions[:3]]
    return command("approve", id, *named, journal=journal.path)


def moment(seconds: float) -> datetime:
    """A time of day, where this process is."""
    return datetime.fromtimestamp(seconds).astimezone()
