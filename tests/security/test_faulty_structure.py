"""A fault in a rule of structure is found: two worlds differ in what its label says to be alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from security import test_label_soundness as soundness
from security.test_label_soundness import leaks, worlds
from superscalar.labels import NOTHING, PLAN
from superscalar.plan.evaluate import labelling as labels
from superscalar.plan.evaluate import parts, through
from superscalar.plan.evaluate.parts import Entries, Labelled, Parts, listed, row, some
from superscalar.schedule import lineage as derived


class Forgetful(Entries):
    """A mapping whose keys are taken for the plan's, whatever they were made from."""

    def __init__(self, _shape: Any, *others: Any, **more: Any) -> None:
        super().__init__(PLAN, *others, **more)


def bare(made: Parts) -> Parts:
    """The same items, of which the plan decides how many there are."""
    return type(made)(PLAN, made.items, made.count, made.each)


def shapeless(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule that forgets what decides which items there are."""

    def made(*given: Any, **more: Any) -> Any:
        found = rule(*given, **more)
        return bare(found) if isinstance(found, Parts) else found

    return made


def no_guards(*_: Any) -> Iterator[Any]:
    return iter(())


def rest_without_shape(found: Parts, before: int, behind: int) -> Parts:
    return bare(row(PLAN, [bare(part) if isinstance(part, Parts) else part for part in _rest(found, before, behind)]))


def _rest(found: Parts, before: int, behind: int) -> list[Labelled]:
    return list(parts.with_rest(found, before, behind).items.values())


@dataclass(frozen=True)
class Fault:
    """A rule that is replaced, and a program in which that makes a difference."""

    says: str
    place: Any
    name: str
    rule: Any
    source: str


FAULTS = [
    Fault("zip: its length", through, "zipped", shapeless(parts.zipped), "a = len(zip([1, 2, 3, 4], listing(3)))"),
    Fault(
        "zip: which list an item is of",
        through,
        "zipped",
        lambda lists: parts.zipped(lists[::-1]),
        "a = [x for x, y in zip([word(1), word(2)], [1, 2])]",
    ),
    Fault(
        "enumerate: its start",
        through,
        "numbered",
        lambda found, _: parts.numbered(found, PLAN),
        "a = enumerate([1, 2], len(word(1)))[0][0]",
    ),
    Fault(
        "enumerate: its length",
        through,
        "numbered",
        shapeless(parts.numbered),
        "a = len([i for i, x in enumerate(listing(3))])",
    ),
    Fault(
        "keys",
        Entries,
        "keys",
        property(lambda self: some(PLAN, PLAN)),
        "d = {word(1): 1, word(2): 2}\na = [k for k in d]",
    ),
    Fault(
        "values: how many",
        Entries,
        "values",
        property(lambda self: some(PLAN, self.any)),
        "d = {i: 1 for i in listing(3)}\na = len(d.values())",
    ),
    Fault(
        "items: which key",
        Entries,
        "pairs",
        property(lambda self: some(PLAN, row(PLAN, [PLAN, self.any]))),
        "d = {word(1): 1}\na = [k for k, v in d.items()]",
    ),
    Fault("keys of a comprehension", labels, "Entries", Forgetful, "w = word(3)\na = len({c: 1 for c in w})"),
    Fault(
        "keys of a map",
        derived,
        "Entries",
        Forgetful,
        "d = {word(i): num(i) for i in [1, 2, 3]}\na = len(d)",
    ),
    Fault(
        "keys of a display",
        derived,
        "Entries",
        Forgetful,
        "d = {word(1): num(1), word(2): num(2)}\na = len(d)",
    ),
    Fault(
        "a mapping over another: its computed keys",
        labels,
        "merged",
        lambda one, other: Entries(one.shape | other.shape, {**one.items, **other.items}, each=other.each),
        "a = ({6: 1} | {num(1): word(1)})[6]",
    ),
    Fault(
        "get: what is said for what is missing",
        through,
        "got",
        lambda found, key, _: found[key],
        "a = {num(1): 2}.get(3, word(1))",
    ),
    Fault(
        "get: whether the key is there",
        through,
        "got",
        lambda found, _key, otherwise: parts.either(found.any, otherwise),
        "a = {word(1): 5}.get('bc', 7)",
    ),
    Fault(
        "dict: keys of pairs",
        through,
        "from_pairs",
        shapeless(parts.from_pairs),
        "a = list(dict([(word(1), 1)]))",
    ),
    Fault(
        "lists that are added: how many come first",
        labels,
        "concatenated",
        shapeless(parts.concatenated),
        "a = ([1 for i in listing(3)] + [2, 3])[0]",
    ),
    Fault(
        "lists that are added: positions",
        labels,
        "concatenated",
        lambda lists: parts.concatenated([*lists][::-1]),
        "a = ([word(1)] + [2])[0]",
    ),
    Fault(
        "slices: their ends",
        labels._LabelReading,
        "_slice",
        lambda self, expr: parts.sliced(listed(self.of(expr.base)), None),
        "a = [1, 2, 3][len(word(1)):]",
    ),
    Fault(
        "slices: positions",
        labels,
        "sliced",
        lambda found, _: found,
        "a = [word(1), 2, 3][::-1][2]",
    ),
    Fault(
        "the rest behind a star",
        through,
        "with_rest",
        rest_without_shape,
        "b, *a = [1, *[2 for i in listing(3)]]",
    ),
    Fault("one of several", parts, "_either", lambda one, *_, **__: one, "a = max([0, len(word(1))])"),
    Fault(
        "what decides which item it is",
        parts,
        "also",
        lambda found, _: found,
        "a = ([1 for i in listing(3)] + [2])[0]",
    ),
    Fault(
        "what is put under a key: the key",
        labels,
        "_grown",
        shapeless(labels._grown),
        "d = {}\nfor w in [word(1), word(2)]:\n    d[w] = 1\na = len(d)",
    ),
    Fault(
        "what is put under a key: the value",
        labels,
        "_grown",
        lambda _, before, steps: Entries(before.shape | steps.shape, before.items, each=PLAN),
        "d = {}\nfor w in [1, 2]:\n    d[w] = word(w)\na = d[1]",
    ),
    Fault(
        "what is laid over a mapping",
        labels,
        "_updated",
        lambda before, _: before,
        "d = {'a': 1}\nd.update({'a': word(1)})\na = d['a']",
    ),
    Fault(
        "next: what it takes for nothing",
        through,
        "reduce",
        lambda _rule, _otherwise, first: first,
        "a = next((i for i in [1, 2] if i > 5), word(1))",
    ),
    Fault(
        "what a loop adds: the condition",
        derived.Labels,
        "_guards",
        no_guards,
        "acc = []\nfor i in [1, 2, 3]:\n    if flag(i):\n        acc.append(i)\na = len(acc)",
    ),
    Fault(
        "how many items a map has",
        derived.Labels,
        "_shape",
        lambda *_: NOTHING,
        "a = [num(3) for i in listing(3)]",
    ),
    Fault(
        "an item of a value",
        derived.Labels,
        "_item",
        lambda *_: NOTHING,
        "a = [num(x) for x in words(3)[:1] + [word(1)]]",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_fault_in_a_rule_is_found(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> bool:
        there = worlds(f"{fault.source}\njoin()\n", 6, vouch=False)
        return any(leaks(one, other) for one in there for other in there)

    monkeypatch.setattr(soundness, "is_clean", lambda label: label.trusted)  # readers are kept by other rules as well
    assert not found()
    monkeypatch.setattr(fault.place, fault.name, fault.rule)
    assert found()
