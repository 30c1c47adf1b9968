"""Files as values: what a tool returns that is no text, and what comes with a question."""

from __future__ import annotations

import base64
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from os import PathLike
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final, NoReturn

from typing_extensions import TypeIs

from superscalar.errors import UsageError
from superscalar.everyday import record_fields
from superscalar.short import cut
from superscalar.unseen import HIDDEN, JOINING

MAX_BYTES: Final = 100_000_000
"""Bytes that one attachment may have."""

UNKNOWN: Final = "application/octet-stream"
"""The media type of what nobody knows the kind of."""

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_UNSEEN: Final = re.compile(rf"[\x00-\x1f\x7f-\x9f{HIDDEN}{JOINING}]+")
_LONGEST_NAME: Final = 200
_LONGEST_URI: Final = 2_000
_TEXTS: Final = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|toml|javascript|sql)|application/x-(?:yaml|sh)"
)
_PACKED: Final[Mapping[str, str]] = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
_BEGINS: Final[Mapping[str, re.Pattern[bytes]]] = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
"""How files of the kinds begin that most models take."""


class Attachment:
    """A file as a value: an image, a sound, a document. Tools return it and take it, and plans hand it on as it is.

        picture = Attachment.from_path("chart.png")

    `media_type` says of which kind it is, such as "image/png". `content`: its bytes. `uri`: where it is from or, of one
    without content, where it is; nobody here follows that, nor has a provider follow it. `name`: what people call it.
    Name and address are kept to one line of characters that can be seen.

    Nothing of it can be changed, so it is never copied. To a plan it is an opaque value; a journal keeps it whole.

    Raises:
        UsageError: the media type is none, the content is no bytes or more than 100 MB, or a name or address no text.
    """

    # No dataclass: a plan would read the fields of one, and base64 in a prompt is of no use to a model.
    __slots__ = ("_digest", "content", "media_type", "name", "uri")

    content: bytes
    media_type: str
    name: str
    uri: str
    _digest: str

    def __init__(self, media_type: str, content: bytes = b"", *, uri: str = "", name: str = "") -> None:
        if not isinstance(media_type, str) or _TYPE.fullmatch(media_type) is None:
            raise UsageError(f'Attachment({cut(repr(media_type), 100)}): write its media type, such as "image/png"')
        if not isinstance(content, bytes):
            raise UsageError(f"Attachment(content=...): write bytes; this is {type(content).__name__}")
        for part, said in (("uri", uri), ("name", name)):
            if not isinstance(said, str):
                raise UsageError(f"Attachment({part}=...): write a text; this is {type(said).__name__}")
        if len(content) > MAX_BYTES:
            raise UsageError(f"an attachment of {len(content):,} bytes: {MAX_BYTES:,} are the most that one may have")
        for slot, value in (
            ("media_type", media_type),
            ("content", content),
            ("uri", _line(uri, _LONGEST_URI)),
            ("name", _line(name, _LONGEST_NAME)),
            ("_digest", ""),
        ):
            object.__setattr__(self, slot, value)

    @classmethod
    def from_path(cls, path: str | PathLike[str], media_type: str | None = None) -> Attachment:
        """Read a file. Its kind is that of its first bytes, or else of its name, unless `media_type` says.

        Raises:
            UsageError: it cannot be read, is no regular file, or has more than 100 MB.
        """
        file = Path(path)
        try:
            found = file.stat()
            if not S_ISREG(found.st_mode):
                raise UsageError(f"{file} is no file: it cannot be attached")
            if found.st_size > MAX_BYTES:
                raise UsageError(f"{file} has {found.st_size:,} bytes: {MAX_BYTES:,} are the most that can be attached")
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: no path has such a character
            raise UsageError(f"{file} cannot be attached: {getattr(error, 'strerror', None) or error}") from error
        return cls.from_bytes(content, media_type, name=file.name)

    @classmethod
    def from_bytes(cls, content: bytes, media_type: str | None = None, *, name: str = "") -> Attachment:
        """Make one of bytes. Its kind is that of the first of them, or else of its name, unless `media_type` says.

        Raises:
            UsageError: as for the class.
        """
        if media_type is None and isinstance(content, bytes):
            media_type = next((kind for kind, begin in _BEGINS.items() if begin.match(content)), None)
        import mimetypes  # here, as few programs need it

        named, packed = mimetypes.guess_type(name) if media_type is None and isinstance(name, str) else (None, None)
        return cls(media_type or media_type_of(named if packed is None else _PACKED.get(packed)), content, name=name)

    # ---------------------------------------------------------------------------------------------------- what it is

    @property
    def size(self) -> int:
        """Count its bytes."""
        return len(self.content)

    @property
    def text(self) -> str | None:
        """Return its text, if its kind is one of texts and it is UTF-8; None else."""
        if not self.content or _TEXTS.fullmatch(self.media_type) is None:
            return None
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of its content, in hexadecimal."""
        if not self._digest:
            object.__setattr__(self, "_digest", hashlib.sha256(self.content).hexdigest())
        return self._digest

    @property
    def is_what_it_says(self) -> bool:
        """Tell whether its content begins as files of its kind do; of most kinds nobody knows how they begin."""
        begin = _BEGINS.get(self.media_type)
        return begin is None or begin.match(self.content) is not None

    @property
    def base64(self) -> str:
        """Return its content in base64."""
        return base64.b64encode(self.content).decode("ascii")

    @property
    def told(self) -> str:
        """Say in one line of what kind and how large it is, without a word of whoever named it."""
        return f"{self.media_type}, {self.size:,} bytes" if self.content else f"{self.media_type}, no content"

    def __repr__(self) -> str:
        about = f"at {self.uri}" if self.uri and not self.content else self.name
        told = self.told if self.content or not self.uri else self.media_type
        return f"<{told}, {about}>" if about else f"<{told}>"

    # ---------------------------------------------------------------------------------------------------- as a value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attachment) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an attachment cannot be changed: `{name}`; make another one", name=name, obj=self)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an attachment cannot be changed: `{name}`", name=name, obj=self)

    def __copy__(self) -> Attachment:
        return self

    def __deepcopy__(self, memo: object) -> Attachment:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, self._parts

    @property
    def _parts(self) -> tuple[str, bytes, str, str]:
        return self.media_type, self.content, self.uri, self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic that an argument of this class is an object of it, and nothing that could be made into one."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    # ----------------------------------------------------------------------------------------------- names of before

    @property
    def kind(self) -> str:
        """Return "image", "audio" or "resource" by its media type, or "resource_link" if it is an address alone."""
        if not self.content:
            return "resource_link"
        kind = self.media_type.partition("/")[0]
        return kind if kind in ("image", "audio") else "resource"

    @property
    def mime_type(self) -> str:
        """Return what is called `media_type` now."""
        warnings.warn("Attachment.mime_type is called media_type now", DeprecationWarning, stacklevel=2)
        return self.media_type

    @property
    def data(self) -> str:
        """Return the text of a resource, or else the content in base64: now `text`, `content` and `base64`."""
        warnings.warn("Attachment.data: write content, text or base64 now", DeprecationWarning, stacklevel=2)
        text = self.text if self.kind == "resource" else None
        return self.base64 if text is None else text


def _made(media_type: str, content: bytes, uri: str, name: str) -> Attachment:
    return Attachment(media_type, content, uri=uri, name=name)


def _line(text: str, most: int) -> str:
    """A text of others on one line, of what can be seen."""
    return cut(_UNSEEN.sub(" ", text).strip(), most) if text else ""


def media_type_of(said: str | None, otherwise: str = UNKNOWN) -> str:
    """The media type in what a server or a header says, without its parameters; `otherwise` where it says none."""
    named = (said or "").partition(";")[0].strip().lower()
    return named if _TYPE.fullmatch(named) else otherwise


def is_one_of(media_type: str, patterns: tuple[str, ...]) -> bool:
    """Whether a media type is among these, of which one such as "image/*" stands for all of that kind."""
    kind = media_type.partition("/")[0]
    return any(pattern in (media_type, f"{kind}/*") for pattern in patterns)


def is_attachment(value: object) -> TypeIs[Attachment]:
    """Whether a value is a file. What it says of its class itself is not asked: it may lie, or raise."""
    return issubclass(type(value), Attachment)


def attachments_in(value: Any, most: int = 100_000) -> Iterator[tuple[str, Attachment]]:
    """The attachments in a value of lists, sets, dicts and records, each with the steps that lead to it: `.pages[2]`.

    No more than so many parts are looked at.
    """
    left: list[tuple[str, Any]] = [("", value)]
    while left and most > 0:
        path, part = left.pop()
        if is_attachment(part):
            most -= 1
            yield path, part
            continue
        named, dot = _named_parts(part, most)
        most -= max(len(named), 1)
        inner = [(key, item) for key, item in named if type(item) not in _WITHOUT_PARTS]
        left += [(path + _step(key, dot), item) for key, item in reversed(inner)]


_WITHOUT_PARTS: Final = frozenset({type(None), bool, int, float, str, bytes})


def _step(key: Any, dot: str = "") -> str:
    """How a part is got at, on one line: what a stranger called it may be any text."""
    if dot and str.isidentifier(key):
        return f"{dot}{cut(key, 60)}"
    return f"[{_line(repr(key) if type(key) in _WITHOUT_PARTS else '...', 60)}]"


def _named_parts(value: Any, most: int) -> tuple[list[tuple[Any, Any]], str]:
    """The first parts of a value, each with its place or name, and what stands before that."""
    named: Iterable[tuple[Any, Any]]
    try:
        if type(value) in (list, tuple) or isinstance(value, Set):
            named, dot = enumerate(value), ""
        elif type(value) is dict:
            named, dot = value.items(), ""
        else:
            named, dot = (record_fields(value) or {}).items(), "."
        return list(islice(named, most)), dot
    except Exception:  # noqa: BLE001 -- the class of a record, or of a set, is a tool's own code
        return [], ""
