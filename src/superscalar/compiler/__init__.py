"""`LLMCompiler`: the one room that knows them all. Wiring only."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from random import Random
from typing import TYPE_CHECKING, Any

from superscalar.compiler import approval
from superscalar.compiler.approval import Approve
from superscalar.compiler.budget import Budget
from superscalar.compiler.calls import CallResult, CallResults, Turn
from superscalar.compiler.guards import Guards
from superscalar.compiler.history import History, said_before
from superscalar.compiler.recording import Recording, about_plan, about_question
from superscalar.compiler.result import Outcomes, RunResult
from superscalar.compiler.resume import Resolve, restored, resumed, without_secrets
from superscalar.compiler.run import Run, Settings
from superscalar.compiler.sight import SEES, ReplannerSees
from superscalar.compiler.stream import Log, RunStream
from superscalar.compiler.sync import run_to_end
from superscalar.compiler.telling import telling
from superscalar.errors import UsageError
from superscalar.executors import LOCAL, Executor
from superscalar.executors.runners import Runners
from superscalar.extractor import extraction
from superscalar.forks import MAKING
from superscalar.labels import NOTHING, Label, joined
from superscalar.models.base import ChatModel
from superscalar.models.resolve import resolve
from superscalar.models.typed import AnswerType
from superscalar.plan import AnySyntax, Diagnostic, Plan, check, compile_plan
from superscalar.plan import grammar as make_grammar
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.policy import REPLANS, Mode, Policy, Replan, Rulings
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.doubts import Doubt
from superscalar.schedule.labels import SHOWN
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations
from superscalar.secrets import Redact, checked
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

if TYPE_CHECKING:
    from superscalar.journal import Journal

__all__ = ["CallResult", "CallResults", "LLMCompiler", "Outcomes", "RunResult", "RunStream"]

SAME = "same"


class LLMCompiler:
    """Answers questions: plans tool calls, runs them in parallel while the plan is being written, and joins.

        agent = LLMCompiler(model="openai:gpt-5-mini", tools=[price], limits={"quotes": Limit(concurrency=5)})
        result = await agent.run("Which of IBM, AAPL and MSFT is dearest?")

    `model` writes plans: `"openai:NAME"`, `"local"`, or any `ChatModel`; without one, `compile` and `execute` work.
    `joiner` is the model that answers ("same": the planner's), or None: the value of `join(...)` is the answer.
    `limits` are shared by all runs, of other agents that declare them alike too; `max_concurrency` bounds this agent's
    calls together. `instructions` are added to both prompts. `output_type`: any type that pydantic validates; the
    answer is then of that type.
    `grammar`: a planner whose output can be constrained writes nothing but plans for these tools, an extractor nothing
    but what follows the schema; False: as they like.
    `max_replans`: further rounds at the most; `max_repairs`: how often errors go back to the planner, per round.
    Seconds: `timeout` per attempt of a tool that says nothing itself, `planner_timeout` and `joiner_timeout` per model
    call, `grace` that a cancelled call has to end. `max_tasks` per run and `max_fan_out` per map bound a plan.
    What a run may spend: `max_tokens` of its models, `max_cost` on models and tools together, in the currency of
    `OpenAIModel(prices=...)` and `@tool(cost=...)`; `max_bytes`, what its values may weigh together, those that calls
    are made with too. Where that is reached nothing more is begun, and the joiner answers from what there is.

    `journal`: the file in which runs are recorded (its path, or a `Journal`), each event before it is acted on, and the
    start of a write on the disk before its tool is called: a run that was killed can be resumed. The `context` of a run
    is never recorded. A tool's result must be data then, and no opaque handle.

    `schemas`: types by name, anything that pydantic validates. With them, or with `extractor`, plans may write
    `extract(source, "Invoice", "what to find")`: a model without tools reads data that nobody trusts, and a value of
    that type is all that comes out. `extractor`: that model ("same": the planner's); `extractor_timeout`: seconds for
    one reply of it. See docs/extract.md.

    `policy`: what may happen, a `Policy` or the mode of one: with "enforce", what is not trusted may not choose a
    parameter that is declared a sink, and what only some may read goes to them alone. See docs/security.md.

    `approve`: who is asked where a rule says `Ask`: a function from a `Question` to True or False, async, or plain and
    then called in a thread. Only the call waits, and what refers to it. Without it, a run with a journal is suspended
    once nothing else is left to do (`ApprovalPending`), and goes on when it was answered and is resumed; without either
    the call is denied. `approve_plan`: the plan of each round is asked about as a whole, and nothing begins before.

    `replan`: what a later round may add once a tool ran whose results are not trusted: "read-only", reads, and writes
    of a kind (tool and destinations) that was planned before; "ask", what that refuses is asked about; "planned-tools",
    calls of the first plan's tools; "any"; "never", there is none then. `replanner_sees`: of such results its planner
    is shown "summaries" (status, type and size), and not why there is another round; or "text", and then nothing that
    it writes is trusted.

    `redact`: a function from a text to a text, called with every text that leaves a run (failures, progress, errors,
    what models are shown of results) once what is secret was taken out of it, to take out personal data and the like.
    What it raises leaves nothing of the text. See docs/security.md.

    An agent may be used for many runs at once, and from several threads.

    Raises:
        UsageError: the arguments contradict each other; the message shows what to write.
        JournalError: the journal cannot be opened.
        ModelSetupError: the model needs an extra or a key that is missing.
    """

    def __init__(
        self,
        model: str | ChatModel | None = None,
        tools: Iterable[Tool[..., Any] | Toolset | Callable[..., Any]] = (),
        *,
        limits: Mapping[str, Limit] | None = None,
        max_concurrency: int = 32,
        joiner: str | ChatModel | None = SAME,
        instructions: str = "",
        output_type: Any = None,
        base_url: str | None = None,
        grammar: bool = True,
        max_replans: int = 2,
        max_repairs: int = 2,
        timeout: float | None = 60.0,
        planner_timeout: float | None = 120.0,
        joiner_timeout: float | None = 120.0,
        grace: float = 0.5,
        max_tasks: int = 10_000,
        max_fan_out: int = 1_000,
        max_result_tokens: int = 3_000,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        max_bytes: int = 1_000_000_000,
        random: Random | None = None,
        journal: str | PathLike[str] | Journal | None = None,
        policy: Mode | Policy = "enforce",
        approve: Approve | None = None,
        approve_plan: bool = False,
        replan: Replan = "read-only",
        replanner_sees: ReplannerSees = "summaries",
        schemas: Mapping[str, Any] | None = None,
        extractor: str | ChatModel | None = None,
        extractor_timeout: float | None = 120.0,
        redact: Redact | None = None,
        executor: Executor | None = None,
    ) -> None:
        approval.check(approve, plans=approve_plan, recorded=journal is not None)
        _check_choice("replan", replan, REPLANS)
        _check_choice("replanner_sees", replanner_sees, SEES)
        planner = None if model is None else resolve(model, base_url=base_url)
        extracting = planner if extractor is None or extractor == SAME else resolve(extractor)
        toolset = Toolset(tools, limits=limits, schemas=schemas)
        if toolset.named or schemas is not None or extractor is not None:
            toolset = extraction(extracting, toolset.named, toolset, timeout=extractor_timeout, grammar=grammar)
        for signature in toolset.signatures:
            if signature.name in FUNCTIONS:
                message = f"the tool {signature.name} is called {signature.alias} in plans, where {signature.name}"
                warnings.warn(f"{message} is a function of the language", stacklevel=2)
        shared = Limits(toolset.limits, max_concurrency)
        for tool in toolset:
            shared.require(tool)
        answering = planner if joiner == SAME else None if joiner is None else resolve(joiner)
        if answering is None and output_type is not None:
            raise UsageError("output_type= is what the joiner writes; leave out joiner=None, or output_type=")
        models = (planner, answering, extracting)
        for asked in models:
            if max_cost is not None and asked is not None and getattr(asked, "prices", ...) is None:
                raise UsageError(
                    f"max_cost={max_cost:g} cannot count what {asked.name} costs; write "
                    "model=OpenAIModel(..., prices=Prices(input=0.25, output=2.0)), per million tokens"
                )
        rules = policy if isinstance(policy, Policy) else Policy(policy)
        Budget(toolset, max_tokens, max_cost)  # complains of what makes no sense now, not in the first run
        if not max_bytes > 0:
            raise UsageError(f"max_bytes={max_bytes}: bytes that the values of a run may take together, above 0")
        Rulings(rules, toolset)  # likewise
        constrained = grammar and planner is not None and planner.constrains
        self.tools = toolset
        self.limits = shared
        self._grace = grace
        self._journal = _opened(journal)
        self._settings = Settings(
            tools=toolset,
            limits=shared,
            runners=Runners(executor or LOCAL).made(toolset),
            planner=planner,
            joiner=answering,
            instructions=instructions,
            answer_type=None if output_type is None else AnswerType(output_type),
            bounds=Bounds(timeout, grace, max_tasks, max_fan_out, max_bytes),
            grammar=make_grammar(toolset) if constrained else None,
            syntax=getattr(planner, "writes", "python") if constrained else "python",
            max_replans=max_replans,
            max_repairs=max_repairs,
            planner_timeout=planner_timeout,
            joiner_timeout=joiner_timeout,
            max_result_tokens=max_result_tokens,
            max_tokens=max_tokens,
            max_cost=max_cost,
            random=random or Random(),
            policy=rules,
            approve=approve,
            approve_plan=approve_plan,
            replan=replan,
            replanner_sees=replanner_sees,
            secrets=tuple(key for asked in models for key in getattr(asked, "secrets", ())),
            redact=checked(redact),
            durations=Durations(None if self._journal is None else self._journal.durations()),
        )
        self._guards = Guards(self._settings)

    # ----------------------------------------------------------------------------------------------- questions

    def stream(
        self,
        question: str,
        *,
        context: Any = None,
        history: History = (),
        history_trusted: bool = False,
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunStream:
        """Answer a question, with its events as they happen. See `run` for the arguments."""
        self._need_model()
        said = said_before(history, trusted=history_trusted)

        async def main(log: Log) -> RunResult:
            settings = self._settings
            joiner = None if settings.joiner is None else settings.joiner.name
            about = about_question(question, said, self._model_name, joiner, self.tools)
            run = await self._new_run(log, context, deadline, run_id, about, question)
            return await run.answer(question, said)

        return RunStream(main)

    async def run(
        self,
        question: str,
        *,
        context: Any = None,
        history: History = (),
        history_trusted: bool = False,
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunResult:
        """Answer a question.

        `context` reaches tools that declare a `ToolContext`, and nobody else. `history`: the `messages` of earlier
        results, which say where they came from and who may read them; or dicts with a `role` and `content`, of which
        what an assistant said is not trusted, unless `history_trusted`. After `deadline` seconds what is unfinished is
        cancelled, and the joiner answers from what there is. Cancelling this cancels every call and waits for it to
        end.

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
            deadline=deadline,
            run_id=run_id,
        ) as running:
            return await running.result()

    def run_sync(
        self,
        question: str,
        *,
        context: Any = None,
        history: History = (),
        history_trusted: bool = False,
        deadline: float | None = None,
        run_id: str | None = None,
    ) -> RunResult:
        """`run` for code that is not async. Works inside a running event loop too (notebooks), which it blocks."""
        return run_to_end(
            lambda: self.run(
                question,
                context=context,
                history=history,
                history_trusted=history_trusted,
                deadline=deadline,
                run_id=run_id,
            ),
            grace=self._grace,
        )

    async def plan(self, question: str, *, history: History = (), history_trusted: bool = False) -> Plan:
        """What the planner would do: its plan, repaired if need be. Nothing is run.

        Raises:
            PlanError: the plan has errors that the planner did not repair.
            ModelError: the model failed.
        """
        async with self.stream_planning(question, history=history, history_trusted=history_trusted) as running:
            return (await running.result()).plan

    def stream_planning(self, question: str, *, history: History = (), history_trusted: bool = False) -> RunStream:
        """`plan`, with its events as they happen."""
        self._need_model()
        said = said_before(history, trusted=history_trusted)

        async def main(log: Log) -> RunResult:
            return await (await self._new_run(log, None, None, None)).plan_only(question, said)

        return RunStream(main)

    # ------------------------------------------------------------------------------------------------ going on

    def stream_resume(
        self,
        run_id: str,
        *,
        context: Any = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        rules_changed: bool = False,
    ) -> RunStream:
        """Go on with a run, with its events: those that are recorded first, on the clock of this process."""

        async def main(log: Log) -> RunResult:
            self._check_deadline(deadline)
            recording = Recording(await self._need_journal(run_id).areopen(run_id), self.tools)
            return await resumed(
                self._settings,
                recording,
                log,
                self._guards,
                context=context,
                deadline=deadline,
                resolve=resolve,
                rules_changed=rules_changed,
            )

        return RunStream(main)

    async def resume(
        self,
        run_id: str,
        *,
        context: Any = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        rules_changed: bool = False,
    ) -> RunResult:
        """Go on with a run of the journal whose process died, to its end.

        What had succeeded is not done again; what was being read is. A write that had begun is called again only if its
        tool is `idempotent`, with the same idempotency key; of any other, nobody knows whether it happened, so
        `resolve` is asked: `resolve(doubt)`, sync or async, returns `Done(value)`, `CallAgain()` or `StillUnknown()`.
        `context` and `deadline` (seconds from now) are those of this call, not of the one that died.

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
            run_id, context=context, deadline=deadline, resolve=resolve, rules_changed=rules_changed
        ) as running:
            return await running.result()

    async def doubts(self, run_id: str, *, rules_changed: bool = False) -> tuple[Doubt, ...]:
        """The writes that `resume` would ask about: they were under way, may have happened, and are not idempotent.

        Nothing is changed, and nothing run.

        Raises:
            RunBusy, UnknownRun, UsageError, JournalError: as for `resume`.
        """
        recording = Recording(await self._need_journal(run_id).areopen(run_id), self.tools)
        try:
            again = await without_secrets(self._settings, recording)
            return restored(self._settings, recording, Log(), self._guards, again, rules_changed=rules_changed).doubts
        finally:
            await recording.log.aclose()

    def resume_sync(
        self,
        run_id: str,
        *,
        context: Any = None,
        deadline: float | None = None,
        resolve: Resolve | None = None,
        rules_changed: bool = False,
    ) -> RunResult:
        """`resume` for code that is not async, as `run_sync` is."""
        return run_to_end(
            lambda: self.resume(
                run_id, context=context, deadline=deadline, resolve=resolve, rules_changed=rules_changed
            ),
            grace=self._grace,
        )

    # ---------------------------------------------------------------------------------------------- without a model

    def compile(self, source: str, *, syntax: AnySyntax = "auto") -> Plan:
        """Check a plan and lower it to tasks. `syntax`: what it is written in; the result's `syntax` says what it was.

        Raises:
            PlanError: it has errors; each says where, and what to write instead.
        """
        return compile_plan(source, self.tools.signatures, syntax)

    def check(self, source: str, *, syntax: AnySyntax = "auto") -> tuple[Diagnostic, ...]:
        """The errors and warnings of a plan."""
        return check(source, self.tools.signatures, syntax)

    async def execute(
        self, plan: Plan | str, *, context: Any = None, deadline: float | None = None, run_id: str | None = None
    ) -> Outcomes:
        """Run a plan without any model and return what every task left behind.

        A task that fails is not raised: it is in the outcomes, and skips only what refers to it.

        Raises:
            PlanError: `plan` is source text with errors.
            NotApproved, ApprovalPending: as for `run`.
        """
        async with self.stream_plan(plan, context=context, deadline=deadline, run_id=run_id) as running:
            return (await running.result()).outcomes

    def stream_plan(
        self,
        plan: Plan | str,
        *,
        context: Any = None,
        deadline: float | None = None,
        run_id: str | None = None,
        saw_untrusted: bool = False,
        seen: Label = NOTHING,
    ) -> RunStream:
        """`execute`, with its events as they happen; the result's answer is the value of `join(...)`.

        `seen`: the label of what whoever wrote the plan had read, which all of it has, constants too. `saw_untrusted`:
        that may have been anything that these tools return.
        """
        shown = seen | self._anything if saw_untrusted else seen
        compiled = self.compile(plan) if isinstance(plan, str) else plan

        async def main(log: Log) -> RunResult:
            run = await self._new_run(log, context, deadline, run_id, about_plan(compiled, self.tools))
            return await run.execute(compiled, shown)

        return RunStream(main)

    # ----------------------------------------------------------------------------------------- a loop of your own

    async def execute_calls(
        self,
        message: object,
        *,
        context: Any = None,
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
        turn = Turn(message, self.tools)
        async with self.stream_plan(
            turn.plan,
            context=context,
            deadline=deadline,
            run_id=run_id,
            saw_untrusted=saw_untrusted and seen is None,
            seen=NOTHING if seen is None else seen,
        ) as running:
            return turn.results(await running.result())

    def execute_calls_sync(
        self,
        message: object,
        *,
        context: Any = None,
        deadline: float | None = None,
        run_id: str | None = None,
        saw_untrusted: bool = True,
        seen: Label | None = None,
    ) -> CallResults:
        """`execute_calls` for code that is not async, as `run_sync` is."""
        return run_to_end(
            lambda: self.execute_calls(
                message, context=context, deadline=deadline, run_id=run_id, saw_untrusted=saw_untrusted, seen=seen
            ),
            grace=self._grace,
        )

    # --------------------------------------------------------------------------------------------------- both

    async def _new_run(
        self,
        log: Log,
        context: Any,
        deadline: float | None,
        run_id: str | None,
        about: Mapping[str, Any] | None = None,
        question: str = "",
    ) -> Run:
        """A run; with `about`, one that is recorded if this agent has a journal."""
        self._check_deadline(deadline)
        id = run_id or secrets.token_hex(6)
        recording = None
        log.tell = telling(self._settings, context)
        if self._journal is not None and about is not None:
            remembered = about if log.tell is None else log.tell.about(about)
            recording = Recording(await self._journal.abegin(id, self._guards.about(remembered)), self.tools)
            recording.tell = log.tell
        return Run(self._settings, log, id, context=context, deadline=deadline, recording=recording, question=question)

    @property
    def _anything(self) -> Label:
        """The label of whatever the tools of this agent may return."""
        named = [frozenset[str]() if callable(tool.readers) else tool.readers for tool in self.tools]
        return joined([SHOWN, *(Label((), readers) for readers in named if readers is not None)])

    def _check_deadline(self, deadline: float | None) -> None:
        if deadline is not None and deadline <= 0:
            raise UsageError(f"deadline={deadline}: seconds from now, above 0")

    def _need_journal(self, run_id: str) -> Journal:
        if self._journal is None:
            raise UsageError(
                f'this agent has no journal that run {run_id!r} could be in; write LLMCompiler(..., journal="runs.db")'
            )
        return self._journal

    @property
    def _model_name(self) -> str:
        return "" if self._settings.planner is None else self._settings.planner.name

    def _need_model(self) -> None:
        if self._settings.planner is None:
            raise UsageError(
                'this agent has no model to plan with; write LLMCompiler(model="openai:gpt-5-mini", ...) '
                'or model="local", or run a plan of your own: agent.execute(agent.compile(source))'
            )


def _check_choice(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise UsageError(f"{name}={given!r}: write one of {', '.join(map(repr, choices))}")


def _opened(journal: str | PathLike[str] | Journal | None) -> Journal | None:
    if journal is None:
        return None
    with MAKING:
        from superscalar.journal import Journal  # and with it SQLite: not for those who keep no journal

    return journal if isinstance(journal, Journal) else Journal(journal)
