"""Every provider that pydantic-ai speaks to, through `pydantic_ai.direct` (extra `superscalar[models]`)."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from superscalar.errors import ModelError, ModelSetupError, UsageError
from superscalar.hosts import in_the_open
from superscalar.models.base import Chunk, Prices, Request, Usage
from superscalar.models.clients import Connections, LentConnections, OwnConnections, asking_once, listening_on
from superscalar.models.ending import Ends
from superscalar.models.failing import model_error, refused_setting
from superscalar.models.files import media_types, taken_by
from superscalar.models.foreign import PydanticModel
from superscalar.models.market import prices_of
from superscalar.models.parts import ENDS, PartsReply
from superscalar.models.providers import provider_of
from superscalar.models.reply import RefusedError
from superscalar.models.saying import place, said_by_server
from superscalar.models.turns import steady_in, turns
from superscalar.plan import Grammar
from superscalar.secrets import Scrubber
from superscalar.short import short
from superscalar.tools.terms import Retry

_LOG: Final = logging.getLogger("superscalar.models")

Effort: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model thinks before it writes; a provider without such a level takes the next one that it has."""

# What is thought counts against the bound of a reply, while `Request.max_tokens` bounds what is said: room (tokens).
# Above what older models of Anthropic are told to think at the most, since the bound must be larger than that.
_ROOM: Final[Mapping[object, int]] = MappingProxyType(
    {"minimal": 4_096, "low": 4_096, "medium": 12_288, "high": 20_480, "xhigh": 40_960, "max": 40_960, True: 12_288}
)
_ROOM_UNASKED: Final = 8_192  # where the model thinks without being told to
_DISPENSABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "grammar": "a schema for its plans, which may have errors then",
        "max_tokens": "room for what it thinks",
        "temperature": "a temperature",
        "seed": "a seed",
        "cache": "a cache of prompts",
    }
)
_OWN: Final = frozenset({"max_retries", "stop_sequences", "tool_choice"})  # settings that are not the user's to give
_SHORTEST: Final = 8  # characters of a key
_UNTIL_IT_WAITS: Final = 0.01  # seconds that a stream is read on before it is broken off


class PydanticAIModel:
    """A model of any provider that pydantic-ai speaks to: `PydanticAIModel("anthropic:claude-opus-5-5")`.

    `model` is such a name, `provider:name` as pydantic-ai has it, or one of its `Model` objects. The key is in the
    variable that the provider's own SDK reads, and must be there, as the extra and that SDK, once a run begins: until
    then nothing of pydantic-ai is imported.

    `thinking`: whether to think before writing (True, False), or how much ("low", "medium", "high"); None leaves it to
    the model. What it thinks is told as events and is never part of a plan; its signatures go back to it while a
    conversation goes on. `cache`: whether the provider may keep the beginning of prompts, which is the same in all runs
    of an agent: to keep it costs more with some providers, to read it again much less. `grammar="json_schema"`: plans
    are structured output, in JSON; by default nothing constrains them. `prices` per million tokens, where pydantic's
    list of prices (which is asked otherwise) does not know the model, or you pay others. `takes`: the media types of
    files that the model reads, such as `("image/*", "application/pdf")`, where that is not known by its name.
    `settings`: further settings of pydantic-ai, in the place of ours where they are called so (`settings={"top_p":
    0.9}`); those of a `Model` object stand too. `ends`: words with which the provider says that a reply is whole,
    beside those that are known.

    A failed request is never repeated here: the error says whether to, and when, and `retry` how often and for how long
    runs wait for that. The exception is a provider that refuses a *setting* of ours, such as `temperature`, or the
    schema of plans (Anthropic takes no recursive one): it is asked again without, which is remembered, and logged. A
    reply is whole only where the provider says so.

    One instance may be used from several event loops. One that was given a name has connections of its own for each,
    closed when that loop ends or by `aclose`. A `Model` object has one client for all: it is opened while replies are
    under way, and asked from one loop at a time. Traces of pydantic-ai are left off, since our own have no secrets.

    Raises:
        UsageError: an option has no such form.
    """

    def __init__(
        self,
        model: str | PydanticModel,
        *,
        thinking: bool | Effort | None = None,
        cache: bool = True,
        grammar: Literal["json_schema"] | None = None,
        prices: Prices | None = None,
        takes: Iterable[str] | None = None,
        retry: Retry | None = None,
        settings: Mapping[str, Any] | None = None,
        ends: Iterable[str] = (),
    ) -> None:
        if not (all(model.partition(":")) if isinstance(model, str) else hasattr(model, "request_stream")):
            raise UsageError(
                f'PydanticAIModel({short(model)}): write "provider:name", such as "anthropic:claude-opus-5-5", '
                "or give a Model object of pydantic-ai"
            )
        if not (thinking is None or isinstance(thinking, bool) or thinking in get_args(Effort)):
            levels = ", ".join(map(repr, get_args(Effort)))
            raise UsageError(f"PydanticAIModel(thinking={thinking!r}): write True, False, or one of {levels}")
        if grammar not in (None, "json_schema"):
            raise UsageError(f'PydanticAIModel(grammar={grammar!r}): write "json_schema", or leave it out')
        self._name = model if isinstance(model, str) else ""
        self._thinking = thinking
        self._cache = cache
        self._grammar = grammar
        self._prices = prices
        self._takes = None if takes is None else media_types("PydanticAIModel", takes)
        self.retry = retry
        self._settings = _checked(settings)
        self._ends = Ends(ENDS, ends)
        self._refused: set[str] = set()  # settings that the provider turned out to refuse
        self._connections: Connections = LentConnections(model) if not self._name else OwnConnections(self._made)
        self._by = object()

    # ------------------------------------------------------------------------------------------- what is said of it

    @property
    def name(self) -> str:
        """Return the provider's and the model's name, as in `anthropic:claude-opus-5-5`."""
        return self._name or f"{self._given.system}:{self._given.model_name}"

    @property
    def account(self) -> object:
        """Return what is equal for models that ask the same provider with the same key; no key stands in it."""
        provider, found = self._provider, self._keys()
        if not self._name and not found:
            return getattr(self._given, "provider", None) or self._given
        address = _address(self._given) if not self._name else os.environ.get(self._server, "")
        return sha256("\0".join([provider, address, *found]).encode()).hexdigest()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no text of a run may show."""
        return self._keys()

    @property
    def prices(self) -> Prices | None:
        """Return what it costs: as the user said, else as pydantic's list of prices has it; None if nobody knows.

        Raises:
            AttributeError: the list is not installed, so that it is not known whether anybody knows.
        """
        if self._prices is not None:
            return self._prices
        provider, _, model = self.name.partition(":")
        try:
            return prices_of(provider, model)
        except ImportError as error:
            raise AttributeError("prices") from error

    @property
    def takes(self) -> tuple[str, ...]:
        """Return the media types of files that it reads: as the user said, else as its provider says of such a name."""
        return taken_by(*self.name.split(":", 1)) if self._takes is None else self._takes

    @property
    def constrains(self) -> bool:
        """Tell whether the provider is told what a plan may be."""
        return self._grammar is not None

    @property
    def writes(self) -> Literal["python", "json"]:
        """Name the syntax of plans that are constrained."""
        return "python" if self._grammar is None else "json"

    def check_setup(self) -> None:
        """Make sure that the extra, the provider's SDK and a key are there, and that the key is sent in no open text.

        Raises:
            ModelSetupError: one is missing, or too old; the message says what to install or to set.
        """
        self._connections.prepare()
        models = importlib.import_module("pydantic_ai.models")  # it is there by now
        if not hasattr(models.Model, "unsupported_settings"):
            raise ModelSetupError(
                f"The model {self.name} needs a later pydantic-ai: pip install -U 'superscalar[models]'"
            )

    async def aclose(self) -> None:
        """Close this event loop's connections. The model may be used again: it opens new ones."""
        await self._connections.aclose()

    # ----------------------------------------------------------------------------------------------------- a reply

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the reply as it is written. Closing the iterator closes the HTTP response.

        Raises:
            ModelError: the provider refused, failed or was cut; `retryable` and `retry_after` (seconds) say what to do.
            ModelSetupError: something is missing, or the key is wrong.
        """
        self.check_setup()
        async with self._connections.open() as model:
            while True:
                reply = PartsReply(self._by, request.stop, self._ends, self._price)
                settings = self._settings_for(request, model)
                dispensable = self._dispensable(settings, request, model)  # now: another call may be refused meanwhile
                try:
                    async with aclosing(self._chunks(reply, request, model, settings)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                except RefusedError as refused:
                    raise ModelError(f"{self.name}: the model refused: {self._shown(str(refused))}") from None
                except Exception as error:
                    refused_name = "" if reply.begun else refused_setting(error, dispensable)
                    found = model_error(error, self.name, self._key_place, self._shown)
                    if not refused_name:
                        raise found from error
                    self._refused.add(refused_name)
                    _LOG.warning("%s\nFrom now on it is asked without %s.", found, _DISPENSABLE[refused_name])
                else:
                    return

    async def _chunks(
        self, reply: PartsReply, request: Request, model: Any, settings: Mapping[str, Any]
    ) -> AsyncGenerator[Chunk, None]:
        direct = importlib.import_module("pydantic_ai.direct")
        breaks = self._cache and "cache" in settings and bool(_profile(model).get("supports_cache", False))
        asked: AbstractAsyncContextManager[Any] = direct.model_request_stream(
            model,
            turns(request.messages, self._by, breaks=breaks),
            model_settings=settings,
            model_request_parameters=(_calling(request.tools) if request.tools else self._parameters(request.grammar)),
            instrument=False,
        )
        async with asked as response:
            events = aiter(response)
            try:
                async for event in events:
                    for chunk in reply.take(event):
                        yield chunk
                    if reply.over:
                        break
            finally:
                await _break_off(events)
            for chunk in reply.finish(response.get()):
                yield chunk

    def _settings_for(self, request: Request, model: Any) -> dict[str, Any]:
        """The settings of one request: ours, without what the provider refuses, and the user's in their place."""
        profile = _profile(model)
        room = self._room(profile)
        most = request.max_tokens + (0 if "max_tokens" in self._refused else room)
        ours: dict[str, Any] = {"max_tokens": most, "framing_announcement": "never"}
        if not room and not any(said and "disallows_sampling" in name for name, said in profile.items()):
            ours["temperature"] = request.temperature  # who thinks mostly refuses it
            if request.seed is not None:
                ours["seed"] = request.seed
        if self._thinking is not None:
            ours["thinking"] = self._thinking
        if self._cache:  # a conversation is only worth keeping where it may go on
            ours["cache"] = True if steady_in(request.messages) else {"messages": False}
        refused = self._refused - {"max_tokens"}
        settings = {name: said for name, said in ours.items() if name not in refused} | self._own(model)
        once = {"max_retries": 0}
        return {name: said for name, said in (settings | once).items() if name not in model.unsupported_settings}

    def _room(self, profile: Mapping[str, Any]) -> int:
        """How many tokens a model has for what it thinks, above those for what it says; 0 if it does not think."""
        if self._thinking:
            return _ROOM[self._thinking]
        by_default = self._thinking is None and profile.get("thinking_enabled_by_default", False)
        return _ROOM_UNASKED if by_default or profile.get("thinking_always_enabled", False) else 0

    def _own(self, model: Any) -> dict[str, Any]:
        """The settings that are the user's: those of a model object, and those that were given here."""
        of_object = (getattr(model, "settings", None) or {}) if not self._name else {}
        return {**of_object, **self._settings}

    def _dispensable(self, settings: Mapping[str, Any], request: Request, model: Any) -> list[str]:
        """What of a request the provider may be asked without, if it refuses it: what the user did not ask for."""
        held = self._grammar is not None and request.grammar is not None
        sent = {*settings, "grammar"} if held else {*settings}
        if settings.get("max_tokens") == request.max_tokens:
            sent.discard("max_tokens")
        return [name for name in _DISPENSABLE if name in sent - self._own(model).keys() - self._refused]

    def _parameters(self, grammar: Grammar | None) -> Any:
        """What else is asked of the provider: structured output, if that is how plans are constrained."""
        if self._grammar is None or grammar is None or "grammar" in self._refused:
            return None
        models, output = importlib.import_module("pydantic_ai.models"), importlib.import_module("pydantic_ai.output")
        name = "plan" if grammar.gbnf else "reply"
        shape = output.OutputObjectDefinition(json_schema=_one_type_each(grammar.json_schema), name=name)
        return models.ModelRequestParameters(output_mode="native", output_object=shape, allow_text_output=False)

    def _price(self, response: Any, usage: Usage) -> float:
        """What a reply costs: as the user said, else as the list says of its very model, else of the one asked for."""
        if self._prices is not None:
            return self._prices.of(usage)
        try:
            return float(response.cost().total_price)
        except (LookupError, ValueError, AssertionError):
            listed: Prices | None = getattr(self, "prices", None)
            return 0.0 if listed is None else listed.of(usage)

    # ------------------------------------------------------------------------------------------------- its provider

    @property
    def _given(self) -> Any:
        """The model object that the user gave."""
        return cast("LentConnections", self._connections).model

    @property
    def _provider(self) -> str:
        return self._name.partition(":")[0] if self._name else str(self._given.system)

    @property
    def _server(self) -> str:
        """The variable that has the provider's address; empty if none has."""
        known = provider_of(self._provider)
        return "" if known is None else known.server

    @property
    def _key_place(self) -> str:
        """Where the key is looked for, as the end of a sentence."""
        known = provider_of(self._provider) if self._name else None
        return f" in {' or '.join(known.keys)}" if known is not None and known.keys else ""

    def _keys(self) -> tuple[str, ...]:
        """The keys that are there by now: those of the environment, and that of an object's client."""
        known = provider_of(self._provider)
        names = known.secrets if known is not None and self._name else ()
        found = [os.environ.get(name, "") for name in names] + ([] if self._name else list(_keys_in(self._given)))
        return tuple(dict.fromkeys(key for key in found if len(key) >= _SHORTEST))

    def _made(self) -> Any:
        """A model of pydantic-ai for one event loop.

        Raises:
            ModelSetupError: the extra, the SDK or the key is missing, or the key would be sent in the open.
        """
        known = provider_of(self._provider)
        install = "pip install 'superscalar[models]'" if known is None else known.install
        try:
            infer = importlib.import_module("pydantic_ai.models").infer_model
        except ImportError as error:
            raise ModelSetupError(f"The model {self.name} needs the models extra: {install} ({error})") from error
        try:
            model = listening_on(asking_once(infer(self._name)))
        except ImportError as error:
            raise ModelSetupError(f"The model {self.name} needs its provider's SDK: {install} ({error})") from error
        except Exception as error:
            if known is not None and known.found().setup == "not set":
                raise ModelSetupError(
                    f"The model {self.name} needs {known.wanted}: set it in the environment."
                ) from error
            raise ModelSetupError(f"{self.name}: {self._shown(str(error))}") from error
        if self._grammar is not None and not _profile(model).get("supports_json_schema_output", False):
            raise ModelSetupError(
                f"The model {self.name} has no structured output, as far as pydantic-ai knows; leave out grammar=."
            )
        address = _address(model)
        if address and in_the_open(address) and self._keys():
            raise ModelSetupError(
                f"The model {self.name} at {place(address)}: the key would be sent unencrypted over the network; use "
                "https://, or a tunnel to this machine, or give a Model object of pydantic-ai with that address."
            )
        return model

    def _shown(self, text: str) -> str:
        return said_by_server(Scrubber(self.secrets).without(text), self.secrets)


def _checked(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings that a user gave.

    Raises:
        UsageError: they are none, or are not the user's to give.
    """
    if settings is not None and not (isinstance(settings, Mapping) and all(isinstance(n, str) for n in settings)):
        raise UsageError(
            f'PydanticAIModel(settings={settings!r}): write a dictionary, such as settings={{"top_p": 0.9}}'
        )
    if ours := sorted(_OWN & set(settings or ())):
        advice = "say it with retry=Retry(...)" if ours[0] == "max_retries" else "leave it out"
        raise UsageError(f"PydanticAIModel(settings={{{ours[0]!r}: ...}}): that is not to be changed; {advice}")
    return dict(settings or {})


def _one_type_each(schema: Any) -> Any:
    """A schema that says of each value one type, or says `anyOf`: Anthropic's SDK knows no lists of types."""
    if isinstance(schema, list):
        return [_one_type_each(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _one_type_each(each) for name, each in schema.items()}
    if isinstance(types := schema.get("type"), list) and set(found) <= {"type", "description"}:
        del found["type"]
        found["anyOf"] = [{"type": each} for each in types]
    return found


async def _break_off(events: AsyncIterator[Any]) -> None:
    """End a stream that is not wanted any more; nothing happens where it has ended.

    By a cancellation where it waits for more: closed from outside, some SDKs leave what they read from half open.
    """
    with suppress(Exception):
        async with asyncio.timeout(_UNTIL_IT_WAITS):
            async for _ in events:
                pass


def _profile(model: Any) -> Mapping[str, Any]:
    """What a model can do, as far as pydantic-ai knows; nothing is known of one that hands requests to others."""
    try:
        profile: Mapping[str, Any] = model.profile
    except NotImplementedError:
        return MappingProxyType({})
    return profile


def _calling(tools: Iterable[Mapping[str, Any]]) -> Any:
    """What tells the provider of tools that may be called, or left alone."""
    models, described = importlib.import_module("pydantic_ai.models"), importlib.import_module("pydantic_ai.tools")
    functions = [tool["function"] for tool in tools]
    return models.ModelRequestParameters(
        function_tools=[
            described.ToolDefinition(
                name=one["name"], description=one["description"], parameters_json_schema=dict(one["parameters"])
            )
            for one in functions
        ]
    )


def _address(model: Any) -> str:
    """Where a model's provider is asked; empty where that is not said."""
    try:
        return str(model.provider.base_url)
    except Exception:  # noqa: BLE001 -- no provider, or one whose client does not say
        return ""


_KEYS: Final = ("api_key", "auth_token", "_api_client.api_key", "sdk_configuration.security.api_key")


def _keys_in(model: Any) -> tuple[str, ...]:
    """The keys that a model object's client holds, and those of the models that it hands requests to."""
    inner = [getattr(model, "wrapped", None), *(getattr(model, "models", None) or ())]
    found = [key for one in inner if one is not None for key in _keys_in(one)]
    try:
        client = model.provider.client
    except Exception:  # noqa: BLE001 -- no provider, or one without a client
        return tuple(found)
    for path in _KEYS:
        value = client
        for name in path.split("."):
            value = getattr(value, name, None)
        if isinstance(value, str) and len(value) >= _SHORTEST:
            found.append(value)
    return tuple(found)
