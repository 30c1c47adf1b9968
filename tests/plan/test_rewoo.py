"""The syntax of the ReWOO paper: evidence, references to it, parameters (L26, L27)."""

from __future__ import annotations

import pytest

from superscalar.plan import detect
from support.fronts import FrontReading, front


def second(step: str) -> str:
    """What the second step of a plan comes to, or the codes of what is wrong with it."""
    reading = front("rewoo", f"Plan: first\n#E1 = tool[1]\nPlan: then\n#E2 = {step}\n")
    found = [line for line in reading.shown if line.startswith("E2 = ")]
    return found[0].removeprefix("E2 = ") if found else " ".join(reading.problems)


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "search[Mount Everest]": "search(query='Mount Everest')",
        'search["Mount Everest"]': "search(query='Mount Everest')",
        "search[half of #E1 in m]": "search(query=f'half of {<E1>} in m')",
        "search[#E1]": "search(query=<E1>)",
        "search[#E1.title]": "search(query=<E1>.title)",
        "search['#E1[0] and \\#E1 and #E15 and #1']": "search(query=f'{<E1>[0]} and #E1 and #E15 and #1')",
        "search[foo (bar]": "search(query='foo (bar')",
        "search[a [b] c]": "search(query='a [b] c')",
        "tool[Paris, #E1]": "tool(x='Paris', y=<E1>)",
        "tool[x=#E1, y=[1, #E1]]": "tool(x=<E1>, y=[1, <E1>])",
        'tool[{"x": "so #E1", "y": null}]': "tool(x=f'so {<E1>}', y=None)",
        'tool("a", #E1)': "tool(x='a', y=<E1>)",
        "search [a]": "search(query='a')",
        "tool[#E2]": "4 E102",
        "tool[#E3]": "4 E102",
        "nope[1]": "4 E301",
        "send[a": "4 E001",
        "tool[1, 2, 3]": "4 E305",
    }.items(),
)
def test_a_step_comes_to_a_call(written: str, meant: str) -> None:
    """Or says what is wrong with it."""
    assert second(written) == meant


def test_a_plan_may_stand_on_the_line_of_its_evidence() -> None:
    """As some of the paper's examples have it; and the plan needs no join."""
    text = "Sure:\nPlan: find it #E1 = search[Everest]\nPlan: halve #E1\nwith care.\n#E2 = search[#E1]\nThat is all.\n"
    reading = front("rewoo", text)
    assert reading.found == []
    assert [task.thought for task in reading.tasks] == ["find it", "halve #E1\nwith care.", ""]
    assert reading.shown[-1] == "join() = join(E1=<E1>, E2=<E2>) of everything"
    assert detect(text) == "rewoo"


def test_unquoted_text_is_the_rule_here_and_not_noted() -> None:
    assert [task.notes for task in front("rewoo", "#E1 = search[a b]\n#E3 = search[c]").tasks] == [
        (),
        ("a gap in the numbers",),
        (),
    ]


def test_evidence_that_comes_twice_or_later_is_a_diagnostic() -> None:
    reading = FrontReading("rewoo")
    reading.feed("#E1 = search[a]\n#E1 = search[b]\n#E2 = search[c of #E4]\n#E4 = search[d]\n")
    reading.finish()
    assert reading.problems == ["2 E103", "3 E102"]
    assert "`#E1`" in reading.found[0].message
    assert "write #E2 = tool[argument]" in front("rewoo", "#E1 = search[a]\n#E2 = nothing\n").found[0].help
