"""The table of providers says what pydantic-ai says: who there is, and what each needs."""

from __future__ import annotations

import os
from typing import get_args

import pytest

from superscalar.models.providers import PROVIDERS, ModelProvider, provider_of

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

from pydantic_ai import models
from pydantic_ai.exceptions import UserError
from pydantic_ai.providers import infer_provider, infer_provider_class

THEIRS = [each for each in PROVIDERS.values() if each.by != "superscalar"]
NO_CHAT = {"google-decisions", "openai-decisions", "typesafe", "system-one"}  # they decide, and write no plan
NOT_BY_NAME = {"litellm", "openai-chatgpt"}  # they want what no name says
RETIRED = {"github"}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of any provider is set."""
    for name in list(os.environ):
        if name.endswith(("_KEY", "_TOKEN", "_URL", "_ENDPOINT", "_CREDENTIALS")) or name.startswith("AWS_"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("provider", THEIRS, ids=lambda each: each.prefix)
def test_each_prefix_is_one_of_theirs(provider: ModelProvider) -> None:
    if None not in provider.found().versions.values():
        infer_provider_class(provider.prefix)
        return
    with pytest.raises(ImportError) as lacking:
        infer_provider_class(provider.prefix)
    assert f"pydantic-ai-slim[{provider.extra}]" in str(lacking.value)


@pytest.mark.parametrize("provider", THEIRS, ids=lambda each: each.prefix)
def test_what_is_told_to_set_is_enough_and_what_is_not_set_is_missed(
    provider: ModelProvider, bare: pytest.MonkeyPatch
) -> None:
    if provider.found().setup == "not installed":
        pytest.skip(f"needs {provider.install}")
    wanted = [*provider.keys[:1], *provider.needs]
    if wanted and not provider.elsewhere:
        with pytest.raises(UserError) as missed:
            infer_provider(provider.prefix)
        assert any(name in str(missed.value) for name in wanted)
    if provider.elsewhere:
        return
    for key in provider.keys or ("",):
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {key: "k", **provider.needs}.items():
                if name:
                    environment.setenv(name, value)
            assert provider.found().setup == "ready"
            infer_provider(provider.prefix)


def test_none_of_theirs_is_left_out() -> None:
    known = getattr(models.KnownModelName, "__value__", models.KnownModelName)
    compatible = get_args(models.OpenAIChatCompatibleProvider.__value__)
    prefixes = {name.partition(":")[0] for name in get_args(known) if ":" in name} | set(compatible)
    assert {prefix for prefix in prefixes if provider_of(prefix) is None} <= NO_CHAT | NOT_BY_NAME | RETIRED
