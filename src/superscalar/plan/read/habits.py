"""Ways in which models write a loop, as the statements that a plan has (rule L14).

`continue` is what it leaves out, under an `if`. An entry that is begun where its key is new, and then added to, is one
step. Nothing is called more or less often, in another order, or with something else.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

Block = list[ast.stmt]

MOST: Final = 50
"""How many `continue`s of a loop are left out: each puts the lines behind it one block further in (rule L25)."""

_ACTS: Final = (ast.Call, ast.NamedExpr, ast.Await)


def straightened(loop: ast.For) -> Block:
    """The body of a loop without the `continue`s that can be left out, and with one step for each entry."""
    many = sum(isinstance(node, ast.Continue) for node in ast.walk(loop)) > MOST
    kept = _assigned(loop)
    return _straight(_summed(loop.body, kept), last=not many)


def _straight(block: Sequence[ast.stmt], *, last: bool = True) -> Block:
    """The lines of a block. `last`: nothing of the loop stands behind it, so that leaving the rest out is going on."""
    made: Block = []
    for place, statement in enumerate(block):
        rest = block[place + 1 :]
        match statement:
            case ast.Continue() if last:
                return _begun(made)
            case ast.If() if last and (_goes_on(statement.body) or _goes_on(statement.orelse)):
                return _begun([*made, _without_rest(statement, rest)])
            case ast.If(test=test, body=body, orelse=orelse):
                ends = last and not rest
                whole = ast.If(test, _straight(body, last=ends), _straight(orelse, last=ends))
                whole.body = whole.body or [ast.copy_location(ast.Pass(), statement)]
                made.append(ast.copy_location(whole, statement))
            case ast.Try(handlers=[ast.ExceptHandler(body=[*_, ast.Continue()])], finalbody=[]) if last:
                return _begun([*made, _tried_before(statement, rest)])
            case _:
                made.append(statement)
    return _begun(made)


def _goes_on(block: Sequence[ast.stmt]) -> bool:
    """Whether a block ends with the next item, whichever way is taken in it."""
    match block[-1:]:
        case [ast.Continue()]:
            return True
        case [ast.If(body=body, orelse=orelse)]:
            return _goes_on(body) and _goes_on(orelse)
    return False


def _without_rest(statement: ast.If, rest: Sequence[ast.stmt]) -> ast.If:
    """An `if` one of whose arms goes on with the next item, with the lines behind it in the other one."""
    arms = [_straight(arm if _goes_on(arm) else [*arm, *rest]) for arm in (statement.body, statement.orelse)]
    made = ast.If(statement.test, arms[0] or [ast.copy_location(ast.Pass(), statement)], arms[1])
    return ast.copy_location(made, statement)


def _tried_before(statement: ast.Try, rest: Sequence[ast.stmt]) -> ast.Try:
    """A `try` whose handler goes on with the next item, with the lines behind it where nothing failed."""
    [handler] = statement.handlers
    handling = _straight(handler.body) or [ast.copy_location(ast.Pass(), handler)]
    caught = ast.copy_location(ast.ExceptHandler(handler.type, handler.name, handling), handler)
    made = ast.Try(statement.body, [caught], _straight([*statement.orelse, *rest]), [])
    return ast.copy_location(made, statement)


def _assigned(loop: ast.For) -> set[str]:
    """The names that a loop assigns otherwise than by adding to them."""
    found = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    for statement in loop.body:
        for node in ast.walk(statement):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp() as value) if (
                    first := _added_to(value)[0]
                ) is not None and first.id == name:
                    pass
                case ast.Assign() | ast.AnnAssign() | ast.For():
                    stored = node.targets if isinstance(node, ast.Assign) else [node.target]
                    found |= {part.id for each in stored for part in ast.walk(each) if isinstance(part, ast.Name)}
    return found


def _summed(block: Sequence[ast.stmt], kept: set[str]) -> Block:
    """A block in which totals that are written out are added to one by one, but those of names that are `kept`."""
    made: Block = []
    for statement in block:
        if isinstance(statement, ast.If):
            arms = [_summed(arm, kept) for arm in (statement.body, statement.orelse)]
            made.append(ast.copy_location(ast.If(statement.test, *arms), statement))
        else:
            made += _one_by_one(statement, kept)
    return made


def _added_to(value: ast.BinOp) -> tuple[ast.Name | None, list[ast.expr]]:
    """Of `s + a + b` the name `s`, and what is added to it."""
    added: list[ast.expr] = []
    first: ast.expr = value
    while isinstance(first, ast.BinOp) and type(first.op) is type(value.op):
        added.append(first.right)
        first = first.left
    added.reverse()
    return (first if isinstance(first, ast.Name) else None), added


def _one_by_one(statement: ast.stmt, kept: set[str]) -> Block:
    """`s = s + a + b` as `s = s + a` and `s = s + b`, which is how Python goes about it."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.BinOp(), op=op) as value) if (
            name not in kept
        ):
            first, added = _added_to(value)
        case _:
            return [statement]
    if first is None or first.id != name or any(_mentions(part, name) for part in added):
        return [statement]
    sums = [ast.copy_location(ast.BinOp(_copy(first), op, part), value) for part in added]
    return [ast.copy_location(ast.Assign([_copy(statement.targets[0])], sum), statement) for sum in sums]


def _copy(node: ast.expr) -> ast.expr:
    assert isinstance(node, ast.Name)
    return ast.copy_location(ast.Name(node.id, node.ctx), node)


def _begun(block: Block) -> Block:
    """A block in which an entry that is begun where its key is new, and added to in the next line, is one step."""
    made: Block = []
    for statement in block:
        step = _with_start(made[-1], statement) if made else None
        if step is None:
            step = _either(statement)
        elif made:
            made.pop()
        made.append(statement if step is None else step)
    return [step for statement in made for step in _begun_in_place(_if_new(statement))]


def _begun_in_place(statement: ast.stmt) -> Block:
    """`d.setdefault(k, {})["n"] = 1` as the two steps that it is."""
    match statement:
        case (
            ast.Assign(targets=[ast.Subscript(value=ast.Call() as begun) as place])
            | ast.AugAssign(target=ast.Subscript(value=ast.Call() as begun) as place)
        ):
            pass
        case _:
            return [statement]
    match begun:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="setdefault"), args=[key, _], keywords=[]):
            known = ast.copy_location(ast.Name(owner, ast.Load()), begun)
            entry = ast.copy_location(ast.Subscript(known, key, ast.Load()), begun)
            inside = ast.copy_location(ast.Subscript(entry, place.slice, ast.Store()), place)
            if not any(isinstance(part, _ACTS) for part in ast.walk(key)) and isinstance(statement.value, ast.expr):
                again: ast.stmt = (
                    ast.AugAssign(inside, statement.op, statement.value)
                    if isinstance(statement, ast.AugAssign)
                    else ast.Assign([inside], statement.value)
                )
                first = ast.copy_location(ast.Expr(begun), statement)
                return [first, ast.copy_location(again, statement)]
    return [statement]


def _if_new(statement: ast.stmt) -> ast.stmt:
    """`if k not in d: d[k] = {"n": 0}` as `d.setdefault(k, {"n": 0})`, where making the value cannot fail."""
    match statement:
        case ast.If(
            test=ast.Compare(left=key, ops=[ast.NotIn()], comparators=[ast.Name(id=owner)]),
            body=[ast.Assign(targets=[place], value=start)],
            orelse=[],
        ) if _is_entry(place, owner, key) and _cannot_fail(start):
            known = ast.copy_location(ast.Name(owner, ast.Load()), key)
            return ast.copy_location(ast.Expr(_call(known, "setdefault", [key, start], place)), statement)
    return statement


def _cannot_fail(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.Attribute(value=value):
            return _cannot_fail(value)
        case ast.List(elts=several) | ast.Tuple(elts=several):
            return all(map(_cannot_fail, several))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and isinstance(key, ast.Constant) for key in keys) and all(
                map(_cannot_fail, values)
            )
        case ast.Call(func=ast.Name(id="list" | "set" | "dict"), args=[], keywords=[]):
            return True
    return False


def _with_start(first: ast.stmt, second: ast.stmt) -> ast.stmt | None:
    """`if k not in d: d[k] = c`, and then `d[k] += e` or `d[k].append(e)`."""
    match first:
        case ast.If(
            test=ast.Compare(left=key, ops=[ast.NotIn()], comparators=[ast.Name(id=owner)]),
            body=[ast.Assign(targets=[place], value=start)],
            orelse=[],
        ) if _is_entry(place, owner, key):
            return _added(second, owner, key, start)
    return None


def _either(statement: ast.stmt) -> ast.stmt | None:
    """`if k in d: d[k] += e`, `else: d[k] = e`, and the same of lists and with `not in`."""
    match statement:
        case ast.If(
            test=ast.Compare(left=key, ops=[ast.In() | ast.NotIn() as sign], comparators=[ast.Name(id=owner)]),
            body=[one],
            orelse=[other],
        ):
            adds, begins = (one, other) if isinstance(sign, ast.In) else (other, one)
        case _:
            return None
    match begins:
        case ast.Assign(targets=[place], value=value) if _is_entry(place, owner, key):
            pass
        case _:
            return None
    match adds, value:
        case ast.AugAssign(op=ast.Add(), value=ast.Constant(value=int() | float() as added)), ast.Constant(
            value=first
        ) if type(added) is type(first) and added == first:
            return _added(adds, owner, key, ast.copy_location(ast.Constant(type(added)(0)), value))
        case (
            ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[item])),
            ast.List(elts=[ast.expr() as same]),
        ) if ast.dump(item) == ast.dump(same):
            return _added(adds, owner, key, ast.copy_location(ast.List([], ast.Load()), value))
    return None


def _added(statement: ast.stmt, owner: str, key: ast.expr, start: ast.expr) -> ast.stmt | None:
    """What is added to `owner[key]`, which begins as `start`; None if a statement is no such thing."""
    known = ast.copy_location(ast.Name(owner, ast.Load()), key)
    match statement, start:
        case ast.AugAssign(target=place, op=op, value=value), ast.Constant(value=int() | float() | str()):
            pass
        case ast.Assign(targets=[place], value=ast.BinOp(left=before, op=op, right=value)), ast.Constant(
            value=int() | float() | str()
        ) if _is_entry(before, owner, key):
            pass
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=place, attr=attr), args=[_] as items, keywords=[]) as call
        ), _ if _is_entry(place, owner, key) and _is_empty(start, attr) and not _mentions(items[0], owner):
            begun = _call(known, "setdefault", [key, start], place)
            whole = ast.Expr(_call(begun, attr, items, call))
            return ast.copy_location(whole, statement)
        case _:
            return None
    if not _is_entry(place, owner, key) or _mentions(value, owner):
        return None
    sum = ast.copy_location(ast.BinOp(_call(known, "get", [key, start], place), op, value), statement)
    target = ast.copy_location(
        ast.Subscript(ast.copy_location(ast.Name(owner, ast.Load()), place), key, ast.Store()), place
    )
    return ast.copy_location(ast.Assign([target], sum), statement)


def _call(owner: ast.expr, method: str, arguments: list[ast.expr], place: ast.AST) -> ast.Call:
    function = ast.copy_location(ast.Attribute(owner, method, ast.Load()), place)
    return ast.copy_location(ast.Call(function, arguments, []), place)


def _is_entry(node: ast.expr, owner: str, key: ast.expr) -> bool:
    """Whether it is `owner[key]`, where nothing is called to get at the key."""
    match node:
        case ast.Subscript(value=ast.Name(id=id), slice=same) if id == owner:
            return ast.dump(same) == ast.dump(key) and not any(isinstance(part, _ACTS) for part in ast.walk(key))
    return False


def _is_empty(start: ast.expr, method: str) -> bool:
    match start:
        case ast.List(elts=[]):
            return method in ("append", "extend")
        case ast.Call(func=ast.Name(id=kind), args=[], keywords=[]):
            return (kind, method) in (("list", "append"), ("list", "extend"), ("set", "add"))
    return False


def _mentions(node: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
