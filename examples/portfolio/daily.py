"""The daily brief without a model: the plan that was saved in `plans`, and that a person approved.

    python -m examples.portfolio.daily [TICKER ...]

Starts the provider and runs the plan as a Python function. With a provider that runs (`PORTFOLIO_URL`) the same is

    superscalar plans run brief --agent examples.portfolio.daily:agent --input tickers='["IBM"]'
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from examples.portfolio import tools
from examples.portfolio.prices import read_prices
from examples.portfolio.provider import Provider
from superscalar import LLMCompiler, Toolset

agent = LLMCompiler(tools=Toolset.from_module(tools), plans=Path(__file__).with_name("plans"))


def main() -> None:
    """Print what each position is worth, and all of them together."""
    brief = agent.plans.function("brief")
    with Provider(read_prices()) as provider:
        os.environ["PORTFOLIO_URL"] = provider.url
        found = asyncio.run(brief(sys.argv[1:] or None))
    for ticker, worth in found["positions"].items():
        print(f"{ticker:<6}{worth:>14,.2f}")
    print(f"{'total':<6}{found['total']:>14,.2f}")


if __name__ == "__main__":
    main()
