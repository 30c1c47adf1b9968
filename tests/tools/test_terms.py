"""A tool's terms, in the ways in which they may be written."""

from __future__ import annotations

import pytest

from superscalar.tools.tool import Tool, tool


def crm(name: str) -> str:
    return name


def test_a_tool_made_by_its_class_is_that_of_the_decorator_and_says_so() -> None:
    with pytest.warns(DeprecationWarning, match=r"tool\(\.\.\.\)\(function\)"):
        old = Tool(crm, name="customers", limits=("crm",), provider="crm")
    new = tool(name="customers", limit="crm", provider="crm")(crm)
    assert (old.name, old.terms, old.signature, old.function) == (new.name, new.terms, new.signature, new.function)
