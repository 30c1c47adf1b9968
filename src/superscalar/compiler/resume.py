"""Going on with a recorded run whose process died: what had happened is read back, and the rest is done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from superscalar import events
from superscalar.advice import command
from superscalar.compiler.equipment import Equipment
from superscalar.compiler.given_inputs import Inputs, given_again, with_inputs
from superscalar.compiler.guards import Guards
from superscalar.compiler.older import in_todays_names, why_not, with_what_was_heard
from superscalar.compiler.past import Past
from superscalar.compiler.prepared import Ready
from superscalar.compiler.recording import Recording, history_of
from superscalar.compiler.result import RunResult
from superscalar.compiler.run import Run
from superscalar.compiler.stream import Log
from superscalar.compiler.telling import telling
from superscalar.errors import InDoubt, UsageError
from superscalar.observe.timeline import on_one_clock
from superscalar.plan.ir import Call, Task, walk
from superscalar.plan.ir.aliases import told_place
from superscalar.schedule.again import Again, ReadingTerms, is_lost, read_again
from superscalar.schedule.doubts import CallAgain, Done, Doubt, StillUnknown, Verdict
from superscalar.schedule.inside import granted_here
from superscalar.tools.execution import Runner
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.journal import RunLog

Resolve: TypeAlias = Callable[[Doubt], Verdict | Awaitable[Verdict]]
"""Says of a write that may have happened what became of it. It may be async."""


async def resumed(
    ready: Ready,
    recording: Recording,
    log: Log,
    *,
    context: Any,
    resolve: Resolve | None,
    inputs: Inputs | None,
    rules_changed: bool,
) -> RunResult:
    """Go on with a run whose lease is taken, to its end.

    Raises:
        InDoubt: writes may have happened, and there is no `resolve` to ask. Nothing has changed.
        UsageError: as for `restored`; or `inputs` are not the secret ones of its plan.
    """
    equipment, guards, deadline = ready
    try:
        if recording.log.about.get("kind") == "answer":
            equipment.check_setup()
        allowed = partial(guards.check, recording.log, rules_changed=rules_changed)
        given = given_again(recording.log.recorded, inputs)
        log.tell = recording.tell = telling(equipment, context, list(given.values()))
        runners = equipment.runners if log.tell is None else log.tell.learning(equipment.runners)
        again = await without_secrets(equipment, recording, runners, context, allowed, given)
        run, past = restored(
            equipment, recording, log, guards, again, context=context, deadline=deadline, rules_changed=rules_changed
        )
        verdicts = await _verdicts(run.rest.doubts, recording.log.run, resolve)
    except BaseException:
        await recording.log.aclose()
        raise
    return await run.go_on(past, verdicts)


async def doubts_of(ready: Ready, recording: Recording, *, rules_changed: bool) -> tuple[Doubt, ...]:
    """The writes of a run whose lease is taken that nobody knows of whether they happened. It is given back.

    Raises:
        UsageError: as for `restored`.
    """
    equipment, guards, _ = ready
    try:
        again = await without_secrets(equipment, recording)
        run, _past = restored(equipment, recording, Log(), guards, again, rules_changed=rules_changed)
        return run.rest.doubts
    finally:
        await recording.log.aclose()


async def without_secrets(
    equipment: Equipment,
    recording: Recording,
    runners: Mapping[Tool[..., Any], Runner] | None = None,
    context: Any = None,
    allowed: Callable[[], object] = bool,
    given: Mapping[TaskId, Any] = MappingProxyType({}),
) -> Again:
    """What is recorded of a run, under the names of today, with the values that are in no journal read again.

    Without `runners`, nothing is read: they are absent. `allowed` raises, before anything is, if the run may not go on.
    `given`: secret inputs of its plan, which no journal has.
    """
    recorded = with_inputs(_as_of_today(equipment, recording), given)
    if not any(map(is_lost, recorded)) or any(isinstance(event, events.RunEnded) for event in recorded):
        return Again(tuple(recorded), {})
    allowed()
    late = any(isinstance(event, events.DeadlinePassed) for event in recorded)
    run, (limits, _) = recording.log.run, granted_here(equipment.limits, asyncio.get_running_loop())
    called = None if late else runners
    tell = str if recording.tell is None else recording.tell.scrub
    terms = ReadingTerms(
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
) -> tuple[Run, Past]:
    """The run whose lease is taken, as it was when its process died, and its past. Nothing has changed yet.

    `again`: what is recorded of it, see `without_secrets`.

    Raises:
        UsageError: the run has ended, its plan is of another version of the language and would mean something else now,
            the tools are not those that it needs, or `guards` are not those that it was begun under.
    """
    about, id = recording.log.about, recording.log.run
    equipment.way.check(id, about)
    _check_that_it_is_open(recording.log, again.recorded, about.get("kind") == "answer")
    log.events.extend(on_one_clock(again.recorded, asyncio.get_running_loop().time()))
    past = Past(log.events, about, equipment.syntax, equipment.listing)
    run = Run(
        equipment, log, id, context=context, deadline=deadline, recording=recording, question=past.question, past=past
    )
    left = list(run.rest.left())
    last = past.last
    open = last is not None and not (last.is_whole or run.rest.unit.ledger.late)
    begun = open and past.answers and last is not None and last.is_begun
    why = why_not(about, left, chain.from_iterable(past.tasks), run.rest.unit.outcomes(), begun=begun)
    if why is not None:
        show = command("show", id, journal=recording.log.journal)
        raise UsageError(f"run {id} cannot go on: {why}. `{show}` prints what it came to so far")
    _check_tools(id, left, equipment.tools)
    again.lose(run.rest.unit.schedule)
    past.guards = guards.check(recording.log, rules_changed=rules_changed)
    return run, past


def _check_that_it_is_open(log: RunLog, recorded: Sequence[events.Event], answers: bool) -> None:
    run = log.run
    last = next((event for event in reversed(recorded) if not isinstance(event, events.Resumed)), None)
    if isinstance(last, events.RunEnded):
        how = f"failed ({last.error})" if last.error and last.error != "cancelled" else "was stopped"
        raise UsageError(
            f"run {run} {how if last.error else 'has ended'}: there is nothing to resume. "
            f"`{command('show', run, journal=log.journal)}` prints what it came to"
        )
    if log.about.get("files") and not any(isinstance(event, events.RunStarted) for event in recorded):
        raise UsageError(f"run {run} died before the files of its question were recorded; ask it anew")
    if not answers and not any(isinstance(event, events.Sealed | events.PlanAsked) for event in recorded):
        raise UsageError(
            f"run {run} died before its plan was recorded as a whole, and so before anything of it ran; "
            "run the plan again, as a run of its own: agent.execute(plan), or superscalar exec"
        )


async def _verdicts(doubts: Sequence[Doubt], run: str, resolve: Resolve | None) -> dict[TaskId, Verdict]:
    """What became of each write that may have happened.

    Raises:
        InDoubt: there are such writes, and nobody to ask.
        UsageError: the answer to one is no answer.
    """
    if doubts and resolve is None:
        raise InDoubt(_in_doubt(run, doubts), tuple(doubts))
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


def _check_tools(run: str, left: Sequence[Task], tools: Toolset) -> None:
    """Refuse to go on with tools that are not those that the plan was made for.

    Raises:
        UsageError: what is still to be called is gone, or takes other arguments; the message names it.
    """
    calls = [task.work for task in walk(tuple(left)) if isinstance(task.work, Call)]
    changed = {call.tool: why for call in calls if (why := _why_changed(call, tools)) is not None}
    if changed:
        listed = "\n".join(f"  {told_place(alias)}: {why}" for alias, why in changed.items())
        raise UsageError(
            f"run {run} cannot go on with these tools:\n{listed}\n"
            "give the agent the tools that the run was begun with, or ask the question anew"
        )


def _why_changed(call: Call, tools: Toolset) -> str | None:
    """Why a call that was planned cannot be made with these tools; None if it can."""
    tool, signature = tools.get(call.tool), tools.signatures.called(call.tool)
    if tool is None or signature is None:
        return "there is no such tool any more"
    if call.enters:
        return None if tool.plan is not None else "it is no plan any more"
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
