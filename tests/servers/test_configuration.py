"""What a configuration of servers may say, what is wrong with others, and what it never tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from superscalar import Toolset, UsageError
from superscalar.mcp.config import ServerConfig, read_servers
from superscalar.mcp.lock import read_lock, write_lock

KEY = "sk-0123456789abcdef"


def server(environment: dict[str, str] | None = None, **said: Any) -> ServerConfig:
    read = read_servers({"mcpServers": {"s": said}}, environment=environment or {})
    return read.servers[0]


def test_the_common_form_is_read_with_its_variables(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    said = {
        "files": {"command": "npx", "args": ["-y", "${PACKAGE:-server}", "${env:HOME}/x"], "env": {"KEY": "${KEY}"}},
        "shop": {"type": "http", "url": "https://shop.example/mcp", "headers": {"Authorization": "Bearer ${KEY}"}},
        "off": {"command": "${NOT_SET}", "disabled": True},
    }
    file.write_text(json.dumps({"$schema": "x", "mcpServers": said}))
    read = read_servers(file, trusted=["files"], environment={"HOME": "/home/ada", "KEY": KEY})
    assert [(one.name, one.trust_annotations) for one in read.servers] == [("files", True), ("shop", False)]
    files, shop = read.servers
    assert (files.command, files.args, files.env) == ("npx", ("-y", "server", "/home/ada/x"), {"KEY": KEY})
    assert files.cwd == f"{tmp_path}"
    assert files.told(OSError(f"{KEY} at /home/ada/x")) == "OSError: ********** at /home/ada/x"
    assert (shop.url, shop.headers) == ("https://shop.example/mcp", {"Authorization": f"Bearer {KEY}"})


def test_what_is_secret_is_in_no_repr_and_no_text() -> None:
    for made in (
        server({"KEY": KEY}, command="x", args=["--key", "${KEY}"]),
        server(command="x", env={"TOKEN": KEY}),
        server(url="https://x.example", headers={"Authorization": f"Bearer {KEY}"}),
        server(url=f"https://me:{KEY}@x.example"),
        server(url="https://x.example", oauth={"client_id": "me", "client_secret": KEY, "issuer": "https://i.example"}),
    ):
        assert KEY not in repr(made)
        assert KEY not in made.told(ValueError(f"no access with {KEY}"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"command": "${KEY}"}, r"mcpServers\.s\.command wants the variable KEY, which is not set"),
        ({"command": "x", "env": {"A": "${NONE}"}}, r"mcpServers\.s\.env\.A wants the variable NONE"),
        ({"command": "x", "args": ["${EMPTY}"]}, r"args\[0\] wants the variable EMPTY, which is empty"),
        ({"command": "x", "args": ["${input:key}"]}, r"args\[0\] has a \$\{ that begins no variable"),
        ({"command": "x", "env": {"A": "${A"}}, r"env\.A has a \$\{ that begins no variable"),
        ({"comand": "x"}, "there is no 'comand'; did you mean 'command'"),
        ({"command": "x", "tools": {"a": {"efect": "read"}}}, r"tools\.a: there is no 'efect'; did you mean 'effect'"),
        ({"command": "x", "tools": {"a": {"effect": "reads"}}}, r"tools\.a\.effect: write one of 'pure', 'read'"),
        ({"command": "x", "tools": {"a": {"limit": {"rates": 1}}}}, r"limit: there is no 'rates'; did you mean 'rate'"),
        ({"command": "x", "tools": {"a": {"refused": "("}}}, r"refused: '\(' is no pattern"),
        ({"command": "x", "trust_annotations": "yes"}, "trust_annotations: write True or False"),
        ({"command": "x", "url": "https://x.example"}, "write how it is reached: a command with its args, or a url"),
        ({}, "write how it is reached"),
        ({"url": "ftp://x.example"}, "write an address that begins with https"),
        ({"url": "http://x.example", "headers": {"A": KEY}}, "sent unencrypted over the network; write https://"),
        ({"url": f"http://me:{KEY}@x.example"}, "credentials would be sent unencrypted over the network"),
        ({"url": f"http://[{KEY}/mcp", "headers": {"A": KEY}}, "write an address that begins with https"),
        ({"command": "x", "insecure": True}, "that says nothing of a server with a command"),
        ({"url": "https://x.example", "args": ["a"]}, "that says nothing of a server with a url"),
        ({"command": "x", "type": "http"}, "a server with a command is not of the type 'http'"),
        ({"url": "https://x.example", "oauth": {"client_id": "a"}}, "oauth: write the client_secret, too"),
        ({"command": KEY, "env": KEY}, r"env: write texts by name"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(said: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        server({"EMPTY": ""}, **said)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "said",
    [
        {"url": "http://x.example"},
        {"url": "http://x.example", "headers": {"A": KEY}, "insecure": True},
        {"url": "http://127.0.0.1:1/mcp", "headers": {"A": KEY}},
    ],
)
def test_in_the_open_goes_what_says_nothing_or_may(said: dict[str, Any]) -> None:
    assert server({}, **said).url == said["url"]


def test_what_authenticates_us_goes_unencrypted_to_this_machine_alone() -> None:
    with pytest.raises(UsageError, match=r"mcpServers\.s\.url: headers or credentials would be sent unencrypted"):
        Toolset.from_mcp({"mcpServers": {"s": {"url": "http://x.example"}}}, auth={"s": object()})
    for said in ({"url": "https://x.example"}, {"url": "http://127.0.0.1:1/mcp"}):
        Toolset.from_mcp({"mcpServers": {"s": said}}, auth={"s": object()})


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "x" * 101])
def test_a_server_has_a_name_that_can_be_shown(name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a server"):
        read_servers({"mcpServers": {name: {"command": "x"}}})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mcpServers": []}', '{"mcpServers": {}, "mcpServer": {}}'])
def test_a_file_without_servers_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"mcp\.json"):
        read_servers(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_servers(tmp_path / "none.json")
    with pytest.raises(UsageError, match="there is no server 'file' to trust; did you mean 'files'"):
        read_servers({"mcpServers": {"files": {"command": "x"}}}, trusted=["file"])


def test_a_lock_is_read_as_it_was_written_and_what_is_none_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "mcp.lock"
    assert read_lock(lock) is None
    write_lock(lock, {"b": {"y": "2", "x": "1"}, "a": {}})
    assert read_lock(lock) == {"a": {}, "b": {"x": "1", "y": "2"}}
    assert [path.name for path in tmp_path.iterdir()] == ["mcp.lock"]
    for text in ("", "{}", '{"version": 2, "servers": {}}', '{"version": 1, "servers": {"a": {"x": 1}}}'):
        lock.write_text(text)
        with pytest.raises(UsageError, match=r"mcp\.lock"):
            read_lock(lock)
    with pytest.raises(UsageError, match="cannot be written"):
        write_lock(tmp_path / "no" / "mcp.lock", {})


@pytest.mark.parametrize(("name", "value"), [("elicit", 5), ("lock", 5), ("answer_within", -1)])
def test_what_else_is_given_is_checked_where_it_is(name: str, value: Any) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=rf"from_mcp\({name}={value}\): write"):
        Toolset.from_mcp({"mcpServers": {"s": {"command": "x"}}}, **given)
