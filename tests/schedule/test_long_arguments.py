"""Calls come to long arguments in portions, with turns of the event loop between; and to the same ones as ever."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from superscalar import ApprovalPending, Failure, LLMCompiler, Observation, Question, RateLimited, tool
from superscalar.events import Event, Failed, Shared, Started, Succeeded
from superscalar.journal import Journal
from superscalar.testing import run
from superscalar.tools.context import ArgumentError
from superscalar.tools.validation import adapter_of, validator
from superscalar.values import WITHHELD
from superscalar.weight import PORTION
from support.running import executed

MANY = 5 * PORTION


def rows(count: int) -> str:
    """The line of a plan that has so many rows."""
    return f"a = [{{'id': i}} for i in range({count})]"


@tool
async def size(xs: list[dict[str, int]]) -> int:
    """How many there are."""
    return len(xs)


def turns_until_called(count: int, effect: str) -> int:
    """Turns of the loop from the beginning of a run to that of a call that is given so many dicts."""
    turns = called = 0

    @tool(effect=effect)  # type: ignore[call-overload,untyped-decorator]  # one of three
    async def size(xs: list[dict[str, int]]) -> int:
        """How many there are, and when that was asked."""
        nonlocal called
        called = turns
        return len(xs)

    async def main() -> None:
        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        outcomes = await LLMCompiler(tools=[size]).execute(
            f"a = [{{'id': i}} for i in range({count})]\nb = size(a)\njoin(b)"
        )
        ticking.cancel()
        assert outcomes["b"] == Observation(count)

    run(main())
    return called


@pytest.mark.parametrize("effect", ["read", "pure", "write"])
def test_what_is_long_is_copied_validated_weighed_and_shown_with_turns_between(effect: str) -> None:
    assert turns_until_called(MANY, effect) - turns_until_called(10, effect) >= 24  # 5 for each, and for the tool's own


def test_what_is_short_is_bound_in_the_turn_in_which_it_came_in() -> None:
    assert turns_until_called(PORTION, "read") == turns_until_called(1, "read")


# ------------------------------------------------------------------------------------------------- the same arguments

WRONG = [*range(PORTION), "x", *range(PORTION), None, {}]


@pytest.mark.parametrize(
    "given",
    [
        {"xs": WRONG, "n": 1},
        {"xs": list(range(MANY)), "n": "one"},
        {"n": "one", "xs": WRONG, "more": 1},
        {"xs": WRONG},
        {"xs": list(range(MANY))},
        {"xs": [str(i) for i in range(MANY)], "n": "3"},
        {"xs": tuple(range(MANY)), "n": 3},
        {"xs": list(range(MANY)), "n": 3, "ys": WRONG},
    ],
)
def test_what_is_checked_in_portions_is_found_right_or_wrong_in_the_same_places(given: dict[str, Any]) -> None:
    async def take(xs: list[int], n: int, ys: list[int] = []) -> None:  # noqa: B006 -- never called
        """Take what is given."""

    declared = tuple(inspect.signature(take, eval_str=True).parameters.values())
    try:
        expected: Any = adapter_of("take", "take", declared).validate_python(given)
    except ValidationError as error:
        expected = [e["loc"] for e in error.errors()]
    try:
        found: Any = validator("take", "take", declared)(given)
    except ArgumentError as error:
        found = str(error).split("; ")
        assert len(found) == len(expected)
        for sentence, place in zip(found, expected, strict=True):
            assert "".join([place[0], *(f"[{part}]" for part in place[1:])]) in sentence
        return
    assert found == expected


def test_a_call_that_does_not_fit_fails_as_a_short_one_does() -> None:
    result = executed("a = [*[{'n': i} for i in range(3_000)], 'x']\nb = size(a)\njoin(ok([b]))", [size])
    failure = result.outcomes["b"]
    assert isinstance(failure, Failure)
    assert failure.message == "size(): `xs[3000]`: Input should be a valid dictionary, not 'x'"


def test_what_a_run_has_no_room_for_fails_the_call_that_is_given_it() -> None:
    result = executed(f"{rows(3_000)}\nb = size(a)\njoin(ok([b]))", [size], max_bytes=2_000_000)
    found = result.outcomes["b"]
    assert isinstance(found, Failure)
    assert found.kind == "bounds"
    weighs = r"1\.3\d+ MB"  # a dict takes more or less of one version of Python than of another
    assert re.fullmatch(
        "an argument of size is too large: the run's max_bytes=2,000,000 has no room for "
        f"{weighs} beside the {weighs} it holds",
        found.message,
    )


def test_every_attempt_has_a_copy_of_its_own_and_so_have_the_events() -> None:
    seen: list[int] = []

    @tool(retry=2)
    async def emptying(xs: list[dict[str, int]]) -> int:
        """Spoil what it is given."""
        seen.append(sum(len(x) for x in xs))
        for x in xs:
            x.clear()
        if len(seen) == 1:
            raise RateLimited("not now")
        return len(xs)

    result = executed(f"{rows(3_000)}\nb = emptying(a)\njoin(b)", [emptying])
    assert seen == [3_000, 3_000]
    made = [{"id": i} for i in range(3_000)]
    assert result.outcomes["a"] == Observation(made)
    assert [e.arguments for e in result.events if isinstance(e, Started)] == [{"xs": made}] * 2


def test_identical_long_calls_are_one_call() -> None:
    pure = tool(effect="pure")(size.function)
    plan = f"{rows(3_000)}\nb = size(a)\nc = size(a)\nd = size(a[1:])\njoin([b, c, d])"
    result = executed(plan, [pure])
    assert result.answer == [3_000, 3_000, 2_999]
    assert [(e.id, e.of) for e in result.events if isinstance(e, Shared)] == [("c", "b")]


def test_a_long_secret_is_withheld() -> None:
    @tool(secret="xs")
    async def login(xs: list[str]) -> int:
        """Use many keys."""
        return len(xs)

    result = executed("a = [str(i) for i in range(3_000)]\nb = login(a)\njoin(b)", [login])
    assert [e.arguments for e in result.events if isinstance(e, Started)] == [{"xs": WITHHELD}]
    assert result.outcomes["b"] == Observation(3_000)


# --------------------------------------------------------------------------------------------- what happens meanwhile


def stopped_after(turns: int, plan: str, *tools: Any) -> tuple[Event, ...]:
    """The events of a run that is cancelled after so many turns of the loop."""

    async def main() -> tuple[Event, ...]:
        async with LLMCompiler(tools=[size, *tools]).stream_plan(plan, run_id="run") as running:
            async for event in running:
                if isinstance(event, Succeeded) and event.id == "a":
                    break
            for _ in range(turns):
                await asyncio.sleep(0)
            await running.cancel()
        return running.events

    return run(main())


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 60, 120])
@pytest.mark.parametrize("effect", ["read", "write"])
def test_a_call_that_is_stopped_before_its_tool_is_called_was_not_made(turns: int, effect: Any) -> None:
    called: list[int] = []

    @tool(effect=effect)
    async def use(xs: list[dict[str, int]]) -> None:
        """Note that it was called."""
        called.append(len(xs))

    events = stopped_after(turns, f"{rows(2_000)}\nb = use(a)\njoin(b)", use)
    assert [e.failure for e in events if isinstance(e, Failed) and e.id == "b"] == [
        Failure("cancelled", "the run was cancelled before it started")
    ]
    assert called == []


def test_a_long_call_that_nothing_needs_any_more_ends() -> None:
    @tool
    async def soon() -> int:
        """Return at once."""
        return 1

    plan = f"{rows(9_000)}\nw = first(1, [size(a), soon()])\njoin(w)"
    result = executed(plan, [size, soon])
    assert result.answer == [1]
    assert [e.tool for e in result.events if isinstance(e, Started)] == ["soon"]


def test_a_person_is_asked_of_a_long_call_once_it_is_bound_and_it_is_made_as_approved() -> None:
    asked: list[int] = []

    async def approve(question: Question) -> bool:
        asked.append(len(question.arguments["xs"]))
        return True

    @tool(effect="write", policy="ask")
    async def store(xs: list[dict[str, int]]) -> int:
        """Store rows."""
        return len(xs)

    result = executed(f"{rows(3_000)}\nb = store(a)\njoin(b)", [store], approve=approve)
    assert (result.answer, asked) == (3_000, [3_000])


def test_a_run_with_long_arguments_goes_on_in_another_process(tmp_path: Path) -> None:
    @tool(effect="write", policy="ask")
    async def store(xs: list[dict[str, int]]) -> int:
        """Store rows."""
        return len(xs)

    path = tmp_path / "runs.db"
    agent = LLMCompiler(tools=[size, store], journal=path)
    plan = f"{rows(3_000)}\nb = size(a)\nc = store(a)\njoin([b, c])"

    async def begin() -> None:
        async with agent.stream_plan(plan, run_id="one") as running:
            with pytest.raises(ApprovalPending):
                await running.result()

    run(begin())
    journal = Journal(path)
    journal.approve("one", *journal.questions("one"))
    assert run(agent.resume("one")).answer == [3_000, 3_000]
