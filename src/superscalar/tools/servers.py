"""The tools of MCP servers: what these list, on the terms of the configuration, and how a call reaches them."""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from superscalar.errors import ToolsetError, UsageError
from superscalar.given import SECONDS, Expected, an
from superscalar.mcp.answers import NoResult, failure_in, value_of
from superscalar.mcp.config import ServerConfig, ToolConfig, read_servers
from superscalar.mcp.connection import Connection, OpenClient, Unreachable
from superscalar.mcp.elicitation import ANSWER_WITHIN, Elicit
from superscalar.mcp.lock import lock_beside, read_lock, write_lock
from superscalar.mcp.transports import client_of
from superscalar.plan.ir.signatures import Output
from superscalar.short import brief
from superscalar.tools.accepted import Changes, changes_since, said_digest
from superscalar.tools.apart import Offer, names_for
from superscalar.tools.context import ResultError, ToolContext
from superscalar.tools.json_schema.described import described_tool
from superscalar.tools.said import Offered, clean, clean_text
from superscalar.tools.terms import Limit, Terms
from superscalar.tools.tool import Tool
from superscalar.unseen import revealed

Tell: TypeAlias = Callable[[str], object]

INSTRUCTIONS: Final = "(instructions)"
"""Under which name, beside those of tools, it is kept what a server says of itself as a whole."""

_ASKS: Final = Expected("write a function that is given an Elicitation, and gives the answers or None", callable)
_PATH: Final = an((str, os.PathLike), 'the path of a file, such as "mcp.lock"')
_LOG: Final = logging.getLogger("superscalar.mcp")


class Seen(NamedTuple):
    """What servers say now: what each offers, as it came, and the digests of that."""

    offered: Mapping[Offer, Offered]
    digests: Mapping[str, Mapping[str, str]]


class Listing(NamedTuple):
    """The tools that there are now, which of them are always shown, and what servers say of themselves."""

    tools: tuple[Tool[..., Any], ...] = ()
    pinned: tuple[str, ...] = ()
    says: Mapping[str, str] = {}


class Servers:
    """All servers of a configuration, with a connection to each on every event loop that needs it.

    `limits`: those that the configuration has for servers and for their tools. `changes`: what has changed since it was
    accepted, as of the latest list. `instructions`: what servers say of themselves, cleaned; planners are shown what
    somebody accepted. See `Toolset.from_mcp` for what it is given.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | str | os.PathLike[str],
        *,
        trust: Collection[str] = (),
        elicit: Elicit | None = None,
        answer_within: float = ANSWER_WITHIN,
        auth: Mapping[str, Any] | None = None,
        lock: str | os.PathLike[str] | None = None,
        tell: Tell | None = None,
    ) -> None:
        for name, wanted, value in (
            ("answer_within", SECONDS, answer_within),
            ("elicit", _ASKS.or_none, elicit),
            ("lock", _PATH.or_none, lock),
        ):
            wanted.check(name, value, "from_mcp")
        read = read_servers(config, trusted=(trust,) if isinstance(trust, str) else trust, keyed=auth or ())
        self._servers = {server.name: server for server in read.servers}
        if unknown := sorted(set(auth or ()) - self._servers.keys()):
            raise UsageError(f"auth= is given for {unknown[0]!r}, which is no server of the configuration")
        self._path = read.path
        beside = None if read.path is None else lock_beside(read.path)
        self._lock = beside if lock is None else Path(lock).absolute()
        self._tell = tell or _LOG.warning
        self._openers: dict[str, OpenClient] = {
            name: partial(client_of, elicit=elicit, answer_within=answer_within, auth=(auth or {}).get(name))
            for name in self._servers
        }
        self._open: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Connection]]
        self._open = weakref.WeakKeyDictionary()
        self._made: dict[Offer, tuple[Any, Tool[..., Any]]] = {}
        self._before: Any = None
        self._seen = Seen({}, {})
        self._listing = Listing()
        self._lines: list[str] = []  # that are to be told
        self._doubts: list[str] = []  # likewise, of what nobody has accepted
        self._told: set[str] = set()
        self.changes = Changes()
        self.instructions: dict[str, str] = {}
        self.limits = {name: limit for server in read.servers for name, limit in _limits(server).items()}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Open a connection to each server, all at once.

        Raises:
            ToolsetError: some cannot be reached; the message says which and why.
        """
        loop = asyncio.get_running_loop()
        opened = {name: Connection(server, self._openers[name]) for name, server in self._servers.items()}
        try:
            found = await asyncio.gather(*(one.client() for one in opened.values()), return_exceptions=True)
            wrong = [error for error in found if isinstance(error, BaseException)]
            if other := next((error for error in wrong if not isinstance(error, Unreachable)), None):
                raise other
            if wrong:
                raise ToolsetError("; ".join(map(str, wrong)))
            self._open[loop] = opened
            yield
        finally:
            self._open.pop(loop, None)
            await asyncio.gather(*(one.aclose() for one in opened.values()), return_exceptions=True)

    async def listed(self) -> Listing:
        """List the tools of all servers; the same listing as before as long as nothing has changed.

        Raises:
            ToolsetError: a list cannot be had.
            UsageError: the file that says what was accepted cannot be read.
        """
        opened = self._open[asyncio.get_running_loop()]
        lists = await asyncio.gather(*(one.tools() for one in opened.values()))
        accepted = None if self._lock is None else read_lock(self._lock)
        now = [*zip(opened, lists, (one.instructions for one in opened.values()), strict=True)], accepted
        if self._before != now:
            seen = _seen(dict(zip(opened, lists, strict=True)), {name: said for name, _, said in now[0]})
            ours = {name: tools for name, tools in (accepted or {}).items() if name in self._servers}
            changes = changes_since(ours, seen.digests)
            doubtful = {*changes.new, *changes.changed}
            self.instructions = {name: text for name, _, said in now[0] if (text := clean_text(said))}
            says = {name: text for name, text in self.instructions.items() if (name, INSTRUCTIONS) not in doubtful}
            self._doubts = self._told_of(changes, len(seen.offered), never=accepted is None)
            self._seen, self.changes = seen, changes
            self._listing = self._listing_of(seen, says, doubtful)
            self._before = now
        return self._listing

    def offered_as(self, name: str) -> str:
        """What a server calls the tool that is called so here.

        Raises:
            KeyError: there is none.
        """
        return {tool.name: offered for (_, offered), (_, tool) in self._made.items()}[name]

    def tell(self) -> None:
        """Tell what there is to tell of the latest list: each line once."""
        lines = dict.fromkeys([*self._lines, *self._doubts])
        self._lines, self._doubts = [], []
        for line in lines:
            if line not in self._told:
                self._told.add(line)
                self._tell(line)

    async def accept(self) -> Changes:
        """Accept what is listed now: it is what the servers are held to from then on. Return what that changes.

        Raises:
            ToolsetError: a list cannot be had.
            UsageError: there is no file for that; the message says what to write.
        """
        if self._lock is None:
            raise UsageError('no file says what was accepted: Toolset.from_mcp(config, lock="mcp.lock")')
        await self.listed()
        self._doubts = []
        self.tell()
        others = {name: tools for name, tools in (read_lock(self._lock) or {}).items() if name not in self._servers}
        write_lock(self._lock, {**others, **self._seen.digests})
        return self.changes

    # ------------------------------------------------------------------------------------------------ what tools are

    def _listing_of(self, seen: Seen, says: Mapping[str, str], doubtful: Collection[Offer]) -> Listing:
        shown = {offer: one for offer, one in seen.offered.items() if not self._of(offer).hide}
        by_server = {server: [tool for owner, tool in shown if owner == server] for server in self._servers}
        prefixes = {
            (server, tool): prefix
            for server, tool in shown
            if (prefix := self._of((server, tool)).prefix or self._servers[server].prefix)
        }
        names = names_for(by_server, prefixes)
        made = {
            offer: tool
            for offer, one in shown.items()
            if (tool := self._tool(one, names[offer], unaccepted=offer in doubtful)) is not None
        }
        self._made = {offer: self._made[offer] for offer in made}
        self._say_what_counts(made, seen)
        pinned = tuple(tool.name for offer, tool in made.items() if self._of(offer).pinned)
        return Listing(tuple(made.values()), pinned, says)

    def _of(self, offer: Offer) -> ToolConfig:
        server, tool = offer
        return self._servers[server].of(tool)

    def _tool(self, offered: Offered, name: str, *, unaccepted: bool) -> Tool[..., Any] | None:
        """The tool; the same as before if nothing has changed. None, and it is told, if it cannot be used."""
        offer = offered.server, offered.name
        key = offered, name, unaccepted
        if offer in self._made and self._made[offer][0] == key:
            return self._made[offer][1]
        server = self._servers[offered.server]
        try:
            cleaned = clean(offered)
            shown = cleaned.offered
            call = self._call(server, offered)
            try:
                described = described_tool(name, shown.parameters, call, shown.returns, shown.description)
            except UsageError as error:
                described = described_tool(name, shown.parameters, call, None, shown.description)  # else it is left out
                self._lines.append(
                    f"{server.name}: what {revealed(brief(offered.name))} returns is not checked: {error}"
                )
            text = server.of(offered.name).results or server.results
            if described.checked is None:
                described = replace(described, output=Output("str" if text == "text" else "Any"))
            else:
                described = replace(described, checked=_quoting(described.checked, server))
            described = replace(described, server=server.name, cut=cleaned.cut, unaccepted=unaccepted)
            tool = Tool(described, _terms(server, offered), call)
        except UsageError as error:
            self._lines.append(f"{server.name}: {revealed(brief(offered.name))} is left out: {error}")
            return None
        self._made[offer] = key, tool
        return tool

    def _call(self, server: ServerConfig, offered: Offered) -> Callable[..., Any]:
        """The function of a tool: it calls the server of that name on the event loop that it runs on."""
        tool = offered.name
        config = server.of(tool)
        form, refused = config.results or server.results, config.refused or server.refused
        writes = _effect(server, offered) in (None, "write")

        async def call(tool_context_: ToolContext[Any], **arguments: Any) -> Any:
            async def progressed(done: float, total: float | None, message: str | None) -> None:
                fraction = min(max(done / total, 0.0), 1.0) if total else None
                of_all = f"{done:g}" if total is None else f"{done:g} of {total:g}"
                tool_context_.progress(f"{server.name}: {server.scrub(message) if message else of_all}", fraction)

            opened = self._open.get(asyncio.get_running_loop())
            if opened is None:
                raise Unreachable(f"{server.name} is not open on this event loop")
            try:
                result = await opened[server.name].call(tool, arguments, progressed, refused)
                if not result.is_error:
                    return value_of(result, form)
            except Unreachable as error:
                if writes:
                    raise
                raise ConnectionError(str(error)) from None  # which passes, and nothing is in doubt anyway
            except NoResult as error:
                raise ResultError(f"{server.name}: {tool}: {error}") from None
            raise failure_in(result, server, writes=writes, refused=refused)

        return call

    # ----------------------------------------------------------------------------------------------- what is told

    def _say_what_counts(self, made: Mapping[Offer, Tool[..., Any]], seen: Seen) -> None:
        for name, server in self._servers.items():
            tools = {tool: one for (owner, tool), one in made.items() if owner == name}
            writes = [tool for tool, one in tools.items() if one.effect == "write" and one.terms.effect is None]
            if writes and not server.trust_annotations:
                self._lines.append(
                    f"{name}: {len(writes)} of its {len(tools)} tools count as writes and run one after the other; say "
                    'of those that only read "tools": {"NAME": {"effect": "read"}}, or believe what the server says: '
                    f'"trust_annotations": true (--trust {name})'
                )
            for tool in server.tools:
                if (name, tool) not in seen.offered:
                    self._lines.append(
                        f"{name}: it has no tool {brief(tool)}, of which the configuration says something"
                    )

    def _told_of(self, changes: Changes, count: int, *, never: bool) -> list[str]:
        """What there is to tell of what nobody has accepted. `never`: nothing ever was."""
        if not changes:
            return []
        if self._lock is None:
            return ['no file says what was accepted of the servers: from_mcp(config, lock="mcp.lock"), and accept()']
        how = f"superscalar mcp accept {self._path}" if self._path is not None else "await toolset.accept()"
        if never:
            return [f"what the servers say of their {count} tools was never accepted; look at it: {how}"]
        return [f"{line}; look at it: {how}" for line in changes.told()]


def _quoting(check: Callable[[Any], Any], server: ServerConfig) -> Callable[[Any], Any]:
    """The check of results, without what its server has been told in confidence: it quotes what that answered."""

    def checked(result: Any) -> Any:
        try:
            return check(result)
        except ResultError as error:
            raise ResultError(server.scrub(str(error))) from None

    return checked


def _seen(lists: Mapping[str, list[Any]], instructions: Mapping[str, str]) -> Seen:
    offered: dict[Offer, Offered] = {}
    digests: dict[str, dict[str, str]] = {}
    for server, tools in lists.items():
        digests[server] = {}
        if said := instructions[server]:
            digests[server][INSTRUCTIONS] = said_digest(Offered(server=server, name=INSTRUCTIONS, description=said))
        for tool in tools:
            if tool.name not in digests[server] and tool.name != INSTRUCTIONS:  # of two of one name the first counts
                one = offered[server, tool.name] = _offered(server, tool)
                digests[server][tool.name] = said_digest(one)
    return Seen(offered, digests)


def _offered(server: str, tool: Any) -> Offered:
    """What a server says of a tool, as the SDK has it."""
    hints = tool.annotations
    annotations = {} if hints is None else hints.model_dump(mode="json", exclude_none=True)
    title = tool.title or annotations.get("title") or ""
    description = tool.description or ""
    return Offered(
        server=server,
        name=tool.name,
        description=description or title,
        parameters=tool.input_schema,
        returns=tool.output_schema,
        annotations=annotations,
    )


def _effect(server: ServerConfig, offered: Offered) -> Any:
    """What a tool does: as the configuration says, or as far as its server is believed. None: nobody knows."""
    said = server.of(offered.name).terms.get("effect")
    if said is None and server.trust_annotations and offered.annotations.get("read_only_hint") is True:
        return "read"
    return said


def _terms(server: ServerConfig, offered: Offered) -> Terms:
    config = server.of(offered.name)
    terms = {"timeout": server.timeout, **config.terms}
    if terms["timeout"] is ...:
        del terms["timeout"]
    own = [_limit_of(server)] if server.limit is not None else []
    if config.limit is not None:
        own.append(config.limit if isinstance(config.limit, str) else _limit_of(server, offered.name))
    return Terms.of({**terms, "effect": _effect(server, offered), "limit": own, "provider": f"mcp:{server.name}"})


def _limit_of(server: ServerConfig, tool: str = "") -> str:
    return f"mcp:{server.name}/{tool}" if tool else f"mcp:{server.name}"


def _limits(server: ServerConfig) -> dict[str, Limit]:
    """The limits that a server and its tools have for themselves.

    Raises:
        UsageError: one makes no sense.
    """
    said: dict[str, tuple[Any, str]] = {_limit_of(server): (server.limit, f"{server.place}.limit")}
    for tool, config in server.tools.items():
        said[_limit_of(server, tool)] = config.limit, f"{server.place}.tools.{tool}.limit"
    made: dict[str, Limit] = {}
    for name, (limit, place) in said.items():
        if isinstance(limit, Mapping):
            try:
                made[name] = Limit(**limit)
            except (UsageError, TypeError) as error:
                raise UsageError(f"{place}: {error}") from error
    return made
