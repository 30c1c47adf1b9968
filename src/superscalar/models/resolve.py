"""From what a user writes to a model."""

from __future__ import annotations

from superscalar.errors import UsageError
from superscalar.forks import MAKING
from superscalar.models.base import ChatModel
from superscalar.models.foreign import PydanticModel, is_pydantic_model
from superscalar.models.providers import LOCAL, ModelProvider, nearest_names, provider_of


def resolve(model: str | ChatModel | PydanticModel, *, base_url: str | None = None) -> ChatModel:
    """Return the model that `model` names: `"openai:NAME"`, `"local"`, `"local:/path/file.gguf"`, `"anthropic:NAME"`.

    `superscalar models` lists who else answers. `base_url` is the server for `openai:`. A model object is returned as
    it is, and one of pydantic-ai's is asked by ours. What a model needs, such as a package or a key, may be missing: it
    is needed once the model is asked.

    Raises:
        UsageError: the name has no such form, or nobody is known under its prefix; the message shows what to write.
    """
    if not isinstance(model, str):
        if base_url is not None:
            raise UsageError(
                "A base_url goes with a name: resolve('openai:NAME', base_url=...), not with a model object."
            )
        return _asked_by_ours(model) if is_pydantic_model(model) else model
    kind, colon, rest = model.partition(":")
    provider = provider_of(kind)
    if provider is None or not (rest or (provider is LOCAL and not colon)):
        raise UsageError(_no_model(model))
    if kind == "openai":
        with MAKING:
            from superscalar.models.openai import OpenAIModel  # here: an adapter costs its users only

        return OpenAIModel(rest, base_url=base_url)
    if base_url is not None:
        raise UsageError(
            f"The model {model!r} {_where(provider)}; leave base_url= out. "
            "It is for 'openai:NAME': a server that speaks OpenAI's chat completions."
        )
    if provider is LOCAL:
        with MAKING:
            from superscalar.models.local import LocalModel

        return LocalModel(path=rest or None)
    return _asked_by_ours(model)


def _asked_by_ours(model: str | PydanticModel) -> ChatModel:
    with MAKING:
        from superscalar.models.pydantic import PydanticAIModel

    return PydanticAIModel(model)


def _where(provider: ModelProvider) -> str:
    """What a provider has in the place of a base_url."""
    if provider is LOCAL:
        return "runs in this process and has no base_url"
    if provider.server:
        return f"is asked at the address in the variable {provider.server}"
    return f"is asked at {provider.title}"


def _no_model(name: str) -> str:
    """What to write in the place of a name that is none."""
    meant = " or ".join(map(repr, nearest_names(name)))
    return (
        f"There is no model {name!r}. {f'Did you mean {meant}? ' if meant else ''}Write one of:\n"
        '  "openai:gpt-5-mini"        OpenAI, or a server that speaks its chat completions with base_url=...\n'
        '  "anthropic:NAME"           Anthropic; "google:NAME" and others: `superscalar models` lists them\n'
        '  "local"                    the embedded model, in this process\n'
        '  "local:/path/file.gguf"    a model file of your own'
    )
