"""A set of tools under distinct aliases, with the limits that come with it."""

from __future__ import annotations

import difflib
import operator
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import replace
from os import PathLike
from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from superscalar.errors import ToolsetError, UsageError
from superscalar.forks import made_once
from superscalar.given import LIMITS, NAMES, SCHEMAS, TEXT, TEXTS, TOOLS, whole_number
from superscalar.plan.ir.aliases import alias_inside
from superscalar.plan.ir.signatures import Signatures
from superscalar.secrets import without_queries
from superscalar.short import LONGEST_REPR, cut, short
from superscalar.tools.search import ToolIndex
from superscalar.tools.stubs import tool_stub
from superscalar.tools.terms import Limit
from superscalar.tools.tool import Tool, tool
from superscalar.tools.trust import Declared

if TYPE_CHECKING:
    from superscalar.mcp.elicitation import Elicit
    from superscalar.tools.accepted import Changes
    from superscalar.tools.plans import SetOfTools
    from superscalar.tools.servers import Servers, Tell
    from superscalar.tools.sessions import Sessions


class _SeveralRules(tuple[Any, ...]):
    """Several rules in the place of a tool's own: that first, and those of the sets that it is in."""

    __slots__ = ()


_LIMITS: Final = LIMITS.or_none
_SCHEMAS: Final = SCHEMAS.or_none
_NAMES: Final = NAMES.or_none
_TEXTS: Final = TEXTS.or_none
_AT_MOST: Final = whole_number(1, "tools").or_none


class Toolset:
    """Tools by alias, in the order in which they are shown to the planner.

    Plain functions become tools. `limits` are the set's own named limits; those given to the agent win. `policy`: as
    for `tool`, for the calls of all its tools, which follow it wherever they are handed to; `rules` has what is said of
    every tool, by name. `schemas`: types by name, for `extract` in plans (see docs/extract.md); `named` has those of
    all sets in it. `pinned`: the names of tools that planners are always shown, where there is no room for all. `says`:
    what servers say of themselves, by server, which is data (see `superscalar.tools.said`).

    Tools that need a connection are those of a subclass that overrides `session`, and `listed` if they may change. The
    agent opens it for the runs that need it; `async with toolset:` keeps it open between them, too.

    Raises:
        UsageError: two tools have one name, or the batched form that a tool names, or one that is pinned, is not there.
    """

    def __init__(
        self,
        tools: Iterable[Tool[..., Any] | Toolset | Callable[..., Any]] = (),
        *,
        limits: Mapping[str, Limit] | None = None,
        policy: Any = None,
        schemas: Mapping[str, Any] | None = None,
        pinned: str | Iterable[str] | None = None,
        says: Mapping[str, str] | None = None,
    ) -> None:
        for name, wanted, value in (
            ("tools", TOOLS, tools),
            ("limits", _LIMITS, limits),
            ("schemas", _SCHEMAS, schemas),
            ("pinned", _NAMES, pinned),
            ("says", _TEXTS, says),
        ):
            wanted.check(name, value, "Toolset")
        self._given: tuple[Any, ...] = (tools,) if isinstance(tools, Toolset) else tuple(tools)
        self._own: dict[str, Any] = {"limits": limits, "policy": policy, "schemas": schemas, "says": says}
        self._sets = [one for one in self._given if isinstance(one, Toolset)]
        self._listed_by: Toolset | None = None
        self._latest: tuple[tuple[Any, ...], Toolset] = (self._given, self)
        self.named: dict[str, Any] = {}
        self.limits: dict[str, Limit] = {}
        self.pinned = frozenset([pinned] if isinstance(pinned, str) else pinned or ())
        self.says: dict[str, str] = {}
        self.rules: dict[str, tuple[Callable[[Any], Any], ...]] = {}
        self.by_alias: dict[str, Tool[..., Any]] = {}
        self.inside: dict[str, None] = {}
        self._again: set[str] = set()
        by_name: dict[str, Tool[..., Any]] = {}
        asked = self.pinned
        for given in self._given:
            members: Iterable[Tool[..., Any]]
            if isinstance(given, Toolset):
                members = given.shown if policy is None else [copy(member) for member in given.shown]
                self.limits.update(given.limits)
                self.named.update(given.named)
                self.says.update(given.says)
                self.pinned |= given.pinned
            else:
                members = (_tool_of(given) if policy is None else copy(_tool_of(given)),)
            for member in members:
                if member.name in by_name:
                    served = bool(member.described.server or by_name[member.name].described.server)
                    how = 'say "prefix" where its server is configured' if served else '@tool(name="...")'
                    raise UsageError(f"two tools are called {member.name!r}; give one another name: {how}")
                by_name[member.name] = member
                own = member.policy if isinstance(member.policy, _SeveralRules) else (member.policy,)
                if policy is not None:
                    own = member.policy = _SeveralRules((*own, policy))  # which it keeps, in whatever set it is put
                if rules := tuple(rule for rule in own if rule is not None):
                    self.rules[member.name] = rules
        kept = {member.name for member in by_name.values() if member.alias == member.name}
        for member in by_name.values():
            self.by_alias[self._free(member, kept)] = member
            member.resolve_batch(by_name)
        aliases = self._take_in_plans()
        self.limits.update(limits or {})
        self.named.update(schemas or {})
        self.says.update(says or {})
        if not self.is_live:
            _check_pinned(asked, by_name)
        self.signatures = Signatures(
            [
                replace(
                    member.signature,
                    alias=alias,
                    within=None if member.plan is None else member.plan.within_by(aliases[alias]),
                )
                for alias, member in self.by_alias.items()
                if alias not in self.inside
            ],
            [replace(self.by_alias[alias].signature, alias=alias) for alias in self.inside],
        )

    def _take_in_plans(self) -> dict[str, dict[str, str]]:
        """Take in the tools that plans of the set call, by aliases that no text of a plan can say.

        They are told by plan which alias here each of theirs is: the same tool is the same, whoever calls it.
        """
        found: dict[str, dict[str, str]] = {}
        for alias, member in sorted(
            self.by_alias.items()
        ):  # whose tool it is that several have does not depend on order
            if member.plan is None:
                continue
            tools = member.plan.tools
            called = member.plan.called.items()
            found[alias] = {own: self._taken_in(alias_inside(alias, own), tool, tools) for own, tool in called}
            self.limits = {**tools.limits, **self.limits}
            self._sets += [one for one in tools.opened if one not in self._sets]  # with what those of this set need
        return found

    def _taken_in(self, alias: str, tool: Tool[..., Any], of: SetOfTools) -> str:
        """The alias of a tool that a plan calls: that, or the one that it has here already."""
        rules = self.rules.get(tool.known_as, ())
        if more := [rule for rule in of.rules.get(tool.known_as, ()) if all(rule is not one for one in rules)]:
            self.rules[tool.known_as] = (*rules, *more)  # of all tools that rules know by that name
        same = next((alias for alias, member in self.by_alias.items() if is_same_tool(member, tool)), None)
        if same is not None:
            self.by_alias[alias] = self.by_alias[same]  # for plans that were compiled where it is nobody else's
            self.inside = self.inside | {alias: None}
            self._again.add(alias)
            return same
        names = {member.name for member in self.by_alias.values()}
        name, number = tool.name, 1
        while name in names:
            number += 1
            name = f"{tool.name} {number}"
        taken_in = copy(tool)
        taken_in.name = name
        if not taken_in.limits:
            taken_in.limited_by = tuple(one.replace(f"{tool.name}()", f"{name}()") for one in tool.limited_by)
        self.by_alias[alias] = taken_in
        self.inside = self.inside | {alias: None}
        return alias

    def _free(self, member: Tool[..., Any], kept: set[str]) -> str:
        """An alias that no earlier tool of the set has, and that is no other's own name: these are `kept`."""
        alias, number = member.alias, 2
        while alias in self.by_alias or (alias in kept and alias != member.name):
            alias, number = f"{member.alias}_{number}", number + 1
        return alias

    @classmethod
    def from_module(cls, module: ModuleType) -> Toolset:
        """Collect the `@tool` functions of a module, in the order of the file, with its `LIMITS` and `SCHEMAS`.

        Raises:
            UsageError: it has none, or its LIMITS are not limits.
        """
        beside = cls.beside(module)
        tools = [value for name, value in vars(module).items() if isinstance(value, Tool) and not name.startswith("_")]
        if not tools:
            raise UsageError(f"{module.__name__} has no tools; put @tool above the functions that plans may call")
        return cls([*dict.fromkeys(tools), beside])

    @classmethod
    def from_mcp(
        cls,
        config: Mapping[str, Any] | str | PathLike[str],
        *,
        trust: Collection[str] = (),
        elicit: Elicit | None = None,
        answer_within: float = 30.0,
        auth: Mapping[str, Any] | None = None,
        lock: str | PathLike[str] | None = None,
        tell: Tell | None = None,
        limits: Mapping[str, Limit] | None = None,
        policy: Any = None,
    ) -> ServerTools:
        """Make a set of the tools of MCP servers: `config` is a file with `mcpServers`, or what stands in one.

            async with Toolset.from_mcp("mcp.json") as tools:
                print(tools.describe())

        `trust`: the servers whose hints (`readOnlyHint`) are believed, as with `"trust_annotations": true` there.
        `elicit`: puts a question of a server (`superscalar.mcp.Elicitation`) to a person, and gives the answers by
        the names of its fields, or None to decline; they are to come within `answer_within` seconds. `auth`: by server,
        the authentication of an address, such as an `OAuthClientProvider` of the SDK. `lock`: the file that says what
        was accepted, if not `mcp.lock` beside the configuration. `tell`: is given, once, each line that a person should
        see, in the place of the log. `limits` and `policy` are those of the set. See docs/mcp.md.

        Raises:
            UsageError: the configuration cannot be read, or wants a variable that is not set; or the SDK is not
                installed.
        """
        try:
            from superscalar.tools.servers import Servers
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "httpx2"):
                raise
            raise UsageError("MCP servers need the SDK: pip install 'superscalar[mcp]'") from error
        servers = Servers(
            config, trust=trust, elicit=elicit, answer_within=answer_within, auth=auth, lock=lock, tell=tell
        )
        return ServerTools(servers, limits=limits, policy=policy)

    @classmethod
    def beside(cls, module: ModuleType) -> Toolset:
        """Collect the `LIMITS` and `SCHEMAS` of a module, without its tools.

        Raises:
            UsageError: they are not what they should be.
        """
        limits, schemas = getattr(module, "LIMITS", {}), getattr(module, "SCHEMAS", {})
        if not isinstance(limits, Mapping) or not all(isinstance(limit, Limit) for limit in limits.values()):
            raise UsageError(
                f'LIMITS in {module.__name__} must look like LIMITS = {{"quotes": Limit(concurrency=5, rate=10)}}'
            )
        if not isinstance(schemas, Mapping):
            raise UsageError(f'SCHEMAS in {module.__name__} must look like SCHEMAS = {{"Invoice": Invoice}}')
        return cls(limits=limits, schemas=schemas)

    # ------------------------------------------------------------------------------------------ what must be open

    def session(self) -> AbstractAsyncContextManager[object]:
        """Open what tools need while they are called. Override it; the sets in it are opened before it, either way.

            @asynccontextmanager
            async def session(self):
                async with connect(self.url) as self.connection:
                    yield

        It is entered before the first run that needs it and left after the last, once for all runs on one event loop,
        of several agents too, and both in one asyncio task. What it raises on the way in is a `ToolsetError` of every
        run that waits for it; what it raises on the way out is logged.
        """
        return self._sessions_of_sets()

    async def listed(self) -> Iterable[Tool[..., Any] | Callable[..., Any]] | None:
        """List the tools as they are now. Override it where they may change; None: those that it was made with.

        It is asked before each run, with the session open; during a run its tools stay what they are. Give the same
        objects as long as nothing has changed, or the agent prepares anew for each run.
        """
        return None

    @property
    def is_live(self) -> bool:
        """Tell whether a run has anything to open, or to ask."""
        own = type(self)
        return (
            own.session is not Toolset.session or own.listed is not Toolset.listed or any(s.is_live for s in self._sets)
        )

    @property
    def opened(self) -> list[Toolset]:
        """Return the sets that have to be open while its tools are called."""
        if self.is_live or self._listed_by is not None:
            return [self if self._listed_by is None else self._listed_by]
        return [one for inner in self._sets for one in inner.opened]

    @asynccontextmanager
    async def _sessions_of_sets(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in self._sets:
                await stack.enter_async_context(one)
            yield

    @asynccontextmanager
    async def _all_sessions(self) -> AsyncIterator[None]:
        async with self._sessions_of_sets(), self.session():
            yield

    async def __aenter__(self) -> Self:
        """Open it, if nobody else has.

        Raises:
            ToolsetError: it cannot be opened.
        """
        if self.is_live:
            await self._sessions.enter()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.is_live:
            await self._sessions.leave()

    @made_once
    def _sessions(self) -> Sessions:
        from superscalar.tools.sessions import Sessions  # and asyncio: not for those who list tools

        own = type(self).session is not Toolset.session
        opened = self._all_sessions if own else self._sessions_of_sets
        return Sessions(opened, f"the toolset {type(self).__name__}", own)

    async def now(self) -> Toolset:
        """Return a set of the tools that are listed now, which does not change; itself where none ever do.

        Raises:
            ToolsetError: they could not be listed.
            UsageError: as for the set itself.
        """
        if not self.is_live:
            return self
        found = await self._found()
        if found is None:
            found = tuple([await one.now() if isinstance(one, Toolset) else one for one in self._given])
        before, latest = self._latest
        if len(found) != len(before) or not all(map(operator.is_, found, before)):
            latest = Toolset(found, **self._own)
            latest._listed_by = self
            latest.pinned |= self.pinned  # of which some may be there another time
            self._latest = found, latest
        return latest

    async def _found(self) -> tuple[Any, ...] | None:
        """What `listed` gives.

        Raises:
            ToolsetError: it raised, gives nothing that can be listed, or a set that nobody has opened.
        """
        import asyncio  # not for those who list tools

        task = asyncio.current_task()
        cancelling = task.cancelling() if task is not None else 0
        what = f"the toolset {type(self).__name__}"
        try:
            listed = await self.listed()
            found = None if listed is None else (listed,) if isinstance(listed, Toolset) else tuple(listed)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            if task is not None and task.cancelling() > cancelling:
                raise  # it is this run that is cancelled
            why = without_queries(f"{type(error).__name__}: {error}")
            raise ToolsetError(f"{what} did not list its tools: {why}") from error
        for one in found or ():
            if isinstance(one, Toolset) and one.is_live:
                raise ToolsetError(
                    f"{what} lists {type(one).__name__}, which has to be opened: hand that over when it is made, "
                    f"{type(self).__name__}([...]), or list its tools"
                )
        return found

    # ----------------------------------------------------------------------------------------------- what is in it

    def without(self, left_out: Callable[[Tool[..., Any]], bool]) -> Toolset:
        """Return the set without some of its tools, as planners are shown it; the others keep their aliases."""
        made = copy(self)
        made.by_alias = {a: one for a, one in self.by_alias.items() if a in self.inside or not left_out(one)}
        made.signatures = Signatures(
            [one for one in self.signatures if one.alias in made.by_alias], self.signatures.inside.values()
        )
        _forget_made(made)
        return made

    def describe(self, query: str | None = None, limit: int | None = None) -> str:
        """Describe the tools as a planner is shown them: those that a `query` finds, the best first, `limit` at most.

        A tool is found by the words of its name, description and parameters (`superscalar.tools.search`).

        Raises:
            UsageError: `query` is no text, or `limit` no number.
        """
        TEXT.or_none.check("query", query, "describe")
        _AT_MOST.check("limit", limit, "describe")
        found = list(self.signatures) if query is None else self.index.ranked(query)
        return "\n".join(map(tool_stub, found[:limit]))

    @made_once
    def index(self) -> ToolIndex:
        """What finds its tools by words."""
        return ToolIndex(self.signatures)

    @made_once
    def sizes(self) -> list[int]:
        """How many characters of a prompt each tool takes, in order."""
        return [len(tool_stub(signature)) + 1 for signature in self.signatures]

    def __repr__(self) -> str:
        shown = ", ".join(one.alias for one in self.signatures)
        return cut(f"<{type(self).__name__}: {shown or 'no tools'}>", LONGEST_REPR)

    def __iter__(self) -> Iterator[Tool[..., Any]]:
        return iter([member for alias, member in self.by_alias.items() if alias not in self._again])

    def __len__(self) -> int:
        return len(self.by_alias) - len(self.inside)

    @property
    def shown(self) -> list[Tool[..., Any]]:
        """Return the tools that plans may name: none that only a plan of the set calls."""
        return [member for alias, member in self.by_alias.items() if alias not in self.inside]

    @property
    def declared(self) -> dict[str, Declared]:
        """Return what the tools say of their results, by alias: labels are derived from it once the tools are gone."""
        return {
            alias: Declared(
                member.name,
                member.trust,
                frozenset() if callable(member.readers) else member.readers,
                member.results,
            )
            for alias, member in self.by_alias.items()
        }

    def get(self, alias: str) -> Tool[..., Any] | None:
        """Return the tool that plans call `alias`, or None."""
        return self.by_alias.get(alias)

    def find(self, name: str) -> tuple[str, Tool[..., Any]] | None:
        """Return the tool of that alias or else of that real name, and its alias; None if there is none."""
        named = {alias: member for alias, member in self.by_alias.items() if alias not in self.inside}
        if (known := named.get(name)) is not None:
            return name, known
        return next(((alias, member) for alias, member in named.items() if member.name == name), None)

    def schemas(self, api: Literal["openai", "responses", "anthropic"]) -> list[dict[str, Any]]:
        """Describe the tools as a chat API wants them in `tools=`: OpenAI chat completions, Responses, or Anthropic's.

        Tools are called by their aliases there, parameters by the functions' own names.

        Raises:
            UsageError: there is no such API, or a tool has an annotation that cannot be validated.
        """
        if api not in ("openai", "responses", "anthropic"):
            raise UsageError(f'schemas({api!r}): write "openai", "responses" or "anthropic"')
        made: list[dict[str, Any]] = []
        for alias, member in self.by_alias.items():
            if alias in self.inside:
                continue
            about = {"name": alias, "description": member.signature.description}
            match api:
                case "openai":
                    made.append({"type": "function", "function": {**about, "parameters": member.schema}})
                case "responses":
                    made.append({"type": "function", **about, "parameters": member.schema, "strict": False})
                case "anthropic":
                    made.append({**about, "input_schema": member.schema})
        return made


class ServerTools(Toolset):
    """The tools of MCP servers, as these list them. Made by `Toolset.from_mcp`.

    `async with` opens the servers and lists what there is; a run does that by itself.
    """

    def __init__(self, servers: Servers, *, limits: Mapping[str, Limit] | None = None, policy: Any = None) -> None:
        self._servers = servers
        self._shown: tuple[Any, Toolset] = (None, Toolset())
        super().__init__((), limits={**servers.limits, **(limits or {})}, policy=policy)

    def session(self) -> AbstractAsyncContextManager[object]:
        """Open a connection to each server."""
        return self._servers.session()

    async def listed(self) -> Iterable[Tool[..., Any]]:
        """List the tools of all servers; the same set as long as nothing has changed."""
        listing = await self._servers.listed()
        self._servers.tell()
        if self._shown[0] is not listing:
            self._shown = listing, Toolset(listing.tools, pinned=listing.pinned, says=listing.says)
        return self._shown[1]

    async def __aenter__(self) -> Self:
        """Open the servers, if nobody else has, and list what there is.

        Raises:
            ToolsetError: a server cannot be reached, or does not list its tools.
        """
        await super().__aenter__()
        try:
            await self._show()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _show(self) -> None:
        """Let whoever looks at the set itself see what a run would."""
        latest = await self.now()
        for name in _SHOWN:
            setattr(self, name, getattr(latest, name))
        _forget_made(self)

    @property
    def instructions(self) -> Mapping[str, str]:
        """Return what the servers say of themselves, by server; `says` has what of that was accepted."""
        return self._servers.instructions

    def offered_as(self, name: str) -> str:
        """Return what a server calls the tool of that name."""
        return self._servers.offered_as(name)

    async def accept(self) -> Changes:
        """Accept what the servers say of themselves now; return what has changed since that was done last.

        It goes into `mcp.lock`, and is what they are held to under `policy="enforce"`.

        Raises:
            ToolsetError: a server cannot be reached, or does not list its tools.
            UsageError: no file says what was accepted; the message says what to write.
        """
        await super().__aenter__()
        try:
            changes = await self._servers.accept()
            await self._show()
            return changes
        finally:
            await self.__aexit__()


_SHOWN: Final = ("by_alias", "inside", "limits", "named", "pinned", "rules", "says", "signatures")


def is_same_tool(one: Tool[..., Any], other: Tool[..., Any]) -> bool:
    """Whether two tools call the same function, or are the same plan, on the same terms."""
    if one is other or one.plan is not None or other.plan is not None:
        return one is other or (one.plan is not None and one.plan is other.plan)
    return one.known_as == other.known_as and one.function == other.function and one.terms == other.terms


def _forget_made(tools: Toolset) -> None:
    """Have what a set once made of other tools made anew."""
    for name in ("index", "sizes"):
        vars(tools).pop(name, None)


def _check_pinned(names: Iterable[str], known: Collection[str]) -> None:
    """Make sure that what is pinned is there.

    Raises:
        UsageError: there is no tool of one of these names.
    """
    for name in sorted(names):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise UsageError(f"pinned={name!r}: the set has no tool of that name{hint}")


def _tool_of(given: Callable[..., Any]) -> Tool[..., Any]:
    """The tool that a member is, or that its function makes.

    Since Python 3.13 a class method binds what it wraps without asking it.

    Raises:
        UsageError: it is neither.
    """
    if not callable(given):
        raise UsageError(f"{short(given)} is no tool: write a function, such as tools=[price], or a Toolset")
    if isinstance(given, MethodType) and isinstance(given.__func__, Tool):
        return given.__func__.__get__(given.__self__)
    return given if isinstance(given, Tool) else tool(given)
