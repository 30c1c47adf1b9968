"""What a run has spent: tokens of models, and money on models and tools."""

from __future__ import annotations

from collections.abc import Mapping

from superscalar import events
from superscalar.values import Usage


class Spending:
    """Adds up what a run spends. `prices`: what one attempt of a tool costs, by the tool's name.

    `usage`: all of it, `models`: what models used. `asks`: the models, and the tools, that are known to have used
    tokens.
    """

    def __init__(self, prices: Mapping[str, float]) -> None:
        self.prices = prices
        self.usage = Usage()
        self.models = Usage()
        self.asks: set[str] = set()

    def started(self, tool: str) -> None:
        """Count an attempt of a tool."""
        if tool in self.prices:
            self.usage += Usage(cost=self.prices[tool])

    def charged(self, event: events.Charged, tool: str | None) -> None:
        """Count what a tool said that it had cost; None: nobody knows any more which one did."""
        self.usage += Usage(output_tokens=event.tokens, cost=event.cost)
        if event.tokens and tool is not None:
            self.asks.add(tool)

    def model_used(self, event: events.ModelUsed) -> None:
        """Count what a model used."""
        self.usage += event.usage
        self.models += event.usage
        self.asks.add(event.role)
