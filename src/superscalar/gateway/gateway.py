"""`Gateway`: runs the plans of clients, each of which sees its own runs alone."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, Self

from superscalar.compiler import LLMCompiler
from superscalar.compiler.given_inputs import compiled_with, supplied, told_of_inputs
from superscalar.compiler.sight import anything_of
from superscalar.errors import (
    ApprovalPending,
    InDoubt,
    JournalError,
    PlanError,
    SuperscalarError,
    UnknownRun,
    UsageError,
)
from superscalar.gateway.attended import AttendedRun
from superscalar.gateway.borrowed import NAME, KeptValue, borrowing_tool, wanted_of, with_results
from superscalar.gateway.ended import EndedRun
from superscalar.gateway.listing import tools_text
from superscalar.gateway.memory import ClientMemory
from superscalar.gateway.principals import STDIO, Principal
from superscalar.gateway.replies import GatewayReply, OnCalls, refusal
from superscalar.gateway.telling import TellingTerms, UntrustedText, told_of_run, waiting_for
from superscalar.journal import Journal
from superscalar.labels import NOTHING, Label, LabelledInput, Source, labelled
from superscalar.plan import Plan
from superscalar.plan.ir import Call, walk
from superscalar.policy import Question
from superscalar.saved.examining import SavedPlan
from superscalar.short import cut, short
from superscalar.tools.toolset import Toolset
from superscalar.tools.trust import remembered
from superscalar.values import plain

_LOG: Final = logging.getLogger("superscalar.gateway")
_LARGEST: Final = 1_000_000
"""Bytes that the inputs of a run may have, as JSON; and those of a kept value that is read as a whole, ten times."""


class Gateway:
    """Runs plans for clients, with the tools, rules, limits and journal of one agent.

        async with Gateway(agent, principals=[Principal("stdio")]) as gateway:
            reply = await gateway.client("stdio").run_plan("join(price('IBM'))")

    A run is the gateway's and not the request's: who asks for it waits `answer_within` seconds for its end, and may ask
    again. At most `max_runs` are under way, and half of these for one principal. A client is told at most
    `max_result_bytes` of a value, and text of strangers as it is, or with `untrusted="handles"` not at all. A gateway
    that is entered goes on with the runs of one that died.

    Raises:
        UsageError: the agent has no journal, has a tool that is called `result`, or an argument is what it cannot be.
    """

    def __init__(
        self,
        agent: LLMCompiler[Any, Any],
        *,
        principals: Sequence[Principal] = (Principal(),),
        untrusted: UntrustedText = "text",
        max_runs: int = 64,
        answer_within: float | None = 50.0,
        max_result_bytes: int = 20_000,
    ) -> None:
        if agent.journal is None:
            raise UsageError('a gateway keeps its runs in a journal: LLMCompiler(..., journal="runs.db")')
        if untrusted not in ("text", "handles"):
            raise UsageError(f'untrusted={short(untrusted)}: write "text" or "handles"')
        if max_runs < 1 or max_result_bytes < 200 or (answer_within is not None and not answer_within > 0):
            raise UsageError("max_runs is at least 1, max_result_bytes at least 200, and answer_within above 0 or None")
        by_name = {principal.name: principal for principal in principals}
        if len(by_name) != len(principals) or not principals:
            raise UsageError("give each principal a name of its own, and at least one")
        self.agent = agent.with_options(tools=[*_tools_of(agent), borrowing_tool()])
        self.journal: Journal = agent.journal
        self.terms = TellingTerms(untrusted, max_result_bytes)
        self.answer_within = answer_within
        self._principals = by_name
        self._most = max_runs
        self._memory: ClientMemory | None = None
        self._runs: dict[str, AttendedRun] = {}
        self._open = AsyncExitStack()
        self._closing = False

    async def __aenter__(self) -> Self:
        """Open the tools, and go on with what a gateway before this one had begun.

        Raises:
            ToolsetError: a toolset cannot be opened.
            JournalError: what clients were told cannot be read.
        """
        self._closing = False
        self._memory = ClientMemory.beside(self.journal.path)
        self._open.callback(self._memory.close)
        try:
            await self._open.enter_async_context(self.agent.opened())
            for principal in self._principals.values():
                if principal.forgiven:
                    self._memory.forget(principal.name)
            await self._go_on()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave what runs to the gateway that comes next."""
        self.close()
        await self.leave()
        await self._open.aclose()

    async def leave(self) -> None:
        """Leave what runs to the gateway that comes next; nothing of it is under way here then."""
        await asyncio.gather(*(run.leave() for run in list(self._runs.values())))

    def close(self) -> None:
        """Begin no more runs: a client that goes away from now on stops none of its own."""
        self._closing = True

    def client(self, name: str = STDIO) -> GatewayClient:
        """Return what the clients of that principal may do.

        Raises:
            UsageError: nobody is called so.
        """
        if name not in self._principals:
            raise UsageError(f"no client is called {short(name)}; there are {', '.join(self._principals)}")
        return GatewayClient(self, self._principals[name])

    @property
    def under_way(self) -> int:
        """Tell how many runs there are that are not over."""
        return len(self._runs)

    # ------------------------------------------------------------------------------------- of the clients

    @property
    def memory(self) -> ClientMemory:
        """What is remembered of clients.

        Raises:
            UsageError: the gateway is not open.
        """
        if self._memory is None:
            raise UsageError("open the gateway first: async with gateway: ...")
        return self._memory

    def attended(self, run: str) -> AttendedRun | None:
        """The run of that id, if it is under way here."""
        return self._runs.get(run)

    @property
    def is_closing(self) -> bool:
        """Whether it goes on in another process, if at all."""
        return self._closing

    @asynccontextmanager
    async def tools(self) -> AsyncIterator[Toolset]:
        """The tools that there are now."""
        async with self.agent.opened() as tools:
            yield tools

    def why_full(self, principal: str) -> str:
        """Why no run can begin for a principal; empty if one can."""
        if self._closing:
            return "this gateway is ending"
        own = sum(run.principal == principal for run in self._runs.values())
        share = max(1, self._most // 2)
        if len(self._runs) >= self._most or own >= share:
            return (
                f"{own} runs of yours are under way, and {len(self._runs)} in all; there may be {share} and "
                f"{self._most}: wait for one to end, and ask again"
            )
        return ""

    def start(self, run: str, principal: str, stream: Any) -> AttendedRun:
        """Let a run go on by itself."""
        attended = self._runs[run] = AttendedRun(run, principal, stream, self._over)
        return attended

    def _over(self, run: AttendedRun) -> None:
        self._runs.pop(run.id, None)
        error = run.error
        if error is not None and not isinstance(error, ApprovalPending | asyncio.CancelledError):
            _LOG.warning("run %s of %s: %s: %s", run.id, run.principal, type(error).__name__, cut(str(error), 500))
        elif isinstance(error, ApprovalPending):
            _LOG.info("run %s of %s waits for a person", run.id, run.principal)
        try:
            if error is None or self._has_ended(run.id):
                self.memory.end(run.id)
        except (JournalError, UsageError) as failed:  # it is gone on with, which does nothing twice
            _LOG.warning("run %s: that it is over cannot be noted: %s", run.id, failed)

    def _has_ended(self, run: str) -> bool:
        try:
            return self.journal.summary(run).ended is not None
        except UnknownRun:
            return True

    async def _go_on(self) -> None:
        """Go on with the runs that nobody has ended, of principals that there are."""
        for run, principal in await asyncio.to_thread(self.memory.open_runs):
            try:
                state = (await asyncio.to_thread(self.journal.summary, run)).state
            except UnknownRun:
                state = "not begun"
            if state in ("waiting", "running") or principal not in self._principals:
                continue  # a person is to answer, another process is at work on it, or nobody could ask for it
            if state == "interrupted":
                _LOG.info("run %s of %s goes on", run, principal)
                self.start(run, principal, self.agent.stream_resume(run))
            else:
                self.memory.end(run)


class GatewayClient:
    """What the clients of one principal may do; those that cannot be told apart are one."""

    def __init__(self, gateway: Gateway, principal: Principal) -> None:
        self._gateway = gateway
        self.principal = principal

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.principal.name

    # ---------------------------------------------------------------------------------------------------- looking

    async def list_tools(self, query: str = "") -> GatewayReply:
        """Describe the tools as plans call them: all, or those that a query finds."""
        async with self._gateway.tools() as tools:
            return GatewayReply(tools_text(tools.without(lambda one: one.name == NAME), query))

    async def check_plan(self, plan: str) -> GatewayReply:
        """Say what is wrong with a plan, or what it would do. Nothing is run."""
        try:
            made = await self._compiled(plan, None)
        except (PlanError, UsageError) as error:
            return refusal(str(error))
        calls = [task.work for task in walk(made.tasks) if isinstance(task.work, Call)]
        writes = sorted({call.tool for call in calls if call.effect == "write"})
        needs = [f"{one.name}: {one.type}" for one in made.inputs if one.required]
        notes = [
            f"{len(calls)} calls in the text" + (f"; writes: {', '.join(writes)}" if writes else "; no writes"),
            *([f"inputs: {', '.join(needs)}"] if needs else []),
            *map(str, made.warnings),
        ]
        return GatewayReply("the plan is right", notes=tuple(notes))

    async def saved_plans(self) -> Sequence[SavedPlan]:
        """List the plans that a person has reviewed; none where there is no folder of such."""
        if self._gateway.agent.options.plans is None:
            return ()
        found = await asyncio.to_thread(self._gateway.agent.plans.list)
        return [one for one in found if one.state == "approved"]

    # ---------------------------------------------------------------------------------------------------- running

    async def run_plan(
        self,
        plan: str | None = None,
        *,
        name: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        resume: str | None = None,
        told: OnCalls | None = None,
    ) -> GatewayReply:
        """Run a plan, or a reviewed one by its name; or go on waiting for a run (`resume`).

        `told` hears how far it is, five times a second at the most. If this is cancelled and nobody else waits for the
        run, it is stopped.
        """
        if sum(one is not None for one in (plan, name, resume)) != 1 or (resume is not None and inputs):
            return refusal("give one of plan=, name= and resume=; inputs= go with plan= and name=")
        try:
            if resume is not None:
                return await self._gone_on(resume, told)
            if why := self._gateway.why_full(self.name):
                return refusal(why)
            seen = self._seen()
            run = secrets.token_hex(8)
            made = await self._made(plan, name, inputs, seen)
            if why := self._gateway.why_full(self.name):  # others may have begun meanwhile
                return refusal(why)
            self._gateway.memory.begin(run, self.name)
            stream = self._gateway.agent.stream_plan(made, run_id=run, seen=seen)
            return await self._waited(self._gateway.start(run, self.name, stream), told)
        except (PlanError, UsageError) as error:
            return refusal(str(error))
        except (SuperscalarError, OSError) as error:
            return self._broken(error)

    async def answer(self, run: str, answers: Mapping[str, bool]) -> None:
        """Take a person's answers that came through this client, by what `Question.answered_by` says.

        Raises:
            UsageError: nobody said that this client asks a person, the run is not its own, or asks something else.
            JournalError: the journal cannot be read or written.
        """
        if not self.principal.approves:
            raise UsageError(f"answers that come through {self.name} do not count: {self._command(run)}")
        self._own(run)
        journal = self._gateway.journal
        asked = {question.answered_by: question for question in await asyncio.to_thread(journal.questions, run)}
        if unknown := [one for one in answers if one not in asked]:
            raise UsageError(f"run {run} does not ask {short(unknown[0])} (any more)")
        for approved in (True, False):
            chosen: list[Question] = [asked[one] for one, said in answers.items() if said is approved]
            if chosen:
                told = partial(journal.approve, run, *chosen, approved=approved, by=f"client {self.name}")
                await asyncio.to_thread(told)

    async def save_plan(self, name: str, plan: str, description: str = "") -> GatewayReply:
        """Keep a plan for a person to review; until then nobody can run it by its name."""
        agent = self._gateway.agent
        if agent.options.plans is None:
            return refusal("this gateway keeps no plans: it was started without --plans")
        try:
            made = await self._compiled(plan, None, borrow=False)
            if wanted_of(made):
                return refusal(
                    f"{NAME}(...) is of one run: give a saved plan an input, with a line # input x: str above it"
                )
            saved = await asyncio.to_thread(lambda: agent.plans.save(name, plan, description=description))
        except (PlanError, UsageError) as error:
            return refusal(str(error))
        return GatewayReply(
            f"{name} is saved, and nobody has reviewed it yet",
            notes=(f"a person approves it: superscalar plans approve {saved.name} --plans {agent.options.plans}",),
        )

    async def read(self, run: str, name: str) -> str:
        """Return a kept value as a whole, as text or JSON. What it holds is remembered as told.

        Raises:
            UsageError: it is not there, is somebody else's, is too large, or this client may read no text of strangers.
        """
        value, label = await self._kept(run, name, as_written=False)
        if self._gateway.terms.is_veiled and not label.told:
            raise UsageError(f'text of strangers stays here: use result("{run}", "{name}") in a plan')
        text = value if isinstance(value, str) else _json(value)
        if len(text.encode()) > 10 * _LARGEST:
            raise UsageError(f"it has {len(text.encode()):,} bytes: join a part of it in a plan")
        self._gateway.memory.tell(self.name, label)
        return text

    # ------------------------------------------------------------------------------------------------------ inside

    def _seen(self) -> Label:
        """The label of whatever the client's model may have read."""
        told = self._gateway.memory.label(self.name)
        if self.principal.trusted:
            return told
        return told | Label([Source("model", f"the model of client {self.name}", trusted=False)])

    def _own(self, run: str) -> None:
        """Raises UsageError: the run is not this client's, or there is none of that id; nobody is told which."""
        if not isinstance(run, str) or self._gateway.memory.owner(run) != self.name:
            raise UsageError(f"you have no run {short(run)}")

    async def _compiled(self, source: str, inputs: Mapping[str, Any] | None, *, borrow: bool = True) -> Plan:
        if not isinstance(source, str) or not source.strip():
            raise UsageError("give the text of a plan")
        async with self._gateway.tools() as tools:
            with told_of_inputs(inputs or ()):
                made = compiled_with(source, tools)
        return with_results(made, await self._results_of(made)) if borrow and wanted_of(made) else made

    async def _made(self, source: str | None, name: str | None, inputs: Mapping[str, Any] | None, seen: Label) -> Plan:
        """The plan that is to run, with all that it needs."""
        given = _labelled(inputs, seen)
        if name is None:
            return supplied(await self._compiled(source or "", inputs), given or None)
        if self._gateway.agent.options.plans is None:
            raise UsageError("this gateway has no reviewed plans")
        saved = await asyncio.to_thread(self._gateway.agent.plans.get, name)
        return supplied(saved.plan, given)

    async def _results_of(self, made: Plan) -> dict[str, KeptValue | str]:
        """The values of earlier runs that a plan asks for, by the ids of their tasks, or why they are not there."""
        found: dict[str, KeptValue | str] = {}
        for id, wanted in wanted_of(made).items():
            try:
                found[id] = wanted if isinstance(wanted, str) else await self._kept(*wanted, as_written=True)
            except UsageError as error:
                found[id] = str(error)
        return found

    async def _kept(self, run: str, name: str, *, as_written: bool) -> tuple[Any, Label]:
        self._own(run)
        if self._gateway.attended(run) is not None:
            raise UsageError(f'run {run} is not over: run_plan(resume="{run}")')
        ended = await asyncio.to_thread(self._recorded, run, as_written=as_written)
        return ended.named(name)

    def _recorded(self, run: str, *, as_written: bool) -> EndedRun:
        journal = self._gateway.journal
        try:
            about = journal.about(run)
            events = [record.event for record in journal.read(run)]
        except UnknownRun:
            raise UsageError(f"nothing of run {run} is kept any more") from None
        return EndedRun(events, remembered(about.get("declared", {})), as_written=as_written)

    async def _gone_on(self, run: str, told: OnCalls | None) -> GatewayReply:
        """Wait for a run that was begun before, or say what became of it."""
        self._own(run)
        gateway = self._gateway
        attended = gateway.attended(run)
        if attended is None:
            try:
                summary = await asyncio.to_thread(gateway.journal.summary, run)
            except UnknownRun:
                raise UsageError(f"nothing of run {run} is kept any more") from None
            if summary.ended is not None:
                return await self._of_journal(run)
            if summary.state == "running":
                return GatewayReply(f"another process is at work on run {run}", "running", run)
            if questions := await asyncio.to_thread(gateway.journal.questions, run):
                return self._waits(run, questions)
            if why := gateway.why_full(self.name):
                return refusal(why)
            attended = gateway.attended(run) or gateway.start(run, self.name, gateway.agent.stream_resume(run))
        return await self._waited(attended, told)

    async def _waited(self, attended: AttendedRun, told: OnCalls | None) -> GatewayReply:
        """Wait for the end of a run, for so long as a client can be kept waiting."""
        try:
            over = await attended.listen(self._gateway.answer_within, told)
        except asyncio.CancelledError:
            if not attended.listeners and not self._gateway.is_closing:
                await asyncio.shield(attended.cancel())
            raise
        if not over:
            then = f'it goes on; for its result: run_plan(resume="{attended.id}")'
            made = attended.made
            return GatewayReply(f"run {attended.id} is under way: {made.text}", "running", attended.id, (then,))
        match attended.error:
            case None:
                result = attended.result
                return self._ended(attended.id, EndedRun(result.events, result.declared, as_written=False))
            case ApprovalPending() as pending:
                return self._waits(attended.id, [one for one in pending.questions if isinstance(one, Question)])
            case InDoubt() as doubt:
                command = f"superscalar resume {attended.id} --journal {self._gateway.journal.path}"
                return refusal(
                    f"run {attended.id}: {self._safe(doubt)}", f"a person decides what became of it: {command}"
                )
            case asyncio.CancelledError():
                left = self._gateway.is_closing
                text = "goes on when the gateway starts again" if left else "was stopped"
                return GatewayReply(
                    f"run {attended.id} {text}", "running" if left else "refused", attended.id, failed=True
                )
            case error:
                return self._broken(error, attended.id)

    async def _of_journal(self, run: str) -> GatewayReply:
        return self._ended(run, await asyncio.to_thread(self._recorded, run, as_written=False))

    def _ended(self, run: str, ended: EndedRun) -> GatewayReply:
        reply, label = told_of_run(run, ended, self._gateway.terms)
        self._gateway.memory.tell(self.name, label)
        return reply

    def _waits(self, run: str, questions: Iterable[Question]) -> GatewayReply:
        """A question shows what a call would be made with, so it tells of what the tools returned."""
        if not self._gateway.terms.is_veiled:
            self._gateway.memory.tell(self.name, anything_of(self._gateway.agent.tools))
        return waiting_for(run, tuple(questions), self._gateway.terms, [self._command(run)])

    def _command(self, run: str) -> str:
        return f"a person answers: superscalar approve {run} --journal {self._gateway.journal.path}"

    def _broken(self, error: BaseException, run: str = "") -> GatewayReply:
        """What went wrong that no plan can mend; whose words that are, nobody knows."""
        if not self._gateway.terms.is_veiled:
            self._gateway.memory.tell(self.name, anything_of(self._gateway.agent.tools))
        text = f"{type(error).__name__}: {self._safe(error)}"
        return GatewayReply(text, "refused", run, failed=True)

    def _safe(self, error: BaseException) -> str:
        return "see the log of the gateway" if self._gateway.terms.is_veiled else cut(str(error), 1_000)


def _tools_of(agent: LLMCompiler[Any, Any]) -> list[Any]:
    given = agent.options.tools
    tools = [given] if isinstance(given, Toolset) else list(given)
    if not agent.is_live and agent.tools.find(NAME) is not None:
        raise UsageError(
            f"a tool is called {NAME!r}, which plans of a gateway say for values of earlier runs; rename it"
        )
    return tools


def _labelled(inputs: Mapping[str, Any] | None, seen: Label) -> dict[str, LabelledInput | Any] | None:
    """What a client gives a plan, which is as trusted as what it writes."""
    if inputs is None:
        return None
    if not isinstance(inputs, Mapping):
        raise UsageError("inputs= is an object, with a value for each name")
    if len(_json(dict(inputs)).encode()) > _LARGEST:
        raise UsageError(f"inputs= has more than {_LARGEST:,} bytes")
    if seen is NOTHING:
        return dict(inputs)
    return {name: labelled(value, seen) for name, value in inputs.items()}


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False)
