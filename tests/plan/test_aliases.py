"""Names that are no identifiers get one alias each: of tools, of arguments, of fields (L7)."""

from __future__ import annotations

import pytest

from superscalar import LLMCompiler
from superscalar.plan import compile_plan
from superscalar.plan.ir.naming import field_aliases
from superscalar.plan.ir.signatures import Signature, Signatures
from superscalar.plan.print.program import print_plan
from superscalar.planner import tool_stub
from superscalar.tools.toolset import Toolset
from support.awkward_names import TOOLS
from support.reading import read
from support.running import executed

SIGNATURES = Toolset(TOOLS).signatures

PLAN = """\
x = Rates_com(from_='EUR')
rate = x.Exchange_Rate
p = pair(name=x.from_)
inner = p.n2d.Exchange_Rate * 2
both = p.odd_name + p.odd_name_2 + x.fine
s = several(count=3)
last = s[2].Exchange_Rate
all_of_them = [q.Exchange_Rate for q in s]
unknown = anything(count=2)
free = [q.Exchange_Rate for q in unknown]
called = [pair(name=q.from_) for q in s]
join(rate, inner, both, last, all_of_them, free, [c['odd name'] for c in called])
"""


def test_a_plan_reaches_everything_by_its_alias() -> None:
    """Fields that are declared, fields of items, and those of values of which nothing is known."""
    assert executed(PLAN, TOOLS).answer == [1.25, 5.0, 6, 1.0, [0.0, 0.5, 1.0], [0, 1], [1, 1, 1]]


def test_aliases_are_printed_and_read_back() -> None:
    plan = compile_plan(PLAN, SIGNATURES)
    assert plan.warnings == ()
    assert print_plan(plan.tasks) == PLAN
    assert compile_plan(print_plan(plan.tasks), SIGNATURES).tasks == plan.tasks


def test_the_planner_is_told_the_aliases() -> None:
    stubs = "\n".join(tool_stub(signature) for signature in SIGNATURES)
    assert "Quote has the fields Exchange_Rate: float, from_: str, fine: int" in stubs
    assert "Pair has the fields n2d: Quote, odd_name: int, odd_name_2: int" in stubs


def test_a_wrong_field_is_told_of_by_alias_and_a_wrong_key_by_name() -> None:
    """Whoever writes `x.name` needs what can stand behind the dot, whoever writes `x["name"]` what can in brackets."""
    compiler = LLMCompiler(tools=TOOLS)
    attribute, key = (compiler.check(f"x = Rates_com('a')\njoin({part})\n") for part in ("x.Exchange", "x['Exchange']"))
    assert [found.help for found in attribute] == ["fields: Exchange_Rate, from_, fine"]
    assert [found.help for found in key] == ["fields: Exchange Rate, from, fine"]


@pytest.mark.parametrize(
    ("names", "aliases"),
    [
        (["a", "b"], {}),
        (["a b", "a_b", "a-b", "a.b"], {"a_b_2": "a b", "a_b_3": "a-b", "a_b_4": "a.b"}),
        (["from", "2d", "é!", "_hidden", ""], {"from_": "from", "n2d": "2d", "é": "é!", "n": ""}),
    ],
)
def test_aliases_are_identifiers_of_one_field_each(names: list[str], aliases: dict[str, str]) -> None:
    assert field_aliases(names) == aliases


def test_an_alias_comes_before_the_name_of_another_tool() -> None:
    """Plans are written with aliases; a tool's own name counts where it is nobody's alias."""
    tools = Signatures([Signature("a.b", "a_b"), Signature("a_b", "a_b_2")])
    assert tools.aliases() == {"a.b": "a_b", "a_b": "a_b", "a_b_2": "a_b_2"}


def test_fields_with_an_underscore_have_no_alias() -> None:
    """What begins with one is not reached as a field, under whatever name (L5)."""
    result = executed("a = anything(1)\nb = a[0].x\njoin(b)\n", TOOLS)
    assert "no field `x`" in str(result.outcomes["b"])


def test_an_unknown_result_keeps_the_alias_as_it_is() -> None:
    assert read("a = f()\nb = a.Exchange_Rate\n").shown[1] == "b = <a>.Exchange_Rate"
