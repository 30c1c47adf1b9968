"""The daily brief, saved and approved: run by the command line, as a tool of another plan, and as a function."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.portfolio import daily
from examples.portfolio.prices import Close
from examples.portfolio.provider import Provider
from typer.testing import CliRunner

from superscalar import LLMCompiler
from superscalar.cli.app import app
from superscalar.testing import run

PRICES = {"IBM": (Close("2022-06-28", 2.0),), "AAPL": (Close("2022-06-28", 3.0),)}
BRIEF = {"positions": {"IBM": 80.0, "AAPL": 165.0}, "total": 245.0}


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LLMCompiler]:
    """That of the example, with its plans in a folder that nobody else may write, whatever clone this is."""
    plans = shutil.copytree(daily.agent.plans.path, tmp_path / "plans")
    for path in (plans, *plans.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with Provider(PRICES, delay=lambda: None) as provider:
        monkeypatch.setenv("PORTFOLIO_URL", provider.url)
        yield daily.agent.with_options(plans=plans)


def test_the_saved_brief_is_approved_and_fits_its_tools(agent: LLMCompiler) -> None:
    assert [(one.name, one.why_not()) for one in agent.plans.list()] == [("brief", [])]


def test_it_runs_without_a_model_from_the_command_line(agent: LLMCompiler) -> None:
    where = ("--agent", "examples.portfolio.daily:agent", "--plans", str(agent.plans.path))
    said = CliRunner().invoke(app, ["plans", "run", "brief", *where, "--input", 'tickers=["IBM","AAPL"]', "-q"])
    assert (said.exit_code, json.loads(said.stdout)) == (0, BRIEF)


def test_it_is_a_function_and_a_tool_of_another_plan(agent: LLMCompiler) -> None:
    async def main() -> tuple[object, object]:
        brief = agent.plans.function("brief")
        plan = "totals = [brief([t])['total'] for t in ['IBM', 'AAPL']]\njoin(max(totals))"
        return await brief(tickers=["IBM", "AAPL"]), (await agent.execute(plan)).joined

    assert run(main(), wait_for_threads=True) == (BRIEF, 165.0)
