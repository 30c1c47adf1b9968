"""A model of each provider that is tried, by its name and the environment alone where the SDK reads an address."""

from __future__ import annotations

import pytest

from superscalar.cli.trying import ModelTried, hint_of, try_model
from superscalar.models import resolve
from superscalar.models.providers import provider_of
from support.wires import WIRES
from support.wires.player import playing, run
from support.wires.said import Counted, Refused, Said, Turn, Wire, told

pytest.importorskip("anthropic", reason="needs the SDKs of providers: `make models` has them")

WRITTEN = Said(told("a = double(21)\njoin(a)\n"), counted=Counted(read=1200, cached=1000, written=9))


def tried(wire: Wire, turn: Turn) -> ModelTried:
    async def test() -> ModelTried:
        async with playing(wire, turn) as server:
            return await try_model(wire.model(server.url), 30.0)

    return run(test)


@pytest.mark.parametrize("wire", WIRES, ids=repr)
def test_one_that_writes_the_plan_works(wire: Wire) -> None:
    found = tried(wire, WRITTEN)
    assert found.error is None
    assert found.plan == "a = double(number=21)\njoin(a)"
    assert (found.usage.input_tokens, found.usage.output_tokens) == (1200, 9)
    assert found.first is not None


@pytest.mark.parametrize("wire", WIRES, ids=repr)
def test_one_that_is_busy_is_not_waited_for(wire: Wire) -> None:
    found = tried(wire, Refused("busy", after=600))
    assert found.error is not None
    assert found.whole < 5


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire.full_name], ids=repr)
def test_a_name_and_the_environment_are_enough_and_a_wrong_key_is_said_without_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(turn: Turn) -> ModelTried:
        async with playing(wire, turn) as played:
            for name, value in wire.environment.items():
                monkeypatch.setenv(name, value.format(url=played.url))
            return await try_model(resolve(wire.full_name), 30.0)

    found = run(lambda: asked(WRITTEN))
    assert (found.model, found.error) == (wire.full_name, None)
    wrong = run(lambda: asked(Refused("wrong key")))
    provider = provider_of(wire.full_name.partition(":")[0])
    assert wrong.error is not None
    assert provider is not None
    said = f"{wrong.error} {hint_of(wrong)}"
    assert any(name in said for name in provider.credentials)
    assert not any(key in said for name, key in wire.environment.items() if name in provider.secrets)
