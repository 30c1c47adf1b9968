"""What a unit needs of the run that it belongs to: who it is, what it may call and on which terms, whom it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from superscalar import events
from superscalar.policy import Policy, ReplanMode
from superscalar.schedule.approval import Approver
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations, LongestPath, Priority
from superscalar.tools.execution import Runner
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Failure


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What a unit needs of the run that it belongs to."""

    run: str
    tools: Toolset
    limits: Limits
    runners: Mapping[Tool[..., Any], Runner]
    record: Callable[[events.Event], events.Event | None]  # it gives the event as it is told, if that is another
    bounds: Bounds = field(default_factory=Bounds)
    context: Any = None
    random: Random = field(default_factory=Random)
    durations: Durations = field(default_factory=Durations)
    priority: Callable[[Durations, Toolset], Priority] = LongestPath
    refuse: Callable[[Tool[..., Any]], Failure | None] | None = None  # by a budget: asked as a call is to start
    policy: Policy = field(default_factory=lambda: Policy("off"))
    question: str = ""
    replan: ReplanMode = "any"
    approver: Approver = field(default_factory=Approver)
    committed: Callable[[Tool[..., Any]], asyncio.Future[None] | None] | None = None  # see `Attempt.kept`
