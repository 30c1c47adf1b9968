"""Statements that change a collection in place (rule L14): what they say, and what comes of one.

A plan has versions of names and no places, so a change is a fold of one item or, in a loop, of one item for each time
that it is reached. A change by key folds tuples of the key and what is put there.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from superscalar.plan.evaluate.bounds import MAX_ITEMS, Budget, EvaluationError
from superscalar.plan.evaluate.elements import datum, described, hashable, item_of, items_of
from superscalar.plan.evaluate.operators import binary
from superscalar.plan.read.lowering.body import is_tool_call
from superscalar.plan.read.lowering.symbols import BINARY
from superscalar.values import OrderedSet

_KEYED: Final = {
    "[]=": "{0}[{1}] = {2}",
    ".setdefault": "{0}.setdefault({1}, {2})",
    "setdefault.append": "{0}.setdefault({1}, []).append({2})",
    "setdefault.extend": "{0}.setdefault({1}, []).extend({2})",
    "setdefault.add": "{0}.setdefault({1}, set()).add({2})",
    **{f"[]{sign}=": f"{{0}}[{{1}}] {sign}= {{2}}" for sign in BINARY.values()},
    **{f"get{sign}": f"{{0}}[{{1}}] = {{0}}.get({{1}}, {{2}}) {sign} {{3}}" for sign in BINARY.values()},
}
_NESTED: Final = {
    f"{at}{method}": f"{{0}}[{{1}}]{more}{method}({{{number}}})"
    for at, more, number in (("[]", "", 2), ("[][]", "[{2}]", 3))
    for method in (".append", ".extend", ".add")
} | {f"[][]{sign}=": f"{{0}}[{{1}}][{{2}}] {sign}= {{3}}" for sign in ("", *BINARY.values())}
"""What changes a collection that stands in another one."""
_WHOLE: Final = {
    ".append": "{0}.append({1})",
    ".extend": "{0}.extend({1})",
    ".add": "{0}.add({1})",
    ".update": "{0}.update({1})",
    "+=": "{0} += {1}",
}
MIXED: Final = "changes"
"""Folds tuples of the name of a change and its parts: a loop changes one collection in several ways."""
BEGUN: Final = "begun"
"""Folds tuples of a key, the value with which its entry begins, and changes by that key of an entry that is there."""
CHANGES: Final[Mapping[str, str]] = (
    _KEYED | _NESTED | _WHOLE | {MIXED: "", BEGUN: "if {1} in {0}:\n    {3}\nelse:\n    {0}[{1}] = {2}"}
)
"""How each is written: the name, and the parts of what it is given."""

_OF: Final = {
    ".append": ("list",), ".extend": ("list",), "+=": ("list",), ".add": ("set",), ".update": ("dict", "set"),
}  # fmt: skip


BY_ITEM: Final = frozenset({*_KEYED, ".append", ".add", ".update"})
"""The changes that need not all of what they change, nor of what they are given (rule L33)."""


def is_keyed(operator: str) -> bool:
    """Whether it folds tuples whose first is a key."""
    return operator in _KEYED or operator in _NESTED or operator in (MIXED, BEGUN)


def goes_inside(operator: str) -> bool:
    """Whether it changes a collection that stands in the one that it is of."""
    return operator in _NESTED or operator.startswith("setdefault.")


def puts_as_it_is(operator: str) -> bool:
    """Whether what it is given stands in the collection then, and not only what that holds or what is made of it."""
    return operator.endswith((".append", ".add", "]=")) or operator in (".setdefault", MIXED, BEGUN)


def kinds_of(operator: str) -> tuple[str, ...]:
    """Which collections have it."""
    return _OF.get(operator, ("dict", "list") if operator.startswith("[]") else ("dict",))


def may_mix(operators: set[str]) -> bool:
    """Whether there is a collection that has all of these."""
    kinds = [set(kinds_of(operator)) for operator in operators if operator in CHANGES]
    return len(kinds) == len(operators) and bool(set.intersection(*kinds))


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes what `owner` stands for. `parts`: what it is given, the key first if it has one."""

    owner: ast.Name
    operator: str
    parts: tuple[ast.expr, ...]


def change_of(tree: ast.AST) -> Change | None:
    """The change that a statement is; None if it is none, or one that has no meaning here."""
    if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Name):
        return None
    match tree:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=name), args=args, keywords=[])):
            if any(isinstance(argument, ast.Starred) for argument in args):
                return None
            if f".{name}" in _WHOLE and len(args) == 1:
                return Change(owner, f".{name}", tuple(args))
            return Change(owner, ".setdefault", tuple(args)) if name == "setdefault" and len(args) == 2 else None
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name() as owner, attr="update"), args=[], keywords=[_, *_] as named
            )
        ) if all(keyword.arg for keyword in named):
            keys: list[ast.expr | None] = [ast.copy_location(ast.Constant(k.arg), k.value) for k in named]
            made = ast.copy_location(ast.Dict(keys, [k.value for k in named]), owner)
            return Change(owner, ".update", (made,))
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(
                    value=ast.Call(
                        func=ast.Attribute(value=ast.Name() as owner, attr="setdefault"), args=[key, empty], keywords=[]
                    ),
                    attr=name,
                ),
                args=[value],
                keywords=[],
            )
        ) if f"setdefault.{name}" in _KEYED and _is_empty(empty, "set" if name == "add" else "list"):
            return None if isinstance(value, ast.Starred) else Change(owner, f"setdefault.{name}", (key, value))
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Subscript() as place, attr=name), args=[value], keywords=[])
        ) if f"[].{name}" in _NESTED and not isinstance(value, ast.Starred):
            return _nested(place, f".{name}", value)
        case ast.Assign(targets=[ast.Subscript(value=ast.Subscript()) as place], value=value):
            return _nested(place, "=", value)
        case ast.AugAssign(target=ast.Subscript(value=ast.Subscript()) as place, op=op, value=value):
            return _nested(place, f"{BINARY[type(op)]}=", value) if type(op) in BINARY else None
        case ast.Assign(targets=[ast.Subscript(value=ast.Name() as owner, slice=key)], value=value):
            return None if isinstance(key, ast.Slice) else _assigned(owner, key, value)
        case ast.AugAssign(target=ast.Subscript(value=ast.Name() as owner, slice=key), op=op, value=value):
            known = type(op) in BINARY and not isinstance(key, ast.Slice)
            return Change(owner, f"[]{BINARY[type(op)]}=", (key, value)) if known else None
    return None


def _nested(place: ast.Subscript, sign: str, value: ast.expr) -> Change | None:
    """A change of what stands in `d[k]` or `d[k][m]`."""
    match place:
        case ast.Subscript(value=ast.Name() as owner, slice=key):
            operator, keys = f"[]{sign}", [key]
        case ast.Subscript(value=ast.Subscript(value=ast.Name() as owner, slice=key), slice=inner):
            operator, keys = f"[][]{sign}", [key, inner]
        case _:
            return None
    return None if any(isinstance(each, ast.Slice) for each in keys) else Change(owner, operator, (*keys, value))


def _assigned(owner: ast.Name, key: ast.expr, value: ast.expr) -> Change:
    """`d[k] = v`, where `v` may be made of what is there: `d.get(k, c) + e`, `d[k] + e`."""
    plain = not any(map(is_tool_call, ast.walk(key)))  # such a key would be two calls
    match value:
        case ast.BinOp(
            left=ast.Call(func=ast.Attribute(value=ast.Name(id=id), attr="get"), args=[same, start], keywords=[]),
            op=op,
            right=part,
        ) if plain and id == owner.id and ast.dump(same) == ast.dump(key) and type(op) in BINARY:
            return Change(owner, f"get{BINARY[type(op)]}", (key, start, part))
        case ast.BinOp(left=ast.Subscript(value=ast.Name(id=id), slice=same), op=op, right=part) if (
            plain and id == owner.id and ast.dump(same) == ast.dump(key) and type(op) in BINARY
        ):
            return Change(owner, f"[]{BINARY[type(op)]}=", (key, part))
    return Change(owner, "[]=", (key, value))


def _is_empty(node: ast.expr, kind: str) -> bool:
    match node:
        case ast.List(elts=[]):
            return kind == "list"
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name == kind
    return False


def changes_an_item(change: Change) -> bool:
    """Whether it may change, in place, what stands under a key, and not only which value stands there."""
    sign = change.operator.removeprefix("[]").removesuffix("=")
    if goes_inside(change.operator) or change.operator == BEGUN:
        return True
    return (
        change.operator.startswith("[]") and sign in ("+", "-", "*", "|", "&", "^") and not _is_plain(change.parts[-1])
    )


def _is_plain(node: ast.expr) -> bool:
    """Whether a value is sure to be a number or a text."""
    match node:
        case ast.Constant() | ast.JoinedStr():
            return True
        case ast.UnaryOp(operand=operand):
            return _is_plain(operand)
        case ast.Call(func=ast.Name(id="len" | "int" | "float" | "str" | "round" | "abs" | "bool")):
            return True
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult(), right=right):
            return _is_plain(left) and _is_plain(right)
        case ast.BinOp(op=ast.Div() | ast.FloorDiv() | ast.Pow()):
            return True
    return False


# -------------------------------------------------------------------------------------------------------- values


def changed(operator: str, before: Any, items: Any, budget: Budget) -> Any:
    """What becomes of a collection that each of `items` changes, one after the other; it stays as it was itself."""
    steps = items_of(items)
    if operator in (MIXED, BEGUN) or operator in _NESTED:
        return _Entries(before, budget).changed(operator, steps)
    if isinstance(before, list) and "list" in kinds_of(operator):
        return _list_changed(operator, before, steps, budget)
    if isinstance(before, Mapping) and "dict" in kinds_of(operator):
        return _mapping_changed(operator, before, steps, budget)
    if isinstance(before, OrderedSet | set | frozenset) and "set" in kinds_of(operator):
        return _set_changed(operator, before, steps, budget)
    raise EvaluationError(f"{described(before)} cannot be changed by `{CHANGES[operator].format('x', 'a', 'b', 'c')}`")


def _within(count: int, budget: Budget) -> None:
    if count > MAX_ITEMS:
        budget.items(count)


def _list_changed(operator: str, before: list[Any], steps: list[Any], budget: Budget) -> list[Any]:
    made = items_of(before)
    budget.items(len(made))
    for step in steps:
        if operator.startswith("[]"):
            index, value = items_of(step)
            _place(operator, made, index, value, budget)
            continue
        more = [step] if operator == ".append" else items_of(step)
        budget.spend(1 + len(more))
        budget.make(8 * len(more))
        made += more
        _within(len(made), budget)
    return made


def _place(operator: str, made: list[Any], index: Any, value: Any, budget: Budget) -> None:
    budget.spend(1)
    held, position = item_of(made, index, budget), datum(index)
    made[position] = value if operator == "[]=" else _combined(operator, held, value, budget)


def _combined(operator: str, held: Any, value: Any, budget: Budget) -> Any:
    """`held += value` and the like, of what stands in a collection."""
    sign = operator.removeprefix("[]").removesuffix("=")
    if sign == "+" and isinstance(held, list):
        return _list_changed(".extend", held, [value], budget)
    return binary(sign, held, value, budget)


def _set_changed(operator: str, before: Any, steps: list[Any], budget: Budget) -> OrderedSet:
    made = dict.fromkeys(items_of(before))
    budget.items(len(made), 100)
    for step in steps:
        more = [step] if operator == ".add" else items_of(step)
        budget.spend(1 + len(more))
        budget.make(100 * len(more))
        made |= dict.fromkeys(hashable(item, budget) for item in more)
        _within(len(made), budget)
    return OrderedSet(made)


def _mapping_changed(operator: str, before: Mapping[Any, Any], steps: list[Any], budget: Budget) -> dict[Any, Any]:
    made = dict(before)
    budget.items(len(made), 100)
    own: set[Any] = set()  # the keys whose lists and sets were made here
    for step in steps:
        budget.spend(1)
        if operator == ".update":
            _update(made, step, budget)
        else:
            key, *parts = items_of(step)
            _put(operator, made, hashable(key, budget), parts, own, budget)
        _within(len(made), budget)
    return made


def _update(made: dict[Any, Any], step: Any, budget: Budget) -> None:
    if isinstance(step, Mapping):
        budget.items(len(step), 100)
        made.update(step)
        return
    for position, pair in enumerate(items_of(step)):
        items = items_of(pair)
        budget.make(100)
        if len(items) != 2:
            raise EvaluationError(f"`update` takes pairs; item {position} is {described(pair)}", "ValueError")
        made[hashable(items[0], budget)] = items[1]


def _put(operator: str, made: dict[Any, Any], key: Any, parts: list[Any], own: set[Any], budget: Budget) -> None:
    budget.make(100)
    match operator, parts:
        case "[]=", [value]:
            made[key] = value
        case ".setdefault", [value]:
            made.setdefault(key, value)
        case (("setdefault.append" | "setdefault.extend"), [value]):
            _grow(operator.removeprefix("setdefault"), made, key, value, own, budget)
        case "setdefault.add", [value]:
            made[key] = _set_changed(".add", made.get(key, OrderedSet()), [value], budget)
        case _, [value] if operator.startswith("[]"):
            held = item_of(made, key, budget)
            if operator == "[]+=" and isinstance(held, list):
                _grow(".extend", made, key, value, own, budget)
            else:
                made[key] = _combined(operator, held, value, budget)
        case _, [start, value]:
            made[key] = binary(operator.removeprefix("get"), made.get(key, start), value, budget)


def _grow(operator: str, made: dict[Any, Any], key: Any, value: Any, own: set[Any], budget: Budget) -> None:
    """Add to the list under a key, which is copied only the first time."""
    if key not in own:
        held = made.get(key, [])
        if not isinstance(held, list):
            raise EvaluationError(f"{described(held)} stands there, which is no list", "AttributeError")
        made[key] = items_of(held)
        budget.items(len(held))
        own.add(key)
    more = [value] if operator == ".append" else items_of(value)
    budget.spend(1 + len(more))
    budget.make(8 * len(more))
    made[key] += more
    _within(len(made[key]), budget)


class _Entries:
    """A collection that is changed in several ways, or in what stands in it: what is changed is copied once.

    `_own`: the places of collections in it that were copied, and in each of these likewise.
    """

    def __init__(self, before: Any, budget: Budget) -> None:
        self._budget = budget
        self._made = _copied(before, budget)
        self._own: _Own = {}

    def changed(self, operator: str, steps: list[Any]) -> Any:
        """What becomes of it."""
        for step in steps:
            self._change(operator, items_of(step))
            _within(len(self._made), self._budget)
        return self._made

    def _change(self, operator: str, parts: list[Any]) -> None:
        self._budget.spend(1)
        made, own = self._made, self._own
        match operator, parts:
            case "changes", [str(name), *rest]:
                self._change(name, rest)
            case "begun", [key, begin, *more]:
                if hashable(key, self._budget) not in made:
                    self._put(made, key, begin, own)
                    return
                for name, *rest in map(items_of, more):
                    self._change(name, [key, *rest])
            case ".setdefault", [key, value]:
                if hashable(key, self._budget) not in made:
                    self._put(made, key, value, own)
            case (("setdefault.append" | "setdefault.extend" | "setdefault.add"), [key, value]):
                if hashable(key, self._budget) not in made:
                    self._put(made, key, OrderedSet() if operator.endswith("add") else [], own)
                self._inside(made, key, operator.removeprefix("setdefault"), [value], own)
            case _, [key, *rest] if operator.startswith("[]"):
                self._at(made, key, operator[2:], rest, own)
            case _, [key, start, value] if operator.startswith("get"):
                known = made.get(hashable(key, self._budget), start)
                self._put(made, key, binary(operator[3:], known, value, self._budget), own)
            case _, [value]:
                self._made = changed(operator, made, [value], self._budget)
                own.clear()

    def _at(self, made: Any, key: Any, sign: str, parts: list[Any], own: _Own) -> None:
        """Change what stands in a place: `= v`, `+= v`, `[m] = v`, `.append(v)`."""
        match parts:
            case [value] if sign == "=":
                self._put(made, key, value, own)
            case [value] if sign.endswith("=") and not sign.startswith("["):
                held = item_of(made, key, self._budget)
                if isinstance(held, list | Mapping | OrderedSet | set):
                    message = (
                        f"`{sign}` of {described(held)}, which others may see: put a new value there, or `.extend`"
                    )
                    raise EvaluationError(message, "TypeError")
                self._put(made, key, binary(sign[:-1], held, value, self._budget), own)
            case _:
                self._inside(made, key, sign, parts, own)

    def _inside(self, made: Any, key: Any, sign: str, parts: list[Any], own: _Own) -> None:
        held = item_of(made, key, self._budget)
        place = _place_of(made, key, self._budget)
        if sign == ".add":
            if not isinstance(held, OrderedSet | set | frozenset):
                raise EvaluationError(f"{described(held)} stands there, which is no set", "AttributeError")
            made[place] = _set_changed(sign, held, parts, self._budget)
            return
        if place not in own:
            made[place] = held = _copied(held, self._budget)
            own[place] = {}
        if sign.startswith("["):
            inner, *rest = parts
            self._at(held, inner, sign[2:], rest, own[place])
            return
        if not isinstance(held, list):
            raise EvaluationError(f"{described(held)} stands there, which is no list", "AttributeError")
        more = parts if sign == ".append" else items_of(parts[0])
        self._budget.spend(1 + len(more))
        self._budget.make(8 * len(more))
        held += more
        _within(len(held), self._budget)

    def _put(self, made: Any, key: Any, value: Any, own: _Own) -> None:
        self._budget.make(100)
        if isinstance(made, list):
            item_of(made, key, self._budget)
        place = _place_of(made, key, self._budget)
        own.pop(place, None)
        made[place] = value
        _within(len(made), self._budget)


_Own: TypeAlias = "dict[Any, _Own]"


def _copied(value: Any, budget: Budget) -> Any:
    """A collection, to be changed."""
    if isinstance(value, list):
        budget.items(len(value))
        return items_of(value)
    if isinstance(value, Mapping):
        budget.items(len(value), 100)
        return dict(value)
    if isinstance(value, OrderedSet):
        return value
    raise EvaluationError(f"{described(value)} cannot be changed in place", "TypeError")


def _place_of(made: Any, key: Any, budget: Budget) -> Any:
    """Where something stands: the place in a list counted from its beginning, or the key."""
    return range(len(made))[datum(key)] if isinstance(made, list) else hashable(key, budget)
