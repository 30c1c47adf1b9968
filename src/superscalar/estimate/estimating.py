"""From a plan, and what an agent knows, to an estimate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any, Final, TypeAlias

from superscalar.estimate.counts import certain, fewest, most, surely_apart
from superscalar.estimate.figures import Between, Estimate, ModelEstimate, ToolEstimate
from superscalar.estimate.lengths import Length
from superscalar.estimate.steps import Unrolled, calling
from superscalar.estimate.times import Pace, seconds_at_least, seconds_at_most
from superscalar.inquiry import MAX_WRITTEN, AskedAs, Inquirer
from superscalar.models.base import ChatModel
from superscalar.plan.ir import Call, Plan
from superscalar.schedule.bounds import Bounds
from superscalar.schedule.limits import EVERYTHING, Limits
from superscalar.schedule.threads import THREAD_LIMIT, THREADS, TakesPartIn
from superscalar.tools.execution import Runner
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import TaskId, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an estimate is made from: what an agent may do, and what it knows of how long that takes."""

    tools: Toolset
    bounds: Bounds
    limits: Limits
    runners: Mapping[Tool[..., Any], Runner]
    durations: Mapping[str, float]


_DECIMALS: Final = 9

Weight: TypeAlias = Callable[[Tool[..., Any]], float]
"""What a call of a tool counts."""


def estimate_of(plan: Plan, basis: Basis, models: Iterable[ModelEstimate] = ()) -> Estimate:
    """Estimate what a plan would take, with what else is asked of `models`. Nothing is called."""
    bounds = basis.bounds
    widest = bounds.max_fan_out

    def at_the_most(length: Length) -> int:
        return widest if length.most is None else min(length.most, widest)

    few = Unrolled(plan, basis.tools, lambda length: min(length.least, widest), bounds.max_tasks)
    many = Unrolled(plan, basis.tools, at_the_most, bounds.max_tasks)
    made = certain(few.steps)
    apart = surely_apart(few.steps, made)

    called: dict[str, Iterable[TaskId]] = {**many.times, **few.times}
    if not many.is_whole:
        called |= {
            task.work.tool: ()
            for task in plan.calls
            if isinstance(task.work, Call) and not task.work.enters and task.work.tool not in called
        }
    planned = {tool for tool in map(basis.tools.get, called) if tool is not None}

    def summed(weight: Weight) -> Between:
        least = fewest((made[step], weight(tool)) for step, tool in calling(apart))
        if not many.is_whole:
            return Between(least, None if any(weight(tool) for tool in planned) else 0)
        return Between(least, max(least, most((step.conditions, weight(tool)) for step, tool in calling(many.steps))))

    tools = tuple(_of_tools(called, summed, basis))
    pace = _pace(basis)
    seconds = seconds_at_least(few.steps, made, apart, pace)
    longest = seconds_at_most(many.steps, pace) if many.is_whole else None
    asked = (*_inquiring(tools, basis), *models)
    cost = _rounded(summed(lambda tool: tool.cost))
    for model in asked:
        cost += model.cost
    return Estimate(
        calls=summed(lambda _: 1),
        writes=summed(lambda tool: tool.effect == "write"),
        seconds=Between(seconds, None if longest is None else max(seconds, longest)),
        cost=cost,
        tools=tools,
        models=asked,
    )


def _rounded(cost: Between) -> Between:
    """Without what adding many fractions leaves behind."""
    return Between(round(cost.least, _DECIMALS), None if cost.most is None else round(cost.most, _DECIMALS))


def _of_tools(
    called: Mapping[str, Iterable[TaskId]], summed: Callable[[Weight], Between], basis: Basis
) -> Iterator[ToolEstimate]:
    """What is asked of each tool that a plan may call, for the items of which lists."""
    for alias, lists in called.items():
        tool = basis.tools.get(alias)
        if tool is not None:
            calls = summed(partial(eq, tool))
            yield ToolEstimate(alias, tool.effect, calls, tuple(lists), basis.durations.get(tool.name), tool.cost)


def _inquiring(tools: Iterable[ToolEstimate], basis: Basis) -> Iterator[ModelEstimate]:
    """What the calls of tools that ask models themselves, such as `extract`, ask of them."""
    for estimated in tools:
        tool = basis.tools.get(estimated.tool)
        if tool is not None and isinstance(asking := tool.function, Inquirer) and asking.models:
            requests = estimated.calls * Between(*asking.requests)
            read = Between(*asking.tokens_read)
            yield model_estimate(asking.role, asking.models[0], requests, read, MAX_WRITTEN)


def model_estimate(role: AskedAs, model: ChatModel, requests: Between, read: Between, written: int) -> ModelEstimate:
    """What so many requests ask of a model, each of so many tokens, with at most so many in the reply."""
    prices = getattr(model, "prices", ...)
    tokens = requests * read, requests * Between(1, written)

    def costs(input_tokens: float | None, output_tokens: float | None) -> float | None:
        if prices is ... or (input_tokens, output_tokens) == (0, 0):
            return 0.0
        if prices is None or input_tokens is None or output_tokens is None:
            return None
        cost: float = prices.of(Usage(int(input_tokens), 0, int(output_tokens)))
        return cost

    least = costs(tokens[0].least, tokens[1].least)
    most_of_it = costs(tokens[0].most, tokens[1].most)
    return ModelEstimate(role, model.name, requests, *tokens, Between(least or 0.0, most_of_it))


def _pace(basis: Basis) -> Pace:
    """How long calls take, and what limits them: the limits as they were declared, with nobody else using them."""
    declared = basis.tools.limits
    limits = {**declared, THREADS: THREAD_LIMIT, EVERYTHING: Limit(concurrency=basis.limits.max_concurrency)}
    takes_part = TakesPartIn(basis.runners)

    def of(tool: Tool[..., Any]) -> tuple[str, ...]:
        return (*(str(name) for name in takes_part[tool] if str(name) in limits), EVERYTHING)

    def perhaps(tool: Tool[..., Any]) -> tuple[str, ...]:
        return () if tool.limit_names is None else tuple(name for name in declared if name not in of(tool))

    return Pace(basis.durations, limits, of, perhaps)
