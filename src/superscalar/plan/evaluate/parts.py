"""The labels of a value part by part: of each item of a list or tuple, of what stands under each key of a mapping.

Whatever is uncertain is in a label: which items or keys there are, and in which order, in the `shape`, which whoever
takes an item out has too; of several values that an item may be, it has the labels of each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from functools import partial, reduce
from itertools import islice
from typing import Final, TypeAlias, overload

from superscalar.labels import NOTHING, PLAN, Label, gathered, joined, widened


class Parts:
    """The labels of a value item by item: `items` by position or key, `shape` of which items there are at all.

    `count`: how many there are where they have positions; None where they have keys. `each`: those of every item that
    is not in `items`; without it nothing is known of those by themselves. `whole`: that of all of it, where it is known
    already. Of a record or a mapping that came as a whole the keys may be anybody's: see `Entries`.
    """

    __slots__ = ("_any", "_whole", "count", "each", "items", "shape")

    def __init__(
        self,
        shape: Label,
        items: Mapping[Hashable, Labelled],
        count: int | None,
        each: Labelled | None = None,
        whole: Label | None = None,
    ) -> None:
        self.shape = shape
        self.items = items
        self.count = count
        self.each = each
        self._whole = whole
        self._any: Labelled | None = None

    def __getitem__(self, key: Hashable) -> Labelled:
        """The labels of one item; of one that is not known by itself, those of the whole."""
        if self.count is not None and type(key) is int and key < 0:
            key += self.count
        found = self.items.get(key, self.each)
        return self.whole if found is None else found if self.shape is _PLAN_ONLY else also(found, self.shape)

    @property
    def whole(self) -> Label:
        """The label of the value with all that is in it."""
        if self._whole is None:
            each = NOTHING if self.each is None else widened(whole(self.each))
            self._whole = gathered([self.shape, each, *(whole(item) for item in self.items.values())])
        return self._whole

    @property
    def any(self) -> Labelled:
        """The labels of an item, whichever it is."""
        if self._any is None:
            items = list(self.items.values()) if self.each is None else [*self.items.values(), self.each]
            self._any = reduce(partial(_either, seen={}, depth=0), items) if items else NOTHING
        return self._any

    @property
    def in_order(self) -> list[Labelled] | None:
        """The labels of all items by position, as far as those are known; `shape` is still to be added."""
        return None if self.count is None or self.each is not None else list(self.items.values())


class Entries(Parts):
    """The labels of a mapping whose `shape` tells of its keys too: what they are, and in which order.

    Without `each`, all of its keys are in `items`, in their order.
    """

    __slots__ = ()

    def __init__(
        self,
        shape: Label,
        items: Mapping[Hashable, Labelled],
        count: int | None = None,
        each: Labelled | None = None,
        whole: Label | None = None,
    ) -> None:
        super().__init__(shape, items, count, each, whole)

    @property
    def keys(self) -> Parts:
        """The labels of its keys as a list. Which key comes when, and whether it is new, all of them decide."""
        return (
            some(self.shape, self.shape) if self.each is not None else row(self.shape, [self.shape] * len(self.items))
        )

    @property
    def values(self) -> Parts:
        """The labels of its values as a list."""
        return some(self.shape, self.any) if self.each is not None else row(self.shape, list(self.items.values()))

    @property
    def pairs(self) -> Parts:
        """The labels of its keys and values, as a list of pairs."""
        return zipped([self.keys, self.values])


Labelled: TypeAlias = Label | Parts
"""The labels of a value: one for all of it, or one for each part."""

_PLAN_ONLY: Final = PLAN


def row(shape: Label, items: Many[Labelled]) -> Parts:
    """A list or tuple of items whose positions are known."""
    return Parts(shape, dict(enumerate(items)), len(items))


def some(shape: Label, each: Labelled) -> Parts:
    """A list of items of which nobody knows the positions."""
    return Parts(shape, {}, 0, each)


def whole(labels: Labelled) -> Label:
    """The one label of a value."""
    return labels if type(labels) is Label else labels.whole  # type: ignore[union-attr]  # it is one or the other


@overload
def also(labels: Parts, label: Label) -> Parts: ...
@overload
def also(labels: Labelled, label: Label) -> Labelled: ...
def also(labels: Labelled, label: Label) -> Labelled:
    """The labels of a value, each joined with another one."""
    if isinstance(labels, Label):
        return labels | label
    if label.sources <= labels.shape.sources and label.readers is None:
        return labels
    return type(labels)(labels.shape | label, labels.items, labels.count, labels.each, labels.whole | label)


def listed(labels: Labelled) -> Parts:
    """The labels of a value that is gone through as a list: how many items there are, and those of each."""
    if isinstance(labels, Parts) and labels.count is not None:
        return labels
    if isinstance(labels, Entries):
        return labels.keys
    label = whole(labels)
    return some(label, widened(label))  # of a mapping the items are the keys, of a text its letters


def keyed(labels: Labelled) -> Entries | None:
    """The labels of a value that is a mapping; None where nothing is known of its keys by themselves."""
    if isinstance(labels, Label):
        return Entries(labels, {}, each=widened(labels))
    return labels if isinstance(labels, Entries) else None


_DEEPEST: Final = 50
"""Lists within lists that are put together item by item; of what is deeper, everything counts."""

_Seen: TypeAlias = "dict[tuple[int, int], tuple[Labelled, Labelled, Labelled]]"


def either(one: Labelled, other: Labelled) -> Labelled:
    """The labels of a value that is one or the other, which somebody else knows."""
    return _either(one, other, {}, 0)


def _either(one: Labelled, other: Labelled, seen: _Seen, depth: int) -> Labelled:
    """As `either`. `seen`: pairs that were put together before, since lists share what is in them."""
    if one is other or other is NOTHING:
        return one
    if one is NOTHING:
        return other
    if isinstance(one, Label) or isinstance(other, Label) or depth > _DEEPEST:
        return whole(one) | whole(other)
    known = seen.get((id(one), id(other)))
    if known is None:
        made = _either_part(one, other, lambda a, b: _either(a, b, seen, depth + 1))
        known = seen[id(one), id(other)] = (made, one, other)  # kept, so that nothing else gets their ids
    return known[0]


def _either_part(one: Parts, other: Parts, both: Callable[[Labelled, Labelled], Labelled]) -> Labelled:
    shape = one.shape | other.shape
    alike = one.each is None and other.each is None and type(one) is type(other) and one.count == other.count
    if alike and _same_keys(one, other):
        items = {key: both(item, other.items[key]) for key, item in one.items.items()}
        return type(one)(shape, items, one.count)
    if isinstance(one, Entries) and isinstance(other, Entries):
        return Entries(shape, {}, each=both(one.any, other.any))
    if one.count is not None and other.count is not None:
        return some(shape, both(one.any, other.any))
    return one.whole | other.whole


def _same_keys(one: Parts, other: Parts) -> bool:
    if isinstance(one, Entries):
        return list(one.items) == list(other.items)
    return one.items.keys() == other.items.keys()


# ------------------------------------------------------------------------------------------- what is made of several


def concatenated(lists: Iterable[Parts]) -> Parts:
    """Lists, one behind the other."""
    several = list(lists)
    shape = joined(one.shape for one in several) | PLAN
    rows = [one.in_order for one in several]
    known = [row for row in rows if row is not None]
    if len(known) < len(rows):
        return some(shape, reduce(either, [one.any for one in several]))
    return row(shape, [item for row in known for item in row])


def zipped(lists: Many[Parts]) -> Parts:
    """The tuples of `zip`: the shortest list decides how many there are."""
    shape = joined(one.shape for one in lists) | PLAN
    rows = [one.in_order for one in lists]
    known = [row for row in rows if row is not None]
    if len(known) < len(rows):
        return some(shape, row(PLAN, [one.any for one in lists]))
    return row(shape, [row(PLAN, items) for items in zip(*known, strict=False)])


def numbered(found: Parts, start: Label) -> Parts:
    """The pairs of `enumerate`; a number tells a position, and nothing of the item there."""
    number = PLAN | start
    items = found.in_order
    if items is None:
        return some(found.shape, row(PLAN, [number, found.any]))
    return row(found.shape, [row(PLAN, [number, item]) for item in items])


def sliced(found: Parts, part: slice | None) -> Parts:
    """The items of a slice; None where nobody knows which those are."""
    items = found.in_order
    return some(found.shape, found.any) if items is None or part is None else row(found.shape, items[part])


def with_rest(found: Parts, before: int, behind: int) -> Parts:
    """What `a, *rest, b = found` assigns: how many items go into the rest, the number of all decides."""
    items = found.in_order
    if items is None or len(items) < before + behind:
        any = found.any
        return row(found.shape, [*[any] * before, some(found.shape, any), *[any] * behind])
    end = len(items) - behind
    return row(found.shape, [*items[:before], row(found.shape, items[before:end]), *items[end:]])


def merged(one: Entries, other: Entries) -> Entries:
    """What `one | other` has: under a key that nobody can tell, anything of both may stand."""
    shape = one.shape | other.shape
    if other.each is not None:
        return Entries(shape, {}, each=either(one.any, other.any))
    return Entries(shape, {**one.items, **other.items}, each=one.each)


def from_pairs(found: Parts) -> Entries:
    """The mapping of a list of keys and values."""
    key, value = _pair(found.any)
    return Entries(found.shape | widened(whole(key)), {}, each=value)


def _pair(labels: Labelled) -> tuple[Labelled, Labelled]:
    found = listed(labels)
    return found[0], found[1]


def got(found: Labelled, key: Hashable, otherwise: Labelled) -> Labelled:
    """What `get` finds under a key that stands in the plan."""
    if not isinstance(found, Parts) or found.count is not None:
        return widened(whole(found) | whole(otherwise))
    if key in found.items:
        return found[key]
    if not isinstance(found, Entries):
        return widened(found.whole | whole(otherwise))
    return also(otherwise if found.each is None else either(found.each, otherwise), found.shape)


# ----------------------------------------------------------------------------------------------------------- telling

_MOST: Final = 12
_FEW: Final = 4


def told_parts(labels: Labelled) -> tuple[tuple[str, Label], ...]:
    """The parts of a value as people are told of them: where each stands (`[0].id`, `[]` for every item), and its
    label. No more than a dozen; none where all of them are like the whole.
    """
    found = tuple(islice(_leaves(labels, "", 0), _MOST))
    return found if any(label is not whole(labels) for _, label in found) else ()


def _leaves(labels: Labelled, path: str, depth: int) -> Iterator[tuple[str, Label]]:
    if isinstance(labels, Label) or depth == _FEW:
        yield path or ".", whole(labels)
        return
    items = labels.in_order if labels.count is not None else None
    if labels.count is not None and (items is None or len(items) > _FEW or all(item is items[0] for item in items)):
        inner: list[tuple[str, Labelled]] = [("[]", also(labels.any, labels.shape))]
    else:
        inner = [(_step(key), labels[key]) for key in labels.items]
        if labels.each is not None:
            inner += [(".keys()[]", labels.shape), (".values()[]", also(labels.each, labels.shape))]
    for step, part in inner:
        yield from _leaves(part, path + step, depth + 1)


def _step(key: Hashable) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
