"""The grammars of ten toolsets accept plans that can be read, and nothing of what is no plan with these tools."""

from __future__ import annotations

import re

import pytest
from grammar_matcher import follows

from superscalar import Tool, Toolset
from superscalar.plan import check, grammar
from superscalar.plan.grammars.rules import read
from support.ten_toolsets import SAMPLED, Sampled

each_toolset = pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.name)


@each_toolset
def test_a_plan_that_is_accepted_has_no_error_but_for_a_name_that_it_does_not_define(sampled: Sampled) -> None:
    found = {
        plan: {d.code for d in check(plan, sampled.tools.signatures) if d.severity == "error"} for plan in sampled.right
    }
    assert {plan: codes - {"E102"} for plan, codes in found.items()} == {plan: set() for plan in sampled.right}


@each_toolset
def test_what_is_right_is_accepted_and_what_is_wrong_is_not(sampled: Sampled) -> None:
    rules = read(sampled.grammar.gbnf)
    assert [plan for plan in sampled.right if not follows(plan, rules)] == []
    assert [plan for plan in sampled.wrong if follows(plan, rules)] == []


@each_toolset
def test_the_notation_for_openai_stays_within_what_its_documentation_allows(sampled: Sampled) -> None:
    """A variation of Lark, read by llguidance: regular expressions of Rust, no imports, templates or priorities.

    See https://platform.openai.com/docs/guides/function-calling#context-free-grammars.
    """
    for line in sampled.grammar.lark.splitlines():
        name, _, rule = line.partition(": ")
        assert re.fullmatch(r"[a-z][a-z0-9_]*|[A-Z][A-Z0-9_]*", name), "no priority, no template, no directive"
        text = re.sub(r'"(?:[^"\\]|\\.)*"', "", rule)
        if name.isupper():
            assert re.fullmatch(r"/.*/", rule)
            bare = re.sub(r"\\.|\[(?:[^\]\\]|\\.)*\]", "_", rule[1:-1])
            assert not re.search(r"\(\?(?!:)|[*+?}][?+]", bare), "no lookaround, no lazy or possessive quantifier"
        else:
            assert re.fullmatch(r"[\w\s|()*+?]*", text), "only what Lark and every llguidance read alike"
    names = [line.partition(":")[0] for line in sampled.grammar.lark.splitlines()]
    assert len(names) == len(set(names))


def test_records_whose_names_differ_in_their_case_or_in_signs_alone_are_two() -> None:
    """A rule's name has letters and digits, and Lark's have no capitals."""

    def described(name: str, key: str) -> dict[str, object]:
        return {"title": name, "type": "object", "properties": {key: {"type": "integer"}}, "required": [key]}

    def take(**arguments: object) -> None: ...

    properties = {
        "a": described("Kind", "x"),
        "b": described("kind", "y"),
        "c": described("天", "z"),
        "d": described("気", "w"),
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    made = grammar(Toolset([Tool.from_schema("take", schema, take, effect="read")]))
    rules = read(made.gbnf)
    assert follows('take(a={"x": 1}, b={"y": 1}, c={"z": 1}, d={"w": 1})', rules)
    assert [key for key in "bcd" if follows(f'take({key}={{"x": 1}})', rules)] == []
    names = [line.partition(":")[0] for line in made.lark.splitlines()]
    assert len(names) == len(set(names))
