"""Recorded runs as text and as JSON documents. What is stored in them is shown, and never obeyed by a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from superscalar import events as ev
from superscalar.cli.listed import COLOURS, WIDTH, answering, going_on, moment, summary_document
from superscalar.cli.report import print_answer
from superscalar.cli.terminal import console, safe, safe_line
from superscalar.compiler.result import Outcomes, RunResult, result_document
from superscalar.errors import IllegalEvent, JournalError
from superscalar.journal import Journal, Recorded, RunState, RunSummary
from superscalar.observe.rows import Row
from superscalar.observe.timeline import on_one_clock
from superscalar.observe.view import RunView
from superscalar.observe.wording import call_of, duration, event_text, note_of
from superscalar.plan import LANGUAGE
from superscalar.plan.ir import Plan
from superscalar.plan.print.program import print_plan
from superscalar.schedule.ledger import Ledger
from superscalar.short import cut
from superscalar.tools.trust import remembered
from superscalar.values import Usage, plain, record_fields


class Folded:
    """A run as its events tell it: the ledger after them, and what a person sees of it.

    Raises:
        JournalError: the events contradict each other, so they are not what a run recorded.
    """

    def __init__(self, journal: Journal, run: str) -> None:
        self.events = tuple(on_one_clock([record.event for record in journal.read(run)]))
        self.summary = journal.summary(run)
        self.view = RunView()
        for event in self.events:
            self.view.apply(event)
        try:
            about = self.summary.about
            self.ledger = Ledger.of(self.events, remembered(about.get("declared", {})), prices=about.get("prices", {}))
        except IllegalEvent as error:
            why = f"what is recorded of run {run} contradicts itself: {error}"
            raise JournalError(str(journal.path), why) from error
        self.tasks = list(self.ledger.tasks)
        self.outcomes = Outcomes(self.ledger.schedule.outcomes(), self.tasks)

    @property
    def answers(self) -> bool:
        """Whether the run answers a question; else it runs a plan."""
        return self.summary.about.get("kind") == "answer"

    @property
    def answer(self) -> Any:
        """What the joiner said; without one, the value of the last `join(...)`, None if there is none yet."""
        joins = self.answers and self.summary.about.get("joiner") is not None
        return self.outcomes.joined if self.view.ended and not joins else self.view.answer

    @property
    def result(self) -> RunResult:
        """What the run has come to so far."""
        return RunResult(
            answer=self.answer,
            plan=Plan(tuple(self.tasks)),
            outcomes=self.outcomes,
            usage=sum(self.view.usage.values(), Usage()),
            cost=self.ledger.spending.usage.cost,
            rounds=max(len(self.ledger.rounds), 1),
            run_id=self.summary.id,
            messages=(),
            events=self.events,
            partial=self.view.answer_text.strip() if self.view.cut else "",
            cut=self.view.cut,
        )


# ---------------------------------------------------------------------------------------------------------- documents


def run_document(journal: Journal, id: str, recorded: Iterable[Recorded]) -> dict[str, Any]:
    """One run, with what became of every task; with its events, if they are given."""
    folded = Folded(journal, id)
    summary = folded.summary
    result = result_document(folded.result, answers=folded.answers)
    document = summary_document(summary) | {
        "plan": print_plan(folded.tasks),
        "written": folded.view.plan_text,
        "answer": plain(folded.answer),
        "failures": summary.failed,
        **result,
        "failed": result["failed"] or bool(summary.error),
    }
    if events := [_event_document(record) for record in recorded]:
        document["events"] = events
    return document


def _event_document(record: Recorded) -> dict[str, Any]:
    event = record.event
    fields = record_fields(event) or {}
    if isinstance(event, ev.Planned):
        fields["task"] = print_plan((event.task,))
    return {"seq": record.seq, "time": moment(record.at).isoformat(), "event": type(event).__name__, **plain(fields)}


# --------------------------------------------------------------------------------------------------------------- text


def print_run(journal: Journal, id: str) -> None:
    """Everything about a run that a person wants to know."""
    from rich.text import Text

    out = console(sys.stdout)
    folded = Folded(journal, id)
    summary = folded.summary
    out.print(
        Text.assemble(("run ", "bold"), (safe_line(id), "bold"), "  ", (summary.state, COLOURS[summary.state])), end=""
    )
    out.print(Text(f"  {safe_line(summary.error)}" if summary.error else ""))
    for name, said in _about(summary):
        out.print(Text.assemble((f"{name:<10}", "dim"), safe_line(said)))
    for role, model in folded.view.stood_in.items():
        out.print(Text.assemble((f"{safe_line(role):<10}", "dim"), safe_line(f"{model}, in the place of another")))
    if why := folded.view.fell_back.partition("\n")[0]:
        out.print(Text.assemble(("in turns  ", "dim"), safe_line(why)))
    for why in folded.view.withheld:
        out.print(Text.assemble(("withheld  ", "dim"), safe_line(why.removeprefix("withheld: "))))
    if folded.tasks:
        _title("plan")
        for line in safe(print_plan(folded.tasks)).splitlines():
            out.print(Text(f"  {line}"))
        _title("tasks")
        rows = list(folded.view.rows())
        widest = min(max(len(safe_line(row.id)) + 2 * (row.within is not None) for row in rows), 30)
        for row in rows:
            out.print(_line(row, widest, summary.state))
    if summary.in_doubt and summary.state != "running":
        _title("in doubt")
        for doubtful in summary.in_doubt:
            row = folded.view.row(doubtful)
            out.print(
                Text(
                    safe_line(f"  {row.id}: {row.tool}({row.arguments}) may have happened; look before you do it again")
                )
            )
    if questions := journal.questions(id) if summary.state == "waiting" else ():
        _title("waits for an answer")
        for question in questions:
            for line in safe(str(question)).splitlines():
                out.print(Text(f"  {line}"))
    if folded.answer is not None:
        _title("answer")
        print_answer(folded.answer)
    if summary.state == "waiting":
        out.print(Text(safe_line(f"answer: {answering(journal, id, questions)}"), style="dim"))
    if summary.state == "not begun":
        said = "its process died before its plan was recorded, so nothing of it ran: run the plan again"
        out.print(Text(said, style="dim"))
    if summary.state == "interrupted":
        out.print(Text(safe_line(f"go on with it: {going_on(journal, id)}"), style="dim"))


def _title(text: str) -> None:
    from rich.text import Text

    console(sys.stdout).print(Text(f"\n{text}", style="bold"))


def _about(summary: RunSummary) -> Iterator[tuple[str, str]]:
    if summary.question:
        yield "question", summary.question
    if files := summary.about.get("files"):
        yield "files", ", ".join(map(str, files))
    took = "" if summary.ended is None else f", took {duration(summary.ended - summary.began)}"
    yield "began", f"{moment(summary.began):%Y-%m-%d %H:%M:%S}{took}"
    if model := summary.about.get("model"):
        yield "model", str(model)
    if tools := summary.about.get("tools"):
        yield "tools", ", ".join(map(str, tools))
    if rules := "; ".join(_rules(summary.about.get("guards"))):
        yield "rules", rules
    language = summary.about.get("language", 1)
    planned = "" if language == LANGUAGE else f", in version {safe_line(str(language))} of the plan language"
    yield "recorded", f"by superscalar {summary.about.get('version', '(unknown)')}{planned}"


def _rules(guards: Any) -> Iterator[str]:
    """Under which rules a run was begun, as far as they are its own; what cannot be read is not told."""
    said = guards if isinstance(guards, dict) else {}
    if (mode := said.get("policy", "enforce")) != "enforce":
        yield f"policy {mode}"
    rules = said.get("policy.rules")
    for rule in rules if isinstance(rules, list) else ():
        yield ".".join(map(str, rule[:2])) if isinstance(rule, list) else str(rule)
    if said.get("approve_plan"):
        yield "plans are approved"
    if (replan := said.get("replan", "read-only")) != "read-only":
        yield f"replan {replan}"


def _line(row: Row, widest: int, run: RunState) -> Any:
    from rich.text import Text

    over = run not in ("running", "waiting", "interrupted", "not begun")
    unfinished = run != "running" and row.state in ("running", "retrying", "ready")
    state = ("cut off" if row.started is not None else "not begun") if unfinished else row.state
    colour = {"done": "green", "failed": "red", "cut off": "yellow", "asked": "magenta"}.get(state, "dim")
    name = ("  " if row.within is not None else "") + safe_line(row.id)
    took = duration(row.seconds) if row.seconds is not None and row.kind == "call" and not unfinished else ""
    said = "  ".join(part for part in (call_of(row), "" if unfinished else note_of(row, over=over), took) if part)
    return Text.assemble(f"  {name:<{widest}}  ", (f"{state:<9}", colour), f"  {cut(safe_line(said), 500)}")


def print_events(recorded: Iterable[Recorded]) -> None:
    """A line for every event: its number, the time of day, its kind, and what it says."""
    from rich.text import Text

    out = console(sys.stdout)
    width = out.width if out.is_terminal else WIDTH * 2
    for record in recorded:
        head = f"{record.seq:>6}  {moment(record.at):%H:%M:%S.%f}"[:-3]
        text = f"{head}  {type(record.event).__name__:<14}  {safe_line(event_text(record.event))}".rstrip()
        out.print(Text(cut(text, width)))
