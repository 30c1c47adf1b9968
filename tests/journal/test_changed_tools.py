"""A run whose tool does not take any more what a call had begun with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, NotDone, Retry, tool
from superscalar.testing import run

PLAN = "x = put('a')\njoin(x)"


def failed_with(path: Path, error: Exception) -> Failure:
    """What a write is told to be that waited for another attempt when the run was left, and fits its tool no more."""

    @tool(effect="write", name="put", idempotent=True, retry=Retry(3, (type(error),), 600.0, 600.0))
    async def before(value: str) -> str:
        """Put it there."""
        raise error

    @tool(effect="write", name="put", idempotent=True)
    async def after(value: int) -> str:
        """Put it there."""
        return "put"

    async def main() -> Any:
        agent = LLMCompiler(tools=[before], journal=path, random=Random(1))
        async with agent.stream_plan(PLAN, run_id="one") as running:
            await asyncio.sleep(1)
            running.suspend()
        result = await LLMCompiler(tools=[after], journal=path).resume("one", rules_changed=True)
        return result.outcomes["x"]

    found = run(main())
    assert isinstance(found, Failure)
    assert found.kind == "arguments"
    return found


@pytest.mark.parametrize(("error", "doubtful"), [(NotDone("refused"), False), (ConnectionError("cut"), True)])
def test_what_it_wrote_is_as_doubtful_as_what_was_recorded_of_it(
    tmp_path: Path, error: Exception, doubtful: bool
) -> None:
    assert failed_with(tmp_path / "runs.db", error).in_doubt is doubtful
