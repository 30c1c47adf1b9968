"""Which models can be asked here, and one that is tried."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from superscalar.cli import trying
from superscalar.cli.app import app
from superscalar.cli.providers import figures
from superscalar.cli.trying import tried_document, try_model
from superscalar.errors import ModelError, ModelSetupError
from superscalar.models import cache, providers, resolve
from superscalar.models.base import Chunk, Preparation, Prices, Request
from superscalar.testing import ScriptedModel, run
from superscalar.values import Usage

PLAN = "a = double(21)\njoin(a)\n"


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments], env={"COLUMNS": "300"})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One with pydantic-ai and Anthropic's SDK, a key that no text may show, and no embedded model."""
    versions = {"pydantic-ai-slim": "2.68.0", "anthropic": "2.14.0", "boto3": "1.42", "mistralai": "3.1"}

    def version(package: str) -> str:
        if package not in versions:
            raise PackageNotFoundError(package)
        return versions[package]

    for provider in providers.PROVIDERS.values():
        for name in (*provider.credentials, *provider.needs, provider.server):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-hush")
    monkeypatch.setattr(providers, "version", version)
    monkeypatch.setattr(cache, "cached", lambda: None)
    return versions


def test_providers_are_listed_by_what_is_to_be_done(machine: dict[str, str]) -> None:
    shown = command()
    assert shown.exit_code == 0
    assert "hush" not in shown.output
    groups: dict[str, list[str]] = {}
    for line in shown.stdout.splitlines():
        if line.startswith("    "):
            groups[[*groups][-1]].append(line.strip())
        else:
            groups[line] = []
    ready, elsewhere, unset, *lacking = groups
    assert groups[ready] == [
        "anthropic:NAME         Anthropic; pydantic-ai-slim 2.68.0, anthropic 2.14.0; key in ANTHROPIC_API_KEY"
    ]
    assert "credentials may come from elsewhere" in elsewhere
    assert [line.partition(" ")[0] for line in groups[elsewhere]] == ["bedrock:NAME"]
    assert groups[unset] == ["mistral:NAME           Mistral; set MISTRAL_API_KEY"]
    assert "to be installed: pip install 'superscalar[models]' 'pydantic-ai-slim[google]'" in lacking
    assert sum(map(len, groups.values())) == len(providers.PROVIDERS)


def test_the_embedded_model_says_whether_its_file_is_here(
    machine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine["xllamacpp"] = "2026.10"
    assert re.search(r"^    local .*; its file \(1\.1 GB\) is fetched to ", command().stdout, re.MULTILINE)
    monkeypatch.setenv("SUPERSCALAR_MODEL", "/no/such.gguf")
    assert "SUPERSCALAR_MODEL names /no/such.gguf, which is not there" in command().stdout


def test_programs_read_the_same_as_json(machine: dict[str, str]) -> None:
    printed = command("--json").stdout
    assert "hush" not in printed
    found = {each["prefix"]: each for each in json.loads(printed)["providers"]}
    assert [*found] == [*providers.PROVIDERS]
    assert found["anthropic"] == {
        "prefix": "anthropic",
        "title": "Anthropic",
        "setup": "ready",
        "packages": {"pydantic-ai-slim": "2.68.0", "anthropic": "2.14.0"},
        "install": "pip install 'superscalar[models]' 'pydantic-ai-slim[anthropic]'",
        "keys": ["ANTHROPIC_API_KEY"],
        "key": "ANTHROPIC_API_KEY",
        "needs": [],
        "lacks": [],
        "server": "ANTHROPIC_BASE_URL",
        "elsewhere": None,
        "note": None,
    }
    assert (found["ollama"]["setup"], found["ollama"]["lacks"]) == ("not installed", ["OLLAMA_BASE_URL"])


# ------------------------------------------------------------------------------------------------------- trying


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What names of models stand for; others are what they are."""
    known: dict[str, Any] = {}
    room = sys.modules["superscalar.models.resolve"]
    monkeypatch.setattr(room, "resolve", lambda name, base_url=None: known.get(name) or resolve(name))
    monkeypatch.setattr(trying, "known_names", lambda prefix: [f"{prefix}:xy", f"{prefix}:other"])
    return known


class Priced(ScriptedModel):
    """One that loads itself, thinks, and says what it costs."""

    constrains = True
    prices = Prices(1.0, 2.0)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        await asyncio.sleep(10.0)
        yield Chunk(preparing=Preparation("loading", 1.0))
        await asyncio.sleep(1.0)
        yield Chunk(thought="Twice.")
        async for chunk in super().stream(request):
            yield chunk if chunk.usage is None else Chunk(finish="stop", usage=Usage(1_200, 1_000, 9, 1, cost=0.0012))


def test_a_model_that_writes_the_plan_works(models: dict[str, Any]) -> None:
    models["a"] = ScriptedModel(PLAN, name="a")
    shown = command("--try", "a")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[:3] == ["a: works", "    a = double(number=21)", "    join(a)"]
    assert re.fullmatch(r"    first token after \d\.\d\d s, the whole after \d\.\d\d s", lines[3])
    assert re.fullmatch(r"    \d+ tokens read, 4 written", lines[4])
    assert lines[5:] == ["    not held to a grammar: it may write anything"]


def test_what_came_of_it_is_said_in_figures() -> None:
    tried = run(try_model(Priced(PLAN, name="a"), seconds=60.0))
    assert [*figures(tried)] == [
        "first token after 1.00 s, the whole after 1.00 s, after 10.0 s of preparing",
        "1,200 tokens read (1,000 from a cache), 9 written; cost 0.0012",
        "held to a grammar of plans",
    ]
    assert tried_document(tried, "") == {
        "model": "a",
        "works": True,
        "plan": "a = double(number=21)\njoin(a)",
        "constrained": True,
        "preparing": 10.0,
        "first_token": 1.0,
        "whole": 1.0,
        "usage": {name: value for name, value in asdict(tried.usage).items() if name != "cost"},
        "cost": 0.0012,
        "error": None,
    }


def test_a_cost_that_nobody_knows_is_not_said_to_be_nothing() -> None:
    unpriced = ScriptedModel(PLAN)
    unpriced.prices = None  # type: ignore[attr-defined]
    tried = run(try_model(unpriced, seconds=60.0))
    assert tried.cost is None
    assert [*figures(tried)][1].endswith("; its prices are not known")


def test_a_document_says_why_it_does_not_work(models: dict[str, Any]) -> None:
    models["a"] = failing(ModelError("who is that?", status=404))
    shown = command("--try", "a", "--json")
    (tried,) = json.loads(shown.stdout)["tried"]
    assert (shown.exit_code, tried["works"], tried["plan"]) == (1, False, None)
    assert (tried["error"]["type"], tried["error"]["message"]) == ("ModelError", "who is that?")
    assert tried["error"]["hint"] == "There may be no model 'x'; there is anthropic:xy."


def failing(error: Exception, *, name: str = "anthropic:x") -> ScriptedModel:
    return ScriptedModel(error, error, error, PLAN, name=name)


def test_one_whose_credentials_may_be_anywhere_is_said_with_the_places(
    machine: dict[str, str], models: dict[str, Any]
) -> None:
    models["it"] = failing(ModelSetupError("no region"), name="bedrock:x")
    shown = command("--try", "it").stdout.splitlines()
    assert shown[1] == "    error: no region"
    assert re.fullmatch(
        r"    .*AWS_DEFAULT_REGION: it looks in .*AWS_PROFILE and what `aws configure` wrote.*", shown[2]
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (failing(ModelSetupError("the key is missing")), "error: the key is missing"),
        (
            failing(ModelError("come back later", retryable=True, retry_after=60.0, status=429)),
            "error: come back later",
        ),
        (failing(ModelError("who is that?", status=404)), "There may be no model 'x'"),
        (failing(ModelError("no answer", retryable=True), name="ollama:x"), "Is the server at http://h:1/v1 running?"),
        (failing(KeyError("oops")), "error: anthropic:x: KeyError: 'oops'"),
        (ScriptedModel("It is 42."), "error: "),
        (ScriptedModel("join(42)\n"), "error: it wrote a plan that does not call double, the one tool there is"),
        (ScriptedModel("join(\x1b[2Jtriple(21))\n"), "error: "),
    ],
)
def test_one_that_does_not_is_said_with_the_reason_at_once(
    model: ScriptedModel, said: str, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once: whoever tries a model wants to see that it refuses, and no plan that was mended."""
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://me:hush@h:1/v1")
    models["it"] = model
    shown = command("--try", "it")
    assert shown.exit_code == 1
    assert shown.stdout.startswith(f"{model.name}: does not work\n    error: ")
    assert said in shown.stdout
    assert "hush" not in shown.output
    assert "\x1b" not in shown.stdout
    assert len(model.requests) <= 1


def test_a_bug_of_a_model_shows_no_key() -> None:
    model = failing(KeyError("sk-hush-hush-hush"))
    model.secrets = ("sk-hush-hush-hush",)  # type: ignore[attr-defined]
    tried = run(try_model(model, seconds=60.0))
    assert "KeyError" in str(tried.error)
    assert "hush" not in str(tried.error)


def test_how_long_it_takes_begins_when_it_is_prepared() -> None:
    tried = run(try_model(Priced(PLAN, chunk=7, delay=2.0), seconds=60.0))
    assert (tried.preparing, tried.first, tried.whole) == (10.0, 1.0, 9.0)
    assert tried.works


def test_one_that_says_nothing_in_time_does_not_work() -> None:
    tried = run(try_model(ScriptedModel(PLAN, delay=30.0), seconds=20.0))
    assert (tried.first, tried.whole) == (None, 20.0)
    assert not tried.works


def test_all_are_tried_and_one_that_does_not_work_is_enough_to_fail(models: dict[str, Any]) -> None:
    models |= {"a": failing(ModelError("down"), name="a"), "b": ScriptedModel(PLAN, name="b")}
    shown = command("--try", "a", "--try", "b")
    assert (shown.exit_code, re.findall(r"^(\w): (.*)$", shown.stdout, re.MULTILINE)) == (
        1,
        [("a", "does not work"), ("b", "works")],
    )


def test_a_name_that_is_none_is_wrong_usage_and_nobody_is_asked(models: dict[str, Any]) -> None:
    models["a"] = ScriptedModel(PLAN, name="a")
    shown = command("--try", "a", "--try", "antropic:x")
    assert shown.exit_code == 2
    assert "Did you mean 'anthropic:x'?" in shown.stderr
    assert models["a"].requests == []


def test_the_real_names_reach_their_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is said, and neither the network nor the key is needed for that."""
    pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    shown = command("--try", "openai:gpt-5-mini")
    assert shown.exit_code == 1
    assert "OPENAI_API_KEY" in shown.stdout
