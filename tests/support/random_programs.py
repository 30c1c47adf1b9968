"""Random programs that are both a plan and Python, over pure tools that never fail, and what CPython makes of them.

Nothing in them depends on the order of a set, gives a value a tool's name, or changes a list that has two names. What
Python would carry from one iteration to the next is only ever folded (rule L14).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from superscalar import Tool, tool

Pick: TypeAlias = Callable[[Sequence[Any]], Any]
"""Chooses one of several: hypothesis, or a `random.Random`."""

Scope: TypeAlias = dict[str, str]
"""The names that surely have a value, and of what kind."""

Kept: TypeAlias = frozenset[str] | None
"""What the body of a loop may not assign, since it would be carried over; None outside of loops."""

Sub: TypeAlias = Callable[[str], str]
"""Writes an expression of a kind to stand inside another one."""

MOST_CALLS = 300


@dataclass
class Page:
    """A record."""

    title: str
    n: int
    tags: list[str]


def num(x: Any, y: Any = 1) -> int:
    """A number that depends on both."""
    return (len(repr(x)) * 7 + len(repr(y)) * 3 + (x if isinstance(x, int) else 0)) % 23 - 5


def word(x: Any) -> str:
    """A short text."""
    return ["", "a", "bc", "dé f", "A,b"][len(repr(x)) % 5]


def listing(x: Any) -> list[int]:
    """A few numbers, or none."""
    return [num(x, i) for i in range(num(x) % 4)]


def words(x: Any) -> list[str]:
    """A few texts, or none."""
    return [word((x, i)) for i in range(num(x, 2) % 4)]


def table(x: Any) -> dict[str, int]:
    """Numbers by text."""
    return {word((x, i)): num(x, i) for i in range(num(x, 3) % 3)}


def flag(x: Any) -> bool:
    """True or false."""
    return num(x, "flag") % 2 == 1


def pair(x: Any) -> tuple[int, str]:
    """Two things."""
    return num(x), word(x)


def page(x: Any) -> Page:
    """A record."""
    return Page(word(x), num(x), words(x))


FUNCTIONS: tuple[Callable[..., Any], ...] = (num, word, listing, words, table, flag, pair, page)


def asynchronous(function: Callable[..., Any], calls: Counter[str]) -> Tool[..., Any]:
    """A function as a pure tool that takes its time, so that calls end in another order than they began."""

    @tool(name=function.__name__, effect="pure")
    async def called(x: Any, y: Any = 1) -> Any:
        calls[_call(function, x, y)] += 1
        await asyncio.sleep(len(repr((x, y))) * 7 % 5)
        return function(x, y) if function.__name__ == num.__name__ else function(x)

    return called


def _call(function: Callable[..., Any], x: Any, y: Any) -> str:
    return f"{function.__name__}({x!r}, {y!r})"


class TooLarge(Exception):
    """The program does more than is worth comparing."""


def python_result(source: str, functions: Sequence[Callable[..., Any]] = FUNCTIONS) -> tuple[Any, Counter[str]]:
    """What CPython gives to `join`, and the calls of tools that it makes."""
    calls: Counter[str] = Counter()
    joined: list[Any] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(x: Any, y: Any = 1) -> Any:
            calls[_call(function, x, y)] += 1
            if calls.total() > MOST_CALLS:
                raise TooLarge
            return function(x, y) if function.__name__ == num.__name__ else function(x)

        return called

    names: dict[str, Any] = {function.__name__: counted(function) for function in functions}
    names |= {"join": lambda *values: joined.extend(values), "ok": lambda xs: xs, "default": lambda x, _: x}
    for lazy in (range, enumerate, zip, reversed):  # lists, in the language
        names[lazy.__name__] = lambda *arguments, lazy=lazy: list(lazy(*arguments))
    exec(compile(source, "<program>", "exec"), names)
    return (joined[0] if len(joined) == 1 else joined), calls


# ------------------------------------------------------------------------------------------------------- writing

_NAMES = ("a", "b", "c", "d", "e", "f1", "größe")
_KINDS = ("int", "int", "text", "bool", "ints", "ints", "words", "table", "float", "pairs", "pages")
_ITEMS = {"ints": "int", "words": "text", "pages": "page"}
_CHANGES = ("lower()", "upper()", "strip()", "title()", "replace('a', 'xy')", "lstrip('a')")
_LITERALS = {
    "int": ["0", "1", "2", "3", "-4", "10"],
    "float": ["0.5", "2.0", "-1.25"],
    "text": ["''", "'a'", "'b,c'", "' x '", '"it\'s"', "'é'"],
    "bool": ["True", "False"],
    "ints": ["[]", "[1, 2]", "[3, 0, -1]"],
    "words": ["['a', 'b']", "[]", "['x', '', 'a']"],
    "table": ["{}", "{'a': 1}", "{'b': 2, 'a': 0}"],
    "pairs": ["[(1, 'a')]", "[]"],
    "pages": ["[]"],
}


class Writer:
    """Writes one program. `blocks`: whether there are `if` and `for` in it."""

    kinds: ClassVar[Sequence[str]] = _KINDS
    literals: ClassVar[Mapping[str, Sequence[str]]] = _LITERALS

    def __init__(self, pick: Pick, *, blocks: bool = True) -> None:
        self._pick = pick
        self._blocks = blocks
        self._fresh = 0

    def program(self, statements: int = 6) -> str:
        """A whole plan."""
        scope: Scope = {}
        lines: list[str] = []
        for _ in range(self._pick(range(1, statements + 1))):
            lines += self.statement(scope, 2, None, "")
        names = [name for name in scope if self._pick([True, True, False])]
        more = [self.expression(self._pick(self.kinds), 1, scope)] if not names or self._pick([True, False]) else []
        return "\n".join([*lines, f"join({', '.join([*names, *more])})"]) + "\n"

    # ------------------------------------------------------------------------------------------------ statements

    def statement(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        """One statement; `scope` becomes what is known after it. It assigns none of the names that are `kept`."""
        free = [name for name in _NAMES if not kept or name not in kept] or [self._new("v")]
        name = self._pick(free)
        match self._pick(range(12)):
            case 0 | 1 if self._blocks and depth:
                return self._if(scope, depth - 1, kept, margin)
            case 2 | 3 if self._blocks and depth:
                return self._for(scope, depth - 1, kept, margin)
            case 4 if numbers := [
                n for n, kind in scope.items() if kind in ("int", "text") and not (kept and n in kept)
            ]:
                changed = self._pick(numbers)
                sign = self._pick(["+", "-", "*", "|"]) if scope[changed] == "int" else "+"
                value = self.expression(scope[changed], 1, scope) if sign != "*" else self._pick(["2", "-1"])
                return [f"{margin}{changed} {sign}= {value}"]
            case 5:
                other = self._pick([n for n in free if n != name] or [self._new("v")])
                text, kinds = self._unpacked(scope)
                scope |= {name: kinds[0], other: kinds[1]}
                return [f"{margin}{name}, {other} = {text}"]
            case 6:
                return [f"{margin}{self._call('word', self.expression(self._pick(self.kinds), 1, scope))}"]
            case _:
                kind = self._pick(self.kinds)
                value = self.expression(kind, self._pick([1, 2, 2, 3]), scope)
                scope[name] = kind
                return [f"{margin}{name} = {value}"]

    def _unpacked(self, scope: Scope) -> tuple[str, tuple[str, str]]:
        match self._pick(range(3)):
            case 0:
                first, second = self._pick(self.kinds), self._pick(self.kinds)
                return f"{self.expression(first, 1, scope)}, {self.expression(second, 1, scope)}", (first, second)
            case 1:
                return f"pair({self.expression('int', 1, scope)})", ("int", "text")
            case _:
                return f"({self.expression('ints', 1, scope)} + [1, 2])[:2]", ("int", "int")

    def _block(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        lines: list[str] = []
        for _ in range(self._pick([1, 1, 2])):
            lines += self.statement(scope, depth, kept, margin)
        return lines

    def _if(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        arms: list[Scope] = []
        lines: list[str] = []
        for word in ("if", *self._pick([(), (), ("elif",), ("elif", "elif")])):
            lines.append(f"{margin}{word} {self.expression(self._pick(['bool', 'bool', 'int']), 2, scope)}:")
            arms.append(dict(scope))
            lines += self._block(arms[-1], depth, kept, margin + "    ")
        arms.append(dict(scope))
        if self._pick([True, False]):
            lines.append(f"{margin}else:")
            lines += self._block(arms[-1], depth, kept, margin + "    ")
        scope.clear()
        scope |= {name: kind for name, kind in arms[0].items() if all(arm.get(name) == kind for arm in arms)}
        return lines

    def _for(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        """A loop; what it folds is made right above it, so that nothing else has that list."""
        folds = {self._new("acc"): self._pick(["int", "text", "ints", "words"]) for _ in range(self._pick([0, 1, 2]))}
        start = {"int": "3", "text": "''", "ints": "[]", "words": f"[{self.literals['text'][1]}]"}
        lines = [f"{margin}{name} = {start[kind]}" for name, kind in folds.items()]
        text, targets, certain = self._source(scope, kept)
        lines.append(f"{margin}for {', '.join(targets)} in {text}:")
        inner = {**scope, **targets}
        mine = [name for name in scope if name not in targets and not (kept and name in kept)]
        again = [name for name in mine if self._pick([False, False, True])]
        for name in again:
            inner.pop(name)
        body: list[str] = []
        for name in again:  # assigned at once, so that no iteration sees what the one before it left
            body.append(f"{margin}    {name} = {self.expression(scope[name], 1, inner)}")
            inner[name] = scope[name]
        outside = (kept or frozenset()) | (frozenset(scope) - frozenset(again)) - frozenset(targets)
        body += self._block(inner, depth, outside, margin + "    ") if self._pick([True, False]) or not folds else []
        for name, kind in folds.items():
            body += self._fold(name, kind, inner, margin + "    ")
        for name in [name for name, kind in scope.items() if inner.get(name) != kind]:
            del scope[name]  # it has a value of another kind, or of one that nobody knows
        if certain and kept is None:
            scope |= inner
        scope |= folds
        return [*lines, *body]

    def _source(self, scope: Scope, kept: Kept) -> tuple[str, Scope, bool]:
        """What a loop goes through, its targets, and whether there surely are items."""
        free = [name for name in (*_NAMES, "i", "j") if not kept or name not in kept]
        one, other = self._pick(free or [self._new("v")]), self._new("k")
        match self._pick(range(6)):
            case 0:
                text = f"[{self.expression('int', 1, scope)}, {self.expression('int', 1, scope)}]"
                return text, {one: "int"}, True
            case 1:
                return f"{self.expression('table', 1, scope)}.items()", {one: "text", other: "int"}, False
            case 2:
                return self.expression("pairs", 1, scope), {one: "int", other: "text"}, False
            case 3:
                return f"enumerate({self.expression('words', 1, scope)})", {one: "int", other: "text"}, False
            case _:
                kind = self._pick(["ints", "ints", "words", "pages"])
                return self.expression(kind, 2, scope), {one: _ITEMS[kind]}, False

    def _fold(self, name: str, kind: str, scope: Scope, margin: str) -> list[str]:
        item = _ITEMS.get(kind)
        if item is None:
            line = f"{name} += {self.expression(kind, 1, scope)}"
        elif self._pick([True, True, False]):
            line = f"{name}.append({self.expression(item, 2, scope)})"
        else:
            line = f"{name} += [{self.expression(item, 1, scope)}]"
        if self._pick([True, False, False]):
            return [f"{margin}if {self.expression('bool', 1, scope)}:", f"{margin}    {line}"]
        return [margin + line]

    # ----------------------------------------------------------------------------------------------- expressions

    def expression(self, kind: str, depth: int, scope: Scope, *, calls: bool = True) -> str:
        """An expression of that kind, in parentheses where it may need them."""
        known = [name for name, of in scope.items() if of == kind]
        if kind == "page":
            return self._pick(known) if known and self._pick([True, False]) else self._page(depth, scope, calls=calls)
        if depth <= 0:
            return str(self._pick([*known, *known, *self.literals[kind]]))
        forms = list(self._forms(kind, depth, scope, calls=calls))
        return str(self._pick([*known, *forms])()) if not known else self._either(known, forms)

    def _either(self, known: list[str], forms: list[Callable[[], str]]) -> str:
        return str(self._pick(known)) if self._pick([True, False, False, False]) else str(self._pick(forms)())

    def _page(self, depth: int, scope: Scope, *, calls: bool) -> str:
        if not calls:
            known = [name for name, of in scope.items() if of == "page"]
            return str(self._pick(known)) if known else "{'title': 1}"
        return self._call("page", self.expression("int", depth - 1, scope))

    def _forms(self, kind: str, depth: int, scope: Scope, *, calls: bool) -> Iterable[Callable[[], str]]:
        pick = self._pick

        def sub(of: str, *, calling: bool = True) -> str:
            return self.expression(of, depth - 1, scope, calls=calls and calling)

        def anything() -> str:
            return sub(pick(self.kinds))

        if kind in self.literals:
            yield lambda: str(pick(self.literals[kind]))
        yield lambda: f"({sub(kind)} if {sub('bool')} else {sub(kind)})"
        yield lambda: f"({sub(kind)} {pick(['and', 'or'])} {sub(kind)})"
        if calls:
            yield lambda: f"default({sub(kind)}, {sub(kind, calling=False)})"
        has_page = calls or "page" in scope.values()
        match kind:
            case "int":
                yield lambda: f"({sub('int')} {pick('+-&|^')} {sub('int')})"
                yield lambda: f"({sub('int')} {pick(['*', '//', '%', '**', '<<'])} {pick('123')})"
                yield lambda: f"{pick(['-', '~', '+'])}{sub('int')}"
                yield lambda: f"{pick(['len', 'sum'])}({sub('ints')})"
                yield lambda: f"len({sub(pick(['words', 'text', 'table', 'pairs']))})"
                yield lambda: f"{pick(['min', 'max'])}({sub('int')}, {sub('int')})"
                yield lambda: f"{pick(['min', 'max'])}({sub('ints')}, default={sub('int')})"
                yield lambda: f"({sub('ints')} + [1])[{pick(['0', '-1'])}]"
                yield lambda: f"sum({self._loop(depth, scope, 'int', calls=calls)[1:-1]})"
                yield lambda: f"{sub('table')}.get({sub('text')}, {sub('int')})"
                yield lambda: f"{sub('text')}.{pick(['find', 'count'])}({sub('text')})"
                yield lambda: f"{pick(['int', 'abs', 'round'])}({sub(pick(['int', 'bool', 'float']))})"
                yield lambda: f"max([0, {sub('int')}], key=lambda {self._key(scope, 'int', depth)})"
                yield lambda: f"len(set({sub(pick(['ints', 'words']))}) {pick('|&-^')} {{1, 'a', {sub('int')}}})"
                if calls:
                    yield lambda: f"num({anything()}, {pick(['', 'y='])}{sub('int')})"
                    yield lambda: self._call("num", anything())
                if has_page:
                    yield lambda: f"{sub('page')}.n"
            case "float":
                yield lambda: f"({sub('int')} / {pick('234')})"
                yield lambda: f"({sub('float')} {pick('+-*')} {sub(pick(['int', 'float']))})"
                yield lambda: f"round({sub('float')}, {pick('012')})"
                yield lambda: f"float({sub('int')})"
            case "text":
                yield lambda: f"({sub('text')} + {sub('text')})"
                yield lambda: f"({sub('text')} * {pick('012')})"
                yield lambda: f"{sub('text')}.{pick(_CHANGES)}"
                yield lambda: f"str({sub(pick(['int', 'bool', 'ints', 'table', 'float', 'pairs']))})"
                yield lambda: f"{pick(self.literals['text'])}.join({sub('words')})"
                yield lambda: f"{sub('text')}[{pick(['1:', ':2', '::-1', '-1:'])}]"
                yield lambda: f"({sub('words')} + ['z'])[0]"
                yield lambda: self._written(scope)
                if calls:
                    yield lambda: self._call("word", anything())
                if has_page:
                    yield lambda: f"{sub('page')}.title"
            case "bool":
                relation = ["<", "<=", "==", "!=", ">", ">="]
                yield lambda: f"({sub('int')} {pick(relation)} {sub('int')})"
                yield lambda: f"({sub('int')} {pick(relation)} {sub('float')} {pick(relation)} {sub('int')})"
                yield lambda: f"({sub('text')} {pick(relation)} {sub('text')})"
                yield lambda: f"({sub('ints')} {pick(relation)} {sub('ints')})"
                yield lambda: f"({sub('int')} {pick(['in', 'not in'])} {sub('ints')})"
                yield lambda: f"({sub('text')} {pick(['in', 'not in'])} {sub(pick(['words', 'text', 'table']))})"
                yield lambda: f"(not {anything()})"
                yield lambda: f"bool({anything()})"
                yield lambda: f"{pick(['any', 'all'])}({sub('ints')})"
                yield lambda: f"{pick(['any', 'all'])}({self._loop(depth, scope, 'bool', calls=False)[1:-1]})"
                yield lambda: f"{sub('text')}.{pick(['startswith', 'endswith'])}({sub('text')})"
                yield lambda: f"({sub('table')} == {sub('table')})"
                if calls:
                    yield lambda: self._call("flag", anything())
            case "ints" | "words":
                item = _ITEMS[kind]
                yield lambda: f"[{sub(item)}, {sub(item)}]"
                yield lambda: f"({sub(kind)} + {sub(kind)})"
                yield lambda: f"{pick(['sorted', 'reversed', 'list'])}({sub(kind)})"
                yield lambda: f"sorted({sub(kind)}, reverse={sub('bool')})"
                yield lambda: f"sorted({sub(kind)}, key=lambda {self._key(scope, item, depth)})"
                yield lambda: f"{sub(kind)}[{pick(['1:', ':2', '::-1', ':-1'])}]"
                yield lambda: self._loop(depth, scope, item, calls=calls)
                yield lambda: self._loop(depth, scope, item, calls=calls)
                yield lambda: f"ok({sub(kind)})"
                if kind == "ints":
                    yield lambda: f"list(range({pick(['', '-1, '])}{sub('int')} % 4))"
                    yield lambda: f"list({sub('table')}.values())"
                    yield lambda: f"sorted({{{self._loop(depth, scope, 'int', calls=calls)[1:-1]}}})"
                    if calls:
                        yield lambda: self._call("listing", anything())
                else:
                    yield lambda: f"{sub('text')}.split({pick(['', repr(',')])})"
                    yield lambda: f"list({sub(pick(['table', 'text']))})[:3]"
                    if has_page:
                        yield lambda: f"{sub('page')}.tags"
                    if calls:
                        yield lambda: self._call("words", anything())
            case "table":
                yield lambda: f"{{{sub('text')}: {sub('int')}, {sub('text')}: {sub('int')}}}"
                yield lambda: f"({sub('table')} | {sub('table')})"
                yield lambda: f"dict(zip({sub('words')}, {sub('ints')}))"
                yield lambda: self._loop(depth, scope, "int", calls=calls, key=True)
                if calls:
                    yield lambda: self._call("table", anything())
            case "pairs":
                yield lambda: f"list(zip({sub('ints')}, {sub('words')}))"
                yield lambda: f"list(enumerate({sub('words')}))"
                yield lambda: f"[({sub('int')}, {sub('text')})]"
                if calls:
                    yield lambda: f"[{self._call('pair', 't')} for t in {sub('ints')}]"
            case "pages":
                if calls:
                    yield lambda: f"[{self._call('page', 't')} for t in {sub('ints')}]"
                yield lambda: f"{sub('pages')}[:2]"
        yield from self._more_forms(kind, sub, calls=calls)

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        """What the writer of other programs writes beside these."""
        return ()

    def _call(self, function: str, argument: str) -> str:
        return f"{function}({self._pick(['', '', 'x='])}{argument})"

    def _written(self, scope: Scope) -> str:
        """An f-string; its holes are names, since quotes within quotes are for later versions of Python."""
        plain = [name for name, kind in scope.items() if kind not in ("page", "pages")]
        numbers = [name for name, kind in scope.items() if kind == "int"]
        holes = [f"{{{self._pick(plain)}{self._pick(['', '!r', '!s'])}}}"] if plain else []
        holes += [f"{{{self._pick(numbers)}{self._pick([':>5', ':+d', ':04', ':,', '=', ':{2}'])}}}"] if numbers else []
        return f'f"<{" ".join(holes)}>{{{{}}}}"'

    def _key(self, scope: Scope, kind: str, depth: int) -> str:
        inner = {**{name: of for name, of in scope.items() if name != "q"}, "q": kind}
        return f"q: {self.expression('int', depth - 1, inner, calls=False)}"

    def _loop(self, depth: int, scope: Scope, item: str, *, calls: bool, key: bool = False) -> str:
        """A comprehension with one or two loops, whose variables may hide names from outside."""
        inner = dict(scope)
        clauses: list[str] = []
        for _ in range(self._pick([1, 1, 1, 2])):
            if self._pick([True, True, False]):
                kind = self._pick(["ints", "ints", "words", "pages"] if calls else ["ints", "words"])
                name = self._pick(["t", "u", "a", "b"])
                clauses.append(f"for {name} in {self.expression(kind, depth - 1, inner, calls=calls)}")
                inner[name] = _ITEMS[kind]
            else:
                clauses.append(f"for t, u in {self.expression('pairs', depth - 1, inner, calls=calls)}")
                inner |= {"t": "int", "u": "text"}
            if self._pick([True, False, False]):
                clauses.append(f"if {self.expression('bool', depth - 1, inner, calls=calls)}")
        element = self.expression(item, depth - 1, inner, calls=calls)
        if key:
            return f"{{{self.expression('text', depth - 1, inner, calls=calls)}: {element} {' '.join(clauses)}}}"
        return f"[{element} {' '.join(clauses)}]"

    def _new(self, base: str) -> str:
        self._fresh += 1
        return f"{base}{self._fresh}"
