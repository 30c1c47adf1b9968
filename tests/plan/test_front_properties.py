"""What holds for every text in the other syntaxes: chunks do not matter, nothing raises, work is linear (L25, L29)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from superscalar.plan import check, detect
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.fronts.detect import Syntax
from support.depth import examples, searching
from support.fronts import TOOLS, FrontReading, front
from support.programs_read import CUTS, anatomy, check_program, pieces, steps
from support.random_fronts import call_plans, json_plans

DEEP = settings(max_examples=examples(40, 1_200), deadline=None)
SYNTAXES: list[Syntax] = ["numbered", "rewoo", "json"]
TEXTS = call_plans() | json_plans() | st.text(st.characters(), max_size=60)


@DEEP
@given(st.sampled_from(SYNTAXES), TEXTS, CUTS)
def test_chunks_do_not_matter(syntax: Syntax, text: str, cuts: list[int]) -> None:
    """The same tasks, problems and places, in the same order, for any cuts and for single characters (L29)."""
    whole = front(syntax, text)
    for chunks in (pieces(text, cuts), list(text), text.splitlines(keepends=True)):
        reading = FrontReading(syntax)
        reading.feed(*chunks)
        reading.finish()
        assert anatomy(reading) == anatomy(whole)


@DEEP
@given(st.sampled_from(SYNTAXES), TEXTS, st.integers(0, 10_000))
def test_what_is_completed_is_never_taken_back_unsaid(syntax: Syntax, text: str, cut: int) -> None:
    """The tasks of a beginning are the first of the whole, but for those that it says it takes back (rule L29)."""
    assume("```" not in text and "~~~" not in text)  # where a text is cut decides which of several programs it is
    whole, beginning = front(syntax, text), FrontReading(syntax)
    beginning.feed(text[: cut % (len(text) + 1)])
    beginning.finish("cut")
    kept = [task for task in beginning.tasks if task.id not in whole.retired]
    assert whole.tasks[: len(kept)] == kept


@DEEP
@given(st.sampled_from(SYNTAXES), TEXTS, st.lists(TEXTS, max_size=3), st.booleans())
def test_reading_never_raises_and_keeps_the_program_in_order(
    syntax: Syntax, text: str, replies: list[str], cut: bool
) -> None:
    """Through any repairs and a further round: ids are unique, references point back, and what is complete is right."""
    reading = front(syntax, text)
    for reply in replies:
        if reading.program.broken:
            reading.repair(reply, "cut" if cut else "stop")
        check_program(reading)
    reading.next_round(text)
    check_program(reading)
    for found in check(text, TOOLS, syntax):
        assert str(found).isprintable() or "\n" in str(found)
    assert detect(text) in (*SYNTAXES, "python")


@DEEP
@given(st.sampled_from(SYNTAXES), TEXTS)
def test_what_is_published_prints_as_python_and_reads_back(syntax: Syntax, text: str) -> None:
    """All front ends share the printer: the same tasks but for what only the text of another syntax can say."""
    reading = front(syntax, text)
    if not reading.program.complete:
        return
    tasks = reading.program.in_order()
    printed = print_plan(tasks)
    again = front("python", printed)
    assert again.found == [found for found in again.found if found.severity == "warning"], printed
    assert print_plan(again.program.in_order()) == printed


LONG: dict[str, tuple[Syntax, Callable[[int], str]]] = {
    "calls": ("numbered", lambda n: "".join(f'{i}. search("a")\n' for i in range(n))),
    "calls on a line": ("numbered", lambda n: " ".join(f'{i}. search("a")' for i in range(n))),
    "mistakes on a line": ("numbered", lambda n: " ".join(f"{i}. nope(1, 2, 3)" for i in range(n))),
    "a chain": ("numbered", lambda n: "0. tool(1)\n" + "".join(f"{i + 1}. tool(${i})\n" for i in range(n))),
    "text that waits": ("numbered", lambda n: "".join(f'{i}. search("for $90000 or less")\n' for i in range(n))),
    "missing brackets": ("numbered", lambda n: "".join(f'{i}. search("a"\n' for i in range(n))),
    "open quotes": ("numbered", lambda n: "".join(f'{i}. search("a\n' for i in range(n))),
    "one open quote": ("numbered", lambda n: '1. search("a\n' + "words (\n" * n),
    "one open bracket": ("numbered", lambda n: "1. tool([\n" + "1,\n" * n),
    "brackets": ("numbered", lambda n: "1. tool(" + "[" * n + "}" * n + "\n"),
    "references in a text": ("numbered", lambda n: '1. tool(1)\n2. search("' + "$1 " * n + '")\n'),
    "references in words": ("numbered", lambda n: "1. tool(1)\n2. search(" + "$1 and " * n + ")\n"),
    "words with commas": ("numbered", lambda n: "1. search(" + "so, " * n + ")\n"),
    "arguments": ("numbered", lambda n: "1. tool(" + "1, " * n + ")\n"),
    "apostrophes": ("numbered", lambda n: "1. search(" + "it's " * n + ")\n"),
    "prose": ("numbered", lambda n: "and then (\n" * n),
    "thoughts": ("numbered", lambda n: "Thought: so\n" * n),
    "evidence": ("rewoo", lambda n: "".join(f"Plan: so\n#E{i} = search[a (b]\n" for i in range(n))),
    "plans on a line": ("rewoo", lambda n: "".join(f"Plan: so #E{i} = search[a] " for i in range(n))),
    "plans without evidence": ("rewoo", lambda n: "Plan: so " * n + "\n" + "Plan: so\n" * n),
    "steps": ("json", lambda n: '{"steps": [' + '{"tool": "tool", "arguments": {"x": 1}}, ' * n + "{}]}"),
    "steps on lines": ("json", lambda n: '{"steps": [\n' + ",\n".join('{"tool": "nope"}' for _ in range(n)) + "]}"),
    "bad steps": ("json", lambda n: '{"steps": [' + ", ".join("{1}" for _ in range(n)) + "]}"),
    "a long text": ("json", lambda n: '{"steps": [{"tool": "tool", "arguments": {"x": "' + "a\\n" * n + '"}}]}'),
    "a long list": ("json", lambda n: '{"steps": [{"tool": "tool", "arguments": {"x": [' + "1, " * n + "1]}}]}"),
    "a deep list": ("json", lambda n: '{"steps": [{"tool": "tool", "arguments": {"x": ' + "[" * n + "]" * n + "}}]}"),
    "prose before it": ("json", lambda n: "so\n" * n + "{}"),
    "empty lines before it": ("json", lambda n: " \n" * n + "{}"),
}


@pytest.mark.search
@pytest.mark.parametrize("shape", LONG, ids=LONG)
def test_work_grows_with_the_text(shape: str) -> None:
    """Twice the text takes about twice the calls of functions, right or wrong as it may be (L25)."""
    syntax, text = LONG[shape]
    few, many = (steps(partial(front, syntax, text(n))) for n in ((100, 200) if searching() else (60, 120)))
    assert many < 2.5 * few


@pytest.mark.parametrize("shape", ["calls", "calls on a line", "one open quote", "evidence", "steps", "a long text"])
def test_work_grows_with_the_text_in_single_characters(shape: str) -> None:
    """Also as a model streams it."""
    syntax, text = LONG[shape]
    few, many = (steps(partial(FrontReading(syntax).feed, *text(n))) for n in (80, 160))
    assert many < 2.5 * few
