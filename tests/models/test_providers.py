"""Who answers for which models, and what of it is on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from superscalar.models import providers
from superscalar.models.providers import PROVIDERS, ModelProvider, ProviderFound, Setup, provider_of

CLOUD = ModelProvider("cloud", "A cloud", "cloud-sdk", "cloud", ("CLOUD_KEY", "OLD_KEY"), needs={"CLOUD_AT": "x"})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The packages that are installed, and no others."""
    versions = {"pydantic-ai-slim": "2.68.0", "cloud-sdk": "1.2"}

    def version(package: str) -> str:
        try:
            return versions[package]
        except KeyError:
            raise PackageNotFoundError(package) from None

    monkeypatch.setattr(providers, "version", version)
    return versions


@pytest.mark.parametrize(
    ("environment", "setup"),
    [
        ({}, "not set"),
        ({"CLOUD_KEY": "k"}, "not set"),
        ({"CLOUD_AT": "x"}, "not set"),
        ({"CLOUD_KEY": "", "OLD_KEY": "", "CLOUD_AT": "x"}, "not set"),
        ({"OLD_KEY": "k", "CLOUD_AT": "x"}, "ready"),
    ],
)
def test_it_is_ready_with_one_of_its_keys_and_all_else_that_it_needs(environment: dict[str, str], setup: Setup) -> None:
    assert CLOUD.found(environment).setup == setup


def test_the_first_of_its_keys_wins() -> None:
    found = CLOUD.found({"OLD_KEY": "b", "CLOUD_KEY": "a", "CLOUD_AT": "x"})
    assert found == ProviderFound(CLOUD, {"pydantic-ai-slim": "2.68.0", "cloud-sdk": "1.2"}, "CLOUD_KEY", ())


@pytest.mark.parametrize("lacking", ["pydantic-ai-slim", "cloud-sdk"])
def test_a_package_that_is_not_installed_is_said_with_the_line_that_installs_it(
    lacking: str, installed: dict[str, str]
) -> None:
    del installed[lacking]
    found = CLOUD.found({"CLOUD_KEY": "k", "CLOUD_AT": "x"})
    assert (found.setup, found.versions[lacking]) == ("not installed", None)
    assert CLOUD.install == "pip install 'superscalar[models]' 'pydantic-ai-slim[cloud]'"


def test_what_we_speak_to_ourselves_needs_no_other_extra_than_its_own(installed: dict[str, str]) -> None:
    installed["openai"] = "3.54.0"
    found = PROVIDERS["openai"].found({"OPENAI_API_KEY": "k"})
    assert (found.setup, found.versions) == ("ready", {"openai": "3.54.0"})
    assert PROVIDERS["openai"].install == "pip install 'superscalar[openai]'"


@pytest.mark.parametrize(
    ("server", "setup"),
    [("http://localhost:8000/v1", "ready"), ("https://models.example.com/v1", "not set"), ("", "not set")],
)
def test_a_server_on_this_machine_needs_no_key(server: str, setup: Setup, installed: dict[str, str]) -> None:
    installed["openai"] = "3.54.0"
    assert PROVIDERS["openai"].found({"OPENAI_BASE_URL": server}).setup == setup


def test_nobody_says_that_a_key_is_missing_which_may_be_elsewhere(installed: dict[str, str]) -> None:
    installed["boto3"] = "1.42"
    bedrock = PROVIDERS["bedrock"]
    assert bedrock.found({}).setup == "not known"
    assert bedrock.found({"AWS_PROFILE": "mine"}).setup == "ready"


def test_a_variable_that_says_where_a_key_is_holds_no_secret() -> None:
    """A profile's name may stand in a text, and what opens the door may not."""
    assert PROVIDERS["bedrock"].secrets == ("AWS_BEARER_TOKEN_BEDROCK", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    assert PROVIDERS["ollama"].secrets == ("OLLAMA_API_KEY",)


def test_a_provider_behind_the_gateway_wants_the_gateways_key() -> None:
    behind = provider_of("gateway/anthropic")
    assert behind is not None
    assert (behind.package, behind.keys[0]) == ("anthropic", "PYDANTIC_AI_GATEWAY_API_KEY")
    assert provider_of("gateway/gateway/anthropic") is None
    assert provider_of("gateway/ollama") is None


def test_both_names_of_googles_key_are_known() -> None:
    assert PROVIDERS["google"].keys == ("GOOGLE_API_KEY", "GEMINI_API_KEY")
