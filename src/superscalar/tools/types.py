"""Python annotations as a plan's reader sees them: short text, and the fields of what a tool returns (rule L32)."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union

from superscalar.plan.evaluate.narrow import EACH, Shape
from superscalar.plan.ir.naming import field_aliases
from superscalar.plan.ir.signatures import Output


def annotation_of(parameter: inspect.Parameter) -> Any:
    """A parameter's annotation; Any where it has none."""
    return Any if parameter.annotation is parameter.empty else parameter.annotation


def type_text(annotation: Any) -> str:
    """An annotation as short source text: `list[str] | None`, `Literal['a', 'b']`, `Invoice`."""
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is inspect.Parameter.empty:
        return "Any"
    if isinstance(annotation, str):
        return annotation
    if inspect.isclass(annotation) and issubclass(annotation, enum.Enum):
        return _enum_text(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_text(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(type_text(a) for a in arguments)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and arguments:
        inner = ", ".join("..." if a is Ellipsis else type_text(a) for a in arguments if not isinstance(a, list))
        return f"{getattr(origin, '__name__', str(origin))}[{inner}]"
    return getattr(annotation, "__name__", None) or str(annotation).removeprefix("typing.")


def _enum_text(kind: type[enum.Enum]) -> str:
    """An enum as what its members equal in a plan (rule L24); its name where a plan has no words for that."""
    values = [member.value for member in kind]
    if not values or issubclass(kind, enum.Flag) or not all(type(one) in (str, int, float, bool) for one in values):
        return kind.__name__
    return f"Literal[{', '.join(map(repr, values))}]"


def is_typed_dict(annotation: Any) -> bool:
    """Whether it is a `TypedDict`, of `typing` or of `typing_extensions`."""
    return inspect.isclass(annotation) and issubclass(annotation, dict) and hasattr(annotation, "__required_keys__")


def output_of(annotation: Any, depth: int = 4) -> Output:
    """What is known of a result from its return annotation; nothing where it says nothing."""
    if annotation is inspect.Signature.empty or annotation is Any or depth == 0:
        return Output(type_text(annotation), annotated=True)
    if typing.get_origin(annotation) is typing.Annotated:
        return output_of(typing.get_args(annotation)[0], depth)
    hints = dict(_field_types(annotation))
    if hints:
        fields: Mapping[str, Output] = {name: output_of(hint, depth - 1) for name, hint in hints.items()}
        closed = not is_typed_dict(annotation)
        return Output(type_text(annotation), fields, closed=closed, aliases=field_aliases(fields), annotated=True)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (list, set, frozenset) and arguments:
        return Output(type_text(annotation), items=output_of(arguments[0], depth - 1), annotated=True)
    return Output(type_text(annotation), annotated=True, members=_members(annotation))


def _members(annotation: Any) -> dict[str, Any]:
    """The members of an enum whose values a plan can write, or of one that may be None."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        others = [member for member in typing.get_args(annotation) if member is not type(None)]
        return _members(others[0]) if len(others) == 1 else {}
    if not inspect.isclass(annotation) or not issubclass(annotation, enum.Enum):
        return {}
    return {member.name: member.value for member in annotation} if type_text(annotation) != annotation.__name__ else {}


def shape_of(annotation: Any, depth: int = 4) -> Shape:
    """What an annotation says of a value: the members of an enum are those that its class has now."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return shape_of(arguments[0], depth)
    if origin is typing.Literal:
        return _constants(arguments)
    if annotation is type(None):
        return (None,)
    if origin in (Union, types.UnionType):
        shapes = [shape_of(member, depth) for member in arguments]
        records = [shape for shape in shapes if isinstance(shape, Mapping)]
        constants = [one for shape in shapes if isinstance(shape, tuple) for one in shape]
        return records[0] if len(records) == 1 else tuple(constants) or None
    if inspect.isclass(annotation) and issubclass(annotation, enum.Enum):
        return _constants(annotation)
    if origin in (list, tuple) and len(arguments) - (Ellipsis in arguments) == 1:
        each = shape_of(arguments[0], depth - 1) if depth else None
        return None if each is None else {EACH: each}
    hints = dict(_field_types(annotation)) if depth else {}
    return {name: shape_of(hint, depth - 1) for name, hint in hints.items()} or None


def constants_in(shape: Shape) -> Shape:
    """The same if there is a constant in it that says more than that there is nothing; else None."""
    if isinstance(shape, Mapping):
        return shape if any(constants_in(part) for part in shape.values()) else None
    return shape if any(one is not None for one in shape or ()) else None


def _constants(given: Iterable[Any]) -> Shape:
    values = tuple(one.value if isinstance(one, enum.Enum) else one for one in given)
    return values if all(one is None or type(one) in (str, int, bool) for one in values) else None


def _field_types(annotation: Any) -> Iterator[tuple[str, Any]]:
    if not inspect.isclass(annotation):
        return
    if pydantic_fields := getattr(annotation, "__pydantic_fields__", None):
        yield from ((name, field.annotation) for name, field in pydantic_fields.items())
    elif dataclasses.is_dataclass(annotation) or is_typed_dict(annotation) or hasattr(annotation, "_fields"):
        try:
            hints = typing.get_type_hints(annotation)
        except NameError:  # a forward reference to a name that is not there: nothing is known of the fields
            return
        names = (
            [field.name for field in dataclasses.fields(annotation)]
            if dataclasses.is_dataclass(annotation)
            else getattr(annotation, "_fields", tuple(hints))
        )
        yield from ((name, hints.get(name, Any)) for name in names)
