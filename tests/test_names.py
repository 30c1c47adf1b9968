"""One name, one thing: whoever reads a class or a function need not ask which one is meant."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from superscalar import policy

SOURCE = Path(__file__).parent.parent / "src" / "superscalar"

BOTH_ARE_RECORDED = {"Skipped"}  # the outcome of a task, and the event that tells of it: journals have both names
OF_EACH_ROOM = {"check", "from_json", "of_operator", "read", "run"}  # called by their modules' names, or commands
HANDLERS = {"plan/evaluate/through.py"}  # how each function of the language hands labels on, by that function's name


def classes(tree: ast.Module) -> Iterator[str]:
    """Every class, and every public alias of a type, without the underscore of a private one."""
    pending: list[ast.stmt] = [*tree.body]
    while pending:
        node = pending.pop()
        pending += [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)]
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")
        elif isinstance(node, ast.AnnAssign) and is_alias(node):
            name = ast.unparse(node.target)
            yield from () if name.startswith("_") else (name,)


def is_alias(node: ast.AnnAssign) -> bool:
    written = node.annotation
    name = written.id if isinstance(written, ast.Name) else written.attr if isinstance(written, ast.Attribute) else ""
    return name == "TypeAlias"


def functions(tree: ast.Module) -> Iterator[str]:
    """Every public function of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name


@cache
def given(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The classes and the functions of a module. Its tree is not kept: the collector would go through it ever after."""
    tree = ast.parse(path.read_text())
    return frozenset(classes(tree)), frozenset(functions(tree))


@pytest.mark.parametrize(("kind", "shared"), [(0, BOTH_ARE_RECORDED), (1, OF_EACH_ROOM)], ids=["classes", "functions"])
def test_a_name_is_given_once(kind: int, shared: set[str]) -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).as_posix()
        if kind == 0 or module not in HANDLERS:
            for name in given(path)[kind]:
                where[name].add(module)
    twice = {name: modules for name, modules in where.items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in shared} == {}
    assert shared <= twice.keys()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("superscalar.policy", "Refusal", "NotAdmitted"),
        ("superscalar.policy", "Replan", "ReplanMode"),
        ("superscalar.testing", "Request", "ServiceRequest"),
    ],
)
def test_an_old_public_name_works_for_one_more_version_and_says_the_new_one(module: str, old: str, new: str) -> None:
    room = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{module}\.{old} is called {new} now") as warned:
        assert getattr(room, old) is getattr(room, new)
    assert [one.filename for one in warned] == [__file__]  # where the old name stands


def test_the_words_of_a_choice_are_where_they_were() -> None:
    assert policy.REPLANS == ("never", "planned-tools", "read-only", "ask", "any")


def test_what_never_was_a_name_is_none() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Refusals'"):
        _ = importlib.import_module("superscalar.policy").Refusals
