"""A run that was stopped is counted alike by who stopped it and by its journal; colours are as the environment says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar import Journal, Limit, LLMCompiler, tool
from superscalar.cli.app import app
from superscalar.cli.session import calls_of
from superscalar.observe.view import RunView
from superscalar.testing import run
from support.folders import standing_in

PLAN = """
prices = [price(n) for n in numbers()]
first = send("begun")
later = send(str(prices))
join(prices, first, later)
"""


@tool(effect="read")
def numbers() -> list[int]:
    """Some."""
    return list(range(20))


@tool(effect="read", limit="quotes")
async def price(n: int) -> float:
    """The third fails, and from the eighth on it takes long."""
    await asyncio.sleep(1 if n < 8 else 100)
    return 1 / (n - 3)


@tool(effect="write", resource="mail")
async def send(text: str) -> str:
    """Takes long."""
    await asyncio.sleep(100)
    return text


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5, 150.0])
def test_who_stops_a_run_and_its_journal_count_its_calls_alike(tmp_path: Path, seconds: float) -> None:
    agent = LLMCompiler(
        tools=[numbers, price, send], limits={"quotes": Limit(concurrency=4)}, journal=tmp_path / "runs.db"
    )
    view = RunView()

    async def stopped() -> None:
        async with agent.stream_plan(PLAN, run_id="r") as running:
            await asyncio.sleep(seconds)
        for event in running.events:
            view.apply(event)

    run(stopped())
    (summary,) = Journal(tmp_path / "runs.db").runs()
    told = {became: summary.calls.get(became, 0) for became in ("done", "failed", "cancelled")}
    assert (told, sum(told.values())) == (calls_of(view), sum(summary.calls.values()))
    assert summary.calls["cancelled"] >= 1


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    tools = "from superscalar import tool\n\n@tool(effect='read')\ndef broken() -> int:\n    raise ValueError('no')\n"
    with standing_in(tmp_path, monkeypatch, {"tools_.py": tools, "plan.txt": "x = broken()\njoin(x)\n"}) as place:
        yield place


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
    ids=str,
)
def test_colours_are_as_the_environment_says(
    place: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(app, ["exec", "plan.txt", "-t", "tools_.py"])
    assert "failed: x  ValueError: no" in told.stderr
    assert bool(re.search(r"\x1b\[[\d;]*3\d", told.stderr)) == coloured  # colours proper: NO_COLOR leaves bold
    assert "\x1b[?" not in told.stderr  # and no picture, where nobody looks
