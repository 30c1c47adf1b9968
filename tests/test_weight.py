"""What a value weighs bounds what is made of it, and what weighs too much settles as a failure (rule L25)."""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator

from superscalar import Failure, LLMCompiler, Observation, Retry, UsageError, tool
from superscalar.codec import data_of
from superscalar.events import BudgetSpent, Started, Succeeded
from superscalar.journal import Journal
from superscalar.testing import ScriptedModel, run
from superscalar.values import Record, copied, plain
from superscalar.weight import MAX_WEIGHT, TooHeavy, is_light, weight_of
from support.random_values import VALUES
from support.running import executed

# ------------------------------------------------------------------------------------------- it bounds what is made


def size_of(value: Any) -> int:
    """Bytes of a value and all its parts, as often as they stand in it."""
    match value:
        case None | bool():
            return 0
        case str() | bytes() | int() | float():
            return sys.getsizeof(value)
        case dict():
            return sys.getsizeof(value) + sum(size_of(part) for pair in value.items() for part in pair)
        case list() | tuple() | set() | frozenset():
            return sys.getsizeof(value) + sum(map(size_of, value))
        case Record():
            return size_of(dict(value.__record_fields__))
        case Observation():
            return size_of(value.value)
    return sys.getsizeof(value)


def shared(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values that have the same part several times."""
    return st.one_of(
        parts.map(lambda part: [part, part, part]),
        parts.map(lambda part: {"a": part, "b": [part]}),
        parts.map(lambda part: (part, [part], {1: part})),
    )


@given(VALUES | shared(VALUES) | shared(shared(VALUES)))
def test_the_weight_of_a_value_bounds_every_copy_print_and_row_of_it(value: Any) -> None:
    weight = weight_of(value)
    assert size_of(copied(value)) <= weight
    assert len(json.dumps(data_of(value))) <= weight
    with suppress(ValueError):  # Python writes no integers of so many digits
        assert len(json.dumps(plain(value))) <= weight


@pytest.mark.parametrize(
    "part", [2**53 - 1, -(2**53), 0.1, "", "abc", "\x80", "\x00", "\U0001f600", True, None, float("nan")]
)
@pytest.mark.parametrize("other", [1, 1.5, "", "'", "\U0001f600", None])
def test_many_parts_weigh_at_least_what_each_of_them_does(part: Any, other: Any) -> None:
    parts = [*[part] * 40, other]
    assert weight_of(parts) >= len(json.dumps(data_of(parts)))
    assert weight_of(parts) >= size_of(parts)


def test_a_part_counts_as_often_as_it_stands_there() -> None:
    part = ["a text", 1.5]
    once = weight_of([part])
    assert weight_of([part] * 1_000) - weight_of([part] * 999) == once - weight_of([])
    assert weight_of([part, part]) == weight_of([["a text", 1.5], ["a text", 1.5]])


# ------------------------------------------------------------------------------------------------ more than a value may


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


class Model(BaseModel):
    left: Any
    right: Any


class Named(NamedTuple):
    left: Any
    right: Any


class Lying(list[Any]):
    """A list that says of itself what is not so."""

    def __len__(self) -> int:
        return 0

    def __sizeof__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __repr__(self) -> str:
        raise ValueError("no repr")


class Sequence(collections.abc.Sequence[Any]):
    def __init__(self, part: Any) -> None:
        self.part = part

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        return [self.part, self.part][index]


DOUBLED: dict[str, Callable[[Any], Any]] = {
    "lists": lambda part: [part, part],
    "tuples": lambda part: (part, part),
    "dicts": lambda part: {"a": part, "b": part},
    "dataclasses": lambda part: Pair(part, part),
    "models": lambda part: Model(left=part, right=part),
    "named tuples": lambda part: Named(part, part),
    "deques": lambda part: collections.deque([part, part]),
    "default dicts": lambda part: collections.defaultdict(list, {1: part, 2: part}),
    "lists with methods of their own": lambda part: Lying([part, part]),
    "sequences": Sequence,
    "outcomes": lambda part: [Observation(part), Failure("items", "", items=(Observation(part),))],
}


@pytest.mark.parametrize("double", DOUBLED.values(), ids=DOUBLED)
def test_what_shares_its_parts_fails_before_anything_is_made_of_it(double: Callable[[Any], Any]) -> None:
    made: Any = ["a text"]
    for _ in range(60):  # 2**60 texts, if it was written out
        made = double(made)

    async def give() -> Any:
        return made

    result = executed("a = give()\nb = echo(1)\njoin(a, b)", [give, echo])
    assert result.outcomes["a"] == Failure(
        "bounds",
        "the result of give is too large: it would take more than 256 MB where it is copied, printed or recorded",
    )
    assert result.outcomes["b"] == Observation("ok")


@tool(effect="read")
async def echo(x: Any) -> str:
    """Take anything."""
    return "ok"


def doubled(times: int = 60) -> Any:
    made: Any = [1]
    for _ in range(times):
        made = [made, made]
    return made


@pytest.mark.parametrize(
    "source",
    [
        "x = [0] * 100000\ny = [x] * 100000\nz = echo(y)\njoin(z)",
        "x = [0] * 100000\nz = echo([[x] * 100, {'a': x}])\njoin(z)",
        "x = [0] * 100000\nz = echo({'a': [x] * 100})\njoin(z)",
        "x = [0] * 100000\nd = {i: x for i in range(1000)}\nz = echo(d)\njoin(z)",
        "x = [0] * 100000\nz = echo((x,) * 1000)\njoin(z)",
        "x = 'ab' * 4000000\ny = [x] * 1000\nz = echo(y)\njoin(z)",
        "x = 'ab' * 4000000\ny = f'{[x] * 10}'\nz = echo(y)\njoin(z)",
        "x = 'ab' * 400000\ny = x.join(['a'] * 1000)\nz = echo(y)\njoin(z)",
        "x = [0] * 10000\nacc = []\nfor i in range(1000):\n    acc.append(x)\nz = echo(acc)\njoin(z)",
        "xs = [[0] * 1000 for i in range(1000)]\nys = [xs for x in xs]\nz = echo(ys)\njoin(z)",
    ],
)
def test_a_plan_of_few_lines_cannot_make_much_of_little(source: str) -> None:
    result = executed(source, [echo])
    assert {failure.kind for failure in result.outcomes.failures.values()} == {"bounds"}


def test_a_default_is_weighed_before_a_call_gets_its_own() -> None:
    made = doubled()

    @tool(effect="read")
    async def given_much(x: Any = made) -> str:
        """Take anything."""
        return "ok"

    failure = executed("a = given_much()\njoin(a)", [given_much]).outcomes["a"]
    assert isinstance(failure, Failure)
    assert failure.kind == "bounds"


@pytest.mark.parametrize("looped", [[], {}, Pair(1, 2)], ids=["list", "dict", "record"])
def test_what_holds_itself_is_too_large(looped: Any) -> None:
    match looped:
        case list():
            looped.append(looped)
        case dict():
            looped["self"] = looped
        case Pair():
            looped.left = looped
    with pytest.raises(TooHeavy, match="nested more than 200 deep, or holds itself"):
        weight_of(looped)


def test_a_write_whose_result_is_too_large_was_done_and_is_in_doubt() -> None:
    @tool(effect="write")
    async def post() -> Any:
        """Write."""
        return doubled()

    failure = executed("a = post()\njoin(a)", [post]).outcomes["a"]
    assert isinstance(failure, Failure)
    assert failure.in_doubt
    assert failure.message.endswith("recorded; the write was done")


@pytest.mark.parametrize("light", [None, True, 1.5, 2**53 - 1, "a" * 1_000, b"a" * 1_000])
def test_what_is_light_weighs_little(light: Any) -> None:
    assert is_light(light)
    assert weight_of(light) < 1_400


def test_what_is_not_light_is_weighed() -> None:
    assert [is_light(one) for one in (2**53, "a" * 1_001, [], (), {}, object())] == [False] * 6
    assert weight_of("a" * 1_000_000) < 1_000_100 < MAX_WEIGHT


# ------------------------------------------------------------------------------------------------- more than a run may


@tool(effect="read", resource="pages")
async def rows(seconds: float = 0.0) -> list[str]:
    """A megabyte of text."""
    await asyncio.sleep(seconds)
    return ["x" * 100_000 for _ in range(10)]


@tool(effect="write", resource="shelf")
async def store(seconds: float) -> str:
    """Write."""
    await asyncio.sleep(seconds)
    return "stored"


def test_the_result_that_a_run_has_no_room_for_fails_and_running_writes_end() -> None:
    source = "w = store(5)\na = rows(1)\nb = rows(2)\nc = rows(3)\njoin(w, a, b, c)"
    result = executed(source, [rows, store], max_bytes=2_500_000)
    assert {id: str(outcome) for id, outcome in result.outcomes.failures.items()} == {
        "c": "the result of rows is too large: the run's max_bytes=2,500,000 has no room for 1.001 MB beside the "
        "2.001 MB it holds",
    }
    assert result.outcomes["w"] == Observation("stored")
    told = [event for event in result.events if isinstance(event, BudgetSpent)]
    assert [(event.at, event.budget, event.limit) for event in told] == [(3.0, "max_bytes", 2_500_000)]


def test_what_has_not_begun_when_a_run_is_full_does_not_begin() -> None:
    source = "a = rows(1)\nb = rows(2)\nc = echo(len(b) if ok([b]) else 0)\nd = echo(default(b, 0))\njoin(a, d)"
    result = executed(source, [rows, echo], max_bytes=1_100_000)
    assert result.outcomes["d"] == Failure(
        "budget", "the run's max_bytes=1,100,000 does not allow it: 1.001 MB are held"
    )


def test_arguments_count_too_since_events_have_them() -> None:
    result = executed("a = rows()\nxs = [echo(a) for i in range(10)]\njoin(xs)", [rows, echo], max_bytes=5_000_000)
    kinds = [outcome.kind for outcome in result.outcomes.failures.values() if outcome.items is None]
    assert kinds
    assert set(kinds) <= {"bounds", "budget"}


def spread(count: Any) -> str:
    return "x" * int(count)


def test_defaults_count_as_arguments_do_and_so_does_what_is_made_of_little() -> None:
    @tool(effect="read")
    async def look(place: int, among: list[str] = ["x" * 1_000_000]) -> int:  # noqa: B006 -- each call has a copy
        """Look."""
        return place

    @tool(effect="read")
    async def read(text: Annotated[Any, BeforeValidator(spread)]) -> int:
        """Read."""
        return len(text)

    for call in "look(i)", "read(1000000 + i)":
        result = executed(f"xs = [{call} for i in range(9)]\njoin(xs)", [look, read], max_bytes=5_000_000)
        failed = [one.kind for one in result.outcomes.failures.values() if one.items is None]
        assert (failed.count("bounds"), failed.count("budget")) == (5, 4)  # those were bound before any began


def test_arguments_count_with_each_attempt_since_each_is_an_event() -> None:
    @tool(effect="read", retry=Retry(attempts=9, on=(ConnectionError,)))
    async def lost(xs: list[str]) -> int:
        """Never answers."""
        raise ConnectionError("gone")

    result = executed("a = rows()\nb = lost(a)\njoin(b)", [rows, lost], max_bytes=5_100_000)
    assert sum(isinstance(event, Started) and event.id == "b" for event in result.events) == 4
    assert re.fullmatch(
        r"an argument of lost is too large: the run's max_bytes=5,100,000 has no room for 1\.00\d MB beside the "
        r"5\.00\d MB it holds",
        str(result.outcomes["b"]),
    )


def test_the_joiner_answers_from_what_there_is() -> None:
    model = ScriptedModel("a = rows(1)\nb = rows(2)\njoin(a, b)\n", "Half of it is there.")
    result = run(LLMCompiler(model, [rows], max_bytes=1_100_000, max_replans=2).run("How much is there?"))
    assert result.answer == "Half of it is there."
    assert set(result.outcomes.failures) >= {"b"}


def test_a_run_that_goes_on_counts_what_it_held(tmp_path: Path) -> None:
    """Its process died before the last call; what had settled counts as it did."""
    path = tmp_path / "runs.db"
    source = "a = rows(1)\nb = rows(2)\nc = rows(3)\njoin(a, b, c)"

    happened = executed(source, [rows]).events
    survived = happened[: happened.index(next(e for e in happened if isinstance(e, Succeeded) and e.id == "b")) + 1]

    async def begin() -> None:
        log = Journal(path).begin("one", {"kind": "execute"})
        for event in survived:
            log.append(event)
        log.close()

    run(begin())
    result = run(LLMCompiler(tools=[rows], journal=path, max_bytes=2_100_000).resume("one"))
    assert {id: failure.kind for id, failure in result.outcomes.failures.items()} == {"c": "bounds"}


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_bound_that_makes_no_sense_is_refused(wrong: int) -> None:
    with pytest.raises(UsageError, match="max_bytes="):
        LLMCompiler(tools=[rows], max_bytes=wrong)


# ------------------------------------------------------------------------------------------------------ turns between


def test_a_long_result_is_weighed_and_copied_with_turns_of_the_loop_between() -> None:
    turns = [0]

    @tool(effect="read")
    async def many() -> Any:
        """Return 20,000 rows."""
        made = [{"id": i} for i in range(20_000)]
        turns[0] = 0
        return made

    async def main() -> int:
        async def tick() -> None:
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        outcomes = await LLMCompiler(tools=[many]).execute("a = many()\nb = 1\njoin(b, ok([a])[0][:1])")
        ticking.cancel()
        assert outcomes.complete
        return turns[0]

    assert asyncio.run(main()) >= 40  # 20 portions to weigh, 20 to copy


def test_a_list_that_grows_while_it_is_copied_is_copied_as_it_was() -> None:
    kept: list[Any] = [[0] for _ in range(5_000)]

    @tool(effect="read")
    async def growing() -> Any:
        """Return a list that somebody else adds to."""
        asyncio.get_running_loop().call_soon(kept.append, "later")
        return kept

    outcome = executed("a = growing()\njoin(a)", [growing]).outcomes["a"]
    assert isinstance(outcome, Observation)
    assert outcome.value == [[0]] * 5_000 or outcome.value == [*[[0]] * 5_000, "later"]


@pytest.mark.parametrize("letter", ["a", '"', "\\", " ", "\n", "\x7f", "é", "€"])
def test_a_short_text_weighs_as_it_is_held_or_as_it_is_quoted_whatever_is_more(letter: str) -> None:
    texts = [letter * length for length in range(1, 50)]
    assert [weight_of(text) for text in texts] == [
        8 + max(str.__sizeof__(text), len(json.dumps(text)) + 8) for text in texts
    ]
