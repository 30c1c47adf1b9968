"""The embedded model itself: runs where its weights are already on the machine."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest

from superscalar import Toolset, tool
from superscalar.errors import ModelError
from superscalar.models import Chunk, LocalModel, Message, Request, cache
from superscalar.models.engine import LlamaEngine
from superscalar.plan import Grammar, check, grammar
from support import depth

pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'superscalar[local]'")
if cache.cached() is None:
    pytest.skip(f"the weights are neither in the cache nor named by {cache.VARIABLE}", allow_module_level=True)

pytestmark = [
    pytest.mark.search,
    pytest.mark.skipif(not depth.searching(), reason="the embedded model takes half a minute: make search asks it"),
]


@pytest.fixture(scope="module")
def model() -> LocalModel:
    """One model for all tests: each also shows that it serves another event loop."""
    return LocalModel(threads=1, context=1024)


def ask(system: str, question: str, **fields: object) -> Request:
    messages = (Message("system", system), Message("user", question))
    return Request(messages, **{"max_tokens": 24, **fields})  # type: ignore[arg-type]  # keywords of several types


async def replied(chunks: AsyncIterator[Chunk]) -> tuple[str, Chunk]:
    """Return the text and the last chunk."""
    received = [chunk async for chunk in chunks]
    return "".join(chunk.text for chunk in received), received[-1]


def test_it_answers_and_nothing_else_is_written(model: LocalModel, capfd: pytest.CaptureFixture[str]) -> None:
    """A question is answered, counted, and answered alike the second time; the terminal stays clean."""

    async def test() -> None:
        request = ask("Answer in one word.", "What is the capital of France?")
        text, last = await replied(model.stream(request))
        assert "Paris" in text
        assert (last.finish, last.usage is not None) == ("stop", True)
        again, last = await replied(model.stream(request))
        assert again == text
        assert last.usage is not None
        assert last.usage.cached_tokens == last.usage.input_tokens - 1

    asyncio.run(test())
    assert capfd.readouterr() == ("", "")


def test_a_grammar_is_obeyed(model: LocalModel) -> None:
    """The reply follows the grammar whatever the model would like to say."""
    text, last = asyncio.run(
        replied(model.stream(ask("Plan.", "Say hello.", grammar=Grammar('root ::= "call(" [0-9] [0-9]? ")"'))))
    )
    assert re.fullmatch(r"call\(\d\d?\)", text)
    assert last.finish == "stop"


def test_a_json_schema_is_obeyed(model: LocalModel) -> None:
    """A document follows its schema whatever the model would like to say."""
    value = {"enum": ["red", "blue"]}
    schema = {"type": "object", "properties": {"value": value}, "required": ["value"], "additionalProperties": False}
    grammar = Grammar(json_schema=schema)
    text, _ = asyncio.run(replied(model.stream(ask("Write.", "A poem about the sea.", grammar=grammar))))
    assert json.loads(text)["value"] in ("red", "blue")


def test_the_grammar_of_tools_is_obeyed(model: LocalModel) -> None:
    """llama.cpp takes a grammar made from tools, and the reply is a plan that has no errors but undefined names."""

    @tool(effect="read")
    def weather(city: str, *, units: Literal["C", "F"] = "C", days: int = 1) -> dict[str, float]:
        """The weather in a city."""
        return {}

    tools = Toolset([weather])
    asked = ask("Write nonsense.", "weather(Rome, K)", grammar=grammar(tools), max_tokens=64)
    text, last = asyncio.run(replied(model.stream(asked)))
    assert last.finish in ("stop", "length")
    whole = text if last.finish == "stop" else text.rpartition("\n")[0]
    assert {d.code for d in check(whole, tools.signatures)} <= {"E102", "E004"}


def test_a_bad_grammar_is_an_error(model: LocalModel) -> None:
    """llama.cpp's refusal comes as an exception."""
    with pytest.raises(ModelError, match="grammar"):
        asyncio.run(replied(model.stream(ask("Plan.", "Say hello.", grammar=Grammar("root := (")))))


def test_stop_texts_and_limits(model: LocalModel) -> None:
    """A stop text ends the reply and is not part of it; the limit of tokens is told from it."""
    counting = ask("Continue the list, nothing else.", "1, 2, 3,", stop=("7",))
    text, last = asyncio.run(replied(model.stream(counting)))
    assert ("6" in text, "7" in text, last.finish) == (True, False, "stop")
    _, last = asyncio.run(replied(model.stream(ask("Tell a story.", "Go.", max_tokens=3))))
    assert last.finish == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 3


def test_two_prompts_in_turn_stay_hot(model: LocalModel) -> None:
    """The second call with each system prompt reads only its question."""
    planner = "You are a planner. " + " ".join(f"tool_{i}(x) -> y" for i in range(15))
    joiner = "You are a joiner. " + " ".join(f"rule {i}: be brief." for i in range(15))

    async def fresh(system: str, question: str) -> int:
        _, last = await replied(model.stream(ask(system, question, max_tokens=2)))
        assert last.usage is not None
        return last.usage.input_tokens - last.usage.cached_tokens

    async def test() -> None:
        first = [await fresh(planner, "What is a?"), await fresh(joiner, "a = 1")]
        second = [await fresh(planner, "What is b?"), await fresh(joiner, "b = 2")]
        assert min(first) > 60
        assert max(second) < 30

    asyncio.run(test())


def test_cancelling_frees_the_model(model: LocalModel) -> None:
    """A reply that nobody reads to its end is stopped, and the next one is right."""

    async def test() -> None:
        async with aclosing(model.stream(ask("Count.", "From 1 to 1000.", max_tokens=900))) as chunks:
            async for _ in chunks:
                break
        text, _ = await replied(model.stream(ask("Answer in one word.", "What is the capital of Italy?")))
        assert "Rome" in text

    asyncio.run(test())


def test_nobody_else_can_use_the_listener() -> None:
    """llama.cpp's listener is on the loopback address, wants a key, and tells no path without it."""
    file = cache.find()
    engine = LlamaEngine(file, 1, 256, file.parent)
    address = engine._server.listening_address
    try:
        assert urlsplit(address).hostname == "127.0.0.1"
        for path in ("/v1/chat/completions", "/completion", "/v1/models", "/props", "/slots"):
            body = b"{}" if "complet" in path else None
            try:
                with urllib.request.urlopen(f"{address}{path}", data=body, timeout=10) as response:
                    told = response.read().decode()
                    assert path == "/v1/models"
                    assert str(file.parent) not in told
            except urllib.error.HTTPError as error:
                assert error.code == 401  # noqa: PT017 - either may happen
                error.close()
    finally:
        engine.close()


def test_a_prompt_that_does_not_fit(model: LocalModel) -> None:
    """The error gives both numbers."""
    with pytest.raises(ModelError, match=r"the prompt has \d+ tokens and the context 1024"):
        asyncio.run(replied(model.stream(ask("Plan.", "word " * 1100))))


def test_what_was_read_is_kept_for_the_next_process(tmp_path: Path) -> None:
    """A state that was saved is restored, the same is written as without it, and a damaged one does no harm."""
    rules = "You are shown a list of facts. Answer in one word. " + " ".join(
        f"Town {n} is in land {n}." for n in range(9)
    )
    question = "Facts: those above. Question: where is Town 7?"
    request = Request((Message("system", rules), Message("user", question)), 12)

    def asked(request: Request) -> tuple[str, int]:
        async def test() -> tuple[str, int]:
            model = LocalModel(threads=1, context=1024, states=tmp_path)
            text, last = await replied(model.stream(request))
            await model.aclose()
            assert last.usage is not None
            return text, last.usage.cached_tokens

        return asyncio.run(test())

    plain, _ = asked(request)
    assert list(tmp_path.iterdir()) == []
    kept = Request((Message("system", rules), Message("user", question).steady_for(len("Facts: those above. "))), 12)
    assert asked(kept) == (plain, 0)
    (state,) = tmp_path.iterdir()
    again, cached = asked(kept)
    assert again == plain
    assert cached > 80
    state.write_bytes(state.read_bytes()[:-100])
    assert asked(kept) == (plain, 0)
    assert [path.name for path in tmp_path.iterdir()] == [state.name]
