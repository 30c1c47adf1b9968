"""A policy: which rules apply, and what follows from what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from superscalar.choices import Mode as Mode
from superscalar.choices import words_of
from superscalar.facts import fact
from superscalar.given import Expected, are_texts, at_least, one_of, whole_number
from superscalar.labels import NOTHING, Label, joined
from superscalar.policy.asked import rule_name, ruling_of
from superscalar.policy.calls import Allow, Ask, Decision, Deny, LabelledCall, Rule, Said, rule_of, rules_of
from superscalar.policy.rules import (
    BUILT_IN,
    CONFIDENTIAL_CONTROLS,
    CONTROLS,
    BuiltIn,
    ConfidentialControl,
    Control,
    Unclear,
)
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

_WANTED: Final[Mapping[str, Expected]] = {
    "mode": one_of(*words_of(Mode)),
    "tools": Expected(
        "write names, such as tools={'price'}", lambda value: isinstance(value, tuple) and are_texts(value)
    ).or_none,
    "max_writes": whole_number(0, "writes of a run").or_none,
    "max_cost": at_least(0.0, "what the calls of a plan may cost").or_none,
    "control": one_of(*CONTROLS),
    "confidential_control": one_of(*CONFIDENTIAL_CONTROLS),
}
_STRICTNESS: Final[Mapping[type, int]] = {Allow: 0, Ask: 1, Deny: 2}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an agent lets happen. Given to `LLMCompiler(policy=...)`; the name of a mode stands for `Policy(mode)`.

    `mode`: what follows where a built-in rule is broken: "off" (none is asked), "warn" (it happens, and is told), "ask"
    (a person decides) or "enforce" (it is denied). `rules`: further ones, for every call; they decide as they say in
    every mode but "warn", which lets everything happen and tells what they said. What is to be said of every call may
    stand in the place of a rule: `Ask("why")`. Bounds are denied beyond, or follow "warn" and "ask": `tools`: the only
    tools that plans may call, by name; None is all. `max_writes`: calls of a run that may write. `max_cost`: what the
    calls of a plan may cost together as declared by `@tool(cost=)`, as far as their number is known before it runs.

    `control="sinks"`: what is not trusted may not decide, by a condition, a filter or the length of a list, whether
    something goes to a destination either; so it does not choose among trusted ones. `@tool` says it of single sinks
    (`Sink(control=True)`). `confidential_control="allow"`: confidential data may decide whether a call is made whose
    audience may not read it, which tells that audience a bit of it each time.

    Raises:
        UsageError: there is no such mode, a rule is none, or a bound makes no sense.
    """

    mode: Mode = "enforce"
    rules: tuple[Rule, ...] = ()
    tools: frozenset[str] | None = None
    max_writes: int | None = None
    max_cost: float | None = None
    control: Control = "none"
    confidential_control: ConfidentialControl = "deny"

    def __init__(
        self,
        mode: Mode = "enforce",
        *,
        rules: Iterable[Said] = (),
        tools: Iterable[str] | None = None,
        max_writes: int | None = None,
        max_cost: float | None = None,
        control: Control = "none",
        confidential_control: ConfidentialControl = "deny",
    ) -> None:
        names = tuple(tools) if isinstance(tools, Iterable) and not isinstance(tools, str) else tools
        given: dict[str, object] = {"mode": mode, "tools": names, "max_writes": max_writes, "max_cost": max_cost}
        given |= {"control": control, "confidential_control": confidential_control}
        for name, value in given.items():
            _WANTED[name].check(name, value, "Policy")
        given |= {"rules": rules_of(rules), "tools": None if names is None else frozenset(names)}
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def is_bounded(self) -> bool:
        """Tell whether it bounds what the plans of a run may hold."""
        return any(bound is not None for bound in (self.tools, self.max_writes, self.max_cost))


@fact
class Ruling:
    """What was decided on a call: by which rule, why, and on which label (that of what it looked at)."""

    decision: Literal["allow", "warn", "ask", "deny"]
    rule: str
    reason: str
    label: Label


class Rulings:
    """The rules of an agent on the calls of its tools. Everything here is a pure function.

    Of a call of a plan only rules of somebody's own are asked: the built-in ones look at the calls that it makes.

    `shown`: the label of what a planner of the run was shown.

    Raises:
        UsageError: what is declared of a tool as its `policy` is no rule.
    """

    def __init__(self, policy: Policy, tools: Toolset, shown: Label = NOTHING) -> None:
        self.policy = policy
        rules = [rule.under(policy, shown) for rule in (() if policy.mode == "off" else BUILT_IN)]
        self._built_in = {
            tool: () if tool.plan is not None else tuple(rule for rule in rules if rule.concerns(tool, tools))
            for tool in tools
        }
        own = {tool: tuple(map(rule_of, tools.rules.get(tool.known_as, ()))) for tool in tools}
        self._others = {tool: (*policy.rules, *said) for tool, said in own.items()}

    def concern(self, tool: Tool[..., object]) -> bool:
        """Tell whether a rule may have a say in calls of a tool."""
        return bool(self._built_in[tool] or self._others[tool])

    def by_labels(self, tool: Tool[..., object]) -> tuple[BuiltIn, ...] | None:
        """Return the rules that `at_a_glance` asks of calls of a tool; None if these are not all that look at them."""
        return None if self._others[tool] else self._built_in[tool]

    def at_a_glance(
        self, tool: Tool[..., object], given: Label, sinks: Label | None, control: Label
    ) -> Ruling | Unclear | None:
        """Return what `ruling` would say of a call with these labels (see `BuiltIn.glance`), if they are enough.

        `control`: that of what decided that it is made; it may be left out where no rule weighs it.
        """
        found: tuple[BuiltIn, Decision] | None = None
        for rule in self._built_in[tool]:
            counts = control if rule.weighs_control(tool) else NOTHING
            said = rule.glance(given | counts, None if sinks is None else sinks | counts)
            if isinstance(said, Unclear):
                return said
            if said is not None:
                found = _stricter(found, rule, self._in_mode(said))
        if found is None:
            return None
        rule, decision = found
        label = sinks if rule.looks_at == "sinks" and sinks is not None else given
        return self._ruled(rule.name, decision, label | control if rule.weighs_control(tool) else label)

    def ruling(self, tool: Tool[..., object], call: LabelledCall) -> Ruling | None:
        """Return what the strictest of the rules says of a call of a tool; None where none has a say. A rule that is
        broken denies.
        """
        found: tuple[BuiltIn | Rule, Decision] | None = None
        for built_in in self._built_in[tool]:
            said = ruling_of(built_in, lambda: call)
            found = found if said is None else _stricter(found, built_in, self._in_mode(said))
        for rule in self._others[tool]:
            said = ruling_of(rule, call.apart)  # what it does to that, nobody else sees
            found = found if said is None else _stricter(found, rule, said)
        if found is None:
            return None
        rule, decision = found
        by_sinks = isinstance(rule, BuiltIn) and rule.looks_at == "sinks"
        looked_at = {**call.sinks, **call.likely} if by_sinks else call.arguments
        label = joined(argument.label for argument in looked_at.values())
        weighs = isinstance(rule, BuiltIn) and rule.weighs_control(tool)
        return self._ruled(rule_name(rule), decision, label | call.control if weighs else label)

    def _in_mode(self, decision: Decision) -> Decision:
        """What a built-in rule says, as the mode has it."""
        return Ask(decision.reason) if isinstance(decision, Deny) and self.policy.mode == "ask" else decision

    def _ruled(self, rule: str, decision: Decision, label: Label) -> Ruling:
        match decision:
            case Allow():
                return Ruling("allow", rule, "", label)
            case Deny(why) | Ask(why) if self.policy.mode == "warn":
                return Ruling("warn", rule, why, label)
            case Deny(why):
                return Ruling("deny", rule, why, label)
            case Ask(why):
                return Ruling("ask", rule, why, label)


_RuleT = TypeVar("_RuleT", bound=Rule)


def _stricter(found: tuple[_RuleT, Decision] | None, rule: _RuleT, decision: Decision) -> tuple[_RuleT, Decision]:
    """The stricter of what was found and what a rule says; of equals the first."""
    stricter = found is None or _STRICTNESS[type(decision)] > _STRICTNESS[type(found[1])]
    return (rule, decision) if stricter or found is None else found
