"""What models do with `Request.tools`: they are told of them, and what they call is a line of text each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, Toolset, tool
from superscalar.baselines import NativeParallel
from superscalar.models import LocalModel, OpenAIModel, PydanticAIModel
from superscalar.models.engine import Emit, Engine
from support.fake_openai import Exchange, delta, replying, serving


@tool(effect="read", trust="trusted")
def price(ticker: str) -> int:
    """The price of a share."""
    return {"IBM": 231, "AAPL": 223}[ticker]


TOOLS = Toolset([price]).schemas("openai")
CALLS = [("IBM", '{"ticker": "IBM"}'), ("AAPL", '{"ticker": "AAPL"}')]
CALLED = "".join(f'{{"name": "price", "arguments": {arguments}}}\n' for _, arguments in CALLS)


def pieces() -> list[dict[str, Any]]:
    """Two calls as a chat API streams them: names first, arguments in two pieces."""
    found = []
    for index, (_, arguments) in enumerate(CALLS):
        for name, part in (("price", ""), (None, arguments[:5]), (None, arguments[5:])):
            event = delta()
            event["choices"][0]["delta"] = {
                "tool_calls": [{"index": index, "function": {"name": name, "arguments": part}}]
            }
            found.append(event)
    return [*found, delta(finish="tool_calls")]


def check(agent: LLMCompiler, asked: list[Any]) -> None:
    result = asyncio.run(agent.run("Which is dearer?"))
    assert (result.answer, result.rounds) == ("IBM.", 2)
    assert [outcome.value for outcome in (result.outcomes["price()"], result.outcomes["price().2"])] == [231, 223]  # type: ignore[union-attr]
    assert asked == [TOOLS, TOOLS]


def test_a_server_is_told_of_tools_as_it_takes_them() -> None:
    pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")

    async def calling(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*pieces())
        await exchange.done()

    async def asked() -> tuple[Any, list[Any], list[Any]]:
        async with serving(calling, replying(["IBM."])) as server:
            result = await NativeParallel(OpenAIModel("m", base_url=server.url), [price]).run("Which is dearer?")
            bodies = [exchange.body for exchange in server.exchanges]
        return result.answer, [body["tools"] for body in bodies], bodies[1]["messages"]

    answer, tools, messages = asyncio.run(asked())
    assert (answer, tools) == ("IBM.", [TOOLS, TOOLS])
    assert messages[2] == {"role": "assistant", "content": CALLED}
    assert "1. price: 231\n2. price: 223" in messages[3]["content"]


def test_the_embedded_model_is_told_of_tools(tmp_path: Path) -> None:
    class Playing:
        def __init__(self) -> None:
            self.tools: list[Any] = []
            self.slots, self.version = 1, "played"

        def load(self, path: Path, threads: int, context: int, states: Path) -> Engine:
            return self

        def generate(self, body: Mapping[str, object], emit: Emit) -> None:
            self.tools.append(body.get("tools"))
            for event in pieces() if len(self.tools) == 1 else [delta("IBM."), delta(finish="stop")]:
                emit(event)

        def save(self, slot: int, name: str) -> None:
            """Keep nothing."""

        def restore(self, slot: int, name: str) -> None:
            """Have kept nothing."""

        def close(self) -> None:
            """Nothing is open."""

    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    engine = Playing()
    check(NativeParallel(LocalModel(path=file, load=engine.load), [price]), engine.tools)


def test_a_model_of_pydantic_ai_is_told_of_tools() -> None:
    function = pytest.importorskip("pydantic_ai.models.function", reason="superscalar[models] is not installed")
    asked: list[Any] = []

    async def stream(messages: list[Any], info: Any) -> AsyncIterator[Any]:
        asked.append(
            [
                {
                    "type": "function",
                    "function": {"name": t.name, "description": t.description, "parameters": t.parameters_json_schema},
                }
                for t in info.function_tools
            ]
        )
        if len(asked) > 1:
            yield "IBM."
            return
        for index, (_, arguments) in enumerate(CALLS):
            yield {index: function.DeltaToolCall(name="price", json_args=arguments, tool_call_id=str(index))}

    check(NativeParallel(PydanticAIModel(function.FunctionModel(stream_function=stream)), [price]), asked)
