"""`LLMCompiler`: the one room that knows them all. Wiring only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, overload

from typing_extensions import TypeVar

from superscalar.compiler.attaching import Files, attached
from superscalar.compiler.begin import Runs
from superscalar.compiler.calls import CallResult, CallResults, ToolTurn
from superscalar.compiler.equipment import Equipment, equipped
from superscalar.compiler.estimates import plan_estimate
from superscalar.compiler.functions import PlanFunction, function_of
from superscalar.compiler.given_inputs import (
    Inputs,
    checked_plan,
    compiled_plan,
    compiled_with,
    supplied,
    told_of_inputs,
)
from superscalar.compiler.guards import Guards
from superscalar.compiler.history import History, said_before
from superscalar.compiler.learned import learned
from superscalar.compiler.plans import SavedPlans, need_folder
from superscalar.compiler.prepared import Prepared
from superscalar.compiler.recording import opened
from superscalar.compiler.result import AnswerT, Outcomes, RunResult
from superscalar.compiler.resume import Resolve
from superscalar.compiler.sight import anything_of
from superscalar.compiler.stream import RunStream
from superscalar.compiler.sync import run_to_end
from superscalar.compiler.warming import OnWarming, Warmed, warmed
from superscalar.compiler.ways import PLANNED, Way
from superscalar.estimate.figures import Estimate
from superscalar.labels import NOTHING, Label
from superscalar.options import Options, check_call, told_by
from superscalar.plan import AnySyntax, Diagnostic, Plan
from superscalar.saved.examining import SavedPlan
from superscalar.schedule.doubts import Doubt
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations
from superscalar.short import LONGEST_REPR, cut
from superscalar.tools.toolset import Toolset

if TYPE_CHECKING:
    from superscalar.journal import Journal
    from superscalar.options import AnsweredByJoin, AnsweredInText, Typed, Validated

__all__ = ["CallResult", "CallResults", "LLMCompiler", "Outcomes", "RunResult", "RunStream", "Warmed"]


DepsT = TypeVar("DepsT", contravariant=True, default=Any)
"""What the tools of an agent are given as `ToolContext.context`."""


class LLMCompiler(Generic[DepsT, AnswerT]):
    """Answers questions: plans tool calls, runs them in parallel while the plan is being written, and joins.

        agent = LLMCompiler(model="openai:gpt-5-mini", tools=[price], limits={"quotes": Limit(concurrency=5)})
        result = await agent.run("Which of IBM, AAPL and MSFT is dearest?")

    It takes a model, tools, and by keyword everything else that `superscalar.Options` has: what each is for, and its
    default, stands there. Without a model, `compile` and `execute` work.

    For type checkers it is an `LLMCompiler[Deps, Answer]`. `Answer` is `str`, or the class that is given as
    `output_type`; where that is none (a union, say) write it: `LLMCompiler[Shop, int | str](...)`. `Deps` is what
    `context` must be, so what tools ask for as `ToolContext[Deps]`.

    An agent may be used for many runs at once, and from several threads.

    Raises:
        UsageError: an option is given what it cannot be, there is none of that name, or they contradict each other; the
            message shows what to write.
        JournalError: the journal cannot be opened.
    """

    way: ClassVar[Way] = PLANNED  # what baselines have another one of

    if TYPE_CHECKING:
        # The default of `output_type` in `AnsweredInText` tells pyright that answers are text, and `self` tells mypy.
        @overload
        @told_by(Typed[AnswerT])
        def __init__(self, options: Typed[AnswerT]) -> None: ...
        @overload
        @told_by(AnsweredByJoin)
        def __init__(self, options: AnsweredByJoin) -> None: ...
        @overload
        @told_by(AnsweredInText[AnswerT])
        def __init__(self: LLMCompiler[DepsT, str], options: AnsweredInText[AnswerT]) -> None: ...
        @overload
        @told_by(Validated)
        def __init__(self, options: Validated) -> None: ...
        def __init__(self, *given: Any, **options: Any) -> None: ...

    else:

        @told_by(Options)
        def __init__(self, options):
            self._told(options)

    def _told(self, options: Options) -> None:
        equipment = equipped(options, self.way)  # first: what makes no sense leaves no file behind
        self._journal = opened(options.journal)
        if self._journal is not None:
            equipment = replace(equipment, durations=Durations(self._journal.durations()))
        self._prepared = Prepared(equipment)
        self._runs = Runs(self._prepared, self._journal)

    @property
    def _equipment(self) -> Equipment:
        return self._prepared.equipment

    @property
    def is_live(self) -> bool:
        """Tell whether its tools are opened, or listed, before each run: until then nobody knows them all."""
        return self._prepared.is_live

    @asynccontextmanager
    async def opened(self, deadline: float | None = None) -> AsyncIterator[Toolset]:
        """Keep open what tools need, for several runs, and give the tools that there are now.

        They are what `tools`, `compile` and `check` know from then on. `deadline`: seconds that it may take until then.

        Raises:
            ToolsetError: a toolset cannot be opened, does not list its tools, or takes longer.
        """
        check_call(deadline=deadline)
        async with self._prepared.ready(deadline) as ready:
            yield ready.equipment.tools

    def __repr__(self) -> str:
        tools = ", ".join(one.alias for one in self.tools.signatures) or "no tools"
        return cut(f"<{type(self).__name__} of {self._equipment.model_name or 'no model'}, with {tools}>", LONGEST_REPR)

    @property
    def options(self) -> Options:
        """Return the options that it was made with."""
        return self._equipment.options

    @property
    def guards(self) -> Guards:
        """Return what keeps its runs within bounds, to compare it with that of other agents."""
        return self._prepared.guards

    @property
    def journal(self) -> Journal | None:
        """Say where its runs are recorded, if they are."""
        return self._journal

    def with_options(self, **changed: Any) -> Self:
        """Make an agent that is told the same, but for what is `changed`: `with_options(model=ScriptedModel(PLAN))`.

        Raises:
            UsageError, JournalError: as for the class.
        """
        made = copy(self)  # what a class of your own has beside
        LLMCompiler.__init__(made, **{**vars(self.options), "journal": self._journal, **changed})
        return made

    @property
    def tools(self) -> Toolset:
        """Return the tools that plans may call."""
        return self._equipment.tools

    @property
    def plans(self) -> SavedPlans:
        """Return the saved plans of its folder, `plans=`."""
        return SavedPlans(need_folder(self.options.plans), self._prepared, self.stream_plan)

    def save(self, name: str, plan: Plan | str | RunResult, **saved: Any) -> SavedPlan:
        """Write a plan into its folder of saved plans, for a person to approve; `saved`: as for `SavedPlans.save`."""
        return self.plans.save(name, plan, **saved)

    def function(self, plan: Plan, name: str = "plan", description: str = "", **of_run: Any) -> PlanFunction:
        """Make an async Python function of a plan: inputs are parameters. `of_run`: what `stream_plan` is told, too."""
        return function_of(partial(self.stream_plan, plan, **of_run), plan, name, description)

    @property
    def limits(self) -> Limits:
        """Return what providers allow, and how many calls may be under way at once."""
        return self._equipment.limits

    # ----------------------------------------------------------------------------------------------- questions

    def stream(
        self,
        question: str,
        *,
        context: DepsT | None = None,
        history: History = (),
        history_trusted: bool = False,
        files: Files = (),
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunStream[AnswerT]:
        """Answer a question, with its events as they happen. See `run` for the arguments."""
        check_call(question=question, history_trusted=history_trusted, deadline=deadline, run_id=run_id)
        self._equipment.need_planner()
        said = said_before(history, trusted=history_trusted)
        return self._runs.answered(question, said, attached(files), context, deadline, run_id)

    async def run(
        self,
        question: str,
        *,
        context: DepsT | None = None,
        history: History = (),
        history_trusted: bool = False,
        files: Files = (),
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunResult[AnswerT]:
        """Answer a question.

        `context` reaches tools that declare a `ToolContext`, and nobody else. `history`: the `messages` of earlier
        results, which say where they came from and who may read them; or dicts with a `role` and `content`, of which
        what an assistant said is not trusted, unless `history_trusted`. `files`: paths, or `Attachment`s, that come
        with the question, and are trusted as that is; models that do not take such are told so. After `deadline`
        seconds what is unfinished is cancelled, and the joiner answers from what there is, within a quarter of that
        (and at least 2 s) more: what is not written by then is left out (`RunResult.partial`). Cancelling this cancels
        every call and waits for it to end.

        Raises:
            PlanError: the plan has errors that the planner did not repair.
            ModelError: a model failed, or cannot be used yet.
            JoinError: the joiner gave no usable answer; or `joiner=None`, and nothing that was joined has a value.
            NotApproved: `approve_plan=True`, and the first plan was not approved.
            ApprovalPending: only answers are missing, and nobody is there to give them; the run is recorded.
        """
        async with self.stream(
            question,
            context=context,
            history=history,
            history_trusted=history_trusted,
            files=files,
            deadline=deadline,
            run_id=run_id,
        ) as running:
            return await running.result()

    def run_sync(
        self,
        question: str,
        *,
        context: DepsT | None = None,
        history: History = (),
        history_trusted: bool = False,
        files: Files = (),
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunResult[AnswerT]:
        """Answer a question from code that is not async. Works in a running event loop too (notebooks), blocking it."""
        return run_to_end(
            lambda: self.run(
                question,
                context=context,
                history=history,
                history_trusted=history_trusted,
                files=files,
                deadline=deadline,
                run_id=run_id,
            ),
            grace=self.options.grace,
        )

    async def plan(
        self, question: str, *, history: History = (), history_trusted: bool = False, files: Files = ()
    ) -> Plan:
        """Ask the planner and return its plan, repaired if need be. Nothing is run.

        Raises:
            PlanError: the plan has errors that the planner did not repair.
            ModelError: the model failed.
        """
        planning = self.stream_planning(question, history=history, history_trusted=history_trusted, files=files)
        async with planning as running:
            return (await running.result()).plan

    def stream_planning(
        self, question: str, *, history: History = (), history_trusted: bool = False, files: Files = ()
    ) -> RunStream:
        """Plan as `plan` does, with the events as they happen."""
        check_call(question=question, history_trusted=history_trusted)
        self._equipment.need_plans()
        return self._runs.planned(question, said_before(history, trusted=history_trusted), attached(files))

    def add_example(self, result: RunResult) -> tuple[str, str]:
        """Show its planner from now on the question and the plan of a run. They are returned, for `examples=`.

        Raises:
            UsageError: there is nothing right to learn from it: something failed, or a stranger may have had a hand in.
        """
        return self._prepared.learn(learned(result, self._equipment))

    async def warm(self, told: OnWarming | None = None) -> tuple[Warmed, ...]:
        """Have embedded models read what is the same for every question, and keep it; they answer sooner from then on.

        `told` is called with a role, and how far its model is.

        Raises:
            UsageError: there is no model, or it writes no plans.
            ModelError: what is the same for every question is more than a model can read.
            ModelSetupError: no model of a role can be had or loaded, or keep what it has read.
        """
        async with self._prepared.ready() as ready:
            return await warmed(ready.equipment, told)

    # ------------------------------------------------------------------------------------------------ going on

    def stream_resume(
        self,
        run_id: str,
        *,
        context: DepsT | None = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        inputs: Inputs | None = None,
        rules_changed: bool = False,
    ) -> RunStream:
        """Go on with a run, with its events: those that are recorded first, on the clock of this process."""
        check_call(run_id=run_id, deadline=deadline, resolve=resolve, rules_changed=rules_changed)
        return self._runs.gone_on(run_id, context, deadline, resolve, inputs, rules_changed=rules_changed)

    async def resume(
        self,
        run_id: str,
        *,
        context: DepsT | None = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        inputs: Inputs | None = None,
        rules_changed: bool = False,
    ) -> RunResult:
        """Go on with a run of the journal whose process died, to its end.

        What had succeeded is not done again; what was being read is. A write that had begun is called again only if its
        tool is `idempotent`, with the same idempotency key; of any other, nobody knows whether it happened, so
        `resolve` is asked: `resolve(doubt)`, sync or async, returns `Done(value)`, `CallAgain()` or `StillUnknown()`.
        `context` and `deadline` (seconds from now) are those of this call, not of the one that died. `inputs`: those of
        its plan that are secret, which no journal has; without them, what needs one fails. It has the others.

        The answer is of the type that it has for the run: text, that of its `output_type`, or what a plan joined.

        The rules that the run was begun under, and all else that bounds it, must be this agent's, too. One that says
        something else than it did is refused, unless `rules_changed`; one that is missing always is.

        Raises:
            InDoubt: there is such a write, and no `resolve`. Nothing has changed.
            RunBusy: a process is at work on that run.
            UnknownRun: the journal has no such run.
            UsageError: the run has ended, needs tools that this agent lacks, was begun under other rules, or there is
                no journal.
            JournalError: the journal cannot be read or written.
            PlanError, ModelError, JoinError, NotApproved, ApprovalPending: as for `run`.
        """
        async with self.stream_resume(
            run_id, context=context, deadline=deadline, resolve=resolve, inputs=inputs, rules_changed=rules_changed
        ) as running:
            return await running.result()

    async def doubts(self, run_id: str, *, rules_changed: bool = False) -> tuple[Doubt, ...]:
        """List the writes that `resume` would ask about: under way, perhaps made, and not idempotent.

        Nothing is changed, and nothing run.

        Raises:
            RunBusy, UnknownRun, UsageError, JournalError: as for `resume`.
        """
        check_call(run_id=run_id, rules_changed=rules_changed)
        return await self._runs.doubts(run_id, rules_changed=rules_changed)

    def resume_sync(
        self,
        run_id: str,
        *,
        context: DepsT | None = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        inputs: Inputs | None = None,
        rules_changed: bool = False,
    ) -> RunResult:
        """Resume a run from code that is not async, as `run_sync` does."""
        return run_to_end(
            lambda: self.resume(
                run_id,
                context=context,
                deadline=deadline,
                resolve=resolve,
                inputs=inputs,
                rules_changed=rules_changed,
            ),
            grace=self.options.grace,
        )

    # ---------------------------------------------------------------------------------------------- without a model

    def compile(self, source: str, *, syntax: AnySyntax = "auto", inputs: Inputs | None = None) -> Plan:
        """Check a plan and lower it to tasks. `syntax`: what it is written in; the result's `syntax` says what it was.

        `inputs`: the types of what it is given when it is run, by name: `{"tickers": list[str], "limit": Input(int,
        default=5)}`. Each is a name in it. Without `inputs`, they are those that its header declares.

        Raises:
            PlanError: it has errors; each says where, and what to write instead.
            UsageError: `inputs` are none; the message says what to write.
        """
        check_call(source=source, syntax=syntax)
        return compiled_with(source, self.tools, syntax, inputs)

    def check(self, source: str, *, syntax: AnySyntax = "auto", inputs: Inputs | None = None) -> tuple[Diagnostic, ...]:
        """Return the errors and warnings of a plan. `inputs`: as for `compile`."""
        check_call(source=source, syntax=syntax)
        return checked_plan(source, self.tools.signatures, syntax, inputs)

    def estimate(self, plan: Plan | str, *, question: str | None = None, inputs: Inputs | None = None) -> Estimate:
        """Say what a plan would take; with a `question`, what answering that would, too. Nothing is called.

        `inputs`: what it would be given; without them, nothing is known of those.

        Raises:
            PlanError: `plan` is source text with errors.
            UsageError: `inputs` do not fit it.
        """
        check_call(plan=plan, question=question or "?")
        made = self.compile(plan) if isinstance(plan, str) else plan
        return plan_estimate(self._equipment, made if inputs is None else supplied(made, inputs), question)

    async def execute(
        self,
        plan: Plan | str,
        *,
        inputs: Inputs | None = None,
        context: DepsT | None = None,
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> Outcomes:
        """Run a plan without any model and return what every task left behind.

        A task that fails is not raised: it is in the outcomes, and skips only what refers to it. `inputs`: the values
        of its inputs, by name. They are trusted as you are; of one that is not, or is for some readers only, say so:
        `inputs={"page": labelled(page)}`.

        Raises:
            PlanError: `plan` is source text with errors.
            UsageError: `inputs` do not fit it; the message says what is missing, unknown, or of another type.
            NotApproved, ApprovalPending: as for `run`.
        """
        async with self.stream_plan(plan, inputs=inputs, context=context, deadline=deadline, run_id=run_id) as running:
            return (await running.result()).outcomes

    def stream_plan(
        self,
        plan: Plan | str,
        *,
        inputs: Inputs | None = None,
        context: DepsT | None = None,
        deadline: float | None = None,
        run_id: str | None = None,
        saw_untrusted: bool = False,
        seen: Label = NOTHING,
    ) -> RunStream:
        """Run a plan as `execute` does, with its events as they happen; the answer is the value of `join(...)`.

        `seen`: the label of what whoever wrote the plan had read, which all of it has, constants too. `saw_untrusted`:
        that may have been anything that these tools return.
        """
        check_call(plan=plan, deadline=deadline, run_id=run_id, saw_untrusted=saw_untrusted, seen=seen)
        if not self.is_live and isinstance(plan, str):  # else nobody knows the tools yet
            with told_of_inputs(inputs or ()):
                plan = self.compile(plan)
        if isinstance(plan, Plan):
            plan = supplied(plan, inputs)

        def plan_for(tools: Toolset) -> Plan:
            with told_of_inputs(inputs or ()):
                return supplied(compiled_plan(plan, tools.signatures), inputs) if isinstance(plan, str) else plan

        def seen_of(tools: Toolset) -> Label:
            return seen | anything_of(tools) if saw_untrusted else seen

        return self._runs.executed(plan_for, seen_of, context, deadline, run_id)

    # ----------------------------------------------------------------------------------------- a loop of your own

    async def execute_calls(
        self,
        message: object,
        *,
        context: DepsT | None = None,
        deadline: float | None = None,
        run_id: str | None = None,
        saw_untrusted: bool = True,
        seen: Label | None = None,
    ) -> CallResults:
        """Make the tool calls of a chat model's turn, all at once as far as limits and effects allow.

            reply = client.chat.completions.create(model=..., messages=messages, tools=agent.tools.schemas("openai"))
            messages.append(reply.choices[0].message)
            messages += (await agent.execute_calls(reply.choices[0].message)).messages

        `message`: an assistant message of OpenAI's chat completions, the response of its Responses API, one of
        Anthropic's Messages API, or a list of such calls; as dicts or as SDK objects. Results come in the order of the
        calls. A call that cannot be read, that names no tool or does not fit its parameters fails alone, with a text
        that the model can mend it by. Writes keep their order among the accesses of what they write.

        A model that reads results before it calls the next tool can be steered by them, and may tell others what it has
        read. So what it writes is not trusted and may choose no sink, and goes to those alone who may read whatever
        these tools return, unless you know better: `seen` is the label of what it was shown, the join of the
        `results.label` so far (`seen |= results.label`); `saw_untrusted=False` says that the conversation holds nothing
        yet that a tool returned.

        Raises:
            UsageError: `message` is nothing of the kind.
        """
        check_call(saw_untrusted=saw_untrusted, deadline=deadline, run_id=run_id)
        turns: list[ToolTurn] = []

        def plan_for(tools: Toolset) -> Plan:
            turns.append(ToolTurn(message, tools))
            return turns[0].plan

        def seen_of(tools: Toolset) -> Label:
            return seen if seen is not None else anything_of(tools) if saw_untrusted else NOTHING

        async with self._runs.executed(plan_for, seen_of, context, deadline, run_id) as running:
            result = await running.result()
            return turns[0].results(result)

    def execute_calls_sync(
        self,
        message: object,
        *,
        context: DepsT | None = None,
        deadline: float | None = None,
        run_id: str | None = None,
        saw_untrusted: bool = True,
        seen: Label | None = None,
    ) -> CallResults:
        """Make calls as `execute_calls` does, from code that is not async (see `run_sync`)."""
        return run_to_end(
            lambda: self.execute_calls(
                message, context=context, deadline=deadline, run_id=run_id, saw_untrusted=saw_untrusted, seen=seen
            ),
            grace=self.options.grace,
        )
