"""How the two forms of a tool go together: one that does something for one thing, the other for a list of them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from superscalar.errors import UsageError
from superscalar.tools.fields import MADE
from superscalar.tools.types import annotation_of, type_text

MAX_BATCH = 100
"""How many calls one request stands for at the most, where a tool says nothing."""

Parameters = tuple[inspect.Parameter, ...]


def matched(single: tuple[str, Parameters], many: tuple[str, Parameters], over: str | None) -> tuple[str, str]:
    """The parameter of the single form that becomes a list, and the name of that list in the batched form.

    The two have the same parameters but for that one, found by its name or, if that is the same too, by its type.

    Raises:
        UsageError: they do not fit together, or `over` is needed to tell.
    """
    name, ones = single[0], {p.name: p for p in single[1]}
    batch, lists = many[0], {p.name: p for p in many[1]}
    gone, new = [n for n in ones if n not in lists], [n for n in lists if n not in ones]
    pairs = list(zip(gone, new, strict=True)) if len(gone) == len(new) == 1 else []
    if not gone and not new:
        pairs = [(n, n) for n in ones if (n == over if over else _lists(lists[n], ones[n]))]
    if over and over not in ones:
        raise UsageError(f"tool {name}: over={over!r}, but its parameters are {', '.join(ones) or 'none'}")
    if len(pairs) != 1 or (over and pairs[0][0] != over):
        chosen = ones[over] if over else next(iter(ones.values()), None)
        hint = "" if chosen is None else f"; write `def {batch}({_written(chosen, ones)})`"
        raise UsageError(
            f"tool {name}: its batched form {batch} must have the same parameters, but for one that is a list{hint}"
            + ('; say which with over="..."' if len(pairs) > 1 else "")
        )
    ((one, many_name),) = pairs
    if annotation_of(lists[many_name]) is not Any and not _is_list(lists[many_name]):
        raise UsageError(
            f"tool {name}: `{many_name}` of its batched form {batch} stands for many `{one}`; annotate it as a list"
        )
    return one, many_name


def _lists(many: inspect.Parameter, one: inspect.Parameter) -> bool:
    """Whether the one is annotated as a list of what the other is."""
    members = typing.get_args(_bare(annotation_of(many)))
    return _is_list(many) and members[:1] == (_bare(annotation_of(one)),)


def _is_list(parameter: inspect.Parameter) -> bool:
    annotation = _bare(annotation_of(parameter))
    kind = typing.get_origin(annotation) or annotation
    return inspect.isclass(kind) and issubclass(list, kind)


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _written(over: inspect.Parameter, parameters: Mapping[str, inspect.Parameter]) -> str:
    """The parameters that the batched form should have."""
    return ", ".join(f"{n}_list: list[{type_text(p.annotation)}]" if p is over else n for n, p in parameters.items())


def defaults_of(parameters: Iterable[inspect.Parameter]) -> dict[str, Any]:
    """The arguments that a call may leave out, and what they are then."""
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.default is not MADE}
