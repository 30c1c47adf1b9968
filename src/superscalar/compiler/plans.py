"""`agent.plans`: the folder of saved plans of an agent, and how each stands with its tools."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superscalar.errors import UsageError
from superscalar.plan.ir import Plan
from superscalar.saved.approvals import read_approvals
from superscalar.saved.examining import SavedPlan, examined
from superscalar.saved.folder import PlanFolder
from superscalar.saved.keeping import approve_plan, save_plan
from superscalar.tools.toolset import Toolset


@dataclass(frozen=True)
class SavedPlans:
    """The saved plans of an agent: text files of a folder that a person reviews. Each is read when it is asked for.

    `approve` is for people and for what they run: no tool of ours reaches it.
    """

    path: Path
    _tools: Callable[[], Toolset]
    _function: Callable[..., Callable[..., Any]]

    def __iter__(self) -> Iterator[SavedPlan]:
        approvals = read_approvals(self._folder)
        for name in self._folder.names():
            if (found := examined(name, self._folder, approvals, self._tools())) is not None:
                yield found

    def list(self) -> tuple[SavedPlan, ...]:
        """List them all, by name, whether they can be used or not: `state` says so.

        Raises:
            UsageError: the folder, or its `plans.lock`, cannot be trusted.
        """
        return (*self,)

    def get(self, name: str) -> SavedPlan:
        """Return one. Its `plan` runs if it was approved and fits the tools: `execute(agent.plans.get("brief").plan)`.

        Raises:
            UsageError: there is none of that name, or the folder cannot be trusted.
        """
        found = examined(name, self._folder, read_approvals(self._folder), self._tools())
        if found is None:
            names = self._folder.names()
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names) or 'none'}"
            raise UsageError(f"there is no saved plan {name!r} in {self.path}; {hint}")
        return found

    def save(self, name: str, plan: Plan, description: str = "", over: str | None = None) -> SavedPlan:
        """Write a plan there, which nobody has approved then. `over`: the digest of one of that name to replace.

        Raises:
            UsageError: the name is none or taken, the plan says something for a secret parameter, or it cannot be
                written.
            PlanError: it is no plan for the tools of the agent.
        """
        return save_plan(self._folder, name, plan, self._tools(), description=description, over=over)

    def approve(self, name: str, *, digest: str, by: str) -> SavedPlan:
        """Note that a person approves a plan as it stands there. `digest`: that of the text that was looked at.

        Raises:
            UsageError: there is no such plan, or it is another text by now.
            PlanError: it is no plan for the tools of the agent.
        """
        return approve_plan(self._folder, name, self._tools(), digest=digest, by=by)

    def function(self, name: str) -> Callable[..., Any]:
        """Make an async Python function of one that was approved, with its inputs as parameters.

        Raises:
            UsageError: there is none of that name, nobody has approved it, or its tools have changed.
        """
        found = self.get(name)
        return self._function(found.plan, name=name, description=found.description)

    @property
    def _folder(self) -> PlanFolder:
        return PlanFolder(self.path)


def need_folder(path: Any) -> Path:
    """The folder that an agent was told of.

    Raises:
        UsageError: it was told of none.
    """
    if path is None:
        raise UsageError('this agent has no folder of saved plans; write LLMCompiler(..., plans="plans")')
    return Path(path)
