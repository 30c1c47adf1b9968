"""`--tools`, `--agent` and `--context`: from what an option names to tools, an agent, or what tools get."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ContextDecorator,
    asynccontextmanager,
)
from typing import TYPE_CHECKING, Any, Final

from superscalar.cli.failures import CommandError
from superscalar.cli.modules import PlaceInModule, offered
from superscalar.errors import UsageError
from superscalar.tools import Limit, Tool, Toolset

if TYPE_CHECKING:
    from superscalar.compiler import LLMCompiler


def load_tools(specs: Iterable[str]) -> Toolset:
    """The tools of all `specs`, each `package.module` or `path/file.py`, with `:NAME` for one thing in it.

    NAME is a tool, a function, a Toolset or a list of these; without it, every `@tool` of the module counts. A module's
    LIMITS and SCHEMAS come along in both cases. Modules are found from the current directory, as with `python -m`.

    Raises:
        CommandError: there is nothing of that name, its code fails, or it holds no tools; the message says where.
    """
    loaded = [_load(PlaceInModule.of("--tools", spec)) for spec in specs]
    limits: dict[str, Limit] = {}
    for toolset in loaded:
        for name, limit in toolset.limits.items():
            if limits.setdefault(name, limit) != limit:
                raise CommandError(
                    f"--tools: two modules give the limit {name!r} different values ({limits[name]} and {limit}); "
                    "rename one of them"
                )
    schemas: dict[str, Any] = {}
    for toolset in loaded:
        for name, schema in toolset.named.items():
            if schemas.setdefault(name, schema) is not schema:
                raise CommandError(f"--tools: two modules have different SCHEMAS called {name!r}; rename one of them")
    try:
        return Toolset(loaded, limits=limits)
    except UsageError as error:
        raise CommandError(f"--tools: {error}") from error


def load_agent(spec: str) -> LLMCompiler:
    """The agent that `package.module:NAME` or `path/file.py:NAME` is; without a name, the only one of the module.

    Raises:
        CommandError: there is none, or there are several; the message says which.
    """
    place = PlaceInModule.of("--agent", spec)
    module = place.module()
    if place.name is not None:
        agent: LLMCompiler = place.picked(module, place.name, _is_agent, "an LLMCompiler")
        return agent
    names = offered(module, _is_agent)
    if len(names) != 1:
        has = (
            f"has {', '.join(names)}: name one, as in --agent {spec}:{names[0]}" if names else "has no LLMCompiler(...)"
        )
        raise CommandError(f"--agent {spec}: {module.__name__} {has}")
    found: LLMCompiler = getattr(module, names[0])
    return found


@asynccontextmanager
async def open_context(spec: str | None) -> AsyncIterator[Any]:
    """What the function that `--context` names returns, once; a context manager is open in here. None without one.

    Raises:
        CommandError: there is no such function, or it fails.
    """
    if spec is None:
        yield None
        return
    place = PlaceInModule.of("--context", spec)
    if place.name is None:
        raise CommandError(f"--context {spec}: name a function in it, as in --context {spec}:context")
    function = place.picked(place.module(), place.name, callable, "a function that returns the context")
    async with AsyncExitStack() as stack:
        try:
            made = function()
            made = await made if inspect.isawaitable(made) else made
            if isinstance(made, AbstractAsyncContextManager):
                made = await stack.enter_async_context(made)
            elif isinstance(made, AbstractContextManager) and isinstance(made, ContextDecorator):  # @contextmanager
                made = stack.enter_context(made)
        except Exception as error:
            raise place.broken(error, what="failed") from error
        yield made


def _load(place: PlaceInModule) -> Toolset:
    module = place.module()
    try:
        if place.name is None:
            return Toolset.from_module(module)
        value = place.picked(module, place.name, _is_tools, _TOOLS)
        return Toolset([*(value if isinstance(value, list | tuple) else [value]), Toolset.beside(module)])
    except UsageError as error:
        raise CommandError(f"{place.said}: {error}") from error


_TOOLS: Final = "a tool, a function, a Toolset or a list of these"


def _is_tools(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_tools(item) for item in value)
    return isinstance(value, Tool | Toolset) or (callable(value) and not isinstance(value, type))


def _is_agent(value: object) -> bool:
    from superscalar.compiler import LLMCompiler

    return isinstance(value, LLMCompiler)
