"""The names of what calls touch, where these are functions of their arguments (rule L17)."""

from __future__ import annotations

from typing import Any

from superscalar.plan.evaluate.expression import evaluate
from superscalar.plan.ir import Call, Expr
from superscalar.plan.ir.signatures import ResourceFunction
from superscalar.schedule.cells import PENDING, Cell
from superscalar.schedule.effective import Arguments
from superscalar.schedule.lookup import outcomes_for
from superscalar.tools.context import ArgumentError
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import copied


class Naming:
    """Tells what calls touch: as soon as the arguments that the name is made of have values, and again when it is made.

    Nobody relies on a name that turns out to be another one: the call is not made then.
    """

    def __init__(self, tools: Toolset) -> None:
        self._tools = tools

    def made_of(self, call: Call) -> list[Expr]:
        """The arguments that the name of what a call touches is made of."""
        needed = self._parameters(call)
        return [expression for alias, expression in call.arguments if alias in needed]

    def ahead(self, cell: Cell) -> str | None:
        """The name of what a call touches that waits, if it can be told: then it waits only for what may touch that."""
        call = None if cell.task is None else cell.task.work
        if cell.status is not PENDING or not isinstance(call, Call):
            return None
        tool, needed = self._tools.get(call.tool), self._parameters(call)
        resource = None if tool is None else tool.signature.resource
        if not isinstance(resource, ResourceFunction):
            return None
        outcomes = outcomes_for(cell)
        try:
            given = {name: copied(evaluate(one, outcomes)) for name, one in call.arguments if name in needed}
            return resource.name(given)
        except Exception:  # noqa: BLE001 -- the function is the tool's; when the call is made it is reported
            return None

    def _parameters(self, call: Call) -> tuple[str, ...]:
        tool = self._tools.get(call.tool)
        resource = None if tool is None else tool.signature.resource
        return resource.parameters if isinstance(resource, ResourceFunction) else ()


def touched_name(tool: Tool[..., Any], cell: Cell, arguments: Arguments) -> str | None:
    """The name of what a call touches that is about to be made, where that is a function of its arguments and news.

    Raises:
        ArgumentError: it has no name, or another one than was told before.
    """
    call = None if cell.task is None else cell.task.work
    if not isinstance(call, Call) or call.access is None or call.access.known:
        return None
    name = tool.resource_of(arguments)
    if cell.access is None or not cell.access.known:
        return name
    if name != cell.access.resource:
        known = cell.access.resource
        raise ArgumentError(f"{tool.name}(): resource= gave {known!r} at first and now {name!r} for the same arguments")
    return None
