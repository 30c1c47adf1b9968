"""Plans that call plans: each is what it is when the plan that is called is written in the place of the call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from superscalar import (
    CallAgain,
    Failure,
    Input,
    LLMCompiler,
    Observation,
    PlanError,
    RunResult,
    Skipped,
    Tool,
    Toolset,
    UsageError,
    tool,
)
from superscalar import events as ev
from superscalar.errors import ApprovalPending
from superscalar.estimate.figures import Between
from superscalar.journal import Journal
from superscalar.plan import Plan, print_as, print_plan
from superscalar.plan.evaluate.parts import whole
from superscalar.plan.ir import Call
from superscalar.policy import Deny, LabelledCall, Policy, Question
from superscalar.schedule.ledger import Ledger
from superscalar.testing import ScriptedModel, run
from superscalar.values import Outcome
from support.called_plans import called_program, compiled_both
from support.depth import examples, searching
from support.running import executed, starts

made: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    made.clear()


@tool
async def price(ticker: str) -> float:
    made.append(f"price {ticker}")
    await asyncio.sleep(1)
    if ticker == "NONE":
        raise ValueError("no such ticker")
    return float(len(ticker))


@tool(effect="pure")
async def grade(total: float) -> str:
    made.append(f"grade {total}")
    await asyncio.sleep(1)
    return "high" if total > 5 else "low"


@tool(effect="write", resource="mail", sink="to", content="text")
async def send(to: str, text: str) -> str:
    made.append(f"send {to}: {text}")
    await asyncio.sleep(1)
    return f"sent to {to}"


BRIEF = """\
prices = [price(t) for t in tickers]
total = sum(prices)
mark = grade(total)
unused = grade(total + 1)
if total > least:
    sent = send(to, f"{mark}: {total}")
join(prices=prices, mark=mark)
"""
INPUTS = {"tickers": list[str], "to": str, "least": Input(float, default=5.0)}


def brief(name: str = "brief", policy: Any = None) -> Tool[..., Any]:
    agent = LLMCompiler(tools=[price, grade, send])
    return Tool.from_plan(agent.compile(BRIEF, inputs=INPUTS), name=name, description="Prices.", policy=policy)


def came_to(result: RunResult, *ids: str) -> list[Any]:
    return [one.value if isinstance(one := result.outcomes[id], Observation) else one for id in ids]


# ----------------------------------------------------------------------------------------------- written in its place


def _key(id: str) -> str:
    """A task's id in the plan that is written out, whose loops have other numbers."""
    return re.sub(r"^for(\.\d+)?\[", "for[", re.sub(r"\b(x\d+)/", r"\1_", id))


def _fate(outcome: Outcome) -> Any:
    """What became of a task; conditions and loops, which have no names, have other ids where they are written out."""
    items = None if isinstance(outcome, Observation) or outcome.items is None else tuple(map(_fate, outcome.items))
    match outcome:
        case Observation(value):
            return "value", repr(value)
        case Failure(kind):
            return "failure", kind, items
        case Skipped(because, by_guard):
            unnamed = re.search(r"\bif\b|_if\b|for\b|_for\b", because)
            of_call = re.sub(r"\b(x\d+)_n\d+$", r"\1", _key(because))  # what it comes to has a task of its own
            return "skipped", unnamed is None and of_call, by_guard, items


_OF_NAMES = re.compile(r"(for\[\d+\]:)?(m|x\d+_n)\d+(\[\d+\])*")


def _told(agent: LLMCompiler, happened: Sequence[ev.Event]) -> dict[str, tuple[Any, Any]]:
    """By task, what became of it, and its label."""
    ledger = Ledger.of(happened, agent.tools.declared)
    outcomes = ledger.schedule.outcomes()
    named = {_key(id): id for id in outcomes if _OF_NAMES.fullmatch(_key(id))}
    return {key: (_fate(outcomes[id]), whole(ledger.labels.of(ledger.schedule.cell(id)))) for key, id in named.items()}


def check_that_it_is_written_in_its_place(
    seed: int, at_once: int | None, seconds: float | None, *, cancels: bool
) -> None:
    """Values, failures, labels, and which calls are made: at which times, where nothing is scarce."""
    both = compiled_both(called_program(Random(seed).choice, races=at_once is None), at_once)
    if both is None:
        event("no plan when it is written out")
        return
    agent, *plans, world = both
    stories = []
    for plan in plans:
        fresh = agent.with_options()  # which has measured nothing
        world.made.clear()

        async def main(plan: Plan = plan, fresh: LLMCompiler = fresh) -> Sequence[ev.Event]:
            async with fresh.stream_plan(plan, deadline=None if cancels else seconds) as running:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds if cancels else None):
                        await running.result()
                return running.events

        stories.append(
            (_told(fresh, run(main())), sorted(world.made, key=lambda call: call if at_once is None else call[1:]))
        )
    (calling, calls), (written_out, calls_written_out) = stories
    assert [call[at_once is not None :] for call in calls] == [
        call[at_once is not None :] for call in calls_written_out
    ]
    unneeded = "skipped", "", False, None  # what a call is given is made, though nothing inside needs it
    both_have = {key for key in calling if key in written_out and written_out[key][0] != unneeded}
    assert {key: calling[key] for key in both_have} == {key: written_out[key] for key in both_have}
    event(f"{min(len(both_have), 20)} tasks")


@settings(max_examples=examples(8, 1_000))
@given(st.integers(0, 2**32), st.sampled_from([None, 1.5, 3.5, 7.5]), st.booleans())
def test_a_plan_that_is_called_is_the_plan_written_in_its_place(
    seed: int, seconds: float | None, cancels: bool
) -> None:
    """Also where its time runs out, or where it is cancelled."""
    check_that_it_is_written_in_its_place(seed, None, seconds, cancels=cancels)


@settings(max_examples=examples(4, 500))
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 3]))
def test_it_is_where_slots_are_scarce(seed: int, at_once: int) -> None:
    """Who goes first may be another one: what a plan is measured by grows by other steps."""
    check_that_it_is_written_in_its_place(seed, at_once, None, cancels=False)


# ------------------------------------------------------------------------------------------------------ what it holds


def test_what_a_tool_of_a_plan_may_do_follows_from_what_it_holds() -> None:
    made = brief()
    assert (made.effect, made.sinks, made.aliases) == (
        "write",
        frozenset({"to"}),
        {"tickers": "tickers", "to": "to", "least": "least"},
    )
    assert Toolset([made]).describe().splitlines() == [
        "brief(tickers: list[str], to: str, least: float = 5.0) -> dict  # Prices.",
        "    # dict has the fields prices: list[float], mark: str",
        "    # Changes something: call it only if the question asks for that.",
    ]


def test_a_plan_is_printed_with_the_call_and_not_with_what_is_inside() -> None:
    agent = LLMCompiler(tools=[brief(), price])
    text = "xs = [brief(tickers=[t, 'AB'], to='me') for t in ['A', 'B']]\nmark = xs[0].mark\njoin(xs, mark)\n"
    plan = agent.compile(text)
    assert print_plan(plan.tasks) == text
    assert agent.compile(print_plan(plan.tasks)).tasks == plan.tasks


def test_what_is_inside_has_ids_under_that_of_the_call() -> None:
    result = executed("x = brief(['IBM', 'AB'], 'me', 4)\njoin(x)", [brief()])
    assert result.answer == {"prices": [3.0, 2.0], "mark": "low"}
    assert came_to(result, "x/prices[0]", "x/total", "x/sent") == [3.0, 5.0, "sent to me"]
    assert [call.id for call in result.events if isinstance(call, ev.Started)] == [
        "x/prices[0]",
        "x/prices[1]",
        "x/mark",
        "x/sent",
    ]
    assert made == ["price IBM", "price AB", "grade 5.0", "send me: low: 5.0"]


def test_an_estimate_counts_what_is_inside() -> None:
    found = LLMCompiler(tools=[brief()]).estimate("xs = [brief([t, 'A'], 'me') for t in ['B', 'C']]\njoin(xs)")
    assert (found.calls, found.writes) == (Between(5, 8), Between(0, 2))


def test_dead_code_inside_is_not_run_also_where_the_plan_joins_everything() -> None:
    executed("x = brief(['IBM'], 'me')", [brief()])
    assert made == ["price IBM", "grade 3.0"]


def test_a_task_inside_starts_when_what_it_needs_itself_is_there() -> None:
    result = executed("late = grade(1)\nx = brief(['IBM'], late, 1)\njoin(x)", [brief(), grade])
    assert starts(result.events) == {"late": 0.0, "x/prices[0]": 0.0, "x/mark": 1.0, "x/sent": 2.0}


def test_what_a_call_is_given_is_made_whether_anything_inside_needs_it_or_not() -> None:
    agent = LLMCompiler(tools=[price])
    deaf = Tool.from_plan(
        agent.compile("join([price(t) for t in ts])", inputs={"ts": list[str], "x": Any}), name="deaf"
    )
    result = executed("ts = [str(price(t)) for t in ['A', 'AB']]\njoin(deaf(ts, price('no')))", [deaf, price])
    assert sorted(made) == ["price 1.0", "price 2.0", "price A", "price AB", "price no"]
    assert result.answer == [3.0, 3.0]


def test_what_a_call_is_given_is_of_the_type_of_the_input() -> None:
    @tool(effect="pure")
    async def anything(x: Any) -> Any:
        return x

    result = executed("x = brief(anything([1]), 'me')\ny = brief(['A'], 'me')\njoin(x, y)", [brief(), anything])
    assert [id for id, one in result.outcomes.failures.items() if one.kind == "arguments"] == ["x/tickers"]
    assert came_to(result, "y") == [{"prices": [1.0], "mark": "low"}]


def test_items_that_a_plan_joins_flow_on_one_by_one() -> None:
    agent = LLMCompiler(tools=[price])
    each = Tool.from_plan(agent.compile("join([price(t) for t in ts])", inputs={"ts": list[str]}), name="each")
    result = executed(
        "xs = each(['A', 'NONE'])\nys = [grade(x) for x in xs]\njoin(ok(ys), default(xs[1], 0))", [each, grade]
    )
    assert result.answer == [["low"], 0]
    assert starts(result.events)["ys[0]"] == 1.0


def test_the_first_of_what_a_plan_joins_are_the_first_to_succeed() -> None:
    agent = LLMCompiler(tools=[price])
    each = Tool.from_plan(agent.compile("join([price(t) for t in ts])", inputs={"ts": list[str]}), name="each")
    result = executed("join(first(1, each(['NONE', 'AB', 'ABC'])))", [each], max_concurrency=1)
    assert result.answer == [2.0]
    assert made == ["price NONE", "price AB"]


def test_calls_that_are_the_same_inside_and_outside_are_one() -> None:
    result = executed(
        "a = grade(3.0)\nx = brief(['IBM'], 'me')\ny = brief(['IBM'], 'me')\njoin(a, x, y)", [brief(), grade]
    )
    assert sorted(made) == ["grade 3.0", "price IBM", "price IBM"]
    assert [one.of for one in result.events if isinstance(one, ev.Shared)] == ["a", "a"]


def test_a_failure_inside_is_where_it_would_be_in_the_plan_and_is_named() -> None:
    result = executed("x = brief(['A', 'NONE'], 'me')\njoin(x)", [brief()])
    assert list(result.outcomes.failures) == ["x/prices", "x/prices[1]", "x/join()", "x", "join()"]
    prices, mark = (result.answer.items or ()) if isinstance(result.answer, Failure) else ()
    assert isinstance(prices, Failure)
    assert mark == Skipped("x/prices")
    assert executed("x = brief(['A', 'NONE'], 'me')\njoin(default(x.mark, '?'))", [brief()]).answer == "?"


def test_calls_of_plans_stand_in_one_another() -> None:
    inner = brief()
    agent = LLMCompiler(tools=[inner])
    outer = Tool.from_plan(
        agent.compile("xs = [brief([t], 'me', 0) for t in ts]\njoin([x.mark for x in xs])", inputs={"ts": list[str]}),
        name="marks",
    )
    result = executed("z = marks(['AB', 'C'])\njoin(z)", [outer])
    assert result.answer == ["low", "low"]
    assert came_to(result, "z/xs[1]/total") == [1.0]
    assert sorted(made) == sorted(
        ["price AB", "price C", "grade 2.0", "grade 1.0", "send me: low: 2.0", "send me: low: 1.0"]
    )


def test_a_nested_call_holds_no_slot_that_its_calls_wait_for() -> None:
    result = executed("xs = [brief([t], 'me') for t in ['A', 'B']]\njoin(xs)", [brief()], max_concurrency=1)
    assert [x["mark"] for x in result.answer] == ["low", "low"]


# ------------------------------------------------------------------------------------------------------------- tools


def test_the_tools_of_a_plan_are_called_by_nobody_else() -> None:
    agent = LLMCompiler(tools=[brief()])
    assert [signature.alias for signature in agent.tools.signatures] == ["brief"]
    assert [one["function"]["name"] for one in agent.tools.schemas("openai")] == ["brief"]
    with pytest.raises(PlanError, match="there is no tool `send`"):
        agent.compile("join(send('me', 'x'))")
    with pytest.raises(PlanError, match="there is no tool"):
        agent.compile('{"steps": [{"id": "a", "tool": "inside.send", "arguments": {"to": "me", "text": "x"}}]}')


def test_two_tools_of_one_name_are_two() -> None:
    @tool(name="price")
    async def other(ticker: str) -> float:
        return -1.0

    result = executed("x = brief(['IBM'], 'me')\ny = price('IBM')\njoin(x.prices, y)", [other, brief()])
    assert result.answer == [[3.0], -1.0]


def test_rules_know_both_by_their_name() -> None:
    @tool(name="price")
    async def other(ticker: str) -> float:
        return -1.0

    def no_prices(call: LabelledCall) -> Deny | None:
        return Deny("no prices") if call.tool == "price" else None

    result = executed(
        "x = brief(['IBM'], 'me')\ny = price('IBM')\njoin(x, y)", [other, brief()], policy=Policy(rules=[no_prices])
    )
    assert [id for id, one in result.outcomes.failures.items() if one.kind == "denied"] == ["x/prices[0]", "y"]


def test_a_set_without_some_of_its_tools_has_those_of_its_plans() -> None:
    left = Toolset([brief(), price]).without(lambda one: one.name in ("price", "send"))
    assert (len(left), [one.name for one in left]) == (1, ["brief", "grade", "send"])


def test_what_is_secret_inside_is_told_nowhere(tmp_path: Path) -> None:
    @tool(secret="password")
    async def log_in(user: str, password: str) -> str:
        return f"{user} is in"

    inner = LLMCompiler(tools=[log_in])
    plan = inner.compile("join(log_in(user, pw))", inputs={"user": str, "pw": Input(str, secret=True)})
    agent = LLMCompiler(tools=[Tool.from_plan(plan, name="enter")], journal=tmp_path / "runs.db")
    source = "pw = 'hunter22'\njoin(enter('ann', pw), enter('bob', 'hunter22'))"
    assert run(agent.execute(source)).joined == ["ann is in", "bob is in"]
    assert not [file for file in tmp_path.iterdir() if b"hunter22" in file.read_bytes()]


class Warehouse(Toolset):
    """Tools that need a session."""

    def __init__(self) -> None:
        super().__init__()
        self.stock: dict[str, int] = {}
        self.tools = [tool(self.count)]

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        self.stock = {"bolt": 40}
        yield
        self.stock = {}

    async def listed(self) -> list[Tool[..., Any]]:
        return self.tools

    async def count(self, part: str) -> int:
        """How many there are."""
        return self.stock[part]


def test_what_the_tools_of_a_plan_need_is_open_while_it_is_called() -> None:
    async def main() -> Any:
        inner = LLMCompiler(tools=Warehouse())
        async with inner.opened():
            plan = inner.compile("join(count(part))", inputs={"part": str})
        agent = LLMCompiler(tools=[Tool.from_plan(plan, name="bolts"), price])
        return (await agent.execute("join(bolts('bolt'), price('A'))")).joined

    assert run(main()) == [40, 1.0]


# ------------------------------------------------------------------------------------------------- what is no such plan


def test_a_plan_that_is_called_is_checked_as_a_tool_is() -> None:
    agent = LLMCompiler(tools=[brief(), price])
    for text, why in [
        ("join(brief(['A']))", "`brief` needs `to`"),
        ("join(brief(['A'], 5))", "`to` of `brief`"),
        ("join(brief(['A'], 'me', most=1))", "most"),
        ("join(first(1, [brief([t], 'me') for t in ['A']]))", "write"),
    ]:
        with pytest.raises(PlanError, match=re.escape(why)):
            agent.compile(text)


def test_a_plan_that_is_called_is_bounded() -> None:
    tens = LLMCompiler(tools=[price]).compile("\n".join(f"a{n} = price('A')" for n in range(30)))
    agent = LLMCompiler(tools=[Tool.from_plan(tens, name="tens")])
    with pytest.raises(UsageError, match="it has 1,026 tasks, and one that is called has at most 1,000"):
        Tool.from_plan(agent.compile("\n".join(f"x{n} = tens()" for n in range(31))), name="many")
    hundreds = Tool.from_plan(agent.compile("\n".join(f"x{n} = tens()" for n in range(29))), name="hundreds")
    with pytest.raises(PlanError, match="more than 10,000 tasks together"):
        LLMCompiler(tools=[hundreds]).compile("\n".join(f"x{n} = hundreds()" for n in range(11)))


def test_plans_call_one_another_to_a_depth() -> None:
    plan = LLMCompiler(tools=[price]).compile("join(price('A'))")
    for number in range(10):
        plan = LLMCompiler(tools=[Tool.from_plan(plan, name=f"p{number}")]).compile(f"join(p{number}())")
    with pytest.raises(UsageError, match="11 plans call one another, 10 may"):
        Tool.from_plan(plan, name="p10")


def test_tasks_inside_count_in_the_bound_of_a_run() -> None:
    result = executed("x = brief(['A', 'B'], 'me')\njoin(x)", [brief()], max_tasks=8)
    assert any("max_tasks" in str(one) for one in result.outcomes.failures.values())


def test_who_makes_a_tool_of_a_plan_is_told_what_is_missing() -> None:
    plan = Plan(LLMCompiler(tools=[price]).compile("join(price('A'))").tasks)
    with pytest.raises(UsageError, match="nobody knows the tools of this plan"):
        Tool.from_plan(plan, name="lost")
    assert Tool.from_plan(plan, name="found", tools=Toolset([price])).effect == "read"
    with pytest.raises(UsageError, match=r"write Tool\.from_plan"):
        Tool.from_plan("join(1)", name="text")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="brief is a plan: a plan calls it"):
        brief()(["A"], "me")


# ------------------------------------------------------------------------------------------------------------- rules


def test_a_rule_that_names_the_tool_keeps_it_from_being_entered() -> None:
    result = executed(
        "x = brief(['A'], 'me', 0)\ny = price('B')\njoin(default(x, 'no'), y)", [brief(policy="deny"), price]
    )
    assert result.answer == ["no", 1.0]
    assert made == ["price B"]
    assert result.outcomes["x"] == Skipped("x/()")
    assert result.outcomes["x/()"] == Failure("denied", "calls of brief are denied, all of them")


def test_admission_names_the_tool_and_its_own_tools_too() -> None:
    for tools, denied in [
        ({"price", "grade", "send"}, ["x/()"]),
        ({"brief", "price", "grade"}, ["x/sent"]),
        ({"brief", "price", "grade", "send"}, []),
    ]:
        result = executed("x = brief(['A'], 'me', 0)\njoin(x)", [brief()], policy=Policy(tools=tools))
        assert [id for id, one in result.outcomes.failures.items() if one.kind == "denied"] == denied
    made.clear()
    result = executed("xs = [brief(['A'], 'me', 0) for t in [1, 2]]\njoin(xs)", [brief()], policy=Policy(max_writes=1))
    assert [one for one in made if one.startswith("send")] == ["send me: low: 1.0"]
    assert [id for id, one in result.outcomes.failures.items() if one.kind == "denied"] == ["xs[1]/sent"]


def test_a_person_is_asked_of_the_call_with_all_that_it_is_given() -> None:
    asked: list[Question] = []

    async def yes(question: Question) -> bool:
        asked.append(question)
        await asyncio.sleep(10)
        return True

    result = executed(
        "t = price('IBM')\nx = brief([str(t)], 'me', 0)\njoin(x)",
        [brief(policy="ask"), price],
        approve=yes,
    )
    assert [(one.task_id, dict(one.arguments)) for one in asked] == [
        ("x/()", {"tickers": ["3.0"], "to": "me", "least": 0.0})
    ]
    assert result.answer == {"prices": [3.0], "mark": "low"}
    assert starts(result.events)["x/prices[0]"] == 11.0


def test_who_approves_of_a_plan_sees_what_is_inside_of_those_that_it_calls() -> None:
    asked: list[Question] = []

    def yes(question: Question) -> bool:
        asked.append(question)
        return True

    executed("x = brief(['A'], 'me', 0)\njoin(x)", [brief()], approve=yes, approve_plan=True)
    (question,) = asked
    assert question.writes == ("x/sent: send(to=x/to, text=f'{x/mark}: {x/total}')",)
    text, _, inside = question.plan.partition("# inside of the plans that it calls:\n")
    assert text == "x = brief(tickers=['A'], to='me', least=0)\njoin(x)\n"
    assert "#   x/to = 'me'\n" in inside


@pytest.mark.parametrize("syntax", ["json", "numbered", "rewoo"])
def test_a_call_of_a_plan_is_a_step_in_every_syntax(syntax: Literal["json", "numbered", "rewoo"]) -> None:
    agent = LLMCompiler(tools=[brief(), price])
    plan = agent.compile("t = price('A')\nx = brief(['A'], 'me')\njoin(t, x)")
    text = print_as(plan.tasks, syntax)
    assert "inside" not in text
    again = agent.compile(text, syntax=syntax)
    assert [task.work.tool for task in again.calls if isinstance(task.work, Call)] == [
        task.work.tool for task in plan.calls if isinstance(task.work, Call)
    ]


def test_what_is_not_trusted_chooses_no_sink_inside() -> None:
    result = executed(
        "who = grade(price('A'))\nx = brief(['A'], who, 0)\njoin(default(x.mark, '?'))", [brief(), price, grade]
    )
    assert result.outcomes["x/sent"].kind == "denied"  # type: ignore[union-attr]
    assert result.answer == "low"


# -------------------------------------------------------------------------------------------- journals, rounds, streams


def test_a_run_goes_on_inside_from_wherever_its_process_died(tmp_path: Path) -> None:
    """No prefix of its journal needs more than the tools: what is inside is in the events of the run."""
    lines = "xs = [brief([t, 'AB'], 'me', 4) for t in ['A', 'IBM']]\nx = brief([xs[0].mark], 'us', 0)\njoin(xs, x)"
    whole_run = executed(lines, [brief()])
    for length in range(3, len(whole_run.events), 1 if searching() else 13):
        path = tmp_path / f"{length}.db"
        made.clear()

        async def main(path: Path = path, length: int = length) -> RunResult:
            log = Journal(path).begin("run", {"kind": "execute"})
            for each in whole_run.events[:length]:
                log.append(each)
            log.close()
            return await LLMCompiler(tools=[brief()], journal=path).resume("run", resolve=lambda _: CallAgain())

        if not any(isinstance(one, ev.Sealed) for one in whole_run.events[:length]):
            with pytest.raises(UsageError, match="before its plan was recorded as a whole"):
                run(main())
        else:
            result = run(main())
            assert result.answer == whole_run.answer
            assert dict(result.outcomes) == dict(whole_run.outcomes)
            before = [one.id for one in whole_run.events[:length] if isinstance(one, ev.Succeeded)]
            again = [one.id for one in result.events if isinstance(one, ev.Started) and one.attempt > 1]
            assert not {*before} & {*again}


def test_a_question_about_a_call_is_answered_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    agent = LLMCompiler(tools=[brief(policy="ask"), price], journal=path)

    async def main() -> RunResult:
        with pytest.raises(ApprovalPending):
            await agent.execute("t = price('IBM')\nx = brief([str(t)], 'me', 0)\njoin(x)", run_id="run")
        (question,) = Journal(path).questions("run")
        assert (question.task_id, dict(question.arguments)) == (
            "x/()",
            {"tickers": ["3.0"], "to": "me", "least": 0.0},
        )
        Journal(path).approve("run", question.answered_by, by="ann")
        return await LLMCompiler(tools=[brief(policy="ask"), price], journal=path).resume("run")

    assert run(main()).answer == {"prices": [3.0], "mark": "low"}
    assert made == ["price IBM", "price 3.0", "grade 3.0", "send me: low: 3.0"]


def test_a_later_round_calls_a_plan_and_uses_what_an_earlier_call_came_to() -> None:
    model = ScriptedModel(
        *["x = brief(['AB'], 'me')\njoin(x)\n", "y = brief([x.mark], 'us', 0)\nz = brief(['AB'], 'me')\njoin(y, z)\n"]
    )
    joiner = ScriptedModel(*["REPLAN: more", "done"])
    result = executed_with(model, joiner)
    assert came_to(result, "y") == [{"prices": [3.0], "mark": "low"}]
    assert made.count("grade 2.0") == 1


def executed_with(model: ScriptedModel, joiner: ScriptedModel) -> RunResult:
    return run(LLMCompiler(model, joiner=joiner, tools=[brief(), price]).run("What moved?"))


def test_the_planner_is_told_of_the_call_and_of_failures_inside() -> None:
    model = ScriptedModel(*["x = brief(['NONE'], 'me')\njoin(x)\n", "join()\n"])
    executed_with(model, ScriptedModel(*["REPLAN: more", "done"]))
    told = "\n".join(message.text for message in model.requests[-1].messages)
    assert "inside." not in told
    assert "x/prices: UNKNOWN" in told
    assert "x/join()" not in told


def test_a_repair_keeps_the_call_of_a_plan_that_was_right() -> None:
    model = ScriptedModel(*["x = brief(['AB'], 'me', 0)\ny = prise(x.mark)\njoin(x, y)\n", "y = price(x.mark)\n"])
    result = executed_with(model, ScriptedModel(*["done"]))
    assert came_to(result, "y") == [3.0]
    assert made == ["price AB", "grade 2.0", "price low", "send me: low: 2.0"] or made.count("send me: low: 2.0") == 1
    assert not [one for one in result.events if isinstance(one, ev.Retired)]


def test_reads_inside_start_while_the_plan_is_written_and_writes_when_it_is_whole() -> None:
    text = "x = brief(['AB'], 'me', 0)\ny = price('Q')\njoin(x, y)\n"
    model = ScriptedModel(text, chunk=lambda whole: whole.splitlines(keepends=True), delay=1.0)
    result = run(LLMCompiler(model, joiner=None, tools=[brief(), price]).run("What moved?"))
    sealed = next(one.at for one in result.events if isinstance(one, ev.Sealed))
    begun = starts(result.events)
    assert (begun["x/prices[0]"], begun["x/mark"]) == (1.0, 2.0)
    assert begun["x/sent"] == sealed == 3.0


def test_a_chat_models_call_of_a_plan_is_the_plan_too() -> None:
    arguments = '{"tickers": ["AB"], "to": "me"}'
    calls = [{"id": "c", "type": "function", "function": {"name": "brief", "arguments": arguments}}]
    found = run(LLMCompiler(tools=[brief()]).execute_calls(calls))
    assert [one.outcome for one in found] == [Observation({"prices": [2.0], "mark": "low"})]
    assert made == ["price AB", "grade 2.0"]
