"""What a person is asked of a call: its arguments, and in words where each of them came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from superscalar import events
from superscalar.advice import command
from superscalar.errors import ApprovalPending
from superscalar.labels import Label, Source
from superscalar.plan.evaluate.labelling import said_by
from superscalar.plan.evaluate.parts import Labelled, told_parts, whole
from superscalar.plan.ir import Call, Each, Expr, First, Literal, Map, Ref, Task, walk
from superscalar.plan.ir.aliases import told_name
from superscalar.plan.ir.needs import references
from superscalar.plan.ir.within import is_inside
from superscalar.plan.print.listing import listing
from superscalar.plan.print.program import print_expr, print_plan
from superscalar.policy import Question
from superscalar.schedule.cells import Cell
from superscalar.schedule.effective import digest_of
from superscalar.schedule.withholding import SecretNames, behind, is_withheld, withheld_call, withheld_plan
from superscalar.short import cut
from superscalar.tools.trust import Declared
from superscalar.values import WITHHELD, twin_of

_MOST: Final = 3  # calls named for one argument
_LONGEST: Final = 120  # characters of a call or of an expression


def origins(
    cell: Cell,
    call: Call,
    labels: Mapping[str, Labelled],
    declared: Mapping[str, Declared],
    question: str = "",
    secrets: SecretNames = MappingProxyType({}),
    *,
    misled: bool = False,
) -> dict[str, str]:
    """Where each argument of a call came from, by its alias: constants, and the nearest calls that return data.

    `labels`: those of the arguments. A call is named for what is in the argument of what it returned, and not for what
    stood beside that. `declared`: what tools, by alias, say of their results. `question`: what the user asked; a
    constant that stands there is said to come from it. `secrets`: what is told of no call. `misled`: whoever wrote that
    part of the plan had read what is not trusted.
    """
    shown = withheld_call(call, secrets)
    tell = partial(_call_text, secrets=secrets)
    made = {
        name: _withheld_origin(cell, shown, value, declared, tell)
        if is_withheld(value)
        else _origin(cell, shown, value, labels[name], declared, question, tell) + _parts(labels[name])
        for name, value in shown.arguments
    }
    return (
        {name: f"{origin}, written by a model that had read what is not trusted" for name, origin in made.items()}
        if misled
        else made
    )


def question_of(run_id: str, tool: str, asked: events.Decided, told: Mapping[str, str]) -> Question:
    """What a person is asked of a call: all that it would be made with, and where that comes from.

    `told`: where what the plan gives comes from, by the names of the function.
    """
    shown = twin_of(dict(asked.arguments or {}))
    named = {name: told.get(name, "the tool's own default") for name in shown}
    return Question(run_id, asked.id, tool, shown, named, asked.reason, digest=asked.digest)


def _origin(
    cell: Cell,
    shown: Call,
    value: Expr,
    labels: Labelled,
    declared: Mapping[str, Declared],
    question: str,
    tell: Callable[[Cell, Call, str], str],
) -> str:
    if isinstance(value, Literal):
        return "the question" if said_by(question, value.value) else "the plan"
    label = whole(labels)
    found = [
        (one, call, said)
        for one, call in _sources(cell, shown, value)
        if (said := _said(call, label, declared)) is not None
    ]
    calls = _listed([tell(*one) for one in found])
    return calls if isinstance(value, Ref) else f"{calls}, as `{cut(print_expr(value), _LONGEST)}`"


def _withheld_origin(
    cell: Cell, shown: Call, value: Expr, declared: Mapping[str, Declared], tell: Callable[[Cell, Call, str], str]
) -> str:
    """Where what is withheld came from, of which nobody knows any more what it was: whatever may be in it."""
    found = [(one, call, _said_of_all(call, declared)) for one, call in _sources(cell, shown, value)]
    calls = _listed([tell(*one) for one in found])
    return f"{calls}, as `{WITHHELD}`" if found else calls


def _listed(told: list[str]) -> str:
    more = [f"{len(told) - _MOST} more calls"] if len(told) > _MOST else []
    return ", ".join([*told[:_MOST], *more]) or "the plan"


def _said_of_all(call: Call, declared: Mapping[str, Declared]) -> str:
    tool = declared.get(call.tool)
    sources = [Source("tool", call.tool if tool is None else tool.name, tool is not None and tool.trust == "trusted")]
    return _said(call, Label(sources), declared) or ""


def _said(call: Call, label: Label, declared: Mapping[str, Declared]) -> str | None:
    """What is said of a call whose result is in a value with that label; None if nothing of it is."""
    tool = declared.get(call.tool)
    name = call.tool if tool is None else tool.name
    taken = [source for source in label.sources if source.kind == "tool" and source.name == name]
    if not taken:
        return None
    vouches = tool is not None and tool.results is not None and tool.results.vouched is not None
    if all(source.trusted for source in taken):
        return ", which vouches for that" if vouches else ""
    return ", of which only some fields are trusted" if vouches else ", which is not trusted"


def _parts(labels: Labelled) -> str:
    """Which parts of an argument are trusted, where it is not as a whole."""
    trusted = [f"`{path}`" for path, label in told_parts(labels) if label.trusted]
    return "" if whole(labels).trusted or not trusted else f"; trusted in it: {', '.join(trusted[:_MOST])}"


def _sources(cell: Cell, call: Call, value: Expr) -> Iterator[tuple[Cell, Call]]:
    """The calls that a value was made from, nearest first; a pure one stands for what it was given."""
    named = references(value) if cell.task is None else behind(cell.task, call, value)
    wanted = [found for task in named if (found := cell.scope.find(task)) is not None]
    seen: set[Cell] = set()
    for one in wanted:  # grows while we go through it
        if one in seen:
            continue
        seen.add(one)
        work = one.task.work if one.task is not None else None
        if isinstance(work, Call) and work.effect != "pure":
            yield one, work
        else:
            wanted += _inputs(one)


def _inputs(cell: Cell) -> Iterator[Cell]:
    task = cell.task
    if task is None:  # an item of a value that came as a whole
        yield cell.parts[0].cell
        return
    if isinstance(task.work, Map | First | Each):
        for element in cell.parts:
            yield element.cell
    for need in task.needs:
        if (found := cell.scope.find(need.task)) is not None:
            yield found


def _call_text(cell: Cell, call: Call, said: str, secrets: SecretNames) -> str:
    given = ", ".join(f"{name}={print_expr(value)}" for name, value in withheld_call(call, secrets).arguments)
    return f"`{cell.id}` = {cut(f'{told_name(call.tool)}({given})', _LONGEST)}{said}"


def plan_question(run_id: str, tasks: Iterable[Task], secrets: SecretNames, estimate: str = "") -> Question:
    """What a person is asked of a plan as a whole. `estimate`: what it would take, in words."""
    plan = withheld_plan(tasks, secrets)
    why = "a plan is approved as a whole before anything of it is begun"
    inside = [f"#   {line}\n" for id, line in listing(plan) if is_inside(id)]
    text = print_plan(plan) + "".join(["# inside of the plans that it calls:\n", *inside] if inside else [])
    digest = digest_of(run_id, "", "", {"": text})
    return Question(run_id, "", "", {}, {}, why, text, tuple(writes_of(plan)), digest, estimate=estimate)


def writes_of(tasks: tuple[Task, ...]) -> Iterator[str]:
    """The calls of a plan that write, as text; `mails[].send` is made for each item of `mails`."""
    for task in walk(tasks):
        match task.work:
            case Call(tool, arguments, effect="write"):
                given = ", ".join(f"{name}={print_expr(value)}" for name, value in arguments)
                yield f"{task.id}: {told_name(tool)}({given})"  # whole: a destination may stand anywhere in it


def pending(run_id: str, questions: Iterable[Question], journal: Path | None = None) -> ApprovalPending:
    """What ends a process whose run waits for answers: it says how they are given."""
    asked = tuple(questions)
    return ApprovalPending(pending_text(run_id, asked, journal), run_id, asked)


def pending_text(run_id: str, asked: tuple[Question, ...], journal: Path | None, going_on: str = "") -> str:
    """What a run waits for, and what to type; `going_on`: the command that goes on with it, where one began it."""
    count = "an answer" if len(asked) == 1 else f"answers to {len(asked)} questions"
    told = "\n".join(str(question) for question in asked)
    named = [question.answered_by or "--plan" for question in asked] if len(asked) <= 3 else ["--all"]
    return (
        f"run {run_id} waits for {count}:\n{told}\n"
        "it is recorded, and goes on where it was when that is answered (`--deny` says no):\n"
        f"  {command('approve', run_id, *named, journal=journal)}\n"
        f"  {going_on or f'agent.resume({run_id!r})'}"
    )
