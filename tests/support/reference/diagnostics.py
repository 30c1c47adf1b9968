"""What is wrong with plans: a page with each code, when it comes, what to write, and what it looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from superscalar import LLMCompiler, tool


class Code(NamedTuple):
    """When a code comes, what whoever wrote the plan does about it, and a plan that has it, if one is short enough."""

    when: str
    do: str
    plan: str = ""


GROUPS: Final = {
    "E0": "The text cannot be read",
    "E1": "Names",
    "E2": "What is outside of the language",
    "E3": "Tools, arguments and types",
    "E4": "Bounds",
    "W5": "Warnings",
}

CODES: Final[Mapping[str, Code]] = {
    "E001": Code(
        "A line is no Python, or no line of the syntax that the plan is written in.",
        "Close what is open, or leave the line out; prose belongs behind `#`.",
        "x = quote('IBM'\njoin(x)",
    ),
    "E003": Code(
        "The plan ends in the middle: the reply was cut, a `join` that the syntax needs is missing, or a hole has no step.",
        "Write the rest, up to `join(...)`. A planner is asked for it.",
    ),
    "E004": Code(
        "There is no statement in it, or words stand where statements do.",
        "Write `name = tool(...)` on a line, and `join(...)` at the end; words that are not meant to run behind `#`.",
        "Sure, here it is.",
    ),
    "E101": Code(
        "A name is none that a plan may have: it begins with an underscore, or an id is no identifier.",
        "Choose another name.",
        "_x = quote('IBM')\njoin(_x)",
    ),
    "E102": Code(
        "A name is read that no line above assigns, on this path.",
        "Assign it above, in every arm of an `if`, or mend the spelling; the help names those that there are.",
        "price = quote('IBM')\njoin(prise)",
    ),
    "E103": Code(
        "Two steps have one id, in a syntax whose steps have ids.",
        "Give one of them another id.",
    ),
    "E104": Code(
        "An input that the header of a plan declares is none: its name, its type or its default, or there are two of that name.",
        "Write `# input limit: int = 5`, with a type of data.",
        "# input limit: integer\njoin(limit)",
    ),
    "E201": Code(
        "A statement is not part of the language: `while`, `def`, `with`, most of `try`, and what assigns to no name.",
        "Write what the help says: most loops are a comprehension or a `for` over a list.",
        "while True:\n    x = quote('IBM')\njoin(x)",
    ),
    "E202": Code(
        "An expression is not part of the language, such as a `lambda` that is no `key=`, or a walrus.",
        "Write what the help says, or let a tool compute it.",
        "f = lambda s: quote(s)\njoin(f('IBM'))",
    ),
    "E204": Code(
        "A method is called that plans have not.",
        "Use one of [those that there are](language.md#functions-and-methods), or a tool.",
        "x = 'IBM'.encode()\njoin(x)",
    ),
    "E205": Code(
        "A tool is called where none can be: in a `lambda`, a filter that runs in an expression, the text of an `assert`.",
        "Call it on a line above, and use its result.",
        "x = sorted(['IBM'], key=lambda s: quote(s).price)\njoin(x)",
    ),
    "E206": Code(
        "`join(...)` stands where it is no statement of its own at the top.",
        "Assign the value, and write one `join(...)` as the last line.",
        "for s in ['IBM']:\n    join(quote(s))",
    ),
    "E207": Code(
        "An item of a loop reads what the item before it assigned.",
        "Add up with `name += ...`, or collect a list; items of a loop do not wait for each other.",
        "last = 0\nfor s in ['IBM']:\n    gap = quote(s).price - last\n    last = quote(s).price\njoin(gap)",
    ),
    "E301": Code(
        "There is no tool or function of that name.",
        "Write one of the tools that the help lists.",
        "x = qoute('IBM')\njoin(x)",
    ),
    "E302": Code(
        "A tool has no parameter of that name.",
        "Write one of its parameters; the help has its signature.",
        "x = quote(ticker='IBM')\njoin(x)",
    ),
    "E303": Code(
        "An argument is missing that the tool needs.",
        "Give it; the help has the signature.",
        "x = quote()\njoin(x)",
    ),
    "E304": Code(
        "A value is not what its parameter takes, and is known before anything runs: a constant, or of a declared type.",
        "Give what the help says.",
        "x = quote('IBM', currency='GBP')\njoin(x)",
    ),
    "E305": Code(
        "There are more arguments than a tool or function takes, or kinds of them that it does not.",
        "Give those of the signature.",
        "x = quote('IBM', 'EUR', 3)\njoin(x)",
    ),
    "E306": Code(
        "One argument, or one key, is given twice.",
        "Give it once.",
        "x = quote('IBM', symbol='AAPL')\njoin(x)",
    ),
    "E307": Code(
        "A field or method is read that the declared type of the value has not.",
        "Read one of its fields.",
        "x = quote('IBM')\njoin(x.cost)",
    ),
    "E308": Code(
        "An operation does not work on the declared types of its values.",
        "Read the field that is meant, or convert it as the help says.",
        "x = quote('IBM')\njoin([n for n in x.price])",
    ),
    "E309": Code(
        "A value is computed for a parameter whose value has to stand in the plan, so that it can be judged before anything runs.",
        "Write one of the values that the help lists as a constant.",
    ),
    "E401": Code(
        "A constant is larger than an integer of a plan may be.",
        "Let a tool compute it.",
    ),
    "E402": Code(
        "An expression is nested more deeply than plans may be, or the plans that are called have more than 10,000 tasks.",
        "Give parts of it names on lines of their own.",
    ),
    "E403": Code(
        "A statement, or the plan, is longer than it may be.",
        "Write less, or let a tool make what is long.",
    ),
    "E404": Code(
        "There is so much wrong that the rest is not read.",
        "Mend what stands above, or write a shorter plan.",
    ),
    "W501": Code(
        "A field is read that the declared type of the value does not name, and might have all the same.",
        "Check the spelling; declare the field in the tool's return type if it is there.",
    ),
    "W502": Code(
        "Plain functions are called that say no effect, so each is taken for a write: in order, and never twice.",
        'Declare it, in the tools: `@tool(effect="read")`.',
    ),
    "W503": Code(
        "A call is written that nothing joined needs: it is not made.",
        "Give what it finds to `join(...)`, or leave it out.",
        "x = quote('IBM')\ny = quote('AAPL')\njoin(y)",
    ),
    "W504": Code(
        "A value seems to be of another type than its parameter, and one of the two is not declared.",
        "Convert it as the help says, or annotate the tool.",
    ),
    "W505": Code(
        "A loop goes through the characters of a text.",
        "Write `.split()` for words, `.splitlines()` for lines.",
        "s = quote('IBM').symbol\nx = [quote(c) for c in s]\njoin(x)",
    ),
    "W506": Code(
        "Statements stand behind `join(...)`: they are not run.",
        "Put `join(...)` last.",
    ),
    "W507": Code(
        "A key stands twice in one dict: the last one counts.",
        "Write each key once.",
        "x = {'a': quote('IBM'), 'a': quote('AAPL')}\njoin(x)",
    ),
    "W508": Code(
        "A `Decimal` is made of a float, and is not the number that stands there.",
        "Write it as text.",
        "x = Decimal(0.1)\njoin(x)",
    ),
    "W509": Code(
        "Something in quotes looks like a reference to a step, such as `${7}`, and there is no such step: it is text.",
        "Write the number of a step above, or a backslash before what is meant as text.",
        '1. quote("${7}")\n2. join($1)',
    ),
}


@dataclass
class Quote:
    """What the tool of the examples returns."""

    symbol: str
    price: float


@tool(effect="read")
async def quote(symbol: str, currency: Literal["EUR", "USD"] = "EUR") -> Quote:
    """The price of a symbol."""
    raise NotImplementedError


def told_of(code: str) -> str:
    """What the example of a code looks like."""
    found = LLMCompiler(tools=[quote]).check(CODES[code].plan)
    return str(next(problem for problem in found if problem.code == code))


def in_source() -> set[str]:
    """The codes that the source has."""
    source = Path(__file__).parents[3] / "src" / "superscalar"
    return {code for path in source.rglob("*.py") for code in re.findall(r'"([EW]\d{3})"', path.read_text())}


def page() -> str:
    """`docs/diagnostics.md`."""
    lines = [
        "# What is wrong with a plan",
        "",
        "A `Diagnostic` has a code, a message, its place and a help: what to write instead. `agent.check(source)` gives all of a plan; `agent.compile(source)`",
        "and a run whose planner cannot mend them raise a `PlanError` with them, and `superscalar check` prints them. Errors (`E`) keep a plan from being",
        "whole, so nothing that it writes runs; they [go back to the planner](models.md#when-a-plan-has-errors) first. Warnings (`W`) stop nothing.",
        "",
        "The examples are of a tool `quote(symbol: str, currency: Literal['EUR', 'USD'] = 'EUR') -> Quote`, which has a `symbol` and a `price`.",
    ]
    for prefix, title in GROUPS.items():
        lines += ["", f"## {title}"]
        for code in (code for code in CODES if code.startswith(prefix)):
            when, do, plan = CODES[code]
            lines += ["", f"### {code}", "", f"{when} {do}"]
            if plan:
                lines += ["", "```", told_of(code), "```"]
    return "\n".join(lines) + "\n"
