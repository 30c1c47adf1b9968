"""From streamed text to statements: what is tolerated, what completes when, and what a join ends (L27, L29, L30)."""

from __future__ import annotations

import warnings

import pytest

from superscalar.plan.evaluate.bounds import MAX_SOURCE
from support.reading import Reading, read

PLAN = "a = f(1)\nb = g(a)\njoin(b)\n"
TASKS = ["a = f(x=1)", "b = g(x=<a>)", "join() = join(<b>)"]


@pytest.mark.parametrize(
    "text",
    [
        PLAN,
        PLAN.rstrip(),
        f"```python\n{PLAN}```\n",
        f"```\n{PLAN}```",
        f"```py\n{PLAN}```\nThis plan computes b = g(a).\n",
        f"Here is the plan:\n\n```python\n{PLAN}```\n",
        f"Here's the plan you asked for (it has three lines):\n{PLAN}",
        f"Okay.\nFirst I call f. Then I call g.\n\n{PLAN}",
        f"Sure!\n{PLAN}",
        f"Plan\n{PLAN}",
        f"Thought: two calls\n{PLAN}",
        f"\n\n{PLAN}\n\n",
        PLAN.replace("\n", "\r\n"),
        PLAN.replace("\n", "\r"),
        f"\ufeff{PLAN}",
        "".join(f"    {line}\n" for line in PLAN.splitlines()),
        "".join(f"\t{line}\n" for line in PLAN.splitlines()),
        "a = f(1); b = g(a); join(b)\n",
        "a = f(1);\nb = g(a);\njoin(b);\n",
        "a = f(\n    1,\n)\nb = (\n    g(a)\n)\njoin(b)\n",
        "    a = f(\n        1)\n    b = g(a\n    )\n    join(b)\n",
        "a = \\\n    f(1)\nb = g(a)\njoin(b)\n",
        f"{PLAN}This plan calls f, and then g with its result (see above.\nc = f(3)\n",
        f"{PLAN}c = f(3)\njoin(c)\n",
        f"{PLAN}```\n",
    ],
)
def test_what_surrounds_a_plan_changes_nothing(text: str) -> None:
    """Fences, a leading sentence, text after join, line ends, indentation, semicolons (L27)."""
    reading = read(text)
    assert [problem.code for problem in reading.found] == ["W506"] * ("c = f(3)" in text)
    assert reading.shown == TASKS
    assert reading.program.complete


def test_a_closing_fence_ends_a_plan_without_join() -> None:
    """Then everything is joined, as at any normal end (L6, L27)."""
    reading = read("```python\na = f(1)\n```\nThe plan calls f = once.\n")
    assert reading.found == []
    assert reading.shown == ["a = f(x=1)", "join() = join(a=<a>) of everything"]


def test_a_leading_sentence_that_calls_a_tool_is_none() -> None:
    """A first statement with a mistake in it must not pass for prose."""
    tools = Reading().program.signatures
    assert tools.get("f") is not None
    assert read("Result f(1\n").problems == ["1 E001"]
    assert read("Result f 1\na = f(1)\n").problems == []
    assert read("Result == f 1\n").problems == ["1 E001"]


def test_prose_in_the_middle_is_a_diagnostic() -> None:
    """Only what stands before the plan is passed over (L27); after it, it may be a call that went wrong."""
    assert read("a = f(1)\nNow the second call.\nb = f(2)\n").problems == ["2 E001"]


def test_comments_are_thoughts_of_what_follows() -> None:
    """Those above it, and the one behind it; of a lifted call the whole statement's task has them (L1)."""
    reading = read("# first\n#   think\na = f(g(1))  # twice\nb = f(2)\n\n# last\njoin(b)  # done\n")
    thoughts = {task.id: task.thought for task in reading.tasks}
    assert thoughts == {"a.g": "", "a": "first\nthink\ntwice", "b": "", "join()": "last\ndone"}


def test_a_hash_in_text_is_no_comment() -> None:
    """Nor is one in a string of several lines."""
    reading = read('a = f("# no", \'#\')  # yes\nb = f("""\n# no\n""")\n')
    assert {task.id: task.thought for task in reading.tasks} == {"a": "yes", "b": "", "join()": ""}


def test_comments_around_a_block_stay_with_their_statements() -> None:
    """A block is handled as one statement, when its end shows; what stands behind it is the next one's thought."""
    reading = read("# of the block\nif f(1):\n    # inside\n    a = 1\n# of b\nb = f(2)\n")
    assert [task.thought for task in reading.tasks if task.id == "b"] == ["of b"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"""a\nb = f(1)\nc"""', "a\nb = f(1)\nc"),
        ('"""a\r\nb"""', "a\nb"),
        ("'''it's \"''' '#'", "it's \"#"),
        ('"a\\\nb"', "ab"),
        ("'it\\'s' \"\\\\\"", "it's\\"),
        ('r"\\d[(" "{"', "\\d[({"),
        ("\"([{\" '}])'", "([{}])"),
        ('"\\d"', "\\d"),
        ('("a"\n# (\n"b")', "ab"),
    ],
)
def test_strings_are_read_as_python_reads_them(text: str, value: str) -> None:
    """Brackets, quotes, comments and line ends in them mean themselves; a parser's warnings go nowhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reading = read(f"a = {text}\njoin(a)\n")
    assert reading.found == []
    assert reading.shown[0] == f"a = {value!r}"


# ---------------------------------------------------------------------------------------------- what completes when


def test_a_statement_completes_at_its_line_end() -> None:
    """Not before, however complete it looks (L29)."""
    reading = Reading()
    assert reading.feed("a = f(1)") == []
    assert reading.feed("\n") == ["a"]
    assert reading.feed("b = g(\n", "1)") == []
    assert reading.feed(" + a\n") == ["b.g", "b"]


def test_a_carriage_return_waits_for_what_follows_it() -> None:
    """It may be half a line end."""
    reading = Reading()
    assert reading.feed("a = f(1)\r") == []
    assert reading.feed("\n") == ["a"]
    assert reading.feed("b = f(2)\r") == []
    assert reading.feed("c") == ["b"]


@pytest.mark.parametrize(
    "last", ["b = f(2)", "b = f(", "b = f(2)\r", "send", "b = f(1) + \\", 'b = """a\n', "b = f(\n2)", "    ", ""]
)
def test_a_cut_stream_does_not_complete_its_last_line(last: str) -> None:
    """It may have gone on (L18)."""
    reading = Reading()
    reading.feed(f"a = f(1)\n{last}")
    assert reading.finish("cut") == []
    assert [task.id for task in reading.tasks] == ["a"]
    assert not reading.program.complete


def test_a_normal_end_completes_the_last_line() -> None:
    """And then joins everything, if no join was written (L6)."""
    reading = Reading()
    reading.feed("a = f(1)\nb = f(2)")
    assert reading.finish() == ["b", "join()"]
    assert reading.finish() == []


def test_nothing_is_read_after_the_end() -> None:
    """Neither after a join nor after `finish`."""
    reading = Reading()
    assert reading.feed("a = f(1)\njoin(a)\nb = f(2)\n") == ["a", "join()"]
    assert reading.feed("c = f(3)\n") == []
    assert reading.finish() == []
    assert reading.reader.ended
    assert reading.feed("d = f(4)\n") == []
    assert [problem.code for problem in reading.found] == ["W506"]


@pytest.mark.parametrize("join", ["join(missing)", "join(a, f(zz=1))", "join(a b)"])
def test_text_after_a_wrong_join_is_not_read_either(join: str) -> None:
    """What a model says about its plan is no plan (L27)."""
    assert read(f"a = f(1)\n{join}\nThis joins the value.\nmail('x')\n").problems[1:] == []


def test_a_block_ends_where_its_indentation_does() -> None:
    """Also in a plan that is indented as a whole."""
    for margin in ("", "    "):
        text = "a = f(1)\nif a:\n    b = f(2)\n\n    c = f(3)\nelse:\n    b = 1\nd = f(4)\n"
        reading = read("".join(f"{margin}{line}\n" for line in text.splitlines()))
        assert reading.problems == []
        assert reading.shown[:6] == [
            "a = f(x=1)",
            "if = bool(<a>)",
            "b = f(x=2) (if <if>)",
            "c = f(x=3) (if <if>)",
            "b.2 = 1 (unless <if>)",
            "b.3 = select <b> if <if> else <b.2>",
        ]
        assert reading.shown[7] == "d = f(x=4)"


def test_lines_of_a_block_never_run_without_it() -> None:
    """Where its first line cannot be read, what is indented below it is not for everybody."""
    for line in ("if a > 1", "If a > 1:", "repeat 3 times:", "for x in [1 2]:", "else:", "for:"):
        reading = read(f"a = f(1)\n{line}\n    mail('x')\n\n    mail('y')\nb = f(2)\n")
        assert reading.problems == ["2 E001"], line
        assert [task.id for task in reading.tasks] == ["a", "b"], line


def test_a_block_counts_its_lines_with_comments_and_blanks() -> None:
    """The caret stands where the mistake is."""
    reading = read("if 1:\n    # why\n\n    a = f(1 2)\nb = f(2)\n")
    assert [(found.span.line, found.span.column, found.line_text) for found in reading.found] == [
        (4, 10, "    a = f(1 2)")
    ]


# ------------------------------------------------------------------------------------------------- broken statements


@pytest.mark.parametrize(
    ("following", "ids", "problems"),
    [
        ("b = g(2)", ["b", "b.2"], ["2 E001"]),
        ("b, c = g(2)", ["b", "(b, c)", "b.2", "c"], ["2 E001"]),
        ("b += g(2)", ["b", "b.2.g", "b.2"], ["2 E001"]),
        ("if 1: b = 2", ["b", "if", "b.2", "b.3"], ["2 E001"]),
        ("for b in [1]: g(b)", ["b", "for.over", "for", "b.2"], ["2 E001"]),
        ("join(b)", ["b", "join()"], ["2 E001"]),
    ],
)
def test_a_line_that_begins_like_a_statement_ends_an_open_bracket(
    following: str, ids: list[str], problems: list[str]
) -> None:
    """So that one missing bracket does not swallow the plan (L30)."""
    reading = read(f"b = 1\na = f([1,\n  2]\n{following}\n")
    assert [task.id for task in reading.tasks] == ids
    assert reading.problems == problems
    assert reading.found[0].span[:2] == (2, 5)


@pytest.mark.parametrize("following", ["  b = g(2)", "b=g(2)", "2, y=3)", "g(2))", "# b = g(2)\n)"])
def test_other_lines_do_not_end_an_open_bracket(following: str) -> None:
    """Arguments are written like this."""
    reading = read(f"a = f(1,\n{following}\nz = f(1)\n")
    assert [task.id for task in reading.tasks if task.id == "z"] == ["z"]
    assert all(found.span.line <= 2 for found in reading.found)


def test_a_fence_ends_an_open_bracket() -> None:
    """A fence is never part of a statement."""
    reading = read("```\na = f(1\n```\nThat was it (really.\n")
    assert reading.problems == ["2 E001"]


def test_only_what_needs_a_broken_statement_waits_for_it() -> None:
    """Statements before and beside it go on; those that refer to it never see an older version (L30)."""
    reading = Reading()
    assert reading.feed("a = f(1)\nb = f(2)\n") == ["a", "b"]
    assert reading.feed("a = f(zz=1)\n") == []
    assert reading.feed("c = g(a)\nd = g(b)\ne = g(c)\n") == ["d"]
    assert reading.problems == ["3 E302"]
    assert reading.repair("a = f(3)\n") == ["a.2", "c", "e"]
    assert "c = g(x=<a.2>)" in reading.shown


@pytest.mark.parametrize(
    "line",
    [
        "a = f(1 2)",
        "a += f(",
        "a, b = f(1 2)",
        "b = f((a := 1) 2)",
        "b = 1 2; a = 3",
        "what was this",
        "f(1)) + a",
        "a[0] = f(2)",
        "a.append(2)",
    ],
)
def test_a_statement_that_may_assign_a_name_kills_it(line: str) -> None:
    """A later reference waits, and never falls back to the older version (L30)."""
    reading = read(f"a = f(1)\n{line}\nz = g(a)\n")
    assert "z" not in [task.id for task in reading.tasks]
    assert {found.span.line for found in reading.found} == {2}


def test_an_unreadable_call_kills_no_name() -> None:
    """A line that assigns one name kills that one alone."""
    reading = read("a = f(1)\nb = f(1 2)\nz = g(a)\n")
    assert "z" in [task.id for task in reading.tasks]


def test_every_mistake_of_a_line_is_found_at_once() -> None:
    """Also on a line that waits for another one: a model should have to mend it only once."""
    reading = read("a = f(zz=1)\nb = g(a, missing)\nc = look(1) + g(yy=2) + other(3)\n")
    assert reading.problems == ["1 E302", "2 E102", "3 E304", "3 E302", "3 E301"]


def test_a_mistake_is_said_once() -> None:
    """An undefined name is not reported as a value of the wrong type as well."""
    reading = read("a = look(missing)\nb = look([missing][0])\nc = look('k', f(zz=1))\n")
    assert reading.problems == ["1 E102", "2 E102", "3 E305", "3 E302"]


def test_a_line_with_very_many_mistakes_does_not_say_them_all() -> None:
    """Twenty are enough for one reply; the others are found when these are gone."""
    reading = read(f"a = [{', '.join(f'b{i}' for i in range(50))}]\n")
    assert [found.message for found in reading.found] == [f"`b{i}` is not defined yet" for i in range(20)]


# ------------------------------------------------------------------------------------------------------------- bounds


def test_a_long_plan_is_read_up_to_the_bound_in_any_chunks() -> None:
    """What fits is read, the rest is one diagnostic, and nothing is joined (L25, L29)."""
    line = "a = f('" + "x" * 90 + "')\n"
    text = line * (MAX_SOURCE // len(line) + 5)
    whole, pieces = read(text), Reading()
    for begin in range(0, len(text), 4096):
        pieces.feed(text[begin : begin + 4096])
    pieces.finish()
    assert len(whole.tasks) == MAX_SOURCE // len(line)
    assert pieces.tasks == whole.tasks
    assert pieces.found == whole.found
    assert [(found.code, found.span.line) for found in whole.found] == [("E403", len(whole.tasks) + 1)]
    assert whole.program.broken
    assert whole.repair("join()\n") == []


def test_a_plan_of_exactly_the_bound_is_read() -> None:
    """And what follows a join does not count."""
    text = "join(f('" + "x" * (MAX_SOURCE - 11) + "'))"
    assert len(text) == MAX_SOURCE
    assert read(text).found == []
    assert read(f"{text}\n").problems == ["1 E403"]
    assert read(f"join(1)\n{text}").found == []


def test_depth_is_bounded_whatever_stands_on_the_stack() -> None:
    """The same plan is right or wrong wherever it is read (L25)."""

    def deeper(levels: int, text: str) -> list[str]:
        return deeper(levels - 1, text) if levels else read(text).problems

    right, wrong = "a = " + "-f(" * 45 + "1" + ")" * 45, "a = " + "-f(" * 60 + "1" + ")" * 60
    assert [deeper(levels, right) for levels in (0, 300)] == [[], []]
    assert [deeper(levels, wrong) for levels in (0, 300)] == [["1 E402"], ["1 E402"]]
