"""Architecture stays visible: a room imports only rooms below it, and no file grows into two ideas."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "superscalar"

PAGE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text()


def rooms_of_page(prefix: str = "") -> list[set[str]]:
    """The rows of a table of rooms on the page, lowest first. Rooms of one row do not import each other."""
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)
    rooms = [re.findall(r"`([^`]+)`", row) for row in rows]
    return [
        {name.removeprefix("plan.") for name in row}
        for row in rooms
        if all(n.startswith("plan.") is bool(prefix) for n in row)
    ]


ROOMS = rooms_of_page()
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
PLAN_ROOMS = rooms_of_page("plan.")
PLAN_LEVEL = {room: level for level, rooms in enumerate(PLAN_ROOMS) for room in rooms}
READ_TEXT = {"plan", "planner", "compiler", "cli"}  # nothing else knows how a plan is written
NO_SYNTAX_TREE = {"ir", "evaluate", "passes"}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(module: str) -> str:
    return module.removeprefix("superscalar.").partition(".")[0]


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """What a file imports, also late: modules, and names of them in full."""
    return tuple(_imports(ast.parse(path.read_text()), path))


def _imports(tree: ast.Module, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                pytest.fail(f"{path}: relative imports hide which room is meant")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(path: Path) -> Iterator[str]:
    return (module for module in imports_of(path) if module.partition(".")[0] == "superscalar")


def test_every_file_belongs_to_a_known_room() -> None:
    assert {room_of(".".join(path.relative_to(SOURCE).with_suffix("").parts)) for path in FILES} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    own = room_of(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    upward = [
        module
        for module in ours(path)
        if room_of(module) != own
        and room_of(module) in LEVEL
        and LEVEL[room_of(module)] >= LEVEL[own]
        and own != "__main__"
    ]
    assert upward == []


def plan_room_of(path: Path) -> str:
    return path.relative_to(SOURCE / "plan").with_suffix("").parts[0]


PLAN_FILES = sorted((SOURCE / "plan").rglob("*.py"))


def test_every_file_of_plan_belongs_to_a_known_room() -> None:
    assert {plan_room_of(path) for path in PLAN_FILES} == set(PLAN_LEVEL)


def test_a_room_of_plan_imports_only_rooms_below_it() -> None:
    upward = []
    for path in PLAN_FILES:
        own = plan_room_of(path)
        names = (module.split(".")[2] for module in ours(path) if module.startswith("superscalar.plan."))
        rooms = {name if name in PLAN_LEVEL else "__init__" for name in names} - {own}
        upward += [f"{path.name}: {room}" for room in rooms if PLAN_LEVEL[room] >= PLAN_LEVEL[own]]
    assert upward == []


def test_what_does_not_read_text_knows_no_text() -> None:
    knowing = {path for path in FILES if any(module.startswith("superscalar.plan.read") for module in ours(path))}
    assert {path.relative_to(SOURCE).with_suffix("").parts[0] for path in knowing} <= READ_TEXT


def test_what_is_behind_the_front_ends_knows_no_syntax_tree() -> None:
    knowing = [path for path in PLAN_FILES if any(module.partition(".")[0] == "ast" for module in imports_of(path))]
    assert {plan_room_of(path) for path in knowing}.isdisjoint(NO_SYNTAX_TREE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'asyncio', 'jsonschema_rs', 'pydantic', 'rich', 'typer'}"
    program = f"import sys, superscalar; superscalar.tool(lambda a: a); print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_whole_public_interface_can_be_imported() -> None:
    import superscalar

    assert [name for name in superscalar.__all__ if not hasattr(superscalar, name)] == []
