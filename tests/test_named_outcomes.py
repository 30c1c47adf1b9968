"""Which outcomes are those that a plan's own lines name."""

from __future__ import annotations

from superscalar import LLMCompiler, Observation, Outcomes, Skipped, tool
from superscalar.testing import run


@tool(effect="read")
async def price(symbol: str) -> float:
    """A price."""
    if symbol == "XXX":
        raise LookupError("no such symbol")
    return 7.0


PLAN = """
p = price("IBM") + price("AAPL")
p = p + 1
x = first(1, [price(t) for t in ["IBM"]])
if p > 3:
    q = price("XXX")
else:
    q = 1
a, *b = [p, p]
ys = {}
for t in ["IBM"]:
    ys[t] = price(t)
assert p > 1
join(total=p + 2, ys=ys, q=q, a=a, b=b, x=x)
"""


def test_each_name_stands_for_its_last_version_and_what_it_is_made_of_is_not_named() -> None:
    outcomes = run(LLMCompiler(tools=[price]).execute(PLAN))
    named = outcomes.named
    assert list(named) == ["p", "x", "q", "a", "b", "ys", "t"]
    assert {name: named[name] for name in ("p", "x", "q", "ys")} == {
        "p": Observation(15.0),
        "x": Observation([7.0]),
        "q": Skipped("q"),  # what it would be is the call above, which failed
        "ys": Observation({"IBM": 7.0}),
    }


def test_nothing_is_named_where_nothing_is_assigned() -> None:
    assert run(LLMCompiler(tools=[price]).execute("join(price('IBM'))")).named == Outcomes({}).named == {}
