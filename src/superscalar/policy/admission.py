"""What the plans of a run may hold: which tools, how many writes, at what cost, and what a later round may add.

It is decided as a plan is written, and of its writes when it is complete, since none of them runs before: so a plan is
admitted before it is sealed. What is refused is single calls; the rest of the plan goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from superscalar.choices import ReplanMode as ReplanMode
from superscalar.plan.ir import Call, Map, Task
from superscalar.policy.policy import Mode, Policy
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId

WriteKind: TypeAlias = tuple[str, str]
"""A kind of write: its tool, and the expressions for its destinations."""

_FOLLOWS: Final[dict[Mode, Literal["warn", "ask", "deny"]]] = {
    "off": "deny",  # that is said of built-in rules, and a bound is somebody's own
    "warn": "warn",
    "ask": "ask",
    "enforce": "deny",
}


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Why a call may not be made, or not before somebody was asked, or is only told of."""

    decision: Literal["warn", "ask", "deny"]
    rule: Literal["admission", "replan"]
    reason: str


def write_kind(call: Call, tool: Tool[..., object]) -> WriteKind:
    """What kind of write a call is: its tool and what its sinks are given, or all arguments where it declares none.

    Two calls are of one kind only if the expressions are the same, constants with their types: equal values that the
    plan finds in different ways are different kinds.
    """
    sinks = {tool.aliases[one.parameter] for one in tool.destinations} if tool.sinks else ()
    chosen = sorted((name, repr(value)) for name, value in call.arguments if not sinks or name in sinks)
    return call.tool, repr(chosen)  # not its name: a called plan may have another tool that is called so


class Admission:
    """The calls of one run's plans that are not admitted: a fold of what is planned.

    `limited`: whether the policy bounds the first round, too. `watches`: whether there is anything to say of calls by
    now, and `counts_writes` whether of each that writes.
    """

    def __init__(self, tools: Toolset, policy: Policy, replan: ReplanMode = "any") -> None:
        self._tools = tools
        self._policy = policy
        self._replan = replan
        self._follows = _FOLLOWS[policy.mode]
        self._restricted = False
        self._first = True
        self._first_tools: set[str] = set()
        self._kinds: set[WriteKind] = set()  # of the writes of earlier rounds
        self._fresh: set[WriteKind] = set()  # of this round
        self._writes: list[tuple[TaskId, bool]] = []  # of this round, and whether each is made once at the most
        self._cost = 0.0
        self._round: dict[TaskId, Task] = {}
        self._before: tuple[float, frozenset[str]] = (0.0, frozenset())  # what they cost, and called, before this round
        self._permitted: set[TaskId] = set()
        self._refused: dict[TaskId, NotAdmitted] = {}
        self.limited = policy.is_bounded
        self.counts_writes = policy.max_writes is not None
        self.watches = self.counts_writes

    def begin_round(self, number: int, *, restricted: bool) -> None:
        """Begin a round of planning. `restricted`: a tool whose results are not trusted has run before it."""
        self._first = number == 0
        self._restricted = restricted and number > 0
        self._kinds |= self._fresh
        self._fresh = set()
        self._writes = []
        self._round = {}
        self._before = self._cost, frozenset(self._first_tools)

    def retired(self, ids: Collection[TaskId]) -> None:
        """Forget tasks of this round that are no longer part of its plan: they count for nothing."""
        tasks = self._round
        for task in tasks.values():
            for inner, _ in _calls(task, once=True):
                self._refused.pop(inner.id, None)
        self._cost, first_tools = self._before
        self._first_tools, self._fresh, self._writes, self._round = set(first_tools), set(), [], {}
        for id, task in tasks.items():
            if id not in ids:
                self.planned(task)

    def planned(self, task: Task) -> list[str]:
        """Take in the next task of the plan and return the tools, by alias, of its calls that are not admitted."""
        self._round[task.id] = task
        return list(self._admit(task))

    def _admit(self, task: Task) -> Iterator[str]:
        for inner, once in _calls(task, once=True):
            call = inner.work
            tool = self._tools.get(call.tool) if isinstance(call, Call) else None
            if tool is None or not isinstance(call, Call):
                continue
            refusal = self._admitted(call, tool, once=once)
            if refusal is not None:
                self._refused[inner.id] = refusal
                self.watches = True
                yield call.tool
                if refusal.decision != "warn":
                    continue
            if once:
                self._cost += tool.cost
            if self._first:
                self._first_tools.add(call.tool)
            if call.effect == "write":
                self._fresh.add(write_kind(call, tool))
                self._writes.append((inner.id, once))

    def sealed(self) -> None:
        """Close the plan of this round: if it has more writes than it may have, none of them is admitted."""
        most = self._policy.max_writes
        if most is None:
            return
        sites = sum(once for _, once in self._writes)
        if len(self._permitted) + sites <= most:
            return
        before = f" after {len(self._permitted)} before it" if self._permitted else ""
        reason = f"the plan has {_writes(sites)}{before}, and max_writes={most}: none of them is made"
        for id, _ in self._writes:
            self._refused.setdefault(id, NotAdmitted(self._follows, "admission", reason))
            self.watches = True

    def refusal(self, site: TaskId) -> NotAdmitted | None:
        """Say why the calls of a task, by its id in the plan (`mails[].send`), are not admitted; None if they are."""
        return self._refused.get(site)

    def permit(self, id: TaskId) -> NotAdmitted | None:
        """Count a call that writes and is about to be made, once; return the refusal of one that is too many."""
        refusal = self.excess(id)
        if refusal is None:
            self._permitted.add(id)
        return refusal

    def excess(self, id: TaskId) -> NotAdmitted | None:
        """Refuse a call that writes, if it is one too many. One that is asked about counts once it is made."""
        most = self._policy.max_writes
        if most is None or id in self._permitted:
            return None
        if len(self._permitted) >= most:
            made = f"{len(self._permitted)} of the run's calls that write were made" if most else "no call may write"
            return NotAdmitted(self._follows, "admission", f"{made}, and max_writes={most}")
        return None

    def note_permitted(self, id: TaskId) -> None:
        """Note that an earlier process had permitted a call that writes."""
        self._permitted.add(id)

    def _admitted(self, call: Call, tool: Tool[..., object], *, once: bool) -> NotAdmitted | None:
        """Why a call of the plan is not admitted."""
        refused = self._by_policy(tool, once=once)
        if refused is not None and self._follows == "deny":
            return NotAdmitted("deny", "admission", refused)
        if self._restricted and (later := self._in_later_round(call, tool)) is not None:
            return later
        return None if refused is None else NotAdmitted(self._follows, "admission", refused)

    def _by_policy(self, tool: Tool[..., object], *, once: bool) -> str | None:
        policy = self._policy
        if policy.tools is not None and tool.known_as not in policy.tools:
            listed = ", ".join(sorted(policy.tools)) or "none"
            return f"{tool.name} is not among the tools that plans may call: {listed}"
        if policy.max_cost is not None and once and tool.cost and self._cost + tool.cost > policy.max_cost:
            return (
                f"with {tool.name}, which costs {tool.cost:g}, the plan's calls would cost {self._cost + tool.cost:g} "
                f"together, and max_cost={policy.max_cost:g}"
            )
        return None

    def _in_later_round(self, call: Call, tool: Tool[..., object]) -> NotAdmitted | None:
        """Why a round that may be led astray does not add a call."""
        seen = "results that are not trusted were there when it was planned"
        match self._replan:
            case "never":
                return NotAdmitted("deny", "replan", f'{seen}, and replan="never"')
            case "planned-tools" if call.tool not in self._first_tools:
                return NotAdmitted(
                    "deny", "replan", f'{seen}, and the first plan calls no {tool.name}: replan="{self._replan}"'
                )
            case "read-only" | "ask" if call.effect == "write" and write_kind(call, tool) not in self._kinds:
                why = f"{seen}, and no plan before had a write of this kind ({_kind(tool)})"
                if self._replan == "ask":
                    return NotAdmitted("ask", "replan", why)
                return NotAdmitted("deny", "replan", f'{why}: replan="read-only"')
        return None


def _calls(task: Task, *, once: bool) -> Iterator[tuple[Task, bool]]:
    """The tasks that call a tool, and whether each is made once at the most: it is in no map."""
    if isinstance(task.work, Map):
        for inner in task.work.body:
            yield from _calls(inner, once=False)
    elif isinstance(task.work, Call):
        yield task, once


def _kind(tool: Tool[..., object]) -> str:
    return f"{tool.name} with the same {', '.join(sorted(tool.sinks)) or 'arguments'}"


def _writes(count: int) -> str:
    return "a call that writes" if count == 1 else f"{count} calls that write"
