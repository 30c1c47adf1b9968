"""From names to models."""

from __future__ import annotations

import re
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from superscalar import LLMCompiler
from superscalar.errors import ModelSetupError, UsageError
from superscalar.models import LocalModel, OpenAIModel, PydanticAIModel, resolve
from superscalar.testing import ScriptedModel, run


def test_importing_the_room_imports_no_extra() -> None:
    """An extra costs its users what it costs, and others nothing."""
    program = (
        "import sys, superscalar.models\n"
        "assert not {'superscalar.models.local', 'superscalar.models.openai'} & set(sys.modules)\n"
        "from superscalar.models import LocalModel, OpenAIModel\n"
        "print(sorted({'openai', 'xllamacpp', 'huggingface_hub', 'httpx2', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_names_become_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form gives its model, and a model is itself."""
    pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    remote = resolve("openai:ft:gpt-4.1:me", base_url="http://127.0.0.1:1/v1")
    assert isinstance(remote, OpenAIModel)
    assert remote.name == "openai:ft:gpt-4.1:me"
    assert isinstance(resolve("local"), LocalModel)
    assert resolve("local:/a/b.gguf").name == "local:/a/b.gguf"
    assert resolve(remote) is remote
    for name in ("anthropic:claude-sonnet-5-5", "ollama:qwen3:8b", "openai-chat:gpt-5", "gateway/groq:a/b"):
        assert isinstance(resolve(name), PydanticAIModel)
        assert resolve(name).name == name


@pytest.mark.parametrize("name", ["gpt-5", "openai:", "openai", "local:", "anthropic:", "somebody:x", ""])
def test_other_names_are_told_the_forms(name: str) -> None:
    """The message lists what there is, as it is to be written."""
    with pytest.raises(UsageError) as raised:
        resolve(name)
    for form in ('"openai:gpt-5-mini"', '"anthropic:NAME"', '"local"', '"local:/path/file.gguf"'):
        assert form in str(raised.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("antropic:claude-opus-5-5", "anthropic:claude-opus-5-5"),
        ("Anthropic:x", "anthropic:x"),
        ("claude-opus-5-5", "anthropic:claude-opus-5-5"),
        ("gemini:gemini-4-argon", "google:gemini-4-argon"),
        ("mistral-large-latest", "mistral:mistral-large-latest"),
        ("o3-mini", "openai:o3-mini"),
        ("open-router:a/b", "openrouter:a/b"),
        ("anthropic", "anthropic:NAME"),
        ("gateway/antropic:x", "gateway/anthropic:x"),
        ("locl", "local"),
    ],
)
def test_a_typing_error_is_told_what_was_meant_when_the_agent_is_made(written: str, meant: str) -> None:
    """Nobody is asked, and nothing need be installed, to say so."""
    with pytest.raises(UsageError, match=re.escape(f"There is no model {written!r}. Did you mean {meant!r}? ")):
        LLMCompiler(written)


def test_an_agent_is_made_without_the_extra_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application is imported where neither is: what plans of its own need is there."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    before = set(sys.modules)
    agent = LLMCompiler("anthropic:claude-sonnet-5-5", joiner="google:gemini-4-argon", extractor="bedrock:x")
    assert run(agent.execute("join(1)")).joined == 1
    assert not {name for name in sys.modules if name.partition(".")[0] == "pydantic_ai"} - before


def test_a_model_object_of_pydantic_ai_is_asked_by_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known by its class, which is there whenever there is one."""

    class Model:
        model_name, system = "m", "test"

        def request_stream(self) -> None: ...

    stands_in = ModuleType("pydantic_ai.models")
    monkeypatch.setattr(stands_in, "Model", Model, raising=False)
    monkeypatch.setitem(sys.modules, "pydantic_ai.models", stands_in)
    made = resolve(Model())
    assert isinstance(made, PydanticAIModel)
    assert made.name == "test:m"
    assert "test:m" in repr(LLMCompiler(Model()))
    with pytest.raises(UsageError, match="a Model of pydantic-ai"):
        LLMCompiler(Model)  # type: ignore[call-overload]


def test_a_server_address_goes_with_a_remote_name() -> None:
    """An address that would be ignored is refused."""
    with pytest.raises(UsageError, match="has no base_url; leave base_url= out"):
        resolve("local", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(UsageError, match="the variable OLLAMA_BASE_URL; leave base_url= out"):
        resolve("ollama:qwen3", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(UsageError, match="not with a model object"):
        resolve(LocalModel(), base_url="http://127.0.0.1:1/v1")


@pytest.mark.parametrize("place", ["model", "joiner", "extractor"])
def test_a_missing_key_is_said_before_a_run_begins(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent without one can be made, loaded, and execute plans; none of its models waits for its first request."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    planner = ScriptedModel("join(1)\n", "One.")
    named: dict[str, Any] = {"model": planner, place: "openai:gpt-5-mini"}
    agent = LLMCompiler(**named)
    assert run(agent.execute("join(1)")).joined == 1
    with pytest.raises(ModelSetupError, match="OPENAI_API_KEY"):
        run(agent.run("How many?"))
    assert planner.requests == []
