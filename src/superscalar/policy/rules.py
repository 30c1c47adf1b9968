"""The rules that every agent has, unless its policy is off."""

from __future__ import annotations

from superscalar.policy.calls import Allow, Decision, Deny, LabelledCall


def destinations(call: LabelledCall) -> Decision | None:
    """What is not trusted may not choose where something goes: no parameter that is a sink, in whole or in part.

    The content of a message may come from anywhere, its recipient may not. A pure tool sends nothing anywhere. A tool
    that says `Annotated[str, Sink(narrow="enum")]` lets data choose among a fixed set of constants, and one that says
    `Sink(among=...)` among the destinations that it lists.
    """
    if call.effect == "pure":
        return None
    sinks = call.sinks
    for name, argument in sinks.items():
        if not all(source.type in argument.narrow for source in argument.label.untrusted):
            others = ", ".join(map(str, argument.label.untrusted))
            return Deny(
                f"`{name}` of {call.tool} chooses where it goes, and comes from {others}, which is not trusted; "
                'write it in the question, or take it from a tool declared trust="trusted" or one of its trusted_fields'
            )
    return Allow() if sinks else None


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
