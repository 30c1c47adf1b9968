"""A policy: which rules apply, and what follows from what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Literal, TypeAlias

from superscalar.errors import UsageError
from superscalar.labels import Label, joined
from superscalar.policy.calls import Allow, Ask, Decision, Deny, LabelledCall, Rule
from superscalar.policy.rules import confidentiality, destinations

Mode: TypeAlias = Literal["off", "warn", "ask", "enforce"]
MODES: Final = ("off", "warn", "ask", "enforce")

_STRICTNESS: Final[Mapping[type, int]] = {Allow: 0, Ask: 1, Deny: 2}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an agent lets happen. Given to `LLMCompiler(policy=...)`; the name of a mode stands for `Policy(mode)`.

    `mode`: what follows where a built-in rule is broken: "off" (nothing is checked), "warn" (it happens, and is told),
    "ask" (a person decides) or "enforce" (it is denied). `rules`: further ones, for every call; they decide as they
    say, but where the mode is "off" or "warn". `tools`: the only tools that plans may call, by name; None is all.
    `max_writes`: calls of a run that may write. `max_cost`: what the calls of a plan may cost together as declared by
    `@tool(cost=)`, as far as their number is known before it runs.

    Raises:
        UsageError: there is no such mode, or a bound makes no sense.
    """

    mode: Mode = "enforce"
    rules: tuple[Rule, ...] = ()
    tools: frozenset[str] | None = None
    max_writes: int | None = None
    max_cost: float | None = None

    def __init__(
        self,
        mode: Mode = "enforce",
        *,
        rules: Iterable[Rule] = (),
        tools: Iterable[str] | None = None,
        max_writes: int | None = None,
        max_cost: float | None = None,
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"policy={mode!r}: write one of {', '.join(map(repr, MODES))}, or Policy(...)")
        if isinstance(tools, str):
            raise UsageError(f"Policy(tools={tools!r}): names, such as tools={{{tools!r}}}")
        if max_writes is not None and max_writes < 0:
            raise UsageError(f"Policy(max_writes={max_writes}): not below 0")
        if max_cost is not None and not 0 <= max_cost < inf:
            raise UsageError(f"Policy(max_cost={max_cost}): not below 0")
        for name, value in (
            ("mode", mode),
            ("rules", tuple(rules)),
            ("tools", None if tools is None else frozenset(tools)),
            ("max_writes", max_writes),
            ("max_cost", max_cost),
        ):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided on a call: by which rule, why, and on which label (that of what it looked at)."""

    decision: Literal["allow", "warn", "ask", "deny"]
    rule: str
    reason: str
    label: Label


class Rulings:
    """The rules of an agent, applied: `ruling(call)` is a pure function. `own`: the rules of single tools, by name."""

    def __init__(self, policy: Policy, own: Mapping[str, tuple[Callable[[Any], Any], ...]]) -> None:
        self.policy = policy
        self._own = own

    def ruling(self, call: LabelledCall) -> Ruling | None:
        """What the strictest of the rules says; None where none has a say. A rule that is broken denies."""
        policy = self.policy
        if policy.mode == "off":
            return None
        found: tuple[int, str, Decision] | None = None
        for rule in _BUILT_IN:
            decision = _said(rule, call)
            if isinstance(decision, Deny) and policy.mode == "ask":
                decision = Ask(decision.reason)
            found = _stricter(found, rule, decision)
        for rule in (*policy.rules, *self._own.get(call.tool, ())):
            found = _stricter(found, rule, _said(rule, call))
        return None if found is None else self._ruled(call, found[1], found[2])

    def _ruled(self, call: LabelledCall, rule: str, decision: Decision) -> Ruling:
        chosen = (*call.sinks.values(), *call.likely.values())
        looked_at = chosen if rule == destinations.__name__ else call.arguments.values()
        label = joined(argument.label for argument in looked_at)
        match decision:
            case Allow():
                return Ruling("allow", rule, "", label)
            case Deny(why) | Ask(why) if self.policy.mode == "warn":
                return Ruling("warn", rule, why, label)
            case Deny(why):
                return Ruling("deny", rule, why, label)
            case Ask(why):
                return Ruling("ask", rule, why, label)


_BUILT_IN: Final[tuple[Rule, ...]] = (destinations, confidentiality)


def _name(rule: Rule) -> str:
    return getattr(rule, "__name__", type(rule).__name__)


def _said(rule: Rule, call: LabelledCall) -> Decision | None:
    try:
        decision: object = rule(call)
    except Exception as error:  # noqa: BLE001 -- the rule is the user's; nothing happens that it did not let happen
        return Deny(f"the rule {_name(rule)} raised {error!r}")
    if decision is None or isinstance(decision, Allow | Ask | Deny):
        return decision
    return Deny(
        f"the rule {_name(rule)} returned {decision!r}, which is no Allow(), Deny(reason), Ask(question) or None"
    )


def _stricter(
    found: tuple[int, str, Decision] | None, rule: Rule, decision: Decision | None
) -> tuple[int, str, Decision] | None:
    if decision is None:
        return found
    strictness = _STRICTNESS[type(decision)]
    return (strictness, _name(rule), decision) if found is None or strictness > found[0] else found
