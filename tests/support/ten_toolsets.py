"""Ten toolsets as different as users have, with plans that their grammars accept and plans that they do not."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from superscalar import LLMCompiler, Sink, Tool, Toolset, tool
from superscalar.plan import Grammar, grammar
from superscalar.testing import ScriptedModel


@dataclass(frozen=True)
class Sampled:
    """Tools of a kind, and what may and may not be written with them."""

    name: str
    tools: Toolset
    right: tuple[str, ...]
    wrong: tuple[str, ...]

    @cached_property
    def grammar(self) -> Grammar:
        """What a reply may be."""
        return grammar(self.tools)


def _unused(**arguments: Any) -> Any:
    raise NotImplementedError


class Colour(enum.Enum):
    """Values with what has a meaning in grammars."""

    RED = "red"
    QUOTED = 'it\'s "so"'
    SLASH = "a\\b/c"
    LINES = "one\ntwo"


@dataclass
class Tree:
    """A record that holds itself."""

    name: str
    colour: Colour = Colour.RED
    children: list[Tree] = field(default_factory=list)


@dataclass
class Order:
    """A record with records."""

    lines: list[dict[str, int]]
    tree: Tree | None = None
    note: str = ""


@tool(effect="read")
def now() -> str:
    """The time."""
    raise NotImplementedError


@tool(effect="read")
def price(ticker: str, day: int = 0) -> float:
    """The price of a share, so many days ago."""
    raise NotImplementedError


@tool(effect="pure")
def mean(numbers: list[float], weights: dict[str, float] | None = None) -> float:
    """The mean of numbers."""
    raise NotImplementedError


@tool(effect="read")
def paint(
    colour: Colour, shade: Literal[1, 2, "dark"] = 1, *, coats: int = 2, share: float = 0.5, wet: bool = False
) -> str:
    """Paint."""
    raise NotImplementedError


@tool(effect="read")
def plant(tree: Tree, order: Order | None = None) -> str:
    """Plant a tree."""
    raise NotImplementedError


@tool(effect="write")
def mail(to: Annotated[str, Sink()], body: str, cc: Annotated[list[str], Sink()] | None = None) -> None:
    """Send a message."""
    raise NotImplementedError


@tool(effect="write", idempotent=True)
def pay(account: Annotated[str, Sink()], amount: Decimal, on: date | None = None) -> str:
    """Pay."""
    raise NotImplementedError


def _described(name: str, properties: dict[str, Any], *required: str, **terms: Any) -> Tool[..., Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return Tool.from_schema(name, schema, _unused, **{"effect": "read", **terms})


def _hundred() -> Iterator[Tool[..., Any]]:
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "integer"},
        {"type": "array", "items": {"type": "number"}},
        {"enum": ["low", "high"]},
        {"type": "object", "properties": {"a": {"type": "boolean"}}},
    ]
    for number in range(100):
        properties = {f"argument_{i}": kinds[(number + i) % len(kinds)] for i in range(number % 7)}
        yield _described(f"service.{number}", properties, *list(properties)[: number % 3])


def _optional() -> Tool[..., Any]:
    properties: dict[str, Any] = {f"option_{n}": {"type": ["string", "null"]} for n in range(20)}
    return _described("configure", {"name": {"type": "string"}, **properties}, "name")


_UNICODE = (
    _described(
        "größe.lesen",
        {"ort": {"type": "string"}, "einheit": {"enum": ["m²", "漢字", "Ωmega 🙂", "\u200b\U000e0041"]}},
        "ort",
    ),
    _described("天気", {"都市": {"type": "string"}}, "都市"),
)
_OF_A_SERVER = (
    Tool.from_schema(
        "github.create-issue",
        {
            "type": "object",
            "$defs": {"Kind": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}},
            "properties": {
                "repo-name": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
                "from": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "labels": {"type": "array", "items": {"type": "string", "enum": ["bug", "good first issue"]}},
                "class": {"$ref": "#/$defs/Kind"},
                "meta": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
            },
            "required": ["repo-name"],
        },
        _unused,
        effect="write",
    ),
    _described("lambda", {"import": {}, "self": {"const": 7}}, "import"),
)


_NONE = Toolset([])
_EXTRACT = LLMCompiler(tools=[now], schemas={"Tree": Tree}, extractor=ScriptedModel()).tools

SAMPLED = (
    Sampled("nothing", _NONE, ("x = sum([1, 2])\njoin(x)", "join()"), ("x = now()", "x =", "")),
    Sampled("no arguments", Toolset([now]), ("x = now()\njoin(x)", "now()"), ("x = now(1)", "x = now now", "x = now(")),
    Sampled(
        "small",
        Toolset([price, mean]),
        (
            'x = price("IBM", 3)\ny = price(ticker="IBM", day=x)\njoin(x, y)',
            'prices = {t: price(t) for t in ["IBM", "AAPL"]}\nbest = max(prices, key=lambda t: prices[t])\njoin(best)',
            'm = mean([1, 2.5, -3], weights={"a": 1})\nfor i in range(1, 9, 2):\n    m += i\njoin(m)',
            'd = datetime(2026, 1, 2, 3, 4, 5)\njoin(f"{d:>9} {round(1.5, 1)!r}", time(1))',
        ),
        (
            'x = pric("IBM")',
            'x = price("IBM", days=3)',
            'x = price("IBM", 3, 4)',
            "x = price(5)",
            "x = mean(3)",
            "x = range(1, 2, 3, 4)",
            "x = datetime(2026, 1)",
            "x = 01",
            "import os",
            "if x:\njoin(x)",
            "Sure, here is the plan:",
        ),
    ),
    Sampled(
        "a hundred",
        Toolset(_hundred()),
        (
            'x = service_99(argument_0={"a": True})\ny = service_0()\njoin(x, y)',
            'x = [service_5(argument_0="a", argument_1=i, argument_2=[1.5]) for i in [1, 2]]\njoin(x)',
        ),
        (
            "x = service_100()",
            "x = service_0(1)",
            'x = service_2(argument_0=[1], argument_1="middle")',
            "x = service_()",
        ),
    ),
    Sampled(
        "names in Unicode",
        Toolset(_UNICODE),
        (
            'x = größe_lesen(ort="Zürich", einheit="漢字")\njoin(f"groß: {x} 🙂")',
            'x = 天気(都市="東京")\n# 天気\njoin(x)',
            'x = größe_lesen(ort="a", einheit="\u200b\U000e0041")\njoin(x)',
            'x = größe_lesen(ort="", einheit="Ωmega 🙂")\njoin(x)',
        ),
        (
            'x = größe_lesen(ort="Zürich", einheit="km²")',
            "größe = 1",
            'x = 天気(ort="Rom")',
            'x = größe_lese(ort="Zürich")',
        ),
    ),
    Sampled(
        "choices and defaults",
        Toolset([paint]),
        (
            'x = paint("red")\njoin(x)',
            'x = paint("it\'s \\"so\\"", "dark", coats=1, share=0.25, wet=True)\njoin(x)',
            'x = paint("a\\\\b/c", 2, wet=not x)\ny = paint("one\\ntwo", shade=1)\njoin(x, y)',
        ),
        (
            'x = paint("blue")',
            'x = paint("red", 3)',
            'x = paint("red", 1, 2)',
            'x = paint("red", wet=1)',
            'x = paint("red", coats=1.5)',
            "x = paint()",
        ),
    ),
    Sampled(
        "records in records",
        Toolset([plant]),
        (
            'x = plant({"name": "oak", "colour": "red", "children": [{"name": "elm", "children": []}]})\njoin(x)',
            'x = plant(y, {"lines": [{"a": 1}], "tree": {"name": "oak"}, "note": f"n{y}"})\njoin(x)',
            'x = plant({"name": y.name}, None)\njoin(x)',
        ),
        (
            "x = plant({})",
            'x = plant({"name": "oak", "color": "red"})',
            'x = plant({"name": "oak"}, {"note": "no lines"})',
            'x = plant("oak")',
        ),
    ),
    Sampled(
        "what may be left out",
        Toolset([_optional()]),
        (
            'x = configure(name="a", option_3=None, option_19="z")\njoin(x)',
            'x = configure(name="a", option_0=y)\njoin(x)',
            'x = configure(name="a")\njoin(x)',
        ),
        (
            'x = configure(name="a", option_19="z", option_3="y")',
            'x = configure(name="a", option_20="z")',
            'x = configure(name="a", option_1=1)',
            "x = configure()",
        ),
    ),
    Sampled(
        "tools of a server",
        Toolset(_OF_A_SERVER),
        (
            'x = github_create_issue(repo_name="a/b", from_=None, labels=["bug"], class_={"id": 3}, meta={"k": 1.5})',
            'x = lambda_(import_=[1, {"k": None}], self=7)\ny = sorted([x], key=lambda z: z)\njoin(y)',
        ),
        (
            'x = github_create_issue(repo_name="a/b", from=None)',
            'x = github_create_issue(repo_name="a/b", labels=["wish"])',
            'x = github_create_issue(repo_name="a/b", class_={"id": "3"})',
            "x = lambda_(import_=1, self=8)",
            "x = lambda(1)",
        ),
    ),
    Sampled(
        "writes",
        Toolset([mail, pay]),
        (
            'mail("ann@example.com", f"paid: {x}", cc=["bob@example.com"])\njoin()',
            'if x > 1:\n    mail("a", "b")\nelse:\n    p = pay("DE1", Decimal("1.50"), on=date(2026, 1, 2))\njoin(p)',
        ),
        ('mail("ann@example.com")', 'mail("a", "b", "c@example.com")', 'pay("DE1")', 'pay(1, Decimal("1"))'),
    ),
    Sampled(
        "extraction",
        _EXTRACT,
        ('t = now()\nx = extract(t, "Tree", "the tree")\njoin(x.name, [c.colour for c in x.children])',),
        ("x = extract()", 'x = extract(t, "Bush", "the bush")', "x = extrac(t)", "x = extract(1"),
    ),
)
