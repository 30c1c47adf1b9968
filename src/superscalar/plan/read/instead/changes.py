"""Statements that change a value in place, as ones that name the new value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from superscalar.plan.read.instead import folds
from superscalar.plan.read.instead.code import (
    NoShortCode,
    added,
    as_list,
    filled,
    fresh_name,
    mentioned_names,
    name,
    tried,
    write,
    written,
)
from superscalar.plan.read.instead.forms import IsList

NO_CHANGE = "results do not change: assign a new value to the name, or make it with a comprehension"


def instead_of_change(call: ast.Call, loops: Sequence[ast.For], statement: ast.stmt | None, is_list: IsList) -> str:
    """What to write for `xs.append(x)` and the like. `loops`: those in which its statement stands."""
    assert isinstance(call.func, ast.Attribute)
    owner, method = call.func.value, call.func.attr
    base = _base(owner)
    through = folds.loops_of(base.id, loops) if base is not None else ()
    match statement:
        case ast.Expr(value=value) if value is call and through:
            help = _method_in_loop(owner, method, call, through, statement)
        case ast.Expr(value=value) if value is call:
            return _method(owner, method, call, is_list) or NO_CHANGE
        case _:
            help = ""
    if through:
        return help or f"a loop only adds: xs.append(x), xs += [x], n += x; {NO_CHANGE}"
    return _value_of(owner, method, call) or _method(owner, method, call, is_list) or NO_CHANGE


@tried
def _method_in_loop(owner: ast.expr, method: str, call: ast.Call, loops: folds.Loops, statement: ast.stmt) -> str:
    match owner, method, call.args:
        case ast.Name(), "add", [item]:
            return folds.members(owner, item, loops, statement)
        case ast.Name(), "append", [item]:
            return folds.appended(owner, item, loops, statement)
        case ast.Name(), "update", [ast.Dict(keys=[ast.expr() as key], values=[value])]:
            return folds.keyed_entries(owner, key, value, loops, statement)
        case ast.Subscript(value=ast.Name() as mapping, slice=key), "append", [item]:
            return folds.by_key(mapping, key, item, ast.List([], ast.Load()), "append", loops, statement)
        case ast.Subscript(value=ast.Name() as mapping, slice=key), "add", [item]:
            return folds.by_key(mapping, key, item, filled("set()"), "add", loops, statement)
        case (
            ast.Call(func=ast.Attribute(value=ast.Name() as mapping, attr="setdefault"), args=[key, start]),
            "append" | "add" as how,
            [item],
        ):
            return folds.by_key(mapping, key, item, start, how, loops, statement)
    raise NoShortCode


@tried
def _method(owner: ast.expr, method: str, call: ast.Call, is_list: IsList) -> str:
    """A method as a statement outside of loops."""
    match owner:
        case ast.Call(func=ast.Attribute(value=target, attr="setdefault"), args=[key, start]) if _base(target):
            old: ast.expr = filled("D.get(KEY, START)", D=target, KEY=key, START=start)
            place: ast.expr = filled("D[KEY]", D=target, KEY=key)
        case _:
            old = place = owner
    if _base(place) is None:
        raise NoShortCode
    if method == "sort":
        sorting = ast.Call(ast.Name("sorted", ast.Load()), [old], call.keywords)
        return "write " + stored(place, sorting)
    return "write " + stored(place, _changed(old, method, call, is_list))


def _changed(old: ast.expr, method: str, call: ast.Call, is_list: IsList) -> ast.expr:
    """What the value is behind the change."""
    x = ast.Name(fresh_name("x", mentioned_names(call)), ast.Load())
    match method, call.args, call.keywords:
        case "append", [item], []:
            return added([old, ast.List([item], ast.Load())])
        case "extend", [items], []:
            return added([old, as_list(items, is_list)])
        case "insert", [ast.Constant(value=0), item], []:
            return added([ast.List([item], ast.Load()), old])
        case "insert", [index, item], []:
            return filled("XS[:I] + [X] + XS[I:]", XS=old, I=index, X=item)
        case "remove", [item], []:
            return filled("[X for X in XS if X != ITEM]", XS=old, X=x, ITEM=item)
        case "discard", [item], []:
            return filled("S - {X}", S=old, X=item)
        case "add", [item], []:
            return filled("S | {X}", S=old, X=item)
        case "reverse", [], []:
            return filled("XS[::-1]", XS=old)
        case "pop", [], []:
            return filled("XS[:-1]", XS=old)
        case "pop", [ast.Constant(value=0)], []:
            return filled("XS[1:]", XS=old)
        case "pop", [key, *_], []:
            return without_key(old, key)
        case "update", [ast.Dict() | ast.DictComp() | ast.Name() as other], []:
            return filled("D | OTHER", D=old, OTHER=other)
        case "update", [other], []:
            return filled("D | dict(OTHER)", D=old, OTHER=other)
        case "update", [], [*keywords] if all(k.arg is not None for k in keywords):
            keys: list[ast.expr | None] = [ast.Constant(k.arg) for k in keywords]
            return filled("D | OTHER", D=old, OTHER=ast.Dict(keys, [k.value for k in keywords]))
        case "setdefault", [key, start], []:
            return filled("{KEY: START} | D", KEY=key, START=start, D=old)
        case "clear", [], []:
            if is_list(old):
                return ast.List([], ast.Load())
            raise NoShortCode
    raise NoShortCode


@tried
def _value_of(owner: ast.expr, method: str, call: ast.Call) -> str:
    """A method whose value is used."""
    if _base(owner) is None:
        raise NoShortCode
    match method, call.args:
        case "pop", []:
            value, rest = filled("XS[-1]", XS=owner), filled("XS[:-1]", XS=owner)
        case "pop", [ast.Constant(value=0)]:
            value, rest = filled("XS[0]", XS=owner), filled("XS[1:]", XS=owner)
        case "pop", [key]:
            value, rest = filled("D[KEY]", D=owner, KEY=key), without_key(owner, key)
        case "pop", [key, default]:
            value, rest = filled("D.get(KEY, X)", D=owner, KEY=key, X=default), without_key(owner, key)
        case "setdefault", [key, start]:
            return "write " + write("D.get(KEY, START)", D=owner, KEY=key, START=start)
        case _:
            raise NoShortCode
    return f"write {written(value)} for it, and {stored(owner, rest)} on the next line"


def without_key(mapping: ast.expr, key: ast.expr) -> ast.expr:
    """A mapping without one of its keys."""
    taken = mentioned_names(mapping, key)
    k, v = (ast.Name(fresh_name(base, taken), ast.Load()) for base in "kv")
    return filled("{K: V for K, V in D.items() if K != KEY}", D=mapping, KEY=key, K=k, V=v)


def of_assignment(
    target: ast.expr,
    value: ast.expr,
    loops: Sequence[ast.For],
    statement: ast.stmt,
    fields: Callable[[ast.expr], list[str]],
    type_of: Callable[[ast.expr], str],
) -> str:
    """What to write for `x[k] = value` and `x.name = value`.

    `fields`: those of a record, `type_of`: what a name stands for; both are empty where that is not known.
    """
    base = _base(target)
    through = folds.loops_of(base.id, loops) if base is not None else ()
    if through:
        return _assignment_in_loop(target, value, through, statement) or NO_CHANGE
    return _assignment(target, value, fields, type_of) or NO_CHANGE


@tried
def _assignment(
    target: ast.expr, value: ast.expr, fields: Callable[[ast.expr], list[str]], type_of: Callable[[ast.expr], str]
) -> str:
    match target:
        case ast.Attribute(value=record, attr=name) if names := fields(record):
            keys: list[ast.expr | None] = [ast.Constant(each) for each in names]
            values = [value if each == name else ast.Attribute(record, each, ast.Load()) for each in names]
            return "write " + stored(record, ast.Dict(keys, values))
        case ast.Subscript(value=owner, slice=ast.Constant(value=int(index))) if index >= 0:
            of_list = filled(f"XS[:{index}] + [X] + XS[{index + 1}:]", XS=owner, X=value)
            if (kind := type_of(owner)) == "list":
                return "write " + stored(owner, of_list)
            if kind != "dict":
                return f"write {stored(target, value)}, or if it is a list {stored(owner, of_list)}"
    return "write " + stored(target, value)


@tried
def _assignment_in_loop(target: ast.expr, value: ast.expr, loops: folds.Loops, statement: ast.stmt) -> str:
    match target, value:
        case (
            ast.Subscript(
                value=ast.Subscript(value=ast.Name(id=held), slice=place), slice=ast.Constant(value=str(field))
            ),
            ast.BinOp(op=ast.Add(), right=added_),
        ) if field.isidentifier():
            own = name(fresh_name(f"{held}_{field}", mentioned_names(*loops)))
            here = write("D[K] = D.get(K, 0) + E", D=own, K=place, E=added_)
            return f"keep one dict for each number: write {write('D = {}', D=own)} above the loop, and {here} here"
    match target:
        case ast.Subscript(value=ast.Name() as owner, slice=ast.Slice()):
            raise NoShortCode
        case ast.Subscript(value=ast.Name() as owner, slice=key):
            if (summed := _summed(owner, key, value, statement)) is not None:
                part, start = summed
                how = "append" if isinstance(part, ast.List) and len(part.elts) == 1 else "sum"
                item = part.elts[0] if isinstance(part, ast.List) and how == "append" else part
                return folds.by_key(owner, key, item, start, how, loops, statement)
            if owner.id not in mentioned_names(value, key):
                return folds.keyed_entries(owner, key, value, loops, statement)
    raise NoShortCode


def _summed(
    owner: ast.Name, key: ast.expr, value: ast.expr, statement: ast.stmt
) -> tuple[ast.expr, ast.expr | None] | None:
    """What `d[k] += part` adds, or `d[k] = d.get(k, start) + part`, and what it begins with; None if it is neither."""
    own = ast.dump(filled("D[KEY]", D=owner, KEY=key))
    match statement, value:
        case ast.AugAssign(op=ast.Add(), value=part), _:
            return part, None
        case _, ast.BinOp(left=left, op=ast.Add(), right=part) if ast.dump(filled("X", X=left)) == own:
            return part, None
        case _, ast.BinOp(
            left=ast.Call(func=ast.Attribute(value=ast.Name(id=id), attr="get"), args=[other, start]),
            op=ast.Add(),
            right=part,
        ) if id == owner.id and ast.dump(other) == ast.dump(key):
            return part, start
    return None


def of_deletion(target: ast.expr) -> str:
    """What to write for `del x[k]`."""
    return _deletion(target) or "leave it out"


@tried
def _deletion(target: ast.expr) -> str:
    match target:
        case ast.Subscript(value=owner, slice=ast.Constant(value=0)):
            return "write " + stored(owner, filled("XS[1:]", XS=owner))
        case ast.Subscript(value=owner, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))):
            return "write " + stored(owner, filled("XS[:-1]", XS=owner))
        case ast.Subscript(value=owner, slice=ast.Slice()):
            raise NoShortCode
        case ast.Subscript(value=owner, slice=key):
            return "write " + stored(owner, without_key(owner, key))
    raise NoShortCode


def stored(place: ast.expr, value: ast.expr) -> str:
    """The statement after which `place` has that value."""
    match place:
        case ast.Name(id=id):
            return write("X = Y", X=ast.Name(id, ast.Store()), Y=value)
        case ast.Subscript(value=owner, slice=ast.Slice(lower=lower, upper=upper, step=None)):
            before = ast.Subscript(owner, ast.Slice(None, lower), ast.Load())
            behind = ast.Subscript(owner, ast.Slice(upper, None), ast.Load())
            parts = [before] if lower is not None else []
            whole = [*parts, value, *([behind] if upper is not None else [])]
            return stored(owner, added(whole))
        case ast.Subscript(value=owner, slice=key):
            return stored(owner, filled("D | {KEY: X}", D=owner, KEY=key, X=value))
        case ast.Attribute(value=owner, attr=attribute):
            return stored(owner, filled("D | {KEY: X}", D=owner, KEY=ast.Constant(attribute), X=value))
    raise NoShortCode


def _base(place: ast.expr) -> ast.Name | None:
    """The name whose value a place is part of."""
    while isinstance(place, ast.Subscript | ast.Attribute):
        place = place.value
    match place:
        case ast.Name():
            return place
        case ast.Call(func=ast.Attribute(value=target, attr="setdefault")):
            return _base(target)
    return None
