"""The planner's side of one run: plans are streamed into its unit, mended, approved and sealed, round by round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, zip_longest

from superscalar import events, planner
from superscalar.attachments import Attachment
from superscalar.compiler import approval
from superscalar.compiler.attaching import ROOM
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.estimates import plan_estimate
from superscalar.compiler.history import heard
from superscalar.compiler.past import ANEW, Dialogue, Past, rest_of
from superscalar.compiler.planning import Planning
from superscalar.compiler.sight import ReplannerSees
from superscalar.compiler.wiring import Wiring
from superscalar.errors import NotApproved
from superscalar.labels import NOTHING, Label, joined
from superscalar.models.base import Message
from superscalar.plan.ir import Call, Plan, Task, walk
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.adopt import Adopted
from superscalar.plan.read.program import Program, ProgramStep, Retirement
from superscalar.schedule.ledger import Round
from superscalar.schedule.lineage import in_view_of
from superscalar.schedule.questions import pending, plan_question
from superscalar.schedule.withholding import secrets_of_tools
from superscalar.tools.toolset import Toolset
from superscalar.values import Outcome, TaskId


class Rounds:
    """Has the plans of a run written. `past`: what an earlier process had come to, which is gone on with.

    `refused`: the plan of a later round was not approved.
    """

    def __init__(self, wiring: Wiring, past: Past | None) -> None:
        self._wiring = wiring
        self._equipment = wiring.equipment
        self._unit = wiring.unit
        self._program: Program = _program_of(wiring, past)
        self.refused = past is not None and past.refused
        self._continuing = False  # the plan of this round was begun by an earlier process
        self._conversation: list[Message] = []
        self._listing = planner.ToolListing(Toolset())
        self._past = past
        self._question: str | None = None  # that is to be answered
        self._seen: Label = NOTHING  # the label of what the planner was shown

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What was planned, in program order."""
        return self._program.in_order()

    @property
    def ran(self) -> tuple[tuple[Task, ...], Mapping[TaskId, Outcome]]:
        """What was planned, and what became of it."""
        return self.tasks, self._unit.outcomes()

    # -------------------------------------------------------------------------------------------------- planning

    def ask(self, question: str, said: tuple[Message, ...], files: Sequence[Attachment]) -> None:
        """Begin the conversation with the planner. `files`: those of the question, and it is shown no others."""
        self._question = question
        asked = self._equipment
        self._seen = in_view_of(heard(said))
        self._listing = asked.listing(question, said) if self._past is None else self._past.listing
        self._conversation = asked.conversation(self._listing, said, question)
        self._conversation[-1] = self._wiring.with_files(self._conversation[-1], [("", file) for file in files], ROOM)

    async def plan(self, reason: str = "", *, running: bool = True) -> None:
        """One round of planning: stream a plan into the unit, send errors back, seal what came out right.

        Raises:
            PlanError: errors remained after the last repair, or the planner repeated them.
            ModelError: the planner failed. What it had planned settles first.
        """
        first = not self._wiring.ledger.rounds
        self._unit.begin_round(len(self._wiring.ledger.rounds), reason, self._seen)
        if first and (shown := self._equipment.shown(self._listing, self._wiring.now())) is not None:
            self._wiring.log.record(shown)
        if running and (self._equipment.options.approve_plan or self._equipment.way.whole):
            self._unit.hold()
        await self._round(running=running)

    async def replan(self, reason: str) -> None:
        """Tell the planner what came of its plans, and have it go on."""
        self._continuing = False
        self._program.next_round()
        self._tell(*self.ran, reason, self._equipment.options.replanner_sees)
        await self.plan(reason)

    def _tell(
        self, tasks: tuple[Task, ...], outcomes: Mapping[TaskId, Outcome], reason: str, sees: ReplannerSees
    ) -> None:
        turn = self._wiring.sight.of_planner(tasks, outcomes, reason, self._seen, sees)
        self._seen |= turn.label
        text = self._listing.called(tasks, turn.text)
        self._conversation.append(Message("user", self._wiring.as_told(text)))

    async def _round(self, *, repairing: bool = False, cut: str = "", running: bool = True) -> None:
        """Have a round that has begun planned. `repairing`: what the planner writes first are corrections already;
        `cut`: why its last reply is not whole.
        """
        wiring = self._wiring
        planning = Planning(wiring, self._listing, partial(self._take, running=running), running=running)
        ended = await planning.round(
            self._program, self._conversation, repairing=repairing, continuing=self._continuing, cut=cut
        )
        wiring.overdue = wiring.overdue or ended == "late"
        if running and ended == "whole" and not wiring.late:
            await self._seal()

    async def _seal(self) -> None:
        """The plan of this round is complete: its writes may run, and all of it where it had to be approved first.

        Raises:
            NotApproved, ApprovalPending: as for `approve`.
        """
        if moved := self._program.moved():
            self._wiring.happened(events.Ordered(self._wiring.now(), moved))
        if self._equipment.options.approve_plan:
            await self.approve(self._program.of_round())
        elif self._equipment.way.whole:
            self._unit.release()
        if not self._wiring.late:
            self._unit.seal()

    def _take(self, steps: Iterable[ProgramStep], *, running: bool) -> None:
        now, record = self._wiring.now, self._wiring.log.record
        for step in steps:
            if isinstance(step, Diagnostic):
                record(events.Diagnosed(now(), step))
            elif isinstance(step, Retirement):
                if running and step.ids:
                    self._unit.retire(step.ids, step.why, step.dropped)
                else:
                    record(events.Retired(now(), step.ids, step.why, step.dropped))
            elif running:
                self._unit.add(step)
            else:
                record(events.Planned(now(), step))

    # -------------------------------------------------------------------------------------------------- approval

    async def approve(self, tasks: Sequence[Task]) -> None:
        """Ask whether the plan of this round may be begun, unless the run's time passes meanwhile.

        A refusal ends a run that has nothing yet; after a later round the joiner answers from what there is.

        Raises:
            NotApproved: the plan was refused, or nobody could say.
            ApprovalPending: nobody is there to ask, and the run is recorded.
        """
        wiring = self._wiring
        approver = wiring.approver
        estimate = str(plan_estimate(self._equipment, Plan(tuple(tasks)), self._question))
        question = plan_question(wiring.id, tasks, secrets_of_tools(self._equipment.tools), estimate)
        wiring.happened(events.PlanAsked(wiring.now(), question.writes, estimate))
        if approver.ask is None:
            await self._unit.suspend()
            raise pending(wiring.id, [question])
        grace = self._equipment.options.grace
        try:
            yes, why = await approval.answer_to(question, approver.ask, until=wiring.deadline, grace=grace)
        except TimeoutError:
            wiring.overdue = True
            return
        if not why:
            wiring.happened(events.PlanApproved(wiring.now(), yes, approver.name))
        self._take_answer(approved=yes, why=why or f"{approver.name} said no")

    def _take_answer(self, *, approved: bool, why: str) -> None:
        """What a person said of the plan of this round."""
        if approved:
            self._unit.release()
            return
        self._unit.stop("denied")
        if not self._wiring.ledger.round.number:
            raise NotApproved(f"the plan was not approved, and nothing of it was begun: {why}")
        self.refused = True

    # ------------------------------------------------------------------------------------------------------ going on

    async def go_on(self, past: Past) -> None:
        """Do what is left of the rounds that an earlier process began, with all that was said in them."""
        tasks: tuple[Task, ...] = ()
        for one, later in zip_longest(past.rounds, past.rounds[1:]):
            self._conversation += one.turns
            tasks += tuple(one.round.tasks)
            if one.replanned is not None and later is not None:
                told = tasks, one.outcomes, one.replanned
                text = self._wiring.sight.of_planner(*told, self._seen, "text").label
                sees: ReplannerSees = "text" if later.round.label | text == later.round.label else "summaries"
                self._tell(*told, sees)
        self._seen |= joined(one.round.label for one in past.rounds)
        last = past.last
        if last is None:
            await self.plan()
        elif last.replanned is not None:
            await self.replan(last.replanned)
        elif last.round.sealed or self._wiring.late:
            return
        elif last.round.asked:
            await self.rest_of_approval(last.round)
        else:
            await self._rest_of_round(last)

    async def rest_of_approval(self, round: Round) -> None:
        """The plan was complete, and whether it may be begun had been asked, or answered."""
        if round.approved is None:
            await self.approve(round.tasks)
        else:
            by = f"{round.approved.by} said no" if round.approved.by else "somebody said no"
            self._take_answer(approved=round.approved.approved, why=by)
        if not self._wiring.late:
            self._unit.seal()

    async def _rest_of_round(self, round: Dialogue) -> None:
        """Have the plan that was being written completed; what is there of it stays, or is planned anew.

        Nothing of it is sealed before the planner has said so.
        """
        if not round.may_stand:
            del self._conversation[len(self._conversation) - len(round.turns) :]
            self._listing.forget()
            self._take(self._program.retract(ANEW), running=True)
            await self._round()
            return
        problems = [*round.sent, *round.problems]  # the reply that was to mend the first ones may have been cut off
        self._take(self._program.close(), running=True)
        if not problems:
            self._program.end_again()
        turns = rest_of("", round.stands, problems, self._equipment.syntax, self._listing)
        self._continuing = self._continuing or bool(turns)
        self._conversation += turns
        await self._round(repairing=self._continuing, cut=round.cut if turns else "")


def _program_of(wiring: Wiring, past: Past | None) -> Program:
    """The program that the rounds of a run are parts of."""
    rounds = past.tasks if past is not None and past.answers else []
    signatures = _nameable(wiring.equipment, chain.from_iterable(rounds))
    if past is None or past.fell_back:  # then no plan follows
        return Program(signatures)
    being_written = past.last is not None and not past.last.is_whole
    return Program(signatures, Adopted(signatures, rounds, being_written=being_written, retired=wiring.ledger.retired))


def _nameable(equipment: Equipment, planned: Iterable[Task]) -> Signatures:
    """What a planner's plans may call: the tools that it may be told of, and those that it has called already.

    To a planner there are no others: what is wrong with a line tells of the tools that there are.
    """
    if equipment.showable is equipment.tools:
        return equipment.tools.signatures
    called = {task.work.tool for task in walk(tuple(planned)) if isinstance(task.work, Call)}
    known = equipment.tools.signatures
    return Signatures(
        [one for one in known if one.alias in called or one.alias in equipment.showable.by_alias],
        known.inside.values(),
    )
