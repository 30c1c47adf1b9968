"""Values that tools return without a thought are data, with and without a journal (rule L24)."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from superscalar import Failure, LLMCompiler, Observation, Tool, tool
from superscalar.plan.evaluate import expression as evaluate
from superscalar.testing import run
from superscalar.values import copied


class Stage(enum.Enum):
    WON = "won"
    LOST = "lost"


class Urgency(enum.IntEnum):
    LOW = 1
    HIGH = 3


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Odd(enum.Enum):
    PAIR = (1, [Stage.WON])


@dataclass
class Deal:
    id: int
    stage: Stage
    history: list[Stage] = field(default_factory=list)
    count: collections.Counter[str] = field(default_factory=collections.Counter)


class Model(BaseModel):
    stage: Stage
    by_stage: dict[Stage, int] = {}


class Pair(NamedTuple):
    left: Stage
    right: Any = None


class Rows(list[Any]):
    """A list of a class of its own, with something that belongs to it."""

    source = ""


class Box(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError(key)


class Day(dt.datetime):
    def isoformat(self, *_: Any) -> str:
        raise RuntimeError("never asked")


class NoDay(dt.datetime):
    """A date that is none, as some libraries have it."""

    def __new__(cls) -> NoDay:
        return dt.datetime.__new__(cls, 1, 1, 1)


class Table:
    columns = ("a",)

    def to_dict(self, how: str) -> Any:
        raise RuntimeError(how)


class Grid:
    def tolist(self) -> Any:
        raise RuntimeError("never asked")


def numpy(expression: str) -> Any:
    """A value of numpy, where it is installed."""
    return eval(expression, {"np": pytest.importorskip("numpy")})


ZONED = Day(2026, 1, 2, 3, tzinfo=dt.UTC, fold=1)
SAME: list[tuple[Callable[[], Any], Any]] = [
    (lambda: Stage.WON, "won"),
    (lambda: Urgency.HIGH, 3),
    (lambda: Rights.READ | Rights.WRITE, 3),
    (lambda: Odd.PAIR, (1, ["won"])),
    (lambda: [{"a": (Stage.WON, {Stage.LOST})}], [{"a": ("won", {"lost"})}]),
    (lambda: {Stage.WON: 1}, {"won": 1}),
    (lambda: frozenset([Stage.WON]), frozenset(["won"])),
    (lambda: Pair(Stage.WON, collections.deque([1])), ("won", [1])),
    (lambda: collections.defaultdict(list, a=[1]), {"a": [1]}),
    (lambda: collections.Counter("aab"), {"a": 2, "b": 1}),
    (lambda: collections.OrderedDict(a=1), {"a": 1}),
    (lambda: collections.deque([1, 2], 5), [1, 2]),
    (lambda: types.MappingProxyType({"a": 1}), {"a": 1}),
    (lambda: {"a": 1}.keys(), ["a"]),
    (lambda: {"a": 1}.items(), [("a", 1)]),
    (lambda: ZONED, dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC, fold=1)),
    (lambda: numpy("np.int64(3)"), 3),
    (lambda: numpy("np.float32(0.5)"), 0.5),
    (lambda: numpy("np.float64(0.5)"), 0.5),
    (lambda: numpy("np.bool_(True)"), True),
    (lambda: numpy("np.str_('x')"), "x"),
    (lambda: numpy("np.longdouble(0.5)"), 0.5),
    (lambda: numpy("np.datetime64('2026-01-02')"), dt.date(2026, 1, 2)),
    (lambda: numpy("np.timedelta64(90, 's')"), dt.timedelta(seconds=90)),
    (lambda: numpy("[np.int64(3), {np.int64(4): np.float32(0.5)}]"), [3, {4: 0.5}]),
]


def tools_with(make: Callable[[], Any]) -> list[Tool[..., Any]]:
    @tool(effect="read", dedupe=False)
    def get() -> Any:
        """Something."""
        return make()

    @tool(effect="read")
    def echo(value: Any) -> Any:
        """What it is given."""
        return value

    return [get, echo]


def outcomes(plan: str, make: Callable[[], Any], journal: Path | None = None) -> dict[str, Any]:
    agent = LLMCompiler(tools=tools_with(make), journal=journal)
    result = run(agent.execute(plan))
    return {name: o.value if isinstance(o, Observation) else o for name, o in result.items()}


@pytest.mark.parametrize(("make", "same"), SAME)
@pytest.mark.parametrize("journaled", [False, True])
def test_it_equals_what_it_stands_for(make: Callable[[], Any], same: Any, journaled: bool, tmp_path: Path) -> None:
    plan = "x = get()\ny = x == echo(get())\nz = [x]\njoin(x, y, z)\n"
    found = outcomes(plan, make, tmp_path / "runs.db" if journaled else None)
    assert (found["x"], found["y"], found["z"]) == (same, True, [same])
    if not isinstance(same, str | tuple):
        assert type(found["x"]) is type(same)


def test_a_field_that_holds_an_enum_equals_its_value_however_it_is_read() -> None:
    plan = """\
d = get()
same = [d.stage == "won", d["stage"] == "won", d.get("stage") == "won", f"{d.stage}" == "won"]
held = ["lost" in d.history, d.history == ["lost"], d.history[0] == "lost", {d.stage: 1}["won"], d.count["a"]]
kept = [x.id for x in [d] if x.stage in ("won", "paused")]
best = max([d], key=lambda x: x.history)
fallback = [d.get("prize"), d.get("prize", 3), d["id"]]
join()
"""
    found = outcomes(plan, lambda: Deal(7, Stage.WON, [Stage.LOST], collections.Counter("a")))
    assert found["same"] == [True] * 4
    assert found["held"] == [True, True, True, 1, 1]
    assert (found["kept"], found["best"].id, found["fallback"]) == ([7], 7, [None, 3, 7])


@pytest.mark.parametrize("journaled", [False, True])
def test_a_tool_gets_the_record_that_it_wants_and_a_copy_of_it(journaled: bool, tmp_path: Path) -> None:
    deal, model = Deal(7, Stage.WON, [Stage.LOST]), Model(stage=Stage.WON, by_stage={Stage.LOST: 1})
    seen: list[Any] = []

    @tool(effect="read", dedupe=False)
    def get() -> Deal:
        return deal

    @tool(effect="read", dedupe=False)
    def other() -> Model:
        return model

    @tool(effect="read", dedupe=False)
    def close(deal: Deal, model: Model, stage: Stage) -> str:
        seen.append((deal.stage, deal.history[:], model.stage, dict(model.by_stage), stage))
        deal.history.append(Stage.WON)
        model.by_stage[Stage.WON] = 2
        return deal.stage.name

    agent = LLMCompiler(tools=[get, other, close], journal=tmp_path / "runs.db" if journaled else None)
    plan = "d = get()\nm = other()\na = close(d, m, d.stage)\nb = close(d, m, m.stage) if a else 0\njoin(a, b)\n"
    assert run(agent.execute(plan))["join()"] == Observation(["WON", "WON"])
    assert seen == [(Stage.WON, [Stage.LOST], Stage.WON, {Stage.LOST: 1}, Stage.WON)] * 2
    assert (deal.history, model.by_stage) == ([Stage.LOST], {Stage.LOST: 1})


def test_a_collection_of_a_class_of_its_own_is_copied_as_what_it_derives_from() -> None:
    rows = Rows([Stage.WON, [1]])
    rows.source = "a file"
    box = Box(a=[1])
    found, held = copied(rows), copied(box)
    assert (type(found), found) == (list, ["won", [1]])
    assert (type(held), held) == (dict, {"a": [1]})
    found[1].append(2)
    held["a"].append(2)
    assert (rows[1], dict(dict.items(box))) == ([1], {"a": [1]})


def test_a_collection_of_a_class_of_its_own_goes_into_a_journal_as_what_it_derives_from(tmp_path: Path) -> None:
    found = outcomes("x = get()\ny = len(x)\njoin(x, y)\n", lambda: Rows([1, 2]), tmp_path / "runs.db")
    assert (list(found["x"]), found["y"]) == ([1, 2], 2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Grid, "an opaque Grid (its tool can return `.tolist()`)"),
        (Table, 'an opaque Table (its tool can return `.to_dict("records")`)'),
        (lambda: numpy("np.zeros(2)"), "an opaque ndarray (its tool can return `.tolist()`)"),
    ],
)
@pytest.mark.parametrize("use", ["x * 2", "[y for y in x]", "x[0]", "len(x)", "x.a", "sum(x)", "x < 1"])
def test_what_holds_many_numbers_of_a_library_is_a_handle_and_the_message_says_the_way_out(
    make: Callable[[], Any], says: str, use: str
) -> None:
    found = outcomes(f"x = get()\ny = {use}\njoin(y)\n", make)["y"]
    assert isinstance(found, Failure)
    assert says in found.message


def test_a_date_that_is_none_is_handed_on_and_fails_no_call() -> None:
    assert isinstance(outcomes("x = get()\njoin(x)\n", NoDay)["x"], dt.datetime)


def test_a_long_field_of_a_record_is_counted_each_time_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "MAX_STEPS", 200_000)
    long = Deal(1, Stage.WON, [Stage.LOST] * 90_000)
    found = outcomes("d = get()\nn = [len(d.history) for i in range(100000)]\njoin(n)\n", lambda: long)["n"]
    assert isinstance(found, Failure)
    assert found.kind == "bounds"
