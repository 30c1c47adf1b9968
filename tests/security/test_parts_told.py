"""People are told which parts of a value are trusted: in the tree of where it came from, and when they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import Ask, Label, LabelledCall, LLMCompiler, Policy, Question, RunResult, tool
from superscalar.cli.origins import print_made
from superscalar.labels import PLAN, Source
from superscalar.observe.documents import made_document
from superscalar.plan.evaluate.parts import Entries, Labelled, Parts, row, some, told_parts
from superscalar.testing import run as ran_in_virtual_time

FOREIGN = Label([Source("tool", "web", trusted=False)])


@tool(effect="read", trust="trusted")
def orders() -> list[dict[str, Any]]:
    """Our orders."""
    return [{"id": 7}, {"id": 8}]


@tool(effect="read")
def ship(i: int) -> str:
    """A carrier's word."""
    return "lost"


@tool(trusted_fields=("[].id",))
def files() -> list[dict[str, str]]:
    """Files, with names of anybody."""
    return [{"id": "f1", "name": "a b"}]


@tool(effect="read", trust="trusted", readers=("ann",))
def diary() -> str:
    """Ann's own."""
    return "dear diary"


@tool(effect="write", trust="trusted")
def refund(order: Any) -> str:
    """Refund."""
    return "refunded"


@tool(effect="write", sink="to", trust="trusted")
def send(to: Any) -> str:
    """Send."""
    return "sent"


def ask(call: LabelledCall) -> Ask | None:
    return Ask("sure?") if call.effect == "write" else None


SHIP = "`x.ship` = ship(i=1), which is not trusted"


def asked(lines: str) -> tuple[list[Question], RunResult]:
    """What a person is asked by a plan that refunds orders and knows what carriers say of them."""
    questions: list[Question] = []

    def approve(question: Question) -> bool:
        questions.append(question)
        return True

    agent = LLMCompiler(
        tools=[orders, ship, files, diary, refund, send], policy=Policy("ask", rules=[ask]), approve=approve
    )

    async def main() -> RunResult:
        async with agent.stream_plan(f"os = orders()\nss = [ship(o.id) for o in os]\n{lines}\njoin()\n") as running:
            return await running.result()

    return questions, ran_in_virtual_time(main())


@pytest.mark.parametrize(
    ("argument", "origin"),
    [
        ("zip(os, ss)[0][0].id", "`os` = orders(), as `zip(os, ss)[0][0].id`"),
        ("[o.id for o, s in zip(os, ss)][1]", "`os` = orders(), as `[o.id for o, s in zip(os, ss)][1]`"),
        ("files()[0].id", "`x.files` = files(), which vouches for that, as `x.files[0].id`"),
        ("files()[0].name", "`x.files` = files(), of which only some fields are trusted, as `x.files[0].name`"),
        ("len([1, 2])", "the plan, as `len([1, 2])`"),
        (
            "(os[0].id, ship(1))",
            f"`os` = orders(), {SHIP}, as `(os[0].id, x.ship)`; trusted in it: `[0]`",
        ),
        (
            "{'a': ship(1), 'b': os}",
            f"{SHIP}, `os` = orders(), as `{{'a': x.ship, 'b': os}}`; trusted in it: `.b`",
        ),
    ],
)
def test_a_question_names_the_calls_of_which_something_is_in_an_argument(argument: str, origin: str) -> None:
    questions, _ = asked(f"x = refund({argument})")
    assert [question.origins for question in questions] == [{"order": origin}]


def test_a_tree_marks_the_parts_that_are_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    _, result = asked("ps = zip(os, ss)\nd = {o.id: s for o, s in ps}")
    print_made(result.provenance("ps"))
    print_made(result.provenance("d"))
    trees = [line.partition("  -> ")[0] for line in capsys.readouterr().out.splitlines() if line[:1] in ("p", "d")]
    assert trees == [
        "ps = zip(os, ss)  not trusted but for [][0]",
        "d = {o.id: s for o, s in ps}  not trusted but for .keys()[]",
    ]


def test_a_tree_marks_the_parts_that_everybody_may_read(capsys: pytest.CaptureFixture[str]) -> None:
    _, result = asked("x = [diary(), os[0].id]")
    print_made(result.provenance("x"))
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "x = display  only for ann but for [1]  -> ['dear diary', 7]"


def test_parts_as_json() -> None:
    _, result = asked("ps = zip(os, ss)")
    document = made_document(result.provenance("ps"))
    assert [(part["path"], part["trusted"]) for part in document["parts"]] == [("[][0]", True), ("[][1]", False)]
    assert [one["parts"] for one in document["inputs"]] == [[], []]


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (FOREIGN, {}),
        (row(PLAN, [PLAN, PLAN]), {}),
        (some(FOREIGN, FOREIGN), {}),
        (row(PLAN, [PLAN, FOREIGN]), {"[0]": PLAN, "[1]": FOREIGN}),
        (row(FOREIGN, [PLAN, FOREIGN]), {"[0]": PLAN | FOREIGN, "[1]": FOREIGN}),
        (some(PLAN, row(PLAN, [PLAN, FOREIGN])), {"[][0]": PLAN, "[][1]": FOREIGN}),
        (row(PLAN, [row(PLAN, [PLAN, FOREIGN])] * 9), {"[][0]": PLAN, "[][1]": FOREIGN}),
        (Parts(PLAN, {"a": PLAN, "b c": FOREIGN}, None), {".a": PLAN, "['b c']": FOREIGN}),
        (Entries(PLAN, {}, each=FOREIGN), {".keys()[]": PLAN, ".values()[]": PLAN | FOREIGN}),
    ],
)
def test_parts_are_named_by_where_they_stand(labels: Labelled, parts: dict[str, Label]) -> None:
    assert dict(told_parts(labels)) == parts
