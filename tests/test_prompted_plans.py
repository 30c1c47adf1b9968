"""What planners are shown as examples of ours: right plans, and for the embedded model the very same bytes as ever."""

from __future__ import annotations

import hashlib
import re

import pytest

from superscalar import Toolset, tool
from superscalar.plan import check
from superscalar.plan.read.fronts import FRONTS
from superscalar.planner import conversation
from support.shown_plans import shown, toolset_of

TOKENS = 1_500
"""What the longer prompt may have before the tools."""


LESSONS = {
    (front.name, to): lesson
    for front in FRONTS
    for to, lesson in (
        ("", front.prompt),
        ("with texts", front.prompt.with_texts),
        ("with blocks", front.prompt.with_blocks),
    )
    if lesson is not None
}
PLANS = {
    (*name, number): (tools, plan, name[0])
    for name, lesson in LESSONS.items()
    for number, (tools, plan) in enumerate(shown(lesson.examples))
}


@pytest.mark.parametrize(("tools", "plan", "syntax"), PLANS.values(), ids=map(str, PLANS))
def test_every_plan_that_a_prompt_shows_checks_without_a_warning(tools: str, plan: str, syntax: str) -> None:
    assert check(plan, toolset_of(tools).signatures, syntax) == ()


@pytest.mark.parametrize("to", ["", "with texts", "with blocks"])
def test_the_examples_have_all_shapes_that_questions_have(to: str) -> None:
    """A planner that is not shown one of these gets it wrong: measured on five sources, with the embedded model."""
    lesson = LESSONS["python", to]
    plans = {plan: toolset_of(tools) for tools, plan in shown(lesson.examples)}
    called = {plan: [one.name for one in tools if re.search(rf"\b{one.name}\(", plan)] for plan, tools in plans.items()}
    writes = {plan: [one.name for one in tools if one.effect == "write"] for plan, tools in plans.items()}
    shapes: dict[str, object] = {
        "two things compared": re.search(
            r'^\w+ = article\("[\w ]+"\)\n\w+ = article\("[\w ]+"\)\njoin', "\n".join(plans), re.MULTILINE
        ),
        "a chain": any(re.search(r"(\w+) = extract\(.*\n\w+ = article\(\1\)", plan) for plan in plans),
        "a number out of a text": any(re.search(r'extract\(article\("\w+"\), "float"', plan) for plan in plans),
        "a map": any("for c in [" in plan for plan in plans),
        "a filter": any(re.search(r" if \w+\.\w+ > \d+\]|if not \w+\.\w+:", plan) for plan in plans),
        "nothing to do": "join()" in plans,
        "a write that is asked for": any(set(called[plan]) & set(names) for plan, names in writes.items()),
        "a write that is not": any(names and not called[plan] for plan, names in writes.items()),
    }
    read = ["a chain", "a number out of a text"]  # where there is `extract`
    assert [shape for shape, there in shapes.items() if not there] == ([] if to else read)


def test_the_longer_prompt_shows_what_it_tells_of() -> None:
    """Each form that larger models are told of stands in a plan that they are shown."""
    longer = FRONTS[0].prompt.with_blocks
    assert longer is not None
    plans = "\n".join(plan for _, plan in longer.examples)
    told = [
        "for ",
        "if ",
        "else:",
        " += ",
        ".append(",
        "ok(",
        "first(",
        "default(",
        "extract(",
        'f"',
        " if ",
        "{s: offer(s",
    ]
    assert [form for form in told if form not in plans] == []


def embedded(syntax: str) -> str:
    @tool(effect="read")
    def price(ticker: str, *, day: str = "today") -> float:
        """What a share costs."""
        return 1.0

    told = conversation(Toolset([price]), "Be kind.", [], "What is IBM at?", syntax)
    return hashlib.sha256("\0".join(f"{turn.role}\0{turn.text}" for turn in told).encode()).hexdigest()[:16]


def test_a_constrained_model_is_told_the_same_bytes_as_before() -> None:
    """It was measured with them, and whoever has a cache of a prompt keeps it."""
    assert {syntax: embedded(syntax) for syntax in ("python", "json", "numbered", "rewoo")} == HASHES


HASHES = {
    "python": "a8653403d2a0a3c9",
    "json": "417444634bda7f8f",
    "numbered": "6e813ad8eecae5f1",
    "rewoo": "a17e3499a0027e73",
}


def test_the_longer_prompt_is_bounded() -> None:
    before = conversation(Toolset(), "", (), "", blocks=True)
    assert sum(len(turn.text) / 3.6 + 5 for turn in before) < TOKENS
