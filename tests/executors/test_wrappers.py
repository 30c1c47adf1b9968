"""Executors of thirty lines: a cache, a dry run, faults, and a span around each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from examples.executors.cache import Cache
from examples.executors.dry_run import DryRun
from examples.executors.faults import Faults
from examples.executors.spans import Spans

from superscalar import Failure, LLMCompiler, Observation, Skipped, ToolContext, UsageError, tool
from superscalar.events import ModelAsked, Progressed, Started
from superscalar.executors import LOCAL, Channel, Executor, Invocation, Runner
from superscalar.testing import run
from superscalar.tools import Tool
from superscalar.values import Usage
from support.running import executed

# -------------------------------------------------------------------------------------------------------- the protocol


class Upper:
    """Gives in capitals what the tool gives."""

    def runner(self, tool: Tool[..., Any]) -> Runner:
        inner = LOCAL.runner(tool)

        async def loud(call: Invocation, channel: Channel) -> Any:
            value = await inner(call, channel)
            return value.upper()

        return loud


@tool(effect="read")
async def greet(name: str, greeting: str = "hello") -> str:
    return f"{greeting} {name}"


def test_the_calls_of_an_agent_run_where_its_executor_says() -> None:
    assert executed("a = greet('ann')\njoin(a)", [greet], executor=Upper()).answer == "HELLO ANN"


def test_a_tools_own_executor_wins() -> None:
    own = tool(name="own", effect="read", executor=LOCAL)(greet.function)
    plan = "a = own('ann')\nb = greet('ann')\njoin(a, b)"
    assert executed(plan, [own, greet], executor=Upper()).answer == ["hello ann", "HELLO ANN"]


def test_a_batch_is_one_call_of_its_form_where_the_tool_runs() -> None:
    seen: list[Invocation] = []

    class Noting:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            inner = LOCAL.runner(tool)

            async def note(call: Invocation, channel: Channel) -> Any:
                seen.append(call)
                return await inner(call, channel)

            return note

    @tool(effect="read", executor=Noting())
    async def price(ticker: str) -> float:
        return 1.0

    @price.batch
    async def prices(tickers: list[str]) -> list[float]:
        return [2.0 for _ in tickers]

    assert executed("xs = [price(t) for t in ['a', 'b']]\njoin(xs)", [price]).answer == [2.0, 2.0]
    assert seen == [Invocation("prices", {"tickers": ["a", "b"]}, "run", "xs[0]", 1)]


def test_an_executor_is_given_all_arguments_and_whose_call_it_is() -> None:
    seen: list[tuple[Invocation, Any, float | None]] = []

    class Noting:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            async def note(call: Invocation, channel: Channel) -> Any:
                seen.append((call, channel.context, channel.seconds_left))
                if call.attempt == 1:
                    raise ConnectionError
                return call.idempotency_key

            return note

    once = tool(effect="read", retry=2, timeout=7)(greet.function)
    result = executed("a = greet('ann')\njoin(a)", [once], executor=Noting(), context="the caller's")
    arguments = {"name": "ann", "greeting": "hello"}
    assert seen == [(Invocation("greet", arguments, "run", "a", n), "the caller's", 7.0) for n in (1, 2)]
    assert result.answer == "run:a"


def test_arguments_are_in_no_repr_of_a_call() -> None:
    assert "secret" not in repr(Invocation("login", {"password": "secret"}, "run", "a", 1))


def test_an_executor_that_refuses_a_tool_is_told_of_where_the_agent_is_made() -> None:
    class Refuses:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            raise UsageError(f"tool {tool.name} cannot run there")

    with pytest.raises(UsageError, match="tool greet cannot run there"):
        LLMCompiler(tools=[greet], executor=Refuses())


@pytest.mark.parametrize("given", [LOCAL.runner, object(), "local", Upper], ids=["method", "object", "text", "class"])
def test_what_is_no_executor_is_refused_where_it_is_given(given: Any) -> None:
    for make in (lambda: LLMCompiler(tools=[greet], executor=given), lambda: tool(executor=given)):
        with pytest.raises(UsageError, match=r"executor=.*runner\(tool\)"):
            make()


def test_an_executor_that_gives_no_runner_is_refused_with_what_to_write() -> None:
    class Forgets:
        def runner(self, tool: Tool[..., Any]) -> Any:
            return None

    with pytest.raises(UsageError, match=r"Forgets.runner\(greet\) gave NoneType: .*async def run\(call, channel\)"):
        LLMCompiler(tools=[greet], executor=Forgets())


def test_a_failure_of_the_executor_itself_is_one_of_the_call() -> None:
    class Breaks:
        def runner(self, tool: Tool[..., Any]) -> Any:
            if tool.name == "send":
                return lambda call, channel: 5  # nothing that can be awaited

            def broken(call: Invocation, channel: Channel) -> Any:
                raise OSError("no route to host")

            return broken

    @tool(effect="write")
    async def send() -> None:
        raise AssertionError("never called")

    result = executed("a = greet('ann')\nb = send()\nc = greet(a)\njoin(b, c)", [greet, send], executor=Breaks())
    assert result.outcomes["a"] == Failure("error", "no route to host", "OSError")
    assert result.outcomes["c"] == Skipped("a")
    made = result.outcomes["b"]
    assert isinstance(made, Failure)
    assert (made.kind, made.error, made.in_doubt) == ("error", "TypeError", True)


@pytest.mark.parametrize(
    "say",
    [
        lambda channel: channel.charge(-1.0, 0),
        lambda channel: channel.charge(float("nan"), 0),
        lambda channel: channel.charge(0.0, -1),
        lambda channel: channel.charge(0.0, float("inf")),
        lambda channel: channel.charge("much", 0),
        lambda channel: channel.used(Usage(cost=-1.0)),
        lambda channel: channel.used(Usage(input_tokens=-5)),
        lambda channel: channel.used({"cost": 1}),
    ],
    ids=["cost", "nan", "tokens", "endless tokens", "no number", "cost of a model", "tokens of a model", "no usage"],
)
def test_nothing_that_comes_over_a_channel_pays_back(say: Callable[[Any], None]) -> None:
    class Says:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            async def run(call: Invocation, channel: Channel) -> Any:
                say(channel)

            return run

    result = executed("a = greet('ann')\njoin(a)", [greet], executor=Says(), max_cost=1.0)
    failed = result.outcomes["a"]
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.error) == ("error", "ValueError")
    assert (result.cost, result.usage) == (0.0, Usage())


def test_odd_things_said_over_a_channel_are_told_as_texts_and_without_a_fraction() -> None:
    class Says:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            async def run(call: Invocation, channel: Any) -> Any:
                channel.asked(["no", "name"])
                channel.progress({"half": "done"}, "much")
                await asyncio.sleep(1)

            return run

    result = executed("a = greet('ann')\njoin(a)", [greet], executor=Says())
    told = [event for event in result.events if isinstance(event, Progressed | ModelAsked)]
    assert told == [ModelAsked(0.0, "greet", 1, "['no', 'name']"), Progressed(0.0, "a", "{'half': 'done'}", None)]


def test_what_an_executor_gives_is_checked_as_what_the_function_returns() -> None:
    class Lies:
        def runner(self, tool: Tool[..., Any]) -> Runner:
            async def lie(call: Invocation, channel: Channel) -> Any:
                return "many"

            return lie

    async def counted(**arguments: Any) -> int:
        return 1

    count = Tool.from_schema(
        "count", {"type": "object", "properties": {}}, counted, returns={"type": "integer"}, effect="read"
    )
    failed = executed("a = count()\njoin(a)", [count], executor=Lies()).outcomes["a"]
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.error) == ("error", "ResultError")


# ------------------------------------------------------------------------------------------------------------- wrappers


def counting(executor: Executor | None = None, **terms: Any) -> tuple[Tool[..., Any], list[Any]]:
    made: list[Any] = []

    async def ask(what: Any = None) -> list[Any]:
        made.append(what)
        return [what, len(made)]

    return tool(executor=executor, **{"effect": "read", "dedupe": False, **terms})(ask), made


def test_a_cache_keeps_what_a_call_gave_for_some_seconds_over_runs() -> None:
    ask, made = counting(Cache(seconds=60))

    async def main() -> list[Any]:
        agent, found = LLMCompiler(tools=[ask]), []
        for wait in (0, 59, 2):
            await asyncio.sleep(wait)
            found.append((await agent.execute("a = ask('x')\nb = ask('y')\njoin(a, b)")).joined)
        return found

    first = [["x", 1], ["y", 2]]
    assert run(main()) == [first, first, [["x", 3], ["y", 4]]]
    assert made == ["x", "y", "x", "y"]


def test_a_cache_keeps_no_more_than_it_may() -> None:
    ask, made = counting(Cache(most=1))
    executed("a = ask('x')\nb = ask(('y', a))\nc = ask(['x', b][0])\njoin(c)", [ask])
    assert made == ["x", ("y", ["x", 1]), "x"]


@pytest.mark.parametrize("terms", [{"effect": "write", "dedupe": None}], ids=["write"])
def test_a_cache_refuses_a_write(terms: dict[str, Any]) -> None:
    ask, _ = counting(Cache(), **terms)
    with pytest.raises(UsageError, match="tool ask is a write, and is not cached"):
        LLMCompiler(tools=[ask])


def test_a_cache_refuses_what_depends_on_who_calls() -> None:
    @tool(executor=Cache())
    async def inbox(run: ToolContext[str]) -> str:
        return run.context

    with pytest.raises(UsageError, match="tool inbox takes a ToolContext, and is not cached"):
        LLMCompiler(tools=[inbox])


def test_a_dry_run_reads_and_does_not_write() -> None:
    read, reads = counting()
    send, sent = counting(effect="write", dedupe=None, name="send")
    dry = DryRun()
    result = executed("a = ask('x')\nb = send(a)\nc = send(b)\njoin(a)", [read, send], executor=dry)
    assert result.answer == ["x", 1]
    assert result.outcomes["b"] == Failure("error", "this is a dry run", "NotDone")
    assert (reads, sent) == (["x"], [])
    assert [(call.tool, call.arguments) for call in dry.calls] == [("send", {"what": ["x", 1]})]


def test_a_dry_run_goes_on_with_what_stands_in_for_a_write() -> None:
    send, sent = counting(effect="write", dedupe=None, name="send")
    dry = DryRun(instead={"send": lambda call: call.arguments["what"] + 1})
    assert executed("a = send(1)\nb = send(a)\njoin(b)", [send], executor=dry).answer == 3
    assert sent == []


def test_faults_come_before_a_call_or_after_it_and_are_tried_again() -> None:
    ask, made = counting(retry=20)
    result = executed("xs = [ask(i) for i in range(20)]\njoin(len(xs))", [ask], executor=Faults(0.5))
    attempts = sum(isinstance(event, Started) for event in result.events)
    assert result.answer == 20
    assert 20 < len(made) < attempts


def test_a_write_whose_answer_was_lost_is_in_doubt() -> None:
    send, sent = counting(effect="write", dedupe=None, name="send", resource=lambda what: str(what))
    result = executed("\n".join(f"s{i} = send({i})" for i in range(10)), [send], executor=Faults(1.0))
    lost = [id for id, outcome in result.outcomes.items() if "lost" in getattr(outcome, "message", "")]
    assert lost == [f"s{i}" for i in sent]
    assert 0 < len(sent) < 10
    assert len(result.outcomes.in_doubt) == 10


current: ContextVar[str] = ContextVar("current", default="no span")


class FakeTracer:
    """Notes what it is told, and which span is the current one."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, dict[str, Any]]] = []

    @contextmanager
    def start_as_current_span(self, name: str, /, **options: Any) -> Iterator[Any]:
        assert options == {"record_exception": False, "set_status_on_exception": False}
        self.attributes: dict[str, Any] = {}
        before = current.set(name)
        try:
            yield self
        finally:
            current.reset(before)
            self.ended.append((name, self.attributes))

    def set_attribute(self, key: str, value: Any, /) -> None:
        self.attributes[key] = value


@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
def test_a_span_is_the_current_one_inside_its_call(in_thread: bool) -> None:
    def sync() -> str:
        return current.get()

    async def on_the_loop() -> str:
        return current.get()

    look = tool(name="look", effect="read")(sync if in_thread else on_the_loop)
    tracer = FakeTracer()
    assert executed("a = look()\njoin(a)", [look], executor=Spans(tracer)).outcomes["a"] == Observation(
        "execute_tool look"
    )
    told = {"superscalar.run_id": "run", "superscalar.task_id": "a", "superscalar.attempt": 1}
    assert tracer.ended == [("execute_tool look", told)]


def test_a_span_has_the_name_of_an_error_and_not_its_text() -> None:
    async def bad() -> None:
        raise ValueError("the password is 1234")

    tracer = FakeTracer()
    executed("a = bad()", [bad], executor=Spans(tracer))
    assert [attributes["error.type"] for _, attributes in tracer.ended] == ["ValueError"]
    assert "1234" not in repr(tracer.ended)
