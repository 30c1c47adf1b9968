"""Runs that are resumed from a journal: what is done again, what is asked, and what an answering run goes on with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from superscalar import (
    CallAgain,
    Done,
    Doubt,
    InDoubt,
    LLMCompiler,
    Message,
    Observation,
    RateLimited,
    RunResult,
    StillUnknown,
    Tool,
    ToolContext,
    UsageError,
    tool,
)
from superscalar import events as ev
from superscalar.errors import RunBusy, UnknownRun
from superscalar.journal import Journal
from superscalar.models.base import ChatModel, Request
from superscalar.observe.timeline import on_one_clock
from superscalar.observe.view import RunView
from superscalar.plan.print.program import print_plan
from superscalar.testing import ScriptedModel, run

made: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    made.clear()


@tool(effect="read", resource="world")
async def look(what: str) -> str:
    made.append(f"look {what}")
    await asyncio.sleep(1)
    return what.upper()


@tool(effect="read")
async def broken(what: str) -> str:
    made.append(f"broken {what}")
    raise ValueError(f"no {what}")


@tool(effect="write", resource="ledger")
async def pay(amount: int, run: ToolContext[Any]) -> str:
    made.append(f"pay {amount} {run.attempt} {run.idempotency_key}")
    await asyncio.sleep(1)
    return f"paid {amount}"


@tool(effect="write", resource="shelf", idempotent=True)
async def put(what: str, run: ToolContext[Any]) -> str:
    made.append(f"put {what} {run.attempt} {run.idempotency_key}")
    await asyncio.sleep(1)
    return f"put {what}"


TOOLS: list[Tool[..., Any]] = [look, broken, pay, put]


class Dead(Exception):
    """The process ends here."""


def agent(path: Path, model: ChatModel | None = None, **options: Any) -> LLMCompiler:
    return LLMCompiler(model, options.pop("tools", TOOLS), journal=path, **options)


def began(path: Path, events: Sequence[ev.Event], about: dict[str, Any] | None = None) -> None:
    """A journal with a run of which these events survived."""

    async def main() -> None:
        journal = Journal(path)
        log = journal.begin("run", about or {"kind": "execute"})
        for e in events:
            log.append(e)
        log.close()

    run(main())


def recorded(path: Path, *lines: str, **options: Any) -> tuple[ev.Event, ...]:
    """All events of an undisturbed run of a plan."""

    async def main() -> RunResult:
        async with LLMCompiler(tools=TOOLS, **options).stream_plan("\n".join(lines), run_id="run") as running:
            return await running.result()

    found = run(main()).events
    made.clear()
    return found


def up_to(events: Sequence[ev.Event], kind: type[ev.Event], id: str = "", nth: int = 1) -> tuple[ev.Event, ...]:
    """The events up to the nth of a kind."""
    places = [i for i, e in enumerate(events) if isinstance(e, kind) and (not id or getattr(e, "id", "") == id)]
    return tuple(events[: places[nth - 1] + 1])


def went_on(path: Path, model: ChatModel | None = None, *, resolve: Any = None, **options: Any) -> RunResult:
    deadline = options.pop("deadline", None)
    return run(agent(path, model, **options).resume("run", resolve=resolve, deadline=deadline))


# ------------------------------------------------------------------------------------------------------------- plans


def test_what_had_succeeded_is_not_done_again_and_what_was_under_way_is(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "b = look(a)", "c = look('c')", "join(a, b, c)")
    began(tmp_path / "j", up_to(events, ev.Started, "b"))
    result = went_on(tmp_path / "j")
    assert result.answer == ["A", "A", "C"]
    assert sorted(made) == ["look A", "look c"] or made == ["look A"]
    assert isinstance(result.events[0], ev.RunStarted)
    assert isinstance(result.events[-1], ev.RunEnded)
    assert [e.at for e in result.events] == sorted(e.at for e in result.events)
    assert result.events == tuple(
        on_one_clock([r.event for r in Journal(tmp_path / "j").read("run")], result.events[-1].at)
    )
    starts = [e.attempt for e in result.events if isinstance(e, ev.Started) and e.id == "b"]
    assert starts == [1, 2]
    assert Journal(tmp_path / "j").summary("run").state == "answered"


def test_an_idempotent_write_is_called_again_with_the_same_key(tmp_path: Path) -> None:
    events = recorded(tmp_path, "put('x')", "join()")
    began(tmp_path / "j", up_to(events, ev.Started))
    assert went_on(tmp_path / "j").outcomes["put()"] == Observation("put x")
    assert made == ["put x 2 run:put()"]


def test_a_write_that_may_have_happened_is_asked_about_and_nothing_changes_until_somebody_answers(
    tmp_path: Path,
) -> None:
    events = recorded(tmp_path, "p = pay(3)", "look(p)", "join(p)")
    began(tmp_path / "j", up_to(events, ev.Started))
    before = Journal(tmp_path / "j").read("run")
    with pytest.raises(InDoubt) as caught:
        went_on(tmp_path / "j")
    assert caught.value.doubts == (Doubt("run", "p", "pay", {"amount": 3}, 1, "run:p"),)
    assert str(caught.value) == (
        "run run was in the middle of a write when its process died, which may have happened or not:\n"
        "  p: pay(amount=3), attempt 1, key run:p\n"
        "look at what was written, and say what became of each:\n"
        "  agent.resume('run', resolve=lambda doubt: Done(value))  # it happened; the call returned this\n"
        "  agent.resume('run', resolve=lambda doubt: CallAgain())  # it did not: call it again\n"
        "  agent.resume('run', resolve=lambda doubt: StillUnknown())  # nobody knows: the task fails in doubt"
    )
    assert Journal(tmp_path / "j").read("run") == before
    assert made == []
    assert went_on(tmp_path / "j", resolve=lambda doubt: Done("paid before")).answer == "paid before"
    assert made == []


def test_who_says_that_a_write_did_not_happen_has_it_called_again(tmp_path: Path) -> None:
    events = recorded(tmp_path, "p = pay(3)", "join(p)")
    began(tmp_path / "j", up_to(events, ev.Started))

    async def resolve(doubt: Doubt) -> CallAgain:
        await asyncio.sleep(1)
        return CallAgain()

    result = went_on(tmp_path / "j", resolve=resolve)
    assert (result.answer, made) == ("paid 3", ["pay 3 2 run:p"])
    assert [(e.id, e.attempt, e.verdict) for e in result.events if isinstance(e, ev.Judged)] == [("p", 1, "again")]


def test_a_write_of_which_nobody_knows_fails_in_doubt_and_stops_what_follows_it(tmp_path: Path) -> None:
    events = recorded(tmp_path, "p = pay(3)", "q = pay(4)", "r = look('r')", "join(p, q, r)")
    began(tmp_path / "j", up_to(events, ev.Started, "p"))
    result = went_on(tmp_path / "j", resolve=lambda doubt: StillUnknown())
    assert result.outcomes.in_doubt == ("p",)
    assert str(result.outcomes["q"]) == "not run: `p` failed"
    assert result.outcomes["r"] == Observation("R")
    assert Journal(tmp_path / "j").summary("run").state == "in doubt"


def test_an_answer_is_not_asked_for_twice(tmp_path: Path) -> None:
    """It is on the disk before anything runs: the next death finds it."""
    events = recorded(tmp_path, "p = pay(3)", "join(p)")
    began(tmp_path / "j", (*up_to(events, ev.Started), ev.Resumed(9.0), ev.Judged(9.0, "p", 1, "again")))
    assert went_on(tmp_path / "j").answer == "paid 3"
    assert made == ["pay 3 2 run:p"]


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    events = recorded(tmp_path, "p = pay(3)", "join(p)")
    began(tmp_path / "j", up_to(events, ev.Started))
    with pytest.raises(UsageError, match=re.escape("return Done(value), CallAgain() or StillUnknown()")):
        went_on(tmp_path / "j", resolve=lambda doubt: True)
    assert went_on(tmp_path / "j", resolve=lambda doubt: CallAgain()).answer == "paid 3"


def test_a_run_that_has_ended_is_not_run_again(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "join(a)")
    began(tmp_path / "j", events)
    with pytest.raises(
        UsageError, match=r"run run has ended: there is nothing to resume. `superscalar show run --journal "
    ):
        went_on(tmp_path / "j")
    assert Journal(tmp_path / "j").summary("run").state == "answered"


def test_a_plan_that_died_before_it_was_recorded_is_run_anew(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "join(a)")
    began(tmp_path / "j", up_to(events, ev.Planned))
    with pytest.raises(UsageError, match="run the plan again"):
        went_on(tmp_path / "j")


def test_a_tool_that_is_gone_is_named_before_anything_runs(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "b = [broken(x) for x in [a]]", "pay(1)", "join(a, b)")
    began(tmp_path / "j", up_to(events, ev.Started, "a"))

    @tool(effect="read")
    async def pay(amount: int, currency: str) -> str:
        raise AssertionError

    with pytest.raises(UsageError) as caught:
        went_on(tmp_path / "j", tools=[look, pay])
    assert str(caught.value) == (
        "run run cannot go on with these tools:\n"
        "  broken: there is no such tool any more\n"
        '  pay: it was effect="write" and is effect="read" now\n'
        "give the agent the tools that the run was begun with, or ask the question anew"
    )
    assert made == []
    assert went_on(tmp_path / "j").outcomes["a"] == Observation("A")


def test_a_tool_that_is_needed_no_more_may_be_gone(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = put('a')", "b = look(a)", "join(a, b)")
    began(tmp_path / "j", up_to(events, ev.Succeeded, "a"))
    assert went_on(tmp_path / "j", tools=[look]).answer == ["put a", "PUT A"]


def test_no_journal_and_no_such_run_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="write LLMCompiler"):
        run(LLMCompiler(tools=TOOLS).resume("run"))
    with pytest.raises(UnknownRun):
        went_on(tmp_path / "j")


def test_a_run_that_is_going_on_is_busy(tmp_path: Path) -> None:
    async def main() -> None:
        one = agent(tmp_path / "j")
        async with one.stream_plan("join(look('a'))", run_id="run") as running:
            await asyncio.sleep(0.1)
            with pytest.raises(RunBusy, match="this process"):
                await one.resume("run")
            assert (await running.result()).answer == "A"

    run(main())


def test_a_new_deadline_counts_from_the_resumption(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "b = look(a)", "join(a, b)")
    began(tmp_path / "j", up_to(events, ev.Succeeded, "a"))
    result = went_on(tmp_path / "j", deadline=0.5)
    (late,) = (e for e in result.events if isinstance(e, ev.DeadlinePassed))
    (back,) = (e for e in result.events if isinstance(e, ev.Resumed))
    assert late.at - back.at == pytest.approx(0.5)
    assert result.outcomes["a"] == Observation("A")
    assert result.outcomes.failures["b"].kind == "deadline"


def test_a_view_and_the_timing_of_a_resumed_run_know_of_the_cut(tmp_path: Path) -> None:
    events = recorded(tmp_path, "a = look('a')", "b = look(a)", "join(a, b)")
    cut = up_to(events, ev.Started, "b")
    began(tmp_path / "j", cut)
    result = went_on(tmp_path / "j")
    assert (result.timing.calls, result.timing.one_after_another) == (2, 2.0)
    view = RunView()
    for e in cut:
        view.apply(e)
    assert [row.state for row in view.rows()][:2] == ["done", "running"]
    view.apply(ev.Resumed(2.0))
    assert [row.state for row in view.rows()][:2] == ["done", "ready"]


def test_a_call_that_was_made_before_the_death_is_shared_after_it(tmp_path: Path) -> None:
    """Identical calls are one call (rule L21), whichever process made it; a failure only in its own round."""

    @tool(effect="pure")
    async def same(what: str) -> str:
        made.append(f"same {what}")
        await asyncio.sleep(0.5)
        return what

    tools = [*TOOLS, same]

    async def main() -> RunResult:
        plan = "a = same('X')\nb = look('x')\nc = same(b)\njoin(a, b, c)"
        async with LLMCompiler(tools=tools).stream_plan(plan, run_id="run") as running:
            return await running.result()

    whole = run(main())
    for number, kind in enumerate((ev.Started, ev.Succeeded)):
        made.clear()
        began(tmp_path / f"{number}", up_to(whole.events, kind, "a"))
        result = went_on(tmp_path / f"{number}", tools=tools)
        assert result.answer == ["X", "X", "X"]
        assert [(e.id, e.of) for e in result.events if isinstance(e, ev.Shared)] == [("c", "a")]
        assert made.count("same X") == 1 - number


def test_what_waited_before_a_retry_waits_for_the_rest_of_it_and_has_its_retries_left(tmp_path: Path) -> None:
    @tool(effect="read", resource="world", retry=3)
    async def busy(what: str, run: ToolContext[Any]) -> str:
        made.append(f"busy {run.attempt}")
        await asyncio.sleep(0.5)
        if run.attempt < 3:
            raise RateLimited(retry_after=5)
        return what

    async def main() -> RunResult:
        plan = "a = look('a')\nb = busy('b')\njoin(a, b)"
        async with LLMCompiler(tools=[look, busy]).stream_plan(plan, run_id="run") as running:
            return await running.result()

    whole = run(main())
    cut = up_to(whole.events, ev.Succeeded, "a")  # half a second after the refusal
    made.clear()
    began(tmp_path / "j", cut)
    result = went_on(tmp_path / "j", tools=[look, busy])
    assert (result.answer, made) == (["a".upper(), "b"], ["busy 2", "busy 3"])
    (back,) = (e.at for e in result.events if isinstance(e, ev.Resumed))
    again = next(e.at for e in result.events if isinstance(e, ev.Started) and e.attempt == 2)
    told = next(e for e in cut if isinstance(e, ev.Retrying))
    assert again - back == pytest.approx(told.at + told.delay - cut[-1].at)
    made.clear()
    began(tmp_path / "k", up_to(whole.events, ev.Started, "b", nth=3))
    assert isinstance(went_on(tmp_path / "k", tools=[look, busy]).outcomes["b"], Observation)
    assert made == ["busy 4"]


# ------------------------------------------------------------------------------------------------------------ records


@dataclass
class Line:
    text: str


@dataclass
class Invoice:
    number: int
    lines: list[Line]


class Address(BaseModel):
    model_config = {"frozen": True}
    street: str = Field(alias="Street")


@tool(effect="read")
async def invoice(number: int) -> Invoice:
    return Invoice(number, [Line("one"), Line("two")])


@tool(effect="read")
async def address(number: int) -> Address:
    return Address(Street="Main")


@tool(effect="pure")
async def sent(what: Invoice, to: Address, anything: Any, lines: list[Line]) -> list[str]:
    assert type(what) is Invoice
    assert type(to) is Address
    return [line.text for line in (*what.lines, *lines)] + [to.street, anything.lines[0].text]


def test_a_record_that_was_read_back_fits_where_its_class_is_wanted(tmp_path: Path) -> None:
    tools: list[Tool[..., Any]] = [invoice, address, sent]
    lines = "i = invoice(7)\na = address(1)\ns = sent(i, a, i, i.lines)\njoin(s)"

    async def main() -> RunResult:
        async with LLMCompiler(tools=tools).stream_plan(lines, run_id="run") as running:
            return await running.result()

    whole = run(main())
    assert whole.answer == ["one", "two", "one", "two", "Main", "one"]
    began(tmp_path / "j", up_to(whole.events, ev.Succeeded, "a"))
    assert went_on(tmp_path / "j", tools=tools).answer == whole.answer


# ---------------------------------------------------------------------------------------------------------- answering

PLAN = "a = look('a')\nb = look(a)\nc = look('c')\njoin(a, b, c)\n"
ABOUT = {"kind": "answer", "question": "why?", "history": [{"role": "user", "text": "before"}]}


def answered(model: ChatModel, joiner: ChatModel | None = None, **options: Any) -> RunResult:
    """An undisturbed run."""
    said = [Message("user", "before")]
    found = run(LLMCompiler(model, TOOLS, joiner=joiner, **options).run("why?", history=said, run_id="run"))
    made.clear()
    return found


def test_a_run_that_died_while_its_plan_was_written_is_planned_to_its_end(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN))
    began(tmp_path / "j", up_to(whole.events, ev.Planned, nth=2), ABOUT)
    planner = ScriptedModel("c = look('c')\njoin(a, b, c)\n")
    result = went_on(tmp_path / "j", planner, joiner=None)
    assert result.answer == whole.answer == ["A", "A", "C"]
    assert [turn.role for turn in planner.requests[0].messages[-3:]] == ["user", "assistant", "user"]
    assert planner.requests[0].messages[-2].text == "a = look(what='a')\nb = look(what=a)\n"
    assert planner.requests[0].messages[-1].text == (
        "You were interrupted there. These lines are right and stay. "
        "Write only the lines that are missing, and join(...) at the end; all names so far can be used."
    )
    assert "before" in planner.requests[0].messages[-3].text
    assert result.messages[0] == Message("user", "before")


def test_a_planner_that_writes_all_of_it_again_has_nothing_done_twice(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN))
    began(tmp_path / "j", up_to(whole.events, ev.Planned, nth=2), ABOUT)
    again = "a = look(what='a')\nb = look(what=a)\nc = look(what='c')\njoin(a, b, c)\n"
    result = went_on(tmp_path / "j", ScriptedModel(again), joiner=None)
    assert result.answer == ["A", "A", "C"]
    assert [task.id for task in result.plan] == ["a", "b", "c", "join()"]


def test_a_plan_of_which_nothing_is_there_is_asked_for_anew(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN))
    for number, cut in enumerate([(), up_to(whole.events, ev.RunStarted), up_to(whole.events, ev.RoundStarted)]):
        began(tmp_path / f"{number}", cut, ABOUT)
        result = went_on(tmp_path / f"{number}", ScriptedModel(PLAN), joiner=None)
        assert result.answer == whole.answer
        assert sum(isinstance(e, ev.RunStarted) for e in result.events) == 1
        assert sum(isinstance(e, ev.RoundStarted) for e in result.events) == 1


def test_a_plan_that_was_sealed_is_finished_without_asking(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN))
    began(tmp_path / "j", up_to(whole.events, ev.Sealed), ABOUT)
    planner = ScriptedModel()
    assert went_on(tmp_path / "j", planner, joiner=None).answer == whole.answer
    assert planner.requests == []


def test_names_of_an_if_that_was_being_written_have_their_versions_behind_it(tmp_path: Path) -> None:
    plan = "x = look('x')\nif x == 'X':\n    x = look('y')\n    put(x)\nz = look(x)\njoin(z)\n"
    whole = answered(ScriptedModel(plan))
    assert whole.answer == "Y"
    events = whole.events
    places = [i for i, e in enumerate(events) if isinstance(e, ev.Planned)]
    ids = [e.task.id for e in events if isinstance(e, ev.Planned)]
    assert ids == ["x", "if", "x.2", "put()", "x.3", "z", "join()"]
    began(tmp_path / "j", events[: places[2] + 1], ABOUT)
    result = went_on(tmp_path / "j", ScriptedModel("z = look(x)\njoin(z)\n"), joiner=None)
    assert result.answer == "Y"
    assert [id for id in ids if id != "put()"] == [task.id for task in result.plan]


def test_a_statement_with_errors_goes_back_to_the_planner(tmp_path: Path) -> None:
    whole = answered(ScriptedModel("a = look('a')\nb = loook(a)\njoin(a)\n", "b = look(a)\n"))
    cut = up_to(whole.events, ev.Planned, nth=2)
    assert any(isinstance(e, ev.Diagnosed) for e in cut)
    began(tmp_path / "j", cut, ABOUT)
    planner = ScriptedModel("b = look(a)\n")
    result = went_on(tmp_path / "j", planner, joiner=None)
    assert [task.id for task in result.plan] == ["a", "join()", "b"] or result.answer == "A"
    assert "loook" in planner.requests[0].messages[-1].text


def test_what_waited_for_a_broken_line_is_asked_for_with_it(tmp_path: Path) -> None:
    """It is not in the plan so far, so the planner is not told that it stays."""
    whole = answered(ScriptedModel("a = look(what='a')\nb = loook(a)\nput(what=b)\njoin(a)\n", "b = look(what=a)\n"))
    began(tmp_path / "j", up_to(whole.events, ev.Repairing), ABOUT)
    planner = ScriptedModel("b = look(what=a)\nput(what=b)\njoin(a)\n")
    result = went_on(tmp_path / "j", planner, joiner=None)
    assert result.outcomes["put()"] == Observation("put A")
    assert planner.requests[0].messages[-2].text == "a = look(what='a')\njoin(a)\n"
    assert planner.requests[0].messages[-1].text == (
        "You were interrupted there. These lines are right and stay.\n\n"
        "These had errors, and are not among them:\n\n"
        "b = loook(a)\n  # wrong: there is no tool `loook`; did you mean `look`? tools: look, broken, pay, put, "
        "extract\n\n"
        "Write only the lines that are missing, and join(...) at the end; all names so far can be used."
    )


def test_a_broken_write_that_was_being_mended_is_not_forgotten(tmp_path: Path) -> None:
    whole = answered(ScriptedModel("a = look(what='a')\nputt(what=a)\njoin(a)\n", "put(what=a)\n"))
    events = whole.events
    repairing = next(i for i, e in enumerate(events) if isinstance(e, ev.Repairing))
    for number in (repairing, repairing + 1, repairing + 2):
        began(tmp_path / f"{number}", events[:number], ABOUT)
        planner = ScriptedModel("put(what=a)\n")
        result = went_on(tmp_path / f"{number}", planner, joiner=None)
        assert result.outcomes["put()"] == Observation("put A")
        assert "putt" in planner.requests[0].messages[-1].text
        assert sum(isinstance(e, ev.Started) and e.tool == "put" for e in result.events) == 1


def test_a_call_that_nothing_needs_any_more_is_not_made_again(tmp_path: Path) -> None:
    plan = "dead = look('dead')\na = look('a')\nb = look(a)\njoin(b)\n"
    whole = answered(ScriptedModel(plan, chunk=lambda text: text.splitlines(keepends=True), delay=0.1))
    cut = up_to(whole.events, ev.Unneeded)
    assert any(isinstance(e, ev.Started) and e.id == "dead" for e in cut)
    began(tmp_path / "j", cut, ABOUT)
    result = went_on(tmp_path / "j", ScriptedModel(), joiner=None)
    assert (result.answer, made) == ("A", ["look a", "look A"])
    assert [e.id for e in result.events if isinstance(e, ev.Cancelled)] == ["dead"]


def test_a_run_that_died_in_the_joiner_asks_it_again_and_nobody_else(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN), ScriptedModel("the answer"))
    began(tmp_path / "j", up_to(whole.events, ev.AnswerWritten), ABOUT)
    planner = ScriptedModel()
    result = went_on(tmp_path / "j", planner, joiner=ScriptedModel("the answer"))
    assert (result.answer, planner.requests, made) == ("the answer", [], [])
    assert result.usage.requests == whole.usage.requests or result.usage.requests >= 1


def test_an_answer_that_was_recorded_is_the_answer(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN), ScriptedModel("the answer"))
    began(tmp_path / "j", up_to(whole.events, ev.Joined), ABOUT)
    result = went_on(tmp_path / "j", ScriptedModel(), joiner=ScriptedModel())
    assert (result.answer, result.messages[-1].text) == ("the answer", "the answer")


def test_a_typed_answer_comes_back_with_its_type(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN), ScriptedModel('{"Street": "Main"}'), output_type=Address)
    assert whole.answer == Address(Street="Main")
    began(tmp_path / "j", up_to(whole.events, ev.Joined), ABOUT)
    result = went_on(tmp_path / "j", ScriptedModel(), joiner=ScriptedModel(), output_type=Address)
    assert result.answer == Address(Street="Main")


def test_a_replan_goes_on_where_it_was(tmp_path: Path) -> None:
    """Wherever it dies in two rounds: the same answer, in as many rounds, and no call of what had succeeded."""
    plans = [
        "a = look(what='a')\nb = look(what=a)\nc = look(what='c')\njoin(a, b, c)\n",
        "d = look(what=c)\nput(what=d)\njoin(d)\n",
    ]

    def write(request: Request) -> str:
        return plans[any("They do not answer" in turn.text for turn in request.messages)]

    whole = answered(ScriptedModel(write, write), ScriptedModel("REPLAN: d is missing", "the answer"), replan="any")
    assert (whole.answer, whole.rounds) == ("the answer", 2)
    for number in range(1, len(whole.events)):
        cut = whole.events[:number]
        done = {e.id for e in cut if isinstance(e, ev.Succeeded)}
        replanned = any(isinstance(e, ev.Replanned) for e in cut)
        began(tmp_path / f"{number}", cut, ABOUT)
        planner = ScriptedModel(write, write)
        joiner = ScriptedModel(*["REPLAN: d is missing", "the answer"][replanned:])
        result = went_on(tmp_path / f"{number}", planner, joiner=joiner, max_replans=1, replan="any")
        assert (result.answer, result.rounds) == ("the answer", 2), number
        called = {e.id for e in result.events[number:] if isinstance(e, ev.Started)}
        assert not called & done, number
        assert print_plan(result.plan.tasks) == print_plan(whole.plan.tasks), number
        (put_c,) = [task.id for task in result.plan if task.id.startswith("put()")]
        assert result.outcomes[put_c] == Observation("put C")
        puts = {e.id for e in result.events if isinstance(e, ev.Started) and e.tool == "put"}
        assert puts == {put_c}, number


def test_a_second_round_shows_the_planner_what_the_first_one_wrote_and_found(tmp_path: Path) -> None:
    plans = [PLAN, "d = look(c)\njoin(d)\n"]
    first = ScriptedModel(*plans)
    whole = answered(first, ScriptedModel("REPLAN: d is missing", "the answer"))
    began(tmp_path / "j", up_to(whole.events, ev.RoundStarted, nth=2), ABOUT)
    again = ScriptedModel(plans[1])
    went_on(tmp_path / "j", again, joiner=ScriptedModel("the answer"))
    assert again.requests[0].messages == first.requests[1].messages


def test_calls_that_failed_before_the_death_are_no_progress(tmp_path: Path) -> None:
    plans = ["broken('a')\njoin()\n", "broken('a')\njoin()\n"]
    joining = ["REPLAN: once more", "REPLAN: and again", "enough"]
    whole = answered(ScriptedModel(*plans), ScriptedModel(*joining), max_replans=5)
    assert [e.last for e in whole.events if isinstance(e, ev.JoinStarted)] == [False, True]
    began(tmp_path / "j", up_to(whole.events, ev.Sealed, nth=2), ABOUT)
    joiner = ScriptedModel("REPLAN: and again", "enough")
    result = went_on(tmp_path / "j", ScriptedModel(), joiner=joiner, max_replans=5)
    assert result.answer == "enough"
    assert [e.last for e in result.events if isinstance(e, ev.JoinStarted)] == [False, True]


def test_resuming_needs_no_event_loop_and_shows_all_events(tmp_path: Path) -> None:
    whole = answered(ScriptedModel(PLAN))
    began(tmp_path / "j", up_to(whole.events, ev.Sealed), ABOUT)

    async def main() -> list[ev.Event]:
        running = agent(tmp_path / "j", ScriptedModel(), joiner=None).stream_resume("run")
        async with running:
            return [e async for e in running]

    seen = run(main())
    assert [type(e) for e in seen[:3]] == [type(e) for e in whole.events[:3]]
    assert sum(isinstance(e, ev.Resumed) for e in seen) == 1
    assert isinstance(seen[-1], ev.RunEnded)
    with pytest.raises(UsageError, match="has ended"):
        agent(tmp_path / "j", ScriptedModel(), joiner=None).resume_sync("run")


def test_what_would_be_asked_can_be_looked_at(tmp_path: Path) -> None:
    events = recorded(tmp_path, "p = pay(3)", "q = put('x')", "join(p, q)")
    places = [i for i, e in enumerate(events) if isinstance(e, ev.Started)]
    began(tmp_path / "j", events[: places[-1] + 1])
    before = Journal(tmp_path / "j").read("run")
    doubts = run(agent(tmp_path / "j").doubts("run"))
    assert doubts == (Doubt("run", "p", "pay", {"amount": 3}, 1, "run:p"),)
    assert Journal(tmp_path / "j").read("run") == before
    assert went_on(tmp_path / "j", resolve=lambda doubt: Done(7)).answer == [7, "put x"]


def test_budgets_count_what_was_spent_before(tmp_path: Path) -> None:
    @tool(effect="read", resource="world", cost=1.0)
    async def dear(what: str) -> str:
        return what

    async def main() -> RunResult:
        async with LLMCompiler(tools=[dear]).stream_plan(
            "a = dear('a')\nb = dear(a)\nc = dear(b)\njoin(a, b, c)", run_id="run"
        ) as running:
            return await running.result()

    whole = run(main())
    began(tmp_path / "j", up_to(whole.events, ev.Succeeded, "b"))
    result = went_on(tmp_path / "j", tools=[dear], max_cost=2.0)
    assert result.outcomes.failures["c"].kind == "budget"
    assert result.cost == 2.0


def test_a_call_that_needs_a_secret_of_the_plan_says_that_it_was_not_kept(tmp_path: Path) -> None:
    @tool(effect="read", resource="world", secret="key")
    async def opened(what: str, key: Any) -> str:
        await asyncio.sleep(1)
        return f"{what} {key}"

    async def main() -> None:
        one = LLMCompiler(tools=[opened], journal=tmp_path / "j")
        async with one.stream_plan("a = opened('a', 'k1')\nb = opened(a, 'k2')\njoin(a, b)", run_id="run") as running:
            await asyncio.sleep(0.5)
            found.extend(running.events)

    found: list[ev.Event] = []
    run(main())
    kept = [record.event for record in Journal(tmp_path / "j").read("run")]
    assert "k2" not in repr(kept)
    began(tmp_path / "again", kept[: len(found)])
    result = went_on(tmp_path / "again", tools=[opened])
    assert {id: failure.kind for id, failure in result.outcomes.failures.items()} == {"a": "arguments"}
    assert "`key` is a secret that was withheld from the journal" in str(result.outcomes["a"])


def test_a_planner_that_writes_json_goes_on_too(tmp_path: Path) -> None:
    steps = [
        '{"id": "a", "tool": "look", "arguments": {"what": "a"}}',
        '{"id": "b", "tool": "look", "arguments": {"what": {"$ref": "a"}}}',
    ]
    plan = f'{{"steps": [{", ".join(steps)}], "join": [{{"$ref": "b"}}]}}'

    class Constrained(ScriptedModel):
        constrains = True
        writes = "json"

    whole = answered(Constrained(plan))
    began(tmp_path / "j", up_to(whole.events, ev.Planned), ABOUT)
    result = went_on(tmp_path / "j", Constrained(plan), joiner=None)
    assert result.answer == whole.answer
    assert result.plan == whole.plan
