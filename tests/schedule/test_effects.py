"""Effects in a whole run: resources that depend on arguments (L17), failed writes (L19), identical calls (L21, L23)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings

from superscalar import Failure, Limit, LLMCompiler, NotDone, Observation, RunResult, Skipped, tool
from superscalar.errors import UsageError
from superscalar.events import Event, Resolved, Shared, Waiting
from superscalar.schedule.sharing import identity
from superscalar.testing import ScriptedModel, run
from superscalar.values import OrderedSet, Record, copied
from support.depth import examples
from support.random_values import VALUES, anatomy
from support.running import ends, executed, starts

# ------------------------------------------------------------------------------------------------------------ resources


@dataclass(slots=True)
class Files:
    """Files that take a second to read and to write."""

    texts: dict[str, Any] = field(default_factory=lambda: {"a": 1, "b": 2})

    @property
    def tools(self) -> list[Any]:
        def file(path: str) -> str:
            return f"file:{path}"

        @tool(effect="read", resource=file)
        async def load(path: str) -> Any:
            await asyncio.sleep(1)
            return self.texts[path]

        @tool(effect="write", resource=file)
        async def save(path: str, text: Any = None) -> str:
            await asyncio.sleep(1)
            if text == "bad":
                raise NotDone("made up")
            if text == "worse":
                raise ValueError("made up")
            self.texts[path] = text
            return path

        @tool(effect="pure")
        async def name(text: str) -> str:
            await asyncio.sleep(0.5)
            return text

        return [load, save, name]

    def run(self, source: str, *more: Any) -> RunResult:
        return executed(source, [*self.tools, *more])


def test_accesses_of_different_files_run_side_by_side() -> None:
    """Where the names are constants, or made of constants."""
    result = Files().run('p = "b"\nsave("a", 1)\nsave(p, 2)\nx = load(f"{p}")\njoin(x)')
    assert starts(result.events) == {"save()": 0.0, "save().2": 0.0, "x": 1.0}
    assert result.answer == 2


def test_a_file_whose_name_is_computed_is_any_file_until_it_is_known() -> None:
    result = Files().run('save("a", 1)\nsave(name("b"), 2)\nx = load("a")')
    assert starts(result.events) == {"save()": 0.0, "save().2.name": 0.0, "save().2": 0.5, "x": 1.0}
    assert [(e.id, e.resource) for e in result.events if isinstance(e, Resolved)] == [("save().2", "file:b")]


def test_files_of_a_map_keep_their_order_item_by_item() -> None:
    result = Files().run('xs = [save(p, 1) for p in ["a", "a", "b"]]\ny = [load("a") for p in ["a", "b"]]')
    assert starts(result.events) == {"xs[0]": 0.0, "xs[1]": 1.0, "xs[2]": 0.0, "y[0]": 2.0, "y[1]": 2.0}


@pytest.mark.parametrize("path", ['"a"', 'name("a")'])
def test_a_failed_write_of_one_file_is_nothing_to_another(path: str) -> None:
    """Whether or not its name was known before it ran (L19)."""
    result = Files().run(f'w = save({path}, "bad")\nx = load("a")\ny = load("b")\nz = load(name("a"))')
    assert result.outcomes["w"] == Failure("error", "made up", "NotDone")
    assert result.outcomes["x"] == result.outcomes["z"] == Skipped("w")
    assert result.outcomes["y"] == Observation(2)


@pytest.mark.parametrize("path", ['"a"', 'name("a")'])
def test_doubt_about_one_file_is_nothing_to_another(path: str) -> None:
    result = Files().run(f'w = save({path}, "worse")\nx = save(name("a"), 1)\ny = load("b")\nz = load("a")')
    assert result.outcomes["x"] == result.outcomes["z"] == Skipped("w")
    assert result.outcomes["y"] == Observation(2)


def test_a_map_goes_on_with_the_items_that_nothing_stands_in_the_way_of() -> None:
    result = Files().run('w = save("a", "worse")\nxs = [load(p) for p in ["a", "b"]]\njoin(ok(xs))')
    assert result.outcomes["xs[0]"] == Skipped("w")
    assert result.answer == [2]


def test_arguments_are_checked_before_they_name_a_resource() -> None:
    """The name is made of what the tool is given: here of 7, whichever way that was written."""

    @tool(effect="write", resource=lambda number: f"row:{number + 1}")
    async def put(number: int, text: str = "") -> None:
        await asyncio.sleep(1)

    result = executed('put("7")\nput(7)\nput(8)\nx = put("seven" if 1 else 0)', [put])
    assert starts(result.events) == {"put()": 0.0, "put().2": 1.0, "put().3": 0.0}
    assert result.outcomes["x"] == Failure("arguments", result.outcomes["x"].message)  # type: ignore[union-attr]


def test_what_an_argument_is_by_default_names_a_resource_too() -> None:
    @tool(effect="write", resource=lambda box: box)
    async def send(text: str, box: str = "out") -> None:
        await asyncio.sleep(1)

    assert starts(executed('send("x")\nsend("y", "out")\nsend("z", "in")', [send]).events) == {
        "send()": 0.0,
        "send().2": 1.0,
        "send().3": 0.0,
    }


def test_a_resource_that_cannot_be_named_fails_the_call() -> None:
    """It is the tool's own mistake, and shows; before that the call keeps its place among all of its provider."""

    @tool(effect="write", resource=lambda row: row["id"])
    async def put(row: dict[str, Any]) -> None:
        raise AssertionError("never called")

    seven: Any = lambda row: 7  # noqa: E731

    @tool(effect="write", resource=seven)
    async def number(row: int) -> None:
        raise AssertionError("never called")

    result = executed("a = put({})\nb = number(1)", [put, number])
    assert result.outcomes["a"] == Failure("arguments", "put(): resource= raised KeyError('id')")
    assert "gave 7, which is no text" in str(result.outcomes["b"])


def test_a_resource_is_made_of_the_tools_own_parameters() -> None:
    with pytest.raises(UsageError, match=r"takes pth, but its parameters are path, text; write resource=lambda path"):
        tool(effect="write", resource=lambda pth: pth)(lambda path, text: None)
    builtin: Any = dict  # has no signature that one can ask for
    with pytest.raises(UsageError, match="write a lambda"):
        tool(effect="write", resource=builtin)(lambda path: None)


# ------------------------------------------------------------------------------------------------- reads that fail


def test_a_read_that_fails_however_it_does_holds_nothing_up() -> None:
    """One that does not end when told to included: nobody hears what it finds, and it changes nothing (L19)."""
    written: list[float] = []

    @tool(effect="read", resource="store", timeout=1)
    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(100)
        await asyncio.sleep(100)

    @tool(effect="write", resource="store")
    async def put() -> None:
        written.append(asyncio.get_running_loop().time())

    result = executed("a = deaf()\nb = put()", [deaf, put])
    assert isinstance(result.outcomes["a"], Failure)
    assert result.outcomes["a"].abandoned
    assert (result.outcomes["b"], written) == (Observation(None), [1.5])


# ------------------------------------------------------------------------------------------------------ identical calls


def counting(result: Callable[[], Any] = lambda: 1, seconds: float = 1.0, **terms: Any) -> tuple[Any, list[Any]]:
    """A tool `look(key)` and the keys that it was really asked for."""
    asked: list[Any] = []

    @tool(**({"effect": "pure"} | terms))
    async def look(key: Any) -> Any:
        asked.append(key)
        await asyncio.sleep(seconds)
        return result()

    return look, asked


def shared(events: tuple[Event, ...]) -> list[tuple[str, str]]:
    return [(e.id, e.of) for e in events if isinstance(e, Shared)]


def test_identical_calls_of_a_pure_tool_are_one_call() -> None:
    """Also if the second is ready while the first is under way, or long over."""
    look, asked = counting()
    result = executed("a = look(1)\nb = look(key=1)\nc = look(1 if a else 2)\njoin(a, b, c)", [look])
    assert (result.answer, asked) == ([1, 1, 1], [1])
    assert shared(result.events) == [("b", "a"), ("c", "a")]
    assert ends(result.events) == {"a": 1.0, "b": 1.0, "c": 1.0, "join()": 1.0}


def test_a_read_is_made_as_often_as_it_is_written_unless_it_says_otherwise() -> None:
    for terms, times in (({"effect": "read"}, 2), ({"effect": "read", "dedupe": True}, 1), ({"dedupe": False}, 2)):
        look, asked = counting(**terms)
        executed("a = look(1)\nb = look(1)", [look])
        assert len(asked) == times


def test_two_equal_writes_are_two_writes() -> None:
    with pytest.raises(UsageError, match="two equal writes are two writes"):
        counting(effect="write", dedupe=True)


def test_arguments_of_other_types_are_other_arguments() -> None:
    look, asked = counting()
    executed("xs = [look(1), look(True), look(1.0), look('1'), look([1]), look((1,)), look({1: 2}), look([1])]", [look])
    assert list(map(repr, asked)) == ["1", "True", "1.0", "'1'", "[1]", "(1,)", "{1: 2}"]


def test_a_read_after_a_write_is_another_read() -> None:
    """Two reads after the same writes are one; a write that did not happen does not count (L21)."""
    asked: list[int] = []

    @tool(effect="read", resource="store", dedupe=True)
    async def peek() -> int:
        asked.append(len(asked))
        return len(asked)

    @tool(effect="write", resource="store")
    async def put(value: int) -> None:
        await asyncio.sleep(1)

    @tool(effect="write", resource="elsewhere")
    async def post() -> None:
        await asyncio.sleep(1)

    source = (
        "a = peek()\nput(1)\nb = peek()\npost()\nc = peek()\nd = put(2) if a > 5 else 0\ne = peek()\njoin(a, b, c, e)"
    )
    assert executed(source, [peek, put, post]).answer == [1, 2, 2, 2]


def test_each_task_keeps_its_own_guard() -> None:
    """The work runs if any of them needs it."""
    look, asked = counting()
    result = executed("a = look(1) if 0 else 5\nb = look(1)\nc = look(1) if 0 else 6\njoin(a, b, c)", [look])
    assert (result.answer, asked) == ([5, 1, 6], [1])


def test_each_task_gets_a_value_of_its_own() -> None:
    look, _ = counting(list)

    @tool(effect="read")
    async def spoil(rows: list[int]) -> list[int]:
        rows.append(1)
        return rows

    assert executed("a = look(1)\nb = look(1)\njoin(spoil(a), a, b)", [look, spoil]).answer == [[1], [], []]
    result = executed("a = look(1)\nb = look(1)", [look])
    first, second = result.outcomes["a"], result.outcomes["b"]
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert first.value is not second.value


def test_a_failure_is_that_of_every_identical_call_of_its_round() -> None:
    def down() -> None:
        raise ValueError("down")

    look, asked = counting(down)
    result = executed("a = look(1)\nb = look(1)\nc = default(a, 0)\nd = look(1 + c)", [look])
    assert (
        result.outcomes["a"] == result.outcomes["b"] == result.outcomes["d"] == Failure("error", "down", "ValueError")
    )
    assert asked == [1]


def in_rounds(look: Any, *rounds: str) -> RunResult:
    """Each round's plan in turn; the joiner asks for another one until there is none."""
    replies = [[text, "REPLAN: more"] for text in rounds[:-1]] + [[rounds[-1], "done"]]
    model = ScriptedModel(*[reply for both in replies for reply in both])
    return run(LLMCompiler(model, tools=[look]).run("why?"))


def test_a_later_round_reuses_what_succeeded_and_makes_again_what_failed() -> None:
    answers: list[Any] = [ValueError("down"), 7]

    def next_answer() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    look, asked = counting(next_answer)
    result = in_rounds(look, "a = look(1)\njoin()\n", "b = look(1)\njoin()\n", "c = look(1)\njoin()\n")
    assert [result.outcomes[id] for id in "abc"] == [
        Failure("error", "down", "ValueError"),
        Observation(7),
        Observation(7),
    ]
    assert (asked, shared(result.events)) == ([1, 1], [("c", "b")])


def test_a_call_that_is_shared_takes_part_in_no_limit() -> None:
    look, asked = counting(limit="one")
    result = executed("a = look(1)\nb = look(1)\nc = look(2)", [look], limits={"one": Limit(concurrency=1)})
    assert [e.id for e in result.events if isinstance(e, Waiting)] == ["c"]
    assert asked == [1, 2]


def test_a_run_that_is_stopped_stops_those_that_share_too() -> None:
    look, asked = counting(seconds=10)
    result = executed("a = look(1)\nb = look(1)", [look], deadline=1)
    kinds = {id: outcome.kind for id, outcome in result.outcomes.items() if isinstance(outcome, Failure)}
    assert (kinds, asked) == ({"a": "deadline", "b": "deadline"}, [1])


def test_opaque_handles_are_the_same_if_they_are_the_same_object() -> None:
    handle, other = object(), object()

    @tool(effect="read")
    async def handles() -> list[Any]:
        return [handle, other, handle]

    look, asked = counting()
    executed("xs = [look(h) for h in handles()]", [handles, look])
    assert asked == [handle, other]


# -------------------------------------------------------------------------------------------------- hoisting (rule L23)


def test_a_call_in_a_map_that_does_not_depend_on_the_item_is_made_once() -> None:
    look, asked = counting(lambda: 3, effect="read", dedupe=True)
    assert executed("xs = [i * look('rate') for i in range(100)]\njoin(sum(xs))", [look]).answer == 3 * 4950
    assert asked == ["rate"]


@pytest.mark.parametrize("source", ["[i * look(1) for i in []]", "[look(1) if i > 5 else 0 for i in range(3)]"])
def test_it_is_not_made_if_no_item_reaches_it(source: str) -> None:
    look, asked = counting()
    executed(f"xs = {source}", [look])
    assert asked == []


def test_it_is_made_when_the_first_item_reaches_it() -> None:
    look, asked = counting(seconds=1)

    @tool(effect="read")
    async def slow(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    result = executed("xs = [look(9) for i in [5, 2, 7] if slow(i) > 1]", [look, slow])
    assert asked == [9]
    assert ends(result.events)["xs[1]"] == 3.0
    assert {id for id, _ in shared(result.events)} == {"xs[0]", "xs[2]"}


# ---------------------------------------------------------------------------------------------------------- identity


@settings(max_examples=examples(120, 3_000))
@given(VALUES, VALUES)
def test_values_are_identical_if_nothing_tells_them_apart(one: Any, other: Any) -> None:
    assert identity(one) == identity(copied(one))
    assert (identity(one) == identity(other)) is (anatomy(one) == anatomy(other))


NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (OrderedSet([1, 2]), OrderedSet([2, 1])),
        (NOON, NOON.astimezone(dt.timezone(dt.timedelta(hours=1)))),
        (Record("a.Row", {"x": 1}), Record("b.Row", {"x": 1})),
        (object(), object()),
    ],
)
def test_what_a_tool_can_tell_apart_is_not_identical(one: Any, other: Any) -> None:
    assert identity(one) != identity(other)


def test_a_set_without_an_order_has_none() -> None:
    assert identity({1, 2, 3}) == identity({3, 2, 1})
    assert identity(float("nan")) == identity(float("nan"))
