"""What a saved plan is worth with the tools that there are now: is it approved, does it fit, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from superscalar.errors import PlanError, UsageError
from superscalar.plan.ir import LANGUAGE, Call, Plan, Span, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.within import ENTRY, INSIDE
from superscalar.saved.folder import PlanFolder, check_plan_name
from superscalar.saved.header import PlanApproval, SavedText, read_text
from superscalar.saved.tool_facts import ToolFacts, changes_of, facts_of
from superscalar.tools.toolset import Toolset

NOBODY: Final = "nobody has approved it"
"""Why a plan that was saved does not run yet."""

SavedState: TypeAlias = Literal["approved", "not approved", "changed", "broken", "refused"]
"""How a saved plan stands: `changed`, if its tools declare something else than when it was reviewed; `broken`, if it is
none for them; `refused`, if its file cannot be trusted, or is no saved plan."""


class ReadWith(NamedTuple):
    """What saved plans are read with: the tools of an agent, and what makes a plan of a text, with its inputs."""

    tools: Toolset
    compile: Callable[[str], Plan]


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A saved plan, and how it stands with the tools of an agent.

    `digest`: of the text as it is approved, which names the tools as they are now. `approval`: who approved it, if that
    holds; `unapproved`: why none does. `changes`: what its tools declare now that they did not, a line each.
    `diagnostics`: what is wrong with it. `refused`: why its file is not read as a plan.
    """

    name: str
    path: Path
    text: SavedText
    digest: str
    approval: PlanApproval | None = None
    unapproved: str = ""
    changes: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    read: Plan | None = None
    refused: str = ""

    @property
    def state(self) -> SavedState:
        """Say how it stands."""
        if self.refused:
            return "refused"
        if self.read is None:
            return "broken"
        if self.changes:
            return "changed"
        return "not approved" if self.approval is None else "approved"

    @property
    def description(self) -> str:
        """Return what it is for."""
        return self.text.description

    @property
    def plan(self) -> Plan:
        """Return the plan, which was approved as it stands there, and fits the tools as they are.

        Raises:
            UsageError: nobody has approved it, or its tools have changed; the message says what to do.
            PlanError: it has errors.
        """
        plan = self.draft
        if self.approval is None:
            raise UsageError(
                f"{self.path}: {self.unapproved}; look at it and approve it: superscalar plans approve {self.name} "
                f"--plans {self.path.parent} ..."
            )
        return plan

    @property
    def draft(self) -> Plan:
        """Return the plan, approved or not, if it fits the tools as they are.

        Raises:
            UsageError: its tools have changed, or its file is refused.
            PlanError: it has errors.
        """
        if self.refused:
            raise UsageError(self.refused)
        if self.read is None:
            told = "\n".join([f"{self.path} is no plan for these tools", *(f"  {line}" for line in self.changes)])
            raise PlanError(self.diagnostics, summary=told)
        if self.changes:
            lines = "\n".join(f"  {line}" for line in self.changes)
            raise UsageError(
                f"{self.path}: its tools are not as they were when it was reviewed:\n{lines}\nlook at what that means, "
                f"and approve it again: superscalar plans approve {self.name} --plans {self.path.parent} ..."
            )
        return self.read

    def why_not(self) -> list[str]:
        """Say what is to be done before it runs, a line each; nothing where it is approved and fits."""
        diagnostics = [f"{one.file}:{one.span.line}: {one.code} {one.message}" for one in self.diagnostics]
        return [line for line in (self.refused, *diagnostics, *self.changes, self.unapproved) if line]


def examined(name: str, folder: PlanFolder, approvals: Mapping[str, PlanApproval], using: ReadWith) -> SavedPlan | None:
    """A saved plan, with the tools that there are now; None where there is none of that name.

    Raises:
        UsageError: there is no such name.
    """
    path = folder.file(check_plan_name(name))
    try:
        text = _text_of(name, folder)
    except UsageError as error:
        return SavedPlan(name, path, SavedText(""), "", refused=str(error))
    return None if text is None else examined_text(name, path, text, approvals, using)


def why_unapproved(name: str, folder: PlanFolder, approvals: Mapping[str, PlanApproval]) -> str:
    """Why nobody's approval holds for a text as it stands; empty where one does. Nothing of it is compiled."""
    try:
        text = _text_of(name, folder)
    except UsageError as error:
        return str(error)
    return "it is gone" if text is None else _approval(text, approvals.get(name))[1]


def _text_of(name: str, folder: PlanFolder) -> SavedText | None:
    read = folder.read(name)
    return None if read is None else read_text(read, str(folder.file(name)))


def examined_text(
    name: str, path: Path, text: SavedText, approvals: Mapping[str, PlanApproval], using: ReadWith
) -> SavedPlan:
    """The same of a text that was read already."""
    found = SavedPlan(name, path, text, text.digest)
    try:
        plan = using.compile(text.body)
    except PlanError as error:
        shift = str(text).count("\n") - text.body.count("\n")
        diagnostics = (one for one in error.diagnostics if isinstance(one, Diagnostic))
        placed = tuple(replace(one, span=_below(one, shift), file=str(path)) for one in diagnostics)
        return replace(found, diagnostics=placed, changes=tuple(_tool_changes(text.tools, using.tools)))
    renewed = with_tools(text, plan, using.tools)
    changes = tuple(_changes(text, renewed))
    digest = renewed.digest
    approval, unapproved = _approval(text, approvals.get(name))
    if changes and approval is not None:
        unapproved = f"{approval.by} approved it ({approval.at}) with its tools as they were"
        approval = None
    return replace(found, read=plan, changes=changes, digest=digest, approval=approval, unapproved=unapproved)


def with_tools(text: SavedText, plan: Plan, tools: Toolset) -> SavedText:
    """A text that names the tools of its plan as they are now, in the order of the plan, and is approved by nobody."""
    called = dict.fromkeys(task.work.tool for task in plan.calls if isinstance(task.work, Call) and _is_written(task))
    facts = tuple(facts_of(alias, tool) for alias in called if (tool := tools.get(alias)) is not None)
    return replace(text, tools=facts, language=LANGUAGE, approval=None)


def _is_written(call: Task) -> bool:
    """Whether a call stands in the text of the plan, and not in that of a plan that it calls."""
    return INSIDE not in call.id.removesuffix(ENTRY)


def _below(diagnostic: Diagnostic, lines: int) -> Span:
    span = diagnostic.span
    return span if not span.line else span._replace(line=span.line + lines, end_line=span.end_line + lines)


def _tool_changes(facts: Iterable[ToolFacts], tools: Toolset) -> Iterator[str]:
    """What tools declare now that they did not when a plan was reviewed that fits them no more."""
    for fact in facts:
        now = tools.get(fact.name)
        yield from changes_of(fact, None if now is None else facts_of(fact.name, now))


def _changes(text: SavedText, renewed: SavedText) -> Iterator[str]:
    if text.language != renewed.language:
        yield f"it was written in version {text.language} of the language, and this release reads {renewed.language}"
    now = {fact.name: fact for fact in renewed.tools}
    for fact in text.tools:
        if fact.name in now:
            yield from changes_of(fact, now.pop(fact.name))
        else:
            yield f"`{fact.name}`: its header names it, and the plan does not call it"
    yield from (f"`{name}`: the plan calls it, and its header does not name it" for name in now)


def _approval(text: SavedText, locked: PlanApproval | None) -> tuple[PlanApproval | None, str]:
    """Who approved a text; nobody, and why, where that does not hold."""
    said = text.approval
    if locked is None and said is None:
        return None, NOBODY
    if locked is not None and locked.digest != text.digest:
        return None, f"it is not the text any more that {locked.by} approved ({locked.at})"
    if locked is None or said != locked:
        who = "nobody" if said is None else said.by
        return None, f"its header says that {who} approved it, and plans.lock does not"
    return locked, ""
