"""Calls of many tools that wait for their agent's cap: who goes next, and how much has to be looked at for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from superscalar import Limit
from superscalar.schedule.limits import Grants, Limits, Ticket
from superscalar.schedule.waiting import Queue
from superscalar.testing import run


class Call(Ticket):
    """Notes its name when it starts."""

    def __init__(self, bench: Bench, run: str, names: tuple[str, ...], name: int) -> None:
        super().__init__(run, names, asyncio.get_running_loop())
        self.bench = bench
        self.name = name

    def granted(self) -> None:
        self.bench.started.append(self)


class Bench:
    """An agent that may make so many calls at once."""

    def __init__(self, most: int, **limits: Limit) -> None:
        self.started: list[Call] = []
        self.loop = asyncio.get_running_loop()
        self.grants: Grants = Limits(limits, max_concurrency=most).on(self.loop)

    def ask(self, name: int, *names: str, run: str = "run") -> Call:
        call = Call(self, run, names, name)
        if self.grants.ask(call, (name,)):
            self.started.append(call)
        self.grants.dispatch(self.loop)
        return call

    def end(self, call: Call) -> None:
        self.grants.give_back(call)
        self.grants.dispatch(self.loop)

    def end_all(self) -> list[int]:
        """Each in the order in which it started."""
        for call in self.started:  # grows
            self.end(call)
        return [call.name for call in self.started]


def benched(main: Callable[[], list[int]]) -> list[int]:
    async def begin() -> list[int]:
        return main()

    return run(begin())


def looks(tools: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a queue is looked at while ten calls end, with so many tools waiting."""
    seen = 0
    first = Queue.first

    def counted(self: Queue) -> object:
        nonlocal seen
        seen += 1
        return first(self)

    def main() -> list[int]:
        bench = Bench(4)
        for number in range(4 + tools):
            bench.ask(number, f"tool {number}")
        with monkeypatch.context() as patch:
            patch.setattr(Queue, "first", counted)
            for number in range(10):
                bench.end(bench.started[number])
        return [call.name for call in bench.started]

    assert benched(main) == list(range(14))
    return seen


def test_what_is_looked_at_does_not_grow_with_the_tools_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(tools=40, monkeypatch=monkeypatch) == looks(tools=400, monkeypatch=monkeypatch) < 100


def test_runs_have_their_turns_and_each_has_its_own_order() -> None:
    def main() -> list[int]:
        bench = Bench(1)
        bench.ask(-1, "busy", run="other")
        for number in (5, 3, 4):
            bench.ask(number, f"tool {number}", run="one")
        for number in (12, 11, 10):
            bench.ask(number, f"tool {number - 9}", run="two")
        return bench.end_all()

    assert benched(main) == [-1, 3, 10, 4, 11, 5, 12]


def test_a_call_that_moves_to_the_front_goes_first() -> None:
    def main() -> list[int]:
        bench = Bench(1)
        bench.ask(0, "busy")
        calls = [bench.ask(number, f"tool {number % 3}") for number in range(1, 8)]
        bench.grants.reorder({calls[6]: (0,), calls[0]: (9,)})
        return bench.end_all()

    assert benched(main) == [0, 7, 2, 3, 4, 5, 6, 1]


def test_who_leaves_is_in_nobodys_way() -> None:
    def main() -> list[int]:
        bench = Bench(1)
        bench.ask(0, "busy")
        calls = [bench.ask(number, f"tool {number}") for number in range(1, 6)]
        for call in (calls[0], calls[1], calls[4]):
            bench.grants.withdraw(call)
        bench.end(bench.started[0])
        bench.end(bench.started[1])
        bench.ask(7, "tool 5")  # nobody waits there any more
        bench.end(bench.started[2])
        bench.ask(8, "tool 1")
        return [call.name for call in bench.started]

    assert benched(main) == [0, 3, 4, 7]


def test_a_call_that_lacks_more_than_the_cap_lets_others_pass() -> None:
    def main() -> list[int]:
        bench = Bench(2, one=Limit(concurrency=1))
        bench.ask(0, "one")
        bench.ask(1, "free")
        for number in (2, 3):
            bench.ask(number, "one")
        for number in (4, 5):
            bench.ask(number, f"tool {number}")
        for at in (1, 0, 2, 3):
            bench.end(bench.started[at])
        return [call.name for call in bench.started]

    assert benched(main) == [0, 1, 4, 2, 5, 3]


@pytest.mark.parametrize("seed", range(20))
def test_everybody_starts_once_and_never_too_many_at_once(seed: int) -> None:
    random = Random(seed)

    def main() -> list[int]:
        bench = Bench(3, a=Limit(concurrency=1), b=Limit(concurrency=2))
        sets = [("a",), ("b",), ("a", "b"), ("c",), ("d",), ("e",)]
        running, asked, gone = 0, 0, set[int]()
        waiting: list[Call] = []
        ended = 0
        while ended + len(gone) < 60:
            step = random.random()
            if asked < 60 and step < 0.5:
                waiting.append(bench.ask(asked, *random.choice(sets), run=random.choice("xyz")))
                asked += 1
            elif step < 0.6 and (left := [call for call in waiting if call.waiting]):
                call = random.choice(left)
                bench.grants.withdraw(call)
                gone.add(call.name)
                bench.grants.dispatch(bench.loop)
            elif ended < len(bench.started):
                bench.end(bench.started[ended])
                ended += 1
            running = len(bench.started) - ended
            assert running <= 3
            assert running > 0 or not any(call.waiting for call in waiting)
        assert not gone.intersection(call.name for call in bench.started)
        return sorted([*(call.name for call in bench.started), *gone])

    assert benched(main) == list(range(60))


def test_a_ticket_must_say_what_happens_when_its_turn_has_come() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Ticket("run", (), None)  # type: ignore[abstract, arg-type]
