"""The facts of a run: a page with each event, when it comes, what it holds, and what to do with it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from superscalar import events

EVENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "A run as a whole": {
        "RunStarted": "Begin a view, a trace or a row of a log with it.",
        "Resumed": "Show `rules`: under what it goes on that it was not begun under. Drop what a view has of attempts under way.",
        "DeadlinePassed": "Nothing: what is cut off follows as `Failed` with the kind `deadline`, and the answer is made of the rest.",
        "BudgetSpent": "Tell whoever pays; raise the budget if it is too small.",
        "RunEnded": "Close what `RunStarted` opened. It is the last event. A run that was suspended has none.",
    },
    "Planning": {
        "RoundStarted": "Begin a new plan in a view.",
        "ToolsShown": "Log it. Where a plan lacks a tool that it needs, pin that tool, or raise `max_prompt_tokens=`; where something was cut, look at what the server says.",
        "PlanWritten": "Append it to what is shown of the plan; nothing is to be parsed there, since `Planned` has the tasks.",
        "Thought": "Show it apart from plan and answer, or not at all.",
        "Withdrawn": "Take back what is shown of this reply of the model with that `role`.",
        "Diagnosed": "Show it. An error goes back to the planner: nothing is to be done unless the run fails with a `PlanError`.",
        "Repairing": "Drop the diagnostics before it. Where it comes often, see what of the tools' declarations misleads the planner.",
        "FellBack": "Show it, and alert where it comes often: plans are not what answers then. Turns of tool calls follow, each as a round.",
        "Planned": "Add a row for the task; its calls follow as events with its `id`.",
        "Ordered": "Sort the rows by it.",
        "PlanAsked": "Show the plan to whoever is to approve of it: `journal.approve`, `superscalar approve`, or the `approve=` callback.",
        "PlanApproved": "Nothing; a first plan that is refused ends the run with `NotApproved`.",
        "Sealed": "Nothing: from here on the number of tasks of this round is known, and its writes may begin.",
        "Retired": "Take these rows out. Show `dropped`, if it is not empty: a write that was planned is planned no more.",
    },
    "Tasks": {
        "Expanded": "Add a row for each item, or a count.",
        "Wanted": "Nothing; a progress of `first` is out of so many.",
        "Won": "Nothing; the value follows as `Succeeded`.",
        "Resolved": "Nothing; it says what an access waits for.",
        "Shared": "Show that task `of` does the work of this one.",
        "Unneeded": "Show them as not needed; they may come back (`Revived`).",
        "Revived": "Show them as waiting again.",
        "Cancelled": "Show it as not needed: it is no failure.",
        "Succeeded": "Close the row. The value is there in full.",
        "Failed": "Close the row, and see [what the kind of its failure means](failures.md).",
        "Skipped": "Close the row; `because` is the task to look at, and `by_guard` is no failure.",
    },
    "Calls of tools": {
        "Waiting": "Show what it waits for. Where it comes often, the limit is what a run takes its time for.",
        "Started": "Begin a span with the tool and its arguments, which may be personal data.",
        "Progressed": "Show it; it is in no journal.",
        "Charged": "Nothing: `result.cost` has the sum.",
        "Retrying": "Log it with its failure; the attempt before it has ended.",
        "Throttled": "Log it: a provider allows less than the `Limit` that was declared. Declare what it allows.",
        "Judged": "Nothing; it is what `resolve=` answered about a write in doubt.",
    },
    "Rules and approvals": {
        "Decided": "Keep it where it is no `allow`: it is the record of what a rule refused, let pass with a warning, or asked about.",
        "Approved": "Keep it: it is the record of who allowed what.",
    },
    "The answer": {
        "JoinStarted": "Show that the answer is being written; begin its text anew.",
        "AnswerWritten": "Append it to the answer that is shown; see [an answer while it is written](models.md#an-answer-while-it-is-written).",
        "AnswerRejected": "Clear the answer that is shown.",
        "AnswerCut": "Clear the answer that is shown, once the next piece comes; where none does, `result.partial` has what there is.",
        "Joined": "Show this in the place of the pieces: it is the answer.",
        "Replanned": "Clear the answer that is shown; another round follows.",
    },
    "Models": {
        "ModelAsked": "Begin a span with the model's name.",
        "ModelWaiting": "Show what it waits for. Where it comes often, runs take their time for what the model's provider allows.",
        "ModelFailed": "Show it, and alert where it comes often: the fallback answers, and not the model that was meant.",
        "ModelPreparing": "Show it until the model writes.",
        "ModelUsed": "End the span; add up tokens and cost by `role`.",
    },
}
"""What to do with each event, in groups."""


def page() -> str:
    """`docs/events.md`."""
    lines = [
        "# Events",
        "",
        "Every fact of a run is one event: `async for event in agent.stream(question)`, `result.events`, [observers](observers.md), and",
        '`Journal("runs.db").read(run_id)`. The classes are in `superscalar.events`; type checkers know them as frozen, and `match` reads them. `superscalar.codec.to_json(event)` is',
        "the JSON that a journal has of one; classes and fields are only ever added, with defaults.",
        "",
        "`at` is in seconds of the event loop's clock: differences are durations. `id` is a [task](language.md), and items of loops have theirs (`prices[0]`).",
    ]
    for title, named in EVENTS.items():
        lines += ["", f"## {title}"]
        for name, do in named.items():
            kind = getattr(events, name)
            held = ", ".join(f"`{field.name}: {field.type}`" for field in fields(kind))
            lines += ["", f"### {name}", "", inspect.cleandoc(kind.__doc__ or ""), "", held, "", f"*What to do:* {do}"]
    return "\n".join(lines) + "\n"
