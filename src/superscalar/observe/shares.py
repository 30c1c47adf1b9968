"""Which share of what a run's models used fell to each model, and to each round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from superscalar import events as ev
from superscalar.values import Usage


def by_model(happened: Iterable[ev.Event]) -> Mapping[str, Usage]:
    """What each model used, by its name, in the order in which they were first asked.

    An event of an older journal names no model: it was the one that its role asked last. Where that is not recorded
    either, the name is empty.
    """
    used: dict[str, Usage] = {}
    asked: dict[str, str] = {}
    for event in happened:
        match event:
            case ev.ModelAsked(role=role, model=model):
                asked[role] = model
            case ev.ModelUsed(role=role, usage=usage, model=model):
                name = model or asked.get(role, "")
                used[name] = used.get(name, Usage()) + usage
    return MappingProxyType(used)


def by_round(happened: Iterable[ev.Event]) -> tuple[Usage, ...]:
    """What was used in each round, from when its plan was asked for until the next one was; at least one round."""
    used = [Usage()]
    for event in happened:
        match event:
            case ev.RoundStarted(round=number):
                used += [Usage()] * (number + 1 - len(used))
            case ev.ModelUsed(usage=usage):
                used[-1] += usage
    return tuple(used)
