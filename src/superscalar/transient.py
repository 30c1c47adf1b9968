"""Which errors pass by themselves: a line that broke, a server that is away for now; read off the error alone.

What is looked at is what libraries have in common, so none of them is imported: the names of an error's classes, a
status on it or on its response, the code of an operating system, of gRPC or of SQL. That covers the standard library,
httpx, requests, urllib3, aiohttp, the SDKs of OpenAI and Anthropic, grpc, Google's and Amazon's clients, and what wraps
them with `raise ... from`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from superscalar.errors import ModelError, NotDone, RateLimited
from superscalar.traces import Elsewhere

_DEPTH: Final = 8
_MEMBERS: Final = 100
TOO_MANY: Final = 429
_PASSING_STATUS: Final = frozenset({408, 425, 500, 502, 503, 504, *range(520, 530)})
_PASSING_ERRNO: Final = frozenset(
    {errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH}
)
_PASSING_RPC: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "ABORTED"})
_PASSING_SQL: Final = frozenset({"40001", "40P01", "57P01", "57P02", "57P03"})
"""A transaction that lost against another one, and a server that stops or starts; all of class 08 are connections."""

_PASSING: Final = frozenset(
    {
        *("ConnectionError", "TimeoutError", "gaierror", "IncompleteRead", "IncompleteReadError"),
        *("SSLEOFError", "SSLZeroReturnError", "SSLSyscallError"),
        *("ConnectError", "ReadError", "WriteError", "CloseError", "NetworkError", "RemoteProtocolError"),
        *("TimeoutException", "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "Timeout"),
        *(
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "NewConnectionError",
            "NameResolutionError",
            "urllib3.ProtocolError",
        ),
        "ChunkedEncodingError",
        *("ClientConnectionError", "ClientPayloadError", "ServerDisconnectedError", "ServerTimeoutError"),
        *("APIConnectionError", "APITimeoutError"),
        *("EndpointConnectionError", "ConnectionClosedError", "ServerNotFoundError", "google.TransportError"),
        "ConnectionTimeout",
    }
)
"""Names of classes; with that of their package where others mean something else by it."""

_LASTING: Final = frozenset(
    {
        *("SSLError", "SSLCertVerificationError", "CertificateError", "ClientSSLError"),
        *("ClientConnectorCertificateError", "ClientConnectorSSLError"),
        *("AuthenticationError", "AuthorizationError", "LocalProtocolError", "UnsupportedProtocol"),
    }
)
"""What the same call meets again, though some libraries derive it from what passes, or raise that from it."""


def is_transient(error: BaseException) -> bool:
    """Say whether the same call may fare better a moment later: a connection broke, time ran out, a server was away.

    Statuses 408, 425, 500, 502 to 504 and 520 to 529 are, and so is what was raised from such an error; a group of
    errors is if all of them are. Refusals (429, `RateLimited`) are not: they have rules of their own. What is not
    understood is not either.
    """
    return _verdict(error, _DEPTH) is True


def may_pass(status: int) -> bool:
    """Say whether an HTTP status says that the same request may be answered a moment later; no refusal does."""
    return status in _PASSING_STATUS


def causes(error: BaseException) -> Iterator[Exception]:
    """Give an error and what it was raised from, the outermost first; up to what ends a program, and eight at most."""
    cause: Any = error
    for _ in range(_DEPTH):
        if not isinstance(cause, Exception):  # None, or something that ends the program
            return
        yield cause
        cause = attribute_of(cause, "__cause__") or attribute_of(cause, "reason")  # the latter of urllib and urllib3


def attribute_of(thing: object, name: str) -> Any:
    """Return an attribute of something unknown; None where there is none, or reading it fails."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 -- a property of a foreign exception may raise anything
        return None


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status on an error or on its response; None where there is none."""
    for thing in (error, attribute_of(error, "response"), attribute_of(error, "resp")):
        if isinstance(thing, Mapping):  # of botocore
            known = thing.get("ResponseMetadata")
            found = known.get("HTTPStatusCode") if isinstance(known, Mapping) else None
            if _is_status(found):
                return int(found)
        for name in ("status_code", "status", "code"):
            found = attribute_of(thing, name)
            if _is_status(found):
                return int(found)
    return None


def _is_status(found: object) -> TypeGuard[int]:
    return isinstance(found, int) and not isinstance(found, bool) and 100 <= found < 600


def _verdict(error: BaseException, depth: int) -> bool | None:
    """Whether an error passes; None if nothing says so, and nothing says the contrary."""
    passes: bool | None = None
    for cause in causes(error):
        if isinstance(cause, ExceptionGroup):
            said = _of_all(cause.exceptions, depth - 1)
            return said if passes is None or said is False else passes
        if isinstance(cause, RateLimited | NotDone):
            return False
        if isinstance(cause, ModelError):
            return cause.retryable and cause.status != TOO_MANY
        if isinstance(cause, Elsewhere) and isinstance(told := attribute_of(cause, "transient"), bool):
            return told
        status = status_of(cause)
        if status is not None and status >= 400:
            return may_pass(status)
        said = _by_name(cause)
        if said is False:
            return False
        passes = passes or said or _by_code(cause)
    return passes


def _of_all(errors: tuple[BaseException, ...], depth: int) -> bool | None:
    if depth <= 0 or len(errors) > _MEMBERS:
        return None
    said = [_verdict(error, depth) if isinstance(error, Exception) else False for error in errors]
    return False if False in said else None if None in said else True


def _by_name(error: Exception) -> bool | None:
    """What the most special of its classes says that says anything."""
    for kind in type(error).__mro__:
        package = str(kind.__module__).partition(".")[0]
        names = {kind.__name__, f"{package}.{kind.__name__}"}
        if names & _LASTING:
            return False
        if names & _PASSING:
            return True
    return None


def _by_code(error: Exception) -> bool | None:
    """What a code says that is no status; None where there is none that is known."""
    if isinstance(error, OSError):
        return error.errno in _PASSING_ERRNO or None
    if any(kind.__name__ == "RpcError" for kind in type(error).__mro__):
        return _rpc_code(error) in _PASSING_RPC or None
    for name in ("sqlstate", "pgcode"):
        code = attribute_of(error, name)
        if isinstance(code, str) and (code in _PASSING_SQL or (len(code) == 5 and code.startswith("08"))):
            return True
    return None


def _rpc_code(error: Exception) -> str:
    """The name of the status of gRPC."""
    try:
        return str(error.code().name)  # type: ignore[attr-defined]  # a method, or this raises
    except Exception:  # noqa: BLE001 -- as in `attribute_of`
        return ""
