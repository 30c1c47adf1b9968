"""One reply in the wire of each provider, as our models read it: what was said, how it ended, what it used."""

from __future__ import annotations

import pytest

from superscalar.errors import ModelError, ModelSetupError
from superscalar.models import Chunk, Message, Request
from superscalar.models.ending import is_whole, was_too_long
from superscalar.models.resolve import resolve
from support.wires import WIRES, each_wire
from support.wires.player import playing, run
from support.wires.said import Called, Counted, Refused, Said, Text, Thought, Turn, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

REQUEST = Request((Message("system", "Plan."), Message("user", "What?")), max_tokens=100)
PLAN = 'a = weather("Lisbon")\njoin(a)\n'
SIGNATURE = "c2lnbmVk"


async def chunks(wire: Wire, *turns: Turn) -> tuple[list[Chunk], ModelError | None]:
    """What came of one request, and the error that it ended in."""
    said: list[Chunk] = []
    broke: ModelError | None = None
    async with playing(wire, *turns) as server:
        try:
            async for chunk in wire.model(server.url).stream(REQUEST):
                said.append(chunk)  # noqa: PERF401 -- what came before an error counts
        except ModelError as error:
            broke = error
    assert len(server.requests) == 1, f"a model asks once: {broke!r}"
    return said, broke


def replied(wire: Wire, *turns: Turn) -> list[Chunk]:
    said, error = run(lambda: chunks(wire, *turns))
    assert error is None, error
    assert said
    return said


def failed(wire: Wire, *turns: Turn) -> tuple[list[Chunk], ModelError]:
    said, error = run(lambda: chunks(wire, *turns))
    assert error is not None
    return said, error


def text(said: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in said)


def thought(said: list[Chunk]) -> str:
    return "".join(chunk.thought for chunk in said)


def end(said: list[Chunk]) -> str | None:
    """How it ended, which the last chunk alone says; None if nobody did."""
    assert [chunk.finish for chunk in said[:-1]] == [None] * (len(said) - 1)
    return said[-1].finish


@each_wire()
def test_a_reply_comes_piece_by_piece_and_is_whole(wire: Wire) -> None:
    """Every piece is a chunk as soon as it comes; the last chunk says that the reply is whole, and what it used."""
    said = replied(wire, Said(told(PLAN), counted=Counted(read=1200, cached=1000, written=90)))
    assert [chunk.text for chunk in said if chunk.text] == [piece.text for piece in told(PLAN)]
    assert is_whole(end(said))
    usage = said[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.requests) == (1200, 1000, 90, 1)
    assert not usage.estimated


@each_wire(having="thoughts")
def test_what_was_thought_is_no_text(wire: Wire) -> None:
    """Thoughts come as thoughts; their tokens are counted apart, as part of the reply's."""
    said = replied(wire, Said((Thought("Lisbon it is.", SIGNATURE), *told(PLAN)), counted=Counted(thought=40)))
    assert (thought(said), text(said)) == ("Lisbon it is.", PLAN)
    assert is_whole(end(said))
    usage = said[-1].usage
    assert usage is not None
    assert (usage.output_tokens, usage.reasoning_tokens) == (90, 0 if "counted thoughts" in wire.lacks else 40)


@each_wire(having="stored")
def test_what_goes_into_the_cache_is_counted_apart(wire: Wire) -> None:
    """Tokens that the provider keeps are part of those that it read, and cost what they cost."""
    usage = replied(wire, Said(told(PLAN), counted=Counted(read=1200, cached=300, stored=800)))[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.kept_tokens) == (1200, 300, 800)


@each_wire(having="uncounted")
def test_usage_that_nobody_counted_is_none(wire: Wire) -> None:
    """A reply without counts is whole all the same, and claims to have used nothing that it does not know of."""
    said = replied(wire, Said(told(PLAN), counted=None))
    assert (text(said), is_whole(end(said)), said[-1].usage) == (PLAN, True, None)


@each_wire()
def test_calls_that_nobody_asked_for_are_lines_of_text(wire: Wire) -> None:
    """A native call of a tool is written down as a line of JSON, behind what was said."""
    calls = (Called("weather", {"city": "Lisbon"}), Called("join", {"value": 1}))
    said = replied(wire, Said((*told("Here it is."), *calls)))
    lines = '{"name": "weather", "arguments": {"city": "Lisbon"}}\n{"name": "join", "arguments": {"value": 1}}\n'
    assert (text(said), is_whole(end(said))) == (f"Here it is.\n{lines}", True)


@each_wire()
def test_a_reply_of_calls_alone_begins_with_the_first(wire: Wire) -> None:
    """No empty line stands before it."""
    said = replied(wire, Said((Called("weather", {"city": "Lisbon"}),)))
    assert (text(said), is_whole(end(said))) == ('{"name": "weather", "arguments": {"city": "Lisbon"}}\n', True)


@each_wire()
def test_text_that_looks_like_a_call_stays_text(wire: Wire) -> None:
    """What is written as a call of some protocol or other comes as it was written."""
    shaped = '<tool_call>\n{"name": "weather", "arguments": {"city": "Lisbon"}}\n</tool_call>'
    said = replied(wire, Said(told(shaped)))
    assert (text(said), is_whole(end(said))) == (shaped, True)


@each_wire()
def test_a_reply_that_was_too_long_says_so(wire: Wire) -> None:
    """It is cut for its length, whatever the provider calls that."""
    said = replied(wire, Said(told("a = weather("), ends="length"))
    assert text(said) == "a = weather("
    assert was_too_long(end(said))
    assert not is_whole(end(said))


@each_wire()
def test_a_reply_that_was_filtered_is_not_whole(wire: Wire) -> None:
    """Text stands there, and the word for its end is one for a cut; or the filter's words are an error."""
    said, error = run(lambda: chunks(wire, Said(told("a = weather("), ends="filter")))
    assert text(said) == "a = weather("
    assert error is not None or not is_whole(end(said))
    assert error is None or not error.retryable


@each_wire()
def test_a_stream_without_an_end_was_cut(wire: Wire) -> None:
    """The response is over as HTTP has it, and the model's end was never said: whatever a library makes of that."""
    said, error = run(lambda: chunks(wire, Said(told(PLAN), ends=None)))
    assert text(said) == PLAN
    assert error is not None or not is_whole(end(said))
    assert error is None or error.retryable


@each_wire()
def test_a_connection_that_is_reset_keeps_what_came(wire: Wire) -> None:
    """What was whole before the reset has come, and the error says that it may be asked again."""
    said, error = failed(wire, Said(told(PLAN), ends=None, torn=True))
    assert PLAN.startswith(text(said))
    assert text(said) != ""
    assert error.retryable
    assert not any(is_whole(chunk.finish) for chunk in said)


@each_wire(having="errors in a stream")
def test_an_error_inside_the_stream_is_an_error_of_the_provider(wire: Wire) -> None:
    """It comes with status 200, after the beginning of a plan: what came stays, and it may be asked again."""
    said, error = failed(wire, Said(told(PLAN), fails=True))
    assert text(said) == PLAN
    assert not any(is_whole(chunk.finish) for chunk in said)
    assert error.retryable
    assert not isinstance(error, ModelSetupError)


@each_wire(having="refusal")
def test_a_model_that_refuses_is_an_error_in_its_words(wire: Wire) -> None:
    """A refusal is no plan and no answer, and asking again is of no use."""
    said, error = failed(wire, Said((), ends="refusal"))
    assert (text(said), error.retryable, isinstance(error, ModelSetupError)) == ("", False, False)
    assert "refused: " in str(error)
    assert "PROHIBITED_CONTENT" in str(error) if wire.name == "google" else "cannot help" in str(error)


@each_wire()
def test_a_provider_that_is_busy_says_when_to_come_back(wire: Wire) -> None:
    """The seconds come from a header or from the body, wherever the provider puts them; nothing is asked twice here."""
    said, error = failed(wire, Refused("busy", after=7))
    assert (said, error.retryable, error.retry_after, error.status) == ([], True, 7.0, 429)


@each_wire()
def test_a_provider_that_is_overloaded_may_be_asked_again(wire: Wire) -> None:
    """529 is Anthropic's own; others have 503."""
    said, error = failed(wire, Refused("overloaded"))
    assert (said, error.retryable, error.status in (503, 529)) == ([], True, True)


@each_wire()
def test_a_page_of_a_proxy_is_told_in_its_words(wire: Wire) -> None:
    """HTML is no error of a provider: its words are shown, its tags are not, and it may pass."""
    said, error = failed(wire, Refused("broken"))
    assert (said, error.retryable, error.status) == ([], True, 502)
    assert "Bad Gateway" in str(error)
    assert "<" not in str(error)


@each_wire()
def test_a_request_that_is_wrong_stays_wrong(wire: Wire) -> None:
    """A 400 is told in the provider's words, and asking again is of no use."""
    said, error = failed(wire, Refused("bad request"))
    assert (said, error.retryable, error.status) == ([], False, 400)
    assert not isinstance(error, ModelSetupError)


@each_wire()
def test_a_wrong_key_is_a_matter_of_setup_and_is_not_shown(wire: Wire) -> None:
    """The message asks to check the key, and does not show it where the provider does."""
    said, error = failed(wire, Refused("wrong key"))
    assert (said, error.retryable, error.status in (401, 403)) == ([], False, True)
    assert isinstance(error, ModelSetupError)
    assert "key-of-tests" not in str(error)


@each_wire()
def test_the_request_has_the_turns_as_they_were_given(wire: Wire) -> None:
    """The system's and the user's words stand there, each in its place."""

    async def test() -> None:
        async with playing(wire, Said(told("b"))) as server:
            turns = (Message("system", "Plan."), Message("user", "What?"), Message("assistant", "a = f()"))
            request = Request((*turns, Message("user", "And now?")), max_tokens=100)
            assert [chunk.text async for chunk in wire.model(server.url).stream(request) if chunk.text] == ["b"]
            (asked,) = server.asked
        assert [(turn.role, turn.text) for turn in asked] == [
            ("system", "Plan."),
            ("user", "What?"),
            ("assistant", "a = f()"),
            ("user", "And now?"),
        ]

    run(test)


@each_wire()
def test_a_cache_can_have_had_everything(wire: Wire) -> None:
    """All that was read came from the cache, and nothing is counted as written: the cost is never negative."""
    usage = replied(wire, Said(told(PLAN), counted=Counted(read=10, cached=10, written=0)))[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens <= 1, usage.cost >= 0) == (10, 10, True, True)


@each_wire(having="jumps")
def test_a_slow_reply_is_no_silence(wire: Wire) -> None:
    """A token a second for five minutes: no timeout of an SDK, of HTTP or of ours ends it."""
    written = told("x" * 300, size=1)

    async def test() -> list[Chunk]:
        said, error = await chunks(wire, Said(written, pause=1.0))
        assert error is None, error
        return said

    said = run(test, jumping=True)
    assert (text(said), is_whole(end(said))) == ("x" * 300, True)


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire.full_name], ids=repr)
@pytest.mark.parametrize("turn", [Said(told(PLAN)), Refused("overloaded")], ids=["answers", "refuses"])
def test_a_model_that_is_named_is_asked_once(wire: Wire, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name and the provider's own variables are enough, and no SDK asks again by itself."""

    async def test() -> list[str]:
        async with playing(wire, turn) as server:
            for name, value in wire.environment.items():
                monkeypatch.setenv(name, value.replace("{url}", server.url))
            model = resolve(wire.full_name)
            try:
                said = [chunk.text async for chunk in model.stream(REQUEST)]
            except ModelError as error:
                said = [f"{model.name}: {error.retryable}"]
        assert len(server.requests) == 1
        return said

    said = "".join(run(test))
    assert said == (PLAN if isinstance(turn, Said) else f"{wire.full_name}: True")


def test_each_wire_has_a_name_of_its_own() -> None:
    """Reports tell them apart."""
    assert len({wire.name for wire in WIRES}) == len(WIRES)
    assert isinstance(WIRES[0].answer(Said((Text("x"),)), {}).events[0], bytes)
