"""How long a plan takes: bounds that hold for every order in which a scheduler could start its calls, and so for ours.

Nothing is scheduled here. From below: no run is shorter than the longest path through what is made for certain, nor
than what one limit has to let through, from when the first of it can start to what comes after the last. From above:
while a run makes no progress on its longest path, some limit is used up, since a call that is ready waits for nothing
else; so it takes no longer than that path and, for each limit that can be used up at all, all the work that goes
through it divided by its width (Graham 1969, for several limits at once).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from superscalar.estimate.counts import Conditions
from superscalar.estimate.steps import Occurrence, calling
from superscalar.schedule.slack import Slack
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class Pace:
    """What decides how long calls take: the seconds of each tool that are known, and what limits it.

    `limits`: by name. `of`: the names of those that a tool takes part in; `perhaps`: of those that it may, too, since a
    function of its arguments names them.
    """

    seconds: Mapping[str, float]
    limits: Mapping[str, Limit]
    of: Callable[[Tool[..., Any]], tuple[str, ...]]
    perhaps: Callable[[Tool[..., Any]], tuple[str, ...]]


def seconds_at_least(
    steps: Sequence[Occurrence], made: Mapping[Occurrence, Conditions], apart: Iterable[Occurrence], pace: Pace
) -> float:
    """The seconds that no run of these steps goes below in which nothing fails; a call of unknown length takes none.

    `made`: what is made for certain, and under what. `apart`: the calls among them that are calls of their own.
    """
    lasts = {step: pace.seconds.get(tool.name, 0.0) for step, tool in calling(steps) if not step.conditions}
    starts: dict[Occurrence, float] = {}
    ends: dict[Occurrence, float] = {}
    for step in steps:
        starts[step] = max((ends[one] for one in _before(step)), default=0.0)
        if step.racing and step.wanted <= len(step.racing):
            starts[step] = max(starts[step], sorted(ends[one] for one in step.racing)[step.wanted - 1])
        ends[step] = (
            starts[step] + lasts[step] if step.sole and step in lasts else max(starts[step], lasts.get(step, 0.0))
        )
    behind: dict[Occurrence, float] = defaultdict(float)
    always = [step for step in steps if made.get(step) == ()]
    for step in reversed(always):
        whole = (lasts.get(step, 0.0) if step.sole else 0.0) + behind[step]
        for one in _before(step):
            behind[one] = max(behind[one], whole)
    longest = max((ends[step] for step in always), default=0.0)
    through: dict[str, list[Occurrence]] = defaultdict(list)
    for step, tool in calling(one for one in apart if made[one] == ()):
        for name in pace.of(tool):
            through[name].append(step)
    bounds = [
        _through(
            pace.limits[name],
            [(starts[step] if step.sole else 0.0, lasts[step], behind[step], _together(step)) for step in calls],
        )
        for name, calls in through.items()
    ]
    return max([longest, *bounds])


def _before(step: Occurrence) -> tuple[Occurrence, ...]:
    """What a step has waited for once it is over: it may be skipped as soon as its first condition is known."""
    return (step.conditions[0][0],) if step.conditions else (*step.before, *step.ordered)


def _together(step: Occurrence) -> int:
    """How many calls may be one request."""
    return 1 if step.tool is None or step.tool.batched is None else step.tool.batched.max_batch


def _through(limit: Limit, calls: list[tuple[float, float, float, int]]) -> float:
    """The seconds that a limit alone needs for calls: when each can start, lasts, what is behind it, its company."""
    first = min(start for start, _, _, _ in calls)
    least = min(lasts for _, lasts, _, _ in calls)
    last = min(behind for _, _, behind, _ in calls)
    requests = ceil(sum(1 / company for _, _, _, company in calls) - 1e-9)
    bound = 0.0
    if limit.concurrency is not None:
        work = sum(lasts / company for _, lasts, _, company in calls)
        bound = max(work / limit.concurrency, ceil(requests / limit.concurrency) * least)
    if limit.rate is not None:
        bound = max(bound, max(0, requests - limit.burst) * limit.per / limit.rate + least)
    return first + bound + last


def seconds_at_most(steps: Sequence[Occurrence], pace: Pace) -> float | None:
    """The seconds that no run of these steps goes beyond in which nothing is tried again; None if a call's are unknown.

    All that may be made counts as made, and nobody else uses the limits.
    """
    through: dict[str, list[float]] = defaultdict(list)
    limits: dict[Occurrence, tuple[str, ...]] = {}
    lasts: dict[Occurrence, float] = {}
    for step, tool in calling(steps):
        seconds = pace.seconds.get(tool.name)
        if seconds is None:
            return None
        lasts[step], limits[step] = seconds, pace.of(tool)
        for name in (*limits[step], *pace.perhaps(tool)):
            through[name].append(seconds)
    widths: dict[str, int] = {}
    waits = 0.0
    for name, calls in through.items():
        limit = pace.limits[name]
        if limit.concurrency is not None and len(calls) > limit.concurrency:
            widths[name] = limit.concurrency
            waits += sum(calls) / limit.concurrency
        if limit.rate is not None and len(calls) > limit.burst:
            waits += (len(calls) - 1) * limit.per / limit.rate * Slack(limit).stretch  # a burst is made up for
    ends: dict[Occurrence, float] = {}
    for step in steps:
        before = (*step.before, *step.perhaps, *step.racing, *step.ordered, *(one for one, _ in step.conditions))
        own = lasts.get(step, 0.0)
        if own:  # its own work is no work that it waits for
            own *= max(0.0, 1.0 - sum(1 / widths[name] for name in limits[step] if name in widths))
        ends[step] = own + max((ends[one] for one in before), default=0.0)
    return max(ends.values(), default=0.0) + waits
