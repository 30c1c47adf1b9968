"""Expressions have the value that Python gives them, on data and on nothing else (rules L3, L4, L24)."""

from __future__ import annotations

import datetime as dt
import enum
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from superscalar.plan.evaluate.expression import EvaluationError, WorkLeft, evaluate
from superscalar.plan.ir import Apply, Clause, Comprehension, Field, Lambda, Literal, Method, Sequence, Var
from superscalar.values import Observation, OrderedSet
from support.expressions import read


@dataclass(frozen=True)
class Quote:
    symbol: str
    price: float
    history: list[int] = field(default_factory=list)

    @property
    def secret(self) -> str:
        return "a property is code, not data"


class Point(NamedTuple):
    x: int
    y: int


class Page(BaseModel):
    url: str
    words: int = 0


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Handle:
    """Whatever is done to it but passing it on and showing it fails the test."""

    def _touched(self, *_: object, **__: object) -> Any:
        raise AssertionError("an opaque handle was touched")

    __add__ = __radd__ = __lt__ = __call__ = __bool__ = __len__ = __getitem__ = __iter__ = __eq__ = _touched
    __format__ = __contains__ = __neg__ = __abs__ = __int__ = __float__ = __index__ = __mul__ = __hash__ = _touched
    price = 1

    def __repr__(self) -> str:
        return "<handle " + "x" * 1000


class Broken:
    def __repr__(self) -> str:
        raise OSError("no repr")


VALUES: dict[str, Any] = {
    "n": 7,
    "f": 2.5,
    "s": "Hello, World",
    "b": b"ab",
    "xs": [3, 1, 2],
    "ts": ["b", "a", "c"],
    "d": {"price": 5, "items": [1, 2], 3: "three"},
    "quote": Quote("IBM", 1.5, [1]),
    "quotes": [Quote("IBM", 1.5), Quote("AAPL", 0.5)],
    "point": Point(1, 2),
    "page": Page(url="u", words=3),
    "odd": OrderedDict(a=1),
    "lazy": defaultdict(list),
    "color": Color.RED,
    "level": Level.HIGH,
    "handle": Handle(),
    "broken": Broken(),
    "path": Path("data"),
    "day": dt.date(2024, 2, 29),
    "hour": dt.timedelta(hours=1),
    "raw": {"b", "a", "c"},
    "none": None,
    "span": range(5),
    "big": 10**5000,
}


def value(text: str, **more: Any) -> Any:
    known = {**VALUES, **more}
    return evaluate(read(text), lambda task: Observation(known[task]))


PYTHON = """
1 + 2 * 3 - 4 / 5 // 6 % 7 ** 2
-n + +n - ~n
not n and 1
(1 << 5) | 3 & 6 ^ 1 >> 1
True + True
7 // -2, -7 % 3, 7.5 // 2, -7.5 % 2
2 ** -1, 2 ** 0.5, 0 ** 0, 10 ** 300
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0 != 2
'a' < 'b', [1, 2] < [1, 3], (1,) <= (1, 2), b'a' < b'b'
2 in xs, 9 not in xs, 'ell' in s, 'price' in d, 97 in b, b'a' in b, 'x' in {'x', 'y'}
2 in span, 2.5 in span, 3.0 in span
none is None, n is not None, True is True
[] or 0 or 'x' or n
n and [] and n
1 if xs else 2, 1 if '' else 2
xs[0], xs[-1], xs[n - 6], s[1], b[0], d['price'], d[3], point[1], span[2], odd['a']
xs[1:], xs[::-1], s[2:5], s[-3:], b[:1], point[:1], xs[None:None:2], span[1:3][0]
[1, 'a', (2, 3), (4,), ()], {'a': 1}, {}
{1: 'a', True: 'b'}, {'a': 1, 'a': 2}
[x * 2 for x in xs if x > 1 if x < 9]
[x + y for x in xs for y in range(x) if x != y]
[[y for y in range(x)] for x in xs]
{x: y for x, y in zip(ts, xs)}
[a + b * c for a, (b, c) in [(1, (2, 3)), (4, (5, 6))]]
[x for x in [x for x in xs]]
[(n, x) for n in ts for x in n]
[k for k in d], [c for c in s[:3]], [p for p in point], [i for i in b]
sum(x for x in xs)
len(xs), len(s), len(d), len(b), len(point), len({1, 1}), len(span)
sum(xs), sum(xs, 5), sum(xs, start=1.5), sum([0.1] * 10), sum([[1], [2]], []), sum([]), sum([True, True])
min(xs), max(3, 9, 2), min(ts, key=lambda t: -len(t)), max([], default=4), min([1, 2], [1, 1]), max(xs, key=None)
sorted(xs), sorted(ts, reverse=True), sorted(d, key=lambda k: str(k)), sorted('bca'), sorted([(2, 'a'), (1, 'b')])
sorted([1, 2, 3, 4], key=lambda x: x % 2), sorted([1, 2, 3, 4], key=lambda x: x % 2, reverse=True)
[sorted(xs, key=lambda x: x * sign) for sign in [1, -1]]
list(reversed(xs)), list(reversed('abc')), list(reversed({'a': 1, 'b': 2}))
abs(-3), abs(-2.5), abs(True), round(2.5), round(3.14159, 2), round(1234, -2), round(f), round(2.675, ndigits=2)
any([0, '', 3]), any([]), all([1, 'a']), all([]), all(x > 0 for x in xs)
list(range(3)), list(range(2, 10, 3)), list(range(5, 0, -2)), list(range(0)), list(range(10 ** 30, 10 ** 30 + 2))
list(enumerate(ts)), list(enumerate(ts, 1)), list(enumerate(ts, start=5))
list(zip(xs, ts)), list(zip()), list(zip(xs, [1])), list(zip(xs, ts, strict=True))
int('12'), int(' -7 '), int(3.9), int('ff', 16), int('z', base=36), int(True), int(), int('1_000'), int(b'12')
float('1.5'), float(3), float('-inf'), float(), float(' 2e3 ')
str(1), str(1.5), str(None), str('a'), str([1, 'a', {'b': (2,)}]), str(b), str(), str({}), str(day), str(b, 'utf-8')
str({1: [None, True]}), str(quote), str([quote]), str(point), str([day])
bool([]), bool('a'), bool(), bool(0.0), bool(hour), bool(point), bool(quote)
list('abc'), list(d), list(), list((1, 2)), tuple(xs), tuple(), dict(), dict([('a', 1), ('b', 2)]), dict(a=1, b=n)
dict({'a': 1}, a=2), dict(source=1), dict(budget=2)
len(set(xs)), 3 in set(xs), set(xs) == {1, 2, 3}, {1, 2} == set([2, 1])
{1, 2} | {3} == {1, 2, 3}, {1, 2} & {2, 3} == {2}, {1, 2} - {2} == {1}, {1, 2} ^ {2, 3} == {1, 3}
{1} < {1, 2}, {1, 2} <= {1, 2}, {1, 2} > {1}, {1} >= {2}, {1} < {1}
{'a': 1} | {'a': 2, 'b': 3}, d == d
s.split(), s.split(', '), 'a,b,c'.split(',', 1), 'a b c'.rsplit(maxsplit=1)
'a\\nb\\r\\nc'.splitlines(), 'a\\nb'.splitlines(True)
'  a '.strip(), 'xxa'.lstrip('x'), 'axx'.rstrip('x'), s.lower(), s.upper(), 'hello world'.title(), 'straße'.upper()
s.replace('l', 'L'), s.replace('l', 'L', 1), s.replace('', '-'), s.replace('zz', ''), 'aaa'.replace('a', 'bb', 0)
s.startswith('Hell'), s.startswith(('x', 'H')), s.endswith('d'), s.startswith('W', 7), s.endswith('l', 0, 4)
', '.join(ts), ''.join('abc'), '-'.join({'x': 1})
s.find('W'), s.find('zz'), s.find('l', 4), s.find('l', 0, -9), s.count('l'), s.count('')
d.get('price'), d.get('nothing'), d.get('nothing', 0), list(d.keys()), list(d.values()), list(d.items())
f'{n}', f'{n:>5}|{f:.3f}|{s!r}|{s:<20}|{n:,}|{n:08.2f}|{xs}|{d}', f'{{}}{n}{{', f'{f:{n}.{1}f}', f'{s!s:.3}', f'{"é"!a}'
f'{n:x} {n:#b} {0.5:%} {1e10:g} {True} {True:d} {none} {day:%Y/%m} {day}', f'{n=}'
'a' + 'b', 'ab' * 3, 3 * 'ab', 'a' * -1, [0] * 3, (1, 2) * 2, 2 * [1], [1] + [2]
(1,) + (2,), b'a' + b'b', b'a' * 2, point + (3,)
day + hour * 24, (day - day) == hour * 0, hour / hour, -hour < hour, abs(-hour) == hour, day < day + hour * 48
0 << 10 ** 9, 1 >> 10 ** 9, 0 * 5, 1 ** 10 ** 9, (-1) ** 10 ** 9, 0 ** 10 ** 9
""".strip().splitlines()


@pytest.mark.parametrize("text", PYTHON)
def test_the_value_is_that_of_python(text: str) -> None:
    python = eval(text, dict(VALUES))  # the oracle; the text is ours and fixed
    found = value(text)
    assert found == python
    assert repr(found) == repr(python)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # what Python gives lazily is a list, and sets keep insertion order
        ("range(3)", [0, 1, 2]),
        ("zip([1], [2])", [(1, 2)]),
        ("enumerate(['a'])", [(0, "a")]),
        ("reversed([1, 2])", [2, 1]),
        ("d.keys()", ["price", "items", 3]),
        ("list({3, 1, 2, 3})", [3, 1, 2]),
        ("list(set(xs))", [3, 1, 2]),
        ("list({x % 3 for x in xs})", [0, 1, 2]),
        ("list({3, 1} | {2, 1})", [3, 1, 2]),
        ("list({3, 1, 2} & {2, 3})", [3, 2]),
        ("list({3, 1, 2} ^ {2, 5})", [3, 1, 5]),
        ("str({3, 1})", "{3, 1}"),
        ("str(set())", "set()"),
        ("list(raw)", ["a", "b", "c"]),
        ("f'{raw}'", "{'a', 'b', 'c'}"),
        ("','.join(raw)", "a,b,c"),
        # fields (L4)
        ("quote.price", 1.5),
        ("page.words", 3),
        ("point.y", 2),
        ("d.price", 5),
        ("d.items", [1, 2]),
        ("odd.a", 1),
        ("[q.symbol for q in quotes if q.price > 1]", ["IBM"]),
        ("sorted(quotes, key=lambda q: q.price)[0].symbol", "AAPL"),
        # records, and numbers and text with a class of their own
        ("str(page)", "Page(url='u', words=3)"),
        ("color + '!'", "red!"),
        ("f'{color} {level}'", "red 3"),
        ("level + 1", 4),
        ("[10, 11, 12, 13][level]", 13),
        ("color == 'red'", True),
        ("color.upper()", "RED"),
        # `is` does not tell equal text or numbers apart
        ("n * 1000 is n * 1000", True),
        ("1 is 1.0", False),
        ("[] is []", False),
        ("1 is True", False),
        # handles are passed on and shown (L24)
        ("handle is handle", True),
        ("handle == handle", True),
        ("handle == broken", False),
        ("handle != none", True),
        ("1 if handle else 2", 1),
        ("len(str(handle))", 203),
        ("len(f'{handle}')", 203),
        ("str(broken)", "<Broken, whose repr raised OSError>"),
        ("str([broken])", "[<Broken, whose repr raised OSError>]"),
        ("[handle][0] is handle", True),
        ("len([handle])", 1),
    ],
)
def test_the_value_where_python_differs_or_has_none(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_sets_are_ordered() -> None:
    for text in ("{1, 2}", "{x for x in xs}", "set()", "{1} | {2}", "{1} - {2}"):
        assert type(value(text)) is OrderedSet


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("d.pirce", "AttributeError", "no field `pirce`; it has: price, items, the number 3 (did you mean `price`?)"),
        ("quote.volume", "AttributeError", "no field `volume`; it has: symbol, price, history"),
        ("d['nothing']", "KeyError", "no key `nothing`; it has: price, items, the number 3"),
        ("lazy['x']", "KeyError", "no key `x`; it is empty"),
        ("xs[5]", "IndexError", "index 5 is out of range: it has 3 items"),
        ("[1][-2]", "IndexError", "index -2 is out of range: it has 1 item"),
        ("xs['a']", "TypeError", 'a list of 3 items is indexed by a number, not by the text "a"'),
        ("quote[0]", "TypeError", "a Quote record with the fields symbol, price, history has no items to index"),
        (
            "quote['prize']",
            "AttributeError",
            "no field `prize`; it has: symbol, price, history (did you mean `price`?)",
        ),
        ("point['z']", "AttributeError", "no field `z`"),
        ("quote['_x']", "AttributeError", "has no field `_x`"),
        ("n[0]", "TypeError", "the number 7 has no items to index"),
        ("{1}[0]", "TypeError", "a set of 1 item has no items to index"),
        ("n.price", "AttributeError", "the number 7 has no field `price`"),
        ("quote.secret", "AttributeError", "no field `secret`"),
        ("quote.__class__", "AttributeError", "has no field `__class__`"),
        ("d._private", "AttributeError", "has no field `_private`"),
        ("handle.price", "AttributeError", "an opaque Handle has no field `price`"),
        ("s.upper", "AttributeError", 'the text "Hello, World" has no field `upper`'),
        ("day.hour", "AttributeError", "no field `hour`; it has: year, month, day"),
        ("xs.append(1)", "AttributeError", "a list of 3 items has no method `append`"),
        ("s.encode()", "AttributeError", "has no method `encode`; text has: split, rsplit"),
        ("s.format(1)", "AttributeError", 'write f"{value}"'),
        ("d.pop('price')", "AttributeError", "has no method `pop`; a mapping has: get, keys, values, items"),
        ("d.price()", "AttributeError", "it is a field: write `.price` without parentheses"),
        ("path.read_text()", "AttributeError", "has no method `read_text`"),
        ("path / 'x'", "TypeError", "`/` does not work on an opaque PosixPath"),
        ("handle + 1", "TypeError", "`+` does not work on an opaque Handle and the number 1"),
        ("handle < handle", "TypeError", "`<` does not work on an opaque Handle"),
        ("-handle", "TypeError", "`-` does not work on an opaque Handle"),
        ("abs(handle)", "TypeError", "`abs` takes a number"),
        ("int(handle)", "TypeError", "`int` makes no number of"),
        ("len(handle)", "TypeError", "an opaque Handle has no length"),
        ("[x for x in handle]", "TypeError", "cannot go through an opaque Handle"),
        ("1 in handle", "TypeError", "it holds no items"),
        ("f'{handle:>9}'", "TypeError", "the format `>9` does not apply to an opaque Handle"),
        ("sorted([handle, handle])", "TypeError", "`sorted` cannot order an opaque Handle"),
        ("max(handle, 1)", "TypeError", "`max` cannot order an opaque Handle"),
        ("sorted(xs, key=handle)", "TypeError", "the `key=` of `sorted` is a lambda"),
        ("sorted(xs, key=lambda a, b: 1)", "TypeError", "this lambda takes 2"),
        ("sorted([1, 'a'])", "TypeError", "`sorted` cannot order these by size (int, str)"),
        ("xs[handle]", "TypeError", "is indexed by a number, not by an opaque Handle"),
        ("s % 5", "TypeError", "write an f-string"),
        ("b'%s' % b", "TypeError", "write an f-string"),
        ("'a' + 1", "TypeError", '`+` does not work on the text "a" and the number 1: write an f-string'),
        ("'5' - 1", "TypeError", "write int(...) or float(...) around it"),
        ("1 + none", "TypeError", "`+` does not work on the number 1 and None"),
        ("[1] < 2", "TypeError", "`<` does not work on a list of 1 item and the number 2"),
        ("1.5 << 2", "TypeError", "`<<` does not work on the number 1.5 and the number 2"),
        ("~1.5", "TypeError", "`~` does not work on the number 1.5"),
        ("{1} | [2]", "TypeError", "`|` does not work on a set of 1 item and a list of 1 item"),
        ("1 / 0", "ZeroDivisionError", "the number 1 cannot be divided by zero"),
        ("0 ** -1", "ZeroDivisionError", "divided by zero"),
        ("1 << -1", "ValueError", "negative shift count"),
        ("(-8) ** 0.5", "ValueError", "not a real number"),
        ("1e300 ** 2", "OverflowError", "too large for a float"),
        ("10 ** 400 / 1", "OverflowError", "too large for a float"),
        ("int('x')", "ValueError", 'the text "x" is no whole number'),
        ("int('1.5')", "ValueError", 'the text "1.5" is no whole number'),
        ("float('x')", "ValueError", 'the text "x" is no number'),
        ("int(1e999)", "OverflowError", "no whole part"),
        ("round('x')", "TypeError", '`round` takes a number, not the text "x"'),
        ("round(1, 1.5)", "TypeError", "whole number of digits"),
        ("sum(ts)", "TypeError", '`+` does not work on the number 0 and the text "b"'),
        ("sum(ts, '')", "TypeError", 'write "".join(...)'),
        ("min([])", "ValueError", "say `default=`"),
        ("min(1, 2, default=3)", "TypeError", "`default=` with one list only"),
        ("len(5)", "TypeError", "the number 5 has no length"),
        ("len(xs, ts)", "TypeError", "`len` takes 1 argument; 2 given"),
        ("range()", "TypeError", "`range` takes 1 to 3 arguments; 0 given"),
        ("range(1.5)", "TypeError", "`range` takes whole numbers, not the number 1.5"),
        ("range(1, 2, 0)", "ValueError", "steps of zero"),
        ("sorted(xs, cmp=1)", "TypeError", "`sorted` takes no `cmp=`; its keywords: key=, reverse="),
        ("eval('1')", "NameError", "`eval` is no function"),
        ("reversed({1})", "TypeError", "sort it first"),
        ("zip([1], [], strict=True)", "ValueError", "differ in length: 1 item, 0 items"),
        ("enumerate(xs, 'a')", "TypeError", "starts at a whole number"),
        ("dict([1])", "TypeError", "cannot go through the number 1"),
        ("dict([(1, 2, 3)])", "ValueError", "item 0 is a tuple of 3 items"),
        ("str(b, 'idna')", "TypeError", '"utf-8", "ascii" or "latin-1"'),
        ("str(b'\\xff', 'utf-8')", "UnicodeDecodeError", "the bytes are no utf-8 text"),
        ("', '.join(xs)", "TypeError", "item 0 is the number 3: write str(...) around it"),
        ("s.split('')", "ValueError", "separator that is not empty"),
        ("s.replace('a')", "TypeError", "`replace` takes 2 to 3 arguments; 1 given"),
        ("s.replace('a', 1)", "TypeError", "`replace` takes text, not the number 1"),
        ("s.startswith(['a'])", "TypeError", "`startswith` takes text, not a list of 1 item"),
        ("s.find('a', 'b')", "TypeError", "`find` takes a whole number there"),
        ("{[1]: 2}", "TypeError", "a list of 1 item cannot be in a set or be a key"),
        ("{{1}}", "TypeError", "a set of 1 item cannot be in a set or be a key"),
        ("{(1, {2})}", "TypeError", "cannot be in a set or be a key"),
        ("[1] in d", "TypeError", "cannot be in a set or be a key"),
        ("d[xs]", "TypeError", "cannot be in a set or be a key"),
        ("xs['a':]", "TypeError", "a slice goes from one whole number to another"),
        ("xs[::0]", "ValueError", "steps of zero"),
        ("d[1:2]", "TypeError", "cannot be sliced"),
        ("[x for x in 5]", "TypeError", "cannot go through the number 5"),
        ("[x for x in quote]", "TypeError", "cannot go through a Quote record with the fields symbol, price, history"),
        ("[a for a, b in [(1, 2, 3)]]", "ValueError", "2 names are assigned, but there are 3 items"),
        ("[x for y in xs for x in x]", "NameError", "`x` has no value yet"),
        ("f'{n:z!}'", "ValueError", "the format `z!` does not apply to the number 7"),
        ("f'{s:d}'", "ValueError", "the format `d` does not apply to the text"),
        ("f'{xs:>5}'", "TypeError", "use the format on the numbers in it"),
        ("f'{none:>5}'", "TypeError", "does not apply to None"),
        ("1 in 5", "TypeError", "`in` does not work on the number 5"),
        ("1 in 'a'", "TypeError", '`in` does not work on the number 1 and the text "a"'),
        ("300 in b", "ValueError", "the number 300 cannot be in bytes"),
        ("day + 1", "TypeError", "`+` does not work on a date and the number 1"),
        ("hour * 10 ** 300", "OverflowError", "`*` of a timedelta"),
        ("str(big)", "BoundError", "16,610 bits"),
        ("f'{big:,}'", "BoundError", "16,610 bits"),
        ("str([big])", "BoundError", "16,610 bits"),
        ("big // 7", "BoundError", "16,610 bits"),
        ("7 - big", "BoundError", "16,610 bits"),
        ("-big", "BoundError", "16,610 bits"),
        ("[[x for y in [1] for x in x] for x in ['ab']]", "NameError", "`x` has no value yet"),
    ],
)
def test_an_error_says_what_is_there(text: str, error: str, message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    assert caught.value.error == error
    assert message in caught.value.message
    assert len(caught.value.message) < 400


def test_a_mapping_that_makes_up_values_is_only_read() -> None:
    lazy: defaultdict[str, list[int]] = defaultdict(list)
    with pytest.raises(EvaluationError):
        value("made['x']", made=lazy)
    with pytest.raises(EvaluationError):
        value("made.x", made=lazy)
    assert value("made.get('x', 1)", made=lazy) == 1
    assert not lazy


def test_evaluating_changes_nothing_of_what_it_reads() -> None:
    data = {"xs": [3, 1, 2], "s": {1, 2}}
    made = value("[sorted(x.xs), x.xs + [1], x.s | {3}, x.xs * 2, list(x.xs), x.xs[:]]", x=data)
    made[4].append(9)
    made[5].append(9)
    assert data == {"xs": [3, 1, 2], "s": {1, 2}}


def test_names_of_a_comprehension_end_with_it() -> None:
    inner = Comprehension("list", Var("x"), (Clause("x", Literal("ab")),))
    leaked = Sequence("list", (inner, Var("x")))
    with pytest.raises(EvaluationError, match="`x` has no value yet"):
        evaluate(leaked, lambda task: Observation(None))
    again = Comprehension("list", Sequence("tuple", (inner, Var("x"))), (Clause("x", Literal("c")),))
    assert evaluate(again, lambda task: Observation(None)) == [(["a", "b"], "c")]


def test_a_lambda_is_a_key_and_nothing_else() -> None:
    for expr in (
        Lambda(("x",), Var("x")),
        Apply("list", (Lambda(("x",), Var("x")),)),
        Apply("max", (Literal("ab"),), (("default", Lambda(("x",), Var("x"))),)),
        Apply("dict", (), (("key", Lambda(("x",), Var("x"))),)),
        Method(Literal("a"), "strip", (Lambda(("x",), Var("x")),)),
    ):
        with pytest.raises(EvaluationError, match="a lambda can stand as `key="):
            evaluate(expr, lambda task: Observation(None))


@pytest.mark.parametrize("name", ["__class__", "__dict__", "_x", "model_fields", "mro", "gi_frame", "func_globals"])
def test_no_attribute_is_ever_reached(name: str) -> None:
    things: tuple[Any, ...] = (1, "a", [], Quote("a", 1), Page(url="u"), Point(1, 2), Handle(), Quote, len, day_of)
    for thing in things:
        with pytest.raises(EvaluationError, match="no field"):
            evaluate(Field(Literal(None), name), lambda task: Observation(None))
        with pytest.raises(EvaluationError, match="no field"):
            value(f"thing.{name}", thing=thing)
        with pytest.raises(EvaluationError, match="no method"):
            value(f"thing.{name}()", thing=thing)


def day_of() -> Iterator[int]:
    yield 1


def test_data_that_looks_like_code_is_data() -> None:
    assert value("f'{x}'", x="{0.__class__} $1 ${1} {n}") == "{0.__class__} $1 ${1} {n}"
    with pytest.raises(EvaluationError):
        value("f'{n:{x}}'", x="{0.__class__}")


def test_a_budget_is_shared_by_the_evaluations_that_are_given_it() -> None:
    budget = WorkLeft(1_200)
    expr = read("[x for x in range(100)]")
    for _ in range(2):
        evaluate(expr, lambda task: Observation(None), budget=budget)
    with pytest.raises(EvaluationError, match="too many steps"):
        evaluate(expr, lambda task: Observation(None), budget=budget)
