"""From command-line options to a compiler: one that is made of them, or an agent of the user's under them."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from superscalar.tools import Toolset

if TYPE_CHECKING:
    from superscalar.cli.servers import Contact
    from superscalar.cli.session import Stream
    from superscalar.compiler import LLMCompiler
    from superscalar.compiler.approval import Approve
    from superscalar.events import Event

_BETWEEN_MODELS: Final = re.compile(r"\s*,\s*(?=[\w.-]+:|local\s*(?:,|$))")


@dataclass(frozen=True, slots=True)
class CommandSource:
    """Where a command has from what it runs: `tools`, or an `agent`; and the `context` of its tools.

    `mcp`: files with MCP servers, and `trust` the servers there whose hints are believed.
    `typed` has the names of the options that stand on the command line: what the environment says, or is usual, makes
    way for what the agent has.
    """

    tools: Sequence[str] = ()
    agent: str | None = None
    context: str | None = None
    journal: Path | None = None
    typed: frozenset[str] = frozenset()
    mcp: Sequence[Path] = ()
    trust: Sequence[str] = ()

    def checked(self) -> CommandSource:
        """Itself.

        Raises:
            CommandError: it names nothing, or both.
        """
        from superscalar.cli.failures import CommandError

        beside = "--tools" if self.tools else "--mcp" if self.mcp else "--trust" if self.trust else ""
        if self.agent is not None and beside:
            raise CommandError(f"--agent brings its own tools: leave out {beside}, or add them to the agent")
        if self.agent is None and not self.names_tools:
            raise CommandError(
                "say where the tools are: --tools FILE.py, --mcp FILE.json, or --agent FILE.py:NAME for a whole agent"
            )
        if self.trust and not self.mcp:
            raise CommandError("--trust is said of a server of --mcp: add --mcp FILE.json")
        return self

    @property
    def names_tools(self) -> bool:
        """Whether it says where tools are."""
        return bool(self.tools or self.mcp)

    def found_from(self, folder: Path) -> CommandSource:
        """What was said in a folder, for the one where this process is."""
        agent, context = (spec and _found_from(folder, spec) for spec in (self.agent, self.context))
        tools = [_found_from(folder, spec) for spec in self.tools]
        return replace(self, tools=tools, agent=agent, context=context, mcp=[folder / file for file in self.mcp])

    @property
    def named(self) -> dict[str, Any]:
        """The same as it is remembered with a run, and read again by `remembered`."""
        mcp = {"mcp": list(map(str, self.mcp)), "trust": list(self.trust)}
        said = {"tools": list(self.tools), "agent": self.agent, "context": self.context, **mcp}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class OpenedCompiler:
    """The compiler of a command, with the path of its journal, and how its streams get their context."""

    compiler: LLMCompiler
    journal: Path | None
    context: str | None

    def streamed(self, stream: Callable[..., Stream], deadline: float | None) -> Stream:
        """A stream of the compiler's, called when its tools are known, and with the context if there is one.

        `deadline`: seconds that there are for that, and for the run, which is told how many are left.
        """
        if self.context is None and not self.compiler.is_live:
            return stream(deadline=deadline)
        return WhenOpen(self.compiler, self.context, stream, deadline)

    def with_tools(self) -> LLMCompiler:
        """The compiler, which knows the tools that are there now."""
        from superscalar.compiler.sync import run_to_end

        async def listed() -> None:
            async with self.compiler.opened():
                pass

        if self.compiler.is_live:
            run_to_end(listed)
        return self.compiler


class WhenOpen:
    """A stream that is opened when the tools of its run are, and what `--context` names: they are as long as it is.

    The run gets what that function returns as its context.
    """

    def __init__(
        self, compiler: LLMCompiler, spec: str | None, open_stream: Callable[..., Stream], deadline: float | None
    ) -> None:
        self._compiler = compiler
        self._spec = spec
        self._open_stream = open_stream
        self._deadline = deadline
        self._stack = AsyncExitStack()
        self._stream: Stream | None = None

    async def __aenter__(self) -> WhenOpen:
        import asyncio

        from superscalar.cli.loading import open_context

        async with AsyncExitStack() as stack:
            now = asyncio.get_running_loop().time
            begun = now()
            await stack.enter_async_context(self._compiler.opened(self._deadline))
            left = None if self._deadline is None else max(begun + self._deadline - now(), 1e-9)
            context = await stack.enter_async_context(open_context(self._spec))
            given = {} if self._spec is None else {"context": context}
            self._stream = self._open_stream(deadline=left, **given)
            await stack.enter_async_context(self._stream)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)

    async def __aiter__(self) -> AsyncIterator[Event]:
        if self._stream is not None:
            async for event in self._stream:
                yield event

    async def result(self) -> Any:
        """What the run came to."""
        assert self._stream is not None, "it is not open"
        return await self._stream.result()

    def suspend(self) -> None:
        """Leave the run to another process, if it has begun."""
        if self._stream is not None:
            self._stream.suspend()


def open_compiler(toolset: Toolset, *, model: str | None = None, **options: Any) -> LLMCompiler:
    """A compiler for `toolset`; without a `model` it can check and execute plans, and not write any.

    `options` that are None are left to the compiler's defaults.
    """
    from superscalar.compiler import LLMCompiler

    return LLMCompiler(tools=[toolset], **_given(model=model, **options))


def under(agent: LLMCompiler, spec: str, *, approve: Approve | None = None, **options: Any) -> LLMCompiler:
    """An agent of the user's under the options that were typed; those that are None, or left out, are its own.

    They may tighten its rules, and not loosen them. `approve` is for an agent that asks nobody.

    Raises:
        CommandError: they would; the message says which.
    """
    from superscalar.cli.failures import CommandError

    told, given = agent.options, _given(**options)
    if approve is not None and told.approve is None:
        given["approve"] = approve
    if (mode := given.get("policy")) is not None and not isinstance(told.policy, str):
        given["policy"] = replace(told.policy, mode=mode)
    if told.base_url is not None and "openai:" not in (options.get("model") or "openai:"):
        given.setdefault("base_url", None)  # a model that runs here has no server
    made = agent.with_options(**given) if given else agent
    if looser := agent.guards.loosened(made.guards):
        lines = "\n".join(f"  {line}" for line in looser)
        raise CommandError(
            f"--agent {spec}: what stands beside it would loosen its rules:\n{lines}\nsay it there instead"
        )
    return made


def opened_compiler(
    source: CommandSource,
    chosen: Mapping[str, Any],
    asking: Callable[[Path | None], Approve | None] = lambda _: None,
    contact: Contact | None = None,
) -> OpenedCompiler:
    """The compiler of a command: what was `chosen` is recorded with its runs, to go on with them.

    `asking` makes who is asked, by the journal. `contact`: how the servers of tools reach that person.
    """
    from superscalar.cli.loading import load_agent

    source = source.checked()
    if source.agent is None:
        approve, toolset = asking(source.journal), tools_of(source, contact)  # what cannot be leaves no file behind
        about = {} if source.journal is None else {"journal": _journal(source.journal, source, chosen)}
        compiler = open_compiler(toolset, **chosen, **about, approve=approve)
        return OpenedCompiler(compiler, source.journal, source.context)
    agent = load_agent(source.agent)
    kept = None if agent.journal is None else agent.journal.path
    path = source.journal if "journal" in source.typed else kept or source.journal
    if agent.options.model is not None and "model" not in source.typed:
        chosen = {name: value for name, value in chosen.items() if name != "model"}
    if agent.journal is not None and path == kept:
        about = {"journal": agent.journal.remembering(_about(source, chosen))}
    else:
        about = {} if path is None else {"journal": _journal(path, source, chosen)}
    compiler = under(agent, source.agent, **chosen, **about, approve=asking(path))
    return OpenedCompiler(compiler, path, source.context)


def tools_of(source: CommandSource, contact: Contact | None = None) -> Toolset:
    """All tools that a command names.

    Raises:
        CommandError, UsageError: they cannot be loaded; the message says which, and why.
    """
    from superscalar.cli.loading import load_tools

    if not source.mcp:
        return load_tools(source.tools)
    from superscalar.cli.servers import Contact, load_servers

    served = load_servers(source.mcp, source.trust, contact or Contact())
    return Toolset([*([load_tools(source.tools)] if source.tools else ()), *served])


def _found_from(folder: Path, spec: str) -> str:
    from superscalar.cli.modules import PlaceInModule

    if Path.cwd() == folder:
        return spec
    if (folder / PlaceInModule.of("", spec).where).exists():
        return str(folder / spec)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return spec


def _given(*, joiner: bool = True, **options: Any) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    given |= {name: models_of(given[name]) for name in ("model", "extractor") if isinstance(given.get(name), str)}
    return given if joiner else {**given, "joiner": None}


def models_of(typed: str) -> str | list[str]:
    """The models of a role as they are typed: one, or several with commas between, each of which begins as a name does.

    A comma in the path of a model file is none of these.
    """
    names = _BETWEEN_MODELS.split(typed.strip())
    return names if len(names) > 1 else typed


def _journal(path: Path, source: CommandSource, chosen: Mapping[str, Any]) -> Any:
    """A journal that remembers how the command was called.

    Raises:
        JournalError: it cannot be opened.
    """
    from superscalar.journal import Journal

    return Journal(path, about=_about(source, chosen))


def _about(source: CommandSource, chosen: Mapping[str, Any]) -> dict[str, Any]:
    remembered = {name: value for name, value in chosen.items() if value is not None}
    if address := remembered.get("base_url"):
        remembered["base_url"] = urlsplit(address)._replace(netloc=urlsplit(address).netloc.rpartition("@")[2]).geturl()
    return {"cli": {**source.named, "folder": str(Path.cwd()), **remembered}}
