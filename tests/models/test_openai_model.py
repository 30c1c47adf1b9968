"""OpenAIModel against a real HTTP server on the loopback address."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from superscalar import Toolset, tool
from superscalar.errors import ModelError, ModelSetupError, UsageError
from superscalar.models import Chunk, Message, OpenAIModel, PydanticAIModel, Request, Usage
from superscalar.models.files import IMAGES
from superscalar.models.openai import Constraint
from superscalar.plan import Grammar, grammar
from support.fake_openai import Exchange, Script, delta, replying, serving, usage

pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")

REQUEST = Request((Message("system", "Plan."), Message("user", "What?")), max_tokens=100)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


async def reply(model: OpenAIModel, request: Request = REQUEST) -> list[Chunk]:
    return [chunk async for chunk in model.stream(request)]


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


def refused(*scripts: Script, request: Request = REQUEST) -> ModelError:
    """Return the error that a request ends in."""
    caught: list[ModelError] = []

    async def test() -> None:
        async with serving(*scripts) as server:
            with pytest.raises(ModelError) as raised:
                await reply(OpenAIModel("m", base_url=server.url), request)
            caught.append(raised.value)

    run(test)
    return caught[0]


def failing(status: int, code: str = "x", **headers: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.status(status, {"message": "no", "type": "t", "code": code}, **headers)
        exchange.writer.close()

    return script


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_a_reply_is_streamed_however_it_is_cut(size: int) -> None:
    """The text, the finish and the usage arrive whole from pieces cut inside characters and events."""

    async def test() -> None:
        async with serving(replying(["a = ", "größe", "(", ")\n"], size=size)) as server:
            chunks = await reply(OpenAIModel("m", base_url=server.url))
        assert "".join(chunk.text for chunk in chunks) == "a = größe()\n"
        assert chunks[-1] == Chunk(finish="stop", usage=Usage(20, 16, 4, 1))
        assert [chunk.finish for chunk in chunks[:-1]] == [None] * 4

    run(test)


def test_a_seed_that_a_server_refuses_is_left_out_from_then_on() -> None:
    """A request for a sample has its seed; without one, none is sent; and who knows of no seeds is asked without."""

    async def refusing(exchange: Exchange) -> None:
        error = {"message": "no", "code": "unsupported_parameter", "param": "seed"}
        await exchange.status(400, {**error, "type": "invalid_request_error"})
        exchange.writer.close()

    async def test() -> None:
        async with serving(replying(["x"]), replying(["x"]), refusing, replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url)
            for seed in (None, 0, 7, 8):
                request = Request(REQUEST.messages, temperature=0.7, seed=seed)
                assert (await reply(model, request))[0] == Chunk("x")
        sent = [(exchange.body.get("seed"), exchange.body["temperature"]) for exchange in server.exchanges]
        assert sent == [(None, 0.7), (0, 0.7), (7, 0.7), (None, 0.7), (None, 0.7)]

    run(test)


def test_any_server_is_asked_in_the_old_parameters() -> None:
    """A server that is not OpenAI's gets max_tokens, temperature and stop, and one attempt."""

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            request = Request(REQUEST.messages, max_tokens=7, temperature=0.5, stop=("END",))
            await reply(OpenAIModel("m", base_url=server.url, effort="low"), request)
        assert [exchange.body for exchange in server.exchanges] == [
            {
                "model": "m",
                "messages": [{"role": "system", "content": "Plan."}, {"role": "user", "content": "What?"}],
                "stream": True,
                "stream_options": {"include_usage": True},
                "max_tokens": 7,
                "temperature": 0.5,
                "stop": ["END"],
                "reasoning_effort": "low",
            }
        ]

    run(test)


@pytest.mark.parametrize(
    ("name", "plain"), [("gpt-5-mini", False), ("o4-mini", False), ("gpt-4.1", True), ("gpt-5-chat-latest", True)]
)
def test_openai_is_asked_in_the_new_parameters(name: str, plain: bool) -> None:
    """OpenAI gets max_completion_tokens; a reasoning model gets room to reason, and no temperature or stop."""
    model = OpenAIModel(name, api_key="k")
    body = model._body(Request(REQUEST.messages, max_tokens=7, stop=("END",)), model._dialect)
    assert "max_tokens" not in body
    assert ("temperature" in body, "stop" in body) == (plain, plain)
    assert (body["max_completion_tokens"] == 7) == plain
    assert body["max_completion_tokens"] >= 7


def test_a_refused_parameter_is_left_out_from_then_on() -> None:
    """A server that names a parameter that it does not take is asked again without it, once for ever."""

    def refusing(parameter: str) -> Script:
        async def script(exchange: Exchange) -> None:
            error = {"message": "no", "type": "invalid_request_error", "code": "unsupported_parameter"}
            await exchange.status(400, {**error, "param": parameter})
            exchange.writer.close()

        return script

    async def test() -> None:
        scripts = [refusing("max_tokens"), refusing("temperature"), refusing("stop"), refusing("stream_options")]
        async with serving(*scripts, replying(["a", "EN", "D", "b"])) as server:
            model = OpenAIModel("m", base_url=server.url)
            request = Request(REQUEST.messages, max_tokens=7, stop=("END",))
            assert await reply(model, request) == [Chunk("a"), Chunk(finish="stop")]
            assert await reply(model, request) == [Chunk("a"), Chunk(finish="stop")]
        parameters = {"max_tokens", "max_completion_tokens", "temperature", "stop", "stream_options"}
        assert [sorted(parameters & set(exchange.body)) for exchange in server.exchanges[3:]] == [
            ["max_completion_tokens", "stream_options"],
            ["max_completion_tokens"],
            ["max_completion_tokens"],
        ]

    run(test)


@pytest.mark.parametrize(("told", "finish"), [("length", "length"), ("content_filter", "filter"), ("stop", "stop")])
def test_the_reason_for_the_end_is_translated(told: str, finish: str) -> None:
    """Each way in which a reply can end has our name."""

    async def test() -> None:
        async with serving(replying(["x"], finish=told)) as server:
            assert (await reply(OpenAIModel("m", base_url=server.url)))[-1].finish == finish

    run(test)


def test_retry_after_in_seconds() -> None:
    """A 429 is one attempt, may be retried, and says when."""
    error = refused(failing(429, Retry_After="12"))
    assert (error.retryable, error.retry_after, error.status) == (True, 12.0, 429)


def test_retry_after_as_a_date() -> None:
    """A date is relative to the server's own clock."""
    dates = {"Date": "Sun, 22 Nov 2026 15:00:00 GMT", "Retry_After": "Sun, 22 Nov 2026 15:01:30 GMT"}
    assert refused(failing(429, **dates)).retry_after == 90.0


@pytest.mark.parametrize("value", ["soon", "", "-1"])
def test_a_retry_after_that_says_nothing(value: str) -> None:
    """A header that is neither a number nor a date is as good as none."""
    assert refused(failing(503, Retry_After=value)).retry_after is None


def test_milliseconds_win() -> None:
    """OpenAI's finer header is preferred."""
    assert refused(failing(429, Retry_After="12", Retry_After_Ms="250")).retry_after == 0.25


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [(500, "x", True), (503, "x", True), (400, "x", False), (404, "x", False), (429, "insufficient_quota", False)],
)
def test_whether_to_retry_is_data(status: int, code: str, retryable: bool) -> None:
    """What may pass is retryable; what the caller must change is not."""
    error = refused(failing(status, code))
    assert (error.retryable, error.status, error.retry_after) == (retryable, status, None)


def test_a_wrong_key_is_a_matter_of_setup() -> None:
    """A 401 names the variable."""
    error = refused(failing(401))
    assert isinstance(error, ModelSetupError)
    assert "OPENAI_API_KEY" in str(error)


def test_a_connection_that_breaks_in_the_middle_may_be_retried() -> None:
    """Text comes, then the connection ends without the closing chunk."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(delta("half"))
        exchange.writer.close()

    error = refused(script)
    assert (error.retryable, error.status) == (True, None)


def test_a_stream_cut_inside_an_event_may_be_retried() -> None:
    """A proxy that ends the response properly but in the middle of an event is found out."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.raw(b'data: {"id": "x", "choi\n\n')
        await exchange.done()

    assert refused(script).retryable


def test_a_stream_without_an_end_has_no_finish() -> None:
    """A properly closed stream without a finish reason yields no last chunk: the protocol's sign of a cut."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(delta("half"))
        await exchange.over()

    async def test() -> None:
        async with serving(script) as server:
            assert await reply(OpenAIModel("m", base_url=server.url)) == [Chunk("half")]

    run(test)


@pytest.mark.parametrize(("code", "retryable"), [("server_error", True), (502, True), ("bad_prompt", False)])
def test_an_error_inside_the_stream(code: str | int, retryable: bool) -> None:
    """A server that has begun to answer can report an error only as an event."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events({"error": {"message": "oh", "code": code}})
        await exchange.done()

    assert refused(script).retryable == retryable


def test_no_server_may_be_retried() -> None:
    """A refused connection says so, and may pass."""

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            url = server.url
        with pytest.raises(ModelError, match="openai:m") as raised:
            await reply(OpenAIModel("m", base_url=url))
        assert raised.value.retryable

    run(test)


@pytest.mark.parametrize("way", ["close", "cancel"])
def test_letting_go_of_a_slow_stream_disconnects(way: str) -> None:
    """The server sees the client go at once, whether the iterator is closed or its task cancelled."""

    async def test() -> None:
        gone, begun = asyncio.Event(), asyncio.Event()

        async def script(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.events(delta("slow"))
            assert await exchange.reader.read() == b""  # the end of the connection
            gone.set()

        async with serving(script) as server:
            model = OpenAIModel("m", base_url=server.url)

            async def read() -> None:
                async with aclosing(model.stream(REQUEST)) as chunks:
                    async for _ in chunks:
                        begun.set()
                        if way == "close":
                            break

            task = asyncio.create_task(read())
            await begun.wait()
            if way == "cancel":
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                await task
            await gone.wait()

    run(test)


def test_one_model_serves_several_event_loops() -> None:
    """Each loop has its own connections, closed with it: a leak would be a warning, and those are errors."""
    model: list[OpenAIModel] = []

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            if not model:
                model.append(OpenAIModel("m", base_url=server.url))
            model[0]._base_url = server.url
            assert (await reply(model[0]))[0] == Chunk("x")
            assert (await reply(model[0]))[0] == Chunk("x")
            assert len(server.connections) == 1
            if len(server.exchanges) == 2:
                await asyncio.gather(*(reply(model[0]) for _ in range(3)))

    run(test)
    run(test)


def test_a_closed_model_may_be_used_again() -> None:
    """Closing closes the connections; the next request opens one."""

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url)
            await reply(model)
            await model.aclose()
            await model.aclose()
            assert (await reply(model))[0] == Chunk("x")
            await model.aclose()

    run(test)


def test_usage_may_be_missing() -> None:
    """A provider that does not count leaves the usage out."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(delta("x", finish="stop"))
        await exchange.done()

    async def test() -> None:
        async with serving(script) as server:
            assert await reply(OpenAIModel("m", base_url=server.url)) == [Chunk("x"), Chunk(finish="stop")]

    run(test)


def test_parts_of_an_event_may_be_missing() -> None:
    """Servers that leave out choices or deltas are understood."""

    async def script(exchange: Exchange) -> None:
        no_choices, no_delta = {**delta(), "choices": None}, delta(finish="stop")
        no_delta["choices"][0]["delta"] = None
        await exchange.start()
        await exchange.events(no_choices, delta("x"), no_delta)
        await exchange.done()

    async def test() -> None:
        async with serving(script) as server:
            assert await reply(OpenAIModel("m", base_url=server.url)) == [Chunk("x"), Chunk(finish="stop")]

    run(test)


def test_cached_tokens_may_be_missing() -> None:
    """Usage without details counts nothing as cached."""

    async def script(exchange: Exchange) -> None:
        counted = usage(3, 0, 2)
        del counted["usage"]["prompt_tokens_details"]
        await exchange.start()
        await exchange.events(delta("x", finish="stop"), counted)
        await exchange.done()

    async def test() -> None:
        async with serving(script) as server:
            assert (await reply(OpenAIModel("m", base_url=server.url)))[-1].usage == Usage(3, 0, 2, 1)

    run(test)


def test_a_missing_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is nothing to try: it is missed when a run begins, not where the model is made."""
    model = OpenAIModel("gpt-5-mini")
    with pytest.raises(ModelSetupError, match="OPENAI_API_KEY"):
        model.check_setup()
    with pytest.raises(ModelSetupError, match="OPENAI_API_KEY"):
        asyncio.run(reply(model))
    with pytest.raises(ModelSetupError, match=r"example\.org.*OPENAI_API_KEY"):
        OpenAIModel("m", base_url="https://example.org/v1").check_setup()
    monkeypatch.setenv("OPENAI_API_KEY", "later")
    model.check_setup()
    assert model.secrets == ("later",)


def test_a_key_that_comes_later_is_not_sent_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was there from the first."""
    model = OpenAIModel("m", base_url="http://example.org/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "later")
    with pytest.raises(UsageError, match="unencrypted"):
        asyncio.run(reply(model))
    with pytest.raises(UsageError, match="unencrypted"):
        model.check_setup()


def test_a_missing_extra_names_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK the message is what to type."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ModelSetupError, match=r"pip install 'superscalar\[openai\]'"):
        OpenAIModel("gpt-5-mini", api_key="k").check_setup()


def test_the_name_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the environment is sent, and the name is the one for logs."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url)
            await reply(model)
            assert (model.name, model.constrains) == ("openai:m", False)
            assert server.exchanges[0].headers["authorization"] == "bearer secret"

    run(test)


GRAMMAR = Grammar('root ::= "x"', 'start: "x"', {"type": "object", "properties": {}, "required": []})


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, {}),
        ("llama.cpp", {"grammar": 'root ::= "x"'}),
        ("vllm", {"structured_outputs": {"grammar": 'root ::= "x"'}}),
        (
            "json_schema",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "plan", "schema": GRAMMAR.json_schema, "strict": False},
                }
            },
        ),
        (
            "lark",
            {
                "parallel_tool_calls": False,
                "tool_choice": {"type": "custom", "custom": {"name": "plan"}},
                "tools": [
                    {
                        "type": "custom",
                        "custom": {
                            "name": "plan",
                            "description": "Takes the whole plan.",
                            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "x"'}},
                        },
                    }
                ],
            },
        ),
    ],
)
def test_a_server_is_told_the_grammar_in_its_own_way(form: Constraint | None, expected: dict[str, object]) -> None:
    """Nothing is sent where nothing was asked for, and nothing for a request without a grammar."""

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url, grammar=form)
            assert model.constrains == (form is not None)
            await reply(model)
            await reply(model, replace(REQUEST, grammar=GRAMMAR))
        plain, constrained = (exchange.body for exchange in server.exchanges)
        assert {key: value for key, value in constrained.items() if key not in plain} == expected

    run(test)


def test_a_schema_without_optional_arguments_binds() -> None:
    """OpenAI refuses to be bound by a schema in which something may be left out."""

    @tool
    def price(ticker: str, day: int) -> float:
        raise NotImplementedError

    @tool
    def news(ticker: str, limit: int = 3) -> str:
        raise NotImplementedError

    async def test() -> None:
        async with serving(replying(["x"])) as server:
            model = OpenAIModel("m", base_url=server.url, grammar="json_schema")
            for tools in (Toolset([price]), Toolset([price, news])):
                await reply(model, replace(REQUEST, grammar=grammar(tools)))
        formats = [exchange.body["response_format"]["json_schema"] for exchange in server.exchanges]
        assert [found["strict"] for found in formats] == [True, False]

    run(test)


def test_what_a_custom_tool_is_given_is_the_reply() -> None:
    """With a Lark grammar the plan comes as the input of a tool, in pieces."""

    def piece(text: str) -> dict[str, object]:
        event = delta()
        event["choices"][0]["delta"] = {"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": text}}]}
        return event

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(piece("a = f("), piece("1)\n"), delta(finish="tool_calls"), usage(20, 16, 4))
        await exchange.done()

    async def test() -> None:
        async with serving(script) as server:
            model = OpenAIModel("m", base_url=server.url, grammar="lark")
            chunks = await reply(model, replace(REQUEST, grammar=GRAMMAR))
        assert chunks == [Chunk("a = f("), Chunk("1)\n"), Chunk(finish="stop", usage=Usage(20, 16, 4, 1))]

    run(test)


def test_an_unknown_form_of_grammar_is_refused() -> None:
    with pytest.raises(UsageError, match=r"write one of 'json_schema', 'lark', 'llama\.cpp', 'vllm', None"):
        OpenAIModel("m", api_key="k", grammar="gbnf")  # type: ignore[arg-type]  # that is what is tested


def test_who_uses_a_model_may_say_what_it_takes() -> None:
    assert OpenAIModel("gpt-5", base_url="https://api.openai.com/v1").takes == (*IMAGES, "application/pdf")
    assert OpenAIModel("gpt-5", base_url="http://localhost:1/v1").takes == ()
    assert OpenAIModel("llava", takes=["image/*"], base_url="http://localhost:1/v1").takes == ("image/*",)
    assert OpenAIModel("gpt-5", takes=(), base_url="https://api.openai.com/v1").takes == ()
    assert PydanticAIModel("groq:a-b").takes == ()
    assert PydanticAIModel("groq:a-b", takes="image/*").takes == ("image/*",)
    assert PydanticAIModel("google:gemini-3-flash").takes[-2:] == ("audio/*", "video/*")
    for takes in (["image"], [3], "*/*"):
        with pytest.raises(UsageError, match=r"write media types, such as takes="):
            OpenAIModel("m", takes=takes, base_url="http://localhost:1/v1")  # type: ignore[arg-type]
