"""Facts are frozen where it counts, and otherwise as cheap as Python's objects are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from superscalar.events import Event
from superscalar.facts import fact, frequent_fact
from support.random_events import ONE_OF_EACH


@fact
class Seldom:
    """A call was made, for once."""

    at: float
    id: str
    arguments: Mapping[str, Any]
    attempt: int = 1


@frequent_fact
class Often:
    """A call was made."""

    at: float
    id: str
    arguments: Mapping[str, Any]
    attempt: int = 1


FACTS = pytest.mark.parametrize("kind", [Seldom, Often])


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_an_event_that_a_test_changes_refuses(event: Event) -> None:
    with pytest.raises(FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del event.at
    assert event == copy.copy(event)


@FACTS
def test_a_fact_is_a_value(kind: Any) -> None:
    made = kind(1.0, "a", {"x": 1})
    assert made == kind(at=1.0, id="a", arguments={"x": 1}, attempt=1)
    assert made != kind(1.0, "b", {"x": 1})
    assert made != (1.0, "a", {"x": 1}, 1)
    assert replace(made, id="b", attempt=2) == kind(1.0, "b", {"x": 1}, 2)
    assert hash(kind(1.0, "a", ())) == hash(kind(1.0, "a", ()))
    assert repr(made) == f"{kind.__name__}(at=1.0, id='a', arguments={{'x': 1}}, attempt=1)"


@FACTS
def test_a_fact_is_matched_by_position_and_by_name(kind: Any) -> None:
    match kind(1.0, "a", {"x": 1}):
        case kind(at, "a", arguments={"x": x}):
            assert (at, x) == (1.0, 1)
        case _:
            pytest.fail("it was not matched")


@FACTS
def test_a_fact_has_no_room_for_more(kind: Any) -> None:
    made = kind(1.0, "a", {})
    assert not hasattr(made, "__dict__")
    with pytest.raises((AttributeError, TypeError)):
        made.more = 1


@FACTS
@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_fact_is_copied_whole(kind: Any, through: Any) -> None:
    made = kind(1.0, "a", {"x": [1]}, 3)
    assert through(made) == made


def test_what_is_made_often_takes_no_detour_when_it_is_set() -> None:
    assert "__setattr__" not in vars(Often)
    assert "__setattr__" in vars(Seldom)
