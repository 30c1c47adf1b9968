"""The command that writes a first program: `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting

_TOOLS: Final = '''"""What plans may call: a planner sees signatures and docstrings, and nothing else."""

from superscalar import Limit, tool

LIMITS = {"quotes": Limit(concurrency=5, rate=10)}
PRICES = {"IBM": 129.4, "AAPL": 223.0, "MSFT": 28.8}


@tool(effect="read", trust="trusted")
def holdings() -> list[str]:
    """The tickers that I hold."""
    return list(PRICES)


@tool(effect="read", limit="quotes", timeout=10)
async def price(ticker: str) -> float:
    """Latest closing price of a ticker, in USD."""
    return PRICES[ticker]
'''
_AGENT: Final = '''"""The agent: which model plans and answers, with which tools, under which limits and rules."""

import asyncio

from superscalar import LLMCompiler

from tools import LIMITS, holdings, price

agent = LLMCompiler(
    model="local",  # or "openai:gpt-5-mini", with a key in OPENAI_API_KEY
    tools=[holdings, price],
    limits=LIMITS,
    max_tokens=50_000,
)


async def main() -> None:
    """Ask it something."""
    result = await agent.run("Which of my holdings is dearest?")
    print(result.answer)
    print(result.outcomes)  # what every task left behind, failures included


if __name__ == "__main__":
    asyncio.run(main())
'''
_TEST: Final = '''"""The agent without its model: what a plan does, and what is made of it."""

from superscalar.testing import ScriptedModel, run

from agent import agent

PLAN = """
prices = [price(ticker) for ticker in holdings()]
join(prices=prices, dearest=max(prices))
"""


def test_a_plan_is_run_without_any_model() -> None:
    outcomes = run(agent.execute(PLAN))
    assert outcomes.joined == {"prices": [129.4, 223.0, 28.8], "dearest": 223.0}


def test_a_question_is_planned_run_and_answered() -> None:
    scripted = agent.with_options(model=ScriptedModel(PLAN, "AAPL, at 223 USD."))
    result = run(scripted.run("Which of my holdings is dearest?"))
    assert result.answer == "AAPL, at 223 USD."
    assert result.outcomes.joined == {"prices": [129.4, 223.0, 28.8], "dearest": 223.0}
'''
FILES: Final = {"tools.py": _TOOLS, "agent.py": _AGENT, "test_agent.py": _TEST}
"""What is written, by name."""


def begin_program(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to; it is made if it is not there.", show_default=False)
    ] = Path(),
    as_json: options.JsonOption = False,
) -> None:
    """Write a first program: tools, an agent, and a test of it that needs no model. What is there is left as it is.

    Examples:

    `superscalar init quotes && cd quotes && python -m pytest`

    `superscalar run "Which of my holdings is dearest?" --agent agent.py:agent`
    """
    with reporting(as_json):
        from superscalar.advice import typed
        from superscalar.cli.failures import CommandError
        from superscalar.cli.report import print_json
        from superscalar.cli.terminal import safe_line

        paths = [folder / name for name in FILES]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if there := [str(path) for path in paths if path.exists() or path.is_symlink()]:
                raise CommandError(f"{', '.join(there)}: already there, and left alone; name another folder")
            for path, text in zip(paths, FILES.values(), strict=True):
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            raise CommandError(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error
        if as_json:
            print_json({"files": [str(path) for path in paths]})
            return
        typer.echo(safe_line(f"written: {', '.join(map(str, paths))}"), err=True)
        if folder != Path():
            typer.echo(safe_line(typed("cd", str(folder))))
        typer.echo("python -m pytest")
        typer.echo("""superscalar run "Which of my holdings is dearest?" --agent agent.py:agent""")
