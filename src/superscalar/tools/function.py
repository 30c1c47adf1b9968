"""A function as a tool is made of it: its parameters under the names that plans use, and what it returns."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from superscalar.errors import UsageError
from superscalar.plan.ir.naming import identifier
from superscalar.tools.context import ToolContext
from superscalar.tools.fields import Stated, stated
from superscalar.tools.inputs import usable
from superscalar.tools.types import annotation_of


class Inspected(NamedTuple):
    """A function's parameters with evaluated annotations, the one that wants a ToolContext, and the return type.

    `aliases`: what plans call each of them. `defaults`: what makes the values that Python does not fill in, and `anew`
    the parameters that may get another one for every call. `names` has those of all its parameters.
    """

    parameters: tuple[inspect.Parameter, ...]
    context: str | None
    returns: Any
    aliases: Mapping[str, str]
    defaults: Mapping[str, Callable[[], Any]]
    anew: frozenset[str]
    names: tuple[str, ...]


def told_by(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that says what a tool is called and does: of a partial, the one that it wraps."""
    while isinstance(function, partial):
        function = function.func
    return function


def documentation_of(function: Callable[..., Any]) -> str:
    """The docstring of what a tool is made of; of a method that has none, that of the one it overrides."""
    if not inspect.ismethod(function):
        return (
            inspect.cleandoc(function.__doc__ or "") if inspect.isfunction(function) else inspect.getdoc(function) or ""
        )
    # Python's own search asks the class for the method, which makes a tool of it, which asks for the docstring.
    owner = function.__self__ if inspect.isclass(function.__self__) else type(function.__self__)
    overridden = (vars(base).get(function.__name__) for base in owner.__mro__)
    found = (one.__doc__ for one in (function, *filter(inspect.isfunction, overridden)))
    return inspect.cleandoc(next(filter(None, found), ""))


def inspected(name: str, function: Callable[..., Any]) -> Inspected:
    """What a function says of its parameters and its result.

    Raises:
        UsageError: that cannot be read, or a planner cannot be told of it.
    """
    try:
        signature = inspect.signature(function, eval_str=True)
    except (NameError, TypeError, ValueError, SyntaxError) as error:
        raise UsageError(
            f"tool {name}: its signature cannot be read ({error}); import the names that its annotations use"
        ) from error
    found: list[Stated] = []
    context = None
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if (typing.get_origin(annotation) or annotation) is ToolContext:
            context = parameter.name
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise UsageError(
                f"tool {name}: parameter {parameter} cannot be described to a planner; "
                f"write each parameter by name, such as `def {name}(items: list[str])`"
            )
        else:
            one = stated(name, parameter)
            annotation = usable(name, annotation_of(one.parameter))
            found.append(one._replace(parameter=one.parameter.replace(annotation=annotation)))
    return Inspected(
        tuple(one.parameter for one in found),
        context,
        signature.return_annotation,
        _aliases(found),
        {one.parameter.name: one.default for one in found if one.default is not None},
        frozenset(one.parameter.name for one in found if one.anew),
        tuple(signature.parameters),
    )


def _aliases(found: list[Stated]) -> dict[str, str]:
    """The identifier that plans use for each parameter: of the name that `Field` gives it, if no other has that."""
    own = {one.parameter.name: identifier(one.parameter.name) for one in found}
    taken = set(own.values())
    for one in found:
        alias = identifier(one.alias) if one.alias else ""
        if alias and alias not in taken:
            own[one.parameter.name] = alias
            taken.add(alias)
    return own
