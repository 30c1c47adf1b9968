"""What an executor in another process or machine needs: where tools are found there, and what they raised."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Final

from superscalar import errors
from superscalar.errors import UsageError
from superscalar.short import LONGEST, cut
from superscalar.tools.context import ArgumentError, ToolCancelled
from superscalar.tools.function import Inspected, speaker_of
from superscalar.tools.tool import Tool
from superscalar.traces import Elsewhere
from superscalar.transient import is_transient, status_of

# ------------------------------------------------------------------------------------------------ where a tool is found


def address_of(tool: Tool[..., Any]) -> str:
    """Where `function_at` finds in any process what calls of a tool call: its module and its name there.

    Raises:
        UsageError: it is not found there, or another thing is: a lambda, a function in a function or in the program
            itself, a bound method, a partial.
    """
    function = tool.function
    described = tool.described
    if isinstance(described, Inspected) and described.made:
        function = inspect.unwrap(function, stop=lambda f: f is not tool.function)  # ours: the arguments are complete
    told = speaker_of(function)
    address = f"{getattr(told, '__module__', None)}:{getattr(told, '__qualname__', None)}"
    try:
        found = function_at(address)
    except (ImportError, AttributeError, ValueError):
        found = None
    if not (found is function or found is tool.function) or address.startswith("__main__:"):
        raise UsageError(
            f"tool {tool.name} cannot be called in another process, which would look for it as {address}: "
            "write it as a function of a module that can be imported, or let it run here: @tool(executor=LOCAL)"
        )
    return address


def function_at(address: str) -> Callable[..., Any]:
    """The function that is found there: of a tool, the one that it calls.

    Raises:
        ImportError, AttributeError, ValueError: nothing is.
    """
    module, _, names = address.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found.function if isinstance(found, Tool) else found


def check_sendable(tool: Tool[..., Any]) -> None:
    """See that what the tool declares to take is data, which can be sent; of what is declared as Any nothing is known.

    Raises:
        UsageError: a parameter is an object of this process.
    """
    if not isinstance(tool.described, Inspected):  # what a JSON Schema describes is data
        return
    from pydantic import ConfigDict, TypeAdapter  # it takes a tenth of a second
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

    for name, annotation in tool.described.annotations.items():
        try:
            try:
                adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
            except PydanticUserError:  # a model, which brings a configuration of its own
                adapter = TypeAdapter(annotation)
            adapter.json_schema()
        except PydanticInvalidForJsonSchema as error:
            raise UsageError(
                f"tool {tool.name} cannot be called in another process: `{name}` cannot be sent, as it is no data; "
                "give it what the object is made of, or let it run here: @tool(executor=LOCAL)"
            ) from error


# ------------------------------------------------------------------------------------------------------ what it raised

_KNOWN: Final[Mapping[str, type[BaseException]]] = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        *(kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, Exception)),
        *(errors.RateLimited, errors.NotDone, errors.NotBegun),
        *(ToolCancelled, ArgumentError, asyncio.CancelledError),
    )
}
_DEEP: Final = 8
_WAITS: Final = ("retry-after", "ratelimit", "date")


class RaisedElsewhere(Elsewhere, Exception):
    """What a tool raised in another process: an exception with the name and the text that it has there.

    It is also of the nearest class that both sides know, so that `Retry(on=...)` finds it.
    """

    def __init__(self, text: str) -> None:
        self.args = (text,)  # a class that is known here may want anything in its own `__init__`, which has run there
        self._text = text
        self.retry_after: float | str | None = None
        self.status_code: int | None = None
        self.headers: Mapping[str, str] = {}
        self.transient: bool | None = None

    def __str__(self) -> str:
        return self._text


def told_of(error: BaseException, deep: int = _DEEP) -> dict[str, Any]:
    """An exception as JSON data: its name, its text, of which kinds it is, and what says when it may be tried again."""
    try:
        text = str(error)
    except Exception as worse:  # noqa: BLE001 -- an exception of a tool may be broken too
        text = f"{type(error).__name__}, whose text raised {type(worse).__name__}"
    cause = error.__cause__
    return {
        "type": type(error).__name__,
        "text": cut(text, LONGEST),
        "kinds": [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__],
        "cause": told_of(cause, deep - 1) if isinstance(cause, Exception) and deep else None,
        "transient": is_transient(error),
        **_refusal_in(error),
    }


def _refusal_in(error: BaseException) -> dict[str, Any]:
    """What HTTP libraries have in common (see `superscalar.schedule.refusal`)."""
    try:
        response = getattr(error, "response", None)
        headers = getattr(response, "headers", None) or getattr(error, "headers", None) or {}
        return {
            "status": status_of(error),
            "headers": {str(k): str(v) for k, v in headers.items() if any(wait in str(k).lower() for wait in _WAITS)},
            "retry_after": _number(getattr(error, "retry_after", None)),
        }
    except Exception:  # noqa: BLE001 -- a property of a foreign exception may raise anything
        return {}


def _number(value: object) -> float | str | None:
    return value if isinstance(value, int | float | str) else None


def raised_elsewhere(told: Mapping[str, Any], known: Collection[type[BaseException]] = ()) -> RaisedElsewhere:
    """What `told_of` told, to be raised here. `known`: classes that it may be of too, such as a tool's `retry.classes`.

    No class is looked up by a name that came from elsewhere but in these, and in those that everybody knows. What is
    told otherwise than `told_of` does it says nothing.
    """
    kinds = [kind for kind in known if isinstance(kind, type)]  # `retry.on` may have functions too
    classes = {**{f"{kind.__module__}.{kind.__qualname__}": kind for kind in kinds}, **_KNOWN}
    error = latest = _raised(told, classes)
    cause = told.get("cause")
    for _ in range(_DEEP):
        if not isinstance(cause, Mapping):
            break
        latest.__cause__ = because = _raised(cause, classes)
        latest, cause = because, cause.get("cause")
    return error


def _raised(told: Mapping[str, Any], classes: Mapping[str, type[BaseException]]) -> RaisedElsewhere:
    """One exception, without its cause."""
    said = told.get("kinds")
    names = [kind for kind in said if isinstance(kind, str)] if isinstance(said, list) else []
    kinds = [classes[kind] for kind in names if kind in classes]
    name, text = cut(str(told.get("type") or ""), 100), cut(str(told.get("text") or ""), LONGEST)
    name = name if name and name.isprintable() else "Exception"  # of others Python makes no class
    made = (_made(name, kind, text) for kind in (*kinds, Exception))
    error = next(one for one in made if one is not None)
    status, headers, passes = told.get("status"), told.get("headers"), told.get("transient")
    error.retry_after = _number(told.get("retry_after"))
    error.status_code = status if isinstance(status, int) else None
    error.headers = dict(headers) if isinstance(headers, Mapping) else {}
    error.transient = passes if isinstance(passes, bool) else None
    return error


def _made(name: str, base: Any, text: str) -> RaisedElsewhere | None:
    try:
        return _class_of(name, base)(text)
    except TypeError:  # of a class that does not let itself be made so, such as an exception group
        return None


@lru_cache(maxsize=256)
def _class_of(name: str, base: Any) -> type[RaisedElsewhere]:
    bases = (RaisedElsewhere,) if base is Exception else (RaisedElsewhere, base)
    return type(name, bases, {"__module__": __name__})
