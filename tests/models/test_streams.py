"""Servers that speak chat completions in dialects of their own: what a run makes of each, however its bytes are cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from superscalar import LLMCompiler, SuperscalarError, tool
from superscalar.compiler.result import RunResult
from superscalar.models import OpenAIModel
from support.depth import searching
from support.fake_openai import Exchange, serving

pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")

PLAN = 'a = price("IBM")\ns = send("ann", "IBM schloß ab 😀")\njoin(a, s)\n'
BEGUN = 'a = price("IBM")\ns = send("ann", "IBM closed")\n'
LOOK = 'a = price("IBM")\njoin(a)\n'
TEXT = "IBM closed at 129.40."


def chunk(delta: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    """An event of a stream."""
    data: dict[str, Any] = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    if delta is not None or finish is not None:
        data["choices"] = [{"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}]
    return {**data, **more}


def sse(data: Any) -> bytes:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def pieces(text: str, size: int = 7) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


ROLE, DONE = sse(chunk({"role": "assistant", "content": ""})), sse("[DONE]")
END = [sse(chunk({}, "stop")), DONE]


def body(text: str = PLAN, finish: Any = "stop", between: bytes = b"", word: Any = None) -> list[bytes]:
    """A reply as events: `finish` ends it, `word` stands as the finish on every piece."""
    told = [part for piece in pieces(text) for part in (sse(chunk({"content": piece}, word)), between) if part]
    return [ROLE, *told, *([sse(chunk({}, finish))] if finish else [])]


def counted(usage: Any) -> bytes:
    return sse(chunk(choices=[], usage=usage))


USAGE = counted({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})


@dataclass(frozen=True)
class Whole:
    """A response that is no stream."""

    text: str
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Torn:
    """A stream whose connection breaks behind these bytes."""

    parts: Sequence[bytes]


def refusal(status: int, message: str, **headers: str) -> Whole:
    return Whole(json.dumps({"error": {"message": message}}), status, headers=headers)


Wire = Sequence[bytes] | Torn | Whole | Callable[[dict[str, Any]], Any]


def unknown(parameter: str, told: Callable[[str], Whole]) -> Callable[[dict[str, Any]], Wire]:
    """A server that does not know a parameter, and says so in its own way."""
    return lambda asked: told(parameter) if asked.get(parameter, False) is not False else [*body(), USAGE, DONE]


# --------------------------------------------------------------------------------------------------- how bytes are cut


def as_they_are(parts: Sequence[bytes]) -> Iterable[bytes]:
    return parts


def at_once(parts: Sequence[bytes]) -> Iterable[bytes]:
    return [b"".join(parts)]


def byte_by_byte(parts: Sequence[bytes]) -> Iterable[bytes]:
    return [bytes([byte]) for byte in b"".join(parts)]


def inside_of_data(parts: Sequence[bytes]) -> Iterable[bytes]:
    """Each event's `data:` in two, and whatever follows up to the next one in one piece."""
    content = b"".join(parts)
    places = [0, *(i + 2 for i in range(len(content)) if content.startswith(b"data:", i)), len(content)]
    return [content[a:b] for a, b in pairwise(places) if a < b]


def inside_of_characters(parts: Sequence[bytes]) -> Iterable[bytes]:
    """Each character that has several bytes in two, where servers write it as it is."""
    content = b"".join(_unescaped(part) for part in parts)
    places = [0, *(i for i in range(len(content)) if content[i] & 0xC0 == 0x80), len(content)]
    return [content[a:b] for a, b in pairwise(places) if a < b]


def _unescaped(part: bytes) -> bytes:
    head, colon, data = part.partition(b"data: ")
    try:
        written = json.dumps(json.loads(data), ensure_ascii=False).encode()
    except ValueError:  # it is no JSON, or has the half of a character, which only an escape can say
        return part
    return head + colon + written + b"\n\n"


def inside_of_lines(parts: Sequence[bytes]) -> Iterable[bytes]:
    """Every line end apart from its line, and Windows' in two."""
    content = b"".join(parts).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    places = [0, *(i + 1 for i in range(len(content)) if content[i : i + 1] == b"\r"), len(content)]
    return [content[a:b] for a, b in pairwise(places) if a < b]


CUTS = (as_they_are, at_once, byte_by_byte, inside_of_data, inside_of_characters, inside_of_lines)


def cuts_of(name: str, replies: Iterable[str]) -> Sequence[Cut]:
    """How the bytes of one of these replies are cut: in every way in a search, else as they are and in the next way."""
    return CUTS if searching() else (as_they_are, CUTS[1 + list(replies).index(name) % (len(CUTS) - 1)])


# --------------------------------------------------------------------------------------------------------- the player


class Hurried(Random):
    """Waits no time between two attempts."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


@dataclass
class Told:
    """What came of a run: its answer or the words of its error, the calls that were made, and what was asked."""

    result: RunResult | None = None
    error: str = ""
    sent: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def answer(self) -> Any:
        return self.result.answer if self.result is not None else None


Cut = Callable[[Sequence[bytes]], Iterable[bytes]]


async def answer(exchange: Exchange, reply: Wire, cut: Cut) -> None:
    """Give a reply on the wire, its bytes cut in that way."""
    while callable(reply):
        reply = reply(exchange.body)
    match reply:
        case Whole(text, status, kind, headers):
            content = text.encode()
            head = {"Content-Type": kind, "Content-Length": str(len(content)), "Connection": "close", **headers}
            lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in head.items())]
            exchange.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
            await exchange.writer.drain()
            exchange.writer.close()
        case Torn(parts):
            await exchange.start()
            for piece in cut(parts):
                await exchange.raw(piece)
            exchange.writer.close()
        case parts:
            await exchange.start()
            for piece in cut(parts):
                await exchange.raw(piece)
            await exchange.over()


def play(*wires: Wire, **options: Any) -> Told:
    """What came of a run whose server answers each request with the next of the replies, and then with the last one."""
    return played(*wires, cuts=[as_they_are], **options)[0]


def played(
    *wires: Wire,
    cuts: Sequence[Cut],
    repairs: int = 0,
    joiner: bool = False,
    key: str = "none",
    path: str | None = None,
    **options: Any,
) -> list[Told]:
    """The same once for each way to cut the bytes, on one server and with one model: to make one takes its time."""
    found: list[Told] = []

    async def script(exchange: Exchange) -> None:
        told = found[-1]
        told.asked.append(exchange.body)
        await answer(exchange, wires[min(len(told.asked), len(wires)) - 1], cuts[len(found) - 1])

    @tool(effect="read", trust="trusted")
    async def price(ticker: str) -> float:
        """Price of a share."""
        found[-1].read.append(ticker)
        return 129.4

    @tool(effect="write")
    async def send(to: str, text: str) -> str:
        """Send a message."""
        found[-1].sent.append(text)
        return "sent"

    async def main() -> None:
        async with asyncio.timeout(60), serving(script) as server:
            url = server.url if path is None else server.url.removesuffix("/v1") + path
            model = OpenAIModel("m", base_url=url, api_key=key, **options)
            given: dict[str, Any] = {} if joiner else {"joiner": None}
            agent = LLMCompiler(model, tools=[price, send], max_repairs=repairs, random=Hurried(), schemas={}, **given)
            for _ in cuts:
                told = Told()
                found.append(told)
                try:
                    told.result = await agent.run("What is IBM at? Tell ann.")
                except SuperscalarError as error:
                    told.error = str(error)
            await model.aclose()

    asyncio.run(main())
    return found


# -------------------------------------------------------------------------------------------- replies that are whole


def parts_of(content: Any) -> bytes:
    return sse(chunk({"content": content}))


def halves(text: str) -> Iterator[str]:
    """A text in pieces between which characters beyond the basic plane are cut in two."""
    units = text.encode("utf-16-le")
    for i in range(0, len(units), 2):
        yield units[i : i + 2].decode("utf-16-le", "surrogatepass")


COMPLETION = {
    "id": "x",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": PLAN}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
}
GOOD: dict[str, Wire] = {
    "plain": [*body(), USAGE, DONE],
    "no [DONE]": [*body(), USAGE],
    "no word for the end, but [DONE]": [*body(finish=None), DONE],
    "no word and no [DONE] behind a complete join": body(finish=None),
    "torn behind a complete join": Torn(body(finish=None)),
    "a word for a cut behind a complete join": [*body(finish="length"), DONE],
    "comments between": [*body(between=b": keep-alive\n\n"), DONE],
    "pings between": [*body(between=b'event: ping\ndata: {"type": "ping"}\n\n'), DONE],
    "data: null between": [*body(between=b"data: null\n\n"), DONE],
    "data: with nothing behind it": [*body(between=b"data:\n\n"), DONE],
    "an empty word on every piece": [*body(word="", finish=None), *END],
    "the word null on every piece": [*body(word="null", finish=None), *END],
    "stop on every piece": [*body(word="stop", finish=None), *END],
    "a word in capitals": [*body(finish="STOP"), DONE],
    "the word of another API": [*body(finish="end_turn"), DONE],
    "token counts null": [*body(), counted({"prompt_tokens": None, "completion_tokens": None}), DONE],
    "token counts that are no numbers": [*body(), counted({"prompt_tokens": "10", "completion_tokens": [5]}), DONE],
    "usage {}": [*body(), counted({}), DONE],
    "usage that is a list": [*body(), counted([]), DONE],
    "null for every field": [*body(between=sse(dict.fromkeys(chunk({}), None))), DONE],
    "an event that is a list": [*body(between=sse([1])), DONE],
    "no choices": [*body(between=sse(chunk(choices=None))), DONE],
    "an empty choice, and one that is none": [*body(between=sse(chunk(choices=[{}, None, 7]))), DONE],
    "no delta": [*body(between=sse(chunk(choices=[{"index": 0, "delta": None, "finish_reason": None}]))), DONE],
    "content null": [*body(between=sse(chunk({"content": None, "tool_calls": None}))), DONE],
    "content that is a number": [*body(between=sse(chunk({"content": 7}))), DONE],
    "an error that is null": [*body(between=sse(chunk({"content": ""}, error=None))), DONE],
    "content in parts": [ROLE, *(parts_of([{"type": "text", "text": p}]) for p in pieces(PLAN)), *END],
    "content in parts without a type": [ROLE, *(parts_of([{"text": p}, "", None]) for p in pieces(PLAN)), *END],
    "parts that are thoughts": [
        ROLE,
        parts_of([{"type": "thinking", "thinking": [{"type": "text", "text": 'send("eve", "x")\njoin()\n'}]}]),
        parts_of([{"type": "thinking", "thinking": "join()\n"}, {"type": "reasoning", "text": "join()\n"}]),
        parts_of([{"type": "text", "text": PLAN}]),
        *END,
    ],
    "a field for thoughts": [ROLE, sse(chunk({"reasoning_content": 'send("eve", "x")\njoin()\n'})), *body()[1:], DONE],
    "another field for thoughts": [ROLE, sse(chunk({"reasoning": "join()\n", "content": ""})), *body()[1:], DONE],
    "two choices": [
        *(
            sse(chunk(choices=[{"index": i, "delta": {"content": p}, "finish_reason": None} for i in (0, 1)]))
            for p in pieces(PLAN)
        ),
        *END,
    ],
    "another choice that is cut": [
        *body(),
        sse(chunk(choices=[{"index": 1, "delta": {}, "finish_reason": "length"}])),
        DONE,
    ],
    "characters cut in two": [ROLE, *(sse(chunk({"content": half})) for half in halves(PLAN)), *END],
    "no index": [sse({"choices": [{"delta": {"content": PLAN}, "finish_reason": "stop"}]})],
    "not streamed": Whole(json.dumps(COMPLETION)),
    "not streamed, and called an event stream": Whole(json.dumps(COMPLETION, indent=2), kind="text/event-stream"),
    "not streamed, in one event": [sse(COMPLETION), DONE],
    "a stream that is called text": Whole(b"".join([*body(), DONE]).decode(), kind="text/plain"),
    "documents line by line": Whole("\n".join(json.dumps(c) for c in (chunk({"content": PLAN}), chunk({}, "stop")))),
}


@pytest.mark.search
@pytest.mark.parametrize("name", GOOD)
def test_a_reply_that_is_whole_is_read_however_it_is_cut(name: str) -> None:
    for told in played(GOOD[name], cuts=cuts_of(name, GOOD)):
        assert (told.error, told.answer, told.sent) == ("", [129.4, "sent"], ["IBM schloß ab 😀"])


def test_what_the_provider_counts_is_the_usage() -> None:
    told = play(GOOD["plain"])
    assert told.result is not None
    assert (told.result.usage.input_tokens, told.result.usage.output_tokens) == (10, 5)
    assert not told.result.usage.estimated


@pytest.mark.parametrize("name", ["token counts null", "token counts that are no numbers", "usage {}", "no [DONE]"])
def test_what_nobody_counts_is_estimated(name: str) -> None:
    told = play([part for part in GOOD[name] if part != USAGE])  # type: ignore[union-attr]
    assert told.result is not None
    assert told.result.usage.estimated
    assert told.result.usage.output_tokens == len(PLAN) // 4


# ------------------------------------------------------------------------------------------------ plans that are cut

WORDS = ["length", "max_tokens", "MAX_TOKENS", "error", "insufficient_system_resource", "load", "content_filter", 7]
HALF = 'if a > 500:\n    t = send("bob", "sell all")'
CUT: dict[str, Wire] = {
    **{f"the word {word}": [*body(BEGUN, finish=word), DONE] for word in WORDS},
    **{f"the word {word} on every piece, then stop": [*body(BEGUN, word=word), DONE] for word in WORDS[:2]},
    "no word at all": body(BEGUN, finish=None),
    "an empty word on every piece": body(BEGUN, word="", finish=None),
    "stop on every piece": body(BEGUN, word="stop", finish=None),
    "an empty word, inside a statement": body(BEGUN + HALF, word="", finish=None),
    "inside the line that joins": body(BEGUN + "join(a, s", finish=None),
    "inside the line that joins, and a bracket closed": [*body(BEGUN + "join(a)", finish="length"), DONE],
    "a document that was not streamed": Whole(
        json.dumps({"choices": [{"message": {"content": BEGUN}, "finish_reason": "length"}]})
    ),
    "torn": Torn(body(BEGUN, finish=None)),
    "torn inside a statement": Torn(body(BEGUN + HALF, finish=None)),
    "torn inside an event": Torn([*body(BEGUN, finish=None), b'data: {"choices": [{"del']),
    "over inside an event": [*body(BEGUN, finish=None), b'data: {"choices": [{"del'],
}


@pytest.mark.search
@pytest.mark.parametrize("name", CUT)
def test_a_plan_that_is_cut_writes_nothing_however_its_bytes_are_cut(name: str) -> None:
    for told in played(CUT[name], cuts=cuts_of(name, CUT)):
        assert told.result is None
        assert told.sent == []
        assert told.error


@pytest.mark.parametrize("word", ["max_tokens", "load", "SAFETY"])
def test_the_error_names_the_word_and_the_option(word: str) -> None:
    told = play([*body(BEGUN, finish=word), DONE])
    assert f'the word "{word}"' in told.error
    assert f'ends={{"{word}"}}' in told.error


def test_a_word_may_be_added_to_those_that_end_a_reply() -> None:
    told = play([*body(finish="<EOS>"), DONE], ends={"<eos>"})
    assert told.sent == ["IBM schloß ab 😀"]


@pytest.mark.parametrize("name", [name for name in CUT if "inside the line" not in name])
def test_the_planner_goes_on_from_the_last_complete_statement(name: str) -> None:
    """What ran is kept; the rest is asked for, and no line is done twice."""
    told = play(CUT[name], [*body("join(a, s)\n"), DONE], repairs=1)
    assert (told.error, told.answer, told.sent, told.read) == ("", [129.4, "sent"], ["IBM closed"], ["IBM"])
    assert [message["content"] for message in told.asked[1]["messages"][-2:-1]] == [BEGUN]
    assert "interrupted" in told.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize("name", [name for name in CUT if "inside the line" not in name])
def test_a_planner_that_writes_the_whole_plan_again_has_it_done_once(name: str) -> None:
    told = play(CUT[name], [*body(BEGUN + "join(a, s)\n"), DONE], repairs=1)
    assert (told.error, told.answer, told.sent, told.read) == ("", [129.4, "sent"], ["IBM closed"], ["IBM"])


def test_what_is_cut_before_its_first_statement_is_asked_for_again() -> None:
    told = play(body("a = pri", finish=None), [*body(), DONE], repairs=1)
    assert told.sent == ["IBM schloß ab 😀"]
    assert told.asked[0]["messages"] == told.asked[1]["messages"]


def test_a_connection_that_breaks_twice_at_the_same_place_is_given_up() -> None:
    told = play(CUT["torn"], repairs=5)
    assert len(told.asked) == 2
    assert "at http://127.0.0.1" in told.error
    assert told.sent == []


# ---------------------------------------------------------------------------------------------- answers that are cut

PLANNED: Wire = [*body(LOOK), DONE]
CUT_ANSWERS: dict[str, Wire] = {
    **{f"the word {word}": [*body("IBM closed at 12", finish=word), DONE] for word in WORDS},
    "no word at all": body("IBM closed at 12", finish=None),
    "an empty word on every piece": body("IBM closed at 12", word="", finish=None),
    "torn": Torn(body("IBM closed at 12", finish=None)),
    "over inside an event": [*body("IBM closed at 12", finish=None), b'data: {"choi'],
}


@pytest.mark.search
@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_an_answer_that_is_cut_is_asked_for_once_more(name: str) -> None:
    wires = PLANNED, CUT_ANSWERS[name], [*body(TEXT), DONE]
    for told in played(*wires, cuts=cuts_of(name, CUT_ANSWERS), joiner=True):
        assert told.answer == TEXT
        assert told.result is not None
        assert (told.result.complete, told.result.partial) == (True, "")
        assert told.asked[2]["messages"][-2] == {"role": "assistant", "content": "IBM closed at 12"}


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_an_answer_that_is_cut_twice_is_none(name: str) -> None:
    told = play(PLANNED, CUT_ANSWERS[name], CUT_ANSWERS[name], joiner=True)
    result = told.result
    assert result is not None
    assert (result.answer, result.partial, result.complete) == (None, "IBM closed at 12", False)
    assert result.cut
    assert result.outcomes["a"].value == 129.4  # type: ignore[union-attr]
    assert len(told.asked) == 3


def test_an_answer_that_is_cut_is_kept_if_the_server_fails_then() -> None:
    told = play(PLANNED, CUT_ANSWERS["torn"], refusal(400, "no more"), joiner=True)
    assert told.result is not None
    assert (told.result.answer, told.result.partial) == (None, "IBM closed at 12")
    assert "no more" in told.result.cut


def test_a_wish_for_another_round_that_is_cut_is_none() -> None:
    told = play(PLANNED, body("REPLAN: look up the pri", finish=None), [*body(TEXT), DONE], joiner=True)
    assert (told.answer, told.result and told.result.rounds) == (TEXT, 1)


# ------------------------------------------------------------------------------------------- extractions that are cut

VALUE = '{"value": 12}'
EXTRACTING: Wire = [*body('x = extract("IBM closed at 129", "int", "the price")\njoin(x)\n'), DONE]
CUT_VALUES: dict[str, Wire] = {
    **{f"the word {word}": [*body(VALUE, finish=word), DONE] for word in WORDS},
    "no word at all": body(VALUE, finish=None),
    "an empty word on every piece": body(VALUE, word="", finish=None),
    "over inside an event": [*body(VALUE, finish=None), b'data: {"choi'],
}


@pytest.mark.search
@pytest.mark.parametrize("name", CUT_VALUES)
def test_no_value_comes_from_an_extraction_that_is_cut(name: str) -> None:
    whole = [*body('{"value": 129}'), DONE]
    waits = name == "over inside an event"  # the call is retried, a second later
    for told in played(EXTRACTING, CUT_VALUES[name], whole, cuts=CUTS[:1] if waits else cuts_of(name, CUT_VALUES)):
        assert told.answer == 129


@pytest.mark.parametrize("cut", CUTS)
def test_an_extraction_that_is_always_cut_fails(cut: Cut) -> None:
    (told,) = played(EXTRACTING, CUT_VALUES["the word load"], cuts=[cut])
    why = "the answer has no value: NoValue: the model gave no int in 3 tries; the last time: its reply was cut: "
    assert told.error.startswith(why)


# ------------------------------------------------------------------------------------------------ what the server says

SAID: dict[str, tuple[Wire, str]] = {
    "an error event in the middle": (
        [*body()[:4], sse({"error": {"message": "upstream overloaded", "code": 503}}), DONE],
        "upstream overloaded",
    ),
    "an error that is a text": ([sse({"error": "runner has stopped"}), DONE], "runner has stopped"),
    "an error in a choice": (
        [
            sse(
                chunk(
                    choices=[{"index": 0, "delta": {}, "error": {"message": "no provider"}, "finish_reason": "error"}]
                )
            )
        ],
        "no provider",
    ),
    "an error of a router": (
        [sse({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "too many words"}}})],
        "too many words",
    ),
    "an event that is called error": ([b"event: error\ndata: out of memory\n\n"], "out of memory"),
    "detail": ([sse({"detail": "Internal Server Error"}), DONE], "Internal Server Error"),
    "detail in parts": ([sse({"detail": [{"loc": ["body"], "msg": "too long"}]}), DONE], "too long"),
    "an object called error": ([sse({"object": "error", "message": "no such lora", "code": 404})], "no such lora"),
    "an error that was not streamed": (Whole(json.dumps({"error": {"message": "be patient"}})), "be patient"),
    "a message alone": (Whole(json.dumps({"message": "who are you?"})), "who are you?"),
    "a document of something else": (Whole(json.dumps({"version": "0.1.2"})), "0.1.2"),
    "a page": (Whole("<html><style>x</style><body>Sign in</body></html>", kind="text/html"), "Sign in"),
    "a word": (Whole("Ollama is running", kind="text/plain"), "Ollama is running"),
    "nothing": (Whole("", kind="text/plain"), "empty reply"),
    "a stream of nothing": ([DONE], "empty reply"),
    "a refusal of the model": (
        [ROLE, sse(chunk({"refusal": "I can't help "})), sse(chunk({"refusal": "with that."})), *END],
        "I can't help with that.",
    ),
    "an unknown model": (refusal(404, "model 'm' not found, try pulling it first"), "try pulling it first"),
    "a wrong key": (refusal(401, "who goes there?"), "who goes there?"),
    "too much text": (refusal(400, "the prompt has 9000 tokens"), "the prompt has 9000 tokens"),
    "a page with an error": (Whole("<h1>502</h1> Bad gateway", 400, "text/html"), "Bad gateway"),
    "an error without words": (Whole("", 400), "HTTP 400"),
    "text that is no event": ([b"data: I am no JSON\n\n"], "I am no JSON"),
}


@pytest.mark.search
@pytest.mark.parametrize("name", SAID)
def test_the_words_of_a_server_reach_the_user(name: str) -> None:
    wire, words = SAID[name]
    for told in played(wire, cuts=cuts_of(name, SAID)):
        assert words in told.error
        assert "openai:m at http://127.0.0.1" in told.error
        assert "/v1/chat/completions" in told.error
        assert told.sent == []
        assert len(told.error) < 900


def test_a_long_page_is_shown_in_part() -> None:
    told = play(Whole("<html>\n" + "word\n" * 50_000, kind="text/html"))
    assert "word word" in told.error
    assert len(told.error) < 900


@pytest.mark.parametrize("wire", [Whole("<h1>404</h1>", 404, "text/html"), Whole("Ollama is running")])
def test_a_base_url_without_its_path_is_pointed_out(wire: Wire) -> None:
    assert "base_url=http://127.0.0.1:" in play(wire, path="").error
    assert "base_url" not in play(wire).error


@pytest.mark.parametrize(
    "wire",
    [
        refusal(400, "Incorrect API key provided: sk-very-secret-0123456789"),
        refusal(401, "Bearer sk-very-secret-0123456789 is no key"),
        [sse({"error": "your key sk-very-secret-0123456789 is used up"})],
        Whole("<p>sk-very-secret-0123456789</p>"),
    ],
)
def test_a_key_is_in_no_message(wire: Wire) -> None:
    told = play(wire, key="sk-very-secret-0123456789")
    assert "***" in told.error
    assert "secret" not in told.error
    assert "0123456789" not in told.error


def test_a_refusal_that_is_longer_than_the_timeout_fails_at_once() -> None:
    told = play(refusal(429, "the quota of the day is used up", **{"Retry-After": "86400"}))
    assert len(told.asked) == 1
    assert "the quota of the day is used up" in told.error


# -------------------------------------------------------------------------------------------- servers that know less

WAYS: list[Callable[[str], Whole]] = [
    lambda name: refusal(400, f"Unrecognized request argument supplied: {name}"),
    lambda name: refusal(400, f"Validation error at #/{name}: Extra inputs are not permitted"),
    lambda name: refusal(422, f"Unsupported parameter: '{name}' is not supported with this model."),
    lambda name: Whole(
        json.dumps(
            {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}]}
        ),
        422,
    ),
    lambda name: Whole(json.dumps({"object": "error", "message": f"`{name}` is unknown"}), 400),
    lambda name: Whole(f"unknown field {name}", 400, "text/plain"),
]


@pytest.mark.parametrize("way", range(len(WAYS)))
@pytest.mark.parametrize("name", ["max_tokens", "temperature", "stream_options", "stream"])
def test_a_parameter_that_a_server_does_not_know_is_left_out(name: str, way: int) -> None:
    told = play(unknown(name, WAYS[way]))
    assert told.sent == ["IBM schloß ab 😀"]
    assert [name in asked and asked[name] is not False for asked in told.asked] == [True, False]


def test_a_server_that_knows_no_bound_of_a_reply_is_asked_without_one() -> None:
    def server(asked: dict[str, Any]) -> Wire:
        name = next((n for n in ("max_completion_tokens", "max_tokens") if n in asked), None)
        return [*body(), DONE] if name is None else WAYS[0](name)

    assert play(server).sent == ["IBM schloß ab 😀"]


@pytest.mark.parametrize(
    "message", ["max_tokens is too large: 4096", "'temperature' must be between 0 and 2", "stop looking for trouble"]
)
def test_a_value_that_is_refused_is_no_parameter_that_is_unknown(message: str) -> None:
    told = play(refusal(400, message))
    assert len(told.asked) == 1
    assert message in told.error


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "role 'system' is not supported on this model",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Developer instruction is not enabled for models/gemma-3",
        "'system' is not one of ['user', 'assistant'] - 'messages.0.role'",
        "Only user and assistant roles are supported!",
    ],
)
def test_a_server_without_a_role_for_the_system_has_the_prompt_in_the_first_turn(message: str) -> None:
    """And that is remembered."""

    def server(asked: dict[str, Any]) -> Wire:
        if any(turn["role"] == "system" for turn in asked["messages"]):
            return refusal(400, message)
        return [*body(BEGUN if len(asked["messages"]) < 10 else "join(a, s)\n"), DONE]

    told = play(server, repairs=1)
    system = told.asked[0]["messages"][0]["content"]
    first = told.asked[1]["messages"][0]
    assert first["role"] == "user"
    assert first["content"].startswith(system + "\n\n")
    assert [asked["messages"][0]["role"] for asked in told.asked] == ["system", "user", "user"][: len(told.asked)]


def test_what_the_user_sends_and_leaves_out() -> None:
    told = play(
        [*body(), DONE],
        parameters={"temperature": 1, "top_p": 0.5},
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
        omit={"stream_options"},
    )
    asked = told.asked[0]
    assert {name: asked.get(name) for name in ("temperature", "top_p", "chat_template_kwargs", "stream_options")} == {
        "temperature": 1,
        "top_p": 0.5,
        "chat_template_kwargs": {"enable_thinking": False},
        "stream_options": None,
    }


def test_what_the_user_sends_is_not_left_out_behind_his_back() -> None:
    told = play(unknown("top_k", WAYS[0]), extra_body={"top_k": 3})
    assert len(told.asked) == 1
    assert "top_k" in told.error


def test_a_bound_that_the_user_gives_stands_for_ours() -> None:
    asked = play([*body(), DONE], parameters={"max_completion_tokens": 9}).asked[0]
    assert (asked["max_completion_tokens"], "max_tokens" in asked) == (9, False)
