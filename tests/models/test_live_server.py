"""The embedded model behind llama.cpp's own HTTP server, as any OpenAI-compatible one: `make live`."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from superscalar import LLMCompiler, Toolset, events, tool
from superscalar.models import Message, OpenAIModel, Request, cache
from superscalar.models.constraint import Constraint
from superscalar.plan import Grammar, grammar
from support.ten_toolsets import SAMPLED, Sampled

native: Any = pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'superscalar[local]'")
if not os.environ.get("SUPERSCALAR_LIVE"):
    pytest.skip("a model that answers takes minutes: `make live` asks it", allow_module_level=True)
if cache.cached() is None:
    pytest.skip(f"the weights are neither in the cache nor named by {cache.VARIABLE}", allow_module_level=True)


@dataclass(frozen=True)
class Address:
    """Where the server listens, and the key that it wants."""

    url: str
    key: str

    def model(self, form: Constraint | None, **options: Any) -> OpenAIModel:
        return OpenAIModel("embedded", base_url=self.url, api_key=self.key, grammar=form, **options)


@pytest.fixture(scope="module")
def server() -> Iterator[Address]:
    """One server for all tests: what requests begin alike with is read once."""
    key = secrets.token_urlsafe(16)
    parameters = native.CommonParams()
    parameters.model.path = str(cache.cached())
    parameters.model_alias = {"embedded"}
    parameters.n_ctx, parameters.n_parallel = 4096, 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1  # more would spin beside a neighbour
    parameters.no_extra_bufts = True
    parameters.fit_params = parameters.warmup = False
    parameters.verbosity = -1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.api_keys = [key]
    parameters.ui = False
    running = native.Server(parameters)
    yield Address(f"{running.listening_address.rstrip('/')}/v1", key)
    del running


@tool(effect="read")
def price(ticker: str) -> float:
    """The price of a share, in dollars."""
    return {"IBM": 231.25, "AAPL": 198.5}[ticker]


@tool(effect="read")
def letter(of: str) -> str:
    """The last letter of somebody."""
    return "Dear all, my new address is 12 Elm Street, Springfield. I am 34 now. Yours, Ann Smith"


@pytest.mark.parametrize("form", [None, "llama.cpp", "json_schema"])
def test_it_plans_and_joins(server: Address, form: Constraint | None) -> None:
    """With and without a grammar: the tools are called as the question says, and the answer has what they returned."""

    async def test() -> None:
        agent = LLMCompiler(server.model(form), [price], planner_timeout=600, joiner_timeout=600)
        result = await agent.run("What are the prices of IBM and AAPL?")
        calls = sorted(event.arguments["ticker"] for event in result.events if isinstance(event, events.Started))
        assert calls == ["AAPL", "IBM"]
        assert all(number in str(result.answer) for number in ("231.25", "198.5"))
        assert result.usage.requests == 2

    asyncio.run(test())


@dataclass
class Sender:
    """Who wrote."""

    name: str
    age: int


@pytest.mark.parametrize("form", [None, "llama.cpp", "json_schema"])
def test_it_extracts(server: Address, form: Constraint | None) -> None:
    async def test() -> None:
        agent = LLMCompiler(
            tools=[letter],
            joiner=None,
            extractor=server.model(form),
            schemas={"Sender": Sender},
            extractor_timeout=600,
        )
        source = 'text = letter("Ann")\nwho = extract(text, "Sender", "who wrote it, and how old they are")\njoin(who)'
        who = (await agent.execute(agent.compile(source))).value("who")
        assert (who.name, who.age) == ("Ann Smith", 34)

    asyncio.run(test())


@pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.name)
def test_it_takes_the_grammars_of_ten_toolsets(server: Address, sampled: Sampled) -> None:
    """In each notation, also where there are a hundred tools: llama.cpp bounds what may be repeated."""
    made = sampled.grammar
    plans: list[tuple[Constraint, Grammar]] = [
        ("llama.cpp", made),
        ("llama.cpp", Grammar(gbnf="%llguidance {}\n" + made.lark)),
        ("json_schema", made),
        ("json_schema", replace(made, json_schema=made.binding_schema or made.json_schema)),
    ]

    async def test() -> None:
        for form, told in plans:
            request = Request((Message("user", "Plan."),), max_tokens=9, grammar=told)
            model = server.model(form)
            text = "".join([chunk.text async for chunk in model.stream(request)])
            await model.aclose()
            assert text.startswith("{") == (form == "json_schema"), (form, text)

    asyncio.run(test())


def test_its_llguidance_holds_it_to_the_notation_for_openai(server: Address) -> None:
    """The engine was built with llguidance, which reads a grammar behind `%llguidance {}`."""
    model = server.model("llama.cpp")
    request = Request(
        (Message("system", "Be friendly. Never write code."), Message("user", "Say hello to Ann.")),
        max_tokens=40,
        grammar=Grammar(gbnf="%llguidance {}\n" + grammar(Toolset([price])).lark),
    )

    async def test() -> None:
        text = "".join([chunk.text async for chunk in model.stream(request)])
        assert re.match(r"[A-Za-z]\w*(, [A-Za-z]\w*)* [-+*/]?= |price\(|join\(|# |if |for ", text), text
        assert "!" not in text.partition("#")[0].replace("!=", "")

    asyncio.run(test())
