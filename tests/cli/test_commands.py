"""The commands, with a compiler whose runs are written by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import __version__
from superscalar import events as ev
from superscalar.cli import compiling
from superscalar.cli.app import app
from superscalar.errors import JoinError, ModelError, ModelSetupError, PlanError, UsageError
from superscalar.plan.ir import Plan, Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.values import Observation, Skipped
from support.folders import standing_in
from support.scripted_runs import (
    ANSWERED,
    NO_SUCH,
    PLAN,
    WRITING,
    ScriptedCompiler,
    ScriptedResult,
    ScriptedStream,
    answered,
)

TOOLS = '''
from superscalar.tools import Limit, tool

print("loading")
LIMITS = {"quotes": Limit(concurrency=2, rate=100, per=60, burst=3)}

@tool(effect="read", limit="quotes")
def price(ticker: str, *, currency: str = "USD") -> float:
    """Latest price.\x1b[2J

    In USD."""
    return 1.0

@tool(effect="write", resource="mail")
def notify(who: str) -> None:
    """Send a message."""

@tool
def look(x: int) -> int:
    """Look."""
    return x
'''
WRONG = Diagnostic(
    "E102", "`x` is not defined yet", Span(1, 5, 1, 6), "join(x)", label="defined so far: nothing", help="assign it"
)
ODD = Diagnostic("W501", "look() declares no effect", Span(2, 0, 2, 4), "look()")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"money.py": TOOLS, "plan.txt": "join(x)\n"}, COLUMNS="200") as place:
        yield place


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> ScriptedCompiler:
    scripted = ScriptedCompiler(ScriptedStream(ANSWERED, answered()))

    def opened(toolset: Any, **options: Any) -> ScriptedCompiler:
        scripted.options, scripted.tools = options, toolset
        return scripted

    monkeypatch.setattr(compiling, "open_compiler", opened)
    return scripted


class Printed:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def command(*arguments: str, text: str | None = None) -> Printed:
    result = CliRunner().invoke(app, list(arguments), input=text, prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Printed(result.exit_code, result.stdout, result.stderr)


# --------------------------------------------------------------------------------------------------------------- run


def test_run_prints_the_answer_alone_on_standard_output(compiler: ScriptedCompiler) -> None:
    printed = command("run", "How are they?", "--tools", "money.py")
    assert (printed.code, printed.out) == (0, "IBM is at 231.25; XXX is unknown.\n")
    assert compiler.calls == [("stream", "How are they?", None)]


def test_run_tells_progress_and_a_summary_on_standard_error(compiler: ScriptedCompiler) -> None:
    lines = command("run", "How are they?", "--tools", "money.py").err.splitlines()
    started = "  1.00 s  started   prices[0]  price('IBM')"
    assert (lines[0], started in lines) == ("loading", False)
    assert started in command("run", "How are they?", "--tools", "money.py", "-v").err.splitlines()
    assert lines[-3:] == [
        "failed: prices[1]  LookupError: no such ticker",
        "3 calls in 1.50 s (1.50 s one after another), 3.00 s in all, 1,160 tokens",
        "",
    ]


def test_run_hands_its_options_to_the_compiler(compiler: ScriptedCompiler) -> None:
    command(
        *("run", "why", "-t", "money.py", "-m", "openai:x", "--base-url", "http://localhost:1/v1", "--deadline", "2.5"),
        *(
            "--instructions",
            "be brief",
            "--max-prompt-tokens",
            "500",
            "--max-concurrency",
            "3",
            "--max-replans",
            "0",
            "--no-joiner",
        ),
        *("--first-token-timeout", "30", "--stall-timeout", "7"),
        *("--max-tokens", "9000", "--max-cost", "0.5", "--policy", "warn", "--journal", "r.db", "--approve-plan"),
        *("--max-bytes", "9000000", "--replan", "planned-tools", "--replanner-sees", "text"),
    )
    assert compiler.options.pop("journal").path.name == "r.db"
    assert compiler.options == {
        "model": "openai:x",
        "base_url": "http://localhost:1/v1",
        "joiner": False,
        "extractor": None,
        "instructions": "be brief",
        "planner_instructions": None,
        "joiner_instructions": None,
        "examples": None,
        "first_token_timeout": 30.0,
        "stall_timeout": 7.0,
        "max_prompt_tokens": 500,
        "max_concurrency": 3,
        "max_replans": 0,
        "fallback": None,
        "replan": "planned-tools",
        "replanner_sees": "text",
        "max_tokens": 9_000,
        "max_cost": 0.5,
        "max_bytes": 9_000_000,
        "policy": "warn",
        "approve_plan": True,
        "plans": None,
        "approve": None,  # this is no terminal
    }
    assert compiler.calls == [("stream", "why", 2.5)]


def test_the_model_may_come_from_the_environment(compiler: ScriptedCompiler, monkeypatch: pytest.MonkeyPatch) -> None:
    command("run", "why", "-t", "money.py")
    assert compiler.options["model"] == "local"
    monkeypatch.setenv("SUPERSCALAR_DEFAULT_MODEL", "openai:y")
    command("run", "why", "-t", "money.py")
    assert compiler.options["model"] == "openai:y"


def test_quiet_prints_the_answer_and_nothing_of_ours(compiler: ScriptedCompiler) -> None:
    printed = command("run", "why", "-t", "money.py", "--quiet")
    assert (printed.out, printed.err) == ("IBM is at 231.25; XXX is unknown.\n", "loading\n")


def test_an_answer_that_is_no_text_is_json(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream((), ScriptedResult({"a": (1, None)}))
    assert command("run", "why", "-t", "money.py", "-q").document == {"a": [1, None]}


def test_a_question_may_come_from_standard_input(compiler: ScriptedCompiler) -> None:
    command("run", "-", "-t", "money.py", text="why\n")
    assert compiler.calls == [("stream", "why", None)]


def test_run_as_json_is_one_document(compiler: ScriptedCompiler) -> None:
    printed = command("run", "why", "-t", "money.py", "--json")
    assert printed.err == "loading\n"
    assert printed.document == {
        "answer": "IBM is at 231.25; XXX is unknown.",
        "partial": "",
        "complete": True,
        "failed": False,
        "run_id": "r1",
        "rounds": 1,
        "fell_back": "",
        "outcomes": {
            "tickers": {"state": "done", "value": ["IBM", "XXX"]},
            "prices[0]": {"state": "done", "value": 231.25},
            "prices[1]": {"state": "failed", "kind": "error", "message": "LookupError: no such ticker"},
            "prices": {
                "state": "failed",
                "kind": "items",
                "message": "1 of 2 items failed",
                "items": [
                    {"state": "done", "value": 231.25},
                    {"state": "failed", "kind": "error", "message": "LookupError: no such ticker"},
                ],
            },
            "join": {"state": "done", "value": [231.25, {"error": "LookupError: no such ticker"}]},
        },
        "timing": {
            "total": 3.0,
            "planning": 0.75,
            "tools": 1.5,
            "joining": 1.0,
            "calls": 3,
            "one_after_another": 1.5,
        },
        "usage": USED,
        "usage_by_model": {"scripted": USED},
        "usage_by_round": [USED],
        "cost": 0.0,
    }


USED = {
    "input_tokens": 1050,
    "cached_tokens": 0,
    "output_tokens": 110,
    "requests": 2,
    "cost": 0.0,
    "estimated": False,
    "reasoning_tokens": 0,
    "kept_tokens": 0,
}

CUT = ScriptedResult(None, {"a": Observation(1)}, partial="IBM closed at 12", cut='it ended with the word "load"')


def test_an_answer_that_was_cut_is_no_answer(compiler: ScriptedCompiler) -> None:
    """Nothing stands on standard output that a script could take for the answer."""
    compiler.run = ScriptedStream((), CUT)
    printed = command("run", "why", "-t", "money.py", "--quiet")
    assert (printed.code, printed.out) == (1, "")
    assert printed.err.splitlines()[1:] == [
        "IBM closed at 12",
        'error: the answer was cut: it ended with the word "load"',
    ]


def test_an_answer_that_was_cut_as_json(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream((), CUT)
    printed = command("run", "why", "-t", "money.py", "--json")
    document = printed.document
    assert printed.code == 1
    assert {name: document[name] for name in ("answer", "partial", "complete", "outcomes")} == {
        "answer": None,
        "partial": "IBM closed at 12",
        "complete": False,
        "outcomes": {"a": {"state": "done", "value": 1}},
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JoinError("the joiner gave no answer"), 1),
        (ModelError("the model is down", retryable=True, status=503), 1),
        (ModelSetupError("set OPENAI_API_KEY"), 2),
        (UsageError("there is no model 'x'"), 2),
    ],
)
def test_what_a_run_raises_is_a_message_and_no_traceback(
    compiler: ScriptedCompiler, error: Exception, code: int
) -> None:
    compiler.run = ScriptedStream((), error)
    printed = command("run", "why", "-t", "money.py", "-q")
    assert (printed.code, printed.out) == (code, "")
    assert printed.err.splitlines() == ["loading", f"error: {error}"]
    as_json = command("run", "why", "-t", "money.py", "--json")
    assert as_json.code == code
    assert as_json.document == {"error": {"type": type(error).__name__, "message": str(error), "diagnostics": []}}


def test_a_bug_keeps_its_traceback(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream((), ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        command("run", "why", "-t", "money.py", "-q")


def test_an_empty_question_is_refused(compiler: ScriptedCompiler) -> None:
    assert command("run", "  ", "-t", "money.py").err.startswith("error: the question is empty")


# -------------------------------------------------------------------------------------------------------------- plan


def test_plan_prints_the_plan(compiler: ScriptedCompiler) -> None:
    printed = command("plan", "why", "-t", "money.py")
    assert printed.code == 0
    assert printed.out.startswith("tickers = tickers(")
    assert printed.out.endswith("join(prices)\n")


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart TD\n"), ("dot", "digraph plan {\n")])
def test_plan_draws_the_plan(compiler: ScriptedCompiler, form: str, start: str) -> None:
    assert command("plan", "why", "-t", "money.py", "--graph", form).out.startswith(start)


def test_plan_explains_the_plan(compiler: ScriptedCompiler) -> None:
    printed = command("plan", "why", "-t", "money.py", "--explain").out
    assert printed.startswith("1. lower: ")
    assert "\n2. order: " in printed
    document = command("plan", "why", "-t", "money.py", "--explain", "--json").document
    assert [stage["name"] for stage in document["passes"]] == ["lower", "order", "hoist", "share", "dead"]
    lowered, ordered, *_ = document["passes"]
    assert [task["id"] for task in lowered["tasks"]] == [task["id"] for task in document["tasks"]]
    assert ordered["tasks"][3]["after"] == ["prices"]
    assert ordered["notes"][0]["task"] == "alert"


def test_plan_explains_which_right_writes_a_repair_left_out(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream(
        (*WRITING[:2], ev.Retired(0.5, ("pay",), "the planner wrote the whole plan anew", ("pay = send(1)",))),
        ScriptedResult(None, plan=PLAN),
    )
    printed = command("plan", "why", "-t", "money.py", "--explain").out
    assert printed.endswith("without these writes, which were right\n  pay = send(1)\n")
    assert command("plan", "why", "-t", "money.py", "--explain", "--json").document["left_out"] == ["pay = send(1)"]
    assert "pay = send(1)" not in command("plan", "why", "-t", "money.py").out


def test_plan_as_json_holds_tasks_and_picture(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream((), ScriptedResult(None, plan=Plan(PLAN.tasks, warnings=(ODD,))))
    document = command("plan", "why", "-t", "money.py", "--json", "--graph", "dot").document
    assert document["graph"].startswith("digraph")
    assert [task["id"] for task in document["tasks"]] == ["tickers", "prices", "alert.if", "alert", "join"]
    assert document["tasks"][3] == {
        "id": "alert",
        "kind": "call",
        "tool": "notify",
        "arguments": {"who": "'me'", "text": "prices"},
        "effect": "write",
        "needs": ["prices"],
        "guards": [{"condition": "alert.if", "expected": True}],
    }
    assert [warning["code"] for warning in document["warnings"]] == ["W501"]


def test_a_plan_that_stays_wrong_shows_its_diagnostics(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream((), PlanError([WRONG]))
    printed = command("plan", "why", "-t", "money.py")
    assert printed.code == 1
    assert printed.err.splitlines() == [
        "loading",
        "plan:1:6: E102 `x` is not defined yet",
        "  1 | join(x)",
        "    |      ^ defined so far: nothing",
        "    help: assign it",
        "error: the plan has errors",
    ]


# ------------------------------------------------------------------------------------------------------------- check


def test_check_prints_findings_with_their_place(compiler: ScriptedCompiler) -> None:
    compiler.found = (WRONG, ODD)
    printed = command("check", "plan.txt", "-t", "money.py")
    assert printed.code == 1
    assert printed.out == (
        "plan.txt:1:6: E102 `x` is not defined yet\n"
        "  1 | join(x)\n"
        "    |      ^ defined so far: nothing\n"
        "    help: assign it\n"
        "\n"
        "plan.txt:2:1: W501 look() declares no effect\n"
        "  2 | look()\n"
        "    | ^^^^\n"
    )
    assert printed.err == "loading\nplan.txt: read as python, 1 error, 1 warning\n"
    assert compiler.calls == [("check", "join(x)\n", "python")]


def test_check_is_content_with_warnings(compiler: ScriptedCompiler) -> None:
    compiler.found = (ODD,)
    assert command("check", "-", "-t", "money.py", text="look()\n").code == 0
    assert compiler.calls == [("check", "look()\n", "python")]


def test_check_explains_what_is_right(compiler: ScriptedCompiler) -> None:
    assert "\n\n1. lower: " not in command("check", "-", "-t", "money.py", text="look()\n").out
    compiler.found = (ODD,)
    assert "\n\n1. lower: " in command("check", "-", "-t", "money.py", "--explain", text="look()\n").out
    as_json = command("check", "-", "-t", "money.py", "--explain", "--json", text="look()\n").document
    assert [stage["name"] for stage in as_json["passes"]] == ["lower", "order", "hoist", "share", "dead"]
    compiler.found = (WRONG,)
    assert "1. lower: " not in command("check", "-", "-t", "money.py", "--explain", text="look()\n").out


def test_check_as_json(compiler: ScriptedCompiler) -> None:
    compiler.found = (WRONG,)
    printed = command("check", "-", "-t", "money.py", "--json", text="join(x)")
    assert printed.code == 1
    assert printed.document == {
        "syntax": "python",
        "errors": 1,
        "warnings": 0,
        "diagnostics": [
            {
                "code": "E102",
                "severity": "error",
                "message": "`x` is not defined yet",
                "file": "<stdin>",
                "line": 1,
                "column": 6,
                "end_line": 1,
                "end_column": 7,
                "label": "defined so far: nothing",
                "help": "assign it",
            }
        ],
    }


# -------------------------------------------------------------------------------------------------------------- exec


def test_exec_prints_the_joined_value_as_json(compiler: ScriptedCompiler) -> None:
    compiler.run = ScriptedStream(ANSWERED, ScriptedResult([1, Skipped("x", by_guard=True)]))
    printed = command("exec", "plan.txt", "-t", "money.py", "--deadline", "3")
    assert (printed.code, printed.document) == (0, [1, {"skipped": "not needed: its condition was false"}])
    assert compiler.calls == [("compile", "join(x)\n", "python"), ("stream_plan", PLAN, 3.0)]
    given = ["extractor", "max_concurrency", "max_cost", "max_bytes", "policy", "approve_plan", "approve", "plans"]
    assert compiler.options == dict.fromkeys(given)


@pytest.mark.parametrize("value", [NO_SUCH, [1, NO_SUCH], {"a": {"b": (Skipped("x"),)}}])
def test_a_failure_among_the_joined_values_stands_in_its_place(compiler: ScriptedCompiler, value: Any) -> None:
    compiler.run = ScriptedStream(ANSWERED, ScriptedResult(value))
    printed = command("exec", "plan.txt", "-t", "money.py", "-q")
    assert printed.code == 1
    assert re.search(r'"(error|skipped)": "(LookupError: no such ticker|not run: `x` failed)"', printed.out)
    assert command("exec", "plan.txt", "-t", "money.py", "--json").document["failed"] is True


def test_a_plan_with_errors_is_not_executed(compiler: ScriptedCompiler) -> None:
    compiler.written = PlanError([WRONG])
    printed = command("exec", "plan.txt", "-t", "money.py", "--json")
    assert printed.code == 1
    error = printed.document["error"]
    assert (error["type"], error["message"]) == ("PlanError", "the plan has errors")
    assert [(d["file"], d["code"]) for d in error["diagnostics"]] == [("plan.txt", "E102")]


# ------------------------------------------------------------------------------------------------------------- tools


def test_tools_lists_signatures_effects_and_limits() -> None:
    printed = command("tools", "-t", "money.py")
    assert printed.out == (
        "price(ticker: str, *, currency: str = 'USD') -> float\n"
        "    read, limit quotes, untrusted\n"
        "    Latest price.\\x1b[2J\n"
        "\n"
        "    In USD.\n"
        "notify(who: str) -> None\n"
        "    write, resource mail, untrusted, no sink declared\n"
        "    Send a message.\n"
        "look(x: int) -> int\n"
        "    read (not declared), untrusted\n"
        "    Look.\n"
        "limits\n"
        "    quotes: 2 at once, 100 per 60 seconds, 3 in a burst\n"
    )


def test_tools_says_which_have_a_batched_form(tmp_path: Path) -> None:
    """And for how many calls a request may stand."""
    more = "\n@look.batch(max_batch=1_000)\ndef looks(xs: list[int]) -> list[int]:\n    return xs\n"
    (tmp_path / "many.py").write_text(TOOLS + more)
    assert "    read (not declared), up to 1,000 in one request, untrusted\n" in command("tools", "-t", "many.py").out
    assert command("tools", "-t", "many.py:look", "--json").document["tools"][0]["max_batch"] == 1_000


def test_tools_as_json() -> None:
    document = command("tools", "-t", "money.py:notify", "--json").document
    assert document["tools"] == [
        {
            "name": "notify",
            "alias": "notify",
            "signature": "notify(who: str) -> None",
            "description": "Send a message.",
            "schemas": {},
            "effect": "write",
            "effect_declared": True,
            "resource": "mail",
            "dedupe": False,
            "limits": [],
            "max_batch": 1,
            "trust": "untrusted",
            "sinks": [],
            "confidential": False,
        }
    ]
    assert document["limits"] == {"quotes": {"concurrency": 2, "rate": 100, "per": 60, "burst": 3}}


# ------------------------------------------------------------------------------------------------------- wrong usage


def no_file(place: Path) -> str:
    return "nowhere.txt"


def directory(place: Path) -> str:
    return "."


def binary(place: Path) -> str:
    (place / "binary").write_bytes(b"a\xff\xfe")
    return "binary"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_file, "nowhere.txt cannot be read: No such file or directory"),
        (directory, ". cannot be read: Is a directory"),
        (binary, "binary is not UTF-8 text (byte 1)"),
    ],
)
@pytest.mark.parametrize("name", ["exec", "check"])
def test_a_plan_that_cannot_be_read_is_wrong_usage(
    compiler: ScriptedCompiler, place: Path, name: str, make: Callable[[Path], str], message: str
) -> None:
    printed = command(name, make(place), "-t", "money.py")
    assert (printed.code, printed.out) == (2, "")
    assert printed.err.splitlines()[-1] == f"error: {message}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "why"], "--tools"),
        (["run"], "QUESTION"),
        (
            ["run", "why", "-t", "money.py", "--deadline", "0"],
            "deadline=0.0: write a number above 0 (seconds from now)",
        ),
        (["run", "why", "-t", "money.py", "--deadline", "nan"], "deadline=nan: write a number above 0"),
        (["run", "why", "-t", "money.py", "--deadline", "soon"], "--deadline"),
        (["run", "why", "-t", "money.py", "--max-concurrency", "0"], "--max-concurrency"),
        (["run", "why", "-t", "money.py", "--base-url", "localhost"], "http://localhost:8000/v1"),
        (["run", "why", "-t", "nowhere.py"], "there is no such file"),
        (["plan", "why", "-t", "money.py", "--graph", "svg"], "mermaid"),
        (["tools", "-t", "money.py", "--frobnicate"], "--frobnicate"),
    ],
)
def test_wrong_usage_is_said_and_exits_with_two(compiler: ScriptedCompiler, arguments: list[str], message: str) -> None:
    printed = command(*arguments)
    assert (printed.code, printed.out) == (2, "")
    assert message in printed.err
    if "--frobnicate" not in arguments:
        as_json = command(*arguments, "--json")
        assert (as_json.code, as_json.document["error"]["type"]) == (2, "UsageError")
        assert message in as_json.document["error"]["message"]
    assert compiler.calls == []


def test_version_and_help() -> None:
    assert command("--version").out == f"superscalar {__version__}\n"
    for arguments in ([], ["run"], ["plan"], ["check"], ["exec"], ["tools"]):
        printed = command(*arguments, "--help")
        assert printed.code == 0
        assert "superscalar" in printed.out


# ------------------------------------------------------------------------------------------------------------ syntax


def test_the_syntax_of_a_plan_is_found_out_and_said(compiler: ScriptedCompiler) -> None:
    text = "1. price('IBM')\n2. join($1)\n"
    printed = command("check", "-", "-t", "money.py", text=text)
    assert printed.err == "loading\n<stdin>: read as numbered, 0 errors, 0 warnings\n"
    assert command("check", "-", "-t", "money.py", "--json", text=text).document["syntax"] == "numbered"
    compiler.run = ScriptedStream(ANSWERED, ScriptedResult(1))
    assert "<stdin>: read as numbered" in command("exec", "-", "-t", "money.py", text=text).err.splitlines()
    assert command("exec", "-", "-t", "money.py", "--json", text=text).document["syntax"] == "numbered"
    assert {call[1:] for call in compiler.calls if call[0] != "stream_plan"} == {(text, "numbered")}


def test_a_syntax_that_is_given_is_taken(compiler: ScriptedCompiler) -> None:
    printed = command("check", "plan.txt", "-t", "money.py", "--syntax", "rewoo")
    assert printed.err == "loading\nplan.txt: 0 errors, 0 warnings\n"
    assert compiler.calls == [("check", "join(x)\n", "rewoo")]
    compiler.run = ScriptedStream(ANSWERED, ScriptedResult(1))
    assert "read as" not in command("exec", "plan.txt", "-t", "money.py", "--syntax", "python").err
    assert command("check", "plan.txt", "-t", "money.py", "--syntax", "yaml").code == 2
