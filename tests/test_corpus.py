"""The corpus: every case is checked and executed as a user would, and every rule of the language is shown both ways."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpus import bank, tools
from corpus.cases import CASES, FILES, RULES, Case
from superscalar import LLMCompiler, PlanError, Toolset
from superscalar.cli.app import app
from superscalar.compiler import sync
from superscalar.models.base import Chunk, Request
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.testing import ScriptedModel, run
from superscalar.values import Failure, Observation, Outcome, Skipped, plain

_TOOLS = ("--tools", str(Path(tools.__file__)), "--tools", str(Path(bank.__file__)))
_PLAIN = [case for case in CASES if not case.is_session]
_SESSIONS = [case for case in CASES if case.is_session]


def _named(case: Case) -> str:
    return f"{case.place} {case.title}"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tools that have done nothing yet, and commands whose time is virtual."""
    monkeypatch.setattr(sync, "_run", lambda main, grace: run(main()))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    tools.reset()
    yield
    tools.reset()


def _command(case: Case, name: str) -> tuple[int, Any]:
    """Exit code and document of a command of the command line."""
    syntax = () if case.syntax == "python" else ("--syntax", case.syntax)
    result = CliRunner().invoke(app, [name, "-", *_TOOLS, *syntax, "--json"], input=case.plan, prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout)


# ------------------------------------------------------------------------------------------------------- the cases


@pytest.mark.parametrize("case", _PLAIN, ids=_named)
def test_a_plan_is_checked_as_its_case_says(case: Case) -> None:
    code, document = _command(case, "check")
    _compare_findings(case, document["diagnostics"])
    assert code == (1 if case.wrong else 0)
    assert tools.LOG == []


@pytest.mark.parametrize("case", _PLAIN, ids=_named)
def test_a_plan_is_executed_as_its_case_says(case: Case) -> None:
    code, document = _command(case, "exec")
    if case.wrong:
        assert code == 1
        _compare_findings(case, document["error"]["diagnostics"])
        assert tools.LOG == []
        return
    if "value" in case or case.fails:
        assert document["value"] == case.value
    assert (code, document["failed"]) == ((1, True) if case.fails else (0, False))
    _compare_calls(case)
    _compare_outcomes(case, document["outcomes"])


@pytest.mark.parametrize("case", [case for case in _PLAIN if case.syntax == "python"], ids=_named)
def test_the_chunks_of_a_plan_do_not_matter(case: Case) -> None:
    """Rule L29, for every case."""
    signatures = Toolset([*Toolset.from_module(tools), *Toolset.from_module(bank)]).signatures

    def anatomy(chunks: list[str]) -> list[tuple[ProgramStep, Any]]:
        reader = PythonReader(Program(signatures))
        steps = [step for chunk in chunks for step in reader.feed(chunk)]
        return [(step, getattr(step, "span", None)) for step in [*steps, *reader.finish()]]

    whole = anatomy([case.plan])
    for size in (1, 7):
        assert anatomy([case.plan[at : at + size] for at in range(0, len(case.plan), size)]) == whole
    assert anatomy(case.plan.splitlines(keepends=True)) == whole


@pytest.mark.parametrize("case", [case for case in _PLAIN if "notes" in case], ids=_named)
def test_what_was_tolerated_is_noted(case: Case) -> None:
    plan = LLMCompiler(tools=[tools_of(tools), tools_of(bank)]).compile(case.plan)
    notes = {task.id: "; ".join(task.notes) for task in plan.tasks}
    for line in case.lines("notes"):
        id, _, pieces = line.partition(" ")
        for piece in pieces.split(";"):
            assert piece.strip() in notes[id]


class _Model:
    """Writes the replies of a session; the first may be cut."""

    name = "session"
    constrains = False

    def __init__(self, replies: list[str], *, cut: bool) -> None:
        self._replies = iter(replies)
        self._cut = cut

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        text = next(self._replies, "")
        for at in range(0, len(text), 5):
            await asyncio.sleep(0.1)
            yield Chunk(text[at : at + 5])
        yield Chunk(finish="length" if self._cut else "stop")
        self._cut = False


@pytest.mark.parametrize("case", _SESSIONS, ids=_named)
def test_a_session_goes_as_its_case_says(case: Case) -> None:
    replies = [case.plan, *(text for _, text in case.replies)]
    if "cut" in case:
        replies[0] = replies[0].rstrip("\n")
    rounds = sum(kind == "round" for kind, _ in case.replies)
    agent = LLMCompiler(
        _Model(replies, cut="cut" in case),
        [tools_of(tools), tools_of(bank)],
        joiner=ScriptedModel(*["REPLAN: more is needed"] * rounds, "done") if rounds else None,
        max_repairs=sum(kind == "repair" for kind, _ in case.replies),
        max_replans=rounds,
        replan="any",
    )
    if "ends with PlanError" in case:
        with pytest.raises(PlanError) as caught:
            run(agent.run("?"))
        found = [{**_finding(diagnostic)} for diagnostic in caught.value.diagnostics]
        _compare_findings(case, found)
        _compare_calls(case)
        return
    outcomes = run(agent.run("?")).outcomes
    joined = [outcome for id, outcome in outcomes.items() if id.startswith("join()")]
    if "value" in case or case.fails:
        assert _shown(joined[-1]) == case.value
    _compare_calls(case)
    _compare_outcomes(case, {id: _document(outcome) for id, outcome in outcomes.items()})


def tools_of(module: Any) -> Toolset:
    """The tools of one module of the corpus."""
    return Toolset.from_module(module)


def _finding(found: Any) -> dict[str, Any]:
    return {
        "line": found.span.line,
        "code": found.code,
        "message": found.message,
        "label": found.label,
        "help": found.help,
    }


def _shown(outcome: Outcome) -> Any:
    return plain(outcome.value if isinstance(outcome, Observation) else outcome)


def _document(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Observation(value):
            return {"state": "done", "value": plain(value)}
        case Failure():
            return {"state": "failed", "kind": outcome.kind, "message": str(outcome)}
        case Skipped():
            return {"state": "skipped", "because": outcome.because, "by_guard": outcome.by_guard}


# ---------------------------------------------------------------------------------------------------- comparing


def _compare_findings(case: Case, found: list[dict[str, Any]]) -> None:
    shown = [f"{each['line']} {each['code']} {each['message']} | {each['label']} | {each['help']}" for each in found]
    expected = case.found
    assert [(each["line"], each["code"]) for each in found] == [(line, code) for line, code, _ in expected], shown
    for text, (_, _, pieces) in zip(shown, expected, strict=True):
        for piece in pieces:
            assert piece in text


def _compare_calls(case: Case) -> None:
    if "calls" in case:
        started = Counter(line.removeprefix("start ") for line in tools.LOG if line.startswith("start "))
        assert started == Counter(case.lines("calls"))
    if "log" in case:
        assert case.lines("log") == tools.LOG


def _compare_outcomes(case: Case, outcomes: dict[str, Any]) -> None:
    for line in case.lines("outcomes"):
        id, _, expected = line.partition(" ")
        found = outcomes.get(id)
        assert found is not None, f"there is no task {id}; there are {', '.join(outcomes)}"
        match expected.split(maxsplit=1):
            case ["done", value]:
                assert found["state"] == "done", found
                assert found["value"] == json.loads(value)
            case ["failed", said]:
                kind, _, pieces = said.partition(":")
                assert (found["state"], found["kind"]) == ("failed", kind), found
                for piece in pieces.split(";"):
                    assert piece.strip() in found["message"]
            case ["skipped", why]:
                by_guard = why.startswith("by guard")
                assert (found["state"], found.get("by_guard")) == ("skipped", by_guard), found
                because = why.removeprefix("by guard").removeprefix("because").strip()
                assert because in ("", found["because"])
            case _:
                raise AssertionError(f"{case.place}: what is {line!r}?")
    if "ids" in case:
        assert list(outcomes) == case.lines("ids")


# --------------------------------------------------------------------------------------------------- the corpus


@pytest.mark.parametrize("kind", ["allowed", "refused"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_shown_both_ways(rule: str, kind: str) -> None:
    assert [case for case in CASES if rule in case.rules and case.kind == kind]


def test_every_rule_has_its_file_and_every_file_says_how_it_is_read() -> None:
    assert sorted(path.name.partition("-")[0] for path in FILES) == sorted(f"L{number:02}" for number in range(1, 33))
    for path in FILES:
        preface = path.read_text(encoding="utf-8").partition("\n===")[0]
        assert preface.strip().endswith("."), path.name


def test_every_case_says_something() -> None:
    """An allowed one what it comes to, a refused one what is refused or not done."""
    for case in CASES:
        assert case.parts, case.place
