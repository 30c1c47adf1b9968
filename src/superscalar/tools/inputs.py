"""What goes into a tool as a planner is told: defaults and bounds as a plan writes them, and the records it takes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Annotated, Any, Final, NamedTuple, NotRequired, Required, Union
from uuid import UUID

from superscalar.errors import UsageError
from superscalar.plan.ir.signatures import Form, Parameter
from superscalar.tools.docstrings import parted
from superscalar.tools.fields import MADE, alias_of, field_info
from superscalar.tools.types import is_typed_dict, type_text
from superscalar.values import record_fields

UNSHOWN: Final = "..."
"""Stands for a default that has no form in a plan: it can only be left out."""


class InputPart(NamedTuple):
    """One field of a record, by the key that a plan writes."""

    key: str
    annotation: Any
    default: Any = inspect.Parameter.empty
    required: bool = True
    description: str = ""


def default_text(value: Any) -> str:
    """A default as a plan writes it; `...` for what no plan can write."""
    try:
        return _literal(value, 6)
    except Exception:  # noqa: BLE001 -- its methods are a tool's own code
        return UNSHOWN


def _literal(value: Any, depth: int) -> str:
    if depth == 0 or value is MADE:
        raise ValueError
    match value:
        case enum.Enum():
            return _literal(value.value, depth - 1)
        case None | bool() | int() | float() | str() | bytes():
            return repr(value)
        case dt.datetime() | dt.date() | dt.time():
            return repr(value.isoformat())
        case dt.timedelta():
            seconds = value.total_seconds()
            return repr(int(seconds) if seconds.is_integer() else seconds)
        case Decimal():
            return str(value)
        case UUID() | PurePath():
            return repr(str(value))
        case Mapping():
            return f"{{{', '.join(f'{_literal(k, depth - 1)}: {_literal(v, depth - 1)}' for k, v in value.items())}}}"
        case _ if (fields := record_fields(value)) is not None:
            keys = {name: key for key, name in names_of(type(value))}
            return _literal({keys.get(name, name): item for name, item in fields.items()}, depth)
        case list():
            return f"[{', '.join(_literal(item, depth - 1) for item in value)}]"
        case tuple():
            return f"({', '.join(_literal(item, depth - 1) for item in value)}{',' * (len(value) == 1)})"
        case set() | frozenset() if value:
            return f"{{{', '.join(sorted(_literal(item, depth - 1) for item in value))}}}"
    raise ValueError


# --------------------------------------------------------------------------------------------------------- bounds

_ONE_OF_OURS: Final = ("annotated_types", "pydantic")


def bounds_text(annotation: Any) -> str:
    """What an annotation says of values beyond their type: `1 to 10`, `at most 50 characters`, names of an enum."""
    if inspect.isclass(annotation) and issubclass(annotation, enum.Enum):
        return _members_text(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        own = _marks_text(arguments[0], [part for mark in arguments[1:] for part in _parts(mark)])
        return ", ".join(text for text in (own, bounds_text(arguments[0])) if text)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(text for member in arguments if (text := bounds_text(member))))
    if origin in (list, set, frozenset) and arguments and (each := bounds_text(arguments[0])):
        return f"each {each}"
    return ""


def _parts(mark: Any) -> Iterator[Any]:
    """The marks that stand in one: those of pydantic's `Field` are in a list of its own."""
    if (info := field_info(mark)) is not None:
        yield from info.metadata
    elif type(mark).__module__.partition(".")[0] in _ONE_OF_OURS:
        yield mark


def _marks_text(annotation: Any, marks: Iterable[Any]) -> str:
    found: dict[str, Any] = {}
    for mark in marks:
        for name in ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern"):
            value = getattr(mark, name, None)
            if value is not None and not callable(value):
                found[name] = value.pattern if isinstance(value, re.Pattern) else value
    return limits_text(found, "character" if annotation in (str, bytes) else "item")


def limits_text(found: Mapping[str, Any], unit: str) -> str:
    """What bounds say in words: those of numbers, of how many units there are, and a pattern."""
    text = [_range(found), _lengths(found, unit)]
    if "multiple_of" in found:
        text.append(f"a multiple of {default_text(found['multiple_of'])}")
    if "pattern" in found:
        text.append(f"matching {found['pattern']}")
    return ", ".join(part for part in text if part)


def _range(found: Mapping[str, Any]) -> str:
    told = {name: default_text(value).strip("'") for name, value in found.items() if name in ("ge", "gt", "le", "lt")}
    if "ge" in told and "le" in told:
        return f"{told['ge']} to {told['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return ", ".join(f"{word} {told[name]}" for name, word in words.items() if name in told)


def _lengths(found: Mapping[str, Any], unit: str) -> str:
    least, most = found.get("min_length") or None, found.get("max_length")
    if least is None:
        return "" if most is None else f"at most {_count(most, unit)}"
    if most is None:
        return f"at least {_count(least, unit)}"
    return _count(least, unit) if least == most else f"{least} to {_count(most, unit)}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _members_text(kind: type[enum.Enum]) -> str:
    """What the values of an enum are called, where they do not say so themselves."""
    if type_text(kind) == kind.__name__ or all(_letters(str(one.value)) == _letters(one.name) for one in kind):
        return ""
    return ", ".join(f"{member.value!r} is {member.name}" for member in kind)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def annotated_text(annotation: Any) -> str:
    """The description in `Annotated[str, "what it is"]` or `Annotated[str, Field(description=...)]`."""
    for extra in getattr(annotation, "__metadata__", ()):
        text = extra if isinstance(extra, str) else getattr(extra, "description", None)
        if text:
            return str(text)
    return ""


# -------------------------------------------------------------------------------------------------------- records


def forms_of(annotations: Iterable[Any]) -> tuple[Form, ...]:
    """The records that values of these annotations are or hold, each once, the outer ones first."""
    made: dict[type, Form] = {}
    waiting = [record for annotation in annotations for record in _records(annotation)]
    while waiting:
        record = waiting.pop(0)
        if record not in made:
            parts = list(record_parts(record))
            made[record] = Form(type_text(record), tuple(map(_described, parts)))
            waiting += [inner for part in parts for inner in _records(part.annotation)]
    return tuple(made.values())


def _records(annotation: Any) -> Iterator[type]:
    annotation = getattr(annotation, "__value__", annotation)  # of `type Name = ...`
    if typing.get_origin(annotation) is Annotated:
        yield from _records(typing.get_args(annotation)[0])
    elif (
        inspect.isclass(annotation)
        and typing.get_origin(annotation) is None
        and any(True for _ in names_of(annotation))
    ):
        yield annotation
    else:
        for argument in typing.get_args(annotation):
            yield from _records(argument)


def _described(part: InputPart) -> Parameter:
    return Parameter(
        name=part.key,
        alias=part.key,
        type=type_text(part.annotation),
        required=part.required,
        default="" if part.default is inspect.Parameter.empty else default_text(part.default),
        description=part.description or annotated_text(part.annotation),
        bounds=bounds_text(part.annotation),
    )


def record_parts(record: Any) -> Iterator[InputPart]:
    """The fields of a record type that a value is made of; nothing where they cannot be told."""
    documentation = "" if _is_written(record) else inspect.getdoc(record) or ""
    for part in _parts_of(record):
        _, told = parted(documentation, (part.key,)) if documentation else ("", {})
        yield part if part.description else part._replace(description=told.get(part.key, ""))


def _is_written(record: Any) -> bool:
    """Whether Python itself has written the docstring of a class."""
    return not record.__doc__ or record.__doc__.startswith(f"{record.__name__}(")


def _parts_of(record: Any) -> Iterator[InputPart]:
    empty = inspect.Parameter.empty
    if (fields := getattr(record, "__pydantic_fields__", None)) is not None:
        for key, name in names_of(record):
            info = fields[name]
            annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            default = (
                empty
                if info.is_required()
                else info.default
                if info.default_factory is None
                else _made(info.default_factory)
            )
            yield InputPart(key, annotation, default, info.is_required(), info.description or "")
        return
    try:
        hints = typing.get_type_hints(record, include_extras=True)
    except NameError:  # a forward reference to a name that is not there: the types are not known
        hints = {}
    if dataclasses.is_dataclass(record):
        for field in dataclasses.fields(record):
            if field.init:
                default = field.default if field.default is not dataclasses.MISSING else empty
                if default is empty and field.default_factory is not dataclasses.MISSING:
                    default = _made(field.default_factory)
                about = field.metadata.get("description") or ""
                yield InputPart(field.name, hints.get(field.name, Any), default, default is empty, str(about))
    elif is_typed_dict(record):
        for name, hint in hints.items():
            marked = getattr(typing.get_origin(hint), "_name", "") in ("Required", "NotRequired")
            required = name in record.__required_keys__
            if marked:
                required = getattr(typing.get_origin(hint), "_name", "") == "Required"
            yield InputPart(name, typing.get_args(hint)[0] if marked else hint, required=required)
    else:
        defaults = record._field_defaults
        for name in record._fields:
            yield InputPart(name, hints.get(name, Any), defaults.get(name, empty), name not in defaults)


def _made(factory: Callable[..., Any]) -> Any:
    return factory() if factory in (list, dict, set, tuple, str, int, float, bool) else MADE


def names_of(record: Any) -> Iterator[tuple[str, str]]:
    """The fields of a record type: each by the key that a value is made with, and its name."""
    if not inspect.isclass(record):
        return
    if (fields := getattr(record, "__pydantic_fields__", None)) is not None:
        config = getattr(record, "model_config", None) or getattr(record, "__pydantic_config__", None) or {}
        by_name = config.get("populate_by_name") or config.get("validate_by_name")
        yield from ((name if by_name else alias_of(info) or name, name) for name, info in fields.items())
    elif dataclasses.is_dataclass(record):
        yield from ((field.name, field.name) for field in dataclasses.fields(record))
    elif is_typed_dict(record):
        yield from ((name, name) for name in record.__annotations__)
    elif issubclass(record, tuple) and hasattr(record, "_fields"):
        yield from ((name, name) for name in record._fields)


# ------------------------------------------------------------------------------------------------ typed dictionaries


def usable(tool: str, annotation: Any) -> Any:
    """An annotation in which each `typing.TypedDict` is one that pydantic takes: on Python 3.11 it wants another.

    Raises:
        UsageError: one stands where it cannot be replaced.
    """
    return annotation if sys.version_info >= (3, 12) else _usable(tool, annotation, ())


def _usable(tool: str, annotation: Any, within: tuple[Any, ...]) -> Any:
    if typing.is_typeddict(annotation):
        return _typed_dict(tool, annotation, within)
    if inspect.isclass(annotation) and any(True for _ in names_of(annotation)):
        if annotation not in within and not hasattr(annotation, "__pydantic_fields__"):
            for part in _parts_of(annotation):
                if _usable(tool, part.annotation, (*within, annotation)) is not part.annotation:
                    raise _unusable(tool, annotation)
        return annotation
    arguments = typing.get_args(annotation)
    made = tuple(_usable(tool, argument, within) for argument in arguments)
    if all(new is old for new, old in zip(made, arguments, strict=True)):
        return annotation
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return Annotated[(made[0], *arguments[1:])]
    if origin in (Union, types.UnionType):
        return Union[made]  # noqa: UP007 -- there are as many as there are
    return origin[made]


def _typed_dict(tool: str, kind: Any, within: tuple[Any, ...]) -> Any:
    if kind in within:
        raise _unusable(tool, kind)
    from typing_extensions import TypedDict

    fields: dict[str, Any] = {}
    for part in _parts_of(kind):
        inner = _usable(tool, part.annotation, (*within, kind))
        fields[part.key] = Required[inner] if part.required else NotRequired[inner]
    typed_dict: Any = TypedDict  # its fields are data here, which the type checker has no words for
    made = typed_dict(kind.__name__, fields)
    made.__doc__ = kind.__doc__
    if hasattr(kind, "__pydantic_config__"):
        made.__pydantic_config__ = kind.__pydantic_config__
    return made


def _unusable(tool: str, kind: Any) -> UsageError:
    return UsageError(
        f"tool {tool}: {kind.__name__} cannot be validated on Python 3.11 with a TypedDict of `typing` in it: "
        "write `from typing_extensions import TypedDict`"
    )
