"""From statements to tasks: ids, lifted calls, guards and maps, exactly (L2, L6, L10, L12, L13, L15, L31)."""

from __future__ import annotations

from pathlib import Path

import pytest

from superscalar.plan import ir
from superscalar.plan.ir.needs import needs_of
from superscalar.plan.ir.signatures import Output, Signature, Signatures
from support.reading import TOOLS, Reading, read


def lowered(plan: str) -> str:
    """The tasks of a plan as indented lines, its final join left out."""
    reading = read(plan)
    assert reading.found == [], "\n".join(map(str, reading.found))
    return "\n".join(line for line in reading.shown if not line.startswith("join() = ") or "join" in plan)


def _cases() -> dict[str, tuple[str, str]]:
    """`lowering.txt`: names with a plan and its tasks each."""
    text = (Path(__file__).parent / "lowering.txt").read_text()
    cases = {}
    for case in text.split("\n# ")[1:]:
        name, _, rest = case.partition("\n")
        plan, _, expected = rest.partition("\n->\n")
        cases[name] = plan, expected.strip("\n")
    return cases


CASES = _cases()


@pytest.mark.parametrize(("plan", "expected"), CASES.values(), ids=CASES)
def test_a_plan_comes_to_these_tasks(plan: str, expected: str) -> None:
    """The whole IR but for needs and spans."""
    assert lowered(plan) == expected


@pytest.mark.parametrize("plan", [plan for plan, _ in CASES.values()], ids=CASES)
def test_ids_are_unique_and_references_point_back(plan: str) -> None:
    """The graph has no cycle by construction (L8), and every task's needs are those of its work."""
    known: set[str] = set()

    def visit(tasks: tuple[ir.Task, ...], names: frozenset[str]) -> None:
        for task in tasks:
            assert task.id not in known
            references = {need.task for need in task.needs} | {guard.condition for guard in task.guards}
            assert references <= known | names
            if isinstance(task.work, ir.Map):
                visit(task.work.body, names | {task.work.item})
                assert {task.work.result, *task.work.keep, *task.work.chained} <= known | {task.work.item}
            assert task.needs == needs_of(task.work)
            known.add(task.id)

    visit(read(plan).program.in_order(), frozenset())


def test_spans_say_where_a_task_was_written() -> None:
    """A lifted call's own place, lines from 1 and columns from 0; not so inside an f-string, whose places Python
    gives differently from version to version."""
    spans = {task.id: tuple(task.span) for task in read("a = 1\nb = (f(1)\n  + g(2))\nc = f'é{f(1)}'\n").tasks}
    assert spans["a"] == (1, 4, 1, 5)
    assert spans["b.f"] == (2, 5, 2, 9)
    assert spans["b.g"] == (3, 4, 3, 8)
    assert spans["b"] == (2, 5, 3, 8)
    assert spans["c.f"] == spans["c"] == (4, 4, 4, 14)


def test_a_statement_gives_nothing_while_it_is_wrong() -> None:
    """Not even the calls in it that are right (L30)."""
    assert read("a = f(1) + g(missing)\n").tasks == []


def test_warnings_do_not_hold_a_plan_up() -> None:
    """They are said once, and the task is there (L32)."""
    tools = Signatures([*TOOLS, Signature("quote", "quote", output=Output("Quote", {"price": Output("float")}))])
    reading = Reading(tools)
    reading.feed("a = quote().cost\njoin(a)\n")
    assert [found.code for found in reading.found] == ["W501"]
    assert reading.program.complete


def test_a_long_chain_of_operands_is_lowered_in_linear_time() -> None:
    """Each test builds on the last one, so that a thousand operands are a thousand small expressions (L25)."""

    def size(value: object) -> int:
        names = getattr(value, "__dataclass_fields__", ())
        return 1 + sum(map(size, value if isinstance(value, tuple) else [getattr(value, name) for name in names]))

    few, many = (sum(size(task) for task in read(f"a = {' and '.join(['f(1)'] * n)}\n").tasks) for n in (20, 200))
    assert many < 11 * few
