"""A recorded run whose values are in no journal: they are got again."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from superscalar import events as ev
from superscalar.executors.runners import Runners
from superscalar.plan import compile_plan
from superscalar.schedule.again import Again, ReadingTerms, read_again
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Grants
from superscalar.tools import Toolset


async def got_again_of(
    lines: str, happened: Iterable[ev.Event], tools: Toolset, limits: Grants, context: Any = None
) -> Again:
    """What there is of the run of a plan when its values were got again: all was planned, and that `happened`."""
    planned = [ev.Planned(0.0, task) for task in compile_plan(lines, tools.signatures).tasks]
    terms = ReadingTerms(
        run="run",
        tools=tools,
        limits=limits,
        runners=Runners(),
        bounds=Bounds(),
        context=context,
        random=Random(1),
    )
    return await read_again([*planned, *happened], terms)
