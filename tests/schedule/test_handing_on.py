"""A slot that comes back is handed on in one go where one run waits for slots alone: it must come to the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar.schedule.limits import Limits, Ticket
from superscalar.schedule.waiting import Queue
from superscalar.testing import VirtualLoop
from superscalar.tools.terms import Limit
from support.depth import examples

_LIMITS = {"a": Limit(concurrency=2), "b": Limit(concurrency=1), "paced": Limit(rate=1, per=1.0, concurrency=2)}
_NAMES = [("a",), ("b",), ("a", "b"), ("paced", "a")]

_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "end", "end", "end", "withdraw", "reorder"]),
        st.integers(0, 5),
        st.integers(0, 3),
        st.sampled_from(["one", "one", "other"]),
    ),
    min_size=20,
    max_size=60,
)


class _Call(Ticket):
    def __init__(self, names: tuple[str, ...], run: str, loop: VirtualLoop, told: list[_Call]) -> None:
        super().__init__(run, names, loop)
        self._told = told

    def granted(self) -> None:
        self._told.append(self)


def _history(steps: list[tuple[str, int, int, str]], width: int) -> list[Any]:
    """Who was granted what after each step, who is kept waiting by what, and what the limits counted."""
    loop = VirtualLoop()
    history: list[Any] = []
    granted: list[_Call] = []
    calls: list[_Call] = []
    running: list[_Call] = []
    try:
        grants = Limits(_LIMITS, max_concurrency=3).on(loop)
        for step, place, kind, run in steps:
            waiting = [call for call in calls if call.waiting]
            if step == "ask":
                calls.append(call := _Call(_NAMES[kind % width], run, loop, granted))
                if grants.ask(call, (place,)):
                    running.append(call)
            elif step == "end" and running:
                grants.give_back(running.pop(place % len(running)))
            elif step == "withdraw" and waiting:
                grants.withdraw(waiting[place % len(waiting)])
            elif step == "reorder" and waiting:
                grants.reorder({waiting[place % len(waiting)]: (kind,)})
            granted.clear()
            grants.dispatch(loop)
            running += granted
            blocked = [call.blocked_by for call in calls if call.waiting]
            history.append(([calls.index(call) for call in granted], blocked, grants.statistics()))
    finally:
        loop.close()
    return history


@settings(max_examples=examples(60, 3_000))
@given(steps=_STEPS, width=st.integers(1, 4))
def test_handing_on_in_one_go_grants_what_the_long_way_grants(
    steps: list[tuple[str, int, int, str]], width: int
) -> None:
    at_once = _history(steps, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Queue, "hand_on", lambda *_: False)
        assert at_once == _history(steps, width)


def test_most_slots_are_handed_on_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []
    hand_on = Queue.hand_on

    def counted(self: Queue, *arguments: Any) -> bool:
        answers.append(hand_on(self, *arguments))
        return answers[-1]

    monkeypatch.setattr(Queue, "hand_on", counted)
    _history([("ask", 0, 0, "one")] * 20 + [("end", 0, 0, "one")] * 15, 1)
    assert len(answers) >= 15
    assert all(answers)
