"""The protocol that every language model is spoken to through, and the data that crosses it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self, TypeAlias

from superscalar.attachments import Attachment
from superscalar.given import at_least, check_fields
from superscalar.labels import NOTHING, Label, Source
from superscalar.plan import Grammar
from superscalar.short import CHARACTERS_PER_TOKEN, bounded
from superscalar.values import Usage as Usage

Role: TypeAlias = Literal["system", "user", "assistant"]
EARLIER: Final = Label([Source("model", "an earlier answer", trusted=False)])
"""What is added to the label of what was said before, where no more is known than that it is not trusted."""

_PRICE: Final = at_least(0.0, "what a million tokens cost")

FinishReason: TypeAlias = str
"""How a reply ended: "stop" (or another word of `superscalar.models.ending.WHOLE`) if it is whole, "length" or "filter"
if it was cut for that reason. Any other word, such as a provider's own, says that it was cut too."""


class _Beside:
    """Room for what goes with a turn to a model, and is no part of what is compared, shown, kept or copied."""

    __slots__ = ("_carry", "_private", "_steady")

    _carry: object
    _private: bool
    _steady: int


@bounded
@dataclass(frozen=True, slots=True, init=False)
class Message(_Beside):
    """One turn of a conversation.

    `label`: what its text was made from, and who may read it; `sources` and `readers` are that as plain data, so that
    turns can be kept as JSON (`asdict`, and back with `Message(**turn)`). What a planner writes that was shown it has
    that label too, so it goes to those readers alone. `untrusted`: something of it is not trusted, or is
    a word that a stranger may have chosen, as in an answer that tells of web pages. A planner is shown it as data then.
    `attachments`: files that go with the text, to models that take such; a turn of a history has none.
    """

    role: Role
    text: str
    untrusted: bool = False
    sources: tuple[Source, ...] = ()
    readers: tuple[str, ...] | None = None
    attachments: tuple[Attachment, ...] = ()

    def __init__(
        self,
        role: Role,
        text: str,
        untrusted: bool = False,
        sources: Iterable[Iterable[Any]] = (),
        readers: Iterable[str] | None = None,
        attachments: Iterable[Attachment] = (),
        *,
        label: Label = NOTHING,
    ) -> None:
        label = label | Label([Source(*source) for source in sources], readers)
        if untrusted and label.told:
            label = label | EARLIER
        for name, value in (
            ("role", role),
            ("text", text),
            ("untrusted", not label.told),
            ("sources", tuple(sorted(label.sources))),
            ("readers", None if label.readers is None else tuple(sorted(label.readers))),
            ("attachments", tuple(attachments)),
        ):
            object.__setattr__(self, name, value)

    @property
    def label(self) -> Label:
        """Return what its text was made from, and who may read it."""
        return Label(self.sources, self.readers)

    @property
    def carry(self) -> object | None:
        """Return what the model that wrote this turn gave with it (`Chunk.carry`), for itself alone and in memory."""
        return getattr(self, "_carry", None)

    @property
    def steady(self) -> int:
        """Count the leading characters that are the same whatever is asked, as are all turns before this one.

        A provider's cache may end there. No question and no result is in them.
        """
        return getattr(self, "_steady", 0)

    @property
    def private(self) -> bool:
        """Tell whether nobody may keep on a disk what is steady: it is of an agent that has secrets."""
        return getattr(self, "_private", False)

    def going_on(self, text: str, attachments: Iterable[Attachment]) -> Self:
        """Return a turn that says more than this one, with these files, and is like it in all else."""
        return replace(self, text=self.text + text, attachments=tuple(attachments)).in_place_of(self)

    def in_place_of(self, other: Message) -> Self:
        """Return this very turn, with all that goes beside another one, which is said in other words here."""
        return self.carrying(other.carry).steady_for(other.steady, private=other.private)

    def carrying(self, carry: object | None) -> Self:
        """Return this very turn, with what the model that wrote it gave with its reply."""
        if carry is not None:
            object.__setattr__(self, "_carry", carry)
        return self

    def steady_for(self, characters: int, *, private: bool = False) -> Self:
        """Return this very turn, of which so many leading characters are the same whatever is asked."""
        object.__setattr__(self, "_steady", characters)
        object.__setattr__(self, "_private", private)
        return self


def steady_part(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return what messages begin with whatever is asked, as far as it may be kept; of the last one, the beginning."""
    for at in reversed(range(len(messages))):
        if (steady := messages[at].steady) and not messages[at].private:
            return (*messages[:at], Message(messages[at].role, messages[at].text[:steady]))
    return ()


@bounded
@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model.

    `max_tokens` bounds the reply (tokens). `stop`: texts that end it and are not part of it. `grammar`: what
    the reply must follow, a plan or, where it is a JSON Schema alone, a document; a model that cannot constrain its
    output ignores it (`ChatModel.constrains` tells). `tools`: those that it may call, as OpenAI's chat completions
    describe them; each call is a line of the reply, `{"name": ..., "arguments": ...}`. A model that knows of none
    ignores them. `seed`: what a model draws with that samples; None leaves that to it.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 2048
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    grammar: Grammar | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs per million tokens, in any currency: those read, those read from a cache, those written.

    `kept`: those read that the provider keeps in its cache for later. `cached` and `kept` are the price of `input`
    where they are None.

    Raises:
        UsageError: one of them is negative, or no number: that would be spent beyond any `max_cost`.
    """

    input: float = field(metadata=_PRICE.here)
    output: float = field(metadata=_PRICE.here)
    cached: float | None = field(default=None, metadata=_PRICE.or_none.here)
    kept: float | None = field(default=None, metadata=_PRICE.or_none.here)

    def __post_init__(self) -> None:
        check_fields(self, "Prices")

    def of(self, usage: Usage) -> float:
        """Return what this usage costs."""
        cached = self.input if self.cached is None else self.cached
        kept = self.input if self.kept is None else self.kept
        fresh = usage.input_tokens - usage.cached_tokens - usage.kept_tokens
        read = fresh * self.input + usage.cached_tokens * cached + usage.kept_tokens * kept
        return (read + usage.output_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a model does before its first word, such as loading or reading the prompt; `fraction` from 0 to 1."""

    what: str
    fraction: float


@dataclass(frozen=True, slots=True)
class StateKept(Preparation):
    """What a model has read of a prompt is in this file. `was_there`: it was before, and nothing had to be read."""

    file: Path
    bytes: int
    was_there: bool


@bounded
@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply. The last one carries `finish`, and `usage` where the provider counts.

    Before the text a model may say what it is doing (`preparing`); that time does not count against timeouts. `thought`
    is a piece of what it thinks, where its server tells that from the reply. `withdrawn`: all `text` before this chunk
    turned out to be one, and stands in its `thought`. `carry`, on the last one: what the model wants back with this
    turn when the conversation goes on (`Message.carrying`), such as the signatures of its thoughts. Nobody else reads
    it, and it is never written down.
    """

    text: str = ""
    finish: FinishReason | None = None
    usage: Usage | None = None
    preparing: Preparation | None = None
    thought: str = ""
    withdrawn: bool = False
    carry: object | None = field(default=None, repr=False)


def estimated(request: Request, written: int, prices: Prices | None) -> Usage:
    """What a reply of so many characters used that nobody counted: 4 characters to a token, 1,000 tokens to a file."""
    files = sum(len(message.attachments) for message in request.messages)
    read = sum(len(message.text) for message in request.messages)
    read = read // CHARACTERS_PER_TOKEN + 1_000 * files
    usage = Usage(read, 0, written // CHARACTERS_PER_TOKEN, 1, estimated=True)
    return usage if prices is None else replace(usage, cost=prices.of(usage))


class ChatModel(Protocol):
    """A language model that streams text.

    `stream` yields chunks of any size and ends after the chunk that carries `finish`; a stream that ends without one
    was cut. Closing the iterator (or cancelling its task) stops the generation at once. `Usage.cost` is what a budget
    in money counts; a model that has an attribute `prices` which is None does not know it. One that answers only so
    many requests at once has an attribute `concurrency`. `account`, where there is one, is equal for models whose calls
    a provider counts together, and has no key in it; without it those are that were made alike. `retry`, a `Retry`,
    says when to ask again. `takes`, media types such as "image/*" or "application/pdf", says which files it reads: it
    is given no others (`Message.attachments`), and none without that. One that may lack something, such as a key, has a
    method `check_setup`, which raises that before a run begins. `expect`, of one that reads slowly, is called with what
    its next request will begin with, while there is time.

    Raises (from the iterator):
        ModelError: the provider refused or failed; `retryable` and `retry_after` say what to do.
        ModelSetupError: the model cannot be used on this machine yet.
    """

    @property
    def name(self) -> str:
        """Say what to call the model in logs, such as `openai:gpt-5-mini`."""
        ...

    @property
    def constrains(self) -> bool:
        """Say whether `Request.grammar` is obeyed. A model whose plans are JSON then has `writes = "json"`.

        One that plans as well without it has `unaided = True`: it is told what a model without a grammar is told.
        """
        ...

    def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """Ask, and yield the reply as it is written."""
        ...


async def closable(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
    """An iterator that can be closed, whatever kind the model returned."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
