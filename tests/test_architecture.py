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
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(module: str) -> str:
    return module.removeprefix("superscalar.").partition(".")[0]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "superscalar":
            yield from (f"superscalar.{a.name}" for a in node.names) if node.module == "superscalar" else (node.module,)
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 600


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, superscalar; print(sorted({'asyncio', 'pydantic', 'rich', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_whole_public_interface_can_be_imported() -> None:
    import superscalar

    assert [name for name in superscalar.__all__ if not hasattr(superscalar, name)] == []
