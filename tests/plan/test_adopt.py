"""A program that is restored from its tasks goes on as if it had never stopped."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from superscalar import tool
from superscalar.plan.ir import Apply, Call, Compute, Literal, Need, Ref, Sequence, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.adopt import Adopted
from superscalar.plan.read.fronts.detect import reader_of
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.tools import Toolset
from support.depth import examples
from support.random_programs import FUNCTIONS, Writer


@tool(effect="write", resource=lambda x: f"thing {len(repr(x)) % 2}")
def change(x: object) -> None:
    """Change something."""


@tool(effect="read", resource="thing 1")
def seen(x: object) -> int:
    """What is there."""
    return 1


TOOLS = Toolset([*(tool(effect="pure")(function) for function in FUNCTIONS), change, seen])


@st.composite
def sources(draw: DrawFn) -> str:
    """A program with accesses between its other lines."""
    source = Writer(lambda choices: draw(st.sampled_from(choices))).program()
    for old, new in (("num(", "change("), ("word(", "seen(")):
        if draw(st.booleans()):
            source = source.replace(old, new, 2)
    return source


def statements(source: str) -> list[str]:
    """The text of each, the line end included."""
    lines = source.splitlines(keepends=True)
    return ["".join(lines[tree.lineno - 1 : tree.end_lineno]) for tree in ast.parse(source).body]


def ends(text: str) -> bool:
    """Whether a statement is complete with its own last line: a `for` is where the next one begins."""
    tree: ast.stmt = ast.parse(text).body[0]
    while isinstance(tree, ast.If):
        tree = (tree.orelse or tree.body)[-1]
    return not isinstance(tree, ast.For)


def tasks_of(steps: Iterable[ProgramStep]) -> list[Task]:
    found = list(steps)
    if any(isinstance(step, Diagnostic) and step.severity == "error" for step in found):
        assume(False)
    return [step for step in found if isinstance(step, Task)]


@settings(max_examples=examples(15, 400))
@given(sources())
def test_the_rest_of_a_program_is_lowered_as_by_who_read_its_beginning(source: str) -> None:
    """Names, versions, ids, guards and the order of accesses: after every statement."""
    _goes_on(source)


def _goes_on(source: str) -> None:
    """What follows a statement comes to the same tasks for who has only the tasks of what is before it."""
    parts = statements(source)
    reader = reader_of("python", Program(TOOLS.signatures))
    read = [tasks_of(reader.feed(part)) for part in parts]
    read.append(tasks_of(reader.finish("stop")))
    whole = [task for tasks in read for task in tasks]
    for number in (n for n in range(1, len(parts)) if ends(parts[n - 1])):
        begun = [task for tasks in read[:number] for task in tasks]
        program = Program(TOOLS.signatures, Adopted(TOOLS.signatures, [begun], being_written=True))
        closed = tasks_of(program.close())
        again = reader_of("python", program)
        rest = tasks_of([*again.feed("".join(parts[number:])), *again.finish("stop")])
        assert [*begun, *closed, *rest] == whole
        assert program.joined
        assert print_plan(program.in_order()) == print_plan(whole)


@settings(max_examples=examples(15, 400))
@given(sources())
def test_what_is_written_again_is_not_done_twice(source: str) -> None:
    """A planner that is asked for the rest and writes the whole plan again, as it was shown it."""
    parts = statements(source)
    reader = reader_of("python", Program(TOOLS.signatures))
    read = [tasks_of(reader.feed(part)) for part in parts]
    read.append(tasks_of(reader.finish("stop")))
    whole = [task for tasks in read for task in tasks]
    calls = sum(isinstance(task.work, Call) for task in whole)
    for number in (n for n in range(1, len(parts)) if ends(parts[n - 1])):
        begun = [task for tasks in read[:number] for task in tasks]
        program = Program(TOOLS.signatures, Adopted(TOOLS.signatures, [begun], being_written=True))
        closed = tasks_of(program.close())
        program.begin_repair()
        again = reader_of("python", program)
        rest = tasks_of([*again.feed(print_plan(whole)), *again.finish("stop"), *program.end_repair()])
        assert program.complete
        assert sum(isinstance(task.work, Call) for task in [*begun, *closed, *rest]) <= calls


@pytest.mark.parametrize(
    "source",
    [
        "a = []\nfor x in [1, 2]:\n    if x > 1:\n        a.append(x)\nz = 1\nb = [t for t in a]\njoin(b)\n",
        "a = [0]\nfor x in [1, 2]:\n    a.append(x)\nz = 1\nb = [t for t in a]\njoin(b)\n",
        "a = [num(x) for x in [1, 2]]\nc = d = a\ne = c\nz = 1\nb = [[t for t in x] for x in [d, e]]\njoin(b)\n",
        "a = [num(x) for x in [1, 2]]\nc = d = a\nz = 1\nb = [t for t in d]\njoin(b)\n",
        "a = sorted(['b', 'a'])\nf = a[0] + 'c'\nz = 1\nb = [t for t in f]\njoin(b)\n",
    ],
)
def test_what_is_known_of_a_list_is_known_to_who_goes_on(source: str) -> None:
    _goes_on(source)


def test_a_statement_that_was_cut_in_the_middle_leaves_its_ids_taken() -> None:
    reader = reader_of("python", Program(TOOLS.signatures))
    begun = tasks_of(reader.feed("a = num(num(1))\n"))
    assert [task.id for task in begun] == ["a.num", "a"]
    program = Program(TOOLS.signatures, Adopted(TOOLS.signatures, [begun[:1]], being_written=True))
    again = reader_of("python", program)
    assert [task.id for task in tasks_of(again.feed("a = num(num(1))\njoin(a)\n"))] == ["a.2.num", "a.2", "join()"]


def test_names_of_earlier_rounds_are_known_and_their_numbers_go_on() -> None:
    program = Program(TOOLS.signatures)
    first = tasks_of(reader_of("python", program).feed("a = num(1)\nfor i in [1]:\n    word(i)\nnum(2)\njoin(a)\n"))
    adopted = Program(TOOLS.signatures, Adopted(TOOLS.signatures, [first]))
    adopted.next_round()
    later = "a = num(a)\nfor i in [2]:\n    word(i)\nnum(2)\njoin(a)\n"
    found = tasks_of(reader_of("python", adopted).feed(later))
    program.next_round()
    assert found == tasks_of(reader_of("python", program).feed(later))


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("y.append(2)\n", ["`y` cannot be changed in place: `x` is, or holds, the same value"]),
        ("z = x\njoin(z)\n", []),
    ],
)
def test_a_function_that_only_another_version_has_may_have_handed_on_all_that_it_was_given(
    line: str, problems: list[str]
) -> None:
    first = [
        Task("y", Compute(Sequence("list", (Literal(1),)))),
        Task("x", Compute(Apply("of_tomorrow", (Ref("y"),))), (Need("y"),)),
    ]
    reader = reader_of("python", Program(TOOLS.signatures, Adopted(TOOLS.signatures, [first], being_written=True)))
    assert [step.message for step in reader.feed(line) if isinstance(step, Diagnostic)] == problems
