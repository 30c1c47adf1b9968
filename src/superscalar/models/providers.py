"""Who answers under which prefix of a model's name, what that needs on this machine, and what of it is here.

Looked up without importing any of it: a package by its version, a key by its variable.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from superscalar.hosts import is_this_machine

Setup: TypeAlias = Literal["ready", "not installed", "not set", "not known"]
"""Whether models of a provider can be asked here. "not set": a variable is missing. "not known": none is set, and the
provider may find its credentials elsewhere.
"""

_OURS: Final = "superscalar"
_SLIM: Final = "pydantic-ai-slim"
_GATEWAY: Final = "gateway/"


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """Who answers for models that are called `prefix:NAME`.

    `package`: what speaks to it, as a package registry calls it; `extra` installs it, and is one of `by`. `keys`: the
    variables that may hold its key; one is enough, and the first wins. `instead`: those that may say where credentials
    are. `needs`: what must be set besides, each with an example. `hidden`: more variables with something secret.
    `server`: the variable with its address, if it is another one. `elsewhere`: where credentials may come from where no
    variable has them.
    """

    prefix: str
    title: str
    package: str
    extra: str
    keys: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    server: str = ""
    elsewhere: str = ""
    by: str = _SLIM

    @property
    def packages(self) -> tuple[str, ...]:
        """Name what must be installed."""
        return (_SLIM, self.package) if self.by == _SLIM else (self.package,)

    @property
    def install(self) -> str:
        """Return the command that installs it."""
        own = "'superscalar[models]' " if self.by == _SLIM else ""
        return f"pip install {own}'{self.by}[{self.extra}]'"

    @property
    def credentials(self) -> tuple[str, ...]:
        """Name the variables of which one is enough."""
        return self.keys + self.instead

    @property
    def secrets(self) -> tuple[str, ...]:
        """Name the variables whose values no text may show."""
        return self.keys + self.hidden

    @property
    def wanted(self) -> str:
        """Name the variables that must be set; empty if none must."""
        alternatives = " or ".join(self.credentials)
        return ", ".join(filter(None, (alternatives, *(f"{name} ({such})" for name, such in self.needs.items()))))

    def found(self, environ: Mapping[str, str] = os.environ) -> ProviderFound:
        """Look at what of it is here."""
        key = next((name for name in self.credentials if environ.get(name)), "")
        return ProviderFound(
            provider=self,
            versions={name: _version_of(name) for name in self.packages},
            key=key,
            lacks=tuple(name for name in self.needs if not environ.get(name)),
            address=environ.get(self.server, ""),
        )


@dataclass(frozen=True, slots=True)
class ProviderFound:
    """What of a provider is on this machine.

    `versions`: those of its packages, None where one is not installed. `key`: the variable that has its key, or says
    where one is; empty if none does. `lacks`: what else must be set, and is not. `address`: its server, where the
    environment names one.
    """

    provider: ModelProvider
    versions: Mapping[str, str | None]
    key: str
    lacks: tuple[str, ...]
    address: str = ""

    @property
    def setup(self) -> Setup:
        """Say whether its models can be asked."""
        if None in self.versions.values():
            return "not installed"
        if self.lacks:
            return "not set"
        if self.key or not (self.provider.credentials or self.provider.elsewhere) or self._is_own_server:
            return "ready"
        return "not known" if self.provider.elsewhere else "not set"

    @property
    def _is_own_server(self) -> bool:
        """Whether it is on this machine, where we want no key of a server that speaks as OpenAI does."""
        return self.provider.by == _OURS and is_this_machine(urlsplit(self.address).hostname or "")


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _compatible(prefix: str, title: str, *keys: str, **more: Any) -> ModelProvider:
    """One that speaks OpenAI's protocol, by its SDK."""
    return ModelProvider(prefix, title, "openai", "openai", keys, **more)


LOCAL: Final = ModelProvider("local", "the embedded model, in this process", "xllamacpp", "local", by=_OURS)
_AWS: Final[Mapping[str, Any]] = {
    "keys": ("AWS_BEARER_TOKEN_BEDROCK", "AWS_SECRET_ACCESS_KEY"),
    "instead": ("AWS_PROFILE",),
    "hidden": ("AWS_SESSION_TOKEN",),
    "elsewhere": "what `aws configure` wrote, or the machine's role",
}

PROVIDERS: Final[Mapping[str, ModelProvider]] = {
    each.prefix: each
    for each in (
        _compatible(
            "openai", "OpenAI, and servers that speak as it does", "OPENAI_API_KEY", server="OPENAI_BASE_URL", by=_OURS
        ),
        LOCAL,
        ModelProvider(
            "anthropic", "Anthropic", "anthropic", "anthropic", ("ANTHROPIC_API_KEY",), server="ANTHROPIC_BASE_URL"
        ),
        ModelProvider("google", "Google Gemini", "google-genai", "google", ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
        ModelProvider(
            "google-cloud",
            "Google Cloud (Vertex AI)",
            "google-genai",
            "google",
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            instead=("GOOGLE_APPLICATION_CREDENTIALS",),
            elsewhere="what `gcloud auth application-default login` wrote",
        ),
        ModelProvider("bedrock", "Amazon Bedrock, in AWS_DEFAULT_REGION", "boto3", "bedrock", **_AWS),
        ModelProvider(
            "bedrock-mantle",
            "OpenAI's models on Amazon Bedrock",
            "openai",
            "bedrock-mantle",
            needs={"AWS_DEFAULT_REGION": "us-east-1"},
            **_AWS,
        ),
        _compatible(
            "azure",
            "Azure OpenAI",
            "AZURE_OPENAI_API_KEY",
            needs={"AZURE_OPENAI_ENDPOINT": "https://NAME.openai.azure.com/openai/v1"},
        ),
        _compatible(
            "azure-responses",
            "Azure OpenAI, its Responses API",
            "AZURE_OPENAI_API_KEY",
            needs={"AZURE_OPENAI_ENDPOINT": "https://NAME.openai.azure.com/openai/v1"},
        ),
        ModelProvider("groq", "Groq", "groq", "groq", ("GROQ_API_KEY",), server="GROQ_BASE_URL"),
        ModelProvider("mistral", "Mistral", "mistralai", "mistral", ("MISTRAL_API_KEY",)),
        _compatible(
            "ollama",
            "Ollama",
            needs={"OLLAMA_BASE_URL": "http://localhost:11434/v1"},
            hidden=("OLLAMA_API_KEY",),
            server="OLLAMA_BASE_URL",
        ),
        _compatible("openrouter", "OpenRouter", "OPENROUTER_API_KEY"),
        _compatible("alibaba", "Alibaba Cloud (Qwen)", "ALIBABA_API_KEY", "DASHSCOPE_API_KEY"),
        _compatible("cerebras", "Cerebras", "CEREBRAS_API_KEY"),
        ModelProvider("cohere", "Cohere", "cohere", "cohere", ("CO_API_KEY",), server="CO_BASE_URL"),
        _compatible("crusoe", "Crusoe", "CRUSOE_API_KEY"),
        _compatible("deepseek", "DeepSeek", "DEEPSEEK_API_KEY"),
        _compatible("fireworks", "Fireworks", "FIREWORKS_API_KEY"),
        _compatible(
            "github-copilot",
            "GitHub Copilot",
            "GITHUB_COPILOT_API_KEY",
            "GITHUB_COPILOT_API_TOKEN",
            "COPILOT_GITHUB_TOKEN",
            server="GITHUB_COPILOT_BASE_URL",
        ),
        _compatible("heroku", "Heroku", "HEROKU_INFERENCE_KEY", server="HEROKU_INFERENCE_URL"),
        ModelProvider("huggingface", "Hugging Face", "huggingface-hub", "huggingface", ("HF_TOKEN",)),
        _compatible("meta", "Meta", "META_API_KEY"),
        _compatible("moonshotai", "Moonshot AI (Kimi)", "MOONSHOTAI_API_KEY", server="MOONSHOTAI_BASE_URL"),
        _compatible("nebius", "Nebius", "NEBIUS_API_KEY"),
        _compatible(
            "openai-chat", "OpenAI's chat completions, by pydantic-ai", "OPENAI_API_KEY", server="OPENAI_BASE_URL"
        ),
        _compatible("openai-responses", "OpenAI's Responses API", "OPENAI_API_KEY", server="OPENAI_BASE_URL"),
        _compatible("openai-codex", "OpenAI, with a Codex login", elsewhere="what `codex login` wrote"),
        _compatible("ovhcloud", "OVHcloud", "OVHCLOUD_API_KEY"),
        _compatible("sambanova", "SambaNova", "SAMBANOVA_API_KEY", server="SAMBANOVA_BASE_URL"),
        ModelProvider(
            "snowflake",
            "Snowflake Cortex",
            "openai",
            "snowflake",
            ("SNOWFLAKE_TOKEN",),
            needs={"SNOWFLAKE_ACCOUNT": "ORG-ACCOUNT"},
        ),
        _compatible("together", "Together AI", "TOGETHER_API_KEY"),
        _compatible("vercel", "Vercel AI Gateway", "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        _compatible(
            "vllm",
            "vLLM",
            needs={"VLLM_BASE_URL": "http://localhost:8000/v1"},
            hidden=("VLLM_API_KEY",),
            server="VLLM_BASE_URL",
        ),
        ModelProvider("xai", "xAI", "xai-sdk", "xai", ("XAI_API_KEY",)),
        _compatible("zai", "Z.ai (GLM)", "ZAI_API_KEY"),
    )
}
"""All that there are, by prefix."""

_BEHIND_GATEWAY: Final = ("anthropic", "bedrock", "google", "google-cloud", "groq", "openai-chat", "openai-responses")
# What people call them, and how names of models begin that are written without a prefix.
_ALSO: Final[Mapping[str, str]] = {
    "aws": "bedrock",
    "azure-openai": "azure",
    "claude": "anthropic",
    "codestral": "mistral",
    "gemini": "google",
    "glm": "zai",
    "google-gla": "google",
    "google-genai": "google",
    "google-vertex": "google-cloud",
    "gpt": "openai",
    "grok": "xai",
    "kimi": "moonshotai",
    "lmstudio": "openai",
    "llama.cpp": "openai",
    "llamacpp": "openai",
    "magistral": "mistral",
    "ministral": "mistral",
    "moonshot": "moonshotai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "vertex": "google-cloud",
    "vertexai": "google-cloud",
}


def provider_of(prefix: str) -> ModelProvider | None:
    """Return who answers for models of that prefix; `gateway/PREFIX` is that provider behind pydantic's gateway."""
    if not prefix.startswith(_GATEWAY):
        return PROVIDERS.get(prefix)
    behind = prefix.removeprefix(_GATEWAY)
    behind = "openai-responses" if behind == "openai" else behind
    if behind not in _BEHIND_GATEWAY:
        return None
    one = PROVIDERS[behind]
    title = f"{one.title}, behind the gateway of Pydantic AI"
    keys = ("PYDANTIC_AI_GATEWAY_API_KEY", "PAIG_API_KEY")
    return ModelProvider(prefix, title, one.package, one.extra, keys, server="PYDANTIC_AI_GATEWAY_BASE_URL")


def nearest_names(name: str) -> Iterator[str]:
    """What somebody may have meant by a name of a model that is none, the most likely first."""
    prefix, colon, rest = name.partition(":")
    asked = (prefix if colon else name).strip().lower()
    gateway = _GATEWAY if asked.startswith(_GATEWAY) else ""
    words = [*_BEHIND_GATEWAY] if gateway else [*PROVIDERS, *_ALSO]
    asked = asked.removeprefix(gateway)
    close = [asked] if asked in words else difflib.get_close_matches(asked, words, n=3, cutoff=0.7)
    begun = [word for word in words if not colon and asked != word and re.match(rf"{re.escape(word)}(?![a-z])", asked)]
    for prefix in dict.fromkeys(_ALSO.get(word, word) for word in (*begun[-1:], *close)):
        if prefix == LOCAL.prefix:
            yield prefix
        else:
            yield f"{gateway}{prefix}:{rest or (name if begun else 'NAME')}"


def known_names(prefix: str) -> list[str]:
    """Return the names of models with that prefix that pydantic-ai knows, where it is installed; there are more."""
    try:
        models = importlib.import_module("pydantic_ai.models")
    except ImportError:
        return []
    known = getattr(models.KnownModelName, "__value__", models.KnownModelName)
    return [name for name in get_args(known) if name.startswith(f"{prefix}:")]
