"""The text of a saved plan: what it says of itself, and that it is read back as it stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import UsageError
from superscalar.saved.header import PlanApproval, SavedText, clean_description, read_text
from superscalar.saved.tool_facts import ToolFacts
from support.depth import examples

PRICE = ToolFacts("price", ("is read, untrusted", "takes ticker: str", "gives float"))
TEXT = SavedText("x = price(ticker='IBM')\njoin(x)\n", "What IBM is at.\n\nIn USD.", (PRICE,))
APPROVED = SavedText(
    TEXT.body, TEXT.description, TEXT.tools, approval=PlanApproval("ann", "2026-11-30T20:24:53Z", TEXT.digest)
)

printed = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
facts = st.builds(ToolFacts, st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.lists(printed, max_size=4).map(tuple))


def test_a_saved_plan_says_what_it_was_reviewed_with() -> None:
    assert str(APPROVED).split("\n") == [
        "# superscalar plan 1",
        "# language 2",
        "# description: What IBM is at.",
        "# description:",
        "# description: In USD.",
        f"# tool price {PRICE.digest}",
        "#   is read, untrusted",
        "#   takes ticker: str",
        "#   gives float",
        f"# approved by ann, 2026-11-30T20:24:53Z, sha256:{TEXT.digest}",
        "",
        "x = price(ticker='IBM')",
        "join(x)",
        "",
    ]


@settings(max_examples=examples(15))
@given(printed, st.lists(printed, max_size=3), st.lists(facts, max_size=3))
def test_what_was_printed_reads_back_byte_for_byte(body: str, about: list[str], tools: list[ToolFacts]) -> None:
    text = SavedText(f"{body}\n", clean_description("\n".join(about)), tuple(tools))
    assert read_text(str(text), "x.plan") == text


def test_everything_counts_in_the_digest_but_who_approved_it() -> None:
    lines = str(APPROVED).split("\n")
    digests = {read_text("\n".join(lines), "x.plan").digest}
    assert digests == {TEXT.digest}
    for changed in ("x = price(ticker='IBM') ", "x = price(ticker='IBN')", "# why\nx = price(ticker='IBM')"):
        digests.add(read_text(str(APPROVED).replace("x = price(ticker='IBM')", changed), "x.plan").digest)
    digests.add(read_text(str(APPROVED).replace("In USD", "In EUR"), "x.plan").digest)
    assert len(digests) == 5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# superscalar plan 1", "# superscalar plan 2", "newer release"),
        ("# superscalar plan 1", "join(1)", "no saved plan"),
        ("\n", "\r\n", "its lines end in CR LF"),
        ("# language 2", "# langauge 2", "x.plan:2: '# langauge 2' is no line of the header"),
        ("# language 2", "# language two", "x.plan:2: '# language two' is no line"),
        ("# language 2", f"# language {'9' * 5_000}", "x.plan:2: '# language 999"),
        ("# superscalar plan 1", f"# superscalar plan {'9' * 5_000}", "no saved plan"),
        ("# superscalar plan 1", "\ufeff# superscalar plan 1", "begins with a byte order mark"),
        ("\nx =", "\n# why\rx =", "x.plan:12: there is a carriage return in it"),
        ("In USD.", "In USD.\0", "its description has in it what nobody sees"),
        ("# language 2", "# language 02", "x.plan:2: the header is not as it was written"),
        ("#   takes ticker: str", "#   takes ticker: int", "x.plan:6: the header is not as it was written"),
        ("# approved by ann", "# approved by ", "is no line of the header"),
        ("\n\nx =", "\nx =", "is no line of the header"),
    ],
)
def test_a_header_that_was_edited_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_text(str(APPROVED).replace(old, new), "x.plan")
    assert said in str(refused.value)


def test_a_description_holds_nothing_that_nobody_sees() -> None:
    with pytest.raises(UsageError, match="nobody sees"):
        clean_description("fine\u202e")
    assert clean_description("  one \ntwo\n") == "one\ntwo"
