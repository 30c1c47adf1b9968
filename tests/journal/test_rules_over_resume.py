"""A run goes on under the rules that it was begun under: what is gone is refused, what has changed is said first."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from superscalar import ApprovalPending, Ask, Deny, Journal, LabelledCall, LLMCompiler, Policy, Sink, UsageError, tool
from superscalar import events as ev
from superscalar.policy import Decision, Question
from superscalar.testing import run

MADE: list[Any] = []
LIMIT = 10


@pytest.fixture(autouse=True)
def _forget() -> None:
    MADE.clear()


# -------------------------------------------------------------------------------------------------- rules and tools


def careful(call: LabelledCall) -> Decision | None:
    """Payments are looked at."""
    return Ask("a payment") if call.tool == "pay" else None


def bounded(call: LabelledCall) -> Decision | None:
    return Deny("too much") if call.arguments["amount"].value > LIMIT else None


def of_version(version: str, answer: Decision | None = None) -> Any:
    def rule(_call: LabelledCall) -> Decision | None:
        return answer

    setattr(rule, "version", version)  # noqa: B010 -- a function has no such attribute of its own
    return rule


def over(most: int) -> Callable[[LabelledCall], Decision | None]:
    return lambda call: Deny("too much") if call.arguments["amount"].value > most else None


@dataclass
class Over:
    """A rule that is an object."""

    most: int

    def __call__(self, call: LabelledCall) -> Decision | None:
        """Deny what is more."""
        return Deny("too much") if call.arguments["amount"].value > self.most else None

    def judge(self, call: LabelledCall) -> Decision | None:
        """The same as a method."""
        return self(call)


def over_by(most: int, call: LabelledCall) -> Decision | None:
    return Over(most)(call)


def paying(**terms: Any) -> list[Any]:
    """The tool of a run, declared so; it is asked about unless that says otherwise."""
    annotation = terms.pop("takes", int)

    def pay(to: str, amount: Any) -> str:
        """Pay."""
        MADE.append((to, amount))
        return "paid"

    pay.__annotations__["amount"] = annotation
    return [tool(**{"effect": "write", "policy": "ask", "sink": "to", **terms})(pay)]


SETTLED: dict[str, Any] = {"policy": Policy(rules=[careful, bounded]), "approve_plan": False, "tools": paying()}


def agent(path: Path, **options: Any) -> LLMCompiler:
    return LLMCompiler(journal=path / "runs.db", **{**SETTLED, **options})


def begun(path: Path, **options: Any) -> None:
    """A run that waits for an answer."""
    with pytest.raises(ApprovalPending):
        run(agent(path, **options).execute('x = pay("ann", 5)\njoin(x)\n', run_id="r"))


def gone_on(path: Path, *, rules_changed: bool = False, **options: Any) -> tuple[str, ...]:
    """What is told of the rules where the run goes on, and waits again."""
    with pytest.raises(ApprovalPending):
        run(agent(path, **options).resume("r", rules_changed=rules_changed))
    return told(path)


def told(path: Path) -> tuple[str, ...]:
    happened = [record.event for record in Journal(path / "runs.db").read("r")]
    return next(event.rules for event in reversed(happened) if isinstance(event, ev.Resumed))


def refused(path: Path, *, rules_changed: bool = False, **options: Any) -> str:
    before = Journal(path / "runs.db").read("r")
    with pytest.raises(UsageError) as caught:
        run(agent(path, **options).resume("r", rules_changed=rules_changed))
    with pytest.raises(UsageError):
        run(agent(path, **options).doubts("r", rules_changed=rules_changed))
    assert (MADE, Journal(path / "runs.db").read("r")) == ([], before)
    return str(caught.value)


def rules(*given: Any, **said: Any) -> Policy:
    return Policy(rules=given, **said)


HERE = __name__

# ------------------------------------------------------------------------------------------------------ the table

SAME: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("the same", {}, {}),
    ("rules that are made anew", {"policy": rules(over(10), Over(10))}, {"policy": rules(over(10), Over(10))}),
    ("rules in another order", {}, {"policy": rules(bounded, careful)}),
    ("one version", {"policy": rules(of_version("1"))}, {"policy": rules(of_version("1", Deny("no")))}),
    ("methods", {"policy": rules(Over(6).judge)}, {"policy": rules(Over(6).judge)}),
    (
        "partials",
        {"policy": rules(functools.partial(over_by, 10))},
        {"policy": rules(functools.partial(over_by, 10))},
    ),
    ("a callback where there was none", {}, {"approve": None}),
]

GONE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("a rule", {}, {"policy": rules(careful)}, f"policy.rules: {HERE}.bounded is missing"),
    ("all rules", {}, {"policy": "enforce"}, f"policy.rules: {HERE}.careful is missing"),
    ("a lambda", {"policy": rules(over(8))}, {"policy": rules()}, "over.<locals>.<lambda> is missing"),
    ("one of two that are alike", {"policy": rules(over(8), over(8))}, {"policy": rules(over(8))}, "is missing"),
    ("the policy", {}, {"policy": rules(careful, bounded, mode="off")}, "policy was enforce, and is off now"),
    ("what it denies", {}, {"policy": rules(careful, bounded, mode="warn")}, "policy was enforce, and is warn now"),
    (
        "what rules of one's own decide, which warn only tells",
        {"policy": rules(careful, bounded, mode="off")},
        {"policy": rules(careful, bounded, mode="warn")},
        "policy.own was kept, and is told now",
    ),
    (
        "the list of tools",
        {"policy": rules(tools=["pay"])},
        {"policy": rules()},
        "policy.tools was pay, and is not set",
    ),
    (
        "its number of writes",
        {"policy": rules(max_writes=1)},
        {"policy": rules()},
        "policy.max_writes was 1, and is not",
    ),
    ("its cost", {"policy": rules(max_cost=1)}, {"policy": rules()}, "policy.max_cost was 1, and is not set"),
    ("control", {"policy": rules(control="sinks")}, {"policy": rules()}, "policy.control was sinks, and is none now"),
    ("the approval of plans", {"approve_plan": True}, {}, "approve_plan was True, and is False now"),
    ("a bound of later rounds", {}, {"replan": "any"}, "replan was read-only, and is any now"),
    ("a budget", {"max_tokens": 100}, {}, "max_tokens was 100, and is not set now"),
    ("another", {"max_cost": 1.5}, {}, "max_cost was 1.5, and is not set now"),
    ("a tool that writes", {}, {"tools": paying(effect="read")}, 'it was effect="write" and is effect="read" now'),
    ("a tool that is asked about", {}, {"tools": paying(policy=None)}, "pay: rules: policy is missing"),
    ("a destination", {}, {"tools": paying(sink=(), content="to")}, "pay: destinations: to chose where"),
    ("untrusted results", {}, {"tools": paying(trust="trusted")}, "pay: trust was untrusted, and is trusted now"),
    ("readers", {"tools": paying(readers="ann")}, {}, "pay: readers was ann, and is not set now"),
    ("an audience", {"tools": paying(reads=("ann", "bob"))}, {"tools": paying(reads="ann")}, "pay: reads was ann, bob"),
    ("a secret", {"tools": paying(secret="amount")}, {}, "pay: secret was amount, and is not set now"),
]

OTHER: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "version",
        {"policy": rules(of_version("1"))},
        {"policy": rules(of_version("2"))},
        "was version 1, and is version 2",
    ),
    ("what a lambda closes over", {"policy": rules(over(8))}, {"policy": rules(over(9))}, "was code"),
    ("what an object holds", {"policy": rules(Over(8))}, {"policy": rules(Over(9))}, "Over was code"),
    ("what a method's object holds", {"policy": rules(Over(8).judge)}, {"policy": rules(Over(9).judge)}, "was code"),
    (
        "what a partial gives",
        {"policy": rules(functools.partial(over_by, 8))},
        {"policy": rules(functools.partial(over_by, 9))},
        "over_by was code",
    ),
    ("the mode", {}, {"policy": rules(careful, bounded, mode="ask")}, "policy was enforce, and is ask now"),
    (
        "more tools",
        {"policy": rules(tools=["pay"])},
        {"policy": rules(tools=["pay", "x"])},
        "policy.tools was pay, and",
    ),
    (
        "more writes",
        {"policy": rules(max_writes=1)},
        {"policy": rules(max_writes=2)},
        "policy.max_writes was 1, and is 2",
    ),
    ("a larger budget", {"max_tokens": 100}, {"max_tokens": 101}, "max_tokens was 100, and is 101 now"),
    ("more tasks", {}, {"max_tasks": 20_000}, "max_tasks was 10000, and is 20000 now"),
    ("more rounds", {}, {"max_replans": 3}, "max_replans was 2, and is 3 now"),
    ("later rounds", {}, {"replan": "ask"}, "replan was read-only, and is ask now"),
    ("of no order", {}, {"replan": "planned-tools"}, "replan was read-only, and is planned-tools now"),
    ("what is seen", {}, {"replanner_sees": "text"}, "replanner_sees was summaries, and is text now"),
    ("schemas", {"schemas": {"A": int}}, {"schemas": {"A": str}}, "schemas: A: not the same as before"),
    ("arguments", {}, {"tools": paying(takes=Any)}, "pay: arguments: amount takes something else than before"),
    (
        "a bound of an argument",
        {"tools": paying(takes=Annotated[int, Field(le=10)])},
        {"tools": paying(takes=Annotated[int, Field(le=11)])},
        "pay: arguments: amount takes something else than before",
    ),
    (
        "constants",
        {"tools": paying(takes=Literal[5])},
        {"tools": paying(takes=Literal[5, 6])},
        "pay: arguments: amount takes something else than before",
    ),
    (
        "rules of a tool",
        {},
        {"tools": paying(policy=Ask("why"))},
        "pay: rules: policy was version 'ask', and is version Ask",
    ),
    ("what is idempotent", {}, {"tools": paying(idempotent=True)}, "pay: idempotent was False, and is True now"),
    (
        "more readers",
        {"tools": paying(readers="ann")},
        {"tools": paying(readers=("ann", "bob"))},
        "pay: readers was ann",
    ),
    (
        "who is a reader",
        {"tools": paying(readers=lambda to: to)},
        {"tools": paying(readers=lambda to: "x")},
        "pay: readers",
    ),
    (
        "what may be chosen",
        {"tools": paying(sink=(), takes=Annotated[int, Sink])},
        {"tools": paying(sink=(), takes=Annotated[int, Sink(narrow="int")])},
        "pay: destinations: amount chooses by other rules",
    ),
]

MORE: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (
        "a rule",
        {},
        {"policy": rules(careful, bounded, over(8))},
        (f"policy.rules: {HERE}.over.<locals>.<lambda> is new",),
    ),
    ("the mode", {"policy": "ask"}, {"policy": "enforce"}, ("policy was ask, and is enforce now",)),
    ("a smaller budget", {"max_tokens": 100}, {"max_tokens": 99}, ("max_tokens was 100, and is 99 now",)),
    ("later rounds", {}, {"replan": "never"}, ("replan was read-only, and is never now",)),
    ("a budget", {}, {"max_cost": 2.0}, ("max_cost was not set, and is 2.0 now",)),
    ("a secret", {}, {"tools": paying(secret="to")}, ("pay: secret was not set, and is to now",)),
]


def names(table: list[Any]) -> list[str]:
    return [row[0] for row in table]


@pytest.mark.parametrize(("_name", "before", "now"), SAME, ids=names(SAME))
def test_a_run_goes_on_under_the_same_rules(tmp_path: Path, _name: str, before: Any, now: Any) -> None:
    begun(tmp_path, **before)
    assert gone_on(tmp_path, **{**before, **now}) == ()


@pytest.mark.parametrize(("_name", "before", "now", "why"), GONE, ids=names(GONE))
def test_a_run_does_not_go_on_without_a_guard_whatever_is_said(
    tmp_path: Path, _name: str, before: Any, now: Any, why: str
) -> None:
    before = {"policy": "ask", **before} if "control" in why else before
    begun(tmp_path, **before)
    for said in (False, True):
        assert why in refused(tmp_path, **now, rules_changed=said)


@pytest.mark.parametrize(("_name", "before", "now", "why"), OTHER, ids=names(OTHER))
def test_a_run_goes_on_under_a_guard_that_says_something_else_if_somebody_says_so(
    tmp_path: Path, _name: str, before: Any, now: Any, why: str
) -> None:
    begun(tmp_path, **before)
    message = refused(tmp_path, **now)
    assert why in message
    assert message.endswith("say so:\n  agent.resume('r', rules_changed=True)")
    assert any(why in line for line in gone_on(tmp_path, **now, rules_changed=True))


@pytest.mark.parametrize(("_name", "before", "now", "lines"), MORE, ids=names(MORE))
def test_what_is_stricter_or_comes_in_addition_is_told(
    tmp_path: Path, _name: str, before: Any, now: Any, lines: tuple[str, ...]
) -> None:
    begun(tmp_path, **before)
    assert gone_on(tmp_path, **now) == lines


# --------------------------------------------------------------------------------------------------- other ways in


def test_a_rule_that_uses_a_constant_of_its_module_is_another_one_when_that_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    monkeypatch.setitem(globals(), "LIMIT", 1_000)
    assert f"policy.rules: {HERE}.bounded was code" in refused(tmp_path)


def test_an_approval_in_the_journal_lets_nothing_go_on_without_the_rule(tmp_path: Path) -> None:
    begun(tmp_path)
    Journal(tmp_path / "runs.db").approve("r", "x")
    assert "bounded is missing" in refused(tmp_path, policy=rules(careful))
    assert run(agent(tmp_path).resume("r")).answer == "paid"


def test_who_answers_is_a_guard_where_somebody_was_asked(tmp_path: Path) -> None:
    def ann(_question: Question) -> bool:
        return True

    begun(tmp_path)
    altered(tmp_path, """json_set(about, '$.guards.approve', json('[["shop", "bob", "version 1"]]'))""")
    message = refused(tmp_path, approve=ann)
    assert "  approve: shop.bob is missing\n" in message
    assert message.endswith("rules_changed=True)")
    assert gone_on(tmp_path) == ()  # it waits in the journal


def test_a_run_of_an_older_journal_goes_on_under_the_rules_of_who_goes_on_with_a_line(tmp_path: Path) -> None:
    begun(tmp_path)
    altered(tmp_path, "json_remove(about, '$.guards')")
    (line,) = gone_on(tmp_path, policy="enforce")
    assert line.endswith("did not record under which rules the run was begun: those of this agent count")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("json_set(about, '$.guards.four_eyes', 2)", "four_eyes: this release of superscalar does not know"),
        (
            "json_set(about, '$.guards.tools.pay.hours', '9-17')",
            "pay: hours: this release of superscalar does not know",
        ),
        ("json_set(about, '$.guards.policy', 'paranoid')", "policy was 'paranoid', which this release"),
        ("json_set(about, '$.guards.max_tasks', 'few')", "max_tasks was 'few', which this release"),
        ("json_set(about, '$.guards.\"policy.rules\"', 7)", "policy.rules was 7, which this release"),
        ("json_set(about, '$.guards', 'none')", "what is recorded of its rules cannot be read"),
    ],
)
def test_a_guard_that_a_newer_release_recorded_is_not_done_without(tmp_path: Path, change: str, why: str) -> None:
    begun(tmp_path)
    altered(tmp_path, change)
    for said in (False, True):
        assert why in refused(tmp_path, rules_changed=said)


def altered(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path / "runs.db")) as connection, connection:
        connection.execute(f"UPDATE runs SET about = {change}")


def test_an_object_that_cannot_be_looked_at_is_the_same_as_nothing(tmp_path: Path) -> None:
    class Shy:
        @property
        def version(self) -> str:
            raise RuntimeError("no")

        def __call__(self, _call: LabelledCall) -> None:
            return None

    begun(tmp_path, policy=rules(Shy()))
    assert "Shy was code that cannot be looked at" in refused(tmp_path, policy=rules(Shy()))


def test_a_plan_that_is_executed_remembers_the_tools_that_it_calls(tmp_path: Path) -> None:
    @tool(effect="read")
    def other() -> int:
        """Another."""
        return 1

    begun(tmp_path, tools=[*paying(), other])
    guards = json.loads(json.dumps(dict(Journal(tmp_path / "runs.db").about("r"))))["guards"]
    assert list(guards["tools"]) == ["pay"]
    assert guards["policy"] == "enforce"
    assert [name for _, name, _ in guards["policy.rules"]] == ["careful", "bounded"]


def test_a_tool_that_took_the_name_of_another_in_plans_has_not_its_guards(tmp_path: Path) -> None:
    begun(tmp_path)

    @tool(effect="write", name="pay!", content="to")
    def pay(to: str, amount: int) -> str:
        """Pay somebody."""
        return "paid"

    for said in (False, True):
        why = refused(tmp_path, tools=[pay], rules_changed=said)
        assert "pay: plans called the tool pay so, and call pay! so now" in why
