"""The plan language: representation, front ends, checks, evaluation and printing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from superscalar.errors import PlanError
from superscalar.plan.grammars import Grammar, grammar
from superscalar.plan.ir import LANGUAGE, Call, Input, Plan, Span, Task, walk
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.ir.within import is_inside, placed
from superscalar.plan.passes.dead import dead
from superscalar.plan.passes.pipeline import Pipeline
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.adopt import begun_with
from superscalar.plan.read.fronts.detect import AUTO, Syntax, detect, front_of
from superscalar.plan.read.fronts.reader import MAX_PROSE
from superscalar.plan.read.program import Program, Retirement

__all__ = [
    "LANGUAGE",
    "AnySyntax",
    "Diagnostic",
    "Grammar",
    "Plan",
    "Syntax",
    "check",
    "compile_plan",
    "detect",
    "grammar",
    "passed",
    "planned",
    "print_as",
    "print_plan",
]

AnySyntax: TypeAlias = Syntax
"""What a plan is written in; `auto`: find out."""

_TOP = Span(1, 0, 1, 0)


def compile_plan(source: str, signatures: Signatures, syntax: AnySyntax = "auto", inputs: Iterable[Input] = ()) -> Plan:
    """Read a whole plan. `inputs`: what it is given when it is run; each is a name in it.

    Raises:
        PlanError: it has errors; each is a `Diagnostic` with its place.
        UsageError: there is no such syntax.
    """
    read_as = detect(source) if syntax == AUTO else syntax
    program, found = _read(source, signatures, read_as, inputs)
    errors = [d for d in found if d.severity == "error"]
    if errors:
        raise PlanError(errors, summary=f"the plan has {len(errors)} error{'s' * (len(errors) > 1)}")
    return Plan(program.in_order(), source, tuple(found), read_as)


def print_as(tasks: Sequence[Task], syntax: Syntax) -> str:
    """A plan as text in a syntax.

    Raises:
        BeyondSteps: it cannot be said there.
        UsageError: there is no such syntax.
    """
    return front_of(syntax).writer(tasks)


def planned(tasks: Iterable[Task], signatures: Signatures) -> Plan:
    """A plan of tasks that no text was read for: with their needs, and what the passes add to each."""
    return Plan(tuple(passed(tasks, Pipeline(signatures))))


def passed(tasks: Iterable[Task], passes: Pipeline) -> Iterator[Task]:
    """Tasks that no text was read for, as they are published behind those that went through these passes before."""
    for task in tasks:
        for placed_task in _in_place(task, passes.signatures):
            yield passes(replace(placed_task, needs=needs_of(placed_task.work)))


def _in_place(task: Task, signatures: Signatures) -> Iterator[Task]:
    """The tasks of a plan in the place of a call of it."""
    work = task.work
    signature = signatures.get(work.tool) if isinstance(work, Call) and not work.enters else None
    if isinstance(work, Call) and signature is not None and signature.within is not None:
        yield from placed(signature.within, work.tool, task.id, work.arguments, task.guards, task.span)
    else:
        yield task


def check(
    source: str, signatures: Signatures, syntax: AnySyntax = "auto", inputs: Iterable[Input] = ()
) -> tuple[Diagnostic, ...]:
    """Every error and warning of a plan, in the order of its lines."""
    program, found = _read(source, signatures, detect(source) if syntax == AUTO else syntax, inputs)
    used = {task.work.tool for task in Plan(program.in_order()).calls if isinstance(task.work, Call)}
    undeclared = [s for s in signatures if s.alias in used and not s.effect_declared]
    for effect, served in dict.fromkeys((s.effect, s.server != "") for s in undeclared):
        tools = ", ".join(f"`{s.alias}`" for s in undeclared if (s.effect, s.server != "") == (effect, served))
        message = f"no effect is declared for {tools}: taken as {effect}s"
        found.append(Diagnostic("W502", message, _TOP, help=_DECLARED_AT[served]))
    return tuple(found)


_DECLARED_AT: Final[Mapping[bool, str]] = {
    False: 'declare it: @tool(effect="read"), or "pure", or "write"',
    True: 'declare it where the server is configured: "tools": {"NAME": {"effect": "read"}}',
}


def _read(
    source: str, signatures: Signatures, syntax: Syntax, inputs: Iterable[Input]
) -> tuple[Program, list[Diagnostic]]:
    program = Program(signatures, begun_with(signatures, inputs))
    front = front_of(syntax)
    if front.hopeless is not None and (problem := front.hopeless(source)) is not None:
        return program, [problem]
    reader = front.reader(program, MAX_PROSE)
    steps = [*reader.feed(source), *reader.finish()]
    found: list[Diagnostic] = []
    for step in steps:
        if isinstance(step, Retirement):
            found.clear()  # what was wrong with a text that was taken back
        elif isinstance(step, Diagnostic):
            found.append(step)
    if program.complete:
        found += _unneeded(program, source)
    return program, sorted(found, key=lambda diagnostic: diagnostic.span.line)


def _unneeded(program: Program, source: str) -> Iterator[Diagnostic]:
    """A warning for each call that is not made, because nothing joined and no write needs it (rule L22)."""
    lines = source.splitlines()
    tasks = {task.id: task for task in walk(program.in_order())}
    for id in dead(program.in_order()):
        match tasks[id].work:
            case Call(tool) if not is_inside(id):
                signature = program.signatures.get(tool)
                span = tasks[id].span
                line = lines[span.line - 1] if 0 < span.line <= len(lines) else ""
                help = "give what it finds to join(...), or leave it out"
                if signature is not None and not signature.effect_declared:
                    help += '; if it changes something, declare that: @tool(effect="write")'
                yield Diagnostic("W503", f"nothing needs `{id}`: `{tool}` is not called", span, line, help=help)
