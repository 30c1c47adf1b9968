"""The Task Fetching Unit: whatever a tool does, its task settles once and the run ends. In virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from random import Random
from threading import Event as Flag
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator

from superscalar import (
    Failure,
    Limit,
    LLMCompiler,
    NotDone,
    Observation,
    RateLimited,
    Retry,
    RunResult,
    Skipped,
    ToolContext,
    tool,
)
from superscalar.errors import IllegalEvent
from superscalar.events import DeadlinePassed, Event, Failed, Progressed, Retrying, RunEnded, Started
from superscalar.executors import local
from superscalar.executors.runners import Runners
from superscalar.plan.ir import Task
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from support.running import Gauge, calls, ends, executed, starts


@tool(effect="pure")
async def echo(value: Any = None) -> Any:
    return value


@tool(effect="pure")
async def wait(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


def failure(result: RunResult, id: str = "a") -> Failure:
    found = result.outcomes[id]
    assert isinstance(found, Failure), found
    return found


def of(result: RunResult, kind: type[Event]) -> list[Any]:
    return [event for event in result.events if isinstance(event, kind)]


class Max(Random):
    """Draws the longest of every wait."""

    def uniform(self, a: float, b: float) -> float:
        return b


# ----------------------------------------------------------------------------------------------------------- timeouts


def test_an_attempt_that_takes_too_long_fails_at_its_timeout() -> None:
    result = executed("a = wait(100)\njoin(a)", [wait], timeout=7)
    assert failure(result) == Failure("timeout", "wait gave no answer within 7 s", "TimeoutError")
    assert ends(result.events)["a"] == 7.0


def test_a_tools_own_timeout_wins_and_none_is_no_bound() -> None:
    @tool(timeout=None)
    async def patient() -> float:
        await asyncio.sleep(10_000)
        return 1.0

    @tool(timeout=3)
    async def hasty() -> None:
        await asyncio.sleep(10_000)

    result = executed("a = patient()\nb = hasty()\njoin(a, b)", [patient, hasty], timeout=7)
    assert result.outcomes["a"] == Observation(1.0)
    assert ends(result.events)["b"] == 3.0


def test_the_time_in_a_queue_is_not_the_tools() -> None:
    result = executed("xs = [wait(5, i) for i in range(4)]\njoin(xs)", [wait], timeout=6, max_concurrency=1)
    assert result.answer == [0, 1, 2, 3]


def test_an_answer_that_comes_while_it_is_being_cancelled_is_too_late() -> None:
    @tool(timeout=1)
    async def late() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
        return "late"

    result = executed("a = late()\njoin(a)", [late])
    assert failure(result).kind == "timeout"
    assert ends(result.events)["a"] == 1.1


def test_a_timeout_error_of_the_tools_own_is_an_error_like_any_other() -> None:
    async def gives_up() -> None:
        raise TimeoutError("the server is slow")

    assert failure(executed("a = gives_up()", [gives_up])) == Failure("error", "the server is slow", "TimeoutError")


# ------------------------------------------------------------------------------------------------------------- retries


def failing(times: int, error: BaseException, **terms: Any) -> tuple[Any, list[float]]:
    """A tool that raises so many times, and when it was called."""
    called: list[float] = []

    async def flaky() -> int:
        called.append(asyncio.get_running_loop().time())
        if len(called) <= times:
            raise error
        return len(called)

    return tool(**terms)(flaky), called


def test_waits_between_attempts_double_and_are_drawn_from_the_random_given() -> None:
    flaky, called = failing(9, ConnectionError("no"), retry=Retry(attempts=5, initial=1.0, maximum=4.0))
    result = executed("a = flaky()", [flaky], random=Max())
    assert called == [0.0, 1.0, 3.0, 7.0, 11.0]
    assert [(e.attempt, e.delay) for e in of(result, Retrying)] == [(1, 1.0), (2, 2.0), (3, 4.0), (4, 4.0)]
    assert [e.attempt for e in of(result, Started)] == [1, 2, 3, 4, 5]
    assert failure(result) == Failure("error", "no", "ConnectionError")


def test_the_same_random_gives_the_same_waits() -> None:
    times = []
    for _ in range(2):
        flaky, called = failing(3, ConnectionError("no"), retry=4)
        executed("a = flaky()", [flaky], random=Random(7))
        times.append(called)
    assert times[0] == times[1]
    assert len(set(times[0])) == 4


def test_a_success_ends_the_attempts() -> None:
    flaky, called = failing(1, ConnectionError("no"), retry=5)
    assert executed("a = flaky()\njoin(a)", [flaky]).answer == 2
    assert len(called) == 2


def test_what_is_not_declared_retryable_is_not_retried() -> None:
    for error, terms in (
        (ValueError("no"), {"retry": 5}),
        (ValueError("no"), {}),
        (ConnectionError("no"), {"retry": 1}),
    ):
        flaky, called = failing(1, error, **terms)
        executed("a = flaky()", [flaky])
        assert len(called) == 1


def test_a_timeout_is_retried_where_that_is_declared() -> None:
    called = 0

    @tool(timeout=1, retry=Retry(attempts=2, initial=0.0))
    async def slow_at_first() -> int:
        nonlocal called
        called += 1
        await asyncio.sleep(100 if called == 1 else 0)
        return called

    assert executed("a = slow_at_first()\njoin(a)", [slow_at_first]).answer == 2


def test_a_refusal_is_retried_by_default_and_its_wait_is_honoured() -> None:
    flaky, called = failing(2, RateLimited(retry_after=30.0))
    assert executed("a = flaky()\njoin(a)", [flaky]).answer == 3
    assert called[0] == 0.0
    for before, after in pairwise(called):
        assert 30.0 <= after - before <= 31.0  # a little later, so that not all come back at once


def test_a_backoff_longer_than_what_the_provider_asked_for_is_kept() -> None:
    flaky, called = failing(1, RateLimited(retry_after=0.5), retry=Retry(initial=8.0))
    executed("a = flaky()\njoin(a)", [flaky], random=Max())
    assert called == [0.0, 8.0]


@pytest.mark.parametrize("asked", [float("inf"), float("nan"), -5.0, "7", "soon", None])
def test_a_wait_that_makes_no_sense_is_a_backoff_of_ours(asked: Any) -> None:
    flaky, called = failing(1, RateLimited(retry_after=asked), limit="api", retry=Retry(initial=2.0))
    result = executed("a = flaky()\njoin(a)", [flaky], random=Max(), limits={"api": Limit(concurrency=1)})
    assert result.answer == 2
    assert called[1] == pytest.approx(7.7 if asked == "7" else 2.0, abs=1e-3)


WRITE: dict[str, Any] = {"effect": "write"}


def test_a_write_is_not_tried_again_after_an_error_that_says_nothing() -> None:
    flaky, called = failing(1, ConnectionError("reset"), retry=5, **WRITE)
    result = executed("a = flaky()", [flaky])
    assert len(called) == 1
    assert failure(result) == Failure("error", "reset", "ConnectionError", in_doubt=True)
    assert result.outcomes.in_doubt == ("a",)


def test_a_write_is_not_tried_again_after_a_timeout() -> None:
    called = 0

    @tool(effect="write", timeout=1, retry=5)
    async def post() -> None:
        nonlocal called
        called += 1
        await asyncio.sleep(100)

    result = executed("a = post()", [post])
    assert called == 1
    assert failure(result).in_doubt


@pytest.mark.parametrize("error", [NotDone("it is full"), RateLimited("slow down")])
def test_a_write_is_tried_again_after_an_error_that_says_nothing_happened(error: Exception) -> None:
    flaky, _ = failing(1, error, retry=Retry(on=(NotDone, RateLimited), initial=0.0), **WRITE)
    assert executed("a = flaky()\njoin(a)", [flaky]).answer == 2


def test_a_write_that_was_not_done_is_not_in_doubt() -> None:
    flaky, _ = failing(1, NotDone("it is full"), retry=1, **WRITE)
    assert failure(executed("a = flaky()", [flaky])) == Failure("error", "it is full", "NotDone")


def test_an_idempotent_write_is_tried_again_after_any_retryable_error() -> None:
    flaky, _ = failing(1, ConnectionError("reset"), retry=2, idempotent=True, **WRITE)
    assert executed("a = flaky()\njoin(a)", [flaky]).answer == 2


def test_a_write_whose_first_attempt_may_have_happened_stays_in_doubt() -> None:
    errors = [ConnectionError("reset"), NotDone("refused")]

    @tool(effect="write", idempotent=True, retry=Retry(attempts=2, initial=0.0))
    async def post() -> None:
        raise errors.pop(0)

    assert failure(executed("a = post()", [post])) == Failure("error", "refused", "NotDone", in_doubt=True)


def test_a_write_that_is_cancelled_before_it_is_tried_again_stays_in_doubt() -> None:
    flaky, called = failing(1, ConnectionError("reset"), retry=Retry(initial=100.0), idempotent=True, **WRITE)
    result = executed("a = flaky()\njoin(a)", [flaky], deadline=5.0, random=Max())
    assert len(called) == 1
    assert (failure(result).kind, failure(result).in_doubt) == ("deadline", True)


def test_an_attempt_ends_when_its_run_does_and_is_not_tried_again() -> None:
    flaky, called = failing(9, ConnectionError("reset"), retry=Retry(attempts=9, initial=4.0))
    result = executed("a = flaky()\njoin(a)", [flaky], deadline=5.0, random=Max())
    assert called == [0.0, 4.0]
    assert ends(result.events)["a"] == 5.0


# ---------------------------------------------------------------------------------------------- tools that misbehave


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED: list[BaseException] = [
    BaseException("base"),
    KeyboardInterrupt(),
    SystemExit(3),
    asyncio.CancelledError(),
    StopIteration(1),
    StopAsyncIteration(),
    GeneratorExit(),
    ExceptionGroup("several", [ValueError("one")]),
    MemoryError(),
    RecursionError(),
    IllegalEvent("not ours"),
    Unprintable(),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
def test_whatever_a_tool_raises_fails_its_task_and_the_run_ends(raised: BaseException, in_thread: bool) -> None:
    def sync() -> None:
        raise raised

    async def on_the_loop() -> None:
        raise raised

    bad = tool(name="bad")(sync if in_thread else on_the_loop)
    result = executed("a = bad()\nb = wait(1, 'kept')\nc = echo(a)\njoin(a, b, c)", [bad, wait, echo])
    assert failure(result).kind == ("cancelled" if isinstance(raised, asyncio.CancelledError) else "error")
    assert result.outcomes["b"] == Observation("kept")
    assert result.outcomes["c"] == Skipped("a")


def test_a_long_error_text_is_cut() -> None:
    async def bad() -> None:
        raise ValueError("x" * 1_000_000)

    assert len(failure(executed("a = bad()", [bad])).message) < 2_100


def looped() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def deep() -> list[Any]:
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


class Broken:
    """Raises at everything that is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no eq")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


@pytest.mark.parametrize(
    "make",
    [lambda: lambda: 1, lambda: (i for i in range(3)), object, Broken, lambda: Broken, lambda: NotImplemented],
    ids=["lambda", "generator", "object", "broken object", "class", "NotImplemented"],
)
@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
def test_what_is_no_data_is_handed_on_as_it_is(make: Callable[[], Any], in_thread: bool) -> None:
    value = make()

    def sync() -> Any:
        return value

    async def on_the_loop() -> Any:
        return value

    got: list[Any] = []

    async def take(given: Any) -> None:
        got.append(given)

    give = tool(name="give")(sync if in_thread else on_the_loop)
    result = executed("a = give()\ntake(a)", [give, take])
    assert len(got) == 1
    assert got[0] is value
    assert not isinstance(result.outcomes["take()"], Failure)


@pytest.mark.parametrize("make", [looped, deep], ids=["a list in itself", "a deep list"])
def test_a_result_that_is_nested_too_deeply_fails_its_task_and_the_run_ends(make: Callable[[], Any]) -> None:
    async def give() -> Any:
        return make()

    result = executed("a = give()\nb = wait(1, 'kept')\njoin(a, b)", [give, wait])
    assert failure(result).kind == "bounds"
    assert "nested more than 200 deep, or holds itself" in failure(result).message
    assert result.outcomes["b"] == Observation("kept")


def test_a_write_whose_result_cannot_be_copied_did_happen_and_is_in_doubt() -> None:
    @tool(effect="write")
    async def give() -> Any:
        return looped()

    assert failure(executed("a = give()", [give])).in_doubt


def test_a_coroutine_that_a_sync_function_returns_is_awaited() -> None:
    def give() -> Any:
        return wait.function(2, "awaited")

    result = executed("a = give()\njoin(a)", [give])
    assert result.answer == "awaited"
    assert ends(result.events)["a"] == 2.0


def test_a_validator_that_raises_anything_fails_its_task() -> None:
    result = executed("a = picky(echo('x'))\nb = echo(1)\njoin(a, b)", [picky, echo])
    assert failure(result).kind == "arguments"
    assert "KeyError" in failure(result).message
    assert result.outcomes["b"] == Observation(1)


def explode(value: str) -> str:
    raise KeyError("a bug in the validator")


async def picky(value: Annotated[str, AfterValidator(explode)]) -> None:
    raise AssertionError("never called")


@pytest.mark.parametrize(
    ("plan", "cause"),
    [
        ("a = bad()\ny = echo(a)", "a"),
        ("xs = [bad() for i in [1]]\ny = echo(xs[0])", "xs[0]"),
        ("xs = [bad() if i else 1 for i in [0, 1]]\ny = echo(xs[1])", "xs[1].bad"),
        ("xs = [bad() for i in [0, 1] if i]\ny = echo(xs[0])", "xs[1]"),
        ("xs = [1, bad()]\ny = echo(xs[1])", "xs[1]"),
        ("xs = [bad() for i in [1] for j in [1]]\ny = echo(xs[0])", "xs"),
        ("xs = [bad() for i in [1] for j in [1]]\nys = [echo(x) for x in xs]\ny = echo(ys[0])", "xs"),
        ("ys = [echo(i and bad()) for i in [1]]\ny = echo(ys[0])", "ys[0].bad"),
        ("xs = [bad()]\nys = [echo(default(x, 1)) for x in xs]\ny = echo(xs[-1])", "xs[0]"),
    ],
)
def test_a_skip_names_a_task_that_is_there_and_failed(plan: str, cause: str) -> None:
    async def bad() -> None:
        raise ValueError

    result = executed(plan, [bad, echo])
    assert result.outcomes["y"] == Skipped(cause)
    assert isinstance(result.outcomes[cause], Failure)


def test_changing_what_one_got_changes_nothing_for_others() -> None:
    async def spoil(items: Any) -> Any:
        items.append(99)
        return items

    result = executed("a = echo([1])\nb = spoil(a)\nc = echo(a)\nb2 = echo(b)\njoin(a, b, c, b2)", [echo, spoil])
    assert result.answer == [[1], [1, 99], [1], [1, 99]]


def test_changing_a_result_after_it_was_returned_changes_nothing() -> None:
    kept: list[int] = [1]

    async def give() -> list[int]:
        return kept

    async def spoil() -> None:
        await asyncio.sleep(1)
        kept.append(2)

    result = executed("a = give()\ns = spoil()\nw = wait(2)\nb = echo((a, w))\njoin(b)", [give, spoil, wait, echo])
    assert result.answer == ([1], None)


# ------------------------------------------------------------------------------------- tools that do not end when told


def test_a_tool_that_swallows_its_cancellation_is_abandoned_after_the_grace_period() -> None:
    @tool(timeout=1)
    async def deaf() -> None:
        for _ in range(100):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(10)

    result = executed("a = deaf()\nb = echo(1)\njoin(a, b)", [deaf, echo], grace=0.5)
    assert failure(result) == Failure(
        "timeout", "deaf gave no answer within 1 s; it did not end when told to", abandoned=True
    )
    assert ends(result.events)["a"] == 1.5


@pytest.fixture
def released() -> Iterator[Flag]:
    """What a blocked thread waits for; set when the test is over, so that no thread outlives it."""
    flag = Flag()
    yield flag
    flag.set()


@pytest.mark.parametrize("timeout", [4.9, 5.0, 5.1])
def test_a_timeout_that_passes_while_the_run_is_being_stopped_cuts_no_grace_period_short(timeout: float) -> None:
    @tool(effect="read", timeout=timeout)
    async def careful() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(0.3)

    result = executed("a = careful()\njoin(a)", [careful], deadline=5.0, grace=0.5)
    assert not failure(result).abandoned


@pytest.mark.parametrize("timeout", [5.4, 5.5, 5.6])
def test_a_write_that_ends_when_it_is_told_to_is_not_abandoned_whatever_told_it_first(timeout: float) -> None:
    @tool(effect="write", timeout=timeout)
    async def put() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(0.2)

    result = executed("a = put()\njoin(a)", [put], deadline=5.0, grace=0.5)
    assert (failure(result).abandoned, failure(result).in_doubt) == (False, True)


def test_a_tool_that_blocks_its_thread_is_abandoned_and_the_run_ends(released: Flag) -> None:
    @tool(timeout=1)
    def blocks() -> None:
        released.wait()

    result = executed("a = blocks()\nb = wait(3, 'kept')\njoin(a, b)", [blocks, wait], wait_for_threads=False)
    assert failure(result).abandoned
    assert ends(result.events) == {"a": 1.5, "b": 3.0, "join()": 3.0}


def test_what_an_abandoned_call_returns_later_is_not_heard() -> None:
    returned: list[float] = []

    @tool(timeout=1)
    async def deaf() -> str:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(10)
        returned.append(asyncio.get_running_loop().time())
        return "late"

    result = executed("a = deaf()\nb = wait(30)\nc = echo(a)\njoin(a, b, c)", [deaf, wait, echo])
    assert returned == [11.5]
    assert failure(result).abandoned
    assert ends(result.events) == {"a": 1.5, "c": 1.5, "b": 30.0, "join()": 30.0}


def test_what_an_abandoned_thread_raises_later_is_not_heard(released: Flag) -> None:
    @tool(timeout=1)
    def blocks() -> None:
        released.wait()
        raise OSError("too late")

    async def main() -> list[object]:
        heard: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        outcomes = await LLMCompiler(tools=[blocks]).execute("a = blocks()\njoin(a)")
        assert outcomes.failures["a"].abandoned
        released.set()
        while local.busy_threads():  # noqa: ASYNC110 -- nothing tells the loop when a thread is done
            await asyncio.sleep(0)
        await turns()
        gc.collect()
        return heard

    assert run(main(), wait_for_threads=False) == []


def test_an_abandoned_thread_gives_its_slot_back(released: Flag) -> None:
    @tool(timeout=1)
    def blocks() -> None:
        released.wait()

    plan = "a = blocks()\nb = echo(1)\njoin(a, b)"
    result = executed(plan, [blocks, echo], max_concurrency=1, wait_for_threads=False)
    assert starts(result.events)["b"] == 1.5


async def turns() -> None:
    """Let the event loop do whatever it can without time passing."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_thread_that_asks_learns_that_it_is_no_longer_wanted() -> None:
    running, asked = Flag(), Flag()

    def polite(run: ToolContext[None]) -> None:
        run.raise_if_cancelled()
        running.set()
        assert asked.wait(10)
        run.raise_if_cancelled()

    async def main() -> list[Event]:
        async with LLMCompiler(tools=[polite]).stream_plan("a = polite()\njoin(a)") as stream:
            stopping = None
            async for event in stream:
                if isinstance(event, Started):
                    await turns()
                    assert running.wait(10)
                    stopping = asyncio.create_task(stream.cancel())
                    await turns()  # the clock stands still while the thread is at work
                    asked.set()
            assert stopping is not None
            await stopping
            return list(stream.events)

    failures = [event.failure for event in run(main()) if isinstance(event, Failed) and event.id == "a"]
    assert failures == [Failure("cancelled", "the run was cancelled", "ToolCancelled")]


# -------------------------------------------------------------------------------------------------------- surroundings

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
def test_a_context_variable_of_one_tool_never_leaks_into_another(in_thread: bool) -> None:
    def sync(value: str, after: Any = None) -> str:
        before = variable.get()
        variable.set(value)
        return before

    async def on_the_loop(value: str, after: Any = None) -> str:
        return sync(value)

    leaks = tool(name="leaks", retry=1)(sync if in_thread else on_the_loop)
    plan = "a = leaks('a')\nb = leaks('b', after=a)\nxs = [leaks('x', after=i) for i in [a, b]]\njoin(a, b, xs)"

    async def main() -> Any:
        variable.set("the caller's")
        outcomes = await LLMCompiler(tools=[leaks]).execute(plan)
        return outcomes.joined, variable.get()

    joined, after = run(main())
    assert joined == ["the caller's", "the caller's", ["the caller's", "the caller's"]]
    assert after == "the caller's"


def test_the_context_is_handed_to_who_declares_it_and_is_seen_nowhere_else() -> None:
    seen: list[Any] = []

    @tool
    async def whoami(run: ToolContext[str], loud: bool = False) -> str:
        seen.append((run.context, run.run_id, run.task_id, run.attempt, run.idempotency_key))
        return "me"

    result = executed("a = whoami(True)\njoin(a)", [whoami], context="the secret")
    assert seen == [("the secret", "run", "a", 1, "run:a")]
    assert [p.name for p in whoami.signature.parameters] == ["loud"]
    assert calls(result.events) == [("whoami", {"loud": True})]
    assert "the secret" not in repr(result)


def test_a_plan_cannot_hand_over_a_context_of_its_own() -> None:
    @tool
    async def whoami(run: ToolContext[str]) -> str:
        return run.context

    found = LLMCompiler(tools=[whoami]).check("a = whoami(run='root')\njoin(a)")
    assert [d.code for d in found if d.severity == "error"] == ["E302"]


def test_the_idempotency_key_is_the_same_for_every_attempt_and_different_for_every_task() -> None:
    keys: list[tuple[str, int]] = []

    @tool(effect="write", idempotent=True, retry=Retry(attempts=3, initial=0.0))
    async def post(number: int, run: ToolContext[None]) -> None:
        keys.append((run.idempotency_key, run.attempt))
        if run.attempt < 3:
            raise ConnectionError("again")

    executed("a = post(1)\nxs = [post(i) for i in range(2)]", [post])
    assert keys == [(f"run:{id}", n) for id in ("a", "xs[0]", "xs[1]") for n in (1, 2, 3)]


def test_the_newest_progress_of_a_tick_is_an_event() -> None:
    async def works(run: ToolContext[None]) -> int:
        for message in ("half", "nearly"):
            run.progress("not told")
            run.progress(message, 0.5)
            await asyncio.sleep(0.2)
        return 1

    result = executed("a = works()\njoin(a)", [works])
    assert of(result, Progressed) == [Progressed(0.0, "a", "half", 0.5), Progressed(0.2, "a", "nearly", 0.5)]


def test_progress_told_in_a_thread_is_an_event() -> None:
    def works(run: ToolContext[None]) -> int:
        run.progress("half", 0.5)
        return 1

    assert of(executed("a = works()\njoin(a)", [works]), Progressed) == [Progressed(0.0, "a", "half", 0.5)]


def test_progress_of_an_attempt_that_is_over_is_not_heard() -> None:
    kept: list[ToolContext[None]] = []

    async def works(run: ToolContext[None]) -> None:
        kept.append(run)

    async def late() -> None:
        await asyncio.sleep(1)
        kept[0].progress("still here")

    result = executed("a = works()\nb = late()\nc = wait(2)\njoin(a, b, c)", [works, late, wait])
    assert of(result, Progressed) == []


# -------------------------------------------------------------------------------------- deadlines and cancellation


def test_at_the_deadline_what_is_unfinished_fails_and_the_rest_is_kept() -> None:
    result = executed("a = wait(1, 'a')\nb = wait(100)\nc = echo(b)\njoin(a, b, c)", [wait, echo], deadline=5.0)
    kept, cut, never = result.answer
    assert kept == "a"
    assert cut == Failure("deadline", "the run's deadline passed", "CancelledError")
    assert never == Failure("deadline", "the run's deadline passed before it started")
    assert of(result, DeadlinePassed) == [DeadlinePassed(5.0)]
    assert of(result, RunEnded) == [RunEnded(5.0)]


def test_a_deadline_that_is_not_reached_changes_nothing() -> None:
    result = executed("a = wait(1, 'a')\njoin(a)", [wait], deadline=5.0)
    assert result.answer == "a"
    assert of(result, DeadlinePassed) == []


def test_a_running_write_is_cancelled_only_after_the_grace_period_and_is_in_doubt() -> None:
    @tool(effect="write")
    async def post() -> None:
        await asyncio.sleep(100)

    result = executed("a = wait(100)\nb = post()\njoin(a, b)", [wait, post], deadline=5.0, grace=2.0)
    ended = ends(result.events)
    assert (ended["a"], ended["b"]) == (5.0, 7.0)
    assert failure(result, "b") == Failure("deadline", "the run's deadline passed", "CancelledError", in_doubt=True)
    assert not failure(result, "a").in_doubt


def test_a_write_that_ends_within_the_grace_period_succeeded() -> None:
    @tool(effect="write")
    async def post() -> str:
        await asyncio.sleep(6)
        return "posted"

    result = executed("b = post()\njoin(b)", [post], deadline=5.0, grace=2.0)
    assert result.outcomes["b"] == Observation("posted")
    assert ends(result.events)["b"] == 6.0


def test_a_write_that_swallows_its_cancellation_is_abandoned_and_in_doubt() -> None:
    @tool(effect="write")
    async def post() -> None:
        for _ in range(100):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(10)

    result = executed("b = post()\njoin(b)", [post], deadline=5.0, grace=2.0)
    assert (failure(result, "b").abandoned, failure(result, "b").in_doubt) == (True, True)
    assert ends(result.events)["b"] == 8.0


PLAN = """\
a = wait(1, [1, 2, 3])
b = deaf(2)
xs = [wait(1 + x, x) for x in a]
w = post(a)
r = flaky()
t = threaded(1)
q = [limited(i) for i in range(5)]
s = sum(xs) + len(q)
join(s, b, w, r, t)
"""


def tools_for_cancelling(gauge: Gauge) -> list[Any]:
    @tool(effect="pure")
    async def deaf(seconds: float) -> None:
        with gauge:
            for _ in range(2):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(seconds)

    @tool(effect="write")
    async def post(value: Any) -> None:
        with gauge:
            await asyncio.sleep(2)

    @tool(retry=Retry(attempts=4, initial=1.0))
    async def flaky() -> None:
        with gauge:
            await asyncio.sleep(0.5)
            raise ConnectionError

    def threaded(value: int) -> int:
        return value

    async def limited(number: int) -> int:
        with gauge:
            await asyncio.sleep(1)
        return number

    return [wait, deaf, post, flaky, threaded, limited]


@pytest.mark.parametrize("at", [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.25, 6.0])
def test_a_run_that_is_cancelled_at_any_point_settles_within_the_grace_period(at: float) -> None:
    gauge = Gauge()
    seen: list[Event] = []

    async def main() -> float:
        agent = LLMCompiler(tools=tools_for_cancelling(gauge), grace=0.5, max_concurrency=4, random=Max())
        async with agent.stream_plan(PLAN) as running:
            await asyncio.sleep(at)
            await running.cancel()
            ended = asyncio.get_running_loop().time()
            seen.extend(running.events)
        assert asyncio.all_tasks() == {asyncio.current_task()} or gauge.now > 0  # only what is deaf may be left
        return ended

    ended = run(main())
    assert at <= ended <= at + 0.75
    assert isinstance(seen[-1], RunEnded)
    planned = {event.task.id for event in seen if hasattr(event, "task")}
    assert planned <= set(ends(seen))
    assert all(not e.failure.abandoned or e.id == "b" or e.id == "w" for e in seen if isinstance(e, Failed))


@pytest.mark.parametrize("effect", ["read", "write"])
def test_a_call_that_is_cancelled_in_the_turn_in_which_it_starts_was_never_made(effect: Any) -> None:
    called: list[int] = []

    @tool(effect=effect)
    async def post() -> None:
        called.append(1)

    async def main() -> tuple[Any, float]:
        made = unit(post)
        made.add(tasks_of("a = post()", post)[0])
        made.seal()
        await made.cancel()
        return made.outcomes(), asyncio.get_running_loop().time()

    never = Failure("cancelled", "the run was cancelled before it started")
    assert run(main()) == ({"a": never}, 0.0)
    assert called == []


def test_no_call_starts_after_a_cancellation_that_opens_the_way_for_it() -> None:
    called: list[str] = []

    @tool(effect="write")
    async def post(value: Any) -> None:
        called.append("post")

    async def look() -> None:
        called.append("look")

    plan = "a = wait(100)\npost(a)\nb = look()\nxs = [look() for i in [1, 2]]\njoin(b, xs)"
    result = executed(plan, [wait, post, look], deadline=5.0)
    assert called == []
    assert failure(result, "b") == Failure("deadline", "the run's deadline passed before it started")
    assert result.timing.total == 5.0


def test_a_second_cancellation_does_not_wait_for_the_grace_period() -> None:
    @tool(effect="write")
    async def post() -> None:
        await asyncio.sleep(1_000)

    async def main() -> float:
        running = asyncio.create_task(LLMCompiler(tools=[post], grace=100.0).execute("a = post()"))
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return asyncio.get_running_loop().time()

    assert run(main()) == 2.0


def test_a_stream_that_is_cancelled_before_it_began_has_an_end() -> None:
    async def main() -> list[Event]:
        running = LLMCompiler(tools=[echo]).stream_plan("a = echo(1)")
        await running.cancel()
        return [event async for event in running]

    assert run(main()) == []


def test_leaving_the_block_of_a_stream_stops_the_run() -> None:
    gauge = Gauge()

    async def busy() -> None:
        with gauge:
            await asyncio.sleep(1_000)

    async def main() -> None:
        async with LLMCompiler(tools=[busy]).stream_plan("a = busy()") as running:
            async for event in running:
                if isinstance(event, Started):
                    break
            await asyncio.sleep(1)
            assert gauge.now == 1

    run(main())
    assert gauge.now == 0


# ------------------------------------------------------------------------------------------------------------- bounds


def test_a_task_beyond_max_tasks_fails_with_a_message_and_what_refers_to_it_is_skipped() -> None:
    result = executed("a = echo(1)\nb = echo(2)\nc = echo(3)\nd = echo(c)", [echo], max_tasks=2)
    assert result.outcomes["b"] == Observation(2)
    assert failure(result, "c").kind == "bounds"
    assert "max_tasks=2" in failure(result, "c").message
    assert failure(result, "d").kind == "bounds"
    assert len(calls(result.events)) == 2


def test_a_map_that_would_exceed_max_tasks_fails_before_any_of_its_items_runs() -> None:
    result = executed("xs = [echo(i) for i in range(100)]\nb = echo(1)", [echo], max_tasks=50)
    assert failure(result, "xs").kind == "bounds"
    assert calls(result.events) == [("echo", {"value": 1})]


@pytest.mark.parametrize(("count", "fits"), [(10, True), (11, False)])
def test_a_map_has_at_most_max_fan_out_items(count: int, fits: bool) -> None:
    result = executed(f"xs = [echo(i) for i in range({count})]\njoin(xs)", [echo], max_fan_out=10)
    assert (result.answer == list(range(count))) is fits
    assert fits or failure(result, "xs") == Failure("bounds", "11 items are more than max_fan_out=10")


def test_a_map_in_a_map_counts_as_well() -> None:
    plan = "xs = [echo((i, j)) for i in range(9) for j in range(9)]\njoin(len(ok(xs)))"
    result = executed(plan, [echo], max_tasks=60)
    assert len(calls(result.events)) < 60
    assert failure(result, "xs").kind == "items"


def test_a_bound_holds_over_replans_too() -> None:
    result = executed("\n".join(f"x{i} = echo({i})" for i in range(20)), [echo], max_tasks=10)
    assert len(calls(result.events)) == 10
    assert len(result.outcomes.failures) == 10
    assert result.answer["x9"] == 9


# ----------------------------------------------------------------------------------------------------- the unit itself


def unit(*tools: Any, record: Callable[[Event], None] | None = None, **bounds: Any) -> TaskFetchingUnit:
    events: list[Event] = []
    toolset = Toolset(tools)
    return TaskFetchingUnit(
        Surroundings(
            run="run",
            tools=toolset,
            limits=Limits(),
            runners=Runners().made(toolset),
            record=record or events.append,
            bounds=Bounds(**bounds),
        )
    )


def tasks_of(source: str, *tools: Any) -> tuple[Task, ...]:
    return LLMCompiler(tools=tools).compile(source).tasks


def test_tasks_may_come_from_a_stream_and_start_as_they_come() -> None:
    began: list[float] = []

    async def stamp() -> None:
        began.append(asyncio.get_running_loop().time())

    async def main() -> Any:
        async def slowly() -> AsyncIterator[Task]:
            for task in tasks_of("a = stamp()\nb = stamp()", stamp):
                yield task
                await asyncio.sleep(1)

        return await unit(stamp).run(slowly())

    assert list(run(main())) == ["a", "b", "join()"]
    assert began == [0.0, 1.0]


def test_a_stream_that_raises_settles_what_runs_and_raises_then() -> None:
    gauge = Gauge()

    async def busy() -> None:
        with gauge:
            await asyncio.sleep(100)

    async def main() -> float:
        async def dies() -> AsyncIterator[Task]:
            yield tasks_of("a = busy()", busy)[0]
            await asyncio.sleep(1)
            raise RuntimeError("the stream died")

        with pytest.raises(RuntimeError, match="the stream died"):
            await unit(busy).run(dies())
        return asyncio.get_running_loop().time()

    assert run(main()) == 1.0
    assert (gauge.entered, gauge.now) == (1, 0)


def test_writes_of_a_plan_that_was_never_sealed_fail_and_do_not_run() -> None:
    @tool(effect="write")
    async def post(number: int) -> int:
        raise AssertionError("it ran")

    async def main() -> Any:
        made = unit(post, echo)
        for task in tasks_of("a = post(1)\nb = post(2)\nc = echo(a)\nd = echo(4)", post, echo):
            made.add(task)
        await made.settle()
        return made.outcomes()

    outcomes = run(main())
    unsealed = Failure("cancelled", "the plan was never completed, so its writes may not run")
    assert (outcomes["a"], outcomes["b"], outcomes["c"], outcomes["d"]) == (
        unsealed,
        unsealed,
        Skipped("a"),
        Observation(4),
    )


def test_a_task_that_comes_after_the_end_is_refused() -> None:
    async def main() -> Any:
        made = unit(echo)
        await made.cancel()
        for task in tasks_of("a = echo(1)", echo):
            made.add(task)
        await made.settle()
        return made.outcomes()["a"]

    assert run(main()) == Failure("cancelled", "the run was cancelled before it started")


def test_a_bug_of_ours_is_raised_and_nothing_is_left_running() -> None:
    gauge = Gauge()

    async def busy() -> None:
        with gauge:
            await asyncio.sleep(100)

    def record(event: Event) -> None:
        if isinstance(event, Failed) and event.id == "a":
            raise IllegalEvent("made up")

    async def bad() -> None:
        await asyncio.sleep(1)
        raise ValueError

    async def main() -> None:
        made = unit(busy, bad, record=record)
        for task in tasks_of("a = bad()\nb = busy()", busy, bad):
            made.add(task)
        made.seal()
        with pytest.raises(IllegalEvent, match="made up"):
            await made.settle()

    run(main())
    assert (gauge.entered, gauge.now) == (1, 0)


def test_a_task_that_can_never_start_is_an_error_and_no_hang() -> None:
    async def main() -> None:
        made = unit(echo)
        made.add(tasks_of("a = echo(1)", echo)[0])
        made.seal()
        made.schedule.cell("a").missing = 1
        made.schedule.cell("a").status = "pending"
        for attempt in made.calls.live.copy():
            made.calls.end(attempt)
        with pytest.raises(IllegalEvent, match="nothing runs and nothing can start"):
            await made.settle()

    run(main())
