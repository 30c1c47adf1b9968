"""What is public says what it does: its docstring begins with a verb."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest

ROOMS = ("superscalar", *(f"superscalar.{room}" for room in "events journal models policy testing tools".split()))
NO_VERBS = frozenset(
    """a all an any anything as both by each either every everything for from how if in it its no none nothing of
    once one only seconds several some that the their there these they this those to what when where whether
    which who whom whose why with without""".split()
)


def functions_of(thing: object) -> Iterator[tuple[str, object]]:
    """A function, or the public methods and properties of a class and of the classes of ours that it is made of."""
    if inspect.isfunction(thing):
        yield thing.__qualname__, thing
    elif inspect.isclass(thing):
        for owner in thing.__mro__:
            if owner.__module__.startswith("superscalar"):
                for name, member in vars(owner).items():
                    says = inspect.isfunction(member) or isinstance(member, property | staticmethod | classmethod)
                    if says and not name.startswith("_"):
                        yield f"{owner.__qualname__}.{name}", member


@pytest.mark.parametrize("room", ROOMS)
def test_the_docstring_of_what_a_room_offers_begins_with_a_verb(room: str) -> None:
    module = importlib.import_module(room)
    offered = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    wrong = {
        name: text
        for thing in (getattr(module, offer) for offer in offered)
        if getattr(thing, "__module__", "").startswith("superscalar")
        for name, function in functions_of(thing)
        if not (text := (inspect.getdoc(function) or "").partition("\n")[0])[:1].isupper()
        or text.split()[0].lower().strip(",.:;") in NO_VERBS
    }
    assert not wrong
