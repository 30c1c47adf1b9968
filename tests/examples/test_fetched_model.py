"""The demo's first run: its model is fetched, and reads at once what is the same for every question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from examples.portfolio import demo, tools

from superscalar import LLMCompiler, ModelSetupError, Toolset
from superscalar.models import LocalModel
from superscalar.testing import ScriptedModel
from support.played_engine import PlayedEngine


@pytest.fixture
def agent(tmp_path: Path) -> LLMCompiler:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    model = LocalModel(path=file, states=tmp_path / "states", load=PlayedEngine().load)
    return LLMCompiler(model, [Toolset.from_module(tools)])


def test_what_is_read_is_told(agent: LLMCompiler, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With where it is, and what it takes."""
    assert demo.fetched(agent) is None
    said = capsys.readouterr().out
    assert said.startswith("The model is fetched (1.1 GB), and reads what is the same for every question: both once.\n")
    assert "What it has read is kept for later runs:\nplanner    local" in said
    assert f"kept in {tmp_path / 'states'}: 0.0 MB" in said
    assert len(list((tmp_path / "states").iterdir())) == 2


@pytest.mark.parametrize("is_here", [True, False])
def test_what_was_read_cannot_be_kept(
    agent: LLMCompiler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_here: bool,
) -> None:
    """A model that is here answers all the same; one that could not be fetched does not."""
    (tmp_path / "states").write_text("a file")
    monkeypatch.setattr(demo, "cached", lambda: tmp_path if is_here else None)
    if is_here:
        assert demo.fetched(agent) is None
        assert capsys.readouterr().err.endswith("\n\n")
    else:
        with pytest.raises(ModelSetupError, match="cannot be kept"):
            demo.fetched(agent)


@pytest.mark.parametrize(
    ("model", "is_here", "fetches"), [("local", False, True), ("local", True, False), ("openai:a", False, False)]
)
def test_only_a_model_that_was_not_here_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str, is_here: bool, fetches: bool
) -> None:
    """Later runs, and other models, are asked as ever."""
    fetched: list[LLMCompiler] = []

    def made(name: str, *arguments: Any) -> LLMCompiler:
        assert name == model
        return LLMCompiler(ScriptedModel("join(1)", "One."), *arguments)

    monkeypatch.setattr(demo, "LLMCompiler", made)
    monkeypatch.setattr(demo, "cached", lambda: tmp_path if is_here else None)
    monkeypatch.setattr(demo, "fetched", fetched.append)
    assert demo.ask(model, "How?", tools).answer == "One."  # type: ignore[union-attr]  # nobody stops it
    assert (len(fetched) == 1) == fetches
