"""Without a joiner, an answer that has no value for a cause is an error; what `run_sync` raises is about the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from superscalar import Failure, JoinError, Journal, LLMCompiler, Observation, PlanError, Skipped, UsageError, tool
from superscalar.cli import compiling
from superscalar.cli.app import app
from superscalar.testing import ScriptedModel, run


@tool(effect="read")
async def price(ticker: str, seconds: float = 0) -> float:
    """What it costs."""
    await asyncio.sleep(seconds)
    if ticker == "NOPE":
        raise LookupError("no such ticker")
    return 0.0 if ticker == "FREE" else 7.0


def agent(plan: str, **options: Any) -> LLMCompiler:
    return LLMCompiler(ScriptedModel(plan), [price], joiner=None, **options)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("x = price('NOPE')\njoin(x)\n", "the answer has no value: LookupError: no such ticker"),
        (
            "x = price('NOPE')\njoin(x + 1)\n",
            "the answer has no value: not run: `x` failed (LookupError: no such ticker)",
        ),
        (
            "xs = [price(t) for t in ['NOPE', 'NOPE']]\njoin(xs)\n",
            "the answer has no value: 2 of 2 items failed; the first: LookupError: no such ticker",
        ),
    ],
)
def test_an_answer_that_is_absent_for_a_cause_is_an_error(plan: str, message: str) -> None:
    with pytest.raises(JoinError) as caught:
        run(agent(plan).run("How much?"))
    assert str(caught.value) == message
    assert any(isinstance(outcome, Failure) and outcome.kind == "error" for outcome in caught.value.outcomes.values())


def test_one_that_a_deadline_cut_off_is_an_error_that_has_the_rest() -> None:
    with pytest.raises(JoinError, match="the run's deadline passed") as caught:
        run(agent("a = price('IBM')\nx = price('SLOW', 9)\njoin(a + x)\n").run("How much?", deadline=5))
    assert caught.value.outcomes["a"] == Observation(7.0)


def test_one_that_a_condition_left_out_is_that_skip() -> None:
    result = run(agent("f = price('FREE')\nif f:\n    x = price('NOPE')\njoin(x)\n").run("How much?"))
    assert isinstance(result.answer, Skipped)
    assert result.answer.by_guard


@pytest.mark.parametrize(
    "plan",
    [
        "xs = [price(t) for t in ['NOPE', 'IBM']]\njoin(xs)\n",
        "join(price('NOPE'), price('IBM'))\n",
        "join(a=price('NOPE'))\n",
        "x = price('NOPE')\njoin(default(x, 1))\n",
    ],
)
def test_one_of_which_there_is_a_part_or_a_place_is_an_answer(plan: str) -> None:
    assert run(agent(plan).run("How much?")).answer is not None


def test_what_the_journal_and_a_person_are_told(tmp_path: Path) -> None:
    with pytest.raises(JoinError):
        run(agent("join(price('NOPE'))\n", journal=tmp_path / "j").run("How much?", run_id="run"))
    assert Journal(tmp_path / "j").runs()[0].error == "JoinError: the answer has no value: LookupError: no such ticker"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`superscalar run` of a plan over a tool that fails."""
    tools = tmp_path / "tools.py"
    tools.write_text(
        "from superscalar import tool\n\n\n@tool(effect='read')\ndef price(ticker: str) -> float:\n"
        "    raise LookupError('no such ticker')\n"
    )
    opened = compiling.open_compiler

    def invoked(plan: str, *more: str) -> Result:
        def scripted(*args: Any, model: Any = None, **options: Any) -> LLMCompiler:
            return opened(*args, model=ScriptedModel(plan), **options)  # type: ignore[arg-type]

        monkeypatch.setattr(compiling, "open_compiler", scripted)
        return CliRunner().invoke(app, ["run", "How much?", "--tools", str(tools), "--no-joiner", *more])

    return invoked


def test_the_command_line_says_so(command: Callable[..., Result]) -> None:
    """With the outcomes in the document, and exit code 1."""
    plan = "x = price('NOPE')\njoin(x)\n"
    document = command(plan, "--json")
    assert document.exit_code == 1
    said = json.loads(document.stdout)["error"]
    assert (said["type"], said["message"]) == ("JoinError", "the answer has no value: LookupError: no such ticker")
    assert said["outcomes"]["x"]["state"] == "failed"
    told = command(plan)
    assert (told.exit_code, told.stdout) == (1, "")
    assert "error: the answer has no value: LookupError: no such ticker" in told.stderr


def test_an_answer_in_which_something_failed_is_printed_and_the_exit_code_is_1(command: Callable[..., Result]) -> None:
    document = command("join(a=price('NOPE'), b=1)\n", "--json")
    assert (document.exit_code, json.loads(document.stdout)["failed"]) == (1, True)
    assert json.loads(document.stdout)["answer"]["b"] == 1


# -------------------------------------------------------------------------------------------------------- run_sync


@pytest.mark.parametrize("inside", [False, True])
def test_errors_of_code_that_is_not_async_are_about_the_run_alone(inside: bool) -> None:
    """Not "no running event loop" first, and then what happened while that was handled."""
    broken = LLMCompiler(ScriptedModel("join(nothing(1))\n"), [price], joiner=None, max_repairs=0)

    def fail() -> BaseException:
        with pytest.raises(PlanError) as caught:
            broken.run_sync("?")
        return caught.value

    async def within() -> BaseException:
        return fail()

    error = asyncio.run(within()) if inside else fail()
    assert (error.__context__, error.__cause__) == (None, None)
    with pytest.raises(UsageError) as again:
        LLMCompiler(tools=[price]).resume_sync("run")
    assert again.value.__context__ is None
