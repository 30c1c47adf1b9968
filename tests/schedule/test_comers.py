"""Calls that wait for their limits as coroutines do."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from superscalar import Limit
from superscalar.schedule.comers import Comer
from superscalar.schedule.limits import Limits
from superscalar.testing import run


@pytest.mark.parametrize("at_its_turn", [True, False])
def test_one_that_is_cancelled_gives_back_its_slot_or_its_place(at_its_turn: bool) -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        grants = Limits({"one": Limit(concurrency=1)}).on(loop)
        before, comer = (Comer(name, ("one",), loop, grants, longest=inf) for name in ("before", "then"))
        assert (before.comes_now(), comer.comes_now()) == (True, False)
        coming = asyncio.create_task(comer.comes())
        await asyncio.sleep(0)
        coming.cancel()
        if at_its_turn:
            before.leave()
        await asyncio.gather(coming, return_exceptions=True)
        assert coming.cancelled()
        seen = grants.statistics()["one"]
        return seen.running, seen.waiting

    assert run(main()) == (0 if at_its_turn else 1, 0)
