"""One reply as pydantic-ai streams it: events of parts become chunks.

Thoughts are told from text by their parts. A call of a tool that nobody offered is a line of text, as in
`superscalar.models.reply`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from superscalar.models.base import Chunk, Usage
from superscalar.models.ending import Ends, is_whole
from superscalar.models.reply import RefusedError, call_lines
from superscalar.models.stops import StopFilter
from superscalar.models.surrogates import Surrogates
from superscalar.models.turns import KeptReply

ENDS: Final[Mapping[str, str]] = MappingProxyType({"tool_call": "stop", "content_filter": "filter"})
"""What pydantic-ai calls the ends of replies."""

_THOUGHTS: Final = ("reasoning_tokens", "thoughts_tokens", "thinking_tokens", "output_reasoning_tokens")
_REFUSED: Final = "refusal"
_MOST: Final = 1 << 53


Price: TypeAlias = Callable[[Any, Usage], float]
"""What a response of pydantic-ai costs that used so much."""


class PartsReply:
    """Folds the events of one reply. `begun`: something of it has come. `over`: a stop text was found.

    `by`: whose reply it is, `ends`: what its words for the end mean, `price`: what one costs
    that used so much.
    """

    def __init__(self, by: Hashable, stops: Sequence[str], ends: Ends, price: Price) -> None:
        self.begun = False
        self._by = by
        self._ends = ends
        self._price = price
        self._stops = StopFilter(stops)
        self._text = Surrogates()
        self._thought = Surrogates()
        self._said: list[str] = []

    @property
    def over(self) -> bool:
        """Whether a stop text has come."""
        return self._stops.found

    def take(self, event: Any) -> Iterator[Chunk]:
        """Take the next event."""
        match event.event_kind:
            case "part_start":
                part = event.part
                yield from self._piece(part.part_kind, getattr(part, "content", None))
            case "part_delta":
                delta = event.delta
                yield from self._piece(delta.part_delta_kind, getattr(delta, "content_delta", None))

    def finish(self, response: Any) -> Iterator[Chunk]:
        """The stream is over, and this is what came of it: what was held back, then how it ended and what it used.

        Raises:
            RefusedError: the model refused.
        """
        if thought := self._thought.flush():
            yield Chunk(thought=thought)
        yield from self._spoken(self._text.flush())
        if not self.over and (rest := self._stops.flush()):
            yield from self._told(rest)
        details = response.provider_details or {}
        finish = "stop" if self.over else self._finish(response, details.get("finish_reason"))
        if not self.over:
            yield from self._told(self._calls(response, cut=finish != "stop"))
        if refusal := self._refusal(details):
            raise RefusedError(refusal)
        carry = None if self.over else KeptReply(self._by, "".join(self._said), response)
        usage = None if self.over else self._usage(response, cut=finish is None)
        yield Chunk(finish=finish, usage=usage, carry=carry)

    def _piece(self, kind: str, text: object) -> Iterator[Chunk]:
        if not isinstance(text, str) or not text:
            self.begun = self.begun or kind in ("tool-call", "tool_call")
            return
        self.begun = True
        if kind == "thinking":
            if thought := self._thought.feed(text):
                yield Chunk(thought=thought)
        elif kind == "text":
            yield from self._spoken(self._text.feed(text))

    def _spoken(self, text: str) -> Iterator[Chunk]:
        yield from self._told(self._stops.feed(text) if text else "")

    def _told(self, text: str) -> Iterator[Chunk]:
        if text:
            self._said.append(text)
            yield Chunk(text)

    def _refusal(self, details: Mapping[str, Any]) -> str:
        """The words in which the model refused, or its provider did for it; empty where nobody did."""
        if refusal := details.get(_REFUSED):
            return str(refusal)
        if blocked := details.get("block_reason"):
            why = details.get("block_reason_message")
            return f"its provider blocks what it is asked ({blocked}{f': {why}' if why else ''})"
        if details.get("finish_reason") == _REFUSED:
            return "".join(self._said).strip() or "it said no more than that"
        return ""

    def _finish(self, response: Any, word: object) -> str | None:
        """How it ended. The provider's own word decides: where it said none, the library makes up that it is whole."""
        if response.state != "complete":
            return None
        if response.provider_name in _DOUBLES:
            return "stop"
        meant = self._ends.read(response.finish_reason or word)
        made_up = word is None and response.provider_name not in _SAYS_IT_OTHERWISE
        return None if made_up and is_whole(meant) else meant

    def _calls(self, response: Any, *, cut: bool) -> str:
        calls = [part for part in response.parts if part.part_kind == "tool-call"]
        given = ((part.tool_name, part.args if isinstance(part.args, str) else "", part.args) for part in calls)
        lines = call_lines(((n, t, None if isinstance(a, str) else a) for n, t, a in given), cut=cut)
        before = self._said[-1][-1:] if self._said else ""
        return "\n" + lines if lines and before not in ("", "\n") else lines

    def _usage(self, response: Any, *, cut: bool) -> Usage | None:
        """What the provider counted; None where it did not. `cut`: it had not counted to the end of what it wrote."""
        counted = response.usage
        if getattr(counted, "unmeasured_requests", 0) or not counted.has_values():
            return None
        if cut:
            guessed = sum(map(len, self._said)) // 4  # 4 characters to a token
            counted = replace(counted, output_tokens=max(_count(counted.output_tokens), guessed))
            response = replace(response, usage=counted)
        read, written = _count(counted.input_tokens), _count(counted.output_tokens)
        cached = min(_count(counted.cache_read_tokens), read)
        details = counted.details or {}
        thought = max((_count(details.get(name)) for name in _THOUGHTS), default=0)
        usage = Usage(
            read,
            cached,
            written,
            requests=1,
            estimated=cut,
            reasoning_tokens=min(thought, written),
            kept_tokens=min(_count(counted.cache_write_tokens), read - cached),
        )
        return replace(usage, cost=self._price(response, usage))


_DOUBLES: Final = frozenset({None, "test"})  # in this process, where nothing breaks off unnoticed
_SAYS_IT_OTHERWISE: Final = frozenset({"xai"})  # what ends a reply there is no word, but a number that is mapped


def _count(value: object) -> int:
    """A number of tokens."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
        return 0
    return int(value)
