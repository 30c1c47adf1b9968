"""Pydantic's `Field` in a signature: what it says of a parameter. Pydantic is not imported to look for it."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Final, NamedTuple

from superscalar.errors import UsageError
from superscalar.tools.types import annotation_of


class MadeDefault:
    """The default of a parameter for which there is one made for every call: it is no value."""

    def __repr__(self) -> str:
        return "..."


MADE: Final = MadeDefault()
_SIMPLE: Final = frozenset({list, dict, set, tuple, str, int, float, bool})


class Stated(NamedTuple):
    """A parameter without a `Field` for its default: that is in the annotation now, as far as it says what is valid.

    `alias`: what callers are to call it, if it says so. `default`: makes what a call gets that leaves it out; None
    where Python does that. `anew`: it may make another one for every call.
    """

    parameter: inspect.Parameter
    alias: str = ""
    default: Callable[[], Any] | None = None
    anew: bool = False


def field_info(value: Any) -> Any:
    """`value`, if it is what pydantic's `Field` returns; else None."""
    fields = sys.modules.get("pydantic.fields")  # where nobody has imported it, nothing is one
    return value if fields is not None and isinstance(value, fields.FieldInfo) else None


def stated(tool: str, parameter: inspect.Parameter) -> Stated:
    """What `Field` says of a parameter, as its default or in `Annotated`.

    Raises:
        UsageError: its default is made of other fields, of which a function has none.
    """
    annotation = annotation_of(parameter)
    if _names_field(annotation):
        annotation = annotation.__value__
    marks = getattr(annotation, "__metadata__", ())
    infos = [info for mark in (*marks, parameter.default) if (info := field_info(mark)) is not None]
    aliases = [alias for info in infos if (alias := alias_of(info))]
    given = [info for info in infos if not info.is_required()]
    own = field_info(parameter.default)
    if own is None and not aliases and not given:
        return Stated(parameter)
    bare = typing.get_args(annotation)[0] if marks else annotation
    kept = [mark for mark in marks if field_info(mark) is None]
    kept += [part for info in infos for part in (*info.metadata, _described(info)) if part is not None]
    plain = parameter.replace(annotation=Annotated[(bare, *kept)] if kept else bare)
    alias = aliases[-1] if aliases else ""
    if own is None and parameter.default is not parameter.empty:
        return Stated(plain, alias)
    if not given:
        return Stated(plain.replace(default=parameter.empty), alias)
    info = given[-1]
    factory = info.default_factory
    if factory is not None and info.default_factory_takes_validated_data:
        raise UsageError(f"tool {tool}: the default_factory of `{parameter.name}` takes no arguments here")
    shown = info.default if factory is None else factory() if factory in _SIMPLE else MADE
    return Stated(
        plain.replace(default=shown), alias, lambda: info.get_default(call_default_factory=True), factory is not None
    )


def _names_field(annotation: Any) -> bool:
    """Whether it is a name for an annotation with a `Field`: `type From = Annotated[str, Field(alias="from")]`."""
    marks = getattr(getattr(annotation, "__value__", None), "__metadata__", ())
    return any(field_info(mark) is not None for mark in marks)


def alias_of(info: Any) -> str:
    """The name under which a `Field` wants its value; empty where it names none, or a path."""
    wanted = info.validation_alias if info.validation_alias is not None else info.alias
    choices = getattr(wanted, "choices", None)
    first = choices[0] if choices else wanted
    return first if isinstance(first, str) else ""


def _described(info: Any) -> Any:
    """What a `Field` says besides name and default: its text, and how the members of a union are told apart."""
    said = {name: getattr(info, name) for name in ("description", "discriminator", "examples", "json_schema_extra")}
    told = {name: value for name, value in said.items() if value is not None}
    return type(info)(**told) if told else None


def with_defaults(function: Callable[..., Any], defaults: Mapping[str, Callable[[], Any]]) -> Callable[..., Any]:
    """A function that gets these defaults where a call leaves them out; Python would hand it the `Field` itself."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind_partial(*args, **kwargs).arguments
        return function(*args, **kwargs, **{name: make() for name, make in defaults.items() if name not in given})

    return call
