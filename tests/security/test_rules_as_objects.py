"""Rules say what they look at; nobody else knows which there are, or what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import Allow, Ask, Deny, Failure, LabelledCall, LLMCompiler, Observation, Policy, Toolset, UsageError
from superscalar import tool as as_tool
from superscalar.events import Decided
from superscalar.policy import BUILT_IN, BuiltIn, Decision, Rulings, policy
from superscalar.testing import run
from support.running import executed


@as_tool(effect="read")
async def page(url: str) -> str:
    """A page of the web."""
    return "evil@x"


@as_tool(effect="read", trust="trusted", readers="ann@home")
async def diary(day: str) -> str:
    """What Ann wrote."""
    return "dear diary"


@as_tool(effect="pure")
async def upper(text: str) -> str:
    """The same in capitals."""
    return text.upper()


@as_tool(effect="write", sink="to", trust="trusted")
async def send(to: str, text: str = "") -> str:
    """Send a message."""
    return f"sent to {to}"


TOOLS: list[Any] = [page, diary, upper, send]


class Never(BuiltIn):
    """It says no more than what it judges."""

    name = "never"

    def __call__(self, call: LabelledCall) -> Decision:
        """Whatever it is, no."""
        return Deny(f"never {call.tool}")


@pytest.mark.parametrize("plan", ['x = page("u")', 'x = upper("a")', 'x = send("ann@home")', 'x = diary("monday")'])
@pytest.mark.parametrize("first", [True, False])
def test_a_third_rule_that_denies_everything_denies_everything(
    plan: str, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "BUILT_IN", (Never(), *BUILT_IN) if first else (*BUILT_IN, Never()))
    found = run(LLMCompiler(tools=TOOLS).execute(plan))["x"]
    assert isinstance(found, Failure)
    assert found.kind == "denied"
    assert found.message.startswith("never ")


def test_a_rule_that_denies_by_labels_alone_is_told_as_one_that_looks_at_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ByLabels(Never):
        def glance(self, _given: Any, _sinks: Any) -> Decision:
            return Deny("never send")

    told = []
    for rule in (Never(), ByLabels()):
        monkeypatch.setattr(policy, "BUILT_IN", (*BUILT_IN, rule))
        found = executed('x = send("ann@home")\njoin(x)\n', TOOLS)
        told.append([event for event in found.events if isinstance(event, Decided)])
    assert told[0] == told[1]
    assert [(one.decision, one.rule) for one in told[0]] == [("deny", "never")]


def test_what_a_rule_does_not_concern_it_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class OfPages(Never):
        def concerns(self, tool: Any, _tools: Any) -> bool:
            return bool(tool.name == "page")

        def __call__(self, call: LabelledCall) -> Decision:
            asked.append(call.tool)
            return Allow()

    monkeypatch.setattr(policy, "BUILT_IN", (OfPages(),))
    run(LLMCompiler(tools=TOOLS).execute('x = page("u")\ny = send(upper("a"))\njoin(x, y)\n'))
    assert asked == ["page"]


PLANS = [
    'x = send("ann@home")',
    'x = send(page("u"))',
    'x = send("ann@home", page("u"))',
    'x = send("ann@home", diary("monday"))',
    'x = send("bob@home", diary("monday"))',
    'x = send(diary("monday"))',
    'x = page(diary("monday"))',
    'x = page("u")',
    'x = upper(diary("monday"))',
    'x = send(upper(page("u")), diary("monday"))',
]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("mode", ["enforce", "warn"])
def test_what_is_told_at_a_glance_is_what_is_judged(plan: str, mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def decided() -> list[Decided]:
        return [e for e in executed(plan, TOOLS, policy=mode).events if isinstance(e, Decided)]

    glanced = decided()
    monkeypatch.setattr(Rulings, "by_labels", lambda *_: None)
    assert decided() == glanced


@pytest.mark.parametrize("name", ["destinations", "confidentiality", "policy", "admission", ""])
def test_a_rule_of_the_users_may_have_any_name(name: str) -> None:
    def rule(call: LabelledCall) -> Decision | None:
        return Deny("mine") if call.tool == "send" else None

    rule.__name__ = name
    found = executed('x = send("ann@home", page("u"))\njoin(x)\n', TOOLS, policy=Policy(rules=[rule]))
    assert found.outcomes["x"] == Failure("denied", "mine")
    (decided,) = [event for event in found.events if isinstance(event, Decided) and event.id == "x"]
    assert (decided.decision, decided.rule) == ("deny", name)
    assert [source.name for source in decided.sources if not source.trusted] == ["page"]  # of all arguments


SAYINGS: list[tuple[Any, str, str]] = [
    ("ask", "ask", "calls of send are asked about, each of them"),
    ("deny", "deny", "calls of send are denied, all of them"),
    (Ask("why"), "ask", "why"),
    (Deny("never"), "deny", "never"),
    (lambda _call: Ask("why"), "ask", "why"),
]


@pytest.mark.parametrize(("said", "decision", "reason"), SAYINGS)
@pytest.mark.parametrize("where", ["tool", "toolset", "toolset of a toolset", "agent"])
def test_a_policy_means_what_it_says(said: Any, decision: str, reason: str, where: str) -> None:
    def one(policy: Any = None) -> Any:
        return as_tool(effect="write", name="send", policy=policy)(send.function)

    tools: list[Any] = {
        "tool": [one(said)],
        "toolset": [Toolset([one()], policy=said)],
        "toolset of a toolset": [Toolset([Toolset([one()], policy=said)])],
        "agent": [one()],
    }[where]
    asked: list[str] = []

    def approve(question: Any) -> bool:
        asked.append(question.why)
        return True

    rules = Policy(rules=[said] if where == "agent" else ())
    found = executed('x = send("ann@home")\njoin(x)\n', tools, policy=rules, approve=approve)
    assert [(e.decision, e.reason) for e in found.events if isinstance(e, Decided)] == [(decision, reason)]
    assert asked == ([reason] if decision == "ask" else [])
    done = Observation("sent to ann@home") if decision == "ask" else Failure("denied", reason)
    assert found.outcomes["x"] == done


def test_to_allow_is_no_more_than_to_say_nothing_against_it() -> None:
    free = as_tool(effect="write", sink="to", name="send", policy=Allow())(send.function)
    outcomes = run(LLMCompiler(tools=[page, free]).execute('x = send(page("u"))\ny = send("ann")\njoin()\n'))
    assert isinstance(outcomes["x"], Failure)
    assert outcomes["y"] == Observation("sent to ann")


@pytest.mark.parametrize("wrong", ["enforce", "aks", "", 3, Ask, Deny, Policy("ask"), ["ask"]])
def test_what_is_no_policy_of_a_tool_is_an_error_when_the_agent_is_made(wrong: Any) -> None:
    with pytest.raises(UsageError, match="is no rule"):
        LLMCompiler(tools=[as_tool(policy=wrong)(page.function)])
    with pytest.raises(UsageError, match="is no rule"):
        LLMCompiler(tools=[Toolset([page], policy=wrong)])
    with pytest.raises(UsageError, match="is no rule"):
        Policy(rules=[wrong])
