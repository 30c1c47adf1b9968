"""Untrusted text and numbers on a terminal."""

from __future__ import annotations

import json

import pytest

from superscalar.cli.terminal import json_safe, safe, safe_line
from superscalar.observe.wording import counted, duration, ticking


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcödé, 日本語, 👩\u200d👧", "plain, ünïcödé, 日本語, 👩\u200d👧"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("over\rwrite\x08\x7f", "over\\rwrite\\x08\\x7f"),
        ("two\r\nlines\tapart", "two\nlines   apart"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("in\u200bvis\u2060ible\ufeff\U000e0041", "in\\u200bvis\\u2060ible\\ufeff\\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("line\u2028separator", "line\\u2028separator"),
        ("[bold red]markup[/] :smile:", "[bold red]markup[/] :smile:"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown_instead(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_line_stays_one_line() -> None:
    assert safe_line("a\nb\r\nc") == "a b c"


def test_json_made_safe_means_the_same() -> None:
    document = {"a": "\x9b\u202e\U000e0041 é", "b": "\ud83d"}
    text = json_safe(json.dumps(document, ensure_ascii=False))
    assert json.loads(text) == document
    assert text == '{"a": "\\u009b\\u202e\\udb40\\udc41 é", "b": "\\ud83d"}'


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (99.94, "99.9 s"),
        (99.96, "1:40 min"),
        (3599.6, "1:00:00 h"),
        (7325.0, "2:02:05 h"),
    ],
)
def test_durations_are_as_fine_as_they_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_time_that_passes_ticks_in_tenths() -> None:
    assert (ticking(0.04), ticking(9.94), ticking(9.96), ticking(100.0)) == ("0.0 s", "9.9 s", "9.96 s", "1:40 min")


def test_things_are_counted() -> None:
    assert (counted(0, "call"), counted(1, "call"), counted(2000, "call")) == ("0 calls", "1 call", "2,000 calls")
