"""Expressions over values that a tool returns, each of which has a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superscalar import LLMCompiler, Observation, tool
from superscalar.plan import compile_plan
from superscalar.plan.evaluate.expression import EvaluationError, evaluate
from superscalar.plan.ir import Compute
from superscalar.testing import run


class NamedValues:
    """The `agent` of a test, whose tool `get` returns these values by their names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._given = "".join(f'{name} = get("{name}")\n' for name in values)

        @tool(effect="read")
        def get(name: str) -> Any:
            """A value of that name."""
            return values[name]

        self.agent = LLMCompiler(tools=[get])
        self.signatures = self.agent.tools.signatures

    def plan(self, expression: str) -> str:
        """One in which every value has its name, and `x` is what the expression comes to."""
        return f"{self._given}x = {expression}\njoin(x)\n"

    def outcome(self, expression: str) -> Any:
        """What it comes to: a value, or why there is none."""
        found = run(self.agent.execute(self.plan(expression)))["x"]
        return found.value if isinstance(found, Observation) else found

    def evaluated(self, expression: str, **values: Any) -> Any:
        """What it comes to over other values, or the error; no tool is called."""
        given = "".join(f"{name} = get('{name}')\n" for name in values)
        (task, *_) = compile_plan(f"{given}x = {expression}\njoin(x)\n", self.signatures).tasks[len(values) :]
        assert isinstance(task.work, Compute)
        try:
            return evaluate(task.work.value, {name: Observation(value) for name, value in values.items()}.__getitem__)
        except EvaluationError as error:
            return error
