"""Turns: a model calls tools, reads what these came to, and goes on until it answers. Each is a round of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain

from superscalar import events
from superscalar.attachments import Attachment
from superscalar.compiler.attaching import ROOM
from superscalar.compiler.calls import CallResult, ToolTurn
from superscalar.compiler.equipment import told_both
from superscalar.compiler.fallback import told_before
from superscalar.compiler.history import heard
from superscalar.compiler.past import ANEW, Dialogue
from superscalar.compiler.rounds import Rounds
from superscalar.compiler.ways import TurnForm, TurnSaid
from superscalar.compiler.wiring import Wiring
from superscalar.errors import JoinError, ModelError
from superscalar.excerpt import excerpt
from superscalar.labels import NOTHING, Label, joined
from superscalar.models.base import Message, Request
from superscalar.models.ending import is_whole, why_cut
from superscalar.plan.ir import Task
from superscalar.plan.passes.pipeline import Pipeline
from superscalar.planner import ToolListing
from superscalar.schedule.ledger import Round
from superscalar.schedule.lineage import in_view_of
from superscalar.short import CHARACTERS_PER_TOKEN
from superscalar.values import Observation, TaskId

_LAST_TRIES = 2
_LATE = "the run's deadline passed before it was written"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a run in turns comes to; `cut`: why the answer is not whole, if it is not."""

    text: str
    cut: str = ""


@dataclass(frozen=True, slots=True)
class _TurnReply:
    """What a model wrote. `cut`: why it is not whole; `carry`: what it wants back with it."""

    text: str
    cut: str = ""
    carry: object | None = None


class Turns:
    """The turns of one run. `rounds` has its plans approved, where somebody wants to.

    What a model writes that was shown results has their label, as the plan of a later round has that of what its
    planner was shown; the same rules hold for its calls, and the same bounds.
    """

    def __init__(self, wiring: Wiring, rounds: Rounds, form: TurnForm) -> None:
        self._wiring = wiring
        self._equipment = wiring.equipment
        self._unit = wiring.unit
        self._rounds = rounds
        self._form = form
        self._now = wiring.now
        self._passes = Pipeline(self._equipment.tools.signatures)
        self._numbers: dict[str, int] = {}
        self._conversation: list[Message] = []
        self._listing = ToolListing(self._equipment.showable)
        self._seen: Label = NOTHING  # the label of what the model was shown
        self._first = 0  # how many rounds of plans were before

    def ask(self, question: str, said: tuple[Message, ...], files: Sequence[Attachment]) -> None:
        """Begin the conversation. `files`: those of the question; what tools return is shown as text."""
        self._seen = in_view_of(heard(said))
        self._listing = self._equipment.listing(question, said)
        told = self._equipment.options
        instructions = told_both(told_both(told.instructions, told.planner_instructions), told.joiner_instructions)
        self._conversation = self._form.begun(self._listing, instructions, said, question)
        self._conversation[-1] = self._wiring.with_files(self._conversation[-1], [("", file) for file in files], ROOM)

    def follow(self, plans: Sequence[Round]) -> None:
        """Go on behind rounds of plans, of which the last could not be mended: tell what there is of them."""
        self._first = len(plans)
        tasks = tuple(chain.from_iterable(one.tasks for one in plans))
        for id in (*(task.id for task in tasks), *self._wiring.ledger.retired):
            self._use(id)
        shown = self._wiring.ledger.labels.shown(task.id for task in tasks)
        self._seen = in_view_of(self._seen | joined(one.label for one in plans) | shown)
        if tasks:
            told = told_before(tasks, self._unit.outcomes(), self._equipment.options.max_result_tokens)
            self._say(self._wiring.as_told(told))

    async def answer(self) -> Answered:
        """Take turn after turn until there is an answer.

        Raises:
            ModelError: the model failed.
            JoinError: it gave no answer when it was to give one.
            NotApproved, ApprovalPending: as for `Rounds.approve`.
        """
        tried = 0
        while True:
            number = len(self._wiring.ledger.rounds)
            last = self._is_last(number)
            if last:
                tried += 1
                self._say(self._form.enough)
            self._unit.begin_round(number, "", self._seen)
            if not number and (shown := self._equipment.shown(self._listing, self._now())) is not None:
                self._wiring.log.record(shown)
            reply = await (self._last_reply() if last else self._reply())
            said = TurnSaid(wrong=_again(reply.cut)) if reply.cut else self._read(reply)
            if said.answer or (last and reply.cut):
                return self._answered(said.answer or self._form.begun_answer(reply.text), reply.cut)
            self._hear(reply)
            if last:
                if tried == _LAST_TRIES:
                    raise JoinError("the model gave no answer when it had to", reply=reply.text)
            elif said.calls:
                await self._call(ToolTurn(said.calls, self._equipment.showable, self._numbers))
            elif said.wrong:
                self._say(said.wrong)

    def _is_last(self, number: int) -> bool:
        """Whether no more can be called, so that it has to answer."""
        wiring = self._wiring
        given_up = wiring.late or self._rounds.refused or wiring.spent() is not None
        bounded = self._equipment.options.replan == "never" and wiring.ledger.ran_untrusted
        return given_up or bounded or number - self._first >= self._form.most

    def _read(self, reply: _TurnReply) -> TurnSaid:
        return self._form.read(reply.text, self._equipment.showable)

    def _hear(self, reply: _TurnReply) -> None:
        if reply.text.strip():
            self._conversation.append(Message("assistant", reply.text).carrying(reply.carry))

    def _say(self, text: str) -> None:
        """Tell the model, in one turn with what it was told before and has not answered."""
        if self._conversation and self._conversation[-1].role == "user":
            before = self._conversation.pop()
            self._conversation.append(before.going_on(f"\n\n{text}", before.attachments))
        else:
            self._conversation.append(Message("user", text))

    def _answered(self, text: str, cut: str) -> Answered:
        wiring = self._wiring
        if self._equipment.answer_type is not None:
            return Answered(text, cut)  # its joiner makes the answer of it
        wiring.happened(events.JoinStarted(self._now(), last=True))
        wiring.log.record(events.AnswerWritten(self._now(), text))
        ended = events.AnswerCut(self._now(), cut) if cut else events.Joined(self._now(), text)
        wiring.happened(ended)
        return Answered(text, cut)

    # ------------------------------------------------------------------------------------------------------- calls

    async def _call(self, turn: ToolTurn) -> None:
        """Make the calls of a turn, all at once as far as limits and effects allow, and tell what they came to."""
        tasks = turn.behind(self._passes)
        asks = bool(tasks) and self._equipment.options.approve_plan
        if asks:
            self._unit.hold()
        else:
            self._unit.release()  # of what an earlier process had held nothing is left
        for task in tasks:
            self._unit.add(task)
        if asks:
            await self._rounds.approve(tasks)
        if not self._wiring.late:
            self._unit.seal()
        await self._unit.settle()
        self._tell(turn, tasks)

    def _tell(self, turn: ToolTurn, tasks: Sequence[Task]) -> None:
        results = turn.came_to(self._unit.outcomes())
        room = self._equipment.options.max_result_tokens * CHARACTERS_PER_TOKEN // max(len(results), 1)
        shown = [(result, self._wiring.as_told(_within(result, room))) for result in results]
        self._seen = in_view_of(self._seen | self._wiring.ledger.labels.shown(task.id for task in tasks))
        self._say(self._form.told(shown))

    # ------------------------------------------------------------------------------------------------ going on

    async def go_on(self, begun: Sequence[Dialogue]) -> None:
        """Do what is left of the turns that an earlier process began, with all that was said in them."""
        self._seen |= joined(one.round.label for one in begun)
        for one in begun:
            text, tasks = _written(one.events), one.round.tasks
            if not (one.is_whole or self._wiring.late):  # it is asked for anew
                if tasks:
                    self._unit.retire(tuple(task.id for task in tasks), ANEW)
                continue
            if not (tasks or one.round.sealed):
                continue
            if not one.round.sealed and not self._wiring.late:
                await self._rounds.rest_of_approval(one.round)
            await self._unit.settle()
            said = self._read(_TurnReply(text))
            self._hear(_TurnReply(text))
            for task in reversed(tasks):
                name, number = _numbered(task.id)
                self._numbers[name] = number - 1  # as it was then
            turn = ToolTurn(said.calls, self._equipment.showable, self._numbers)
            turn.behind(self._passes)  # what comes later follows these
            self._tell(turn, tasks)
        for id in self._wiring.ledger.retired:
            self._use(id)

    def _use(self, id: TaskId) -> None:
        """Note that a name is used: what is called later has another one."""
        name, number = _numbered(id)
        self._numbers[name] = max(number, self._numbers.get(name, 0))

    # ------------------------------------------------------------------------------------------------- the model

    async def _reply(self) -> _TurnReply:
        described = self._form.described(self._equipment.showable, self._listing)
        options = self._equipment.options
        most = self._wiring.tokens_left(options.max_plan_tokens)
        request = Request(tuple(self._conversation), max_tokens=most, stop=self._form.stop, tools=described)
        return await self._asked(request, self._wiring.deadline)

    async def _last_reply(self) -> _TurnReply:
        most = self._equipment.options.max_answer_tokens
        request = Request(tuple(self._conversation), max_tokens=most, stop=self._form.stop)
        return await self._asked(request, self._wiring.answer_by)

    async def _asked(self, request: Request, until: float | None) -> _TurnReply:
        """What the model replies, until then.

        Raises:
            ModelError: it failed, or took longer than a reply may.
        """
        wiring, timeout = self._wiring, self._equipment.options.planner_timeout
        written: list[str] = []
        finish: str | None = None
        carry: object | None = None
        try:
            with wiring.patience(timeout, until) as time:
                asked = wiring.asking.ask("planner", self._equipment.planners, lambda _: request, time)
                async with aclosing(asked) as chunks:
                    async for chunk in chunks:
                        if chunk.withdrawn:
                            written.clear()
                        if chunk.text:
                            wiring.log.record(events.PlanWritten(self._now(), chunk.text))
                            written.append(chunk.text)
                        finish = chunk.finish or finish
                        carry = chunk.carry or carry
        except TimeoutError:
            if timeout is None or (until is not None and self._now() >= until):
                wiring.overdue = True
                return _TurnReply("".join(written), _LATE)
            late = f"the model wrote no whole turn within {timeout:g} s (planner_timeout)"
            raise ModelError(late, retryable=True, said="".join(written)) from None
        except ModelError as error:
            if not (error.retryable and any(written)):
                raise
            return _TurnReply("".join(written), str(error))
        return _TurnReply("".join(written), "" if is_whole(finish) else why_cut(finish), carry)


def _numbered(id: TaskId) -> tuple[str, int]:
    """The tool of a call by the id that `ToolTurn` gave it, and how often that had been called by then."""
    name, _, number = id.partition("()")
    return name, int(number[1:]) if number[1:].isdecimal() else 1


def _written(happened: Iterable[events.Event]) -> str:
    """What a model wrote in a round, without what turned out to be a thought."""
    pieces: list[str] = []
    for event in happened:
        if isinstance(event, events.PlanWritten):
            pieces.append(event.text)
        elif isinstance(event, events.Withdrawn):
            pieces.clear()
    return "".join(pieces)


def _again(why: str) -> str:
    return f"You were cut off there ({why}), and nothing was called. Write that turn again, shorter."


def _within(result: CallResult, room: int) -> str:
    """What a call came to, in so many characters."""
    match result.outcome:
        case Observation(value) if len(result.text) > room:
            return excerpt(value, room)
        case _:
            return result.text
