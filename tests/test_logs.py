"""What `logging` is told of runs: by room and level, with the run and the task, and nothing secret."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from superscalar import Deny, LLMCompiler, RateLimited, Secret, events, tool
from superscalar.cli.app import app
from superscalar.cli.logs import log_to_stderr
from superscalar.observe.log import RunLogger, run_logger
from superscalar.testing import ScriptedModel, run


class Listener(logging.Handler):
    """Keeps the records that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """Each record on a line."""
        return [f"{one.levelname} {one.name.removeprefix('superscalar.')} {one.getMessage()}" for one in self.records]


@contextmanager
def listening(level: int, name: str = "superscalar") -> Iterator[Listener]:
    """Hear what a logger is told, and nothing but that."""
    logger, listener = logging.getLogger(name), Listener()
    before = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield listener
    finally:
        logger.removeHandler(listener)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Latest price."""
    await asyncio.sleep(1.0)
    return {"IBM": 7.0}[ticker]


def execute(plan: str, *tools: Any, **options: Any) -> Any:
    return run(LLMCompiler(tools=list(tools), **options).execute(plan, run_id="monday"))


def test_at_info_a_run_is_its_begin_and_its_end_with_counts_and_seconds() -> None:
    with listening(logging.INFO) as heard:
        run(LLMCompiler(ScriptedModel("a = price('IBM')\njoin(a)", "7."), [price]).run("How much?", run_id="monday"))
    begin, end = heard.lines
    assert begin == "INFO compiler run monday began: 'How much?'"
    assert end.startswith("INFO compiler the run ended: 1 call in 1.00 s, 1.00 s in all, ")
    assert end.endswith(" tokens, 0 failed")
    assert [(vars(one)["run_id"], vars(one)["task_id"]) for one in heard.records] == [("monday", "")] * 2


def test_a_failure_is_a_warning_with_its_traceback_its_run_and_its_task() -> None:
    with listening(logging.WARNING) as heard:
        execute("a = price('SAP')\njoin(a)", price)
    (record,) = heard.records
    assert record.getMessage().startswith("a failed: KeyError: 'SAP' (at ")
    assert (record.levelname, record.name) == ("WARNING", "superscalar.schedule")
    assert (vars(record)["run_id"], vars(record)["task_id"]) == ("monday", "a")
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError
    assert 'return {"IBM": 7.0}[ticker]' in logging.Formatter().format(record)


def test_what_a_tool_says_forges_no_line_and_can_be_written_anywhere() -> None:
    @tool(effect="read")
    async def quote() -> float:
        """Latest quote."""
        raise ValueError("none\nINFO superscalar.compiler all is well\x1b[2J \udc85")

    with listening(logging.WARNING) as heard:
        execute("a = quote()\njoin(a)", quote)
    (record,) = heard.records
    text = logging.Formatter().format(record)
    assert "\n" not in record.getMessage()
    assert "\x1b" not in text
    assert r"none\nINFO superscalar.compiler all is well\x1b[2J \udc85" in record.getMessage()
    assert text.encode()


def test_what_goes_wrong_in_between_is_a_warning() -> None:
    refusals = iter([RateLimited("slow down", retry_after=2.0)])

    @tool(effect="read", retry=3)
    async def quote(ticker: str) -> float:
        """Latest quote."""
        for refusal in refusals:
            raise refusal
        return 7.0

    @tool(effect="write", policy=lambda call: Deny("never"))
    def pay(amount: float) -> str:
        """Pay."""
        return "paid"

    with listening(logging.WARNING) as heard:
        execute("a = quote('IBM')\nb = pay(5)\njoin(a, b)", quote, pay, policy="enforce")
    assert sorted(line.partition(",")[0] for line in heard.lines) == [
        "WARNING policy b: deny by <lambda>: never",
        "WARNING schedule a: attempt 1 failed",
        "WARNING schedule b failed: never",
        "WARNING schedule quote(): refused",
    ]


def test_a_plan_that_goes_back_to_its_planner_is_a_warning() -> None:
    model = ScriptedModel("a = prise('IBM')\njoin(a)", "a = price('IBM')\njoin(a)", "7.")
    with listening(logging.WARNING) as heard:
        run(LLMCompiler(model, [price]).run("How much?"))
    assert heard.lines == ["WARNING planner the plan went back to the planner, repair 1"]


def test_a_deadline_is_told_once_and_not_for_every_call_that_it_ends() -> None:
    with listening(logging.WARNING) as heard:
        run(LLMCompiler(tools=[price]).execute("a = price('IBM')\nb = price('SAP')\njoin(a, b)", deadline=0.5))
    assert heard.lines == ["WARNING compiler the run's deadline passed"]


def test_a_write_that_the_deadline_leaves_in_doubt_is_a_warning_of_its_own() -> None:
    @tool(effect="write", resource="bank")
    async def pay(amount: float) -> str:
        """Pay."""
        await asyncio.sleep(100.0)
        return "paid"

    with listening(logging.WARNING) as heard:
        run(LLMCompiler(tools=[pay]).execute("a = pay(5)\njoin(a)", deadline=0.5))
    first, second = heard.lines
    assert first == "WARNING compiler the run's deadline passed"
    assert second.startswith("WARNING schedule a failed: ")
    assert "it may have happened all the same" in second


def test_at_debug_every_event_is_a_record() -> None:
    with listening(logging.DEBUG) as heard:
        result = run(LLMCompiler(ScriptedModel("a = price('IBM')\njoin(a)", "7."), [price]).run("How much?"))
    assert len(heard.records) == len(result.events)
    assert {one.name for one in heard.records} == {
        f"superscalar.{room}" for room in ("compiler", "planner", "models", "schedule", "joiner")
    }


def test_a_room_may_be_listened_to_alone() -> None:
    with listening(logging.DEBUG, "superscalar.models") as heard:
        run(LLMCompiler(ScriptedModel("a = price('IBM')\njoin(a)", "7."), [price]).run("How much?"))
    assert [line.split()[:3] for line in heard.lines[:2]] == [
        ["DEBUG", "models", "the"],
        ["DEBUG", "models", "ModelUsed"],
    ]
    assert {one.name for one in heard.records} == {"superscalar.models"}


def test_a_room_whose_records_go_nowhere_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("superscalar.models"), "propagate", False)
    with listening(logging.DEBUG):
        wanted = RunLogger([]).wanted
    assert (events.ModelUsed in wanted, events.RunStarted in wanted) == (False, True)


def test_where_nobody_listens_nothing_is_said_and_nothing_is_looked_at() -> None:
    with listening(logging.CRITICAL):
        assert run_logger([]) is None
    logger = logging.getLogger("superscalar")
    logger.propagate = False
    try:
        assert run_logger([]) is None  # it has a handler, which does nothing
    finally:
        logger.propagate = True


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
def test_nothing_secret_is_logged_not_even_by_a_traceback(level: int) -> None:
    @tool
    def login(password: Annotated[str, Secret()]) -> str:
        """Log in."""
        try:
            raise ValueError(password)
        except ValueError:
            raise KeyError(f"wrong: {password}")  # noqa: B904 -- amid the other one

    written = io.StringIO()
    handler = logging.StreamHandler(written)
    with listening(level) as heard:
        logging.getLogger("superscalar").addHandler(handler)
        try:
            execute("a = login('hunter2-hunter2')\nb = 'hunter2-hunter2'\njoin(a, b)", login)
        finally:
            logging.getLogger("superscalar").removeHandler(handler)
    assert [one.exc_info for one in heard.records if one.levelno == logging.WARNING] == [None]
    assert "raise KeyError" in written.getvalue()
    assert "During handling" in written.getvalue()
    assert "hunter2" not in written.getvalue()


def test_the_end_of_a_text_that_may_begin_a_secret_is_logged_whatever_comes_next(tmp_path: Path) -> None:
    """The end of the model call is next, for which nobody listens but the journal."""
    agent = LLMCompiler(ScriptedModel("join(1)  # a hunter"), joiner=None, journal=tmp_path / "runs.db")
    with listening(logging.DEBUG, "superscalar.planner") as heard:
        run(agent.run("?", context={"key": SecretStr("hunter2-hunter2")}))
    assert [line for line in heard.lines if "PlanWritten" in line] == [
        "DEBUG planner PlanWritten  'join(1)  # a '",
        "DEBUG planner PlanWritten  'hunter'",
    ]


def test_a_run_does_not_end_for_a_filter_that_raises() -> None:
    class Bad(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError

    bad = Bad()
    with listening(logging.DEBUG, "superscalar.schedule"):
        logging.getLogger("superscalar.schedule").addFilter(bad)
        try:
            assert execute("a = price('IBM')\njoin(a)", price).value("a") == 7.0
        finally:
            logging.getLogger("superscalar.schedule").removeFilter(bad)


def test_a_run_that_is_resumed_is_logged_under_its_id(tmp_path: Path) -> None:
    begun = asyncio.Event()

    @tool(effect="read")
    async def slow() -> float:
        """Hang the first time."""
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        return 7.0

    agent = LLMCompiler(tools=[slow], journal=tmp_path / "runs.db")

    async def main() -> None:
        async with agent.stream_plan("a = slow()\njoin(a)", run_id="monday") as running:
            await begun.wait()
            running.suspend()
        await agent.resume("monday")

    with listening(logging.INFO) as heard:
        run(main())
    assert [line.partition(":")[0] for line in heard.lines] == [
        "INFO compiler run monday began",
        "INFO compiler the run goes on in this process",
        "INFO compiler the run ended",
    ]
    assert {vars(one)["run_id"] for one in heard.records} == {"monday"}


def test_whoever_listens_is_looked_for_once_in_a_run() -> None:
    with listening(logging.WARNING):
        wanted = RunLogger([]).wanted
    with listening(logging.DEBUG):
        assert RunLogger([]).wanted > wanted


@pytest.mark.parametrize(
    ("option", "rooms"), [("-v", {"compiler", "schedule"}), ("-vv", {"planner", "compiler", "schedule"})]
)
def test_a_command_logs_to_standard_error(
    option: str, rooms: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.py").write_text(
        "from superscalar import tool\n\n@tool\ndef f() -> int:\n    '''F.'''\n    raise KeyError('\\x1b[2J')\n"
    )
    Path("p.plan").write_text("a = f()\njoin(a)\n")
    told = CliRunner().invoke(app, ["exec", "p.plan", "-t", "t.py", "--quiet", option])
    logged = [line for line in told.stderr.splitlines() if " superscalar." in line]
    assert {line.split()[2].removeprefix("superscalar.").rstrip(":") for line in logged} == rooms
    assert "    raise KeyError('\\x1b[2J')\nKeyError: '\\x1b[2J'\n" in told.stderr
    assert [type(one) for one in logging.getLogger("superscalar").handlers] == [logging.NullHandler]


def test_the_log_of_a_command_is_told_once_obeyed_by_no_terminal_and_gone_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger, ours = logging.getLogger("superscalar"), logging.getLogger("superscalar.tools")
    before = logger.level, logger.propagate, logger.handlers[:]
    root = Listener()
    logging.getLogger().addHandler(root)
    end = log_to_stderr(logging.INFO)
    try:
        ours.warning("a server said %s", "\x1b[2J")
        ours.debug("and more")
        ours.warning("%d", "no number")
    finally:
        end()
        logging.getLogger().removeHandler(root)
    told, _, wrong = capsys.readouterr().err.partition("\n")
    assert told.partition(" ")[2] == "WARNING superscalar.tools: a server said \\x1b[2J"
    assert wrong.startswith("--- Logging error ---")
    assert root.lines == []
    assert (logger.level, logger.propagate, logger.handlers) == before
