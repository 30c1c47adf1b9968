"""Writes of a map, and of a plan, go side by side once it is known that they do not touch the same (rules L17, L19)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from superscalar import (
    ApprovalPending,
    Failure,
    Journal,
    LLMCompiler,
    NotDone,
    Observation,
    Question,
    RateLimited,
    Retry,
    RunResult,
    Skipped,
    tool,
)
from superscalar.events import Planned, Resolved, Revived, Started, Unneeded
from superscalar.plan.ir import Access, Call, Need, Ref, Task
from superscalar.schedule.commands import Issue, Refuse
from superscalar.schedule.state import Schedule
from superscalar.testing import run
from support.bare_state import SEALED, happen, ok
from support.running import ends, starts


def ran(agent: LLMCompiler, source: str) -> RunResult:
    async def main() -> RunResult:
        async with agent.stream_plan(source) as running:
            return await running.result()

    return run(main())


@dataclass(slots=True)
class Post:
    """Boxes by name, into which letters are put; a letter takes a second. `got`: what arrived, in that order."""

    got: list[tuple[str, Any]] = field(default_factory=list)
    tries: count[int] = field(default_factory=count)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def tools(self) -> list[Any]:
        def box(to: str) -> str:
            if to == "nowhere":
                raise LookupError(to)
            return f"box:{to}"

        @tool(effect="write", resource=box, retry=Retry(attempts=2, on=(RateLimited,)), **self.options)
        async def send(to: str, text: Any = 0) -> str:
            await asyncio.sleep(1)
            match text:
                case "lost":
                    raise ValueError("lost on the way")
                case "closed":
                    raise NotDone("closed")
                case "busy" if next(self.tries) == 0:
                    raise RateLimited(retry_after=5)
            self.got.append((to, text))
            return to

        @tool(effect="read", resource=box)
        async def look(to: str) -> list[Any]:
            await asyncio.sleep(1)
            return [text for name, text in self.got if name == to]

        @tool(effect="read")
        async def everything() -> int:
            return len(self.got)

        @tool(effect="pure")
        async def slow(value: Any, seconds: float) -> Any:
            await asyncio.sleep(seconds)
            if value == "broken":
                raise ValueError("broken")
            return value

        return [send, look, everything, slow]

    def run(self, source: str, **options: Any) -> RunResult:
        return ran(LLMCompiler(tools=self.tools, **options), source)


def test_a_thousand_mails_take_as_long_as_the_cap_says() -> None:
    """32 at once, a second each."""
    post = Post()
    result = post.run("join([send(f'box {i}') for i in range(1000)])")
    assert max(ends(result.events).values()) == 32.0
    assert sorted(to for to, _ in post.got) == sorted(f"box {i}" for i in range(1000))


def test_items_that_touch_the_same_keep_their_order() -> None:
    post = Post()
    result = post.run("xs = [send(to, i) for i, to in enumerate(['a', 'b', 'a', 'c', 'b', 'a'])]")
    assert starts(result.events) == {
        "xs[0]": 0.0, "xs[1]": 0.0, "xs[2]": 1.0, "xs[3]": 0.0, "xs[4]": 1.0, "xs[5]": 2.0
    }  # fmt: skip
    assert [text for to, text in post.got if to == "a"] == [0, 2, 5]


def test_a_name_is_told_before_the_rest_of_the_call_is_there() -> None:
    """The second letter is not written yet, and it is known that it is for somebody else than the third."""
    result = Post().run("xs = [send(to, slow(0, t)) for to, t in [('a', 0), ('b', 9), ('c', 0), ('b', 0)]]")
    assert {id: at for id, at in starts(result.events).items() if "slow" not in id} == {
        "xs[0]": 0.0, "xs[1]": 9.0, "xs[2]": 0.0, "xs[3]": 10.0
    }  # fmt: skip


@pytest.mark.parametrize("to", ["slow('b', 3)", "['x', slow('b', 3)][1]"])
def test_a_name_that_is_not_computed_yet_may_be_any(to: str) -> None:
    result = Post().run(f"x = send('a')\ny = send({to})\nz = send('c')")
    assert {id: at for id, at in starts(result.events).items() if id in "xyz"} == {"x": 0.0, "y": 3.0, "z": 3.0}


def test_an_edge_opens_when_two_names_turn_out_to_differ() -> None:
    result = Post().run("x = send('a', slow(0, 9))\ny = send(slow('b', 1))\nz = send(slow('a', 2))")
    assert {id: at for id, at in starts(result.events).items() if id in "xyz"} == {"x": 9.0, "y": 1.0, "z": 10.0}


def test_a_name_that_cannot_be_told_holds_up_everything() -> None:
    """Nobody knows what it would have touched until it is over; and it says why it is not made."""
    post = Post()
    result = post.run("x = send('a')\ny = send(slow('nowhere', 5))\nz = send('c')")
    failure = result.outcomes["y"]
    assert isinstance(failure, Failure)
    assert failure.message == "send(): resource= raised LookupError('nowhere')"
    assert starts(result.events)["z"] == 5.0
    assert post.got == [("a", 0), ("c", 0)]


def test_what_needs_a_failed_name_is_skipped_and_the_others_go_on() -> None:
    post = Post()
    result = post.run("xs = [send(slow(n, 1)) for n in ['a', 'broken', 'c']]")
    assert [type(result.outcomes[f"xs[{i}]"]) for i in range(3)] == [Observation, Skipped, Observation]
    assert sorted(post.got) == [("a", 0), ("c", 0)]


@pytest.mark.parametrize(("text", "same"), [("lost", Skipped), ("closed", Skipped)])
def test_a_failure_is_in_the_way_of_its_own_resource_alone(text: str, same: type) -> None:
    post = Post()
    result = post.run(f"xs = [send(to, t) for to, t in [('a', '{text}'), ('b', 1), ('a', 2), ('b', 3)]]")
    outcomes = [result.outcomes[f"xs[{i}]"] for i in range(4)]
    assert [type(one) for one in outcomes] == [Failure, Observation, same, Observation]
    assert post.got == [("b", 1), ("b", 3)]


def test_reads_between_writes_see_what_was_written_before_them() -> None:
    result = Post().run("ok_ = [send('a', 1), look('a'), send('b', 2), send('a', 3), look('a'), look('b')]\njoin(ok_)")
    assert result.answer == ["a", [1], "b", "a", [1, 3], [2]]
    post = Post()
    result = post.run(
        "xs = [[send(to, i), look(to), send(to, 10 + i)] for i, to in enumerate(['a', 'b', 'a'])]\njoin(xs)"
    )
    assert result.answer == [["a", [0], "a"], ["b", [1], "b"], ["a", [0, 10, 2], "a"]]
    assert max(ends(result.events).values()) == 6.0


def test_what_comes_after_a_map_waits_for_those_items_that_it_may_meet() -> None:
    result = Post().run(
        "xs = [send(n, slow(0, 2)) for n in ['a', 'b']]\ny = send('b', 1)\nz = send('c')\nw = everything()"
    )
    begun = starts(result.events)
    assert (begun["y"], begun["z"], begun["w"]) == (3.0, 0.0, 4.0)
    assert result.outcomes["w"] == Observation(4)


def test_two_maps_go_side_by_side_where_they_do_not_meet() -> None:
    result = Post().run("xs = [send(n) for n in ['a', 'b']]\nys = [send(n) for n in ['b', 'c']]")
    assert starts(result.events) == {"xs[0]": 0.0, "xs[1]": 0.0, "ys[0]": 1.0, "ys[1]": 0.0}


def test_so_do_the_items_of_maps_within_a_map() -> None:
    post = Post()
    result = post.run("join([[send(to, text) for to in group] for text, group in enumerate(['ab', 'cd', 'bc'])])")
    assert sorted(starts(result.events).values()) == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert [text for to, text in post.got if to == "b"] == [0, 2]


def test_a_write_of_everything_comes_between() -> None:
    result = Post().run(
        "xs = [send(n) for n in ['a', 'b']]\nn = everything()\nys = [send(n) for n in ['c', 'd']]\njoin(n)"
    )
    assert result.answer == 2
    begun = starts(result.events)
    assert (begun["ys[0]"], begun["ys[1]"]) == (1.0, 1.0)


def test_a_guarded_write_holds_its_own_place_until_its_guard_is_known() -> None:
    result = Post().run("c = slow(0, 5)\nif c:\n    x = send('a')\ny = send(slow('a', 1))\nz = send(slow('b', 1))")
    assert {id: at for id, at in starts(result.events).items() if id in "yz"} == {"y": 5.0, "z": 1.0}


def test_what_waits_to_be_tried_again_holds_its_own_resource() -> None:
    post = Post()
    result = post.run("xs = [send(to, t) for to, t in [('a', 'busy'), ('b', 1), ('a', 2)]]")
    first = [e.at for e in result.events if isinstance(e, Started)]
    assert first[:2] == [0.0, 0.0]
    assert post.got == [("b", 1), ("a", "busy"), ("a", 2)]


def test_a_person_is_asked_of_what_may_go_and_holds_up_nothing_else() -> None:
    post = Post(options={"policy": "ask"})
    asked: list[tuple[float, str]] = []

    async def approve(question: Question) -> bool:
        asked.append((asyncio.get_running_loop().time(), question.arguments["to"]))
        await asyncio.sleep(10 if question.arguments["to"] == "a" else 0)
        return True

    result = post.run("xs = [send(to, i) for i, to in enumerate(['a', 'b', 'a', 'c'])]", approve=approve)
    assert asked == [(0.0, "a"), (0.0, "b"), (0.0, "c"), (11.0, "a")]
    assert starts(result.events) == {"xs[0]": 10.0, "xs[1]": 0.0, "xs[2]": 21.0, "xs[3]": 0.0}


def test_a_refused_write_is_in_the_way_of_its_own_resource() -> None:
    post = Post(options={"policy": "ask"})
    result = post.run(
        "xs = [send(to, i) for i, to in enumerate(['a', 'b', 'a'])]", approve=lambda q: q.arguments["to"] == "b"
    )
    assert [type(result.outcomes[f"xs[{i}]"]) for i in range(3)] == [Failure, Observation, Skipped]
    assert post.got == [("b", 1)]


def test_a_map_of_which_some_are_done_goes_on_out_of_a_journal(tmp_path: Path) -> None:
    post = Post()

    @tool(effect="write", resource=lambda to: to, policy="ask")
    async def order(to: str) -> str:
        post.got.append(("order", to))
        return to

    path = tmp_path / "runs.db"

    def agent() -> LLMCompiler:
        return LLMCompiler(tools=[*post.tools, order], journal=path)

    plan = "for to in ['a', 'b', 'c']:\n    x = order(to) if to == 'b' else send(to)\njoin(x)\n"
    with pytest.raises(ApprovalPending):
        run(agent().execute(plan, run_id="run"))
    assert sorted(post.got) == [("a", 0), ("c", 0)]
    Journal(path).approve("run", Journal(path).questions("run")[0].task_id)
    assert run(agent().resume("run")).answer == "c"
    assert sorted(post.got) == [("a", 0), ("c", 0), ("order", "b")]


def test_a_name_that_changes_its_mind_calls_nothing() -> None:
    """Others may have gone ahead since it was told."""
    numbers = count()
    made: list[str] = []

    @tool(effect="write", resource=lambda to: f"{to}{next(numbers)}")
    async def send(to: str) -> str:
        await asyncio.sleep(1)
        made.append(to)
        return to

    result = ran(LLMCompiler(tools=[send]), "xs = [send(to) for to in ['a', 'a']]")
    failure = result.outcomes["xs[1]"]
    assert made == ["a"]
    assert isinstance(failure, Failure)
    assert "resource= gave 'a1' at first and now 'a2' for the same arguments" in failure.message


def test_what_an_absent_argument_says_does_not_depend_on_its_place() -> None:
    """Absent by a cause goes before absent by a guard, whichever argument comes first."""
    source = (
        "bad = [slow('broken', 0)]\nif 0:\n    no = slow(1, 0)\nx = send(f'{no}', bad[0])\ny = send(no, f'{bad[0]}')"
    )
    result = Post().run(source)
    assert [result.outcomes["x"], result.outcomes["y"]] == [Skipped("bad[0]"), Skipped("bad[0]")]


def test_what_nothing_needed_is_not_read_after_a_write_went_ahead() -> None:
    """The write right behind the read still waits; the next one, of something else, has changed what is read."""
    schedule = Schedule()
    unknown = Access("test", known=False)
    tasks = [
        Task("value", Call("search")),
        Task("r", Call("get", access=Access("test"))),
        Task("w1", Call("put", (("value", Ref("value")),), "write", unknown), (Need("value"),), after=("r",)),
        Task("w2", Call("put", (), "write", unknown), after=("w1",)),
    ]
    happen(schedule, SEALED, *(Planned(0.0, task) for task in tasks), Unneeded(0.0, ("r",)))
    assert happen(schedule, Resolved(0.0, "w1", "a"), Resolved(0.0, "w2", "b"), ok("w2")) == [Issue("w2")]
    (refused,) = schedule.apply(Revived(0.0, ("r",)))
    assert isinstance(refused, Refuse)
    assert refused.failure.message == "nothing needed it until `w2` had changed what it reads: call it again"
    schedule.check()
