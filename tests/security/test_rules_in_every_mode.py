"""Rules of one's own act in every mode but "warn", which lets everything happen and tells what they said."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from superscalar import Ask, Deny, LabelledCall, LLMCompiler, Observation, Policy, Question, Toolset, tool
from superscalar.events import Decided
from superscalar.policy import Mode
from superscalar.testing import run

How = Literal["the policy", "the tool", "the toolset"]


def no_more_than_100(call: LabelledCall) -> Deny | None:
    return Deny("too much") if call.arguments["amount"].value > 100 else None


def ask_above_100(call: LabelledCall) -> Ask | None:
    return Ask("much") if call.arguments["amount"].value > 100 else None


def paid(rule: Any, how: How, mode: Mode, **options: Any) -> tuple[list[int], Any, list[str]]:
    """What was paid, what became of the call, and what was decided."""
    made: list[int] = []

    @tool(effect="write", trust="trusted", policy=rule if how == "the tool" else None)
    async def pay(amount: int = 500) -> None:
        """Pay an amount."""
        made.append(amount)

    tools: list[Any] = [Toolset([pay], policy=rule if how == "the toolset" else None)]
    policy = Policy(mode, rules=[rule] if how == "the policy" else [])

    async def main() -> tuple[Any, list[str]]:
        agent = LLMCompiler(tools=tools, policy=policy, **options)
        async with agent.stream_plan("x = pay()\njoin(x)\n") as running:
            result = await running.result()
        return result.outcomes["x"], [e.decision for e in result.events if isinstance(e, Decided)]

    return made, *run(main())


WAYS: tuple[How, ...] = ("the policy", "the tool", "the toolset")
ACTING: tuple[Mode, ...] = ("off", "ask", "enforce")


@pytest.mark.parametrize("mode", ACTING)
@pytest.mark.parametrize("how", WAYS)
def test_a_rule_that_denies_does_so(mode: Mode, how: How) -> None:
    made, found, decided = paid(no_more_than_100, how, mode)
    assert (made, found.kind, decided) == ([], "denied", ["deny"])


@pytest.mark.parametrize("mode", ACTING)
@pytest.mark.parametrize("how", WAYS)
def test_a_rule_that_asks_does_so(mode: Mode, how: How) -> None:
    asked: list[Any] = []

    def refuse(question: Question) -> bool:
        asked.append(question.arguments)
        return False

    made, found, _ = paid(ask_above_100, how, mode, approve=refuse)
    assert (made, asked, found.kind) == ([], [{"amount": 500}], "denied")


@pytest.mark.parametrize("rule", [no_more_than_100, ask_above_100])
@pytest.mark.parametrize("how", WAYS)
def test_with_warn_the_call_is_made_unasked_and_that_is_told(rule: Any, how: How) -> None:
    made, found, decided = paid(rule, how, "warn", approve=lambda _: pytest.fail("nobody is asked"))
    assert (made, found, decided) == ([500], Observation(None), ["warn"])
