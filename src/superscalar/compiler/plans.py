"""`agent.plans`: the folder of saved plans of an agent, and how each stands with its tools."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superscalar.compiler.functions import PlanFunction, function_of
from superscalar.compiler.given_inputs import compiled_with
from superscalar.compiler.learned import asked_in, why_not_kept
from superscalar.compiler.prepared import Prepared
from superscalar.compiler.result import RunResult
from superscalar.compiler.stream import RunStream
from superscalar.errors import UsageError
from superscalar.plan.ir import Plan
from superscalar.saved.approvals import read_approvals
from superscalar.saved.constants import made_inputs
from superscalar.saved.examining import ReadWith, SavedPlan, examined
from superscalar.saved.folder import PlanFolder
from superscalar.saved.keeping import approve_plan, save_plan
from superscalar.saved.stubs import stub_of
from superscalar.secrets import Scrubber
from superscalar.short import short
from superscalar.tools.tool import Tool
from superscalar.tools.toolset import Toolset
from superscalar.unseen import revealed


@dataclass(frozen=True)
class SavedPlans:
    """The saved plans of an agent: text files of a folder that a person reviews. Each is read when it is asked for.

    `approve` is for people and for what they run: no tool of ours reaches it.
    """

    path: Path
    _prepared: Prepared
    _stream: Callable[..., RunStream]

    def __iter__(self) -> Iterator[SavedPlan]:
        approvals = read_approvals(self._folder)
        for name in self._folder.names():
            if (found := examined(name, self._folder, approvals, self._using)) is not None:
                yield found

    def list(self) -> tuple[SavedPlan, ...]:
        """List them all, by name, whether they can be used or not: `state` says so.

        Raises:
            UsageError: the folder, or its `plans.lock`, cannot be trusted.
        """
        return (*self,)

    def names(self) -> tuple[str, ...]:
        """Name them all, whether they can be used or not.

        Raises:
            UsageError: the folder cannot be trusted.
        """
        return tuple(self._folder.names())

    def get(self, name: str) -> SavedPlan:
        """Return one. Its `plan` runs if it was approved and fits the tools: `execute(agent.plans.get("brief").plan)`.

        Raises:
            UsageError: there is none of that name, or the folder cannot be trusted.
        """
        found = examined(name, self._folder, read_approvals(self._folder), self._using)
        if found is None:
            names = self._folder.names()
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names) or 'none'}"
            raise UsageError(f"there is no saved plan {name!r} in {self.path}; {hint}")
        return found

    def save(
        self,
        name: str,
        plan: Plan | str | RunResult[Any],
        *,
        description: str = "",
        over: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> SavedPlan:
        """Write a plan, its text, or that of a run, into the folder; nobody has approved it then.

        `over`: the digest of a plan of that name to replace. `inputs`: which constants of the plan become inputs, by
        their names: `{"tickers": ["IBM", "AAPL"]}`.

        Raises:
            UsageError: the name is none or taken, the plan has no such constant or says something for a secret
                parameter, it holds what `redact` takes out, it cannot be written; or the run is none to learn from (see
                `LLMCompiler.add_example`).
            PlanError: it is no plan for the tools of the agent.
        """
        if isinstance(plan, RunResult):
            if why := why_not_kept(plan, self._prepared.equipment):
                raise UsageError(f"the plan of run {plan.run_id} cannot be saved: {why}")
            asked = "\n".join(map(revealed, asked_in(plan).splitlines()))
            description, plan = description or asked, plan.plan
        plan = self.compile(plan) if isinstance(plan, str) else plan
        if not isinstance(plan, Plan):
            raise UsageError(f"save({name!r}, {short(plan)}): write a plan, its text, or what agent.run(...) returned")
        source = made_inputs(plan.tasks, inputs or {})
        equipment = self._prepared.equipment
        for word, scrub in (
            ("a secret of a model", Scrubber(equipment.secrets)),
            ("what redact= takes out", Scrubber(redact=equipment.options.redact)),
        ):
            if any(scrub(text) != text for text in (source, description)):
                raise UsageError(f"{name}: the plan or its description holds {word}, which no file may")
        return save_plan(self._folder, name, source, self._using, description=description, over=over)

    def approve(self, name: str, *, digest: str, by: str) -> SavedPlan:
        """Note that a person approves a plan as it stands there. `digest`: that of the text that was looked at.

        Raises:
            UsageError: there is no such plan, or it is another text by now.
            PlanError: it is no plan for the tools of the agent.
        """
        return approve_plan(self._folder, name, self._using, digest=digest, by=by)

    def function(self, name: str, **of_run: Any) -> PlanFunction:
        """Make an async Python function of one that was approved, with its inputs as parameters.

        Each call looks at the file again, and refuses what is not that text, approved, any more. `of_run`: what
        `stream_plan` is told besides, such as a `context`.

        Raises:
            UsageError: there is none of that name, nobody has approved it, or its tools have changed.
        """
        made_of = self.get(name)
        plan = made_of.plan

        def run(**given: Any) -> RunStream:
            found = self.get(name)
            if found.plan != plan or found.digest != made_of.digest:
                raise UsageError(f"{found.path} is another plan than this function was made of: make it anew")
            return self._stream(plan, **of_run, **given)

        return function_of(run, plan, name, made_of.description)

    def compile(self, source: str) -> Plan:
        """Make a plan of a text for these tools, as `LLMCompiler.compile` does.

        Raises:
            PlanError: it has errors; each says where, and what to write instead.
        """
        return compiled_with(source, self._tools)

    def tools(self) -> tuple[Tool[..., Any], ...]:
        """Return those that the agent has as tools: they were approved, and fit, when it was made, or its tools listed.

        Raises:
            UsageError: the folder cannot be trusted.
        """
        names = self.names()
        return tuple(one for one in self._tools.shown if one.plan is not None and one.name in names)

    def stub(self) -> str:
        """Write the types of the functions that `function` makes, of all that were approved, as a stub (PEP 484).

        Raises:
            UsageError: the folder cannot be trusted.
        """
        return stub_of((one for one in self if one.state == "approved"), self._tools)

    @property
    def _tools(self) -> Toolset:
        return self._prepared.equipment.tools

    @property
    def _using(self) -> ReadWith:
        tools = self._tools
        return ReadWith(tools, lambda text: compiled_with(text, tools, "python"))

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
