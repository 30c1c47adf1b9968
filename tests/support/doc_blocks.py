"""The examples of README and docs/ as a reader runs them; `python -m tests.support.doc_blocks DIR` makes modules."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """An example of a page, by its number there. It may use names of the examples above it."""

    page: Path
    number: int
    source: str

    @property
    def title(self) -> str:
        return f"{self.page.name}, example {self.number}"

    @property
    def module(self) -> str:
        return f"{self.page.stem.lower().replace('-', '_')}_{self.number}"


def blocks_of(page: Path) -> list[Block]:
    return [Block(page, number, source) for number, source in enumerate(_BLOCK.findall(page.read_text()), 1)]


def as_modules(blocks: list[Block]) -> Iterator[tuple[str, str]]:
    """Each example of a page as a module by its name, which imports from those above what it uses of them."""
    above: dict[str, str] = {}  # how a name is imported
    for block in blocks:
        tree = ast.parse(block.source)
        own = dict(_bound(tree.body, block.module))
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - own.keys() - vars(builtins).keys()
        lines = [f"# {block.title}", *(above[name] for name in sorted(used & above.keys())), ""]
        yield block.module, "\n".join(lines) + "\n" + block.source
        above |= own


def _bound(body: list[ast.stmt], module: str) -> Iterator[tuple[str, str]]:
    """The names that statements of a module bind, and how each is imported."""
    for statement in body:
        match statement:
            case ast.Import(names):
                yield from ((name.asname or name.name, f"import {ast.unparse(name)}") for name in names)
            case ast.ImportFrom(module=source, names=names):
                yield from ((name.asname or name.name, f"from {source} import {ast.unparse(name)}") for name in names)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name, f"from {module} import {name}"
            case _:
                yield from ((name, f"from {module} import {name}") for name in _stored(statement))


def _stored(node: ast.AST) -> Iterator[str]:
    """The names that a statement assigns to. Those of a comprehension are its own."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _stored(child)


def write_modules(folder: Path) -> None:
    """All examples of all pages as modules in a folder of their own, which has nothing else afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    for page in PAGES:
        for module, source in as_modules(blocks_of(page)):
            (folder / f"{module}.py").write_text(source)


if __name__ == "__main__":
    write_modules(Path(sys.argv[1]))
