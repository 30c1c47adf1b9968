"""What can be seen of a statement that a repair looks at: what it assigns, uses, calls and goes through."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from superscalar.plan.evaluate.table import FUNCTIONS, METHODS
from superscalar.plan.read.repairs.outline import WORD, Outlined

BLOCKS: Final = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def assigned(node: Outlined) -> set[str]:
    """The names that its own text gives a meaning, the variables of a loop among them."""
    found = set(node.targets)
    if node.kind == "for" and isinstance(node.tree, ast.For):
        found |= {inner.id for inner in ast.walk(node.tree.target) if isinstance(inner, ast.Name)}
    return found


def used_before(nodes: Sequence[Outlined], known: set[str] | None = None) -> set[str]:
    """The names that a text uses where it has not defined them."""
    known = set() if known is None else known
    used: set[str] = set()
    for node in nodes:
        used |= {name for name in loaded(node) if name not in known}
        known |= assigned(node)
        for block in node.blocks:
            used |= used_before(block, known)
    return used


def loaded(node: Outlined) -> set[str]:
    """The names that the own text of a statement uses, those of tools and of its own variables aside."""
    tree: ast.AST | None = node.tree
    if node.blocks:
        tree = node.tree.test if isinstance(node.tree, ast.If) else getattr(node.tree, "iter", None)
    if tree is None:
        return set()
    called = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    bound = {
        inner.id
        for clause in ast.walk(tree)
        if isinstance(clause, ast.comprehension | ast.For)
        for inner in ast.walk(clause.target)
        if isinstance(inner, ast.Name)
    }
    bound |= {one.arg for one in ast.walk(tree) if isinstance(one, ast.arg)}
    names = (one for one in ast.walk(tree) if isinstance(one, ast.Name) and id(one) not in called)
    loaded = {one.id for one in names if isinstance(one.ctx, ast.Load)}
    changed = {
        one.target.id for one in ast.walk(tree) if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)
    }
    return (loaded | changed) - bound


def is_block(node: Outlined) -> bool:
    """Whether several lines may take its place."""
    return node.kind != "line" or isinstance(node.tree, BLOCKS)


def fits(node: Outlined, found: Outlined) -> bool:
    """Whether a line may answer a statement: a header alone answers a header of its kind."""
    return not node.alone or (node.kind == found.kind and found.broken)


def all_targets(node: Outlined) -> set[str]:
    """The names that it assigns, those in its blocks included."""
    return {name for one in node.within() for name in one.targets}


def called_in(node: Outlined) -> set[str]:
    """What a statement calls and is no listed function or method: tools, as far as they exist."""
    names: set[str] = set()
    for one in node.within():
        tree: ast.AST | None = one.tree
        for inner in ast.walk(tree) if tree is not None else ():
            match inner:
                case ast.Call(func=ast.Name(id=name)):
                    names.add(name)
                case ast.Call(func=ast.Attribute(attr=name)) if name not in METHODS:
                    names.add(name)
    return names - FUNCTIONS.keys()


def words_in(node: Outlined) -> set[str]:
    """Every word in its text."""
    return {word for one in node.within() for word in WORD.findall(one.text)}


def loop_targets(node: Outlined) -> str:
    """Equal for loops with the same variables; empty for what is no loop."""
    return ast.dump(node.tree.target) if isinstance(node.tree, ast.For) else ""


def iterates(node: Outlined, loop: Outlined) -> bool:
    """Whether a line itself goes through what a loop goes through, and does not use its variable."""
    if not isinstance(loop.tree, ast.For):
        return False
    through = ast.dump(loop.tree.iter)
    iterables = [
        inner.iter
        for one in node.within()
        if one.tree is not None
        for inner in ast.walk(one.tree)
        if isinstance(inner, ast.comprehension | ast.For)
    ]
    variables = {name.id for name in ast.walk(loop.tree.target) if isinstance(name, ast.Name)}
    return any(ast.dump(one) == through for one in iterables) and not (variables & used_before([node]))
