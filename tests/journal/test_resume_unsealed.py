"""A run that died before its plan was sealed: what is written is what the planner says when it is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from superscalar import LLMCompiler, RunResult, Tool, tool
from superscalar import events as ev
from superscalar.journal import Journal
from superscalar.models import cleaning
from superscalar.testing import ScriptedModel, run
from support.depth import share

written: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    written.clear()


@tool(effect="read", resource="world")
async def get(k: int) -> int:
    return k


@tool(effect="pure")
async def double(x: int) -> int:
    return 2 * x


@tool(effect="write", resource="outbox")
async def send(v: int) -> int:
    written.append(("send", v))
    return v


@tool(effect="write", resource="shelf", idempotent=True)
async def put(k: int, v: int) -> int:
    written.append(("put", k, v))
    return v


TOOLS: list[Tool[..., Any]] = [get, double, send, put]
ABOUT = {"kind": "answer", "question": "?", "history": []}


def agent(model: ScriptedModel, **options: Any) -> LLMCompiler:
    return LLMCompiler(model, TOOLS, joiner=None, **options)


def died_after(path: Path, events: Sequence[ev.Event]) -> Path:
    """A journal with a run of which these events survived."""

    async def main() -> None:
        log = Journal(path).begin("run", ABOUT)
        for event in events:
            log.append(event)
        log.close()

    run(main())
    return path


def resumed(path: Path, *replies: str) -> tuple[RunResult, ScriptedModel]:
    """How the run goes on, with what the planner says from now on."""
    planner = ScriptedModel(*replies)
    return run(agent(planner, journal=path).resume("run")), planner


def unsealed(*replies: str) -> list[tuple[ev.Event, ...]]:
    """What survives of a run whose planner says this, for each event before its plan is sealed."""
    model = ScriptedModel(*replies, chunk=lambda text: [text[at : at + 7] for at in range(0, len(text), 7)], delay=0.01)
    events = run(agent(model).run("?", run_id="run")).events
    written.clear()
    sealed = next(number for number, event in enumerate(events) if isinstance(event, ev.Sealed))
    return [events[:number] for number in range(1, sealed + 1)]


def deaths(*replies: str) -> list[tuple[ev.Event, ...]]:
    """Some of these, and in a search all of them."""
    return share(unsealed(*replies), 3)


FINAL = "send(1)\njoin(1)\n"


@pytest.mark.search
@pytest.mark.parametrize(
    "reply",
    [
        f"send(99)\njoin()\n</think>\n{FINAL}",
        f"```\nsend(99)\njoin()\n```\nNo:\n```\n{FINAL}```\n",
        f"x = get(99)\njoin(x)\n</think>\n{FINAL}",
        f"```\nfor i in [98, 99]:\n    send(i)\njoin()\n```\nNo:\n```\n{FINAL}```\n",
    ],
)
def test_a_draft_is_never_written(tmp_path: Path, reply: str) -> None:
    for number, events in enumerate(deaths(reply)):
        result, planner = resumed(died_after(tmp_path / f"{number}", events), FINAL)
        assert (written, result.answer, len(planner.requests)) == ([("send", 1)], 1, 1), events[-1]
        written.clear()


@pytest.mark.search
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("before", ["", "no, better:\n"])
@pytest.mark.parametrize(
    "first",
    [
        ["x = get(99)\nk = get(98)\nz = double(x)\njoin(z)\n"],
        ["x = get(99)\nfor i in [1, 2]:\n    get(i)\njoin()\n"],
        ["if get(99):\n    x = get(98)\nelse:\n    x = gett(97)\n"],
    ],
)
def test_a_tag_that_closes_a_thought_takes_back_what_the_first_process_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: list[str], before: str, known: bool
) -> None:
    """Whether or not the model is known for such thoughts by then."""
    whole = "x = get(1)\nsend(x)\njoin()\n"
    for number, events in enumerate(deaths(*first, whole)):
        if any(isinstance(event, ev.Repairing) for event in events):
            break
        monkeypatch.setattr(cleaning, "_thinking_aloud", {ScriptedModel("").name} if known else set())
        result, planner = resumed(died_after(tmp_path / f"{number}", events), f"{before}</think>\n{whole}")
        assert (written, result.answer, len(planner.requests)) == ([("send", 1)], {"x": 1}, 1), events[-1]
        assert len(result.outcomes) == 3, events[-1]
        written.clear()


@pytest.mark.search
@pytest.mark.parametrize(
    ("plan", "writes"),
    [
        ("a = get(1)\nput(1, 5)\nb = double(a)\njoin(b)\n", [("put", 1, 5)]),
        ("for i in [1, 2]:\n    send(i)\njoin(1)\n", [("send", 1), ("send", 2)]),
        ("n = [send(i) for i in [1, 2]]\nm = [get(i) for i in n]\njoin(m)\n", [("send", 1), ("send", 2)]),
        ("n = [get(i) for i in [1, 2]]\nsend(1)\njoin(n)\n", [("send", 1)]),
        ("if 1 > 2:\n    send(5)\nelse:\n    send(6)\njoin(1)\n", [("send", 6)]),
        ("t = 0\nfor i in [1, 2]:\n    t += get(i)\nsend(double(t))\njoin(t)\n", [("send", 6)]),
        ("a = get(1)\nif a > 0:\n    a = get(7)\nsend(a)\njoin(double(a))\n", [("send", 7)]),
        ("a = [double(get(1)), 2]\nb, c = a\njoin(b, c)\n", []),
        ("join(1)\n", []),
    ],
)
def test_a_planner_that_writes_its_plan_again_has_each_write_made_once(
    tmp_path: Path, plan: str, writes: list[Any]
) -> None:
    answer = run(agent(ScriptedModel(plan)).run("?")).answer
    for number, events in enumerate(deaths(plan)):
        result, planner = resumed(died_after(tmp_path / f"{number}", events), plan)
        assert (written, result.answer, len(planner.requests)) == (writes, answer, 1), events[-1]
        written.clear()


@pytest.mark.search
def test_a_write_beside_a_broken_line_is_made_once(tmp_path: Path) -> None:
    plan = "x = double(1)\nput(0, 3)\njoin(x)\n"
    for number, events in enumerate(deaths("x = doubled(1)\nput(0, 3)\njoin(x)\n", plan)):
        result, _ = resumed(died_after(tmp_path / f"{number}", events), plan)
        assert (written, result.answer) == ([("put", 0, 3)], 2), events[-1]
        written.clear()


def test_a_process_that_dies_twice_leaves_nothing_of_the_first_text(tmp_path: Path) -> None:
    first = next(cut for cut in unsealed("send(99)\njoin(9)\n") if isinstance(cut[-1], ev.Planned))
    again = resumed(died_after(tmp_path / "once", first), FINAL)[0].events
    written.clear()
    _, fresh = resumed(died_after(tmp_path / "fresh", ()), FINAL)
    written.clear()
    sealed = next(number for number, event in enumerate(again) if isinstance(event, ev.Sealed))
    for number in range(len(first), sealed + 1):
        result, planner = resumed(died_after(tmp_path / f"{number}", again[:number]), FINAL)
        assert (written, result.answer) == ([("send", 1)], 1), again[number - 1]
        assert planner.requests[0].messages == fresh.requests[0].messages
        written.clear()


def test_the_planner_is_shown_the_reads_that_stand_and_says_how_the_plan_ends(tmp_path: Path) -> None:
    events = unsealed("a = get(1)\nb = double(a)\njoin(b)\n")[-1]
    result, planner = resumed(died_after(tmp_path / "j", events), "send(b)\njoin(a, b)\n")
    assert planner.requests[0].messages[-2].text == "a = get(k=1)\nb = double(x=a)\n"
    assert (written, result.answer) == ([("send", 2)], [1, 2])
    assert [task.id for task in result.plan] == ["a", "b", "send()", "join().2"]


@pytest.mark.search
def test_a_text_that_begins_anew_gives_each_name_its_own_value(tmp_path: Path) -> None:
    begun = "n = get(1)\nm = get(5)\nn = double(1 + 1)\nk = get(0)\njoin(n)\n"
    anew = "n = double(1 + 1)\nn = double(1 + 1)\nk = get(0)\nif k < 3:\n    n = get(7)\nsend(n)\njoin(n)\n"
    for number, events in enumerate(deaths(begun)):
        result, _ = resumed(died_after(tmp_path / f"{number}", events), anew)
        assert (written, result.answer) == ([("send", 7)], 7), events[-1]
        written.clear()
