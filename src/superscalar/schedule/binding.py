"""How calls come to their arguments: in the turn in which their inputs come in, or over several where they are long."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from superscalar import events
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable
from superscalar.plan.ir import Call, Need
from superscalar.plan.ir.needs import references
from superscalar.schedule import gather
from superscalar.schedule.approval import Approval
from superscalar.schedule.attempt import Attempt
from superscalar.schedule.calls import Calls
from superscalar.schedule.cells import OPEN, PERMITTED, READY, Cell, target_of
from superscalar.schedule.effective import Arguments, copied_in_portions, given_to, of_argument, shown_arguments, told
from superscalar.schedule.ends import never_started, unfit
from superscalar.schedule.holding import Holding
from superscalar.schedule.ledger import Known, Ledger
from superscalar.schedule.naming import touched_name
from superscalar.schedule.permission import Permission
from superscalar.schedule.sharing import identities_of, identity
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.values import Failure, Observation, Outcome, copied
from superscalar.weight import Portions, Scale, TooHeavy


class Binder:
    """Evaluates and validates the arguments of calls, and asks whether these are to be made.

    What is long is copied, validated and compared in portions, each in a turn of the event loop. Meanwhile the call
    stays ready, as one of which a person is asked does: it has an attempt that holds nothing and runs nothing.
    """

    def __init__(self, ledger: Ledger, permission: Permission, approval: Approval, calls: Calls) -> None:
        self._tool = permission.tools.by_alias.get
        self._ledger = ledger
        self._shared = ledger.shared
        self._known = ledger.known
        self._permission = permission
        self._guarded = permission.guarded
        self._keeps_arguments = permission.named_by_arguments
        self._named_by_arguments = bool(permission.named_by_arguments)
        self._approval = approval
        self._calls = calls
        self._live, self._ready = calls.live, calls.ready
        self._holding = calls.holding
        self._take, self._is_long = calls.holding.take, calls.holding.is_long
        self._course = calls.course
        self._now = calls.course.now
        self._happened = calls.course.happened

    def bind(self, cell: Cell, work: Call) -> None:
        """Evaluate and validate a call's arguments; then it starts, or queues for its limits."""
        tool = self._tool(work.tool)
        if tool is None:
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", f"there is no tool `{work.tool}`")))
            return
        if tool.plan is not None:
            self._enter(cell, tool, work)
            return
        holding = self._holding
        try:
            given, long = given_to(cell, work, self._take, self._is_long)
            if cell.blocked is not None:
                self._happened(events.Skipped(self._now(), cell.id, cell.blocked))
                return
            known = self._known.get(cell.id) if self._known else None
            if long:
                self._bind_long(cell, tool, work, given, long)
                return
            arguments = tool.bind(given) if known is None else self._approval.bind(known, tool, given)
            if arguments is not given:
                holding.take_made(tool.named(given), arguments)
            named = None if tool.limit_names is None else tool.limit_names.of(arguments, self._calls.context)
            concerns = tool.shares or self._named_by_arguments or known is not None or work.tool in self._guarded
            concerns = concerns or (work.access is not None and not work.access.known)
            if concerns and not self._is_to_be_made(cell, tool, work, arguments):
                return
            plain = arguments is given  # as it came, it is numbers, ASCII text and the like (`Tool.validate`)
            as_shown = arguments.copy() if plain and not tool.secrets else shown_arguments(tool, arguments)
        except _UNBOUND as error:
            self._happened(_unbound(cell, tool, error, self._now()))
        else:
            attempt = Attempt(self._calls, cell, tool, arguments, as_shown)
            attempt.plain = plain
            if named is not None:
                attempt.take_part(named)
            self._live[attempt] = None  # `Calls.add`, written out
            self._ready.append(attempt)

    def _enter(self, cell: Cell, tool: Tool[..., Any], work: Call) -> None:
        """Say whether a plan is entered that is called. Rules that name it are asked when all is in that it is given:
        of its own calls each is asked about when it is made.
        """
        if not work.enters:  # its tasks do not stand here: who made this call has not asked for them
            message = f"{tool.name} is a plan: it is called by a plan that is compiled with it"
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", message)))
            return
        known = self._known.get(cell.id)
        if work.tool not in self._guarded and known is None:
            self._happened(events.Succeeded(self._now(), cell.id, OPEN.value))
            return
        given_to_it = [task for _, value in work.arguments for task in references(value)]
        missing = [task for task in given_to_it if target_of(cell, task).outcome is None]
        if missing:
            self._ledger.schedule.await_whole(cell, *(Need(task, "outcome") for task in missing))
            return
        if self._calls.stopped is not None:
            self._happened(events.Failed(self._now(), cell.id, never_started(self._calls.stopped)))
            return
        try:
            given, _ = given_to(cell, work, self._take)
            arguments = tool.bind(given) if known is None else self._approval.bind(known, tool, given)
            if self._approval.permits(cell, tool, work, arguments):
                self._happened(events.Succeeded(self._now(), cell.id, PERMITTED))
        except _UNBOUND as error:
            self._happened(_unbound(cell, tool, error, self._now()))

    def checked(self, alias: str, parameter: str, outcome: Outcome) -> Outcome:
        """What a plan that is called is given for a parameter: a value is of the type that its input has."""
        tool = self._tool(alias)
        if type(outcome) is not Observation:
            return outcome
        if tool is None:
            return Failure("arguments", f"there is no tool `{alias}`")
        name = tool.renamed.get(parameter, parameter)
        try:
            return Observation(tool.read_back(name, copied(outcome.value)))
        except ArgumentError as error:
            message = str(error) if name not in tool.secrets else f"{tool.name}(): `{name}` is not what it has to be"
            return Failure("arguments", message)

    def _bind_long(self, cell: Cell, tool: Tool[..., Any], work: Call, given: Arguments, long: Sequence[str]) -> None:
        known = self._known.get(cell.id)
        bind = tool.binding if known is None else partial(self._bound_later, known, tool)
        attempt = Attempt(self._calls, cell, tool, given, {})
        self._calls.expect(attempt)
        self._bind_on(attempt, work, _in_portions(tool, given, long, bind, self._holding))

    def _bound_later(self, known: Known, tool: Tool[..., Any], given: Arguments) -> Portions[Arguments]:
        yield
        return self._approval.bind(known, tool, given)

    def _bind_on(self, attempt: Attempt, work: Call, portions: _Binding) -> None:
        """Do the next portion; with the last one, the call starts or queues as others do."""
        attempt.timer = None
        cell, tool = attempt.cell, attempt.tool
        try:
            bound = next(portions)
            if bound is None:
                turn = partial(self._take_turn, attempt, work, portions)
                attempt.timer = self._course.loop.call_soon(turn, context=self._course.variables)
                return
            attempt.arguments, attempt.told, attempt.scale = bound.arguments, bound.told, bound.scale
            if tool.limit_names is not None:
                attempt.take_part(tool.limit_names.of(bound.arguments, self._calls.context))
            is_made = self._is_to_be_made(cell, tool, work, bound.arguments, bound.identities)
        except _UNBOUND as error:
            self._calls.end(attempt)
            self._happened(_unbound(cell, tool, error, self._now()))
            return
        if is_made:
            self._calls.add(attempt)
        else:
            self._calls.end(attempt)

    def _take_turn(self, attempt: Attempt, work: Call, portions: _Binding) -> None:
        try:
            self._bind_on(attempt, work, portions)
            if attempt.timer is None:
                self._course.pump()
        except BaseException as bug:  # noqa: BLE001 -- `settle` raises it
            self._course.fail(bug)

    def _is_to_be_made(
        self,
        cell: Cell,
        tool: Tool[..., Any],
        work: Call,
        arguments: Arguments,
        identities: Mapping[str, Hashable] | None = None,
    ) -> bool:
        """Whether a call is to be made with these arguments; if not, what becomes of it instead has happened."""
        if work.access is not None and not work.access.known:
            name = touched_name(tool, cell, arguments)
            if name is not None:
                self._happened(events.Resolved(self._now(), cell.id, name))
                if cell.status is not READY:  # a write before it is in its way (L19)
                    return False
        if self._keeps_arguments and work.tool in self._keeps_arguments:
            self._permission.note_bound(cell, arguments)
        guarded = work.tool in self._guarded or (self._known and cell.id in self._known)
        if guarded and not self._approval.permits(cell, tool, work, arguments):
            return False
        if not tool.shares:
            return True
        apart = self._permission.whether.apart(cell)
        other = self._shared.earlier(cell, work.tool, identities or identities_of(arguments), apart)
        if other is not None:  # an identical call is or was made, whose outcome this task gets (rule L21)
            self._happened(events.Shared(self._now(), cell.id, other.id))
        return other is None


_Unbound: TypeAlias = Unavailable | EvaluationError | ArgumentError | RecursionError | TooHeavy
_UNBOUND = (Unavailable, EvaluationError, ArgumentError, RecursionError, TooHeavy)


@dataclass(frozen=True, slots=True)
class _Bound:
    """The arguments of a call, and of these what events have (`told`), what tells them from others (`identities`, only
    where the tool shares its calls), and what they weigh (`scale`), so that they can be copied in portions again.
    """

    arguments: Arguments
    told: Arguments
    identities: Mapping[str, Hashable]
    scale: Scale


_Binding: TypeAlias = Generator["_Bound | None", None, None]
"""The binding of a call in portions: it comes to something last."""


def _in_portions(
    tool: Tool[..., Any],
    given: Arguments,
    long: Sequence[str],
    bind: Callable[[Arguments], Portions[Arguments]],
    holding: Holding,
) -> _Binding:
    """What a call is made with, of what the plan gives; of the `long` ones there is no copy yet.

    Raises:
        ArgumentError, RecursionError, TooHeavy: it cannot be made so.
    """
    copies = dict(given)
    for name in long:
        copies[name] = yield from holding.copying(given[name])
    arguments = yield from bind(copies)
    holding.take_made(tool.named(given), arguments)
    scale = Scale()
    for name, value in arguments.items():
        yield from of_argument(name, scale.weighing(value))
    masked = tool.masked(arguments)
    shown = yield from copied_in_portions(masked, scale, told)
    identities: dict[str, Hashable] = {}
    for name, value in arguments.items() if tool.shares else ():
        identities[name] = yield from scale.copying(value, identity, lambda kind, parts: (kind, *parts))
    yield _Bound(arguments, shown, identities, scale)


def _unbound(cell: Cell, tool: Tool[..., Any], error: _Unbound, now: float) -> events.Event:
    """What becomes of a call that does not come to its arguments."""
    if isinstance(error, Unavailable | EvaluationError):
        return gather.instead(cell, error, now)
    return events.Failed(now, cell.id, unfit(tool.name, error))
