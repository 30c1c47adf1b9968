"""Models of pydantic-ai: what is asked of them, what comes back, and what an error of theirs means to a run."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from superscalar import LLMCompiler, RunResult, tool
from superscalar.errors import ModelError, ModelSetupError, UsageError
from superscalar.events import ModelWaiting, PlanWritten, Thought
from superscalar.models import Chunk, Message, Prices, PydanticAIModel, Request, Usage
from superscalar.models.account import account_of
from superscalar.models.clients import LentConnections, OwnConnections
from superscalar.models.ending import Ends
from superscalar.models.failing import model_error
from superscalar.models.market import prices_of
from superscalar.models.parts import ENDS, PartsReply
from superscalar.models.reply import RefusedError
from superscalar.models.turns import turns
from superscalar.plan import Grammar
from superscalar.testing import ScriptedModel, run

messages = pytest.importorskip("pydantic_ai.messages", reason="superscalar[models] is not installed")
exceptions = pytest.importorskip("pydantic_ai.exceptions")
function = pytest.importorskip("pydantic_ai.models.function")
usage = pytest.importorskip("pydantic_ai.usage")

QUESTION = (Message("system", "be exact"), Message("user", "and brief"))


@tool
def price(ticker: str) -> float:
    """The price of a share."""
    return {"IBM": 231.25}[ticker]


class Scripted:
    """A model of pydantic-ai that answers in turn: with texts and deltas, or by raising an error."""

    def __init__(self, *replies: list[Any] | Exception) -> None:
        self.replies = list(replies)
        self.asked: list[list[Any]] = []
        self.settings: list[dict[str, Any]] = []
        self.model = function.FunctionModel(stream_function=self._stream)

    async def _stream(self, asked: list[Any], info: Any) -> AsyncIterator[Any]:
        self.asked.append(asked)
        self.settings.append(dict(info.model_settings))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        for piece in reply:
            yield piece

    def of(self, **options: Any) -> PydanticAIModel:
        return PydanticAIModel(self.model, **options)


def thought(text: str, signature: str | None = None) -> dict[int, Any]:
    return {0: function.DeltaThinkingPart(content=text, signature=signature)}


def http(status: int, body: object = None, headers: dict[str, str] | None = None) -> Any:
    """What pydantic-ai raises for such an answer of a provider."""
    category = {
        401: exceptions.ModelAuthenticationError,
        429: exceptions.ModelRateLimitError,
        503: exceptions.ModelUnavailableError,
        529: exceptions.ModelOverloadedError,
    }.get(status, exceptions.ModelServerError if status >= 500 else exceptions.ModelRequestRejectedError)
    return exceptions.ModelHTTPError.for_category(
        category, status_code=status, model_name="m", body=body, headers=headers
    )


async def said(model: PydanticAIModel, request: Request | None = None) -> list[Chunk]:
    async with aclosing(model.stream(request or Request(QUESTION))) as chunks:
        return [chunk async for chunk in chunks]


def text_of(chunks: Iterable[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def parts_of(asked: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(part.part_kind, part.content) for message in asked for part in message.parts]


def answered(agent: LLMCompiler[Any], question: str = "What does IBM cost?") -> RunResult[Any]:
    return run(agent.run(question))


# ------------------------------------------------------------------------------------------------- what is asked


def test_turns_become_requests_and_responses() -> None:
    said_before = [*QUESTION, Message("assistant", "a plan"), Message("user", " "), Message("user", "go on")]

    found = turns(said_before, by=1, breaks=True)

    assert [message.kind for message in found] == ["request", "response", "request"]
    assert parts_of(found) == [
        ("system-prompt", "be exact"),
        ("user-prompt", "and brief"),
        ("text", "a plan"),
        ("user-prompt", "go on"),
    ]


@pytest.mark.parametrize(
    ("breaks", "steady", "content"),
    [
        (True, 5, ["tools", messages.CachePoint(), " and what"]),
        (False, 5, "tools and what"),
        (True, 0, "tools and what"),
        (True, 14, ["tools and what", messages.CachePoint()]),
    ],
)
def test_a_cache_may_end_where_the_steady_part_of_a_turn_does(breaks: bool, steady: int, content: Any) -> None:
    turn = Message("user", "tools and what").steady_for(steady)

    assert parts_of(turns([turn], by=1, breaks=breaks)) == [("user-prompt", content)]


def test_the_steady_part_of_a_prompt_ends_behind_the_tools_whatever_is_asked() -> None:
    model = ScriptedModel("join(1)\n", "join(2)\n")
    agent = LLMCompiler(model, [price], joiner=None, instructions="Be quick.")
    for question in ("What?", "And what else?"):
        answered(agent, question)
    seen = [request.messages[-1] for request in model.requests]

    first, second = (turn.text[: turn.steady] for turn in seen)
    assert first == second
    assert "\nBe quick.\n\nTools:\nprice(" in first
    assert seen[0].text[seen[0].steady :] == "\n\nQuestion: What?"


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {"temperature": 0.0, "max_tokens": 100}),
        ({"thinking": "high"}, {"max_tokens": 20_580}),
        ({"thinking": False}, {"temperature": 0.0, "max_tokens": 100}),
        ({"settings": {"temperature": 0.5, "top_p": 0.9}}, {"temperature": 0.5, "top_p": 0.9, "max_tokens": 100}),
    ],
)
def test_who_thinks_has_room_for_it_and_no_temperature(options: dict[str, Any], settings: dict[str, Any]) -> None:
    model = Scripted(["x"])
    asyncio.run(said(model.of(**options), Request(QUESTION, max_tokens=100)))

    sent = {
        name: model.settings[0][name] for name in ("temperature", "top_p", "max_tokens") if name in model.settings[0]
    }
    assert sent == settings
    assert model.settings[0]["max_retries"] == 0


def test_a_setting_that_a_provider_refuses_is_left_out_from_then_on() -> None:
    model = Scripted(http(400, {"message": "`temperature` is deprecated for this model"}), ["x"])
    asked = model.of()

    assert [text_of(asyncio.run(said(asked))) for _ in range(2)] == ["x", "x"]
    assert ["temperature" in settings for settings in model.settings] == [True, False, False]


def test_a_seed_that_a_provider_refuses_is_left_out_and_the_temperature_is_not() -> None:
    model = Scripted(["x"], http(400, {"message": "seed is not supported by this model"}), ["x"])
    asked = model.of()

    for seed in (3, 4, 5):
        assert text_of(asyncio.run(said(asked, Request(QUESTION, temperature=0.7, seed=seed)))) == "x"
    assert [settings.get("seed") for settings in model.settings] == [3, 4, None, None]
    assert {settings["temperature"] for settings in model.settings} == {0.7}


def test_a_setting_that_a_provider_refuses_is_left_out_of_every_request_under_way() -> None:
    refusal = http(400, {"message": "`temperature` is deprecated for this model"})
    model = Scripted(refusal, refusal, ["x"])
    both = asyncio.Barrier(2)

    async def stream(asked: list[Any], info: Any) -> AsyncIterator[Any]:
        if len(model.asked) < 2:
            model.asked.append(asked)
            await both.wait()
        async for piece in model._stream(asked, info):
            yield piece

    model.model = function.FunctionModel(stream_function=stream)

    async def test() -> list[list[Chunk]]:
        asked = model.of()
        async with asyncio.timeout(20):
            return list(await asyncio.gather(said(asked), said(asked)))

    assert [text_of(chunks) for chunks in asyncio.run(test())] == ["x", "x"]
    assert ["temperature" in settings for settings in model.settings] == [True, True, False, False]


def test_a_bound_that_is_too_large_for_a_model_is_asked_again_without_room_for_thoughts() -> None:
    model = Scripted(http(400, {"message": "max_tokens: 12388 > 8192, which is the maximum"}), ["x"])

    assert text_of(asyncio.run(said(model.of(thinking=True), Request(QUESTION, max_tokens=100)))) == "x"
    assert [settings["max_tokens"] for settings in model.settings] == [12_388, 100]


def test_settings_of_a_model_object_stand_but_for_what_is_not_the_users() -> None:
    model = Scripted(["x"])
    model.model._settings = {"temperature": 0.7, "max_tokens": 9, "max_retries": 5}
    asyncio.run(said(model.of(settings={"max_tokens": 7})))

    assert {name: model.settings[0][name] for name in ("temperature", "max_tokens", "max_retries")} == {
        "temperature": 0.7,
        "max_tokens": 7,
        "max_retries": 0,
    }


def test_a_setting_of_the_users_is_never_left_out() -> None:
    model = Scripted(http(400, {"message": "`temperature` is deprecated for this model"}), ["x"])

    with pytest.raises(ModelError, match="temperature"):
        asyncio.run(said(model.of(settings={"temperature": 1.0})))


def test_a_schema_that_a_provider_refuses_is_left_out_and_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    too_complex = exceptions.ModelRequestRejectedError("m", "The strict schemas have a recursive schema")
    model = Scripted(too_complex, ["{}"])
    asked = model.of(grammar="json_schema")
    request = Request(QUESTION, grammar=Grammar(json_schema={"type": "object"}))

    with caplog.at_level(logging.WARNING, "superscalar.models"):
        assert [text_of(asyncio.run(said(asked, request))) for _ in range(2)] == ["{}", "{}"]
    assert len(model.asked) == 3
    assert [record.message.splitlines()[-1] for record in caplog.records] == [
        "From now on it is asked without a schema for its plans, which may have errors then."
    ]


def test_plans_are_structured_output_where_the_user_says_so() -> None:
    grammar = Grammar(json_schema={"type": "object"}, gbnf="root ::= x", lark="start: x")
    plain, held = Scripted(["x"]).of(), Scripted(["x"]).of(grammar="json_schema")

    found = held._parameters(grammar)
    assert (found.output_mode, found.output_object.json_schema, found.output_object.name) == (
        "native",
        {"type": "object"},
        "plan",
    )
    assert (held.constrains, held.writes) == (True, "json")
    assert (plain._parameters(grammar), plain.constrains, plain.writes) == (None, False, "python")


def test_a_plan_in_json_runs_as_it_comes() -> None:
    steps = '{"steps": [{"id": "a", "tool": "price", "arguments": {"ticker": "IBM"}}], "join": {"$ref": "a"}}'
    model = Scripted([steps[:40], steps[40:]])

    assert answered(LLMCompiler(model.of(grammar="json_schema"), [price], joiner=None)).answer == 231.25


# --------------------------------------------------------------------------------------------- what comes back


def test_thoughts_are_told_from_text_and_come_with_what_the_model_wants_back() -> None:
    chunks = asyncio.run(said(Scripted([thought("hm "), thought("yes", "s1"), "a = 1\n", "join(a)"]).of()))

    assert [(chunk.text, chunk.thought) for chunk in chunks[:-1]] == [
        ("", "hm "),
        ("", "yes"),
        ("a = 1\n", ""),
        ("join(a)", ""),
    ]
    assert (chunks[-1].finish, chunks[-1].carry is not None) == ("stop", True)


def test_a_signature_goes_back_in_a_repair_and_its_thought_is_no_part_of_the_plan() -> None:
    """What a provider signed it wants to see again, beside the text that it belongs to."""
    wrong, right = "a = cost('IBM')\njoin(a)\n", "a = price('IBM')\njoin(a)\n"
    model = Scripted([thought("Let me see.", "s1"), wrong], [right])
    result = answered(LLMCompiler(model.of(), [price], joiner=None))

    assert result.answer == 231.25
    assert "".join(e.text for e in result.events if isinstance(e, PlanWritten)) == wrong + right
    assert [e.text for e in result.events if isinstance(e, Thought)] == ["Let me see."]
    said_before = model.asked[1][-2]
    assert [(part.part_kind, part.content) for part in said_before.parts] == [
        ("thinking", "Let me see."),
        ("text", wrong),
    ]
    assert said_before.parts[0].signature == "s1"


def test_a_signature_goes_back_to_a_joiner_that_is_asked_again() -> None:
    joiner = Scripted([thought("A sum.", "s1"), "about 3"], ["3"])
    agent = LLMCompiler(ScriptedModel("join(3)\n"), [price], joiner=joiner.of(), output_type=int)

    assert answered(agent).answer == 3
    assert parts_of(joiner.asked[1][-2:-1]) == [("thinking", "A sum."), ("text", "about 3")]


def test_a_signature_is_recorded_nowhere(tmp_path: Path) -> None:
    model = Scripted([thought("Let me see.", "signature-of-it"), "a = cost('IBM')\njoin(a)\n"], ["a = 1\njoin(a)\n"])
    result = answered(LLMCompiler(model.of(), [price], joiner=None, journal=tmp_path / "runs.db"))

    assert model.asked[1][-2].parts[0].signature == "signature-of-it"
    recorded = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Let me see." in recorded
    assert b"signature-of-it" not in recorded + repr(result.events).encode()


def reply_of(*parts: Any, **more: Any) -> Any:
    return messages.ModelResponse(parts=list(parts), **more)


def free(response: Any, used: Usage) -> float:
    return 0.0


def carried(response: Any) -> object:
    """What a model wants back that writes this."""
    reply = PartsReply(1, (), Ends(ENDS), free)
    for index, part in enumerate(response.parts):
        list(reply.take(messages.PartStartEvent(index=index, part=part)))
    return list(reply.finish(response))[-1].carry


SIGNED = messages.ThinkingPart(content="hm", signature="s1", provider_name="anthropic")
UNSIGNED = messages.ThinkingPart(content="hm")
BOUND = messages.ThinkingPart(content="hm", id="rs_1", signature="s1", provider_name="openai")
TEXT = messages.TextPart(content="a plan", id="msg_1", provider_name="openai")


@pytest.mark.parametrize(
    ("parts", "text", "by", "sent"),
    [
        ((SIGNED, TEXT), "a plan", 1, [SIGNED, TEXT]),
        ((SIGNED, TEXT), "the plan", 1, [SIGNED, messages.TextPart(content="the plan")]),
        ((UNSIGNED, TEXT), "a plan", 1, [TEXT]),
        ((BOUND, TEXT), "a plan", 1, [BOUND, TEXT]),
        ((BOUND, TEXT), "the plan", 1, [messages.TextPart(content="the plan")]),
        ((SIGNED, TEXT), "a plan", 2, [messages.TextPart(content="a plan")]),
    ],
    ids=[
        "as it came",
        "another text",
        "no signature",
        "bound to its text",
        "another text than it is bound to",
        "of another",
    ],
)
def test_what_a_model_wants_back_is_given_to_it_alone(parts: Any, text: str, by: int, sent: list[Any]) -> None:
    turn = Message("assistant", text).carrying(carried(reply_of(*parts)))

    assert turns([turn], by=by, breaks=True)[0].parts == sent


def test_what_a_model_wants_back_is_no_part_of_a_turn_that_is_compared_shown_or_kept() -> None:
    turn = Message("assistant", "a plan").carrying("secret").steady_for(3)

    assert turn == Message("assistant", "a plan")
    assert "secret" not in repr(turn) + repr(Chunk(carry="secret"))
    assert "secret" not in repr(asdict(turn))
    assert Message(**asdict(turn)) == turn
    assert replace(turn).carry is None


WHOLE = {"finish_reason": "end_turn"}


def ended(**response: Any) -> tuple[str | None, str]:
    reply = PartsReply(1, (), Ends(ENDS), free)
    chunks = list(reply.finish(reply_of(**response)))
    return chunks[-1].finish, text_of(chunks)


@pytest.mark.parametrize(
    ("word", "meant", "finish"),
    [
        ("end_turn", "stop", "stop"),
        ("tool_use", "tool_call", "stop"),
        ("max_tokens", "length", "length"),
        ("SAFETY", "content_filter", "filter"),
        ("MALFORMED_FUNCTION_CALL", "error", "error"),
        ("a_new_word", None, "a_new_word"),
        (None, None, None),
    ],
)
def test_a_reply_ends_as_its_provider_says(word: str | None, meant: str | None, finish: str | None) -> None:
    details = None if word is None else {"finish_reason": word}

    assert ended(finish_reason=meant, provider_details=details, provider_name="anthropic") == (finish, "")


def test_an_end_that_the_library_made_up_is_none() -> None:
    """Where a stream breaks off without a word, the library says that it stopped."""
    assert ended(finish_reason="stop", provider_name="openai") == (None, "")
    assert ended(finish_reason="stop", provider_details=WHOLE, provider_name="p", state="suspended") == (None, "")
    assert ended(finish_reason="stop", provider_name="xai") == ("stop", "")
    assert ended() == ("stop", "")


def test_a_word_that_the_user_knows_says_that_a_reply_is_whole() -> None:
    response = reply_of(provider_details={"finish_reason": "EOS"}, provider_name="p")

    assert list(PartsReply(1, (), Ends(ENDS, ["eos"]), free).finish(response))[-1].finish == "stop"


def test_calls_of_tools_that_nobody_offered_are_lines_of_text() -> None:
    calls = [
        messages.ToolCallPart(tool_name="price", args='{"ticker": "IBM"}'),
        messages.ToolCallPart(tool_name="join", args={"values": ["price"]}),
    ]

    chunks = list(PartsReply(1, (), Ends(ENDS), free).finish(reply_of(*calls)))
    assert text_of(chunks) == (
        '{"name": "price", "arguments": {"ticker": "IBM"}}\n{"name": "join", "arguments": {"values": ["price"]}}\n'
    )


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"refusal": "I cannot help with that"}, "I cannot help with that"),
        ({"finish_reason": "refusal"}, "it said no more than that"),
        (
            {"block_reason": "SAFETY", "block_reason_message": "no"},
            r"its provider blocks what it is asked \(SAFETY: no\)",
        ),
    ],
)
def test_a_refusal_of_the_model_is_an_error_in_its_words(details: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        ended(finish_reason="content_filter", provider_details=details)


def test_what_was_used_says_what_was_kept_and_what_was_thought() -> None:
    counted = usage.RequestUsage(
        input_tokens=1_000,
        cache_read_tokens=600,
        cache_write_tokens=300,
        output_tokens=50,
        details={"reasoning_tokens": 30},
    )
    prices = Prices(10.0, 100.0, cached=1.0, kept=20.0)
    reply = PartsReply(1, (), Ends(ENDS), lambda _, used: prices.of(used))

    found = list(reply.finish(reply_of(usage=counted, finish_reason="stop", provider_details=WHOLE)))[-1].usage

    cost = (100 * 10.0 + 600 * 1.0 + 300 * 20.0 + 50 * 100.0) / 1e6
    assert found == Usage(1_000, 600, 50, 1, cost, reasoning_tokens=30, kept_tokens=300)


@pytest.mark.parametrize(
    "counted",
    [usage.RequestUsage(), usage.RequestUsage(input_tokens=5, unmeasured_requests=1)],
    ids=["nothing", "not all of it"],
)
def test_what_a_provider_did_not_count_is_left_to_an_estimate(counted: Any) -> None:
    assert list(PartsReply(1, (), Ends(ENDS), free).finish(reply_of(usage=counted)))[-1].usage is None


def test_a_stop_text_ends_a_reply_wherever_it_is_cut() -> None:
    chunks = asyncio.run(said(Scripted(["a = 1\n# E", "ND\nb = 2\n"]).of(), Request(QUESTION, stop=("# END",))))

    assert (text_of(chunks), chunks[-1].finish, chunks[-1].usage) == ("a = 1\n", "stop", None)


# ------------------------------------------------------------------------------------------------------- errors


def read(error: Exception) -> tuple[type, bool, float | None, int | None]:
    found = model_error(error, "p:m", " in P_KEY", str)
    return type(found), found.retryable, found.retry_after, found.status


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (lambda: http(429, headers={"Retry-After": "7"}), (ModelError, True, 7.0, 429)),
        (lambda: http(429, headers={"retry-after-ms": "250"}), (ModelError, True, 0.25, 429)),
        (lambda: http(529), (ModelError, True, None, 529)),
        (lambda: http(503, headers={"Retry-After": "3"}), (ModelError, True, 3.0, 503)),
        (lambda: http(500), (ModelError, True, None, 500)),
        (lambda: http(400), (ModelError, False, None, 400)),
        (lambda: http(401), (ModelSetupError, False, None, 401)),
        (lambda: exceptions.ModelRateLimitError("m", "slow", retry_after=14.0), (ModelError, True, 14.0, 429)),
        (lambda: exceptions.ModelQuotaExceededError("m", "no", retry_after=14.0), (ModelError, False, None, None)),
        (lambda: exceptions.ModelConnectionError("m", "reset"), (ModelError, True, None, None)),
        (lambda: exceptions.ModelRequestTimeout("m", 3.0), (ModelError, True, None, None)),
        (lambda: exceptions.UnexpectedModelBehavior("nothing came"), (ModelError, True, None, None)),
        (lambda: exceptions.ContentFilterError("filtered"), (ModelError, False, None, None)),
        (lambda: exceptions.UserError("Set `P_KEY`"), (ModelSetupError, False, None, None)),
        (lambda: exceptions.ModelAPIError("m", "who knows"), (ModelError, False, None, None)),
        (
            lambda: exceptions.FallbackExceptionGroup("all", [http(401), http(429, headers={"Retry-After": "7"})]),
            (ModelError, True, 7.0, 429),
        ),
        (lambda: exceptions.FallbackExceptionGroup("all", [http(401), http(400)]), (ModelError, False, None, 400)),
        (lambda: ConnectionResetError("gone"), (ModelError, True, None, None)),
        (lambda: ValueError("who knows"), (ModelError, False, None, None)),
    ],
)
def test_an_error_says_whether_to_ask_again_and_when(error: Callable[[], Exception], meaning: Any) -> None:
    assert read(error()) == meaning


def test_an_error_is_told_in_the_providers_words_and_without_its_key() -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down, sk-ant-abcdefgh123"}}
    provider = SimpleNamespace(client=SimpleNamespace(api_key="sk-ant-abcdefgh123"), base_url="https://x")
    asked = PydanticAIModel(SimpleNamespace(system="p", model_name="m", request_stream=None, provider=provider))

    assert asked.secrets == ("sk-ant-abcdefgh123",)
    assert "sk-ant" not in str(account_of(asked))
    assert str(model_error(http(429, body), "p:m", "", asked._shown)) == "p:m: HTTP 429: slow down, **********"


def test_a_refusal_is_waited_out_for_as_long_as_the_provider_says() -> None:
    model = Scripted(http(429, {"message": "slow down"}, {"retry-after": "7"}), ["join(1)\n"])
    result = answered(LLMCompiler(model.of(), [price], joiner=None))

    (waits,) = [event for event in result.events if isinstance(event, ModelWaiting)]
    assert waits.why == "function:function::_stream: HTTP 429: slow down"
    assert (result.answer, len(model.asked), result.timing.total >= 7.0) == (1, 2, True)


def test_a_key_that_is_wrong_is_no_reason_to_ask_again() -> None:
    model = Scripted(http(401, {"message": "no such key"}))

    with pytest.raises(ModelSetupError, match="no such key"):
        answered(LLMCompiler(model.of(), [price], joiner=None))
    assert len(model.asked) == 1


# -------------------------------------------------------------------------------------------- setup and prices


def test_nothing_of_pydantic_ai_is_imported_before_a_model_is_used() -> None:
    lines = (
        "import sys",
        "from superscalar.models import PydanticAIModel",
        "model = PydanticAIModel('anthropic:claude-opus-4-8', thinking='low')",
        "model.name, model.account, model.secrets, model.constrains",
        "assert not {'pydantic_ai', 'anthropic', 'genai_prices', 'pydantic'} & set(sys.modules)",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, timeout=60)


def test_what_is_missing_is_told_by_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = PydanticAIModel("anthropic:claude-opus-4-8")

    monkeypatch.setitem(sys.modules, "pydantic_ai.providers.anthropic", None)
    with pytest.raises(ModelSetupError, match=r"pip install 'superscalar\[models\]' 'pydantic-ai-slim\[anthropic\]'"):
        model.check_setup()
    monkeypatch.setitem(sys.modules, "pydantic_ai.models", None)
    with pytest.raises(ModelSetupError, match=r"needs the models extra: pip install 'superscalar\[models\]'"):
        model.check_setup()


def test_a_library_that_is_too_old_is_told_from_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("pydantic_ai.models.Model.unsupported_settings")

    with pytest.raises(ModelSetupError, match=r"a later pydantic-ai: pip install -U 'superscalar\[models\]'"):
        Scripted(["x"]).of().check_setup()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "claude"}, 'write "provider:name"'),
        ({"model": ScriptedModel("x")}, 'write "provider:name"'),
        ({"model": "x:y", "thinking": "a lot"}, "write True, False, or one of 'minimal'"),
        ({"model": "x:y", "grammar": "lark"}, 'write "json_schema"'),
        ({"model": "x:y", "settings": ["top_p"]}, "write a dictionary"),
        ({"model": "x:y", "settings": {"max_retries": 5}}, "say it with retry=Retry"),
    ],
)
def test_an_option_without_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        PydanticAIModel(**options)


def test_the_key_of_the_environment_is_a_secret_and_says_whose_calls_count_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-abcdefgh123")
    one, other = PydanticAIModel("anthropic:claude-opus-4-8"), PydanticAIModel("anthropic:claude-haiku-4-5")
    with_one_key = one.account, other.account
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-zzzzzzzzz99")

    assert one.secrets == ("sk-ant-zzzzzzzzz99",)
    assert with_one_key[0] == with_one_key[1] != one.account
    assert "sk-ant" not in repr(with_one_key)


def test_the_list_of_prices_is_asked_where_the_user_says_none() -> None:
    known = PydanticAIModel("anthropic:claude-opus-4-8")

    assert known.prices == prices_of("anthropic", "claude-opus-4-8") == Prices(5.0, 25.0, cached=0.5, kept=6.25)
    assert PydanticAIModel("anthropic:claude-opus-4-8", prices=Prices(1, 2)).prices == Prices(1, 2)
    assert PydanticAIModel("ollama:qwen3").prices is None


def test_a_budget_in_money_needs_no_table_where_the_list_knows_the_model() -> None:
    LLMCompiler(PydanticAIModel("anthropic:claude-opus-4-8"), [price], max_cost=0.5)

    with pytest.raises(UsageError, match=r"cannot count what ollama:qwen3 costs; write model=PydanticAIModel\("):
        LLMCompiler(PydanticAIModel("ollama:qwen3"), [price], max_cost=0.5)


def test_where_there_is_no_list_nothing_is_known_of_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent is made all the same: what is missing is told when a run begins."""
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    prices_of.cache_clear()

    assert not hasattr(PydanticAIModel("anthropic:claude-opus-4-8"), "prices")


@pytest.mark.parametrize(
    ("asked", "answered_by", "cost"),
    [
        ({"model": "openai-chat:gpt-5-mini"}, "gpt-5", 1.25),
        ({"model": "openai-chat:gpt-5-mini"}, "a snapshot that is new", 0.25),
        ({"model": "openai-chat:gpt-5-mini", "prices": Prices(7.0, 9.0)}, "gpt-5", 7.0),
        ({"model": "ollama:qwen3"}, "qwen3", 0.0),
    ],
    ids=["who answered", "who was asked", "the user", "nobody"],
)
def test_a_reply_costs_what_somebody_says(asked: dict[str, Any], answered_by: str, cost: float) -> None:
    counted = usage.RequestUsage(input_tokens=1_000_000)
    response = reply_of(usage=counted, model_name=answered_by, provider_name="openai")

    assert PydanticAIModel(**asked)._price(response, Usage(1_000_000)) == cost


# ------------------------------------------------------------------------------------------------- event loops


class Client:
    """A model with connections, which counts when they are opened and closed."""

    model_name = "m"
    provider = SimpleNamespace()

    def __init__(self) -> None:
        self.happened: list[str] = []

    async def __aenter__(self) -> Client:
        self.happened.append("opened")
        return self

    async def __aexit__(self, *why: object) -> None:
        self.happened.append("closed")


def test_a_name_has_connections_for_each_loop_which_end_with_it() -> None:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client())
        return made[-1]

    connections = OwnConnections(make)
    connections.prepare()

    async def asked_twice() -> None:
        for _ in range(2):
            connections.prepare()
            async with connections.open():
                made[-1].happened.append("asked")

    for _ in range(2):
        asyncio.run(asked_twice())
    assert [client.happened for client in made] == [["opened", "asked", "asked", "closed"]] * 2


def test_connections_are_closed_when_that_is_said_and_opened_anew() -> None:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client())
        return made[-1]

    async def main() -> None:
        connections = OwnConnections(make)
        for _ in range(2):
            async with connections.open():
                pass
            await connections.aclose()
            await connections.aclose()

    asyncio.run(main())
    assert [client.happened for client in made] == [["opened", "closed"]] * 2


class SlowToOpen(Client):
    """One that takes a moment to open."""

    async def __aenter__(self) -> Client:
        await asyncio.sleep(0)
        return await super().__aenter__()


def test_a_run_that_is_cancelled_while_its_connections_open_leaves_them_to_the_next() -> None:
    client = SlowToOpen()
    connections = OwnConnections(lambda: client)

    async def ask() -> None:
        async with connections.open():
            client.happened.append("asked")

    async def main() -> None:
        first = asyncio.create_task(ask())
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        await ask()

    asyncio.run(main())
    assert client.happened == ["opened", "asked", "closed"]


def test_an_object_is_asked_from_one_loop_at_a_time() -> None:
    client = Client()
    connections = LentConnections(client)
    refused: list[str] = []

    async def ask() -> None:
        async with connections.open():
            client.happened.append("asked")

    def elsewhere() -> None:
        try:
            asyncio.run(ask())
        except ModelSetupError as error:
            refused.append(str(error))

    async def main() -> None:
        async with connections.open():
            thread = Thread(target=elsewhere)
            thread.start()
            await asyncio.to_thread(thread.join)

    asyncio.run(main())
    elsewhere()
    assert client.happened == ["opened", "closed", "opened", "asked", "closed"]
    assert ["another event loop" in words for words in refused] == [True]


# -------------------------------------------------------------------------------------------------------- usage


def test_what_was_used_is_divided_up_by_model_and_by_round() -> None:
    planner = Scripted(["a = price('IBM')\njoin(a)\n"], ["b = price('IBM')\njoin(b)\n"]).of(
        prices=Prices(15_625.0, 31_250.0)
    )
    joiner = Scripted(["REPLAN: once more"], ["231.25"])
    joiner.model._model_name = "joiner"
    result = answered(LLMCompiler(planner, [price], joiner=joiner.of(prices=Prices(31_250.0, 62_500.0))))

    assert set(result.usage_by_model) == {planner.name, "function:joiner"}
    assert len(result.usage_by_round) == result.rounds == 2
    assert sum(result.usage_by_model.values(), Usage()) == sum(result.usage_by_round, Usage()) == result.usage
    assert [used.requests for used in result.usage_by_round] == [2, 2]
