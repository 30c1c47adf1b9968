"""One run: rounds of planning, running and joining. Wiring of the rooms; what each does is said there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from superscalar import events, joiner, planner
from superscalar.compiler import approval
from superscalar.compiler.asking import Asking
from superscalar.compiler.budget import Budget, Spent
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.history import heard
from superscalar.compiler.joining import Joining, Wording
from superscalar.compiler.planning import Planning, PlanningTerms
from superscalar.compiler.recording import Recording
from superscalar.compiler.result import Ending, Outcomes, RunResult
from superscalar.compiler.sight import ReplannerSees, Sight
from superscalar.compiler.stream import Log
from superscalar.errors import ApprovalPending, JoinError, NotApproved
from superscalar.excerpt import excerpt
from superscalar.labels import NOTHING, Label
from superscalar.models.base import ChatModel, Message
from superscalar.plan.ir import Plan, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.program import Program, Retirement, Step
from superscalar.policy import Question
from superscalar.schedule.ends import text_of
from superscalar.schedule.holding import NAME
from superscalar.schedule.labels import in_view_of
from superscalar.schedule.questions import pending, plan_question
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.schedule.withholding import secrets_of
from superscalar.short import LONGEST, cut
from superscalar.tools.tool import Tool
from superscalar.values import Failure, Outcome, TaskId, Usage


class Run:
    """The state of one run. `answer` and `execute` are its two ways through; each is called once."""

    def __init__(
        self,
        equipment: Equipment,
        log: Log,
        run_id: str,
        *,
        context: Any = None,
        deadline: float | None = None,
        recording: Recording | None = None,
        question: str = "",
    ) -> None:
        self._equipment = equipment
        self._log = log
        self._id = run_id
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._tell = log.tell
        self._program = Program(equipment.tools.signatures)
        self._rounds = 0
        self._deadline = None if deadline is None else self._now() + deadline
        self._late = False
        self._continuing = False  # the plan of this round was begun by an earlier process
        self._budget = Budget(equipment.tools, equipment.options.max_tokens, equipment.options.max_cost)
        self._asking = Asking(self._record, equipment.random, self._now)
        self._joining = Joining(
            self._asking,
            log.record,
            self._now,
            self._spent,
            answer_type=equipment.answer_type,
            timeout=equipment.options.joiner_timeout,
            max_tokens=equipment.options.max_answer_tokens,
        )
        self._progress = Wording()
        self._refused = False  # the plan of a later round was not approved
        self._before: frozenset[TaskId] = frozenset()  # the tasks of earlier rounds
        self._approver = approval.approver(equipment.options.approve, later=recording is not None)
        self._recording = recording
        log.keep = recording
        log.leave = self._leave
        self._left = False
        self._unit = self._unit_in(
            Surroundings(
                run=run_id,
                tools=equipment.tools,
                limits=equipment.limits,
                runners=equipment.runners if self._tell is None else self._tell.learning(equipment.runners),
                record=self._record if self._budget.counts else log.record,
                bounds=equipment.options,
                context=context,
                random=equipment.random,
                durations=equipment.durations,
                refuse=self._refuse if self._budget.counts else None,
                policy=equipment.policy,
                question=question,
                replan=equipment.options.replan,
                approver=self._approver,
                committed=None if recording is None else recording.committed,
            )
        )
        self._seen = NOTHING  # the label of what the planner was shown
        self._sight = Sight(
            self._unit.schedule, self._unit.permission.labels, equipment.options.max_result_tokens, equipment.syntax
        )

    @property
    def _journal(self) -> Path | None:
        """Where it is recorded."""
        return None if self._recording is None else self._recording.log.journal

    def _unit_in(self, surroundings: Surroundings) -> TaskFetchingUnit:
        return TaskFetchingUnit(surroundings)

    def _begin(self, question: str) -> None:
        self._happened(events.RunStarted(self._now(), self._id, question))

    def _happened(self, event: events.Event) -> None:
        """Record what happened to the run as a whole, and take note of it."""
        self._unit.ledger.note(self._log.record(event))

    def _record(self, event: events.Event) -> events.Event:
        told = self._log.record(event)
        self._budget.note(told)
        return told

    def _as_told(self, text: str) -> str:
        return text if self._tell is None else self._tell.scrub(text)

    def _refuse(self, tool: Tool[..., Any]) -> Failure | None:
        """Why a call of this tool may not be made, where a budget is spent."""
        spent = self._spent(tool)
        return None if spent is None else spent.failure(tool)

    def _spent(self, tool: Tool[..., Any] | None = None) -> Spent | None:
        """The budget that does not allow a call of this tool, or of a model; the first time that is an event."""
        spent = self._budget.spent(tool)
        if spent is None and self._unit.holding.full:
            return Spent(NAME, self._unit.holding.held, self._equipment.options.max_bytes)
        if spent is not None and spent.budget not in self._unit.ledger.spent:
            self._happened(events.BudgetSpent(self._now(), spent.budget, spent.used, spent.limit))
        return spent

    # -------------------------------------------------------------------------------------------- the two ways

    async def execute(self, plan: Plan, seen: Label = NOTHING) -> RunResult:
        """Run a plan that is there already; no model is asked. `seen`: the label of what its writer had read."""
        if self._tell is not None:
            self._tell.expect(plan.tasks)

        async def main() -> Ending:
            if seen is not NOTHING:
                self._unit.begin_round(0, "", in_view_of(seen))
            tasks = plan.tasks
            if self._equipment.options.approve_plan:
                self._unit.hold()
                for task in tasks:
                    self._unit.add(task)
                await self._approved(tasks)
                tasks = ()
            outcomes = Outcomes(await self._unit.run(tasks), plan.tasks)
            return Ending(answer=outcomes.joined, plan=plan, outcomes=outcomes)

        return await self._bracketed("", main)

    async def answer(self, question: str, history: Iterable[Message]) -> RunResult:
        """Plan, run and join until there is an answer."""
        said = tuple(history)

        async def main() -> Ending:
            conversation = self._conversation(said, question)
            await self._plan(conversation, "")
            return await self._from_plan_to_answer(conversation, question, said)

        return await self._bracketed(question, main)

    async def _from_plan_to_answer(
        self, conversation: list[Message], question: str, said: tuple[Message, ...]
    ) -> Ending:
        """Run what is planned, and join and plan again until there is an answer."""
        answer: Any
        while True:
            await self._unit.settle()
            if self._equipment.joiner is None:
                outcomes = Outcomes(self._unit.outcomes(), self._program.in_order())
                if why := outcomes.absent:
                    raise JoinError(f"the answer has no value: {why}", outcomes=outcomes)
                answer = outcomes.joined
                break
            decision = await self._join(self._equipment.joiner, question, said)
            if isinstance(decision, joiner.Cut):
                return self._answered(decision.text.strip(), question, said, decision.why)
            if not isinstance(decision, joiner.Replan):
                answer = decision
                break
            await self._replan(conversation, decision.reason)
        return self._answered(answer, question, said)

    async def _replan(self, conversation: list[Message], reason: str) -> None:
        self._rounds += 1
        self._continuing = False
        self._before = frozenset(task.id for task in self._program.in_order())
        self._program.next_round()
        self._tell_planner(conversation, *self._ran(), reason, self._equipment.options.replanner_sees)
        await self._plan(conversation, reason)

    def _tell_planner(
        self,
        conversation: list[Message],
        tasks: tuple[Task, ...],
        outcomes: Mapping[TaskId, Outcome],
        reason: str,
        sees: ReplannerSees,
    ) -> None:
        turn = self._sight.of_planner(tasks, outcomes, reason, self._seen, sees)
        self._seen |= turn.label
        conversation.append(Message("user", self._as_told(turn.text)))

    def _answered(self, answer: Any, question: str, said: tuple[Message, ...], cut: str = "") -> Ending:
        """What the run comes to; of an answer that was `cut`, everything else is there."""
        text = answer if isinstance(answer, str) else excerpt(answer, 4_000)
        tasks = self._program.in_order()
        label = self._sight.label(tasks, joined=self._equipment.joiner is not None, heard=heard(said))
        return Ending(
            answer=None if cut else answer,
            plan=Plan(tasks),
            outcomes=Outcomes(self._unit.outcomes(), tasks),
            messages=(*said, Message("user", question), Message("assistant", text, label=label)),
            partial=text if cut else "",
            cut=cut,
        )

    async def _bracketed(self, question: str, main: Callable[[], Awaitable[Ending]]) -> RunResult:
        """From RunStarted to RunEnded, whatever happens between; nothing is left running afterwards."""
        if self._recording is None:
            return await self._run(question, main)
        return await self._recording.around(self._run(question, main), self._equipment.durations)

    async def _run(self, question: str, main: Callable[[], Awaitable[Ending]]) -> RunResult:
        self._begin(question)
        timer = self._loop.call_at(self._deadline, self._pass_deadline) if self._deadline is not None else None
        error: str | None = "cancelled"
        result: Ending | BaseException
        try:
            result = await main()
            error = ""
        except ApprovalPending as waiting:
            error = None  # nothing runs, and it has not ended: it goes on when it is resumed
            asked = [question for question in waiting.questions if isinstance(question, Question)]
            left = pending(self._id, asked, self._journal)
            if self._tell is not None:  # whoever answers is shown what `Journal.questions` shows
                left.args = (self._tell.scrub.without(str(left)),)
            raise left from None
        except asyncio.CancelledError:
            if self._left:
                error = None  # likewise
                await self._unit.cancel()
            raise
        except Exception as failed:
            told = failed if self._tell is None else self._tell.cleaned(failed)
            error = cut(f"{type(told).__name__}: {text_of(told)}", LONGEST)
            if told is failed:
                raise
            result = told  # raised behind the block: here what it stands for would be its context
        finally:
            if timer is not None:
                timer.cancel()
            if error is not None:
                await self._unit.cancel()
                self._happened(events.RunEnded(self._now(), error))
        if isinstance(result, BaseException):
            raise result
        return self._finished(result)

    def _leave(self) -> None:
        if self._recording is not None:
            self._left = True
            self._unit.leave()

    def _pass_deadline(self) -> None:
        self._late = True
        self._happened(events.DeadlinePassed(self._now()))
        self._unit.stop("deadline")

    def _finished(self, ending: Ending) -> RunResult:
        happened = tuple(self._log.events)
        return RunResult(
            answer=ending.answer,
            plan=ending.plan,
            outcomes=ending.outcomes,
            usage=sum((event.usage for event in happened if isinstance(event, events.ModelUsed)), Usage()),
            cost=self._budget.cost,
            rounds=self._rounds + 1,
            run_id=self._id,
            messages=ending.messages,
            events=happened,
            declared=self._equipment.tools.declared,
            partial=ending.partial,
            cut=ending.cut,
        )

    # ------------------------------------------------------------------------------------------------- planning

    async def plan_only(self, question: str, history: Iterable[Message]) -> RunResult:
        """Ask the planner, repair what it wrote, and run nothing."""

        async def main() -> Ending:
            conversation = self._conversation(tuple(history), question)
            await self._plan(conversation, "", running=False)
            return Ending(answer=None, plan=Plan(self._program.in_order()), outcomes=Outcomes({}))

        return await self._bracketed(question, main)

    def _conversation(self, said: tuple[Message, ...], question: str) -> list[Message]:
        equipment = self._equipment
        self._seen = in_view_of(heard(said))
        blocks = equipment.grammar is None  # a model that needs no grammar is large enough for them
        return planner.conversation(
            equipment.tools, equipment.options.instructions, said, question, equipment.syntax, blocks=blocks
        )

    async def _plan(self, conversation: list[Message], reason: str, *, running: bool = True) -> None:
        """One round of planning: stream a plan into the unit, send errors back, seal what came out right.

        Appends what was said to `conversation`.

        Raises:
            PlanError: errors remained after the last repair, or the planner repeated them.
            ModelError: the planner failed. What it had planned settles first.
        """
        self._unit.begin_round(self._rounds, reason, self._seen)
        if running and self._equipment.options.approve_plan:
            self._unit.hold()
        await self._plan_round(conversation, running=running)

    async def _plan_round(
        self, conversation: list[Message], *, repairing: bool = False, cut: str = "", running: bool = True
    ) -> None:
        """The same for a round that has begun. `repairing`: what the planner writes first are corrections already;
        `cut`: why its last reply is not whole.
        """
        equipment = self._equipment
        planning = Planning(
            PlanningTerms(
                equipment.planner,
                equipment.syntax,
                equipment.grammar,
                equipment.options.planner_timeout,
                equipment.options.max_plan_tokens,
                equipment.options.max_repairs,
            ),
            self._asking,
            self._budget,
            self._log.record,
            self._now,
            partial(self._take, running=running),
            self._unit.settle,
            self._spent if running else lambda: None,
            self._unit.hold,
            (lambda: None) if equipment.options.approve_plan else self._unit.release,
            deadline=self._deadline,
        )
        ended = await planning.round(
            self._program, conversation, repairing=repairing, continuing=self._continuing, cut=cut
        )
        self._late = self._late or ended == "late"
        if running and ended == "whole" and not self._late:
            await self._seal()

    async def _seal(self) -> None:
        """The plan of this round is complete: its writes may run, and all of it where it had to be approved first.

        Raises:
            NotApproved, ApprovalPending: as for `_approved`.
        """
        if moved := self._program.moved():
            self._happened(events.Ordered(self._now(), moved))
        if self._equipment.options.approve_plan:
            await self._approved([task for task in self._program.in_order() if task.id not in self._before])
        if not self._late:
            self._unit.seal()

    async def _approved(self, tasks: Sequence[Task]) -> None:
        """Ask whether the plan of this round may be begun, unless the run's time passes meanwhile.

        A refusal ends a run that has nothing yet; after a later round the joiner answers from what there is.

        Raises:
            NotApproved: the plan was refused, or nobody could say.
            ApprovalPending: nobody is there to ask, and the run is recorded.
        """
        question = plan_question(self._id, tasks, secrets_of(self._equipment.tools))
        self._happened(events.PlanAsked(self._now(), question.writes))
        if self._approver.ask is None:
            await self._unit.suspend()
            raise pending(self._id, [question])
        grace = self._equipment.options.grace
        try:
            yes, why = await approval.answer_to(question, self._approver.ask, until=self._deadline, grace=grace)
        except TimeoutError:
            self._late = True
            return
        if not why:
            self._happened(events.PlanApproved(self._now(), yes, self._approver.name))
        self._take_answer(approved=yes, why=why or f"{self._approver.name} said no")

    def _take_answer(self, *, approved: bool, why: str) -> None:
        """What a person said of the plan of this round."""
        if approved:
            self._unit.release()
            return
        self._unit.stop("denied")
        if not self._rounds:
            raise NotApproved(f"the plan was not approved, and nothing of it was begun: {why}")
        self._refused = True

    def _take(self, steps: Iterable[Step], *, running: bool) -> None:
        for step in steps:
            if isinstance(step, Diagnostic):
                self._log.record(events.Diagnosed(self._now(), step))
            elif isinstance(step, Retirement):
                if running and step.ids:
                    self._unit.retire(step.ids, step.why, step.dropped)
                else:
                    self._log.record(events.Retired(self._now(), step.ids, step.why, step.dropped))
            elif running:
                self._unit.add(step)
            else:
                self._log.record(events.Planned(self._now(), step))

    # -------------------------------------------------------------------------------------------------- joining

    def _ran(self) -> tuple[tuple[Task, ...], Mapping[TaskId, Outcome]]:
        """What was planned, and what became of it."""
        return self._program.in_order(), self._unit.outcomes()

    async def _join(self, model: ChatModel, question: str, said: tuple[Message, ...]) -> Any:
        """The joiner's decision: a `Replan`, or the answer (validated, with an output type).

        Raises:
            JoinError: it gave none after being asked again.
        """
        equipment = self._equipment
        given_up = self._late or self._refused or self._spent() is not None
        last = given_up or self._rounds >= equipment.options.max_replans
        last = last or not self._progress.made(self._log.events, self._rounds)
        last = last or (equipment.options.replan == "never" and self._unit.ledger.ran_untrusted)
        self._happened(events.JoinStarted(self._now(), last))
        schema = equipment.answer_type.schema if equipment.answer_type else None
        system = joiner.system_prompt(
            equipment.options.instructions, last=last, may_replan=equipment.options.max_replans > 0, schema=schema
        )
        conversation = joiner.messages(system, said, question, self._as_told(self._sight.of_joiner(*self._ran())))
        return await self._joining.decision(model, conversation, last=last)
