"""What a run may spend: tokens of models, and money on models and tools. A fold of its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from superscalar import events
from superscalar.extractor import Extractor
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Failure, Usage


class Spending:
    """Adds up what a run spends. `prices`: what one attempt of a tool costs, by the tool's name."""

    def __init__(self, prices: Mapping[str, float]) -> None:
        self.usage = Usage()
        self._prices = prices

    def note(self, event: events.Event) -> None:
        """Count an event."""
        match event:
            case events.Started(tool=tool) if tool in self._prices:
                self.usage += Usage(cost=self._prices[tool])
            case events.Charged(cost=cost, tokens=tokens):
                self.usage += Usage(output_tokens=tokens, cost=cost)
            case events.ModelUsed(usage=usage):
                self.usage += usage


class Budget:
    """Counts what is spent and says what would go beyond.

    What has begun is never broken off, since it is paid for: a budget is exceeded at most by the calls of the moment
    that told their cost afterwards, and by the joiner's answer, which is always asked for.
    """

    def __init__(self, tools: Toolset, max_tokens: int | None, max_cost: float | None) -> None:
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self.prices = {tool.name: tool.cost for tool in tools if tool.cost}
        self._spending = Spending(self.prices)
        # Tools that ask a model: ours, and those that were seen to.
        self._charging = {tool.name for tool in tools if isinstance(tool.function, Extractor)}
        self._may_charge = any(tool.context_parameter is not None for tool in tools)
        self._tool_of: dict[str, str] = {}

    @property
    def counts(self) -> bool:
        """Whether calls of tools are to be noted: there is a bound, or they have a price or may tell one."""
        return self._max_tokens is not None or self._max_cost is not None or bool(self.prices) or self._may_charge

    @property
    def cost(self) -> float:
        """Spent so far, on models and tools."""
        return self._spending.usage.cost

    def note(self, event: events.Event) -> None:
        """Count an event."""
        self._spending.note(event)
        match event:
            case events.Started(id=id, tool=tool):
                self._tool_of[id] = tool
            case events.Charged(id=id, tokens=tokens) if tokens and id in self._tool_of:
                self._charging.add(self._tool_of[id])
            case events.ModelUsed(role=role):
                self._charging.add(role)

    def tokens_left(self, wanted: int) -> int:
        """As many of the wanted tokens as there are, at least one."""
        return (
            wanted if self._max_tokens is None else max(1, min(wanted, self._max_tokens - self._spending.usage.tokens))
        )

    def spent(self, tool: Tool[..., object] | None = None) -> Spent | None:
        """The budget that does not allow a call of this tool, or of a model; None if all do."""
        used = self._spending.usage
        in_tokens = tool is None or tool.name in self._charging
        in_money = in_tokens or (tool is not None and tool.cost > 0)
        if self._max_tokens is not None and in_tokens and used.tokens >= self._max_tokens:
            return Spent("max_tokens", used.tokens, self._max_tokens)
        more = 0.0 if tool is None else tool.cost
        if (
            self._max_cost is not None
            and in_money
            and (used.cost >= self._max_cost or used.cost + more > self._max_cost)
        ):
            return Spent("max_cost", used.cost, self._max_cost)
        return None


@dataclass(frozen=True, slots=True)
class Spent:
    """A budget that is spent: its name, how much of it, and its bound."""

    budget: str
    used: float
    limit: float

    def __str__(self) -> str:
        return f"the run's {self.budget}={self.limit:.10g} is spent ({self.used:.10g} used)"

    def failure(self, tool: Tool[..., object]) -> Failure:
        """What becomes of a call of the tool."""
        each = f", and {tool.name} costs {tool.cost:g}" if self.budget == "max_cost" else ""
        return Failure("budget", f"the run's {self.budget}={self.limit:g} does not allow it: {self.used:g} used{each}")
