"""What the runs of a journal come to."""

from __future__ import annotations

from typing import Any

from superscalar.journal import Journal
from superscalar.observe.view import RunView
from superscalar.schedule.state import Schedule
from support.random_values import anatomy

HOLDER = ", holder=Holder(kind='list', keys=(), adrift=())"
"""A field that a later release added, as it is where nothing was recorded."""

RULES = ", rules=()"
"""Another one."""

OF_TASKS = (", ok_of=None", ", enters=False", ", given_for=None")
"""And some of maps, of calls and of what is computed."""

BY_HAND = {"each"}  # one event of every kind: no story that could be folded


def told(journal: Journal) -> dict[str, Any]:
    """What the runs of a journal come to, as JSON data: their outcomes, types included, and what is said of them."""
    found: dict[str, Any] = {"durations": journal.durations()}
    for summary in journal.runs():
        schedule, view = Schedule(), RunView()
        for record in journal.read(summary.id):
            view.apply(record.event)
            if summary.id not in BY_HAND:
                schedule.apply(record.event)
        if summary.id not in BY_HAND:
            schedule.check()
        found[summary.id] = {
            "state": summary.state,
            "counts": [summary.tasks, summary.done, summary.failed],
            "in_doubt": list(summary.in_doubt),
            "outcomes": {id: _shown(outcome) for id, outcome in schedule.outcomes().items()},
            "rows": [f"{row.id} {row.state} {row.value}" for row in view.rows()],
            "events": [_shown(record.event) for record in journal.read(summary.id)],
        }
    return found


def _shown(what: Any) -> str:
    """The anatomy of an outcome or event, as it was before outcomes said what their items are in."""
    text = repr(anatomy(what)).replace(HOLDER.replace("'", "\\'"), HOLDER)
    for flag in ("True", "False"):
        text = text.replace(f"by_guard={flag}, items=None{HOLDER}", f"by_guard={flag}")
    for field in (HOLDER, RULES, *OF_TASKS):
        text = text.replace(field, "")
    return text
