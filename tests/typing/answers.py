"""What type checkers say of an agent, its answers and its tools: read by mypy and pyright, never run."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, assert_type

from pydantic import BaseModel

from superscalar import LLMCompiler, Outcomes, RunResult, RunStream, Tool, ToolContext, Toolset, tool
from superscalar.testing import NotedContext, tool_context


class Brief(BaseModel):
    text: str


@dataclass
class Shop:
    key: str


@tool(effect="read")
async def price(ticker: str) -> float:
    """The price of a share."""
    return 1.0


@tool(effect="write")
def send(to: str, text: str, run: ToolContext[Shop]) -> str:
    """Send a message."""
    return assert_type(run.context, Shop).key


def plain(text: str, times: int = 1) -> list[str]:
    """Say a text again."""
    return [text] * times


async def answers(either: str | None) -> None:
    text = LLMCompiler("openai:gpt-5-mini", [price])
    assert_type(text, LLMCompiler[Any, str])
    assert_type(await text.run("Which?"), RunResult[str])
    assert_type(text.run_sync("Which?").answer, str)
    assert_type((await text.resume("monday")).answer, Any)  # it may have been a plan
    assert_type(text.stream("Which?"), RunStream[str])
    assert_type((await text.stream("Which?").result()).answer, str)
    assert_type(await text.execute("join(1)"), Outcomes)

    brief = LLMCompiler("openai:gpt-5-mini", tools=[price], output_type=Brief, max_replans=0)
    assert_type(brief, LLMCompiler[Any, Brief])
    assert_type((await brief.run("Which?")).answer, Brief)
    async with brief.stream("Which?") as run:
        assert_type((await run.result()).answer, Brief)

    assert_type(LLMCompiler("local", output_type=list[int]).run_sync("Which?").answer, list[int])
    joined = LLMCompiler("local", [price], joiner=None)
    assert_type(joined, LLMCompiler[Any, Any])
    word = LLMCompiler[Any, Literal["yes", "no"]]("local", output_type=Literal["yes", "no"])
    assert_type(word.run_sync("Is it?").answer, Literal["yes", "no"])
    LLMCompiler("local", joiner=either)


async def contexts() -> None:
    agent = LLMCompiler[Shop, Brief]("local", [send], output_type=Brief)
    assert_type(agent, LLMCompiler[Shop, Brief])
    await agent.run("Which?", context=Shop("k"))
    await agent.execute("join(1)", context=Shop("k"))
    await agent.run("Which?", context="k")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await agent.execute("join(1)", context=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await LLMCompiler(tools=[send]).execute("join(1)", context=Shop("k"))


def tools() -> None:
    LLMCompiler(tools=[price, send, plain])
    LLMCompiler(tools=(price, Toolset([send, plain])))
    LLMCompiler(tools=Toolset([price]))
    beside: list[Tool] = [price, send]
    LLMCompiler(tools=beside)
    mixed: list[Tool | Toolset] = [price, send, Toolset()]
    LLMCompiler(tools=mixed)
    assert_type(plain("a"), list[str])
    assert_type(send("a", "b", tool_context(Shop("k"))), str)


def contexts_of_tests() -> None:
    assert_type(tool_context(), NotedContext[None])
    assert_type(tool_context(Shop("k")), NotedContext[Shop])
    assert_type(tool_context(Shop("k")).context, Shop)
    send("a", "b", tool_context(3))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def mistakes() -> None:
    LLMCompiler(tools=[price], max_replan=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    LLMCompiler(tools=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    LLMCompiler(timeout="long")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    send(3, "b", tool_context(Shop("k")))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def shown(agent: LLMCompiler, result: RunResult, given: Iterable[Tool]) -> None:
    """Without brackets they are those of any agent."""
    assert_type(result.answer, Any)
    assert_type(agent.run_sync("Which?").answer, Any)


def any_of_them() -> None:
    shown(LLMCompiler("local", output_type=Brief), LLMCompiler("local").run_sync("Which?"), [price, send])
