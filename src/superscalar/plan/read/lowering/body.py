"""Where lowered tasks go, and which syntax has calls in it."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Final, TypeAlias

from superscalar.plan import ir
from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.values import TaskId

_NOTHING: Final[Mapping[str, ir.Expr]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Carried:
    """A name in the body of a loop which would have its value from the iteration before, or which is `collected`.

    `value`: what it stands for where this iteration did assign it, after an `if` that may have.
    """

    name: str
    value: ir.Expr | None = None
    collected: bool = False


_NO_NAMES: Final[Mapping[str, ir.Expr | Carried]] = MappingProxyType({})
BodyNames: TypeAlias = "ChainMap[str, ir.Expr | Carried]"


@dataclass(slots=True)
class Body:
    """A list of tasks: those of a statement, or of a map's body. `prefix` is the id of the task being lowered.

    `names`: what the names of a loop stand for. `used`: how often each label was, under this prefix. `tests`: the tasks
    that evaluate a condition, by condition and guards, so that none is evaluated twice.
    """

    prefix: str
    names: Mapping[str, ir.Expr | Carried] = field(default_factory=lambda: _NO_NAMES)
    tasks: list[ir.Task] = field(default_factory=list)
    guards: tuple[ir.Guard, ...] = ()
    used: dict[str, int] = field(default_factory=dict)
    tests: dict[tuple[str, tuple[ir.Guard, ...]], TaskId] = field(default_factory=dict)

    def inner_names(self, bound: Mapping[str, ir.Expr] = _NOTHING) -> BodyNames:
        """Names for a body or an arm inside this one: it sees these, and what it assigns itself is its own."""
        outer = self.names if isinstance(self.names, ChainMap) else ChainMap()
        return outer.new_child(dict(bound))

    def lifted(self, label: str) -> TaskId:
        """A fresh id inside this body (rule L31)."""
        number = self.used.get(label, 0) + 1
        self.used[label] = number
        return f"{self.prefix}.{label}" if number == 1 else f"{self.prefix}.{label}.{number}"

    def of(self, id: TaskId) -> Body:
        """The same body while the task `id` is lowered: what is lifted out of it is called after it."""
        return self if self.prefix == id else Body(id, self.names, self.tasks, self.guards, tests=self.tests)

    def arm(self, guard: ir.Guard) -> tuple[Body, BodyNames]:
        """An arm of an `if` in this body, and the names that it assigns."""
        made, names = self.under(guard), self.inner_names()
        made.names = names
        return made, names

    def under(self, guard: ir.Guard) -> Body:
        """The same body for tasks that run only if `guard` lets them."""
        return Body(self.prefix, self.names, self.tasks, (*self.guards, guard), self.used, self.tests)


class Writes:
    """The tasks that write, or in whose expression, items or body a write stands; those of other statements included.

    `own`: those of this statement.
    """

    def __init__(self, known: Set[TaskId]) -> None:
        self.own: set[TaskId] = set()
        self._known = known

    def __contains__(self, task: TaskId) -> bool:
        return task in self.own or task in self._known

    def note(self, id: TaskId, work: ir.Work, needs: tuple[ir.Need, ...]) -> None:
        """Take note of a task, after all that it needs."""
        writing = isinstance(work, ir.Call | ir.PlanCall) and work.effect == "write"
        if writing or ((self.own or self._known) and any(part in self for part in _parts(id, work, needs))):
            self.own.add(id)


def _parts(id: TaskId, work: ir.Work, needs: tuple[ir.Need, ...]) -> Iterator[TaskId]:
    """The tasks that stand in the expression, the items or the body of a task, or that it is another name of."""
    prefix = f"{id}."
    yield from (need.task for need in needs if need.task.startswith(prefix))
    match work:
        case ir.Map(body=tasks):
            yield from (task.id for task in tasks)
        case ir.Display(items=items) | ir.Each(tasks=items):
            yield from items
        case ir.Select(_, then, otherwise):
            yield from (version for version in (then, otherwise) if version is not None)
        case ir.Compute(ir.Ref(task)):
            yield task


class CallFinder:
    """Says of each piece of a syntax tree whether a tool is called in it; looks at every node once."""

    def __init__(self, text: str) -> None:
        self._known: dict[ast.AST, bool] = {}
        self._none = "(" not in text

    def has_call(self, node: ast.AST) -> bool:
        """Whether a tool is called anywhere in `node`. A function that nobody knows counts as one."""
        if self._none:
            return False
        known = self._known.get(node)
        if known is None:
            self._look(node)
            known = self._known[node]
        return known

    def is_list_of_calls(self, node: ast.expr) -> bool:
        """Whether a value is a list, dict or other thing with calls in it, to be made before it is looked at."""
        pairs = isinstance(node, ast.DictComp) and len(node.generators) > 1  # a `dict(...)` of pairs
        return self.has_call(node) and not pairs and not isinstance(node, ast.Name | ast.Call)

    def _look(self, root: ast.AST) -> None:
        inside = [root]
        parents: list[ast.AST | None] = [None]
        for parent in inside:  # grows while we go through it: parents stand before children
            for child in ast.iter_child_nodes(parent):
                inside.append(child)
                parents.append(parent)
        self._known.update(dict.fromkeys(inside, False))
        for node, above in zip(reversed(inside), reversed(parents), strict=True):
            if self._known[node] or is_tool_call(node):
                self._known[node] = True
                if above is not None:
                    self._known[above] = True


def is_tool_call(node: ast.AST) -> bool:
    """Whether a node is itself the call of a tool."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS


def names_in(target: ast.expr) -> set[str]:
    """Every name in the target of an assignment or loop."""
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def names_in_list(node: ast.List | ast.Tuple | ast.Set) -> bool:
    """Whether the items of a list or tuple are, some of them, what names stand for: each has an outcome of its own."""
    return not isinstance(node, ast.Set) and any(isinstance(item, ast.Name) for item in node.elts)


def has_star(node: ast.List | ast.Tuple | ast.Set) -> bool:
    """Whether some of the items of a display are spliced in."""
    return any(isinstance(item, ast.Starred) for item in node.elts)


def is_text(node: ast.Constant | ast.JoinedStr) -> bool:
    """Whether a node is text, with or without holes."""
    return isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)


def target_spelled(target: ast.expr) -> str:
    """The target of a loop as the ids of its items have it: `x`, `(k, (a, b))`."""
    if isinstance(target, ast.Starred):
        return f"*{target_spelled(target.value)}"
    if isinstance(target, ast.Tuple | ast.List):
        inner = [target_spelled(part) for part in target.elts]
        return f"({inner[0]},)" if len(inner) == 1 else f"({', '.join(inner)})"
    return ast.unparse(target)


def without_stars(node: ast.List | ast.Tuple | ast.Set) -> ast.expr:
    """`[*xs, x, *ys]` as `list(xs) + [x] + list(ys)`, and tuples and sets likewise."""
    kind = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
    parts: list[ast.expr] = []
    for starred, items in groupby(node.elts, lambda item: isinstance(item, ast.Starred)):
        if starred:
            values = [item.value for item in items if isinstance(item, ast.Starred)]
            parts += [ast.Call(ast.Name(kind, ast.Load()), [value], []) for value in values]
        else:
            parts.append(type(node)(elts=list(items)))
    return _put_together(parts, ast.BitOr() if kind == "set" else ast.Add(), node)


def key_twice(node: ast.Dict) -> ast.Constant | None:
    """The first constant that stands in a dict as a key for the second time."""
    seen: set[object] = set()
    for key in node.keys:
        if isinstance(key, ast.Constant):
            if key.value in seen:
                return key
            seen.add(key.value)
    return None


def without_double_stars(node: ast.Dict) -> ast.expr:
    """`{**d, k: v}` as `{} | d | {k: v}`."""
    open = ast.Dict([], [])
    parts: list[ast.expr] = [open]
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            parts += [value, open := ast.Dict([], [])]
        else:
            open.keys.append(key)
            open.values.append(value)
    parts = [part for place, part in enumerate(parts) if not place or not isinstance(part, ast.Dict) or part.keys]
    return _put_together(parts, ast.BitOr(), node)


def _put_together(parts: list[ast.expr], sign: ast.operator, node: ast.expr) -> ast.expr:
    whole = parts[0]
    for part in parts[1:]:
        whole = ast.BinOp(whole, sign, part)
    return placed_at(whole, node)


def placed_at(made: ast.expr, node: ast.AST) -> ast.expr:
    """The same expression, whose nodes stand where `node` does if they have no place of their own."""
    for part in ast.walk(made):
        if isinstance(part, ast.expr) and not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made


def as_test(condition: ir.Expr) -> ir.Expr:
    """A condition as one that is true or false and nothing else."""
    plain = isinstance(condition, ir.Compare | ir.Missing) or (
        isinstance(condition, ir.Unary) and condition.operator == "not"
    )
    return condition if plain else ir.Apply("bool", (condition,))


def as_pairs(node: ast.DictComp) -> ast.Call:
    """`{k: v for ... for ...}` as `dict([(k, v) for ... for ...])`."""
    pair = ast.Tuple([node.key, node.value], ast.Load())
    made = ast.Call(ast.Name("dict", ast.Load()), [ast.ListComp(pair, node.generators)], [])
    for part in (pair, made, made.func, made.args[0]):
        ast.copy_location(part, node)
    return made


def dotted(node: ast.expr) -> list[str]:
    """The names of `a.b.c`, from the first on; nothing where it begins with no name."""
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    return [node.id, *path] if isinstance(node, ast.Name) else []
