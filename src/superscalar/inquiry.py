"""What a tool does that asks a model itself: a conversation of its own, and a reply that is a value of one type.

The model has no tools and sees nothing but what the call is given. Each request waits for the model's limit, counts in
the run's budgets, and goes to the next model where one does not answer; a reply that does not fit is asked for again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from copy import copy
from functools import cache
from math import isfinite
from typing import Any, Final, Literal, Protocol, Self, TypeAlias, get_args

from superscalar.attachments import attachments_in, is_attachment
from superscalar.errors import ModelError, RateLimited, UsageError
from superscalar.models.account import limit_of, retry_of
from superscalar.models.base import ChatModel, Message, Request, estimated
from superscalar.models.blocks import inert
from superscalar.models.cleaning import replies
from superscalar.models.ending import is_whole, why_cut
from superscalar.models.files import MOST_BYTES, MOST_FILES, Presented, presented, why_not_taken
from superscalar.models.patience import FOR_EVER, Patience, Silence, Silent
from superscalar.models.standby import Standby
from superscalar.models.typed import AnswerType, Mismatch
from superscalar.plan import Grammar
from superscalar.schedule.closures import Closed
from superscalar.schedule.comers import Comer
from superscalar.schedule.inside import granted_here
from superscalar.schedule.limits import Grants, Limits
from superscalar.schedule.refusal import refusal_of_model
from superscalar.schedule.waiting import Ticket
from superscalar.short import cut
from superscalar.tools.context import ToolContext
from superscalar.tools.terms import Retry
from superscalar.values import Usage, plain, record_fields

SIMPLE: Final[Mapping[str, Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "date": dt.date,
    "datetime": dt.datetime,
    "list[str]": list[str],
    "list[int]": list[int],
    "list[float]": list[float],
    "list[date]": list[dt.date],
}
"""The types that need not be registered, by the names that plans use."""

MAX_SOURCE: Final = 200_000
"""Characters of data, as JSON, that one call reads at the most."""

MAX_REPLY: Final = 64_000
MAX_ASKED: Final = 4_000
"""Characters of what is said to the model beside data, at the most."""
MAX_WRITTEN: Final = 2_048
"""Tokens of one reply, at the most."""

TRIES: Final = 3
WHEN_REFUSED: Final = Retry(attempts=3, on=(RateLimited, ConnectionError), initial=1.0)
"""When a call is made again whose model does not say so itself."""

AskedAs: TypeAlias = Literal["extractor", "joiner", "thoughts"]
"""What a model is asked for beside plans, as estimates call it."""

_MAX_DEPTH: Final = 32
_WIDEST: Final = 1 << 63


class NotFound(LookupError):
    """The model says that the data does not have what was looked for."""


class NoValue(ValueError):
    """The model wrote no value of the type. The message has nothing of what it wrote."""


class ModelUnavailable(ConnectionError):
    """The model did not answer, and may answer later."""


class Unfit(ValueError):
    """A reply is no value of the type. `told`: why, in words that were not made from the reply."""

    def __init__(self, why: str, told: str = "") -> None:
        super().__init__(why)
        self.told = told or why


class ReplyReader(Protocol):
    """Reads replies. `grammar`: what they follow, where a model can be held to one; `form`: what they are, in words."""

    grammar: Grammar | None
    form: str

    def read(self, text: str) -> Any:
        """Return the value of a reply.

        Raises:
            Unfit: it is none.
        """
        ...


class Inquirer:
    """The function of a tool that asks models: `models`, the first first; none where those of its agent are meant.

    `silence`: for how long one may say nothing; `timeout`: seconds for one whole reply, without what a model needs to
    get ready. `grammar`: a model that can be held to a schema is. `limits`: those of the agent; without, nobody waits
    for them. `role`: what estimates call it.
    """

    role: AskedAs = "extractor"
    requests = (1, 1)
    """How many replies one call asks for, at the least and at the most."""
    does, timeout_name = "extracts", "extractor_timeout"
    let_in_once = False
    """Whether the call itself took part in the limit of its one model: then its first request has been let in."""

    def __init__(
        self,
        models: Sequence[ChatModel],
        *,
        timeout: float | None = None,
        silence: Silence = FOR_EVER,
        grammar: bool = True,
    ) -> None:
        self.models = tuple(models)
        self.limits: Limits | None = None
        self._timeout = timeout
        self.silence = silence
        self._grammar = grammar

    @property
    def tokens_read(self) -> tuple[int, int]:
        """How many tokens one request reads, at the least and at the most."""
        raise NotImplementedError

    def of_agent(self, limits: Limits, models: Sequence[ChatModel], silence: Silence) -> Self:  # noqa: ARG002
        """The same for the runs of one agent: under its limits; a kind that has no models of its own has these."""
        made = copy(self)
        made.limits = limits
        return made

    async def ask(
        self,
        models: Sequence[ChatModel],
        conversation: Sequence[Message],
        reader: ReplyReader,
        run: ToolContext[Any],
        *,
        wanted: str,
        max_tokens: int = MAX_WRITTEN,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Any:
        """Ask until a reply is a value, three times at the most. `wanted`: what it is to be, in words of ours.

        Raises:
            NoValue: no reply was one.
            TimeoutError: the model took too long.
            ModelError, ModelUnavailable: it failed.
        """
        turns = list(conversation)
        why = ""
        for number in range(TRIES):
            grammar = reader.grammar if self._grammar else None
            request = Request(tuple(turns), max_tokens, temperature=temperature, grammar=grammar, seed=seed)
            text, torn = await self._reply(models, request, run, number)
            try:
                if torn:  # what is there of it may be a value, and another one than was meant
                    raise Unfit("it was cut", f"its reply was cut: {torn}")
                return reader.read(text)
            except Unfit as unfit:
                why = unfit.told
                complaint = f"That does not fit: {unfit}. Write {reader.form} again, and nothing else."
                turns += [Message("assistant", cut(text, MAX_ASKED)), Message("user", cut(complaint, MAX_ASKED))]
        raise NoValue(f"the model gave no {wanted} in {TRIES} tries; the last time: {why}")

    async def _reply(
        self, models: Sequence[ChatModel], request: Request, run: ToolContext[Any], number: int
    ) -> tuple[str, str]:
        """The reply of the first of `models` that gives one, as `_reply_of` has it.

        `number`: it is asked for so many times.

        Raises:
            TimeoutError, ModelError, ModelUnavailable: as for the call.
        """
        loop = asyncio.get_running_loop()
        granted = None if self.limits is None else granted_here(self.limits, loop)
        standby = Standby(loop if granted is None else granted[0].clock)
        entrants = standby.entrants(models)
        while True:
            one = entrants.next(loop.time())
            try:
                async with AsyncExitStack() as holding:
                    if granted is not None and (number or not self.let_in_once):  # else the call was let in to ask it
                        await holding.enter_async_context(_let_in(*granted, one.model, run.run_id))
                    found, silent = await self._reply_of(one.model, request, run)
            except ModelError as error:
                one.given_up = error
                refusal = refusal_of_model(error)
                if refusal is None:
                    standby.failed(one.model, error, loop.time())
                else:
                    standby.refused(one.model, refusal.retry_after or 0.0, loop.time())
                if entrants.is_over:
                    raise _raised_for(entrants.error) from error
                run.progress(f"{one.model.name} does not answer, and another model is asked: {error}")
            else:
                if silent is None:
                    standby.answers(one.model)
                else:
                    standby.failed(one.model, silent, loop.time())
                return found

    async def _reply_of(
        self, model: ChatModel, request: Request, run: ToolContext[Any]
    ) -> tuple[tuple[str, str], Silent | None]:
        """The text of one reply, as far as it may be long, and why it was cut, if it was; and beside these, if it fell
        silent, that. The run is told its usage.
        """
        written: list[str] = []
        length, counted = 0, False
        finish: str | None = None
        run.asked(model.name)
        try:
            with Patience(self.silence, whole=self._timeout) as time:
                time.begin(model.name)
                async with aclosing(replies(model, request)) as chunks:
                    while (chunk := await time.wait(anext(chunks, None))) is not None:
                        time.hear(chunk)
                        if chunk.preparing is not None:
                            run.progress(chunk.preparing.what, chunk.preparing.fraction)
                        if chunk.usage is not None:
                            counted = True
                            run.used(chunk.usage)
                        if chunk.withdrawn:
                            written.clear()
                        written.append(chunk.text)
                        finish = chunk.finish or finish
                        length += len(chunk.text) + (0 if chunk.withdrawn else len(chunk.thought))
                        if length > MAX_REPLY:
                            return ("".join(written), f"it has more than {MAX_REPLY:,} characters"), None
        except TimeoutError:
            late = f"the model that {self.does} gave no answer within {self._timeout:g} s ({self.timeout_name})"
            raise TimeoutError(late) from None
        except Silent as silent:
            if finish is None and not any(written):
                raise
            return ("".join(written), "" if is_whole(finish) else str(silent)), None if finish else silent
        except ModelError as error:
            if any(written) and error.retryable:  # what it said is not to be mixed with what another says
                raise ModelUnavailable(str(error)) from error
            raise
        finally:
            if not counted:  # broken off, or of a provider that does not count; or nothing came of it
                run.used(estimated(request, length, getattr(model, "prices", None)) if length else Usage())
        return ("".join(written), "" if is_whole(finish) else why_cut(finish)), None


def _raised_for(error: ModelError) -> Exception:
    """What a call ends with whose models did not answer: one that may be made again, where that may help."""
    if isinstance(error, Silent):
        return TimeoutError(str(error))
    return ModelUnavailable(str(error)) if error.retryable else error


@asynccontextmanager
async def _let_in(granted: Grants, caller: Ticket | None, model: ChatModel, run: str) -> AsyncIterator[None]:
    """Ask a model inside of a call when it is time; where that took part in the model's limit, on the slot of it."""
    loop = asyncio.get_running_loop()
    comer = Comer(
        run, (limit_of(model),), loop, granted, caller=caller, longest=(retry_of(model) or WHEN_REFUSED).longest
    )
    try:
        if not comer.comes_now():
            await comer.comes()
    except Closed as why:
        raise ModelError(f"{model.name} is not asked: {why}") from why
    try:
        yield
    finally:
        comer.leave()


def data_text(source: Any, tool: str) -> str:
    """Data as JSON in which no text ends the block that it stands in.

    Raises:
        ValueError: it is too much.
    """
    whole = json.dumps(plain(source), ensure_ascii=False)
    if len(whole) > MAX_SOURCE:
        raise ValueError(
            f"the data has {len(whole):,} characters, and {tool} reads {MAX_SOURCE:,} at the most; "
            "give it a part: a field, some of the items, or a slice of the text"
        )
    return inert(whole, "data")


def with_files(
    source: Any, turns: list[Message], models: Sequence[ChatModel], tool: str
) -> tuple[list[Message], Sequence[ChatModel]]:
    """A conversation with the files of data beside its last turn, and those of the models that can read what there is.

    Raises:
        ValueError: the files are too many or too large, or no model takes any.
    """
    files = presented(attachments_in(source), MAX_SOURCE)
    if not files.whole:
        raise ValueError(
            f"the files of the data are too many or too large: {tool} reads {MOST_FILES}, of {MOST_BYTES:,} bytes "
            f"together, and {MAX_SOURCE:,} characters of those that are texts; give it some of them"
        )
    return [*turns[:-1], files.with_turn(turns[-1])], _readers_of(source, files, models)


def _readers_of(source: Any, files: Presented, models: Sequence[ChatModel]) -> Sequence[ChatModel]:
    """Those of the models that have something to read: where data is nothing but files, those that take one of them.

    Raises:
        ValueError: there is none.
    """
    parts = source if isinstance(source, list | tuple) else (source,)
    if files.read or not parts or not all(map(is_attachment, parts)):
        return models
    untaken = [[why_not_taken(model, file) for file in files.attachments] for model in models]
    able = [model for model, whys in zip(models, untaken, strict=True) if not all(whys)]
    if not able:
        raise ValueError("; ".join(dict.fromkeys([*files.withheld, *(why for whys in untaken for why in whys)])))
    return able


class TypeReader:
    """How values of one type are asked for and read. `lacks`: a reply may say that there is none.

    `schema`: what the value follows, as a model is shown it.
    """

    form = "the JSON document"

    def __init__(self, name: str, type_: Any, *, lacks: bool = True) -> None:
        from pydantic import PydanticUserError

        self._name = name
        self._lacks = lacks
        self._type = AnswerType(type_, f"schemas[{name!r}]")
        inner = _untitled(self._type.schema)
        definitions = inner.pop("$defs", {})
        try:
            self._type.validated(None)
            self._may_lack = True
        except Mismatch:
            self._may_lack = False
            if lacks:
                inner = {"anyOf": [inner, {"type": "null"}]}
        except PydanticUserError as error:
            raise UsageError(f"schemas[{name!r}] cannot be validated: {error}") from error
        envelope: dict[str, Any] = {
            "type": "object",
            "properties": {"value": inner},
            "required": ["value"],
            "additionalProperties": False,
        }
        if definitions:
            envelope["$defs"] = definitions
        self.schema: Mapping[str, Any] = _untitled(self._type.schema)
        self._known = frozenset(_properties(envelope))
        self.grammar: Grammar | None = Grammar(json_schema=envelope)

    def read(self, text: str) -> Any:
        """The value of a reply.

        Raises:
            NotFound: it says that there is none.
            Unfit: it is no value of the type.
        """
        document = _document(text)
        if not isinstance(document, dict) or document.keys() != {"value"}:
            raise Unfit('it is not {"value": ...}')
        found = document["value"]
        if found is None and not self._may_lack and self._lacks:
            raise NotFound(f"the data has no such {self._name}")
        try:
            value = self._type.validated(found)
            _check(value)
        except Mismatch as mismatch:
            raise Unfit(str(mismatch), self._told(mismatch)) from None
        except Unfit:
            raise
        except Exception as error:  # noqa: BLE001 -- a validator of the schema may raise anything, with the reply in its message
            raise Unfit(f"checking it raised {type(error).__name__}") from None
        return _bare(value)

    def _told(self, mismatch: Mismatch) -> str:
        """What does not fit, in words of the schema and of pydantic alone: a key of the reply is any text."""
        found = []
        for place, _, kind in mismatch.places[:5]:
            path = ".".join(str(part) if isinstance(part, int) or part in self._known else "?" for part in place)
            found.append(f"{path or 'value'}: {kind if kind in _kinds() else 'invalid'}")
        return "; ".join(found)


class PlainReader:
    """Reads a reply as the text that it is."""

    form = "the text"
    grammar: Grammar | None = None

    def read(self, text: str) -> str:
        """Return the text.

        Raises:
            Unfit: there is none.
        """
        if len(text) > MAX_REPLY:
            raise Unfit(f"it has more than {MAX_REPLY:,} characters")
        if not text.strip():
            raise Unfit("it is empty")
        return text.strip()


def _untitled(schema: Any) -> Any:
    """A JSON schema without titles, which repeat names."""
    if isinstance(schema, Mapping):
        return {k: _untitled(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    return [_untitled(part) for part in schema] if isinstance(schema, list) else schema


@cache
def _kinds() -> frozenset[str]:
    """The kinds of errors that pydantic knows; a validator may name others."""
    from pydantic_core.core_schema import ErrorType

    return frozenset(get_args(ErrorType))


def _properties(schema: Any) -> Iterator[str]:
    """The names of fields in a schema."""
    if isinstance(schema, Mapping):
        fields = schema.get("properties")
        yield from fields if isinstance(fields, Mapping) else ()
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


# ------------------------------------------------------------------------------------------------ reading what it wrote


def _document(text: str) -> Any:
    """One JSON document, a code fence around it tolerated: no key twice, no number without bounds, not too deep."""
    if len(text) > MAX_REPLY:
        raise Unfit(f"it has more than {MAX_REPLY:,} characters")
    whole = text.strip()
    if whole.startswith("```") and whole.endswith("```"):
        whole = whole[3:-3].removeprefix("json").strip()
    try:
        document = _DECODER.decode(whole)
    except Unfit:
        raise
    except json.JSONDecodeError as error:
        raise Unfit(f"it is no JSON document ({error.msg} at character {error.pos})") from None
    except (RecursionError, ValueError):
        raise Unfit("it is no JSON document of a sensible size") from None
    _check(document)
    return document


def _check(value: Any, depth: int = 0) -> None:
    """Refuse what JSON cannot say, and what is too deep or, as a number, long enough to spell a text."""
    if depth > _MAX_DEPTH:
        raise Unfit(f"it is nested more than {_MAX_DEPTH} levels deep")
    match value:
        case bool():
            return
        case int() if not -_WIDEST <= value < _WIDEST:
            raise Unfit("a whole number has more than 64 bits")
        case float() if not isfinite(value):
            raise Unfit("a number is not finite")
        case Mapping():
            for item in value.values():
                _check(item, depth + 1)
        case list() | tuple() | set() | frozenset():
            for item in value:
                _check(item, depth + 1)
        case _ if (fields := record_fields(value)) is not None:
            _check(fields, depth)


def _bare(value: Any) -> Any:
    """An `Enum` as its value: data of a plan has no such members (rule L24)."""
    if isinstance(value, enum.Enum):
        return value.value
    return [_bare(item) for item in value] if type(value) is list else value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Unfit("an object has a key twice")
    return made


def _no_constant(_name: str) -> Any:
    raise Unfit("a number is not finite")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
