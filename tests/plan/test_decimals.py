"""A `Decimal` is a number as Python computes with it, within bounds, in a context of our own (L3, L24, L25)."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superscalar import LLMCompiler, Observation, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.evaluate.amounts import MAX_DIGITS
from superscalar.plan.evaluate.expression import EvaluationError
from superscalar.plan.evaluate.narrow import is_unchosen
from superscalar.plan.print.program import print_plan
from superscalar.schedule.sharing import identity
from superscalar.testing import run
from superscalar.values import plain
from superscalar.weight import is_light
from support.named_values import NamedValues


class Money(Decimal):
    """A class of a tool's own, which says something else of itself."""

    def __str__(self) -> str:
        return "money"

    def __add__(self, other: Any) -> Any:
        raise AssertionError

    __radd__ = __add__


@dataclass
class Invoice:
    total: Decimal


VALUES: dict[str, Any] = {
    "d": Decimal("10.10"),
    "e": Decimal(3),
    "f": 1.5,
    "t": "12.50",
    "ds": [Decimal("1.10"), Decimal("2.20"), Decimal("0.1")],
    "nan": Decimal("NaN"),
    "signal": Decimal("sNaN"),
    "infinite": Decimal("-Infinity"),
    "far": Decimal("1e999999999"),
    "near": Decimal("1e-999999999"),
    "long": Decimal("1" * 5_000),
    "wide": 10**1_000_000,
    "invoice": Invoice(Decimal("1190.00")),
}
PYTHON: dict[str, Any] = {name: getattr(decimal, name) for name in dir(decimal)} | {"decimal": decimal}
SAME = """
str(d), str(ds), f"{d}", f"{d!r}", f"{d!s:>8}"
f"{d:.1f} {d:,} {d:>10.2f} {d * 1000:,.2f} {d:e} {d:+} {d / 100:.0%}"
"{:.1f} {}".format(d, e), "%.1f %d %s %r" % (d, d, d, d)
d == 10, d == 10.1, e == 3, e == 3.0, d != e, e == True, d == "10.10", d == None
d > 10, d < 10.5, 3 <= e <= 3.0, d >= e
d + 1, 1 - d, d * e, d / e, d // e, d % e, -d // 3, -d % 3, d ** 2, 2 ** e, divmod(d, e), pow(d, 2)
-d, +d, abs(-d), bool(d), not Decimal("0.00"), Decimal("-0") or "zero"
sum(ds), sum(ds) / len(ds), sum(ds, Decimal("0.00")), sum([x * 2 for x in ds])
round(d), round(d, 1), round(d / 3, 2), round(Decimal("2.5")), round(Decimal("1250"), -2), round(d, None)
min(ds), max(ds), sorted(ds), max(d, 11, 10.5), sorted([d, 3, 2.5, e]), max(ds, key=lambda x: -x), min([], default=d)
int(d), int(-d), float(d), int(Decimal("1E+3"))
Decimal(t), Decimal("1.5"), Decimal(" 1_000.50 "), Decimal(3), Decimal(), Decimal(True), Decimal(d), Decimal(f)
decimal.Decimal("1.1") + Decimal("1E-2")
d.quantize(Decimal("0.1")), d.quantize(exp=Decimal("1")), Decimal("2.5").quantize(Decimal(1), ROUND_HALF_UP)
(d / 3).quantize(Decimal(".01"), rounding=ROUND_UP), d.quantize(Decimal("1"), rounding=decimal.ROUND_CEILING)
d.quantize(Decimal("1"), rounding="ROUND_FLOOR")
d.normalize(), e.sqrt(), d.to_integral_value(), Decimal("2.5").to_integral_value(rounding=ROUND_HALF_UP), d.adjusted()
d.is_nan(), nan.is_nan(), d.is_finite(), infinite.is_infinite(), d.is_zero(), infinite.is_signed()
{d: 1}[Decimal("10.1")], {3: "three"}[e], {e: "three"}[3.0], {d, Decimal("10.100")}, len({e, 3, 3.0})
d in ds, Decimal("1.1") in ds, e in [3], 3 in [e], 1 in {Decimal(1)}, d in {}
ds == [Decimal("1.1"), Decimal("2.2"), Decimal("0.10")], ds < [2], {"a": d} == {"a": Decimal("10.1")}, (1, e) == (1, 3)
nan == nan, nan != 1, infinite < 0, infinite + 1, str(infinite), f"{nan:.2f}", [nan] == [1]
[x for x in ds if x > 1], [str(x) for x in ds], {str(x): x for x in ds}, [(x, y) for x, y in zip(ds, ds)]
d if d > 5 else e, any([Decimal(0), d]), all(ds)
f"{invoice.total * Decimal('1.19'):.2f}", invoice.total == 1190, invoice == invoice
""".strip().splitlines()


NAMED = NamedValues(VALUES)
AGENT, SIGNATURES, plan_of, outcome = NAMED.agent, NAMED.signatures, NAMED.plan, NAMED.outcome


@pytest.mark.parametrize("expression", SAME)
def test_it_is_what_python_says(expression: str) -> None:
    assert repr(outcome(expression)) == repr(eval(expression, {**PYTHON, **VALUES}))


@pytest.mark.parametrize("expression", SAME)
def test_what_is_printed_of_it_reads_back_as_the_same(expression: str) -> None:
    tasks = compile_plan(plan_of(expression), SIGNATURES).tasks
    again = compile_plan(print_plan(tasks), SIGNATURES).tasks
    assert [(task.id, task.work) for task in again] == [(task.id, task.work) for task in tasks]


def test_what_a_program_has_set_for_itself_changes_no_plan() -> None:
    odd = decimal.Context(prec=3, rounding=decimal.ROUND_UP, capitals=0, traps=[decimal.FloatOperation])
    expressions = "str(Decimal('1E+5')), d / 3, round(d / 3, 1), f'{d:.0f}', sorted([d, 2.5]), Decimal(0.5) == 0.5, +d"
    expected = eval(f"[{expressions}]", {**PYTHON, **VALUES})
    with decimal.localcontext(odd):
        found = outcome(f"[{expressions}]")
        wrong = outcome("Decimal('x')")
    assert repr(found) == repr(expected)
    assert wrong.error == "InvalidOperation"


def test_a_class_of_its_own_is_left_out_of_it() -> None:
    @tool(effect="read")
    def paid() -> Any:
        return Money("1.50")

    found = run(LLMCompiler(tools=[paid]).execute("a = paid()\nx = [a + 1, str(a), f'{a:.1f}', a]\njoin(x)\n"))
    assert repr(found["x"]) == repr(Observation([Decimal("2.50"), "1.50", "1.5", Decimal("1.50")]))


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("expression", "error", "says"),
    [
        ("d * f", "TypeError", "the Decimal 10.10 and the number 1.5: a Decimal goes with a whole number or a Decimal"),
        ("d * f", "TypeError", 'write Decimal("1.5") or float(...)'),
        ("d + t", "TypeError", "write Decimal(...) around the text if it is a number"),
        ("sum([d, f])", "TypeError", 'write Decimal("1.5")'),
        ("d < t", "TypeError", "write Decimal(...) around the text"),
        ("sorted([d, t])", "TypeError", "write Decimal(...) around the text"),
        ("d & 1", "TypeError", "`&` does not work on"),
        ("~d", "TypeError", "`~` does not work on the Decimal 10.10"),
        ("'a' * d", "TypeError", "`*` does not work on"),
        ("ds[e]", "TypeError", "is indexed by a number"),
        ("d.cents", "AttributeError", "the Decimal 10.10 has no field `cents`"),
        ("d.upper()", "AttributeError", "a Decimal has: quantize, "),
        ("Decimal('1,50')", "InvalidOperation", 'the text "1,50": this is no number'),
        ("Decimal(ds)", "TypeError", "makes no number of a list of 3 items"),
        ("d / 0", "ZeroDivisionError", "division by zero"),
        ("d % 0", "InvalidOperation", "would be no number"),
        ("Decimal(0) / 0", "InvalidOperation", "division by zero"),
        ("Decimal('-1').sqrt()", "InvalidOperation", "would be no number"),
        ("Decimal('1E+50') // 3", "InvalidOperation", "more digits than are computed with"),
        ("d.quantize(Decimal('1E-40'))", "InvalidOperation", "more than 28 digits"),
        ("d.quantize(2.5)", "TypeError", 'takes a Decimal, like Decimal("0.01")'),
        ("d.quantize(e, rounding='up')", "TypeError", "is one of ROUND_05UP, ROUND_CEILING"),
        ("nan < 1", "InvalidOperation", "NaN: it has no order"),
        ("max([d, nan])", "InvalidOperation", "NaN: it has no order"),
        ("sorted([nan, d])", "InvalidOperation", "NaN: it has no order"),
        ("signal == 1", "InvalidOperation", "NaN"),
        ("signal in ds", "InvalidOperation", "NaN"),
        ("{signal}", "TypeError", "cannot be in a set"),
        ("int(nan)", "ValueError", "cannot convert NaN"),
        ("int(infinite)", "OverflowError", "cannot convert Infinity"),
        ("round(infinite)", "OverflowError", "cannot convert Infinity"),
        ("int(d, 10)", "TypeError", "makes no number of the Decimal"),
    ],
)
def test_what_has_no_value_says_why_and_what_to_write(expression: str, error: str, says: str) -> None:
    found = outcome(expression)
    assert (found.error, says in found.message) == (error, True), found


@pytest.mark.parametrize(
    "use",
    [
        *("X + 1", "1 - X", "X * 2", "X / 3", "X // 3", "X % 7", "X ** 2", "2 ** X", "divmod(X, 3)", "-X", "abs(X)"),
        *("int(X)", "float(X)", "round(X, 2)", "round(X)", "str(X)", "str([X])", 'f"{X:f}"', 'f"{X:,}"', 'f"{X!r}"'),
        *('"%.1f" % X', "X == 10", "X < 1.5", "X in [1]", "1 in [X]", "[X] == [1]", "{'a': X} == {'a': 1}", "{X: 1}"),
        *("sorted([1, X])", "max(1, X)", "sum([X])", "X.quantize(Decimal(1))", "X.to_integral_value()", "X.sqrt()"),
        *("Decimal(1).quantize(X)", "Decimal(X)"),
    ],
)
@pytest.mark.parametrize("name", ["far", "near", "long"])
def test_one_beyond_the_bounds_is_passed_on_and_no_more(use: str, name: str) -> None:
    found = outcome(use.replace("X", name))
    assert found.error == "BoundError", found


@pytest.mark.parametrize("use", ["d == wide", "wide < d", "ds == [wide]", "d in [wide]", "max(d, wide)", "d + wide"])
def test_no_integer_beyond_the_bounds_is_compared_with_one(use: str) -> None:
    assert outcome(use).error == "BoundError"


@pytest.mark.parametrize(
    "use", ["Decimal('1E+5000')", "Decimal('1E+1000') ** 2", "Decimal('1' * 4000)", "Decimal('9' * 6000)"]
)
def test_none_beyond_the_bounds_is_made(use: str) -> None:
    assert outcome(use).error == "BoundError"


@pytest.mark.parametrize(
    "caught",
    ["InvalidOperation", "decimal.InvalidOperation", "(ValueError, InvalidOperation)", "ArithmeticError", "Exception"],
)
def test_a_handler_may_name_its_errors(caught: str) -> None:
    plan = f'try:\n    x = Decimal(get("t") + "?")\nexcept {caught}:\n    x = Decimal("0")\njoin(x)\n'
    assert run(AGENT.execute(plan))["join()"] == Observation(Decimal(0))


# --------------------------------------------------------------------------------------------- declared types, tools


@tool(effect="read")
def total() -> Decimal:
    """What is due."""
    return Decimal("12.30")


@tool(effect="pure")
def pay(amount: Decimal, share: float = 1.0, note: str = "") -> str:
    """Pay it."""
    return f"{amount!r} {share!r} {note}"


TYPED = LLMCompiler(tools=[total, pay])


@pytest.mark.parametrize(
    ("expression", "code", "says"),
    [
        ("total() * 1.19", "E308", 'write Decimal("1.19")'),
        ("float('1.5') + total()", "E308", "write Decimal(str(x)) around the float x"),
        ("total() & 1", "E308", "a Decimal is computed with whole numbers"),
        ("total() + '1'", "E308", "write Decimal(...) around the text"),
        ("(total() / 3) * 0.5", "E308", 'write Decimal("0.5")'),
        ("total().amount", "E307", "it is a number: leave `.amount` out"),
        ("total().is_none()", "E307", "methods: adjusted, is_finite"),
        ("(total() * 2).upper()", "E307", "methods: adjusted"),
        ("pay(1, note=total())", "E304", "write str(total())"),
        ("Decimal('1', '2')", "E305", 'write Decimal("1.50")'),
        ("Decimal(0.1)", "W508", 'write Decimal("0.1")'),
        ("Decimal(-0.1)", "W508", 'write Decimal("-0.1")'),
    ],
)
def test_what_cannot_be_is_found_before_anything_runs(expression: str, code: str, says: str) -> None:
    problems = TYPED.check(f"x = {expression}\njoin(x)\n")
    assert [problem.code for problem in problems] == [code]
    assert says in problems[0].help


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("pay(12.50)", "Decimal('12.5') 1.0 "),
        ("pay(Decimal('12.50'))", "Decimal('12.50') 1.0 "),
        ("pay('12.50')", "Decimal('12.50') 1.0 "),
        ("pay(total() * 2, share=total())", "Decimal('24.60') 12.3 "),
        ("pay(total(), note=str(total()))", "Decimal('12.30') 1.0 12.30"),
    ],
)
def test_tools_are_given_what_they_declare(call: str, given: str) -> None:
    assert TYPED.check(f"x = {call}\njoin(x)\n") == ()
    assert run(TYPED.execute(f"x = {call}\njoin(x)\n"))["x"] == Observation(given)


@pytest.mark.filterwarnings("ignore:the tool Decimal")
def test_a_tool_of_such_a_name_is_called_by_another() -> None:
    @tool(effect="read", name="Decimal")
    def decimals() -> str:
        return "mine"

    found = run(LLMCompiler(tools=[decimals]).execute("x = Decimal_()\ny = Decimal('1')\njoin(x, y)\n"))
    assert found["join()"] == Observation(["mine", Decimal(1)])


def test_a_name_that_is_assigned_is_that_value() -> None:
    plan = 'ROUND_UP = "mine"\ndecimal = {"Decimal": 1}\njoin(ROUND_UP, decimal["Decimal"])\n'
    assert run(TYPED.execute(plan))["join()"] == Observation(["mine", 1])


def test_an_import_of_it_is_left_out() -> None:
    use = "x = Decimal('2.345').quantize(Decimal('.01'), ROUND_HALF_UP)"
    plan = f"from decimal import Decimal, ROUND_HALF_UP\n{use}\njoin(x)\n"
    assert [problem.code for problem in check(plan, TYPED.tools.signatures)] == []
    assert run(TYPED.execute(plan))["x"] == Observation(Decimal("2.35"))


# -------------------------------------------------------------------------------------------- as everybody sees it


def test_people_and_programs_are_shown_its_text() -> None:
    assert plain({"total": Decimal("10.10"), Decimal("1.5"): [Money("2.0")]}) == {"total": "10.10", "1.5": ["2.0"]}


def test_calls_are_the_same_where_every_digit_is() -> None:
    one, other, whole = map(identity, (Decimal("1.0"), Decimal("1.00"), 1.0))
    assert (one == identity(Decimal("1.0")), len({one, other, whole})) == (True, 3)


@pytest.mark.parametrize(
    ("value", "narrow"),
    [
        (Decimal("-1190.00"), True),
        (Decimal("0.1234567890"), True),
        (Decimal("9" * 18), True),
        (Decimal("9" * 19), False),
        (Decimal("1E+18"), True),
        (Decimal("1E+19"), False),
        (Decimal("1E-19"), False),
        (Decimal("NaN"), False),
        (Decimal("NaN10832101108"), False),
        (Decimal("1" * 100), False),
    ],
)
def test_a_number_says_no_more_than_one_of_few_digits_can(value: Decimal, narrow: bool) -> None:
    assert is_unchosen(value) is narrow


def test_it_is_light_unless_it_is_long() -> None:
    assert (is_light(Decimal("10.10")), is_light(Decimal("1" * 10_000))) == (True, False)


# ---------------------------------------------------------------------------------------------------- by generation

_NUMBERS = st.one_of(
    st.decimals(allow_nan=True, places=2, min_value=-999, max_value=999),
    st.decimals(min_value=-(10**20), max_value=10**20),
    st.sampled_from([Decimal(0), Decimal("-0.00"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+3"), True, None]),
    st.integers(-9, 9),
    st.floats(-9, 9),
    st.text("0123.-", max_size=4),
)
_USES = [
    *("a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "a < b", "a <= b", "a == b", "a != b"),
    *("min(a, b)", "sorted([a, b])", "a in [b]", "[a] == [b]", "{a: 1}.get(b)", "sum([a], b)", "str(a)", "f'{a}{b!r}'"),
    *("-a", "+a", "abs(a)", "bool(a)", "int(a)", "float(a)", "round(a)", "round(a, b)", "divmod(a, b)", "f'{a:.2f}'"),
    *("f'{a:,}'", "'%.2f' % a", "Decimal(a)", "a.quantize(b)", "a.normalize()", "a.to_integral_value()", "a.sqrt()"),
    *("a.is_nan()", "a.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP)", "a.adjusted()"),
]


@given(st.sampled_from(_USES), _NUMBERS, _NUMBERS)
def test_any_use_of_any_two_is_what_python_says(use: str, a: Any, b: Any) -> None:
    try:
        expected = eval(use, {**PYTHON, "a": a, "b": b})
    except Exception as error:  # noqa: BLE001 -- whatever Python raises, a plan has no value there
        expected = error
    if type(expected) is Decimal and expected.is_finite() and abs(expected.adjusted()) > MAX_DIGITS:
        expected = OverflowError()
    found = NAMED.evaluated(use, a=a, b=b)
    assert isinstance(found, EvaluationError) == isinstance(expected, Exception | complex), (found, expected)
    if not isinstance(found, EvaluationError):
        assert repr(found) == repr(expected)
