"""A loop that changes a collection, or keeps the best so far, written as a comprehension (rule L14)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from superscalar.plan.read.instead.code import (
    NoShortCode,
    filled,
    fresh_name,
    mentioned_names,
    name,
    replaced,
    tried,
    write,
    written,
)

Loops = Sequence[ast.For]


@dataclass(slots=True)
class _LoopPath:
    """The way from a loop to one of its statements, as clauses; `rest`: whether the loop does anything besides."""

    clauses: list[ast.comprehension] = field(default_factory=list)
    meanings: dict[str, ast.expr] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    rest: bool = False

    def each(self, element: ast.expr) -> ast.expr:
        """A list of what `element` is each time that the statement is reached."""
        return ast.ListComp(replaced(element, self.meanings), self.clauses)


def loops_of(owner: str, loops: Loops) -> Loops:
    """Of the loops around a statement those through which it changes what `owner` stood for above them."""
    inside = list(loops)
    while inside and _assigns(inside[-1], owner):
        return ()
    first = len(inside)
    while first and not _assigns(inside[first - 1], owner):
        first -= 1
    return inside[first:]


def _assigns(loop: ast.For, owner: str) -> bool:
    if owner in mentioned_names(loop.target):
        return True
    for node in ast.walk(loop):
        match node:
            case ast.Assign(targets=targets) if any(isinstance(t, ast.Name) and t.id == owner for t in targets):
                return True
    return False


def _path(loops: Loops, goal: ast.stmt) -> _LoopPath:
    """How `goal` is reached from the outermost of the loops.

    Raises:
        Unwritable: a name on the way is not simply assigned.
    """
    path = _LoopPath(taken=mentioned_names(*loops[:1]))
    if not _follow(loops[0], goal, path):
        raise NoShortCode
    return path


def _follow(block: ast.stmt, goal: ast.stmt, path: _LoopPath) -> bool:
    """Take the way through one block; whether it leads there."""
    match block:
        case ast.For(target=target, iter=iterable, body=body):
            path.clauses.append(ast.comprehension(target, replaced(iterable, path.meanings), [], 0))
            return _through(body, goal, path)
        case ast.If(test=test, body=body, orelse=orelse):
            inside = _holds(body, goal)
            if not inside and not _holds(orelse, goal):
                return False
            test = replaced(test, path.meanings)
            path.clauses[-1].ifs.append(test if inside else ast.UnaryOp(ast.Not(), test))
            path.rest = path.rest or bool(orelse if inside else body)
            return _through(body if inside else orelse, goal, path)
    return False


def _holds(block: Sequence[ast.stmt], goal: ast.stmt) -> bool:
    return any(node is goal for statement in block for node in ast.walk(statement))


def _through(block: Sequence[ast.stmt], goal: ast.stmt, path: _LoopPath) -> bool:
    """Take in what stands before the goal in a block."""
    for index, statement in enumerate(block):
        if statement is goal:
            path.rest = path.rest or index + 1 < len(block)
            return True
        if _holds([statement], goal):
            path.rest = path.rest or index + 1 < len(block)
            return _follow(statement, goal, path)
        match statement:
            case ast.Assign(targets=[ast.Name(id=id)], value=value):
                _assign(id, replaced(value, path.meanings), block[index + 1 :], path)
            case ast.Pass():
                pass
            case _:
                path.rest = True
    return False


def _assign(id: str, value: ast.expr, rest: Sequence[ast.stmt], path: _LoopPath) -> None:
    """A name on the way: its value is written in its place, or drawn from a list of one if a call is used twice."""
    uses = sum(isinstance(node, ast.Name) and node.id == id for part in rest for node in ast.walk(part))
    calls = any(isinstance(node, ast.Call) for node in ast.walk(value))
    if uses > 1 and calls:
        path.meanings.pop(id, None)
        path.clauses.append(ast.comprehension(name(id), ast.List([value], ast.Load()), [], 0))
    else:
        path.meanings[id] = value


def _collected(loops: Loops, goal: ast.stmt, element: ast.expr, use: str, base: str, **parts: ast.expr) -> str:
    """Write `use`, in which ALL is the list of what `element` is each time."""
    path = _path(loops, goal)
    if not path.rest:
        return "write " + write(use, ALL=path.each(element), **parts)
    list_name = name(fresh_name(base, path.taken))
    above, here = write("XS = []", XS=list_name), write("XS.append(X)", XS=list_name, X=element)
    return f"write {above} above the loop, {here} here, and {write(use, ALL=list_name, **parts)} below the loop"


@tried
def keyed_entries(owner: ast.Name, key: ast.expr, value: ast.expr, loops: Loops, goal: ast.stmt) -> str:
    """`d[key] = value` in a loop."""
    path = _path(loops, goal)
    if not path.rest:
        made = ast.DictComp(replaced(key, path.meanings), replaced(value, path.meanings), path.clauses)
        return "write " + write("D = D | ALL", D=owner, ALL=made)
    pair = ast.Tuple([key, value], ast.Load())
    return _collected(loops, goal, pair, "D = D | dict(ALL)", f"{owner.id}_entries", D=owner)


@tried
def members(owner: ast.Name, item: ast.expr, loops: Loops, goal: ast.stmt) -> str:
    """`s.add(item)` in a loop."""
    path = _path(loops, goal)
    if not path.rest:
        made = ast.SetComp(replaced(item, path.meanings), path.clauses)
        return "write " + write("S = S | ALL", S=owner, ALL=made)
    return _collected(loops, goal, item, "S = S | set(ALL)", f"{owner.id}_items", S=owner)


@tried
def appended(owner: ast.Name, item: ast.expr, loops: Loops, goal: ast.stmt) -> str:
    """`xs.append(item)` in a loop."""
    path = _path(loops, goal)
    if not path.rest:
        return "write " + write("XS = XS + ALL", XS=owner, ALL=path.each(item))
    return _collected(loops, goal, item, "XS = XS + ALL", f"{owner.id}_items", XS=owner)


@tried
def by_key(
    owner: ast.Name, key: ast.expr, value: ast.expr, start: ast.expr | None, how: str, loops: Loops, goal: ast.stmt
) -> str:
    """`d[key] += value` in a loop, where `start` is what it begins with; `how`: "sum", "append" or "add"."""
    path = _path(loops, goal)
    if mentioned_names(owner) & mentioned_names(key, value):
        raise NoShortCode
    taken = path.taken | mentioned_names(owner)
    ids = {base: fresh_name(base.lower(), taken) for base in ("KEY", "K", "V", "ENTRIES")}
    known = {base: name(id) for base, id in ids.items()}
    before = filled("D[KEY]", D=owner, KEY=known["KEY"])
    if start is not None:
        before = filled("D.get(KEY, START)", D=owner, KEY=known["KEY"], START=start)
    form = {
        "sum": "sum([V for K, V in ENTRIES if K == KEY], BEFORE)",
        "append": "BEFORE + [V for K, V in ENTRIES if K == KEY]",
        "add": "BEFORE | {V for K, V in ENTRIES if K == KEY}",
    }[how]
    whole = f"D = D | {{KEY: {form} for KEY in {{K for K, V in ENTRIES}}}}"
    pair = ast.Tuple([key, value], ast.Load())
    parts: dict[str, ast.expr] = {"D": owner, "BEFORE": before, **known}
    if not path.rest:
        return "write " + write(f"ENTRIES = ALL; {whole}", ALL=path.each(pair), **parts)
    entries = parts["ENTRIES"] = name(fresh_name(f"{owner.id}_entries", taken))
    here = write("XS.append(X)", XS=entries, X=pair)
    return (
        f"write {write('XS = []', XS=entries)} above the loop, {here} here, and {write(whole, **parts)} below the loop"
    )


@tried
def of_counter(counter: str, loop: ast.For) -> str:
    """What to write for a loop that counts its items with `i += 1`, and reads `i`."""
    for statement in loop.body:
        match statement:
            case ast.AugAssign(target=ast.Name(id=id), op=ast.Add(), value=ast.Constant(value=1)) if id == counter:
                target = ast.Tuple([name(counter), loop.target], ast.Store())
                head = written(ast.For(target, filled("enumerate(XS)", XS=loop.iter), [], [], lineno=loop.lineno))
                return f"write {head} and leave {counter} += 1 out"
    raise NoShortCode


def apart(owner: ast.Name, value: ast.expr) -> str:
    """`xs = xs + ys` in a loop, where somebody else has `xs`: what is added is collected in a list of its own."""
    more = ast.Name(fresh_name("more", mentioned_names(owner, value)), ast.Load())
    return (
        f"write {more.id} = [] above the loop, {more.id} += ... here, and {owner.id} = {owner.id} + {more.id} below it"
    )


@tried
def first_of(loop: ast.For) -> str:
    """What to write for a loop that looks for the first item, and ends there."""
    match [each for each in loop.body if not isinstance(each, ast.Pass)]:
        case [ast.If(test=test, body=[ast.Assign(targets=[ast.Name() as found], value=value), ast.Break()], orelse=[])]:
            item = ast.GeneratorExp(value, [ast.comprehension(loop.target, loop.iter, [test], 0)])
            return "write " + write("X = next(I, X)", X=found, I=item) + " instead of the loop"
    raise NoShortCode


@tried
def best_of(owner: str, loop: ast.For) -> str:
    """`if p > best: best = p` in a loop, and what else is remembered of the best."""
    for node in ast.walk(loop):
        if isinstance(node, ast.If) and not node.orelse and owner in (assigned := dict(_assignments(node.body))):
            for comparison, begins in _comparisons(node.test):
                for kept in assigned:
                    if (function := _function(comparison, kept, assigned[kept])) is not None:
                        return _best(loop, node, function, comparison, kept, assigned, begins)
    raise NoShortCode


def _assignments(block: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in block:
        match statement:
            case ast.Assign(targets=[ast.Name(id=id)], value=value):
                yield id, value
            case _:
                raise NoShortCode


def _comparisons(test: ast.expr) -> Iterator[tuple[ast.Compare, bool]]:
    """The comparison in the condition of an `if`, and whether the name may be None before the first item."""
    match test:
        case ast.Compare(ops=[ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE()]):
            yield test, False
        case ast.BoolOp(
            op=ast.Or(), values=[ast.Compare(ops=[ast.Is()]) | ast.UnaryOp(op=ast.Not()), ast.Compare() as c]
        ):
            yield from ((found, True) for found, _ in _comparisons(c))


def _function(comparison: ast.Compare, kept: str, value: ast.expr) -> str | None:
    """`max` or `min`, where one side of a comparison is of the best what the other is of the item."""
    left, [right] = comparison.left, comparison.comparators
    greater = isinstance(comparison.ops[0], ast.Gt | ast.GtE)
    for best, item, bigger in ((right, left, greater), (left, right, not greater)):
        if kept in mentioned_names(best) and ast.dump(replaced(best, {kept: value})) == ast.dump(item):
            return "max" if bigger else "min"
    return None


def _best(
    loop: ast.For,
    goal: ast.If,
    function: str,
    comparison: ast.Compare,
    kept: str,
    assigned: dict[str, ast.expr],
    begins: bool,
) -> str:
    others = [id for id in assigned if id != kept]
    best = next(side for side in (comparison.left, *comparison.comparators) if kept in mentioned_names(side))
    x = fresh_name("x", mentioned_names(loop))
    measured = replaced(best, {kept: filled("X[0]", X=name(x)) if others else name(x)})
    if any(isinstance(node, ast.Call) for node in ast.walk(measured)):
        raise NoShortCode
    names, element = name(kept), assigned[kept]
    nothing = "None"
    if others:
        names = ast.Tuple([name(id) for id in (kept, *others)], ast.Store())  # type: ignore[assignment]
        element = ast.Tuple([element, *(assigned[id] for id in others)], ast.Load())
        nothing = f"({', '.join(['None'] * len(assigned))})"
    key = f", key=lambda {x}: MEASURED" if others or not isinstance(best, ast.Name) else ""
    items, default = ("ALL", f", default={nothing}") if begins else ("[BEST] + ALL", "")
    use = f"BEST = {function}({items}{key}{default})"
    return _collected([loop], goal, element, use, "found", BEST=names, MEASURED=measured)
