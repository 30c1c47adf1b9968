"""Printed plans and expressions: what they look like, and that they mean what was printed."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given, settings

from superscalar.plan import ir
from superscalar.plan.ir import (
    Apply,
    Binary,
    Call,
    Choice,
    Clause,
    Compare,
    Comprehension,
    Compute,
    Display,
    Expr,
    Field,
    Guard,
    Hole,
    Index,
    Join,
    Lambda,
    Literal,
    Logic,
    Map,
    Method,
    Ref,
    Select,
    Sequence,
    Slice,
    Task,
    Text,
    Unary,
    Unpacked,
)
from superscalar.plan.print.program import print_expr, print_plan
from support.depth import examples
from support.python_reader import read
from support.random_expressions import expressions

a, b, c = Ref("a"), Ref("b"), Ref("c")
ONE, TWO = Literal(1), Literal(2)


@settings(max_examples=examples(150, 3_000), deadline=None)
@given(expressions())
def test_a_printed_expression_reads_back_as_itself(expr: Expr) -> None:
    """Python's parser finds in the text what was printed; 1, 1.0 and True are told apart."""
    assert repr(read(print_expr(expr))) == repr(expr)


@settings(max_examples=examples(50, 1_000), deadline=None)
@given(expressions())
def test_no_parentheses_can_be_left_out(expr: Expr) -> None:
    """Leaving out any one pair changes what the text means, or leaves no expression at all."""
    text = print_expr(Sequence("list", (expr,)))
    for opening, closing in _parentheses(text):
        shorter = text[:opening] + text[opening + 1 : closing] + text[closing + 1 :]
        try:
            assert ast.dump(ast.parse(shorter, mode="eval")) != ast.dump(ast.parse(text, mode="eval")), text
        except SyntaxError:
            continue


def _parentheses(text: str) -> list[tuple[int, int]]:
    """Pairs of parentheses of an expression without text; those of a tuple are kept wherever it stands."""
    if any(quote in text for quote in "'\""):
        return []
    stack, pairs = [], []
    for place, character in enumerate(text):
        if character == "(":
            stack.append(place)
        elif character == ")":
            opening = stack.pop()
            tuple_in_brackets = text[opening - 1] == "[" and "," in text[opening:place]
            pairs += [] if tuple_in_brackets else [(opening, place)]
    return pairs


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Binary("*", Binary("+", a, b), c), "(a + b) * c"),
        (Binary("+", a, Binary("*", b, c)), "a + b * c"),
        (Binary("-", a, Binary("-", b, c)), "a - (b - c)"),
        (Binary("-", Binary("-", a, b), c), "a - b - c"),
        (Binary("**", a, Binary("**", b, c)), "a ** b ** c"),
        (Binary("**", Binary("**", a, b), c), "(a ** b) ** c"),
        (Binary("**", Unary("-", a), Unary("-", b)), "(-a) ** -b"),
        (Unary("-", Binary("**", a, b)), "-a ** b"),
        (Binary("<<", Binary("|", a, b), c), "(a | b) << c"),
        (Binary("&", Binary("^", a, b), c), "(a ^ b) & c"),
        (Unary("not", Logic("or", (a, b))), "not (a or b)"),
        (Unary("not", Compare(a, (("in", b),))), "not a in b"),
        (Unary("-", Unary("not", a)), "-(not a)"),
        (Compare(Unary("not", a), (("==", b),)), "(not a) == b"),
        (Compare(Compare(a, (("<", b),)), (("<", c),)), "(a < b) < c"),
        (Compare(ONE, (("<=", a), ("not in", b))), "1 <= a not in b"),
        (Logic("and", (Logic("or", (a, b)), c)), "(a or b) and c"),
        (Logic("or", (Logic("and", (a, b)), c)), "a and b or c"),
        (Logic("or", (Logic("or", (a, b)), c)), "(a or b) or c"),
        (Choice(c, a, Choice(b, ONE, TWO)), "a if c else 1 if b else 2"),
        (Choice(Choice(a, b, c), Choice(b, ONE, TWO), c), "(1 if b else 2) if (b if a else c) else c"),
        (Binary("+", Choice(a, b, c), ONE), "(b if a else c) + 1"),
        (Field(Binary("+", a, b), "x"), "(a + b).x"),
        (Field(ONE, "x"), "(1).x"),
        (Field(Literal(1.5), "x"), "1.5.x"),
        (Binary("**", Literal(-1), TWO), "(-1) ** 2"),
        (Literal(float("-inf")), "-1e999"),
        (Index(a, Sequence("tuple", (ONE, TWO))), "a[(1, 2)]"),
        (Sequence("tuple", (a,)), "(a,)"),
        (Sequence("tuple", ()), "()"),
        (Sequence("set", ()), "set()"),
        (ir.Dict(((a, ONE), (b, TWO))), "{a: 1, b: 2}"),
        (Slice(a, ONE, None, None), "a[1:]"),
        (Slice(a, None, None, Literal(-1)), "a[::-1]"),
        (Method(Literal(", "), "join", (a,)), "', '.join(a)"),
        (Apply("sorted", (a,), (("key", Lambda(("t",), Field(ir.Var("t"), "n"))),)), "sorted(a, key=lambda t: t.n)"),
        (
            Comprehension("list", ir.Var("t"), (Clause(("t", ("u", "v")), Choice(a, b, c), (Choice(a, b, c),)),)),
            "[t for t, (u, v) in (b if a else c) if (b if a else c)]",
        ),
        (Unpacked(a, 1, 2), "a[1]"),
        (Unpacked(Unpacked(Ref("(a, (b, c))"), 1, 2), 0, 2), "b"),
    ],
)
def test_parentheses_stand_where_precedence_needs_them(expr: Expr, text: str) -> None:
    """Each row is an expression and its only right text."""
    assert print_expr(expr) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (Text(("portfolio at ", Hole(a, spec=Text((".2f",))))), "f'portfolio at {a:.2f}'"),
        (Text(("it's {", Hole(a, "r"), "}")), "f'it\\'s {{{a!r}}}'"),
        (Text((Hole(Index(a, Literal("k"))),)), "f'{a[\"k\"]}'"),
        (Text((Hole(Index(a, Literal("it's"))),)), "f\"{a['''it's''']}\""),
        (Text((Hole(ir.Dict(((Literal("k"), a),))),)), "f'{ {\"k\": a}}'"),
        (Text((Hole(a, spec=Text((Hole(b), ".", Hole(c)))),)), "f'{a:{b}.{c}}'"),
        (Text((Hole(Lambda((), a)),)), "f'{(lambda: a)}'"),
        (Text((Hole(Choice(a, b, Lambda((), c))),)), "f'{(b if a else lambda: c)}'"),
        (Text((Hole(Text((Hole(Index(a, Literal("k"))),))),)), 'f\'{f"""{a["k"]}"""}\''),
        (Text(()), "f''"),
    ],
)
def test_the_quotes_of_an_f_string_do_not_stand_in_its_holes(text: Text, shown: str) -> None:
    """As Python 3.11 wants it."""
    assert print_expr(text) == shown
    assert read(shown) == text


def test_holes_that_agree_on_no_quotes_get_literals_of_their_own() -> None:
    """One hole rules out the quotes that the other needs."""
    text = Text((Hole(Literal("'''")), Hole(Literal('"""'))))
    shown = """f\"\"\"{"'''"}\"\"\" f'''{'\"\"\"'}'''"""
    assert print_expr(text) == shown
    assert read(shown) == text


def test_a_backslash_in_a_hole_is_printed_for_python_3_12() -> None:
    """There is no other way to say it; older parsers see it as it is meant, and refuse it."""
    text = Text((Hole(Method(Literal("\n"), "join", (a,))),))
    assert print_expr(text) == "f'{'\\n'.join(a)}'"
    if sys.version_info >= (3, 12):
        assert read(print_expr(text)) == text


# --------------------------------------------------------------------------------------------------------- plans


def call(task: str, tool: str, **arguments: Expr) -> Task:
    return Task(task, Call(tool, tuple(arguments.items())))


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_a_lifted_call_is_printed_where_it_is_used() -> None:
    """Also several levels deep, and for a bare statement."""
    tasks = [
        call("x.fetch.find", "find", name=Literal("a")),
        call("x.fetch", "fetch", url=Ref("x.fetch.find")),
        Task("x", Compute(Binary("*", Field(Ref("x.fetch"), "price"), TWO))),
        call("notify().fetch", "fetch", url=Literal("b")),
        call("notify()", "notify", text=Ref("notify().fetch")),
        call("notify().2", "notify", text=Ref("x")),
    ]
    assert print_plan(tasks) == text(
        "x = fetch(url=find(name='a')).price * 2", "notify(text=fetch(url='b'))", "notify(text=x)"
    )


def test_versions_print_as_the_name_assigned_again() -> None:
    """`x.2` is `x` from then on."""
    tasks = [call("x", "f"), Task("x.2", Compute(Binary("+", Ref("x"), ONE))), call("y", "g", of=Ref("x.2"))]
    assert print_plan(tasks) == text("x = f()", "x = x + 1", "y = g(of=x)")


def test_an_unpacking_prints_as_one_statement() -> None:
    """The tasks that take the value apart print nothing, nested or not."""
    whole = Ref("(a, (b, c)).2")
    tasks = [
        call("(a, (b, c)).2", "pair"),
        Task("a", Compute(Unpacked(whole, 0, 2))),
        Task("b.3", Compute(Unpacked(Unpacked(whole, 1, 2), 0, 2))),
        Task("c", Compute(Unpacked(Unpacked(whole, 1, 2), 1, 2))),
        Task("d", Compute(Binary("+", Ref("a"), Ref("b.3")))),
    ]
    assert print_plan(tasks) == text("a, (b, c) = pair()", "d = a + b")


def test_a_map_prints_as_a_comprehension() -> None:
    """With the item's name, its filters, and what its body lifted."""
    body = (
        call("xs[].known", "known", name=Ref("xs[]:t")),
        call("xs[].fetch", "fetch", url=Ref("xs[]:t")),
        call("xs[]", "summarize", page=Ref("xs[].fetch")),
    )
    urls = Task("xs.urls", Compute(Sequence("list", (Literal("u"),))))
    xs = Task("xs", Map("xs.urls", "xs[]:t", body, "xs[]", keep=("xs[].known",)))
    assert print_plan([urls, xs]) == text("xs = [summarize(page=fetch(url=t)) for t in ['u'] if known(name=t)]")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("list", "[f(of=t) for t in source]"),
        ("set", "{f(of=t) for t in source}"),
        ("tuple", "tuple(f(of=t) for t in source)"),
    ],
)
def test_each_kind_of_map_has_its_brackets(kind: str, shown: str) -> None:
    """List, set and tuple."""
    body = (call("m[]", "f", of=Ref("m[]:t")),)
    made = Map("source", "m[]:t", body, "m[]", kind=kind)  # type: ignore[arg-type]
    assert print_plan([Task("m", made)]) == text(f"m = {shown}")


def test_a_dict_map_prints_its_key_and_unpacks_its_item() -> None:
    """`{k: f(v) for k, v in ...}`, the names of the item read off its id."""
    body = (
        Task("m[]:k", Compute(Unpacked(Ref("m[]:(k, v)"), 0, 2))),
        Task("m[]:v", Compute(Unpacked(Ref("m[]:(k, v)"), 1, 2))),
        call("m[]", "f", of=Ref("m[]:v")),
    )
    made = Map("pairs", "m[]:(k, v)", body, "m[]", kind="dict", key="m[]:k")
    assert print_plan([Task("m", made)]) == text("m = {k: f(of=v) for k, v in pairs}")


def test_a_flattened_map_prints_as_a_further_for() -> None:
    """With filters of its own; and also where the inner one makes no call."""
    inner = Map("m[].links", "m[][]:v", (call("m[][].f", "f", of=Ref("m[][]:v")),), "m[][].f", keep=("m[][]:v",))
    body = (call("m[].links", "links", of=Ref("m[]:u")), Task("m[].map", inner))
    outer = Task("m", Map("urls", "m[]:u", body, "m[].map", flatten=True))
    assert print_plan([outer]) == text("m = [f(of=v) for u in urls for v in links(of=u) if v]")

    plain = Comprehension("list", ir.Var("v"), (Clause("v", Ref("m[].links")),))
    outer = Task("m", Map("urls", "m[]:u", (body[0], Task("m[].all", Compute(plain))), "m[].all", flatten=True))
    assert print_plan([outer]) == text("m = [v for u in urls for v in links(of=u)]")


def test_displays_print_their_items_in_place() -> None:
    """Lists, and dicts with their keys."""
    items = [call("x[0]", "f"), call("x[1]", "g")]
    assert print_plan([*items, Task("x", Display("list", ("x[0]", "x[1]")))]) == text("x = [f(), g()]")
    assert print_plan([*items, Task("x", Display("tuple", ("x[0]",)))]) == text("g()", "x = (f(),)")
    keyed = Display("dict", ("x[0]", "x[1]"), (Literal("a"), Ref("k")))
    assert print_plan([*items, Task("x", keyed)]) == text("x = {'a': f(), k: g()}")


def test_guards_print_as_if_elif_else() -> None:
    """Arms nest, conditions with calls stand in place, and a select prints nothing."""
    first, second, inner = Guard("if", True), Guard("if.2", True), Guard("x", True)
    no, neither = Guard("if", False), Guard("if.2", False)
    tasks = [
        call("if.f", "f"),
        Task("if", Compute(Compare(Ref("if.f"), ((">", ONE),)))),
        Task("x", Compute(ONE), guards=(first,)),
        Task("y", Compute(TWO), guards=(first, inner)),
        Task("if.2", Compute(Ref("z")), guards=(no,)),
        Task("x.2", Compute(TWO), guards=(no, second)),
        Task("x.3", Compute(Literal(3)), guards=(no, neither)),
        Task("x.4", Select("if.2", "x.2", "x.3")),
        Task("x.5", Select("if", "x", "x.4")),
        Task("w", Compute(Ref("x.5"))),
    ]
    assert print_plan(tasks) == text(
        "if f() > 1:",
        "    x = 1",
        "    if x:",
        "        y = 2",
        "elif z:",
        "    x = 2",
        "else:",
        "    x = 3",
        "w = x",
    )


def test_an_arm_without_tasks_is_passed() -> None:
    """So that the condition reads back as the same one; two ifs in a row on one name stay two."""
    tasks = [
        Task("x", Compute(ONE), guards=(Guard("c", False),)),
        Task("y", Compute(TWO), guards=(Guard("c", True),)),
    ]
    assert print_plan(tasks) == text("if c:", "    pass", "else:", "    x = 1", "if c:", "    y = 2")


def test_guards_inside_an_expression_print_nothing() -> None:
    """They follow from the expression that the calls stand in (rule L12)."""
    tasks = [
        call("x.ask", "ask"),
        Task("x.f", Call("f"), guards=(Guard("x.ask", True),)),
        Task("x.g", Call("g"), guards=(Guard("x.ask", False),)),
        Task("x", Compute(Choice(Ref("x.ask"), Ref("x.f"), Ref("x.g")))),
        call("y.f", "f"),
        call("y.g", "g"),
        Task("y.if", Compute(Compare(Ref("y.f"), (("<", Ref("y.g")),)))),
        Task("y.h", Call("h"), guards=(Guard("y.if", True),)),
        Task("y", Compute(Compare(Ref("y.f"), (("<", Ref("y.g")), ("<", Ref("y.h")))))),
    ]
    assert print_plan(tasks) == text("x = f() if ask() else g()", "y = f() < g() < h()")


def test_thoughts_print_above_their_statement() -> None:
    """Each once, those of lifted tasks too, line by line."""
    tasks = [
        Task("x.f", Call("f"), thought="first\nsecond"),
        Task("x", Call("g", (("of", Ref("x.f")),)), thought="first\nsecond"),
        Task("if", Compute(Ref("x")), thought="maybe"),
        Task("y", Call("f"), guards=(Guard("if", True),), thought="then"),
    ]
    assert print_plan(tasks) == text(
        "# first", "# second", "x = g(of=f())", "# maybe", "if x:", "    # then", "    y = f()"
    )


def test_the_thought_of_an_unpacking_is_printed_though_its_task_is_not() -> None:
    """It may be at any of the tasks that the statement came to."""
    whole = Ref("(a, b)")
    tasks = [
        call("(a, b)", "pair"),
        *(Task(n, Compute(Unpacked(whole, i, 2)), thought="why") for i, n in enumerate("ab")),
    ]
    assert print_plan(tasks) == text("# why", "a, b = pair()")


def test_join_prints_its_items_by_name_and_place() -> None:
    """And nothing where it joins the whole plan."""
    assert print_plan([Task("join", Join(((None, "a"), ("b", "a.2"))))]) == text("join(a, b=a)")
    assert print_plan([Task("join", Join(((None, "a"),), whole_plan=True))]) == text("join()")
    lifted = call("join.f", "f")
    assert print_plan([lifted, Task("join", Join(((None, "join.f"),)))]) == text("join(f())")


def test_a_nameless_task_that_is_used_twice_gets_a_name() -> None:
    """So that its call is not written twice; plans of other front ends have such tasks."""
    tasks = [
        call("1", "search", query=Literal("q")),
        call("2", "f", of=Ref("1")),
        Task("t", Compute(Binary("+", Ref("2"), Ref("1")))),
    ]
    assert print_plan(tasks) == text("step_1 = search(query='q')", "t = f(of=step_1) + step_1")


def test_a_map_for_its_effects_prints_as_a_loop() -> None:
    """Its body is a block: names of its own, statements, guards."""
    body = (
        call("for[]:page", "fetch", url=Ref("for[]:u")),
        Task("for[].if", Compute(Field(Ref("for[]:page"), "new"))),
        Task("for[].notify()", Call("notify", (("text", Ref("for[]:page")),)), guards=(Guard("for[].if", True),)),
    )
    assert print_plan([Task("for", Map("urls", "for[]:u", body, "for[].notify()"))]) == text(
        "for u in urls:", "    page = fetch(url=u)", "    if page.new:", "        notify(text=page)"
    )


def test_print_expr_writes_out_what_it_is_given_inline() -> None:
    """And leaves every other reference a name."""
    lifted = call("x.f", "f", of=Ref("y.2"))
    assert print_expr(Binary("+", Ref("x.f"), Ref("x.g")), {"x.f": lifted}) == "f(of=y) + x.g"
