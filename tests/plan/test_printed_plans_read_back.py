"""What the printer writes, the `python` front end reads as the same plan: same ids, same tasks."""

from __future__ import annotations

import pytest

from superscalar.plan import compile_plan
from superscalar.plan.ir.signatures import Parameter, Signature, Signatures
from superscalar.plan.print.program import print_plan

_PARAMETERS = tuple(Parameter(name, name, required=False) for name in ("a", "b"))
_READS = ("f", "g", "h", "price", "news", "fx", "summarize")
SIGNATURES = Signatures(
    [
        *(Signature(name, name, _PARAMETERS, effect="read") for name in _READS),
        Signature("notify", "notify", _PARAMETERS, effect="write"),
    ]
)

PORTFOLIO = """\
# which of nine stocks moved most
# in the last year
prices = [price("IBM", t) for t in ["IBM", "AAPL", "MSFT"] if t != "XRX"]
rate = fx("USD", "EUR")
total = sum(prices) * rate
brief = summarize("portfolio", [n.title for n in news("IBM", 5)])
# tell everybody
notify("me", f"portfolio at {total:.2f}: {brief['title']!r}, {{all}} of it")
join(prices, total, brief)
"""

VERSIONS = """\
x = f(g(1), h(2)[0].y)
x = x + f("a") * 2
x += 1
notify(x)
notify(f(3))
f(1) + g(2)
[notify(a) for a in x]
a, b = f()
b, a = a, b
a, b = g(a)
c, d = f(a), g(b)
join(a=c, b=f(d), c=d)
"""

CHOICES = """\
x = f(1)
q = f(1) if g(2) else h(3)
r = f(1) and g(2) or h(3)
p = default(f(x), 3)
k = ok([f(i) for i in range(3)])
m = [y.t for y in k if y]
join(f(x), [g(u) for u in x], sorted(m, key=lambda t: t.n)[-1], x[1:2], -x ** 2, (-1) ** 2, not q in r)
"""

LOOPS = """\
us = f("x")
pages = [summarize(f(u)) for u in us if g(u)]
both = [f(u, v) for u in us for v in g(u) if v]
flat = [v for u in us for v in g(u)]
nest = [[f(u, v) for v in g(u)] for u in us]
d = {k: f(v) for k, v in us.items()}
s = {f(u) for u in us}
t = tuple(f(u) for u in us)
y = [f(a, b) for a, b in us if a for c in b if f(c) and c]
a, b = [f(u) for u in us]
n = [(a, b) for a, (b, c) in [f(u) for u in us]]
shown = f([g(u) for u in h(1)], [f(1), 2])
keyed = {"a": f(1), "b": (g(2), {h(3)})}
join()
"""


RACES = """\
a = f(1)
best = first(1, [a, g(2)])
two = first(len(best), [f(x) for x in a if g(x)])
c = first(2, a)[0] + 1
d = [first(1, [f(x), g(x)]) for x in a]
join(default(first(1, ok(d)), 0), best)
"""


@pytest.mark.parametrize("source", [PORTFOLIO, VERSIONS, CHOICES, LOOPS, RACES, "x = f(1)\n"])
def test_a_printed_plan_is_the_same_plan(source: str) -> None:
    """And printing it once more gives the same text."""
    plan = compile_plan(source, SIGNATURES)
    text = print_plan(plan.tasks)
    again = compile_plan(text, SIGNATURES)
    assert again.tasks == plan.tasks
    assert print_plan(again.tasks) == text


def test_a_plan_prints_as_it_was_written() -> None:
    """But for the names of arguments, the style of quotes, and what `+=` is short for."""
    text = print_plan(compile_plan(PORTFOLIO, SIGNATURES).tasks)
    assert (
        text
        == """\
# which of nine stocks moved most
# in the last year
prices = [price(a='IBM', b=t) for t in ['IBM', 'AAPL', 'MSFT'] if t != 'XRX']
rate = fx(a='USD', b='EUR')
total = sum(prices) * rate
brief = summarize(a='portfolio', b=[n.title for n in news(a='IBM', b=5)])
# tell everybody
notify(a='me', b=f'portfolio at {total:.2f}: {brief["title"]!r}, {{all}} of it')
join(prices, total, brief)
"""
    )
