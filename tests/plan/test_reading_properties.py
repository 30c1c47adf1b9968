"""What holds for every text: chunks do not matter, nothing raises, printing reads back, work is linear (L25, L29)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from superscalar.plan import check, compile_plan
from superscalar.plan.print.program import print_plan
from support.depth import examples, searching
from support.programs_read import CUTS, anatomy, check_program, pieces, placeless, steps
from support.random_source import broken_plans, plans
from support.reading import TOOLS, Reading, read

TEXTS = plans() | broken_plans() | st.text(st.characters(), max_size=60)
DEEP = settings(max_examples=examples(50, 1_500), deadline=None)


@DEEP
@given(TEXTS, CUTS)
@example("a = f(1)\r\nb = 'é'\r\n", [9, 18, 19])
@example('a = """\r\n"""\r\n', [8, 9, 13])
@example("a = f(1)\nb = 1 2\nc = f(a)\n", [8, 9])
def test_chunks_do_not_matter(text: str, cuts: list[int]) -> None:
    """The same tasks, problems and places, in the same order, for any cuts and for single characters (L29)."""
    whole = read(text)
    for chunks in (pieces(text, cuts), list(text), text.splitlines(keepends=True)):
        reading = Reading()
        reading.feed(*chunks)
        reading.finish()
        assert anatomy(reading) == anatomy(whole)


@DEEP
@given(TEXTS, st.integers(0, 10_000))
def test_what_is_completed_is_never_taken_back_unsaid(text: str, cut: int) -> None:
    """The tasks of a beginning are the first of the whole, but for those that it says it takes back (rule L29)."""
    assume("```" not in text and "~~~" not in text)  # where a text is cut decides which of several programs it is
    whole, beginning = read(text), Reading()
    beginning.feed(text[: cut % (len(text) + 1)])
    beginning.finish("cut")
    kept = [task for task in beginning.tasks if task.id not in whole.retired]
    assert whole.tasks[: len(kept)] == kept


@DEEP
@given(plans())
def test_a_right_plan_is_read_without_a_word(text: str) -> None:
    """So that the other properties are about plans, not about mistakes."""
    reading = read(text)
    assume(not _changes_what_is_seen(text))
    assert reading.found == []
    assert reading.program.complete


def _changes_what_is_seen(text: str) -> bool:
    """Whether `a += b` would change, in Python, a list that has another name: no plan does that (rule L14)."""
    return any(found.code == "E204" and "in place" in found.message for found in check(text, TOOLS))


@DEEP
@given(plans())
def test_what_is_printed_reads_back(text: str) -> None:
    """Equal tasks: ids, work, needs, guards, ordering edges and thoughts; and the print of that is the same text."""
    assume(not _changes_what_is_seen(text))
    plan = compile_plan(text, TOOLS)
    printed = print_plan(plan.tasks)
    again = compile_plan(printed, TOOLS)
    assert list(map(repr, map(placeless, again.tasks))) == list(map(repr, map(placeless, plan.tasks)))
    assert print_plan(again.tasks) == printed


@DEEP
@given(TEXTS, st.lists(TEXTS, max_size=3), st.booleans())
def test_reading_never_raises_and_keeps_the_program_in_order(text: str, replies: list[str], cut: bool) -> None:
    """Through any repairs and a further round: ids are unique, references point back, and what is complete is right."""
    reading = read(text)
    for reply in replies:
        if reading.program.broken:
            reading.repair(reply, "cut" if cut else "stop")
        check_program(reading)
    reading.next_round(text)
    check_program(reading)
    for found in check(text, TOOLS):
        assert str(found).isprintable() or "\n" in str(found)


# ---------------------------------------------------------------------------------------------------------- work


LONG: dict[str, Callable[[int], str]] = {
    "calls": lambda n: "".join(f"a{i} = f({i})\n" for i in range(n)),
    "one name again and again": lambda n: "a = f(1)\n" * n,
    "a chain": lambda n: "a = 1\n" + "a = f(a)\n" * n,
    "reads and writes": lambda n: "load(1)\nsave(1)\nmail(1)\nload(2)\n" * n,
    "undefined names": lambda n: "".join(f"a{i} = b{i}\n" for i in range(n)),
    "lines that wait": lambda n: "a = b\n" + "a = f(a)\n" * n,
    "unreadable lines": lambda n: "a = f(1 2)\n" * n,
    "prose": lambda n: "a = 1\n" + "and then some more (words.\n" * n,
    "open brackets": lambda n: "a = f((\n" * n,
    "closing brackets": lambda n: "a = f))\n" * n,
    "quotes": lambda n: "a = '\n\"\n" * n,
    "one open bracket": lambda n: "a = f(\n" + "1,\n" * n,
    "one open string": lambda n: 'a = """\n' + "b\n" * n,
    "one long line": lambda n: f"a = [{', '.join('f(1)' for _ in range(n))}]\n",
    "one long text": lambda n: f"a = '{'x' * 50 * n}'\n",
    "one long line that is not ASCII": lambda n: f"é = ['ö', {', '.join('f(1)' for _ in range(n))}, 'ü']\n",
    "one long f-string": lambda n: "a = f'" + "{f(1)}" * n + "'\n",
    "operands": lambda n: f"a = {' or '.join('f(1)' for _ in range(n))}\n",
    "conditions": lambda n: f"a = [{', '.join('f(1) if 1 else 2' for _ in range(n))}]\n",
    "one mistake again and again": lambda n: f"a = [{', '.join('b' for _ in range(n))}]\n",
    "mistakes": lambda n: f"a = [{', '.join(f'b{i}' for i in range(n))}]\n",
    "a block": lambda n: "if 1:\n" + "    a = f(1)\n" * n,
    "statements on a line": lambda n: "; ".join("a = f(1)" for _ in range(n)) + "\n",
    "comments": lambda n: "# a\n" * n,
}


@pytest.mark.parametrize("shape", LONG, ids=LONG)
def test_work_grows_with_the_text(shape: str) -> None:
    """Twice the text takes about twice the calls of functions, right or wrong as it may be (L25)."""
    few, many = (steps(partial(read, LONG[shape](n))) for n in (200, 400))
    assert many < 2.5 * few


@pytest.mark.parametrize("shape", ["calls", "lines that wait", "one open string", "one long line", "one long text"])
def test_work_grows_with_the_text_in_single_characters(shape: str) -> None:
    """Also as a model streams it."""
    few, many = (steps(partial(Reading().feed, *LONG[shape](n))) for n in (80, 160))
    assert many < 2.5 * few


@pytest.mark.search
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "correction",
    ["a{0} = f({0})", "b{0} = f({0})", "a{0} = f({0})\nb{0} = f({0})\nmail(b{0})", "mail({0})", "c{0} = f(1)"],
)
def test_work_of_a_repair_grows_with_the_plan(correction: str, backwards: bool) -> None:
    """Of one that corrects every line, from either end, one that repeats them all, and one that adds as many."""

    def repaired(n: int) -> int:
        reading = read("".join(f"a{i} = f(zz={i})\nb{i} = f({i})\nmail(b{i})\nmail(zz={i})\n" for i in range(n)))
        order = range(n - 1, -1, -1) if backwards else range(n)
        reply = "".join(correction.format(i) + "\n" for i in order)
        return steps(lambda: reading.repair(reply))

    few, many = (repaired(n) for n in ((50, 100) if searching() else (15, 30)))
    assert many < 2.5 * few
