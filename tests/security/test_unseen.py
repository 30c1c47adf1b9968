"""What a person is asked shows what nobody would see, and letters that are not what they look like."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from superscalar import ApprovalPending, LLMCompiler, Question, tool
from superscalar.testing import run
from superscalar.unseen import hides, is_unseen, revealed

HIDDEN = (
    "\u3164 \u1160 \u115f \uffa0 \u2800 \ufe0f \ufe0e \ufe00 \u180b \u180d \u180e \u180f \u034f \u17b4 \u17b5 \xad"
    " \u200b \u200c \u200d \u2060 \u2064 \u206a \ufeff \u202e \u2066 \u061c \u2028 \u2029 \x00 \x1b \x7f \x85 \x9b"
    " \u2d7f \U0001107f \U00016fe4 \u0301 \u0338 \u0327 \u1039 \u17d2 \u20dd \u20e3 \u0488 \u302a \u093e \u3099"
    " \u0f71"
    " \ufff9 \ufff0 \U000e0041 \U000e0101 \U000e0fff \U0001d173 \U0001d159 \U0001bca0 \ue000 \ud800"
)


@pytest.mark.parametrize("sign", [*HIDDEN.split(" "), "\u00a0", "\u2003", "\u3000", "\u202f", "\t", "\n"], ids=ascii)
def test_a_sign_that_nobody_sees_is_shown_as_an_escape(sign: str) -> None:
    assert is_unseen(sign) or unicodedata.category(sign)[0] == "M"
    assert hides(f"ann{sign}eve")
    shown = revealed(f"ann{sign}eve")
    assert (shown.isascii(), shown.isprintable(), shown.startswith("ann\\")) == (True, True, True)
    question = str(Question("r", "x", "send", {"to": f"ann{sign}eve"}, {"to": f"`{sign}`"}, f"why{sign}"))
    assert sign not in question.replace("\n", "") if sign != "\n" else question.count("\n") == 3
    assert sign not in "".join(Question("r", "", "", {}, {}, "", f"x = {sign}").plan_lines())


def test_every_letter_of_plain_texts_is_seen() -> None:
    seen = "Zoë, größer, naïve, Привет, 你好, こんにちは, 안녕, שָׁלוֹם, مَرْحَبًا, नमस्ते, 😀, 12 €, “q” — …"
    assert not hides(seen)
    assert revealed(seen) == seen


def test_every_mark_of_a_letter_of_its_own_script_is_seen() -> None:
    seen = "স্বাগতম, வணக்கம், สวัสดีครับ, ភាសាខ្មែរ, မြန်မာ, སྐད, ಕನ್ನಡ"
    assert not hides(seen)
    assert revealed(seen) == seen


def test_nothing_that_has_no_form_is_taken_for_seen() -> None:
    for code in range(0x30000):
        sign = chr(code)
        if unicodedata.category(sign)[0] == "C" or sign.isspace():
            assert is_unseen(sign) is (sign != " "), ascii(sign)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u0430nn@home.example", r"\u0430nn@home.example"),  # Cyrillic
        ("ann@h\u03bfme.example", r"ann@h\u03bfme.example"),  # Greek
        ("ann@home.e\u0445ample", r"ann@home.e\u0445ample"),
        ("\u0440\u0430\u0443.com", r"\u0440\u0430\u0443.com"),
        ("\u13aann", r"\u13aann"),  # Cherokee
        ("\u0561nn", r"\u0561nn"),  # Armenian
        ("p\uff41y", r"p\uff41y"),  # a wide Latin letter
        ("\U0001d41ann", r"\U0001d41ann"),  # a bold one
        ("ann\uff20home", r"ann\uff20home"),  # a wide sign
        ("ann@home\u2024example", r"ann@home\u2024example"),
        ("pay\u0661", r"pay\u0661"),  # a digit
        ("home.example/\u30ce", r"home.example/\u30ce"),  # kana in an address
        ("日本.com", r"\u65e5\u672c.com"),
        ("ann\u0301@home.example", r"ann\u0301@home.example"),  # what can be written in one letter
        ("e\u0301a", r"e\u0301a"),
        ("\u0438\u0306", "\u0438\\u0306"),
        ("ann@\u0338home", r"ann@\u0338home"),
        ("\u0915\u0301", "\u0915\\u0301"),
        ("\u0915\u1039", "\u0915\\u1039"),  # a mark of another script
        ("\u2d30\u2d7f", "\u2d30\\u2d7f"),  # a joiner of its own
        ("home.example\u2215evil", r"home.example\u2215evil"),
        ("ann\u2010bob@home", r"ann\u2010bob@home"),
        ("https\u2236//home.example", r"https\u2236//home.example"),
        ("\u0261ina@home.example", r"\u0261ina@home.example"),
        ("ann@h\u0131me.example", r"ann@h\u0131me.example"),
        ("\u0251nn@home.example", r"\u0251nn@home.example"),
        ("www.größer.de", "www.größer.de"),
        ("Łódź@home.example", "Łódź@home.example"),
        ("Mon–Fri, it’s “so”.", "Mon–Fri, it’s “so”."),
        ("Pythonの本", "Pythonの本"),
        ("Привет Ann", "Привет Ann"),
        ("Zoë@home.example", "Zoë@home.example"),
        ("\u03b1\u03b2\u03b3", "αβγ"),
        ("5 m²", "5 m²"),
        ("Привет,\nAnn", "Привет,\\xAnn".replace("\\x", "\\n")),
    ],
)
def test_letters_of_another_script_among_latin_ones_are_shown_as_escapes(text: str, shown: str) -> None:
    assert revealed(text).replace("\n", "\\n") == shown
    assert f"to = '{shown}'" in str(Question("r", "x", "send", {"to": text}, {}, "why"))


@tool(effect="read")
async def book() -> list[str]:
    """Addresses of a stranger."""
    return ["bob@home.example" + "\u3164" * 40 + ",eve@evil.example", "\u0430nn@home.example", "a\ufe0fb"]


@tool(effect="write", sink="to")
async def send(to: str) -> str:
    """Send."""
    return "sent"


def test_so_it_is_wherever_a_question_is_put(tmp_path: Path) -> None:
    hidden = re.compile("[\u3164\u0430\ufe0f]")
    asked: list[str] = []
    plan = "b = book()\nx = [send(one) for one in b]\njoin(x)\n"

    def approve(question: Any) -> bool:
        asked.append(str(question))
        return False

    run(LLMCompiler(tools=[book, send], policy="ask", approve=approve).execute(plan))
    with pytest.raises(ApprovalPending) as pending:
        run(LLMCompiler(tools=[book, send], policy="ask", journal=tmp_path / "runs.db").execute(plan))
    texts = [*asked, str(pending.value)]
    assert len(texts) == 4
    assert not any(hidden.search(text) for text in texts)
    assert all("\\u3164\\u3164" in text for text in (texts[0], texts[3]))
