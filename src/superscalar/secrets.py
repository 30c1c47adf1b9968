"""What is secret in a run, in all the forms in which libraries write it, kept out of every text that leaves the run."""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import unescape
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, Final, TypeAlias

from superscalar.values import WITHHELD, Withheld, record_fields

SHORTEST: Final = 8
"""Characters of the shortest secret that is looked for: a shorter one would be found in texts that have none."""

MARK: Final = repr(WITHHELD)
"""What stands in a text in the place of a secret."""

Redact: TypeAlias = Callable[[str], str]
"""An agent's own hook: a text without what is not to leave the run, such as personal data."""

_LONGEST_PART: Final = 32  # bytes of the beginning, or end, of a long secret that are taken for it
_LEVELS: Final = 3  # of escapes in escapes that are undone: a URL in JSON in a repr
_MOST: Final = 10_000  # objects of a context that are looked into
_DEEPEST: Final = 8
_LINE: Final = 16  # characters of a line of a secret with several that is one too
_WINDOW: Final = 1 << 16  # bytes of a long text that are looked at together, unless a secret is long
_ESCAPED: Final = 16  # bytes that one of a secret takes, escaped as deeply as is undone
_ESCAPES: Final = re.compile(
    rb"%(?P<percent>[0-9A-Fa-f]{2})|&(?P<entity>\w{2,6}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});|\\(?:"
    rb"u(?P<pair>[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})|u(?P<short>[0-9A-Fa-f]{4})|"
    rb"U(?P<long>00[01][0-9A-Fa-f]{5})|x(?P<byte>[0-9A-Fa-f]{2})|(?P<plain>[nrtbf\"'/\\]))"
)
_PLAIN: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_AFTER: Final = re.compile(rb"[A-Za-z0-9+/_-]?(?:=|%3[dD]){0,2}")  # what ends a text in base64, behind what is sure

Stretch: TypeAlias = "tuple[int, int]"


class Scrubber:
    """Knows the secrets of one run, and finds them in texts: as they are, and in the forms that libraries write.

    Those are: quoted for a URL, wholly or in part; escaped as in JSON, a repr or HTML, also one in the other; base64 at
    each alignment, also for URLs and without padding; hexadecimal; and the beginning or end of a long one (half of it,
    32 bytes are enough), which is what a text that cuts values shows. What takes it apart in another way is not found:
    a secret in several items of a list, encrypted, compressed, or reversed.

    It is false as long as it has nothing to do. The time that it takes is linear in the text.
    """

    def __init__(self, secrets: Iterable[Any] = (), redact: Redact | None = None) -> None:
        self._known: set[bytes] = set()
        self._needles: dict[bytes, tuple[bytes, bytes, bool]] = {}  # how it begins and ends, and whether it is base64
        self._redact = redact
        self.learn(secrets)

    def __bool__(self) -> bool:
        return bool(self._needles) or self._redact is not None

    def learn(self, value: Any) -> None:
        """Take every text in a value for a secret, and what a value of pydantic's secret types gives on request."""
        for text in _texts_in(value):
            lines = [line for line in text.splitlines() if len(line) >= _LINE and b"-----" not in line]
            for secret in {text, text.strip(), *(lines if b"\n" in text.strip() else ())} - self._known:
                if len(secret.decode("utf-8", "replace")) >= SHORTEST:
                    self._known.add(secret)
                    self._needles.update({form: _ends(form, in_base64) for form, in_base64 in _forms(secret)})

    def __call__(self, text: str) -> str:
        """A text as it may leave the run: without what is secret, and then what `redact` makes of it.

        A hook that raises, or gives no text, has said of nothing that it may leave: a sentence stands for the text.
        """
        text = self.without(text)
        if self._redact is None or not text:
            return text
        try:
            redacted = self._redact(text)
        except Exception as error:  # noqa: BLE001 -- the hook is the user's code
            return f"(withheld: redact= raised {type(error).__name__})"
        return (
            redacted
            if isinstance(redacted, str)
            else f"(withheld: redact= gave no text, but {type(redacted).__name__})"
        )

    def without(self, text: str) -> str:
        """A text without what is secret."""
        if not self._needles:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = _merged(self._spans(data))
        if not spans:
            return text
        made, done = [], 0
        for begin, end in spans:
            made += [data[done:begin], MARK.encode()]
            done = end
        rest = b"".join([*made, data[done:]])
        try:
            return rest.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:  # what was taken out ended inside a character
            return rest.decode("utf-8", "replace")

    def finds(self, text: str) -> bool:
        """Whether there is something secret in a text."""
        return bool(self._needles) and next(self._spans(text.encode("utf-8", "surrogatepass")), None) is not None

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may begin a secret that its next piece has the rest of."""
        data = text.encode("utf-8", "surrogatepass")
        most = 0
        whole = _merged(self._spans(data))
        for needle in self._needles:
            for count in range(min(len(needle) - 1, len(data)), most, -1):
                place = len(data) - count
                if data.endswith(needle[:count]) and not any(begin < place < end for begin, end in whole):
                    most = count
                    break
        return len(data[len(data) - most :].decode("utf-8", "replace"))

    def _spans(self, data: bytes) -> Iterator[Stretch]:
        """What is secret in a text. A long one is looked at window by window: undoing escapes takes much memory."""
        size = max(_WINDOW, _ESCAPED * max(map(len, self._needles), default=0))  # no secret is in three of them
        begin = 0
        while len(data) - begin > size:
            yield from self._spans_from(begin, data[begin : begin + size])
            begin = _between_escapes(data, begin + size - 2 * _ESCAPED * _LONGEST_PART)
        yield from self._spans_from(begin, data[begin:] if begin else data)

    def _spans_from(self, place: int, data: bytes) -> Iterator[Stretch]:
        for begin, end in self._spans_within(data):
            yield place + begin, place + end

    def _spans_within(self, data: bytes, level: int = 0) -> Iterator[Stretch]:
        for needle, (head, tail, in_base64) in self._needles.items():
            for begin, end in _found(data, needle, head, tail):
                after = _AFTER.match(data, end) if in_base64 else None
                yield begin, end if after is None else after.end()
        if level < _LEVELS and (b"%" in data or b"\\" in data or b"&" in data):
            plain, places = _unescaped(data)
            if places:
                for begin, end in self._spans_within(plain, level + 1):
                    yield _place(places, begin)[0], _place(places, end - 1)[1]


# --------------------------------------------------------------------------------------------------------- the forms


def _forms(secret: bytes) -> Iterator[tuple[bytes, bool]]:
    """What stands for a secret once escapes are undone, and whether it is base64."""
    yield secret, False
    for undone in {_by_byte(secret, str.isprintable), _by_byte(secret, str.isascii)} - {secret}:
        yield undone, False
    if b" " in secret:
        yield secret.replace(b" ", b"+"), False
    yield secret.hex().encode(), False
    yield secret.hex().upper().encode(), False
    for before in range(3):  # bytes of another text in the first group
        encoded = base64.b64encode(bytes(before) + secret)
        unsure = (0, 3, 2)[(before + len(secret)) % 3]
        sure = encoded[(0, 2, 3)[before] : len(encoded) - unsure]
        yield sure, True
        yield sure.translate(bytes.maketrans(b"+/", b"-_")), True


def _by_byte(secret: bytes, as_it_is: Callable[[str], bool]) -> bytes:
    """A secret as it is once `%e9` is undone, which stands for a character or for a byte.

    `as_it_is` says of what it is not written so: a repr does it to what cannot be printed, `ascii` to all but ASCII.
    """
    try:
        text = secret.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = secret.decode("latin-1")
    return b"".join(
        [c.encode("latin-1" if c < "\u0100" and not as_it_is(c) else "utf-8", "surrogatepass") for c in text]
    )


def _ends(form: bytes, in_base64: bool) -> tuple[bytes, bytes, bool]:
    enough = min(len(form), max(SHORTEST, min((len(form) + 1) // 2, _LONGEST_PART)))
    return form[:enough], form[len(form) - enough :], in_base64


def _found(data: bytes, needle: bytes, head: bytes, tail: bytes) -> Iterator[Stretch]:
    at = data.find(head)
    while at >= 0:
        end = at + len(head)
        while end - at < len(needle) and data[end : end + 1] == needle[end - at : end - at + 1]:
            end += 1
        yield at, end
        at = data.find(head, at + 1)
    if len(head) == len(needle):
        return
    at = data.find(tail)
    while at >= 0:
        begin, end = at, at + len(tail)
        while begin and end - begin < len(needle) and data[begin - 1] == needle[len(needle) - (end - begin) - 1]:
            begin -= 1
        yield begin, end
        at = data.find(tail, at + 1)


def _merged(spans: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


class _Places(list[tuple[int, int, int]]):
    """Where what was escaped stands: by its place behind, its place before, and its length before."""


def _unescaped(data: bytes) -> tuple[bytes, _Places]:
    """A text with its escapes undone once, and where each was."""
    made: list[bytes] = []
    places = _Places()
    done = size = 0
    for match in _ESCAPES.finditer(data):
        begin, end = match.span()
        plain = _meant(match)
        if plain is None:
            continue
        made += [data[done:begin], plain]
        size += begin - done
        places.append((size, begin, end - begin))
        size += len(plain)
        places.append((size, end, 0))
        done = end
    return b"".join([*made, data[done:]]), places


def _between_escapes(data: bytes, at: int) -> int:
    """A place at most a few bytes before `at` at which no escape with backslashes is begun, at any level."""
    before = data[max(at - _WINDOW, 0) : at]
    return at - (len(before) - len(before.rstrip(b"\\"))) % (1 << _LEVELS)


def _meant(match: re.Match[bytes]) -> bytes | None:
    kind, said = match.lastgroup, match[match.lastgroup or 0]
    match kind:
        case "percent" | "byte":
            return bytes([int(said, 16)])
        case "entity":
            text = unescape(f"&{said.decode('ascii', 'replace')};")
            return None if text.startswith("&") and len(text) > 1 else text.encode("utf-8", "replace")
        case "pair":
            high, low = int(said[:4], 16), int(said[6:], 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).encode()
        case "short" | "long":
            return chr(min(int(said, 16), 0x10FFFF)).encode("utf-8", "surrogatepass")
        case _:
            return _PLAIN.get(said, said)


def _place(places: _Places, at: int) -> Stretch:
    """Where a byte of a text without escapes stood before: from and to."""
    index = bisect_right(places, at, key=lambda place: place[0]) - 1
    if index < 0:
        return at, at + 1
    behind, before, length = places[index]
    return (before, before + length) if length else (before + at - behind, before + at - behind + 1)


# --------------------------------------------------------------------------------------------------------- in values


def _texts_in(value: Any, depth: int = 0) -> Iterator[bytes]:
    if hasattr(type(value), "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, str):
        yield str.encode(value, "utf-8", "surrogatepass")
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10 ** (SHORTEST - 1):
        yield (b"%d" % value) if value.bit_length() < 1_024 else b""
    elif depth < _DEEPEST:
        inner = value if isinstance(value, dict) else record_fields(value)
        for part in _parts(value) if inner is None else inner.values():
            yield from _texts_in(part, depth + 1)


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple | set | frozenset) else ()


def secrets_in(context: Any) -> Iterator[Any]:
    """What the secret types of pydantic hold, wherever one stands in a context.

    It looks into collections and the attributes of objects, eight deep and into 10,000 of them; nothing is called but
    `get_secret_value`.
    """
    seen: set[int] = set()
    left = [(context, 0)]
    while left and len(seen) < _MOST:
        value, depth = left.pop()
        kind = type(value)
        if kind in _NO_HOLDERS or id(value) in seen or isinstance(value, type) or callable(value):
            continue
        seen.add(id(value))
        if hasattr(kind, "get_secret_value"):
            yield value
        elif depth < _DEEPEST:
            left += [(part, depth + 1) for part in _held(value) if type(part) not in _NO_HOLDERS]


_NO_HOLDERS: Final = frozenset(
    {type(None), bool, int, float, str, bytes, complex, ModuleType, FunctionType, MethodType}
)


def _held(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from dict.keys(value)
        yield from dict.values(value)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    own = getattr(value, "__dict__", None)
    if type(own) is dict:
        yield from own.values()
    kind: Any = type(value)
    for slot in _slots_of(kind):
        try:
            yield slot.__get__(value)
        except AttributeError:  # it is not set
            continue


@lru_cache(maxsize=1_024)
def _slots_of(kind: Any) -> tuple[MemberDescriptorType, ...]:
    """Where the objects of a class hold what is in no `__dict__` of theirs."""
    members = (member for base in kind.__mro__ for member in vars(base).values())
    return tuple(member for member in members if type(member) is MemberDescriptorType)


def lacks_secret(value: Any, depth: int = 0) -> bool:
    """Whether something of a value was withheld: it is not what the value was."""
    if isinstance(value, Withheld) or depth > 200:
        return True
    if isinstance(value, dict):
        return any(lacks_secret(part, depth + 1) for pair in value.items() for part in pair)
    inner = record_fields(value)
    if inner is not None:
        return any(lacks_secret(part, depth + 1) for part in inner.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(lacks_secret(part, depth + 1) for part in value)
    return False


# ------------------------------------------------------------------------------------------------------------ in URLs

_URL: Final = re.compile(
    r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?:[^\s/?#'\"<>@]*@)?(?P<rest>[^\s?#'\"<>]*)(?P<query>[?#][^\s'\"<>)]*)?"
)
_PATH: Final = re.compile(r"(?P<path>/[^\s?#'\"<>]*)\?[\w%.~\[\]-]+=[^\s'\"<>)]*")


def without_queries(text: str) -> str:
    """The text of an exception without what its URLs have in front of the host and behind the path."""
    if "://" in text:
        text = _URL.sub(lambda url: f"{url['scheme']}{url['rest']}{'?...' if url['query'] else ''}", text)
    return _PATH.sub(r"\g<path>?...", text) if "?" in text else text
