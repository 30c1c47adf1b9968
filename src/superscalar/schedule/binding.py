"""How calls come to their arguments: in the turn in which their inputs come in, or over several where they are long."""

from __future__ import annotations

import contextvars
from abc import abstractmethod
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from superscalar import events
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable
from superscalar.plan.ir import Call
from superscalar.schedule import gather
from superscalar.schedule.asking import Asking
from superscalar.schedule.attempt import Attempt, unfit
from superscalar.schedule.cells import READY, Cell
from superscalar.schedule.effective import Arguments, given_to, refused, shown, told
from superscalar.schedule.holding import Holding
from superscalar.schedule.ledger import Known, Ledger
from superscalar.schedule.lookup import cause
from superscalar.schedule.naming import name_of
from superscalar.schedule.permission import Permission
from superscalar.schedule.sharing import identities_of, identity
from superscalar.schedule.surroundings import Surroundings
from superscalar.tools.context import ArgumentError, ToolContext
from superscalar.tools.tool import Tool
from superscalar.values import Failure, twin_of
from superscalar.weight import Portions, Scale, TooHeavy


class Binding(Asking):
    """The part of a unit that evaluates and validates the arguments of calls, and asks whether these are to be made.

    What is long is copied, validated and compared in portions, each in a turn of the event loop. Meanwhile the call
    stays ready, as one of which a person is asked does: it has an attempt that holds nothing and runs nothing.
    """

    holding: Holding

    def __init__(self, ledger: Ledger, permission: Permission, surroundings: Surroundings) -> None:
        super().__init__(ledger, surroundings.bounds, surroundings.limits, surroundings.approver, surroundings.run)
        self.permission = permission
        self._variables = contextvars.copy_context()
        self._tool = surroundings.tools.by_alias.get
        self._shared = ledger.shared
        self._known = ledger.known
        self._guarded = permission.guarded
        self._keeps_arguments = permission.named_by_arguments
        self._ready: list[Attempt] = []

    @abstractmethod
    def start(self, attempt: Attempt) -> None:
        """Everything that the attempt takes was taken: call the tool."""

    @abstractmethod
    def context_for(self, attempt: Attempt) -> ToolContext[Any]:
        """What a tool may ask of the run."""

    def _bind(self, cell: Cell, work: Call) -> None:
        """Evaluate and validate a call's arguments; then it starts, or queues for its limits."""
        tool = self._tool(work.tool)
        if tool is None:
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", f"there is no tool `{work.tool}`")))
            return
        try:
            given, long = given_to(cell, work, self.holding.take, self.holding.is_long)
            if cell.blocked is not None:
                self._happened(events.Skipped(self._now(), cell.id, cell.blocked))
                return
            known = self._known.get(cell.id) if self._known else None
            if long:
                self._bind_long(cell, tool, work, given, long)
                return
            arguments = tool.bind(given) if known is None else self._bound(known, tool, given)
            if arguments is not given:
                self.holding.take_made(tool.named(given), arguments)
            if not self._is_to_be_made(cell, tool, work, arguments):
                return
            plain = arguments is given  # as it came, it is numbers, ASCII text and the like (`Tool.validate`)
            as_shown = arguments.copy() if plain and not tool.secrets else shown(tool, arguments)
        except _UNBOUND as error:
            self._happened(_unbound(cell, tool, error, self._now()))
        else:
            attempt = Attempt(self, cell, tool, arguments, as_shown)
            attempt.plain = plain
            self._live[attempt] = None
            self._ready.append(attempt)

    def _bind_long(self, cell: Cell, tool: Tool[..., Any], work: Call, given: Arguments, long: Sequence[str]) -> None:
        known = self._known.get(cell.id)
        bind = tool.binding if known is None else partial(self._bound_later, known, tool)
        attempt = Attempt(self, cell, tool, given, {})
        self._live[attempt] = None
        self._bind_on(attempt, work, _in_portions(tool, given, long, bind, self.holding))

    def _bound_later(self, known: Known, tool: Tool[..., Any], given: Arguments) -> Portions[Arguments]:
        yield
        return self._bound(known, tool, given)

    def _bind_on(self, attempt: Attempt, work: Call, portions: _Binding) -> None:
        """Do the next portion; with the last one, the call starts or queues as others do."""
        attempt.timer = None
        cell, tool = attempt.cell, attempt.tool
        try:
            bound = next(portions)
            if bound is None:
                attempt.timer = self.loop.call_soon(self._take_turn, attempt, work, portions, context=self._variables)
                return
            attempt.arguments, attempt.told, attempt.scale = bound.arguments, bound.told, bound.scale
            is_made = self._is_to_be_made(cell, tool, work, bound.arguments, bound.identities)
        except _UNBOUND as error:
            self._end(attempt)
            self._happened(_unbound(cell, tool, error, self._now()))
            return
        if is_made:
            self._ready.append(attempt)
        else:
            self._end(attempt)

    def _take_turn(self, attempt: Attempt, work: Call, portions: _Binding) -> None:
        try:
            self._bind_on(attempt, work, portions)
            if attempt.timer is None:
                self._pump()
        except BaseException as bug:  # noqa: BLE001 -- as for attempts: `settle` raises it
            self._bug = self._bug or bug
            self._wake()

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
            name = name_of(tool, cell, arguments)
            if name is not None:
                self._happened(events.Resolved(self._now(), cell.id, name))
                if cell.status is not READY:  # a write before it is in its way (L19)
                    return False
        if self._keeps_arguments and work.tool in self._keeps_arguments:
            self.permission.note_bound(cell, arguments)
        guarded = work.tool in self._guarded or (self._known and cell.id in self._known)
        if guarded and not self._permitted(cell, tool, work, arguments):
            return False
        return not (tool.shares and self._shares(cell, work, identities or identities_of(arguments)))

    def _shares(self, cell: Cell, work: Call, identities: Mapping[str, Hashable]) -> bool:
        """Whether an identical call is or was made, whose outcome this task gets (rule L21)."""
        other = self._shared.earlier(cell, work.tool, identities, self.permission.whether.apart(cell))
        if other is not None:
            self._happened(events.Shared(self._now(), cell.id, other.id))
        return other is not None


T = TypeVar("T")
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
        yield from _of_argument(name, scale.weighing(value))
    masked = tool.masked(arguments)
    shown = yield from copied_in_portions(masked, scale, told)
    identities: dict[str, Hashable] = {}
    for name, value in arguments.items() if tool.shares else ():
        identities[name] = yield from scale.copying(value, identity, lambda kind, parts: (kind, *parts))
    yield _Bound(arguments, shown, identities, scale)


def copied_in_portions(arguments: Arguments, scale: Scale, copy: Callable[[Any], Any] = twin_of) -> Portions[Arguments]:
    """As `fresh` makes it, or another `copy` of the same kind, of arguments that were weighed on this scale.

    Raises:
        ArgumentError: the class of one does not let it be copied.
    """
    made: Arguments = {}
    for name, value in arguments.items():
        made[name] = yield from _of_argument(name, scale.copying(value, copy))
    return made


def _of_argument(name: str, work: Portions[T]) -> Portions[T]:
    """What work on an argument comes to; a record's class is a tool's own code."""
    try:
        return (yield from work)
    except (TooHeavy, RecursionError):
        raise
    except Exception as error:
        raise refused(name, error) from error


def _unbound(cell: Cell, tool: Tool[..., Any], error: _Unbound, now: float) -> events.Event:
    """What becomes of a call that does not come to its arguments."""
    match error:
        case Unavailable():
            return events.Skipped(now, cell.id, *cause(cell, error))
        case EvaluationError():
            return events.Failed(now, cell.id, gather.failure_of(error))
        case ArgumentError() | TooHeavy() | RecursionError():
            return events.Failed(now, cell.id, unfit(tool.name, error))
