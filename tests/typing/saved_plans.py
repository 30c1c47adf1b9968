"""What type checkers say of saved plans: read by mypy and pyright, never run. The stub is one that was written."""

from datetime import date
from typing import Any, assert_type

import saved_briefs

from superscalar import LLMCompiler
from superscalar.compiler.functions import PlanFunction


async def briefs(agent: LLMCompiler) -> None:
    assert_type(await saved_briefs.daily(["IBM"], by="price", day=date(2026, 11, 30)), list[Any])
    await saved_briefs.one("IBM", limit=3)
    await saved_briefs.daily("IBM")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await saved_briefs.daily()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(agent.plans.function("daily"), PlanFunction)
    assert_type(agent.function(agent.plans.get("daily").plan), PlanFunction)
