"""Outcomes item by item (rules L15, L16), and what an expression makes of tasks that did not succeed (rule L20)."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate, item_outcomes
from superscalar.plan.ir import Expr, Ref, Unpacked
from superscalar.values import Failure, Observation, Outcome, Skipped
from support.expressions import read

down = Failure("error", "down", "IOError")
by_guard = Skipped("g", by_guard=True)
by_cause = Skipped("down")


def partly(*items: Outcome) -> Failure:
    return Failure("items", "some items failed", items=items)


OUTCOMES: dict[str, Outcome] = {
    "one": Observation(1),
    "whole": Observation([1, 2, 3]),
    "down": down,
    "unreached": by_guard,
    "skipped": by_cause,
    "some": partly(Observation(10), down, by_guard, Observation(30)),
    "none": partly(down, down),
    "pages": partly(Observation({"t": "a"}), down, Observation({"t": "c"}), Observation({})),
    "nested": partly(partly(Observation(1), down), Observation([5, 6])),
    "pairs": partly(Observation((1, 2)), down, Observation((3, 4))),
    "g": Observation(False),
}


def value(what: str | Expr) -> Any:
    return evaluate(read(what) if isinstance(what, str) else what, OUTCOMES.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ok(some)", [10, 30]),
        ("ok(whole)", [1, 2, 3]),
        ("ok(none)", []),
        ("ok(nested)", [[5, 6]]),
        ("ok(nested[0])", [1]),
        ("sum(ok(some)) / len(ok(some))", 20.0),
        ("ok([one, down, whole])", [1, [1, 2, 3]]),
        ("ok([p.t for p in pages])", ["a", "c"]),
        ("ok([p.t for p in pages if p.t != 'a'])", ["c"]),
        ("ok(ok(some))", [10, 30]),
        ("[len(ok(n)) for n in nested]", [1, 2]),
        ("default(one, 0)", 1),
        ("default(down, 0)", 0),
        ("default(skipped, 0)", 0),
        ("default(unreached, 0)", 0),
        ("default(some, 0)", 0),
        ("default(down + one, 0)", 0),
        ("default(one + one, down)", 2),
        ("default(default(down, skipped), 7)", 7),
        ("default(some[1], 7)", 7),
        ("default(whole.nothing, 7)", 7),
        ("default(1 / 0, 7)", 7),
        ("[default(x, 0) for x in some]", [10, 0, 0, 30]),
        ("[default(a + b, 0) for a, b in pairs]", [3, 0, 7]),
        ("some[0]", 10),
        ("some[3]", 30),
        ("some[-1]", 30),
        ("some[-4]", 10),
        ("[1 / 0, 5][1]", 5),
        ("[1 for p in pages]", [1, 1, 1, 1]),
        ("[1 for p in [one, down]]", [1, 1]),
        ("nested[1][0]", 5),
        ("nested[0][0]", 1),
        ("[one, down][0]", 1),
        ("[x for x in nested[1]]", [5, 6]),
        ("first(1, some)", [10]),
        ("first(2, some)", [10, 30]),
        ("first(2, whole)", [1, 2]),
        ("first(1, [down, one])", [1]),
        ("one or down", 1),
        ("g and down", False),
        ("one if one else down", 1),
        ("2 < one < down", False),
        ("[down for x in []]", []),
    ],
)
def test_what_looks_at_items_sees_those_that_succeeded(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "task", "outcome"),
    [
        ("down", "down", down),
        ("one + down", "down", down),
        ("ok(down)", "down", down),
        ("ok(unreached)", "unreached", by_guard),
        ("some + [1]", "some", OUTCOMES["some"]),
        ("len(some)", "some", OUTCOMES["some"]),
        ("some[one]", "some", OUTCOMES["some"]),
        ("some[0:1]", "some", OUTCOMES["some"]),
        ("some[1]", "some[1]", down),
        ("some[1].price", "some[1]", down),
        ("nested[0]", "nested[0]", partly(Observation(1), down)),
        ("nested[0][1]", "nested[0][1]", down),
        ("default(down, skipped)", "skipped", by_cause),
        ("first(1, down)", "down", down),
        ("[x for x in some]", "some[1]", down),
        ("[p.t for p in pages]", "pages[1]", down),
        ("[p for p in [one, down]]", "down", down),
        ("some[2]", "some[2]", by_guard),
        ("unreached + down", "down", down),
        ("unreached + some[1]", "some[1]", down),
        ("f'{unreached}{some[1]}'", "some[1]", down),
        ("unreached < some[1] < one", "some[1]", down),
        ("len([unreached, down])", "down", down),
        ("len({unreached: 1, 2: down})", "down", down),
        ("max(unreached, some[1])", "some[1]", down),
        ("[x for x in whole if down]", "down", down),
        ("f'{down}'", "down", down),
        ("[one, down][1]", "down", down),
        ("one and down", "down", down),
        ("1 < 2 < down", "down", down),
    ],
)
def test_every_other_use_of_what_did_not_succeed_is_unavailable(text: str, task: str, outcome: Outcome) -> None:
    with pytest.raises(Unavailable) as caught:
        value(text)
    assert (caught.value.task, caught.value.outcome) == (task, outcome)


def test_unpacking_counts_items_and_looks_at_one() -> None:
    assert [value(Unpacked(Ref("some"), at, 4)) for at in (0, 3)] == [10, 30]
    with pytest.raises(Unavailable, match=r"some\[1\]"):
        value(Unpacked(Ref("some"), 1, 4))
    with pytest.raises(EvaluationError, match="2 names are assigned, but there are 4 items"):
        value(Unpacked(Ref("some"), 0, 2))
    with pytest.raises(EvaluationError, match="4 names are assigned, but there are 3 items"):
        value(Unpacked(Ref("whole"), 0, 4))
    with pytest.raises(Unavailable, match="`down`"):
        value(Unpacked(Ref("down"), 0, 2))
    assert value(Unpacked(read("[one, down]"), 0, 2)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first(3, some)", "`first` wants 3, but 2 of 4 succeeded"),
        ("first(1, none)", "`first` wants 1, but 0 of 2 succeeded"),
        ("first(0, whole)", "at least 1"),
        ("first('a', whole)", 'not the text "a"'),
        ("first(1, one)", "cannot go through the number 1"),
        ("some[4]", "index 4 is out of range: it has 4 items"),
        ("some[-5]", "index -5 is out of range: it has 4 items"),
        ("ok()", "`ok` takes 1 argument; 0 given"),
        ("default(one)", "`default` takes 2 arguments; 1 given"),
        ("default(down, 1 / 0)", "divided by zero"),
        ("[1 / 0, 5][0]", "divided by zero"),
        ("len([1 / 0, 5])", "divided by zero"),
        ("unreached + 1 / 0", "divided by zero"),
        ("ok(1 / 0)", "divided by zero"),
    ],
)
def test_an_outcome_that_cannot_be_looked_at_is_an_error(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        value(text)


def test_only_outcomes_that_matter_are_asked_for() -> None:
    asked: list[str] = []

    def outcome(task: str) -> Outcome:
        asked.append(task)
        return OUTCOMES[task]

    assert evaluate(read("(one or down) + default(one, skipped)"), outcome) == 2
    assert asked == ["one", "one"]


def test_items_of_an_outcome_are_all_of_them() -> None:
    assert item_outcomes("some", OUTCOMES["some"]) == [Observation(10), down, by_guard, Observation(30)]
    assert item_outcomes("whole", Observation((1, 2))) == [Observation(1), Observation(2)]
    with pytest.raises(Unavailable):
        item_outcomes("down", down)
    with pytest.raises(EvaluationError, match="cannot go through the number 5"):
        item_outcomes("five", Observation(5))


def test_an_error_becomes_the_failure_of_its_task() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("one / 0")
    message = "the number 1 cannot be divided by zero"
    assert caught.value.failure == Failure("evaluation", message, "ZeroDivisionError")
    with pytest.raises(EvaluationError) as caught:
        value("2 ** 5000")
    assert caught.value.failure == Failure(
        "bounds", "the integer would have 5,001 bits; the bound is 4,096", "BoundError"
    )
