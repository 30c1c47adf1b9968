"""Where a value came from, and who may read it: the Label that policies decide on.

Labels form a lattice (Denning, A Lattice Model of Secure Information Flow, CACM 19(5), 1976): the label of what is made
from two values is the join of theirs. It grows in sources and shrinks in readers, and nothing in a plan makes it go
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from weakref import WeakValueDictionary

from superscalar.errors import UsageError
from superscalar.everyday import record_fields
from superscalar.forks import in_child
from superscalar.short import short

SourceKind: TypeAlias = Literal["user", "plan", "tool", "model"]
WORD: Final = "word"
_PLAIN: Final = frozenset({str, int, float, bool, bytes, type(None)})


class Source(NamedTuple):
    """Something that a value was made from.

    `kind`: "user" (the question says it; with a `name`, whoever runs the plan gives it for that input), "plan" (a
    constant of the plan), "tool" (a call of tool `name`), "model" (text of a model that had read what is not trusted;
    `name` says which text). `type`: what it was narrowed to ("int", "float", "bool", "date", "enum"), which no text can
    be smuggled through; empty if it may be any text. Of what is trusted, "word": a text that its tool vouches for and
    that somebody else may have chosen all the same.
    """

    kind: SourceKind
    name: str = ""
    trusted: bool = True
    type: str = ""

    def __str__(self) -> str:
        if self.kind == "user" and self.name:
            return f"the input `{self.name}`" + (f" (as {self.type})" if self.type else "")
        named = {"user": "the question", "plan": "the plan", "tool": f"`{self.name}`", "model": self.name}[self.kind]
        return f"{named} (as {self.type})" if self.type else named


class Label:
    """The sources that a value came from, and who may read it (None: everybody).

    It names tools, not single calls, so it has a bounded size however long a run is; the calls themselves are told by
    the run's provenance. `a | b` is the label of what is made from both. Equal labels are one object.
    """

    __slots__ = ("__weakref__", "readers", "sources", "trusted")

    sources: frozenset[Source]
    readers: frozenset[str] | None
    trusted: bool

    def __new__(cls, sources: Iterable[Source] = (), readers: Iterable[str] | None = None) -> Label:
        """The label of these sources and readers."""
        return _label(frozenset(sources), None if readers is None else frozenset(readers))

    def __or__(self, other: Label) -> Label:
        return self if other is self or other is NOTHING else other if self is NOTHING else _joined(self, other)

    @property
    def untrusted(self) -> tuple[Source, ...]:
        """Return the sources that are not trusted, in a stable order."""
        return tuple(sorted(source for source in self.sources if not source.trusted))

    @property
    def told(self) -> bool:
        """Say whether a model that plans may be shown it: it is trusted, and nobody else chose any word of it."""
        return self.trusted and all(source.type != WORD for source in self.sources)

    @property
    def open(self) -> bool:
        """Say whether a planner may be shown it and everybody may read it: having seen it changes nothing."""
        return self.told and self.readers is None

    @property
    def narrow(self) -> bool:
        """Say whether all that is not trusted in it was narrowed to a type that carries no text."""
        return all(source.trusted or source.type for source in self.sources)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a label cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Label, (self.sources, self.readers)

    def __repr__(self) -> str:
        readers = "" if self.readers is None else f", readers={sorted(self.readers)}"
        return f"Label({sorted(self.sources)}{readers})"

    def __str__(self) -> str:
        trusted = ", ".join(str(source) for source in sorted(self.sources) if source.trusted)
        others = ", ".join(map(str, self.untrusted))
        parts = [trusted, f"not trusted: {others}" if others else ""]
        parts.append("" if self.readers is None else f"only for {', '.join(sorted(self.readers)) or 'nobody'}")
        return "; ".join(part for part in parts if part) or "nothing"


class LabelledInput(NamedTuple):
    """A value that a plan is given, and where it came from: see `labelled`."""

    value: Any
    label: Label | None = None
    trusted: bool = False
    readers: frozenset[str] | None = None


def labelled(
    value: Any, label: Label | None = None, *, trusted: bool = False, readers: Iterable[str] | None = None
) -> LabelledInput:
    """Say of a value that a plan is given where it came from: `inputs={"page": labelled(page)}`.

    `label`: that of an earlier result, and then all that is said of it. Without one, it is not trusted unless `trusted`
    says so, and `readers` alone may read it (None: everybody). It is of the whole value: no part of one has a label of
    its own. What is given without a label is as trusted as whoever gives it.

    Raises:
        UsageError: something else is given for them.
    """
    if label is not None and not isinstance(label, Label):
        raise UsageError(f"labelled(label={short(label)}): give the label of an earlier result, result.label()")
    if not isinstance(trusted, bool):
        raise UsageError(f"labelled(trusted={short(trusted)}): write True or False")
    named = None if readers is None else _names(readers)
    if label is not None and (trusted or named is not None):
        raise UsageError("labelled(): a label says who may read it and whether it is trusted: give nothing beside it")
    return LabelledInput(value, label, trusted, named)


def holds_label(value: Any) -> bool:
    """Whether somebody labelled a value, or a part of it."""
    known: set[int] = set()
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, LabelledInput):
            return True
        if id(one) in known:  # it may hold itself
            continue
        known.add(id(one))
        left += [part for part in _parts(one) if type(part) not in _PLAIN]
    return False


def _parts(value: Any) -> Iterable[Any]:
    match value:
        case list() | tuple() | set() | frozenset():
            return value
        case Mapping():
            return (*value, *value.values())
        case _:
            return (record_fields(value) or {}).values()


def _names(readers: Any) -> frozenset[str]:
    if isinstance(readers, Iterable) and not isinstance(readers, str):
        names = [*readers]
        if all(isinstance(name, str) for name in names):
            return frozenset(names)
    raise UsageError(f"labelled(readers={short(readers)}): write a list of names, such as ['ann']")


# Told apart by identity, labels are found in tables without a line of Python: every call of a tool joins some.
_LABELS: Final[WeakValueDictionary[tuple[frozenset[Source], frozenset[str] | None], Label]] = WeakValueDictionary()
_ONE_AT_A_TIME = Lock()  # agents run in several threads


def _renew_lock() -> None:
    global _ONE_AT_A_TIME
    _ONE_AT_A_TIME = Lock()


in_child(_renew_lock)


def _label(sources: frozenset[Source], readers: frozenset[str] | None) -> Label:
    with _ONE_AT_A_TIME:
        known = _LABELS.get((sources, readers))
        if known is not None:
            return known
        made = object.__new__(Label)
        object.__setattr__(made, "sources", sources)
        object.__setattr__(made, "readers", readers)
        object.__setattr__(made, "trusted", all(source.trusted for source in sources))
        _LABELS[sources, readers] = made
        return made


@lru_cache(maxsize=65_536)
def _joined(one: Label, other: Label) -> Label:
    if one.readers is None or other.readers is None:
        readers = one.readers if other.readers is None else other.readers
    else:
        readers = one.readers & other.readers
    return _label(one.sources | other.sources, readers)


NOTHING: Final = Label()
"""The label of what came from nowhere: it changes nothing in a join."""

USER: Final = Label([Source("user")])
PLAN: Final = Label([Source("plan")])


@lru_cache(maxsize=4_096)
def widened(label: Label) -> Label:
    """The label of what is computed from a value: constants and numbers, put together, can spell any text."""
    if all(source.trusted or not source.type for source in label.sources):
        return label
    return Label([s if s.trusted else s._replace(type="") for s in label.sources], label.readers)


@lru_cache(maxsize=4_096)
def narrowed_to(label: Label, name: str) -> Label:
    """The label with what is not trusted in it narrowed to that type, unless it was narrowed before."""
    sources = [s if s.trusted or s.type else s._replace(type=name) for s in label.sources]
    return Label(sources, label.readers)


def gathered(labels: Iterable[Label]) -> Label:
    """The label of several values side by side: more than one of those that a stranger chose can spell any text."""
    made, chosen = NOTHING, 0
    for label in labels:
        made = made | label
        chosen += not label.trusted
    return widened(made) if chosen > 1 and made.narrow else made


def joined(labels: Iterable[Label]) -> Label:
    """The join of some labels."""
    made = NOTHING
    for label in labels:
        made = made | label
    return made
