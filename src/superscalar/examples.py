"""What a planner is shown beside our own examples: questions of an agent's kind, each with its plan.

They are chosen for a question by its words (`superscalar.tools.search`) where there are more than fit.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from superscalar.errors import PlanError, UsageError
from superscalar.forks import made_once
from superscalar.plan import Plan, Syntax, compile_plan, print_as
from superscalar.plan.ir import Call, walk
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.ir.within import without_insides
from superscalar.plan.print.steps import BeyondSteps
from superscalar.short import CHARACTERS_PER_TOKEN, short
from superscalar.tools.search import WordIndex, words_of_text

FIELDS: Final = {"question": 1.0, "calls": 1.0, "plan": 0.3}
"""What a word counts by where it stands: in the question of an example, in the names of the tools that its plan calls,
or anywhere in the plan."""

_TURNS: Final = 40  # characters that two turns take beside their text
_WEAK: Final = 0.25  # what fits so much worse than the best is of another kind


class Example(NamedTuple):
    """A question, and its plan as the planner would write it. `calls`: its tools, by alias."""

    question: str
    plan: str
    calls: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many characters of a prompt it takes."""
        return len(self.question) + len(self.plan) + _TURNS


class ExampleChoice(NamedTuple):
    """The examples that there is room for. `is_whole`: they are all that there are, whatever is asked."""

    shown: tuple[Example, ...] = ()
    is_whole: bool = True


class Examples:
    """Some of them, in the order in which they were given."""

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._all = tuple(examples)

    def having(self, example: Example) -> Examples:
        """These and one more, in the place of one that has its question."""
        return Examples([*(each for each in self._all if each.question != example.question), example])

    def chosen(self, question: str, before: Iterable[str] = (), max_tokens: int | None = None) -> ExampleChoice:
        """Those for a question, in about so many tokens of a prompt; None is no bound. `before`: the turns before it.

        All, if they fit, in one order, so that a provider's cache of the prompt holds. Otherwise those that fit the
        question, the best last; where none has a word of it, the first ones.
        """
        if max_tokens is None or sum(each.size for each in self._all) <= max_tokens * CHARACTERS_PER_TOKEN:
            return ExampleChoice(self._all)
        scored = self._index.scored_after(question, " ".join(before))
        ranked = [at for at, score in scored if score > _WEAK * scored[0][1]] or range(len(self._all))
        left = max_tokens * CHARACTERS_PER_TOKEN
        picked: list[Example] = []
        for each in map(self._all.__getitem__, ranked):
            if each.size <= left:
                picked.append(each)
                left -= each.size
        return ExampleChoice(tuple(reversed(picked)), is_whole=False)

    @made_once
    def _index(self) -> WordIndex:
        return WordIndex(map(_fields_of, self._all), FIELDS)


def _fields_of(example: Example) -> dict[str, Iterator[str]]:
    """The words of an example by where they stand; its numbers are its own."""
    texts = {"question": example.question, "calls": " ".join(example.calls), "plan": example.plan}
    return {name: (word for word in words_of_text(text) if not word.isdigit()) for name, text in texts.items()}


def example_of(question: str, source: str, signatures: Signatures, syntax: Syntax) -> Example:
    """A question with the source of its plan as an example: as it stands if it is plain Python, and so is what the
    planner writes, else printed in the syntax of that.

    Raises:
        UsageError: the plan has errors, which the message shows as `check` does, or cannot be said in that syntax.
    """
    refused = f"the plan of {short(question)} cannot be an example"
    text = textwrap.dedent(source).strip()
    try:
        plan = compile_plan(text, signatures)
    except PlanError as error:
        raise UsageError("\n\n".join([f"{refused}:", *map(str, error.diagnostics)])) from None
    try:
        if plan.syntax != syntax or not _is_plain(text, plan):
            text = print_as(plan.tasks, syntax).strip()
    except BeyondSteps as error:
        if plan.syntax != syntax:
            raise UsageError(
                f"{refused}: this planner writes {syntax}, where tools are called and nothing is computed ({error}); "
                f"write the plan in {syntax}"
            ) from None
    written = walk(without_insides(plan.tasks))
    calls = dict.fromkeys(task.work.tool for task in written if isinstance(task.work, Call))
    return Example(question.strip(), text, tuple(calls))


def _is_plain(text: str, plan: Plan) -> bool:
    """Whether the text of a plan in Python is that plan and nothing else, with nothing in it that is only tolerated."""
    try:
        *steps, last = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    match last:
        case ast.Expr(value=ast.Call(func=ast.Name(id="join"))):
            remarks = (step for step in steps if isinstance(step, ast.Expr) and not isinstance(step.value, ast.Call))
            return not any(remarks) and not any(task.notes for task in plan)
    return False
