"""Values that are in no journal, since something secret stands in them: got once more before a run is resumed.

What was read is read again, at its place among the recorded events, so that all that was made of it comes out as it
did. What a write returned is absent from then on, and so is what cannot be read again; the failure says why. A text
with a mark in the place of a secret is never taken for the value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any
from weakref import ref

from superscalar import events
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable
from superscalar.plan.ir import Call, First, Map
from superscalar.schedule import gather
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.cells import Cell
from superscalar.schedule.comers import Comer
from superscalar.schedule.effective import bound_again, fresh, given_to
from superscalar.schedule.ends import exception_text, rule_among
from superscalar.schedule.items import elements_of, goes_through
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.limits import Grants
from superscalar.schedule.loans import HOLDER
from superscalar.schedule.lookup import outcomes_for
from superscalar.schedule.refusal import refusal_of
from superscalar.schedule.state import Schedule
from superscalar.schedule.threads import TakesPartIn
from superscalar.secrets import lacks_secret, without_queries
from superscalar.tools.context import ArgumentError
from superscalar.tools.execution import Channel, Invocation, Runner
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import WITHHELD, Failure, Observation, Outcome, TaskId, Usage, copied

_WHY = "something secret stands in the value, which is in no journal for that"


@dataclass(frozen=True, slots=True)
class Again:
    """The recorded events of a run with the values that were got again, and what is `absent` of the others, and why."""

    recorded: tuple[events.Event, ...]
    absent: Mapping[TaskId, Failure]

    def lose(self, schedule: Schedule) -> None:
        """Take what is absent out of the state that the events lead to: whoever needs it is skipped."""
        for id, failure in self.absent.items():
            cell = schedule.get(id)
            if cell is not None and cell.outcome is not None:
                cell.outcome = failure
        if self.absent:
            _lose_items(schedule.in_program_order())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTerms:
    """How calls are made. `runners` is None where none may be: what would have to be read is absent then.

    `tell`: a text as it may be told.
    """

    run: str
    tools: Toolset
    limits: Grants
    runners: Mapping[Tool[..., Any], Runner] | None
    bounds: Bounds
    context: Any
    random: Random
    tell: Callable[[str], str] = str


def is_lost(event: events.Event) -> bool:
    """Whether a task settled with a value that is not recorded, or not as a whole."""
    return isinstance(event, events.Succeeded) and lacks_secret(event.value)


async def read_again(recorded: Iterable[events.Event], terms: ReadingTerms) -> Again:
    """The recorded events of a run, with the values that they lack. Reads are made one behind the other."""
    return await _EventReading(terms).through(recorded)


class _EventReading:
    """Goes through the events, and stops where a value is missing: the state is what it was then."""

    def __init__(self, terms: ReadingTerms) -> None:
        self._terms = terms
        self._ledger = Ledger.of((), terms.tools.declared)
        self._schedule = self._ledger.schedule
        self._places: dict[TaskId, int] = {}
        self._absent: dict[TaskId, Failure] = {}
        self._made: list[events.Event] = []

    async def through(self, recorded: Iterable[events.Event]) -> Again:
        for event in recorded:
            match event:
                case events.Expanded(id=id, count=count):
                    self._fit(self._schedule.cell(id), count)
                case events.Succeeded(id=id) if is_lost(event):
                    found = await self._found(self._schedule.cell(id))
                    if isinstance(found, Observation) and not lacks_secret(found.value):
                        event = replace(event, value=found.value)
                    else:
                        self._absent[id] = found if isinstance(found, Failure) else _absent(_WHY)
                case _:
                    pass
            if isinstance(event, events.Succeeded):
                self._places[event.id] = len(self._made)
            self._made.append(event)
            self._ledger.apply(event)
            if isinstance(event, events.Succeeded) and event.id in self._absent:
                self._schedule.cell(event.id).outcome = self._absent[event.id]
            elif isinstance(event, events.Expanded) and self._absent:
                _lose_items([self._schedule.cell(event.id)])
        return Again(tuple(self._made), self._absent)

    def _fit(self, cell: Cell, count: int) -> None:
        """See to it that what a map goes through has as many items as it had: another list is no value of this run."""
        work = cell.task.work if cell.task is not None else None
        source = goes_through(cell, work) if isinstance(work, Map | First) else None
        if source is None or source.id not in self._places:
            return
        if source.id not in self._absent:
            if len(elements_of(cell)) == count:
                return
            self._absent[source.id] = _absent(f"{_WHY}, and what is read now is not what the run went on with")
        unknown = [WITHHELD] * count
        place = self._places[source.id]
        self._made[place] = events.Succeeded(self._made[place].at, source.id, unknown)
        source.outcome = Observation(unknown)

    async def _found(self, cell: Cell) -> Outcome:
        work = cell.task.work if cell.task is not None else None
        outcome = outcomes_for(cell)
        try:
            match work:
                case Call() if cell.parts:  # it shares the call of another task
                    shared = cell.parts[0].cell.outcome
                    return Observation(copied(shared.value)) if isinstance(shared, Observation) else _absent(_WHY)
                case Call(effect="write"):
                    return _absent(f"the write was done, but {_WHY}")
                case Call():
                    return await self._read(cell, work)
                case First():
                    return Observation(gather.answers(self._schedule.race(cell), cell))
                case None:
                    return _absent(_WHY)
                case _:
                    return gather.outcome_of_task(work, cell, outcome)
        except Unavailable as missing:
            return _absent(f"it was made of `{missing.task}`: {_WHY}")
        except (EvaluationError, ArgumentError) as error:
            return _absent(f"{_WHY}, and it could not be got again: {self._terms.tell(str(error))}")

    async def _read(self, cell: Cell, work: Call) -> Outcome:
        terms, tool = self._terms, self._terms.tools.get(work.tool)
        if tool is None or terms.runners is None or tool.effect == "write":
            return _absent(_WHY)
        given, _ = given_to(cell, work, _unsaid)
        started = self._ledger.first_attempt(cell.id)
        arguments = bound_again(tool, given, {} if started is None else started.arguments)
        for attempt in count(1):
            try:
                return Observation(copied(await self._called(tool, arguments, cell.id, attempt)))
            except Exception as error:  # noqa: BLE001 -- a tool may raise anything
                rules = (tool.retry,) if isinstance(error, _GivenUpError) else tool.retries
                refusal = refusal_of(error)
                asked = 0.0 if refusal is None else refusal.retry_after or 0.0
                rule = rule_among(rules, attempt, error, refusal) if asked <= tool.retry.longest else None
                if rule is None:
                    name = TimeoutError.__name__ if isinstance(error, _GivenUpError) else type(error).__name__
                    why = terms.tell(without_queries(f"{name}: {exception_text(error)}"))
                    return _absent(f"{_WHY}, and reading it again failed: {why}")
                await asyncio.sleep(max(rule.delay(attempt, terms.random), asked))
        raise AssertionError("there is no last attempt")

    async def _called(self, tool: Tool[..., Any], arguments: dict[str, Any], id: TaskId, attempt: int) -> Any:
        terms = self._terms
        assert terms.runners is not None
        made = Invocation(tool.name, fresh(arguments), terms.run, id, attempt)
        loop = asyncio.get_running_loop()
        names = TakesPartIn(terms.runners)[tool]
        if tool.limit_names is not None:
            names = (*tool.limit_names.of(arguments, terms.context), *names[len(tool.limited_by) :])
        ticket = Comer(terms.run, names, loop, terms.limits, longest=tool.retry.longest)
        if not ticket.comes_now():
            await ticket.comes()
        timeout = tool.timeout_in(terms.bounds.timeout)
        channel = _Unheard(terms.context, None if timeout is None else loop.time() + timeout)
        before = HOLDER.set(ref(ticket))
        call = asyncio.ensure_future(_awaited(terms.runners[tool], made, channel))
        HOLDER.reset(before)
        try:
            done, _ = await asyncio.wait([call], timeout=timeout)
            if done:
                return call.result()
            raise _GivenUpError(f"{tool.name} gave no answer within {timeout:g} s")
        finally:
            if not call.done():
                call.cancel()
                await asyncio.wait([call], timeout=terms.bounds.grace)
            ticket.leave()


class _GivenUpError(TimeoutError):
    """The time of a call passed, as the tool or the agent bounds it."""


async def _awaited(run: Runner, call: Invocation, channel: Channel) -> Any:
    return await run(call, channel)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """The channel of a call that tells nobody anything: the run has not begun to go on."""

    context: Any
    until: float | None

    @property
    def seconds_left(self) -> float | None:
        """As of any channel."""
        return None if self.until is None else self.until - asyncio.get_running_loop().time()

    def progress(self, message: str, fraction: float | None = None) -> None:
        """Nobody looks."""

    def charge(self, cost: float, tokens: int) -> None:
        """Nobody counts."""

    def asked(self, model: str) -> None:
        """Nobody looks."""

    def used(self, usage: Usage) -> None:
        """Nobody counts."""


def _lose_items(cells: Iterable[Cell]) -> None:
    for cell in cells:
        for part in cell.parts:
            found = part.cell.outcome
            if part.cell.task is None and isinstance(found, Observation) and lacks_secret(found.value):
                part.cell.outcome = _absent(_WHY)


def _absent(why: str) -> Failure:
    return Failure("error", f"absent: {why}", "Withheld")


def _unsaid(*_: Any) -> None:
    """Tell nobody: the run has not begun to go on."""
