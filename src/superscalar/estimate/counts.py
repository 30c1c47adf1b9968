"""How many calls a plan makes, at least and at most, whichever way its conditions come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from superscalar.estimate.steps import Condition, Occurrence, calling

Conditions: TypeAlias = tuple[Condition, ...]


def certain(steps: Sequence[Occurrence]) -> dict[Occurrence, Conditions]:
    """The steps that are made for certain where these conditions hold; of the others nobody knows.

    What only a `first` needs may be let go before it has begun, and what is needed only if something else is made need
    not be made if that is not.
    """
    found: dict[Occurrence, Conditions] = {}

    def offer(step: Occurrence, under: Conditions) -> None:
        made = (*under, *(one for one in step.conditions if one not in under))
        if step not in found or len(made) < len(found[step]):
            found[step] = made

    for step in reversed(steps):  # whoever needs a step comes behind it
        if step.rooted:
            found[step] = step.conditions
        if (under := found.get(step)) is None:
            continue
        for used in step.before:
            offer(used, tuple(one for one in under if one not in step.inputs))
        for number, (decides, _) in enumerate(step.conditions):
            later = step.conditions[number:]
            offer(decides, tuple(one for one in under if one not in later))
    return found


def surely_apart(steps: Sequence[Occurrence], made: dict[Occurrence, Conditions]) -> list[Occurrence]:
    """The calls that are calls of their own for certain: of those that may turn out to be one, one alone."""
    found: list[Occurrence] = []
    alike: dict[str, list[Occurrence]] = defaultdict(list)
    for step, tool in calling(steps):
        if step not in made:
            continue
        if tool.shares:
            alike[tool.name].append(step)
        else:
            found.append(step)
    for calls in alike.values():
        groups: dict[str | None, list[Occurrence]] = defaultdict(list)
        unknown = any(step.key is None for step in calls)
        for step in calls:
            groups[None if unknown else step.key].append(step)
        for group in groups.values():
            always = [step for step in group if not made[step]]
            found += always[:1] or group
    return found


def fewest(calls: Iterable[tuple[Conditions, float]]) -> float:
    """The least that comes together of what is made under conditions, each as often as it counts."""
    return _sum([*calls], 0, min)


def most(calls: Iterable[tuple[Conditions, float]]) -> float:
    """The most that can come together."""
    return _sum([*calls], 0, max)


def _sum(calls: list[tuple[Conditions, float]], depth: int, pick: Callable[[float, float], float]) -> float:
    total: float = 0
    decided: dict[Occurrence, tuple[list[tuple[Conditions, float]], list[tuple[Conditions, float]]]] = {}
    for one in calls:
        conditions, counts = one
        if len(conditions) == depth:
            total += counts
            continue
        step, expected = conditions[depth]
        decided.setdefault(step, ([], []))[expected].append(one)
    for no, yes in decided.values():
        total += pick(_sum(no, depth + 1, pick), _sum(yes, depth + 1, pick))
    return total
