"""An interpreter of plans that goes from line to line, for what is missing too (rules L11, L12, L15, L33, L34).

It knows nothing of tasks: a name has a value, or lacks one, or stands for items of which some are lacking. All else,
Python computes itself.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

Shape: TypeAlias = Any
"""("value", v), "guard", "cause", or ("items", shapes): as in `missing_items`."""


@dataclass(frozen=True, slots=True)
class Lack:
    """No value. `cause`: something failed. `adrift`: an item of which nobody knows whether it is one."""

    cause: bool
    adrift: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple, set or dict with items that have no value; a dict's have `keys`."""

    kind: str
    slots: tuple[Any, ...]
    keys: tuple[Any, ...] = ()
    replaced: tuple[Lack, ...] = ()
    """What had no value under a key that has another now."""

    @property
    def adrift(self) -> bool:
        return any(isinstance(slot, Lack) and slot.adrift for slot in self.slots)


BY_CAUSE: Final = Lack(cause=True)
BY_GUARD: Final = Lack(cause=False)
_EMPTY: Final[Mapping[str, Callable[[Any], Any]]] = {"list": list, "tuple": tuple, "set": set}
_FAILING = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def lacks(value: Any) -> Iterator[Lack]:
    """What is lacking in a value, at any depth."""
    if isinstance(value, Lack):
        yield value
    elif isinstance(value, Items):
        yield from value.replaced
        for slot in value.slots:
            yield from lacks(slot)


def whole(value: Any) -> Any:
    """The value where all of it is needed: itself, or why not."""
    missing = list(lacks(value))
    return Lack(any(lack.cause for lack in missing)) if missing else value


def held(kind: str, slots: list[Any], keys: list[Any] | None = None, replaced: tuple[Lack, ...] = ()) -> Any:
    """A collection of these."""
    if replaced or any(isinstance(slot, Lack | Items) for slot in slots):
        return Items(kind, tuple(slots), tuple(keys or ()), replaced)
    try:
        return dict(zip(keys or (), slots, strict=True)) if kind == "dict" else _EMPTY[kind](slots)
    except TypeError:  # an item that no set can have
        return BY_CAUSE


def by_key(value: Any) -> Any:
    """The same where its keys are asked for: a mapping of which nobody knows the keys is needed as a whole."""
    return whole(value) if isinstance(value, Items) and value.kind == "dict" and value.adrift else value


def slots_of(value: Any) -> list[Any]:
    """The items of what is gone through, each with a value or without."""
    if isinstance(value, Items):
        return list(value.keys or value.slots) if value.kind == "dict" else list(value.slots)
    return list(value)


def shape(value: Any) -> Shape:
    """A value as `missing_items.shape` tells of an outcome."""
    if isinstance(value, Lack):
        return "cause" if value.cause else "guard"
    if isinstance(value, Items):
        slots = [shape(slot) for slot in value.slots]
        return ("items", slots) if any(slot[0] != "value" for slot in slots) else shape(whole(value))
    return ("value", list(value) if isinstance(value, tuple) else value)


Names: TypeAlias = dict[str, Any]


LOOKING: Final = ("ok", "default")


def free_names(node: ast.AST) -> set[str]:
    """The names in an expression that stand for what was assigned above."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    bound = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    bound |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return {each.id for each in names} - bound - {*vars(builtins)}


@dataclass(slots=True)
class Interpreter:
    """Goes through a plan. `functions` are its tools; what `joined` has is what each argument of `join` came to."""

    functions: Mapping[str, Callable[..., Any]]
    names: Names = field(default_factory=dict)
    joined: list[Shape] = field(default_factory=list)
    _stopped: bool = False
    _folded: list[frozenset[str]] = field(default_factory=list)

    def run(self, source: str) -> None:
        for tree in ast.parse(source).body:
            self._statement(tree, self.names)

    # --------------------------------------------------------------------------------------------------- statements

    def _statement(self, tree: ast.stmt, names: Names) -> None:
        match tree:
            case ast.Expr(value=ast.Call(func=ast.Name(id="join"), args=args)):
                self._stopped = False
                self.joined += [shape(self.value(argument, names)) for argument in args]
            case _ if self._stopped:
                self._without(tree, names, BY_CAUSE)
            case ast.Assert(test=test):
                found = whole(self.value(test, names))
                self._stopped = isinstance(found, Lack) or not found
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=owner), slice=key)], value=value):
                self._put(owner, self.value(key, names), self.value(value, names), names)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, self.value(value, names), names)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                names[name] = self.value(ast.BinOp(ast.Name(name, ast.Load()), op, value), names)
                if isinstance(target, ast.Name) and isinstance(names[name], Items):
                    names[name] = whole(names[name])
            case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=owner) as base, slice=key), op=op, value=value):
                made = self.value(ast.BinOp(ast.Subscript(base, key, ast.Load()), op, value), names)
                self._put(owner, self.value(key, names), made, names, adding=True)
            case ast.If(test=test, body=body, orelse=orelse):
                found = whole(self.value(test, names))
                if isinstance(found, Lack):
                    self._without(tree, names, found)
                else:
                    for each in body if found else orelse:
                        self._statement(each, names)
            case ast.For():
                self._for(tree, names)
            case ast.Try(body=[ast.Assign(targets=[target], value=value)], handlers=[handler]):
                (fallback,) = (each.value for each in handler.body if isinstance(each, ast.Assign))
                self._assign(target, self._tried(value, fallback, names), names)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=args)) if (
                name in ("append", "extend", "sort", "update")
            ):
                self._change(owner, name, tree.value, [self.value(argument, names) for argument in args], names)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="setdefault"), args=args)):
                key, item = (self.value(argument, names) for argument in args)
                entries = self._entries(names[owner])
                there = entries is not None and not isinstance(whole(key), Lack) and key in entries
                self._put(owner, key, entries[key] if there and entries is not None else item, names)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner)), args=[key, _])),
                    args=[item],
                )
            ):
                self._grow(owner, self.value(key, names), self.value(item, names), names)
            case ast.Expr(value=value):
                self.value(value, names)
            case _:
                raise AssertionError(ast.dump(tree))

    def _without(self, tree: ast.stmt, names: Names, lack: Lack) -> None:
        """A statement that nobody knows whether it is reached: what it assigns or changes has no value."""
        inner = {id(each) for node in ast.walk(tree) if isinstance(node, ast.comprehension) for each in ast.walk(node)}
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) if id(node) not in inner:
                    names[name] = lack
                case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                    names[name] = lack
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"))):
                    drifts = self._folded and name in self._folded[-1]
                    names[name] = self._appended(names[name], replace(lack, adrift=True)) if drifts else lack
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
                    while isinstance(owner, ast.Call | ast.Attribute):
                        owner = owner.func if isinstance(owner, ast.Call) else owner.value
                    if isinstance(owner, ast.Name):
                        names[owner.id] = lack

    def _appended(self, before: Any, item: Any) -> Any:
        if isinstance(before, Lack):
            return Lack(before.cause or any(lack.cause for lack in lacks(item)))
        return held("list", [*slots_of(before), item])

    def _assign(self, target: ast.expr, value: Any, names: Names) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for each, part in zip(targets, self._parts(value, len(targets)), strict=True):
                    self._assign(each, part, names)

    def _parts(self, value: Any, count: int) -> list[Any]:
        if isinstance(value, Lack):
            return [replace(value, adrift=False)] * count
        if isinstance(value, Items) and (value.adrift or value.kind == "set"):
            return [whole(value)] * count
        try:
            slots = slots_of(value)
        except TypeError:
            return [BY_CAUSE] * count
        return slots if len(slots) == count else [BY_CAUSE] * count

    def _for(self, tree: ast.For, names: Names) -> None:
        over = by_key(self.value(tree.iter, names))
        try:
            slots = [] if isinstance(over, Lack) else slots_of(over)
        except TypeError:
            over, slots = BY_CAUSE, []
        if isinstance(over, Lack):
            self._without(tree, names, over)
            return
        self._folded.append(frozenset(names))
        for slot in slots:
            if isinstance(slot, Lack) and slot.adrift:
                self._assign(tree.target, replace(slot, adrift=False), names)
                for each in tree.body:
                    self._without(each, names, replace(slot, adrift=False))
                continue
            self._assign(tree.target, slot, names)
            for each in tree.body:
                self._statement(each, names)
        self._folded.pop()

    def _tried(self, value: ast.expr, fallback: ast.expr, names: Names) -> Any:
        found = self.value(value, names)
        missing = whole(found)
        if not isinstance(missing, Lack):
            return found
        named = free_names(value) - {*self.functions, *LOOKING}  # also where it is not reached
        before = [lack for name in named for lack in lacks(names.get(name, BY_GUARD))]
        if before:
            return Lack(any(lack.cause for lack in before))
        return ast.literal_eval(fallback) if missing.cause else missing

    def _change(self, owner: str, name: str, call: ast.expr, given: list[Any], names: Names) -> None:
        before = names[owner]
        if name == "append":
            names[owner] = self._appended(before, *given)
            return
        one, more = self._entries(before), self._entries(given[0]) if given else None
        if name == "update" and one is not None and more is not None:
            names[owner] = held("dict", list((one | more).values()), list(one | more))
            return
        parts = [whole(before), *map(whole, given)]
        if missing := [part for part in parts if isinstance(part, Lack)]:
            names[owner] = Lack(any(lack.cause for lack in missing))
            return
        copied = dict(before) if isinstance(before, dict) else list(before)
        found = self.value(call, {**names, owner: copied})
        names[owner] = found if isinstance(found, Lack) else copied

    def _put(self, owner: str, key: Any, item: Any, names: Names, *, adding: bool = False) -> None:
        """`owner[key] = item`: by key, of a mapping. What is `adding` to an entry fails where there is none."""
        before, key = names[owner], whole(key)
        entries = self._entries(before)
        if entries is None or isinstance(key, Lack) or (adding and key not in entries):
            parts = (before, key, item)
            if entries is None and not any(True for part in parts for _ in lacks(part)):
                names[owner] = self._in_list(before, key, item)
                return
            names[owner] = Lack(any(lack.cause for part in parts for lack in lacks(part)))
            return
        entries[key] = item
        names[owner] = held("dict", list(entries.values()), list(entries))

    def _in_list(self, before: Any, at: Any, item: Any) -> Any:
        try:
            copied = list(before)
            copied[at] = item
        except _FAILING:
            return BY_CAUSE
        return copied

    def _entries(self, value: Any) -> dict[Any, Any] | None:
        if isinstance(value, Items) and value.kind == "dict" and not value.adrift:
            return dict(zip(value.keys, value.slots, strict=True))
        return dict(value) if isinstance(value, dict) else None

    def _grow(self, owner: str, key: Any, item: Any, names: Names) -> None:
        """`owner.setdefault(key, []).append(item)`."""
        entries, key = self._entries(names[owner]), whole(key)
        if entries is None or isinstance(key, Lack):
            names[owner] = Lack(any(lack.cause for part in (names[owner], key, item) for lack in lacks(part)))
            return
        self._put(owner, key, self._appended(entries.get(key, []), item), names)

    # -------------------------------------------------------------------------------------------------- expressions

    def value(self, node: ast.expr, names: Names) -> Any:
        """What an expression comes to."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return names.get(name, BY_GUARD)
            case ast.BoolOp(op=op, values=[first, *others]):
                found = self.value(first, names)
                for each in others:
                    known = whole(found)
                    if isinstance(known, Lack):
                        return known
                    if bool(known) == isinstance(op, ast.Or):
                        return found
                    found = self.value(each, names)
                return found
            case ast.IfExp(test=test, body=body, orelse=orelse):
                known = whole(self.value(test, names))
                return known if isinstance(known, Lack) else self.value(body if known else orelse, names)
            case ast.Compare(left=left, ops=[_, _, *_] as ops, comparators=others):
                return self._chain(left, ops, others, names)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                if any(isinstance(item, ast.Starred) for item in items):
                    return self._applied(node, names)
                return held(type(node).__name__.lower(), [_placed(self.value(item, names)) for item in items])
            case ast.Dict(keys=keys) if None not in keys:
                return self._dict(node, names)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                made = list(self._made(node.generators, lambda inner: self.value(node.elt, inner), names))
                return self._of_loop(node, made)
            case ast.DictComp():
                return self._dict_loop(node, names)
            case ast.Call(func=ast.Name(id="default"), args=[tried, fallback]):
                found = self.value(tried, names)
                return self.value(fallback, names) if isinstance(whole(found), Lack) else found
            case ast.Call(func=ast.Name(id="ok"), args=[several]):
                return self._ok(self.value(several, names))
            case ast.Call(func=ast.Name(id="next"), args=[ast.GeneratorExp() as loop, fallback]):
                return self._next(self.value(loop, names), fallback, names)
            case ast.Subscript(value=base, slice=index) if not isinstance(index, ast.Slice):
                return self._item(self.value(base, names), index, node, names)
            case ast.Call(func=ast.Attribute(value=base, attr=name), args=args):
                found = by_key(self.value(base, names))
                if isinstance(found, Items) and found.kind == "dict" and name in ("get", "keys", "values", "items"):
                    return self._by_key(found, name, args, names)
                return self._applied(node, names)
        return self._applied(node, names)

    def _of_loop(self, node: ast.expr, made: list[Any]) -> Any:
        if len(made) == 1 and isinstance(made[0], _Nothing):
            return made[0].why
        slots = [each.why_adrift if isinstance(each, _Nothing) else each for each in made]
        return held("set" if isinstance(node, ast.SetComp) else "list", slots)

    def _made(self, clauses: list[ast.comprehension], element: Callable[[Names], Any], names: Names) -> Iterator[Any]:
        """What each round of a comprehension makes; `_Nothing` alone where what it goes through has no value."""
        clause, *others = clauses
        over = by_key(self.value(clause.iter, names))
        if isinstance(over, Lack):
            yield _Nothing(over)
            return
        try:
            slots = slots_of(over)
        except TypeError:
            yield _Nothing(BY_CAUSE)
            return
        for slot in slots:
            if isinstance(slot, Lack) and slot.adrift:
                yield slot
                continue
            inner = dict(names)
            self._assign(clause.target, slot, inner)
            tests = [True]
            for condition in clause.ifs:
                tests.append(whole(self.value(condition, inner)))
                if isinstance(tests[-1], Lack) or not tests[-1]:
                    break
            if isinstance(tests[-1], Lack):
                yield replace(tests[-1], adrift=True)
            elif tests[-1]:
                if not others:
                    yield _placed(element(inner))
                else:
                    for each in self._made(others, element, inner):
                        yield each.why_adrift if isinstance(each, _Nothing) else each

    def _dict(self, node: ast.Dict, names: Names) -> Any:
        pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]
        return self._mapping([(whole(self.value(key, names)), self.value(value, names)) for key, value in pairs])

    def _dict_loop(self, node: ast.DictComp, names: Names) -> Any:
        pair = lambda inner: (whole(self.value(node.key, inner)), self.value(node.value, inner))  # noqa: E731
        made = list(self._made(node.generators, pair, names))
        return made[0].why if len(made) == 1 and isinstance(made[0], _Nothing) else self._mapping(made)

    def _mapping(self, pairs: list[Any]) -> Any:
        """A dict of keys and values; a pair that is a `Lack` is one of which nobody knows whether it is there."""
        entries: dict[Any, Any] = {}
        adrift = [pair for pair in pairs if isinstance(pair, Lack)]
        pairs = [pair for pair in pairs if not isinstance(pair, Lack)]
        unknown = [lack for key, _ in pairs for lack in lacks(key)]
        missing = [lack for _, value in pairs for lack in lacks(value)]
        if unknown:
            return Lack(any(lack.cause for lack in (*unknown, *missing, *adrift)))
        try:
            for key, value in pairs:
                entries[key] = _placed(value)
        except TypeError:
            return BY_CAUSE
        there = [lack for value in entries.values() for lack in lacks(value)]
        replaced = tuple(missing) if len(missing) > len(there) else ()
        return held("dict", [*entries.values(), *adrift], list(entries), replaced)

    def _ok(self, found: Any) -> Any:
        if not isinstance(found, Items):
            return found
        there = [not isinstance(slot, Lack | Items) for slot in found.slots]
        slots = [slot for slot, is_there in zip(found.slots, there, strict=True) if is_there]
        keys = [key for key, is_there in zip(found.keys, there, strict=False) if is_there]
        return held(found.kind if found.kind != "tuple" else "list", slots, keys)

    def _next(self, found: Any, fallback: ast.expr, names: Names) -> Any:
        known = whole(found)
        if isinstance(known, Lack):
            return known
        otherwise = self.value(fallback, names)
        missing = whole(otherwise)
        return missing if isinstance(missing, Lack) else known[0] if known else otherwise

    def _item(self, found: Any, index: ast.expr, node: ast.expr, names: Names) -> Any:
        found = by_key(found)
        if not isinstance(found, Items):
            return self._applied(node, names)
        constant = isinstance(index, ast.Constant) or (
            isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant)
        )
        at = whole(self.value(index, names))
        if found.kind == "dict":
            missing = [*lacks(at)]
            if missing:
                return Lack(any(lack.cause for lack in [*missing, *lacks(found)]))
            return dict(zip(found.keys, found.slots, strict=True)).get(at, BY_CAUSE)
        adrift = [i for i, slot in enumerate(found.slots) if isinstance(slot, Lack) and slot.adrift]
        if not constant or found.kind == "set" or (adrift and not 0 <= at < adrift[0]):
            return Lack(any(lack.cause for lack in [*lacks(at), *lacks(found)]))
        return found.slots[at] if -len(found.slots) <= at < len(found.slots) else BY_CAUSE

    def _by_key(self, found: Items, name: str, args: list[ast.expr], names: Names) -> Any:
        if name == "keys":
            return list(found.keys)
        if name == "values":
            return Items("list", found.slots)
        if name == "items":
            return Items("list", tuple(held("tuple", [k, v]) for k, v in zip(found.keys, found.slots, strict=True)))
        given = [self.value(argument, names) for argument in args]
        key = whole(given[0])
        if isinstance(key, Lack):
            return Lack(any(lack.cause for part in (found, *given) for lack in lacks(part)))
        return dict(zip(found.keys, found.slots, strict=True)).get(key, given[1] if len(given) > 1 else None)

    def _chain(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], names: Names) -> Any:
        inner = {**names, "_0": self.value(left, names)}
        found: Any = True
        for number, (op, other) in enumerate(zip(ops, others, strict=True)):
            inner[f"_{number + 1}"] = self.value(other, names)
            one, two = (ast.Name(f"_{number + at}", ast.Load()) for at in (0, 1))
            found = self._applied(ast.Compare(one, [op], [two]), inner)
            if isinstance(found, Lack) or not found:
                return found
        return found

    def _applied(self, node: ast.expr, names: Names) -> Any:
        """What Python makes of an expression whose parts are all needed as a whole."""
        parts: dict[str, Any] = {}
        taken = _Parts(self, names, parts)
        text = ast.unparse(taken.of(node))
        missing = [part for part in parts.values() if isinstance(part, Lack)]
        if missing:
            return Lack(any(lack.cause for lack in missing))
        try:
            return eval(text, {**self.functions, "reversed": lambda xs: list(reversed(xs)), **parts})
        except NameError:
            return Lack(any(lack.cause for lack in taken.later))
        except _FAILING:
            return BY_CAUSE


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A loop over what has no value."""

    why: Lack

    @property
    def why_adrift(self) -> Lack:
        return replace(self.why, adrift=True)


def _placed(value: Any) -> Any:
    """An item at a place of its own."""
    return replace(value, adrift=False) if isinstance(value, Lack) else value


class _Parts(ast.NodeTransformer):
    """Puts a name in the place of every part of an expression, and what each comes to as a whole into `parts`."""

    def __init__(self, interpreter: Interpreter, names: Names, parts: dict[str, Any]) -> None:
        self._interpreter = interpreter
        self._names = names
        self._parts = parts
        self.later: list[Lack] = []

    def of(self, node: ast.expr) -> ast.AST:
        """The expression with its parts replaced."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = ast.Call(self.generic_visit(self._copy(node.func)), node.args, node.keywords)  # type: ignore[arg-type]
            return ast.Call(node.func, *self._visited(node.args, node.keywords))
        return self.generic_visit(self._copy(node))

    def _visited(self, *several: list[Any]) -> list[list[Any]]:
        return [[self.visit(each) for each in nodes] for nodes in several]

    def _copy(self, node: Any) -> Any:
        """A copy down to the parts, which stay as they are."""
        return type(node)(**{name: list(x) if isinstance(x, list) else x for name, x in ast.iter_fields(node)})

    def visit(self, node: ast.AST) -> ast.AST:
        match node:
            case ast.keyword() | ast.Slice() | ast.FormattedValue() | ast.Starred() | ast.JoinedStr():
                return self.generic_visit(self._copy(node))
            case ast.Name(id=name) if name not in self._names and (
                name in self._interpreter.functions or hasattr(builtins, name)
            ):
                return node
            case ast.Attribute(value=ast.Name(id="str")) | ast.Constant():
                return node
            case ast.Attribute(attr="get"):
                return self.generic_visit(self._copy(node))
            case ast.Lambda(args=arguments, body=body):
                own = {argument.arg for argument in arguments.args}
                for name in free_names(body) - own - {*self._interpreter.functions, *LOOKING}:
                    found = whole(self._names.get(name, BY_GUARD))
                    if isinstance(found, Lack):
                        self.later.append(found)  # it is missed only where there is an item
                    else:
                        self._parts[name] = found
                return node
            case ast.expr():
                name = f"_part{len(self._parts)}"
                self._parts[name] = whole(self._interpreter.value(node, self._names))
                return ast.Name(name, ast.Load())
        return node
