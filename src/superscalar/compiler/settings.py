"""How an agent runs: what is the same for all its runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from superscalar.compiler.approval import Approve
from superscalar.compiler.sight import ReplannerSees
from superscalar.models.base import ChatModel
from superscalar.models.typed import AnswerType
from superscalar.plan.grammars import Grammar
from superscalar.plan.read.fronts.detect import Syntax
from superscalar.policy import Policy, Replan
from superscalar.schedule.attempt import Bounds, Invoke
from superscalar.schedule.limits import Limits
from superscalar.schedule.priority import Durations, LongestPath, Priority
from superscalar.secrets import Redact
from superscalar.tools.toolset import Toolset


@dataclass(frozen=True, slots=True)
class Settings:
    """How an agent runs: what is the same for all its runs. Times in seconds."""

    tools: Toolset
    limits: Limits
    invoke: Invoke
    planner: ChatModel | None = None
    joiner: ChatModel | None = None
    instructions: str = ""
    answer_type: AnswerType | None = None
    bounds: Bounds = field(default_factory=Bounds)
    max_replans: int = 2
    max_repairs: int = 2
    planner_timeout: float | None = 120.0
    joiner_timeout: float | None = 120.0
    grammar: Grammar | None = None
    syntax: Syntax = "python"
    max_plan_tokens: int = 4_096
    max_answer_tokens: int = 2_048
    max_result_tokens: int = 3_000
    max_tokens: int | None = None
    max_cost: float | None = None
    random: Random = field(default_factory=Random)
    durations: Durations = field(default_factory=Durations)
    priority: Callable[[Durations, Toolset], Priority] = LongestPath
    policy: Policy = field(default_factory=Policy)
    approve: Approve | None = None
    approve_plan: bool = False
    replan: Replan = "read-only"
    replanner_sees: ReplannerSees = "summaries"
    secrets: tuple[Any, ...] = ()
    redact: Redact | None = field(default=None, repr=False)
