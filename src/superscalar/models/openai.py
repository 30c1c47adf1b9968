"""OpenAI's chat completions, and every server that speaks them, through the SDK (extra `superscalar[openai]`)."""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import json
import os
import re
import weakref
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from superscalar.errors import ModelError, ModelSetupError, UsageError
from superscalar.models.base import Chunk, FinishReason, Prices, Request, Usage
from superscalar.models.stops import StopFilter
from superscalar.plan import Grammar
from superscalar.schedule.refusal import wait_of

if TYPE_CHECKING:
    from openai import APIError, AsyncOpenAI, AsyncStream
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDelta

# Hidden reasoning counts against `max_completion_tokens`, while `Request.max_tokens` bounds the reply: room (tokens).
REASONING_ROOM = 8192

Constraint: TypeAlias = Literal["json_schema", "lark", "llama.cpp", "vllm"]
"""How a server is told what a reply may be."""

_OFFICIAL = "api.openai.com"
_TOOL = "plan"
_REASONS = re.compile(r"(o\d|gpt-([5-9]|\d\d))(?!.*-chat)")
_FINISHES: Mapping[str, FinishReason] = {"length": "length", "content_filter": "filter"}
# Codes of errors that arrive inside a stream, where there is no HTTP status to go by.
_TRANSIENT = frozenset({"server_error", "rate_limit_exceeded", "overloaded", "overloaded_error", "timeout"})


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Which parameters the server takes: guessed from its name, corrected by what it refuses."""

    limit: str = "max_tokens"
    temperature: bool = True
    stop: bool = True
    usage: bool = True
    reasons: bool = False

    def without(self, parameter: str | None) -> _Dialect | None:
        """Return the dialect to try after `parameter` was refused, None if there is none left to try."""
        if parameter == "max_tokens" and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if parameter == "max_completion_tokens" and self.limit == "max_completion_tokens" and not self.reasons:
            return replace(self, limit="max_tokens")
        if parameter == "temperature" and self.temperature:
            return replace(self, temperature=False)
        if parameter == "stop" and self.stop:
            return replace(self, stop=False)
        if parameter == "stream_options" and self.usage:
            return replace(self, usage=False)
        return None


class OpenAIModel:
    """A model of OpenAI, or of any server that speaks its chat completions: `OpenAIModel("gpt-5-mini")`.

    The key is `api_key` or the variable `OPENAI_API_KEY`; the server is `base_url` or `OPENAI_BASE_URL`, else OpenAI's.
    A server on this machine needs no key. `effort` is sent as `reasoning_effort`. `prices` per million tokens let usage
    say what it cost, and budgets in money count it.

    `grammar`: how the server is told what a plan may be, None for not at all. "json_schema": structured output, a plan
    in JSON; "lark": a custom tool of OpenAI's with a grammar; "llama.cpp": that server's parameter `grammar`; "vllm":
    its parameter `structured_outputs`.

    A failed request is never repeated here: the error says whether to, and when. The exception is a server that refuses
    a *parameter* (reasoning models refuse `temperature` and `stop`): it is asked again without it, and that is
    remembered. Stop texts are honoured in any case. One instance may be used from several event loops; each has its own
    connections, closed when that loop ends or by `aclose`.

    Raises:
        ModelSetupError: the extra is not installed, or there is no key.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        effort: str | None = None,
        grammar: Constraint | None = None,
        prices: Prices | None = None,
    ) -> None:
        if grammar is not None and grammar not in get_args(Constraint):
            forms = ", ".join(map(repr, get_args(Constraint)))
            raise UsageError(f"OpenAIModel(grammar={grammar!r}): write one of {forms}, or leave it out")
        try:
            self._sdk = importlib.import_module("openai")
        except ImportError as error:
            raise ModelSetupError(
                f"The model openai:{name} needs the openai extra: pip install 'superscalar[openai]' ({error})"
            ) from error
        self._model = name
        self._effort = effort
        self._grammar = grammar
        self.prices = prices
        self._base_url = base_url or os.environ.get("OPENAI_BASE_URL") or f"https://{_OFFICIAL}/v1"
        host = urlsplit(self._base_url).hostname or ""
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if not key and not _is_this_machine(host):
            raise ModelSetupError(
                f"The model openai:{name} at {host} needs a key: set the environment variable OPENAI_API_KEY, "
                "or write OpenAIModel(name, api_key=...)."
            )
        self._key = key or "unused"
        official = host == _OFFICIAL or host.endswith("." + _OFFICIAL)
        reasons = official and _REASONS.match(name) is not None
        self._dialect = _Dialect(
            limit="max_completion_tokens" if official else "max_tokens",
            temperature=not reasons,
            stop=not reasons,
            reasons=reasons,
        )
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Client] = weakref.WeakKeyDictionary()

    @property
    def name(self) -> str:
        """`openai:` and the model's name."""
        return f"openai:{self._model}"

    @property
    def constrains(self) -> bool:
        """Whether the server is told what a plan may be."""
        return self._grammar is not None

    @property
    def writes(self) -> Literal["python", "json"]:
        """The syntax of plans that are constrained."""
        return "json" if self._grammar == "json_schema" else "python"

    async def aclose(self) -> None:
        """Close this event loop's connections. The model may be used again: it opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the reply as it is written. Closing the iterator closes the HTTP response.

        Raises:
            ModelError: the server refused, failed or was cut; `retryable` and `retry_after` (seconds) say what to do.
            ModelSetupError: the key is wrong.
        """
        replies = await self._open(request)
        stops = StopFilter(request.stop)
        finish: FinishReason | None = None
        usage: Usage | None = None
        try:
            while True:
                try:
                    event = await anext(replies)
                except StopAsyncIteration:
                    break
                except json.JSONDecodeError as error:
                    raise ModelError(f"{self.name}: the stream was cut inside an event", retryable=True) from error
                except self._sdk.APIError as error:
                    raise self._translated(error) from error
                if event.usage is not None:
                    usage = _usage(event.usage, self.prices)
                for choice in event.choices or ():  # the SDK does not check: some servers leave these out
                    if choice.finish_reason is not None:
                        finish = _FINISHES.get(choice.finish_reason, "stop")
                    if choice.delta is not None and (text := stops.feed(_said(choice.delta))):
                        yield Chunk(text)
                if stops.found:
                    finish = "stop"
                    break
            if not stops.found and (rest := stops.flush()):
                yield Chunk(rest)
            if finish is not None:
                yield Chunk(finish=finish, usage=usage)
        finally:
            await replies.close()

    async def _open(self, request: Request) -> AsyncStream[ChatCompletionChunk]:
        client = await self._client()
        while True:
            dialect = self._dialect
            try:
                replies: AsyncStream[ChatCompletionChunk]
                replies = await client.chat.completions.create(**self._body(request, dialect))
                return replies
            except self._sdk.APIError as error:
                other = dialect.without(error.param) if (error.code or "").startswith("unsupported") else None
                if other is None:
                    raise self._translated(error) from error
                self._dialect = other

    def _body(self, request: Request, dialect: _Dialect) -> dict[str, Any]:
        room = REASONING_ROOM if dialect.reasons else 0
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            "stream": True,
            dialect.limit: request.max_tokens + room,
        }
        if dialect.usage:
            body["stream_options"] = {"include_usage": True}
        if dialect.temperature:
            body["temperature"] = request.temperature
        if dialect.stop and request.stop:
            body["stop"] = list(request.stop[:4])  # the protocol's limit; StopFilter finds the others
        if self._effort is not None:
            body["reasoning_effort"] = self._effort
        if request.grammar is not None:
            body |= _constraint(request.grammar, self._grammar)
        return body

    async def _client(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            # max_retries=0: the SDK would sleep out Retry-After inside the call, holding the caller's slot.
            sdk: AsyncOpenAI = self._sdk.AsyncOpenAI(api_key=self._key, base_url=self._base_url, max_retries=0)
            client = self._clients[loop] = _Client(sdk)
            await client.tie_to_loop()
        return client.sdk

    def _translated(self, error: APIError) -> ModelError:
        """Turn an error of the SDK into ours."""
        sdk = self._sdk
        said = f"{self.name}: {error.message}"
        if isinstance(error, sdk.APIConnectionError):
            return ModelError(f"{said} ({error.__cause__!r})", retryable=True)
        if not isinstance(error, sdk.APIStatusError):
            status = int(error.code) if error.code and re.fullmatch(r"[45]\d\d", error.code) else None
            transient = _TRANSIENT & {error.code, error.type} or (status is not None and _may_pass(status))
            return ModelError(said, retryable=bool(transient), status=status)
        status = error.status_code
        if status == 401:
            return ModelSetupError(f"{said}\nCheck the key in OPENAI_API_KEY (or api_key=...).", status=status)
        return ModelError(
            said,
            retryable=_may_pass(status) and error.code != "insufficient_quota",
            retry_after=wait_of({name.lower(): value for name, value in error.response.headers.items()}),
            status=status,
        )


class _Client:
    """One event loop's SDK client, closed by `aclose` or when the loop closes its asynchronous generators.

    The open generator is what ties it to the loop: `asyncio.run` closes those before it closes the loop, which is the
    last moment at which the connections can be closed.
    """

    def __init__(self, sdk: AsyncOpenAI) -> None:
        self.sdk = sdk
        self._life = self._live()

    async def _live(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.sdk.close()

    async def tie_to_loop(self) -> None:
        await anext(self._life)

    async def aclose(self) -> None:
        await self._life.aclose()


def _constraint(grammar: Grammar, form: Constraint | None) -> dict[str, Any]:
    """The parameters that tell a server what a reply may be."""
    if form is not None and not grammar.gbnf:  # a document, and no plan
        schema = {"name": "reply", "schema": grammar.json_schema, "strict": _is_strict(grammar.json_schema)}
        if form == "vllm":
            return {"extra_body": {"structured_outputs": {"json": grammar.json_schema}}}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    match form:
        case "json_schema":
            schema = {"name": "plan", "schema": grammar.json_schema, "strict": _is_strict(grammar.json_schema)}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        case "lark":
            written = {"type": "grammar", "grammar": {"syntax": "lark", "definition": grammar.lark}}
            tool = {"name": _TOOL, "description": "Takes the whole plan.", "format": written}
            choice = {"type": "custom", "custom": {"name": _TOOL}}
            return {"tools": [{"type": "custom", "custom": tool}], "tool_choice": choice}
        case "llama.cpp":
            return {"extra_body": {"grammar": grammar.gbnf}}
        case "vllm":
            return {"extra_body": {"structured_outputs": {"grammar": grammar.gbnf}}}
        case None:
            return {}


def _is_strict(schema: Any) -> bool:
    """Whether OpenAI takes the schema as binding: each object has a fixed set of fields, and none may be left out."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", ()))
    ):
        return False
    return all(map(_is_strict, schema.values()))


def _said(delta: ChoiceDelta) -> str:
    """The text of an event: the reply's, or what is handed to the custom tool, of which the SDK does not know yet."""
    calls = (getattr(call, "custom", None) or {} for call in delta.tool_calls or ())
    return (delta.content or "") + "".join(call.get("input") or "" for call in calls)


def _usage(counted: CompletionUsage, prices: Prices | None) -> Usage:
    details = counted.prompt_tokens_details
    cached = details.cached_tokens if details is not None else None
    usage = Usage(counted.prompt_tokens, cached or 0, counted.completion_tokens, requests=1)
    return usage if prices is None else replace(usage, cost=prices.of(usage))


def _may_pass(status: int) -> bool:
    return status in {408, 409, 425, 429} or status >= 500


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, not an address
        return False
