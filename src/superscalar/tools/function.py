"""A tool as a Python function describes it: by its signature, its annotations and its docstring."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from superscalar.errors import UsageError
from superscalar.forks import MAKING
from superscalar.plan.evaluate.table import TAKEN
from superscalar.plan.ir.naming import identifier
from superscalar.plan.ir.signatures import Parameter
from superscalar.tools.context import ToolContext
from superscalar.tools.described import Arguments, Check, Described, as_it_is
from superscalar.tools.docstrings import parted
from superscalar.tools.fields import Stated, stated
from superscalar.tools.inputs import annotated_text, bounds_text, default_text, forms_of, usable
from superscalar.tools.marks import check_unmarked, places_of
from superscalar.tools.secret import Secrets
from superscalar.tools.types import annotation_of, constants_in, output_of, shape_of, type_text
from superscalar.weight import Portions


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected(Described):
    """A tool as a Python function says it: by its signature and its docstring.

    `taken`: its parameters with evaluated annotations, without the one for a ToolContext. `made`: what makes the
    defaults that Python does not fill in.
    """

    taken: tuple[inspect.Parameter, ...]
    made: Mapping[str, Callable[[], Any]]

    def validator(self, secrets: Secrets, completed: Check) -> Check:
        """Its annotations, by pydantic."""
        from superscalar.tools import validation  # pydantic takes a tenth of a second: not before a call is made

        return validation.validator(self.name, self.alias, self.taken, secrets, completed)

    def portioned(self, secrets: Secrets) -> Callable[[Arguments], Portions[Arguments]]:
        """Likewise, in portions."""
        from superscalar.tools import validation  # as above

        return validation.portioned(self.name, self.alias, self.taken, secrets)

    def part(self, names: Collection[str]) -> Check:
        """Likewise, for some parameters."""
        from superscalar.tools import validation  # as above

        return validation.validator(self.name, self.alias, tuple(p for p in self.taken if p.name in names))

    def schema(self) -> dict[str, Any]:
        """What pydantic makes of its annotations."""
        from superscalar.tools import schema  # as above

        return schema.schema_of(self.name, self.alias, self.taken, self.parameters)


def speaker_of(function: Callable[..., Any]) -> Callable[..., Any]:
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


def inspected(function: Callable[..., Any], name: str | None = None) -> Inspected:
    """What a function says of itself as a tool; `name`, if it is not to have its own.

    Raises:
        UsageError: it is no function that returns its result, or what it says cannot be read, or a planner cannot be
            told of it.
    """
    told = speaker_of(function)
    name = name or getattr(told, "__name__", None) or type(told).__name__
    check_returns(name, function)
    try:
        signature = inspect.signature(function, eval_str=True)
    except (NameError, TypeError, ValueError, SyntaxError) as error:
        raise UsageError(
            f"tool {name}: its signature cannot be read ({error}); import the names that its annotations use"
        ) from error
    found: list[Stated] = []
    context = None
    for parameter in signature.parameters.values():
        if wants_context(parameter):
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
    check_unmarked(name, signature.return_annotation)
    taken = tuple(one.parameter for one in found)
    aliases = _aliases(found)
    made = {one.parameter.name: one.default for one in found if one.default is not None}
    annotations = {p.name: annotation_of(p) for p in taken}
    shapes = {name: constants_in(shape_of(annotation)) for name, annotation in annotations.items()}
    description, said = parted(documentation_of(told), tuple(signature.parameters))
    return Inspected(
        name=name,
        alias=identifier(name, TAKEN),
        description=description,
        parameters=tuple(_described(p, aliases[p.name], said.get(p.name, "")) for p in taken),
        output=output_of(signature.return_annotation),
        annotations=annotations,
        places={p.name: places_of(name, p, aliases[p.name]) for p in taken},
        shapes={name: shape for name, shape in shapes.items() if shape},
        results=constants_in(shape_of(signature.return_annotation)),
        forms=forms_of(annotations.values()),
        defaults={p.name: partial(as_it_is, p.default) for p in taken if p.default is not p.empty} | made,
        anew=frozenset(one.parameter.name for one in found if one.anew),
        context=context,
        module=getattr(told, "__module__", None) or "",
        taken=taken,
        made=made,
    )


def check_returns(name: str, function: Callable[..., Any]) -> None:
    """See that it is a function that returns its result.

    Raises:
        UsageError: it is none.
    """
    if not callable(function):
        raise UsageError(f"@tool is put on a function, not on {function!r}; write @tool(name={function!r}) above it")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function) or inspect.isclass(function):
        raise UsageError(f"tool {name} must be a function that returns its result, not a generator or a class")


def wants_context(parameter: inspect.Parameter) -> bool:
    """Whether a function gets a ToolContext for a parameter."""
    return (typing.get_origin(parameter.annotation) or parameter.annotation) is ToolContext


def is_async(function: Callable[..., Any]) -> bool:
    """Whether what it returns is to be awaited: of an object, what its `__call__` returns."""
    called = getattr(function, "__call__", None)  # noqa: B004 -- an object whose __call__ is async is an async tool
    return any(map(inspect.iscoroutinefunction, (function, inspect.unwrap(speaker_of(function)), called)))


def _described(parameter: inspect.Parameter, alias: str, said: str) -> Parameter:
    annotation = annotation_of(parameter)
    rejects: list[Callable[[Any], str | None]] = []

    def reject(constant: Any) -> str | None:
        if not rejects:  # built when first asked: most tools of a large set are never planned with
            with MAKING:
                from superscalar.tools import validation

                rejects.append(validation.rejecter(annotation))
        return rejects[0](constant)

    return Parameter(
        name=parameter.name,
        alias=alias,
        type=type_text(annotation),
        required=parameter.default is parameter.empty,
        default="" if parameter.default is parameter.empty else default_text(parameter.default),
        description=annotated_text(annotation) or said,
        keyword_only=parameter.kind is parameter.KEYWORD_ONLY,
        bounds=bounds_text(annotation),
        annotated=True,
        reject=reject,
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
