"""What is not trusted decides by default whether something goes to a trusted destination, and not where it is said."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from superscalar import Failure, LLMCompiler, Policy, Sink, Tool, UsageError, tool
from superscalar.events import Decided
from superscalar.policy import Rulings
from superscalar.testing import run
from support.running import executed


@tool(effect="read", trust="trusted")
async def orders() -> list[dict[str, int]]:
    """Our orders."""
    return [{"id": 1}, {"id": 2}]


@tool(effect="read")
async def carrier(order: int) -> str:
    """What a carrier says of an order."""
    return "lost" if order == 2 else "there"


@tool(effect="read")
async def claims() -> list[str]:
    """What people claim."""
    return ["mine was lost"]


@tool(effect="read", trust="trusted")
async def stock() -> int:
    """What we have."""
    return 3


def refunding(sink: Any) -> Tool[..., Any]:
    """A tool that refunds an order, which it marks so."""

    async def refund(order: int, why: str = "") -> str:
        return f"refunded {order}"

    refund.__annotations__["order"] = Annotated[int, sink]
    return tool(effect="write")(refund)


CONTROLLED = Sink(control=True)

CHOSEN = {
    "a filter": 'x = [refund(o["id"]) for o in orders() if carrier(o["id"]) == "lost"]\njoin(x)\n',
    "a condition": 'if carrier(2) == "lost":\n    refund(2)\njoin()\n',
    "the other side of it": 'if carrier(2) == "there":\n    stock()\nelse:\n    refund(2)\njoin()\n',
    "the side of a choice": 'x = refund(1) if carrier(2) == "there" else refund(2)\njoin(x)\n',
    "the length of a list": "x = [refund(2) for c in claims()]\njoin(x)\n",
    "a condition in a loop": (
        'for o in orders():\n    if carrier(o["id"]) == "lost":\n        refund(o["id"])\njoin()\n'
    ),
    "a condition around a list": (
        'os = orders()\nif carrier(2) == "lost":\n    x = [refund(o["id"]) for o in os]\njoin()\n'
    ),
    "an item's claim": 'for c in claims():\n    if "lost" in c:\n        refund(2)\njoin()\n',
    "an operand": 'x = carrier(2) == "lost" and refund(2)\njoin(x)\n',
    "a list that it fills": (
        'xs = []\nfor o in orders():\n    if carrier(o["id"]) == "lost":\n        xs.append(o["id"])\n'
        "if len(xs) > 0:\n    refund(2)\njoin()\n"
    ),
    "whether it is there": 'if default(carrier(2), "") != "":\n    refund(2)\njoin()\n',
    "a condition around another": 'if carrier(2) == "lost":\n    if stock() > 2:\n        refund(2)\njoin()\n',
    "a name that a condition chose": 'a = 0\nif carrier(2) == "lost":\n    a = 1\nif a:\n    refund(2)\njoin()\n',
}

OURS = {
    "nothing": 'x = refund(2, default(claims()[0], ""))\njoin(x)\n',
    "a condition of ours": "if stock() > 2:\n    refund(2)\njoin()\n",
    "a list of ours": 'x = [refund(o["id"]) for o in orders()]\njoin(x)\n',
    "a filter of ours": 'x = [refund(o["id"]) for o in orders() if o["id"] > 1]\njoin(x)\n',
}


def made(plan: str, sink: Any, policy: Any) -> list[str]:
    """What became of the calls of `refund`: their rule where they were denied."""
    result = executed(plan, [orders, carrier, claims, stock, refunding(sink)], policy=policy)
    decided = [e for e in result.events if isinstance(e, Decided)]
    assert all(e.decision != "deny" or "whether it goes there" in e.reason for e in decided)
    return sorted({e.decision for e in decided})


@pytest.mark.parametrize("plan", CHOSEN.values(), ids=CHOSEN)
def test_a_stranger_decides_that_something_goes_to_a_trusted_destination_where_nobody_minds(plan: str) -> None:
    assert made(plan, Sink, "enforce") == ["allow"]
    assert made(plan, CONTROLLED, "enforce") == ["deny"]
    assert made(plan, Sink, Policy(control="sinks")) == ["deny"]
    assert made(plan, CONTROLLED, "off") == []


@pytest.mark.parametrize("plan", OURS.values(), ids=OURS)
def test_what_we_decide_ourselves_is_done_either_way(plan: str) -> None:
    assert made(plan, CONTROLLED, Policy(control="sinks")) == ["allow"]


@pytest.mark.parametrize("sink", [Sink(narrow="bool", control=True), Sink(among=["1", "2"], control=True)])
def test_what_may_be_chosen_by_anybody_may_not_be_by_a_condition(sink: Sink) -> None:
    """To choose among those is one thing, and whether anything goes there another."""
    assert made(CHOSEN["a condition"], sink, "enforce") == ["deny"]


def test_tools_without_a_destination_are_called_as_anybody_decides() -> None:
    @tool(effect="write")
    async def note(text: str) -> str:
        """Write something down."""
        return "noted"

    plan = 'if carrier(2) == "lost":\n    x = note("lost")\njoin(x)\n'
    outcomes = run(LLMCompiler(tools=[carrier, note], policy=Policy(control="sinks")).execute(plan))
    assert not [found for found in outcomes.values() if isinstance(found, Failure)]


def test_what_is_told_has_the_label_of_what_decided() -> None:
    events = executed(CHOSEN["a condition"], [carrier, refunding(CONTROLLED)], policy="warn").events
    told = next(event for event in events if isinstance(event, Decided))
    assert (told.decision, told.rule) == ("warn", "destinations")
    assert "carrier" in {source.name for source in told.sources}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"control": "all"}, r"Policy\(control='all'\): write one of 'none', 'sinks'"),
        ({"confidential_control": "warn"}, r"Policy\(confidential_control='warn'\): write one of 'deny', 'allow'"),
    ],
)
def test_a_word_that_there_is_not_is_an_error(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Policy(**wrong)


@tool(effect="read", trust="trusted", readers="ann@home", reads=())
async def diary() -> str:
    """What Ann wrote."""
    return "lost"


CONFIDENTIAL = {
    "a condition": 'if diary() == "lost":\n    refund(2)\njoin()\n',
    "a list": "x = [carrier(2) for c in diary()]\njoin(x)\n",
    "nothing": "d = diary()\nx = refund(2)\njoin(d, x)\n",
}


@pytest.mark.parametrize("plan", [*CHOSEN.values(), *OURS.values(), *CONFIDENTIAL.values()])
@pytest.mark.parametrize("policy", ["enforce", "warn", Policy(control="sinks"), Policy(confidential_control="allow")])
def test_control_is_weighed_alike_at_a_glance_and_when_a_call_is_looked_at(
    plan: str, policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decided() -> list[Decided]:
        tools: list[Any] = [orders, carrier, claims, stock, diary, refunding(Sink)]
        return [event for event in executed(plan, tools, policy=policy).events if isinstance(event, Decided)]

    glanced = decided()
    monkeypatch.setattr(Rulings, "by_labels", lambda *_: None)
    assert decided() == glanced
