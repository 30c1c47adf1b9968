"""What the wires have in common: JSON, server-sent events, and the body of a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from support.wires.said import PAGE, Answer, Refused, Said

STREAMED: Final = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


def data(document: Mapping[str, Any]) -> bytes:
    """One event without a name."""
    return b"data: " + dumped(document) + b"\n\n"


def dumped(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def streamed(said: Said, events: list[bytes], headers: Mapping[str, str] = STREAMED) -> Answer:
    """The response with a reply. Where that is torn, so is its last event."""
    if said.torn:
        events[-1] = events[-1][: len(events[-1]) // 2]
    return Answer(200, headers, tuple(events), said.torn, said.pause)


def refused(refusal: Refused, status: int, body: Mapping[str, Any], **headers: str) -> Answer:
    """The response with a refusal; a server that is broken has a page instead."""
    if refusal.why == "broken":
        return Answer(502, {"Content-Type": "text/html"}, (PAGE,))
    if refusal.after is not None:
        headers["retry-after"] = str(refusal.after)
    return Answer(status, {"Content-Type": "application/json", **headers}, (dumped(body),))
