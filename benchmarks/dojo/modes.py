"""The ways in which a task is run: who plans, what is shown of results, and who finds things in texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SUITES = ("workspace", "slack", "banking", "travel")

Policy = Literal["off", "warn", "ask", "enforce"]
POLICIES: tuple[Policy, ...] = ("off", "warn", "ask", "enforce")
"""With "ask" nobody is there to ask, so that what is asked is denied."""

Replan = Literal["never", "planned-tools", "read-only", "ask", "any"]
REPLANS: tuple[Replan, ...] = ("never", "planned-tools", "read-only", "ask", "any")


@dataclass(frozen=True, slots=True)
class Mode:
    """One way. `loop`: no plan at all. `replan`: the joiner wants a second round, whose planner obeys what it is shown.

    `sees`: what the planner is shown of results. `lies`: the attack speaks to the extractor too, which obeys.
    """

    name: str
    loop: bool = False
    replan: Replan | None = None
    sees: Literal["summaries", "text"] = "summaries"
    lies: bool = False

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that it is run under; a loop has none."""
        return ("off",) if self.loop else POLICIES


LOOP = Mode("obedient loop", loop=True)
FIXED = Mode("fixed plan")
LYING = Mode("fixed plan, obedient extract", lies=True)
TEXT = tuple(Mode(f"replan={setting}, shown text", replan=setting, sees="text") for setting in REPLANS)
SUMMARIES = tuple(Mode(f"replan={setting}, shown summaries", replan=setting) for setting in REPLANS)

MODES = {mode.name: mode for mode in (LOOP, FIXED, LYING, *TEXT, *SUMMARIES)}
