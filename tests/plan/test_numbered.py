"""The paper's numbered syntax: references, holes in text, tolerances and their limits (L18, L26, L27, L30)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from superscalar import LLMCompiler, tool
from superscalar.plan import compile_plan
from superscalar.plan.print.program import print_plan
from support.fronts import FrontReading, front
from support.running import executed


def second(arguments: str, first: str = "1. tool(1)") -> str:
    """What the second step of a plan comes to, or the codes of what is wrong with it."""
    reading = front("numbered", f"{first}\n2. {arguments}\n")
    found = [line for line in reading.shown if line.startswith("step2 = ")]
    return found[0].removeprefix("step2 = ") if found else " ".join(reading.problems)


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "tool($1)": "tool(x=<step1>)",
        "tool(${1})": "tool(x=<step1>)",
        "tool($1.name)": "tool(x=<step1>.name)",
        "tool($1[0])": "tool(x=<step1>[0])",
        'tool(${1}["a b"].c)': "tool(x=<step1>['a b'].c)",
        "tool([$1, [$1.a]], {'k': $1})": "tool(x=[<step1>, [<step1>.a]], y={'k': <step1>})",
        "tool(y=$1, x=2)": "tool(y=<step1>, x=2)",
        "tool('$1')": "tool(x=<step1>)",
        "tool('$1.name')": "tool(x=<step1>.name)",
        "tool('$1[-1].a')": "tool(x=<step1>[-1].a)",
        "tool(['$1', 'so $1'])": "tool(x=[<step1>, f'so {<step1>}'])",
        "tool({'$1': '$1.'})": "tool(x={<step1>: f'{<step1>}.'})",
        "tool(' $1')": "tool(x=f' {<step1>}')",
        "tool('a $1 b $1[0]')": "tool(x=f'a {<step1>} b {<step1>[0]}')",
        "tool('{$1}')": "tool(x=f'{{{<step1>}}}')",
        "tool('$1.Then $1.')": "tool(x=f'{<step1>.Then} {<step1>}.')",
        "tool('$1_000')": "tool(x=f'{<step1>}_000')",
        "tool('$1.50')": "tool(x='$1.50')",
        "tool('$1,000 and $1,2')": "tool(x=f'$1,000 and {<step1>},2')",
        "tool('$15 off')": "tool(x='$15 off')",
        "tool('$10')": "tool(x='$10')",
        "tool('\\$1')": "tool(x='$1')",
        "tool('\\\\$1')": "tool(x=f'\\\\{<step1>}')",
        "tool(r'\\$1')": "tool(x='$1')",
        "tool('${1} and $')": "tool(x=f'{<step1>} and $')",
        "tool('${1}')": "tool(x=<step1>)",
        "tool(['${1}', {'k': '${1}'}])": "tool(x=[<step1>, {'k': <step1>}])",
        "tool('${1}.name')": "tool(x=<step1>.name)",
        "tool('${1}0, ${1}[0].')": "tool(x=f'{<step1>}0, {<step1>[0]}.')",
        "tool('\\${1}')": "tool(x='${1}')",
        "tool('${7} of ${1}')": "tool(x=f'${{7}} of {<step1>}')",
        "tool('${1:>5} ${{1}} ${ 1 } ${a}')": "tool(x='${1:>5} ${{1}} ${ 1 } ${a}')",
        "tool('${0000000001}')": "tool(x='${0000000001}')",
        "tool(f'${1} of {1} ${7}')": "tool(x=f'{<step1>} of {1} ${{7}}')",
        "tool(b'${1}')": "tool(x=b'${1}')",
        "tool(f'{$1:>5} of $1')": "tool(x=f'{<step1>:>5} of {<step1>}')",
        "tool('Hello' ' World $1')": "tool(x=f'Hello World {<step1>}')",
        "tool('\\u00e9 \\n')": "tool(x='é \\n')",
        "tool(b'$1')": "tool(x=b'$1')",
    }.items(),
)
def test_references_and_text(written: str, meant: str) -> None:
    """L26, one form each; PEERS: a dict's references are references, and the space between literals stays."""
    assert second(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "search(Mount Everest)": "search(query='Mount Everest')",
        "search(What's up, doc?)": 'search(query="What\'s up, doc?")',
        "search(height of $1 in m)": "search(query=f'height of {<step1>} in m')",
        "search(half of ${1} in m)": "search(query=f'half of {<step1>} in m')",
        "search(under $500)": "search(query='under $500')",
        "search(2024)": "search(query='2024')",
        "search(1 + 2)": "search(query='1 + 2')",
        "search($1 + 2)": "search(query=f'{<step1>} + 2')",
        "search(query=New York, NY)": "search(query='New York, NY')",
        "search(x = y)": "search(query='x = y')",
        "search($1st)": "search(query=f'{<step1>}st')",
        "search(C# and F#)": "search(query='C# and F#')",
        "search(6'2\" tall)": "search(query='6\\'2\" tall')",
        "search(max(1, 2))": "search(query='max(1, 2)')",
        "tool(Paris, [Rome, 'x'])": "tool(x='Paris', y=['Rome', 'x'])",
        "tool(New York, 3)": "tool(x='New York', y=3)",
        "tool(true, [false, null])": "tool(x=True, y=[False, None])",
        "tool($1 + 2, -1)": "tool(x=<step1> + 2, y=-1)",
        "tool(len($1))": "tool(x=len(<step1>))",
        "tool({'x': 1, 'y': '$1'})": "tool(x=1, y=<step1>)",
        "tool({'z': 1})": "tool(x={'z': 1})",
        "tool(search('a'))": "tool(x=<step2.search>)",
        "search('it's late')": 'search(query="it\'s late")',
        'tool("a\nb", """c\n"d" """)': "tool(x='a\\nb', y='c\\n\"d\" ')",
        "tool(\n  1,\n  [2,\n   3],\n)": "tool(x=1, y=[2, 3])",
    }.items(),
)
def test_unquoted_text_and_values(written: str, meant: str) -> None:
    """What is meant shows in what the tool takes: text stays text, one parameter takes all of it (L26)."""
    assert second(written) == meant


@pytest.mark.parametrize(
    ("written", "problems"),
    {
        "tool($2)": "2 E102",
        "tool('$2')": "2 E102",
        "tool('so $2.')": "2 E102",
        "tool('${2}')": "2 E102",
        "tool('so ${2}.')": "2 E102",
        "tool($3)": "2 E102",
        "tool('a' b)": "2 E001",
        "tool([a b])": "2 E001",
        "tool(1, , 2)": "2 E001",
        "tool(1).name": "2 E001",
        "tool(1) + 2": "2 E001",
        "search(smile :) now)": "2 E001",
        "search('a": "2 E001",
        "tool([x for x in $1])": "2 E001",
        "tool(\u01c01)": "2 E001",
        "tool('\ufdd0')": "2 E001",
        "tool(1, 2, 3)": "2 E305",
        "tool(z=1)": "2 E302",
        "nope(1)": "2 E301",
        "tool(f'{$1st}')": "2 E001",
        f"tool(f'{{$1{'0' * 5000}}}')": "2 E001",
        "tool([$1st])": "2 E001",
        "send('a') unless it rains": "2 E001",
        "tool(send('a', 'b'": "2 E001",
        "send('a'": "2 E001",
        "send(['a', 'b')": "2 E001",
        "email('it's late')": "2 E001",
        f"tool({'[' * 300})": "2 E402",
        "tool(1) if $1 else 2": "2 E001",
        f"tool({'[' * 300}{']' * 300})": "2 E402",
        f"tool({'-' * 300}1)": "2 E402",
        f"search({'9' * 5000}x $1{'0' * 5000})": "search(query='",
    }.items(),
)
def test_what_is_not_clear_is_a_diagnostic(written: str, problems: str) -> None:
    """Never silence, and never an exception (L30)."""
    assert second(written).startswith(problems)


# ------------------------------------------------------------------------------------- numbers that are not there yet


def test_text_with_a_number_waits_for_the_end_of_the_plan_and_holds_up_only_what_needs_it() -> None:
    """Until then nobody knows whether `$5` is text (L26)."""
    reading = FrontReading("numbered")
    assert reading.feed("1. search('under $5')\n") == []
    assert reading.feed("2. search('b')\n3. tool($1)\n4. tool($2)\n") == ["step2", "step4"]
    assert reading.found == []
    assert reading.feed("5. join()\n") == []
    assert reading.problems == ["1 E102"]  # the join is step 5


def test_text_with_a_number_that_never_comes_is_text() -> None:
    reading = FrontReading("numbered")
    reading.feed("1. search('under $50')\n2. tool($1)\n3. tool(1)\n")
    assert [task.id for task in reading.tasks] == ["step3"]
    assert reading.finish() == ["step1", "step2", "join()"]
    assert reading.shown[0] == "step1 = search(query='under $50')"
    assert reading.program.complete


def test_a_plan_that_is_cut_says_what_was_open() -> None:
    reading = FrontReading("numbered")
    reading.feed("1. search('under $50')\n2. tool($1)\n")
    assert reading.finish("cut") == []
    assert reading.problems == ["1 E003"]
    assert "`$50` is text if there is no such step" in reading.found[0].message
    assert reading.repair("1. search('under \\$50')\n") == ["step1", "step2"]


def test_a_later_number_is_a_mistake_that_a_repair_mends() -> None:
    """The steps that were right stay, and what waited comes with the correction (L30)."""
    reading = front("numbered", "1. search('half of $2')\n2. search('b')\n3. tool($1)\n4. join($3)\n")
    assert reading.problems == ["1 E102"]
    assert reading.repair("1. search('half of \\$2')\n") == ["step1", "step3", "join()"]
    assert reading.program.complete
    assert reading.shown[0] == "step1 = search(query='half of $2')"


def test_a_repair_may_refer_to_steps_of_the_plan_and_repeat_them() -> None:
    reading = front("numbered", "1. search('a')\n2. tool($1, 2, 3)\n3. join($2)\n")
    assert reading.problems == ["2 E305"]
    assert reading.repair("1. search('a')\n2. tool('half of $1')\n3. join($2)\n") == ["step2", "join()"]
    assert reading.shown[1] == "step2 = tool(x=f'half of {<step1>}')"


def test_a_second_plan_has_its_own_numbers_and_may_use_the_results_of_the_first() -> None:
    """PEERS: in the reference, ids of a second plan collide with those of the first."""
    reading = front("numbered", "1. search('a')\n2. search('b')\n3. join()\n")
    assert reading.next_round("1. tool('$2')\n2. tool($1)\n3. join($2)") == ["step1.2", "step2.2", "join().2"]
    assert reading.shown[3:5] == ["step1.2 = tool(x=<step2>)", "step2.2 = tool(x=<step1.2>)"]


# ---------------------------------------------------------------------------------------------------- tolerances


@pytest.mark.parametrize(
    ("plan", "notes"),
    {
        "1. tool(1)": [],
        "1) tool(1)": ["`1)` for `1.`"],
        "1. tool (1)": ["a space before `(`"],
        "  1. tool(1)": ["indented"],
        "- 1. tool(1)": ["a bullet"],
        "* tool(1)": ["no number"],
        "3. tool(1)\n5. tool(2)": ["a gap in the numbers"],
        "1. tool(1) 2. tool(2)": ["several calls on a line"],
        "1. tool(1), 2. tool(2); and 3. tool(3)": ["several calls on a line", "several calls on a line"],
        "1. tool(1": ["`)` was missing"],
        "1. tool([1, (2": ["`)])` was missing"],
        "1. tool([1)": ["`]` was missing"],
        "1. tool(true)": ["`true` for `True`"],
        "```\n1. tool(1)\n```": ["a code fence"],
        "1. tool(1)\r\n2. join()\r\n": ["carriage returns"],
        "Sure, here it is:\n1. tool(1)\nAnd that is all.": ["words around the plan"],
        "1. tool(1) and so on": ["words behind the call"],
        "1. tool(1) # why": [],
        "1. search(Paris)": ["unquoted text"],
        "**1. tool(1)**": [],
    }.items(),
)
def test_what_is_tolerated_is_noted(plan: str, notes: list[str]) -> None:
    """On the task (L27)."""
    reading = front("numbered", plan)
    assert reading.found == []
    assert [note for task in reading.tasks for note in task.notes] == notes
    assert len(reading.tasks) == 1 + sum(plan.count(name) for name in ("tool", "search"))


def test_thoughts_go_to_the_next_step() -> None:
    reading = front("numbered", "Thought: I need it\nbadly.\n1. tool(1)\n# so\n2. tool(2)\n3. tool(3)\n")
    assert [task.thought for task in reading.tasks] == ["I need it\nbadly.", "so", "", ""]


def test_nothing_behind_the_end_is_a_step() -> None:
    """Behind `join(...)`, `<END_OF_PLAN>`, or the fence that ends it (L27)."""
    for end in ("2. join($1) and\n", "<END_OF_PLAN>\n", "2. tool(2)<END_OF_PLAN> 3. tool(3)\n", "```\n"):
        reading = FrontReading("numbered")
        reading.feed(f"```\n1. tool(1)\n{end}")
        assert reading.reader.tail == "prose"
        reading.feed("4. tool(4)\n")
        reading.finish()
        assert "step4" not in [task.id for task in reading.tasks]
        assert reading.program.complete


def test_a_last_step_without_its_line_end_is_completed_only_at_a_normal_end() -> None:
    """L18."""
    for plan in ("1. tool(1)", "1. tool(1", "1. tool(1\n", "1. join()"):
        reading = FrontReading("numbered")
        reading.feed(plan)
        assert reading.finish("cut") == []
        assert front("numbered", plan).program.complete


def test_a_numbered_line_that_calls_nothing_is_a_diagnostic_in_the_plan_and_prose_before_it() -> None:
    assert front("numbered", "1. Find the heights\n2. Halve one\n1. tool(1)\n2. join($1)").found == []
    reading = front("numbered", "1. tool(1)\n2. Then halve it.\n3. tool($2)\n")
    assert reading.problems == ["2 E001"]
    assert front("numbered", '1. x = tool("IBM")\n').problems == ["1 E001"]


def test_an_odd_line_in_quotes_ends_them_only_if_it_calls_a_tool() -> None:
    """So that a forgotten quote does not swallow the plan, and a list in a text stays in it."""
    reading = front("numbered", "1. search('a\n2. buy (milk)\n3. nope(1)\nThought: x\nb')\n")
    assert reading.shown[0] == "step1 = search(query='a\\n2. buy (milk)\\n3. nope(1)\\nThought: x\\nb')"
    reading = front("numbered", "1. search('a\n2. search('b')\n3. join()\n")
    assert (reading.problems, [task.id for task in reading.tasks]) == (["1 E001"], ["step2"])


# --------------------------------------------------------------------------------------------------- to the very end


@tool(effect="pure")
async def echo(value: Any) -> Any:
    """What it was given."""
    return value


@tool(effect="pure")
async def lines(text: str) -> list[str]:
    """The lines of a text."""
    return text.splitlines()


PLAN = """\
Thought: first a list
1. lines("a $1.50
b $2.50")
2. echo("price $15 times $1")
3. echo({"k": "$1", "deep": [$1[0]]})
4. echo("$2 is text of a result: $1")
5. join($2, $3, $4)<END_OF_PLAN>
"""


def test_a_plan_runs_and_what_tools_return_is_never_read() -> None:
    """PEERS: a result with `$2` in it is expanded again there, a reference in a dict is left as text, and a list
    arrives as text.
    """
    compiler = LLMCompiler(tools=[echo, lines])
    plan = compiler.compile(PLAN)
    assert plan.syntax == "numbered"
    first = ["a $1.50", "b $2.50"]
    times = f"price $15 times {first}"
    assert executed(plan, [echo, lines]).answer == [
        times,
        {"k": first, "deep": ["a $1.50"]},
        f"{times} is text of a result: {first}",
    ]


def test_a_plan_prints_as_python_and_reads_back() -> None:
    compiler = LLMCompiler(tools=[echo, lines])
    plan = compiler.compile(PLAN)
    printed = print_plan(plan.tasks)
    assert compiler.compile(printed, syntax="python").tasks == plan.tasks
    assert printed.splitlines()[:2] == ["# first a list", "step1 = lines(text='a $1.50\\nb $2.50')"]
    assert json.dumps(printed)
    assert compile_plan(printed, compiler.tools.signatures).syntax == "python"


@pytest.mark.parametrize(
    ("last", "warned"),
    [
        ("2. tool('under ${500}')", "`${500}` is text here: there is no step $500"),
        ("2. join('${500}')", "`${500}` is text here: there is no step $500"),
        ("2. tool(f'${500} of $1')", "`${500}` is text here: there is no step $500"),
        ("2. tool('$500 and ${1}')", ""),
        ("2. tool('\\${500}')", ""),
    ],
)
def test_what_is_written_as_nothing_but_a_reference_is_and_has_no_step_is_warned_of(last: str, warned: str) -> None:
    found = front("numbered", f"1. tool(1)\n{last}\n").found
    assert [(problem.code, problem.message) for problem in found] == ([("W509", warned)] if warned else [])


def test_a_reference_in_braces_waits_for_its_step_as_any_does() -> None:
    reading = front("numbered", "1. tool('${3}')\n2. tool(2)\n3. tool(3)\n4. join($1)\n")
    assert reading.problems == ["1 E102"]
