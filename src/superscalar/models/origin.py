"""Where a key and what is asked may go: to the address that was given, and in the open to this machine alone."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from superscalar.errors import UsageError
from superscalar.hosts import in_the_open
from superscalar.models.saying import place

_PORTS: Final = {"http": 80, "https": 443}


class OtherOriginError(Exception):
    """A server sent the request on to another one, which was not asked. `address`: that one."""

    def __init__(self, address: str) -> None:
        self.address = place(address)
        super().__init__(f"the server sends the request on to {self.address}")


def check_origin(model: str, url: str, *, keyed: bool, insecure: bool) -> None:
    """Refuse to send a key in the open.

    Raises:
        UsageError: it would be; the message says what to write.
    """
    if keyed and not insecure and in_the_open(url):
        raise UsageError(
            f"OpenAIModel({model!r}, base_url={place(url)!r}): the key would be sent unencrypted over the network; "
            'write https://, or use a tunnel (base_url="http://127.0.0.1:PORT/v1"), or say that it may: '
            f"OpenAIModel({model!r}, base_url=..., insecure=True)"
        )


def credentials(url: str) -> tuple[str, str] | None:
    """The name and the password that stand in an address, if there are any."""
    parts = urlsplit(url)
    return (unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None


def without_credentials(url: str) -> str:
    """An address as it may be logged, which its client does."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def options(url: str) -> Mapping[str, Any]:
    """How the client of an address is made: no other is asked, and in the open no proxy of the environment.

    What stands in the address to say who asks is sent as its client would, which need not be told it there.
    """

    async def stays(response: Any) -> None:
        if response.has_redirect_location:
            target = urljoin(str(response.request.url), response.headers["location"])
            if _origin(target) != _origin(url):
                await response.aclose()
                raise OtherOriginError(target)

    hooks = {"event_hooks": {"response": [stays]}, "auth": credentials(url)}
    if urlsplit(url).scheme.lower() == "https":
        return hooks
    # No other origin is asked, so nothing is to be verified, and to read the system's certificates takes 20 ms.
    # A context without any trusts nobody.
    return {**hooks, "trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        return scheme, url, None
    return scheme, (parts.hostname or "").lower(), port if port is not None else _PORTS.get(scheme)
