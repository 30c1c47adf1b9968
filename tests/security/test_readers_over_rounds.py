"""Labels where a model stands between: what a planner was shown, what an earlier answer says, what a client keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superscalar import Failure, Label, LLMCompiler, Message, RunResult, UsageError, tool
from superscalar.codec import from_json, to_json
from superscalar.events import Event, RoundStarted, Started
from superscalar.journal import Journal
from superscalar.labels import PLAN, Source
from superscalar.observe.provenance import Provenance
from superscalar.testing import ScriptedModel, run

ANN = "ann@home.example"
BOB = "bob@home.example"


@tool(effect="read", trust="trusted", readers=ANN)
async def diary() -> str:
    """Ann's diary."""
    return "pin 7781"


@tool(effect="read", trust="trusted", readers=(ANN, BOB))
async def plans() -> str:
    """What Ann and Bob plan."""
    return "to the sea"


@tool(effect="read", trust="trusted", readers=ANN)
async def locked() -> str:
    """A diary that cannot be opened."""
    raise LookupError("the key is 7781")


@tool(effect="read", trust="trusted")
async def weather() -> str:
    """What everybody knows."""
    return "rain"


@tool(effect="read")
async def page() -> str:
    """A page of a stranger."""
    return "anything"


@tool(effect="write", sink="to")
async def send(to: str, text: str = "") -> str:
    """Send a message."""
    return f"sent to {to}"


TOOLS: list[Any] = [diary, plans, locked, weather, page, send]


def asked(*replies: Any, question: str = "What is new?", **options: Any) -> tuple[RunResult, ScriptedModel]:
    model = ScriptedModel(*replies)
    given = {name: options.pop(name) for name in ("history", "history_trusted") if name in options}
    result = run(LLMCompiler(model, tools=TOOLS, **{"replan": "any", **options}).run(question, **given))
    return result, model


def rounds(result: RunResult) -> list[RoundStarted]:
    return [event for event in result.events if isinstance(event, RoundStarted)]


def sent(result: RunResult) -> list[str]:
    return [event.arguments["to"] for event in result.events if isinstance(event, Started) and event.tool == "send"]


def shown(event: RoundStarted) -> tuple[bool, set[str] | None]:
    """Whether what its planner was shown is trusted, and who may read it."""
    assert event.label is not None
    assert event.saw_untrusted is not event.label.trusted
    return event.label.trusted, None if event.label.readers is None else set(event.label.readers)


SENDS = f'x = send("{BOB}", "a word")\ny = send("{ANN}", "a word")\njoin(x, y)\n'

ROUNDS = [
    ("a = diary()\njoin(a)\n", (True, {ANN}), [ANN]),
    ("a = plans()\njoin(a)\n", (True, {ANN, BOB}), [BOB, ANN]),
    ("a = diary()\nb = plans()\njoin(a, b)\n", (True, {ANN}), [ANN]),
    ("a = weather()\njoin(a)\n", (True, None), [BOB, ANN]),
    ("a = locked()\njoin(a)\n", (True, {ANN}), [ANN]),
    ("a = diary()\nb = len(a)\njoin(b)\n", (True, {ANN}), [ANN]),
    ('a = "7" in diary()\nif a:\n    b = weather()\njoin(b)\n', (True, {ANN}), [ANN]),
    ("a = [diary(), weather()]\njoin(a)\n", (True, {ANN}), [ANN]),
    ("a = [c for c in diary()]\njoin(len(a))\n", (True, {ANN}), [ANN]),
    ('a = default(locked(), "nothing")\njoin(a)\n', (True, {ANN}), [ANN]),
    ('a = f"{diary()} {weather()}"\njoin(weather())\n', (True, {ANN}), [ANN]),
]
"""Plans, what the planner of the next round is shown of them as text, and to whom it may send something then."""


@pytest.mark.parametrize(("first", "label", "reached"), ROUNDS, ids=[plan for plan, _, _ in ROUNDS])
def test_what_a_planner_writes_goes_to_those_who_may_read_what_it_was_shown(
    first: str, label: tuple[bool, set[str] | None], reached: list[str]
) -> None:
    result, _ = asked(first, "REPLAN: more", SENDS, "done", replanner_sees="text")
    assert [shown(event) for event in rounds(result)] == [(True, None), label]
    assert sent(result) == reached


@pytest.mark.parametrize("first", [plan for plan, label, _ in ROUNDS if label[1] is not None])
def test_summaries_tell_it_no_word_and_so_leave_it_free(first: str) -> None:
    result, model = asked(first, "REPLAN: it is 7781", SENDS, "done")
    told = "".join(message.text for message in model.requests[2].messages)
    assert not any(word in told for word in ("7781", "to the sea", "the key"))
    assert [shown(event) for event in rounds(result)] == [(True, None), (True, None)]
    assert sent(result) == [BOB, ANN]


def test_what_is_withheld_may_be_handed_on_as_a_value() -> None:
    second = f'x = send("{BOB}", a)\ny = send("{ANN}", a)\nz = send("{BOB}", "nothing of it")\njoin(x, y, z)\n'
    result, model = asked("a = diary()\njoin(a)\n", "REPLAN: more", second, "done")
    assert "a: withheld\n" in model.requests[2].messages[-1].text
    assert sent(result) == [ANN, BOB]
    assert isinstance(result.outcomes["x"], Failure)
    assert result.outcomes["x"].message == f"`text` of send is only for {ANN}, but {BOB} would read it"


def test_a_planner_is_shown_what_would_tell_it_nothing_new() -> None:
    """Who goes on from an answer that is for Ann alone, goes on for Ann alone: what it finds then is shown."""
    history = [Message("assistant", "Her pin is 7781.", readers=(ANN,))]
    result, model = asked("a = diary()\njoin(a)\n", "REPLAN: more", SENDS, "done", history=history, policy="warn")
    assert 'a: "pin 7781"' in model.requests[2].messages[-1].text
    assert [shown(event) for event in rounds(result)] == [(True, {ANN}), (True, {ANN})]


def test_labels_add_up_over_rounds() -> None:
    plans_of_three = ["a = plans()\njoin(a)\n", "REPLAN: 1", "b = page()\njoin(b)\n", "REPLAN: 2", SENDS, "done"]
    result, _ = asked(*plans_of_three, replanner_sees="text", policy="warn")
    assert [shown(event) for event in rounds(result)] == [(True, None), (True, {ANN, BOB}), (False, {ANN, BOB})]
    names = {source.name for source in rounds(result)[-1].label.sources}  # type: ignore[union-attr]
    assert names == {"plans", "page", "a plan that was written with results in view"}


# ------------------------------------------------------------------------------------------------------------- history


def test_an_answer_says_who_may_read_it_and_so_does_what_is_planned_next() -> None:
    first, _ = asked("a = diary()\njoin(a)\n", "It is 7781.")
    assert first.messages[-1].readers == (ANN,)
    assert first.messages[-1].label == first.label
    result, _ = asked(SENDS, "done", question=f"Tell {ANN} and {BOB}.", history=first.messages)
    assert [shown(event) for event in rounds(result)] == [(True, {ANN})]
    assert sent(result) == [ANN]
    assert result.messages[-1].readers == (ANN,)
    assert result.label == result.messages[-1].label


HISTORIES: list[tuple[list[Any], dict[str, Any], tuple[bool, set[str] | None]]] = [
    ([{"role": "user", "content": "hello"}], {}, (True, None)),
    ([{"role": "system", "content": "be kind"}], {}, (True, None)),
    ([{"role": "developer", "content": "be kind"}], {}, (True, None)),
    ([{"role": "assistant", "content": "hello"}], {}, (False, None)),
    ([{"role": "assistant", "content": "hello"}], {"history_trusted": True}, (True, None)),
    ([{"role": "assistant", "content": "hello", "readers": [ANN]}], {"history_trusted": True}, (True, {ANN})),
    ([{"role": "assistant", "content": "hello", "readers": []}], {}, (False, set())),
    ([{"role": "assistant", "text": "hello", "untrusted": True}], {"history_trusted": True}, (False, None)),
    ([{"role": "user", "content": "what he wrote", "untrusted": True}], {}, (False, None)),
    ([{"role": "assistant", "text": "hello", "untrusted": False, "sources": []}], {}, (False, None)),
    ([{"role": "user", "content": [{"type": "text", "text": "hello"}]}], {}, (True, None)),
    ([Message("assistant", "hello")], {}, (True, None)),
    ([Message("assistant", "hello", untrusted=True)], {"history_trusted": True}, (False, None)),
]


@pytest.mark.parametrize(("history", "options", "label"), HISTORIES)
def test_turns_of_a_user_are_the_users_and_those_of_an_assistant_are_not_trusted(
    history: list[Any], options: dict[str, Any], label: tuple[bool, set[str] | None]
) -> None:
    result, model = asked("join()\n", "done", history=history, **options)
    assert [shown(event) for event in rounds(result)] == [label]
    texts = [message.text for message in model.requests[0].messages]
    assert any("hello" in text or "be kind" in text or "what he wrote" in text for text in texts)


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        ({"role": "tool", "content": "7"}, r"history\[1\] is a turn of 'tool'"),
        ({"content": "7"}, r"history\[1\] is a turn of None"),
        ({"role": ["user"], "content": "7"}, r"history\[1\] is a turn of \['user'\]"),
        ({"role": "user", "content": "7", "sources": [7]}, r"history\[1\] has sources=\[7\]"),
        ({"role": "user", "content": "7", "sources": [["god"]]}, r"history\[1\] has sources=\[\['god'\]\]"),
        ({"role": "assistant", "content": None}, r"history\[1\] has no text"),
        ({"role": "user", "content": [{"type": "image_url"}]}, r"history\[1\] has no text"),
        ({"role": "user", "content": "7", "readers": 7}, r"history\[1\] has readers=7"),
        ("hello", r"history\[1\] is a str"),
    ],
)
def test_a_turn_that_cannot_be_read_is_an_error(turn: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        asked("join()\n", "done", history=[Message("user", "hello"), turn])


# -------------------------------------------------------------------------------------------------------- native calls


def call(name: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": "1", "name": name, "input": arguments}]


def test_a_chat_model_is_taken_to_have_seen_whatever_these_tools_return() -> None:
    agent = LLMCompiler(tools=TOOLS)
    refused = run(agent.execute_calls(call("weather")))[0]
    assert "decided by what is only for ann@home.example" in refused.text
    assert run(agent.execute_calls(call("weather"), saw_untrusted=False))[0].text == "rain"
    assert run(LLMCompiler(tools=[weather, page]).execute_calls(call("weather")))[0].text == "rain"


def test_a_client_that_keeps_labels_is_told_no_more_than_it_has_seen() -> None:
    agent = LLMCompiler(tools=TOOLS)
    seen = run(agent.execute_calls(call("weather"), saw_untrusted=False)).label
    assert run(agent.execute_calls(call("send", to=BOB), seen=seen))[0].text == f"sent to {BOB}"
    seen |= run(agent.execute_calls(call("plans"), seen=seen)).label
    assert seen == Label(seen.sources, [ANN, BOB])
    assert seen.trusted
    assert run(agent.execute_calls(call("send", to=BOB), seen=seen))[0].text == f"sent to {BOB}"
    seen |= run(agent.execute_calls(call("locked"), saw_untrusted=False)).label
    assert isinstance(run(agent.execute_calls(call("send", to=BOB), seen=seen))[0].outcome, Failure)
    assert run(agent.execute_calls(call("send", to=ANN), seen=seen))[0].text == f"sent to {ANN}"


# ---------------------------------------------------------------------------------------------------- journals


def as_older(event: Event) -> Event:
    """An event as it was recorded before rounds had labels."""
    return replace(event, label=None) if isinstance(event, RoundStarted) else event


def test_a_round_comes_back_from_its_journal_with_its_label() -> None:
    result, _ = asked("a = diary()\nb = page()\njoin(a, b)\n", "REPLAN: more", SENDS, "done", replanner_sees="text")
    for event in rounds(result):
        assert from_json(to_json(event)).label == event.label  # type: ignore[union-attr]
        assert from_json(to_json(event)) == event


OLDER = [
    ("a = diary()\nb = page()\njoin(a, b)\n", (False, {ANN})),
    ("a = page()\njoin(a)\n", (False, None)),
    ("a = diary()\njoin(a)\n", (True, {ANN})),
    ("a = weather()\njoin(a)\n", (True, None)),
]


@pytest.mark.parametrize(("first", "label"), OLDER)
def test_of_an_older_journal_a_round_was_shown_what_was_trusted_and_all_if_it_saw_more(
    first: str, label: tuple[bool, set[str] | None]
) -> None:
    result, _ = asked(first, "REPLAN: more", "x = 'a word'\njoin(x)\n", "done", replanner_sees="text")
    made = Provenance([as_older(event) for event in result.events], result.declared).label("x")
    assert (made.trusted, made.readers and set(made.readers)) == label


def test_an_older_round_that_was_shown_summaries_was_shown_what_is_trusted_for_some() -> None:
    result, _ = asked("a = diary()\nb = page()\njoin(a, b)\n", "REPLAN: more", "x = 'a word'\njoin(x)\n", "done")
    assert Provenance(result.events, result.declared).label("x") == PLAN
    older = Provenance([as_older(event) for event in result.events], result.declared).label("x")
    assert older == Label(older.sources, [ANN])
    assert older.trusted


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_of_an_older_history_nobody_says_who_may_read_an_answer(role: Any, tmp_path: Path) -> None:
    whole = Journal(tmp_path / "whole.db")
    agent = LLMCompiler(ScriptedModel(SENDS, "done"), tools=TOOLS, journal=whole)
    said = (Message(role, "It is 7781."),)
    events = run(agent.run(f"Tell {ANN} and {BOB}.", history=said, run_id="run")).events
    about = dict(whole.about("run"))
    about["history"] = [{"role": role, "text": "It is 7781.", "untrusted": False}]
    older = Journal(tmp_path / "older.db")
    log = older.begin("run", about)
    begun = next(i for i, event in enumerate(events) if isinstance(event, RoundStarted))
    for event in events[: begun + 1]:
        log.append(as_older(event))
    log.flush()
    log.close()
    result = run(LLMCompiler(ScriptedModel(SENDS, "done"), tools=TOOLS, journal=older).resume("run"))
    assert sent(result) == ([] if role == "assistant" else [BOB, ANN])


def test_a_turn_has_one_label_however_it_is_given() -> None:
    label = Label([Source("tool", "page", trusted=False)], [BOB, ANN])
    turn = Message("assistant", "hello", label=label)
    assert turn == Message("assistant", "hello", True, (("tool", "page", False, ""),), (BOB, ANN))
    assert turn.label is label
    assert replace(turn, text="bye").label is label
    assert Message("assistant", "hello", True).label != Message("assistant", "hello").label
