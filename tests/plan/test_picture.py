"""A plan shows itself: as text, in one line, and drawn in a notebook."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from superscalar import LLMCompiler, tool
from superscalar.plan import Plan, print_plan
from superscalar.plan.ir import Call, Guard, Literal, Map, Need, Ref, Task
from superscalar.plan.print.picture import MOST, to_svg

SVG = "{http://www.w3.org/2000/svg}"


@tool(effect="read")
def price(ticker: str) -> float:
    """The price of a share."""
    return 1.0


@tool(effect="write")
def send(to: str, text: str) -> str:
    """Send a message."""
    return ""


AGENT = LLMCompiler(tools=[price, send])
SOURCE = """
prices = [price(t) for t in ["IBM", "AAPL"]]
if prices[0] > 100:
    done = send("ann", f"{prices[0]}")
other = price("MSFT")
join(prices, done, other)
"""
NASTY = "</title><script>alert('1')</script>&\x1b[31m\u202e"


def words(plan: Plan) -> list[str]:
    """What is written in a picture, which is well-formed."""
    return ["".join(text.itertext()) for text in ET.fromstring(plan._repr_html_()).iter(f"{SVG}text")]


def test_the_text_of_a_plan_is_python_whatever_it_was_written_in() -> None:
    plan = AGENT.compile('1. price("IBM")\n2. join($1)')
    assert str(plan) == print_plan(plan.tasks) == "step1 = price(ticker='IBM')\njoin(step1)\n"


def test_the_repr_of_a_plan_says_what_it_calls() -> None:
    assert repr(AGENT.compile(SOURCE)) == "<Plan: 7 tasks, calls of price, send>"
    assert repr(Plan(())) == "<Plan: 0 tasks, calls of nothing>"


def test_a_picture_has_every_task_and_the_text_as_its_title() -> None:
    plan = AGENT.compile(SOURCE)
    drawn = ET.fromstring(plan._repr_html_())
    assert drawn.findtext(f"{SVG}title") == str(plan)
    assert words(plan) == [
        "prices: for each item of prices.over",
        "if",
        "prices.over",
        "each item of prices.over",
        "prices[]",
        "price",
        "prices",
        "list of results",
        "if",
        "done",
        "send (write)",
        "done.2",
        "the version that ran",
        "other",
        "price",
        "join",
    ]


def test_nothing_in_a_picture_lies_outside_of_it_or_on_something_else() -> None:
    drawn = ET.fromstring(AGENT.compile(SOURCE)._repr_html_())
    width, height = float(drawn.attrib["width"]), float(drawn.attrib["height"])
    shapes = [
        (tuple(float(shape.attrib[name]) for name in ("x", "y", "width", "height")), shape.attrib.get("stroke"))
        for shape in drawn.iter(f"{SVG}rect")
    ]
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for (x, y, w, h), _ in shapes)
    boxes = [place for place, stroke in shapes if stroke != "#999"]  # a map is around its tasks
    apart = [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[:n]
        if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
    ]
    assert apart == []


def test_every_task_stands_below_those_that_lead_to_it() -> None:
    drawn = ET.fromstring(AGENT.compile(SOURCE)._repr_html_())
    lines = [path.attrib["d"].split() for path in drawn.iter(f"{SVG}path") if " C" in path.attrib["d"]]
    assert len(lines) == 13
    assert [line for line in lines if float(line[-1]) <= float(line[1])] == []


@pytest.mark.parametrize(
    "plan",
    [
        Plan(
            (Task(NASTY, Call(NASTY, (("q", Literal(NASTY)),))), Task("b", Call("f", ()), guards=(Guard(NASTY, True),)))
        ),
        Plan((Task("b", Call("f", (("x", Ref(NASTY)),)), (Need(NASTY),)),)),
        Plan((Task("m", Map(NASTY, "i", (Task("r", Call("f", ())),), "r", chained=("r",)), (Need(NASTY, "shape"),)),)),
    ],
    ids=["task", "elsewhere", "map"],
)
def test_whatever_a_plan_says_is_no_markup(plan: Plan) -> None:
    html = plan._repr_html_()
    assert {found.tag.removeprefix(SVG) for found in ET.fromstring(html).iter()} <= {
        "svg",
        "title",
        "rect",
        "path",
        "text",
    }
    assert not re.search(r"<script|\x1b|\u202e", html)


def test_a_plan_of_many_tasks_is_its_text() -> None:
    many = Plan(tuple(Task(f"a{n}", Call("<f>", ())) for n in range(MOST + 1)))
    assert to_svg(many).startswith("<pre>a0 = &lt;f&gt;()\na1 = &lt;f&gt;()\n")
    assert to_svg(Plan(many.tasks[:MOST])).startswith("<svg")


def test_a_plan_of_nothing_is_drawn() -> None:
    assert words(Plan(())) == []
