"""The rules that every agent has, unless its policy is off.

Each says of which tools it looks at the calls, and what it can tell of a call by its labels alone: most calls are
decided by these, without anybody having to look at their arguments.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar, Final, Literal, Protocol, TypeAlias

from superscalar.labels import NOTHING, Label, Source
from superscalar.policy.calls import Allow, Ask, Decision, Deny, LabelledCall
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

Control: TypeAlias = Literal["none", "sinks"]
"""The sinks of which what decides that something goes there at all must be trusted; but for those that say so."""
CONTROLS: Final = ("none", "sinks")

ConfidentialControl: TypeAlias = Literal["deny", "allow"]
"""What follows where confidential data decides whether others are called who may not read it."""
CONFIDENTIAL_CONTROLS: Final = ("deny", "allow")


class Unclear:
    """The one value that means "not by labels alone: the call must be looked at"."""

    def __repr__(self) -> str:
        return "unclear"


UNCLEAR: Final = Unclear()

Glance: TypeAlias = Decision | Unclear | None


class Strictness(Protocol):
    """What a policy says of the rules."""

    @property
    def control(self) -> Control:
        """As for `Policy`."""

    @property
    def confidential_control(self) -> ConfidentialControl:
        """As for `Policy`."""


class BuiltIn(ABC):
    """A rule of every agent. One that only judges is asked of every call, and looks at each.

    `name`: as events tell it. `looks_at`: the arguments whose label it decides on; what decided that the call is made
    counts as one more of them for a rule that `weighs_control`.
    """

    name: ClassVar[str]
    looks_at: ClassVar[Literal["sinks", "arguments"]] = "arguments"

    @abstractmethod
    def __call__(self, call: LabelledCall) -> Decision | None:
        """What it says of a call, and nothing else; None where it has no say."""

    def under(self, _policy: Strictness, _shown: Label) -> BuiltIn:
        """Return the rule as a policy has it, for plans of a planner that was shown something of this label."""
        return self

    def concerns(self, _tool: Tool[..., object], _tools: Toolset) -> bool:
        """Tell whether it may have a say in calls of this tool, of this set."""
        return True

    def weighs_control(self, _tool: Tool[..., object]) -> bool:
        """Tell whether what decided that a call of this tool is made counts for it, too."""
        return False

    def glance(self, _given: Label, _sinks: Label | None) -> Glance:
        """Return what it says of every call with these labels; None where it is silent, `UNCLEAR` where that depends.

        `given` is the label of all that the plan gives, `sinks` that of what chooses a destination, None without any.
        That of what decided on the call is in both, if it counts. A pure function: it is asked once for labels that
        many calls have.
        """
        return UNCLEAR


class Destinations(BuiltIn):
    """What is not trusted may not choose where something goes: no parameter that is a sink, in whole or in part.

    The content of a message may come from anywhere, its recipient may not. A pure tool sends nothing anywhere. A tool
    that says `Annotated[str, Sink(narrow="enum")]` lets data choose among a fixed set of constants, and one that says
    `Sink(among=...)` among the destinations that it lists. Where a tool does not say what a parameter is that looks
    like a destination, a person decides.

    Whether something goes there at all, and so which of several trusted destinations gets it, may be decided by
    anything; but for a parameter marked `Sink(control=True)`, or for all with `control="sinks"`.
    """

    name = "destinations"
    looks_at = "sinks"

    def __init__(self, control: Control = "none") -> None:
        self._control = control

    def under(self, policy: Strictness, _shown: Label) -> Destinations:
        """As strict about control as the policy says."""
        return Destinations(policy.control)

    def __call__(self, call: LabelledCall) -> Decision | None:
        """Deny a call whose destination what is not trusted chose, ask where it may be one; allow others with one."""
        if call.effect == "pure":
            return None
        sinks = call.sinks
        for name, argument in sinks.items():
            if strangers := argument.strangers:
                return Deny(
                    f"`{name}` of {call.tool} chooses where it goes, and comes from {_named(strangers)}, which is not "
                    'trusted; write it in the question, or take it from a tool declared trust="trusted" or one of its '
                    "trusted_fields"
                )
            if not call.control.trusted and (self._control == "sinks" or argument.control):
                return Deny(
                    f"`{name}` of {call.tool} chooses where it goes, and whether it goes there is decided by "
                    f"{_named(call.control.untrusted)}, which is not trusted: by a condition, a list, or an argument "
                    "that may fail (default(x, fallback) never does)"
                )
        for name, argument in call.likely.items():
            if strangers := argument.strangers:
                return Ask(
                    f"`{name}` of {call.tool} looks as if it chose where it goes, and comes from {_named(strangers)}, "
                    f"which is not trusted; whoever wrote the tool can say "
                    f'@tool(sink="{name}"), or @tool(content="{name}")'
                )
        return Allow() if sinks else None

    def concerns(self, tool: Tool[..., object], _tools: Toolset) -> bool:
        """Tools that have sinks, or what looks like one, but for pure ones."""
        return tool.effect != "pure" and bool(tool.destinations)

    def weighs_control(self, tool: Tool[..., object]) -> bool:
        """Where the policy says so of all sinks, or the tool of one."""
        return self._control == "sinks" or tool.controlled

    def glance(self, _given: Label, sinks: Label | None) -> Glance:
        """Trusted destinations are allowed."""
        return None if sinks is None else _ALLOW if sinks.trusted else UNCLEAR


def _named(sources: Collection[Source]) -> str:
    bare = {source._replace(type="") for source in sources if not source.type}
    return ", ".join(str(source) for source in sources if not source.type or source._replace(type="") not in bare)


class Confidentiality(BuiltIn):
    """What only some may read goes to them alone: everybody in the audience must be a reader of every argument.

    That a call is made at all tells its audience what decided on it: the conditions, lists and filters that it depends
    on, and what its planner had been shown. So that is one more argument, unless `control="allow"`.
    """

    name = "confidentiality"

    def __init__(self, control: ConfidentialControl = "deny", shown: Label = NOTHING) -> None:
        self._control = control
        self._shown = shown

    def under(self, policy: Strictness, shown: Label) -> Confidentiality:
        """As strict about control as the policy says."""
        return Confidentiality(policy.confidential_control, shown)

    def __call__(self, call: LabelledCall) -> Decision | None:
        """Deny a call that somebody would read who is no reader of an argument; allow others with confidential ones."""
        if call.effect == "pure":
            return None
        confidential = False
        for name, argument in call.arguments.items():
            readers = argument.label.readers
            if readers is None:
                continue
            confidential = True
            if others := call.audience - readers:
                return Deny(
                    f"`{name}` of {call.tool} is only for {', '.join(sorted(readers)) or 'nobody'}, "
                    f"but {', '.join(sorted(others))} would read it"
                )
        readers = None if self._control == "allow" else call.control.readers
        if readers is not None and (others := call.audience - readers):
            return Deny(
                f"that {call.tool} is called here was decided by what is only for "
                f"{', '.join(sorted(readers)) or 'nobody'}, but {', '.join(sorted(others))} would know of it"
            )
        return Allow() if confidential or readers is not None else None

    def concerns(self, tool: Tool[..., object], tools: Toolset) -> bool:
        """All but pure tools, where a tool says who may read what it returns, or something of the kind was shown."""
        confidential = self._shown.readers is not None or any(one.readers is not None for one in tools)
        return tool.effect != "pure" and confidential

    def weighs_control(self, _tool: Tool[..., object]) -> bool:
        """Of every tool, unless it was told to let that be."""
        return self._control == "deny"

    def glance(self, given: Label, _sinks: Label | None) -> Glance:
        """Silent on what everybody may read."""
        return None if given.readers is None else UNCLEAR


class Accepted(BuiltIn):
    """A tool that a server describes is called once somebody has accepted what it says of itself, and not otherwise.

    A description can order what a plan does, and one that has changed since can turn an honest tool into another.
    """

    name = "accepted"

    def __call__(self, call: LabelledCall) -> Decision | None:
        """Deny the call: this is asked of nothing else."""
        return Deny(
            f"what {call.tool} says of itself is new, or not what was accepted; look at it, and accept it: "
            "superscalar mcp accept FILE, or await toolset.accept()"
        )

    def concerns(self, tool: Tool[..., object], _tools: Toolset) -> bool:
        """The tools of servers that nobody has accepted."""
        return tool.described.unaccepted


_ALLOW: Final = Allow()

destinations: Final = Destinations()
confidentiality: Final = Confidentiality()
accepted: Final = Accepted()

BUILT_IN: Final[tuple[BuiltIn, ...]] = (destinations, confidentiality, accepted)
"""The rules of every agent, in the order in which they are asked."""
