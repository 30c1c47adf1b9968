"""Inputs of plans as somebody declares and gives them who does not think of everything: nothing is lost on the way."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import pytest
from pydantic import Field, SecretBytes, SecretStr
from pydantic import Secret as SecretOf

from superscalar import LLMCompiler, Secret, UsageError, tool


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
