"""`superscalar compare`: a file of questions, the same agent in several ways, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superscalar.cli.app import app
from support.folders import standing_in

AGENT = '''
import signal
from superscalar import LLMCompiler, tool
from superscalar.testing import ScriptedModel

PRICES = {"IBM": 140, "MSFT": 410}

@tool(effect="read", trust="trusted")
def price(ticker: str) -> int:
    """Latest price."""
    return PRICES[ticker]

@tool(effect="write")
def order(ticker: str) -> str:
    """Order a share."""
    return "ordered"

def reply(request):
    """A plan, an action or an answer, by what it is asked; nobody else would know."""
    told = "\\n".join(message.text for message in request.messages)
    ticker = "IBM" if "IBM" in request.messages[-1].text or "IBM" in told.rpartition("Question:")[2] else "MSFT"
    in_text = "Thought, Action and Observation" in told
    if request.messages[-1].text.startswith("Observation:"):
        return f"Action: Finish[{PRICES[ticker]}]"
    if in_text:
        return f"Action: price[{ticker}]"
    if "<results>" in told:
        return str(PRICES[ticker])
    return f"join(price('{ticker}'))"

agent = LLMCompiler(ScriptedModel(*[reply] * 99), [price])
writing = LLMCompiler(ScriptedModel(*[reply] * 99), [price, order])
broken = LLMCompiler(ScriptedModel(*["join(cost(1))"] * 99), [price])

def raises(question, answer, expected):
    raise ValueError("no verdict")

def in_words(question, answer, expected):
    return 1.0 if answer in expected else 0.5

def stops(question, answer, expected):
    if "MSFT" in question:
        signal.raise_signal(signal.SIGINT)
    return True
'''
QUESTIONS = (
    '{"question": "What is IBM at?", "answer": 140}\n\n'
    '{"id": "m", "question": "What is MSFT at?", "answers": ["410", "410 USD"]}\n'
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"asker.py": AGENT, "q.jsonl": QUESTIONS}, COLUMNS="200") as place:
        yield place


def done(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["compare", *arguments], prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


TWO = ["q.jsonl", "--agent", "asker:agent", "--against", "react"]


def test_a_table_is_printed_and_progress_beside_it() -> None:
    code, out, err = done(*TWO)
    rows = {line[:22].strip(): line[22:].split("  ") for line in out.splitlines()[:5]}
    assert code == 0
    assert [cell.strip() for cell in rows["exact match"] if cell.strip()] == ["100%", "100%"]
    assert "superscalar minus react" in out
    lines = [line.split() for line in err.splitlines()]
    assert [(line[3], line[4], line[-1]) for line in lines] == [
        ("superscalar", "1", "right"),
        ("react", "1", "right"),
        ("react", "m", "right"),
        ("superscalar", "m", "right"),
    ]


def test_as_json_it_is_one_document() -> None:
    code, out, err = done(*TWO, "--json", "--quiet", "--judge", "asker:in_words", "--repeat", "2", "--limit", "1")
    document = json.loads(out)
    assert (code, err, document["complete"], len(document["rows"])) == (0, "", True, 4)
    assert document["ways"]["react"]["right"] == {"exact": 1.0, "f1": 1.0, "judged": 1.0}
    assert document["paired"][0]["differences"]["calls"] == {"value": 0.0, "low": None, "high": None, "pairs": 1}


def test_a_page_holds_all_of_it_and_nothing_that_acts() -> None:
    Path("q.jsonl").write_text('{"question": "What is <b>IBM</b> at?", "answer": "140"}')
    done(*TWO, "--html", "report.html", "--quiet")
    page = Path("report.html").read_text()
    assert "What is &lt;b&gt;IBM&lt;/b&gt; at?" in page
    assert page.count('<td class="right">140</td>') == 2
    assert "http" not in page.replace('lang="en"', "")


def test_it_goes_on_from_the_answers_that_are_there_and_asks_nothing_twice() -> None:
    whole = done(*TWO, "--out", "a.jsonl", "--json", "--quiet")[1]
    lines = Path("a.jsonl").read_text().splitlines(keepends=True)
    Path("a.jsonl").write_text("".join(lines[:3]) + lines[3][:40])  # killed in the middle of a line
    again = done(*TWO, "--out", "a.jsonl", "--json", "--quiet")[1]
    first, second = json.loads(whole)["rows"], json.loads(again)["rows"]
    assert first[:2] == second[:2]
    assert [row["id"] for row in second] == ["1", "1", "m", "m"]
    assert len(Path("a.jsonl").read_text().splitlines()) == 5


def test_ctrl_c_prints_what_is_there_and_keeps_it() -> None:
    code, out, err = done(*TWO, "--judge", "asker:stops", "--out", "a.jsonl", "--json")
    document = json.loads(out)
    assert (code, document["complete"], [row["id"] for row in document["rows"]]) == (130, False, ["1", "1", "m"])
    assert len(Path("a.jsonl").read_text().splitlines()) == 1 + 3
    Path("a.jsonl").unlink()
    code, out, err = done(*TWO, "--judge", "asker:stops", "--out", "a.jsonl")
    assert (code, "answered" in out) == (130, True)
    assert "Stopped. 3 answers of 4 are there; the same command goes on from a.jsonl." in err


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"question": "a"}\n{"question": "b"', "q.jsonl, line 2 is not JSON"),
        ('{"question": "a", "question": "b"}', "line 1 is not JSON"),
        ('{"question": "a"}\n\n["b"]', "line 3 is ['b']"),
        ('{"question": " "}', "\"question\" is ' '"),
        ('{"question": 12}', '"question" is 12'),
        ('{"answer": "a"}', '"question" is None'),
        ('{"question": "a", "expected": "b"}', "nobody knows expected"),
        ('{"question": "a", "answer": ["b", null]}', '"answer" is'),
        ('{"question": "a", "answers": [true]}', '"answer" is True'),
        ('{"question": "a", "answer": "b", "answers": ["b"]}', 'has "answer" and "answers"'),
        ('{"id": 1, "question": "a"}\n{"id": "1", "question": "b"}', "there is a question '1' above"),
        ('{"question": "a", "files": ["none.png"]}', "there is no file none.png"),
        ('{"question": "a", "files": "none.png"}', "write a list of paths"),
        ("\n", "has no question"),
    ],
)
def test_a_line_that_is_none_is_told_before_anything_is_asked(lines: str, said: str) -> None:
    Path("q.jsonl").write_text(lines)
    code, out, err = done(*TWO, "--out", "a.jsonl")
    assert (code, out, Path("a.jsonl").exists()) == (2, "", False)
    assert said in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.jsonl", "--agent", "asker:agent"], "none.jsonl cannot be read"),
        (["q.jsonl", "--agent", "asker:agent", "--against", "magic"], "there is no way 'magic'"),
        (["q.jsonl", "--agent", "asker:writing"], "order: each way would write anew"),
        (["q.jsonl", "--agent", "asker:agent", "--judge", "asker"], "name a function in it"),
        (["q.jsonl", "--agent", "asker:agent", "--judge", "asker:raises"], "the judge failed at '1': ValueError: no"),
        (["q.jsonl", "--agent", "asker:agent", "--html", "no/page.html"], "there is no directory no"),
        (["q.jsonl", "--agent", "asker:agent", "--html", "q.jsonl"], "that is the file of the questions"),
        (["q.jsonl", "--agent", "asker:agent", "--out", "asker.py"], "is no file of answers"),
        (["q.jsonl", "--agent", "asker:agent", "--out", "q.jsonl"], "is no file of answers"),
    ],
)
def test_what_cannot_be_compared_is_refused(options: list[str], said: str) -> None:
    before = Path("q.jsonl").read_text(), Path("asker.py").read_text()
    code, _, err = done(*options)
    assert (code, said in err) == (2, True)
    assert (Path("q.jsonl").read_text(), Path("asker.py").read_text()) == before


def test_writes_may_be_allowed() -> None:
    assert done("q.jsonl", "--agent", "asker:writing", "--against", "", "--allow-writes", "--quiet")[0] == 0


def test_where_every_run_fails_so_does_the_command() -> None:
    code, out, err = done("q.jsonl", "--agent", "asker:broken", "--against", "sequential")
    assert code == 1
    assert out.splitlines()[1].split() == ["answered", *"0 of 2 0 of 2".split()]
    assert "failed  PlanError: the planner's plan still has errors" in err


def test_half_a_character_is_kept_as_it_is_and_shown_as_none() -> None:
    Path("q.jsonl").write_text('{"question": "What is \\ud800 IBM at?", "answer": "\\udc80"}')
    first = json.loads(done(*TWO, "--out", "a.jsonl", "--html", "page.html", "--json", "--quiet")[1])
    assert json.loads(done(*TWO, "--out", "a.jsonl", "--json", "--quiet")[1]) == first
    assert (first["rows"][0]["question"], first["rows"][0]["expected"]) == ("What is \ud800 IBM at?", ["\udc80"])
    assert "What is \ufffd IBM at?" in Path("page.html").read_text(encoding="utf-8")


def test_another_deadline_is_another_comparison() -> None:
    assert done(*TWO, "--out", "a.jsonl", "--quiet")[0] == 0
    code, _, err = done(*TWO, "--out", "a.jsonl", "--quiet", "--deadline", "9")
    assert (code, "another model, other tools or options" in err) == (2, True)


def test_a_page_that_cannot_be_written_takes_nothing_else_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    code, out, err = done(*TWO, "--html", "page.html", "--json", "--quiet")
    assert (code, len(json.loads(out)["rows"])) == (2, 4)
    assert err == "error: --html page.html: No space left on device\n"


@pytest.mark.parametrize("wrong", [{"seconds": None}, {"id": ["1"]}, {"expected": [1]}, {"calls": "2"}, {"more": 1}])
def test_a_row_that_is_none_is_told_with_its_line(wrong: dict[str, object]) -> None:
    done(*TWO, "--out", "a.jsonl", "--quiet")
    first, row, *_ = Path("a.jsonl").read_text().splitlines()
    Path("a.jsonl").write_text(f"{first}\n{json.dumps(json.loads(row) | wrong)}\n")
    code, _, err = done(*TWO, "--out", "a.jsonl", "--quiet")
    assert (code, "a.jsonl, line 2 is no answer" in err) == (2, True)
