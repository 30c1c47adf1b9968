"""Whatever pure expression is evaluated, it has the value that CPython gives it, or has none in both (rule L3)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import (
    Apply,
    Binary,
    Choice,
    Clause,
    Compare,
    Comprehension,
    Compute,
    Dict,
    Expr,
    Hole,
    Index,
    Lambda,
    Literal,
    Logic,
    Method,
    Ref,
    Sequence,
    Slice,
    Text,
    Unary,
    Var,
)
from superscalar.plan.ir.needs import children, needs_of, references
from superscalar.values import Failure, Observation, Outcome
from support.alike import canonical
from support.depth import examples
from support.expressions import read, show

VALUES: dict[str, Any] = {
    "n": 3,
    "big": 10**20,
    "f": 2.5,
    "nan": float("nan"),
    "t": True,
    "none": None,
    "s": "Hello, wörld\n",
    "xs": [3, 1, 2, 1],
    "ws": ["b", "a", "ab", ""],
    "d": {"a": 1, "b": [2], 3: None},
    "p": (1, "x"),
}
_KINDS = ("int", "float", "bool", "text", "list", "words", "dict", "set")
_NAMED = {
    "int": ["n", "big", "t"],
    "float": ["f", "nan"],
    "bool": ["t"],
    "text": ["s"],
    "list": ["xs"],
    "words": ["ws"],
    "dict": ["d"],
}
_LITERALS: dict[str, st.SearchStrategy[Expr]] = {
    "int": st.integers(-5, 5).map(Literal),
    "float": st.sampled_from([0.0, -0.0, 1.0, 0.5, -2.75, 1e300, 1e-7]).map(Literal),
    "bool": st.booleans().map(Literal),
    "text": st.sampled_from(["", "a", "l", ", ", "ß", "42", " 1.5 ", "a b  c"]).map(Literal),
}
_SMALL = st.integers(0, 4).map(Literal)
_END = st.none() | st.integers(-4, 4).map(Literal)


@st.composite
def expression(draw: DrawFn, kind: str, depth: int, names: tuple[tuple[str, str], ...] = ()) -> Expr:
    """An expression that mostly has a value of that kind. Nothing in it grows beyond what Python does at once.

    `names` are those bound around it, each with the kind of its values.
    """

    def sub(other: str = "") -> Expr:
        chosen = other or draw(st.sampled_from(_KINDS))
        if not draw(st.integers(0, 40)):  # now and then of the wrong kind, for both to refuse
            chosen = draw(st.sampled_from(_KINDS))
        if chosen == "set" and other != "set":
            chosen = "list"  # Python leaves open in what order one goes through a set
        return draw(expression(chosen, depth - 1, names))

    def one_of(*makers: Callable[[], Expr]) -> Expr:
        return draw(st.sampled_from(makers))()

    def leaf() -> Expr:
        choices: list[st.SearchStrategy[Expr]] = [st.sampled_from(_NAMED.get(kind, ["none", "p"])).map(Ref)]
        if kind in _LITERALS:
            choices.append(_LITERALS[kind])
        if bound := [name for name, of in names if of == kind]:
            choices.append(st.sampled_from(bound).map(Var))
        return draw(st.one_of(choices))

    def loop(made: Any, key: bool = False) -> Expr:
        name = draw(st.sampled_from("xyz"))
        of = draw(st.sampled_from(["list", "words", "text"]))
        source = sub(of)
        inner = (*names, (name, "int" if of == "list" else "text"))
        conditions = draw(st.lists(expression("bool", depth - 1, inner), max_size=1))
        clauses = [Clause(name, source, tuple(conditions))]
        if draw(st.booleans()) and depth > 1:
            clauses.append(Clause(("y", "z"), Apply("zip", (sub("list"), sub("words")))))
            inner = (*inner, ("y", "int"), ("z", "text"))
        element = draw(expression(draw(st.sampled_from(["int", "text", "list"])), depth - 1, inner))
        keyed = draw(expression(draw(st.sampled_from(["int", "text"])), depth - 1, inner)) if key else None
        return Comprehension(made, element, tuple(clauses), keyed)

    def by_key(function: str) -> Expr:
        of = draw(st.sampled_from(["list", "words"]))
        key = draw(expression("int", depth - 1, (*names, ("k", "int" if of == "list" else "text"))))
        return Apply(function, (sub(of),), (("key", Lambda(("k",), key)),))

    def compared() -> Expr:
        symbols = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
        same = draw(st.sampled_from(_KINDS))
        links = draw(st.integers(1, 2))
        return Compare(sub(same), tuple((draw(symbols), sub(same)) for _ in range(links)))  # type: ignore[arg-type]

    def contained() -> Expr:
        symbol: Any = draw(st.sampled_from(["in", "not in"]))
        return Compare(sub(), ((symbol, sub(draw(st.sampled_from(["list", "words", "dict", "set", "text"])))),))

    def written() -> Expr:
        conversion: Any = draw(st.sampled_from(["", "r", "s", "a"]))
        spec = draw(st.sampled_from(["", "", "", ">5", ".2f", "x", "03d", ",", "^{}", "!"]))
        value = Ref(draw(st.sampled_from([*VALUES])))
        if not spec:
            return Text(("<{}>", Hole(value, conversion)))
        parts = ("^", Hole(Ref("n"))) if spec == "^{}" else (spec,)
        return Text((Hole(value, conversion, Text(parts)), "|"))

    def pairs() -> Expr:
        return one_of(
            lambda: Apply("list", (Apply("enumerate", (sub("list"), sub("int"))),)),
            lambda: Apply("list", (Apply("zip", (sub("list"), sub("text"))),)),
            lambda: Apply("list", (Method(sub("dict"), draw(st.sampled_from(["keys", "values", "items"])), ()),)),
            lambda: Apply("tuple", (sub("words"),)),
        )

    if depth <= 0:
        return leaf() if kind != "set" else Sequence("set", (Literal(1), Literal(2)))
    anything: tuple[Callable[[], Expr], ...] = (
        leaf,
        lambda: Choice(sub("bool"), sub(kind), sub(kind)),
        lambda: Logic(draw(st.sampled_from(["and", "or"])), (sub(kind), sub(kind))),
    )
    sliced = [lambda: Slice(sub(kind), draw(_END), draw(_END), draw(_END))]
    repeated = [lambda: Binary("*", sub(kind), draw(_SMALL)), lambda: Binary("+", sub(kind), sub(kind))]
    match kind:
        case "int" | "float":
            arithmetic: Any = st.sampled_from(
                ["+", "-", "/", "//", "%"] + (["&", "|", "^", ">>"] if kind == "int" else [])
            )
            raised: Any = st.sampled_from(["**", "<<"] if kind == "int" else ["**"])
            ends: list[Expr] = [Literal(0), Literal(-1), Ref("n")]
            numerals = st.sampled_from(["42", " -7 ", "1_0", "0"] + (["1.5", "-2e3", "nan"] if kind == "float" else []))
            return one_of(
                *anything,
                lambda: Binary(draw(arithmetic), sub(kind), sub(draw(st.sampled_from(["int", "float"])))),
                lambda: Binary("*", sub("float"), sub(kind)) if kind == "float" else Unary("-", sub(kind)),
                lambda: Binary(draw(raised), sub(kind), draw(_SMALL)),
                lambda: Unary(draw(st.sampled_from(["-", "+", "~"] if kind == "int" else ["-", "+"])), sub(kind)),
                lambda: Index(sub("list"), draw(st.sampled_from(ends))),
                lambda: Index(Dict(((sub("text"), sub("int")), (Literal("a"), sub(kind)))), Literal("a")),
                lambda: Apply(draw(st.sampled_from(["len", "sum", "min", "max"])), (sub("list"),)),
                lambda: Apply(draw(st.sampled_from(["min", "max"])), (sub("list"),), (("default", sub("int")),)),
                lambda: Apply("sum", (sub("list"), sub(kind))),
                lambda: Apply(draw(st.sampled_from(["abs", "round", kind])), (sub(kind),)),
                lambda: Apply("round", (sub("float"), draw(_SMALL))),
                lambda: Apply(kind, (Literal(draw(numerals)),)),
                lambda: Method(sub("text"), "find", (sub("text"),)),
                lambda: by_key(draw(st.sampled_from(["min", "max"]))),
                lambda: Apply("len", (sub("set"),)),
            )
        case "bool":
            return one_of(
                *anything,
                compared,
                compared,
                contained,
                lambda: Unary("not", sub()),
                lambda: Apply(draw(st.sampled_from(["any", "all"])), (sub("list"),)),
                lambda: Apply("bool", (sub(),)),
                lambda: Compare(pairs(), (("==", pairs()),)),
                lambda: Method(sub("text"), draw(st.sampled_from(["startswith", "endswith"])), (sub("text"),)),
            )
        case "text":
            plain = st.sampled_from(["lower", "upper", "title", "strip", "lstrip", "rstrip"])
            return one_of(
                *anything,
                *sliced,
                *repeated,
                written,
                lambda: Index(Binary("+", sub("text"), Ref("s")), draw(_SMALL)),
                lambda: Apply("str", (sub(draw(st.sampled_from(["int", "float", "text", "list", "words", "dict"]))),)),
                lambda: Method(sub("text"), draw(plain), ()),
                lambda: Method(sub("text"), "strip", (sub("text"),)),
                lambda: Method(sub("text"), "replace", (sub("text"), sub("text"), draw(_SMALL))),
                lambda: Method(sub("text"), "join", (sub("words"),)),
            )
        case "list" | "words":
            inside = "int" if kind == "list" else "text"
            split = st.sampled_from(["split", "rsplit"])
            items: tuple[Callable[[], Expr], ...] = (
                lambda: Sequence("list", (sub(inside), sub(inside))),
                lambda: Sequence("list", (sub(),)),
                lambda: Apply("sorted", (sub(kind),), (("reverse", draw(_LITERALS["bool"])),)),
                lambda: Apply("list", (Apply("reversed", (sub(kind),)),)),
                lambda: Apply(draw(st.sampled_from(["list", "tuple"])), (sub(kind),)),
                lambda: by_key("sorted"),
                lambda: loop("list"),
                lambda: loop("list"),
            )
            if kind == "list":
                small = lambda: Apply("list", (Apply("range", (draw(_SMALL), draw(st.integers(-9, 9).map(Literal)))),))  # noqa: E731
                return one_of(*anything, *sliced, *repeated, *items, small)
            return one_of(
                *anything,
                *sliced,
                *repeated,
                *items,
                lambda: Method(sub("text"), draw(split), (sub("text"), draw(_SMALL))),
                lambda: Method(sub("text"), draw(split), ()),
                lambda: Method(sub("text"), "splitlines", ()),
            )
        case "dict":
            return one_of(
                *anything,
                lambda: Dict(((sub("text"), sub()), (sub("int"), sub()))),
                lambda: Apply("dict", (Apply("zip", (sub("words"), sub("list"))),)),
                lambda: Binary("|", sub("dict"), sub("dict")),
                lambda: loop("dict", key=True),
            )
        case _:
            return one_of(
                lambda: Sequence("set", (sub("int"), sub("text"))),
                lambda: Apply("set", (sub("list"),)),
                lambda: Binary(draw(st.sampled_from(["|", "&", "-", "^"])), sub("set"), sub("set")),
                lambda: loop("set"),
            )


_REFUSALS = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, NameError)


def python_value(expr: Expr) -> Any:
    """What CPython makes of it: the oracle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = eval(show(expr), dict(VALUES))
    if isinstance(found, complex):
        raise ValueError("a complex number")
    return found


@settings(max_examples=examples(200, 3_000), deadline=None)
@given(st.sampled_from(_KINDS).flatmap(lambda kind: expression(kind, 3)))
@example(read("[x for x in [1, 2] if x > n] or f * -0.0"))
@example(read("(1 < f < n) + round(-0.5)"))
def test_an_expression_is_worth_what_python_makes_of_it(expr: Expr) -> None:
    expected: Any = None
    refused: Exception | None = None
    try:
        expected = python_value(expr)
    except _REFUSALS as error:
        refused = error
    if refused is not None:
        try:
            evaluate(expr, lambda task: Observation(VALUES[task]))
        except EvaluationError:
            return
        parts = [expr]
        for part in parts:  # grows while we go through it
            parts.extend(children(part))
        assert any(isinstance(part, Sequence | Dict | Comprehension) for part in parts)  # of which an item failed (L33)
    else:
        found = evaluate(expr, lambda task: Observation(VALUES[task]))
        assert canonical(found) == canonical(expected)


@settings(max_examples=examples(120, 3_000), deadline=None)
@given(expression("int", 3), expression("list", 2), st.sampled_from([*VALUES]), st.booleans())
@example(read("len([s for x in [n]])"), read("xs"), "n", False)
def test_a_value_that_is_needed_is_missed_and_no_other(number: Expr, fallback: Expr, lost: str, wrapped: bool) -> None:
    expr = Sequence("list", (number, Apply("default", (fallback, number)))) if wrapped else number
    needs = needs_of(Compute(expr))
    assert {need.task for need in needs} == set(references(expr))
    asked: set[str] = set()

    def outcome(task: str) -> Outcome:
        asked.add(task)
        return Failure("error", "lost") if task == lost else Observation(VALUES[task])

    certain = any(need.task == lost and need.mode == "value" for need in needs)
    with pytest.raises((Unavailable, EvaluationError)) if certain else suppress(Unavailable, EvaluationError):
        evaluate(expr, outcome)
    assert asked <= set(references(expr))
