"""One reply of a server that speaks OpenAI's chat completions: documents of JSON become chunks.

Servers leave fields out, make them null, or give them another shape. What is odd is passed over; what is said as an
error, or as the model's refusal, is raised in its own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from superscalar.models.base import Chunk, Prices, Usage
from superscalar.models.ending import Ends, ReplyEnd
from superscalar.models.saying import complaint_in
from superscalar.models.stops import StopFilter
from superscalar.models.surrogates import Surrogates, without_halves
from superscalar.plan.evaluate.json_text import once

_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")
_TEXTS: Final = frozenset({"text", "output_text", "input_text", ""})
_DEEPEST: Final = 4
_MOST_HELD: Final = 1 << 20  # characters of calls and refusals, which are no text before they are whole
_OF_A_CALL: Final = 64  # characters that one counts for whatever it says


class ComplaintError(Exception):
    """The server sent an error instead of a reply, or in the middle of one: `said` as it stands there."""

    def __init__(self, said: Any) -> None:
        super().__init__(str(said))
        self.said = said


class RefusedError(Exception):
    """The model refused, in words of its own."""


class Reply:
    """Folds the documents of one reply. Only the first choice is one: it has the index 0.

    What is handed to tools is a line of text each, `{"name": ..., "arguments": ...}`, once the reply is over.
    `begun`: something of a reply has come. `over`: a stop text was found, and what follows is not part of it.
    """

    def __init__(self, ends: Ends, stops: Sequence[str], prices: Prices | None) -> None:
        self.begun = False
        self.first: Any = None
        """What came first and was no part of a reply."""
        self._end = ReplyEnd(ends)
        self._stops = StopFilter(stops)
        self._text = Surrogates()
        self._thought = Surrogates()
        self._calls = CallPieces()
        self._last = ""
        self._refusal: list[str] = []
        self._refused = 0
        self._prices = prices
        self._usage: Usage | None = None

    @property
    def over(self) -> bool:
        """Whether a stop text has come."""
        return self._stops.found

    def done(self) -> None:
        """The body said that it is over."""
        self._end.done()

    def take(self, document: Any) -> Iterator[Chunk]:
        """Take the next document.

        Raises:
            ComplaintError: it is an error; or the model calls tools, or refuses, without an end.
        """
        if not isinstance(document, Mapping):
            return
        complaint = complaint_in(document)
        if complaint is not None:
            raise ComplaintError(complaint)
        self._count(document)
        choices = document.get("choices")
        if not isinstance(choices, Sequence) or isinstance(choices, str):
            self.first = document if self.first is None else self.first
            return
        self.begun = True
        for choice in choices:
            if isinstance(choice, Mapping) and choice.get("index") in (0, "0", None):
                self._count(choice)
                yield from self._choice(choice)

    def finish(self) -> Iterator[Chunk]:
        """The body is over: what was held back, then how the reply ended and what it used.

        Raises:
            RefusedError: the model refused.
        """
        if thought := self._thought.flush():
            yield Chunk(thought=thought)
        if text := self._spoken(self._text.flush()):
            yield Chunk(text)
        if not self.over and (rest := self._stops.flush()):
            self._last = rest
            yield Chunk(rest)
        finish = "stop" if self.over else self._end.finish
        calls = "" if self.over else self._calls.written(cut=finish != "stop")
        if calls:
            yield Chunk(calls if self._last in ("", "\n") else "\n" + calls)
        if self._refusal:
            raise RefusedError("".join(self._refusal))
        if finish is not None or self._usage is not None:
            yield Chunk(finish=finish, usage=self._usage)

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Chunk]:
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            delta = choice.get("message")  # of a completion that was not streamed
        if isinstance(delta, Mapping):
            thought, text = _parts(delta)
            if thought := self._thought.feed(thought):
                yield Chunk(thought=thought)
            text += self._calls.take(delta)
            if text or self._calls.changed:
                self._end.wrote()
            if text := self._spoken(self._text.feed(text)):
                yield Chunk(text)
            if isinstance(refusal := delta.get("refusal"), str):
                self._refusal.append(without_halves(refusal))
                self._refused += len(refusal)
            if self._refused + self._calls.size > _MOST_HELD:
                raise ComplaintError("the model calls tools, or refuses, and does not stop")
        self._end.said(choice.get("finish_reason"))

    def _spoken(self, text: str) -> str:
        text = self._stops.feed(text) if text else ""
        self._last = text[-1:] or self._last
        return text

    def _count(self, where: Mapping[str, Any]) -> None:
        usage = _usage(where.get("usage"), self._prices)
        if usage is None and isinstance(own := where.get("x_groq"), Mapping):
            usage = _usage(own.get("usage"), self._prices)
        self._usage = usage or self._usage


class CallPieces:
    """The calls of tools in a reply, which come in pieces."""

    def __init__(self) -> None:
        self._calls: dict[Any, list[Any]] = {}
        self._last: Any = None
        self.size = 0
        self._custom: tuple[Any, ...] = ()  # the index of the custom tool's call that was written last
        self.changed = False

    def take(self, delta: Mapping[str, Any]) -> str:
        """Note the pieces of a message; returned is what it hands to a custom tool, which is text."""
        self.changed = False
        made = delta.get("tool_calls")
        pieces = list(made) if isinstance(made, Sequence) and not isinstance(made, str) else []
        if isinstance(old := delta.get("function_call"), Mapping):
            pieces.append({"index": 0, "function": old})
        given: list[str] = []
        for piece in pieces:
            if isinstance(piece, Mapping):
                self._note(piece, given)
        return "".join(given)

    def _note(self, piece: Mapping[str, Any], given: list[str]) -> None:
        if isinstance(custom := piece.get("custom"), Mapping):
            index = piece.get("index")
            begun = "\n" if self._custom not in ((), (index,)) else ""  # a plan each: not on one line
            given.append(begun + _string(custom.get("input")))
            self._custom = (index,)
            return
        function = piece.get("function")
        if not isinstance(function, Mapping):
            return
        self.changed = True
        name, arguments = _string(function.get("name")), function.get("arguments")
        key = self._key(piece, name)
        if key not in self._calls:
            self._calls[key] = ["", [], None]
            self.size += _OF_A_CALL
        call = self._calls[key]
        call[0] = call[0] or name
        if isinstance(arguments, str):
            call[1].append(arguments)
            self.size += len(arguments)
        elif arguments is not None:
            call[2] = arguments  # some servers send the arguments themselves, and not their text
        self._last = key

    def _key(self, piece: Mapping[str, Any], name: str) -> Any:
        index, id = piece.get("index"), piece.get("id")
        if isinstance(index, int | str):
            return index
        if isinstance(id, str) and id:
            return id
        return len(self._calls) if name or self._last is None else self._last

    def written(self, *, cut: bool) -> str:
        """Each call as a line of JSON, as `call_lines` has them."""
        return call_lines(((name, "".join(text), given) for name, text, given in self._calls.values()), cut=cut)


def call_lines(calls: Iterable[Iterable[Any]], *, cut: bool) -> str:
    """Each call as a line of JSON: its name, the text of its arguments, and those themselves, where they are no text.

    `cut`: the last ones may lack something, and one that is no JSON is left out.
    """
    lines: list[str] = []
    for name, text, given in calls:
        arguments = given
        if arguments is None:
            try:
                arguments = json.loads(text, object_pairs_hook=once) if text.strip() else {}
            except (ValueError, RecursionError):
                if cut:
                    break
                arguments = text
        lines.append(without_halves(json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)) + "\n")
    return "".join(lines)


def _parts(delta: Mapping[str, Any]) -> tuple[str, str]:
    """What a message has of a thought, and of the reply."""
    thoughts = [next((text for name in _THOUGHTS if (text := _string(delta.get(name)))), "")]
    texts: list[str] = []
    for kind, text in _spoken(delta.get("content"), 0):
        (texts if kind in _TEXTS else thoughts).append(text)
    return "".join(thoughts), "".join(texts)


def _spoken(content: Any, depth: int) -> Iterable[tuple[str, str]]:
    """The texts of a content and the kind of each: it is a text, or parts of which some are thoughts."""
    if isinstance(content, str):
        yield "text", content
    elif isinstance(content, list) and depth < _DEEPEST:
        for part in content:
            if isinstance(part, str):
                yield "text", part
            elif isinstance(part, Mapping):
                kind = _string(part.get("type"))
                inner = next(
                    (part[name] for name in ("text", "thinking", "reasoning", "summary") if part.get(name)), None
                )
                for own, text in _spoken(inner, depth + 1):
                    yield (own if kind in _TEXTS and "thinking" not in part else kind or "thinking"), text


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _usage(counted: Any, prices: Prices | None) -> Usage | None:
    """What the provider counted; None where it left a count out."""
    if not isinstance(counted, Mapping):
        return None
    read, written = _count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = counted.get("prompt_tokens_details")
    kept = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    kept = _count(counted.get("prompt_cache_hit_tokens")) if kept is None else kept
    more = counted.get("completion_tokens_details")
    thought = _count(more.get("reasoning_tokens")) if isinstance(more, Mapping) else None
    usage = Usage(read, min(kept or 0, read), written, requests=1, reasoning_tokens=min(thought or 0, written))
    return usage if prices is None else replace(usage, cost=prices.of(usage))


def _count(value: Any) -> int | None:
    """A number of tokens."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        return None
    return int(value)
