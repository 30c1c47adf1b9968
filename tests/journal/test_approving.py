"""Runs that wait for a person when nobody is there: suspended, answered in the journal, and gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from superscalar import (
    ApprovalPending,
    Ask,
    Failure,
    Journal,
    LabelledCall,
    LLMCompiler,
    NotApproved,
    Observation,
    Outcomes,
    Policy,
    Question,
    RunBusy,
    Skipped,
    UnknownRun,
    UsageError,
    tool,
)
from superscalar import events as ev
from superscalar.models.base import ChatModel
from superscalar.policy import Decision
from superscalar.testing import ScriptedModel, run

made: list[str] = []
RULE = Policy("ask")


@pytest.fixture(autouse=True)
def _forget() -> None:
    made.clear()


@tool(effect="read", resource="web")
async def page(url: str) -> str:
    """A page of the web."""
    made.append(f"page {url}")
    await asyncio.sleep(1)
    return f"text of {url}"


@tool(effect="write", resource="post", sink="to", trust="trusted", secret="key")
async def send(to: str, text: str = "", key: str = "k") -> str:
    """Send a message."""
    made.append(f"send {to}")
    await asyncio.sleep(1)
    return f"sent to {to}"


TOOLS: list[Any] = [page, send]
PLAN = 'p = page("u")\nx = send(p, "hi")\ny = page(x)\nb = page("v")\njoin(y, b)\n'


def agent(path: Path, model: ChatModel | None = None, **options: Any) -> LLMCompiler:
    return LLMCompiler(model, TOOLS, journal=path, policy=options.pop("policy", "ask"), **options)


def yes(_question: Question) -> bool:
    return True


async def no(_question: Question) -> bool:
    return False


def suspended(path: Path, plan: str = PLAN, **options: Any) -> ApprovalPending:
    with pytest.raises(ApprovalPending) as caught:
        run(agent(path, **options).execute(plan, run_id="run"))
    return caught.value


def resumed(path: Path, **options: Any) -> Any:
    return run(agent(path, **options).resume("run"))


def recorded(path: Path) -> list[ev.Event]:
    return [record.event for record in Journal(path).read("run")]


def test_a_run_that_nobody_is_there_to_answer_is_suspended_when_the_rest_is_done(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    pending = suspended(path)
    assert made == ["page u", "page v"]
    assert pending.run_id == "run"
    assert str(pending) == (
        "run run waits for an answer:\n"
        "x: send(to, text, key)\n"
        "  `to` of send chooses where it goes, and comes from `page`, which is not trusted; write it in the question, "
        'or take it from a tool declared trust="trusted" or one of its trusted_fields\n'
        "    to = 'text of u'\n"
        "      from `p` = page(url='u'), which is not trusted\n"
        "    text = 'hi'\n"
        "      from the plan\n"
        "    key = **********\n"
        "      from the tool's own default\n"
        "it is recorded, and goes on where it was when that is answered (`--deny` says no):\n"
        f"  superscalar approve run {Journal(path).questions('run')[0].answered_by} --journal {path}\n"
        "  agent.resume('run')"
    )
    happened = recorded(path)
    assert [e for e in happened if isinstance(e, ev.RunEnded | ev.Failed | ev.Skipped)] == []
    summary = Journal(path).summary("run")
    assert (summary.state, summary.ended, summary.asked) == ("waiting", None, ("x",))
    assert Journal(path).questions("run") == pending.questions


def test_an_answer_is_recorded_and_the_run_goes_on_without_doing_anything_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    made.clear()
    Journal(path).approve("run", "x", by="ann")
    assert Journal(path).summary("run").state == "interrupted"
    assert Journal(path).questions("run") == ()
    result = resumed(path)
    assert result.answer == ["text of sent to text of u", "text of v"]
    assert made == ["send text of u", "page sent to text of u"]
    answers = [e for e in result.events if isinstance(e, ev.Approved)]
    assert [(e.id, e.approved, e.by) for e in answers] == [("x", True, "ann")]
    assert len([e for e in result.events if isinstance(e, ev.Decided)]) == 1
    assert [e.at for e in result.events] == sorted(e.at for e in result.events)
    assert Journal(path).summary("run").state == "answered"


def test_a_refusal_in_the_journal_fails_the_call(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    Journal(path).approve("run", "x", approved=False, by="ann")
    result = resumed(path)
    assert result.outcomes["x"] == Failure("denied", "it was not approved by ann")
    assert result.outcomes["y"] == Skipped("x")
    assert "send text of u" not in made


def test_a_resumed_run_asks_again_and_is_suspended_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    first = suspended(path)
    made.clear()
    with pytest.raises(ApprovalPending) as caught:
        resumed(path)
    assert caught.value.questions == first.questions
    assert made == []
    assert resumed(path, approve=yes).answer[0] == "text of sent to text of u"


def test_what_was_asked_is_asked_under_a_stricter_policy_too(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    result = resumed(path, approve=no, policy="enforce")
    assert result.outcomes["x"] == Failure("denied", "it was not approved by no")


@pytest.mark.parametrize("approved", [False, True])
def test_an_answer_stands_under_a_stricter_policy_too(tmp_path: Path, approved: bool) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    Journal(path).approve("run", "x", approved=approved)
    result = resumed(path, policy="enforce")
    assert isinstance(result.outcomes["x"], Observation if approved else Failure)


def test_only_open_questions_can_be_answered(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    journal = Journal(path)
    before = recorded(path)
    with pytest.raises(UsageError, match="run run does not ask about b; it asks about x"):
        journal.approve("run", "x", "b")
    with pytest.raises(UsageError, match="does not ask about a plan; it asks about x"):
        journal.approve("run", "")
    with pytest.raises(UnknownRun):
        journal.approve("other", "x")
    assert recorded(path) == before
    journal.approve("run", "x")
    with pytest.raises(UsageError, match="does not ask about x; no question of it is open"):
        journal.approve("run", "x")
    resumed(path)
    with pytest.raises(UsageError, match="has ended"):
        journal.approve("run", "x")


def test_a_run_that_a_process_is_at_work_on_is_not_answered_for(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path)
    held = Journal(path).reopen("run")
    with pytest.raises(RunBusy):
        Journal(path).approve("run", "x")
    held.close()
    Journal(path).approve("run", "x")


def died(path: Path, events: Sequence[ev.Event], about: dict[str, Any] | None = None) -> None:
    """A journal with a run of which these events survived."""

    async def main() -> None:
        log = Journal(path).begin("run", about or {"kind": "execute"})
        for event in events:
            log.append(event)
        log.close()

    run(main())


def cut_off(events: Sequence[ev.Event]) -> bool:
    """Whether the write was under way."""
    started = any(isinstance(e, ev.Started) and e.id == "x" for e in events)
    return started and not any(isinstance(e, ev.Succeeded) and e.id == "x" for e in events)


@pytest.mark.parametrize("answer", [yes, no])
def test_a_run_that_is_killed_at_any_event_around_a_question_goes_on(tmp_path: Path, answer: Any) -> None:
    async def main() -> tuple[ev.Event, ...]:
        whole = LLMCompiler(tools=TOOLS, policy="ask", approve=answer)
        async with whole.stream_plan(PLAN, run_id="run") as running:
            await running.result()
        return running.events

    whole = run(main())
    sealed = next(i for i, e in enumerate(whole) if isinstance(e, ev.Sealed))
    asked = next(i for i, e in enumerate(whole) if isinstance(e, ev.Decided))
    answered = next(i for i, e in enumerate(whole) if isinstance(e, ev.Approved))
    started = next((i for i, e in enumerate(whole) if isinstance(e, ev.Started) and e.id == "x"), len(whole))
    for length in range(sealed + 1, len(whole)):
        path = tmp_path / f"{length}.db"
        died(path, whole[:length])
        made.clear()
        if cut_off(whole[:length]):
            continue  # a write that may have happened: that is another question
        if length > answered:
            outcomes = resumed(path).outcomes  # nobody needs to be asked
        else:
            state = Journal(path).summary("run").state
            assert state == ("waiting" if length > asked else "interrupted")
            with pytest.raises(ApprovalPending):
                resumed(path)
            Journal(path).approve("run", "x", approved=answer is yes)
            outcomes = resumed(path).outcomes
        assert made.count("send text of u") <= (length <= started)
        kinds = {id: type(outcome) for id, outcome in outcomes.items()}
        assert kinds["x"] is (Observation if answer is yes else Failure)
        assert kinds["y"] is (Observation if answer is yes else Skipped)
        assert outcomes["b"] == Observation("text of v")
        done = {e.id for e in whole[:length] if isinstance(e, ev.Succeeded)}
        again = {"p": "page u", "b": "page v", "x": "send text of u"}
        assert [again[id] for id in done & set(again) if again[id] in made] == []


def test_a_deadline_passes_over_what_nobody_answers(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    plan = 'x = send(page("u"))\nb = [page(i) for i in "abcdefghi"]\njoin(x, b)\n'

    async def main() -> Outcomes:
        return await agent(path, max_concurrency=1).execute(plan, run_id="run", deadline=3.5)

    assert run(main())["x"] == Failure("deadline", "the run's deadline passed before it started")
    assert Journal(path).summary("run").asked == ()


def ask_about_pages(call: LabelledCall) -> Decision | None:
    return Ask("look?") if call.tool == "page" and call.arguments["url"].value.startswith("slow") else None


def test_a_question_that_nothing_needs_suspends_nothing(tmp_path: Path) -> None:
    plan = 'f = first(1, [page("slow"), page("fast")])\njoin(f)\n'
    path = tmp_path / "runs.db"
    outcomes = run(agent(path, policy=Policy(rules=[ask_about_pages])).execute(plan, run_id="run"))
    assert outcomes.joined == ["text of fast"]
    assert Journal(path).summary("run").state == "answered"


def test_what_runs_though_nothing_needs_it_does_not_put_off_the_suspension(tmp_path: Path) -> None:
    @tool(effect="read")
    async def forever() -> int:
        await asyncio.sleep(1_000)
        return 1

    async def main() -> float:
        slow = LLMCompiler(tools=[page, forever], journal=tmp_path / "runs.db", policy=Policy(rules=[ask_about_pages]))
        async with slow.stream_plan('d = forever()\nb = page("slow")\njoin(b)\n', run_id="run") as running:
            with pytest.raises(ApprovalPending):
                await running.result()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return asyncio.get_running_loop().time()

    assert run(main()) < 1.0


def test_a_constant_of_whoever_had_read_what_is_not_trusted_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"

    async def main() -> ApprovalPending:
        async with agent(path).stream_plan('x = send("eve")\njoin(x)\n', run_id="run", saw_untrusted=True) as running:
            with pytest.raises(ApprovalPending) as caught:
                await running.result()
        return caught.value

    (question,) = run(main()).questions
    assert isinstance(question, Question)
    assert question.origins == {
        "to": "the plan, written by a model that had read what is not trusted",
        "text": "the tool's own default",
        "key": "the tool's own default",
    }
    assert Journal(path).questions("run")[0].origins == question.origins


def test_calls_of_a_batch_go_on_without_the_one_that_is_asked_about(tmp_path: Path) -> None:
    @tool(effect="read", resource="web")
    async def price(ticker: str) -> str:
        made.append(ticker)
        return ticker.lower()

    @price.batch(max_batch=5)
    async def prices(tickers: list[str]) -> list[str]:
        made.append(" ".join(tickers))
        await asyncio.sleep(1)
        return [ticker.lower() for ticker in tickers]

    def ask(call: LabelledCall) -> Decision | None:
        return Ask("sure?") if call.tool == "price" and call.arguments["ticker"].value == "B" else None

    asking = LLMCompiler(tools=[price], policy=Policy(rules=[ask]), journal=tmp_path / "runs.db")
    with pytest.raises(ApprovalPending):
        run(asking.execute('x = [price(t) for t in "ABC"]\njoin(x)\n', run_id="run"))
    Journal(tmp_path / "runs.db").approve("run", "x[1]")
    assert run(asking.resume("run")).answer == ["a", "b", "c"]
    assert made == ["A C", "B"]


# --------------------------------------------------------------------------------------------------- with a planner


def test_a_question_that_a_planner_led_to_is_answered_and_the_joiner_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    model = ScriptedModel(PLAN, "Done.")
    with pytest.raises(ApprovalPending):
        run(agent(path, model).run("Send u what it says to.", run_id="run"))
    assert len(model.requests) == 1
    Journal(path).approve("run", "x")
    answering = ScriptedModel("Sent.")
    result = run(agent(path, answering).resume("run"))
    assert result.answer == "Sent."
    assert made == ["page u", "page v", "send text of u", "page sent to text of u"]


def test_a_planner_that_dies_takes_the_questions_of_its_plan_with_it(tmp_path: Path) -> None:
    from superscalar import ModelError
    from support.running import Paced

    path = tmp_path / "runs.db"
    dying = Paced('b = page("slow")\n', 3.0, ModelError("gone"))
    with pytest.raises(ModelError, match="gone"):
        run(agent(path, dying, policy=Policy(rules=[ask_about_pages])).run("?", run_id="run"))
    failed = [e for e in recorded(path) if isinstance(e, ev.Failed)]
    assert [(e.id, e.failure) for e in failed] == [
        ("b", Failure("cancelled", "the plan was never completed, so nobody is asked"))
    ]
    assert isinstance(recorded(path)[-1], ev.RunEnded)


# -------------------------------------------------------------------------------------------------- plans as a whole


def test_a_plan_waits_for_approval_before_anything_of_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    pending = suspended(
        path, 'p = page("u")\nx = send("ann", p, key="k-77")\njoin(x)\n', approve_plan=True, policy="off"
    )
    assert made == []
    (question,) = pending.questions
    assert isinstance(question, Question)
    assert f"superscalar approve run {question.answered_by} --journal {path}\n" in str(pending)
    assert question.task_id == ""
    assert question.writes == ("x: send(to='ann', text=p, key=**********)",)
    assert "k-77" not in question.plan
    assert "x = send(to='ann', text=p, key=" in question.plan
    assert Journal(path).questions("run") == (question,)
    assert Journal(path).summary("run").asked == ("",)
    assert Journal(path).summary("run").state == "waiting"

    with pytest.raises(ApprovalPending):
        resumed(path, approve_plan=True, policy="off")
    assert made == []

    Journal(path).approve("run", "", by="ann")
    result = resumed(path, approve_plan=True, policy="off")
    assert made == ["page u"]
    assert "`key` is a secret that was withheld from the journal" in str(result.outcomes["x"])


def test_a_refused_plan_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path, approve_plan=True)
    Journal(path).approve("run", "", approved=False, by="ann")
    with pytest.raises(NotApproved, match="the plan was not approved, and nothing of it was begun: ann said no"):
        resumed(path, approve_plan=True)
    assert made == []
    assert Journal(path).summary("run").state == "failed"
    outcomes = [e.failure for e in recorded(path) if isinstance(e, ev.Failed)]
    assert set(outcomes) == {Failure("denied", "the plan that it is part of was not approved")}


@pytest.mark.parametrize("answer", [yes, no])
def test_a_run_that_is_killed_at_any_event_around_the_approval_of_its_plan_goes_on(tmp_path: Path, answer: Any) -> None:
    plan = 'p = page("u")\nx = send("ann", p)\njoin(x)\n'

    async def main() -> tuple[ev.Event, ...]:
        whole = LLMCompiler(tools=TOOLS, approve=answer, approve_plan=True)
        async with whole.stream_plan(plan, run_id="run") as running:
            try:
                await running.result()
            except NotApproved:
                assert answer is no
        return running.events

    whole = run(main())
    asked = next(i for i, e in enumerate(whole) if isinstance(e, ev.PlanAsked))
    answered = next(i for i, e in enumerate(whole) if isinstance(e, ev.PlanApproved))
    for length in range(asked + 1, len(whole)):
        path = tmp_path / f"{length}.db"
        died(path, whole[:length])
        made.clear()
        if length <= answered:
            with pytest.raises(ApprovalPending):
                resumed(path)
            assert made == []
            Journal(path).approve("run", "", approved=answer is yes)
        if answer is no:
            with pytest.raises(NotApproved):
                resumed(path)
            assert made == []
        elif not cut_off(whole[:length]):
            assert resumed(path).answer == "sent to ann"


def test_a_plan_is_approved_by_callback_and_its_round_goes_on() -> None:
    asked: list[Question] = []

    async def ann(question: Question) -> bool:
        asked.append(question)
        assert made == (["page a"] if len(asked) == 2 else [])
        await asyncio.sleep(2)
        return True

    model = ScriptedModel(
        'a = page("a")\njoin(a)\n', "REPLAN: more", 'b = page("b")\nx = send("ann", b)\njoin(x)\n', "Done."
    )

    async def main() -> Any:
        asking = LLMCompiler(model, TOOLS, approve=ann, approve_plan=True, replan="any")
        async with asking.stream("?") as running:
            return await running.result()

    result = run(main())
    assert result.answer == "Done."
    assert [question.writes for question in asked] == [(), ("x: send(to='ann', text=b)",)]
    assert [question.plan.splitlines()[0] for question in asked] == ["a = page(url='a')", "b = page(url='b')"]
    told = [e for e in result.events if isinstance(e, ev.PlanAsked | ev.PlanApproved | ev.Sealed | ev.Started)]
    assert [type(e).__name__ for e in told] == [
        *("PlanAsked", "PlanApproved", "Sealed", "Started"),
        *("PlanAsked", "PlanApproved", "Sealed", "Started", "Started"),
    ]
    assert [e.at for e in told] == [0.0, 2.0, 2.0, 2.0, 3.0, 5.0, 5.0, 5.0, 6.0]


def test_after_a_refused_replan_the_joiner_answers_from_what_there_is() -> None:
    answers = iter([True, False])

    async def ann(_question: Question) -> bool:
        return next(answers)

    model = ScriptedModel('a = page("a")\njoin(a)\n', "REPLAN: more", 'b = page("b")\njoin(b)\n', "That is all.")
    result = run(LLMCompiler(model, TOOLS, approve=ann, approve_plan=True).run("?"))
    assert result.answer == "That is all."
    assert made == ["page a"]
    assert result.outcomes["b"] == Failure("denied", "the plan that it is part of was not approved")
    assert [e.last for e in result.events if isinstance(e, ev.JoinStarted)] == [False, True]


@pytest.mark.parametrize("answer", [True, False])
def test_a_replan_is_suspended_answered_and_gone_on_with(tmp_path: Path, answer: bool) -> None:
    path = tmp_path / "runs.db"
    first = ScriptedModel('a = page("a")\njoin(a)\n')
    with pytest.raises(ApprovalPending):
        run(agent(path, first, approve_plan=True).run("?", run_id="run"))
    Journal(path).approve("run", "")
    second = ScriptedModel("REPLAN: more", 'b = page("b")\njoin(b)\n')
    with pytest.raises(ApprovalPending) as caught:
        run(agent(path, second, approve_plan=True).resume("run"))
    (question,) = caught.value.questions
    assert isinstance(question, Question)
    assert question.plan.startswith("b = page(url='b')")
    assert Journal(path).questions("run") == (question,)
    Journal(path).approve("run", "", approved=answer)
    result = run(agent(path, ScriptedModel("Done."), approve_plan=True).resume("run"))
    assert result.answer == "Done."
    assert made == (["page a", "page b"] if answer else ["page a"])


@pytest.mark.parametrize("answer", ["no", ValueError("ill"), "late"])
def test_what_is_no_approval_of_a_plan(answer: Any) -> None:
    async def ann(_question: Question) -> Any:
        if isinstance(answer, Exception):
            raise answer
        await asyncio.sleep(1_000 if answer == "late" else 0)
        return answer

    async def main() -> Any:
        asking = LLMCompiler(tools=TOOLS, approve=ann, approve_plan=True)
        return await asking.execute('p = page("u")\njoin(p)\n', deadline=3.0)

    if answer == "late":
        assert run(main())["p"] == Failure("deadline", "the run's deadline passed before it started")
    else:
        with pytest.raises(NotApproved, match=r"approve= returned 'no'|approve= raised ValueError: ill"):
            run(main())
    assert made == []


def test_a_plan_cannot_be_approved_where_nobody_is_there_to_ask() -> None:
    with pytest.raises(UsageError, match="approve_plan=True, and there is nobody to ask"):
        LLMCompiler(tools=TOOLS, approve_plan=True)
    with pytest.raises(UsageError, match="approve=True: write a function of the question"):
        LLMCompiler(tools=TOOLS, approve=True)  # type: ignore[call-overload]


def test_a_planner_that_fails_leaves_nothing_of_a_plan_that_was_to_be_approved() -> None:
    from superscalar import ModelError
    from support.running import Paced

    async def main() -> tuple[ev.Event, ...]:
        dying = Paced('b = page("u")\n', 3.0, ModelError("gone"))
        asking = LLMCompiler(dying, TOOLS, approve=yes, approve_plan=True)
        async with asking.stream("?") as running:
            with pytest.raises(ModelError, match="gone"):
                await running.result()
        return running.events

    happened = run(main())
    assert made == []
    failed = [e.failure for e in happened if isinstance(e, ev.Failed)]
    assert failed == [Failure("denied", "the plan that it is part of was not approved")]
