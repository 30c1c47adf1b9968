"""Pictures of a run."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from superscalar import events as ev
from superscalar.cli.frame import LiveFrame
from superscalar.observe.view import RunView
from superscalar.plan.ir import Call, Map, Need, Ref, Span, Task
from superscalar.plan.ir.diagnostics import Diagnostic
from support.scripted_runs import ANSWERED, RUNNING, WRITING


def view_of(happened: Sequence[ev.Event]) -> RunView:
    view = RunView()
    for event in happened:
        view.apply(event)
    return view


def frame(title: str = "How are they?", encoding: str = "utf-8") -> LiveFrame:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return LiveFrame(Console(file=file, width=80, legacy_windows=False), title)


def picture(happened: Sequence[ev.Event], width: int = 80, height: int = 24, now: float = 2.25) -> str:
    lines = frame().lines(view_of(happened), width, height, now)
    return "\n" + "\n".join(line.plain.rstrip() for line in lines) + "\n"


def test_files_that_a_model_is_not_given_are_counted() -> None:
    why = "withheld: image/png, 12 bytes: m takes no images"
    asked: list[ev.Event] = [
        ev.RunStarted(0.0, "r"),
        *(ev.ModelAsked(0.0, role, 1, "m", (why,)) for role in ("planner", "joiner")),
    ]
    assert picture(asked).splitlines()[-1].startswith("1 file withheld ")


def test_a_plan_that_is_being_run() -> None:
    assert picture(WRITING, now=1.25) == (
        """
How are they?                                                             1.2 s
── plan ───────────────────────────────────────────────────────────────────────
prices = [price(t) for t in tickers("NASDAQ")]
if prices:
    alert = notify("me", prices)
join(prices)
── tasks ──────────────────────────────────────────────────────────────────────
✓ tickers      tickers('NASDAQ')          0.50 s  ['IBM', 'XXX']
● prices       for each item of ticke…     0.2 s  0/2, 1 running
●   prices[0]  price('IBM')                0.2 s
○   prices[1]  price(t)                           limited by quotes
· alert.if     = prices                           waits for prices
· alert        notify(who='me', text=…            waits for prices, alert.if
· join                                            waits for prices
4 calls: 1 running, 1 done, 1 ready, 1 waiting                          running
"""
    )


def test_a_call_that_waits_for_approval() -> None:
    asked: list[ev.Event] = [
        *(ev.RunStarted(0.0, "r"), ev.Planned(0.0, Task("a", Call("send", effect="write")))),
        *(ev.Planned(0.0, Task("b", Call("look"))), ev.Sealed(0.0), ev.Started(0.0, "b", "look", {})),
        ev.Decided(1.0, "a", "ask", "destinations", "it goes out"),
    ]
    assert picture(asked) == (
        """
How are they?                                                             2.2 s
── tasks ──────────────────────────────────────────────────────────────────────
? a  send()            waits for approval: it goes out
● b  look()     2.2 s
2 calls: 1 running, 1 waiting for approval                              running
"""
    )
    assert "the plan waits for approval" in picture([*asked[:3], ev.PlanAsked(1.0)])


def test_an_answer_that_is_being_written() -> None:
    assert picture(ANSWERED[:-3], now=2.75) == (
        """
How are they?                                                             2.8 s
── plan ───────────────────────────────────────────────────────────────────────
if prices:
    alert = notify("me", prices)
join(prices)
── tasks ──────────────────────────────────────────────────────────────────────
✓ tickers      tickers('NASDAQ')          0.50 s  ['IBM', 'XXX']
✗ prices       for each item of ticke…    1.00 s  1/2, 1 failed
✓   prices[0]  price('IBM')               0.50 s  231.25
✗   prices[1]  price('XXX')               0.50 s  LookupError: no such ticker
– alert.if     = prices                           not run: prices failed
– alert        notify(who='me', text=…            not run: prices failed
✓ join                                            [231.25, <failed: LookupErro…
── answer ─────────────────────────────────────────────────────────────────────
IBM is at 231.25; XXX is unknown.








4 calls: 1 failed, 2 done, 1 skipped   1,000 tokens                   answering
"""
    )


def test_a_wide_terminal_shows_more_of_each_line() -> None:
    lines = picture(RUNNING, width=140).splitlines()
    assert "✗ prices       for each item of tickers         1.00 s  1/2, 1 failed" in lines


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 50), (40, 10), (25, 5), (21, 3), (80, 2), (80, 1)])
@pytest.mark.parametrize("happened", [(), WRITING, RUNNING, ANSWERED])
def test_a_picture_always_fits(happened: Sequence[ev.Event], width: int, height: int) -> None:
    lines = frame("a question " * 20).lines(view_of(happened), width, height, 3.0)
    assert 0 < len(lines) <= height
    assert max(cell_len(line.plain) for line in lines) < width


def test_a_map_of_thousands_fits() -> None:
    prices = Map("xs", "prices[]:t", (Task("prices[]", Call("price", (("t", Ref("prices[]:t")),))),), "prices[]")
    started = [ev.Started(1.0, f"prices[{n}]", "price", {"t": n}) for n in range(5_000)]
    done = [ev.Succeeded(2.0, f"prices[{n}]", n) for n in range(4_990)]
    happened: list[ev.Event] = [
        ev.Planned(0.0, Task("prices", prices)),
        ev.Expanded(0.5, "prices", 6_000),
        *started,
        *done,
    ]
    lines = picture(happened, height=10).splitlines()[1:]
    assert len(lines) == 10
    assert lines[2].split() == "● prices for each item of xs 1.8 s 4,990/6,000, 10 running".split()
    assert lines[3].split() == "● prices[4994] price(4994) 1.2 s".split()


def test_columns_never_get_narrower_and_the_picture_never_shorter() -> None:
    drawn = frame()
    full = drawn.lines(view_of(WRITING), 80, 24, 1.0)
    small = drawn.lines(view_of(WRITING[:5]), 80, 24, 1.0)
    assert len(small) == len(full)
    assert small[-1].plain.strip().endswith("planning")


def test_the_picture_keeps_its_height_while_the_answer_grows() -> None:
    drawn = frame()
    view = view_of(ANSWERED[:-4])
    heights = set()
    lines: list[str] = []
    for _ in range(30):
        view.apply(ev.AnswerWritten(3.0, "and another line\n"))
        lines = [line.plain for line in drawn.lines(view, 80, 24, 3.0)]
        heights.add((len(lines), lines.index(next(line for line in lines if "answer" in line))))
    assert len(heights) == 1
    assert lines[-2].strip() == "and another line"


def test_text_from_tools_and_models_is_shown_and_never_obeyed() -> None:
    evil = "\x1b[2J[red]x[/red]\nsecond"
    happened: list[ev.Event] = [
        ev.PlanWritten(0.0, f'a = t("{evil}")\n'),
        ev.Planned(0.0, Task("a", Call("t"))),
        ev.Started(0.0, "a", "t", {"x": evil}),
        ev.Progressed(0.0, "a", evil),
        ev.JoinStarted(0.0),
        ev.AnswerWritten(0.0, evil),
    ]
    text = "\n".join(line.plain for line in frame(evil).lines(view_of(happened), 120, 40, 1.0))
    assert "\x1b" not in text
    assert text.count("\\x1b[2J[red]x[/red]") == 5


def test_only_the_sign_and_the_note_of_a_row_are_coloured() -> None:
    lines = frame().lines(view_of(RUNNING), 80, 24, 2.0)
    failed = next(line for line in lines if line.plain.startswith("✗   prices[1]"))
    assert failed.style == ""
    assert [(failed.plain[span.start : span.end], str(span.style)) for span in failed.spans if span.style] == [
        ("✗", "bold red"),
        ("LookupError: no such ticker", "red"),
    ]


def test_a_batch_is_shown_as_one_request() -> None:
    """While it runs and when it is done, beside what else there is to say of a call."""
    happened: list[ev.Event] = [
        *(ev.Planned(0.0, Task(id, Call("t"))) for id in "ab"),
        *(ev.Started(0.0, id, "t", {}, attempt=2, batch=1) for id in "ab"),
        ev.Succeeded(1.0, "a", 5),
    ]
    notes = [line.split("s  ")[-1].strip() for line in picture(happened).splitlines() if "t()" in line]
    assert notes == ["5  (attempt 2, one request for 2)", "attempt 2  one request for 2"]


def test_diagnostics_stand_under_the_plan() -> None:
    wrong = Diagnostic("E102", "`revenue` is not defined yet", Span(3, 0, 3, 1))
    assert "E102 line 3: `revenue` is not defined yet" in picture(
        [ev.PlanWritten(0.0, "x = 1"), ev.Diagnosed(0.0, wrong)]
    )


def test_a_terminal_without_unicode_gets_ascii_signs() -> None:
    lines = [line.plain for line in frame(encoding="ascii").lines(view_of(RUNNING), 80, 24, 2.0)]
    assert lines[1].startswith("-- plan ----")
    assert [line[0] for line in lines if "price(" in line and "]  " in line] == ["+", "x"]


def test_what_never_ran_is_not_needed_once_the_run_is_over() -> None:
    happened: list[ev.Event] = [ev.Planned(0.0, Task("a", Call("t"), (Need("b"),))), ev.RunEnded(1.0)]
    text = picture(happened)
    assert "not needed" in text
    assert "1 call: 1 not needed" in text
    assert "finished" in text


@pytest.mark.parametrize("role", ["planner", "joiner"])
def test_what_a_model_thinks_is_shown_pale_until_it_writes(role: str) -> None:
    begun: list[ev.Event] = [ev.RunStarted(0.0, "r", "How?"), ev.PlanWritten(0.0, "a = t()\n")]
    begun += [ev.JoinStarted(1.0)] if role == "joiner" else []
    thinking = [*begun, ev.Thought(1.0, role, "one\ntwo\nthree\nfour")]
    lines = frame().lines(view_of(thinking), 80, 24, 2.0)
    assert [str(line.style) for line in lines if line.plain in ("two", "three", "four")] == ["dim"] * 3
    assert "one" not in [line.plain for line in lines]
    written = ev.PlanWritten(2.0, "join(a)\n") if role == "planner" else ev.AnswerWritten(2.0, "So.")
    assert "four" not in picture([*thinking, written])
