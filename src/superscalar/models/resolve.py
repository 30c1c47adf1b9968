"""From what a user writes to a model."""

from __future__ import annotations

from superscalar.errors import UsageError
from superscalar.forks import MAKING
from superscalar.models.base import ChatModel


def resolve(model: str | ChatModel, *, base_url: str | None = None) -> ChatModel:
    """Return the model that `model` names: `"openai:NAME"`, `"local"` or `"local:/path/file.gguf"`.

    `base_url` is the server for `openai:`. A model object is returned as it is.

    Raises:
        UsageError: the name has no such form; the message shows the forms.
    """
    if not isinstance(model, str):
        if base_url is not None:
            raise UsageError(
                "A base_url goes with a name: resolve('openai:NAME', base_url=...), not with a model object."
            )
        return model
    kind, colon, rest = model.partition(":")
    if kind == "openai" and rest:
        with MAKING:
            from superscalar.models.openai import OpenAIModel  # here: an adapter costs its users only

        return OpenAIModel(rest, base_url=base_url)
    if kind == "local" and (rest or not colon):
        if base_url is not None:
            raise UsageError(f"The model {model!r} runs in this process and has no base_url; leave it out.")
        with MAKING:
            from superscalar.models.local import LocalModel

        return LocalModel(path=rest or None)
    raise UsageError(
        f"There is no model {model!r}. Write one of:\n"
        '  "openai:gpt-5-mini"        OpenAI, or a server that speaks its chat completions with base_url=...\n'
        '  "local"                    the embedded model, in this process\n'
        '  "local:/path/file.gguf"    a model file of your own'
    )
