"""Approved plans as tools: what an agent with a folder of saved plans has beside its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from superscalar.errors import SuperscalarError
from superscalar.plan.ir import Plan
from superscalar.saved.approvals import read_approvals
from superscalar.saved.examining import NOBODY, ReadWith, SavedPlan, examined, why_unapproved
from superscalar.saved.folder import PlanFolder
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset

_LOG: Final = logging.getLogger("superscalar.saved")


def with_saved_plans(folder: PlanFolder, tools: Toolset, compile: Callable[[str, Toolset], Plan]) -> Toolset:
    """Tools, and each plan of a folder that was approved and fits them as one more; a plan may call those before it.

    Those that cannot be used are left out, and the log says why.

    Raises:
        UsageError: the folder, or what it says was approved, cannot be trusted.
    """
    approvals = read_approvals(folder)
    names = folder.names()
    left_out = {name: why for name in names if (why := why_unapproved(name, folder, approvals))}
    pending = dict.fromkeys((name for name in names if name not in left_out), "")
    made: list[Tool[..., Any]] = []
    known = tools
    grown = True
    while pending and grown:
        grown = False
        for name in list(pending):
            found = examined(name, folder, approvals, _with(known, compile))
            one, pending[name] = _offered(found, known)
            if one is not None:
                del pending[name]
                made.append(one)
                known = Toolset([tools, *made])
                grown = True
    for name, why in sorted({**left_out, **pending}.items()):
        _LOG.log(logging.INFO if why == NOBODY else logging.WARNING, "the saved plan %s is not offered: %s", name, why)
    return known


def _with(tools: Toolset, compile: Callable[[str, Toolset], Plan]) -> ReadWith:
    return ReadWith(tools, lambda text: compile(text, tools))


def _offered(found: SavedPlan | None, tools: Toolset) -> tuple[Tool[..., Any] | None, str]:
    """A plan as a tool, or why it is none."""
    if found is None:
        return None, "it is gone"
    if found.state != "approved":
        return None, "; ".join(found.why_not())
    if tools.find(found.name) is not None:
        return None, "there is a tool of that name"
    try:
        return Tool.from_plan(found.plan, name=found.name, description=found.description, tools=tools), ""
    except SuperscalarError as error:
        return None, str(error)
