"""Whether a class, or a mark in an annotation, has code that may make a value of more than is given for it."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, Final

_WITHIN: Final = ("pydantic", "pydantic_core", "pydantic_extra_types")
_FUNCTIONS: Final = ("pydantic.functional_validators", "pydantic.experimental")
_FACTORIES: Final = frozenset({list, dict, set, frozenset, tuple, str, int, float, bool})
UNKNOWN: Final = object()
"""Stands for a default of which nobody can tell what it is."""


def is_code(mark: Any) -> bool:
    """Whether a mark in `Annotated` is a function that is asked when a value is validated."""
    module = type(mark).__module__
    if module.partition(".")[0] in _WITHIN and not module.startswith(_FUNCTIONS):
        return False
    return hasattr(mark, "__get_pydantic_core_schema__") or hasattr(mark, "__get_validators__")


def sees_others(mark: Any) -> bool:
    """Whether such a function is told of the fields or parameters before, too: it takes more than its value."""
    try:
        parameters = inspect.signature(mark.func).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return True
    needed = [p for p in parameters if p.default is p.empty or p.kind is p.VAR_POSITIONAL]
    return len(needed) > (2 if type(mark).__name__ == "WrapValidator" else 1)


def has_code(kind: Any) -> bool:
    """Whether a class has code of its own that sees a value while it is validated: validators, a `__post_init__`."""
    return isinstance(kind, type) and kind.__module__.partition(".")[0] not in _WITHIN and _has_code(kind)


def _has_code(kind: type) -> bool:
    decorators = getattr(kind, "__pydantic_decorators__", None)
    if decorators is not None and any(
        getattr(decorators, name, None)
        for name in ("validators", "field_validators", "root_validators", "model_validators")
    ):
        return True
    schema = getattr(kind, "__get_pydantic_core_schema__", None)
    return (
        bool(getattr(kind, "__pydantic_custom_init__", False))
        or not _is_within(getattr(kind, "model_post_init", None), "model_post_init", "init_private_attributes")
        or not _is_within(schema, "__get_pydantic_core_schema__")
        or (hasattr(kind, "__get_validators__") and not hasattr(kind, "__pydantic_fields__"))
        or hasattr(kind, "__post_init__")
        or (dataclasses.is_dataclass(kind) and not kind.__dataclass_params__.init)  # type: ignore[attr-defined]
        or _is_made_anew(kind)
    )


def _is_within(function: Any, *names: str) -> bool:
    """Whether a method is pydantic's own, or there is none."""
    if function is None:
        return True
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in _WITHIN and getattr(function, "__name__", "") in names


def _is_made_anew(kind: type) -> bool:
    """Whether a record class has a `__new__` of its own."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return not str(kind.__new__.__module__).startswith("namedtuple_")
    return hasattr(kind, "__dataclass_fields__") and getattr(kind, "__new__", None) is not object.__new__


def default_of(kind: Any, name: str) -> Any:
    """The default of a field of a record class, where that is the same for every value; else `UNKNOWN`."""
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__dataclass_fields__", None)
    if fields is None:
        return getattr(kind, "_field_defaults", {}).get(name, UNKNOWN)
    field = fields.get(name)
    factory = getattr(field, "default_factory", None)
    if factory is not None and factory is not dataclasses.MISSING:
        return factory() if factory in _FACTORIES else UNKNOWN
    if field is None or field.default is dataclasses.MISSING or getattr(field, "is_required", bool)():
        return UNKNOWN
    return field.default
