"""Random expressions of the plan language, without calls of tools, as Python's parser would give them back."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from superscalar.plan import ir
from superscalar.plan.ir import Clause, Expr, Hole, Literal, Ref, Text, Var

_NAMES = st.sampled_from(["title", "price", "x1"])
_UNARY: SearchStrategy[Any] = st.sampled_from(["-", "+", "~", "not"])
_BINARY: SearchStrategy[Any] = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"])
_COMPARATORS = st.sampled_from(get_args(ir.Comparator))
_TARGETS: dict[ir.Target, set[str]] = {"t": {"t"}, ("t",): {"t"}, ("t", "u"): {"t", "u"}, ("t", ("u", "v")): {*"tuv"}}
_SPECS = st.sampled_from([None, Text((".2f",)), Text((">", Hole(Ref("a")), ".", Hole(Ref("b"), "r")))])

_NUMBERS = st.integers(0, 2**70) | st.floats(0, allow_nan=False)
_ANY = st.none() | st.booleans() | _NUMBERS | st.binary(max_size=3) | st.text(max_size=6) | st.text("'\"\\\n\t{}$")
# What a hole of an f-string may hold before Python 3.12: no backslash, and nothing whose literal needs one.
_UNESCAPED = st.text("ab '\"{}#!:é", max_size=4).filter(lambda text: "'''" not in text and '"""' not in text)
_PLAIN = st.none() | st.booleans() | _NUMBERS | st.sampled_from([b"", b"ab"]) | _UNESCAPED
_CONSTANT_PARTS = [st.text("ab '\"{}\\\n\té", min_size=1, max_size=4), st.text("ab'{}é", min_size=1, max_size=4)]


@st.composite
def expressions(draw: DrawFn, depth: int = 3) -> Expr:
    """One expression, up to so many levels deep."""
    return _Drawing(draw).expression(depth, frozenset())


class _Drawing:
    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw
        self._holes = 0  # how many f-strings we are in

    def expression(self, depth: int, bound: frozenset[str]) -> Expr:
        kind = self._pick(range(20)) if depth else 0

        def sub(more: frozenset[str] = frozenset()) -> Expr:
            return self.expression(depth - 1, bound | more)

        def some(least: int, most: int) -> tuple[Expr, ...]:
            return tuple(sub() for _ in range(self._pick(range(least, most + 1))))

        def keywords() -> tuple[tuple[str, Expr], ...]:
            return tuple((name, sub()) for name in sorted(self._draw(st.sets(_NAMES, max_size=2))))

        match kind:
            case 1:
                return ir.Unary(self._draw(_UNARY), sub())
            case 2 | 3 | 4:
                return ir.Binary(self._draw(_BINARY), sub(), sub())
            case 5 | 6:
                return ir.Compare(sub(), tuple((self._draw(_COMPARATORS), operand) for operand in some(1, 2)))
            case 7 | 8:
                return ir.Logic(self._pick(["and", "or"]), some(2, 3))
            case 9 | 10:
                return ir.Choice(sub(), sub(), sub())
            case 11:
                return ir.Index(sub(), sub())
            case 12:
                return ir.Slice(sub(), *(sub() if self._pick([True, False]) else None for _ in range(3)))
            case 13:
                return ir.Field(sub(), self._draw(_NAMES))
            case 14:
                return ir.Sequence(self._pick(["list", "tuple", "set"]), some(0, 2))
            case 15:
                return ir.Dict(tuple((key, sub()) for key in some(0, 2)))
            case 16:
                return ir.Apply(self._pick(["len", "sorted"]), some(0, 2), keywords())
            case 17:
                return ir.Method(sub(), self._pick(["join", "get"]), some(0, 2), keywords())
            case 18:
                return ir.Lambda(("t", "u"), sub(frozenset("tu")))
            case 19:
                return self._comprehension(depth - 1, bound)
            case _ if depth and self._holes < 2 and self._pick([True, False]):
                return self._text(depth - 1, bound)
            case _:
                return self._leaf(bound)

    def _pick(self, choices: Any) -> Any:
        return self._draw(st.sampled_from(choices))

    def _leaf(self, bound: frozenset[str]) -> Expr:
        names = [Ref("a"), Ref("b"), Ref("prices"), *map(Var, sorted(bound))]
        constants: SearchStrategy[Any] = _PLAIN if self._holes else _ANY
        return self._pick(names) if self._pick([True, False]) else Literal(self._draw(constants))

    def _text(self, depth: int, bound: frozenset[str]) -> Expr:
        self._holes += 1
        parts: list[str | Hole] = []
        for _ in range(self._pick(range(4))):
            if self._pick([True, False]) and not (parts and isinstance(parts[-1], str)):
                parts.append(self._draw(_CONSTANT_PARTS[self._holes - 1]))
            else:
                value = self.expression(depth, bound)
                parts.append(Hole(value, self._pick(["", "s", "r", "a"]), self._draw(_SPECS)))
        self._holes -= 1
        return Text(tuple(parts))

    def _comprehension(self, depth: int, bound: frozenset[str]) -> Expr:
        clauses = []
        for _ in range(self._pick([1, 2])):
            iterable = self.expression(depth, bound)
            target: ir.Target = self._pick(list(_TARGETS))
            bound |= _TARGETS[target]
            conditions = tuple(self.expression(depth, bound) for _ in range(self._pick([0, 1])))
            clauses.append(Clause(target, iterable, conditions))
        kind = self._pick(["list", "set", "dict"])
        key = self.expression(depth, bound) if kind == "dict" else None
        return ir.Comprehension(kind, self.expression(depth, bound), tuple(clauses), key)
