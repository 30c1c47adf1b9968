"""What the policy says of a call that is about to be made: its arguments with their labels, put before the rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from superscalar.events import Decided
from superscalar.forks import made_once
from superscalar.labels import NOTHING, Label, Source
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import Call, Task
from superscalar.policy import (
    Admission,
    LabelledCall,
    NotAdmitted,
    Policy,
    Question,
    ReplanMode,
    Ruling,
    Rulings,
    Unclear,
)
from superscalar.policy.arguments import audience, chooses, labelled_call
from superscalar.schedule.cells import Cell
from superscalar.schedule.effective import Arguments, fresh
from superscalar.schedule.lineage import SHOWN, Labels
from superscalar.schedule.lookup import outcomes_for
from superscalar.schedule.presence import presence
from superscalar.schedule.questions import origins, question_of
from superscalar.schedule.state import Schedule
from superscalar.schedule.whether import Whether
from superscalar.schedule.withholding import SecretNames, secrets_of_tools
from superscalar.short import LONGEST, cut
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId


class Permission:
    """Rules on the calls of one run. `guarded`: the tools, by alias, whose calls a rule may have a say in.

    `named_by_arguments`: those whose calls say by their arguments who may read what they return. `labels` are those of
    the run, whoever asks for them, and `whether` tells what else decides on calls. `question`: what the user asked; a
    constant that stands there comes from the user.
    """

    def __init__(
        self, schedule: Schedule, tools: Toolset, policy: Policy, question: str = "", replan: ReplanMode = "any"
    ) -> None:
        self.schedule = schedule
        self.tools = tools
        self._policy = policy
        self._question = question
        self._own: dict[str, Label] = {}
        self.named_by_arguments = {alias for alias, tool in tools.by_alias.items() if callable(tool.readers)}
        self._bound: dict[TaskId, Mapping[str, Any]] = {}
        results = {alias: tool.results for alias, tool in tools.by_alias.items() if tool.results is not None}
        self.labels = Labels(schedule, self._origin, question, results)
        self.admission = Admission(tools, policy, replan)
        self.whether = Whether(schedule, self.labels, tools, policy)
        self.guarded: set[str] = set()
        if self.admission.counts_writes:
            self.guarded |= {alias for alias, tool in tools.by_alias.items() if self._counts(tool)}
        self._rule(NOTHING)

    def _rule(self, shown: Label) -> None:
        """Have the rules look at the calls of plans that are made from what was shown."""
        tools = self.tools
        self._rulings = Rulings(self._policy, tools, shown)
        self._at_a_glance = lru_cache(maxsize=4_096)(self._rulings.at_a_glance)  # most calls have labels of others
        self.guarded |= {alias for alias, tool in tools.by_alias.items() if self._rulings.concern(tool)}
        self._glances = {
            alias: (
                frozenset(tool.aliases[name] for name in chooses(tool)),
                any(rule.weighs_control(tool) for rule in rules),
            )
            for alias, tool in tools.by_alias.items()
            if (rules := self._rulings.by_labels(tool)) is not None
        }

    def begin_round(self, number: int, shown: Label, *, restricted: bool) -> None:
        """A round of planning has begun.

        `shown`: the label of what its planner was shown, which all that it writes has. `restricted`: a tool whose
        results are not trusted had run by then.
        """
        if shown.readers is not None:
            self._rule(shown)
        self.admission.begin_round(number, restricted=restricted)

    def _counts(self, tool: Tool[..., Any]) -> bool:
        """Whether calls of a tool count as writes; of a plan that is called its own calls do."""
        return self.admission.counts_writes and tool.effect == "write" and tool.plan is None

    def given(self, label: Label) -> None:
        """What a plan was given is for some readers only, whatever its tools say."""
        self._rule(label)

    def planned(self, task: Task) -> None:
        """A task was planned: its calls that are not admitted are decided on when they are about to be made."""
        self.guarded.update(self.admission.planned(task))

    def retired(self, ids: Collection[TaskId]) -> None:
        """Some tasks of this round are no part of its plan any more."""
        self.admission.retired(ids)

    def decided(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Arguments, at: float) -> Decided | None:
        """What is decided on the call of a task; None where no rule has a say.

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
        if self._counts(tool):
            is_asked = any(one is not None and one.decision == "ask" for one in (refusal, made))
            refusal = _stricter(refusal, (self.admission.excess if is_asked else self.admission.permit)(cell.id))
        if refusal is None or (made is not None and made.decision == "ask" and refusal.decision != "deny"):
            return made
        return _refused(cell, refusal, at)

    def approved(self, cell: Cell, tool: Tool[..., Any], at: float) -> Decided | None:
        """A call that a person approved of is about to be made; why it is not, if others were made meanwhile."""
        if not self._counts(tool):
            return None
        refusal = self.admission.permit(cell.id)
        if refusal is not None and refusal.decision == "deny":
            return _refused(cell, refusal, at)
        self.admission.note_permitted(cell.id)
        return None

    def _ruled(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Arguments, at: float) -> Decided | None:
        """What the rules say of it."""
        ruling: Ruling | Unclear | None
        glance = self._glances.get(work.tool)
        if glance is None:
            ruling = self._rulings.ruling(tool, self.labelled(cell, tool, work, fresh(arguments)))
        else:
            choosing, weighs = glance
            given, chosen = self.labels.given(cell, work, choosing)
            control = self._control(cell, tool, work) if weighs else NOTHING
            sinks = chosen if tool.sinks or not chosen.trusted else None
            ruling = self._at_a_glance(tool, given, sinks, control)
            if isinstance(ruling, Unclear):
                ruling = self._rulings.ruling(tool, self.labelled(cell, tool, work, fresh(arguments)))
        if ruling is None:
            return None
        return Decided(at, cell.id, ruling.decision, ruling.rule, cut(ruling.reason, LONGEST), *_told(ruling.label))

    def labelled(self, cell: Cell, tool: Tool[..., Any], work: Call, arguments: Mapping[str, Any]) -> LabelledCall:
        """A call as the rules see it. What the plan does not say (the tool's defaults) has no source.

        `arguments` are theirs to look at: those of the call itself are others.
        """
        labels = {tool.renamed.get(alias, alias): found for alias, found in self.labels.argument(cell, work)}
        made = labelled_call(tool, arguments, labels, lambda: self._given(cell, tool, work))
        return LabelledCall(
            cell.id,
            tool.known_as,
            work.effect if work.enters else tool.effect,
            made,
            self._control(cell, tool, work),
            audience(tool, made),
        )

    def _control(self, cell: Cell, tool: Tool[..., Any], work: Call) -> Label:
        """What decides that a call is made; that its arguments are there is part of it where somebody asks for that."""
        control = self.labels.control(cell)
        asked = tool.controlled or self._policy.control == "sinks"
        return control | presence(self.labels, cell, work, self.tools) if asked and control.trusted else control

    def _given(self, cell: Cell, tool: Tool[..., Any], work: Call) -> Mapping[str, Any]:
        """What the plan gives for the parameters of a call, as it is before it is validated."""
        outcome = outcomes_for(cell)
        try:
            return tool.named({name: evaluate(value, outcome) for name, value in work.arguments})
        except (EvaluationError, Unavailable):
            return {}

    def question(self, run_id: str, cell: Cell, tool: Tool[..., Any], work: Call, asked: Decided) -> Question:
        """What a person is asked of a call, by the event that says so; nothing that is done to it changes that."""
        misled = SHOWN.sources <= self.labels.control(cell).sources
        labels = dict(self.labels.argument(cell, work))
        declared = self.tools.declared
        told = origins(cell, work, labels, declared, self._question, self._secrets, misled=misled)
        made = question_of(run_id, tool.name, asked, tool.named(told))
        return replace(made, destinations=frozenset(map(str, tool.destinations)))

    def note_bound(self, cell: Cell, arguments: Mapping[str, Any]) -> None:
        """Keep what a call is made with, of a tool that is in `named_by_arguments`."""
        self._bound[cell.id] = arguments

    @made_once
    def _secrets(self) -> SecretNames:
        return secrets_of_tools(self.tools)

    def _origin(self, cell: Cell, call: Call) -> Label:
        """What a call adds: its tool, unless that is pure and says nothing else, and who may read what it returns."""
        label = self._own.get(call.tool)
        if label is not None:
            return label
        tool = self.tools.get(call.tool)
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
        outcome = outcomes_for(cell)
        try:
            if (bound := self._bound.get(cell.id)) is not None:
                return tool.readers(fresh(dict(bound)))
            if tool.anew:
                return frozenset()  # it is gone what was made for that call
            return tool.readers(tool.bind({name: evaluate(value, outcome) for name, value in call.arguments}))
        except (ArgumentError, EvaluationError, Unavailable):
            return frozenset()


_STRICTNESS: Final = {"warn": 0, "ask": 1, "deny": 2}


def _stricter(one: NotAdmitted | None, other: NotAdmitted | None) -> NotAdmitted | None:
    found = [refusal for refusal in (one, other) if refusal is not None]
    return max(found, key=lambda refusal: _STRICTNESS[refusal.decision], default=None)


def _refused(cell: Cell, refusal: NotAdmitted, at: float) -> Decided:
    return Decided(at, cell.id, refusal.decision, refusal.rule, cut(refusal.reason, LONGEST))


@lru_cache(maxsize=4_096)
def _told(label: Label) -> tuple[tuple[Source, ...], tuple[str, ...] | None]:
    """A label as events have it."""
    return tuple(sorted(label.sources)), None if label.readers is None else tuple(sorted(label.readers))
