"""What a command says to type works as it is printed; runs of agents with rules; long questions; many runs."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import ApprovalPending, Ask, Journal, LLMCompiler, Policy
from superscalar import events as ev
from superscalar.advice import command as advised
from superscalar.cli.app import app
from superscalar.cli.loading import load_tools
from superscalar.testing import run
from support.folders import standing_in

SOURCE = Path(__file__).parents[2] / "src"
TOOLS = '''
from pathlib import Path
from superscalar import tool

@tool(effect="write", resource="refunds", sink="to", policy="ask")
def refund(order: int, to: str = "ann", why: str = "") -> str:
    """Refund an order."""
    with (Path(__file__).parent / "made").open("a") as file:
        file.write(f"{order} ")
    return "done"
'''
PLAN = "r = [refund(o) for o in [1, 2]]\njoin(r)\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "a shop's folder"
    folder.mkdir()
    with standing_in(folder, monkeypatch, {"my shop.py": TOOLS, "plan.txt": PLAN}) as place:
        yield place


def done(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), prog_name="superscalar")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def typed(text: str, place: Path) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line, in the folder in which it was printed."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        text,
        shell=True,
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def made(place: Path) -> list[str]:
    return sorted((place / "made").read_text().split()) if (place / "made").exists() else []


def commands_in(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("  superscalar ")]


# ----------------------------------------------------------------------------------------------------- what is advised


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that takes words apart as POSIX says")
def test_what_a_run_that_waits_says_to_type_works_as_it_is_printed(place: Path) -> None:
    (place / "the runs").mkdir()
    (place / "plan.txt").write_text("r = [refund(o) for o in [1]]\njoin(r)\n")
    code, _, err = done("exec", "plan.txt", "-t", "my shop.py", "--journal", "the runs/of *.db")
    approve, resume = commands_in(err)
    assert (code, re.sub(r"[0-9a-f]{8,}", "~", approve)) == (
        3,
        "superscalar approve ~ 'r[0]@~' --journal 'the runs/of *.db'",
    )
    assert typed(approve, place).returncode == 0
    went = typed(resume, place)
    assert (went.returncode, json.loads(went.stdout), made(place)) == (0, ["done"], ["1"])


def test_what_a_resumed_run_says_to_type_has_the_options_that_it_was_resumed_with(place: Path) -> None:
    done("exec", "plan.txt", "-t", "my shop.py", "--journal", "runs.db")
    (place / "my shop.py").rename(place / "moved.py")
    (summary,) = Journal("runs.db").runs()
    code, _, err = done("resume", summary.id, "--tools", "moved.py", "--policy", "ask", "--rules-changed")
    assert (code, commands_in(err)[1]) == (
        3,
        f"superscalar resume {summary.id} --tools moved.py --policy ask --rules-changed",
    )


def test_what_an_agent_says_to_type_names_its_journal_and_itself(place: Path) -> None:
    with pytest.raises(ApprovalPending) as pending:
        run(agent(place / "night.db").execute(PLAN, run_id="my run"))
    typed_first = advised("approve", "my run", *answers(place), journal=place / "night.db")
    assert commands_in(str(pending.value)) == [typed_first]
    assert str(pending.value).endswith("\n  agent.resume('my run')")
    assert (
        "go on with it: agent.resume('my run'), with the agent that began it"
        in done("approve", "my run", "--all", "--journal", "night.db")[2]
    )


def answers(place: Path) -> list[str]:
    return [question.answered_by for question in Journal(place / "night.db").questions("my run")]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("show", "3f9c"), "superscalar show 3f9c"),
        (("show", "a b"), "superscalar show 'a b'"),
        (("approve", "-x", "--plan"), "superscalar approve --plan -- -x"),
        (("approve", "-x", "r[0]@1"), "superscalar approve -- -x 'r[0]@1'"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="quoted as POSIX says")
def test_words_of_a_command_are_quoted(words: tuple[str, ...], line: str) -> None:
    assert advised(*words, journal=Path("runs.db")) == line


def test_the_usual_journal_is_named_where_another_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERSCALAR_JOURNAL", "other.db")
    assert advised("show", "3f9c", journal=Path("runs.db")) == "superscalar show 3f9c --journal runs.db"


# ------------------------------------------------------------------- begun from Python, and gone on with in every way


def agent(journal: Path, **options: Any) -> LLMCompiler:
    return LLMCompiler(tools=[load_tools(["my shop.py"])], journal=journal, **options)


def careful(version: int) -> Policy:
    def rule(_call: Any) -> Ask:
        return Ask("refunds are looked at")

    setattr(rule, "version", version)  # noqa: B010 -- a function has no such attribute of its own
    return Policy(rules=[rule])


def test_a_run_of_an_agent_with_a_rule_goes_on_under_that_rule_only(place: Path) -> None:
    journal = place / "runs.db"
    with pytest.raises(ApprovalPending):
        run(agent(journal, policy=careful(1)).execute(PLAN, run_id="r"))
    Journal(journal).approve("r", "r[0]")
    assert f"rules     {__name__}.careful.<locals>.rule\n" in done("show", "r")[1]
    rule = f"{__name__}.careful.<locals>.rule"
    for options in ((), ("--rules-changed",), ("--policy", "ask"), ("--policy", "off", "--rules-changed")):
        code, _, err = done("resume", "r", "--tools", "my shop.py", *options)
        assert (code, f"policy.rules: {rule} is missing" in " ".join(err.split()), made(place)) == (2, True, [])
    for other in (agent(journal), agent(journal, policy=Policy(rules=[lambda call: Ask(call.tool)]))):
        with pytest.raises(Exception, match="rule is missing"):
            run(other.resume("r", rules_changed=True))
    with pytest.raises(Exception, match="was version 1, and is version 2 now"):
        run(agent(journal, policy=careful(2)).resume("r"))
    assert made(place) == []
    with pytest.raises(ApprovalPending):
        run(agent(journal, policy=careful(2)).resume("r", rules_changed=True))
    assert made(place) == ["1"]
    Journal(journal).approve("r", "r[1]")
    assert run(agent(journal, policy=careful(1)).resume("r")).answer == ["done", "done"]


def test_a_command_shows_what_has_changed_of_a_tool_and_goes_on_if_it_is_told_to(place: Path) -> None:
    done("exec", "plan.txt", "-t", "my shop.py", "--journal", "runs.db")
    (run_id,) = (summary.id for summary in Journal("runs.db").runs())
    forget(place)
    (place / "my shop.py").write_text(TOOLS.replace("order: int", "order: float"))
    code, _, err = done("resume", run_id)
    assert (code, err.splitlines()) == (
        2,
        [
            f"error: run {run_id} was begun under other rules than those of this agent:",
            "  refund: arguments: order takes something else than before",
            "look at what has changed, and if it may go on under these, say so:",
            f"  superscalar resume {run_id} --rules-changed",
        ],
    )
    code, _, err = done("resume", run_id, "--rules-changed")
    assert (code, "rules     refund: arguments: order takes something else than before" in err) == (3, True)
    forget(place)
    (place / "my shop.py").write_text(TOOLS.replace(', policy="ask"', ""))
    code, out, _ = done("resume", run_id, "--rules-changed", "--json")
    assert (code, json.loads(out)["error"]["type"], made(place)) == (2, "UsageError", [])


def forget(place: Path) -> None:
    """As another process has it."""
    for name in [name for name, module in sys.modules.items() if str(place) in (getattr(module, "__file__", "") or "")]:
        del sys.modules[name]


# ------------------------------------------------------------------------------------------------------ long questions


def test_a_destination_is_never_cut_in_a_question_and_nothing_is_with_full(place: Path) -> None:
    (place / "plan.txt").write_text(f'r = refund(1, "{"x" * 5_000}eve", "{"y" * 5_000}end")\njoin(r)\n')
    _, _, err = done("exec", "plan.txt", "-t", "my shop.py", "--journal", "runs.db")
    (run_id,) = (summary.id for summary in Journal("runs.db").runs())
    _, cut, _ = done("approve", run_id)
    _, full, _ = done("approve", run_id, "--full")
    for shown in (err, cut, full):
        assert f"to = '{'x' * 5_000}eve'" in shown
    assert ("(5,005 characters in all)" in cut, f"{'y' * 5_000}end" in cut) == (True, False)
    assert f"why = '{'y' * 5_000}end'\n" in full


def test_full_shows_all_of_a_question_of_which_the_journal_says_no_destination(place: Path) -> None:
    (place / "plan.txt").write_text(f'r = refund(1, "{"x" * 5_000}eve")\njoin(r)\n')
    done("exec", "plan.txt", "-t", "my shop.py", "--journal", "runs.db")
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE runs SET about = json_remove(about, '$.guards')")
    (run_id,) = (summary.id for summary in Journal("runs.db").runs())
    assert "eve'" not in done("approve", run_id)[1]
    assert f"to = '{'x' * 5_000}eve'" in done("approve", run_id, "--full")[1]


def test_the_writes_of_a_plan_are_asked_about_whole(place: Path) -> None:
    (place / "plan.txt").write_text(f'r = refund(1, why="{"y" * 500}", to="eve")\njoin(r)\n')
    _, _, err = done("exec", "plan.txt", "-t", "my shop.py", "--journal", "runs.db", "--approve-plan")
    assert f"  r: refund(order=1, why='{'y' * 500}', to='eve')\n" in err


# ----------------------------------------------------------------------------------------------------------- many runs


def many(path: Path, count: int) -> Journal:
    journal = Journal(path)
    for number in range(count):
        log = journal.begin(f"r{number:03}", {"kind": "answer"})
        log.append(ev.RunStarted(0.0, f"r{number:03}"))
        log.append(ev.RunEnded(1.0))
        log.close()
    return journal


def test_the_newest_runs_are_listed_and_how_many_more_there_are() -> None:
    many(Path("runs.db"), 23)
    code, out, err = done("runs")
    assert (code, len(out.splitlines()), out.splitlines()[0][:4]) == (0, 20, "r022")
    assert err == "3 older runs: superscalar runs --limit 23\n"
    many(Path("an other.db"), 21)
    assert done("runs", "--journal", "an other.db")[2] == (
        "1 older run: superscalar runs --limit 21 --journal 'an other.db'\n"
    )
    code, out, err = done("runs", "--limit", "23")
    assert (code, len(out.splitlines()), err) == (0, 23, "")
    document = json.loads(done("runs", "--limit", "2", "--json")[1])
    assert ([one["id"] for one in document["runs"]], document["more"]) == (["r022", "r021"], 21)
    assert done("runs", "--limit", "0")[0] == 2
    assert len(done("runs", "--limit", "9" * 30)[1].splitlines()) == 23
    assert len(Journal(Path("runs.db")).runs(-1)) == 0


def test_what_lists_the_older_runs_names_the_journal() -> None:
    many(Path("my runs.db"), 21)
    assert done("runs", "--journal", "my runs.db")[2] == (
        "1 older run: superscalar runs --limit 21 --journal 'my runs.db'\n"
    )


def test_listing_reads_no_event_of_runs_that_were_closed_and_of_others_once(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = many(Path("runs.db"), 3)
    waiting = journal.begin("waiting", {})
    waiting.append(ev.RunStarted(0.0, "waiting"))
    waiting.append(ev.PlanAsked(0.0))
    waiting.close()
    log = journal.begin("killed", {"kind": "answer"})
    log.append(ev.RunStarted(0.0, "killed"))
    log.close()
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE runs SET summary = NULL WHERE id = 'killed'")
    read: list[str] = []
    reading = Journal._read

    def noted(self: Journal, run: str, number: int) -> Any:
        read.append(run)
        return reading(self, run, number)

    monkeypatch.setattr(Journal, "_read", noted)
    for _ in range(2):
        assert [run.state for run in journal.runs()] == ["interrupted", "waiting", *["answered"] * 3]
    assert read == ["killed"]
    going = journal.reopen("killed")
    going.append(ev.Resumed(1.0))
    going.append(ev.RunEnded(2.0))
    going.close()
    assert journal.summary("killed").state == "answered"


def test_a_journal_is_listed_where_nothing_can_be_written(place: Path) -> None:
    """Where neither shared memory nor leases can be made, as on a file system that is mounted to be read only."""
    path = place / "read only.db"
    many(path, 2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET ended = NULL, summary = NULL WHERE id = 'r001'")
    copy = place / "copy.db"
    copy.write_bytes(path.read_bytes())
    for beside in ("shm", "leases"):
        Path(f"{copy}-{beside}").mkdir()
    before = copy.read_bytes()
    code, out, _ = done("runs", "--journal", "copy.db")
    assert (code, [line.split()[3] for line in out.splitlines()]) == (0, ["interrupted", "answered"])
    assert copy.read_bytes() == before
