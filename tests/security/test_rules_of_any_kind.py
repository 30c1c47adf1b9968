"""Whatever a rule does, only its call is denied; and what it does to what it sees, nobody else sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import pytest
from pydantic import BaseModel

from superscalar import (
    Allow,
    ApprovalPending,
    Ask,
    Deny,
    Failure,
    LabelledCall,
    LLMCompiler,
    Observation,
    Policy,
    Question,
    UsageError,
    tool,
)
from superscalar.testing import run


@tool(effect="write")
async def send(m: Any) -> str:
    """Send."""
    return "sent"


@tool(effect="read")
async def other() -> str:
    """Something else."""
    return "fine"


class Urgent(Ask):
    """An `Ask` of a class of its own."""


class Never(Deny):
    """A `Deny` of a class of its own."""


class Always(Allow):
    """An `Allow` of a class of its own."""


class Unset(Ask):
    def __init__(self) -> None:
        pass


def raised(act: Callable[[], object]) -> Exception:
    """What it raises, in the words of this Python."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 -- that is what is asked for
        return error
    raise AssertionError(act)


class Mute(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


class Odd:
    def __repr__(self) -> str:
        raise SystemExit(1)


class Text(str):
    def __str__(self) -> str:
        return "another"


class Nameless:
    @property
    def __name__(self) -> str:
        raise RuntimeError("no name")

    def __call__(self, call: LabelledCall) -> Deny:
        return Deny("no")


class Numbered(Nameless):
    __name__ = 7  # type: ignore[assignment]


def raises(error: BaseException) -> Callable[[LabelledCall], None]:
    def rule(call: LabelledCall) -> None:
        raise error

    return rule


def says(said: Any) -> Callable[[LabelledCall], Any]:
    def rule(call: LabelledCall) -> Any:
        return said

    return rule


def puts_none(call: LabelledCall) -> Any:
    call.arguments["m"] = None  # type: ignore[index]


def sets(call: LabelledCall) -> Any:
    call.tool = "other"  # type: ignore[misc]


async def waits(call: LabelledCall) -> Allow:
    return Allow()


NO_DECISION = "which is no Allow(), Deny(reason), Ask(question) or None"
DENIED: list[tuple[Any, str]] = [
    (raises(ValueError("why")), "the rule rule raised ValueError('why')"),
    (raises(Mute()), "the rule rule raised a Mute that cannot be shown"),
    (raises(asyncio.CancelledError()), "the rule rule raised CancelledError()"),
    (raises(SystemExit(1)), "the rule rule raised SystemExit(1)"),
    (raises(GeneratorExit()), "the rule rule raised GeneratorExit()"),
    (raises(RecursionError("deep")), "the rule rule raised RecursionError('deep')"),
    (puts_none, "the rule puts_none raised TypeError(\"'mappingproxy' object does not support item assignment\")"),
    (sets, "the rule sets raised FrozenInstanceError(\"cannot assign to field 'tool'\")"),
    (says(Odd()), f"the rule rule returned a Odd that cannot be shown, {NO_DECISION}"),
    (says(True), f"the rule rule returned True, {NO_DECISION}"),
    (says("deny"), f"the rule rule returned 'deny', {NO_DECISION}"),
    (says(Allow), f"the rule rule returned <class 'superscalar.policy.calls.Allow'>, {NO_DECISION}"),
    (says(Ask(None)), "the rule rule said Ask(None), whose question is no text"),  # type: ignore[arg-type]
    (says(Ask(Odd())), "the rule rule said Ask(a Odd that cannot be shown), whose question is no text"),  # type: ignore[arg-type]
    (says(Deny(123)), "the rule rule said Deny(123), whose reason is no text"),  # type: ignore[arg-type]
    (says(Deny(b"no")), "the rule rule said Deny(b'no'), whose reason is no text"),  # type: ignore[arg-type]
    (says(Unset()), f"the rule rule raised {raised(lambda: Unset().question)!r}"),
    (says(Never("never")), "never"),
    (says(Deny(Text("plain"))), "plain"),
    (Ask(None), "the rule policy said Ask(None), whose question is no text"),  # type: ignore[arg-type]
    (Nameless(), "no"),
    (Numbered(), "no"),
    (waits, "the rule waits is async: a rule is a plain function, which decides at once"),
]


@pytest.mark.parametrize(("rule", "message"), DENIED, ids=[message for _, message in DENIED])
def test_its_call_is_denied_and_the_run_goes_on(rule: Any, message: str) -> None:
    agent = LLMCompiler(tools=[other, tool(effect="write", policy=rule)(send.function)], approve=lambda _: True)
    outcomes = run(agent.execute("x = send('a')\ny = other()\njoin(x, y)\n"))
    assert outcomes["x"] == Failure("denied", message)
    assert outcomes["y"] == Observation("fine")


def test_what_only_says_that_it_allows_does_not() -> None:
    agent = LLMCompiler(tools=[send], policy=Policy(rules=[says(Mock(spec=Allow))]))
    outcome = run(agent.execute("x = send('a')\njoin(x)\n"))["x"]
    assert isinstance(outcome, Failure)
    assert outcome.message.endswith(NO_DECISION)


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_of_a_class_of_its_own_is_one(approved: bool) -> None:
    asked: list[Question] = []

    def approve(question: Question) -> bool:
        asked.append(question)
        return approved

    agent = LLMCompiler(tools=[send], policy=Policy(rules=[says(Always()), says(Urgent("why"))]), approve=approve)
    outcome = run(agent.execute("x = send('a')\njoin(x)\n"))["x"]
    assert ([question.why for question in asked], outcome == Observation("sent")) == (["why"], approved)


def test_a_question_that_is_no_text_does_not_end_a_run_with_a_journal(tmp_path: Any) -> None:
    agent = LLMCompiler(tools=[send], policy=Policy(rules=[says(Ask(None))]), journal=tmp_path / "runs.db")  # type: ignore[arg-type]
    outcome = run(agent.execute("x = send('a')\njoin(x)\n"))["x"]
    assert outcome == Failure("denied", "the rule rule said Ask(None), whose question is no text")
    asking = LLMCompiler(tools=[send], policy=Policy(rules=[says(Urgent(Text("why")))]), journal=tmp_path / "runs.db")
    with pytest.raises(ApprovalPending, match="why"):
        run(asking.execute("x = send('a')\njoin(x)\n"))


def test_ctrl_c_in_a_rule_ends_the_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(LLMCompiler(tools=[send], policy=Policy(rules=[raises(KeyboardInterrupt())])).execute("x = send('a')\n"))


@pytest.mark.parametrize("rules", [Ask("x"), "ask", says(None), Deny, 7, None])
def test_rules_that_are_no_list_are_a_usage_error(rules: Any) -> None:
    with pytest.raises(UsageError, match="a list of rules"):
        Policy(rules=rules)


# --------------------------------------------------------------------------------------------- what one rule does


class Model(BaseModel):
    to: list[str]


@dataclass
class Plain:
    to: list[str] = field(default_factory=list)


def of_type(annotation: Any) -> Any:
    async def send(m: Any) -> str:
        """Send."""
        return str(m)

    send.__annotations__["m"] = annotation
    return tool(effect="write", name="send")(send)


TWO = ["ann", "eve"]
CHANGES: list[tuple[Any, Any, Callable[[Any], Any]]] = [
    (list[str], TWO, lambda m: m.clear()),
    (list[list[str]], [TWO], lambda m: m[0].clear()),
    (dict[str, Any], {"to": TWO}, lambda m: m.pop("to")),
    (dict[str, Any], {"to": TWO}, lambda m: m["to"].pop()),
    (set[str], TWO, lambda m: m.discard("eve")),
    (Model, {"to": TWO}, lambda m: m.to.pop()),
    (Model, {"to": TWO}, lambda m: setattr(m, "to", [])),
    (Plain, {"to": TWO}, lambda m: m.to.pop()),
    (Plain, {"to": TWO}, lambda m: vars(m).clear()),
    (list[Model], [{"to": TWO}], lambda m: m[0].to.clear()),
    (tuple[list[str], int], [TWO, 1], lambda m: m[0].clear()),
]


@pytest.mark.parametrize(("annotation", "given", "change"), CHANGES)
def test_what_a_rule_does_to_an_argument_nobody_else_sees(
    annotation: Any, given: Any, change: Callable[[Any], Any]
) -> None:
    seen: list[str] = []
    shown: list[str] = []

    def changes(call: LabelledCall) -> None:
        change(call.arguments["m"].value)

    def looks(call: LabelledCall) -> Ask:
        seen.append(str(call.arguments["m"].value))
        return Ask("look")

    def approve(question: Question) -> bool:
        shown.append(str(question.arguments["m"]))
        return True

    def executed(*rules: Any) -> Any:
        agent = LLMCompiler(tools=[of_type(annotation)], policy=Policy(rules=rules), approve=approve)
        return run(agent.execute(f"x = send({given!r})\njoin(x)\n"))["x"]

    alone = executed(looks)
    assert isinstance(alone, Observation)
    assert executed(changes, looks, changes) == alone
    assert seen == [seen[0], seen[0]]
    assert shown == [shown[0], shown[0]]
    assert "eve" in seen[0]


def test_what_a_rule_does_to_a_part_that_is_a_sink_nobody_else_sees() -> None:
    seen: list[Any] = []

    def changes(call: LabelledCall) -> None:
        for place in call.sinks.values():
            place.value.clear()

    def looks(call: LabelledCall) -> None:
        seen.append({name: list(place.value) for name, place in call.sinks.items()})

    declared = tool(effect="write", sink="m")(send.function)
    run(LLMCompiler(tools=[declared], policy=Policy(rules=[changes, looks])).execute("x = send(['ann'])\njoin(x)\n"))
    assert seen == [{"m": ["ann"]}]


def test_what_readers_does_to_the_arguments_of_a_call_the_tool_does_not_see() -> None:
    got: list[Any] = []

    def of(to: Any) -> str:
        to.append("eve")
        return "ann"

    @tool(effect="read", trust="trusted", readers=of)
    async def look(to: list[str]) -> str:
        """Look."""
        got.append(to)
        return "seen"

    run(LLMCompiler(tools=[look, send]).execute("a = look(['ann'])\nx = send(a)\nb = look(['ann'])\njoin(x, b)\n"))
    assert got == [["ann"], ["ann"]]
