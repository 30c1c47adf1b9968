"""What the policy says of a call that is about to be made: its arguments with their labels, put before the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from functools import lru_cache
from typing import Any, Final

from superscalar.events import Decided
from superscalar.labels import NOTHING, Label, Source
from superscalar.plan.evaluate import EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import Call, Task
from superscalar.plan.labels import narrowed, narrowed_to
from superscalar.policy import (
    Admission,
    Argument,
    LabelledCall,
    Policy,
    Question,
    Refusal,
    Replan,
    Rulings,
    destinations,
)
from superscalar.schedule.cells import Cell
from superscalar.schedule.labels import SHOWN, Labels
from superscalar.schedule.questions import origins
from superscalar.schedule.state import Schedule
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.tools.trust import Sink
from superscalar.values import OrderedSet, TaskId, copied, record_fields


class Permission:
    """Rules on the calls of one run. `guarded`: the tools, by alias, whose calls a rule may have a say in.

    `labels` are those of the run, whoever asks for them. `question`: what the user asked; a constant that stands there
    comes from the user.
    """

    def __init__(
        self, schedule: Schedule, tools: Toolset, policy: Policy, question: str = "", replan: Replan = "any"
    ) -> None:
        self._schedule = schedule
        self._tools = tools
        self._rulings = Rulings(policy, tools.rules)
        self._question = question
        self._own: dict[str, Label] = {}
        results = {alias: tool.results for alias, tool in tools.by_alias.items() if tool.results is not None}
        self.labels = Labels(schedule, self._origin, question, results)
        self.admission = Admission(tools, policy, replan)
        self.guarded = set(_guarded(tools, policy))
        if self.admission.counts_writes:
            self.guarded |= {alias for alias, tool in tools.by_alias.items() if tool.effect == "write"}
        self._sinks = {
            alias: frozenset(p.alias for p in tool.signature.parameters if p.name in tool.sinks)
            for alias, tool in tools.by_alias.items()
            if not (policy.rules or tools.rules.get(tool.name)) and alias in self.guarded
        }

    def begin_round(self, number: int, *, saw_untrusted: bool, restricted: bool) -> None:
        """A round of planning has begun.

        `saw_untrusted`: its planner was shown what is not trusted, so nothing that it writes is. `restricted`: a tool
        whose results are not trusted had run by then.
        """
        self.labels.begin_round(SHOWN if saw_untrusted else NOTHING)
        self.admission.begin_round(number, restricted=restricted)

    def planned(self, task: Task) -> None:
        """A task was planned: its calls that are not admitted are decided on when they are about to be made."""
        self.guarded.update(self.admission.planned(task))

    def retired(self, ids: Collection[TaskId]) -> None:
        """Some tasks of this round are no part of its plan any more."""
        self.admission.retired(ids)

    def decided(
        self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Mapping[str, Any], at: float
    ) -> Decided | None:
        """What is decided on the call of a task; None where no rule has a say. `arguments` by the function's names.

        Raises:
            ArgumentError: `reads=` of the tool gave no names for them.
        """
        if not self.admission.watches:
            return self._ruled(cell, tool, work, arguments, at)
        refusal = None if cell.task is None else self.admission.refusal(cell.task.id)
        if refusal is not None and refusal.decision == "deny":
            return _refused(cell, refusal, at)
        made = self._ruled(cell, tool, work, arguments, at)
        if made is not None and made.decision == "deny":
            return made
        if self.admission.counts_writes and tool.effect == "write":
            refusal = _stricter(refusal, self.admission.permit(cell.id))
        if refusal is None or (made is not None and made.decision == "ask" and refusal.decision != "deny"):
            return made
        return _refused(cell, refusal, at)

    def _ruled(
        self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Mapping[str, Any], at: float
    ) -> Decided | None:
        """What the rules say of it."""
        sinks = self._sinks.get(work.tool)
        if sinks is not None:  # none but the built-in rules look at it
            given, chosen = self.labels.given(cell, work, sinks)
            if given.readers is None and chosen.trusted:  # then they have nothing to say but this
                if not sinks:
                    return None
                return Decided(at, cell.id, "allow", destinations.__name__, "", *_told(chosen))
        ruling = self._rulings.ruling(self.labelled(cell, tool, work, arguments))
        if ruling is None:
            return None
        return Decided(at, cell.id, ruling.decision, ruling.rule, ruling.reason, *_told(ruling.label))

    def labelled(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Mapping[str, Any]) -> LabelledCall:
        """A call as the rules see it. What the plan does not say (the tool's defaults) has no source."""
        given = {tool.renamed.get(alias, alias): label for alias, label in self.labels.argument(cell, work)}
        made = {name: _argument(tool, name, value, given.get(name, NOTHING)) for name, value in arguments.items()}
        control = self.labels.control(cell)
        return LabelledCall(cell.id, tool.name, tool.effect, made, control, _audience(tool, arguments))

    def question(
        self, run_id: str, cell: Cell, tool: Tool[..., Any], work: Call, arguments: dict[str, Any], why: str
    ) -> Question:
        """What a person is asked of a call; nothing that is done to it changes the call."""
        misled = SHOWN.sources <= self.labels.control(cell).sources
        labels = self.labels.arguments(cell, work)
        told = origins(cell, work, labels, self._tools.declared, self._question, misled=misled)
        named = {tool.renamed.get(alias, alias): origin for alias, origin in told.items()}
        return Question(run_id, cell.id, tool.name, copied(tool.masked(arguments)), named, why)

    def _origin(self, cell: Cell, call: Call) -> Label:
        """What a call adds: its tool, unless that is pure and says nothing else, and who may read what it returns."""
        label = self._own.get(call.tool)
        if label is not None:
            return label
        tool = self._tools.get(call.tool)
        if tool is None:
            return NOTHING  # it failed: there is nothing that anybody returned
        sources = [] if tool.trust is None else [Source("tool", tool.name, tool.trust == "trusted")]
        if callable(tool.readers):
            return Label(sources, self._readers(cell, call, tool))
        label = self._own[call.tool] = Label(sources, tool.readers)
        return label

    def _readers(self, cell: Cell, call: Call, tool: Tool[..., Any]) -> frozenset[str]:
        """Who may read what a call returns, where that depends on its arguments; nobody if that cannot be told."""
        assert callable(tool.readers)
        outcome = self._schedule.outcomes_for(cell)
        try:
            given = {tool.renamed.get(name, name): evaluate(value, outcome) for name, value in call.arguments}
            return tool.readers(tool.validate(given))
        except (ArgumentError, EvaluationError, Unavailable):
            return frozenset()


_STRICTNESS: Final = {"warn": 0, "ask": 1, "deny": 2}


def _stricter(one: Refusal | None, other: Refusal | None) -> Refusal | None:
    found = [refusal for refusal in (one, other) if refusal is not None]
    return max(found, key=lambda refusal: _STRICTNESS[refusal.decision], default=None)


def _refused(cell: Cell, refusal: Refusal, at: float) -> Decided:
    return Decided(at, cell.id, refusal.decision, refusal.rule, refusal.reason)


@lru_cache(maxsize=4_096)
def _told(label: Label) -> tuple[tuple[Source, ...], tuple[str, ...] | None]:
    """A label as events have it."""
    return tuple(sorted(label.sources)), None if label.readers is None else tuple(sorted(label.readers))


def _guarded(tools: Toolset, policy: Policy) -> Set[str]:
    if policy.mode == "off":
        return frozenset()
    confidential = any(tool.readers is not None for tool in tools)
    return frozenset(
        alias
        for alias, tool in tools.by_alias.items()
        if policy.rules or tools.rules.get(tool.name) or (tool.effect != "pure" and (confidential or tool.sinks))
    )


def _argument(tool: Tool[..., Any], name: str, value: Any, given: Label) -> Argument:
    """An argument as the rules see it. A destination that its tool lists is one of a fixed set, whoever chose it."""
    label = narrowed(given, value)
    marks = tool.open_sinks.get(name, ())
    narrow = frozenset[str]().union(*(mark.narrow for mark in marks))
    if marks and not label.trusted and any(_is_listed(tool, name, mark, value) for mark in marks):
        label = narrowed_to(label, "enum")
        narrow |= {source.type for source in label.untrusted}
    return Argument(value, label, name in tool.sinks, narrow)


def _is_listed(tool: Tool[..., Any], name: str, mark: Sink, value: Any) -> bool:
    destinations = list(_destinations(value))
    try:
        return bool(destinations) and all(one is not None and mark.has(one) for one in destinations)
    except Exception as error:
        raise ArgumentError(f"{tool.name}(): Sink(among=...) of `{name}` raised {error!r}") from error


def _destinations(value: Any) -> Iterator[str | None]:
    """The texts that a value names as destinations; None for what may name any."""
    if isinstance(value, list | tuple | set | frozenset | OrderedSet):
        for item in value:
            yield from _destinations(item)
    else:
        yield None if value is None or isinstance(value, Mapping) or record_fields(value) is not None else str(value)


def _audience(tool: Tool[..., Any], arguments: Mapping[str, Any]) -> frozenset[str]:
    """Who gets to read what a call is given: those declared, else whoever its sinks name, else the tool itself."""
    if tool.reads is not None:
        return tool.reads(arguments) if callable(tool.reads) else tool.reads
    named = frozenset(name for sink in tool.sinks if sink in arguments for name in _texts(arguments[sink]))
    return named or frozenset({tool.name})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple | set | frozenset | OrderedSet):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif value is not None:
        yield str(value)
