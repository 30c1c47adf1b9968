"""Toolsets that must be open while their tools are called, and that may list them anew between runs."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from superscalar import Deny, Failure, Limit, LLMCompiler, Observation, Toolset, ToolsetError, UsageError, tool
from superscalar.testing import run


class Remote(Toolset):
    """Tools behind a connection that is opened in a second and closed in half of one."""

    def __init__(self, *tools: Any, fails: BaseException | None = None, fails_late: bool = False, **more: Any) -> None:
        super().__init__((), **more)
        self.there: Iterable[Any] | None = tools
        self.fails = fails
        self.fails_late = fails_late
        self.told: list[str] = []
        self.tasks: list[asyncio.Task[Any] | None] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        self.told.append("opening")
        self.tasks.append(asyncio.current_task())
        try:
            await asyncio.sleep(1.0)
            if self.fails is not None:
                raise self.fails
            self.told.append("open")
            yield
            if self.fails_late:
                raise OSError("the line is dead")
        finally:
            self.tasks.append(asyncio.current_task())
            await asyncio.sleep(0.5)
            self.told.append("closed")

    async def listed(self) -> Iterable[Any] | None:
        return self.there


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Latest price."""
    await asyncio.sleep(2.0)
    return 7.0


@tool(effect="read", trust="trusted")
async def name(ticker: str) -> str:
    """Full name of a company."""
    return ticker


@tool(effect="write", content=["amount"])
def pay(amount: int) -> str:
    """Pay."""
    return "paid"


def never(call: object) -> Deny:
    return Deny("never")


GUARDED: list[Callable[[Toolset], Any]] = [
    lambda guarded: guarded,
    lambda guarded: [guarded],
    lambda guarded: Toolset(guarded),
    lambda guarded: Toolset([Toolset([guarded])]),
    lambda guarded: [*guarded],
    lambda guarded: [member for member in guarded if member.effect == "write"],
    lambda guarded: [guarded.get("pay")],
]


@pytest.mark.parametrize("hand_over", GUARDED)
def test_a_rule_of_a_set_holds_however_its_tools_are_handed_over(hand_over: Callable[[Toolset], Any]) -> None:
    agent = LLMCompiler(tools=hand_over(Toolset([pay], policy=never)))
    outcome = run(agent.execute("x = pay(1)"))["x"]
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.message) == ("denied", "never")


def test_the_rules_of_sets_in_sets_are_all_asked_and_the_tool_itself_keeps_its_own() -> None:
    asked: list[str] = []
    inner = Toolset([pay], policy=lambda call: asked.append("inner"))
    outer = Toolset([inner], policy=lambda call: asked.append("outer"))
    assert run(LLMCompiler(tools=outer).execute("x = pay(1)"))["x"] == Observation("paid")
    assert asked == ["inner", "outer"]
    assert pay.policy is None


def test_a_set_that_is_handed_over_itself_keeps_its_limits_and_schemas() -> None:
    limited = Toolset([tool(limit="q")(name.function)], limits={"q": Limit(concurrency=1)}, schemas={"Name": str})
    agent = LLMCompiler(tools=limited)
    assert agent.tools.limits == {"q": Limit(concurrency=1)}
    assert agent.tools.get("extract") is not None


def test_runs_at_once_share_one_session_that_is_left_after_the_last() -> None:
    remote = Remote(price)
    agent = LLMCompiler(tools=remote)

    async def main() -> list[float]:
        async def later() -> Any:
            await asyncio.sleep(2.0)
            return await agent.execute("x = price('b')\njoin(x)")

        first, second = await asyncio.gather(agent.execute("x = price('a')\njoin(x)"), later())
        assert remote.told == ["opening", "open", "closed"]
        return [first.joined, second.joined]

    assert run(main()) == [7.0, 7.0]
    assert len(set(remote.tasks)) == 1  # entered and left in one asyncio task, which is no run's


def test_the_next_run_opens_it_again_and_one_that_comes_while_it_is_left_waits() -> None:
    remote = Remote(name)
    agent = LLMCompiler(tools=[remote, price])

    async def main() -> None:
        begun = asyncio.get_running_loop().time()
        first = asyncio.create_task(agent.execute("join(name('a'))"))
        await asyncio.sleep(1.2)  # the first is leaving
        assert (await agent.execute("join(name('b'))")).joined == "b"
        assert (await first).joined == "a"
        assert asyncio.get_running_loop().time() - begun == pytest.approx(3.0)

    run(main())
    assert remote.told == ["opening", "open", "closed"] * 2


def test_two_agents_share_a_session_and_the_program_may_keep_it_open() -> None:
    remote = Remote(name)

    async def main() -> None:
        async with remote:
            assert [*remote] == []  # what is listed is a run's own
            for _ in range(2):
                assert (await LLMCompiler(tools=[remote]).execute("join(name('b'))")).joined == "b"
            assert remote.told == ["opening", "open"]

    run(main())
    assert remote.told == ["opening", "open", "closed"]


def test_what_cannot_be_opened_fails_the_run_says_which_and_is_tried_again(tmp_path: Path) -> None:
    other, remote = Remote(name), Remote(price, fails=OSError("no route to https://ann:key@host/mcp?token=abc"))
    agent = LLMCompiler(tools=[other, remote], journal=tmp_path / "runs.db")
    with pytest.raises(ToolsetError) as error:
        run(agent.execute("join(price('b'))"))
    assert str(error.value) == ("the toolset Remote could not be opened: OSError: no route to https://host/mcp?...")
    assert (other.told, remote.told) == (["opening", "open", "closed"], ["opening", "closed"])
    remote.fails = None
    assert run(agent.execute("join(price('b'))")).joined == 7.0


@pytest.mark.parametrize("after", [0.0, 0.5, 1.0])
def test_a_run_that_is_cancelled_while_it_opens_leaves_nothing_open(after: float) -> None:
    remote = Remote(price)

    async def main() -> None:
        opening = asyncio.create_task(LLMCompiler(tools=remote).execute("join(price('b'))"))
        await asyncio.sleep(after)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert asyncio.get_running_loop().time() <= after + 0.5  # it is closed, and not opened to the end before
        assert remote.told.count("opening") == remote.told.count("closed")
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_a_run_that_is_cancelled_while_it_opens_takes_nothing_from_another() -> None:
    remote = Remote(price)
    agent = LLMCompiler(tools=remote)

    async def main() -> Any:
        first, second = (asyncio.create_task(agent.execute("join(price('b'))")) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        return (await second).joined

    assert run(main()) == 7.0
    assert remote.told == ["opening", "open", "closed"]


def test_what_goes_wrong_on_the_way_out_is_logged_and_ends_no_run(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "superscalar"):
        assert run(LLMCompiler(tools=Remote(name, fails_late=True)).execute("join(name('b'))")).joined == "b"
    assert [record.getMessage() for record in caplog.records] == [
        "the toolset Remote did not stay open, or was not closed well"
    ]


class Stuck(Remote):
    """What never closes by itself, and does not end either for so many cancellations."""

    def __init__(self, *tools: Any, deaf: int) -> None:
        super().__init__(*tools)
        self.deaf = deaf

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield
        for _ in range(self.deaf):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1e6)


@pytest.mark.parametrize(("deaf", "after", "said"), [(1, 10.0, 1), (2, 12.0, 2)])
def test_what_does_not_close_holds_no_run_for_ever(
    deaf: int, after: float, said: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is cancelled, then left alone; whoever waits to open it anew does not wait for that one."""
    agent = LLMCompiler(tools=Stuck(name, deaf=deaf))

    async def main() -> list[float]:
        now = asyncio.get_running_loop().time

        async def one(delay: float) -> float:
            await asyncio.sleep(delay)
            assert (await agent.execute("join(name('b'))")).joined == "b"
            return now()

        return [*await asyncio.gather(one(0.0), one(5.0))]

    with caplog.at_level(logging.WARNING, "superscalar"):
        assert run(main()) == [after, after + after]
    assert [record.getMessage() for record in caplog.records] == [
        "the toolset Stuck has not closed for 10 seconds, and is cancelled",
        "the toolset Stuck does not close, and is left as it is",
    ][:said] * 2


def test_who_is_cancelled_while_it_closes_is_cancelled_and_it_hurries() -> None:
    async def kept_open() -> None:
        async with Stuck(name, deaf=1):
            pass

    async def main() -> float:
        closing = asyncio.create_task(kept_open())
        await asyncio.sleep(1.0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        return asyncio.get_running_loop().time()

    assert run(main()) == 1.0


def test_a_set_with_a_session_of_its_own_opens_the_sets_in_it_before() -> None:
    """Their tools are listed and called with their sessions open, as anywhere else."""
    told: list[str] = []
    inner = Remote(price)
    inner.told = told

    class Outer(Toolset):
        @asynccontextmanager
        async def session(self) -> AsyncIterator[None]:
            told.append("outer open")
            yield
            told.append("outer closed")

    assert run(LLMCompiler(tools=Outer([inner, name])).execute("join(price('b'), name('c'))")).joined == [7.0, "c"]
    assert told == ["opening", "open", "outer open", "outer closed", "closed"]


def test_a_set_is_left_where_it_was_entered() -> None:
    remote = Remote(price)

    async def leave() -> None:
        await remote.__aexit__(None, None, None)

    with pytest.raises(UsageError, match="the toolset Remote is not open on this event loop"):
        run(leave())


def test_a_toolset_keeps_no_event_loop_that_is_gone() -> None:
    remote = Remote(name, fails=None)
    agent = LLMCompiler(tools=remote)
    loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    async def main() -> None:
        loops.add(asyncio.get_running_loop())
        with suppress(ToolsetError):
            await agent.execute("join(name('b'))")

    run(main())
    remote.fails = OSError("gone")
    run(main())
    remote.tasks.clear()
    remote.fails = None
    gc.collect()
    assert not loops


class Exotic(BaseException):
    pass


@pytest.mark.parametrize("raised", [Exotic("x"), BaseExceptionGroup("g", [asyncio.CancelledError()])])
def test_whatever_a_toolset_raises_is_an_error_of_the_toolset(raised: BaseException) -> None:
    """As libraries raise it that cancel in groups: the run is not cancelled for that, and no task is left with it."""
    agent = LLMCompiler(tools=[Remote(price, fails=raised)])
    with pytest.raises(ToolsetError, match=rf"the toolset Remote could not be opened: {type(raised).__name__}: "):
        run(agent.execute("join(price('b'))"))


def test_a_session_that_died_is_opened_again_for_the_next_run() -> None:
    remote = Remote(name)

    async def main() -> None:
        async with remote:
            task = remote.tasks[0]
            assert task is not None
            task.cancel()
            await asyncio.wait([task])
            assert (await LLMCompiler(tools=[remote]).execute("join(name('b'))")).joined == "b"

    run(main())
    assert remote.told == ["opening", "open", "closed"] * 2


def test_a_deadline_counts_from_before_the_tools_are_open() -> None:
    agent = LLMCompiler(tools=Remote(price), grace=0.0)
    with pytest.raises(ToolsetError, match=r"the tools were not open within deadline=0\.5"):
        run(agent.execute("join(price('b'))", deadline=0.5))
    outcome = run(agent.execute("x = price('b')", deadline=2.5))["x"]
    assert isinstance(outcome, Failure)
    assert outcome.kind == "deadline"
    assert run(agent.execute("x = price('b')", deadline=3.5))["x"] == Observation(7.0)


def test_tools_are_listed_anew_between_runs_and_stay_what_they_are_within_one() -> None:
    remote = Remote(price, policy=lambda call: Deny("no names") if call.tool == "name" else None)
    agent = LLMCompiler(tools=[remote])

    async def main() -> None:
        running = asyncio.create_task(agent.execute("join(price('b'))"))
        await asyncio.sleep(1.5)
        remote.there = (name, price)
        assert (await running).joined == 7.0
        assert [member.name for member in agent.tools] == ["price"]
        outcome = (await agent.execute("x = name('b')"))["x"]
        assert isinstance(outcome, Failure)
        assert outcome.message == "no names"
        tools = agent.tools
        await agent.execute("join(price('b'))")
        assert agent.tools is tools  # nothing has changed, and nothing was prepared anew
        remote.there = ()
        with pytest.raises(Exception, match="price"):
            await agent.execute("join(price('b'))")

    run(main())


def test_tools_that_cannot_be_listed_or_have_one_name_fail_the_run() -> None:
    class Broken(Toolset):
        async def listed(self) -> Any:
            raise ConnectionResetError("gone")

    with pytest.raises(ToolsetError, match="the toolset Broken did not list its tools: ConnectionResetError: gone"):
        run(LLMCompiler(tools=Broken()).execute("join(1)"))
    with pytest.raises(UsageError, match="two tools are called 'name'"):
        run(LLMCompiler(tools=[Remote(name), name]).execute("join(1)"))


def _broken() -> Iterable[Any]:
    yield price
    raise ConnectionResetError("gone, https://host/mcp?token=abc")


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (lambda: 5, "did not list its tools: TypeError: 'int' object is not iterable"),
        (_broken, r"did not list its tools: ConnectionResetError: gone, https://host/mcp\?\.\.\.$"),
        (lambda: [Remote(price)], "lists Remote, which has to be opened: hand that over when it is made"),
        (lambda: Remote(price), "lists Remote, which has to be opened"),
    ],
)
def test_what_is_listed_is_what_can_be_called_or_an_error_of_the_toolset(listed: Any, why: str) -> None:
    class Wrong(Toolset):
        async def listed(self) -> Any:
            return listed()

    with pytest.raises(ToolsetError, match=why):
        run(LLMCompiler(tools=Wrong()).execute("join(price('b'))"))


def test_who_is_cancelled_while_it_lists_is_cancelled() -> None:
    class Slow(Remote):
        async def listed(self) -> Iterable[Any] | None:
            await asyncio.sleep(1e6)
            return ()

    async def main() -> None:
        listing = asyncio.create_task(Slow().now())
        await asyncio.sleep(5.0)
        listing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listing

    run(main())


def test_what_cancels_itself_while_it_lists_cancels_no_run() -> None:
    class Cancels(Toolset):
        async def listed(self) -> Any:
            raise asyncio.CancelledError

    with pytest.raises(ToolsetError, match="the toolset Cancels did not list its tools: CancelledError"):
        run(LLMCompiler(tools=Cancels()).execute("join(1)"))


def test_a_set_that_is_listed_keeps_its_rules_limits_and_schemas() -> None:
    limited = tool(limit="q")(name.function)
    inner = Toolset([limited], limits={"q": Limit(concurrency=1)}, schemas={"Name": str}, policy=never)

    class Lists(Toolset):
        async def listed(self) -> Any:
            return inner

    agent = LLMCompiler(tools=Lists())
    outcome = run(agent.execute("x = name('b')"))["x"]
    assert isinstance(outcome, Failure)
    assert outcome.message == "never"
    assert (agent.tools.limits, agent.tools.named) == (inner.limits, {"Name": str})


def test_a_run_is_resumed_with_the_tools_that_are_listed_then(tmp_path: Path) -> None:
    remote = Remote(price)
    agent = LLMCompiler(tools=remote, journal=tmp_path / "runs.db")

    async def main() -> None:
        running = agent.stream_plan("join(price('b'))", run_id="r")
        async with running:
            async for event in running:
                if type(event).__name__ == "Started":
                    running.suspend()
        remote.there = (name,)
        with pytest.raises(UsageError, match="price"):
            await agent.resume("r")
        remote.there = (price,)
        assert (await agent.resume("r")).answer == 7.0

    run(main())
    assert remote.told == ["opening", "open", "closed"] * 3


def test_a_turn_of_native_calls_finds_the_tools_that_are_listed() -> None:
    agent = LLMCompiler(tools=Remote(name))
    turn = [{"type": "tool_use", "id": "1", "name": "name", "input": {"ticker": "b"}}]
    assert [result.outcome for result in run(agent.execute_calls(turn))] == [Observation("b")]


def test_plain_functions_have_nothing_to_open() -> None:
    plain = Toolset([price, Toolset([name])])
    assert not plain.is_live

    async def main() -> None:
        async with plain as entered:
            assert entered is plain
            assert await plain.now() is plain
            assert len(asyncio.all_tasks()) == 1

    run(main())


def test_tools_are_described_as_a_planner_sees_them() -> None:
    tools = Toolset([price, name, pay])
    assert tools.describe(limit=2) == (
        "price(ticker: str) -> float  # Latest price.\nname(ticker: str) -> str  # Full name of a company."
    )
    assert tools.describe("company") == "name(ticker: str) -> str  # Full name of a company."
    assert tools.describe("the weather in Rome") == ""
    with pytest.raises(UsageError, match=r"describe\(limit=0\): write a whole number from 1 on"):
        tools.describe("price", limit=0)


def test_tools_are_found_by_names_descriptions_and_parameters_the_best_first_and_ties_in_order() -> None:
    def made(name: str, description: str, **parameters: Any) -> Any:
        def function(**given: Any) -> None: ...

        function.__name__, function.__doc__ = name, description
        function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(p, inspect.Parameter.KEYWORD_ONLY, annotation=str) for p in parameters]
        )
        return tool(function)

    tools = Toolset(
        [
            made("getWeatherForecast", "The next days at a place.", city=1),
            made("list_invoices", "All open invoices of a customer, with dates and amounts and much else.", customer=1),
            made("get_invoice", "One invoice.", id=1),
            made("find_user", "A user.", email_address=1),
            made("find_group", "A group.", email_address=1),
        ]
    )

    def found(query: str) -> list[str]:
        return [line.partition("(")[0] for line in tools.describe(query).splitlines()]

    assert found("weather") == ["getWeatherForecast"]
    assert found("INVOICE") == ["get_invoice", "list_invoices"]
    assert found("email address") == ["find_user", "find_group"]
    assert found("open customer invoices") == ["list_invoices", "get_invoice"]
    assert found("") == []


def test_a_set_without_some_tools_finds_no_others_whatever_was_looked_for_before() -> None:
    tools = Toolset([price, name])
    assert "price(" in tools.describe("price")
    assert len(tools.sizes) == 2
    fewer = tools.without(lambda one: one.name == "price")
    assert (fewer.describe("price"), fewer.describe("name"), fewer.sizes) == ("", fewer.describe(), [tools.sizes[1]])
