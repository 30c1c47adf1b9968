"""What stands in the brackets of an agent is for type checkers: see `tests/typing` for what they say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from superscalar import LLMCompiler, RunResult, RunStream, Tool
from superscalar.testing import ScriptedModel, run


class Brief(BaseModel):
    text: str


class Shop:
    pass


@pytest.mark.parametrize("kind", [LLMCompiler, LLMCompiler[Shop], LLMCompiler[Shop, Brief], LLMCompiler[Any, Brief]])
def test_an_agent_is_the_same_with_type_arguments(kind: Any) -> None:
    agent = kind(ScriptedModel("join(1)\n", '{"text": "short"}'), output_type=Brief)
    assert type(agent) is LLMCompiler
    assert run(agent.run("Which?", context=Shop())).answer == Brief(text="short")


def test_all_that_has_type_arguments_may_be_written_with_them() -> None:
    written: list[Any] = [RunResult[str], RunStream[str], Tool[[str], float], Tool[..., Any]]
    assert [kind.__origin__ for kind in written] == [RunResult, RunStream, Tool, Tool]
