"""Two ways of answering two questions, whose models take a second for each reply and whose tool takes two."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from superscalar import LLMCompiler, tool
from superscalar.baselines import ReAct
from superscalar.comparison import Asked
from superscalar.testing import ScriptedModel

PRICES = {"IBM": 140, "MSFT": 410}
ASKED = (
    Asked("dearest", "Which of IBM and MSFT is dearer?", ("MSFT",)),
    Asked("ibm", "What is IBM at?", ("140", "140 USD")),
)


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> int:
    """Latest price."""
    await asyncio.sleep(2)
    return PRICES[ticker]


PLANNED = ("join(price('IBM'), price('MSFT'))\n", "MSFT."), ("join(price('IBM'))\n", "140")
IN_TURNS = (
    ("Action: price[IBM]", "Action: price[MSFT]", "Action: Finish[It is MSFT]"),
    ("Action: price[IBM]", "Action: Finish[140 USD]"),
)


def two_ways(times: int = 1, **options: Any) -> Mapping[str, LLMCompiler]:
    """A planner and a ReAct that know what to say to the two questions, so many times in a row."""
    kinds: dict[str, tuple[type[LLMCompiler], Any]] = {"plan": (LLMCompiler, PLANNED), "react": (ReAct, IN_TURNS)}
    return {
        way: kind(
            ScriptedModel(*(reply for replies in said * times for reply in replies), delay=1.0), [price], **options
        )
        for way, (kind, said) in kinds.items()
    }
