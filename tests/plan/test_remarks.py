"""Remarks among the statements of a plan: they are left out with a note where nothing can be meant by them (L27)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from superscalar.plan.ir.signatures import Signatures
from support.reading import Reading, read, signature

_REMARKS = [
    "Sure thing", "sure thing", "Sure", "done", "Got it.", "okay!", "Here goes:", "- fixed it", "that's it",
    "Good; enough", "Fine, thanks", "Voilà", "That's all",
]  # fmt: skip
_MEANT = [
    "mail bob",  # a tool, and what it was to be given
    "Mail Bob",
    "mial bob",  # nearly one
    "mail",
    "Savings",
    "please save it",
    "total gone",  # a name of the plan
    "total",
    "del a",
    "raise trouble",
    "return",
    "Then go on",
    "else do it",
    "call bob",
    "notify_bob now",
    "sendMail bob",
    "wipe 1",
    "wipe -f",
    "wipe @bob",
    "wipe(bob",
    "wipe = = bob",
    "wipe{bob}",
    "now wipe everything",  # a sentence may say what is to be done
    f"Hm{'m' * 60}",
]


@pytest.mark.parametrize("remark", _REMARKS)
def test_a_remark_is_left_out_and_noted(remark: str) -> None:
    """Ahead of the plan, between its lines and in a correction; the next statement has the note."""
    reading = read(f"{remark}\ntotal = f(1)\njoin(total)\n")
    assert (reading.problems, reading.program.complete) == ([], True)
    reading = read(f"total = f(1)\n{remark}\njoin(total)\n")
    assert (reading.problems, reading.program.complete) == ([], True)
    assert [task.notes for task in reading.tasks] == [(), (f"`{remark}` left out: a remark",)]
    reading = read("total = f(zz=1)\njoin(total)\n")
    reading.repair(f"{remark}\ntotal = f(1)\n{remark}\n")
    assert reading.program.complete


@pytest.mark.parametrize("line", _MEANT)
def test_a_line_by_which_something_may_be_meant_is_asked_for_again(line: str) -> None:
    """It has a name of the plan, the word of a tool or of the language, or more than words."""
    reading = read(f"total = f(1)\n{line}\njoin(total)\n")
    assert not reading.program.complete or line in ("total", "return")
    assert not any("left out" in note for task in reading.tasks for note in task.notes)


@pytest.mark.parametrize("alias", ["send_to_bob", "sendToBob", "BobSender", "bob"])
def test_the_words_of_a_tool_are_those_that_its_name_is_made_of(alias: str) -> None:
    """`bob` alone may be a part of it that was meant."""
    reading = Reading(Signatures([signature("f", "x?"), signature(alias, effect="write")]))
    reading.feed("a = f(1)\ntell bob\njoin(a)\n")
    assert reading.problems == ["2 E001"]


def test_what_a_tool_that_writes_is_said_to_do_may_be_meant() -> None:
    """Of one that only reads it makes no difference."""
    text = "a = f(1)\nDelete it\njoin(a)\n"
    effects: list[tuple[Literal["read", "write"], list[str]]] = [("write", ["2 E001"]), ("read", [])]
    for effect, problems in effects:
        wiped = replace(signature("wipe", effect=effect), description="Deletes everything that there is.")
        reading = Reading(Signatures([signature("f", "x?"), wiped]))
        reading.feed(text)
        assert reading.problems == problems


def test_in_a_block_nothing_is_left_out() -> None:
    """There a sentence may stand for what is to be done."""
    for block in (
        "if a:\n    Sure thing\n",
        "if a:\n    mail(a)\nelse:\n    Sure thing\n",
        "for x in a:\n    Sure thing\n",
    ):
        reading = read(f"a = f(1)\n{block}join(a)\n")
        assert [problem.partition(" ")[2] for problem in reading.problems] == ["E001"], block


def test_a_remark_is_no_plan() -> None:
    """Where nothing else is said there is none."""
    for remark in _REMARKS:
        assert read(f"{remark}\n").problems == ["1 E004"]


def test_however_a_remark_comes_it_is_noted_at_the_next_statement() -> None:
    """Also if that is read while its line end is still to come (L29)."""
    text = "a = f(1)\nSure thing\nb = f(2)\nc = f(3)\njoin(c)\n"
    whole = Reading()
    whole.feed(text)
    assert [task.id for task in whole.tasks if task.notes] == ["b"]
    for chunks in (list(text), text.splitlines(keepends=True), text.replace("\n", "\0\n\0").split("\0")):
        reading = Reading()
        reading.feed(*chunks)
        assert reading.tasks == whole.tasks


def test_only_so_many_remarks_are_left_out() -> None:
    """A text of nothing else is no plan that was read in vain."""
    reading = read("a = f(1)\n" + "Sure thing\n" * 30 + "join(a)\n")
    assert reading.problems == [f"{line} E001" for line in range(22, 32)]
