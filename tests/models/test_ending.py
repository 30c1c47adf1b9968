"""When a reply is whole: the provider's word, and what stands in for it where none came."""

from __future__ import annotations

import pytest

from superscalar.errors import UsageError
from superscalar.models.ending import WHOLE, Ends, ReplyEnd, is_whole, why_cut

CUTS = (
    "length",
    "filter",
    "max_tokens",
    "MAX_TOKENS",
    "error",
    "insufficient_system_resource",
    "load",
    "SAFETY",
    "x" * 99,
)


@pytest.mark.parametrize("word", [*sorted(WHOLE), "STOP", "End_Turn", " stop "])
def test_these_words_say_that_a_reply_is_whole(word: str) -> None:
    assert is_whole(word)
    assert Ends({}).read(word) == "stop"


@pytest.mark.parametrize("word", CUTS)
def test_any_other_word_is_a_cut(word: str) -> None:
    assert not is_whole(word)
    assert Ends({}).read(word) == word


@pytest.mark.parametrize("word", [7, True, {"reason": "stop"}, ["stop"], 0, False])
def test_what_is_no_text_is_a_word_that_nobody_knows(word: object) -> None:
    assert Ends({}).read(word) == str(word)


@pytest.mark.parametrize("word", [None, "", " ", "null", "NULL"])
def test_no_word_at_all(word: object) -> None:
    assert Ends({}).read(word) is None
    assert not is_whole(None)


def test_an_adapter_has_a_table_and_its_user_may_add_to_it() -> None:
    ends = Ends({"content_filter": "filter"}, {"<EOS>", "max_tokens"})
    assert [ends.read(word) for word in ("content_filter", "<eos>", "MAX_TOKENS", "load")] == [
        "filter",
        "stop",
        "stop",
        "load",
    ]


@pytest.mark.parametrize("more", ["EOS", [""], [None]])
def test_what_is_added_are_words(more: object) -> None:
    with pytest.raises(UsageError, match="ends="):
        Ends({}, more)  # type: ignore[arg-type]


def test_a_cut_names_the_word_and_the_option() -> None:
    assert "'load'" not in why_cut("load")
    assert '"load"' in why_cut("load")
    assert 'ends={"load"}' in why_cut("load")
    assert "ends=" not in why_cut("length")
    assert len(why_cut("x" * 10_000)) < 400


@pytest.mark.parametrize(
    ("steps", "finish"),
    [
        ([], None),
        (["text"], None),
        (["text", "[DONE]"], "stop"),
        (["text", "stop"], "stop"),
        (["text", "stop", "[DONE]"], "stop"),
        (["text", "", "null", "[DONE]"], "stop"),
        (["text", "length", "[DONE]"], "length"),
        (["stop", "text"], None),
        (["stop", "text", "[DONE]"], "stop"),
        (["text+stop"], "stop"),
        (["text+stop", "text+stop"], None),
        (["text+stop", "text+stop", "[DONE]"], "stop"),
        (["text+stop", "text+stop", "stop"], "stop"),
        (["stop", "text", "", "stop"], "stop"),
        (["length", "text", "stop"], "length"),
        (["text", "load", "error"], "load"),
    ],
)
def test_what_a_stream_says_of_its_end_is_folded(steps: list[str], finish: str | None) -> None:
    """A word for a cut is never taken back; one for a whole reply holds until more of it comes."""
    end = ReplyEnd(Ends({}))
    for step in steps:
        if step.startswith("text"):
            end.wrote()
            end.said(step[5:])
        elif step == "[DONE]":
            end.done()
        else:
            end.said(step)
    assert end.finish == finish
