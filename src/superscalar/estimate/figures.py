"""What an estimate says: numbers that are ranges, by tool and by model, and their text for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from superscalar.inquiry import AskedAs
from superscalar.observe.wording import counted, duration
from superscalar.plan.ir.aliases import told_name
from superscalar.short import bounded
from superscalar.tools.terms import Effect
from superscalar.values import TaskId


@dataclass(frozen=True, slots=True)
class Between:
    """A number that is not known before: `least` or more, and `most` or less; None is a bound that nobody knows."""

    least: float
    most: float | None

    @property
    def is_exact(self) -> bool:
        """Tell whether it can be only one number."""
        return self.least == self.most

    def __add__(self, other: Between) -> Between:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Between(self.least + other.least, most)

    def __mul__(self, other: Between) -> Between:
        known = self.most is not None and other.most is not None
        return Between(self.least * other.least, self.most * other.most if known else None)  # type: ignore[operator]

    def __str__(self) -> str:
        return self._text(f"{self.least:,.10g}", "" if self.most is None else f"{self.most:,.10g}")

    def _text(self, least: str, most: str) -> str:
        if self.most is None:
            return f"{least} + ?" if self.least else "?"
        return least if least == most else f"{least} to {most}"

    @property
    def as_seconds(self) -> str:
        """Write it as seconds are written."""
        return self._text(duration(self.least), "" if self.most is None else duration(self.most))


NOTHING_AT_ALL = Between(0, 0)


@dataclass(frozen=True, slots=True)
class ToolEstimate:
    """What a plan asks of one tool, by the name that plans use.

    `each`: the lists of unknown length for whose items it is called. `seconds`: what a call took so far, None if none
    has been measured. `cost`: what one attempt costs.
    """

    tool: str
    effect: Effect
    calls: Between
    each: tuple[TaskId, ...]
    seconds: float | None
    cost: float


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What is asked of a model beside the planner: by `extract` or thoughts in the plan, or for the answer."""

    role: AskedAs
    model: str
    requests: Between
    input_tokens: Between
    output_tokens: Between
    cost: Between


@bounded
@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan would take, as far as that can be known before it runs; `str()` of it is for people.

    Each number is a range, from what is needed for certain where no call fails, to what there can be at most; only what
    is tried again, and what a tool charges beside its declared `cost`, comes on top. `seconds`: of the calls of tools
    (`extract` is one), from how long they took so far, the limits and the longest path, with nobody else using them; no
    model's time is in it. Of several models in one place the first counts, and files do not. What nobody knows is a
    None: the seconds of a tool that was never measured, the cost of a model without prices. `tools` and `models` say it
    one by one.
    """

    calls: Between
    writes: Between
    seconds: Between
    cost: Between
    tools: tuple[ToolEstimate, ...] = ()
    models: tuple[ModelEstimate, ...] = ()

    @property
    def input_tokens(self) -> Between:
        """Add what models read."""
        return sum((model.input_tokens for model in self.models), NOTHING_AT_ALL)

    @property
    def output_tokens(self) -> Between:
        """Add what models write."""
        return sum((model.output_tokens for model in self.models), NOTHING_AT_ALL)

    @property
    def tokens(self) -> Between:
        """Add the tokens read and those written."""
        return self.input_tokens + self.output_tokens

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        writes = "" if self.writes == NOTHING_AT_ALL else f", of which {_several(self.writes, 'write')}"
        yield f"{_several(self.calls, 'call')}{writes}"
        for tool in self.tools:
            yield f"  {_of_tool(tool)}"
        unmeasured = [told_name(tool.tool) for tool in self.tools if tool.seconds is None and tool.calls.most]
        why = f" (not measured yet: {', '.join(unmeasured)})" if unmeasured else ""
        yield f"time: {self.seconds.as_seconds} in tools{why}"
        for model in self.models:
            yield f"tokens: {_of_model(model)}"
        if self.cost != NOTHING_AT_ALL:
            unpriced = [model.model for model in self.models if model.cost.most is None]
            why = f" (prices not known: {', '.join(dict.fromkeys(unpriced))})" if unpriced else ""
            yield f"cost: {self.cost}{why}"


def _several(number: Between, thing: str) -> str:
    return counted(int(number.least), thing) if number.is_exact else f"{number} {thing}s"


def _of_tool(tool: ToolEstimate) -> str:
    parts = [str(tool.calls)]
    if tool.effect == "write":
        parts.append("writes")
    if tool.each:
        parts.append(f"for each item of {' and of '.join(f'`{task}`' for task in tool.each)}")
    if tool.seconds is not None:
        parts.append(f"{duration(tool.seconds)} each")
    if tool.cost:
        parts.append(f"cost {tool.cost:g} each")
    return f"{told_name(tool.tool)}: {', '.join(parts)}"


def _of_model(model: ModelEstimate) -> str:
    asked = f" for {_several(model.requests, 'request')}" if model.role != "joiner" else ""
    return f"{model.role} {model.model}, {model.input_tokens} read and {model.output_tokens} written{asked}"
