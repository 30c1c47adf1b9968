"""Which hosts are this machine, and where what is sent can be read on its way."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_this_machine(host: str) -> bool:
    """Whether a host is the one that we run on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, not an address
        return False


def in_the_open(url: str) -> bool:
    """Whether what is sent to an address can be read on the way there."""
    parts = urlsplit(url)
    return parts.scheme.lower() != "https" and not is_this_machine(parts.hostname or "")
