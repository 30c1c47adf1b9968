"""How the classes of facts are made: frozen, slotted dataclasses that cost little to make. What every event can do."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, Final, NoReturn, TypeVar, dataclass_transform

from superscalar.short import bounded

T = TypeVar("T")

_FREQUENT: Final[list[Any]] = []


class Happened:
    """What every event can do."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Write the event as JSON data, as a journal has it; `from_json` reads it.

        Raises:
            superscalar.codec.Unwritable: a value in it is an opaque handle.
        """
        made: dict[str, Any] = codec_of_events().to_json(self)
        return made


def codec_of_events() -> Any:
    """Look for what writes and reads events. It knows each of them, so it is imported when it is needed."""
    return importlib.import_module("superscalar.codec")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def fact(cls: type[T]) -> type[T]:
    """Make a frozen, slotted dataclass whose `__init__` sets the slots themselves.

    The one that `dataclass` writes goes through `object.__setattr__`, which takes twice as long.
    """
    made: Any = bounded(dataclass(frozen=True, slots=True)(cls))
    made.__init__ = _setting_slots(made)
    return made  # type: ignore[no-any-return]  # the class that was given, with slots


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frequent_fact(cls: type[T]) -> type[T]:
    """Make a slotted dataclass that type checkers have as frozen, and that is not at run time, except under `freeze`.

    For what every call makes one of: a class that refuses assignments takes more than twice as long to make. So one of
    them is never handed to somebody else's code while anybody here goes on with it.
    """
    made: Any = bounded(dataclass(slots=True, unsafe_hash=True)(cls))
    made.__getstate__ = _values_of
    made.__setstate__ = _with_values
    _FREQUENT.append(made)
    return made  # type: ignore[no-any-return]  # as above


def freeze() -> None:
    """Have every class of facts refuse assignments from now on, in this process: for tests, which would see one."""
    for made in _FREQUENT:
        made.__init__ = _setting_slots(made)
        made.__setattr__ = made.__delattr__ = _refuse


def _setting_slots(made: Any) -> Callable[..., None]:
    names: dict[str, Any] = {f"set_{f.name}": made.__dict__[f.name].__set__ for f in fields(made)}
    names |= {f"default_{f.name}": f.default for f in fields(made)}
    parameters = [f.name if f.default is MISSING else f"{f.name}=default_{f.name}" for f in fields(made)]
    body = "\n".join(f"    set_{f.name}(self, {f.name})" for f in fields(made))
    exec(f"def __init__(self, {', '.join(parameters)}):\n{body}", names)  # noqa: S102 -- our own field names
    init: Callable[..., None] = names["__init__"]
    return init


def _values_of(one: Any) -> list[Any]:
    return [getattr(one, f.name) for f in fields(one)]


def _with_values(one: Any, values: list[Any]) -> None:
    for f, value in zip(fields(one), values, strict=True):
        object.__setattr__(one, f.name, value)


def _refuse(_one: Any, name: str, *_value: Any) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")
