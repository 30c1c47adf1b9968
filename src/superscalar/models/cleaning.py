"""What a model said is told from what it thought, and both from the marks of its chat template.

A reply may hold `<think>` blocks (also `thinking`, `thought`, `reasoning`, `reflection`, `analysis`, `scratchpad`),
channels as of gpt-oss (all but `final` are thoughts), and tokens that a server let through (`</s>`, `<|im_end|>`). A
closing tag without its opening one says that all before it was a thought: that is known only then, so what was said is
withdrawn. Marks are told apart from text that quotes them, in doubt in favour of a mark, since what is taken for a
thought is never run:

- A mark right between two quotes of one kind, or between backticks, is quoted.
- So is one inside a string of a line that, for itself, is a statement of Python or a member of a JSON object: the line
  is waited for where a string is open before the mark.
- In text between triple quotes tokens stand as they are, but tags count. What opens it stands on a line of code.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from superscalar.errors import ModelError
from superscalar.models.base import ChatModel, Chunk, Request, closable
from superscalar.models.files import as_taken
from superscalar.models.surrogates import without_halves

_NAMES: Final = "think|thinking|thought|reasoning|reflection|analysis|scratch_?pad"
_MARK: Final = re.compile(
    rf"<(?P<close>/?)(?P<tag>{_NAMES})(?:[ \t][^<>\n]{{0,80}})?>"
    r"|<\|(?P<token>[^\s<>|]{1,40})\|>"
    r"|<\uFF5C(?P<wide>[^<>|\n\uFF5C]{1,40})\uFF5C>"
    r"|<(?P<bare>/?s|eos|bos|pad|unk|start_of_turn|end_of_turn)>",
    re.IGNORECASE,
)
_MAY_BECOME_MARK: Final = re.compile(
    rf"<(?:/?(?:{_NAMES})[ \t][^<>\n]{{0,80}}|/?[a-z_]{{0,13}}|\|[^\s<>|]{{0,40}}\|?"
    r"|\uFF5C[^<>|\n\uFF5C]{0,40}\uFF5C?)\Z",
    re.IGNORECASE,
)
_FINAL: Final = "final"
_NO_CHANNEL: Final = "?"
_OTHERS: Final = frozenset({"user", "system", "developer", "tool", "observation", "function", "human"})
_LONGEST_HEADER: Final = 200
_MOST_ON_A_LINE: Final = 100

Header: TypeAlias = Literal["channel", "turn", "role", "line"]
"""What stands between two marks: a channel's name, a turn's role up to its channel, a role up to a mark or its line."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a reply: text of it, what was thought, or all text so far, `withdrawn` since it was no part of it."""

    kind: Literal["text", "thought", "withdrawn"]
    text: str = ""


class Cleaner:
    """Tells the text of one reply from thoughts and marks, as it comes; any chunking gives the same.

    `feed` returns what is known by now, `finish` the rest. A thought that nothing closes goes on to the end. `lone`: a
    tag closed a thought that nothing had opened.
    """

    def __init__(self) -> None:
        self.lone = False
        self._waiting = ""  # what is not decided yet: it begins with a mark, or with what may become one
        self._line: list[str] = []  # what stands before that on its line, behind the last mark that was none of text
        self._marks = 0  # of text, on that line
        self._said: list[str] = []  # all text that stands
        self._inside: list[str] = []  # the tags of the thoughts that are open
        self._just_opened = False
        self._channel = ""  # of the text that comes; empty as long as there are none
        self._header: Header | None = None
        self._name: list[str] = []  # what the header has so far
        self._struck = 0
        self._over = False  # the turn of somebody else has begun

    def feed(self, text: str) -> list[Piece]:
        """Take the next piece of the reply."""
        self._waiting += text
        return list(_joined(self._decided(last=False)))

    def finish(self) -> list[Piece]:
        """The reply has ended."""
        return list(_joined(self._decided(last=True)))

    def _decided(self, *, last: bool) -> Iterator[Piece]:
        text, begin = self._waiting, 0
        while begin < len(text):
            at = text.find("<", begin)
            if at != begin:
                at = len(text) if at < 0 else at
                yield from self._plain(text[begin:at])
                begin = at
                continue
            found = _MARK.match(text, at)
            if found is None:
                if not last and _MAY_BECOME_MARK.match(text, at):
                    break
                yield from self._plain("<")
                begin += 1
                continue
            quoted = self._is_quoted(found, last=last)
            if quoted is None:
                break
            if quoted:
                yield from self._plain(found.group())
            else:
                self._line.clear()
                yield from self._mark(found)
            begin = found.end()
        self._waiting = text[begin:]
        if last and self._header == "line":
            yield from self._role("".join(self._name))

    # ------------------------------------------------------------------------------------------------------- text

    def _plain(self, text: str) -> Iterator[Piece]:
        """Text without a mark, or with one that is quoted."""
        if "\n" in text:
            self._line.clear()
            self._marks = 0
        self._line.append(text.rpartition("\n")[2])
        if self._header is not None:
            self._name.append(text)
            yield from self._in_header(self._header)
        elif not self._over:
            yield from self._given(text)

    def _given(self, text: str) -> Iterator[Piece]:
        if not text:
            return
        if self._inside or self._channel not in ("", _FINAL):
            self._just_opened = self._just_opened and not text.strip()
            yield Piece("thought", text)
        else:
            self._said.append(text)
            yield Piece("text", text)

    def _in_header(self, header: Header) -> Iterator[Piece]:
        """A header has grown: it ends with its line, or was none if nothing ends it."""
        name = "".join(self._name)
        line, newline, rest = name[:_LONGEST_HEADER].partition("\n")
        if header == "line" and newline:
            self._header = None
            yield from self._role(line)
            yield from self._given(rest + name[_LONGEST_HEADER:] if not self._over else "")
        elif len(name) > _LONGEST_HEADER:
            self._header = None
            yield from self._given(name)

    def _withdraw(self) -> Iterator[Piece]:
        if self._has_spoken():
            yield Piece("withdrawn", "".join(self._said))
        self._said.clear()

    def _has_spoken(self) -> bool:
        return any(map(str.strip, self._said))

    # ------------------------------------------------------------------------------------------------------ marks

    def _mark(self, found: re.Match[str]) -> Iterator[Piece]:
        sign = (found["token"] or found["wide"] or found["bare"] or "").lower()
        if self._over:
            return
        if found["tag"] is not None:
            tag = found["tag"].lower()
            yield from self._closed(tag) if found["close"] else self._opened(tag)
        elif sign == "channel":
            if not self._channel:
                yield from self._withdraw()  # where there are channels, what stands in none is none of the reply
            self._begin_header("channel", _NO_CHANNEL)
        elif sign == "start":
            self._begin_header("turn", _NO_CHANNEL)
        elif sign == "message":
            yield from self._begin_message()
        elif sign in ("end", "return", "call") and self._channel:
            self._channel = _NO_CHANNEL
        elif sign in ("im_start", "start_of_turn"):
            self._begin_header("line", self._channel)
        elif sign == "start_header_id":
            self._begin_header("role", self._channel)
        elif sign == "end_header_id" and self._header == "role":
            self._header = None
            yield from self._role("".join(self._name))
        elif sign in _OTHERS:
            yield from self._role(sign)
        elif sign in ("s", "/s") and (self._struck if sign == "/s" else self._has_spoken()):
            self._struck += 1 if sign == "s" else -1  # text that is struck out, in HTML
            yield from self._plain(found.group())

    def _opened(self, tag: str) -> Iterator[Piece]:
        if not self._inside or (tag == self._inside[-1] and not self._just_opened):
            self._inside.append(tag)
        self._just_opened = True
        yield from ()

    def _closed(self, tag: str) -> Iterator[Piece]:
        self._just_opened = False
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.pop()
        elif self._channel in ("", _FINAL):
            self.lone = True
            if not self._has_spoken():  # but an earlier reply, which this one goes on from, may have
                yield Piece("withdrawn", "".join(self._said))
            yield from self._withdraw()

    def _begin_header(self, header: Header, channel: str) -> None:
        self._header, self._channel = header, channel
        self._name.clear()

    def _begin_message(self) -> Iterator[Piece]:
        """What follows stands in the channel that was named."""
        header, self._header = self._header, None
        name = "".join(self._name).split() if header is not None else "".join(self._said).split()
        word = name[0].lower() if name else ""
        if header is None and not (len(name) == 1 and word in ("analysis", "commentary", _FINAL)):
            return  # no mark of a channel was let through, and none can be told
        if header == "turn":
            yield from self._role(word)
            word = _FINAL
        self._channel = word or _NO_CHANNEL
        if self._channel == _FINAL or header is None:
            yield from self._withdraw()

    def _role(self, role: str) -> Iterator[Piece]:
        """Somebody's turn begins: what a model says in the name of others is no part of its reply."""
        self._header = None
        self._over = role.strip().lower() in _OTHERS and self._has_spoken()
        yield from ()

    # ---------------------------------------------------------------------------------------------------- quoting

    def _is_quoted(self, found: re.Match[str], *, last: bool) -> bool | None:
        """Whether a mark is only spoken of; None as long as that is open."""
        text, line = found.string, "".join(self._line)
        if line.endswith(('"', "'", "`")):
            if found.end() == len(text) and not last:
                return None
            if text[found.end() : found.end() + 1] == line[-1]:
                return True
        if found["tag"] is None and self._in_triple_quotes():
            return True
        if self._marks >= _MOST_ON_A_LINE or not _leaves_string_open(line):
            return False
        end = text.find("\n", found.end())
        if end < 0 and not last:
            return None
        self._marks += 1
        return _is_code(line + text[found.start() : end if end >= 0 else len(text)])

    def _in_triple_quotes(self) -> bool:
        said = "".join(self._said)
        for quotes in ('"""', "'''"):
            before, opening, _ = said.rpartition(quotes)
            if opening and said.count(quotes) % 2 and _is_code(before.rpartition("\n")[2] + quotes * 2):
                return True
        return False


def _leaves_string_open(line: str) -> bool:
    """Whether a string of Python is open at the end of a line that begins outside of any."""
    quote, position = "", 0
    while position < len(line):
        sign = line[position]
        if quote:
            if sign == "\\":
                position += 1
            elif line.startswith(quote, position):
                position += len(quote) - 1
                quote = ""
        elif sign in "\"'":
            quote = sign * 3 if line.startswith(sign * 3, position) else sign
            position += len(quote) - 1
        elif sign == "#":
            return False
        position += 1
    return bool(quote)


def _is_code(line: str) -> bool:
    """Whether a line for itself is a statement of Python, or a part of one between brackets, or a member in JSON."""
    core = line.strip()
    inner = core.strip("{}[](), \t")
    candidates = (core, f"{core} pass", f"{core.rstrip(', ')})", core.rstrip(")]}, "), f"{{{inner}}}", f"f({inner})")
    return any(map(_can_be_read, candidates))


def _can_be_read(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same in as few pieces as possible."""
    before: Piece | None = None
    for piece in pieces:
        if before is not None and before.kind == piece.kind:
            before = replace(before, text=before.text + piece.text)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


# ----------------------------------------------------------------------------------------------------------- models

_thinking_aloud: set[str] = set()


def thinks_aloud(model: ChatModel) -> bool:
    """Whether a reply of the model of this name, in this process, had a thought that nothing had opened."""
    return model.name in _thinking_aloud


def _of_whole_characters(request: Request) -> Request:
    """The same request without lone halves of characters, which have no form in UTF-8."""
    said = [without_halves(message.text) for message in request.messages]
    if all(text is message.text for text, message in zip(said, request.messages, strict=True)):
        return request
    return replace(
        request,
        messages=tuple(
            replace(message, text=text).in_place_of(message)
            for text, message in zip(said, request.messages, strict=True)
        ),
    )


async def replies(model: ChatModel, request: Request) -> AsyncGenerator[Chunk, None]:
    """A model's reply, cleaned: of each chunk `text` is what it said, `thought` what it thought.

    Of the files in the request it is given those that it takes, and of its texts what can be sent: half a character,
    as a command line in another encoding has, does not end the run.

    Raises:
        ModelError: as the model raises it; or it waited for something in vain, and raised `TimeoutError`.
    """
    cleaner = Cleaner()
    try:
        async with aclosing(closable(model.stream(as_taken(model, _of_whole_characters(request))))) as chunks:
            async for chunk in chunks:
                pieces = cleaner.feed(chunk.text) if chunk.text else []
                if chunk.finish is not None:
                    pieces += cleaner.finish()
                if cleaner.lone:
                    _thinking_aloud.add(model.name)
                for piece in pieces:
                    yield _chunk(piece)
                rest = replace(chunk, text="")
                if rest != Chunk():
                    yield rest
    except TimeoutError as error:  # whoever waits for the reply must not take it for the end of its own patience
        raise ModelError(f"{model.name} gave up waiting: {str(error) or 'it timed out'}", retryable=True) from error
    for piece in cleaner.finish():
        yield _chunk(piece)


def _chunk(piece: Piece) -> Chunk:
    match piece.kind:
        case "text":
            return Chunk(piece.text)
        case "thought":
            return Chunk(thought=piece.text)
        case "withdrawn":
            return Chunk(thought=piece.text, withdrawn=True)
