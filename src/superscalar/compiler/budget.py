"""What a run may spend: tokens of models, and money on models and tools."""

from __future__ import annotations

from dataclasses import dataclass

from superscalar.inquiry import Inquirer
from superscalar.schedule.spending import Spending
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Failure


class Budget:
    """Says what would go beyond what a run may spend.

    What has begun is never broken off, since it is paid for: a budget is exceeded at most by the calls of the moment
    that told their cost afterwards, and by the joiner's answer, which is always asked for.
    """

    def __init__(self, tools: Toolset, max_tokens: int | None, max_cost: float | None) -> None:
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._asking = frozenset(tool.name for tool in tools if isinstance(tool.function, Inquirer))

    @property
    def bounds_calls(self) -> bool:
        """Whether a call of a tool may go beyond it."""
        return self._max_tokens is not None or self._max_cost is not None

    def tokens_left(self, wanted: int, spending: Spending) -> int:
        """As many of the wanted tokens as there are, at least one."""
        return wanted if self._max_tokens is None else max(1, min(wanted, self._max_tokens - spending.usage.tokens))

    def spent(self, spending: Spending, tool: Tool[..., object] | None = None) -> Spent | None:
        """The budget that does not allow a call of this tool, or of a model; None if all do."""
        used = spending.usage
        in_tokens = tool is None or tool.name in self._asking or tool.name in spending.asks
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
