"""What planners are shown as examples of ours: right plans, and for the embedded model the very same bytes as ever."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import Any

import pytest

from superscalar import Toolset, tool
from superscalar.plan import check
from superscalar.plan.read.fronts import FRONTS
from superscalar.planner import conversation

RECORD = re.compile(r"# (\w+) has the fields (.+)")
TOKENS = 1_300
"""What the longer prompt may have before the tools."""


def toolset_of(stubs: str) -> Toolset:
    """Tools that are as a prompt shows them."""
    names: dict[str, Any] = {}
    exec("from typing import Any, Literal", names)
    for name, fields in RECORD.findall(stubs):
        pairs = [field.split(": ") for field in fields.split(", ")]
        names[name] = dataclasses.make_dataclass(name, [(field, names["__builtins__"][kind]) for field, kind in pairs])
    made = []
    for line in stubs.splitlines():
        if not line or line.startswith(("Tools:", " ")):
            continue
        signature, _, said = line.partition("  # ")
        exec(f"def {signature}: ...", names)
        declared = tool(effect="write") if said.startswith("Changes") else tool(effect="read")
        made.append(declared(names[signature.partition("(")[0]]))
    return Toolset(made)


PLANS = {
    (front.name, number, many): (asked, plan, front.name)
    for front in FRONTS
    for many, lesson in ((False, front.prompt), (True, front.prompt.with_blocks))
    if lesson is not None
    for number, (asked, plan) in enumerate(lesson.examples)
}


@pytest.mark.parametrize(("asked", "plan", "syntax"), PLANS.values(), ids=map(str, PLANS))
def test_every_plan_that_a_prompt_shows_checks_without_a_warning(asked: str, plan: str, syntax: str) -> None:
    stubs = asked.rpartition("Question:")[0] if asked.startswith("Tools:") else ""
    assert check(plan, toolset_of(stubs).signatures, syntax) == ()


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
    "python": "d8979f54ef0e2531",
    "json": "b8de7bf9d4aedda1",
    "numbered": "2b054267b5ec2796",
    "rewoo": "06056a48c99ad44c",
}


def test_the_longer_prompt_is_bounded() -> None:
    before = conversation(Toolset(), "", (), "", blocks=True)
    assert sum(len(turn.text) / 3.6 + 5 for turn in before) < TOKENS
