"""`if` and `for` as they are streamed, cut off and repaired (rules L11 to L14, L29, L30)."""

from __future__ import annotations

from itertools import product

import pytest

from support.reading import Reading, read


def test_a_statement_of_an_arm_completes_at_its_newline() -> None:
    """Its call starts while the rest of the `if` is still being written (L29)."""
    reading = Reading()
    assert reading.feed("c = f(1)\nif c:\n") == ["c", "if"]
    assert reading.feed("    x = f(2)\n") == ["x"]
    assert reading.feed("    y = f(3)\nel") == ["y"]
    assert reading.feed("se:\n    x = f(4)\n") == ["x.2"]
    assert reading.feed("z = x\n") == ["x.3", "y.2", "z"]


def test_a_loop_completes_at_its_dedent() -> None:
    """Not before: what leaves it, and what it adds to, depends on all of it (L29)."""
    reading = Reading()
    assert reading.feed("total = 0\nif f(1):\n  for x in f(2):\n    total += x\n\n    # more\n    total += 1\n") == [
        "total",
        "if.f",
        "if",
    ]
    assert reading.feed("  y = total\n") == ["for.f", "for", "x", "total.2.each", "total.2", "y"]


def test_an_elif_is_an_if_in_an_else() -> None:
    """The same tasks, however it is written."""
    short = read("if f(1):\n    x = 1\nelif f(2):\n    x = 2\nelse:\n    x = 3\n")
    long = read("if f(1):\n    x = 1\nelse:\n    if f(2):\n        x = 2\n    else:\n        x = 3\n")
    assert short.shown == long.shown


def test_places_in_an_elif_are_those_of_the_text() -> None:
    """Though it is read as an `if`."""
    reading = read("if 1:\n    x = 1\nelif missing > f(1, z=2): y = 1\nelse: y = absent\n")
    assert [(found.code, found.span[:2], found.line_text) for found in reading.found] == [
        ("E102", (3, 5), "elif missing > f(1, z=2): y = 1"),
        ("E302", (3, 20), "elif missing > f(1, z=2): y = 1"),
        ("E102", (4, 10), "else: y = absent"),
    ]


def test_comments_in_a_loop_are_thoughts_of_its_tasks() -> None:
    """Those above a statement and those behind it (L1)."""
    reading = read("# all\nfor x in f(1):\n    # one\n    y = g(x)  # of them\n    if y:\n        mail(y)  # now\n")
    loop = next(task for task in reading.tasks if task.id == "for")
    assert loop.thought == "all"
    assert {task.id: task.thought for task in loop.work.body if task.thought} == {  # type: ignore[union-attr]
        "for[]:y": "one\nof them",
        "for[].mail()": "now",
    }


@pytest.mark.parametrize("text", ["if f(1):\n    x = f(2)\n    y = f(", "for x in f(1):\n    y = f(x)\n    z = g(y)\n"])
def test_a_plan_that_is_cut_in_a_block_completes_nothing_more(text: str) -> None:
    """And says nothing of what is not there yet: it may be on its way (L18)."""
    reading = Reading()
    before = reading.feed(text)
    assert set(reading.finish("cut")) <= {"x.2"}
    assert before == (["if.f", "if", "x"] if text.startswith("if") else [])
    assert reading.found == []
    assert not reading.program.complete


# -------------------------------------------------------------------------------------------------------------- repair

BROKEN = "c = f(1)\nif c > 1:\n    x = f(2)\n    mail(missing)\nelse:\n    x = gg(3)\ny = x\njoin(y)\n"


@pytest.mark.parametrize(
    "reply",
    [
        "mail(x)\nx = g(3)\n",
        "if c > 1:\n    mail(x)\nelse:\n    x = g(3)\n",
        BROKEN.replace("missing", "x").replace("gg", "g"),
    ],
    ids=["the lines alone", "the lines in their block", "the whole plan"],
)
def test_a_line_of_an_arm_is_repaired_in_its_arm(reply: str) -> None:
    """It keeps its guard, however the reply is written."""
    reading = read(BROKEN)
    assert reading.problems == ["4 E102", "6 E301"]
    assert [task.id for task in reading.tasks] == ["c", "if", "x"]
    reading.repair(reply)
    assert reading.program.complete
    assert reading.shown == [
        "c = f(x=1)",
        "if = <c> > 1",
        "x = f(x=2) (if <if>)",
        "mail() = mail(to=<x>)! (if <if>)",
        "x.2 = g(x=3) (unless <if>)",
        "x.3 = select <x> if <if> else <x.2>",
        "y = <x.3>",
        "join() = join(<y>)",
    ]


@pytest.mark.parametrize("condition", ["d > 1", "c > > 1"], ids=["wrong", "unreadable"])
def test_a_condition_is_repaired_with_its_block(condition: str) -> None:
    """What stands in the arms waits for it, and is not said to be wrong."""
    reading = read(f"c = f(1)\nif {condition}:\n    x = f(2)\nelse:\n    x = 2\njoin(x)\n")
    assert reading.problems in (["2 E102"], ["2 E001"])
    assert [task.id for task in reading.tasks] == ["c"]
    reading.repair("if c > 1:\n    x = f(2)\nelse:\n    x = 2\n")
    assert reading.program.complete
    assert reading.shown == [
        "c = f(x=1)",
        "if = <c> > 1",
        "x = f(x=2) (if <if>)",
        "x.2 = 2 (unless <if>)",
        "x.3 = select <x> if <if> else <x.2>",
        "join() = join(<x.3>)",
    ]


def test_a_broken_condition_may_be_replaced_by_an_expression() -> None:
    """The line that assigns the name has the condition in it now."""
    reading = read("c = f(1)\nx = 0\nif d > 1:\n    x = f(2)\njoin(x)\n")
    reading.repair("x = f(2) if c > 1 else x\n")
    assert reading.program.complete
    assert reading.shown[2:] == [
        "x.2.if = <c> > 1",
        "x.2.f = f(x=2) (if <x.2.if>)",
        "x.2 = <x.2.f> if <c> > 1 else <x>",
        "join() = join(<x.2>)",
    ]


@pytest.mark.parametrize("condition", ["c > 1", "g(c) > 1"])
def test_a_statement_may_be_put_under_an_if(condition: str) -> None:
    """A line that stands where a block should be waits; it is guarded then, and not done twice."""
    reading = read(f"c = f(1)\nif {condition}:\nmail('me')\njoin(c)\n")
    assert reading.problems == ["2 E001"]
    reading.repair("d = f(2)\n")
    assert reading.problems == ["2 E001"]
    assert not any("mail" in line for line in reading.shown)
    reading.repair(f"if {condition}:\n    mail('me')\n")
    assert reading.program.complete
    assert [line for line in reading.shown if "mail" in line] == ["mail() = mail(to='me')! (if <if>)"]


def test_a_repair_may_bring_an_if_of_its_own() -> None:
    """Its names are known to what needs them."""
    reading = read("c = f(1)\nx = c ? 1 : 2\ny = g(x)\njoin(y)\n")
    reading.repair("if c:\n    x = 1\nelse:\n    x = 2\n")
    assert reading.program.complete
    assert reading.shown[-2:] == ["y = g(x=<x.3>)", "join() = join(<y>)"]


_REPLIES = [
    "if d > 1:\nelse:\n    a = f(1)\n",
    "a = g(2)\n",
    "if d > 1:\na = g(2)\n",
    "if d > 1:\n    b = 1\nelse:\na = g(3)\n",
    "if 1 > 1:\n    b = 1\na = g(3)\n",
    "a = g(2)\nif d > 1:\n    pass\n",
    "a = f(1)\nif d > 1:\n",
]


@pytest.mark.parametrize("replies", list(product(_REPLIES, repeat=2)), ids=str)
def test_what_a_repair_makes_worse_is_said_to_be_wrong(replies: tuple[str, str]) -> None:
    """A condition and a block without lines, mended in ways that do not fit: a plan is complete or says why not."""
    reading = read("if d > 1:\nelse:\n    a = f(1)\njoin(a)\n")
    for reply in replies:
        reading.repair(reply)
        assert reading.program.complete or reading.problems


def test_what_a_broken_line_of_an_arm_assigns_is_not_the_older_version() -> None:
    """Behind the `if` too: its users wait (L30)."""
    reading = read("x = f(1)\nif x:\n    x = gg(2)\ny = x\njoin(y)\n")
    assert [task.id for task in reading.tasks] == ["x", "if"]
    reading.repair("x = g(2)\n")
    assert reading.shown[2:5] == ["x.2 = g(x=2) (if <if>)", "x.3 = select <x.2> if <if> else <x>", "y = <x.3>"]


# -------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{' ' * depth}if f({depth}):\n" for depth in range(500)) + " " * 500 + "mail(1)\n",
        "if f(1):\n    x = 1\n" + "".join(f"elif f({turn}):\n    x = {turn}\n" for turn in range(2_000)),
        "".join(f"{' ' * depth}for x in f({depth}):\n" for depth in range(80)) + " " * 80 + "mail(x)\n",
    ],
    ids=["if", "elif", "for"],
)
def test_blocks_nest_so_far_and_no_further(text: str) -> None:
    """It is said once, and what stands deeper is held back (L25)."""
    reading = read(text)
    assert [found.code for found in reading.found] == ["E402"]
    assert not any(task.startswith("mail") for task in reading.shown)
    assert not reading.program.complete
