"""Tools that nobody here described: all of NESTFUL, and every hundredth function of the Berkeley leaderboard.

`SUPERSCALAR_ALL_SCHEMAS=1` looks at each function of the leaderboard, which takes a quarter of a minute.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from superscalar import Tool
from superscalar.plan import check
from superscalar.plan.ir.signatures import Signatures
from superscalar.planner import tool_stub
from superscalar.tools.context import ArgumentError
from support.foreign_schemas import leaderboard, leaderboard_functions, leaderboard_tool, nestful_tool
from support.nestful import plan_text, signatures
from support.shared_data import FOLDER, shared

ABSENT = pytest.mark.skipif(
    shared("nestful_glaive_data.json") is None, reason=f"there is no nestful_glaive_data.json in {FOLDER}"
)
FILE = leaderboard()
ALL = bool(os.environ.get("SUPERSCALAR_ALL_SCHEMAS"))

SAMPLES: dict[str, Any] = {"str": "x", "int": 1, "float": 1.5, "bool": True, "dict": {}, "list": []}


def check_tool(tool: Tool[..., Any]) -> int:
    """See that it is described, and that its schema refuses constants of other types; how many it does."""
    assert all(p.alias.isidentifier() and p.type for p in tool.signature.parameters)
    assert len(tool_stub(tool.signature)) < 20_000
    refused = 0
    for parameter in tool.signature.parameters:
        wanted = parameter.type.partition("[")[0]
        if wanted in SAMPLES and not parameter.bounds:
            fitting = [kind for kind, value in SAMPLES.items() if parameter.reject(value) is None]
            assert fitting in ([], ["int", "float"] if wanted == "float" else [wanted])  # none: more is asked of it
            refused += len(SAMPLES) - len(fitting)
    with pytest.raises(ArgumentError):
        tool.bind({"no_parameter_of_it": 1})
    return refused


@ABSENT
@pytest.mark.parametrize(("part", "tools"), [("executable", 39), ("glaive", 70)])
def test_tools_of_nestful_are_described_and_their_gold_plans_checked(part: str, tools: int) -> None:
    """As by signatures written by hand, which do not look into lists: what stands in those is found beside."""
    made = [nestful_tool(said) for said in shared(f"nestful_{part}_spec.json")]
    assert len(made) == tools
    assert min(map(check_tool, made)) >= 0
    by_schema, by_hand = Signatures(tool.signature for tool in made), signatures(shared(f"nestful_{part}_spec.json"))
    found: Counter[str] = Counter()
    for case in islice(shared(f"nestful_{part}_data.json"), 0, None, 4):
        text = plan_text(case["output"])
        codes, known = ([d.code for d in check(text, by, "json")] for by in (by_schema, by_hand))
        found.update(Counter(codes) - Counter(known))
        assert Counter(known) - Counter(codes) <= Counter({"W504": 1})
    assert found.keys() <= {"E304"}


@pytest.mark.skipif(FILE is None, reason="no benchmark has fetched the leaderboard: run benchmarks/planning.py")
def test_functions_of_the_leaderboard_are_described() -> None:
    """Whatever is in their schemas: defaults that these do not allow, names that are none, records in records."""
    assert FILE is not None
    functions = islice(leaderboard_functions(FILE), 0, None, 1 if ALL else 100)
    refused = [check_tool(leaderboard_tool(said)) for _, said in functions]
    assert len(refused) >= 90
    assert sum(map(bool, refused)) > 0.8 * len(refused)
