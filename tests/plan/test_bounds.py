"""Nothing is made before it was counted (rule L25): a hostile plan costs one refusal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from superscalar.plan.evaluate.bounds import MAX_DEPTH, MAX_STEPS, WorkLeft
from superscalar.plan.evaluate.elements import items_of
from superscalar.plan.evaluate.expression import BoundError, EvaluationError, evaluate
from superscalar.plan.ir import Expr, Literal, Sequence, Unary
from superscalar.values import Observation, OrderedSet
from support.expressions import read
from support.memory import memory_below


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def ladder() -> list[Any]:
    """Lists of which each is in the next, the shallowest first."""
    steps: list[Any] = [[1]]
    for _ in range(MAX_DEPTH):
        steps.append([steps[-1]])
    return steps


def in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


text = "x" * 5_000_000
row = [0] * 100_000
square = [row] * 100_000
VALUES: dict[str, Any] = {
    "huge": 1 << 4000,
    "text": text,
    "words": "a " * 200_000,
    "lines": "\n" * 200_000,
    "bell": "\x07" * 3_000_000,
    "row": row,
    "square": square,
    "cube": [square] * 100_000,
    "texts": [text] * 100_000,
    "others": ["x" * 4_999_999 + "y"] * 1_000,
    "deep": nested(MAX_DEPTH - 1),
    "deeper": nested(MAX_DEPTH + 1),
    "deepest": nested(100_000),
    "ladder": ladder(),
    "cycle": in_itself(),
    "endless": range(10**30),
    "key": tuple(row),
    "dict": dict.fromkeys(range(60_000)),
    "more": dict.fromkeys(range(60_000, 120_000)),
    "some": OrderedSet(range(60_000)),
    "rest": OrderedSet(range(60_000, 120_000)),
}

TOO_LARGE = """
2 ** 4096
9 ** 9 ** 9
(-2) ** 10 ** 9
huge * huge
huge + huge * 2 ** 100
1 << 4096
1 << 10 ** 18
huge << huge
sum([huge] * 100000 + [huge << 95])
int('9' * 5001)
int(' ' * 10 + '9' * 4000)
int('1' * 5001, 2)
int('f' * 1100, 16)
float('1' * 6000)
round(5, -10 ** 9)
round(1.5, 10 ** 9)
'a' * 10 ** 10
b'a' * 10 ** 10
10 ** 10 * 'a'
text + text + text
text * 3
f'{text}{text}{text}'
text.replace('', 'b' * 10 ** 7)
text.replace('x', 'xxx')
text.join('abc')
''.join([text, text, 'a'])
','.join([text] * 100000)
('ß' * 4000000).upper()
str([bell])
f'{bell!r}'
f'{bell!a}'
words.split()
words.split(' ')
words.rsplit()
lines.splitlines()
text.strip('a' * 5000)
f'{1:>1001}'
f'{1:999999999}'
f'{1.5:.100000f}'
f'{"a":>{10 ** 9}}'
f'{1:{"9" * 2000}}'
[0] * 100001
(0,) * 10 ** 10
row + [1]
row + row
range(100001)
range(10 ** 18)
range(-10 ** 30, 10 ** 30, 7)
list(text)
[c for c in text]
tuple(text)
set(text)
sorted(text)
enumerate(text)
zip(text, row)
sum([row, row], [])
[1 for x in row for y in row]
{x + y * 100000 for x in row[:1000] for y in range(1000)}
{x: y for x in range(1000) for y in range(100000)}
dict | more
some | rest
some ^ rest
{key + (x,): x for x in range(1000)}
[[deep]]
[deeper]
str(deepest)
deepest == [deepest]
sorted([deepest, deepest])
str(cycle)
[cycle]
[x for x in ladder]
cycle == [cycle]
[x for x in endless]
list(endless)
sum(endless)
""".strip().splitlines()

TOO_LONG = """
str(texts)
f'{square}'
text.rsplit('y' + 'x' * 1000)
text.startswith(tuple(texts))
[row for x in row]
[[row] * 1000 for x in row]
square == cube
square < cube
[square] == [[list(row)] * 100000]
square in cube
texts == others
sorted(texts)
sorted(square)
max(square)
sorted(row, key=lambda x: [y for y in row])
[x for x in row if x in [1] * 100000]
[other for other in others if other == text]
[text + 'a' for x in range(1000)]
[text[1:] for x in range(1000)]
[huge + x for x in range(100000) for y in [1, 2]]
[len(text.lower()) for x in range(1000)]
(key,) * 100000
{'a': square, 'b': square}
[sum(row) for x in row]
[max(row) for x in row]
[any(row) for x in row]
[row[:] for x in row]
[zip(row, row) for x in row]
[''.join(['a'] * 100000) for x in row]
[f'{row}' for x in row]
[sorted(row) for x in row]
[[[[[[1] * 1000] * 1000] * 1000] * 1000] * 1000]
""".strip().splitlines()


@pytest.fixture
def memory() -> Iterator[None]:
    """Fails the test if it ever held 64 MB more than at its start."""
    with memory_below(64_000_000):
        yield


def value(what: str | Expr, steps: int = MAX_STEPS) -> Any:
    expr = read(what) if isinstance(what, str) else what
    return evaluate(expr, lambda task: Observation(VALUES[task]), budget=WorkLeft(steps))


@pytest.mark.search
@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("text", TOO_LARGE)
def test_what_exceeds_a_bound_is_refused_before_it_is_made(text: str) -> None:
    with pytest.raises(BoundError, match=r"the bound|nested") as caught:
        value(text)
    assert not isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.search
@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("text", TOO_LONG)
def test_work_without_end_is_refused(text: str) -> None:
    with pytest.raises(BoundError, match=r"too many steps|too much at once"):
        value(text, steps=MAX_STEPS // 40)  # fewer than a plan has, to exhaust them sooner


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2 ** 4096", "the integer would have 4,097 bits; the bound is 4,096"),
        ("1 << 10 ** 30", "the integer would have over 2**99 bits"),
        ("'a' * 10 ** 8", "the text would have 100,000,000 characters; the bound is 10,000,000"),
        ("[0] * 100001", "the collection would have 100,001 items; the bound is 100,000"),
        ("f'{1:>2000}'", "the format `>2000` is wider than the bound, 1,000"),
        ("[cycle]", "the value is nested more than 200 deep"),
        ("[x for x in endless]", "a range is too long to go through; the bound is 100,000 items"),
        ("[[x for x in row] for y in range(1000)]", "this takes too many steps to evaluate"),
        ("[text[1:] for x in range(1000)]", "this makes too much at once"),
    ],
)
def test_a_refusal_names_the_bound(text: str, message: str) -> None:
    with pytest.raises(BoundError) as caught:
        value(text, steps=MAX_STEPS // 10)
    assert message in str(caught.value)
    assert caught.value.failure.kind == "bounds"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 ** 4095 == huge << 95", True),
        ("len('a' * 10 ** 7)", 10**7),
        ("len([0] * 100000)", 100_000),
        ("len(range(100000))", 100_000),
        ("len(f'{1:>1000}')", 1_000),
        ("len([x for x in row])", 100_000),
        ("len(text + text)", 10**7),
        ("len([deep])", 1),
        ("row == row", True),
        ("endless[5]", 5),
        ("5.0 in endless", True),
        ("'x' in endless", False),
        ("len(endless)", 10**30),
        ("endless[1:3][0]", 1),
        ("bool(endless)", True),
        ("len(text.replace('x', 'xx'))", 10**7),
        ("len(words.split(maxsplit=3))", 4),
        ("text[:3]", "xxx"),
        ("square[7][9]", 0),
        ("len(dict | dict)", 60_000),
        ("int(' ' * 6000 + '5')", 5),
    ],
)
def test_what_is_just_within_a_bound_is_no_problem(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_what_an_earlier_task_left_is_passed_on_without_a_look() -> None:
    for name in ("cube", "cycle", "deepest", "texts"):
        assert value(name) is VALUES[name]
    assert value("cube[0]") is VALUES["square"]


def test_steps_come_with_the_size_of_what_was_given() -> None:
    """The same work is refused where nobody gave the data for it."""
    given: dict[str, Any] = {"rows": [{"price": number} for number in range(100_000)]}
    found = evaluate(read("[r['price'] * 2 for r in rows if r['price'] >= 0]"), lambda task: Observation(given[task]))
    assert len(found) == 100_000
    with pytest.raises(BoundError, match="too many steps"):
        evaluate(read("[x * 2 for x in range(100000) if x >= 0]"), lambda task: Observation(given[task]))


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_expressions_are_refused(depth: int) -> None:
    minus: Expr = Literal(1)
    lists: Expr = Literal(1)
    for _ in range(depth):
        minus = Unary("-", minus)
        lists = Sequence("list", (lists,))
    for expr in (minus, lists):
        with pytest.raises(BoundError, match="nested too deeply"):
            value(expr)


@pytest.mark.parametrize(
    ("data", "items"),
    [
        ([1, 2], [1, 2]),
        ((1, 2), [1, 2]),
        ({"a": 1}, ["a"]),
        ("ab", ["a", "b"]),
        (b"a", [97]),
        (range(2), [0, 1]),
        (OrderedSet([2, 1]), [2, 1]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({None, (2, "x"), (1, "y")}, [None, (1, "y"), (2, "x")]),
    ],
)
def test_items_are_what_python_would_go_through(data: Any, items: list[Any]) -> None:
    assert items_of(data) == items


def test_a_set_with_something_in_it_that_is_no_number_has_one_order_too() -> None:
    """Its hash is another one in each process, and a run may go on in another one than it began in."""
    no_numbers = [float("nan") for _ in range(100)]
    assert {repr(items_of({no_number, 3.0, 1, 2.0})) for no_number in no_numbers} == {"[1, 2.0, 3.0, nan]"}


@pytest.mark.parametrize("data", [None, 1, 1.5, True, object(), iter([1]), (x for x in "ab"), len])
def test_what_has_no_items_cannot_be_gone_through(data: Any) -> None:
    with pytest.raises(EvaluationError, match="cannot go through"):
        items_of(data)


@pytest.mark.parametrize("data", [[0] * 100_001, "a" * 100_001, range(10**30), set(range(100_001))])
def test_items_are_bounded(data: Any) -> None:
    with pytest.raises(BoundError, match="100,000"):
        items_of(data)


def test_what_is_in_reserve_is_not_enough_for_what_weighs_more() -> None:
    value: list[Any] = [1]
    for _ in range(20):
        value = [value, value]
    with pytest.raises(BoundError, match="too many steps"):
        WorkLeft(10, lambda: 1_000).whole(value)
