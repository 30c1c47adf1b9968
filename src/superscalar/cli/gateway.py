"""`superscalar mcp`: a gateway that runs plans for the agents of other hosts."""

from __future__ import annotations

import logging
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from superscalar.cli import options
from superscalar.cli.reporting import reporting
from superscalar.cli.servers import Contact, load_servers
from superscalar.private import made_private

if TYPE_CHECKING:
    from superscalar.compiler import LLMCompiler
    from superscalar.gateway import Principal

_SHORTEST_TOKEN: Final = 16
_HTTP: Final = "http"
_SECRET: Final = 32  # bytes


class UntrustedShown(StrEnum):
    """How a client is shown text of strangers."""

    text = "text"
    handles = "handles"


_Http = Annotated[
    int | None,
    typer.Option(
        "--http",
        metavar="PORT",
        min=0,
        max=65535,
        help="Listen on this port of 127.0.0.1 instead of standard input; 0 takes a free one.",
        show_default=False,
    ),
]
_Client = Annotated[
    list[str] | None,
    typer.Option(
        "--client",
        metavar="[NAME=]trusted|untrusted",
        help="Whether what a client's model writes may choose where writes go, unasked. [default: untrusted]",
        show_default=False,
    ),
]
_Approves = Annotated[
    list[str] | None,
    typer.Option(
        "--client-approves",
        metavar="NAME",
        help="This client asks a person: answers that come through it count. May be repeated.",
        show_default=False,
    ),
]
_Forgive = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="NAME",
        help="Forget what this client was told by now: what it writes is not held against it. May be repeated.",
        show_default=False,
    ),
]
_Token = Annotated[
    list[str] | None,
    typer.Option(
        "--token",
        metavar="NAME=FILE",
        help="With --http: a client and its token's file. May be repeated. [default: http, and one that is made]",
        show_default=False,
    ),
]


def serve_gateway(
    command: typer.Context,
    mcp: options.McpOption = None,
    tools: options.ToolsOption = None,
    agent: options.Agent = None,
    plans: options.PlansOption = None,
    policy: options.PolicyOption = None,
    journal: options.JournalOption = None,
    max_concurrency: options.MaxConcurrencyOption = None,
    http: _Http = None,
    token: _Token = None,
    client: _Client = None,
    client_approves: _Approves = None,
    trust: _Forgive = None,
    untrusted: Annotated[
        UntrustedShown,
        typer.Option(help="Text of strangers as it is, or only its size and where it can be used: handles."),
    ] = UntrustedShown.text,
    max_runs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Runs under way, half of them for one client.")
    ] = 64,
    answer_within: Annotated[
        float,
        typer.Option(
            min=0.0, metavar="SECONDS", help="Answer after this long though the run goes on; 0 waits for its end."
        ),
    ] = 50.0,
    verbose: options.Verbose = 0,  # noqa: ARG001 -- its callback logs
) -> None:
    """Serve plans to other agents: an MCP server that runs plans of the tools of other servers, and of your own.

    A host starts it as it starts any server, by its command. Its model writes plans; runs are in the journal, and what
    waits for a person is answered by `superscalar approve`. Writes of a client that is not trusted ask. Without a
    journal of its own it is in your state folder. With --http several clients share one gateway, each with a token.

    `superscalar mcp accept FILE` accepts what the servers of a configuration say of their tools.

    Examples:

    `superscalar mcp --mcp mcp.json`

    `superscalar mcp --mcp mcp.json --tools shop.py --plans plans --client-approves stdio`

    `superscalar mcp --agent shop.py:agent --http 8765 --token editor=editor.token`
    """
    if command.invoked_subcommand is not None:
        return
    with reporting(as_json=False):
        from superscalar.cli.failures import CommandError
        from superscalar.compiler.sync import run_to_end

        if not (mcp or tools or agent):
            raise CommandError("name tools: --mcp FILE, --tools MODULE or --agent MODULE:NAME")
        if token and http is None:
            raise CommandError("--token is for --http: over standard input there is one client, stdio")
        try:
            from superscalar.gateway.over_stdio import serve_stdio
        except ImportError as error:
            raise CommandError(f"serving wants the MCP SDK ({error}): pip install 'superscalar[mcp]'") from error
        from superscalar.gateway import Gateway

        _take_logs()
        made = _agent(mcp or (), tools or (), agent, plans, policy, journal, max_concurrency)
        tokens = {} if http is None else _tokens(token or ())
        names = list(tokens) or ["stdio"]
        principals = _principals(names, client or (), client_approves or (), trust or ())

        async def serve() -> None:
            opened = Gateway(
                made,
                principals=principals,
                untrusted=untrusted.value,
                max_runs=max_runs,
                answer_within=answer_within or None,
            )
            async with opened as gateway:
                secret = _secret(gateway.journal.path)
                if http is None:
                    await serve_stdio(gateway, secret)
                else:
                    from superscalar.gateway.over_http import serve_http

                    await serve_http(gateway, secret, tokens, http, lambda where: typer.echo(where, err=True))

        run_to_end(serve, grace=made.options.grace)


def _agent(
    mcp: Sequence[Path],
    tools: Sequence[str],
    agent: str | None,
    plans: Path | None,
    policy: Any,
    journal: Path | None,
    max_concurrency: int | None,
) -> LLMCompiler[Any, Any]:
    from superscalar.cli.failures import CommandError
    from superscalar.cli.loading import load_agent, load_tools
    from superscalar.compiler import LLMCompiler

    told: dict[str, Any] = {
        name: value
        for name, value in (("plans", plans), ("policy", policy), ("max_concurrency", max_concurrency))
        if value is not None
    }
    if agent is not None:
        if tools or mcp:
            raise CommandError("--agent has its own tools: leave out --tools and --mcp")
        known = load_agent(agent)
        where = journal or (None if known.journal is not None else _state_folder() / "mcp.db")
        return known.with_options(**told, **({} if where is None else {"journal": where}))
    servers = load_servers(mcp, (), Contact(_say_of_servers))
    given = [*servers, *([load_tools(tools)] if tools else [])]
    return LLMCompiler(tools=given, **{"policy": "ask", "journal": journal or _state_folder() / "mcp.db", **told})


def _say_of_servers(line: str) -> None:
    logging.getLogger("superscalar.mcp").info("%s", line)


class _IntoOurLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("superscalar.gateway").handle(record)


def _take_logs() -> None:
    """What the SDK and its server log goes where our log goes: to nobody who did not ask for it."""
    for name in ("mcp", "uvicorn", "starlette"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [_IntoOurLog()]
        logger.propagate = False


def _principals(
    names: Iterable[str], client: Iterable[str], approves: Iterable[str], forgiven: Iterable[str]
) -> list[Principal]:
    from superscalar.cli.failures import CommandError
    from superscalar.gateway import Principal

    known = list(names)
    trusted = dict.fromkeys(known, False)
    for said in client:
        name, _, word = said.rpartition("=")
        if word not in ("trusted", "untrusted"):
            raise CommandError(f"--client {said}: write trusted or untrusted, or NAME=trusted")
        for one in [name] if name else known:
            _check_named("--client", one, known)
            trusted[one] = word == "trusted"
    for option, given in (("--client-approves", approves), ("--trust", forgiven)):
        for one in given:
            _check_named(option, one, known)
    return [Principal(name, trusted[name], name in set(approves), name in set(forgiven)) for name in known]


def _check_named(option: str, name: str, known: Iterable[str]) -> None:
    from superscalar.cli.failures import CommandError

    if name not in known:
        raise CommandError(f"{option} {name}: there is no such client; there is {', '.join(known)}")


def _tokens(given: Iterable[str]) -> Mapping[str, str]:
    """The token of each client, by its name; without any, one that is made and kept for its owner alone."""
    from superscalar.cli.failures import CommandError

    found: dict[str, str] = {}
    for said in given:
        name, equals, file = said.partition("=")
        if not (equals and name and file) or name in found:
            raise CommandError(f"--token {said}: write NAME=FILE, each name once")
        found[name] = _token(Path(file))
    if not found:
        path = _state_folder() / "mcp-token"
        if not path.exists():
            made_private(path)
            path.write_text(secrets.token_urlsafe(32), "utf-8")
        found[_HTTP] = _token(path)
        typer.echo(f"token: {path}", err=True)
    if len(set(found.values())) != len(found):
        raise CommandError("--token: two clients have the same token, and could not be told apart")
    return found


def _token(path: Path) -> str:
    from superscalar.cli.failures import CommandError

    try:
        text = path.read_text("utf-8").strip()
        shared = os.name == "posix" and path.stat().st_mode & 0o077
    except (OSError, ValueError) as error:
        raise CommandError(f"--token {path}: {error}") from None
    if shared:
        raise CommandError(f"--token {path}: others may read it (chmod 600 {path})")
    if len(text) < _SHORTEST_TOKEN or not text.isascii() or any(c.isspace() for c in text):
        raise CommandError(f"--token {path}: a token is one word of {_SHORTEST_TOKEN} characters and more")
    return text


def _secret(journal: Path) -> bytes:
    """What states are sealed with that clients bring back, beside the journal, for its owner alone."""
    from superscalar.errors import JournalError

    real = journal.resolve()
    path = real.with_name(f"{real.name}-key")
    try:
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, secrets.token_bytes(_SECRET))
            finally:
                os.close(descriptor)
        found = path.lstat()
        foreign = os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & 0o077)
        if foreign or not stat.S_ISREG(found.st_mode):
            raise JournalError(
                str(path), "it is not a file of yours alone: delete it, and the states that clients have end"
            )
        secret = path.read_bytes()
    except OSError as error:
        raise JournalError(str(path), f"states cannot be sealed: {error}") from error
    if len(secret) != _SECRET:
        raise JournalError(str(path), f"it has {len(secret)} bytes and not {_SECRET}: delete it, and start again")
    return secret


def _state_folder() -> Path:
    """The folder of what this user's programs keep, ours in it, which is made for its owner alone."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = base / "superscalar"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
