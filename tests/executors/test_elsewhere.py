"""An executor in another process: what it is sent, what comes back, and how it ends."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial, reduce, wraps
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from superscalar import Failure, LLMCompiler, NotDone, RateLimited, Tool, UsageError, tool
from superscalar.errors import NotBegun
from superscalar.events import Charged, ModelUsed, Retrying
from superscalar.executors import LOCAL, address_of, check_sendable, function_at, raised_elsewhere, told_of
from superscalar.schedule.refusal import refusal_of
from superscalar.values import Usage
from support import depth, elsewhere
from support.elsewhere import Elsewhere, double, raises, sends, slowly
from support.running import ends, executed


@pytest.fixture(scope="module")
def away() -> Iterator[Elsewhere]:
    executor = Elsewhere()
    yield executor
    executor.end()


# ------------------------------------------------------------------------------------------------------ over the border


def test_calls_in_another_process_give_their_values_here(away: Elsewhere) -> None:
    result = executed("xs = [double(i) for i in range(3)]\nx = double(xs[2])\njoin(xs, x)", [double], executor=away)
    assert result.answer == [[0, 2, 4], 8]


def test_what_a_call_says_there_is_heard_here(away: Elsewhere) -> None:
    result = executed("a = slowly('it is')\njoin(a)", [slowly], executor=away, context={"user": "ann"})
    text, _, process = result.answer.rpartition(" ")
    assert text == "it is {'user': 'ann'} run:a 1"
    assert process != str(os.getpid())
    assert [event for event in result.events if isinstance(event, Charged | ModelUsed)] == [
        Charged(0.0, "a", 0.25, 3),
        ModelUsed(0.0, "slowly", Usage(input_tokens=5, requests=1)),
    ]


def test_a_call_there_is_cancelled_at_its_timeout(away: Elsewhere) -> None:
    result = executed("a = sends('mail', 100)\njoin(a)", [sends], executor=away, timeout=7)
    assert result.outcomes["a"] == Failure("timeout", "sends gave no answer within 7 s", "TimeoutError", in_doubt=True)
    assert ends(result.events)["a"] == 7.0


def test_what_is_raised_there_keeps_its_name_and_its_text(away: Elsewhere) -> None:
    result = executed("a = raises('Odd', 'no such thing')\njoin(a)", [raises], executor=away)
    assert result.outcomes["a"] == Failure("error", "no such thing", "Odd", in_doubt=True)


@pytest.mark.parametrize(("error", "again"), [("RateLimited", True), ("NotDone", False), ("ConnectionError", False)])
def test_what_says_that_nothing_happened_says_it_here_too(away: Elsewhere, error: str, again: bool) -> None:
    result = executed(f"a = raises('{error}', 'busy')\njoin(a)", [raises], executor=away)
    assert result.outcomes["a"] == Failure("error", "busy", error, in_doubt=error == "ConnectionError")
    assert any(isinstance(event, Retrying) for event in result.events) == again


def test_what_cannot_be_sent_was_not_called(away: Elsewhere) -> None:
    @tool(effect="read")
    async def opaque() -> Any:
        return lambda: 1

    here = tool(effect="read", executor=LOCAL)(opaque.function)
    failed = executed("a = opaque()\nb = sends(a)\njoin(b)", [here, sends], executor=away).outcomes["b"]
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.error, failed.in_doubt) == ("error", "NotBegun", False)
    assert failed.message.startswith("what it is called with cannot be sent: ")


# -------------------------------------------------------------------------------------------- refused where it is made


def closure() -> Callable[..., Any]:
    def inner(x: int) -> int:
        return x

    return inner


class Shelf:
    def look(self, x: int) -> int:
        return x


async def callback(then: Callable[[int], int]) -> int:
    return then(1)


async def shelves(all: dict[str, list[Shelf]]) -> int:
    return len(all)


@pytest.mark.parametrize(
    "function",
    [lambda x: x, closure(), Shelf().look, partial(double.function, number=2)],
    ids=["a lambda", "a function in a function", "a method bound to an object", "a partial"],
)
def test_a_tool_that_cannot_be_imported_is_refused_where_the_agent_is_made(
    function: Callable[..., Any], away: Elsewhere
) -> None:
    with pytest.raises(UsageError, match=r"tool unsent cannot be called in another process, .*@tool\(executor=LOCAL\)"):
        LLMCompiler(tools=[tool(name="unsent")(function)], executor=away)


@pytest.mark.parametrize(("function", "name"), [(callback, "then"), (shelves, "all")])
def test_a_tool_that_takes_an_object_of_this_process_is_refused_where_the_agent_is_made(
    function: Callable[..., Any], name: str, away: Elsewhere
) -> None:
    with pytest.raises(UsageError, match=f"tool {function.__name__} .*: `{name}` cannot be sent, as it is no data"):
        LLMCompiler(tools=[function], executor=away)


def test_a_tool_that_runs_here_need_not_be_found_there(away: Elsewhere) -> None:
    here = tool(name="here", executor=LOCAL)(closure())
    assert executed("a = here(2)\nb = double(a)\njoin(b)", [here, double], executor=away).answer == 4


def test_another_thing_of_the_same_name_is_none() -> None:
    def wrapped(number: int) -> int:
        return number

    wrapped.__module__, wrapped.__qualname__ = elsewhere.__name__, "double"
    with pytest.raises(UsageError, match="cannot be called in another process"):
        address_of(tool(wrapped))


def test_what_only_the_program_itself_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has another program."""
    found = closure()
    found.__module__, found.__qualname__ = "__main__", "found"
    monkeypatch.setattr(sys.modules["__main__"], "found", found, raising=False)
    with pytest.raises(UsageError, match="would look for it as __main__:found"):
        address_of(tool(found))


def test_a_batched_form_that_cannot_be_imported_is_refused_where_the_agent_is_made(away: Elsewhere) -> None:
    single = tool(effect="read")(double.function)

    @single.batch
    async def doubles(numbers: list[int]) -> list[int]:
        return numbers

    with pytest.raises(UsageError, match="tool doubles cannot be called in another process"):
        LLMCompiler(tools=[single], executor=away)


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def added(numbers: Annotated[list[int], Field(default_factory=list)]) -> int:
    return sum(numbers)


@logged
def counted(numbers: Annotated[list[int], Field(default_factory=list)]) -> int:
    return len(numbers)


@pytest.mark.parametrize("function", [added, counted], ids=["plain", "decorated"])
def test_a_tool_whose_defaults_are_made_is_found_as_it_is_written(function: Callable[..., Any]) -> None:
    address = address_of(tool(function))
    assert function_at(address) is function


def test_an_address_leads_to_the_function() -> None:
    assert address_of(double) == "support.elsewhere:double"
    assert function_at("support.elsewhere:double") is double.function
    assert address_of(tool(callback)) == f"{__name__}:callback"


def test_a_tool_of_a_schema_is_found_and_takes_data() -> None:
    schema = {"type": "object", "properties": {"x": {}}}
    here = Tool.from_schema("any-call", schema, takes_all, returns={"type": "integer"}, effect="read")
    check_sendable(here)
    assert address_of(here) == f"{__name__}:takes_all"


async def takes_all(**arguments: Any) -> int:
    return len(arguments)


# ----------------------------------------------------------------------------------------------------------- exceptions


class Refused(Exception):
    def __init__(self) -> None:
        self.status_code = 429
        self.headers = {"Retry-After": "7", "Authorization": "Bearer secret"}


class Unprintable(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("no"), ValueError),
        (ConnectionResetError(104, "reset"), ConnectionResetError),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), UnicodeDecodeError),
        (RateLimited("slow down", retry_after=3.0), RateLimited),
        (NotDone("full"), NotDone),
        (NotBegun("full"), TimeoutError),
        (asyncio.CancelledError("enough"), asyncio.CancelledError),
        (ExceptionGroup("several", [ValueError()]), Exception),
        (KeyboardInterrupt(), Exception),
        (StopIteration(1), Exception),
        (Unprintable(), ValueError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_exception_is_of_the_nearest_kind_that_is_known_here(
    error: BaseException, kind: type[BaseException]
) -> None:
    there = raised_elsewhere(told_of(error))
    assert type(there).__name__ == type(error).__name__
    assert isinstance(there, kind)
    assert str(there) == (
        "Unprintable, whose text raised RuntimeError" if isinstance(error, Unprintable) else str(error)
    )


def test_a_refusal_is_one_here_too_and_no_other_header_is_told() -> None:
    caused = ValueError("no quotes")
    caused.__cause__ = Refused()
    told = told_of(caused)
    assert "secret" not in repr(told)
    found = refusal_of(raised_elsewhere(told))
    assert found is not None
    assert (found.retry_after, found.nothing_done) == (7.0, True)


def test_causes_that_have_no_end_are_told_to_some_depth() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    error: BaseException | None = raised_elsewhere(told_of(first, deep=3))
    said = []
    while error is not None:
        said.append(str(error))
        error = error.__cause__
    assert said == ["first", "second", "first", "second"]


def test_a_class_that_only_one_tool_knows_is_found_among_what_it_is_tried_again_for() -> None:
    told = told_of(Refused())
    assert isinstance(raised_elsewhere(told, (Refused,)), Refused)
    assert not isinstance(raised_elsewhere(told), Refused)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"kinds": ["os.system"]},
        {"kinds": None},
        {"kinds": [["builtins.ValueError"], 5]},
        {"type": 5, "text": None},
        {"type": "x\0"},
        {"type": "\ud800"},
        {"type": "x" * 10_000, "text": "y" * 10_000},
        {"headers": {1: 2}, "status": "429", "retry_after": []},
        pytest.param(
            reduce(lambda inner, _: {"cause": inner}, range(5_000), dict[str, Any]()), id="causes without end"
        ),
    ],
)
def test_whatever_is_told_of_an_exception_makes_one(told: dict[str, Any]) -> None:
    error = raised_elsewhere(told)
    assert isinstance(error, Exception)
    assert len(type(error).__name__) <= 200
    assert len(str(error)) <= 2_100
    assert refusal_of(error) is None


def test_a_process_that_ends_fails_its_calls_and_a_write_is_in_doubt(away: Elsewhere) -> None:
    """The last one here: those before it share the process."""
    result = executed("a = double(2)\nb = sends('die')\nc = double(3)\njoin(a, b)", [double, sends], executor=away)
    away.end()
    gone = Failure("error", "the process that ran it has ended", "WorkerGone", in_doubt=True)
    assert result.answer == [4, gone]


# ------------------------------------------------------------------------------------------------ the tests of the unit

HERE = {
    "test_what_is_no_data_is_handed_on_as_it_is": "it compares objects of this process",
    "test_a_result_that_is_nested_too_deeply_fails_its_task_and_the_run_ends": "so deep a list cannot be pickled",
    "test_a_tool_that_blocks_its_thread_is_abandoned_and_the_run_ends": "it waits for a flag of this process",
    "test_what_an_abandoned_thread_raises_later_is_not_heard": "it waits for a flag of this process",
    "test_an_abandoned_thread_gives_its_slot_back": "it waits for a flag of this process",
    "test_a_thread_that_asks_learns_that_it_is_no_longer_wanted": "it waits for a flag of this process",
    "test_opaque_handles_are_the_same_if_they_are_the_same_object": "it compares objects of this process",
}
"""What is tested of a unit that needs more than values."""


@pytest.mark.search
@pytest.mark.skipif(not depth.searching(), reason="it takes minutes; make search does it")
@pytest.mark.parametrize(
    "file", ["test_unit", "test_effects", "test_writes_of_maps", "test_calls_under_way", "test_reports"]
)
def test_what_a_unit_promises_holds_for_calls_in_another_process(file: str) -> None:
    tests = f"tests/schedule/{file}.py"
    others = [word for name in HERE for word in ("--deselect", f"{tests}::{name}")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.run_elsewhere", tests, *others]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
