"""A broken plan, what comes back when it is asked for repair, and what runs then: the final text, once (L18, L30)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from superscalar import LLMCompiler, PlanError, RunResult, Tool, tool
from superscalar.events import Planned, Retired, Started
from superscalar.plan.read.fronts.detect import Syntax
from superscalar.testing import ScriptedModel, run
from support.fronts import front
from support.reading import read


@dataclass
class Noted:
    """Notes what was written, and how often each thing was read."""

    writes: list[tuple[Any, ...]] = field(default_factory=list)
    reads: list[Any] = field(default_factory=list)

    @property
    def tools(self) -> list[Tool[..., Any]]:
        @tool(effect="read", resource="other")
        async def f(x: object = None) -> object:
            self.reads.append(x)
            return x

        @tool(effect="read", resource="other")
        async def yes() -> bool:
            return True

        @tool(effect="read", resource="other")
        async def no() -> bool:
            return False

        @tool(effect="read", resource="store")
        async def count() -> int:
            self.reads.append("count")
            return len(self.writes)

        @tool(effect="write", resource="store")
        async def w(x: object) -> object:
            self.writes.append(("w", x))
            return x

        @tool(effect="write", resource="store")
        async def send(to: str, text: object) -> object:
            self.writes.append(("send", to, text))
            return text

        return [f, yes, no, count, w, send]


def played(first: str, *replies: str, **options: Any) -> tuple[Noted, RunResult]:
    world = Noted()
    model = ScriptedModel(first, *replies, chunk=5, delay=0.01)
    agent = LLMCompiler(model, tools=world.tools, joiner=None, **options)
    return world, run(agent.run("?"))


_LOOP = "t = 0\nfor x in [1, 2]:\n    w(x, z=1)\n    t += x\njoin(t)\n"
_ARM = "if no():\n    w(1, zz=1)\nelse:\n    w(2)\nx = f(1)\njoin(x)\n"
_TRY = "xs = f([1, 2])\nfor x in xs:\n    try:\n        y = f(x)\n        w(y)\n    except:\n        pass\njoin(xs)\n"

CASES: dict[str, tuple[str, tuple[str, ...], list[tuple[Any, ...]], Any]] = {
    # the whole round: nothing of the first text that it does not say is written
    "a write gets a name": (
        "w(1)\ny = g(2)\njoin(y)\n",
        ("r = w(1)\ny = f(2)\njoin(r, y)\n",),
        [("w", 1)],
        [1, 2],
    ),
    "two lines of one name take their places in the order of the text": (
        "x = ww(1)\ny = f(2)\nif yes():\n    y = f(3)\n    x = = w(y)\njoin(x)\n",
        ("x = w(1)\nx = w(y)\n",),
        [("w", 1), ("w", 3)],
        3,
    ),
    "a sentence behind an edit answers nothing": (
        "x = f(1)\ny = g(2)\nw(x, zz=3)\njoin(x, y)\n",
        ("y = f(2)\nSorry about that.\n", "w(x)\n"),
        [("w", 1)],
        [1, 2],
    ),
    "a sentence about calls that stand elsewhere is no line": (
        "x = f(1)\ny = g(2)\nw(x, zz=3)\njoin(x, y)\n",
        ("y = f(2)\nw(x)\nI replaced g(2) with f(2), since there is no tool g.\n",),
        [("w", 1)],
        [1, 2],
    ),
    "a sentence ahead of an edit is no line either": (
        "x = f(1)\ny = g(2)\nw(x, zz=3)\njoin(x, y)\n",
        ("The tool `w()` takes one value, so w(x) is right:\ny = f(2)\nw(x)\n",),
        [("w", 1)],
        [1, 2],
    ),
    "a sentence with a call that stands nowhere is asked for again": (
        "x = f(1)\ny = g(2)\nw(x, zz=3)\njoin(x, y)\n",
        ("y = f(2)\nw(x)\nand then comes w(5) as well\n", "w(5)\n"),
        [("w", 1), ("w", 5)],
        [1, 2],
    ),
    "a bare call answers the one that is given the same, and not the first of its tool": (
        "a = f(1)\nb = = send('x', a)\nsends('y', 5)\njoin(a, b)\n",
        ("send('y', 5)\n", "b = send('x', a)\n"),
        [("send", "x", 1), ("send", "y", 5)],
        [1, 1],
    ),
    "also where its tool is right in the other one": (
        "a = f(1)\nsend('x', a, zz=1)\nsends('y', 5)\njoin(a)\n",
        ("c = send('y', 5)\n", "send('x', a)\n"),
        [("send", "x", 1), ("send", "y", 5)],
        1,
    ),
    "a nested call is pulled out": (
        "w(f(1))\ny = g(2)\njoin(y)\n",
        ("t = f(1)\nw(t)\ny = f(2)\njoin(y)\n",),
        [("w", 1)],
        2,
    ),
    "an amount changes": (
        "paid = send('shop', 100)\ny = g(2)\njoin(paid, y)\n",
        ("paid = send('shop', 10)\ny = f(2)\njoin(paid, y)\n",),
        [("send", "shop", 10)],
        [10, 2],
    ),
    "joins in both arms become one": (
        "a = f(2)\nif a > 1:\n    join('dear')\nelse:\n    join('cheap')\n",
        ("join('dear' if a > 1 else 'cheap')\n",),
        [],
        "dear",
    ),
    "a join in an arm beside a write becomes one at the end": (
        "a = f(2)\nif a > 1:\n    w(a)\n    join('dear')\n",
        ("join(a)\n",),
        [("w", 2)],
        2,
    ),
    "two broken lines of one name are answered one at a time": (
        "x = = w(1)\nif x > 0:\n    x = f(3) + gone\njoin(x)\n",
        ("x = f(3)\n", "x = w(1)\n"),
        [("w", 1)],
        3,
    ),
    "a right write is left out": ("w(1)\nw(2)\ny = = 1\njoin(y)\n", ("w(2)\ny = 1\njoin(y)\n",), [("w", 2)], 1),
    "two right writes change places": (
        "w(1)\nw(2)\ny = = 1\njoin(y)\n",
        ("w(2)\nw(1)\ny = 1\njoin(y)\n",),
        [("w", 2), ("w", 1)],
        1,
    ),
    "a write comes between two": (
        "w(1)\nw(3)\ny = = 1\njoin(y)\n",
        ("w(1)\nw(2)\nw(3)\ny = 1\njoin(y)\n",),
        [("w", 1), ("w", 2), ("w", 3)],
        1,
    ),
    "a write moves out of its `if`": (
        "c = = 1\nif no():\n    w(1)\njoin(c)\n",
        ("c = 1\nw(1)\njoin(c)\n",),
        [("w", 1)],
        1,
    ),
    "a write moves into an `if`": (
        "c = = 1\nw(1)\nw(2)\njoin(c)\n",
        ("c = 1\nif no():\n    w(1)\nw(2)\njoin(c)\n",),
        [("w", 2)],
        1,
    ),
    "a condition changes": (
        "if no():\n    a = f(1)\n    w(1)\nelse:\n    a = f(9)\ny = g(2)\njoin(a, y)\n",
        ("if yes():\n    a = f(1)\n    w(1)\nelse:\n    a = f(9)\ny = f(2)\njoin(a, y)\n",),
        [("w", 1)],
        [1, 2],
    ),
    "an arm goes to the other side": (
        "if no():\n    w(1)\ny = g(2)\njoin(y)\n",
        ("if no():\n    pass\nelse:\n    w(1)\ny = f(2)\njoin(y)\n",),
        [("w", 1)],
        2,
    ),
    "what an unchanged line stands on changes": (
        "a = f(1)\nb = f(a)\nw(b)\ny = = 1\njoin(a, b, y)\n",
        ("a = f(2)\nb = f(a)\nw(b)\ny = 1\njoin(a, b, y)\n",),
        [("w", 2)],
        [2, 2, 1],
    ),
    "a map gets a filter": (
        "a = [w(x) for x in [1, 2]]\ny = g(2)\njoin(y)\n",
        ("a = [w(x) for x in [1, 2] if x > 1]\ny = f(2)\njoin(y)\n",),
        [("w", 2)],
        2,
    ),
    "a loop gets another item": (
        "for x in [1, 2]:\n    w(x)\ny = g(2)\njoin(y)\n",
        ("for x in [1, 3]:\n    w(x)\ny = f(2)\njoin(y)\n",),
        [("w", 1), ("w", 3)],
        2,
    ),
    "a step is said once more": (
        "x = f(1)\nx = x + 1\ny = = 1\njoin(x)\n",
        ("x = f(1)\nx = x + 1\nx = x + 1\ny = 1\njoin(x)\n",),
        [],
        3,
    ),
    "a broken block is left out": (
        "x = f(1)\nif yess():\n    w(1)\njoin(x)\n",
        ("x = f(1)\njoin(x)\n",),
        [],
        1,
    ),
    "a read behind a write that is gone": (
        "w(1)\na = count()\ny = = 1\njoin(a)\n",
        ("a = count()\ny = 1\njoin(a)\n",),
        [],
        0,
    ),
    "a read behind a write that is new": (
        "a = count()\ny = = 1\njoin(a)\n",
        ("w(1)\na = count()\ny = 1\njoin(a)\n",),
        [("w", 1)],
        1,
    ),
    # an edit: what is right stays
    "the line": ("w(1)\ny = g(2)\nw(3)\njoin(y)\n", ("y = f(2)\n",), [("w", 1), ("w", 3)], 2),
    "the line and the join, by habit": (
        "w(1)\ny = g(2)\nw(3)\njoin(y)\n",
        ("y = f(2)\njoin(y)\n",),
        [("w", 1), ("w", 3)],
        2,
    ),
    "the line between its neighbours": (
        "w(1)\ny = g(2)\nw(3)\nw(4)\njoin(y)\n",
        ("w(1)\ny = f(2)\nw(3)\n",),
        [("w", 1), ("w", 3), ("w", 4)],
        2,
    ),
    "a name that only the round defines makes an edit": (
        "a = f(1)\nw(a)\ny = g(2)\nz = f(3)\njoin(y)\n",
        ("y = f(a)\nz = f(4)\njoin(y, z)\n",),
        [("w", 1)],
        [1, 4],
    ),
    "two broken writes keep their order": (
        "send_x('a', 1)\nsend('b', 3, zz=1)\njoin(0)\n",
        ("send('a', 1)\nsend('b', 3)\njoin(0)\n",),
        [("send", "a", 1), ("send", "b", 3)],
        0,
    ),
    "a line that an unreadable one hid": (
        "w(1) )\nsend(zz, 2)\njoin(1)\n",
        ("w(1)\nsend('a', 2)\n",),
        [("w", 1), ("send", "a", 2)],
        1,
    ),
    "several unreadable lines": (
        "1. a = f(1)\n2. w(a)\n3. join(a)\n",
        ("a = f(1)\nw(a)\njoin(a)\n",),
        [("w", 1)],
        1,
    ),
    "unpacking with brackets, then a swap": (
        "[a, b] = = f([1, 2])\na, b = b, a\njoin(a, b)\n",
        ("[a, b] = f([1, 2])\na, b = b, a\njoin(a, b)\n",),
        [],
        [2, 1],
    ),
    "the header of an `if`": ("if yess():\n    w(1)\nelse:\n    w(2)\njoin(0)\n", ("if yes():\n",), [("w", 1)], 0),
    "the header of an `elif`": (
        "if no():\n    w(1)\nelif yess():\n    w(2)\nelse:\n    w(3)\njoin(0)\n",
        ("elif yes():\n",),
        [("w", 2)],
        0,
    ),
    "the header of a loop": (
        "for x in g([1, 2]):\n    w(x)\njoin(0)\n",
        ("for x in f([1, 2]):\n",),
        [("w", 1), ("w", 2)],
        0,
    ),
    "a header with a part of its block": (
        "if yess():\n    w(1)\n    w(2)\njoin(0)\n",
        ("if yes():\n    w(1)\n",),
        [("w", 1), ("w", 2)],
        0,
    ),
    "an `else` that there was not": (
        "y = g(2)\nif yes():\n    w(1)\njoin(y)\n",
        ("y = f(2)\nif yes():\n    w(1)\nelse:\n    w(99)\n",),
        [("w", 1)],
        2,
    ),
    "an `elif` that there was not, behind another header": (
        "if yess():\n    w(1)\njoin(0)\n",
        ("if yes():\n    w(1)\nelif yes():\n    w(99)\n",),
        [("w", 1)],
        0,
    ),
    "a listing with line numbers": (
        "for x in [1, 2]:\n    w(x) )\n    w(3)\njoin(0)\n",
        ("1 | for x in [1, 2]:\n2 |     w(x)\n3 |     w(3)\n4 | join(0)\n",),
        [("w", 1), ("w", 3), ("w", 2), ("w", 3)],
        0,
    ),
    "a line of an arm, alone": (_ARM, ("w(1)\n",), [("w", 2)], 1),
    "a line of an arm, in its arm": (_ARM, ("if no():\n    w(1)\n",), [("w", 2)], 1),
    "a line of an arm, with the whole `if`": (_ARM, ("if no():\n    w(1)\nelse:\n    w(2)\n",), [("w", 2)], 1),
    "a line of a loop, alone": (_LOOP, ("w(x)\n",), [("w", 1), ("w", 2)], 3),
    "a line of a loop, in its loop": (_LOOP, ("for x in [1, 2]:\n    w(x)\n",), [("w", 1), ("w", 2)], 3),
    "a line of a loop, with the whole loop": (
        _LOOP,
        ("for x in [1, 2]:\n    w(x)\n    t += x\n",),
        [("w", 1), ("w", 2)],
        3,
    ),
    "a line of a loop, with another header": (_LOOP, ("for x in [5]:\n    w(x)\n",), [("w", 5)], 5),
    "a line of a loop, and again": (_LOOP, ("w(y)\n", "w(x)\n"), [("w", 1), ("w", 2)], 3),
    "a line of a loop, then the loop": (
        _LOOP,
        ("w(y)\n", "for x in [1, 2]:\n    w(x)\n    t += x\n"),
        [("w", 1), ("w", 2)],
        3,
    ),
    "a loop becomes a comprehension": (
        "for x in [3, 4]:\n    w(x, z=1)\njoin(1)\n",
        ("[w(x) for x in [3, 4]]\n",),
        [("w", 3), ("w", 4)],
        1,
    ),
    "a line of a loop becomes a comprehension over its variable": (
        "for x in [[3], [4]]:\n    w(x, z=1)\njoin(1)\n",
        ("[w(i) for i in x]\n",),
        [("w", 3), ("w", 4)],
        1,
    ),
    "a line of a loop needs one more": (
        _LOOP,
        ("y = f(x)\nw(y)\n",),
        [("w", 1), ("w", 2)],
        3,
    ),
    "a block inside a loop becomes lines": (_TRY, ("y = f(x)\nw(y)\n",), [("w", 1), ("w", 2)], [1, 2]),
    "a block inside a loop becomes an `if`": (_TRY, ("y = f(x)\nif y > 1:\n    w(y)\n",), [("w", 2)], [1, 2]),
    "a `while` becomes lines": ("while f(1):\n    w(3)\njoin(1)\n", ("w(3)\nw(4)\n",), [("w", 3), ("w", 4)], 1),
    "a `def` becomes a call": (
        "def g(x):\n    return f(x)\na = g(1)\nw(a)\njoin(a)\n",
        ("a = f(1)\n",),
        [("w", 1)],
        1,
    ),
    "nothing stands in a block": (
        "if no():\nw(1)\nw(2)\njoin(0)\n",
        ("if no():\n    w(1)\n",),
        [("w", 2)],
        0,
    ),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_the_final_text_decides(case: str) -> None:
    """What runs is what it says, each write once and in its order, and what it joins is the answer."""
    first, replies, writes, joined = CASES[case]
    world, result = played(first, *replies)
    assert (world.writes, result.answer) == (writes, joined)


_JSON = '{{"steps": [{}], "join": {{"$ref": "b"}}}}'
_SENT = '{{"id": "a", "tool": "send", "arguments": {{"to": "{}"}}}}'
_SOUGHT = '{{"id": "b", "tool": "{}", "arguments": {{"query": "x"}}}}'


@pytest.mark.parametrize(
    ("syntax", "first", "line", "whole"),
    [
        (
            "numbered",
            "1. send('ann')\n2. seek('x')\n3. join($2)\n",
            "2. search('x')\n",
            "1. send('bob')\n2. search('x')\n3. join($2)\n",
        ),
        (
            "rewoo",
            "#E1 = send[ann]\n#E2 = seek[x]\njoin(#E2)\n",
            "#E2 = search[x]\n",
            "#E1 = send[bob]\n#E2 = search[x]\njoin(#E2)\n",
        ),
        (
            "json",
            _JSON.format(f"{_SENT.format('ann')}, {_SOUGHT.format('seek')}"),
            f'{{"steps": [{_SOUGHT.format("search")}]}}',
            _JSON.format(f"{_SENT.format('bob')}, {_SOUGHT.format('search')}"),
        ),
    ],
)
def test_all_front_ends_repair_alike(syntax: Syntax, first: str, line: str, whole: str) -> None:
    """The line alone keeps what is right; the whole plan is all that there is."""
    for reply, to in ((line, "ann"), (whole, "bob")):
        reading = front(syntax, first)
        reading.repair(reply)
        assert reading.program.complete
        sent = [shown for shown in reading.shown if "send(" in shown]
        assert [f"'{to}'" in shown for shown in sent] == [True], reply


def test_what_is_kept_is_not_done_again() -> None:
    """A read of the first text that the whole plan repeats keeps its id and its result."""
    plan = "a = f(1)\nb = {}\nc = f(a)\njoin(a, b, c)\n"
    world, result = played(plan.format("g(2)"), plan.format("f(2)"))
    assert (sorted(world.reads), result.answer) == ([1, 1, 2], [1, 2, 1])
    assert [one.task.id for one in result.events if isinstance(one, Planned)] == ["a", "b", "c", "join()"]
    assert not [one for one in result.events if isinstance(one, Retired)]


def test_an_event_says_which_right_writes_a_whole_plan_leaves_out() -> None:
    """By what they were, also where the same line stands there once more."""
    _, result = played("w(1)\nw(2)\nw(2)\ny = = 1\njoin(y)\n", "w(2)\ny = 1\njoin(y)\n")
    (retired,) = (one for one in result.events if isinstance(one, Retired))
    assert retired.why == "the planner wrote the whole plan anew"
    assert retired.dropped == ("w(1)", "w(2)")


def test_what_was_retired_is_no_result() -> None:
    """Nor does it start when it was waiting."""
    world, result = played("a = f(1)\nb = f(a)\nw(b)\ny = = 1\njoin(b)\n", "b = f(2)\ny = 1\njoin(b)\n")
    assert (world.writes, result.answer) == ([], 2)
    assert set(result.outcomes) == {"b.2", "y", "join().2"}
    assert not [one for one in result.events if isinstance(one, Started) and one.tool == "w"]


def test_a_planner_is_said_to_repeat_itself_only_if_it_does() -> None:
    """Who does not answer is asked once more, as often as there are repairs."""
    with pytest.raises(PlanError, match="after 2 repairs\n"):
        played("x = ff(1)\ny = f(2)\njoin(x, y)\n", "y = f(3)\n", "y = f(4)\n")
    with pytest.raises(PlanError, match="after 1 repair: the planner repeated them"):
        played("x = ff(1)\njoin(x)\n", "x = ff(1)\njoin(x)\n", max_repairs=5)


def test_what_a_repair_that_was_cut_does_not_answer_stays_broken() -> None:
    """Its end may have been the correction; what it says so far is an edit, whatever it has."""
    reading = read("mail(1)\na = ff(1)\nb = ff(2)\njoin(b)\n")
    reading.repair("a = f(1)\nb = f(", "cut")
    assert reading.problems == ["3 E301"]
    assert reading.repair("b = f(2)\n") == ["b", "join()"]
    assert reading.shown[0] == "mail() = mail(to=1)!"
