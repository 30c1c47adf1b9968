"""A plan comes to what CPython makes of it, with the same calls, where the data is full of plan syntax.

Here plans look at the characters of texts: they cut, strip, format, quote and compare them. CPython reads no data as
program, so whoever makes the calls that it makes, with the arguments that it passes, does not either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from superscalar import Failure, LLMCompiler, Observation
from superscalar.testing import run
from support.as_in_python import calls_beyond_python, written_by
from support.depth import examples
from support.random_programs import Page, Writer, flag, listing, num
from support.two_worlds import SYNTAX


def word(x: Any) -> str:
    """A text that is out to be read."""
    return SYNTAX[num(x, "word") * 31 % len(SYNTAX)]


def words(x: Any) -> list[str]:
    """A few of them, or none."""
    return [word((x, i)) for i in range(num(x, 2) % 4)]


def table(x: Any) -> dict[str, int]:
    """Numbers by such texts."""
    return {word((x, i)): num(x, i) for i in range(num(x, 3) % 3)}


def pair(x: Any) -> tuple[int, str]:
    """Two things."""
    return num(x), word(x)


def page(x: Any) -> Page:
    """A record."""
    return Page(word(x), num(x), words(x))


FUNCTIONS: tuple[Callable[..., Any], ...] = (num, word, listing, words, table, flag, pair, page)


class TextsFirst(Writer):
    """Writes programs that begin with reading texts, so that there is something to look at."""

    def program(self, statements: int = 5) -> str:
        scope = {"a": "text", "b": "text", "c": "words"}
        lines = ["a = word(1)", "b = page(2).title", "c = words(4)"]
        for _ in range(self._pick(range(1, statements + 1))):
            lines += self.statement(scope, 2, None, "")
        handed_on = [self.expression("text", 2, scope), self.expression("words", 1, scope)]
        lines += [f"last{number} = num({text})" for number, text in enumerate(handed_on)]
        return "\n".join([*lines, f"join({', '.join(['last0', 'last1', *scope])})", ""])


@settings(max_examples=examples(50, 1_500))
@given(written_by(TextsFirst))
def test_a_plan_over_hostile_texts_comes_to_what_python_makes_of_it(source: str) -> None:
    assert not calls_beyond_python(source, FUNCTIONS)


LOOKS = [
    "t.lower()", "t.title()", "t.strip()", "t.split()", "t.splitlines()", "t.replace('$1', 'x')", "t.find('(')",
    "t[::-1]", "f'{t}'", "f'{t!r}'", "f'{t!a}'", "f'{t:>30}'", "f'<{t}>{{t}}{t}'", "str([t])", "str({t: t})", "t + t",
    "', '.join([t, t])", "{t: 1}[t]", "t in [t]", "len(t)", "list(t)", "sorted(t)",
    "max(t, default='')", "t * 2", "t < 'x'", "t.startswith('$')", "[u for u in t if u == '$']", "{u: 1 for u in t}",
]  # fmt: skip


@pytest.mark.parametrize("text", SYNTAX)
def test_every_way_to_look_at_a_text_gives_what_python_gives(text: str) -> None:
    """The text comes from a tool, and goes to one; each value is what Python makes of the same expression."""
    given_to: list[Any] = []

    async def get() -> str:
        return text

    async def take(x: Any) -> None:
        given_to.append(x)

    lines = "".join(f"v{number} = {look}\n" for number, look in enumerate(LOOKS))
    taken = "".join(f"take(v{number})\n" for number in range(len(LOOKS)))
    outcomes = run(LLMCompiler(tools=[get, take]).execute(f"t = get()\n{lines}{taken}join()\n"))
    for number, look in enumerate(LOOKS):
        try:
            expected = eval(look, {"t": text})
        except ValueError:
            assert isinstance(outcomes[f"v{number}"], Failure)
        else:
            assert outcomes[f"v{number}"] == Observation(expected), look
            assert expected in given_to
