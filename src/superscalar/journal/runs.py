"""What a journal knows of its runs: their events as they were recorded, and a summary of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from superscalar import events as ev
from superscalar.events import Event
from superscalar.plan.ir import Call, walk
from superscalar.plan.ir.instances import is_of, templates
from superscalar.short import bounded
from superscalar.values import TaskId

RunState: TypeAlias = Literal[
    "running",  # a process is at work on it
    "waiting",  # a person is to answer what it asked (`superscalar approve`); nobody is at work on it
    "not begun",  # its process died before its plan was recorded: nothing of it ran, and nothing is there to resume
    "interrupted",  # it has no end, and nobody is at work on it: it can be resumed
    "answered",
    "failed",  # it ended with an error
    "stopped",  # it was cancelled
    "in doubt",  # it ended, and a write of it may or may not have happened
]


@bounded
@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in a journal: its number in the run (from 0), the time of day (Unix seconds), and the event."""

    seq: int
    at: float
    event: Event


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a few words.

    `began`, `ended`: Unix seconds. `tasks`: those that are known by now, `done` and `failed` those that settled so, be
    it that they were cancelled. `calls`: how many calls of tools were begun, by what became of them ("done", "failed",
    "cancelled", and "running" as long as the run has no end); empty if an older release counted. `in_doubt`: the writes
    that may or may not have happened. `about`: what the run was begun with. `asked`: the calls that wait for a person's
    answer; an empty id is the plan as a whole.
    """

    id: str
    question: str
    state: RunState
    began: float
    ended: float | None
    tasks: int
    done: int
    failed: int
    in_doubt: tuple[TaskId, ...]
    error: str
    about: Mapping[str, Any]
    asked: tuple[TaskId, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)


class Tally:
    """Counts what a summary says, event by event."""

    def __init__(self) -> None:
        self.ended = False
        self.error = ""
        self._planned = False  # a plan is recorded as a whole
        self._known: dict[TaskId, str] = {}  # what became of each task
        self._begun: dict[TaskId, str] = {}  # and of each call that was begun
        self._retired: set[TaskId] = set()
        self._writes: set[TaskId] = set()
        self._running: dict[TaskId, None] = {}  # writes
        self._doubtful: dict[TaskId, None] = {}
        self._asked: dict[TaskId, None] = {}

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        if isinstance(event, ev.Planned):
            self._plan(event)
        elif isinstance(event, ev.Started):
            self._begun[event.id] = ""
            if self._writes and self.is_write(event.id):
                self._running[event.id] = None
        elif isinstance(event, ev.Succeeded):
            self._settle(event.id, "done")
        elif isinstance(event, ev.Failed):
            self._settle(event.id, "failed")
            if event.failure.kind == "cancelled" and event.id in self._begun:
                self._begun[event.id] = "cancelled"
            if event.failure.in_doubt:
                self._doubtful[event.id] = None
        elif isinstance(event, ev.Retrying):
            self._running.pop(event.id, None)
            if event.failure.in_doubt:
                self._doubtful[event.id] = None
        elif isinstance(event, ev.Cancelled):
            if event.id in self._begun:  # else it was retired before it was cancelled
                self._begun[event.id] = "cancelled"
        elif isinstance(event, ev.Skipped):
            self._settle(event.id, "skipped")
        elif isinstance(event, ev.Decided):
            if event.decision == "ask":
                self._asked[event.id] = None
        elif isinstance(event, ev.Approved):
            self._asked.pop(event.id, None)
        elif isinstance(event, ev.Unneeded):
            for id in event.ids if self._asked else ():  # if that changes, it is asked about anew
                self._asked.pop(id, None)
        elif isinstance(event, ev.Retired):
            self._retired.update(event.ids)
            self._known = {id: became for id, became in self._known.items() if not is_of(id, self._retired)}
            self._begun = {id: became for id, became in self._begun.items() if not is_of(id, self._retired)}
            self._asked = {id: None for id in self._asked if not is_of(id, self._retired)}
        elif isinstance(event, ev.Sealed):
            self._planned = True
        elif isinstance(event, ev.PlanAsked):
            self._planned = True
            self._asked[""] = None
        elif isinstance(event, ev.PlanApproved):
            self._asked.pop("", None)
        elif isinstance(event, ev.RunStarted):
            self.ended, self.error = False, ""
        elif isinstance(event, ev.RunEnded):
            self.ended, self.error = True, event.error
            self._asked.clear()

    def _plan(self, event: ev.Planned) -> None:
        self._known[event.task.id] = ""
        for task in walk((event.task,)):
            if isinstance(task.work, Call) and task.work.effect == "write":
                self._writes.add(task.id)

    def _settle(self, id: TaskId, became: str) -> None:
        if not self._retired or not is_of(id, self._retired):
            self._known[id] = became
            if id in self._begun:
                self._begun[id] = became
        if self._asked:
            self._asked.pop(id, None)
        if self._writes:
            self._running.pop(id, None)
            self._doubtful.pop(id, None)

    def is_write(self, id: TaskId) -> bool:
        """Whether this task instance calls a tool that writes."""
        return id in self._writes or any(template in self._writes for template in templates(id))

    def document(self) -> dict[str, Any]:
        """The counts as JSON data."""
        return {
            "tasks": len(self._known),
            "done": sum(became == "done" for became in self._known.values()),
            "failed": sum(became == "failed" for became in self._known.values()),
            "in_doubt": list({**self._doubtful, **self._running}),
            "error": self.error,
            "asked": list(self._asked),
            "calls": Counter(became or ("cancelled" if self.ended else "running") for became in self._begun.values()),
            "planned": self._planned,
        }


def state_of(counts: Mapping[str, Any], about: Mapping[str, Any], *, ended: bool, held: bool) -> RunState:
    """How a run stands that was begun with `about`: one that answers a question can be planned anew, and no other."""
    if not ended:
        if not (held or counts.get("planned", True) or about.get("kind") == "answer"):
            return "not begun"
        return "running" if held else "waiting" if counts["asked"] else "interrupted"
    if counts["in_doubt"]:
        return "in doubt"
    if counts["error"]:
        return "stopped" if counts["error"] == "cancelled" else "failed"
    return "answered"
