"""A plan as an async Python function: its inputs are the parameters, and what it joins is returned."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from superscalar.compiler.result import has_failed
from superscalar.compiler.stream import RunStream
from superscalar.errors import TaskFailed, UsageError
from superscalar.plan.ir import Input, Plan
from superscalar.saved.stubs import parameters_first
from superscalar.short import short

PlanFunction: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""What `agent.function` makes."""


def function_of(run: Callable[..., RunStream], plan: Plan, name: str, description: str) -> PlanFunction:
    """A function that runs a plan by `run(inputs=...)`, once for each call. Inputs that must be given come first.

    Raises:
        UsageError: it is no plan.
    """
    if not isinstance(plan, Plan):
        raise UsageError(f"function({short(plan)}): write a plan, such as what agent.compile(...) returned")
    signature = inspect.Signature([*map(_parameter, parameters_first(plan.inputs))])

    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        async with run(inputs=given) as running:
            result = await running.result()
        if has_failed(result):
            result.outcomes.raise_for_failure()
            raise TaskFailed(f"{name}(): what it joins is not whole: {result.answer}", result.answer)
        return result.answer

    call.__name__ = call.__qualname__ = name
    call.__doc__ = _documentation(plan, description)
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return call


def _parameter(given: Input) -> inspect.Parameter:
    default = inspect.Parameter.empty if given.required else given.default
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(given.name, kind, default=default, annotation=given.type)


def _documentation(plan: Plan, description: str) -> str:
    about = [f"{one.name}: {one.description}" for one in plan.inputs if one.description]
    return "\n".join([description or "Run a plan.", *(["", *about] if about else [])])
