"""What a server answers to a call: the value that a plan gets of it, or what a run is told that went wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from superscalar.attachments import MAX_BYTES, Attachment, media_type_of
from superscalar.errors import NotDone, RateLimited, ToolError
from superscalar.mcp.config import ResultForm, ServerConfig
from superscalar.plan.evaluate.patterns import fits_pattern
from superscalar.short import cut

_LONGEST: Final = 2_000  # characters of what a server says of a failure
_CLOSED: Final = frozenset({-32000})
_NOT_DONE: Final = frozenset({-32600, -32601, -32602, -32020, -32021, -32022, -32042, -32098})
"""Codes of JSON-RPC, of the protocol, and of ours, that say that no tool was called. Not that of what cannot be
parsed: what we send can be, and the SDK says so of what comes back."""
_REFUSED: Final = frozenset({400, 401, 403, 404, 405, 406, 413, 415, 422, 429})
"""Statuses of HTTP that say the same."""
_BAD_ARGUMENTS: Final = ("MCP error -32602", "Input validation error", "Unknown tool")
"""How the texts of failures begin that say so in the place of a code: those of the SDKs for TypeScript and Python."""


class NoResult(Exception):
    """What came back for a call is none, or not in the form that was to be expected."""


class RefusedByHttp(Exception):
    """A server answered a call with a status of HTTP; `headers` may say when to come back."""

    def __init__(self, message: str, status_code: int, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.headers = headers


class ConnectionEnded(ConnectionError):
    """The connection to a server ended while a call was under way: nobody knows what became of it."""


def value_of(result: Any, form: ResultForm) -> Any:
    """What a result of the SDK's is in a plan: its structured content; else its one text, or its one part, or a list.

    Raises:
        NoResult: its text was to be JSON, or a file in it cannot be taken.
    """
    if result.structured_content is not None:
        return result.structured_content
    parts = [_part(block, form) for block in result.content]
    return parts[0] if len(parts) == 1 else parts or None


def _part(block: Any, form: ResultForm) -> Any:
    match block.type:
        case "text":
            return _json(block.text) if form == "json" else block.text
        case "image" | "audio":
            return Attachment(media_type_of(block.mime_type), _bytes(block.data))
        case "resource_link":
            return Attachment(media_type_of(block.mime_type), uri=str(block.uri), name=block.name or "")
        case _:
            inner = block.resource
            if not hasattr(inner, "text"):
                return Attachment(media_type_of(inner.mime_type), _bytes(inner.blob), uri=str(inner.uri))
            content = inner.text.encode("utf-8", "replace")
            if len(content) > MAX_BYTES:
                raise NoResult(_too_large(len(content)))
            return Attachment(media_type_of(inner.mime_type, "text/plain"), content, uri=str(inner.uri))


def _bytes(encoded: str) -> bytes:
    if len(encoded) // 4 * 3 > MAX_BYTES + 2:
        raise NoResult(_too_large(len(encoded) // 4 * 3))
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise NoResult(f"it holds a file whose content is no base64: {error}") from None


def _too_large(size: int) -> str:
    return f"it holds a file of {size:,} bytes, and {MAX_BYTES:,} are the most that are taken"


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NoResult(f'its text is no JSON, though the configuration says "results": "json": {error}') from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def failure_in(result: Any, server: ServerConfig, *, writes: bool, refused: str | None) -> Exception:
    """What a result that is an error says. Of a write it has *failed*: its tool said so, and nobody is in doubt.

    `refused`: the pattern of texts that say "too many".
    """
    said = "\n".join(block.text for block in result.content if block.type == "text")
    told = f"{server.name}: {cut(server.scrub(said).strip() or 'it failed, and does not say why', _LONGEST)}"
    if refused is not None and fits_pattern(refused, said[: 10 * _LONGEST]):
        return RateLimited(told)
    if said.lstrip().startswith(_BAD_ARGUMENTS) or writes:
        return NotDone(told)
    return ToolError(told)


def failure_of_call(code: int, message: str, data: Any, server: str, *, refused: str | None) -> Exception:
    """What an error of the protocol says of a call."""
    told = f"{server}: {cut(message.strip() or f'error {code}', _LONGEST)}"
    if refused is not None and fits_pattern(refused, message[: 10 * _LONGEST]):
        return RateLimited(told)
    if code in _CLOSED:
        return ConnectionEnded(told)
    if 400 <= code < 600:
        headers = data.get("headers") if isinstance(data, Mapping) else None
        by_http = RefusedByHttp(told, code, headers if isinstance(headers, Mapping) else {})
        if code == 429 or code not in _REFUSED:
            return by_http
        failed = NotDone(told)
        failed.__cause__ = by_http
        return failed
    return NotDone(told) if code in _NOT_DONE else ToolError(told)
