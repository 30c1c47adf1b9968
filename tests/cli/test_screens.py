"""Plain lines, for logs and pipes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from superscalar import events as ev
from superscalar.cli.screens import PlainLines
from superscalar.observe.account import Account
from superscalar.observe.digest import Digest
from superscalar.observe.view import RunView
from superscalar.plan.ir import Call, Span, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.testing import run
from superscalar.values import Failure
from support.scripted_runs import ANSWERED


def said(
    capsys: pytest.CaptureFixture[str], *happened: ev.Event, by: Callable[[RunView], Account | Digest] = Account
) -> str:
    view = RunView()
    lines = PlainLines(view, by(view))
    for event in happened:
        view.apply(event)
        lines.saw(event)
    printed = capsys.readouterr()
    assert printed.out == ""
    return "\n" + printed.err


def test_a_run_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        said(capsys, *ANSWERED)
        == """
  0.50 s  plan      prices = [price(t) for t in tickers("NASDAQ")]
  0.50 s  plan      if prices:
  0.50 s  plan          alert = notify("me", prices)
  0.50 s  plan      join(prices)
  0.50 s  started   tickers  tickers('NASDAQ')
  0.75 s  sealed    the plan is complete
  1.00 s  done      tickers  0.50 s  ['IBM', 'XXX']
  1.00 s  started   prices  for each item of tickers  0/2
  1.00 s  started   prices[0]  price('IBM')
  1.00 s  waiting   prices[1]  price(t)  limited by quotes
  1.50 s  done      prices[0]  0.50 s  231.25
  1.50 s  started   prices[1]  price('XXX')
  2.00 s  failed    prices[1]  0.50 s  LookupError: no such ticker
  2.00 s  failed    prices  1.00 s  1/2, 1 failed
  2.00 s  skipped   alert  not run: prices failed
  2.00 s  joining   the answer is being written
"""
    )


def test_without_a_terminal_a_run_is_its_plan_and_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every call is a line with -v."""
    assert (
        said(capsys, *ANSWERED, by=Digest)
        == """
  0.50 s  plan      prices = [price(t) for t in tickers("NASDAQ")]
  0.50 s  plan      if prices:
  0.50 s  plan          alert = notify("me", prices)
  0.50 s  plan      join(prices)
  0.75 s  sealed    the plan is complete
  2.00 s  failed    prices[1]  0.50 s  LookupError: no such ticker
  2.00 s  failed    prices  1.00 s  1/2, 1 failed
  2.00 s  joining   the answer is being written
"""
    )


def test_of_many_failures_the_first_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """And none of what the end of the run stopped."""
    down, stopped = Failure("error", "down", "ServiceError"), Failure("cancelled", "the run was cancelled")
    calls = [ev.Planned(0.0, Task(f"c{i}", Call("t"))) for i in range(16)]
    begun = [ev.Started(0.0, f"c{i}", "t", {}) for i in range(15)]
    ends = [ev.Failed(1.0, f"c{i}", stopped if i in (3, 13, 14, 15) else down) for i in range(16)]
    lines = said(capsys, ev.RunStarted(0.0, "r"), *calls, *begun, *ends, by=Digest).splitlines()[1:]
    assert lines == [
        *(f"  1.00 s  failed    c{i}  1.00 s  ServiceError: down" for i in range(11) if i != 3),
        "  1.00 s  failed    and more, which -v tells one by one",
    ]


def test_however_long_a_plan_is_all_of_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    plan = [f"x{i} = t({i})" for i in range(30)]
    lines = said(capsys, ev.RunStarted(0.0, "r"), ev.PlanWritten(1.0, "".join(f"{line}\n" for line in plan)), by=Digest)
    assert lines.splitlines()[1:] == [f"  1.00 s  plan      {line}" for line in plan]


def test_how_far_a_run_is_is_told_once_a_second_where_that_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    view = RunView()
    lines = PlainLines(view, Digest(view))

    async def main() -> None:
        at = asyncio.get_running_loop().time
        view.apply(ev.RunStarted(at(), "r"))
        view.apply(ev.Planned(at(), Task("a", Call("t"))))
        async with lines.watching():
            await asyncio.sleep(0.25)
            view.apply(ev.Started(at(), "a", "t", {}))
            await asyncio.sleep(2.25)
            view.apply(ev.Succeeded(at(), "a", 1))
            await asyncio.sleep(5)

    run(main())
    assert capsys.readouterr().err.splitlines() == [
        "  1.00 s  progress  1 call: 1 running",
        "  3.00 s  progress  1 call: 1 done",
    ]


def test_troubles_are_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Diagnostic("E102", "`x` is not defined yet", Span(2, 0, 2, 1))
    assert (
        said(
            capsys,
            ev.RunStarted(0.0, "r"),
            ev.PlanWritten(0.0, "a = t(x)"),
            ev.Diagnosed(0.0, wrong),
            ev.Repairing(1.0, 1),
            ev.Planned(1.0, Task("a", Call("t"))),
            ev.Started(1.0, "a", "t", {}),
            ev.Progressed(1.5, "a", "halfway", 0.5),
            ev.Retrying(2.0, "a", 1, Failure("error", "busy", "RateLimited"), 1.0),
            ev.Replanned(3.0, "not\nenough"),
            ev.BudgetSpent(3.5, "max_tokens", 1200.0, 1000.0),
            ev.DeadlinePassed(4.0),
            ev.RunEnded(5.0, "cancelled"),
        )
        == """
  0.00 s  error     2: E102 `x` is not defined yet
  1.00 s  plan      a = t(x)
  1.00 s  repair    the errors went back to the planner (attempt 1)
  1.00 s  started   a  t()
  1.50 s  progress  a  50%  halfway
  2.00 s  retrying  a  attempt 1 failed: RateLimited: busy
  3.00 s  replan    not enough
  3.50 s  budget    max_tokens=1000 is spent (1200 used): what goes beyond it is not begun
  4.00 s  deadline  passed: what is unfinished is being cancelled
  5.00 s  stopped   cancelled
"""
    )


def test_what_a_repair_leaves_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the right writes among it, as they were written."""
    assert (
        said(
            capsys,
            ev.RunStarted(0.0, "r"),
            ev.Planned(0.0, Task("a", Call("send", effect="write"))),
            ev.Planned(0.0, Task("b", Call("look"))),
            ev.Retired(1.0, ("a", "b"), "the planner wrote the whole plan anew", ("a = send('x\x1b[2J')",)),
        )
        == """
  1.00 s  retired   a, b: the planner wrote the whole plan anew; it leaves out a = send('x\\x1b[2J')
"""
    )


def test_what_is_asked_and_answered_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        said(
            capsys,
            ev.RunStarted(0.0, "r"),
            ev.Planned(0.0, Task("a", Call("send", effect="write"))),
            ev.PlanAsked(0.0, ("a: send()",)),
            ev.PlanApproved(1.0, True, "ann"),
            ev.Decided(1.0, "a", "allow", "destinations"),
            ev.Decided(1.0, "a", "warn", "destinations", "it goes out"),
            ev.Decided(1.0, "a", "ask", "destinations", "it goes\nout\x1b[2J"),
            ev.Approved(2.0, "a", False, "ann"),
            ev.Failed(2.0, "a", Failure("denied", "it was not approved by ann")),
        )
        == """
  0.00 s  asked     the plan waits for approval, with 1 write
  1.00 s  approved  the plan  by ann
  1.00 s  warning   a  send()  it goes out
  1.00 s  asked     a  send()  it goes out\\x1b[2J
  2.00 s  refused   a  by ann
  2.00 s  failed    a  it was not approved by ann
"""
    )


def test_lines_are_held_back_while_something_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    view = RunView()
    lines = PlainLines(view, Account(view))
    with lines.asking() as out:
        for event in (ev.RunStarted(0.0, "r"), ev.DeadlinePassed(1.0)):
            view.apply(event)
            lines.saw(event)
        print("sure?", file=out)
        assert capsys.readouterr().err == "sure?\n"
    assert "deadline" in capsys.readouterr().err


def test_values_are_shown_and_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(
        capsys,
        ev.PlanWritten(0.0, "a = t()  # \x1b[2J[red]x[/red]\n"),
        ev.Planned(0.0, Task("a", Call("t"))),
        ev.Started(0.0, "a", "t", {"x": "\x1b[2J" * 200}),
        ev.Progressed(0.0, "a", "\x1b[2J :smile:"),
    )
    assert "\x1b" not in text
    assert "[red]x[/red]" in text
    assert ":smile:" in text
    assert max(map(len, text.splitlines())) == 200


def test_thoughts_are_told_apart_from_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        said(
            capsys,
            ev.RunStarted(0.0, "r"),
            ev.Thought(0.0, "planner", "It wants\na price"),
            ev.PlanWritten(1.0, "a = t()\nb ="),
            ev.Withdrawn(2.0, "planner"),
            ev.Thought(2.0, "planner", "a = t()\nb ="),
            ev.PlanWritten(3.0, "join()\n"),
            ev.Thought(4.0, "joiner", "Nothing."),
            ev.AnswerWritten(4.0, "No."),
        )
        == """
  0.00 s  thought   It wants
  1.00 s  thought   a price
  1.00 s  plan      a = t()
  2.00 s  thought   what was written so far was one
  2.00 s  thought   a = t()
  3.00 s  thought   b =
  3.00 s  plan      join()
  4.00 s  thought   Nothing.
"""
    )
