"""The body of a response, from bytes: server-sent events, or a document of JSON that was not streamed."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final

DONE: Final = object()
"""What `[DONE]` is read as."""

_FIELD: Final = re.compile(r"(?:data|event|id|retry)?:|(?:data|event|id|retry)[\r\n]")
_MOST: Final = 32 << 20  # characters of one event, or of a document that was not streamed
_PAGE: Final = 1 << 14  # characters of something else, of which the first few are shown
_LINES: Final = 32  # of an event that may turn out to be two
_DECIDED: Final = 8  # characters after which a body that is no stream of events shows it


class GarbledError(ValueError):
    """A body is none of the protocol: `text` is what came; `cut`: the rest of it may be missing."""

    def __init__(self, text: str, *, cut: bool) -> None:
        super().__init__(text)
        self.text = text
        self.cut = cut


class ReplyBody:
    """Reads one body. `feed` it bytes, in whatever pieces they come: documents of JSON come back, and `DONE`.

    An event that is called `error` and is no document becomes one: `{"error": text}`. Lines end in any of the three
    ways that are allowed (https://html.spec.whatwg.org/multipage/server-sent-events.html); an event without a blank
    line behind it, at the end or before another, is read all the same.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._streams: bool | None = None  # whether it is a stream of events; not known before its first characters
        self._held: list[str] = []
        self._size = 0
        self._return = False
        self._data: list[str] = []
        self._name = ""

    def feed(self, content: bytes) -> Iterator[Any]:
        """Take the next bytes.

        Raises:
            GarbledError: an event is no JSON, or the body is something else altogether.
        """
        yield from self._take(self._decoder.decode(content))

    def finish(self) -> Iterator[Any]:
        """The body is over.

        Raises:
            GarbledError: as for `feed`.
        """
        yield from self._take(self._decoder.decode(b"", True))
        if self._streams is None:
            text = "".join(self._held)
            self._streams = text.lstrip()[:1] not in ("{", "[") and _FIELD.match(text.lstrip()) is not None
        rest = "".join(self._held)
        self._held.clear()
        if not self._streams:
            yield from _documents(rest)
            return
        if rest:
            yield from self._line(rest)
        yield from self._dispatch()

    def _take(self, text: str) -> Iterator[Any]:
        if not text:
            return
        if self._streams is None:
            begin = ("".join(self._held) + text).lstrip("\ufeff \t\r\n")
            self._streams = _is_stream(begin)
            if self._streams is None:
                self._held = [begin]
                return
            self._held.clear()
            self._size, text = 0, begin
        self._size += len(text)
        if not self._streams:
            self._held.append(text)
            if self._size > (_MOST if self._held[0].lstrip()[:1] in "{[" else _PAGE):
                raise GarbledError("".join(self._held)[:_PAGE], cut=False)
            return
        yield from self._lines(text)

    def _lines(self, text: str) -> Iterator[Any]:
        if self._return and text.startswith("\n"):
            text = text[1:]
        self._return = text.endswith("\r")
        if "\n" not in text and "\r" not in text:
            self._held.append(text)
            if self._size > _MOST:
                raise GarbledError("".join(self._held)[:_PAGE], cut=False)
            return
        *whole, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._size = len(rest)
        for line in whole:
            full = "".join([*self._held, line])
            self._held.clear()
            yield from self._line(full)
        if rest:
            self._held.append(rest)

    def _line(self, line: str) -> Iterator[Any]:
        if not line:
            yield from self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            begins = value.startswith(("{", "[DONE]")) and 0 < len(self._data) <= _LINES
            if begins and _parsed("\n".join(self._data)) is not None:  # its blank line is missing
                yield from self._dispatch()
            self._data.append(value)
            if sum(map(len, self._data)) > _MOST:
                raise GarbledError(self._data[0][:_PAGE], cut=False)
        elif name == "event":
            if self._data:
                yield from self._dispatch()
            self._name = value.strip()

    def _dispatch(self) -> Iterator[Any]:
        data, name = "\n".join(self._data).strip(), self._name
        self._data.clear()
        self._name = ""
        if not data:
            return
        if data.startswith("[DONE]"):
            yield DONE
            return
        found = _parsed(data)
        if name == "error" and not (found is not None and isinstance(found[0], dict) and "error" in found[0]):
            yield {"error": data if found is None else found[0]}
        elif found is None:
            raise GarbledError(data, cut=True)
        else:
            yield found[0]


def _is_stream(begin: str) -> bool | None:
    """Whether a body that begins so is a stream of events; None if it is too early to tell."""
    if begin[:1] in ("{", "["):
        return False
    if _FIELD.match(begin):
        return True
    return None if len(begin) < _DECIDED and not re.search(r"[\r\n<]", begin) else False


def _documents(text: str) -> Iterator[Any]:
    """What a body that is no stream of events has: one document, or one on each line."""
    text = text.strip()
    if not text:
        return
    found = _parsed(text)
    if found is not None:
        if not isinstance(found[0], dict):
            raise GarbledError(text, cut=False)
        yield found[0]
        return
    for line in filter(None, map(str.strip, text.splitlines())):
        each = _parsed(line)
        if each is None or not isinstance(each[0], dict):
            raise GarbledError(text, cut=text[:1] in "{[")
        yield each[0]


def _parsed(text: str) -> tuple[Any] | None:
    """The document that a text is, in a tuple, or None if it is none."""
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None
