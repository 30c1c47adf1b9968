"""Slots that are kept for a call that needs several: they come to it in the end, or back to the others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random

import pytest

from superscalar import Limit
from superscalar.schedule.limits import Grants, Limits, Ticket
from superscalar.schedule.refusal import Refusal
from superscalar.testing import VirtualLoop

ONE = Limit(concurrency=1)


class Calls:
    """Calls of agents that share the limits a and b of one slot each: who runs, and who waits."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.running: list[str] = []
        self._grants: dict[str, Grants] = {}
        self._tickets: dict[str, Ticket] = {}

    def agent(self, cap: int) -> Limits:
        return Limits({"a": ONE, "b": ONE, "c": Limit()}, cap)

    def ask(self, agent: Limits, *wanted: str) -> None:
        """Ask for each: "a2" takes part in a, "ab" in a and b, "-1" in nothing but its agent's cap."""
        for name in wanted:
            ticket = self._tickets[name] = _Named(self, name)
            grants = self._grants[name] = agent.on(self.loop)
            if grants.ask(ticket, (0,)):
                ticket.granted()
            grants.dispatch(self.loop)

    def end(self, *names: str) -> None:
        for name in names:
            self.running.remove(name)
            self._grants[name].give_back(self._tickets[name])
            self._grants[name].dispatch(self.loop)

    def refuse(self, name: str, seconds: float) -> None:
        """It ends, refused by a provider that wants nothing for so long."""
        self.running.remove(name)
        grants, ticket = self._grants[name], self._tickets[name]
        grants.give_back(ticket)
        grants.refused(ticket, Refusal(seconds, nothing_done=True), Random(0), self.loop.time())
        grants.dispatch(self.loop)

    def withdraw(self, name: str) -> None:
        self._grants[name].withdraw(self._tickets[name])
        self._grants[name].dispatch(self.loop)


class _Named(Ticket):
    _runs = count()

    def __init__(self, calls: Calls, name: str) -> None:
        super().__init__(f"run {next(self._runs)}", tuple(letter for letter in name if letter in "abc"), calls.loop)
        self._name = name
        self._calls = calls

    def granted(self) -> None:
        self._calls.running.append(self._name)


@pytest.fixture
def calls() -> Iterator[Calls]:
    loop = VirtualLoop()
    yield Calls(loop)
    loop.close()


def test_two_that_wait_for_the_same_slots_never_keep_one_each(calls: Calls) -> None:
    """To the first the slots of a come slower, and to the second, which came later, those of b."""
    agent = calls.agent(cap=9)
    calls.ask(agent, "a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "b4", "ab")
    calls.end("b0", "b1", "b2", "a0")
    calls.ask(agent, "abc")
    calls.end("a1", "a2", "b3")
    assert calls.running == ["a3", "b4"]
    calls.end("b4", "a3")
    assert calls.running == ["ab"]
    calls.end("ab")
    assert calls.running == ["abc"]


def test_what_was_kept_for_a_call_that_is_withdrawn_goes_to_who_waits_for_it(calls: Calls) -> None:
    """Also to who was passed over before it was known to be free."""
    mine, other = calls.agent(cap=1), calls.agent(cap=9)
    calls.ask(other, "a0", "a1", "a2")
    calls.ask(mine, "-0", "-1", "a3", "-2")
    calls.end("-0", "a0", "a1", "-1")
    assert calls.running == ["a2"]  # the cap is kept for a3, to which it comes slower than a
    calls.withdraw("a3")
    assert calls.running == ["a2", "-2"]


def test_what_is_kept_is_free_while_it_is_time_that_is_missing(calls: Calls) -> None:
    """Also for who was passed over before it was known to be free."""
    mine, other = calls.agent(cap=1), calls.agent(cap=9)
    calls.ask(other, "a0", "a1", "a2")
    calls.ask(mine, "-0", "-1", "a3", "-2")
    calls.end("-0", "a0", "a1", "-1")
    assert calls.running == ["a2"]
    calls.refuse("a2", seconds=5)
    assert calls.running == ["-2"]
