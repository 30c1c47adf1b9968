"""What a server said, for people to read: its own words, on one line, bounded, and without keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from superscalar.short import cut

MOST: Final = 400
"""Characters of what a server said that a message shows."""

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")
_KEY: Final = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|r8|nvapi|key)[-_](?=[\w*.-]*[\d*])[\w*.-]{8,}|(?<=Bearer )\S+")
_MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_SHORTEST_KEY: Final = 6
_WORDS: Final = tuple("message detail msg error_description error errors reason title Message Error".split())
_DEEPEST: Final = 6


def said_by_server(text: str, secrets: Iterable[str] = ()) -> str:
    """A text on one line, its beginning if it is long, without `secrets` and what looks like a key."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_KEY:
            text = text.replace(secret, "***")
    line = _KEY.sub("***", _UNSEEN.sub(" ", text).strip())
    return cut(line, MOST)


def page(text: str) -> str:
    """What a reader sees of a page; a text that is none as it is."""
    if not re.match(r"\s*<", text):
        return text
    return _MARKUP.sub(" ", text[: 1 << 16]).strip() or text


def error_words(said: Any, depth: int = 0) -> str:
    """The words in an error, in whatever form servers send one."""
    if isinstance(said, str):
        return said
    if isinstance(said, Mapping) and depth < _DEEPEST:
        found = next((words for name in _WORDS if said.get(name) and (words := error_words(said[name], depth + 1))), "")
        metadata = said.get("metadata")  # of a router: what the provider behind it said
        raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
        if raw:
            found = f"{found}: {raw if isinstance(raw, str) else error_words(raw, depth + 1)}"
        if found:
            return found
    return json.dumps(said, ensure_ascii=False, default=repr)


def complaint_in(document: Mapping[str, Any]) -> Any:
    """The error that a document is or has, None if it has none."""
    if document.get("error"):
        return document["error"]
    choices = document.get("choices")
    if isinstance(choices, list) and choices:
        for choice in choices:
            if isinstance(choice, Mapping) and choice.get("error"):
                return choice["error"]
        return None
    if document.get("object") == "error" or document.get("type") == "error":
        return document
    return next((document for name in ("errors", "detail", "message", "msg") if document.get(name)), None)


def place(url: str) -> str:
    """A URL without what may be a secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if parts.scheme else url.partition("?")[0].rpartition("@")[2]
