"""`runs` and `show`, and `--journal`: over real journals, without a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from superscalar import events as ev
from superscalar.cli import compiling
from superscalar.cli.app import app
from superscalar.events import Event
from superscalar.journal import Journal
from superscalar.plan import LANGUAGE
from superscalar.plan.ir import Call, Join, Literal, Ref, Task
from superscalar.plan.ir.needs import needs_of
from superscalar.values import Failure
from support.folders import standing_in
from support.scripted_runs import ANSWERED, ScriptedCompiler, ScriptedStream, answered

TOOLS = '''
from superscalar import tool

@tool
def price(ticker: str) -> float:
    """A price."""
    if ticker == "XXX":
        raise LookupError("no \\x1b[31msuch ticker")
    return len(ticker) * 10.5

@tool(effect="write", secret="token")
def send(to: str, token: str) -> str:
    return f"sent to {to}\\x1b]0;owned\\x07"
'''
PLAN = """\
prices = [price(t) for t in ["IBM", "XXX"]]
note = send("me", token="hunter2")
join(ok(prices), note)
"""
CLOCK = re.compile(r"\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d|\d+\.\d\d s|\d\d:\d\d:\d\d\.\d\d\d|\b[0-9a-f]{12}\b")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with standing_in(tmp_path, monkeypatch, {"money.py": TOOLS, "plan.txt": PLAN}) as place:
        yield place


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def recorded(run: str, *story: Event, question: str = "", path: str = "runs.db") -> None:
    journal = Journal(path)
    log = journal.begin(run, {"kind": "answer", "question": question, "model": "openai:x"})
    for event in story:
        log.append(event)
    log.close()


def lines(text: str) -> list[str]:
    """The lines without what differs from run to run, and without spaces that only align."""
    return [re.sub(r"  +", "  ", CLOCK.sub("~", line)) for line in text.splitlines()]


READ = Task("x", Call("price", (("ticker", Literal("IBM")),)))
PAY = Task("paid", Call("pay", (("n", Ref("x")),), "write"))
PAY = Task("paid", PAY.work, needs_of(PAY.work))
LEFT: tuple[Event, ...] = (
    ev.RunStarted(0.0, "left", "Pay \x1b[31mthem"),
    ev.Planned(0.0, READ),
    ev.Planned(0.0, PAY),
    ev.Planned(0.0, Task("join()", Join(((None, "paid"),)), needs_of(Join(((None, "paid"),))))),
    ev.Sealed(0.0),
    ev.Started(0.0, "x", "price", {"ticker": "IBM"}),
    ev.Succeeded(0.5, "x", 31.5),
    ev.Started(0.5, "paid", "pay", {"n": 31.5}),
)


def test_a_recorded_run_is_listed_and_shown() -> None:
    """Recorded by `exec --journal`, which says how to look at it; nothing in it reaches the terminal as a command."""
    done = command("exec", "plan.txt", "-t", "money.py", "--journal", "runs.db")
    assert re.search(r"^recorded: superscalar show [0-9a-f]{12}$", done.stderr, re.MULTILINE)
    listed = command("runs")
    assert lines(listed.stdout) == ["~  ~  answered  3 calls: 2 done, 1 failed  plan: price, send"]
    shown = command("show", listed.stdout[:5])
    assert shown.exit_code == 0
    assert lines(shown.stdout) == [
        "run ~  answered",
        "began  ~, took ~",
        "tools  price, send",
        "recorded  by superscalar 0.1.0",
        "",
        "plan",
        "  prices = [price(ticker=t) for t in ['IBM', 'XXX']]",
        "  note = send(to='me', token=**********)",
        "  join(ok(prices), note)",
        "",
        "tasks",
        "  prices.over  done  = ['IBM', 'XXX']  ['IBM', 'XXX']",
        "  prices  failed  for each item of prices.over  1/2, 1 failed",
        "  prices[0]  done  price('IBM')  31.5  ~",
        "  prices[1]  failed  price('XXX')  LookupError: no \\x1b[31msuch ticker  ~",
        "  note  done  send(to='me', token=**********)  'sent to me\\x1b]0;owned\\x07'  ~",
        "  join()[0]  done  = ok(prices)  [31.5]",
        "  join()  done  [[31.5], 'sent to me\\x1b]0;owned\\x07']",
        "",
        "answer",
        "[",
        "  [",
        "  31.5",
        "  ],",
        '  "sent to me\\u001b]0;owned\\u0007"',
        "]",
    ]
    assert "hunter2" not in command("show", listed.stdout[:5], "--json", "--events").stdout


def test_a_run_that_was_killed_says_what_is_in_doubt() -> None:
    recorded("left", *LEFT, question="Pay \x1b[31mthem")
    assert lines(command("runs").stdout) == [
        "left  ~  interrupted  2 calls: 1 done, 1 cut off, 1 in doubt  Pay \\x1b[31mthem"
    ]
    shown = lines(command("show", "left").stdout)
    assert shown[:5] == [
        "run left  interrupted",
        "question  Pay \\x1b[31mthem",
        "began  ~",
        "model  openai:x",
        "recorded  by superscalar (unknown)",
    ]
    resuming = "superscalar resume left --agent FILE.py:NAME"
    assert shown[-8:] == [
        "tasks",
        "  x  done  price('IBM')  31.5  ~",
        "  paid  cut off  pay(31.5)",
        "  join()  waiting  waits for paid",
        "",
        "in doubt",
        "  paid: pay(31.5) may have happened; look before you do it again",
        f"go on with it: agent.resume('left'), with the agent that began it, or {resuming}",
    ]


def test_a_run_that_is_going_on_is_not_called_doubtful() -> None:
    """Its write is running, as it should."""
    journal = Journal("runs.db")
    log = journal.begin("r1", {})
    for event in LEFT:
        log.append(event)
    log.flush()
    assert "running      2 calls: 1 done, 1 running  " in command("runs").stdout
    shown = command("show", "r1").stdout
    assert ("paid    running" in shown, "in doubt" in shown, "resume" in shown) == (True, False, False)
    log.close()


def test_events_are_printed_one_on_a_line() -> None:
    """With their numbers and the time of day; several lines of a plan become one."""
    retrying = ev.Retrying(0.0, "x", 1, Failure("error", "too\nmany", "RateLimited"), 2.0)
    written = ev.PlanWritten(0.0, "x = price('IBM')\n\x1b[2J")
    recorded("r1", *LEFT, retrying, written, ev.RunEnded(1.0, "cancelled"))
    assert lines(command("show", "r1", "--events").stdout) == [
        "  0  ~  RunStarted  run='left'  question='Pay \\x1b[31mthem'",
        "  1  ~  Planned  x = price(ticker='IBM')",
        "  2  ~  Planned  paid = pay(n=x)",
        "  3  ~  Planned  join(paid)",
        "  4  ~  Sealed",
        "  5  ~  Started  x  price('IBM')",
        "  6  ~  Succeeded  x  value=31.5",
        "  7  ~  Started  paid  pay(31.5)",
        "  8  ~  Retrying  x  attempt=1  RateLimited: too many  delay=2.0",
        "  9  ~  PlanWritten  \"x = price('IBM')\\n\\x1b[2J\"",
        "  10  ~  RunEnded  error='cancelled'",
    ]


def test_documents_hold_the_same() -> None:
    recorded("r1", *LEFT)
    (run,) = json.loads(command("runs", "--json").stdout)["runs"]
    assert (run["id"], run["state"], run["in_doubt"], run["ended"]) == ("r1", "interrupted", ["paid"], None)
    shown = json.loads(command("show", "r", "--json").stdout)
    assert shown["outcomes"] == {"x": {"state": "done", "value": 31.5}}
    assert (shown["plan"].splitlines()[0], "events" in shown) == ("x = price(ticker='IBM')", False)
    events = json.loads(command("show", "r1", "--json", "--events").stdout)["events"]
    assert [event["event"] for event in events] == [type(event).__name__ for event in LEFT]
    assert events[6] | {"time": ""} == {"seq": 6, "time": "", "event": "Succeeded", "at": 0.5, "id": "x", "value": 31.5}


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one() -> None:
    for id in ("abc1", "abd2", "ab"):
        recorded(id, *LEFT)
    assert command("show", "abc").exit_code == 0
    assert command("show", "ab").exit_code == 0
    several = command("show", "a")
    assert (several.exit_code, several.stderr.strip()) == (
        2,
        "error: runs.db has 3 runs that begin with 'a': ab, abd2, abc1",
    )
    unknown = command("show", "abx1", "--json")
    assert json.loads(unknown.stdout)["error"]["message"] == "runs.db has no run 'abx1'; did you mean abc1 or ab?"
    assert unknown.exit_code == 2


def test_reading_makes_no_journal(place: Path) -> None:
    for arguments in (("runs",), ("show", "x")):
        refused = command(*arguments)
        assert refused.exit_code == 2
        assert (
            "there is no journal runs.db; name one with --journal or SUPERSCALAR_JOURNAL, or make one" in refused.stderr
        )
    assert sorted(path.name for path in place.iterdir()) == ["money.py", "plan.txt"]


def test_what_is_no_journal_is_refused(place: Path) -> None:
    refused = command("runs", "--journal", "plan.txt")
    assert refused.exit_code == 1
    assert "plan.txt: this file is no journal" in refused.stderr


def test_an_empty_journal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the environment variable."""
    monkeypatch.setenv("SUPERSCALAR_JOURNAL", "night.db")
    Journal("night.db")
    assert command("runs").stdout == "night.db has no runs yet\n"


def test_run_remembers_how_it_was_called(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """So that it can be resumed without saying it all again; but no password of an address."""
    given: dict[str, Any] = {}

    def opened(toolset: Any, **options: Any) -> ScriptedCompiler:
        given.update(options)
        return ScriptedCompiler(ScriptedStream(ANSWERED, answered()))

    monkeypatch.setattr(compiling, "open_compiler", opened)
    called = command(
        *("run", "why", "-t", "money.py", "-m", "openai:x", "--base-url", "http://me:hunter2@localhost:1/v1"),
        *("--max-replans", "1", "--journal", "night.db"),
    )
    assert called.exit_code == 0
    assert re.search(r"recorded: superscalar show \w+ --journal night\.db", called.stderr)
    log = given["journal"].begin("r1", {"question": "why"})
    log.close()
    assert given["base_url"] == "http://me:hunter2@localhost:1/v1"
    assert Journal("night.db").about("r1") == {
        "language": LANGUAGE,
        "question": "why",
        "cli": {
            "tools": ["money.py"],
            "folder": str(place),
            "model": "openai:x",
            "base_url": "http://localhost:1/v1",
            "joiner": True,
            "max_replans": 1,
        },
    }
