"""Inputs of plans as somebody declares and gives them who does not think of everything: nothing is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Optional

import pytest
from pydantic import Field, SecretBytes, SecretStr
from pydantic import Secret as SecretOf

from superscalar import Input, LLMCompiler, PlanError, Secret, UsageError, labelled, tool
from superscalar.labels import PLAN
from superscalar.plan import print_as
from superscalar.plan.print.steps import BeyondSteps
from support.running import executed


@tool(effect="read", trust="trusted")
def price(ticker: str) -> float:
    """The price of a ticker."""
    return float(len(ticker))


AGENT = LLMCompiler(tools=[price])


@pytest.mark.parametrize(
    ("type", "said"),
    [
        (Annotated[str, Secret] | None, "# secret input x: str | None"),
        (Optional[Annotated[bytes, Secret()]], "# secret input x: bytes | None"),  # noqa: UP045 -- people write it
        (Annotated[str | None, Secret], "# secret input x: str | None"),
        (SecretStr | None, "# secret input x: str | None"),
        (Annotated[SecretBytes, Secret], "# secret input x: bytes"),
        (SecretOf[str], "# secret input x: str"),
    ],
)
def test_a_mark_of_a_secret_is_heeded_wherever_it_stands(type: Any, said: str) -> None:
    plan = AGENT.compile("join(x)", inputs={"x": type})
    assert str(plan).splitlines()[0] == said
    assert AGENT.compile(str(plan)) == plan


@pytest.mark.parametrize(
    ("type", "why"),
    [
        (list[Annotated[str, Secret]], r"`x` is secret, so it is a text: str or bytes, not list\[str\]"),
        (dict[str, list[Annotated[str, Secret]]], "`x` is secret, so it is a text"),
        (int | Annotated[str, Secret], r"`x` is secret, so it is a text: str or bytes, not int \| str"),
        (SecretOf[int], "`x` is secret, so it is a text: str or bytes, not int"),
        (list[Annotated[int, Field(gt=0)]], "`x`: an input has a type and no more"),
    ],
)
def test_a_mark_that_cannot_be_heeded_is_refused(type: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        AGENT.compile("join(x)", inputs={"x": type})


# ---------------------------------------------------------------------------------------------------------- labels


@dataclass
class Page:
    """A record."""

    text: Any


@pytest.mark.parametrize("type", [Any, list, "list[tuple]"])
@pytest.mark.parametrize(
    "value",
    [[labelled("eve")], labelled(labelled("eve")), labelled([labelled("eve")])],
)
def test_a_label_of_a_part_of_a_value_is_refused_and_not_lost(type: Any, value: Any) -> None:
    plan = AGENT.compile("join(x)", inputs={"x": type})
    with pytest.raises(UsageError, match=r"`x`: labelled\(...\) is of a whole value"):
        executed(plan, [price], inputs={"x": value})


@pytest.mark.parametrize("value", [{"a": [labelled("eve")]}, {1: {labelled("eve")}}, Page(labelled("eve"))])
def test_so_is_one_in_a_mapping_a_set_or_a_record(value: Any) -> None:
    plan = AGENT.compile("join(x)", inputs={"x": Any})
    with pytest.raises(UsageError, match=r"labelled\(...\) is of a whole value"):
        executed(plan, [price], inputs={"x": value})


def test_a_default_has_no_label() -> None:
    with pytest.raises(UsageError, match=r"`x`: a default is as trusted as the plan"):
        AGENT.compile("join(x)", inputs={"x": Input(Any, default=[labelled("eve")])})


def test_a_value_that_holds_itself_is_refused() -> None:
    plan = AGENT.compile("join(x)", inputs={"x": Any})
    value: list[Any] = []
    value.append(value)
    with pytest.raises(UsageError, match="`x` is no data"):
        executed(plan, [price], inputs={"x": value})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"readers": "ann"}, r"labelled\(readers='ann'\): write a list of names"),
        ({"readers": [1]}, r"labelled\(readers=\[1\]\): write a list of names"),
        ({"label": "ann"}, r"labelled\(label='ann'\): give the label of an earlier result"),
        ({"trusted": "no"}, r"labelled\(trusted='no'\): write True or False"),
        ({"label": PLAN, "readers": ["ann"]}, "give nothing beside it"),
        ({"label": PLAN, "trusted": True}, "give nothing beside it"),
    ],
)
def test_what_is_no_label_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        labelled("x", **said)


# -------------------------------------------------------------------------------------------- defaults and headers


@pytest.mark.parametrize("default", [float("inf"), [float("nan")], {"a": -float("inf")}, ...])
def test_a_default_that_is_no_literal_is_said_to_be_none(default: Any) -> None:
    with pytest.raises(UsageError, match=r"`x`: the default .* is nothing that a plan can write"):
        AGENT.compile("join(x)", inputs={"x": Input(Any, default=default)})


def test_a_decimal_as_a_default_keeps_its_digits() -> None:
    exact = Decimal("0.12345678901234567890123")
    plan = AGENT.compile("join(x)", inputs={"x": Input(Decimal, default=exact)})
    assert executed(AGENT.compile(str(plan)), [price]).answer == exact


@pytest.mark.parametrize("default", [b"a", {1}, (1,), [(1,)], {1: "a"}, {(1, 2): 3}])
def test_a_default_that_json_has_no_words_for_is_not_written_as_another(default: Any) -> None:
    plan = AGENT.compile("x = price('a')\njoin(x)", inputs={"y": Input(Any, default=default)})
    with pytest.raises(BeyondSteps, match="the default of an input"):
        print_as(plan.tasks, "json")
    assert AGENT.compile(print_as(plan.tasks, "numbered"), syntax="numbered").inputs == plan.inputs


def test_a_header_has_as_many_inputs_as_a_declaration() -> None:
    header = "\n".join(f"# input x{n}: int = 1" for n in range(101))
    with pytest.raises(PlanError, match=r"plan:101:9: E104 a plan has at most 100 inputs, and these are 101"):
        AGENT.compile(f"{header}\njoin(x0)")


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ('{"x": "int", "x": "str"}', "there is an input `x` already"),
        ('{"x": {"type": "int", "type": "str"}}', "the input `x` has `type` twice"),
        ('{"x": {"type": "str"}, "y": {"type": "int", "default": 1}, "x": "str"}', "there is an input `x` already"),
    ],
)
def test_a_name_that_comes_twice_in_json_is_an_error(inputs: str, why: str) -> None:
    source = f'{{"inputs": {inputs}, "steps": [{{"id": "a", "tool": "price", "arguments": {{"ticker": "A"}}}}]}}'
    with pytest.raises(PlanError, match=why):
        AGENT.compile(source)


def test_a_value_that_cannot_be_told_is_refused_all_the_same() -> None:
    plan = AGENT.compile("join(x)", inputs={"x": str})
    value: dict[str, Any] = {}
    value["a"] = value
    with pytest.raises(UsageError, match="`x`: it holds itself"):
        executed(plan, [price], inputs={"x": value})


@pytest.mark.parametrize(("type", "value"), [(str, "abc     "), (bytes, "é".encode() * 4), (bytes, b"abc\n\n\n\n\n")])
def test_a_secret_that_is_long_in_bytes_or_blanks_only_is_refused(type: Any, value: Any) -> None:
    plan = AGENT.compile("join(len(x))", inputs={"x": Input(type, secret=True)})
    with pytest.raises(UsageError, match="`x`: it is secret, and a text of fewer than 8 characters"):
        executed(plan, [price], inputs={"x": value})
