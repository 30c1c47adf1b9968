"""How the runs of an agent begin: each is a stream of its events, and begins when that is opened."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from superscalar.attachments import Attachment
from superscalar.compiler.given_inputs import Inputs, secrets_given
from superscalar.compiler.observers import observed
from superscalar.compiler.prepared import Prepared, Ready
from superscalar.compiler.recording import Recording, about_plan, about_question
from superscalar.compiler.result import RunResult
from superscalar.compiler.resume import Resolve, doubts_of, resumed
from superscalar.compiler.run import Run
from superscalar.compiler.stream import Log, RunStream
from superscalar.compiler.telling import telling
from superscalar.errors import UsageError
from superscalar.labels import Label
from superscalar.models.base import Message
from superscalar.plan import Plan
from superscalar.plan.ir import Call
from superscalar.schedule.doubts import Doubt
from superscalar.tools.toolset import Toolset

if TYPE_CHECKING:
    from superscalar.journal import Journal


class Runs:
    """Begins the runs of an agent, and goes on with them. What it is given was checked where it came in."""

    def __init__(self, prepared: Prepared, journal: Journal | None) -> None:
        self._prepared = prepared
        self._journal = journal

    def answered(
        self,
        question: str,
        said: tuple[Message, ...],
        files: tuple[Attachment, ...],
        context: Any,
        deadline: float | None,
        run_id: str | None,
    ) -> RunStream[Any]:
        """A question is answered, behind what was `said` before."""

        async def main(log: Log) -> RunResult:
            self._prepared.equipment.check_setup()
            async with self._prepared.ready(deadline) as ready:
                equipment = ready.equipment
                names = equipment.model_name, equipment.joiner_name
                about = partial(about_question, question, said, *names, equipment.tools, files)
                run = await self._new(ready, log, context, run_id, about, question, files)
                return await run.answer(question, said)

        return self._streamed(main)

    def planned(self, question: str, said: tuple[Message, ...], files: tuple[Attachment, ...]) -> RunStream:
        """The plan for a question is written, and nothing of it run."""

        async def main(log: Log) -> RunResult:
            self._prepared.equipment.check_setup()
            async with self._prepared.ready() as ready:
                return await (await self._new(ready, log, None, None, files=files)).plan_only(question, said)

        return self._streamed(main)

    def executed(
        self,
        plan_for: Callable[[Toolset], Plan],
        seen_of: Callable[[Toolset], Label],
        context: Any,
        deadline: float | None,
        run_id: str | None,
    ) -> RunStream:
        """A plan is run that is made once the tools are known."""

        async def main(log: Log) -> RunResult:
            async with self._prepared.ready(deadline) as ready:
                tools = ready.equipment.tools
                plan = plan_for(tools)
                if plan.compiled_with is not tools:
                    _check_effects(plan, tools)
                about = partial(about_plan, plan, tools)
                run = await self._new(ready, log, context, run_id, about, secret=secrets_given(plan.tasks))
                return await run.execute(plan, seen_of(tools))

        return self._streamed(main)

    def gone_on(
        self,
        run_id: str,
        context: Any,
        deadline: float | None,
        resolve: Resolve | None,
        inputs: Inputs | None,
        *,
        rules_changed: bool,
    ) -> RunStream:
        """A recorded run is gone on with."""

        async def main(log: Log) -> RunResult:
            async with self._prepared.ready(deadline) as ready:
                recording = await self._reopened(run_id, ready)
                return await resumed(
                    ready, recording, log, context=context, resolve=resolve, inputs=inputs, rules_changed=rules_changed
                )

        return self._streamed(main)

    async def doubts(self, run_id: str, *, rules_changed: bool) -> tuple[Doubt, ...]:
        """The writes of a recorded run that whoever goes on with it is asked about."""
        async with self._prepared.ready() as ready:
            return await doubts_of(ready, await self._reopened(run_id, ready), rules_changed=rules_changed)

    def _streamed(self, main: Callable[[Log], Any]) -> RunStream[Any]:
        return RunStream(observed(main, self._prepared.equipment.options.observers))

    async def _reopened(self, run_id: str, ready: Ready) -> Recording:
        if self._journal is None:
            raise UsageError(
                f'this agent has no journal that run {run_id!r} could be in; write LLMCompiler(..., journal="runs.db")'
            )
        return Recording(await self._journal.areopen(run_id), ready.equipment.tools)

    async def _new(
        self,
        ready: Ready,
        log: Log,
        context: Any,
        run_id: str | None,
        about: Callable[[], Mapping[str, Any]] | None = None,
        question: str = "",
        files: Sequence[Attachment] = (),
        secret: Sequence[Any] = (),
    ) -> Run:
        """A run; with `about`, one that is recorded if there is a journal. `secret`: what its plan was given is."""
        id = run_id or secrets.token_hex(6)
        equipment, guards, deadline = ready
        recording = None
        log.tell = telling(equipment, context, secret)
        if self._journal is not None and about is not None:
            remembered = equipment.way.about(about())
            remembered = remembered if log.tell is None else log.tell.about(remembered)
            recording = Recording(await self._journal.abegin(id, guards.about(remembered)), equipment.tools)
            recording.tell = log.tell
        return Run(
            equipment, log, id, context=context, deadline=deadline, recording=recording, question=question, files=files
        )


def _check_effects(plan: Plan, tools: Toolset) -> None:
    """Make sure that a plan, which another agent may have compiled, has for no read what writes here.

    Raises:
        UsageError: it has; the message names the tool.
    """
    for task in plan.calls:
        call = task.work
        tool = tools.get(call.tool) if isinstance(call, Call) and not call.enters else None
        if isinstance(call, Call) and tool is not None and tool.effect != call.effect:
            raise UsageError(
                f'the plan was compiled with a {tool.name} of effect="{call.effect}", and the one of this agent has '
                f'effect="{tool.effect}": compile it with this agent'
            )
