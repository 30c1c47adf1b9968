"""From names to models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from superscalar import LLMCompiler
from superscalar.errors import ModelSetupError, UsageError
from superscalar.models import LocalModel, OpenAIModel, resolve
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


@pytest.mark.parametrize("name", ["gpt-5", "openai:", "openai", "local:", "anthropic:x", ""])
def test_other_names_are_told_the_forms(name: str) -> None:
    """The message lists what there is, as it is to be written."""
    with pytest.raises(UsageError) as raised:
        resolve(name)
    for form in ('"openai:gpt-5-mini"', '"local"', '"local:/path/file.gguf"'):
        assert form in str(raised.value)


def test_a_server_address_goes_with_a_remote_name() -> None:
    """An address that would be ignored is refused."""
    with pytest.raises(UsageError, match="leave it out"):
        resolve("local", base_url="http://127.0.0.1:1/v1")
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
