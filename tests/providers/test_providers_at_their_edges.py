"""What one provider does that others do not, and what holds of all when a reply is given up, kept or thought about."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from superscalar import LLMCompiler, tool
from superscalar.models import Chunk, Message, Request
from superscalar.models.base import closable
from superscalar.models.ending import is_whole
from support.wires import WIRES, each_wire
from support.wires.anthropic import ANTHROPIC
from support.wires.chat import DEEPSEEK, DEEPSEEK_CHAT, OPENAI, OPENAI_CHAT
from support.wires.google import GOOGLE
from support.wires.player import hung_up, playing, run
from support.wires.said import Answer, Said, Thought, Turn, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

REQUEST = Request((Message("system", "Plan."), Message("user", "What?")), max_tokens=100)
BROKEN, PLAN = 'a = wether("Lisbon")\njoin(a)\n', 'a = weather("Lisbon")\njoin(a)\n'
ANSWER = "Sunny."


@tool(effect="read", trust="trusted")
async def weather(city: str) -> str:
    """The weather in a city, in one word."""
    return "sunny"


async def read(wire: Wire, turn: Turn | Answer, request: Request = REQUEST) -> list[Chunk]:
    async with playing(wire, turn) as server:
        return [chunk async for chunk in wire.model(server.url).stream(request)]


def changed(wire: Wire, said: Said, old: str, new: str) -> Answer:
    """A reply of which something stands there in other words."""
    answer = wire.answer(said, {"stream_options": {"include_usage": True}})
    assert old.encode() in b"".join(answer.events)
    return replace(answer, events=tuple(event.replace(old.encode(), new.encode()) for event in answer.events))


# ------------------------------------------------------------------------------------------------ what holds of all


@each_wire()
def test_a_reply_that_nobody_reads_on_is_closed_at_once(wire: Wire) -> None:
    """The provider sees its connection end, and writes no further."""

    async def test() -> None:
        slow = Said(told("x" * 400, size=1), pause=0.02)  # eight seconds, of which nobody waits for a second
        async with playing(wire, slow) as server:
            async with aclosing(closable(wire.model(server.url).stream(REQUEST))) as chunks:
                async for chunk in chunks:
                    if chunk.text:
                        break
            (exchange,) = server.exchanges
            await hung_up(exchange)

    run(test)


@each_wire()
def test_a_run_that_is_cancelled_closes_the_reply(wire: Wire) -> None:
    """Nobody is asked for the rest of a plan that no one wants."""

    async def test() -> None:
        slow = Said(told("# " + "x" * 400, size=1), pause=0.02)
        async with playing(wire, slow) as server:
            going = asyncio.create_task(LLMCompiler(wire.model(server.url), [weather]).run("?"))
            while not server.exchanges:  # noqa: ASYNC110 -- that is the server's own list
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            (exchange,) = server.exchanges
            await hung_up(exchange)

    run(test)


@each_wire()
def test_a_stop_text_ends_a_reply_and_is_no_part_of_it(wire: Wire) -> None:
    """Wherever it stands among the pieces, and whether the provider knows of it or not."""
    request = replace(REQUEST, stop=("<end>",))
    chunks = run(lambda: read(wire, Said(told("a = f()<end>b = g()", size=3)), request))
    assert "".join(chunk.text for chunk in chunks) == "a = f()"
    assert is_whole(chunks[-1].finish)


@each_wire()
def test_questions_are_asked_behind_what_stays_the_same(wire: Wire) -> None:
    """Two questions: the requests are the same in every byte up to the question, so a provider may keep that."""

    async def asked(question: str) -> str:
        async with playing(wire, Said(told('join("x")\n')), Said(told(ANSWER))) as server:
            await LLMCompiler(wire.model(server.url), [weather]).run(question)
            return json.dumps(wire.asked(server.requests[0])[-1].text)

    def both() -> tuple[str, str]:
        return run(lambda: asked("Is it warm?")), run(lambda: asked("Will it rain?"))

    first, second = both()
    assert first.partition("Question: ")[0] == second.partition("Question: ")[0]
    assert first.partition("Question: ")[2] != second.partition("Question: ")[2]


@pytest.mark.parametrize("wire", [wire for wire in WIRES if not wire.ours], ids=repr)
@pytest.mark.parametrize("thinking", [True, False, "low"])
def test_every_provider_takes_what_is_said_of_thinking(wire: Wire, thinking: Any) -> None:
    """One that has no such setting is asked without it."""

    async def test() -> list[Chunk]:
        async with playing(wire, Said(told(PLAN))) as server:
            return [chunk async for chunk in wire.model(server.url, thinking=thinking).stream(REQUEST)]

    assert "".join(chunk.text for chunk in run(test)) == PLAN


# --------------------------------------------------------------------------------------------------------- Anthropic


def test_anthropic_is_told_where_the_steady_part_ends() -> None:
    """Behind the tools, before the question: what is asked next finds all of it in the cache."""

    def marked(body: Mapping[str, Any]) -> list[str]:
        blocks = [block for message in body["messages"] for block in message["content"]]
        return [block["text"] for block in blocks if "cache_control" in block]

    async def test(cache: bool) -> Mapping[str, Any]:
        async with playing(ANTHROPIC, Said(told('join("x")\n')), Said(told(ANSWER))) as server:
            await LLMCompiler(ANTHROPIC.model(server.url, cache=cache), [weather]).run("Is it warm?")
            return server.requests[0]

    (steady,) = marked(run(lambda: test(True)))
    assert steady.startswith("Tools:\n")
    assert "weather(city: str)" in steady
    assert "Is it warm?" not in steady
    assert "cache_control" not in json.dumps(run(lambda: test(False)))


def test_what_anthropic_redacts_goes_back_as_it_came() -> None:
    """A thought that nobody may read is no event and no text, and its provider has it back in a repair."""
    said = Said((Thought("hidden", "c2VhbGVk"), *told(BROKEN)))
    redacted = changed(
        ANTHROPIC,
        said,
        '{"type":"thinking","thinking":"","signature":""}',
        '{"type":"redacted_thinking","data":"c2VhbGVk"}',
    )
    redacted = replace(redacted, events=tuple(event for event in redacted.events if b"_delta" not in _kind(event)))

    async def test() -> tuple[list[dict[str, Any]], list[Any]]:
        async with playing(ANTHROPIC, redacted, Said(told(PLAN)), Said(told(ANSWER))) as server:
            result = await LLMCompiler(ANTHROPIC.model(server.url), [weather]).run("?")
            assert result.answer == ANSWER
            return server.requests, list(result.events)

    requests, events = run(test)
    (turn,) = [each for each in requests[1]["messages"] if "wether" in json.dumps(each["content"]) and _is_theirs(each)]
    assert {"type": "redacted_thinking", "data": "c2VhbGVk"} in turn["content"]
    assert "c2VhbGVk" not in repr(events)


def _kind(event: bytes) -> bytes:
    """The kind of a delta that belongs to a thought; empty for all else."""
    return b"thinking_delta" if b"thinking_delta" in event or b"signature_delta" in event else b""


def _is_theirs(turn: Mapping[str, Any]) -> bool:
    return bool(turn["role"] == "assistant")


@pytest.mark.parametrize("word", ["model_context_window_exceeded", "pause_turn", "galactic"])
def test_a_word_of_anthropic_that_is_none_for_whole_is_one_for_a_cut(word: str) -> None:
    """Be it known or not."""
    answer = changed(ANTHROPIC, Said(told(PLAN)), '"end_turn"', f'"{word}"')
    assert not is_whole(run(lambda: read(ANTHROPIC, answer))[-1].finish)


# ------------------------------------------------------------------------------------------------------------ Google


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "RECITATION", "OTHER", "GALACTIC"])
@pytest.mark.filterwarnings("ignore:.* is not a valid FinishReason:UserWarning")
def test_a_word_of_google_that_is_none_for_whole_is_one_for_a_cut(word: str) -> None:
    """Be it known or not."""
    answer = changed(GOOGLE, Said(told(PLAN)), '"STOP"', f'"{word}"')
    chunks = run(lambda: read(GOOGLE, answer))
    assert "".join(chunk.text for chunk in chunks) == PLAN
    assert not is_whole(chunks[-1].finish)


def test_a_signature_of_google_behind_the_text_goes_back_too() -> None:
    """Its newer models sign an empty part at the end of what they said."""
    signed = changed(GOOGLE, Said(told(BROKEN)), '{"text":""}', '{"text":"","thoughtSignature":"c2lnbmVk"}')

    async def test() -> list[list[Any]]:
        async with playing(GOOGLE, signed, Said(told(PLAN)), Said(told(ANSWER))) as server:
            assert (await LLMCompiler(GOOGLE.model(server.url), [weather]).run("?")).answer == ANSWER
            return [list(asked) for asked in server.asked]

    _, repair, join = run(test)
    assert [turn.signatures for turn in repair if turn.signatures] == [("c2lnbmVk",)]
    assert [turn for turn in join if turn.signatures] == []


# -------------------------------------------------------------------------------- OpenAI, and those who speak like it


@pytest.mark.parametrize(
    ("wire", "word"),
    [
        *((wire, word) for wire in (OPENAI, OPENAI_CHAT, DEEPSEEK, DEEPSEEK_CHAT) for word in ('"galactic"', '"load"')),
        (OPENAI_CHAT, "null"),  # ours goes by `[DONE]` then, which the library does not hand on
        (DEEPSEEK_CHAT, "null"),
    ],
    ids=repr,
)
def test_a_word_that_is_none_for_whole_is_one_for_a_cut(wire: Wire, word: str) -> None:
    """A library that takes a missing word for the usual one is not believed."""
    answer = changed(wire, Said(told(PLAN)), '"finish_reason":"stop"', f'"finish_reason":{word}')
    assert not is_whole(run(lambda: read(wire, answer))[-1].finish)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings", "ignore:Failed to extract usage")
@pytest.mark.parametrize("wire", [OPENAI, OPENAI_CHAT], ids=repr)
def test_counts_that_cannot_be_are_no_usage(wire: Wire) -> None:
    """A server that counts with words, or backwards, has not counted; its reply is whole all the same."""
    for odd in ('"many"', "-7", "null"):
        answer = changed(wire, Said(told(PLAN)), '"prompt_tokens":1200', f'"prompt_tokens":{odd}')
        chunks = run(partial(read, wire, answer))
        usage = chunks[-1].usage
        assert ("".join(chunk.text for chunk in chunks), is_whole(chunks[-1].finish)) == (PLAN, True)
        assert usage is None or (usage.input_tokens >= 0 and usage.cost >= 0)


@pytest.mark.parametrize("wire", [OPENAI, OPENAI_CHAT, ANTHROPIC], ids=repr)
def test_comments_and_other_ends_of_lines_are_taken(wire: Wire) -> None:
    """Routers keep a connection alive with comments, and some servers end lines as Windows does."""
    answer = wire.answer(Said(told(PLAN)), {"stream_options": {"include_usage": True}})
    events = [b": PROCESSING\n\n" + event for event in answer.events]
    for each in (events, [event.replace(b"\n", b"\r\n") for event in events]):
        chunks = run(partial(read, wire, replace(answer, events=tuple(each))))
        assert "".join(chunk.text for chunk in chunks) == PLAN
        assert is_whole(chunks[-1].finish)
