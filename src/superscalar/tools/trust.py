"""What a tool says of its data: whose text it returns, who may read it, and which parameters choose a destination."""

from __future__ import annotations

import datetime as dt
import difflib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias
from typing import Literal as OneOf

from superscalar.errors import UsageError
from superscalar.plan.evaluate.narrow import EACH, Shape, Vouched
from superscalar.plan.evaluate.patterns import matcher, plain_pattern
from superscalar.plan.ir import Call, Literal
from superscalar.plan.ir.signatures import Output
from superscalar.tools.context import ArgumentError
from superscalar.tools.making import has_code, is_code, sees_others
from superscalar.tools.marks import Mark, Path, Place, formats_of, is_closed, is_mark, path_text, shared_path
from superscalar.unseen import hides

Trust: TypeAlias = OneOf["trusted", "untrusted"]
Readers: TypeAlias = "str | Iterable[str] | Callable[..., str | Iterable[str]]"
"""Names of who may read something, or a function of a call's arguments that gives them."""

Named: TypeAlias = "frozenset[str] | Callable[[Mapping[str, Any]], frozenset[str]]"


class Results(NamedTuple):
    """What is declared of results: `shapes`, by what the plan says for `parameter` (its alias), or for all under "".

    `vouched`: of a tool that vouches for parts of its results, which these are.
    """

    parameter: str = ""
    shapes: Mapping[str, Shape] = {}
    vouched: Vouched | None = None

    def of(self, call: Call) -> Shape:
        """What is sure of the result of a call; None if nothing is."""
        for name, value in call.arguments:
            if name == self.parameter and isinstance(value, Literal) and isinstance(value.value, str):
                return self.shapes.get(value.value)
        return self.shapes.get("")


class Declared(NamedTuple):
    """What a tool says of its results, as data: its name, whether they are trusted, and who may read them.

    `readers`: None is everybody; nobody is named where that depends on the arguments of a call. `results`: what is sure
    of them, where they are validated.
    """

    name: str
    trust: Trust | None
    readers: frozenset[str] | None = None
    results: Results | None = None


def remembered(said: Mapping[str, Sequence[Any]]) -> dict[str, Declared]:
    """What the tools of a recorded run said of their results, by alias."""
    return {
        alias: Declared(name, trust, None if readers is None else frozenset(readers), *map(_results, others))
        for alias, (name, trust, readers, *others) in said.items()
    }


def _results(said: Sequence[Any]) -> Results:
    parameter, shapes, *vouched = said
    return Results(parameter, {name: _shape(shape) for name, shape in shapes.items()}, *vouched)


def _shape(said: Any) -> Shape:
    if isinstance(said, dict):
        return {name: _shape(shape) for name, shape in said.items()}
    return None if said is None else tuple(said)


class Sink(Mark):
    r"""`Annotated[str, Sink]`: this parameter chooses where something goes: a recipient, URL, account or path.

    What is not trusted may not choose that. It may also mark a field of a record, or the items of a list.
    `Annotated[str, Sink(narrow="enum")]` lets it choose as far as it was narrowed to such a type: one of a fixed set of
    constants ("enum"), or a "bool", "int", "float", "date". An attacker picks which one, so name a type only where each
    of its values may be picked: a number of an account is an int. Of several narrow values together none is.

    `Sink(among=...)` lets it choose these destinations: texts, or a function that says whether a text is one
    (`re.compile(r"[\w.-]+@home\.example").fullmatch`). Of a list each item must be one. An attacker picks which.

    `Sink(control=True)`: what is not trusted may not decide either whether something goes there at all, be it by a
    condition, by a filter or by how many items a list has. So it does not choose among trusted destinations.
    """

    def __init__(
        self,
        *,
        narrow: str | Iterable[str] = (),
        among: Iterable[str] | Callable[[str], Any] = (),
        control: bool = False,
    ) -> None:
        self.control = control
        self.narrow = frozenset((narrow,) if isinstance(narrow, str) else narrow)
        if others := self.narrow - NARROW:
            raise UsageError(f"Sink(narrow={min(others)!r}): one of {', '.join(sorted(map(repr, NARROW)))}")
        if callable(among):
            self._among: frozenset[str] | Callable[[str], Any] = _bounded(among)
        else:
            self._among = frozenset((among,) if isinstance(among, str) else among)

    @property
    def lists(self) -> bool:
        """Tell whether it says which destinations may be chosen by what is not trusted."""
        return bool(self._among)

    def has(self, destination: str) -> bool:
        """Tell whether what is not trusted may choose it; it may not choose one in which something cannot be seen."""
        if not callable(self._among):
            return destination in self._among
        return len(destination) <= _LONGEST and not hides(destination) and bool(self._among(destination))


NARROW: Final = frozenset({"bool", "int", "float", "date", "enum"})
"""The types through which no text can be smuggled, as labels name them."""

_LONGEST: Final = 2_000  # characters of a destination that a function is asked about


def _bounded(among: Callable[[str], Any]) -> Callable[[str], Any]:
    """A method of a compiled pattern as one that takes no longer for a text that was made to take long."""
    pattern, method = getattr(among, "__self__", None), getattr(among, "__name__", "")
    if not isinstance(pattern, re.Pattern) or method not in ("fullmatch", "match", "search"):
        return among
    if not isinstance(pattern.pattern, str):
        raise UsageError(f"Sink(among={pattern!r}.{method}): destinations are texts, not bytes")
    try:
        return matcher(plain_pattern(pattern, method))
    except ValueError as error:
        raise UsageError(f"Sink(among={pattern!r}.{method}): {error}; write a function that returns a bool") from error


class Destination(NamedTuple):
    """A parameter, or a part of one, that chooses where something goes.

    `marks`: what is said of that which is not trusted and may choose it. Not `declared`: its name or its form says so
    and the tool does not. `reads`: whom it names gets to read what the call is given. `made_of`: what code of its tool,
    such as a validator, may make it of: of what is given for it alone, of all that is given for its parameter, or for
    all of them.
    """

    parameter: str
    path: Path
    marks: tuple[Sink, ...] = ()
    declared: bool = True
    reads: bool = True
    made_of: OneOf["part", "argument", "call"] = "part"

    def __str__(self) -> str:
        return path_text(self.parameter, self.path)


_URL_TYPES: Final = frozenset({"AnyUrl", "AnyHttpUrl", "HttpUrl", "AnyWebsocketUrl", "WebsocketUrl", "Url"}) | {
    "_BaseUrl",
    "_BaseMultiHostUrl",
    "MultiHostUrl",
}
_ADDRESSES: Final = _URL_TYPES | {"EmailStr", "NameEmail", "PurePath", "PathLike"}
"""Types of addresses, by name: `pydantic` is not imported to look at a signature."""

_NAMED: Final = frozenset(
    "url uri email hostname path to cc bcc recipient channel repo repository repositories account".split()
)
_FORMS: Final = frozenset(
    {"url", "uri", "uri-reference", "iri", "iri-reference", "email", "idn-email", "hostname", "idn-hostname"}
    | {"path", "file-path", "directory-path"}
)
_URLS: Final = frozenset({"url", "uri", "iri"})
_NUMBERED: Final = frozenset({"id", "account"})
_OF_TWO: Final = frozenset({"hostname", "hostnames", "email", "emails"})
_SAYS_NOTHING: Final = frozenset({float, complex, Decimal, dt.date, dt.datetime, dt.time, dt.timedelta})
_BARE: Final = _SAYS_NOTHING | {int}
"""Types whose values name nobody, whatever they are called."""
_PARTS: Final = re.compile(r"[A-Z]{2,}s?(?![a-z])|[A-Z]?[a-z]+|[A-Z]")


def destinations_of(
    tool: str,
    places: Mapping[str, Collection[Place]],
    *,
    sink: Iterable[str],
    content: Iterable[str],
    effect: str,
    elsewhere: bool,
) -> tuple[Destination, ...]:
    """The parameters of a tool, and the parts of them, that choose a destination; `places` by parameter.

    They are declared, marked, or, of a write, of a type that is one. Of a write, and of a tool from `elsewhere` that
    sends a whole URL, also those whose name or form is that of a destination, and of which the tool does not say that
    they are `content`.

    Raises:
        UsageError: one is declared that the tool does not have, or one as both, or of a tool that is pure.
    """
    known: dict[str, _Told] = {}
    for name, parts in places.items():
        for place in parts:
            known.setdefault(path_text(name, place.path), _Told(name, [])).places.append(place)
    sinks, contents = (_declared(tool, term, known, given) for term, given in (("sink", sink), ("content", content)))
    found: dict[str, Destination] = {}
    for text, one in known.items():
        said = text in sinks or any(is_mark(mark, Sink) for place in one.places for mark in place.marks)
        if said and text in contents:
            raise UsageError(f"@tool(content={text!r}) on {tool}: it is declared a sink, too; leave out one of them")
        path = _without_items(one.path)
        if said and effect == "pure" and not path:
            raise UsageError(
                f"tool {tool} is pure: `{one.parameter}` is no sink, since nothing goes anywhere; say what it does"
            )
        if said or (effect == "write" and text not in contents and any(map(_is_address, one.places))):
            told = path_text(one.parameter, path)
            marks = (*(found[told].marks if told in found else ()), *one.marks)
            found[told] = Destination(one.parameter, path, marks)
    says = bool(found)
    for text, one in known.items():
        settled = text in found or any(_is_below(text, other) or _is_below(other, text) for other in found)
        settled = settled or text in contents or any(_is_below(text, other) for other in contents)
        if not settled and any(_is_likely(place, effect, elsewhere=elsewhere, says=says) for place in one.places):
            path = _without_items(one.path)
            told = path_text(one.parameter, path)
            values = [part for part in places[one.parameter] if _told_without_items(one.parameter, part) == told]
            bare = _SAYS_NOTHING if any(map(_is_numbered, one.places)) else _BARE
            kinds = [kind for part in values for kind in part.types]
            if not kinds or not all(is_closed(kind) or (inspect.isclass(kind) and kind in bare) for kind in kinds):
                named = any(map(_is_named, one.places))
                found[told] = Destination(one.parameter, path, declared=False, reads=named)
    return tuple(one._replace(made_of=_made_of(places[one.parameter], one.path)) for one in found.values())


def _made_of(places: Collection[Place], path: Path) -> OneOf["part", "argument", "call"]:
    """What a place may be made of by code that sees more than is given for it: a validator of all sees all."""
    names = [step.name for step in path]
    above = [place for place in places if [step.name for step in place.path] == names[: len(place.path)]]
    own = [place for place in places if [step.name for step in _without_items(place.path)] == names]
    functions = [(place, mark) for place in [*above, *own] for mark in place.marks if is_code(mark)]
    if any(sees_others(mark) for place, mark in functions if not _without_items(place.path)):
        return "call"
    if any(place not in own or sees_others(mark) for place, mark in functions):
        return "argument"
    return "argument" if any(has_code(kind) for place in [*above, *own] for kind in place.types) else "part"


class _Told(NamedTuple):
    """What is told by one path: more than one place where members of a union have a field of the same name."""

    parameter: str
    places: list[Place]

    @property
    def path(self) -> Path:
        return shared_path(place.path for place in self.places)

    @property
    def marks(self) -> tuple[Sink, ...]:
        """What is said of that which is not trusted, as strict as the strictest of those who say that it is a sink."""
        said = [(place, marks) for place in self.places for marks in place.alternatives]
        sinks = [marks for place, marks in said if _is_address(place) or any(is_mark(mark, Sink) for mark in marks)]
        marks = [tuple(mark for mark in one if isinstance(mark, Sink)) for one in sinks]
        return marks[0] if len(marks) == 1 else (_strictest(marks),) if any(marks) else ()


def _strictest(members: Iterable[tuple[Sink, ...]]) -> Sink:
    """The mark of what may be chosen only where each of some members of a union lets it be."""
    said = list(members)
    narrow = frozenset.intersection(*(frozenset[str]().union(*(mark.narrow for mark in marks)) for marks in said))
    return Sink(
        narrow=narrow,
        among=lambda destination: all(any(mark.has(destination) for mark in marks) for marks in said),
        control=any(mark.control for marks in said for mark in marks),
    )


def _is_address(place: Place) -> bool:
    return any(_is(_ADDRESSES, kind) for kind in place.types)


def _told_without_items(parameter: str, place: Place) -> str:
    return path_text(parameter, _without_items(place.path))


def _declared(tool: str, term: str, known: Mapping[str, _Told], given: Iterable[str]) -> frozenset[str]:
    names = frozenset(given)
    if others := sorted(names - known.keys()):
        parameters = [name for name, one in known.items() if not one.path]
        raise UsageError(
            f"@tool({term}={others[0]!r}) on {tool}: it has no such parameter; its parameters are "
            f"{', '.join(parameters)}"
        )
    return names


def _without_items(path: Path) -> Path:
    """The way to the list whose items it leads to: more than one of them together can spell what none says alone."""
    while path and path[-1].name == EACH:
        path = path[:-1]
    return path


def _is_below(text: str, other: str) -> bool:
    """Whether a place is a part of another one, both by their paths."""
    return text.startswith((f"{other}.", f"{other}{EACH}"))


def _is_likely(place: Place, effect: str, *, elsewhere: bool, says: bool) -> bool:
    """Whether the name or the form of a place is that of a destination.

    `says`: the tool has sinks that are declared, and so an id is what it is about, and nowhere to go.
    """
    if effect == "write":
        return _is_named(place) or (not says and "id" in _words(place))
    if effect == "read" and elsewhere:
        said = {*_words(place), *(form.partition("-")[0] for form in formats_of(place.marks))}
        return not _URLS.isdisjoint(said) or any(_is(_URL_TYPES, kind) for kind in place.types)
    return False


def _is_named(place: Place) -> bool:
    """Whether its name or its form is one of those that say where something goes, and to whom."""
    return not (_NAMED.isdisjoint(_words(place)) and _FORMS.isdisjoint(formats_of(place.marks)))


def _is_numbered(place: Place) -> bool:
    """Whether its name is that of something which a number may stand for."""
    return not _NUMBERED.isdisjoint(_words(place))


def _words(place: Place) -> frozenset[str]:
    """The words of its names, also in the singular, and two together: `host_name` and `e-mail` are one word, too."""
    if place.path and place.path[-1].name == EACH:
        return frozenset()  # it has the name of its list, but a form of its own
    words: set[str] = set()
    for name in place.names:
        parts = [part.lower() for part in _PARTS.findall(name)]
        words.update(parts, (one + other for one, other in pairwise(parts) if one + other in _OF_TWO))
    return frozenset(words).union(word.removesuffix("s") for word in words)


def _is(types: frozenset[str], kind: Any) -> bool:
    """Whether a type is one of these, or derived from one."""
    return inspect.isclass(kind) and any(base.__name__ in types for base in kind.__mro__)


_PATH: Final = re.compile(r"\.|(?:\.?[^.\[\]]+|\.?\[\])(?:\.[^.\[\]]+|\.?\[\])*")
_STEP: Final = re.compile(r"\[\]|[^.\[\]]+")


TrustedFields: TypeAlias = "str | Iterable[str] | Mapping[str, str | re.Pattern[str] | None]"
"""Paths of fields, or for each the pattern that all of its text has, None where nothing is said of that."""


def results_of(tool: str, trust: Trust | None, paths: TrustedFields, shape: Shape, returns: Output) -> Results | None:
    """What is declared of the results of a tool: the constants that they are (`shape`), and what it vouches for.

    Raises:
        UsageError: as `vouched_by` says.
    """
    vouched = vouched_by(tool, trust, paths, returns)
    return None if vouched is None and shape is None else Results(shapes={"": shape} if shape else {}, vouched=vouched)


def vouched_by(tool: str, trust: Trust | None, paths: TrustedFields, returns: Output) -> Vouched | None:
    """What a tool vouches for that returns other people's text beside it, from paths such as `[].id`.

    Raises:
        UsageError: a path that cannot be read, that leads to no field, or that leads through another, or a pattern that
            cannot be read; or there is nothing to vouch for, as all of it is trusted, or all of it is as trusted as the
            arguments.
    """
    patterns = paths if isinstance(paths, Mapping) else dict.fromkeys((paths,) if isinstance(paths, str) else paths)
    if not patterns:
        return None
    given = paths if isinstance(paths, Mapping) else tuple(patterns)
    wrong = f"@tool(trusted_fields={given!r}) on {tool}"
    if trust != "untrusted":
        raise UsageError(f"{wrong}: of a tool that is {trust or 'pure'} no field is less trusted than that")
    leaves: dict[tuple[str, ...], str] = {}
    for path, pattern in patterns.items():
        if _PATH.fullmatch(path) is None:
            raise UsageError(f"{wrong}: {path!r} is no path; write `id`, `[].id`, `messages[].sender`, `[]` or `.`")
        steps = tuple(_STEP.findall(path))
        known: Output | None = returns
        for step in steps:
            known = _step(f"{wrong}: {path!r}", step, known)
        if any(steps[: len(other)] == other[: len(steps)] for other in leaves):
            raise UsageError(f"{wrong}: one path leads through another; each names a number, a word or a date")
        leaves[steps] = _pattern(f"{wrong}: {path!r}", pattern)
    if () in leaves:
        return leaves[()]
    made: dict[str, Any] = {}
    for steps, text in leaves.items():
        at = made
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        at[steps[-1]] = text
    if any(EACH in at and len(at) > 1 for at in _within(made)):
        raise UsageError(f"{wrong}: what has items has no fields")
    return made


def _pattern(wrong: str, given: Any) -> str:
    """A pattern as text, which the whole of a text must fit; empty for none."""
    if given is None or given == "":
        return ""
    if not isinstance(given, str) and not (isinstance(given, re.Pattern) and isinstance(given.pattern, str)):
        raise UsageError(f"{wrong}: {given!r} is no pattern; write a text such as r'f\\d+', or None")
    pattern = given if isinstance(given, str) else plain_pattern(given, "fullmatch")
    try:
        matcher(pattern)
    except ValueError as error:
        raise UsageError(f"{wrong}: the pattern {given!r} cannot be used: {error}") from error
    return pattern


def _step(wrong: str, step: str, known: Output | None) -> Output | None:
    """What is known of a part of a result; None if nothing is."""
    if known is None or (known.fields is None and known.items is None):
        return None
    if known.items is not None:
        if step == "[]":
            return known.items
        raise UsageError(f"{wrong}: {known.type} has items; write `[].{step}` for a field of each")
    fields = known.fields or {}
    if step in fields:
        return fields[step]
    close = difflib.get_close_matches(step, fields, n=3) or list(fields)[:10]
    raise UsageError(f"{wrong}: {known.type} has no {step}; it has {', '.join(close)}")


def _within(parts: Vouched) -> Iterator[Mapping[str, Any]]:
    if not isinstance(parts, str):
        yield parts
        for part in parts.values():
            yield from _within(part)


def readers_of(
    tool: str,
    term: str,
    declared: Readers | None,
    parameters: Collection[str],
    defaults: Mapping[str, Callable[[], Any]],
) -> Named | None:
    """The names that were declared, or a function from a call's arguments (by the tool's own names) to them.

    Raises:
        UsageError: a function takes what is no parameter of the tool.
    """
    if declared is None:
        return None
    if not callable(declared):
        return _names(tool, term, declared)
    wanted = list(inspect.signature(declared).parameters)
    if others := [name for name in wanted if name not in parameters]:
        raise UsageError(
            f"@tool({term}=...) on {tool} takes {', '.join(others)}, but its parameters are {', '.join(parameters)}"
        )

    def named(arguments: Mapping[str, Any]) -> frozenset[str]:
        try:
            left = {name: defaults[name]() if name in defaults else None for name in wanted if name not in arguments}
            given = {name: arguments[name] if name in arguments else left[name] for name in wanted}
            return _names(tool, term, declared(**given))
        except Exception as error:
            raise ArgumentError(f"{tool}(): {term}= raised {error!r}") from error

    return named


def _names(tool: str, term: str, given: Any) -> frozenset[str]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f'@tool({term}={given!r}) on {tool}: names, such as {term}=("finance", "legal")')
    return frozenset(names)
