"""Each class can be read alone, and so can each file: no class is spread over its bases, none reaches into another, and
no files import each other in a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "superscalar"
LONGEST = 500  # lines of a class with its bases

# What Python and its library call so, and everybody may use.
OPEN = frozenset({"_asdict", "_field_defaults", "_fields", "_make", "_replace"})
# What is private in the standard library, and used all the same; the reason stands where it is.
FOREIGN = frozenset({"os._exit", "task._log_destroy_pending", "handle._run"})

# What still stands. It only ever gets shorter.
KNOWN_LONG: frozenset[str] = frozenset()
KNOWN_HOLES: frozenset[str] = frozenset()
KNOWN_REACHES: frozenset[str] = frozenset()
KNOWN_CIRCLES: frozenset[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Use:
    """A private name where it is used: the whole expression, and whether it is a name of `self` or of `super()`."""

    name: str
    text: str
    line: int
    of_itself: bool
    of_bases: bool


@dataclass(eq=False)
class Class:
    """A class at the top of a module, as far as it is looked at: no tree is kept, the collector would go through all of
    them ever after. `own`: the names that it gives to itself and to its instances; `asks`: those that it asks itself
    for; `methods`: those that it writes, and `holes` among them those that somebody else has to.
    """

    module: str
    name: str
    lines: int
    direct: tuple[str, ...]  # its bases, as it calls them
    methods: frozenset[str]
    holes: frozenset[str]
    own: set[str] = field(default_factory=set)
    asks: set[str] = field(default_factory=set)
    private: list[Use] = field(default_factory=list)  # private names that it uses

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def bases(self) -> tuple[Class, ...]:
        """All its bases that are in the package, and theirs."""
        named = [found(self.module, base) for base in self.direct]
        return tuple(dict.fromkeys(each for base in named if base is not None for each in (base, *base.bases)))


def class_of(module: str, tree: ast.ClassDef) -> Class:
    first = min([tree.lineno, *(decorator.lineno for decorator in tree.decorator_list)])
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in tree.bases]
    return Class(
        module,
        tree.name,
        (tree.end_lineno or 0) - first + 1,
        tuple(base.id for base in bases if isinstance(base, ast.Name)),
        frozenset(function.name for function in functions),
        frozenset(function.name for function in functions if is_hole(function)),
    )


@dataclass
class Module:
    """A module as far as it is looked at. `names`: what it imports of the package, and from where."""

    name: str
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    private: list[Use] = field(default_factory=list)  # private names that are used outside of its classes


def read(name: str, text: str) -> Module:
    module = Module(name)
    pending: list[tuple[ast.AST, Class | None]] = [(ast.parse(text), None)]
    while pending:
        node, inside = pending.pop()
        match node:
            case ast.ClassDef() if inside is None:
                inside = module.classes[node.name] = class_of(name, node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if inside is not None:
                inside.own.add(node.name)
            case ast.Name(ctx=ast.Store()) if inside is not None:
                inside.own.add(node.id)
            case ast.Attribute():
                if inside is not None and is_self(node.value):
                    (inside.own if isinstance(node.ctx, ast.Store) else inside.asks).add(node.attr)
                if is_private(node.attr):
                    (module if inside is None else inside).private.append(use_of(node))
            case ast.ImportFrom(module=str(source)) if source.split(".")[0] == "superscalar":
                source = source.removeprefix("superscalar").removeprefix(".")
                module.names |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
        pending += [(child, inside) for child in ast.iter_child_nodes(node)]
    return module


def use_of(node: ast.Attribute) -> Use:
    text = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ast.unparse(node)
    return Use(node.attr, text, node.lineno, is_self(node.value), text == f"super().{node.attr}")


@cache
def modules() -> dict[str, Module]:
    """Every module, by its dotted name within the package."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")
        found[name] = read(name, path.read_text())
    return found


def classes() -> Iterator[Class]:
    return (one for module in modules().values() for one in module.classes.values())


def found(module: str, name: str) -> Class | None:
    """The class that a name stands for in a module, through however many imports."""
    here = modules().get(module)
    if here is None:
        return None
    return here.classes.get(name) or (found(*here.names[name]) if name in here.names else None)


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in OPEN


def is_hole(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if any(ast.unparse(decorator).endswith("abstractmethod") for decorator in function.decorator_list):
        return True
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])


def room_of(module: str) -> str:
    return module.partition(".")[0]


def test_no_class_is_long_with_all_its_bases() -> None:
    long = {one.full_name for one in classes() if sum(each.lines for each in (one, *one.bases)) > LONGEST}
    assert long == KNOWN_LONG


def test_no_class_calls_what_only_a_class_below_it_has() -> None:
    """Where a class and the one below it call each other, neither can be read alone. What somebody else calls is an
    interface, and what a higher room fills in is one, too.
    """
    filled = {
        base.full_name
        for one in classes()
        for base in one.bases
        if room_of(base.module) == room_of(one.module)
        if base.holes & base.asks & one.methods
    }
    assert filled == KNOWN_HOLES


def test_no_class_reaches_into_its_bases() -> None:
    reaching = {
        one.full_name
        for one in classes()
        for use in one.private
        if use.of_itself or use.of_bases
        if any(use.name in base.own for base in one.bases)
    }
    assert reaching == KNOWN_REACHES


def test_no_class_reaches_into_another_one() -> None:
    """A class may ask others of its own kind: what is private to it has that name in it."""
    assert [reach for module in modules().values() for reach in reaches(module)] == []


def reaches(module: Module) -> Iterator[str]:
    """What is private and used from outside."""
    used = [(use, set[str]()) for use in module.private]
    used += [(use, one.own) for one in module.classes.values() for use in one.private]
    for use, own in used:
        if not (use.of_itself or use.name in own or use.text in FOREIGN or use.text.startswith("super().")):
            yield f"{module.name}:{use.line}: {use.text}"


def test_no_modules_import_each_other() -> None:
    """Imports for types alone count, too: who reads one of these files has to know the other."""
    sources = {name: {*module.names.values()} for name, module in modules().items()}
    inner = {
        name: {(f"{source}.{what}".removeprefix("."), source) for source, what in of} for name, of in sources.items()
    }
    graph = {
        name: {full if full in modules() else source for full, source in of} - {name} for name, of in inner.items()
    }
    assert circles(graph) == KNOWN_CIRCLES


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The modules that come back to each other."""
    reached: dict[str, set[str]] = {}
    for module in graph:
        pending, reached[module] = [module], set()
        while pending:
            fresh = graph[pending.pop()] - reached[module]
            reached[module] |= fresh
            pending += fresh
    back = {module: frozenset(one for one in reached[module] if module in reached[one]) for module in graph}
    return {circle for circle in back.values() if circle}


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {frozenset({"b", "c"})}


def test_a_reach_is_found() -> None:
    text = "class A:\n    _in = 1\n    def f(self, x, y):\n        return x._in, y._inside, x._replace(), x._value_"
    assert list(reaches(read("m", text))) == ["m:4: y._inside"]
