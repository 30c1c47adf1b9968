"""The plans that are made of thoughts: each runs with a scripted model, and is no longer than fifteen lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from superscalar import LLMCompiler, Tool, UsageError, patterns
from superscalar.models.base import Request
from superscalar.testing import ScriptedModel, run
from superscalar.thoughts import thoughts
from support.running import executed

NUMBERS = [7, 1, 5, 3, 8, 2, 6, 4, 9]


def sorter(request: Request) -> str:
    """Does what it is asked with lists of numbers, and other things by their length."""
    said = request.messages[1].text
    block = re.search(r"<data>\n(.*)\n</data>", said, re.DOTALL)
    data = json.loads(block[1] if block else "null")
    match said.partition("</data>")[2].split():
        case ["Score", *_]:
            return json.dumps({"value": min(10, len(str(data)) % 11)})
        case ["Which", *_]:
            return '{"value": 1}'
        case ["Split", *_]:
            return json.dumps({"value": [str(data[at : at + 2]) for at in range(0, len(data), 2)]})
        case ["Merge", *_]:
            return str(sorted(number for part in data for number in json.loads(part)))
        case ["Is", "this", *_]:
            return '{"value": ""}'
        case ["Sort", *_]:
            return str(sorted(json.loads(data)))
        case ["Combine", *_]:
            return '{"value": ["8 * 3 = 24, left: 24", "1 + 1 = 2, left: 2"]}'
    return f"{request.seed}" if data is None else f"about {str(data)[:20]}"


INPUTS: dict[str, dict[str, Any]] = {
    "sectioning": {"task": "Sort the numbers.", "data": NUMBERS},
    "voting": {"question": "How many?", "votes": 3},
    "best_of_n": {"task": "Write.", "criterion": "It is long."},
    "map_reduce": {"texts": [f"[{n}]" for n in range(9)], "task": "Sort it."},
    "tree_of_thoughts": {"problem": "a riddle"},
    "graph_of_thoughts": {
        "task": "Sort the numbers.",
        "data": NUMBERS,
        "parts": "Two numbers each.",
        "how": "One sorted list.",
        "criterion": "It is sorted.",
    },
    "game_of_24": {"numbers": [8, 3, 1, 1]},
}
FOUND: dict[str, Any] = {
    "sectioning": str(sorted(NUMBERS)),
    "voting": "0",
    "map_reduce": str([*range(9)]),
    "graph_of_thoughts": str(sorted(NUMBERS)),
}


def test_each_pattern_is_tried() -> None:
    assert patterns.names() == sorted(INPUTS)


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_pattern_is_a_plan_of_a_few_lines_that_runs(name: str) -> None:
    source = patterns.get(name)
    assert len(source.splitlines()) <= 15
    result = executed(source, [thoughts(ScriptedModel(*[sorter] * 100))], inputs=INPUTS[name])
    assert result.outcomes.failures == {}
    assert result.outcomes.joined == FOUND.get(name, result.outcomes.joined)
    assert result.outcomes.joined


def test_a_tree_goes_on_from_the_best_alone() -> None:
    model = ScriptedModel(*[sorter] * 100)
    executed(patterns.get("tree_of_thoughts"), [thoughts(model)], inputs={"problem": "p", "width": 3, "keep": 1})
    assert sum("Go on from" in one.messages[1].text for one in model.requests) == 3


def test_best_of_n_does_not_wait_for_the_last() -> None:
    def slow(request: Request) -> str:
        if request.seed == 4:
            raise ConnectionError("down")
        return sorter(request)

    inputs = {"task": "Write.", "criterion": "It is long.", "drafts": 5, "enough": 2}
    result = executed(patterns.get("best_of_n"), [thoughts(ScriptedModel(*[slow] * 100))], inputs=inputs)
    assert result.outcomes.joined in ("0", "1", "2", "3")


def test_a_pattern_is_saved_and_called_as_any_plan(tmp_path: Any) -> None:
    agent = LLMCompiler(tools=[thoughts(ScriptedModel(*[sorter] * 100))], plans=tmp_path / "plans")
    saved = agent.save("voting", patterns.get("voting"))
    assert "# input votes: int = 5" in str(saved.text)
    called = Tool.from_plan(agent.compile(patterns.get("voting")), name="asked")
    both = LLMCompiler(tools=[called])
    assert run(both.execute('join([asked("How many?", 3), asked("Why?", 1)])')).joined == ["0", "0"]


def test_a_name_that_is_none_is_told_with_one_that_is_near() -> None:
    with pytest.raises(UsageError, match="did you mean 'voting'"):
        patterns.get("votin")
    assert patterns.describe("voting") == "Voting: the same question several times, and the answer that most agree on."
