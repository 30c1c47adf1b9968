"""Going on with a recorded run whose process died: what had happened is read back, and the rest is done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from superscalar import events, planner
from superscalar.advice import command
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.guards import Guards
from superscalar.compiler.joining import tried_in
from superscalar.compiler.older import in_todays_names, why_not, with_what_was_heard
from superscalar.compiler.planning import rest_of
from superscalar.compiler.recording import Recording, history_of
from superscalar.compiler.result import Ending, Outcomes, RunResult
from superscalar.compiler.run import Run
from superscalar.compiler.sight import ReplannerSees
from superscalar.compiler.stream import Log
from superscalar.compiler.telling import telling
from superscalar.errors import InDoubt, UsageError
from superscalar.labels import joined
from superscalar.models.base import Message
from superscalar.observe.timeline import on_one_clock
from superscalar.plan.ir import Call, Plan, Task, walk
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.adopt import AdoptedProgram, can_go_on, without_join
from superscalar.schedule.again import Again, Terms, is_lost, read_again
from superscalar.schedule.doubts import CallAgain, Done, Doubt, StillUnknown, Verdict
from superscalar.schedule.inside import granted_here
from superscalar.schedule.ledger import Ledger, Round
from superscalar.schedule.restore import Rest
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.secrets import lacks_secret
from superscalar.tools.execution import Runner
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Outcome, TaskId

if TYPE_CHECKING:
    from superscalar.journal import RunLog

Resolve: TypeAlias = Callable[[Doubt], Verdict | Awaitable[Verdict]]
"""Says of a write that may have happened what became of it. It may be async."""


_DIED: Final = "the process died before its end was recorded"
_ANEW: Final = "the process died before its text was whole, and it is planned anew"


@dataclass(slots=True)
class _Dialogue:
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


class _Past:
    """What had been said in a run, in the order of its events; what they made true of it is in its ledger."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self.started = False
        self.rounds: list[_Dialogue] = []
        self.joined: events.Joined | None = None

    def hear(self, event: events.Event, ledger: Ledger) -> None:
        """Take in an event that the ledger has just taken in."""
        if isinstance(event, events.RunStarted):
            self.started = True
        elif isinstance(event, events.RoundStarted) or (not self.rounds and not isinstance(event, events.Resumed)):
            self.rounds.append(_Dialogue(ledger.round))
        if self.rounds:
            self.rounds[-1].events.append(event)
            self._hear(event, self.rounds[-1], ledger)

    def _hear(self, event: events.Event, last: _Dialogue, ledger: Ledger) -> None:
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
                last.turns += rest_of(text, last.round.tasks, last.problems, self._equipment.syntax)
                last.sent, last.problems, last.cut = last.problems, [], cut
            case events.Repairing():
                last.cut = ""
                last.turns += self._turns(last)
                last.turns.append(Message("user", planner.repair_message(last.problems, self._equipment.syntax)))
                last.sent, last.problems = last.problems, []
            case events.Retired(why=why) if why == _ANEW:
                last.forget()
            case events.PlanAsked() | events.Sealed():
                last.turns += self._turns(last)
            case events.Joined(answer=answer) if not lacks_secret(answer):
                self.joined = event
            case events.Replanned(reason=reason):
                last.outcomes = ledger.schedule.outcomes()
                last.replanned = reason

    def _turns(self, last: _Dialogue) -> Iterator[Message]:
        text = "".join(last.writing)
        last.writing.clear()
        if text:
            yield Message("assistant", text)


class ResumedRun(Run):
    """A run that goes on from what is recorded of it. Making it changes nothing."""

    _program: AdoptedProgram

    def __init__(
        self, equipment: Equipment, log: Log, recording: Recording, *, context: Any, deadline: float | None
    ) -> None:
        about = recording.log.about
        self._question = str(about.get("question", ""))
        self._said = history_of(about)
        self._answers = about.get("kind") == "answer"
        self._recorded = log.events
        run_id = recording.log.run
        self._past = past = _Past(equipment)
        super().__init__(
            equipment, log, run_id, context=context, deadline=deadline, recording=recording, question=self._question
        )
        for event in self._recorded:
            self._budget.note(event)
        self._late = self._unit.ledger.late
        self._rounds = max(len(past.rounds) - 1, 0)
        self._before = frozenset(task.id for said in past.rounds[:-1] for task in said.round.tasks)
        rounds = [said.round.tasks for said in past.rounds] if self._answers else []
        approved = [said.round.approved for said in past.rounds]
        self._refused = any(answer is not None and not answer.approved for answer in approved)
        whole = bool(past.rounds) and (past.rounds[-1].round.sealed or past.rounds[-1].round.asked)
        self._program = AdoptedProgram(
            equipment.tools.signatures, rounds, open=bool(rounds) and not whole, retired=self._unit.ledger.retired
        )
        for round in past.rounds:
            if round.replanned is not None:
                self._progress.failed |= tried_in(round.events)[0]
        self._check_language(about)
        self._check_tools(equipment.tools)
        self.guards: tuple[str, ...] = ()
        """What has changed of those that it was begun under, in words."""

    def _unit_in(self, surroundings: Surroundings) -> TaskFetchingUnit:
        self._rest = Rest(surroundings, tuple(self._recorded), self._past.hear)
        return self._rest.unit

    def lose(self, again: Again) -> None:
        """Take note of what of the run is in no journal, and could not be got again."""
        again.lose(self._unit.schedule)

    def _begin(self, question: str) -> None:
        if not self._past.started:
            super()._begin(question)

    # -------------------------------------------------------------------------------------------- before anything runs

    def _check_language(self, about: Mapping[str, Any]) -> None:
        """Refuse to go on with a plan that would mean something else now than it did when it was begun.

        Raises:
            UsageError: it would; the message says why, and what to do.
        """
        rounds = self._past.rounds
        last = rounds[-1] if rounds else None
        tasks = [task for said in rounds for task in said.round.tasks]
        open = last is not None and not (last.round.sealed or last.round.asked or self._late)
        begun = open and self._answers and last is not None and last.is_begun
        why = why_not(about, self._rest.left(), tasks, self._unit.outcomes(), begun=begun)
        if why is not None:
            show = command("show", self._id, journal=self._journal)
            raise UsageError(f"run {self._id} cannot go on: {why}. `{show}` prints what it came to so far")

    def _check_tools(self, tools: Toolset) -> None:
        """Refuse to go on with tools that are not those that the plan was made for.

        Raises:
            UsageError: what is still to be called is gone, or takes other arguments; the message names it.
        """
        calls = [task.work for task in walk(tuple(self._rest.left())) if isinstance(task.work, Call)]
        changed = {call.tool: why for call in calls if (why := _why_changed(call, tools)) is not None}
        if changed:
            listed = "\n".join(f"  {alias}: {why}" for alias, why in changed.items())
            raise UsageError(
                f"run {self._id} cannot go on with these tools:\n{listed}\n"
                "give the agent the tools that the run was begun with, or ask the question anew"
            )

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The writes that may have happened, and must be answered for."""
        return self._rest.doubts

    async def verdicts(self, resolve: Resolve | None) -> dict[TaskId, Verdict]:
        """What became of each write that may have happened.

        Raises:
            InDoubt: there are such writes, and nobody to ask.
            UsageError: the answer to one is no answer.
        """
        doubts = self.doubts
        if doubts and resolve is None:
            raise InDoubt(_in_doubt(self._id, doubts), doubts)
        found: dict[TaskId, Verdict] = {}
        for doubt in doubts:
            assert resolve is not None
            verdict = resolve(doubt)
            verdict = await verdict if inspect.isawaitable(verdict) else verdict
            if not isinstance(verdict, Done | CallAgain | StillUnknown):
                wanted = "return Done(value), CallAgain() or StillUnknown()"
                raise UsageError(f"resolve= returned {verdict!r} for {doubt.task_id}; {wanted}")
            found[doubt.task_id] = verdict
        return found

    # ------------------------------------------------------------------------------------------------------ going on

    async def go_on(self, verdicts: dict[TaskId, Verdict]) -> RunResult:
        """Do the rest of the run."""

        async def main() -> Ending:
            last = self._past.rounds[-1] if self._past.rounds else None
            asks = self._answers and self._equipment.options.approve_plan
            if last is not None and not last.round.sealed and (last.round.asked or asks):
                self._unit.hold()
            self._rest.go_on(verdicts, self.guards)
            if self._recording is not None:
                await self._recording.log.durable()  # what was said of the writes is not asked again
            return await (self._rest_of_answer() if self._answers else self._rest_of_plan())

        return await self._bracketed(self._question, main)

    async def _rest_of_plan(self) -> Ending:
        tasks = tuple(self._unit.ledger.tasks)
        if not (self._unit.ledger.round.sealed or self._late):
            await self._rest_of_approval(self._unit.ledger.round)
        await self._unit.settle()
        await self._unit.cancel()
        outcomes = Outcomes(self._unit.outcomes(), tasks)
        return Ending(answer=outcomes.joined, plan=Plan(tasks), outcomes=outcomes)

    async def _rest_of_answer(self) -> Ending:
        past, question, said = self._past, self._question, self._said
        if past.joined is not None:
            answer = past.joined.answer
            if self._equipment.answer_type is not None:
                answer = self._equipment.answer_type.again(answer)
            return self._answered(answer, question, said)
        conversation = self._conversation(said, question)
        tasks: tuple[Task, ...] = ()
        for round, later in zip_longest(past.rounds, past.rounds[1:]):
            conversation += round.turns
            tasks += tuple(round.round.tasks)
            if round.replanned is not None and later is not None:
                told = tasks, round.outcomes, round.replanned
                text = self._sight.of_planner(*told, self._seen, "text").label
                sees: ReplannerSees = "text" if later.round.label | text == later.round.label else "summaries"
                self._tell_planner(conversation, *told, sees)
        self._seen |= joined(said.round.label for said in past.rounds)
        last = past.rounds[-1] if past.rounds else None
        if last is None:
            await self._plan(conversation, "")
        elif last.replanned is not None:
            await self._replan(conversation, last.replanned)
        elif not last.round.sealed and not self._late and last.round.asked:
            await self._rest_of_approval(last.round)
        elif not last.round.sealed and not self._late:
            await self._rest_of_round(conversation, last)
        return await self._from_plan_to_answer(conversation, question, said)

    async def _rest_of_approval(self, round: Round) -> None:
        """The plan was complete, and whether it may be begun had been asked, or answered."""
        if round.approved is None:
            await self._approved(round.tasks)
        else:
            by = f"{round.approved.by} said no" if round.approved.by else "somebody said no"
            self._take_answer(approved=round.approved.approved, why=by)
        if not self._late:
            self._unit.seal()

    async def _rest_of_round(self, conversation: list[Message], round: _Dialogue) -> None:
        """Have the plan that was being written completed; what is there of it stays, or is planned anew.

        Nothing of it is sealed before the planner has said so.
        """
        if not round.may_stand:
            del conversation[len(conversation) - len(round.turns) :]
            self._take(self._program.retract(_ANEW), running=True)
            await self._plan_round(conversation)
            return
        problems = [*round.sent, *round.problems]  # the reply that was to mend the first ones may have been cut off
        self._take(self._program.close(), running=True)
        if not problems:
            self._program.end_again()
        turns = rest_of("", round.stands, problems, self._equipment.syntax)
        self._continuing = self._continuing or bool(turns)
        conversation += turns
        await self._plan_round(conversation, repairing=self._continuing, cut=round.cut if turns else "")


async def resumed(
    equipment: Equipment,
    recording: Recording,
    log: Log,
    guards: Guards,
    *,
    context: Any,
    deadline: float | None,
    resolve: Resolve | None,
    rules_changed: bool,
) -> RunResult:
    """Go on with a run whose lease is taken, to its end.

    Raises:
        InDoubt: writes may have happened, and there is no `resolve` to ask. Nothing has changed.
        UsageError: as for `restored`.
    """
    try:
        allowed = partial(guards.check, recording.log, rules_changed=rules_changed)
        log.tell = recording.tell = telling(equipment, context)
        runners = equipment.runners if log.tell is None else log.tell.learning(equipment.runners)
        again = await without_secrets(equipment, recording, runners, context, allowed)
        run = restored(
            equipment, recording, log, guards, again, context=context, deadline=deadline, rules_changed=rules_changed
        )
        verdicts = await run.verdicts(resolve)
    except BaseException:
        await recording.log.aclose()
        raise
    return await run.go_on(verdicts)


async def without_secrets(
    equipment: Equipment,
    recording: Recording,
    runners: Mapping[Tool[..., Any], Runner] | None = None,
    context: Any = None,
    allowed: Callable[[], object] = bool,
) -> Again:
    """What is recorded of a run, under the names of today, with the values that are in no journal read again.

    Without `runners`, nothing is read: they are absent. `allowed` raises, before anything is, if the run may not go on.
    """
    recorded = _as_of_today(equipment, recording)
    if not any(map(is_lost, recorded)) or any(isinstance(event, events.RunEnded) for event in recorded):
        return Again(tuple(recorded), {})
    allowed()
    late = any(isinstance(event, events.DeadlinePassed) for event in recorded)
    run, (limits, _) = recording.log.run, granted_here(equipment.limits, asyncio.get_running_loop())
    called = None if late else runners
    tell = str if recording.tell is None else recording.tell.scrub
    terms = Terms(
        run=run,
        tools=equipment.tools,
        limits=limits,
        runners=called,
        bounds=equipment.options,
        context=context,
        random=equipment.random,
        tell=tell,
    )
    return await read_again(recorded, terms)


def _as_of_today(equipment: Equipment, recording: Recording) -> Sequence[events.Event]:
    about = recording.log.about
    aliases = {signature.name: signature.alias for signature in equipment.tools.signatures}
    return with_what_was_heard(in_todays_names(recording.log.recorded, about, aliases), history_of(about))


def restored(
    equipment: Equipment,
    recording: Recording,
    log: Log,
    guards: Guards,
    again: Again,
    *,
    context: Any = None,
    deadline: float | None = None,
    rules_changed: bool = False,
) -> ResumedRun:
    """The run whose lease is taken, as it was when its process died. Nothing has changed yet.

    `again`: what is recorded of it, see `without_secrets`.

    Raises:
        UsageError: the run has ended, its plan is of another version of the language and would mean something else now,
            the tools are not those that it needs, or `guards` are not those that it was begun under.
    """
    _check_that_it_is_open(recording.log, again.recorded, recording.log.about.get("kind") == "answer")
    log.events.extend(on_one_clock(again.recorded, asyncio.get_running_loop().time()))
    run = ResumedRun(equipment, log, recording, context=context, deadline=deadline)
    run.lose(again)
    run.guards = guards.check(recording.log, rules_changed=rules_changed)
    return run


def _check_that_it_is_open(log: RunLog, recorded: Sequence[events.Event], answers: bool) -> None:
    run = log.run
    last = next((event for event in reversed(recorded) if not isinstance(event, events.Resumed)), None)
    if isinstance(last, events.RunEnded):
        how = f"failed ({last.error})" if last.error and last.error != "cancelled" else "was stopped"
        raise UsageError(
            f"run {run} {how if last.error else 'has ended'}: there is nothing to resume. "
            f"`{command('show', run, journal=log.journal)}` prints what it came to"
        )
    if not answers and not any(isinstance(event, events.Sealed | events.PlanAsked) for event in recorded):
        raise UsageError(
            f"run {run} died before its plan was recorded as a whole, and so before anything of it ran; "
            "run the plan again, as a run of its own: agent.execute(plan), or superscalar exec"
        )


def _why_changed(call: Call, tools: Toolset) -> str | None:
    """Why a call that was planned cannot be made with these tools; None if it can."""
    tool, signature = tools.get(call.tool), tools.signatures.get(call.tool)
    if tool is None or signature is None:
        return "there is no such tool any more"
    if tool.effect != call.effect:
        return f'it was effect="{call.effect}" and is effect="{tool.effect}" now'
    known = {parameter.alias for parameter in signature.parameters}
    given = {name for name, _ in call.arguments}
    if gone := sorted(given - known):
        return f"it takes no {', '.join(map(repr, gone))} any more"
    if missing := [p.alias for p in signature.parameters if p.required and p.alias not in given]:
        return f"it needs {', '.join(map(repr, missing))} now"
    return None


def _in_doubt(run: str, doubts: Sequence[Doubt]) -> str:
    listed = "\n".join(f"  {doubt}" for doubt in doubts)
    count = "a write" if len(doubts) == 1 else f"{len(doubts)} writes"
    return (
        f"run {run} was in the middle of {count} when its process died, which may have happened or not:\n{listed}\n"
        "look at what was written, and say what became of each:\n"
        f"  agent.resume({run!r}, resolve=lambda doubt: Done(value))  # it happened; the call returned this\n"
        f"  agent.resume({run!r}, resolve=lambda doubt: CallAgain())  # it did not: call it again\n"
        f"  agent.resume({run!r}, resolve=lambda doubt: StillUnknown())  # nobody knows: the task fails in doubt"
    )
