"""One run: rounds of planning, running and joining, from its first event to its last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from superscalar import events, joiner
from superscalar.attachments import Attachment
from superscalar.compiler.attaching import ROOM
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.fallback import give_up
from superscalar.compiler.given_inputs import without_secret_inputs
from superscalar.compiler.history import heard
from superscalar.compiler.joining import Joining, Progress
from superscalar.compiler.native import NativeForm
from superscalar.compiler.past import Past
from superscalar.compiler.recording import Recording
from superscalar.compiler.result import Ending, Outcomes, RunResult, knowing
from superscalar.compiler.rounds import Rounds
from superscalar.compiler.stream import Log
from superscalar.compiler.turns import Turns
from superscalar.compiler.warming import expected
from superscalar.compiler.wiring import Wiring
from superscalar.errors import ApprovalPending, JoinError, PlanError
from superscalar.excerpt import excerpt
from superscalar.labels import NOTHING, Label
from superscalar.models.base import Message
from superscalar.models.blocks import inert
from superscalar.plan.ir import Plan, Task
from superscalar.policy import Question
from superscalar.schedule.doubts import Verdict
from superscalar.schedule.ends import exception_text
from superscalar.schedule.lineage import in_view_of
from superscalar.schedule.questions import pending
from superscalar.schedule.restore import Rest
from superscalar.short import LONGEST, cut
from superscalar.values import TaskId


class Run:
    """The state of one run. `answer`, `execute` and `plan_only` are its ways through, of which one is called once.

    With a `past`, an earlier process began it, and `go_on` is the way through. Making it changes nothing.
    `files`: those of its question.
    """

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
        files: Sequence[Attachment] = (),
        past: Past | None = None,
    ) -> None:
        self._equipment = equipment
        self._log = log
        self._id = run_id
        self._past = past
        self._recording = recording
        self._left = False
        self._wiring = wiring = Wiring(
            equipment,
            log,
            run_id,
            context=context,
            deadline=deadline,
            recording=recording,
            question=question,
            past=past,
        )
        self._unit = wiring.unit
        self._files = files if past is None else past.files  # which it has heard of by now
        self._rounds = Rounds(wiring, past)
        form = equipment.way.form
        self._turns = None if form is None else Turns(wiring, self._rounds, form)
        self._joining = Joining(wiring)
        self._progress = Progress(set() if past is None else past.failed)
        log.keep = recording
        log.leave = self._leave

    @property
    def journal(self) -> Path | None:
        """Where it is recorded."""
        return None if self._recording is None else self._recording.log.journal

    @property
    def rest(self) -> Rest:
        """What an earlier process left to be done."""
        if self._wiring.rest is None:
            raise ValueError("a run without a past has left nothing")
        return self._wiring.rest

    # -------------------------------------------------------------------------------------------------- the ways

    async def execute(self, plan: Plan, seen: Label = NOTHING) -> RunResult:
        """Run a plan that is there already; no model is asked. `seen`: the label of what its writer had read."""
        if self._log.tell is not None:
            self._log.tell.expect(plan.tasks)

        async def main() -> Ending:
            if seen is not NOTHING:
                self._unit.begin_round(0, "", in_view_of(seen))
            tasks = plan.tasks
            if self._equipment.options.approve_plan:
                self._unit.hold()
                for task in tasks:
                    self._unit.add(task)
                await self._rounds.approve(tasks)
                tasks = ()
            outcomes = Outcomes(await self._unit.run(tasks), plan.tasks)
            return Ending(answer=outcomes.joined, plan=without_secret_inputs(plan), outcomes=outcomes)

        return await self._bracketed("", main)

    async def answer(self, question: str, history: Iterable[Message]) -> RunResult:
        """Plan, run and join until there is an answer."""
        said = tuple(history)

        async def main() -> Ending:
            if self._turns is not None:
                self._turns.ask(question, said, self._files)
                return await self._to_answer_in_turns(self._turns, question, said)
            self._rounds.ask(question, said, self._files)
            return await self._by_plans(self._rounds.plan(), question, said)

        return await self._bracketed(question, main)

    async def plan_only(self, question: str, history: Iterable[Message]) -> RunResult:
        """Ask the planner, repair what it wrote, and run nothing."""

        async def main() -> Ending:
            self._rounds.ask(question, tuple(history), self._files)
            await self._rounds.plan(running=False)
            return Ending(answer=None, plan=Plan(self._rounds.tasks), outcomes=Outcomes({}))

        return await self._bracketed(question, main)

    async def go_on(self, past: Past, verdicts: Mapping[TaskId, Verdict]) -> RunResult:
        """Do the rest of a run with this past; `verdicts` say what became of its writes that may have happened."""

        async def main() -> Ending:
            last = past.last
            asks = past.answers and self._equipment.options.approve_plan
            if last is not None and not last.round.sealed and (last.round.asked or asks):
                self._unit.hold()
            self.rest.go_on(verdicts, past.guards)
            if self._recording is not None:
                await self._recording.log.durable()  # what was said of the writes is not asked again
            return await (self._rest_of_answer(past) if past.answers else self._rest_of_plan())

        return await self._bracketed(past.question, main)

    async def _rest_of_plan(self) -> Ending:
        ledger = self._wiring.ledger
        tasks = tuple(ledger.tasks)
        if not (ledger.round.sealed or self._wiring.late):
            await self._rounds.rest_of_approval(ledger.round)
        await self._unit.settle()
        await self._unit.cancel()
        outcomes = Outcomes(self._unit.outcomes(), tasks)
        return Ending(answer=outcomes.joined, plan=without_secret_inputs(Plan(tasks)), outcomes=outcomes)

    async def _rest_of_answer(self, past: Past) -> Ending:
        if past.joined is not None and past.joins:  # else what was joined is there still, and no worse for being told
            answer = past.joined.answer
            if self._equipment.answer_type is not None:
                answer = self._equipment.answer_type.again(answer)
            return self._answered(answer, past.question, past.said)
        if self._turns is not None:
            self._turns.ask(past.question, past.said, self._files)
            await self._turns.go_on(past.rounds)
            return await self._to_answer_in_turns(self._turns, past.question, past.said)
        if past.fell_back:
            return await self._in_turns_instead(past.question, past.said)
        self._rounds.ask(past.question, past.said, self._files)
        return await self._by_plans(self._rounds.go_on(past), past.question, past.said)

    async def _to_answer_in_turns(self, turns: Turns, question: str, said: tuple[Message, ...]) -> Ending:
        answered = await turns.answer()
        if self._equipment.answer_type is not None:
            return self._decided(await self._typed(answered.text, question, said), question, said)
        return self._answered(answered.text, question, said, answered.cut)

    async def _by_plans(self, planning: Awaitable[None], question: str, said: tuple[Message, ...]) -> Ending:
        """Plan, run and join; or, where a plan cannot be mended and the agent says so, go on in turns."""
        try:
            await planning
            return await self._from_plan_to_answer(question, said)
        except PlanError as error:
            if self._equipment.options.fallback is None:
                raise
            await give_up(self._wiring, error)
        return await self._in_turns_instead(question, said)

    async def _in_turns_instead(self, question: str, said: tuple[Message, ...]) -> Ending:
        """Go on behind plans, of which the last could not be mended."""
        self._turns = turns = Turns(self._wiring, self._rounds, NativeForm())
        past = self._past if self._past is not None and self._past.fell_back else None
        rounds = self._wiring.ledger.rounds
        turns.ask(question, said, self._files)
        turns.follow(rounds if past is None else rounds[: len(past.planned)])
        if past is not None:
            await turns.go_on(past.turned)
        return await self._to_answer_in_turns(turns, question, said)

    async def _from_plan_to_answer(self, question: str, said: tuple[Message, ...]) -> Ending:
        """Run what is planned, and join and plan again until there is an answer."""
        while True:
            last = self._wiring.ledger.round.number >= self._equipment.options.max_replans
            expected(self._equipment, self._rounds.tasks, last=last)
            await self._unit.settle()
            if not self._equipment.joiners:
                outcomes = Outcomes(self._unit.outcomes(), self._rounds.tasks)
                if why := outcomes.absent:
                    raise JoinError(f"the answer has no value: {why}", outcomes=outcomes)
                self._log.record(events.Joined(self._wiring.now(), outcomes.joined))
                return self._answered(outcomes.joined, question, said)
            decision = await self._join(question, said)
            if not isinstance(decision, joiner.Replan):
                return self._decided(decision, question, said)
            await self._rounds.replan(decision.reason)

    def _decided(self, decision: Any, question: str, said: tuple[Message, ...]) -> Ending:
        """What the run comes to by what its joiner said last."""
        if isinstance(decision, joiner.Cut):
            return self._answered(decision.text.strip(), question, said, decision.why)
        return self._answered(decision, question, said)

    def _answered(self, answer: Any, question: str, said: tuple[Message, ...], cut: str = "") -> Ending:
        """What the run comes to; of an answer that was `cut`, everything else is there."""
        text = answer if isinstance(answer, str) else excerpt(answer, 4_000)
        tasks = self._rounds.tasks if self._turns is None else tuple(self._wiring.ledger.tasks)
        label = self._wiring.sight.label(tasks, joined=bool(self._equipment.joiners), heard=heard(said))
        return Ending(
            answer=None if cut else answer,
            plan=Plan(tasks),
            outcomes=Outcomes(self._unit.outcomes(), tasks),
            messages=(*said, Message("user", question), Message("assistant", text, label=label)),
            partial=text if cut else "",
            cut=cut,
        )

    async def _join(self, question: str, said: tuple[Message, ...]) -> Any:
        """The joiner's decision: a `Replan`, or the answer (validated, with an output type).

        Raises:
            JoinError: it gave none after being asked again.
        """
        equipment, wiring = self._equipment, self._wiring
        number = wiring.ledger.round.number
        given_up = wiring.late or self._rounds.refused or wiring.spent() is not None
        last = given_up or number >= equipment.options.max_replans
        last = last or not self._progress.made(self._log.events, number)
        last = last or (equipment.options.replan == "never" and wiring.ledger.ran_untrusted)
        tasks, outcomes = self._rounds.ran
        return await self._joined(wiring.sight.of_joiner(tasks, outcomes), tasks, question, said, last=last)

    async def _typed(self, found: str, question: str, said: tuple[Message, ...]) -> Any:
        """What the joiner makes of what turns found, which is of the type that answers have."""
        tasks = tuple(self._wiring.ledger.tasks)
        shown = self._wiring.sight.of_joiner(tasks, self._unit.outcomes())
        told = f"{shown}\nwhat was found: {inert(found, 'results')}"
        return await self._joined(told, tasks, question, said, last=True)

    async def _joined(
        self, shown: str, tasks: Sequence[Task], question: str, said: tuple[Message, ...], *, last: bool
    ) -> Any:
        """The joiner's decision, by what it is shown, and the files in what came of these tasks."""
        equipment, wiring = self._equipment, self._wiring
        wiring.happened(events.JoinStarted(wiring.now(), last))
        begun = equipment.joining(last=last)
        conversation = joiner.messages(begun, said, question, wiring.as_told(shown), equipment.told_joiner)
        in_results = wiring.sight.files_of_joiner(tasks, self._unit.outcomes())
        files = [*(("", file) for file in self._files), *in_results]
        room = ROOM * bool(self._files) + 4 * equipment.options.max_result_tokens
        conversation[-1] = wiring.with_files(conversation[-1], files, room)
        return await self._joining.decision(equipment.joiners, conversation, last=last)

    # ----------------------------------------------------------------------------------------- from begin to end

    async def _bracketed(self, question: str, main: Callable[[], Awaitable[Ending]]) -> RunResult:
        """From RunStarted to RunEnded, whatever happens between; nothing is left running afterwards."""
        try:
            if self._recording is None:
                return await self._run(question, main)
            return await self._recording.around(self._run(question, main), self._equipment.durations)
        finally:
            self._log.over()
            self._unit.let_go()

    async def _run(self, question: str, main: Callable[[], Awaitable[Ending]]) -> RunResult:
        wiring, tell = self._wiring, self._log.tell
        if self._past is None or not self._past.started:
            wiring.happened(events.RunStarted(wiring.now(), self._id, question, time.time(), tuple(self._files)))
        timer = None if wiring.deadline is None else wiring.loop.call_at(wiring.deadline, self._pass_deadline)
        error: str | None = "cancelled"
        result: Ending | BaseException
        try:
            result = await main()
            error = ""
        except ApprovalPending as waiting:
            error = None  # nothing runs, and it has not ended: it goes on when it is resumed
            asked = [question for question in waiting.questions if isinstance(question, Question)]
            left = pending(self._id, asked, self.journal)
            if tell is not None:  # whoever answers is shown what `Journal.questions` shows
                left.args = (tell.scrub.without(str(left)),)
            raise left from None
        except asyncio.CancelledError:
            if self._left:
                error = None  # likewise
                await self._unit.cancel()
            raise
        except Exception as failed:
            told = failed if tell is None else tell.cleaned(failed)
            error = cut(f"{type(told).__name__}: {exception_text(told)}", LONGEST)
            if told is failed:
                raise
            result = told  # raised behind the block: here what it stands for would be its context
        finally:
            if timer is not None:
                timer.cancel()
            if error is not None:
                await self._unit.cancel()
                wiring.happened(events.RunEnded(wiring.now(), error))
        if isinstance(result, BaseException):
            raise result
        return self._finished(result)

    def _leave(self) -> None:
        if self._recording is not None:
            self._left = True
            self._unit.leave()

    def _pass_deadline(self) -> None:
        self._wiring.happened(events.DeadlinePassed(self._wiring.now()))
        self._unit.stop("deadline")

    def _finished(self, ending: Ending) -> RunResult:
        result = RunResult(
            answer=ending.answer,
            plan=ending.plan,
            outcomes=ending.outcomes,
            usage=self._wiring.ledger.spending.models,
            cost=self._wiring.ledger.spending.usage.cost,
            rounds=self._wiring.ledger.round.number + 1,
            run_id=self._id,
            messages=ending.messages,
            events=self._log.events.so_far(),  # type: ignore[arg-type]  # a tuple, when it is read
            declared=self._equipment.tools.declared,
            partial=ending.partial,
            cut=ending.cut,
        )
        return knowing(result, None if self._log.tell is None else self._log.tell.scrub)
