"""What was approved of is made if the tool still takes it, and is what was approved: private state included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, PrivateAttr, create_model

from superscalar import ApprovalPending, Failure, Journal, LLMCompiler, Observation, Secret, tool
from superscalar.testing import run

GOT: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    GOT.clear()


def of_type(annotation: Any) -> Callable[..., Any]:
    async def send(m: Any) -> str:
        """Send."""
        GOT.append(m)
        return "sent"

    send.__annotations__["m"] = annotation
    return send


def agent(path: Path | None, function: Callable[..., Any], **options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[tool(effect="write", name="send", policy="ask")(function)], journal=path, **options)


def approved(path: Path, function: Callable[..., Any], given: str) -> None:
    with pytest.raises(ApprovalPending):
        run(agent(path, function).execute(f"x = send({given})\njoin(x)\n", run_id="run"))
    Journal(path).approve("run", "x", by="ann")


def resumed(path: Path, function: Callable[..., Any]) -> Any:
    return run(agent(path, function).resume("run", rules_changed=True)).outcomes["x"]


class Old(BaseModel):
    to: str


class New(BaseModel):
    to: Literal["ann"]


class Short(BaseModel):
    to: Annotated[str, Field(max_length=2)]


@pytest.mark.parametrize(
    ("before", "now", "given"),
    [
        (str, Literal["ann"], '"eve"'),
        (str, Annotated[str, Field(max_length=2)], '"eve"'),
        (str, Annotated[str, Field(pattern="@home$")], '"eve"'),
        (int, Annotated[int, Field(le=10)], "1000"),
        (Any, int, '"eve"'),
        (str | int, int, '"eve"'),
        (list[str], Annotated[list[str], Field(max_length=1)], '["ann", "eve"]'),
        (list[str], list[Literal["ann"]], '["ann", "eve"]'),
        (dict[str, str], dict[str, Literal["ann"]], '{"to": "eve"}'),
        (Old, New, '{"to": "eve"}'),
        (Old, Short, '{"to": "eve"}'),
        (list[Old], list[New], '[{"to": "eve"}]'),
    ],
)
def test_what_the_tool_does_not_take_any_more_is_not_made(tmp_path: Path, before: Any, now: Any, given: str) -> None:
    path = tmp_path / "runs.db"
    approved(path, of_type(before), given)
    outcome = resumed(path, of_type(now))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, GOT) == ("arguments", [])


@pytest.mark.parametrize(
    ("before", "now", "given"),
    [
        (str, Literal["ann", "bob"], '"ann"'),
        (Any, str, '"ann"'),
        (Old, New, '{"to": "ann"}'),
        (Annotated[int, Field(le=10)], int, "7"),
    ],
)
def test_what_it_takes_as_it_was_is_made(tmp_path: Path, before: Any, now: Any, given: str) -> None:
    path = tmp_path / "runs.db"
    approved(path, of_type(before), given)
    if before is not Old:
        assert resumed(path, of_type(now)) == Observation("sent")
        assert len(GOT) == 1
    else:  # its class has another name: that is shown
        with pytest.raises(ApprovalPending):
            resumed(path, of_type(now))


@pytest.mark.parametrize(
    ("before", "now", "given"), [(Any, float, "1"), (str, int, '"1"'), (list[int], set[int], "[1]")]
)
def test_what_it_makes_something_else_of_is_asked_about_again(
    tmp_path: Path, before: Any, now: Any, given: str
) -> None:
    path = tmp_path / "runs.db"
    approved(path, of_type(before), given)
    with pytest.raises(ApprovalPending):
        resumed(path, of_type(now))
    assert GOT == []


def private(bcc: Any) -> type[BaseModel]:
    class Mail(BaseModel):
        to: str
        _bcc: Any = PrivateAttr(bcc)

    return Mail


def forbidding(bcc: Any) -> type[BaseModel]:
    class Mail(BaseModel, extra="forbid"):
        to: str
        _bcc: Any = PrivateAttr(bcc)

    return Mail


def allowing(bcc: Any) -> type[BaseModel]:
    class Mail(BaseModel, extra="allow"):
        to: str
        _bcc: Any = PrivateAttr(bcc)

    return Mail


def set_later(bcc: Any) -> type[BaseModel]:
    class Mail(BaseModel):
        to: str
        _bcc: Any = None

        def model_post_init(self, _: Any) -> None:
            self._bcc = bcc

    return Mail


def made_later(bcc: Any) -> type:
    @dataclass
    class Mail:
        to: str

        def __post_init__(self) -> None:
            self._bcc = bcc

    return Mail


def given_once(bcc: Any) -> type:
    @dataclass
    class Mail:
        to: str
        also: InitVar[Any] = bcc

        def __post_init__(self, also: Any) -> None:
            self._bcc = also

    return Mail


def inside(bcc: Any) -> type[BaseModel]:
    return create_model("Outer", mail=(private(bcc), ...))


KINDS = [private, forbidding, allowing, set_later, made_later, given_once]
PLACES: list[tuple[Callable[[Any], Any], str]] = [
    *((kind, '{"to": "ann"}') for kind in KINDS),
    (lambda bcc: list[private(bcc)], '[{"to": "ann"}]'),  # type: ignore[misc]
    (inside, '{"mail": {"to": "ann"}}'),
]


@pytest.mark.parametrize(("kind", "given"), PLACES)
def test_another_private_state_is_another_call(tmp_path: Path, kind: Callable[[Any], Any], given: str) -> None:
    path = tmp_path / "runs.db"
    approved(path, of_type(kind("home")), given)
    with pytest.raises(ApprovalPending) as caught:
        resumed(path, of_type(kind(["home"])))
    assert GOT == []
    assert "_bcc=['home']" in str(caught.value)


@pytest.mark.parametrize(("kind", "given"), PLACES)
def test_a_call_with_the_same_private_state_is_made_with_it(
    tmp_path: Path, kind: Callable[[Any], Any], given: str
) -> None:
    path = tmp_path / "runs.db"
    approved(path, of_type(kind("home")), given)
    assert resumed(path, of_type(kind("home"))) == Observation("sent")
    (got,) = GOT
    got = got[0] if isinstance(got, list) else getattr(got, "mail", got)
    assert got._bcc == "home"


@pytest.mark.parametrize(("kind", "given"), PLACES[::4])
def test_a_journal_shows_the_private_state_as_whoever_is_there_was_shown_it(
    tmp_path: Path, kind: Callable[[Any], Any], given: str
) -> None:
    asked: list[str] = []
    live = agent(None, of_type(kind("home")), approve=lambda question: not asked.append(str(question)))  # type: ignore[func-returns-value]
    run(live.execute(f"x = send({given})\njoin(x)\n"))
    path = tmp_path / "runs.db"
    with pytest.raises(ApprovalPending):
        run(agent(path, of_type(kind("home"))).execute(f"x = send({given})\njoin(x)\n", run_id="run"))
    assert [str(question) for question in Journal(path).questions("run")] == asked
    assert "_bcc='home'" in asked[0]


def test_which_fields_of_a_model_were_set_is_as_the_plan_says_after_a_journal_too(tmp_path: Path) -> None:
    class Patch(BaseModel):
        name: str | None = None
        phone: str | None = None

    path = tmp_path / "runs.db"
    approved(path, of_type(Patch), '{"name": "Ann"}')
    assert resumed(path, of_type(Patch)) == Observation("sent")
    assert [got.model_dump(exclude_unset=True) for got in GOT] == [{"name": "Ann"}]


@dataclass
class Order:
    key: Annotated[str, Secret]
    text: str = ""

    def __post_init__(self) -> None:
        self._lower = self.key.lower()


def test_what_a_record_with_a_secret_holds_beside_its_fields_is_withheld() -> None:
    asked: list[str] = []
    live = agent(None, of_type(Order), approve=lambda question: not asked.append(str(question)))  # type: ignore[func-returns-value]
    run(live.execute("k = 'hunter2'\nx = send({'key': k, 'text': 'tea'})\njoin(x)\n"))
    assert "'text': 'tea', '_lower': **********" in asked[0]
