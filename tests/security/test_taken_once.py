"""What is given for an `Iterable` is gone through once, when the call is bound: whoever looks sees the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from superscalar import Ask, Failure, LabelledCall, LLMCompiler, Observation, Policy, Question, RateLimited, Retry, tool
from superscalar.policy.spelling import spelled
from superscalar.testing import run


class Model(BaseModel):
    to: Iterable[str]


class Outer(BaseModel):
    inner: Model
    more: list[Iterable[int]] = []


@dataclass
class Plain:
    to: Iterable[str]


class Keyed(TypedDict):
    to: Iterable[str]


class Pair(NamedTuple):
    to: Iterable[str]
    rest: int = 0


class Extra(BaseModel, extra="allow"):
    to: Iterable[str] | None = None


TWO = ["ann", "bob"]
PLACES: list[tuple[Any, Any, Callable[[Any], Any]]] = [
    (Model, {"to": TWO}, lambda m: m.to),
    (Outer, {"inner": {"to": TWO}, "more": [[1]]}, lambda m: m.inner.to),
    (Outer, {"inner": {"to": TWO}, "more": [["1"]]}, lambda m: [*TWO] if m.more == [[1]] else m.more),
    (Plain, {"to": TWO}, lambda m: m.to),
    (Keyed, {"to": TWO}, lambda m: m["to"]),
    (Pair, [TWO, 1], lambda m: m.to),
    (Extra, {"to": TWO, "cc": "eve"}, lambda m: m.to),
    (list[Iterable[str]], [TWO], lambda m: m[0]),
    (dict[str, Iterable[str]], {"a": TWO}, lambda m: m["a"]),
    (tuple[int, Iterable[str]], [1, TWO], lambda m: m[1]),
    (Iterable[str], TWO, lambda m: m),
    (Iterable[Iterable[str]], [TWO], lambda m: m[0]),
    (Iterable[Model], [{"to": TWO}], lambda m: m[0].to),
    (Model | None, {"to": TWO}, lambda m: m.to),
    (Annotated[Model, Field(description="whom")], {"to": TWO}, lambda m: m.to),
    (list[dict[str, Plain]], [{"a": {"to": TWO}}], lambda m: m[0]["a"].to),
]


@pytest.mark.parametrize(("annotation", "given", "reach"), PLACES)
def test_question_rules_and_every_attempt_see_what_it_gives(
    annotation: Any, given: Any, reach: Callable[[Any], Any]
) -> None:
    got: list[Any] = []
    seen: list[Any] = []
    asked: list[Question] = []

    async def send(m: Any) -> str:
        """Send."""
        got.append(list(reach(m)))
        if len(got) == 1:
            raise RateLimited(retry_after=0.01)
        return "sent"

    def look(call: LabelledCall) -> Ask:
        seen.append(list(reach(call.arguments["m"].value)))
        return Ask("look")

    send.__annotations__["m"] = annotation
    declared = tool(effect="write", name="call", retry=Retry(attempts=2, on=(RateLimited,)))(send)
    agent = LLMCompiler(
        tools=[declared],
        policy=Policy(rules=[look]),
        approve=lambda question: not asked.append(question),  # type: ignore[func-returns-value]
    )
    assert run(agent.execute(f"x = call({given!r})\njoin(x)\n"))["x"] == Observation("sent")
    assert (got, seen) == ([TWO, TWO], [TWO])
    assert reach(asked[0].arguments["m"]) == TWO
    assert "opaque" not in spelled(asked[0].arguments["m"])


@pytest.mark.parametrize(
    ("annotation", "given", "message"),
    [
        (Model, {"to": ["ann", 1]}, "call(): `m[1]`: Input should be a valid string, not 1"),
        (list[Iterable[int]], [[1, "eve"]], "call(): `m[1]`: Input should be a valid integer, unable to parse"),
        (
            Iterable[Annotated[int, AfterValidator(lambda n: 1 // n)]],
            [1, 0],
            "call(): checking the arguments raised ZeroDivisionError",
        ),
    ],
)
def test_one_of_which_an_item_does_not_fit_fails_the_call(annotation: Any, given: Any, message: str) -> None:
    async def send(m: Any) -> str:
        """Send."""
        return "sent"

    send.__annotations__["m"] = annotation
    agent = LLMCompiler(tools=[tool(effect="write", name="call")(send)])
    outcome = run(agent.execute(f"x = call({given!r})\njoin(x)\n"))["x"]
    assert isinstance(outcome, Failure)
    assert outcome.kind == "arguments"
    assert outcome.message.startswith(message)


def test_what_a_secret_one_gives_is_not_told_where_it_does_not_fit() -> None:
    @tool(effect="write", name="call", secret="m")
    async def send(m: list[Iterable[int]]) -> str:
        """Send."""
        return "sent"

    outcome = run(LLMCompiler(tools=[send]).execute("x = call([[1, 'hunter2']])\njoin(x)\n"))["x"]
    assert isinstance(outcome, Failure)
    assert "hunter2" not in outcome.message


@dataclass
class Returned:
    """A record that a tool makes with one in it."""

    inside: Model = field(default_factory=lambda: Model(to=["ann", "bob"]))


def test_one_in_a_result_is_there_for_every_call_that_is_given_it() -> None:
    @tool(effect="read", trust="trusted")
    async def draft() -> Returned:
        """A draft."""
        return Returned()

    @tool(effect="write", name="call")
    async def send(m: Any, n: int) -> list[str]:
        """Send."""
        return list(m.inside.to)

    outcomes = run(
        LLMCompiler(tools=[draft, send]).execute("d = draft()\nx = call(d, 1)\ny = call(d, 2)\njoin(x, y)\n")
    )
    assert [outcomes["x"], outcomes["y"]] == [Observation(TWO), Observation(TWO)]
