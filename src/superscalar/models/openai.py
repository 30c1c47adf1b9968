"""OpenAI's chat completions, and every server that speaks them, through the SDK (extra `superscalar[openai]`)."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import re
import weakref
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from superscalar.errors import ModelError, ModelSetupError, UsageError
from superscalar.hosts import is_this_machine
from superscalar.models.base import Chunk, Preparation, Prices, Request
from superscalar.models.constraint import Constraint as Constraint
from superscalar.models.constraint import Constraints
from superscalar.models.dialect import Dialect, Rejection
from superscalar.models.ending import Ends
from superscalar.models.files import media_types, taken_by
from superscalar.models.lives import closed_without
from superscalar.models.origin import OtherOriginError, check_origin, credentials, options, without_credentials
from superscalar.models.reply import ComplaintError, RefusedError, Reply
from superscalar.models.saying import error_words, page, place, said_by_server
from superscalar.models.wire import DONE, GarbledError, ReplyBody
from superscalar.schedule.refusal import wait_of
from superscalar.secrets import Scrubber
from superscalar.tools.terms import Retry
from superscalar.transient import TOO_MANY, may_pass

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI, AsyncStream

# Hidden reasoning counts against `max_completion_tokens`, while `Request.max_tokens` bounds the reply: room (tokens).
REASONING_ROOM = 8192

_LOG: Final = logging.getLogger(__name__)
_OFFICIAL = "api.openai.com"
_REASONS = re.compile(r"(o\d|gpt-([5-9]|\d\d))(?!.*-chat)")
_TAKES_GRAMMARS = re.compile(r"gpt-([5-9]|\d\d)(?!.*-chat)")  # as the grammar of a custom tool
_FINISHES: Final[Mapping[str, str]] = {"length": "length", "content_filter": "filter"}
_NOT_OF_REASONING: Final = frozenset({"temperature", "stop"})
_CONNECTING: Final = 5.0  # seconds
_AFTERWARDS: Final = 0.1  # seconds that the end of a response may take once its body said that it is over
# Codes of errors that arrive inside a stream, where there is no HTTP status to go by.
_TRANSIENT = frozenset({"server_error", "rate_limit_exceeded", "overloaded", "overloaded_error", "timeout"})


class OpenAIModel:
    """A model of OpenAI, or of any server that speaks its chat completions: `OpenAIModel("gpt-5-mini")`.

    The key is `api_key` or the variable `OPENAI_API_KEY`, which, as the extra, must be there once a run begins; the
    server is `base_url` or `OPENAI_BASE_URL`, else OpenAI's. A server on this machine needs no key. `effort` is sent as
    `reasoning_effort`. `prices` per million tokens let usage say what it cost, and budgets in money count it.

    `grammar`: how the server is told what a plan may be, None for not at all. "json_schema": structured output, a plan
    in JSON; "lark": a custom tool of OpenAI's with a grammar; "llama.cpp": that server's parameter `grammar`; "vllm":
    its parameter `structured_outputs`. "auto" is "lark" for GPT-5 and later at OpenAI's own host, and None for all
    else; a grammar that the server refuses then is left out, and that is remembered and logged.

    For servers that are different: `parameters` of the protocol to send, in the place of ours where they are called so
    (`parameters={"temperature": 1, "seed": 7}`); `extra_body`, what else stands in the request; `omit`, the names of
    parameters that are never sent; `ends`, words with which the server says that a reply is whole, beside those of
    `superscalar.models.ending.WHOLE`. A reply that ends with any other word was cut.

    `takes`: the media types of files that the model reads, such as `("image/*", "application/pdf")`. Without it those
    are the images and PDF files that a model of that name takes at OpenAI, and none at other servers.

    A key goes over plain HTTP to this machine alone, and there through no proxy, unless `insecure`. A redirect to
    another scheme, host or port is refused.

    A failed request is never repeated here: the error says whether to, and when, and `retry` how often and for how
    long runs wait for that. The exception is a server that refuses
    a *parameter* (reasoning models refuse `temperature` and `stop`), or a role for the system: it is asked again
    without, and that is remembered. Stop texts are honoured in any case. One instance may be used from several event
    loops; each has its own connections, closed when that loop ends or by `aclose`.

    Raises:
        UsageError: an option has no such form, or the key would be sent unencrypted.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        effort: str | None = None,
        grammar: Constraint | Literal["auto"] | None = "auto",
        prices: Prices | None = None,
        parameters: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        omit: Iterable[str] = (),
        ends: Iterable[str] = (),
        takes: Iterable[str] | None = None,
        retry: Retry | None = None,
        insecure: bool = False,
    ) -> None:
        if grammar not in (None, "auto", *get_args(Constraint)):
            forms = ", ".join(map(repr, get_args(Constraint)))
            raise UsageError(f"OpenAIModel(grammar={grammar!r}): write one of {forms}, None, or leave it out")
        self._lacks: ImportError | None = None
        try:
            self._sdk = importlib.import_module("openai")
        except ImportError as error:
            self._lacks = error
        self._model = name
        self._effort = effort
        self.prices = prices
        self.retry = retry
        self._base_url = base_url or os.environ.get("OPENAI_BASE_URL") or f"https://{_OFFICIAL}/v1"
        host = urlsplit(self._base_url).hostname or ""
        self._insecure = insecure
        self._found = api_key or ""
        check_origin(name, self._base_url, keyed=bool(self._key), insecure=insecure)
        self._given = {**_sent("parameters", parameters), **_sent("extra_body", extra_body)}
        self._omitted = _names(omit)
        self._ends = Ends(_FINISHES, ends)
        official = host == _OFFICIAL or host.endswith("." + _OFFICIAL)
        self.takes = (
            taken_by("openai" if official else "", name) if takes is None else media_types("OpenAIModel", takes)
        )
        reasons = official and _REASONS.match(name) is not None
        usual: Constraint | None = "lark" if official and _TAKES_GRAMMARS.match(name) else None
        optional = grammar == "auto"
        self._told = Constraints(usual if grammar == "auto" else grammar, optional=optional, official=official)
        self._dialect = Dialect(
            limits=("max_completion_tokens", "max_tokens") if official else ("max_tokens", "max_completion_tokens"),
            refused=self._omitted | (_NOT_OF_REASONING if reasons else frozenset()),
            reasons=reasons,
        )
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Client] = weakref.WeakKeyDictionary()

    @property
    def name(self) -> str:
        """Return `openai:` and the model's name."""
        return f"openai:{self._model}"

    @property
    def address(self) -> str:
        """Return where it asks, without what may be a secret of that."""
        return place(self._base_url)

    @property
    def account(self) -> str:
        """Return a digest of where it asks and of its key: requests of models with the same one count together."""
        return sha256(f"{self._base_url}\0{self._key}".encode()).hexdigest()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no text of a run may show."""
        _, password = credentials(self._base_url) or ("", "")
        return tuple(filter(None, (self._key, password)))

    @property
    def _key(self) -> str:
        """The key, be it that of the environment, where it is looked for until it is there; empty if there is none."""
        self._found = self._found or os.environ.get("OPENAI_API_KEY") or ""
        return self._found

    def check_setup(self) -> None:
        """Make sure that the extra is there, and a key by now if the server wants one.

        Raises:
            ModelSetupError: one is missing.
            UsageError: there is one by now, and it would be sent unencrypted.
        """
        if self._lacks is not None:
            raise ModelSetupError(
                f"The model {self.name} needs the openai extra: pip install 'superscalar[openai]' ({self._lacks})"
            ) from self._lacks
        host = urlsplit(self._base_url).hostname or ""
        if not self._key and not is_this_machine(host):
            raise ModelSetupError(
                f"The model {self.name} at {host} needs a key: set the environment variable OPENAI_API_KEY, "
                "or write OpenAIModel(name, api_key=...)."
            )
        check_origin(self._model, self._base_url, keyed=bool(self._key), insecure=self._insecure)

    @property
    def constrains(self) -> bool:
        """Tell whether the server is told what a plan may be."""
        return self._told.form is not None

    @property
    def unaided(self) -> bool:
        """Tell whether it plans as well without a grammar, and may be left without one."""
        return self._told.optional

    @property
    def writes(self) -> Literal["python", "json"]:
        """Name the syntax of plans that are constrained."""
        return "json" if self._told.form == "json_schema" else "python"

    async def aclose(self) -> None:
        """Close this event loop's connections. The model may be used again: it opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the reply as it is written. Closing the iterator closes the HTTP response.

        Raises:
            ModelError: the server refused, failed or was cut; `retryable` and `retry_after` (seconds) say what to do.
            ModelSetupError: the extra or the key is missing, or the key is wrong.
        """
        reply = Reply(self._ends, request.stop, self.prices)
        response, against = await self._open(request)
        async with aclosing(self._documents(response)) as documents:
            async for document in documents:
                if against:
                    yield Chunk(preparing=Preparation(f"told less of the grammar, which was refused: {against}", 1.0))
                    against = ""
                if document is DONE:
                    reply.done()
                    continue
                try:
                    for chunk in reply.take(document):
                        yield chunk
                except ComplaintError as complaint:
                    raise self._complained(complaint.said) from None
                if reply.over:
                    break
        if not reply.begun:
            raise self._said_something_else("" if reply.first is None else json.dumps(reply.first, ensure_ascii=False))
        try:
            for chunk in reply.finish():
                yield chunk
        except RefusedError as refused:
            raise ModelError(f"{self._where}: the model refused: {self._shown(str(refused))}") from None

    async def _documents(self, response: AsyncStream[Any]) -> AsyncGenerator[Any, None]:
        """What a body says, document by document, and `DONE` where it says that it is over."""
        body = ReplyBody()
        over = False
        # The SDK's own reader takes the shape of each event for granted.
        pieces = response.response.aiter_bytes()
        try:
            while True:
                try:
                    content = await (anext(pieces) if not over else asyncio.wait_for(anext(pieces), _AFTERWARDS))
                except (StopAsyncIteration, TimeoutError):
                    break
                except Exception as error:
                    if over:
                        break
                    raise self._torn(error) from error
                for document in () if over else body.feed(content):
                    yield document
                    if document is DONE:
                        over = (
                            True  # what may follow is the end of the response: read, the connection can be used again
                        )
                        break
            for document in () if over else body.finish():
                yield document
        except GarbledError as garbled:
            raise self._said_something_else(garbled.text, cut=garbled.cut) from None
        finally:
            await response.close()

    async def _open(self, request: Request) -> tuple[AsyncStream[Any], str]:
        """The response, and what the server said against a grammar if it was told less for that."""
        client = await self._client()
        dialect, against = self._dialect, ""
        while True:
            body = self._body(request, dialect)
            try:
                # What is no parameter of this SDK's is none of its business: all but the first three goes as it is.
                rest = {name: value for name, value in body.items() if name not in ("model", "messages", "stream")}
                rest = rest if body.get("stream") else {**rest, "stream": False}
                asked: AsyncStream[Any] = await client.chat.completions.create(
                    model=body["model"], messages=body["messages"], stream=True, extra_body=rest
                )
            except self._sdk.APIStatusError as error:
                said = _document(error)
                refusal = Rejection(error.status_code, str(error.param or ""), str(error.code or ""), said)
                sent = body.keys() - self._given.keys()
                system = any(message["role"] == "system" for message in body["messages"])
                if self._told.without(refusal, {name: body[name] for name in sent}):
                    against = self._shown(error_words(said))
                    _LOG.warning("%s refused the grammar and is told less of it: %s", self._where, against)
                elif (other := dialect.after(refusal, sent, system=system)) is not None:
                    dialect = other
                else:
                    raise self._refused(error, said) from error
            except (self._sdk.APIError, OtherOriginError) as error:
                raise self._torn(error) from error
            else:
                self._dialect = dialect
                return asked, against

    def _body(self, request: Request, dialect: Dialect) -> dict[str, Any]:
        room = REASONING_ROOM if dialect.reasons else 0
        body: dict[str, Any] = {"model": self._model, "messages": dialect.messages(request.messages)}
        if dialect.takes("stream"):
            body["stream"] = True
        if dialect.limit is not None and not self._given.keys() & set(dialect.limits):
            body[dialect.limit] = request.max_tokens + room
        if dialect.takes("stream_options") and dialect.takes("stream"):
            body["stream_options"] = {"include_usage": True}
        if dialect.takes("temperature"):
            body["temperature"] = request.temperature
        if dialect.takes("seed") and request.seed is not None:
            body["seed"] = request.seed
        if dialect.takes("stop") and request.stop:
            body["stop"] = list(request.stop[:4])  # the protocol's limit; the reply is searched for the others
        if self._effort is not None:
            body["reasoning_effort"] = self._effort
        if request.tools:
            body["tools"] = list(request.tools)
        told = self._told.parameters(request.grammar)
        body |= {name: value for name, value in told.items() if dialect.takes(name)}
        body |= self._given
        return {name: value for name, value in body.items() if name not in self._omitted}

    async def _client(self) -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            self.check_setup()
            # max_retries=0: the SDK would sleep out Retry-After inside the call, holding the caller's slot.
            http = self._sdk.DefaultAsyncHttpxClient(**options(self._base_url))
            sdk: AsyncOpenAI = self._sdk.AsyncOpenAI(
                api_key=self._key or "unused",
                base_url=without_credentials(self._base_url),
                max_retries=0,
                timeout=self._sdk.Timeout(None, connect=_CONNECTING),  # whoever asks knows how long it may be silent
                http_client=http,
            )
            client = self._clients[loop] = _Client(sdk, self)
            await client.tie_to_loop()
        return client.sdk

    # --------------------------------------------------------------------------------- errors, in the server's words

    @property
    def _where(self) -> str:
        return f"{self.name} at {place(self._base_url).rstrip('/')}/chat/completions"

    def _shown(self, text: str) -> str:
        return said_by_server(Scrubber(self.secrets).without(text), self.secrets)

    def _hint(self) -> str:
        """What may be wrong with the address, where something else than a model answered."""
        if urlsplit(self._base_url).path.strip("/"):
            return ""
        return (
            "\nThe base_url has no path; most servers want one: base_url=" + place(self._base_url).rstrip("/") + "/v1"
        )

    def _refused(self, error: APIStatusError, said: Any) -> ModelError:
        """The error of a request that was refused."""
        status = error.status_code
        words = page(said) if isinstance(said, str) else error_words(said)
        message = f"{self._where}: HTTP {status}: {self._shown(words) or 'nothing was said'}"
        if status == 401:
            return ModelSetupError(f"{message}\nCheck the key in OPENAI_API_KEY (or api_key=...).", status=status)
        return ModelError(
            message + (self._hint() if status in (404, 405) else ""),
            retryable=_may_pass(status) and error.code != "insufficient_quota",
            retry_after=wait_of({name.lower(): value for name, value in error.response.headers.items()}),
            status=status,
        )

    def _torn(self, error: Exception) -> ModelError:
        """The error of a connection that could not be made, or broke."""
        why = error.__cause__ or error
        if isinstance(why, OtherOriginError):
            return ModelError(
                f"{self._where}: {why}, and neither the key nor the question goes there; "
                f"if that is the server that you mean, write base_url={why.address.removesuffix('/chat/completions')!r}"
            )
        what = getattr(error, "message", "") or "the connection broke"
        return ModelError(f"{self._where}: {what} ({self._shown(repr(why))})", retryable=True)

    def _complained(self, said: Any) -> ModelError:
        """The error that a server sent with status 200, where there is no other to go by."""
        told = said if isinstance(said, Mapping) else {}
        code, kind = str(told.get("code") or told.get("status") or ""), str(told.get("type") or "")
        status = int(code) if re.fullmatch(r"[45]\d\d", code) else None
        transient = _TRANSIENT & {code, kind} or (status is not None and _may_pass(status))
        words = self._shown(error_words(said))
        return ModelError(f"{self._where}: {words}", retryable=bool(transient), status=status)

    def _said_something_else(self, text: str, *, cut: bool = False) -> ModelError:
        """The error of a body that is no reply of a model."""
        if not text.strip():
            return ModelError(f"{self._where}: the server sent an empty reply", retryable=True)
        what = "the stream was cut inside an event, or has what is none" if cut else "this is no reply of a model"
        hint = "" if cut else self._hint()
        return ModelError(f"{self._where}: {what}: {self._shown(page(text))}{hint}", retryable=cut)


class _Client:
    """One event loop's SDK client, closed by `aclose`, with its owner, or when the loop closes its async generators.

    The open generator is what ties it to the loop: `asyncio.run` closes those before it closes the loop, which is the
    last moment at which the connections can be closed.
    """

    def __init__(self, sdk: AsyncOpenAI, owner: object) -> None:
        self.sdk = sdk
        self._life = self._live()
        self._call_off = closed_without(owner, self.aclose)

    async def _live(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._call_off()
            await self.sdk.close()

    async def tie_to_loop(self) -> None:
        await anext(self._life)

    async def aclose(self) -> None:
        await self._life.aclose()


def _document(error: APIStatusError) -> Any:
    """What came with a refusal: a document of JSON, else the text."""
    try:
        text = error.response.text
    except Exception:  # noqa: BLE001 -- the body was not read, or is not in the encoding that it says
        return str(error.body or "")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _sent(option: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters that a user gave.

    Raises:
        UsageError: they are none, or are not the user's to give.
    """
    if given is not None and not (isinstance(given, Mapping) and all(isinstance(name, str) for name in given)):
        raise UsageError(f'OpenAIModel({option}={given!r}): write a dictionary, such as {option}={{"top_p": 0.9}}')
    if ours := sorted({"model", "messages", "stream"} & set(given or ())):
        raise UsageError(f"OpenAIModel({option}={{{ours[0]!r}: ...}}): that is not to be changed; leave it out")
    return dict(given or {})


def _names(omit: Iterable[str]) -> frozenset[str]:
    names = frozenset() if isinstance(omit, str) else frozenset(omit)
    if isinstance(omit, str) or not all(isinstance(name, str) for name in names) or {"model", "messages"} & names:
        raise UsageError(f'OpenAIModel(omit={omit!r}): write names of parameters, such as omit={{"stream_options"}}')
    return names


def _may_pass(status: int) -> bool:
    return status in {409, TOO_MANY} or may_pass(status)
