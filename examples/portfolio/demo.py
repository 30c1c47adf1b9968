"""The daily brief, from question to checked answer.

    python -m examples.portfolio.demo [--model MODEL] [--batch] [QUESTION]

Starts the provider, asks the question with the live view of the command line, prints the answer, compares the total in
it with the prices file, and says what the parallel calls took beside the same calls one after another and the best that
five at a time could do. With --batch, prices that are wanted together are one request. Exits with 1 if the total is not
in the answer. Another question is answered, not checked.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, cast

from examples.portfolio import batched, tools
from examples.portfolio.prices import Prices, read_prices
from examples.portfolio.provider import AT_ONCE, Provider, Stats
from superscalar import LLMCompiler, ModelSetupError, RunResult, SuperscalarError, Toolset
from superscalar.cli.report import print_answer
from superscalar.cli.screens import screen_for
from superscalar.cli.session import StoppedRun, follow
from superscalar.cli.warmed import TITLE, warmed_lines, warmed_under
from superscalar.models.cache import cached
from superscalar.observe.timing import lower_bound, span
from superscalar.observe.view import RunView

QUESTION = "What is my portfolio worth today? Show each position and the total."
PROVIDER_TOOLS = ("price", "history")


def main() -> int:
    """Run the demo; 0 if the total in the answer is right."""
    parser = argparse.ArgumentParser(description="A daily brief of nine holdings at real prices.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--model", default="local", help='"local" or "openai:NAME"')
    parser.add_argument("--batch", action="store_true", help="ask for many prices in one request")
    options = parser.parse_args()

    prices = read_prices()
    print(f"Question: {options.question}\n", flush=True)
    with Provider(prices) as provider:
        os.environ["PORTFOLIO_URL"] = provider.url
        try:
            result = ask(options.model, options.question, batched if options.batch else tools)
        except SuperscalarError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        stats = provider.stats
    if isinstance(result, StoppedRun):
        print(result)
        return 130
    print()
    print_answer(result.answer)
    print()
    print("\n".join(timing(result, stats)))
    return check(result, worth(tools.read_portfolio(), prices)) if options.question == QUESTION else 0


def ask(model: str, question: str, module: ModuleType) -> RunResult | StoppedRun:
    """Ask with the tools of a module, and show what happens while it happens."""
    agent = LLMCompiler(model, [Toolset.from_module(module)])
    if model == "local" and cached() is None and (stopped := fetched(agent)) is not None:
        return stopped
    view = RunView()
    result: RunResult | StoppedRun
    result = cast("Any", follow(lambda: agent.stream(question), view, screen_for(view, question)))
    return result


def fetched(agent: LLMCompiler) -> StoppedRun | None:
    """Have the model fetched, and what it is told whatever is asked read at once: all later runs find that."""
    print("The model is fetched (1.1 GB), and reads what is the same for every question: both once.", flush=True)
    view = RunView()
    try:
        made = warmed_under(agent, view, screen_for(view, TITLE))
    except ModelSetupError as error:
        if cached() is None:
            raise
        print(f"note: {error}\n", file=sys.stderr)  # it answers all the same
        return None
    if isinstance(made, StoppedRun):
        return made
    print("What it has read is kept for later runs:", *warmed_lines(made), "", sep="\n", flush=True)
    return None


def timing(result: RunResult, stats: Stats) -> list[str]:
    """What the calls took, beside one at a time and the best possible; the lines of a table."""
    took = span(result.events, tools=PROVIDER_TOOLS)
    if not took:
        return ["The provider was not asked."]
    alone = result.timing.one_after_another
    bound = lower_bound(result.events, AT_ONCE, tools=PROVIDER_TOOLS)
    return [
        f"the calls took       {took:6.2f} s   from when the first was ready to the end of the last",
        f"one after another    {alone:6.2f} s   {alone / took:.1f} times as long",
        f"best with {AT_ONCE} at once  {bound:6.2f} s   the calls took {took / bound:.2f} x this",
        f"provider             served {stats.served}, refused {stats.refused}, at most {stats.peak} at once",
    ]


def check(result: RunResult, expected: float) -> int:
    """Say whether the total in the answer is that of the prices file; 0 if it is."""
    right = states(str(result.answer), expected)
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
