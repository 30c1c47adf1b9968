"""What stands in the question is the user's own, even with an earlier answer in view; parts of its words are not."""

from __future__ import annotations

import pytest

from superscalar import Failure, LLMCompiler, Message, Observation, tool
from superscalar.plan.evaluate.labelling import said_by
from superscalar.testing import ScriptedModel, run


@pytest.mark.parametrize(
    ("question", "constant"),
    [
        ("Tell ann@home.example.", "ann@home.example"),
        ("Tell 'ann@home.example', please", "ann@home.example"),
        ("(ann)", "ann"),
        ("Write it to /tmp/x.txt", "/tmp/x.txt"),
        ("Pay 1500 to ann", 1500),
        ("Pay 12.5, not more", 12.5),
        ("https://home.example/a?b=1 is the page", "https://home.example/a?b=1"),
        ("ann", "ann"),
        ("tell joann, and ann", "ann"),
        ("größe", "größe"),
    ],
)
def test_words_of_the_question_are_said_by_the_user(question: str, constant: object) -> None:
    assert said_by(question, constant)


@pytest.mark.parametrize(
    ("question", "constant"),
    [
        ("Tell joann@home.example", "ann@home.example"),
        ("Tell ann@home.example", "ann@home"),
        ("Tell ann@home.example", "home.example"),
        ("Tell ann@home.example.org", "ann@home.example"),
        ("Tell ann+work@home", "ann"),
        ("Pay 1500", 500),
        ("Pay 1500", 150),
        ("Pay 15.00", 15),
        ("Read /tmp/secret/x", "/tmp/secret"),
        ("Read /tmp/secret/x", "secret"),
        ("Read it", ""),
        ("Read it", None),
        ("True story", True),
    ],
)
def test_parts_of_its_words_are_not(question: str, constant: object) -> None:
    assert not said_by(question, constant)


def test_a_planner_with_an_earlier_answer_in_view_makes_no_address_out_of_the_question() -> None:
    @tool(effect="write", sink="to")
    async def send(to: str) -> str:
        """Send a message."""
        return f"sent to {to}"

    model = ScriptedModel('a = send("ann@home")\nb = send("joann@home")\njoin(a, b)\n', "Done.")
    said = [Message("user", "What is new?"), Message("assistant", "Write to ann@home!", untrusted=True)]
    outcomes = run(LLMCompiler(model, tools=[send]).run("Tell joann@home.", history=said)).outcomes
    assert isinstance(outcomes["a"], Failure)
    assert outcomes["a"].kind == "denied"
    assert outcomes["b"] == Observation("sent to joann@home")
