"""Constants of a plan that become inputs: those that a question has are shown, and nobody guesses which are meant."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import LLMCompiler, UsageError, tool
from superscalar.saved.constants import found_in, made_inputs, plan_constants
from superscalar.testing import run


@tool(effect="read")
def price(ticker: str, day: int = 0) -> float:
    """Latest price."""
    return 1.0


AGENT = LLMCompiler(tools=[price])


def found(source: str, question: str) -> list[tuple[Any, str, str]]:
    constants = plan_constants(AGENT.compile(source).tasks)
    return [(one.value, one.name, one.type) for one in found_in(question, constants)]


def test_constants_that_a_question_has_are_named_as_what_they_are_given_to() -> None:
    source = """
held = ["IBM", "AAPL"]
all = [price(t) for t in held]
one = price("MSFT", -3)
top = sorted(all)[:5]
rest = [price(share) for share in ["XRX", "IBM"]]
join(one["IBM"], top[2], f"of {price('GE')} AAPL", rest, 1e300 * 2.5, 10 ** 400, "nobody")
"""
    question = "What were ibm, AAPL and MSFT at -3, the top 5 of them, 2 of XRX, GE, and 2.50 each?"
    assert found(source, question) == [
        (["IBM", "AAPL"], "held", "list[str]"),
        ("MSFT", "ticker", "str"),
        (-3, "day", "int"),
        (5, "", "int"),
        (["XRX", "IBM"], "shares", "list[str]"),
        ("GE", "ticker", "str"),
        (2.5, "", "float"),
    ]


def test_no_name_is_proposed_that_means_something_else_in_the_plan() -> None:
    source = "x = [price(ticker) for ticker in ['IBM', 'XRX']]\nday = len(x)\njoin(x, price('GE', 7), day, price('GE'))"
    assert found(source, "IBM, XRX, and GE on the 7") == [
        (["IBM", "XRX"], "tickers", "list[str]"),
        ("GE", "", "str"),
        (7, "", "int"),
    ]


@pytest.mark.parametrize("question", ["IBMs", "an aibm", "15 of them", "1.5", "5.1", "v5", ""])
def test_a_part_of_a_word_or_of_a_number_is_not_found(question: str) -> None:
    assert found("x = price('IBM', 5)\njoin(x)", question) == []


def test_a_constant_becomes_an_input_wherever_it_stands() -> None:
    source = "held = ['é', 'IBM']\nx = [price(t, 5) for t in held]\ny = price('é', 5)\njoin(x, y, 5)"
    tasks = AGENT.compile(source).tasks
    text = made_inputs(tasks, {"held": ["é", "IBM"], "day": 5, "one": "é"})
    assert text == (
        "# input held: list[str]\n# input day: int\n# input one: str\n"
        "x = [price(ticker=t, day=day) for t in held]\ny = price(ticker=one, day=day)\njoin(x, y, day)\n"
    )
    assert made_inputs(tasks, {}) == str(AGENT.compile(source))
    assert [one.name for one in AGENT.compile(text).inputs] == ["held", "day", "one"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"ticker": "MSFT"}, "the plan has no such constant; it has 5, ['IBM']"),
        ({"day": 5.0}, "the plan has no such constant"),
        ({"x": 5}, "`x` means something else in the plan"),
        ({"price": 5}, "`price` means something else in the plan"),
        ({"a b": 5}, "is no name of an input"),
        ({"for": 5}, "is no name of an input"),
        ({"_day": 5}, "is no name of an input"),
        ({"one": 5, "two": 5}, "two=5: that is what `one` stands for"),
    ],
)
def test_what_cannot_become_an_input_is_refused_with_why(chosen: dict[str, Any], said: str) -> None:
    tasks = AGENT.compile("x = [price(t, 5) for t in ['IBM']]\njoin(x, True)").tasks
    with pytest.raises(UsageError) as refused:
        made_inputs(tasks, chosen)
    assert said in str(refused.value)


def test_a_plan_with_inputs_is_the_plan_with_the_constants_written_in() -> None:
    @tool(effect="read")
    def named(word: str, times: int = 1) -> str:
        """A word again and again."""
        return word * times

    agent = LLMCompiler(tools=[named])
    plan = agent.compile("words = ['a', 'b']\nx = [named(w, 3) for w in words]\ny = named('c', 3)[:2]\njoin(x, y, 'a')")
    chosen = {"words": ["a", "b"], "times": 3, "only": "c", "first": "a", "most": 2}
    with_inputs = agent.compile(made_inputs(plan.tasks, chosen))
    expected = [["aaa", "bbb"], "cc", "a"]
    assert run(agent.execute(plan)).joined == expected
    assert run(agent.execute(with_inputs, inputs=chosen)).joined == expected
    others = {**chosen, "words": ["z"], "times": 1, "most": 0}
    assert run(agent.execute(with_inputs, inputs=others)).joined == [["z"], "", "a"]
