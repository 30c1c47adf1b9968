"""The rules that every agent has, unless its policy is off."""

from __future__ import annotations

from collections.abc import Collection

from superscalar.labels import Source
from superscalar.policy.calls import Allow, Ask, Decision, Deny, LabelledCall


def destinations(call: LabelledCall) -> Decision | None:
    """What is not trusted may not choose where something goes: no parameter that is a sink, in whole or in part.

    The content of a message may come from anywhere, its recipient may not. A pure tool sends nothing anywhere. A tool
    that says `Annotated[str, Sink(narrow="enum")]` lets data choose among a fixed set of constants, and one that says
    `Sink(among=...)` among the destinations that it lists. Where a tool does not say what a parameter is that looks
    like a destination, a person decides.
    """
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
    for name, argument in call.likely.items():
        if strangers := argument.strangers:
            return Ask(
                f"`{name}` of {call.tool} looks as if it chose where it goes, and comes from {_named(strangers)}, "
                f'which is not trusted; whoever wrote the tool can say @tool(sink="{name}"), or @tool(content="{name}")'
            )
    return Allow() if sinks else None


def _named(sources: Collection[Source]) -> str:
    bare = {source._replace(type="") for source in sources if not source.type}
    return ", ".join(str(source) for source in sources if not source.type or source._replace(type="") not in bare)


def confidentiality(call: LabelledCall) -> Decision | None:
    """What only some may read goes to them alone: everybody in the audience must be a reader of every argument."""
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
    return Allow() if confidential else None
