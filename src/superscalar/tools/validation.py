"""Arguments against annotations, by pydantic. Imported when the first call is made or checked."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NotRequired, Required

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from superscalar.errors import UsageError
from superscalar.plan.evaluate.json_text import looks_like_json
from superscalar.short import cut
from superscalar.tools.context import ArgumentError
from superscalar.tools.secret import NONE, Secrets, lost, refuse_lost, without
from superscalar.tools.types import annotation_of
from superscalar.values import WITHHELD, fields_of_records, holds_record, twin_of
from superscalar.weight import PORTION, Portions, at_once


def validator(
    tool: str,
    alias: str,
    parameters: tuple[inspect.Parameter, ...],
    secrets: Secrets = NONE,
    completed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that takes arguments by name and returns them as the annotations want them.

    It raises `ArgumentError`, which names every argument that does not fit and why, and shows it if it is no secret.
    Arguments that are what the annotations want already, as nearly all are, come back as the mapping that they came in.
    `completed` is given what fits, where something is left out.

    Raises:
        UsageError: an annotation is nothing that can be validated.
    """
    checking = portioned(tool, alias, parameters, secrets)
    exact = {
        p.name: (place, types, int(p.default is p.empty))
        for place, p in enumerate(parameters)
        if (types := _exact(annotation_of(p)))
    }
    count = len(parameters)
    needed = sum(p.default is p.empty for p in parameters)

    def validate(arguments: dict[str, Any]) -> dict[str, Any]:
        if secrets:
            refuse_lost(tool, arguments, secrets)
        last, missing = -1, needed
        for name, value in arguments.items():
            place, types, is_needed = exact.get(name, _NONE)
            kind = type(value)
            if place <= last or kind not in types or (kind is str and not value.isascii()):
                break
            last = place
            missing -= is_needed
        else:
            if not missing:
                return arguments if len(arguments) == count else completed(arguments)
        found = at_once(checking(arguments))
        return found if len(found) == count else completed(found)

    return validate


def portioned(
    tool: str, alias: str, parameters: tuple[inspect.Parameter, ...], secrets: Secrets = NONE
) -> Callable[[dict[str, Any]], Portions[dict[str, Any]]]:
    """As `validator`, in portions: a list whose annotation says of its items alone what they are is checked so.

    Nothing is filled in that is left out, and what comes back is never the mapping that came in. What pydantic is given
    at once (models, other collections, lists with a length or a validator of their own) is one portion.
    """
    adapter = adapter_of(tool, alias, parameters)
    is_lazy = _is_lazy(adapter.core_schema)
    places = {p.name: place for place, p in enumerate(parameters)}
    itemwise = {} if is_lazy else {p.name: p for p in parameters if typing.get_origin(annotation_of(p)) is list}
    adapters: dict[str, TypeAdapter[Any]] = {}

    def checking(arguments: dict[str, Any]) -> Portions[dict[str, Any]]:
        refuse_lost(tool, arguments, secrets)
        for name, value in arguments.items():
            if value is WITHHELD:
                raise ArgumentError(lost(tool, name))
        try:
            return (yield from fitting(arguments))
        except _Misfit as misfit:
            refused = {str(place) for e in misfit.errors for place in e["loc"][:1]}
            if not any(holds_record(arguments.get(name)) for name in refused):
                raise ArgumentError(_sentences(tool, misfit.errors, secrets)) from None
        # Read back from a journal, a record has its fields and no class: it becomes one of the class asked for.
        again = {name: fields_of_records(given) if name in refused else given for name, given in arguments.items()}
        try:
            return (yield from fitting(again, by_alias=True, by_name=True))
        except _Misfit as misfit:
            raise ArgumentError(_sentences(tool, misfit.errors, secrets)) from None

    def fitting(arguments: dict[str, Any], **by: Any) -> Portions[dict[str, Any]]:
        long = [name for name in itemwise if type(given := arguments.get(name)) is list and len(given) > PORTION]
        if not long:
            return fitted(adapter, arguments, by)
        errors: list[Mapping[str, Any]] = []
        found: dict[str, Any] = {}
        try:
            found = fitted(adapter, {**arguments, **{name: arguments[name][:PORTION] for name in long}}, by)
        except _Misfit as misfit:
            errors += misfit.errors
        for name in long:
            if name not in adapters:
                adapters[name] = adapter_of(tool, alias, (itemwise[name],))
            for start in range(PORTION, len(arguments[name]), PORTION):
                yield
                try:
                    some = fitted(adapters[name], {name: arguments[name][start : start + PORTION]}, by)
                except _Misfit as misfit:
                    errors += (_moved(error, start) for error in misfit.errors)
                else:
                    if not errors:
                        found[name] += some[name]
        if errors:
            raise _Misfit(sorted(errors, key=lambda error: places.get(error["loc"][0], len(places))))
        return found

    def fitted(adapter: TypeAdapter[Any], arguments: dict[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = adapter.validator.validate_python(arguments, **by)
            return {name: _gone_through(name, value) for name, value in found.items()} if is_lazy else found
        except ValidationError as error:
            raise _Misfit(error.errors(include_url=False)) from None
        except (_Misfit, RecursionError):
            raise
        except Exception as error:  # a validator is the tool's own code, and may raise anything
            raise _broken(error, arguments) from error

    def _broken(error: Exception, arguments: dict[str, Any]) -> ArgumentError:
        said = without(_told(error), arguments, secrets)
        return ArgumentError(f"{tool}(): checking the arguments raised {said}")

    return checking


def _moved(error: Mapping[str, Any], start: int) -> Mapping[str, Any]:
    """An error in a part of a list, where it stands in the whole."""
    name, place, *further = error["loc"]
    return {**error, "loc": (name, place + start, *further)}


class _Misfit(Exception):
    """Arguments do not fit; `errors` as pydantic tells them, each with where it stands from the argument on."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        self.errors = errors


def _gone_through(name: str, value: Any) -> Any:
    """What was checked, to its last item: of an `Iterable` pydantic checks each when it is taken, and gives it once.

    So it is taken now, wherever in an argument it stands: whoever looks at the call sees the same.
    """
    try:
        return twin_of(value)
    except ValidationError as error:
        raise _Misfit([{**e, "loc": (name, *e["loc"])} for e in error.errors(include_url=False)]) from None


def _is_lazy(schema: Any) -> bool:
    """Whether what pydantic makes by a schema may hold what it checks later only."""
    if isinstance(schema, Mapping):
        inner = (part for key, part in schema.items() if key not in ("default", "metadata"))
        return schema.get("type") == "generator" or any(map(_is_lazy, inner))
    return isinstance(schema, list | tuple) and any(map(_is_lazy, schema))


_NONE: tuple[int, frozenset[type], int] = -1, frozenset(), 0
_PLAIN: frozenset[Any] = frozenset({bool, int, float, str, types.NoneType})


def _exact(annotation: Any) -> frozenset[type]:
    """The types of which pydantic returns every value as it is, under this annotation; none where it may do more.

    Text is among them only as far as it is ASCII: what cannot be encoded is refused.
    """
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if union else (types.NoneType if annotation is None else annotation,)
    return frozenset(members) if all(isinstance(m, type) and m in _PLAIN for m in members) else frozenset()


def adapter_of(tool: str, alias: str, parameters: tuple[inspect.Parameter, ...]) -> TypeAdapter[Any]:
    """What pydantic knows of a tool's arguments by name, nothing else allowed.

    Raises:
        UsageError: an annotation is nothing that can be validated.
    """
    fields = tuple((p.name, annotation_of(p), p.default is p.empty) for p in parameters)
    try:
        make = _adapter_of_fields if all(_is_common(annotation) for _, annotation, _ in fields) else _made_of_fields
        return make(f"{alias}_arguments", fields)
    except PydanticUserError as error:
        raise UsageError(f"tool {tool} has a parameter that cannot be validated: {error}") from error


def _made_of_fields(name: str, fields: tuple[tuple[str, Any, bool], ...]) -> TypeAdapter[Any]:
    # A TypedDict costs a microsecond a call, a model three: nothing but the checked values is wanted.
    typed_dict: Any = TypedDict  # its fields are data here, which the type checker has no words for
    shape = typed_dict(name, {field: (Required if needed else NotRequired)[type_] for field, type_, needed in fields})
    shape.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return TypeAdapter(shape)


def _made_of_one(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=_config_for(annotation))


def _is_common(annotation: Any) -> bool:
    """Whether what pydantic makes of an annotation is kept: for those of which a program has many, and no class of its
    own, which would be kept with it."""
    return annotation is Any or (type(annotation) is type and (annotation in _PLAIN or annotation is object))


# It takes pydantic a millisecond, and whoever makes tools for each request makes the same ones again and again.
_adapter_of_fields = lru_cache(1_000)(_made_of_fields)
_adapter_of_one = lru_cache(_made_of_one)


def rejecter(annotation: Any) -> Callable[[Any], str | None]:
    """A function that says why a constant is no value of this type, or returns None."""
    adapter = (_adapter_of_one if _is_common(annotation) else _made_of_one)(annotation)

    def reject(constant: Any) -> str | None:
        try:
            adapter.validate_python(constant)
        except ValidationError as error:
            return "; ".join(_located(e) for e in error.errors(include_url=False))
        except Exception as error:  # noqa: BLE001 -- a validator is the tool's own code, and may raise anything
            return f"checking it raised {_told(error)}"
        return None

    return reject


def _told(error: Exception) -> str:
    try:
        return repr(error)
    except Exception as worse:  # noqa: BLE001 -- and so may what it raises, when it is shown
        return f"{type(error).__name__}, whose repr raised {type(worse).__name__}"


def _located(error: Mapping[str, Any]) -> str:
    """What is wrong with a constant, and where in it."""
    place = "".join(f"[{part!r}]" for part in error["loc"])
    return f"{error['msg']}, at {place}" if place else str(error["msg"])


def _config_for(annotation: Any) -> ConfigDict | None:
    """Models, dataclasses and typed dicts carry their own configuration, and pydantic refuses a second one."""
    try:
        TypeAdapter(annotation)
    except PydanticUserError:
        return ConfigDict(arbitrary_types_allowed=True)
    return None


_WANTS_DATA = frozenset(
    "list_type tuple_type set_type frozen_set_type dict_type mapping_type model_type model_attributes_type "
    "dataclass_type dataclass_exact_type".split()
)


def _sentences(tool: str, errors: Sequence[Mapping[str, Any]], secrets: Collection[str]) -> str:
    return "; ".join(_sentence(tool, e, secrets) for e in errors)


def _sentence(tool: str, error: Mapping[str, Any], secrets: Collection[str]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    try:
        given = repr(WITHHELD if error["loc"] and error["loc"][0] in secrets else error["input"])
    except Exception:  # noqa: BLE001 -- of a number with thousands of digits there is no text, and a handle may be broken
        given = f"this {type(error['input']).__name__}"
    match error["type"]:
        case "missing":
            return f"{tool}() needs `{place}`"
        case "extra_forbidden":
            return f"{tool}() has no parameter `{place}`"
        case _:
            way_out = ""
            if error["type"] in _WANTS_DATA and looks_like_json(error["input"]) and error["loc"][0] not in secrets:
                way_out = "; if that is JSON, write parse_json(...) around it in the plan"
            return f"{tool}(): `{place}`: {error['msg']}, not {cut(given, 80)}{way_out}"
