"""A generator under a name, which Python goes through once: a second use would find nothing (rule L3).

In a plan it is the list of its items, so that it may be used where that comes to the same: once, by what goes through
all of it, while the names in it stand for what they stood for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from superscalar.plan import ir
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.values import TaskId

if TYPE_CHECKING:
    from superscalar.plan.read.lowering.body import Body, Carried
    from superscalar.plan.read.lowering.lower import Lowering

TAKES_ALL: Final = frozenset({"join", *(name for name, row in FUNCTIONS.items() if row.whole)})
"""What goes through all that it is given, once."""


@dataclass(frozen=True, slots=True)
class Once:
    """What can be gone through once. `text`: the list of its items. `seen`: what the names in it stood for."""

    text: str
    seen: Mapping[str, ir.Expr | Carried | None]
    used: bool = False


def generator_of(tree: ast.stmt) -> tuple[str, ast.GeneratorExp] | None:
    """The name and the generator that a statement assigns to it; None if it does something else."""
    match tree:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.GeneratorExp() as generator):
            return name, generator
    return None


def once_of(generator: ast.GeneratorExp, lowering: Lowering, body: Body) -> Once:
    """What is known of a generator that a name stands for from here on."""
    first, *_ = generator.generators
    eager = {id(node) for node in ast.walk(first.iter)}  # what Python evaluates at once
    names = [node for node in ast.walk(generator) if isinstance(node, ast.Name) and id(node) not in eager]
    seen = {node.id: lowering.known(node.id, body) for node in names}
    listed = ast.ListComp(generator.elt, generator.generators)
    return Once(ast.unparse(ast.copy_location(listed, generator)), seen)


def refuse_writes(name: str, generator: ast.GeneratorExp, once: Once, lowering: Lowering, body: Body) -> None:
    """Note a write in a generator under a name: in Python it is made only where that is gone through, if at all."""
    if any(task.id in lowering.writes for task in body.tasks):
        message = "a write in a generator, which is made only when that is gone through"
        lowering.problem("E205", message, generator, help=f"to make all of them here, write {name} = {once.text}")


def gone_through(
    tree: ast.stmt, known: Mapping[TaskId, Once], lowering: Lowering, body: Body
) -> Iterator[tuple[TaskId, Once]]:
    """What a statement goes through of the generators that names stand for; where it may not, that is noted."""
    taken = set(_taken_whole(tree))
    known = dict(known)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        meaning = lowering.known(node.id, body)
        if not isinstance(meaning, ir.Ref) or (once := known.get(meaning.task)) is None:
            continue
        changed = [name for name, before in once.seen.items() if lowering.known(name, body) != before]
        if once.used or changed or id(node) not in taken:
            why = "is gone through already" if once.used else "can be gone through once, and then is empty"
            why = f"sees what `{changed[0]}` is now" if changed and not once.used else why
            message = f"`{node.id}`, a generator, {why}"
            lowering.problem(
                "E202", message, node, help=f"make it a list where it is assigned: {node.id} = {once.text}"
            )
        else:
            known[meaning.task] = replace(once, used=True)
            yield meaning.task, known[meaning.task]


def _taken_whole(tree: ast.stmt) -> Iterator[int]:
    """The places of a statement that go through what stands there, all of it and once."""
    inside: list[ast.AST] = [tree]
    while inside:
        node = inside.pop()
        match node:
            case ast.For(iter=items):
                yield id(items)
                inside.append(items)
                continue  # its body is done many times
            case ast.Lambda() | ast.IfExp() | ast.BoolOp():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield id(node.generators[0].iter)
                inside.append(node.generators[0].iter)
                continue
            case ast.Call(func=ast.Name(id="next"), args=[first, *_]):  # which is refused in any case
                yield id(first)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in TAKES_ALL:
                yield id(first)
        inside.extend(ast.iter_child_nodes(node))
