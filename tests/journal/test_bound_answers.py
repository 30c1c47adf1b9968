"""An answer is to the call that was shown: what would be another when a run goes on is asked about again."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, AnyUrl, BaseModel, BeforeValidator, Field, SecretStr

from superscalar import (
    ApprovalPending,
    Deny,
    Failure,
    Journal,
    LabelledCall,
    LLMCompiler,
    Observation,
    Policy,
    Question,
    tool,
)
from superscalar import events as ev
from superscalar.codec import dumps, loads
from superscalar.schedule.effective import digest_of
from superscalar.testing import run

GOT: list[Any] = []
MADE: list[int] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    GOT.clear()
    MADE.clear()


class Tone(enum.Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Stamp:
    """A record."""

    country: str


class Sheet(BaseModel):
    """A model."""

    lines: list[Stamp] = []


def number() -> int:
    MADE.append(len(MADE) + 1)
    return MADE[-1]


def sheet() -> Sheet:
    return Sheet(lines=[Stamp(f"country {number()}")])


def first(to: str = "ann", copies: int = 1) -> str:
    GOT.append((to, copies))
    return "sent"


def second(to: str = "eve", copies: int = 1) -> str:
    GOT.append((to, copies))
    return "sent"


def third(to: str = "ann", copies: int = 1, bcc: str = "eve") -> str:
    GOT.append((to, copies, bcc))
    return "sent"


def checked_again(to: Annotated[str, AfterValidator(lambda text: f"{text}@eve")] = "ann", copies: int = 1) -> str:
    GOT.append((to, copies))
    return "sent"


def fewer(to: str = "ann") -> str:
    GOT.append((to,))
    return "sent"


def agent(path: Path | None, function: Callable[..., Any], **options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[tool(effect="write", name="send", policy="ask")(function)], journal=path, **options)


def suspended(path: Path, function: Callable[..., Any], call: str) -> tuple[Question, ...]:
    with pytest.raises(ApprovalPending) as caught:
        run(agent(path, function).execute(f"x = {call}\njoin(x)\n", run_id="run"))
    return questions_of(caught.value)


def questions_of(pending: ApprovalPending) -> tuple[Question, ...]:
    return tuple(question for question in pending.questions if isinstance(question, Question))


def recorded(path: Path) -> list[ev.Event]:
    return [record.event for record in Journal(path).read("run")]


def copy_of(path: Path, events: Sequence[ev.Event]) -> Path:
    """Another journal, with a run of which these events are recorded."""
    fresh = path.with_name("copy.db")

    async def main() -> None:
        log = Journal(fresh).begin("run", dict(Journal(path).about("run")))
        for event in events:
            log.append(event)
        log.close()

    run(main())
    return fresh


@pytest.mark.parametrize(
    ("now", "call", "shown"),
    [
        (second, "send()", {"to": "eve", "copies": 1}),
        (second, "send(copies=1)", {"to": "eve", "copies": 1}),
        (third, "send()", {"to": "ann", "copies": 1, "bcc": "eve"}),
        (third, 'send("ann", 1)', {"to": "ann", "copies": 1, "bcc": "eve"}),
        (fewer, "send()", {"to": "ann"}),
        (checked_again, 'send("ann")', {"to": "ann@eve", "copies": 1}),  # it validates to something else now
    ],
)
def test_a_call_that_is_another_one_now_is_asked_about_again(
    tmp_path: Path, now: Callable[..., Any], call: str, shown: dict[str, Any]
) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, call)
    Journal(path).approve("run", "x", by="ann")
    with pytest.raises(ApprovalPending) as caught:
        run(agent(path, now).resume("run", rules_changed=True))
    (question,) = questions_of(caught.value)
    assert question.arguments == shown
    assert Journal(path).questions("run") == (question,)
    assert GOT == []
    Journal(path).approve("run", "x", by="ann")
    assert run(agent(path, now).resume("run", rules_changed=True)).answer == "sent"
    assert [tuple(shown.values())] == GOT


@pytest.mark.parametrize(
    ("now", "call", "got"),
    [
        (first, "send()", ("ann", 1)),
        (second, 'send("ann")', ("ann", 1)),  # the default that changed is not used
        (checked_again, "send()", ("ann", 1)),
    ],
)
def test_a_call_that_is_the_same_is_made(
    tmp_path: Path, now: Callable[..., Any], call: str, got: tuple[Any, ...]
) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, call)
    Journal(path).approve("run", "x")
    assert run(agent(path, now).resume("run", rules_changed=True)).answer == "sent"
    assert [got] == GOT


def made_number(key: int = Field(default_factory=number)) -> str:
    GOT.append(key)
    return "sent"


def made_sheet(sheet: Sheet = Field(default_factory=sheet)) -> str:  # noqa: B008
    GOT.append(sheet)
    return "sent"


def stamped(text: Annotated[str, BeforeValidator(lambda text: f"{text} {number()}")]) -> str:
    GOT.append(text)
    return "sent"


@pytest.mark.parametrize(
    ("function", "call"), [(made_number, "send()"), (made_sheet, "send()"), (stamped, "send('hi')")]
)
@pytest.mark.parametrize("answered", ["before", "by a callback"])
def test_what_was_made_for_a_call_is_made_once_and_used_as_it_is(
    tmp_path: Path, function: Callable[..., Any], call: str, answered: str
) -> None:
    path = tmp_path / "runs.db"
    (question,) = suspended(path, function, call)
    (shown,) = question.arguments.values()
    made = len(MADE)
    if answered == "before":
        Journal(path).approve("run", "x")
    approve = None if answered == "before" else lambda _: True
    assert run(agent(path, function, approve=approve).resume("run", rules_changed=True)).answer == "sent"
    assert [shown] == GOT
    assert type(GOT[0]) is type(shown)
    assert function is stamped or len(MADE) == made  # what is checked again is used only if it comes to the same


def kinds(
    tone: Tone,
    stamp: Stamp,
    sheet: Sheet,
    url: AnyUrl,
    path: PurePosixPath,
    tags: set[str],
    key: SecretStr = SecretStr("k-77"),  # noqa: B008
    other: Tone = Tone.COLD,
    blank: Any = Ellipsis,
) -> str:
    GOT.append([tone, stamp, sheet, url, path, tags, key, other, blank])
    return "sent"


KINDS = (
    "send('warm', {'country': 'de'}, {'lines': [{'country': 'fr'}]}, 'https://x.example/', '/a', {'a', 'b', 'c', 'd'})"
)


def test_an_answer_holds_for_values_of_every_class(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path, kinds, KINDS)
    Journal(path).approve("run", "x")
    assert run(agent(path, kinds).resume("run")).answer == "sent"
    assert [
        [
            *(Tone.WARM, Stamp("de"), Sheet(lines=[Stamp("fr")]), AnyUrl("https://x.example/"), PurePosixPath("/a")),
            *({"a", "b", "c", "d"}, SecretStr("k-77"), Tone.COLD, Ellipsis),
        ]
    ] == GOT


def as_before(event: ev.Event) -> ev.Event:
    """An event as releases recorded it that bound no answer to anything."""
    if isinstance(event, ev.Decided):
        return replace(event, arguments=None, digest="")
    return replace(event, digest="") if isinstance(event, ev.Approved) else event


def test_an_approval_of_an_older_journal_is_asked_about_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, "send('bob')")
    Journal(path).approve("run", "x")
    old = copy_of(path, [as_before(event) for event in recorded(path)])
    with pytest.raises(ApprovalPending) as caught:
        run(agent(old, first).resume("run"))
    (question,) = questions_of(caught.value)
    assert question.arguments == {"to": "bob", "copies": 1}
    Journal(old).approve("run", "x")
    assert run(agent(old, first).resume("run")).answer == "sent"


def test_a_question_of_an_older_journal_is_shown_as_the_plan_gives_it_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, "send('bob')")
    old = copy_of(path, [as_before(event) for event in recorded(path)])
    (question,) = Journal(old).questions("run")
    assert question.arguments == {"to": "bob"}
    Journal(old).approve("run", "x")
    with pytest.raises(ApprovalPending):
        run(agent(old, first).resume("run"))


def test_a_refusal_of_an_older_journal_stands(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, "send()")
    Journal(path).approve("run", "x", approved=False, by="ann")
    old = copy_of(path, [as_before(event) for event in recorded(path)])
    assert run(agent(old, first).resume("run")).outcomes["x"] == Failure("denied", "it was not approved by ann")


@pytest.mark.parametrize("digest", ["", "0" * 32])
def test_an_answer_to_something_else_is_none(tmp_path: Path, digest: str) -> None:
    path = tmp_path / "runs.db"
    suspended(path, first, "send()")
    forged = copy_of(path, [*recorded(path), ev.Approved(0.0, "x", True, "eve", digest)])
    with pytest.raises(ApprovalPending):
        run(agent(forged, first).resume("run"))
    assert GOT == []


@pytest.mark.parametrize("now", [first, second])
def test_a_call_that_was_cut_off_is_made_again_only_as_it_was_approved(tmp_path: Path, now: Callable[..., Any]) -> None:
    def idempotent(function: Callable[..., Any], journal: Path, approve: Any = None) -> LLMCompiler:
        one = tool(effect="write", name="send", policy="ask", idempotent=True)(function)
        return LLMCompiler(tools=[one], journal=journal, approve=approve)

    path = tmp_path / "runs.db"
    run(idempotent(first, path, lambda _: True).execute("x = send()\njoin(x)\n", run_id="run"))
    events = recorded(path)
    started = next(place for place, event in enumerate(events) if isinstance(event, ev.Started))
    cut = copy_of(path, events[: started + 1])
    GOT.clear()
    found = run(idempotent(now, cut).resume("run")).outcomes["x"]
    if now is first:
        assert (found, GOT) == (Observation("sent"), [("ann", 1)])
    else:
        why = "what would be called now is not what was approved"
        assert (found, GOT) == (Failure("denied", why, in_doubt=True), [])


def test_what_was_made_for_a_call_that_was_cut_off_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"

    def reading() -> LLMCompiler:
        return LLMCompiler(tools=[tool(effect="read", name="send")(made_number)], journal=path)

    run(reading().execute("x = send()\njoin(x)\n", run_id="run"))
    events = recorded(path)
    started = next(place for place, event in enumerate(events) if isinstance(event, ev.Started))
    path = copy_of(path, events[: started + 1])
    assert run(reading().resume("run")).answer == "sent"
    assert (GOT, MADE) == ([1, 1], [1])


def test_a_journal_names_arguments_as_the_agent_does(tmp_path: Path) -> None:
    def letter(sender: Annotated[str, Field(alias="from")], to: str = "ann") -> str:
        return "sent"

    path = tmp_path / "runs.db"
    (question,) = suspended(path, letter, 'send(from_="bob")')
    assert question.origins == {"sender": "the plan", "to": "the tool's own default"}
    assert Journal(path).questions("run") == (question,)


# ------------------------------------------------------------------------------------------------------------ digests


def test_a_digest_is_of_one_call_of_one_run() -> None:
    def digest(run: str = "run", id: str = "x", tool: str = "send", **arguments: Any) -> str:
        return digest_of(run, id, tool, arguments)

    others = [
        *(digest(), digest(run="another"), digest(id="y"), digest(tool="pay"), digest(a=1), digest(a=True)),
        *(digest(a=1.0), digest(a="1"), digest(a=None), digest(b=1), digest(a=[1]), digest(a=(1,)), digest(a={1})),
        *(
            digest(a={"b": 1, "c": 2}),
            digest(a={"c": 2, "b": 1}),
            digest(a=0.0),
            digest(a=-0.0),
            digest(a=float("nan")),
        ),
    ]
    assert len(set(others)) == len(others)
    assert digest(a=1, b=2) == digest(b=2, a=1)
    assert digest(a={0, 8}) == digest(a={8, 0})
    assert digest(a={"b": [1, {2, 3}]}) == digest(a={"b": [1, {3, 2}]})


def test_nobody_learns_of_a_secret_by_guessing(tmp_path: Path) -> None:
    digests = set()
    for pin in ("7781", "0000"):

        def pay(amount: int, pin: SecretStr = SecretStr(pin)) -> str:  # noqa: B008
            return "paid"

        path = tmp_path / f"{pin}.db"
        suspended(path, pay, "send(1)")
        (decided,) = [event for event in recorded(path) if isinstance(event, ev.Decided)]
        digests.add(decided.digest)
        assert pin not in dumps(decided)
    assert len(digests) == 1


def test_what_is_no_data_is_recorded_as_such_and_never_as_data() -> None:
    class Connection:
        def __repr__(self) -> str:
            return "{'to': 'ann'}"

    asked: list[Question] = []

    def yes(question: Question) -> bool:
        asked.append(question)
        return True

    def send(over: Any) -> str:
        return "sent"

    @tool(effect="read", trust="trusted")
    def connect() -> Any:
        """A connection."""
        return Connection()

    one = tool(effect="write", policy="ask")(send)
    agent = LLMCompiler(tools=[connect, one], approve=yes)

    async def main() -> Any:
        async with agent.stream_plan("x = send(connect())\njoin(x)\n") as running:
            return await running.result()

    result = run(main())
    (decided,) = [event for event in result.events if isinstance(event, ev.Decided)]
    assert result.answer == "sent"
    assert repr(asked[0].arguments["over"]).startswith("<opaque ")
    assert loads(dumps(decided)) == decided


def test_a_call_that_is_another_one_now_is_judged_again(tmp_path: Path) -> None:
    def strangers(call: LabelledCall) -> Deny | None:
        return Deny("eve") if call.arguments["to"].value == "eve" else None

    path = tmp_path / "runs.db"
    rules = Policy(rules=[strangers])
    with pytest.raises(ApprovalPending):
        run(agent(path, first, policy=rules).execute("x = send()\njoin(x)\n", run_id="run"))
    Journal(path).approve("run", "x")
    assert run(agent(path, second, policy=rules).resume("run")).outcomes["x"] == Failure("denied", "eve")


def test_a_call_that_was_cut_off_goes_on_with_the_defaults_that_it_began_with(tmp_path: Path) -> None:
    def reading(function: Callable[..., Any], journal: Path) -> LLMCompiler:
        return LLMCompiler(tools=[tool(effect="read", name="send")(function)], journal=journal)

    path = tmp_path / "runs.db"
    run(reading(first, path).execute("x = send()\njoin(x)\n", run_id="run"))
    events = recorded(path)
    started = next(place for place, event in enumerate(events) if isinstance(event, ev.Started))
    cut = copy_of(path, events[: started + 1])
    assert run(reading(second, cut).resume("run")).answer == "sent"
    assert GOT == [("ann", 1), ("ann", 1)]
