"""Labels: where a value came from follows from the plan, whatever the value is."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from superscalar import Label, LLMCompiler, Source, tool
from superscalar.executors.runners import Runners
from superscalar.plan.evaluate.narrow import shaped
from superscalar.plan.evaluate.parts import Labelled, Parts, whole
from superscalar.schedule.attempt import Bounds
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset


class Mail(NamedTuple):
    sender: str
    text: str


@tool(effect="read", trust="trusted")
async def contact(name: str) -> str:
    """The address of somebody in the address book."""
    if name == "nobody":
        raise LookupError("nobody")
    return f"{name}@home"


@tool(effect="read")
async def page(url: str) -> str:
    """A page of the web."""
    if url == "down":
        raise ConnectionError("down")
    return f"text of {url}"


@tool(effect="read")
async def inbox(count: int = 2) -> list[Mail]:
    """The mails there are."""
    return [Mail(f"m{i}", f"text {i}") for i in range(count)]


@tool(effect="read")
async def length(text: str) -> int:
    """How long a text is."""
    return len(text)


@tool(effect="read", trust="trusted", readers=("finance", "legal"))
async def salary(name: str) -> int:
    """What somebody earns."""
    return 10


@tool(effect="read", trust="trusted", readers=lambda name: [name, "legal"])
async def letter(name: str) -> str:
    """A letter to somebody."""
    return f"dear {name}"


@tool(effect="pure")
async def upper(text: str) -> str:
    """The same in capitals."""
    return text.upper()


TOOLS = Toolset([contact, page, inbox, length, salary, letter, upper])
PAGE = Source("tool", "page", trusted=False)
INBOX = Source("tool", "inbox", trusted=False)
CONTACT = Source("tool", "contact")


async def _unit(plan: str, question: str = "") -> TaskFetchingUnit:
    compiled = LLMCompiler(tools=[TOOLS]).compile(plan)
    unit = TaskFetchingUnit(
        Surroundings(
            run="r",
            tools=TOOLS,
            limits=Limits(TOOLS.limits),
            runners=Runners(),
            record=lambda _: None,
            bounds=Bounds(),
            question=question,
        )
    )
    await unit.run(compiled.tasks)
    unit.schedule.check()
    return unit


def labelled(plan: str, name: str = "x", question: str = "") -> Labelled:
    async def main() -> Labelled:
        unit = await _unit(plan, question)
        return unit.permission.labels.of(unit.schedule.cell(name))

    return run(main())


def label(plan: str, name: str = "x", question: str = "") -> Label:
    return whole(labelled(plan, name, question))


@pytest.mark.parametrize(
    ("plan", "sources"),
    [
        ('x = "a"', {"plan"}),
        ('x = contact("ann")', {"plan", "contact"}),
        ('x = page("u")', {"plan", "page"}),
        ('x = contact(page("u"))', {"plan", "page", "contact"}),
        ('x = upper(page("u"))', {"plan", "page"}),
        ('x = upper("u")', {"plan"}),
        ('p = page("u")\nx = f"see {p}"', {"plan", "page"}),
        ('p = page("u")\nx = p.split()[0]', {"plan", "page"}),
        ('p = page("u")\nx = len(p)', {"plan", "page"}),
        ('p = page("u")\nx = [w for w in ["a"] if w in p]', {"plan", "page"}),
        ('p = page("u")\nx = max(["a", "b"], key=lambda w: p.count(w))', {"plan", "page"}),
        ('p = page("u")\nx = "a" if "b" in p else "c"', {"plan", "page"}),
        ('p = page("u")\nx = contact("a") if "b" in p else contact("c")', {"plan", "page", "contact"}),
        ('p = page("u")\nif "b" in p:\n    x = "a"\nelse:\n    x = "c"', {"plan", "page"}),
        ('p = page("u")\nx = "a"\nif "b" in p:\n    x = "c"', {"plan", "page"}),
        ('p = page("u")\nx = {"a": 1}.get(p, 0)', {"plan", "page"}),
        ('p = page("u")\nx = ["a", "b"][len(p) % 2]', {"plan", "page"}),
        ('x = default(page("down"), "nothing")', {"plan", "page"}),
        ('x = default("here", page("u"))', {"plan", "page"}),
        ('x = first(1, [contact("a"), page("u")])[0]', {"plan", "page", "contact"}),
        ('x = ok([contact("a"), page("down")])[0]', {"plan", "page", "contact"}),
        ("total = 0\nfor m in inbox():\n    total += len(m.text)\nx = total", {"plan", "inbox"}),
        ('for m in inbox():\n    x = contact("ann")', {"plan", "inbox", "contact"}),
        ('for m in inbox(0):\n    x = contact("ann")\nx = "a"', {"plan"}),
    ],
)
def test_a_label_names_all_that_a_value_was_made_from_or_chosen_by(plan: str, sources: set[str]) -> None:
    name = "x.2" if plan.count("x = ") == 2 and "if" not in plan and "else" not in plan else "x"
    found = label(plan, _last(plan, name))
    assert {source.name or source.kind for source in found.sources} - {"plan"} == sources - {"plan"}
    assert found.trusted is not bool({"page", "inbox"} & sources)


def _last(plan: str, name: str) -> str:
    tasks = LLMCompiler(tools=[TOOLS]).compile(plan).tasks
    return next(task.id for task in reversed(tasks) if task.id == "x" or task.id.startswith("x."))


@pytest.mark.parametrize(
    "plan",
    [
        'd = [contact("ann"), page("u")]\nx = d[0]',
        'd = [page("u"), contact("ann")]\nx = d[-1]',
        'd = {"to": contact("ann"), "text": page("u")}\nx = d["to"]',
        'd = {"to": contact("ann"), "text": page("u")}\nx = d.to',
        'a = contact("ann")\np = page("u")\nd = (a, p)\nx = d[0]',
        'a = contact("ann")\np = page("u")\nx, y = a, p',
        'a = contact("ann")\np = page("u")\nd = {"a": [a, p], "b": p}\nx = d["a"][0]',
        'p = page("u")\nd = [contact(n) for n in ["ann", "bob"]]\nx = d[1]',
        'p = page("u")\nd = [contact(n) for n in ["ann", p]]\nx = d[0]',
        'p = page("u")\nx = contact("ann")',
    ],
)
def test_a_part_of_a_display_has_the_label_of_that_part_alone(plan: str) -> None:
    assert label(plan).sources == {Source("plan"), CONTACT}


def test_the_other_parts_keep_theirs() -> None:
    assert label('p = page("u")\nd = [contact(n) for n in ["ann", p]]\nx = d[1]').untrusted == (PAGE,)
    assert label('d = [contact("ann"), page("u")]\nx = d').untrusted == (PAGE,)


def test_what_moves_up_when_an_item_is_left_out_has_the_label_of_the_whole() -> None:
    plan = 'p = page("u")\nd = [w for w in [contact("a"), contact("b")] if len(p) > 3 and w != contact("a")]\nx = d[0]'
    assert not label(plan).trusted


def test_a_call_in_a_map_over_untrusted_items_is_there_because_of_them() -> None:
    async def main() -> tuple[bool, bool]:
        unit = await _unit('x = [contact("ann") for m in inbox()]')
        cell = unit.schedule.cell("x[0]")
        assert cell.task is not None
        argument = dict(unit.permission.labels.argument(cell, cell.task.work))  # type: ignore[arg-type]
        return whole(argument["name"]).trusted, unit.permission.labels.control(cell).trusted

    assert run(main()) == (True, False)


def test_a_constant_that_the_question_says_comes_from_the_user() -> None:
    assert label('x = "ann"', question="Write to ann").sources == {Source("user")}
    assert label('x = "bob"', question="Write to ann").sources == {Source("plan")}


def readers(plan: str) -> set[str] | None:
    found = label(plan).readers
    return None if found is None else set(found)


def test_readers_narrow_and_never_widen() -> None:
    assert readers('x = salary("ann")') == {"finance", "legal"}
    assert readers('s = salary("ann")\nx = f"{s} a month"') == {"finance", "legal"}
    assert readers('x = [salary("ann"), letter("legal")]') == {"legal"}
    assert readers('x = letter("ann")') == {"ann", "legal"}
    assert readers('s = salary("ann")\nx = contact("a") if s > 3 else contact("b")') == {"finance", "legal"}
    assert readers('x = contact("ann")') is None


def test_a_number_that_is_not_trusted_is_narrow_and_a_text_is_not() -> None:
    assert label('x = length(page("u"))').narrow
    assert label('p = page("u")\nx = len(p) > 3').narrow
    assert not label('p = page("u")\nx = f"{len(p)}{p}"').narrow
    assert label('n = length(page("u"))\nx = n * 2').narrow


def test_a_text_made_of_numbers_is_not_narrow() -> None:
    """`f"{a:c}{b:c}"` spells any text out of numbers."""
    assert not label('n = length(page("u"))\nx = f"{n:c}{n + 1:c}"').narrow
    assert not label('n = length(page("u"))\nx = str(n)').narrow


def test_labels_of_a_long_chain_need_no_recursion() -> None:
    plan = "\n".join(['x0 = page("u")', *(f"x{i} = upper(x{i - 1})" for i in range(1, 3_000))])
    assert label(plan, "x2999").untrusted == (PAGE,)


def test_labels_of_lists_within_lists_need_no_recursion() -> None:
    plan = "\n".join(['x0 = page("u")', *(f"x{i} = [x{i - 1}, {i}]" for i in range(1, 1_500))])
    assert label(plan, "x1499").untrusted == (PAGE,)


def test_parts_of_a_joined_object_are_known_by_name() -> None:
    found = labelled('a = contact("ann")\np = page("u")\njoin(a=a, p=p)', "join()")
    assert isinstance(found, Parts)
    assert whole(found["a"]).trusted
    assert not whole(found["p"]).trusted


def test_which_optional_fields_there_are_is_said_by_whoever_filled_them_in() -> None:
    untrusted = Label([PAGE])
    every: Labelled = shaped(untrusted, {"n": 1, "kind": "a"}, {"n": None, "kind": ("a", "b")})
    some: Labelled = shaped(untrusted, {"n": 1}, {"n": None, "kind": ("a", "b")})
    assert isinstance(every, Parts)
    assert isinstance(some, Parts)
    assert every.shape.trusted
    assert not some.shape.trusted
    assert some.shape.narrow
