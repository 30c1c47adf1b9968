"""Corrections: what they stand for, where they go, and what waits for them (L30)."""

from __future__ import annotations

import pytest

from support.reading import Reading, read, show


def test_a_correction_takes_the_place_of_the_line() -> None:
    """Between the lines that were right, which keep their ids and are not said again."""
    reading = read("a = f(1)\nb = g(zz=1)\nc = f(2)\nd = g(b, c)\njoin(d)\n")
    assert [task.id for task in reading.tasks] == ["a", "c"]
    assert reading.repair("b = g(a)\n") == ["b", "d", "join()"]
    assert reading.shown == ["a = f(x=1)", "b = g(x=<a>)", "c = f(x=2)", "d = g(x=<b>, y=<c>)", "join() = join(<d>)"]
    assert reading.program.complete


def test_a_correction_is_a_statement_as_any() -> None:
    """In fences, with a sentence before it, without a line end."""
    for text in ("```python\nb = g(1)\n```", "Here is the corrected line:\nb = g(1)", "b = g(1)", "    b = g(1)\n"):
        reading = read("b = g(zz=1)\njoin(b)\n")
        assert reading.repair(text) == ["b", "join()"], text


def test_several_corrections_at_once() -> None:
    """Each goes to its line, in whatever order they come, also after a join that was right."""
    reading = read("a = g(zz=1)\nb = g(zz=2)\nc = f(a, b)\nd = f(1)\njoin(d)\n")
    assert [task.id for task in reading.tasks] == ["d", "join()"]
    assert reading.problems == ["1 E302", "2 E302"]
    assert reading.repair("b = g(2)\na = g(1)\n") == ["a", "b", "c"]
    assert [task.id for task in reading.program.in_order()] == ["a", "b", "c", "d", "join()"]
    assert reading.program.complete


def test_a_repair_may_mend_one_line_and_leave_another() -> None:
    """What needs only the first goes on."""
    reading = read("a = g(zz=1)\nb = g(zz=2)\nc = f(a)\nd = f(b)\njoin(c, d)\n")
    assert reading.repair("a = g(1)\n") == ["a", "c"]
    assert reading.problems == ["2 E302"]
    assert reading.repair("b = g(2)\n") == ["b", "d", "join()"]


def test_a_correction_may_be_wrong_itself() -> None:
    """Then it is what is broken, and is corrected in its turn."""
    reading = read("a = g(zz=1)\nb = f(a)\njoin(b)\n")
    assert reading.repair("a = g(yy=1)\n") == []
    assert reading.problems == ["1 E302"]
    assert reading.repair("a = g(1 2)\n") == []
    assert reading.problems == ["1 E001"]
    assert reading.repair("a = g(1)\n") == ["a", "b", "join()"]


def test_a_line_that_waited_may_turn_out_wrong() -> None:
    """Its mistake shows once the line above it is right."""
    reading = read("a = look('k', zz=1)\nb = [price.amount for price in a if missing]\n")
    assert reading.problems == ["1 E302", "2 E102"]
    assert reading.repair("a = look('k')\n") == ["a"]
    assert reading.problems == ["2 E102"]
    assert reading.repair("b = [price.amount for price in a]\n") == ["b", "join()"]


def test_a_correction_may_bring_names_of_its_own() -> None:
    """They stand before the line that needs them."""
    reading = read("a = f(1)\nb = g(missing)\nc = f(b)\njoin(c)\n")
    assert reading.repair("first = f(a)\nsecond = f(first)\nb = g(second)\n") == ["first", "second", "b", "c", "join()"]
    assert [task.id for task in reading.program.in_order()] == ["a", "first", "second", "b", "c", "join()"]


def test_a_name_that_a_correction_brought_may_be_broken_too() -> None:
    """And its correction may bring another: each stands before what needs it."""
    reading = read("a = f(1)\nc = g(missing)\njoin(c)\n")
    assert reading.repair("b = f(zz=1)\nc = g(b)\n") == []
    assert reading.repair("more = f(a)\nb = f(more)\n") == ["more", "b", "c", "join()"]
    assert [task.id for task in reading.program.in_order()] == ["a", "more", "b", "c", "join()"]


def test_a_bare_call_is_corrected_by_a_bare_call() -> None:
    """The one that calls the same tool, or the only one that there is; several in the order of the reply."""
    reading = read("mail(zz=1)\nsave(zz=2)\njoin(1)\n")
    reading.repair("save('k')\nmail('me')\n")
    assert reading.shown == [
        "save() = save(key='k')!",
        "mail() = mail(to='me')!",
        "join()[0] = 1",
        "join() = join(<join()[0]>)",
    ]
    reading = read("male('me')\njoin(1)\n")
    reading.repair("mail('me')\n")
    assert reading.shown[0] == "mail() = mail(to='me')!"
    assert reading.program.complete


def test_a_bare_call_may_get_a_name() -> None:
    """The call is not made twice for it."""
    reading = read("look(zz='a')\njoin(1)\n")
    reading.repair("found = look('a')\n")
    assert reading.program.complete
    assert reading.shown[0] == "found = look(key='a')"


def test_a_join_is_corrected_by_a_join() -> None:
    """And stands at the end."""
    reading = read("a = f(1)\njoin(missing)\n")
    assert reading.repair("join(a)\n") == ["join()"]
    assert reading.program.complete
    reading = read("a = f(1)\njoin(a b)\n")
    assert reading.repair("join(a)\n") == ["join()"]


def test_a_join_may_get_a_line_before_it() -> None:
    """New names are joined by it."""
    reading = read("a = f(1)\njoin(total)\n")
    assert reading.repair("total = f(a)\njoin(total)\n") == ["total", "join()"]
    assert reading.shown == ["a = f(x=1)", "total = f(x=<a>)", "join() = join(<total>)"]


def test_a_join_that_waits_is_not_made_twice() -> None:
    """A model that repeats it means the same one; one that changes it means the new one."""
    for join, shown in (("join(a)", "join() = join(<a>)"), ("join(a, b)", "join() = join(<a>, <b>)")):
        reading = read("b = f(1)\na = g(zz=1)\njoin(a)\n")
        reading.repair(f"a = g(1)\n{join}\n")
        assert reading.shown == ["b = f(x=1)", "a = g(x=1)", shown]


def test_what_is_repeated_is_not_done_twice() -> None:
    """A model that writes the whole plan again changes one line of it: the others keep id and result."""
    plan = "a = f(1)\nmail('me')\nb = {}\nc = f(b)\nmail('me')\njoin(c)\n"
    reading = read(plan.format("g(zz=1)"))
    assert [task.id for task in reading.tasks] == ["a", "mail()", "mail().2"]
    assert reading.repair(plan.format("g(1)")) == ["b", "c", "join()"]
    assert reading.program.complete


@pytest.mark.parametrize(
    "line",
    ["mail('é'); mail('ü;'); x = f(1)", 'mail("""é\n"""); mail(\n1); x = 2', "  mail(1); x = 3", "x = 1; x = f(x)"],
)
def test_statements_on_one_line_are_repeated_one_by_one(line: str) -> None:
    """Each is told from the others, also in a reply with a line for each."""
    for reply in (f"{line}\nb = g(x)\n", line.replace("); ", ")\n").strip() + "\nb = g(x)\n"):
        reading = read(f"{line}\nb = g(zz=1)\njoin(b)\n")
        before = [task.id for task in reading.tasks]
        assert reading.repair(reply) == ["b", "join()"]
        assert [task.id for task in reading.tasks] == [*before, "b", "join()"]


def test_what_is_repeated_with_a_change_is_new() -> None:
    """It takes the place of the line with its name, and what waited sees the change; the id is a new one (L30)."""
    reading = read("a = f(1)\nb = g(zz=1)\nc = f(a, b)\njoin(c)\n")
    assert reading.repair("a = f(2)\nb = g(1)\n") == ["a.2", "b", "c", "join()"]
    assert reading.retired == ["a"]
    assert reading.shown == ["a.2 = f(x=2)", "b = g(x=1)", "c = f(x=<a.2>, y=<b>)", "join() = join(<c>)"]


def test_a_line_that_waits_may_be_changed() -> None:
    """Nothing of it was published, so it keeps its id."""
    reading = read("a = g(zz=1)\nb = f(a)\njoin(b)\n")
    assert reading.repair("a = g(1)\nb = f(a, 2)\n") == ["a", "b", "join()"]
    assert reading.shown[1] == "b = f(x=<a>, y=2)"


@pytest.mark.parametrize(
    "line",
    [
        "def twice(x):\n    y = f(x)\n    return y",
        "class A:\n    b = 1",
        "And now the second call.",
        "'''A plan'''; class B: pass",
    ],
)
def test_a_definition_that_nothing_uses_is_repaired_by_leaving_it_out(line: str) -> None:
    """There are no corrected lines for it, nor for prose: a reply without it has understood."""
    for reply in ("", "b = g(a)\n", "a = f(1)\nb = g(a)\njoin(b)\n"):
        reading = read(f"a = f(1)\n{line}\nb = g(a)\njoin(b)\n")
        assert reading.problems[0].startswith("2 ")
        reading.repair(reply)
        assert reading.problems == [], reply
        assert reading.program.complete
        assert [task for task in reading.shown if not task.startswith("do()")] == [
            "a = f(x=1)",
            "b = g(x=<a>)",
            "join() = join(<b>)",
        ]


@pytest.mark.parametrize("line", ["global a", "del a", "while a:\n    f(a)"])
def test_what_else_is_left_out_is_asked_for_again(line: str) -> None:
    """It may have been meant; only who writes the whole plan without it has left it out on purpose."""
    plan = f"a = f(1)\n{line}\nb = g(a)\njoin(b)\n"
    for reply in ("", "b = g(a)\n"):
        reading = read(plan)
        reading.repair(reply)
        assert reading.problems == ["2 E201"]
    reading = read(plan)
    reading.repair("a = f(1)\nb = g(a)\njoin(b)\n")
    assert reading.program.complete


def test_a_definition_that_is_used_is_asked_for_again() -> None:
    """Until what uses it is repaired too."""
    reading = read("def twice(x):\n    return f(x)\na = twice(1)\nb = twice(2)\njoin(a, b)\n")
    reading.repair("a = f(1)\n")
    assert reading.problems == ["1 E201", "4 E301"]
    reading.repair("b = f(2)\n")
    assert reading.program.complete


@pytest.mark.parametrize(
    "line", ["mail(zz=1)", "male('me')", "b = male('me')", "mail('me'", "a = f(zz=1)", "x.mail('me')"]
)
def test_a_broken_call_is_not_left_out(line: str) -> None:
    """That it is missing in the reply may be an oversight."""
    reading = read(f"{line}\njoin(1)\n")
    reading.repair("other = f(1)\n")
    assert len(reading.problems) == 1
    assert not reading.program.complete


def test_a_reply_that_is_cut_leaves_nothing_out() -> None:
    """Its end may have been the correction."""
    reading = read("del b\na = f(1)\njoin(a)\n")
    reading.repair("a = f(1", "cut")
    assert reading.problems == ["1 E201"]


def test_a_block_is_replaced_by_other_lines() -> None:
    """By those that assign what it did, or by the call that it made."""
    reading = read("xs = []\nwhile len(xs) < 2:\n    p = look(t)\n    xs.append(p)\ny = f(xs)\njoin(y)\n")
    assert [task.id for task in reading.tasks] == ["xs"]
    assert reading.repair("xs = [look(t) for t in ['a', 'b']]\n")[-2:] == ["y", "join()"]
    assert "y = f(x=<xs.2>)" in reading.shown
    assert reading.program.complete

    reading = read("while True:\n    mail(t)\njoin(1)\n")
    reading.repair("[mail(t) for t in ['a', 'b']]\n")
    assert reading.program.complete

    reading = read("try:\n    x = f(1)\nexcept:\n    x = f(2)\njoin(x)\n")
    reading.repair("x = default(f(1), f(2))\n")
    assert reading.program.complete
    assert reading.shown[-1] == "join() = join(<x>)"


def test_what_takes_the_place_of_a_block_decides_what_names_mean() -> None:
    """As in the final text: before the repair nothing refers to an older version, and behind it there is no other."""
    reading = read("x = f(1)\nwhile x:\n    x = f(t)\n    y = f(x)\nz = g(x)\njoin(z)\n")
    assert [task.id for task in reading.tasks] == ["x"]
    assert reading.repair("y = f(2)\n") == ["y", "z", "join()"]
    assert "z = g(x=<x>)" in reading.shown


def test_ids_do_not_depend_on_when_a_line_was_mended() -> None:
    """A line that waited has the id that it would have had at once (L31)."""
    reading = read("a = g(zz=1)\nmail(a)\nmail('me')\n(b, c) = a\njoin(b)\n")
    reading.repair("a = g(1)\n")
    right = read("a = g(1)\nmail(a)\nmail('me')\n(b, c) = a\njoin(b)\n")
    assert reading.shown == right.shown


def test_an_id_that_was_taken_back_is_given_to_nothing_else_however_often_a_plan_is_repaired() -> None:
    reading = read("x = f(1)\ny = ff(x)\njoin(x, y)\n")
    assert [task.id for task in reading.tasks] == ["x"]
    assert reading.repair("x = f(3)\ny = fff(x)\njoin(x, y)\n") == ["x.2"]
    assert reading.repair("x = f(4)\ny = g(x)\njoin(x, y)\n") == ["x.3", "y", "join()"]
    assert reading.retired == ["x", "x.2"]


# -------------------------------------------------------------------------------------------------- what is held back


def test_what_a_broken_write_may_change_is_not_read() -> None:
    """Nor written: it would come before what it follows (L17). Other providers go on."""
    reading = read("save(zz=1)\na = load('k')\nsave('k', 2)\nmail('me')\nb = look('k')\nc = f(1)\njoin(c)\n")
    assert [task.id for task in reading.tasks] == ["mail()", "b", "c", "join()"]
    reading.repair("save('k', 1)\n")
    assert reading.shown[:3] == [
        "save() = save(key='k', value=1)!",
        "a = load(key='k') (after <save()>)",
        "save().2 = save(key='k', value=2)! (after <a>, after <save()>)",
    ]


def test_what_a_broken_read_looks_at_is_not_written() -> None:
    """The read would see what comes after it (L17); other reads go on."""
    reading = read("a = load(zz=1)\nb = load('k')\nsave('k', 2)\njoin(b)\n")
    assert [task.id for task in reading.tasks] == ["b", "join()"]
    reading.repair("a = load('k')\n")
    assert reading.shown[2] == "save() = save(key='k', value=2)! (after <a>, after <b>)"


def test_what_waits_for_a_name_holds_back_like_what_is_broken() -> None:
    """A write that waits is still to come."""
    reading = read("k = f(zz=1)\nsave(k, 1)\na = load('k')\njoin(a)\n")
    assert reading.tasks == []
    reading.repair("k = f(1)\n")
    assert "a = load(key='k') (after <save()>)" in reading.shown


@pytest.mark.parametrize("line", ["unknown(1)", "x = unknown(1)", "what was this", "sav('k', 1"])
def test_what_nobody_understands_may_be_any_write(line: str) -> None:
    """So nothing is read or written that some tool writes; what no tool writes is read at once."""
    reading = read(f"{line}\na = load('k')\nmail('me')\nb = look('k')\n")
    assert [task.id for task in reading.tasks] == ["b"]


# --------------------------------------------------------------------------------------------------------- rounds


def test_a_later_round_continues_the_program() -> None:
    """Its names are there, versions and ids go on counting, and it has a join of its own."""
    reading = read("a = f(1)\nmail('me')\njoin(a + 1, a + 2)\n")
    assert reading.program.complete
    assert reading.next_round("b = g(a)\na = f(2)\nmail(a)\njoin(b + 1, a)\n") == [
        "b",
        "a.2",
        "mail().2",
        "join().2[0]",
        "join().2",
    ]
    assert reading.found == []
    assert len({task.id for task in reading.program.in_order()}) == len(reading.tasks)


def test_a_round_without_join_joins_the_names_of_all_rounds() -> None:
    """Every name as it is then (L6)."""
    reading = read("a = f(1)\nb = f(2)\njoin(b)\n")
    reading.next_round("a = f(3)\n")
    assert reading.shown[-1] == "join().2 = join(a=<a.2>, b=<b>) of everything"


def test_what_was_never_repaired_is_given_up_with_its_round() -> None:
    """The next round does not wait for it, and does not see the older version either (L30)."""
    reading = read("a = f(1)\na = f(zz=1)\nb = g(a)\njoin(b)\n")
    assert reading.next_round("c = g(a)\nd = f(4)\njoin(d)\n") == ["d", "join().2"]
    assert reading.problems == ["1 E102"]
    assert reading.repair("c = g(d)\n") == []
    assert reading.problems == ["1 E102"]


def test_a_plan_that_was_cut_is_not_joined_by_its_repair() -> None:
    """There may have been more of it (L18): the rest is still to be written."""
    reading = Reading()
    reading.feed("a = f(1)\nb = f(zz=1)\nc = f(")
    reading.finish("cut")
    assert reading.repair("b = f(2)\n") == ["b"]
    assert not reading.program.broken
    assert not reading.program.complete
    reading.reader = type(reading.reader)(reading.program)
    reading.feed("c = f(3)\njoin(c)\n")
    assert reading.program.complete


def test_everything_is_joined_in_the_order_of_the_program() -> None:
    """Also what was repaired (L6)."""
    reading = read("a = f(zz=1)\nb = f(2)\n")
    reading.repair("a = f(1)\n")
    assert show(reading.tasks)[-1] == "join() = join(a=<a>, b=<b>) of everything"


def test_a_name_for_a_call_takes_the_place_of_the_call() -> None:
    """Where a tool's name stood for its result: the plan has one call, and not that and one with a name."""
    for join in ("", "join(b)\n"):
        reading = read("mail('ann')\nload('k')\nb = g(mail)\njoin(b)\n")
        assert reading.problems == ["3 E102"]
        assert reading.repair(f"found = mail('ann')\nb = g(found)\n{join}") == ["found", "b", "join()"]
        assert reading.shown == [
            "found = mail(to='ann')!",
            "load() = load(key='k')",
            "b = g(x=<found>)",
            "join() = join(<b>)",
        ]
        assert reading.program.complete


def test_a_name_for_another_call_is_one_more() -> None:
    """With other arguments; of a tool that nothing broken means; or where the call without a name is said again."""
    text = "mail('ann')\nload('k')\nb = g(mail)\njoin(b)\n"
    for lines in (
        "c = mail('bob')\nb = g(c)\n",
        "c = load('k')\nb = g(c)\n",
        "mail('ann')\nc = mail('ann')\nb = g(c)\n",
    ):
        reading = read(text)
        assert reading.repair(lines) == ["c", "b", "join()"], lines
        assert {"mail()", "load()", "c", "b"} <= {task.id for task in reading.program.in_order()}, lines


def test_each_call_without_a_name_gets_one_name() -> None:
    """Of two equal ones each is meant once, and the help is given where it is clear which call is meant."""
    reading = read("mail('ann')\nmail('ann')\nb = g(mail)\njoin(b)\n")
    assert reading.found[-1].help == "call it: mail(...)"
    assert reading.repair("c = mail('ann')\nd = mail('ann')\nb = g(c, d)\n") == ["c", "d", "b", "join()"]
    assert [task.id for task in reading.program.in_order()] == ["c", "d", "b", "join()"]


def test_a_call_in_another_arm_is_not_meant() -> None:
    """Its result is not there; in the same arm it is."""
    help = "give its call a name: found = load(key='k'), and write `found` here"
    for arm, expected in (("    b = g(load)\n", help), ("else:\n    b = g(load)\n", "call it: load(...)")):
        reading = read(f"a = f(1)\nif a:\n    load(key='k')\n{arm}join(a)\n")
        assert [found.help for found in reading.found] == [expected]
