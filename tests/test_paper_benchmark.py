"""`benchmarks/paper`: gold plans, the oracle's schedule, the stand-ins for Wikipedia, and what is drawn and kept."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from benchmarks.paper import embedded, oracle, report
from benchmarks.paper.drawing import figure
from benchmarks.paper.figures import calculated, looked_up
from benchmarks.paper.oracle import SETTINGS, WAYS, Setting, bound, rows, scheduled
from benchmarks.paper.questions import DRAWN, HOTPOTQA, MOVIE, PARALLELQA, PaperQuestion, drawn, read_all
from benchmarks.paper.scores import is_right

from superscalar.comparison import Comparison
from superscalar.models import Request
from superscalar.models.base import Message, Preparation
from superscalar.testing import ScriptedModel, run
from support.shared_data import FOLDER

PAGES = {
    "Ada Dee": "Ada Dee (born 1901) was a poet.",
    "Bo Dee": "Bo Dee (born 1907) was a painter.",
    "Ink (film)": "Ink is a film directed by Bo Dee.",
}
COMPARISON = {
    "id": "c1",
    "question": "Who was born first, Ada Dee or Bo Dee?",
    "answer": "Ada Dee",
    "type": "comparison",
    "supporting": ["Ada Dee", "Bo Dee"],
    "paragraphs": PAGES,
}
BRIDGE = {
    **COMPARISON,
    "id": "b1",
    "question": "When was the director of Ink born?",
    "answer": "1907",
    "type": "bridge",
    "supporting": ["Bo Dee", "Ink (film)"],
}
TRENCHES = {"id": "1", "question": "Which trench would be shallower?", "answer": "Mariana Trench", "branch": 2}
DEEPER = {"id": "11", "question": "How much deeper would it be?", "answer": "100", "branch": 2}
FILMS = ("Fargo", "Seven", "Batman", "Juice", "Gandhi", "The Goods Live Hard, Sell Hard", "Hulk", "Goodfellas")
UNKNOWN = ("Fargo", "Monsters, Inc", *FILMS[2:])


def film_question(id: str, films: tuple[str, ...]) -> dict[str, str]:
    liked, options = ", ".join(films[:4]), "\n".join(films[4:])
    question = f"Find a movie similar to {liked}\nOptions:\n{options}\n"
    return {"id": id, "question": question, "answer": films[-1]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    films = [film_question("0", FILMS), film_question("1", UNKNOWN)]
    written: dict[str, list[Any]] = {HOTPOTQA: [COMPARISON, BRIDGE], PARALLELQA: [TRENCHES, DEEPER], MOVIE: films}
    for name, entries in written.items():
        (tmp_path / name).write_text(json.dumps(entries))
    return tmp_path


@pytest.fixture
def questions(folder: Path) -> dict[str, PaperQuestion]:
    return {question.id: question for question in read_all(folder)}


# ---------------------------------------------------------------------------------------------------------- gold plans


def test_a_bridge_takes_the_second_title_out_of_the_first_page_and_a_reader_just_writes_it(
    questions: dict[str, PaperQuestion],
) -> None:
    gold = questions["b1"].gold
    assert gold.plan == (
        'a = search("Ink (film)")\n'
        'a_name = extract(a, "str", "the name to look up next")\n'
        "b = search(a_name)\n"
        "join(b)\n"
    )
    assert gold.rewoo_plan == (
        '#E1 = search["Ink (film)"]\n#E2 = extract[#E1, str, the name to look up next]\n#E3 = search[#E2]\n'
    )
    assert gold.extracted == ('{"value": "Bo Dee"}',)
    assert [turn.splitlines()[-1] for turn in gold.react_turns] == [
        "Action: search[Ink (film)]",
        "Action: search[Bo Dee]",
        "Action: Finish[1907]",
    ]


def test_figures_are_looked_up_before_what_is_calculated_with_them(questions: dict[str, PaperQuestion]) -> None:
    gold = questions["parallelqa-1"].gold
    assert gold.plan == (
        'mariana = look_up("Mariana Trench", "depth")\n'
        'puerto = look_up("Puerto Rico Trench", "depth")\n'
        's1 = calculate(f"{mariana} * 0.8")\n'
        's2 = calculate(f"{puerto} * 1.2")\n'
        "join(s1, s2)\n"
    )
    first, second, _ = gold.native_turns
    assert [json.loads(line)["arguments"]["figure"] for line in first.splitlines()] == ["depth", "depth"]
    assert [json.loads(line)["arguments"] for line in second.splitlines()] == [
        {"expression": "10984 * 0.8"},
        {"expression": "8376 * 1.2"},
    ]


def test_a_film_with_a_comma_in_its_title_is_one_film(questions: dict[str, PaperQuestion]) -> None:
    searched = {
        id: tuple(step.arguments["query"] for step in questions[id].gold.steps) for id in ("movie-0", "movie-1")
    }
    assert searched == {"movie-0": FILMS, "movie-1": UNKNOWN}


# -------------------------------------------------------------------------------------------------------------- oracle


def test_the_oracle_answers_at_the_first_possible_moment(questions: dict[str, PaperQuestion]) -> None:
    found = scheduled(questions["c1"], Setting(100, 1.0))
    # The second line ends with the 11th token of four characters, its call a second later; the answer has 2 tokens.
    assert found.bound == pytest.approx(0.11 + 1.0 + 0.02)
    assert found.seconds["superscalar"] == pytest.approx(found.bound)
    assert found.seconds["one call at a time"] == pytest.approx(0.06 + 2.0 + 0.02)


def test_the_oracle_is_sooner_with_us_than_in_any_other_way(questions: dict[str, PaperQuestion]) -> None:
    some = [questions["c1"], questions["b1"], questions["parallelqa-1"]]
    found = rows([scheduled(question, setting) for question in some for setting in (SETTINGS[0], Setting(50, 1.0))])
    assert oracle.missed(found) == []
    assert [row.ratio for row in found] == pytest.approx([1.0] * len(found))
    every = next(row for row in found if row.source == "all" and row.setting == Setting(50, 1.0))
    assert min(every.speedup(way) for way in WAYS if way != "superscalar") > 1.2


def test_a_chain_is_as_soon_one_call_at_a_time_which_is_no_miss_at_the_bound(
    questions: dict[str, PaperQuestion],
) -> None:
    found = scheduled(questions["b1"], Setting(50, 1.0))
    assert found.seconds["one call at a time"] == found.seconds["superscalar"]
    assert oracle.missed(rows([found])) == []
    late = oracle.Scheduled(found.id, found.source, found.setting, found.seconds, found.bound / 2)
    assert len(oracle.missed(rows([late]))) == 2  # over all sources, and over this one


def test_a_reply_of_extract_takes_its_time_in_the_bound(questions: dict[str, PaperQuestion]) -> None:
    gold = questions["b1"].gold
    assert bound(gold, Setting(100, 0.0)) == pytest.approx(0.27 + 0.01)  # the plan has 107 characters, the answer 4
    assert bound(gold, Setting(100, 5.0)) == pytest.approx(0.07 + 5.0 + 0.05 + 5.0 + 0.01)


# -------------------------------------------------------------------------------------------------------------- tools


def called(question: PaperQuestion, name: str, *arguments: Any) -> Any:
    (found,) = (tool for tool in question.tools(0.5) if tool.name == name)
    return run(found(*arguments))


def test_a_search_finds_the_paragraph_that_fits_best(questions: dict[str, PaperQuestion]) -> None:
    assert called(questions["c1"], "search", "When was Bo Dee born?") == f"Bo Dee: {PAGES['Bo Dee']}"
    with pytest.raises(LookupError, match="no article fits 'xyz'"):
        called(questions["c1"], "search", "xyz")


@pytest.mark.parametrize("name", ["Mariana Trench", "the mariana trench", "Mariana", "Mariana Trensh"])
def test_a_figure_is_found_by_any_usual_name(name: str) -> None:
    assert looked_up(name, "depth") == 10_984


def test_a_figure_of_another_kind_is_not_known() -> None:
    with pytest.raises(LookupError, match="no speed of 'Mariana Trench'"):
        looked_up("Mariana Trench", "speed")


@pytest.mark.parametrize(
    ("expression", "value"), [("max(2, 3) * (4 - 1.5)", 7.5), ("200 * 20%", 40.0), ("-abs(-2) / 4", -0.5)]
)
def test_sums_are_worked_out(expression: str, value: float) -> None:
    assert calculated(expression) == value


@pytest.mark.parametrize("expression", ["2 ** 9", "__import__('os')", "1 / 0", "Texas * 2", "(1).real", "", "[1, 2]"])
def test_nothing_but_a_sum_is_worked_out(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot calculate"):
        calculated(expression)


# ----------------------------------------------------------------------------------------------------------- questions


def test_what_the_stand_ins_cannot_answer_is_not_drawn(questions: dict[str, PaperQuestion]) -> None:
    assert [question.id for question in drawn(list(questions.values()))] == ["c1", "b1", "parallelqa-1", "movie-0"]


def test_where_the_questions_are_not_there_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no {re.escape(HOTPOTQA)} in .*--data"):
        read_all(tmp_path)


@pytest.mark.skipif(not (FOLDER / PARALLELQA).is_file(), reason=f"no {PARALLELQA} in {FOLDER}")
def test_gold_plans_of_all_questions_of_parallelqa_come_to_its_answers() -> None:
    every = read_all(FOLDER)
    assert all(question.answerable for question in every if question.source == "parallelqa")
    counted = {source: sum(question.source == source for question in drawn(every)) for source in DRAWN}
    assert counted == {"comparison": 7, "bridge": 25, "parallelqa": 25, "movie": 10}


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        ("It would be 5,930.8 metres deeper.", "5931.80", True),
        ("10 % of 5931 is 593", "5931.80", False),
        ("The Mariana Trench", "Mariana Trench", True),
        ("Mariana Trench, and not the Sunda Trench", "Mariana Trench", False),
        ("", "5931.80", False),
        ("No, they are not.", "no", True),
        ("There is no such country.", "no", False),
    ],
)
def test_an_answer_is_right_by_its_last_number_or_by_the_only_name(answer: str, expected: str, right: bool) -> None:
    assert is_right(answer, expected, ["Sunda Trench"]) == right


# --------------------------------------------------------------------------------------------------------- whole runs


class Reader:
    """A model that answers each kind of request about the comparison as one would that can read."""

    name = "reader"
    constrains = False

    def __init__(self) -> None:
        self.asked = 0

    async def stream(self, request: Request) -> Any:
        self.asked += 1
        async for chunk in ScriptedModel(self._reply(request)).stream(request):
            yield chunk

    def _reply(self, request: Request) -> str:
        system, last = request.messages[0].text, request.messages[-1].text
        if "Thought" in system:
            return "Thought: I know.\nAction: Finish[Ada Dee]" if "Observation" in last else "Action: search[Ada Dee]"
        if request.tools:
            call = {"name": "search", "arguments": {"query": "Ada Dee"}}
            return "Ada Dee" if "<results>" in last else json.dumps(call)
        if "<results>" in last:
            return "Ada Dee"
        return "#E1 = search[Ada Dee]\n" if "#E1" in system else "join(search('Ada Dee'), search('Bo Dee'))\n"


def test_each_way_is_asked_each_question_and_nothing_twice(questions: dict[str, PaperQuestion], tmp_path: Path) -> None:
    model = Reader()
    asked, out = [questions["c1"]], tmp_path / "answers.jsonl"

    def ask() -> Comparison:
        return run(embedded.answered(model, asked, out, minutes=1.0, say=lambda _: None))

    comparison = ask()
    assert {(row.way, row.answer, row.exact, row.judged) for row in comparison.rows} == {
        (way, "Ada Dee", True, 1.0) for way in embedded.KINDS
    }
    assert {row.way: (row.calls, row.seconds) for row in comparison.rows} == {
        "superscalar": (2, 0.5),
        "ReAct": (1, 0.5),
        "native parallel": (1, 0.5),
        "ReWOO": (1, 0.5),
    }
    before = model.asked
    assert ask() == comparison
    assert model.asked == before
    assert [row.way for row in embedded.kept_rows(out)] == list(embedded.KINDS)


class SlowReader(Reader):
    """One that can be told beforehand what it will read."""

    def __init__(self) -> None:
        super().__init__()
        self.warmed: list[str] = []

    async def warm(self, messages: Sequence[Message]) -> AsyncGenerator[Preparation, None]:
        if messages:
            self.warmed.append(messages[0].text)
        yield Preparation("reading", 1.0)


def test_a_model_reads_what_each_way_begins_with_before_the_first_question_of_a_source(
    questions: dict[str, PaperQuestion], tmp_path: Path
) -> None:
    model, one = SlowReader(), questions["c1"]
    asked = [one, replace(one, id="c2", text="Who was born last, Ada Dee or Bo Dee?")]
    run(embedded.answered(model, asked, tmp_path / "out", minutes=1.0, say=lambda _: None))
    wanted = {
        "Thought, Action and Observation": 1,
        "#E1": 1,
        "Tools were called to answer": 2,
        "several tools in one turn": 1,
    }
    assert {words: sum(words in text for text in model.warmed) for words in wanted} == wanted


def test_what_was_measured_goes_between_the_marks_of_the_page_and_into_a_figure(
    questions: dict[str, PaperQuestion], tmp_path: Path
) -> None:
    found = rows([scheduled(questions["c1"], Setting(50, 1.0))])
    answered = run(embedded.answered(Reader(), [questions["c1"]], tmp_path / "out", minutes=1.0, say=lambda _: None))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.into_page(page, report.markdown(found, {"comparison": answered}, "a model"))
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| superscalar | 1 of 1 | 1.00 | 1.00 | 1.00 | 0.5 (0.5 to 0.5) |" in text
    drawing = figure(report.panels(found, {"comparison": answered}, "a <model>"))
    root = ET.fromstring(drawing)
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Whole runs with a <model>, tools of 0.5 s" in texts
    assert len([text for text in texts if " x, " in text]) == len(WAYS) + len(embedded.KINDS)


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text")
    with pytest.raises(ValueError, match="no marks"):
        report.into_page(page, "tables")
    assert page.read_text() == "text"
