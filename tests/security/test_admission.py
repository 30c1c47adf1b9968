"""What plans may hold: the tools of a list, so many writes, at so much cost; the rest of a plan goes on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import CallAgain, Failure, Journal, LLMCompiler, Observation, Policy, UsageError, tool
from superscalar.events import Decided, Sealed, Started
from superscalar.testing import ScriptedModel, run
from support.depth import examples
from support.running import executed


@tool(effect="read", cost=2.0)
async def page(url: str) -> str:
    """A page of the web."""
    return f"page {url}"


@tool(effect="write", sink="to", dedupe=False)
async def send(to: str, text: str = "") -> str:
    """Send a message."""
    return f"sent to {to}"


@tool(effect="write")
async def pay(amount: int) -> str:
    """Pay somebody."""
    return f"paid {amount}"


TOOLS: list[Any] = [page, send, pay]


def admitted(plan: str, policy: Policy) -> tuple[dict[str, Any], tuple[Any, ...]]:
    result = executed(plan, TOOLS, policy=policy)
    return dict(result.outcomes), result.events


def started(events: tuple[Any, ...], name: str = "") -> list[str]:
    return [event.id for event in events if isinstance(event, Started) and name in ("", event.tool)]


def decisions(events: tuple[Any, ...], rule: str = "admission") -> list[tuple[str, str]]:
    return [(event.id, event.decision) for event in events if isinstance(event, Decided) and event.rule == rule]


def denied(outcome: Any) -> bool:
    return isinstance(outcome, Failure) and outcome.kind == "denied" and not outcome.in_doubt


def test_a_tool_that_is_not_on_the_list_is_not_called_and_its_siblings_go_on() -> None:
    plan = 'a = page("u")\nb = send("ann", a)\nc = pay(3)\nd = [send(x, a) for x in ["bob", "cid"]]\njoin(a, b, c, d)'
    outcomes, events = admitted(plan, Policy(tools={"page", "pay"}))
    assert isinstance(outcomes["a"], Observation)
    assert isinstance(outcomes["c"], Observation)
    assert denied(outcomes["b"])
    assert "send is not among the tools that plans may call: page, pay" in outcomes["b"].message
    assert denied(outcomes["d[0]"])
    assert denied(outcomes["d[1]"])
    assert sorted(decisions(events)) == [("b", "deny"), ("d[0]", "deny"), ("d[1]", "deny")]
    assert sorted(started(events)) == ["a", "c"]


def test_with_warn_what_goes_beyond_a_bound_is_told_and_happens() -> None:
    outcomes, events = admitted('a = page("u")\nb = send("ann", "x")\njoin(a, b)', Policy("warn", tools={"page"}))
    assert isinstance(outcomes["b"], Observation)
    assert decisions(events) == [("b", "warn")]


@pytest.mark.parametrize(
    ("bound", "beyond"), [({"tools": {"page"}}, "b"), ({"max_writes": 0}, "b"), ({"max_cost": 1.0}, "a")]
)
def test_with_the_policy_off_bounds_are_kept(bound: dict[str, Any], beyond: str) -> None:
    outcomes, events = admitted('a = page("u")\nb = send("ann", "x")\njoin(a, b)', Policy("off", **bound))
    assert [id for id in "ab" if denied(outcomes[id])] == [beyond]
    assert decisions(events) == [(beyond, "deny")]


def test_of_a_plan_with_too_many_writes_none_is_made_and_its_reads_are() -> None:
    plan = 'a = page("u")\nb = send("ann", "x")\nc = pay(1)\nd = [pay(i) for i in range(2)]\njoin(a, b, c, d)'
    outcomes, events = admitted(plan, Policy(max_writes=1))
    assert isinstance(outcomes["a"], Observation)
    assert started(events) == ["a"]
    assert denied(outcomes["b"])
    assert "the plan has 2 calls that write, and max_writes=1: none of them is made" in outcomes["b"].message
    sealed = next(i for i, event in enumerate(events) if isinstance(event, Sealed))
    assert all(i > sealed for i, event in enumerate(events) if isinstance(event, Decided))


def test_writes_of_a_map_are_counted_as_they_are_made() -> None:
    plan = 'b = send("ann", "x")\nd = [pay(i) for i in range(5)]\njoin(b, d)'
    _, events = admitted(plan, Policy(max_writes=3))
    assert len(started(events)) == 3
    assert [said for _, said in decisions(events)] == ["deny"] * 3


def test_writes_of_a_map_do_not_take_those_of_the_plan_by_number() -> None:
    plan = "d = [pay(i) for i in range(2)]\njoin(d)"
    outcomes, events = admitted(plan, Policy(max_writes=2))
    assert len(started(events)) == 2
    assert outcomes["d"] == Observation(["paid 0", "paid 1"])


def test_calls_that_would_cost_too_much_together_are_not_made() -> None:
    outcomes, events = admitted(
        'a = page("1")\nb = page("2")\nc = page("3")\nd = pay(1)\njoin(a, b, c, d)', Policy(max_cost=4)
    )
    assert started(events) == ["a", "b", "d"]
    assert "would cost 6 together, and max_cost=4" in outcomes["c"].message


def test_rounds_share_what_a_run_may_write() -> None:
    model = ScriptedModel('a = send("ann", "1")\njoin(a)', "REPLAN: more", 'b = send("ann", "2")\njoin(b)', "Done.")
    agent = LLMCompiler(model, TOOLS, policy=Policy(max_writes=1), replan="any")
    result = run(agent.run("Tell ann."))
    assert started(result.events) == ["a"]
    assert "the plan has a call that writes after 1 before it, and max_writes=1" in str(result.outcomes["b"])


def test_an_unknown_setting_names_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"replan='some': write one of 'never', 'planned-tools', 'read-only'"):
        LLMCompiler(tools=TOOLS, replan="some")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match=r"replanner_sees='all': write one of 'summaries', 'text'"):
        LLMCompiler(tools=TOOLS, replanner_sees="all")  # type: ignore[call-overload]


LINES = st.sampled_from(
    [
        'x{n} = page("u")',
        'x{n} = send("ann", "x")',
        "x{n} = pay({n})",
        "x{n} = [pay(i + {n}) for i in range(3)]",
        'x{n} = [send("ann", page(str(i))) for i in range(2)]',
    ]
)


@settings(max_examples=examples(100, 3_000))
@given(lines=st.lists(LINES, min_size=1, max_size=6), most=st.integers(0, 4))
def test_no_plan_writes_more_often_than_it_may(lines: list[str], most: int) -> None:
    plan = "\n".join(line.replace("{n}", str(n)) for n, line in enumerate(lines))
    names = ", ".join(f"x{n}" for n in range(len(lines)))
    outcomes, events = admitted(f"{plan}\njoin({names})", Policy(max_writes=most))
    assert len(started(events, "send")) + len(started(events, "pay")) <= most
    assert all(
        isinstance(outcomes[f"x{n}"], Observation)
        for n, line in enumerate(lines)
        if "send" not in line and "pay" not in line
    )


@settings(max_examples=examples(10, 250))
@given(most=st.integers(1, 4), cut=st.integers(0, 200))
def test_a_run_that_is_resumed_writes_no_more_often(most: int, cut: int) -> None:
    """What had been begun counts; the process that goes on does not begin to count anew."""
    plan = 'd = [send(f"{i}", page(str(i))) for i in range(4)]\ne = pay(1)\njoin(d, e)'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.db"
        agent = LLMCompiler(tools=TOOLS, policy=Policy(max_writes=most), journal=path)

        async def main() -> tuple[Any, ...]:
            async with agent.stream_plan(plan, run_id="run") as running:
                return (await running.result()).events

        events = run(main())
        sealed = next(i for i, event in enumerate(events) if isinstance(event, Sealed))
        kept = events[: min(sealed + 1 + cut % (len(events) - sealed), len(events) - 1)]
        again = Journal(Path(folder) / "again.db")
        log = again.begin("run", Journal(path).about("run"))
        for event in kept:
            log.append(event)
        log.close()
        resumed = LLMCompiler(tools=TOOLS, policy=Policy(max_writes=most), journal=again)
        result = run(resumed.resume("run", resolve=lambda _: CallAgain()))
        writes = {event.id for event in result.events if isinstance(event, Started) and event.tool != "page"}
        assert len(writes) <= most
