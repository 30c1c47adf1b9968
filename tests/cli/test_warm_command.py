"""`superscalar warm`: what it says of what it has read, where there is nothing to do, and where it is stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar.cli.app import app

AGENT = '''
import os, signal, time
from pathlib import Path

from superscalar import LLMCompiler, tool
from superscalar.models import LocalModel
from superscalar.testing import ScriptedModel
from support.played_engine import PlayedEngine

HERE = Path(__file__).parent


class Stopping(PlayedEngine):
    """One that is stopped with Ctrl-C when it has read a prompt and is at the next."""

    def generate(self, body, emit):
        if [what for what, _ in self.did] == ["read", "save"]:
            os.kill(os.getpid(), signal.SIGINT)
        while self.did and not emit({"choices": [], "prompt_progress": {"processed": 1, "total": 2}}):
            time.sleep(0.002)
        super().generate(body, emit)


def model(engine):
    return LocalModel(path=HERE / "model.gguf", states=HERE / "states", load=engine.load)


@tool(effect="read")
def price(ticker: str) -> float:
    """The price of a share."""
    return 1.0


agent = LLMCompiler(model(PlayedEngine()), [price])
mixed = LLMCompiler(model(PlayedEngine()), [price], joiner=ScriptedModel())
elsewhere = LLMCompiler(ScriptedModel(), [price])
stopped = LLMCompiler(model(Stopping()), [price])
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def warm(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["warm", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_what_is_read_is_told_with_what_it_takes(folder: Path) -> None:
    """By role, with how far it is meanwhile; the second time all of it is there."""
    code, out, err = warm("--agent", "agent.py:agent")
    assert code == 0
    planner, joiner, kept = out.splitlines()
    assert planner.startswith(f"planner    local:{folder / 'model.gguf'}: 0.0 MB, read in ")
    assert joiner.startswith(f"joiner     local:{folder / 'model.gguf'}: 0.0 MB, read in ")
    assert kept == f"kept in {folder / 'states'}: 0.0 MB (210 MB at the most, with those of other agents)"
    for said in ("loading the model 100%", "reading the prompt", "keeping what was read 100%"):
        assert said in err
    assert len(list((folder / "states").iterdir())) == 2
    code, out, _ = warm("--agent", "agent.py:agent", "--quiet")
    assert (code, out) == (0, "")
    code, out, _ = warm("--agent", "agent.py:agent")
    assert [line.rpartition(", ")[2] for line in out.splitlines()[:2]] == ["there already"] * 2


def test_what_stands_beside_the_agent_is_read(folder: Path) -> None:
    """What `run` is told beside it is part of the prompts."""
    warm("--agent", "agent.py:agent", "--quiet")
    code, out, _ = warm("--agent", "agent.py:agent", "--instructions", "Be brief.")
    assert (code, "there already" in out) == (0, False)
    assert sum("Be brief." in path.read_text() for path in (folder / "states").iterdir()) == 2


def test_a_document(folder: Path) -> None:
    """Nothing else is on standard output; of a model that is elsewhere it says why nothing is kept."""
    code, out, _ = warm("--agent", "agent.py:mixed", "--json")
    planner, joiner = json.loads(out)["warmed"]
    (file,) = (folder / "states").iterdir()
    assert planner.pop("seconds") >= 0
    assert planner == {
        "role": "planner",
        "model": f"local:{folder / 'model.gguf'}",
        "file": str(file),
        "kept": True,
        "bytes": file.stat().st_size,
        "was_there": False,
        "why": None,
        "error": None,
    }
    assert (code, joiner["kept"], joiner["why"]) == (
        0,
        False,
        "it is not embedded, and what it has read is kept where it runs",
    )


def test_there_is_nothing_to_do(folder: Path) -> None:
    """Of models that are not embedded alone: nobody is asked, and that is no error."""
    code, out, _ = warm("--agent", "agent.py:elsewhere")
    why = "nothing to do: it is not embedded, and what it has read is kept where it runs"
    assert (code, out.splitlines()) == (0, [f"planner    scripted: {why}", f"joiner     scripted: {why}"])


def test_what_cannot_be_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model file where one is named, no folder to keep anything in, or no tools: it is said what to mend."""
    monkeypatch.setenv("SUPERSCALAR_MODEL", str(folder / "none.gguf"))
    code, _, err = warm("--tools", "agent.py:price")
    assert (code, "none.gguf, named by the variable SUPERSCALAR_MODEL, cannot be read" in err) == (2, True)
    (folder / "states").write_text("a file")
    code, _, err = warm("--agent", "agent.py:agent")
    assert (code, "what was read of the prompt cannot be kept" in err) == (2, True)
    code, _, err = warm()
    assert (code, "say where the tools are" in err) == (2, True)


def test_it_is_stopped_with_ctrl_c(folder: Path) -> None:
    """What was kept until then stays, and nothing half done does; it is gone on with."""
    code, out, err = warm("--agent", "agent.py:stopped")
    assert (code, out) == (130, "")
    assert "Stopped. What was kept until then stays; the same command does what is left." in err
    (state,) = (folder / "states").iterdir()
    assert state.suffix == ".state"
    code, out, _ = warm("--agent", "agent.py:agent", "--json")
    assert [one["was_there"] for one in json.loads(out)["warmed"]] == [False, True]
