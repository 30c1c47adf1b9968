"""What annotations say below a parameter, wherever it stands: one walk for all that is marked there.

A mark is found in records of each kind, in unions, containers and named types. What the walk cannot look into has the
marks below it as a whole, so that no mark is lost; where one can mean nothing at all, the tool is not made.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Union

from superscalar.errors import UsageError
from superscalar.plan.evaluate.narrow import EACH
from superscalar.tools.fields import alias_of, field_info
from superscalar.tools.inputs import names_of
from superscalar.tools.members import aside
from superscalar.tools.types import annotation_of, type_text


class Step(NamedTuple):
    """The way from a value to a part of it: to a field of a record, or to each item of a list ("[]").

    `keys`: under which a plan may write the field; `known`: those of all fields of the record, which is `of` that
    class: two members of a union that both have such a field do not say the same of it.
    """

    name: str
    keys: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    of: Any = None


Path: typing.TypeAlias = tuple[Step, ...]


def shared_path(paths: Iterable[Path]) -> Path:
    """The way that each of some goes that are told alike, whichever member of a union a value is of."""
    return tuple(
        Step(
            steps[0].name,
            frozenset[str]().union(*(step.keys for step in steps)),
            frozenset[str]().union(*(step.known for step in steps)),
        )
        for steps in zip(*paths, strict=True)
    )


@dataclasses.dataclass(slots=True)
class Place:
    """A parameter or a part of it: what it is called there, what is marked there, and of which types its values are.

    `members`: those of the marks that members of a union have, each for itself.
    """

    path: Path
    names: set[str]
    marks: list[Any]
    types: list[Any]
    members: list[list[Any]] = dataclasses.field(default_factory=list)

    @property
    def alternatives(self) -> list[list[Any]]:
        """The marks of each member of a union, with those that all of them have; all of them where it is none."""
        apart = [mark for member in self.members for mark in member]
        common = [mark for mark in self.marks if all(mark is not one for one in apart)]
        return [[*common, *member] for member in self.members] or [self.marks]


class Mark:
    """What may be said of a parameter or a part of it with `Annotated`."""


def path_text(parameter: str, path: Iterable[Step]) -> str:
    """A part of a parameter as it is told: `mail.to`, `mails[].to`."""
    return parameter + "".join(EACH if step.name == EACH else f".{step.name}" for step in path)


def places_of(tool: str, parameter: inspect.Parameter, alias: str) -> list[Place]:
    """A parameter, which plans call `alias`, and the parts of it that its annotation tells of, the outer ones first.

    Raises:
        UsageError: a mark stands where it can mean nothing.
    """
    walk = _AnnotationWalk(tool, parameter.name)
    if is_mark(parameter.default):
        raise walk.misplaced(parameter.default, "as a default")
    walk.into(annotation_of(parameter), (), {parameter.name, alias}, ())
    return list(walk.found.values())


def check_unmarked(tool: str, annotation: Any) -> None:
    """See that what a tool returns is not marked as parameters are; a record may be, which a tool takes, too.

    Raises:
        UsageError: it is.
    """
    walk = _Around(tool, "what it returns")
    walk.into(annotation, (), set(), ())
    for mark in filter(is_mark, walk.found[()].marks):
        raise walk.misplaced(mark, "in what is returned")


def is_mark(value: Any, kind: type[Mark] = Mark) -> bool:
    """Whether it is a mark of a kind: one that was made, or its class."""
    return isinstance(value, kind) or (inspect.isclass(value) and issubclass(value, kind))


_WRAPPERS: Final = ("Required", "NotRequired", "ReadOnly", "Final", "Unpack")
_ITEMS: Final = (list, set, frozenset, tuple, collections.deque, collections.abc.Sequence, collections.abc.Set)
_NO_DATA: Final = (collections.abc.Callable, type)
_DEEPEST: Final = 8  # records and named types inside each other that are looked into one by one
_MOST: Final = 300  # places of a parameter: more fields than these are told together


class _AnnotationWalk:
    """Goes through one annotation. `within`: the records and named types that it is in."""

    def __init__(self, tool: str, where: str) -> None:
        self._tool = tool
        self._where = where
        self._records: dict[int, Place] = {}  # what was told of records as a whole
        self.found: dict[Path, Place] = {}

    def misplaced(self, mark: Any, where: str) -> UsageError:
        name = mark.__name__ if inspect.isclass(mark) else type(mark).__name__
        return UsageError(
            f"tool {self._tool}: {name} {where} ({self._where}) says nothing; write `Annotated[str, {name}]` for a "
            "parameter, an item or a field that the tool takes"
        )

    def into(self, annotation: Any, path: Path, names: set[str], within: tuple[Any, ...]) -> None:
        """Note what an annotation says of the place that a path leads to, and of what is below."""
        place = self.found.setdefault(path, Place(path, set(), [], []))
        place.names |= names
        if is_mark(annotation):
            raise self.misplaced(annotation, "in the place of a type")
        if isinstance(annotation, str | typing.ForwardRef):
            self._unread(annotation)
            place.types.append(Any)
            return
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if annotation in within:  # it holds itself: what is marked in it is so at every depth
            self._whole([annotation], path)
        elif (named := self._named(annotation, origin, arguments)) is not None:
            self.into(named, path, names, (*within, annotation))
        elif origin is Annotated:
            for mark in arguments[1:]:
                place.marks += _marks_in(mark)
            self.into(arguments[0], path, names, within)
        elif getattr(origin, "_name", "") in _WRAPPERS or origin in (Union, types.UnionType):
            for member in arguments:
                before = len(place.marks)
                self.into(member, path, names, within)
                if len(place.marks) > before and len(arguments) > 1:
                    place.members.append(place.marks[before:])
        elif isinstance(annotation, typing.TypeVar):
            for member in annotation.__constraints__ or ((annotation.__bound__ or Any),):
                self.into(member, path, names, within)
        elif origin is typing.Literal:
            place.types.append(annotation)
        elif origin in _NO_DATA:
            for argument in arguments:
                for mark in filter(is_mark, self._together(argument).marks):
                    raise self.misplaced(mark, f"in {type_text(annotation)}")
            place.types.append(annotation)
        elif origin in _ITEMS:
            for member in arguments:
                if member is not Ellipsis:
                    self.into(member, (*path, Step(EACH)), names, within)
        elif inspect.isclass(annotation) and origin is None:
            place.types.append(annotation)
            if len(within) > _DEEPEST or len(self.found) > _MOST:
                self._whole([annotation], path)
            else:
                self._record(annotation, path, within)
        else:  # a mapping, whose keys count as its values do, or what there is no way to look into
            place.types.append(annotation)
            self._whole([*arguments, *([origin] if inspect.isclass(origin) else [])], path)

    def _named(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Any:
        """What stands behind `type Name = ...`, a `NewType` or a generic one of the first; None for all others."""
        if (supertype := getattr(annotation, "__supertype__", None)) is not None:
            return supertype
        try:
            if type(annotation).__name__ == "TypeAliasType":
                return annotation.__value__
            if type(origin).__name__ == "TypeAliasType":
                value = origin.__value__
                return value[arguments] if getattr(value, "__parameters__", ()) else value
        except (NameError, TypeError) as error:
            raise UsageError(
                f"tool {self._tool}: the type {annotation} of {self._where} cannot be read ({error}); import the "
                "names that it uses"
            ) from error
        return None

    def _record(self, kind: Any, path: Path, within: tuple[Any, ...]) -> None:
        fields = list(_fields_of(kind))
        for name, annotation in aside(kind, {field.name for field in fields}):
            if isinstance(annotation, str | typing.ForwardRef):
                self._unread(annotation)
            elif marks := _directly(self._tool, annotation):
                if not fields or name not in _UNDER_ITS_RECORD:
                    raise self.misplaced(marks[0], f"at `{name}` of {kind.__name__}, which is no field of a record,")
                self._whole([annotation], path)
        known = frozenset(key for field in fields for key in field.keys)
        for field in fields:
            if isinstance(field.annotation, str):
                self._unread(field.annotation)
            if field.keys:
                step = Step(field.name, field.keys, known, kind)
                self.into(field.annotation, (*path, step), {field.name, *field.keys}, (*within, kind))
            else:
                self._whole([field.annotation], path)

    def _whole(self, annotations: Iterable[Any], path: Path) -> None:
        """What stands below, as if it stood at the place itself."""
        place = self.found[path]
        for annotation in annotations:
            below = self._together(annotation)
            place.marks += below.marks
            place.names |= below.names
            place.types += below.types

    def _together(self, annotation: Any) -> Place:
        """All that an annotation tells, wherever it stands in it."""
        if (known := self._records.get(id(annotation))) is not None:
            return known
        walk = _Together(self._tool, self._where)
        for one in annotation if isinstance(annotation, list) else [annotation]:  # the parameters of a Callable
            if one is not Ellipsis:
                walk.into(one, (), set(), ())
        told = walk.found.get((), Place((), set(), [], []))
        if inspect.isclass(annotation):  # others are made anew, and may have the id of one that is gone
            self._records[id(annotation)] = told
        return told

    def _unread(self, annotation: Any) -> None:
        """An annotation that nobody has evaluated: nothing is known of it, but that it marks nothing."""
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        for kind in Mark.__subclasses__():
            if kind.__name__ in text:
                raise self.misplaced(kind, f"in {text!r}, which cannot be read,")


class _Together(_AnnotationWalk):
    """Goes through annotations and tells of all of it in one place; it looks into each record once."""

    def __init__(self, tool: str, where: str) -> None:
        super().__init__(tool, where)
        self._seen: set[Any] = set()

    def into(self, annotation: Any, path: Path, names: set[str], within: tuple[Any, ...]) -> None:  # noqa: ARG002
        """Note what an annotation says, as if there were no way to go."""
        if within and (here := within[-1]) is not annotation:
            self._seen.add(_known_by(here))
        if _known_by(annotation) not in self._seen:
            super().into(annotation, (), names, ())


_UNDER_ITS_RECORD: Final = ("__pydantic_extra__",)


def _known_by(annotation: Any) -> Any:
    """What an annotation is known by in a set: with a list among its marks it has no hash."""
    try:
        hash(annotation)
    except TypeError:
        return repr(annotation)
    return annotation


class _Around(_AnnotationWalk):
    """Goes through an annotation and looks into no record."""

    def into(self, annotation: Any, path: Path, names: set[str], within: tuple[Any, ...]) -> None:  # noqa: ARG002
        """Note what it says, items and members of unions as if they were all of it."""
        super().into(annotation, (), names, within)

    def _record(self, kind: Any, path: Path, within: tuple[Any, ...]) -> None:
        """What a record says of its fields, it says where it is a parameter."""


def _directly(tool: str, annotation: Any) -> list[Any]:
    """The marks in an annotation that stand in none of the records which it names."""
    walk = _Around(tool, "")
    walk.into(annotation, (), set(), ())
    return [mark for mark in walk.found[()].marks if is_mark(mark)]


def _marks_in(mark: Any) -> list[Any]:
    """A mark, and those that stand in one: pydantic's `Field` has a list of its own."""
    info = field_info(mark)
    return [mark] if info is None else [info, *info.metadata]


class _MarkedField(NamedTuple):
    """A field of a record: no `keys` where a plan says nothing for it by itself."""

    name: str
    annotation: Any
    keys: frozenset[str]


def _fields_of(record: Any) -> Iterator[_MarkedField]:
    """The fields of a record type, with their annotations as far as these can be evaluated."""
    if (fields := getattr(record, "__pydantic_fields__", None)) is not None:
        for name, info in fields.items():
            wanted = info.validation_alias if info.validation_alias is not None else info.alias
            choices = getattr(wanted, "choices", None) or [wanted]
            plain = all(choice is None or isinstance(choice, str) for choice in choices)  # else it is found elsewhere
            plain = plain and not info.default_factory_takes_validated_data
            keys = {name, *(c for c in (*choices, info.alias, alias_of(info)) if isinstance(c, str) and c)}
            annotation: Any = Annotated[(info.annotation, info)]
            whole = not plain or getattr(record, "__pydantic_root_model__", False)
            yield _MarkedField(name, annotation, frozenset() if whole else frozenset(keys))
        return
    if not any(True for _ in names_of(record)):
        return
    try:
        hints = typing.get_type_hints(record, include_extras=True)
    except Exception:  # noqa: BLE001 -- a forward reference to what is not there: the text is looked at
        hints = dict(getattr(record, "__annotations__", {}))
    given = {name for _, name in names_of(record)}
    for name, hint in hints.items():
        if typing.get_origin(hint) is ClassVar or hint is ClassVar:
            continue
        inner = hint.type if isinstance(hint, dataclasses.InitVar) else hint
        yield _MarkedField(name, inner, frozenset({name}) if name in given else frozenset())


def is_closed(kind: Any) -> bool:
    """Whether a type has no values but constants that are written down."""
    if typing.get_origin(kind) is typing.Literal or kind in (bool, type(None), None):
        return True
    if not inspect.isclass(kind) or not issubclass(kind, enum.Enum) or issubclass(kind, enum.Flag):
        return False
    return kind._missing_.__func__ is enum.Enum._missing_.__func__  # type: ignore[attr-defined]  # else it makes more


def formats_of(marks: Iterable[Any]) -> Iterator[str]:
    """What marks say of the form of a text, as JSON Schema names it: "uri", "email"."""
    for mark in marks:
        for said in (getattr(mark, "json_schema_extra", None), getattr(mark, "json_schema", None)):
            if isinstance(said, Mapping) and isinstance(form := said.get("format"), str):
                yield form
