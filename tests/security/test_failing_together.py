"""A request that fails for several calls says something of each: whoever makes it fail decides nothing by that."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import Failure, LLMCompiler, Observation, Tool, tool
from superscalar.testing import run
from superscalar.values import Outcome

CHOSEN = 'y = send(default(b, "bob@home.example"), "hi")\njoin(y, a)\n'

PLANS = {
    "under two names": "a = clean(mail())\nb = clean(ann())\n",
    "in one list": "a = [clean(t) for t in [mail(), ann()]]\nb = a[1]\n",
    "by a guard": 'm = mail()\nq = clean("x")\na = clean(m)\nb = clean(ann() if q else "")\n',
    "with a list of its own": 'a = clean(mail())\nxs = [clean(t) for t in [ann(), "z"]]\nb = xs[0]\n',
    "one after the other": "a = [clean(clean(t)) for t in [mail(), ann()]]\nb = a[1]\n",
}


def tools(said: str, *, as_a_whole: bool) -> list[Tool[..., Any]]:
    @tool(effect="read")
    async def mail() -> str:
        """What a stranger wrote."""
        return said

    @tool(effect="read", trust="trusted")
    async def ann() -> str:
        """Her address, which is there as soon as the mail is."""
        return "ann@home.example"

    @tool(effect="pure")
    async def clean(text: str) -> str:
        """Clean a text."""
        return text

    @clean.batch(over="text")
    async def cleans(text: list[str]) -> list[Any]:
        if as_a_whole and "bad" in text:
            raise ValueError("bad")
        return [ValueError(one) if one in ("bad", "ann@home.example") and "bad" in text else one for one in text]

    @tool(effect="write", sink="to")
    async def send(to: str, text: str) -> str:
        """Send a message."""
        return f"sent to {to}"

    return [mail, ann, clean, send]


def sent(plan: str, said: str, *, as_a_whole: bool = True) -> Outcome:
    async def main() -> Outcome:
        agent = LLMCompiler(tools=tools(said, as_a_whole=as_a_whole))
        async with agent.stream_plan(plan + CHOSEN) as running:
            return (await running.result()).outcomes["y"]

    return run(main())


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_stranger_who_makes_a_request_fail_chooses_no_destination_by_that(plan: str) -> None:
    outcome = sent(plan, "bad")
    assert isinstance(outcome, Failure)
    assert outcome.kind == "denied"


def test_an_item_that_gets_no_result_fails_for_itself() -> None:
    """The request was answered: that the other item failed, too, makes no difference."""
    found = sent(PLANS["under two names"], "bad", as_a_whole=False)
    assert found == Observation("sent to bob@home.example")
