"""The classes whose values have parts and methods of their own (rule L24): those of dates, and `Decimal`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from superscalar.plan.evaluate import dates, decimals
from superscalar.plan.evaluate.listed import Kind, Listed

KINDS: Final[Mapping[type, Kind]] = {**dates.KINDS, Decimal: decimals.DECIMAL}
BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in KINDS.values()}
CLASSES_OF: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(dates.MODULES, dates.CLASSES),
    "decimal": decimals.ROUNDINGS | {"Decimal"},
}
"""What modules are called in other people's code, and what is theirs."""
OF_MODULES: Final = dates.CLASSES | CLASSES_OF["decimal"]


def kind_of(value: Any) -> Kind | None:
    """What is known of the class of such a value; None of any other value."""
    return KINDS.get(type(value)) or next((kind for base, kind in KINDS.items() if isinstance(value, base)), None)


def method_of_kind(value: Any, name: str) -> Listed | None:
    """The method of such a value; None if it has none of that name."""
    kind = kind_of(value)
    return None if kind is None else kind.methods.get(name)


def of_operator(operator: str, left: str, right: str) -> str:
    """The type of what an operator makes of two types, of which one is such a class; empty where it is open."""
    return dates.of_operator(operator, left, right) or decimals.of_operator(operator, left, right)
