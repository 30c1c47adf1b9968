"""What an earlier process had said with the planner of a run. What else it had come to is in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from superscalar import events, planner
from superscalar.attachments import Attachment
from superscalar.compiler.recording import history_of
from superscalar.models.base import Message
from superscalar.plan.ir import Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.instances import is_of
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.adopt import can_go_on, without_join
from superscalar.plan.read.fronts.detect import Syntax, front_of
from superscalar.schedule.ledger import Ledger, Round
from superscalar.secrets import lacks_secret
from superscalar.short import LONGEST
from superscalar.values import Failure, Outcome, TaskId

ANEW: Final = "the process died before its text was whole, and it is planned anew"
_DIED: Final = "the process died before its end was recorded"


@dataclass(slots=True)
class Dialogue:
    """What was said with the planner in one round of a run, and how that went on.

    `problems`: the errors of the planner's last reply. `sent`: those of the one before, which went back to it. `cut`:
    why that reply is not whole, as far as is recorded. `outcomes`: of all tasks, when it was planned again.
    """

    round: Round
    events: list[events.Event] = field(default_factory=list)
    turns: list[Message] = field(default_factory=list)
    writing: list[str] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    sent: list[Diagnostic] = field(default_factory=list)
    cut: str = ""
    replanned: str | None = None
    outcomes: Mapping[TaskId, Outcome] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether its plan is complete: sealed, or shown to whoever approves it."""
        return self.round.sealed or self.round.asked

    @property
    def is_begun(self) -> bool:
        """Whether the planner wrote anything of it."""
        return bool(self.round.tasks or self.writing or self.turns or self.problems)

    @property
    def stands(self) -> list[Task]:
        """What there is of it when the planner is asked for the rest.

        A `join` is among it only where a reply with errors went back, or is to: another program, or the end of a
        thought, may have followed it.
        """
        return self.round.tasks if self.sent or self.problems else without_join(self.round.tasks)

    @property
    def may_stand(self) -> bool:
        """Whether the planner can be asked for the rest of it."""
        return can_go_on(self.round.tasks) and bool(self.stands or not self.round.tasks)

    def forget(self) -> None:
        """Go on as if nothing had been written of it."""
        for said in (self.turns, self.writing, self.problems, self.sent):
            said.clear()


class Past:
    """What is `recorded` of a run that is to go on, and `about` it. It hears each event when the ledger has it.

    `list_tools`: what its planner is told of tools, by its question and what was said before. `joined`: the answer, and
    `joins`: a joiner gave it. `files`: those that came with the question. `planned` and `turned`: the rounds of plans,
    and the turns that it fell back to, if it did. `guards`: what has changed of those that it was begun under, in
    words.
    """

    def __init__(
        self,
        recorded: Iterable[events.Event],
        about: Mapping[str, Any],
        syntax: Syntax,
        list_tools: Callable[[str, Sequence[Message]], planner.ToolListing],
    ) -> None:
        self.recorded = tuple(recorded)
        self.about = about
        self.question = str(about.get("question", ""))
        self.said = history_of(about)
        self.listing = list_tools(self.question, self.said)
        self.answers = about.get("kind") == "answer"
        self.joins = about.get("joiner", "") is not None
        self.guards: tuple[str, ...] = ()
        self.started = False
        self.files: tuple[Attachment, ...] = ()
        self.rounds: list[Dialogue] = []
        self.joined: events.Joined | None = None
        self._fell_back: int | None = None  # how many rounds there were when it did
        self._syntax = syntax

    @property
    def last(self) -> Dialogue | None:
        """Its last round, if there was one."""
        return self.rounds[-1] if self.rounds else None

    @property
    def fell_back(self) -> bool:
        """Whether a plan could not be mended, and it goes on in turns."""
        return self._fell_back is not None

    @property
    def planned(self) -> list[Dialogue]:
        """The rounds of plans."""
        return self.rounds[: self._fell_back]

    @property
    def turned(self) -> list[Dialogue]:
        """The turns that it fell back to."""
        return [] if self._fell_back is None else self.rounds[self._fell_back :]

    @property
    def tasks(self) -> list[list[Task]]:
        """The tasks of each round."""
        return [one.round.tasks for one in self.rounds]

    @property
    def refused(self) -> bool:
        """Whether somebody said no to a plan."""
        return any(one.round.approved is not None and not one.round.approved.approved for one in self.rounds)

    @property
    def failed(self) -> set[tuple[str, str, str]]:
        """The calls that had failed when it was planned again."""
        return {call for one in self.rounds if one.replanned is not None for call in tried_in(one.events)[0]}

    def hear(self, event: events.Event, ledger: Ledger) -> None:
        """Take in an event that the ledger has just taken in."""
        if isinstance(event, events.RunStarted):
            self.started = True
            self.files = event.files
        elif isinstance(event, events.RoundStarted) or (not self.rounds and not isinstance(event, events.Resumed)):
            self.rounds.append(Dialogue(ledger.round))
        if self.rounds:
            self.rounds[-1].events.append(event)
            self._hear(event, self.rounds[-1], ledger)

    def _hear(self, event: events.Event, last: Dialogue, ledger: Ledger) -> None:
        match event:
            case events.PlanWritten(text=text):
                last.writing.append(text)
                last.cut = _DIED
            case events.Withdrawn(role="planner"):
                last.writing.clear()
                last.cut = ""
                last.problems.clear()
            case events.Diagnosed(diagnostic=problem) if problem.severity == "error":
                last.problems.append(problem)
            case events.Repairing(cut=cut) if cut and (last.round.tasks or not last.problems):
                text = "".join(last.writing)
                last.writing.clear()
                last.turns += rest_of(text, last.round.tasks, last.problems, self._syntax, self.listing)
                last.sent, last.problems, last.cut = last.problems, [], cut
            case events.Repairing():
                last.cut = ""
                last.turns += _written(last)
                asked = planner.repair_message(last.problems, self._syntax)
                last.turns.append(Message("user", self.listing.meant(last.problems, asked)))
                last.sent, last.problems = last.problems, []
            case events.Retired(why=why) if why == ANEW:
                last.forget()
                self.listing.forget()
            case events.FellBack():
                self._fell_back = len(self.rounds)
            case events.PlanAsked() | events.Sealed():
                last.turns += _written(last)
            case events.Joined(answer=answer) if not lacks_secret(answer):
                self.joined = event
            case events.Replanned(reason=reason):
                last.outcomes = ledger.schedule.outcomes()
                last.replanned = reason


def _written(last: Dialogue) -> Iterator[Message]:
    text = "".join(last.writing)
    last.writing.clear()
    if text:
        yield Message("assistant", text)


def rest_of(
    text: str, planned: Sequence[Task], problems: Sequence[Diagnostic], syntax: Syntax, listing: planner.ToolListing
) -> list[Message]:
    """The turns that ask for the rest of a plan that was cut; none where nothing of it is there.

    `text`: the reply as far as it came, empty if it is not there any more; what can be gone on from is shown.
    """
    kept = front_of(syntax).kept
    shown = print_plan(planned) if kept is None or not text or problems else kept(text)
    if not shown:
        return []
    asked = listing.meant(problems, planner.resume_message(problems, syntax))
    return [Message("assistant", shown), Message("user", asked)]


def tried_in(round: Iterable[events.Event]) -> tuple[set[tuple[str, str, str]], bool]:
    """The calls that failed in a round, with arguments and message, and whether any succeeded."""
    tried: set[tuple[str, str, str]] = set()
    called: dict[str, tuple[str, str]] = {}
    fresh = False
    happened = list(round)
    retired = {id for event in happened if isinstance(event, events.Retired) for id in event.ids}
    for event in happened:
        match event:
            case events.Started(id=id) if retired and is_of(id, retired):
                pass  # it is no result
            case events.Started(id=id, tool=tool, arguments=arguments):
                called[id] = (tool, _told_apart(arguments))
            case events.Failed(id=id, failure=Failure(message=message)) if id in called:
                tried.add((*called.pop(id), message))
            case events.Succeeded(id=id) if id in called:
                fresh = True
    return tried, fresh


def _told_apart(arguments: Mapping[str, Any]) -> str:
    """A text that is the same for the same arguments. Those that cannot be shown are like no others."""
    try:
        text = repr(arguments)
        return text if len(text) <= LONGEST else hashlib.blake2b(text.encode("utf-8", "surrogatepass")).hexdigest()
    except Exception:  # noqa: BLE001 -- the repr of what a tool returned is its own code
        return f"<{id(arguments)}>"
