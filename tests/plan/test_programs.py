"""Which program of a reply is the plan, and what around it is none (rules L18, L27, L29); in every chunking."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.plan.ir.signatures import Signatures
from support.depth import examples
from support.reading import TOOLS, Reading, read, signature

PLAN = "a = load('x')\ns = mail(a)\njoin(a, s)\n"
SHOWN = ["a = load(key='x')", "s = mail(to=<a>)!", "join() = join(<a>, <s>)"]


def outcome(reading: Reading) -> tuple[list[str], list[str], bool]:
    """Tasks, without the versions that programs before the plan took; problems; whether the plan is whole."""
    shown = [line.replace(".2", "").replace(".3", "") for line in reading.shown]
    return shown, [f"{problem.code} {problem.message}" for problem in reading.program.problems], reading.reader.whole


def in_every_chunking(text: str, reason: Literal["stop", "cut"] = "stop") -> tuple[list[str], list[str], bool]:
    """What comes of a text, which is the same however it is cut."""
    cuts = [[text], list(text), *([text[:cut], text[cut:]] for cut in range(1, len(text)))]
    outcomes = []
    for chunks in cuts:
        reading = Reading()
        reading.feed(*chunks)
        reading.finish(reason)
        outcomes.append(outcome(reading))
    assert all(each == outcomes[0] for each in outcomes)
    return outcomes[0]


def fenced(program: str, language: str = "python") -> str:
    return f"```{language}\n{program}```\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAN,
        f"Here it is:\n{fenced(PLAN)}Done.",
        f"{fenced(PLAN, '')}\nThat is 1 (one) plan, isn't it?\n",
        f"<plan>\n{PLAN}</plan>\n",
        f"{PLAN}```\nThe fence before it was not let through.\n",
        f"{fenced(PLAN)}It returns:\n```json\n[1, 2]\n```\n",
        f"{fenced('x = mail(0)' + chr(10) + 'join(x)' + chr(10))}No, rather:\n{fenced(PLAN)}",
        f"{fenced('x = mail(0)' + chr(10))}No, rather:\n{fenced(PLAN)}Done.",
        f"x = mail(0)\njoin(x)\nNo, rather:\n{fenced(PLAN)}",
        f"mail(0)\n{fenced(PLAN)}",
        f"{fenced('mail(0)' + chr(10) + 'join()' + chr(10))}No, rather:\n{PLAN}",
        f"{fenced('mail(0)' + chr(10) + 'join()' + chr(10))}No, don't (really:\n{PLAN.rstrip()}",
        f"{fenced('mail(0)' + chr(10) + 'join()' + chr(10))}No:\n{PLAN.replace('(a)', '(' + chr(10) + ' a)')}```\n",
        f"{fenced('mail(0)' + chr(10) + 'join()' + chr(10))}No:\nmail(7)\n{fenced(PLAN)}",
        f"{fenced(PLAN)}To tell bob, one writes\nt = mail(9)\n",
        fenced(PLAN).replace("```", "~~~"),
        f"{fenced('mail(0)' + chr(10) + 'join()' + chr(10))}No:\n{fenced(PLAN)}".replace("```", "~~~"),
        f"mail(0)\njoin()\nNo:\n{fenced(PLAN)}".replace("```", "~~~"),
        f"{fenced('x = mail(0)' + chr(10) + 'join(x)' + chr(10))}{fenced('join()' + chr(10))}{fenced(PLAN)}",
        f"{fenced('some words of mine' + chr(10), 'text')}{fenced(PLAN)}",
        f"{PLAN}t = mail(9)\njoin(t)\n",
        PLAN.replace("\n", "\r\n"),
        PLAN.replace("join(a, s)", "result = join(a, s)"),
        PLAN.replace("join(a, s)", "return a, s"),
        PLAN.replace("join(a, s)", "return join(a, s)"),
        PLAN.replace("join(a, s)", "print(join(a, s))"),
        PLAN.replace("join(a, s)", "finish(a, s)"),
        PLAN.replace("join(a, s)", "out: list = Join(a, s)"),
        ">>> a = load('x')\n>>> s = mail(\n...     a)\n>>> join(a, s)\n",
        "1. a = load('x')\n2. s = mail(a)\n3. join(a, s)\n",
        " 9 | a = load('x')\n10 | s = mail(\n11 |     a)\n12 | join(a, s)\n",
        "- a = load('x')\n- s = mail(a)\n- join(a, s)\n",
        "[]\n" + PLAN.replace("a = load('x')", "a = load('x')"),
    ],
)
def test_the_plan_is_the_program_that_is_meant(text: str) -> None:
    shown, problems, whole = in_every_chunking(text)
    assert [line for line in shown if not line.startswith("do()")] == SHOWN
    assert (problems, whole) == ([], True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{fenced('a = load(1)' + chr(10))}then\n{fenced('s = mail(a)' + chr(10) + 'join(a, s)' + chr(10))}",
         "E004 `a` is assigned by an earlier program only, and the last one is the plan"),
        (f"{fenced('a = load(1)' + chr(10))}then\n{fenced('s = mail(2)' + chr(10))}",
         "E004 there are several programs, and none of them ends with join(...)"),
        (f"{fenced('a = load(1)' + chr(10))}join(a)\n", "E004 statements stand outside of the program"),
        (f"{fenced(PLAN)}To tell bob:\n{fenced('t = mail(9)' + chr(10))}",
         "E004 there are several programs, and the last one does not end with join(...)"),
        (f"{fenced(PLAN)}To tell bob:\n{fenced('mail(9' + chr(10))}",
         "E004 there are several programs, and the last one does not end with join(...)"),
        (f'{fenced(PLAN)}{fenced("""{"name": "load", "arguments": {}}""" + chr(10), "json")}',
         "E004 a plan in JSON stands behind another program"),
        (f'{fenced(PLAN)}{fenced("""{"steps": [{"tool": "load"}""" + chr(10), "json")}',
         "E004 a plan in JSON stands behind another program"),
        (f"""{fenced('{"name": "load"}' + chr(10), "json")}{fenced('{"name": "mail"}' + chr(10), "json")}""",
         "E004 a plan in JSON stands behind another program"),
        ("I am sorry, I cannot do that.", 'E004 there is no statement here, only "I am sorry, I cannot do that."'),
        ("**Sorry**, I can't (really).", 'E004 there is no statement here, only "**Sorry**, I can\'t (really)."'),
        ("> no!\n", 'E004 there is no statement here, only "> no!"'),
        ("sorry, no.\n", 'E004 there is no statement here, only "sorry, no."'),
        ('"It is 129.4"', 'E004 there is no statement here, only ""It is 129.4""'),
        ('{"a": 1}\n{"b": 2}', 'E004 there is no statement here, only "{"a": 1} {"b": 2}"'),
        ('{"name": "load", "arguments": {}}\n{"b": 2}',
         'E004 there is no statement here, only "{"name": "load", "arguments": {}} {"b": 2}"'),
        ('I call it: {"name": "load", "arguments": {}}',
         'E004 there is no statement here, only "I call it: {"name": "load", "arguments": {}}"'),
        (PLAN.replace("join", '{"tool": "mail", "args": {"to": 1}}\njoin'),
         "E004 a tool call in JSON stands beside statements"),
        (f'{{"name": "load", "arguments": {{}}}}\n{PLAN}', "E004 a tool call in JSON stands beside statements"),
        (f'{fenced("""{"name": "load", "arguments": {}}""" + chr(10), "json")}{fenced(PLAN)}',
         "E004 a tool call in JSON stands beside statements"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_one_error_and_nothing_runs(text: str, problem: str) -> None:
    shown, problems, _ = in_every_chunking(text)
    assert problems == [problem]
    assert [line for line in shown if "mail" in line or ("load" in line and PLAN not in text)] == []


@pytest.mark.parametrize(
    "join", ["join(1))\n", "join(1\n", "join(\n  1\n", "print(join(1)))\n", "finish(1))\n", "join(1)"]
)
def test_a_last_program_whose_join_cannot_be_read_is_the_plan_all_the_same(join: str) -> None:
    draft = fenced("mail(0)\njoin()\n")
    shown, problems, _ = in_every_chunking(f"{draft}No, rather:\n```\nx = load(1)\n{join}```\n")
    assert shown == ["x = load(key=1)"]
    assert [problem[:4] for problem in problems] == ["E001"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "load", "arguments": {"key": "x"}}',
        '[{"name": "load", "arguments": {"key": "x"}}]\n',
        'Here:\n```json\n{\n  "name": "load",\n  "parameters": {"key": "x"}\n}\n```\nDone.',
        '<tool_call>\n{"name": "load", "arguments": {"key": "x"}}\n</tool_call>',
        '<tool_call>{"name": "load", "arguments": "{\\"key\\": \\"x\\"}"}</tool_call>',
        '{"tool_calls": [{"type": "function", "function": {"name": "load", "arguments": {"key": "x"}}}]}',
        '{"steps": [{"id": "load", "tool": "load", "arguments": {"key": "x"}}], "join": [{"$ref": "load"}]}',
    ],
)
def test_a_call_in_json_is_a_plan_where_it_is_the_whole_reply(text: str) -> None:
    shown, problems, _ = in_every_chunking(text)
    assert (shown[0], problems) == ("load = load(key='x')", [])
    assert read(text).program.in_order()[0].notes == ("a plan in JSON",)


def test_several_calls_in_json_are_joined_by_the_names_of_their_tools() -> None:
    """What looks like a reference in their arguments is data (L9)."""
    calls = '{"name": "load", "arguments": {"key": {"$ref": "x"}}}\n{"name": "load", "arguments": {"key": "$1"}}\n'
    assert read(calls).shown == [
        "load = load(key={'$ref': 'x'})",
        "load_2 = load(key='$1')",
        "join() = join(load=<load>, load_2=<load_2>) of everything",
    ]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("finish(f(1))", "`finish(...)` for `join(...)`"),
        ("x = join(f(1))", "`name = join(...)` for `join(...)`"),
        ("return f(1)", "`return ...` for `join(...)`"),
        (">>> join(f(1))", "prompts of an interpreter"),
        ("1) join(f(1))", "line numbers"),
        ("* join(f(1))", "bullets"),
    ],
)
def test_each_tolerance_is_noted(text: str, note: str) -> None:
    assert read(text).program.in_order()[-1].notes == (note,)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("finish(1)", ["finish() = finish(x=1)", "join() = join() of everything"]),
        ("Join(1)", ["Join() = Join(x=1)", "join() = join() of everything"]),
        ("return finish(1)", ["join().finish = finish(x=1)", "join() = join(<join().finish>)"]),
    ],
)
def test_a_tool_that_has_such_a_name_is_that_tool(text: str, shown: list[str]) -> None:
    tools = Signatures([*TOOLS, *(signature(name, "x?", effect="pure") for name in ("finish", "Join"))])
    assert read(text, tools).shown == shown


# ------------------------------------------------------------------------------------------------------- the seal


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (PLAN, True),
        (f"{PLAN}This plan looks up", True),
        (PLAN.rstrip(), False),
        (PLAN.replace("join(a, s)", "join(a,"), False),
        (fenced(PLAN)[:-2], True),
        (f"{fenced(PLAN)}Or rather:\n", True),
        (f"{fenced(PLAN)}Or rather:\n```python\n", False),
        (f"{fenced(PLAN)}Or rather:\n```\nt = mail(9)\n", False),
        (f"{fenced(PLAN)}Or rather:\n```\nt = mai", False),
        (f"{fenced(PLAN)}Or rather:\n```\njoin()\nthat is", True),
        (f"{fenced(PLAN)}Or rather:\n``", False),
        (f"{fenced(PLAN)}Or rather:\n```", False),
        (f"{fenced(PLAN)}Or rather:\n```pyth", False),
        (f"{fenced(PLAN)}Or rather:\n```\n", False),
        (f"{fenced(PLAN)}Or rather:\n```\n# then ", False),
        (f"{fenced(PLAN)}Or rather:\n~~", False),
        (f"{fenced(PLAN)}Or rather:\nt = mail(9)\n", False),
        (f"{fenced(PLAN)}Or rather:\nt = mail(9", False),
        (f"{PLAN}\n``", True),
        (f"{PLAN}Or rather:\n``", False),
        (f"{PLAN}t = mail(9)\n", True),
        ("a = load('x')\ns = mail(a)\n", False),
    ],
)
def test_a_stream_that_was_cut_seals_behind_a_complete_join_and_in_no_second_program(text: str, whole: bool) -> None:
    assert in_every_chunking(text, "cut")[2] is whole


def test_a_plan_that_was_cut_in_its_second_program_is_that_as_far_as_it_came() -> None:
    shown, _, _ = in_every_chunking(
        f"{fenced('x = mail(0)' + chr(10) + 'join(x)' + chr(10))}\n```\na = load(1)\nb", "cut"
    )
    assert shown == ["a = load(key=1)"]


WORDS = st.sampled_from(
    ["This", "plan", "looks", "it's", "up.", "(see", "above)", "\n", "\n", "note:", '"quoted"', "1.", "- ", "price",
     "'", "12", "[", "\n\n", "a,", "don't", "#", "é", "x" * 60]
)  # fmt: skip


@settings(max_examples=examples(120, 3_000))
@given(st.lists(WORDS, max_size=60), st.sampled_from(["stop", "cut"]), st.booleans())
def test_no_prose_behind_a_join_changes_the_plan(
    words: list[str], reason: Literal["stop", "cut"], in_fence: bool
) -> None:
    """However the provider says it ended, and however long it is; past 500 characters nothing is read any more."""
    tail = " ".join(words)
    start = fenced(PLAN) if in_fence else PLAN
    reading = Reading()
    reading.feed(start, *tail)
    reading.finish(reason)
    assert outcome(reading) == (SHOWN, [], True)
    whole = Reading()
    whole.feed(start + tail)
    assert whole.reader.tail == reading.reader.tail
    if reading.reader.tail == "prose":
        assert whole.reader.ended == (len(start[len(PLAN) :].removeprefix("```python\n")) + len(tail) > 500) or in_fence


@given(st.integers(470, 530))
def test_a_program_that_begins_within_500_characters_of_prose_counts_and_a_later_one_does_not(length: int) -> None:
    prose = "word " * 200
    text = f"x = mail(0)\njoin(x)\n{prose[: length - 11]}\n{fenced(PLAN)}"
    shown, problems, whole = outcome(read(text))
    expected = SHOWN if length <= 500 else ["x = mail(to=0)!", "join() = join(<x>)"]
    assert (shown, problems, whole) == (expected, [], True)


def test_a_block_behind_a_program_in_a_fence_keeps_its_condition() -> None:
    plan = "if load(1) > 2:\n    mail(7)\njoin()\n"
    behind = in_every_chunking(f"{fenced('x = 0' + chr(10) + 'join(x)' + chr(10))}No:\n{plan}")
    assert behind == outcome(read(plan))
