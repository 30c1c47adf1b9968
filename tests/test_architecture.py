"""Architecture stays visible: a room imports only rooms below it, and no file grows into two ideas."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "superscalar"

# Lowest first. Rooms of one line are siblings: they do not import each other.
ROOMS = [
    {"advice", "errors", "everyday", "forks", "private", "unseen"},
    {"short"},
    {"values", "labels"},
    {"weight"},
    {"secrets"},
    {"plan"},
    {"tools"},
    {"policy"},
    {"events"},
    {"codec"},
    {"schedule"},
    {"models", "journal", "observe", "executors"},
    {"planner", "joiner", "extractor"},
    {"compiler"},
    {"testing"},
    {"cli", "__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

# The same of the rooms in `plan`, which is one language and what is made of it.
PLAN_ROOMS = [
    {"ir"},
    {"evaluate"},
    {"passes", "grammars"},
    {"print"},
    {"read"},
    {"__init__", "printer"},
]
PLAN_LEVEL = {room: level for level, rooms in enumerate(PLAN_ROOMS) for room in rooms}
READ_TEXT = {"plan", "planner", "compiler", "cli"}  # nothing else knows how a plan is written
NO_SYNTAX_TREE = {"ir", "evaluate", "passes"}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(module: str) -> str:
    return module.removeprefix("superscalar.").partition(".")[0]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "superscalar":
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{path}: relative imports hide which room is meant")
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "superscalar")


def test_every_file_belongs_to_a_known_room() -> None:
    assert {room_of(".".join(path.relative_to(SOURCE).with_suffix("").parts)) for path in FILES} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    own = room_of(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    upward = [
        module
        for module in imports_of(path)
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


@pytest.mark.parametrize("path", PLAN_FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_of_plan_imports_only_rooms_below_it(path: Path) -> None:
    own = plan_room_of(path)
    inside = [module.split(".") for module in imports_of(path) if module.startswith("superscalar.plan.")]
    rooms = {room if room in PLAN_LEVEL else "__init__" for _, _, room, *_ in inside} - {own}
    assert [room for room in rooms if PLAN_LEVEL[room] >= PLAN_LEVEL[own]] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_does_not_read_text_knows_no_text(path: Path) -> None:
    if room_of(".".join(path.relative_to(SOURCE).with_suffix("").parts)) not in READ_TEXT:
        assert [module for module in imports_of(path) if module.startswith("superscalar.plan.read")] == []


@pytest.mark.parametrize("path", PLAN_FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_is_behind_the_front_ends_knows_no_syntax_tree(path: Path) -> None:
    tree = ast.parse(path.read_text())
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert plan_room_of(path) not in NO_SYNTAX_TREE or "ast" not in plain | named


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 640


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, superscalar; print(sorted({'asyncio', 'pydantic', 'rich', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_whole_public_interface_can_be_imported() -> None:
    import superscalar

    assert [name for name in superscalar.__all__ if not hasattr(superscalar, name)] == []
