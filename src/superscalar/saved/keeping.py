"""Saving plans and approving them: what changes a folder, by one writer at a time."""

from __future__ import annotations

from dataclasses import replace

from superscalar.errors import UsageError
from superscalar.plan import print_plan
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.ir import Call
from superscalar.saved.approvals import approval_by, read_approvals, write_approvals
from superscalar.saved.examining import ReadWith, SavedPlan, examined, examined_text, with_tools
from superscalar.saved.folder import SUFFIX, PlanFolder, check_plan_name
from superscalar.saved.header import SavedText, clean_description
from superscalar.schedule.withholding import secrets_of_tools, withheld_plan


def save_plan(
    folder: PlanFolder, name: str, source: str, using: ReadWith, *, description: str = "", over: str | None = None
) -> SavedPlan:
    """Write a plan into a folder, which nobody has approved then. `over`: the digest of the text that it replaces.

    One that is there with this very text is left as it is, approved or not.

    Raises:
        UsageError: the name is none, another plan is there, or the plan says something for a secret parameter.
        PlanError: it is no plan for these tools.
    """
    check_plan_name(name)
    if name in FUNCTIONS or name == "join":
        raise UsageError(f"{name!r} is a function of the language: give the plan another name")
    taken = using.tools.find(name)
    if taken is not None and taken[1].plan is None:
        raise UsageError(f"{name!r} is a tool of the agent: give the plan another name")
    plan = using.compile(source)
    if withheld_plan(plan.tasks, secrets_of_tools(using.tools)) != plan.tasks:
        raise UsageError(
            f"{name}: the plan says something for a secret parameter, which no file may hold: make an input of it"
        )
    if name in {task.work.tool for task in plan.calls if isinstance(task.work, Call)}:
        raise UsageError(f"{name}: the plan calls {name}, which it would be itself: give it another name")
    text = with_tools(SavedText(print_plan(plan.tasks), clean_description(description)), plan, using.tools)
    with folder.writing():
        approvals = read_approvals(folder)
        there = examined(name, folder, approvals, using)
        if there is not None and there.refused:
            raise UsageError(there.refused)
        if there is not None and str(replace(there.text, approval=None)) == str(text):
            return there
        if there is not None and there.digest != over:
            raise UsageError(
                f"{there.path} is there, and another plan{'' if over is None else ' than over= says'}: give this one "
                f'another name, or replace that one: over="{there.digest}"'
            )
        if there is None and over is not None:
            raise UsageError(f"there is no {folder.file(name)}: leave out over=")
        folder.write_file(f"{name}{SUFFIX}", str(text))
        return examined_text(name, folder.file(name), text, approvals, using)


def approve_plan(folder: PlanFolder, name: str, using: ReadWith, *, digest: str, by: str) -> SavedPlan:
    """Note that a person approves a plan as it stands there, with the tools as they are. `digest`: what was looked at.

    Raises:
        UsageError: there is no such plan, it is not what was looked at any more, or it is none for these tools.
        PlanError: it has errors.
    """
    given = approval_by(by, digest)
    with folder.writing():
        approvals = read_approvals(folder)
        found = examined(name, folder, approvals, using)
        if found is None:
            raise UsageError(f"there is no {folder.file(name)}")
        plan = found.draft if found.read is None else found.read  # which raises
        if found.digest != digest:
            raise UsageError(f"{found.path} is not the text that was looked at: look at it again")
        text = replace(with_tools(found.text, plan, using.tools), approval=given)
        folder.write_file(f"{name}{SUFFIX}", str(text))
        approvals[name] = given
        write_approvals(folder, approvals)  # last: until then the text says so, and the lock does not
        return examined_text(name, found.path, text, approvals, using)
