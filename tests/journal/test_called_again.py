"""A write that was cut off and, as somebody says, did not happen: of the next attempt alone it depends what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from superscalar import CallAgain, Failure, LLMCompiler, NotDone, StillUnknown, tool
from superscalar.schedule.doubts import CUT_OFF, Verdict
from superscalar.testing import run
from superscalar.values import Outcome


def refused_when_it_is_gone_on_with(path: Path, verdict: Verdict) -> Outcome:
    """What a write comes to whose first attempt was cut off; another one, if there is any, certainly does nothing."""

    @tool(effect="write", name="put")
    async def hangs(value: str) -> str:
        """Put it there."""
        await asyncio.sleep(1_000.0)
        return "put"

    @tool(effect="write", name="put")
    async def refuses(value: str) -> str:
        """Put it there."""
        raise NotDone("closed")

    async def main() -> Outcome:
        begun = LLMCompiler(tools=[hangs], journal=path).stream_plan("x = put('a')\njoin(x)", run_id="one")
        async with begun as running:
            await asyncio.sleep(1.0)
            running.suspend()
        result = await LLMCompiler(tools=[refuses], journal=path).resume("one", resolve=lambda _: verdict)
        return result.outcomes["x"]

    return run(main())


@pytest.mark.parametrize(
    ("verdict", "outcome"), [(CallAgain(), Failure("error", "closed", "NotDone")), (StillUnknown(), CUT_OFF)]
)
def test_it_is_in_doubt_only_where_nobody_knows(tmp_path: Path, verdict: Verdict, outcome: Failure) -> None:
    assert refused_when_it_is_gone_on_with(tmp_path / "runs.db", verdict) == outcome
