"""What happens in a run, told line by line: for logs and pipes, and for a page that shows them."""

from __future__ import annotations

from collections.abc import Iterator

from superscalar import events as ev
from superscalar.observe.view import RunView
from superscalar.observe.wording import call_of, counted, duration, left_out, note_of, tools_shown_text


class Account:
    """Tells a run in lines: a word each, and what it is about. What a model writes is told by whole lines."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._begun = ""
        self._thinking = ""
        self._preparing = ""
        self._withheld: set[str] = set()

    def of(self, event: ev.Event) -> Iterator[tuple[str, str]]:
        """What the event means to a person, if anything; the view has been told of it."""
        match event:
            case ev.ModelPreparing(_, role, what, fraction) if what != self._preparing or fraction >= 1:
                self._preparing = what
                yield role, f"{what} {fraction:.0%}"
            case ev.ModelAsked(_, role, _, _, withheld):
                yield from ((role, why) for why in withheld if why not in self._withheld)
                self._withheld |= set(withheld)
            case ev.ModelWaiting(_, role, model, limits, why):
                yield role, f"{model} waits for {', '.join(limits)}{f': {why}' if why else ''}"
            case ev.ModelFailed(_, role, model, why):
                yield role, f"{model} does not answer: {why}"
            case ev.Resumed(rules=rules):
                yield from (("rules", line) for line in rules)
                yield from self._flushed()
                yield "resumed", "another process goes on from here"
            case ev.Decided(_, id, "ask" | "warn" as decision, _, reason):
                word = "asked" if decision == "ask" else "warning"
                yield word, "  ".join((id, call_of(self._view.row(id)), reason))
            case ev.Approved(_, id, approved, by):
                yield _answer(approved), f"{id}  {f'by {by}' if by else ''}".rstrip()
            case ev.PlanAsked(_, writes):
                yield from self._flushed()
                yield "asked", f"the plan waits for approval, with {counted(len(writes), 'write')}"
            case ev.PlanApproved(_, approved, by):
                yield _answer(approved), f"the plan  {f'by {by}' if by else ''}".rstrip()
            case ev.Judged(_, id, _, verdict):
                yield "judged", f"{id}  {verdict}"
            case ev.ToolsShown(_, shown, of, cut):
                yield "tools", tools_shown_text(len(shown), of, cut)
            case ev.PlanWritten(_, text):
                yield from self._thought()
                *whole, self._begun = (self._begun + text).split("\n")
                yield from (("plan", line) for line in whole if line.strip())
            case ev.Thought(_, _, text):
                *whole, self._thinking = (self._thinking + text).split("\n")
                yield from (("thought", line) for line in whole if line.strip())
            case ev.Withdrawn():
                self._begun = ""
                yield "thought", "what was written so far was one"
            case ev.Diagnosed(_, problem):
                yield problem.severity, f"{problem.span.line}: {problem.code} {problem.message}"
            case ev.Repairing(_, attempt):
                yield from self._flushed()
                yield "repair", f"the errors went back to the planner (attempt {attempt})"
            case ev.FellBack(_, way, why):
                yield from self._flushed()
                yield "fallback", f"it goes on in turns ({way}): {why.partition(chr(10))[0]}"
            case ev.Retired(_, ids, why, dropped):
                yield "retired", f"{', '.join(ids)}: {why}{left_out(dropped)}"
            case ev.Sealed():
                yield from self._flushed()
                yield "sealed", "the plan is complete"
            case ev.Throttled(_, limit, delay):
                yield "throttled", f"{limit}: its provider refused a call, so nothing starts for {delay:.1f} s"
            case ev.BudgetSpent(_, budget, used, limit):
                yield "budget", f"{budget}={limit:.10g} is spent ({used:.10g} used): what goes beyond it is not begun"
            case ev.DeadlinePassed():
                yield "deadline", "passed: what is unfinished is being cancelled"
            case ev.AnswerWritten() | ev.Joined():
                yield from self._thought()
            case ev.JoinStarted():
                yield "joining", "the answer is being written"
            case ev.AnswerRejected(_, attempt, why):
                yield from self._thought()
                yield "rejected", f"what the joiner wrote is not the answer (attempt {attempt}): {why}"
            case ev.Replanned(_, reason):
                yield from self._thought()
                yield "replan", reason
            case ev.RunEnded(_, error) if error:
                yield "stopped", error
            case ev.Expanded() | ev.Waiting() | ev.Started() | ev.Progressed() | ev.Retrying():
                yield from self._row(event)
            case ev.Cancelled() | ev.Succeeded() | ev.Failed() | ev.Skipped():
                yield from self._row(event)
            case _:
                return

    def so_far(self) -> str:
        """Nothing: every call is told."""
        return ""

    def _row(self, event: ev.TaskEvent) -> Iterator[tuple[str, str]]:
        row = self._view.row(event.id)
        if row.quiet or (row.state == "skipped" and row.by_guard):
            return
        word = {"ready": "waiting", "running": "started"}.get(row.state, row.state)
        if isinstance(event, ev.Progressed):
            word = "progress"
        took = f"{duration(row.seconds)}" if row.state in ("done", "failed") and row.seconds is not None else ""
        call = call_of(row) if word in ("started", "waiting") else ""  # said once
        yield word, "  ".join(part for part in (row.id, call, took, note_of(row)) if part)

    def _flushed(self) -> Iterator[tuple[str, str]]:
        yield from self._thought()
        if self._begun.strip():
            yield "plan", self._begun
        self._begun = ""

    def _thought(self) -> Iterator[tuple[str, str]]:
        if self._thinking.strip():
            yield "thought", self._thinking
        self._thinking = ""


def _answer(approved: bool) -> str:
    return "approved" if approved else "refused"
