"""What a task waits for follows from its work (rules L8, L12, L15)."""

from __future__ import annotations

import pytest

from superscalar.plan.ir import Call, Compute, Display, Expr, Join, Literal, Map, Need, Ref, Select, Unary, Unpacked
from superscalar.plan.ir.needs import needs_of, references
from support.expressions import read


def value(task: str) -> Need:
    return Need(task, "value")


def outcome(task: str) -> Need:
    return Need(task, "outcome")


def item(task: str, index: int) -> Need:
    return Need(task, "item", index)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("1", []),
        ("a", [outcome("a")]),  # its items may be looked at under another name (rule L15)
        ("a + b * a", [value("a"), value("b")]),
        ("-a", [value("a")]),
        ("f'{a} of {b!r:>{c}}'", [value("a"), value("b"), value("c")]),
        ("a.price", [value("a")]),
        ("a.get(b, c)", [value("a"), value("b"), value("c")]),
        ("[a, (b, {c})]", [outcome("a"), outcome("b"), outcome("c")]),
        ("{a: b}", [outcome("a"), outcome("b")]),
        ("len([a, (b, {c})])", [value("a"), value("b"), value("c")]),
        ("[v for v in [a, b]]", [outcome("a"), outcome("b")]),
        ("{'x': a}.x", [outcome("a")]),
        ("{'x': a}.get(b)", [outcome("a"), value("b")]),
        ("a in {b: c}", [value("a"), outcome("b"), outcome("c")]),
        ("a[1:b]", [value("a"), value("b")]),
        ("a[b]", [value("a"), value("b")]),
        ("round(a, ndigits=b)", [value("a"), value("b")]),
        # what may not be looked at (L12)
        ("a and b and c", [value("a"), outcome("b"), outcome("c")]),
        ("a or b", [value("a"), outcome("b")]),
        ("a if c else b", [value("c"), outcome("a"), outcome("b")]),
        ("a < b < c < d", [value("a"), value("b"), outcome("c"), outcome("d")]),
        ("(a and b) + c", [value("a"), outcome("b"), value("c")]),
        ("x and (a + b)", [value("x"), outcome("a"), outcome("b")]),
        ("sorted(a, key=lambda v: v + b)", [value("a"), outcome("b")]),
        ("any([a, b])", [value("a"), value("b")]),
        # comprehensions: only the first iterable is certain
        ("[v + b for v in a if v > c for w in d]", [value("a"), outcome("c"), outcome("d"), outcome("b")]),
        ("{k: b for k in a}", [value("a"), outcome("b")]),
        ("[default(v, 0) for v in a]", [value("a")]),
        # outcomes (L15)
        ("ok(a)", [outcome("a")]),
        ("default(a, b)", [outcome("a"), outcome("b")]),
        ("default(a.x + c, b)", [outcome("a"), outcome("c"), outcome("b")]),
        ("first(k, a)", [value("k"), outcome("a")]),
        ("len(ok(a)) + b", [outcome("a"), value("b")]),
        ("a[0]", [item("a", 0)]),
        ("a[3].price", [item("a", 3)]),
        ("a[0][1]", [item("a", 0)]),
        ("a[-1]", [outcome("a")]),
        ("a[True]", [value("a")]),
        ("a['x']", [value("a")]),
        ("[a, b][0]", [outcome("a"), outcome("b")]),
        # several needs of one task
        ("a[0] + a[1] + a[0]", [item("a", 0), item("a", 1)]),
        ("a[0] + len(a)", [value("a")]),
        ("default(a, 0) + a", [value("a")]),
        ("a[0] + a[-1]", [outcome("a")]),
        ("b and a and a[2]", [value("b"), outcome("a")]),
        ("(b and a) or b", [value("b"), outcome("a")]),
        ("default(a, 0) + c + a", [value("a"), value("c")]),
    ],
)
def test_an_expression_needs_what_it_refers_to(text: str, needs: list[Need]) -> None:
    assert needs_of(Compute(read(text))) == tuple(needs)


def test_a_target_of_an_unpacking_needs_the_outcome_of_what_is_unpacked() -> None:
    assert needs_of(Compute(Unpacked(Ref("a"), 1, 2))) == (outcome("a"),)
    assert needs_of(Compute(Unpacked(read("a[2]"), 1, 2))) == (item("a", 2),)


def test_a_call_needs_what_its_arguments_need_together() -> None:
    call = Call("f", (("x", Ref("a")), ("y", read("a[0]")), ("z", read("b or a"))))
    assert needs_of(call) == (value("a"), value("b"))


def test_a_map_needs_the_shape_of_its_source_only() -> None:
    assert needs_of(Map("xs", "ys[]", (), "ys[]")) == (Need("xs", "shape"),)


def test_a_display_needs_outcomes_of_items_and_values_of_keys() -> None:
    assert needs_of(Display("dict", ("d[0]", "d[1]"), (read("a"), read("b + a")))) == (
        outcome("d[0]"),
        outcome("d[1]"),
        value("a"),
        value("b"),
    )


def test_selects_and_joins_need_outcomes() -> None:
    assert needs_of(Select("if", "a.2", None)) == (outcome("if"), outcome("a.2"))
    assert needs_of(Join(((None, "a"), ("x", "b"), ("y", "a")))) == (outcome("a"), outcome("b"))


def test_references_are_all_of_them_in_order() -> None:
    assert list(references(read("a + f'{b:{c}}' + a[d] + ([e for x in g if h] and 1)"))) == list("abcadghe")


def test_deep_nesting_is_no_problem() -> None:
    expr: Expr = Ref("a")
    for _ in range(100_000):
        expr = Unary("-", expr)
    assert needs_of(Compute(expr)) == (value("a"),)
    assert list(references(expr)) == ["a"]
    assert needs_of(Compute(Literal(1))) == ()
