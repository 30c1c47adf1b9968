"""The configuration of MCP servers: the `mcpServers` JSON that other clients read too, and what is ours in it."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from superscalar.errors import UsageError
from superscalar.given import FLAG, NAME, NAMES, SECONDS, Expected, an, are_texts, one_of
from superscalar.hosts import in_the_open
from superscalar.mcp.variables import Variables
from superscalar.plan.evaluate.patterns import matcher
from superscalar.secrets import Scrubber
from superscalar.short import cut, short
from superscalar.unseen import hides

ResultForm: TypeAlias = Literal["text", "json"]
"""What the text that a tool returns is: text, or JSON."""

Protocol: TypeAlias = Literal["auto", "legacy", "2026-07-28"]
"""Which revision is spoken: what the server knows, the one with a handshake (2025-11-25 and before), or the new one."""

_TEXTS: Final = Expected(
    'write a list of texts, such as ["-y"]', lambda value: isinstance(value, list) and are_texts(value)
)
_BY_NAME: Final = Expected(
    'write texts by name, such as {"TOKEN": "${TOKEN}"}',
    lambda value: isinstance(value, Mapping) and are_texts(value) and are_texts(value.values()),
)
_OBJECT: Final = Expected("write an object", lambda value: isinstance(value, Mapping) and are_texts(value))
_LIMIT: Final = Expected(
    'write {"concurrency": 5, "rate": 10, "per": 1}, or the name of a limit',
    lambda value: NAME.fits(value) or _OBJECT.fits(value),
)
_SERVER_LIMIT: Final = Expected('write {"concurrency": 5, "rate": 10, "per": 1}', _OBJECT.fits)
_FIELDS: Final = Expected(
    'write paths, such as ["[].id"], or a pattern for each', lambda value: NAMES.fits(value) or _BY_NAME.fits(value)
)
_RESULTS: Final = one_of("text", "json")
_PATTERN: Final = an(str, 'a regular expression for the text of a refusal, such as "rate limit|too many"')

_OF_TOOL: Final[Mapping[str, Expected]] = {
    "effect": one_of("pure", "read", "write"),
    "sink": NAMES,
    "content": NAMES,
    "trust": one_of("trusted", "untrusted"),
    "trusted_fields": _FIELDS,
    "limit": _LIMIT,
    "timeout": SECONDS.or_none,
    "hide": FLAG,
    "pinned": FLAG,
    "prefix": NAME,
    "results": _RESULTS,
    "refused": _PATTERN,
}
_OF_SERVER: Final[Mapping[str, Expected]] = {
    "command": NAME,
    "args": _TEXTS,
    "env": _BY_NAME,
    "cwd": NAME,
    "url": NAME,
    "headers": _BY_NAME,
    "oauth": _BY_NAME,
    "insecure": FLAG,
    "type": one_of("stdio", "http", "streamable-http"),
    "disabled": FLAG,
    "protocol": one_of("auto", "legacy", "2026-07-28"),
    "server": Expected(
        "write an object of the SDK's, such as an MCPServer", lambda value: not isinstance(value, str | Mapping)
    ),
    "trust_annotations": FLAG,
    "limit": _SERVER_LIMIT,
    "timeout": SECONDS.or_none,
    "prefix": NAME,
    "results": _RESULTS,
    "refused": _PATTERN,
    "tools": _OBJECT,
}
_OF_OAUTH: Final = frozenset({"client_id", "client_secret", "issuer", "scope"})
_OF_LIMIT: Final = frozenset({"concurrency", "rate", "per", "burst"})
_EXPANDED: Final = ("command", "args", "env", "cwd", "url", "headers", "oauth")
_TERMS: Final = ("effect", "sink", "content", "trust", "trusted_fields", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolConfig:
    """What the configuration says of one tool. `terms`: those of `@tool` that it declares.

    `limit`: the name of a limit, or what one of its own allows. `refused`: a pattern; a failure with such a text means
    "too many". `hide`: it is left out; `pinned`: planners are always shown it.
    """

    terms: Mapping[str, Any] = field(default_factory=dict)
    limit: str | Mapping[str, Any] | None = None
    hide: bool = False
    pinned: bool = False
    prefix: str = ""
    results: ResultForm | None = None
    refused: str | None = None


_NOTHING: Final = ToolConfig()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ServerConfig:
    """What the configuration says of one server, its variables expanded. Its repr has nothing of that but the name.

    `place`: what stands for it in messages. `scrub`: takes the secrets in it out of texts.
    """

    name: str
    place: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    oauth: Mapping[str, str] = field(default_factory=dict)
    protocol: Protocol = "auto"
    server: Any = None
    trust_annotations: bool = False
    limit: Mapping[str, Any] | None = None
    timeout: Any = ...
    prefix: str = ""
    results: ResultForm = "text"
    refused: str | None = None
    tools: Mapping[str, ToolConfig] = field(default_factory=dict)
    scrub: Scrubber = field(default_factory=Scrubber)

    def __repr__(self) -> str:
        return f"<MCP server {self.name}>"

    def of(self, tool: str) -> ToolConfig:
        """Return what is said of a tool."""
        return self.tools.get(tool, _NOTHING)

    def told(self, error: BaseException) -> str:
        """Say what an error says, without what is secret."""
        return cut(self.scrub(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__), 1_000)


class ServersRead(NamedTuple):
    """A configuration: its servers, and the file that it came from, if any."""

    servers: tuple[ServerConfig, ...]
    path: Path | None


def read_servers(
    given: Mapping[str, Any] | str | os.PathLike[str],
    *,
    trusted: Collection[str] = (),
    keyed: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> ServersRead:
    """Read the configuration of servers: a file of JSON, or what stands in one. `trusted`: whose hints are believed.

    `keyed`: those that are sent credentials which do not stand there.

    Raises:
        UsageError: it cannot be read, says something that makes no sense, or wants a variable that is not set.
    """
    path = None if isinstance(given, Mapping) else Path(given)
    said = given if path is None else _loaded(path)
    place = "mcpServers" if path is None else f"{path}: mcpServers"
    if not isinstance(said, Mapping) or not isinstance(said.get("mcpServers"), Mapping):
        raise UsageError(
            f"{'an MCP configuration' if path is None else path} has no servers; write "
            '{"mcpServers": {"files": {"command": "npx", "args": [...]}}}'
        )
    _check_keys(said, {"mcpServers"}, str(path) if path is not None else "the MCP configuration", others="$")
    found = said["mcpServers"]
    around = os.environ if environment is None else environment
    servers = [
        _server(name, one, f"{place}.{name}", around, path, trusted=name in trusted, keyed=name in keyed)
        for name, one in found.items()
        if not (isinstance(one, Mapping) and one.get("disabled") is True)
    ]
    if unknown := sorted(set(trusted) - set(found)):
        raise UsageError(f"there is no server {unknown[0]!r} to trust{_meant(unknown[0], found)}")
    return ServersRead(tuple(servers), path)


def server_names(path: Path) -> frozenset[str]:
    """Return the names of the servers in a file, as far as it can be read: `read_servers` says what is wrong."""
    try:
        said = _loaded(path)
    except UsageError:
        return frozenset()
    servers = said.get("mcpServers") if isinstance(said, dict) else None
    return frozenset(servers) if isinstance(servers, dict) else frozenset()


def _loaded(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # also where it is no UTF-8
        raise UsageError(f"{path} is no JSON: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply") from error


def _server(
    name: Any, said: Any, place: str, environment: Mapping[str, str], path: Path | None, *, trusted: bool, keyed: bool
) -> ServerConfig:
    if not isinstance(name, str) or not name.strip() or hides(name) or len(name) > 100:
        raise UsageError(f"{place}: {short(name)} is no name for a server: write one such as files")
    _OBJECT.check(place, said)
    _check_given(said, _OF_SERVER, place)
    ways = [key for key in ("command", "url", "server") if said.get(key) is not None]
    if len(ways) != 1:
        raise UsageError(f"{place}: write how it is reached: a command with its args, or a url")
    if "type" in said and ways != ["command" if said["type"] == "stdio" else "url"]:
        raise UsageError(f"{place}: a server with a {ways[0]} is not of the type {said['type']!r}")
    for key, of in {
        "args": "command",
        "env": "command",
        "cwd": "command",
        "headers": "url",
        "oauth": "url",
        "insecure": "url",
    }.items():
        if said.get(key) and of not in ways:
            raise UsageError(f"{place}.{key}: that says nothing of a server with a {ways[0]}")
    variables = Variables(environment)
    made = {key: variables.expanded(said[key], f"{place}.{key}") for key in _EXPANDED if key in said}
    if made.get("url") is not None:
        keyed = keyed or bool(made.get("headers") or made.get("oauth"))
        _check_url(made["url"], f"{place}.url", keyed=keyed, insecure=said.get("insecure", False))
    if oauth := made.get("oauth"):
        _check_keys(oauth, _OF_OAUTH, f"{place}.oauth")
        if missing := sorted({"client_id", "client_secret", "issuer"} - oauth.keys()):
            raise UsageError(f"{place}.oauth: write the {missing[0]}, too: {', '.join(sorted(_OF_OAUTH))}")
    tools = {tool: _tool(one, f"{place}.tools.{tool}") for tool, one in said.get("tools", {}).items()}
    if path is not None and "command" in made:
        made["cwd"] = str(path.parent.absolute() / made.get("cwd", ""))
    secrets = [*variables.used, *_words(made.get("headers")), *_words(_secret(made.get("env"))), *_words(oauth)]
    secrets += _in_address(made.get("url", ""))
    return ServerConfig(
        name=name,
        place=place,
        args=tuple(made.pop("args", ())),
        trust_annotations=trusted or said.get("trust_annotations", False),
        tools=tools,
        scrub=Scrubber(secrets),
        **made,
        **{key: said[key] for key in ("protocol", "server", "timeout", "prefix", "results") if key in said},
        limit=_limit(said.get("limit"), f"{place}.limit"),
        refused=_pattern(said.get("refused"), f"{place}.refused"),
    )


def _check_url(url: str, place: str, *, keyed: bool, insecure: bool) -> None:
    """Refuse what is no address, and to send credentials in the open: those that are in the address, too.

    Raises:
        UsageError: it is none, or they would be sent.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not url.startswith(("http://", "https://")) or not parts.hostname:
        raise UsageError(f"{place}: write an address that begins with https:// or http://")
    if (keyed or "@" in parts.netloc) and in_the_open(url) and not insecure:
        raise UsageError(
            f"{place}: headers or credentials would be sent unencrypted over the network; write https://, or use a "
            'tunnel to 127.0.0.1, or say that it may: "insecure": true'
        )


def _tool(said: Any, place: str) -> ToolConfig:
    _OBJECT.check(place, said)
    _check_given(said, _OF_TOOL, place)
    return ToolConfig(
        terms={key: said[key] for key in _TERMS if key in said},
        limit=_limit(said.get("limit"), f"{place}.limit"),
        refused=_pattern(said.get("refused"), f"{place}.refused"),
        **{key: said[key] for key in ("hide", "pinned", "prefix", "results") if key in said},
    )


def _limit(said: Any, place: str) -> Any:
    if isinstance(said, Mapping):
        _check_keys(said, _OF_LIMIT, place)
    return said


def _pattern(said: str | None, place: str) -> str | None:
    if said is None:
        return None
    pattern = rf"(?s:.*)(?:{said})(?s:.*)"
    try:
        matcher(pattern)
    except ValueError as error:
        raise UsageError(f"{place}: {said!r} is no pattern: {error}") from None
    return pattern


def _words(said: Any) -> list[str]:
    """The values of some texts, and their parts: of `Bearer TOKEN` the token is secret by itself."""
    return [word for text in (said or {}).values() for word in {text, *text.split()}]


def _in_address(url: str) -> list[str]:
    """Who an address says that we are, and our password."""
    parts = urlsplit(url)
    return [unquote(word) for word in (parts.username, parts.password) if word]


def _secret(environment: Any) -> dict[str, str]:
    """What a server's environment has that may be secret: all but paths."""
    return {name: value for name, value in (environment or {}).items() if not value.startswith(("/", "./", "~/"))}


def _check_given(said: Mapping[str, Any], known: Mapping[str, Expected], place: str) -> None:
    _check_keys(said, known, place)
    for key, value in said.items():
        wanted = known[key]
        if not wanted.fits(value):  # what was written may be a secret in the wrong place: it is not repeated
            raise UsageError(f"{place}.{key}: {wanted.write}")


def _check_keys(said: Mapping[str, Any], known: Collection[str], place: str, others: str = "\0") -> None:
    for key in said:
        if key not in known and not key.startswith(others):
            raise UsageError(f"{place}: there is no {short(key)}{_meant(key, known)}")


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(sorted(known)) or 'none'}"
