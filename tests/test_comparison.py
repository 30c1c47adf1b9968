"""The same questions in several ways: in turns, on a virtual clock, with figures that say what they are of."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from examples.executors.dry_run import DryRun

from superscalar import Failure, LLMCompiler, Usage, UsageError, tool
from superscalar.comparison import Asked, Comparison, ComparisonRow, Paired, Spread, compare, contenders, read_questions
from superscalar.comparison.asking_each import setup_of
from superscalar.comparison.busy import Busy
from superscalar.comparison.rows import KeptRows
from superscalar.comparison.scores import exact_match, f1_score
from superscalar.events import DeadlinePassed, Event, Failed, ModelAsked, ModelUsed, Retrying, Started, Succeeded
from superscalar.models.base import Chunk, Request
from superscalar.testing import ScriptedModel, run
from support.compared import ASKED, price, two_ways

DOWN = Failure("error", "down")
BOTH = [Started(1.0, "a", "t", {}), Started(2.0, "b", "t", {})]


def rows_of(found: Comparison) -> list[tuple[str, str, int]]:
    return [row.key for row in found.rows]


def test_ways_are_asked_in_turns_and_who_begins_changes() -> None:
    found = run(compare(two_ways(times=2), ASKED, repeat=2))
    assert rows_of(found) == [
        ("dearest", "plan", 1),
        ("dearest", "react", 1),
        ("ibm", "react", 1),
        ("ibm", "plan", 1),
        ("dearest", "react", 2),
        ("dearest", "plan", 2),
        ("ibm", "plan", 2),
        ("ibm", "react", 2),
    ]


def test_a_row_says_what_came_of_a_question_and_what_it_took() -> None:
    plan, react = run(compare(two_ways(), ASKED[:1])).rows
    assert replace(plan, setup="", input_tokens=0, output_tokens=0) == ComparisonRow(
        id="dearest",
        way="plan",
        repeat=1,
        question="Which of IBM and MSFT is dearer?",
        answer="MSFT.",
        expected=("MSFT",),
        exact=True,
        f1=1.0,
        judged=None,
        seconds=4.0,
        model_seconds=2.0,
        tool_seconds=2.0,
        input_tokens=0,
        cached_tokens=0,
        output_tokens=0,
        calls=2,
        rounds=1,
        cost=0.0,
        error="",
        setup="",
    )
    assert (react.answer, react.exact, react.f1) == ("It is MSFT", False, 0.5)
    assert (react.seconds, react.model_seconds, react.tool_seconds, react.calls, react.rounds) == (7.0, 3.0, 4.0, 2, 3)


# --------------------------------------------------------------------------------------------- right, or how nearly


@pytest.mark.parametrize(
    ("answer", "expected", "exact", "f1"),
    [
        ("The  Beatles!", ["beatles"], True, 1.0),
        ("John Ronald Tolkien", ["J. R. R. Tolkien", "Tolkien"], False, 0.5),
        ("in 1942, in May", ["May 1942"], False, 2 * 2 / (4 + 2)),
        ("yes, it is", ["yes"], False, 0.0),
        ("no", ["yes", "no"], True, 1.0),
        ("the", [""], True, 1.0),
        ("", ["x"], False, 0.0),
    ],
)
def test_answers_are_compared_as_the_benchmarks_do(answer: str, expected: list[str], exact: bool, f1: float) -> None:
    assert (exact_match(answer, expected), f1_score(answer, expected)) == (exact, f1)


def test_a_run_that_fails_is_a_wrong_answer_and_takes_no_time() -> None:
    agents = {
        "plan": LLMCompiler(ScriptedModel("join(price('MSFT'))\n", "MSFT", "join(cost(1))"), [price], max_repairs=0)
    }
    found = run(compare(agents, ASKED))
    assert [(row.answer, row.exact, row.f1, row.error.partition("\n")[0]) for row in found.rows] == [
        ("MSFT", True, 1.0, ""),
        (None, False, 0.0, "PlanError: the planner's plan still has errors"),
    ]
    summary = found.of("plan")
    assert (summary.asked, summary.answered, summary.right) == (2, 1, {"exact": 0.5, "f1": 0.5})
    assert summary.spent["seconds"] == Spread(2.0, 2.0, 2.0, 1, 2.0)


def test_an_answer_that_was_cut_is_none() -> None:
    agents = {"plan": LLMCompiler(ScriptedModel("join(1)\n", "MS", "MS", finish="length"), joiner_timeout=None)}
    (row,) = run(compare(agents, ASKED[:1])).rows
    assert (row.answer, row.exact, row.error.startswith("the answer was cut")) == (None, False, True)


def test_without_expected_answers_nothing_is_said_of_that() -> None:
    found = run(compare(two_ways(), [replace(ASKED[0], answers=())]))
    assert [(row.exact, row.f1, row.judged) for row in found.rows] == [(None, None, None)] * 2
    assert found.of("plan").right == {}


def test_a_judge_says_how_right_an_answer_is() -> None:
    async def judge(question: str, answer: str, expected: tuple[str, ...]) -> float:
        return 1.0 if answer.startswith(expected[0]) else 0.25

    found = run(compare(two_ways(), ASKED[:1], judge=judge))
    assert [row.judged for row in found.rows] == [1.0, 0.25]
    with pytest.raises(UsageError, match=r"the judge said 'good' of 'dearest'"):
        run(compare(two_ways(), ASKED[:1], judge=lambda *_: "good"))  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- what it took


def test_where_nobody_knows_the_prices_nobody_knows_the_cost() -> None:
    class Unpriced(ScriptedModel):
        prices = None

    @tool(effect="read", cost=0.5)
    def paid() -> int:
        """Something that costs."""
        return 1

    plan = "join(paid())\n"
    models = [ScriptedModel(plan, "1"), Unpriced(plan, "1")]
    known, unknown = (run(compare({"plan": LLMCompiler(model, [paid])}, ASKED[:1])) for model in models)
    assert (known.rows[0].cost, unknown.rows[0].cost) == (0.5, None)
    assert "cost" in known.of("plan").spent
    assert "cost" not in unknown.of("plan").spent


def test_a_cost_of_which_a_part_is_not_known_is_not_known() -> None:
    class Unpriced(ScriptedModel):
        prices = None

    class Priced(ScriptedModel):
        async def stream(self, request: Request) -> AsyncIterator[Chunk]:
            async for chunk in super().stream(request):
                yield replace(chunk, usage=None if chunk.usage is None else replace(chunk.usage, cost=0.25))

    def cost(joiner: ScriptedModel) -> float | None:
        agent = LLMCompiler(Priced("join(1)\n", name="priced"), joiner=joiner)
        return run(compare({"plan": agent}, ASKED[:1])).rows[0].cost

    assert (cost(Unpriced("1", name="other")), cost(Priced("1", name="other"))) == (None, 0.5)


def test_a_number_counts_as_it_is_written(tmp_path: Path) -> None:
    text = '{"question": "a", "answers": [129.40, 7, 1e3], "id": 1.0}'
    (asked,) = read_questions(text, name="q", folder=tmp_path)
    assert asked == Asked("1.0", "a", ("129.40", "7", "1e3"))


@pytest.mark.parametrize(
    ("happened", "busy"),
    [
        ([], Busy()),
        ([ModelAsked(1.0, "planner"), ModelUsed(3.0, "planner", Usage())], Busy(2.0, 0.0)),
        ([ModelAsked(1.0, "planner"), ModelAsked(2.0, "planner"), ModelUsed(3.0, "planner", Usage())], Busy(2.0, 0.0)),
        ([*BOTH, Failed(4.0, "a", DOWN), Succeeded(5.0, "b", 1)], Busy(0.0, 4.0)),
        (
            [BOTH[0], Retrying(2.0, "a", 1, DOWN, 5.0), Started(7.0, "a", "t", {}, 2), Succeeded(8.0, "a", 1)],
            Busy(0.0, 2.0),
        ),
        ([Started(1.0, "a", "read", {}), ModelAsked(1.5, "read"), ModelUsed(3.0, "read", Usage())], Busy(1.5, 0.0)),
        ([Started(1.0, "a", "t", {}), DeadlinePassed(3.0)], Busy(0.0, 2.0)),
    ],
)
def test_what_is_at_work_is_counted_once(happened: list[Event], busy: Busy) -> None:
    assert Busy.of(happened) == busy


def test_pairs_are_of_the_same_questions_and_their_interval_is_always_the_same() -> None:
    made = run(compare(two_ways(), ASKED[:1])).rows[0]

    def row(id: str, way: str, seconds: float, error: str = "") -> ComparisonRow:
        return replace(made, id=id, way=way, seconds=seconds, exact=not error, error=error)

    rows = [row(str(n), "a", 1.0 + n % 2) for n in range(8)] + [row(str(n), "b", 4.0) for n in range(7)]
    found = Comparison((*rows, row("7", "b", 0.1, "ModelError: down"))).paired("a", "b")
    seconds, exact = found.differences["seconds"], found.differences["exact"]
    assert seconds.pairs == 7  # the eighth gave no answer
    assert seconds.value == pytest.approx(10 / 7 - 4)
    assert (exact.value, exact.pairs) == (0.125, 8)
    assert seconds.low is not None
    assert seconds.high is not None
    assert -3.0 <= seconds.low < seconds.value < seconds.high <= -2.0
    assert found.speedup is not None
    assert found.speedup.value == pytest.approx(28 / 10)
    assert Comparison((*rows, rows[-1])).paired("a", "b").differences["seconds"] == seconds
    with pytest.raises(UsageError, match="nothing was asked in the way 'c'"):
        Comparison(tuple(rows)).paired("a", "c")


# -------------------------------------------------------------------------------------------------- what is asked


def test_a_question_may_have_tools_of_its_own() -> None:
    def quick(ticker: str) -> int:
        """Another price."""
        return 7

    quick.__name__ = "price"
    own = tool(effect="read", trust="trusted")(quick)
    found = run(compare({"plan": two_ways()["plan"]}, [ASKED[0], replace(ASKED[1], tools=lambda: [own])]))
    assert [row.seconds for row in found.rows] == [4.0, 2.0]


def test_what_writes_is_refused_unless_it_is_known_not_to() -> None:
    @tool(effect="write")
    def order(ticker: str) -> str:
        """Order a share."""
        return "ordered"

    def asked(**options: Any) -> Comparison:
        return run(
            compare({"plan": LLMCompiler(ScriptedModel("join(order('IBM'))", "Done."), [order], **options)}, ASKED[:1])
        )

    with pytest.raises(UsageError, match="order: each way would write anew"):
        asked()
    dry = DryRun()
    assert asked(executor=dry).rows[0].calls == 1
    assert [call.tool for call in dry.calls] == ["order"]
    with pytest.raises(UsageError, match="order: each way"):
        run(compare(two_ways(), [replace(ASKED[0], tools=lambda: [order])]))


def test_baselines_are_told_what_the_agent_is_and_share_its_model() -> None:
    agent = LLMCompiler("local", [price], joiner="local", instructions="Be brief.", fallback="native")
    found = contenders(agent, ["react", "rewoo", "sequential", "native"])
    assert list(found) == ["superscalar", "react", "rewoo", "sequential", "native"]
    told = [given for one in found.values() for given in (one.options.model, one.options.joiner) if given != "same"]
    models = {id(model) for given in told if isinstance(given, list) for model in given}
    assert len(told) == 8  # turns have no joiner
    assert len(models) == 1
    assert {one.options.instructions for one in found.values()} == {"Be brief."}
    assert [one.options.fallback for one in found.values()] == ["native", None, None, "native", None]
    assert [list(one.tools.by_alias) for one in found.values()] == [["price"]] * 5
    with pytest.raises(UsageError, match="there is no way 'magic'"):
        contenders(agent, ["magic"])
    with pytest.raises(UsageError, match="native has no joiner"):
        contenders(agent.with_options(output_type=int), ["native"])


@pytest.mark.parametrize(
    ("questions", "changed", "said"),
    [
        ([replace(ASKED[0], question="Another?")], {}, "holds another question 'dearest'"),
        ([replace(ASKED[0], answers=("IBM",))], {}, "holds another question 'dearest'"),
        (ASKED, {"instructions": "Be brief."}, "holds answers of 'plan' with another model, other tools or options"),
    ],
)
def test_answers_of_something_else_are_not_gone_on_with(
    tmp_path: Path, questions: list[Asked], changed: dict[str, Any], said: str
) -> None:
    out = tmp_path / "answers.jsonl"
    first = run(compare(two_ways(), ASKED, out=out))
    there = out.read_bytes()
    with pytest.raises(UsageError, match=said):
        run(compare(two_ways(**changed), questions, out=out))
    assert out.read_bytes() == there
    with pytest.raises(UsageError, match="holds answers of 'plan' with another model"):
        run(compare(two_ways(), ASKED, out=out, deadline=99.0))
    more = [*ASKED, replace(ASKED[0], id="again")]
    assert run(compare(two_ways(), more, out=out)).rows[:4] == first.rows


def test_there_has_to_be_something_to_ask() -> None:
    for agents, questions, repeat in (
        ({}, ASKED, 1),
        (two_ways(), [], 1),
        (two_ways(), ASKED, 0),
        (two_ways(), [ASKED[0]] * 2, 1),
    ):
        with pytest.raises(UsageError):
            run(compare(agents, questions, repeat=repeat))


def test_the_table_has_a_column_for_each_way_and_leaves_out_what_nobody_took() -> None:
    found = run(compare(two_ways(times=2), ASKED, repeat=2))
    lines = {title: cells for title, *cells in (re.split("  +", line.strip()) for line in found.table().splitlines())}
    assert lines["seconds"] == ["4", "5.5 (4 to 7)"]
    assert lines["a tool at work"] == ["2", "3 (2 to 4)"]
    assert lines["exact match"] == ["100%", "50%"]
    assert not {"cost", "of these kept before"} & lines.keys()
    assert (
        "  react takes 1.38 (1.00 to 1.75) times as long as plan, over 2 questions that both answered" in found.table()
    )
    assert "  exact match: +50 (+0 to +100) points" in found.table()


def test_the_same_model_on_another_server_is_another_one() -> None:
    class Served(ScriptedModel):
        address = "http://127.0.0.1:1/v1"

    here, again, there = Served(), Served(), Served()
    there.address = "http://127.0.0.1:2/v1"
    first, second, third = (setup_of(LLMCompiler(model, [price])) for model in (here, again, there))
    assert first == second != third


def test_a_model_is_loaded_before_anybody_is_asked() -> None:
    class Loaded(ScriptedModel):
        async def prepare(self) -> None:
            if not self.requests:
                await asyncio.sleep(30)

    model = Loaded("join(price('IBM'))\n", "140")
    (row,) = run(compare({"plan": LLMCompiler(model, [price])}, ASKED[1:])).rows
    assert (row.seconds, row.exact) == (2.0, True)


def test_many_questions_have_the_interval_that_draws_would_come_to() -> None:
    """Draws of a thousand questions, and what is reckoned of one more, are the same but for the noise of draws."""
    made = run(compare(two_ways(), ASKED[:1])).rows[0]

    def found(questions: int) -> Paired:
        rows = []
        for n in range(questions):
            rows.append(replace(made, id=str(n), way="a", seconds=1.0 + n % 3, exact=n % 2 == 0))
            rows.append(replace(made, id=str(n), way="b", seconds=2.0 + n % 5, exact=n % 3 == 0))
        return Comparison(tuple(rows)).paired("a", "b")

    drawn, reckoned = found(1000), found(1001)
    ours = [(one.differences["seconds"], one.differences["exact"], one.speedup) for one in (drawn, reckoned)]
    for before, after in zip(*ours, strict=True):
        assert before is not None
        assert after is not None
        assert after.pairs == 1001
        assert after.low is not None
        assert after.high is not None
        assert after.low < after.value < after.high
        assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=0.02)


def test_two_comparisons_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is refused before it asks anything; once the first is over, the file may be gone on from."""
    out = tmp_path / "a.jsonl"
    with KeptRows(out), pytest.raises(UsageError, match="another comparison is writing its answers there"):
        run(compare(two_ways(), ASKED, out=out))
    assert len(run(compare(two_ways(), ASKED, out=out)).rows) == 4
    assert len(out.read_text().splitlines()) == 5


def test_an_answer_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    row = run(compare(two_ways(), ASKED[:1])).rows[0]
    kept = KeptRows(tmp_path / "a.jsonl")
    kept.keep(row)
    kept.close()
    with pytest.raises(UsageError, match=r"a\.jsonl is closed"):
        kept.keep(row)
    other = tmp_path / "b.txt"
    other.write_text("mine")
    other.chmod(0o644)
    with pytest.raises(UsageError, match="no file of answers"):
        KeptRows(other)
    assert (other.read_text(), other.stat().st_mode & 0o777) == ("mine", 0o644)
    (tmp_path / "a.jsonl").write_text(
        (tmp_path / "a.jsonl").read_text().replace('"seconds": ', '"seconds": NaN, "x": ')
    )
    with pytest.raises(UsageError, match="line 2 is no answer"):
        KeptRows(tmp_path / "a.jsonl")
