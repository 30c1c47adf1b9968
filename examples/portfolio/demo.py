"""The daily brief, from question to checked answer.

    python -m examples.portfolio.demo [--model MODEL] [QUESTION]

Starts the provider, asks the question, prints the answer, compares the total in it with the prices file, and says what
the parallel calls took against the same calls one after another and against the best that five at once could do.
Exits with 1 if the total is not in the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping

from examples.portfolio import tools
from examples.portfolio.prices import Prices, read_prices
from examples.portfolio.provider import AT_ONCE, Provider, Stats
from superscalar import LLMCompiler, RunResult, Toolset
from superscalar.events import Event, Failed, Retrying, Started, Succeeded
from superscalar.observe.timing import lower_bound

QUESTION = "What is my portfolio worth in US dollars at the latest prices, in total and for each of its positions?"
PROVIDER_TOOLS = ("price", "history")


def main() -> int:
    """Run the demo; 0 if the total in the answer is right."""
    parser = argparse.ArgumentParser(description="A daily brief of nine holdings at real prices.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--model", default="local", help='"local" or "openai:NAME"')
    options = parser.parse_args()

    prices = read_prices()
    with Provider(prices) as provider:
        os.environ["PORTFOLIO_URL"] = provider.url
        agent = LLMCompiler(options.model, [Toolset.from_module(tools)])
        result = asyncio.run(ask(agent, options.question))
        stats = provider.stats
    return report(result, worth(tools.holdings(), prices), stats)


async def ask(agent: LLMCompiler, question: str) -> RunResult:
    """Ask, and show what happens while it happens."""
    async with agent.stream(question) as run:
        async for event in run:
            show(event)
        return await run.result()


def show(event: Event) -> None:
    """One line for what is worth one."""
    match event:
        case Started(at, id, tool, arguments):
            print(f"{at:9.2f}  {id:24} {tool}({', '.join(map(repr, arguments.values()))})")
        case Succeeded(at, id, value):
            print(f"{at:9.2f}  {id:24} = {str(value)[:60]}")
        case Failed(at, id, failure) | Retrying(at, id, _, failure):
            print(f"{at:9.2f}  {id:24} {failure}")


def report(result: RunResult, expected: float, stats: Stats) -> int:
    """Print the answer, how long it took, and the check; 0 if the check holds."""
    bound = lower_bound(result.events, AT_ONCE, tools=PROVIDER_TOOLS)
    right = states(str(result.answer), expected)
    print(f"\n{result.answer}\n")
    print(f"tool phase           {result.timing.tools:6.2f} s")
    print(f"one after another    {result.timing.one_after_another:6.2f} s")
    print(f"best with {AT_ONCE} at once  {bound:6.2f} s")
    print(f"provider             {json.dumps(vars(stats))}")
    print(f"check                {'ok' if right else 'WRONG'}: the prices file says {expected:,.2f} USD in total")
    return 0 if right else 1


def worth(holdings: Mapping[str, int], prices: Prices) -> float:
    """What the holdings are worth by the prices file, in USD."""
    return sum(shares * prices[ticker][-1].price for ticker, shares in holdings.items())


def states(answer: str, amount: float) -> bool:
    """Whether a text has this amount in it, correctly rounded to whole units or finer."""
    numbers = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", answer)
    for number in numbers:
        places = len(number.partition(".")[2])
        if abs(float(number.replace(",", "")) - amount) <= 0.5 * 10**-places + 1e-9:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
